//! What to send again once the causes are mended.

use std::collections::HashMap;

use super::{Resend, Sketch};
use crate::diagnosis::Place;
use crate::diagnosis::codes::Code;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::ResourceName;
use crate::plan::describe::full_load;

/// A record that is to be sent again.
pub(super) struct Again {
    resource: ResourceId,
    place: Place,
    /// Whether it is an update that waits for associations.
    update: bool,
}

impl Again {
    pub(super) fn of(sketch: &Sketch) -> Self {
        let update = sketch.code == Code::RelationshipMissing;
        Self { resource: sketch.resource, place: sketch.place.clone(), update }
    }

    /// What others wait for although the folder has it; nothing where it stands nowhere.
    pub(super) fn first(resource: ResourceId, place: &Place) -> Option<Self> {
        place.line.map(|_| Self { resource, place: place.clone(), update: false })
    }
}

/// Records in the order in which they can be loaded, then by place; a record that failed twice is sent once.
pub(super) fn in_load_order(graph: &DependencyGraph, again: Vec<Again>) -> Vec<Resend> {
    // A person is created early and updated once its associations are there: first and last wave.
    let mut wave: HashMap<ResourceName, (usize, usize)> = HashMap::new();
    for (number, step) in
        full_load(graph).iter().flat_map(|plan| &plan.waves).flat_map(|w| w.steps.iter().map(move |s| (w.wave, s)))
    {
        wave.entry(step.resource.clone()).or_insert((number, number)).1 = number;
    }
    let mut resend: Vec<(usize, Resend)> = again
        .into_iter()
        .map(|Again { resource, place, update }| {
            let resource = graph.name(resource).clone();
            let (first, last) = wave.get(&resource).copied().unwrap_or_default();
            (if update { last } else { first }, Resend { resource, place })
        })
        .collect();
    resend.sort_by(|(a, left), (b, right)| (a, &left.resource, &left.place).cmp(&(b, &right.resource, &right.place)));
    resend.dedup_by(|(_, next), (_, first)| next == first);
    resend.into_iter().map(|(_, one)| one).collect()
}
