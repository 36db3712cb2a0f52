//! The records of a payload folder, as far as a cascade needs them: every key, and the records that failed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::Records;
use crate::diagnosis::identity::{Keys, Kin};
use crate::diagnosis::{Diagnoser, Failure};
use crate::graph::{Aim, DependencyGraph, ResourceId};
use crate::records::{Folder, KeyValues, ReadOptions, Scan, Unreadable, each_record, form_of_values, scan};

/// The records of failures that came without them.
#[derive(Debug, Clone, Default)]
pub struct Wanted(BTreeMap<(ResourceId, String), BTreeSet<usize>>);

impl Wanted {
    /// Adds the record of a failure that tells its place and has no payload.
    pub fn add(&mut self, diagnoser: &Diagnoser<'_>, failure: &Failure) {
        if failure.payload.is_some() {
            return;
        }
        let resource = failure.resource.as_deref().and_then(|text| diagnoser.resource(text));
        if let (Some(resource), Some(file)) = (resource, &failure.place.file) {
            let lines = self.0.entry((resource, base(file))).or_default();
            lines.extend(failure.place.lines.iter().copied().chain(failure.place.line));
        }
    }
}

/// Records that were sent: one entry a distinct key, and the failed records as they were written.
pub struct Sent<'g, 'f> {
    graph: &'g DependencyGraph,
    keys: Keys<'g>,
    scan: Scan<'g, 'f>,
    records: HashMap<(ResourceId, String), Lines>,
}

/// Records of one file by line, as they were written.
type Lines = HashMap<usize, Box<[u8]>>;

impl<'g, 'f> Sent<'g, 'f> {
    /// Reads a folder once for its keys, and the files of wanted records a second time. What is no
    /// record is passed over.
    ///
    /// # Errors
    ///
    /// The first file that cannot be read to its end.
    pub fn read(
        graph: &'g DependencyGraph,
        folder: &'f Folder,
        wanted: &Wanted,
        options: &ReadOptions<'_>,
    ) -> Result<Self, Unreadable> {
        let scan = scan(graph, folder, None, options);
        if let Some(unreadable) = scan.unreadable.first() {
            return Err(unreadable.clone());
        }
        let mut records: HashMap<_, Lines> = HashMap::new();
        let again = ReadOptions { progress: None, ..options.clone() };
        for (file, resource) in &folder.files {
            let place = (*resource, base(&file.name));
            let Some(lines) = wanted.0.get(&place) else { continue };
            let found = records.entry(place).or_default();
            let read = each_record(file, &again, |line, bytes| {
                if let Some(line) = usize::try_from(line).ok().filter(|line| lines.contains(line)) {
                    found.insert(line, bytes.into());
                }
            });
            read.map_err(|error| Unreadable { file: file.name.clone(), reason: error.to_string() })?;
        }
        Ok(Self { graph, keys: Keys::of(graph), scan, records })
    }
}

impl Records for Sent<'_, '_> {
    fn record(&self, resource: ResourceId, file: &str, line: usize) -> Option<Value> {
        let bytes = self.records.get(&(resource, base(file)))?.get(&line)?;
        serde_json::from_slice(bytes).ok()
    }

    fn supplies(&self, target: Aim, key: &KeyValues) -> bool {
        let (kin, resources) = match &target {
            Aim::Resource(id) => (Kin::Resource(*id), std::slice::from_ref(id)),
            Aim::Abstract(place) => (Kin::Abstract(*place), self.graph.subclasses_at(*place)),
            Aim::Unresolved => return false,
        };
        let Some(form) = form_of_values(&self.keys.form(kin), key) else { return false };
        let key = self.scan.hasher.key(&form);
        let mut lanes = resources.iter().filter_map(|&id| self.scan.lane_of_resource(id));
        lanes.any(|lane| self.scan.lanes.get(lane).is_some_and(|lane| lane.table.find(key).is_some()))
    }
}

/// A file without its folders: a results file may have been written elsewhere.
fn base(file: &str) -> String {
    file.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase()
}
