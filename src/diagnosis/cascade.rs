//! Many failures, few causes: every failure hangs below the record, or the absent key, that caused it.
//!
//! Where a record is known, keys are followed record by record; where only the response is, failures
//! are grouped by resource, code and what they wait for, which is coarser and said to be.

mod causes;
mod coarse;
mod sent;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::codes::Code;
use super::identity::{Identity, Keys, Kin, Spelled};
use super::payload;
use super::verdict::Verdict;
use super::{Diagnoser, Diagnosis, Failure, Place};
use crate::graph::{Aim, DependencyGraph, ResourceId};
use crate::model::{Kind, Reference, ResourceName, Text};
use crate::plan::describe::full_load;
use crate::records::{Key, KeyValues};
use coarse::Groups;

pub use causes::{Causes, Resend, Root, Summary};
pub use sent::{Sent, Wanted};

/// The records that were sent, as a cascade needs them.
pub trait Records {
    /// The record of a resource at a place of a failure: its file and one of its lines.
    fn record(&self, resource: ResourceId, file: &str, line: usize) -> Option<Value>;

    /// Whether a record with that key was sent; the key is given by the names of the target.
    fn supplies(&self, target: Aim, key: &KeyValues) -> bool;
}

/// Collects failures, then finds their causes.
pub struct Cascade<'a> {
    diagnoser: &'a Diagnoser<'a>,
    records: Option<&'a dyn Records>,
    keys: Keys<'a>,
    sketches: Vec<Sketch>,
    groups: Groups,
    summary: Summary,
}

/// What is kept of a failure whose record is known.
struct Sketch {
    resource: ResourceId,
    place: Place,
    code: Code,
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
    detail: Vec<String>,
}

/// What a failure waits for.
struct Need {
    lack: Lack,
    /// What the reference asks for by name; of an association the person.
    target: Kin,
    spelled: Spelled,
    /// Whether some file has it.
    supplied: bool,
}

/// What may be absent; equal for all that wait for the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Lack {
    /// A record with that key.
    Record(Kin, Key),
    /// Any record of these associations that speaks of that person.
    Association(Vec<ResourceId>, Key),
}

/// Everything below one root.
struct Tree {
    failures: usize,
    /// How far the failure is that is farthest from the root, and which it is.
    depth: usize,
    leaf: usize,
}

/// Why a record failed.
#[derive(Clone, Copy)]
enum Cause<'s> {
    /// For a reason of its own.
    Own,
    /// Because another record failed.
    Under(usize),
    /// Because nothing supplies what it needs.
    Absent(&'s Need),
    Unclear,
}

impl<'a> Cascade<'a> {
    /// An empty cascade; `records` are what was sent, where that is at hand.
    #[must_use]
    pub fn new(diagnoser: &'a Diagnoser<'a>, records: Option<&'a dyn Records>) -> Self {
        Self {
            diagnoser,
            records,
            keys: Keys::of(diagnoser.graph()),
            sketches: Vec::new(),
            groups: Groups::default(),
            summary: Summary::default(),
        }
    }

    /// Adds a failure and its diagnosis.
    pub fn add(&mut self, failure: &Failure, diagnosis: &Diagnosis) {
        let mut left = failure.count.max(1);
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
            if !diagnosis.code.spares_no_request() {
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
                    supplied: false,
                }));
            }
            _ => {}
        }
        let denied = diagnosis.pathway.as_ref().filter(|_| diagnosis.code == Code::RelationshipMissing);
        let denied = denied.and_then(|(person, _)| Some((*person, self.keys.of_person(*person, record)?.key)));
        let pathway = graph.pathways().iter().find(|p| p.associations.contains(graph.name(resource)));
        let person = pathway.and_then(|p| self.keys.of_person(graph.id(&p.person)?, record));
        let own = self.keys.of_record(resource, record);
        self.sketches.push(Sketch {
            resource,
            place,
            code: diagnosis.code,
            own: own.as_ref().map(|own| own.key),
            spelled: own.map(|own| own.spelled).filter(|_| needs.is_empty()),
            person: person.map(|person| person.key),
            denied,
            needs,
            sure: diagnosis.verdict == Verdict::Confirmed,
            detail: diagnosis.missing_fields.iter().take(5).cloned().collect(),
        });
    }

    /// The keys that the references of a diagnosis ask for.
    fn missing(&self, resource: ResourceId, record: &Value, diagnosis: &Diagnosis) -> Vec<Need> {
        let mut found: Vec<Need> = Vec::new();
        for seen in &diagnosis.references {
            for reference in self.diagnoser.names().at(resource, &seen.path) {
                for (path, value) in payload::values(record, &reference.path) {
                    let here = path == seen.path || !seen.path.contains(|c: char| c.is_ascii_digit());
                    let need = here.then(|| self.asked(resource, reference, value)).flatten();
                    found.extend(need.filter(|need| found.iter().all(|other| other.lack != need.lack)));
                }
            }
        }
        found
    }

    fn asked(&self, resource: ResourceId, reference: &Reference, value: &Value) -> Option<Need> {
        let (target, values) = self.keys.asked(resource, reference, value)?;
        let Identity { key, spelled } = self.keys.of_asked(target, &values)?;
        let aim = match target {
            Kin::Resource(id) => Aim::Resource(id),
            Kin::Abstract(place) => Aim::Abstract(place),
        };
        let supplied = self.records.is_some_and(|records| records.supplies(aim, &values));
        Some(Need { lack: Lack::Record(self.keys.kin(target), key), target, spelled, supplied })
    }

    /// The causes of everything that was added. O(failures × log failures).
    #[must_use]
    pub fn causes(mut self) -> Causes {
        let graph = self.diagnoser.graph();
        self.sketches.sort_by(|a, b| (a.resource, &a.place).cmp(&(b.resource, &b.place)));
        let sketches = &self.sketches;
        let earliest = |key: fn(&Sketch) -> Option<Key>| -> HashMap<(ResourceId, Key), usize> {
            let places = sketches.iter().enumerate().rev();
            places.filter_map(|(place, sketch)| Some(((sketch.resource, key(sketch)?), place))).collect()
        };
        let (by_key, by_person) = (earliest(|sketch| sketch.own), earliest(|sketch| sketch.person));
        let failed = |need: &Need| match (&need.lack, need.target) {
            (Lack::Record(_, key), Kin::Resource(id)) => by_key.get(&(id, *key)).copied(),
            (Lack::Record(_, key), Kin::Abstract(place)) => {
                graph.subclasses_at(place).iter().find_map(|id| by_key.get(&(*id, *key)).copied())
            }
            (Lack::Association(associations, key), _) => {
                associations.iter().find_map(|id| by_person.get(&(*id, *key)).copied())
            }
        };
        // A person that was never created is denied as one without a pathway is; one that was denied
        // itself exists.
        let uncreated = |(person, key): (ResourceId, Key)| {
            let place = by_key.get(&(person, key)).copied()?;
            sketches.get(place).is_some_and(|found| found.code != Code::RelationshipMissing).then_some(place)
        };
        let above = |sketch: &Sketch| -> Vec<usize> {
            let person = sketch.denied.and_then(uncreated);
            sketch.needs.iter().filter_map(&failed).chain(person).collect()
        };
        let causes: Vec<Cause<'_>> = sketches.iter().enumerate().map(|(i, s)| cause(i, s, &above(s))).collect();
        let mut of_code: HashMap<Code, usize> = HashMap::new();
        let mut roots: BTreeMap<(Option<&Lack>, usize), Tree> = BTreeMap::new();
        let mut explained = Vec::new();
        for (index, top) in tops(&causes).into_iter().enumerate() {
            let Some((top, depth)) = top else {
                self.summary.unexplained += 1;
                continue;
            };
            let entry = match causes.get(top) {
                Some(Cause::Absent(need)) => (Some(&need.lack), 0),
                _ => (None, first_alike(&mut of_code, sketches, top)),
            };
            let tree = roots.entry(entry).or_insert(Tree { failures: 0, depth, leaf: index });
            tree.failures += 1;
            if depth > tree.depth {
                (tree.depth, tree.leaf) = (depth, index);
            }
            explained.push(index);
        }
        let spelling = Spelling { graph, keys: &self.keys, absent: absent(&roots, sketches) };
        let mut named: Vec<Root> = roots
            .iter()
            .map(|((lack, top), tree)| {
                let chain = chain(&spelling, sketches, &causes, tree.leaf);
                root(&spelling, sketches.get(*top), *lack, tree.failures, chain)
            })
            .collect();
        let (grouped, unexplained) = self.groups.roots(graph);
        for root in grouped {
            // What befalls every request has one cause, whether its records are at hand or not.
            let alike = named.iter_mut().find(|known| root.resource.is_empty() && known.code == root.code);
            match alike.filter(|known| known.resource.is_empty()) {
                Some(known) => known.explains += root.explains,
                None => named.push(root),
            }
        }
        self.summary.unexplained += unexplained;
        named.sort_by(|a, b| {
            (b.explains, &a.resource, &a.place, &a.key).cmp(&(a.explains, &b.resource, &b.place, &b.key))
        });
        let resend = in_load_order(graph, explained.iter().filter_map(|&i| sketches.get(i)));
        Causes { summary: self.summary, roots: named, resend }
    }
}

/// The first failure of that code where one cause is behind all of them; otherwise the failure itself.
fn first_alike(of_code: &mut HashMap<Code, usize>, sketches: &[Sketch], top: usize) -> usize {
    match sketches.get(top) {
        Some(sketch) if sketch.code.spares_no_request() => *of_code.entry(sketch.code).or_insert(top),
        _ => top,
    }
}

/// How absent keys are written: by the resource that some reference asks for by name, where others
/// share its keys, and in the first of all spellings.
struct Spelling<'c> {
    graph: &'c DependencyGraph,
    keys: &'c Keys<'c>,
    absent: BTreeMap<&'c Lack, (Kin, &'c Spelled)>,
}

/// The absent keys among the roots. O(needs × log roots).
fn absent<'s>(
    roots: &BTreeMap<(Option<&'s Lack>, usize), Tree>,
    sketches: &'s [Sketch],
) -> BTreeMap<&'s Lack, (Kin, &'s Spelled)> {
    let mut found: BTreeMap<&Lack, (Kin, &Spelled)> = BTreeMap::new();
    for need in sketches.iter().flat_map(|sketch| &sketch.needs) {
        if roots.contains_key(&(Some(&need.lack), 0)) {
            // Resources stand before abstract ones.
            let asked = (need.target, &need.spelled);
            let known = found.entry(&need.lack).or_insert(asked);
            *known = asked.min(*known);
        }
    }
    found
}

fn cause<'s>(index: usize, sketch: &'s Sketch, above: &[usize]) -> Cause<'s> {
    let waits =
        matches!(sketch.code, Code::UnresolvedReference | Code::DescriptorValueMissing | Code::RelationshipMissing);
    if !waits {
        return if sketch.code == Code::Unknown { Cause::Unclear } else { Cause::Own };
    }
    if let Some(above) = above.iter().find(|above| **above != index) {
        return Cause::Under(*above);
    }
    let absent: Vec<&Need> = sketch.needs.iter().filter(|need| !need.supplied).collect();
    match absent.as_slice() {
        [only] => Cause::Absent(only),
        [first, ..] if sketch.sure => Cause::Absent(first),
        // A denial without a person, and a message without a reference, stand for themselves.
        [] if sketch.code == Code::RelationshipMissing && sketch.needs.is_empty() => Cause::Own,
        _ => Cause::Unclear,
    }
}

/// For every failure the one at the top of its chain and how far away that is; `None` where the chain
/// ends in nothing or runs in a circle. Each failure is visited once.
fn tops(causes: &[Cause<'_>]) -> Vec<Option<(usize, usize)>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Unseen,
        Open,
        Done(Option<(usize, usize)>),
    }
    let mut states = vec![State::Unseen; causes.len()];
    for start in 0..causes.len() {
        let mut way = Vec::new();
        let mut at = start;
        let mut top = loop {
            match (states.get(at).copied(), causes.get(at)) {
                (Some(State::Done(top)), _) => break top,
                (Some(State::Unseen), Some(Cause::Under(above))) => {
                    states[at] = State::Open;
                    way.push(at);
                    at = *above;
                }
                (Some(State::Unseen), Some(Cause::Own | Cause::Absent(_))) => {
                    states[at] = State::Done(Some((at, 0)));
                    break Some((at, 0));
                }
                // A circle, or a cause nobody knows.
                _ => break None,
            }
        };
        while let Some(below) = way.pop() {
            top = top.map(|(top, depth)| (top, depth + 1));
            states[below] = State::Done(top);
        }
        if states[start] == State::Unseen {
            states[start] = State::Done(top);
        }
    }
    states.into_iter().map(|state| if let State::Done(top) = state { top } else { None }).collect()
}

/// The chain from the root to a failure, at most twenty steps of it.
fn chain(spelling: &Spelling<'_>, sketches: &[Sketch], causes: &[Cause<'_>], leaf: usize) -> Vec<String> {
    let mut steps = Vec::new();
    let mut at = leaf;
    while let Some(sketch) = sketches.get(at).filter(|_| steps.len() < 20) {
        let name = spelling.graph.name(sketch.resource).short();
        steps.push(match (&sketch.place.file, sketch.place.line.or(sketch.place.index)) {
            (Some(file), Some(line)) => format!("{name} ({file}:{line})"),
            (None, Some(line)) => format!("{name} ({line})"),
            _ => name.to_owned(),
        });
        match causes.get(at) {
            Some(Cause::Under(above)) => at = *above,
            Some(Cause::Absent(need)) => {
                steps.push(spelling.lacking(&need.lack).0.trim_start_matches("/ed-fi/").to_owned());
                break;
            }
            _ => break,
        }
    }
    steps.reverse();
    steps
}

impl Spelling<'_> {
    /// What is absent, and its key.
    fn lacking(&self, lack: &Lack) -> (String, BTreeMap<Text, String>) {
        let Some(&(target, spelled)) = self.absent.get(lack) else { return Default::default() };
        let what = match (lack, target) {
            (Lack::Association(associations, _), _) => {
                let names: Vec<String> = associations.iter().map(|&id| self.graph.name(id).to_string()).collect();
                names.join(" or ")
            }
            (Lack::Record(..), Kin::Resource(id)) => self.graph.name(id).to_string(),
            (Lack::Record(..), Kin::Abstract(place)) => {
                self.graph.abstracts().get(place).map(|found| found.entity.to_string()).unwrap_or_default()
            }
        };
        (what, self.keys.named(target, spelled).collect())
    }
}

fn root(
    spelling: &Spelling<'_>,
    sketch: Option<&Sketch>,
    lack: Option<&Lack>,
    explains: usize,
    chain: Vec<String>,
) -> Root {
    let examples = if chain.len() > 1 { vec![chain.join(" → ")] } else { Vec::new() };
    let own = sketch.filter(|_| lack.is_none());
    let (resource, key) = match (lack, own) {
        (Some(lack), _) => spelling.lacking(lack),
        (None, Some(sketch)) if sketch.code.spares_no_request() => Default::default(),
        (None, Some(sketch)) => {
            let of = Kin::Resource(sketch.resource);
            let key = sketch.spelled.iter().flat_map(|spelled| spelling.keys.named(of, spelled)).collect();
            (spelling.graph.name(sketch.resource).to_string(), key)
        }
        (None, None) => Default::default(),
    };
    let descriptor = |kin: &Kin| match kin {
        Kin::Resource(id) => spelling.graph.resource(*id).kind == Kind::Descriptor,
        Kin::Abstract(_) => false,
    };
    let code = match lack {
        Some(Lack::Association(..)) => Code::RelationshipMissing,
        Some(Lack::Record(kin, _)) if descriptor(kin) => Code::DescriptorValueMissing,
        Some(Lack::Record(..)) => Code::UnresolvedReference,
        None => own.map_or(Code::Unknown, |s| s.code),
    };
    Root {
        resource,
        key,
        place: own.map(|s| s.place.clone()).unwrap_or_default(),
        code,
        absent: lack.is_some(),
        grouped: false,
        explains,
        detail: own.map(|s| s.detail.clone()).unwrap_or_default(),
        examples,
    }
}

/// Records in the order in which they can be loaded, then by place.
fn in_load_order<'s>(graph: &DependencyGraph, sketches: impl Iterator<Item = &'s Sketch>) -> Vec<Resend> {
    // A person is created early and updated once its associations are there: first and last wave.
    let mut wave: HashMap<ResourceName, (usize, usize)> = HashMap::new();
    for (number, step) in
        full_load(graph).iter().flat_map(|plan| &plan.waves).flat_map(|w| w.steps.iter().map(move |s| (w.wave, s)))
    {
        wave.entry(step.resource.clone()).or_insert((number, number)).1 = number;
    }
    let mut resend: Vec<(usize, Resend)> = sketches
        .map(|sketch| {
            let resource = graph.name(sketch.resource).clone();
            let (first, last) = wave.get(&resource).copied().unwrap_or_default();
            let at = if sketch.code == Code::RelationshipMissing { last } else { first };
            (at, Resend { resource, place: sketch.place.clone() })
        })
        .collect();
    resend.sort_by(|(a, left), (b, right)| (a, &left.resource, &left.place).cmp(&(b, &right.resource, &right.place)));
    resend.into_iter().map(|(_, one)| one).collect()
}
