//! Finding a resource by whatever people and servers call it.

use super::{DependencyGraph, ResourceId, id};
use crate::model::{ED_FI, ResourceName, fold_project};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A resource or descriptor.
    Resource(ResourceId),
    /// An abstract resource, by its place among [`DependencyGraph::abstracts`].
    Abstract(usize),
}

/// A name that stands for nothing, or for several things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No such resource.
    #[error("unknown resource '{name}'{}", did_you_mean(.nearest))]
    Unknown {
        /// What was asked for.
        name: String,
        /// Resources with similar names, nearest first.
        nearest: Vec<String>,
    },
    /// The same name in several projects.
    #[error("'{name}' is the name of {}. Write one of these in full", listed(.candidates, "and"))]
    Homograph {
        /// What was asked for.
        name: String,
        /// All resources of that name.
        candidates: Vec<ResourceName>,
    },
}

pub(crate) fn did_you_mean(nearest: &[String]) -> String {
    if nearest.is_empty() {
        ". 'edfi-plan list' shows all".to_owned()
    } else {
        format!(". Did you mean {}?", listed(nearest, "or"))
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn listed<T: std::fmt::Display>(items: &[T], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.to_string(),
        [rest @ .., end] => {
            let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
            format!("{} {last} {end}", rest.join(", "))
        }
    }
}

impl DependencyGraph {
    /// Finds a resource by endpoint, path, entity, schema or reference name, without regard to case:
    /// `students`, `/ed-fi/students`, `ed-fi/students`, `Student`, `edfi.Student`, `edFi_student`,
    /// `studentReference`. Parents and contacts stand for each other where only one of them exists.
    /// O(n).
    ///
    /// # Errors
    ///
    /// An unknown name, with the nearest ones, or one that several projects have.
    pub fn find(&self, name: &str) -> Result<Found, LookupError> {
        let wanted = Wanted::new(name);
        let mut found = self.matches(&wanted);
        if found.is_empty() {
            found = wanted.renamed().map(|other| self.matches(&other)).unwrap_or_default();
        }
        match found.as_slice() {
            [only] => Ok(*only),
            [] => Err(LookupError::Unknown { name: name.to_owned(), nearest: self.nearest(&wanted) }),
            _ => {
                let name_of = |found: &Found| match found {
                    Found::Resource(id) => Some(self.name(*id).clone()),
                    Found::Abstract(_) => None,
                };
                let candidates = found.iter().filter_map(name_of).collect();
                Err(LookupError::Homograph { name: name.to_owned(), candidates })
            }
        }
    }

    /// The concrete resources a name stands for: of an abstract resource, all its subclasses.
    ///
    /// # Errors
    ///
    /// As [`DependencyGraph::find`].
    pub fn find_all(&self, name: &str) -> Result<Vec<ResourceId>, LookupError> {
        Ok(self.meant(self.find(name)?))
    }

    /// The concrete resources that are meant: of an abstract resource, all its subclasses.
    #[must_use]
    pub fn meant(&self, found: Found) -> Vec<ResourceId> {
        match found {
            Found::Resource(id) => vec![id],
            Found::Abstract(place) => self.subclasses_at(place).to_vec(),
        }
    }

    /// What a reference points to, by the name that answers give it: `/ed-fi/students`, `EducationOrganization`.
    /// O(log resources + abstract resources).
    #[must_use]
    pub fn target(&self, name: &str) -> Option<Found> {
        match self.abstracts().iter().position(|above| above.entity == name) {
            Some(place) => Some(Found::Abstract(place)),
            None => self.id(&name.parse().ok()?).map(Found::Resource),
        }
    }

    fn matches(&self, wanted: &Wanted) -> Vec<Found> {
        let resources = self.model.resources.iter().enumerate();
        let resources = resources.filter(|(_, r)| wanted.is(r.name.project(), r.name.endpoint(), &r.entity));
        let found: Vec<Found> = resources.map(|(index, _)| Found::Resource(id(index))).collect();
        if !found.is_empty() {
            return found;
        }
        let abstracts = self.abstracts().iter().enumerate();
        abstracts.filter(|(_, a)| wanted.is(ED_FI, "", &a.entity)).map(|(index, _)| Found::Abstract(index)).collect()
    }

    /// Up to three resources, abstract ones among them, whose names are close to a wrong one, nearest
    /// first; where a project was named, its distance counts as well.
    fn nearest(&self, name: &Wanted) -> Vec<String> {
        let wanted = name.plain.as_str();
        // A typo is a letter in four; a part of a name counts as close, too.
        let length = wanted.chars().count();
        let bound = (length / 4).max(1);
        let distance = |spellings: &[&str]| {
            // No name is nearer than their lengths are: of one that is longer than any, nothing is compared.
            let close = spellings.iter().filter(|text| text.chars().count().abs_diff(length) <= bound);
            let to = |text: &&str| strsim::damerau_levenshtein(wanted, &text.to_ascii_lowercase());
            close.map(to).min().unwrap_or(usize::MAX)
        };
        let contained = |plain: &str| wanted.len() >= 4 && plain.to_ascii_lowercase().contains(wanted);
        let away = |project: &str| {
            let named = name.project.as_deref();
            named.map_or(0, |named| strsim::damerau_levenshtein(named, &fold_project(project)))
        };
        let resources = self.model.resources.iter().map(|r| {
            let name = &r.name;
            let spellings = [name.endpoint(), &r.entity, name.as_str()];
            (distance(&spellings), name.endpoint(), name.project(), name.as_str(), name.short())
        });
        let abstracts = self.abstracts().iter().map(|a| {
            let entity = a.entity.as_str();
            (distance(&[entity]), entity, ED_FI, entity, entity)
        });
        let mut close: Vec<(usize, &str, &str)> = resources
            .chain(abstracts)
            .map(|(distance, plain, project, full, short)| {
                let distance = if contained(plain) { distance.min(bound) } else { distance };
                (distance, project, full, short)
            })
            .filter(|(distance, ..)| *distance <= bound)
            .map(|(distance, project, full, short)| (distance + away(project), full, short))
            .collect();
        close.sort();
        close.into_iter().take(3).map(|(_, _, short)| short.to_owned()).collect()
    }
}

/// A name as somebody wrote it, taken apart.
struct Wanted {
    /// `edfi`, where the name carries a project.
    project: Option<String>,
    /// The rest, in lower case.
    plain: String,
}

impl Wanted {
    fn new(name: &str) -> Self {
        let lower = name.trim().trim_matches('/').to_ascii_lowercase();
        // A path has slashes, an entity a dot, a schema an underscore.
        let (project, plain) = match lower.split_once(['/', '.', '_']) {
            Some((project, plain)) => (Some(fold_project(project)), plain.replace('_', "")),
            None => (None, lower),
        };
        Self { project, plain }
    }

    fn is(&self, project: &str, endpoint: &str, entity: &str) -> bool {
        let name = self.plain.as_str();
        let referenced = name.strip_suffix("reference");
        let named = (!endpoint.is_empty() && name.eq_ignore_ascii_case(endpoint))
            || name.eq_ignore_ascii_case(entity)
            || referenced.is_some_and(|base| base.eq_ignore_ascii_case(entity));
        named && self.project.as_deref().is_none_or(|wanted| wanted == fold_project(project))
    }

    /// The name before or after Data Standard 5 renamed parents to contacts.
    fn renamed(&self) -> Option<Self> {
        let swap = |from: &str, to: &str| self.plain.contains(from).then(|| self.plain.replace(from, to));
        let plain = swap("parent", "contact").or_else(|| swap("contact", "parent"))?;
        Some(Self { project: self.project.clone(), plain })
    }
}
