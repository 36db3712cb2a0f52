//! The records of a payload folder, as far as a cascade needs them: every key, and the records that failed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::diagnosis::identity::Kin;
use crate::diagnosis::{Diagnoser, Failure, Place};
use crate::graph::{Authorization, DependencyGraph, ResourceId};
use crate::model::Text;
use crate::plan::resend::turns;
use crate::records::{
    Folder, Key, KeyHasher, Place as Spot, ReadOptions, Scan, Unreadable, each_record, read_at, scan,
};

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
    scan: Scan<'g, 'f>,
    options: ReadOptions<'static>,
    /// Files of the folder by the names that failures give them.
    files: HashMap<(ResourceId, String), usize>,
    records: HashMap<usize, Lines>,
}

/// Records of one file by line, as they were written.
type Lines = HashMap<usize, Box<[u8]>>;

/// Where records of a folder stand: file and line.
pub(super) type Positions = HashMap<Spot, (Text, usize)>;

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
        let options = ReadOptions { threads: options.threads, max_record: options.max_record, progress: None };
        for (number, (file, _)) in folder.files.iter().enumerate() {
            let Some(lines) = lines.get(&number) else { continue };
            let found = records.entry(number).or_default();
            let read = each_record(file, &options, |line, bytes| {
                if let Some(line) = usize::try_from(line).ok().filter(|line| lines.contains(line)) {
                    found.insert(line, bytes.into());
                }
            });
            read.map_err(|error| Unreadable { file: file.name.clone(), reason: error.to_string() })?;
        }
        Ok(Self { graph, scan, options, files, records })
    }

    /// Lines and items of the folder that are no records: what they were meant to be counts as missing.
    #[must_use]
    pub fn unreadable_records(&self) -> u64 {
        self.scan.unreadable_records()
    }

    /// The record of a resource at a place of a failure: its file and one of its lines.
    #[must_use]
    pub fn record(&self, resource: ResourceId, file: &str, line: usize) -> Option<Value> {
        serde_json::from_slice(self.written(resource, file, line)?).ok()
    }

    fn written(&self, resource: ResourceId, file: &str, line: usize) -> Option<&[u8]> {
        let number = self.files.get(&(resource, file.to_owned()))?;
        self.records.get(number)?.get(&line).map(|bytes| &**bytes)
    }

    /// Whether a place of a failure is that of a record of the folder.
    pub(super) fn holds(&self, resource: ResourceId, place: &Place) -> bool {
        let place = place.file.as_deref().zip(place.line);
        place.is_some_and(|(file, line)| self.written(resource, file, line).is_some())
    }

    /// The hasher of the folder's keys.
    pub(super) fn hasher(&self) -> KeyHasher {
        self.scan.hasher
    }

    /// Where the first record with a key stands.
    pub(super) fn find(&self, of: Kin, key: Key) -> Option<Spot> {
        self.lanes(of).find_map(|lane| self.scan.lanes.get(lane)?.table.place(key))
    }

    /// Whether any file could have it.
    pub(super) fn has_files(&self, of: Kin) -> bool {
        self.lanes(of).next().is_some()
    }

    fn lanes(&self, of: Kin) -> impl Iterator<Item = usize> {
        let (one, subclasses) = match of {
            Kin::Resource(id) => (Some(id), [].as_slice()),
            Kin::Abstract(place) => (None, self.graph.subclasses_at(place)),
        };
        one.into_iter().chain(subclasses.iter().copied()).filter_map(|id| self.scan.lane_of_resource(id))
    }

    /// The resource of a record.
    pub(super) fn resource_at(&self, at: Spot) -> Option<ResourceId> {
        self.scan.lane_at(at).and_then(|lane| self.scan.lanes.get(lane)).map(|lane| lane.resource)
    }

    /// For people by key, the first record of an association that refers to each. Reads the files of the
    /// association again.
    pub(super) fn speaking_of(
        &self,
        association: ResourceId,
        person: ResourceId,
        keys: &BTreeSet<Key>,
    ) -> BTreeMap<Key, Spot> {
        self.scan.first_referring(association, person, keys, &self.options)
    }

    /// The turn of each of some records, in an order in which it finds what it refers to among them. Reads
    /// their files again where they may refer to each other in a circle.
    pub(super) fn turns(&self, spots: &BTreeSet<Spot>) -> HashMap<Spot, usize> {
        turns(&self.scan, spots, &Authorization::default(), &self.options)
    }

    /// The files and lines of records, which are read again for it; those of a file that can no longer be
    /// read are left out.
    pub(super) fn positions(&self, spots: BTreeSet<Spot>) -> Positions {
        let mut names: HashMap<usize, Text> = HashMap::new();
        let spots: Vec<Spot> = spots.into_iter().collect();
        let mut positions = Positions::with_capacity(spots.len());
        // A file that cannot be read again was read before: its records are known, only not their lines.
        let _ = read_at(&self.scan.files, &spots, &self.options, |spot, line, _| {
            let file = names.entry(spot.file()).or_insert_with(|| Text::new(self.scan.file_name(spot)));
            positions.insert(spot, (file.clone(), usize::try_from(line).unwrap_or(usize::MAX)));
        });
        positions
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
