//! `graph`: the graph as a picture or for other programs.

use anyhow::bail;
use clap::{Args, ValueEnum};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::graph::Selection;
use edfi_plan::plan::server::{self, GraphForm};
use edfi_plan::render::{diagram, json};
use edfi_plan::source;

use super::order::{AuthorizationArgs, Whose, selected};
use super::{Context, Outcome};

/// Draw the graph, or write it for other programs
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
    let authorization = args.authorization.of(&graph)?;
    let selection = selected(&graph, &args.selector, &args.exclude, args.required_only, &authorization)?;
    let drawing = || graph.drawing(&selection, &authorization, args.required_only);
    let text = match args.format {
        Format::Dot => diagram::dot(&drawing()),
        Format::Mermaid => diagram::mermaid(&drawing()),
        Format::Json => json::answer("edfi-plan/graph/1", graph.metadata(), &drawing()),
        Format::Yaml if args.selector.is_empty() && args.exclude.is_empty() => source::write_graph(graph.model())?,
        Format::Yaml => bail!("--format yaml writes the whole graph; leave the selectors out, or use --without"),
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

fn graphml(graph: &DependencyGraph, selection: &Selection, published: &server::PublishedGraph) -> String {
    let chosen = |v: &server::Vertex| selection.resources.contains(&v.resource);
    let name = |v: &server::Vertex| format!("{}{}", graph.name(v.resource), if v.retry { "#Retry" } else { "" });
    let nodes: Vec<String> = published.vertices.iter().filter(|v| chosen(v)).map(name).collect();
    let edges = published.edges.iter().filter(|(from, to)| chosen(from) && chosen(to));
    let edges: Vec<(String, String)> = edges.map(|(from, to)| (name(from), name(to))).collect();
    diagram::graphml(&nodes, &edges)
}
