//! What the documents state, before names are resolved: the common ground of every document kind.
//!
//! A reader of one format fills a [`Draft`] with what its document says and nothing more; `resolve`
//! then applies the rules once, to all drafts together (docs/design.md, "Statements first, rules once").

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Collection, Equality, Field, FieldType, KeyField, Kind, Origin, ResourceName, StatedEdge, Target, Text,
    fold_project,
};

/// The statements of one or several documents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    /// What to call the document in messages.
    pub(crate) document: String,
    /// How much its kind of document is believed where two differ.
    pub(crate) standing: Standing,
    /// What to call the result, where a document has a name of its own.
    pub(crate) name: Option<Text>,
    pub(crate) version: Option<Text>,
    /// For an extension part: the core graph it needs.
    pub(crate) extends: Option<Text>,
    pub(crate) origins: Vec<Origin>,
    /// What the documents left open, in sentences for people, with the resource it is about where
    /// that is known.
    pub(crate) limits: BTreeSet<(Option<ResourceName>, Text)>,
    pub(crate) resources: BTreeMap<ResourceName, DraftResource>,
    /// Abstract resources that a document names as such, by schema key.
    pub(crate) abstracts: BTreeMap<SchemaKey, DraftAbstract>,
    /// What documents say of the values that make up a natural key, by schema and by path.
    pub(crate) key_paths: BTreeMap<SchemaKey, BTreeMap<Text, KeyPath>>,
    /// Where documents differed: what was believed, in sentences for people.
    pub(crate) settled: BTreeSet<Text>,
    /// What a graph file says is the fingerprint of its content.
    pub(crate) fingerprint: Text,
    /// The wave in which an API creates each resource, where that is what the document tells.
    pub(crate) waves: BTreeMap<ResourceName, usize>,
}

/// What a kind of document is worth as a witness, weakest first (docs/design.md, "Merging").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// What comes before what, without a reason: heard only where no other document describes the API.
    Stated,
    /// An OpenAPI document that MetaEd writes for an API that is not there: names and keys are
    /// simplified.
    Generated,
    /// What an API publishes of itself: complete in names, silent on what they mean.
    #[default]
    Published,
    /// A graph file: what the documents behind it came to.
    Resolved,
    /// The model that the API was generated from: every property with its path and its meaning.
    Model,
}

impl Standing {
    /// The order in which names are believed, best first: those of the API itself before all.
    pub(crate) fn names(self) -> u8 {
        match self {
            Self::Published => 0,
            Self::Resolved => 1,
            Self::Model => 2,
            Self::Generated => 3,
            Self::Stated => 4,
        }
    }
}

/// A value of the natural key, at a path of its resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyPath {
    /// Whether the resource itself says so; else only references to it do.
    pub(crate) own: bool,
    /// What references to the resource call it.
    pub(crate) called: BTreeSet<Text>,
}

/// The name of a schema without case: `edfi_school`; what references and resources meet under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SchemaKey(Text);

impl SchemaKey {
    pub(crate) fn new(schema: &str) -> Self {
        Self(schema.to_ascii_lowercase().into())
    }

    /// The key of an entity of a project, as OpenAPI documents spell schemas: `edfi_school`.
    pub(crate) fn of(project: &str, entity: &str) -> Self {
        Self::new(&format!("{}_{entity}", fold_project(project)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `edfi` of `edfi_school`.
    pub(crate) fn project(&self) -> &str {
        self.0.split_once('_').map_or("", |(project, _)| project)
    }

    /// `school` of `edfi_school`.
    pub(crate) fn entity(&self) -> &str {
        self.0.split_once('_').map_or(self.0.as_str(), |(_, entity)| entity)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct DraftAbstract {
    pub(crate) entity: Text,
    pub(crate) key: Vec<Member>,
    /// Subclasses that a document states, by schema key.
    pub(crate) subclasses: BTreeSet<SchemaKey>,
}

#[derive(Debug, Clone)]
pub(crate) struct DraftResource {
    pub(crate) entity: Text,
    pub(crate) schema: SchemaKey,
    pub(crate) kind: Kind,
    pub(crate) references: BTreeMap<Text, DraftReference>,
    /// Edges without the references behind them.
    pub(crate) stated: BTreeSet<StatedEdge>,
    /// Required fields at any depth, by path.
    pub(crate) fields: BTreeMap<Text, Field>,
    /// Scalars and descriptors of the root object.
    pub(crate) scalars: BTreeMap<Text, FieldType>,
    pub(crate) collections: BTreeMap<Text, Collection>,
    /// Schemas of nested objects, as spelled: they tell a subclass (docs/design.md, "Abstract resources").
    pub(crate) children: BTreeSet<Text>,
    /// What the documents say of the natural key.
    pub(crate) identity: Identity,
    /// Parameters of the collection's GET.
    pub(crate) query: BTreeSet<Text>,
    /// Paths that a parameter queries, where a document states them.
    pub(crate) query_paths: BTreeMap<Text, Vec<Text>>,
    pub(crate) equalities: BTreeSet<Equality>,
    pub(crate) key_may_change: Option<bool>,
    pub(crate) domains: BTreeSet<Text>,
    /// The abstract resource a document says it extends.
    pub(crate) superclass: Option<SchemaKey>,
}

/// What documents say of a natural key, each in its own way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    /// Members of the resource's own reference schema.
    pub(crate) own_reference: Option<Vec<Member>>,
    /// GET parameters flagged as identity, with their types.
    pub(crate) parameters: Vec<Member>,
    /// Root scalars flagged as identity.
    pub(crate) scalars: BTreeSet<Text>,
    /// Key fields with their paths, where a document states both.
    pub(crate) stated: Option<Vec<KeyField>>,
}

impl Identity {
    /// Whether it names fields of the key.
    pub(crate) fn names_fields(&self) -> bool {
        self.own_reference.is_some() || !self.parameters.is_empty() || !self.scalars.is_empty()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct DraftReference {
    pub(crate) target: DraftTarget,
    pub(crate) required: bool,
    /// Whether it identifies, where the document says so itself.
    pub(crate) identifying: Option<bool>,
    /// Members of the reference object and their types.
    pub(crate) members: Vec<Member>,
    /// Members whose name differs from the key field of the target, where a document says so.
    pub(crate) renamed: BTreeMap<Text, Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) name: Text,
    pub(crate) kind: FieldType,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DraftTarget {
    /// The schema a reference schema belongs to, as spelled: `edFi_school`.
    Schema(Text),
    /// A descriptor, known only by the name of the property.
    DescriptorProperty,
    /// `/ed-fi/schoolYearTypes`.
    SchoolYears,
    /// Settled by the document itself, with the alternatives it lists.
    Known(Target, Vec<ResourceName>),
}

impl DraftTarget {
    /// The schema it names.
    pub(crate) fn schema(&self) -> Option<SchemaKey> {
        match self {
            Self::Schema(name) => Some(SchemaKey::new(name)),
            _ => None,
        }
    }
}

impl DraftResource {
    /// An empty resource of that entity; its schema key must follow.
    pub(crate) fn new(entity: Text) -> Self {
        Self {
            schema: SchemaKey::new(&entity),
            entity,
            kind: Kind::Resource,
            references: BTreeMap::new(),
            stated: BTreeSet::new(),
            fields: BTreeMap::new(),
            scalars: BTreeMap::new(),
            collections: BTreeMap::new(),
            children: BTreeSet::new(),
            identity: Identity::default(),
            query: BTreeSet::new(),
            query_paths: BTreeMap::new(),
            equalities: BTreeSet::new(),
            key_may_change: None,
            domains: BTreeSet::new(),
            superclass: None,
        }
    }
}

impl DraftReference {
    /// An optional reference to that target.
    pub(crate) fn to(target: DraftTarget) -> Self {
        Self { target, required: false, identifying: None, members: Vec::new(), renamed: BTreeMap::new() }
    }
}
