//! What an API publishes of its order, held against what other documents describe.
//!
//! An edge of the API settles what a descriptor property means where it can mean only that; whatever
//! contradicts the documents is said and changes nothing. Reasons: docs/design.md, "Published graphs
//! and orders".

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AbstractResource, Kind, Model, Reference, Resource, ResourceName, Target, Text, fold_project};

use super::draft::Draft;
use super::fingerprint;

/// Resources or pairs that a sentence names before it counts.
const NAMED: usize = 3;

/// Hears a published graph or order.
pub(super) fn hear(model: &mut Model, witness: &Draft, without: &[String]) {
    let without: BTreeSet<String> = without.iter().map(|project| fold_project(project)).collect();
    let heard = |name: &ResourceName| !without.contains(&fold_project(name.project()));
    let published = Published {
        called: if witness.waves.is_empty() { "the API's GraphML" } else { "the API's dependencies JSON" },
        whole: without.is_empty(),
        names: witness.resources.keys().filter(|name| heard(name)).collect(),
        before: before(witness),
        waves: &witness.waves,
    };
    let mut limits: BTreeSet<Text> = std::mem::take(&mut model.metadata.limits).into_iter().collect();
    limits.extend(published.names_that_differ(model));
    if published.waves.is_empty() {
        let settled = published.settle(&mut model.resources);
        model.metadata.settled.extend(settled);
        model.metadata.settled.sort();
        model.metadata.settled.dedup();
        limits.extend(published.edges_that_differ(model));
    } else {
        limits.extend(published.waves_that_differ(model));
    }
    model.metadata.limits = limits.into_iter().collect();
    model.metadata.origins.extend(witness.origins.iter().cloned());
    model.metadata.origins.sort();
    model.metadata.origins.dedup();
    model.metadata.fingerprint = fingerprint(model);
}

/// What comes right before each resource; of an edge through a pathway the association and the person,
/// for a reference to either may be behind it.
fn before(witness: &Draft) -> BTreeMap<&ResourceName, BTreeSet<&ResourceName>> {
    let edges = witness.resources.iter().flat_map(|(name, r)| r.stated.iter().map(move |edge| (name, edge)));
    let mut before: BTreeMap<&ResourceName, BTreeSet<&ResourceName>> = BTreeMap::new();
    for (dependent, edge) in edges.filter(|(dependent, edge)| edge.person.as_ref() != Some(*dependent)) {
        before.entry(dependent).or_default().extend(edge.person.iter().chain([&edge.prerequisite]));
    }
    before
}

struct Published<'w> {
    called: &'static str,
    /// Whether no extension is left out: its edges between resources of core look like any other.
    whole: bool,
    names: BTreeSet<&'w ResourceName>,
    before: BTreeMap<&'w ResourceName, BTreeSet<&'w ResourceName>>,
    waves: &'w BTreeMap<ResourceName, usize>,
}

impl Published<'_> {
    /// Resources that only one side has. School years are in no published order.
    fn names_that_differ(&self, model: &Model) -> Vec<Text> {
        let described: BTreeSet<&ResourceName> =
            model.resources.iter().filter(|r| r.kind != Kind::SchoolYears).map(|r| &r.name).collect();
        let only = |a: &BTreeSet<&ResourceName>, b: &BTreeSet<&ResourceName>| {
            let only: Vec<String> = a.difference(b).map(|name| name.short().to_owned()).collect();
            (!only.is_empty()).then(|| some(&only))
        };
        let theirs = only(&self.names, &described)
            .map(|names| format!("{} has resources that no other document describes: {names}", self.called).into());
        let ours = only(&described, &self.names)
            .map(|names| format!("{} does not have resources that are described: {names}", self.called).into());
        theirs.into_iter().chain(ours).collect()
    }

    fn is_before(&self, prerequisite: &ResourceName, dependent: &ResourceName) -> bool {
        self.before.get(dependent).is_some_and(|before| before.contains(prerequisite))
    }

    /// Settles which descriptor a property means, where the edges leave one candidate: nothing ever drops
    /// an edge from a descriptor, for no cycle runs through one. An edge to another descriptor than the
    /// name suggests counts only where no other reference explains it.
    fn settle(&self, resources: &mut [Resource]) -> Vec<Text> {
        let mut settled = Vec::new();
        for resource in resources.iter_mut().filter(|r| self.names.contains(&r.name)) {
            let mut certain: Vec<(usize, ResourceName)> = Vec::new();
            for (place, reference) in resource.references.iter().enumerate() {
                let Target::Resource(assumed) = &reference.target else { continue };
                let candidates = || std::iter::once(assumed).chain(&reference.alternatives);
                // Of an extension that the API does not have it says nothing.
                if !candidates().all(|name| self.names.contains(name)) {
                    continue;
                }
                let there: Vec<&ResourceName> =
                    candidates().filter(|name| self.is_before(name, &resource.name)).collect();
                let [only] = there.as_slice() else { continue };
                if !reference.alternatives.is_empty() && (*only == assumed || !explained(resource, place, only)) {
                    certain.push((place, (*only).clone()));
                }
            }
            for (place, name) in certain {
                let Some(reference) = resource.references.get_mut(place) else { continue };
                let assumed = Target::Resource(name.clone());
                // A name only suggests what it means, so what is settled as it suggests is no difference.
                if reference.target != assumed {
                    let path = reference.path.trim_start_matches('$');
                    settled.push(
                        format!(
                            "{}{path} is {name}, not what its name suggests first: {} says so",
                            resource.name, self.called
                        )
                        .into(),
                    );
                }
                reference.target = assumed;
                reference.alternatives.clear();
            }
        }
        settled
    }

    /// Edges that no reference explains, and references without an edge that nothing can have dropped: a
    /// server drops optional references to break cycles, and never one to a descriptor.
    fn edges_that_differ(&self, model: &Model) -> Vec<Text> {
        let (mut unexplained, mut missing) = (Vec::new(), Vec::new());
        for resource in model.resources.iter().filter(|r| self.names.contains(&r.name)) {
            let targets = || resource.references.iter().flat_map(|r| targets(model, r).map(move |name| (name, r)));
            let referred: BTreeSet<&ResourceName> = targets().map(|(name, _)| name).collect();
            let lasting = |(name, reference): &(&ResourceName, &Reference)| {
                let descriptor = model.resource(name).is_some_and(|r| r.kind == Kind::Descriptor);
                (reference.required || descriptor) && reference.alternatives.is_empty()
            };
            let expected = targets().filter(lasting).map(|(name, _)| name).filter(|name| self.names.contains(name));
            let absent = expected.filter(|name| **name != resource.name && !self.is_before(name, &resource.name));
            missing.extend(absent.map(|name| pair(name, &resource.name)).collect::<BTreeSet<_>>());
            let before = self.before.get(&resource.name).into_iter().flatten();
            let strange = before.filter(|name| !referred.contains(**name) && !self.by_pathway(name, &referred, model));
            unexplained.extend(strange.map(|name| pair(name, &resource.name)));
        }
        let said = |pairs: Vec<String>, what: &str| -> Option<Text> {
            (!pairs.is_empty()).then(|| format!("{} has {what}: {}", self.called, some(&pairs)).into())
        };
        let unexplained = said(unexplained, "edges that no reference explains").filter(|_| self.whole);
        unexplained.into_iter().chain(said(missing, "no edge for references that are described")).collect()
    }

    /// Whether an edge from an association stands for a reference to its person, or the other way round.
    fn by_pathway(&self, name: &ResourceName, referred: &BTreeSet<&ResourceName>, model: &Model) -> bool {
        model.pathways.iter().any(|pathway| {
            let all = || pathway.associations.iter().chain([&pathway.person]);
            all().any(|n| n == name) && all().any(|n| referred.contains(n))
        })
    }

    /// Required references whose target the order does not create first.
    fn waves_that_differ(&self, model: &Model) -> Option<Text> {
        let mut wrong = BTreeSet::new();
        for resource in &model.resources {
            let Some(wave) = self.waves.get(&resource.name) else { continue };
            let required = resource.references.iter().filter(|r| r.required && r.alternatives.is_empty());
            for name in required.flat_map(|r| targets(model, r)).filter(|name| **name != resource.name) {
                if self.waves.get(name).is_some_and(|first| first >= wave) {
                    wrong.insert(pair(name, &resource.name));
                }
            }
        }
        let wrong: Vec<String> = wrong.into_iter().collect();
        (!wrong.is_empty()).then(|| {
            format!("{} does not create what required references need first: {}", self.called, some(&wrong)).into()
        })
    }
}

/// Whether another reference of the resource already accounts for an edge.
fn explained(resource: &Resource, place: usize, prerequisite: &ResourceName) -> bool {
    let others = resource.references.iter().enumerate().filter(|(other, _)| *other != place);
    others.into_iter().any(|(_, r)| matches!(&r.target, Target::Resource(name) if name == prerequisite))
}

/// The resources that a reference can be satisfied by.
fn targets<'m>(model: &'m Model, reference: &'m Reference) -> impl Iterator<Item = &'m ResourceName> {
    let (one, group) = match &reference.target {
        Target::Resource(name) => (Some(name), None),
        Target::Abstract(entity) => (None, model.abstract_resource(entity)),
        Target::Unresolved(_) => (None, None),
    };
    let subclasses = |found: &'m AbstractResource| &found.subclasses;
    one.into_iter().chain(group.map(subclasses).into_iter().flatten())
}

fn pair(prerequisite: &ResourceName, dependent: &ResourceName) -> String {
    format!("{} → {}", prerequisite.short(), dependent.short())
}

/// The first few of a list, and how many more.
fn some(items: &[String]) -> String {
    match items.len().checked_sub(NAMED) {
        Some(more @ 1..) => {
            format!("{} and {more} more", items.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
        }
        _ => items.join(", "),
    }
}
