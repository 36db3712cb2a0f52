//! What identifies a record, in a form in which its own key and a reference to it are equal.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::payload;
use super::response::plain_value;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{FieldKind, KeyField, Kind, Reference, Target, Text};

/// The natural key of a record. A subclass takes the key of its superclass, so that a school and a
/// reference to an education organization meet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The path of the resource, or the entity of the superclass.
    pub class: Text,
    /// Key fields and their values.
    pub key: BTreeMap<Text, String>,
}

/// The fields of a key: their names in the class, their types, and where records hold them.
struct KeyOf<'g> {
    class: Text,
    fields: Vec<(Text, &'g KeyField)>,
}

fn key_of(graph: &DependencyGraph, id: ResourceId) -> KeyOf<'_> {
    let resource = graph.resource(id);
    let own = &graph.details(id).key;
    let superclass = resource.superclass.as_deref().and_then(|entity| graph.model().abstract_resource(entity));
    let Some(superclass) = superclass.filter(|s| s.key.len() == own.len()) else {
        let fields = own.iter().map(|field| (field.name.clone(), field)).collect();
        return KeyOf { class: resource.name.as_str().into(), fields };
    };
    // One field may have another name: schoolId is the educationOrganizationId of a school.
    let other = superclass.key.iter().find(|above| !own.iter().any(|field| field.name == above.name));
    let fields = own.iter().map(|field| {
        let same = superclass.key.iter().find(|above| above.name == field.name);
        (same.or(other).map_or(&field.name, |above| &above.name).clone(), field)
    });
    KeyOf { class: superclass.entity.clone(), fields: fields.collect() }
}

/// The identity of a record, if its key is complete.
pub(super) fn of_record(graph: &DependencyGraph, id: ResourceId, record: &Value) -> Option<Identity> {
    let KeyOf { class, fields } = key_of(graph, id);
    let value = |field: &KeyField| {
        let mut found = field.paths.iter().flat_map(|path| payload::values(record, path));
        found.next().map(|(_, value)| canonical(value, field.kind.kind))
    };
    let key =
        fields.into_iter().map(|(name, field)| Some((name, value(field)?))).collect::<Option<BTreeMap<_, _>>>()?;
    (!key.is_empty()).then_some(Identity { class, key })
}

/// The identity that a reference asks for, if it gives a whole key.
pub(super) fn of_reference(
    graph: &DependencyGraph,
    resource: ResourceId,
    reference: &Reference,
    value: &Value,
) -> Option<Identity> {
    let renamed = &graph.details(resource).renamed;
    // The member of the reference that holds a key field of the target.
    let member = |name: &str| {
        let of_target = |(path, field): &&(Text, Text)| {
            field == name && path.strip_prefix(reference.path.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        let other = renamed.iter().find(of_target).and_then(|(path, _)| path.rsplit('.').next());
        value.as_object()?.get(other.unwrap_or(name)).filter(|v| !v.is_null())
    };
    let (class, key): (Text, Option<BTreeMap<Text, String>>) = match &reference.target {
        Target::Resource(name) => {
            let id = graph.id(name)?;
            if graph.resource(id).kind == Kind::Descriptor {
                let (namespace, code) = value.as_str()?.rsplit_once('#')?;
                let parts = [("codeValue", code), ("namespace", namespace)];
                let key = parts.map(|(name, part)| (Text::new_static(name), part.to_ascii_lowercase()));
                return Some(Identity { class: name.as_str().into(), key: key.into() });
            }
            let KeyOf { class, fields } = key_of(graph, id);
            let key = fields
                .into_iter()
                .map(|(above, field)| Some((above, canonical(member(&field.name)?, field.kind.kind))))
                .collect();
            (class, key)
        }
        Target::Abstract(entity) => {
            let found = graph.model().abstract_resource(entity)?;
            let key = found
                .key
                .iter()
                .map(|field| Some((field.name.clone(), canonical(member(&field.name)?, field.kind.kind))))
                .collect();
            (entity.clone(), key)
        }
        Target::Unresolved(_) => return None,
    };
    key.filter(|key| !key.is_empty()).map(|key| Identity { class, key })
}

/// An identity with the key fields as a resource of its class names them.
pub(super) fn spelled(graph: &DependencyGraph, id: ResourceId, identity: &Identity) -> BTreeMap<Text, String> {
    let fields = key_of(graph, id).fields;
    let own = |above: &Text| {
        let field = fields.iter().find(|(name, _)| name == above);
        field.map_or_else(|| above.clone(), |(_, field)| field.name.clone())
    };
    identity.key.iter().map(|(name, value)| (own(name), value.clone())).collect()
}

/// The person that a record speaks of, wherever its key stands, the nearest to the root.
pub(super) fn of_person(graph: &DependencyGraph, person: ResourceId, record: &Value) -> Option<Identity> {
    let KeyOf { class, fields } = key_of(graph, person);
    let [(name, field)] = fields.as_slice() else { return None };
    let mut open = VecDeque::from([record]);
    while let Some(value) = open.pop_front() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                if let Some(found) = members.get(field.name.as_str()).filter(|v| !v.is_null()) {
                    let key = BTreeMap::from([(name.clone(), canonical(found, field.kind.kind))]);
                    return Some(Identity { class, key });
                }
                open.extend(members.values());
            }
            _ => {}
        }
    }
    None
}

/// One form of a value for its type: `7` and `"007"` are the same number, descriptors have no case.
fn canonical(value: &Value, kind: FieldKind) -> String {
    let text = plain_value(value);
    match kind {
        FieldKind::Integer | FieldKind::Long => text.trim().parse::<i64>().map_or(text, |number| number.to_string()),
        FieldKind::Descriptor => text.to_ascii_lowercase(),
        FieldKind::Date => text.get(..10).map(str::to_owned).unwrap_or(text),
        _ => text,
    }
}
