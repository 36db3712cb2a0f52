//! What the API calls a value that a reference carries: its own name, or with the role or the
//! referenced entity before it (DESIGN 4.7).

use std::collections::BTreeSet;

use crate::model::Text;
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
    /// Members that the target holds itself, not through a reference of its own.
    pub(super) own: BTreeSet<&'r str>,
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
        self.target.own.contains(member)
    }

    /// The name of a member that nothing else competes for.
    pub(super) fn plain_name(&self, member: &str) -> Text {
        if self.has_role() { joined(&[self.role, member]).into() } else { member.into() }
    }

    /// The name of a member whose plain name another field of the key has.
    pub(super) fn qualified_name(&self, member: &str) -> Text {
        joined(&[self.role, self.target.entity, member]).into()
    }

    /// Names that the resource may give to a member of this reference, most specific first.
    fn names_of(&self, member: &str, leniently: bool) -> Vec<String> {
        let mut spellings = vec![member];
        if leniently && self.reference.members.len() == 1 {
            spellings.extend(self.target.superclass_key.map(Text::as_str));
        }
        let mut prefixes: Vec<Vec<&str>> = Vec::new();
        if self.has_role() {
            prefixes.extend([vec![self.role, self.target.entity], vec![self.role]]);
        }
        if !self.has_role() || leniently {
            prefixes.extend([vec![self.target.entity], Vec::new()]);
        }
        let mut names = Vec::new();
        // A name in full can be no other's; with repeated words said once it may be that of a sibling
        // (`assessmentIdentifier` and `studentAssessmentIdentifier` of a StudentAssessment).
        for join in [in_full, joined] {
            for spelling in &spellings {
                names.extend(prefixes.iter().map(|prefix| join(&[prefix.as_slice(), &[*spelling]].concat())));
            }
        }
        names
    }

    /// The name among `known` for one member.
    pub(super) fn find<'k>(&self, member: &str, known: &'k BTreeSet<Text>, leniently: bool) -> Option<&'k Text> {
        self.names_of(member, leniently).iter().find_map(|name| known.get(name.as_str()))
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

/// `["exit", "School", "schoolId"]` → `exitSchoolSchoolId`.
fn in_full(parts: &[&str]) -> String {
    let mut name = String::new();
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
