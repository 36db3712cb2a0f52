//! An order or a graph that somebody publishes: names as they are written, no references.
//!
//! An API answers it at its dependencies endpoint, people write it by hand. It names resources and
//! says what comes before what, but not why: no JSON paths, no natural keys, nothing about which
//! reference is required. So it is no [`Model`](super::Model), but something to compare a graph with.

use super::Text;

/// What somebody says of the order of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// What it was read from.
    pub form: PublishedForm,
    /// The steps of an order, in the order of the document; none in a graph.
    pub rows: Vec<OrderRow>,
    /// The vertices of a graph, in the order of the document; none in an order.
    pub nodes: Vec<PublishedNode>,
    /// The edges of a graph, sorted, each once.
    pub edges: Vec<PublishedEdge>,
}

/// The kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishedForm {
    /// The JSON of the API's dependencies endpoint, or a plan in its form: rows of the same order may
    /// be loaded at the same time.
    Order,
    /// The GraphML of the API's dependencies endpoint.
    Graph,
    /// A list: a line comes after all lines above it; names within a line are in no order.
    List,
}

/// A step of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// As written: `/ed-fi/students`, `students`.
    pub resource: Text,
    /// Its wave: the order number of the API, or the line of a list.
    pub order: usize,
    /// Whether records are created then.
    pub create: bool,
    /// Whether records are updated then.
    pub update: bool,
}

/// A vertex of a published graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishedNode {
    /// As written, without `#Retry`.
    pub resource: Text,
    /// Whether it is the second appearance of a person, after its pathway.
    pub retry: bool,
}

/// An edge of a published graph, between positions in [`Published::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishedEdge {
    /// What comes first.
    pub from: usize,
    /// What comes later.
    pub to: usize,
}
