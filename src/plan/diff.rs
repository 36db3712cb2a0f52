//! What changes from one graph to another: resources, references, requirements, keys and waves.
//!
//! For whoever moves from one version of the standard to the next. A change that follows from a new
//! name is told once, with the name: reasons in docs/design.md, "Telling renames".

mod compare;
mod rename;

use serde::Serialize;

use crate::graph::DependencyGraph;
use crate::model::{Metadata, ResourceName, Text};
use crate::plan::server::Row;

/// What changes from `left` to `right`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// The one graph.
    pub left: Side,
    /// The other.
    pub right: Side,
    /// Resources that only the right one has, by name.
    pub added: Vec<ResourceName>,
    /// Resources that only the left one has.
    pub removed: Vec<ResourceName>,
    /// Resources that have another name.
    pub renamed: Vec<Renamed>,
    /// References that a resource of both has on the right only. Those of added resources are not told.
    pub references_added: Vec<ChangedReference>,
    /// References that it has on the left only.
    pub references_removed: Vec<ChangedReference>,
    /// References that point to something else.
    pub retargeted: Vec<Retargeted>,
    /// References and fields that become required, or stay so no longer.
    pub requirements: Vec<Requirement>,
    /// Natural keys that change.
    pub keys: Vec<KeyChange>,
    /// Resources whose wave in the API's own order changes; none where one side has no such order.
    pub waves: Vec<Moved>,
    /// How many waves the API's own order has on either side.
    pub wave_counts: Option<(usize, usize)>,
}

/// One of two graphs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// What it is called.
    pub name: Text,
    /// Its fingerprint: two of the same are the same graph.
    pub fingerprint: Text,
    /// How many resources it has.
    pub resources: usize,
    /// What its documents leave open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Text>,
}

/// A resource with another name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Renamed {
    /// On the left.
    pub from: ResourceName,
    /// On the right.
    pub to: ResourceName,
    /// How much of the two is the same once words are replaced, in percent.
    pub alike: u8,
}

/// A reference that is on one side only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedReference {
    /// The resource, as the right one calls it.
    pub resource: ResourceName,
    /// Where.
    pub path: Text,
    /// To what.
    pub target: Text,
    /// Whether every record holds it.
    pub required: bool,
}

/// A reference that points to something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retargeted {
    /// The resource.
    pub resource: ResourceName,
    /// Where.
    pub path: Text,
    /// On the left.
    pub from: Text,
    /// On the right.
    pub to: Text,
}

/// What becomes required, or is so no longer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// The resource.
    pub resource: ResourceName,
    /// Of what.
    pub path: Text,
    /// Whether it is required on the right.
    pub required: bool,
    /// Whether it is known on both sides: a new field that is required is new, too, as far as the
    /// graph can tell, which knows required fields only.
    pub reference: bool,
}

/// A natural key that changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyChange {
    /// The resource.
    pub resource: ResourceName,
    /// Fields on the right only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Text>,
    /// Fields on the left only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Text>,
    /// Fields of another type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retyped: Vec<Retyped>,
}

/// A key field of another type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retyped {
    /// The field.
    pub field: Text,
    /// On the left.
    pub from: Text,
    /// On the right.
    pub to: Text,
}

/// A resource whose wave changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// The resource, as the right one calls it.
    pub resource: ResourceName,
    /// Its wave on the left.
    pub from: usize,
    /// Its wave on the right.
    pub to: usize,
}

impl Diff {
    /// No changes between two sides.
    fn between(left: Side, right: Side) -> Self {
        Self {
            left,
            right,
            added: Vec::new(),
            removed: Vec::new(),
            renamed: Vec::new(),
            references_added: Vec::new(),
            references_removed: Vec::new(),
            retargeted: Vec::new(),
            requirements: Vec::new(),
            keys: Vec::new(),
            waves: Vec::new(),
            wave_counts: None,
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes() == 0
    }

    /// How many changes there are, moves of waves included.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.added.len()
            + self.removed.len()
            + self.renamed.len()
            + self.references_added.len()
            + self.references_removed.len()
            + self.retargeted.len()
            + self.requirements.len()
            + self.keys.len()
            + self.waves.len()
    }
}

impl Side {
    fn of(metadata: &Metadata, resources: usize) -> Self {
        Self {
            name: metadata.name.clone(),
            fingerprint: metadata.fingerprint.clone(),
            resources,
            limits: metadata.limits.clone(),
        }
    }
}

/// What can be compared: a graph, or an order that an API publishes, which tells resources and waves
/// and nothing else.
#[derive(Debug, Clone)]
pub enum Comparable {
    /// A graph.
    Graph(Box<DependencyGraph>),
    /// The rows of a published order and what to call it.
    Order(Text, Vec<Row>),
}

/// Compares graphs and published orders: two graphs in everything, anything else by resources and waves.
#[must_use]
pub fn diff_any(left: &Comparable, right: &Comparable) -> Diff {
    match (left, right) {
        (Comparable::Graph(a), Comparable::Graph(b)) if !a.model().edges_only() && !b.model().edges_only() => {
            diff(a, b)
        }
        _ => compare::waves_only(left, right),
    }
}

/// Compares two graphs. O(references) for what both have; added and removed resources are compared
/// pair by pair to tell renames, as long as there are no more than 250,000 pairs.
#[must_use]
pub fn diff(left: &DependencyGraph, right: &DependencyGraph) -> Diff {
    compare::compare(left, right)
}
