//! `why`: why one resource comes before another.

use clap::Args;
use edfi_plan::graph::{DependencyGraph, Follow, Found, ResourceId};
use edfi_plan::render::{json, text};

use super::prereqs::Format;
use super::{Context, Outcome};

/// Chains that `--all` shows at most.
const MOST: usize = 1000;

/// Explain why one resource comes before another
///
/// The order of the two does not matter: whichever depends on the other is found.
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// A resource.
    first: String,
    /// Another resource.
    second: String,

    /// Show every chain of references, not only the shortest.
    #[arg(long)]
    all: bool,

    /// Heed required references only.
    #[arg(long)]
    required_only: bool,

    /// How to print the chains.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &WhyArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.graph(&context.terminal)?;
    let follow = Follow { required_only: args.required_only, descriptors: true };
    let (a, b) = (one(&graph, &args.first)?, one(&graph, &args.second)?);
    let Some((from, to)) =
        [(a, b), (b, a)].into_iter().find(|(from, to)| graph.shortest_path(*from, *to, follow).is_some())
    else {
        let (a, b) = (graph.name(a).short(), graph.name(b).short());
        context.terminal.say(&format!("neither {a} nor {b} depends on the other; they can be loaded in any order"));
        return Ok(Outcome::Findings);
    };
    if (from, to) != (a, b) && args.format == Format::Text {
        let (first, second) = (graph.name(from).short(), graph.name(to).short());
        context.terminal.say(&format!("the other way round: {first} comes before {second}"));
    }
    let mut paths = graph.paths(from, to, follow, MOST);
    let longer = (!args.all).then(|| paths.chains.len().saturating_sub(1));
    if !args.all {
        paths.chains = graph.shortest_path(from, to, follow).into_iter().collect();
    }
    let answer = match args.format {
        Format::Text => text::why(&graph, &paths, longer),
        Format::Json => json::answer("edfi-plan/why/1", graph.metadata(), &json::chains(&graph, from, to, &paths)),
    };
    context.terminal.print(&answer)?;
    Ok(Outcome::Answered)
}

fn one(graph: &DependencyGraph, name: &str) -> anyhow::Result<ResourceId> {
    match graph.find(name)? {
        Found::Resource(id) => Ok(id),
        Found::Abstract(position) => {
            let found = graph.abstracts().get(position);
            let names: Vec<&str> = found.map(|a| a.subclasses.iter().map(|n| n.short()).collect()).unwrap_or_default();
            anyhow::bail!("{name} is abstract. Ask about one of {}", names.join(", "))
        }
    }
}
