//! Folders of payload files: which records there are, what they refer to, and what would be refused.
//!
//! ```text
//! files → Folder (file → resource) → Scan (one pass: keys, references, flaws) → CheckReport
//! ```
//!
//! Everything works on streams and keeps one entry a distinct key, whatever the size of the files.

mod check;
mod extract;
mod files;
mod habits;
mod json;
mod keys;
mod lookup;
mod read;
mod reread;
mod scan;
mod shape;
mod split;
mod store;
mod trace;
mod value;

pub use check::{
    Assumed, CheckOptions, CheckReport, Conflict, Counts, DescriptorFinding, DuplicateFinding, InvalidRecord, Located,
    MissingField, MissingTarget, Position, SharedIdentity, UnresolvedReference, WithoutPathway, check,
};
pub use files::{Folder, Namespaces, Open, PayloadFile, Unmatched, is_payload_name};
pub use json::Flaw;
pub use keys::KeyValues;
pub(crate) use keys::{Key, KeyForm, KeyHasher, form_of_values, member_name};
pub(crate) use read::each_record;
pub use read::{ReadOptions, Unreadable};
pub use scan::{Scan, Use, scan};
pub use trace::{Affected, Changed, Need, Standing, affected, needs};

pub(crate) use reread::{InnerReference, Step};
pub(crate) use store::Place;
