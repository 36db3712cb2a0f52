//! `import`: documents to a graph file.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source;

use super::metadata::Sources;
use super::{Context, Outcome, metadata, output};

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Documents, directories or bundled graphs; with those of -m they are merged.
    document: Vec<String>,

    /// The graph file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// What to call the graph; the name of the file if left out.
    #[arg(long)]
    name: Option<String>,

    /// The version of the data standard, where no document tells it.
    #[arg(long, value_name = "VERSION")]
    data_standard: Option<String>,

    /// Write only what this extension adds to core.
    #[arg(long, value_name = "PROJECT", requires = "extends")]
    part: Option<String>,

    /// The core graph that the part belongs to: ed-fi-5.0.
    #[arg(long, value_name = "NAME", requires = "part")]
    extends: Option<String>,
}

pub(crate) fn run(args: &ImportArgs, context: &Context) -> anyhow::Result<Outcome> {
    if args.document.is_empty() && context.sources.is_default() {
        bail!("nothing to import. Name documents, directories or bundled graphs");
    }
    let sources = context.sources.and(&args.document);
    refuse_output(args, &sources)?;
    let mut model = sources.model(&context.terminal)?;
    let stem = stem(&args.output);
    model.metadata.name = args.name.clone().unwrap_or_else(|| stem.clone()).into();
    if let Some(version) = &args.data_standard {
        model.metadata.version = Some(version.into());
    }
    // A graph that could not answer is not written.
    let graph = DependencyGraph::build(model.clone())?;
    if let (Some(part), Some(core)) = (&args.part, &args.extends) {
        if model.edges_only() {
            bail!("--part: edges do not tell what an extension adds to core. {}", metadata::richer(&graph));
        }
        model = source::part(&model, part, core);
        if model.resources.is_empty() {
            bail!("--part {part}: the documents have no such extension. They have {}", known(&graph));
        }
    }
    let compact = args.output.with_file_name(format!("{stem}.bin"));
    output::write(&args.output, source::write_graph(&model)?.as_bytes())?;
    output::write(&compact, &source::write_compact(&model))?;

    let references: usize = model.resources.iter().map(|r| r.references.len()).sum();
    let ambiguous = model.resources.iter().flat_map(|r| &r.references).filter(|r| !r.alternatives.is_empty()).count();
    context.terminal.print(&format!(
        "{}: {} resources, {references} references, {ambiguous} ambiguous, {} unresolved\nwrote {} and {}\n",
        model.metadata.name,
        model.resources.len(),
        graph.ids().map(|id| graph.unresolved(id).count()).sum::<usize>(),
        args.output.display(),
        compact.display()
    ))?;
    for limit in &model.metadata.limits {
        context.terminal.say(&format!("note: {limit}"));
    }
    for settled in &model.metadata.settled {
        context.terminal.say(&format!("settled: {settled}"));
    }
    Ok(Outcome::Answered)
}

/// A result must not replace what it was made of, and it is two files, which stdout is not.
fn refuse_output(args: &ImportArgs, sources: &Sources) -> anyhow::Result<()> {
    if args.output.as_os_str() == "-" {
        bail!("import writes two files; name the YAML: -o graph.yaml. 'graph --format yaml' writes to stdout");
    }
    if args.output.is_dir() {
        bail!("{}: a directory. Name the file: -o {}/graph.yaml", args.output.display(), args.output.display());
    }
    if sources.reads(&args.output) {
        bail!(
            "{}: this document would be overwritten by its own graph. Name another file with -o",
            args.output.display()
        );
    }
    Ok(())
}

/// The name of a graph file without its ending; a version in it is no ending: `ed-fi-5.0`.
fn stem(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let ending = [".yaml", ".yml"].into_iter().find_map(|ending| name.strip_suffix(ending).map(str::to_owned));
    ending.unwrap_or(name)
}

fn known(graph: &DependencyGraph) -> String {
    let projects = source::extensions(graph.model());
    if projects.is_empty() { "none".to_owned() } else { projects.join(", ") }
}
