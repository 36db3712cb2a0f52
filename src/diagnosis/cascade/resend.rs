//! What to send again once the causes are mended.

use std::collections::{BTreeSet, HashMap};

use super::{Resend, Sent, Sketch};
use crate::diagnosis::Place;
use crate::diagnosis::codes::Code;
use crate::diagnosis::identity::Kin;
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::ResourceName;
use crate::plan::describe::full_load;
use crate::records::Place as Spot;

/// A record that is to be sent again.
pub(super) struct Again {
    resource: ResourceId,
    place: Place,
    /// Where the folder has its key.
    at: Option<Spot>,
    /// Whether it is an update that waits for associations.
    update: bool,
}

impl Again {
    pub(super) fn of(sketch: &Sketch, records: Option<&Sent<'_, '_>>) -> Self {
        let update = sketch.code == Code::RelationshipMissing;
        let find = || records?.find(Kin::Resource(sketch.resource), sketch.own?);
        let at = sketch.at.or_else(find);
        Self { resource: sketch.resource, place: sketch.place.clone(), at, update }
    }

    /// What others wait for although the folder has it; nothing where it stands nowhere.
    pub(super) fn first(resource: ResourceId, place: &Place, at: Spot) -> Option<Self> {
        place.line.map(|_| Self { resource, place: place.clone(), at: Some(at), update: false })
    }
}

/// Records in the order in which their resources can be loaded, and those of one resource as they refer to each
/// other in the folder, then by place; a record that failed twice is sent once.
pub(super) fn in_load_order(graph: &DependencyGraph, records: Option<&Sent<'_, '_>>, again: Vec<Again>) -> Vec<Resend> {
    let spots: BTreeSet<Spot> = again.iter().filter_map(|again| again.at).collect();
    let turns = records.map(|records| records.turns(&spots)).unwrap_or_default();
    // A person is created early and updated once its associations are there: first and last wave.
    let mut wave: HashMap<ResourceName, (usize, usize)> = HashMap::new();
    for (number, step) in
        full_load(graph).iter().flat_map(|plan| &plan.waves).flat_map(|w| w.steps.iter().map(move |s| (w.wave, s)))
    {
        wave.entry(step.resource.clone()).or_insert((number, number)).1 = number;
    }
    let mut resend: Vec<((usize, Option<usize>), Resend)> = again
        .into_iter()
        .map(|Again { resource, place, at, update }| {
            let resource = graph.name(resource).clone();
            let (first, last) = wave.get(&resource).copied().unwrap_or_default();
            let turn = at.and_then(|at| turns.get(&at).copied());
            ((if update { last } else { first }, turn), Resend { resource, place })
        })
        .collect();
    resend.sort_by(|((wave, turn), left), ((other, later), right)| {
        (wave, &left.resource, turn, &left.place).cmp(&(other, &right.resource, later, &right.place))
    });
    resend.dedup_by(|(_, next), (_, first)| next == first);
    resend.into_iter().map(|(_, one)| one).collect()
}
