//! What tests of several kinds share.

use edfi_plan::diagnosis::Diagnosis;
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source;
use serde_json::Value;

/// The graph of a bundled standard.
pub(crate) fn standard(name: &str) -> DependencyGraph {
    DependencyGraph::build(source::standard(name).unwrap()).unwrap()
}

/// Records as a file of one a line.
pub(crate) fn lines(records: impl IntoIterator<Item = Value>) -> Vec<u8> {
    records.into_iter().flat_map(|record| format!("{record}\n").into_bytes()).collect()
}

/// The paths of the references that a diagnosis speaks of.
pub(crate) fn paths(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.references.iter().map(|seen| seen.path.as_str()).collect()
}

/// A text without its line ends.
pub(crate) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
