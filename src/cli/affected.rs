//! `affected`: what to send again after a correction.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::graph::{Authorization, DependencyGraph, Found, ResourceId};
use edfi_plan::plan::resend::{Resend, in_load_order};
use edfi_plan::records::{
    Affected, Changed, Folder, KeyValues, Namespaces, PayloadFile, Scan, Unreadable, affected, scan,
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
struct Answer<'a> {
    changed: usize,
    /// Lines and items that are no record, and files that could not be read: they may refer to what changed.
    unread: u64,
    records: &'a [Resend],
}

pub(crate) fn run(args: &AffectedArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "affected")?;
    let dir = FolderArgs::dir(args.dir.as_deref(), context)?;
    let folder = args.folder.open(&dir, &graph, context)?;
    let namespaces = args.folder.namespaces(context)?;
    let (changed, no_records, unreadable, records) =
        with_progress(context, |progress| -> anyhow::Result<(usize, u64, Vec<Unreadable>, Vec<Affected>)> {
            let read = args.folder.read(Some(progress));
            let scan = scan(&graph, &folder, None, &read);
            let mut changed = Changed::default();
            for what in &args.changed {
                let path = Path::new(what);
                let mut add = |file: &PayloadFile, id| match changed.add_file(&scan, id, file, &read).first() {
                    Some(failed) => bail!("{}: {}", failed.file, failed.reason),
                    None => Ok(()),
                };
                if let Some(name) = name_within(&dir, path)
                    && let Some((file, id)) = folder.files.iter().find(|(file, _)| file.name == name)
                {
                    add(file, *id)?;
                } else if path.is_file() {
                    let (folder, id) = one_file(&graph, path, &namespaces)?;
                    folder.files.iter().try_for_each(|(file, _)| add(file, id))?;
                } else {
                    add_key(&graph, &scan, what, &mut changed)?;
                }
            }
            if changed.is_empty() {
                bail!("{}: no record with a key here", args.changed.join(", "));
            }
            let (records, mut unreadable) = affected(&scan, &changed, &read);
            unreadable.extend_from_slice(scan.unreadable_files());
            unreadable.sort();
            unreadable.dedup();
            Ok((changed.len(), scan.unreadable_records(), unreadable, records))
        })?;
    let authorization = Authorization::relationships(&graph, &[])?;
    let records = in_load_order(&graph, records, authorization)?;
    let unread = no_records + unreadable.len() as u64;
    let answer = match args.format {
        Format::Text => text::affected(&records),
        Format::Json => {
            let answer = Answer { changed, unread, records: &records };
            json::answer("edfi-plan/affected/1", graph.metadata(), &answer)
        }
    };
    context.terminal.print(&answer)?;
    match no_records {
        0 => {}
        1 => context.terminal.say("note: 1 line or item is no record and may refer to it too; see check"),
        many => context
            .terminal
            .say(&format!("note: {many} lines or items are no records and may refer to it too; see check")),
    }
    if let Some(first) = unreadable.first() {
        bail!("{}: {}. It may refer to it too; the rest of the folder was followed", first.file, first.reason);
    }
    Ok(if no_records == 0 { Outcome::Answered } else { Outcome::Findings })
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
    let form = || format!("--changed '{text}' is neither a file nor a key such as schools:schoolId=255901001");
    let (name, fields) = text.split_once(':').with_context(form)?;
    let Found::Resource(id) = graph.find(name)? else { bail!("{name} is abstract. Name one of its subclasses") };
    let mut values = KeyValues::new();
    for field in fields.split(',') {
        let (field, value) = field.split_once('=').with_context(form)?;
        values.insert(field.trim().into(), value.into());
    }
    if !changed.add(scan, id, &values) {
        let key: Vec<&str> = graph.details(id).key.iter().map(|field| field.name.as_str()).collect();
        bail!("--changed '{text}': the key of {} is {}, each of its type", graph.name(id).short(), key.join(", "));
    }
    Ok(())
}
