//! Whether a record can be without items of its required collections.

use std::collections::{BTreeSet, HashMap};

use crate::records::ItemOf;

/// The items of required collections that records lose, by record, collection and the items that one is in.
#[derive(Default)]
pub(super) struct Emptied(HashMap<(u32, String, Vec<u32>), BTreeSet<u32>>);

impl Emptied {
    /// Takes an item away with the reference that it requires; whether the record cannot be without what has
    /// gone by now: its collection is empty, and so is each that is around it.
    pub(super) fn take(&mut self, record: u32, path: &str, items: &[ItemOf]) -> bool {
        let collections: Vec<&str> =
            path.match_indices("[*]").map(|(end, _)| path.get(..end).unwrap_or_default()).collect();
        if collections.len() != items.len() {
            return true;
        }
        // Innermost first: an item goes when a collection in it that is required is left empty.
        for (depth, (collection, item)) in collections.into_iter().zip(items).enumerate().rev() {
            let around = items.iter().take(depth).map(|item| item.item).collect();
            let gone = self.0.entry((record, collection.to_owned(), around)).or_default();
            gone.insert(item.item);
            if gone.len() < item.of as usize {
                return false;
            }
        }
        true
    }
}
