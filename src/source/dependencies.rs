//! The order of an API as JSON: its dependencies endpoint, or a plan of this program.

use serde::Deserialize;

use crate::model::{OrderRow, Published, PublishedForm, Text};

use super::published::{ADVICE, bounded};
use super::{Document, SourceError};

/// One row. Before late 2021 people had one row only, and still older servers told no operations.
#[derive(Deserialize)]
struct Row {
    resource: Text,
    order: usize,
    #[serde(default)]
    operations: Option<Vec<Text>>,
}

/// A plan of this program: `edfi-plan order --format json`.
#[derive(Deserialize)]
struct Plan {
    #[serde(default)]
    schema: Text,
    waves: Option<Vec<Wave>>,
}

#[derive(Deserialize)]
struct Wave {
    wave: usize,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    resource: Text,
    #[serde(default)]
    operations: Option<Vec<Text>>,
}

pub(super) fn read_rows(document: &Document, text: &str) -> Result<Published, SourceError> {
    let rows: Vec<Row> = serde_json::from_str(text).map_err(|error| SourceError::json(&document.name, &error))?;
    if rows.is_empty() {
        return Err(SourceError::content(&document.name, "$", "an order without resources", ADVICE));
    }
    bounded(document, rows.len())?;
    Ok(order(rows.into_iter().map(|r| row(r.resource, r.order, r.operations.as_deref())).collect()))
}

pub(super) fn read_plan(document: &Document, text: &str) -> Result<Published, SourceError> {
    let plan: Plan = serde_json::from_str(text).map_err(|error| SourceError::json(&document.name, &error))?;
    let Some(waves) = plan.waves.filter(|_| plan.schema.starts_with("edfi-plan/load-plan/1")) else {
        let advice = format!("{ADVICE}. Metadata goes with -m");
        return Err(SourceError::content(&document.name, "$", "no published order", advice));
    };
    let steps = waves.into_iter().flat_map(|wave| wave.steps.into_iter().map(move |step| (wave.wave, step)));
    let rows: Vec<OrderRow> = steps.map(|(wave, step)| row(step.resource, wave, step.operations.as_deref())).collect();
    bounded(document, rows.len())?;
    Ok(order(rows))
}

fn order(rows: Vec<OrderRow>) -> Published {
    Published { form: PublishedForm::Order, rows, nodes: Vec::new(), edges: Vec::new() }
}

fn row(resource: Text, order: usize, operations: Option<&[Text]>) -> OrderRow {
    let has = |operation: &str| operations.is_none_or(|all| all.iter().any(|o| o.eq_ignore_ascii_case(operation)));
    OrderRow { resource, order, create: has("create"), update: has("update") }
}
