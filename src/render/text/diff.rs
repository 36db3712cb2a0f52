//! What changes between two graphs, as text.

use std::collections::{BTreeMap, BTreeSet};

use super::{Width, columns, count, sentence, wrapped};
use crate::model::{ResourceName, Text};
use crate::plan::diff::{ChangedReference, Diff, KeyChange, Requirement};

/// So many lines of one kind are shown; JSON has them all.
const MOST: usize = 20;

/// Changes by kind, each with its number; long lists are cut.
#[must_use]
pub fn diff(diff: &Diff, width: Width) -> String {
    let mut text = format!("{} → {}\n", diff.left.name, diff.right.name);
    if diff.is_empty() {
        text.push_str("Nothing changes.\n");
        return text;
    }
    let (before, after) = (diff.left.resources, diff.right.resources);
    heading(&mut text, "Resources", &format!("{before} → {after}"));
    names(&mut text, "added", &diff.added, width);
    names(&mut text, "removed", &diff.removed, width);
    let renamed = diff.renamed.iter().map(|r| [format!("{} → {}", r.from.short(), r.to.short())]);
    rows(&mut text, "renamed", renamed.collect(), width);

    let references = diff.references_added.len() + diff.references_removed.len() + diff.retargeted.len();
    if references > 0 {
        heading(&mut text, "References of resources on both sides", "");
        rows(&mut text, "added", diff.references_added.iter().map(reference).collect(), width);
        rows(&mut text, "removed", diff.references_removed.iter().map(reference).collect(), width);
        let retargeted = diff
            .retargeted
            .iter()
            .map(|r| [format!("{}.{}", r.resource.short(), r.path), format!("{} → {}", short(&r.from), short(&r.to))]);
        rows(&mut text, "to another target", retargeted.collect(), width);
    }
    if !diff.requirements.is_empty() {
        heading(&mut text, "Requirements", "");
        let (required, optional): (Vec<_>, Vec<_>) = diff.requirements.iter().partition(|r| r.required);
        rows(&mut text, "now required", required.into_iter().map(requirement).collect(), width);
        rows(&mut text, "no longer required", optional.into_iter().map(requirement).collect(), width);
    }
    if !diff.keys.is_empty() {
        heading(&mut text, "Natural keys", "");
        let changed = diff.keys.iter().filter(|k| !(k.added.is_empty() && k.removed.is_empty()));
        rows(&mut text, "changed", changed.map(key).collect(), width);
        retyped(&mut text, &diff.keys, width);
    }
    if let Some((before, after)) = diff.wave_counts {
        if !diff.waves.is_empty() || before != after {
            heading(&mut text, "Waves of the API's own order", &format!("{before} → {after}"));
        }
        let moved = diff.waves.iter().map(|m| [format!("{} {} → {}", m.resource.short(), m.from, m.to)]);
        rows(&mut text, "moved", moved.collect(), width);
    }
    text
}

fn heading(text: &mut String, heading: &str, numbers: &str) {
    text.push_str(&format!("\n{}\n", format!("{heading}  {numbers}").trim_end()));
}

fn head(what: &str, number: usize) -> String {
    format!("  {what} ({number})")
}

/// Names; descriptors by their number and the first line of them.
fn names(text: &mut String, what: &str, all: &[ResourceName], width: Width) {
    let (coded, others): (Vec<&ResourceName>, Vec<&ResourceName>) =
        all.iter().partition(|name| name.endpoint().ends_with("Descriptors"));
    let list = |names: &[&ResourceName], suffix: &str| -> Vec<String> {
        let shown = names.iter().take(MOST).map(|n| n.short().trim_end_matches(suffix).to_owned());
        let more = names.len().saturating_sub(MOST);
        shown.chain((more > 0).then(|| format!("and {more} more"))).collect()
    };
    if !others.is_empty() {
        text.push_str(&head(what, others.len()));
        text.push('\n');
        text.push_str(&wrapped("    ", &list(&others, ""), "  ", width));
    }
    if !coded.is_empty() {
        text.push_str(&head(&format!("{what}, descriptors"), coded.len()));
        text.push('\n');
        text.push_str(&wrapped("    ", &list(&coded, "Descriptors"), "  ", width));
    }
}

fn rows<const N: usize>(text: &mut String, what: &str, all: Vec<[String; N]>, width: Width) {
    if all.is_empty() {
        return;
    }
    text.push_str(&head(what, all.len()));
    text.push('\n');
    let shown = all.get(..MOST.min(all.len())).unwrap_or_default();
    if shown.iter().all(|row| row.len() == 1) {
        let items: Vec<String> = shown.iter().filter_map(|row| row.first().cloned()).collect();
        text.push_str(&wrapped("    ", &items, "   ", width));
    } else {
        let inner = Width(width.0.saturating_sub(2));
        for line in columns(shown, inner).lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    if all.len() > MOST {
        let more = count(all.len() - MOST, "more", "more");
        text.push_str(&sentence("    ", &format!("and {more}; --format json lists them"), 4, width));
    }
}

fn short(name: &Text) -> &str {
    name.strip_prefix("/ed-fi/").unwrap_or(name.trim_start_matches('/'))
}

fn reference(reference: &ChangedReference) -> [String; 3] {
    [
        format!("{}.{}", reference.resource.short(), reference.path),
        format!("→ {}", short(&reference.target)),
        if reference.required { "required" } else { "optional" }.to_owned(),
    ]
}

fn requirement(requirement: &Requirement) -> [String; 1] {
    [format!("{}.{}", requirement.resource.short(), requirement.path)]
}

/// Types that change, each with its fields: they mostly do so everywhere.
fn retyped(text: &mut String, keys: &[KeyChange], width: Width) {
    let mut by_type: BTreeMap<(&Text, &Text), (BTreeSet<&str>, usize)> = BTreeMap::new();
    for change in keys {
        let types: BTreeSet<(&Text, &Text)> = change.retyped.iter().map(|r| (&r.from, &r.to)).collect();
        for of in types {
            let (fields, resources) = by_type.entry(of).or_default();
            fields.extend(change.retyped.iter().filter(|r| (&r.from, &r.to) == of).map(|r| r.field.as_str()));
            *resources += 1;
        }
    }
    for ((from, to), (fields, resources)) in by_type {
        text.push_str(&format!("{}: {from} → {to}\n", head("of another type", resources)));
        let names: Vec<String> = fields.into_iter().map(str::to_owned).collect();
        text.push_str(&wrapped("    ", &names, "  ", width));
    }
}

fn key(change: &KeyChange) -> [String; 2] {
    let mut says: Vec<String> = change.added.iter().map(|field| format!("+{field}")).collect();
    says.extend(change.removed.iter().map(|field| format!("-{field}")));
    [change.resource.short().to_owned(), says.join(", ")]
}
