//! `prereqs` and `dependents`: what a resource needs, and what needs it, as a tree.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use edfi_plan::graph::{Follow, Found, ResourceId, Towards};
use edfi_plan::model::ResourceName;
use edfi_plan::records::{Checklist, Following, Need, PayloadFile, ReadOptions, Standing, Unreadable, each_line, scan};
use edfi_plan::render::{json, text};

use super::asked::Asked;
use super::folder::{FolderArgs, payload_file};
use super::number::number;
use super::order::AuthorizationArgs;
use super::{Context, Outcome, metadata};

#[derive(Debug, Args)]
pub(crate) struct PrereqsArgs {
    #[command(flatten)]
    tree: TreeArgs,

    /// A file with one or several records, `-` for stdin: list what these records need.
    ///
    /// Below a record that is missing stands what it needs in turn, as far as its key tells.
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,

    /// Look for what the record needs in this payload folder.
    #[arg(long, value_name = "DIR", requires = "payload")]
    data: Option<PathBuf>,

    /// Ask the API which of the records exist: the API of -m, or of EDFI_API_BASE_URL, or of
    /// lightbeam.yaml.
    #[arg(long, requires = "payload")]
    api: bool,

    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DependentsArgs {
    #[command(flatten)]
    tree: TreeArgs,
}

#[derive(Debug, Args)]
struct TreeArgs {
    /// The resource, by any of its names: sections, /ed-fi/sections, Section, sectionReference.
    resource: String,

    /// How deep to go.
    #[arg(long, value_name = "N", value_parser = number::<u32>(1..=u64::MAX))]
    depth: Option<u32>,

    /// Heed required references only.
    #[arg(long)]
    required_only: bool,

    /// Leave descriptors out.
    #[arg(long)]
    no_descriptors: bool,

    #[command(flatten)]
    authorization: AuthorizationArgs,

    /// How to print the tree.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Text for people, JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(crate) fn prerequisites(args: &PrereqsArgs, context: &Context) -> anyhow::Result<Outcome> {
    match &args.payload {
        Some(payload) => checklist(args, payload, context),
        None => tree(&args.tree, Towards::Prerequisites, "edfi-plan/prerequisites/1", context),
    }
}

pub(crate) fn dependents(args: &DependentsArgs, context: &Context) -> anyhow::Result<Outcome> {
    tree(&args.tree, Towards::Dependents, "edfi-plan/dependents/1", context)
}

#[derive(serde::Serialize)]
struct Answer {
    resource: ResourceName,
    /// How many records the file has.
    payloads: usize,
    needs: Vec<Need>,
}

/// What the records of a file need.
fn checklist(args: &PrereqsArgs, payload: &Path, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "--payload")?;
    let Found::Resource(id) = graph.find(&args.tree.resource)? else {
        bail!("{} is abstract. A payload is of one of its subclasses", args.tree.resource)
    };
    let authorization = args.tree.authorization.of(&graph)?;
    let folder = args.data.as_deref().map(|dir| args.folder.open(dir, &graph, context)).transpose()?;
    let read = args.folder.read(None);
    let scan = folder.as_ref().map(|folder| scan(&graph, folder, None, &read));
    let following = Following {
        required_only: args.tree.required_only,
        descriptors: !args.tree.no_descriptors,
        depth: args.tree.depth.map_or(usize::MAX, |depth| depth as usize - 1),
    };
    let mut list = Checklist::new(&graph, scan.as_ref(), following);
    let file = payloads(payload, context)?;
    add_all(&mut list, id, &file, &read)?;
    let unreadable = if args.api {
        context.sources.with_records(&context.terminal, |api| {
            let mut asked = Asked::new(api, &graph, &authorization);
            let unreadable = list.follow(&read, |needs| asked.look_up(needs))?;
            // The person gave the keys that the server may quote.
            asked.say(true, context);
            Ok(unreadable)
        })?
    } else {
        list.follow(&read, |_| Ok::<(), anyhow::Error>(()))?
    };
    for Unreadable { file, reason } in &unreadable {
        context.terminal.say(&format!("note: {file}: {reason}"));
    }
    let left_out = list.unreadable_records();
    if left_out > 0 {
        let what = if left_out == 1 { "line or item is no record" } else { "lines or items are no records" };
        context.terminal.say(&format!("note: {left_out} {what}; see check"));
    }
    let needs = list.needs();
    let is_met = |need: &Need| match need.standing {
        Standing::Supplied(_) | Standing::Present => true,
        Standing::Assumed => !args.api,
        _ => false,
    };
    let met = needs.iter().all(is_met) && unreadable.is_empty();
    let name = graph.name(id);
    context.terminal.print(&match args.tree.format {
        Format::Text => text::checklist(name, list.payloads(), &needs, &file.name, context.terminal.width()),
        Format::Json => {
            let answer = Answer { resource: name.clone(), payloads: list.payloads(), needs };
            json::answer("edfi-plan/checklist/1", graph.metadata(), &answer)
        }
    })?;
    Ok(if met { Outcome::Answered } else { Outcome::Findings })
}

/// The file with the payloads.
fn payloads(path: &Path, context: &Context) -> anyhow::Result<PayloadFile> {
    let name = path.display().to_string();
    if name != "-" {
        // Opened here already, so that a wrong name is said before an API is asked for its metadata.
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => bail!("{name}: a folder. Give one file with the records, or - for stdin"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("{name}: no such file. Give the file with the records, or - for stdin")
            }
            _ => std::fs::File::open(path).with_context(|| name.clone())?,
        };
        return Ok(payload_file(path, name));
    }
    Ok(PayloadFile::from_bytes(name, context.sources.stdin()?.bytes))
}

/// Adds every record of a file.
fn add_all(
    list: &mut Checklist<'_, '_, '_>,
    of: ResourceId,
    file: &PayloadFile,
    read: &ReadOptions<'_>,
) -> anyhow::Result<()> {
    let mut flawed = None;
    each_line(file, read, |line, record| {
        let added = record.and_then(|record| list.add(of, line, record));
        if let (Err(flaw), None) = (added, flawed) {
            flawed = Some((line, flaw));
        }
    })
    .with_context(|| file.name.clone())?;
    match flawed {
        Some((line, flaw)) => bail!("{}:{line}: {}", file.name, flaw.message()),
        None if list.payloads() == 0 => {
            bail!("{}: no record in it. Give one, a JSON array of several, or one a line", file.name)
        }
        None => Ok(()),
    }
}

fn tree(args: &TreeArgs, towards: Towards, schema: &str, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.graph(&context.terminal)?;
    metadata::tells_required(&graph, args.required_only)?;
    let roots = graph.find_all(&args.resource)?;
    let follow = Follow { required_only: args.required_only, descriptors: !args.no_descriptors };
    let depth = args.depth.map_or(usize::MAX, |depth| depth as usize);
    let authorization = args.authorization.heeding(args.required_only, &graph)?;
    let trees: Vec<_> = roots.iter().map(|&root| graph.tree(root, towards, follow, depth, &authorization)).collect();
    let answer = match args.format {
        Format::Text => {
            let texts: Vec<String> =
                trees.iter().map(|tree| text::tree(&graph, tree, context.terminal.width())).collect();
            texts.join("\n")
        }
        Format::Json => match trees.as_slice() {
            [only] => json::answer(schema, graph.metadata(), &json::tree_edges(&graph, only)),
            _ => {
                let subclasses: Vec<_> = trees.iter().map(|tree| json::tree_edges(&graph, tree)).collect();
                json::answer(schema, graph.metadata(), &json::Trees { subclasses })
            }
        },
    };
    context.terminal.print(&answer)?;
    Ok(Outcome::Answered)
}
