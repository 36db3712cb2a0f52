//! Natural keys of records and of references: what identifies a record, in a form that compares.
//!
//! The key of a record and the key inside a reference to it are brought to one canonical form: the
//! fields in one order, each by value of the target's declared type (see [`value`](super::value)), and
//! hashed with SipHash-1-3 of 128 bits under a key that is drawn anew for every run. Two distinct keys
//! among *n* collide with probability below n² / 2¹²⁹: for a billion keys, one in 6 × 10²⁰.
//!
//! A subclass orders its key as its superclass does and takes the superclass's types, so that a school
//! and a reference to an education organization meet in the same form.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use serde_json::Value;
use siphasher::sip128::SipHasher13;

use super::check::{text_of, value_of};
use super::json::{Flaw, Members, Scanner, Span};
use super::value;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{AbstractResource, FieldKind, KeyField, Kind, Reference, Target, Text};

/// A natural key, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

/// Makes keys; those of two hashers do not compare.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyHasher {
    sip: SipHasher13,
    /// The key of the run.
    drawn: (u64, u64),
}

impl PartialEq for KeyHasher {
    fn eq(&self, other: &Self) -> bool {
        self.drawn == other.drawn
    }
}

impl KeyHasher {
    /// A hasher whose key nobody can know beforehand.
    pub(crate) fn random() -> Self {
        let draw = || RandomState::new().build_hasher().finish();
        let drawn = (draw(), draw());
        Self { sip: SipHasher13::new_with_keys(drawn.0, drawn.1), drawn }
    }

    /// The key of a canonical form.
    #[inline]
    pub(crate) fn key(&self, form: &[u8]) -> Key {
        let hash = self.sip.hash(form);
        Key { high: hash.h1, low: hash.h2 }
    }
}

/// Writes one field of a canonical form: its length, then its value. A length is one byte, for what is
/// hashed should be short, or [`LONG`] and eight more.
#[inline]
pub(crate) fn write_field(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    let at = out.len();
    out.push(LONG);
    let written = write(out);
    let length = out.len() - at - 1;
    match (u8::try_from(length), out.get_mut(at)) {
        (Ok(length), Some(place)) if length < LONG => *place = length,
        _ => drop(out.splice(at + 1..at + 1, (length as u64).to_le_bytes())),
    }
    written
}

/// Writes a value as one field of a canonical form; false where it is not of its type.
#[inline(always)]
pub(crate) fn write_scalar(kind: FieldKind, value: Span, record: &[u8], out: &mut Vec<u8>) -> bool {
    let raw = value.of(record);
    match u8::try_from(raw.len()) {
        Ok(length) if length < LONG && value::is_canonical(kind, value, record) => {
            out.push(length);
            // Most are short: so many bytes at once, and what is too many cut off, needs no call.
            match record.get(value.start as usize..).and_then(|rest| rest.first_chunk::<16>()) {
                Some(chunk) if raw.len() <= chunk.len() => {
                    let end = out.len() + raw.len();
                    out.extend_from_slice(chunk);
                    out.truncate(end);
                }
                _ => out.extend_from_slice(raw),
            }
            true
        }
        _ => write_field(out, |out| value::canonical(kind, value, record, out)),
    }
}

/// Stands for a length that is not less.
const LONG: u8 = 0xff;

/// How the key of a resource is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyForm {
    /// A descriptor: `namespace#codeValue`.
    Descriptor,
    /// The fields in canonical order.
    Fields {
        fields: Vec<KeyPart>,
        /// Whether the model knows no path of some field: then equal keys may be of different records.
        partial: bool,
    },
    /// No document tells the key.
    Unknown,
}

/// One field of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPart {
    /// Its name in references to the resource.
    pub(crate) name: Text,
    /// The type that decides what is equal.
    pub(crate) kind: FieldKind,
    /// Where the records hold it.
    pub(crate) paths: Vec<Text>,
}

impl KeyForm {
    /// The key of a resource.
    pub(crate) fn of(graph: &DependencyGraph, id: ResourceId) -> Self {
        let resource = graph.resource(id);
        if resource.kind == Kind::Descriptor {
            return Self::Descriptor;
        }
        let own = &graph.details(id).key;
        let superclass = resource.superclass.as_deref().and_then(|entity| graph.model().abstract_resource(entity));
        let fields: Vec<KeyPart> = match superclass.and_then(|superclass| as_superclass(own, superclass)) {
            Some(pairs) => pairs
                .into_iter()
                .map(|(own, above)| KeyPart { name: own.name.clone(), kind: above.kind.kind, paths: own.paths.clone() })
                .collect(),
            None => own.iter().map(part).collect(),
        };
        let known: Vec<KeyPart> = fields.iter().filter(|f| is_readable(f)).cloned().collect();
        if known.is_empty() {
            return Self::Unknown;
        }
        Self::Fields { partial: known.len() < fields.len(), fields: known }
    }

    /// Whether records of equal keys are the same record.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Descriptor | Self::Fields { partial: false, .. })
    }

    /// The same key, but for strings that are equal where they differ in case only.
    pub(crate) fn without_case(&self) -> Self {
        let mut form = self.clone();
        if let Self::Fields { fields, .. } = &mut form {
            fields.iter_mut().for_each(|field| field.kind = field.kind.without_case());
        }
        form
    }

    /// The key that references to an abstract resource hold; unknown where some subclass has another.
    pub(crate) fn of_abstract(graph: &DependencyGraph, found: &AbstractResource) -> Self {
        let agrees = |id: &ResourceId| {
            let own = &graph.details(*id).key;
            as_superclass(own, found).is_some() && own.iter().map(part).all(|part| is_readable(&part))
        };
        let subclasses = graph.subclasses(&found.entity);
        if found.key.is_empty() || !subclasses.iter().all(agrees) {
            return Self::Unknown;
        }
        Self::Fields { fields: found.key.iter().map(part).collect(), partial: false }
    }

    /// The key of what a reference points to.
    pub(crate) fn of_target(graph: &DependencyGraph, reference: &Reference) -> Self {
        match &reference.target {
            Target::Resource(name) => graph.id(name).map_or(Self::Unknown, |id| Self::of(graph, id)),
            Target::Abstract(entity) => {
                let found = graph.model().abstract_resource(entity);
                found.map_or(Self::Unknown, |found| Self::of_abstract(graph, found))
            }
            Target::Unresolved(_) => Self::Unknown,
        }
    }
}

fn part(field: &KeyField) -> KeyPart {
    KeyPart { name: field.name.clone(), kind: field.kind.kind, paths: field.paths.clone() }
}

/// Whether a record has the field once, and where is known.
fn is_readable(field: &KeyPart) -> bool {
    !field.paths.is_empty() && !field.paths.iter().any(|path| path.contains("[*]"))
}

/// The fields of a subclass in the order of its superclass: by name, and the one that is left over
/// (`schoolId`) for the one that is missing (`educationOrganizationId`).
fn as_superclass<'k>(
    own: &'k [KeyField],
    superclass: &'k AbstractResource,
) -> Option<Vec<(&'k KeyField, &'k KeyField)>> {
    if own.len() != superclass.key.len() {
        return None;
    }
    let missing = |field: &&KeyField| !superclass.key.iter().any(|above| above.name == field.name);
    let mut renamed = own.iter().filter(missing);
    let (renamed, more) = (renamed.next(), renamed.next());
    if more.is_some() {
        return None;
    }
    let pair = |above: &'k KeyField| own.iter().find(|f| f.name == above.name).or(renamed).map(|own| (own, above));
    superclass.key.iter().map(pair).collect()
}

/// The member of a reference object that holds a key field of the target.
pub(crate) fn member_name<'m>(graph: &'m DependencyGraph, of: ResourceId, path: &str, field: &'m Text) -> &'m str {
    let renamed = graph.details(of).renamed.iter().find_map(|(member, name)| {
        let member = member.strip_prefix(path)?.strip_prefix('.')?;
        (name == field && !member.contains(['.', '['])).then_some(member)
    });
    renamed.unwrap_or(field.as_str())
}

/// Each field of the key of what a reference points to, with the member of the reference object that holds it.
pub(crate) fn members<'f>(
    graph: &'f DependencyGraph,
    of: ResourceId,
    reference: &'f Reference,
    fields: &'f [KeyPart],
) -> impl Iterator<Item = (&'f KeyPart, &'f str)> {
    fields.iter().map(move |field| (field, member_name(graph, of, &reference.path, &field.name)))
}

/// The values of a natural key, as a record or reference spells them, by field.
pub type KeyValues = BTreeMap<Text, Value>;

/// The key inside a reference object, by the names of the target.
pub(crate) fn values_of(graph: &DependencyGraph, of: ResourceId, reference: &Reference, object: &[u8]) -> KeyValues {
    let object = scalars(object).unwrap_or_default();
    let KeyForm::Fields { fields, .. } = KeyForm::of_target(graph, reference) else { return KeyValues::new() };
    let value = |member: &str| object.get(member).cloned().unwrap_or_default();
    members(graph, of, reference, &fields).map(|(field, member)| (field.name.clone(), value(member))).collect()
}

/// The scalars of an object by name; of a member that stands twice, the last.
fn scalars(object: &[u8]) -> Result<BTreeMap<String, Value>, Flaw> {
    let (mut scanner, mut members) = (Scanner::new(object), Members::default());
    let mut scalars = BTreeMap::new();
    scanner.expect(b'{')?;
    let mut more = scanner.next_token()? != b'}';
    while more {
        let name = scanner.name()?;
        let first = scanner.next_token()?;
        match scanner.scalar(first)? {
            Some(value) => drop(scalars.insert(text_of(name, object), value_of(value, object))),
            None => scanner.skip(&mut members, 1)?,
        }
        more = scanner.another(b'}')?;
    }
    Ok(scalars)
}

/// The canonical form of key values given by name, as somebody wrote them; `None` where a field is
/// missing or of the wrong type.
pub(crate) fn form_of_values(form: &KeyForm, values: &KeyValues) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match form {
        KeyForm::Descriptor => {
            let text = |name: &str| values.get(name).and_then(Value::as_str);
            let uri = match (text("namespace"), text("codeValue")) {
                (Some(namespace), Some(code)) => format!("{namespace}#{code}"),
                _ => text("uri")?.to_owned(),
            };
            let json = serde_json::to_vec(&uri).ok()?;
            write_value(FieldKind::Descriptor, &json, &mut out).then_some(out)
        }
        KeyForm::Fields { fields, .. } => {
            for field in fields {
                let json = serde_json::to_vec(values.get(&field.name)?).ok()?;
                if !write_value(field.kind, &json, &mut out) {
                    return None;
                }
            }
            Some(out)
        }
        KeyForm::Unknown => None,
    }
}

/// The canonical form of one field of a key; `None` where the value is not of its type.
pub(crate) fn form_of_field(kind: FieldKind, value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let json = serde_json::to_vec(value).ok()?;
    write_value(kind, &json, &mut out).then_some(out)
}

fn write_value(kind: FieldKind, json: &[u8], out: &mut Vec<u8>) -> bool {
    let mut scanner = Scanner::new(json);
    let Ok(Some(value)) = scanner.next_token().and_then(|first| scanner.scalar(first)) else { return false };
    write_scalar(kind, value, json, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_any_length_are_told_apart() {
        let form = |fields: &[usize]| {
            let mut form = Vec::new();
            for &length in fields {
                assert!(write_field(&mut form, |out| {
                    out.resize(out.len() + length, LONG);
                    true
                }));
            }
            form
        };
        assert_eq!(form(&[254]).len(), 255);
        assert_eq!(form(&[255]).len(), 264);
        let forms = [form(&[254, 255]), form(&[255, 254]), form(&[509]), form(&[0, 509]), form(&[509, 0])];
        for (at, one) in forms.iter().enumerate() {
            assert!(!forms[..at].contains(one), "{at}");
        }
    }
}
