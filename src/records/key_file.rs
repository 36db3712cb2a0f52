//! Files that name records: keys as JSON lines, a JSON array or CSV with a header, or the records
//! themselves, recognised by content.

use serde_json::Value;
use serde_json::value::RawValue;

use super::json::Flaw;
use super::keys::{KeyHasher, KeyValues};
use super::single::RecordReader;
use super::wanted::{KeyError, named_fields, wanted_keys};
use crate::graph::{DependencyGraph, Found, ResourceId};
use crate::model::Text;

/// One entry of a key file.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedKey {
    /// The line it starts on, from 1.
    pub line: u64,
    /// Its key by the names of each resource it may be of: several where an abstract one is named.
    pub keys: Vec<(ResourceId, KeyValues)>,
}

/// Why a file names no records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Nothing in it.
    #[error("no key in it. Write one a line, as JSON or as CSV with a header")]
    Empty,
    /// Neither JSON nor CSV.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Where.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// An entry that is no key.
    #[error("line {line}: {error}")]
    Key {
        /// Where.
        line: u64,
        /// Why.
        error: KeyError,
    },
    /// A record without its natural key.
    #[error("line {line}: this record lacks a part of the key of {resource}, which is {key}")]
    Incomplete {
        /// Where.
        line: u64,
        /// The resource.
        resource: String,
        /// The fields of its key.
        key: String,
    },
}

impl KeyFileError {
    fn syntax(line: u64, reason: impl std::fmt::Display) -> Self {
        Self::Syntax { line, reason: reason.to_string() }
    }
}

/// Reads keys of what a name stands for.
///
/// # Errors
///
/// The first line that is no key and no record.
pub fn read_keys(graph: &DependencyGraph, found: Found, bytes: &[u8]) -> Result<Vec<NamedKey>, KeyFileError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let keys = match bytes.trim_ascii_start().first() {
        None => Vec::new(),
        Some(b'{' | b'[') => from_json(graph, found, bytes)?,
        Some(_) => from_csv(graph, found, bytes)?,
    };
    if keys.is_empty() { Err(KeyFileError::Empty) } else { Ok(keys) }
}

fn from_json(graph: &DependencyGraph, found: Found, bytes: &[u8]) -> Result<Vec<NamedKey>, KeyFileError> {
    let mut entry = Entries::new(graph, found);
    let mut keys = Vec::new();
    let mut lines = Lines { bytes, counted: 0, line: 1 };
    let not_json = |before: u64, error: &serde_json::Error| {
        let line = before + u64::try_from(error.line()).unwrap_or_default().max(1);
        KeyFileError::syntax(line, "not JSON; write one key or record a line")
    };
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>() {
        let value = value.map_err(|error| not_json(0, &error))?;
        let mut read = |entry_of: &RawValue| {
            let text = entry_of.get();
            let line = lines.behind_blanks(text.as_ptr().addr().saturating_sub(bytes.as_ptr().addr()));
            let value = serde_json::from_str(text).map_err(|error| not_json(line - 1, &error))?;
            keys.push(entry.read(line, value)?);
            Ok(())
        };
        if value.get().starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|error| not_json(0, &error))?;
            items.into_iter().try_for_each(&mut read)?;
        } else {
            read(value)?;
        }
    }
    Ok(keys)
}

/// Counts lines up to places that only go forward.
struct Lines<'b> {
    bytes: &'b [u8],
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of what follows the blanks at a place: the end of a record may be before its line end.
    fn behind_blanks(&mut self, place: usize) -> u64 {
        let rest = self.bytes.get(place..).unwrap_or_default();
        let start = place + rest.len() - rest.trim_ascii_start().len();
        let passed = self.bytes.get(self.counted..start).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.counted = start.max(self.counted);
        self.line
    }
}

fn from_csv(graph: &DependencyGraph, found: Found, bytes: &[u8]) -> Result<Vec<NamedKey>, KeyFileError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let mut lines = Lines { bytes, counted: 0, line: 1 };
    let mut line_at = |position: Option<&csv::Position>| {
        lines.behind_blanks(position.map_or(0, |p| usize::try_from(p.byte()).unwrap_or(usize::MAX)))
    };
    let reason = |error: &csv::Error| match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} values, but the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the file as UTF-8".to_owned(),
        _ => "not CSV".to_owned(),
    };
    let header = reader.headers().map_err(|error| KeyFileError::syntax(1, reason(&error)))?;
    let header: Vec<Text> = header.iter().map(Text::new).collect();
    let mut keys = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| KeyFileError::syntax(line_at(error.position()), reason(&error)))?;
        let key: KeyValues = header.iter().cloned().zip(row.iter().map(Value::from)).collect();
        keys.push(named(graph, found, line_at(row.position()), key)?);
    }
    if keys.is_empty() {
        // A header that names no field is more likely a list without one.
        let key: KeyValues = header.into_iter().map(|name| (name, Value::from(""))).collect();
        named(graph, found, 1, key)?;
    }
    Ok(keys)
}

fn named(graph: &DependencyGraph, found: Found, line: u64, key: KeyValues) -> Result<NamedKey, KeyFileError> {
    let wanted = wanted_keys(graph, found, &[key]).map_err(|error| KeyFileError::Key { line, error })?;
    let keys = wanted.into_iter().flat_map(|(id, keys)| keys.into_iter().map(move |key| (id, key)));
    Ok(NamedKey { line, keys: keys.collect() })
}

/// Tells keys from records.
struct Entries<'g> {
    graph: &'g DependencyGraph,
    found: Found,
    fields: Vec<Text>,
    readers: Vec<RecordReader>,
}

impl<'g> Entries<'g> {
    fn new(graph: &'g DependencyGraph, found: Found) -> Self {
        let hasher = KeyHasher::random();
        let readers = graph.meant(found).into_iter().map(|id| RecordReader::new(graph, id, hasher)).collect();
        Self { graph, found, fields: named_fields(graph, found), readers }
    }

    /// An object of key fields alone is a key; any other is a record, whose key is taken from it.
    fn read(&mut self, line: u64, value: Value) -> Result<NamedKey, KeyFileError> {
        let Value::Object(members) = value else {
            return Err(KeyFileError::syntax(line, "not an object; a key is one such as {\"schoolId\": 255901001}"));
        };
        let nested = members.values().any(|value| value.is_object() || value.is_array());
        let foreign = members.keys().filter(|name| !self.fields.iter().any(|field| field == name.as_str())).count();
        // Of few scalars one that is foreign is a slip of the pen; a record has more.
        if !nested && (foreign == 0 || members.len() <= self.fields.len()) {
            let key = members.into_iter().map(|(name, value)| (name.into(), value)).collect();
            return named(self.graph, self.found, line, key);
        }
        let record = serde_json::to_vec(&members).unwrap_or_default();
        // A record does not say which subclass it is of: the fields of one can be the key of several.
        let mut keys = Vec::new();
        for reader in &mut self.readers {
            let read = reader.read(&record).map_err(|flaw: Flaw| KeyFileError::syntax(line, flaw.message()))?;
            if read.identity.is_some() {
                keys.push((reader.resource(), read.key));
            }
        }
        if !keys.is_empty() {
            return Ok(NamedKey { line, keys });
        }
        let resource = match self.found {
            Found::Resource(id) => self.graph.name(id).short().to_owned(),
            Found::Abstract(place) => {
                self.graph.abstracts().get(place).map(|a| a.entity.to_string()).unwrap_or_default()
            }
        };
        Err(KeyFileError::Incomplete { line, resource, key: crate::graph::listed(&self.fields, "and") })
    }
}
