//! `explain`: what a code means.

use clap::Args;
use edfi_plan::diagnosis::Code;
use edfi_plan::render::{json, text};

use super::prereqs::Format;
use super::{Context, Outcome};

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The code: unresolved-reference; all of them if left out.
    code: Option<String>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn explain(args: &ExplainArgs, context: &Context) -> anyhow::Result<Outcome> {
    let Some(name) = &args.code else {
        let names: Vec<&str> = Code::all().map(Code::name).collect();
        context.terminal.print(&format!("{}\n", names.join("\n")))?;
        return Ok(Outcome::Answered);
    };
    let code: Code = name.parse()?;
    let answer = match args.format {
        Format::Text => text::explained(code, context.terminal.width()),
        Format::Json => json::explained(code),
    };
    context.terminal.print(&answer)?;
    Ok(Outcome::Answered)
}
