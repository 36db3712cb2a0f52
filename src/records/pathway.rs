//! Which people of a folder its associations make visible.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::scan::Scan;
use crate::graph::DependencyGraph;
use crate::model::{self, ResourceName};

/// Makes people of a lane visible.
pub(super) struct Pathway {
    /// The lane of the person.
    pub(super) person: usize,
    /// The person must be referred to together with a visible one of these lanes.
    pub(super) through: Vec<usize>,
}

impl Scan<'_, '_> {
    /// For each association lane the people it makes visible.
    pub(super) fn pathways(&self) -> BTreeMap<usize, Vec<Pathway>> {
        let mut by_association: BTreeMap<usize, Vec<Pathway>> = BTreeMap::new();
        for pathway in self.graph.pathways() {
            let Some(person) = self.lane(&pathway.person) else { continue };
            let through: Vec<usize> = seen_through(self.graph, pathway).filter_map(|name| self.lane(name)).collect();
            for association in pathway.associations.iter().filter_map(|a| self.lane(a)) {
                let pathway = Pathway { person, through: through.clone() };
                by_association.entry(association).or_default().push(pathway);
            }
        }
        by_association
    }

    pub(super) fn make_visible(&self, person: usize, at: usize) {
        if let Some(lane) = self.lanes.get(person) {
            set(&lane.visible, at);
        }
    }

    pub(crate) fn is_visible(&self, person: usize, at: usize) -> bool {
        self.lanes.get(person).is_some_and(|lane| is_set(&lane.visible, at))
    }
}

/// The people through whom those of a pathway are visible: of a contact, the students.
pub(crate) fn seen_through<'g>(
    graph: &'g DependencyGraph,
    pathway: &'g model::Pathway,
) -> impl Iterator<Item = &'g ResourceName> {
    let is_of = |other: &&model::Pathway| {
        other.associations.iter().any(|association| pathway.also_before_update.contains(association))
    };
    graph.pathways().iter().filter(is_of).map(|other| &other.person)
}

pub(super) fn set(bits: &[AtomicU64], at: usize) {
    if let Some(word) = bits.get(at / 64) {
        word.fetch_or(1 << (at % 64), Ordering::Relaxed);
    }
}

/// Whether one bit of a person is set.
pub(crate) fn is_set(bits: &[AtomicU64], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (at % 64) & 1 == 1)
}
