//! The records of a payload folder, as far as a cascade needs them: every key, and the records that failed.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::io;

use serde_json::Value;

use super::Records;
use crate::diagnosis::identity::{Identity, of_record};
use crate::diagnosis::{Diagnoser, Failure, Place};
use crate::graph::{DependencyGraph, ResourceId};
use crate::records::{PayloadFile, ReadOptions, each_record};

/// Records that were sent, read once: 24 bytes for each key, and the failed records themselves.
///
/// Keys are kept as 64-bit hashes under a key drawn for the run.
pub struct Sent<'g> {
    graph: &'g DependencyGraph,
    hasher: RandomState,
    files: Vec<String>,
    keys: HashMap<u64, (u32, u64)>,
    /// Lines of failures by file, and their records once read.
    wanted: BTreeMap<(ResourceId, String), BTreeSet<usize>>,
    records: HashMap<(ResourceId, String, usize), Value>,
}

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

    /// Reads the records of one file; what is no record is passed over.
    ///
    /// # Errors
    ///
    /// A file that cannot be read to its end.
    pub fn read(&mut self, resource: ResourceId, file: &PayloadFile, options: &ReadOptions<'_>) -> io::Result<()> {
        let number = u32::try_from(self.files.len()).map_err(|_| io::Error::other("too many files"))?;
        self.files.push(file.name.clone());
        let base = base(&file.name);
        let wanted = self.wanted.get(&(resource, base.clone())).cloned().unwrap_or_default();
        each_record(file, options, |line, bytes| {
            let Ok(record) = serde_json::from_slice::<Value>(bytes) else { return };
            if let Some(identity) = of_record(self.graph, resource, &record) {
                self.keys.entry(self.hasher.hash_one(&identity)).or_insert((number, line));
            }
            let line = usize::try_from(line).unwrap_or(usize::MAX);
            if wanted.contains(&line) {
                self.records.insert((resource, base.clone(), line), record);
            }
        })
    }
}

impl Records for Sent<'_> {
    fn record(&self, resource: ResourceId, file: &str, line: usize) -> Option<Value> {
        self.records.get(&(resource, base(file), line)).cloned()
    }

    fn supplier(&self, identity: &Identity) -> Option<Place> {
        let (file, line) = self.keys.get(&self.hasher.hash_one(identity))?;
        let file = self.files.get(*file as usize).cloned();
        Some(Place { file, line: usize::try_from(*line).ok(), ..Place::default() })
    }
}

/// A file without its folders: a results file may have been written elsewhere.
fn base(file: &str) -> String {
    file.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase()
}
