//! Natural keys, the references that contribute to them, and what GET parameters query.
//!
//! Documents name the fields of a key and, apart from that, the members of references; how the one
//! comes from the other follows from the naming rules of the API (DESIGN 4.7).

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FieldKind, FieldType, KeyField, Kind, QueryParameter, ResourceName, Target, Text};
use crate::source::draft::{DraftAbstract, DraftReference, DraftResource, Member, SchemaKey};

use super::Resolved;

/// What came out, by resource.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) fields: BTreeMap<ResourceName, Vec<KeyField>>,
    /// Paths of identifying references.
    pub(super) identifying: BTreeMap<ResourceName, BTreeSet<Text>>,
    pub(super) query: BTreeMap<ResourceName, Vec<QueryParameter>>,
}

pub(super) fn resolve(
    resources: &BTreeMap<ResourceName, DraftResource>,
    resolved: &Resolved,
    superclasses: &BTreeMap<ResourceName, SchemaKey>,
    abstracts: &BTreeMap<SchemaKey, DraftAbstract>,
) -> Keys {
    let mut keys = Keys::default();
    let none = BTreeMap::new();
    for (name, resource) in resources {
        let root: Vec<RootReference<'_>> = resolved
            .get(name)
            .unwrap_or(&none)
            .iter()
            .filter(|(path, (reference, _, _))| is_root(path) && !reference.members.is_empty())
            .map(|(path, (reference, target, _))| {
                let entity = match target {
                    Target::Resource(target) => resources.get(target).map_or("", |r| &r.entity),
                    Target::Abstract(entity) => entity,
                    Target::Unresolved(schema) => schema.split_once('_').map_or(schema.as_str(), |(_, entity)| entity),
                };
                let superclass = match target {
                    Target::Resource(target) => superclasses.get(target).and_then(|s| abstracts.get(s)),
                    _ => None,
                };
                RootReference::new(path, reference, entity, superclass)
            })
            .collect();
        let (fields, identifying) = key(resource, &root);
        keys.query.insert(name.clone(), query(resource, &root, &fields));
        keys.fields.insert(name.clone(), fields);
        keys.identifying.insert(name.clone(), identifying);
    }
    keys
}

fn is_root(path: &str) -> bool {
    path.strip_prefix("$.").is_some_and(|rest| !rest.contains(['.', '[']))
}

/// A reference of the root object, with what its property name tells.
struct RootReference<'r> {
    path: &'r Text,
    reference: &'r DraftReference,
    entity: &'r str,
    role: &'r str,
    /// The key field of the target's superclass that stands for a single-field key.
    superclass_key: Option<&'r Text>,
}

impl<'r> RootReference<'r> {
    fn new(
        path: &'r Text,
        reference: &'r DraftReference,
        entity: &'r str,
        superclass: Option<&'r DraftAbstract>,
    ) -> Self {
        let base = path.strip_prefix("$.").and_then(|p| p.strip_suffix("Reference")).unwrap_or_default();
        let at = base.len().saturating_sub(entity.len());
        let named = base.get(at..).is_some_and(|suffix| suffix.eq_ignore_ascii_case(entity));
        let role = if named { base.get(..at).unwrap_or_default() } else { "" };
        let superclass_key = superclass.and_then(|a| match a.key.as_slice() {
            [only] => Some(&only.name),
            _ => None,
        });
        Self { path, reference, entity, role, superclass_key }
    }

    /// Names that the resource may give to a member of this reference, most specific first.
    fn names_of(&self, member: &Member, leniently: bool) -> Vec<String> {
        let mut spellings = vec![member.name.as_str()];
        if leniently && self.reference.members.len() == 1 {
            spellings.extend(self.superclass_key.map(Text::as_str));
        }
        let mut names = Vec::new();
        for spelling in spellings {
            if !self.role.is_empty() {
                names.push(joined(&[self.role, self.entity, spelling]));
                names.push(joined(&[self.role, spelling]));
            }
            if self.role.is_empty() || leniently {
                names.push(joined(&[self.entity, spelling]));
                names.push(spelling.to_owned());
                names.extend(overlapping(self.entity, spelling));
            }
        }
        names
    }

    /// The name among `known` for each member; `None` where there is none.
    fn map<'k>(&self, known: &'k BTreeSet<Text>, leniently: bool) -> Vec<(&'r Member, Option<&'k Text>)> {
        let find = |member| self.names_of(member, leniently).iter().find_map(|name| known.get(name.as_str()));
        self.reference.members.iter().map(|member| (member, find(member))).collect()
    }

    fn member_path(&self, member: &Member) -> Text {
        format!("{}.{}", self.path, member.name).into()
    }

    /// Whether all its members are key fields of the resource: then it identifies.
    fn maps_whole(&self, known: &BTreeSet<Text>, leniently: bool) -> bool {
        self.map(known, leniently).iter().all(|(_, name)| name.is_some())
    }
}

/// `["exit", "School", "schoolId"]` → `exitSchoolSchoolId`.
fn joined(parts: &[&str]) -> String {
    let mut name = String::new();
    for (index, part) in parts.iter().enumerate() {
        let mut chars = part.chars();
        let first = chars.next().map(|c| if index == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() });
        name.extend(first);
        name.push_str(chars.as_str());
    }
    name
}

/// `["GradingPeriod", "periodSequence"]` → `gradingPeriodSequence`: words that end the one and begin
/// the other are said once.
fn overlapping(entity: &str, member: &str) -> Option<String> {
    let member = joined(&["", member]);
    let mut starts = entity.char_indices().filter(|(at, c)| *at > 0 && c.is_ascii_uppercase());
    starts.find_map(|(at, _)| {
        let rest = member.strip_prefix(entity.get(at..)?)?;
        rest.starts_with(|c: char| c.is_ascii_uppercase()).then(|| joined(&[entity, rest]))
    })
}

/// The natural key and the paths of the references that contribute to it.
fn key(resource: &DraftResource, root: &[RootReference<'_>]) -> (Vec<KeyField>, BTreeSet<Text>) {
    if let Some(stated) = &resource.identity.stated {
        return (stated.clone(), stated_identifying(resource, stated));
    }
    if resource.kind == Kind::Descriptor {
        return (descriptor_key(resource), BTreeSet::new());
    }
    let flagged: Vec<&RootReference<'_>> = root.iter().filter(|r| r.reference.identifying == Some(true)).collect();
    let members = key_members(resource, &flagged);
    let names: BTreeSet<Text> = members.keys().cloned().collect();
    let mut paths: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    for name in names.iter().filter(|name| resource.scalars.contains_key(*name)) {
        paths.entry(name.clone()).or_default().insert(format!("$.{name}").into());
    }

    let mut identifying: BTreeSet<Text> = flagged.iter().map(|r| r.path.clone()).collect();
    // A key field that is a scalar of the document is not part of any reference: the API hides
    // the scalars that references carry. So what references may contribute is what remains.
    let open: BTreeSet<Text> = names.iter().filter(|name| !paths.contains_key(*name)).cloned().collect();
    for leniently in [false, true] {
        for reference in root {
            let candidate = if flagged.is_empty() {
                reference.reference.required
            } else {
                reference.reference.identifying == Some(true)
            };
            let known = if flagged.is_empty() { &open } else { &names };
            let mapped = reference.map(known, leniently);
            let adds = || mapped.iter().any(|(_, name)| name.is_some_and(|name| !paths.contains_key(name)));
            let already = identifying.contains(reference.path) && !leniently;
            if !candidate
                || leniently && !adds()
                || !already && flagged.is_empty() && !reference.maps_whole(known, leniently)
            {
                continue;
            }
            if flagged.is_empty() {
                identifying.insert(reference.path.clone());
            }
            for (member, name) in mapped {
                if let Some(name) = name {
                    paths.entry(name.clone()).or_default().insert(reference.member_path(member));
                }
            }
        }
    }
    let fields = members
        .into_iter()
        .map(|(name, kind)| {
            let kind = resource.scalars.get(&name).cloned().unwrap_or(kind);
            let paths = paths.remove(&name).unwrap_or_default().into_iter().collect();
            KeyField { name, kind, paths }
        })
        .collect();
    (fields, identifying)
}

/// Names and types of the key fields: from the resource's own reference schema; else from flagged
/// GET parameters; else from flagged properties.
fn key_members(resource: &DraftResource, flagged: &[&RootReference<'_>]) -> BTreeMap<Text, FieldType> {
    let identity = &resource.identity;
    let members = match &identity.own_reference {
        Some(members) => members.clone(),
        // Parameters name all of a key only where references are not flagged themselves (ODS).
        None if flagged.is_empty() && !identity.parameters.is_empty() => identity.parameters.clone(),
        None => {
            let scalars = identity.scalars.iter().filter_map(|name| {
                resource.scalars.get(name).map(|kind| Member { name: name.clone(), kind: kind.clone() })
            });
            let members = flagged.iter().flat_map(|reference| {
                reference.reference.members.iter().map(|member| Member {
                    name: if reference.role.is_empty() {
                        member.name.clone()
                    } else {
                        joined(&[reference.role, &member.name]).into()
                    },
                    kind: member.kind.clone(),
                })
            });
            scalars.chain(members).collect()
        }
    };
    members.into_iter().map(|member| (member.name, member.kind)).collect()
}

/// A descriptor is known by `namespace#codeValue`, whatever surrogate key old documents show.
fn descriptor_key(resource: &DraftResource) -> Vec<KeyField> {
    ["codeValue", "namespace"]
        .map(|name| KeyField {
            name: name.into(),
            kind: resource
                .scalars
                .get(name)
                .cloned()
                .unwrap_or(FieldType { kind: FieldKind::String, ..FieldType::default() }),
            paths: vec![format!("$.{name}").into()],
        })
        .into()
}

/// References that hold a path of a stated key, or are stated to identify.
fn stated_identifying(resource: &DraftResource, key: &[KeyField]) -> BTreeSet<Text> {
    let paths = key.iter().flat_map(|field| &field.paths);
    let within = paths.filter_map(|path| path.rsplit_once('.')).map(|(parent, _)| Text::new(parent));
    let stated = resource.references.iter().filter(|(_, r)| r.identifying == Some(true)).map(|(path, _)| path.clone());
    within.filter(|path| resource.references.contains_key(path)).chain(stated).collect()
}

/// The fields behind each GET parameter.
fn query(resource: &DraftResource, root: &[RootReference<'_>], key: &[KeyField]) -> Vec<QueryParameter> {
    let mapped: Vec<_> = root
        .iter()
        .flat_map(|r| {
            r.map(&resource.query, false).into_iter().filter_map(move |(m, name)| Some((name?, r.member_path(m))))
        })
        .collect();
    let one = |name: &Text| {
        if let Some(stated) = resource.query_paths.get(name) {
            return stated.clone();
        }
        if resource.scalars.contains_key(name) {
            return vec![format!("$.{name}").into()];
        }
        if let Some(field) = key.iter().find(|f| f.name == *name && !f.paths.is_empty()) {
            return field.paths.clone();
        }
        mapped.iter().filter(|(n, _)| *n == name).map(|(_, path)| path.clone()).collect()
    };
    resource.query.iter().map(|name| QueryParameter { name: name.clone(), paths: one(name) }).collect()
}
