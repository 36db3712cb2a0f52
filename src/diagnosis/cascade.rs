//! Many failures, few causes: every failure hangs below the record, or the absent key, that caused it.
//!
//! Where a record is known, keys are followed record by record; where only the response is, failures
//! are grouped by resource, code and what they wait for, which is coarser and said to be.

mod coarse;
mod sent;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::codes::Code;
use super::identity::{Identity, of_person, of_record, of_reference, spelled};
use super::payload;
use super::verdict::Verdict;
use super::{Diagnoser, Diagnosis, Failure, Place, REDACTED};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{ResourceName, Target, Text};
use crate::plan::describe::full_load;
use coarse::Groups;

pub use sent::Sent;

/// The records that were sent, as a cascade needs them.
pub trait Records {
    /// The record of a resource at a place of a failure: its file and one of its lines.
    fn record(&self, resource: ResourceId, file: &str, line: usize) -> Option<Value>;

    /// Where a record with that key stands; `None` if no record has it.
    fn supplier(&self, identity: &Identity) -> Option<Place>;
}

/// Why many requests failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Causes {
    /// What failed, counted.
    pub summary: Summary,
    /// The root causes, those that explain most first.
    pub roots: Vec<Root>,
    /// What to send again once the roots are mended, in load order.
    pub resend: Vec<Resend>,
}

impl Causes {
    /// The same without the values of keys, which are data of students.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        for value in self.roots.iter_mut().flat_map(|root| root.key.values_mut()) {
            REDACTED.clone_into(value);
        }
        self
    }
}

/// Counts of failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// All failures.
    pub failures: usize,
    /// Failures by code.
    pub by_code: BTreeMap<&'static str, usize>,
    /// Failures that no root explains.
    #[serde(skip_serializing_if = "is_zero")]
    pub unexplained: usize,
    /// Failures that were grouped without their records.
    #[serde(skip_serializing_if = "is_zero")]
    pub grouped: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A record that failed for a reason of its own, or a key that no record supplies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Root {
    /// Its resource, or the abstract resource, by entity.
    pub resource: String,
    /// Its key, where it is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub key: BTreeMap<Text, String>,
    /// Where the record stands that failed.
    #[serde(flatten)]
    pub place: Place,
    /// Its code; of an absent key, that of the failures right below it.
    pub code: Code,
    /// Whether nothing supplies the key, as far as is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    /// Whether it stands for a group that was formed without records.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub grouped: bool,
    /// How many failures it explains, its own included.
    pub explains: usize,
    /// What is wrong with it: fields, for one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
    /// The longest chain below it, from the root on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// A record to send again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resend {
    /// Its resource.
    pub resource: ResourceName,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
}

/// Collects failures, then finds their causes.
pub struct Cascade<'a> {
    diagnoser: &'a Diagnoser<'a>,
    records: Option<&'a dyn Records>,
    sketches: Vec<Sketch>,
    /// The resource that a reference asks for by name where others share its keys.
    asked: Asked,
    groups: Groups,
    summary: Summary,
}

type Asked = BTreeMap<Identity, ResourceId>;

/// What is kept of a failure whose record is known.
struct Sketch {
    resource: ResourceId,
    place: Place,
    code: Code,
    /// The key of the record itself.
    own: Option<Identity>,
    /// The person it speaks of, where it is one of a pathway's associations.
    person: Option<Identity>,
    needs: Vec<Need>,
    /// Whether all needs are missing, or any one may be.
    sure: bool,
    detail: Vec<String>,
}

/// What a failure waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Need {
    /// A record with that key.
    Record(Identity),
    /// Any record of these associations that speaks of that person.
    Association(Vec<ResourceId>, Identity),
}

/// Everything below one root.
struct Tree {
    failures: usize,
    /// How far the failure is that is farthest from the root, and which it is.
    depth: usize,
    leaf: usize,
}

/// Why a record failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            sketches: Vec::new(),
            asked: BTreeMap::new(),
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
            self.summary.grouped += left;
            self.groups.add(resource, failure, diagnosis, left);
        }
    }

    fn sketch(&mut self, resource: ResourceId, place: Place, record: &Value, diagnosis: &Diagnosis) {
        let graph = self.diagnoser.graph();
        let mut needs = Vec::new();
        match (diagnosis.code, &diagnosis.pathway) {
            (Code::UnresolvedReference | Code::DescriptorValueMissing, _) => {
                needs.extend(self.missing(resource, record, diagnosis).into_iter().map(Need::Record));
            }
            (Code::RelationshipMissing, Some((person, associations))) if diagnosis.verdict != Verdict::Contradicted => {
                let found = of_person(graph, *person, record);
                needs.extend(found.map(|person| Need::Association(associations.clone(), person)));
            }
            _ => {}
        }
        let pathway = graph.pathways().iter().find(|p| p.associations.contains(graph.name(resource)));
        let person = pathway.and_then(|p| of_person(graph, graph.id(&p.person)?, record));
        let detail = diagnosis.missing_fields.iter().take(5).cloned().collect();
        self.sketches.push(Sketch {
            resource,
            place,
            code: diagnosis.code,
            own: of_record(graph, resource, record),
            person,
            needs,
            sure: diagnosis.verdict == Verdict::Confirmed,
            detail,
        });
    }

    /// The keys that the references of a diagnosis ask for.
    fn missing(&mut self, resource: ResourceId, record: &Value, diagnosis: &Diagnosis) -> Vec<Identity> {
        let graph = self.diagnoser.graph();
        let mut found = Vec::new();
        for seen in &diagnosis.references {
            for reference in self.diagnoser.names().at(resource, &seen.path) {
                for (path, value) in payload::values(record, &reference.path) {
                    let here = path == seen.path || !seen.path.contains(|c: char| c.is_ascii_digit());
                    let Some(identity) = of_reference(graph, resource, reference, value).filter(|_| here) else {
                        continue;
                    };
                    if let Target::Resource(name) = &reference.target
                        && let Some(target) = graph.id(name)
                    {
                        let asked = self.asked.entry(identity.clone()).or_insert(target);
                        *asked = target.min(*asked);
                    }
                    if !found.contains(&identity) {
                        found.push(identity);
                    }
                }
            }
        }
        found
    }

    /// The causes of everything that was added. O(failures × log failures).
    #[must_use]
    pub fn causes(mut self) -> Causes {
        let graph = self.diagnoser.graph();
        self.sketches.sort_by(|a, b| (a.resource, &a.place).cmp(&(b.resource, &b.place)));
        let asked = &self.asked;
        let by_key: HashMap<&Identity, usize> =
            self.sketches.iter().enumerate().rev().filter_map(|(i, s)| Some((s.own.as_ref()?, i))).collect();
        let by_person: HashMap<(ResourceId, &Identity), usize> = self
            .sketches
            .iter()
            .enumerate()
            .rev()
            .filter_map(|(i, s)| Some(((s.resource, s.person.as_ref()?), i)))
            .collect();
        let failed = |need: &Need| match need {
            Need::Record(identity) => by_key.get(identity).copied(),
            Need::Association(associations, person) => {
                associations.iter().find_map(|id| by_person.get(&(*id, person)).copied())
            }
        };
        let causes: Vec<Cause<'_>> =
            self.sketches.iter().enumerate().map(|(i, s)| cause(i, s, &failed, self.records)).collect();
        let found = tops(&causes);
        let mut roots: BTreeMap<(Option<&Need>, usize), Tree> = BTreeMap::new();
        let mut resend = Vec::new();
        for (index, top) in found.iter().enumerate() {
            let Some((top, depth)) = *top else {
                self.summary.unexplained += 1;
                continue;
            };
            let entry = match causes.get(top) {
                Some(Cause::Absent(need)) => (Some(*need), 0),
                _ => (None, top),
            };
            let tree = roots.entry(entry).or_insert(Tree { failures: 0, depth, leaf: index });
            tree.failures += 1;
            if depth > tree.depth {
                (tree.depth, tree.leaf) = (depth, index);
            }
            resend.push(index);
        }
        let mut named: Vec<Root> = roots
            .into_iter()
            .map(|((need, top), tree)| {
                let chain = chain(graph, asked, &self.sketches, &causes, tree.leaf);
                root(graph, asked, self.sketches.get(top), need, tree.failures, chain)
            })
            .collect();
        let (grouped, unexplained) = self.groups.roots(graph);
        named.extend(grouped);
        self.summary.unexplained += unexplained;
        named.sort_by(|a, b| {
            (b.explains, &a.resource, &a.place, &a.key).cmp(&(a.explains, &b.resource, &b.place, &b.key))
        });
        let resend = in_load_order(graph, resend.iter().filter_map(|&i| self.sketches.get(i)));
        Causes { summary: self.summary, roots: named, resend }
    }
}

fn cause<'s>(
    index: usize,
    sketch: &'s Sketch,
    failed: &impl Fn(&Need) -> Option<usize>,
    records: Option<&dyn Records>,
) -> Cause<'s> {
    let waits =
        matches!(sketch.code, Code::UnresolvedReference | Code::DescriptorValueMissing | Code::RelationshipMissing);
    if !waits {
        return if sketch.code == Code::Unknown { Cause::Unclear } else { Cause::Own };
    }
    if let Some(above) = sketch.needs.iter().filter_map(failed).find(|above| *above != index) {
        return Cause::Under(above);
    }
    let supplied = |need: &&Need| match (records, need) {
        (Some(records), Need::Record(identity)) => records.supplier(identity).is_some(),
        _ => false,
    };
    let absent: Vec<&Need> = sketch.needs.iter().filter(|need| !supplied(need)).collect();
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
fn chain(
    graph: &DependencyGraph,
    asked: &Asked,
    sketches: &[Sketch],
    causes: &[Cause<'_>],
    leaf: usize,
) -> Vec<String> {
    let mut steps = Vec::new();
    let mut at = leaf;
    while let Some(sketch) = sketches.get(at).filter(|_| steps.len() < 20) {
        let name = graph.name(sketch.resource).short();
        steps.push(match (&sketch.place.file, sketch.place.line.or(sketch.place.index)) {
            (Some(file), Some(line)) => format!("{name} ({file}:{line})"),
            (None, Some(line)) => format!("{name} ({line})"),
            _ => name.to_owned(),
        });
        match causes.get(at) {
            Some(Cause::Under(above)) => at = *above,
            Some(Cause::Absent(need)) => {
                steps.push(needed(graph, asked, need).0.trim_start_matches("/ed-fi/").to_owned());
                break;
            }
            _ => break,
        }
    }
    steps.reverse();
    steps
}

/// What a need is for, and its key.
fn needed(graph: &DependencyGraph, asked: &Asked, need: &Need) -> (String, BTreeMap<Text, String>) {
    match need {
        Need::Record(identity) => match asked.get(identity) {
            Some(&id) => (graph.name(id).to_string(), spelled(graph, id, identity)),
            None => (identity.class.to_string(), identity.key.clone()),
        },
        Need::Association(associations, person) => {
            let names: Vec<String> = associations.iter().map(|&id| graph.name(id).to_string()).collect();
            (names.join(" or "), person.key.clone())
        }
    }
}

fn root(
    graph: &DependencyGraph,
    asked: &Asked,
    sketch: Option<&Sketch>,
    need: Option<&Need>,
    explains: usize,
    chain: Vec<String>,
) -> Root {
    let examples = if chain.len() > 1 { vec![chain.join(" → ")] } else { Vec::new() };
    let (resource, key) = match (need, sketch) {
        (Some(need), _) => needed(graph, asked, need),
        (None, Some(sketch)) => {
            let key = sketch.own.as_ref().map(|own| spelled(graph, sketch.resource, own)).unwrap_or_default();
            (graph.name(sketch.resource).to_string(), key)
        }
        (None, None) => Default::default(),
    };
    let own = sketch.filter(|_| need.is_none());
    let code = match need {
        Some(Need::Association(..)) => Code::RelationshipMissing,
        Some(Need::Record(identity)) if identity.class.ends_with("Descriptors") => Code::DescriptorValueMissing,
        Some(Need::Record(_)) => Code::UnresolvedReference,
        None => own.map_or(Code::Unknown, |s| s.code),
    };
    Root {
        resource,
        key,
        place: own.map(|s| s.place.clone()).unwrap_or_default(),
        code,
        absent: need.is_some(),
        grouped: false,
        explains,
        detail: own.map(|s| s.detail.clone()).unwrap_or_default(),
        examples,
    }
}

/// Records in the order in which they can be loaded, then by place.
fn in_load_order<'s>(graph: &DependencyGraph, sketches: impl Iterator<Item = &'s Sketch>) -> Vec<Resend> {
    let mut wave: HashMap<ResourceName, usize> = HashMap::new();
    for (number, step) in
        full_load(graph).iter().flat_map(|plan| &plan.waves).flat_map(|w| w.steps.iter().map(move |s| (w.wave, s)))
    {
        wave.entry(step.resource.clone()).or_insert(number);
    }
    let mut resend: Vec<(usize, Resend)> = sketches
        .map(|sketch| {
            let resource = graph.name(sketch.resource).clone();
            (wave.get(&resource).copied().unwrap_or(0), Resend { resource, place: sketch.place.clone() })
        })
        .collect();
    resend.sort_by(|(a, left), (b, right)| (a, &left.resource, &left.place).cmp(&(b, &right.resource, &right.place)));
    resend.into_iter().map(|(_, one)| one).collect()
}
