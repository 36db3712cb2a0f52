//! A payload folder as a store of records, which reads as little of it as it can.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::check::Position;
use super::extract::{Extract, Reader};
use super::files::{Folder, PayloadFile};
use super::json::Flaw;
use super::keys::{Key, KeyForm, KeyHasher, KeyValues, form_of_field, write_field};
use super::read::{Numbered, ReadOptions, Unreadable, read_all, read_at};
use super::scan::targets;
use super::shape::{KeyPlan, Shape};
use super::single::key_values;
use super::store::Place;
use super::stored::{
    Ask, Gap, GapCode, Matching, RecordOf, RecordReference, RecordStore, Referring, StoredRecord, Whereabouts,
};
use super::value::canonical;
use super::wanted::key_fields;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{FieldKind, Target, Text};

/// The records of a payload folder.
pub struct FolderStore<'f> {
    graph: &'f DependencyGraph,
    folder: &'f Folder,
    read: ReadOptions<'f>,
    hasher: KeyHasher,
    shapes: BTreeMap<ResourceId, Shape>,
    /// References among the records of one resource, of those that are asked for again.
    kept: BTreeMap<ResourceId, Kept>,
}

/// A record of a payload folder. Two with one natural key are the same: whoever sends the folder
/// creates one and updates it.
#[derive(Debug, Clone, Copy)]
pub struct FolderRecord {
    /// `None` where the record lacks a part of it, or the metadata does not tell all of it.
    key: Option<Key>,
    place: Place,
}

/// A folder with a file that cannot be read, so that nothing is known of the rest of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}. No plan is made of a part of a folder", .0.file, .0.reason)]
pub struct UnreadableFolder(pub Unreadable);

/// References of one resource, by the key they hold, then position and place.
struct Kept(Vec<KeptReference>);

#[derive(Clone, Copy)]
struct KeptReference {
    key: Key,
    position: u32,
    from: FolderRecord,
}

/// The targets of a request, by resource and key.
type ByKey = BTreeMap<ResourceId, HashMap<Key, usize>>;

impl PartialEq for FolderRecord {
    fn eq(&self, other: &Self) -> bool {
        match (self.key, other.key) {
            (Some(own), Some(other)) => own == other,
            (None, None) => self.place == other.place,
            _ => false,
        }
    }
}

impl Eq for FolderRecord {}

impl Hash for FolderRecord {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.key {
            Some(key) => key.low.hash(state),
            None => self.place.hash(state),
        }
    }
}

impl<'f> FolderStore<'f> {
    /// A store over a folder. Nothing is read before it is asked for.
    #[must_use]
    pub fn new(graph: &'f DependencyGraph, folder: &'f Folder, read: &ReadOptions<'f>) -> Self {
        let (read, hasher) = (read.clone(), KeyHasher::random());
        Self { graph, folder, read, hasher, shapes: BTreeMap::new(), kept: BTreeMap::new() }
    }

    fn files(&self, wanted: impl Fn(ResourceId) -> bool) -> Vec<Numbered<'f>> {
        let files = (0..).zip(&self.folder.files).filter(|(_, (_, id))| wanted(*id));
        files.map(|(number, (file, _))| (number, file)).collect()
    }

    fn resource_at(&self, place: Place) -> Option<ResourceId> {
        self.folder.files.get(place.file()).map(|(_, id)| *id)
    }

    fn prepare(&mut self, resource: ResourceId) {
        let graph = self.graph;
        self.shapes.entry(resource).or_insert_with(|| Shape::of(graph, resource));
    }

    /// Reads every record of some resources; a worker is handed the record, what was read of it, and its text.
    fn each<W: Send>(
        &self,
        files: &[Numbered<'_>],
        workers: impl Fn() -> W,
        each: impl Fn(&mut W, RecordOf<FolderRecord>, &Extract, &[u8]) + Sync,
    ) -> Result<(Vec<W>, Vec<Gap>), UnreadableFolder> {
        let make = |_| (Extract::default(), workers(), BTreeMap::<Place, Flaw>::new());
        let workers = (0..self.read.threads.max(1)).map(make).collect();
        let (workers, unreadable) = read_all(files, &self.read, workers, |(extract, worker, flaws), place, record| {
            let found = self.resource_at(place).and_then(|id| Some((id, self.shapes.get(&id)?)));
            let Some((resource, shape)) = found else { return };
            let reader = Reader { hasher: self.hasher, shape };
            match record.and_then(|record| reader.read(record, extract).map(|()| record)) {
                Ok(record) => {
                    // Records of which a part of the key is unknown are each their own.
                    let key = extract.key.filter(|_| shape.key.is_whole());
                    each(worker, RecordOf { resource, record: FolderRecord { key, place } }, extract, record);
                }
                Err(flaw) => {
                    flaws.insert(place, flaw);
                }
            }
        });
        if let Some(first) = unreadable.into_iter().next() {
            return Err(UnreadableFolder(first));
        }
        let mut flaws: BTreeMap<Place, Flaw> = BTreeMap::new();
        let mut done = Vec::with_capacity(workers.len());
        for (_, worker, found) in workers {
            flaws.extend(found);
            done.push(worker);
        }
        Ok((done, self.not_records(&flaws)))
    }

    /// What is no record could be one that refers to a target.
    fn not_records(&self, flaws: &BTreeMap<Place, Flaw>) -> Vec<Gap> {
        let mut counts: BTreeMap<ResourceId, (usize, Place)> = BTreeMap::new();
        for place in flaws.keys() {
            if let Some(id) = self.resource_at(*place) {
                counts.entry(id).or_insert((0, *place)).0 += 1;
            }
        }
        let gap = |(id, (count, first)): (ResourceId, (usize, Place))| Gap {
            code: GapCode::NotRecords,
            resource: self.graph.name(id).clone(),
            message: format!(
                "{} no record, the first in {}; check tells the lines",
                if count == 1 { "1 entry is".to_owned() } else { format!("{count} entries are") },
                self.file_name(first),
            ),
            said: None,
        };
        counts.into_iter().map(gap).collect()
    }

    /// What is of no resource could be of this one, or refer to it.
    fn left_out(&self, resource: ResourceId) -> Option<Gap> {
        let first = self.folder.unmatched.first()?;
        let count = self.folder.unmatched.len();
        Some(Gap {
            code: GapCode::FilesLeftOut,
            resource: self.graph.name(resource).clone(),
            message: format!(
                "{} of no resource of the metadata, the first {}; records in there that refer to these are not in \
                 the plan",
                if count == 1 { "1 file is".to_owned() } else { format!("{count} files are") },
                first.file,
            ),
            said: None,
        })
    }

    fn file_name(&self, place: Place) -> &str {
        self.folder.files.get(place.file()).map_or("", |(file, _)| file.name.as_str())
    }

    /// References whose key cannot be read, because no document tells the key of what they point to, or
    /// only a part of it, which several records may have.
    fn unreadable_references(&self, ask: &Ask) -> Vec<Gap> {
        let references = &self.graph.resource(ask.resource).references;
        let unknown = ask.references.iter().filter_map(|position| references.get(*position as usize)).filter(|r| {
            let is_descriptor = matches!(&r.target, Target::Resource(name)
                if self.graph.id(name).is_some_and(|id| KeyForm::of(self.graph, id) == KeyForm::Descriptor));
            !is_descriptor && !KeyForm::of_target(self.graph, r).is_whole()
        });
        let gap = |reference: &crate::model::Reference| Gap {
            code: GapCode::KeyUnknown,
            resource: self.graph.name(ask.resource).clone(),
            message: format!(
                "{} cannot be followed: the metadata does not tell the key of what it refers to",
                reference.path
            ),
            said: None,
        };
        unknown.map(gap).collect()
    }

    /// The records of a resource that refer to targets, from what was kept.
    fn look_up(&self, ask: &Ask, kept: &Kept, by_key: &ByKey, found: &mut Vec<RecordReference<FolderRecord>>) {
        let references = &self.graph.resource(ask.resource).references;
        for &position in &ask.again {
            let Some(reference) = references.get(position as usize) else { continue };
            for keys in targets(self.graph, reference).iter().filter_map(|id| by_key.get(id)) {
                for (&key, &target) in keys {
                    let first = kept.0.partition_point(|r| (r.key, r.position) < (key, position));
                    let all = kept.0.iter().skip(first).take_while(|r| (r.key, r.position) == (key, position));
                    let from = |from| RecordOf { resource: ask.resource, record: from };
                    found.extend(all.map(|r| RecordReference { from: from(r.from), position, target }));
                }
            }
        }
    }
}

/// What one thread found of references.
#[derive(Default)]
struct Hits {
    found: Vec<RecordReference<FolderRecord>>,
    kept: BTreeMap<ResourceId, Vec<KeptReference>>,
}

/// What is looked for in one resource: for each of its references where the key may be found, and
/// whether it is kept.
type Leads<'k> = BTreeMap<ResourceId, Vec<(Vec<&'k HashMap<Key, usize>>, bool)>>;

impl RecordStore for FolderStore<'_> {
    type Record = FolderRecord;
    type Error = UnreadableFolder;

    /// Reads the files of the resource once, whatever the number of keys. Files of no resource are a gap:
    /// told here, once for a resource that is asked for, and not for every one that could refer to it.
    fn matching(
        &mut self,
        resource: ResourceId,
        keys: &[KeyValues],
    ) -> Result<Matching<FolderRecord>, UnreadableFolder> {
        self.prepare(resource);
        let fields = key_fields(self.graph, resource);
        let groups = by_fields(&fields, keys);
        let Some(shape) = self.shapes.get(&resource) else {
            return Ok(Matching { found: Vec::new(), gaps: self.left_out(resource).into_iter().collect() });
        };
        let files = self.files(|id| id == resource);
        let workers = || (Vec::new(), Vec::new());
        let (workers, mut gaps) = self.each(&files, workers, |(found, form), from, extract, text| {
            for (fields, numbers) in &groups {
                form.clear();
                let complete = fields.iter().all(|field| write_key_field(shape, *field, extract, text, form));
                if let Some(numbers) = numbers.get(form.as_slice()).filter(|_| complete) {
                    found.extend(numbers.iter().map(|number| (*number, from.record)));
                }
            }
        })?;
        gaps.extend(self.left_out(resource));
        let mut found: Vec<(usize, FolderRecord)> = workers.into_iter().flat_map(|(found, _)| found).collect();
        found.sort_unstable_by_key(|(number, record)| (record.place, *number));
        Ok(Matching { found, gaps })
    }

    /// Reads the files of the asked resources once; those that are asked again are answered from memory.
    fn referring(
        &mut self,
        asks: &[Ask],
        targets_of: &[RecordOf<FolderRecord>],
    ) -> Result<Referring<FolderRecord>, UnreadableFolder> {
        let mut by_key = ByKey::new();
        for (number, target) in targets_of.iter().enumerate() {
            // What has no key cannot be referred to.
            if let Some(key) = target.record.key {
                by_key.entry(target.resource).or_default().insert(key, number);
            }
        }
        asks.iter().for_each(|ask| self.prepare(ask.resource));
        let mut found = Vec::new();
        let (old, new): (Vec<&Ask>, Vec<&Ask>) = asks.iter().partition(|ask| self.kept.contains_key(&ask.resource));
        for ask in old {
            if let Some(kept) = self.kept.get(&ask.resource) {
                self.look_up(ask, kept, &by_key, &mut found);
            }
        }
        let mut gaps: Vec<Gap> = new.iter().flat_map(|ask| self.unreadable_references(ask)).collect();
        let leads: Leads<'_> = new.iter().map(|ask| (ask.resource, leads(self.graph, ask, &by_key))).collect();
        let files = self.files(|id| leads.contains_key(&id));
        let (workers, flawed) = self.each(&files, Hits::default, |hits, from, extract, _| {
            let Some(leads) = leads.get(&from.resource) else { return };
            for reference in &extract.references {
                let (Some(key), Some((keys, kept))) = (reference.key, leads.get(reference.position as usize)) else {
                    continue;
                };
                let position = reference.position;
                for &target in keys.iter().filter_map(|keys| keys.get(&key)) {
                    hits.found.push(RecordReference { from, position, target });
                }
                if *kept {
                    let kept = hits.kept.entry(from.resource).or_default();
                    kept.push(KeptReference { key, position, from: from.record });
                }
            }
        })?;
        gaps.extend(flawed);
        for ask in new.iter().filter(|ask| !ask.again.is_empty()) {
            self.kept.insert(ask.resource, Kept(Vec::new()));
        }
        for hits in workers {
            found.extend(hits.found);
            for (resource, references) in hits.kept {
                if let Some(kept) = self.kept.get_mut(&resource) {
                    kept.0.extend(references);
                }
            }
        }
        for ask in &new {
            if let Some(kept) = self.kept.get_mut(&ask.resource) {
                kept.0.sort_unstable_by_key(|r| (r.key, r.position, r.from.place));
            }
        }
        found.sort_unstable_by_key(|r| (r.from.record.place, r.position, r.target));
        found.dedup();
        Ok(Referring { references: found, gaps })
    }

    /// Reads the files that hold the records once more, up to the last of them.
    fn describe(&mut self, records: &[RecordOf<FolderRecord>]) -> Result<Vec<StoredRecord>, UnreadableFolder> {
        records.iter().for_each(|record| self.prepare(record.resource));
        let mut places: Vec<Place> = records.iter().map(|r| r.record.place).collect();
        places.sort_unstable();
        places.dedup();
        let files: Vec<&PayloadFile> = self.folder.files.iter().map(|(file, _)| file).collect();
        let of_files: Vec<&[Place]> = places.chunk_by(|a, b| a.file() == b.file()).collect();
        let forms: BTreeMap<ResourceId, KeyForm> =
            self.shapes.keys().map(|id| (*id, KeyForm::of(self.graph, *id))).collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new((Vec::new(), Vec::new())));
        let work = || {
            let mut extract = Extract::default();
            while let Some(of_file) = of_files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut described = Vec::with_capacity(of_file.len());
                let failed = read_at(&files, of_file, &self.read, |place, line, record| {
                    let shape = self.resource_at(place).and_then(|id| Some((self.shapes.get(&id)?, forms.get(&id)?)));
                    let key = match shape {
                        Some((shape, form))
                            if Reader { hasher: self.hasher, shape }.read(record, &mut extract).is_ok() =>
                        {
                            key_values(form, shape, &extract, record)
                        }
                        _ => KeyValues::new(),
                    };
                    described.push((place, line, key));
                });
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.0.extend(described);
                done.1.extend(failed);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.read.threads.min(of_files.len()) {
                scope.spawn(work);
            }
            work();
        });
        let (mut described, mut failed) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.sort();
        if let Some(first) = failed.into_iter().next() {
            return Err(UnreadableFolder(first));
        }
        described.sort_unstable_by_key(|(place, ..)| *place);
        let stored = |record: &RecordOf<FolderRecord>| {
            let place = record.record.place;
            let at = described.binary_search_by_key(&place, |(place, ..)| *place).ok();
            let (line, key) = at.and_then(|at| described.get(at)).map(|(_, line, key)| (*line, key.clone()))?;
            let at = Whereabouts::File(Position { file: self.file_name(place).to_owned(), line });
            Some(StoredRecord { resource: record.resource, key, at })
        };
        let changed = |record: &RecordOf<FolderRecord>| {
            let file = self.file_name(record.record.place).to_owned();
            UnreadableFolder(Unreadable { file, reason: "it changed while it was read".to_owned() })
        };
        records.iter().map(|record| stored(record).ok_or_else(|| changed(record))).collect()
    }
}

/// Keys by which of the fields they give, then by their values; the numbers of those with these values.
type ByFields = Vec<(Vec<usize>, HashMap<Vec<u8>, Vec<usize>>)>;

fn by_fields(fields: &[(Text, FieldKind)], keys: &[KeyValues]) -> ByFields {
    let mut groups: BTreeMap<Vec<usize>, HashMap<Vec<u8>, Vec<usize>>> = BTreeMap::new();
    for (number, key) in keys.iter().enumerate() {
        let given = fields.iter().enumerate().filter_map(|(at, (name, kind))| Some((at, kind, key.get(name)?)));
        let (mut ats, mut form) = (Vec::new(), Some(Vec::new()));
        for (at, kind, value) in given {
            ats.push(at);
            form = form.zip(form_of_field(*kind, value)).map(|(form, field)| [form, field].concat());
        }
        if let Some(form) = form.filter(|_| ats.len() == key.len()) {
            groups.entry(ats).or_default().entry(form).or_default().push(number);
        }
    }
    groups.into_iter().collect()
}

/// Writes one field of the key of a record as [`form_of_field`] does; false where it has none.
fn write_key_field(shape: &Shape, field: usize, extract: &Extract, record: &[u8], form: &mut Vec<u8>) -> bool {
    let (kind, slots): (FieldKind, Vec<u32>) = match &shape.key {
        KeyPlan::Unknown => return false,
        KeyPlan::Descriptor { namespace, code } => {
            (FieldKind::Descriptor, [*code, *namespace].get(field).copied().into_iter().collect())
        }
        KeyPlan::Fields { fields, .. } => match fields.get(field) {
            Some(plan) => (plan.kind, plan.from.iter().map(|(slot, _)| *slot).collect()),
            None => return false,
        },
    };
    let value = slots.into_iter().map(|slot| extract.slot(slot)).find(|value| value.is_present());
    value.is_some_and(|value| write_field(form, |form| canonical(kind, value, record, form)))
}

/// For each reference of the asked resource where its key may be found, and whether it is kept.
fn leads<'k>(graph: &DependencyGraph, ask: &Ask, by_key: &'k ByKey) -> Vec<(Vec<&'k HashMap<Key, usize>>, bool)> {
    let references = (0_u32..).zip(&graph.resource(ask.resource).references);
    let lead = |(position, reference)| {
        let asked = ask.references.binary_search(&position).is_ok();
        let keys = if asked { targets(graph, reference) } else { Vec::new() };
        (keys.iter().filter_map(|id| by_key.get(id)).collect(), ask.again.contains(&position))
    };
    references.map(lead).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Details, FieldType, KeyField, LazyDetails, Model, Reference, Resource, ResourceName};
    use crate::records::Namespaces;

    /// Things of whose key the metadata tells one field of two, and others that refer to them.
    fn graph() -> DependencyGraph {
        let kind = |kind| FieldType { kind, ..FieldType::default() };
        let field = |name: &str, paths: &[&str]| KeyField {
            name: name.into(),
            kind: kind(FieldKind::Integer),
            paths: paths.iter().map(|path| Text::from(*path)).collect(),
        };
        let (things, others) = (ResourceName::new("ed-fi", "things"), ResourceName::new("ed-fi", "others"));
        let resource = |name: &ResourceName, entity: &str, references| Resource {
            name: name.clone(),
            entity: entity.into(),
            kind: crate::model::Kind::Resource,
            superclass: None,
            references,
            domains: Vec::new(),
            stated: Vec::new(),
        };
        let reference = Reference {
            path: "$.thingReference".into(),
            target: Target::Resource(things.clone()),
            required: true,
            identifying: false,
            alternatives: Vec::new(),
        };
        let resources = vec![resource(&others, "Other", vec![reference]), resource(&things, "Thing", Vec::new())];
        let key = |key| Details { key, ..Details::default() };
        let details = LazyDetails::from(BTreeMap::from([
            (others, key(vec![field("o", &["$.o"])])),
            (things, key(vec![field("a", &["$.a"]), field("b", &[])])),
        ]));
        DependencyGraph::build(Model { resources, details, ..Model::default() }).unwrap()
    }

    #[test]
    fn records_of_which_a_part_of_the_key_is_known_are_not_the_same() {
        let graph = graph();
        let file = |name: &str, text: &str| PayloadFile::from_bytes(name, text.as_bytes());
        let files = vec![
            file("things.jsonl", "{\"a\": 1, \"x\": 1}\n{\"a\": 1, \"x\": 2}\n"),
            file("others.jsonl", "{\"o\": 1, \"thingReference\": {\"a\": 1, \"b\": 2}}\n"),
        ];
        let folder = Folder::assign(&graph, files, &Namespaces::default());
        let mut store = FolderStore::new(&graph, &folder, &ReadOptions::default());
        let [others, things] = ["others", "things"].map(|name| graph.find_all(name).unwrap()[0]);
        let found = store.matching(things, &[KeyValues::from([("a".into(), 1.into())])]).unwrap();
        assert_eq!((found.found.len(), found.gaps.len()), (2, 0));
        let targets: Vec<_> =
            found.found.iter().map(|(_, record)| RecordOf { resource: things, record: *record }).collect();
        assert_ne!(targets[0], targets[1]);
        // Either could be meant by the reference: neither is said to be, and that it cannot be told is.
        let ask = Ask { resource: others, references: vec![0], again: Vec::new() };
        let referring = store.referring(&[ask], &targets).unwrap();
        assert_eq!(referring.references, []);
        assert_eq!(referring.gaps.iter().map(|gap| gap.code).collect::<Vec<_>>(), [GapCode::KeyUnknown]);
    }
}
