//! `diagnose` and `explain`: what an error message means.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write, stdin, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use edfi_plan::diagnosis::cascade::{Cascade, Sent, Wanted};
use edfi_plan::diagnosis::input::{self, Failures};
use edfi_plan::diagnosis::{Body, Code, Diagnoser, Diagnosis, Failure};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::records::{Folder, Need, OwnNeeds, Standing, implied};
use edfi_plan::render::{json, text};
use edfi_plan::source::{self, Document};
use serde_json::Value;

use super::folder::{FolderArgs, with_progress};
use super::number::number;
use super::prereqs::{self, Format};
use super::terminal::Terminal;
use super::{Context, Outcome, metadata};

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
    let failures = || Told { args, payload: payload.as_ref(), inputs: inputs.iter(), open: None, listener: None };
    let folder = args.data.as_deref().map(|path| args.folder.open(path, &graph, context)).transpose()?;
    let sent = folder.as_ref().map(|folder| sent(folder, failures(), &diagnoser, args, context)).transpose()?;
    let records = sent.as_ref();
    let asks = args.api && (args.format == Format::Json || shows_answers(failures(), context)?);
    let on_server = if asks { OnServer::asked(failures(), &diagnoser, records, context)? } else { OnServer::default() };
    let mut cascade = Cascade::new(&diagnoser, records);
    let mut failures = Told { listener: Some(&context.terminal), ..failures() }.peekable();
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
                    let found = in_folder(&failure, diagnoser.diagnose_on(&failure, on_server.of(0)));
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
                let found = in_folder(failure, diagnoser.diagnose_on(failure, on_server.of(number)));
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

/// How the references of each payload stand on the API, each reference once: many payloads have the same.
#[derive(Default)]
struct OnServer {
    needs: Vec<Need>,
    /// Of each failure the places of its needs.
    of_each: Vec<Vec<usize>>,
}

/// The most records that are looked up on an API.
const LOOKED_UP: usize = 1000;

impl OnServer {
    fn asked(
        failures: Told<'_>,
        diagnoser: &Diagnoser<'_>,
        records: Option<&Sent<'_, '_>>,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let mut own = OwnNeeds::new(diagnoser.graph());
        let mut references = |failure: &Failure| {
            let failure = with_record(failure, diagnoser, records);
            let resource = failure.resource.as_deref().and_then(|text| diagnoser.resource(text))?;
            let payload = serde_json::to_vec(failure.payload.as_ref()?).ok()?;
            own.of(resource, &payload).ok()
        };
        let mut found = Self::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut keys: HashSet<String> = HashSet::new();
        for failure in failures {
            let mut here = Vec::new();
            for need in references(&failure?).unwrap_or_default() {
                if !need.key.is_empty() {
                    keys.insert(serde_json::to_string(&(&need.target, &need.key))?);
                }
                if keys.len() > LOOKED_UP {
                    bail!(
                        "--api: the payloads refer to more than {LOOKED_UP} records, and no more are looked up. Give fewer failures"
                    );
                }
                here.push(match places.entry(serde_json::to_string(&need)?) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        found.needs.push(need);
                        *new.insert(found.needs.len() - 1)
                    }
                });
            }
            found.of_each.push(here);
        }
        if found.needs.is_empty() {
            let note = "note: --api: no payload whose references could be looked up; give --payload or --data";
            context.terminal.say(note);
        } else {
            prereqs::look_up(&mut found.needs, diagnoser.graph(), context)?;
            found.ask_further(diagnoser.graph(), context)?;
        }
        Ok(found)
    }

    /// Asks what the records that are not there need in turn, as far as their keys tell.
    fn ask_further(&mut self, graph: &DependencyGraph, context: &Context) -> anyhow::Result<()> {
        let mut further: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut from = 0;
        // Every round goes one reference further; what is needed in circles is asked for once.
        let mut known: HashMap<String, usize> = HashMap::new();
        while from < self.needs.len() && self.needs.len() < LOOKED_UP {
            let until = self.needs.len();
            for place in from..until {
                let lacking = self.needs.get(place).filter(|need| need.standing == Standing::Missing);
                for need in lacking.map(|need| implied(graph, need)).unwrap_or_default() {
                    let at = match known.entry(serde_json::to_string(&(&need.of, &need.path, &need.key))?) {
                        Entry::Occupied(known) => *known.get(),
                        Entry::Vacant(new) => {
                            self.needs.push(need);
                            *new.insert(self.needs.len() - 1)
                        }
                    };
                    further.entry(place).or_default().push(at);
                }
            }
            from = until;
            let new = self.needs.get_mut(until..).unwrap_or_default();
            if !new.is_empty() {
                prereqs::ask(new, graph, context)?;
            }
        }
        for places in &mut self.of_each {
            let mut seen: HashSet<usize> = places.iter().copied().collect();
            let mut next = 0;
            while let Some(place) = places.get(next) {
                let more = further.get(place).into_iter().flatten().copied().filter(|place| seen.insert(*place));
                places.extend(more.collect::<Vec<_>>());
                next += 1;
            }
        }
        Ok(())
    }

    /// Of a failure by its number.
    fn of(&self, number: usize) -> Vec<Need> {
        let places = self.of_each.get(number).into_iter().flatten();
        places.filter_map(|place| self.needs.get(*place).cloned()).collect()
    }
}

/// Where failures come from.
enum Input {
    File(String),
    Stdin,
    /// What can be read once only, but is needed twice.
    Held(Document),
}

impl Input {
    fn of(name: &str, twice: bool) -> anyhow::Result<Self> {
        let stdin = name == "-";
        if !twice && stdin {
            return Ok(Self::Stdin);
        }
        // A pipe can be read once, as stdin can.
        if twice && (stdin || !Path::new(name).is_file()) {
            return Ok(Self::Held(if stdin { metadata::stdin()? } else { metadata::file(Path::new(name))? }));
        }
        // Opened here already, so that a wrong name is said before anything is printed.
        File::open(name).with_context(|| name.to_owned())?;
        Ok(Self::File(name.to_owned()))
    }

    fn failures(&self) -> anyhow::Result<Failures<Box<dyn BufRead + '_>>> {
        let (name, source): (Option<&str>, Box<dyn BufRead>) = match self {
            Self::File(name) => {
                let file = File::open(name).with_context(|| name.clone())?;
                (Some(name), Box::new(BufReader::with_capacity(READ, file)))
            }
            Self::Stdin => (None, Box::new(BufReader::with_capacity(READ, stdin()))),
            Self::Held(document) => {
                (Some(document.name.as_str()).filter(|name| *name != "-"), Box::new(document.bytes.as_slice()))
            }
        };
        Ok(input::failures(name, source))
    }

    fn name(&self) -> &str {
        match self {
            Self::File(name) => name,
            Self::Stdin => "-",
            Self::Held(document) => &document.name,
        }
    }
}

/// Bytes that are read at a time.
const READ: usize = 256 * 1024;

/// The failures of all inputs, with what the arguments tell of them.
struct Told<'a> {
    args: &'a DiagnoseArgs,
    payload: Option<&'a Value>,
    inputs: std::slice::Iter<'a, Input>,
    open: Option<Open<'a>>,
    /// Who is told what is odd about an input, by one of the readings.
    listener: Option<&'a Terminal>,
}

/// An input that is being read.
struct Open<'a> {
    input: &'a Input,
    failures: Failures<Box<dyn BufRead + 'a>>,
    /// Whether it had any failure.
    any: bool,
}

impl Iterator for Told<'_> {
    type Item = anyhow::Result<Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(Open { input, failures, any }) = &mut self.open else {
                let input = self.inputs.next()?;
                match input.failures() {
                    Ok(failures) => self.open = Some(Open { input, failures, any: false }),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            match failures.next() {
                Some(Ok(failure)) => {
                    *any = true;
                    let failure = self.told(failure);
                    if failure.status.is_none_or(|status| status >= 400) {
                        return Some(Ok(failure));
                    }
                }
                Some(Err(error)) => return Some(Err(anyhow::Error::new(error).context(input.name().to_owned()))),
                None => {
                    let (blank, cut, any, input) = (failures.blank(), failures.cut(), *any, *input);
                    self.open = None;
                    if blank && let Some(failure) = self.unsaid(input).transpose() {
                        return Some(failure);
                    }
                    if let Some(line) = cut
                        && let Err(error) = self.cut_short(input, line, any)
                    {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}

impl Told<'_> {
    /// Says that a list breaks off; one without a failure before tells nothing at all.
    fn cut_short(&self, input: &Input, line: usize, any: bool) -> anyhow::Result<()> {
        let name = input.name();
        if !any {
            bail!("{name}: line {line}: the list breaks off here, with no failure before. Give the whole file");
        }
        if let Some(terminal) = self.listener {
            terminal.say(&format!("note: {name}: line {line}: the list breaks off here; what followed is not known"));
        }
        Ok(())
    }

    /// What an input without a word in it stands for: the failure that --status tells of; on stdin
    /// otherwise a request that was never sent, for one. Only a file may list nothing.
    fn unsaid(&self, input: &Input) -> anyhow::Result<Option<Failure>> {
        match self.args.status {
            Some(status) if status >= 400 => Ok(Some(self.told(Failure::new(Body::Text(String::new()))))),
            None if input.name() == "-" => {
                bail!("-: nothing to read. Give what the API answered, or --status where it answered without a body")
            }
            _ => Ok(None),
        }
    }

    /// Fills in what the input does not tell.
    fn told(&self, mut failure: Failure) -> Failure {
        let args = self.args;
        failure.resource = failure.resource.take().or_else(|| args.resource.clone());
        failure.method = failure.method.take().or_else(|| args.method.clone()).map(|m| m.to_ascii_uppercase());
        failure.status = failure.status.or(args.status);
        failure.payload = failure.payload.take().or_else(|| self.payload.cloned());
        failure
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
