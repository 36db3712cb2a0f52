//! A plan of records as it is kept, and what became of it, as text.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{grouped, grouped_count, key};
use super::delete_records::{Cell, Gone, careful, laid_out, nothing, of_all, warned, with_it};
use super::{Width, sentence};
use crate::plan::delete::DeleteOperation;
use crate::plan::delete::records::{Became, DescribedPlan, DescribedRecord, DescribedWarning, PlanChanges, SavedPlan};
use crate::records::{Gap, Whereabouts};

/// Waves with the number of records of each resource, then what has to be known about them.
#[must_use]
pub fn saved_plan(saved: &SavedPlan, width: Width) -> String {
    let plan = &saved.plan;
    if plan.records.is_empty() {
        return nothing(plan.warnings.clone(), None, width);
    }
    let mut says = cleared(plan);
    says.extend(unversioned(plan));
    says.extend(warned(&plan.warnings));
    laid_out(waves(plan), width) + &sentence("", &total(plan), 2, width) + &careful(&says, width)
}

/// The steps of each wave with their number of records; waves of one and the same step together.
fn waves(plan: &DescribedPlan) -> Vec<(String, Vec<Cell>)> {
    let step = |record: &DescribedRecord| (record.operation, record.resource.clone());
    let mut waves: Vec<(usize, usize, BTreeMap<_, usize>)> = Vec::new();
    for records in plan.records.chunk_by(|a, b| a.wave == b.wave) {
        let mut steps = BTreeMap::new();
        for record in records {
            *steps.entry(step(record)).or_default() += 1;
        }
        let wave = records.first().map_or(0, |record| record.wave);
        match waves.last_mut() {
            // Records that refer to each other take a wave each; told together they are one line.
            Some((_, last, before)) if steps.len() == 1 && before.keys().eq(steps.keys()) => {
                *last = wave;
                for (step, count) in steps {
                    *before.entry(step).or_default() += count;
                }
            }
            _ => waves.push((wave, wave, steps)),
        }
    }
    let cell = |((operation, resource), count): (&(DeleteOperation, crate::model::ResourceName), &usize)| {
        let clear = if *operation == DeleteOperation::Clear { " (clear)" } else { "" };
        (format!("{}{clear}", resource.short()), grouped(*count as u64))
    };
    let row = |(first, last, steps): &(usize, usize, BTreeMap<_, usize>)| {
        let label = if first == last { first.to_string() } else { format!("{first}–{last}") };
        (label, steps.iter().map(cell).collect())
    };
    waves.iter().map(row).collect()
}

fn total(plan: &DescribedPlan) -> String {
    // Of the records and not of the counts beside them: a file that is read back may say anything.
    let cleared = plan.records.iter().filter(|record| record.operation == DeleteOperation::Clear).count();
    let deleted = plan.records.len() - cleared;
    let cleared = if cleared == 0 { String::new() } else { format!(", {} to clear", grouped(cleared as u64)) };
    let waves = plan.records.last().map_or(0, |record| record.wave);
    format!(
        "{} to delete{cleared}, in {}. Nothing is deleted by this command.",
        grouped_count(deleted as u64, "record", "records"),
        grouped_count(waves as u64, "wave", "waves"),
    )
}

/// What loses which references.
fn cleared(plan: &DescribedPlan) -> Vec<String> {
    let mut by_path: BTreeMap<(&str, &str, &str), (u64, Gone)> = BTreeMap::new();
    for record in plan.records.iter().filter(|record| record.operation == DeleteOperation::Clear) {
        let mut of_paths: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        for clear in &record.clears {
            let goes = of_paths.entry((clear.path.as_str(), clear.target.short())).or_default();
            goes.extend(clear.goes.iter().map(|path| of_all(path)));
        }
        for ((path, target), goes) in of_paths {
            let (records, gone) = by_path.entry((record.resource.short(), path, target)).or_default();
            *records += 1;
            goes.into_iter().for_each(|path| *gone.entry(path).or_default() += 1);
        }
    }
    let say = |((resource, path, target), (records, gone)): ((&str, &str, &str), (u64, Gone))| {
        let records = grouped_count(records, "record is", "records are");
        let with_it = with_it(path, &gone);
        format!("{resource} refer to {target} by {path}: {records} cleared by an update first{with_it}")
    };
    by_path.into_iter().map(say).collect()
}

/// Records that the API keeps no versions of.
fn unversioned(plan: &DescribedPlan) -> Option<String> {
    let is_unversioned = |record: &&DescribedRecord| matches!(record.at, Whereabouts::Server { etag: None, .. });
    let count = plan.records.iter().filter(is_unversioned).count();
    let records = grouped_count(count as u64, "request has", "requests have");
    (count > 0)
        .then(|| format!("{records} no ETag: a script cannot tell whether somebody writes to the record meanwhile"))
}

/// What became of a plan since it was made; `gaps` is what could not be searched to find that out.
#[must_use]
pub fn plan_changes(saved: &SavedPlan, changes: &PlanChanges, gaps: &[Gap], fingerprint: &str, width: Width) -> String {
    let records = grouped_count(saved.plan.records.len() as u64, "request", "requests");
    let open = gaps.iter().any(|gap| gap.code.leaves_open());
    let mut text = if !changes.changes.is_empty() {
        let count = grouped_count(changes.changes.len() as u64, "change", "changes");
        format!("{count} since the plan of {records} was made; plan again.\n\n")
    } else if open {
        let say = format!("Not everything could be searched; what could be is as in the plan of {records}.");
        sentence("", &say, 2, width)
    } else {
        format!("No change since the plan was made: {records}.\n")
    };
    for change in &changes.changes {
        let line = format!("{} {} (id {})", change.resource.short(), key(&change.key), change.id);
        text.push_str(&sentence(&format!("  {:<11}", change.what.name()), &line, 13, width));
    }
    if !changes.changes.is_empty() && changes.unchanged > 0 {
        text.push_str(&format!(
            "  {:<11}{}\n",
            "unchanged",
            grouped_count(changes.unchanged as u64, "record", "records")
        ));
    }
    let gaps: Vec<DescribedWarning> = gaps.iter().map(DescribedWarning::from).collect();
    let mut says: Vec<String> = Became::ALL
        .into_iter()
        .filter(|what| changes.changes.iter().any(|change| change.what == *what))
        .map(|what| format!("{}: {}", what.name(), meaning(what)))
        .collect();
    if changes.unversioned > 0 {
        let records = grouped_count(changes.unversioned as u64, "record is", "records are");
        says.push(format!("{records} there without an ETag: whether somebody wrote to them cannot be told"));
    }
    says.extend(warned(&gaps));
    if saved.metadata.fingerprint != fingerprint {
        says.push(format!(
            "the plan was made with {} ({}), this is {fingerprint}: other resources may refer to what goes",
            saved.metadata.name, saved.metadata.fingerprint
        ));
    }
    text + &careful(&says, width)
}

/// What a change means for the plan.
fn meaning(became: Became) -> &'static str {
    match became {
        Became::New => "refers to what goes, and is not in the plan: a delete would be refused",
        Became::Written => "has another ETag than the plan: its request would be refused",
        Became::Cleared => "was written, and refers to nothing any more that goes: the update is done",
        Became::Gone => "deleted: its request would be answered with 404",
        Became::Forbidden => {
            "403, these credentials no longer see it, whether it is there or not; a delete by its id may still be \
             taken"
        }
        Became::Unknown => "the API does not answer for it, so nobody knows whether it is there",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_counts_is_not_believed() {
        let count = serde_json::json!({"resource": "/ed-fi/schools", "delete": u64::MAX, "clear": u64::MAX});
        let plan = serde_json::json!({"schema": "edfi-plan/delete-records/1", "api": "https://h/data/v3/",
            "metadata": {"name": "a", "fingerprint": "f"}, "optional": "clear", "complete": true,
            "counts": [count, count], "notInStore": [], "warnings": [], "records": [{"wave": 1,
            "resource": "/ed-fi/schools", "operation": "delete", "key": {}, "id": "a", "etag": "1", "reason": []}]});
        let saved = SavedPlan::read(plan.to_string().as_bytes()).unwrap();
        assert!(saved_plan(&saved, Width(80)).contains("1 record to delete, in 1 wave."));
    }
}
