//! Payload folders on disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::api::lightbeam::Lightbeam;
use edfi_plan::graph::{DependencyGraph, ResourceId};
use edfi_plan::records::{Folder, Namespaces, PayloadFile, ReadOptions, is_payload_name};

use super::Context;
use super::number::number;
use super::terminal::Terminal;

// How payload files are read.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// The project of bare names that several projects have [default: that of lightbeam.yaml].
    #[arg(long, value_name = "PROJECT")]
    namespace: Option<String>,

    /// The project of one resource: candidates=tpdm; goes before those of lightbeam.yaml.
    #[arg(long, value_name = "NAME=PROJECT")]
    namespace_override: Vec<String>,

    /// The longest record that is read, in MiB [default: 64].
    #[arg(long, value_name = "MIB", value_parser = number::<u64>(1..=4000))]
    max_record: Option<u64>,
}

/// The longest record that is read, in MiB, unless somebody says otherwise.
const MAX_RECORD: u64 = 64;

impl FolderArgs {
    /// The folder that was given, else the one that lightbeam reads, relative to the working directory as
    /// it is there.
    pub(crate) fn dir(given: Option<&Path>, context: &Context) -> anyhow::Result<PathBuf> {
        if let Some(dir) = given {
            return Ok(dir.to_owned());
        }
        let configured = context.sources.lightbeam(&context.terminal)?;
        let Some(dir) = configured.map(Lightbeam::data_dir).transpose()?.flatten() else {
            bail!(
                "no folder of payloads was given. Name it, or set data_dir in a lightbeam.yaml here or given with -c"
            );
        };
        context.terminal.say(&format!("using {dir} (data_dir of lightbeam.yaml)"));
        let at_home = dir.strip_prefix("~/").and_then(|below| Some(etcetera::home_dir().ok()?.join(below)));
        Ok(at_home.unwrap_or_else(|| PathBuf::from(dir)))
    }

    /// Refuses to be told how a folder is read where none is: somebody who says it expects something of it.
    pub(crate) fn refuse_idle(&self, folder: bool) -> anyhow::Result<()> {
        let given = self.namespace.is_some() || !self.namespace_override.is_empty() || self.max_record.is_some();
        if given && !folder {
            bail!(
                "--namespace, --namespace-override and --max-record are for payload folders: add --data DIR, or leave \
                 them out"
            );
        }
        Ok(())
    }

    /// The payload files of a folder with their resources; says what is odd about them and which are left out.
    pub(crate) fn open(&self, path: &Path, graph: &DependencyGraph, context: &Context) -> anyhow::Result<Folder> {
        let folder = self.assigned(path, graph, context)?;
        for unmatched in &folder.unmatched {
            context.terminal.say(&format!("note: left out: {}: {}", unmatched.file, unmatched.reason));
        }
        Ok(folder)
    }

    /// As [`FolderArgs::open`], for an answer that lists itself what is left out.
    pub(crate) fn assigned(&self, path: &Path, graph: &DependencyGraph, context: &Context) -> anyhow::Result<Folder> {
        let namespaces = self.namespaces(context)?;
        let files = payload_files(path, &context.terminal)?;
        if files.is_empty() {
            bail!(
                "{}: no payload files here. Expected are files such as students.jsonl or folders such as students/",
                path.display()
            );
        }
        let folder = Folder::assign(graph, files, &namespaces);
        for (resource, files) in &folder.spellings {
            context.terminal.say(&format!("note: {} are all read as {}", files.join(" and "), resource.short()));
        }
        Ok(folder)
    }

    /// The projects of bare names: those of the command line before those of lightbeam.yaml.
    pub(crate) fn namespaces(&self, context: &Context) -> anyhow::Result<Namespaces> {
        let mut namespaces = match context.sources.lightbeam(&context.terminal)? {
            Some(configured) => {
                Namespaces { default: configured.namespace()?, overrides: configured.namespace_overrides()? }
            }
            None => Namespaces::default(),
        };
        for text in &self.namespace_override {
            let Some((name, project)) = text.split_once('=') else {
                bail!("--namespace-override '{text}' is not of the form candidates=tpdm");
            };
            namespaces.overrides.retain(|known, _| !known.eq_ignore_ascii_case(name));
            namespaces.overrides.insert(name.to_owned(), project.to_owned());
        }
        if self.namespace.is_some() {
            namespaces.default.clone_from(&self.namespace);
        }
        Ok(namespaces)
    }

    /// How to read: a thread a core.
    pub(crate) fn read<'p>(&self, progress: Option<&'p AtomicU64>) -> ReadOptions<'p> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let max_record = usize::try_from(self.max_record.unwrap_or(MAX_RECORD) << 20).unwrap_or(usize::MAX);
        ReadOptions { threads, max_record, progress }
    }
}

/// Resources by name; of an abstract one all subclasses.
pub(crate) fn named(graph: &DependencyGraph, names: &[String]) -> anyhow::Result<BTreeSet<ResourceId>> {
    let mut ids = BTreeSet::new();
    for name in names.iter().filter(|name| !name.trim().is_empty()) {
        ids.extend(graph.find_all(name)?);
    }
    Ok(ids)
}

/// A single payload file.
pub(crate) fn payload_file(path: &Path, name: String) -> PayloadFile {
    let path = path.to_owned();
    PayloadFile { name, open: Box::new(move || Ok(Box::new(File::open(&path)?))) }
}

/// All payload files below a folder. Folders are entered once, however many links lead to them.
fn payload_files(root: &Path, terminal: &Terminal) -> anyhow::Result<Vec<PayloadFile>> {
    if !root.is_dir() {
        let what = if root.exists() { "not a folder" } else { "no such folder" };
        bail!("{}: {what}. Give the folder that holds the payload files", root.display());
    }
    let mut files = Vec::new();
    let mut entered = BTreeSet::from([root.canonicalize().with_context(|| root.display().to_string())?]);
    let mut open: Vec<(PathBuf, String)> = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        let mut entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| folder.display().to_string())?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let base = entry.file_name().to_string_lossy().into_owned();
            if base.starts_with('.') {
                continue;
            }
            let (path, name) = (entry.path(), format!("{prefix}{base}"));
            match fs::metadata(&path) {
                Ok(found) if found.is_dir() => {
                    if entered.insert(path.canonicalize().with_context(|| name.clone())?) {
                        open.push((path, format!("{name}/")));
                    } else {
                        terminal.say(&format!("note: {name} leads to a folder that is read already"));
                    }
                }
                Ok(_) if is_payload_name(&base) => files.push(payload_file(&path, name)),
                Ok(_) => {}
                // A link that leads nowhere or in a circle is reported when it is opened.
                Err(_) if is_payload_name(&base) => files.push(payload_file(&path, name)),
                Err(error) => terminal.say(&format!("note: {name}: {error}")),
            }
        }
    }
    Ok(files)
}

/// Runs work that counts the bytes it reads, with a line on stderr while it takes more than a second
/// and somebody looks.
pub(crate) fn with_progress<T: Send>(context: &Context, work: impl FnOnce(&AtomicU64) -> T + Send) -> T {
    let bytes = AtomicU64::new(0);
    if !context.terminal.is_watched() {
        return work(&bytes);
    }
    let (done, finished) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let bytes = &bytes;
        scope.spawn(move || {
            let mut shown = false;
            let mut pause = Duration::from_secs(1);
            while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = finished.recv_timeout(pause) {
                context.terminal.progress(&format!("read {} MiB", bytes.load(Ordering::Relaxed) >> 20));
                shown = true;
                pause = Duration::from_millis(200);
            }
            if shown {
                context.terminal.progress("");
            }
        });
        let result = work(bytes);
        drop(done);
        result
    })
}
