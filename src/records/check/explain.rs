//! The second reading: lines, paths and values of what the first one found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::identities::{self, Shared};
use super::{
    CheckOptions, CheckReport, Conflict, DescriptorFinding, DuplicateFinding, InvalidRecord, Located, MissingField,
    MissingTarget, Position, SharedIdentity, UnresolvedReference, Without, WithoutPathway, reference, target_name,
};
use crate::model::{ResourceName, Text};
use crate::records::extract::{At, Extract, Found, Problem, Reader, Trouble};
use crate::records::json::{Span, Token, content, unescape};
use crate::records::keys::{Key, KeyValues, values_of};
use crate::records::pathway::{is_set, seen_through};
use crate::records::read::{ReadOptions, read_at};
use crate::records::scan::{Lane, Pending, Scan};
use crate::records::store::{Duplicate, Place};
use crate::records::unread::Unread;

/// What stands in for a value that is left out.
const REDACTED: &str = "***";

/// A missing record: what it should be, and its key.
type Missing = (Text, Key);

/// Fills the lists of a report.
pub(super) fn explain(
    scan: &Scan<'_, '_>,
    options: &CheckOptions,
    read: &ReadOptions<'_>,
    without: &Without,
    report: &mut CheckReport,
) {
    let Without { unresolved, descriptors, unread } = without;
    let max = options.max.unwrap_or(usize::MAX);
    let (groups, leaders) = most_wanted(scan, unresolved, max);
    let people = without_pathway(scan, unread, max, report);
    let mut shared = identities::shared(scan);
    report.counts.shared_identities = shared.len() as u64;
    shared.truncate(max);
    let shown = |list: &[Pending]| list.iter().take(max).map(|p| p.place).collect::<Vec<_>>();
    let troubled: BTreeSet<Place> = [&scan.incomplete, &scan.contradictory]
        .into_iter()
        .flat_map(|places| places.iter().take(max))
        .copied()
        .collect();
    let mut wanted: Vec<Place> = shown(unresolved);
    wanted.extend(leaders.values().map(|p| p.place));
    wanted.extend(shown(descriptors));
    wanted.extend(scan.flaws.iter().take(max).map(|(place, _)| *place));
    wanted.extend(&troubled);
    // Whether a duplicate says the same decides whether it is a finding, so all are read.
    wanted.extend(scan.duplicates.iter().flat_map(|d| [d.place, d.first]));
    wanted.extend(people.iter().map(|(_, place)| *place));
    wanted.extend(shared.iter().flat_map(|s| [s.place, s.first]));
    wanted.sort_unstable();
    wanted.dedup();

    let mut second = Second {
        scan,
        options,
        max,
        extract: Extract::default(),
        lines: BTreeMap::new(),
        contents: BTreeMap::new(),
        keys: BTreeMap::new(),
        identities: shared.iter().map(|s| (s.place, (s.superclass.clone(), KeyValues::new()))).collect(),
        compared: scan.duplicates.iter().flat_map(|d| [d.place, d.first]).collect(),
        without,
        troubled,
        report,
    };
    let unreadable = read_at(&scan.files, &wanted, read, |place, line, record| second.record(place, line, record));
    let Second { lines, contents, keys, mut identities, report, .. } = second;
    report.unreadable_files.extend(unreadable);
    report.unreadable_files.sort();
    report.unreadable_files.dedup();

    let position = |place: Place| Position {
        file: scan.files.get(place.file()).map(|f| f.name.clone()).unwrap_or_default(),
        line: lines.get(&place).copied().unwrap_or_default(),
    };
    let flaws = scan.flaws.iter().take(max);
    report.invalid = flaws
        .map(|&(place, flaw)| InvalidRecord { position: position(place), flaw, message: flaw.message() })
        .collect();
    duplicates(scan, max, &contents, position, report);
    for Shared { place, first, superclass } in shared {
        let located = |place: Place| {
            let lane = scan.lane_of.get(place.file()).and_then(|&lane| scan.lanes.get(lane))?;
            Some(Located { resource: scan.graph.name(lane.resource).clone(), position: position(place) })
        };
        let key = identities.remove(&place).map(|(_, key)| key).unwrap_or_default();
        if let (Some(record), Some(first)) = (located(place), located(first)) {
            report.shared_identities.push(SharedIdentity { record, superclass, key, first });
        }
    }
    for (missing, references) in groups {
        let (Some(first), Some(key)) = (leaders.get(&missing), keys.get(&missing)) else { continue };
        let may_be_unread = reference(scan, *first).is_some_and(|reference| unread.may_hold(scan, reference));
        let first = position(first.place);
        let (target, key) = (missing.0, key.clone());
        report.missing_targets.push(MissingTarget { target, key, references, first, may_be_unread });
    }
    // By number of references, then by what is missing: the hash of a key decides nothing that shows.
    let spelled = |m: &MissingTarget| m.key.values().map(ToString::to_string).collect::<Vec<String>>();
    let order = |m: &MissingTarget| (std::cmp::Reverse(m.references), m.target.clone(), m.first.clone(), spelled(m));
    report.missing_targets.sort_by_cached_key(order);
    for (group, place) in people {
        if let Some(group) = report.without_pathway.get_mut(group) {
            group.people.push(position(place));
        }
    }
}

/// Missing records by number of references, at most `max`, with the first reference to each.
fn most_wanted(
    scan: &Scan<'_, '_>,
    unresolved: &[Pending],
    max: usize,
) -> (Vec<(Missing, u64)>, BTreeMap<Missing, Pending>) {
    let mut counts: BTreeMap<Missing, (u64, Pending)> = BTreeMap::new();
    for &pending in unresolved {
        let Some(reference) = reference(scan, pending) else { continue };
        let missing = (target_name(&reference.target), pending.key);
        counts.entry(missing).or_insert((0, pending)).0 += 1;
    }
    let mut groups: Vec<(Missing, (u64, Pending))> = counts.into_iter().collect();
    groups.sort_by(|a, b| {
        b.1.0.cmp(&a.1.0).then(a.1.1.place.cmp(&b.1.1.place)).then(a.1.1.position.cmp(&b.1.1.position))
    });
    groups.truncate(max);
    let leaders = groups.iter().map(|(missing, (_, first))| (missing.clone(), *first)).collect();
    (groups.into_iter().map(|(missing, (count, _))| (missing, count)).collect(), leaders)
}

/// Counts people that no association makes visible; their places by group.
fn without_pathway(scan: &Scan<'_, '_>, unread: &Unread, max: usize, report: &mut CheckReport) -> Vec<(usize, Place)> {
    let mut places = Vec::new();
    for pathway in scan.graph.pathways() {
        let Some(person) = scan.lane(&pathway.person) else { continue };
        let Some(lane) = scan.lanes.get(person) else { continue };
        let entries = lane.table.entries().iter().enumerate();
        let hidden = entries.filter(|(at, entry)| entry.place.file() < scan.payloads && !scan.is_visible(person, *at));
        let (through, alone): (Vec<_>, Vec<_>) = hidden.partition(|(at, _)| is_set(&lane.hidden_through, *at));
        let others: Vec<ResourceName> = seen_through(scan.graph, pathway).cloned().collect();
        let groups = [(alone, &pathway.associations, Vec::new()), (through, &pathway.also_before_update, others)];
        for (hidden, associations, through) in groups.into_iter().filter(|(hidden, ..)| !hidden.is_empty()) {
            let associations_present = associations.iter().any(|a| scan.lane(a).is_some());
            let may_be_unread = associations.iter().filter_map(|a| scan.graph.id(a)).any(|id| unread.is_of(id));
            let records = hidden.len() as u64;
            report.counts.without_pathway += records;
            if associations_present {
                let mut hidden: Vec<Place> = hidden.into_iter().map(|(_, entry)| entry.place).collect();
                hidden.sort_unstable();
                places.extend(hidden.into_iter().take(max).map(|place| (report.without_pathway.len(), place)));
            }
            report.without_pathway.push(WithoutPathway {
                resource: pathway.person.clone(),
                associations: associations.clone(),
                through,
                associations_present,
                may_be_unread,
                records,
                people: Vec::new(),
            });
        }
    }
    places
}

fn duplicates(
    scan: &Scan<'_, '_>,
    max: usize,
    contents: &BTreeMap<Place, Option<Key>>,
    position: impl Fn(Place) -> Position,
    report: &mut CheckReport,
) {
    for &Duplicate { place, first } in &scan.duplicates {
        let content = |place: Place| contents.get(&place).copied().flatten();
        let same = content(place).is_some() && content(place) == content(first);
        report.counts.differing_duplicates += u64::from(!same);
        let lane = scan.lane_of.get(place.file()).and_then(|&lane| scan.lanes.get(lane));
        if let Some(lane) = lane.filter(|_| report.duplicates.len() < max) {
            let resource = scan.graph.name(lane.resource).clone();
            report.duplicates.push(DuplicateFinding {
                resource,
                position: position(place),
                first: position(first),
                same,
            });
        }
    }
}

struct Second<'s, 'g, 'f, 'r> {
    scan: &'s Scan<'g, 'f>,
    options: &'s CheckOptions,
    max: usize,
    extract: Extract,
    lines: BTreeMap<Place, u64>,
    /// What records with equal keys say.
    contents: BTreeMap<Place, Option<Key>>,
    /// The values of missing keys.
    keys: BTreeMap<Missing, KeyValues>,
    /// What records of an identity that is taken are, and their keys.
    identities: BTreeMap<Place, (Text, KeyValues)>,
    compared: BTreeSet<Place>,
    without: &'s Without,
    troubled: BTreeSet<Place>,
    report: &'r mut CheckReport,
}

impl Second<'_, '_, '_, '_> {
    fn record(&mut self, place: Place, line: u64, record: &[u8]) {
        self.lines.insert(place, line);
        let Some(lane) = self.scan.lane_of.get(place.file()).and_then(|&lane| self.scan.lanes.get(lane)) else {
            return;
        };
        let mut extract = std::mem::take(&mut self.extract);
        let reader = Reader { hasher: self.scan.hasher, shape: &lane.shape };
        if reader.read(record, &mut extract).is_ok() {
            if self.compared.contains(&place) {
                self.contents.insert(place, self.content(record));
            }
            if let Some((superclass, key)) = self.identities.get_mut(&place) {
                *key = identities::values(self.scan, lane, superclass, &extract, record);
                if self.options.redact {
                    key.values_mut().for_each(|value| *value = REDACTED.into());
                }
            }
            for found in &extract.references {
                self.reference(lane, place, line, record, found, &extract);
            }
            if self.troubled.contains(&place) {
                for problem in &extract.problems {
                    self.problem(lane, place, line, record, problem, &extract);
                }
            }
        }
        self.extract = extract;
    }

    /// The content of a record without regard to the order of its members.
    fn content(&self, record: &[u8]) -> Option<Key> {
        content(record).ok().map(|content| self.scan.hasher.key(&content))
    }

    fn at(&self, place: Place, line: u64) -> Position {
        Position { file: self.scan.files.get(place.file()).map(|f| f.name.clone()).unwrap_or_default(), line }
    }

    fn reference(&mut self, lane: &Lane, place: Place, line: u64, record: &[u8], found: &Found, extract: &Extract) {
        let Some(key) = found.key else { return };
        let pending = Pending { place, position: found.position, key };
        let references = &self.scan.graph.resource(lane.resource).references;
        let Some(reference) = references.get(found.position as usize) else { return };
        let resource = self.scan.graph.name(lane.resource).clone();
        let path = concrete(&reference.path, extract.indices(found.at));
        let target = target_name(&reference.target);
        let position = self.at(place, line);
        let may_be_unread = self.without.unread.may_hold(self.scan, reference);
        if self.without.descriptors.binary_search(&pending).is_ok() {
            if self.report.descriptors.len() < self.max {
                let value = text_of(found.value, record);
                let found = DescriptorFinding { resource, position, path, target, value, may_be_unread };
                self.report.descriptors.push(found);
            }
        } else if self.without.unresolved.binary_search(&pending).is_ok() {
            let key = self.values(lane, reference, found, record);
            self.keys.entry((target.clone(), pending.key)).or_insert_with(|| key.clone());
            if self.report.unresolved.len() < self.max {
                let found = UnresolvedReference { resource, position, path, target, key, may_be_unread };
                self.report.unresolved.push(found);
            }
        }
    }

    /// The key inside a reference, by the names of the target.
    fn values(&self, lane: &Lane, reference: &crate::model::Reference, found: &Found, record: &[u8]) -> KeyValues {
        let mut values = values_of(self.scan.graph, lane.resource, reference, found.value.of(record));
        if self.options.redact {
            values.values_mut().for_each(|value| *value = REDACTED.into());
        }
        values
    }

    fn problem(&mut self, lane: &Lane, place: Place, line: u64, record: &[u8], problem: &Problem, extract: &Extract) {
        let resource = self.scan.graph.name(lane.resource).clone();
        let position = self.at(place, line);
        let node = |id: u32| lane.shape.at(id);
        let path = |id: u32, at: At| node(id).map(|n| concrete(&n.path, extract.indices(at))).unwrap_or_default();
        match problem.what {
            Trouble::Missing(id) | Trouble::WrongType(id) => {
                if self.report.missing_fields.len() < self.max {
                    let expected = node(id).and_then(|n| n.kind).map(crate::model::FieldKind::name);
                    let wrong_type = matches!(problem.what, Trouble::WrongType(_));
                    let path = path(id, problem.at);
                    self.report.missing_fields.push(MissingField { resource, position, path, expected, wrong_type });
                }
            }
            Trouble::Conflict(left, right) => {
                if self.report.conflicting.len() < self.max {
                    let paths = [path(left, problem.at), path(right, problem.at)];
                    let value = |span: Span| if self.options.redact { REDACTED.into() } else { value_of(span, record) };
                    let values = [value(problem.left), value(problem.right)];
                    self.report.conflicting.push(Conflict { resource, position, paths, values });
                }
            }
        }
    }
}

/// A path of the model with the indices of one record; where they end, the `[*]` stays.
pub(crate) fn concrete(path: &str, indices: &[u32]) -> String {
    let mut parts = path.split("[*]");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut indices = indices.iter();
    for part in parts {
        match indices.next() {
            Some(index) => text.push_str(&format!("[{index}]")),
            None => text.push_str("[*]"),
        }
        text.push_str(part);
    }
    text
}

pub(crate) fn text_of(span: Span, record: &[u8]) -> String {
    let raw = span.of(record);
    let text = if span.token == Token::Escaped { unescape(raw) } else { raw.to_vec() };
    String::from_utf8_lossy(&text).into_owned()
}

/// A scalar as JSON.
pub(crate) fn value_of(span: Span, record: &[u8]) -> Value {
    match span.token {
        Token::Text | Token::Escaped => Value::String(text_of(span, record)),
        _ => serde_json::from_slice(span.of(record)).unwrap_or_default(),
    }
}
