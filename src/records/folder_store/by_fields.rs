//! Keys that somebody gave, perhaps in part, in a form in which records are looked up.

use std::collections::{BTreeMap, HashMap};

use crate::model::{FieldKind, Text};
use crate::records::extract::Extract;
use crate::records::keys::{KeyValues, form_of_field, write_scalar};
use crate::records::shape::{KeyPlan, Shape};

/// Keys by which of the fields they give, then by their values in no case: the exact values and the numbers
/// of those that have them.
pub(super) type ByFields = BTreeMap<Vec<usize>, HashMap<Vec<u8>, Vec<(Vec<u8>, usize)>>>;

pub(super) fn by_fields(fields: &[(Text, FieldKind)], keys: &[KeyValues]) -> ByFields {
    let mut groups = ByFields::new();
    for (number, key) in keys.iter().enumerate() {
        let given = fields.iter().enumerate().filter_map(|(at, (name, kind))| Some((at, *kind, key.get(name)?)));
        let given: Vec<_> = given.collect();
        let form = |kind: fn(FieldKind) -> FieldKind| -> Option<Vec<u8>> {
            let fields = given.iter().map(|(_, of, value)| form_of_field(kind(*of), value));
            Some(fields.collect::<Option<Vec<_>>>()?.concat())
        };
        if let (true, Some(exact), Some(folded)) =
            (given.len() == key.len(), form(|kind| kind), form(FieldKind::without_case))
        {
            let ats = given.iter().map(|(at, ..)| *at).collect();
            groups.entry(ats).or_default().entry(folded).or_default().push((exact, number));
        }
    }
    groups
}

/// Writes some fields of the key of a record; false where it lacks one.
pub(super) fn write_key(shape: &Shape, fields: &[usize], extract: &Extract, record: &[u8], form: &mut Vec<u8>) -> bool {
    form.clear();
    fields.iter().all(|field| write_key_field(shape, *field, extract, record, form))
}

/// Writes one field of the key of a record as [`form_of_field`] does; false where it has none.
fn write_key_field(shape: &Shape, field: usize, extract: &Extract, record: &[u8], form: &mut Vec<u8>) -> bool {
    let (kind, slots): (FieldKind, Vec<u32>) = match &shape.key {
        KeyPlan::Unknown => return false,
        KeyPlan::Descriptor { namespace, code } => {
            (FieldKind::Descriptor, [*code, *namespace].get(field).copied().into_iter().collect())
        }
        KeyPlan::Fields { fields, .. } => match fields.get(field) {
            Some(plan) => (plan.kind, plan.from.iter().map(|(slot, _)| *slot).collect()),
            None => return false,
        },
    };
    let value = slots.into_iter().map(|slot| extract.slot(slot)).find(|value| value.is_present());
    value.is_some_and(|value| write_scalar(kind, value, record, form))
}
