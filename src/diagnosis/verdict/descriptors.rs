//! Verdicts on coded values that are not among the descriptors.

use std::collections::BTreeSet;

use super::references::{evidence, one, said, strange_path, together};
use super::{Case, Finding, Judgement, Seen, Verdict, short_target};
use crate::diagnosis::catalogue::Nuance;
use crate::diagnosis::names::below;
use crate::diagnosis::response::{Named, Role};
use crate::diagnosis::template::squeeze;
use crate::graph::{Found, ResourceId};
use crate::model::Kind;

/// A coded value that is not among the descriptors.
pub(super) fn missing_value(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let named: Vec<&Named> = case.facts.named.iter().filter(|n| n.role == Role::Descriptor).collect();
    let mut judgement = match named.as_slice() {
        [] => by_value(case, resource),
        named => together(named.iter().map(|named| one_descriptor(case, resource, named)).collect()),
    };
    if case.facts.has(Nuance::NotAUri) && !case.facts.text.contains("does not exist") {
        judgement.verdict = Verdict::NotADependencyMatter;
        // A DMS says the same of a URI of another descriptor.
        let is_uri =
            |value: &str| value.split_once('#').is_some_and(|(space, code)| space.contains("://") && !code.is_empty());
        let mut values = case.facts.values.iter().map(|(_, value)| value.as_str()).peekable();
        let uris = values.peek().is_some() && values.all(is_uri);
        let (because, advice) = if uris {
            (
                "The value is one of another descriptor than the property takes; loading will not mend it.",
                "Correct the mapping to a value of the descriptor that the property takes.",
            )
        } else {
            (
                "The value is no descriptor URI (namespace#codeValue); loading will not mend it.",
                "Send a descriptor as namespace#codeValue.",
            )
        };
        judgement.because.push(because.to_owned());
        judgement.advice = Some(advice.to_owned());
    }
    quoted(case, &mut judgement.seen);
    let other_type = case.facts.values.iter().find_map(|(_, value)| misplaced(case, value, &named));
    judgement.because.extend(other_type);
    judgement
}

/// The value that a message quotes decides among those of the record, whatever their case. Where the record
/// has it nowhere, or is not known, the message is believed.
fn quoted(case: &Case<'_>, seen: &mut Vec<Seen>) {
    let values: Vec<String> = case.facts.values.iter().map(|(_, value)| squeeze(value)).collect();
    let held: BTreeSet<String> = seen.iter().filter(|s| holds(s, &values)).map(|s| s.target.clone()).collect();
    seen.retain(|s| !held.contains(&s.target) || holds(s, &values));
    let strange: Vec<&String> = values.iter().filter(|value| !seen.iter().any(|s| is_value(s, value))).collect();
    let [value] = strange.as_slice() else { return };
    let Some((namespace, code)) = value.rsplit_once('#') else { return };
    let is_coded = |s: &Seen| {
        let found = case.graph.find(&s.target);
        matches!(found, Ok(Found::Resource(id)) if case.graph.resource(id).kind == Kind::Descriptor)
    };
    for one in seen.iter_mut().filter(|s| !held.contains(&s.target) && is_coded(s)) {
        one.path = without_indexes(&one.path);
        one.key = [("namespace", namespace), ("codeValue", code)].map(|(name, part)| (name.into(), part.into())).into();
    }
    let mut known = BTreeSet::new();
    seen.retain(|one| known.insert(one.clone()));
}

/// `$.gradeLevels[*].gradeLevelDescriptor`.
fn without_indexes(path: &str) -> String {
    let steps = path.split('.').map(|step| match step.split_once('[') {
        Some((name, _)) => format!("{name}[*]"),
        None => step.to_owned(),
    });
    steps.collect::<Vec<_>>().join(".")
}

/// Whether the record has one of the values there.
fn holds(seen: &Seen, values: &[String]) -> bool {
    values.iter().any(|value| is_value(seen, value))
}

fn is_value(seen: &Seen, value: &str) -> bool {
    let part = |name: &str| seen.key.get(name).map_or("", String::as_str);
    value.eq_ignore_ascii_case(&format!("{}#{}", part("namespace"), part("codeValue")))
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
            strange_path(case, resource, named, &found, &mut finding);
            return finding;
        }
    }
    one(case, resource, named)
}

/// A legacy message that names a value and no descriptor.
fn by_value(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let mut seen = Vec::new();
    let paths: Vec<String> = case.facts.paths.iter().map(|path| case.names.spelled(resource, path)).collect();
    for reference in case.graph.resource(resource).references.iter().filter(|r| case.leads_to_descriptor(r)) {
        let values: Vec<String> = case.facts.values.iter().map(|(_, value)| squeeze(value)).collect();
        let inside = paths.iter().any(|path| below(&reference.path, path));
        seen.extend(case.seen(reference).into_iter().filter(|s| inside || holds(s, &values)));
    }
    let mut judgement = if seen.is_empty() {
        Judgement::new(Verdict::Inconclusive, "The message does not tell which descriptor.")
    } else {
        Judgement::new(Verdict::Ambiguous, format!("It can mean {}.", said(&seen)))
    };
    judgement.seen = seen;
    judgement
}
