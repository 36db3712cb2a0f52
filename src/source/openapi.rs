//! OpenAPI 3 and Swagger 2 documents of ODS/API, DMS and MetaEd: from paths and schemas to a draft.

mod document;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Kind, Origin, ResourceName, Text, fold_project};

use self::document::{OpenApi, Operation, PathItem, Update};
use self::walk::Walk;
use super::draft::{Draft, DraftAbstract, DraftResource, Identity, Member, SchemaKey, Standing};
use super::resolve::{SCHOOL_YEAR_TYPE, school_years};
use super::schema::Schema;
use super::{Document, SourceError, Syntax, sha256};

/// Reads one OpenAPI document.
///
/// # Errors
///
/// A document that is cut off, of another kind, or whose `$ref`s dangle or run in a circle.
pub(super) fn read(document: &Document, syntax: Syntax) -> Result<Draft, SourceError> {
    let api: OpenApi = syntax.parse(document)?;
    let reader = Reader { api: &api, document: &document.name };
    let mut draft = Draft { version: api.info.data_standard(), ..Draft::default() };
    let mut strange = BTreeSet::new();
    if reader.is_profile() {
        return Err(reader.not_metadata(&strange));
    }

    // MetaEd says of every resource that its key cannot change, those among them whose key can.
    let may_change = |item: &PathItem| item.put.as_ref().and_then(Update::key_may_change) == Some(true);
    let tells_keys_apart = api.paths.values().any(may_change);

    for (path, item) in api.paths.iter() {
        let Some(name) = ResourceName::from_path(path.clone()) else { continue };
        let (Some(post), Some(record)) = (&item.post, api.paths.get(&format!("{path}/{{id}}"))) else {
            continue;
        };
        match reader.resource(&name, post, item.get.as_ref())? {
            Some((mut resource, notes)) => {
                let told = record.put.as_ref().and_then(Update::key_may_change);
                resource.key_may_change = told.filter(|_| tells_keys_apart);
                draft.limits.extend(notes.into_iter().map(|note| (Some(name.clone()), note)));
                draft.resources.insert(name, resource);
            }
            None => {
                strange.insert(path.clone());
            }
        }
    }
    if draft.resources.is_empty() {
        return Err(reader.not_metadata(&strange));
    }
    draft.abstracts = reader.abstracts();
    if reader.is_generated(&draft) {
        draft.standing = Standing::Generated;
    }
    draft.origins.push(Origin {
        kind: reader.dialect().into(),
        title: format!("{} {}", api.info.title.trim(), api.info.version.as_str()).trim().into(),
        sha256: sha256(&document.bytes).into(),
    });
    Ok(draft)
}

/// How the documents of each server look; none of the rules depend on it.
const DIALECTS: [(&str, &str); 2] = [("Data Management Service", "DMS"), ("Operational Data Store", "ODS/API")];

struct Reader<'d> {
    api: &'d OpenApi,
    document: &'d str,
}

impl<'d> Reader<'d> {
    /// The resource behind a POST; `None` where its body is not an object of an Ed-Fi schema.
    fn resource(
        &self,
        name: &ResourceName,
        post: &'d Operation,
        get: Option<&'d Operation>,
    ) -> Result<Option<(DraftResource, BTreeSet<Text>)>, SourceError> {
        let Some(body) = self.api.body_of(post) else { return Ok(None) };
        let Some(schema_name) = body.referenced_name() else { return Ok(None) };
        let place = format!("$.paths['{name}'].post");
        let (_, schema) = self.schema(body, &place)?;
        let Some((prefix, entity)) = schema_name.split_once('_') else { return Ok(None) };
        if fold_project(prefix) != fold_project(name.project()) || !schema.is_object() {
            return Ok(None);
        }
        // DMS publishes the school years as `SchoolYear`; references everywhere say SchoolYearType.
        let is_years = *name == school_years();
        let entity = if is_years { SCHOOL_YEAR_TYPE.into() } else { capitalised(&entity.replace('_', "")) };
        let descriptor = entity.ends_with("Descriptor");
        let parameters: Vec<_> = get.map(|get| self.api.parameters_of(get)).unwrap_or_default();

        let mut resource = DraftResource {
            kind: if descriptor { Kind::Descriptor } else { Kind::Resource },
            schema: SchemaKey::of(name.project(), &entity),
            query: parameters.iter().filter(|p| p.is_field()).map(|p| p.name.clone()).collect(),
            domains: self.api.domains_of(schema, name.endpoint()),
            identity: Identity {
                own_reference: self.own_reference(schema_name).or_else(|| match is_years {
                    true => self.own_reference(&format!("{prefix}_{SCHOOL_YEAR_TYPE}")),
                    false => None,
                }),
                parameters: parameters
                    .iter()
                    .filter(|p| p.is_identity)
                    .map(|p| Member { name: p.name.clone(), kind: p.field_type() })
                    .collect(),
                ..Identity::default()
            },
            ..DraftResource::new(entity)
        };
        let notes = Walk::new(self, &mut resource).run(schema, schema_name, &place)?;
        Ok(Some((resource, notes)))
    }

    /// The members of the schema by which others refer to this resource.
    fn own_reference(&self, schema: &str) -> Option<Vec<Member>> {
        let reference = self
            .api
            .schema(&format!("{schema}Reference"))
            .or_else(|| self.api.schema(&format!("{schema}_Reference")))?;
        Some(reference.members())
    }

    /// A schema behind any number of `$ref`s, with the name of the last.
    fn schema(&self, mut schema: &'d Schema, place: &str) -> Result<(Option<&'d str>, &'d Schema), SourceError> {
        let mut name = None;
        let mut seen = BTreeSet::new();
        while let Some(reference) = schema.pointer() {
            let Some(target) = schema.referenced_name().and_then(|n| self.api.schema(n).map(|s| (n, s))) else {
                return Err(SourceError::content(
                    self.document,
                    place,
                    format!("$ref '{reference}' leads nowhere"),
                    "The document is incomplete; fetch it again",
                ));
            };
            if !seen.insert(target.0) {
                return Err(self.cyclic(reference, place));
            }
            (name, schema) = (Some(target.0), target.1);
        }
        Ok((name, schema))
    }

    /// The reference schema that a property of an empty `$ref` means: published documents have had
    /// `$ref: ""#/…"`, which YAML reads as empty. The name then decides, as it does for descriptors:
    /// the longest suffix at a word boundary, in core or in the project of the resource.
    fn reference_schema_named_by(&self, property: &str, from: &SchemaKey) -> Option<(&'d str, &'d Schema)> {
        let base = property.strip_suffix("Reference")?;
        let starts = base.char_indices().filter(|&(i, c)| i == 0 || c.is_ascii_uppercase()).map(|(i, _)| i);
        let named = |entity: &str, project: &str| {
            self.api.schemas().find(|(name, _)| {
                document::reference_base(name)
                    .map(SchemaKey::new)
                    .is_some_and(|key| key.project() == project && key.entity() == entity)
            })
        };
        let mut entities = starts.filter_map(|start| base.get(start..)).map(str::to_ascii_lowercase);
        entities.find_map(|entity| named(&entity, from.project()).or_else(|| named(&entity, "edfi")))
    }

    fn cyclic(&self, reference: &str, place: &str) -> SourceError {
        SourceError::content(
            self.document,
            place,
            format!("$ref '{reference}' runs in a circle"),
            "No Ed-Fi schema contains itself; fetch the document again",
        )
    }

    /// Abstract resources that the document has reference schemas for, with their keys. Which of the
    /// schemas without a POST are abstract is decided when all documents are known.
    fn abstracts(&self) -> BTreeMap<SchemaKey, DraftAbstract> {
        let references =
            self.api.schemas().filter_map(|(name, schema)| Some((document::reference_base(name)?, schema)));
        references
            .map(|(base, schema)| {
                let entity = base.split_once('_').map_or(base, |(_, entity)| entity);
                let draft =
                    DraftAbstract { entity: capitalised(entity), key: schema.members(), ..DraftAbstract::default() };
                (SchemaKey::new(base), draft)
            })
            .collect()
    }

    /// Whether MetaEd wrote it: schemas are named as DMS names them, but none flags what identifies.
    fn is_generated(&self, draft: &Draft) -> bool {
        let flagged = |r: &DraftResource| {
            !r.identity.scalars.is_empty() || r.references.values().any(|reference| reference.identifying.is_some())
        };
        self.api.schemas().any(|(name, _)| name.ends_with("_Reference")) && !draft.resources.values().any(flagged)
    }

    fn dialect(&self) -> String {
        let api = self.api;
        let version = match (&api.openapi, &api.swagger) {
            (Some(v), _) => format!("OpenAPI {}", v.as_str()),
            (None, Some(v)) => format!("Swagger {}", v.as_str()),
            (None, None) => "OpenAPI".to_owned(),
        };
        let server = DIALECTS.iter().find(|(title, _)| api.info.title.contains(title)).map(|(_, server)| *server);
        server.map_or(version.clone(), |server| format!("{version}, {server}"))
    }

    /// A profile takes members away, so what it posts has schemas of its own (DESIGN 4.1).
    fn is_profile(&self) -> bool {
        let bodies = self.api.paths.values().filter_map(|item| self.api.body_of(item.post.as_ref()?));
        let mut names = bodies.filter_map(Schema::referenced_name);
        names.any(|name| name.ends_with("_writable") || name.ends_with("_readable"))
    }

    /// Says what the document is instead of Ed-Fi resources.
    fn not_metadata(&self, strange: &BTreeSet<Text>) -> SourceError {
        let api = self.api;
        let any_path = |test: &dyn Fn(&str) -> bool| api.paths.iter().any(|(p, _)| test(p));
        let any_schema = |test: &dyn Fn(&str) -> bool| api.schemas().any(|(name, _)| test(name));
        let title = api.info.title.to_ascii_lowercase();
        let found =
            if any_schema(&|s| s.ends_with("_readable") || s.ends_with("_writable")) || title.contains("profile") {
                "no Ed-Fi resources here (a profile document: its schemas end in _readable and _writable)"
            } else if any_path(&|p| p.contains("/identities")) {
                "no Ed-Fi resources here (the document of the identities API)"
            } else if any_path(&|p| p.contains("/availableChangeVersions")) {
                "no Ed-Fi resources here (the document of change queries)"
            } else if title.contains("composite")
                || any_path(&|p| p.starts_with("/ed-fi/") && p.matches('/').count() > 2 && !p.ends_with("{id}"))
            {
                "no Ed-Fi resources here (a composites document: nothing can be posted to it)"
            } else if api.paths.is_empty() {
                "no paths"
            } else if strange.is_empty() {
                "no Ed-Fi resources here (no path /project/resource with a POST and an {id} beside it)"
            } else {
                "not an Ed-Fi document (what is posted has no schema named after its project, such as edFi_student)"
            };
        SourceError::content(self.document, "$.paths", found, "Give the Resources or Descriptors document")
    }
}

/// `academicWeek` → `AcademicWeek`.
fn capitalised(name: &str) -> Text {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}
