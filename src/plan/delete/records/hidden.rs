//! Resources whose rows a client sees only through a relationship, and plans that touch one.

use std::collections::BTreeSet;

use super::{DescribedPlan, DescribedWarning, RecordPlan};
use crate::graph::{Aim, Authorization, DependencyGraph, ResourceId};
use crate::model::{Kind, Text};
use crate::plan::delete::WarningCode;

/// The abstract resource that relationships run through, beside people.
const ORGANIZATION: &str = "EducationOrganization";

/// Whether a GET of a resource answers with those rows only that the client has a relationship to: the
/// resource is a person with a pathway, or its natural key leads to such a person or to an education
/// organization. So it is by default; a host can change it, and no API tells. O(resources).
#[must_use]
pub fn is_seen_by_relationship(graph: &DependencyGraph, authorization: &Authorization, resource: ResourceId) -> bool {
    if authorization.holds.is_empty() || graph.resource(resource).kind != Kind::Resource {
        return false;
    }
    let is_person = |id: ResourceId| authorization.holds.iter().any(|hold| hold.person == id);
    let is_organization = |id: ResourceId| graph.resource(id).superclass.as_deref() == Some(ORGANIZATION);
    let mut seen = BTreeSet::from([resource]);
    let mut open = vec![resource];
    while let Some(id) = open.pop() {
        if is_person(id) || is_organization(id) {
            return true;
        }
        for (_, aim) in graph.aims(id).filter(|(reference, _)| reference.identifying) {
            let targets = match aim {
                Aim::Resource(id) => vec![id],
                Aim::Abstract(place) => graph.subclasses_at(place).to_vec(),
                Aim::Unresolved => Vec::new(),
            };
            open.extend(targets.into_iter().filter(|id| seen.insert(*id)));
        }
    }
    false
}

impl<R> RecordPlan<R> {
    /// The resources of its targets, and those that were searched, of which a client may see some rows only.
    /// Sorted. O(resources) for each.
    #[must_use]
    pub fn hidden(&self, graph: &DependencyGraph, authorization: &Authorization) -> Vec<ResourceId> {
        let targets = self.records.iter().take(self.targets).map(|target| target.record.resource);
        let touched: BTreeSet<ResourceId> = self.searched.iter().copied().chain(targets).collect();
        touched.into_iter().filter(|&id| is_seen_by_relationship(graph, authorization, id)).collect()
    }
}

impl DescribedPlan {
    /// Warns of rows that were hidden from the search. They block all the same: such a plan is never complete.
    pub fn warn_of_hidden(&mut self, graph: &DependencyGraph, hidden: &[ResourceId]) {
        self.complete &= hidden.is_empty();
        self.warnings.extend(hidden.iter().map(|&id| DescribedWarning {
            code: Text::new_static(WarningCode::RowsMayBeHidden.name()),
            resource: graph.name(id).clone(),
            message: "rows that these credentials may not see are not in the plan, and block all the same".to_owned(),
            said: None,
        }));
    }
}
