//! In which waves a set of resources is deleted, and which references are cleared first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::graph::{Authorization, Breaking, Constraint, DependencyGraph, Edge, Follow, Hold, Precedence, ResourceId};
use crate::model::Text;
use crate::plan::{Pathways, RequiredCycle};

/// What goes, and what loses references to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteSet {
    /// What was asked for, of the deleted; the rest goes because it refers to that. May be left empty.
    pub named: BTreeSet<ResourceId>,
    /// Resources whose records are deleted.
    pub deleted: BTreeSet<ResourceId>,
    /// Resources whose records stay and lose their references to what is deleted.
    pub cleared: BTreeSet<ResourceId>,
}

/// A reference that an update removes before anything is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clear {
    /// The resource that refers.
    pub resource: ResourceId,
    /// Where.
    pub path: Text,
    /// To what; of an abstract target, to this subclass.
    pub target: ResourceId,
}

/// The place of each resource among deletes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteOrder {
    /// The wave of each deleted resource, from 1: everything that refers to it, and everything that
    /// needs the people it makes visible, is in an earlier one.
    pub waves: BTreeMap<ResourceId, usize>,
    /// References to clear in wave [`DeleteOrder::CLEARS`], sorted: those that run in a circle, and those
    /// of resources that stay.
    pub clears: Vec<Clear>,
    /// Resources that refer to themselves, with the paths: within them children go first.
    pub children_first: BTreeMap<ResourceId, Vec<Text>>,
    /// Deleted resources that refer to nothing named any more, directly or through others, once the clears
    /// are done: a circle left no other choice, and they could as well stay.
    pub idle: BTreeSet<ResourceId>,
    /// Whether fewer clears are impossible.
    pub exact: bool,
}

impl DeleteOrder {
    /// The wave of all clears: an update that removes references waits for nothing.
    pub const CLEARS: usize = 1;

    /// The people whom a client stops seeing, with the resource whose delete does it. Any one of a
    /// person's associations shows the person, so the last of them counts; what else it takes to see the
    /// person (for contacts the enrollment of their students) counts at its first delete.
    #[must_use]
    pub fn hides(&self, authorization: &Authorization) -> Vec<(ResourceId, ResourceId)> {
        let wave = |id: &ResourceId| self.waves.get(id).map(|wave| (*wave, *id));
        let person = |hold: &Hold| {
            let all = hold.associations.iter().map(wave).collect::<Option<Vec<_>>>();
            let last = all.and_then(|waves| waves.into_iter().max());
            let also = hold.update_after.iter().filter(|id| !hold.associations.contains(id)).filter_map(wave);
            let hiding = also.chain(last).min()?;
            Some((hold.person, hiding.1))
        };
        authorization.holds.iter().filter_map(person).collect()
    }
}

/// Orders the deletes of a set: what refers goes before what it refers to, what needs a person before
/// the person's pathway. Of each circle the fewest references are cleared; among equally few those with
/// the fewest waves, then the first by name. Where that would clear the very references for which
/// something goes that was not named, others are cleared, if others will do.
///
/// What refers to the set and is neither deleted nor cleared is not looked at: the caller has seen to it.
///
/// O(edges of the set) and the search for clears, see [`Precedence::break_cycles`].
///
/// # Errors
///
/// A circle of which no reference can be cleared.
pub fn delete_order(
    graph: &DependencyGraph,
    set: &DeleteSet,
    authorization: &Authorization,
) -> Result<DeleteOrder, RequiredCycle> {
    let (steps, mut breaking) = Steps::of(graph, set, authorization, Pathways::Hold)
        .with_cycles_broken()
        .or_else(|_| Steps::of(graph, set, authorization, Pathways::Yield).with_cycles_broken())?;
    if !steps.idle(&breaking.removed).is_empty()
        && let Ok(with_reasons) = steps.break_cycles(&steps.with_reasons())
    {
        breaking = with_reasons;
    }
    let all = steps.all(&breaking.removed);
    let layer = all.precedence.layers(&[], |_| true).layer;
    let children_first = steps.resources.iter().filter_map(|&id| Some((id, graph.edge(id, id)?)));
    Ok(DeleteOrder {
        waves: steps.resources.iter().zip(layer).map(|(&id, layer)| (id, layer + 1)).collect(),
        clears: all.clears,
        children_first: children_first
            .map(|(id, edge)| (id, graph.references(edge).map(|r| r.path.clone()).collect()))
            .collect(),
        idle: steps.idle(&breaking.removed),
        exact: breaking.exact,
    })
}

/// The delete steps, one a resource, and what orders them.
struct Steps<'g> {
    graph: &'g DependencyGraph,
    set: &'g DeleteSet,
    /// The resource of each step, in order of name.
    resources: Vec<ResourceId>,
    deletes: Precedence,
    /// The edge behind each constraint that can be removed by a clear.
    edges: Vec<Option<&'g Edge>>,
    /// The constraints that references make.
    references: Vec<usize>,
    /// For each pathway: the resources that an update reaches only while it stands, and the steps that
    /// end it.
    pathways: Vec<(BTreeSet<ResourceId>, Vec<usize>)>,
}

impl<'g> Steps<'g> {
    fn of(graph: &'g DependencyGraph, set: &'g DeleteSet, authorization: &Authorization, pathways: Pathways) -> Self {
        let resources: Vec<ResourceId> = set.deleted.iter().copied().collect();
        let step = |id: ResourceId| resources.binary_search(&id).ok();
        let mut constraints = Vec::new();
        let mut edges = Vec::new();
        let mut references = Vec::new();
        for (before, &dependent) in resources.iter().enumerate() {
            // By dependent, then prerequisite: among equal choices the first by name is cleared.
            for edge in graph.prerequisites(dependent).filter(|edge| !edge.is_self()) {
                let Some(after) = step(edge.prerequisite) else { continue };
                let removable = graph.is_clearable(edge);
                references.push(constraints.len());
                constraints.push(Constraint { before, after, removable });
                edges.push(removable.then_some(edge));
            }
            // Where a property could mean another descriptor, it may be that one that it refers to. It pulls
            // nothing in, but where both go, it costs nothing to heed it.
            let could_mean = graph.ambiguous(dependent).flat_map(|reference| &reference.alternatives);
            for after in could_mean.filter_map(|name| step(graph.id(name)?)).filter(|&after| after != before) {
                constraints.push(Constraint { before, after, removable: false });
                edges.push(None);
            }
        }
        for edge in &authorization.edges {
            if let (Some(before), Some(after)) = (step(edge.dependent), step(edge.prerequisite)) {
                let yielding = pathways.yielding(*edge, graph, |reference| graph.is_clearable(reference));
                constraints.push(Constraint { before, after, removable: yielding.is_some() });
                edges.push(yielding);
            }
        }
        let reached = |person| {
            let mut reached = graph.transitive_dependents(person, Follow::all());
            reached.insert(person);
            reached
        };
        let pathways = authorization.holds.iter().map(|hold| {
            let ends: Vec<usize> = hold.update_after.iter().filter_map(|&id| step(id)).collect();
            (if ends.is_empty() { BTreeSet::new() } else { reached(hold.person) }, ends)
        });
        let pathways = pathways.collect();
        let deletes = Precedence { steps: resources.len(), constraints };
        Self { graph, set, resources, deletes, edges, references, pathways }
    }

    /// The steps, and which constraints to remove.
    fn with_cycles_broken(self) -> Result<(Self, Breaking), RequiredCycle> {
        let breaking = self.break_cycles(&self.deletes)?;
        Ok((self, breaking))
    }

    fn break_cycles(&self, deletes: &Precedence) -> Result<Breaking, RequiredCycle> {
        let cost = |removed: &[usize]| (self.idle(removed).len(), self.all(removed).waves());
        deletes.break_cycles(cost).map_err(|cycle| {
            // Told from prerequisite to dependent, as everywhere.
            let resources = cycle.0.iter().rev().filter_map(|&step| self.resources.get(step));
            RequiredCycle::of(self.graph, resources.copied())
        })
    }

    /// The same constraints, but for everything that was pulled in, the reference on a shortest way back
    /// to what is named cannot be cleared. O(edges of the set).
    fn with_reasons(&self) -> Precedence {
        let mut deletes = self.deletes.clone();
        let dependents = self.dependents(&[]);
        let mut seen: BTreeSet<usize> = self.named().collect();
        let mut open: VecDeque<usize> = self.named().collect();
        while let Some(step) = open.pop_front() {
            for &(dependent, position) in dependents.get(step).into_iter().flatten() {
                if seen.insert(dependent) {
                    open.push_back(dependent);
                    if let Some(c) = deletes.constraints.get_mut(position) {
                        c.removable = false;
                    }
                }
            }
        }
        deletes
    }

    /// What no reference asks to delete any more once these constraints are removed. O(edges of the set).
    fn idle(&self, removed: &[usize]) -> BTreeSet<ResourceId> {
        if self.set.named.is_empty() || removed.is_empty() {
            return BTreeSet::new();
        }
        let dependents = self.dependents(removed);
        let mut idle = self.set.deleted.clone();
        let mut open: Vec<usize> = self.named().collect();
        while let Some(step) = open.pop() {
            if self.resources.get(step).is_some_and(|id| idle.remove(id)) {
                open.extend(dependents.get(step).into_iter().flatten().map(|(dependent, _)| dependent));
            }
        }
        idle
    }

    /// What refers to each step, and the constraint that this makes, if it is not removed.
    fn dependents(&self, removed: &[usize]) -> Vec<Vec<(usize, usize)>> {
        let mut dependents: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.resources.len()];
        for &position in self.references.iter().filter(|position| removed.binary_search(position).is_err()) {
            if let Some(c) = self.deletes.constraints.get(position)
                && let Some(list) = dependents.get_mut(c.after)
            {
                list.push((c.before, position));
            }
        }
        dependents
    }

    fn named(&self) -> impl Iterator<Item = usize> + use<'_> {
        self.set.named.iter().filter_map(|id| self.resources.binary_search(id).ok())
    }

    /// All steps once these constraints are removed: the deletes, and a clear for each resource that
    /// loses references.
    fn all(&self, removed: &[usize]) -> AllSteps {
        let kept = self.deletes.constraints.iter().enumerate();
        let kept = kept.filter(|(position, _)| removed.binary_search(position).is_err());
        let mut constraints: Vec<Constraint> = kept.map(|(_, c)| *c).collect();
        let circular = removed.iter().filter_map(|&position| self.edges.get(position).copied().flatten());
        let of_survivors = self.set.cleared.iter().flat_map(|&id| self.graph.prerequisites(id));
        let lost = of_survivors.filter(|edge| self.set.deleted.contains(&edge.prerequisite));
        let mut clears = Vec::new();
        let mut step_of: BTreeMap<ResourceId, usize> = BTreeMap::new();
        for edge in circular.chain(lost) {
            let next = self.resources.len() + step_of.len();
            let before = *step_of.entry(edge.dependent).or_insert(next);
            // An update finds its record only while it exists, and must come before what it lets go.
            for id in [edge.dependent, edge.prerequisite] {
                if let Ok(after) = self.resources.binary_search(&id) {
                    constraints.push(Constraint { before, after, removable: false });
                }
            }
            clears.extend(self.graph.references(edge).map(|reference| Clear {
                resource: edge.dependent,
                path: reference.path.clone(),
                target: edge.prerequisite,
            }));
        }
        for (&id, &before) in &step_of {
            for (_, ends) in self.pathways.iter().filter(|(reached, _)| reached.contains(&id)) {
                constraints.extend(ends.iter().map(|&after| Constraint { before, after, removable: false }));
            }
        }
        clears.sort();
        // A reference to a person may have held up several associations.
        clears.dedup();
        AllSteps { precedence: Precedence { steps: self.resources.len() + step_of.len(), constraints }, clears }
    }
}

/// Deletes and clears.
struct AllSteps {
    precedence: Precedence,
    clears: Vec<Clear>,
}

impl AllSteps {
    fn waves(&self) -> usize {
        self.precedence.layers(&[], |_| true).layer.into_iter().max().map_or(0, |layer| layer + 1)
    }
}
