//! What to send again after a correction, in an order in which it can be sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::Operation;
use super::sequence::{Content, sequence};
use crate::graph::Authorization;
use crate::model::Text;
use crate::records::{Affected, Chosen, Place, ReadOptions, Scan, Unreadable};

pub use super::sequence::Impossible;

/// Records to send again.
#[derive(Debug)]
pub struct Resends {
    /// In order.
    pub records: Vec<Resend>,
    /// Circles of required references: no order exists for their records, which are not listed.
    pub impossible: Vec<Impossible>,
    /// Files that could not be read again.
    pub unreadable: Vec<Unreadable>,
}

/// A record to send again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resend {
    /// When: resources of the same wave can be sent at the same time, the records of one in their order.
    pub wave: usize,
    /// Which.
    #[serde(flatten)]
    pub record: Affected,
    /// References to leave out, for they are to records that come later; the second pass sets them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Text>,
    /// Whether it was sent before, without some references.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub second_pass: bool,
}

/// The turn of each of some records, in an order in which each finds what it refers to among them; those that
/// no order has are left out. As [`in_order`], without the references that wait for a second pass.
pub(crate) fn turns(
    scan: &Scan<'_, '_>,
    places: &BTreeSet<Place>,
    authorization: &Authorization,
    read: &ReadOptions<'_>,
) -> HashMap<Place, usize> {
    let sequence = sequence(scan, Chosen::These(places), authorization, read);
    let creates = sequence.turns.iter().filter(|turn| turn.operation == Operation::Create);
    let places = creates.flat_map(|turn| match &turn.content {
        Content::Records(places, _) => places.as_slice(),
        Content::Whole(_) => &[],
    });
    places.copied().zip(0..).collect()
}

/// Affected records in an order in which each finds what it refers to among them. As in
/// [`arrange`](super::arrange), what they really refer to decides, and records in a circle lose an optional
/// reference that a second pass sets.
///
/// O(records × log records), and a second reading of resources in a circle.
#[must_use]
pub fn in_order(
    scan: &Scan<'_, '_>,
    affected: &[Affected],
    authorization: &Authorization,
    read: &ReadOptions<'_>,
) -> Resends {
    let at: BTreeMap<Place, &Affected> = affected.iter().map(|record| (record.place, record)).collect();
    let places: BTreeSet<Place> = at.keys().copied().collect();
    let sequence = sequence(scan, Chosen::These(&places), authorization, read);
    let mut records = Vec::with_capacity(affected.len());
    for turn in &sequence.turns {
        let Content::Records(places, skips) = &turn.content else { continue };
        for place in places {
            let left_out: BTreeSet<u32> =
                skips.get(place).into_iter().flatten().map(|(position, _)| *position).collect();
            let path = |position: u32| Some(scan.reference(turn.lane, position)?.path.clone());
            records.extend(at.get(place).map(|&record| Resend {
                wave: turn.wave,
                record: record.clone(),
                without: left_out.into_iter().filter_map(path).collect(),
                second_pass: turn.operation == Operation::Update,
            }));
        }
    }
    let impossible = sequence.impossible.iter().map(|places| Impossible::of(scan, places)).collect();
    Resends { records, impossible, unreadable: sequence.unreadable }
}
