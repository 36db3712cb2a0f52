//! What identifies a record: keys of records and of references to them, in the form of the records room.
//!
//! A key is kept as its hash; the values are only written down where a report may have to show them.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::payload;
use super::response::plain_value;
use super::template::squeeze;
use crate::graph::{Aim, DependencyGraph, ResourceId};
use crate::model::{Reference, Text};
use crate::records::{Key, KeyForm, KeyHasher, KeyValues, form_of_values, members};

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kin {
    /// One resource.
    Resource(ResourceId),
    /// All subclasses of an abstract resource, by its place in the graph.
    Abstract(usize),
}

/// A key, as it compares and as its record or reference spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity {
    pub(super) key: Key,
    pub(super) spelled: Spelled,
}

/// The values of a key in the order of its form, each ended by NUL: one allocation a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Spelled(Box<str>);

/// Makes keys of one graph. The form of each resource is put together once.
pub(super) struct Keys<'g> {
    graph: &'g DependencyGraph,
    hasher: KeyHasher,
    forms: RefCell<HashMap<Kin, Arc<KeyForm>>>,
}

impl<'g> Keys<'g> {
    /// Keys compare with all others of the same hasher.
    pub(super) fn of(graph: &'g DependencyGraph, hasher: KeyHasher) -> Self {
        Self { graph, hasher, forms: RefCell::default() }
    }

    pub(super) fn form(&self, of: Kin) -> Arc<KeyForm> {
        let mut forms = self.forms.borrow_mut();
        let make = || match of {
            Kin::Resource(id) => KeyForm::of(self.graph, id),
            Kin::Abstract(place) => self
                .graph
                .abstracts()
                .get(place)
                .map_or(KeyForm::Unknown, |found| KeyForm::of_abstract(self.graph, found)),
        };
        Arc::clone(forms.entry(of).or_insert_with(|| Arc::new(make())))
    }

    /// What a key of a resource is compared with: subclasses that share the key of their superclass are
    /// of one kin, so that a school and an education organization that is missing meet.
    pub(super) fn kin(&self, of: Kin) -> Kin {
        let Kin::Resource(id) = of else { return of };
        let Some(superclass) = &self.graph.resource(id).superclass else { return of };
        let place = self.graph.abstracts().iter().position(|a| a.entity == *superclass).map(Kin::Abstract);
        place.filter(|place| *self.form(*place) != KeyForm::Unknown).unwrap_or(of)
    }

    /// The identity that key values have; `None` where they are no whole key.
    fn identity(&self, form: &KeyForm, values: &KeyValues) -> Option<Identity> {
        let key = self.hasher.key(&form_of_values(form, values)?);
        let mut spelled = String::new();
        for name in names(form) {
            spelled.push_str(&values.get(name).map(|value| squeeze(&plain_value(value))).unwrap_or_default());
            spelled.push('\0');
        }
        Some(Identity { key, spelled: Spelled(spelled.into()) })
    }

    /// The identity of a record, if its key is complete.
    pub(super) fn of_record(&self, id: ResourceId, record: &Value) -> Option<Identity> {
        let form = self.form(Kin::Resource(id));
        let mut values = KeyValues::new();
        match &*form {
            KeyForm::Descriptor => {
                for name in ["namespace", "codeValue"] {
                    values.insert(Text::new_static(name), payload::single(record, name)?.clone());
                }
            }
            KeyForm::Fields { fields, .. } => {
                for field in fields {
                    let value = field.paths.iter().find_map(|path| payload::single(record, path))?;
                    values.insert(field.name.clone(), value.clone());
                }
            }
            KeyForm::Unknown => return None,
        }
        self.identity(&form, &values)
    }

    /// What a reference of a resource asks for: of what it is a key, and its values by the names of the
    /// target.
    pub(super) fn asked(&self, of: ResourceId, reference: &Reference, value: &Value) -> Option<(Kin, KeyValues)> {
        let (_, aim) = self.graph.aims(of).find(|(r, _)| r.path == reference.path)?;
        let target = match aim {
            Aim::Resource(id) => Kin::Resource(id),
            Aim::Abstract(place) => Kin::Abstract(place),
            Aim::Unresolved => return None,
        };
        let mut values = KeyValues::new();
        match &*self.form(target) {
            KeyForm::Descriptor => {
                let (namespace, code) = value.as_str()?.rsplit_once('#')?;
                values.insert(Text::new_static("namespace"), namespace.into());
                values.insert(Text::new_static("codeValue"), code.into());
            }
            KeyForm::Fields { fields, .. } => {
                for (field, member) in members(self.graph, of, reference, fields) {
                    values.insert(field.name.clone(), payload::single(value, member)?.clone());
                }
            }
            KeyForm::Unknown => return None,
        }
        Some((target, values))
    }

    /// The identity of what a reference asks for.
    pub(super) fn of_asked(&self, target: Kin, values: &KeyValues) -> Option<Identity> {
        self.identity(&self.form(target), values)
    }

    /// The person that a record speaks of, wherever its key stands, the nearest to the root.
    pub(super) fn of_person(&self, person: ResourceId, record: &Value) -> Option<Identity> {
        let form = self.form(Kin::Resource(person));
        let KeyForm::Fields { fields, .. } = &*form else { return None };
        let [field] = fields.as_slice() else { return None };
        let mut open = VecDeque::from([record]);
        while let Some(value) = open.pop_front() {
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(members) => {
                    if let Some(found) = payload::single(value, &field.name) {
                        return self.identity(&form, &KeyValues::from([(field.name.clone(), found.clone())]));
                    }
                    open.extend(members.values());
                }
                _ => {}
            }
        }
        None
    }

    /// The fields of a key with their values, by the names of what it is of.
    pub(super) fn named(&self, of: Kin, spelled: &Spelled) -> impl Iterator<Item = (Text, String)> {
        let form = self.form(of);
        let names: Vec<Text> = names(&form).map(Text::new).collect();
        let values: Vec<String> = spelled.0.split_terminator('\0').map(str::to_owned).collect();
        names.into_iter().zip(values)
    }
}

/// The fields of a form, in its order.
fn names(form: &KeyForm) -> impl Iterator<Item = &str> {
    let (fields, parts): (_, &[&str]) = match form {
        KeyForm::Descriptor => (None, &["namespace", "codeValue"]),
        KeyForm::Fields { fields, .. } => (Some(fields), &[]),
        KeyForm::Unknown => (None, &[]),
    };
    fields.into_iter().flatten().map(|field| field.name.as_str()).chain(parts.iter().copied())
}
