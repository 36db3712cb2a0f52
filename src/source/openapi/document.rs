//! The part of an OpenAPI document that the program reads, as types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::model::{FieldType, Text, is_resource_path};
use crate::source::schema::{Format, Number, Scalar, Schema, TypeName, last_segment, scalar_kind};
use crate::source::sorted::Sorted;

type Schemas = Sorted<Schema>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OpenApi {
    pub(super) openapi: Option<Scalar>,
    pub(super) swagger: Option<Scalar>,
    pub(super) info: Info,
    /// An item for every path that can be a resource, and the update of its records; of all others, which are
    /// most of the document, the names.
    #[serde(deserialize_with = "resources_only")]
    pub(super) paths: Sorted<PathItem>,
    components: Components,
    definitions: Schemas,
    /// Swagger 2 keeps shared parameters here.
    parameters: Sorted<Parameter>,
    tags: Vec<Tag>,
}

impl OpenApi {
    pub(super) fn schema(&self, name: &str) -> Option<(&str, &Schema)> {
        let found = self.components.schemas.entry(name).or_else(|| self.definitions.entry(name));
        found.map(|(name, schema)| (name.as_str(), schema))
    }

    /// The schema by which others refer to what that one describes.
    pub(super) fn reference_to(&self, schema: &str) -> Option<(&str, &Schema)> {
        self.schema(&format!("{schema}Reference")).or_else(|| self.schema(&format!("{schema}_Reference")))
    }

    pub(super) fn schemas(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.components.schemas.iter().chain(self.definitions.iter()).map(|(name, schema)| (name.as_str(), schema))
    }

    /// The schema of an operation's body, in either version of the format.
    pub(super) fn body_of<'a>(&'a self, operation: &'a Operation) -> Option<&'a Schema> {
        let mut body = operation.request_body.as_ref();
        let mut steps = 0..=self.components.request_bodies.len();
        while let Some(name) = body.and_then(|b| last_segment(b.reference.as_deref())) {
            // After as many steps as there are bodies it runs in a circle, and says nothing.
            body = steps.next().and_then(|_| self.components.request_bodies.get(name));
        }
        let media = body.and_then(|b| b.content.get("application/json").or_else(|| b.content.values().next()));
        let swagger =
            || operation.parameters.iter().find(|p| p.place == Some(Place::Body)).and_then(|p| p.schema.as_deref());
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
        if schema.domains().is_empty() { tag().cloned().collect() } else { schema.domains().iter().cloned().collect() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Components {
    schemas: Schemas,
    parameters: Sorted<Parameter>,
    #[serde(rename = "requestBodies")]
    request_bodies: Sorted<RequestBody>,
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

fn resources_only<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sorted<PathItem>, D::Error> {
    struct Paths;

    impl<'de> Visitor<'de> for Paths {
        type Value = Sorted<PathItem>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of paths")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sorted<PathItem>, A::Error> {
            let (mut paths, mut respelled) = (Vec::new(), Vec::new());
            while let Some(path) = map.next_key::<Text>()? {
                // A slash at the end and the name of the parameter of a record are a matter of taste.
                let plain = path.strip_suffix('/').unwrap_or(&path);
                let record_of = plain.rsplit_once('/').filter(|(_, last)| is_parameter(last)).map(|(of, _)| of);
                let item = if is_resource_path(plain) {
                    map.next_value()?
                } else if record_of.is_some_and(is_resource_path) {
                    PathItem { put: map.next_value::<RecordItem>()?.put, ..PathItem::default() }
                } else {
                    map.next_value::<IgnoredAny>()?;
                    PathItem::default()
                };
                match record_of.filter(|of| is_resource_path(of)) {
                    Some(of) if path.strip_suffix("/{id}") != Some(of) => {
                        respelled.push((record_path(of).into(), path, item));
                    }
                    None if plain.len() < path.len() => respelled.push((plain.into(), path, item)),
                    _ => paths.push((path, item)),
                }
            }
            if respelled.is_empty() {
                return Ok(Sorted::of(paths));
            }
            let mut known: BTreeMap<Text, PathItem> = paths.into_iter().collect();
            respelled.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
            for (path, _, item) in respelled {
                known.entry(path).or_default().fill(item);
            }
            Ok(Sorted::of(known.into_iter().collect()))
        }
    }

    deserializer.deserialize_map(Paths)
}

/// The path of one record of a resource, as this program spells it.
pub(super) fn record_path(resource: &str) -> String {
    format!("{resource}/{{id}}")
}

/// `{id}`, whatever it is called.
fn is_parameter(segment: &str) -> bool {
    let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.is_empty() && !name.contains(['{', '}']))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PathItem {
    pub(super) get: Option<Operation>,
    pub(super) post: Option<Operation>,
    /// Only beside an `{id}`.
    #[serde(skip)]
    pub(super) put: Option<Update>,
}

impl PathItem {
    /// Takes what it lacks from the same path in another spelling.
    fn fill(&mut self, other: Self) {
        self.get = self.get.take().or(other.get);
        self.post = self.post.take().or(other.post);
        self.put = self.put.take().or(other.put);
    }
}

/// What is read of a path of one record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RecordItem {
    put: Option<Update>,
}

/// The update of a record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Update {
    description: Option<KeyChange>,
    #[serde(rename = "x-Ed-Fi-isUpdatable")]
    is_updatable: bool,
}

impl Update {
    /// Whether it may change the natural key: a flag says so (ODS since 5.x, DMS), or else its text.
    pub(super) fn key_may_change(&self) -> Option<bool> {
        if self.is_updatable { Some(true) } else { self.description.as_ref()?.0 }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Operation {
    parameters: Vec<Parameter>,
    #[serde(rename = "requestBody")]
    request_body: Option<RequestBody>,
}

/// The text of an update, as far as it says something: whether a change of the natural key is passed on to
/// dependents.
#[derive(Debug)]
struct KeyChange(Option<bool>);

impl<'de> Deserialize<'de> for KeyChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = KeyChange;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<KeyChange, E> {
                Ok(KeyChange(if text.contains("cascade through to dependent") {
                    Some(true)
                } else if text.contains("not configured for cascading") {
                    Some(false)
                } else {
                    None
                }))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RequestBody {
    #[serde(rename = "$ref")]
    reference: Option<Text>,
    content: Sorted<Media>,
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
    reference: Option<Text>,
    pub(super) name: Text,
    #[serde(rename = "in")]
    place: Option<Place>,
    #[serde(rename = "x-Ed-Fi-isIdentity")]
    pub(super) is_identity: bool,
    schema: Option<Box<Schema>>,
    /// Swagger 2 writes the type of a parameter beside its name.
    #[serde(rename = "type")]
    kind: TypeName,
    format: Option<Format>,
    #[serde(rename = "maxLength")]
    max_length: Option<Number>,
}

/// `in`: where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Query,
    Body,
    #[serde(other)]
    Other,
}

/// Parameters of paging and versions, which query no field.
const PAGING: [&str; 9] =
    ["offset", "limit", "totalCount", "pageToken", "pageSize", "MinChangeVersion", "MaxChangeVersion", "id", "fields"];

impl Parameter {
    pub(super) fn is_field(&self) -> bool {
        self.place == Some(Place::Query) && !PAGING.iter().any(|p| self.name.eq_ignore_ascii_case(p))
    }

    pub(super) fn field_type(&self) -> FieldType {
        match &self.schema {
            Some(schema) => schema.field_type(&self.name),
            None => FieldType {
                kind: scalar_kind(self.kind, self.format, &self.name),
                max_length: self.max_length.map(Number::get),
                min: None,
            },
        }
    }
}

/// The schema that a reference schema belongs to: `edFi_school` of `edFi_schoolReference` (ODS) and
/// `EdFi_School` of `EdFi_School_Reference` (DMS, MetaEd).
pub(super) fn reference_base(schema: &str) -> Option<&str> {
    let base = schema.strip_suffix("Reference")?;
    let base = base.strip_suffix('_').unwrap_or(base);
    base.contains('_').then_some(base)
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
    fn the_data_standard_in_a_title() {
        let api: OpenApi = serde_yaml::from_str("openapi: 3.0\ninfo: {title: 'A (6.0)', version: 6.0}").unwrap();
        assert_eq!(api.info.data_standard().as_deref(), Some("6.0"));
    }
}
