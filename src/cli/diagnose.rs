//! `diagnose`: what error messages mean.

mod on_server;
mod told;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use edfi_plan::diagnosis::cascade::{Cascade, Sent, Wanted};
use edfi_plan::diagnosis::{Diagnoser, Diagnosis, Failure, input};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::records::Folder;
use edfi_plan::render::{json, text};
use edfi_plan::source;
use serde_json::Value;

use super::folder::{FolderArgs, with_progress};
use super::number::number;
use super::prereqs::Format;
use super::{Context, Outcome, metadata};
use on_server::OnServer;
use told::{Input, Told};

#[derive(Debug, Args)]
pub(crate) struct DiagnoseArgs {
    /// Files with failures; - or nothing for stdin.
    #[arg(value_name = "FILE")]
    files: Vec<String>,

    /// The resource, path or URL of the requests, where the input does not tell.
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,

    /// The HTTP method, where the input does not tell.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,

    /// The HTTP status, where the input does not tell.
    #[arg(long, value_name = "STATUS", value_parser = number::<u16>(100..=599))]
    status: Option<u16>,

    /// The record that was sent, where the input does not tell.
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,

    /// The folder with the records that were sent: failures are followed key by key.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Ask the API which records exist that the payloads refer to: the API of -m, or of
    /// EDFI_API_BASE_URL, or of lightbeam.yaml.
    #[arg(long)]
    api: bool,

    #[command(flatten)]
    folder: FolderArgs,

    /// How to print the diagnosis.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Withhold all values, also in what the server said: they are data of students.
    #[arg(long)]
    redact: bool,
}

pub(crate) fn diagnose(args: &DiagnoseArgs, context: &Context) -> anyhow::Result<Outcome> {
    args.folder.refuse_idle(args.data.is_some())?;
    let stdin = ["-".to_owned()];
    let names = if args.files.is_empty() { &stdin[..] } else { &args.files };
    // With --data or --api, failures are read twice: first for the records that they need.
    let twice = args.data.is_some() || args.api;
    let inputs: Vec<Input> = names.iter().map(|name| Input::of(name, twice)).collect::<Result<_, _>>()?;
    let graph = context.sources.described(&context.terminal, "diagnose")?;
    let diagnoser = Diagnoser::new(&graph).asking(Box::new(knowing()));
    if let Some(text) = &args.resource
        && diagnoser.resource(text).is_none()
    {
        // The name alone gives the better message; an unknown one only makes verdicts inconclusive.
        if let Err(error) = graph.find(text) {
            context.terminal.say(&format!("note: {error}"));
        }
    }
    let payload = args.payload.as_deref().map(record).transpose()?;
    let failures = || Told::of(args, payload.as_ref(), &inputs);
    let folder = args.data.as_deref().map(|path| args.folder.open(path, &graph, context)).transpose()?;
    let sent = folder.as_ref().map(|folder| sent(folder, failures(), &diagnoser, args, context)).transpose()?;
    let records = sent.as_ref();
    if let Some(unread @ 1..) = records.map(Sent::unreadable_records) {
        context.terminal.say(&format!(
            "note: --data: lines or items that are no records: {unread}. What they were meant to be reads as missing; \
             check tells where they are"
        ));
    }
    let asks = args.api && (args.format == Format::Json || shows_answers(failures(), context)?);
    let on_server =
        asks.then(|| OnServer::asked(failures(), &diagnoser, records, !args.redact, context)).transpose()?;
    let on_server = |number| on_server.as_ref().map(|found| found.of(number)).unwrap_or_default();
    let mut cascade = Cascade::new(&diagnoser, records);
    let mut failures = failures().saying(&context.terminal).peekable();
    // What cannot be read at all is said before anything is printed.
    let first = failures.next().transpose()?;
    if first.is_none() && args.format == Format::Text {
        context.terminal.say("nothing failed");
        return Ok(Outcome::Answered);
    }
    let alone = matches!(first, Some(Failure { count: 1, .. })) && failures.peek().is_none();
    let in_folder = |failure: &Failure, found: Diagnosis| match records {
        Some(_) if alone => looked_for(failure, found, &diagnoser, records, context),
        _ => found,
    };
    let failures = first.map(Ok).into_iter().chain(failures);
    match args.format {
        Format::Text => {
            for failure in failures {
                let failure = failure?;
                let failure = with_record(&failure, &diagnoser, records);
                if alone {
                    let found = in_folder(&failure, diagnoser.diagnose_on(&failure, on_server(0)));
                    let found = if args.redact { found.redacted() } else { found };
                    context.terminal.print(&text::diagnosis(&found, context.terminal.width()))?;
                    return Ok(Outcome::Findings);
                }
                cascade.add(&failure, &diagnoser.gist(&failure));
            }
            let causes = cascade.causes();
            let causes = if args.redact { causes.redacted() } else { causes };
            context.terminal.print(&text::causes(&causes, context.terminal.width()))?;
            Ok(Outcome::Findings)
        }
        Format::Json => {
            let mut out = BufWriter::new(stdout().lock());
            let collected = RefCell::new(cascade);
            let (stopped, any) = (RefCell::new(None), Cell::new(false));
            let read = failures.map_while(|failure| failure.map_err(|error| stopped.replace(Some(error))).ok());
            let made = read.enumerate().map(|(number, failure)| {
                any.set(true);
                let failure = &with_record(&failure, &diagnoser, records);
                let found = in_folder(failure, diagnoser.diagnose_on(failure, on_server(number)));
                collected.borrow_mut().add(failure, &found);
                if args.redact { found.redacted() } else { found }
            });
            let causes = || {
                let empty = Cascade::new(&diagnoser, None);
                let mut causes = collected.replace(empty).causes();
                if causes.summary.failures == 1 {
                    // A failure alone has no causes beyond its own diagnosis.
                    (causes.roots, causes.unexplained, causes.unplaced, causes.resend) = Default::default();
                }
                if args.redact { causes.redacted() } else { causes }
            };
            json::diagnoses(&mut out, graph.metadata(), made, causes)?;
            out.flush()?;
            match stopped.into_inner() {
                Some(error) => Err(error),
                None => Ok(if any.get() { Outcome::Findings } else { Outcome::Answered }),
            }
        }
    }
}

/// Whether text shows what the API answers: of one failure alone, as it does its diagnosis.
fn shows_answers(mut failures: Told<'_>, context: &Context) -> anyhow::Result<bool> {
    match (failures.next().transpose()?, failures.next()) {
        (Some(Failure { count: 1, .. }), None) => Ok(true),
        (None, _) => Ok(false),
        _ => {
            let note =
                "note: --api: nothing is asked for several failures at once; --format json asks for each of them";
            context.terminal.say(note);
            Ok(false)
        }
    }
}

/// The records of a folder that failures need.
fn sent<'g, 'f>(
    folder: &'f Folder,
    failures: Told<'_>,
    diagnoser: &Diagnoser<'g>,
    args: &DiagnoseArgs,
    context: &Context,
) -> anyhow::Result<Sent<'g, 'f>> {
    let mut wanted = Wanted::default();
    for failure in failures {
        wanted.add(diagnoser, &failure?);
    }
    let graph = diagnoser.graph();
    let read = with_progress(context, |progress| Sent::read(graph, folder, &wanted, &args.folder.read(Some(progress))));
    read.map_err(|unreadable| anyhow!("{}: {}", unreadable.file, unreadable.reason))
}

/// A failure of one record with that record, where the folder has it.
fn with_record<'f>(
    failure: &'f Failure,
    diagnoser: &Diagnoser<'_>,
    records: Option<&Sent<'_, '_>>,
) -> Cow<'f, Failure> {
    let (Some(records), None, true) = (records, &failure.payload, failure.place.lines.is_empty()) else {
        return Cow::Borrowed(failure);
    };
    let found = failure
        .resource
        .as_deref()
        .and_then(|text| diagnoser.resource(text))
        .and_then(|resource| records.record(resource, failure.place.file.as_deref()?, failure.place.line?));
    match found {
        Some(record) => Cow::Owned(Failure { payload: Some(record), ..failure.clone() }),
        None => Cow::Borrowed(failure),
    }
}

/// A diagnosis with what it waits for and where the folder has it.
fn looked_for(
    failure: &Failure,
    mut found: Diagnosis,
    diagnoser: &Diagnoser<'_>,
    records: Option<&Sent<'_, '_>>,
    context: &Context,
) -> Diagnosis {
    if failure.payload.is_none() && found.code.is_dependency_matter() {
        context.terminal.say("note: --data: which record failed is not told; give it with --payload");
    }
    let mut alone = Cascade::new(diagnoser, records);
    alone.add(failure, &found);
    found.found_in_folder(alone.looked_for());
    found
}

/// Which bundled graphs know a name; they are read when first asked, and stand until the program ends.
fn knowing() -> impl Fn(&str) -> Vec<String> {
    let known = std::cell::OnceCell::new();
    let read = || -> Vec<(&'static str, Diagnoser<'static>)> {
        let whole = source::standards().iter().filter_map(|s| Some((s.name, source::standard(s.name).ok()?)));
        let graphs = whole.filter_map(|(name, model)| Some((name, DependencyGraph::build(model).ok()?)));
        graphs.map(|(name, graph)| (name, Diagnoser::new(Box::leak(Box::new(graph))))).collect()
    };
    move |name| {
        let knows =
            |diagnoser: &Diagnoser<'_>| diagnoser.graph().find(name).is_ok() || diagnoser.resource(name).is_some();
        let known: &Vec<(&str, Diagnoser<'_>)> = known.get_or_init(read);
        known.iter().filter(|(_, diagnoser)| knows(diagnoser)).map(|(name, _)| (*name).to_owned()).collect()
    }
}

fn record(path: &Path) -> anyhow::Result<Value> {
    let document = metadata::file(path)?;
    if input::is_utf16(&document.bytes) {
        bail!("{}: {}", document.name, input::UTF16);
    }
    let value: Value = serde_json::from_slice(&document.bytes)
        .with_context(|| format!("{}: not a JSON record. Give the one record that was sent", document.name))?;
    if !value.is_object() {
        bail!("{}: not a JSON object. Give the one record that was sent", document.name);
    }
    Ok(value)
}
