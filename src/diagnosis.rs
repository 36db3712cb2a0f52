//! What an API's error message means, checked against the graph.
//!
//! ```text
//! bytes → input (which failures) → response (facts) → verdict (facts + graph) → remedy (an ordered plan)
//!                                                   many failures → cascade (root causes)
//! ```
//!
//! The code of a diagnosis comes from the response alone; the graph gives the verdict. A message is a
//! witness, not the truth: it may name the resource being written, a collection, a table or nothing.

pub mod cascade;
mod catalogue;
mod codes;
mod identity;
pub mod input;
mod names;
mod outside;
mod payload;
mod remedy;
mod response;
mod silence;
mod template;
mod verdict;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use serde_json::Value;

pub use catalogue::{Template, catalogue};
pub use codes::{Code, Explanation, NoSuchCode};
pub use outside::Side;
pub use remedy::{Remedy, Wave};
pub use response::{Body, Server};
pub use verdict::{Seen, Verdict};

use crate::graph::{DependencyGraph, LookupError, ResourceId};
use crate::model::Text;
use crate::records::Need;
use cascade::LookedFor;
use names::Names;
use verdict::Case;

/// Where a failure was read from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Text>,
    /// Its line, from one on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// All lines, where several records failed alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<usize>,
    /// Its position among the failures of the file, from zero on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
}

/// A failed request, as far as it is known, and its response.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Where it was read from.
    pub place: Place,
    /// The resource, path or URL of the request.
    pub resource: Option<String>,
    /// The HTTP method, in capitals.
    pub method: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The record that was sent.
    pub payload: Option<Value>,
    /// The answer.
    pub body: Body,
    /// How many records failed alike, where a loader counted them.
    pub count: usize,
}

impl Failure {
    /// A failure of which only the answer is known.
    #[must_use]
    pub fn new(body: Body) -> Self {
        Self { place: Place::default(), resource: None, method: None, status: None, payload: None, body, count: 1 }
    }
}

/// What a failure means and what to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Where the failure was read from.
    pub input: Place,
    /// The resource of the request; as it was given where the graph does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The code.
    pub code: Code,
    /// Further codes that the same response states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Code>,
    /// What the graph says of it.
    pub verdict: Verdict,
    /// Entities and descriptors as the message spells them, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// The resources they stand for; of an abstract resource its entity.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<String>,
    /// References that bear on it, or that can be meant instead of what the message names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Seen>,
    /// Fields that are absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_fields: Vec<String>,
    /// Whose answer it is.
    pub server: Server,
    /// Who words it like this, where that is known: `ODS/API 7.2 on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// How many records failed alike.
    #[serde(skip_serializing_if = "is_one")]
    pub count: usize,
    /// What the server said; where values are withheld, as far as the catalogue knows the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the graph says, in sentences.
    pub explanation: String,
    /// How the references of the record stand on the API, where it was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on_server: Vec<Need>,
    /// What it waits for and where the folder that was sent has it, where one was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_folder: Vec<LookedFor>,
    /// What to do.
    pub remedy: Remedy,
    /// How many things the message names, one at two places counted twice.
    #[serde(skip)]
    pub(crate) naming: usize,
    /// What must exist first.
    #[serde(skip)]
    pub(crate) missing: Vec<ResourceId>,
    /// What is known of the message's words.
    #[serde(skip)]
    pub(crate) known: Vec<response::Known>,
    /// Names as the message spells them that the graph does not know: they may be values.
    #[serde(skip)]
    pub(crate) unknown: Vec<String>,
    /// The path of the request, where it leads to no resource that the graph knows.
    #[serde(skip)]
    pub(crate) strange: Option<String>,
    /// Whether the answer is JSON that ends in the middle.
    #[serde(skip)]
    pub(crate) cut_off: bool,
    /// What is behind it, where that is no record.
    #[serde(skip)]
    pub(crate) outside: Option<outside::Outside>,
    /// The person without a pathway, and the pathway.
    #[serde(skip)]
    pub(crate) pathway: Option<(ResourceId, Vec<ResourceId>)>,
}

impl Diagnosis {
    /// Adds where the folder has what it waits for: what is there is not to be made, but to be sent.
    pub fn found_in_folder(&mut self, looked_for: Vec<LookedFor>) {
        let places: Option<Vec<String>> = looked_for
            .iter()
            .map(|one| {
                let at = one.at.as_ref().filter(|_| !one.pathway)?;
                Some(format!("{} at {}:{}", one.target.trim_start_matches("/ed-fi/"), at.file, at.line))
            })
            .collect();
        if let Some(places) = places.filter(|places| !places.is_empty()) {
            self.remedy.send_first(&verdict::several(&places, 4));
        }
        self.in_folder = looked_for;
    }

    /// The same without the values of keys, which are data of students.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.message = response::masked(&self.known, &self.unknown);
        // A path that leads to no resource known here may lead to an item by its key. Before the names, which may be
        // parts of it.
        if let Some(text) = self.strange.take() {
            let (address, outline) = (names::address(&text), outline(&text));
            if !address.trim_matches('/').is_empty() {
                self.explanation = self.explanation.replace(&address, &outline);
            }
            self.resource = Some(outline);
        }
        for name in self.named.iter_mut().filter(|name| !name.is_empty() && self.unknown.contains(name)) {
            let said = self.remedy.notes.iter_mut().chain([&mut self.explanation]);
            said.for_each(|text| *text = text.replace(name.as_str(), REDACTED));
            REDACTED.clone_into(name);
        }
        for value in self.references.iter_mut().flat_map(|seen| seen.key.values_mut()) {
            REDACTED.clone_into(value);
        }
        for value in self.in_folder.iter_mut().flat_map(|looked| looked.key.values_mut()) {
            REDACTED.clone_into(value);
        }
        for value in self.on_server.iter_mut().flat_map(|need| need.key.values_mut()) {
            *value = REDACTED.into();
        }
        self
    }
}

/// A path or name of a request without what may be a key: nothing but its first segment is sure to be none.
fn outline(text: &str) -> String {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), path.contains("://")) {
        (Some(first), false) if path == text && segments.next().is_none() => first.to_owned(),
        (Some(first), false) => format!("/{first}/{REDACTED}"),
        _ => REDACTED.to_owned(),
    }
}

/// What stands in place of a value that is withheld.
pub const REDACTED: &str = "…";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

/// Names that are looked up elsewhere, and remembered: hostile input may name anything, and every bundled
/// graph is searched for each.
const ASKED: usize = 100;

/// Names of other graphs that know a resource or entity.
pub type Elsewhere = dyn Fn(&str) -> Vec<String>;

/// Diagnoses the failures of one API.
pub struct Diagnoser<'g> {
    graph: &'g DependencyGraph,
    names: Names<'g>,
    plans: remedy::Plans,
    elsewhere: Option<Box<Elsewhere>>,
    /// What was looked up elsewhere already: a flood of failures asks for the same name.
    asked: RefCell<BTreeMap<String, Vec<String>>>,
}

impl<'g> Diagnoser<'g> {
    /// Indexes the names of a graph. O(resources + collections).
    #[must_use]
    pub fn new(graph: &'g DependencyGraph) -> Self {
        Self {
            graph,
            names: Names::of(graph),
            plans: remedy::Plans::default(),
            elsewhere: None,
            asked: RefCell::default(),
        }
    }

    /// Asks `elsewhere` for names that this graph does not know, so that a wrong standard or a missing
    /// extension can be told.
    #[must_use]
    pub fn asking(mut self, elsewhere: Box<Elsewhere>) -> Self {
        self.elsewhere = Some(elsewhere);
        self
    }

    /// A sentence on who knows a name that this graph does not.
    fn known_elsewhere(&self, name: &str) -> Option<String> {
        let elsewhere = self.elsewhere.as_ref().filter(|_| name.len() <= names::LONGEST_PATH)?;
        let mut asked = self.asked.borrow_mut();
        let room = ASKED.saturating_sub(asked.len());
        let found = match asked.entry(name.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) if room > 0 => new.insert(elsewhere(name)),
            Entry::Vacant(_) => return None,
        };
        (!found.is_empty()).then(|| format!("{name} is known to {}.", verdict::several(found, 4)))
    }

    /// The graph it judges by.
    #[must_use]
    pub fn graph(&self) -> &'g DependencyGraph {
        self.graph
    }

    fn names(&self) -> &Names<'g> {
        &self.names
    }

    /// The resource that a path, URL or name of a request stands for.
    #[must_use]
    pub fn resource(&self, text: &str) -> Option<ResourceId> {
        self.names.request(text)
    }

    /// Diagnoses one failure. O(length of the response + edges of the graph); any input.
    #[must_use]
    pub fn diagnose(&self, failure: &Failure) -> Diagnosis {
        self.diagnosis(failure, Vec::new(), remedy::remedy)
    }

    /// The same with how the references of the record stand on the API, which was asked: what is there is not
    /// missing, and need not be loaded.
    #[must_use]
    pub fn diagnose_on(&self, failure: &Failure, on_server: Vec<Need>) -> Diagnosis {
        self.diagnosis(failure, on_server, remedy::remedy)
    }

    /// The same without a remedy: all that a [`Cascade`](cascade::Cascade) needs of it.
    #[must_use]
    pub fn gist(&self, failure: &Failure) -> Diagnosis {
        self.diagnosis(failure, Vec::new(), |_, _| Remedy::default())
    }

    fn diagnosis(
        &self,
        failure: &Failure,
        on_server: Vec<Need>,
        remedy: impl Fn(&Case<'_>, &verdict::Judgement) -> Remedy,
    ) -> Diagnosis {
        let facts = response::read(failure.status, &failure.body);
        let resource = failure.resource.as_deref().and_then(|text| self.resource(text));
        let case = Case {
            graph: self.graph,
            names: &self.names,
            plans: &self.plans,
            facts: &facts,
            resource,
            request: failure.resource.as_deref(),
            method: failure.method.as_deref(),
            payload: failure.payload.as_ref(),
            on_server: &on_server,
        };
        let mut judgement = verdict::judge(&case);
        let mut remedy = remedy(&case, &judgement);
        if let (Code::Unknown, Some(status), true) = (facts.code(), facts.status, silence::is_silent(&failure.body)) {
            silence::judge(status, failure.method.as_deref(), &mut judgement, &mut remedy);
        }
        let named: Vec<String> = {
            let mut seen = std::collections::BTreeSet::new();
            facts.named.iter().map(|n| n.text.clone()).filter(|text| seen.insert(text.clone())).collect()
        };
        let unknown: Vec<String> =
            named.iter().filter(|name| self.meaning(name, resource).is_none()).cloned().collect();
        let outside = outside::Outside::of(&facts, judgement.verdict, &unknown);
        let pathway = judgement.pathway();
        let mut because = judgement.because;
        if let (Some(text), None) = (&failure.resource, resource) {
            let address = names::address(text);
            match self.graph.find(&address) {
                Err(homograph @ LookupError::Homograph { .. }) => because.push(format!("{homograph}.")),
                // Of a path that leads nowhere that is said already.
                _ if facts.code() == Code::NotFound => because.extend(self.known_elsewhere(&address)),
                _ => {
                    because.push(format!("This graph has no resource '{address}'."));
                    because.extend(self.known_elsewhere(&address));
                }
            }
        }
        if facts.code().is_dependency_matter() {
            let strange = named.iter().filter(|name| self.meaning(name, resource).is_none());
            because.extend(strange.filter_map(|name| self.known_elsewhere(name)));
        }
        Diagnosis {
            input: failure.place.clone(),
            entities: self.entities(&named, &facts.uris, resource),
            resource: resource.map(|id| self.graph.name(id).to_string()).or_else(|| failure.resource.clone()),
            method: failure.method.clone(),
            status: facts.status,
            code: facts.code(),
            also: facts.codes.get(1..).unwrap_or_default().to_vec(),
            verdict: judgement.verdict,
            named,
            references: judgement.seen,
            missing_fields: facts.missing,
            server: facts.server,
            origin: facts.origin,
            count: failure.count,
            message: Some(facts.text),
            known: facts.known,
            unknown,
            strange: failure.resource.clone().filter(|_| resource.is_none()),
            explanation: because.join(" "),
            on_server,
            in_folder: Vec::new(),
            remedy,
            naming: facts.named.iter().filter(|named| named.role != response::Role::Hint).count(),
            missing: judgement.missing.into_iter().flat_map(|meaning| meaning.resources).collect(),
            cut_off: facts.cut_off,
            outside,
            pathway,
        }
    }

    /// What a name in a message stands for, be it that of a role.
    fn meaning(&self, name: &str, near: Option<ResourceId>) -> Option<names::Meaning> {
        self.names.resolve(name, near).or_else(|| self.names.in_role(name, near?))
    }

    /// What names and the paths of items stand for, each once.
    fn entities(&self, named: &[String], uris: &[String], near: Option<ResourceId>) -> Vec<String> {
        let mut entities = Vec::new();
        let by_name = named.iter().filter_map(|name| self.meaning(name, near));
        let whole = |id| names::Meaning { resources: vec![id], sort: names::Sort::Resource };
        for meaning in by_name.chain(uris.iter().filter_map(|uri| self.resource(uri).map(whole))) {
            let found: Vec<String> = match &meaning.sort {
                names::Sort::Abstract(entity) => vec![entity.to_string()],
                _ => meaning.resources.iter().map(|&id| self.graph.name(id).to_string()).collect(),
            };
            for one in found {
                if !entities.contains(&one) {
                    entities.push(one);
                }
            }
        }
        entities
    }
}
