//! What one record needs, and what refers to it.

use serde_json::Value;

use super::check::grouped_count;
use super::{Width, sentence};
use crate::graph::{DependencyGraph, listed};
use crate::model::Target;
use crate::plan::resend::Resend;
use crate::records::{KeyValues, Need, Standing, required_first};

/// Records that a single resource shows.
const SHOWN: usize = 10;

/// Affected records by wave and resource: what to send again, in order.
#[must_use]
pub fn affected(records: &[Resend]) -> String {
    let mut text = match records.len() {
        0 => "no record refers to it\n".to_owned(),
        many => format!("{} to send again, in this order\n", grouped_count(many as u64, "record", "records")),
    };
    for group in records.chunk_by(|a, b| (a.wave, &a.record.resource) == (b.wave, &b.record.resource)) {
        let Some(first) = group.first() else { continue };
        text.push_str(&format!("{:2}  {} {}\n", first.wave, first.record.resource.short(), group.len()));
        for Resend { record, .. } in group.iter().take(SHOWN) {
            text.push_str(&format!("      {}:{}\n", record.position.file, record.position.line));
        }
        if group.len() > SHOWN {
            text.push_str(&format!("      and {} more; --format json lists all\n", group.len() - SHOWN));
        }
    }
    text
}

/// Each reference with its key and the record that supplies it; what that one needs stands below it.
#[must_use]
pub fn needs(needs: &[Need], width: Width) -> String {
    let missing = needs.iter().filter(|n| n.standing == Standing::Missing).count();
    let mut text = match missing {
        0 => String::new(),
        many => format!("{} missing\n", grouped_count(many as u64, "record is", "records are")),
    };
    let mut at = None;
    for need in needs {
        if need.depth > 0 && at != need.at {
            at.clone_from(&need.at);
            if let Some(at) = &at {
                text.push_str(&format!("{} {}:{} needs\n", need.of.short(), at.file, at.line));
            }
        }
        let standing = match &need.standing {
            Standing::Supplied(position) => format!("in {}:{}", position.file, position.line),
            Standing::Missing => "MISSING".to_owned(),
            Standing::Assumed => "assumed to exist".to_owned(),
            Standing::Present => "on the server".to_owned(),
            Standing::Unknown => "cannot be told".to_owned(),
        };
        let target = need.target.strip_prefix("/ed-fi/").unwrap_or(&need.target);
        let required = if need.required { "required" } else { "optional" };
        let line = format!("{} → {target} {}: {standing} ({required})", need.path, named(&need.key));
        text.push_str(&sentence("  ", &line, 6, width));
    }
    if needs.is_empty() {
        text.push_str("nothing: the record has no references\n");
    }
    text
}

/// What the records need that are missing on a server: whoever creates them must know it.
#[must_use]
pub fn missing_first(graph: &DependencyGraph, needs: &[Need], width: Width) -> String {
    let mut text = String::new();
    let mut told = std::collections::BTreeSet::new();
    for need in needs.iter().filter(|need| need.standing == Standing::Missing) {
        let first: Vec<&str> = required_first(graph, need)
            .into_iter()
            .map(|target| match target {
                Target::Resource(name) => name.short(),
                Target::Abstract(name) | Target::Unresolved(name) => name.as_str(),
            })
            .collect();
        if told.insert(&need.target) && !first.is_empty() {
            let target = need.target.strip_prefix("/ed-fi/").unwrap_or(&need.target);
            text.push_str(&sentence("", &format!("To create {target}: {} first.", listed(&first, "and")), 2, width));
        }
    }
    text
}

/// A key, `schoolId 255901001, schoolYear 2026`.
fn named(key: &KeyValues) -> String {
    let fields: Vec<String> = key
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name} {}", text.escape_debug()),
            other => format!("{name} {other}"),
        })
        .collect();
    fields.join(", ")
}

/// What a server has of the records that a payload refers to, in a sentence each.
pub(super) fn on_server(needs: &[Need]) -> Vec<String> {
    let one = |need: &Need| {
        let target = need.target.strip_prefix("/ed-fi/").unwrap_or(&need.target);
        let standing = match &need.standing {
            Standing::Missing => "not there, or not visible to these credentials",
            Standing::Present => "there",
            Standing::Supplied(_) | Standing::Assumed | Standing::Unknown => "cannot be told",
        };
        format!("{target} {}: {standing}", named(&need.key))
    };
    // What is missing comes first, and descriptors only where they are.
    let is_told = |need: &&Need| need.standing != Standing::Present || !need.key.contains_key("uri");
    let mut needs: Vec<&Need> = needs.iter().filter(is_told).collect();
    needs.sort_by_key(|need| need.standing != Standing::Missing);
    needs.into_iter().map(one).collect()
}
