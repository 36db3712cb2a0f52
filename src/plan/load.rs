//! Our own load order: the fewest references deferred, every step as early as it can be.
//!
//! Steps are ordered, not resources: a person is created early and updated after its pathway, and a
//! resource whose reference was deferred to break a cycle is updated once the target exists.

mod external;
mod notes;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use external::Needs;
use notes::{ambiguous, one_of, self_references, unresolved};

use super::{Operation, Pathways, RequiredCycle};
use crate::graph::{Authorization, Breaking, Constraint, DependencyGraph, Edge, Precedence, ResourceId, Selection};
use crate::model::{Kind, ResourceName, Text};

/// How to plan.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Ignore optional references.
    pub required_only: bool,
    /// Edges that authorization adds.
    pub authorization: Authorization,
    /// Resources that another system owns: not loaded, but needed.
    pub external: BTreeSet<ResourceId>,
}

/// A load order and what has to be known about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadPlan {
    /// The waves, in order; the steps of one can run at the same time.
    pub waves: Vec<Wave>,
    /// References to leave out at create and to set by the update in that wave.
    pub deferred: Vec<Deferred>,
    /// References from a resource to itself: load parents first.
    pub self_references: Vec<SelfReference>,
    /// What the plan needs and does not load.
    pub external: Vec<External>,
    /// Abstract resources that the plan satisfies, with the subclasses it loads.
    pub one_of: Vec<OneOf>,
    /// Descriptor references whose property name could mean another descriptor.
    pub ambiguous: Vec<Ambiguous>,
    /// References that no document resolves.
    pub unresolved: Vec<Unresolved>,
    /// What the API's own order does not list: it breaks cycles in one pass, and what that leaves in a circle
    /// or behind one never comes out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<ResourceName>,
    /// Whether fewer deferrals are impossible.
    #[serde(skip)]
    pub exact: bool,
}

impl LoadPlan {
    /// When a deferred reference can be set: `in wave 18`, where the plan has a step for it, or `after
    /// wave 21`.
    #[must_use]
    pub fn when(&self, deferred: &Deferred) -> String {
        let sets = |step: &Step| step.resource == deferred.resource && step.operations == [Operation::Update];
        let here = |wave: &Wave| wave.wave == deferred.wave && wave.steps.iter().any(sets);
        format!("{} wave {}", if self.waves.iter().any(here) { "in" } else { "after" }, deferred.wave)
    }
}

/// Steps that can run at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wave {
    /// Its number, from 1.
    pub wave: usize,
    /// Its steps, updates of what was created before first, then by name.
    pub steps: Vec<Step>,
}

/// What is done to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The resource.
    pub resource: ResourceName,
    /// Create, update or both.
    pub operations: &'static [Operation],
    /// What sort of collection it is.
    #[serde(skip)]
    pub kind: Kind,
}

/// A reference that breaks a cycle by waiting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Deferred {
    /// The resource that refers.
    pub resource: ResourceName,
    /// Where.
    pub path: Text,
    /// To what.
    pub target: ResourceName,
    /// The wave of the update that sets it; in the server's order, which has no such step, the wave
    /// after which it can be set.
    pub wave: usize,
}

/// A reference that orders records, not resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SelfReference {
    /// The resource.
    pub resource: ResourceName,
    /// Where it refers to itself.
    pub path: Text,
}

/// Why something outside the plan is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// A reference leads to it, and it was not selected.
    Reference,
    /// It makes people visible that the plan refers to or updates, and it was not selected.
    Pathway,
    /// It was named as owned by another system.
    Declared,
    /// The host owns it: school years.
    Host,
}

/// Something that must already exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct External {
    /// The resource; for an abstract one of which nothing is selected, its entity.
    pub resource: Text,
    /// Why it is needed.
    pub reason: Reason,
    /// Whether a required reference needs it.
    pub required: bool,
    /// Any one of these would do; only for an abstract resource.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<ResourceName>,
    /// What needs it, by name.
    pub needed_by: Vec<ResourceName>,
    /// The people it makes visible to a client; only for a pathway.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub makes_visible: Vec<ResourceName>,
    /// Whether it is a descriptor.
    #[serde(skip)]
    pub descriptor: bool,
}

/// An abstract resource and the subclasses that the plan loads for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OneOf {
    /// `EducationOrganization`.
    pub entity: Text,
    /// Subclasses in the plan.
    pub loaded: Vec<ResourceName>,
    /// How many subclasses there are.
    pub of: usize,
    /// Whether they are loaded only because any one of them would do.
    pub only_for_this: bool,
}

/// A descriptor reference that may mean another descriptor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ambiguous {
    /// The resource that refers.
    pub resource: ResourceName,
    /// Where.
    pub path: Text,
    /// What is assumed.
    pub target: ResourceName,
    /// What else it could be.
    pub alternatives: Vec<ResourceName>,
}

/// A reference that no document resolves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unresolved {
    /// The resource that refers.
    pub resource: ResourceName,
    /// Where.
    pub path: Text,
    /// What it names.
    pub name: Text,
}

/// Orders the selected resources, keeping the order implied through resources that are left out.
///
/// O(references × subclasses) and the search for deferrals, see [`Precedence::break_cycles`].
///
/// # Errors
///
/// A cycle of required references, or of those and pathways.
pub fn load_plan(
    graph: &DependencyGraph,
    selection: &Selection,
    options: &LoadOptions,
) -> Result<LoadPlan, RequiredCycle> {
    // What waits for a pathway gives way last: only where no order exists otherwise.
    let (steps, breaking) = Steps::of(graph, options, Pathways::Hold)
        .with_cycles_broken()
        .or_else(|_| Steps::of(graph, options, Pathways::Yield).with_cycles_broken())?;
    let loaded = loaded(graph, selection, options);
    let chosen = |id: ResourceId| loaded.get(id.index()).copied().unwrap_or_default();
    let removed: Vec<(&Edge, usize)> = steps.removed(&breaking.removed).collect();
    let ordered = steps.all(&breaking.removed);
    let layer = ordered.precedence.layers(&[], |step| chosen(ordered.resource_of(step))).layer;
    let wave_of = |step: usize| layer.get(step).map_or(0, |layer| layer + 1);

    // Updates before creates, each in the order of names, which is that of ids.
    let mut waves: BTreeMap<usize, Vec<(bool, ResourceId)>> = BTreeMap::new();
    for step in (0..layer.len()).filter(|&step| chosen(ordered.resource_of(step))) {
        waves.entry(wave_of(step)).or_default().push((step < ordered.creates, ordered.resource_of(step)));
    }
    let planned = |(is_create, id): (bool, ResourceId)| {
        let operations: &[Operation] = match (is_create, ordered.update_of.contains_key(&id)) {
            (true, true) => &[Operation::Create],
            (true, false) => &[Operation::Create, Operation::Update],
            (false, _) => &[Operation::Update],
        };
        Step { resource: graph.name(id).clone(), operations, kind: graph.resource(id).kind }
    };
    let waves = waves.into_iter().map(|(wave, mut steps)| {
        steps.sort_unstable();
        Wave { wave, steps: steps.into_iter().map(planned).collect() }
    });
    let waves = waves.collect();

    let mut deferred = Vec::new();
    for (edge, _) in removed {
        if !chosen(edge.dependent) || !chosen(edge.prerequisite) {
            continue;
        }
        let update = ordered.update_of.get(&edge.dependent).copied();
        deferred.extend(graph.references(edge).map(|reference| Deferred {
            resource: graph.name(edge.dependent).clone(),
            path: reference.path.clone(),
            target: graph.name(edge.prerequisite).clone(),
            wave: update.map_or(0, wave_of),
        }));
    }
    deferred.sort();
    // A reference to a person may have waited for several associations.
    deferred.dedup();
    Ok(LoadPlan { exact: breaking.exact, ..around(graph, selection, options, waves, deferred) })
}

/// Waves with everything that has to be known about them.
pub(super) fn around(
    graph: &DependencyGraph,
    selection: &Selection,
    options: &LoadOptions,
    waves: Vec<Wave>,
    deferred: Vec<Deferred>,
) -> LoadPlan {
    let loaded = loaded(graph, selection, options);
    let chosen = |id: ResourceId| loaded.get(id.index()).copied().unwrap_or_default();
    LoadPlan {
        waves,
        deferred,
        self_references: self_references(graph, &chosen, options.required_only),
        external: Needs::of(graph, &chosen, options).external(graph, options),
        one_of: one_of(graph, selection, &chosen),
        ambiguous: ambiguous(graph, &chosen, options.required_only),
        unresolved: unresolved(graph, &chosen, options.required_only),
        left_out: Vec::new(),
        exact: true,
    }
}

/// For each resource whether the plan loads it: asked for every reference there is.
fn loaded(graph: &DependencyGraph, selection: &Selection, options: &LoadOptions) -> Vec<bool> {
    let mut loaded = vec![false; graph.ids().len()];
    for id in selection.resources.iter().filter(|id| !options.external.contains(id)) {
        if let Some(place) = loaded.get_mut(id.index()) {
            *place = true;
        }
    }
    loaded
}

/// The create steps, one a resource, and what orders them.
#[derive(Clone)]
struct Steps<'g> {
    graph: &'g DependencyGraph,
    options: &'g LoadOptions,
    creates: Precedence,
    /// The references behind each constraint; none where authorization put it there for good.
    edges: Vec<Option<&'g Edge>>,
}

impl<'g> Steps<'g> {
    fn of(graph: &'g DependencyGraph, options: &'g LoadOptions, pathways: Pathways) -> Self {
        let most = graph.edges().len() + options.authorization.edges.len();
        // With room for what updates wait for, which is added in place.
        let waits: usize = options.authorization.holds.iter().map(|hold| 2 * hold.update_after.len()).sum();
        let mut creates = Precedence { steps: graph.ids().len(), constraints: Vec::with_capacity(most + waits) };
        let mut edges = Vec::with_capacity(most);
        // By dependent, then prerequisite: among equal choices the first by name is removed.
        for edge in graph.edges() {
            // What another system owns exists already: nothing waits for it, and it waits for nothing.
            let external = [edge.prerequisite, edge.dependent].iter().any(|id| options.external.contains(id));
            if edge.is_self() || external || options.required_only && !edge.may_be_required() {
                continue;
            }
            let (before, after) = (edge.prerequisite.index(), edge.dependent.index());
            creates.constraints.push(Constraint { before, after, removable: !edge.may_be_required() });
            edges.push(Some(edge));
        }
        let owned = |id: &ResourceId| options.external.contains(id);
        for edge in options.authorization.edges.iter().filter(|e| !owned(&e.prerequisite) && !owned(&e.dependent)) {
            let (before, after) = (edge.prerequisite.index(), edge.dependent.index());
            let yielding = pathways.yielding(*edge, graph, |reference| !reference.may_be_required());
            creates.constraints.push(Constraint { before, after, removable: yielding.is_some() });
            edges.push(yielding);
        }
        Self { graph, options, creates, edges }
    }

    /// The steps, and which constraints to remove.
    fn with_cycles_broken(self) -> Result<(Self, Breaking), RequiredCycle> {
        let breaking = self.creates.break_cycles(|removed| self.clone().all(removed).waves());
        match breaking {
            Ok(breaking) => Ok((self, breaking)),
            Err(cycle) => {
                let ids: Vec<ResourceId> = self.graph.ids().collect();
                let around = cycle.0.iter().filter_map(|&step| ids.get(step)).copied();
                Err(RequiredCycle::of(self.graph, around))
            }
        }
    }

    /// The references behind removed constraints, and what setting them waits for.
    fn removed(&self, removed: &[usize]) -> impl Iterator<Item = (&'g Edge, usize)> {
        let behind = |&position: &usize| {
            let before = self.creates.constraints.get(position)?.before;
            Some((self.edges.get(position).copied().flatten()?, before))
        };
        removed.iter().filter_map(behind)
    }

    /// All steps once these constraints are removed: the creates, and the updates that wait.
    fn all(self, removed: &[usize]) -> AllSteps<'g> {
        let mut update_of: BTreeMap<ResourceId, usize> = BTreeMap::new();
        let mut waits: Vec<(ResourceId, usize)> = Vec::new();
        for hold in &self.options.authorization.holds {
            let after = hold.update_after.iter().filter(|id| !self.options.external.contains(id));
            waits.extend(after.map(|after| (hold.person, after.index())));
        }
        waits.extend(self.removed(removed).map(|(edge, before)| (edge.dependent, before)));
        let Precedence { steps: creates, mut constraints } = self.creates;
        let mut positions = 0..;
        constraints.retain(|_| positions.next().is_none_or(|position| removed.binary_search(&position).is_err()));
        for (resource, target) in waits {
            let next = creates + update_of.len();
            let update = *update_of.entry(resource).or_insert(next);
            for before in [resource.index(), target] {
                constraints.push(Constraint { before, after: update, removable: false });
            }
        }
        let precedence = Precedence { steps: creates + update_of.len(), constraints };
        let mut resources: Vec<ResourceId> = self.graph.ids().collect();
        let mut updated: Vec<(usize, ResourceId)> = update_of.iter().map(|(id, step)| (*step, *id)).collect();
        updated.sort_unstable();
        resources.extend(updated.into_iter().map(|(_, id)| id));
        AllSteps { graph: self.graph, precedence, creates, update_of, resources }
    }
}

/// Creates and updates.
struct AllSteps<'g> {
    graph: &'g DependencyGraph,
    precedence: Precedence,
    /// Steps below this number are creates, of the resource of that number.
    creates: usize,
    /// The update step of a resource that has one of its own.
    update_of: BTreeMap<ResourceId, usize>,
    /// The resource of each step.
    resources: Vec<ResourceId>,
}

impl AllSteps<'_> {
    fn resource_of(&self, step: usize) -> ResourceId {
        self.resources.get(step).copied().unwrap_or_default()
    }

    /// How many waves a load of everything takes.
    fn waves(&self) -> usize {
        let loaded = |step| self.graph.resource(self.resource_of(step)).kind != Kind::SchoolYears;
        let layer = self.precedence.layers(&[], loaded).layer;
        layer.iter().enumerate().filter(|(step, _)| loaded(*step)).map(|(_, layer)| layer + 1).max().unwrap_or_default()
    }
}
