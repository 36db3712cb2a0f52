//! The part of a JSON schema that OpenAPI and ApiSchema documents share, as types.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::draft::Member;
use super::sorted::Sorted;
use crate::model::{FieldKind, FieldType, Text};

/// A schema, small: documents hold thousands, and few of them say more than the type of a value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Stated")]
pub(super) struct Schema {
    reference: Option<Text>,
    kind: TypeName,
    format: Option<Format>,
    pub(super) is_identity: bool,
    max_length: Option<Number>,
    min_length: Option<Number>,
    min_items: Option<Number>,
    pub(super) properties: Sorted<Self>,
    required: Required,
    pub(super) items: Option<Box<Self>>,
    seldom: Option<Box<Seldom>>,
}

/// What few schemas have.
#[derive(Debug, Clone, Default)]
struct Seldom {
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
    domains: Vec<Text>,
}

/// A schema as it is written; to people it is the schema.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "struct Schema")]
struct Stated {
    #[serde(rename = "$ref")]
    reference: Option<Text>,
    #[serde(rename = "type")]
    kind: TypeName,
    format: Option<Format>,
    #[serde(rename = "maxLength")]
    max_length: Option<Number>,
    #[serde(rename = "minLength")]
    min_length: Option<Number>,
    #[serde(rename = "minItems")]
    min_items: Option<Number>,
    properties: Sorted<Schema>,
    items: Option<Box<Schema>>,
    required: Required,
    #[serde(rename = "allOf")]
    all_of: Vec<Schema>,
    #[serde(rename = "anyOf")]
    any_of: Vec<Schema>,
    #[serde(rename = "oneOf")]
    one_of: Vec<Schema>,
    #[serde(rename = "x-Ed-Fi-isIdentity")]
    is_identity: bool,
    #[serde(rename = "x-Ed-Fi-domains")]
    domains: Vec<Text>,
}

impl From<Stated> for Schema {
    fn from(stated: Stated) -> Self {
        let Stated { all_of, any_of, one_of, domains, .. } = stated;
        let plain = all_of.is_empty() && any_of.is_empty() && one_of.is_empty() && domains.is_empty();
        Self {
            reference: stated.reference,
            kind: stated.kind,
            format: stated.format,
            is_identity: stated.is_identity,
            max_length: stated.max_length,
            min_length: stated.min_length,
            min_items: stated.min_items,
            properties: stated.properties,
            required: stated.required,
            items: stated.items,
            seldom: (!plain).then(|| Box::new(Seldom { all_of, any_of, one_of, domains })),
        }
    }
}

impl Schema {
    /// The `$ref`, whether bare or in a list of its own (the way to give it siblings), where nothing but
    /// that says what it holds.
    pub(super) fn pointer(&self) -> Option<&str> {
        if !self.properties.is_empty() || !self.required.0.is_empty() {
            return None;
        }
        let mut parts = self.parts();
        match (&self.reference, parts.next(), parts.next()) {
            (Some(reference), None, _) => Some(reference),
            (None, Some(only), None) => only.pointer(),
            _ => None,
        }
    }

    /// The `$ref` of its own.
    pub(super) fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// The schemas that it has to meet, besides what it says itself and a `$ref` of its own.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Self> {
        // `anyOf` with one schema and a null says that the value may be absent (OpenAPI 3.1).
        self.seldom.iter().flat_map(|said| {
            let mut choices = said.any_of.iter().chain(&said.one_of).filter(|choice| choice.kind != TypeName::Null);
            let choice = choices.next().filter(|_| choices.next().is_none());
            said.all_of.iter().chain(choice)
        })
    }

    /// Whether what it holds is told by more than its own words.
    pub(super) fn is_composed(&self) -> bool {
        self.reference.is_some() || self.parts().next().is_some()
    }

    /// One schema that says what all of these say together, each without its `$ref` and its parts.
    pub(super) fn together(parts: &[&Self]) -> Self {
        let mut whole = Self::default();
        let mut properties: Vec<(&Text, &Self)> = Vec::new();
        let (mut items, mut domains) = (Vec::new(), Vec::new());
        for part in parts {
            if whole.kind == TypeName::Other {
                whole.kind = part.kind;
            }
            whole.format = whole.format.or(part.format);
            whole.max_length = whole.max_length.into_iter().chain(part.max_length).min_by_key(|n| n.get());
            whole.min_length = whole.min_length.into_iter().chain(part.min_length).max_by_key(|n| n.get());
            whole.min_items = whole.min_items.into_iter().chain(part.min_items).max_by_key(|n| n.get());
            whole.is_identity |= part.is_identity;
            whole.required.0.extend(part.required.0.iter().cloned());
            domains.extend(part.domains().iter().cloned());
            properties.extend(part.properties.iter());
            items.extend(part.items.as_deref());
        }
        whole.required.0.sort_unstable();
        properties.sort_by_key(|(name, _)| *name);
        let same_name = properties.chunk_by(|(one, _), (next, _)| one == next);
        let properties = same_name.filter_map(|same| {
            let (name, _) = same.first()?;
            Some(((*name).clone(), Self::each_of(same.iter().map(|(_, schema)| *schema))?))
        });
        whole.properties = Sorted::of(properties.collect());
        whole.items = Self::each_of(items.into_iter()).map(Box::new);
        if !domains.is_empty() {
            whole.seldom = Some(Box::new(Seldom { domains, ..Seldom::default() }));
        }
        whole
    }

    /// A schema that says what each of these says, still to be put together where they are several.
    fn each_of<'s>(mut schemas: impl Iterator<Item = &'s Self>) -> Option<Self> {
        let first = schemas.next()?.clone();
        let others: Vec<Self> = schemas.cloned().collect();
        Some(if others.is_empty() {
            first
        } else {
            let is_identity = first.is_identity || others.iter().any(|other| other.is_identity);
            let all_of = std::iter::once(first).chain(others).collect();
            Self { seldom: Some(Box::new(Seldom { all_of, ..Seldom::default() })), is_identity, ..Self::default() }
        })
    }

    /// How many schemas stand in it, itself included. O(that many), and no deeper than a parser goes.
    pub(super) fn size(&self) -> usize {
        let lists = self.seldom.iter().flat_map(|said| said.all_of.iter().chain(&said.any_of).chain(&said.one_of));
        let inner = lists.chain(self.properties.values()).chain(self.items.as_deref());
        1 + inner.map(Self::size).sum::<usize>()
    }

    /// Whether it is an object without objects or collections in it but for a `link`, as the schema of
    /// a reference is.
    pub(super) fn holds_scalars_only(&self) -> bool {
        let nested = |(name, schema): (&Text, &Self)| name != "link" && schema.may_hold_more();
        self.is_object() && !self.properties.iter().any(nested)
    }

    /// Whether it is something with values in it, as far as its own text tells.
    fn may_hold_more(&self) -> bool {
        self.reference.is_some() || self.is_object() || self.is_array() || self.parts().any(Self::may_hold_more)
    }

    /// The name of the schema that the `$ref` leads to.
    pub(super) fn referenced_name(&self) -> Option<&str> {
        last_segment(self.pointer())
    }

    pub(super) fn requires(&self, property: &str) -> bool {
        self.required.0.binary_search_by(|name| name.as_str().cmp(property)).is_ok()
    }

    pub(super) fn is_object(&self) -> bool {
        !self.properties.is_empty() || self.kind == TypeName::Object
    }

    pub(super) fn is_array(&self) -> bool {
        self.items.is_some() || self.kind == TypeName::Array
    }

    pub(super) fn domains(&self) -> &[Text] {
        self.seldom.as_ref().map(|said| said.domains.as_slice()).unwrap_or_default()
    }

    /// The members of a reference schema; `link` is not one of them.
    pub(super) fn members(&self) -> Vec<Member> {
        let members = self.properties.iter().filter(|(name, _)| name.as_str() != "link");
        members.map(|(name, schema)| Member { name: name.clone(), kind: schema.field_type(name) }).collect()
    }

    /// The type of the value called `name`.
    pub(super) fn field_type(&self, name: &str) -> FieldType {
        let kind = if self.is_array() {
            FieldKind::Array
        } else if self.is_object() {
            FieldKind::Object
        } else {
            scalar_kind(self.kind, self.format, name)
        };
        let min = if kind == FieldKind::Array { self.min_items } else { self.min_length };
        FieldType { kind, max_length: self.max_length.map(Number::get), min: min.map(Number::get).filter(|n| *n > 0) }
    }
}

pub(super) fn scalar_kind(kind: TypeName, format: Option<Format>, name: &str) -> FieldKind {
    match (kind, format) {
        (TypeName::Integer, Some(Format::Long)) => FieldKind::Long,
        (TypeName::Integer, _) => FieldKind::Integer,
        (TypeName::Number, _) => FieldKind::Number,
        (TypeName::Boolean, _) => FieldKind::Boolean,
        (_, Some(Format::Date)) => FieldKind::Date,
        (_, Some(Format::DateTime)) => FieldKind::DateTime,
        (_, Some(Format::Time)) => FieldKind::Time,
        _ if crate::model::names_descriptor(name) => FieldKind::Descriptor,
        _ => FieldKind::String,
    }
}

pub(super) fn last_segment(pointer: Option<&str>) -> Option<&str> {
    pointer.and_then(|p| p.rsplit('/').next())
}

/// A version: YAML reads `6.0` as a number.
#[derive(Debug, Default)]
pub(super) struct Scalar(Text);

impl Scalar {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient("a version")).map(|l| Self(l.text))
    }
}

/// `type`: one name, or since OpenAPI 3.1 a list with `null`. Of all others only strings are left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TypeName {
    #[default]
    Other,
    Null,
    Integer,
    Number,
    Boolean,
    Object,
    Array,
}

impl<'de> Deserialize<'de> for TypeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lenient = deserializer.deserialize_any(Lenient("a type"))?;
        let name = lenient.list.iter().find(|name| *name != "null").unwrap_or(&lenient.text);
        Ok(match name.as_str() {
            "null" => Self::Null,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "object" => Self::Object,
            "array" => Self::Array,
            _ => Self::Other,
        })
    }
}

/// `format`, as far as it changes the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Format {
    #[serde(rename = "int64")]
    Long,
    #[serde(rename = "date")]
    Date,
    #[serde(rename = "date-time")]
    DateTime,
    #[serde(rename = "time")]
    Time,
    #[serde(other)]
    Other,
}

/// `required`: a list of names, sorted here; older writers put `true` beside a property, which says
/// nothing here.
#[derive(Debug, Clone, Default)]
struct Required(Vec<Text>);

impl<'de> Deserialize<'de> for Required {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = deserializer.deserialize_any(Lenient("names of properties"))?.list;
        names.sort_unstable();
        Ok(Self(names))
    }
}

/// A length, written as any number.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(from = "f64")]
pub(super) struct Number(u32);

impl Number {
    pub(super) fn get(self) -> u32 {
        self.0
    }
}

impl From<f64> for Number {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float to int saturates")]
    fn from(number: f64) -> Self {
        Self(number as u32)
    }
}

/// What a value of any shape amounts to; shapes that mean nothing here are passed over.
#[derive(Debug, Default)]
struct Loose {
    text: Text,
    list: Vec<Text>,
}

struct Lenient(&'static str);

impl<'de> Visitor<'de> for Lenient {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose { text: text.into(), ..Loose::default() })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::default())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose { text: number.to_string().into(), ..Loose::default() })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        Ok(Loose { text: number.to_string().into(), ..Loose::default() })
    }

    fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
        Ok(Loose { text: format!("{number:?}").into(), ..Loose::default() })
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Scalar>()? {
            list.push(item.0);
        }
        Ok(Loose { list, ..Loose::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_scalars() {
        let schema: Schema =
            serde_json::from_str(r#"{"type":["null","string"],"required":true,"maxLength":20.0}"#).unwrap();
        assert_eq!(schema.field_type("x"), FieldType { kind: FieldKind::String, max_length: Some(20), min: None });
    }
}
