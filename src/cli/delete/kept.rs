//! Plans that are kept: shown again, and compared with what the API has now.

use std::path::Path;

use anyhow::{Context as _, bail};
use edfi_plan::api::{Api, LiveStore};
use edfi_plan::model::Text;
use edfi_plan::plan::delete::records::{
    DescribedRecord, DescribedWarning, PlanChange, PlanChanges, RecordDeleteOptions, SavedPlan,
};
use edfi_plan::plan::delete::{DeleteOperation, WarningCode};
use edfi_plan::records::{KeyValues, Matching, RecordOf, Whereabouts};
use edfi_plan::render::{json, text};
use serde::Serialize;

use super::live::{Fresh, bodies, broken_off, fresh, limits, most, print, write_bodies};
use super::{DeleteArgs, Format};
use crate::cli::{Context, Outcome, metadata};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rechecked<'a> {
    /// The fingerprint of the graph that the plan was made with.
    planned_with: &'a str,
    #[serde(flatten)]
    changes: &'a PlanChanges,
    warnings: &'a [DescribedWarning],
}

fn read(file: &Path, context: &Context) -> anyhow::Result<SavedPlan> {
    let document = if file == Path::new("-") { context.sources.stdin()? } else { metadata::file(file)? };
    SavedPlan::read(&document.bytes).with_context(|| document.name)
}

pub(super) fn show(args: &DeleteArgs, file: &Path, context: &Context) -> anyhow::Result<Outcome> {
    let mut saved = read(file, context)?;
    let has_clears = saved.plan.records.iter().any(|record| record.operation == DeleteOperation::Clear);
    if args.format == Format::Curl && has_clears {
        if !args.live.api {
            bail!(
                "the plan clears records by updates, whose bodies are in no plan, for they are data of students. Add \
                 --api --bodies FILE: the API has them, and FILE is its owner's alone"
            );
        }
        saved.check_keys().with_context(|| file.display().to_string())?;
        let graph = context.sources.described(&context.terminal, "a delete of records")?;
        let bodies = context.sources.with_records(&context.terminal, |api| {
            same_api(&saved, api)?;
            bodies(api, &graph, &saved, args)
        })?;
        write_bodies(bodies.as_deref(), args, context)?;
    } else if args.format == Format::Curl {
        write_bodies(None, args, context)?;
    }
    if args.records.redact {
        saved.redact();
    }
    print(&saved, &[], args, context)?;
    Ok(Outcome::Answered)
}

/// A plan is for the records of one API; the ids of another mean something else.
fn same_api(saved: &SavedPlan, api: &Api<'_>) -> anyhow::Result<()> {
    let url = api.data_url()?;
    if saved.api.trim_end_matches('/') != url.trim_end_matches('/') {
        bail!("the plan is for the records under {}, and this API has them under {url}. Name the right API", saved.api);
    }
    Ok(())
}

pub(super) fn recheck(args: &DeleteArgs, file: &Path, context: &Context) -> anyhow::Result<Outcome> {
    if matches!(args.format, Format::Csv | Format::Curl) {
        bail!("--recheck answers as text or json");
    }
    let saved = read(file, context)?;
    saved.check_keys().with_context(|| file.display().to_string())?;
    let graph = context.sources.described(&context.terminal, "a delete of records")?;
    let place = |record: &DescribedRecord| -> anyhow::Result<(RecordOf<Text>, KeyValues)> {
        let name = &record.resource;
        let resource = graph.id(name).with_context(|| {
            format!(
                "{}: {name} is not in this metadata. Give the one of the plan, {}",
                file.display(),
                saved.metadata.name
            )
        })?;
        let Whereabouts::Server { id, .. } = &record.at else { bail!("{}: not of an API", file.display()) };
        Ok((RecordOf { resource, record: id.clone() }, record.key.clone()))
    };
    let targets = saved.targets().map(place).collect::<anyhow::Result<Vec<_>>>()?;
    let most = most(args, saved.plan.records.len());
    let authorization = args.authorization.of(&graph)?;
    let options = RecordDeleteOptions { optional: saved.optional, authorization, max: Some(most) };
    let compare = |api: &Api<'_>| {
        same_api(&saved, api)?;
        let mut store = LiveStore::new(api, &graph, limits(args, most));
        let Matching { found, gaps } = store.revisit(&targets)?;
        let there = found.into_iter().filter_map(|(number, _)| targets.get(number)).map(|(place, _)| place.clone());
        let fresh = fresh(&graph, &mut store, there.collect(), gaps, &options, false)?;
        // That a search does not find a record says nothing of whether it is there.
        let lost = saved.out_of_sight(&fresh.plan).into_iter().map(place).collect::<anyhow::Result<Vec<_>>>()?;
        let lost: Vec<RecordOf<Text>> = lost.into_iter().map(|(place, _)| place).collect();
        let changes = saved.changes(&fresh.plan, &store.see(&lost)?);
        Ok((fresh, changes))
    };
    let (Fresh { plan: mut now, mut gaps, searched, .. }, mut changes) = context
        .sources
        .with_records(&context.terminal, |api| compare(api).map_err(|error| broken_off(error, "compared")))?;
    if args.records.redact {
        changes.changes.iter_mut().for_each(PlanChange::redact);
        now.warnings.iter_mut().for_each(DescribedWarning::redact);
        gaps.iter_mut().for_each(|gap| gap.said = None);
    }
    let fingerprint = graph.metadata().fingerprint.as_str();
    context.terminal.print(&match args.format {
        Format::Json => {
            let planned_with = saved.metadata.fingerprint.as_str();
            now.warnings.retain(|warning| warning.code != WarningCode::RowsMayBeHidden.name());
            let body = Rechecked { planned_with, changes: &changes, warnings: &now.warnings };
            json::answer("edfi-plan/delete-recheck/1", graph.metadata(), &body)
        }
        _ => text::plan_changes(&saved, &changes, &gaps, fingerprint, context.terminal.width()),
    })?;
    let same = changes.changes.is_empty() && saved.metadata.fingerprint == fingerprint && searched;
    Ok(if same { Outcome::Answered } else { Outcome::Findings })
}
