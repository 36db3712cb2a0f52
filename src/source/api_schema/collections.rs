//! What to call the child entities behind collections and nested objects.
//!
//! Nothing in an ApiSchema names them, but the name of a mapping does in passing: that of the path
//! `$.addresses[*].periods[*].beginDate` is `Address.Period.BeginDate`, each word the singular of a
//! property. The words are matched, never inflected, and what does not match stays nameless.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Collection, ResourceName, Text};
use crate::source::draft::{DraftResource, SchemaKey};

use super::document::{PathMapping, ResourceSchema};

/// The collections of a resource, by path.
pub(super) fn of(resource: &ResourceSchema) -> BTreeMap<Text, Collection> {
    let mut found: BTreeMap<Text, Collection> = BTreeMap::new();
    for (name, mapping) in &resource.document_paths_mapping {
        for path in mapping.all_paths() {
            for (path, entity) in named(&resource.resource_name, name, mapping, path) {
                let collection = Collection { path: path.clone(), entity };
                found
                    .entry(path)
                    .and_modify(|known| *known = known.clone().min(collection.clone()))
                    .or_insert(collection);
            }
        }
    }
    found
}

/// The collections on the way to one path, as far as the words of its mapping name them.
fn named(root: &str, mapping_name: &str, mapping: &PathMapping, path: &str) -> Vec<(Text, Text)> {
    let reference = mapping.is_reference && !mapping.is_descriptor;
    let mut steps: Vec<&str> = path.split('.').collect();
    // The value itself, and for a member of a reference the reference as well.
    steps.truncate(steps.len().saturating_sub(if reference { 2 } else { 1 }));
    let mut words = mapping_name.split('.');
    let (mut at, mut child, mut found) = (String::from("$"), String::new(), Vec::new());
    let mut extension = false;
    for step in steps.into_iter().skip(1) {
        let property = step.trim_end_matches("[*]");
        let place = format!("{at}.{property}");
        at = format!("{at}.{step}");
        // `_ext` and the name of the extension below it are no entities.
        if std::mem::replace(&mut extension, step == "_ext") || extension {
            continue;
        }
        let Some(word) = words.find_map(|word| singular(root, property, word)) else { break };
        child.push_str(word);
        let entity = match child.starts_with(root) && !reference {
            true => child.clone(),
            false => format!("{root}{child}"),
        };
        found.push((place.into(), entity.into()));
    }
    found
}

/// The word that a property is the plural of: the mapping's, without `Descriptor` or the name of the
/// resource where the property leaves that out.
fn singular<'w>(root: &str, property: &str, word: &'w str) -> Option<&'w str> {
    let bare = word.strip_suffix("Descriptor").filter(|bare| !bare.is_empty());
    let forms = [Some(word), bare].into_iter().flatten();
    let forms = forms.flat_map(|form| [Some(form), form.strip_prefix(root)]).flatten();
    let mut forms = forms.filter(|form| !form.is_empty());
    forms.find(|form| {
        let pairs = property.bytes().zip(form.bytes());
        let shared = pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        shared > 0 && shared + 2 >= form.len() && property.len().abs_diff(form.len()) <= 3
    })
}

/// A collection that all subclasses of one abstract resource have is that of the abstract resource:
/// `EducationOrganizationAddress`, not `SchoolAddress`.
pub(super) fn inherit(resources: &mut BTreeMap<ResourceName, DraftResource>, abstracts: &BTreeMap<SchemaKey, Text>) {
    let mut paths: BTreeMap<SchemaKey, Vec<BTreeSet<Text>>> = BTreeMap::new();
    for resource in resources.values().filter(|r| !r.entity.is_empty()) {
        if let Some(superclass) = &resource.superclass {
            paths.entry(superclass.clone()).or_default().push(resource.collections.keys().cloned().collect());
        }
    }
    // One subclass alone does not tell what it inherits.
    paths.retain(|schema, subclasses| subclasses.len() > 1 && abstracts.contains_key(schema));
    for resource in resources.values_mut() {
        let Some(superclass) = &resource.superclass else { continue };
        let (Some(entity), Some(all)) = (abstracts.get(superclass), paths.get(superclass)) else { continue };
        for collection in resource.collections.values_mut() {
            if all.iter().all(|paths| paths.contains(&collection.path))
                && let Some(child) = collection.entity.strip_prefix(resource.entity.as_str())
            {
                collection.entity = format!("{entity}{child}").into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_mapping_name_the_collections_on_its_path() {
        let value = PathMapping::default();
        let reference = PathMapping { is_reference: true, ..PathMapping::default() };
        let descriptor = PathMapping { is_reference: true, is_descriptor: true, ..PathMapping::default() };
        for (root, name, mapping, path, expected) in [
            (
                "Contact",
                "Address.Period.BeginDate",
                &value,
                "$.addresses[*].periods[*].beginDate",
                &[("$.addresses", "ContactAddress"), ("$.addresses[*].periods", "ContactAddressPeriod")][..],
            ),
            (
                "Course",
                "CourseLevelCharacteristicDescriptor",
                &descriptor,
                "$.levelCharacteristics[*].x",
                &[("$.levelCharacteristics", "CourseLevelCharacteristic")],
            ),
            (
                "Intervention",
                "InterventionPrescription",
                &reference,
                "$.interventionPrescriptions[*].r.id",
                &[("$.interventionPrescriptions", "InterventionInterventionPrescription")],
            ),
            // An inlined common leaves no trace in the path.
            ("Plan", "Credits.CreditTypeDescriptor", &descriptor, "$.creditTypeDescriptor", &[]),
            ("Plan", "Course.Credits.Type", &value, "$.courses[*].type", &[("$.courses", "PlanCourse")]),
            (
                "School",
                "Bus",
                &reference,
                "$._ext.sample.buses[*].busReference.busId",
                &[("$._ext.sample.buses", "SchoolBus")],
            ),
            ("School", "Other", &value, "$.things[*].other", &[]),
        ] {
            let found = named(root, name, mapping, path);
            let found: Vec<_> = found.iter().map(|(path, entity)| (path.as_str(), entity.as_str())).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
