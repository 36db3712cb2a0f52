//! What the key of a record that is missing tells of its references.

use super::keys::{KeyForm, KeyValues, members};
use super::wanted::wanted_keys;
use crate::graph::{DependencyGraph, Found, ResourceId};
use crate::model::{Equality, Reference, Text};

/// The references that a record of this key must have, in order of path, each with the values that the key
/// tells of it. Of an abstract resource those that are the same for each subclass, as that of every
/// association of a student and a program to its program. O(subclasses · references · fields of the key).
pub(super) fn told<'g>(graph: &'g DependencyGraph, of: Found, key: &KeyValues) -> Vec<(&'g Reference, KeyValues)> {
    if let Found::Resource(id) = of {
        return told_by_key(graph, id, key);
    }
    // Each subclass has its own name for what the superclass names.
    let Ok(keys) = wanted_keys(graph, of, std::slice::from_ref(key)) else { return Vec::new() };
    let mut subclasses = keys.into_iter().flat_map(|(id, keys)| keys.into_iter().map(move |key| (id, key)));
    let Some((id, key)) = subclasses.next() else { return Vec::new() };
    let mut common = told_by_key(graph, id, &key);
    for (id, key) in subclasses {
        let own = told_by_key(graph, id, &key);
        let is_same = |(a, of_a): &(&Reference, KeyValues), (b, of_b): &(&Reference, KeyValues)| {
            a.path == b.path && a.target == b.target && of_a == of_b
        };
        common.retain(|one| own.iter().any(|other| is_same(one, other)));
    }
    common
}

/// An identifying reference is in the key, and what must be equal to a part of it is as well.
fn told_by_key<'g>(
    graph: &'g DependencyGraph,
    resource: ResourceId,
    key: &KeyValues,
) -> Vec<(&'g Reference, KeyValues)> {
    let KeyForm::Fields { fields, .. } = KeyForm::of(graph, resource) else { return Vec::new() };
    let details = graph.details(resource);
    let in_key = |path: &Text| {
        let field = fields.iter().find(|field| field.paths.contains(path))?;
        key.get(&field.name).filter(|value| !value.is_null()).cloned()
    };
    let value = |path: &Text| {
        let other = |e: &Equality| match (&e.left == path, &e.right == path) {
            (true, _) => in_key(&e.right),
            (_, true) => in_key(&e.left),
            _ => None,
        };
        in_key(path).or_else(|| details.equalities.iter().find_map(other))
    };
    let of = |reference: &'g Reference| {
        let values = match KeyForm::of_target(graph, reference) {
            KeyForm::Descriptor => {
                value(&reference.path).map(|uri| (Text::new_static("uri"), uri)).into_iter().collect()
            }
            KeyForm::Fields { fields: named, .. } => members(graph, resource, reference, &named)
                .filter_map(|(field, member)| {
                    Some((field.name.clone(), value(&format!("{}.{member}", reference.path).into())?))
                })
                .collect(),
            KeyForm::Unknown => KeyValues::new(),
        };
        (reference, values)
    };
    let references = graph.resource(resource).references.iter();
    references.filter(|reference| reference.required || reference.identifying).map(of).collect()
}
