//! The references of one record: what each points to, and how that stands.

use serde::Serialize;

use super::check::{Position, concrete, text_of};
use super::extract::{Extract, Trouble};
use super::json::Token;
use super::keys::{Key, KeyValues, values_of};
use super::shape::{NONE, Shape};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Reference, ResourceName, Target, Text};

/// One reference of a record, or of a record that it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// How many records lead here; 0 for the payload itself.
    pub depth: usize,
    /// Which payload it is of, from 1, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<usize>,
    /// The line of the payload, where a file of several was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What refers: a resource, or the abstract resource of a record that is missing.
    pub of: Text,
    /// Where that record stands; none for the payload, and for one that is missing.
    pub at: Option<Position>,
    /// The path of the reference.
    pub path: Text,
    /// What it points to.
    pub target: Text,
    /// Other descriptors that the name of its property could mean.
    #[serde(skip)]
    pub alternatives: Vec<ResourceName>,
    /// Whether it is required.
    pub required: bool,
    /// The key it holds, as far as it is known. Of a descriptor, its `uri`.
    pub key: KeyValues,
    /// How what it points to stands.
    pub standing: Standing,
    /// Why that is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Unknown>,
    /// Of an abstract target that is not there: the subclasses of which it can be a record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<ResourceName>,
    /// Of an abstract target: the record of a subclass that it is, where the list has that one as well.
    /// Subclasses share the identity of their superclass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<NamedRecord>,
    /// Whether what that record needs in turn stands elsewhere in the list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

/// A record by its natural key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedRecord {
    /// Its resource.
    pub resource: ResourceName,
    /// Its key, in the names of that resource.
    pub key: KeyValues,
}

/// How what a reference points to stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// It is this record.
    Supplied(Position),
    /// No record is it, although the folder has records of its kind, or the API that was asked shows them.
    Missing,
    /// No record that could be read is it, but of the files and lines of its kind some could not.
    Unread,
    /// No file could supply it.
    Assumed,
    /// The API that was asked has it.
    Present,
    /// Nobody can tell.
    Unknown,
    /// The payload must have this reference and does not.
    Absent,
    /// The payload has something in its place that is no such reference, or lacks a part of its key.
    Malformed,
}

/// Why it is unknown how a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unknown {
    /// The record that must refer to it is missing itself, and its key does not hold all of the reference.
    NotInKey,
    /// The API shows no such record, and shows records of its resource by relationship only.
    NotVisible,
    /// The API was asked and did not tell.
    NotTold,
    /// The metadata does not tell what identifies it, or does not describe it at all.
    NoKey,
    /// So much was derived from keys that no more is looked up.
    NotFollowed,
}

/// A reference of a record.
pub(super) struct Held<'g> {
    pub(super) reference: &'g Reference,
    /// Its path with the indices of the record.
    pub(super) path: Text,
    /// The key it holds; `None` where it is incomplete or the target's key is unknown.
    pub(super) key: Option<Key>,
    pub(super) values: KeyValues,
}

/// A reference that a record should have and has not.
pub(super) struct Lacking<'g> {
    pub(super) reference: &'g Reference,
    /// Its path with the indices of the record, as far as they are known.
    pub(super) path: Text,
    pub(super) standing: Standing,
}

/// What a record points to, as people and JSON name it.
pub(super) fn target_of(reference: &Reference) -> Text {
    match &reference.target {
        Target::Resource(name) => name.as_str().into(),
        Target::Abstract(name) | Target::Unresolved(name) => name.clone(),
    }
}

/// The references in a record that was read, in its order.
pub(super) fn held<'g>(
    graph: &'g DependencyGraph,
    resource: ResourceId,
    extract: &Extract,
    record: &[u8],
) -> Vec<Held<'g>> {
    let references = &graph.resource(resource).references;
    let one = |found: &super::extract::Found| {
        let reference = references.get(found.position as usize)?;
        let values = if found.value.token == Token::Object {
            values_of(graph, resource, reference, found.value.of(record))
        } else {
            KeyValues::from([("uri".into(), text_of(found.value, record).into())])
        };
        let path = concrete(&reference.path, extract.indices(found.at)).into();
        Some(Held { reference, path, key: found.key, values })
    };
    extract.references.iter().filter_map(one).collect()
}

/// What a record that was read lacks: references that are required of it or of what holds them, and what
/// stands in the place of one. One that no document resolves may be there under any name.
pub(super) fn lacking<'g>(
    graph: &'g DependencyGraph,
    resource: ResourceId,
    shape: &Shape,
    extract: &Extract,
) -> Vec<Lacking<'g>> {
    let references = &graph.resource(resource).references;
    let mut lacking: Vec<Lacking<'g>> = Vec::new();
    let mut told = vec![false; references.len()];
    for found in &extract.references {
        if let Some(told) = told.get_mut(found.position as usize) {
            *told = true;
        }
    }
    for problem in &extract.problems {
        let (node, standing) = match problem.what {
            Trouble::Missing(node) => (node, Standing::Absent),
            Trouble::WrongType(node) => (node, Standing::Malformed),
            Trouble::Conflict(..) => continue,
        };
        let Some(node) = shape.at(node).filter(|node| node.reference != NONE) else { continue };
        let place = node.reference as usize;
        let (Some(reference), Some(told)) = (references.get(place), told.get_mut(place)) else { continue };
        *told = true;
        let path = concrete(&node.path, extract.indices(problem.at)).into();
        lacking.push(Lacking { reference, path, standing });
    }
    for (reference, _) in references.iter().zip(told).filter(|(reference, told)| reference.required && !told) {
        if !matches!(reference.target, Target::Unresolved(_)) {
            lacking.push(Lacking { reference, path: reference.path.clone(), standing: Standing::Absent });
        }
    }
    lacking.sort_by(|a, b| a.path.cmp(&b.path));
    lacking.dedup_by(|later, first| later.path == first.path);
    lacking
}
