//! A plan of records as a document: every record with its key, its place and why it is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DeleteOperation, Hop, RecordClear, RecordPlan, RecordStep, RecordWave};
use crate::graph::DependencyGraph;
use crate::model::{ResourceName, Text};
use crate::records::{Descriptions, Gap, KeyValues, RecordOf, RecordStore, Whereabouts};

/// What stands in for a value that is left out.
pub(super) const REDACTED: &str = "***";

/// The body of `edfi-plan/delete-records/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedPlan {
    /// How many records of each resource.
    pub counts: Vec<ResourceCount>,
    /// Whether nothing that blocks can be missing: everything that may refer was searched, the store has
    /// records of all of it, and no row was hidden.
    pub complete: bool,
    /// What is done, in order of wave; clears first, then by resource.
    pub records: Vec<DescribedRecord>,
    /// Resources that could hold dependents and of which the store has no records at all.
    pub not_in_store: Vec<ResourceName>,
    /// What to know before the first request: of the plan, then what could not be searched.
    pub warnings: Vec<DescribedWarning>,
}

/// How many records of one resource a plan has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceCount {
    /// The resource.
    pub resource: ResourceName,
    /// Records that are deleted.
    pub delete: usize,
    /// Records that lose references; those of a circle that are deleted afterwards included.
    pub clear: usize,
}

/// One request of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedRecord {
    /// Its wave, from 1.
    pub wave: usize,
    /// Its resource.
    pub resource: ResourceName,
    /// Clear or delete.
    pub operation: DeleteOperation,
    /// Its natural key.
    pub key: KeyValues,
    /// Where it is.
    #[serde(flatten)]
    pub at: Whereabouts,
    /// The references that a clear removes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clears: Vec<DescribedClear>,
    /// The references that lead from it to a target; none for a target.
    pub reason: Vec<Hop>,
}

/// A reference that an update removes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DescribedClear {
    /// Its path.
    pub path: Text,
    /// What it points to.
    pub target: ResourceName,
    /// The natural key of that record.
    pub key: KeyValues,
    /// What goes with it, as paths of the record, see [`RecordPlan::goes_with`]; none where the reference goes
    /// alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goes: Vec<String>,
}

/// Something to know of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedWarning {
    /// A stable word.
    pub code: Text,
    /// The resource it is about.
    pub resource: ResourceName,
    /// In words.
    pub message: String,
    /// What a server said to it, which may quote the key of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

impl DescribedWarning {
    /// Withholds what may hold values of keys.
    pub fn redact(&mut self) {
        self.said = None;
    }
}

impl From<&Gap> for DescribedWarning {
    fn from(gap: &Gap) -> Self {
        Self {
            code: Text::new_static(gap.code.name()),
            resource: gap.resource.clone(),
            message: gap.message.clone(),
            said: gap.said.clone(),
        }
    }
}

/// Puts `***` in place of the values of a key.
pub(super) fn withhold(key: &mut KeyValues) {
    key.values_mut().for_each(|value| *value = REDACTED.into());
}

/// The natural key of a record, or what stands in for it.
fn key(stored: &dyn Descriptions, number: u32, redact: bool) -> KeyValues {
    let mut key = stored.key(number as usize);
    if redact {
        withhold(&mut key);
    }
    key
}

impl<R: Clone + Eq + std::hash::Hash> RecordPlan<R> {
    /// How many records of each resource, by name.
    #[must_use]
    pub fn counts(&self, graph: &DependencyGraph) -> Vec<ResourceCount> {
        let mut counts: BTreeMap<&ResourceName, (usize, usize)> = BTreeMap::new();
        for step in self.waves.iter().flat_map(|wave| &wave.steps) {
            let (deleted, cleared) = counts.entry(graph.name(step.resource)).or_default();
            match step.operation {
                DeleteOperation::Delete => *deleted += step.records.len(),
                DeleteOperation::Clear => *cleared += step.records.len(),
            }
        }
        let count = |(name, (delete, clear)): (&ResourceName, (usize, usize))| ResourceCount {
            resource: name.clone(),
            delete,
            clear,
        };
        counts.into_iter().map(count).collect()
    }

    /// The warnings of the plan, then what could not be searched.
    #[must_use]
    pub fn all_warnings(&self) -> Vec<DescribedWarning> {
        let of_plan = self.warnings.iter().map(|warning| DescribedWarning {
            code: Text::new_static(warning.code.name()),
            resource: warning.resource.clone(),
            message: warning.message.clone(),
            said: None,
        });
        of_plan.chain(self.gaps.iter().map(DescribedWarning::from)).collect()
    }

    /// Describes every record; where `redact` asks for it, with `***` for the values of keys and without the
    /// words of a server.
    ///
    /// # Errors
    ///
    /// A store that cannot describe its records.
    pub fn describe<S: RecordStore<Record = R>>(
        &self,
        graph: &DependencyGraph,
        store: &mut S,
        redact: bool,
    ) -> Result<DescribedPlan, S::Error> {
        let stored = self.descriptions(store)?;
        let records = self.described_records(graph, stored.as_ref(), redact).collect();
        let mut warnings = self.all_warnings();
        if redact {
            warnings.iter_mut().for_each(DescribedWarning::redact);
        }
        Ok(DescribedPlan {
            counts: self.counts(graph),
            complete: self.is_complete(),
            records,
            not_in_store: Vec::new(),
            warnings,
        })
    }

    /// What a store has to say of the records, by number.
    ///
    /// # Errors
    ///
    /// A store that cannot describe its records.
    pub fn descriptions<S: RecordStore<Record = R>>(&self, store: &mut S) -> Result<Box<dyn Descriptions>, S::Error> {
        let records: Vec<RecordOf<R>> = self.records.iter().map(|planned| planned.record.clone()).collect();
        store.descriptions(&records)
    }
}

impl<R> RecordPlan<R> {
    /// The requests of the plan, one after the other: by wave, clears first, by resource, by place. Of a large
    /// plan no more than one is held.
    pub fn described_records<'p>(
        &'p self,
        graph: &'p DependencyGraph,
        stored: &'p dyn Descriptions,
        redact: bool,
    ) -> impl Iterator<Item = DescribedRecord> + 'p {
        let in_order = move |step: &'p RecordStep| {
            let mut numbers = step.records.clone();
            numbers.sort_by_cached_key(|number| stored.at(*number as usize));
            numbers.into_iter().map(move |number| (step, number))
        };
        let steps = |wave: &'p RecordWave| {
            let mut steps: Vec<&RecordStep> = wave.steps.iter().collect();
            steps.sort_by_key(|step| (step.operation, graph.name(step.resource)));
            steps.into_iter().map(move |step| (wave.wave, step))
        };
        let records = self.waves.iter().flat_map(steps);
        let records = records.flat_map(move |(wave, step)| in_order(step).map(move |(step, n)| (wave, step, n)));
        records.filter_map(move |(wave, step, number)| {
            let clears = match step.operation {
                DeleteOperation::Clear => self.described_clears(graph, stored, number, redact),
                DeleteOperation::Delete => Vec::new(),
            };
            Some(DescribedRecord {
                wave,
                resource: graph.name(step.resource).clone(),
                operation: step.operation,
                key: key(stored, number, redact),
                at: stored.at(number as usize)?,
                clears,
                reason: self.reason(graph, number),
            })
        })
    }

    fn described_clears(
        &self,
        graph: &DependencyGraph,
        stored: &dyn Descriptions,
        number: u32,
        redact: bool,
    ) -> Vec<DescribedClear> {
        let cleared = |(clear, goes): (&RecordClear, Vec<String>)| {
            let record = self.records.get(clear.record as usize)?;
            let target = self.records.get(clear.target as usize)?;
            let references = &graph.resource(record.record.resource).references;
            let path = &references.get(clear.position as usize)?.path;
            // A reference that stands in nothing, and goes alone, is told by its path.
            let alone = goes.iter().all(|goes| goes == path.as_str());
            Some(DescribedClear {
                path: path.clone(),
                target: graph.name(target.record.resource).clone(),
                key: key(stored, clear.target, redact),
                goes: if alone { Vec::new() } else { goes },
            })
        };
        self.clears_of(number).iter().zip(self.goes_with(graph, number)).filter_map(cleared).collect()
    }

    /// The references that a clear of a record removes.
    #[must_use]
    pub fn clears_of(&self, number: u32) -> &[RecordClear] {
        let first = self.clears.partition_point(|clear| clear.record < number);
        let rest = self.clears.get(first..).unwrap_or_default();
        let count = rest.iter().take_while(|clear| clear.record == number).count();
        rest.get(..count).unwrap_or_default()
    }
}
