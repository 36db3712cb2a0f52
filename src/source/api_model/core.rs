//! The entities of core where its ApiModel is not at hand, made out of what other documents say of its
//! resources.
//!
//! An extension names entities of core and the columns of their keys itself. What it needs beyond that
//! is whether they are resources, what stands for the surrogate of a person, where the key stands in a
//! resource that it extends, and what all subclasses of an abstract resource, or all descriptors, inherit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Collection, ED_FI, Field, FieldType, Kind, Text, extension_of};
use crate::source::draft::{Draft, DraftResource, SchemaKey, Standing};

use super::document::{
    Aggregate, ApiModel, AssociationDefinition, Cardinality, EntityDefinition, FullName, Identifier, Property,
    PropertyType, SchemaDefinition,
};
use super::domain::{CORE, DESCRIPTOR};
use super::naming::{camel, property};

/// The resources of core that other documents describe.
pub(super) struct Core<'o> {
    resources: BTreeMap<&'o SchemaKey, &'o DraftResource>,
    /// Abstract resources with the subclasses that the documents state.
    abstracts: BTreeMap<&'o SchemaKey, BTreeSet<&'o SchemaKey>>,
    /// What the subclasses of each abstract resource have in common; under no base, the descriptors.
    inherited: BTreeMap<Option<SchemaKey>, DraftResource>,
}

impl<'o> Core<'o> {
    /// `None` where no document describes core; of two descriptions the one that states a key counts.
    pub(super) fn of(others: &'o [Draft]) -> Option<Self> {
        let mut core = Self { resources: BTreeMap::new(), abstracts: BTreeMap::new(), inherited: BTreeMap::new() };
        for draft in others.iter().filter(|draft| draft.standing != Standing::Stated) {
            let own = draft.resources.iter().filter(|(name, r)| name.is_core() && !r.entity.is_empty());
            for (_, resource) in own {
                let known = core.resources.entry(&resource.schema).or_insert(resource);
                if known.identity.stated.is_none() {
                    *known = resource;
                }
            }
            for (schema, stated) in &draft.abstracts {
                core.abstracts.entry(schema).or_default().extend(&stated.subclasses);
            }
        }
        (!core.resources.is_empty()).then_some(core)
    }

    /// Stand-ins for the entities of core that extensions name and that are resources. O(associations).
    pub(super) fn stand_in(&self, models: &[(&str, ApiModel)]) -> ApiModel {
        let mut named: BTreeMap<&FullName, &[Property]> = BTreeMap::new();
        for (_, model) in models {
            for association in &model.association_definitions {
                let (primary, columns) =
                    (&association.primary_entity_full_name, &association.primary_entity_properties);
                named.entry(primary).or_insert(columns);
                named.entry(&association.secondary_entity_full_name).or_default();
            }
            for extended in &model.aggregate_extension_definitions {
                named.entry(&extended.aggregate_root_entity_name).or_default();
            }
        }
        let base = FullName { schema: CORE.into(), name: DESCRIPTOR.into() };
        named.entry(&base).or_default();
        let mut model = ApiModel {
            ods_api_version: Text::default(),
            schema_definition: SchemaDefinition {
                logical_name: "Ed-Fi".into(),
                physical_name: CORE.into(),
                version: Text::default(),
            },
            aggregate_definitions: Vec::new(),
            aggregate_extension_definitions: Vec::new(),
            entity_definitions: Vec::new(),
            association_definitions: Vec::new(),
        };
        for (name, columns) in named.into_iter().filter(|(name, _)| name.schema == CORE) {
            let schema = SchemaKey::of(ED_FI, &name.name);
            let resource = self.resources.get(&schema).copied();
            let is_abstract = *name == base || self.abstracts.contains_key(&schema);
            if resource.is_none() && !is_abstract && !crate::source::resolve::is_school_years(&schema) {
                continue;
            }
            if resource.is_some_and(|resource| resource.kind == Kind::Descriptor) {
                model.association_definitions.push(descriptor(&base, name));
            }
            model.aggregate_definitions.push(Aggregate {
                aggregate_root_entity_name: name.clone(),
                aggregate_entity_names: vec![name.clone()],
            });
            model.entity_definitions.push(entity(name, columns, is_abstract, resource));
        }
        model
    }

    /// The names of the key of a resource, where the documents state it; descriptors have none of their own.
    pub(super) fn key(&self, schema: &SchemaKey) -> Option<impl Iterator<Item = &'o Text>> {
        let resource = self.resources.get(schema).filter(|resource| resource.kind == Kind::Resource)?;
        let key = resource.identity.stated.as_ref().filter(|key| !key.is_empty())?;
        Some(key.iter().map(|field| &field.name))
    }

    /// What a resource is called by its entity.
    pub(super) fn entity(&self, schema: &SchemaKey) -> Option<&'o str> {
        self.resources.get(schema).map(|resource| resource.entity.as_str())
    }

    /// Where a resource holds a column of its key.
    pub(super) fn place(&self, schema: &SchemaKey, column: &str) -> Option<Text> {
        let name = camel(&property(column, column.ends_with("DescriptorId")));
        let key = self.resources.get(schema)?.identity.stated.as_ref()?;
        key.iter().find(|field| field.name == name)?.paths.first().cloned()
    }

    /// Adds what a resource inherits: what all resources of core have that inherit from the same.
    pub(super) fn inherit(&mut self, resource: &mut DraftResource) {
        let base = match &resource.superclass {
            None if resource.kind != Kind::Descriptor => return,
            base => base.clone(),
        };
        if !self.inherited.contains_key(&base) {
            self.inherited.insert(base.clone(), common(&self.siblings(base.as_ref())));
        }
        let Some(inherited) = self.inherited.get(&base) else { return };
        fill(&mut resource.references, &inherited.references);
        fill(&mut resource.fields, &inherited.fields);
        fill(&mut resource.scalars, &inherited.scalars);
        fill(&mut resource.collections, &inherited.collections);
        fill(&mut resource.query_paths, &inherited.query_paths);
        resource.query.extend(inherited.query_paths.keys().cloned());
        let key = inherited.identity.stated.as_deref().unwrap_or_default();
        for field in resource.identity.stated.iter_mut().flatten().filter(|field| field.paths.is_empty()) {
            let known = key.iter().find(|known| known.name == field.name);
            field.paths = known.map(|known| known.paths.clone()).unwrap_or_default();
        }
    }

    /// The subclasses of an abstract resource; without one, the descriptors.
    fn siblings(&self, base: Option<&SchemaKey>) -> Vec<&'o DraftResource> {
        let all = self.resources.values().copied();
        let Some(base) = base else { return all.filter(|r| r.kind == Kind::Descriptor).collect() };
        let stated = self.abstracts.get(base);
        let inherits = |r: &&DraftResource| {
            r.superclass.as_ref() == Some(base) || stated.is_some_and(|all| all.contains(&r.schema))
        };
        all.filter(inherits).collect()
    }
}

/// What all of these resources have, but for extensions. A collection that one of them calls otherwise,
/// as the API does to avoid a name that is taken, has the name that most give it.
fn common(siblings: &[&DraftResource]) -> DraftResource {
    let mut common = DraftResource::new(Text::default());
    let Some((first, others)) = siblings.split_first() else { return common };
    let usual = usual_paths(siblings);
    let spelled = |resource: &DraftResource, path: &str| -> Text {
        let other = resource.collections.values().find_map(|own| {
            let rest =
                path.strip_prefix(own.path.as_str()).filter(|rest| rest.is_empty() || rest.starts_with(['[', '.']))?;
            usual.get(&own.entity).map(|usual| format!("{usual}{rest}").into())
        });
        other.unwrap_or_else(|| path.into())
    };
    let own = |path: &Text| extension_of(path).is_none();
    common.references = first
        .references
        .iter()
        .filter(|(path, _)| own(path))
        .map(|(path, reference)| (spelled(first, path), reference.clone()))
        .collect();
    common.fields = first
        .fields
        .values()
        .filter(|field| own(&field.path))
        .map(|field| {
            (spelled(first, &field.path), Field { path: spelled(first, &field.path), kind: field.kind.clone() })
        })
        .collect();
    common.collections = first
        .collections
        .values()
        .filter(|found| own(&found.path))
        .map(|found| {
            let path = spelled(first, &found.path);
            (path.clone(), Collection { path, entity: found.entity.clone() })
        })
        .collect();
    common.query_paths = first.query_paths.clone();
    common.identity.stated.clone_from(&first.identity.stated);
    for other in others {
        let references: BTreeMap<Text, _> =
            other.references.iter().map(|(path, r)| (spelled(other, path), r)).collect();
        common.references.retain(|path, own| {
            references.get(path).is_some_and(|r| (&r.target, r.required) == (&own.target, own.required))
        });
        let fields: BTreeMap<Text, _> = other.fields.iter().map(|(path, f)| (spelled(other, path), &f.kind)).collect();
        common.fields.retain(|path, own| fields.get(path) == Some(&&own.kind));
        let entities: BTreeMap<Text, _> =
            other.collections.iter().map(|(path, c)| (spelled(other, path), &c.entity)).collect();
        common.collections.retain(|path, own| entities.get(path) == Some(&&own.entity));
        common.query_paths.retain(|parameter, paths| other.query_paths.get(parameter) == Some(paths));
    }
    let root = common.fields.values().filter_map(|field| Some((field.path.strip_prefix("$.")?, field)));
    let scalars = root.filter(|(name, _)| !name.contains('.')).map(|(name, field)| (name.into(), field.kind.clone()));
    common.scalars = scalars.collect();
    common
}

/// The usual path of each collection that every one of these resources has under some name.
fn usual_paths(siblings: &[&DraftResource]) -> BTreeMap<Text, Text> {
    let mut paths: BTreeMap<&Text, BTreeMap<&Text, usize>> = BTreeMap::new();
    for sibling in siblings {
        for collection in sibling.collections.values() {
            *paths.entry(&collection.entity).or_default().entry(&collection.path).or_default() += 1;
        }
    }
    let everywhere = paths.into_iter().filter(|(_, paths)| paths.values().sum::<usize>() == siblings.len());
    let usual = everywhere.filter_map(|(entity, paths)| {
        // Among equals the shorter name, which nothing else has taken.
        let most = paths.iter().max_by_key(|(path, count)| (**count, Reverse(path.len()), Reverse(**path)))?;
        Some((entity.clone(), (*most.0).clone()))
    });
    usual.collect()
}

fn fill<V: Clone>(known: &mut BTreeMap<Text, V>, inherited: &BTreeMap<Text, V>) {
    for (name, value) in inherited {
        known.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

/// Leaves of a resource of core only what extensions add to it; whether there is anything.
pub(super) fn keep_additions(resource: &mut DraftResource) -> bool {
    let added = |path: &str| extension_of(path).is_some();
    let mut kept = DraftResource::new(Text::default());
    kept.schema = resource.schema.clone();
    kept.references = std::mem::take(&mut resource.references);
    kept.references.retain(|path, _| added(path));
    kept.fields = std::mem::take(&mut resource.fields);
    kept.fields.retain(|path, _| added(path));
    kept.collections = std::mem::take(&mut resource.collections);
    kept.collections.retain(|path, _| added(path));
    kept.equalities = std::mem::take(&mut resource.equalities);
    kept.equalities.retain(|equality| added(&equality.left) || added(&equality.right));
    *resource = kept;
    !resource.references.is_empty() || !resource.fields.is_empty() || !resource.collections.is_empty()
}

/// The entity of a resource: its key and, of a person, what stands for the surrogate.
fn entity(
    name: &FullName,
    columns: &[Property],
    is_abstract: bool,
    resource: Option<&DraftResource>,
) -> EntityDefinition {
    let names = |columns: &[Property]| columns.iter().map(|column| column.property_name.clone()).collect();
    let primary = |names| Identifier { identifying_property_names: names, is_primary: true, is_updatable: false };
    let (mut local, mut identifiers) = (Vec::new(), vec![primary(names(columns))]);
    if let [only] = columns {
        if only.property_name.ends_with("USI") {
            let unique: Text = property(&only.property_name, false).into();
            let field = camel(&unique);
            let key = resource.and_then(|resource| resource.identity.stated.as_deref()).unwrap_or_default();
            let kind = key.iter().find(|k| k.name == field).map(|k| k.kind.clone()).unwrap_or_default();
            local.push(Property { is_identifying: true, is_server_assigned: true, ..only.clone() });
            local.push(column(&unique, &kind));
            let names = vec![unique];
            identifiers.push(Identifier { identifying_property_names: names, is_primary: false, is_updatable: false });
        } else if is_abstract && name.name != DESCRIPTOR {
            // A subclass calls the one column of its base by a name of its own.
            local.push(Property { is_identifying: true, ..only.clone() });
        }
    }
    EntityDefinition { name: name.clone(), locally_defined_properties: local, identifiers, is_abstract }
}

fn column(name: &Text, kind: &FieldType) -> Property {
    Property {
        property_name: name.clone(),
        property_type: PropertyType::text(kind),
        is_identifying: false,
        is_server_assigned: false,
    }
}

fn descriptor(base: &FullName, name: &FullName) -> AssociationDefinition {
    AssociationDefinition {
        full_name: FullName { schema: CORE.into(), name: format!("FK_{}_{DESCRIPTOR}", name.name).into() },
        cardinality: Cardinality::OneToOneInheritance,
        primary_entity_full_name: base.clone(),
        primary_entity_properties: Vec::new(),
        secondary_entity_full_name: name.clone(),
        secondary_entity_properties: Vec::new(),
        is_identifying: true,
        is_required: true,
    }
}
