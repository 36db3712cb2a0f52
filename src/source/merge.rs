//! Several documents as one: their statements side by side, each resource once.

use crate::model::ResourceName;

use super::SourceError;
use super::draft::{Draft, DraftResource};

/// Puts drafts together. The result does not depend on their order.
pub(super) fn merge(drafts: Vec<Draft>) -> Result<Draft, SourceError> {
    let mut merged = Draft::default();
    let mut extends = None;
    for draft in drafts {
        merged.name = merged.name.max(draft.name);
        extends = extends.max(draft.extends);
        merged.version = merged.version.max(draft.version);
        merged.origins.extend(draft.origins);
        merged.limits.extend(draft.limits);
        for (schema, stated) in draft.abstracts {
            let known = merged.abstracts.entry(schema).or_default();
            known.entity = known.entity.clone().max(stated.entity);
            known.key = known.key.clone().max(stated.key);
            known.subclasses.extend(stated.subclasses);
        }
        for (name, resource) in draft.resources {
            match merged.resources.entry(name) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(resource);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => join(entry.get_mut(), resource),
            }
        }
    }
    let complete = |name: &ResourceName, resource: &DraftResource| name.is_core() && !resource.entity.is_empty();
    if let Some(core) = extends
        && !merged.resources.iter().any(|(name, resource)| complete(name, resource))
    {
        let document = merged.name.unwrap_or_default();
        return Err(SourceError::content(
            &document,
            "$.extends",
            format!("a part of {core}, which is not here"),
            format!("Give {core} as well: -m {core}"),
        ));
    }
    merged.origins.sort();
    merged.origins.dedup();
    Ok(merged)
}

/// Adds what another document says of the same resource.
fn join(known: &mut DraftResource, other: DraftResource) {
    if known.entity.is_empty() {
        // What came first only adds to the resource; the whole of it is here.
        (known.entity, known.schema, known.kind) = (other.entity, other.schema, other.kind);
    }
    known.references.extend(other.references);
    known.fields.extend(other.fields);
    known.scalars.extend(other.scalars);
    known.collections.extend(other.collections);
    known.children.extend(other.children);
    known.query.extend(other.query);
    known.query_paths.extend(other.query_paths);
    known.equalities.extend(other.equalities);
    known.domains.extend(other.domains);
    known.key_may_change = known.key_may_change.max(other.key_may_change);
    known.superclass = known.superclass.take().max(other.superclass);
    known.identity.own_reference = known.identity.own_reference.take().max(other.identity.own_reference);
    known.identity.stated = known.identity.stated.take().max(other.identity.stated);
    known.identity.scalars.extend(other.identity.scalars);
    if known.identity.parameters < other.identity.parameters {
        known.identity.parameters = other.identity.parameters;
    }
}
