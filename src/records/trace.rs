//! From one record to others: what it needs, and what refers to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::check::Position;
use super::extract::{Extract, Found, Reader};
use super::files::PayloadFile;
use super::json::{Flaw, Token};
use super::keys::{Key, KeyForm, KeyHasher, KeyValues, form_of_values, values_of};
use super::read::{Numbered, ReadOptions, Unreadable, read_all, read_at};
use super::scan::{Scan, targets};
use super::shape::Shape;
use super::store::Place;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Kind, ResourceName, Target, Text};

/// One reference of a record, or of a record that it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// How many records lead here; 0 for the payload itself.
    pub depth: usize,
    /// The resource of the record that refers.
    pub of: ResourceName,
    /// Where that record stands; none for the payload.
    pub at: Option<Position>,
    /// The path of the reference.
    pub path: Text,
    /// What it points to.
    pub target: Text,
    /// Whether it is required.
    pub required: bool,
    /// The key it holds; empty where it is incomplete. Of a descriptor, its `uri`.
    pub key: KeyValues,
    /// Whether a record of the folder supplies it.
    pub standing: Standing,
}

/// Whether a reference is supplied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// By this record.
    Supplied(Position),
    /// By none, although the folder has records of its kind, or the API that was asked shows them.
    Missing,
    /// No file could supply it.
    Assumed,
    /// The API that was asked has it.
    Present,
    /// The API that was asked does not tell.
    Unknown,
}

/// What must be there before a record that is missing can be created: the references that its resource
/// requires, in order of path, descriptors left out.
#[must_use]
pub fn required_first<'g>(graph: &'g DependencyGraph, need: &Need) -> Vec<&'g Target> {
    let above = graph.model().abstract_resource(&need.target);
    // Of an abstract resource nobody can tell which subclass is meant.
    let id = graph.ids().find(|&id| above.is_none() && graph.name(id).as_str() == need.target);
    let references = id.map(|id| graph.resource(id).references.as_slice()).unwrap_or_default();
    let is_record = |target: &Target| match target {
        Target::Resource(name) => graph.model().resource(name).is_some_and(|r| r.kind != Kind::Descriptor),
        Target::Abstract(_) => true,
        Target::Unresolved(_) => false,
    };
    let mut targets: Vec<&Target> =
        references.iter().filter(|r| r.required && is_record(&r.target)).map(|r| &r.target).collect();
    let mut seen = BTreeSet::new();
    targets.retain(|target| seen.insert((*target).clone()));
    targets
}

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

/// What a record needs, and what the records that supply it need in turn, each once. Without a folder
/// only its own references are listed. O(files) for each level.
///
/// # Errors
///
/// A payload that is no record.
pub fn needs(
    graph: &DependencyGraph,
    resource: ResourceId,
    payload: &[u8],
    scan: Option<&Scan<'_, '_>>,
    read: &ReadOptions<'_>,
) -> Result<Vec<Need>, Flaw> {
    let hasher = scan.map_or_else(KeyHasher::random, |scan| scan.hasher);
    let mut needs = Vec::new();
    let mut seen = BTreeSet::new();
    let shape = Shape::of(graph, resource);
    let mut open = one_record(graph, resource, &shape, hasher, payload, None, 0, scan, &mut needs)?;
    let Some(scan) = scan else { return Ok(needs) };
    let mut lines: BTreeMap<Place, u64> = BTreeMap::new();
    let mut depth = 1;
    while !open.is_empty() {
        open.sort_unstable();
        open.dedup();
        open.retain(|place| seen.insert(*place));
        let mut next = Vec::new();
        read_at(&scan.files, &open, read, |place, line, record| {
            lines.insert(place, line);
            let Some(lane) = scan.lane_at(place).and_then(|lane| scan.lanes.get(lane)) else { return };
            let more = one_record(
                graph,
                lane.resource,
                &lane.shape,
                hasher,
                record,
                Some(place),
                depth,
                Some(scan),
                &mut needs,
            );
            next.extend(more.unwrap_or_default());
        });
        open = next;
        depth += 1;
    }
    // Offsets stood in for lines until all lines were known.
    for need in &mut needs {
        let line = |place: &Position| {
            let file = scan.files.iter().position(|f| f.name == place.file).unwrap_or_default();
            let place = Place::new(u32::try_from(file).unwrap_or_default(), place.line);
            lines.get(&place).copied().unwrap_or_default()
        };
        if let Some(at) = &mut need.at {
            at.line = line(at);
        }
        if let Standing::Supplied(position) = &mut need.standing {
            position.line = line(position);
        }
    }
    Ok(needs)
}

/// The references of one record; the places of the records that supply them.
#[expect(clippy::too_many_arguments, reason = "one record with all it stands in")]
fn one_record(
    graph: &DependencyGraph,
    resource: ResourceId,
    shape: &Shape,
    hasher: KeyHasher,
    record: &[u8],
    at: Option<Place>,
    depth: usize,
    scan: Option<&Scan<'_, '_>>,
    needs: &mut Vec<Need>,
) -> Result<Vec<Place>, Flaw> {
    let mut extract = Extract::default();
    Reader { hasher, shape }.read(record, &mut extract)?;
    let mut supplying = Vec::new();
    let position =
        |scan: &Scan<'_, '_>, place: Place| Position { file: scan.file_name(place).to_owned(), line: place.offset() };
    for found in &extract.references {
        let Some(reference) = graph.resource(resource).references.get(found.position as usize) else { continue };
        let supplier = scan.and_then(|scan| Some((scan, supplier(scan, reference, found.key?)?)));
        let has_files =
            scan.is_some_and(|scan| targets(graph, reference).iter().any(|id| scan.lane_of_resource(*id).is_some()));
        let standing = match supplier {
            Some((scan, place)) => {
                supplying.push(place);
                Standing::Supplied(position(scan, place))
            }
            None if has_files => Standing::Missing,
            None => Standing::Assumed,
        };
        needs.push(Need {
            depth,
            of: graph.name(resource).clone(),
            at: scan.zip(at).map(|(scan, place)| position(scan, place)),
            path: reference.path.clone(),
            target: match &reference.target {
                Target::Resource(name) => name.as_str().into(),
                Target::Abstract(name) | Target::Unresolved(name) => name.clone(),
            },
            required: reference.required,
            key: key_values(graph, resource, reference, found, record),
            standing,
        });
    }
    Ok(supplying)
}

fn supplier(scan: &Scan<'_, '_>, reference: &crate::model::Reference, key: Key) -> Option<Place> {
    targets(scan.graph, reference).into_iter().find_map(|id| {
        let lane = scan.lane_of_resource(id)?;
        scan.lanes.get(lane)?.table.place(key)
    })
}

fn key_values(
    graph: &DependencyGraph,
    resource: ResourceId,
    reference: &crate::model::Reference,
    found: &Found,
    record: &[u8],
) -> KeyValues {
    if found.value.token != Token::Object {
        let uri = super::check::text_of(found.value, record);
        return KeyValues::from([("uri".into(), uri.into())]);
    }
    values_of(graph, resource, reference, found.value.of(record))
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
