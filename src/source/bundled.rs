//! The graphs that the binary carries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::api::DataModel;
use crate::model::{Kind, Model, ResourceName, Text};

use super::compact::{Digest, Names};
use super::draft::SchemaKey;
use super::resolve::school_years;
use super::{SourceError, compact, part};

/// One bundled graph: a core standard, or an extension part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standard {
    /// `ed-fi-5.0`, or `ed-fi-5.0+tpdm` for a part.
    pub name: &'static str,
    bytes: &'static [u8],
}

macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        [$(Standard { name: $name, bytes: include_bytes!(concat!("../../graphs/", $name, ".bin")) }),*]
    };
}

/// In order of age, parts after their core.
static BUNDLED: &[Standard] = &bundled![
    "ed-fi-3.3",
    "ed-fi-3.3+tpdm",
    "ed-fi-4.0",
    "ed-fi-4.0+tpdm",
    "ed-fi-5.0",
    "ed-fi-5.0+tpdm",
    "ed-fi-5.1",
    "ed-fi-5.2",
    "ed-fi-5.2+homograph",
    "ed-fi-5.2+sample",
    "ed-fi-5.2+tpdm",
    "ed-fi-6.0",
];

/// The graph that is used where none is named: the newest standard that hosts commonly run, from the
/// richest documents there are.
pub const DEFAULT: &str = "ed-fi-5.2";

/// All bundled graphs, oldest first, parts after their core.
#[must_use]
pub fn standards() -> &'static [Standard] {
    BUNDLED
}

impl Standard {
    /// The graph as it was imported: of a part, only what it adds.
    #[must_use]
    pub fn model(self) -> Model {
        // The bytes are compiled in and a test reads every one of them back.
        compact::unpack(self.bytes).unwrap_or_default()
    }
}

/// A bundled graph by name, with any number of its parts: `ed-fi-5.0`, `ed-fi-5.0+tpdm`.
///
/// # Errors
///
/// A name that is not bundled; the error lists those that are.
pub fn standard(name: &str) -> Result<Model, SourceError> {
    let unknown = || SourceError::NoSuchStandard {
        name: name.to_owned(),
        known: BUNDLED.iter().map(|s| s.name).collect::<Vec<_>>().join(", "),
    };
    let find = |wanted: &str| BUNDLED.iter().find(|s| s.name.eq_ignore_ascii_case(wanted)).ok_or_else(unknown);
    let mut names = name.split('+');
    let core = find(names.next().unwrap_or_default())?;
    let mut extensions: Vec<&str> = names.collect();
    extensions.sort_unstable();
    extensions.dedup();
    let parts = extensions
        .into_iter()
        .map(|extension| find(&format!("{}+{extension}", core.name)).map(|part| part.model()))
        .collect::<Result<Vec<_>, _>>()?;
    let core = core.model();
    Ok(if parts.is_empty() { core } else { part::join(core, parts) })
}

/// The names of all bundled graphs.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    BUNDLED.iter().map(|s| s.name)
}

/// The core graphs, oldest first.
fn cores() -> impl Iterator<Item = &'static Standard> {
    BUNDLED.iter().filter(|s| !s.name.contains('+'))
}

/// The entities of all bundled graphs; of a name that changed its entity, the newest.
pub(super) fn entities() -> HashMap<ResourceName, Text> {
    let resources = BUNDLED.iter().flat_map(|standard| standard.model().resources);
    resources.filter(|r| !r.entity.is_empty()).map(|r| (r.name, r.entity)).collect()
}

/// The core graphs that have all of these entities, abstract ones included.
pub(super) fn cores_with(entities: &BTreeSet<SchemaKey>) -> Vec<&'static str> {
    let has_all = |model: &Model| {
        let resources = model.resources.iter().map(|r| SchemaKey::of(r.name.project(), &r.entity));
        let abstracts = model.abstracts.iter().map(|a| SchemaKey::of(crate::model::ED_FI, &a.entity));
        let known: BTreeSet<SchemaKey> = resources.chain(abstracts).collect();
        entities.is_subset(&known)
    };
    cores().filter(|standard| has_all(&standard.model())).map(|standard| standard.name).collect()
}

/// The core graphs, oldest first, with the names of each resource's key by entity, in lower case.
pub(super) fn core_keys() -> Vec<(&'static str, BTreeMap<SchemaKey, BTreeSet<String>>)> {
    let keys = |model: &Model| {
        let own = model.resources.iter().filter(|resource| resource.kind == Kind::Resource);
        own.map(|resource| {
            let key = &model.details(&resource.name).key;
            let names = key.iter().map(|field| field.name.to_lowercase()).collect();
            (SchemaKey::of(resource.name.project(), &resource.entity), names)
        })
        .collect()
    };
    cores().map(|standard| (standard.name, keys(&standard.model()))).collect()
}

/// The data standards whose core has exactly these resources, or exactly these descriptors, or both.
pub(super) fn standards_of(
    resources: &BTreeSet<&ResourceName>,
    descriptors: &BTreeSet<&ResourceName>,
) -> BTreeSet<String> {
    if resources.is_empty() && descriptors.is_empty() {
        return BTreeSet::new();
    }
    // Digests: unpacking every standard would take longer than reading the documents.
    let digest = |names: &BTreeSet<&ResourceName>| Digest::of(names.iter().copied());
    let (given_resources, given_descriptors) = (digest(resources), digest(descriptors));
    let fits = |names: Names| {
        (resources.is_empty() || names.resources == given_resources)
            && (descriptors.is_empty() || names.descriptors == given_descriptors)
    };
    let version = |name: &str| name.rsplit('-').next().unwrap_or(name).to_owned();
    let fitting = cores().filter(|standard| compact::names(standard.bytes).is_some_and(fits));
    fitting.map(|standard| version(standard.name)).collect()
}

/// The bundled graph, with its parts, that fits what an API says it serves; `None` where none does.
///
/// Versions agree in major and minor: `5.1.0` and `3.3.1-b` are served by `ed-fi-5.1` and `ed-fi-3.3`.
#[must_use]
pub fn fitting(models: &[DataModel]) -> Option<String> {
    let folded = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let bundled = |name: &str| BUNDLED.iter().any(|standard| standard.name == name);
    let core = models.iter().find(|model| folded(&model.name) == "edfi")?;
    let mut numbers = core.version.split('.');
    let core = format!("ed-fi-{}.{}", numbers.next()?, numbers.next()?);
    if !bundled(&core) {
        return None;
    }
    let mut parts: Vec<String> = models.iter().map(|model| folded(&model.name)).collect();
    parts.sort_unstable();
    parts.dedup();
    let parts = parts.into_iter().filter(|part| bundled(&format!("{core}+{part}"))).map(|part| format!("+{part}"));
    Some(std::iter::once(core.clone()).chain(parts).collect())
}

/// The bundled graph, with its parts, that has exactly these resources of core and all that it can have of
/// the others; school years do not count. `None` where no core has them.
pub(super) fn with_resources<'n>(names: impl Iterator<Item = &'n ResourceName>) -> Option<String> {
    let names: BTreeSet<&ResourceName> = names.filter(|name| **name != school_years()).collect();
    let here: BTreeSet<&ResourceName> = names.iter().copied().filter(|name| name.is_core()).collect();
    let same = |model: &Model| {
        let all = model.resources.iter().filter(|r| r.kind != Kind::SchoolYears).map(|r| &r.name);
        all.collect::<BTreeSet<_>>() == here
    };
    let core = cores().find(|standard| same(&standard.model()))?.name;
    let parts = BUNDLED.iter().filter_map(|standard| {
        let project = standard.name.strip_prefix(core)?.strip_prefix('+')?;
        names.iter().any(|name| name.project() == project).then_some(project)
    });
    Some(std::iter::once(core).chain(parts).collect::<Vec<_>>().join("+"))
}

/// The way out for who has only the order or the edges of an API: its other documents, or the bundled graph
/// that has the same resources.
#[must_use]
pub fn instead_of<'n>(names: impl Iterator<Item = &'n ResourceName>) -> String {
    let documents = "Give the API's OpenAPI documents with -m";
    match with_resources(names) {
        Some(graph) => format!("{documents}, or -m {graph} (bundled), which has these resources"),
        None => documents.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_graph_for_what_an_api_serves() {
        let fit = |models: &[(&str, &str)]| {
            let model = |(name, version): &(&str, &str)| DataModel { name: (*name).into(), version: (*version).into() };
            fitting(&models.iter().map(model).collect::<Vec<_>>())
        };
        assert_eq!(fit(&[("Ed-Fi", "5.1.0")]).as_deref(), Some("ed-fi-5.1"));
        assert_eq!(fit(&[("TPDM", "1.1.0"), ("Ed-Fi", "3.3.1-b"), ("Mine", "1")]).as_deref(), Some("ed-fi-3.3+tpdm"));
        assert_eq!(fit(&[("Ed-Fi", "9.9.0")]), None);
        assert_eq!(fit(&[("TPDM", "1.1.0")]), None);
        assert_eq!(fit(&[("Ed-Fi", "5")]), None);
    }
}
