//! Orders in the forms that other programs take.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use crate::model::ResourceName;
use crate::plan::Operation;
use crate::plan::delete::records::{DescribedPlan, DescribedRecord};
use crate::plan::delete::{DeletePlan, DeleteWave, KeyChange};
use crate::plan::load::{LoadPlan, Step, Wave};
use crate::records::Whereabouts;

/// A row of the API's dependencies document.
#[derive(Serialize)]
struct DependencyRow<'a> {
    resource: &'a str,
    order: usize,
    operations: Vec<&'static str>,
}

/// The form of the API's own dependencies endpoint.
#[must_use]
pub fn dependencies(plan: &LoadPlan) -> String {
    let word = |operation: &Operation| match operation {
        Operation::Create => "Create",
        Operation::Update => "Update",
    };
    let rows: Vec<DependencyRow<'_>> = steps(plan)
        .map(|(wave, step)| DependencyRow {
            resource: step.resource.as_str(),
            order: wave.wave,
            operations: step.operations.iter().map(word).collect(),
        })
        .collect();
    super::json::pretty(&rows)
}

/// `wave,resource,operations`, operations joined by a plus sign.
#[must_use]
pub fn csv(plan: &LoadPlan) -> String {
    let mut text = String::from("wave,resource,operations\n");
    for (wave, step) in steps(plan) {
        text.push_str(&format!("{},{},{}\n", wave.wave, step.resource, operations(step)));
    }
    text
}

/// `wave,resource,operation,clears`, the paths to clear joined by a plus sign.
#[must_use]
pub fn delete_csv(plan: &DeletePlan) -> String {
    format!("wave,resource,operation,clears\n{}", delete_rows("", &plan.waves))
}

/// `half,wave,resource,operation,clears`, the halves being `delete` and `load`.
#[must_use]
pub fn key_change_csv(plan: &KeyChange) -> String {
    let mut text = format!("half,wave,resource,operation,clears\n{}", delete_rows("delete,", &plan.deletes));
    for (wave, step) in plan.loads.iter().flat_map(|wave| wave.steps.iter().map(move |step| (wave.wave, step))) {
        text.push_str(&format!("load,{wave},{},{},\n", step.resource, operations(step)));
    }
    text
}

/// `wave,resource,operation,at,key,clears`: the file and line or the id of each record, its key as JSON
/// and the paths to clear joined by a plus sign. A record that is in no file is nowhere.
#[must_use]
pub fn record_csv(plan: &DescribedPlan) -> String {
    let mut csv = Vec::new();
    // What is written to memory does not fail.
    let written = write_record_csv(&mut csv, plan.records.iter());
    debug_assert!(written.is_ok());
    String::from_utf8(csv).unwrap_or_default()
}

/// As [`record_csv`], written out as it is made.
///
/// # Errors
///
/// A writer that fails.
pub fn write_record_csv<R: Borrow<DescribedRecord>>(
    out: impl io::Write,
    records: impl Iterator<Item = R>,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["wave", "resource", "operation", "at", "key", "clears"])?;
    for record in records {
        let record = record.borrow();
        let at = match &record.at {
            Whereabouts::File(position) => format!("{}:{}", position.file, position.line),
            Whereabouts::Server { id, .. } => id.to_string(),
            Whereabouts::Outside { .. } => String::new(),
        };
        let key = serde_json::to_string(&record.key).unwrap_or_default();
        let clears: BTreeSet<&str> = record.clears.iter().map(|clear| clear.path.as_str()).collect();
        let clears = clears.into_iter().collect::<Vec<_>>().join("+");
        let (wave, resource) = (record.wave.to_string(), record.resource.to_string());
        csv.write_record([&wave, &resource, record.operation.name(), &at, &key, &clears])?;
    }
    csv.flush()
}

fn delete_rows(half: &str, waves: &[DeleteWave]) -> String {
    let mut text = String::new();
    for (wave, step) in waves.iter().flat_map(|wave| wave.steps.iter().map(move |step| (wave.wave, step))) {
        let clears: BTreeSet<&str> = step.clears.iter().map(|clear| clear.path.as_str()).collect();
        let clears = clears.into_iter().collect::<Vec<_>>().join("+");
        text.push_str(&format!("{half}{wave},{},{},{clears}\n", step.resource, step.operation.name()));
    }
    text
}

/// `create+update`.
fn operations(step: &Step) -> String {
    step.operations.iter().map(|o| o.name()).collect::<Vec<_>>().join("+")
}

/// A comma list a wave, as the `--selector` of lightbeam takes it.
#[must_use]
pub fn lightbeam(plan: &LoadPlan) -> String {
    let head = "# One line a wave: lightbeam send --selector LINE. Within one call lightbeam applies the\n\
                # order of the server, so the waves have to be separate calls.\n";
    format!("{head}{}", comma_lists(plan, |name| name.endpoint()))
}

/// A comma list a wave, as the `--include` options of API Publisher take it.
#[must_use]
pub fn publisher(plan: &LoadPlan) -> String {
    let head = "# One line a wave: --includeOnly=LINE. Within one run API Publisher applies the order of\n\
                # the server, so the waves have to be separate runs.\n";
    format!("{head}{}", comma_lists(plan, ResourceName::as_str))
}

fn comma_lists(plan: &LoadPlan, name: impl Fn(&ResourceName) -> &str) -> String {
    let line = |wave: &Wave| {
        let names: Vec<&str> = wave.steps.iter().map(|step| name(&step.resource)).collect();
        format!("{}\n", names.join(","))
    };
    plan.waves.iter().map(line).collect()
}

fn steps(plan: &LoadPlan) -> impl Iterator<Item = (&Wave, &Step)> {
    plan.waves.iter().flat_map(|wave| wave.steps.iter().map(move |step| (wave, step)))
}
