//! What is odd about the records that a plan meets, counted by resource.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Keys;
use crate::graph::ResourceId;
use crate::records::store::Place;
use crate::records::stored::GapCode;

/// Records that were met, and the odd ones among them.
#[derive(Default)]
pub(super) struct Noticed {
    /// Where each key was met first.
    met: BTreeMap<ResourceId, HashMap<Keys, Place>>,
    /// By code and resource; of references by their path as well.
    odd: BTreeMap<(GapCode, ResourceId, Option<u32>), BTreeSet<Place>>,
}

impl Noticed {
    /// Takes a record down; `whole` where a record of its resource can have a whole key.
    pub(super) fn meet(&mut self, resource: ResourceId, keys: Option<Keys>, place: Place, whole: bool) {
        let Some(keys) = keys else {
            if whole {
                self.add(GapCode::KeyIncomplete, resource, None, place);
            }
            return;
        };
        let first = *self.met.entry(resource).or_default().entry(keys).or_insert(place);
        if first != place {
            self.add(GapCode::DuplicateKeys, resource, None, place);
        }
    }

    pub(super) fn add(&mut self, code: GapCode, resource: ResourceId, reference: Option<u32>, place: Place) {
        self.odd.entry((code, resource, reference)).or_default().insert(place);
    }

    /// Each oddity with the number of its records and the first of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (GapCode, ResourceId, Option<u32>, usize, Place)> {
        let first = |places: &BTreeSet<Place>| places.first().copied();
        self.odd
            .iter()
            .filter_map(move |((code, id, path), places)| Some((*code, *id, *path, places.len(), first(places)?)))
    }
}

/// An oddity in words: of `count` records, the first of them in the file `first`.
pub(super) fn message(code: GapCode, path: Option<&str>, count: usize, first: &str) -> String {
    let (records, one) = (if count == 1 { "record" } else { "records" }, count == 1);
    match (code, path) {
        (GapCode::DuplicateKeys, _) => format!(
            "{count} {records} here {} the natural key of another one, the first in {first}; they count as one \
             record. check tells the lines",
            if one { "has" } else { "have" }
        ),
        (GapCode::KeyIncomplete, Some(path)) => format!(
            "{count} {records} {} only a part of the key in {path}, and that part agrees with a record that goes, \
             the first in {first}: whether it is meant cannot be told. check tells the lines",
            if one { "has" } else { "have" }
        ),
        (GapCode::KeyIncomplete, None) => format!(
            "{count} {records} of the plan {} a part of the natural key, the first in {first}: what refers to \
             such a record cannot be told. check tells the lines",
            if one { "lacks" } else { "lack" }
        ),
        (_, Some(path)) => format!(
            "{count} {records} {} by {path} to a key that differs in case only from one that goes, the first in \
             {first}: SQL Server takes the two for the same, PostgreSQL does not",
            if one { "refers" } else { "refer" }
        ),
        (_, None) => format!(
            "{count} {records} {} a key that differs in case only from one that was asked for, the first in \
             {first}: SQL Server takes the two for the same, PostgreSQL does not",
            if one { "has" } else { "have" }
        ),
    }
}
