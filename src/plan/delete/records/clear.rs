//! The record that a clear leaves: what stood there, without the references that go.

use std::collections::{BTreeMap, BTreeSet};

use super::DescribedRecord;
use crate::graph::DependencyGraph;
use crate::records::{Flaw, Key, KeyHasher, RecordReader, Step, Whereabouts, cut};

/// Why a record cannot be cleared as a plan says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClearError {
    /// The graph does not have its resource, or one that it refers to.
    #[error("{0} is not in the metadata. Give the metadata that the plan was made with")]
    Resource(String),
    /// It is no record that can be read.
    #[error("{record} is {}", .flaw.message())]
    Unreadable {
        /// The record, by resource and id.
        record: String,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// It would be left without something that it must have, such as the last item of a collection.
    #[error("{record} cannot be without what goes, and was written since: delete it as well. Plan again")]
    Emptied {
        /// The record, by resource and id.
        record: String,
    },
    /// It no longer holds the reference.
    #[error("{record} no longer refers by {path} to what goes. Check the plan with --recheck")]
    Changed {
        /// The record, by resource and id.
        record: String,
        /// The path of the reference.
        path: String,
    },
}

/// Members that the API itself writes; a record that is sent to it has none of them.
const OF_THE_API: [&str; 3] = ["_etag", "_lastModifiedDate", "link"];

/// The body of the PUT that clears a record, made of the record as it is now. What cannot be without a
/// reference goes with it: an item of a collection that requires it. On one line.
///
/// # Errors
///
/// A record that is not what it was when the plan was made.
pub fn cleared(graph: &DependencyGraph, planned: &DescribedRecord, body: &[u8]) -> Result<Vec<u8>, ClearError> {
    let record = match &planned.at {
        Whereabouts::Server { id, .. } => format!("{} {id}", planned.resource.short()),
        Whereabouts::File(position) => format!("{}:{}", position.file, position.line),
        Whereabouts::Outside { .. } => planned.resource.short().to_owned(),
    };
    let known = |name| graph.id(name).ok_or_else(|| ClearError::Resource(name.short().to_owned()));
    let resource = known(&planned.resource)?;
    let hasher = KeyHasher::random();
    let mut wanted: BTreeMap<(u32, Key), &str> = BTreeMap::new();
    for clear in &planned.clears {
        let target = RecordReader::new(graph, known(&clear.target)?, hasher);
        let references = (0..).zip(&graph.resource(resource).references);
        let position = references.into_iter().find(|(_, r)| r.path == clear.path).map(|(position, _)| position);
        let key = position.zip(target.identity(&clear.key));
        wanted.insert(key.ok_or_else(|| changed(&record, &clear.path))?, &clear.path);
    }
    let unreadable = |flaw| ClearError::Unreadable { record: record.clone(), flaw };
    let mut reader = RecordReader::new(graph, resource, hasher);
    let found = reader.steps_to(body, &wanted.keys().copied().collect()).map_err(unreadable)?;
    // A part of the clears would leave a record that still blocks a delete.
    if let Some((_, path)) = wanted.iter().find(|(key, _)| !found.iter().any(|(found, _)| found == *key)) {
        return Err(changed(&record, path));
    }
    let details = graph.details(resource);
    let required: BTreeSet<&str> = details.fields.iter().map(|field| field.path.as_str()).collect();
    let of_the_api = OF_THE_API.map(|name| vec![Step::Member(name.into())]);
    let paths: Vec<Vec<Step>> = found.into_iter().map(|(_, steps)| steps).chain(of_the_api).collect();
    let left = cut(body, &paths, &required).map_err(unreadable)?;
    let mut left = left.ok_or(ClearError::Emptied { record })?;
    // A line break stands between values only, for in a string it is written as an escape.
    left.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    Ok(left)
}

fn changed(record: &str, path: &str) -> ClearError {
    ClearError::Changed { record: record.to_owned(), path: path.to_owned() }
}
