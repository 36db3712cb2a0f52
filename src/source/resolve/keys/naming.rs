//! What the API calls a value that a reference carries: its own name, or with the role or the
//! referenced entity before it (docs/design.md, "Natural keys from names").

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FieldType, Text};
use crate::source::draft::{DraftReference, Member};

/// Whether a path is that of a member of the root object.
pub(super) fn is_root(path: &str) -> bool {
    path.strip_prefix("$.").is_some_and(|rest| !rest.contains(['.', '[']))
}

/// What a reference points to, as far as names depend on it.
pub(super) struct Referenced<'r> {
    pub(super) entity: &'r str,
    /// The key field of the target's superclass that stands for a single-field key.
    pub(super) superclass_key: Option<&'r Text>,
    /// What the target holds itself, not through a reference of its own.
    pub(super) scalars: Option<&'r BTreeMap<Text, FieldType>>,
    /// The only key field of an abstract target.
    pub(super) only: Option<&'r Text>,
}

/// A reference of the root object, with what its property name tells.
pub(super) struct RootReference<'r> {
    pub(super) path: &'r Text,
    pub(super) reference: &'r DraftReference,
    target: Referenced<'r>,
    /// The part of the property name before the entity: `exit` of `exitSchoolReference`.
    role: &'r str,
    members: BTreeSet<&'r str>,
}

/// The reference at a path; they are sorted by path.
pub(super) fn at<'a, 'r>(root: &'a [RootReference<'r>], path: &str) -> Option<&'a RootReference<'r>> {
    root.binary_search_by(|r| r.path.as_str().cmp(path)).ok().and_then(|index| root.get(index))
}

impl<'r> RootReference<'r> {
    pub(super) fn new(path: &'r Text, reference: &'r DraftReference, target: Referenced<'r>) -> Self {
        let base = path.strip_prefix("$.").and_then(|p| p.strip_suffix("Reference")).unwrap_or_default();
        let at = base.len().saturating_sub(target.entity.len());
        let named = base.get(at..).is_some_and(|suffix| suffix.eq_ignore_ascii_case(target.entity));
        let role = if named { base.get(..at).unwrap_or_default() } else { "" };
        let members = reference.members.iter().map(|m| m.name.as_str()).collect();
        Self { path, reference, target, role, members }
    }

    pub(super) fn has(&self, member: &str) -> bool {
        self.members.contains(member)
    }

    pub(super) fn has_role(&self) -> bool {
        !self.role.is_empty()
    }

    /// Whether the target holds that member itself.
    pub(super) fn is_direct(&self, member: &str) -> bool {
        self.target.scalars.is_some_and(|scalars| scalars.contains_key(member))
            || self.target.only.is_some_and(|only| only == member)
    }

    /// The name of a member that nothing else competes for.
    pub(super) fn plain_name(&self, member: &str) -> Text {
        if self.has_role() { joined(&[self.role, member]).into() } else { member.into() }
    }

    /// The name of a member whose plain name another field of the key has.
    pub(super) fn qualified_name(&self, member: &str) -> Text {
        joined(&[self.role, self.target.entity, member]).into()
    }

    /// The name among `known` for one member: of those that the resource may give it, the most specific.
    pub(super) fn find<'k>(&self, member: &str, known: &'k BTreeSet<Text>, leniently: bool) -> Option<&'k Text> {
        let superclass_key = self.target.superclass_key.filter(|_| leniently && self.reference.members.len() == 1);
        // However it is joined, a name ends with the member's own; most known names are ruled out by that.
        let spellings = [Some(member), superclass_key.map(Text::as_str)].into_iter().flatten();
        let spellings = spellings.filter(|spelling| known.iter().any(|name| ends_with(name, spelling)));
        let with_role = [[self.role, self.target.entity], [self.role, ""]];
        let without = [["", self.target.entity], ["", ""]];
        let with_role = with_role.into_iter().filter(|_| self.has_role());
        let prefixes = with_role.chain(without.into_iter().filter(|_| !self.has_role() || leniently));
        // A name in full can be no other's; with repeated words said once it may be that of a sibling
        // (`assessmentIdentifier` and `studentAssessmentIdentifier` of a StudentAssessment).
        let mut ways = [in_full, joined].into_iter().flat_map(|join| spellings.clone().map(move |s| (join, s)));
        ways.find_map(|(join, spelling)| {
            prefixes.clone().find_map(|[role, entity]| known.get(join(&[role, entity, spelling]).as_str()))
        })
    }

    /// The name among `known` for each member; `None` where there is none.
    pub(super) fn map<'k>(&self, known: &'k BTreeSet<Text>, leniently: bool) -> Vec<(&'r Member, Option<&'k Text>)> {
        self.reference.members.iter().map(|member| (member, self.find(&member.name, known, leniently))).collect()
    }

    pub(super) fn member_path(&self, member: &Member) -> Text {
        format!("{}.{}", self.path, member.name).into()
    }

    /// Whether all its members are key fields of the resource: then it identifies.
    pub(super) fn maps_whole(&self, known: &BTreeSet<Text>, leniently: bool) -> bool {
        self.map(known, leniently).iter().all(|(_, name)| name.is_some())
    }
}

fn ends_with(name: &str, tail: &str) -> bool {
    let start = name.len().checked_sub(tail.len());
    start.and_then(|start| name.as_bytes().get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(tail.as_bytes()))
}

/// `["exit", "School", "schoolId"]` → `exitSchoolSchoolId`.
fn in_full(parts: &[&str]) -> String {
    let mut name = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        let mut chars = part.chars();
        let first = chars.next().map(|c| if name.is_empty() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() });
        name.extend(first);
        name.push_str(chars.as_str());
    }
    name
}

/// As the API joins names: words at the seam that repeat are said once (`["GradingPeriod",
/// "periodSequence"]` → `gradingPeriodSequence`).
pub(super) fn joined(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |name, part| {
        let starts = name.char_indices().filter(|&(i, c)| i == 0 || c.is_ascii_uppercase()).map(|(i, _)| i);
        let overlap = starts.filter_map(|start| name.get(start..)).find(|tail| {
            let next = part.get(tail.len()..).map(|rest| rest.chars().next());
            let whole_words = next.is_some_and(|c| c.is_none_or(|c| c.is_ascii_uppercase()));
            whole_words && part.get(..tail.len()).is_some_and(|head| head.eq_ignore_ascii_case(tail))
        });
        let repeated = overlap.map_or(0, str::len);
        in_full(&[name.as_str(), part.get(repeated..).unwrap_or_default()])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_without_repeating_words() {
        for (parts, name) in [
            (&["exit", "School", "schoolId"][..], "exitSchoolId"),
            (&["GradingPeriod", "periodSequence"], "gradingPeriodSequence"),
            (&["Program", "programName"], "programName"),
            (&["Program", "educationOrganizationId"], "programEducationOrganizationId"),
            (&["objective", "objective"], "objective"),
            (&["", "Course", "courseCode"], "courseCode"),
            (&["program", "programmeName"], "programProgrammeName"),
            (&[], ""),
        ] {
            assert_eq!(joined(parts), name);
        }
    }
}
