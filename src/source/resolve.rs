//! From drafts to a model: the rules that need all documents at once (docs/design.md, "Statements first, rules
//! once").

mod descriptors;
mod keys;
mod subclasses;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AbstractResource, Details, ED_FI, FieldKind, FieldType, KeyField, Kind, Metadata, Model, Pathway, Reference,
    Resource, ResourceName, Target, Text, extension_of, fold_project,
};

use self::descriptors::Descriptors;
use super::draft::{Draft, DraftAbstract, DraftReference, DraftResource, DraftTarget, SchemaKey, Standing};
use super::{cores, fingerprint};

/// Abstract even where a document gives them a path, as MetaEd does (docs/design.md, "Abstract resources").
pub(crate) const ALWAYS_ABSTRACT: [&str; 2] = ["edfi_educationorganization", "edfi_generalstudentprogramassociation"];

/// The target and the alternatives that a reference turned out to have.
type Resolved = (Target, Vec<ResourceName>);

/// `/ed-fi/schoolYearTypes`.
const SCHOOL_YEARS: &str = "schoolYearTypes";

/// Its entity.
pub(crate) const SCHOOL_YEAR_TYPE: &str = "SchoolYearType";

/// Limits that only all documents together show.
const NO_DESCRIPTORS: &str = "no descriptors document: descriptor references are known by property name only";
const STATED_KEYS: &str = "natural keys come from ApiSchema alone, which may leave out fields of inlined commons, such \
                           as the date of attendance events; OpenAPI documents of the same standard settle them";
const NO_ROLES: &str = "natural keys come from MetaEd's OpenAPI alone, which names no roles in them: of key fields \
                        that role-named references bring under one name, such as the two schools of a feeder school \
                        association, it has one; another document of the same standard settles them";
/// YAML that is cut off at the end of a line is whole to its parser; only this tells.
pub(super) const ANOTHER_FINGERPRINT: &str = "the fingerprint of the graph file is not that of its content: it was \
                                              edited or cut off, or another version of edfi-plan wrote it";
const UNDESCRIBED: &str = " is referenced, but no document describes it";

/// Turns the merged statements of all documents into a model.
pub(super) fn resolve(mut draft: Draft, without: &[String]) -> Model {
    leave_out(&mut draft, without);
    let mut abstracts = set_apart_abstracts(&mut draft);
    let by_schema: BTreeMap<SchemaKey, ResourceName> =
        draft.resources.iter().map(|(name, resource)| (resource.schema.clone(), name.clone())).collect();
    let descriptors = Descriptors::of(&draft.resources);
    let superclasses = subclasses::of(&draft.resources, &abstracts);
    abstracts
        .retain(|schema, _| superclasses.values().any(|s| s == schema) || ALWAYS_ABSTRACT.contains(&schema.as_str()));

    // What a graph file was left with may be there now: such limits are found anew.
    let stated = std::mem::take(&mut draft.limits).into_iter().map(|(_, limit)| limit);
    let mut limits: BTreeSet<Text> = stated
        .filter(|l| ![NO_DESCRIPTORS, ANOTHER_FINGERPRINT].contains(&l.as_str()) && !l.ends_with(UNDESCRIBED))
        .collect();
    if draft.standing == Standing::Generated {
        limits.insert(NO_ROLES.into());
    }
    if !draft.resources.values().any(|r| r.kind == Kind::Descriptor) {
        limits.insert(NO_DESCRIPTORS.into());
    }

    let years = school_years();
    if draft.resources.values().flat_map(|r| r.references.values()).any(|r| names_school_years(&r.target)) {
        draft.resources.entry(years.clone()).or_insert_with(school_years_resource);
    }
    let names =
        Names { present: &draft.resources, by_schema: &by_schema, abstracts: &abstracts, descriptors: &descriptors };
    let known = keys::Known {
        resources: &draft.resources,
        superclasses: &superclasses,
        abstracts: &abstracts,
        key_paths: &draft.key_paths,
    };
    let all: Vec<(&ResourceName, &DraftResource)> = draft.resources.iter().collect();
    let found = cores::each(&all, |(name, resource)| {
        let references = resource.references.iter();
        let targets: Vec<Resolved> = references.map(|(path, r)| names.target(name, path, r)).collect();
        let keys = known.keys(name, resource, &targets);
        (targets, keys)
    });

    let mut settled = std::mem::take(&mut draft.settled);
    let mut resources = Vec::with_capacity(draft.resources.len());
    let mut details = BTreeMap::new();
    for ((name, mut resource), (targets, mut keys)) in draft.resources.into_iter().zip(found) {
        settled.append(&mut keys.settled);
        if keys.without_names {
            limits.insert(STATED_KEYS.into());
        }
        let identified = std::mem::take(&mut keys.identifying);
        details.insert(name.clone(), self::details(&mut resource, keys));
        let mut references: Vec<Reference> = Vec::with_capacity(resource.references.len());
        for ((path, reference), (target, alternatives)) in resource.references.into_iter().zip(targets) {
            let identifying = identified.contains(&path);
            if let Target::Unresolved(unknown) = &target {
                limits.extend(undescribed(unknown, &reference));
            }
            references.push(Reference { path, target, required: reference.required, identifying, alternatives });
        }
        let superclass = superclasses.get(&name).and_then(|s| abstracts.get(s)).map(|a| a.entity.clone());
        let kind = if name == years { Kind::SchoolYears } else { resource.kind };
        let domains = resource.domains.into_iter().collect();
        let stated = resource.stated.into_iter().collect();
        resources.push(Resource { name, entity: resource.entity, kind, superclass, references, domains, stated });
    }
    resources.sort_by(|a, b| a.name.cmp(&b.name));

    let mut abstracts: Vec<AbstractResource> = abstracts
        .into_iter()
        .map(|(schema, draft)| AbstractResource {
            key: key_of(&draft),
            entity: draft.entity,
            subclasses: superclasses.iter().filter(|(_, s)| **s == schema).map(|(name, _)| name.clone()).collect(),
        })
        .collect();
    abstracts.sort_by(|a, b| a.entity.cmp(&b.entity));

    let mut model = Model {
        metadata: Metadata {
            name: draft.name.unwrap_or_else(|| titled(&draft.origins)),
            version: draft.version,
            origins: draft.origins,
            limits: limits.into_iter().collect(),
            settled: settled.into_iter().collect(),
            fingerprint: Text::default(),
            extends: None,
        },
        pathways: pathways(&resources),
        resources,
        abstracts,
        details: details.into(),
    };
    model.metadata.fingerprint = fingerprint(&model);
    model
}

fn titled(origins: &[crate::model::Origin]) -> Text {
    origins.first().map_or_else(|| "metadata".into(), |origin| origin.title.clone())
}

fn undescribed(unknown: &Text, reference: &DraftReference) -> Option<Text> {
    let described_elsewhere = reference.target == DraftTarget::DescriptorProperty;
    (!described_elsewhere).then(|| format!("{unknown}{UNDESCRIBED}").into())
}

/// Drops extensions with everything under their `_ext` blocks, before names are resolved (docs/design.md,
/// "Statements first, rules once").
fn leave_out(draft: &mut Draft, without: &[String]) {
    let without: BTreeSet<String> = without.iter().map(|project| fold_project(project)).collect();
    if without.is_empty() {
        return;
    }
    let left_out = |path: &str| extension_of(path).is_some_and(|e| without.contains(&fold_project(e)));
    draft.resources.retain(|name, _| !without.contains(&fold_project(name.project())));
    let kept = |name: &ResourceName| !without.contains(&fold_project(name.project()));
    draft.limits.retain(|(name, _)| name.as_ref().is_none_or(kept));
    draft.abstracts.retain(|schema, _| !without.contains(schema.project()));
    for resource in draft.resources.values_mut() {
        resource.references.retain(|path, _| !left_out(path));
        resource.stated.retain(|edge| kept(&edge.prerequisite) && edge.person.as_ref().is_none_or(kept));
        resource.fields.retain(|path, _| !left_out(path));
        resource.collections.retain(|path, _| !left_out(path));
        resource.equalities.retain(|equality| !left_out(&equality.left) && !left_out(&equality.right));
    }
}

/// Takes the abstract resources out of the ordinary ones: those that always are, and those whose
/// reference schema belongs to no posted resource although their project posts others.
fn set_apart_abstracts(draft: &mut Draft) -> BTreeMap<SchemaKey, DraftAbstract> {
    draft.resources.retain(|_, resource| !ALWAYS_ABSTRACT.contains(&resource.schema.as_str()));
    let posted: BTreeSet<&SchemaKey> = draft.resources.values().map(|r| &r.schema).collect();
    let projects: BTreeSet<&str> = posted.iter().map(|schema| schema.project()).collect();
    let is_abstract = |schema: &SchemaKey, draft: &DraftAbstract| {
        !posted.contains(schema)
            && !is_school_years(schema)
            && (projects.contains(schema.project()) || !draft.subclasses.is_empty())
    };
    std::mem::take(&mut draft.abstracts).into_iter().filter(|(schema, a)| is_abstract(schema, a)).collect()
}

struct Names<'n> {
    present: &'n BTreeMap<ResourceName, DraftResource>,
    by_schema: &'n BTreeMap<SchemaKey, ResourceName>,
    abstracts: &'n BTreeMap<SchemaKey, DraftAbstract>,
    descriptors: &'n Descriptors,
}

impl Names<'_> {
    fn target(&self, from: &ResourceName, path: &Text, reference: &DraftReference) -> (Target, Vec<ResourceName>) {
        match &reference.target {
            DraftTarget::Known(target, alternatives) => (self.known(target), alternatives.clone()),
            DraftTarget::SchoolYears => (Target::Resource(school_years()), Vec::new()),
            DraftTarget::Schema(schema) => (self.entity(schema), Vec::new()),
            DraftTarget::DescriptorProperty => {
                let project = extension_of(path).unwrap_or(from.project());
                let property = path.rsplit('.').next().unwrap_or_default();
                match self.descriptors.named_by(property, project).as_slice() {
                    [] => (Target::Unresolved(property.into()), Vec::new()),
                    [descriptor, alternatives @ ..] => (Target::Resource(descriptor.clone()), alternatives.to_vec()),
                }
            }
        }
    }

    /// A target that a document settled, unless what it names is not at hand.
    fn known(&self, target: &Target) -> Target {
        match target {
            Target::Resource(name) if *name != school_years() && !self.present.contains_key(name) => {
                Target::Unresolved(name.as_str().into())
            }
            Target::Abstract(entity) if !self.abstracts.values().any(|a| a.entity == *entity) => {
                Target::Unresolved(entity.clone())
            }
            known => known.clone(),
        }
    }

    fn entity(&self, schema: &str) -> Target {
        let key = SchemaKey::new(schema);
        if let Some(name) = self.by_schema.get(&key) {
            return Target::Resource(name.clone());
        }
        match self.abstracts.get(&key) {
            Some(found) => Target::Abstract(found.entity.clone()),
            None => Target::Unresolved(schema.into()),
        }
    }
}

/// Moves what the details of a resource consist of out of what is known of it.
fn details(resource: &mut DraftResource, keys: keys::Keys) -> Details {
    Details {
        fields: std::mem::take(&mut resource.fields).into_values().collect(),
        collections: std::mem::take(&mut resource.collections).into_values().collect(),
        query: keys.query,
        equalities: std::mem::take(&mut resource.equalities).into_iter().collect(),
        key_may_change: resource.key_may_change,
        renamed: resource
            .references
            .iter()
            .flat_map(|(path, r)| {
                r.renamed.iter().map(move |(member, field)| (format!("{path}.{member}").into(), field.clone()))
            })
            .collect(),
        key: keys.fields,
    }
}

fn key_of(draft: &DraftAbstract) -> Vec<KeyField> {
    draft.key.iter().map(|m| KeyField { name: m.name.clone(), kind: m.kind.clone(), paths: Vec::new() }).collect()
}

pub(crate) fn school_years() -> ResourceName {
    ResourceName::new(ED_FI, SCHOOL_YEARS)
}

/// Whether a target is `/ed-fi/schoolYearTypes`, which need not be described to be there.
fn names_school_years(target: &DraftTarget) -> bool {
    match target {
        DraftTarget::SchoolYears => true,
        DraftTarget::Known(Target::Resource(name), _) => *name == school_years(),
        _ => false,
    }
}

/// Whether a schema is that of `/ed-fi/schoolYearTypes`.
pub(crate) fn is_school_years(schema: &SchemaKey) -> bool {
    schema.as_str() == "edfi_schoolyeartype"
}

fn school_years_resource() -> DraftResource {
    let mut resource = DraftResource::new(SCHOOL_YEAR_TYPE.into());
    resource.schema = SchemaKey::of(ED_FI, SCHOOL_YEAR_TYPE);
    resource.kind = Kind::SchoolYears;
    let kind = FieldType { kind: FieldKind::Integer, ..FieldType::default() };
    resource.scalars.insert("schoolYear".into(), kind.clone());
    resource.identity.parameters.push(super::draft::Member { name: "schoolYear".into(), kind });
    resource
}

/// Who is visible to a client through which association (docs/design.md, "Authorization"). Contacts were parents
/// before Data Standard 5; their update also waits for the enrollment of their students.
const PATHWAYS: [(&str, &[&str], &[&str]); 4] = [
    ("students", &["studentSchoolAssociations"], &[]),
    (
        "staffs",
        &["staffEducationOrganizationAssignmentAssociations", "staffEducationOrganizationEmploymentAssociations"],
        &[],
    ),
    ("contacts", &["studentContactAssociations"], &["studentSchoolAssociations"]),
    ("parents", &["studentParentAssociations"], &["studentSchoolAssociations"]),
];

/// The pathways that the resources at hand make possible.
pub(crate) fn pathways(resources: &[Resource]) -> Vec<Pathway> {
    let present =
        |endpoint: &&&str| resources.binary_search_by(|r| r.name.cmp(&ResourceName::new(ED_FI, endpoint))).is_ok();
    let named = |endpoints: &[&str]| -> Vec<ResourceName> {
        endpoints.iter().filter(present).map(|e| ResourceName::new(ED_FI, e)).collect()
    };
    let mut pathways: Vec<Pathway> = PATHWAYS
        .iter()
        .filter(|(person, _, _)| present(&person))
        .map(|(person, associations, also)| Pathway {
            person: ResourceName::new(ED_FI, person),
            associations: named(associations),
            also_before_update: named(also),
        })
        .filter(|pathway| !pathway.associations.is_empty())
        .collect();
    for (person, associations, also) in stated_pathways(resources) {
        match pathways.iter_mut().find(|p| p.person == person) {
            Some(known) => {
                known.also_before_update.extend(also);
                known.also_before_update.retain(|name| !associations.contains(name));
                known.also_before_update.sort();
                known.also_before_update.dedup();
                known.associations = associations;
            }
            None => pathways.push(Pathway { person, associations, also_before_update: also }),
        }
    }
    pathways.sort_by(|a, b| a.person.cmp(&b.person));
    pathways
}

/// The pathways that stated edges run through: each person with its associations and with what else its
/// update waits for. An association refers to its person.
fn stated_pathways(resources: &[Resource]) -> Vec<(ResourceName, Vec<ResourceName>, Vec<ResourceName>)> {
    let mut pathways: BTreeMap<&ResourceName, (BTreeSet<&ResourceName>, BTreeSet<&ResourceName>)> = BTreeMap::new();
    for resource in resources {
        for edge in &resource.stated {
            let Some(person) = &edge.person else { continue };
            let (associations, before_update) = pathways.entry(person).or_default();
            let set = if *person == resource.name { before_update } else { associations };
            set.insert(&edge.prerequisite);
        }
    }
    let refers = |association: &ResourceName, person: &ResourceName| {
        let place = resources.binary_search_by(|r| r.name.cmp(association)).ok();
        let stated = place.and_then(|place| resources.get(place)).map(|r| r.stated.as_slice()).unwrap_or_default();
        stated.iter().any(|edge| edge.prerequisite == *person && edge.person.is_none())
    };
    let owned = |names: BTreeSet<&ResourceName>| names.into_iter().cloned().collect::<Vec<_>>();
    let pathways = pathways.into_iter().map(|(person, (mut associations, before_update))| {
        associations.extend(before_update.iter().filter(|name| refers(name, person)));
        let also = before_update.difference(&associations).copied().collect();
        (person.clone(), owned(associations), owned(also))
    });
    pathways.collect()
}

/// The associations that make a person visible where nobody has changed it.
pub(super) fn known_associations(person: &ResourceName) -> Vec<ResourceName> {
    let known = PATHWAYS.iter().find(|(endpoint, _, _)| *person == ResourceName::new(ED_FI, endpoint));
    known.into_iter().flat_map(|(_, associations, _)| *associations).map(|a| ResourceName::new(ED_FI, a)).collect()
}
