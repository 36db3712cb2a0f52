//! JSON values one after another, each on one line or several, read line by line.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The longest value, in bytes.
pub(super) const LONGEST: usize = 256 << 20;

/// A value, or the text of one that breaks off.
#[derive(Debug)]
pub(super) struct Numbered {
    /// The line it begins in.
    pub(super) line: usize,
    pub(super) value: Result<Value, String>,
    /// The names of its `resources`, where it has some, as they stand in it: a value keeps no order.
    pub(super) resources: Vec<String>,
}

impl Numbered {
    fn broken(line: usize, bytes: &[u8]) -> Self {
        Self { line, value: Err(text(bytes)), resources: Vec::new() }
    }

    fn whole(line: usize, value: Value, bytes: &[u8]) -> Self {
        let has = value.get("resources").is_some_and(Value::is_object);
        let resources = if has { in_order(bytes) } else { Vec::new() };
        Self { line, value: Ok(value), resources }
    }
}

/// Values of a stream. One that breaks off ends with its line, or before the line in which a value
/// begins that cannot be part of it; reading goes on behind. O(length).
#[derive(Debug)]
pub(super) struct Values<R> {
    source: R,
    /// The number of the last line read.
    line: usize,
    /// What was read and holds no whole value yet, and the line it begins in.
    pending: Vec<u8>,
    begun: usize,
    balance: Balance,
    /// Found in the last line, in reverse.
    found: Vec<Numbered>,
}

impl<R: BufRead> Values<R> {
    /// The values of a source whose first lines, `line` of them, were read already into `pending`.
    pub(super) fn new(source: R, pending: Vec<u8>, line: usize) -> Self {
        let mut values =
            Self { source, line, pending: Vec::new(), begun: line, balance: Balance::default(), found: Vec::new() };
        values.take(pending);
        values
    }

    /// The next value.
    pub(super) fn next(&mut self) -> io::Result<Option<Numbered>> {
        while self.found.is_empty() {
            let mut line = Vec::new();
            if read_line(&mut self.source, &mut line)? == 0 {
                let rest = std::mem::take(&mut self.pending);
                return Ok((!rest.trim_ascii().is_empty()).then(|| Numbered::broken(self.begun, &rest)));
            }
            self.line += 1;
            if self.pending.len() + line.len() > LONGEST {
                return Err(too_long(self.begun));
            }
            self.take(line);
        }
        Ok(self.found.pop())
    }

    /// Takes a line into account.
    fn take(&mut self, line: Vec<u8>) {
        let begins = matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
        if !self.pending.is_empty() && begins && !self.balance.may_begin() {
            let broken = std::mem::take(&mut self.pending);
            self.found.push(Numbered::broken(self.begun, &broken));
        }
        if self.pending.is_empty() {
            if line.trim_ascii().is_empty() {
                return;
            }
            self.balance = Balance::default();
            (self.pending, self.begun) = (line, self.line);
            // Most lines are whole values: they need no second look.
            self.parse();
            if !self.pending.is_empty() {
                self.balance.read(&self.pending);
            }
        } else {
            self.balance.read(&line);
            self.pending.extend_from_slice(&line);
            if self.balance.is_whole() {
                self.parse();
            }
        }
        // No string runs over the end of a line.
        if self.balance.string && !self.pending.is_empty() {
            let broken = std::mem::take(&mut self.pending);
            self.found.push(Numbered::broken(self.begun, &broken));
        }
        self.found.reverse();
    }

    /// Finds the values in what is pending; what may still become one stays.
    fn parse(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let (mut at, mut line) = (0, self.begun);
        loop {
            let rest = pending.get(at..).unwrap_or_default();
            let space = rest.len() - rest.trim_ascii_start().len();
            line += newlines(rest.get(..space).unwrap_or_default());
            at += space;
            let rest = pending.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
            match values.next() {
                Some(Ok(value)) => {
                    let read = values.byte_offset();
                    let bytes = rest.get(..read).unwrap_or_default();
                    self.found.push(Numbered::whole(line, value, bytes));
                    line += newlines(bytes);
                    at += read;
                }
                Some(Err(error)) if error.is_eof() && self.balance.open.is_empty() => {
                    (self.pending, self.begun) = (rest.to_vec(), line);
                    return;
                }
                _ => {
                    self.found.push(Numbered::broken(line, rest));
                    return;
                }
            }
        }
    }
}

/// The names of the `resources` of an object, as they stand in it.
fn in_order(bytes: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Results {
        resources: Names,
    }
    serde_json::from_slice(bytes).map(|Results { resources }| resources.0).unwrap_or_default()
}

/// The names of an object's members.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMembers;
        impl<'de> Visitor<'de> for OfMembers {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = members.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(OfMembers)
    }
}

/// Reads one line with its end; none that is longer than a value may be.
pub(super) fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let read = source.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', line)?;
    Ok(read)
}

pub(super) fn too_long(line: usize) -> io::Error {
    io::Error::other(format!("line {line}: longer than {} MiB. No answer of an API is this long", LONGEST >> 20))
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii()).into_owned()
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'\n').count()
}

/// Which brackets are open, strings left out.
#[derive(Debug, Default)]
pub(super) struct Balance {
    open: Vec<u8>,
    string: bool,
    escaped: bool,
    /// The last byte that is no space.
    last: u8,
}

impl Balance {
    pub(super) fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.string {
                self.string = self.escaped || byte != b'"';
                self.escaped = byte == b'\\' && !self.escaped;
            } else {
                match byte {
                    b'"' => self.string = true,
                    b'{' | b'[' => self.open.push(byte),
                    b'}' | b']' => drop(self.open.pop()),
                    _ => {}
                }
            }
            if !byte.is_ascii_whitespace() {
                self.last = byte;
            }
        }
    }

    pub(super) fn is_in_string(&self) -> bool {
        self.string
    }

    pub(super) fn is_whole(&self) -> bool {
        self.open.is_empty() && !self.string
    }

    /// Whether a value may begin here.
    fn may_begin(&self) -> bool {
        match self.last {
            b':' | b'[' => true,
            b',' => self.open.last() == Some(&b'['),
            _ => false,
        }
    }
}
