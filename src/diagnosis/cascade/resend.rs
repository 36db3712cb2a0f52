//! What to send again once the causes are mended.

use std::collections::HashMap;

use super::{Resend, Sketch};
use crate::diagnosis::codes::Code;
use crate::graph::DependencyGraph;
use crate::model::ResourceName;
use crate::plan::describe::full_load;

/// Records in the order in which they can be loaded, then by place; a record that failed twice is sent once.
pub(super) fn in_load_order<'s>(graph: &DependencyGraph, sketches: impl Iterator<Item = &'s Sketch>) -> Vec<Resend> {
    // A person is created early and updated once its associations are there: first and last wave.
    let mut wave: HashMap<ResourceName, (usize, usize)> = HashMap::new();
    for (number, step) in
        full_load(graph).iter().flat_map(|plan| &plan.waves).flat_map(|w| w.steps.iter().map(move |s| (w.wave, s)))
    {
        wave.entry(step.resource.clone()).or_insert((number, number)).1 = number;
    }
    let mut resend: Vec<(usize, Resend)> = sketches
        .map(|sketch| {
            let resource = graph.name(sketch.resource).clone();
            let (first, last) = wave.get(&resource).copied().unwrap_or_default();
            let at = if sketch.code == Code::RelationshipMissing { last } else { first };
            (at, Resend { resource, place: sketch.place.clone() })
        })
        .collect();
    resend.sort_by(|(a, left), (b, right)| (a, &left.resource, &left.place).cmp(&(b, &right.resource, &right.place)));
    resend.dedup_by(|(_, next), (_, first)| next == first);
    resend.into_iter().map(|(_, one)| one).collect()
}
