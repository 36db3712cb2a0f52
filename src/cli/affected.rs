//! `affected`: what to send again after a correction.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::graph::{self, Authorization, DependencyGraph, ResourceId};
use edfi_plan::model::Text;
use edfi_plan::plan::resend::{Impossible, Resend, Resends, in_order};
use edfi_plan::records::{
    Changed, Folder, KeyValues, Namespaces, PayloadFile, ReadOptions, Scan, Unmatched, Unreadable, WithoutKey,
    affected, key_fields, scan,
};
use edfi_plan::render::{json, text};
use serde::Serialize;

use super::folder::{FolderArgs, payload_file, with_progress};
use super::prereqs::Format;
use super::{Context, Outcome};

#[derive(Debug, Args)]
pub(crate) struct AffectedArgs {
    /// The folder with the payload files [default: data_dir of lightbeam.yaml].
    dir: Option<PathBuf>,

    /// What changed; several are a union.
    #[arg(long, value_name = "FILE|KEY", required = true)]
    changed: Vec<String>,

    #[command(flatten)]
    folder: FolderArgs,

    /// How to print the records.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    changed: usize,
    /// What in the changed files has no key to follow.
    without_key: &'a [WithoutKeyAt],
    /// Lines and items that are no record, and files that could not be read: they may refer to what changed.
    unread: u64,
    /// Files of no resource, for which the same goes.
    unmatched_files: &'a [Unmatched],
    records: &'a [Resend],
    impossible: &'a [Impossible],
}

#[derive(Serialize)]
struct WithoutKeyAt {
    file: String,
    line: u64,
    message: &'static str,
}

/// What a folder says of the changes.
struct Found {
    changed: usize,
    without_key: Vec<WithoutKeyAt>,
    no_records: u64,
    unreadable: Vec<Unreadable>,
    again: Resends,
}

/// Lines of changed files that are told.
const SHOWN: usize = 10;

pub(crate) fn run(args: &AffectedArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "affected")?;
    let dir = FolderArgs::dir(args.dir.as_deref(), context)?;
    let folder = args.folder.open(&dir, &graph, context)?;
    let found = with_progress(context, |progress| {
        let read = args.folder.read(Some(progress));
        follow(args, context, &graph, &dir, &folder, &read)
    })?;
    let unread = found.no_records + found.unreadable.len() as u64;
    let answer = match args.format {
        Format::Text => text::affected(&found.again, context.terminal.width()),
        Format::Json => {
            let Resends { records, impossible, .. } = &found.again;
            let answer = Answer {
                changed: found.changed,
                without_key: &found.without_key,
                unread,
                unmatched_files: &folder.unmatched,
                records,
                impossible,
            };
            json::answer("edfi-plan/affected/1", graph.metadata(), &answer)
        }
    };
    context.terminal.print(&answer)?;
    tell_without_key(&found.without_key, context);
    match found.no_records {
        0 => {}
        1 => context.terminal.say("note: 1 line or item is no record and may refer to it too; see check"),
        many => context
            .terminal
            .say(&format!("note: {many} lines or items are no records and may refer to it too; see check")),
    }
    if let Some(first) = found.unreadable.first() {
        bail!("{}: {}. It may refer to it too; the rest of the folder was followed", first.file, first.reason);
    }
    let left_out = found.no_records > 0 || !found.without_key.is_empty() || !folder.unmatched.is_empty();
    Ok(if left_out || !found.again.impossible.is_empty() { Outcome::Findings } else { Outcome::Answered })
}

/// Finds what changed, and what refers to it.
fn follow(
    args: &AffectedArgs,
    context: &Context,
    graph: &DependencyGraph,
    dir: &Path,
    folder: &Folder,
    read: &ReadOptions<'_>,
) -> anyhow::Result<Found> {
    let namespaces = args.folder.namespaces(context)?;
    let scan = scan(graph, folder, None, read);
    let mut changed = Changed::default();
    let mut without_key = Vec::new();
    for what in &args.changed {
        let path = Path::new(what);
        let mut add = |file: &PayloadFile, id| -> anyhow::Result<()> {
            let without = changed.add_file(&scan, id, file, read).with_context(|| what.clone())?;
            let at = |WithoutKey { line, message }| WithoutKeyAt { file: what.clone(), line, message };
            without_key.extend(without.into_iter().map(at));
            Ok(())
        };
        if let Some(name) = name_within(dir, path)
            && let Some((file, id)) = folder.files.iter().find(|(file, _)| file.name == name)
        {
            add(file, *id)?;
        } else if path.is_file() {
            let (folder, id) = one_file(graph, path, &namespaces)?;
            folder.files.iter().try_for_each(|(file, _)| add(file, id))?;
        } else {
            add_key(graph, &scan, what, &mut changed)?;
        }
    }
    if changed.is_empty() {
        tell_without_key(&without_key, context);
        bail!("{}: no record with a key here", args.changed.join(", "));
    }
    let (records, mut unreadable) = affected(&scan, &changed, read);
    let authorization = Authorization::relationships(graph, &[])?;
    let again = in_order(&scan, &records, &authorization, read);
    unreadable.extend_from_slice(scan.unreadable_files());
    unreadable.extend_from_slice(&again.unreadable);
    unreadable.sort();
    unreadable.dedup();
    Ok(Found { changed: changed.len(), without_key, no_records: scan.unreadable_records(), unreadable, again })
}

/// Says which lines of the changed files were not followed.
fn tell_without_key(lines: &[WithoutKeyAt], context: &Context) {
    for WithoutKeyAt { file, line, message } in lines.iter().take(SHOWN) {
        context.terminal.say(&format!("note: {file}:{line}: {message}; what refers to it is not listed"));
    }
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        context.terminal.say(&format!("note: and {more} more such lines; --format json lists all"));
    }
}

/// The name below the folder of a file in it: of a path that leads there, or of a name as `check` prints it.
fn name_within(dir: &Path, path: &Path) -> Option<String> {
    let below = |path: &Path| -> Option<String> {
        let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
        let parts = parts.map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        });
        Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
    };
    if !path.is_file() {
        return below(path);
    }
    // A link in the folder is known by its own name, one to the folder by that of what it leads to.
    if let Ok(rest) = path.strip_prefix(dir) {
        return below(rest);
    }
    below(path.canonicalize().ok()?.strip_prefix(dir.canonicalize().ok()?).ok()?)
}

/// A file outside the folder with the resource that its name says, or that of the folder it lies in.
fn one_file(graph: &DependencyGraph, path: &Path, namespaces: &Namespaces) -> anyhow::Result<(Folder, ResourceId)> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut folder = Folder::assign(graph, vec![payload_file(path, name.clone())], namespaces);
    if let (true, Some(above)) = (folder.files.is_empty(), path.parent().and_then(Path::file_name)) {
        let name = format!("{}/{name}", above.to_string_lossy());
        let in_folder = Folder::assign(graph, vec![payload_file(path, name)], namespaces);
        folder = if in_folder.files.is_empty() { folder } else { in_folder };
    }
    match (folder.resources().first(), folder.unmatched.first()) {
        (Some(&id), _) => Ok((folder, id)),
        (None, Some(unmatched)) => bail!("{}: {}", path.display(), unmatched.reason),
        (None, None) => bail!("{}: no payload file", path.display()),
    }
}

/// `schools:schoolId=255901001`.
fn add_key(graph: &DependencyGraph, scan: &Scan<'_, '_>, text: &str, changed: &mut Changed) -> anyhow::Result<()> {
    let form = || format!("--changed '{text}': no such file, and no key such as schools:schoolId=255901001");
    let (name, fields) = text.split_once(':').with_context(form)?;
    let graph::Found::Resource(id) = graph.find(name)? else { bail!("{name} is abstract. Name one of its subclasses") };
    let mut values = KeyValues::new();
    for field in fields.split(',') {
        let (field, value) = field.split_once('=').with_context(form)?;
        values.insert(field.trim().into(), value.into());
    }
    let key = key_fields(graph, id);
    // A field that the key does not have may be meant for another.
    let is_of_key = |name: &Text| key.iter().any(|(field, _)| field == name);
    if !values.keys().all(is_of_key) || !changed.add(scan, id, &values) {
        let key: Vec<&str> = key.iter().map(|(field, _)| field.as_str()).collect();
        bail!("--changed '{text}': the key of {} is {}, each of its type", graph.name(id).short(), key.join(", "));
    }
    Ok(())
}
