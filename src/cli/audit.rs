//! `audit`: somebody else's order against the graph.

use std::path::PathBuf;

use clap::Args;
use edfi_plan::plan::audit::audit;
use edfi_plan::render::{json, text};
use edfi_plan::source;

use super::order::AuthorizationArgs;
use super::prereqs::Format;
use super::{Context, Outcome, live, metadata};

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
    if found.findings() == 0 {
        return Ok(Outcome::Answered);
    }
    if let Some(better) = source::better_fit(&published, graph.model()) {
        let (name, here, there) = (better.name, better.differing_in_use, better.differing);
        context.terminal.say(&format!(
            "note: {name} (bundled) fits much better: {there} of its resources and those named there differ, \
             of the graph in use {here}. Give -m {name}"
        ));
    }
    Ok(Outcome::Findings)
}
