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
    Ask, Gap, GapCode, HeldValue, KeyHasher, KeyValues, Matching, RecordOf, RecordReader, RecordStore, Referring, Seen,
    SingleRecord, StoredRecord, Whereabouts, values_of_key,
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
    #[error("{keys} records to look up, and {most} at most are. {way_out}")]
    TooManyKeys {
        /// How many there are.
        keys: usize,
        /// How many are looked up.
        most: u64,
        /// What to do about it.
        way_out: &'static str,
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
    /// Whether records are there that were looked up; `None` where the API did not tell.
    there: BTreeMap<present::Candidate, Option<bool>>,
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

/// Questions whose answers are held before what they found is counted.
const QUESTIONS: usize = 64;

/// The parameters of a question, by name.
type Parameters = Vec<(Text, String)>;

/// A record, and the numbers of the keys that it has.
type Hit = (Read, Vec<usize>);

/// Records of one list.
struct Answer {
    records: Vec<Read>,
    /// Whether the list was read to its end.
    whole: bool,
    total: Option<u64>,
    gaps: Vec<Gap>,
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
            there: BTreeMap::new(),
        }
    }

    /// Looks records up by their ids, which a client can keep when it can no longer find them by key, and
    /// takes note of those that are there or that it may not see: the numbers of these. Their keys are those
    /// that they have now; the given one counts only where a record cannot be read.
    ///
    /// # Errors
    ///
    /// An API that does not answer.
    pub fn revisit(&mut self, records: &[(RecordOf<Text>, KeyValues)]) -> Result<Matching<Text>, LiveError> {
        let this = &*self;
        let reached = at_once(records, this.limits.at_once, |(place, _)| {
            this.api.record(this.graph.name(place.resource), &place.record)
        })?;
        let (mut found, mut gaps) = (Vec::new(), Vec::new());
        for (number, ((place, given), reach)) in records.iter().zip(reached).enumerate() {
            let known = match reach {
                Reach::NotThere => continue,
                Reach::Answered(record) => {
                    let etag = record.etag.as_deref().map(Text::from);
                    let key = self.read_record(place.resource, &record, &mut gaps).map(|read| read.says.key);
                    Known { etag, key: key.unwrap_or_else(|| given.clone()) }
                }
                Reach::NotAllowed(_) | Reach::NotTaken(_) => Known { etag: None, key: given.clone() },
            };
            found.push((number, place.record.clone()));
            self.found.insert(place.clone(), known);
        }
        Ok(Matching { found, gaps })
    }

    /// Looks at records by their ids, one answer for each.
    ///
    /// # Errors
    ///
    /// An API that does not answer.
    pub fn see(&self, records: &[RecordOf<Text>]) -> Result<Vec<Seen>, LiveError> {
        let reached = at_once(records, self.limits.at_once, |place| {
            self.api.record(self.graph.name(place.resource), &place.record)
        })?;
        let seen = |reach: Reach<LiveRecord>| match reach {
            Reach::Answered(record) => Seen::There(record.etag.as_deref().map(Text::from)),
            Reach::NotThere => Seen::Gone,
            Reach::NotAllowed(_) => Seen::Forbidden,
            Reach::NotTaken(_) => Seen::NotTold,
        };
        Ok(reached.into_iter().map(seen).collect())
    }

    /// What became of records while a plan was made: those that are gone or were written.
    ///
    /// # Errors
    ///
    /// An API that does not answer.
    pub fn changed(&self, records: &[RecordOf<Text>]) -> Result<Vec<Gap>, LiveError> {
        let mut gaps = Vec::new();
        for (place, seen) in records.iter().zip(self.see(records)?) {
            let before = self.found.get(place).and_then(|known| known.etag.as_ref());
            let became = match seen {
                Seen::Gone => "was deleted",
                Seen::There(now) if before.is_some() && now.as_ref() != before => "was written",
                _ => continue,
            };
            let message = format!("the record with id {} {became} while this was planned; plan again", place.record);
            gaps.push(self.gap(GapCode::ChangedWhilePlanning, place.resource, message));
        }
        Ok(gaps)
    }

    fn gap(&self, code: GapCode, resource: ResourceId, message: String) -> Gap {
        Gap { code, resource: self.graph.name(resource).clone(), message, said: None }
    }

    /// The parameters that select records with these values, as far as there are any. What stands in a
    /// collection can be asked for where the model declares it equal to something outside.
    fn parameters(&self, resource: ResourceId, values: &[HeldValue]) -> Parameters {
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
        let mut parameters: Parameters = values.iter().filter_map(parameter).collect();
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
        let mut gaps = Vec::new();
        let records =
            listing.records.iter().filter_map(|record| self.read_record(resource, record, &mut gaps)).collect();
        if !listing.steady {
            let message = "the list changed while it was read, three times; plan again when nobody writes";
            gaps.push(self.gap(GapCode::ChangedWhilePlanning, resource, message.to_owned()));
        }
        Answer { records, whole: listing.whole, total: listing.total, gaps }
    }

    /// Reads one record; where that is none, says so.
    fn read_record(&self, resource: ResourceId, record: &LiveRecord, gaps: &mut Vec<Gap>) -> Option<Read> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = readers.entry(resource).or_insert_with(|| RecordReader::new(self.graph, resource, self.hasher));
        match reader.read(record.body.get().as_bytes()) {
            Ok(says) => {
                Some(Read { id: record.id.as_str().into(), etag: record.etag.as_deref().map(Text::from), says })
            }
            Err(flaw) => {
                let message = format!("the record with id {} is {}", record.id, flaw.message());
                gaps.push(self.gap(GapCode::UnreadableRecord, resource, message));
                None
            }
        }
    }

    /// What to say where a resource gives no answer.
    fn closed(&self, resource: ResourceId, reach: &Reach<Answer>) -> Option<Gap> {
        let (code, message, said) = match reach {
            Reach::Answered(_) => return None,
            Reach::NotAllowed(said) => {
                let message = "403, these credentials may not read it";
                (GapCode::UnreadableResources, message, said.as_str())
            }
            Reach::NotThere => {
                (GapCode::NotServed, "404, the API does not serve it; compare the metadata with this API", "")
            }
            Reach::NotTaken(said) => {
                (GapCode::UnqueryableReferences, "400, the API does not take the question", said.as_str())
            }
        };
        let said = Some(said.trim_start_matches(": ")).filter(|said| !said.is_empty()).map(str::to_owned);
        Some(Gap { said, ..self.gap(code, resource, message.to_owned()) })
    }

    /// Keeps a record that was found; where it was found before in another version, says so.
    fn keep(&mut self, resource: ResourceId, read: &Read, gaps: &mut Vec<Gap>) -> Result<(), LiveError> {
        let known = Known { etag: read.etag.clone(), key: read.says.key.clone() };
        let place = RecordOf { resource, record: read.id.clone() };
        let before = self.found.insert(place, known);
        if before.is_some_and(|before| before.etag.is_some() && before.etag != read.etag) {
            let message = format!("the record with id {} was written while this was planned; plan again", read.id);
            gaps.push(self.gap(GapCode::ChangedWhilePlanning, resource, message));
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
        if keys.len() as u64 > self.limits.found {
            let way_out = "Give fewer keys, or raise --max";
            return Err(LiveError::TooManyKeys { keys: keys.len(), most: self.limits.found, way_out });
        }
        // Keys that the API cannot tell apart are one question.
        let mut questions: BTreeMap<Parameters, Vec<(usize, &KeyValues)>> = BTreeMap::new();
        for (number, key) in keys.iter().enumerate() {
            let parameters = self.parameters(resource, &values_of_key(self.graph, resource, key));
            questions.entry(parameters).or_default().push((number, key));
        }
        let questions: Vec<(Parameters, Vec<(usize, &KeyValues)>)> = questions.into_iter().collect();
        let (mut found, mut gaps) = (Vec::new(), Vec::new());
        for questions in questions.chunks(QUESTIONS) {
            let this = &*self;
            let answers = at_once(questions, this.limits.at_once, |(parameters, keys)| {
                this.with_keys(resource, parameters, keys)
            })?;
            for (hits, of_question) in answers {
                gaps.extend(of_question);
                for (read, numbers) in hits {
                    self.keep(resource, &read, &mut gaps)?;
                    found.extend(numbers.into_iter().map(|number| (number, read.id.clone())));
                }
            }
        }
        found.sort_by_key(|(number, _)| *number);
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
    /// Asks one question and keeps, of what comes, the records that have one of the keys, each with the
    /// numbers of those.
    fn with_keys(
        &self,
        resource: ResourceId,
        parameters: &[(Text, String)],
        keys: &[(usize, &KeyValues)],
    ) -> Result<(Vec<Hit>, Vec<Gap>), LiveError> {
        let reach = self.ask(resource, parameters, self.within())?;
        let Reach::Answered(answer) = reach else {
            return Ok((Vec::new(), self.closed(resource, &reach).into_iter().collect()));
        };
        let Answer { records, whole, total, mut gaps } = answer;
        let read = records.len();
        let hits: Vec<Hit> = {
            let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            let numbers = |read: &Read| -> Vec<usize> {
                let Some(reader) = readers.get(&resource) else { return Vec::new() };
                keys.iter().filter(|(_, key)| reader.has(&read.says, key)).map(|(number, _)| *number).collect()
            };
            let hit = |read: Read| Some(numbers(&read)).filter(|numbers| !numbers.is_empty()).map(|n| (read, n));
            records.into_iter().filter_map(hit).collect()
        };
        if !whole && hits.len() < read {
            let total = total.map(|total| format!(", of {total}")).unwrap_or_default();
            let message =
                format!("the API does not search by this key; {read} records{total} were read. Raise --scan-limit");
            gaps.push(self.gap(GapCode::UnqueryableReferences, resource, message));
        } else if !whole {
            let found = total.and_then(|total| usize::try_from(total).ok()).unwrap_or(hits.len());
            return Err(LiveError::TooMany { found, most: self.limits.found });
        }
        Ok((hits, gaps))
    }

    fn unknown(&self, record: &RecordOf<Text>) -> LiveError {
        LiveError::Unknown { resource: self.graph.name(record.resource).short().into(), id: record.record.clone() }
    }
}
