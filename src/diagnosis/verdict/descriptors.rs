//! Verdicts on coded values that are not among the descriptors.

use super::references::{evidence, one, said, strange_path, together};
use super::{Case, Finding, Judgement, Seen, Verdict, short_target};
use crate::diagnosis::catalogue::Nuance;
use crate::diagnosis::names::below;
use crate::diagnosis::response::{Named, Role};
use crate::graph::ResourceId;

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
        let values: Vec<&String> = case.facts.values.iter().map(|(_, value)| value).collect();
        let holds = |s: &Seen| {
            let uri = format!(
                "{}#{}",
                s.key.get("namespace").map_or("", String::as_str),
                s.key.get("codeValue").map_or("", String::as_str)
            );
            values.iter().any(|value| value.eq_ignore_ascii_case(&uri))
        };
        let inside = paths.iter().any(|path| below(&reference.path, path));
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
