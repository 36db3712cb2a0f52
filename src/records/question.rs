//! What the records look like that have a key, or that refer to one that has it: values by path.
//!
//! For stores that search by value, as an API does with the parameters of its GET.

use serde_json::Value;

use super::keys::{KeyForm, KeyValues, members};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Kind, Reference, Text};

/// A value and where a record holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldValue {
    /// One path, or several that merge into one field.
    pub(crate) paths: Vec<Text>,
    /// As a URL spells it.
    pub(crate) value: String,
}

/// What a record holds that has the values of a natural key, which may leave fields out.
pub(crate) fn values_of_key(graph: &DependencyGraph, resource: ResourceId, key: &KeyValues) -> Vec<HeldValue> {
    let paths = |name: &Text| match KeyForm::of(graph, resource) {
        KeyForm::Descriptor => vec![Text::from(format!("$.{name}"))],
        KeyForm::Fields { fields, .. } => {
            fields.into_iter().find(|field| field.name == *name).map(|field| field.paths).unwrap_or_default()
        }
        KeyForm::Unknown => Vec::new(),
    };
    key.iter().filter_map(|(name, value)| Some(HeldValue { paths: paths(name), value: spelled(value)? })).collect()
}

/// What a record holds that refers to the record of `target` with this key; `None` where the key lacks
/// something, or where no document tells what the reference holds.
pub(crate) fn values_of_reference(
    graph: &DependencyGraph,
    of: ResourceId,
    reference: &Reference,
    target: ResourceId,
    key: &KeyValues,
) -> Option<Vec<HeldValue>> {
    if graph.resource(target).kind == Kind::Descriptor {
        let part = |name: &str| key.get(name).and_then(spelled);
        let uri = format!("{}#{}", part("namespace")?, part("codeValue")?);
        return Some(vec![HeldValue { paths: vec![reference.path.clone()], value: uri }]);
    }
    let (KeyForm::Fields { fields: named, .. }, KeyForm::Fields { fields: own, .. }) =
        (KeyForm::of_target(graph, reference), KeyForm::of(graph, target))
    else {
        return None;
    };
    // A subclass has its fields in the order of its superclass.
    if named.len() != own.len() {
        return None;
    }
    members(graph, of, reference, &named)
        .zip(&own)
        .map(|((_, member), own)| {
            let path = Text::from(format!("{}.{member}", reference.path));
            Some(HeldValue { paths: vec![path], value: spelled(key.get(&own.name)?)? })
        })
        .collect()
}

/// A scalar as it stands in a URL.
fn spelled(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
