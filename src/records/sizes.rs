//! The sizes of the collections of a record, as far as its references tell them.

use std::collections::BTreeMap;

use super::extract::{Extract, Found};
use super::stored::ItemOf;

/// How many items the collections of one record have in which it refers to something.
#[derive(Default)]
pub(crate) struct Sizes(Option<BTreeMap<(u32, Vec<u32>), u32>>);

impl Sizes {
    /// The items that a reference stands in. Every item of a collection whose reference is required has one,
    /// so the last one that has tells the size.
    pub(crate) fn items(&mut self, record: &Extract, found: &Found) -> Vec<ItemOf> {
        let sizes = self.0.get_or_insert_with(|| {
            let mut sizes = BTreeMap::new();
            for found in &record.references {
                let indices = record.indices(found.at);
                for (depth, item) in indices.iter().enumerate() {
                    let outer = indices.get(..depth).unwrap_or_default().to_vec();
                    let size: &mut u32 = sizes.entry((found.position, outer)).or_default();
                    *size = item.saturating_add(1).max(*size);
                }
            }
            sizes
        });
        let indices = record.indices(found.at);
        let of = |depth: usize| {
            let outer = indices.get(..depth).unwrap_or_default().to_vec();
            sizes.get(&(found.position, outer)).copied().unwrap_or_default()
        };
        indices.iter().enumerate().map(|(depth, &item)| ItemOf { item, of: of(depth) }).collect()
    }
}
