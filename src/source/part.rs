//! Parts: what an extension adds, split off from a whole graph and put back.

use std::collections::BTreeMap;

use crate::model::{
    AbstractResource, Details, LazyDetails, Model, Reference, Resource, ResourceName, Text, extension_of,
};

use super::resolve::pathways;
use super::sha256;
use crate::model::fold_project;

/// Splits off what the extension `project` adds: its resources, and what stands under its `_ext`
/// blocks in other resources. The fingerprint stays that of the whole.
#[must_use]
pub fn part(whole: &Model, project: &str, core: &str) -> Model {
    let folded = fold_project(project);
    let own = |name: &ResourceName| fold_project(name.project()) == folded;
    let within = |path: &str| extension_of(path).is_some_and(|e| fold_project(e) == folded);
    let mut resources = Vec::new();
    let mut details = BTreeMap::new();
    for resource in &whole.resources {
        let found = whole.details(&resource.name);
        if own(&resource.name) {
            resources.push(resource.clone());
            details.insert(resource.name.clone(), found.clone());
            continue;
        }
        let references: Vec<Reference> = resource.references.iter().filter(|r| within(&r.path)).cloned().collect();
        let added = Details {
            fields: found.fields.iter().filter(|f| within(&f.path)).cloned().collect(),
            collections: found.collections.iter().filter(|c| within(&c.path)).cloned().collect(),
            equalities: found.equalities.iter().filter(|e| within(&e.left) || within(&e.right)).cloned().collect(),
            renamed: found.renamed.iter().filter(|(member, _)| within(member)).cloned().collect(),
            ..Details::default()
        };
        if !references.is_empty() || added != Details::default() {
            resources.push(Resource {
                references,
                entity: Text::default(),
                superclass: None,
                domains: Vec::new(),
                stated: Vec::new(),
                ..resource.clone()
            });
            details.insert(resource.name.clone(), added);
        }
    }
    let abstracts = whole.abstracts.iter().filter_map(|a| {
        let subclasses: Vec<_> = a.subclasses.iter().filter(|name| own(name)).cloned().collect();
        (!subclasses.is_empty()).then(|| AbstractResource { subclasses, ..a.clone() })
    });
    let mut metadata = whole.metadata.clone();
    metadata.extends = Some(core.into());
    // What was settled about core is said by core.
    let about = [format!("/{project}/"), format!("._ext.{project}.")];
    metadata.settled.retain(|line| about.iter().any(|name| line.to_lowercase().contains(&name.to_lowercase())));
    Model { metadata, abstracts: abstracts.collect(), resources, pathways: Vec::new(), details: details.into() }
}

/// Puts a core graph and parts of it together again. O(resources).
#[must_use]
pub(super) fn join(core: Model, parts: Vec<Model>) -> Model {
    let mut resources: BTreeMap<ResourceName, Resource> =
        core.resources.iter().map(|r| (r.name.clone(), r.clone())).collect();
    let mut abstracts: BTreeMap<Text, AbstractResource> =
        core.abstracts.iter().map(|a| (a.entity.clone(), a.clone())).collect();
    let mut metadata = core.metadata.clone();
    for part in &parts {
        for resource in &part.resources {
            match resources.get_mut(&resource.name) {
                Some(known) => {
                    known.references.extend(resource.references.iter().cloned());
                    known.references.sort_by(|a, b| a.path.cmp(&b.path));
                }
                None => {
                    resources.insert(resource.name.clone(), resource.clone());
                }
            }
        }
        for found in &part.abstracts {
            let known = abstracts
                .entry(found.entity.clone())
                .or_insert_with(|| AbstractResource { subclasses: Vec::new(), ..found.clone() });
            known.subclasses.extend(found.subclasses.iter().cloned());
            known.subclasses.sort();
            known.subclasses.dedup();
        }
        metadata.name = part.metadata.name.clone();
        metadata.limits.extend(part.metadata.limits.iter().cloned());
        metadata.settled.extend(part.metadata.settled.iter().cloned());
        metadata.origins.extend(part.metadata.origins.iter().cloned());
        metadata.fingerprint = part.metadata.fingerprint.clone();
    }
    if let [_, _, ..] = parts.as_slice() {
        // A part carries the fingerprint of core and itself; several together have none of their own.
        let extensions: Vec<&str> =
            parts.iter().filter_map(|p| p.metadata.name.split_once('+')).map(|(_, e)| e).collect();
        metadata.name = format!("{}+{}", core.metadata.name, extensions.join("+")).into();
        let prints: Vec<&str> = parts.iter().map(|p| p.metadata.fingerprint.as_str()).collect();
        metadata.fingerprint = sha256(prints.join("+").as_bytes()).get(..16).unwrap_or_default().into();
    }
    metadata.limits.sort();
    metadata.limits.dedup();
    metadata.settled.sort();
    metadata.settled.dedup();
    metadata.origins.sort();
    metadata.origins.dedup();
    let resources: Vec<Resource> = resources.into_values().collect();
    Model {
        metadata,
        pathways: pathways(&resources),
        resources,
        abstracts: abstracts.into_values().collect(),
        details: LazyDetails::later(move || joined_details(&core, &parts)),
    }
}

fn joined_details(core: &Model, parts: &[Model]) -> BTreeMap<ResourceName, Details> {
    let mut all = core.details.all().clone();
    for (name, added) in parts.iter().flat_map(|part| part.details.all()) {
        let Some(known) = all.get_mut(name) else {
            all.insert(name.clone(), added.clone());
            continue;
        };
        extend(&mut known.fields, &added.fields);
        extend(&mut known.collections, &added.collections);
        extend(&mut known.equalities, &added.equalities);
        extend(&mut known.renamed, &added.renamed);
    }
    all
}

fn extend<T: Ord + Clone>(known: &mut Vec<T>, added: &[T]) {
    known.extend_from_slice(added);
    known.sort();
    known.dedup();
}
