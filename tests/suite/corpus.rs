//! Third-party documents, which the project may read but not contain.
//!
//! `EDFI_PLAN_CORPUS` names the folder that holds them. Without it the tests that need them say what
//! they skip and pass.

use std::path::PathBuf;

use edfi_plan::graph::DependencyGraph;
use edfi_plan::source::{self, Document};

/// A file of the corpus; `None`, said aloud, where there is no corpus.
#[expect(clippy::disallowed_macros, reason = "a test talks to whoever runs it")]
pub(crate) fn file(path: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("EDFI_PLAN_CORPUS") else {
        eprintln!("SKIPPED: needs {path} from the folder that EDFI_PLAN_CORPUS names");
        return None;
    };
    let file = PathBuf::from(folder).join(path);
    assert!(file.exists(), "{} is missing from the corpus", file.display());
    Some(file)
}

/// The bytes of a file of the corpus.
pub(crate) fn document(path: &str) -> Option<Document> {
    let bytes = std::fs::read(file(path)?).unwrap();
    Some(Document { name: path.rsplit('/').next().unwrap().to_owned(), bytes })
}

/// The text of a file of the corpus.
pub(crate) fn text(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(file(path)?).unwrap())
}

/// The graph of several documents of the corpus, given below `metadata/`.
pub(crate) fn graph(paths: &[&str], without: &[&str]) -> Option<DependencyGraph> {
    let documents = paths.iter().map(|path| document(&format!("metadata/{path}"))).collect::<Option<Vec<_>>>()?;
    let without: Vec<String> = without.iter().map(ToString::to_string).collect();
    Some(DependencyGraph::build(source::read(&documents, &without).unwrap()).unwrap())
}
