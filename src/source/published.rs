//! Published orders and graphs, recognised by content.

use crate::model::Published;

use super::recognise::{instead, text_of};
use super::{Document, SourceError, dependencies, graphml, list};

/// The most resources that are read; the largest API known has fewer than a thousand.
pub(super) const MOST_RESOURCES: usize = 20_000;

/// Reads what an API publishes at its dependencies endpoint (JSON, old form included, or GraphML), an
/// order of this program, or a list that somebody wrote: one resource a line or comma lists, `#`
/// starts a comment. O(size of the document).
///
/// # Errors
///
/// A document that is empty, cut off or of another kind; metadata is one: it is no order.
pub fn read_published(document: &Document) -> Result<Published, SourceError> {
    let text = text_of(document).map_err(|error| match error {
        SourceError::Empty { document } => SourceError::content(&document, "$", "empty", ADVICE),
        other => other,
    })?;
    let start = text.trim_start();
    match start.chars().next() {
        Some('[') => dependencies::read_rows(document, text),
        Some('{') => dependencies::read_plan(document, text),
        Some('<') if graphml::is_graphml(start) => graphml::read(document, text),
        Some('<') => Err(SourceError::content(&document.name, "$", instead(start), ADVICE)),
        _ => list::read(document, text),
    }
}

pub(super) const ADVICE: &str =
    "Give what the API's dependencies endpoint answers (JSON or GraphML), or a list with one resource a line";

/// Refuses documents that are too large to be an order of resources.
pub(super) fn bounded(document: &Document, count: usize) -> Result<(), SourceError> {
    if count > MOST_RESOURCES {
        return Err(SourceError::content(
            &document.name,
            "$",
            format!("more than {MOST_RESOURCES} resources"),
            "No Ed-Fi API has as many; fetch the document again",
        ));
    }
    Ok(())
}
