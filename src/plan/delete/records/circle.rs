//! Records that refer to each other in a circle: which references are cleared so that they can go one after
//! another.
//!
//! A clear removes what is optional, and an item of a required collection while another stays. Which items
//! can go depends on which others do, so it is seen when all are chosen: a record that would be left without
//! any keeps one, and the choice is made again.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::emptied::Emptied;
use super::visit::is_clearable;
use super::{Gathered, Reference};
use crate::graph::{Constraint, DependencyGraph, Precedence};
use crate::model::Reference as ModelReference;
use crate::plan::RequiredCycle;
use crate::records::ItemOf;

/// A circle that is one no more.
pub(super) struct Broken {
    /// The references that are cleared.
    pub(super) cleared: Vec<Reference>,
    /// The waves before each record.
    pub(super) layers: Vec<usize>,
    /// Whether fewer clears do not suffice.
    pub(super) exact: bool,
}

/// The references between the records of a circle.
struct Circle<'c, R> {
    graph: &'c DependencyGraph,
    gathered: &'c Gathered<R>,
    /// The records, which have places in it. Sorted.
    records: &'c [u32],
    /// By what refers, then what it refers to.
    pairs: Vec<Constraint>,
    /// All references of a pair, by its position.
    references: Vec<Vec<Reference>>,
}

/// Breaks the circles among deleted records by the fewest clears, unless those would leave a record without
/// an item of a collection that requires one. O(references of the plan), and the search of
/// [`Precedence::break_cycles`], again while records are left without.
///
/// # Errors
///
/// Records that cannot be without each other.
pub(super) fn broken<R>(
    graph: &DependencyGraph,
    gathered: &Gathered<R>,
    records: &[u32],
) -> Result<Broken, RequiredCycle> {
    let mut circle = Circle::of(graph, gathered, records);
    let kept = OnceCell::new();
    let mut exact = true;
    loop {
        let precedence = Precedence { steps: records.len(), constraints: circle.pairs.clone() };
        let breaking = precedence.break_cycles(|removed| removed.len()).map_err(|cycle| {
            // Told from prerequisite to dependent, as everywhere.
            let resource = |place: &usize| gathered.resource(*records.get(*place)?);
            let resources = cycle.0.iter().rev().filter_map(resource);
            // Records wait for references alone.
            RequiredCycle { resources: resources.map(|id| graph.name(id).clone()).collect(), through_pathways: false }
        })?;
        exact &= breaking.exact;
        if !circle.keep_items(&breaking.removed, &kept) {
            let cleared =
                breaking.removed.iter().filter_map(|pair| circle.references.get(*pair)).flatten().copied().collect();
            return Ok(Broken { cleared, layers: precedence.layers(&breaking.removed, |_| true).layer, exact });
        }
        exact = false;
    }
}

impl<'c, R> Circle<'c, R> {
    fn of(graph: &'c DependencyGraph, gathered: &'c Gathered<R>, records: &'c [u32]) -> Self {
        let place = |number: u32| records.binary_search(&number).ok();
        let inside = |&reference: &Reference| Some((place(reference.0)?, place(reference.2)?, reference));
        let mut inner: Vec<(usize, usize, Reference)> = gathered.references.iter().filter_map(inside).collect();
        inner.sort_unstable();
        let mut circle = Self { graph, gathered, records, pairs: Vec::new(), references: Vec::new() };
        for pair in inner.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some(&(before, after, _)) = pair.first() else { continue };
            let references: Vec<Reference> = pair.iter().map(|(.., reference)| *reference).collect();
            // Of several references between two records, one that must stay decides.
            let mut emptied = Emptied::default();
            let removable = references.iter().all(|reference| !circle.empties(*reference, &mut emptied));
            circle.pairs.push(Constraint { before, after, removable });
            circle.references.push(references);
        }
        circle
    }

    fn model(&self, reference: Reference) -> Option<&'c ModelReference> {
        let resource = self.gathered.resource(reference.0)?;
        self.graph.resource(resource).references.get(reference.1 as usize)
    }

    /// The items that go with a reference which they require; none where it is optional, `None` where the
    /// record goes.
    fn items(&self, reference: Reference) -> Option<(&'c str, &'c [Vec<ItemOf>])> {
        let model = self.model(reference)?;
        if is_clearable(model) {
            return Some((&model.path, &[]));
        }
        Some((&model.path, self.gathered.items.get(&reference)?))
    }

    /// Whether a record cannot be without a reference and what has gone before.
    fn empties(&self, reference: Reference, emptied: &mut Emptied) -> bool {
        let Some((path, items)) = self.items(reference) else { return true };
        items.iter().any(|items| emptied.take(reference.0, path, items))
    }

    /// Makes each record that could not be without what is removed keep an item; whether any does. `removed`
    /// is sorted.
    fn keep_items(&mut self, removed: &[usize], kept: &OnceCell<Vec<Vec<usize>>>) -> bool {
        let before = |pair: &usize| self.pairs.get(*pair).map(|pair| pair.before);
        let mut fixed: Vec<usize> = Vec::new();
        for of_record in removed.chunk_by(|a, b| before(a) == before(b)) {
            let mut references = of_record.iter().filter_map(|pair| self.references.get(*pair)).flatten();
            let mut emptied = Emptied::default();
            if references.any(|reference| self.empties(*reference, &mut emptied)) {
                let kept = kept.get_or_init(|| self.kept());
                fixed
                    .extend(of_record.first().and_then(before).and_then(|place| kept.get(place)).into_iter().flatten());
            }
        }
        let mut keeps = false;
        for pair in fixed {
            if let Some(pair) = self.pairs.get_mut(pair) {
                keeps |= std::mem::replace(&mut pair.removable, false);
            }
        }
        keeps
    }

    /// For each record the pairs that it keeps so that it is never without an item of a collection that
    /// requires one. Found by making the records one after another, which is deleting them backwards: one can
    /// be made when all is there that it cannot be without, and one item of each of these collections; the
    /// others are added to it later. What is never made stands in a circle that nothing breaks, and keeps all.
    /// An item counts whole, with what is required inside it. O(references).
    fn kept(&self) -> Vec<Vec<usize>> {
        let mut made = Making::of(self);
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); self.records.len()];
        for (number, pair) in self.pairs.iter().enumerate() {
            if let Some(into) = into.get_mut(pair.after) {
                into.push(number);
            }
        }
        let mut ready: Vec<usize> = (0..).zip(&made.waits).filter(|(_, waits)| **waits == 0).map(|(r, _)| r).collect();
        while let Some(record) = ready.pop() {
            for &number in into.get(record).into_iter().flatten() {
                let Some(pair) = self.pairs.get(number) else { continue };
                let done = usize::from(!pair.removable) + made.whole_by(number);
                if let Some(waits) = made.waits.get_mut(pair.before).filter(|_| done > 0) {
                    *waits -= done;
                    if *waits == 0 {
                        ready.push(pair.before);
                    }
                }
            }
        }
        let mut kept: Vec<Vec<usize>> = vec![Vec::new(); self.records.len()];
        for ((record, _), collection) in &made.collections {
            if let (Some(kept), Some(item)) =
                (kept.get_mut(*record), collection.whole.and_then(|item| made.items.get(item)))
            {
                kept.extend(&item.pairs);
            }
        }
        let required = |number: &usize| {
            let references = self.references.get(*number).into_iter().flatten();
            references.into_iter().any(|reference| !self.model(*reference).is_some_and(is_clearable))
        };
        for (number, pair) in self.pairs.iter().enumerate().filter(|(number, _)| required(number)) {
            if let Some(kept) = kept.get_mut(pair.before).filter(|_| made.waits.get(pair.before) > Some(&0)) {
                kept.push(number);
            }
        }
        kept
    }
}

/// What records that are made one after another wait for.
struct Making<'c> {
    /// Of each record, how much is not there yet: what it cannot be without, and collections.
    waits: Vec<usize>,
    /// Collections of which every item leads to records of the circle, by record and path.
    collections: BTreeMap<(usize, &'c str), Collection>,
    items: Vec<Item<'c>>,
    /// The items that each pair stands in.
    of_pair: Vec<Vec<usize>>,
}

#[derive(Default)]
struct Collection {
    /// By place, as positions in [`Making::items`].
    items: BTreeMap<u32, usize>,
    /// How many it has.
    of: u32,
    /// The first item whose targets are all there.
    whole: Option<usize>,
}

struct Item<'c> {
    collection: (usize, &'c str),
    pairs: BTreeSet<usize>,
    missing: usize,
}

impl<'c> Making<'c> {
    fn of<R>(circle: &Circle<'c, R>) -> Self {
        let mut making = Self {
            waits: vec![0; circle.records.len()],
            collections: BTreeMap::new(),
            items: Vec::new(),
            of_pair: vec![Vec::new(); circle.pairs.len()],
        };
        for (number, (pair, references)) in circle.pairs.iter().zip(&circle.references).enumerate() {
            for (path, places) in references.iter().filter_map(|reference| circle.items(*reference)) {
                for first in places.iter().filter_map(|items| items.first()) {
                    let Some((collection, _)) = path.split_once("[*]") else { continue };
                    making.stands_in((pair.before, collection), *first, number);
                }
            }
            if let Some(waits) = making.waits.get_mut(pair.before).filter(|_| !pair.removable) {
                *waits += 1;
            }
        }
        // An item that leads nowhere in the circle is there from the first.
        making.collections.retain(|_, collection| collection.items.len() >= collection.of as usize);
        for (record, _) in making.collections.keys() {
            if let Some(waits) = making.waits.get_mut(*record) {
                *waits += 1;
            }
        }
        making
    }

    fn stands_in(&mut self, collection: (usize, &'c str), place: ItemOf, pair: usize) {
        let found = self.collections.entry(collection).or_default();
        found.of = place.of;
        let number = *found.items.entry(place.item).or_insert(self.items.len());
        if number == self.items.len() {
            self.items.push(Item { collection, pairs: BTreeSet::new(), missing: 0 });
        }
        if let Some(item) = self.items.get_mut(number).filter(|item| !item.pairs.contains(&pair)) {
            item.pairs.insert(pair);
            item.missing += 1;
            if let Some(of_pair) = self.of_pair.get_mut(pair) {
                of_pair.push(number);
            }
        }
    }

    /// The target of a pair is there; how many collections have their first whole item by it.
    fn whole_by(&mut self, pair: usize) -> usize {
        let mut whole = 0;
        for &number in self.of_pair.get(pair).into_iter().flatten() {
            let Some(item) = self.items.get_mut(number) else { continue };
            item.missing -= 1;
            let collection = self.collections.get_mut(&item.collection);
            if let Some(collection) = collection.filter(|found| item.missing == 0 && found.whole.is_none()) {
                collection.whole = Some(number);
                whole += 1;
            }
        }
        whole
    }
}
