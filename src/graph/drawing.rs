//! A graph to be drawn: nodes and edges without the references behind them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Authorization, DependencyGraph, Selection};
use crate::model::{Kind, ResourceName, Text};

/// Nodes and edges of a selection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drawing {
    /// Resources, by name.
    pub resources: Vec<DrawnResource>,
    /// Edges between them, by prerequisite, then dependent.
    pub edges: Vec<DrawnEdge>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrawnResource {
    /// Its name.
    pub resource: ResourceName,
    /// Its entity.
    pub entity: Text,
    /// What sort of collection it is.
    pub kind: Kind,
}

/// One pair of resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrawnEdge {
    /// What must exist first.
    pub prerequisite: ResourceName,
    /// What waits for it.
    pub dependent: ResourceName,
    /// Whether a required reference is behind it; nothing where no document tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Whether authorization asks for it.
    pub authorization: bool,
    /// The references behind it.
    pub references: Vec<DrawnReference>,
}

impl DrawnEdge {
    /// Whether nothing but authorization asks for it.
    #[must_use]
    pub fn is_authorization_only(&self) -> bool {
        self.authorization && self.references.is_empty() && self.required.is_some()
    }
}

/// One reference behind an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrawnReference {
    /// Where it stands in the dependent.
    pub path: Text,
    /// Whether every step to it is required.
    pub required: bool,
    /// Whether it contributes to the natural key.
    pub identifying: bool,
}

impl DependencyGraph {
    /// The selected resources and the edges among them, self references included. O(edges).
    #[must_use]
    pub fn drawing(&self, selection: &Selection, authorization: &Authorization, required_only: bool) -> Drawing {
        let selected = |id| selection.resources.contains(&id);
        let resources = self.ids().filter(|&id| selected(id)).map(|id| {
            let resource = self.resource(id);
            DrawnResource { resource: resource.name.clone(), entity: resource.entity.clone(), kind: resource.kind }
        });
        let mut edges = BTreeMap::new();
        let within = self.edges().filter(|e| selected(e.prerequisite) && selected(e.dependent));
        for edge in within.filter(|e| e.may_be_required() || !required_only) {
            let references = self.references(edge).map(|r| DrawnReference {
                path: r.path.clone(),
                required: r.required,
                identifying: r.identifying,
            });
            let drawn = DrawnEdge {
                prerequisite: self.name(edge.prerequisite).clone(),
                dependent: self.name(edge.dependent).clone(),
                required: (!edge.is_unexplained()).then_some(edge.required),
                authorization: false,
                references: references.collect(),
            };
            edges.insert((edge.prerequisite, edge.dependent), drawn);
        }
        for edge in authorization.edges.iter().filter(|e| selected(e.prerequisite) && selected(e.dependent)) {
            let drawn = edges.entry((edge.prerequisite, edge.dependent)).or_insert_with(|| DrawnEdge {
                prerequisite: self.name(edge.prerequisite).clone(),
                dependent: self.name(edge.dependent).clone(),
                required: Some(false),
                authorization: true,
                references: Vec::new(),
            });
            drawn.authorization = true;
        }
        Drawing { resources: resources.collect(), edges: edges.into_values().collect() }
    }
}
