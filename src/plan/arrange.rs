//! What to send and in which order, for the records of one folder.

mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Operation;
use super::sequence::{Content, Sequence, Skips, sequence};
use crate::graph::Authorization;
use crate::model::{ResourceName, Text};
use crate::records::{Chosen, Folder, ReadOptions, Scan, Unmatched, Unreadable};

pub use super::sequence::Impossible;

/// Files to send one after another.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Arrangement {
    /// In order; files of one wave can be sent at the same time.
    pub files: Vec<ArrangedFile>,
    /// References that are left out at first and set by a second pass.
    pub deferred: Vec<DeferredRecords>,
    /// Circles of required references: no order exists for their records, which are in no file.
    pub impossible: Vec<Impossible>,
    /// Records that refer to what the folder should supply and does not: the server will refuse them.
    pub unresolved: u64,
    /// Of these, records that refer to what may stand in what is no record.
    pub may_be_unread: u64,
    /// What is no record, and so in no file.
    pub invalid: u64,
    /// Files of the folder whose name is no resource.
    pub unmatched_files: Vec<Unmatched>,
    /// Files of the folder that could not be read.
    #[serde(skip)]
    pub unreadable: Vec<Unreadable>,
}

/// One file to send.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArrangedFile {
    /// Its wave, from 1.
    pub wave: usize,
    /// What is in it.
    pub resource: ResourceName,
    /// Create, or the update that sets what was left out.
    pub operation: Operation,
    /// `03-0012-sections.jsonl`.
    pub file: String,
    /// How many records.
    pub records: u64,
    /// Whether a record may refer to one before it in the same file, or have the key of one: send them one
    /// after another.
    pub ordered: bool,
    #[serde(skip)]
    content: Content,
}

/// References of one path that wait for a second pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeferredRecords {
    /// The resource that refers.
    pub resource: ResourceName,
    /// Where.
    pub path: Text,
    /// How many records are sent without it at first and with it at last; one that a later record of its
    /// key replaces does not count.
    pub records: u64,
}

/// Plans the files for the folder that was scanned. Resources in a circle are read once more; for their
/// records memory grows with their number.
#[must_use]
pub fn arrange(
    scan: &Scan<'_, '_>,
    folder: &Folder,
    authorization: &Authorization,
    read: &ReadOptions<'_>,
) -> Arrangement {
    let Sequence { turns, deferred, impossible, unreadable } = sequence(scan, Chosen::All, authorization, read);
    let mut unreadable = [scan.unreadable.clone(), unreadable].concat();
    unreadable.sort();
    unreadable.dedup();
    let files = (1..).zip(turns).map(|(number, turn)| {
        let resource = scan.resource(turn.lane).clone();
        let records = match &turn.content {
            Content::Whole(_) => scan.records_of(turn.lane),
            Content::Records(places, _) => places.len() as u64,
        };
        ArrangedFile {
            file: name(turn.wave, number, &resource),
            wave: turn.wave,
            resource,
            operation: turn.operation,
            records,
            ordered: turn.ordered,
            content: turn.content,
        }
    });
    Arrangement {
        files: files.collect(),
        deferred: counted(scan, &deferred),
        impossible: impossible.iter().map(|places| Impossible::of(scan, places)).collect(),
        unresolved: scan.unresolved_records(),
        may_be_unread: scan.records_with_unread(),
        invalid: scan.unreadable_records(),
        unmatched_files: folder.unmatched.clone(),
        unreadable,
    }
}

/// `03-0012-sections.jsonl`; another project stands before the name: `03-0013-tpdm.candidates.jsonl`.
fn name(wave: usize, number: usize, resource: &ResourceName) -> String {
    let project = if resource.is_core() { String::new() } else { format!("{}.", resource.project()) };
    format!("{wave:02}-{number:04}-{project}{}.jsonl", resource.endpoint())
}

/// References that are deferred, by resource and path.
fn counted(scan: &Scan<'_, '_>, skips: &Skips) -> Vec<DeferredRecords> {
    let mut counts: BTreeMap<(usize, u32), u64> = BTreeMap::new();
    for (&place, skips) in skips {
        let positions: BTreeSet<u32> = skips.iter().map(|(position, _)| *position).collect();
        for position in positions {
            if let Some(lane) = scan.lane_at(place) {
                *counts.entry((lane, position)).or_default() += 1;
            }
        }
    }
    let one = |((lane, position), records): ((usize, u32), u64)| {
        let path = scan.reference(lane, position)?.path.clone();
        Some(DeferredRecords { resource: scan.resource(lane).clone(), path, records })
    };
    let mut counted: Vec<DeferredRecords> = counts.into_iter().filter_map(one).collect();
    counted.sort_by(|a, b| (&a.resource, &a.path).cmp(&(&b.resource, &b.path)));
    counted
}

impl Arrangement {
    /// Whether all that the folder has can be sent and will be accepted, as far as references go.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.impossible.is_empty() && self.unresolved == 0 && self.invalid == 0 && self.unmatched_files.is_empty()
    }
}
