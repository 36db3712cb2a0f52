//! What a server said without the values in it.

use super::{Known, is_path, list};
use crate::diagnosis::REDACTED;
use crate::diagnosis::template::{Hole, Match};

/// A message as far as templates know its words: literals and names as they are, values masked, and all
/// other text masked as well, `unknown` names included, for it may be anything. `None` where none of it is
/// known.
pub(in crate::diagnosis) fn masked(known: &[Known], unknown: &[String]) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for masked in known.iter().map(|known| masked_sentence(known, unknown)) {
        if !said.contains(&masked) {
            said.push(masked);
        }
    }
    (!said.is_empty()).then(|| said.join(" "))
}

fn masked_sentence(Known { text, path, found }: &Known, unknown: &[String]) -> String {
    let mut found: Vec<&Match> = found.iter().collect();
    found.sort_by_key(|found| found.span.start);
    let mut masked = String::new();
    let hide = |masked: &mut String, hidden: &str| {
        if hidden.chars().any(char::is_alphanumeric) {
            masked.push_str(REDACTED);
        } else {
            masked.push_str(hidden);
        }
    };
    // A path has names and places in lists; what else stands there may be a value.
    if let Some(path) = path {
        masked.push_str(if is_path(path) { path } else { REDACTED });
        masked.push_str(": ");
    }
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut at = 0;
    for found in found {
        hide(&mut masked, part(at, found.span.start));
        at = found.span.start;
        for (hole, span) in &found.holes {
            // A name of something that the graph does not have may be anything.
            let filling = part(span.start, span.end);
            let mut names = list(filling).chain([filling]);
            let strange = names.any(|name| {
                let plain = |other: &String| other == name || other.strip_suffix("Descriptor") == Some(name);
                unknown.iter().any(plain)
            });
            if strange || matches!(hole, Hole::Text | Hole::Key | Hole::Route | Hole::Word) {
                masked.push_str(part(at, span.start));
                hide(&mut masked, part(span.start, span.end));
                at = span.end;
            }
        }
        masked.push_str(part(at, found.span.end));
        at = found.span.end;
    }
    hide(&mut masked, part(at, text.len()));
    masked
}
