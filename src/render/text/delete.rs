//! A delete plan as text.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{Descriptors, listed, wave_lines};
use super::{Width, columns, count, sentence};
use crate::model::ResourceName;
use crate::plan::delete::{DeleteOperation, DeletePlan, DeleteStep, Kept, Warning, WarningCode};

/// Waves with their steps, then what has to be known about them.
#[must_use]
pub fn delete_plan(plan: &DeletePlan, descriptors: Descriptors, width: Width) -> String {
    let steps: Vec<&DeleteStep> = plan.waves.iter().flat_map(|wave| &wave.steps).collect();
    if steps.is_empty() {
        return "Nothing to delete.\n".to_owned();
    }
    let hidden: BTreeSet<&ResourceName> = steps.iter().flat_map(|step| &step.hides).collect();
    let mixed = steps.iter().any(|step| step.pulled_in);
    let waves = count(plan.waves.len(), "wave", "waves");
    let mut text = format!("{waves}, {}\n\nwave  steps\n", count(steps.len(), "step", "steps"));
    for wave in &plan.waves {
        let item = |step| item(step, mixed, &hidden);
        let steps: Vec<_> = wave.steps.iter().map(|step| (&step.resource, step.kind, item(step))).collect();
        text.push_str(&wave_lines(wave.wave, &steps, descriptors, width));
    }
    text.push('\n');
    text.push_str(&sentence("", &closing_count(&steps), 2, width));
    if plan.could_stay > 0 {
        let could = count(plan.could_stay, "resource", "resources");
        let say = format!("{could} could stay: --optional clear removes their optional references instead.");
        text.push_str(&sentence("", &say, 2, width));
    }
    text.push_str(&clears(&steps, width));
    text.push_str(&children_first(&steps, width));
    text.push_str(&careful(&plan.warnings, width));
    text
}

/// The name with what is special of its step.
fn item(step: &DeleteStep, mixed: bool, hidden: &BTreeSet<&ResourceName>) -> String {
    let star = if mixed && !step.pulled_in { "*" } else { "" };
    let name = step.resource.short();
    if step.operation == DeleteOperation::Clear {
        format!("{name} (clear)")
    } else if !step.hides.is_empty() {
        format!("{name}{star} (hides {})", listed(step.hides.iter().map(ResourceName::short)))
    } else if hidden.contains(&step.resource) {
        format!("{name}{star} (by id)")
    } else {
        format!("{name}{star}")
    }
}

fn closing_count(steps: &[&DeleteStep]) -> String {
    let deletes = || steps.iter().filter(|step| step.operation == DeleteOperation::Delete);
    let pulled_in = deletes().filter(|step| step.pulled_in).count();
    let named = deletes().count() - pulled_in;
    if pulled_in == 0 {
        return "Nothing is deleted by this command.".to_owned();
    }
    let refer = if pulled_in == 1 { "refers" } else { "refer" };
    format!(
        "{} named (*), {pulled_in} {refer} to {}, directly or through others. Nothing is deleted by this command.",
        count(named, "resource", "resources"),
        if named == 1 { "it" } else { "them" }
    )
}

/// Which references the clears remove; several targets of one path together.
fn clears(steps: &[&DeleteStep], width: Width) -> String {
    let mut text = String::new();
    for step in steps.iter().filter(|step| step.operation == DeleteOperation::Clear) {
        let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for clear in &step.clears {
            paths.entry(&clear.path).or_default().push(clear.target.short());
        }
        for (path, targets) in paths {
            let items = if path.contains("[*]") { " (remove those items of the collection)" } else { "" };
            let say = format!(
                "Clear first: update {} without {path}, where it refers to {}{items}.",
                step.resource.short(),
                crate::graph::listed(&targets, "or"),
            );
            text.push_str(&sentence("", &say, 2, width));
        }
    }
    text
}

fn children_first(steps: &[&DeleteStep], width: Width) -> String {
    let mut items = Vec::new();
    for step in steps {
        let paths = step.children_first.iter().flat_map(|children| children.paths());
        let paths: Vec<&str> = paths.map(|path| path.trim_start_matches("$.")).collect();
        if !paths.is_empty() {
            items.push(format!("{} ({})", step.resource.short(), paths.join(", ")));
        }
    }
    if items.is_empty() {
        return String::new();
    }
    sentence("", &format!("Delete children first within: {}.", items.join(", ")), 2, width)
}

/// Warnings that are not said already, one line for all resources of which the same is true.
pub(super) fn careful(warnings: &[Warning], width: Width) -> String {
    let said = |w: &&Warning| !matches!(w.code, WarningCode::SelfReferences | WarningCode::ReferencesCleared);
    let mut groups: Vec<(&Warning, Vec<&str>)> = Vec::new();
    for warning in warnings.iter().filter(said) {
        let name = warning.resource.short();
        match groups.iter_mut().find(|(w, _)| (w.code, &w.message) == (warning.code, &warning.message)) {
            Some((_, names)) => names.push(name),
            None => groups.push((warning, vec![name])),
        }
    }
    let mut text = String::new();
    for (warning, names) in groups {
        let who = match names.as_slice() {
            few if few.len() <= 4 => listed(few.iter().copied()),
            [first, ..] => format!("{} resources, {first} among them", names.len()),
            [] => String::new(),
        };
        let head = if text.is_empty() { "Careful  " } else { "         " };
        let say = format!("{who}: {} ({})", warning.message, warning.code.name());
        text.push_str(&sentence(head, &say, 9, width));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// Why there is no plan: the references of what must survive, how they come into it, and the way out.
#[must_use]
pub fn kept(kept: &Kept, width: Width) -> String {
    let references = &kept.references;
    let resources: BTreeSet<&str> = references.iter().map(|r| r.resource.short()).collect();
    let say = format!(
        "{} cannot be kept: {} in the way.",
        listed(resources.into_iter()),
        count(references.len(), "reference stands", "references stand")
    );
    let mut text = sentence("", &say, 2, width);
    text.push('\n');
    let rows: Vec<[String; 3]> = references
        .iter()
        .map(|r| {
            let path = format!("{}.{}", r.resource.short(), r.path);
            [path, r.target.short().to_owned(), if r.required { "required" } else { "optional" }.to_owned()]
        })
        .collect();
    text.push_str(&columns(&rows, width));
    text.push('\n');
    let pulled_in: BTreeSet<&[ResourceName]> =
        references.iter().map(|r| r.chain.as_slice()).filter(|chain| chain.len() > 1).collect();
    for chain in pulled_in {
        let names: Vec<&str> = chain.iter().map(ResourceName::short).collect();
        text.push_str(&sentence("Pulled in: ", &format!("{}.", names.join(" → ")), 2, width));
    }
    let way_out = if kept.clearing_helps {
        "An update can clear optional references: --optional clear plans that, and keeps what can do without."
            .to_owned()
    } else {
        let required = || references.iter().filter(|r| r.required);
        let stubborn: BTreeSet<&str> = required().map(|r| r.resource.short()).collect();
        let roots: BTreeSet<&str> = required().filter_map(|r| r.chain.first()).map(ResourceName::short).collect();
        format!(
            "A required reference cannot be cleared: delete {} as well, or keep {}.",
            listed(stubborn.into_iter()),
            listed(roots.into_iter())
        )
    };
    text.push_str(&sentence("", &way_out, 2, width));
    text
}
