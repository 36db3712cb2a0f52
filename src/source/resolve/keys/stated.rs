//! The fields of a natural key for which documents state paths, but not names.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Equality, Text};
use crate::source::draft::KeyPath;

use super::naming::{RootReference, at};

/// The stated paths of a key, put together into fields: values that references to the resource call by
/// one name are one field, and so are values declared equal that no reference tells apart.
///
/// The name is what those references say; where nothing refers to the resource, it follows from the
/// paths. Of several fields that would have one name, one keeps it and the others are qualified.
/// O((paths + equalities) log).
pub(super) fn fields(
    stated: &BTreeMap<Text, KeyPath>,
    equalities: &BTreeSet<Equality>,
    root: &[RootReference<'_>],
) -> BTreeMap<Text, BTreeSet<Text>> {
    let mut fields: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    let mut unnamed: BTreeMap<Text, Vec<Claim<'_>>> = BTreeMap::new();
    for group in groups(stated, equalities) {
        let called = |path: &Text| stated.get(path).and_then(|p| p.called.first());
        if let Some(first) = group.iter().find_map(|path| called(path)) {
            for path in group {
                fields.entry(called(path).unwrap_or(first).clone()).or_default().insert(path.clone());
            }
            continue;
        }
        let claim = group.iter().map(|path| Claim::of(path, root)).min();
        if let Some(mut claim) = claim {
            claim.group = group;
            unnamed.entry(claim.name.clone()).or_default().push(claim);
        }
    }
    for (name, mut claims) in unnamed {
        claims.sort();
        let taken = fields.contains_key(&name);
        for (index, claim) in claims.into_iter().enumerate() {
            let name = if index == 0 && !taken { name.clone() } else { claim.qualified };
            fields.entry(name).or_default().extend(claim.group.into_iter().cloned());
        }
    }
    fields
}

/// What speaks for giving a field the plain name of one of its paths; the least wins.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Claim<'p> {
    /// A value of the document itself comes before one inside a reference.
    inside: bool,
    has_role: bool,
    /// A value that the target holds itself comes before one that it refers to.
    indirect: bool,
    /// The reference with the most members is the one that the resource hangs on.
    members: std::cmp::Reverse<usize>,
    name: Text,
    qualified: Text,
    group: Vec<&'p Text>,
}

impl Claim<'_> {
    fn of(path: &Text, root: &[RootReference<'_>]) -> Self {
        let (parent, last) = path.rsplit_once('.').unwrap_or(("$", path));
        let reference = at(root, parent);
        Self {
            inside: parent != "$",
            has_role: reference.is_some_and(RootReference::has_role),
            indirect: reference.is_some_and(|r| !r.is_direct(last)),
            members: std::cmp::Reverse(reference.map_or(0, |r| r.reference.members.len())),
            name: reference.map_or_else(|| last.into(), |r| r.plain_name(last)),
            qualified: reference.map_or_else(|| last.into(), |r| r.qualified_name(last)),
            group: Vec::new(),
        }
    }
}

/// Paths that hold one and the same value, each group sorted.
fn groups<'p>(stated: &'p BTreeMap<Text, KeyPath>, equalities: &BTreeSet<Equality>) -> Vec<Vec<&'p Text>> {
    // Equalities may run through paths that are not part of the key.
    let mut equal: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for equality in equalities {
        equal.entry(&equality.left).or_default().push(&equality.right);
        equal.entry(&equality.right).or_default().push(&equality.left);
    }
    let mut group_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (group, path) in stated.keys().enumerate() {
        let mut open = vec![path.as_str()];
        while let Some(path) = open.pop() {
            if let Entry::Vacant(entry) = group_of.entry(path) {
                entry.insert(group);
                open.extend(equal.get(path).into_iter().flatten());
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<&Text>> = BTreeMap::new();
    for path in stated.keys() {
        if let Some(&group) = group_of.get(path.as_str()) {
            groups.entry(group).or_default().push(path);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(list: &[(&str, &str)]) -> BTreeMap<Text, KeyPath> {
        let called = |name: &str| if name.is_empty() { BTreeSet::new() } else { BTreeSet::from([name.into()]) };
        list.iter().map(|(path, name)| ((*path).into(), KeyPath { own: true, called: called(name) })).collect()
    }

    fn equal(left: &str, right: &str) -> Equality {
        Equality { left: left.into(), right: right.into(), stated_by: "test".into() }
    }

    #[test]
    fn equal_values_are_one_field_whatever_lies_between() {
        let stated = paths(&[("$.a", ""), ("$.bReference.a", ""), ("$.c", "")]);
        let equalities = BTreeSet::from([equal("$.a", "$.x"), equal("$.bReference.a", "$.x")]);
        let names: Vec<_> = fields(&stated, &equalities, &[]).into_iter().map(|(n, p)| (n, p.len())).collect();
        assert_eq!(names, [("a".into(), 2), ("c".into(), 1)]);
    }

    #[test]
    fn references_to_the_resource_name_its_fields_and_tell_equal_ones_apart() {
        let stated = paths(&[
            ("$.gradingPeriodReference.schoolYear", "gradingPeriodSchoolYear"),
            ("$.sectionReference.schoolYear", "schoolYear"),
            ("$.sectionName", ""),
        ]);
        let equalities =
            BTreeSet::from([equal("$.gradingPeriodReference.schoolYear", "$.sectionReference.schoolYear")]);
        let names: Vec<Text> = fields(&stated, &equalities, &[]).into_keys().collect();
        assert_eq!(names, ["gradingPeriodSchoolYear", "schoolYear", "sectionName"]);
    }
}
