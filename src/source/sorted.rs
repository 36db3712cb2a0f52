//! A map read from a document: its entries side by side, sorted by name.
//!
//! Documents hold thousands of small maps. In a tree each would take a node with room for eleven
//! entries, and what memory a document takes is most of what reading it costs.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::model::Text;

/// Values by name, each name once.
#[derive(Debug, Clone)]
pub(super) struct Sorted<V>(Vec<(Text, V)>);

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Sorted<V> {
    /// The value of that name. O(log n).
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The same with the name as it stands here, which lives as long as the map. O(log n).
    pub(super) fn entry(&self, name: &str) -> Option<(&Text, &V)> {
        let place = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.0.get(place).map(|(name, value)| (name, value))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Entries in order of name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Text, &V)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Of entries with one name the last counts, as in every map that is read from JSON.
    pub(super) fn of(mut entries: Vec<(Text, V)>) -> Self {
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            entries.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(later, kept);
                }
                same
            });
        }
        Self(entries)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Sorted<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Sorted<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sorted<V>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Sorted::of(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_by_name_and_the_last_of_a_name_counts() {
        let map: Sorted<u8> = serde_json::from_str(r#"{"b": 1, "a": 2, "b": 3, "c": 4, "b": 5}"#).unwrap();
        let entries: Vec<_> = map.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(entries, [("a", 2), ("b", 5), ("c", 4)]);
        assert_eq!((map.get("b"), map.get("d")), (Some(&5), None));
    }
}
