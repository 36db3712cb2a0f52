//! What an API that was asked adds to a verdict: which references of the record lead to something.
//!
//! An answer tells how the server is now and what the credentials that asked may see. It contradicts a message
//! only where the record is there, and proves nothing absent that is seen by relationship.

use std::collections::BTreeSet;

use super::references::said;
use super::{Case, Judgement, Seen, Verdict, several};
use crate::diagnosis::codes::Code;
use crate::diagnosis::names::{Meaning, Sort, same, steps};
use crate::diagnosis::response::plain_value;
use crate::diagnosis::template::squeeze;
use crate::graph::{Authorization, DependencyGraph, Found, ResourceId};
use crate::model::Text;
use crate::plan::delete::records::is_seen_by_relationship;
use crate::records::{Need, Standing, Unknown};

/// What the server has of all that was asked for; an abstract resource by entity.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::diagnosis) struct There {
    pub(in crate::diagnosis) resources: BTreeSet<ResourceId>,
    pub(in crate::diagnosis) abstracts: BTreeSet<Text>,
    /// Resources of which no answer proves nothing.
    pub(in crate::diagnosis) unproved: BTreeSet<ResourceId>,
}

/// Weighs what the message says, and what is likely instead of it, against the answers of the API.
pub(super) fn weigh(case: &Case<'_>, mut judgement: Judgement) -> Judgement {
    if case.facts.code() == Code::RelationshipMissing && judgement.verdict != Verdict::NotADependencyMatter {
        return weigh_visibility(case, judgement);
    }
    let of_references = matches!(case.facts.code(), Code::UnresolvedReference | Code::DescriptorValueMissing);
    if !of_references || case.on_server.is_empty() || judgement.verdict == Verdict::NotADependencyMatter {
        return judgement;
    }
    judgement.there = there(case);
    let (there, missing) = (told(case, &judgement.seen, is_there), told(case, &judgement.seen, shows_nothing));
    let others = others(case, &judgement.seen);
    if there.is_empty() {
        judgement.because.extend(absence(case, &missing));
    } else if there.len() == judgement.seen.len() {
        judgement.because.push(format!(
            "The server has {} now: loaded meanwhile, not visible to the client that wrote, or the request had another key.",
            said(&there)
        ));
        judgement.verdict = Verdict::Contradicted;
        judgement.missing.clear();
    } else {
        narrow(case, &mut judgement, &there, &missing);
    }
    if !others.is_empty() {
        let targets: Vec<String> =
            others.iter().map(|need| format!("{} at {}", short(&need.target), need.path)).collect();
        judgement
            .because
            .push(format!("Of what else the record refers to, the server shows nothing for {}.", several(&targets, 4)));
        judgement.missing.extend(others.iter().filter_map(|need| meaning(case.graph, &need.target)));
    }
    if judgement.missing.is_empty() && !there.is_empty() {
        judgement.advice = Some("Send the record again; if it fails again, compare the keys that are sent.".to_owned());
    }
    judgement
}

/// Weighs that a person is said not to be visible: what shows the person to the credentials that asked relates it
/// to them, and what shows nothing may be absent as well.
fn weigh_visibility(case: &Case<'_>, mut judgement: Judgement) -> Judgement {
    // What any client sees proves nothing of relationships.
    let by_relationship = |seen: &Seen| {
        meaning(case.graph, &seen.target).is_some_and(|meaning| seen_by_relationship(case.graph, &meaning.resources))
    };
    let mut visible = told(case, &judgement.seen, is_there);
    visible.retain(by_relationship);
    let hidden = told(case, &judgement.seen, is_hidden);
    if !hidden.is_empty() {
        judgement.because.push(format!(
            "The server shows nothing for {}: not visible to these credentials either, or not there at all.",
            said(&hidden)
        ));
    } else if !visible.is_empty() {
        judgement.because.push(format!(
            "These credentials see {}: related meanwhile, or the client that was refused has other education organizations.",
            said(&visible)
        ));
        if judgement.verdict == Verdict::Confirmed {
            judgement.verdict = Verdict::Ambiguous;
        }
    }
    judgement
}

/// Some of what can be meant is there: the rest is what can be missing.
fn narrow(case: &Case<'_>, judgement: &mut Judgement, there: &[Seen], missing: &[Seen]) {
    judgement.seen.retain(|seen| !there.contains(seen));
    judgement.because.push(format!("The server has {} now.", said(there)));
    judgement.because.extend(absence(case, missing));
    let open: BTreeSet<&str> = judgement.seen.iter().map(|seen| seen.target.as_str()).collect();
    let is_open = |id: ResourceId| {
        let superclass = case.graph.resource(id).superclass.as_deref();
        open.contains(case.graph.name(id).as_str()) || superclass.is_some_and(|entity| open.contains(entity))
    };
    judgement.missing.retain(|meaning| meaning.resources.iter().any(|&id| is_open(id)));
    if judgement.missing.is_empty() {
        let targets: BTreeSet<&str> = missing.iter().map(|seen| seen.target.as_str()).collect();
        judgement.missing.extend(targets.into_iter().filter_map(|target| meaning(case.graph, target)));
    }
    // The one that is left is what a message without a name means, if it is not there for sure.
    if let ([only], [_], Verdict::Ambiguous, []) =
        (judgement.seen.as_slice(), missing, judgement.verdict, case.facts.named.as_slice())
        && need_of(case, only).is_some_and(|need| !is_hidden(need))
    {
        judgement.verdict = Verdict::Confirmed;
    }
}

/// What no answer tells of references.
fn absence(case: &Case<'_>, missing: &[Seen]) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    Some(if missing.iter().filter_map(|seen| need_of(case, seen)).any(is_hidden) {
        format!(
            "The server shows nothing for {}, which proves nothing: these credentials may not see it.",
            said(missing)
        )
    } else {
        format!("The server has nothing for {}.", said(missing))
    })
}

/// References of the record that the judgement does not speak of and the server shows nothing for.
fn others<'a>(case: &Case<'a>, seen: &[Seen]) -> Vec<&'a Need> {
    let own = case.on_server.iter().filter(|need| need.depth == 0 && shows_nothing(need));
    own.filter(|need| !seen.iter().any(|seen| is_of(need, seen))).collect()
}

/// The answer on a reference.
fn need_of<'a>(case: &Case<'a>, seen: &Seen) -> Option<&'a Need> {
    case.on_server.iter().find(|need| need.depth == 0 && is_of(need, seen))
}

fn is_of(need: &Need, seen: &Seen) -> bool {
    let same_key = || {
        need.key.iter().all(|(name, value)| {
            let value = squeeze(&plain_value(value));
            match (name.as_str(), seen.key.get("namespace"), seen.key.get("codeValue")) {
                ("uri", Some(namespace), Some(code)) => value.eq_ignore_ascii_case(&format!("{namespace}#{code}")),
                _ => seen.key.values().any(|held| *held == value),
            }
        })
    };
    !need.key.is_empty() && !seen.key.is_empty() && same(&steps(&need.path), &steps(&seen.path)) && same_key()
}

/// Resources that are there wherever they were asked for.
fn there(case: &Case<'_>) -> There {
    let mut found = There::default();
    let (present, open): (Vec<&Need>, Vec<&Need>) =
        case.on_server.iter().partition(|need| need.standing == Standing::Present);
    let is_open = |target: &str| open.iter().any(|need| need.target == target);
    for need in present.iter().filter(|need| !is_open(&need.target)) {
        match meaning(case.graph, &need.target) {
            Some(Meaning { sort: Sort::Abstract(entity), .. }) => drop(found.abstracts.insert(entity)),
            Some(Meaning { resources, .. }) => found.resources.extend(resources),
            None => {}
        }
    }
    for need in open.into_iter().filter(|need| is_hidden(need)) {
        found.unproved.extend(meaning(case.graph, &need.target).into_iter().flat_map(|meaning| meaning.resources));
    }
    found
}

/// Whether the server has what a reference points to.
fn is_there(need: &Need) -> bool {
    need.standing == Standing::Present
}

/// Whether the server shows nothing, be it there or not.
fn shows_nothing(need: &Need) -> bool {
    need.standing == Standing::Missing || is_hidden(need)
}

/// Whether it shows nothing and that proves nothing.
fn is_hidden(need: &Need) -> bool {
    need.why == Some(Unknown::NotVisible)
}

/// References of which the answer is of one kind.
fn told(case: &Case<'_>, seen: &[Seen], is: fn(&Need) -> bool) -> Vec<Seen> {
    seen.iter().filter(|seen| need_of(case, seen).is_some_and(is)).cloned().collect()
}

/// Whether a client sees records of one of the resources by relationship only.
fn seen_by_relationship(graph: &DependencyGraph, ids: &[ResourceId]) -> bool {
    let Ok(authorization) = Authorization::relationships(graph, &[]) else { return true };
    ids.iter().any(|&id| is_seen_by_relationship(graph, &authorization, id))
}

/// What the target of a reference stands for, as reports write it.
fn meaning(graph: &DependencyGraph, target: &str) -> Option<Meaning> {
    let found = graph.target(target)?;
    let sort = match found {
        Found::Resource(_) => Sort::Resource,
        Found::Abstract(_) => Sort::Abstract(target.into()),
    };
    Some(Meaning { resources: graph.meant(found), sort })
}

fn short(target: &str) -> &str {
    target.strip_prefix("/ed-fi/").unwrap_or(target.trim_start_matches('/'))
}
