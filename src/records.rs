//! Folders of payload files: which records there are, what they refer to, and what would be refused.
//!
//! ```text
//! files → Folder (file → resource) → Scan (one pass: keys, references, flaws) → CheckReport
//! ```
//!
//! Everything works on streams and keeps one entry a distinct key, whatever the size of the files.

mod check;
mod checklist;
mod contained;
mod cut;
mod extract;
mod files;
mod folder_store;
mod groups;
mod habits;
mod json;
mod key_file;
mod keys;
mod lookup;
mod need;
mod pathway;
mod question;
mod read;
mod reread;
mod scan;
mod shape;
mod single;
mod sizes;
mod split;
mod stencil;
mod store;
mod stored;
mod told;
mod trace;
mod unread;
mod value;
mod wanted;

pub use check::{
    Assumed, CheckOptions, CheckReport, Conflict, Counts, DescriptorFinding, DuplicateFinding, InvalidRecord, Located,
    MissingField, MissingTarget, Position, SharedIdentity, UnresolvedReference, WithoutPathway, check,
};
pub use checklist::{Checklist, Following};
pub(crate) use cut::cut;
pub use files::{Folder, Namespaces, Open, PayloadFile, Unmatched, is_payload_name};
pub use folder_store::{FolderRecord, FolderStore, UnreadableFolder};
pub use json::Flaw;
pub use key_file::{KeyFileError, NamedKey, read_keys};
pub use keys::KeyValues;
pub(crate) use keys::{Key, KeyForm, KeyHasher, form_of_values, members};
pub use need::{NamedRecord, Need, Standing, Unknown};
pub use read::{ReadOptions, Unreadable, each_line};
pub(crate) use read::{each_record, read_at};
pub use scan::{Scan, Use, scan};
pub use stored::{
    Ask, Descriptions, Gap, GapCode, ItemOf, Matching, RecordOf, RecordReference, RecordStore, Referring, Seen,
    StoredRecord, Whereabouts,
};
pub use trace::{Affected, Changed, WithoutKey, affected};
pub use wanted::{KeyError, check_key, key_fields, wanted_keys};

pub(crate) use question::{HeldValue, values_of_key, values_of_reference};
pub(crate) use reread::{Chosen, InnerReference, Step};
pub(crate) use scan::targets as satisfied_by;
pub(crate) use single::{RecordReader, SingleRecord};
pub(crate) use store::Place;
pub(crate) use stored::is_plain;
