//! Diagnoses as JSON, written as they are made: a hundred thousand of them are never in memory at once.

use std::cell::RefCell;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Head;
use crate::diagnosis::cascade::Causes;
use crate::diagnosis::{Code, Diagnosis, Template, catalogue};
use crate::model::Metadata;

/// Writes `edfi-plan/diagnosis/1`: the diagnoses in order, then what `causes` says once all were made.
///
/// # Errors
///
/// Whatever `out` cannot take.
pub fn diagnoses(
    out: impl Write,
    metadata: &Metadata,
    diagnoses: impl Iterator<Item = Diagnosis>,
    causes: impl FnOnce() -> Causes,
) -> io::Result<()> {
    let mut out = out;
    let mut serializer = serde_json::Serializer::pretty(&mut out);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("schema", "edfi-plan/diagnosis/1")?;
    map.serialize_entry("metadata", &Head { name: &metadata.name, fingerprint: &metadata.fingerprint })?;
    map.serialize_entry("diagnoses", &AsMade(RefCell::new(diagnoses)))?;
    let causes = causes();
    map.serialize_entry("summary", &causes.summary)?;
    if !causes.roots.is_empty() {
        map.serialize_entry("roots", &causes.roots)?;
    }
    if !causes.unexplained.is_empty() {
        map.serialize_entry("unexplained", &causes.unexplained)?;
    }
    if !causes.unplaced.is_empty() {
        map.serialize_entry("unplaced", &causes.unplaced)?;
    }
    if !causes.resend.is_empty() {
        map.serialize_entry("resend", &causes.resend)?;
    }
    map.end()?;
    out.write_all(b"\n")
}

/// An iterator as a sequence, drained while it is written.
struct AsMade<I>(RefCell<I>);

impl<I: Iterator<Item = Diagnosis>> Serialize for AsMade<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&mut *self.0.borrow_mut())
    }
}

/// What `explain` says, for machines.
#[derive(Debug, Serialize)]
struct Explained {
    code: Code,
    meaning: &'static str,
    graph: &'static str,
    remedy: &'static str,
    wordings: Vec<Wording>,
}

#[derive(Debug, Serialize)]
struct Wording {
    server: String,
    text: &'static str,
}

/// A code with all wordings of it.
#[must_use]
pub fn explained(code: Code) -> String {
    let explanation = code.explanation();
    let wording = |t: &Template| Wording { server: t.origin(), text: t.text };
    let wordings = catalogue().iter().filter(|t| t.code == code).map(wording).collect();
    let (meaning, graph, remedy) = (explanation.meaning, explanation.graph, explanation.remedy);
    #[derive(Serialize)]
    struct Answer {
        schema: &'static str,
        #[serde(flatten)]
        explained: Explained,
    }
    super::pretty(&Answer {
        schema: "edfi-plan/code/1",
        explained: Explained { code, meaning, graph, remedy, wordings },
    })
}
