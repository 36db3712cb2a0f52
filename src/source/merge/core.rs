//! An extension is of no use without the core it extends.

use std::collections::BTreeSet;

use crate::model::{ED_FI, Kind, fold_project};
use crate::source::SourceError;
use crate::source::bundled;
use crate::source::draft::{Draft, SchemaKey};

/// Checks that what the documents extend or refer to in core is there.
pub(super) fn check(merged: &Draft) -> Result<(), SourceError> {
    let whole = |descriptor: bool| {
        merged.resources.iter().any(|(name, resource)| {
            name.is_core() && !resource.entity.is_empty() && (resource.kind == Kind::Descriptor) == descriptor
        })
    };
    let core = fold_project(ED_FI);
    let targets = merged.resources.values().flat_map(|r| r.references.values()).filter_map(|r| r.target.schema());
    let needed: BTreeSet<SchemaKey> = targets.filter(|schema| schema.project() == core).collect();
    if whole(false) {
        return match merged.resources.iter().find(|(_, resource)| resource.entity.is_empty()) {
            Some((name, _)) => Err(SourceError::content(
                &merged.document,
                name.as_str(),
                "extended here, but no document describes it",
                "Give the extension together with the core of its own standard",
            )),
            None => Ok(()),
        };
    }
    if merged.extends.is_none() && needed.is_empty() {
        return Ok(());
    }
    let stated = merged.extends.as_deref().filter(|core| *core != ED_FI);
    let what = stated.map_or("the core standard".to_owned(), |core| format!("the core {core}"));
    let fitting = match stated {
        Some(core) => bundled::names().filter(|name| *name == core).collect(),
        None => bundled::cores_with(&needed),
    };
    let advice = match fitting.as_slice() {
        [] => "No bundled graph has it: give the documents of that core as well".to_owned(),
        [only] => format!("The bundled one will do: -m {only}"),
        [others @ .., last] => {
            format!("Each of these bundled ones has all it refers to: -m {last}, or {}", others.join(", "))
        }
    };
    Err(SourceError::content(&merged.document, "$", format!("an extension of {what}, which is not here"), advice))
}
