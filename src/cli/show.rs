//! `show`, `list` and `standards`: what there is.

use std::collections::BTreeSet;

use clap::Args;
use edfi_plan::graph::{Authorization, Found, SelectOptions};
use edfi_plan::plan::describe::{describe, full_load};
use edfi_plan::render::{json, text};
use edfi_plan::source;
use serde::Serialize;

use super::prereqs::Format;
use super::{Context, Outcome, order};

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The resource, by any of its names.
    resource: String,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn show(args: &ShowArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.graph(&context.terminal)?;
    let width = context.terminal.width();
    let answer = match graph.find(&args.resource)? {
        Found::Resource(id) => {
            let description = describe(&graph, id, full_load(&graph).ok().as_ref());
            match args.format {
                Format::Text => text::description(&description, width),
                Format::Json => json::answer("edfi-plan/resource/1", graph.metadata(), &description),
            }
        }
        Found::Abstract(position) => match (graph.abstracts().get(position), args.format) {
            (Some(found), Format::Text) => text::abstract_resource(found, width),
            (Some(found), Format::Json) => {
                json::answer("edfi-plan/resource/1", graph.metadata(), &json::abstract_resource(found))
            }
            (None, _) => String::new(),
        },
    };
    context.terminal.print(&answer)?;
    Ok(Outcome::Answered)
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Selectors, as `order` takes them; everything if left out.
    selector: Vec<String>,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Resources {
    resources: Vec<edfi_plan::graph::DrawnResource>,
}

pub(crate) fn list(args: &ListArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.graph(&context.terminal)?;
    let authorization = Authorization::relationships(&graph, &[])?;
    let select = SelectOptions {
        required_only: false,
        authorization: &authorization,
        present: BTreeSet::new(),
        school_years: false,
    };
    let selection = match args.selector.as_slice() {
        [] => graph.everything(),
        selectors => order::selected(&graph, selectors, &[], &select)?,
    };
    let answer = match args.format {
        Format::Text => text::list(&selection.resources.iter().map(|&id| graph.resource(id)).collect::<Vec<_>>()),
        Format::Json => {
            let resources = graph.drawing(&selection, &Authorization::none(), false).resources;
            json::answer("edfi-plan/resources/1", graph.metadata(), &Resources { resources })
        }
    };
    context.terminal.print(&answer)?;
    Ok(Outcome::Answered)
}

#[derive(Debug, Args)]
pub(crate) struct StandardsArgs {
    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn standards(args: &StandardsArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graphs: Vec<_> = source::standards().iter().map(|standard| standard.model()).collect();
    let answer = match args.format {
        Format::Text => text::standards(&graphs, source::DEFAULT, context.terminal.width()),
        Format::Json => json::standards(&graphs, source::DEFAULT),
    };
    context.terminal.print(&answer)?;
    Ok(Outcome::Answered)
}
