//! Verdicts on references that do not resolve.

use std::collections::{BTreeMap, BTreeSet};

use super::reach::{carried, leading_to, leads, targets};
use super::{Case, Finding, Judgement, Seen, Verdict, several, short_target, target_name};
use crate::diagnosis::catalogue::Nuance;
use crate::diagnosis::names::{Meaning, Sort, below};
use crate::diagnosis::payload;
use crate::diagnosis::response::{Named, Role, Server, is_path};
use crate::graph::{Follow, ResourceId};
use crate::model::{Kind, Reference, Target};

/// A reference that does not resolve.
pub(super) fn unresolved(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let named: Vec<&Named> = case.facts.named.iter().filter(|n| n.role != Role::Hint).collect();
    if named.is_empty() {
        return nameless(case, resource);
    }
    let findings: Vec<Finding> = named.iter().map(|named| one(case, resource, named)).collect();
    together(findings)
}

/// Several names make one verdict: the one they agree on, or an ambiguous one.
pub(super) fn together(findings: Vec<Finding>) -> Judgement {
    let first = findings.first().map_or(Verdict::Inconclusive, |f| f.verdict);
    let verdict = if findings.iter().all(|f| f.verdict == first) {
        first
    } else if findings.iter().any(|f| f.verdict == Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Ambiguous
    };
    let mut judgement = Judgement::new(verdict, "");
    judgement.because.clear();
    for finding in findings {
        judgement.because.extend(finding.because);
        judgement.seen.extend(finding.seen);
        judgement.missing.extend(finding.missing);
    }
    let mut seen = BTreeSet::new();
    judgement.because.retain(|because| seen.insert(because.clone()));
    let mut seen = BTreeSet::new();
    judgement.seen.retain(|one| seen.insert(one.clone()));
    judgement
}

fn nameless(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let candidates = case.candidates(resource, None);
    let short = case.short(resource);
    let mut judgement = match (candidates.as_slice(), case.payload) {
        ([], Some(_)) => Judgement::new(
            Verdict::Contradicted,
            format!("The message names nothing, and the record refers to nothing that {short} can refer to."),
        ),
        ([], None) => Judgement::new(Verdict::Contradicted, format!("{short} refers to nothing.")),
        ([only], payload) => Judgement::new(
            Verdict::Confirmed,
            format!(
                "The message names nothing; the only reference of {} is {} to {}.",
                if payload.is_some() { "the record" } else { short },
                only.path,
                short_target(only)
            ),
        ),
        (several_of_them, _) => Judgement::new(
            Verdict::Ambiguous,
            format!("The message names nothing. It can mean {}.", said(several_of_them)),
        ),
    };
    if let [only] = candidates.as_slice() {
        judgement.missing.extend(case.names.resolve(&only.target.replace("/ed-fi/", ""), Some(resource)));
    }
    judgement.seen = candidates;
    judgement
}

/// Candidates in words.
pub(super) fn said(seen: &[Seen]) -> String {
    let words: Vec<String> = seen.iter().map(|s| format!("{} at {}", short_target(s), s.path)).collect();
    several(&words, 6)
}

pub(super) fn one(case: &Case<'_>, resource: ResourceId, named: &Named) -> Finding {
    let short = case.short(resource);
    let Some(meaning) = case.names.resolve(&named.text, Some(resource)) else {
        if named.role == Role::Table && case.names.owner(&named.text, resource) == Some(resource) {
            let meaning = Meaning { resources: vec![resource], sort: Sort::Child(Vec::new()) };
            return own_name(case, resource, named, &meaning, &[]);
        }
        let mut finding = Finding {
            verdict: Verdict::Inconclusive,
            because: vec![format!("This graph knows no {}: another standard, or an extension is missing.", named.text)],
            seen: Vec::new(),
            missing: None,
        };
        if let Some(path) = &named.path {
            finding.seen = case.names.at(resource, path).into_iter().flat_map(|r| case.seen(r)).collect();
        }
        return finding;
    };
    let mut references = leading_to(case, resource, &meaning, named.path.as_deref());
    let own = meaning.resources.contains(&resource);
    let concrete = !matches!(meaning.sort, Sort::Abstract(_));
    // A subclass is written into the table of its superclass as well; PostgreSQL gives it in lower case.
    let base_table = !concrete && named.role == Role::Table && !named.text.contains(|c: char| c.is_ascii_uppercase());
    if own && base_table {
        references.retain(|reference| matches!(reference.target, Target::Abstract(_)));
        return own_name(case, resource, named, &meaning, &references);
    }
    if own && (references.is_empty() || (concrete && named.role == Role::Table)) {
        return own_name(case, resource, named, &meaning, &references);
    }
    if references.is_empty() {
        return nothing_leads(case, resource, named, meaning);
    }
    let references = match case.payload {
        Some(payload) => {
            let used: Vec<&Reference> = references.iter().copied().filter(|r| payload::has(payload, r)).collect();
            if used.is_empty() {
                return unused(case, resource, &references);
            }
            used
        }
        None => references,
    };
    let seen = evidence(case, named, &references);
    let because = vec![format!("{short} needs {}.", needed(&seen))];
    let missing = Some(taken(case, meaning, &references));
    let mut finding = Finding { verdict: Verdict::Confirmed, because, seen, missing };
    strange_path(case, resource, named, &references, &mut finding);
    caveats(case, named, &references, &mut finding);
    finding
}

/// The resource has references that fit, but the record at hand uses none of them.
fn unused(case: &Case<'_>, resource: ResourceId, references: &[&Reference]) -> Finding {
    let fitting: Vec<Seen> = references.iter().flat_map(|r| case.seen(r)).collect();
    let seen = case.candidates(resource, None);
    let mut because = vec![format!(
        "{} can need {}, but the record given carries no such reference: it is not the one that was refused, or the message misleads.",
        case.short(resource),
        needed(&fitting)
    )];
    because.extend((!seen.is_empty()).then(|| format!("It refers to {}.", said(&seen))));
    Finding { verdict: Verdict::Contradicted, because, seen, missing: None }
}

/// Targets with their places: `schools at $.a (required) and $.b (optional), and programs at $.c (optional)`.
fn needed(seen: &[Seen]) -> String {
    let mut targets: Vec<(&str, Vec<String>)> = Vec::new();
    for one in seen {
        let place = format!("{} ({})", one.path, strength(one));
        match targets.iter_mut().find(|(target, _)| *target == short_target(one)) {
            Some((_, places)) => places.push(place),
            None => targets.push((short_target(one), vec![place])),
        }
    }
    let each: Vec<String> =
        targets.iter().map(|(target, places)| format!("{target} at {}", several(places, 3))).collect();
    several(&each, 4)
}

/// What a name means as far as the references take it: a message may name the superclass of their targets.
fn taken(case: &Case<'_>, meaning: Meaning, references: &[&Reference]) -> Meaning {
    let concrete = references.iter().all(|r| matches!(r.target, Target::Resource(_)));
    if !concrete || !matches!(meaning.sort, Sort::Abstract(_)) {
        return meaning;
    }
    let resources: BTreeSet<ResourceId> = references.iter().flat_map(|r| targets(case, r)).collect();
    let sort = if resources.len() == 1 { Sort::Resource } else { meaning.sort };
    Meaning { resources: resources.into_iter().collect(), sort }
}

/// A path of the record that leads to none of the references is a sign of another version. A legacy ODS/API gives
/// the names of its properties instead (`request.student`), which are no such paths.
pub(super) fn strange_path(
    case: &Case<'_>,
    resource: ResourceId,
    named: &Named,
    references: &[&Reference],
    finding: &mut Finding,
) {
    if case.facts.server == Server::Dms
        && let Some(path) = named.path.as_deref().filter(|path| is_path(path))
        && !references.iter().any(|reference| leads(path, reference))
    {
        let there: Vec<Seen> = case.names.at(resource, path).into_iter().flat_map(|r| case.seen(r)).collect();
        (finding.verdict, finding.missing) = match there.first() {
            Some(other) => {
                let target = short_target(other);
                finding
                    .because
                    .push(format!("The server's path {path} leads to {target} here, not to {}.", named.text));
                (Verdict::Contradicted, None)
            }
            None => {
                let because = "is unknown here; the metadata may be of another version.";
                finding.because.push(format!("The server's path {path} {because}"));
                (Verdict::Ambiguous, finding.missing.take())
            }
        };
        finding.seen.extend(there);
    }
}

/// `required, identifying`.
fn strength(seen: &Seen) -> &'static str {
    match (seen.required, seen.identifying) {
        (true, true) => "required, identifying",
        (true, false) => "required",
        (false, true) => "optional, identifying",
        (false, false) => "optional",
    }
}

/// References with the key of the payload, or the one the message gives; where the message gives the
/// path of one item of a collection, only that one.
pub(super) fn evidence(case: &Case<'_>, named: &Named, references: &[&Reference]) -> Vec<Seen> {
    let mut seen: Vec<Seen> = references.iter().flat_map(|r| case.seen(r)).collect();
    if let Some(path) = named.path.as_deref().filter(|path| is_path(path)) {
        let there: Vec<Seen> = seen.iter().filter(|s| s.path.eq_ignore_ascii_case(path)).cloned().collect();
        if !there.is_empty() {
            seen = there;
        } else if let [reference] = references
            && leads(path, reference)
        {
            let key = seen.first().map(|s| s.key.clone()).filter(|_| seen.len() == 1).unwrap_or_default();
            seen = vec![Seen {
                path: path.to_owned(),
                target: target_name(reference),
                required: reference.required,
                identifying: reference.identifying,
                key,
            }];
        }
    }
    let said = || named.key.iter().map(|(name, value)| (name, value));
    let agreeing: Vec<Seen> = seen.iter().filter(|s| payload::agrees(&s.key, said())).cloned().collect();
    if !named.key.is_empty() && !agreeing.is_empty() {
        seen = agreeing;
    }
    if !named.key.is_empty()
        && let [only] = seen.as_mut_slice()
    {
        only.key = named.key.iter().cloned().collect::<BTreeMap<_, _>>();
    }
    seen
}

/// What a confirmed message still hides.
fn caveats(case: &Case<'_>, named: &Named, references: &[&Reference], finding: &mut Finding) {
    if case.facts.has(Nuance::OtherSubclass) {
        let superclass = finding.missing.iter().flat_map(|m| &m.resources).find_map(|&id| {
            let superclass = case.graph.resource(id).superclass.as_deref();
            superclass.filter(|base| !base.eq_ignore_ascii_case(&named.text))
        });
        finding.because.push(match superclass {
            Some(base) => {
                format!("That key is in use within {base}, but by another kind of item than {}.", named.text)
            }
            None => {
                format!("That key is in use within {}, but by a kind that the reference does not take.", named.text)
            }
        });
        // Loading does not mend it; with several names it is not known which one is meant.
        if case.facts.names_one {
            finding.missing = None;
            return;
        }
    }
    let person = |id: &ResourceId| case.graph.pathways().iter().any(|p| case.graph.id(&p.person) == Some(*id));
    if named.role == Role::Person && !finding.missing.iter().flat_map(|m| &m.resources).any(person) {
        finding.because.push(format!("No known server says this of anything but people, so not of {}.", named.text));
    }
    let years = |reference: &Reference| match &reference.target {
        Target::Resource(name) => {
            case.graph.id(name).is_some_and(|id| case.graph.resource(id).kind == Kind::SchoolYears)
        }
        _ => false,
    };
    if references.iter().any(|r| years(r)) {
        finding
            .because
            .push("School years are reference data that the host enables; no load order brings them.".into());
        return;
    }
    let shared = finding.missing.iter().flat_map(|m| &m.resources).any(|&id| {
        case.graph.details(id).key.iter().any(|field| field.name.to_ascii_lowercase().ends_with("schoolyear"))
    });
    if shared {
        finding.because.push(format!(
            "The reference resolves on every part of its key, so a wrong school year also reads as a missing {}.",
            named.text
        ));
    }
}

/// The message names what is being written: ODS/API 5.0 to 6.2 on PostgreSQL do.
fn own_name(
    case: &Case<'_>,
    resource: ResourceId,
    named: &Named,
    meaning: &Meaning,
    references: &[&Reference],
) -> Finding {
    let short = case.short(resource);
    let within = match &meaning.sort {
        Sort::Child(paths) => {
            meaning.resources.iter().zip(paths).find(|(id, _)| **id == resource).map(|(_, path)| path.clone())
        }
        _ => None,
    };
    let mut candidates = within.as_deref().map(|path| case.candidates(resource, Some(path))).unwrap_or_default();
    if candidates.is_empty() {
        candidates = case.candidates(resource, None);
    }
    let what = match (&meaning.sort, &within) {
        (Sort::Abstract(_), _) => "the superclass of what is being written",
        (Sort::Child(_), _) => "its own collection",
        _ => "what is being written",
    };
    let mut because = vec![format!("{} is {what}, not what is missing.", named.text)];
    let verdict = if references.is_empty()
        || references.iter().all(|r| case.payload.is_some_and(|p| !payload::has(p, r)))
    {
        Verdict::Contradicted
    } else {
        // A resource that refers to itself can miss a row of its own.
        because = vec![format!("{short} can refer to itself, but the message may also name the table being written.")];
        Verdict::Ambiguous
    };
    because.push(match candidates.as_slice() {
        [] => format!("{short} refers to nothing here."),
        some => format!("Missing can be {}.", said(some)),
    });
    let missing = match candidates.as_slice() {
        [only] => case.names.resolve(&only.target.replace("/ed-fi/", ""), Some(resource)),
        _ => None,
    };
    Finding { verdict, because, seen: candidates, missing }
}

/// A descriptor in the key of a reference at the path that the message gives for it.
fn inner(case: &Case<'_>, named: &Named, meaning: &Meaning, seen: Vec<Seen>) -> Vec<Seen> {
    let path = named.path.as_deref().filter(|path| named.role == Role::Descriptor && is_path(path));
    match (path, seen.as_slice(), meaning.resources.as_slice()) {
        (Some(path), [outer, ..], [id]) if below(path, &outer.path) && !below(&outer.path, path) => vec![Seen {
            path: path.to_owned(),
            target: case.graph.name(*id).to_string(),
            required: outer.required,
            identifying: outer.identifying,
            key: BTreeMap::new(),
        }],
        _ => seen,
    }
}

/// No reference of the resource leads there.
fn nothing_leads(case: &Case<'_>, resource: ResourceId, named: &Named, meaning: Meaning) -> Finding {
    let short = case.short(resource);
    // A person, and a descriptor that is part of a key, may come in by way of another reference.
    if matches!(named.role, Role::Person | Role::Descriptor)
        && let Some(seen) = carried(case, resource, &meaning)
    {
        let inside = |s: &Seen| named.path.as_deref().is_none_or(|path| below(path, &s.path));
        let seen: Vec<Seen> = if seen.iter().any(inside) { seen.into_iter().filter(inside).collect() } else { seen };
        let path = seen.first().map(|s| s.path.clone()).unwrap_or_default();
        let because = vec![format!("{short} carries the key of {} within {path}.", named.text)];
        let seen = inner(case, named, &meaning, seen);
        return Finding { verdict: Verdict::Confirmed, because, seen, missing: Some(meaning) };
    }
    let further = case.graph.transitive_prerequisites(resource, Follow::all());
    let mut because = vec![format!("Nothing in {short} refers to {}.", named.text)];
    because.push(if meaning.resources.iter().any(|id| further.contains(id)) {
        "It is a prerequisite only of what the record refers to, which would be named instead.".to_owned()
    } else {
        "The metadata is of another version, an extension is missing, or the request went to another resource."
            .to_owned()
    });
    let mut seen = Vec::new();
    if let Some(path) = &named.path {
        seen = case.names.at(resource, path).into_iter().flat_map(|r| case.seen(r)).collect();
    }
    if seen.is_empty() {
        seen = case.candidates(resource, None);
    }
    because.extend((!seen.is_empty()).then(|| format!("Missing can be {}.", said(&seen))));
    Finding { verdict: Verdict::Contradicted, because, seen, missing: None }
}
