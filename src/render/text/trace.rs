//! What refers to changed records, and how what a payload refers to stands on a server.

use serde_json::Value;

use super::check::grouped_count;
use crate::plan::resend::Resend;
use crate::records::{KeyValues, Need, Standing};

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
        let standing = match &need.standing {
            Standing::Missing => "not there, or not visible to these credentials",
            Standing::Present => "there",
            _ => "cannot be told",
        };
        format!("{target} {}: {standing}", named(&need.key))
    };
    // What is missing comes first, and descriptors only where they are.
    let is_told = |need: &&Need| need.standing != Standing::Present || !need.key.contains_key("uri");
    let mut needs: Vec<&Need> = needs.iter().filter(is_told).collect();
    needs.sort_by_key(|need| need.standing != Standing::Missing);
    needs.into_iter().map(one).collect()
}
