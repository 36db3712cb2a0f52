//! A payload folder as a store of records, which reads as little of it as it can.

mod by_fields;
mod described;
mod in_part;
mod noticed;
mod search;

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

use self::by_fields::{by_fields, write_key};
use self::in_part::InPart;
use self::noticed::Noticed;
use self::search::Kept;
use super::extract::{Extract, Reader};
use super::files::Folder;
use super::json::{Flaw, Span, Token};
use super::keys::{Key, KeyForm, KeyHasher, KeyValues, form_of_values};
use super::read::{Numbered, ReadOptions, Unreadable, read_all};
use super::shape::{InNoCase, Shape};
use super::store::Place;
use super::stored::{Ask, Descriptions, Gap, GapCode, Matching, RecordOf, RecordStore, Referring, StoredRecord};
use super::wanted::{key_fields, typed};
use crate::graph::{DependencyGraph, ResourceId};

/// The records of a payload folder.
pub struct FolderStore<'f> {
    graph: &'f DependencyGraph,
    folder: &'f Folder,
    read: ReadOptions<'f>,
    hasher: KeyHasher,
    shapes: BTreeMap<ResourceId, Shapes>,
    /// References among the records of one resource, of those that are asked for again.
    kept: BTreeMap<ResourceId, Kept>,
    noticed: Noticed,
    in_part: InPart,
    /// Keys that were asked for and that no record has.
    outside: BTreeMap<ResourceId, HashMap<Keys, KeyValues>>,
}

/// How the records of a resource are read.
struct Shapes {
    exact: Shape,
    /// With the strings of keys in no case; none where no key has a string.
    folded: Option<InNoCase>,
}

impl Shapes {
    fn folded(&self) -> &Shape {
        self.folded.as_ref().map_or(&self.exact, |folded| &folded.shape)
    }
}

/// A record of a payload folder. Two with one natural key are the same: whoever sends the folder
/// creates one and updates it.
#[derive(Debug, Clone, Copy)]
pub struct FolderRecord {
    /// `None` where the record lacks a part of it, or the metadata does not tell all of it.
    keys: Option<Keys>,
    /// `None` where it is in no file.
    place: Option<Place>,
}

/// A natural key, and what it is where case does not matter, in the room of one: half of each. Of keys that
/// differ in case only there are few, for which 64 bits are plenty; others differ in both halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Keys {
    folded: u64,
    exact: NonZeroU64,
}

impl Keys {
    fn of(exact: Key, folded: Key) -> Self {
        Self { folded: folded.high, exact: NonZeroU64::new(exact.low).unwrap_or(NonZeroU64::MIN) }
    }
}

/// A folder with a file that cannot be read, so that nothing is known of the rest of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}. No plan is made of a part of a folder", .0.file, .0.reason)]
pub struct UnreadableFolder(pub Unreadable);

impl PartialEq for FolderRecord {
    fn eq(&self, other: &Self) -> bool {
        match (self.keys, other.keys) {
            (Some(own), Some(other)) => own == other,
            (None, None) => self.place == other.place,
            _ => false,
        }
    }
}

impl Eq for FolderRecord {}

impl Hash for FolderRecord {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.keys {
            Some(keys) => keys.exact.hash(state),
            None => self.place.hash(state),
        }
    }
}

/// What a thread reads records into.
#[derive(Default)]
struct Extracts {
    /// In no case.
    folded: Extract,
    exact: Extract,
}

/// A record that was read.
struct Passed<'p> {
    resource: ResourceId,
    place: Place,
    text: &'p [u8],
    hasher: KeyHasher,
    shapes: &'p Shapes,
    /// What it says in no case; exactly, where no key has a string.
    folded: &'p Extract,
    exact: &'p mut Extract,
}

impl Passed<'_> {
    /// What it says exactly, and its key. Most records are looked at in no case alone; only of those that
    /// are found so it is asked.
    fn exact(&mut self) -> (&Extract, RecordOf<FolderRecord>) {
        let text = self.text;
        let has_case = |value: Span| {
            let plain = |byte: &u8| byte.is_ascii() && !byte.is_ascii_uppercase();
            value.token == Token::Escaped || !value.of(text).iter().all(plain)
        };
        let exact: &Extract = match &self.shapes.folded {
            Some(InNoCase { strings: Some(strings), .. })
                if !strings.iter().any(|slot| has_case(self.folded.slot(*slot))) =>
            {
                self.folded
            }
            // What could be read in no case can be read.
            Some(_) => {
                let reader = Reader { hasher: self.hasher, shape: &self.shapes.exact };
                let read = reader.read(self.text, self.exact);
                debug_assert!(read.is_ok());
                self.exact
            }
            None => self.folded,
        };
        // Records of which a part of the key is unknown are each their own.
        let keys = exact.key.zip(self.folded.key).filter(|_| self.shapes.exact.key.is_whole());
        let keys = keys.map(|(exact, folded)| Keys::of(exact, folded));
        let record = FolderRecord { keys, place: Some(self.place) };
        (exact, RecordOf { resource: self.resource, record })
    }
}

impl<'f> FolderStore<'f> {
    /// A store over a folder. Nothing is read before it is asked for.
    #[must_use]
    pub fn new(graph: &'f DependencyGraph, folder: &'f Folder, read: &ReadOptions<'f>) -> Self {
        let (read, hasher) = (read.clone(), KeyHasher::random());
        Self {
            graph,
            folder,
            read,
            hasher,
            shapes: BTreeMap::new(),
            kept: BTreeMap::new(),
            noticed: Noticed::default(),
            in_part: InPart::default(),
            outside: BTreeMap::new(),
        }
    }

    /// A record that is in no file, by its whole natural key; `None` where the key leaves something out. What
    /// refers to it is found as of any other.
    pub fn outside(&mut self, resource: ResourceId, key: &KeyValues) -> Option<RecordOf<FolderRecord>> {
        let form = KeyForm::of(self.graph, resource);
        let fields = key_fields(self.graph, resource);
        if !form.is_whole() || !fields.iter().all(|(name, _)| key.contains_key(name)) {
            return None;
        }
        let exact = self.hasher.key(&form_of_values(&form, key)?);
        let folded = self.hasher.key(&form_of_values(&form.without_case(), key)?);
        let spelled = fields.iter().filter_map(|(name, kind)| Some((name.clone(), typed(*kind, key.get(name)?))));
        let keys = Keys::of(exact, folded);
        self.outside.entry(resource).or_default().insert(keys, spelled.collect());
        let record = FolderRecord { keys: Some(keys), place: None };
        Some(RecordOf { resource, record })
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
        self.shapes.entry(resource).or_insert_with(|| Shapes {
            exact: Shape::of(graph, resource),
            folded: Shape::of(graph, resource).without_case(),
        });
    }

    /// Reads every record of some resources and hands it to a worker.
    fn each<W: Send>(
        &self,
        files: &[Numbered<'_>],
        workers: impl Fn() -> W,
        each: impl Fn(&mut W, &mut Passed<'_>) + Sync,
    ) -> Result<(Vec<W>, Vec<Gap>), UnreadableFolder> {
        let make = |_| (Extracts::default(), workers(), BTreeMap::<Place, Flaw>::new());
        let workers = (0..self.read.threads.max(1)).map(make).collect();
        let (workers, unreadable) = read_all(files, &self.read, workers, |(extracts, worker, flaws), place, record| {
            let found = self.resource_at(place).and_then(|id| Some((id, self.shapes.get(&id)?)));
            let Some((resource, shapes)) = found else { return };
            let Extracts { folded, exact } = extracts;
            let reader = Reader { hasher: self.hasher, shape: shapes.folded() };
            match record.and_then(|record| reader.read(record, folded).map(|()| record)) {
                Ok(text) => {
                    let hasher = self.hasher;
                    each(worker, &mut Passed { resource, place, text, hasher, shapes, folded, exact });
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

    fn meet(&mut self, of: &RecordOf<FolderRecord>) {
        let whole = self.shapes.get(&of.resource).is_some_and(|shapes| shapes.exact.key.is_whole());
        if let Some(place) = of.record.place {
            self.noticed.meet(of.resource, of.record.keys, place, whole);
        }
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
}

/// What one thread found by key.
#[derive(Default)]
struct Matches {
    found: Vec<(usize, RecordOf<FolderRecord>)>,
    differing: Vec<Place>,
    form: Vec<u8>,
}

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
        let files = self.files(|id| id == resource);
        let (workers, mut gaps) = self.each(&files, Matches::default, |matches, passed| {
            for (fields, wanted) in &groups {
                let shape = passed.shapes.folded();
                if !write_key(shape, fields, passed.folded, passed.text, &mut matches.form) {
                    continue;
                }
                let Some(wanted) = wanted.get(matches.form.as_slice()) else { continue };
                let (shape, text, place) = (&passed.shapes.exact, passed.text, passed.place);
                let (exact, from) = passed.exact();
                write_key(shape, fields, exact, text, &mut matches.form);
                for (form, number) in wanted {
                    match *form == matches.form {
                        true => matches.found.push((*number, from)),
                        false => matches.differing.push(place),
                    }
                }
            }
        })?;
        gaps.extend(self.left_out(resource));
        let mut found = Vec::new();
        for matches in workers {
            found.extend(matches.found);
            for place in matches.differing {
                self.noticed.add(GapCode::DiffersInCase, resource, None, place);
            }
        }
        found.sort_unstable_by_key(|(number, of)| (of.record.place, *number));
        found.iter().for_each(|(_, of)| self.meet(of));
        Ok(Matching { found: found.into_iter().map(|(number, of)| (number, of.record)).collect(), gaps })
    }

    fn referring(
        &mut self,
        asks: &[Ask],
        targets: &[RecordOf<FolderRecord>],
    ) -> Result<Referring<FolderRecord>, UnreadableFolder> {
        self.find_referring(asks, targets)
    }

    fn describe(&mut self, records: &[RecordOf<FolderRecord>]) -> Result<Vec<StoredRecord>, UnreadableFolder> {
        let described = self.described(records)?;
        let stored = |(number, of): (usize, &RecordOf<FolderRecord>)| {
            let at = described.at(number)?;
            Some(StoredRecord { resource: of.resource, key: described.key(number), at })
        };
        Ok(records.iter().enumerate().filter_map(stored).collect())
    }

    fn descriptions(&mut self, records: &[RecordOf<FolderRecord>]) -> Result<Box<dyn Descriptions>, UnreadableFolder> {
        Ok(Box::new(self.described(records)?))
    }

    fn holds(&self, of: &RecordOf<FolderRecord>) -> bool {
        of.record.place.is_some()
    }

    fn noticed(&mut self) -> Result<Vec<Gap>, UnreadableFolder> {
        self.notice_in_part()?;
        let gap = |(code, id, position, count, first): (GapCode, ResourceId, Option<u32>, usize, Place)| {
            let references = &self.graph.resource(id).references;
            let path = position.and_then(|position| references.get(position as usize)).map(|r| r.path.as_str());
            let message = noticed::message(code, path, count, self.file_name(first));
            Gap { code, resource: self.graph.name(id).clone(), message, said: None }
        };
        Ok(self.noticed.all().map(gap).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Details, FieldKind, FieldType, KeyField, LazyDetails, Model, Reference, Resource, ResourceName, Target, Text,
    };
    use crate::records::{Namespaces, PayloadFile};

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
