//! The entities of all ApiModel documents together, with their associations as indexes.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FieldType, Text};
use crate::source::SourceError;

use super::document::{ApiModel, AssociationDefinition, Cardinality, EntityDefinition, FullName, Property};
use super::naming;

/// The physical name of the core schema.
pub(super) const CORE: &str = "edfi";

/// The base of all descriptors; no resource itself.
pub(super) const DESCRIPTOR: &str = "Descriptor";

/// The deepest nesting and the longest inheritance that are followed; no standard has more than four
/// levels of the one and two of the other.
pub(super) const DEEPEST: usize = 32;

/// A place in [`Domain::entities`].
pub(super) type EntityId = usize;

/// An entity and the aggregate it belongs to.
pub(super) struct Entity<'d> {
    pub(super) definition: &'d EntityDefinition,
    /// The root of its aggregate.
    pub(super) root: EntityId,
    incoming: Vec<usize>,
    outgoing: Vec<usize>,
}

/// An association whose ends are known.
pub(super) struct Association<'d> {
    pub(super) definition: &'d AssociationDefinition,
    pub(super) primary: EntityId,
    pub(super) secondary: EntityId,
    /// What stands before the name of the other end.
    role: Option<&'d str>,
}

impl<'d> Association<'d> {
    pub(super) fn cardinality(&self) -> Cardinality {
        self.definition.cardinality
    }

    /// Key column of the primary entity and the column that takes it.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&'d Property, &'d Property)> + use<'d> {
        self.definition.primary_entity_properties.iter().zip(&self.definition.secondary_entity_properties)
    }
}

/// How many associations there are between two entities.
#[derive(Default)]
struct Pair {
    all: usize,
    /// Identifying ones to many.
    identifying: usize,
    /// Those of them without a role.
    plain: usize,
}

/// All entities and associations.
pub(super) struct Domain<'d> {
    /// Sorted by name.
    pub(super) entities: Vec<Entity<'d>>,
    pub(super) associations: Vec<Association<'d>>,
    /// Associations between the same two entities, primary first.
    pairs: BTreeMap<(EntityId, EntityId), Pair>,
    /// Logical name of each schema by its physical one.
    pub(super) schemas: BTreeMap<&'d str, &'d str>,
    /// Types of unique ids, by the surrogate that the database has for them: `StudentUSI`.
    unique_ids: BTreeMap<&'d str, FieldType>,
}

impl<'d> Domain<'d> {
    /// Joins documents, given with their names. O(entities + associations, × log).
    ///
    /// # Errors
    ///
    /// An association, aggregate or extension that names an entity no document has; the same schema
    /// in two documents.
    pub(super) fn build(documents: &[(&'d str, &'d ApiModel)]) -> Result<Self, SourceError> {
        let mut schemas = BTreeMap::new();
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for (document, model) in documents {
            let schema = &model.schema_definition;
            schemas.insert(schema.physical_name.as_str(), schema.logical_name.as_str());
            if let Some(other) = owners.insert(&schema.physical_name, document) {
                return Err(SourceError::Conflict {
                    left: other.to_owned(),
                    right: (*document).to_owned(),
                    message: format!("both describe the schema {}", schema.physical_name),
                    advice: "Give one of them".to_owned(),
                });
            }
        }
        let mut definitions: BTreeMap<&FullName, &EntityDefinition> = BTreeMap::new();
        for (document, model) in documents {
            for (at, entity) in model.entity_definitions.iter().enumerate() {
                if definitions.insert(&entity.name, entity).is_some() {
                    return Err(SourceError::content(
                        document,
                        format!("$.entityDefinitions[{at}]"),
                        format!("{} is defined twice", entity.name),
                        "Export the ApiModel from MetaEd again",
                    ));
                }
            }
        }
        let ids: BTreeMap<&FullName, EntityId> = definitions.keys().enumerate().map(|(id, name)| (*name, id)).collect();
        let names = Names {
            ids,
            schemas: owners.keys().copied().collect(),
            // Only core that is made up has no document.
            described: owners.get(CORE).is_none_or(|document| !document.is_empty()),
        };
        let entity = |(root, definition): (EntityId, &'d EntityDefinition)| Entity {
            definition,
            root,
            incoming: Vec::new(),
            outgoing: Vec::new(),
        };
        let mut domain = Self {
            entities: definitions.into_values().enumerate().map(entity).collect(),
            associations: Vec::new(),
            pairs: BTreeMap::new(),
            schemas,
            unique_ids: BTreeMap::new(),
        };
        domain.associate(documents, &names)?;
        domain.aggregate(documents, &names)?;
        domain.count_pairs();
        domain.find_unique_ids();
        Ok(domain)
    }

    fn associate(&mut self, documents: &[(&'d str, &'d ApiModel)], names: &Names<'_>) -> Result<(), SourceError> {
        for (document, model) in documents {
            for (at, definition) in model.association_definitions.iter().enumerate() {
                let place = format!("$.associationDefinitions[{at}]");
                let find = |member: &str, name: &FullName| {
                    names.find(document, || format!("{place}.{member}"), &definition.full_name, name)
                };
                let primary = find("primaryEntityFullName", &definition.primary_entity_full_name)?;
                let secondary = find("secondaryEntityFullName", &definition.secondary_entity_full_name)?;
                let (keys, columns) = (&definition.primary_entity_properties, &definition.secondary_entity_properties);
                if keys.len() != columns.len() {
                    return Err(SourceError::content(
                        document,
                        place,
                        format!("{} joins {} columns with {}", definition.full_name, keys.len(), columns.len()),
                        "Export the ApiModel from MetaEd again",
                    ));
                }
                let columns = keys.iter().zip(columns);
                let role = naming::role(columns.map(|(k, c)| (k.property_name.as_str(), c.property_name.as_str())));
                let id = self.associations.len();
                self.associations.push(Association { definition, primary, secondary, role });
                self.entities[primary].outgoing.push(id);
                self.entities[secondary].incoming.push(id);
            }
        }
        Ok(())
    }

    /// Gives every entity its aggregate. An entity that only extends another is of its aggregate.
    fn aggregate(&mut self, documents: &[(&'d str, &'d ApiModel)], names: &Names<'_>) -> Result<(), SourceError> {
        let mut placed = BTreeSet::new();
        for (document, model) in documents {
            let own =
                model.aggregate_definitions.iter().map(|a| (&a.aggregate_root_entity_name, &a.aggregate_entity_names));
            let extended = model
                .aggregate_extension_definitions
                .iter()
                .map(|a| (&a.aggregate_root_entity_name, &a.extension_entity_names));
            let lists = [
                ("aggregateDefinitions", own.collect::<Vec<_>>()),
                ("aggregateExtensionDefinitions", extended.collect()),
            ];
            for (list, aggregates) in lists {
                for (at, (root, members)) in aggregates.into_iter().enumerate() {
                    let find = |name| names.find(document, || format!("$.{list}[{at}]"), root, name);
                    let root = find(root)?;
                    for member in members {
                        let member = find(member)?;
                        self.entities[member].root = root;
                        placed.insert(member);
                    }
                }
            }
        }
        let extensions: Vec<(EntityId, EntityId)> = self
            .associations
            .iter()
            .filter(|a| a.cardinality().is_extension() && !placed.contains(&a.secondary))
            .map(|a| (a.secondary, self.entities[a.primary].root))
            .collect();
        for (extension, root) in extensions {
            self.entities[extension].root = root;
            placed.insert(extension);
        }
        match (0..self.entities.len()).find(|id| !placed.contains(id)) {
            None => Ok(()),
            Some(id) => Err(SourceError::content(
                documents.last().map_or("", |(document, _)| document),
                "$.aggregateDefinitions",
                format!("{} belongs to no aggregate", self.name(id)),
                "Export the ApiModel from MetaEd again",
            )),
        }
    }

    fn count_pairs(&mut self) {
        let mut pairs: BTreeMap<_, Pair> = BTreeMap::new();
        for association in &self.associations {
            let pair = pairs.entry((association.primary, association.secondary)).or_default();
            let identifying = association.definition.is_identifying && association.cardinality().is_many();
            pair.all += 1;
            pair.identifying += usize::from(identifying);
            pair.plain += usize::from(identifying && self.role(association).is_none());
        }
        self.pairs = pairs;
    }

    /// People have a surrogate key; the unique id beside it is an alternate identifier.
    fn find_unique_ids(&mut self) {
        for entity in &self.entities {
            let properties = &entity.definition.locally_defined_properties;
            let surrogate = properties.iter().find(|p| p.is_identifying && p.property_name.ends_with("USI"));
            let Some(surrogate) = surrogate else { continue };
            let name = naming::property(&surrogate.property_name, false);
            if let Some(unique) = properties.iter().find(|p| p.property_name == name) {
                self.unique_ids.insert(&surrogate.property_name, unique.property_type.field_type());
            }
        }
    }

    pub(super) fn name(&self, entity: EntityId) -> &'d FullName {
        &self.entities[entity].definition.name
    }

    pub(super) fn incoming(&self, entity: EntityId) -> impl Iterator<Item = &Association<'d>> {
        self.entities[entity].incoming.iter().map(|&id| &self.associations[id])
    }

    pub(super) fn outgoing(&self, entity: EntityId) -> impl Iterator<Item = &Association<'d>> {
        self.entities[entity].outgoing.iter().map(|&id| &self.associations[id])
    }

    /// The entity, what it inherits from, and so on up.
    pub(super) fn lineage(&self, entity: EntityId) -> impl Iterator<Item = EntityId> {
        // No model inherits more than twice; a circle ends here, too.
        std::iter::successors(Some(entity), |&at| self.base(at).map(|a| a.primary)).take(DEEPEST)
    }

    /// The association with what the entity inherits from.
    pub(super) fn base(&self, entity: EntityId) -> Option<&Association<'d>> {
        self.incoming(entity).find(|a| a.cardinality() == Cardinality::OneToOneInheritance)
    }

    /// Whether the entity is the base of all descriptors.
    pub(super) fn is_descriptor_base(&self, entity: EntityId) -> bool {
        let name = self.name(entity);
        name.schema == CORE && name.name == DESCRIPTOR
    }

    pub(super) fn is_descriptor(&self, entity: EntityId) -> bool {
        self.base(entity).is_some_and(|a| self.is_descriptor_base(a.primary))
    }

    /// Whether the entity adds to another, in a schema of its own.
    pub(super) fn is_extension(&self, entity: EntityId) -> bool {
        self.incoming(entity).any(|a| a.cardinality().is_extension())
    }

    /// Whether the association leads from an object to what is nested in it; all others are references.
    pub(super) fn is_nested(&self, association: &Association<'d>) -> bool {
        self.entities[association.primary].root == self.entities[association.secondary].root
            && association.primary != association.secondary
            && !self.joins_with_itself(association)
    }

    /// The second, role-named end of an entity that joins its parent with another of the same kind.
    fn joins_with_itself(&self, association: &Association<'d>) -> bool {
        let pair = self.pairs.get(&(association.primary, association.secondary));
        association.definition.is_identifying
            && association.cardinality().is_many()
            && self.role(association).is_some()
            && pair.is_some_and(|pair| pair.identifying == 2 && pair.plain == 1)
    }

    /// The role of a reference: never the very name of what it refers to.
    fn role(&self, association: &Association<'d>) -> Option<&'d str> {
        association.role.filter(|role| !role.is_empty() && *role != self.name(association.primary).name)
    }

    /// `CharterApprovalSchoolYearTypeReference`: role and entity; a role that the entity's name starts
    /// with is not said twice.
    pub(super) fn reference_name(&self, association: &Association<'d>) -> String {
        format!("{}Reference", with_role(self.role(association), &self.name(association.primary).name))
    }

    /// `SchoolGradeLevels`; a role only tells apart collections of the same entity.
    pub(super) fn collection_name(&self, association: &Association<'d>) -> String {
        let child = &self.name(association.secondary).name;
        let several = self.pairs.get(&(association.primary, association.secondary)).is_some_and(|pair| pair.all > 1);
        let role = association.role.filter(|role| several && *role != child);
        with_role(role, &naming::plural(child.strip_suffix("Extension").unwrap_or(child)))
    }

    /// `StudentAcademicRecordClassRanking`.
    pub(super) fn object_name(&self, association: &Association<'d>) -> String {
        let child = &self.name(association.secondary).name;
        with_role(association.role.filter(|role| *role != child), child)
    }

    /// The type of a column as the API shows it.
    pub(super) fn field_type(&self, property: &Property) -> FieldType {
        let known = || self.unique_ids.iter().filter(|(usi, _)| property.property_name.ends_with(**usi));
        let unique = known().max_by_key(|(usi, _)| usi.len()).map(|(_, kind)| kind.clone());
        unique.unwrap_or_else(|| property.property_type.field_type())
    }

    /// The natural key: the primary identifier, or the alternate one beside a surrogate.
    pub(super) fn key(&self, entity: EntityId) -> Key<'d> {
        let definition = self.entities[entity].definition;
        let primary = definition.identifiers.iter().find(|i| i.is_primary);
        let columns = primary.map(|i| i.identifying_property_names.as_slice()).unwrap_or_default();
        let surrogate = |name: &Text| {
            definition.locally_defined_properties.iter().any(|p| p.property_name == *name && p.is_server_assigned)
        };
        if let [only] = columns
            && surrogate(only)
        {
            let others = definition.identifiers.iter().filter(|i| !i.is_primary);
            let mut natural = others.map(|i| i.identifying_property_names.as_slice()).filter(|n| *n != ["Id"]);
            return Key { columns: natural.next().unwrap_or(columns), surrogate: Some(only) };
        }
        Key { columns, surrogate: None }
    }
}

/// What identifies the rows of an entity.
pub(super) struct Key<'d> {
    pub(super) columns: &'d [Text],
    /// The column that other tables hold instead.
    pub(super) surrogate: Option<&'d str>,
}

fn with_role(role: Option<&str>, name: &str) -> String {
    match role {
        Some(role) if !name.starts_with(role) => format!("{role}{name}"),
        _ => name.to_owned(),
    }
}

/// What can be named.
struct Names<'n> {
    ids: BTreeMap<&'n FullName, EntityId>,
    schemas: BTreeSet<&'n str>,
    /// Whether entities of core are those of its ApiModel, where there are any.
    described: bool,
}

impl Names<'_> {
    fn find(
        &self,
        document: &str,
        place: impl Fn() -> String,
        who: &FullName,
        name: &FullName,
    ) -> Result<EntityId, SourceError> {
        if let Some(&id) = self.ids.get(name) {
            return Ok(id);
        }
        let advice = if name.schema == CORE && !self.described {
            "It is no resource of the core at hand: give the ApiModel.json of that core in its place, or the core that \
             the extension was made for"
                .to_owned()
        } else if self.schemas.contains(name.schema.as_str()) {
            "The documents do not fit together: give the core that the extension was made for".to_owned()
        } else if name.schema == CORE {
            "This is an extension: give its core as well, -m CORE -m EXTENSION: an ApiModel.json, OpenAPI documents or a \
             bundled graph"
                .to_owned()
        } else {
            format!("Give the ApiModel of the extension '{}' as well", name.schema)
        };
        let message = format!("{who} names {name}, which is not described");
        Err(SourceError::content(document, place(), message, advice))
    }
}
