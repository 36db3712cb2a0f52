//! ApiSchema documents of DMS and MetaEd: the model itself, with a path for every property.
//!
//! What an OpenAPI document only suggests by its names, an ApiSchema states: which descriptor a
//! property holds, which members of a reference are which key fields of its target, which values must
//! be equal. It does not say which steps to a reference are required; its JSON schema does.

mod collections;
mod document;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ED_FI, Equality, FieldType, Kind, Origin, ResourceName, Text, fold_project};

use self::document::{ApiSchema, PathMapping, Project, ReferencePath, ResourceSchema};
use self::walk::Walk;
use super::draft::{Draft, DraftAbstract, DraftResource, KeyPath, Member, SchemaKey, Standing};
use super::resolve::is_school_years;
use super::{Document, SourceError, Syntax, sha256};

/// Who states the equalities of such a document.
const STATED_BY: &str = "ApiSchema";

/// Reads one ApiSchema document.
///
/// # Errors
///
/// A document that is cut off, of another kind, or whose mappings name resources or paths that it
/// does not have.
pub(super) fn read(document: &Document, syntax: Syntax) -> Result<Draft, SourceError> {
    let schema: ApiSchema = syntax.parse(document)?;
    let major = schema.version.as_deref().and_then(|v| v.split('.').next());
    if major.is_some_and(|major| major != "1") {
        return Err(SourceError::content(
            &document.name,
            "$.apiSchemaVersion",
            format!("version '{}' is not known; this program reads 1.x", schema.version.unwrap_or_default()),
            "Use a newer edfi-plan, or give the OpenAPI documents of the same API",
        ));
    }
    let mut projects: Vec<(Text, &Project, String)> = Vec::new();
    for (endpoint, project) in &schema.projects {
        projects.push((endpoint.clone(), project, format!("$.projectSchemas['{endpoint}']")));
    }
    if let Some(project) = &schema.project {
        let endpoint = project.project_endpoint_name.clone();
        let endpoint = endpoint.unwrap_or_else(|| project.project_name.to_lowercase().into());
        projects.push((endpoint, project, "$.projectSchema".to_owned()));
    }

    let mut draft = Draft { standing: Standing::Model, ..Draft::default() };
    for (endpoint, project, place) in &projects {
        Reader { document: &document.name, endpoint, project, place }.read(&mut draft)?;
    }
    let abstracts = draft.abstracts.iter().map(|(schema, a)| (schema.clone(), a.entity.clone())).collect();
    collections::inherit(&mut draft.resources, &abstracts);
    if draft.resources.is_empty() {
        return Err(SourceError::content(
            &document.name,
            projects.first().map_or("$.projectSchemas", |(_, _, place)| place.as_str()),
            "no resourceSchemas",
            "Give an ApiSchema document as DMS or MetaEd writes it",
        ));
    }
    let described = |(_, project, _): &(Text, &Project, String)| fold_project(&project.project_name);
    let described: BTreeSet<String> = projects.iter().map(described).collect();
    for (_, project, place) in &projects {
        known_targets(&document.name, project, place, &described, &draft)?;
    }
    let titles = projects.iter().map(|(_, p, _)| format!("{} {}", p.project_name, p.project_version));
    draft.origins.push(Origin {
        kind: schema.version.map_or("ApiSchema".into(), |version| format!("ApiSchema {version}").into()),
        title: titles.collect::<Vec<_>>().join(", ").into(),
        sha256: sha256(&document.bytes).into(),
    });
    Ok(draft)
}

/// A mapping may name another project, which another document describes; in its own it must not miss.
fn known_targets(
    document: &str,
    project: &Project,
    place: &str,
    described: &BTreeSet<String>,
    draft: &Draft,
) -> Result<(), SourceError> {
    let schemas: BTreeSet<&SchemaKey> =
        draft.resources.values().map(|r| &r.schema).chain(draft.abstracts.keys()).collect();
    for (endpoint, resource) in &project.resource_schemas {
        for (name, mapping) in resource.document_paths_mapping.iter().filter(|(_, m)| m.is_reference) {
            let target = SchemaKey::new(&mapping.target());
            let own = described.contains(&fold_project(&mapping.project_name));
            if own && !schemas.contains(&target) && !is_school_years(&target) {
                return Err(SourceError::content(
                    document,
                    format!("{place}.resourceSchemas['{endpoint}'].documentPathsMapping['{name}']"),
                    format!(
                        "names {}.{}, which the document does not describe",
                        mapping.project_name, mapping.resource_name
                    ),
                    "The document is incomplete or was edited; fetch it again",
                ));
            }
        }
    }
    Ok(())
}

impl PathMapping {
    /// The schema of what a reference points to, as OpenAPI documents would spell it: `EdFi_School`.
    fn target(&self) -> Text {
        let project = self.project_name.chars().filter(char::is_ascii_alphanumeric);
        project.chain(['_']).chain(self.resource_name.chars()).collect()
    }
}

struct Reader<'d> {
    document: &'d str,
    endpoint: &'d Text,
    project: &'d Project,
    /// JSON path of the project.
    place: &'d str,
}

impl<'d> Reader<'d> {
    fn read(&self, draft: &mut Draft) -> Result<(), SourceError> {
        let project = self.project;
        if project.project_name.is_empty() {
            return Err(self.wrong("projectName", "no name of the project"));
        }
        let core = fold_project(self.endpoint) == fold_project(ED_FI);
        let standard = if core { Some(&project.project_version) } else { project.compatible_ds_range.as_ref() };
        let standard = standard.and_then(|version| data_standard(version));
        if project.is_extension_project && draft.extends.is_none() {
            draft.extends = Some(standard.as_ref().map_or(ED_FI.into(), |s| format!("{ED_FI}-{s}").into()));
        }
        draft.version = draft.version.take().max(standard);

        for (key, resource) in &project.resource_schemas {
            let place = format!("resourceSchemas['{key}']");
            if resource.resource_name.is_empty() {
                return Err(self.wrong(&format!("{place}.resourceName"), "no name of the resource"));
            }
            let endpoint = as_the_api_prints_it(key);
            // What extends core stands in the extension's document under the name it has in core.
            let owner = if resource.is_resource_extension { ED_FI } else { self.endpoint.as_str() };
            let Some(name) = ResourceName::from_path(format!("/{owner}/{endpoint}").into()) else {
                return Err(self.wrong(&place, "not a name that a path can have"));
            };
            let found = self.resource(resource, &place, &mut draft.key_paths)?;
            add(&mut draft.resources, name, found);
        }
        let members = self.members_of_abstracts(draft);
        for (entity, stated) in &project.abstract_resources {
            let schema = SchemaKey::of(&project.project_name, entity);
            let key = abstract_key(stated, draft.key_paths.get(&schema), members.get(&schema));
            draft.abstracts.insert(schema, DraftAbstract { entity: entity.clone(), key, subclasses: BTreeSet::new() });
        }
        Ok(())
    }

    fn resource(
        &self,
        resource: &'d ResourceSchema,
        place: &str,
        key_paths: &mut BTreeMap<SchemaKey, BTreeMap<Text, KeyPath>>,
    ) -> Result<DraftResource, SourceError> {
        let entity = resource.resource_name.clone();
        let schema = SchemaKey::of(&self.project.project_name, &entity);
        let mut found = DraftResource {
            schema: schema.clone(),
            kind: if resource.is_descriptor { Kind::Descriptor } else { Kind::Resource },
            key_may_change: resource.allow_identity_updates.filter(|_| !resource.is_resource_extension),
            domains: resource.domains.iter().cloned().collect(),
            superclass: superclass(resource),
            query: resource.query_field_mapping.keys().cloned().collect(),
            query_paths: resource
                .query_field_mapping
                .iter()
                .map(|(name, paths)| (name.clone(), sorted(paths.iter().map(|p| p.path().clone()))))
                .collect(),
            equalities: resource.equality_constraints.iter().map(equality).collect(),
            collections: collections::of(resource),
            ..DraftResource::new(entity)
        };
        for (mapping, target, paths) in references(resource) {
            for path in paths {
                let Some((_, member)) = path.reference_json_path.rsplit_once('.') else {
                    return Err(self.wrong(
                        &format!("{place}.documentPathsMapping['{mapping}']"),
                        &format!("'{}' is not a path inside a reference", path.reference_json_path),
                    ));
                };
                if !path.identity_json_path.is_empty() {
                    let known = key_paths.entry(SchemaKey::new(&target)).or_default();
                    known.entry(path.identity_json_path.clone()).or_default().called.insert(member.into());
                }
            }
        }
        Walk::new(resource, &mut found).run();
        if resource.is_resource_extension {
            found.entity = Text::default();
        } else {
            let known = key_paths.entry(schema).or_default();
            for path in identity_paths(resource) {
                known.entry(path).or_default().own = true;
            }
        }
        Ok(found)
    }

    /// Members of the references to each abstract resource, with their types.
    fn members_of_abstracts(&self, draft: &Draft) -> BTreeMap<SchemaKey, BTreeMap<Text, FieldType>> {
        let schemas = self.project.abstract_resources.keys().map(|e| SchemaKey::of(&self.project.project_name, e));
        let mut members: BTreeMap<SchemaKey, BTreeMap<Text, FieldType>> =
            schemas.map(|s| (s, BTreeMap::new())).collect();
        for reference in draft.resources.values().flat_map(|r| r.references.values()) {
            if let Some(known) = reference.target.schema().and_then(|schema| members.get_mut(&schema)) {
                known.extend(reference.members.iter().map(|m| (m.name.clone(), m.kind.clone())));
            }
        }
        members
    }

    fn wrong(&self, member: &str, message: &str) -> SourceError {
        SourceError::content(
            self.document,
            format!("{}.{member}", self.place),
            message,
            "Give an ApiSchema document as DMS or MetaEd writes it",
        )
    }
}

/// Names of the key fields of an abstract resource, as references to it spell them.
fn abstract_key(
    stated: &document::Abstract,
    called: Option<&BTreeMap<Text, KeyPath>>,
    members: Option<&BTreeMap<Text, FieldType>>,
) -> Vec<Member> {
    let called = |path: &Text| called?.get(path)?.called.first().cloned();
    let last = |path: &Text| Text::new(path.rsplit('.').next().unwrap_or(path));
    let paths = stated.identity_json_paths.iter().map(|path| called(path).unwrap_or_else(|| last(path)));
    let names: BTreeSet<Text> = paths.chain(stated.identity_path_order.iter().cloned()).collect();
    let kind = |name: &Text| members?.get(name).cloned();
    names.into_iter().map(|name| Member { kind: kind(&name).unwrap_or_default(), name }).collect()
}

/// A document of several projects has a resource of core once, and once more for each extension of it.
fn add(resources: &mut BTreeMap<ResourceName, DraftResource>, name: ResourceName, mut found: DraftResource) {
    let Some(known) = resources.get_mut(&name) else {
        resources.insert(name, found);
        return;
    };
    if known.entity.is_empty() {
        std::mem::swap(known, &mut found);
    }
    known.references.extend(found.references);
    known.fields.extend(found.fields);
    known.collections.extend(found.collections);
    known.query.extend(found.query);
    known.query_paths.extend(found.query_paths);
    known.equalities.extend(found.equalities);
}

/// Every reference of a resource that is not to a descriptor: its mapping, its target and its members.
fn references(resource: &ResourceSchema) -> impl Iterator<Item = (&Text, Text, Vec<ReferencePath>)> {
    let mappings = resource.document_paths_mapping.iter().filter(|(_, m)| m.is_reference && !m.is_descriptor);
    mappings.map(|(name, mapping)| {
        let stated = || resource.reference_json_paths_mapping.get(name).cloned();
        let here = |path: &Text| ReferencePath { reference_json_path: path.clone(), ..ReferencePath::default() };
        let paths = match mapping.reference_json_paths.as_slice() {
            [] => stated().unwrap_or_else(|| mapping.paths.values().map(here).collect()),
            paths => paths.to_vec(),
        };
        (name, mapping.target(), paths)
    })
}

/// The paths of the natural key, whichever way the generation of the document states them.
fn identity_paths(resource: &ResourceSchema) -> BTreeSet<Text> {
    let named = resource.identity_fullnames.iter().filter_map(|name| resource.document_paths_mapping.get(name));
    resource.identity_json_paths.iter().chain(named.flat_map(PathMapping::all_paths)).cloned().collect()
}

fn superclass(resource: &ResourceSchema) -> Option<SchemaKey> {
    let entity = resource.superclass_resource_name.as_ref()?;
    Some(SchemaKey::of(resource.superclass_project_name.as_deref().unwrap_or(ED_FI), entity))
}

fn equality(constraint: &document::EqualityConstraint) -> Equality {
    let (one, other) = (constraint.source_json_path.clone(), constraint.target_json_path.clone());
    let (left, right) = if one <= other { (one, other) } else { (other, one) };
    Equality { left, right, stated_by: STATED_BY.into() }
}

fn sorted(paths: impl Iterator<Item = Text>) -> Vec<Text> {
    paths.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `5.2.0` → `5.2`; a range of versions names no single standard.
fn data_standard(version: &str) -> Option<Text> {
    let mut parts = version.trim().split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (number(major) && number(minor)).then(|| format!("{major}.{minor}").into())
}

/// The API lower-cases a leading initialism as a whole (`cteProgramServiceDescriptors`); documents of
/// the first two generations lower-case one letter of it (`cTEProgramServiceDescriptors`).
fn as_the_api_prints_it(endpoint: &str) -> String {
    let capitals = endpoint.bytes().skip(1).take_while(u8::is_ascii_uppercase).count();
    // The last capital of the run begins the next word, unless the run ends the name.
    let run = if capitals + 1 == endpoint.len() { capitals } else { capitals.saturating_sub(1) };
    let lower = |(index, c): (usize, char)| if index <= run { c.to_ascii_lowercase() } else { c };
    endpoint.chars().enumerate().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_initialisms() {
        for (written, printed) in [
            ("cTEProgramServiceDescriptors", "cteProgramServiceDescriptors"),
            ("iDEAPartDescriptors", "ideaPartDescriptors"),
            ("cteProgramServiceDescriptors", "cteProgramServiceDescriptors"),
            ("studentCTEProgramAssociations", "studentCTEProgramAssociations"),
            ("eLearnings", "eLearnings"),
            ("uRI", "uri"),
            ("schools", "schools"),
            ("", ""),
        ] {
            assert_eq!(as_the_api_prints_it(written), printed);
        }
    }

    #[test]
    fn standards() {
        assert_eq!(data_standard("5.2.0").as_deref(), Some("5.2"));
        assert_eq!(data_standard("6.0").as_deref(), Some("6.0"));
        for range in [">=5.0.0 <6.0.0", "5", "", "^5.1.0"] {
            assert_eq!(data_standard(range), None, "{range}");
        }
    }
}
