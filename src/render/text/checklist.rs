//! What records need, as a tree: how each stands that they refer to, and below it what that one needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Width;
use super::check::grouped_count;
use super::trace::named;
use crate::model::ResourceName;
use crate::records::{Need, Standing, Unknown};

/// Levels that are drawn: of a chain of records, deeper ones stand beside each other.
const DRAWN: usize = 10;

/// The list of one or several payloads of a resource; `file` is where several stand.
#[must_use]
pub fn checklist(resource: &ResourceName, payloads: usize, needs: &[Need], file: &str, width: Width) -> String {
    let mut text = hanging("", "  ", &counted(needs), width);
    let last = last_of_siblings(needs);
    let mut open: Vec<bool> = Vec::new();
    let mut payload = None;
    if payloads == 1 || needs.is_empty() {
        text.push_str(&format!("{}\n", resource.short()));
    }
    for (need, last) in needs.iter().zip(last) {
        if need.payload != payload {
            payload = need.payload;
            text.push_str(&format!("{} {file}:{}\n", resource.short(), need.line.unwrap_or_default()));
        }
        open.truncate(need.depth);
        let above = open.iter().skip(open.len().saturating_sub(DRAWN));
        let mut trunk: String = above.map(|more| if *more { "│   " } else { "    " }).collect();
        if open.len() > DRAWN {
            trunk.insert_str(0, &format!("{}… ", need.depth));
        }
        let branch = if last { "└── " } else { "├── " };
        let below = if last { "    " } else { "│   " };
        open.push(!last);
        text.push_str(&hanging(&format!("{trunk}{branch}"), &format!("{trunk}{below}    "), &line_of(need), width));
    }
    if needs.is_empty() {
        text.push_str("  nothing: it refers to nothing\n");
    }
    text + &explained(needs, width)
}

/// What stands between the records and their being taken, first.
fn counted(needs: &[Need]) -> String {
    let mut seen = BTreeSet::new();
    let mut count = |wanted: &dyn Fn(&Need) -> bool| {
        let once = |need: &&Need| {
            // A reference that the payload lacks is told by its place, any other by what it points to.
            let place = need.key.is_empty().then(|| (need.payload, need.path.clone()));
            let (target, key) = match &need.same_as {
                Some(same) => (same.resource.as_str(), &same.key),
                None => (need.target.as_str(), &need.key),
            };
            wanted(need) && seen.insert((target.to_owned(), named(key), place))
        };
        needs.iter().filter(once).count() as u64
    };
    let missing = count(&|need| need.standing == Standing::Missing);
    let unread = count(&|need| need.standing == Standing::Unread);
    let hidden = count(&|need| need.why == Some(Unknown::NotVisible));
    let open = count(&|need| need.standing == Standing::Unknown && need.why != Some(Unknown::NotVisible));
    let absent = count(&|need| need.standing == Standing::Absent);
    let malformed = count(&|need| need.standing == Standing::Malformed);
    let told = [
        (absent, "required reference is absent", "required references are absent"),
        (malformed, "reference is malformed", "references are malformed"),
        (missing, "record is missing", "records are missing"),
        (unread, "record may be unread", "records may be unread"),
        (hidden, "record is not shown", "records are not shown"),
        (open, "record cannot be known", "records cannot be known"),
    ];
    let told: Vec<String> =
        told.into_iter().filter(|(count, ..)| *count > 0).map(|(n, one, many)| grouped_count(n, one, many)).collect();
    let assumed = count(&|need| need.standing == Standing::Assumed);
    match (told.is_empty(), assumed) {
        (false, _) => told.join(", "),
        (true, 0) => "Nothing is missing.".to_owned(),
        (true, many) => {
            let assumed = grouped_count(many, "record is", "records are");
            format!("Nothing is known to be missing; {assumed} assumed to exist.")
        }
    }
}

fn line_of(need: &Need) -> String {
    let standing = match (&need.standing, need.why) {
        (Standing::Supplied(position), _) => format!("in {}:{}", position.file, position.line),
        (Standing::Missing, _) => "MISSING".to_owned(),
        (Standing::Unread, _) => "MAYBE UNREAD".to_owned(),
        (Standing::Assumed, _) => "assumed to exist".to_owned(),
        (Standing::Present, _) => "on the server".to_owned(),
        (Standing::Absent, _) => "ABSENT".to_owned(),
        (Standing::Malformed, _) => "MALFORMED".to_owned(),
        (Standing::Unknown, Some(Unknown::NotInKey)) => "not in the key".to_owned(),
        (Standing::Unknown, Some(Unknown::NotVisible)) => "NOT SHOWN".to_owned(),
        (Standing::Unknown, Some(Unknown::NotFollowed)) => "not looked up".to_owned(),
        (Standing::Unknown, _) => "cannot be told".to_owned(),
    };
    let target = need.target.strip_prefix("/ed-fi/").unwrap_or(&need.target);
    let key = match need.key.get("uri").and_then(Value::as_str) {
        Some(uri) => format!(" {}", uri.escape_debug()),
        None if need.key.is_empty() => String::new(),
        None => format!(" {}", named(&need.key)),
    };
    let required = if need.required { "required" } else { "optional" };
    let same = match &need.same_as {
        Some(same) => format!(", the same as {} {}", same.resource.short(), named(&same.key)),
        None => String::new(),
    };
    let repeated = if need.repeated { " (*)" } else { "" };
    format!("{standing}: {target}{key} ({}, {required}){same}{repeated}", need.path)
}

/// What the words mean that not everybody knows, of those that stand there.
fn explained(needs: &[Need], width: Width) -> String {
    let has = |standing: Standing| needs.iter().any(|need| need.standing == standing);
    let is = |why: Unknown| needs.iter().any(|need| need.why == Some(why));
    let meanings = [
        (has(Standing::Unread), "MAYBE UNREAD", "in no file, unless in what could not be read of its kind; see check"),
        (
            is(Unknown::NotVisible),
            "NOT SHOWN",
            "the API answers with none, which proves nothing: by default it shows these by relationship only. Missing, \
             or not visible to these credentials; --authorization none says that they see everything",
        ),
        (
            is(Unknown::NotInKey),
            "not in the key",
            "the missing record must refer to one, and its key does not tell to which",
        ),
        (is(Unknown::NotFollowed), "not looked up", "a thousand records were derived from keys, and no more are"),
        (has(Standing::Malformed), "MALFORMED", "not a reference, or without a part of the key; see show RESOURCE"),
        (needs.iter().any(|need| need.repeated), "(*)", "what it needs stands above"),
    ];
    let mut text = String::new();
    for (_, word, meaning) in meanings.into_iter().filter(|(applies, ..)| *applies) {
        let first = if text.is_empty() { "\n" } else { "" };
        text.push_str(&hanging(&format!("{first}{word}  "), "  ", meaning, width));
    }
    let abstracts: BTreeMap<&str, &[ResourceName]> =
        needs.iter().filter(|need| !need.one_of.is_empty()).map(|need| (need.target.as_str(), &*need.one_of)).collect();
    for (entity, subclasses) in abstracts {
        let first = if text.is_empty() { "\n" } else { "" };
        let subclasses: Vec<&str> = subclasses.iter().map(ResourceName::short).collect();
        let meaning = match subclasses.as_slice() {
            [only] => format!("a record of {only}"),
            _ => format!(
                "a record of one of {}: the key does not tell of which, and that one may need more than stands here",
                subclasses.join(", ")
            ),
        };
        text.push_str(&hanging(&format!("{first}{entity}  "), "  ", &meaning, width));
    }
    text
}

/// For each need whether no other follows below the same record. O(needs).
fn last_of_siblings(needs: &[Need]) -> Vec<bool> {
    let mut followed: Vec<bool> = Vec::new();
    let mut payload = None;
    let mut last: Vec<bool> = needs
        .iter()
        .rev()
        .map(|need| {
            if need.payload != payload {
                payload = need.payload;
                followed.clear();
            }
            followed.truncate(need.depth + 1);
            followed.resize(need.depth + 1, false);
            followed.last_mut().is_none_or(|followed| !std::mem::replace(followed, true))
        })
        .collect();
    last.reverse();
    last
}

/// Words in lines no wider than `width`, the first behind `first`, the others behind `below`.
fn hanging(first: &str, below: &str, words: &str, width: Width) -> String {
    let indent = below.chars().count();
    let mut text = first.to_owned();
    let mut used = first.trim_start_matches('\n').chars().count();
    let mut started = false;
    for word in words.split(' ') {
        let wide = word.chars().count();
        if started && used > indent && used + 1 + wide > width.0 {
            text.push('\n');
            text.push_str(below);
            used = indent;
        } else if started {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += wide;
        started = true;
    }
    text.push('\n');
    text
}
