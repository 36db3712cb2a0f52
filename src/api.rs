//! A live API: found by its root document, asked with patience, its documents fetched as they are.
//!
//! Documents it only fetches: they go, as bytes with a name, to the room that reads them. Records it also
//! searches, by key and by reference, through a graph ([`LiveStore`]), as the records room reads them. The
//! network, the clock and the cache are handed in ([`Outside`]).
//!
//! ```text
//! base URL → root document → URLs → list of OpenAPI documents → documents
//! ```

mod address;
mod at_once;
mod body;
mod cache;
mod discovery;
mod documents;
mod error;
mod fetch;
mod http;
pub mod lightbeam;
mod note;
mod records;
mod resolve;
mod retry;
mod secret;
mod store;
mod token;
mod transport;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, OnceLock};

pub use address::Context;
pub use cache::Cache;
pub use discovery::DataModel;
pub use error::ApiError;
pub use fetch::{Freshness, Limits, Outside, Progress};
pub use http::{Http, Patience};
pub use note::Note;
pub use records::{Listing, LiveRecord, Reach, Within};
pub use secret::{Credentials, Secret};
pub use store::{LiveError, LiveStore, SearchLimits};
pub use transport::{Clock, Request, Response, SystemClock, Transport, TransportError};

use address::Address;
use discovery::{Found, Listed, Root};
use fetch::{Fetcher, Reply};
use records::Pages;
use resolve::Meant;
use token::Tokens;

/// Which API, and everything that is said about it beforehand.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Its base URL, or the URL of any of its documents.
    pub url: String,
    /// URLs that replace what the API says: `oauth`, `dependencies`, `openApiMetadata`,
    /// `dataManagementApi`, `resources`, `descriptors`, or an OpenAPI document by its name in the list; the
    /// case does not matter.
    pub urls: BTreeMap<String, String>,
    /// Values for placeholders.
    pub context: Context,
    /// Used when the API wants a token.
    pub credentials: Option<Credentials>,
}

impl Access {
    /// Whether a URL is of the same host and port: what is said of one API is for no other.
    #[must_use]
    pub fn is_for(&self, url: &str) -> bool {
        match (Address::parse(&self.url), Address::parse(url)) {
            (Ok(own), Ok(other)) => own.same_origin(&other),
            _ => false,
        }
    }

    /// Puts a URL in place of what the API says, and of what was put there before.
    pub fn replace_url(&mut self, name: &str, url: &str) {
        self.urls.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.urls.insert(name.to_owned(), url.to_owned());
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.urls.keys().collect();
        f.debug_struct("Access")
            .field("url", &address::masked(&self.url))
            .field("urls", &names)
            .field("context", &self.context)
            .field("credentials", &self.credentials)
            .finish()
    }
}

/// A document of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedDocument {
    /// What the API calls it: `Resources`; empty for the one at the given address.
    pub name: String,
    /// Its URL, fit to be shown.
    pub url: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The two forms in which an API publishes its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependenciesForm {
    /// Rows of resources, orders and operations.
    Json,
    /// A graph.
    GraphMl,
}

/// An API that can be asked.
pub struct Api<'e> {
    access: Access,
    base: Address,
    overrides: BTreeMap<String, Address>,
    fetcher: Fetcher<'e>,
    pages: Pages,
    start: OnceLock<Result<Start, ApiError>>,
}

/// What the given address led to.
#[derive(Debug, Clone)]
enum Start {
    Root { at: Address, root: Root },
    List { at: Address, list: Vec<Listed> },
    Document(FetchedDocument),
}

/// URLs that the root document of every Ed-Fi API names.
const OPEN_API: &str = "openApiMetadata";
const DEPENDENCIES: &str = "dependencies";
const OAUTH: &str = "oauth";
const DATA: &str = "dataManagementApi";
const SERVICES: [&str; 4] = [DEPENDENCIES, DATA, OAUTH, OPEN_API];

/// The two documents that every Ed-Fi API lists, and that can be given where there is no list.
const DOCUMENTS: [&str; 2] = ["Descriptors", "Resources"];

const ANY: &str = "application/json, */*;q=0.1";
const GRAPHML: &str = "application/graphml";

/// How far above the given address a root document is looked for.
const CLIMB: usize = 6;

impl fmt::Debug for Api<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base).finish_non_exhaustive()
    }
}

impl<'e> Api<'e> {
    /// Prepares to ask an API; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// An address that is none, or that holds credentials.
    pub fn new(access: Access, outside: Outside<'e>) -> Result<Self, ApiError> {
        let filled = |text: &str, name: &str| Address::parse(&access.context.fill(text, name)?);
        let base = filled(&access.url, "base")?;
        let mut overrides = BTreeMap::new();
        for (name, url) in &access.urls {
            let known = SERVICES.iter().chain(&DOCUMENTS).find(|known| known.eq_ignore_ascii_case(name));
            overrides.insert(known.map_or(name.as_str(), |known| *known).to_owned(), filled(url, name)?);
        }
        let tokens = Tokens::new(access.credentials.clone());
        if let Some(endpoint) = overrides.get(OAUTH) {
            tokens.set_endpoint(Ok(Meant::exactly(endpoint.clone())));
        }
        let home = std::iter::once(&base).chain(overrides.values()).cloned().collect();
        let fetcher = Fetcher { outside, tokens, home, notes: Mutex::default(), from_cache: Mutex::default() };
        Ok(Self { access, base, overrides, fetcher, pages: Pages::default(), start: OnceLock::new() })
    }

    /// The base URL, or what was given for it, fit to be shown.
    #[must_use]
    pub fn url(&self) -> String {
        self.base.to_string()
    }

    /// What a person should know about how the answers so far were come by, sorted.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = self.fetcher.notes();
        notes.extend(self.unused_context());
        notes.into_iter().collect()
    }

    /// The data models that the API serves, where it has a root document.
    ///
    /// # Errors
    ///
    /// No answer, or nothing that describes an API.
    pub fn data_models(&self) -> Result<&[DataModel], ApiError> {
        Ok(match self.start()? {
            Start::Root { root, .. } => &root.data_models,
            Start::List { .. } | Start::Document(_) => &[],
        })
    }

    /// The OpenAPI documents of resources, descriptors and extensions; where the given address is that
    /// of a single document, that one. Sorted by name; up to four are fetched at a time.
    ///
    /// # Errors
    ///
    /// The first document, in their order, that cannot be had; without any of them the graph would be
    /// wrong without showing it.
    pub fn metadata(&self) -> Result<Vec<FetchedDocument>, ApiError> {
        let list = self.list()?;
        let wanted = match list {
            Some((at, list)) => self.wanted(&at, list)?,
            None => {
                self.check_names(&[])?;
                self.given_documents()
            }
        };
        match self.start.get() {
            Some(Ok(Start::Document(document))) if wanted.is_empty() => Ok(vec![document.clone()]),
            _ => self.fetch_all(&wanted),
        }
    }

    /// The order that the API publishes.
    ///
    /// # Errors
    ///
    /// No answer, or an API that has this switched off.
    pub fn dependencies(&self, form: DependenciesForm) -> Result<FetchedDocument, ApiError> {
        if !self.overrides.contains_key(DEPENDENCIES)
            && let Start::Document(document) = self.start()?
        {
            return Ok(document.clone());
        }
        let address = self.service(DEPENDENCIES)?;
        let accept = match form {
            DependenciesForm::Json => ANY,
            DependenciesForm::GraphMl => GRAPHML,
        };
        let reply = self.fetcher.get(&address, accept).map_err(|error| match error {
            ApiError::NotFound { url, status, .. } => ApiError::NotFound {
                url,
                status,
                advice: "The host may have switched its order off; if it is elsewhere, give --url dependencies=URL"
                    .to_owned(),
            },
            ApiError::Status { url, status: 400, said, .. } => ApiError::Status {
                url,
                status: 400,
                said,
                advice: "The API finds no order itself, which a cycle of its extensions causes".to_owned(),
            },
            other => other,
        })?;
        Ok(FetchedDocument { name: DEPENDENCIES.to_owned(), url: address.to_string(), bytes: reply.bytes })
    }

    fn start(&self) -> Result<&Start, ApiError> {
        self.start.get_or_init(|| self.begin()).as_ref().map_err(Clone::clone)
    }

    /// Asks the given address what it is, and where it is nothing the addresses above it.
    fn begin(&self) -> Result<Start, ApiError> {
        let first = match self.fetcher.get(&self.base, ANY) {
            Ok(reply) => return self.understand(&self.base, reply),
            Err(error) => error,
        };
        let may_be_above = matches!(
            first,
            ApiError::NotFound { .. }
                | ApiError::WebPage { .. }
                | ApiError::NeedsCredentials { .. }
                | ApiError::NoTokenUrl { .. }
                | ApiError::Refused { .. }
                | ApiError::Status { status: 400..=499, .. }
                | ApiError::NotCached { .. }
        );
        if may_be_above {
            for above in self.base.parents().iter().take(CLIMB) {
                let Ok(reply) = self.fetcher.get(above, ANY) else { continue };
                if let Ok(start @ Start::Root { .. }) = self.understand(above, reply) {
                    self.fetcher.note(Note::BaseFound { given: self.base.to_string(), base: above.to_string() });
                    return Ok(start);
                }
            }
        }
        Err(match first {
            ApiError::NotFound { url, status, .. } => {
                ApiError::NoRoot { url, found: format!("{status}, no root document there or above") }
            }
            other => other,
        })
    }

    fn understand(&self, asked: &Address, reply: Reply) -> Result<Start, ApiError> {
        Ok(match discovery::recognise(asked, &reply.bytes)? {
            Found::Root(root) => {
                let at = reply.reached;
                if let Some(url) = root.urls.get(OAUTH).filter(|_| self.fetcher.tokens.has_credentials()) {
                    // What there is to say about it is said when it is needed.
                    self.fetcher.tokens.set_endpoint(self.resolve(url, OAUTH, &at, &root.mode));
                }
                Start::Root { at, root }
            }
            Found::List(list) => Start::List { at: reply.reached, list },
            Found::Document => {
                Start::Document(FetchedDocument { name: String::new(), url: asked.to_string(), bytes: reply.bytes })
            }
        })
    }

    /// A URL of the root document, unless one was given in its place.
    fn service(&self, name: &str) -> Result<Address, ApiError> {
        if let Some(address) = self.overrides.get(name) {
            return Ok(address.clone());
        }
        match self.start()? {
            Start::Root { at, root } => {
                let url = root
                    .urls
                    .get(name)
                    .ok_or_else(|| ApiError::NoUrl { url: at.to_string(), name: name.to_owned() })?;
                Ok(self.fetcher.take(self.resolve(url, name, at, &root.mode)?))
            }
            Start::List { at, .. } => Err(ApiError::NoUrl { url: at.to_string(), name: name.to_owned() }),
            Start::Document(document) => Err(ApiError::NoRoot {
                url: document.url.clone(),
                found: "a single document, not the root of an API".to_owned(),
            }),
        }
    }
}
