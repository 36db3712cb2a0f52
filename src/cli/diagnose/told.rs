//! The failures of all inputs, with what the arguments tell of them.

use std::io::{BufRead, BufReader, stdin};
use std::path::Path;

use anyhow::bail;
use edfi_plan::diagnosis::input::{self, Failures};
use edfi_plan::diagnosis::{Body, Failure};
use edfi_plan::source::Document;
use serde_json::Value;

use super::DiagnoseArgs;
use crate::cli::metadata;
use crate::cli::terminal::Terminal;

/// Where failures come from.
pub(super) enum Input {
    File(String),
    Stdin,
    /// What can be read once only, but is needed twice.
    Held(Document),
}

impl Input {
    pub(super) fn of(name: &str, twice: bool) -> anyhow::Result<Self> {
        let stdin = name == "-";
        if !twice && stdin {
            return Ok(Self::Stdin);
        }
        // A pipe can be read once, as stdin can.
        if twice && (stdin || !Path::new(name).is_file()) {
            return Ok(Self::Held(if stdin { metadata::stdin()? } else { metadata::file(Path::new(name))? }));
        }
        // Opened here already, so that a wrong name is said before anything is printed.
        metadata::open(Path::new(name))?;
        Ok(Self::File(name.to_owned()))
    }

    fn failures(&self) -> anyhow::Result<Failures<Box<dyn BufRead + '_>>> {
        let (name, source): (Option<&str>, Box<dyn BufRead>) = match self {
            Self::File(name) => {
                let file = metadata::open(Path::new(name))?;
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
pub(super) struct Told<'a> {
    args: &'a DiagnoseArgs,
    payload: Option<&'a Value>,
    inputs: std::slice::Iter<'a, Input>,
    open: Option<Open<'a>>,
    /// Who is told what is odd about an input, by one of the readings.
    listener: Option<&'a Terminal>,
}

impl<'a> Told<'a> {
    /// The failures of inputs from the first on.
    pub(super) fn of(args: &'a DiagnoseArgs, payload: Option<&'a Value>, inputs: &'a [Input]) -> Self {
        Self { args, payload, inputs: inputs.iter(), open: None, listener: None }
    }

    /// The same where a terminal is told what is odd about an input.
    pub(super) fn saying(self, terminal: &'a Terminal) -> Self {
        Self { listener: Some(terminal), ..self }
    }
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
