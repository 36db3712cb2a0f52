//! What only some commands need of a resource: its natural key, fields and query parameters.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{ResourceName, Text};

/// Keys, fields and query parameters of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The natural key, sorted by name.
    pub key: Vec<KeyField>,
    /// Required fields at any depth, sorted by path. A field inside an optional object or a
    /// collection is required of every such object or item.
    pub fields: Vec<Field>,
    /// Collections and nested objects that the database keeps as child entities, sorted by path.
    pub collections: Vec<Collection>,
    /// Parameters that a GET of the collection accepts, sorted by name.
    pub query: Vec<QueryParameter>,
    /// Values that the model declares equal, sorted.
    pub equalities: Vec<Equality>,
    /// Whether an update may change the natural key, where the document tells.
    pub key_may_change: Option<bool>,
    /// Members of references whose name is not the name of the target's key field:
    /// (path of the member, key field of the target), sorted.
    pub renamed: Vec<(Text, Text)>,
}

/// One field of a natural key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyField {
    /// Its name, as references to the resource spell it.
    pub name: Text,
    /// Its type.
    pub kind: FieldType,
    /// Where the document holds it; several where references merge into one field, none where no
    /// document tells. Sorted.
    pub paths: Vec<Text>,
}

/// One scalar, object or collection that the object which holds it must have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// `$.weekIdentifier`, `$.addresses[*].city`.
    pub path: Text,
    /// Its type.
    pub kind: FieldType,
}

/// Type, format and length of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldType {
    /// The JSON type, or the finer type that the format tells.
    pub kind: Kind,
    /// Longest string allowed, in characters.
    pub max_length: Option<u32>,
    /// Shortest string, in characters, or fewest items.
    pub min: Option<u32>,
}

/// How a value compares and what JSON it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Text.
    #[default]
    String,
    /// Text that is a descriptor URI.
    Descriptor,
    /// Text that is a date.
    Date,
    /// Text that is a time of day.
    Time,
    /// Text that is an instant.
    DateTime,
    /// A 32-bit or unbounded integer.
    Integer,
    /// A 64-bit integer.
    Long,
    /// A decimal number.
    Number,
    /// True or false.
    Boolean,
    /// A nested object.
    Object,
    /// A nested object that is a reference.
    Reference,
    /// A collection.
    Array,
}

impl Kind {
    /// Its name in graph files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(kind, _)| *kind == self).map_or("string", |(_, name)| name)
    }

    /// The kind that compares as this one does, but without case: text is then compared as descriptors are.
    pub(crate) fn without_case(self) -> Self {
        if self == Self::String { Self::Descriptor } else { self }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, n)| *n == name).map(|(kind, _)| *kind)
    }
}

const NAMES: [(Kind, &str); 12] = [
    (Kind::String, "string"),
    (Kind::Descriptor, "descriptor"),
    (Kind::Date, "date"),
    (Kind::Time, "time"),
    (Kind::DateTime, "date-time"),
    (Kind::Integer, "integer"),
    (Kind::Long, "long"),
    (Kind::Number, "number"),
    (Kind::Boolean, "boolean"),
    (Kind::Object, "object"),
    (Kind::Reference, "reference"),
    (Kind::Array, "array"),
];

/// A nested collection or object and the entity that messages call it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Collection {
    /// `$.identificationCodes`.
    pub path: Text,
    /// `CourseIdentificationCode`.
    pub entity: Text,
}

/// A parameter of the collection's GET.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryParameter {
    /// Its name in the URL.
    pub name: Text,
    /// The fields it compares with; several where they merge.
    pub paths: Vec<Text>,
}

/// Two values of one document that must be equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Equality {
    /// One path.
    pub left: Text,
    /// The other, sorted after it.
    pub right: Text,
    /// Where it is stated: `ApiSchema`.
    pub stated_by: Text,
}

type Decode = Arc<dyn Fn() -> BTreeMap<ResourceName, Details> + Send + Sync>;

/// The details of all resources, decoded on first use.
#[derive(Clone)]
pub(crate) struct LazyDetails {
    decoded: OnceLock<BTreeMap<ResourceName, Details>>,
    decode: Option<Decode>,
}

impl LazyDetails {
    /// Details that will be decoded when first asked for.
    pub(crate) fn later(decode: impl Fn() -> BTreeMap<ResourceName, Details> + Send + Sync + 'static) -> Self {
        Self { decoded: OnceLock::new(), decode: Some(Arc::new(decode)) }
    }

    pub(crate) fn get(&self, name: &ResourceName) -> &Details {
        static NONE: Details = Details {
            key: Vec::new(),
            fields: Vec::new(),
            collections: Vec::new(),
            query: Vec::new(),
            equalities: Vec::new(),
            key_may_change: None,
            renamed: Vec::new(),
        };
        self.all().get(name).unwrap_or(&NONE)
    }

    pub(crate) fn all(&self) -> &BTreeMap<ResourceName, Details> {
        self.decoded.get_or_init(|| self.decode.as_ref().map(|decode| decode()).unwrap_or_default())
    }
}

impl From<BTreeMap<ResourceName, Details>> for LazyDetails {
    fn from(details: BTreeMap<ResourceName, Details>) -> Self {
        Self { decoded: OnceLock::from(details), decode: None }
    }
}

impl Default for LazyDetails {
    fn default() -> Self {
        BTreeMap::new().into()
    }
}

impl fmt::Debug for LazyDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.all()).finish()
    }
}
