//! What refers to changed records, directly or through others.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::check::Position;
use super::extract::{Extract, Found, Reader};
use super::files::PayloadFile;
use super::keys::{Key, KeyForm, KeyValues, form_of_values};
use super::read::{Numbered, ReadOptions, Unreadable, read_all, read_at};
use super::scan::{Scan, targets};
use super::shape::Shape;
use super::store::Place;
use crate::graph::ResourceId;
use crate::model::ResourceName;

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

    /// Adds the keys of all records of a file.
    pub fn add_file(
        &mut self,
        scan: &Scan<'_, '_>,
        resource: ResourceId,
        file: &PayloadFile,
        read: &ReadOptions<'_>,
    ) -> Vec<Unreadable> {
        let shape = Shape::of(scan.graph, resource);
        let reader = Reader { hasher: scan.hasher, shape: &shape };
        let workers = vec![(Extract::default(), Vec::new())];
        let (workers, unreadable) = read_all(&[(0, file)], read, workers, |(extract, keys), _, record| {
            if record.and_then(|record| reader.read(record, extract)).is_ok() {
                keys.extend(extract.key);
            }
        });
        self.keys.entry(resource).or_default().extend(workers.into_iter().flat_map(|(_, keys)| keys));
        unreadable
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

/// The records that refer to changed ones, directly or through others, nearest first. Reads the folder
/// once for each step of distance; memory grows with the number of affected records.
#[must_use]
pub fn affected(scan: &Scan<'_, '_>, changed: &Changed, read: &ReadOptions<'_>) -> (Vec<Affected>, Vec<Unreadable>) {
    let graph = scan.graph;
    let mut known: BTreeMap<ResourceId, BTreeSet<Key>> = changed.keys.clone();
    let mut edge: BTreeMap<ResourceId, BTreeSet<Key>> = changed.keys.clone();
    let mut found: BTreeMap<Place, usize> = BTreeMap::new();
    let mut unreadable = Vec::new();
    let mut distance = 0;
    while !edge.is_empty() {
        distance += 1;
        // For each lane, the references that could lead to what was reached last.
        let leading: Vec<Vec<Vec<ResourceId>>> = scan
            .lanes
            .iter()
            .map(|lane| {
                let references = &graph.resource(lane.resource).references;
                references
                    .iter()
                    .map(|r| targets(graph, r).into_iter().filter(|id| edge.contains_key(id)).collect())
                    .collect()
            })
            .collect();
        let concerned = |file: usize| {
            let lane = scan.lane_of.get(file).and_then(|lane| leading.get(*lane));
            lane.is_some_and(|references| references.iter().any(|targets| !targets.is_empty()))
        };
        let files: Vec<Numbered<'_>> = (0..)
            .zip(&scan.files)
            .take(scan.payloads)
            .filter(|(number, _)| concerned(*number as usize))
            .map(|(number, file)| (number, *file))
            .collect();
        let workers = (0..read.threads.max(1)).map(|_| (Extract::default(), Vec::new())).collect();
        let (workers, failed) = read_all(&files, read, workers, |(extract, hits), place, record| {
            let Some((number, lane)) = scan.lane_at(place).and_then(|n| Some((n, scan.lanes.get(n)?))) else { return };
            let reader = Reader { hasher: scan.hasher, shape: &lane.shape };
            if record.and_then(|record| reader.read(record, extract)).is_err() {
                return;
            }
            let leads = |found: &Found| {
                let targets = leading.get(number).and_then(|references| references.get(found.position as usize));
                let reached =
                    |id: &ResourceId| found.key.is_some_and(|key| edge.get(id).is_some_and(|k| k.contains(&key)));
                targets.is_some_and(|targets| targets.iter().any(reached))
            };
            if extract.references.iter().any(leads) {
                hits.push((place, lane.resource, extract.key));
            }
        });
        unreadable.extend(failed);
        let mut next: BTreeMap<ResourceId, BTreeSet<Key>> = BTreeMap::new();
        for (place, resource, key) in workers.into_iter().flat_map(|(_, hits)| hits) {
            found.entry(place).or_insert(distance);
            if let Some(key) = key
                && known.entry(resource).or_default().insert(key)
            {
                next.entry(resource).or_default().insert(key);
            }
        }
        edge = next;
    }
    let places: Vec<Place> = found.keys().copied().collect();
    let mut records = Vec::with_capacity(places.len());
    unreadable.extend(read_at(&scan.files, &places, read, |place, line, _| {
        let (Some(lane), Some(&distance)) = (scan.lane_at(place), found.get(&place)) else { return };
        let position = Position { file: scan.file_name(place).to_owned(), line };
        records.push(Affected { distance, resource: scan.resource(lane).clone(), position });
    }));
    records.sort();
    unreadable.sort();
    unreadable.dedup();
    (records, unreadable)
}
