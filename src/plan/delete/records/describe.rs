//! A plan of records as a document: every record with its key, its place and why it is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DeleteOperation, Hop, RecordClear, RecordPlan};
use crate::graph::DependencyGraph;
use crate::model::{ResourceName, Text};
use crate::records::{Gap, KeyValues, RecordOf, RecordStore, StoredRecord, Whereabouts};

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
    /// Its path; inside a collection the item goes.
    pub path: Text,
    /// What it points to.
    pub target: ResourceName,
    /// The natural key of that record.
    pub key: KeyValues,
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
        let records: Vec<RecordOf<R>> = self.records.iter().map(|planned| planned.record.clone()).collect();
        let stored = store.describe(&records)?;
        let key = |number: u32| {
            let mut key = stored.get(number as usize).map(|record| record.key.clone()).unwrap_or_default();
            if redact {
                withhold(&mut key);
            }
            key
        };
        let cleared = |clear: &RecordClear| {
            let record = self.records.get(clear.record as usize)?;
            let target = self.records.get(clear.target as usize)?;
            let references = &graph.resource(record.record.resource).references;
            Some(DescribedClear {
                path: references.get(clear.position as usize)?.path.clone(),
                target: graph.name(target.record.resource).clone(),
                key: key(clear.target),
            })
        };
        let mut described = Vec::new();
        for wave in &self.waves {
            for step in &wave.steps {
                for &number in &step.records {
                    let Some(StoredRecord { at, .. }) = stored.get(number as usize) else { continue };
                    let clears = match step.operation {
                        DeleteOperation::Clear => self.clears_of(number).iter().filter_map(cleared).collect(),
                        DeleteOperation::Delete => Vec::new(),
                    };
                    described.push(DescribedRecord {
                        wave: wave.wave,
                        resource: graph.name(step.resource).clone(),
                        operation: step.operation,
                        key: key(number),
                        at: at.clone(),
                        clears,
                        reason: self.reason(graph, number),
                    });
                }
            }
        }
        described
            .sort_by(|a, b| (a.wave, a.operation, &a.resource, &a.at).cmp(&(b.wave, b.operation, &b.resource, &b.at)));
        let mut warnings = self.all_warnings();
        if redact {
            warnings.iter_mut().for_each(DescribedWarning::redact);
        }
        Ok(DescribedPlan {
            counts: self.counts(graph),
            complete: self.is_complete(),
            records: described,
            not_in_store: Vec::new(),
            warnings,
        })
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
