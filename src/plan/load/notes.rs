//! What there is to know of a load beside its waves.

use std::collections::BTreeSet;

use super::{Ambiguous, OneOf, SelfReference, Unresolved};
use crate::graph::{Aim, DependencyGraph, ResourceId, Selection};
use crate::model::{Reference, Target};

/// References of resources to themselves, which order their records.
pub(super) fn self_references(
    graph: &DependencyGraph,
    chosen: &impl Fn(ResourceId) -> bool,
    required_only: bool,
) -> Vec<SelfReference> {
    let heeded = |r: &&Reference| r.required || !required_only;
    let edges = graph.ids().filter(|&id| chosen(id)).filter_map(|id| graph.edge(id, id));
    edges
        .flat_map(|edge| {
            let resource = graph.name(edge.dependent);
            graph
                .references(edge)
                .filter(heeded)
                .map(|r| SelfReference { resource: resource.clone(), path: r.path.clone() })
        })
        .collect()
}

/// Abstract resources that chosen resources refer to and of which something is chosen.
pub(super) fn one_of(
    graph: &DependencyGraph,
    selection: &Selection,
    chosen: &impl Fn(ResourceId) -> bool,
) -> Vec<OneOf> {
    let aims = graph.ids().filter(|&id| chosen(id)).flat_map(|id| graph.aims(id)).map(|(_, aim)| aim);
    let referred: BTreeSet<usize> = aims
        .filter_map(|aim| match aim {
            Aim::Abstract(place) => Some(place),
            _ => None,
        })
        .collect();
    referred
        .into_iter()
        .filter_map(|place| {
            let entity = graph.abstracts().get(place)?.entity.clone();
            let subclasses = graph.subclasses_at(place);
            let chosen = subclasses.iter().filter(|&&id| chosen(id));
            let loaded: Vec<_> = chosen.map(|&id| graph.name(id).clone()).collect();
            let only_for_this = selection.one_of.contains(&entity);
            let found = OneOf { entity, loaded, of: subclasses.len(), only_for_this };
            (!found.loaded.is_empty()).then_some(found)
        })
        .collect()
}

/// Descriptors that property names leave open.
pub(super) fn ambiguous(
    graph: &DependencyGraph,
    chosen: &impl Fn(ResourceId) -> bool,
    required_only: bool,
) -> Vec<Ambiguous> {
    let of_chosen = graph.ids().filter(|&id| chosen(id)).flat_map(|id| graph.ambiguous(id).map(move |r| (id, r)));
    of_chosen
        .filter(|(_, reference)| reference.required || !required_only)
        .filter_map(|(id, reference)| match &reference.target {
            Target::Resource(target) => Some(Ambiguous {
                resource: graph.name(id).clone(),
                path: reference.path.clone(),
                target: target.clone(),
                alternatives: reference.alternatives.clone(),
            }),
            _ => None,
        })
        .collect()
}

/// References that no document resolves.
pub(super) fn unresolved(
    graph: &DependencyGraph,
    chosen: &impl Fn(ResourceId) -> bool,
    required_only: bool,
) -> Vec<Unresolved> {
    let of_chosen = graph.ids().filter(|&id| chosen(id)).flat_map(|id| graph.unresolved(id).map(move |r| (id, r)));
    of_chosen
        .filter(|(_, (reference, _))| reference.required || !required_only)
        .map(|(id, (reference, name))| Unresolved {
            resource: graph.name(id).clone(),
            path: reference.path.clone(),
            name: name.clone(),
        })
        .collect()
}
