//! The walk through one aggregate: what its entities look like as the JSON of a resource.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Collection, Field, FieldKind, FieldType, KeyField, Kind, Text};
use crate::source::SourceError;
use crate::source::draft::{DraftReference, DraftResource, DraftTarget, Member};

use super::columns::{Column, Columns, Inherited};
use super::document::{Cardinality, Property};
use super::domain::{Association, CORE, DEEPEST, Domain, EntityId};
use super::naming::{camel, proper, property, without_parent};
use super::schema_name;

/// A standard and its extensions have some thousands of members in all resources together; a document
/// that asks for more than this many has entities that multiply.
const MOST_MEMBERS: usize = 200_000;

/// Columns of every table, not data.
const BOILERPLATE: [&str; 3] = ["Id", "CreateDate", "LastModifiedDate"];

/// Longest text of a descriptor's URI: the namespace, `#` and the code value.
const LONGEST_URI: u32 = 306;

/// What the walks of all resources share.
pub(super) struct Walk<'a, 'd> {
    pub(super) domain: &'a Domain<'d>,
    pub(super) document: &'a str,
    /// How many members are left.
    pub(super) left: usize,
}

impl<'a, 'd> Walk<'a, 'd> {
    pub(super) fn new(domain: &'a Domain<'d>, document: &'a str) -> Self {
        Self { domain, document, left: MOST_MEMBERS }
    }

    /// Fills in what the entities of an aggregate say of its resource.
    ///
    /// `known` is where another document says that the resource holds a column of its key.
    pub(super) fn run(
        &mut self,
        root: EntityId,
        resource: &mut DraftResource,
        known: impl Fn(&str) -> Option<Text>,
    ) -> Result<(), SourceError> {
        let natural = self.domain.key(root);
        let mut columns = Columns::default();
        for column in natural.columns {
            if let Some(path) = known(column) {
                columns.stands_for((root, column), path);
            }
        }
        if let (Some(surrogate), [only]) = (natural.surrogate, natural.columns)
            && only != surrogate
        {
            // Children of a person hold its surrogate, for which the unique id stands.
            let path: Text = format!("$.{}", camel(&property(only, false))).into();
            columns.stands_for((root, surrogate), path);
        }
        let here = Place { path: "$", required: true, depth: 0 };
        let members = self.members(root);
        self.object(root, members, &here, &mut columns, resource)?;
        // A descriptor is known by namespace and code value, not by its surrogate.
        resource.identity.stated = (resource.kind != Kind::Descriptor).then(|| self.key(root, &columns));
        self.query(root, &columns, resource);
        Ok(())
    }

    /// What a GET of the collection can ask for: the columns of the table itself. What a subclass
    /// inherits it cannot be asked for.
    fn query(&self, root: EntityId, columns: &Columns<'d>, resource: &mut DraftResource) {
        let natural = self.domain.key(root).columns;
        let entity = &self.domain.entities[root];
        let local = entity.definition.locally_defined_properties.iter().map(|column| (column, false));
        let brought = self.domain.incoming(root).flat_map(Association::columns);
        for (column, uri) in local.chain(brought.map(|(_, column)| (column, is_uri(column)))) {
            let name = &column.property_name;
            let identifying = natural.contains(name) && !columns.places((root, name), true).is_empty();
            let paths = columns.places((root, name), identifying);
            if !paths.is_empty() {
                let parameter: Text = camel(&property(name, uri)).into();
                resource.query.insert(parameter.clone());
                resource.query_paths.insert(parameter, paths);
            }
        }
    }

    /// What an entity and those it inherits from hold.
    fn members(&self, entity: EntityId) -> Vec<Content<'a, 'd>> {
        let mut members = Vec::new();
        let mut names = Inherited::default();
        for id in self.domain.lineage(entity) {
            self.own_members(id, &names, &mut members);
            if let Some(base) = self.domain.base(id) {
                names.add(base);
            }
        }
        members
    }

    fn own_members(&self, entity: EntityId, names: &Inherited<'d>, members: &mut Vec<Content<'a, 'd>>) {
        let domain = self.domain;
        let parent = domain.name(entity).name.as_str();
        // Columns that an identifying association brings belong to it, not to the entity.
        let brought: BTreeSet<&str> = domain
            .incoming(entity)
            .filter(|a| a.definition.is_identifying)
            .flat_map(Association::columns)
            .map(|(_, column)| column.property_name.as_str())
            .collect();
        for column in &domain.entities[entity].definition.locally_defined_properties {
            let name = column.property_name.as_str();
            if !brought.contains(name) && !BOILERPLATE.contains(&name) && !column.is_server_assigned {
                let at = names.here((entity, name));
                members.push(Content { name: property(at.1, false), parent, what: What::Scalar { column, at } });
            }
        }
        let mut uses = BTreeSet::new();
        for association in domain.incoming(entity) {
            let cardinality = association.cardinality();
            if domain.is_nested(association) || !cardinality.is_many() && !cardinality.is_one() {
                continue;
            }
            let mut at = association.columns().map(|(_, column)| names.here((entity, &column.property_name)));
            if domain.is_descriptor(association.primary) || domain.is_descriptor_base(association.primary) {
                if let Some(at) = at.next().filter(|at| uses.insert(*at)) {
                    let what = What::Descriptor { association, at };
                    members.push(Content { name: property(at.1, true), parent, what });
                }
            } else {
                let what = What::Reference { association, at: at.collect() };
                members.push(Content { name: domain.reference_name(association), parent, what });
            }
        }
        let schema = &domain.name(entity).schema;
        let nested = domain.outgoing(entity).filter(|a| domain.is_nested(a));
        let nested = nested.filter(|a| domain.name(a.secondary).schema == *schema);
        members.extend(nested.filter_map(|a| self.nested(a, parent, names)));
    }

    /// A collection or embedded object as a member of what holds it.
    fn nested(
        &self,
        association: &'a Association<'d>,
        parent: &'a str,
        names: &Inherited<'d>,
    ) -> Option<Content<'a, 'd>> {
        let cardinality = association.cardinality();
        let name = if cardinality.is_many() {
            self.domain.collection_name(association)
        } else if cardinality.is_one() {
            self.domain.object_name(association)
        } else {
            return None;
        };
        let shared = names.shared(association);
        Some(Content { name, parent, what: What::Nested { association, shared } })
    }

    /// What extensions add to an entity of core, by schema.
    fn extensions(&self, entity: EntityId) -> BTreeMap<&'d str, Block<'a, 'd>> {
        let domain = self.domain;
        let mut found: BTreeMap<&'d str, Block<'a, 'd>> = BTreeMap::new();
        if domain.name(entity).schema != CORE {
            return found;
        }
        let mut names = Inherited::default();
        for id in domain.lineage(entity) {
            let foreign = domain.outgoing(id).filter(|a| domain.name(a.secondary).schema != CORE);
            for association in foreign.filter(|a| domain.is_nested(a)) {
                let schema = domain.name(association.secondary).schema.as_str();
                let block = found.entry(schema).or_default();
                if !association.cardinality().is_extension() {
                    block.members.extend(self.nested(association, &domain.name(entity).name, &names));
                } else if id == entity {
                    block.members.extend(self.members(association.secondary));
                    block.shared.extend(names.shared(association));
                }
            }
            if let Some(base) = domain.base(id) {
                names.add(base);
            }
        }
        found
    }

    /// An object of the resource. Depth is bounded, so this may recurse.
    fn object(
        &mut self,
        entity: EntityId,
        members: Vec<Content<'a, 'd>>,
        here: &Place<'_>,
        columns: &mut Columns<'d>,
        resource: &mut DraftResource,
    ) -> Result<(), SourceError> {
        if here.depth > DEEPEST {
            return Err(self.too_much(here.path, format!("objects nest more than {DEEPEST} deep")));
        }
        self.contents(members, here, columns, resource)?;
        for (schema, added) in self.extensions(entity) {
            let logical = self.domain.schemas.get(schema).copied().unwrap_or(schema);
            let path = format!("{}._ext.{}", here.path, camel(&proper(logical)));
            let block = Place { path: &path, required: false, depth: here.depth + 1 };
            columns.share(&added.shared);
            self.contents(added.members, &block, columns, resource)?;
        }
        Ok(())
    }

    fn contents(
        &mut self,
        members: Vec<Content<'a, 'd>>,
        here: &Place<'_>,
        columns: &mut Columns<'d>,
        resource: &mut DraftResource,
    ) -> Result<(), SourceError> {
        let names = JsonNames::of(&members);
        let mut nested = Vec::new();
        for member in members {
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                self.too_much(here.path, format!("more than {MOST_MEMBERS} members in all resources"))
            })?;
            let json = names.name(&member);
            let path: Text = format!("{}.{json}", here.path).into();
            match member.what {
                What::Scalar { column, at } => {
                    let kind = self.domain.field_type(column);
                    columns.add(at, &path, column.is_identifying, resource);
                    self.scalar(&json, &path, kind, is_required(column), here, resource);
                }
                What::Descriptor { association, at } => {
                    let definition = association.definition;
                    columns.add(at, &path, definition.is_identifying, resource);
                    let target = DraftTarget::Schema(schema_name(self.domain, association.primary));
                    // No other kind of document says that a descriptor identifies; its value is in the key.
                    let reference = DraftReference {
                        required: here.required && definition.is_required,
                        identifying: Some(false),
                        ..DraftReference::to(target)
                    };
                    resource.references.insert(path.clone(), reference);
                    self.scalar(&json, &path, descriptor_type(), definition.is_required, here, resource);
                }
                What::Reference { association, at } => {
                    self.reference(association, &at, &path, here, columns, resource);
                }
                What::Nested { association, shared } => nested.push((association, shared, path)),
            }
        }
        // Last, for what is nested shares the columns of all references here.
        for (association, shared, path) in nested {
            let child = association.secondary;
            let required = association.cardinality() == Cardinality::OneToOneOrMore;
            let many = association.cardinality().is_many();
            let kind = if many { FieldKind::Array } else { FieldKind::Object };
            if required {
                field(&path, FieldType { kind, ..FieldType::default() }, resource);
            }
            let entity = self.domain.name(child).name.clone();
            resource.collections.insert(path.clone(), Collection { path: path.clone(), entity });
            let inner = if many { format!("{path}[*]") } else { path.to_string() };
            let inside = Place { path: &inner, required: here.required && required, depth: here.depth + 1 };
            let mut inherited = columns.through(&shared);
            let members = self.members(child);
            self.object(child, members, &inside, &mut inherited, resource)?;
        }
        Ok(())
    }

    fn scalar(
        &self,
        json: &str,
        path: &Text,
        kind: FieldType,
        required: bool,
        here: &Place<'_>,
        resource: &mut DraftResource,
    ) {
        if here.depth == 0 {
            resource.scalars.insert(json.into(), kind.clone());
        }
        if required {
            field(path, kind, resource);
        }
    }

    fn reference(
        &self,
        association: &Association<'d>,
        at: &[Column<'d>],
        path: &Text,
        here: &Place<'_>,
        columns: &mut Columns<'d>,
        resource: &mut DraftResource,
    ) {
        let definition = association.definition;
        let mut members = Vec::new();
        for ((key, _), at) in association.columns().zip(at) {
            let name: Text = camel(&property(&key.property_name, is_uri(key))).into();
            let member: Text = format!("{path}.{name}").into();
            columns.add(*at, &member, definition.is_identifying, resource);
            let kind = if is_uri(key) { descriptor_type() } else { self.domain.field_type(key) };
            members.push(Member { name, kind });
        }
        members.sort();
        let name = self.domain.name(association.primary);
        let target = if name.schema == CORE && name.name == "SchoolYearType" {
            DraftTarget::SchoolYears
        } else {
            DraftTarget::Schema(schema_name(self.domain, association.primary))
        };
        if definition.is_required {
            field(path, FieldType { kind: FieldKind::Reference, ..FieldType::default() }, resource);
        }
        let reference = DraftReference {
            required: here.required && definition.is_required,
            identifying: Some(here.depth == 0 && definition.is_identifying),
            members,
            ..DraftReference::to(target)
        };
        resource.references.insert(path.clone(), reference);
    }

    /// The natural key of a resource with the places of its columns.
    fn key(&self, root: EntityId, columns: &Columns<'d>) -> Vec<KeyField> {
        let natural = self.domain.key(root);
        let field = |column: &Text| {
            let uri = column.ends_with("DescriptorId");
            let kind = if uri { descriptor_type() } else { self.column_type(root, column) };
            // The columns of an alternate identifier are not flagged as identifying.
            let paths = columns.places((root, column), natural.surrogate.is_none());
            KeyField { name: camel(&property(column, uri)).into(), kind, paths }
        };
        let mut key: Vec<KeyField> = natural.columns.iter().map(field).collect();
        key.sort();
        key
    }

    fn column_type(&self, entity: EntityId, column: &str) -> FieldType {
        let local = self.domain.entities[entity].definition.locally_defined_properties.iter();
        let brought = self.domain.incoming(entity).flat_map(Association::columns).map(|(_, column)| column);
        let found = local.chain(brought).find(|p| p.property_name == column);
        found.map(|p| self.domain.field_type(p)).unwrap_or_default()
    }

    fn too_much(&self, path: &str, message: String) -> SourceError {
        SourceError::content(self.document, path, message, "No Ed-Fi model is like this; export it from MetaEd again")
    }
}

/// Key of an abstract resource: names and types.
pub(super) fn abstract_key(domain: &Domain<'_>, entity: EntityId) -> Vec<Member> {
    let walk = Walk::new(domain, "");
    let key = walk.key(entity, &Columns::default());
    key.into_iter().map(|field| Member { name: field.name, kind: field.kind }).collect()
}

fn field(path: &Text, kind: FieldType, resource: &mut DraftResource) {
    resource.fields.insert(path.clone(), Field { path: path.clone(), kind });
}

fn is_required(column: &Property) -> bool {
    column.is_identifying || !column.property_type.is_nullable
}

/// Whether a column that an association brings holds a descriptor.
fn is_uri(column: &Property) -> bool {
    column.property_name.ends_with("DescriptorId")
}

fn descriptor_type() -> FieldType {
    FieldType { kind: FieldKind::Descriptor, max_length: Some(LONGEST_URI), min: None }
}

/// Where the walk stands.
struct Place<'p> {
    path: &'p str,
    /// Whether every step from the root is required.
    required: bool,
    /// How many objects it is inside of.
    depth: usize,
}

/// Something that an object holds.
struct Content<'a, 'd> {
    /// What the API would call it, capitalised: `SchoolGradeLevels`, `LocationReference`.
    name: String,
    /// The entity that defines it.
    parent: &'a str,
    what: What<'a, 'd>,
}

enum What<'a, 'd> {
    Scalar { column: &'d Property, at: Column<'d> },
    Descriptor { association: &'a Association<'d>, at: Column<'d> },
    Reference { association: &'a Association<'d>, at: Vec<Column<'d>> },
    Nested { association: &'a Association<'d>, shared: Vec<(Column<'d>, Column<'d>)> },
}

/// What one extension adds to one object.
#[derive(Default)]
struct Block<'a, 'd> {
    members: Vec<Content<'a, 'd>>,
    /// Columns of its table that are those of the object.
    shared: Vec<(Column<'d>, Column<'d>)>,
}

/// How members of one object are called: without the name of their parent, except where that would
/// give two of them one name or take the name of a column.
struct JsonNames {
    /// Names of all values of the object, those inside its references included.
    values: BTreeSet<String>,
    /// Names that several members would get.
    clashes: BTreeSet<String>,
}

impl JsonNames {
    fn of(members: &[Content<'_, '_>]) -> Self {
        let mut values = BTreeSet::new();
        let (mut proposed, mut clashes) = (BTreeSet::new(), BTreeSet::new());
        for member in members {
            match member.what {
                What::Scalar { .. } | What::Descriptor { .. } => {
                    values.insert(member.name.clone());
                }
                What::Reference { association, .. } => {
                    values.extend(association.columns().map(|(_, c)| property(&c.property_name, is_uri(c))));
                }
                What::Nested { .. } => {}
            }
            let proposal = camel(without_parent(member.parent, &member.name));
            if !proposed.insert(proposal.clone()) {
                clashes.insert(proposal);
            }
        }
        Self { values, clashes }
    }

    fn name(&self, member: &Content<'_, '_>) -> String {
        let proposal = camel(without_parent(member.parent, &member.name));
        if self.values.contains(&member.name) || self.clashes.contains(&proposal) {
            return camel(&member.name);
        }
        proposal
    }
}
