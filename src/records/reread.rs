//! Reading a scanned folder again: its records by place, and what they refer to among themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::extract::{Extract, Reader};
use super::keys::Key;
use super::read::{Numbered, ReadOptions, Unreadable, read_all, read_at};
use super::scan::{Pending, Scan, targets};
use super::split::{Chunk, Stream};
use super::store::Place;
use crate::graph::ResourceId;
use crate::model::{Field, Reference, ResourceName, Text};

/// Which records of a folder are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chosen<'c> {
    All,
    These(&'c BTreeSet<Place>),
}

impl Chosen<'_> {
    pub(crate) fn has(self, place: Place) -> bool {
        match self {
            Self::All => true,
            Self::These(places) => places.contains(&place),
        }
    }
}

/// The records of some resources and their references to each other.
pub(crate) struct Inner {
    /// Sorted.
    pub(crate) places: Vec<Place>,
    /// Sorted.
    pub(crate) references: Vec<InnerReference>,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A reference from one record of a folder to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InnerReference {
    pub(crate) from: Place,
    pub(crate) to: Place,
    /// Its position among the references of the resource; none where `to` is an earlier record of the
    /// same key, which must stay before. Of several records of one key, references are to the first.
    pub(crate) position: Option<u32>,
}

/// One step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A member of an object.
    Member(Text),
    /// An item of an array.
    Item(usize),
}

#[derive(Default)]
struct Collecting {
    extract: Extract,
    places: Vec<Place>,
    references: Vec<InnerReference>,
}

impl Scan<'_, '_> {
    /// How many resources it has; they are numbered from 0.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(crate) fn lane_of_resource(&self, id: ResourceId) -> Option<usize> {
        self.lanes.binary_search_by_key(&id, |lane| lane.resource).ok()
    }

    pub(crate) fn lane_at(&self, place: Place) -> Option<usize> {
        self.lane_of.get(place.file()).copied()
    }

    pub(crate) fn resource(&self, lane: usize) -> &ResourceName {
        // Every lane was made for a resource of the graph.
        self.graph.name(self.lanes[lane].resource)
    }

    pub(crate) fn reference(&self, lane: usize, position: u32) -> Option<&Reference> {
        let resource = self.lanes.get(lane)?.resource;
        self.graph.resource(resource).references.get(position as usize)
    }

    pub(crate) fn file_name(&self, place: Place) -> &str {
        self.files.get(place.file()).map_or("", |file| file.name.as_str())
    }

    /// The files of a resource that are to be sent.
    pub(crate) fn files_of(&self, lane: usize) -> Vec<usize> {
        (0..self.payloads).filter(|file| self.lane_of.get(*file) == Some(&lane)).collect()
    }

    pub(crate) fn records_of(&self, lane: usize) -> u64 {
        self.lanes.get(lane).map_or(0, |lane| lane.records)
    }

    /// Records with a reference that no record supplies.
    pub(crate) fn unresolved_records(&self) -> u64 {
        let mut places: Vec<Place> = self.unresolved.iter().map(|pending| pending.place).collect();
        places.dedup();
        places.len() as u64
    }

    /// Of these, records that refer to what may stand in what could not be read.
    pub(crate) fn records_with_unread(&self) -> u64 {
        let unread = self.unread();
        let may_hold = |pending: &&Pending| {
            let reference = self.lane_at(pending.place).and_then(|lane| self.reference(lane, pending.position));
            reference.is_some_and(|reference| unread.may_hold(self, reference))
        };
        let mut places: Vec<Place> = self.unresolved.iter().filter(may_hold).map(|pending| pending.place).collect();
        places.dedup();
        places.len() as u64
    }

    /// How many lines and items are no record, and so say nothing.
    #[must_use]
    pub fn unreadable_records(&self) -> u64 {
        self.flaws.iter().filter(|(_, flaw)| !flaw.is_readable()).count() as u64
    }

    /// The required fields of the resource of a record.
    pub(crate) fn required_fields(&self, place: Place) -> &[Field] {
        let lane = self.lane_at(place).and_then(|lane| self.lanes.get(lane));
        lane.map(|lane| self.graph.details(lane.resource).fields.as_slice()).unwrap_or_default()
    }

    /// The chosen records of some lanes and their references to each other.
    pub(crate) fn inner_references(&self, lanes: &[usize], chosen: Chosen<'_>, read: &ReadOptions<'_>) -> Inner {
        let files: Vec<Numbered<'_>> = (0..)
            .zip(&self.files)
            .take(self.payloads)
            .filter(|(number, _)| self.lane_of.get(*number as usize).is_some_and(|lane| lanes.contains(lane)))
            .map(|(number, file)| (number, *file))
            .collect();
        let workers = (0..read.threads.max(1)).map(|_| Collecting::default()).collect();
        let (workers, unreadable) = read_all(&files, read, workers, |worker, place, record| {
            let lane = self.lane_at(place).and_then(|lane| Some((lane, self.lanes.get(lane)?)));
            let (Some((number, lane)), Ok(record)) = (lane, record) else { return };
            let reader = Reader { hasher: self.hasher, shape: &lane.shape };
            if !chosen.has(place) || reader.read(record, &mut worker.extract).is_err() {
                return;
            }
            worker.places.push(place);
            for found in &worker.extract.references {
                let target = found.key.and_then(|key| {
                    let target = self.find(number, found.position, key)?.lane;
                    self.lanes.get(target).filter(|_| lanes.contains(&target))?.table.place(key)
                });
                // What only supplies keys is on the server already.
                if let Some(to) = target.filter(|to| to.file() < self.payloads) {
                    worker.references.push(InnerReference { from: place, to, position: Some(found.position) });
                }
            }
        });
        let mut inner = Inner { places: Vec::new(), references: Vec::new(), unreadable };
        for worker in workers {
            inner.places.extend(worker.places);
            inner.references.extend(worker.references);
        }
        // Where the first record of a key is not chosen, the first that is supplies it.
        let mut stands_for: BTreeMap<Place, Place> = BTreeMap::new();
        for of_one_key in self.of_one_key() {
            let among: Vec<Place> = of_one_key.iter().copied().filter(|place| chosen.has(*place)).collect();
            stands_for.extend(of_one_key.first().copied().zip(among.first().copied()));
            let pairs = among.iter().zip(among.iter().skip(1));
            inner.references.extend(pairs.map(|(&to, &from)| InnerReference { from, to, position: None }));
        }
        for reference in inner.references.iter_mut().filter(|reference| reference.position.is_some()) {
            reference.to = stands_for.get(&reference.to).copied().unwrap_or(reference.to);
        }
        inner.references.retain(|reference| chosen.has(reference.to));
        inner.places.sort_unstable();
        inner.references.sort_unstable();
        inner.references.dedup();
        inner
    }

    /// For keys of one resource, the first record of another that refers to each. What cannot be read again
    /// is left out.
    pub(crate) fn first_referring(
        &self,
        of: ResourceId,
        target: ResourceId,
        keys: &BTreeSet<Key>,
        read: &ReadOptions<'_>,
    ) -> BTreeMap<Key, Place> {
        let Some((number, lane)) = self.lane_of_resource(of).and_then(|n| Some((n, self.lanes.get(n)?))) else {
            return BTreeMap::new();
        };
        let references = &self.graph.resource(of).references;
        let leading: Vec<bool> = references.iter().map(|r| targets(self.graph, r).contains(&target)).collect();
        let files: Vec<Numbered<'_>> = (0..)
            .zip(&self.files)
            .zip(&self.lane_of)
            .filter(|(_, lane)| **lane == number)
            .map(|(f, _)| (f.0, *f.1))
            .collect();
        let workers = (0..read.threads.max(1)).map(|_| (Extract::default(), BTreeMap::new())).collect();
        let reader = Reader { hasher: self.hasher, shape: &lane.shape };
        let (workers, _) = read_all(&files, read, workers, |(extract, first), place, record| {
            if record.and_then(|record| reader.read(record, extract)).is_err() {
                return;
            }
            let leads = |position: u32| leading.get(position as usize).copied().unwrap_or_default();
            let referred =
                extract.references.iter().filter(|found| leads(found.position)).filter_map(|found| found.key);
            for key in referred.filter(|key| keys.contains(key)) {
                let known = first.entry(key).or_insert(place);
                *known = place.min(*known);
            }
        });
        let mut first: BTreeMap<Key, Place> = BTreeMap::new();
        for (key, place) in workers.into_iter().flat_map(|(_, first)| first) {
            let known = first.entry(key).or_insert(place);
            *known = place.min(*known);
        }
        first
    }

    /// The records of each key that several have, in their order: the last is the one that counts.
    pub(crate) fn of_one_key(&self) -> Vec<Vec<Place>> {
        let mut duplicates = self.duplicates.clone();
        duplicates.sort_unstable_by_key(|d| (d.first, d.place));
        let of_first = duplicates.chunk_by(|a, b| a.first == b.first);
        of_first.map(|of| of.iter().take(1).map(|d| d.first).chain(of.iter().map(|d| d.place)).collect()).collect()
    }

    /// Hands out the records of a file in order, without what is no record.
    pub(crate) fn copy(
        &self,
        file: usize,
        read: &ReadOptions<'_>,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let (Some(payload), Ok(number)) = (self.files.get(file), u32::try_from(file)) else { return Ok(()) };
        let mut stream = Stream::open(payload, read.max_record)?;
        let mut chunk = Chunk::default();
        let mut result = Ok(());
        while result.is_ok() && stream.next(&mut chunk)? {
            chunk.records(read.max_record, |offset, record| {
                if let (true, Ok(record)) = (result.is_ok() && !self.is_flawed(Place::new(number, offset)), record) {
                    result = each(record);
                }
            });
        }
        result
    }

    fn is_flawed(&self, place: Place) -> bool {
        let from = self.flaws.partition_point(|(flawed, _)| *flawed < place);
        let here = self.flaws.iter().skip(from).take_while(|(flawed, _)| *flawed == place);
        here.into_iter().any(|(_, flaw)| !flaw.is_readable())
    }

    /// Hands out records by place; `wanted` is sorted.
    pub(crate) fn fetch(
        &self,
        wanted: &[Place],
        read: &ReadOptions<'_>,
        mut each: impl FnMut(Place, &[u8]),
    ) -> io::Result<()> {
        let unreadable = read_at(&self.files, wanted, read, |place, _, record| each(place, record));
        match unreadable.into_iter().next() {
            Some(failed) => Err(io::Error::other(format!("{}: {}", failed.file, failed.reason))),
            None => Ok(()),
        }
    }

    /// Where in a record the references stand that point to given records.
    pub(crate) fn steps_to(&self, place: Place, record: &[u8], wanted: &BTreeSet<(u32, Place)>) -> Vec<Vec<Step>> {
        let Some(number) = self.lane_at(place) else { return Vec::new() };
        let Some(lane) = self.lanes.get(number) else { return Vec::new() };
        let mut extract = Extract::default();
        let reader = Reader { hasher: self.hasher, shape: &lane.shape };
        if reader.read(record, &mut extract).is_err() {
            return Vec::new();
        }
        let points_there = |found: &&super::extract::Found| {
            let to = found.key.and_then(|key| {
                let target = self.find(number, found.position, key)?.lane;
                self.lanes.get(target)?.table.place(key)
            });
            to.is_some_and(|to| wanted.contains(&(found.position, to)))
        };
        let found = extract.references.iter().filter(points_there);
        found
            .filter_map(|found| {
                let reference = self.reference(number, found.position)?;
                Some(steps(&reference.path, extract.indices(found.at)))
            })
            .collect()
    }
}

/// A path of the model as steps, with the indices of one record.
pub(super) fn steps(path: &str, indices: &[u32]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut indices = indices.iter();
    for segment in path.trim_start_matches('$').split('.').filter(|s| !s.is_empty()) {
        let name = segment.split('[').next().unwrap_or_default();
        steps.push(Step::Member(name.into()));
        for _ in 0..segment.matches("[*]").count() {
            steps.push(Step::Item(indices.next().map_or(usize::MAX, |i| *i as usize)));
        }
    }
    steps
}
