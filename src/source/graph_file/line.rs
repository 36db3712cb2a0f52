//! The one-line forms of a graph file: `long at $.schoolReference.schoolId` and
//! `/ed-fi/schools required identifying`.

use crate::model::{FieldKind, FieldType, Reference, ResourceName, StatedEdge, Target, Text};

/// `string 1..60`, `array 1..`, `date`.
pub(super) fn write_kind(kind: &FieldType) -> String {
    let name = kind.kind.name();
    let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    match (kind.min, kind.max_length) {
        (None, None) => name.to_owned(),
        (min, max) => format!("{name} {}..{}", number(min), number(max)),
    }
}

/// Reads a type from the start of a line; the rest of the line comes with it.
pub(super) fn read_kind(line: &str) -> Option<(FieldType, &str)> {
    let (name, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let kind = FieldKind::from_name(name)?;
    let (range, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let Some((min, max)) = range.split_once("..") else {
        return Some((FieldType { kind, ..FieldType::default() }, rest));
    };
    Some((FieldType { kind, min: bound(min)?, max_length: bound(max)? }, after))
}

/// A bound that may be left out; the outer `None` is a bound that is no number.
#[expect(clippy::option_option, reason = "absent and unreadable are different answers")]
fn bound(text: &str) -> Option<Option<u32>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

/// `/ed-fi/schools required identifying`, `EducationOrganization`, `?termDescriptor`,
/// `/ed-fi/a or /ed-fi/b`.
pub(super) fn write_reference(reference: &Reference) -> String {
    let mut line = match &reference.target {
        Target::Resource(name) => name.to_string(),
        Target::Abstract(entity) => entity.to_string(),
        Target::Unresolved(name) => format!("?{name}"),
    };
    for alternative in &reference.alternatives {
        line.push_str(" or ");
        line.push_str(alternative.as_str());
    }
    for (flag, word) in [(reference.required, " required"), (reference.identifying, " identifying")] {
        if flag {
            line.push_str(word);
        }
    }
    line
}

/// Reads a reference; words a later version may add are passed over.
pub(super) fn read_reference(path: &Text, line: &str) -> Option<Reference> {
    let mut words = line.split_whitespace().peekable();
    let target = words.next()?;
    let target = match target.strip_prefix('?') {
        Some(name) => Target::Unresolved(name.into()),
        None if target.starts_with('/') => Target::Resource(ResourceName::from_path(target.into())?),
        None => Target::Abstract(target.into()),
    };
    let mut reference =
        Reference { path: path.clone(), target, required: false, identifying: false, alternatives: Vec::new() };
    while let Some(word) = words.next() {
        match word {
            "or" => reference.alternatives.push(ResourceName::from_path(words.next()?.into())?),
            "required" => reference.required = true,
            "identifying" => reference.identifying = true,
            _ => {}
        }
    }
    Some(reference)
}

/// `/ed-fi/schools`, or `/ed-fi/studentSchoolAssociations visible /ed-fi/students` for an edge through the
/// pathway of a person.
pub(super) fn write_edge(edge: &StatedEdge) -> String {
    match &edge.person {
        Some(person) => format!("{} visible {person}", edge.prerequisite),
        None => edge.prerequisite.to_string(),
    }
}

/// Reads a stated edge; words a later version may add are passed over.
pub(super) fn read_edge(line: &str) -> Option<StatedEdge> {
    let mut words = line.split_whitespace();
    let prerequisite = ResourceName::from_path(words.next()?.into())?;
    let person = match words.next() {
        Some("visible") => Some(ResourceName::from_path(words.next()?.into())?),
        _ => None,
    };
    Some(StatedEdge { prerequisite, person })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_back() {
        for line in ["string", "string ..60", "string 5..80", "array 1..", "date-time"] {
            let (kind, rest) = read_kind(line).unwrap();
            assert_eq!((write_kind(&kind).as_str(), rest), (line, ""));
        }
        let (_, rest) = read_kind("long at $.schoolReference.schoolId").unwrap();
        assert_eq!(rest, "at $.schoolReference.schoolId");
        assert!(read_kind("strong").is_none());
        assert!(read_kind("string a..b").is_none());
    }

    #[test]
    fn edges_come_back() {
        for line in ["/ed-fi/schools", "/ed-fi/a visible /ed-fi/b"] {
            assert_eq!(write_edge(&read_edge(line).unwrap()), line);
        }
        assert!(read_edge("").is_none());
        assert!(read_edge("schools").is_none());
        assert!(read_edge("/ed-fi/a visible b").is_none());
        assert_eq!(read_edge("/ed-fi/a since-7").unwrap().person, None);
    }

    #[test]
    fn references_come_back() {
        let path = Text::new("$.x");
        for line in [
            "/ed-fi/schools required identifying",
            "EducationOrganization",
            "?termDescriptor required",
            "/ed-fi/a or /ed-fi/b",
        ] {
            assert_eq!(write_reference(&read_reference(&path, line).unwrap()), line);
        }
        assert!(read_reference(&path, "").is_none());
        assert!(read_reference(&path, "/ed-fi").is_none());
        assert_eq!(write_reference(&read_reference(&path, "/ed-fi/a required since-7").unwrap()), "/ed-fi/a required");
    }
}
