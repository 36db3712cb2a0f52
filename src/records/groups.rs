//! The resources of a folder in the order in which their records can be followed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::read::{ReadOptions, Unreadable};
use super::reread::InnerReference;
use super::scan::Scan;
use super::store::Place;
use crate::graph::{Constraint, Precedence};

/// Lanes that refer to each other in a circle, or one lane.
pub(crate) struct Group {
    /// Sorted.
    pub(crate) lanes: Vec<usize>,
    /// Whether its records can refer to each other.
    pub(crate) circular: bool,
}

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
        let steps = self.lanes.len();
        let precedence = Precedence { steps, constraints };
        // Each circle counts as one step, that of its first lane.
        let mut step_of: Vec<usize> = (0..steps).collect();
        let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
        for circle in precedence.components() {
            let Some(&first) = circle.first() else { continue };
            for &lane in &circle {
                if let Some(step) = step_of.get_mut(lane) {
                    *step = first;
                }
            }
            groups.insert(first, Group { lanes: circle, circular: true });
        }
        for (lane, &step) in step_of.iter().enumerate() {
            groups.entry(step).or_insert_with(|| Group { lanes: vec![lane], circular: false });
        }
        let step = |lane: usize| step_of.get(lane).copied().unwrap_or(lane);
        let between = precedence.constraints.iter();
        let between = between.map(|c| Constraint { before: step(c.before), after: step(c.after), ..*c });
        let constraints = between.filter(|c| c.before != c.after).collect();
        let layers = Precedence { steps, constraints }.layers(&[], |_| true).layer;
        let mut groups: Vec<(usize, Group)> = groups.into_iter().collect();
        groups.sort_by_key(|(step, _)| (layers.get(*step).copied().unwrap_or_default(), *step));
        groups.into_iter().map(|(_, group)| group).collect()
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
                let is_of = |place: &&Place| self.lane_at(**place).is_some_and(|lane| group.lanes.contains(&lane));
                let first: Vec<Place> = places.iter().filter(is_of).copied().collect();
                if !first.is_empty() {
                    let inner = self.inner_references(&group.lanes, read);
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
