//! Which of the records that a payload refers to the API has: each looked up once, all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::{LiveError, LiveStore};
use crate::api::at_once::at_once;
use crate::api::records::Reach;
use crate::graph::{Found, ResourceId};
use crate::records::{
    Gap, GapCode, KeyForm, KeyValues, Need, Standing, Unknown, form_of_values, values_of_key, wanted_keys,
};

/// The most records that are looked up at once: a payload refers to some dozen.
const MOST: u64 = 1000;

/// A record that may be there: its resource, and its key in the form that compares.
pub(super) type Candidate = (ResourceId, Vec<u8>);

impl LiveStore<'_, '_> {
    /// Looks up on the API what no file supplies, and says of each reference how it stands. What could not
    /// be told is among the gaps. What was looked up before is not looked up again.
    ///
    /// # Errors
    ///
    /// An API that does not answer, or more than a thousand records to look up.
    pub fn look_up(&mut self, needs: &mut [Need]) -> Result<Vec<Gap>, LiveError> {
        let open = |need: &Need| !matches!(need.standing, Standing::Supplied(_));
        let mut wanted: BTreeMap<Candidate, KeyValues> = BTreeMap::new();
        let mut candidates: Vec<Option<Vec<Candidate>>> = Vec::with_capacity(needs.len());
        for need in needs.iter() {
            let keys = open(need).then(|| self.candidates(need)).flatten();
            candidates.push(keys.map(|keys| {
                let with_form = |(id, key): (ResourceId, KeyValues)| {
                    let candidate = (id, form_of_values(&KeyForm::of(self.graph, id), &key)?);
                    if !self.there.contains_key(&candidate) {
                        wanted.insert(candidate.clone(), key);
                    }
                    Some(candidate)
                };
                keys.into_iter().filter_map(with_form).collect()
            }));
        }
        if wanted.len() as u64 > MOST {
            return Err(LiveError::TooManyKeys { keys: wanted.len(), most: MOST, way_out: "Give fewer payloads" });
        }
        let wanted: Vec<(Candidate, KeyValues)> = wanted.into_iter().collect();
        let this = &*self;
        let asked = at_once(&wanted, this.limits.at_once, |((id, _), key)| this.is_there(*id, key))?;
        let mut gaps = BTreeSet::new();
        for ((candidate, _), (answer, found)) in wanted.into_iter().zip(asked) {
            self.there.insert(candidate, answer);
            gaps.extend(found);
        }
        for (need, candidates) in needs.iter_mut().zip(candidates).filter(|(need, _)| open(need)) {
            let answers: Vec<Option<bool>> =
                candidates.iter().flatten().map(|candidate| self.there.get(candidate).copied().flatten()).collect();
            need.standing = if answers.contains(&Some(true)) {
                Standing::Present
            } else if answers.is_empty() || answers.contains(&None) {
                need.why = Some(if candidates.is_some() { Unknown::NotTold } else { Unknown::NoKey });
                Standing::Unknown
            } else {
                Standing::Missing
            };
        }
        Ok(gaps.into_iter().collect())
    }

    /// The records that would satisfy a reference; none where it holds no whole key of a known resource.
    fn candidates(&self, need: &Need) -> Option<Vec<(ResourceId, KeyValues)>> {
        let found = self.graph.target(&need.target)?;
        let others = need.alternatives.iter().filter_map(|name| self.graph.id(name)).map(Found::Resource);
        let mut candidates = Vec::new();
        for found in [found].into_iter().chain(others) {
            let keys = wanted_keys(self.graph, found, std::slice::from_ref(&need.key)).ok()?;
            candidates.extend(keys.into_iter().flat_map(|(id, keys)| keys.into_iter().map(move |key| (id, key))));
        }
        Some(candidates)
    }

    /// Whether the API shows a record with this key; `None` where it does not tell, and why.
    fn is_there(&self, resource: ResourceId, key: &KeyValues) -> Result<(Option<bool>, Vec<Gap>), LiveError> {
        let parameters = self.parameters(resource, &values_of_key(self.graph, resource, key));
        let reach = self.ask(resource, &parameters, self.within())?;
        let Reach::Answered(answer) = reach else {
            return Ok((None, self.closed(resource, &reach).into_iter().collect()));
        };
        let has = {
            let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            readers.get(&resource).is_some_and(|reader| answer.records.iter().any(|read| reader.has(&read.says, key)))
        };
        if has {
            return Ok((Some(true), Vec::new()));
        }
        let mut gaps = answer.gaps;
        if answer.whole {
            // What did not stand still, or could not be read, may have been it.
            return Ok((gaps.is_empty().then_some(false), gaps));
        }
        let message = "the API does not search by this key, and its list is longer than --scan-limit".to_owned();
        gaps.push(self.gap(GapCode::UnqueryableReferences, resource, message));
        Ok((None, gaps))
    }
}
