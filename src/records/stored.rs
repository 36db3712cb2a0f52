//! What holds records: asked which ones have a key, and which ones refer to them.
//!
//! A folder of payloads is one such store ([`FolderStore`](super::FolderStore)), a live API another; a
//! delete is planned from either by the same questions. Records are the same when their natural keys
//! are equal in the form of [`keys`](super::keys), however they are spelled.

use std::fmt;
use std::hash::Hash;

use serde::{Deserialize, Serialize, Serializer};

use super::check::Position;
use super::keys::KeyValues;
use crate::graph::ResourceId;
use crate::model::{ResourceName, Text};

/// A store of records, which is only ever read.
pub trait RecordStore {
    /// A record, as cheap to keep as the store can make it; equal ones are one record.
    type Record: Clone + Eq + Hash;
    /// Why the store could not answer at all. What only narrows an answer is a [`Gap`].
    type Error: std::error::Error + Send + Sync + 'static;

    /// The records of a resource whose natural key has the values of one of `keys`; a key may leave
    /// fields out. The keys passed [`check_key`](super::check_key).
    ///
    /// # Errors
    ///
    /// A store that cannot answer.
    fn matching(&mut self, resource: ResourceId, keys: &[KeyValues]) -> Result<Matching<Self::Record>, Self::Error>;

    /// All references from records of the asked resources to the targets. A record that refers to
    /// several, or by several paths, is given once for each. The order is the store's, but the same
    /// whenever it is asked the same: a plan takes records in the order in which it meets them.
    ///
    /// # Errors
    ///
    /// A store that cannot answer.
    fn referring(
        &mut self,
        asks: &[Ask],
        targets: &[RecordOf<Self::Record>],
    ) -> Result<Referring<Self::Record>, Self::Error>;

    /// Natural keys and whereabouts of records, one for each, in their order.
    ///
    /// # Errors
    ///
    /// A store that cannot answer, or a record that is no longer what it was.
    fn describe(&mut self, records: &[RecordOf<Self::Record>]) -> Result<Vec<StoredRecord>, Self::Error>;

    /// As [`RecordStore::describe`], for so many records that their descriptions are better made one by one,
    /// when they are asked for.
    ///
    /// # Errors
    ///
    /// A store that cannot answer, or a record that is no longer what it was.
    fn descriptions(&mut self, records: &[RecordOf<Self::Record>]) -> Result<Box<dyn Descriptions>, Self::Error> {
        Ok(Box::new(self.describe(records)?))
    }

    /// Whether the store holds the record itself. A target that it does not hold, and that nothing in it
    /// refers to, is none.
    fn holds(&self, _record: &RecordOf<Self::Record>) -> bool {
        true
    }

    /// What was odd about the records that were met so far; asked for once, when all are.
    ///
    /// # Errors
    ///
    /// A store that cannot answer.
    fn noticed(&mut self) -> Result<Vec<Gap>, Self::Error> {
        Ok(Vec::new())
    }
}

/// Descriptions of records, by their position among those that were asked for.
pub trait Descriptions: Send {
    /// Where the record is.
    fn at(&self, record: usize) -> Option<Whereabouts>;

    /// Its natural key by the names of its own fields.
    fn key(&self, record: usize) -> KeyValues;
}

impl Descriptions for Vec<StoredRecord> {
    fn at(&self, record: usize) -> Option<Whereabouts> {
        self.get(record).map(|stored| stored.at.clone())
    }

    fn key(&self, record: usize) -> KeyValues {
        self.get(record).map(|stored| stored.key.clone()).unwrap_or_default()
    }
}

/// A record and its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordOf<R> {
    /// Its resource, never an abstract one.
    pub resource: ResourceId,
    /// The record.
    pub record: R,
}

/// Records found by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching<R> {
    /// The number of the key and a record that has it.
    pub found: Vec<(usize, R)>,
    /// What could not be searched.
    pub gaps: Vec<Gap>,
}

/// One resource whose records are searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The resource that may refer to the targets.
    pub resource: ResourceId,
    /// Positions, among the references of the resource, of those that can lead to a target. Sorted.
    pub references: Vec<u32>,
    /// Those of them that will be asked for again, with what was found as targets, because records of
    /// the resource refer to each other. A store that reads whole files can keep what it passes.
    pub again: Vec<u32>,
}

/// What refers to the targets, as far as it could be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referring<R> {
    /// Every reference.
    pub references: Vec<RecordReference<R>>,
    /// What could not be searched.
    pub gaps: Vec<Gap>,
}

/// A reference from one record to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordReference<R> {
    /// What refers.
    pub from: RecordOf<R>,
    /// The position of the reference among those of its resource.
    pub position: u32,
    /// The number of the target.
    pub target: usize,
    /// The items of collections that it stands in, outermost first; none where the store does not tell.
    pub items: Vec<ItemOf>,
}

/// An item of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemOf {
    /// Its place, from 0.
    pub item: u32,
    /// How many the collection has.
    pub of: u32,
}

/// Something that a store could not search, so that records may be missing from its answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// What it is.
    pub code: GapCode,
    /// Whose records may be missing.
    pub resource: ResourceName,
    /// What was not searched and why, in a sentence for people.
    pub message: String,
    /// What a server said to it, which may quote the key of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// What a gap is about. Names are stable, and no other warning has one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapCode {
    /// A record or a list was written while it was read.
    ChangedWhilePlanning,
    /// Keys that differ from those looked for in case only: on SQL Server they are the same.
    DiffersInCase,
    /// Several records with one natural key.
    DuplicateKeys,
    /// Payload files that are of no resource of the metadata.
    FilesLeftOut,
    /// Records without a part of their natural key, and references without a part of the key they hold.
    KeyIncomplete,
    /// The metadata does not tell the key of what a reference points to.
    KeyUnknown,
    /// Targets of which the folder has no record.
    NotInFolder,
    /// Entries of a file that are no records.
    NotRecords,
    /// A resource that the API does not serve.
    NotServed,
    /// Keys or references that no query parameter finds, in a resource too large to read whole.
    UnqueryableReferences,
    /// A record of an API that cannot be read, or lacks part of its key.
    UnreadableRecord,
    /// A resource that the client may not read.
    UnreadableResources,
}

impl GapCode {
    /// Every code.
    pub const ALL: [Self; 12] = [
        Self::ChangedWhilePlanning,
        Self::DiffersInCase,
        Self::DuplicateKeys,
        Self::FilesLeftOut,
        Self::KeyIncomplete,
        Self::KeyUnknown,
        Self::NotInFolder,
        Self::NotRecords,
        Self::NotServed,
        Self::UnqueryableReferences,
        Self::UnreadableRecord,
        Self::UnreadableResources,
    ];

    /// `key-unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangedWhilePlanning => "changed-while-planning",
            Self::DiffersInCase => "differs-in-case",
            Self::DuplicateKeys => "duplicate-keys",
            Self::FilesLeftOut => "files-left-out",
            Self::KeyIncomplete => "key-incomplete",
            Self::KeyUnknown => "key-unknown",
            Self::NotInFolder => "not-in-folder",
            Self::NotRecords => "not-records",
            Self::NotServed => "not-served",
            Self::UnqueryableReferences => "unqueryable-references",
            Self::UnreadableRecord => "unreadable-record",
            Self::UnreadableResources => "unreadable-resources",
        }
    }

    /// Whether records may be missing because of it. What an API does not serve has no records in it, as
    /// far as anybody can tell; records of one key are one record, and a target that is not in the folder
    /// is in the plan all the same.
    #[must_use]
    pub fn leaves_open(self) -> bool {
        !matches!(self, Self::DuplicateKeys | Self::NotInFolder | Self::NotServed)
    }
}

impl fmt::Display for GapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for GapCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A record, described.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecord {
    /// Its resource.
    pub resource: ResourceId,
    /// Its natural key by the names of its own fields, as it spells it; what it lacks is left out.
    pub key: KeyValues,
    /// Where it is.
    pub at: Whereabouts,
}

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Whereabouts {
    /// In a payload file.
    File(Position),
    /// On a server.
    Server {
        /// Its id there.
        id: Text,
        /// The version that was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        etag: Option<Text>,
    },
    /// In no file of the folder.
    Outside {
        /// True.
        #[serde(rename = "notInFolder")]
        not_in_folder: bool,
    },
}

/// What a look at one record of a server by its id shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is there, in this version; none where the server keeps none.
    There(Option<Text>),
    /// There is none of that id.
    Gone,
    /// The client may not see it, whether it is there or not.
    Forbidden,
    /// The server does not take the question.
    NotTold,
}

/// Whether a text is one segment of a URL and means nothing to a shell, as ids of records are: hexadecimal
/// digits, and UUIDs.
pub(crate) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= 100
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
