//! What goes with a reference that is cleared: the item or object that requires it, a collection that is
//! left empty.

use std::collections::{BTreeMap, BTreeSet};

use super::{RecordClear, RecordPlan};
use crate::graph::DependencyGraph;
use crate::model::{Details, Reference};
use crate::records::ItemOf;

/// A place in a record: a path, with the items that its first collections are entered by. The others are not
/// known, and any item is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct At<'p> {
    path: &'p str,
    items: Vec<ItemOf>,
}

impl At<'_> {
    /// `$.gradeLevels[1]`, or `$.gradeLevels[*]` where the item is not known.
    fn text(&self) -> String {
        let mut items = self.items.iter();
        let mut text = String::new();
        for (number, part) in self.path.split("[*]").enumerate() {
            if number > 0 {
                text.push_str(&items.next().map_or_else(|| "[*]".to_owned(), |item| format!("[{}]", item.item)));
            }
            text.push_str(part);
        }
        text
    }

    fn around(&self, path: &str) -> Vec<ItemOf> {
        self.items.iter().take(path.matches("[*]").count()).copied().collect()
    }
}

fn numbers(items: &[ItemOf]) -> Vec<u32> {
    items.iter().map(|item| item.item).collect()
}

/// Follows what cannot be without what went, from a reference on, to an item of a collection or to what can.
fn upwards<'p>(at: At<'p>, reference: &Reference, details: &Details) -> At<'p> {
    let mut at = at;
    while !at.path.ends_with("[*]") {
        let is_required =
            reference.required || details.fields.binary_search_by(|field| field.path.as_str().cmp(at.path)).is_ok();
        let Some((holder, _)) = at.path.rsplit_once('.').filter(|(holder, _)| is_required && *holder != "$") else {
            break;
        };
        at = At { path: holder, items: at.around(holder) };
    }
    at
}

/// The path of what goes at least with a reference, in whatever record: itself, or the item or object that
/// requires it.
pub(crate) fn at_least<'p>(reference: &'p Reference, details: &Details) -> &'p str {
    upwards(At { path: &reference.path, items: Vec::new() }, reference, details).path
}

impl<R> RecordPlan<R> {
    /// What goes with each reference that the clear of a record removes, in the order of
    /// [`clears_of`](Self::clears_of): the reference, or the item or object that requires it, or the whole
    /// collection where nothing of it is left. As paths of the record, with the places of items where the
    /// store tells them.
    #[must_use]
    pub fn goes_with(&self, graph: &DependencyGraph, number: u32) -> Vec<Vec<String>> {
        let clears = self.clears_of(number);
        let Some(planned) = self.records.get(number as usize) else { return Vec::new() };
        let (references, details) =
            (&graph.resource(planned.record.resource).references, graph.details(planned.record.resource));
        let first = |clear: &RecordClear| -> Vec<At<'_>> {
            let Some(reference) = references.get(clear.position as usize) else { return Vec::new() };
            let at = |items| upwards(At { path: &reference.path, items }, reference, details);
            match self.items.get(clear) {
                Some(items) => items.iter().map(|items| at(items.clone())).collect(),
                None => vec![at(Vec::new())],
            }
        };
        let mut gone: Vec<Vec<At<'_>>> = clears.iter().map(first).collect();
        // A collection that is left empty goes, and what requires it, until nothing more does. Each round goes
        // up by one collection at least.
        loop {
            let mut items: BTreeMap<(&str, Vec<u32>), BTreeSet<u32>> = BTreeMap::new();
            for at in gone.iter().flatten() {
                if let (Some(collection), Some((item, around))) = (at.path.strip_suffix("[*]"), at.items.split_last()) {
                    items.entry((collection, numbers(around))).or_default().insert(item.item);
                }
            }
            let mut more = false;
            for (clear, places) in clears.iter().zip(&mut gone) {
                let Some(reference) = references.get(clear.position as usize) else { continue };
                for at in places {
                    let Some((item, around)) = at.items.split_last() else { continue };
                    let Some(collection) = at.path.strip_suffix("[*]") else { continue };
                    let all = items.get(&(collection, numbers(around))).map_or(0, BTreeSet::len);
                    if all >= item.of as usize {
                        *at = upwards(At { path: collection, items: around.to_vec() }, reference, details);
                        more = true;
                    }
                }
            }
            if !more {
                break;
            }
        }
        let told = |places: Vec<At<'_>>| {
            let texts: BTreeSet<At<'_>> = places.into_iter().collect();
            texts.iter().map(At::text).collect()
        };
        gone.into_iter().map(told).collect()
    }
}
