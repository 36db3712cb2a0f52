//! Keys and lines of many records of a folder, kept small until they are asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{FolderRecord, FolderStore, Shapes, UnreadableFolder};
use crate::graph::ResourceId;
use crate::records::check::Position;
use crate::records::extract::{Extract, Reader};
use crate::records::files::PayloadFile;
use crate::records::keys::{KeyForm, KeyValues};
use crate::records::read::{Unreadable, read_at};
use crate::records::single::key_values;
use crate::records::store::Place;
use crate::records::stored::{Descriptions, RecordOf, Whereabouts};

/// What was read of one record: a key as a map takes several times the room of its text.
pub(super) struct Packed {
    pub(super) place: Place,
    pub(super) line: u64,
    pub(super) key: Box<[u8]>,
}

/// Descriptions of some records.
pub(super) struct Described {
    /// The names of all files.
    pub(super) files: Vec<String>,
    /// Sorted by place.
    pub(super) read: Vec<Packed>,
    /// The place of each record; none of what is in no file.
    pub(super) places: Vec<Option<Place>>,
    /// The keys of those, by position.
    pub(super) outside: BTreeMap<usize, KeyValues>,
}

impl Described {
    fn packed(&self, record: usize) -> Option<&Packed> {
        let place = self.places.get(record).copied().flatten()?;
        let at = self.read.binary_search_by_key(&place, |packed| packed.place).ok()?;
        self.read.get(at)
    }

    /// The first record that was not where it had been.
    pub(super) fn missing(&self) -> Option<Place> {
        (0..self.places.len()).find(|record| self.at(*record).is_none()).and_then(|at| self.places.get(at).copied()?)
    }
}

impl Descriptions for Described {
    fn at(&self, record: usize) -> Option<Whereabouts> {
        if self.outside.contains_key(&record) {
            return Some(Whereabouts::Outside { not_in_folder: true });
        }
        let packed = self.packed(record)?;
        let file = self.files.get(packed.place.file()).cloned().unwrap_or_default();
        Some(Whereabouts::File(Position { file, line: packed.line }))
    }

    fn key(&self, record: usize) -> KeyValues {
        if let Some(key) = self.outside.get(&record) {
            return key.clone();
        }
        self.packed(record).and_then(|packed| serde_json::from_slice(&packed.key).ok()).unwrap_or_default()
    }
}

impl FolderStore<'_> {
    /// Reads the files that hold the records once more, up to the last of them.
    pub(super) fn described(&mut self, records: &[RecordOf<FolderRecord>]) -> Result<Described, UnreadableFolder> {
        records.iter().for_each(|record| self.prepare(record.resource));
        let mut places: Vec<Place> = records.iter().filter_map(|of| of.record.place).collect();
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
                        Some((Shapes { exact: shape, .. }, form))
                            if Reader { hasher: self.hasher, shape }.read(record, &mut extract).is_ok() =>
                        {
                            key_values(form, shape, &extract, record)
                        }
                        _ => KeyValues::new(),
                    };
                    let key = serde_json::to_vec(&key).unwrap_or_default().into();
                    described.push(Packed { place, line, key });
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
        let (mut read, mut failed) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.sort();
        if let Some(first) = failed.into_iter().next() {
            return Err(UnreadableFolder(first));
        }
        read.sort_unstable_by_key(|packed: &Packed| packed.place);
        let key = |of: &RecordOf<FolderRecord>| {
            let keys = self.outside.get(&of.resource).filter(|_| of.record.place.is_none())?;
            keys.get(&of.record.keys?).cloned()
        };
        let described = Described {
            files: files.iter().map(|file| file.name.clone()).collect(),
            read,
            places: records.iter().map(|of| of.record.place).collect(),
            outside: records.iter().enumerate().filter_map(|(number, of)| Some((number, key(of)?))).collect(),
        };
        match described.missing() {
            Some(place) => {
                let file = self.file_name(place).to_owned();
                Err(UnreadableFolder(Unreadable { file, reason: "it changed while it was read".to_owned() }))
            }
            None => Ok(described),
        }
    }
}
