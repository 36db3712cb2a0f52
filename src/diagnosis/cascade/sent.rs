//! The records of a payload folder, as far as a cascade needs them: every key, and the records that failed.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::io::{self, BufRead, Read};

use serde_json::Value;

use super::Records;
use crate::diagnosis::identity::{Identity, of_record};
use crate::diagnosis::{Diagnoser, Failure, Place};
use crate::graph::{DependencyGraph, ResourceId};

/// Records that were sent, read once: 24 bytes for each key, and the failed records themselves.
///
/// Keys are kept as 64-bit hashes under a key drawn for the run.
pub struct Sent<'g> {
    graph: &'g DependencyGraph,
    hasher: RandomState,
    files: Vec<String>,
    keys: HashMap<u64, (u32, u32)>,
    /// Lines of failures by file, and their records once read.
    wanted: BTreeMap<(ResourceId, String), BTreeSet<usize>>,
    records: HashMap<(ResourceId, String, usize), Value>,
}

/// The longest line that is read, in bytes.
const LONGEST: u64 = 64 << 20;

impl<'g> Sent<'g> {
    /// Nothing yet; `failures` are those whose records will be asked for.
    #[must_use]
    pub fn new(diagnoser: &Diagnoser<'g>, failures: &[Failure]) -> Self {
        let mut wanted: BTreeMap<(ResourceId, String), BTreeSet<usize>> = BTreeMap::new();
        for failure in failures.iter().filter(|failure| failure.payload.is_none()) {
            let resource = failure.resource.as_deref().and_then(|text| diagnoser.resource(text));
            if let (Some(resource), Some(file)) = (resource, &failure.place.file) {
                let lines = wanted.entry((resource, base(file))).or_default();
                lines.extend(failure.place.lines.iter().copied().chain(failure.place.line));
            }
        }
        Self {
            graph: diagnoser.graph(),
            hasher: RandomState::new(),
            files: Vec::new(),
            keys: HashMap::new(),
            wanted,
            records: HashMap::new(),
        }
    }

    /// Reads the records of one file, one a line; lines that are no records are passed over.
    ///
    /// # Errors
    ///
    /// Whatever the reader cannot read, or a line that is longer than 64 MiB.
    pub fn read(&mut self, resource: ResourceId, name: &str, mut reader: impl BufRead) -> io::Result<()> {
        let file = u32::try_from(self.files.len()).map_err(|_| io::Error::other("too many files"))?;
        self.files.push(name.to_owned());
        let base = base(name);
        let wanted = self.wanted.get(&(resource, base.clone())).cloned().unwrap_or_default();
        let mut text = Vec::new();
        for number in 1_u32.. {
            text.clear();
            let length = (&mut reader).take(LONGEST + 1).read_until(b'\n', &mut text)? as u64;
            if length == 0 {
                break;
            }
            if length > LONGEST {
                return Err(io::Error::other(format!("line {number} is longer than {} MiB", LONGEST >> 20)));
            }
            let Ok(record) = serde_json::from_slice::<Value>(&text) else { continue };
            if let Some(identity) = of_record(self.graph, resource, &record) {
                self.keys.entry(self.hasher.hash_one(&identity)).or_insert((file, number));
            }
            let line = number as usize;
            if wanted.contains(&line) {
                self.records.insert((resource, base.clone(), line), record);
            }
        }
        Ok(())
    }
}

impl Records for Sent<'_> {
    fn record(&self, resource: ResourceId, file: &str, line: usize) -> Option<Value> {
        self.records.get(&(resource, base(file), line)).cloned()
    }

    fn supplier(&self, identity: &Identity) -> Option<Place> {
        let (file, line) = self.keys.get(&self.hasher.hash_one(identity))?;
        let file = self.files.get(*file as usize).cloned();
        Some(Place { file, line: Some(*line as usize), ..Place::default() })
    }
}

/// A file without its folders: a results file may have been written elsewhere.
fn base(file: &str) -> String {
    file.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase()
}
