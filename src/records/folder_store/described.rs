//! Keys and lines of many records of a folder, kept small until they are asked for.

use std::collections::BTreeMap;

use crate::records::check::Position;
use crate::records::keys::KeyValues;
use crate::records::store::Place;
use crate::records::stored::{Descriptions, Whereabouts};

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
