//! `affected`: what to send again after a correction.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::graph::{Authorization, DependencyGraph, Found, ResourceId};
use edfi_plan::plan::resend::{Resend, in_load_order};
use edfi_plan::records::{Affected, Changed, Folder, KeyValues, Namespaces, Scan, affected, scan};
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
    /// Lines and items that are no record, and may refer to what changed.
    unread: u64,
    records: &'a [Resend],
}

pub(crate) fn run(args: &AffectedArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "affected")?;
    let dir = FolderArgs::dir(args.dir.as_deref(), context)?;
    let folder = args.folder.open(&dir, &graph, context)?;
    let namespaces = args.folder.namespaces(context)?;
    let (changed, unread, records) =
        with_progress(context, |progress| -> anyhow::Result<(usize, u64, Vec<Affected>)> {
            let read = args.folder.read(Some(progress));
            let scan = scan(&graph, &folder, None, &read);
            let mut changed = Changed::default();
            for what in &args.changed {
                let path = Path::new(what);
                if path.is_file() {
                    let (folder, id) = one_file(&graph, path, &namespaces)?;
                    for (file, _) in &folder.files {
                        if let Some(failed) = changed.add_file(&scan, id, file, &read).first() {
                            bail!("{}: {}", failed.file, failed.reason);
                        }
                    }
                } else {
                    add_key(&graph, &scan, what, &mut changed)?;
                }
            }
            if changed.is_empty() {
                bail!("{}: no record with a key here", args.changed.join(", "));
            }
            let (records, unreadable) = affected(&scan, &changed, &read);
            if let Some(failed) = unreadable.first() {
                bail!("{}: {}", failed.file, failed.reason);
            }
            Ok((changed.len(), scan.unreadable_records(), records))
        })?;
    let authorization = Authorization::relationships(&graph, &[])?;
    let records = in_load_order(&graph, records, authorization)?;
    let answer = match args.format {
        Format::Text => text::affected(&records),
        Format::Json => {
            let answer = Answer { changed, unread, records: &records };
            json::answer("edfi-plan/affected/1", graph.metadata(), &answer)
        }
    };
    context.terminal.print(&answer)?;
    if unread == 0 {
        return Ok(Outcome::Answered);
    }
    let what = if unread == 1 { "1 line or item is".to_owned() } else { format!("{unread} lines or items are") };
    context.terminal.say(&format!("note: {what} no record and may refer to it too; see check"));
    Ok(Outcome::Findings)
}

/// A file with the resource that its name says.
fn one_file(graph: &DependencyGraph, path: &Path, namespaces: &Namespaces) -> anyhow::Result<(Folder, ResourceId)> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = Folder::assign(graph, vec![payload_file(path, name)], namespaces);
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
