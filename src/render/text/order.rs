//! A load order as text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Width, count, sentence, wrapped};
use crate::model::{Kind, ResourceName};
use crate::plan::Operation;
use crate::plan::load::{Deferred, External, LoadPlan, Reason, Step, Wave};

/// Whether descriptors are listed or summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptors {
    /// Their number and the first few.
    Summed,
    /// Every one.
    Listed,
}

impl Descriptors {
    /// Listed where somebody asks for it.
    #[must_use]
    pub fn listed_if(asked: bool) -> Self {
        if asked { Self::Listed } else { Self::Summed }
    }
}

/// Waves with their steps, then what has to be known about them.
#[must_use]
pub fn load_plan(plan: &LoadPlan, descriptors: Descriptors, width: Width) -> String {
    if plan.waves.is_empty() {
        return format!("Nothing to load.\n{}", closing(plan, width));
    }
    let steps = plan.waves.iter().map(|wave| wave.steps.len()).sum();
    let mut text =
        format!("{}, {}\n\nwave  steps\n", count(plan.waves.len(), "wave", "waves"), count(steps, "step", "steps"));
    for wave in &plan.waves {
        text.push_str(&one_wave(wave, descriptors, width));
    }
    let closing = closing(plan, width);
    if !closing.is_empty() {
        text.push('\n');
        text.push_str(&closing);
    }
    text
}

/// A wave of a load.
pub(super) fn one_wave(wave: &Wave, descriptors: Descriptors, width: Width) -> String {
    wave_lines(wave.wave, &wave.steps, |step| (&step.resource, step.kind), item, descriptors, width)
}

/// A wave: its number, how many steps it has, and the steps. Of each a name and a kind is known; what is said of it
/// is asked only where it is not summed up.
pub(super) fn wave_lines<'s, S>(
    wave: usize,
    steps: &'s [S],
    named: impl Fn(&'s S) -> (&'s ResourceName, Kind),
    item: impl Fn(&'s S) -> Cow<'s, str>,
    descriptors: Descriptors,
    width: Width,
) -> String {
    let sum = |step: &&'s S| named(step).1 == Kind::Descriptor && descriptors == Descriptors::Summed;
    let mut head = format!("{wave:>4}  {:>5}  ", steps.len());
    let mut text = String::new();
    let coded = steps.iter().filter(sum).count();
    if coded > 0 {
        let names = steps.iter().filter(sum).map(|step| plain(named(step).0.short()));
        text.push_str(&summed(&format!("{head}descriptors ({coded}): "), names, width));
        head = " ".repeat(head.len());
    }
    let items: Vec<Cow<'_, str>> = steps.iter().filter(|step| !sum(step)).map(item).collect();
    if !items.is_empty() {
        text.push_str(&wrapped(&head, &items, "  ", width));
    }
    text
}

/// The name of a descriptor among descriptors.
fn plain(name: &str) -> &str {
    name.trim_end_matches("Descriptors")
}

/// As many names as one line holds; of those that come after, none is asked for.
fn summed<'n>(first: &str, names: impl Iterator<Item = &'n str>, width: Width) -> String {
    let mut text = first.to_owned();
    let mut names = names.enumerate().peekable();
    while let Some((index, name)) = names.next() {
        let separator = if index == 0 { "" } else { ", " };
        let more = if names.peek().is_some() { ", …".chars().count() } else { 0 };
        if text.chars().count() + separator.len() + name.chars().count() + more > width.0 && index > 0 {
            text.push_str(", …");
            break;
        }
        text.push_str(separator);
        text.push_str(name);
    }
    text.push('\n');
    text
}

fn item(step: &Step) -> Cow<'_, str> {
    let name = step.resource.short();
    match step.operations {
        [Operation::Create] => format!("{name} (create)").into(),
        [Operation::Update] => format!("{name} (update)").into(),
        _ => name.into(),
    }
}

/// What the waves alone do not say, with what to do about it.
fn closing(plan: &LoadPlan, width: Width) -> String {
    let mut text = String::new();
    text.push_str(&externals(&plan.external, width));
    text.push_str(&deferrals(&plan.deferred, |deferred| plan.when(deferred), width));
    if !plan.self_references.is_empty() {
        let items: Vec<String> = plan
            .self_references
            .iter()
            .map(|s| format!("{} ({})", s.resource.short(), s.path.trim_start_matches("$.")))
            .collect();
        text.push_str(&sentence("", &format!("Load parents first within: {}.", items.join(", ")), 2, width));
    }
    for one_of in plan.one_of.iter().filter(|o| o.only_for_this || o.loaded.len() < o.of) {
        let say = if one_of.only_for_this {
            let listed = if one_of.loaded.len() < one_of.of { one_of.loaded.len().to_string() } else { "all".into() };
            format!("{} is satisfied by any one of {}; {listed} are listed.", one_of.entity, one_of.of)
        } else {
            format!(
                "{} is satisfied here by {}; any of {} would do.",
                one_of.entity,
                listed(one_of.loaded.iter().map(ResourceName::short)),
                one_of.of
            )
        };
        text.push_str(&sentence("", &say, 2, width));
    }
    text
}

/// What to create without which references, and when to set them.
pub(super) fn deferrals(deferred: &[Deferred], when: impl Fn(&Deferred) -> String, width: Width) -> String {
    let mut text = String::new();
    for group in deferred_pairs(deferred) {
        let first = &group[0];
        let paths: Vec<&str> = group.iter().map(|d| d.path.as_str()).collect();
        let say = format!(
            "Deferred: create {} without {}, which refers to {}; set it by an update {}.",
            first.resource.short(),
            paths.join(" and "),
            first.target.short(),
            when(first)
        );
        text.push_str(&sentence("", &say, 2, width));
    }
    text
}

/// Deferred references of one resource to one target together.
fn deferred_pairs(deferred: &[Deferred]) -> impl Iterator<Item = &[Deferred]> {
    deferred.chunk_by(|a, b| (&a.resource, &a.target) == (&b.resource, &b.target))
}

fn externals(external: &[External], width: Width) -> String {
    let mut text = String::new();
    let names = |reason: Reason, descriptor: bool| -> Vec<String> {
        let of = external.iter().filter(|e| e.reason == reason && e.descriptor == descriptor);
        of.map(|e| match e.one_of.as_slice() {
            [] => short(&e.resource).to_owned(),
            some => format!("one of {} ({})", e.resource, some.len()),
        })
        .collect()
    };
    let host = names(Reason::Host, false);
    if !host.is_empty() {
        text.push_str(&sentence(
            "",
            &format!("Must already exist: {} (the host owns them).", host.join(", ")),
            2,
            width,
        ));
    }
    let declared = [names(Reason::Declared, false), names(Reason::Declared, true)].concat();
    if !declared.is_empty() {
        text.push_str(&sentence(
            "",
            &format!("Must already exist: {} (declared external).", declared.join(", ")),
            2,
            width,
        ));
    }
    let left_out = names(Reason::Reference, false);
    if !left_out.is_empty() {
        text.push_str(&wrapped("Must already exist, not loaded here: ", &left_out, ", ", width));
    }
    let descriptors = names(Reason::Reference, true);
    if !descriptors.is_empty() {
        let names = descriptors.iter().map(|name| plain(name));
        text.push_str(&summed(&format!("Descriptors not loaded here ({}): ", descriptors.len()), names, width));
    }
    let mut pathways: BTreeMap<&[ResourceName], Vec<&str>> = BTreeMap::new();
    for pathway in external.iter().filter(|e| e.reason == Reason::Pathway) {
        pathways.entry(&pathway.makes_visible).or_default().push(short(&pathway.resource));
    }
    for (people, associations) in pathways {
        let people = listed(people.iter().map(ResourceName::short));
        let say = format!("Must already exist, so that {people} are visible: {}.", associations.join(", "));
        text.push_str(&sentence("", &say, 2, width));
    }
    text
}

fn short(name: &str) -> &str {
    name.strip_prefix("/ed-fi/").unwrap_or(name.trim_start_matches('/'))
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    crate::graph::listed(&names.collect::<Vec<_>>(), "and")
}
