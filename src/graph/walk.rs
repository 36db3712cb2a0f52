//! Walks: transitive prerequisites and dependents, shortest and all chains between two resources.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Authorization, DependencyGraph, Edge, ResourceId};
use crate::model::Kind;

/// Which edges a walk follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow {
    /// Only edges with a required reference, and those of which no document tells.
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
        !edge.is_self() && (edge.may_be_required() || !self.required_only) && (self.descriptors || !descriptor())
    }
}

/// One link of a chain: a prerequisite and its dependent, and what makes it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'g> {
    /// What comes first.
    pub prerequisite: ResourceId,
    /// What waits for it.
    pub dependent: ResourceId,
    /// The references behind it; none where only authorization asks for it.
    pub edge: Option<&'g Edge>,
    /// The person whose pathway asks for it.
    pub person: Option<ResourceId>,
}

impl Link<'_> {
    /// Whether it always holds: by a required reference, or by authorization.
    #[must_use]
    pub fn is_firm(&self) -> bool {
        self.person.is_some() || self.edge.is_some_and(Edge::may_be_required)
    }
}

/// All chains between two resources, up to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths<'g> {
    /// Shortest first, then by name. Each chain visits a resource at most once.
    pub chains: Vec<Vec<Link<'g>>>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
}

impl DependencyGraph {
    /// Everything a resource needs, directly or through others, itself left out. O(edges).
    #[must_use]
    pub fn transitive_prerequisites(&self, of: ResourceId, follow: Follow) -> BTreeSet<ResourceId> {
        self.reach(of, |id| self.prerequisites(id).filter(move |e| follow.follows(self, e)).map(|e| e.prerequisite))
    }

    /// Everything that needs a resource, directly or through others, itself left out. O(edges).
    #[must_use]
    pub fn transitive_dependents(&self, of: ResourceId, follow: Follow) -> BTreeSet<ResourceId> {
        self.reach(of, |id| self.dependents(id).filter(move |e| follow.follows(self, e)).map(|e| e.dependent))
    }

    fn reach<N: Iterator<Item = ResourceId>>(
        &self,
        from: ResourceId,
        next: impl Fn(ResourceId) -> N,
    ) -> BTreeSet<ResourceId> {
        let mut seen = vec![false; self.ids().len()];
        let mut is_new = |id: ResourceId| seen.get_mut(id.index()).is_some_and(|seen| !std::mem::replace(seen, true));
        is_new(from);
        let mut open = vec![from];
        while let Some(id) = open.pop() {
            open.extend(next(id).filter(|&next| is_new(next)));
        }
        self.ids().filter(|id| *id != from && seen.get(id.index()).copied().unwrap_or_default()).collect()
    }

    /// What comes right after a resource, by references or by authorization, in order of name.
    fn links(&self, from: ResourceId, follow: Follow, authorization: &Authorization) -> Vec<Link<'_>> {
        let mut links: Vec<Link<'_>> = self
            .dependents(from)
            .filter(|edge| follow.follows(self, edge))
            .map(|edge| Link { prerequisite: from, dependent: edge.dependent, edge: Some(edge), person: None })
            .collect();
        for edge in authorization.edges.iter().filter(|edge| edge.prerequisite == from) {
            match links.iter_mut().find(|link| link.dependent == edge.dependent) {
                Some(link) => link.person = Some(edge.person),
                None => links.push(Link {
                    prerequisite: from,
                    dependent: edge.dependent,
                    edge: None,
                    person: Some(edge.person),
                }),
            }
        }
        links.sort_by_key(|link| link.dependent);
        links
    }

    /// The shortest chain from a prerequisite to a dependent; among equals, one that always holds, then
    /// the first by name. O(edges).
    #[must_use]
    pub fn shortest_path(
        &self,
        from: ResourceId,
        to: ResourceId,
        follow: Follow,
        authorization: &Authorization,
    ) -> Option<Vec<Link<'_>>> {
        // For each resource on the way, the link it is best reached by.
        let mut best: BTreeMap<ResourceId, Link<'_>> = BTreeMap::new();
        let mut layer = vec![from];
        while !layer.is_empty() && !best.contains_key(&to) {
            let mut next: BTreeMap<ResourceId, Link<'_>> = BTreeMap::new();
            for link in layer.iter().flat_map(|&id| self.links(id, follow, authorization)) {
                let seen = link.dependent == from || best.contains_key(&link.dependent);
                let better =
                    |known: &Link<'_>| (!link.is_firm(), link.prerequisite) < (!known.is_firm(), known.prerequisite);
                if !seen && next.get(&link.dependent).is_none_or(better) {
                    next.insert(link.dependent, link);
                }
            }
            layer = next.keys().copied().collect();
            best.append(&mut next);
        }
        let mut chain = Vec::new();
        let mut at = to;
        while at != from {
            let link = best.get(&at)?;
            chain.push(*link);
            at = link.prerequisite;
        }
        chain.reverse();
        (!chain.is_empty()).then_some(chain)
    }

    /// All simple chains between two resources, at most `limit` of them.
    ///
    /// Their number grows exponentially with the distance, so the search stops after `limit` chains,
    /// shortest first; only resources that lie on some chain are visited.
    #[must_use]
    pub fn paths(
        &self,
        from: ResourceId,
        to: ResourceId,
        follow: Follow,
        authorization: &Authorization,
        limit: usize,
    ) -> Paths<'_> {
        let leads_on = self.leads_to(to, follow, authorization);
        let mut chains: Vec<Vec<Link<'_>>> = Vec::new();
        // Breadth first over partial chains: lengths come out in order.
        let mut open: VecDeque<Vec<Link<'_>>> = VecDeque::from([Vec::new()]);
        let mut budget = limit.saturating_mul(64).max(4096);
        while let Some(chain) = open.pop_front() {
            let at = chain.last().map_or(from, |link| link.dependent);
            if at == to && !chain.is_empty() {
                if chains.len() == limit {
                    return Paths { chains, truncated: true };
                }
                chains.push(chain);
                continue;
            }
            let Some(left) = budget.checked_sub(1) else { return Paths { chains, truncated: true } };
            budget = left;
            for link in self.links(at, follow, authorization) {
                let visited = link.dependent == from || chain.iter().any(|l| l.dependent == link.dependent);
                if !visited && leads_on.contains(&link.dependent) {
                    let mut longer = chain.clone();
                    longer.push(link);
                    open.push_back(longer);
                }
            }
        }
        Paths { chains, truncated: false }
    }

    /// A resource and everything from which a chain leads to it.
    fn leads_to(&self, to: ResourceId, follow: Follow, authorization: &Authorization) -> BTreeSet<ResourceId> {
        let mut before = self.reach(to, |id| {
            let edges = self.prerequisites(id).filter(move |e| follow.follows(self, e)).map(|e| e.prerequisite);
            edges.chain(authorization.edges.iter().filter(move |e| e.dependent == id).map(|e| e.prerequisite))
        });
        before.insert(to);
        before
    }
}
