//! Records of different resources that are one thing to a server: subclasses share the identity of their
//! superclass, so that of a school and an agency with the same id only one can be created.

use std::collections::BTreeMap;

use crate::graph::ResourceId;
use crate::model::Text;
use crate::records::extract::Extract;
use crate::records::keys::{Key, KeyForm, KeyValues};
use crate::records::scan::{Lane, Scan};
use crate::records::single::key_values;
use crate::records::store::{Entry, Place};

/// A record whose identity a record of another subclass has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shared {
    pub(super) place: Place,
    pub(super) first: Place,
    pub(super) superclass: Text,
}

/// Finds them by merging the sorted keys of the subclasses. O(keys of subclasses).
pub(super) fn shared(scan: &Scan<'_, '_>) -> Vec<Shared> {
    let mut found: BTreeMap<(&Text, Key), Vec<Place>> = BTreeMap::new();
    for superclass in &scan.graph.model().abstracts {
        let form = KeyForm::of_abstract(scan.graph, superclass);
        if !form.is_whole() {
            continue;
        }
        let of_lane = |id: &ResourceId| {
            let lane = scan.lane_of_resource(*id)?;
            scan.lanes.get(lane).map(|lane| lane.table.entries())
        };
        let tables: Vec<&[Entry]> = scan.graph.subclasses(&superclass.entity).iter().filter_map(of_lane).collect();
        for (at, left) in tables.iter().enumerate() {
            for right in tables.get(at + 1..).unwrap_or_default() {
                for (left, right) in common(left, right) {
                    let places = found.entry((&superclass.entity, left.key)).or_default();
                    places.extend([left.place, right.place]);
                }
            }
        }
    }
    let mut shared = Vec::new();
    for ((superclass, _), mut places) in found {
        places.sort_unstable();
        places.dedup();
        let Some((&first, later)) = places.split_first() else { continue };
        // What only supplies keys is not sent.
        let sent = later.iter().filter(|place| place.file() < scan.payloads);
        shared.extend(sent.map(|&place| Shared { place, first, superclass: superclass.clone() }));
    }
    shared.sort_unstable();
    shared
}

/// The entries of two sorted tables that have the same key.
fn common<'e>(mut left: &'e [Entry], mut right: &'e [Entry]) -> Vec<(&'e Entry, &'e Entry)> {
    let mut both = Vec::new();
    while let (Some((a, rest_left)), Some((b, rest_right))) = (left.split_first(), right.split_first()) {
        match a.key.cmp(&b.key) {
            std::cmp::Ordering::Less => left = rest_left,
            std::cmp::Ordering::Greater => right = rest_right,
            std::cmp::Ordering::Equal => {
                both.push((a, b));
                (left, right) = (rest_left, rest_right);
            }
        }
    }
    both
}

/// The identity of a record that was read, by the names of its superclass.
pub(super) fn values(
    scan: &Scan<'_, '_>,
    lane: &Lane,
    superclass: &str,
    extract: &Extract,
    record: &[u8],
) -> KeyValues {
    let form = KeyForm::of(scan.graph, lane.resource);
    let superclass = scan.graph.model().abstract_resource(superclass);
    let (Some(superclass), KeyForm::Fields { fields, .. }) = (superclass, &form) else { return KeyValues::new() };
    let mut own = key_values(&form, &lane.shape, extract, record);
    // A subclass has its fields in the order of the superclass.
    let named = superclass.key.iter().zip(fields);
    named.map(|(above, field)| (above.name.clone(), own.remove(&field.name).unwrap_or_default())).collect()
}
