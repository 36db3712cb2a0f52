//! Records that somebody names by values of their natural key.

use serde_json::Value;

use super::keys::{KeyForm, KeyValues, form_of_field};
use crate::graph::{DependencyGraph, Found, ResourceId, listed};
use crate::model::{FieldKind, Kind, Text};

/// What a descriptor can be given by instead of its namespace and code value.
const URI: &str = "uri";

/// Why values are no key of a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Its natural key has no such field.
    #[error("{resource} has no key field '{field}'. {}", key_of(.nearest, .fields))]
    UnknownField {
        /// The resource, as people name it.
        resource: Text,
        /// What was asked for.
        field: Text,
        /// The fields of the key with similar names, nearest first.
        nearest: Vec<Text>,
        /// All fields of the key.
        fields: Vec<Text>,
    },
    /// A value is of another type. The value itself is left out: it may be student data.
    #[error("{resource} {field} ({}): the value given is not of its type", .kind.name())]
    WrongType {
        /// The resource, as people name it.
        resource: Text,
        /// The field.
        field: Text,
        /// The type of the field.
        kind: FieldKind,
    },
    /// The URI of a descriptor is none, or its parts are given as well.
    #[error("{0} uri: give it whole, such as uri://ed-fi.org/TermDescriptor#Fall Semester, or namespace and codeValue")]
    NoUri(Text),
    /// No document tells the natural key.
    #[error("the metadata does not tell the natural key of {0}. Add a document that does")]
    Unknown(Text),
    /// No field at all.
    #[error("no key of {resource} is given. Its key is {}", listed(.fields, "and"))]
    Empty {
        /// The resource, as people name it.
        resource: Text,
        /// All fields of the key.
        fields: Vec<Text>,
    },
}

fn key_of(nearest: &[Text], fields: &[Text]) -> String {
    if nearest.is_empty() {
        format!("Its key is {}", listed(fields, "and"))
    } else {
        format!("Did you mean {}?", listed(nearest, "or"))
    }
}

/// The fields of the natural key of a resource by which records can be asked for: names and types.
#[must_use]
pub fn key_fields(graph: &DependencyGraph, resource: ResourceId) -> Vec<(Text, FieldKind)> {
    fields_of(KeyForm::of(graph, resource))
}

/// The fields of the natural key of what a name stands for.
pub(super) fn named_fields(graph: &DependencyGraph, found: Found) -> Vec<Text> {
    let fields = match found {
        Found::Resource(id) => key_fields(graph, id),
        Found::Abstract(place) => {
            let above = graph.abstracts().get(place);
            above.map(|above| fields_of(KeyForm::of_abstract(graph, above))).unwrap_or_default()
        }
    };
    fields.into_iter().map(|(name, _)| name).collect()
}

fn fields_of(form: KeyForm) -> Vec<(Text, FieldKind)> {
    match form {
        // Compared as the URI they make up is.
        KeyForm::Descriptor => {
            ["codeValue", "namespace"].map(|name| (Text::new_static(name), FieldKind::Descriptor)).into()
        }
        KeyForm::Fields { fields, .. } => fields.into_iter().map(|field| (field.name, field.kind)).collect(),
        KeyForm::Unknown => Vec::new(),
    }
}

/// Checks values of a natural key, which may leave fields out.
///
/// # Errors
///
/// A field that the key does not have, or a value of another type.
pub fn check_key(graph: &DependencyGraph, resource: ResourceId, key: &KeyValues) -> Result<(), KeyError> {
    check_fields(graph.name(resource).short(), &key_fields(graph, resource), key)
}

fn check_fields(resource: &str, fields: &[(Text, FieldKind)], key: &KeyValues) -> Result<(), KeyError> {
    let resource = || Text::new(resource);
    if fields.is_empty() {
        return Err(KeyError::Unknown(resource()));
    }
    let names = || fields.iter().map(|(name, _)| name.clone()).collect();
    if key.is_empty() {
        return Err(KeyError::Empty { resource: resource(), fields: names() });
    }
    for (field, value) in key {
        let Some((_, kind)) = fields.iter().find(|(known, _)| known == field) else {
            let nearest = nearest(field, fields);
            return Err(KeyError::UnknownField {
                resource: resource(),
                field: field.clone(),
                nearest,
                fields: names(),
            });
        };
        if form_of_field(*kind, value).is_none() {
            return Err(KeyError::WrongType { resource: resource(), field: field.clone(), kind: *kind });
        }
    }
    Ok(())
}

/// A key with the URI of a descriptor taken apart.
fn without_uri(graph: &DependencyGraph, resource: ResourceId, key: &KeyValues) -> Result<KeyValues, KeyError> {
    let Some(uri) = key.get(URI).filter(|_| graph.resource(resource).kind == Kind::Descriptor) else {
        return Ok(key.clone());
    };
    let wrong = || KeyError::NoUri(Text::new(graph.name(resource).short()));
    // Code values may have the sign that ends the namespace, namespaces have none.
    let parts = uri.as_str().and_then(|uri| uri.split_once('#'));
    let (namespace, code) = parts.filter(|(namespace, _)| !namespace.is_empty()).ok_or_else(wrong)?;
    if key.len() > 1 {
        return Err(wrong());
    }
    let field = |name, value: &str| (Text::new_static(name), Value::from(value));
    Ok(KeyValues::from([field("namespace", namespace), field("codeValue", code)]))
}

/// A value of a key as records spell it: numbers are numbers, however somebody wrote them.
pub(super) fn typed(kind: FieldKind, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    match kind {
        FieldKind::Integer | FieldKind::Long => text.trim().parse::<i64>().map_or_else(|_| value.clone(), Value::from),
        FieldKind::Boolean => Value::from(text.eq_ignore_ascii_case("true")),
        _ => value.clone(),
    }
}

/// Keys of what a name stands for: of an abstract resource in the names of each subclass. A descriptor may be
/// given by its `uri`.
///
/// # Errors
///
/// A key that is none of the resource.
pub fn wanted_keys(
    graph: &DependencyGraph,
    found: Found,
    keys: &[KeyValues],
) -> Result<Vec<(ResourceId, Vec<KeyValues>)>, KeyError> {
    let place = match found {
        Found::Resource(id) => {
            let keys = keys.iter().map(|key| {
                let key = without_uri(graph, id, key)?;
                check_key(graph, id, &key).map(|()| key)
            });
            return Ok(vec![(id, keys.collect::<Result<Vec<_>, KeyError>>()?)]);
        }
        Found::Abstract(place) => place,
    };
    let Some(above) = graph.abstracts().get(place) else { return Ok(Vec::new()) };
    let fields = fields_of(KeyForm::of_abstract(graph, above));
    keys.iter().try_for_each(|key| check_fields(&above.entity, &fields, key))?;
    let of_subclass = |&id: &ResourceId| {
        // Both are in the order of the superclass.
        let own = key_fields(graph, id);
        let renamed = |key: &KeyValues| -> KeyValues {
            let pairs = fields.iter().zip(&own);
            pairs.filter_map(|((above, _), (own, _))| Some((own.clone(), key.get(above)?.clone()))).collect()
        };
        (id, keys.iter().map(renamed).collect())
    };
    Ok(graph.subclasses_at(place).iter().map(of_subclass).collect())
}

/// Up to three fields whose names are close to a wrong one, nearest first.
fn nearest(wrong: &str, fields: &[(Text, FieldKind)]) -> Vec<Text> {
    let wrong = wrong.to_ascii_lowercase();
    let bound = (wrong.chars().count() / 3).max(1);
    let mut close: Vec<(usize, &Text)> = fields
        .iter()
        .map(|(name, _)| (name, name.to_ascii_lowercase()))
        .map(|(name, lower)| {
            let part = wrong.len() >= 2 && (lower.contains(&wrong) || wrong.contains(&lower));
            (strsim::damerau_levenshtein(&wrong, &lower).min(if part { bound } else { usize::MAX }), name)
        })
        .filter(|(distance, _)| *distance <= bound)
        .collect();
    close.sort();
    close.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}
