//! `diff`: what changes from one graph to another.

use std::mem::ManuallyDrop;

use anyhow::bail;
use clap::Args;
use edfi_plan::plan::diff::{Comparable, diff_any};
use edfi_plan::plan::published;
use edfi_plan::render::{json, text};

use super::prereqs::Format;
use super::{Context, Outcome};

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A bundled graph, a file, a directory or the URL of an API; several as a comma list.
    #[arg(value_name = "A")]
    left: String,
    /// Another.
    #[arg(value_name = "B")]
    right: String,

    /// How to print the changes.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &DiffArgs, context: &Context) -> anyhow::Result<Outcome> {
    if !context.sources.is_default() {
        bail!("diff compares its two arguments; -m has no meaning. Write: edfi-plan diff A B");
    }
    if args.left == "-" && args.right == "-" {
        bail!("-: stdin can be read once only; give one of the two as a file");
    }
    let side = |argument: &str| -> anyhow::Result<Comparable> {
        let names: Vec<String> = argument.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect();
        if names.is_empty() {
            bail!("'{argument}' names nothing. Give a bundled graph, a file or a directory");
        }
        let sources = context.sources.and(&names);
        Ok(match sources.published(&context.terminal)? {
            Some(order) => {
                context
                    .terminal
                    .say(&format!("note: {argument} tells resources and waves only, no references or keys"));
                Comparable::Order(argument.into(), published::rows(&order)?)
            }
            None => Comparable::Graph(Box::new(ManuallyDrop::into_inner(sources.graph(&context.terminal)?))),
        })
    };
    let found = diff_any(&side(&args.left)?, &side(&args.right)?);
    let answer = match args.format {
        Format::Text => text::diff(&found, context.terminal.width()),
        Format::Json => json::pretty(&json::headed("edfi-plan/diff/1", &found)),
    };
    context.terminal.print(&answer)?;
    Ok(if found.is_empty() { Outcome::Answered } else { Outcome::Findings })
}
