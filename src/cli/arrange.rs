//! `arrange`: files in the order in which to send them.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::plan::arrange::{Arrangement, arrange};
use edfi_plan::records::scan;
use edfi_plan::render::{json, text};

use super::folder::{FolderArgs, with_progress};
use super::order::AuthorizationArgs;
use super::prereqs::Format;
use super::{Context, Outcome, output};

/// The list of files; no loader takes it for a payload.
const INDEX: &str = "_index.json";

#[derive(Debug, Args)]
pub(crate) struct ArrangeArgs {
    /// The folder with the payload files [default: data_dir of lightbeam.yaml].
    dir: Option<PathBuf>,

    /// The folder to write; it must be new or empty. Folders above it are made.
    #[arg(short, long, value_name = "OUT", required_unless_present = "dry_run")]
    out: Option<PathBuf>,

    /// Write into a folder that has files; an earlier arrangement in it is replaced.
    #[arg(long)]
    force: bool,

    /// Only print what would be written.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    authorization: AuthorizationArgs,

    #[command(flatten)]
    folder: FolderArgs,

    /// How to print the plan.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &ArrangeArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "arrange")?;
    let authorization = args.authorization.of(&graph)?;
    let out = args.out.as_deref().filter(|_| !args.dry_run);
    let dir = FolderArgs::dir(args.dir.as_deref(), context)?;
    if let Some(out) = out {
        ensure_writable(out, &dir, args.force)?;
    }
    let folder = args.folder.assigned(&dir, &graph, context)?;
    let arrangement = with_progress(context, |progress| -> anyhow::Result<Arrangement> {
        let read = args.folder.read(Some(progress));
        let scan = scan(&graph, &folder, None, &read);
        let arrangement = arrange(&scan, &folder, &authorization, &read);
        if let Some(failed) = arrangement.unreadable.first() {
            bail!("{}: {}. Nothing was written", failed.file, failed.reason);
        }
        if let Some(out) = out {
            let index = json::answer("edfi-plan/arrange/1", graph.metadata(), &arrangement);
            let name = || out.display().to_string();
            let place = movable_into(out);
            // Moved when all is there: nobody sees half of it. The error of the crate names the temporary folder,
            // which nobody knows.
            let hidden = tempfile::Builder::new().prefix(".edfi-plan-").tempdir_in(place);
            let hidden = hidden.map_err(|error| std::io::Error::from(error.kind())).with_context(|| {
                format!("{}: nothing can be written in {}, name another folder", out.display(), place.display())
            })?;
            let create = |file: &str| fs::File::create(hidden.path().join(file)).map(BufWriter::new);
            arrangement.write(&scan, &read, create).with_context(name)?;
            fs::create_dir_all(out).with_context(name)?;
            remove_earlier(out)?;
            for file in &arrangement.files {
                fs::rename(hidden.path().join(&file.file), out.join(&file.file)).with_context(|| file.file.clone())?;
            }
            output::write(&out.join(INDEX), index.as_bytes())?;
        }
        Ok(arrangement)
    })?;
    let answer = match args.format {
        Format::Text => text::arrangement(&arrangement, context.terminal.width()),
        Format::Json => json::answer("edfi-plan/arrange/1", graph.metadata(), &arrangement),
    };
    context.terminal.print(&answer)?;
    Ok(if arrangement.is_whole() { Outcome::Answered } else { Outcome::Findings })
}

/// Before anything is read: the folder to write must not hold what would be lost.
fn ensure_writable(out: &Path, dir: &Path, force: bool) -> anyhow::Result<()> {
    if out.exists() && !out.is_dir() {
        bail!("{}: not a folder. Name a new one", out.display());
    }
    let has_files = out.is_dir() && fs::read_dir(out).with_context(|| out.display().to_string())?.next().is_some();
    if has_files && !force {
        bail!("{}: not empty. Name a new folder, or write into it with --force", out.display());
    }
    // What is yet to be made lies where the nearest folder above it does.
    if let (Ok(from), Ok(to)) = (dir.canonicalize(), existing(out).canonicalize())
        && to.starts_with(&from)
    {
        bail!("{}: lies in the folder that is arranged. Name one outside it", out.display());
    }
    Ok(())
}

/// Where files can be written that are then moved into a folder: beside it, or in it where it is on another disk
/// than what is beside it, as a folder is that a container mounts.
fn movable_into(out: &Path) -> &Path {
    let beside = existing(out.parent().unwrap_or(out));
    if out.is_dir() && !on_one_disk(beside, out) { out } else { beside }
}

#[cfg(unix)]
fn on_one_disk(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let disk = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    disk(one) == disk(other)
}

#[cfg(not(unix))]
fn on_one_disk(_: &Path, _: &Path) -> bool {
    true
}

/// The nearest folder that there is: a path itself, or one above it.
fn existing(path: &Path) -> &Path {
    let above = path.ancestors().map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
    above.into_iter().find(|above| above.exists()).unwrap_or(Path::new("."))
}

/// Removes the files that the index of an earlier arrangement lists, and nothing else.
fn remove_earlier(out: &Path) -> anyhow::Result<()> {
    let Ok(bytes) = fs::read(out.join(INDEX)) else { return Ok(()) };
    let index: serde_json::Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: not an index of edfi-plan", out.join(INDEX).display()))?;
    for file in index.get("files").and_then(serde_json::Value::as_array).into_iter().flatten() {
        let name = file.get("file").and_then(serde_json::Value::as_str).unwrap_or_default();
        let plain = !name.is_empty() && Path::new(name).file_name() == Some(name.as_ref());
        if plain && out.join(name).is_file() {
            fs::remove_file(out.join(name)).with_context(|| name.to_owned())?;
        }
    }
    Ok(())
}
