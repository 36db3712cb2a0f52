//! `prereqs` and `dependents`: what a resource needs, and what needs it, as a tree.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use edfi_plan::api::{LiveStore, SearchLimits};
use edfi_plan::graph::{Authorization, DependencyGraph, Follow, Found, Towards};
use edfi_plan::model::ResourceName;
use edfi_plan::plan::delete::records::is_seen_by_relationship;
use edfi_plan::records::{Need, Standing, needs, scan};
use edfi_plan::render::{json, text};

use super::folder::FolderArgs;
use super::order::AuthorizationArgs;
use super::{Context, Outcome, metadata};

/// Show what a resource needs, as a tree
#[derive(Debug, Args)]
pub(crate) struct PrereqsArgs {
    #[command(flatten)]
    tree: TreeArgs,

    /// A file with one record: list what this record needs.
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

/// Show what needs a resource, as a tree
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
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
struct Checklist {
    resource: ResourceName,
    needs: Vec<Need>,
}

/// What one record needs.
fn checklist(args: &PrereqsArgs, payload: &Path, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "--payload")?;
    let Found::Resource(id) = graph.find(&args.tree.resource)? else {
        anyhow::bail!("{} is abstract. A payload is of one of its subclasses", args.tree.resource)
    };
    let bytes = metadata::file(payload)?.bytes;
    let folder = args.data.as_deref().map(|dir| args.folder.open(dir, &graph, context)).transpose()?;
    let read = args.folder.read(None);
    let scan = folder.as_ref().map(|folder| scan(&graph, folder, None, &read));
    let name = payload.display();
    std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("{name}: not UTF-8; save the file as UTF-8"))?;
    let mut found = needs(&graph, id, &bytes, scan.as_ref(), &read)
        .map_err(|flaw| anyhow::anyhow!("{name}: {}. Give a file with one record", flaw.message()))?;
    let told = if args.api { look_up(&mut found, &graph, context)? } else { true };
    let missing = found.iter().any(|need| need.standing == Standing::Missing);
    let answer = match args.tree.format {
        Format::Text => {
            let mut answer = text::needs(&found, context.terminal.width());
            if args.api {
                answer.push_str(&text::missing_first(&graph, &found, context.terminal.width()));
            }
            answer
        }
        Format::Json => {
            let list = Checklist { resource: graph.name(id).clone(), needs: found };
            json::answer("edfi-plan/checklist/1", graph.metadata(), &list)
        }
    };
    context.terminal.print(&answer)?;
    Ok(if missing || !told { Outcome::Findings } else { Outcome::Answered })
}

/// Asks the API for what no file supplies, and says what it does not tell; whether it tells everything.
pub(super) fn look_up(needs: &mut [Need], graph: &DependencyGraph, context: &Context) -> anyhow::Result<bool> {
    ask(needs, graph, context)?;
    let by_relationship = needs.iter().any(|need| need.standing == Standing::Missing && is_of_people(graph, need));
    if by_relationship {
        context.terminal.say("note: what these credentials may not see reads as missing");
    }
    Ok(needs.iter().all(|need| need.standing != Standing::Unknown))
}

/// Asks the API for what no file supplies, and says where it does not tell.
pub(super) fn ask(needs: &mut [Need], graph: &DependencyGraph, context: &Context) -> anyhow::Result<()> {
    let gaps = context.sources.with_records(&context.terminal, |api| {
        Ok(LiveStore::new(api, graph, SearchLimits::default()).look_up(needs)?)
    })?;
    for gap in gaps {
        context.terminal.say(&format!("note: {}: {} ({})", gap.resource.short(), gap.message, gap.code));
    }
    Ok(())
}

/// Whether a client sees the records that a reference points to by relationship only.
fn is_of_people(graph: &DependencyGraph, need: &Need) -> bool {
    let Ok(authorization) = Authorization::relationships(graph, &[]) else { return false };
    let ids = graph.ids().filter(|&id| graph.name(id).as_str() == need.target);
    ids.chain(graph.subclasses(&need.target).iter().copied())
        .any(|id| is_seen_by_relationship(graph, &authorization, id))
}

fn tree(args: &TreeArgs, towards: Towards, schema: &str, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.graph(&context.terminal)?;
    metadata::tells_required(&graph, args.required_only)?;
    let roots = graph.find_all(&args.resource)?;
    let follow = Follow { required_only: args.required_only, descriptors: !args.no_descriptors };
    let depth = args.depth.map_or(usize::MAX, |depth| depth as usize);
    let authorization = args.authorization.of(&graph)?;
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
