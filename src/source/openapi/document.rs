//! The part of an OpenAPI document that the program reads, as types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::{FieldKind, FieldType, Text};
use crate::source::draft::Member;

type Schemas = BTreeMap<Text, Schema>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OpenApi {
    pub(super) openapi: Option<Scalar>,
    pub(super) swagger: Option<Scalar>,
    pub(super) info: Info,
    pub(super) paths: BTreeMap<Text, PathItem>,
    components: Components,
    definitions: Schemas,
    /// Swagger 2 keeps shared parameters here.
    parameters: BTreeMap<Text, Parameter>,
    tags: Vec<Tag>,
}

impl OpenApi {
    pub(super) fn schema(&self, name: &str) -> Option<&Schema> {
        self.components.schemas.get(name).or_else(|| self.definitions.get(name))
    }

    pub(super) fn schemas(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.components.schemas.iter().chain(&self.definitions).map(|(name, schema)| (name.as_str(), schema))
    }

    /// The schema of an operation's body, in either version of the format.
    pub(super) fn body_of<'a>(&'a self, operation: &'a Operation) -> Option<&'a Schema> {
        let body = operation.request_body.as_ref();
        let body = body.and_then(|b| match last_segment(b.reference.as_deref()) {
            Some(name) => self.components.request_bodies.get(name),
            None => Some(b),
        });
        let media = body.and_then(|b| b.content.get("application/json").or_else(|| b.content.values().next()));
        let swagger =
            || operation.parameters.iter().find(|p| p.place.as_deref() == Some("body")).and_then(|p| p.schema.as_ref());
        media.and_then(|m| m.schema.as_ref()).or_else(swagger)
    }

    pub(super) fn parameters_of<'a>(&'a self, operation: &'a Operation) -> Vec<&'a Parameter> {
        operation
            .parameters
            .iter()
            .filter_map(|p| match last_segment(p.reference.as_deref()) {
                Some(name) => self.components.parameters.get(name).or_else(|| self.parameters.get(name)),
                None => Some(p),
            })
            .collect()
    }

    /// Domains of a resource: on its schema, or on the tag of its endpoint.
    pub(super) fn domains_of(&self, schema: &Schema, endpoint: &str) -> BTreeSet<Text> {
        let tag = || self.tags.iter().filter(|t| t.name.eq_ignore_ascii_case(endpoint)).flat_map(|t| &t.domains);
        if schema.domains.is_empty() { tag().cloned().collect() } else { schema.domains.iter().cloned().collect() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Components {
    schemas: Schemas,
    parameters: BTreeMap<Text, Parameter>,
    #[serde(rename = "requestBodies")]
    request_bodies: BTreeMap<Text, RequestBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    pub(super) title: String,
    pub(super) version: Scalar,
}

impl Info {
    /// The version of the data standard, which only the published documents carry ("Ed-Fi Resource
    /// API (5.0)"); elsewhere `version` is the version of the API.
    pub(super) fn data_standard(&self) -> Option<Text> {
        let inner = self.title.rsplit_once('(')?.1.strip_suffix(')')?;
        inner.starts_with(|c: char| c.is_ascii_digit()).then(|| inner.into())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tag {
    name: Text,
    #[serde(rename = "x-Ed-Fi-domains")]
    domains: Vec<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PathItem {
    pub(super) get: Option<Operation>,
    pub(super) post: Option<Operation>,
    pub(super) put: Option<Operation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Operation {
    parameters: Vec<Parameter>,
    #[serde(rename = "requestBody")]
    request_body: Option<RequestBody>,
    pub(super) description: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RequestBody {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    content: BTreeMap<String, Media>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Media {
    schema: Option<Schema>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameter {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    pub(super) name: Text,
    #[serde(rename = "in")]
    place: Option<Text>,
    #[serde(rename = "x-Ed-Fi-isIdentity")]
    pub(super) is_identity: bool,
    schema: Option<Schema>,
    /// Swagger 2 writes the type of a parameter beside its name.
    #[serde(rename = "type")]
    kind: TypeName,
    format: Option<Text>,
    #[serde(rename = "maxLength")]
    max_length: Option<Number>,
}

/// Parameters of paging and versions, which query no field.
const PAGING: [&str; 9] =
    ["offset", "limit", "totalCount", "pageToken", "pageSize", "MinChangeVersion", "MaxChangeVersion", "id", "fields"];

impl Parameter {
    pub(super) fn is_field(&self) -> bool {
        self.place.as_deref() == Some("query") && !PAGING.iter().any(|p| self.name.eq_ignore_ascii_case(p))
    }

    pub(super) fn field_type(&self) -> FieldType {
        match &self.schema {
            Some(schema) => schema.field_type(&self.name),
            None => FieldType {
                kind: scalar_kind(&self.kind, self.format.as_deref(), &self.name),
                max_length: self.max_length.map(Number::get),
                min: None,
            },
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Schema {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "type")]
    kind: TypeName,
    format: Option<Text>,
    #[serde(rename = "maxLength")]
    max_length: Option<Number>,
    #[serde(rename = "minLength")]
    min_length: Option<Number>,
    #[serde(rename = "minItems")]
    min_items: Option<Number>,
    pub(super) properties: BTreeMap<Text, Schema>,
    pub(super) items: Option<Box<Schema>>,
    required: Required,
    #[serde(rename = "allOf")]
    all_of: Vec<Schema>,
    #[serde(rename = "x-Ed-Fi-isIdentity")]
    pub(super) is_identity: bool,
    #[serde(rename = "x-Ed-Fi-isUpdatable")]
    is_updatable: bool,
    #[serde(rename = "x-Ed-Fi-domains")]
    domains: Vec<Text>,
}

impl Schema {
    /// The `$ref`, whether bare or as the only element of an `allOf` (the way to give it siblings).
    pub(super) fn pointer(&self) -> Option<&str> {
        match (&self.reference, self.all_of.as_slice()) {
            (Some(reference), _) => Some(reference),
            (None, [only]) => only.reference.as_deref(),
            _ => None,
        }
    }

    /// The name of the schema that the `$ref` leads to.
    pub(super) fn referenced_name(&self) -> Option<&str> {
        last_segment(self.pointer())
    }

    pub(super) fn requires(&self, property: &str) -> bool {
        self.required.0.contains(property)
    }

    pub(super) fn is_object(&self) -> bool {
        !self.properties.is_empty() || self.kind.is("object")
    }

    pub(super) fn is_array(&self) -> bool {
        self.items.is_some() || self.kind.is("array")
    }

    pub(super) fn is_updatable(&self) -> bool {
        self.is_updatable
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
            scalar_kind(&self.kind, self.format.as_deref(), name)
        };
        let min = if kind == FieldKind::Array { self.min_items } else { self.min_length };
        FieldType { kind, max_length: self.max_length.map(Number::get), min: min.map(Number::get).filter(|n| *n > 0) }
    }
}

fn scalar_kind(kind: &TypeName, format: Option<&str>, name: &str) -> FieldKind {
    match (kind.0.as_str(), format) {
        ("integer", Some("int64")) => FieldKind::Long,
        ("integer", _) => FieldKind::Integer,
        ("number", _) => FieldKind::Number,
        ("boolean", _) => FieldKind::Boolean,
        (_, Some("date")) => FieldKind::Date,
        (_, Some("date-time")) => FieldKind::DateTime,
        (_, Some("time")) => FieldKind::Time,
        _ if is_descriptor(name) => FieldKind::Descriptor,
        _ => FieldKind::String,
    }
}

/// A property that holds a descriptor URI is called so (DESIGN 4.2).
pub(super) fn is_descriptor(property: &str) -> bool {
    property.strip_suffix("Descriptor").or_else(|| property.strip_suffix("descriptor")).is_some()
}

/// The schema that a reference schema belongs to: `edFi_school` of `edFi_schoolReference` (ODS) and
/// `EdFi_School` of `EdFi_School_Reference` (DMS, MetaEd).
pub(super) fn reference_base(schema: &str) -> Option<&str> {
    let base = schema.strip_suffix("Reference")?;
    let base = base.strip_suffix('_').unwrap_or(base);
    base.contains('_').then_some(base)
}

fn last_segment(pointer: Option<&str>) -> Option<&str> {
    pointer.and_then(|p| p.rsplit('/').next())
}

/// A version: YAML reads `6.0` as a number.
#[derive(Debug, Default)]
pub(super) struct Scalar(String);

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

/// `type`: one name, or since OpenAPI 3.1 a list with `null`.
#[derive(Debug, Default)]
struct TypeName(Text);

impl TypeName {
    fn is(&self, name: &str) -> bool {
        self.0 == name
    }
}

impl<'de> Deserialize<'de> for TypeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lenient = deserializer.deserialize_any(Lenient("a type"))?;
        Ok(Self(lenient.list.into_iter().find(|t| t != "null").unwrap_or_else(|| lenient.text.into())))
    }
}

/// `required`: a list of names; older writers put `true` beside a property, which says nothing here.
#[derive(Debug, Default)]
struct Required(BTreeSet<Text>);

impl<'de> Deserialize<'de> for Required {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient("names of properties")).map(|l| Self(l.list.into_iter().collect()))
    }
}

/// A length, written as any number.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Number(f64);

impl Number {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float to int saturates")]
    fn get(self) -> u32 {
        self.0 as u32
    }
}

/// What a value of any shape amounts to; shapes that mean nothing here are passed over.
#[derive(Debug, Default)]
struct Loose {
    text: String,
    list: Vec<Text>,
}

struct Lenient(&'static str);

impl<'de> Visitor<'de> for Lenient {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose { text: text.to_owned(), ..Loose::default() })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::default())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose { text: number.to_string(), ..Loose::default() })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        Ok(Loose { text: number.to_string(), ..Loose::default() })
    }

    fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
        Ok(Loose { text: format!("{number:?}"), ..Loose::default() })
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Scalar>()? {
            list.push(item.0.into());
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
    fn the_base_of_a_reference_schema_in_each_dialect() {
        assert_eq!(reference_base("edFi_schoolReference"), Some("edFi_school"));
        assert_eq!(reference_base("EdFi_School_Reference"), Some("EdFi_School"));
        assert_eq!(reference_base("EdFi_SchoolYearTypeReference"), Some("EdFi_SchoolYearType"));
        assert_eq!(reference_base("edFi_school"), None);
        assert_eq!(reference_base("Reference"), None);
    }

    #[test]
    fn lenient_scalars() {
        let schema: Schema =
            serde_json::from_str(r#"{"type":["null","string"],"required":true,"maxLength":20.0}"#).unwrap();
        assert_eq!(schema.field_type("x"), FieldType { kind: FieldKind::String, max_length: Some(20), min: None });
        let api: OpenApi = serde_yaml::from_str("openapi: 3.0\ninfo: {title: 'A (6.0)', version: 6.0}").unwrap();
        assert_eq!(api.info.data_standard().as_deref(), Some("6.0"));
    }
}
