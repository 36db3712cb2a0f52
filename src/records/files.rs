//! Payload files and the resources they hold.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::Serialize;

use crate::graph::{DependencyGraph, Found, LookupError, ResourceId, listed};
use crate::model::ResourceName;

/// Opens a file from its start; called once for every time it is read.
pub type Open = Box<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// A file that may hold records.
pub struct PayloadFile {
    /// Its path below the folder, with `/`: `students.jsonl`, `tpdm/candidates/part-1.json.gz`.
    pub name: String,
    /// Its content, gzipped or not.
    pub open: Open,
}

impl PayloadFile {
    /// A file whose content is at hand.
    #[must_use]
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<std::sync::Arc<[u8]>>) -> Self {
        let bytes: std::sync::Arc<[u8]> = bytes.into();
        let open = move || -> io::Result<Box<dyn Read + Send>> { Ok(Box::new(io::Cursor::new(bytes.clone()))) };
        Self { name: name.into(), open: Box::new(open) }
    }

    /// Whether its name says that every line is a record, whatever stands in it.
    pub(crate) fn is_lines(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        name.ends_with(".jsonl") || name.ends_with(".ndjson")
    }
}

impl std::fmt::Debug for PayloadFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Whether a file of that name holds records, to leave notes and settings beside them alone: what is
/// hidden or starts with an underscore is none.
#[must_use]
pub fn is_payload_name(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    !base.starts_with(['.', '_']) && stem(base) != base
}

/// The name without the endings of a payload file.
fn stem(base: &str) -> &str {
    let plain = without(base, ".gz").unwrap_or(base);
    [".jsonl", ".ndjson", ".json"].iter().find_map(|ending| without(plain, ending)).unwrap_or(base)
}

/// A name without an ending, in any case.
fn without<'n>(name: &'n str, ending: &str) -> Option<&'n str> {
    let (rest, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    end.eq_ignore_ascii_case(ending).then_some(rest)
}

/// Which project a bare name belongs to, where several have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// The project that goes before others: `ed-fi`.
    pub default: Option<String>,
    /// Projects of single resources, by name as the files spell it.
    pub overrides: BTreeMap<String, String>,
}

/// Files with the resources they hold.
#[derive(Debug, Default)]
pub struct Folder {
    /// Files of a resource, sorted by name.
    pub files: Vec<(PayloadFile, ResourceId)>,
    /// Files whose name is no resource, with the reason; sorted.
    pub unmatched: Vec<Unmatched>,
    /// Resources that several spellings lead to, with the files.
    pub spellings: Vec<(ResourceName, Vec<String>)>,
}

/// A file whose name is no resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unmatched {
    /// The file.
    pub file: String,
    /// Why, and the way out.
    pub reason: String,
}

impl Folder {
    /// Finds the resource of each file: the nearest folder above it that names one, else its own name,
    /// without the numbers that `arrange` puts before it. A folder that names a project qualifies what
    /// is in it. O(files × resources).
    #[must_use]
    pub fn assign(graph: &DependencyGraph, mut files: Vec<PayloadFile>, namespaces: &Namespaces) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut folder = Self::default();
        let mut spelled: BTreeMap<ResourceId, BTreeMap<String, String>> = BTreeMap::new();
        for file in files {
            match resource_of(graph, &file.name, namespaces) {
                Ok((id, spelling)) => {
                    spelled.entry(id).or_default().entry(spelling).or_insert_with(|| file.name.clone());
                    folder.files.push((file, id));
                }
                Err(error) => folder.unmatched.push(Unmatched { reason: reason(&error), file: file.name }),
            }
        }
        folder.unmatched.sort();
        for (id, spellings) in spelled.into_iter().filter(|(_, spellings)| spellings.len() > 1) {
            folder.spellings.push((graph.name(id).clone(), spellings.into_values().collect()));
        }
        folder
    }

    /// The resources that have files, sorted.
    #[must_use]
    pub fn resources(&self) -> Vec<ResourceId> {
        let mut ids: Vec<ResourceId> = self.files.iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// The resource of a file and the words that named it.
fn resource_of(
    graph: &DependencyGraph,
    name: &str,
    namespaces: &Namespaces,
) -> Result<(ResourceId, String), LookupError> {
    let parts: Vec<&str> = name.split('/').collect();
    let (base, folders) = parts.split_last().map_or(("", [].as_slice()), |(base, folders)| (*base, folders));
    let own = unnumbered(stem(base));
    // A folder that holds parts of one resource, nearest first; then the file itself.
    let mut almost = None;
    for depth in (0..folders.len()).rev() {
        let above = folders.get(..depth).unwrap_or_default();
        let Some(folder) = folders.get(depth) else { continue };
        match qualified(graph, folder, above, namespaces) {
            Ok(found) => return Ok(found),
            Err(error) => almost = almost.or(Some(error).filter(is_close)),
        }
    }
    // Of parts in a folder whose name is nearly one, their own names tell nothing.
    qualified(graph, own, folders, namespaces).map_err(|error| match almost {
        Some(almost) if !is_close(&error) => almost,
        _ => error,
    })
}

/// Whether a name is nearly that of a resource, or that of several.
fn is_close(error: &LookupError) -> bool {
    !matches!(error, LookupError::Unknown { nearest, .. } if nearest.is_empty())
}

/// Why a file is of no resource, and the way out.
fn reason(error: &LookupError) -> String {
    match error {
        LookupError::Homograph { name, candidates } => {
            let names = listed(candidates, "and");
            format!(
                "'{name}' is the name of {names}. Put it in a folder with the name of the project, or give --namespace"
            )
        }
        LookupError::Unknown { .. } => error.to_string(),
    }
}

/// Finds a name in the project of a folder above it, else in that of the settings, else anywhere.
fn qualified(
    graph: &DependencyGraph,
    name: &str,
    folders: &[&str],
    namespaces: &Namespaces,
) -> Result<(ResourceId, String), LookupError> {
    let find = |name: &str| match graph.find(name)? {
        Found::Resource(id) => Ok(id),
        Found::Abstract(_) => Err(LookupError::Unknown { name: name.to_owned(), nearest: Vec::new() }),
    };
    // No file is of an abstract resource, whatever its name is close to.
    let find = |name: &str| {
        find(name).map_err(|error| match error {
            LookupError::Unknown { name, mut nearest } => {
                nearest.retain(|name| matches!(graph.find(name), Ok(Found::Resource(_))));
                LookupError::Unknown { name, nearest }
            }
            other => other,
        })
    };
    let of_project = |project: &str| find(&format!("{project}/{name}")).ok();
    let overridden = namespaces.overrides.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, p)| p.as_str());
    let projects = folders.iter().rev().copied().chain(overridden);
    let found = projects.into_iter().find_map(of_project);
    let id = match found {
        Some(id) => id,
        None => match find(name) {
            Err(error @ LookupError::Homograph { .. }) => {
                namespaces.default.as_deref().and_then(of_project).ok_or(error)?
            }
            other => other?,
        },
    };
    Ok((id, name.to_owned()))
}

/// The name after `03-0012-`, as `arrange` writes it.
fn unnumbered(stem: &str) -> &str {
    let mut parts = stem.splitn(3, '-');
    let number = |part: Option<&str>| part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    if number(parts.next()) && number(parts.next()) { parts.next().unwrap_or(stem) } else { stem }
}
