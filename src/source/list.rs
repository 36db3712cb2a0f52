//! A list of resources that somebody wrote: an order by hand, or what a loader is called with.

use crate::model::{OrderRow, Published, PublishedForm};

use super::published::{ADVICE, bounded};
use super::{Document, SourceError};

/// The head of `edfi-plan order --format csv`.
const CSV: &str = "wave,resource,operations";

/// Reads one resource a line, or a comma list a line as lightbeam and API Publisher take them; `#`
/// starts a comment, options before a list (`--include=`) are passed over.
pub(super) fn read(document: &Document, text: &str) -> Result<Published, SourceError> {
    let mut rows = Vec::new();
    let mut csv = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim().trim_start_matches("- ");
        if line == CSV {
            csv = true;
            continue;
        }
        let wrong = |what: &str| SourceError::Syntax {
            document: document.name.clone(),
            line: number,
            column: 1,
            message: format!("'{}' {what}", line.chars().take(40).collect::<String>()),
            advice: ADVICE,
        };
        if csv && !line.is_empty() {
            let mut cells = line.split(',');
            let (Some(Ok(order)), Some(resource), Some(operations)) =
                (cells.next().map(str::parse), cells.next(), cells.next())
            else {
                return Err(wrong("is not wave,resource,operations"));
            };
            let has = |operation| operations.split('+').any(|o| o == operation);
            rows.push(OrderRow { resource: resource.into(), order, create: has("create"), update: has("update") });
            continue;
        }
        let names = line.rsplit(['=', ' ']).next().filter(|_| line.starts_with("--")).unwrap_or(line);
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let plausible = |c: char| c.is_ascii_alphanumeric() || "/-_.*?".contains(c);
            if !name.chars().all(plausible) {
                return Err(wrong("is not the name of a resource"));
            }
            rows.push(OrderRow { resource: name.into(), order: number, create: true, update: true });
        }
        bounded(document, rows.len())?;
    }
    if rows.is_empty() {
        return Err(SourceError::content(&document.name, "$", "no resource in it", ADVICE));
    }
    let form = if csv { PublishedForm::Order } else { PublishedForm::List };
    Ok(Published { form, rows, nodes: Vec::new(), edges: Vec::new() })
}
