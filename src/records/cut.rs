//! Cuts values out of a record and leaves every other byte as it is.
//!
//! A record that was parsed and written again would not be the one that stood in the file: numbers lose
//! digits, strings and blanks their spelling.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::json::{Flaw, MAX_DEPTH, Members, Scanner, Span, Token, unescape};
use super::reread::Step;

/// A record without what some paths lead to, and without whatever cannot stand without that: the holder
/// of a required member, a collection that is left empty. All at once, for a cut moves the items behind
/// it, and may take out what another path leads into. A member that stands twice is cut twice. `None` where
/// the record itself cannot stand without. O(bytes + cuts log cuts).
///
/// # Errors
///
/// What makes it no record.
pub(crate) fn cut(record: &[u8], paths: &[Vec<Step>], required: &BTreeSet<&str>) -> Result<Option<Vec<u8>>, Flaw> {
    let paths: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
    let mut cutter = Cutter { scanner: Scanner::new(record), members: Members::default(), required, cuts: Vec::new() };
    if cutter.value(&paths, "$", 0)? {
        return Ok(None);
    }
    let mut cuts = cutter.cuts;
    cuts.sort_unstable_by_key(|cut| (cut.start, cut.end));
    let mut left = Vec::with_capacity(record.len());
    let mut at = 0;
    for cut in cuts {
        // Empty where the cut lies in another one.
        left.extend_from_slice(record.get(at..cut.start).unwrap_or_default());
        at = at.max(cut.end);
    }
    left.extend_from_slice(record.get(at..).unwrap_or_default());
    Ok(Some(left))
}

struct Cutter<'b, 'r> {
    scanner: Scanner<'b>,
    members: Members,
    required: &'r BTreeSet<&'r str>,
    cuts: Vec<Range<usize>>,
}

/// A member with its name, or an item, and whether it is cut.
struct Part {
    start: usize,
    end: usize,
    goes: bool,
}

/// What paths lead into a value, by their next step.
type Below<'p> = BTreeMap<&'p Step, Vec<&'p [Step]>>;

impl Cutter<'_, '_> {
    /// Passes over a value and cuts below it; true where it goes itself. Where paths lead, the depth is
    /// theirs; elsewhere it is bounded.
    fn value(&mut self, paths: &[&[Step]], path: &str, depth: u32) -> Result<bool, Flaw> {
        let first = self.scanner.next_token()?;
        let goes = paths.iter().any(|steps| steps.is_empty());
        if goes || paths.is_empty() || !matches!(first, b'{' | b'[') {
            self.scanner.skip(&mut self.members, depth)?;
            return Ok(goes);
        }
        if depth >= MAX_DEPTH {
            return Err(Flaw::Depth);
        }
        let mut below = Below::new();
        for (step, rest) in paths.iter().filter_map(|steps| steps.split_first()) {
            below.entry(step).or_default().push(rest);
        }
        self.scanner.at += 1;
        if first == b'{' { self.object(&below, path, depth) } else { self.array(&below, path, depth) }
    }

    /// An object after its brace; whether it lacks a required member now.
    fn object(&mut self, below: &Below<'_>, path: &str, depth: u32) -> Result<bool, Flaw> {
        let (mut parts, mut lacks) = (Vec::new(), false);
        while !self.is_empty(b'}', &parts)? {
            self.scanner.next_token()?;
            let start = self.scanner.at;
            let name = self.scanner.name()?;
            let goes = match leads(below, name, self.scanner.bytes) {
                Some((name, rest)) => {
                    let path = format!("{path}.{name}");
                    let goes = self.value(rest, &path, depth + 1)?;
                    lacks |= goes && self.required.contains(path.as_str());
                    goes
                }
                None => self.value(&[], path, depth + 1)?,
            };
            parts.push(Part { start, end: self.scanner.at, goes });
            if !self.scanner.another(b'}')? {
                break;
            }
        }
        self.cut_from(&parts);
        Ok(lacks)
    }

    /// An array after its bracket; whether nothing is left of it.
    fn array(&mut self, below: &Below<'_>, path: &str, depth: u32) -> Result<bool, Flaw> {
        let path = format!("{path}[*]");
        let mut parts = Vec::new();
        while !self.is_empty(b']', &parts)? {
            self.scanner.next_token()?;
            let start = self.scanner.at;
            let rest = below.get(&Step::Item(parts.len())).map(Vec::as_slice).unwrap_or_default();
            let goes = self.value(rest, &path, depth + 1)?;
            parts.push(Part { start, end: self.scanner.at, goes });
            if !self.scanner.another(b']')? {
                break;
            }
        }
        self.cut_from(&parts);
        Ok(!parts.is_empty() && parts.iter().all(|part| part.goes))
    }

    /// Passes over the end of what has no parts at all.
    fn is_empty(&mut self, close: u8, parts: &[Part]) -> Result<bool, Flaw> {
        let is_empty = parts.is_empty() && self.scanner.next_token()? == close;
        self.scanner.at += usize::from(is_empty);
        Ok(is_empty)
    }

    /// Cuts parts of an object or array, each with one comma: the one before it where something stands
    /// there, else the one after it.
    fn cut_from(&mut self, parts: &[Part]) {
        let mut before: Option<usize> = None;
        for (number, part) in parts.iter().enumerate() {
            match before {
                _ if !part.goes => {}
                Some(before) => self.cuts.push(before..part.end),
                None => self.cuts.push(part.start..parts.get(number + 1).map_or(part.end, |next| next.start)),
            }
            if !part.goes || before.is_some() {
                before = Some(part.end);
            }
        }
    }
}

/// The paths that lead into a member, with its name.
fn leads<'p>(below: &'p Below<'p>, name: Span, bytes: &[u8]) -> Option<(&'p str, &'p [&'p [Step]])> {
    let raw = name.of(bytes);
    let text = if name.token == Token::Escaped { unescape(raw).into() } else { std::borrow::Cow::Borrowed(raw) };
    // A model has few paths, and a level of them few names.
    below.iter().find_map(|(step, rest)| match step {
        Step::Member(member) if member.as_bytes() == &*text => Some((member.as_str(), rest.as_slice())),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Step {
        Step::Member(name.into())
    }

    fn without(record: &str, paths: &[Vec<Step>], required: &[&str]) -> String {
        let left = cut(record.as_bytes(), paths, &required.iter().copied().collect()).unwrap().unwrap();
        String::from_utf8(left).unwrap()
    }

    #[test]
    fn all_other_bytes_stay() {
        let digits = "1234567890123456789012345678901234567890";
        let record =
            format!("{{ \"z\" : {digits},\t\"r\":  {{\"x\":[1, 2]}} ,\"a\":\"\\u00e9\\/\",\r\n  \"b\":1.50e+0 }}");
        let left = format!("{{ \"z\" : {digits} ,\"a\":\"\\u00e9\\/\",\r\n  \"b\":1.50e+0 }}");
        assert_eq!(without(&record, &[vec![member("r")]], &[]), left);
        assert_eq!(without(&record, &[vec![member("none")], vec![member("z"), member("r")]], &[]), record);
        // The first, the last, the only one, all.
        assert_eq!(without(r#"{ "r" : 1 , "a": 2 }"#, &[vec![member("r")]], &[]), r#"{ "a": 2 }"#);
        assert_eq!(without(r#"{ "a": 2 , "r" : 1 }"#, &[vec![member("r")]], &[]), r#"{ "a": 2 }"#);
        assert_eq!(without(r#"{ "r" : 1 }"#, &[vec![member("r")]], &[]), "{  }");
        let all = ["a", "b", "c"].map(|name| vec![member(name)]);
        assert_eq!(without(r#"{"a":1, "b":2, "c":3}"#, &all, &[]), "{}");
        assert_eq!(without(r#"{"a":1, "x":2, "b":3, "c":4, "y":5}"#, &all, &[]), r#"{"x":2, "y":5}"#);
    }

    #[test]
    fn names_are_compared_by_what_they_say() {
        let record = r#"{"\u0072ef":{"k":1},"ref":2,"Ref":3,"a":{"ref":4}}"#;
        assert_eq!(without(record, &[vec![member("ref")]], &[]), r#"{"Ref":3,"a":{"ref":4}}"#);
    }

    #[test]
    fn what_cannot_be_without_goes_with_it() {
        let record = r#"{"a": [{"r": 1, "x": 1}, {"r": 2}], "b": 1}"#;
        let path = [vec![member("a"), Step::Item(1), member("r")]];
        // The reference alone, the item that requires it, the collection that is left empty.
        assert_eq!(without(record, &path, &[]), r#"{"a": [{"r": 1, "x": 1}, {}], "b": 1}"#);
        assert_eq!(without(record, &path, &["$.a[*].r"]), r#"{"a": [{"r": 1, "x": 1}], "b": 1}"#);
        let path = [vec![member("a"), Step::Item(0), member("r")]];
        assert_eq!(without(r#"{"a": [{"r": 1}], "b": 1}"#, &path, &["$.a[*].r"]), r#"{"b": 1}"#);
        // A collection that its holder requires takes the holder with it; an empty one was so before.
        let path = [vec![member("o"), Step::Item(0), member("a"), Step::Item(0), member("r")]];
        let record = r#"{"o": [{"a": [{"r": 1}]}, {"a": []}]}"#;
        assert_eq!(without(record, &path, &["$.o[*].a", "$.o[*].a[*].r"]), r#"{"o": [{"a": []}]}"#);
    }

    #[test]
    fn a_record_that_cannot_be_without_is_none() {
        let path = [vec![member("a"), Step::Item(0), member("r")]];
        let required = BTreeSet::from(["$.a", "$.a[*].r"]);
        assert_eq!(cut(br#"{"a": [{"r": 1}]}"#, &path, &required), Ok(None));
        assert!(cut(br#"{"a": [{"r": 1}, {"r": 2}]}"#, &path, &required).unwrap().is_some());
    }

    #[test]
    fn each_path_cuts_what_it_was_made_for() {
        let at = |item: usize, name: &str| vec![member("a"), Step::Item(item), member(name)];
        let record = r#"{"a":[{"x":0},{"r":1,"s":1},{"r":2,"s":2},{"r":3,"s":3}]}"#;
        // Either reference takes the item with it, and the item behind it stays.
        let left = r#"{"a":[{"x":0},{"r":2,"s":2},{"r":3,"s":3}]}"#;
        assert_eq!(without(record, &[at(1, "r"), at(1, "s")], &["$.a[*].r", "$.a[*].s"]), left);
        // One is required and the other not, in whatever order the paths are given.
        let left = r#"{"a":[{"x":0},{"r":2,"s":2},{"r":3}]}"#;
        assert_eq!(without(record, &[at(1, "s"), at(1, "r"), at(3, "s")], &["$.a[*].r"]), left);
    }

    #[test]
    fn what_is_no_record_is_said() {
        let path = [vec![member("a"), member("b")]];
        for record in [r#"{"a":{"b":1"#, r#"{"a":{"b":1}"#, r#"{"a" {"b":1}}"#, r#"{"a":[1 2]}"#, "{,}", r#"{"a":1,}"#]
        {
            assert!(cut(record.as_bytes(), &path, &BTreeSet::new()).is_err(), "{record}");
        }
    }
}
