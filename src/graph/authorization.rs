//! What authorization adds to the order: edges that are not references.
//!
//! A person is created freely, but read, updated and referred to only through the association that
//! makes it visible to the client (docs/design.md, "Authorization"). Hosts may differ, so pathways can be
//! replaced or dropped.

use std::collections::BTreeSet;

use super::{DependencyGraph, Edge, Follow, Found, ResourceId};

/// A dependent of a person that must wait for the person's pathway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuthorizationEdge {
    /// The association.
    pub prerequisite: ResourceId,
    /// What waits for it.
    pub dependent: ResourceId,
    /// The person it makes visible.
    pub person: ResourceId,
}

impl AuthorizationEdge {
    /// The references to the person for which it waits; none where a document states the edge alone.
    #[must_use]
    pub fn reference(self, graph: &DependencyGraph) -> Option<&Edge> {
        graph.edge(self.person, self.dependent)
    }
}

/// The update of a person, which waits for the person's associations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The person.
    pub person: ResourceId,
    /// The pathway.
    pub associations: Vec<ResourceId>,
    /// What the update waits for: the pathway and, for contacts, the enrollment of their students.
    pub update_after: Vec<ResourceId>,
}

/// The authorization edges of a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorization {
    /// Edges, sorted, each once.
    pub edges: Vec<AuthorizationEdge>,
    /// Updates that wait, by person.
    pub holds: Vec<Hold>,
}

/// A pathway that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// Not of the form `person=association`.
    #[error("--pathway '{0}' is not of the form students=studentSchoolAssociations")]
    Form(String),
    /// A name in it is unknown.
    #[error("--pathway")]
    Name(#[from] super::LookupError),
    /// The association does not refer to the person.
    #[error("--pathway: {association} does not refer to {person}, so it cannot make it visible")]
    Unrelated {
        /// The person.
        person: String,
        /// The association.
        association: String,
    },
}

impl Authorization {
    /// No edges at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Those that required references bring: what leaves an optional reference to a person out does not wait
    /// for the person's pathway. An edge that a document states, without a reference, stays.
    #[must_use]
    pub fn of_required(mut self, graph: &DependencyGraph) -> Self {
        self.edges.retain(|edge| edge.reference(graph).is_none_or(Edge::may_be_required));
        self
    }

    /// The edges of the default strategies, with pathways replaced as `person=association` says;
    /// several of one person are all waited for. O(people × resources).
    ///
    /// # Errors
    ///
    /// A replacement that names no resource, or an association that does not refer to the person.
    pub fn relationships(graph: &DependencyGraph, replaced: &[String]) -> Result<Self, AuthorizationError> {
        let mut holds: Vec<Hold> = graph
            .pathways()
            .iter()
            .filter_map(|pathway| {
                let ids =
                    |names: &[crate::model::ResourceName]| names.iter().filter_map(|n| graph.id(n)).collect::<Vec<_>>();
                let associations = ids(&pathway.associations);
                let mut update_after = associations.clone();
                update_after.extend(ids(&pathway.also_before_update));
                Some(Hold { person: graph.id(&pathway.person)?, associations, update_after })
            })
            .collect();
        let mut fresh = BTreeSet::new();
        for replacement in replaced {
            let (person, association) = pathway_of(graph, replacement)?;
            let position = match holds.iter().position(|h| h.person == person) {
                Some(position) => position,
                None => {
                    holds.push(Hold { person, associations: Vec::new(), update_after: Vec::new() });
                    holds.len() - 1
                }
            };
            let Some(hold) = holds.get_mut(position) else { continue };
            if fresh.insert(person) {
                let kept = |id: &ResourceId| !hold.associations.contains(id);
                hold.update_after = hold.update_after.iter().copied().filter(kept).collect();
                hold.associations.clear();
            }
            hold.associations.push(association);
            hold.update_after.push(association);
        }
        holds.sort_by_key(|h| h.person);
        let mut edges: Vec<AuthorizationEdge> = holds.iter().flat_map(|hold| edges_of(graph, hold)).collect();
        edges.extend(stated(graph));
        edges.sort_unstable();
        edges.dedup();
        Ok(Self { edges, holds })
    }
}

fn pathway_of(graph: &DependencyGraph, replacement: &str) -> Result<(ResourceId, ResourceId), AuthorizationError> {
    let (person, association) =
        replacement.split_once('=').ok_or_else(|| AuthorizationError::Form(replacement.to_owned()))?;
    let concrete = |name: &str| match graph.find(name)? {
        Found::Resource(id) => Ok(id),
        Found::Abstract(_) => Err(AuthorizationError::Form(replacement.to_owned())),
    };
    let (person, association) = (concrete(person)?, concrete(association)?);
    if graph.edge(person, association).is_none() {
        return Err(AuthorizationError::Unrelated {
            person: graph.name(person).short().to_owned(),
            association: graph.name(association).short().to_owned(),
        });
    }
    Ok((person, association))
}

/// The edges that documents state to run through a pathway.
fn stated(graph: &DependencyGraph) -> impl Iterator<Item = AuthorizationEdge> + use<'_> {
    let all = graph.ids().flat_map(|id| graph.resource(id).stated.iter().map(move |edge| (id, edge)));
    all.filter_map(|(dependent, edge)| {
        let person = graph.id(edge.person.as_ref()?).filter(|person| *person != dependent)?;
        Some(AuthorizationEdge { prerequisite: graph.id(&edge.prerequisite)?, dependent, person })
    })
}

/// Every other dependent of the person waits for the pathway, unless an association of the pathway
/// itself requires that dependent: it could never come first.
fn edges_of(graph: &DependencyGraph, hold: &Hold) -> Vec<AuthorizationEdge> {
    let needed: Vec<BTreeSet<ResourceId>> =
        hold.associations.iter().map(|&a| graph.transitive_prerequisites(a, Follow::required())).collect();
    let dependents = graph.dependents(hold.person).map(|edge| edge.dependent);
    let others = dependents.filter(|id| *id != hold.person && !hold.associations.contains(id));
    others
        .filter(|id| !needed.iter().any(|set| set.contains(id)))
        .flat_map(|dependent| {
            hold.associations.iter().map(move |&prerequisite| AuthorizationEdge {
                prerequisite,
                dependent,
                person: hold.person,
            })
        })
        .collect()
}
