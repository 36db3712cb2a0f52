//! What refers to changed records, directly or through others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::io;

use serde::Serialize;

use super::check::Position;
use super::extract::{Extract, Reader};
use super::files::PayloadFile;
use super::keys::{Key, KeyForm, KeyValues, form_of_values};
use super::read::{Numbered, ReadOptions, Unreadable, each_line, read_all, read_at};
use super::scan::{Scan, targets};
use super::shape::Shape;
use super::store::Place;
use crate::graph::{Group, ResourceId};
use crate::model::{Reference, ResourceName};

/// A record that refers to a changed one, directly or through others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Affected {
    /// How many references lead to a changed record; 1 for those that refer to it themselves.
    pub distance: usize,
    /// Its resource.
    pub resource: ResourceName,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// The same as a place of the folder.
    #[serde(skip)]
    pub(crate) place: Place,
}

/// Something in a file of changed records of which nobody can tell what refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutKey {
    /// The line it starts on, from 1.
    pub line: u64,
    /// Why, and the way out.
    pub message: &'static str,
}

/// What changed: keys by resource.
#[derive(Debug, Default)]
pub struct Changed {
    keys: BTreeMap<ResourceId, BTreeSet<Key>>,
}

impl Changed {
    /// Adds a key given by its fields; false where one is missing or of the wrong type.
    pub fn add(&mut self, scan: &Scan<'_, '_>, resource: ResourceId, values: &KeyValues) -> bool {
        let form = form_of_values(&KeyForm::of(scan.graph, resource), values);
        match form {
            Some(form) => {
                self.keys.entry(resource).or_default().insert(scan.hasher.key(&form));
                true
            }
            None => false,
        }
    }

    /// Adds the keys of all records of a file; what has none is handed back.
    ///
    /// # Errors
    ///
    /// A file that cannot be read to its end.
    pub fn add_file(
        &mut self,
        scan: &Scan<'_, '_>,
        resource: ResourceId,
        file: &PayloadFile,
        read: &ReadOptions<'_>,
    ) -> io::Result<Vec<WithoutKey>> {
        let shape = Shape::of(scan.graph, resource);
        let reader = Reader { hasher: scan.hasher, shape: &shape };
        let mut extract = Extract::default();
        let keys = self.keys.entry(resource).or_default();
        let mut without = Vec::new();
        each_line(file, read, |line, record| match record.and_then(|record| reader.read(record, &mut extract)) {
            Err(flaw) => without.push(WithoutKey { line, message: flaw.message() }),
            Ok(_) => match extract.key {
                Some(key) => _ = keys.insert(key),
                None => without.push(WithoutKey { line, message: "without a whole key; complete it" }),
            },
        })?;
        Ok(without)
    }

    /// How many records changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.values().map(BTreeSet::len).sum()
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A record of a folder that is found to be affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    distance: usize,
    from: Referrer,
}

/// A record of a folder that refers to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Referrer {
    place: Place,
    lane: usize,
    key: Option<Key>,
}

/// A reference that stays within a group of resources, kept for what is found later.
struct Kept {
    key: Key,
    position: u32,
    from: Referrer,
}

/// Where the key of a reference may be found among what was reached, and whether it is kept.
type Lead<'r> = (Vec<&'r HashMap<Key, usize>>, bool);

/// For each key that was reached, how many references lead to a changed record.
type Reached = BTreeMap<ResourceId, HashMap<Key, usize>>;

/// The records that refer to changed ones, directly or through others, nearest first.
///
/// Reads each file that can hold such records once, and those with one again for its line. Memory grows
/// with the number of affected records, and with the references among resources that refer to each other
/// in a circle, or to themselves. O(bytes + records log records).
#[must_use]
pub fn affected(scan: &Scan<'_, '_>, changed: &Changed, read: &ReadOptions<'_>) -> (Vec<Affected>, Vec<Unreadable>) {
    let here = |keys: &BTreeSet<Key>| keys.iter().map(|key| (*key, 0)).collect();
    let mut reached: Reached = changed.keys.iter().map(|(id, keys)| (*id, here(keys))).collect();
    let mut found: BTreeMap<Place, usize> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for group in scan.groups() {
        let (hits, kept, failed) = hits(scan, &group, &reached, read);
        spread(scan, hits, kept, &mut reached, &mut found);
        unreadable.extend(failed);
    }
    let places: Vec<Place> = found.keys().copied().collect();
    let mut records = Vec::with_capacity(places.len());
    unreadable.extend(read_at(&scan.files, &places, read, |place, line, _| {
        let (Some(lane), Some(&distance)) = (scan.lane_at(place), found.get(&place)) else { return };
        let position = Position { file: scan.file_name(place).to_owned(), line };
        records.push(Affected { distance, resource: scan.resource(lane).clone(), position, place });
    }));
    records.sort();
    unreadable.sort();
    unreadable.dedup();
    (records, unreadable)
}

/// The records of a group that refer to what was reached, and its references to itself.
fn hits(
    scan: &Scan<'_, '_>,
    group: &Group,
    reached: &Reached,
    read: &ReadOptions<'_>,
) -> (Vec<Hit>, Vec<Kept>, Vec<Unreadable>) {
    let within = |id: &ResourceId| scan.lane_of_resource(*id).is_some_and(|lane| group.steps.contains(&lane));
    let lead = |reference: &Reference| -> Lead<'_> {
        let targets = targets(scan.graph, reference);
        let known = targets.iter().filter_map(|id| reached.get(id)).collect();
        (known, group.circular && targets.iter().any(within))
    };
    let of_lane = |lane: &usize| {
        let resource = scan.lanes.get(*lane)?.resource;
        Some((*lane, scan.graph.resource(resource).references.iter().map(lead).collect()))
    };
    let leads: BTreeMap<usize, Vec<Lead<'_>>> = group.steps.iter().filter_map(of_lane).collect();
    if leads.values().flatten().all(|(known, _)| known.is_empty()) {
        return (Vec::new(), Vec::new(), Vec::new());
    }
    let files: Vec<Numbered<'_>> = (0..)
        .zip(&scan.files)
        .zip(&scan.lane_of)
        .take(scan.payloads)
        .filter(|(_, lane)| leads.contains_key(lane))
        .map(|((number, file), _)| (number, *file))
        .collect();
    let workers = (0..read.threads.max(1)).map(|_| (Extract::default(), Vec::new(), Vec::new())).collect();
    let (workers, failed) = read_all(&files, read, workers, |(extract, hits, kept), place, record| {
        let lane = scan.lane_at(place).and_then(|number| Some((number, scan.lanes.get(number)?, leads.get(&number)?)));
        let Some((number, lane, leads)) = lane else { return };
        let reader = Reader { hasher: scan.hasher, shape: &lane.shape };
        if record.and_then(|record| reader.read(record, extract)).is_err() {
            return;
        }
        let from = Referrer { place, lane: number, key: extract.key };
        let held = extract.references.iter();
        let held = held.filter_map(|found| Some((found.position, found.key?, leads.get(found.position as usize)?)));
        let mut nearest: Option<usize> = None;
        for (position, key, (known, keep)) in held {
            let distance = known.iter().filter_map(|keys| keys.get(&key)).min();
            nearest = nearest.into_iter().chain(distance.copied()).min();
            kept.extend(keep.then_some(Kept { key, position, from }));
        }
        hits.extend(nearest.map(|distance| Hit { distance: distance + 1, from }));
    });
    let (mut hits, mut kept) = (Vec::new(), Vec::new());
    for (_, of_worker, references) in workers {
        hits.extend(of_worker);
        kept.extend(references);
    }
    (hits, kept, failed)
}

/// Follows the references that were kept from the records that were hit, nearest first.
fn spread(
    scan: &Scan<'_, '_>,
    hits: Vec<Hit>,
    mut kept: Vec<Kept>,
    reached: &mut Reached,
    found: &mut BTreeMap<Place, usize>,
) {
    kept.sort_unstable_by_key(|kept| kept.key);
    let mut open: BinaryHeap<Reverse<Hit>> = hits.into_iter().map(Reverse).collect();
    while let Some(Reverse(Hit { distance, from })) = open.pop() {
        if found.contains_key(&from.place) {
            continue;
        }
        found.insert(from.place, distance);
        let (Some(key), Some(lane)) = (from.key, scan.lanes.get(from.lane)) else { continue };
        let keys = reached.entry(lane.resource).or_default();
        // Of what changed, and of records of one key, all that refers to it was found before.
        if keys.contains_key(&key) {
            continue;
        }
        keys.insert(key, distance);
        let first = kept.partition_point(|kept| kept.key < key);
        for kept in kept.iter().skip(first).take_while(|kept| kept.key == key) {
            let targets = scan.lanes.get(kept.from.lane).and_then(|lane| lane.targets.get(kept.position as usize));
            if targets.is_some_and(|targets| targets.contains(&from.lane)) {
                open.push(Reverse(Hit { distance: distance + 1, from: kept.from }));
            }
        }
    }
}
