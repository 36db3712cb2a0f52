//! The documents under tests/fixtures.

use std::path::PathBuf;

use edfi_plan::graph::DependencyGraph;
use edfi_plan::source::{self, Document};

/// A file under tests/fixtures.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// One of the small documents.
pub(crate) fn document(name: &str) -> Document {
    Document { name: name.to_owned(), bytes: std::fs::read(path(name)).unwrap() }
}

/// The small standard in one of its dialects: `ods`, `swagger2`, `dms` or `metaed`.
pub(crate) fn small(dialect: &str) -> [Document; 2] {
    ["resources", "descriptors"].map(|kind| document(&format!("small/{kind}-{dialect}.json")))
}

/// The graph of documents.
pub(crate) fn graph(documents: &[Document]) -> DependencyGraph {
    DependencyGraph::build(source::read(documents, &[]).unwrap()).unwrap()
}
