//! The envelope of a body: which members hold sentences, names and paths, in every server's form.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Facts, KEPT, Named, Role, Server, camel, plain_value};
use crate::diagnosis::template::squeeze;

/// One sentence and the path it is said of.
#[derive(Debug, Clone, Default)]
pub(super) struct Sentence {
    pub(super) path: Option<String>,
    pub(super) text: String,
}

/// What an envelope holds.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) kind: Option<String>,
    pub(super) status: Option<u16>,
    /// Known by its form alone.
    pub(super) server: Server,
    pub(super) sentences: Vec<Sentence>,
    /// Said in members that no server is known to have; read only where nothing else tells.
    pub(super) aside: Vec<Sentence>,
    pub(super) named: Vec<Named>,
    pub(super) uris: Vec<String>,
    /// The page of something in between: its words are kept, but mean nothing.
    pub(super) page: bool,
}

/// The members of a JSON body.
pub(super) fn open(value: &Value) -> Envelope {
    let mut envelope = Envelope::default();
    match value {
        Value::Object(members) => {
            let member = |name: &str| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v);
            envelope.kind = member("type").and_then(Value::as_str).map(str::to_owned);
            envelope.status = member("status").or_else(|| member("statusCode")).and_then(status_of);
            let problem = envelope.kind.as_deref().is_some_and(|kind| kind.starts_with("urn:ed-fi:api"));
            let empty = |name: &str| member(name).is_some_and(is_empty);
            envelope.server = if problem && (empty("validationErrors") || empty("errors")) {
                Server::Dms
            } else if problem
                // Gateways give the status as `statusCode`.
                || (member("message").is_some() && member("traceId").is_none() && member("statusCode").is_none())
            {
                // Without an empty member it may still be a DMS; a template of its own would say so.
                if problem { Server::Unknown } else { Server::Ods }
            } else {
                Server::Unknown
            };
            for (name, value) in members {
                read_member(&mut envelope, name, value);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| read_failure(&mut envelope, item)),
        Value::String(text) => envelope.sentences.push(Sentence { path: None, text: text.clone() }),
        _ => {}
    }
    envelope
}

fn status_of(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u16::try_from(number).ok().filter(|status| (100..600).contains(status))
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn read_member(envelope: &mut Envelope, name: &str, value: &Value) {
    let lower = name.to_ascii_lowercase();
    match (lower.as_str(), value) {
        ("detail" | "message" | "exceptionmessage", Value::String(text)) => {
            envelope.sentences.push(Sentence { path: None, text: text.clone() });
        }
        ("detail" | "message" | "errors" | "validationerrors", Value::Array(items)) => {
            items.iter().for_each(|item| read_failure(envelope, item));
        }
        ("validationerrors" | "modelstate" | "errors", Value::Object(paths)) => {
            for (path, messages) in paths {
                read_validation(envelope, path, messages);
            }
        }
        ("error", Value::String(text)) => envelope.sentences.push(Sentence { path: None, text: text.clone() }),
        ("error", Value::Array(items)) => {
            envelope.server = Server::Meadowlark;
            items.iter().for_each(|item| read_failure(envelope, item));
        }
        ("error", Value::Object(error)) => {
            envelope.server = Server::Meadowlark;
            for (name, value) in error {
                read_meadowlark(envelope, name, value);
            }
        }
        ("type" | "status" | "statuscode" | "title" | "correlationid" | "traceid" | "instance", _) => {}
        (_, value) => read_aside(envelope, value),
    }
}

fn read_validation(envelope: &mut Envelope, path: &str, messages: &Value) {
    let path = Some(plain_path(path));
    match messages {
        Value::String(text) => envelope.sentences.push(Sentence { path, text: text.clone() }),
        Value::Array(items) => {
            for text in items.iter().filter_map(Value::as_str) {
                envelope.sentences.push(Sentence { path: path.clone(), text: text.to_owned() });
            }
        }
        _ => {}
    }
}

/// `request.addresses[0].City` of a model state is `$.addresses[0].city`.
fn plain_path(path: &str) -> String {
    let Some(rest) = path.strip_prefix("request.") else { return path.to_owned() };
    let steps: Vec<String> = rest.split('.').map(camel).collect();
    format!("$.{}", steps.join("."))
}

/// One error of a list: text, or an object of Meadowlark's validator.
fn read_failure(envelope: &mut Envelope, item: &Value) {
    match item {
        Value::String(text) => envelope.sentences.push(Sentence { path: None, text: text.clone() }),
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str);
            if path.is_some_and(|path| path.starts_with("{requestBody}")) {
                envelope.server = Server::Meadowlark;
            }
            let said = ["message", "detail"].into_iter().find_map(|name| members.get(name)?.as_str());
            match said {
                Some(text) => {
                    envelope.sentences.push(Sentence { path: path.map(str::to_owned), text: text.to_owned() });
                }
                None => read_aside(envelope, item),
            }
        }
        _ => {}
    }
}

fn read_meadowlark(envelope: &mut Envelope, name: &str, value: &Value) {
    match (name, value) {
        ("failures", Value::Array(failures)) => {
            for failure in failures {
                let Some(entity) = failure.get("resourceName").and_then(Value::as_str) else { continue };
                let parts = failure.get("identity").and_then(Value::as_array).into_iter().flatten();
                let key: Vec<(String, String)> = parts
                    .filter_map(Value::as_object)
                    .flatten()
                    .map(|(field, value)| (field.clone(), plain_value(value)))
                    .collect();
                let role = if entity.ends_with("Descriptor") { Role::Descriptor } else { Role::Entity };
                envelope.named.push(Named { text: entity.to_owned(), role, path: None, key });
            }
        }
        ("blockingUris", Value::Array(uris)) => {
            envelope.uris.extend(uris.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        (_, Value::String(text)) => envelope.sentences.push(Sentence { path: None, text: text.clone() }),
        (_, other) => read_aside(envelope, other),
    }
}

/// Strings of a member that no server is known to have, at any depth.
fn read_aside(envelope: &mut Envelope, value: &Value) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => envelope.aside.push(Sentence { path: None, text: text.clone() }),
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(members) => open.extend(members.values().rev()),
            _ => {}
        }
    }
}

/// Text that is no JSON: the message alone, JSON that breaks off, or a page of something in between.
pub(super) fn open_text(text: &str, facts: &mut Facts) -> Envelope {
    let mut envelope = Envelope::default();
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if trimmed.starts_with('<') {
        let said = without_tags(trimmed);
        if facts.status.is_none() {
            envelope.status = page_status(&said);
        }
        envelope.page = true;
        envelope.sentences.push(Sentence { path: None, text: said });
        return envelope;
    }
    facts.truncated = trimmed.starts_with(['{', '[']);
    facts.cut_off = facts.truncated && serde_json::from_str::<IgnoredAny>(trimmed).is_err_and(|error| error.is_eof());
    let (status, rest) = leading_status(trimmed);
    envelope.status = status;
    envelope.sentences.push(Sentence { path: None, text: rest.to_owned() });
    envelope
}

/// The status that loaders write before a message: `409: The referenced …`.
fn leading_status(text: &str) -> (Option<u16>, &str) {
    let found = text.split_once(':').and_then(|(number, rest)| {
        let status = number.trim().parse::<u16>().ok().filter(|status| (100..600).contains(status))?;
        Some((Some(status), rest.trim_start()))
    });
    found.unwrap_or((None, text))
}

/// The status a page has in its title: `502 Bad Gateway`.
fn page_status(said: &str) -> Option<u16> {
    let first = said.split_whitespace().find(|word| word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit()))?;
    first.parse().ok().filter(|status| (400..600).contains(status))
}

fn without_tags(html: &str) -> String {
    let mut said = String::new();
    for part in html.split('<') {
        if let Some((_, text)) = part.split_once('>') {
            said.push_str(text);
            said.push(' ');
        }
        if said.len() > 4 * KEPT {
            break;
        }
    }
    squeeze(&said)
}
