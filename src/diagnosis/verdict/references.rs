//! Verdicts on references and descriptor values that do not resolve.

use std::collections::BTreeMap;

use super::{Case, Judgement, Seen, Verdict, several, short_target, target_name};
use crate::diagnosis::catalogue::Nuance;
use crate::diagnosis::names::{Meaning, Sort, below, ends, steps};
use crate::diagnosis::payload;
use crate::diagnosis::response::{Named, Role, Server, is_path};
use crate::graph::{Follow, ResourceId};
use crate::model::{Kind, Reference, Target};

/// What one name of a message turns out to be.
struct Finding {
    verdict: Verdict,
    because: Vec<String>,
    seen: Vec<Seen>,
    missing: Option<Meaning>,
}

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
fn together(findings: Vec<Finding>) -> Judgement {
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
    let mut seen = std::collections::BTreeSet::new();
    judgement.because.retain(|because| seen.insert(because.clone()));
    let mut seen = std::collections::BTreeSet::new();
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
        ([only], Some(_)) => Judgement::new(
            Verdict::Confirmed,
            format!(
                "The message names nothing; the only reference of the record is {} to {}.",
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
fn said(seen: &[Seen]) -> String {
    let words: Vec<String> = seen.iter().map(|s| format!("{} at {}", short_target(s), s.path)).collect();
    several(&words, 6)
}

fn one(case: &Case<'_>, resource: ResourceId, named: &Named) -> Finding {
    let short = case.short(resource);
    let Some(meaning) = case.names.resolve(&named.text, Some(resource)) else {
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
    let references = leading_to(case, resource, &meaning, named.path.as_deref());
    let own = meaning.resources.contains(&resource) && !matches!(meaning.sort, Sort::Abstract(_));
    if own && (references.is_empty() || named.role == Role::Table) {
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
    strange_path(case, named, &references, &mut finding);
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
    let resources: std::collections::BTreeSet<ResourceId> = references.iter().flat_map(|r| targets(case, r)).collect();
    let sort = if resources.len() == 1 { Sort::Resource } else { meaning.sort };
    Meaning { resources: resources.into_iter().collect(), sort }
}

/// A path of the record that leads to none of the references is a sign of another version. A legacy ODS/API gives
/// the names of its properties instead (`request.student`), which are no such paths.
fn strange_path(case: &Case<'_>, named: &Named, references: &[&Reference], finding: &mut Finding) {
    if case.facts.server == Server::Dms
        && let Some(path) = named.path.as_deref().filter(|path| is_path(path))
        && !references.iter().any(|reference| leads(path, reference))
    {
        finding.verdict = Verdict::Ambiguous;
        finding
            .because
            .push(format!("The server's path {path} is unknown here; the metadata may be of another version."));
    }
}

/// Whether a path of a message leads to a reference or into it; a DMS may leave out its first steps.
fn leads(path: &str, reference: &Reference) -> bool {
    below(path, &reference.path) || (steps(path).len() <= 2 && ends(&reference.path, path))
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
fn evidence(case: &Case<'_>, named: &Named, references: &[&Reference]) -> Vec<Seen> {
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
        if case.facts.named.iter().all(|other| other.text.eq_ignore_ascii_case(&named.text)) {
            finding.missing = None;
            return;
        }
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

/// References of the resource that lead to what a name means. A reference to the thing itself counts
/// before one that reaches it through an abstract resource.
fn leading_to<'a>(case: &Case<'a>, resource: ResourceId, meaning: &Meaning, path: Option<&str>) -> Vec<&'a Reference> {
    let graph = case.graph;
    let has = |id: Option<ResourceId>| id.is_some_and(|id| meaning.resources.contains(&id));
    let (mut exact, mut wider) = (Vec::new(), Vec::new());
    if matches!(meaning.sort, Sort::Child(_)) {
        return exact;
    }
    for reference in &graph.resource(resource).references {
        let by_alternative = reference.alternatives.iter().any(|name| has(graph.id(name)));
        match (&reference.target, &meaning.sort) {
            (Target::Abstract(entity), Sort::Abstract(named)) if entity == named => exact.push(reference),
            (Target::Resource(name), Sort::Resource) if has(graph.id(name)) || by_alternative => exact.push(reference),
            (Target::Resource(name), _) if has(graph.id(name)) => wider.push(reference),
            (Target::Abstract(entity), _) if graph.subclasses(entity).iter().any(|&id| has(Some(id))) => {
                wider.push(reference);
            }
            (Target::Unresolved(name), _) if unresolved_is(case, name, meaning) => wider.push(reference),
            _ => {}
        }
    }
    let found = if exact.is_empty() { wider } else { exact };
    let Some(path) = path else { return found };
    let there = case.names.at(resource, path);
    let both: Vec<&Reference> = found.iter().copied().filter(|r| there.iter().any(|t| t.path == r.path)).collect();
    if both.is_empty() { found } else { both }
}

/// Whether a property name that no document resolves can mean something.
fn unresolved_is(case: &Case<'_>, property: &str, meaning: &Meaning) -> bool {
    let lower = property.to_ascii_lowercase();
    meaning.resources.iter().any(|&id| lower.ends_with(&case.graph.resource(id).entity.to_ascii_lowercase()))
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
    let what = if within.is_some() { "its own collection" } else { "what is being written" };
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

/// Identifying references through which the resource carries the key of a person.
pub(super) fn carried(case: &Case<'_>, resource: ResourceId, person: &Meaning) -> Option<Vec<Seen>> {
    let mut open = vec![resource];
    let mut reached = std::collections::BTreeSet::from([resource]);
    let direct: Vec<&Reference> = case
        .graph
        .resource(resource)
        .references
        .iter()
        .filter(|reference| {
            // Follow the keys of what this reference points to, for they become part of it.
            open.clear();
            reached.clear();
            open.extend(targets(case, reference));
            while let Some(id) = open.pop() {
                if person.resources.contains(&id) {
                    return true;
                }
                if reached.insert(id) {
                    // A descriptor of the key is a key field rather than an identifying reference.
                    let key = &case.graph.details(id).key;
                    let of_key = |r: &&Reference| r.identifying || key.iter().any(|f| f.paths.contains(&r.path));
                    let identifying = case.graph.resource(id).references.iter().filter(of_key);
                    open.extend(identifying.flat_map(|r| targets(case, r)));
                }
            }
            false
        })
        .collect();
    (!direct.is_empty()).then(|| direct.into_iter().flat_map(|r| case.seen(r)).collect())
}

fn targets(case: &Case<'_>, reference: &Reference) -> Vec<ResourceId> {
    match &reference.target {
        Target::Resource(name) => case.graph.id(name).into_iter().collect(),
        Target::Abstract(entity) => case.graph.subclasses(entity).to_vec(),
        Target::Unresolved(_) => Vec::new(),
    }
}

/// A coded value that is not among the descriptors.
pub(super) fn descriptor(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let named: Vec<&Named> = case.facts.named.iter().filter(|n| n.role == Role::Descriptor).collect();
    let mut judgement = match named.as_slice() {
        [] => by_value(case, resource),
        named => together(named.iter().map(|named| one_descriptor(case, resource, named)).collect()),
    };
    if case.facts.has(Nuance::NotAUri) && !case.facts.text.contains("does not exist") {
        judgement.verdict = Verdict::NotADependencyMatter;
        judgement
            .because
            .push("The value is no descriptor URI (namespace#codeValue); loading will not mend it.".into());
    }
    let other_type = case.facts.values.iter().find_map(|(_, value)| misplaced(case, value, &named));
    judgement.because.extend(other_type);
    judgement
}

/// A value whose namespace names another descriptor than the property takes.
fn misplaced(case: &Case<'_>, value: &str, named: &[&Named]) -> Option<String> {
    let (namespace, _) = value.rsplit_once('#')?;
    let last = namespace.rsplit('/').next()?;
    let is = |n: &&&Named| n.text.rsplit('.').next().unwrap_or_default().eq_ignore_ascii_case(last);
    let foreign = last.to_ascii_lowercase().ends_with("descriptor") && !named.iter().any(|n| is(&n));
    // Only a name of the model may be said; anything else is a part of a value.
    let name = case.names.resolve(last, None).and_then(|meaning| meaning.resources.first().copied());
    let name = name.map_or("another descriptor", |id| case.graph.resource(id).entity.as_str());
    foreign.then(|| format!("A value in it is of {name}: the mapping is wrong rather than the order."))
}

fn one_descriptor(case: &Case<'_>, resource: ResourceId, named: &Named) -> Finding {
    let by_path = |path: &str| case.names.at(resource, path);
    let at = named.path.as_deref().map(by_path).unwrap_or_default();
    // A legacy message has the property instead of the descriptor: `BirthStateAbbreviationDescriptor`.
    let by_role = || {
        let references = case.graph.resource(resource).references.iter();
        references.filter(|r| r.property().eq_ignore_ascii_case(&named.text)).collect::<Vec<_>>()
    };
    if case.names.resolve(&named.text, Some(resource)).is_none() {
        let found = if at.is_empty() { by_role() } else { at };
        if !found.is_empty() {
            let seen = evidence(case, named, &found);
            let because = vec![format!("{} takes {}.", named.text, seen.first().map_or("", short_target))];
            let missing = seen.first().and_then(|s| case.names.resolve(short_target(s), Some(resource)));
            let mut finding = Finding { verdict: Verdict::Confirmed, because, seen, missing };
            strange_path(case, named, &found, &mut finding);
            return finding;
        }
    }
    one(case, resource, named)
}

/// A legacy message that names a value and no descriptor.
fn by_value(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let mut seen = Vec::new();
    for reference in case.graph.resource(resource).references.iter().filter(|r| case.leads_to_descriptor(r)) {
        let values: Vec<&String> = case.facts.values.iter().map(|(_, value)| value).collect();
        let holds = |s: &Seen| {
            let uri = format!(
                "{}#{}",
                s.key.get("namespace").map_or("", String::as_str),
                s.key.get("codeValue").map_or("", String::as_str)
            );
            values.iter().any(|value| value.eq_ignore_ascii_case(&uri))
        };
        let inside = case.facts.paths.iter().any(|path| below(&reference.path, path));
        seen.extend(case.seen(reference).into_iter().filter(|s| inside || holds(s)));
    }
    let mut judgement = if seen.is_empty() {
        Judgement::new(Verdict::Inconclusive, "The message does not tell which descriptor.")
    } else {
        Judgement::new(Verdict::Ambiguous, format!("It can mean {}.", said(&seen)))
    };
    judgement.seen = seen;
    judgement
}
