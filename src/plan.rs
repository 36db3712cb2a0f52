//! Orders: in which waves to load and to delete, ours and the API's own.

pub mod arrange;
pub mod audit;
pub mod delete;
pub mod describe;
pub mod diff;
pub mod load;
pub mod published;
pub mod resend;
mod sequence;
pub mod server;
mod starts;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::graph::{AuthorizationEdge, DependencyGraph, Edge, ResourceId};
use crate::model::ResourceName;

/// What is done to a resource in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// POST.
    Create,
    /// PUT, or POST of an existing record.
    Update,
}

impl Operation {
    /// `create`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Whether what refers to a person optionally waits for the person's pathway come what may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pathways {
    /// It does.
    Hold,
    /// Where no order exists otherwise, it goes without the reference.
    Yield,
}

impl Pathways {
    /// The references that an edge brings and that can be left out to be rid of it.
    fn yielding(
        self,
        edge: AuthorizationEdge,
        graph: &DependencyGraph,
        may_go: impl Fn(&Edge) -> bool,
    ) -> Option<&Edge> {
        edge.reference(graph).filter(|reference| self == Self::Yield && may_go(reference))
    }
}

/// References that all must come first and of which none can be left out: the order is impossible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredCycle {
    /// Along the cycle, the first again at the end; each is a prerequisite of the next.
    pub resources: Vec<ResourceName>,
    /// Whether a link of it is no required reference, but the wait for a person's pathway.
    pub through_pathways: bool,
}

impl RequiredCycle {
    /// Of the resources along it, each a prerequisite of the next.
    fn of(graph: &DependencyGraph, around: impl Iterator<Item = ResourceId>) -> Self {
        let ids: Vec<ResourceId> = around.collect();
        let refers = |pair: &[ResourceId]| match pair {
            [before, after] => {
                graph.edge(*before, *after).is_some_and(|edge| edge.may_be_required() || !graph.is_clearable(edge))
            }
            _ => true,
        };
        Self {
            through_pathways: !ids.windows(2).all(refers),
            resources: ids.into_iter().map(|id| graph.name(id).clone()).collect(),
        }
    }
}

impl fmt::Display for RequiredCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.resources.iter().map(ResourceName::short).collect();
        let pathways = if self.through_pathways { " and the pathways of people" } else { "" };
        write!(f, "no order exists: required references{pathways} run in a circle, {}", names.join(" → "))
    }
}

impl std::error::Error for RequiredCycle {}
