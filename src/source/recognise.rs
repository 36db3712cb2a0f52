//! What a document is, told by its content alone.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::model::PublishedForm;

use super::graphml::is_graphml;
use super::{Document, SourceError, Syntax, read_published, without_mark};

/// A kind of metadata document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// OpenAPI 3 or Swagger 2.
    OpenApi,
    /// The ApiSchema of DMS and MetaEd, in its older form (all projects) or newer (one project).
    ApiSchema,
    /// Our own graph file.
    Graph,
    /// ApiModel or ApiModel-EXTENSION of an ODS/API.
    ApiModel,
    /// What an API publishes at its dependencies endpoint, GraphML or JSON.
    Dependencies,
}

/// The key at the top that gives each kind away.
const MARKS: [(&str, Format); 6] = [
    ("openapi", Format::OpenApi),
    ("swagger", Format::OpenApi),
    ("projectSchemas", Format::ApiSchema),
    ("projectSchema", Format::ApiSchema),
    ("schemaDefinition", Format::ApiModel),
    ("edfi-plan", Format::Graph),
];

/// Tells syntax and kind. O(size of the document) at worst, for the key may stand last.
pub(super) fn recognise(document: &Document) -> Result<(Syntax, Format), SourceError> {
    let text = text_of(document)?;
    let start = text.trim_start();
    let found = match start.chars().next() {
        Some('{') if !begins_as_yaml(start) => (Syntax::Json, json_mark(document, text)?),
        Some('[' | '<') | None => (Syntax::Json, None),
        Some(_) if content_of(start).starts_with('{') => {
            refuse_depth(document, text)?;
            (Syntax::Yaml, flow_mark(text).map_err(|error| SourceError::yaml(&document.name, &error))?)
        }
        Some(_) => {
            refuse_depth(document, text)?;
            (Syntax::Yaml, yaml_mark(text))
        }
    };
    match found {
        (syntax, Some(format)) => Ok((syntax, format)),
        (syntax, None) if is_published(document, start) => Ok((syntax, Format::Dependencies)),
        (_, None) => Err(SourceError::content(
            &document.name,
            "$",
            instead(start),
            "Give an OpenAPI, ApiSchema or ApiModel document of an Ed-Fi API, or a graph file of edfi-plan",
        )),
    }
}

/// Whether it is what an API publishes of its order; one that is cut off is, too, so that its reader says
/// where.
fn is_published(document: &Document, start: &str) -> bool {
    let head: String = start.chars().take(200).collect();
    match start.chars().next() {
        Some('<') => is_graphml(start),
        Some('[') if head.contains("\"resource\"") => true,
        _ => read_published(document).is_ok_and(|published| published.form == PublishedForm::Order),
    }
}

/// The text of a document that has some.
pub(super) fn text_of(document: &Document) -> Result<&str, SourceError> {
    let bytes = without_mark(&document.bytes);
    let text = simdutf8::compat::from_utf8(bytes).map_err(|error| SourceError::NotText {
        document: document.name.clone(),
        offset: error.valid_up_to() + document.bytes.len() - bytes.len(),
    })?;
    if text.trim_start().is_empty() {
        return Err(SourceError::Empty { document: document.name.clone() });
    }
    Ok(text)
}

/// Says what an unknown document looks like.
pub(super) fn instead(start: &str) -> &'static str {
    let head: String = start.chars().take(200).collect::<String>().to_ascii_lowercase();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        "an HTML page, not metadata (a login page?)"
    } else if head.starts_with('<') {
        "XML of an unknown kind"
    } else if head.starts_with('[') {
        "a JSON list of an unknown kind"
    } else {
        "not a metadata document of a known kind"
    }
}

/// Whether an object begins as only YAML writes it: `{openapi: …}`.
fn begins_as_yaml(start: &str) -> bool {
    let first = start.strip_prefix('{').and_then(|rest| rest.trim_start().chars().next());
    first.is_some_and(|first| !matches!(first, '"' | '}' | '{' | '['))
}

/// What comes after the comments, directives and marker that may stand before the content of YAML.
fn content_of(start: &str) -> &str {
    let mut rest = start;
    loop {
        rest = rest.trim_start();
        if rest.starts_with(['#', '%']) {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(marked) = rest.strip_prefix("---").filter(|r| r.starts_with(char::is_whitespace)) {
            rest = marked;
        } else {
            return rest;
        }
    }
}

/// Reads keys of the top object until one gives the kind away.
fn json_mark(document: &Document, text: &str) -> Result<Option<Format>, SourceError> {
    let mut found = None;
    match serde_json::Deserializer::from_str(text).deserialize_map(Marks(&mut found)) {
        Err(error) if found.is_none() => match yaml_after_all(document, text, &error, flow_mark) {
            // Its reader comes to the same place, and then reads on as YAML.
            Some(Some(format)) => Ok(Some(format)),
            _ => Err(SourceError::json(&document.name, &error)),
        },
        _ => Ok(found),
    }
}

/// The same for a map that is written as JSON writes objects, with what else YAML allows in it.
fn flow_mark(text: &str) -> Result<Option<Format>, serde_yaml::Error> {
    let mut found = None;
    match serde_yaml::Deserializer::from_str(text).deserialize_map(Marks(&mut found)) {
        Err(error) if found.is_none() => Err(error),
        _ => Ok(found),
    }
}

/// Reads as YAML what is no JSON, if it is that; a document that is cut off is not.
pub(super) fn yaml_after_all<T>(
    document: &Document,
    text: &str,
    error: &serde_json::Error,
    read: impl FnOnce(&str) -> Result<T, serde_yaml::Error>,
) -> Option<T> {
    let may_be = error.is_syntax() && text.trim_start().starts_with('{') && refuse_depth(document, text).is_ok();
    may_be.then(|| read(text).ok()).flatten()
}

/// Looks for the key that gives the kind away.
struct Marks<'f>(&'f mut Option<Format>);

impl<'de> Visitor<'de> for Marks<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            *self.0 = MARKS.iter().find(|(mark, _)| *mark == key).map(|(_, format)| *format);
            if self.0.is_some() {
                // The rest is read by the reader of that kind.
                return Err(serde::de::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Flow collections nested deeper than any document needs. The parser takes time with the square of
/// the depth before it can refuse, so this looks first; brackets in prose hardly add up.
const DEEPEST: usize = 5_000;

fn refuse_depth(document: &Document, text: &str) -> Result<(), SourceError> {
    // No deeper than there are brackets: counting them is far quicker than following them.
    if memchr::memchr2_iter(b'[', b'{', text.as_bytes()).count() <= DEEPEST {
        return Ok(());
    }
    let mut depth = 0_usize;
    for (index, line) in text.lines().enumerate() {
        for (column, byte) in line.bytes().enumerate() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth > DEEPEST {
                return Err(SourceError::Syntax {
                    document: document.name.clone(),
                    line: index + 1,
                    column: column + 1,
                    message: format!("nests deeper than {DEEPEST} levels"),
                    advice: "No Ed-Fi document nests this deep",
                });
            }
        }
    }
    Ok(())
}

/// Looks for the key at the start of a line: what stands there in YAML is at the top.
fn yaml_mark(text: &str) -> Option<Format> {
    let key = |line: &str| line.split_once(':').map(|(key, _)| key.trim_matches(['"', '\'']).to_owned());
    let keys = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"' || c == '\''));
    keys.filter_map(key).find_map(|key| MARKS.iter().find(|(mark, _)| *mark == key).map(|(_, format)| *format))
}
