//! Failures of which nothing tells the cause, and what hinders it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Sketch;
use super::causes::is_zero;
use crate::diagnosis::codes::Code;
use crate::diagnosis::verdict::Verdict;
use crate::diagnosis::{Diagnosis, Place};
use crate::graph::{DependencyGraph, ResourceId};

/// Failures without a known cause that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unplaced {
    /// The resource of the requests; empty where the graph does not know it, or none is told.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Where the first of them stand.
    pub places: Vec<Place>,
    /// Their code.
    pub code: Code,
    /// What the graph says of them.
    pub verdict: Verdict,
    /// What hinders, or what the server said where nobody knows its words; shortened.
    pub said: String,
    /// The same without values.
    #[serde(skip)]
    pub(super) hidden: String,
    /// How many there are.
    pub failures: usize,
    /// How many others wait for what they are of.
    #[serde(skip_serializing_if = "is_zero")]
    pub waiting: usize,
}

/// Places that are kept of failures that are alike.
const PLACES: usize = 3;

/// Characters that are kept of what is said of them.
const SAID: usize = 160;

/// What failures without a known cause have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reason {
    resource: Option<ResourceId>,
    code: Code,
    verdict: Verdict,
    said: Box<str>,
    hidden: Box<str>,
}

impl Reason {
    /// What hinders the diagnosis of a failure to tell its cause.
    pub(super) fn of(resource: Option<ResourceId>, diagnosis: &Diagnosis) -> Self {
        let said = hindrance(diagnosis).into();
        let hidden = hindrance(&diagnosis.clone().redacted()).into();
        Self { resource, code: diagnosis.code, verdict: diagnosis.verdict, said, hidden }
    }

    /// Of a failure that would explain itself.
    fn circle(sketch: &Sketch) -> Self {
        let said: Box<str> = "It waits for itself, or for what waits for it.".into();
        let Sketch { resource, code, verdict, .. } = *sketch;
        Self { resource: Some(resource), code, verdict, hidden: said.clone(), said }
    }
}

fn hindrance(diagnosis: &Diagnosis) -> String {
    let message = diagnosis.message.as_deref().filter(|message| !message.is_empty());
    let said = match message {
        _ if diagnosis.cut_off => "The JSON is cut off.",
        Some(message) if diagnosis.code == Code::Unknown => message,
        _ if diagnosis.resource.is_none() && diagnosis.code != Code::Unknown => {
            "The resource of the request is not told; --resource tells it."
        }
        _ => &diagnosis.explanation,
    };
    match said.char_indices().nth(SAID) {
        Some((end, _)) => format!("{}…", said.get(..end).unwrap_or_default()),
        None => said.to_owned(),
    }
}

/// Failures without a known cause by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Reasons(BTreeMap<Reason, Few>);

/// How many, and the first of them.
#[derive(Debug, Default)]
struct Few {
    failures: usize,
    waiting: usize,
    places: BTreeSet<Place>,
}

impl Reasons {
    pub(super) fn add(&mut self, reason: Reason, place: Place, failures: usize) {
        let few = self.0.entry(reason).or_default();
        few.failures += failures;
        few.places.insert(place);
        if few.places.len() > PLACES {
            few.places.pop_last();
        }
    }

    /// Adds a failure below one that explains nothing, itself the failure or not.
    pub(super) fn add_below(&mut self, top: &Sketch, sketch: &Sketch) {
        let reason = || top.unclear.as_deref().cloned().unwrap_or_else(|| Reason::circle(top));
        if std::ptr::eq(top, sketch) {
            self.add(reason(), top.place.clone(), 1);
        } else {
            self.0.entry(reason()).or_default().waiting += 1;
        }
    }

    /// Takes those of a group, and so many others that wait for it.
    pub(super) fn take(&mut self, group: &Self, waiting: usize) {
        let mut waiting = Some(waiting);
        for (reason, Few { failures, places, .. }) in &group.0 {
            let few = self.0.entry(reason.clone()).or_default();
            few.failures += failures;
            few.waiting += waiting.take().unwrap_or_default();
            few.places.extend(places.iter().cloned());
            while few.places.len() > PLACES {
                few.places.pop_last();
            }
        }
    }

    /// The most frequent first.
    pub(super) fn list(self, graph: &DependencyGraph) -> Vec<Unplaced> {
        let one = |(reason, few): (Reason, Few)| Unplaced {
            resource: reason.resource.map(|id| graph.name(id).to_string()).unwrap_or_default(),
            places: few.places.into_iter().collect(),
            code: reason.code,
            verdict: reason.verdict,
            said: reason.said.into(),
            hidden: reason.hidden.into(),
            failures: few.failures,
            waiting: few.waiting,
        };
        let mut list: Vec<Unplaced> = self.0.into_iter().map(one).collect();
        let count = |one: &Unplaced| one.failures + one.waiting;
        list.sort_by(|a, b| (count(b), &a.places).cmp(&(count(a), &b.places)));
        list
    }
}
