//! Verdicts on requests that are denied for want of a relationship.

use serde_json::Value;

use super::references::carried;
use super::{Case, Judgement, Verdict, several};
use crate::diagnosis::catalogue::Nuance;
use crate::diagnosis::names::{Meaning, Sort};
use crate::diagnosis::response::Role;
use crate::graph::ResourceId;

/// No association relates the item to the client's education organizations.
pub(super) fn relationship(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let facts = case.facts;
    if facts.has(Nuance::NoClaims) {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            "The client has no education organization at all; no record that is loaded changes that.",
        );
    }
    let mut hinted = Vec::new();
    for name in facts.hints.iter().flat_map(|hint| &hint.associations) {
        match case.names.resolve(name, Some(resource)).map(|m| m.resources) {
            Some(resources) => hinted.extend(resources),
            None => {
                return Judgement::new(
                    Verdict::Inconclusive,
                    format!("This graph knows no {name}: another standard, or an extension is missing."),
                );
            }
        }
    }
    let Some(person) = person_of(case, &hinted) else { return without_person(case, resource) };
    let associations = if hinted.is_empty() { pathway_of(case, person) } else { hinted.clone() };
    let mut judgement = judge_person(case, resource, person, &hinted, &associations);
    judgement.pathway = Some((person, associations));
    judgement
}

/// The person that the message is about, and what makes it visible.
pub(super) fn pathway(case: &Case<'_>) -> Option<(ResourceId, Vec<ResourceId>)> {
    let names = case.facts.hints.iter().flat_map(|hint| &hint.associations);
    let hinted: Vec<ResourceId> =
        names.filter_map(|name| case.names.resolve(name, case.resource)).flat_map(|m| m.resources).collect();
    let person = person_of(case, &hinted)?;
    Some((person, if hinted.is_empty() { pathway_of(case, person) } else { hinted }))
}

/// The person that the message is about: by its name, by a property, by a hint.
fn person_of(case: &Case<'_>, hinted: &[ResourceId]) -> Option<ResourceId> {
    let people = || case.graph.pathways().iter().filter_map(|p| Some((case.graph.id(&p.person)?, p)));
    let named = case.facts.named.iter().find(|n| n.role == Role::Person);
    let by_name =
        named.and_then(|n| case.names.resolve(&n.text, case.resource)).and_then(|m| m.resources.first().copied());
    let by_property = || {
        let bases = case.facts.properties.iter().filter_map(|property| person_property(property));
        let mut found =
            bases.flat_map(|base| people().filter(move |(id, _)| base.ends_with(&*case.graph.resource(*id).entity)));
        found.next().map(|(id, _)| id)
    };
    // A contact's hint names the student's association as well: the person is the one whose own
    // pathway is named, and of several the one that waits for the others.
    let by_hint = || {
        let of = |names: &[crate::model::ResourceName]| {
            names.iter().any(|n| case.graph.id(n).is_some_and(|id| hinted.contains(&id)))
        };
        let mut found: Vec<(bool, ResourceId)> = people()
            .filter(|(_, p)| of(&p.associations))
            .map(|(id, p)| (!p.also_before_update.is_empty(), id))
            .collect();
        found.sort_unstable_by_key(|(waits, id)| (!waits, *id));
        found.first().map(|(_, id)| *id)
    };
    // An association that a host puts in place of the usual one still refers to the person.
    let by_reference = || {
        let mut all = people().map(|(id, _)| id);
        all.find(|&id| hinted.iter().any(|&association| case.graph.edge(id, association).is_some()))
    };
    by_name.or_else(by_property).or_else(by_hint).or_else(by_reference)
}

/// `Student` of `StudentUniqueId` and `StudentUSI`.
fn person_property(property: &str) -> Option<&str> {
    property.strip_suffix("UniqueId").or_else(|| property.strip_suffix("USI"))
}

fn pathway_of(case: &Case<'_>, person: ResourceId) -> Vec<ResourceId> {
    let found = case.graph.pathways().iter().find(|p| case.graph.id(&p.person) == Some(person));
    found.map(|p| p.associations.iter().filter_map(|name| case.graph.id(name)).collect()).unwrap_or_default()
}

/// Nothing but education organizations, or nothing at all, is named.
fn without_person(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let facts = case.facts;
    let short = case.short(resource);
    if facts.has(Nuance::ValueAbsent) {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "{} is needed to authorize {short}, but the record has no value for it.",
                several(&facts.properties, 4)
            ),
        );
    }
    // An entity with an education organization in its key, rather than the id of one.
    let entity = |property: &String| {
        let meaning = case.names.resolve(property, Some(resource));
        meaning.is_some_and(|m| m.resources.iter().all(|&id| case.graph.resource(id).superclass.is_none()))
    };
    if facts.properties.iter().any(entity) {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "The education organization of {} is not among the client's, or it does not exist. No order of loading changes a claim.",
                several(&facts.properties, 4)
            ),
        );
    }
    if !facts.properties.is_empty() {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "{} stands for an education organization: it is not among the client's, or it does not exist. No order of loading changes a claim.",
                several(&facts.properties, 4)
            ),
        );
    }
    let people = case.graph.pathways().iter().filter_map(|p| case.graph.id(&p.person));
    let of = |id: ResourceId| Meaning { resources: vec![id], sort: Sort::Resource };
    match people.into_iter().find(|&id| id == resource || carried(case, resource, &of(id)).is_some()) {
        Some(person) => Judgement {
            pathway: Some((person, pathway_of(case, person))),
            ..Judgement::new(
                Verdict::Ambiguous,
                format!(
                    "The message names no property. It can be the education organization, or that {} has no pathway yet.",
                    case.short(person)
                ),
            )
        },
        None => Judgement::new(
            Verdict::NotADependencyMatter,
            format!("{short} carries no person, so it is a matter of the client's education organizations."),
        ),
    }
}

fn judge_person(
    case: &Case<'_>,
    resource: ResourceId,
    person: ResourceId,
    hinted: &[ResourceId],
    associations: &[ResourceId],
) -> Judgement {
    let facts = case.facts;
    let (short, who) = (case.short(resource), case.short(person));
    let names: Vec<String> = associations.iter().map(|&id| case.short(id).to_owned()).collect();
    let joined = if facts.any_hint_suffices() { names.join(" or ") } else { several(&names, 4) };
    let seen = carried(case, resource, &Meaning { resources: vec![person], sort: Sort::Resource });
    if resource != person && seen.is_none() {
        return Judgement::new(
            Verdict::Contradicted,
            format!("{short} carries no key of {who}, so no pathway of theirs can be missing."),
        );
    }
    let seen = seen.unwrap_or_default();
    let with = |judgement: Judgement| Judgement { seen: seen.clone(), ..judgement };
    if facts.has(Nuance::Either) {
        return with(Judgement::new(
            Verdict::Ambiguous,
            format!("The server does not tell whether the {who} record is absent or lacks its pathway ({joined})."),
        ));
    }
    if facts.has(Nuance::ValueAbsent) && facts.hints.is_empty() {
        return value_absent(case, with(Judgement::new(Verdict::Ambiguous, String::new())));
    }
    if associations.contains(&resource) && associations.iter().all(|&id| id == resource) {
        return with(
            Judgement::new(
                Verdict::Contradicted,
                if hinted.is_empty() {
                    format!("{short} itself makes {who} visible to a client: it cannot be what is missing.")
                } else {
                    format!(
                        "The hint asks for {short}, which is what the request is about: it cannot be what is missing."
                    )
                },
            )
            .and(format!(
                "More likely its education organization is not among the client's, or {who} has no such record."
            )),
        );
    }
    let others: Vec<&String> = facts.properties.iter().filter(|p| person_property(p).is_none()).collect();
    let makes = if names.len() > 1 && !facts.any_hint_suffices() { "make" } else { "makes" };
    let way = format!("{joined} {makes} {who} visible to a client. It is a pathway, not a reference of {short}.");
    if facts.has(Nuance::ValueAbsent) {
        return with(Judgement::new(Verdict::Ambiguous, way).and(format!(
            "The server found no value of {}: the record lacks it, or names nobody it knows.",
            several(&facts.properties, 3)
        )));
    }
    if hinted.contains(&resource) && facts.any_hint_suffices() {
        return with(Judgement::new(Verdict::Ambiguous, way).and(format!(
            "One of the alternatives is {short} itself; then only another one, or the client's education organizations, can help."
        )));
    }
    if others.is_empty() {
        with(Judgement::new(Verdict::Confirmed, way))
    } else {
        let others: Vec<String> = others.into_iter().cloned().collect();
        with(Judgement::new(Verdict::Ambiguous, way).and(format!(
            "The server also looked at {}: the education organization may be the one that is not the client's.",
            several(&others, 3)
        )))
    }
}

/// A value that authorization needs: does the record have it?
fn value_absent(case: &Case<'_>, mut judgement: Judgement) -> Judgement {
    let wanted = several(&case.facts.properties, 3);
    let holds = |payload: &Value| case.facts.properties.iter().any(|property| mentions(payload, property));
    (judgement.verdict, judgement.because) = match case.payload.map(holds) {
        Some(false) => (
            Verdict::NotADependencyMatter,
            vec![format!("{wanted} is needed to authorize the request, and the record does not have it.")],
        ),
        _ => (
            Verdict::Ambiguous,
            vec![format!(
                "{wanted} is needed to authorize the request: the record lacks it, or names nobody the server knows."
            )],
        ),
    };
    judgement
}

/// Whether a member of that name has a value anywhere. Iterative: the depth is not ours.
fn mentions(payload: &Value, property: &str) -> bool {
    let mut open = vec![payload];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                for (name, value) in members {
                    if name.eq_ignore_ascii_case(property) && !value.is_null() {
                        return true;
                    }
                    open.push(value);
                }
            }
            _ => {}
        }
    }
    false
}
