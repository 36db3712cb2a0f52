//! Several documents as one: each resource once, with the best that any document says of it.
//!
//! Statements are not averaged. Of two that differ the one of the better witness is believed
//! ([`Standing`]) and the result says so; two witnesses of one standing that contradict each other are
//! an error. The order of the documents is irrelevant. Reasons: docs/design.md, "Merging".

mod core;
mod resource;
mod standard;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::ResourceName;

use self::resource::{Claim, Witness};
use super::SourceError;
use super::draft::{Draft, DraftResource, SchemaKey, Standing};

/// Puts drafts together.
///
/// # Errors
///
/// Documents of different standards, an extension without its core, or two documents of one kind that
/// contradict each other.
pub(super) fn merge(mut drafts: Vec<Draft>) -> Result<Draft, SourceError> {
    standard::check(&drafts)?;
    drafts.sort_by_cached_key(|d| (Reverse(d.standing), d.origins.clone(), d.document.clone()));
    let schemas = schemas(&drafts);

    let documents: BTreeSet<&str> = drafts.iter().map(|d| d.document.as_str()).collect();
    let document = documents.into_iter().collect::<Vec<_>>().join(", ");
    let mut merged = Draft { document, ..Draft::default() };
    let mut claims: BTreeMap<ResourceName, Vec<Claim>> = BTreeMap::new();
    for draft in drafts {
        let kind = match draft.standing {
            Standing::Resolved => "the graph file".to_owned(),
            Standing::Generated => "MetaEd's OpenAPI".to_owned(),
            _ => draft.origins.iter().filter_map(|o| o.kind.split(' ').next()).collect::<Vec<_>>().join(", "),
        };
        let witness = Witness { document: draft.document, kind, standing: draft.standing };
        merged.name = merged.name.max(draft.name);
        merged.extends = merged.extends.max(draft.extends);
        merged.version = merged.version.max(draft.version);
        merged.origins.extend(draft.origins);
        merged.limits.extend(draft.limits);
        merged.settled.extend(draft.settled);
        for (schema, stated) in draft.abstracts {
            let known = merged.abstracts.entry(schema).or_default();
            known.entity = std::mem::take(&mut known.entity).max(stated.entity);
            if known.key.is_empty() {
                known.key = stated.key;
            }
            known.subclasses.extend(stated.subclasses);
        }
        for (schema, paths) in draft.key_paths {
            let known = merged.key_paths.entry(schema).or_default();
            for (path, stated) in paths {
                let known = known.entry(path).or_default();
                known.own |= stated.own;
                known.called.extend(stated.called);
            }
        }
        for (name, resource) in draft.resources {
            claims.entry(name).or_default().push(Claim { witness: witness.clone(), resource });
        }
    }
    for (name, claims) in claims {
        let resource = resource::settle(&name, claims, &schemas, &mut merged.settled)?;
        merged.resources.insert(name, resource);
    }
    core::check(&merged)?;
    merged.origins.sort();
    merged.origins.dedup();
    Ok(merged)
}

/// The schema of every resource that any document describes.
fn schemas(drafts: &[Draft]) -> BTreeMap<ResourceName, SchemaKey> {
    let whole = |(_, resource): &(&ResourceName, &DraftResource)| !resource.entity.is_empty();
    let all = drafts.iter().flat_map(|d| &d.resources).filter(whole);
    all.map(|(name, resource)| (name.clone(), resource.schema.clone())).collect()
}
