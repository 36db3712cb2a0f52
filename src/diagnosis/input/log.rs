//! Lines of a log, or the message itself.

use super::{body, record};
use crate::diagnosis::{Body, Failure};

/// Failures of a log; where no line is one, the text is one message.
pub(super) fn read(text: &str) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(failure) = of_line(line) {
            let first = failures.len();
            failures.push(failure);
            for failure in failures.iter_mut().skip(first) {
                failure.place.line = Some(number + 1);
            }
        }
    }
    if failures.is_empty() {
        failures.push(Failure::new(Body::Text(text.trim().to_owned())));
    } else if let [only] = failures.as_mut_slice()
        && text.trim().lines().count() == 1
    {
        only.place.line = None;
    }
    failures
}

/// `StudentSample.xml Student Line 40 Level: 13 #55871 Conflict - 409 - {…}`, or any line that ends
/// in a response, or a `409: message` of a loader.
fn of_line(line: &str) -> Option<Failure> {
    if let Some((head, status, rest)) = dashed_status(line) {
        let mut failure = Failure::new(body(rest));
        failure.status = Some(status);
        failure.resource = resource_of(head);
        failure.method = method_of(head);
        return Some(failure);
    }
    let open = line.find('{')?;
    let (head, rest) = line.split_at_checked(open)?;
    let value: serde_json::Value = serde_json::from_str(rest.trim()).ok()?;
    if !record::is_body(&value) {
        let mut found = Vec::new();
        if record::is_record(&value) {
            record::read(value, &mut found);
        }
        return found.into_iter().next();
    }
    let mut failure = Failure::new(Body::Json(value));
    failure.status = head.split(|c: char| !c.is_ascii_alphanumeric()).find_map(status_word);
    failure.resource = resource_of(head);
    failure.method = method_of(head);
    Some(failure)
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
