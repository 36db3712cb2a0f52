//! What to send and in which order, for the records of one folder.
//!
//! Only references that the records really contain decide: a cycle among resources that no record
//! uses costs nothing. Resources in a circle, and those that refer to themselves, are ordered record
//! by record; a true circle of records loses an optional reference, which a second pass sets.

mod circle;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::graph::{Authorization, Constraint, Precedence, ResourceId};
use crate::model::{ResourceName, Text};
use crate::plan::{Operation, starts};
use crate::records::{Place, ReadOptions, Scan, Unreadable};

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

#[derive(Debug)]
enum Content {
    /// All records of these files of the folder, as they stand.
    Whole(Vec<usize>),
    /// These records, without the references that are deferred.
    Records(Vec<Place>, BTreeMap<Place, BTreeSet<Skip>>),
}

/// A reference that a record is sent without at first: its position among the references of the
/// resource, and the record it points to.
type Skip = (u32, Place);

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

/// Records that wait for each other by required references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Impossible {
    /// Their resources.
    pub resources: Vec<ResourceName>,
    /// How many records.
    pub records: u64,
    /// Where the first of them stands: its file.
    pub file: String,
}

/// Lanes that are sent together, each in one file, or record by record.
struct Group {
    lanes: Vec<usize>,
    circular: bool,
}

/// Plans the files. Resources in a circle are read once more; for their records memory grows with
/// their number.
#[must_use]
pub fn arrange(scan: &Scan<'_, '_>, authorization: &Authorization, read: &ReadOptions<'_>) -> Arrangement {
    let groups = groups(scan);
    let mut arrangement = Arrangement {
        files: Vec::new(),
        deferred: Vec::new(),
        impossible: Vec::new(),
        unresolved: scan.unresolved_records(),
        may_be_unread: scan.records_with_unread(),
        invalid: scan.unreadable_records(),
        unreadable: scan.unreadable.clone(),
    };
    let circles: Vec<Option<circle::Circle>> =
        groups.iter().map(|group| group.circular.then(|| circle::order(scan, &group.lanes, read))).collect();
    let lengths: Vec<usize> = circles.iter().map(|c| c.as_ref().map_or(1, |c| c.runs.len().max(1))).collect();
    let starts = starts(scan, &groups, &lengths, authorization);

    // Sent at the same time, two records of one key collide, or the first is what stays.
    let twice: BTreeSet<usize> = scan.duplicates.iter().filter_map(|duplicate| scan.lane_at(duplicate.place)).collect();
    let mut files: Vec<ArrangedFile> = Vec::new();
    let file = |wave: usize, lane: usize, operation, records, ordered, content| ArrangedFile {
        wave,
        resource: scan.resource(lane).clone(),
        operation,
        file: String::new(),
        records,
        ordered,
        content,
    };
    for ((group, circle), (&start, &length)) in groups.iter().zip(circles).zip(starts.iter().zip(&lengths)) {
        let Some(circle) = circle else {
            let Some(&lane) = group.lanes.first() else { continue };
            let content = Content::Whole(scan.files_of(lane));
            files.push(file(start + 1, lane, Operation::Create, scan.records_of(lane), twice.contains(&lane), content));
            continue;
        };
        let again = again(scan, &circle);
        for (turn, run) in circle.runs.into_iter().enumerate() {
            let skips: BTreeMap<Place, BTreeSet<Skip>> =
                run.places.iter().filter_map(|p| Some((*p, circle.deferred.get(p)?.clone()))).collect();
            let records = run.places.len() as u64;
            let content = Content::Records(run.places, skips);
            let ordered = run.ordered || twice.contains(&run.lane);
            files.push(file(start + turn + 1, run.lane, Operation::Create, records, ordered, content));
        }
        for &lane in &group.lanes {
            let again: Vec<Place> = again.keys().copied().filter(|place| scan.lane_at(*place) == Some(lane)).collect();
            if !again.is_empty() {
                let records = again.len() as u64;
                let content = Content::Records(again, BTreeMap::new());
                files.push(file(start + length + 1, lane, Operation::Update, records, false, content));
            }
        }
        arrangement.deferred.extend(deferred(scan, &again));
        arrangement.impossible.extend(circle.impossible.into_iter().map(|places| impossible(scan, &places)));
        arrangement.unreadable.extend(circle.unreadable);
    }
    files.retain(|file| file.records > 0);
    files.sort_by(|a, b| (a.wave, &a.resource, a.operation).cmp(&(b.wave, &b.resource, b.operation)));
    for (number, file) in (1..).zip(&mut files) {
        file.file = name(file, number);
    }
    arrangement.files = files;
    arrangement.deferred.sort_by(|a, b| (&a.resource, &a.path).cmp(&(&b.resource, &b.path)));
    arrangement.unreadable.sort();
    arrangement.unreadable.dedup();
    arrangement
}

/// `03-0012-sections.jsonl`; another project stands before the name: `03-0013-tpdm.candidates.jsonl`.
fn name(file: &ArrangedFile, number: usize) -> String {
    let resource = &file.resource;
    let project = if resource.is_core() { String::new() } else { format!("{}.", resource.project()) };
    format!("{:02}-{number:04}-{project}{}.jsonl", file.wave, resource.endpoint())
}

/// The lanes in groups: a circle of references that records use is one, so is a resource that refers
/// to itself.
fn groups(scan: &Scan<'_, '_>) -> Vec<Group> {
    let constraints = used(scan).into_iter().map(|(before, after)| Constraint { before, after, removable: false });
    let precedence = Precedence { steps: scan.lanes(), constraints: constraints.collect() };
    let circles = precedence.components();
    let in_circle: BTreeSet<usize> = circles.iter().flatten().copied().collect();
    let single = (0..scan.lanes()).filter(|lane| !in_circle.contains(lane));
    let mut groups: Vec<Group> = single.map(|lane| Group { lanes: vec![lane], circular: false }).collect();
    groups.extend(circles.into_iter().map(|lanes| Group { lanes, circular: true }));
    groups.sort_by(|a, b| a.lanes.cmp(&b.lanes));
    groups
}

/// Which lane supplies which, by the references that records contain.
fn used(scan: &Scan<'_, '_>) -> BTreeSet<(usize, usize)> {
    let lane = |id: ResourceId| scan.lane_of_resource(id);
    scan.uses().into_iter().filter_map(|u| Some((lane(u.prerequisite)?, lane(u.dependent)?))).collect()
}

/// The waves before each group: as early as what it needs allows.
fn starts(scan: &Scan<'_, '_>, groups: &[Group], lengths: &[usize], authorization: &Authorization) -> Vec<usize> {
    let mut group_of = vec![0; scan.lanes()];
    for (number, group) in groups.iter().enumerate() {
        for &lane in &group.lanes {
            if let Some(of) = group_of.get_mut(lane) {
                *of = number;
            }
        }
    }
    let number = |lane: usize| group_of.get(lane).copied().unwrap_or_default();
    let fixed = used(scan).into_iter().map(|(before, later)| (number(before), number(later)));
    // Authorization only delays what the records themselves do not need earlier.
    let wanted = authorization.edges.iter().filter_map(|edge| {
        let (before, later) = (scan.lane_of_resource(edge.prerequisite)?, scan.lane_of_resource(edge.dependent)?);
        Some((number(before), number(later)))
    });
    starts::starts(lengths, vec![0; groups.len()], fixed, wanted)
}

/// What a second pass sends again: the records that went without a reference, but for one that a later
/// record of its key has replaced, which would come back.
fn again(scan: &Scan<'_, '_>, circle: &circle::Circle) -> BTreeMap<Place, BTreeSet<Skip>> {
    let mut again = circle.deferred.clone();
    if again.is_empty() {
        return again;
    }
    let given_up: BTreeSet<&Place> = circle.impossible.iter().flatten().collect();
    for of_one_key in scan.of_one_key() {
        let mut sent = of_one_key.iter().rev().filter(|place| !given_up.contains(place));
        let last = sent.next();
        for replaced in of_one_key.iter().filter(|place| Some(*place) != last) {
            again.remove(replaced);
        }
    }
    again
}

fn deferred(scan: &Scan<'_, '_>, skips: &BTreeMap<Place, BTreeSet<Skip>>) -> Vec<DeferredRecords> {
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
    counts.into_iter().filter_map(one).collect()
}

fn impossible(scan: &Scan<'_, '_>, places: &[Place]) -> Impossible {
    let lanes: BTreeSet<usize> = places.iter().filter_map(|place| scan.lane_at(*place)).collect();
    Impossible {
        resources: lanes.into_iter().map(|lane| scan.resource(lane).clone()).collect(),
        records: places.len() as u64,
        file: places.first().map(|place| scan.file_name(*place).to_owned()).unwrap_or_default(),
    }
}

impl Arrangement {
    /// Whether every record of the folder can be sent and will be accepted, as far as references go.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.impossible.is_empty() && self.unresolved == 0 && self.invalid == 0
    }
}
