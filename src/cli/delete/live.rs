//! `delete … --api`: records of a live API and what really refers to them; plans that are kept.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::api::{Api, LiveStore, Reach, SearchLimits};
use edfi_plan::graph::{DependencyGraph, ResourceId};
use edfi_plan::model::Text;
use edfi_plan::plan::delete::records::{
    DescribedPlan, DescribedRecord, DescribedWarning, PlanChange, RecordDeleteError, RecordDeleteOptions, SavedPlan,
    cleared, is_seen_by_relationship, record_delete_plan,
};
use edfi_plan::plan::delete::{DeleteOperation, Optional, WarningCode};
use edfi_plan::records::{Gap, KeyValues, RecordOf, Whereabouts};
use edfi_plan::render::{curl, json, lists, text};
use serde::Serialize;

use super::records::{Matched, Wanted, matching, named, wanted};
use super::{DeleteArgs, Format, OptionalArg};
use crate::cli::{Context, Outcome, metadata, output};

/// The records of an API, and plans that were made of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records of a live API")]
pub(crate) struct LiveDeleteArgs {
    /// Find the records, and what refers to them, on the API: that of -m, or of EDFI_API_BASE_URL, or of
    /// lightbeam.yaml. Only reads.
    #[arg(long, conflicts_with_all = ["data", "keep"])]
    api: bool,

    /// Keep the plan in a file that only its owner may read: it holds keys of students.
    #[arg(long, value_name = "FILE", requires = "api", conflicts_with_all = ["redact", "recheck", "show"])]
    out: Option<PathBuf>,

    /// Show a plan that was kept.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["selector", "conditions", "keys", "data", "recheck"])]
    show: Option<PathBuf>,

    /// Compare a plan that was kept with the API: what was deleted, written or added since.
    #[arg(long, value_name = "FILE", requires = "api", conflicts_with_all = ["selector", "conditions", "keys"])]
    recheck: Option<PathBuf>,

    /// With --format curl: the file for the bodies of updates, which only its owner may read.
    #[arg(long, value_name = "FILE", requires = "api")]
    bodies: Option<PathBuf>,

    /// Read lists of up to so many records for references that cannot be asked for.
    #[arg(long, value_name = "N", default_value_t = 5000, hide_short_help = true)]
    scan_limit: u64,

    /// Requests at the same time.
    #[arg(long, value_name = "N", default_value_t = 4, hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=32))]
    parallel: u8,
}

/// The most records of a plan that is made of an API, unless somebody says otherwise.
const MOST: usize = 1000;

/// A resource that the API does not serve has no records in it, as far as anybody can tell.
const NOT_SERVED: &str = "not-served";

impl LiveDeleteArgs {
    /// Whether an API or a plan that was made of one is asked for.
    pub(super) fn given(&self) -> bool {
        self.api || self.show.is_some()
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    saved: &'a SavedPlan,
    /// Where keys were given that no record has.
    unmatched: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rechecked<'a> {
    /// The fingerprint of the graph that the plan was made with.
    planned_with: &'a str,
    changes: &'a [PlanChange],
    warnings: Vec<DescribedWarning>,
}

/// A plan for what the API has now.
struct Fresh {
    plan: DescribedPlan,
    /// Whether everything was searched that the API serves.
    searched: bool,
    /// Whether fewer clears are impossible.
    exact: bool,
}

/// A plan, and what there is to say of how it was made.
struct Planned {
    saved: SavedPlan,
    /// Where keys were given that no record has.
    unmatched: Vec<String>,
    /// How many records have one of the keys.
    matched: usize,
    searched: bool,
    exact: bool,
    /// The bodies of its clears, one a line.
    bodies: Option<Vec<u8>>,
}

pub(super) fn run(args: &DeleteArgs, context: &Context) -> anyhow::Result<Outcome> {
    match (&args.live.show, &args.live.recheck) {
        (Some(file), _) => show(args, file, context),
        (None, Some(file)) => recheck(args, file, context),
        (None, None) => plan(args, context),
    }
}

fn plan(args: &DeleteArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "a delete of records")?;
    let [name] = args.selector.as_slice() else {
        bail!("records of one resource at a time: name one resource, not {}", args.selector.join(" "));
    };
    let found = graph.find(name)?;
    let wanted = wanted(&graph, found, &args.records)?;
    let planned = context.sources.with_records(&context.terminal, |api| planned(api, &graph, &wanted, args))?;
    for given in &planned.unmatched {
        context.terminal.say(&format!(
            "{given}: the API shows no record of {} with this key; it may be there and these credentials not see it",
            named(&graph, found)
        ));
    }
    if planned.matched > wanted.len() {
        let (matched, name) = (planned.matched, named(&graph, found));
        context.terminal.say(&format!("note: {matched} records of {name} match; the plan is for all of them"));
    }
    if !planned.exact {
        context.terminal.say("note: the circles are too many for an exact search; fewer clears may be possible");
    }
    if planned.matched > 0 {
        keep(&planned, args, context)?;
    }
    print(&planned.saved, &planned.unmatched, args, context)?;
    Ok(if planned.unmatched.is_empty() && planned.searched { Outcome::Answered } else { Outcome::Findings })
}

/// Writes what is to be kept.
fn keep(planned: &Planned, args: &DeleteArgs, context: &Context) -> anyhow::Result<()> {
    if let Some(out) = &args.live.out {
        output::write_private(out, json::pretty(&planned.saved).as_bytes())?;
        context.terminal.say(&format!("kept in {}, which holds keys of records: data of students", out.display()));
    }
    write_bodies(planned.bodies.as_deref(), args, context)
}

fn write_bodies(bodies: Option<&[u8]>, args: &DeleteArgs, context: &Context) -> anyhow::Result<()> {
    let (Some(bodies), Some(file)) = (bodies, &args.live.bodies) else { return Ok(()) };
    output::write_private(file, bodies)?;
    context
        .terminal
        .say(&format!("{} holds whole records, data of students: remove it when the script has run", file.display()));
    Ok(())
}

fn print(saved: &SavedPlan, unmatched: &[String], args: &DeleteArgs, context: &Context) -> anyhow::Result<()> {
    context.terminal.print(&match args.format {
        Format::Text => text::saved_plan(saved, context.terminal.width()),
        Format::Json => json::pretty(&Answer { saved, unmatched }),
        Format::Csv => lists::record_csv(&saved.plan),
        Format::Curl => curl::curl(saved, absolute(args.live.bodies.as_deref())?.as_deref()),
    })
}

/// A path that a script finds from wherever it is run.
fn absolute(path: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let name = || path.display().to_string();
    let absolute = std::path::absolute(path).with_context(name)?;
    match absolute.into_os_string().into_string() {
        Ok(text) => Ok(Some(text)),
        Err(_) => bail!("{}: a name that is not UTF-8 cannot stand in the script. Give another", name()),
    }
}

/// Searches the API and plans.
fn planned(api: &Api<'_>, graph: &DependencyGraph, wanted: &[Wanted], args: &DeleteArgs) -> anyhow::Result<Planned> {
    let mut store = LiveStore::new(api, graph, limits(args, most(args, 0)));
    let Matched { targets, unmatched, gaps } = matching(&mut store, wanted)?;
    let matched = targets.len();
    let optional = match args.optional {
        Some(OptionalArg::Delete) => Optional::Delete,
        Some(OptionalArg::Clear) | None => Optional::Clear,
    };
    let authorization = args.authorization.of(graph)?;
    let options = RecordDeleteOptions { optional, authorization, max: Some(most(args, 0)) };
    let Fresh { plan, searched, exact } = fresh(graph, &mut store, targets, gaps, &options, args.records.redact)?;
    let saved = SavedPlan::new(graph.metadata(), api.data_url()?, optional, plan);
    let bodies = bodies(api, graph, &saved, args)?;
    Ok(Planned { saved, unmatched, matched, searched, exact, bodies })
}

/// Plans for targets that were found; `gaps` is what could not be searched on the way to them.
fn fresh(
    graph: &DependencyGraph,
    store: &mut LiveStore<'_, '_>,
    targets: Vec<RecordOf<Text>>,
    mut gaps: Vec<Gap>,
    options: &RecordDeleteOptions,
    redact: bool,
) -> anyhow::Result<Fresh> {
    let plan = record_delete_plan(graph, store, targets.clone(), options).map_err(|error| match error {
        RecordDeleteError::Circle(circle) => anyhow::Error::from(circle),
        RecordDeleteError::Store(error) => error.into(),
        other => other.into(),
    })?;
    let mut described = plan.describe(graph, store, redact)?;
    gaps.extend(store.changed(&targets)?);
    let searched = plan.gaps.iter().chain(&gaps).all(|gap| gap.code == NOT_SERVED);
    described.warnings.extend(gaps.into_iter().map(warning));
    let asked = plan.searched.iter().copied().chain(targets.iter().map(|target| target.resource));
    let mut hidden: Vec<ResourceId> =
        asked.filter(|&id| is_seen_by_relationship(graph, &options.authorization, id)).collect();
    hidden.sort_unstable();
    hidden.dedup();
    // Rows that are hidden from a search block all the same: such a plan is never complete.
    described.complete = searched && hidden.is_empty();
    described.warnings.extend(hidden.into_iter().map(|id| DescribedWarning {
        code: Text::new_static(WarningCode::RowsMayBeHidden.name()),
        resource: graph.name(id).clone(),
        message: "rows that these credentials may not see are not in the plan, and block all the same".to_owned(),
    }));
    Ok(Fresh { plan: described, searched, exact: plan.exact })
}

fn warning(gap: Gap) -> DescribedWarning {
    DescribedWarning { code: gap.code, resource: gap.resource, message: gap.message }
}

fn limits(args: &DeleteArgs, most: usize) -> SearchLimits {
    let found = most as u64;
    SearchLimits { scan: args.live.scan_limit, found, at_once: usize::from(args.live.parallel) }
}

/// The most records that a plan may have; one that was made already may have grown to twice its size.
fn most(args: &DeleteArgs, planned: usize) -> usize {
    args.records.max.unwrap_or(MOST.max(planned.saturating_mul(2)))
}

/// The records that clears leave, one a line, where a script needs them.
fn bodies(
    api: &Api<'_>,
    graph: &DependencyGraph,
    saved: &SavedPlan,
    args: &DeleteArgs,
) -> anyhow::Result<Option<Vec<u8>>> {
    let clears = || saved.plan.records.iter().filter(|record| record.operation == DeleteOperation::Clear);
    if args.format != Format::Curl || clears().next().is_none() {
        return Ok(None);
    }
    if args.live.bodies.is_none() {
        let what = match clears().count() {
            1 => "1 record is cleared by an update, whose body is".to_owned(),
            many => format!("{many} records are cleared by updates, whose bodies are"),
        };
        bail!("{what} data of students. Name a file for that: --bodies FILE");
    }
    if args.records.redact {
        bail!("--redact: the bodies of updates cannot be made without keys. Leave it out");
    }
    let mut lines = Vec::new();
    for record in clears() {
        let Whereabouts::Server { id, .. } = &record.at else { continue };
        let Reach::Answered(now) = api.record(&record.resource, id)? else {
            bail!("{} {id}: no longer to be read. Plan again", record.resource.short());
        };
        lines.extend(cleared(graph, record, now.body.get().as_bytes())?);
        lines.push(b'\n');
    }
    Ok(Some(lines))
}

fn read(file: &Path) -> anyhow::Result<SavedPlan> {
    let document = metadata::file(file)?;
    SavedPlan::read(&document.bytes).with_context(|| document.name)
}

fn show(args: &DeleteArgs, file: &Path, context: &Context) -> anyhow::Result<Outcome> {
    let mut saved = read(file)?;
    let has_clears = saved.plan.records.iter().any(|record| record.operation == DeleteOperation::Clear);
    if args.format == Format::Curl && has_clears {
        if !args.live.api {
            bail!("the plan clears records by updates, whose bodies the API has. Add --api --bodies FILE");
        }
        let graph = context.sources.described(&context.terminal, "a delete of records")?;
        let bodies = context.sources.with_records(&context.terminal, |api| {
            same_api(&saved, api)?;
            bodies(api, &graph, &saved, args)
        })?;
        write_bodies(bodies.as_deref(), args, context)?;
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

fn recheck(args: &DeleteArgs, file: &Path, context: &Context) -> anyhow::Result<Outcome> {
    if matches!(args.format, Format::Csv | Format::Curl) {
        bail!("--recheck answers as text or json");
    }
    let saved = read(file)?;
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
    let Fresh { plan: now, searched, .. } = context.sources.with_records(&context.terminal, |api| {
        same_api(&saved, api)?;
        let mut store = LiveStore::new(api, &graph, limits(args, most));
        let there = store.revisit(&targets)?;
        let present = targets.iter().zip(there).filter(|(_, there)| *there).map(|((place, _), _)| place.clone());
        fresh(&graph, &mut store, present.collect(), Vec::new(), &options, false)
    })?;
    let mut changes = saved.changes(&now);
    if args.records.redact {
        changes.iter_mut().for_each(PlanChange::redact);
    }
    let fingerprint = graph.metadata().fingerprint.as_str();
    let gaps: Vec<DescribedWarning> =
        now.warnings.into_iter().filter(|w| w.code != WarningCode::RowsMayBeHidden.name()).collect();
    context.terminal.print(&match args.format {
        Format::Json => {
            let planned_with = saved.metadata.fingerprint.as_str();
            let body = Rechecked { planned_with, changes: &changes, warnings: gaps };
            json::answer("edfi-plan/delete-recheck/1", graph.metadata(), &body)
        }
        _ => text::plan_changes(&saved, &changes, fingerprint, context.terminal.width()),
    })?;
    let same = changes.is_empty() && saved.metadata.fingerprint == fingerprint && searched;
    Ok(if same { Outcome::Answered } else { Outcome::Findings })
}
