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
            let lines = self.0.entry((resource, file.to_string())).or_default();
            lines.extend(failure.place.lines.iter().copied().chain(failure.place.line));
        }
    }
}

/// Records that were sent: one entry a distinct key, and the failed records as they were written.
pub struct Sent<'g, 'f> {
    graph: &'g DependencyGraph,
    keys: Keys<'g>,
    scan: Scan<'g, 'f>,
    /// Files of the folder by the names that failures give them.
    files: HashMap<(ResourceId, String), usize>,
    records: HashMap<usize, Lines>,
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
        let of_folder = Files::of(folder);
        let mut files = HashMap::new();
        let mut lines: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for ((resource, told), asked) in &wanted.0 {
            let Some(file) = of_folder.named(*resource, told) else { continue };
            files.insert((*resource, told.clone()), file);
            lines.entry(file).or_default().extend(asked);
        }
        let mut records: HashMap<usize, Lines> = HashMap::new();
        let again = ReadOptions { progress: None, ..options.clone() };
        for (number, (file, _)) in folder.files.iter().enumerate() {
            let Some(lines) = lines.get(&number) else { continue };
            let found = records.entry(number).or_default();
            let read = each_record(file, &again, |line, bytes| {
                if let Some(line) = usize::try_from(line).ok().filter(|line| lines.contains(line)) {
                    found.insert(line, bytes.into());
                }
            });
            read.map_err(|error| Unreadable { file: file.name.clone(), reason: error.to_string() })?;
        }
        Ok(Self { graph, keys: Keys::of(graph), scan, files, records })
    }
}

impl Records for Sent<'_, '_> {
    fn record(&self, resource: ResourceId, file: &str, line: usize) -> Option<Value> {
        let number = self.files.get(&(resource, file.to_owned()))?;
        let bytes = self.records.get(number)?.get(&line)?;
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

/// The files of a folder by the last part of their names, to find those that failures name.
struct Files<'f> {
    folder: &'f Folder,
    by_base: HashMap<(ResourceId, String), Vec<usize>>,
}

impl<'f> Files<'f> {
    fn of(folder: &'f Folder) -> Self {
        let mut by_base: HashMap<_, Vec<usize>> = HashMap::new();
        for (number, (file, resource)) in folder.files.iter().enumerate() {
            let base = parts(&file.name).next().unwrap_or_default().to_ascii_lowercase();
            by_base.entry((*resource, base)).or_default().push(number);
        }
        Self { folder, by_base }
    }

    /// The file that shares the longest end of its path with a name: a results file may have been written
    /// elsewhere. `None` where several do equally: a record of the wrong one would tell of another failure.
    fn named(&self, resource: ResourceId, told: &str) -> Option<usize> {
        let base = parts(told).next()?.to_ascii_lowercase();
        let alike = |name: &str| {
            let shared = parts(name).zip(parts(told)).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
            (shared, shared == parts(name).count(), name == told)
        };
        let mut best = None;
        let mut alone = false;
        for &number in self.by_base.get(&(resource, base))? {
            let found = alike(&self.folder.files.get(number)?.0.name);
            match best {
                Some((other, _)) if other > found => {}
                Some((other, _)) if other == found => alone = false,
                _ => (best, alone) = (Some((found, number)), true),
            }
        }
        best.filter(|_| alone).map(|(_, number)| number)
    }
}

/// The parts of a path, the last first.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit(['/', '\\']).filter(|part| !part.is_empty() && *part != ".")
}
