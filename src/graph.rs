//! The dependency graph: built and checked once, answers without failing afterwards.
//!
//! An edge runs from a prerequisite to its dependent. References are kept apart from the edges that
//! authorization adds ([`Authorization`]), so that each can be asked for alone.

mod authorization;
mod cycles;
mod drawing;
mod lookup;
mod select;
mod tree;
mod walk;

use petgraph::Direction;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};

use crate::model::{
    AbstractResource, Details, Metadata, Model, Pathway, Reference, Resource, ResourceName, Target, Text,
};

pub use authorization::{Authorization, AuthorizationEdge, AuthorizationError, Hold};
pub use cycles::{Breaking, Constraint, Ordering, Precedence, UnbreakableCycle};
pub use drawing::{Drawing, DrawnEdge, DrawnReference, DrawnResource};
pub(crate) use lookup::listed;
pub use lookup::{Found, LookupError};
pub use select::{SelectError, Selection, Selector};
pub use tree::{Because, Towards, Tree, TreeItem, TreeNode};
pub use walk::{Follow, Paths, Step};

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

/// All references from one resource to another, abstract targets expanded to their subclasses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What must exist first.
    pub prerequisite: ResourceId,
    /// What refers to it.
    pub dependent: ResourceId,
    /// Positions in the dependent's references.
    references: Vec<u32>,
    /// Whether any of them is required.
    pub required: bool,
}

impl Edge {
    /// Whether it stays inside one resource: then it orders records, not resources.
    #[must_use]
    pub fn is_self(&self) -> bool {
        self.prerequisite == self.dependent
    }
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
    /// The same resource twice.
    #[error("{0} is described twice")]
    Twice(ResourceName),
}

/// The resources of an API and what refers to what.
#[derive(Debug, Clone)]
pub struct DependencyGraph {
    model: Model,
    net: DiGraph<(), Edge>,
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
        let mut net = DiGraph::with_capacity(model.resources.len(), model.resources.len() * 8);
        for _ in &model.resources {
            net.add_node(());
        }
        let mut targets = Vec::new();
        for (dependent, resource) in model.resources.iter().enumerate() {
            targets.clear();
            for (position, reference) in resource.references.iter().enumerate() {
                let unknown = |target: &str| BuildError::UnknownTarget {
                    from: resource.name.clone(),
                    path: reference.path.trim_start_matches('$').to_owned(),
                    target: target.to_owned(),
                };
                match &reference.target {
                    Target::Resource(name) => {
                        let id = model.position(name).ok_or_else(|| unknown(name.as_str()))?;
                        targets.push((id, position, reference.required));
                    }
                    Target::Abstract(entity) => {
                        let found = model.abstract_resource(entity).ok_or_else(|| unknown(entity))?;
                        for name in &found.subclasses {
                            let id = model.position(name).ok_or_else(|| unknown(name.as_str()))?;
                            targets.push((id, position, reference.required));
                        }
                    }
                    Target::Unresolved(_) => {}
                }
            }
            targets.sort_unstable();
            for together in targets.chunk_by(|a, b| a.0 == b.0) {
                let prerequisite = id(together[0].0);
                let edge = Edge {
                    prerequisite,
                    dependent: id(dependent),
                    references: together.iter().map(|(_, position, _)| id(*position).0).collect(),
                    required: together.iter().any(|(_, _, required)| *required),
                };
                net.add_edge(node(prerequisite), node(id(dependent)), edge);
            }
        }
        Ok(Self { model, net })
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

    /// The subclasses of an abstract resource.
    #[must_use]
    pub fn subclasses(&self, entity: &str) -> Vec<ResourceId> {
        let found = self.model.abstract_resource(entity);
        found.map(|a| a.subclasses.iter().filter_map(|name| self.id(name)).collect()).unwrap_or_default()
    }

    /// Pathways of the people it has.
    #[must_use]
    pub fn pathways(&self) -> &[Pathway] {
        &self.model.pathways
    }

    /// The references behind an edge.
    pub fn references<'g>(&'g self, edge: &'g Edge) -> impl Iterator<Item = &'g Reference> {
        let all = &self.resource(edge.dependent).references;
        edge.references.iter().filter_map(|&position| all.get(position as usize))
    }

    /// Edges to a resource from what it refers to, itself included, in order of name.
    pub fn prerequisites(&self, of: ResourceId) -> impl Iterator<Item = &Edge> {
        self.beside(of, Direction::Incoming)
    }

    /// Edges from a resource to what refers to it, itself included, in order of name.
    pub fn dependents(&self, of: ResourceId) -> impl Iterator<Item = &Edge> {
        self.beside(of, Direction::Outgoing)
    }

    /// All edges, by prerequisite, then dependent.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.ids().flat_map(|id| self.dependents(id))
    }

    /// The edge between two resources.
    #[must_use]
    pub fn edge(&self, prerequisite: ResourceId, dependent: ResourceId) -> Option<&Edge> {
        self.net.find_edge(node(prerequisite), node(dependent)).and_then(|e: EdgeIndex| self.net.edge_weight(e))
    }

    /// References whose descriptor the property name leaves ambiguous, with their resource.
    pub fn ambiguous(&self) -> impl Iterator<Item = (&Resource, &Reference)> {
        let all = self.model.resources.iter().flat_map(|r| r.references.iter().map(move |reference| (r, reference)));
        all.filter(|(_, reference)| !reference.alternatives.is_empty())
    }

    /// References that no document resolves, with their resource.
    pub fn unresolved(&self) -> impl Iterator<Item = (&Resource, &Reference, &Text)> {
        let all = self.model.resources.iter().flat_map(|r| r.references.iter().map(move |reference| (r, reference)));
        all.filter_map(|(resource, reference)| match &reference.target {
            Target::Unresolved(name) => Some((resource, reference, name)),
            _ => None,
        })
    }

    fn beside(&self, of: ResourceId, direction: Direction) -> impl Iterator<Item = &Edge> {
        let mut edges: Vec<&Edge> = self.net.edges_directed(node(of), direction).map(|e| e.weight()).collect();
        edges.sort_unstable_by_key(|e| (e.prerequisite, e.dependent));
        edges.into_iter()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a document of 2^32 resources does not fit in memory")]
fn id(index: usize) -> ResourceId {
    ResourceId(index as u32)
}

fn node(id: ResourceId) -> NodeIndex {
    NodeIndex::new(id.index())
}
