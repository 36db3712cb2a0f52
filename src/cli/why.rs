//! `why`: why one resource comes before another.

use clap::Args;
use edfi_plan::graph::{Authorization, DependencyGraph, Follow, Found, ResourceId};
use edfi_plan::plan::load::{LoadOptions, load_plan};
use edfi_plan::render::{json, text};

use super::order::AuthorizationArgs;
use super::prereqs::Format;
use super::{Context, Outcome, metadata};

/// Chains that `--all` shows at most.
const MOST: usize = 1000;

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

    #[command(flatten)]
    authorization: AuthorizationArgs,

    /// How to print the chains.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &WhyArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.graph(&context.terminal)?;
    metadata::tells_required(&graph, args.required_only)?;
    let authorization = args.authorization.heeding(args.required_only, &graph)?;
    let follow = Follow { required_only: args.required_only, descriptors: true };
    let (a, b) = (one(&graph, &args.first)?, one(&graph, &args.second)?);
    let say = |text: String| context.terminal.say(&text);
    if a == b {
        say(format!(
            "{} is one resource; within it 'order' says which reference orders records",
            graph.name(a).short()
        ));
        return Ok(Outcome::Findings);
    }
    let path = |from, to| graph.shortest_path(from, to, follow, &authorization);
    let (from, to) = match (path(a, b).is_some(), path(b, a).is_some()) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        (true, true) => {
            let (from, to) = in_order(&graph, &authorization, a, b)?;
            let (first, second) = (graph.name(from).short(), graph.name(to).short());
            say(format!(
                "note: they refer to each other in a circle; the order puts {first} before {second}; 'order' says what is deferred"
            ));
            (from, to)
        }
        (false, false) => {
            let (a, b) = (graph.name(a).short(), graph.name(b).short());
            say(format!("neither {a} nor {b} depends on the other; they can be loaded in any order"));
            return Ok(Outcome::Findings);
        }
    };
    if (from, to) != (a, b) {
        say(format!("the other way round: {} comes before {}", graph.name(from).short(), graph.name(to).short()));
    }
    let mut paths = graph.paths(from, to, follow, &authorization, MOST);
    let longer = (!args.all).then(|| paths.chains.len().saturating_sub(1));
    if !args.all {
        paths.chains = path(from, to).into_iter().collect();
    }
    let answer = match args.format {
        Format::Text => text::why(&graph, &paths, longer, context.terminal.width()),
        Format::Json => json::answer("edfi-plan/why/1", graph.metadata(), &json::chains(&graph, from, to, &paths)),
    };
    context.terminal.print(&answer)?;
    Ok(Outcome::Answered)
}

/// Of two resources on one circle, in which order our plan creates them.
fn in_order(
    graph: &DependencyGraph,
    authorization: &Authorization,
    a: ResourceId,
    b: ResourceId,
) -> anyhow::Result<(ResourceId, ResourceId)> {
    let options = LoadOptions { authorization: authorization.clone(), ..LoadOptions::default() };
    let plan = load_plan(graph, &graph.select_all(), &options)?;
    let wave = |id| {
        let name = graph.name(id);
        plan.waves.iter().find(|wave| wave.steps.iter().any(|step| step.resource == *name)).map(|wave| wave.wave)
    };
    Ok(if wave(a) <= wave(b) { (a, b) } else { (b, a) })
}

/// The one resource of a name.
pub(super) fn one(graph: &DependencyGraph, name: &str) -> anyhow::Result<ResourceId> {
    match graph.find(name)? {
        Found::Resource(id) => Ok(id),
        Found::Abstract(position) => {
            let found = graph.abstracts().get(position);
            let names: Vec<&str> = found.map(|a| a.subclasses.iter().map(|n| n.short()).collect()).unwrap_or_default();
            anyhow::bail!("{name} is abstract. Ask about one of {}", names.join(", "))
        }
    }
}
