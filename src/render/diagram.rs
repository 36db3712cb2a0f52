//! Graphs as pictures: DOT, Mermaid and the API's GraphML.

use std::fmt::Write;

use crate::graph::{Drawing, DrawnEdge};
use crate::model::{Kind, ResourceName};

/// Graphviz: prerequisites above their dependents; optional edges dashed, authorization dotted.
#[must_use]
pub fn dot(drawing: &Drawing) -> String {
    let mut text = String::from("digraph \"Ed-Fi dependencies\" {\n  rankdir=TB;\n  node [shape=box];\n");
    for resource in &drawing.resources {
        let shape = if resource.kind == Kind::Descriptor { " [shape=ellipse]" } else { "" };
        line(&mut text, format_args!("  \"{}\"{shape};", quoted(resource.resource.short())));
    }
    for edge in &drawing.edges {
        let style = match (edge.is_authorization_only(), edge.required) {
            (true, _) => " [style=dotted]",
            (false, Some(false)) => " [style=dashed]",
            (false, _) => "",
        };
        let (from, to) = (quoted(edge.prerequisite.short()), quoted(edge.dependent.short()));
        line(&mut text, format_args!("  \"{from}\" -> \"{to}\"{style};"));
    }
    text.push_str("}\n");
    text
}

/// Mermaid, as GitHub and GitLab draw it inside Markdown.
#[must_use]
pub fn mermaid(drawing: &Drawing) -> String {
    let number = |name: &ResourceName| drawing.resources.binary_search_by(|r| r.resource.cmp(name)).unwrap_or_default();
    let mut text = String::from("flowchart TB\n");
    for (index, resource) in drawing.resources.iter().enumerate() {
        let (open, close) = if resource.kind == Kind::Descriptor { ("([", "])") } else { ("[", "]") };
        line(
            &mut text,
            format_args!("  r{index}{open}\"{}\"{close}", resource.resource.short().replace('"', "#quot;")),
        );
    }
    let arrow = |edge: &DrawnEdge| match (edge.is_authorization_only(), edge.required) {
        (true, _) => "-.->|pathway|",
        (false, Some(false)) => "-.->",
        (false, _) => "-->",
    };
    for edge in &drawing.edges {
        let (from, to) = (number(&edge.prerequisite), number(&edge.dependent));
        line(&mut text, format_args!("  r{from} {} r{to}", arrow(edge)));
    }
    text
}

/// The GraphML of the API's dependencies endpoint: nodes, then edges, no attributes.
#[must_use]
pub fn graphml(nodes: &[String], edges: &[(String, String)]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n\
         <graph id=\"EdFi Dependencies\" edgedefault=\"directed\">\n",
    );
    for node in nodes {
        line(&mut text, format_args!("<node id=\"{}\"/>", escaped(node)));
    }
    for (from, to) in edges {
        line(&mut text, format_args!("<edge source=\"{}\" target=\"{}\"/>", escaped(from), escaped(to)));
    }
    text.push_str("</graph>\n</graphml>\n");
    text
}

/// Writing to a string cannot fail.
fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(content);
    text.push('\n');
}

fn quoted(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"")
}

fn escaped(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
