//! Which resources have payload files in a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use edfi_plan::graph::{DependencyGraph, Found, ResourceId};
use edfi_plan::plan::load::{LoadPlan, Reason};

use super::terminal::Terminal;

/// The endings of payload files, compressed or not.
const ENDINGS: [&str; 6] = [".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"];

/// The resources that have files in a payload folder: `{endpoint}.jsonl` and the like, or a folder
/// `{endpoint}/` with such files, either of them also below a folder named after a project. What
/// names no resource is said.
pub(crate) fn resources(
    folder: &Path,
    graph: &DependencyGraph,
    terminal: &Terminal,
) -> anyhow::Result<BTreeSet<ResourceId>> {
    let mut found = BTreeSet::new();
    let mut strange = Vec::new();
    for entry in entries(folder)? {
        let project = graph.model().resources.iter().any(|r| r.name.project().eq_ignore_ascii_case(&entry.name));
        if entry.is_folder && project {
            for inner in entries(&folder.join(&entry.file))? {
                take(
                    graph,
                    &format!("/{}/{}", entry.name, inner.name),
                    &inner,
                    &folder.join(&entry.file),
                    &mut found,
                    &mut strange,
                )?;
            }
        } else {
            take(graph, &entry.name, &entry, folder, &mut found, &mut strange)?;
        }
    }
    if !strange.is_empty() {
        terminal.say(&format!("note: no resource of this metadata: {}", strange.join(", ")));
    }
    if found.is_empty() {
        bail!(
            "{}: no payload files here. Expected are files such as students.jsonl or folders such as students/",
            folder.display()
        );
    }
    Ok(found)
}

fn take(
    graph: &DependencyGraph,
    name: &str,
    entry: &Entry,
    folder: &Path,
    found: &mut BTreeSet<ResourceId>,
    strange: &mut Vec<String>,
) -> anyhow::Result<()> {
    if entry.is_folder && !entries(&folder.join(&entry.file))?.iter().any(|e| !e.is_folder) {
        return Ok(());
    }
    match graph.find(name) {
        Ok(Found::Resource(id)) => {
            found.insert(id);
        }
        Ok(Found::Abstract(_)) | Err(_) => strange.push(entry.file.clone()),
    }
    Ok(())
}

/// A payload file without its ending, or a folder.
struct Entry {
    name: String,
    file: String,
    is_folder: bool,
}

/// Payload files and folders of a folder, in order of name; hidden and other files are passed over.
fn entries(folder: &Path) -> anyhow::Result<Vec<Entry>> {
    let read = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut entries = Vec::new();
    for entry in read {
        let entry = entry.with_context(|| folder.display().to_string())?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with('.') {
            continue;
        }
        let is_folder = entry.path().is_dir();
        let lower = file.to_ascii_lowercase();
        let ending = ENDINGS.iter().find(|ending| lower.ends_with(*ending));
        match ending {
            _ if is_folder => entries.push(Entry { name: file.clone(), file, is_folder }),
            Some(ending) => {
                let name = file.get(..file.len() - ending.len()).unwrap_or_default().to_owned();
                entries.push(Entry { name, file, is_folder });
            }
            None => {}
        }
    }
    entries.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(entries)
}

/// Says which referenced resources have no files.
pub(crate) fn say_absent(plan: &LoadPlan, terminal: &Terminal) {
    let absent: Vec<&str> = plan
        .external
        .iter()
        .filter(|e| e.reason == Reason::Reference && !e.descriptor)
        .map(|e| e.resource.strip_prefix("/ed-fi/").unwrap_or(&e.resource))
        .collect();
    if !absent.is_empty() {
        terminal.say(&format!("note: referenced, but without files: {}", absent.join(", ")));
    }
}
