//! OpenAPI 3 and Swagger 2 documents of ODS/API, DMS and MetaEd: from paths and schemas to a draft.

mod document;
mod names;
mod object;
mod walk;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Kind, Origin, ResourceName, Text};

use self::document::{OpenApi, Operation, PathItem, Update, record_path};
use self::names::Names;
use self::walk::Walk;
use super::draft::{Draft, DraftAbstract, DraftResource, Identity, Member, SchemaKey, Standing};
use super::resolve::{SCHOOL_YEAR_TYPE, school_years};
use super::schema::Schema;
use super::{Document, SourceError, Syntax, cores, sha256};

/// Reads one OpenAPI document.
///
/// # Errors
///
/// A document that is cut off, of another kind, or whose `$ref`s dangle or run in a circle.
pub(super) fn read(document: &Document, syntax: Syntax) -> Result<Draft, SourceError> {
    let (draft, sha256) = cores::both(|| draft_of(document, syntax), || sha256(&document.bytes));
    let mut draft = draft?;
    for origin in &mut draft.origins {
        origin.sha256 = sha256.as_str().into();
    }
    Ok(draft)
}

/// What the document says, but for its fingerprint.
fn draft_of(document: &Document, syntax: Syntax) -> Result<Draft, SourceError> {
    let api: OpenApi = syntax.parse(document)?;
    let mut reader = Reader { api: &api, document: &document.name, names: Names::default(), composed: Cell::new(0) };
    let mut draft = Draft { version: api.info.data_standard(), ..Draft::default() };
    let mut strange = BTreeSet::new();
    if reader.is_profile() {
        return Err(reader.not_metadata(&strange));
    }
    reader.names = Names::of(&api, posted(&api));

    // MetaEd says of every resource that its key cannot change, those among them whose key can.
    let may_change = |item: &PathItem| item.put.as_ref().and_then(Update::key_may_change) == Some(true);
    let tells_keys_apart = api.paths.values().any(may_change);

    for (name, item, record) in posted(&api) {
        let Some(post) = &item.post else { continue };
        match reader.resource(&name, post, item.get.as_ref())? {
            Some((mut resource, notes)) => {
                let told = record.put.as_ref().and_then(Update::key_may_change);
                resource.key_may_change = told.filter(|_| tells_keys_apart);
                draft.limits.extend(notes.into_iter().map(|note| (Some(name.clone()), note)));
                draft.resources.insert(name, resource);
            }
            None => {
                strange.insert(name);
            }
        }
    }
    if draft.resources.is_empty() {
        return Err(reader.not_metadata(&strange));
    }
    draft.limits.extend(left_out(&strange));
    draft.limits.extend(shared(&draft.resources));
    draft.abstracts = reader.abstracts();
    if reader.is_generated(&draft) {
        draft.standing = Standing::Generated;
    }
    draft.origins.push(Origin {
        kind: reader.dialect().into(),
        title: format!("{} {}", api.info.title.trim(), api.info.version.as_str()).trim().into(),
        sha256: Text::default(),
    });
    Ok(draft)
}

/// The paths that stand for resources: with a POST, and with the path of one record beside them
/// (docs/design.md, "Schemas in several words").
fn posted(api: &OpenApi) -> impl Iterator<Item = (ResourceName, &PathItem, &PathItem)> {
    api.paths.iter().filter(|(_, item)| item.post.is_some()).filter_map(|(path, item)| {
        let name = ResourceName::from_path(path.clone()).filter(|name| name.project() != "identities")?;
        Some((name, item, api.paths.get(&record_path(path))?))
    })
}

/// Says of each project which of its paths are no resources here.
fn left_out(strange: &BTreeSet<ResourceName>) -> impl Iterator<Item = (Option<ResourceName>, Text)> {
    let strange: Vec<&ResourceName> = strange.iter().collect();
    let projects: Vec<_> = strange.chunk_by(|one, next| one.project() == next.project()).map(<[_]>::to_vec).collect();
    projects.into_iter().map(|names| {
        let named: Vec<&str> = names.iter().take(NAMED).map(|name| name.as_str()).collect();
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let limit = format!(
            "left out: {}{more}; what is posted there is no object whose schema has a name such as edFi_student",
            named.join(", ")
        );
        (names.first().map(|name| (*name).clone()), limit.into())
    })
}

/// Says which resources are described by one schema, so that nothing tells which of them a reference means.
fn shared(resources: &BTreeMap<ResourceName, DraftResource>) -> Vec<(Option<ResourceName>, Text)> {
    let mut last: BTreeMap<&SchemaKey, &ResourceName> = BTreeMap::new();
    let pairs = resources.iter().filter_map(|(name, resource)| Some((last.insert(&resource.schema, name)?, name)));
    let limit = |(one, other): (&ResourceName, &ResourceName)| {
        let limit = format!("{one} and {other} are described by one schema; references to it are taken for {other}");
        (Some(other.clone()), limit.into())
    };
    pairs.map(limit).collect()
}

/// Paths that a sentence names before it counts.
const NAMED: usize = 3;

/// How the documents of each server look; none of the rules depend on it.
const DIALECTS: [(&str, &str); 2] = [("Data Management Service", "DMS"), ("Operational Data Store", "ODS/API")];

struct Reader<'d> {
    api: &'d OpenApi,
    document: &'d str,
    names: Names,
    /// How many schemas were put together of several so far.
    composed: Cell<usize>,
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
        let place = format!("$.paths['{name}'].post");
        let (_, schema) = self.schema(body, &place)?;
        let Some(named) = self.names.posted(self.api, name, body).filter(|_| schema.is_object()) else {
            return Ok(None);
        };
        let (schema_name, prefix, entity) = (named.schema, named.prefix, named.entity);
        // DMS publishes the school years as `SchoolYear`; references everywhere say SchoolYearType.
        let is_years = *name == school_years();
        let entity = if is_years { SCHOOL_YEAR_TYPE.into() } else { capitalised(&entity.replace('_', "")) };
        let descriptor = entity.ends_with("Descriptor");
        let own_reference = match self.own_reference(schema_name)? {
            None if is_years => self.own_reference(&format!("{prefix}_{SCHOOL_YEAR_TYPE}"))?,
            found => found,
        };
        let parameters: Vec<_> = get.map(|get| self.api.parameters_of(get)).unwrap_or_default();

        let mut resource = DraftResource {
            kind: if descriptor { Kind::Descriptor } else { Kind::Resource },
            schema: SchemaKey::of(name.project(), &entity),
            query: parameters.iter().filter(|p| p.is_field()).map(|p| p.name.clone()).collect(),
            domains: self.api.domains_of(&schema, name.endpoint()),
            identity: Identity {
                own_reference,
                parameters: parameters
                    .iter()
                    .filter(|p| p.is_identity)
                    .map(|p| Member { name: p.name.clone(), kind: p.field_type() })
                    .collect(),
                ..Identity::default()
            },
            ..DraftResource::new(entity)
        };
        let notes = Walk::new(self, &mut resource).run(&schema, schema_name, &place)?;
        Ok(Some((resource, notes)))
    }

    /// The members of the schema by which others refer to this resource.
    fn own_reference(&self, schema: &str) -> Result<Option<Vec<Member>>, SourceError> {
        let Some((name, reference)) = self.api.reference_to(schema) else { return Ok(None) };
        let (_, reference) = self.schema(reference, &format!("$..['{name}']"))?;
        Ok(Some(reference.members()))
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
                    .map(|base| SchemaKey::new(&self.names.known_as(base)))
                    .is_some_and(|key| key.project() == project && key.entity() == entity)
            })
        };
        let mut entities = starts.filter_map(|start| base.get(start..)).map(str::to_ascii_lowercase);
        entities.find_map(|entity| named(&entity, from.project()).or_else(|| named(&entity, "edfi")))
    }

    /// Abstract resources that the document has reference schemas for, with their keys. Which of the
    /// schemas without a POST are abstract is decided when all documents are known.
    fn abstracts(&self) -> BTreeMap<SchemaKey, DraftAbstract> {
        let references =
            self.api.schemas().filter_map(|(name, schema)| Some((document::reference_base(name)?, schema)));
        references
            .map(|(base, schema)| {
                let entity = base.split_once('_').map_or(base, |(_, entity)| entity);
                // What is wrong with a schema is said of the resource that uses it.
                let key = self.schema(schema, base).map_or_else(|_| Vec::new(), |(_, schema)| schema.members());
                let draft = DraftAbstract { entity: capitalised(entity), key, ..DraftAbstract::default() };
                (SchemaKey::new(&self.names.known_as(base)), draft)
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

    /// A profile takes members away, so what it posts has schemas of its own.
    fn is_profile(&self) -> bool {
        let bodies = self.api.paths.values().filter_map(|item| self.api.body_of(item.post.as_ref()?));
        let mut names = bodies.filter_map(Schema::referenced_name);
        names.any(|name| name.ends_with("_writable") || name.ends_with("_readable"))
    }

    /// Says what the document is instead of Ed-Fi resources.
    fn not_metadata(&self, strange: &BTreeSet<ResourceName>) -> SourceError {
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
                || !api.paths.values().any(|item| item.post.is_some()) && any_path(&is_composite)
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

/// Whether a path is that of a composite: `/ed-fi/enrollment/sections`.
fn is_composite(path: &str) -> bool {
    let third = path.strip_prefix("/ed-fi/").and_then(|rest| rest.split('/').nth(1));
    third.is_some_and(|third| !third.starts_with('{') && !["deletes", "keyChanges", "partitions"].contains(&third))
}

/// `academicWeek` → `AcademicWeek`.
fn capitalised(name: &str) -> Text {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}
