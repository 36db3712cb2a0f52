//! Metadata documents: recognised by content, read into drafts, merged and resolved into a model.
//!
//! ```text
//! bytes → Document → Draft (what one document states) → merge → resolve (the rules) → Model
//! ```

mod api_model;
mod api_schema;
mod bundled;
mod compact;
mod cores;
mod cross_check;
mod dependencies;
mod draft;
mod error;
mod fit;
mod graph_file;
mod graphml;
mod list;
mod merge;
mod openapi;
mod part;
mod published;
mod recognise;
mod resolve;
mod schema;
mod sorted;
mod stated;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

pub use bundled::{DEFAULT, Standard, fitting, instead_of, standard, standards};
pub use error::SourceError;
pub use fit::{BetterFit, better_fit};
pub use graph_file::write_graph;
pub use part::part;
pub use published::read_published;

use crate::model::{ED_FI, Model, Text};
use recognise::Format;

/// A metadata document and what to call it in messages.
#[derive(Debug, Clone)]
pub struct Document {
    /// A file name, a URL or `-`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Reads any number of documents as one API.
///
/// `without` names projects to leave out, with everything under their `_ext` blocks.
///
/// # Errors
///
/// Any document that cannot be read, or documents that do not fit together.
pub fn read(documents: &[Document], without: &[String]) -> Result<Model, SourceError> {
    let mut drafts = Vec::new();
    let mut api_models = Vec::new();
    for statement in cores::each(documents, statement_of) {
        match statement? {
            Statement::Draft(draft) => drafts.push(*draft),
            Statement::ApiModel(document, syntax) => api_models.push((document, syntax)),
        }
    }
    if !api_models.is_empty() {
        let mut draft = api_model::read(&api_models, &drafts)?;
        let names: Vec<&str> = api_models.iter().map(|(document, _)| document.name.as_str()).collect();
        draft.document = names.join(" + ");
        api_model::adopt_names(&mut draft, &drafts);
        drafts.push(draft);
    }
    // A graph file alone has the fingerprint of its content; a part has that of core and itself.
    let stated = match drafts.as_slice() {
        [only] if only.extends.is_none() && without.is_empty() => only.fingerprint.clone(),
        _ => Text::default(),
    };
    let (merged, witnesses) = merge::merge(drafts)?;
    known_extensions(&merged, without)?;
    let mut model = resolve::resolve(merged, without);
    if !stated.is_empty() && stated != model.metadata.fingerprint {
        model.metadata.limits.push(resolve::ANOTHER_FINGERPRINT.into());
        model.metadata.limits.sort();
    }
    for witness in witnesses {
        cross_check::hear(&mut model, &witness, without);
    }
    Ok(model)
}

/// Refuses to leave out what is not there: most likely a name is misspelt.
fn known_extensions(draft: &draft::Draft, without: &[String]) -> Result<(), SourceError> {
    if without.is_empty() {
        return Ok(());
    }
    let projects = draft.resources.keys().filter(|name| !name.is_core()).map(|name| name.project().to_owned());
    let paths = draft.resources.values().flat_map(|resource| resource.references.keys().chain(resource.fields.keys()));
    let blocks = paths.filter_map(|path| crate::model::extension_of(path)).map(str::to_owned);
    let known: std::collections::BTreeMap<String, String> =
        projects.chain(blocks).map(|name| (crate::model::fold_project(&name), name)).collect();
    match without.iter().find(|name| !known.contains_key(&crate::model::fold_project(name))) {
        Some(name) => Err(SourceError::NoSuchExtension {
            name: name.clone(),
            known: if known.is_empty() {
                "none".to_owned()
            } else {
                known.into_values().collect::<Vec<_>>().join(", ")
            },
        }),
        None => Ok(()),
    }
}

/// What one document says.
enum Statement<'d> {
    /// All of it.
    Draft(Box<draft::Draft>),
    /// An extension says nothing without its core, so these are read together.
    ApiModel(&'d Document, Syntax),
}

/// What one document says, by its kind.
fn statement_of(document: &Document) -> Result<Statement<'_>, SourceError> {
    let (syntax, format) = recognise::recognise(document)?;
    Ok(match format {
        Format::OpenApi => said_by(document, openapi::read(document, syntax)?),
        Format::ApiSchema => said_by(document, api_schema::read(document, syntax)?),
        Format::Graph => said_by(document, graph_file::read(document, syntax)?),
        Format::ApiModel => Statement::ApiModel(document, syntax),
        Format::Dependencies => said_by(document, stated::read(document)?),
    })
}

/// A draft that knows the document it is made of, for messages.
fn said_by<'d>(document: &Document, draft: draft::Draft) -> Statement<'d> {
    Statement::Draft(Box::new(draft::Draft { document: document.name.clone(), ..draft }))
}

/// Whether a document is of a kind that [`read`] reads.
///
/// # Errors
///
/// What it is instead.
pub fn recognised(document: &Document) -> Result<(), SourceError> {
    recognise::recognise(document).map(|_| ())
}

/// How a document is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Yaml,
}

impl Syntax {
    /// Reads the whole document as one type.
    fn parse<T: DeserializeOwned>(self, document: &Document) -> Result<T, SourceError> {
        // Checked once as a whole, not string by string.
        let text = recognise::text_of(document)?;
        match self {
            Self::Json => serde_json::from_str(text).or_else(|error| {
                let yaml = |text: &str| serde_yaml::from_str(text);
                recognise::yaml_after_all(document, text, &error, yaml)
                    .ok_or_else(|| SourceError::json(&document.name, &error))
            }),
            Self::Yaml => serde_yaml::from_str(text).map_err(|e| SourceError::yaml(&document.name, &e)),
        }
    }
}

/// The bytes after a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fingerprint of a graph: over names, kinds, references and keys, not over where they came from.
pub(crate) fn fingerprint(model: &Model) -> crate::model::Text {
    let content = compact::pack_content(model);
    sha256(&content).get(..16).unwrap_or_default().into()
}

/// The compact form of a model, as the binary embeds it.
#[must_use]
pub fn write_compact(model: &Model) -> Vec<u8> {
    compact::pack_whole(model)
}

/// The projects of a model other than the core standard's, sorted.
#[must_use]
pub fn extensions(model: &Model) -> Vec<String> {
    let mut projects: Vec<String> =
        model.resources.iter().map(|r| r.name.project().to_owned()).filter(|p| p != ED_FI).collect();
    projects.sort();
    projects.dedup();
    projects
}
