//! The comparison behind a diff, one resource of both graphs after another.

use std::collections::{BTreeMap, BTreeSet};

use super::rename::Renames;
use super::{ChangedReference, Comparable, Diff, KeyChange, Moved, Requirement, Retargeted, Retyped, Side};
use crate::graph::DependencyGraph;
use crate::model::{Details, Kind, Reference, Resource, ResourceName, Target, Text, extension_of};
use crate::plan::{Operation, server};

pub(super) fn compare(left: &DependencyGraph, right: &DependencyGraph) -> Diff {
    let renames = Renames::of(left, right);
    let there: BTreeSet<&ResourceName> = renames.resources.values().map(|r| &r.to).collect();
    let sides = (Side::of(left.metadata(), left.ids().len()), Side::of(right.metadata(), right.ids().len()));
    let mut diff = Diff::between(sides.0, sides.1);
    let new = right.ids().map(|id| right.name(id)).filter(|name| left.id(name).is_none() && !there.contains(name));
    diff.added = new.cloned().collect();
    diff.renamed = renames.resources.values().cloned().collect();
    for id in left.ids() {
        let name = renames.name(left.name(id));
        let Some(other) = right.id(name) else {
            diff.removed.push(left.name(id).clone());
            continue;
        };
        let pair = Pair {
            name,
            renames: &renames,
            left: (left.resource(id), left.details(id)),
            right: (right.resource(other), right.details(other)),
        };
        pair.references(&mut diff);
        // School years are in a graph even where no document describes them.
        if left.resource(id).kind != Kind::SchoolYears {
            pair.fields(&mut diff);
        }
        pair.key(&mut diff);
    }
    if let (Some(a), Some(b)) = (waves(left), waves(right)) {
        let last = |waves: &BTreeMap<&ResourceName, usize>| waves.values().max().copied().unwrap_or_default();
        diff.wave_counts = Some((last(&a), last(&b)));
        let moved = a.iter().filter_map(|(name, &from)| {
            let name = renames.name(name);
            let to = *b.get(name)?;
            (from != to).then(|| Moved { resource: name.clone(), from, to })
        });
        diff.waves = moved.collect();
    }
    diff.references_added.sort();
    diff.references_removed.sort();
    diff.retargeted.sort();
    diff.requirements.sort();
    diff.requirements.dedup();
    diff.keys.sort();
    diff.waves.sort();
    diff
}

/// What an order can be compared in: resources and waves. School years are in no order.
pub(super) fn waves_only(left: &Comparable, right: &Comparable) -> Diff {
    let told = "a published order: it tells resources and waves, no references, requirements or keys";
    let side = |of: &Comparable, waves: &BTreeMap<ResourceName, usize>| match of {
        Comparable::Graph(graph) => Side::of(graph.metadata(), waves.len()),
        Comparable::Order(name, _) => {
            Side { name: name.clone(), fingerprint: Text::default(), resources: waves.len(), limits: vec![told.into()] }
        }
    };
    let waves_of = |of: &Comparable| -> BTreeMap<ResourceName, usize> {
        let rows = match of {
            Comparable::Graph(graph) => server::rows(graph).unwrap_or_default(),
            Comparable::Order(_, rows) => rows.clone(),
        };
        let created = rows.into_iter().filter(|row| row.operations.contains(&Operation::Create));
        // In the old form a person has one row, in a list of rows the first counts.
        created.rev().map(|row| (row.resource, row.order)).collect()
    };
    let (a, b) = (waves_of(left), waves_of(right));
    let last = |waves: &BTreeMap<ResourceName, usize>| waves.values().max().copied().unwrap_or_default();
    let moved = a.iter().filter_map(|(name, &from)| {
        let to = *b.get(name)?;
        (from != to).then(|| Moved { resource: name.clone(), from, to })
    });
    Diff {
        added: b.keys().filter(|name| !a.contains_key(*name)).cloned().collect(),
        removed: a.keys().filter(|name| !b.contains_key(*name)).cloned().collect(),
        waves: moved.collect(),
        wave_counts: Some((last(&a), last(&b))),
        ..Diff::between(side(left, &a), side(right, &b))
    }
}

/// The wave in which the API's own order creates each resource.
fn waves(graph: &DependencyGraph) -> Option<BTreeMap<&ResourceName, usize>> {
    let rows = server::rows(graph).ok()?;
    let created = rows.iter().filter(|row| row.operations.contains(&Operation::Create));
    Some(created.filter_map(|row| Some((graph.name(graph.id(&row.resource)?), row.order))).collect())
}

/// One resource on both sides.
struct Pair<'p> {
    /// As the right calls it.
    name: &'p ResourceName,
    renames: &'p Renames,
    left: (&'p Resource, &'p Details),
    right: (&'p Resource, &'p Details),
}

impl Pair<'_> {
    /// What a path or field of the left is called among those of the right.
    fn spelled<'s>(&self, text: &'s Text, there: &impl Fn(&str) -> bool) -> std::borrow::Cow<'s, str> {
        if there(text) {
            return text.as_str().into();
        }
        self.renames.respelled(text).find(|other| there(other)).map_or(text.as_str().into(), Into::into)
    }

    fn references(&self, diff: &mut Diff) {
        let theirs: BTreeMap<&str, &Reference> = self.right.0.references.iter().map(|r| (r.path.as_str(), r)).collect();
        let there = |path: &str| theirs.contains_key(path);
        let mut kept = BTreeSet::new();
        for reference in &self.left.0.references {
            let path = self.spelled(&reference.path, &there);
            let Some(other) = theirs.get(path.as_ref()) else {
                diff.references_removed.push(self.changed(reference, self.target_here(&reference.target)));
                continue;
            };
            kept.insert(other.path.as_str());
            let (from, to) = (self.target_here(&reference.target), target(&other.target));
            if from != to {
                diff.retargeted.push(Retargeted { resource: self.name.clone(), path: other.path.clone(), from, to });
            }
            if reference.required != other.required {
                diff.requirements.push(self.requirement(&other.path, other.required, true));
            }
        }
        for reference in self.right.0.references.iter().filter(|r| !kept.contains(r.path.as_str())) {
            diff.references_added.push(self.changed(reference, target(&reference.target)));
        }
    }

    /// Required fields on one side only, where the object that holds them is on both. References are
    /// told of already.
    fn fields(&self, diff: &mut Diff) {
        let (left, right) = (Shape::of(self.left), Shape::of(self.right));
        let left = left.map(|path| self.spelled(path, &|other| right.has(other)).as_ref().into());
        for (own, other, required) in [(&right, &left, true), (&left, &right, false)] {
            let changed = own.required.difference(&other.required);
            for path in changed.filter(|path| other.holds(path) && !own.references.contains(*path)) {
                if !other.references.contains(path) {
                    diff.requirements.push(self.requirement(path, required, false));
                }
            }
        }
    }

    fn key(&self, diff: &mut Diff) {
        if self.left.0.kind == Kind::Descriptor {
            return;
        }
        let theirs: BTreeMap<&str, &str> =
            self.right.1.key.iter().map(|f| (f.name.as_str(), f.kind.kind.name())).collect();
        let there = |name: &str| theirs.contains_key(name);
        let mut kept = BTreeSet::new();
        let mut change =
            KeyChange { resource: self.name.clone(), added: Vec::new(), removed: Vec::new(), retyped: Vec::new() };
        for field in &self.left.1.key {
            let name = self.spelled(&field.name, &there);
            match theirs.get_key_value(name.as_ref()) {
                None => change.removed.push(field.name.clone()),
                Some((name, kind)) => {
                    kept.insert(*name);
                    let from = field.kind.kind.name();
                    if from != *kind {
                        let (from, to) = (from.into(), (*kind).into());
                        change.retyped.push(Retyped { field: (*name).into(), from, to });
                    }
                }
            }
        }
        change.added = theirs.keys().filter(|name| !kept.contains(*name)).map(|&name| name.into()).collect();
        if !(change.added.is_empty() && change.removed.is_empty() && change.retyped.is_empty()) {
            diff.keys.push(change);
        }
    }

    fn changed(&self, reference: &Reference, target: Text) -> ChangedReference {
        let (path, required) = (reference.path.clone(), reference.required);
        ChangedReference { resource: self.name.clone(), path, target, required }
    }

    fn requirement(&self, path: &Text, required: bool, reference: bool) -> Requirement {
        Requirement { resource: self.name.clone(), path: path.clone(), required, reference }
    }

    /// A target of the left, as the right calls it.
    fn target_here(&self, of: &Target) -> Text {
        match of {
            Target::Resource(name) => self.renames.name(name).as_str().into(),
            other => target(other),
        }
    }
}

/// The paths of a resource.
struct Shape {
    required: BTreeSet<Text>,
    references: BTreeSet<Text>,
    /// Nested objects and collections.
    objects: BTreeSet<Text>,
}

impl Shape {
    fn of((resource, details): (&Resource, &Details)) -> Self {
        Self {
            required: details.fields.iter().map(|f| f.path.clone()).collect(),
            references: resource.references.iter().map(|r| r.path.clone()).collect(),
            objects: details.collections.iter().map(|c| c.path.clone()).collect(),
        }
    }

    fn map(&self, spelled: impl Fn(&Text) -> Text) -> Self {
        let all = |paths: &BTreeSet<Text>| paths.iter().map(&spelled).collect();
        Self { required: all(&self.required), references: all(&self.references), objects: all(&self.objects) }
    }

    fn has(&self, path: &str) -> bool {
        self.required.contains(path) || self.references.contains(path) || self.objects.contains(path)
    }

    /// Whether the object that would hold a field is here.
    fn holds(&self, path: &str) -> bool {
        let holder = path.rsplit_once('.').map_or("$", |(holder, _)| holder);
        holder == "$"
            || self.objects.contains(holder.trim_end_matches("[*]"))
            || extension_of(path).is_some() && {
                let inside = format!("{holder}.");
                self.required.iter().chain(&self.references).any(|path| path.starts_with(&inside))
            }
    }
}

fn target(target: &Target) -> Text {
    match target {
        Target::Resource(name) => name.as_str().into(),
        Target::Abstract(name) | Target::Unresolved(name) => name.clone(),
    }
}
