//! What the graph says of a message: the facts of a response against references, collections and pathways.

mod blockers;
mod conflicts;
mod descriptors;
mod pathways;
mod reach;
mod references;
mod routes;
mod standings;
mod unification;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::codes::Code;
use super::names::{Meaning, Names, Sort};
use super::payload;
use super::remedy::Plans;
use super::response::Facts;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Reference, Target};
use crate::records::Need;

pub(super) use pathways::{Way, by_person};
pub(super) use standings::There;

/// What the graph says of an error message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The model has the dependency that the message speaks of.
    Confirmed,
    /// The model rules out what the message says.
    Contradicted,
    /// Several causes fit.
    Ambiguous,
    /// Too little is known of the request or of the model.
    Inconclusive,
    /// Neither order nor a missing record is the cause.
    NotADependencyMatter,
}

impl Verdict {
    /// Its stable name, for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Ambiguous => "ambiguous",
            Self::Inconclusive => "inconclusive",
            Self::NotADependencyMatter => "not-a-dependency-matter",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotADependencyMatter => "not a dependency matter",
            other => other.name(),
        })
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A reference that bears on a failure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Where: as the message or the payload has it, otherwise with `[*]`.
    pub path: String,
    /// What it points to: a resource, an abstract resource by entity, or a name nothing resolves.
    pub target: String,
    /// Whether the record must have it.
    pub required: bool,
    /// Whether it is part of the natural key.
    pub identifying: bool,
    /// The key that the payload or the message gives.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub key: BTreeMap<String, String>,
}

/// Everything known of one failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) graph: &'a DependencyGraph,
    pub(super) names: &'a Names<'a>,
    pub(super) plans: &'a Plans,
    pub(super) facts: &'a Facts,
    /// The resource of the request, where it is given and known.
    pub(super) resource: Option<ResourceId>,
    /// The path, URL or name of that resource as it was given.
    pub(super) request: Option<&'a str>,
    pub(super) method: Option<&'a str>,
    pub(super) payload: Option<&'a Value>,
    /// How the references of the record stand on the API, where it was asked.
    pub(super) on_server: &'a [Need],
}

/// A verdict with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// Why, in sentences.
    pub(super) because: Vec<String>,
    /// References that confirm the message, or that can be meant instead of what it names.
    pub(super) seen: Vec<Seen>,
    /// What must be loaded first.
    pub(super) missing: Vec<Meaning>,
    /// What must be deleted first, named ones before the others.
    pub(super) blocking: Vec<ResourceId>,
    /// Ways to make people visible, any of which suffices.
    pub(super) ways: Vec<Way>,
    /// What the server has, where it was asked.
    pub(super) there: There,
    /// What to do, where it is not what the code says in general.
    pub(super) advice: Option<String>,
}

impl Judgement {
    /// The person that the message is about, and all that can make it visible.
    pub(super) fn pathway(&self) -> Option<(ResourceId, Vec<ResourceId>)> {
        let person = self.ways.first()?.person;
        let ways = self.ways.iter().filter(|way| way.person == person);
        Some((person, ways.flat_map(|way| way.associations.iter().copied()).collect()))
    }

    fn new(verdict: Verdict, because: impl Into<String>) -> Self {
        Self {
            verdict,
            because: vec![because.into()],
            seen: Vec::new(),
            missing: Vec::new(),
            blocking: Vec::new(),
            ways: Vec::new(),
            there: There::default(),
            advice: None,
        }
    }

    fn and(mut self, because: impl Into<String>) -> Self {
        self.because.push(because.into());
        self
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// What one name of a message turns out to be.
struct Finding {
    verdict: Verdict,
    because: Vec<String>,
    seen: Vec<Seen>,
    missing: Option<Meaning>,
}

/// Judges a failure.
pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let Some(resource) = case.resource else { return without_resource(case) };
    standings::weigh(case, by_the_graph(case, resource))
}

fn by_the_graph(case: &Case<'_>, resource: ResourceId) -> Judgement {
    match case.facts.code() {
        Code::UnresolvedReference => references::unresolved(case, resource),
        Code::DescriptorValueMissing => descriptors::missing_value(case, resource),
        Code::DependentExists => blockers::blocked(case, resource),
        Code::RelationshipMissing => pathways::relationship(case, resource),
        Code::KeyChangeNotSupported => conflicts::key_change(case, resource),
        Code::IdentityConflict => conflicts::identity(case, resource),
        Code::KeyUnificationConflict => unification::conflict(case, resource),
        Code::RequiredFieldMissing | Code::IncompleteReference => conflicts::missing_fields(case, resource),
        _ => elsewhere(case),
    }
}

fn without_resource(case: &Case<'_>) -> Judgement {
    let code = case.facts.code();
    if !code.is_dependency_matter() {
        return elsewhere(case);
    }
    let mut judgement =
        Judgement::new(Verdict::Inconclusive, "The request's resource is not known here, so nothing can be checked.");
    match code {
        // What the names need is known all the same.
        Code::UnresolvedReference | Code::DescriptorValueMissing => {
            let meant = case.facts.named.iter().filter_map(|named| case.names.resolve(&named.text, None));
            judgement.missing = meant.filter(|meaning| !matches!(meaning.sort, Sort::Child(_))).collect();
        }
        Code::RelationshipMissing => judgement.ways = pathways::ways(case),
        _ => {}
    }
    judgement
}

fn elsewhere(case: &Case<'_>) -> Judgement {
    match case.facts.code() {
        Code::Unknown if case.facts.cut_off => {
            Judgement::new(Verdict::Inconclusive, "The JSON is cut off, and half of it may mean anything.")
        }
        Code::Unknown => {
            Judgement::new(Verdict::Inconclusive, "The answer is none that an Ed-Fi API is known to give.")
        }
        Code::NotFound => routes::not_found(case),
        code => Judgement::new(Verdict::NotADependencyMatter, code.explanation().meaning),
    }
}

impl Case<'_> {
    /// The name of a resource for people.
    fn short(&self, id: ResourceId) -> &str {
        self.graph.name(id).short()
    }

    /// A reference with the keys that the payload gives at it; several where a collection has several.
    fn seen(&self, reference: &Reference) -> Vec<Seen> {
        let plain = |path: String, key| Seen {
            path,
            target: target_name(reference),
            required: reference.required,
            identifying: reference.identifying,
            key,
        };
        let values = self.payload.map(|payload| payload::values(payload, &reference.path)).unwrap_or_default();
        if values.is_empty() {
            return vec![plain(reference.path.to_string(), BTreeMap::new())];
        }
        values.into_iter().map(|(path, value)| plain(path, payload::key(reference, value))).collect()
    }

    /// References of the request's resource that can be meant where a message names none of them:
    /// those the payload uses, or all, descriptors left out unless there is nothing else.
    fn candidates(&self, resource: ResourceId, within: Option<&str>) -> Vec<Seen> {
        let all = self.graph.resource(resource).references.iter();
        let fits = |r: &&Reference| within.is_none_or(|parent| super::names::below(&r.path, parent));
        let used = |r: &&Reference| self.payload.is_none_or(|payload| payload::has(payload, r));
        let fitting: Vec<&Reference> = all.filter(fits).filter(used).filter(|r| !self.leads_to_descriptor(r)).collect();
        let mut seen: Vec<Seen> = fitting.into_iter().flat_map(|r| self.seen(r)).collect();
        // Required and identifying ones are the likelier.
        seen.sort_by_key(|s| (!s.required, !s.identifying));
        seen
    }

    fn leads_to_descriptor(&self, reference: &Reference) -> bool {
        match &reference.target {
            Target::Resource(name) => {
                self.graph.id(name).is_some_and(|id| self.graph.resource(id).kind == crate::model::Kind::Descriptor)
            }
            Target::Abstract(_) => false,
            Target::Unresolved(name) => name.to_ascii_lowercase().ends_with("descriptor"),
        }
    }
}

/// What a reference points to, as reports write it.
pub(super) fn target_name(reference: &Reference) -> String {
    match &reference.target {
        Target::Resource(name) => name.to_string(),
        Target::Abstract(entity) => entity.to_string(),
        Target::Unresolved(name) => name.to_string(),
    }
}

/// The target of a reference for people.
fn short_target(seen: &Seen) -> &str {
    seen.target.strip_prefix("/ed-fi/").unwrap_or(seen.target.trim_start_matches('/'))
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(super) fn several(items: &[String], most: usize) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        items if items.len() <= most => {
            let (last, rest) = items.split_last().map_or((String::new(), items), |(l, r)| (l.clone(), r));
            format!("{} and {last}", rest.join(", "))
        }
        items => {
            let shown: Vec<String> = items.iter().take(most).cloned().collect();
            format!("{} and {} more", shown.join(", "), items.len() - most)
        }
    }
}
