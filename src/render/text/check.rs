//! The report of a payload folder.

use serde_json::Value;

use super::{Width, count, sentence};
use crate::records::{Assumed, CheckReport, KeyValues, Position};

/// A summary line, then each kind of finding, the most wanted missing records first.
#[must_use]
pub fn check(report: &CheckReport, width: Width) -> String {
    let mut text = summary(report, width);
    let mut section = |title: &str, total: u64, lines: Vec<String>| {
        if total == 0 {
            return;
        }
        text.push('\n');
        text.push_str(&sentence("", title, 2, width));
        for line in &lines {
            text.push_str(&sentence("  ", line, 6, width));
        }
        if total > lines.len() as u64 {
            text.push_str(&format!("  and {} more; --max shows them\n", grouped(total - lines.len() as u64)));
        }
    };

    let counts = &report.counts;
    let groups = report.missing_targets.iter().map(|m| {
        let times = if m.references == 1 { String::new() } else { format!("{} times, first ", grouped(m.references)) };
        format!("{} {}: {times}{}{}", short(&m.target), key(&m.key), at(&m.first), perhaps(m.may_be_unread))
    });
    let lines: Vec<String> = groups.collect();
    let shown: u64 = report.missing_targets.iter().map(|m| m.references).sum();
    // What is counted are references, what is listed are the records they miss.
    let rest = counts.unresolved.saturating_sub(shown) + lines.len() as u64;
    section(
        &format!("Missing records, referred to {}:", grouped_count(counts.unresolved, "time", "times")),
        if counts.unresolved == 0 { 0 } else { rest },
        lines,
    );
    section(
        &format!("Unknown descriptors, {}:", grouped_count(counts.descriptors, "value", "values")),
        counts.descriptors,
        report
            .descriptors
            .iter()
            .map(|d| format!("{} {}: {}{}", at(&d.position), d.path, d.value, perhaps(d.may_be_unread)))
            .collect(),
    );
    section(
        &format!("Missing or mistyped fields, {}:", grouped(counts.missing_fields)),
        counts.missing_fields,
        report
            .missing_fields
            .iter()
            .map(|m| {
                let expected = m.expected.map(|e| format!(" ({e})")).unwrap_or_default();
                let what = if m.wrong_type { "is not of its type" } else { "is missing" };
                format!("{} {}{expected} {what}", at(&m.position), m.path)
            })
            .collect(),
    );
    section(
        &format!("Contradictions in one record, {}:", grouped(counts.conflicting)),
        counts.conflicting,
        report
            .conflicting
            .iter()
            .map(|c| {
                let [left, right] = &c.paths;
                let [a, b] = &c.values;
                format!("{} {left} is {}, {right} is {}", at(&c.position), value(a), value(b))
            })
            .collect(),
    );
    section(
        &duplicates(counts.duplicates, counts.differing_duplicates),
        counts.duplicates,
        report
            .duplicates
            .iter()
            .map(|d| {
                let what = if d.same { "the same as" } else { "not the same as" };
                format!("{} is {what} {}", at(&d.position), at(&d.first))
            })
            .collect(),
    );
    section(
        &format!("Identities used by two resources, {}:", grouped(counts.shared_identities)),
        counts.shared_identities,
        report
            .shared_identities
            .iter()
            .map(|s| {
                let (record, first) = (at(&s.record.position), at(&s.first.position));
                format!("{record} is the {} of {first} too: {}", s.superclass, key(&s.key))
            })
            .collect(),
    );
    let readable = report.invalid.iter().any(|invalid| invalid.flaw.is_readable());
    let or_odd = if readable { ", or records that servers read in different ways" } else { "" };
    section(
        &format!("Not records{or_odd}, {}:", grouped(counts.invalid)),
        counts.invalid,
        report.invalid.iter().map(|i| format!("{} {}", at(&i.position), i.message)).collect(),
    );
    section(
        "Files that could not be read:",
        report.unreadable_files.len() as u64,
        report.unreadable_files.iter().map(|f| format!("{}: {}", f.file, f.reason)).collect(),
    );
    section(
        "Files of no resource:",
        report.unmatched_files.len() as u64,
        report.unmatched_files.iter().map(|f| format!("{}: {}", f.file, f.reason)).collect(),
    );
    text.push_str(&notes(report, width));
    text
}

/// Only those that differ are findings: of records that are the same it does not matter which one counts.
fn duplicates(all: u64, differing: u64) -> String {
    let records = grouped_count(all, "record", "records");
    match (differing, all.saturating_sub(differing)) {
        (0, _) => format!("Duplicate keys, {records}, the same content each time (no finding):"),
        (_, 0) => format!("Duplicate keys, {records}, with another content:"),
        (_, same) => {
            let (differing, same) = (grouped(differing), grouped(same));
            format!("Duplicate keys, {records}: {differing} with another content, {same} with the same (no finding):")
        }
    }
}

fn summary(report: &CheckReport, width: Width) -> String {
    let counts = &report.counts;
    let read = format!(
        "{} in {}, {}",
        grouped_count(counts.records, "record", "records"),
        grouped_count(counts.files, "file", "files"),
        grouped_count(counts.references, "reference", "references"),
    );
    let findings = report.findings();
    let found = if findings == 0 { "no findings".to_owned() } else { grouped_count(findings, "finding", "findings") };
    sentence("", &format!("{found}: {read}"), 2, width)
}

/// What the folder takes for granted.
fn notes(report: &CheckReport, width: Width) -> String {
    let mut text = String::new();
    let mut note = |first: &str, line: &str| text.push_str(&sentence(first, line, 9, width));
    let verb = if report.strict { "Missing" } else { "Assumed" };
    let listed = |wanted: &dyn Fn(&Assumed) -> bool| -> Vec<String> {
        let of_kind = report.assumed.iter().filter(|a| !a.descriptor && wanted(a));
        of_kind.map(|a| format!("{} ({})", short(&a.resource), grouped(a.references))).collect()
    };
    let absent = listed(&|a| !a.external && !a.has_files);
    let incomparable = listed(&|a| !a.external && a.has_files);
    let external = listed(&|a| a.external);
    if !absent.is_empty() {
        note(verb, &format!("  without a file: {}", absent.join(", ")));
    }
    if !incomparable.is_empty() {
        let line = "to be in the files, for the metadata tells no key by which they compare";
        note("Assumed", &format!("  {line}: {}", incomparable.join(", ")));
    }
    let descriptors = report.assumed.iter().filter(|a| a.descriptor && !a.external).count() as u64;
    if descriptors > 0 {
        let what = grouped_count(descriptors, "kind", "kinds");
        note(verb, &format!("  {what} of descriptors; --descriptors DIR gives those of the server"));
    }
    if !external.is_empty() {
        note("Assumed", &format!("  to be loaded by others: {}", external.join(", ")));
    }
    if !report.without_records.is_empty() {
        let resources: Vec<&str> = report.without_records.iter().map(|resource| resource.short()).collect();
        note("Careful", &format!("  files without a record: {}", resources.join(", ")));
    }
    if report.counts.may_be_unread > 0 {
        let references = grouped_count(report.counts.may_be_unread, "reference", "references");
        note("Careful", &format!("  {references} may be to what could not be read: mend that first, then check again"));
    }
    for people in &report.without_pathway {
        let associations: Vec<&str> = people.associations.iter().map(|a| a.short()).collect();
        let through: Vec<&str> = people.through.iter().map(|person| person.short()).collect();
        let perhaps = if people.may_be_unread { "in what could not be read or " } else { "" };
        let first = people.people.first().map(|p| format!(", first {}", at(p))).unwrap_or_default();
        note(
            "Careful",
            &format!(
                "  {} of {}{} without {}{first}: unless {perhaps}on the server already, updates and dependents get 403",
                grouped_count(people.records, "record", "records"),
                people.resource.short(),
                if through.is_empty() { String::new() } else { format!(" whose {} are", through.join(" or ")) },
                associations.join(" or "),
            ),
        );
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// What is said of a target that may be there all the same.
fn perhaps(unread: bool) -> &'static str {
    if unread { " (perhaps unread)" } else { "" }
}

fn at(position: &Position) -> String {
    format!("{}:{}", position.file, position.line)
}

fn short(name: &str) -> &str {
    name.strip_prefix("/ed-fi/").unwrap_or(name.strip_prefix('/').unwrap_or(name))
}

pub(super) fn key(key: &KeyValues) -> String {
    let fields: Vec<String> = key.iter().map(|(name, v)| format!("{name} {}", value(v))).collect();
    fields.join(", ")
}

/// A value as people write it, with whatever could move the cursor made visible.
fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'"),
        other => other.to_string(),
    }
}

pub(super) fn grouped_count(number: u64, one: &str, many: &str) -> String {
    if number < 1000 {
        return count(usize::try_from(number).unwrap_or_default(), one, many);
    }
    format!("{} {many}", grouped(number))
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
