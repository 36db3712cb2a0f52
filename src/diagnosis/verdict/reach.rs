//! Which references of a resource lead to what a message names, directly or within a key.

use std::collections::BTreeSet;

use super::{Case, Seen};
use crate::diagnosis::names::{Meaning, Sort, below, ends, steps};
use crate::graph::ResourceId;
use crate::model::{Reference, Target};

/// References of the resource that lead to what a name means. A reference to the thing itself counts
/// before one that reaches it through an abstract resource.
pub(super) fn leading_to<'a>(
    case: &Case<'a>,
    resource: ResourceId,
    meaning: &Meaning,
    path: Option<&str>,
) -> Vec<&'a Reference> {
    let graph = case.graph;
    let has = |id: Option<ResourceId>| id.is_some_and(|id| meaning.resources.contains(&id));
    let (mut exact, mut wider) = (Vec::new(), Vec::new());
    if matches!(meaning.sort, Sort::Child(_)) {
        return exact;
    }
    for reference in &graph.resource(resource).references {
        let by_alternative = reference.alternatives.iter().any(|name| has(graph.id(name)));
        match (&reference.target, &meaning.sort) {
            (Target::Abstract(entity), Sort::Abstract(named)) if entity == named => exact.push(reference),
            (Target::Resource(name), Sort::Resource) if has(graph.id(name)) || by_alternative => exact.push(reference),
            (Target::Resource(name), _) if has(graph.id(name)) => wider.push(reference),
            (Target::Abstract(entity), _) if graph.subclasses(entity).iter().any(|&id| has(Some(id))) => {
                wider.push(reference);
            }
            (Target::Unresolved(name), _) if unresolved_is(case, name, meaning) => wider.push(reference),
            _ => {}
        }
    }
    let found = if exact.is_empty() { wider } else { exact };
    let Some(path) = path else { return found };
    let there = case.names.at(resource, path);
    let both: Vec<&Reference> = found.iter().copied().filter(|r| there.iter().any(|t| t.path == r.path)).collect();
    if both.is_empty() { found } else { both }
}

/// Whether a property name that no document resolves can mean something.
fn unresolved_is(case: &Case<'_>, property: &str, meaning: &Meaning) -> bool {
    let lower = property.to_ascii_lowercase();
    meaning.resources.iter().any(|&id| lower.ends_with(&case.graph.resource(id).entity.to_ascii_lowercase()))
}

/// Whether a path of a message leads to a reference or into it; a DMS may leave out its first steps.
pub(super) fn leads(path: &str, reference: &Reference) -> bool {
    below(path, &reference.path) || (steps(path).len() <= 2 && ends(&reference.path, path))
}

/// References through which the resource carries the key of a person, with their keys.
pub(super) fn carried(case: &Case<'_>, resource: ResourceId, person: &Meaning) -> Option<Vec<Seen>> {
    let direct = leading_to_key(case, resource, person);
    (!direct.is_empty()).then(|| direct.into_iter().flat_map(|r| case.seen(r)).collect())
}

/// References whose key has that of a person within it.
pub(super) fn leading_to_key<'a>(case: &Case<'a>, resource: ResourceId, person: &Meaning) -> Vec<&'a Reference> {
    let references = case.graph.resource(resource).references.iter();
    references.filter(|reference| has_key_of(case, reference, person)).collect()
}

/// Whether the key of what a reference points to has the key of a person within it.
fn has_key_of(case: &Case<'_>, reference: &Reference, person: &Meaning) -> bool {
    let mut open = targets(case, reference);
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if person.resources.contains(&id) {
            return true;
        }
        if reached.insert(id) {
            // A descriptor of the key is a key field rather than an identifying reference.
            let key = &case.graph.details(id).key;
            let of_key = |r: &&Reference| r.identifying || key.iter().any(|f| f.paths.contains(&r.path));
            let identifying = case.graph.resource(id).references.iter().filter(of_key);
            open.extend(identifying.flat_map(|r| targets(case, r)));
        }
    }
    false
}

pub(super) fn targets(case: &Case<'_>, reference: &Reference) -> Vec<ResourceId> {
    match &reference.target {
        Target::Resource(name) => case.graph.id(name).into_iter().collect(),
        Target::Abstract(entity) => case.graph.subclasses(entity).to_vec(),
        Target::Unresolved(_) => Vec::new(),
    }
}
