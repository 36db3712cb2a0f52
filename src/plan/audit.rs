//! Somebody else's order against the graph: what it leaves out, and which loads and deletes fail for it.
//!
//! An order is judged by what it orders, not by how it is written: where a published graph lets one
//! resource wait for another through a third, as people do through their pathway, nothing is dropped.
//! Reasons: docs/design.md, "Published graphs and orders".

mod compare;

use serde::Serialize;

use crate::graph::{Authorization, DependencyGraph};
use crate::model::{Published, ResourceName, Text};

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// What was audited: `order`, `graph` or `list`.
    pub form: &'static str,
    /// How many resources of the graph it names.
    pub resources: usize,
    /// How many edges of the graph between them were looked for.
    pub edges: usize,
    /// Resources of the graph that it does not name, by name.
    pub missing: Vec<Missing>,
    /// Names that are no resource of the graph, by name.
    pub extra: Vec<Extra>,
    /// Edges that it drops or inverts, by prerequisite, kind and dependent.
    pub edge_findings: Vec<EdgeFinding>,
    /// What differs and does no harm.
    pub notes: Vec<Note>,
}

impl Audit {
    /// How many findings there are; notes are none.
    #[must_use]
    pub fn findings(&self) -> usize {
        self.missing.len() + self.extra.len() + self.edge_findings.len()
    }
}

/// A resource that is not named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The resource.
    pub resource: ResourceName,
    /// Whether it is a descriptor.
    pub descriptor: bool,
    /// Loads that fail unless its records exist already: what is named and refers to it, by name.
    pub loads: Vec<Needing>,
    /// Deletes that fail while its records exist: what is named and it refers to, by name.
    pub deletes: Vec<ResourceName>,
}

/// A resource whose load needs another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Needing {
    /// The resource.
    pub resource: ResourceName,
    /// Whether every record of it does.
    pub required: bool,
}

/// A name that the graph does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Extra {
    /// As written.
    pub name: Text,
    /// Why it is none: `unknown resource 'studnets'. Did you mean students?`.
    pub because: String,
}

/// What happens to an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wrong {
    /// The two are in no order: they may be loaded at the same time.
    Dropped,
    /// The dependent comes first.
    Inverted,
}

/// Why one resource has to wait for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Cause {
    /// A reference.
    Reference {
        /// Where the dependent holds it.
        path: Text,
        /// Whether every record holds it.
        required: bool,
    },
    /// The person that the prerequisite makes visible.
    Authorization {
        /// The person.
        person: ResourceName,
    },
}

/// An edge that the order does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeFinding {
    /// What must exist first.
    pub prerequisite: ResourceName,
    /// What needs it.
    pub dependent: ResourceName,
    /// What happens to the edge.
    pub wrong: Wrong,
    /// Where the prerequisite stands: its order number or line; none in a graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prerequisite_at: Option<usize>,
    /// Where the dependent stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependent_at: Option<usize>,
    /// Why the one needs the other.
    pub because: Vec<Cause>,
    /// The load that fails.
    pub load: Failure,
    /// The delete that fails, in the reverse order; none where only authorization asks for the edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<Failure>,
}

/// A request that the API refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What is written or deleted.
    pub resource: ResourceName,
    /// What the API answers.
    pub status: u16,
    /// Whether it hits every record, or only those that carry the reference.
    pub always: bool,
}

/// What differs and does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// What it is about, for programs: `deferred`, `no-descriptors`, `one-step-for-people`, `optional`,
    /// `partial`, `renamed`, `school-years`, `self-references`, `settled-descriptor`, `twice`,
    /// `within-a-line`.
    pub code: &'static str,
    /// What it says, for people.
    pub text: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceName>,
}

/// Compares a published order, graph or list with the graph. O(resources × published edges) for a
/// graph, O(edges) for an order.
#[must_use]
pub fn audit(graph: &DependencyGraph, authorization: &Authorization, published: &Published) -> Audit {
    compare::Comparison::new(graph, authorization, published).run()
}

/// `1 resource`, `2 resources`.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
