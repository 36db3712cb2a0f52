//! The part of an ApiSchema document that the program reads, as types.
//!
//! Three generations are read. The first spells a mapping as named `paths` and a key as
//! `identityFullnames`; the second has `referenceJsonPaths`, `identityJsonPaths` and
//! `queryFieldMapping`; the third holds one project and says `isRequired` and `domains`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::Text;
use crate::source::schema::Schema;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApiSchema {
    #[serde(rename = "apiSchemaVersion")]
    pub(super) version: Option<Text>,
    /// The older form: every project, by its name in paths.
    #[serde(rename = "projectSchemas")]
    pub(super) projects: BTreeMap<Text, Project>,
    /// The newer form: one project a document.
    #[serde(rename = "projectSchema")]
    pub(super) project: Option<Project>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Project {
    /// `Ed-Fi`.
    pub(super) project_name: Text,
    /// `5.2.0`: of core, the data standard.
    pub(super) project_version: Text,
    /// `ed-fi`; the older form has it as the key of the project.
    pub(super) project_endpoint_name: Option<Text>,
    pub(super) is_extension_project: bool,
    /// The data standard that an extension was made for.
    pub(super) compatible_ds_range: Option<Text>,
    pub(super) abstract_resources: BTreeMap<Text, Abstract>,
    pub(super) resource_schemas: BTreeMap<Text, ResourceSchema>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Abstract {
    pub(super) identity_json_paths: Vec<Text>,
    /// First generation: names without paths.
    pub(super) identity_path_order: Vec<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceSchema {
    pub(super) resource_name: Text,
    pub(super) is_descriptor: bool,
    /// It only adds to a resource of core.
    pub(super) is_resource_extension: bool,
    pub(super) superclass_project_name: Option<Text>,
    pub(super) superclass_resource_name: Option<Text>,
    pub(super) allow_identity_updates: Option<bool>,
    pub(super) document_paths_mapping: BTreeMap<Text, PathMapping>,
    pub(super) identity_json_paths: Vec<Text>,
    /// First generation: the mappings that make up the key.
    pub(super) identity_fullnames: Vec<Text>,
    /// First generation: the identity path behind each reference path, by mapping.
    pub(super) reference_json_paths_mapping: BTreeMap<Text, Vec<ReferencePath>>,
    pub(super) query_field_mapping: BTreeMap<Text, Vec<QueryPath>>,
    pub(super) equality_constraints: Vec<EqualityConstraint>,
    pub(super) json_schema_for_insert: Schema,
    pub(super) common_extension_overrides: Vec<CommonExtension>,
    pub(super) domains: Vec<Text>,
}

/// Where the document keeps one property of the model.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PathMapping {
    pub(super) is_reference: bool,
    pub(super) is_descriptor: bool,
    pub(super) project_name: Text,
    pub(super) resource_name: Text,
    pub(super) path: Option<Text>,
    /// First generation, for every kind of property.
    pub(super) paths: BTreeMap<Text, Text>,
    pub(super) reference_json_paths: Vec<ReferencePath>,
}

impl PathMapping {
    /// All paths of the document that it names.
    pub(super) fn all_paths(&self) -> impl Iterator<Item = &Text> {
        let references = self.reference_json_paths.iter().map(|r| &r.reference_json_path);
        self.path.iter().chain(self.paths.values()).chain(references)
    }
}

/// A member of a reference, and what it is at the target.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ReferencePath {
    /// `$.schoolReference.schoolId`, in the target.
    pub(super) identity_json_path: Text,
    /// `$.sessionReference.schoolId`, here.
    pub(super) reference_json_path: Text,
}

/// A path that a query parameter compares; bare in the first documents that had them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum QueryPath {
    Typed { path: Text },
    Bare(Text),
}

impl QueryPath {
    pub(super) fn path(&self) -> &Text {
        match self {
            Self::Typed { path } | Self::Bare(path) => path,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EqualityConstraint {
    pub(super) source_json_path: Text,
    pub(super) target_json_path: Text,
}

/// What an extension adds to a common type of core, and at which places of the schema.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CommonExtension {
    /// `$.properties.addresses.items`.
    pub(super) insertion_locations: Vec<Text>,
    pub(super) schema_fragment: Schema,
}
