//! The part of an ApiModel document that the program reads, as types.

use std::fmt;

use serde::Deserialize;

use crate::model::{FieldKind, FieldType, Text};

/// An `ApiModel.json` or `ApiModel-EXTENSION.json`, as MetaEd writes it for the ODS/API.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiModel {
    #[serde(default)]
    pub(super) ods_api_version: Text,
    pub(super) schema_definition: SchemaDefinition,
    pub(super) aggregate_definitions: Vec<Aggregate>,
    #[serde(default)]
    pub(super) aggregate_extension_definitions: Vec<AggregateExtension>,
    pub(super) entity_definitions: Vec<EntityDefinition>,
    pub(super) association_definitions: Vec<AssociationDefinition>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SchemaDefinition {
    pub(super) logical_name: Text,
    pub(super) physical_name: Text,
    #[serde(default)]
    pub(super) version: Text,
}

/// The schema and the name of an entity: `edfi.School`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct FullName {
    pub(super) schema: Text,
    pub(super) name: Text,
}

impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Aggregate {
    pub(super) aggregate_root_entity_name: FullName,
    pub(super) aggregate_entity_names: Vec<FullName>,
}

/// Entities that an extension adds to an aggregate of another schema.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AggregateExtension {
    pub(super) aggregate_root_entity_name: FullName,
    pub(super) extension_entity_names: Vec<FullName>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntityDefinition {
    #[serde(flatten)]
    pub(super) name: FullName,
    #[serde(default)]
    pub(super) locally_defined_properties: Vec<Property>,
    #[serde(default)]
    pub(super) identifiers: Vec<Identifier>,
    #[serde(default)]
    pub(super) is_abstract: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) property_name: Text,
    pub(super) property_type: PropertyType,
    #[serde(default)]
    pub(super) is_identifying: bool,
    #[serde(default)]
    pub(super) is_server_assigned: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PropertyType {
    db_type: Text,
    max_length: Option<u32>,
    min_length: Option<u32>,
    #[serde(default)]
    pub(super) is_nullable: bool,
}

impl PropertyType {
    /// The type of a column that holds text of that length.
    pub(super) fn text(kind: &FieldType) -> Self {
        Self { db_type: "String".into(), max_length: kind.max_length, min_length: kind.min, is_nullable: false }
    }

    /// The type of the JSON value.
    pub(super) fn field_type(&self) -> FieldType {
        let kind = match self.db_type.as_str() {
            "Boolean" => FieldKind::Boolean,
            "Byte" | "Int16" | "Int32" => FieldKind::Integer,
            "Int64" => FieldKind::Long,
            "Currency" | "Decimal" | "Double" | "Single" => FieldKind::Number,
            "Date" => FieldKind::Date,
            "DateTime" | "DateTime2" => FieldKind::DateTime,
            "Time" => FieldKind::Time,
            _ => FieldKind::String,
        };
        let text = kind == FieldKind::String;
        let length = |length: Option<u32>| length.filter(|n| text && *n > 0);
        FieldType { kind, max_length: length(self.max_length), min: length(self.min_length) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identifier {
    pub(super) identifying_property_names: Vec<Text>,
    #[serde(default)]
    pub(super) is_primary: bool,
    #[serde(default)]
    pub(super) is_updatable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssociationDefinition {
    pub(super) full_name: FullName,
    pub(super) cardinality: Cardinality,
    pub(super) primary_entity_full_name: FullName,
    pub(super) primary_entity_properties: Vec<Property>,
    pub(super) secondary_entity_full_name: FullName,
    pub(super) secondary_entity_properties: Vec<Property>,
    #[serde(default)]
    pub(super) is_identifying: bool,
    #[serde(default)]
    pub(super) is_required: bool,
}

/// How many secondary entities there are to a primary one, and what the association means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "as the document spells them")]
pub(super) enum Cardinality {
    /// A reference, or a collection where both ends are of one aggregate.
    OneToZeroOrMore,
    /// A collection that holds at least one item.
    OneToOneOrMore,
    /// An object embedded in another.
    OneToOne,
    /// An object embedded in another, newer spelling of the optional one.
    OneToZeroOrOne,
    /// The secondary entity is a subclass of the primary.
    OneToOneInheritance,
    /// The secondary entity holds what an extension adds to the primary.
    OneToOneExtension,
    /// The same, where the extension may be absent.
    OneToZeroOrOneExtension,
}

impl Cardinality {
    pub(super) fn is_many(self) -> bool {
        matches!(self, Self::OneToZeroOrMore | Self::OneToOneOrMore)
    }

    pub(super) fn is_one(self) -> bool {
        matches!(self, Self::OneToOne | Self::OneToZeroOrOne)
    }

    pub(super) fn is_extension(self) -> bool {
        matches!(self, Self::OneToOneExtension | Self::OneToZeroOrOneExtension)
    }
}
