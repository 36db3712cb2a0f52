//! One document: over the cache, redirects, busy servers and tokens, to its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::address::{Address, clean};
use super::cache::{Cache, Kept};
use super::error::ApiError;
use super::note::Note;
use super::retry;
use super::token::{Token, Tokens};
use super::transport::{Clock, Request, Response, Transport, TransportError};

/// What is allowed to one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The size of a body, decompressed, in MiB. The largest published documents have 4.
    pub mebibytes: u64,
    /// From the request to the end of the body: ends a server that drips.
    pub total: Duration,
    /// How often a busy server is asked in all.
    pub tries: u32,
    /// The longest wait a server may ask for.
    pub longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { mebibytes: 128, total: Duration::from_secs(300), tries: 5, longest_pause: Duration::from_secs(120) }
    }
}

/// Redirects in a row; an API needs one, to add a slash.
const REDIRECTS: usize = 5;

/// How the cache is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Freshness {
    /// The API is asked whether what is kept is still right.
    #[default]
    Checked,
    /// Only the cache is used (`--offline`).
    Offline,
    /// Everything is fetched anew (`--refresh`).
    Refresh,
}

/// What is going on, for a progress line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'p> {
    /// A request was sent.
    Asked {
        /// The URL.
        url: &'p str,
    },
    /// A document arrived.
    Received {
        /// The URL.
        url: &'p str,
        /// Its size.
        bytes: usize,
    },
    /// A busy server asked to wait.
    Waiting {
        /// The URL.
        url: &'p str,
        /// What it answered.
        status: u16,
        /// How long.
        pause: Duration,
    },
}

/// The world outside, as a caller hands it in.
#[derive(Clone, Copy)]
pub struct Outside<'e> {
    /// Carries the requests.
    pub transport: &'e dyn Transport,
    /// Tells the time and waits.
    pub clock: &'e dyn Clock,
    /// Keeps documents, where they may be kept.
    pub cache: Option<&'e Cache>,
    /// How the cache is used.
    pub freshness: Freshness,
    /// What is allowed to one document.
    pub limits: Limits,
    /// Is told what is going on, from several threads.
    pub progress: &'e (dyn Fn(Progress<'_>) + Sync),
}

impl std::fmt::Debug for Outside<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outside").field("freshness", &self.freshness).finish_non_exhaustive()
    }
}

/// Fetches documents of one API.
pub(super) struct Fetcher<'e> {
    pub(super) outside: Outside<'e>,
    pub(super) tokens: Tokens,
    /// The addresses a person gave: tokens go to their hosts and no others.
    pub(super) home: Vec<Address>,
    pub(super) notes: Mutex<BTreeSet<Note>>,
    /// What came out of the cache unasked, and how old it was.
    pub(super) from_cache: Mutex<BTreeMap<Address, Duration>>,
}

/// A document and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) reached: Address,
}

enum Answer {
    Unchanged,
    Document(Document),
}

/// A body as it came, with what its headers say.
pub(super) struct Document {
    pub(super) bytes: Vec<u8>,
    pub(super) etag: Option<String>,
    pub(super) total_count: Option<u64>,
    reached: Address,
}

impl Fetcher<'_> {
    pub(super) fn note(&self, note: Note) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(note);
    }

    /// What there is to say so far.
    pub(super) fn notes(&self) -> BTreeSet<Note> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let from_cache = self.from_cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(oldest) = from_cache.values().max() {
            notes.insert(Note::FromCache { documents: from_cache.len(), oldest: *oldest });
        }
        notes
    }

    /// The document at an address.
    pub(super) fn get(&self, address: &Address, accept: &str) -> Result<Reply, ApiError> {
        let outside = self.outside;
        let kept = match (outside.cache, outside.freshness) {
            (Some(cache), Freshness::Checked | Freshness::Offline) => cache.find(address, accept),
            _ => None,
        };
        if outside.freshness == Freshness::Offline {
            let Some(kept) = kept else { return Err(ApiError::NotCached { url: address.to_string() }) };
            let age = outside.clock.now().duration_since(kept.fetched).unwrap_or_default();
            self.from_cache.lock().unwrap_or_else(PoisonError::into_inner).insert(address.clone(), age);
            return Ok(reply(kept, address));
        }
        let etag = kept.as_ref().and_then(|kept| kept.etag.as_deref());
        match (self.exchange(address, accept, etag, kept.is_some())?, kept) {
            (Answer::Document(Document { bytes, etag, reached, .. }), _) => {
                if let Some(cache) = outside.cache {
                    let now = outside.clock.now();
                    if let Err(error) = cache.keep(address, accept, &reached, etag.as_deref(), now, &bytes) {
                        self.note(Note::CacheUnwritable { cause: error.to_string() });
                    }
                }
                Ok(Reply { bytes, reached })
            }
            (Answer::Unchanged, Some(kept)) => Ok(reply(kept, address)),
            (Answer::Unchanged, None) => Err(unchanged_from_nothing(address)),
        }
    }

    /// Records at an address: asked for every time and kept nowhere, for they are data of students.
    pub(super) fn records(&self, address: &Address) -> Result<Document, ApiError> {
        if self.outside.freshness == Freshness::Offline {
            return Err(ApiError::NeverKept { url: address.to_string() });
        }
        match self.exchange(address, "application/json", None, false)? {
            Answer::Document(document) => Ok(document),
            Answer::Unchanged => Err(unchanged_from_nothing(address)),
        }
    }

    /// Asks until there is an answer, or reason to give up.
    fn exchange(&self, first: &Address, accept: &str, etag: Option<&str>, kept: bool) -> Result<Answer, ApiError> {
        let limits = self.outside.limits;
        let mut address = first.clone();
        let mut visited = vec![first.clone()];
        let mut tries = 0;
        let mut lost = 0;
        let mut tokens = 0;
        loop {
            let started = Instant::now();
            let token = self.token_for(&address);
            (self.outside.progress)(Progress::Asked { url: &address.to_string() });
            let sent = self.outside.transport.send(Request {
                url: address.url(),
                form: None,
                accept,
                authorization: token.as_ref().map(Token::header),
                etag,
            });
            let mut response = match sent {
                Err(TransportError::Lost(_)) if lost == 0 => {
                    lost += 1;
                    self.outside.clock.sleep(retry::pause(1, None, self.outside.clock.now()));
                    continue;
                }
                sent => sent.map_err(|error| self.failed(&address, error, kept))?,
            };
            match response.status {
                200..=299 => match self.body(&address, &mut response, started, kept) {
                    Err(ApiError::BrokenOff { .. }) if lost == 0 => lost += 1,
                    body => {
                        let bytes = body?;
                        self.refuse_web_page(&address, response.content_type.as_deref(), &bytes)?;
                        let total_count = response.total_count.as_deref().and_then(|count| count.trim().parse().ok());
                        let etag = response.etag.take();
                        return Ok(Answer::Document(Document { bytes, etag, total_count, reached: address }));
                    }
                },
                304 if etag.is_some() => return Ok(Answer::Unchanged),
                301..=303 | 307 | 308 => {
                    address = self.redirected(&address, response.location.as_deref(), &visited)?;
                    visited.push(address.clone());
                }
                status @ (401 | 403) => {
                    // Two tokens at most: one because there was none, one for a token that has run out.
                    let retried = status == 401 || token.is_none();
                    if !retried || tokens == 2 || (token.is_none() && tokens > 0) {
                        let said = self.said(&mut response, started);
                        return Err(ApiError::Refused { url: address.to_string(), status, said });
                    }
                    drop(response);
                    self.authorize(&address, status, token)?;
                    tokens += 1;
                }
                status if retry::passes(status) => {
                    tries += 1;
                    let pause = retry::pause(tries, response.retry_after.as_deref(), self.outside.clock.now());
                    drop(response);
                    if tries >= limits.tries || pause > limits.longest_pause {
                        return Err(self.busy(&address, status, tries, pause, kept));
                    }
                    (self.outside.progress)(Progress::Waiting { url: &address.to_string(), status, pause });
                    self.outside.clock.sleep(pause);
                }
                status => return Err(self.status(&address, status, &mut response, started)),
            }
        }
    }

    /// Whether a token may travel to an address: to the hosts a person named, and never in clear where
    /// that person asked for encryption.
    pub(super) fn is_home(&self, address: &Address) -> bool {
        let allowed = |home: &Address| home.same_host(address) && (address.is_secure() || !home.is_secure());
        self.home.iter().any(allowed)
    }

    pub(super) fn failed(&self, address: &Address, error: TransportError, kept: bool) -> ApiError {
        let url = address.to_string();
        match error {
            TransportError::Certificate(cause) => ApiError::Certificate { url, cause },
            TransportError::TooSlow(limit) => ApiError::TooSlow {
                url,
                what: format!("no answer in {} seconds", limit.as_secs_f32()),
                advice: advice("Try again later, or check HTTPS_PROXY", kept),
            },
            TransportError::Connect(cause) | TransportError::Lost(cause) => ApiError::Unreachable {
                url,
                cause: self.scrub(&cause),
                advice: advice("Check the address, the network and HTTPS_PROXY", kept),
            },
        }
    }

    pub(super) fn busy(&self, address: &Address, status: u16, tries: u32, pause: Duration, kept: bool) -> ApiError {
        let longest = self.outside.limits.longest_pause;
        let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
        let tries = if pause > longest {
            format!("and asks to wait {} seconds", pause.as_secs())
        } else {
            format!("asked {times}")
        };
        let copy = if kept { "; --offline uses the copy in the cache".to_owned() } else { String::new() };
        ApiError::Busy { url: address.to_string(), status, tries, copy }
    }

    fn status(&self, address: &Address, status: u16, response: &mut Response, started: Instant) -> ApiError {
        let url = address.to_string();
        match status {
            404 | 410 => ApiError::NotFound { url, status, advice: "Check the address".to_owned() },
            407 => ApiError::Status {
                url,
                status,
                said: ": the proxy wants a password".to_owned(),
                advice: "Put it into HTTPS_PROXY".to_owned(),
            },
            500..=599 => {
                let said = self.said(response, started);
                ApiError::Status { url, status, said, advice: "The API has failed; tell its host".to_owned() }
            }
            _ => {
                let said = self.said(response, started);
                ApiError::Status { url, status, said, advice: "Check that the address is right".to_owned() }
            }
        }
    }

    /// Where a redirect leads, if it may be followed: on the same host, not out of encryption, not in a
    /// circle.
    fn redirected(&self, from: &Address, location: Option<&str>, visited: &[Address]) -> Result<Address, ApiError> {
        let refuse = |to: String, why: &str| ApiError::Redirect {
            url: from.to_string(),
            to: self.scrub(&to),
            why: why.to_owned(),
        };
        let Some(location) = location else {
            return Err(refuse("nowhere".to_owned(), "which cannot be followed. Check that the address is right"));
        };
        let Some(to) = from.named(location) else {
            return Err(refuse(
                clean(&self.scrub(location.split('?').next().unwrap_or_default()), 100),
                "which is no web address. Check that the address is right",
            ));
        };
        if !to.same_origin(from) {
            return Err(refuse(
                to.to_string(),
                "another host or port (a login page?). If that is the API, give its address",
            ));
        }
        if from.is_secure() && !to.is_secure() {
            return Err(refuse(to.to_string(), "out of encryption, which is not followed. Tell the API's host"));
        }
        if visited.contains(&to) {
            return Err(refuse(to.to_string(), "in a circle. Check that the address is right"));
        }
        if visited.len() > REDIRECTS {
            return Err(refuse(to.to_string(), "on and on. Check that the address is right"));
        }
        Ok(to)
    }
}

fn unchanged_from_nothing(address: &Address) -> ApiError {
    ApiError::content(
        address,
        "304",
        "unchanged, says the API, but nothing was fetched before",
        "Try again with --refresh",
    )
}

fn reply(kept: Kept, address: &Address) -> Reply {
    let reached = address.named(&kept.reached).unwrap_or_else(|| address.clone());
    Reply { bytes: kept.bytes, reached }
}

/// A way out, and the copy that is there already.
pub(super) fn advice(advice: &str, kept: bool) -> String {
    if kept { format!("{advice}; --offline uses the copy in the cache") } else { advice.to_owned() }
}
