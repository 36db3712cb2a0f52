//! The name of a resource: project and endpoint.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ED_FI, Text};

/// What the names of the core standard start with.
const CORE: &[u8] = b"/ed-fi/";

/// `/ed-fi/students`: a project and an endpoint name, as the API's paths have them.
///
/// Ordered by project, then endpoint.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceName(Text);

impl ResourceName {
    /// A name from its two parts.
    #[must_use]
    pub fn new(project: &str, endpoint: &str) -> Self {
        let mut path = String::with_capacity(project.len() + endpoint.len() + 2);
        path.push('/');
        path.push_str(project);
        path.push('/');
        path.push_str(endpoint);
        Self(path.into())
    }

    /// A name from a whole path, when it has exactly the form `/project/endpoint`.
    pub(crate) fn from_path(path: Text) -> Option<Self> {
        is_resource_path(&path).then_some(Self(path))
    }

    /// A name that had the form `/project/endpoint` when it was written down.
    pub(crate) fn known(path: Text) -> Self {
        debug_assert!(is_resource_path(&path), "{path}");
        Self(path)
    }

    /// The project: `ed-fi`.
    #[must_use]
    pub fn project(&self) -> &str {
        self.split().0
    }

    /// The endpoint name: `students`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.split().1
    }

    /// The whole path, for machines: `/ed-fi/students`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for people: the project is left out where it is `ed-fi`.
    #[must_use]
    pub fn short(&self) -> &str {
        let (project, endpoint) = self.split();
        if project == ED_FI { endpoint } else { self.0.get(1..).unwrap_or_default() }
    }

    /// Whether it belongs to the core standard.
    #[must_use]
    pub fn is_core(&self) -> bool {
        self.project() == ED_FI
    }

    fn split(&self) -> (&str, &str) {
        let slash = self.0.bytes().skip(1).position(|byte| byte == b'/').map_or(self.0.len(), |place| place + 1);
        (self.0.get(1..slash).unwrap_or_default(), self.0.get(slash + 1..).unwrap_or_default())
    }
}

/// Whether a path has exactly the form `/project/endpoint`.
pub(crate) fn is_resource_path(path: &str) -> bool {
    let Some((project, endpoint)) = path.strip_prefix('/').and_then(|rest| rest.split_once('/')) else { return false };
    !project.is_empty() && !endpoint.is_empty() && !path.contains(['{', '}']) && !endpoint.contains('/')
}

/// A project without case and punctuation: `grandbend` for `grand-bend`, `GrandBend` and `grandBend`.
pub(crate) fn fold_project(project: &str) -> String {
    project.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

impl PartialOrd for ResourceName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (ours, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        // Nearly all are of core, and endpoints have no slash.
        if let (Some(ours), Some(theirs)) = (ours.strip_prefix(CORE), theirs.strip_prefix(CORE)) {
            return ours.cmp(theirs);
        }
        // The slash between project and endpoint comes before every other character: no parts have to be found.
        match ours.iter().zip(theirs).find(|(a, b)| a != b) {
            Some((a, b)) => (*a != b'/', a).cmp(&(*b != b'/', b)),
            None => ours.len().cmp(&theirs.len()),
        }
    }
}

impl fmt::Debug for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not `/project/endpoint`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a resource path such as /ed-fi/students")]
pub struct NotAResourcePath(String);

impl FromStr for ResourceName {
    type Err = NotAResourcePath;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Self::from_path(path.into()).ok_or_else(|| NotAResourcePath(path.to_owned()))
    }
}

impl TryFrom<String> for ResourceName {
    type Error = NotAResourcePath;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        path.parse()
    }
}

impl From<ResourceName> for String {
    fn from(name: ResourceName) -> Self {
        name.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_forms() {
        let name: ResourceName = "/tpdm/candidates".parse().unwrap();
        assert_eq!((name.project(), name.endpoint()), ("tpdm", "candidates"));
        assert_eq!(name.short(), "tpdm/candidates");
        assert_eq!(ResourceName::new("ed-fi", "students").short(), "students");
        for wrong in ["", "/", "students", "/ed-fi", "/ed-fi/", "/ed-fi/students/{id}", "//students", "/a/b/c"] {
            assert!(wrong.parse::<ResourceName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ordered_by_project_then_endpoint() {
        let ordered = ["/ed-fi/a", "/ed-fi/ab", "/ed-fi/b", "/ed-fi!/a", "/ed-fi-x/a", "/ed-fi.x/a", "/tpdm/a"];
        let mut names = ordered.map(|n| n.parse::<ResourceName>().unwrap());
        names.reverse();
        names.sort();
        assert_eq!(names.clone().map(|n| n.to_string()), ordered);
        for (a, b) in names.iter().flat_map(|a| names.iter().map(move |b| (a, b))) {
            assert_eq!(a.cmp(b), a.split().cmp(&b.split()), "{a} {b}");
        }
    }
}
