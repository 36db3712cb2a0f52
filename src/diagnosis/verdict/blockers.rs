//! Verdicts on deletes that others block.

use super::{Case, Judgement, Seen, Verdict, several};
use crate::diagnosis::names::{Meaning, Sort, below};
use crate::diagnosis::response::{Named, Role};
use crate::graph::{Edge, ResourceId};

/// A delete, or a change of key, that others stand in the way of.
pub(super) fn blocked(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let short = case.short(resource);
    let named: Vec<&Named> = case.facts.named.iter().filter(|n| n.role != Role::Hint).collect();
    let by_uri: Vec<ResourceId> = case.facts.uris.iter().filter_map(|uri| case.names.request(uri)).collect();
    let dependents: Vec<ResourceId> = case.graph.dependents(resource).map(|edge| edge.dependent).collect();
    if named.is_empty() && by_uri.is_empty() {
        return match dependents.as_slice() {
            [] => Judgement::new(Verdict::Contradicted, format!("Nothing refers to {short}.")),
            [only] => Judgement {
                blocking: vec![*only],
                ..Judgement::new(Verdict::Confirmed, format!("Only {} refers to {short}.", case.short(*only)))
            },
            some => Judgement::new(
                Verdict::Ambiguous,
                format!("The message names nothing; {} resources refer to {short}.", some.len()),
            ),
        };
    }
    let mut judgement = Judgement::new(Verdict::Confirmed, "");
    judgement.because.clear();
    let (mut confirmed, mut contradicted, mut unclear, mut unknown) = (0, 0, 0, 0);
    for id in by_uri {
        if let Some(edge) = case.graph.edge(resource, id) {
            confirmed += 1;
            judgement.because.push(format!("{} refers to {short}.", case.short(id)));
            let whole = Meaning { resources: vec![id], sort: Sort::Resource };
            judgement.seen.extend(evidence(case, edge, &whole));
            judgement.blocking.push(id);
        } else {
            contradicted += 1;
        }
    }
    // A collection is named together with the resources that can hold it.
    let containers: Vec<ResourceId> = if named.iter().any(|n| n.role == Role::Child) {
        let holders = named.iter().filter(|n| n.role == Role::Entity);
        holders.filter_map(|n| case.names.resolve(&n.text, Some(resource))).flat_map(|m| m.resources).collect()
    } else {
        Vec::new()
    };
    for one in named {
        if !containers.is_empty() && one.role == Role::Entity {
            continue;
        }
        let Some(mut meaning) = case.names.resolve(&one.text, Some(resource)) else {
            if containers.is_empty() {
                unknown += 1;
                let owner = case.names.owner(&one.text, resource);
                let or = owner.map(|id| format!(", or it is a collection of {}", case.short(id))).unwrap_or_default();
                judgement.because.push(format!(
                    "This graph knows no {}: another standard, or an extension is missing{or}.",
                    one.text
                ));
                continue;
            }
            // A collection of an abstract resource that the metadata gives no name.
            judgement_of_containers(case, resource, &containers, &mut judgement, &mut confirmed, &mut contradicted);
            continue;
        };
        if !containers.is_empty() && matches!(meaning.sort, Sort::Child(_)) {
            narrow(&mut meaning, &containers);
        }
        let own = meaning.resources.contains(&resource) && !matches!(meaning.sort, Sort::Abstract(_));
        let edges = edges_from(case, resource, &meaning);
        if own && (edges.is_empty() || one.role == Role::Table) {
            if edges.is_empty() {
                contradicted += 1;
                let what = if matches!(meaning.sort, Sort::Child(_)) { "a collection of" } else { "" };
                let what = format!("{what} the item being deleted");
                judgement.because.push(format!("{} is {}, not what blocks it.", one.text, what.trim_start()));
            } else {
                unclear += 1;
                judgement.because.push(format!(
                    "{short} can refer to itself, but the message may also name the item being deleted."
                ));
            }
            continue;
        }
        if edges.is_empty() {
            contradicted += 1;
            judgement.because.push(format!("Nothing in {} refers to {short}.", one.text));
            continue;
        }
        confirmed += 1;
        judgement.because.push(explain(case, &one.text, &meaning, &edges, short));
        judgement.seen.extend(edges.iter().flat_map(|edge| evidence(case, edge, &meaning)));
        judgement.blocking.extend(edges.iter().map(|edge| edge.dependent));
    }
    judgement.verdict = match (confirmed, contradicted, unclear, unknown) {
        (_, 0, 0, 0) => Verdict::Confirmed,
        (0, _, 0, 0) => Verdict::Contradicted,
        (0, 0, 0, _) => Verdict::Inconclusive,
        _ => Verdict::Ambiguous,
    };
    if judgement.verdict == Verdict::Contradicted && !dependents.is_empty() {
        let names: Vec<String> = dependents.iter().map(|&id| case.short(id).to_owned()).collect();
        judgement.because.push(format!("What can block it: {}.", several(&names, 6)));
    }
    judgement.blocking.dedup();
    judgement
}

fn judgement_of_containers(
    case: &Case<'_>,
    resource: ResourceId,
    containers: &[ResourceId],
    judgement: &mut Judgement,
    confirmed: &mut usize,
    contradicted: &mut usize,
) {
    let edges: Vec<&Edge> = containers.iter().filter_map(|&id| case.graph.edge(resource, id)).collect();
    if edges.is_empty() {
        *contradicted += 1;
        judgement.because.push(format!("None of the resources named refers to {}.", case.short(resource)));
    } else {
        *confirmed += 1;
        let names: Vec<String> = edges.iter().map(|e| case.short(e.dependent).to_owned()).collect();
        judgement.because.push(format!("{} refer to {}.", several(&names, 4), case.short(resource)));
        judgement.blocking.extend(edges.iter().map(|e| e.dependent));
    }
}

/// Keeps of a collection only what the named resources hold.
fn narrow(meaning: &mut Meaning, containers: &[ResourceId]) {
    let Sort::Child(paths) = &meaning.sort else { return };
    let kept: Vec<(ResourceId, crate::model::Text)> = meaning
        .resources
        .iter()
        .copied()
        .zip(paths.iter().cloned())
        .filter(|(id, _)| containers.contains(id))
        .collect();
    if !kept.is_empty() {
        let (resources, paths) = kept.into_iter().unzip();
        *meaning = Meaning { resources, sort: Sort::Child(paths) };
    }
}

/// Edges from what is deleted to what a name means; of a collection only those whose references lie in it.
fn edges_from<'a>(case: &Case<'a>, resource: ResourceId, meaning: &Meaning) -> Vec<&'a Edge> {
    let mut edges: Vec<&Edge> = Vec::new();
    for (position, &id) in meaning.resources.iter().enumerate() {
        let Some(edge) = case.graph.edge(resource, id) else { continue };
        let inside = match &meaning.sort {
            Sort::Child(paths) => paths
                .get(position)
                .is_some_and(|path| case.graph.references(edge).any(|reference| below(&reference.path, path))),
            _ => true,
        };
        if inside {
            edges.push(edge);
        }
    }
    edges
}

fn explain(case: &Case<'_>, named: &str, meaning: &Meaning, edges: &[&Edge], short: &str) -> String {
    let names: Vec<String> = edges.iter().map(|edge| case.short(edge.dependent).to_owned()).collect();
    match &meaning.sort {
        Sort::Resource => {
            let paths: Vec<String> =
                edges.iter().flat_map(|edge| case.graph.references(edge).map(|r| r.path.to_string())).collect();
            format!("{} refers to {short} at {}.", several(&names, 3), several(&paths, 3))
        }
        Sort::Abstract(entity) => {
            format!("{entity} is abstract; of its subclasses {} can refer to {short}.", several(&names, 9))
        }
        Sort::Child(_) => {
            let refer = if names.len() > 1 { "refer" } else { "refers" };
            format!("{named} is a collection of {}, which {refer} to {short} there.", several(&names, 9))
        }
    }
}

fn evidence(case: &Case<'_>, edge: &Edge, meaning: &Meaning) -> Vec<Seen> {
    let inside = |path: &str| match &meaning.sort {
        Sort::Child(paths) => paths.iter().any(|parent| below(path, parent)),
        _ => true,
    };
    let dependent = case.graph.name(edge.dependent).to_string();
    case.graph
        .references(edge)
        .filter(|reference| inside(&reference.path))
        .map(|reference| Seen {
            path: format!("{dependent}{}", reference.path.trim_start_matches('$')),
            target: super::target_name(reference),
            required: reference.required,
            identifying: reference.identifying,
            key: std::collections::BTreeMap::new(),
        })
        .collect()
}
