//! One record by itself: what identifies it and what it refers to.
//!
//! For stores that meet records one by one; a folder is read in bulk by [`scan`](super::scan).

use std::collections::BTreeSet;

use super::check::value_of;
use super::extract::{Extract, Found, Reader};
use super::json::Flaw;
use super::keys::{Key, KeyForm, KeyHasher, KeyValues, form_of_field, form_of_values};
use super::reread::{Step, steps};
use super::shape::{KeyPlan, Shape};
use super::sizes::Sizes;
use super::stored::ItemOf;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{FieldKind, Text};

/// Reads records of one resource.
pub(crate) struct RecordReader {
    resource: ResourceId,
    form: KeyForm,
    shape: Shape,
    hasher: KeyHasher,
    extract: Extract,
}

/// A reference: its position among those of the resource, and the key that it holds.
pub(crate) type Held = (u32, Key);

/// What one record says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SingleRecord {
    /// Its natural key, to compare with that of references; `None` where it is incomplete.
    pub(crate) identity: Option<Key>,
    /// The fields of the natural key that it has, as it spells them.
    pub(crate) key: KeyValues,
    /// Its references whose key is complete, each with the items of collections that it stands in.
    pub(crate) references: Vec<(Held, Vec<ItemOf>)>,
}

impl RecordReader {
    /// Readers of one store share a hasher, or their keys would not compare. O(paths of the resource).
    pub(crate) fn new(graph: &DependencyGraph, resource: ResourceId, hasher: KeyHasher) -> Self {
        let (form, shape) = (KeyForm::of(graph, resource), Shape::of(graph, resource));
        Self { resource, form, shape, hasher, extract: Extract::default() }
    }

    /// The resource whose records it reads.
    pub(crate) fn resource(&self) -> ResourceId {
        self.resource
    }

    /// Reads a record, which must be UTF-8.
    ///
    /// # Errors
    ///
    /// What makes it no record.
    pub(crate) fn read(&mut self, record: &[u8]) -> Result<SingleRecord, Flaw> {
        Reader { hasher: self.hasher, shape: &self.shape }.read(record, &mut self.extract)?;
        let mut sizes = Sizes::default();
        let held = |found: &Found| Some(((found.position, found.key?), sizes.items(&self.extract, found)));
        Ok(SingleRecord {
            identity: self.extract.key,
            key: key_values(&self.form, &self.shape, &self.extract, record),
            references: self.extract.references.iter().filter_map(held).collect(),
        })
    }

    /// Where a record refers to given records: each reference that does, with the steps to it.
    ///
    /// # Errors
    ///
    /// What makes it no record.
    pub(crate) fn steps_to(&mut self, record: &[u8], wanted: &BTreeSet<Held>) -> Result<Vec<(Held, Vec<Step>)>, Flaw> {
        Reader { hasher: self.hasher, shape: &self.shape }.read(record, &mut self.extract)?;
        let path = |found: &Found| {
            let reference = (found.position, found.key?);
            let node = self.shape.nodes.iter().find(|node| node.reference == found.position)?;
            wanted.contains(&reference).then(|| (reference, steps(&node.path, self.extract.indices(found.at))))
        };
        Ok(self.extract.references.iter().filter_map(path).collect())
    }

    /// The identity of a key given by its fields; `None` where one is missing or of the wrong type.
    pub(crate) fn identity(&self, key: &KeyValues) -> Option<Key> {
        form_of_values(&self.form, key).map(|form| self.hasher.key(&form))
    }

    /// Whether a record that was read has every value of a key that may leave fields out.
    pub(crate) fn has(&self, record: &SingleRecord, key: &KeyValues) -> bool {
        let kind = |name: &Text| match &self.form {
            KeyForm::Descriptor => Some(FieldKind::Descriptor),
            KeyForm::Fields { fields, .. } => fields.iter().find(|field| field.name == *name).map(|field| field.kind),
            KeyForm::Unknown => None,
        };
        key.iter().all(|(name, wanted)| {
            let form = |value| kind(name).and_then(|kind| form_of_field(kind, value));
            let wanted = form(wanted);
            wanted.is_some() && record.key.get(name).and_then(form) == wanted
        })
    }
}

/// The fields of the natural key that a record has, as it spells them.
pub(crate) fn key_values(form: &KeyForm, shape: &Shape, extract: &Extract, record: &[u8]) -> KeyValues {
    let value = |slot: u32| Some(extract.slot(slot)).filter(|value| value.is_present()).map(|v| value_of(v, record));
    match (form, &shape.key) {
        (_, KeyPlan::Descriptor { namespace, code }) => {
            let parts = [("namespace", *namespace), ("codeValue", *code)];
            parts.into_iter().filter_map(|(name, slot)| Some((Text::new_static(name), value(slot)?))).collect()
        }
        (KeyForm::Fields { fields, .. }, KeyPlan::Fields { fields: plans, .. }) => {
            let found = fields.iter().zip(plans).filter_map(|(field, plan)| {
                let value = plan.from.iter().find_map(|(slot, _)| value(*slot))?;
                Some((field.name.clone(), value))
            });
            found.collect()
        }
        _ => KeyValues::new(),
    }
}
