//! The files of an arranged folder.

use super::check::{grouped, grouped_count};
use super::{Width, columns, sentence};
use crate::plan::Operation;
use crate::plan::arrange::{ArrangedFile, Arrangement, Impossible};

/// Files that are left out by name.
const SHOWN: usize = 10;

/// A line a file, in order; what is deferred and what cannot be sent after it.
#[must_use]
pub fn arrangement(arrangement: &Arrangement, width: Width) -> String {
    let waves = arrangement.files.last().map_or(0, |file| file.wave);
    let records: u64 = arrangement.files.iter().filter(|f| f.operation == Operation::Create).map(|f| f.records).sum();
    let mut text = sentence(
        "",
        &format!(
            "{} in {} and {}",
            grouped_count(records, "record", "records"),
            grouped_count(arrangement.files.len() as u64, "file", "files"),
            grouped_count(waves as u64, "wave", "waves"),
        ),
        2,
        width,
    );
    let remark = |file: &ArrangedFile| match (file.operation, file.ordered) {
        (Operation::Update, _) => "second pass",
        (Operation::Create, true) => "one after another",
        (Operation::Create, false) => "",
    };
    let rows: Vec<[String; 3]> =
        arrangement.files.iter().map(|f| [f.file.clone(), grouped(f.records), remark(f).to_owned()]).collect();
    text.push_str(&columns(&rows, width));
    let mut note = |first: &str, line: &str| text.push_str(&sentence(first, line, 10, width));
    for deferred in &arrangement.deferred {
        let (resource, path) = (deferred.resource.short(), &deferred.path);
        let records = grouped_count(deferred.records, "record", "records");
        note("Deferred", &format!("  {resource} {path} in {records}: set by the second pass"));
    }
    for impossible in &arrangement.impossible {
        text.push_str(&no_order(impossible, width));
    }
    let mut note = |first: &str, line: &str| text.push_str(&sentence(first, line, 10, width));
    if arrangement.unresolved > 0 {
        let records = grouped_count(arrangement.unresolved, "record", "records");
        let what = if arrangement.unresolved == 1 { "it refers" } else { "they refer" };
        let perhaps = match arrangement.may_be_unread {
            0 => String::new(),
            some if some == arrangement.unresolved => " or among what is no record".to_owned(),
            some => format!(", for {} perhaps among what is no record", grouped(some)),
        };
        note("Careful", &format!("   {records} will be refused: what {what} to is missing{perhaps}; see check"));
    }
    if arrangement.invalid > 0 {
        let (one, many) = ("line or item that is no record", "lines or items that are no records");
        note("Left out", &format!("  {}; see check", grouped_count(arrangement.invalid, one, many)));
    }
    for unmatched in arrangement.unmatched_files.iter().take(SHOWN) {
        note("Left out", &format!("  {}: {}", unmatched.file, unmatched.reason));
    }
    let more = arrangement.unmatched_files.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        note("Left out", &format!("  {} of no resource; see check", grouped_count(more, "more file", "more files")));
    }
    text
}

/// Records that wait for each other.
pub(super) fn no_order(impossible: &Impossible, width: Width) -> String {
    let resources: Vec<&str> = impossible.resources.iter().map(|r| r.short()).collect();
    let (records, resources) = (grouped_count(impossible.records, "record", "records"), resources.join(", "));
    let line = if impossible.records == 1 {
        format!("  {records} of {resources} requires itself, in {}", impossible.file)
    } else {
        format!("  {records} of {resources} need each other by required references, first in {}", impossible.file)
    };
    sentence("No order", &line, 10, width)
}
