//! ApiModel and ApiModel-EXTENSION documents of the ODS/API: from tables to the JSON of its API.
//!
//! MetaEd writes them for the server's code generation: aggregates of entities, the columns of each
//! and the associations between them. They hold no JSON name, so names are made here as the server
//! makes them (`naming`). An extension needs its core, so all of them are read together.

mod columns;
mod core;
mod document;
mod domain;
mod naming;
mod version;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Kind, Origin, ResourceName, Text};

use self::core::{Core, keep_additions};
use self::document::ApiModel;
use self::domain::{CORE, Domain, EntityId};
pub(super) use self::naming::singular;
use self::walk::{Walk, abstract_key};
use super::draft::{Draft, DraftResource, SchemaKey, Standing};
use super::{Document, SourceError, Syntax, sha256};

/// Reads the ApiModel documents of one API; where core is not among them, `others` are what is known of it.
/// O(members of all resources).
///
/// # Errors
///
/// A document that is cut off or of another kind, that names an entity no document describes, or
/// whose entities nest without end.
pub(super) fn read(documents: &[(&Document, Syntax)], others: &[Draft]) -> Result<Draft, SourceError> {
    let mut seen = BTreeSet::new();
    let mut models: Vec<(&str, ApiModel)> = Vec::new();
    let mut titles = BTreeSet::new();
    let mut draft = Draft { standing: Standing::Model, ..Draft::default() };
    for (document, syntax) in documents {
        let hash = sha256(&document.bytes);
        if !seen.insert(hash.clone()) {
            continue;
        }
        let model: ApiModel = syntax.parse(document)?;
        let schema = &model.schema_definition;
        if schema.physical_name == CORE && !schema.version.is_empty() {
            draft.version = Some(schema.version.clone());
        }
        let title = format!("{} {}", schema.logical_name, schema.version).trim().to_owned();
        draft.origins.push(Origin {
            kind: format!("ApiModel, ODS/API {}", model.ods_api_version).trim_end().into(),
            title: title.as_str().into(),
            sha256: hash.into(),
        });
        titles.insert((schema.physical_name != CORE, title));
        models.push((&document.name, model));
    }
    let titles: Vec<String> = titles.into_iter().map(|(_, title)| title).collect();
    draft.name = Some(titles.join(" + ").into());
    let described = models.iter().any(|(_, model)| model.schema_definition.physical_name == CORE);
    let mut core = if described { None } else { Core::of(others) };
    if let Some(core) = &core {
        draft.limits.extend(version::other_keys(core, &models).map(|limit| (None, limit)));
        models.insert(0, ("", core.stand_in(&models)));
    }
    let documents: Vec<(&str, &ApiModel)> = models.iter().map(|(name, model)| (*name, model)).collect();
    let domain = Domain::build(&documents)?;
    // Places in messages: the document that comes last in the list is the extension, if there is one.
    let name = documents.last().map_or("", |(name, _)| name);
    let mut walk = Walk::new(&domain, name);
    for entity in 0..domain.entities.len() {
        if domain.entities[entity].root != entity || domain.is_descriptor_base(entity) || domain.is_extension(entity) {
            continue;
        }
        if let Some(core) = core.as_ref().filter(|_| domain.name(entity).schema == CORE) {
            let mut resource = DraftResource { schema: key_of(&domain, entity), ..DraftResource::new(Text::default()) };
            let schema = resource.schema.clone();
            walk.run(entity, &mut resource, |column| core.place(&schema, column))?;
            if keep_additions(&mut resource) {
                draft.resources.insert(resource_name(&domain, entity), resource);
            }
            continue;
        }
        if domain.entities[entity].definition.is_abstract {
            let known = draft.abstracts.entry(key_of(&domain, entity)).or_default();
            known.entity = domain.name(entity).name.clone();
            known.key = abstract_key(&domain, entity);
            continue;
        }
        let base = abstract_base(&domain, entity).map(|base| key_of(&domain, base));
        if let Some(base) = &base {
            draft.abstracts.entry(base.clone()).or_default().subclasses.insert(key_of(&domain, entity));
        }
        let mut resource = DraftResource {
            kind: if domain.is_descriptor(entity) { Kind::Descriptor } else { Kind::Resource },
            schema: key_of(&domain, entity),
            key_may_change: domain.entities[entity]
                .definition
                .identifiers
                .iter()
                .find(|i| i.is_primary)
                .map(|i| i.is_updatable),
            superclass: base,
            ..DraftResource::new(domain.name(entity).name.clone())
        };
        walk.run(entity, &mut resource, |_| None)?;
        if let Some(core) = &mut core {
            core.inherit(&mut resource);
        }
        draft.resources.insert(resource_name(&domain, entity), resource);
    }
    Ok(draft)
}

/// Takes over the names that other documents give to the same entities: a path that is written down
/// knows better than a plural that is made.
pub(super) fn adopt_names(draft: &mut Draft, others: &[Draft]) {
    let written: BTreeMap<&SchemaKey, &ResourceName> =
        others.iter().flat_map(|other| &other.resources).map(|(name, resource)| (&resource.schema, name)).collect();
    let resources = std::mem::take(&mut draft.resources).into_iter();
    draft.resources = resources
        .map(|(name, resource)| (written.get(&resource.schema).map_or(name, |written| (*written).clone()), resource))
        .collect();
}

fn resource_name(domain: &Domain<'_>, entity: EntityId) -> ResourceName {
    let name = domain.name(entity);
    ResourceName::new(&project(domain, entity), &naming::camel(&naming::plural(&name.name)))
}

fn project(domain: &Domain<'_>, entity: EntityId) -> String {
    let schema = domain.name(entity).schema.as_str();
    naming::project(domain.schemas.get(schema).copied().unwrap_or(schema))
}

fn key_of(domain: &Domain<'_>, entity: EntityId) -> SchemaKey {
    SchemaKey::of(&project(domain, entity), &domain.name(entity).name)
}

/// The name under which references meet the resource of an entity: `edfi_School`.
fn schema_name(domain: &Domain<'_>, entity: EntityId) -> Text {
    key_of(domain, entity).as_str().into()
}

/// The abstract resource that an entity inherits from, directly or through others.
fn abstract_base(domain: &Domain<'_>, entity: EntityId) -> Option<EntityId> {
    let mut bases = domain.lineage(entity).skip(1);
    bases.find(|&base| domain.entities[base].definition.is_abstract).filter(|&base| !domain.is_descriptor_base(base))
}
