//! Maps of a graph file in which a key stands once: of two lines of one name a parser would drop the first.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::source::error::TWICE;

/// Reads a map and refuses a key that stands in it twice, at the place of the second.
pub(super) fn unique<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: DeserializeOwned + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    struct Entries<K, V>(PhantomData<(K, V)>);

    impl<'de, K, V> Visitor<'de> for Entries<K, V>
    where
        K: DeserializeOwned + Ord + fmt::Display,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = BTreeMap::new();
            while let Some(key) = map.next_key_seed(New(&entries))? {
                let value = map.next_value()?;
                entries.insert(key, value);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_map(Entries(PhantomData))
}

/// A key that is not among the entries; looked at while it is read, for only then is its line known.
struct New<'e, K, V>(&'e BTreeMap<K, V>);

impl<'de, K: DeserializeOwned + Ord + fmt::Display, V> DeserializeSeed<'de> for New<'_, K, V> {
    type Value = K;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
        struct Once<'e, K, V>(&'e BTreeMap<K, V>);

        impl<K: DeserializeOwned + Ord + fmt::Display, V> Visitor<'_> for Once<'_, K, V> {
            type Value = K;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<K, E> {
                let key = K::deserialize(serde::de::value::StrDeserializer::new(text))?;
                match self.0.contains_key(&key) {
                    true => Err(E::custom(format_args!("'{key}' {TWICE}"))),
                    false => Ok(key),
                }
            }
        }

        deserializer.deserialize_str(Once(self.0))
    }
}
