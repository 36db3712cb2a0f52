//! The records of a live API as a store that can be searched by key and by reference.
//!
//! An API is asked by the parameters of its GET, and what it returns is believed only after it was read:
//! parameters it does not know it ignores and returns everything. A reference that no parameter covers is
//! looked for in the whole list of the resource, where that is short enough. Records are known by their id.

mod present;
mod referring;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::at_once::at_once;
use super::records::{Listing, LiveRecord, Reach, Within};
use super::{Api, ApiError};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::Text;
use crate::records::{
    Ask, Gap, HeldValue, KeyHasher, KeyValues, Matching, RecordOf, RecordReader, RecordStore, Referring, SingleRecord,
    StoredRecord, Whereabouts, values_of_key,
};

/// How far a search may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchLimits {
    /// The longest list that is read from end to end to find what no parameter asks for.
    pub scan: u64,
    /// The most records that may be found in all.
    pub found: u64,
    /// Requests at the same time.
    pub at_once: usize,
}

impl Default for SearchLimits {
    /// Ten pages, a thousand records, four requests.
    fn default() -> Self {
        Self { scan: 5000, found: 1000, at_once: 4 }
    }
}

/// Why a search could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The API did not answer, or not as one does.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// More records than are allowed.
    #[error("at least {found} records, and --max allows {most}. Raise it if that is what you mean to delete")]
    TooMany {
        /// How many were found before the search ended.
        found: usize,
        /// How many are allowed.
        most: u64,
    },
    /// More keys to look up than anybody means to.
    #[error("{keys} records to look up, and {most} at most are. Give fewer payloads")]
    TooManyKeys {
        /// How many there are.
        keys: usize,
        /// How many are looked up.
        most: u64,
    },
    /// A record that this store has not found.
    #[error("{resource} {id}: not a record that was found here")]
    Unknown {
        /// Its resource.
        resource: Text,
        /// Its id.
        id: Text,
    },
}

/// The records of an API, searched through a graph of its resources.
pub struct LiveStore<'a, 'e> {
    api: &'a Api<'e>,
    graph: &'a DependencyGraph,
    limits: SearchLimits,
    hasher: KeyHasher,
    readers: Mutex<BTreeMap<ResourceId, RecordReader>>,
    /// What was found to have a key or a reference that was asked for.
    found: HashMap<RecordOf<Text>, Known>,
    /// Whole lists, of resources that were read from end to end.
    lists: BTreeMap<ResourceId, Vec<Read>>,
}

impl std::fmt::Debug for LiveStore<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveStore").field("found", &self.found.len()).finish_non_exhaustive()
    }
}

/// What is kept of a record that was found.
#[derive(Debug, Clone)]
struct Known {
    etag: Option<Text>,
    key: KeyValues,
}

/// A record that was read.
#[derive(Debug, Clone)]
struct Read {
    id: Text,
    etag: Option<Text>,
    says: SingleRecord,
}

/// Records of one list.
struct Answer {
    records: Vec<Read>,
    /// Whether the list was read to its end.
    whole: bool,
    total: Option<u64>,
    gaps: Vec<Gap>,
}

/// The codes of what a search could not find out, as reports give them.
mod code {
    pub(super) const CHANGED: &str = "changed-while-planning";
    pub(super) const FORBIDDEN: &str = "unreadable-resources";
    pub(super) const NOT_SERVED: &str = "not-served";
    pub(super) const UNQUERYABLE: &str = "unqueryable-references";
    pub(super) const UNREADABLE: &str = "unreadable-record";
}

impl<'a, 'e> LiveStore<'a, 'e> {
    /// A store that has asked for nothing yet.
    #[must_use]
    pub fn new(api: &'a Api<'e>, graph: &'a DependencyGraph, limits: SearchLimits) -> Self {
        Self {
            api,
            graph,
            limits,
            hasher: KeyHasher::random(),
            readers: Mutex::default(),
            found: HashMap::new(),
            lists: BTreeMap::new(),
        }
    }

    /// Looks records up by their ids, which a client can keep when it can no longer find them by key, and
    /// takes note of those that are there or that it may not see. Whether each is.
    ///
    /// # Errors
    ///
    /// An API that does not answer.
    pub fn revisit(&mut self, records: &[(RecordOf<Text>, KeyValues)]) -> Result<Vec<bool>, LiveError> {
        let this = &*self;
        let reached = at_once(records, this.limits.at_once, |(place, _)| {
            this.api.record(this.graph.name(place.resource), &place.record)
        })?;
        let mut there = Vec::with_capacity(records.len());
        for ((place, key), reach) in records.iter().zip(reached) {
            let etag = match reach {
                Reach::NotThere => {
                    there.push(false);
                    continue;
                }
                Reach::Answered(record) => record.etag.map(Text::from),
                Reach::NotAllowed(_) | Reach::NotTaken(_) => None,
            };
            there.push(true);
            self.found.insert(place.clone(), Known { etag, key: key.clone() });
        }
        Ok(there)
    }

    /// What became of records while a plan was made: those that are gone or were written.
    ///
    /// # Errors
    ///
    /// An API that does not answer.
    pub fn changed(&self, records: &[RecordOf<Text>]) -> Result<Vec<Gap>, LiveError> {
        let reached = at_once(records, self.limits.at_once, |place| {
            self.api.record(self.graph.name(place.resource), &place.record)
        })?;
        let mut gaps = Vec::new();
        for (place, reach) in records.iter().zip(reached) {
            let before = self.found.get(place).and_then(|known| known.etag.as_deref());
            let became = match reach {
                Reach::NotThere => "was deleted",
                Reach::Answered(record) if before.is_some() && record.etag.as_deref() != before => "was written",
                _ => continue,
            };
            let message = format!("the record with id {} {became} while this was planned; plan again", place.record);
            gaps.push(self.gap(code::CHANGED, place.resource, message));
        }
        Ok(gaps)
    }

    fn gap(&self, code: &'static str, resource: ResourceId, message: String) -> Gap {
        Gap { code: Text::new_static(code), resource: self.graph.name(resource).clone(), message }
    }

    /// The parameters that select records with these values, as far as there are any. What stands in a
    /// collection can be asked for where the model declares it equal to something outside.
    fn parameters(&self, resource: ResourceId, values: &[HeldValue]) -> Vec<(Text, String)> {
        let details = self.graph.details(resource);
        let parameter = |held: &HeldValue| {
            let equals = |path: &Text| {
                let other = |one: &Text, other: &Text| one == path && held.paths.contains(other);
                details.equalities.iter().any(|e| other(&e.left, &e.right) || other(&e.right, &e.left))
            };
            let is_held = |path: &Text| held.paths.contains(path) || equals(path);
            let named = details.query.iter().find(|parameter| parameter.paths.iter().any(is_held));
            named.map(|parameter| (parameter.name.clone(), held.value.clone()))
        };
        let mut parameters: Vec<(Text, String)> = values.iter().filter_map(parameter).collect();
        parameters.sort();
        parameters.dedup_by(|later, first| later.0 == first.0);
        parameters
    }

    /// Asks for a list and reads its records.
    fn ask(
        &self,
        resource: ResourceId,
        parameters: &[(Text, String)],
        within: Within,
    ) -> Result<Reach<Answer>, ApiError> {
        let query: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(match self.api.records(self.graph.name(resource), &query, within)? {
            Reach::Answered(listing) => Reach::Answered(self.read(resource, &listing)),
            Reach::NotAllowed(said) => Reach::NotAllowed(said),
            Reach::NotThere => Reach::NotThere,
            Reach::NotTaken(said) => Reach::NotTaken(said),
        })
    }

    fn read(&self, resource: ResourceId, listing: &Listing) -> Answer {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = readers.entry(resource).or_insert_with(|| RecordReader::new(self.graph, resource, self.hasher));
        let mut gaps = Vec::new();
        let mut read = |record: &LiveRecord| match reader.read(record.body.get().as_bytes()) {
            Ok(says) => {
                Some(Read { id: record.id.as_str().into(), etag: record.etag.as_deref().map(Text::from), says })
            }
            Err(flaw) => {
                let message = format!("the record with id {} is {}", record.id, flaw.message());
                gaps.push(self.gap(code::UNREADABLE, resource, message));
                None
            }
        };
        let records = listing.records.iter().filter_map(&mut read).collect();
        if !listing.steady {
            let message = "the list changed while it was read, three times; plan again when nobody writes";
            gaps.push(self.gap(code::CHANGED, resource, message.to_owned()));
        }
        Answer { records, whole: listing.whole, total: listing.total, gaps }
    }

    /// What to say where a resource gives no answer.
    fn closed(&self, resource: ResourceId, reach: &Reach<Answer>) -> Option<Gap> {
        match reach {
            Reach::Answered(_) => None,
            Reach::NotAllowed(said) => {
                let message =
                    format!("403, these credentials may not read it{said}; records of it may refer to others");
                Some(self.gap(code::FORBIDDEN, resource, message))
            }
            Reach::NotThere => {
                let message = "404, the API does not serve it; compare the metadata with this API";
                Some(self.gap(code::NOT_SERVED, resource, message.to_owned()))
            }
            Reach::NotTaken(said) => {
                let message = format!("400, the API does not take the question{said}");
                Some(self.gap(code::UNQUERYABLE, resource, message))
            }
        }
    }

    /// Keeps a record that was found; where it was found before in another version, says so.
    fn keep(&mut self, resource: ResourceId, read: &Read, gaps: &mut Vec<Gap>) -> Result<(), LiveError> {
        let known = Known { etag: read.etag.clone(), key: read.says.key.clone() };
        let place = RecordOf { resource, record: read.id.clone() };
        let before = self.found.insert(place, known);
        if before.is_some_and(|before| before.etag.is_some() && before.etag != read.etag) {
            let message = format!("the record with id {} was written while this was planned; plan again", read.id);
            gaps.push(self.gap(code::CHANGED, resource, message));
        }
        if self.found.len() as u64 > self.limits.found {
            return Err(LiveError::TooMany { found: self.found.len(), most: self.limits.found });
        }
        Ok(())
    }

    /// How much of a list is read that a question should have narrowed down.
    fn within(&self) -> Within {
        Within::Records(self.limits.scan.max(self.limits.found))
    }
}

impl RecordStore for LiveStore<'_, '_> {
    type Record = Text;
    type Error = LiveError;

    fn matching(&mut self, resource: ResourceId, keys: &[KeyValues]) -> Result<Matching<Text>, LiveError> {
        let this = &*self;
        let answers = at_once(keys, this.limits.at_once, |key| {
            let parameters = this.parameters(resource, &values_of_key(this.graph, resource, key));
            this.ask(resource, &parameters, this.within())
        })?;
        let (mut found, mut gaps) = (Vec::new(), Vec::new());
        for (number, (key, reach)) in keys.iter().zip(answers).enumerate() {
            gaps.extend(self.closed(resource, &reach));
            let Reach::Answered(answer) = reach else { continue };
            let mut matching = Vec::new();
            {
                let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(reader) = readers.get(&resource) else { continue };
                matching.extend(answer.records.iter().filter(|read| reader.has(&read.says, key)));
            }
            if !answer.whole && matching.len() < answer.records.len() {
                let total = answer.total.map(|total| format!(", of {total}")).unwrap_or_default();
                let message = format!(
                    "the API does not search by this key; {} records{total} were read. Raise --scan-limit",
                    answer.records.len()
                );
                gaps.push(self.gap(code::UNQUERYABLE, resource, message));
            } else if !answer.whole {
                let found = answer.total.and_then(|total| usize::try_from(total).ok()).unwrap_or(matching.len());
                return Err(LiveError::TooMany { found, most: self.limits.found });
            }
            gaps.extend(answer.gaps);
            for read in matching {
                self.keep(resource, read, &mut gaps)?;
                found.push((number, read.id.clone()));
            }
        }
        gaps.sort();
        gaps.dedup();
        Ok(Matching { found, gaps })
    }

    fn referring(&mut self, asks: &[Ask], targets: &[RecordOf<Text>]) -> Result<Referring<Text>, LiveError> {
        self.find_referring(asks, targets)
    }

    fn describe(&mut self, records: &[RecordOf<Text>]) -> Result<Vec<StoredRecord>, LiveError> {
        let describe = |record: &RecordOf<Text>| {
            let known = self.found.get(record).ok_or_else(|| self.unknown(record))?;
            let at = Whereabouts::Server { id: record.record.clone(), etag: known.etag.clone() };
            Ok(StoredRecord { resource: record.resource, key: known.key.clone(), at })
        };
        records.iter().map(describe).collect()
    }
}

impl LiveStore<'_, '_> {
    fn unknown(&self, record: &RecordOf<Text>) -> LiveError {
        LiveError::Unknown { resource: self.graph.name(record.resource).short().into(), id: record.record.clone() }
    }
}
