//! Which records refer to others: by the parameters of a GET, or by reading a whole list.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, LiveError, LiveStore, Read};
use crate::api::at_once::at_once;
use crate::api::records::{Reach, Within};
use crate::graph::{Aim, ResourceId};
use crate::model::Text;
use crate::records::{
    Ask, Gap, GapCode, ItemOf, Key, RecordOf, RecordReader, RecordReference, Referring, values_of_reference,
};

/// Questions about one resource above which it pays to know how long its list is.
const FEW: usize = 3;

/// What there is to ask about one resource.
#[derive(Debug, Default)]
struct Search {
    /// Each set of parameters once.
    questions: BTreeSet<Vec<(Text, String)>>,
    /// Positions of references that no parameter covers.
    uncovered: BTreeSet<u32>,
}

/// One target as a reference to it looks.
struct Aimed {
    number: usize,
    resource: ResourceId,
    key: Key,
}

/// A reference of a record to a target: its position, the number of the target, the items it stands in.
type InRecord = (u32, usize, Vec<ItemOf>);

impl LiveStore<'_, '_> {
    pub(super) fn find_referring(
        &mut self,
        asks: &[Ask],
        targets: &[RecordOf<Text>],
    ) -> Result<Referring<Text>, LiveError> {
        let mut referring = Referring { references: Vec::new(), gaps: Vec::new() };
        let aimed = self.aimed(targets, &mut referring.gaps)?;
        let mut searches: BTreeMap<usize, Search> = BTreeMap::new();
        for (place, ask) in asks.iter().enumerate() {
            if !self.lists.contains_key(&ask.resource) {
                let search = self.search(ask, targets, &mut referring.gaps)?;
                searches.insert(place, search);
            }
        }
        let resource = |place: usize| asks.get(place).map(|ask| ask.resource).unwrap_or_default();
        self.read_lists(&mut searches, resource, &mut referring.gaps)?;
        let mut answers: BTreeMap<usize, Vec<Read>> = BTreeMap::new();
        let questions: Vec<(usize, Vec<(Text, String)>)> = searches
            .into_iter()
            .flat_map(|(place, search)| search.questions.into_iter().map(move |question| (place, question)))
            .collect();
        let this = &*self;
        let reached = at_once(&questions, this.limits.at_once, |(place, question)| {
            this.ask(resource(*place), question, this.within())
        })?;
        for ((place, _), reach) in questions.iter().zip(reached) {
            referring.gaps.extend(self.unsearched(resource(*place), &reach));
            let Reach::Answered(answer) = reach else { continue };
            if let (false, Some(ask)) = (answer.whole, asks.get(*place)) {
                referring.gaps.push(self.cut_off(ask, &aimed, &answer)?);
            }
            referring.gaps.extend(answer.gaps);
            answers.entry(*place).or_default().extend(answer.records);
        }
        for (place, ask) in asks.iter().enumerate() {
            let hits = {
                let listed = self.lists.get(&ask.resource).map(Vec::as_slice).unwrap_or_default();
                let answered = answers.get(&place).map(Vec::as_slice).unwrap_or_default();
                self.hits(ask, &aimed, listed.iter().chain(answered))
            };
            for (read, places) in hits {
                self.keep(ask.resource, &read, &mut referring.gaps)?;
                let from = RecordOf { resource: ask.resource, record: read.id };
                let reference =
                    |(position, target, items)| RecordReference { from: from.clone(), position, target, items };
                referring.references.extend(places.into_iter().map(reference));
            }
        }
        referring.gaps.sort();
        referring.gaps.dedup();
        Ok(referring)
    }

    /// What references to the targets hold.
    fn aimed(&self, targets: &[RecordOf<Text>], gaps: &mut Vec<Gap>) -> Result<Vec<Aimed>, LiveError> {
        let mut readers: BTreeMap<ResourceId, RecordReader> = BTreeMap::new();
        let mut aimed = Vec::new();
        for (number, target) in targets.iter().enumerate() {
            let known = self.found.get(target).ok_or_else(|| self.unknown(target))?;
            let resource = target.resource;
            let reader =
                readers.entry(resource).or_insert_with(|| RecordReader::new(self.graph, resource, self.hasher));
            match reader.identity(&known.key) {
                Some(key) => aimed.push(Aimed { number, resource, key }),
                None => {
                    let message = format!("the record with id {} lacks part of its key", target.record);
                    gaps.push(self.gap(GapCode::UnreadableRecord, resource, message));
                }
            }
        }
        Ok(aimed)
    }

    /// What there is to ask about one resource: for each reference and each target it can lead to.
    fn search(&self, ask: &Ask, targets: &[RecordOf<Text>], gaps: &mut Vec<Gap>) -> Result<Search, LiveError> {
        let mut search = Search::default();
        for (position, (reference, aim)) in (0..).zip(self.graph.aims(ask.resource)) {
            if !ask.references.contains(&position) {
                continue;
            }
            for target in targets.iter().filter(|target| self.leads(aim, target.resource)) {
                let known = self.found.get(target).ok_or_else(|| self.unknown(target))?;
                let values = values_of_reference(self.graph, ask.resource, reference, target.resource, &known.key);
                let Some(values) = values else {
                    let message = format!("no document tells what {} holds", reference.path);
                    gaps.push(self.gap(GapCode::UnqueryableReferences, ask.resource, message));
                    continue;
                };
                let parameters = self.parameters(ask.resource, &values);
                if parameters.is_empty() {
                    search.uncovered.insert(position);
                } else {
                    search.questions.insert(parameters);
                }
            }
        }
        Ok(search)
    }

    fn leads(&self, aim: Aim, target: ResourceId) -> bool {
        match aim {
            Aim::Resource(id) => id == target,
            Aim::Abstract(place) => self.graph.subclasses_at(place).contains(&target),
            Aim::Unresolved => false,
        }
    }

    /// Reads whole lists: those that no question covers, and those that are shorter than their questions.
    /// What was read needs no more questions.
    fn read_lists(
        &mut self,
        searches: &mut BTreeMap<usize, Search>,
        resource: impl Fn(usize) -> ResourceId + Sync,
        gaps: &mut Vec<Gap>,
    ) -> Result<(), LiveError> {
        let wanting: Vec<usize> = searches
            .iter()
            .filter(|(_, search)| !search.uncovered.is_empty() || search.questions.len() > FEW)
            .map(|(place, _)| *place)
            .collect();
        let this = &*self;
        let beginnings =
            at_once(&wanting, this.limits.at_once, |place| this.ask(resource(*place), &[], Within::OnePage))?;
        let mut whole: Vec<(usize, Answer)> = Vec::new();
        let mut long = Vec::new();
        for (&place, reach) in wanting.iter().zip(beginnings) {
            let Some(search) = searches.get_mut(&place) else { continue };
            if let Some(gap) = self.unsearched(resource(place), &reach) {
                // A list that may not be read may not be searched either.
                gaps.push(gap);
                search.questions.clear();
                continue;
            }
            let Reach::Answered(answer) = reach else { continue };
            // Of an API that does not tell, a list of unknown length may be read until it is too long.
            let total = answer.total.unwrap_or(self.limits.scan);
            // A list of so many pages costs as much as so many questions.
            let pages = total.div_ceil(self.api.page_length());
            let pays = !search.uncovered.is_empty() || pages <= search.questions.len() as u64;
            if answer.whole {
                whole.push((place, answer));
            } else if total <= self.limits.scan && pays {
                long.push(place);
            } else {
                self.uncovered(resource(place), search, answer.total, gaps);
            }
        }
        let this = &*self;
        let within = Within::Records(this.limits.scan);
        let read = at_once(&long, this.limits.at_once, |place| this.ask(resource(*place), &[], within))?;
        for (place, reach) in long.into_iter().zip(read) {
            gaps.extend(self.unsearched(resource(place), &reach));
            let Reach::Answered(answer) = reach else { continue };
            let Some(search) = searches.get_mut(&place) else { continue };
            if answer.whole {
                whole.push((place, answer));
            } else {
                self.uncovered(resource(place), search, answer.total, gaps);
            }
        }
        for (place, answer) in whole {
            if let Some(search) = searches.get_mut(&place) {
                search.questions.clear();
            }
            gaps.extend(answer.gaps);
            self.lists.insert(resource(place), answer.records);
        }
        Ok(())
    }

    /// What to say where a resource whose records may refer gives no answer.
    fn unsearched(&self, resource: ResourceId, reach: &Reach<Answer>) -> Option<Gap> {
        let mut gap = self.closed(resource, reach)?;
        if gap.code.leaves_open() {
            gap.message.push_str("; its records that refer to what goes are not in the plan, and block");
        }
        Some(gap)
    }

    /// Names the references that were not searched.
    fn uncovered(&self, resource: ResourceId, search: &Search, total: Option<u64>, gaps: &mut Vec<Gap>) {
        let size = total.map_or_else(|| "too many".to_owned(), |total| total.to_string());
        for position in &search.uncovered {
            let reference = self.graph.resource(resource).references.get(*position as usize);
            let path = reference.map_or("$", |reference| reference.path.as_str());
            let message = format!("{path} cannot be asked for, and its {size} records are more than --scan-limit");
            gaps.push(self.gap(GapCode::UnqueryableReferences, resource, message));
        }
    }

    /// What to say where an answer goes on beyond what is read of it.
    ///
    /// # Errors
    ///
    /// An answer that is to the point: then there are too many records.
    fn cut_off(&self, ask: &Ask, aimed: &[Aimed], answer: &Answer) -> Result<Gap, LiveError> {
        if self.hits(ask, aimed, answer.records.iter()).len() == answer.records.len() {
            let total = answer.total.and_then(|total| usize::try_from(total).ok()).unwrap_or(answer.records.len());
            return Err(LiveError::TooMany { found: total, most: self.limits.found });
        }
        let size = answer.total.map_or_else(|| "too many".to_owned(), |total| total.to_string());
        let message = format!("asked for references, it answers with {size} records, which are more than --scan-limit");
        Ok(self.gap(GapCode::UnqueryableReferences, ask.resource, message))
    }

    /// The records that refer to a target by one of the asked references, with the places where they do.
    fn hits<'r>(
        &self,
        ask: &Ask,
        aimed: &[Aimed],
        records: impl Iterator<Item = &'r Read>,
    ) -> Vec<(Read, BTreeSet<InRecord>)> {
        let aims: Vec<Aim> = self.graph.aims(ask.resource).map(|(_, aim)| aim).collect();
        let mut by_key: BTreeMap<Key, Vec<&Aimed>> = BTreeMap::new();
        for target in aimed {
            by_key.entry(target.key).or_default().push(target);
        }
        let mut hits: BTreeMap<Text, (Read, BTreeSet<InRecord>)> = BTreeMap::new();
        for read in records {
            for ((position, key), items) in &read.says.references {
                let Some(aim) = aims.get(*position as usize).filter(|_| ask.references.contains(position)) else {
                    continue;
                };
                let targets = by_key.get(key).into_iter().flatten();
                for target in targets.filter(|target| self.leads(*aim, target.resource)) {
                    let hit = hits.entry(read.id.clone()).or_insert_with(|| (read.clone(), BTreeSet::new()));
                    hit.1.insert((*position, target.number, items.clone()));
                }
            }
        }
        hits.into_values().collect()
    }
}
