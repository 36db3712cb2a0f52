//! The dependency graph: built and checked once, answers without failing afterwards.
//!
//! An edge runs from a prerequisite to its dependent. References are kept apart from the edges that
//! authorization adds ([`Authorization`]), so that each can be asked for alone.

mod authorization;
mod cycles;
mod drawing;
mod groups;
mod lookup;
mod select;
mod tree;
mod walk;

use crate::model::{
    AbstractResource, Details, Metadata, Model, Pathway, Reference, Resource, ResourceName, Target, Text,
};

pub use authorization::{Authorization, AuthorizationEdge, AuthorizationError, Hold};
pub use cycles::{Breaking, Constraint, Ordering, Precedence, UnbreakableCycle};
pub use drawing::{Drawing, DrawnEdge, DrawnReference, DrawnResource};
pub(crate) use groups::Group;
pub(crate) use lookup::listed;
pub use lookup::{Found, LookupError};
pub use select::{SelectError, SelectOptions, Selection, Selector};
pub use tree::{Because, Towards, Tree, TreeItem, TreeNode};
pub use walk::{Follow, Link, Paths};

/// A resource of one graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(u32);

impl ResourceId {
    /// Its place among the resources, which are sorted by name.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All references from one resource to another, abstract targets expanded to their subclasses; or an
/// edge that a document states without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// What must exist first.
    pub prerequisite: ResourceId,
    /// What refers to it.
    pub dependent: ResourceId,
    /// Whether any reference is required; see [`Edge::may_be_required`].
    pub required: bool,
    /// Where [`DependencyGraph::behind`] lists its references.
    first: u32,
    count: u32,
}

impl Edge {
    /// Whether it stays inside one resource: then it orders records, not resources.
    #[must_use]
    pub fn is_self(&self) -> bool {
        self.prerequisite == self.dependent
    }

    /// Whether a document states it and none tells the reference behind it.
    #[must_use]
    pub fn is_unexplained(&self) -> bool {
        self.count == 0
    }

    /// Whether a reference is required, or nothing tells that none is.
    #[must_use]
    pub fn may_be_required(&self) -> bool {
        self.required || self.is_unexplained()
    }
}

impl BuildError {
    fn unknown(from: &Resource, reference: &Reference) -> Self {
        Self::UnknownTarget {
            from: from.name.clone(),
            path: reference.path.trim_start_matches('$').to_owned(),
            target: match &reference.target {
                Target::Resource(name) => name.to_string(),
                Target::Abstract(name) | Target::Unresolved(name) => name.to_string(),
            },
        }
    }

    fn unknown_edge(to: &Resource, from: &ResourceName) -> Self {
        Self::UnknownTarget { from: to.name.clone(), path: String::new(), target: from.to_string() }
    }

    fn subclass(of: &AbstractResource, name: &ResourceName) -> Self {
        Self::UnknownSubclass { entity: of.entity.to_string(), subclass: name.clone() }
    }
}

/// What a reference points to, as parts of one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// A resource or descriptor.
    Resource(ResourceId),
    /// An abstract resource, by its place among [`DependencyGraph::abstracts`].
    Abstract(usize),
    /// Nothing that a document describes.
    Unresolved,
}

/// Why a model is no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A reference to a resource that the model does not have.
    #[error("{from}{path} refers to {target}, which the metadata does not describe")]
    UnknownTarget {
        /// The resource that refers.
        from: ResourceName,
        /// The path without `$`.
        path: String,
        /// What it names.
        target: String,
    },
    /// An abstract resource with a subclass that the model does not have.
    #[error("{entity} is said to be satisfied by {subclass}, which the metadata does not describe")]
    UnknownSubclass {
        /// The abstract resource.
        entity: String,
        /// What it names.
        subclass: ResourceName,
    },
    /// The same resource twice.
    #[error("{0} is described twice")]
    Twice(ResourceName),
}

/// The resources of an API and what refers to what.
#[derive(Debug, Clone)]
pub struct DependencyGraph {
    model: Model,
    /// What each reference of each resource in turn points to.
    aims: Vec<Aim>,
    /// Where the aims of each resource start.
    aims_start: Vec<u32>,
    /// The subclasses of each abstract resource.
    subclasses: Vec<Vec<ResourceId>>,
    /// By dependent, then prerequisite.
    edges: Vec<Edge>,
    /// For every edge in turn, the positions of its references among the dependent's.
    behind: Vec<u32>,
    /// Where the edges to each resource start; one more at the end.
    incoming: Vec<u32>,
    /// Edges by prerequisite, then dependent.
    outgoing: Vec<u32>,
    /// Where the edges from each resource start in `outgoing`; one more at the end.
    outgoing_start: Vec<u32>,
}

impl DependencyGraph {
    /// Builds the graph of a model and checks every invariant of it. O(references × subclasses).
    ///
    /// # Errors
    ///
    /// A model whose references lead nowhere, or with a resource twice.
    pub fn build(model: Model) -> Result<Self, BuildError> {
        if let Some(twice) = model.resources.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            return Err(BuildError::Twice(twice[1].name.clone()));
        }
        let place: foldhash::HashMap<&str, ResourceId> =
            model.resources.iter().enumerate().map(|(index, r)| (r.name.as_str(), id(index))).collect();
        let known = |name: &ResourceName| place.get(name.as_str()).copied();
        let mut subclasses = Vec::with_capacity(model.abstracts.len());
        for found in &model.abstracts {
            let ids = found.subclasses.iter().map(|name| known(name).ok_or_else(|| BuildError::subclass(found, name)));
            subclasses.push(ids.collect::<Result<Vec<_>, _>>()?);
        }
        let references = model.resources.iter().map(|r| r.references.len()).sum();
        let (mut aims, mut aims_start) = (Vec::with_capacity(references), Vec::with_capacity(model.resources.len()));
        let (mut edges, mut behind) = (Vec::with_capacity(references), Vec::with_capacity(references));
        let mut incoming = Vec::with_capacity(model.resources.len() + 1);
        incoming.push(0);
        let mut targets: Vec<(ResourceId, Option<usize>, bool)> = Vec::new();
        for (dependent, resource) in model.resources.iter().enumerate() {
            targets.clear();
            aims_start.push(id(aims.len()).0);
            for (position, reference) in resource.references.iter().enumerate() {
                let aim = match &reference.target {
                    Target::Resource(name) => known(name).map(Aim::Resource),
                    Target::Abstract(entity) => {
                        model.abstracts.iter().position(|a| a.entity == *entity).map(Aim::Abstract)
                    }
                    Target::Unresolved(_) => Some(Aim::Unresolved),
                };
                let aim = aim.ok_or_else(|| BuildError::unknown(resource, reference))?;
                aims.push(aim);
                match aim {
                    Aim::Resource(id) => targets.push((id, Some(position), reference.required)),
                    Aim::Abstract(place) => {
                        targets.extend(subclasses[place].iter().map(|&id| (id, Some(position), reference.required)));
                    }
                    Aim::Unresolved => {}
                }
            }
            for edge in &resource.stated {
                let unknown = || BuildError::unknown_edge(resource, &edge.prerequisite);
                let from = known(&edge.prerequisite).ok_or_else(unknown)?;
                // What runs through a pathway is authorization, which is kept apart.
                targets.extend(edge.person.is_none().then_some((from, None, false)));
            }
            targets.sort_unstable();
            for together in targets.chunk_by(|a, b| a.0 == b.0) {
                let first = behind.len();
                behind.extend(together.iter().filter_map(|(_, position, _)| position.map(|p| id(p).0)));
                edges.push(Edge {
                    prerequisite: together[0].0,
                    dependent: id(dependent),
                    required: together.iter().any(|(_, _, required)| *required),
                    first: id(first).0,
                    count: id(behind.len() - first).0,
                });
            }
            incoming.push(id(edges.len()).0);
        }
        let mut outgoing_start = vec![0; model.resources.len() + 1];
        for edge in &edges {
            outgoing_start[edge.prerequisite.index() + 1] += 1;
        }
        for index in 1..outgoing_start.len() {
            outgoing_start[index] += outgoing_start[index - 1];
        }
        let mut next = outgoing_start.clone();
        let mut outgoing = vec![0; edges.len()];
        for (place, edge) in edges.iter().enumerate() {
            let next = &mut next[edge.prerequisite.index()];
            outgoing[*next as usize] = id(place).0;
            *next += 1;
        }
        Ok(Self { model, aims, aims_start, subclasses, edges, behind, incoming, outgoing, outgoing_start })
    }

    /// The model it was built from.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Where it came from.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.model.metadata
    }

    /// All resources, in order of name.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ResourceId> + use<> {
        (0..self.model.resources.len()).map(id)
    }

    /// A resource.
    #[must_use]
    pub fn resource(&self, id: ResourceId) -> &Resource {
        // An id comes from this graph, which never loses a resource.
        &self.model.resources[id.index()]
    }

    /// Its name.
    #[must_use]
    pub fn name(&self, id: ResourceId) -> &ResourceName {
        &self.resource(id).name
    }

    /// Keys, fields and query parameters of a resource.
    #[must_use]
    pub fn details(&self, id: ResourceId) -> &Details {
        self.model.details(self.name(id))
    }

    /// The id of an exact name. O(log n).
    #[must_use]
    pub fn id(&self, name: &ResourceName) -> Option<ResourceId> {
        self.model.position(name).map(id)
    }

    /// Abstract resources, in order of entity.
    #[must_use]
    pub fn abstracts(&self) -> &[AbstractResource] {
        &self.model.abstracts
    }

    /// The subclasses of an abstract resource, by entity, in order of name.
    #[must_use]
    pub fn subclasses(&self, entity: &str) -> &[ResourceId] {
        let place = self.model.abstracts.iter().position(|a| a.entity == entity);
        place.map(|place| self.subclasses_at(place)).unwrap_or_default()
    }

    /// The subclasses of the abstract resource at a place among [`DependencyGraph::abstracts`].
    #[must_use]
    pub fn subclasses_at(&self, place: usize) -> &[ResourceId] {
        self.subclasses.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    /// The references of a resource with what they point to, in order of path.
    pub fn aims(&self, of: ResourceId) -> impl Iterator<Item = (&Reference, Aim)> + use<'_> {
        let start = self.aims_start.get(of.index()).map_or(self.aims.len(), |&start| start as usize);
        let aims = self.aims.get(start..).unwrap_or_default();
        self.resource(of).references.iter().zip(aims.iter().copied())
    }

    /// Pathways of the people it has.
    #[must_use]
    pub fn pathways(&self) -> &[Pathway] {
        &self.model.pathways
    }

    /// The references behind an edge.
    pub fn references(&self, edge: &Edge) -> impl Iterator<Item = &Reference> + use<'_> {
        let all = &self.resource(edge.dependent).references;
        let positions = range(edge.first, edge.first + edge.count);
        self.behind.get(positions).unwrap_or_default().iter().filter_map(|&position| all.get(position as usize))
    }

    /// Edges to a resource from what it refers to, itself included, in order of name.
    pub fn prerequisites(&self, of: ResourceId) -> impl Iterator<Item = &Edge> + use<'_> {
        self.edges_to(of).iter()
    }

    /// Edges to a resource that a document states without telling the reference behind them.
    pub fn unexplained(&self, of: ResourceId) -> impl Iterator<Item = &Edge> + use<'_> {
        self.prerequisites(of).filter(|edge| edge.is_unexplained() && !edge.is_self())
    }

    fn edges_to(&self, of: ResourceId) -> &[Edge] {
        self.edges.get(range(self.incoming[of.index()], self.incoming[of.index() + 1])).unwrap_or_default()
    }

    /// Edges from a resource to what refers to it, itself included, in order of name.
    pub fn dependents(&self, of: ResourceId) -> impl Iterator<Item = &Edge> + use<'_> {
        let places = range(self.outgoing_start[of.index()], self.outgoing_start[of.index() + 1]);
        self.outgoing.get(places).unwrap_or_default().iter().map(|&edge| &self.edges[edge as usize])
    }

    /// All edges, by dependent, then prerequisite.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = &Edge> + use<'_> {
        self.edges.iter()
    }

    /// The edge between two resources. O(log prerequisites).
    #[must_use]
    pub fn edge(&self, prerequisite: ResourceId, dependent: ResourceId) -> Option<&Edge> {
        let edges = self.edges_to(dependent);
        edges.binary_search_by_key(&prerequisite, |edge| edge.prerequisite).ok().and_then(|place| edges.get(place))
    }

    /// Whether an update can remove every reference behind an edge: none is required or part of a key.
    #[must_use]
    pub fn is_clearable(&self, edge: &Edge) -> bool {
        self.references(edge).all(|reference| !reference.required && !reference.identifying)
    }

    /// References of a resource whose descriptor the property name leaves ambiguous.
    pub fn ambiguous(&self, of: ResourceId) -> impl Iterator<Item = &Reference> + use<'_> {
        self.resource(of).references.iter().filter(|reference| !reference.alternatives.is_empty())
    }

    /// References of a resource that no document resolves, with what they name.
    pub fn unresolved(&self, of: ResourceId) -> impl Iterator<Item = (&Reference, &Text)> + use<'_> {
        self.resource(of).references.iter().filter_map(|reference| match &reference.target {
            Target::Unresolved(name) => Some((reference, name)),
            _ => None,
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a document of 2^32 resources does not fit in memory")]
fn id(index: usize) -> ResourceId {
    ResourceId(index as u32)
}

fn range(start: u32, end: u32) -> std::ops::Range<usize> {
    start as usize..end as usize
}
