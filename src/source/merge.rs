//! Several documents as one: each resource once, with the best that any document says of it.
//!
//! Statements are not averaged. Of two that differ the one of the better witness is believed
//! ([`Standing`]) and the result says so; two witnesses of one standing that contradict each other are
//! an error. The order of the documents is irrelevant. Reasons: docs/design.md, "Merging".

mod blocks;
mod core;
mod resource;
mod standard;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::model::ResourceName;

use self::resource::{Claim, Witness};
use super::draft::{Draft, DraftResource, SchemaKey, Standing};
use super::{SourceError, bundled};

/// Puts drafts together.
///
/// # Errors
///
/// Documents of different standards, an extension without its core, or two documents of one kind that
/// contradict each other.
/// What states edges or an order only is no part of it where another document describes the API: it
/// comes back apart, as a witness.
pub(super) fn merge(drafts: Vec<Draft>) -> Result<(Draft, Vec<Draft>), SourceError> {
    standard::check(&drafts)?;
    let (mut drafts, witnesses) = set_apart_witnesses(drafts)?;
    blocks::agree(&mut drafts);
    drafts.sort_by_cached_key(|d| (Reverse(d.standing), d.origins.clone(), d.document.clone()));
    let schemas = schemas(&drafts);

    let documents: BTreeSet<&str> = drafts.iter().map(|d| d.document.as_str()).collect();
    let document = documents.into_iter().collect::<Vec<_>>().join(", ");
    let mut merged = Draft { document, standing: Standing::Stated, ..Draft::default() };
    let mut claims: BTreeMap<ResourceName, Vec<Claim>> = BTreeMap::new();
    for draft in drafts {
        let kind = match draft.standing {
            Standing::Resolved => "the graph file".to_owned(),
            Standing::Generated => "MetaEd's OpenAPI".to_owned(),
            Standing::Stated => "the API's GraphML".to_owned(),
            _ => draft.origins.iter().filter_map(|o| o.kind.split(' ').next()).collect::<Vec<_>>().join(", "),
        };
        // The document of an ODS lists every parameter that it takes; that of a DMS does not.
        let dms = draft.origins.iter().any(|origin| origin.kind.ends_with("DMS"));
        let lists_parameters = draft.standing == Standing::Published && !dms;
        let witness = Rc::new(Witness { document: draft.document, kind, standing: draft.standing, lists_parameters });
        merged.standing = merged.standing.max(draft.standing);
        merged.name = merged.name.max(draft.name);
        merged.extends = merged.extends.max(draft.extends);
        merged.version = merged.version.max(draft.version);
        merged.origins.extend(draft.origins);
        merged.limits.extend(draft.limits);
        merged.settled.extend(draft.settled);
        for (schema, stated) in draft.abstracts {
            let known = merged.abstracts.entry(schema).or_default();
            known.entity = std::mem::take(&mut known.entity).max(stated.entity);
            // A list that is shorter has lost a member to another of its name, as in `resource::members`.
            if stated.key.len() > known.key.len() {
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
            claims.entry(name).or_default().push(Claim { witness: Rc::clone(&witness), resource });
        }
    }
    for (name, claims) in claims {
        let resource = resource::settle(&name, claims, &schemas, &mut merged.settled)?;
        merged.resources.insert(name, resource);
    }
    core::check(&merged)?;
    merged.origins.sort();
    merged.origins.dedup();
    Ok((merged, witnesses))
}

/// Takes out what is only heard beside other documents.
fn set_apart_witnesses(drafts: Vec<Draft>) -> Result<(Vec<Draft>, Vec<Draft>), SourceError> {
    let (mut witnesses, mut described): (Vec<Draft>, Vec<Draft>) =
        drafts.into_iter().partition(|draft| draft.standing == Standing::Stated);
    if described.is_empty() {
        (described, witnesses) = witnesses.into_iter().partition(|draft| draft.waves.is_empty());
    }
    match witnesses.first().filter(|_| described.is_empty()) {
        Some(order) => Err(SourceError::content(
            &order.document,
            "$",
            "the load order of an API, which tells no edges: it serves order, audit and diff only",
            bundled::instead_of(order.resources.keys()),
        )),
        None => {
            witnesses.sort_by_cached_key(|witness| (witness.origins.clone(), witness.document.clone()));
            Ok((described, witnesses))
        }
    }
}

/// The schema of every resource that any document describes.
fn schemas(drafts: &[Draft]) -> BTreeMap<ResourceName, SchemaKey> {
    let whole = |(_, resource): &(&ResourceName, &DraftResource)| !resource.entity.is_empty();
    let all = drafts.iter().flat_map(|d| &d.resources).filter(whole);
    all.map(|(name, resource)| (name.clone(), resource.schema.clone())).collect()
}
