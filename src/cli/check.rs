//! `check`: what a server would refuse of a payload folder.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use edfi_plan::records::{CheckOptions, check, scan};
use edfi_plan::render::{json, text};

use super::folder::{FolderArgs, named, with_progress};
use super::number::number;
use super::prereqs::Format;
use super::{Context, Outcome};

/// Findings of a kind that text shows where --max does not say.
const SHOWN: usize = 10;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The folder with the payload files [default: data_dir of lightbeam.yaml].
    dir: Option<PathBuf>,

    /// Descriptors that are on the server: a folder with files such as gradeLevelDescriptors.jsonl.
    #[arg(long, value_name = "DIR")]
    descriptors: Option<PathBuf>,

    /// Also count what is assumed to be on the server: resources without a file, people without
    /// their association.
    #[arg(long)]
    strict: bool,

    /// Resources that another system owns: never missing; a comma list.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    external: Vec<String>,

    /// Show at most N findings of a kind [default: 10 in text, all in json].
    #[arg(long, value_name = "N", value_parser = number::<usize>(0..=u64::MAX))]
    max: Option<usize>,

    /// Leave key values out of the report: they are data of students.
    #[arg(long)]
    redact: bool,

    #[command(flatten)]
    folder: FolderArgs,

    /// How to print the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &CheckArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "check")?;
    let dir = FolderArgs::dir(args.dir.as_deref(), context)?;
    let folder = args.folder.assigned(&dir, &graph, context)?;
    let supply = args.descriptors.as_deref().map(|path| args.folder.open(path, &graph, context)).transpose();
    let supply = supply.context("--descriptors")?;
    let max = args.max.or((args.format == Format::Text).then_some(SHOWN));
    let external = named(&graph, &args.external)?;
    let options = CheckOptions { strict: args.strict, external, max, redact: args.redact };
    let report = with_progress(context, |progress| {
        let read = args.folder.read(Some(progress));
        check(&scan(&graph, &folder, supply.as_ref(), &read), &folder, &options, &read)
    });
    let answer = match args.format {
        Format::Text => text::check(&report, context.terminal.width()),
        Format::Json => json::answer("edfi-plan/check/1", graph.metadata(), &report),
    };
    context.terminal.print(&answer)?;
    if let Some(first) = report.unreadable_files.first() {
        anyhow::bail!("{}: {}. The rest of the folder was checked", first.file, first.reason);
    }
    Ok(if report.findings() > 0 { Outcome::Findings } else { Outcome::Answered })
}
