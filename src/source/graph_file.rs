//! Our own graph file: everything a model holds as YAML that people can read and compare.
//!
//! One line a reference, a key field, a required field; `graphs/README.md` describes the form. Members
//! this version does not know are passed over, so that a file of a later minor version still reads.

mod line;
mod unique;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{
    Collection, Details, Equality, Field, KeyField, Kind, Model, Origin, Reference, Resource, ResourceName, Target,
    Text,
};

use self::line::{read_edge, read_kind, read_reference, write_edge, write_kind, write_reference};
use self::unique::unique;
use super::draft::{Draft, DraftAbstract, DraftReference, DraftResource, DraftTarget, Member, SchemaKey, Standing};
use super::{Document, SourceError, Syntax};

/// The form this version writes; files of the same major version are read.
const FORM: &str = "graph/1";

#[derive(Serialize, Deserialize)]
struct GraphFile {
    #[serde(rename = "edfi-plan")]
    form: String,
    name: Text,
    #[serde(rename = "data-standard", default, skip_serializing_if = "Option::is_none")]
    version: Option<Text>,
    /// A part says which core graph it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extends: Option<Text>,
    #[serde(default)]
    fingerprint: Text,
    #[serde(default)]
    sources: Vec<Origin>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    limits: Vec<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    settled: Vec<Text>,
    #[serde(rename = "abstract", default, deserialize_with = "unique")]
    abstracts: BTreeMap<Text, AbstractEntry>,
    #[serde(deserialize_with = "unique")]
    resources: BTreeMap<ResourceName, Entry>,
    /// What a part adds to resources of core.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    additions: BTreeMap<ResourceName, Entry>,
}

#[derive(Serialize, Deserialize)]
struct AbstractEntry {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    key: BTreeMap<Text, String>,
    #[serde(default)]
    subclasses: Vec<ResourceName>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Entry {
    #[serde(skip_serializing_if = "Text::is_empty")]
    entity: Text,
    #[serde(skip_serializing_if = "is_false")]
    descriptor: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    superclass: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_may_change: Option<bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    key: BTreeMap<Text, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    references: BTreeMap<Text, String>,
    /// What it waits for, where documents state edges without references.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edges: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    required: BTreeMap<Text, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    collections: BTreeMap<Text, Text>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    query: BTreeMap<Text, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    renamed: BTreeMap<Text, Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    equal: Vec<EqualEntry>,
}

#[derive(Serialize, Deserialize)]
struct EqualEntry {
    left: Text,
    right: Text,
    by: Text,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Writes a model as a graph file.
///
/// # Errors
///
/// None that a model can cause; the writer of YAML reports its own.
pub fn write_graph(model: &Model) -> Result<String, SourceError> {
    let owned = |resource: &&Resource| !is_addition(model, resource);
    let entries = |resources: Vec<&Resource>| -> BTreeMap<ResourceName, Entry> {
        resources.into_iter().map(|r| (r.name.clone(), entry(r, model.details(&r.name)))).collect()
    };
    let (own, additions): (Vec<_>, Vec<_>) = model.resources.iter().partition(owned);
    let file = GraphFile {
        form: FORM.to_owned(),
        name: model.metadata.name.clone(),
        version: model.metadata.version.clone(),
        extends: model.metadata.extends.clone(),
        fingerprint: model.metadata.fingerprint.clone(),
        sources: model.metadata.origins.clone(),
        limits: model.metadata.limits.clone(),
        settled: model.metadata.settled.clone(),
        abstracts: model
            .abstracts
            .iter()
            .map(|a| (a.entity.clone(), AbstractEntry { key: key_lines(&a.key), subclasses: a.subclasses.clone() }))
            .collect(),
        resources: entries(own),
        additions: entries(additions),
    };
    serde_yaml::to_string(&file).map_err(|error| SourceError::yaml(&model.metadata.name, &error))
}

/// In a part, a resource without an entity only adds to the resource of core.
fn is_addition(model: &Model, resource: &Resource) -> bool {
    model.metadata.extends.is_some() && resource.entity.is_empty()
}

fn key_lines(key: &[KeyField]) -> BTreeMap<Text, String> {
    let line = |field: &KeyField| match field.paths.as_slice() {
        [] => write_kind(&field.kind),
        paths => format!("{} at {}", write_kind(&field.kind), paths.join(", ")),
    };
    key.iter().map(|field| (field.name.clone(), line(field))).collect()
}

fn entry(resource: &Resource, details: &Details) -> Entry {
    Entry {
        entity: resource.entity.clone(),
        descriptor: resource.kind == Kind::Descriptor,
        superclass: resource.superclass.clone(),
        domains: resource.domains.clone(),
        key_may_change: details.key_may_change,
        key: key_lines(&details.key),
        references: resource.references.iter().map(|r| (r.path.clone(), write_reference(r))).collect(),
        edges: resource.stated.iter().map(write_edge).collect(),
        required: details.fields.iter().map(|f| (f.path.clone(), write_kind(&f.kind))).collect(),
        collections: details.collections.iter().map(|c| (c.path.clone(), c.entity.clone())).collect(),
        query: details.query.iter().map(|q| (q.name.clone(), q.paths.join(", "))).collect(),
        renamed: details.renamed.iter().cloned().collect(),
        equal: details
            .equalities
            .iter()
            .map(|e| EqualEntry { left: e.left.clone(), right: e.right.clone(), by: e.stated_by.clone() })
            .collect(),
    }
}

/// Reads a graph file as a draft, so that it can be merged with any other document.
pub(super) fn read(document: &Document, syntax: Syntax) -> Result<Draft, SourceError> {
    let file: GraphFile = syntax.parse(document)?;
    let major = |form: &str| form.split('.').next().unwrap_or_default().to_owned();
    if major(&file.form) != FORM {
        return Err(SourceError::content(
            &document.name,
            "$.edfi-plan",
            format!("form '{}' is not {FORM}", file.form),
            "Read it with the version of edfi-plan that wrote it, or import the documents again",
        ));
    }
    let reader = Reader { document: &document.name };
    let mut draft = Draft {
        standing: Standing::Resolved,
        name: Some(file.name),
        version: file.version,
        extends: file.extends,
        fingerprint: file.fingerprint,
        origins: file.sources,
        limits: file.limits.into_iter().map(|limit| (None, limit)).collect(),
        settled: file.settled.into_iter().collect(),
        ..Draft::default()
    };
    let mut entity_of = BTreeMap::new();
    for (name, entry) in &file.resources {
        entity_of.insert(name.clone(), entry.entity.clone());
    }
    for (entity, entry) in file.abstracts {
        let place = format!("$.abstract.{entity}.key");
        let key = entry
            .key
            .iter()
            .map(|(name, line)| Ok(Member { name: name.clone(), kind: reader.kind(&place, line)?.0 }))
            .collect::<Result<_, SourceError>>()?;
        let subclasses = entry
            .subclasses
            .iter()
            .filter_map(|name| Some(SchemaKey::of(name.project(), entity_of.get(name)?)))
            .collect();
        // Abstract resources are core's wherever they were seen so far; an extension's own would
        // carry its project in the subclasses.
        draft.abstracts.insert(SchemaKey::of(crate::model::ED_FI, &entity), DraftAbstract { entity, key, subclasses });
    }
    for (name, entry) in file.resources.into_iter().chain(file.additions) {
        let resource = reader.resource(&name, entry)?;
        draft.resources.insert(name, resource);
    }
    let mut resources = draft.resources.values();
    if resources.any(|r| !r.stated.is_empty()) && draft.resources.values().all(|r| r.references.is_empty()) {
        draft.standing = Standing::Stated;
    }
    if draft.resources.is_empty() {
        return Err(SourceError::content(&document.name, "$.resources", "no resources", "Import the documents again"));
    }
    Ok(draft)
}

struct Reader<'d> {
    document: &'d str,
}

impl Reader<'_> {
    fn resource(&self, name: &ResourceName, entry: Entry) -> Result<DraftResource, SourceError> {
        let place = |member: &str, key: &str| format!("$.resources['{name}'].{member}['{key}']");
        let mut resource = DraftResource::new(entry.entity);
        resource.schema = SchemaKey::of(name.project(), &resource.entity);
        resource.kind = if entry.descriptor { Kind::Descriptor } else { Kind::Resource };
        resource.superclass = entry.superclass.map(|s| SchemaKey::of(crate::model::ED_FI, &s));
        resource.domains = entry.domains.into_iter().collect();
        resource.key_may_change = entry.key_may_change;
        let mut key = Vec::new();
        for (field, line) in entry.key {
            let (kind, rest) = self.kind(&place("key", &field), &line)?;
            let paths = rest.strip_prefix("at ").map(paths_of).unwrap_or_default();
            key.push(KeyField { name: field, kind, paths });
        }
        // What only adds to a resource says nothing of its key.
        resource.identity.stated = Some(key).filter(|_| !resource.entity.is_empty());
        for (path, line) in entry.required {
            let (kind, _) = self.kind(&place("required", &path), &line)?;
            resource.fields.insert(path.clone(), Field { path, kind });
        }
        for (path, line) in entry.references {
            let reference = read_reference(&path, &line).ok_or_else(|| {
                self.wrong(&place("references", &path), &line, "'/ed-fi/schools required identifying'")
            })?;
            resource.references.insert(path, draft_reference(reference));
        }
        for line in entry.edges {
            let edge = read_edge(&line).ok_or_else(|| {
                self.wrong(&place("edges", &line), &line, "'/ed-fi/schools' or '/ed-fi/a visible /ed-fi/b'")
            })?;
            resource.stated.insert(edge);
        }
        for (path, entity) in entry.collections {
            resource.collections.insert(path.clone(), Collection { path, entity });
        }
        for (parameter, paths) in entry.query {
            resource.query_paths.insert(parameter.clone(), paths_of(&paths));
            resource.query.insert(parameter);
        }
        for (member, field) in entry.renamed {
            if let Some((path, member)) = member.rsplit_once('.')
                && let Some(reference) = resource.references.get_mut(path)
            {
                reference.renamed.insert(member.into(), field);
            }
        }
        resource.equalities =
            entry.equal.into_iter().map(|e| Equality { left: e.left, right: e.right, stated_by: e.by }).collect();
        Ok(resource)
    }

    fn kind<'l>(&self, place: &str, line: &'l str) -> Result<(crate::model::FieldType, &'l str), SourceError> {
        read_kind(line).ok_or_else(|| self.wrong(place, line, "'string 1..60 at $.name'"))
    }

    fn wrong(&self, place: &str, line: &str, example: &str) -> SourceError {
        SourceError::content(
            self.document,
            place,
            format!("'{line}' cannot be read"),
            format!("Write it like {example}"),
        )
    }
}

fn paths_of(list: &str) -> Vec<Text> {
    list.split(", ").filter(|path| !path.is_empty()).map(Text::from).collect()
}

/// An unresolved name goes back to what it was, so that another document may resolve it.
fn draft_reference(reference: Reference) -> DraftReference {
    let target = match reference.target {
        Target::Unresolved(name) if name.starts_with('/') => match ResourceName::from_path(name.clone()) {
            Some(name) => DraftTarget::Known(Target::Resource(name), Vec::new()),
            None => DraftTarget::Schema(name),
        },
        Target::Unresolved(name) if reference.path.ends_with(name.as_str()) => DraftTarget::DescriptorProperty,
        Target::Unresolved(name) => DraftTarget::Schema(name),
        target => DraftTarget::Known(target, reference.alternatives),
    };
    DraftReference {
        required: reference.required,
        identifying: Some(reference.identifying),
        ..DraftReference::to(target)
    }
}
