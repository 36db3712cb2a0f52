//! What an audit found, as text.

use super::{Width, count, sentence, wrapped};
use crate::model::ResourceName;
use crate::plan::audit::{Audit, Cause, EdgeFinding, Failure, Missing, Needing, Wrong};

/// So many resources are told of; JSON has them all.
const MOST: usize = 25;

/// From this many findings of one resource on, they are told together.
const TOGETHER: usize = 3;

/// Findings first, each with what fails for it, then notes.
#[must_use]
pub fn audit(audit: &Audit, width: Width) -> String {
    let compared = format!(
        "{} and {} compared",
        count(audit.resources, "resource", "resources"),
        count(audit.edges, "edge", "edges")
    );
    let mut text = match audit.findings() {
        0 => format!("No findings. {compared}.\n"),
        findings => format!("{}. {compared}.\n", count(findings, "finding", "findings")),
    };
    missing(&mut text, &audit.missing, width);
    if !audit.extra.is_empty() {
        text.push_str("\nNot in the graph\n");
        for extra in audit.extra.iter().take(MOST) {
            text.push_str(&sentence("  ", &format!("{}: {}", extra.name, extra.because), 4, width));
        }
        more(&mut text, "  ", audit.extra.len());
    }
    let same = |a: &EdgeFinding, b: &EdgeFinding| a.prerequisite == b.prerequisite && a.wrong == b.wrong;
    let groups: Vec<&[EdgeFinding]> = audit.edge_findings.chunk_by(same).collect();
    for group in groups.iter().take(MOST) {
        text.push('\n');
        if group.len() > TOGETHER {
            together(&mut text, audit.form, group, width);
        } else {
            group.iter().for_each(|finding| one(&mut text, audit.form, finding, width));
        }
    }
    if groups.len() > MOST {
        text.push('\n');
    }
    more(&mut text, "", groups.len());
    if !audit.notes.is_empty() {
        text.push_str("\nNotes\n");
        for note in &audit.notes {
            text.push_str(&sentence("  ", &note.text, 4, width));
        }
    }
    text
}

/// Says how many resources are not shown.
fn more(text: &mut String, indent: &str, all: usize) {
    if let Some(more @ 1..) = all.checked_sub(MOST) {
        text.push_str(&format!("{indent}and {more} more; --format json lists them\n"));
    }
}

fn missing(text: &mut String, missing: &[Missing], width: Width) {
    let (coded, others): (Vec<&Missing>, Vec<&Missing>) = missing.iter().partition(|m| m.descriptor);
    if missing.is_empty() {
        return;
    }
    text.push_str("\nMissing\n");
    let resources = others.len();
    for missing in others.into_iter().take(MOST) {
        let (always, sometimes): (Vec<_>, Vec<_>) = missing.loads.iter().partition(|l| l.required);
        let names = |loads: &[&Needing]| some(&loads.iter().map(|l| l.resource.short()).collect::<Vec<_>>());
        let mut says = Vec::new();
        if !always.is_empty() {
            says.push(format!("{} always need them", names(&always)));
        }
        if !sometimes.is_empty() {
            says.push(format!("{} may refer to them", names(&sometimes)));
        }
        if !missing.deletes.is_empty() {
            let names: Vec<&str> = missing.deletes.iter().map(ResourceName::short).collect();
            says.push(format!("their records block deletes of {}", some(&names)));
        }
        let says = if says.is_empty() { "nothing else is concerned".to_owned() } else { says.join("; ") };
        text.push_str(&sentence("  ", &format!("{}: {says}", missing.resource.short()), 4, width));
    }
    more(text, "  ", resources);
    if !coded.is_empty() {
        let names: Vec<String> =
            coded.iter().map(|m| m.resource.short().trim_end_matches("Descriptors").to_owned()).collect();
        text.push_str(&wrapped(&format!("  descriptors ({}): ", names.len()), &names, ", ", width));
    }
}

/// Two names and how many more.
fn some(names: &[&str]) -> String {
    match names {
        [first, second, more @ ..] if !more.is_empty() => format!("{first}, {second} and {} more", more.len()),
        _ => names.join(" and "),
    }
}

/// `reportCards (19)`, `reportCards (line 19)`.
fn at(form: &str, name: &str, position: Option<usize>) -> String {
    match position {
        Some(line) if form == "list" => format!("{name} (line {line})"),
        Some(order) => format!("{name} ({order})"),
        None => name.to_owned(),
    }
}

fn one(text: &mut String, form: &str, finding: &EdgeFinding, width: Width) {
    let prerequisite = at(form, finding.prerequisite.short(), finding.prerequisite_at);
    let dependent = at(form, finding.dependent.short(), finding.dependent_at);
    let says = match finding.wrong {
        Wrong::Inverted => format!("{dependent} come before {prerequisite}, which they need"),
        Wrong::Dropped => format!("{dependent} do not wait for {prerequisite}, which they need"),
    };
    text.push_str(&sentence("", &says, 2, width));
    for cause in &finding.because {
        let line = match cause {
            Cause::Reference { path, required } => {
                format!("{path}  {}", if *required { "required" } else { "optional" })
            }
            Cause::Authorization { person } => {
                format!("{} are visible only through {}", person.short(), finding.prerequisite.short())
            }
        };
        text.push_str(&sentence("  ", &line, 4, width));
    }
    failures(text, &finding.load, finding.delete.as_ref(), width);
}

fn together(text: &mut String, form: &str, group: &[EdgeFinding], width: Width) {
    let [first, ..] = group else { return };
    let prerequisite = at(form, first.prerequisite.short(), first.prerequisite_at);
    let needing = count(group.len(), "resource", "resources");
    let says = match first.wrong {
        Wrong::Inverted => format!("{prerequisite} come after {needing} that need them"),
        Wrong::Dropped => format!("{needing} need {prerequisite} and do not wait for them"),
    };
    text.push_str(&sentence("", &says, 2, width));
    let names: Vec<String> = group.iter().map(|f| at(form, f.dependent.short(), f.dependent_at)).collect();
    text.push_str(&wrapped("  ", &names, "  ", width));
    let always = group.iter().filter(|f| f.load.always).count();
    let deletes = group.iter().filter(|f| f.delete.is_some()).count();
    let only = if deletes == 0 { 403 } else { 409 };
    let load = match always {
        0 => format!("they fail with {only} where they refer to them"),
        _ if always == group.len() => format!("they fail with {only} every time"),
        _ => format!("they fail with {only}: {always} of them every time, the others where they refer to them"),
    };
    text.push_str(&sentence("  load    ", &load, 10, width));
    if deletes > 0 {
        let delete = format!("in reverse order they fail with 409 while any of {deletes} refers to them");
        text.push_str(&sentence("  delete  ", &delete, 10, width));
    }
}

fn failures(text: &mut String, load: &Failure, delete: Option<&Failure>, width: Width) {
    let which = match (load.status, load.always) {
        (403, _) => "until the association exists",
        (_, true) => "every time",
        (_, false) => "where they carry the reference",
    };
    let load = format!("{} fail with {} {which}", load.resource.short(), load.status);
    text.push_str(&sentence("  load    ", &load, 10, width));
    if let Some(delete) = delete {
        let (resource, status) = (delete.resource.short(), delete.status);
        let says = format!("in reverse order, {resource} fail with {status} while referred to");
        text.push_str(&sentence("  delete  ", &says, 10, width));
    }
}
