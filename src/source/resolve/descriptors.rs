//! Which descriptor a property names.

use std::collections::BTreeMap;

use crate::model::{Kind, ResourceName, fold_project};
use crate::source::draft::DraftResource;

/// All descriptors by entity without case: `gradeleveldescriptor`.
pub(super) struct Descriptors {
    by_entity: BTreeMap<String, Vec<ResourceName>>,
}

impl Descriptors {
    pub(super) fn of(resources: &BTreeMap<ResourceName, DraftResource>) -> Self {
        let mut by_entity: BTreeMap<String, Vec<ResourceName>> = BTreeMap::new();
        for (name, resource) in resources.iter().filter(|(_, r)| r.kind == Kind::Descriptor) {
            by_entity.entry(resource.entity.to_ascii_lowercase()).or_default().push(name.clone());
        }
        Self { by_entity }
    }

    /// The descriptors whose entity is a suffix of the property at a word boundary, longest first:
    /// the first is the edge, the others are what else the name could mean.
    ///
    /// Only descriptors of core and of `project`, the project of the property, are candidates; the
    /// project's own comes before core's where both have the name. O(words in the property).
    pub(super) fn named_by(&self, property: &str, project: &str) -> Vec<ResourceName> {
        let project = fold_project(project);
        let starts = property.char_indices().filter(|&(i, c)| i == 0 || c.is_ascii_uppercase()).map(|(i, _)| i);
        let mut found = Vec::new();
        for start in starts {
            let Some(named) = property.get(start..).and_then(|word| self.by_entity.get(&word.to_ascii_lowercase()))
            else {
                continue;
            };
            let of = |own: bool| {
                let project = &project;
                named.iter().filter(move |n| {
                    let is_own = fold_project(n.project()) == *project;
                    is_own == own && (is_own || n.is_core())
                })
            };
            found.extend(of(true).chain(of(false)).cloned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(property: &str, project: &str) -> Vec<String> {
        let entities = [
            ("ed-fi", "GradeLevelDescriptor"),
            ("ed-fi", "RatingLevelDescriptor"),
            ("ed-fi", "EvaluationElementRatingLevelDescriptor"),
            ("tpdm", "GenderDescriptor"),
            ("ed-fi", "IDEAPartDescriptor"),
        ];
        let resources = entities.map(|(project, entity)| {
            let mut resource = DraftResource::new(entity.into());
            resource.kind = Kind::Descriptor;
            (ResourceName::new(project, &format!("{entity}s")), resource)
        });
        let descriptors = Descriptors::of(&resources.into_iter().collect());
        descriptors.named_by(property, project).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_longest_suffix_at_a_word_boundary() {
        assert_eq!(named("exitGradeLevelDescriptor", "ed-fi"), ["/ed-fi/GradeLevelDescriptors"]);
        assert_eq!(
            named("evaluationElementRatingLevelDescriptor", "ed-fi"),
            ["/ed-fi/EvaluationElementRatingLevelDescriptors", "/ed-fi/RatingLevelDescriptors"]
        );
        assert_eq!(named("upgradeLevelDescriptor", "ed-fi"), [""; 0]);
        assert_eq!(named("ideaPartDescriptor", "ed-fi"), ["/ed-fi/IDEAPartDescriptors"]);
    }

    #[test]
    fn only_core_and_the_own_project() {
        assert_eq!(named("genderDescriptor", "TPDM"), ["/tpdm/GenderDescriptors"]);
        assert_eq!(named("genderDescriptor", "ed-fi"), [""; 0]);
    }
}
