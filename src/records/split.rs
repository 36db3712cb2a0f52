//! Cuts a payload file into records, streaming: lines, the items of an array, or objects in a row.
//!
//! Where a record starts is known by its byte offset alone, so that threads can share a file without
//! counting lines; whoever needs a line number reads again, see [`Stream::counting_lines`].

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::files::PayloadFile;
use super::json::Flaw;

/// Bytes that are read at a time.
const READ: usize = 256 * 1024;

/// Bytes that are searched before a record without end is called too long.
pub(crate) const MAX_RECORD: usize = 64 * 1024 * 1024;

/// Some whole records of one file.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The offset of the first byte in the uncompressed file.
    pub(crate) offset: u64,
    /// The line of the first byte, from 1; only where lines are counted.
    pub(crate) line: u64,
    pub(crate) bytes: Vec<u8>,
    /// Where records start and end; each line is one where this is missing.
    spans: Option<Vec<(usize, usize)>>,
    /// What is wrong between records or instead of one, by offset.
    pub(crate) flaws: Vec<(u64, Flaw)>,
}

impl Chunk {
    /// The records with their offsets; blank lines are none. A record that is not UTF-8 or too long
    /// is a flaw.
    pub(crate) fn records(&self, max_record: usize, mut each: impl FnMut(u64, Result<&[u8], Flaw>)) {
        let all_text = simdutf8::basic::from_utf8(&self.bytes).is_ok();
        let mut one = |start: usize, end: usize| {
            let Some(record) = self.bytes.get(start..end) else { return };
            let record = if self.offset == 0 && start == 0 { without_mark(record) } else { record };
            if record.trim_ascii().is_empty() {
                return;
            }
            let offset = self.offset + start as u64;
            if record.len() > max_record {
                each(offset, Err(Flaw::TooLong));
            } else if all_text || std::str::from_utf8(record).is_ok() {
                each(offset, Ok(record));
            } else {
                each(offset, Err(Flaw::Encoding));
            }
        };
        match &self.spans {
            Some(spans) => spans.iter().for_each(|&(start, end)| one(start, end)),
            None => {
                let mut start = 0;
                for end in memchr::memchr_iter(b'\n', &self.bytes).chain([self.bytes.len()]) {
                    // A line that is cut off inside a string must not end in a control character.
                    let line = self.bytes.get(start..end).unwrap_or_default();
                    one(start, end - usize::from(line.ends_with(b"\r")));
                    start = end + 1;
                }
            }
        }
    }

    /// How many lines end between two offsets.
    pub(crate) fn newlines(&self, from: u64, to: u64) -> u64 {
        let within = |offset: u64| {
            let length = usize::try_from(offset.saturating_sub(self.offset)).unwrap_or(usize::MAX);
            length.min(self.bytes.len())
        };
        let between = self.bytes.get(within(from)..within(to)).unwrap_or_default();
        memchr::memchr_iter(b'\n', between).count() as u64
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Whether a file starts as UTF-16 does: with its mark, or with a bracket and more that zero bytes make wider.
fn is_utf_16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, _, 0, ..] | [0, b'{' | b'[', 0, _, ..])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    /// The items of one array; where in it the next byte stands.
    Array(Next),
    /// Objects one after another.
    Objects,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Opening,
    First,
    Item,
    Separator,
    Nothing,
}

/// A file that is being read.
pub(crate) struct Stream {
    reader: Box<dyn Read + Send>,
    gzip: bool,
    form: Option<Form>,
    strictly_lines: bool,
    /// Read, but behind the last whole record.
    carry: Vec<u8>,
    /// The offset of the first byte of `carry`.
    offset: u64,
    line: u64,
    counting: bool,
    ended: bool,
    max_record: usize,
    /// A record too long to hold, of which the rest is passed over.
    discarding: Option<Balance>,
}

impl Stream {
    /// Opens a file; gzip is recognised by content.
    ///
    /// # Errors
    ///
    /// What opening or the first read says.
    pub(crate) fn open(file: &PayloadFile, max_record: usize) -> io::Result<Self> {
        let mut reader = (file.open)()?;
        let mut head = Vec::with_capacity(2);
        reader.by_ref().take(2).read_to_end(&mut head)?;
        let gzip = head == [0x1f, 0x8b];
        let whole = Cursor::new(head).chain(reader);
        let reader: Box<dyn Read + Send> =
            if gzip { Box::new(MultiGzDecoder::new(BufReader::with_capacity(READ, whole))) } else { Box::new(whole) };
        Ok(Self {
            reader,
            gzip,
            form: None,
            strictly_lines: file.is_lines(),
            carry: Vec::new(),
            offset: 0,
            line: 1,
            counting: false,
            ended: false,
            max_record,
            discarding: None,
        })
    }

    /// The same stream with line numbers in its chunks.
    pub(crate) fn counting_lines(mut self) -> Self {
        self.counting = true;
        self
    }

    /// Fills a chunk with the next whole records; false at the end.
    ///
    /// # Errors
    ///
    /// What reading says. Damaged gzip data is a flaw of the file instead.
    pub(crate) fn next(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        chunk.bytes.clear();
        chunk.flaws.clear();
        chunk.spans = None;
        if self.ended && self.carry.is_empty() {
            return Ok(false);
        }
        chunk.bytes.append(&mut self.carry);
        let mut wanted = READ;
        loop {
            self.fill(chunk, wanted)?;
            if self.discarding.is_some() {
                self.discard(chunk);
            }
            chunk.offset = self.offset;
            chunk.line = self.line;
            if self.form.is_none() && is_utf_16(&chunk.bytes) {
                // None of its lines means anything.
                chunk.bytes.clear();
                chunk.flaws.push((0, Flaw::Utf16));
                self.ended = true;
                return Ok(true);
            }
            let form = *self.form.get_or_insert_with(|| recognise(&chunk.bytes, self.strictly_lines));
            let whole = if self.discarding.is_some() {
                Some(0)
            } else if form == Form::Lines {
                lines(&chunk.bytes, self.ended)
            } else {
                self.structure(chunk)
            };
            let progress = whole.is_some_and(|whole| whole > 0);
            if progress || self.ended || self.discarding.is_some() {
                let whole = whole.unwrap_or(chunk.bytes.len());
                self.carry.extend_from_slice(chunk.bytes.get(whole..).unwrap_or_default());
                chunk.bytes.truncate(whole);
                self.advance(&chunk.bytes);
                return Ok(true);
            }
            if chunk.bytes.len() > self.max_record {
                chunk.flaws.push((self.offset, Flaw::TooLong));
                self.discarding = Some(Balance::default());
                self.discard(chunk);
                self.carry.append(&mut chunk.bytes);
                chunk.spans = Some(Vec::new());
                return Ok(true);
            }
            // Twice as much each time, for a record without end is searched from its start again.
            wanted = chunk.bytes.len().max(READ);
        }
    }

    fn fill(&mut self, chunk: &mut Chunk, wanted: usize) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let before = chunk.bytes.len();
        let read = self.reader.by_ref().take(wanted as u64).read_to_end(&mut chunk.bytes);
        match read {
            Ok(_) => self.ended = chunk.bytes.len() - before < wanted,
            Err(e) if self.gzip && is_damage(&e) => {
                self.ended = true;
                chunk.flaws.push((self.offset + chunk.bytes.len() as u64, Flaw::Gzip));
            }
            Err(e) => return Err(e),
        }
        if self.offset + chunk.bytes.len() as u64 > super::store::MAX_OFFSET {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 1 TiB; split it"));
        }
        Ok(())
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        if self.counting {
            self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        }
    }

    /// Passes over the rest of a record that is too long.
    fn discard(&mut self, chunk: &mut Chunk) {
        let lines = self.form == Some(Form::Lines);
        let end = match &mut self.discarding {
            None => return,
            Some(_) if lines => memchr::memchr(b'\n', &chunk.bytes),
            Some(balance) => balance.feed(&chunk.bytes),
        };
        let passed = end.unwrap_or(chunk.bytes.len());
        let rest = chunk.bytes.split_off(passed);
        let passed = std::mem::replace(&mut chunk.bytes, rest);
        self.advance(&passed);
        if end.is_some() || self.ended {
            self.discarding = None;
            if let Some(Form::Array(next)) = &mut self.form {
                *next = Next::Separator;
            }
        }
    }

    /// Finds the records of a file that is not one record a line; how many bytes they take, or `None`
    /// where not even one is whole.
    fn structure(&mut self, chunk: &mut Chunk) -> Option<usize> {
        let mut spans = chunk.spans.take().unwrap_or_default();
        spans.clear();
        let mut at = if self.offset == 0 { chunk.bytes.len() - without_mark(&chunk.bytes).len() } else { 0 };
        let mut done = at;
        let mut form = self.form;
        while let Some(&byte) = chunk.bytes.get(at) {
            if byte.is_ascii_whitespace() {
                at += 1;
                done = at;
                continue;
            }
            let here = self.offset + at as u64;
            match (&mut form, byte) {
                (Some(Form::Array(next @ Next::Opening)), b'[') => *next = Next::First,
                (Some(Form::Array(next @ (Next::First | Next::Separator))), b']') => *next = Next::Nothing,
                (Some(Form::Array(next @ Next::Separator)), b',') => *next = Next::Item,
                (Some(Form::Array(next @ Next::Item)), b']') => {
                    chunk.flaws.push((here, Flaw::Syntax));
                    *next = Next::Nothing;
                }
                (Some(Form::Array(Next::First | Next::Item)) | Some(Form::Objects), b',') => {
                    chunk.flaws.push((here, Flaw::Syntax));
                }
                (Some(Form::Array(Next::Nothing)), _) => {
                    // Whatever stands behind the end is not looked at.
                    chunk.flaws.push((here, Flaw::Syntax));
                    self.ended = true;
                    at = chunk.bytes.len();
                    done = at;
                    break;
                }
                (Some(Form::Array(next @ Next::Separator)), _) => {
                    chunk.flaws.push((here, Flaw::Syntax));
                    *next = Next::Item;
                    continue;
                }
                _ => {
                    let rest = chunk.bytes.get(at..).unwrap_or_default();
                    let end = match Balance::default().feed(rest) {
                        Some(end) => at + end,
                        None if self.ended => chunk.bytes.len(),
                        None => break,
                    };
                    spans.push((at, end));
                    at = end;
                    done = at;
                    if let Some(Form::Array(next)) = &mut form {
                        *next = Next::Separator;
                    }
                    continue;
                }
            }
            at += 1;
            done = at;
        }
        if self.ended && done == chunk.bytes.len() && matches!(form, Some(Form::Array(next)) if next != Next::Nothing) {
            let cut = self.offset + chunk.bytes.trim_ascii_end().len().saturating_sub(1) as u64;
            chunk.flaws.push((cut, Flaw::CutOff));
            form = Some(Form::Array(Next::Nothing));
        }
        let nothing = spans.is_empty() && done == 0;
        if !nothing {
            self.form = form;
        }
        chunk.spans = Some(spans);
        (!nothing).then_some(done)
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
}

/// The length of the whole lines.
fn lines(bytes: &[u8], ended: bool) -> Option<usize> {
    if ended { Some(bytes.len()) } else { memchr::memrchr(b'\n', bytes).map(|last| last + 1) }
}

/// Objects one a line, an array, or objects over several lines.
fn recognise(bytes: &[u8], strictly_lines: bool) -> Form {
    let text = without_mark(bytes).trim_ascii_start();
    match text.first() {
        _ if strictly_lines => Form::Lines,
        Some(b'[') => Form::Array(Next::Opening),
        Some(b'{') => {
            let line = memchr::memchr(b'\n', text).unwrap_or(text.len());
            match Balance::default().feed(text.get(..line).unwrap_or_default()) {
                Some(_) => Form::Lines,
                None => Form::Objects,
            }
        }
        _ => Form::Lines,
    }
}

/// Finds the end of one value by its brackets and quotes.
#[derive(Debug, Default)]
struct Balance {
    depth: u64,
    in_string: bool,
    escaped: bool,
    scalar: bool,
}

impl Balance {
    /// How many of the bytes still belong to the value; `None` where all do and it goes on.
    fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.escaped {
                self.escaped = false;
                at += 1;
                continue;
            }
            if self.in_string {
                at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
                self.escaped = bytes.get(at) == Some(&b'\\');
                self.in_string = self.escaped;
                at += 1;
                if !self.in_string && self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth <= 1 => return Some(if self.scalar { at } else { at + 1 }),
                b'}' | b']' => self.depth -= 1,
                b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return Some(at),
                _ if self.depth == 0 => self.scalar = true,
                _ => {}
            }
            at += 1;
        }
        None
    }
}
