//! One spelling of an extension's block: `_ext.TPDM` on servers up to ODS/API 6, `_ext.tpdm` since.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{Collection, Equality, Field, Text, fold_project};
use crate::source::draft::{Draft, DraftResource};

const BLOCK: &str = "._ext.";

/// Spells the blocks of all documents as the one does whose names are those of the API, so that a place is
/// one place.
pub(super) fn agree(drafts: &mut [Draft]) {
    let mut spellings: BTreeMap<String, (u8, Reverse<String>)> = BTreeMap::new();
    for draft in drafts.iter() {
        // Few paths have one, and to look for one costs less than to split.
        let paths = draft.resources.values().flat_map(paths).filter(|path| path.contains(BLOCK));
        for block in paths.flat_map(|path| path.split(BLOCK).skip(1)).map(name) {
            let known = spellings.entry(fold_project(block)).or_insert((u8::MAX, Reverse(String::new())));
            // Of two equals the lower case, which is the newer.
            let own = (draft.standing.names(), Reverse(block.to_owned()));
            if own < *known {
                *known = own;
            }
        }
    }
    if spellings.is_empty() {
        return;
    }
    let spelled: BTreeMap<String, String> =
        spellings.into_iter().map(|(folded, (_, Reverse(block)))| (folded, block)).collect();
    for draft in drafts {
        let differs = |path: &Text| respelled(path, &spelled) != *path;
        if !draft.resources.values().flat_map(paths).any(differs) {
            continue;
        }
        for resource in draft.resources.values_mut() {
            respell(resource, &spelled);
        }
        for paths in draft.key_paths.values_mut() {
            *paths = std::mem::take(paths).into_iter().map(|(path, key)| (respelled(&path, &spelled), key)).collect();
        }
    }
}

/// The name at the start of what follows `_ext.`.
fn name(rest: &str) -> &str {
    rest.split(['.', '[']).next().unwrap_or_default()
}

fn paths(resource: &DraftResource) -> impl Iterator<Item = &Text> {
    resource.references.keys().chain(resource.fields.keys()).chain(resource.collections.keys())
}

fn respelled(path: &Text, spelled: &BTreeMap<String, String>) -> Text {
    if !path.contains(BLOCK) {
        return path.clone();
    }
    let mut parts = path.split(BLOCK);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let block = name(part);
        text.push_str(BLOCK);
        text.push_str(spelled.get(&fold_project(block)).map_or(block, String::as_str));
        text.push_str(part.get(block.len()..).unwrap_or_default());
    }
    text.into()
}

fn respell(resource: &mut DraftResource, spelled: &BTreeMap<String, String>) {
    let path = |path: &Text| respelled(path, spelled);
    let references = std::mem::take(&mut resource.references);
    resource.references = references.into_iter().map(|(at, reference)| (path(&at), reference)).collect();
    for field in std::mem::take(&mut resource.fields).into_values() {
        let at = path(&field.path);
        resource.fields.insert(at.clone(), Field { path: at, ..field });
    }
    for collection in std::mem::take(&mut resource.collections).into_values() {
        let at = path(&collection.path);
        resource.collections.insert(at.clone(), Collection { path: at, ..collection });
    }
    for paths in resource.query_paths.values_mut() {
        paths.iter_mut().for_each(|at| *at = path(at));
    }
    for field in resource.identity.stated.iter_mut().flatten() {
        field.paths.iter_mut().for_each(|at| *at = path(at));
    }
    let equalities = std::mem::take(&mut resource.equalities);
    resource.equalities = equalities
        .into_iter()
        .map(|equality| {
            let (one, other) = (path(&equality.left), path(&equality.right));
            let (left, right) = if one <= other { (one, other) } else { (other, one) };
            Equality { left, right, ..equality }
        })
        .collect();
}
