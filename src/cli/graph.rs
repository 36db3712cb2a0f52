//! `graph`: the graph as a picture or for other programs.

use std::collections::BTreeSet;

use anyhow::bail;
use clap::{Args, ValueEnum};
use edfi_plan::graph::{DependencyGraph, SelectOptions, Selection};
use edfi_plan::plan::server::{self, GraphForm};
use edfi_plan::render::{diagram, json};
use edfi_plan::source;

use super::order::{AuthorizationArgs, Whose, selected};
use super::{Context, Outcome, metadata};

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// What to draw, as `order` takes it; everything if left out.
    selector: Vec<String>,

    /// Take these out again.
    #[arg(long, value_name = "SELECTOR")]
    exclude: Vec<String>,

    /// Heed required references only.
    #[arg(long)]
    required_only: bool,

    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    format: Format,

    /// Which form of the API's GraphML: since ODS/API 7.2 people stand there twice.
    #[arg(long, value_enum, default_value_t = Form::Current)]
    graphml: Form,

    /// In GraphML, our own edges or those that the API publishes.
    #[arg(long, value_enum, default_value_t = Whose::Plan)]
    order: Whose,

    #[command(flatten)]
    authorization: AuthorizationArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Graphviz.
    Dot,
    /// For Markdown on GitHub and GitLab.
    Mermaid,
    /// As the API's dependencies endpoint answers.
    Graphml,
    /// edfi-plan/graph/1.
    Json,
    /// A graph file of this program.
    Yaml,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// ODS/API 7.2 and later.
    Current,
    /// Before.
    Legacy,
}

pub(crate) fn run(args: &GraphArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.graph(&context.terminal)?;
    metadata::tells_required(&graph, args.required_only)?;
    refuse_what_has_no_meaning(args)?;
    let authorization = args.authorization.heeding(args.required_only, &graph)?;
    let select = SelectOptions {
        required_only: args.required_only,
        authorization: &authorization,
        present: BTreeSet::new(),
        school_years: false,
    };
    let selection = match (args.selector.as_slice(), args.exclude.as_slice()) {
        ([], []) => graph.everything(),
        _ => selected(&graph, &args.selector, &args.exclude, &select)?,
    };
    let drawing = || graph.drawing(&selection, &authorization, args.required_only);
    let text = match args.format {
        Format::Dot => diagram::dot(&drawing()),
        Format::Mermaid => diagram::mermaid(&drawing()),
        Format::Json => json::answer("edfi-plan/graph/1", graph.metadata(), &drawing()),
        Format::Yaml => source::write_graph(graph.model())?,
        Format::Graphml => {
            let form = match args.graphml {
                Form::Current => GraphForm::Current,
                Form::Legacy => GraphForm::Legacy,
            };
            let published = match args.order {
                Whose::Server => server::published(&graph, form)?,
                Whose::Plan => server::as_published(&graph, &authorization, args.required_only, form)?,
            };
            graphml(&graph, &selection, &published)
        }
    };
    context.terminal.print(&text)?;
    Ok(Outcome::Answered)
}

/// An option that would be ignored is an answer to another question than the one asked.
fn refuse_what_has_no_meaning(args: &GraphArgs) -> anyhow::Result<()> {
    let narrowed = !args.selector.is_empty() || !args.exclude.is_empty() || args.required_only;
    let shaped = args.required_only || !args.authorization.is_default();
    match args.format {
        Format::Graphml if args.order == Whose::Server && shaped => {
            bail!("--order server is the API's own; --required-only, --authorization and --pathway cannot change it")
        }
        Format::Yaml if narrowed || !args.authorization.is_default() => {
            bail!("--format yaml writes the whole graph; leave selectors and options out, or use --without")
        }
        Format::Graphml => Ok(()),
        _ if args.order == Whose::Server || args.graphml != Form::Current => {
            bail!("--order and --graphml shape GraphML only; add --format graphml")
        }
        _ => Ok(()),
    }
}

fn graphml(graph: &DependencyGraph, selection: &Selection, published: &server::PublishedGraph) -> String {
    let chosen = |v: &server::Vertex| selection.resources.contains(&v.resource);
    let name = |v: &server::Vertex| format!("{}{}", graph.name(v.resource), if v.retry { "#Retry" } else { "" });
    let nodes: Vec<String> = published.vertices.iter().filter(|v| chosen(v)).map(name).collect();
    let edges = published.edges.iter().filter(|(from, to)| chosen(from) && chosen(to));
    let edges: Vec<(String, String)> = edges.map(|(from, to)| (name(from), name(to))).collect();
    diagram::graphml(&nodes, &edges)
}
