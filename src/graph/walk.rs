//! Walks: transitive prerequisites and dependents, shortest and all chains between two resources.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{DependencyGraph, Edge, ResourceId};
use crate::model::Kind;

/// Which edges a walk follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow {
    /// Only edges with a required reference.
    pub required_only: bool,
    /// Also edges from descriptors.
    pub descriptors: bool,
}

impl Follow {
    /// Every edge.
    #[must_use]
    pub fn all() -> Self {
        Self { required_only: false, descriptors: true }
    }

    /// Required references only.
    #[must_use]
    pub fn required() -> Self {
        Self { required_only: true, descriptors: true }
    }

    /// Whether an edge is followed; an edge from a resource to itself never leads on.
    #[must_use]
    pub fn follows(self, graph: &DependencyGraph, edge: &Edge) -> bool {
        let descriptor = || graph.resource(edge.prerequisite).kind == Kind::Descriptor;
        !edge.is_self() && (edge.required || !self.required_only) && (self.descriptors || !descriptor())
    }
}

/// One edge of a chain.
pub type Step<'g> = &'g Edge;

/// All chains between two resources, up to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths<'g> {
    /// Shortest first, then by name. Each chain visits a resource at most once.
    pub chains: Vec<Vec<Step<'g>>>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
}

impl DependencyGraph {
    /// Everything a resource needs, directly or through others, itself left out. O(edges).
    #[must_use]
    pub fn transitive_prerequisites(&self, of: ResourceId, follow: Follow) -> BTreeSet<ResourceId> {
        self.reach(of, |id| {
            self.prerequisites(id).filter(|e| follow.follows(self, e)).map(|e| e.prerequisite).collect()
        })
    }

    /// Everything that needs a resource, directly or through others, itself left out. O(edges).
    #[must_use]
    pub fn transitive_dependents(&self, of: ResourceId, follow: Follow) -> BTreeSet<ResourceId> {
        self.reach(of, |id| self.dependents(id).filter(|e| follow.follows(self, e)).map(|e| e.dependent).collect())
    }

    fn reach(&self, from: ResourceId, next: impl Fn(ResourceId) -> Vec<ResourceId>) -> BTreeSet<ResourceId> {
        let mut seen = BTreeSet::from([from]);
        let mut open = VecDeque::from([from]);
        while let Some(id) = open.pop_front() {
            open.extend(next(id).into_iter().filter(|n| seen.insert(*n)));
        }
        seen.remove(&from);
        seen
    }

    /// The shortest chain from a prerequisite to a dependent; among equals, one whose references are
    /// required, then the first by name. O(edges).
    #[must_use]
    pub fn shortest_path(&self, from: ResourceId, to: ResourceId, follow: Follow) -> Option<Vec<Step<'_>>> {
        let distance = self.distances(from, follow);
        let mut chain = Vec::new();
        let mut at = to;
        while at != from {
            let here = *distance.get(&at)?;
            let step = self
                .prerequisites(at)
                .filter(|e| follow.follows(self, e))
                .filter(|e| distance.get(&e.prerequisite).is_some_and(|d| d + 1 == here))
                .min_by_key(|e| (!e.required, e.prerequisite))?;
            chain.push(step);
            at = step.prerequisite;
        }
        chain.reverse();
        Some(chain)
    }

    /// Distances from a resource to its dependents.
    fn distances(&self, from: ResourceId, follow: Follow) -> BTreeMap<ResourceId, usize> {
        let mut distance = BTreeMap::from([(from, 0)]);
        let mut open = VecDeque::from([(from, 0)]);
        while let Some((id, d)) = open.pop_front() {
            for edge in self.dependents(id).filter(|e| follow.follows(self, e)) {
                if let std::collections::btree_map::Entry::Vacant(entry) = distance.entry(edge.dependent) {
                    entry.insert(d + 1);
                    open.push_back((edge.dependent, d + 1));
                }
            }
        }
        distance
    }

    /// All simple chains between two resources, at most `limit` of them.
    ///
    /// Their number grows exponentially with the distance, so the search stops after `limit` chains
    /// of each length, shortest first; only resources that lie on some chain are visited.
    #[must_use]
    pub fn paths(&self, from: ResourceId, to: ResourceId, follow: Follow, limit: usize) -> Paths<'_> {
        let mut between = self.transitive_prerequisites(to, follow);
        between.insert(to);
        let mut chains: Vec<Vec<Step<'_>>> = Vec::new();
        let mut truncated = false;
        // Breadth first over partial chains: lengths come out in order. The queue is bounded like
        // the answer, for every partial chain inside `between` of an acyclic part leads to `to`.
        let mut open: VecDeque<Vec<Step<'_>>> = VecDeque::from([Vec::new()]);
        let budget = limit.saturating_mul(64).max(4096);
        let mut steps = 0;
        while let Some(chain) = open.pop_front() {
            let at = chain.last().map_or(from, |e| e.dependent);
            if at == to && !chain.is_empty() {
                if chains.len() == limit {
                    truncated = true;
                    break;
                }
                chains.push(chain);
                continue;
            }
            steps += 1;
            if steps > budget {
                truncated = true;
                break;
            }
            for edge in self.dependents(at).filter(|e| follow.follows(self, e) && between.contains(&e.dependent)) {
                let visited = edge.dependent == from || chain.iter().any(|e| e.dependent == edge.dependent);
                if !visited {
                    let mut longer = chain.clone();
                    longer.push(edge);
                    open.push_back(longer);
                }
            }
        }
        Paths { chains, truncated }
    }
}
