//! What the records of a folder may be that could not be read.
//!
//! A reference to a record of such a resource is not simply without one: its target may stand in the
//! file or the line that could not be read.

use std::collections::BTreeSet;

use super::read::Unreadable;
use super::scan::{Scan, targets};
use crate::graph::ResourceId;
use crate::model::Reference;

/// The resources of which something could not be read.
pub(crate) struct Unread {
    resources: BTreeSet<ResourceId>,
}

impl Unread {
    /// Whether the target of a reference may be among it.
    pub(crate) fn may_hold(&self, scan: &Scan<'_, '_>, reference: &Reference) -> bool {
        !self.resources.is_empty() && targets(scan.graph, reference).iter().any(|id| self.resources.contains(id))
    }

    /// Whether records of a resource may be among it.
    pub(crate) fn is_of(&self, resource: ResourceId) -> bool {
        self.resources.contains(&resource)
    }
}

impl Scan<'_, '_> {
    /// Files that could not be read to their end.
    #[must_use]
    pub fn unreadable_files(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// What could not be read: files, and what is no record in others. O(flaws + files).
    pub(crate) fn unread(&self) -> Unread {
        let failed: BTreeSet<&str> = self.unreadable.iter().map(|unreadable| unreadable.file.as_str()).collect();
        let files = self.files.iter().enumerate().filter(|(_, file)| failed.contains(file.name.as_str()));
        let mut lanes: BTreeSet<usize> = files.filter_map(|(file, _)| self.lane_of.get(file).copied()).collect();
        let flawed = self.flaws.iter().filter(|(_, flaw)| !flaw.is_readable());
        lanes.extend(flawed.filter_map(|(place, _)| self.lane_at(*place)));
        Unread { resources: lanes.into_iter().filter_map(|lane| Some(self.lanes.get(lane)?.resource)).collect() }
    }
}
