//! What refers to changed records, and how what a payload refers to stands on a server.

use serde_json::Value;

use super::arrange::no_order;
use super::check::{grouped, grouped_count};
use super::{Width, sentence};
use crate::plan::resend::{Resend, Resends};
use crate::records::{KeyValues, Need, Standing, Unknown};

/// Records that a single resource shows.
const SHOWN: usize = 10;

/// Affected records by wave and resource: what to send again, in order; what has none after it.
#[must_use]
pub fn affected(again: &Resends, width: Width) -> String {
    let second = again.records.iter().filter(|resend| resend.second_pass).count() as u64;
    let mut text = match again.records.len() as u64 - second {
        0 if again.impossible.is_empty() => "no record refers to it\n".to_owned(),
        0 => String::new(),
        records => {
            let twice = match second {
                0 => String::new(),
                some => format!(", {} of them twice", grouped(some)),
            };
            format!("{} to send again, in this order{twice}\n", grouped_count(records, "record", "records"))
        }
    };
    let alike = |a: &Resend, b: &Resend| {
        (a.wave, &a.record.resource, a.second_pass) == (b.wave, &b.record.resource, b.second_pass)
    };
    for group in again.records.chunk_by(alike) {
        let Some(first) = group.first() else { continue };
        let pass = if first.second_pass { "  second pass" } else { "" };
        let resource = first.record.resource.short();
        text.push_str(&format!("{:2}  {resource} {}{pass}\n", first.wave, grouped(group.len() as u64)));
        for Resend { record, without, .. } in group.iter().take(SHOWN) {
            let without: Vec<&str> = without.iter().map(|path| path.as_str()).collect();
            let without = if without.is_empty() { String::new() } else { format!("  without {}", without.join(", ")) };
            let line = format!("{}:{}{without}", record.position.file, record.position.line);
            text.push_str(&sentence("      ", &line, 10, width));
        }
        if group.len() > SHOWN {
            text.push_str(&format!("      and {} more; --format json lists all\n", group.len() - SHOWN));
        }
    }
    for impossible in &again.impossible {
        text.push_str(&no_order(impossible, width));
    }
    text
}

/// A key, `schoolId 255901001, schoolYear 2026`.
pub(super) fn named(key: &KeyValues) -> String {
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
        let standing = match (&need.standing, need.why) {
            (Standing::Missing, _) => "not there",
            (Standing::Present, _) => "there",
            (_, Some(Unknown::NotVisible)) => "not there, or not visible to these credentials",
            (_, Some(Unknown::NotFollowed)) => "not looked up",
            _ => "cannot be told",
        };
        format!("{target} {}: {standing}", named(&need.key))
    };
    // What is missing comes first, and descriptors only where they are.
    let is_told = |need: &&Need| need.standing != Standing::Present || !need.key.contains_key("uri");
    let mut needs: Vec<&Need> = needs.iter().filter(is_told).collect();
    needs.sort_by_key(|need| (need.standing != Standing::Missing, need.why != Some(Unknown::NotVisible)));
    needs.into_iter().map(one).collect()
}
