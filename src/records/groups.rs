//! The resources of a folder in the order in which their records can be followed.

use std::collections::{BTreeSet, VecDeque};

use super::read::{ReadOptions, Unreadable};
use super::reread::{Chosen, InnerReference};
use super::scan::Scan;
use super::store::Place;
use crate::graph::{Constraint, Group, Precedence};

impl Scan<'_, '_> {
    /// All lanes in groups: what the records of a group refer to is of a group before it, or of their own.
    /// References that no record contains count for nothing. O(lanes + references of the model).
    pub(crate) fn groups(&self) -> Vec<Group> {
        let mut constraints: Vec<Constraint> = Vec::new();
        for (after, lane) in self.lanes.iter().enumerate() {
            let occurring = lane.targets.iter().zip(&lane.references).filter(|(_, count)| **count > 0);
            let before = occurring.flat_map(|(targets, _)| targets);
            constraints.extend(before.map(|&before| Constraint { before, after, removable: false }));
        }
        constraints.sort_unstable();
        constraints.dedup();
        Precedence { steps: self.lanes.len(), constraints }.groups()
    }

    /// Records, and those that they lead to among resources in a circle, at most so many references away:
    /// who follows references step by step would read such files again for each step. Sorted. Reads the
    /// files of each circle that has one of the records once.
    pub(crate) fn around(
        &self,
        places: &[Place],
        distance: usize,
        read: &ReadOptions<'_>,
    ) -> (Vec<Place>, Vec<Unreadable>) {
        let mut around: BTreeSet<Place> = places.iter().copied().collect();
        let mut unreadable = Vec::new();
        if distance > 0 && !places.is_empty() {
            for group in self.groups().into_iter().filter(|group| group.circular) {
                let is_of = |place: &&Place| self.lane_at(**place).is_some_and(|lane| group.steps.contains(&lane));
                let first: Vec<Place> = places.iter().filter(is_of).copied().collect();
                if !first.is_empty() {
                    let inner = self.inner_references(&group.steps, Chosen::All, read);
                    unreadable.extend(inner.unreadable);
                    around.extend(reach(&inner.references, first, distance));
                }
            }
        }
        (around.into_iter().collect(), unreadable)
    }
}

/// Records, and those that they refer to directly or through at most so many references. `references` are
/// sorted. O((records + references) log references).
fn reach(references: &[InnerReference], first: Vec<Place>, distance: usize) -> BTreeSet<Place> {
    let mut reached: BTreeSet<Place> = first.iter().copied().collect();
    let mut open: VecDeque<(usize, Place)> = first.into_iter().map(|place| (0, place)).collect();
    while let Some((away, place)) = open.pop_front() {
        if away == distance {
            continue;
        }
        let from = references.partition_point(|reference| reference.from < place);
        let held = references.iter().skip(from).take_while(|reference| reference.from == place);
        // Between records of one key there is no reference.
        for reference in held.filter(|reference| reference.position.is_some()) {
            if reached.insert(reference.to) {
                open.push_back((away + 1, reference.to));
            }
        }
    }
    reached
}
