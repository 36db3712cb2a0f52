//! Verdicts on values that several references of one record share and give differently.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Judgement, Seen, Verdict, several, target_name};
use crate::diagnosis::names::steps;
use crate::diagnosis::payload;
use crate::diagnosis::response::{is_path, plain_value};
use crate::graph::ResourceId;
use crate::model::Text;

/// Paths that are shown; a model may declare more of them equal.
const SHOWN: usize = 4;

/// Paths of one record that must hold one value.
struct Shared {
    paths: Vec<Text>,
    /// Whether the model says so, or only the message.
    stated: bool,
}

/// The same key field with different values in one record.
pub(super) fn conflict(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let short = case.short(resource);
    let mut judgement = Judgement::new(
        Verdict::NotADependencyMatter,
        "References of one record share key fields, and here they give them different values.",
    );
    for Shared { paths, stated } in shared(case, resource).into_iter().take(SHOWN) {
        let shown: Vec<String> = paths.iter().map(Text::to_string).collect();
        let who = if stated {
            format!("the model of {short} declares them equal")
        } else {
            "the server takes them for one".into()
        };
        judgement.because.push(format!("One value stands at {}: {who}.", several(&shown, SHOWN)));
        let Some(record) = case.payload else { continue };
        let mut distinct: BTreeMap<String, (String, &Text)> = BTreeMap::new();
        for path in &paths {
            for (at, value) in payload::values(record, path) {
                distinct.entry(plain_value(value)).or_insert((at, path));
            }
        }
        if distinct.len() < 2 {
            judgement
                .because
                .push("The record at hand does not contradict itself there: is it the one that was sent?".into());
        } else {
            let mut seen: Vec<Seen> =
                distinct.into_iter().map(|(value, (at, path))| holder(case, resource, &at, path, value)).collect();
            seen.sort();
            judgement.seen.extend(seen);
        }
    }
    judgement
}

/// Paths that the model declares equal and the message speaks of; where the model declares none, those
/// of the message.
fn shared(case: &Case<'_>, resource: ResourceId) -> Vec<Shared> {
    let facts = case.facts;
    let said: Vec<Vec<&str>> = facts.paths.iter().map(|path| steps(path)).filter(|path| !path.is_empty()).collect();
    let is = |path: &str, other: &[&str]| {
        let own = steps(path);
        own.len() == other.len() && own.iter().zip(other).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    let by_path = |path: &Text| said.iter().any(|other| is(path, other));
    let by_name = |path: &Text| {
        let last = steps(path).pop().unwrap_or_default();
        facts.unified.iter().any(|field| field.eq_ignore_ascii_case(last))
    };
    let declared = declared(case, resource);
    let of = |fits: &dyn Fn(&Text) -> bool| -> Vec<Shared> {
        let groups = declared.iter().filter(|group| group.iter().any(fits));
        groups.map(|group| Shared { paths: group.iter().cloned().collect(), stated: true }).collect()
    };
    let found = of(&by_path);
    let found = if found.is_empty() { of(&by_name) } else { found };
    if !found.is_empty() {
        return found;
    }
    let said: BTreeSet<Text> = facts.paths.iter().filter(|path| is_path(path)).map(Text::new).collect();
    if said.len() < 2 { Vec::new() } else { vec![Shared { paths: said.into_iter().collect(), stated: false }] }
}

/// Paths that must be equal: by equalities, and where one key field stands at several.
fn declared(case: &Case<'_>, resource: ResourceId) -> Vec<BTreeSet<Text>> {
    let details = case.graph.details(resource);
    let pairs = details.equalities.iter().map(|equality| vec![equality.left.clone(), equality.right.clone()]);
    let merged = details.key.iter().filter(|field| field.paths.len() > 1).map(|field| field.paths.clone());
    let mut groups: Vec<BTreeSet<Text>> = Vec::new();
    for paths in pairs.chain(merged) {
        let (touched, rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| paths.iter().any(|path| group.contains(path)));
        groups = rest;
        groups.push(touched.into_iter().flatten().chain(paths).collect());
    }
    groups.sort();
    groups
}

/// What holds a value: the reference it is a member of, or the record itself.
fn holder(case: &Case<'_>, resource: ResourceId, at: &str, path: &Text, value: String) -> Seen {
    let (parent, member) = at.rsplit_once('.').unwrap_or(("$", at));
    let reference = path.rsplit_once('.').and_then(|(parent, _)| {
        let references = &case.graph.resource(resource).references;
        references.iter().find(|reference| reference.path == parent)
    });
    let key = BTreeMap::from([(member.to_owned(), crate::diagnosis::template::squeeze(&value))]);
    match reference {
        Some(reference) => Seen {
            path: parent.to_owned(),
            target: target_name(reference),
            required: reference.required,
            identifying: reference.identifying,
            key,
        },
        None => {
            let field = case.graph.details(resource).key.iter().any(|field| field.paths.contains(path));
            Seen {
                path: at.to_owned(),
                target: case.graph.name(resource).to_string(),
                required: field,
                identifying: field,
                key,
            }
        }
    }
}
