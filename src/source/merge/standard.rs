//! Documents of different data standards do not go together.

use std::collections::BTreeSet;

use crate::model::{Kind, ResourceName};
use crate::source::SourceError;
use crate::source::bundled;
use crate::source::draft::Draft;
use crate::source::resolve::school_years;

/// Checks that all documents can be of one data standard.
///
/// A document says its standard itself, or its core resources are exactly those of one or several
/// bundled standards; of a document that does neither nothing is known and nothing refused.
pub(super) fn check(drafts: &[Draft]) -> Result<(), SourceError> {
    if drafts.len() < 2 {
        return Ok(());
    }
    let mut first: Option<(&Draft, BTreeSet<String>)> = None;
    for draft in drafts {
        let possible = standards(draft);
        if possible.is_empty() {
            continue;
        }
        match &mut first {
            None => first = Some((draft, possible)),
            Some((known, agreed)) => {
                let both: BTreeSet<String> = agreed.intersection(&possible).cloned().collect();
                if both.is_empty() {
                    let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" or ");
                    let mut documents = [(&known.document, list(agreed)), (&draft.document, list(&possible))];
                    documents.sort();
                    let [(left, one), (right, other)] = documents;
                    return Err(SourceError::Conflict {
                        left: left.clone(),
                        right: right.clone(),
                        message: format!("documents of different standards, {one} and {other}"),
                        advice: "Give documents of one standard".to_owned(),
                    });
                }
                *agreed = both;
            }
        }
    }
    Ok(())
}

/// The standards that a document can be of; none where that cannot be told.
fn standards(draft: &Draft) -> BTreeSet<String> {
    if let Some(version) = &draft.version {
        return BTreeSet::from([major_minor(version)]);
    }
    let core = |kind: Kind| -> BTreeSet<&ResourceName> {
        let all = draft.resources.iter();
        let whole = all.filter(|(name, r)| name.is_core() && r.kind == kind && !r.entity.is_empty());
        whole.map(|(name, _)| name).filter(|name| **name != school_years()).collect()
    };
    bundled::standards_of(&core(Kind::Resource), &core(Kind::Descriptor))
}

/// `6.0` of `6.0.0`.
fn major_minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}
