//! What an Ed-Fi API consists of: resources, their references, natural keys and fields, as plain data.
//!
//! A [`Model`] comes out of the `source` room, whatever document it was read from, and never changes
//! afterwards. It is split in two: the *outline* (names, kinds, references) that every command needs,
//! and the *details* (keys, fields, query parameters) that an embedded graph decodes only when asked.

mod details;
mod name;
mod published;

pub(crate) use details::LazyDetails;
pub use details::{Collection, Details, Equality, Field, FieldType, KeyField, Kind as FieldKind, QueryParameter};
pub use name::ResourceName;
pub(crate) use name::{fold_project, is_resource_path};
pub use published::{OrderRow, Published, PublishedEdge, PublishedForm, PublishedNode};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A string that is cheap to clone and may borrow from an embedded graph.
pub type Text = SmolStr;

/// The project of the core standard.
pub const ED_FI: &str = "ed-fi";

/// Everything known of one API, from one or several documents.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Where it came from and what it could not know.
    pub metadata: Metadata,
    /// All concrete resources and descriptors, sorted by name, each once.
    pub resources: Vec<Resource>,
    /// Abstract resources, sorted by entity.
    pub abstracts: Vec<AbstractResource>,
    /// Associations that make a person visible to a client, sorted by person.
    pub pathways: Vec<Pathway>,
    pub(crate) details: LazyDetails,
}

impl Model {
    /// The position of a resource in [`Model::resources`]. O(log n).
    #[must_use]
    pub fn position(&self, name: &ResourceName) -> Option<usize> {
        self.resources.binary_search_by(|r| r.name.cmp(name)).ok()
    }

    /// The resource of that exact name. O(log n).
    #[must_use]
    pub fn resource(&self, name: &ResourceName) -> Option<&Resource> {
        self.position(name).and_then(|i| self.resources.get(i))
    }

    /// The abstract resource of that entity name.
    #[must_use]
    pub fn abstract_resource(&self, entity: &str) -> Option<&AbstractResource> {
        self.abstracts.iter().find(|a| a.entity == entity)
    }

    /// Whether its documents state edges and no references, as the GraphML of an API does: then nothing is
    /// known of JSON paths, natural keys, fields and what is required. O(resources).
    #[must_use]
    pub fn edges_only(&self) -> bool {
        let stated = self.resources.iter().any(|resource| !resource.stated.is_empty());
        stated && self.resources.iter().all(|resource| resource.references.is_empty())
    }

    /// Keys, fields and query parameters of a resource; empty for a name the model does not have.
    ///
    /// Decodes the details of an embedded graph on the first call.
    #[must_use]
    pub fn details(&self, name: &ResourceName) -> &Details {
        self.details.get(name)
    }
}

/// Where a model came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What to call it: `ed-fi-5.0`, or the title of the document.
    pub name: Text,
    /// The version of the data standard where the document tells it.
    pub version: Option<Text>,
    /// SHA-256 over the content of the graph, first 16 hexadecimal digits; the same for the same
    /// resources and references, whatever document they were read from.
    pub fingerprint: Text,
    /// For an extension part: the core graph it was split from, `ed-fi-5.0`.
    pub extends: Option<Text>,
    /// The documents it was read from.
    pub origins: Vec<Origin>,
    /// What the documents left open, in sentences for people.
    pub limits: Vec<Text>,
    /// Where documents stated different things: which one was believed, in sentences for people.
    pub settled: Vec<Text>,
}

/// One document that a model was read from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Its kind in words: `OpenAPI 3.0.1, ODS/API`.
    pub kind: Text,
    /// Its own title and version.
    pub title: Text,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: Text,
}

/// What sort of collection a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An ordinary resource.
    Resource,
    /// Coded values, referenced by URI strings.
    Descriptor,
    /// `/ed-fi/schoolYearTypes`: reference data that the host usually owns, left out of the API's own order.
    SchoolYears,
}

/// One API collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `/ed-fi/students`.
    pub name: ResourceName,
    /// `Student`; the name error messages use.
    pub entity: Text,
    /// Resource, descriptor or school years.
    pub kind: Kind,
    /// The abstract resource it is a subclass of: `EducationOrganization`.
    pub superclass: Option<Text>,
    /// References out of it, sorted by path, one a path.
    pub references: Vec<Reference>,
    /// Domains of the standard it belongs to, where the document tells (Data Standard 6 on).
    pub domains: Vec<Text>,
    /// What else it waits for, where a document states edges and not the references behind them; sorted.
    pub stated: Vec<StatedEdge>,
}

/// An edge that a document states without the reference behind it, as the GraphML of an API does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatedEdge {
    /// What comes first.
    pub prerequisite: ResourceName,
    /// The person that the prerequisite makes visible, where the edge runs through a pathway: a reference
    /// to the person or to the association may be behind it. On the person itself it holds the update.
    pub person: Option<ResourceName>,
}

/// A reference from a JSON path inside a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `$.schoolReference`, `$.classPeriods[*].classPeriodReference`.
    pub path: Text,
    /// What it points to.
    pub target: Target,
    /// Whether every step from the document root to it is required.
    pub required: bool,
    /// Whether it contributes to the natural key.
    pub identifying: bool,
    /// Other descriptors its property name could mean, where the name is ambiguous.
    pub alternatives: Vec<ResourceName>,
}

impl Reference {
    /// The name of the property that holds it: `schoolReference`.
    #[must_use]
    pub fn property(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// The extension whose `_ext` block it stands in: `tpdm`.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        extension_of(&self.path)
    }
}

/// The name of the `_ext` block a JSON path runs through, as the document spells it.
pub(crate) fn extension_of(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("._ext.")?;
    rest.split(['.', '[']).next()
}

/// Whether a property or entity is called as descriptors are.
pub(crate) fn names_descriptor(name: &str) -> bool {
    name.ends_with("Descriptor") || name.ends_with("descriptor")
}

/// What a reference points to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// One resource or descriptor.
    Resource(ResourceName),
    /// An abstract resource, by entity: any of its subclasses satisfies it.
    Abstract(Text),
    /// A name that no document at hand resolves: a descriptor property without its descriptors
    /// document, or the entity of an extension that is missing.
    Unresolved(Text),
}

/// A resource that exists only through its subclasses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbstractResource {
    /// `EducationOrganization`.
    pub entity: Text,
    /// Names and types of its key fields: `educationOrganizationId`; the paths are empty.
    pub key: Vec<KeyField>,
    /// Its concrete subclasses, sorted.
    pub subclasses: Vec<ResourceName>,
}

/// The associations that make the people of one resource visible to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pathway {
    /// `/ed-fi/students`.
    pub person: ResourceName,
    /// Other dependents of the person wait for these: `/ed-fi/studentSchoolAssociations`.
    pub associations: Vec<ResourceName>,
    /// The update of the person waits for these as well: for contacts, studentSchoolAssociations.
    pub also_before_update: Vec<ResourceName>,
}
