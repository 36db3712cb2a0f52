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
mod values;

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use super::{Body, Failure};
use crate::model::Text;
use values::{LONGEST, Numbered, Values, read_line, too_long};

/// Reads all failures of some bytes. O(length); any bytes, never an error: what is not recognised is
/// kept as text.
///
/// `name` is the file, for the place of each failure. Requests that succeeded are left out.
#[must_use]
pub fn read(name: Option<&str>, bytes: &[u8]) -> Vec<Failure> {
    failures(name, bytes).map_while(Result::ok).collect()
}

/// Reads failures one by one. A stream of JSON is never held as a whole, only the value at hand; text
/// of other kinds is.
pub fn failures<R: BufRead>(name: Option<&str>, source: R) -> Failures<R> {
    Failures { name: name.map(Text::new), state: State::Start(source), ready: VecDeque::new(), index: 0, blank: false }
}

/// Failures in the order in which they stand, see [`failures`].
///
/// An item is an error where the source cannot be read on, or one value is longer than 256 MiB; it is
/// the last one then.
#[derive(Debug)]
pub struct Failures<R> {
    name: Option<Text>,
    state: State<R>,
    ready: VecDeque<Failure>,
    index: usize,
    blank: bool,
}

#[derive(Debug)]
enum State<R> {
    Start(R),
    /// JSON, one value ahead.
    Values(Values<R>, Numbered),
    End,
}

impl<R: BufRead> Iterator for Failures<R> {
    type Item = io::Result<Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(mut failure) = self.ready.pop_front() {
                if failure.status.is_some_and(|status| status < 400) {
                    continue;
                }
                failure.place.index = Some(self.index);
                self.index += 1;
                if failure.place.file.is_none() {
                    failure.place.file.clone_from(&self.name);
                }
                return Some(Ok(failure));
            }
            let state = std::mem::replace(&mut self.state, State::End);
            let more = match state {
                State::Start(source) => self.start(source),
                State::Values(values, first) => self.values(values, first, false),
                State::End => return None,
            };
            if let Err(error) = more {
                return Some(Err(error));
            }
        }
    }
}

impl<R: BufRead> Failures<R> {
    /// Whether the source, read to its end, held nothing at all: not that nothing failed, but that
    /// nothing was said.
    #[must_use]
    pub fn blank(&self) -> bool {
        self.blank
    }

    /// Looks at the first line that is not blank.
    fn start(&mut self, mut source: R) -> io::Result<()> {
        let (mut text, mut line) = (Vec::new(), 0);
        while without_mark(&text).trim_ascii().is_empty() {
            text.clear();
            if read_line(&mut source, &mut text)? == 0 {
                self.blank = true;
                return Ok(());
            }
            line += 1;
        }
        let first = without_mark(&text);
        if matches!(first.trim_ascii_start().first(), Some(b'{' | b'[')) {
            let mut values = Values::new(source, first.to_vec(), line);
            return match values.next()? {
                Some(first) => self.values(values, first, true),
                None => Ok(()),
            };
        }
        source.take(LONGEST as u64 + 1).read_to_end(&mut text)?;
        if text.len() > LONGEST {
            return Err(too_long(line));
        }
        let text = String::from_utf8_lossy(without_mark(&text));
        let trimmed = text.trim();
        if http::is(trimmed) {
            self.ready.extend(http::read(trimmed));
        } else if trimmed.starts_with('<') {
            self.ready.push_back(Failure::new(Body::Text(trimmed.to_owned())));
        } else {
            // Lines are counted from the first of the file.
            let mut failures = log::read(&text);
            for line_of in failures.iter_mut().filter_map(|failure| failure.place.line.as_mut()) {
                *line_of += line - 1;
            }
            self.ready.extend(failures);
        }
        Ok(())
    }

    /// The failures of one value; whether more follow tells whether its line is worth saying.
    fn values(&mut self, mut values: Values<R>, (line, value): Numbered, first: bool) -> io::Result<()> {
        let next = values.next();
        let alone = first && matches!(next, Ok(None));
        let mut found = Vec::new();
        match value {
            Ok(value) => record::read(value, &mut found),
            Err(broken) => found.push(Failure::new(Body::Text(broken))),
        }
        for failure in found.iter_mut().filter(|failure| !alone && failure.place.line.is_none()) {
            failure.place.line = Some(line);
        }
        self.ready.extend(found);
        if let Some(next) = next? {
            self.state = State::Values(values, next);
        }
        Ok(())
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
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
