//! Why a record is in a plan: the references that lead from it to a target.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Because, Gathered, RecordPlan};
use crate::graph::DependencyGraph;
use crate::model::{ResourceName, Text};

/// Hops of a reason that are told.
const TOLD: usize = 32;

/// One reference, or several alike one after another, on the way from a record to a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The resource that refers.
    pub resource: ResourceName,
    /// Where.
    pub path: Text,
    /// How many records in turn do: more than one where a resource refers to itself.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub times: u32,
}

fn one() -> u32 {
    1
}

fn is_one(times: &u32) -> bool {
    *times == 1
}

/// For each record the reference by which it is nearest to a target. O(records + references).
pub(super) fn shortest<R>(gathered: &Gathered<R>, targets: usize) -> Vec<Option<Because>> {
    let mut to_each: Vec<(u32, u32, u32)> =
        gathered.references.iter().map(|&(from, position, to)| (to, from, position)).collect();
    to_each.sort_unstable();
    let mut because: Vec<Option<Because>> = vec![None; gathered.records.len()];
    let mut open: VecDeque<u32> = (0..u32::try_from(targets).unwrap_or(u32::MAX)).collect();
    while let Some(record) = open.pop_front() {
        // What only loses references brings nothing with it.
        if gathered.deleted.get(record as usize) != Some(&true) {
            continue;
        }
        let first = to_each.partition_point(|(to, ..)| *to < record);
        for &(_, from, position) in to_each.iter().skip(first).take_while(|(to, ..)| *to == record) {
            let resource = |number: u32| gathered.records.get(number as usize).map(|record| record.resource);
            // Alike ones in turn are one hop, so that the way along a chain of any length is short.
            let (times, then) = match because.get(record as usize).copied().flatten() {
                Some(next) if next.position == position && resource(record) == resource(from) => {
                    (next.times.saturating_add(1), next.then)
                }
                _ => (1, record),
            };
            if let Some(place @ None) = because.get_mut(from as usize)
                && from as usize >= targets
            {
                *place = Some(Because { position, record, times, then });
                open.push_back(from);
            }
        }
    }
    because
}

impl<R> RecordPlan<R> {
    /// The way from a record to a target, nearest reference first; empty for a target. Ends early where
    /// it would be too long to read.
    #[must_use]
    pub fn reason(&self, graph: &DependencyGraph, number: u32) -> Vec<Hop> {
        let mut hops = Vec::new();
        let mut at = self.records.get(number as usize);
        while let Some((record, because)) = at.and_then(|record| Some((record, record.because?)))
            && hops.len() < TOLD
        {
            let resource = graph.resource(record.record.resource);
            let path = resource.references.get(because.position as usize).map(|r| r.path.clone()).unwrap_or_default();
            hops.push(Hop { resource: resource.name.clone(), path, times: because.times });
            at = self.records.get(because.then as usize);
        }
        hops
    }
}
