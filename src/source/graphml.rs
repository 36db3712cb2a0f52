//! The GraphML of an API: resources and what comes before what, without a reason.
//!
//! Read as a stream, for a document may be of any size. Declarations and entities are refused: no
//! server writes them, and they are how XML attacks its reader.

use std::collections::HashMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::model::{Published, PublishedEdge, PublishedForm, PublishedNode};

use super::published::{ADVICE, bounded};
use super::{Document, SourceError};

/// The second appearance of a person in the current form.
const RETRY: &str = "#Retry";

/// The most edges that are read; the largest API known has some 1,500.
const MOST_EDGES: usize = 200_000;

/// Elements nest three deep.
const DEEPEST: usize = 64;

/// Whether XML that starts like this is GraphML.
pub(super) fn is_graphml(start: &str) -> bool {
    let head: String = start.chars().take(2000).collect();
    head.contains("<graphml") || head.contains(":graphml")
}

pub(super) fn read(document: &Document, text: &str) -> Result<Published, SourceError> {
    let mut reader = Reader::from_str(text);
    let mut places: HashMap<PublishedNode, usize> = HashMap::new();
    let mut nodes = Vec::new();
    let mut ends: Vec<(PublishedNode, PublishedNode, u64)> = Vec::new();
    let mut depth = 0_usize;
    loop {
        let event =
            reader.read_event().map_err(|error| wrong(document, text, reader.error_position(), &error.to_string()))?;
        let at = reader.buffer_position();
        let refuse = |message: &str| wrong(document, text, at, message);
        let (element, opens) = match event {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Event::DocType(_) => return Err(refuse("a document type declaration, which is not read")),
            Event::GeneralRef(_) => return Err(refuse("an entity, which is not read")),
            Event::Eof if depth > 0 => return Err(refuse("the document ends inside an element")),
            Event::Eof => break,
            _ => continue,
        };
        depth += usize::from(opens);
        if depth > DEEPEST {
            return Err(refuse("elements nest too deep"));
        }
        let attribute = |name: &str| {
            let value = attribute(&element, name).map_err(|message| refuse(&message))?;
            value.ok_or_else(|| refuse(&format!("an element without the attribute '{name}'")))
        };
        match element.local_name().as_ref() {
            "node" => {
                let node = vertex(&attribute("id")?);
                bounded(document, nodes.len() + 1)?;
                places.entry(node.clone()).or_insert_with(|| {
                    nodes.push(node);
                    nodes.len() - 1
                });
            }
            "edge" => {
                if ends.len() == MOST_EDGES {
                    return Err(refuse("more than 200,000 edges, which no Ed-Fi API has"));
                }
                ends.push((vertex(&attribute("source")?), vertex(&attribute("target")?), at));
            }
            _ => {}
        }
    }
    if nodes.is_empty() {
        return Err(SourceError::content(&document.name, "$", "a graph without nodes", ADVICE));
    }
    let mut edges = Vec::with_capacity(ends.len());
    for (from, to, at) in ends {
        let find = |node: &PublishedNode| {
            let unknown = || wrong(document, text, at, &format!("an edge to {}, which is no node", node.resource));
            places.get(node).copied().ok_or_else(unknown)
        };
        edges.push(PublishedEdge { from: find(&from)?, to: find(&to)? });
    }
    edges.sort_unstable();
    edges.dedup();
    Ok(Published { form: PublishedForm::Graph, rows: Vec::new(), nodes, edges })
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = element.try_get_attribute(name).map_err(|error| error.to_string())?;
    let value = found.map(|a| a.normalized_value(XmlVersion::Implicit1_0).map(|v| v.into_owned()));
    value.transpose().map_err(|error| error.to_string())
}

fn vertex(id: &str) -> PublishedNode {
    match id.strip_suffix(RETRY) {
        Some(resource) => PublishedNode { resource: resource.into(), retry: true },
        None => PublishedNode { resource: id.into(), retry: false },
    }
}

/// An error at a byte of the document.
fn wrong(document: &Document, text: &str, at: u64, message: &str) -> SourceError {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    SourceError::Syntax {
        document: document.name.clone(),
        line,
        column,
        message: message.to_owned(),
        advice: "Fetch the GraphML of the API again",
    }
}
