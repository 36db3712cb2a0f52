//! In which waves the records of a plan go, and which references are cleared first.
//!
//! A resource goes in one wave where its records do not refer to each other; those of a circle, or of a
//! resource that refers to itself, are ordered record by record.

use std::collections::{BTreeMap, BTreeSet};

use super::circle::{Broken, broken};
use super::{Gathered, RecordClear, RecordStep, RecordWave, Reference};
use crate::graph::{Authorization, Constraint, DependencyGraph, Follow, Precedence, ResourceId};
use crate::plan::delete::{DeleteOperation, DeleteOrder, Warning, WarningCode};
use crate::plan::{RequiredCycle, starts};

/// What is done in which wave.
pub(super) struct Ordered {
    pub(super) waves: Vec<RecordWave>,
    pub(super) clears: Vec<RecordClear>,
    pub(super) warnings: Vec<Warning>,
    pub(super) exact: bool,
}

/// Resources whose deletes are ordered together.
struct Group {
    resources: Vec<ResourceId>,
    /// The waves it takes: one, but for records that refer to each other.
    length: usize,
    /// The first wave it can have, from 0.
    start: usize,
}

/// Orders what was gathered.
pub(super) fn order<R>(
    graph: &DependencyGraph,
    gathered: &Gathered<R>,
    authorization: &Authorization,
) -> Result<Ordered, RequiredCycle> {
    let plan = Plan::of(graph, gathered);
    let within = plan.within_circles()?;
    let mut groups = plan.groups(&within);
    let lost = gathered.references.iter().filter(|(from, ..)| !gathered.is_deleted(*from));
    let mut clears: Vec<RecordClear> = lost
        .copied()
        .chain(within.cleared.iter().copied())
        .map(|(record, position, target)| RecordClear { record, position, target })
        .collect();
    clears.sort_unstable();
    plan.wait_for_clears(&mut groups, &clears, authorization);
    plan.start(&mut groups, authorization);

    let mut waves: BTreeMap<usize, BTreeMap<(DeleteOperation, ResourceId), Vec<u32>>> = BTreeMap::new();
    let mut put = |wave: usize, operation, number: u32| {
        if let Some(record) = gathered.records.get(number as usize) {
            waves.entry(wave).or_default().entry((operation, record.resource)).or_default().push(number);
        }
    };
    let mut updated: Vec<u32> = clears.iter().map(|clear| clear.record).collect();
    updated.dedup();
    updated.into_iter().for_each(|number| put(DeleteOrder::CLEARS, DeleteOperation::Clear, number));
    for group in &groups {
        for number in group.resources.iter().filter_map(|id| plan.deleted.get(id)).flatten() {
            let layer = within.layer.get(number).copied().unwrap_or_default();
            put(group.start + layer + 1, DeleteOperation::Delete, *number);
        }
    }
    let step = |((operation, resource), mut records): ((DeleteOperation, ResourceId), Vec<u32>)| {
        records.sort_unstable();
        RecordStep { resource, operation, records }
    };
    let waves: Vec<RecordWave> = waves
        .into_iter()
        .map(|(wave, steps)| RecordWave { wave, steps: steps.into_iter().map(step).collect() })
        .collect();
    let warnings = plan.warnings(&groups, authorization);
    Ok(Ordered { waves, clears, warnings, exact: within.exact })
}

impl<R> Gathered<R> {
    fn is_deleted(&self, number: u32) -> bool {
        self.deleted.get(number as usize) == Some(&true)
    }

    pub(super) fn resource(&self, number: u32) -> Option<ResourceId> {
        self.records.get(number as usize).map(|record| record.resource)
    }
}

/// The order of records that refer to each other.
struct Within {
    /// The waves before each record within its group; none where it has the first one.
    layer: BTreeMap<u32, usize>,
    /// References that run in a circle and are cleared.
    cleared: Vec<Reference>,
    /// The resources of each circle with the waves it takes.
    circles: Vec<(Vec<ResourceId>, usize)>,
    exact: bool,
}

struct Plan<'p, R> {
    graph: &'p DependencyGraph,
    gathered: &'p Gathered<R>,
    /// The numbers of the deleted records of each resource.
    deleted: BTreeMap<ResourceId, Vec<u32>>,
    /// Pairs of resources of which a deleted record refers to one that is deleted as well: what refers,
    /// then what it refers to.
    uses: BTreeSet<(ResourceId, ResourceId)>,
}

impl<'p, R> Plan<'p, R> {
    fn of(graph: &'p DependencyGraph, gathered: &'p Gathered<R>) -> Self {
        let mut deleted: BTreeMap<ResourceId, Vec<u32>> = BTreeMap::new();
        for (number, record) in (0..).zip(&gathered.records) {
            if gathered.is_deleted(number) {
                deleted.entry(record.resource).or_default().push(number);
            }
        }
        let both =
            gathered.references.iter().filter(|(from, _, to)| gathered.is_deleted(*from) && gathered.is_deleted(*to));
        let uses =
            both.filter_map(|(from, _, to)| Some((gathered.resource(*from)?, gathered.resource(*to)?))).collect();
        Self { graph, gathered, deleted, uses }
    }

    /// Orders the records of resources that refer to each other in a circle, or to themselves.
    fn within_circles(&self) -> Result<Within, RequiredCycle> {
        let resources: Vec<ResourceId> = self.deleted.keys().copied().collect();
        let number = |id: ResourceId| resources.binary_search(&id).ok();
        let constraints = self.uses.iter().filter_map(|&(before, after)| {
            Some(Constraint { before: number(before)?, after: number(after)?, removable: false })
        });
        let precedence = Precedence { steps: resources.len(), constraints: constraints.collect() };
        let mut within = Within { layer: BTreeMap::new(), cleared: Vec::new(), circles: Vec::new(), exact: true };
        for circle in precedence.components() {
            let circle: Vec<ResourceId> =
                circle.into_iter().filter_map(|place| resources.get(place).copied()).collect();
            let length = self.order_circle(&circle, &mut within)?;
            within.circles.push((circle, length));
        }
        within.cleared.sort_unstable();
        Ok(within)
    }

    fn order_circle(&self, circle: &[ResourceId], within: &mut Within) -> Result<usize, RequiredCycle> {
        let mut records: Vec<u32> = circle.iter().filter_map(|id| self.deleted.get(id)).flatten().copied().collect();
        records.sort_unstable();
        let Broken { cleared, layers, exact } = broken(self.graph, self.gathered, &records)?;
        within.exact &= exact;
        within.cleared.extend(cleared);
        let last = layers.iter().max().copied().unwrap_or_default();
        within.layer.extend(records.iter().copied().zip(layers).filter(|(_, layer)| *layer > 0));
        Ok(last + 1)
    }

    fn groups(&self, within: &Within) -> Vec<Group> {
        let in_circle: BTreeSet<ResourceId> = within.circles.iter().flat_map(|(circle, _)| circle).copied().collect();
        let single = self.deleted.keys().filter(|id| !in_circle.contains(id));
        let mut groups: Vec<Group> = single.map(|id| Group { resources: vec![*id], length: 1, start: 0 }).collect();
        let circles = within.circles.iter();
        groups.extend(circles.map(|(circle, length)| Group { resources: circle.clone(), length: *length, start: 0 }));
        groups.sort_by(|a, b| a.resources.cmp(&b.resources));
        groups
    }

    /// Clears take the first wave: what they let go comes after them, and so does the end of the pathway
    /// that an update needs.
    fn wait_for_clears(&self, groups: &mut [Group], clears: &[RecordClear], authorization: &Authorization) {
        let resource = |number: u32| self.gathered.resource(number);
        let updated: BTreeSet<ResourceId> = clears.iter().filter_map(|clear| resource(clear.record)).collect();
        let mut later: BTreeSet<ResourceId> = clears.iter().filter_map(|clear| resource(clear.target)).collect();
        // A record that is updated must still be there.
        later.extend(clears.iter().filter(|c| self.gathered.is_deleted(c.record)).filter_map(|c| resource(c.record)));
        for hold in &authorization.holds {
            let of_person = self.graph.transitive_dependents(hold.person, Follow::all());
            if updated.iter().any(|id| *id == hold.person || of_person.contains(id)) {
                later.extend(&hold.update_after);
            }
        }
        for group in groups.iter_mut().filter(|group| group.resources.iter().any(|id| later.contains(id))) {
            group.start = DeleteOrder::CLEARS;
        }
    }

    /// Puts each group behind everything that refers to it, and behind what needs the people that it
    /// makes visible, as far as references allow.
    fn start(&self, groups: &mut [Group], authorization: &Authorization) {
        let mut of: BTreeMap<ResourceId, usize> = BTreeMap::new();
        for (number, group) in groups.iter().enumerate() {
            of.extend(group.resources.iter().map(|id| (*id, number)));
        }
        let pair = |before: ResourceId, after: ResourceId| Some((*of.get(&before)?, *of.get(&after)?));
        let fixed = self.uses.iter().filter_map(|&(before, after)| pair(before, after));
        let wanted = authorization.edges.iter().filter_map(|edge| pair(edge.dependent, edge.prerequisite));
        let lengths: Vec<usize> = groups.iter().map(|group| group.length).collect();
        let earliest = groups.iter().map(|group| group.start).collect();
        for (group, start) in groups.iter_mut().zip(starts::starts(&lengths, earliest, fixed, wanted)) {
            group.start = start;
        }
    }

    fn warnings(&self, groups: &[Group], authorization: &Authorization) -> Vec<Warning> {
        let last = |group: &Group| group.start + group.length;
        let waves = groups.iter().flat_map(|group| group.resources.iter().map(move |id| (*id, last(group)))).collect();
        let order = DeleteOrder { waves, ..DeleteOrder::default() };
        let mut warnings = Vec::new();
        for (person, by) in order.hides(authorization) {
            let name = self.graph.name(by).short();
            let (code, message) = if self.deleted.contains_key(&person) {
                let say =
                    format!("cannot be found by key once their {name} are gone: keep the ids before the first delete");
                (WarningCode::VanishingIds, say)
            } else {
                let say = format!("may vanish from the client's sight with the {name} of this plan");
                (WarningCode::HiddenPeople, say)
            };
            warnings.push(Warning { code, resource: self.graph.name(person).clone(), message });
        }
        for &id in self.deleted.keys() {
            let (code, say) = match self.graph.resource(id).kind {
                crate::model::Kind::Descriptor => (
                    WarningCode::DescriptorsInUse,
                    "records of other systems, which this client cannot see, may use these values",
                ),
                crate::model::Kind::SchoolYears => (WarningCode::HostReferenceData, "belong to the host"),
                crate::model::Kind::Resource => continue,
            };
            warnings.push(Warning { code, resource: self.graph.name(id).clone(), message: say.to_owned() });
        }
        warnings.sort();
        warnings
    }
}
