//! Which records a delete reaches: resource by resource, prerequisites first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::emptied::Emptied;
use super::{Gathered, RecordDeleteError, RecordDeleteOptions};
use crate::graph::{Constraint, DependencyGraph, Precedence, ResourceId};
use crate::model::Reference;
use crate::plan::delete::Optional;
use crate::records::{Ask, Gap, GapCode, RecordOf, RecordStore, satisfied_by};

/// What a visit of a store came to.
pub(super) struct Visited<R> {
    pub(super) gathered: Gathered<R>,
    /// The resources that can hold dependents, sorted.
    pub(super) searched: Vec<ResourceId>,
    /// How many targets there are, each counted once.
    pub(super) targets: usize,
}

/// Everything the targets bring with them.
pub(super) fn gather<S: RecordStore>(
    graph: &DependencyGraph,
    store: &mut S,
    targets: Vec<RecordOf<S::Record>>,
    options: &RecordDeleteOptions,
) -> Result<Visited<S::Record>, RecordDeleteError<S::Error>> {
    let mut visit = Visit::new(graph, options);
    for target in targets {
        visit.delete_target(target)?;
    }
    let targets = visit.gathered.records.len();
    let reach = Reach::of(graph, visit.of_resource.keys().copied().collect(), options.optional);
    for layer in reach.layers(graph) {
        visit.layer(store, &layer)?;
    }
    let mut gathered = visit.gathered;
    gathered.gaps.extend(store.noticed().map_err(RecordDeleteError::Store)?);
    let targets = gathered.without_strangers(graph, store, targets);
    Ok(Visited { gathered, searched: reach.asked.into_iter().collect(), targets })
}

impl<R: Clone + Eq + std::hash::Hash> Gathered<R> {
    /// Leaves out the targets that the store does not hold and that nothing in it refers to, and says of the
    /// others that it does not hold them. How many targets are left. O(records + references).
    fn without_strangers<S: RecordStore<Record = R>>(
        &mut self,
        graph: &DependencyGraph,
        store: &S,
        targets: usize,
    ) -> usize {
        let outside = |(_, record): &(u32, &RecordOf<R>)| !store.holds(record);
        let mut strangers: BTreeSet<u32> =
            (0..).zip(self.records.iter().take(targets)).filter(outside).map(|(number, _)| number).collect();
        if strangers.is_empty() {
            return targets;
        }
        let mut referred: BTreeMap<ResourceId, usize> = BTreeMap::new();
        for (.., to) in &self.references {
            if strangers.remove(to)
                && let Some(record) = self.records.get(*to as usize)
            {
                *referred.entry(record.resource).or_default() += 1;
            }
        }
        self.gaps.extend(referred.into_iter().map(|(id, count)| Gap {
            code: GapCode::NotInFolder,
            resource: graph.name(id).clone(),
            message: format!(
                "{count} of the targets {} in no file here, but records refer to {}: on the server already, or nowhere",
                if count == 1 { "is" } else { "are" },
                if count == 1 { "it" } else { "them" },
            ),
            said: None,
        }));
        // The others move up: the new number of each.
        let count = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let stays = |old: &u32| !strangers.contains(old);
        let ahead = (0..count).scan(0, |next: &mut u32, old| {
            let number = *next;
            *next += u32::from(stays(&old));
            Some(number)
        });
        let moved: Vec<u32> = ahead.collect();
        let number = |old: u32| moved.get(old as usize).copied().unwrap_or(old);
        let kept = || (0..count).filter(stays);
        self.records = kept().filter_map(|old| self.records.get(old as usize)).cloned().collect();
        self.deleted = kept().filter_map(|old| self.deleted.get(old as usize)).copied().collect();
        self.numbers = (0..).zip(&self.records).map(|(number, record)| (record.clone(), number)).collect();
        for (from, _, to) in &mut self.references {
            (*from, *to) = (number(*from), number(*to));
        }
        let items = std::mem::take(&mut self.items).into_iter();
        self.items = items.map(|((from, at, to), items)| ((number(from), at, number(to)), items)).collect();
        targets - strangers.len()
    }
}

/// Whether a reference can be removed and its record stay, whatever the record has beside it.
pub(super) fn is_clearable(reference: &Reference) -> bool {
    !reference.required && !reference.identifying
}

/// Which resources a delete can reach, whatever the records say.
struct Reach {
    /// Resources of which records may be deleted.
    deletable: BTreeSet<ResourceId>,
    /// Resources that can refer to those.
    asked: BTreeSet<ResourceId>,
}

/// A resource of a layer.
struct InLayer {
    resource: ResourceId,
    /// Whether its records, or those of its circle, can refer to each other.
    circular: bool,
    /// Its references with the deletable resources that satisfy them.
    references: Vec<(u32, Vec<ResourceId>)>,
    /// Those of them that stay within its circle.
    within: Vec<u32>,
}

impl Reach {
    fn of(graph: &DependencyGraph, targets: BTreeSet<ResourceId>, optional: Optional) -> Self {
        // What refers to each resource, and whether that could delete it.
        let mut referring: BTreeMap<ResourceId, BTreeMap<ResourceId, bool>> = BTreeMap::new();
        for id in graph.ids() {
            for reference in &graph.resource(id).references {
                let deletes = optional == Optional::Delete || !is_clearable(reference);
                for target in satisfied_by(graph, reference) {
                    *referring.entry(target).or_default().entry(id).or_default() |= deletes;
                }
            }
        }
        let mut reach = Self { deletable: targets.clone(), asked: BTreeSet::new() };
        let mut open: Vec<ResourceId> = targets.into_iter().collect();
        while let Some(id) = open.pop() {
            for (&dependent, &deletes) in referring.get(&id).into_iter().flatten() {
                reach.asked.insert(dependent);
                if deletes && reach.deletable.insert(dependent) {
                    open.push(dependent);
                }
            }
        }
        reach
    }

    /// The asked resources in layers; what is asked of a layer can lead to those before it and, around
    /// a circle, to itself.
    fn layers(&self, graph: &DependencyGraph) -> Vec<Vec<InLayer>> {
        let resources: Vec<ResourceId> = self.asked.union(&self.deletable).copied().collect();
        let number = |id: &ResourceId| resources.binary_search(id).ok();
        let leads = |id: ResourceId| -> Vec<(u32, Vec<ResourceId>)> {
            let references = (0..).zip(&graph.resource(id).references);
            let deletable = |reference: &Reference| -> Vec<ResourceId> {
                satisfied_by(graph, reference).into_iter().filter(|id| self.deletable.contains(id)).collect()
            };
            references.map(|(position, r)| (position, deletable(r))).filter(|(_, t)| !t.is_empty()).collect()
        };
        let mut leads: Vec<Vec<(u32, Vec<ResourceId>)>> = resources.iter().map(|id| leads(*id)).collect();
        let mut constraints: Vec<Constraint> = Vec::new();
        for (after, references) in leads.iter().enumerate() {
            let before = references.iter().flat_map(|(_, targets)| targets).filter_map(number);
            constraints.extend(before.map(|before| Constraint { before, after, removable: false }));
        }
        constraints.sort_unstable();
        constraints.dedup();
        let mut layers: BTreeMap<usize, Vec<InLayer>> = BTreeMap::new();
        for group in (Precedence { steps: resources.len(), constraints }).groups() {
            let same = |id: &ResourceId| number(id).is_some_and(|other| group.steps.binary_search(&other).is_ok());
            for &step in &group.steps {
                let (Some(&resource), Some(references)) = (resources.get(step), leads.get_mut(step)) else { continue };
                let references = std::mem::take(references);
                let within = references.iter().filter(|(_, targets)| targets.iter().any(same));
                let within = within.map(|(position, _)| *position).collect();
                let visited = InLayer { resource, circular: group.circular, references, within };
                layers.entry(group.layer).or_default().push(visited);
            }
        }
        for layer in layers.values_mut() {
            layer.sort_unstable_by_key(|visited| visited.resource);
        }
        layers.into_values().collect()
    }
}

struct Visit<'g, R> {
    graph: &'g DependencyGraph,
    options: &'g RecordDeleteOptions,
    gathered: Gathered<R>,
    /// The deleted records of each resource, in the order in which they were met.
    of_resource: BTreeMap<ResourceId, Vec<u32>>,
    emptied: Emptied,
}

impl<'g, R: Clone + Eq + std::hash::Hash> Visit<'g, R> {
    fn new(graph: &'g DependencyGraph, options: &'g RecordDeleteOptions) -> Self {
        let gathered = Gathered {
            records: Vec::new(),
            numbers: HashMap::new(),
            deleted: Vec::new(),
            references: Vec::new(),
            items: HashMap::new(),
            gaps: Vec::new(),
        };
        Self { graph, options, gathered, of_resource: BTreeMap::new(), emptied: Emptied::default() }
    }

    fn delete_target<E: std::error::Error>(&mut self, target: RecordOf<R>) -> Result<(), RecordDeleteError<E>> {
        let number = self.number(target)?;
        self.delete(number);
        Ok(())
    }

    /// The number of a record, which is one of the plan from now on.
    fn number<E: std::error::Error>(&mut self, record: RecordOf<R>) -> Result<u32, RecordDeleteError<E>> {
        if let Some(&number) = self.gathered.numbers.get(&record) {
            return Ok(number);
        }
        // Numbers have 32 bits; nobody carries out a plan of four billion records.
        let max = self.options.max.unwrap_or(usize::MAX).min(u32::MAX as usize - 1);
        let number = self.gathered.records.len();
        if number >= max {
            return Err(RecordDeleteError::TooMany { max });
        }
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.gathered.records.push(record.clone());
        self.gathered.deleted.push(false);
        self.gathered.numbers.insert(record, number);
        Ok(number)
    }

    fn delete(&mut self, number: u32) -> bool {
        let Some(deleted) = self.gathered.deleted.get_mut(number as usize) else { return false };
        if std::mem::replace(deleted, true) {
            return false;
        }
        if let Some(record) = self.gathered.records.get(number as usize) {
            self.of_resource.entry(record.resource).or_default().push(number);
        }
        true
    }

    /// Asks for everything that refers from one layer to what is deleted so far, until nothing is new.
    fn layer<S>(&mut self, store: &mut S, layer: &[InLayer]) -> Result<(), RecordDeleteError<S::Error>>
    where
        S: RecordStore<Record = R>,
    {
        let is_reached = |id: &ResourceId| self.of_resource.contains_key(id);
        let mut asks = Vec::new();
        let mut sought: BTreeSet<ResourceId> = BTreeSet::new();
        for visited in layer {
            let leading = visited.references.iter().filter(|(_, targets)| targets.iter().any(is_reached));
            let references: Vec<u32> = leading.clone().map(|(position, _)| *position).collect();
            if references.is_empty() {
                continue;
            }
            sought.extend(leading.flat_map(|(_, targets)| targets).filter(|id| is_reached(id)));
            let again = if visited.circular { visited.within.clone() } else { Vec::new() };
            let mut references: Vec<u32> = references.into_iter().chain(again.iter().copied()).collect();
            references.sort_unstable();
            references.dedup();
            asks.push(Ask { resource: visited.resource, references, again });
        }
        let mut targets: Vec<u32> =
            sought.iter().filter_map(|id| self.of_resource.get(id)).flatten().copied().collect();
        while !asks.is_empty() && !targets.is_empty() {
            let new = self.ask(store, &asks, &targets)?;
            // Only what refers to its own circle can refer to what is new.
            asks = layer
                .iter()
                .filter(|visited| visited.circular && !visited.within.is_empty())
                .map(|visited| Ask {
                    resource: visited.resource,
                    references: visited.within.clone(),
                    again: visited.within.clone(),
                })
                .collect();
            targets = new;
        }
        Ok(())
    }

    /// What the targets bring with them in one step: the records that are newly deleted.
    fn ask<S>(&mut self, store: &mut S, asks: &[Ask], targets: &[u32]) -> Result<Vec<u32>, RecordDeleteError<S::Error>>
    where
        S: RecordStore<Record = R>,
    {
        let records: Vec<RecordOf<R>> =
            targets.iter().filter_map(|number| self.gathered.records.get(*number as usize)).cloned().collect();
        let found = store.referring(asks, &records).map_err(RecordDeleteError::Store)?;
        self.gathered.gaps.extend(found.gaps);
        let mut new = Vec::new();
        for reference in found.references {
            let Some(&to) = targets.get(reference.target) else { continue };
            let references = &self.graph.resource(reference.from.resource).references;
            let Some(model) = references.get(reference.position as usize) else { continue };
            // A record that refers to itself goes with itself.
            if self.gathered.numbers.get(&reference.from) == Some(&to) {
                continue;
            }
            let from = self.number(reference.from)?;
            self.gathered.references.push((from, reference.position, to));
            let deletes = match self.options.optional {
                Optional::Delete => true,
                Optional::Clear if is_clearable(model) => false,
                // An update may remove an item that is required, while others of its collection stay.
                Optional::Clear => reference.items.is_empty() || self.emptied.take(from, &model.path, &reference.items),
            };
            // Of a collection that the store does not tell, it is kept that its items are not known.
            if model.path.contains("[*]") {
                let items = self.gathered.items.entry((from, reference.position, to)).or_default();
                items.push(reference.items);
            }
            if deletes && self.delete(from) {
                new.push(from);
            }
        }
        Ok(new)
    }
}
