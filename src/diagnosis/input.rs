//! Failures in whatever form people have them, recognised by content.
//!
//! ```text
//! HTTP/1.1 409 …          whole responses, as curl -i and -v print them
//! {…} or […]              a body, a request with its response, a list or a stream of them, or the
//!                         results file of lightbeam
//! <html>                  the page of something in between
//! … Conflict - 409 - {…}  lines of a log
//! anything else           the message itself
//! ```

mod http;
mod log;
mod record;

use std::borrow::Cow;

use serde_json::Value;

use super::{Body, Failure};

/// Reads failures. O(length); any bytes, never an error: what is not recognised is kept as text.
///
/// `name` is the file, for the place of each failure. Requests that succeeded are left out.
#[must_use]
pub fn read(name: Option<&str>, bytes: &[u8]) -> Vec<Failure> {
    let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let trimmed = text.trim();
    let mut failures = if trimmed.is_empty() {
        Vec::new()
    } else if http::is(trimmed) {
        http::read(trimmed).into_iter().collect()
    } else if trimmed.starts_with(['{', '[']) {
        json(text)
    } else if trimmed.starts_with('<') {
        vec![Failure::new(Body::Text(trimmed.to_owned()))]
    } else {
        log::read(text)
    };
    failures.retain(|failure| failure.status.is_none_or(|status| status >= 400));
    for (index, failure) in failures.iter_mut().enumerate() {
        failure.place.index = Some(index);
        if failure.place.file.is_none() {
            failure.place.file = name.map(str::to_owned);
        }
    }
    failures
}

/// A text of a body: JSON where it is JSON.
fn body(text: &str) -> Body {
    let trimmed = text.trim().trim_start_matches('\u{feff}');
    if trimmed.starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str(trimmed)
    {
        return Body::Json(value);
    }
    Body::Text(trimmed.to_owned())
}

/// A stream of JSON values, each on one line or several; one that breaks off is kept as text, and
/// reading goes on after the line it breaks off in.
fn json(text: &str) -> Vec<Failure> {
    let mut values: Vec<(usize, Result<Value, String>)> = Vec::new();
    let (mut rest, mut line) = (text, 1);
    'streams: loop {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let mut read = 0;
        loop {
            let start = read + leading_space(rest.get(read..).unwrap_or_default());
            let at = line + newlines(rest.get(read..start).unwrap_or_default());
            match stream.next() {
                None => break 'streams,
                Some(Ok(value)) => {
                    values.push((at, Ok(value)));
                    let end = stream.byte_offset();
                    line = at + newlines(rest.get(start..end).unwrap_or_default());
                    read = end;
                }
                Some(Err(error)) => {
                    // Lines of the error count from the start of this stream. Where its line begins a
                    // value of its own, the broken one ended before.
                    let begins = if error.line() > 1 { end_of_line(rest, error.line() - 1) } else { 0 };
                    let own = begins > start && rest.get(begins..).is_some_and(|l| l.starts_with(['{', '[']));
                    let stop = if own { begins } else { end_of_line(rest, error.line()).max(start + 1) };
                    let broken = rest.get(start..stop).or_else(|| rest.get(start..)).unwrap_or_default();
                    values.push((at, Err(broken.trim().to_owned())));
                    line = at + newlines(broken);
                    rest = rest.get(start + broken.len()..).unwrap_or_default();
                    if rest.trim().is_empty() || broken.is_empty() {
                        break 'streams;
                    }
                    continue 'streams;
                }
            }
        }
    }
    let alone = values.len() == 1;
    let mut failures = Vec::new();
    for (line, value) in values {
        let first = failures.len();
        match value {
            Ok(value) => record::read(value, &mut failures),
            Err(broken) => failures.push(Failure::new(Body::Text(broken))),
        }
        for failure in failures.iter_mut().skip(first).filter(|f| !alone && f.place.line.is_none()) {
            failure.place.line = Some(line);
        }
    }
    failures
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

/// Where a line of a text ends, lines counted from one.
fn end_of_line(text: &str, line: usize) -> usize {
    let mut ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
    ends.nth(line.saturating_sub(1)).map_or(text.len(), |(at, _)| at + 1)
}
