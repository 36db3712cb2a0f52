//! The metadata as one folder makes use of it.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::Scan;
use crate::graph::ResourceId;
use crate::model::Model;

impl Scan<'_, '_> {
    /// The model without the optional references that no record contains: what an order, a deferral or a
    /// prerequisite of these records can depend on. Whether a record of the folder supplies a reference
    /// makes no difference. A required one stays, for a record without it is refused; of resources without
    /// a file all stay, and of those of which something could not be read. The resources are the same, and
    /// so are the ids of a graph built of it. O(model).
    #[must_use]
    pub fn contained(&self) -> Model {
        let unread = self.unread();
        let occurring = self.occurring().into_iter().filter(|(id, _)| !unread.is_of(*id));
        let occurring: BTreeMap<_, BTreeSet<usize>> =
            occurring.map(|(id, positions)| (self.graph.name(id), positions.into_iter().collect())).collect();
        let mut model = self.graph.model().clone();
        for resource in &mut model.resources {
            let Some(positions) = occurring.get(&resource.name) else { continue };
            let mut position = 0;
            resource.references.retain(|reference| {
                position += 1;
                reference.required || positions.contains(&(position - 1))
            });
        }
        model
    }

    /// The resources that have files to send but no record in any of them, sorted; not those of which something
    /// could not be read. O(files log files).
    #[must_use]
    pub fn without_records(&self) -> Vec<ResourceId> {
        let unread = self.unread();
        let lanes: BTreeSet<usize> = self.lane_of.iter().take(self.payloads).copied().collect();
        let lanes = lanes.into_iter().filter_map(|lane| self.lanes.get(lane));
        let without = lanes.filter(|lane| lane.records == 0 && !unread.is_of(lane.resource));
        without.map(|lane| lane.resource).collect()
    }
}
