//! Records of a live API: whole lists over all their pages, or one by its id.
//!
//! A list is read page by page while others may write. A page that shifts shows: a record comes twice, the
//! total changes, or there are not as many records as it says. Then the list is read again, and if it never
//! stands still its reader is told.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::address::{Address, clean};
use super::fetch::Document;
use super::{Api, ApiError, DATA, OAUTH};
use crate::model::ResourceName;
use crate::records::is_plain;

/// Records in a page: what ODS/API grants unless its host says less, then less.
const LIMITS: [usize; 3] = [500, 100, 25];

/// The longest page that an API grants.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Its place in [`LIMITS`].
    granted: AtomicUsize,
    /// Whether one of that length has come.
    proven: AtomicBool,
}

/// How often a list is read that does not stand still.
const READINGS: usize = 3;

/// One record as the API gives it.
#[derive(Clone)]
pub struct LiveRecord {
    /// What the API calls it in URLs.
    pub id: String,
    /// The version of its content, as `If-Match` takes it; none where the API keeps none.
    pub etag: Option<String>,
    /// The whole record, byte for byte.
    pub body: Box<RawValue>,
}

impl fmt::Debug for LiveRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is data of students.
        f.debug_struct("LiveRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How a question about one resource ended that the API could take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach<T> {
    /// With an answer.
    Answered(T),
    /// 403: these credentials may not read the resource. What the API said, after a colon.
    NotAllowed(String),
    /// 404: the API has no such resource, or no such record.
    NotThere,
    /// 400: the API does not take the question, such as a value of another type. What it said.
    NotTaken(String),
}

/// The records of a list.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Each record once, in the order of the API.
    pub records: Vec<LiveRecord>,
    /// How many there are in all, where the API tells.
    pub total: Option<u64>,
    /// Whether these are all.
    pub whole: bool,
    /// Whether the list stood still while it was read.
    pub steady: bool,
}

/// How much of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// All of it, if that is at most so many records.
    Records(u64),
    /// The first page and the total.
    OnePage,
}

/// One page of a list.
struct Page {
    records: Vec<LiveRecord>,
    /// How many the whole list has, where the API tells.
    total: Option<u64>,
}

/// What every record of an API has beside its own members.
#[derive(Deserialize)]
struct Envelope {
    id: Option<String>,
    #[serde(rename = "_etag")]
    etag: Option<String>,
}

impl Api<'_> {
    /// The URL under which the API keeps its records.
    ///
    /// # Errors
    ///
    /// No answer, or a root document that does not name it.
    pub fn data_url(&self) -> Result<String, ApiError> {
        Ok(self.data()?.without_query())
    }

    fn data(&self) -> Result<Address, ApiError> {
        if self.overrides.contains_key(DATA) && !self.overrides.contains_key(OAUTH) {
            // The root document says where tokens are had; without one the request will say what is missing.
            let _ = self.start();
        }
        self.service(DATA)
    }

    fn collection(&self, resource: &ResourceName) -> Result<Address, ApiError> {
        Ok(self.data()?.below(&[resource.project(), resource.endpoint()], &[]))
    }

    /// The records of a resource that a query selects, over all pages.
    ///
    /// An API ignores parameters it does not know and then answers with everything: what comes back is to be
    /// compared with what was asked.
    ///
    /// # Errors
    ///
    /// No answer, no token, an API that stays busy or fails, or an answer that is no list of records.
    pub fn records(
        &self,
        resource: &ResourceName,
        query: &[(&str, &str)],
        within: Within,
    ) -> Result<Reach<Listing>, ApiError> {
        let collection = self.collection(resource)?;
        let mut reach = self.read_list(&collection, query, within)?;
        for _ in 1..READINGS {
            match &reach {
                Reach::Answered(listing) if !listing.steady => reach = self.read_list(&collection, query, within)?,
                _ => break,
            }
        }
        Ok(reach)
    }

    /// One reading of a list from its first page to its last.
    fn read_list(
        &self,
        collection: &Address,
        query: &[(&str, &str)],
        within: Within,
    ) -> Result<Reach<Listing>, ApiError> {
        let mut listing = Listing { records: Vec::new(), total: None, whole: true, steady: true };
        let mut seen = BTreeSet::new();
        let mut offset = 0;
        loop {
            let Page { records, total } = match self.page(collection, query, offset)? {
                Reach::Answered(page) => page,
                Reach::NotAllowed(said) => return Ok(Reach::NotAllowed(said)),
                Reach::NotTaken(said) => return Ok(Reach::NotTaken(said)),
                Reach::NotThere => return Ok(Reach::NotThere),
            };
            if offset > 0 && total != listing.total {
                listing.steady = false;
            }
            listing.total = total;
            let length = records.len();
            let before = listing.records.len();
            listing.records.extend(records.into_iter().filter(|record| seen.insert(record.id.clone())));
            let new = listing.records.len() - before;
            if new < length {
                listing.steady = false;
            }
            offset += length;
            let read_to_its_end = match total {
                Some(total) => offset as u64 >= total,
                None => false,
            };
            // A page without anything new is the last of an API that does not turn pages.
            if new == 0 || read_to_its_end {
                break;
            }
            let enough = match within {
                Within::Records(most) => listing.records.len() as u64 > most || total.is_some_and(|t| t > most),
                Within::OnePage => true,
            };
            if enough {
                listing.whole = false;
                return Ok(Reach::Answered(listing));
            }
        }
        if listing.total.is_some_and(|total| total != listing.records.len() as u64) {
            listing.steady = false;
        }
        Ok(Reach::Answered(listing))
    }

    /// One page, as long as the API grants, and the total.
    fn page(&self, collection: &Address, query: &[(&str, &str)], offset: usize) -> Result<Reach<Page>, ApiError> {
        let offset = offset.to_string();
        let mut granted = self.pages.granted.load(Ordering::Relaxed);
        loop {
            let limit = LIMITS.get(granted).copied().unwrap_or(1).to_string();
            let mut query = query.to_vec();
            query.extend([("limit", limit.as_str()), ("offset", offset.as_str()), ("totalCount", "true")]);
            let address = collection.below(&[], &query);
            match reach(self.fetcher.records(&address))? {
                // A page that is too long, or a value that is not taken: a shorter page shows which.
                Reach::NotTaken(said) => {
                    granted += 1;
                    if granted >= LIMITS.len() || self.pages.proven.load(Ordering::Relaxed) {
                        return Ok(Reach::NotTaken(said));
                    }
                }
                Reach::Answered(document) => {
                    self.pages.granted.store(granted, Ordering::Relaxed);
                    self.pages.proven.store(true, Ordering::Relaxed);
                    let records = records(&address, &document.bytes)?;
                    return Ok(Reach::Answered(Page { records, total: document.total_count }));
                }
                Reach::NotAllowed(said) => return Ok(Reach::NotAllowed(said)),
                Reach::NotThere => return Ok(Reach::NotThere),
            }
        }
    }

    /// Records in a page, as far as it is known what the API grants.
    pub(super) fn page_length(&self) -> u64 {
        let granted = self.pages.granted.load(Ordering::Relaxed);
        LIMITS.get(granted).map_or(1, |&limit| limit as u64)
    }

    /// The record of an id.
    ///
    /// # Errors
    ///
    /// As for [`Api::records`].
    pub fn record(&self, resource: &ResourceName, id: &str) -> Result<Reach<LiveRecord>, ApiError> {
        let collection = self.collection(resource)?;
        if !is_plain(id) {
            return Err(not_an_id(&collection, id));
        }
        let address = collection.below(&[id], &[]);
        Ok(match reach(self.fetcher.records(&address))? {
            Reach::Answered(document) => {
                let mut record = record(&address, &document.bytes)?;
                if record.id != id {
                    let message = "another record than the one that was asked for";
                    return Err(ApiError::content(&address, "$.id", message, "Tell the API's host"));
                }
                record.etag = record.etag.or(document.etag);
                Reach::Answered(record)
            }
            Reach::NotAllowed(said) => Reach::NotAllowed(said),
            Reach::NotThere => Reach::NotThere,
            Reach::NotTaken(said) => Reach::NotTaken(said),
        })
    }
}

/// Sorts out what is said about one resource from what ends the whole conversation.
fn reach(answer: Result<Document, ApiError>) -> Result<Reach<Document>, ApiError> {
    match answer {
        Ok(document) => Ok(Reach::Answered(document)),
        Err(ApiError::Refused { status: 403, said, .. }) => Ok(Reach::NotAllowed(said)),
        Err(ApiError::NotFound { .. }) => Ok(Reach::NotThere),
        Err(ApiError::Status { status: 400, said, .. }) => Ok(Reach::NotTaken(said)),
        Err(error) => Err(error),
    }
}

const NOT_DATA: &str = "If the address is not that of the API's data, give that with --url dataManagementApi=URL";

fn records(address: &Address, bytes: &[u8]) -> Result<Vec<LiveRecord>, ApiError> {
    let bodies: Vec<Box<RawValue>> = serde_json::from_slice(bytes).map_err(|error| ApiError::json(address, &error))?;
    bodies.into_iter().map(|body| with_envelope(address, body)).collect()
}

fn record(address: &Address, bytes: &[u8]) -> Result<LiveRecord, ApiError> {
    let body: Box<RawValue> = serde_json::from_slice(bytes).map_err(|error| ApiError::json(address, &error))?;
    with_envelope(address, body)
}

fn with_envelope(address: &Address, body: Box<RawValue>) -> Result<LiveRecord, ApiError> {
    // What serde says would quote the record.
    let no_record = |_| ApiError::content(address, "$[*]", "no record of an Ed-Fi API", NOT_DATA);
    let envelope: Envelope = serde_json::from_str(body.get()).map_err(no_record)?;
    match envelope.id {
        Some(id) if is_plain(&id) => {
            // A header cannot carry anything else, and nothing else is an entity tag.
            let etag = envelope.etag.filter(|etag| etag.bytes().all(|b| b.is_ascii_graphic()) && !etag.is_empty());
            Ok(LiveRecord { id, etag, body })
        }
        Some(id) => Err(not_an_id(address, &id)),
        None => Err(ApiError::content(address, "$[*].id", "a record without an id", NOT_DATA)),
    }
}

fn not_an_id(address: &Address, id: &str) -> ApiError {
    ApiError::content(address, "$.id", format!("'{}' is no id of a record", clean(id, 60)), "Tell the API's host")
}
