//! When each record of a folder is sent, so that it finds what it refers to.
//!
//! Only references that the records really contain decide: a cycle among resources that no record
//! uses costs nothing. Resources in a circle, and those that refer to themselves, are ordered record
//! by record; a true circle of records loses an optional reference, which a second pass sets.

mod circle;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Operation, starts};
use crate::graph::{Authorization, Constraint, Group, Precedence, ResourceId};
use crate::model::ResourceName;
use crate::records::{Chosen, Place, ReadOptions, Scan, Unreadable};

/// A reference that a record is sent without at first: its position among the references of the
/// resource, and the record it points to.
pub(super) type Skip = (u32, Place);

/// References that records are sent without at first.
pub(super) type Skips = BTreeMap<Place, BTreeSet<Skip>>;

/// Records in turns.
pub(super) struct Sequence {
    /// By wave, resource and operation.
    pub(super) turns: Vec<Turn>,
    /// What the second pass sets.
    pub(super) deferred: Skips,
    /// Circles of required references: no order exists for their records, which are in no turn.
    pub(super) impossible: Vec<Vec<Place>>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// Records of one resource that are sent with each other.
pub(super) struct Turn {
    /// From 1; turns of one wave can be sent at the same time.
    pub(super) wave: usize,
    pub(super) lane: usize,
    /// Create, or the update that sets what was left out.
    pub(super) operation: Operation,
    pub(super) content: Content,
    /// Whether a record may refer to one before it in the same turn, or have the key of one.
    pub(super) ordered: bool,
}

#[derive(Debug)]
pub(super) enum Content {
    /// All records of these files of the folder, as they stand.
    Whole(Vec<usize>),
    /// These records, without the references that are deferred.
    Records(Vec<Place>, Skips),
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

/// When the chosen records are sent. Resources in a circle are read once more; for their records memory
/// grows with their number.
pub(super) fn sequence(
    scan: &Scan<'_, '_>,
    chosen: Chosen<'_>,
    authorization: &Authorization,
    read: &ReadOptions<'_>,
) -> Sequence {
    let groups = groups(scan);
    let single: BTreeMap<usize, Vec<Place>> = match chosen {
        Chosen::All => BTreeMap::new(),
        Chosen::These(places) => by_lane(scan, places.iter().copied()),
    };
    let has_records = |lane: &usize| match chosen {
        Chosen::All => scan.records_of(*lane) > 0,
        Chosen::These(_) => single.contains_key(lane),
    };
    let in_circle = |group: &Group| {
        let circular = group.circular && group.steps.iter().any(has_records);
        circular.then(|| circle::order(scan, &group.steps, chosen, read))
    };
    let circles: Vec<Option<circle::Circle>> = groups.iter().map(in_circle).collect();
    let alone = |group: &Group| usize::from(group.steps.iter().any(has_records));
    let of_circles = groups.iter().zip(&circles);
    let lengths: Vec<usize> =
        of_circles.map(|(group, circle)| circle.as_ref().map_or_else(|| alone(group), |c| c.runs.len())).collect();
    let starts = starts(scan, &groups, &lengths, authorization);

    // Sent at the same time, two records of one key collide, or the first is what stays.
    let twice: BTreeSet<usize> = scan.duplicates.iter().filter_map(|duplicate| scan.lane_at(duplicate.place)).collect();
    let mut sequence =
        Sequence { turns: Vec::new(), deferred: Skips::new(), impossible: Vec::new(), unreadable: Vec::new() };
    for ((group, circle), (&start, &length)) in groups.iter().zip(circles).zip(starts.iter().zip(&lengths)) {
        let Some(circle) = circle else {
            let Some(lane) = group.steps.first().copied().filter(has_records) else { continue };
            let content = match chosen {
                Chosen::All => Content::Whole(scan.files_of(lane)),
                Chosen::These(_) => Content::Records(single.get(&lane).cloned().unwrap_or_default(), Skips::new()),
            };
            let ordered = twice.contains(&lane);
            sequence.turns.push(Turn { wave: start + 1, lane, operation: Operation::Create, content, ordered });
            continue;
        };
        let again = again(scan, chosen, &circle);
        for (wave, run) in (start + 1..).zip(circle.runs) {
            let skips = run.places.iter().filter_map(|p| Some((*p, circle.deferred.get(p)?.clone()))).collect();
            let ordered = run.ordered || twice.contains(&run.lane);
            let content = Content::Records(run.places, skips);
            let (lane, operation) = (run.lane, Operation::Create);
            sequence.turns.push(Turn { wave, lane, operation, content, ordered });
        }
        for (lane, places) in by_lane(scan, again.keys().copied()) {
            let content = Content::Records(places, Skips::new());
            let (wave, operation) = (start + length + 1, Operation::Update);
            sequence.turns.push(Turn { wave, lane, operation, content, ordered: false });
        }
        sequence.deferred.extend(again);
        sequence.impossible.extend(circle.impossible);
        sequence.unreadable.extend(circle.unreadable);
    }
    // Lanes are sorted as their resources are.
    sequence.turns.sort_by_key(|turn| (turn.wave, turn.lane, turn.operation));
    sequence.impossible.sort_unstable();
    sequence.unreadable.sort();
    sequence.unreadable.dedup();
    sequence
}

impl Impossible {
    pub(super) fn of(scan: &Scan<'_, '_>, places: &[Place]) -> Self {
        let lanes: BTreeSet<usize> = places.iter().filter_map(|place| scan.lane_at(*place)).collect();
        Self {
            resources: lanes.into_iter().map(|lane| scan.resource(lane).clone()).collect(),
            records: places.len() as u64,
            file: places.first().map(|place| scan.file_name(*place).to_owned()).unwrap_or_default(),
        }
    }
}

/// The lanes in groups: a circle of references that records use is one, so is a resource that refers
/// to itself.
fn groups(scan: &Scan<'_, '_>) -> Vec<Group> {
    let constraints = used(scan).into_iter().map(|(before, after)| Constraint { before, after, removable: false });
    Precedence { steps: scan.lanes(), constraints: constraints.collect() }.groups()
}

/// Which lane supplies which, by the references that records contain.
fn used(scan: &Scan<'_, '_>) -> BTreeSet<(usize, usize)> {
    let lane = |id: ResourceId| scan.lane_of_resource(id);
    scan.uses().into_iter().filter_map(|u| Some((lane(u.prerequisite)?, lane(u.dependent)?))).collect()
}

fn by_lane(scan: &Scan<'_, '_>, places: impl Iterator<Item = Place>) -> BTreeMap<usize, Vec<Place>> {
    let mut by_lane: BTreeMap<usize, Vec<Place>> = BTreeMap::new();
    for place in places {
        if let Some(lane) = scan.lane_at(place) {
            by_lane.entry(lane).or_default().push(place);
        }
    }
    by_lane
}

/// The waves before each group: as early as what it needs allows.
fn starts(scan: &Scan<'_, '_>, groups: &[Group], lengths: &[usize], authorization: &Authorization) -> Vec<usize> {
    let mut group_of = vec![0; scan.lanes()];
    for (number, group) in groups.iter().enumerate() {
        for &lane in &group.steps {
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
fn again(scan: &Scan<'_, '_>, chosen: Chosen<'_>, circle: &circle::Circle) -> Skips {
    let mut again = circle.deferred.clone();
    if again.is_empty() {
        return again;
    }
    let given_up: BTreeSet<&Place> = circle.impossible.iter().flatten().collect();
    for of_one_key in scan.of_one_key() {
        let sent = |place: &&Place| chosen.has(**place) && !given_up.contains(place);
        let last = of_one_key.iter().rev().find(sent);
        for replaced in of_one_key.iter().filter(|place| Some(*place) != last) {
            again.remove(replaced);
        }
    }
    again
}
