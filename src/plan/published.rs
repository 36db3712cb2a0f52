//! The order that a published document states, without a graph: waves and nothing else.

use std::collections::BTreeSet;

use super::Operation;
use super::load::{LoadPlan, Step, Wave};
use super::server::Row;
use crate::graph::{Constraint, Precedence};
use crate::model::{Kind, OrderRow, Published, PublishedForm, ResourceName, Text};

/// A published document that states no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoOrder {
    /// A name that is no path.
    #[error("'{0}' is not a resource path such as /ed-fi/students, so the document is no API's order")]
    Name(Text),
    /// A graph with a cycle.
    #[error("the published graph runs in a circle through {0}, so it states no order")]
    Cycle(Text),
    /// A list.
    #[error("a list says which resources, not in which waves; compare it with metadata: edfi-plan audit FILE")]
    List,
}

/// The rows of a published order; of a published graph, each step as early as its edges let it be.
/// Sorted by wave, then as published. O(rows + edges).
///
/// # Errors
///
/// A list, a graph that runs in a circle, names that are no paths.
pub fn rows(published: &Published) -> Result<Vec<Row>, NoOrder> {
    let row = |resource: &Text, order, create, update| {
        let name: ResourceName = resource.parse().map_err(|_| NoOrder::Name(resource.clone()))?;
        let operations: &[Operation] = match (create, update) {
            (true, true) => &[Operation::Create, Operation::Update],
            (true, false) => &[Operation::Create],
            (false, true) => &[Operation::Update],
            (false, false) => &[],
        };
        Ok(Row { resource: name, order, operations })
    };
    let mut rows: Vec<Row> = match published.form {
        PublishedForm::List => return Err(NoOrder::List),
        PublishedForm::Order => {
            let of = |r: &OrderRow| row(&r.resource, r.order, r.create, r.update);
            published.rows.iter().map(of).collect::<Result<_, _>>()?
        }
        PublishedForm::Graph => {
            let constraints =
                published.edges.iter().map(|e| Constraint { before: e.from, after: e.to, removable: false });
            let precedence = Precedence { steps: published.nodes.len(), constraints: constraints.collect() };
            if let Some(node) = precedence.components().first().and_then(|c| published.nodes.get(*c.first()?)) {
                return Err(NoOrder::Cycle(node.resource.clone()));
            }
            // A person with a second vertex is created at the first and updated at the second.
            let again: BTreeSet<&Text> = published.nodes.iter().filter(|n| n.retry).map(|n| &n.resource).collect();
            let layers = precedence.layers(&[], |_| true).layer;
            let steps = published.nodes.iter().zip(layers);
            let of = |(node, layer): (&crate::model::PublishedNode, usize)| {
                let update = node.retry || !again.contains(&node.resource);
                row(&node.resource, layer + 1, !node.retry, update)
            };
            steps.map(of).collect::<Result<_, _>>()?
        }
    };
    rows.sort_by_key(|row| row.order);
    Ok(rows)
}

/// The published order as a plan. It knows no reference: nothing is deferred, needed or ambiguous as
/// far as it can tell.
///
/// # Errors
///
/// As [`rows`].
pub fn as_plan(published: &Published) -> Result<LoadPlan, NoOrder> {
    let mut plan = LoadPlan { exact: true, ..LoadPlan::default() };
    for row in rows(published)? {
        // All that tells a descriptor here is its name.
        let kind = if row.resource.endpoint().ends_with("Descriptors") { Kind::Descriptor } else { Kind::Resource };
        let step = Step { resource: row.resource, operations: row.operations, kind };
        match plan.waves.last_mut().filter(|wave| wave.wave == row.order) {
            Some(wave) => wave.steps.push(step),
            None => plan.waves.push(Wave { wave: row.order, steps: vec![step] }),
        }
    }
    Ok(plan)
}
