//! Causes without records: failures of one resource that wait for another hang below its failures.

use std::collections::{BTreeMap, BTreeSet};

use super::Root;
use crate::diagnosis::client::Client;
use crate::diagnosis::codes::Code;
use crate::diagnosis::verdict::Verdict;
use crate::diagnosis::{Diagnosis, Failure, Place};
use crate::graph::{DependencyGraph, ResourceId};

/// Failures that are alike as far as their answers tell.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<Alike, Group>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    /// None where it lies with the client.
    resource: Option<ResourceId>,
    code: Code,
    client: Option<Client>,
    /// What they wait for.
    targets: Vec<ResourceId>,
    /// As messages name it, where the graph does not know it.
    named: Vec<String>,
    fields: Vec<String>,
}

#[derive(Debug, Default)]
struct Group {
    count: usize,
    place: Place,
    /// Of what lies with the client, how many of each resource.
    resources: BTreeMap<ResourceId, usize>,
}

impl Alike {
    fn of(resource: Option<ResourceId>, diagnosis: &Diagnosis) -> Self {
        let believed = matches!(diagnosis.verdict, Verdict::Confirmed | Verdict::Ambiguous);
        let mut targets: Vec<ResourceId> = match (&diagnosis.pathway, believed) {
            (_, false) => Vec::new(),
            (Some((_, associations)), true) => associations.clone(),
            (None, true) => diagnosis.missing.clone(),
        };
        targets.sort_unstable();
        targets.dedup();
        let named = if targets.is_empty() { diagnosis.named.clone() } else { Vec::new() };
        let fields = diagnosis.missing_fields.clone();
        Self { resource, code: diagnosis.code, client: None, targets, named, fields }
    }

    /// What lies with the client is alike whatever it names.
    fn client(diagnosis: &Diagnosis) -> Self {
        let (client, why) = (diagnosis.client.clone(), diagnosis.client.iter().flat_map(|client| &client.why));
        let fields = why.map(ToString::to_string).collect();
        Self { resource: None, code: diagnosis.code, client, targets: Vec::new(), named: Vec::new(), fields }
    }
}

impl Groups {
    pub(super) fn add(&mut self, resource: Option<ResourceId>, failure: &Failure, diagnosis: &Diagnosis, count: usize) {
        let alike = match &diagnosis.client {
            Some(_) => Alike::client(diagnosis),
            None => Alike::of(resource, diagnosis),
        };
        let group = self.groups.entry(alike).or_default();
        if group.count == 0 {
            group.place = Place { lines: Vec::new(), ..failure.place.clone() };
        }
        group.count += count;
        if let Some(resource) = resource.filter(|_| diagnosis.client.is_some()) {
            *group.resources.entry(resource).or_default() += count;
        }
    }

    /// Roots, and how many failures none explains.
    pub(super) fn roots(&self, graph: &DependencyGraph) -> (Vec<Root>, usize) {
        let alike: Vec<(&Alike, &Group)> = self.groups.iter().collect();
        let mut of_resource: BTreeMap<ResourceId, Vec<usize>> = BTreeMap::new();
        for (index, (alike, group)) in alike.iter().enumerate() {
            // What lies with the client is of several resources, and explains what waits for any of them.
            for resource in alike.resource.into_iter().chain(group.resources.keys().copied()) {
                of_resource.entry(resource).or_default().push(index);
            }
        }
        // Below the largest group of failures of what it waits for: which record it is nobody knows.
        let above = |index: usize| {
            let (group, _) = alike.get(index)?;
            let of_targets = group.targets.iter().filter_map(|target| of_resource.get(target)).flatten();
            of_targets
                .copied()
                .filter(|other| *other != index && alike.get(*other).is_some_and(|(g, _)| g.resource != group.resource))
                .max_by_key(|other| (alike.get(*other).map_or(0, |(_, g)| g.count), usize::MAX - other))
        };
        let mut explains: BTreeMap<usize, (usize, Vec<usize>)> = BTreeMap::new();
        for (index, (_, group)) in alike.iter().enumerate() {
            let mut seen = BTreeSet::from([index]);
            let (mut top, mut chain) = (index, vec![index]);
            while let Some(next) = above(top) {
                if !seen.insert(next) {
                    break;
                }
                top = next;
                chain.push(next);
            }
            let entry = explains.entry(top).or_default();
            entry.0 += group.count;
            if chain.len() > entry.1.len() {
                entry.1 = chain;
            }
        }
        let mut unexplained = 0;
        let mut roots: BTreeMap<(String, Code, Vec<String>), Root> = BTreeMap::new();
        for (top, (count, chain)) in explains {
            let Some((group, first)) = alike.get(top) else { continue };
            let unknown = group.code == Code::Unknown
                || (group.resource.is_none() && group.client.is_none())
                || (group.code == Code::UnresolvedReference && group.targets.is_empty());
            if unknown {
                unexplained += count;
                continue;
            }
            let absent = !group.targets.is_empty();
            let resource = if absent {
                let names: Vec<&str> = group.targets.iter().map(|&id| graph.name(id).as_str()).collect();
                names.join(" or ")
            } else {
                group.resource.map(|id| graph.name(id).to_string()).unwrap_or_default()
            };
            let mut steps: Vec<String> = chain
                .iter()
                .rev()
                .filter_map(|index| alike.get(*index)?.0.resource)
                .map(|id| graph.name(id).short().to_owned())
                .collect();
            if absent {
                steps.insert(0, resource.replace("/ed-fi/", ""));
            }
            let key = (resource.clone(), group.code, group.fields.clone());
            let root = roots.entry(key).or_insert_with(|| Root {
                resource,
                key: BTreeMap::new(),
                possible: Vec::new(),
                place: if absent { Place::default() } else { first.place.clone() },
                code: group.code,
                absent,
                grouped: true,
                explains: 0,
                detail: group.fields.clone(),
                resources: first.resources.iter().map(|(id, n)| (graph.name(*id).clone(), *n)).collect(),
                examples: Vec::new(),
            });
            root.explains += count;
            if steps.len() > 1 && root.examples.is_empty() {
                root.examples.push(steps.join(" → "));
            }
        }
        (roots.into_values().collect(), unexplained)
    }
}
