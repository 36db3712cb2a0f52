//! `diagnose` and `explain`: what an error message means.

use std::borrow::Cow;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::diagnosis::cascade::{Cascade, Records, Sent};
use edfi_plan::diagnosis::{Code, Diagnoser, Diagnosis, Failure, input};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::records::{Need, ReadOptions, needs};
use edfi_plan::render::{json, text};
use edfi_plan::source;
use serde_json::Value;

use super::folder::{FolderArgs, with_progress};
use super::prereqs::{self, Format};
use super::{Context, Outcome, metadata};

/// Explain failed requests: what is wrong, what the graph says, what to do
///
/// Takes a response body, a whole response (curl -i), requests with their responses as JSON or NDJSON,
/// the results file of lightbeam, error items of API Publisher, a log of the bulk loader, or the message
/// alone. What it is, it sees for itself.
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
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..600))]
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

    /// Withhold the values of keys and what the server said: they are data of students.
    #[arg(long)]
    redact: bool,
}

pub(crate) fn diagnose(args: &DiagnoseArgs, context: &Context) -> anyhow::Result<Outcome> {
    let mut failures = Vec::new();
    let stdin = ["-".to_owned()];
    for name in if args.files.is_empty() { &stdin[..] } else { &args.files } {
        let document = if name == "-" { metadata::stdin()? } else { metadata::file(Path::new(name))? };
        let file = (name != "-").then_some(name.as_str());
        failures.extend(input::read(file, &document.bytes));
    }
    complete(&mut failures, args)?;
    let graph = context.sources.graph(&context.terminal)?;
    let diagnoser = Diagnoser::new(&graph).asking(Box::new(knowing()));
    if let Some(text) = &args.resource
        && diagnoser.resource(text).is_none()
    {
        // The name alone gives the better message; an unknown one only makes verdicts inconclusive.
        if let Err(error) = graph.find(text) {
            context.terminal.say(&format!("note: {error}"));
        }
    }
    if failures.is_empty() && args.format == Format::Text {
        context.terminal.say("nothing failed");
        return Ok(Outcome::Answered);
    }
    let sent = sent(&failures, &diagnoser, args, context)?;
    let records = sent.as_ref().map(|sent| sent as &dyn Records);
    let on_server = if args.api { asked(&failures, &diagnoser, records, context)? } else { Vec::new() };
    let with_server = |number: usize, mut found: Diagnosis| {
        found.on_server = on_server.get(number).cloned().unwrap_or_default();
        found
    };
    let mut cascade = Cascade::new(&diagnoser, records);
    match args.format {
        Format::Text => {
            if let [failure @ Failure { count: 1, .. }] = failures.as_slice() {
                let failure = &with_record(failure, &diagnoser, records);
                let found = with_server(0, diagnoser.diagnose(failure));
                let found = if args.redact { found.redacted() } else { found };
                context.terminal.print(&text::diagnosis(&found, context.terminal.width()))?;
            } else {
                for failure in &failures {
                    let failure = with_record(failure, &diagnoser, records);
                    cascade.add(&failure, &diagnoser.diagnose(&failure));
                }
                let causes = cascade.causes();
                let causes = if args.redact { causes.redacted() } else { causes };
                context.terminal.print(&text::causes(&causes, context.terminal.width()))?;
            }
        }
        Format::Json => {
            let mut out = BufWriter::new(stdout().lock());
            let collected = std::cell::RefCell::new(cascade);
            let made = failures.iter().enumerate().map(|(number, failure)| {
                let failure = &with_record(failure, &diagnoser, records);
                let found = with_server(number, diagnoser.diagnose(failure));
                collected.borrow_mut().add(failure, &found);
                if args.redact { found.redacted() } else { found }
            });
            let causes = || {
                let empty = Cascade::new(&diagnoser, None);
                let mut causes = collected.replace(empty).causes();
                if causes.summary.failures == 1 {
                    // A failure alone has no causes beyond its own diagnosis.
                    (causes.roots, causes.resend) = Default::default();
                }
                if args.redact { causes.redacted() } else { causes }
            };
            json::diagnoses(&mut out, graph.metadata(), made, causes)?;
            out.flush()?;
        }
    }
    Ok(if failures.is_empty() { Outcome::Answered } else { Outcome::Findings })
}

/// How the references of each payload stand on the API.
fn asked(
    failures: &[Failure],
    diagnoser: &Diagnoser<'_>,
    records: Option<&dyn Records>,
    context: &Context,
) -> anyhow::Result<Vec<Vec<Need>>> {
    let references = |failure: &Failure| {
        let failure = with_record(failure, diagnoser, records);
        let resource = failure.resource.as_deref().and_then(|text| diagnoser.resource(text))?;
        let payload = serde_json::to_vec(failure.payload.as_ref()?).ok()?;
        needs(diagnoser.graph(), resource, &payload, None, &ReadOptions::default()).ok()
    };
    let of_each: Vec<Vec<Need>> = failures.iter().map(|failure| references(failure).unwrap_or_default()).collect();
    let lengths: Vec<usize> = of_each.iter().map(Vec::len).collect();
    let mut all: Vec<Need> = of_each.into_iter().flatten().collect();
    if all.is_empty() {
        context.terminal.say("note: --api: no payload whose references could be looked up; give --payload or --data");
        return Ok(Vec::new());
    }
    prereqs::look_up(&mut all, diagnoser.graph(), context)?;
    let mut all = all.into_iter();
    Ok(lengths.into_iter().map(|length| all.by_ref().take(length).collect()).collect())
}

/// The records of --data.
fn sent<'g>(
    failures: &[Failure],
    diagnoser: &Diagnoser<'g>,
    args: &DiagnoseArgs,
    context: &Context,
) -> anyhow::Result<Option<Sent<'g>>> {
    let Some(path) = &args.data else { return Ok(None) };
    let folder = args.folder.open(path, diagnoser.graph(), &context.terminal)?;
    for unmatched in &folder.unmatched {
        context.terminal.say(&format!("note: {}: {}", unmatched.file, unmatched.reason));
    }
    let mut sent = Sent::new(diagnoser, failures);
    with_progress(context, |progress| -> anyhow::Result<()> {
        let options = args.folder.read(Some(progress));
        for (file, resource) in &folder.files {
            sent.read(*resource, file, &options).with_context(|| file.name.clone())?;
        }
        Ok(())
    })?;
    Ok(Some(sent))
}

/// A failure of one record with that record, where the folder has it.
fn with_record<'f>(failure: &'f Failure, diagnoser: &Diagnoser<'_>, records: Option<&dyn Records>) -> Cow<'f, Failure> {
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

/// Which bundled graphs know a name; they are read when first asked.
fn knowing() -> impl Fn(&str) -> Vec<String> {
    let graphs = std::cell::OnceCell::new();
    let read = || -> Vec<(&'static str, DependencyGraph)> {
        let whole = source::standards().iter().filter_map(|s| Some((s.name, source::standard(s.name).ok()?)));
        whole.filter_map(|(name, model)| Some((name, DependencyGraph::build(model).ok()?))).collect()
    };
    move |name| {
        let knows =
            |graph: &DependencyGraph| graph.find(name).is_ok() || Diagnoser::new(graph).resource(name).is_some();
        let graphs: &Vec<(&str, DependencyGraph)> = graphs.get_or_init(read);
        graphs.iter().filter(|(_, graph)| knows(graph)).map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// Fills in what the input does not tell.
fn complete(failures: &mut Vec<Failure>, args: &DiagnoseArgs) -> anyhow::Result<()> {
    let payload = args.payload.as_deref().map(record).transpose()?;
    for failure in failures.iter_mut() {
        failure.resource = failure.resource.take().or_else(|| args.resource.clone());
        failure.method = failure.method.take().or_else(|| args.method.clone()).map(|m| m.to_ascii_uppercase());
        failure.status = failure.status.or(args.status);
        failure.payload = failure.payload.take().or_else(|| payload.clone());
    }
    failures.retain(|failure| failure.status.is_none_or(|status| status >= 400));
    Ok(())
}

fn record(path: &Path) -> anyhow::Result<Value> {
    let document = metadata::file(path)?;
    let value: Value = serde_json::from_slice(&document.bytes)
        .with_context(|| format!("{}: not a JSON record. Give the one record that was sent", document.name))?;
    if !value.is_object() {
        bail!("{}: not a JSON object. Give the one record that was sent", document.name);
    }
    Ok(value)
}

/// Explain a diagnosis code
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
