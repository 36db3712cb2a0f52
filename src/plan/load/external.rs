//! What a load needs and does not contain: resources that must exist already.

use std::collections::{BTreeMap, BTreeSet};

use super::{External, LoadOptions, Reason};
use crate::graph::{Aim, DependencyGraph, ResourceId};
use crate::model::Kind;

/// What the chosen resources need, by target.
#[derive(Default)]
pub(super) struct Needs {
    resources: BTreeMap<ResourceId, (bool, BTreeSet<ResourceId>)>,
    /// Abstract resources of which nothing is chosen.
    groups: BTreeMap<usize, (bool, BTreeSet<ResourceId>)>,
    /// Associations that make people visible: the people, and what needs to see them.
    pathways: BTreeMap<ResourceId, (BTreeSet<ResourceId>, BTreeSet<ResourceId>)>,
}

impl Needs {
    pub(super) fn of(graph: &DependencyGraph, chosen: &impl Fn(ResourceId) -> bool, options: &LoadOptions) -> Self {
        let mut needs = Self::default();
        for id in graph.ids().filter(|&id| chosen(id)) {
            for (reference, aim) in graph.aims(id) {
                if options.required_only && !reference.required {
                    continue;
                }
                let need = match aim {
                    Aim::Resource(target) if !chosen(target) => needs.resources.entry(target).or_default(),
                    Aim::Abstract(place) if !graph.subclasses_at(place).iter().any(|&id| chosen(id)) => {
                        needs.groups.entry(place).or_default()
                    }
                    _ => continue,
                };
                need.0 |= reference.required;
                need.1.insert(id);
            }
            for target in graph.unexplained(id).map(|edge| edge.prerequisite).filter(|&target| !chosen(target)) {
                needs.resources.entry(target).or_default().1.insert(id);
            }
        }
        for hold in options.authorization.holds.iter().filter(|hold| chosen(hold.person)) {
            for &association in hold.update_after.iter().filter(|&&association| !chosen(association)) {
                let (people, needed_by) = needs.pathways.entry(association).or_default();
                people.insert(hold.person);
                needed_by.insert(hold.person);
            }
        }
        let waiting = options.authorization.edges.iter().filter(|e| chosen(e.dependent) && !chosen(e.prerequisite));
        for edge in waiting {
            let (people, needed_by) = needs.pathways.entry(edge.prerequisite).or_default();
            people.insert(edge.person);
            needed_by.insert(edge.dependent);
        }
        needs
    }

    pub(super) fn external(self, graph: &DependencyGraph, options: &LoadOptions) -> Vec<External> {
        let names = |ids: &BTreeSet<ResourceId>| ids.iter().map(|&id| graph.name(id).clone()).collect::<Vec<_>>();
        let concrete = |id: ResourceId, reason: Reason, required: bool, needed_by: &BTreeSet<ResourceId>| External {
            resource: graph.name(id).as_str().into(),
            reason,
            required,
            one_of: Vec::new(),
            needed_by: names(needed_by),
            makes_visible: Vec::new(),
            descriptor: graph.resource(id).kind == Kind::Descriptor,
        };
        let mut external = Vec::new();
        let mut declared = options.external.clone();
        for (id, (required, needed_by)) in &self.resources {
            let reason = match graph.resource(*id).kind {
                Kind::SchoolYears => Reason::Host,
                _ if declared.remove(id) => Reason::Declared,
                _ => Reason::Reference,
            };
            external.push(concrete(*id, reason, *required, needed_by));
        }
        external.extend(declared.iter().map(|&id| concrete(id, Reason::Declared, false, &BTreeSet::new())));
        for (id, (people, needed_by)) in &self.pathways {
            if options.external.contains(id) {
                continue;
            }
            // A pathway may be referred to as well; then it is listed once, with all that need it.
            external.retain(|known| known.resource != graph.name(*id).as_str());
            let (required, referring) = self.resources.get(id).cloned().unwrap_or_default();
            let all: BTreeSet<ResourceId> = needed_by.union(&referring).copied().collect();
            external.push(External { makes_visible: names(people), ..concrete(*id, Reason::Pathway, required, &all) });
        }
        external.extend(self.groups.iter().map(|(&place, (required, needed_by))| External {
            resource: graph.abstracts().get(place).map(|a| a.entity.clone()).unwrap_or_default(),
            reason: Reason::Reference,
            required: *required,
            one_of: graph.subclasses_at(place).iter().map(|&id| graph.name(id).clone()).collect(),
            needed_by: names(needed_by),
            makes_visible: Vec::new(),
            descriptor: false,
        }));
        external.sort_by(|a, b| (a.reason, &a.resource).cmp(&(b.reason, &b.resource)));
        external
    }
}
