//! Delete plans and key changes as text.

use std::collections::BTreeSet;

use super::order::{Descriptors, deferrals, listed, one_wave, wave_lines};
use super::{Width, columns, count, sentence};
use crate::model::ResourceName;
use crate::plan::delete::{
    Becomes, DeleteOperation, DeletePlan, DeleteStep, DeleteWave, Kept, KeyChange, Warning, WarningCode,
};

/// Waves with their steps, then what has to be known about them.
#[must_use]
pub fn delete_plan(plan: &DeletePlan, descriptors: Descriptors, width: Width) -> String {
    if plan.waves.is_empty() {
        return "Nothing to delete.\n".to_owned();
    }
    let steps = steps(&plan.waves);
    let mut text = format!("{}\n\n{}\n", size(&plan.waves), waves(&plan.waves, descriptors, width));
    text.push_str(&sentence("", &named(&steps), 2, width));
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

/// Both halves of a key change, or why there is nothing to do.
#[must_use]
pub fn key_change(plan: &KeyChange, descriptors: Descriptors, width: Width) -> String {
    let key: Vec<&str> = plan.key.iter().map(|field| field.as_str()).collect();
    let what = format!("The key of {} ({})", plan.resource.short(), key.join(", "));
    if plan.key_may_change == Some(true) {
        let carried = [true, false].map(|carries| {
            let names: Vec<&str> = plan.that(Becomes::Carried, carries).map(ResourceName::short).collect();
            let which = match (carries, names.len()) {
                (true, 1) => "whose own key holds it",
                (true, _) => "whose own keys hold it",
                (false, 1) => "that refers without holding it in its key",
                (false, _) => "that refer without holding it in their keys",
            };
            match names.as_slice() {
                [] => String::new(),
                some => format!(
                    " The server carries the new key into {} {which}: {}.",
                    count(some.len(), "resource", "resources"),
                    listed(some.iter().copied())
                ),
            }
        });
        let carried = carried.concat();
        let say = format!(
            "{what} may change: PUT the record with the new key to its id. Nothing has to be deleted.{carried}"
        );
        return sentence("", &say, 2, width);
    }
    let steps = steps(&plan.deletes);
    let cannot = match plan.key_may_change {
        Some(_) => "cannot be changed by an update: save",
        None => "may be fixed, the metadata does not tell. Where an update is refused: save",
    };
    let say = format!("{what} {cannot} the records of what is deleted, delete, then load them with the new key.");
    let mut text = sentence("", &say, 2, width);
    text.push_str(&concerned(plan, width));
    text.push_str(&format!("\nDelete  {}\n\n{}\n", size(&plan.deletes), waves(&plan.deletes, descriptors, width)));
    text.push_str(&sentence("", &named(&steps), 2, width));
    text.push_str(&clears(&steps, width));
    text.push_str(&children_first(&steps, width));
    let loads = plan.loads.iter().map(|wave| wave.steps.len()).sum();
    let waves = count(plan.loads.len(), "wave", "waves");
    text.push_str(&format!("\nLoad again  {waves}, {}\n\nwave  steps\n", count(loads, "step", "steps")));
    for wave in &plan.loads {
        text.push_str(&one_wave(wave, descriptors, width));
    }
    let closing = deferrals(&plan.deferred, |deferred| format!("in wave {}", deferred.wave), width);
    if steps.iter().any(|step| step.operation == DeleteOperation::Clear) || !closing.is_empty() {
        text.push('\n');
        text.push_str(&closing);
        let set_again = "Set again, by the updates of the last wave: what was cleared from records that stayed.";
        if plan.stayed() {
            text.push_str(&sentence("", set_again, 2, width));
        }
    }
    text.push_str(&careful(&plan.warnings, width));
    text
}

/// What refers to a record with another key, and what becomes of it.
fn concerned(plan: &KeyChange, width: Width) -> String {
    let of = [
        (Becomes::Recreated, true, "deleted and created again, for their own keys hold it"),
        (Becomes::Recreated, false, "deleted and created again, for they require what refers to it or it itself"),
        (Becomes::SetAgain, true, "cleared and set again"),
        (Becomes::SetAgain, false, "cleared and set again, for the reference is optional"),
    ];
    let mut text = String::new();
    for (becomes, carries, why) in of {
        let names: Vec<&str> = plan.that(becomes, carries).map(ResourceName::short).collect();
        if !names.is_empty() {
            let say = format!("{} {why}: {}.", names.len(), listed(names.iter().copied()));
            text.push_str(&sentence("", &say, 2, width));
        }
    }
    text
}

fn steps(waves: &[DeleteWave]) -> Vec<&DeleteStep> {
    waves.iter().flat_map(|wave| &wave.steps).collect()
}

/// `9 waves, 27 steps`.
fn size(waves: &[DeleteWave]) -> String {
    format!("{}, {}", count(waves.len(), "wave", "waves"), count(steps(waves).len(), "step", "steps"))
}

fn waves(waves: &[DeleteWave], descriptors: Descriptors, width: Width) -> String {
    let steps = steps(waves);
    let hidden: BTreeSet<&ResourceName> = steps.iter().flat_map(|step| &step.hides).collect();
    let mixed = steps.iter().any(|step| step.pulled_in && step.operation == DeleteOperation::Delete);
    let mut text = String::from("wave  steps\n");
    for wave in waves {
        let item = |step| item(step, mixed, &hidden).into();
        let lines = wave_lines(wave.wave, &wave.steps, |step| (&step.resource, step.kind), item, descriptors, width);
        text.push_str(&lines);
    }
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

/// What was named and what is there because it refers to it.
fn named(steps: &[&DeleteStep]) -> String {
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
    let mut rows: Vec<[String; 3]> = Vec::new();
    for step in steps {
        for of_path in step.clears.chunk_by(|a, b| a.path == b.path) {
            let Some(first) = of_path.first() else { continue };
            let targets: Vec<&str> = of_path.iter().map(|clear| clear.target.short()).collect();
            let goes = first.goes.as_ref().map(|goes| match goes.strip_suffix("[*]") {
                Some(collection) => format!("with the item of {collection}"),
                None => format!("with {goes}"),
            });
            let path = format!("{}.{}", step.resource.short(), first.path);
            rows.push([path, crate::graph::listed(&targets, "or"), goes.unwrap_or_default()]);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let goes = rows.iter().any(|[.., goes]| !goes.is_empty());
    let rest = if goes { ", and the item or object that requires them" } else { "" };
    let say = format!("Clear first, by an update that leaves out these references{rest}:");
    format!("{}{}", sentence("", &say, 2, width), columns(&rows, width))
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
    let said = [WarningCode::SelfReferences, WarningCode::ReferencesCleared, WarningCode::KeyChangeUnknown];
    let mut groups: Vec<(&Warning, Vec<&str>)> = Vec::new();
    for warning in warnings.iter().filter(|warning| !said.contains(&warning.code)) {
        let name = warning.resource.short();
        match groups.iter_mut().find(|(w, _)| (w.code, &w.message) == (warning.code, &warning.message)) {
            Some((_, names)) => names.push(name),
            None => groups.push((warning, vec![name])),
        }
    }
    let mut text = String::new();
    for (warning, names) in groups {
        let head = if text.is_empty() { "Careful  " } else { "         " };
        let say = format!("{}: {} ({})", few(&names), warning.message, warning.code.name());
        text.push_str(&sentence(head, &say, 9, width));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// All names where they are few, else their number.
fn few(names: &[&str]) -> String {
    match names {
        [first, ..] if names.len() > 4 => format!("{} resources ({first}, …)", names.len()),
        _ => listed(names.iter().copied()),
    }
}

/// Why there is no plan: the references of what must survive, how they come into it, and the way out.
#[must_use]
pub fn kept(kept: &Kept, width: Width) -> String {
    let references = &kept.references;
    let resources: BTreeSet<&str> = references.iter().map(|r| r.resource.short()).collect();
    let say = format!(
        "{} cannot be kept: {} in the way.",
        few(&resources.into_iter().collect::<Vec<_>>()),
        count(references.len(), "reference stands", "references stand")
    );
    let mut text = sentence("", &say, 2, width);
    text.push('\n');
    let mut rows: Vec<[String; 3]> = Vec::new();
    for of_path in references.chunk_by(|a, b| (&a.resource, &a.path) == (&b.resource, &b.path)) {
        let Some(first) = of_path.first() else { continue };
        let targets: Vec<&str> = of_path.iter().map(|reference| reference.target.short()).collect();
        rows.push([
            format!("{}.{}", first.resource.short(), first.path),
            crate::graph::listed(&targets, "or"),
            if first.required { "required" } else { "optional" }.to_owned(),
        ]);
    }
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
            few(&stubborn.into_iter().collect::<Vec<_>>()),
            few(&roots.into_iter().collect::<Vec<_>>())
        )
    };
    text.push_str(&sentence("", &way_out, 2, width));
    text
}
