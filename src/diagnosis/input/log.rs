//! Lines of a log, or the message itself.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::values::Balance;
use super::{body, record};
use crate::diagnosis::{Body, Failure};

/// How often the bytes of a text are looked at, at most, for values that run over several lines.
const LOOKS: usize = 8;

/// Beginnings of values that are tried in one line.
const TRIED: usize = 16;

/// Whether a first line that opens a bracket is one of a log rather than of JSON: `[2024-05-01 10:00] …`.
pub(super) fn begins(line: &[u8]) -> bool {
    let inner = line.trim_ascii_start().strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<IgnoredAny>();
    let mut broken = || values.any(|value| value.is_err_and(|error| !error.is_eof()));
    !matches!(inner.first(), Some(b'{' | b'[' | b'"')) && broken()
}

/// Failures of a log; where no line is one, the text is one message. O(length).
pub(super) fn read(text: &str) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut looks = text.len().saturating_mul(LOOKS);
    let (mut at, mut number) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let line = rest.lines().next().unwrap_or_default();
        number += 1;
        let mut taken = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let mut found = Vec::new();
        if let Some((head, value, length)) = over_lines(rest, line, &mut looks) {
            found = of_value(head, value);
            if !found.is_empty() {
                taken = length;
            }
        }
        if found.is_empty() {
            found = of_line(line);
        }
        for failure in &mut found {
            failure.place.line = failure.place.line.or(Some(number));
        }
        failures.extend(found);
        let passed = rest.get(..taken).unwrap_or(rest);
        number += passed.trim_end_matches('\n').matches('\n').count();
        at += taken;
    }
    if failures.is_empty() {
        failures.push(Failure::new(Body::Text(unescaped(text.trim()))));
    } else if let [only] = failures.as_mut_slice()
        && text.trim().lines().count() == 1
    {
        only.place.line = None;
    }
    failures
}

/// A value that begins with the last bracket of a line and ends in a later one: what stands before it, the
/// value, and the length of all of it.
fn over_lines<'t>(rest: &'t str, line: &'t str, looks: &mut usize) -> Option<(&'t str, Value, usize)> {
    let head = line.trim_end().strip_suffix(['[', '{'])?;
    let mut balance = Balance::default();
    let mut end = head.len();
    for line in rest.get(head.len()..)?.split_inclusive('\n') {
        *looks = looks.checked_sub(line.len())?;
        balance.read(line.as_bytes());
        end += line.len();
        if balance.is_in_string() {
            return None;
        }
        if balance.is_whole() {
            let value = serde_json::from_str(rest.get(head.len()..end)?).ok()?;
            return Some((head, value, end));
        }
    }
    None
}

/// A message as it was before something wrote its line ends as `\n` and its tabs as `\t`; a path of Windows
/// has letters before its backslash, or a colon.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let ends = out.chars().last().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, ':' | '\\'));
        let white = matches!(after.chars().next(), Some('n' | 'r' | 't')) && ends;
        let (sign, behind) = if white { ('\n', after.get(1..).unwrap_or_default()) } else { ('\\', after) };
        out.push(sign);
        rest = behind;
    }
    out + rest
}

/// `StudentSample.xml Student Line 40 Level: 13 #55871 Conflict - 409 - {…}`, or any line that ends
/// in a response, or a `409: message` of a loader.
fn of_line(line: &str) -> Vec<Failure> {
    if let Some((head, status, rest)) = dashed_status(line) {
        let mut failure = Failure::new(body(rest));
        failure.status = Some(status);
        failure.resource = resource_of(head);
        failure.method = method_of(head);
        return vec![failure];
    }
    let beginnings = line.match_indices(['{', '[']).take(TRIED);
    let values = beginnings.filter_map(|(at, _)| {
        let (head, rest) = line.split_at_checked(at)?;
        let found = of_value(head, serde_json::from_str(rest.trim()).ok()?);
        (!found.is_empty()).then_some(found)
    });
    values.into_iter().next().unwrap_or_default()
}

/// The failures of a value in a log, and what stands before it.
fn of_value(head: &str, value: Value) -> Vec<Failure> {
    let mut found = Vec::new();
    let is_list = matches!(&value, Value::Array(items) if items.iter().any(record::is_record));
    if is_list || (record::is_record(&value) && !record::is_body(&value)) {
        record::read(value, &[], &mut found);
    } else if record::is_body(&value) {
        let mut failure = Failure::new(Body::Json(value));
        let dashed = dashed_status(head);
        let head = dashed.map_or(head, |(head, _, _)| head);
        failure.status = dashed.map(|(_, status, _)| status).or_else(|| status_in(head));
        failure.resource = resource_of(head);
        failure.method = method_of(head);
        found.push(failure);
    }
    found
}

/// `… - 409 - …`.
fn dashed_status(line: &str) -> Option<(&str, u16, &str)> {
    let mut from = 0;
    while let Some(offset) = line.get(from..)?.find(" - ") {
        let at = from + offset;
        let rest = line.get(at + 3..)?;
        if let Some((number, rest)) = rest.split_once(" - ").filter(|(number, _)| number.trim().len() == 3)
            && let Some(status) = status_word(number.trim())
        {
            return Some((line.get(..at)?, status, rest));
        }
        from = at + 3;
    }
    None
}

/// A status that stands by itself: `Conflict (409)`, `status=409`; not the milliseconds of `10:12:01,409`, nor
/// the place in `Line 409`.
fn status_in(head: &str) -> Option<u16> {
    let mut words = head.split(|c: char| c.is_whitespace() || matches!(c, '=' | '(' | ')' | '[' | ']' | '|'));
    let mut before = "";
    words.find_map(|word| {
        let is_place = std::mem::replace(&mut before, word).trim_end_matches(':').eq_ignore_ascii_case("line");
        let alone = word.trim_matches(|c: char| c.is_ascii_punctuation());
        status_word(alone).filter(|_| !is_place)
    })
}

fn status_word(word: &str) -> Option<u16> {
    word.parse().ok().filter(|status| word.len() == 3 && (400..600).contains(status))
}

/// The resource a line speaks of: a path, or the element of the file that was loaded, which stands
/// before `Line 40`.
fn resource_of(head: &str) -> Option<String> {
    let words: Vec<&str> = head.split_whitespace().collect();
    let path =
        words.iter().find(|word| word.contains("/ed-fi/") || word.contains("/data/") || word.starts_with("http"));
    let element = || {
        let line = words.iter().position(|word| word.eq_ignore_ascii_case("line"))?;
        words.get(line.checked_sub(1)?)
    };
    path.or_else(element).map(|word| word.trim_matches(['"', '\'', ',', ';']).to_owned())
}

fn method_of(head: &str) -> Option<String> {
    let known = |word: &&str| matches!(*word, "GET" | "POST" | "PUT" | "PATCH" | "DELETE");
    head.split(|c: char| !c.is_ascii_alphabetic()).find(known).map(str::to_owned)
}
