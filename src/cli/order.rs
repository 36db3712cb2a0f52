//! `order`: which resources to load, in which waves.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use edfi_plan::graph::{Authorization, DependencyGraph, SelectOptions, Selection, Selector};
use edfi_plan::model::{Metadata, Published, PublishedForm, ResourceName};
use edfi_plan::plan::load::{LoadOptions, LoadPlan, load_plan};
use edfi_plan::plan::{published, server};
use edfi_plan::records::{Folder, scan};
use edfi_plan::render::{json, lists, text};
use edfi_plan::source;

use super::folder::{FolderArgs, named, with_progress};
use super::{Context, Outcome, metadata};

#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// What to load; everything if left out.
    selector: Vec<String>,

    /// Take these out again.
    #[arg(long, value_name = "SELECTOR")]
    exclude: Vec<String>,

    /// Heed required references only.
    #[arg(long)]
    required_only: bool,

    /// Only resources that have payload files in this folder, by the references that the records really
    /// contain [default: data_dir of lightbeam.yaml].
    #[arg(long, value_name = "DIR")]
    data: Option<Option<PathBuf>>,

    #[command(flatten)]
    folder: FolderArgs,

    /// Resources that another system owns: needed, but not loaded; a comma list.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    external: Vec<String>,

    /// Our own order, or the one that the API publishes.
    #[arg(long, value_enum, default_value_t = Whose::Plan)]
    order: Whose,

    #[command(flatten)]
    authorization: AuthorizationArgs,

    /// List every descriptor instead of their number.
    #[arg(long)]
    descriptors: bool,

    /// How to print the order.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Whose order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whose {
    /// Fewest references deferred, fewest waves.
    Plan,
    /// As the API's dependencies endpoint has it.
    Server,
}

// What authorization adds to an order.
#[derive(Debug, Args)]
pub(crate) struct AuthorizationArgs {
    /// Whether people are visible only through their associations.
    #[arg(long = "authorization", value_enum, default_value_t = Strategy::Relationships, value_name = "STRATEGY")]
    strategy: Strategy,

    /// Another association that makes people visible: students=studentSchoolAssociations.
    #[arg(long, value_name = "PERSON=ASSOCIATION")]
    pathway: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Strategy {
    /// The default of the API: through relationships with education organizations.
    Relationships,
    /// No edges from authorization.
    None,
}

impl AuthorizationArgs {
    /// The edges that authorization adds.
    pub(crate) fn of(&self, graph: &DependencyGraph) -> anyhow::Result<Authorization> {
        if graph.model().edges_only() && !self.is_default() {
            bail!(
                "--authorization and --pathway: this metadata does not tell references from what waits for a pathway. {}",
                metadata::richer(graph)
            );
        }
        match self.strategy {
            Strategy::Relationships => Ok(Authorization::relationships(graph, &self.pathway)?),
            Strategy::None if !self.pathway.is_empty() => bail!("--pathway has no meaning with --authorization none"),
            Strategy::None => Ok(Authorization::none()),
        }
    }

    /// As [`AuthorizationArgs::of`]; where only required references are heeded, what they bring.
    pub(crate) fn heeding(&self, required_only: bool, graph: &DependencyGraph) -> anyhow::Result<Authorization> {
        let authorization = self.of(graph)?;
        Ok(if required_only { authorization.of_required(graph) } else { authorization })
    }

    /// Whether neither option was given.
    pub(crate) fn is_default(&self) -> bool {
        self.strategy == Strategy::Relationships && self.pathway.is_empty()
    }
}

/// How an order is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// edfi-plan/load-plan/1.
    Json,
    /// As the API's dependencies endpoint answers.
    Dependencies,
    /// wave,resource,operations.
    Csv,
    /// A selector for lightbeam a wave.
    Lightbeam,
    /// A list for API Publisher a wave.
    Publisher,
}

impl OrderArgs {
    /// Whether nothing is chosen and nothing changed: what is published can be printed as it is.
    fn is_whole(&self) -> bool {
        let chooses = !self.selector.is_empty() || !self.exclude.is_empty() || self.data.is_some();
        !chooses && !self.required_only && self.external.is_empty() && self.authorization.is_default()
    }
}

pub(crate) fn run(args: &OrderArgs, context: &Context) -> anyhow::Result<Outcome> {
    args.folder.refuse_idle(args.data.is_some())?;
    if let Some(published) = context.sources.published(&context.terminal)?
        && (published.form != PublishedForm::Graph || args.is_whole())
    {
        return of_published(args, &published, context);
    }
    let graph = context.sources.graph(&context.terminal)?;
    metadata::tells_required(&graph, args.required_only)?;
    let authorization = args.authorization.heeding(args.required_only, &graph)?;
    let external = named(&graph, &args.external)?;
    let select = SelectOptions {
        required_only: args.required_only,
        authorization: &authorization,
        present: external.clone(),
        school_years: false,
    };
    let mut selection = selected(&graph, &args.selector, &args.exclude, &select)?;
    let folder = match &args.data {
        Some(dir) => Some(args.folder.open(&FolderArgs::dir(dir.as_deref(), context)?, &graph, context)?),
        None => None,
    };
    if let Some(folder) = &folder {
        if folder.files.is_empty() {
            bail!("no file here is of a resource of this metadata");
        }
        if args.selector.is_empty() {
            // School years are loaded where somebody has a file of them.
            selection.resources = graph.everything().resources;
        }
        let present = folder.resources();
        selection.resources.retain(|id| present.binary_search(id).is_ok());
    }
    let records = match &folder {
        Some(folder) if !graph.model().edges_only() => Some(graph_of_records(&graph, folder, args, context)?),
        _ => None,
    };
    // What is needed, deferred or left open is told by the references that records contain.
    let told = records.as_ref().unwrap_or(&graph);
    let authorization = match &records {
        Some(records) => args.authorization.heeding(args.required_only, records)?,
        None => authorization,
    };
    let options = LoadOptions { required_only: args.required_only, authorization, external };
    let plan = match args.order {
        Whose::Plan => load_plan(told, &selection, &options)?,
        Whose::Server if args.required_only || !args.authorization.is_default() => {
            bail!(
                "--order server is the API's own order; --required-only, --authorization and --pathway cannot change it"
            )
        }
        Whose::Server => server::as_plan_of_records(&graph, told, &selection, &options)?,
    };
    let text = written(&plan, args, graph.metadata(), context);
    say_open(&plan, args.format, context);
    context.terminal.print(&text)?;
    Ok(if plan.left_out.is_empty() { Outcome::Answered } else { Outcome::Findings })
}

/// The graph without the optional references that no record of a folder contains.
fn graph_of_records(
    graph: &DependencyGraph,
    folder: &Folder,
    args: &OrderArgs,
    context: &Context,
) -> anyhow::Result<DependencyGraph> {
    let scanned = with_progress(context, |progress| scan(graph, folder, None, &args.folder.read(Some(progress))));
    let say = |what: String| context.terminal.say(&format!("note: {what}; whatever it could refer to counts"));
    for unreadable in scanned.unreadable_files() {
        say(format!("{}: {}", unreadable.file, unreadable.reason));
    }
    match scanned.unreadable_records() {
        0 => {}
        1 => say("1 line or item is no record (see check)".to_owned()),
        many => say(format!("{many} lines or items are no records (see check)")),
    }
    let without = scanned.without_records();
    if !without.is_empty() {
        let names: Vec<&str> = without.iter().map(|id| graph.name(*id).short()).collect();
        context.terminal.say(&format!("note: files without a record: {}", names.join(", ")));
    }
    Ok(DependencyGraph::build(scanned.contained())?)
}

/// The order of an API as it is: without references there is nothing to choose or to change.
fn of_published(args: &OrderArgs, published: &Published, context: &Context) -> anyhow::Result<Outcome> {
    if !args.is_whole() {
        let names: BTreeSet<ResourceName> = published.rows.iter().filter_map(|row| row.resource.parse().ok()).collect();
        let advice = source::instead_of(names.iter());
        bail!("a published order tells no references: it can only be printed whole. {advice}");
    }
    let plan = published::as_plan(published)?;
    let metadata = Metadata { name: "published order".into(), ..Metadata::default() };
    let text = written(&plan, args, &metadata, context);
    context.terminal.say("note: the order of an API; it tells no references, so none can be checked (see audit)");
    context.terminal.print(&text)?;
    Ok(Outcome::Answered)
}

fn written(plan: &LoadPlan, args: &OrderArgs, metadata: &Metadata, context: &Context) -> String {
    match args.format {
        Format::Text => text::load_plan(plan, text::Descriptors::listed_if(args.descriptors), context.terminal.width()),
        Format::Json => json::answer("edfi-plan/load-plan/1", metadata, plan),
        Format::Dependencies => lists::dependencies(plan),
        Format::Csv => lists::csv(plan),
        Format::Lightbeam => lists::lightbeam(plan),
        Format::Publisher => lists::publisher(plan),
    }
}

/// What the order leaves to its reader, where the format does not say it.
fn say_open(plan: &LoadPlan, format: Format, context: &Context) {
    let say = |text: String| context.terminal.say(&text);
    if format != Format::Text {
        for deferred in &plan.deferred {
            let (resource, path, target) = (deferred.resource.short(), &deferred.path, deferred.target.short());
            say(format!("deferred: {resource} {path} → {target}; create without it, set it {}", plan.when(deferred)));
        }
    }
    if !plan.left_out.is_empty() {
        let names: Vec<&str> = plan.left_out.iter().map(ResourceName::short).collect();
        let (few, more) = names.split_at(names.len().min(6));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        say(format!(
            "the API's own order breaks cycles in one pass, and one remains: it does not list {}{more}. Use the plan's \
             order (without --order server)",
            few.join(", ")
        ));
    }
    if !plan.exact {
        say("note: the cycles are too many for an exact search; fewer deferrals may be possible".to_owned());
    }
    let lists = if format == Format::Json { "" } else { "; --format json lists them" };
    let count = |number: usize| if number == 1 { "1 reference".to_owned() } else { format!("{number} references") };
    if !plan.ambiguous.is_empty() {
        say(format!("note: {} could by name mean another descriptor{lists}", count(plan.ambiguous.len())));
    }
    if !plan.unresolved.is_empty() {
        say(format!("note: {} to what no document describes{lists}", count(plan.unresolved.len())));
    }
}

/// The selection that selectors make.
pub(crate) fn selected(
    graph: &DependencyGraph,
    selectors: &[String],
    exclude: &[String],
    options: &SelectOptions<'_>,
) -> anyhow::Result<Selection> {
    let parse = |texts: &[String]| texts.iter().map(|t| t.parse::<Selector>()).collect::<Result<Vec<_>, _>>();
    Ok(graph.select(&parse(selectors)?, &parse(exclude)?, options)?)
}
