//! Values of a request body by JSON path.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Reference, Target};

use super::response::plain_value;
use super::template::squeeze;

/// Most values that one path is followed to; an array may be of any length.
const MOST: usize = 100;

/// All values at a path with `[*]`, at most a hundred, each with its own path.
pub(super) fn values<'v>(payload: &'v Value, path: &str) -> Vec<(String, &'v Value)> {
    let mut found = vec![("$".to_owned(), payload)];
    for step in path.trim_start_matches('$').split('.').filter(|s| !s.is_empty()) {
        let (name, every) = step.split_once('[').map_or((step, false), |(name, _)| (name, true));
        let mut next = Vec::new();
        for (at, value) in found {
            let Some(member) = member(value, name) else { continue };
            let at = format!("{at}.{name}");
            match (every, member) {
                (true, Value::Array(items)) => {
                    let room = MOST.saturating_sub(next.len());
                    next.extend(items.iter().enumerate().take(room).map(|(i, item)| (format!("{at}[{i}]"), item)));
                }
                (true, _) | (false, Value::Null) => {}
                (false, member) => next.push((at, member)),
            }
        }
        found = next;
    }
    found
}

/// The value at a path that leads through no collection, unless it is null.
pub(super) fn single<'v>(payload: &'v Value, path: &str) -> Option<&'v Value> {
    let mut steps = path.trim_start_matches('$').split('.').filter(|s| !s.is_empty());
    steps.try_fold(payload, member).filter(|value| !value.is_null())
}

/// A member, whatever its case; the servers ignore it.
pub(super) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// Whether the record uses a reference.
pub(super) fn has(payload: &Value, reference: &Reference) -> bool {
    let mut found = vec![payload];
    for step in reference.path.trim_start_matches('$').split('.').filter(|s| !s.is_empty()) {
        let (name, every) = step.split_once('[').map_or((step, false), |(name, _)| (name, true));
        let members = found.into_iter().filter_map(|value| member(value, name));
        found = match every {
            // All items are looked at: the one that has the reference may be the last.
            true => members.filter_map(Value::as_array).flatten().collect(),
            false => members.filter(|value| !value.is_null()).collect(),
        };
    }
    !found.is_empty()
}

/// The key that a reference gives: its scalar members, or the two parts of a descriptor URI.
pub(super) fn key(reference: &Reference, value: &Value) -> BTreeMap<String, String> {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_object() && !value.is_array() && !value.is_null())
            .map(|(name, value)| (squeeze(name), squeeze(&plain_value(value))))
            .collect(),
        Value::String(uri) => {
            let (namespace, code) = uri.rsplit_once('#').unwrap_or(("", uri));
            [("namespace", namespace), ("codeValue", code)]
                .into_iter()
                .filter(|(_, part)| !part.is_empty())
                .map(|(name, part)| (name.to_owned(), squeeze(part)))
                .collect()
        }
        other if matches!(reference.target, Target::Resource(_)) => {
            BTreeMap::from([(reference.property().to_owned(), plain_value(other))])
        }
        _ => BTreeMap::new(),
    }
}

/// Whether a key has all values that are said of it, whatever their case.
pub(super) fn agrees<'s>(
    has: &BTreeMap<String, String>,
    said: impl IntoIterator<Item = (&'s String, &'s String)>,
) -> bool {
    let there = |(name, value): (&String, &String)| {
        has.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v.eq_ignore_ascii_case(value))
    };
    said.into_iter().all(there)
}
