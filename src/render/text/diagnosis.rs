//! Diagnoses, root causes and codes as text.

use std::collections::BTreeMap;

use super::trace::on_server;
use super::{Width, count, sentence};
use crate::diagnosis::cascade::{Causes, LookedFor, Possible, Root, Unplaced};
use crate::diagnosis::{Code, Diagnosis, Place, Seen, Server, Side, Template, Verdict, Wave, catalogue};
use crate::model::Text;

/// Where what stands beside a label begins.
const LABEL: usize = 18;

/// Characters of a server's message that are shown; all of it is in the JSON.
const SAID: usize = 320;

/// One failure in a screenful: what it is, what the server says, what the graph says, what to do.
#[must_use]
pub fn diagnosis(diagnosis: &Diagnosis, width: Width) -> String {
    let head = format!("{} · {}", diagnosis.code, diagnosis.verdict);
    let right = seen_by(diagnosis);
    let gap = width.0.saturating_sub(head.chars().count() + right.chars().count());
    let mut text = if right.is_empty() {
        format!("{head}\n")
    } else if gap >= 2 {
        format!("{head}{}{right}\n", " ".repeat(gap))
    } else {
        format!("{head}\n{right}\n")
    };
    text.push('\n');
    let mut line = |label: &str, said: &str| {
        if !said.is_empty() {
            text.push_str(&sentence(&format!("{label:LABEL$}"), said, LABEL, width));
        }
    };
    line("The server says", &diagnosis.message.as_deref().map(|said| cut(said, SAID)).unwrap_or_default());
    let also: Vec<&str> = diagnosis.also.iter().map(|code| code.name()).collect();
    if !also.is_empty() {
        line("Also", &also.join(", "));
    }
    line("The graph says", &diagnosis.explanation);
    let looked = keys(&diagnosis.references);
    match (looked.as_slice(), diagnosis.verdict) {
        ([], _) => {}
        (some, Verdict::Confirmed) => line("Looked for", &some.join("; ")),
        (some, _) => line("The record has", &some.join("; ")),
    }
    let mut label = "In the folder";
    for held in in_folder(&diagnosis.in_folder) {
        line(label, &held);
        label = "";
    }
    let mut label = "On the server";
    for standing in on_server(&diagnosis.on_server) {
        line(label, &standing);
        label = "";
    }
    let mut label = "Do";
    for note in &diagnosis.remedy.notes {
        line(label, note);
        label = "";
    }
    let waves = in_order(&diagnosis.remedy.load);
    if waves.contains('→') {
        line(label, &format!("In order: {waves}."));
        label = "";
    }
    let delete: Vec<&str> = diagnosis.remedy.delete.iter().take(8).map(|name| name.short()).collect();
    if !delete.is_empty() {
        let more = diagnosis.remedy.delete.len() - delete.len();
        let more = if more > 0 { format!(" and {more} more (--format json)") } else { String::new() };
        line(label, &format!("Can block, nearest first: {}{more}.", delete.join(", ")));
    }
    text
}

/// `409, ODS/API 7.2 on`.
fn seen_by(diagnosis: &Diagnosis) -> String {
    let server = diagnosis.origin.clone().unwrap_or_else(|| match diagnosis.server {
        Server::Unknown => String::new(),
        server => server.to_string(),
    });
    let parts = [diagnosis.status.map(|status| status.to_string()).unwrap_or_default(), server];
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(", ").trim().to_owned()
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The keys of the first references, a reference an item.
fn keys(references: &[Seen]) -> Vec<String> {
    let with_key = references.iter().filter(|seen| !seen.key.is_empty());
    let line = |seen: &Seen| {
        let key: Vec<String> = seen.key.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let target = seen.target.strip_prefix("/ed-fi/").unwrap_or(&seen.target);
        format!("{target}: {}", key.join(", "))
    };
    with_key.take(4).map(line).collect()
}

/// What is looked for, as far as the folder has it, in a sentence each, and what follows from that.
fn in_folder(looked_for: &[LookedFor]) -> Vec<String> {
    let place = |looked: &LookedFor| {
        let target = short(&looked.target);
        let of = if looked.pathway { format!(" of {}", key_of(&looked.key)) } else { String::new() };
        match &looked.at {
            Some(at) => format!("{target}{of}: {}:{}", at.file, at.line),
            None => format!("{target}{of}: in no file"),
        }
    };
    let mut said: Vec<String> = looked_for.iter().take(SHOWN).map(place).collect();
    if looked_for.len() > SHOWN {
        said.push(format!("{} more; --format json lists all", looked_for.len() - SHOWN));
    }
    let there = |pathway: bool| looked_for.iter().any(|looked| looked.pathway == pathway && looked.at.is_some());
    if there(false) {
        said.push("What is there was not sent before this record, or was refused itself.".to_owned());
    }
    if there(true) {
        said.push(format!("What is there was not sent before this record, was refused itself, or {UNHELPFUL}."));
    }
    said
}

/// Why an association may not help that is there.
const UNHELPFUL: &str = "is of another education organization than the client's";

/// A resource for people.
fn short(name: &str) -> String {
    name.strip_prefix("/ed-fi/").unwrap_or(name).replace(" or /ed-fi/", " or ")
}

/// The values of a key.
fn key_of(key: &BTreeMap<Text, String>) -> String {
    match (key.get("namespace"), key.get("codeValue"), key.len()) {
        // As records write a descriptor.
        (Some(namespace), Some(value), 2) => format!("{namespace}#{value}"),
        _ => key.values().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// Waves as `sessions, courses → courseOfferings → sections`; descriptors go without saying.
fn in_order(waves: &[Wave]) -> String {
    let ordinary = |wave: &Wave| {
        let names = wave.resources.iter().map(|name| name.short()).filter(|name| !name.ends_with("Descriptors"));
        names.collect::<Vec<_>>().join(", ")
    };
    waves.iter().map(ordinary).filter(|wave| !wave.is_empty()).collect::<Vec<_>>().join(" → ")
}

/// Roots, and lines of other kinds, that are shown; all of them are in the JSON.
const SHOWN: usize = 10;

/// Many failures: how many, the root causes, what to send again.
#[must_use]
pub fn causes(causes: &Causes, width: Width) -> String {
    let summary = &causes.summary;
    let lines = lines(&causes.roots);
    let mut head =
        vec![count(summary.failures, "failure", "failures"), count(lines.len(), "root cause", "root causes")];
    if summary.unexplained > 0 {
        head.push(format!("{} unexplained", summary.unexplained));
    }
    let mut text = format!("{}\n", head.join(", "));
    if !lines.is_empty() {
        text.push('\n');
    }
    let digits = lines.len().min(SHOWN).to_string().len() + 1;
    let indent = digits + 2;
    for (number, Line { root, records, explains, also }) in lines.iter().take(SHOWN).enumerate() {
        let what = format!("{:>digits$}  {}", number + 1, headline(root, *records));
        // Those that wait for several are counted with the first.
        let explained = match (explains, also) {
            (_, 0) => format!("explains {explains}"),
            (0, _) => format!("also awaited by {also}"),
            _ => format!("explains {explains}, also awaited by {also}"),
        };
        text.push_str(&beside(&what, &explained, indent, width));
        let told = told_apart(root);
        for below in told.iter().chain(&root.examples) {
            text.push_str(&sentence(&" ".repeat(indent), below, indent, width));
        }
    }
    if lines.len() > SHOWN {
        text.push_str(&format!("{:digits$}  {} more; --format json lists all\n", "", lines.len() - SHOWN));
    }
    text.push_str(&unexplained(causes, width));
    text.push_str(&unplaced(&causes.unplaced, width));
    if summary.grouped > 0 {
        let grouped = format!(
            "{}: grouped by resource, code and entity along the graph, which is coarser. {}",
            count(
                summary.grouped,
                "failure came without its record or a known resource",
                "failures came without their records or a known resource"
            ),
            if causes.with_folder {
                "The folder does not tell which they are."
            } else {
                "Give the records (--data) to follow keys."
            }
        );
        text.push('\n');
        text.push_str(&sentence("", &grouped, 0, width));
    }
    let codes: Vec<String> = summary.by_code.iter().map(|(code, n)| format!("{code} {n}")).collect();
    text.push('\n');
    text.push_str(&sentence("Codes: ", &codes.join(", "), 7, width));
    if !causes.resend.is_empty() {
        let mut resources: Vec<&str> = causes.resend.iter().map(|r| r.resource.as_str()).collect();
        resources.sort_unstable();
        resources.dedup();
        let when = if causes.roots.is_empty() { "In load order" } else { "After mending" };
        let again = format!(
            "{when}: resend {} of {}; --format json lists them in order.",
            count(causes.resend.len(), "record", "records"),
            count(resources.len(), "resource", "resources")
        );
        text.push_str(&sentence("", &again, 0, width));
    }
    text
}

/// Roots that are alike for people, by the first of them.
struct Line<'c> {
    root: &'c Root,
    records: usize,
    explains: usize,
    also: usize,
}

/// Records of one resource that failed for the same reason share a line, those that explain most first.
fn lines(roots: &[Root]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut alike: BTreeMap<(&str, Code, &[String]), usize> = BTreeMap::new();
    for root in roots {
        let own = !root.absent && !root.grouped;
        let known = own.then(|| *alike.entry((&root.resource, root.code, &root.detail)).or_insert(lines.len()));
        match known.and_then(|at| lines.get_mut(at)) {
            Some(line) => {
                line.records += 1;
                line.explains += root.explains;
                line.also += root.also;
            }
            None => lines.push(Line { root, records: 1, explains: root.explains, also: root.also }),
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse((line.explains, line.also)));
    lines
}

fn headline(root: &Root, records: usize) -> String {
    let (name, key) = (called(root), key_of(&root.key));
    let detail = if root.detail.is_empty() { String::new() } else { format!(": {}", root.detail.join(", ")) };
    let place = match (&root.place.file, root.place.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => String::new(),
    };
    if !root.possible.is_empty() {
        let one = |one: &Possible| format!("{} {}", short(&one.resource), key_of(&one.key));
        let all: Vec<String> = root.possible.iter().take(4).map(one).collect();
        let more = root.possible.len() - all.len();
        let more = if more > 0 { format!(" or {more} more") } else { String::new() };
        return format!("{}{more} missing", all.join(" or "));
    }
    if root.absent && root.key.is_empty() {
        return format!(
            "{name} {}",
            if root.code == Code::RelationshipMissing { "missing (pathway)" } else { "missing" }
        );
    }
    if root.absent {
        let of = if root.code == Code::RelationshipMissing { " of" } else { "" };
        return format!("{name}{of} {key} missing");
    }
    if root.resource.is_empty() {
        let first = if place.is_empty() { place } else { format!(", first at {place}") };
        return format!("{}{detail}{first}", root.code);
    }
    if records > 1 {
        let first = if place.is_empty() { format!("{name} {key}").trim().to_owned() } else { place };
        return format!("{name}  {}{detail}, {records} records, first at {first}", root.code);
    }
    let who = if place.is_empty() { format!("{name} {key}").trim().to_owned() } else { place };
    format!("{who}  {}{detail}", root.code)
}

/// What a root is of, for people.
fn called(root: &Root) -> String {
    match root.any_of.as_slice() {
        several @ [_, ..] if root.resource.is_empty() => {
            let more = several.len().saturating_sub(4);
            let names = several.iter().take(4).map(|name| name.short()).collect::<Vec<_>>().join(" or ");
            if more > 0 { format!("{names} or {more} more") } else { names }
        }
        _ => short(&root.resource),
    }
}

/// Of what lies with the client or the server, what it befell: `with the server: schools 12, students 4`.
fn told_apart(root: &Root) -> Option<String> {
    let mut resources: Vec<(&str, usize)> = root.resources.iter().map(|(name, n)| (name.short(), *n)).collect();
    resources.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
    let shown: Vec<String> = resources.iter().take(SHOWN).map(|(name, n)| format!("{name} {n}")).collect();
    let more = resources.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more resources") } else { String::new() };
    let with = match root.lies_with? {
        Side::Client => "lies with the client",
        Side::Server => "lies with the server",
    };
    let befell = if shown.is_empty() { String::new() } else { format!(": {}{more}", shown.join(", ")) };
    Some(format!("{with}{befell}"))
}

/// What failures wait for that was sent and did not fail, and what that can mean.
fn unexplained(causes: &Causes, width: Width) -> String {
    let present = &causes.unexplained;
    if present.is_empty() {
        return String::new();
    }
    let mut text = "\nUnexplained, for these are in the folder and not among the failures:\n".to_owned();
    for one in present.iter().take(SHOWN) {
        let of = if one.code == Code::RelationshipMissing { " of" } else { "" };
        let place = match (&one.place.file, one.place.line) {
            (Some(file), Some(line)) => format!(" at {file}:{line}"),
            _ => String::new(),
        };
        let what = format!("{}{of} {}{place}", short(&one.resource), key_of(&one.key));
        let awaited = if one.possible { "perhaps awaited by" } else { "awaited by" };
        text.push_str(&beside(&format!("  {what}"), &format!("{awaited} {}", one.failures), 6, width));
        for example in &one.examples {
            text.push_str(&sentence("    ", example, 4, width));
        }
    }
    if present.len() > SHOWN {
        text.push_str(&format!("  {} more; --format json lists all\n", present.len() - SHOWN));
    }
    let pathways = present.iter().any(|one| one.code == Code::RelationshipMissing);
    let pathway = if pathways { format!(", or, of an association, {UNHELPFUL}") } else { String::new() };
    let meaning = format!(
        "Each was sent after what waits for it or not at all, or was refused without a report{pathway}. Send in \
         the order that edfi-plan order gives, or look for their answers."
    );
    text.push_str(&sentence("  ", &meaning, 2, width));
    text
}

/// Kinds of failures without a known cause that are shown: fewer than causes, which come first.
const UNPLACED: usize = 5;

/// Failures of which nothing tells the cause, those that are alike together, and what hinders.
fn unplaced(unplaced: &[Unplaced], width: Width) -> String {
    if unplaced.is_empty() {
        return String::new();
    }
    let mut text = "\nUnexplained, for nothing tells the cause:\n".to_owned();
    for one in unplaced.iter().take(UNPLACED) {
        let mut places: Vec<String> = one.places.iter().map(place).collect();
        let more = one.failures.saturating_sub(places.len());
        places.extend((more > 0).then(|| format!("{more} more")));
        let waiting = match one.waiting {
            0 => String::new(),
            1 => " 1 other waits for it.".to_owned(),
            many => format!(" {many} others wait for it."),
        };
        // The server's own words may be no sentence.
        let stop = if waiting.is_empty() || one.said.ends_with(['.', '!', '?', '…']) { "" } else { "." };
        let resource = short(&one.resource);
        let what =
            format!("{resource} {}  {} · {}: {}{stop}{waiting}", places.join(", "), one.code, one.verdict, one.said);
        text.push_str(&sentence("  ", what.trim_start(), 4, width));
    }
    if let Some(more) = unplaced.get(UNPLACED..).filter(|more| !more.is_empty()) {
        let more: usize = more.iter().map(|one| one.failures).sum();
        text.push_str(&format!("  {more} more; --format json lists all\n"));
    }
    text
}

/// `f.jsonl:3`, or where no line is known `failure 3 of f.json`.
fn place(place: &Place) -> String {
    match (&place.file, place.line, place.index) {
        (Some(file), Some(line), _) => format!("{file}:{line}"),
        (None, Some(line), _) => format!("line {line}"),
        (Some(file), None, Some(index)) => format!("failure {} of {file}", index + 1),
        (None, None, Some(index)) => format!("failure {}", index + 1),
        (file, None, None) => file.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// What stands at the left of a line and what at its right, or on two lines.
fn beside(left: &str, right: &str, indent: usize, width: Width) -> String {
    let gap = width.0.saturating_sub(left.chars().count() + right.chars().count());
    if gap >= 2 {
        return format!("{left}{}{right}\n", " ".repeat(gap));
    }
    format!("{}{:>2$}\n", sentence("", left, indent, width), right, width.0)
}

/// What a code means, how servers word it, what the graph can say and what to do.
#[must_use]
pub fn explained(code: Code, width: Width) -> String {
    let explanation = code.explanation();
    let mut text = format!("{code}\n\n");
    for (label, said) in
        [("Meaning", explanation.meaning), ("The graph", explanation.graph), ("Do", explanation.remedy)]
    {
        text.push_str(&sentence(&format!("{label:LABEL$}"), said, LABEL, width));
    }
    let mut label = "Wordings";
    for template in wordings(code) {
        let said = format!("{} ({})", template.text.trim_matches(['^', '|']), template.origin().trim());
        text.push_str(&sentence(&format!("{label:LABEL$}"), &said, LABEL, width));
        label = "";
    }
    text
}

fn wordings(code: Code) -> impl Iterator<Item = &'static Template> {
    catalogue().iter().filter(move |template| template.code == code)
}

/// Every code as a Markdown document: docs/codes.md is this text.
#[must_use]
pub fn codes() -> String {
    let mut text = String::from(
        "# Diagnosis codes\n\n\
         What `edfi-plan diagnose` answers and `edfi-plan explain CODE` prints. The code comes from the response \
         alone; the graph gives the verdict. A response that states several failures takes the first code of this \
         list, and lists the others.\n\n\
         Braces in a wording are holes that names and values fill.\n",
    );
    for code in Code::all() {
        let explanation = code.explanation();
        text.push_str(&format!(
            "\n## {code}\n\n{}\n\n**The graph:** {}\n\n**Do:** {}\n",
            explanation.meaning, explanation.graph, explanation.remedy
        ));
        let mut rows = wordings(code).peekable();
        if rows.peek().is_some() {
            text.push_str("\n| server | wording |\n|---|---|\n");
        }
        for template in rows {
            let said = template.text.trim_matches(['^', '|']).replace('|', "\\|");
            text.push_str(&format!("| {} | `{said}` |\n", template.origin().trim()));
        }
    }
    text
}
