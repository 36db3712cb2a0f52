//! What an API says about itself: the root document, and the list of its OpenAPI documents.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::address::{Address, clean};
use super::error::ApiError;

/// A data model that an API serves, as its root document names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataModel {
    /// `Ed-Fi`, `TPDM`.
    pub name: String,
    /// `5.2.0`, `3.3.1-b`; empty where the API does not say.
    pub version: String,
}

/// The root document of an API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) mode: String,
    pub(super) data_models: Vec<DataModel>,
    pub(super) urls: BTreeMap<String, String>,
}

/// One line of the list of OpenAPI documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) url: String,
    prefix: String,
}

/// What an address turned out to hold, told by its content.
#[derive(Debug)]
pub(super) enum Found {
    Root(Root),
    List(Vec<Listed>),
    /// Something else, for the readers of documents.
    Document,
}

/// A list of more is no list of Ed-Fi documents.
const LONGEST_LIST: usize = 500;

/// The members of the root document that are read; `version` alone is in many other documents.
#[derive(Deserialize)]
struct RootDocument {
    #[serde(rename = "apiMode")]
    mode: Option<Value>,
    #[serde(rename = "dataModels")]
    data_models: Option<Vec<ModelEntry>>,
    urls: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct ModelEntry {
    name: Option<String>,
    version: Option<Value>,
}

#[derive(Deserialize)]
struct ListEntry {
    name: Option<String>,
    #[serde(rename = "endpointUri")]
    url: Option<String>,
    prefix: Option<String>,
}

/// Recognises a document that says where others are.
///
/// # Errors
///
/// A root document or a list that is malformed, or of an API that names no URLs.
pub(super) fn recognise(address: &Address, bytes: &[u8]) -> Result<Found, ApiError> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match text.first() {
        None => Err(ApiError::content(address, "$", "empty", "Check that the address is right")),
        Some(b'{') => object(address, text),
        Some(b'[') => list(address, text),
        Some(_) => Ok(Found::Document),
    }
}

fn object(address: &Address, text: &[u8]) -> Result<Found, ApiError> {
    // A document of another kind, or one that is cut off, has readers that say so better.
    let Ok(document) = serde_json::from_slice::<BTreeMap<String, serde::de::IgnoredAny>>(text) else {
        return Ok(Found::Document);
    };
    if !document.contains_key("urls") && !document.contains_key("dataModels") {
        return Ok(Found::Document);
    }
    let document: RootDocument = serde_json::from_slice(text).map_err(|error| ApiError::json(address, &error))?;
    let data_models = document.data_models.unwrap_or_default();
    let urls = document.urls.unwrap_or_default();
    Ok(Found::Root(Root {
        mode: document.mode.as_ref().map(word).unwrap_or_default(),
        data_models: data_models
            .into_iter()
            .filter_map(|model| {
                Some(DataModel {
                    name: clean(&model.name?, 60),
                    version: model.version.as_ref().map(word).unwrap_or_default(),
                })
            })
            .collect(),
        urls: urls.into_iter().filter_map(|(name, url)| Some((name, url.as_str()?.to_owned()))).collect(),
    }))
}

/// A scalar as text; servers write versions as strings and as numbers.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text, 60),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn list(address: &Address, text: &[u8]) -> Result<Found, ApiError> {
    // The dependencies are a list as well, of other members.
    let Ok(entries) = serde_json::from_slice::<Vec<ListEntry>>(text) else { return Ok(Found::Document) };
    if entries.iter().all(|entry| entry.url.is_none()) {
        return Ok(Found::Document);
    }
    if entries.len() > LONGEST_LIST {
        let message = format!("a list of {} documents", entries.len());
        return Err(ApiError::content(address, "$", message, "No Ed-Fi API has this many; check the address"));
    }
    let listed = entries.into_iter().filter_map(|entry| {
        Some(Listed {
            name: clean(&entry.name.unwrap_or_default(), 80),
            url: entry.url?,
            prefix: entry.prefix.unwrap_or_default(),
        })
    });
    Ok(Found::List(listed.collect()))
}

impl Listed {
    /// What the document holds instead of resources, for those that are left out. `complete` says
    /// that the list has a document of all resources.
    ///
    /// ODS/API files its documents under prefixes: none for resources and descriptors, `Profiles`,
    /// `Composites`, `Other` (identity, change queries), and with `?sdk=true` `SDKGen`, which repeats
    /// everything.
    pub(super) fn left_out(&self, complete: bool) -> Option<&'static str> {
        let prefix = folded(&self.prefix);
        match (prefix.as_str(), folded(&self.name).as_str()) {
            ("profiles", _) => Some("profiles"),
            ("composites", _) => Some("composites"),
            (_, "identity" | "identities") => Some("the identities API"),
            (_, "changequeries") => Some("change queries"),
            ("other", _) | (_, "discovery" | "tokeninfo") => Some("other APIs"),
            ("sdkgen", _) if complete => Some("repetitions for SDKs"),
            _ => None,
        }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        same_name(&self.name, name)
    }
}

/// Whether two names of documents are one but for case and punctuation.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}
