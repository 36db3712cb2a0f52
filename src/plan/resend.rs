//! What to send again after a correction, in an order in which it can be sent.

use std::collections::BTreeMap;

use serde::Serialize;

use super::load::{LoadOptions, load_plan};
use super::{Operation, RequiredCycle};
use crate::graph::{Authorization, DependencyGraph, Selection};
use crate::model::ResourceName;
use crate::records::Affected;

/// A record to send again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resend {
    /// When: resources of the same wave can be sent at the same time, the records of one in their order.
    pub wave: usize,
    /// Which.
    #[serde(flatten)]
    pub record: Affected,
}

/// Affected records by the waves of a load of their resources; of one resource, nearest to the change
/// first, which puts parents before the children that only they lead to.
///
/// O(records × log records) and the search of [`load_plan`].
///
/// # Errors
///
/// A circle of required references, which no order satisfies.
pub fn in_load_order(
    graph: &DependencyGraph,
    records: Vec<Affected>,
    authorization: Authorization,
) -> Result<Vec<Resend>, RequiredCycle> {
    let resources = records.iter().filter_map(|record| graph.id(&record.resource)).collect();
    let selection = Selection { resources, named_school_years: true, ..Selection::default() };
    let plan = load_plan(graph, &selection, &LoadOptions { authorization, ..LoadOptions::default() })?;
    let mut created: BTreeMap<&ResourceName, usize> = BTreeMap::new();
    for wave in &plan.waves {
        let creates = wave.steps.iter().filter(|step| step.operations.contains(&Operation::Create));
        created.extend(creates.map(|step| (&step.resource, wave.wave)));
    }
    let wave = |record: &Affected| created.get(&record.resource).copied().unwrap_or_default();
    let mut resend: Vec<Resend> = records.into_iter().map(|record| Resend { wave: wave(&record), record }).collect();
    resend.sort_by(|a, b| {
        let key = |resend: &Resend| (resend.wave, resend.record.resource.clone(), resend.record.distance);
        key(a).cmp(&key(b)).then_with(|| a.record.position.cmp(&b.record.position))
    });
    Ok(resend)
}
