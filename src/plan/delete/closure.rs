//! What has to go with what is named, and what must survive and cannot.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use super::{DeleteOptions, DeleteSet, Optional};
use crate::graph::{DependencyGraph, Edge, ResourceId};
use crate::model::{ResourceName, Text};

/// A reference of something that must survive to something that would go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct InTheWay {
    /// What must survive.
    pub resource: ResourceName,
    /// Where it refers.
    pub path: Text,
    /// To what.
    pub target: ResourceName,
    /// Whether the reference is required; an optional one can be cleared.
    pub required: bool,
    /// From what is named to the target, each a prerequisite of the next.
    pub chain: Vec<ResourceName>,
}

/// What must survive and cannot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} must survive and stands in the way", .references.first().map_or("a resource", |r| r.resource.short()))]
pub struct Kept {
    /// The references that stand in the way, sorted.
    pub references: Vec<InTheWay>,
    /// Whether clearing optional references makes a plan possible.
    pub clearing_helps: bool,
}

/// What is named, with everything that refers to it; what only loses references apart. O(edges).
pub(super) fn of(graph: &DependencyGraph, named: &BTreeSet<ResourceId>, optional: Optional) -> DeleteSet {
    Reach::of(graph, named, &BTreeSet::new(), optional).set
}

/// Why what must survive cannot, where a plan would delete it. O(edges).
pub(super) fn kept(graph: &DependencyGraph, planned: &DeleteSet, options: &DeleteOptions) -> Kept {
    let named = &planned.named;
    let mut references = Reach::of(graph, named, &options.keep, options.optional).in_the_way();
    let planned = |name: &ResourceName| graph.id(name).is_some_and(|id| planned.deleted.contains(&id));
    references.retain(|reference| planned(&reference.resource) && planned(&reference.target));
    let least = of(graph, named, Optional::Clear);
    Kept { references, clearing_helps: least.deleted.is_disjoint(&options.keep) }
}

/// How far a delete reaches.
struct Reach<'a> {
    graph: &'a DependencyGraph,
    keep: &'a BTreeSet<ResourceId>,
    optional: Optional,
    set: DeleteSet,
    /// For each resource that was pulled in, what it refers to.
    pulled_by: BTreeMap<ResourceId, ResourceId>,
}

impl<'a> Reach<'a> {
    /// Does not look beyond what must survive: what refers to it could survive as well.
    fn of(
        graph: &'a DependencyGraph,
        named: &BTreeSet<ResourceId>,
        keep: &'a BTreeSet<ResourceId>,
        optional: Optional,
    ) -> Self {
        let mut set = DeleteSet { named: named.clone(), deleted: named.clone(), ..DeleteSet::default() };
        let mut pulled_by = BTreeMap::new();
        let mut open: VecDeque<ResourceId> = set.deleted.iter().copied().collect();
        while let Some(id) = open.pop_front() {
            for edge in graph.dependents(id) {
                let dependent = edge.dependent;
                if keep.contains(&dependent) || optional == Optional::Clear && graph.is_clearable(edge) {
                    set.cleared.insert(dependent);
                } else if set.deleted.insert(dependent) {
                    pulled_by.insert(dependent, id);
                    open.push_back(dependent);
                }
            }
        }
        set.cleared.retain(|id| !set.deleted.contains(id));
        Self { graph, keep, optional, set, pulled_by }
    }

    /// What must survive and refers to what goes, but for references that are cleared. Sorted.
    fn in_the_way(&self) -> Vec<InTheWay> {
        let graph = self.graph;
        let kept = self.set.cleared.iter().filter(|id| self.keep.contains(id));
        let edges = kept.flat_map(|&id| graph.prerequisites(id));
        let cleared = |edge: &Edge| self.optional == Optional::Clear && graph.is_clearable(edge);
        let mut references: Vec<InTheWay> = edges
            .filter(|edge| self.set.deleted.contains(&edge.prerequisite) && !cleared(edge))
            .flat_map(|edge| {
                let chain = self.chain(edge.prerequisite);
                graph.references(edge).map(move |reference| InTheWay {
                    resource: graph.name(edge.dependent).clone(),
                    path: reference.path.clone(),
                    target: graph.name(edge.prerequisite).clone(),
                    required: reference.required || reference.identifying,
                    chain: chain.clone(),
                })
            })
            .collect();
        references.sort();
        references
    }

    /// From what is named to what was pulled in.
    fn chain(&self, to: ResourceId) -> Vec<ResourceName> {
        let back: Vec<ResourceId> = std::iter::successors(Some(to), |at| self.pulled_by.get(at).copied()).collect();
        back.into_iter().rev().map(|id| self.graph.name(id).clone()).collect()
    }
}
