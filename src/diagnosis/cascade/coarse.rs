//! Causes without records: failures of one resource that wait for another hang below its failures.

use std::collections::{BTreeMap, BTreeSet};

use super::Root;
use super::unplaced::{Reason, Reasons};
use crate::diagnosis::codes::Code;
use crate::diagnosis::outside::Outside;
use crate::diagnosis::verdict::Verdict;
use crate::diagnosis::{Diagnosis, Failure, Place};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::ResourceName;

/// Failures that are alike as far as their answers tell.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<Alike, Group>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    /// None where the cause is no record.
    resource: Option<ResourceId>,
    code: Code,
    outside: Option<Outside>,
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
    /// Where the cause is no record, how many of each resource.
    resources: BTreeMap<ResourceId, usize>,
    /// What hinders, where nothing tells the cause.
    unclear: Reasons,
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
        Self { resource, code: diagnosis.code, outside: None, targets, named, fields }
    }

    /// Whether nothing tells what is behind such failures.
    fn is_unclear(&self) -> bool {
        self.code == Code::Unknown
            || (self.resource.is_none() && self.outside.is_none())
            || (self.code == Code::UnresolvedReference && self.targets.is_empty())
    }

    /// What has a cause that is no record is alike whatever it names.
    fn outside(diagnosis: &Diagnosis) -> Self {
        let (outside, why) = (diagnosis.outside.clone(), diagnosis.outside.iter().flat_map(|outside| &outside.why));
        let fields = why.map(ToString::to_string).collect();
        Self { resource: None, code: diagnosis.code, outside, targets: Vec::new(), named: Vec::new(), fields }
    }
}

impl Groups {
    pub(super) fn add(&mut self, resource: Option<ResourceId>, failure: &Failure, diagnosis: &Diagnosis, count: usize) {
        let alike = match &diagnosis.outside {
            Some(_) => Alike::outside(diagnosis),
            None => Alike::of(resource, diagnosis),
        };
        let reason = alike.is_unclear().then(|| Reason::of(resource, diagnosis));
        let group = self.groups.entry(alike).or_default();
        if let Some(reason) = reason {
            group.unclear.add(reason, Place { lines: Vec::new(), ..failure.place.clone() }, count);
        }
        if group.count == 0 {
            group.place = Place { lines: Vec::new(), ..failure.place.clone() };
        }
        group.count += count;
        if let Some(resource) = resource.filter(|_| diagnosis.outside.is_some()) {
            *group.resources.entry(resource).or_default() += count;
        }
    }

    /// Roots, and how many failures none explains, which `unclear` takes.
    pub(super) fn roots(&self, graph: &DependencyGraph, unclear: &mut Reasons) -> (Vec<Root>, usize) {
        let alike: Vec<(&Alike, &Group)> = self.groups.iter().collect();
        let mut of_resource: BTreeMap<ResourceId, Vec<usize>> = BTreeMap::new();
        for (index, (alike, group)) in alike.iter().enumerate() {
            // A cause that is no record is of several resources, and explains what waits for any of them.
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
        let mut roots: BTreeMap<(Vec<ResourceId>, Code, Vec<String>), Root> = BTreeMap::new();
        for (top, (count, chain)) in explains {
            let Some((group, first)) = alike.get(top) else { continue };
            if group.is_unclear() {
                unexplained += count;
                unclear.take(&first.unclear, count.saturating_sub(first.count));
                continue;
            }
            let absent = !group.targets.is_empty();
            let of = if absent { group.targets.clone() } else { group.resource.into_iter().collect() };
            let resource = one_name(graph, &of).unwrap_or_default();
            let any_of: Vec<ResourceName> =
                if of.len() > 1 { of.iter().map(|&id| graph.name(id).clone()).collect() } else { Vec::new() };
            let mut steps: Vec<String> = chain
                .iter()
                .rev()
                .filter_map(|index| alike.get(*index)?.0.resource)
                .map(|id| graph.name(id).short().to_owned())
                .collect();
            if absent {
                let names = any_of.iter().map(|name| name.short()).collect::<Vec<_>>().join(" or ");
                steps.insert(0, if resource.is_empty() { names } else { resource.replace("/ed-fi/", "") });
            }
            let key = (of, group.code, group.fields.clone());
            let root = roots.entry(key).or_insert_with(|| Root {
                resource,
                any_of,
                key: BTreeMap::new(),
                possible: Vec::new(),
                place: if absent { Place::default() } else { first.place.clone() },
                code: group.code,
                absent,
                grouped: true,
                lies_with: group.outside.as_ref().map(|outside| outside.side),
                explains: 0,
                also: 0,
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

/// What some resources are called together: their own name, or the abstract resource that they are the
/// subclasses of, by entity.
fn one_name(graph: &DependencyGraph, ids: &[ResourceId]) -> Option<String> {
    if let [only] = ids {
        return Some(graph.name(*only).to_string());
    }
    let is_all = |entity: &str| {
        let subclasses = graph.subclasses(entity);
        subclasses.len() == ids.len() && subclasses.iter().all(|id| ids.contains(id))
    };
    graph.abstracts().iter().find(|found| is_all(&found.entity)).map(|found| found.entity.to_string())
}
