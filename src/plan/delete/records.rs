//! Deletes of single records: what really refers to them, directly or through others, and in which
//! order it goes.
//!
//! Resources are visited prerequisites first, so that a store is asked once for each: when its records
//! are searched, everything they could refer to is known. Only resources that refer to each other in a
//! circle, or to themselves, are asked again. Reasons: docs/design.md, "Deleting records".

mod circle;
mod clear;
mod describe;
mod emptied;
mod goes;
mod hidden;
mod order;
mod reason;
mod saved;
mod visit;

use std::collections::{BTreeMap, HashMap};

use super::{DeleteOperation, Optional, Warning};
use crate::graph::{Authorization, DependencyGraph, ResourceId};
use crate::plan::RequiredCycle;
use crate::records::{Gap, ItemOf, RecordOf, RecordStore};

pub use clear::{ClearError, cleared};
pub use describe::{DescribedClear, DescribedPlan, DescribedRecord, DescribedWarning, ResourceCount};
pub(super) use goes::at_least;
pub use hidden::is_seen_by_relationship;
pub use reason::Hop;
pub use saved::{Became, MadeWith, PlanChange, PlanChanges, SCHEMA, SavedPlan, SavedPlanError};

/// How to plan.
#[derive(Debug, Clone, Default)]
pub struct RecordDeleteOptions {
    /// What becomes of records that lose optional references alone.
    pub optional: Optional,
    /// Edges that authorization adds: what needs a person goes before the person's pathway.
    pub authorization: Authorization,
    /// Most records a plan may have; none for any number.
    pub max: Option<usize>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum RecordDeleteError<E: std::error::Error + 'static> {
    /// The store could not answer.
    #[error(transparent)]
    Store(E),
    /// More records than were allowed.
    #[error("the plan has more than {max} records; --max raises the limit")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// Records that require each other in a circle.
    #[error(transparent)]
    Circle(#[from] RequiredCycle),
}

/// A delete of records and of everything that refers to them. Records have numbers: their places in
/// [`RecordPlan::records`].
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPlan<R> {
    /// Every record that is deleted or cleared: the targets, then the others as they were met.
    pub records: Vec<PlannedRecord<R>>,
    /// How many of them are targets.
    pub targets: usize,
    /// What is done, in order.
    pub waves: Vec<RecordWave>,
    /// References that clears remove, by record, then position.
    pub clears: Vec<RecordClear>,
    /// Of those in collections the items they stand in, as far as the store tells.
    pub items: BTreeMap<RecordClear, Vec<Vec<ItemOf>>>,
    /// Resources that could hold dependents and were searched, sorted.
    pub searched: Vec<ResourceId>,
    /// What could not be searched: the plan may be incomplete.
    pub gaps: Vec<Gap>,
    /// What a person must know before the first request.
    pub warnings: Vec<Warning>,
    /// Whether fewer clears cannot break the circles among the records.
    pub exact: bool,
}

/// A record of a plan and why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRecord<R> {
    /// The record.
    pub record: RecordOf<R>,
    /// Whether it is deleted; else it loses references.
    pub deleted: bool,
    /// The reference that leads it towards a target by the shortest way; none for a target.
    pub because: Option<Because>,
}

/// The reference that brought a record into a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Because {
    /// Its position among the references of the record's resource.
    pub position: u32,
    /// The number of the record it points to.
    pub record: u32,
    /// How many records in turn point on by the same path, this one included.
    pub times: u32,
    /// The number of the record that the last of them points to.
    pub then: u32,
}

/// A reference that an update removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordClear {
    /// The number of the record that refers.
    pub record: u32,
    /// The position of the reference among those of its resource.
    pub position: u32,
    /// The number of the record it points to.
    pub target: u32,
}

/// Requests that can be sent at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordWave {
    /// Its number, from 1.
    pub wave: usize,
    /// Its steps: clears first, then by name.
    pub steps: Vec<RecordStep>,
}

/// One operation on records of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordStep {
    /// The resource.
    pub resource: ResourceId,
    /// Clear or delete.
    pub operation: DeleteOperation,
    /// The numbers of the records, sorted.
    pub records: Vec<u32>,
}

impl<R> RecordPlan<R> {
    /// Whether everything was searched that could have records.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.gaps.iter().any(|gap| gap.code.leaves_open())
    }

    /// The plan with more that could not be searched, such as when its targets were looked up.
    #[must_use]
    pub fn with_gaps(mut self, gaps: Vec<Gap>) -> Self {
        self.gaps.extend(gaps);
        self.gaps.sort();
        self.gaps.dedup();
        self
    }
}

/// A reference between two records of a plan, by number: from, position, to.
type Reference = (u32, u32, u32);

/// The records of a plan while they are gathered.
struct Gathered<R> {
    records: Vec<RecordOf<R>>,
    numbers: HashMap<RecordOf<R>, u32>,
    deleted: Vec<bool>,
    references: Vec<Reference>,
    /// Of references in collections the items they stand in.
    items: HashMap<Reference, Vec<Vec<ItemOf>>>,
    gaps: Vec<Gap>,
}

/// Plans the delete of records and of everything in the store that refers to them. A record that only
/// loses references it can do without is cleared, or deleted with `Optional::Delete`; the dependents of
/// a cleared record stay as they are. An item of a required collection can go while others of it stay. A
/// target that the store does not hold is planned where something refers to it.
///
/// The store is asked once for each resource that can refer to what was reached, and once a step of
/// distance where records of a resource refer to each other. O(records + references between them)
/// beside the store, and the search for clears of circles, see
/// [`Precedence::break_cycles`](crate::graph::Precedence::break_cycles).
///
/// # Errors
///
/// A store that fails, more records than allowed, or records that require each other in a circle.
pub fn record_delete_plan<S: RecordStore>(
    graph: &DependencyGraph,
    store: &mut S,
    targets: Vec<RecordOf<S::Record>>,
    options: &RecordDeleteOptions,
) -> Result<RecordPlan<S::Record>, RecordDeleteError<S::Error>> {
    let visit::Visited { mut gathered, searched, targets } = visit::gather(graph, store, targets, options)?;
    gathered.references.sort_unstable();
    gathered.references.dedup();
    let ordered = order::order(graph, &gathered, &options.authorization)?;
    let because = reason::shortest(&gathered, targets);
    let mut gaps = gathered.gaps;
    gaps.sort();
    gaps.dedup();
    let mut items = gathered.items;
    let of_clear = |clear: &RecordClear| {
        let items = items.remove(&(clear.record, clear.position, clear.target))?;
        Some((*clear, items))
    };
    let items = ordered.clears.iter().filter_map(of_clear).collect();
    let records = gathered.records.into_iter().zip(gathered.deleted).zip(because);
    Ok(RecordPlan {
        records: records.map(|((record, deleted), because)| PlannedRecord { record, deleted, because }).collect(),
        targets,
        waves: ordered.waves,
        clears: ordered.clears,
        items,
        searched,
        gaps,
        warnings: ordered.warnings,
        exact: ordered.exact,
    })
}
