//! `delete`: in which order to delete, so that nothing is refused.

mod kept;
mod live;
mod records;

use std::collections::BTreeSet;

use anyhow::bail;
use clap::{Args, ValueEnum};
use edfi_plan::graph::{Authorization, DependencyGraph, ResourceId, SelectOptions};
use edfi_plan::plan::delete::records::RecordDeleteError;
use edfi_plan::plan::delete::{DeleteError, DeleteOptions, DeletePlan, Optional, delete_plan, key_change};
use edfi_plan::render::{json, lists, text};

use super::order::{AuthorizationArgs, selected};
use super::why::one;
use super::{Context, Outcome};

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// What to delete, with everything that refers to it.
    #[arg(required_unless_present_any = ["for_key_change", "show", "recheck"])]
    selector: Vec<String>,

    /// What must survive; where that is impossible, say which references stand in the way.
    #[arg(long, value_name = "SELECTOR")]
    keep: Vec<String>,

    /// What becomes of dependents that only refer by optional references: resources are deleted if left
    /// out, single records cleared.
    #[arg(long, value_enum)]
    optional: Option<OptionalArg>,

    /// Plan what a new natural key of this resource takes: what to delete around it, and to create again.
    #[arg(long, value_name = "RESOURCE", conflicts_with_all = ["selector", "keep", "optional", "data", "keys", "conditions", "api", "show"])]
    for_key_change: Option<String>,

    #[command(flatten)]
    authorization: AuthorizationArgs,

    /// List every descriptor instead of their number.
    #[arg(long)]
    descriptors: bool,

    /// How to print the plan.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    records: records::RecordArgs,

    #[command(flatten)]
    live: live::LiveDeleteArgs,
}

/// What becomes of dependents that could do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OptionalArg {
    /// An update removes the references.
    Clear,
    /// They are deleted.
    Delete,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// edfi-plan/delete-plan/1; of a key change, edfi-plan/key-change/1; of records,
    /// edfi-plan/delete-records/1.
    Json,
    /// wave,resource,operation,clears; of a key change with the half before: delete or load; of
    /// records, wave,resource,operation,at,key,clears.
    Csv,
    /// A script for bash and curl that carries the plan out (with --api or --show).
    Curl,
}

impl DeleteArgs {
    fn descriptors(&self) -> text::Descriptors {
        text::Descriptors::listed_if(self.descriptors)
    }

    /// What becomes of dependents that could do without; `unsaid` where nobody says.
    fn optional(&self, unsaid: Optional) -> Optional {
        match self.optional {
            Some(OptionalArg::Clear) => Optional::Clear,
            Some(OptionalArg::Delete) => Optional::Delete,
            None => unsaid,
        }
    }

    /// The one resource whose records are named.
    fn resource_of_records(&self) -> anyhow::Result<&str> {
        match self.selector.as_slice() {
            [name] => Ok(name),
            several => bail!("records of one resource at a time: name one resource, not {}", several.join(" ")),
        }
    }
}

/// Says what a plan of records may come as a surprise with: `matched` records for `wanted` keys, and clears
/// that may be too many.
fn say_of_records(matched: usize, wanted: usize, name: &str, exact: bool, context: &Context) {
    if matched > wanted {
        context.terminal.say(&format!("note: {matched} records of {name} match; the plan is for all of them"));
    }
    if !exact {
        context
            .terminal
            .say("note: the fewest clears that break the circles were not found for certain; fewer may be possible");
    }
}

/// Why there is no plan of records.
fn no_plan<E: std::error::Error + Send + Sync + 'static>(error: RecordDeleteError<E>) -> anyhow::Error {
    match error {
        RecordDeleteError::Circle(circle) => circle.into(),
        RecordDeleteError::Store(error) => error.into(),
        other @ RecordDeleteError::TooMany { .. } => other.into(),
    }
}

/// Refuses what a plan of this kind has no use for: somebody who gives it expects something of it.
fn refuse_idle(args: &DeleteArgs) -> anyhow::Result<()> {
    let of_api = args.live.given();
    let of_records = of_api || args.records.given();
    if args.live.searches() && !args.live.api {
        bail!("--scan-limit and --parallel are for the search of an API: add --api, or leave them out");
    }
    args.records.folder.refuse_idle(of_records && !of_api)?;
    if of_records && !args.keep.is_empty() {
        bail!("--keep is for plans of whole resources: leave it out, or leave --where and --keys out");
    }
    if of_records && args.descriptors {
        bail!("--descriptors is for plans of whole resources: plans of records list descriptors like all others");
    }
    Ok(())
}

pub(crate) fn run(args: &DeleteArgs, context: &Context) -> anyhow::Result<Outcome> {
    refuse_idle(args)?;
    if args.live.given() {
        return live::run(args, context);
    }
    if args.format == Format::Curl {
        bail!("--format curl needs the ids of records, which an API has: add --api, or --show a plan that was saved");
    }
    if args.live.keeps() {
        bail!("--out and --bodies keep what was found on an API: add --api");
    }
    if args.records.given() {
        return records::run(args, context);
    }
    if args.records.max.is_some() || args.records.redact {
        bail!("--max and --redact are for plans of single records: add --where or --keys");
    }
    let graph = context.sources.described(&context.terminal, "delete")?;
    let authorization = args.authorization.of(&graph)?;
    if let Some(resource) = &args.for_key_change {
        return for_key_change(resource, args, &graph, &authorization, context);
    }
    let named = resources(&graph, &args.selector, &authorization)?;
    let keep = if args.keep.is_empty() { BTreeSet::new() } else { resources(&graph, &args.keep, &authorization)? };
    let options = DeleteOptions { authorization, keep, optional: args.optional(Optional::Delete) };
    match delete_plan(&graph, &named, &options) {
        Ok(plan) => answered(&plan, args, &graph, context),
        Err(DeleteError::Kept(kept)) => {
            let text = || text::kept(&kept, context.terminal.width());
            match args.format {
                Format::Text => context.terminal.print(&text())?,
                Format::Json => {
                    context.terminal.print(&json::answer(SCHEMA, graph.metadata(), &json::kept(&kept)))?;
                }
                Format::Csv | Format::Curl => context.terminal.say(text().trim_end()),
            }
            Ok(Outcome::Findings)
        }
        Err(DeleteError::Cycle(cycle)) => Err(cycle.into()),
    }
}

const SCHEMA: &str = "edfi-plan/delete-plan/1";

fn answered(
    plan: &DeletePlan,
    args: &DeleteArgs,
    graph: &DependencyGraph,
    context: &Context,
) -> anyhow::Result<Outcome> {
    if !plan.exact {
        context.terminal.say("note: the cycles are too many for an exact search; fewer clears may be possible");
    }
    context.terminal.print(&match args.format {
        Format::Text => text::delete_plan(plan, args.descriptors(), context.terminal.width()),
        Format::Json => json::answer(SCHEMA, graph.metadata(), plan),
        Format::Csv | Format::Curl => lists::delete_csv(plan),
    })?;
    Ok(Outcome::Answered)
}

fn for_key_change(
    resource: &str,
    args: &DeleteArgs,
    graph: &DependencyGraph,
    authorization: &Authorization,
    context: &Context,
) -> anyhow::Result<Outcome> {
    let plan = key_change(graph, one(graph, resource)?, authorization)?;
    if !plan.exact {
        context
            .terminal
            .say("note: the cycles are too many for an exact search; fewer clears or deferrals may be possible");
    }
    context.terminal.print(&match args.format {
        Format::Text => text::key_change(&plan, args.descriptors(), context.terminal.width()),
        Format::Json => json::answer("edfi-plan/key-change/1", graph.metadata(), &plan),
        Format::Csv | Format::Curl => lists::key_change_csv(&plan),
    })?;
    Ok(Outcome::Answered)
}

/// The resources that selectors select, school years among them.
fn resources(
    graph: &DependencyGraph,
    selectors: &[String],
    authorization: &Authorization,
) -> anyhow::Result<BTreeSet<ResourceId>> {
    let options = SelectOptions { required_only: false, authorization, present: BTreeSet::new(), school_years: true };
    Ok(selected(graph, selectors, &[], &options)?.resources)
}
