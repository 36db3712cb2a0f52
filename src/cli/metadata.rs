//! From what `-m` names to a graph.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use anyhow::{Context as _, bail};
use edfi_plan::api::Api;
use edfi_plan::api::lightbeam::Lightbeam;
use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{Model, Published};
use edfi_plan::source::{self, DEFAULT, Document, SourceError};

use super::live::{self, LiveArgs};
use super::terminal::Terminal;

/// The largest document that is read, in bytes: thirty times the largest real one.
const LARGEST: u64 = 256 << 20;

/// Files that are read beside the first.
const READ_BESIDE: usize = 8;

/// What `-m` and `--without` name.
pub(crate) struct Sources {
    names: Vec<String>,
    without: Vec<String>,
    live: LiveArgs,
    /// Read when it is first asked for.
    lightbeam: OnceLock<Option<Lightbeam>>,
    /// What can be had, or should be asked for, once only: stdin and APIs.
    had: Mutex<BTreeMap<String, Vec<Document>>>,
}

impl Sources {
    pub(crate) fn new(mut names: Vec<String>, without: Vec<String>, live: LiveArgs) -> Self {
        // A configuration that is named and nothing else means its API, where it has one.
        if names.is_empty() && live.names_api() {
            names.push(live::CONFIGURED.to_owned());
        }
        Self { names, without, live, lightbeam: OnceLock::new(), had: Mutex::default() }
    }

    /// The sources and others, as `import` takes them.
    pub(crate) fn and(&self, names: &[String]) -> Self {
        Self::new([&self.names, names].concat(), self.without.clone(), self.live.clone())
    }

    /// Whether none was named.
    pub(crate) fn is_default(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether a file is one of the documents, by its own name or by that of its directory.
    pub(crate) fn reads(&self, file: &Path) -> bool {
        let Ok(file) = file.canonicalize() else { return false };
        let is_source = |name: &String| {
            let source = Path::new(name).canonicalize().ok().filter(|_| !is_bundled(name));
            source.is_some_and(|source| source == file || (is_document(&file) && file.parent() == Some(&source)))
        };
        self.names.iter().any(is_source)
    }

    /// Stdin as a document that is no metadata.
    pub(crate) fn stdin(&self) -> anyhow::Result<Document> {
        if self.names.iter().any(|name| name == "-") {
            bail!("-: stdin can be read once only; give the metadata or the other document as a file");
        }
        stdin()
    }

    /// The configuration of lightbeam, if there is one.
    pub(crate) fn lightbeam(&self, terminal: &Terminal) -> anyhow::Result<Option<&Lightbeam>> {
        if let Some(known) = self.lightbeam.get() {
            return Ok(known.as_ref());
        }
        let found = self.live.configuration(terminal)?;
        Ok(self.lightbeam.get_or_init(|| found).as_ref())
    }

    /// Does something with the records of the API among the sources, or else of the one that is configured.
    pub(crate) fn with_records<T>(
        &self,
        terminal: &Terminal,
        work: impl FnOnce(&Api<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut apis = self.names.iter().filter(|name| live::is_api(name));
        match (apis.next(), apis.next()) {
            (Some(one), Some(other)) if one != other => {
                bail!("--api: -m names two APIs, {one} and {other}; name the one whose records are meant")
            }
            (only, _) => self.live.with_records(only.map(String::as_str), self.bundled(), terminal, work),
        }
    }

    /// The order that an API publishes.
    pub(crate) fn published_by(&self, name: &str, terminal: &Terminal) -> anyhow::Result<Document> {
        self.live.published(name, self.bundled(), terminal)
    }

    /// The bundled graph that is used, where it is the only source.
    fn bundled(&self) -> Option<&str> {
        match self.names.as_slice() {
            [] => Some(DEFAULT),
            [only] if is_bundled(only) => Some(only.as_str()),
            _ => None,
        }
    }

    /// The order that the only source publishes, where it is no metadata but the order of an API.
    pub(crate) fn published(&self, terminal: &Terminal) -> anyhow::Result<Option<Published>> {
        let [only] = self.names.as_slice() else { return Ok(None) };
        let path = Path::new(only);
        // JSON metadata is an object, and no metadata is XML.
        let publishes = |first: Option<u8>| matches!(first, Some(b'[' | b'<'));
        let document = if only == "-" || live::is_api(only) {
            match self.once(only, terminal)?.as_slice() {
                [document] if publishes(first_character(only, document.bytes.as_slice())?) => document.clone(),
                _ => return Ok(None),
            }
        } else if !is_bundled(only) && path.is_file() {
            let opened = fs::File::open(path).with_context(|| only.clone())?;
            if !publishes(first_character(only, opened)?) {
                return Ok(None);
            }
            file(path)?
        } else {
            return Ok(None);
        };
        // What is no document of an order is refused as metadata, by name.
        let is_order = source::recognised(&document).is_ok();
        Ok(is_order.then(|| source::read_published(&document)).transpose()?)
    }

    /// The graph of all sources together; says which graph is used where none was named.
    ///
    /// It lives as long as the process: to take it apart at the end would be a part of every answer.
    pub(crate) fn graph(&self, terminal: &Terminal) -> anyhow::Result<ManuallyDrop<DependencyGraph>> {
        let model = self.model(terminal)?;
        for limit in &model.metadata.limits {
            terminal.say(&format!("note: {limit}"));
        }
        Ok(ManuallyDrop::new(DependencyGraph::build(model)?))
    }

    /// The graph of all sources together, for what looks into records: edges alone do not tell where.
    pub(crate) fn described(&self, terminal: &Terminal, what: &str) -> anyhow::Result<ManuallyDrop<DependencyGraph>> {
        let graph = self.graph(terminal)?;
        if graph.model().edges_only() {
            bail!("{what} needs JSON paths and keys; this metadata has edges only. {}", richer(&graph));
        }
        Ok(graph)
    }

    /// The model of all sources together.
    pub(crate) fn model(&self, terminal: &Terminal) -> anyhow::Result<Model> {
        if self.names.is_empty() {
            terminal.say(&format!("using {DEFAULT} (bundled; -m names another)"));
        }
        let default = [DEFAULT.to_owned()];
        let names = if self.names.is_empty() { &default[..] } else { &self.names };
        match names {
            // The straight way: nothing to merge, nothing to leave out.
            [only] if is_bundled(only) && self.without.is_empty() => Ok(source::standard(only)?),
            _ => Ok(source::read(&self.documents(names, terminal)?, &self.without)?),
        }
    }

    /// The documents of stdin or of an API, however often they are asked for.
    fn once(&self, name: &str, terminal: &Terminal) -> anyhow::Result<Vec<Document>> {
        let mut had = self.had.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(documents) = had.get(name) {
            return Ok(documents.clone());
        }
        let documents = if name == "-" { vec![stdin()?] } else { self.live.documents(name, terminal)? };
        had.insert(name.to_owned(), documents.clone());
        Ok(documents)
    }

    fn documents(&self, names: &[String], terminal: &Terminal) -> anyhow::Result<Vec<Document>> {
        let is_path = |name: &str| name != "-" && !live::is_api(name) && !is_bundled(name);
        thread::scope(|scope| {
            // Memory that is touched for the first time is most of what reading costs, and threads share that.
            let beside = |place: usize, name: &str| (1..=READ_BESIDE).contains(&place) && is_path(name);
            let all = names.iter().enumerate();
            let reading = all.map(|(place, name)| beside(place, name).then(|| scope.spawn(|| files(name))));
            let reading: Vec<_> = reading.collect();
            let mut documents = Vec::new();
            let mut stdin_read = false;
            for (name, reading) in names.iter().zip(reading) {
                if name == "-" && std::mem::replace(&mut stdin_read, true) {
                    bail!("-: stdin can be read once only");
                }
                match reading {
                    Some(reading) => {
                        documents.extend(reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
                    }
                    None if name == "-" || live::is_api(name) => documents.extend(self.once(name, terminal)?),
                    None if is_bundled(name) => documents.push(bundled(name)?),
                    None => documents.extend(files(name)?),
                }
            }
            Ok(documents)
        })
    }
}

/// Refuses to tell required references apart where no document does.
pub(crate) fn tells_required(graph: &DependencyGraph, asked: bool) -> anyhow::Result<()> {
    if asked && graph.model().edges_only() {
        bail!("--required-only: this metadata does not tell which references are required. {}", richer(graph));
    }
    Ok(())
}

/// What to give in place of edges.
pub(crate) fn richer(graph: &DependencyGraph) -> String {
    source::instead_of(graph.model().resources.iter().map(|resource| &resource.name))
}

/// Whether a name is that of a bundled graph, with or without parts. A path never is.
fn is_bundled(name: &str) -> bool {
    let core = name.split('+').next().unwrap_or_default();
    source::standards().iter().any(|standard| standard.name.eq_ignore_ascii_case(core))
}

/// A bundled graph as a document, to be merged with others.
pub(crate) fn bundled(name: &str) -> anyhow::Result<Document> {
    let model = source::standard(name)?;
    Ok(Document { name: name.to_owned(), bytes: source::write_graph(&model)?.into_bytes() })
}

/// Reads stdin as a document.
pub(crate) fn stdin() -> anyhow::Result<Document> {
    let mut bytes = Vec::new();
    std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes).context("stdin")?;
    checked(Document { name: "-".to_owned(), bytes })
}

fn checked(document: Document) -> anyhow::Result<Document> {
    if document.bytes.len() as u64 > LARGEST {
        bail!("{}: larger than {} MiB. No Ed-Fi metadata is this large", document.name, LARGEST >> 20);
    }
    Ok(document)
}

/// The document of a file, or all documents of a directory.
fn files(name: &str) -> anyhow::Result<Vec<Document>> {
    let path = Path::new(name);
    if path.is_dir() {
        return directory(path);
    }
    if !path.exists() {
        let known: Vec<&str> = source::standards().iter().map(|s| s.name).collect();
        bail!("{name}: no such file, and no bundled graph of that name. Bundled are {}", known.join(", "));
    }
    Ok(vec![file(path)?])
}

/// The first character of a file that means something.
fn first_character(name: &str, source: impl Read) -> anyhow::Result<Option<u8>> {
    let mut bytes = BufReader::new(source).bytes();
    let means_nothing = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
    bytes.find(|byte| !byte.as_ref().is_ok_and(means_nothing)).transpose().with_context(|| name.to_owned())
}

/// Opens a file; where there is none, says so with the way out.
pub(crate) fn open(path: &Path) -> anyhow::Result<fs::File> {
    let name = path.display();
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => bail!("{name}: a folder. Give a file"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!("{name}: no such file. Check the path"),
        _ => fs::File::open(path).with_context(|| name.to_string()),
    }
}

/// Reads a file as a document.
pub(crate) fn file(path: &Path) -> anyhow::Result<Document> {
    let name = path.display().to_string();
    let reader = open(path)?;
    // A buffer of the right size from the start: growing one touches three times the memory.
    let size = reader.metadata().map_or(0, |metadata| metadata.len().min(LARGEST));
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    reader.take(LARGEST + 1).read_to_end(&mut bytes).with_context(|| name.clone())?;
    checked(Document { name, bytes })
}

/// Every document of a directory; files of other kinds are passed over.
fn directory(path: &Path) -> anyhow::Result<Vec<Document>> {
    let name = path.display().to_string();
    let entries = fs::read_dir(path).with_context(|| name.clone())?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>().with_context(|| name.clone())?;
    files.retain(|file| is_document(file));
    files.sort();
    let mut documents = Vec::new();
    let mut passed_over: Option<SourceError> = None;
    for path in files {
        let document = file(&path)?;
        match source::recognised(&document) {
            Ok(()) => documents.push(document),
            Err(error) => passed_over = passed_over.or(Some(error)),
        }
    }
    match (documents.is_empty(), passed_over) {
        (true, Some(error)) => {
            Err(anyhow::Error::new(error).context(format!("{name}: no metadata document in this directory")))
        }
        (true, None) => bail!(
            "{name}: no metadata document in this directory. Give a file, or a directory with .json or .yaml files"
        ),
        (false, _) => Ok(documents),
    }
}

/// Whether a file of a directory is looked into.
fn is_document(file: &Path) -> bool {
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    file.is_file() && METADATA_EXTENSIONS.contains(&extension.as_str())
}

const METADATA_EXTENSIONS: [&str; 5] = ["json", "yaml", "yml", "graphml", "xml"];
