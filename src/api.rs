//! A live API: found by its root document, asked with patience, its documents fetched as they are.
//!
//! This room knows HTTP and nothing of metadata: what it fetches goes, as bytes with a name, to the room
//! that reads documents. The network, the clock and the cache are handed in ([`Outside`]).
//!
//! ```text
//! base URL → root document → URLs → list of OpenAPI documents → documents
//! ```

mod address;
mod cache;
mod discovery;
mod error;
mod fetch;
mod http;
pub mod lightbeam;
mod note;
mod retry;
mod secret;
mod token;
mod transport;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

pub use address::Context;
pub use cache::Cache;
pub use discovery::DataModel;
pub use error::ApiError;
pub use fetch::{Freshness, Limits, Outside, Progress};
pub use http::{Http, Patience};
pub use note::Note;
pub use secret::{Credentials, Secret};
pub use transport::{Clock, Request, Response, SystemClock, Transport, TransportError};

use address::Address;
use discovery::{Found, Listed, Root};
use fetch::{Fetcher, Reply};
use token::Tokens;

/// Which API, and everything that is said about it beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Its base URL, or the URL of any of its documents.
    pub url: String,
    /// URLs that replace what the API says: `oauth`, `dependencies`, `openApiMetadata`, `resources`,
    /// `descriptors`, or an OpenAPI document by its name in the list.
    pub urls: BTreeMap<String, String>,
    /// Values for placeholders.
    pub context: Context,
    /// Used when the API wants a token.
    pub credentials: Option<Credentials>,
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
const SERVICES: [&str; 4] = [DEPENDENCIES, "dataManagementApi", OAUTH, OPEN_API];

/// The two documents that every Ed-Fi API lists, and that can be given where there is no list.
const DOCUMENTS: [&str; 2] = ["Descriptors", "Resources"];

const ANY: &str = "application/json, */*;q=0.1";
const GRAPHML: &str = "application/graphml";

/// Documents fetched at the same time.
const AT_ONCE: usize = 4;

/// How far above the given address a root document is looked for.
const CLIMB: usize = 6;

impl std::fmt::Debug for Api<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
            tokens.set_endpoint(endpoint.clone());
        }
        let home = std::iter::once(&base).chain(overrides.values()).cloned().collect();
        let fetcher = Fetcher { outside, tokens, home, notes: Mutex::default(), from_cache: Mutex::default() };
        Ok(Self { access, base, overrides, fetcher, start: OnceLock::new() })
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
            None => self.given_documents(),
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
                    // Only a request that needs it says what is wrong with it.
                    if let Ok(endpoint) = self.resolve(url, OAUTH, &at, &root.mode) {
                        self.fetcher.tokens.set_endpoint(endpoint);
                    }
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
                self.resolve(url, name, at, &root.mode)
            }
            Start::List { at, .. } => Err(ApiError::NoUrl { url: at.to_string(), name: name.to_owned() }),
            Start::Document(document) => Err(ApiError::NoRoot {
                url: document.url.clone(),
                found: "a single document, not the root of an API".to_owned(),
            }),
        }
    }

    /// The list of OpenAPI documents and where it was; `None` where only given documents count.
    fn list(&self) -> Result<Option<(Address, Vec<Listed>)>, ApiError> {
        let given = |name: &str| self.overrides.contains_key(name);
        if !given(OPEN_API) && DOCUMENTS.iter().all(|name| given(name)) {
            return Ok(None);
        }
        let address = if given(OPEN_API) {
            self.service(OPEN_API)
        } else {
            match self.start() {
                Ok(Start::List { at, list }) => return Ok(Some((at.clone(), list.clone()))),
                Ok(Start::Document(_)) => return Ok(None),
                Ok(Start::Root { .. }) => self.service(OPEN_API),
                Err(error) => Err(error),
            }
        };
        let found = address.and_then(|address| {
            let reply = self.fetcher.get(&address, ANY)?;
            match discovery::recognise(&address, &reply.bytes)? {
                Found::List(list) => Ok((reply.reached, list)),
                Found::Root(_) | Found::Document => Err(ApiError::content(
                    &address,
                    "$",
                    "no list of OpenAPI documents, which have a name and an endpointUri",
                    "Give its address with --url openApiMetadata=URL",
                )),
            }
        });
        match found {
            Err(error) if DOCUMENTS.iter().any(|name| given(name)) => {
                self.fetcher.note(Note::NoRoot { why: error.to_string() });
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// The documents of a list that hold resources, with the given ones in their place.
    fn wanted(&self, at: &Address, list: Vec<Listed>) -> Result<Vec<(String, Address)>, ApiError> {
        self.check_names(&list)?;
        let complete = list.iter().any(|listed| listed.is_named("resources") && listed.left_out(false).is_none());
        let mode = match self.start.get() {
            Some(Ok(Start::Root { root, .. })) => root.mode.as_str(),
            _ => "",
        };
        let mut left_out: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        let mut wanted: BTreeMap<Address, String> = BTreeMap::new();
        for listed in list {
            if self.overrides.keys().any(|name| listed.is_named(name)) {
                continue;
            }
            if let Some(kind) = listed.left_out(complete) {
                left_out.entry(kind).or_default().insert(listed.name);
                continue;
            }
            wanted.entry(self.resolve(&listed.url, &listed.name, at, mode)?).or_insert(listed.name);
        }
        for (kind, names) in left_out {
            self.fetcher.note(Note::Skipped { kind, names: names.into_iter().collect() });
        }
        let mut wanted: Vec<(String, Address)> = wanted.into_iter().map(|(address, name)| (name, address)).collect();
        wanted.extend(self.given_documents());
        wanted.sort();
        if wanted.is_empty() {
            return Err(ApiError::content(
                at,
                "$",
                "lists no document of resources",
                "Give them with --url resources=URL --url descriptors=URL",
            ));
        }
        Ok(wanted)
    }

    fn given_documents(&self) -> Vec<(String, Address)> {
        let documents = self.overrides.iter().filter(|(name, _)| !SERVICES.contains(&name.as_str()));
        documents.map(|(name, address)| (name.clone(), address.clone())).collect()
    }

    /// Every given URL has a name that the API or every API has.
    fn check_names(&self, list: &[Listed]) -> Result<(), ApiError> {
        let mut known: BTreeSet<String> = SERVICES.iter().chain(&DOCUMENTS).map(ToString::to_string).collect();
        known.extend(list.iter().filter(|listed| listed.left_out(false).is_none()).map(|listed| listed.name.clone()));
        if let Some(Ok(Start::Root { root, .. })) = self.start.get() {
            known.extend(root.urls.keys().cloned());
        }
        match self.overrides.keys().find(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            Some(name) => Err(ApiError::UnknownUrlName {
                name: name.clone(),
                known: known.into_iter().collect::<Vec<_>>().join(", "),
            }),
            None => Ok(()),
        }
    }

    /// The address that a document of the API means: placeholders filled, the year in it replaced, the
    /// scheme as it was reached.
    fn resolve(&self, url: &str, name: &str, at: &Address, mode: &str) -> Result<Address, ApiError> {
        let filled = self.access.context.fill(url, name)?;
        let Some(named) = at.named(&filled) else {
            return Err(ApiError::content(at, name, "is no URL that can be asked", format!("Give --url {name}=URL")));
        };
        let mut address = named.spoken_as(at);
        // Whoever names an encrypted token endpoint means it; only on this machine is it a proxy's doing.
        if name == OAUTH && named.is_secure() && !named.is_loopback() {
            address = named.clone();
        }
        if address != named {
            self.fetcher.note(Note::SchemeCorrected { named: named.to_string(), used: address.to_string() });
        }
        if !address.same_host(at) {
            self.fetcher.note(Note::OtherHost { name: name.to_owned(), host: address.host().to_owned() });
        }
        // ODS/API up to 6 in a year-specific mode writes the current year into its URLs.
        let year =
            self.access.context.year.as_deref().filter(|_| filled == url && mode.to_lowercase().contains("year"));
        match year.and_then(|year| address.in_year(year)) {
            Some(in_year) if in_year != address => {
                self.fetcher.note(Note::YearReplaced { used: in_year.to_string() });
                Ok(in_year)
            }
            _ => Ok(address),
        }
    }

    /// Values for placeholders that nothing asked for, once the root document is known.
    fn unused_context(&self) -> Vec<Note> {
        let Some(Ok(Start::Root { root, .. })) = self.start.get() else { return Vec::new() };
        let years = root.mode.to_lowercase().contains("year");
        let given = root.urls.values().chain(std::iter::once(&self.access.url)).chain(self.access.urls.values());
        let all: String = given.map(|url| format!("{} ", url.to_lowercase())).collect();
        let asks = |word: &str| {
            all.split(['{', '}']).skip(1).step_by(2).any(|name| name.contains(word))
                || (all.contains("%7b") && all.contains(word))
        };
        let context = &self.access.context;
        let tenant = context.tenant.is_some() && !asks("tenant");
        let year = context.year.is_some() && !asks("year") && !years;
        let others = context.others.keys().filter(|name| !asks(&name.to_lowercase()));
        let options = tenant.then(|| "--tenant".to_owned()).into_iter().chain(year.then(|| "--year".to_owned()));
        options.chain(others.map(|name| format!("--context {name}"))).map(|option| Note::Unused { option }).collect()
    }

    /// Fetches documents side by side; they come back in the order in which they were asked for.
    fn fetch_all(&self, wanted: &[(String, Address)]) -> Result<Vec<FetchedDocument>, ApiError> {
        let next = AtomicUsize::new(0);
        let fetched = Mutex::new(BTreeMap::new());
        let failed = AtomicUsize::new(usize::MAX);
        std::thread::scope(|scope| {
            for _ in 0..wanted.len().min(AT_ONCE) {
                scope.spawn(|| {
                    loop {
                        let position = next.fetch_add(1, Ordering::Relaxed);
                        let Some((_, address)) = wanted.get(position) else { return };
                        // What comes after a failure is not needed; what comes before decides which one is told.
                        if position > failed.load(Ordering::Relaxed) {
                            return;
                        }
                        let reply = self.fetcher.get(address, ANY);
                        if reply.is_err() {
                            failed.fetch_min(position, Ordering::Relaxed);
                        }
                        fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(position, reply);
                    }
                });
            }
        });
        let fetched = fetched.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut documents = Vec::with_capacity(wanted.len());
        for ((name, address), (_, reply)) in wanted.iter().zip(fetched) {
            documents.push(FetchedDocument { name: name.clone(), url: address.to_string(), bytes: reply?.bytes });
        }
        Ok(documents)
    }
}
