//! Single resources, lists of them and bundled standards as text.

use super::{Width, columns, count, sentence, wrapped};
use crate::model::{AbstractResource, Kind, Model, Resource, ResourceName};
use crate::plan::describe::{DescribedField, DescribedReference, Description};

/// Everything known of one resource.
#[must_use]
pub fn description(description: &Description, width: Width) -> String {
    let kind = match description.kind {
        Kind::Resource => "resource",
        Kind::Descriptor => "descriptor",
        Kind::SchoolYears => "reference data that the host usually owns",
    };
    let superclass = description.superclass.as_ref().map(|s| format!(", subclass of {s}")).unwrap_or_default();
    let mut text = format!("{}\n{} · {kind}{superclass}\n", description.resource, description.entity);
    if !description.domains.is_empty() {
        text.push_str(&sentence("", &format!("Domains: {}", description.domains.join(", ")), 2, width));
    }
    text.push_str(&waves(description, width));

    let change = match description.key_may_change {
        Some(true) => " (an update may change it)",
        _ => "",
    };
    section(
        &mut text,
        &format!("Natural key{change}"),
        &description.key.iter().map(key_field).collect::<Vec<_>>(),
        width,
    );
    section(&mut text, "Required fields", &description.required.iter().map(field).collect::<Vec<_>>(), width);
    let (coded, others): (Vec<_>, Vec<_>) = description.references.iter().partition(|r| r.descriptor);
    section(&mut text, "References", &others.into_iter().map(reference).collect::<Vec<_>>(), width);
    section(&mut text, "Descriptors", &coded.into_iter().map(reference).collect::<Vec<_>>(), width);

    if !description.waits_for.is_empty() {
        let names: Vec<String> = description.waits_for.iter().map(|n| n.short().to_owned()).collect();
        text.push_str("\nWaits for\n");
        text.push_str(&wrapped("  ", &names, "  ", width));
    }

    text.push('\n');
    if description.dependents.is_empty() {
        text.push_str("Nothing refers to it.\n");
    } else {
        let direct = count(description.dependents.len(), "resource refers", "resources refer");
        text.push_str(&format!("{direct} to it, {} need it in all:\n", description.all_dependents));
        let names: Vec<String> = description.dependents.iter().map(|n| n.short().to_owned()).collect();
        text.push_str(&wrapped("  ", &names, "  ", width));
    }
    text
}

fn waves(description: &Description, width: Width) -> String {
    let waves: Vec<String> = description
        .waves
        .iter()
        .map(|w| match (description.waves.len(), w.operations.first()) {
            (2.., Some(operation)) => format!("{} ({})", w.wave, operation.name()),
            _ => w.wave.to_string(),
        })
        .collect();
    let mut text = String::new();
    if !waves.is_empty() {
        let word = if waves.len() == 1 { "Wave" } else { "Waves" };
        let needs = count(description.prerequisites, "prerequisite", "prerequisites");
        text.push_str(&format!("{word} {}, after {needs}\n", waves.join(" and ")));
    }
    if !description.pathway.is_empty() {
        let pathway: Vec<&str> = description.pathway.iter().map(ResourceName::short).collect();
        let say =
            format!("Visible to a client only through {}: updates and dependents wait for it.", pathway.join(" and "));
        text.push_str(&sentence("", &say, 2, width));
    }
    text
}

/// Rows under a heading; nothing where there are none.
fn section<const N: usize>(text: &mut String, heading: &str, rows: &[[String; N]], width: Width) {
    if !rows.is_empty() {
        text.push_str(&format!("\n{heading}\n{}", columns(rows, width)));
    }
}

fn kind_of(field: &DescribedField) -> String {
    field.max_length.map_or_else(|| field.kind.to_owned(), |longest| format!("{} ≤ {longest}", field.kind))
}

fn key_field(field: &DescribedField) -> [String; 3] {
    let paths = if field.paths.is_empty() { "(no document says where)".to_owned() } else { field.paths.join(", ") };
    [field.name.to_string(), kind_of(field), paths]
}

fn field(field: &DescribedField) -> [String; 2] {
    [field.name.to_string(), kind_of(field)]
}

fn reference(reference: &DescribedReference) -> [String; 3] {
    let mut flags = vec![if reference.required { "required" } else { "optional" }.to_owned()];
    flags.extend(reference.identifying.then(|| "identifying".to_owned()));
    flags.extend(reference.alternatives.iter().map(|a| format!("or {}", a.short())));
    let target = reference.target.strip_prefix("/ed-fi/").unwrap_or(reference.target.trim_start_matches('/'));
    let target = match reference.target_kind {
        "abstract" => format!("one of {target}"),
        "unresolved" => format!("{target} (unresolved)"),
        _ => target.to_owned(),
    };
    [reference.path.to_string(), target, flags.join(", ")]
}

/// An abstract resource: what satisfies it.
#[must_use]
pub fn abstract_resource(found: &AbstractResource, width: Width) -> String {
    let names: Vec<String> = found.subclasses.iter().map(|n| n.short().to_owned()).collect();
    let key: Vec<&str> = found.key.iter().map(|k| k.name.as_str()).collect();
    let mut text = format!(
        "{}\nabstract: satisfied by any one of {}\n",
        found.entity,
        count(names.len(), "resource", "resources")
    );
    text.push_str(&wrapped("  ", &names, "  ", width));
    text.push_str(&sentence("", &format!("Natural key: {}", key.join(", ")), 2, width));
    text
}

/// One resource a line, by name.
#[must_use]
pub fn list(resources: &[&Resource]) -> String {
    resources.iter().map(|resource| format!("{}\n", resource.name.short())).collect()
}

/// The bundled graphs: what each holds, where it came from and what it cannot know.
#[must_use]
pub fn standards(graphs: &[Model], default: &str, width: Width) -> String {
    let wide = graphs.iter().map(|g| g.metadata.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for graph in graphs {
        let name = &graph.metadata.name;
        let own = graph.resources.iter().filter(|r| !r.entity.is_empty());
        let descriptors = own.clone().filter(|r| r.kind == Kind::Descriptor).count();
        let resources = own.count() - descriptors;
        let part = graph.metadata.extends.as_ref().map(|core| format!(", part of {core}")).unwrap_or_default();
        let mark = if *name == default { ", the default" } else { "" };
        text.push_str(&format!(
            "{name:wide$}  {}, {}{part}{mark}\n",
            count(resources, "resource", "resources"),
            count(descriptors, "descriptor", "descriptors")
        ));
        let indent = " ".repeat(wide + 2);
        for origin in &graph.metadata.origins {
            text.push_str(&sentence(&indent, &format!("from {} ({})", origin.title, origin.kind), wide + 4, width));
        }
        for limit in &graph.metadata.limits {
            text.push_str(&sentence(&indent, &format!("note: {limit}"), wide + 4, width));
        }
        if !graph.metadata.settled.is_empty() {
            let places = count(graph.metadata.settled.len(), "place", "places");
            let said = format!("note: its documents differ in {places}; --format json says which was believed");
            text.push_str(&sentence(&indent, &said, wide + 4, width));
        }
    }
    text
}
