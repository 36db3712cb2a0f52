//! `audit`: somebody else's order against the graph.

use std::path::PathBuf;

use clap::Args;
use edfi_plan::plan::audit::audit;
use edfi_plan::render::{json, text};
use edfi_plan::source;

use super::order::AuthorizationArgs;
use super::prereqs::Format;
use super::{Context, Outcome, live, metadata};

/// Compare somebody else's order with the graph
///
/// The order is what an API publishes at its dependencies endpoint (JSON or GraphML), one that this
/// program printed, or a list that somebody wrote: one resource a line, or comma lists as lightbeam
/// and API Publisher take them; # starts a comment. Told are resources that are missing or unknown,
/// and edges that are dropped or inverted, with the loads and deletes that fail for it.
///
/// Exit code 1 if there are findings. What differs and does no harm is a note.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The file that holds the order, the URL of an API that publishes one, or - for stdin.
    #[arg(value_name = "FILE|URL")]
    order: PathBuf,

    #[command(flatten)]
    authorization: AuthorizationArgs,

    /// How to print the findings.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &AuditArgs, context: &Context) -> anyhow::Result<Outcome> {
    let document = match args.order.to_str() {
        Some("-") => context.sources.stdin()?,
        Some(name) if live::is_api(name) => context.sources.published_by(name, &context.terminal)?,
        _ => metadata::file(&args.order)?,
    };
    let published = source::read_published(&document)?;
    let graph = context.sources.graph(&context.terminal)?;
    let authorization = args.authorization.of(&graph)?;
    let found = audit(&graph, &authorization, &published);
    let answer = match args.format {
        Format::Text => text::audit(&found, context.terminal.width()),
        Format::Json => json::answer("edfi-plan/audit/1", graph.metadata(), &found),
    };
    context.terminal.print(&answer)?;
    Ok(if found.findings() == 0 { Outcome::Answered } else { Outcome::Findings })
}
