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
mod items;
mod log;
mod record;
mod values;

use std::collections::VecDeque;
use std::io::{self, BufRead, Cursor, Read};

use serde_json::Value;

use super::{Body, Failure};
use crate::model::Text;
use items::{Items, Next};
use values::{LONGEST, Numbered, Values, read_line, too_long};

/// Reads all failures of some bytes. O(length); any bytes, never an error: what is not recognised is
/// kept as text.
///
/// `name` is the file, for the place of each failure. Requests that succeeded are left out.
#[must_use]
pub fn read(name: Option<&str>, bytes: &[u8]) -> Vec<Failure> {
    failures(name, bytes).map_while(Result::ok).collect()
}

/// Reads failures one by one. A stream of JSON or a list of requests is never held as a whole, only the
/// value at hand; text of other kinds is.
pub fn failures<R: BufRead>(name: Option<&str>, source: R) -> Failures<R> {
    Failures {
        name: name.map(Text::new),
        state: State::Start(source),
        ready: VecDeque::new(),
        index: 0,
        blank: false,
        cut: None,
    }
}

/// Failures in the order in which they stand, see [`failures`].
///
/// An item is an error where the source cannot be read on, is no UTF-8 but UTF-16, or one value is longer
/// than 256 MiB; it is the last one then.
#[derive(Debug)]
pub struct Failures<R> {
    name: Option<Text>,
    state: State<R>,
    ready: VecDeque<Failure>,
    index: usize,
    blank: bool,
    cut: Option<usize>,
}

/// A source with bytes before it that were read already.
type Rest<R> = io::Chain<Cursor<Vec<u8>>, R>;

#[derive(Debug)]
enum State<R> {
    Start(R),
    /// JSON, one value ahead.
    Values(Values<Rest<R>>, Numbered),
    /// A list of requests.
    Items(Items<Rest<R>>),
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
                State::Items(items) => self.item(items),
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

    /// The line in which a list ended without its bracket, once all was read: the source was cut short.
    #[must_use]
    pub fn cut(&self) -> Option<usize> {
        self.cut
    }

    /// Looks at the first bytes that are not blank.
    fn start(&mut self, mut source: R) -> io::Result<()> {
        let mut head = Vec::new();
        source.by_ref().take(3).read_to_end(&mut head)?;
        if is_utf16(&head) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, UTF16));
        }
        let mut source = Cursor::new(without_mark(&head).to_vec()).chain(source);
        let mut line = 1;
        let first = loop {
            let buffer = source.fill_buf()?;
            let space = buffer.len() - buffer.trim_ascii_start().len();
            line += buffer.iter().take(space).filter(|byte| **byte == b'\n').count();
            match (buffer.get(space).copied(), space) {
                (None, 0) => {
                    self.blank = true;
                    return Ok(());
                }
                (first, _) => {
                    source.consume(space);
                    if let Some(first) = first {
                        break first;
                    }
                }
            }
        };
        if first == b'[' {
            let mut items = Items::new(source, line);
            match items.next()? {
                Next::Item(at, Ok(value)) if record::begins_list(&value) => {
                    items.keep_nothing();
                    self.take_item(at, Ok(value));
                    self.state = State::Items(items);
                    return Ok(());
                }
                // A validator's list is one body, and what breaks off at once is no list.
                _ => {
                    let (rest, mut read) = items.into_source();
                    let (ahead, rest) = rest.into_inner();
                    let unread = usize::try_from(ahead.position()).unwrap_or(usize::MAX);
                    read.extend_from_slice(ahead.get_ref().get(unread..).unwrap_or_default());
                    source = Cursor::new(read).chain(rest);
                }
            }
        }
        let mut text = Vec::new();
        read_line(&mut source, &mut text)?;
        if first == b'{' || (first == b'[' && !log::begins(&text)) {
            let mut values = Values::new(source, text, line);
            return match values.next()? {
                Some(first) => self.values(values, first, true),
                None => Ok(()),
            };
        }
        source.take(LONGEST as u64 + 1).read_to_end(&mut text)?;
        if text.len() > LONGEST {
            return Err(too_long(line));
        }
        let text = String::from_utf8_lossy(&text);
        let trimmed = text.trim();
        let mut failures = if http::is(trimmed) {
            http::read(trimmed)
        } else if trimmed.starts_with('<') {
            vec![Failure::new(Body::Text(trimmed.to_owned()))]
        } else {
            log::read(&text)
        };
        // Lines are counted from the first of the file.
        for line_of in failures.iter_mut().filter_map(|failure| failure.place.line.as_mut()) {
            *line_of += line - 1;
        }
        self.ready.extend(failures);
        Ok(())
    }

    /// The failures of the next item of a list; behind it other values may follow.
    fn item(&mut self, mut items: Items<Rest<R>>) -> io::Result<()> {
        match items.next()? {
            Next::Item(line, value) => {
                self.take_item(line, value);
                self.state = State::Items(items);
            }
            Next::Cut => self.cut = Some(items.line()),
            Next::End => {
                // The rest of this line counts as the next one that is read.
                let line = items.line() - 1;
                let mut values = Values::new(items.into_source().0, Vec::new(), line);
                if let Some(next) = values.next()? {
                    self.state = State::Values(values, next);
                }
            }
        }
        Ok(())
    }

    fn take_item(&mut self, line: Option<usize>, value: Result<Value, String>) {
        let mut found = Vec::new();
        match value {
            Ok(value) => record::one(value, &mut found),
            Err(broken) => found.push(Failure::new(Body::Text(broken))),
        }
        for failure in &mut found {
            failure.place.line = failure.place.line.or(line);
        }
        self.ready.extend(found);
    }

    /// The failures of one value; whether more follow tells whether its line is worth saying.
    fn values(&mut self, mut values: Values<Rest<R>>, value: Numbered, first: bool) -> io::Result<()> {
        let Numbered { line, value, resources } = value;
        let next = values.next();
        let alone = first && matches!(next, Ok(None));
        let mut found = Vec::new();
        match value {
            Ok(value) => record::read(value, &resources, &mut found),
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

/// What to do about a text in UTF-16.
pub const UTF16: &str = "the text is UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8, or Out-File -Encoding utf8";

/// Whether a text begins as one in UTF-16 does, with its mark or with a plain character.
#[must_use]
pub fn is_utf16(head: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [0, other, ..] | [other, 0, ..] => plain(other),
        _ => false,
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
