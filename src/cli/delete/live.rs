//! `delete … --api`: records of a live API and what really refers to them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::api::{Api, ApiError, LiveError, LiveStore, Reach, SearchLimits};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::Text;
use edfi_plan::plan::delete::records::{DescribedPlan, RecordDeleteOptions, SavedPlan, cleared, record_delete_plan};
use edfi_plan::plan::delete::{DeleteOperation, Optional};
use edfi_plan::records::{Gap, RecordOf, Whereabouts};
use edfi_plan::render::{curl, json, lists, text};
use serde::Serialize;

use super::records::{Matched, Wanted, matching, named, wanted};
use super::{DeleteArgs, Format, kept, no_plan, say_of_records};
use crate::cli::number::number;
use crate::cli::{Context, Outcome, output};

// The records of an API, and plans that were made of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records of a live API")]
pub(crate) struct LiveDeleteArgs {
    /// Find the records, and what refers to them, on the API: that of -m, or of EDFI_API_BASE_URL, or of
    /// lightbeam.yaml. Only reads.
    #[arg(long, conflicts_with_all = ["data", "keep"])]
    pub(super) api: bool,

    /// Keep the plan in a file that only its owner may read, for it holds keys of students; `-` prints it.
    #[arg(long, value_name = "FILE", requires = "api", conflicts_with_all = ["redact", "recheck", "show"])]
    out: Option<PathBuf>,

    /// Show a plan that was kept, `-` for stdin.
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["selector", "conditions", "keys", "data", "keep", "optional", "recheck"])]
    show: Option<PathBuf>,

    /// Compare a plan that was kept, `-` for stdin, with the API: what was deleted, written or added since.
    #[arg(long, value_name = "FILE", requires = "api")]
    #[arg(conflicts_with_all = ["selector", "conditions", "keys", "optional", "bodies"])]
    recheck: Option<PathBuf>,

    /// With --format curl, where records are cleared: the file for the bodies of these updates, which only
    /// its owner may read.
    #[arg(long, value_name = "FILE", requires = "api")]
    bodies: Option<PathBuf>,

    /// Read lists of up to so many records for references that cannot be asked for [default: 5000].
    #[arg(long, value_name = "N", hide_short_help = true, value_parser = number::<u64>(0..=u64::MAX))]
    scan_limit: Option<u64>,

    /// Requests at the same time [default: 4].
    #[arg(long, value_name = "N", hide_short_help = true)]
    #[arg(value_parser = number::<u8>(1..=32))]
    parallel: Option<u8>,
}

impl LiveDeleteArgs {
    /// Whether an API or a plan that was made of one is asked for.
    pub(super) fn given(&self) -> bool {
        self.api || self.show.is_some()
    }

    /// Whether the plan is to be printed as it would be kept.
    fn is_printed(&self) -> bool {
        self.out.as_deref() == Some(Path::new("-"))
    }

    /// Whether files are asked for that only a plan made of an API fills; clap waives `requires` where
    /// another option conflicts with --api.
    pub(super) fn keeps(&self) -> bool {
        self.out.is_some() || self.bodies.is_some()
    }

    /// Whether somebody says how an API is searched.
    pub(super) fn searches(&self) -> bool {
        self.scan_limit.is_some() || self.parallel.is_some()
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    saved: &'a SavedPlan,
    /// Where keys were given that no record has.
    unmatched: &'a [String],
}

/// A plan for what the API has now.
pub(super) struct Fresh {
    pub(super) plan: DescribedPlan,
    /// What could not be searched.
    pub(super) gaps: Vec<Gap>,
    /// Whether everything was searched that the API serves.
    pub(super) searched: bool,
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
    if args.live.bodies.is_some() && args.format != Format::Curl {
        bail!("--bodies is for the script that sends them. Add --format curl");
    }
    if args.live.is_printed() && matches!(args.format, Format::Csv | Format::Curl) {
        bail!("--out - prints the plan as json, and --format asks for something else on stdout. Leave one of them out");
    }
    match (&args.live.show, &args.live.recheck) {
        (Some(file), _) => kept::show(args, file, context),
        (None, Some(file)) => kept::recheck(args, file, context),
        (None, None) => plan(args, context),
    }
}

fn plan(args: &DeleteArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "a delete of records")?;
    let found = graph.find(args.resource_of_records()?)?;
    let wanted = wanted(&graph, found, &args.records, context)?;
    let planned = context.sources.with_records(&context.terminal, |api| {
        planned(api, &graph, &wanted, args).map_err(|e| broken_off(e, "planned"))
    })?;
    for given in &planned.unmatched {
        context.terminal.say(&format!(
            "{given}: the API shows no record of {} with this key; it may be there and these credentials not see it",
            named(&graph, found)
        ));
    }
    say_of_records(planned.matched, wanted.len(), &named(&graph, found), planned.exact, context);
    if planned.matched > 0 {
        keep(&planned, args, context)?;
    } else if let Some(out) = args.live.out.as_ref().filter(|_| !args.live.is_printed()) {
        let earlier = if out.exists() { ", which has what an earlier run kept" } else { "" };
        context.terminal.say(&format!("nothing kept in {}{earlier}: there is nothing to delete", out.display()));
    }
    if args.live.is_printed() {
        context.terminal.print(&json::pretty(&planned.saved))?;
        context.terminal.say("the plan holds keys of records: data of students");
    } else {
        print(&planned.saved, &planned.unmatched, args, context)?;
    }
    Ok(if planned.unmatched.is_empty() && planned.searched { Outcome::Answered } else { Outcome::Findings })
}

/// Says of an API that stopped answering what it means for the work: half an answer is worse than none.
pub(super) fn broken_off(error: anyhow::Error, work: &str) -> anyhow::Error {
    let is_api = error.is::<ApiError>() || matches!(error.downcast_ref(), Some(LiveError::Api(_)));
    if is_api { error.context(format!("nothing was {work}")) } else { error }
}

/// Writes what is to be kept.
fn keep(planned: &Planned, args: &DeleteArgs, context: &Context) -> anyhow::Result<()> {
    if let Some(out) = args.live.out.as_ref().filter(|_| !args.live.is_printed()) {
        output::write_private(out, json::pretty(&planned.saved).as_bytes())?;
        context.terminal.say(&format!("kept in {}, which holds keys of records: data of students", out.display()));
    }
    write_bodies(planned.bodies.as_deref(), args, context)
}

pub(super) fn write_bodies(bodies: Option<&[u8]>, args: &DeleteArgs, context: &Context) -> anyhow::Result<()> {
    let Some(file) = &args.live.bodies else { return Ok(()) };
    let Some(bodies) = bodies else {
        context.terminal.say(&format!("no record is cleared, so {} is not written", file.display()));
        return Ok(());
    };
    output::write_private(file, bodies)?;
    context
        .terminal
        .say(&format!("{} holds whole records, data of students: remove it when the script has run", file.display()));
    Ok(())
}

pub(super) fn print(
    saved: &SavedPlan,
    unmatched: &[String],
    args: &DeleteArgs,
    context: &Context,
) -> anyhow::Result<()> {
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
    let optional = args.optional(Optional::Clear);
    let authorization = args.authorization.of(graph)?;
    let options = RecordDeleteOptions { optional, authorization, max: Some(most(args, 0)) };
    let Fresh { plan, searched, exact, .. } = fresh(graph, &mut store, targets, gaps, &options, args.records.redact)?;
    let saved = SavedPlan::new(graph.metadata(), api.data_url()?, optional, plan);
    let bodies = bodies(api, graph, &saved, args)?;
    Ok(Planned { saved, unmatched, matched, searched, exact, bodies })
}

/// Plans for targets that were found; `gaps` is what could not be searched on the way to them.
pub(super) fn fresh(
    graph: &DependencyGraph,
    store: &mut LiveStore<'_, '_>,
    targets: Vec<RecordOf<Text>>,
    mut gaps: Vec<Gap>,
    options: &RecordDeleteOptions,
    redact: bool,
) -> anyhow::Result<Fresh> {
    let plan = record_delete_plan(graph, store, targets.clone(), options).map_err(no_plan)?;
    gaps.extend(store.changed(&targets)?);
    let plan = plan.with_gaps(gaps);
    let mut described = plan.describe(graph, store, redact)?;
    described.warn_of_hidden(graph, &plan.hidden(graph, &options.authorization));
    Ok(Fresh { plan: described, searched: plan.is_complete(), exact: plan.exact, gaps: plan.gaps })
}

pub(super) fn limits(args: &DeleteArgs, most: usize) -> SearchLimits {
    let unsaid = SearchLimits::default();
    SearchLimits {
        scan: args.live.scan_limit.unwrap_or(unsaid.scan),
        found: most as u64,
        at_once: args.live.parallel.map_or(unsaid.at_once, usize::from),
    }
}

/// The most records that a plan may have; one that was made already may have grown to twice its size.
pub(super) fn most(args: &DeleteArgs, planned: usize) -> usize {
    let unsaid = usize::try_from(SearchLimits::default().found).unwrap_or(usize::MAX);
    args.records.max.unwrap_or(unsaid.max(planned.saturating_mul(2)))
}

/// The records that clears leave, one a line, where a script needs them.
pub(super) fn bodies(
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
        let Whereabouts::Server { id, etag } = &record.at else { continue };
        let Reach::Answered(now) = api.record(&record.resource, id)? else {
            bail!("{} {id}: no longer to be read. Plan again", record.resource.short());
        };
        // What was written since may no longer refer, or refer to more: its request would be refused.
        if let (Some(planned), Some(now)) = (etag, &now.etag)
            && planned != now
        {
            bail!("{} {id}: written since it was planned to be cleared. Plan again", record.resource.short());
        }
        lines.extend(cleared(graph, record, now.body.get().as_bytes())?);
        lines.push(b'\n');
    }
    Ok(Some(lines))
}
