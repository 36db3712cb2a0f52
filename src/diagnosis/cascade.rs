//! Many failures, few causes: every failure hangs below the record, or the absent key, that caused it.
//!
//! Where a record is known, keys are followed record by record; where only the response is, failures
//! are grouped by resource, code and what they wait for, which is coarser and said to be.

mod causes;
mod coarse;
mod follow;
mod looked_for;
mod resend;
mod sent;
mod spelling;
mod trees;
mod unplaced;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::codes::Code;
use super::identity::{Identity, Keys, Kin, Spelled};
use super::outside::Outside;
use super::payload;
use super::verdict::{Seen, Verdict};
use super::{Diagnoser, Diagnosis, Failure, Place};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Kind, Reference, ResourceName};
use crate::records::{Key, KeyHasher, Place as Spot};
use coarse::Groups;
use follow::{Cause, Top, Tree, besides, cause, settle, tops};
use resend::{Again, in_load_order};
use spelling::Spelling;
use trees::{Foot, Trees};
use unplaced::{Reason, Reasons};

pub use causes::{Causes, Possible, Resend, Root, Summary, Unexplained};
pub use looked_for::LookedFor;
pub use sent::{Sent, Wanted};
pub use unplaced::Unplaced;

/// Collects failures, then finds their causes.
pub struct Cascade<'a> {
    diagnoser: &'a Diagnoser<'a>,
    records: Option<&'a Sent<'a, 'a>>,
    keys: Keys<'a>,
    sketches: Vec<Sketch>,
    groups: Groups,
    summary: Summary,
}

/// What is kept of a failure whose record is known.
struct Sketch {
    resource: ResourceId,
    place: Place,
    /// Where the folder has the record, unless the place tells it already.
    at: Option<Spot>,
    code: Code,
    verdict: Verdict,
    /// What is behind it, where that is no record.
    outside: Option<Outside>,
    /// What hinders, where it may be that nothing tells the cause.
    unclear: Option<Box<Reason>>,
    /// The key of the record itself.
    own: Option<Key>,
    /// Its values, where the failure may be a root.
    spelled: Option<Spelled>,
    /// The person it speaks of, where it is one of a pathway's associations.
    person: Option<Key>,
    /// The person that it was denied for.
    denied: Option<(ResourceId, Key)>,
    needs: Vec<Need>,
    /// Whether all needs are missing, or any one may be.
    sure: bool,
    /// Whether what is absent may be said to be possible: the message names it, or no file has it.
    told: bool,
    detail: Vec<String>,
}

/// What a failure waits for.
struct Need {
    lack: Lack,
    /// What the reference asks for by name; of an association the person.
    target: Kin,
    spelled: Spelled,
    /// Where the folder has it.
    at: Option<Spot>,
    /// Whether no file of the folder could have it.
    assumed: bool,
    /// Whether the record must have the reference.
    required: bool,
    /// Whether it is a school year: the host enables those, and no record brings them.
    year: bool,
}

/// Records that one failure may stand for: what a loader counts is a number in a file, and sums of it must be sums.
const MOST_ALIKE: usize = u32::MAX as usize;

/// What may be absent; equal for all that wait for the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Lack {
    /// A record with that key.
    Record(Kin, Key),
    /// Any record of these associations that speaks of that person.
    Association(Vec<ResourceId>, Key),
}

impl<'a> Cascade<'a> {
    /// An empty cascade; `records` are what was sent, where that is at hand.
    #[must_use]
    pub fn new(diagnoser: &'a Diagnoser<'a>, records: Option<&'a Sent<'a, 'a>>) -> Self {
        // Keys of failures are looked up among those of the folder.
        let hasher = records.map_or_else(KeyHasher::random, Sent::hasher);
        Self {
            diagnoser,
            records,
            keys: Keys::of(diagnoser.graph(), hasher),
            sketches: Vec::new(),
            groups: Groups::default(),
            summary: Summary::default(),
        }
    }

    /// Adds a failure and its diagnosis.
    pub fn add(&mut self, failure: &Failure, diagnosis: &Diagnosis) {
        let mut left = failure.count.clamp(1, MOST_ALIKE);
        self.summary.failures += left;
        *self.summary.by_code.entry(diagnosis.code.name()).or_default() += left;
        let resource = failure.resource.as_deref().and_then(|text| self.diagnoser.resource(text));
        if let Some(resource) = resource {
            if let Some(record) = &failure.payload {
                self.sketch(resource, failure.place.clone(), record, diagnosis);
                left = left.saturating_sub(1);
            } else if let (Some(records), Some(file)) = (self.records, &failure.place.file) {
                let lines = &failure.place.lines;
                let one = failure.place.line.into_iter().filter(|_| lines.is_empty());
                for line in lines.iter().copied().chain(one).take(left) {
                    if let Some(record) = records.record(resource, file, line) {
                        let place = Place { line: Some(line), lines: Vec::new(), ..failure.place.clone() };
                        self.sketch(resource, place, &record, diagnosis);
                        left -= 1;
                    }
                }
            }
        }
        if left > 0 {
            // What lies with the client or the server needs no records.
            if diagnosis.outside.is_none() {
                self.summary.grouped += left;
            }
            self.groups.add(resource, failure, diagnosis, left);
        }
    }

    fn sketch(&mut self, resource: ResourceId, place: Place, record: &Value, diagnosis: &Diagnosis) {
        let graph = self.diagnoser.graph();
        let mut needs = Vec::new();
        match (diagnosis.code, &diagnosis.pathway) {
            (Code::UnresolvedReference | Code::DescriptorValueMissing, _) => {
                needs = self.missing(resource, record, diagnosis);
            }
            (Code::RelationshipMissing, Some((person, associations))) if diagnosis.verdict != Verdict::Contradicted => {
                let found = self.keys.of_person(*person, record);
                needs.extend(found.map(|Identity { key, spelled }| Need {
                    lack: Lack::Association(associations.clone(), key),
                    target: Kin::Resource(*person),
                    spelled,
                    at: None,
                    assumed: false,
                    required: true,
                    year: false,
                }));
            }
            _ => {}
        }
        let denied = diagnosis.pathway.as_ref().filter(|_| diagnosis.code == Code::RelationshipMissing);
        let denied = denied.and_then(|(person, _)| Some((*person, self.keys.of_person(*person, record)?.key)));
        let pathway = graph.pathways().iter().find(|p| p.associations.contains(graph.name(resource)));
        let person = pathway.and_then(|p| self.keys.of_person(graph.id(&p.person)?, record));
        let own = self.keys.of_record(resource, record);
        let records = self.records.filter(|records| !records.holds(resource, &place));
        let at = records.zip(own.as_ref()).and_then(|(records, own)| records.find(Kin::Resource(resource), own.key));
        // One name for several references leaves open which of them it is.
        let sure = diagnosis.verdict == Verdict::Confirmed && needs.len() <= diagnosis.naming.max(1);
        let may_be_unclear = diagnosis.code == Code::Unknown || !sure || needs.is_empty();
        let unclear = may_be_unclear.then(|| Box::new(Reason::of(Some(resource), diagnosis)));
        self.sketches.push(Sketch {
            resource,
            place,
            at,
            code: diagnosis.code,
            verdict: diagnosis.verdict,
            outside: diagnosis.outside.clone(),
            unclear,
            own: own.as_ref().map(|own| own.key),
            spelled: own.map(|own| own.spelled).filter(|_| needs.is_empty()),
            person: person.map(|person| person.key),
            denied,
            sure,
            told: diagnosis.verdict == Verdict::Confirmed || self.records.is_some(),
            needs,
            detail: diagnosis.missing_fields.iter().take(5).cloned().collect(),
        });
    }

    /// The keys that the references of a diagnosis ask for.
    fn missing(&self, resource: ResourceId, record: &Value, diagnosis: &Diagnosis) -> Vec<Need> {
        let mut found: Vec<Need> = Vec::new();
        for seen in &diagnosis.references {
            for reference in self.diagnoser.names().at(resource, &seen.path) {
                let values = payload::values(record, &reference.path);
                let here = |path: &String| path == &seen.path || !seen.path.contains(|c: char| c.is_ascii_digit());
                let here: Vec<&Value> = values.iter().filter(|(path, _)| here(path)).map(|(_, v)| *v).collect();
                // The key that a message gives decides among several.
                let said = |value: &Value| payload::agrees(&payload::key(reference, value), &seen.key);
                let meant: Vec<&Value> = here.iter().copied().filter(|value| said(value)).collect();
                let quoted = quoted(seen).filter(|_| meant.is_empty());
                let meant = if meant.is_empty() && quoted.is_none() { here } else { meant };
                for value in quoted.iter().chain(meant) {
                    let need = self.asked(resource, reference, value);
                    found.extend(need.filter(|need| found.iter().all(|other| other.lack != need.lack)));
                }
            }
        }
        found
    }

    fn asked(&self, resource: ResourceId, reference: &Reference, value: &Value) -> Option<Need> {
        let (target, values) = self.keys.asked(resource, reference, value)?;
        let Identity { key, spelled } = self.keys.of_asked(target, &values)?;
        let at = self.records.and_then(|records| records.find(target, key));
        let assumed = self.records.is_some_and(|records| !records.has_files(target));
        let kind = |id| self.diagnoser.graph().resource(id).kind;
        let year = matches!(target, Kin::Resource(id) if kind(id) == Kind::SchoolYears);
        let lack = Lack::Record(self.keys.kin(target), key);
        Some(Need { lack, target, spelled, at, assumed, required: reference.required, year })
    }

    /// The causes of everything that was added. O(failures × log failures), and with records a second
    /// reading of the files of those that failed.
    #[must_use]
    pub fn causes(mut self) -> Causes {
        let graph = self.diagnoser.graph();
        self.take_places();
        self.sketches.sort_by(|a, b| (a.resource, &a.place, a.code).cmp(&(b.resource, &b.place, b.code)));
        let failed = Failed::of(&self.sketches);
        self.find_associations(&failed);
        let sketches = &self.sketches;
        let (mut causes, others) = causes_of(graph, sketches, &failed);
        settle(sketches, &mut causes, &others);
        let mut trees = Trees::of(sketches);
        let mut again = Vec::new();
        let mut unclear = Reasons::default();
        let tops = tops(&causes);
        for (index, &(top, depth)) in tops.iter().enumerate() {
            let (Some(cause), Some(head), Some(sketch)) = (causes.get(top), sketches.get(top), sketches.get(index))
            else {
                continue;
            };
            let Some(foot) = trees.foot(cause, top, head) else {
                self.summary.unexplained += 1;
                unclear.add_below(head, sketch);
                continue;
            };
            self.summary.unexplained += usize::from(matches!(foot, Foot::Present(_)));
            trees.tree(foot, index, depth).add(index, depth);
            again.push(Again::of(sketch, self.records));
        }
        trees.add_besides(&others, &causes, &tops, sketches);
        let Trees { roots, present, possible, .. } = trees;
        let absent = roots.keys().flat_map(|(lacks, _)| lacks.iter().copied());
        let lacks = absent.chain(present.keys().flatten().map(|(lack, _)| *lack)).collect();
        let spelling = Spelling::of(graph, &self.keys, sketches, &lacks);
        let mut named = named(&roots, &possible, &spelling, graph, sketches, &causes);
        let positions = self.positions(present.keys().flatten().filter_map(|(_, at)| *at).collect());
        let mut unexplained: Vec<Unexplained> = Vec::new();
        for (held, tree) in &present {
            for (lack, at) in held {
                let examples = match tree.failures {
                    0 => spelling.beside(lack, sketches.get(tree.leaf)),
                    _ => spelling.example(sketches, &causes, tree.leaf),
                };
                let resource = at.and_then(|at| self.records?.resource_at(at));
                let place = at.and_then(|at| positions.get(&at).cloned());
                let mut one = spelling.present(lack, resource, place, tree.failures + tree.also, examples);
                one.possible = held.len() > 1;
                again.extend(resource.zip(*at).and_then(|(resource, at)| Again::first(resource, &one.place, at)));
                unexplained.push(one);
            }
        }
        unexplained.sort_by(|a, b| {
            (b.failures, &a.resource, &a.place, &a.key).cmp(&(a.failures, &b.resource, &b.place, &b.key))
        });
        let (grouped, left) = self.groups.roots(graph, &mut unclear);
        join(&mut named, grouped);
        self.summary.unexplained += left;
        named.sort_by(|a, b| {
            (b.explains, b.also, &a.resource, &a.place, &a.key, &a.possible).cmp(&(
                a.explains,
                a.also,
                &b.resource,
                &b.place,
                &b.key,
                &b.possible,
            ))
        });
        let resend = in_load_order(graph, self.records, again);
        Causes {
            summary: self.summary,
            roots: named,
            unexplained,
            unplaced: unclear.list(graph),
            resend,
            with_folder: self.records.is_some(),
        }
    }

    /// Gives failures whose record the folder has the place of that record.
    fn take_places(&mut self) {
        let positions = self.positions(self.sketches.iter().filter_map(|sketch| sketch.at).collect());
        for sketch in &mut self.sketches {
            if let Some((file, line)) = sketch.at.and_then(|at| positions.get(&at)) {
                sketch.place = Place { file: Some(file.clone()), line: Some(*line), ..Place::default() };
            }
        }
    }

    fn positions(&self, spots: BTreeSet<Spot>) -> sent::Positions {
        match self.records {
            Some(records) if !spots.is_empty() => records.positions(spots),
            _ => sent::Positions::default(),
        }
    }

    /// Looks for the associations that no failure is of in the folder.
    fn find_associations(&mut self, failed: &Failed) {
        let Some(records) = self.records else { return };
        let graph = self.diagnoser.graph();
        let mut wanted: BTreeMap<(ResourceId, ResourceId), BTreeSet<Key>> = BTreeMap::new();
        for need in self.sketches.iter().flat_map(|sketch| &sketch.needs) {
            if let (Lack::Association(associations, key), Kin::Resource(person)) = (&need.lack, need.target)
                && failed.find(graph, need).is_none()
            {
                for association in associations {
                    wanted.entry((*association, person)).or_default().insert(*key);
                }
            }
        }
        let found: BTreeMap<(ResourceId, ResourceId), BTreeMap<Key, Spot>> = wanted
            .iter()
            .map(|(&(association, person), keys)| {
                ((association, person), records.speaking_of(association, person, keys))
            })
            .collect();
        for need in self.sketches.iter_mut().flat_map(|sketch| &mut sketch.needs) {
            if let (Lack::Association(associations, key), Kin::Resource(person)) = (&need.lack, need.target) {
                need.at = associations.iter().find_map(|id| found.get(&(*id, person))?.get(key).copied());
            }
        }
    }
}

/// The descriptor value that a message quotes.
fn quoted(seen: &Seen) -> Option<Value> {
    let uri = format!("{}#{}", seen.key.get("namespace")?, seen.key.get("codeValue")?);
    Some(uri.into())
}

/// The failed records by what others look for, the first of each.
#[derive(Default)]
struct Failed {
    by_key: HashMap<(ResourceId, Key), usize>,
    by_person: HashMap<(ResourceId, Key), usize>,
}

impl Failed {
    fn of(sketches: &[Sketch]) -> Self {
        let earliest = |key: fn(&Sketch) -> Option<Key>| -> HashMap<(ResourceId, Key), usize> {
            let places = sketches.iter().enumerate().rev();
            places.filter_map(|(place, sketch)| Some(((sketch.resource, key(sketch)?), place))).collect()
        };
        Self { by_key: earliest(|sketch| sketch.own), by_person: earliest(|sketch| sketch.person) }
    }

    fn find(&self, graph: &DependencyGraph, need: &Need) -> Option<usize> {
        match (&need.lack, need.target) {
            (Lack::Record(_, key), Kin::Resource(id)) => self.by_key.get(&(id, *key)).copied(),
            (Lack::Record(_, key), Kin::Abstract(place)) => {
                graph.subclasses_at(place).iter().find_map(|id| self.by_key.get(&(*id, *key)).copied())
            }
            (Lack::Association(associations, key), _) => {
                associations.iter().find_map(|id| self.by_person.get(&(*id, *key)).copied())
            }
        }
    }

    /// A person that was never created is denied as one without a pathway is; one that was denied itself
    /// exists.
    fn uncreated(&self, sketches: &[Sketch], (person, key): (ResourceId, Key)) -> Option<usize> {
        let place = self.by_key.get(&(person, key)).copied()?;
        sketches.get(place).is_some_and(|found| found.code != Code::RelationshipMissing).then_some(place)
    }
}

/// What is behind each failure, and what failures wait for besides, by failure.
fn causes_of<'s>(
    graph: &DependencyGraph,
    sketches: &'s [Sketch],
    failed: &Failed,
) -> (Vec<Cause<'s>>, Vec<(usize, Cause<'s>)>) {
    let mut causes = Vec::with_capacity(sketches.len());
    let mut others = Vec::new();
    for (index, sketch) in sketches.iter().enumerate() {
        let found: Vec<Option<usize>> = sketch.needs.iter().map(|need| failed.find(graph, need)).collect();
        let person = sketch.denied.and_then(|denied| failed.uncreated(sketches, denied));
        let above: Vec<usize> = found.iter().copied().flatten().chain(person).collect();
        let cause = cause(index, sketch, &above);
        others.extend(besides(index, sketch, &found, &cause).into_iter().map(|other| (index, other)));
        causes.push(cause);
    }
    (causes, others)
}

/// The roots with all that is told of them.
fn named<'s>(
    roots: &BTreeMap<Top<'s>, Tree>,
    possible: &BTreeMap<Top<'s>, Vec<&'s Need>>,
    spelling: &Spelling<'_>,
    graph: &DependencyGraph,
    sketches: &'s [Sketch],
    causes: &[Cause<'s>],
) -> Vec<Root> {
    let mut befallen: HashMap<&Outside, BTreeMap<ResourceName, usize>> = HashMap::new();
    for sketch in sketches {
        if let Some(outside) = &sketch.outside {
            *befallen.entry(outside).or_default().entry(graph.name(sketch.resource).clone()).or_default() += 1;
        }
    }
    let named = roots.iter().map(|(top, tree)| {
        if let Some(needs) = possible.get(top) {
            let examples = spelling.example(sketches, causes, tree.leaf);
            return Root { also: tree.also, ..spelling.one_of(needs, tree.failures, examples) };
        }
        let (lack, sketch) = (top.0.first().copied(), sketches.get(top.1));
        let examples = match lack {
            // The failure hangs below another root.
            Some(lack) if tree.failures == 0 => spelling.beside(lack, sketches.get(tree.leaf)),
            _ => spelling.example(sketches, causes, tree.leaf),
        };
        let mut root = Root { also: tree.also, ..spelling.root(sketch, lack, tree.failures, examples) };
        let outside = sketch.filter(|_| lack.is_none()).and_then(|sketch| sketch.outside.as_ref());
        root.resources = outside.and_then(|outside| befallen.remove(outside)).unwrap_or_default();
        root
    });
    named.collect()
}

/// Adds roots of failures without records. What is of no record has one cause, whether its records are at hand or not.
fn join(named: &mut Vec<Root>, grouped: Vec<Root>) {
    for root in grouped {
        let alike = named.iter_mut().find(|known| {
            root.lies_with.is_some()
                && (known.lies_with, known.code, &known.detail) == (root.lies_with, root.code, &root.detail)
        });
        match alike {
            Some(known) => {
                known.explains += root.explains;
                known.place = known.place.clone().min(root.place);
                for (resource, count) in root.resources {
                    *known.resources.entry(resource).or_default() += count;
                }
            }
            None => named.push(root),
        }
    }
}
