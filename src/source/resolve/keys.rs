//! Natural keys, the references that contribute to them, and what GET parameters query.
//!
//! OpenAPI documents name the fields of a key and, apart from that, the members of references; how the one comes
//! from the other follows from the naming rules of the API (docs/design.md, "Natural keys from names"). ApiSchema
//! documents state paths and no names. Where both are at hand a key has every field that either states, with the
//! names of the first and the paths of the second.

mod naming;
mod stated;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ED_FI, FieldKind, FieldType, KeyField, Kind, QueryParameter, ResourceName, Target, Text};
use crate::source::draft::{DraftAbstract, DraftResource, KeyPath, Member, SchemaKey};

use self::naming::{Referenced, RootReference, at, is_root};
use super::Resolved;

/// What out of the drafts keys depend on.
pub(super) struct Known<'k> {
    pub(super) resources: &'k BTreeMap<ResourceName, DraftResource>,
    pub(super) superclasses: &'k BTreeMap<ResourceName, SchemaKey>,
    pub(super) abstracts: &'k BTreeMap<SchemaKey, DraftAbstract>,
    pub(super) key_paths: &'k BTreeMap<SchemaKey, BTreeMap<Text, KeyPath>>,
}

/// What came out for one resource.
pub(super) struct Keys {
    pub(super) fields: Vec<KeyField>,
    /// Paths of identifying references.
    pub(super) identifying: BTreeSet<Text>,
    pub(super) query: Vec<QueryParameter>,
    /// Which document was believed where two state different keys, in sentences for people.
    pub(super) settled: BTreeSet<Text>,
    /// Whether it is of core and its key rests on stated paths alone.
    pub(super) without_names: bool,
}

impl<'k> Known<'k> {
    /// The key of a resource whose references turned out to have these targets.
    pub(super) fn keys(&self, name: &ResourceName, resource: &DraftResource, targets: &[Resolved]) -> Keys {
        let root: Vec<_> = resource
            .references
            .iter()
            .zip(targets)
            .filter(|((path, reference), _)| is_root(path) && !reference.members.is_empty())
            .map(|((path, reference), (target, _))| RootReference::new(path, reference, self.referenced(target)))
            .collect();
        let key = key(resource, &root, self.key_paths.get(&resource.schema));
        Keys {
            settled: key.settled(name).collect(),
            without_names: name.is_core() && key.only_stated,
            query: query(resource, &root, &key.fields),
            fields: key.fields,
            identifying: key.identifying,
        }
    }

    fn referenced<'t>(&self, target: &'t Target) -> Referenced<'t>
    where
        'k: 't,
    {
        let single = |a: &'k DraftAbstract| match a.key.as_slice() {
            [only] => Some(&only.name),
            _ => None,
        };
        match target {
            Target::Resource(name) => {
                let resource = self.resources.get(name);
                let superclass = self.superclasses.get(name).and_then(|s| self.abstracts.get(s));
                Referenced {
                    entity: resource.map_or("", |r| &r.entity),
                    superclass_key: superclass.and_then(single),
                    scalars: resource.map(|r| &r.scalars),
                    only: None,
                }
            }
            Target::Abstract(entity) => {
                let named = self.abstracts.get(&SchemaKey::of(ED_FI, entity));
                let found = named.or_else(|| self.abstracts.values().find(|a| a.entity == *entity));
                Referenced { entity, superclass_key: None, scalars: None, only: found.and_then(single) }
            }
            Target::Unresolved(schema) => {
                let entity = schema.split_once('_').map_or(schema.as_str(), |(_, entity)| entity);
                Referenced { entity, superclass_key: None, scalars: None, only: None }
            }
        }
    }
}

/// The natural key of one resource.
struct Key {
    fields: Vec<KeyField>,
    /// Paths of the references that contribute to it.
    identifying: BTreeSet<Text>,
    /// Fields for which documents that state paths have none, though others name them.
    without_stated_path: Vec<Text>,
    /// Stated paths of fields that the documents with names do not have.
    without_name: Vec<Text>,
    /// Whether no document names its fields.
    only_stated: bool,
}

impl Key {
    fn of(fields: Vec<KeyField>, identifying: BTreeSet<Text>) -> Self {
        Self { fields, identifying, without_stated_path: Vec::new(), without_name: Vec::new(), only_stated: false }
    }

    /// Says what one document left out and another stated.
    fn settled(&self, name: &ResourceName) -> impl Iterator<Item = Text> {
        let said = |left_out: &[Text], by: &str, believed: &str| {
            (!left_out.is_empty()).then(|| {
                format!("key of {name}: {by} leaves out {}; {believed} is believed", left_out.join(", ")).into()
            })
        };
        let paths = said(&self.without_stated_path, "ApiSchema", "OpenAPI");
        let names = said(&self.without_name, "OpenAPI", "ApiSchema");
        paths.into_iter().chain(names)
    }
}

fn key(resource: &DraftResource, root: &[RootReference<'_>], stated: Option<&BTreeMap<Text, KeyPath>>) -> Key {
    if let Some(fields) = &resource.identity.stated {
        return Key::of(fields.clone(), stated_identifying(resource, fields));
    }
    if resource.kind == Kind::Descriptor {
        return Key::of(descriptor_key(resource), BTreeSet::new());
    }
    let held = |path: &&Text| match path.rsplit_once('.') {
        // A member that the reference is believed not to have is one spelled in another way.
        Some((parent, member)) => at(root, parent).is_none_or(|r| r.has(member)),
        None => false,
    };
    let stated = stated.map(|paths| {
        let paths = paths.iter().filter(|(path, _)| held(path)).map(|(path, said)| (path.clone(), said.clone()));
        stated::fields(&paths.collect(), &resource.equalities, root)
    });
    let stated = stated.unwrap_or_default();
    let mut key = named_key(resource, root, &stated);
    // A descriptor of the key is a reference that contributes to it.
    let paths = key.fields.iter().flat_map(|f| &f.paths);
    key.identifying.extend(paths.filter(|path| resource.references.contains_key(*path)).cloned());
    key
}

/// The key from the names that documents give, and from the paths that they state.
fn named_key(resource: &DraftResource, root: &[RootReference<'_>], stated: &BTreeMap<Text, BTreeSet<Text>>) -> Key {
    let flagged = |r: &&RootReference<'_>| r.reference.identifying == Some(true);
    let flagged: Vec<&RootReference<'_>> = root.iter().filter(flagged).collect();
    let named = key_members(resource, &flagged);
    let mut paths: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    let mut names: BTreeSet<Text> = named.keys().cloned().collect();
    let mut without_name = Vec::new();
    for (name, stated) in stated {
        let name = names.get(name).cloned().or_else(|| known_as(stated, &names, root)).unwrap_or_else(|| {
            if !named.is_empty() {
                without_name.push(name.clone());
            }
            name.clone()
        });
        paths.entry(name).or_default().extend(stated.iter().cloned());
    }
    let without_stated_path: Vec<Text> = match stated.is_empty() {
        true => Vec::new(),
        false => names.iter().filter(|name| !paths.contains_key(*name)).cloned().collect(),
    };
    names.extend(paths.keys().cloned());

    // References that hold a stated path identify as much as flagged ones.
    let holding: BTreeSet<&str> =
        stated.values().flatten().filter_map(|path| path.rsplit_once('.')).map(|(parent, _)| parent).collect();
    let flagged: Vec<&RootReference<'_>> =
        root.iter().filter(|r| r.reference.identifying == Some(true) || holding.contains(r.path.as_str())).collect();
    let identifying = find_paths(resource, root, &flagged, &names, &mut paths);
    let kind_at = |path: &Text| {
        let (parent, last) = path.rsplit_once('.')?;
        let members = || at(root, parent)?.reference.members.iter().find(|m| m.name == last);
        if parent == "$" { resource.scalars.get(last).cloned() } else { members().map(|m| m.kind.clone()) }
    };
    let fields = names
        .into_iter()
        .map(|name| {
            let paths: Vec<Text> = paths.remove(&name).unwrap_or_default().into_iter().collect();
            let scalar = resource.scalars.get(&name).cloned();
            let kind = scalar.or_else(|| named.get(&name).cloned()).or_else(|| paths.iter().find_map(kind_at));
            KeyField { name, kind: kind.unwrap_or_default(), paths }
        })
        .collect();
    let only_stated = named.is_empty() && !stated.is_empty();
    Key { fields, identifying, without_stated_path, without_name, only_stated }
}

/// The name that other documents give to the field at these paths.
fn known_as(paths: &BTreeSet<Text>, names: &BTreeSet<Text>, root: &[RootReference<'_>]) -> Option<Text> {
    let find = |leniently: bool| {
        paths.iter().find_map(|path| {
            let (parent, last) = path.rsplit_once('.')?;
            match at(root, parent) {
                Some(reference) => reference.find(last, names, leniently),
                None => names.get(last),
            }
        })
    };
    find(false).or_else(|| find(true)).cloned()
}

/// Adds the paths that follow from names; returns the references that contribute to the key.
fn find_paths(
    resource: &DraftResource,
    root: &[RootReference<'_>],
    flagged: &[&RootReference<'_>],
    names: &BTreeSet<Text>,
    paths: &mut BTreeMap<Text, BTreeSet<Text>>,
) -> BTreeSet<Text> {
    for name in names.iter().filter(|name| resource.scalars.contains_key(*name)) {
        paths.entry(name.clone()).or_default().insert(format!("$.{name}").into());
    }
    let mut identifying: BTreeSet<Text> = flagged.iter().map(|r| r.path.clone()).collect();
    let flagged_paths = identifying.clone();
    let taken: BTreeSet<Text> = paths.values().flatten().cloned().collect();
    // A key field that is a scalar of the document is not part of any reference: the API hides
    // the scalars that references carry. So what references may contribute is what remains.
    let open: BTreeSet<Text> = names.iter().filter(|name| !paths.contains_key(*name)).cloned().collect();
    for leniently in [false, true] {
        for reference in root {
            let candidate =
                if flagged.is_empty() { reference.reference.required } else { flagged_paths.contains(reference.path) };
            let known = if flagged.is_empty() { &open } else { names };
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
                let path = reference.member_path(member);
                if let Some(name) = name.filter(|_| !taken.contains(&path)) {
                    paths.entry(name.clone()).or_default().insert(path);
                }
            }
        }
    }
    identifying
}

/// Names and types of the key fields that documents name.
///
/// The resource's own reference schema has them all, but for documents of MetaEd, which leave out what
/// an inlined common identifies. Flagged scalars of the root add that; flags deeper down mark the
/// identity of a child, not of the resource. Without a reference schema, flagged parameters name the
/// whole key unless references are flagged themselves (ODS).
fn key_members(resource: &DraftResource, flagged: &[&RootReference<'_>]) -> BTreeMap<Text, FieldType> {
    let identity = &resource.identity;
    let scalar = |name: &Text| Some((name.clone(), resource.scalars.get(name)?.clone()));
    let named = |m: &Member| (m.name.clone(), m.kind.clone());
    let parameters = identity.parameters.iter().map(|m| &m.name);
    let mut members: BTreeMap<Text, FieldType> = identity.scalars.iter().chain(parameters).filter_map(scalar).collect();
    if let Some(own) = &identity.own_reference {
        members.extend(own.iter().map(named));
    } else if flagged.is_empty() {
        members.extend(identity.parameters.iter().map(named));
    } else {
        for reference in flagged {
            let members_of = reference.reference.members.iter();
            members.extend(members_of.map(|m| (reference.plain_name(&m.name), m.kind.clone())));
        }
    }
    members
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
    let paths = || key.iter().flat_map(|field| &field.paths);
    let within = paths().filter_map(|path| path.rsplit_once('.')).map(|(parent, _)| Text::new(parent));
    // A descriptor of the key is a reference that is a path of the key itself.
    let within = within.chain(paths().cloned());
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
