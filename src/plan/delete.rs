//! Deletes of whole resources: everything that refers to what is named goes first, and nothing is refused.
//!
//! Not the load order reversed: an optional reference blocks a delete as a required one does, so none
//! may be left out. Reasons: docs/design.md, "Deletes".

mod closure;
mod key_change;
mod order;
pub mod records;
mod warning;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};

use super::RequiredCycle;
use crate::graph::{Authorization, DependencyGraph, ResourceId};
use crate::model::{Kind, ResourceName, Text};

pub use closure::{InTheWay, Kept};
pub use key_change::{Becomes, KeyChange, Referrer, key_change};
pub use order::{Clear, DeleteOrder, DeleteSet, delete_order};
pub use warning::{Warning, WarningCode};

/// What becomes of dependents that refer by optional references alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optional {
    /// They are deleted like the others.
    #[default]
    Delete,
    /// They stay, and an update removes the references.
    Clear,
}

/// How to plan.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Edges that authorization adds: what needs a person goes before the person's pathway.
    pub authorization: Authorization,
    /// What must survive.
    pub keep: BTreeSet<ResourceId>,
    /// What becomes of dependents that could do without.
    pub optional: Optional,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    /// What must survive refers to what would go.
    #[error(transparent)]
    Kept(#[from] Kept),
    /// References that run in a circle and none of which can be cleared.
    #[error(transparent)]
    Cycle(#[from] RequiredCycle),
}

/// A delete plan and what has to be known about it: the body of `edfi-plan/delete-plan/1`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeletePlan {
    /// The waves, in order; the steps of one can run at the same time.
    pub waves: Vec<DeleteWave>,
    /// What a person must know before the first request, by code, then resource.
    pub warnings: Vec<Warning>,
    /// Whether fewer clears are impossible.
    #[serde(skip)]
    pub exact: bool,
    /// How many of the resources would stay if optional references were cleared.
    #[serde(skip)]
    pub could_stay: usize,
}

/// Steps that can run at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeleteWave {
    /// Its number, from 1.
    pub wave: usize,
    /// Its steps: clears first, then by name.
    pub steps: Vec<DeleteStep>,
}

/// What is done to the records of a resource in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteStep {
    /// The resource.
    pub resource: ResourceName,
    /// Clear or delete.
    pub operation: DeleteOperation,
    /// The references that a clear removes; none of a delete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clears: Vec<Cleared>,
    /// That its records refer to each other, so that their order matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children_first: Option<ChildrenFirst>,
    /// Whether no selector named it: it is here because it refers to what goes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pulled_in: bool,
    /// People whom the client no longer sees once this step is done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hides: Vec<ResourceName>,
    /// What sort of collection it is.
    #[serde(skip)]
    pub kind: Kind,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeleteOperation {
    /// PUT of each record without some optional references.
    Clear,
    /// DELETE of each record.
    Delete,
}

impl DeleteOperation {
    /// `delete`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Delete => "delete",
        }
    }
}

impl Serialize for DeleteOperation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A reference that an update removes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cleared {
    /// Where it stands.
    pub path: Text,
    /// What it refers to.
    pub target: ResourceName,
    /// What goes with it in every record: the item of a collection, or the object, that requires it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes: Option<Text>,
}

/// A resource that refers to itself: what refers goes before what it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChildrenFirst {
    /// The path from a child to its parent.
    pub path: Text,
    /// Other such paths, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Text>,
}

impl ChildrenFirst {
    fn of(paths: &[Text]) -> Option<Self> {
        let (path, also) = paths.split_first()?;
        Some(Self { path: path.clone(), also: also.to_vec() })
    }

    /// All paths.
    pub fn paths(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.path).chain(&self.also)
    }
}

/// How often what has lost its reason to go is taken out of a plan: once does it in every standard.
const ROUNDS: usize = 8;

/// Plans the delete of what is named and of everything that refers to it, directly or through others.
///
/// O(references × subclasses) and the search for clears, see
/// [`Precedence::break_cycles`](crate::graph::Precedence::break_cycles).
///
/// # Errors
///
/// References of what must survive, or a circle of which no reference can be cleared.
pub fn delete_plan(
    graph: &DependencyGraph,
    named: &BTreeSet<ResourceId>,
    options: &DeleteOptions,
) -> Result<DeletePlan, DeleteError> {
    let named: BTreeSet<ResourceId> = named.difference(&options.keep).copied().collect();
    let mut set = closure::of(graph, &named, options.optional);
    let mut order = delete_order(graph, &set, &options.authorization)?;
    // What a circle clears of the very references that pulled it in may stay. A plan that deletes it all
    // the same is right as well, so circles made to go on for ever do not.
    for _ in 0..ROUNDS {
        if order.idle.is_empty() {
            break;
        }
        set.deleted.retain(|id| !order.idle.contains(id));
        set.cleared.append(&mut order.idle);
        order = delete_order(graph, &set, &options.authorization)?;
    }
    if !set.deleted.is_disjoint(&options.keep) {
        return Err(closure::kept(graph, &set, options).into());
    }
    let least = closure::of(graph, &named, Optional::Clear).deleted.len();
    let could_stay = set.deleted.len().saturating_sub(least);
    Ok(DeletePlan { could_stay, ..in_waves(graph, &set, &order, &options.authorization) })
}

/// A plan from the order of its set.
fn in_waves(
    graph: &DependencyGraph,
    set: &DeleteSet,
    order: &DeleteOrder,
    authorization: &Authorization,
) -> DeletePlan {
    let hides = order.hides(authorization);
    let warnings = warning::of(graph, set, order, &hides);
    let step = |id: ResourceId, operation| DeleteStep {
        resource: graph.name(id).clone(),
        operation,
        clears: Vec::new(),
        children_first: None,
        pulled_in: !set.named.contains(&id),
        hides: Vec::new(),
        kind: graph.resource(id).kind,
    };
    let mut waves: BTreeMap<usize, Vec<DeleteStep>> = BTreeMap::new();
    for of_one in order.clears.chunk_by(|a, b| a.resource == b.resource) {
        let Some(first) = of_one.first() else { continue };
        let goes = |c: &Clear| {
            let reference = graph.resource(c.resource).references.iter().find(|reference| reference.path == c.path)?;
            let goes = records::at_least(reference, graph.details(c.resource));
            (goes != c.path.as_str()).then(|| Text::new(goes))
        };
        let cleared = |c: &Clear| Cleared { path: c.path.clone(), target: graph.name(c.target).clone(), goes: goes(c) };
        let clears = of_one.iter().map(cleared).collect();
        let steps = waves.entry(DeleteOrder::CLEARS).or_default();
        steps.push(DeleteStep { clears, ..step(first.resource, DeleteOperation::Clear) });
    }
    for (&id, &wave) in &order.waves {
        let children_first = order.children_first.get(&id).and_then(|paths| ChildrenFirst::of(paths));
        let hidden = hides.iter().filter(|(_, by)| *by == id).map(|(person, _)| graph.name(*person).clone()).collect();
        let delete = step(id, DeleteOperation::Delete);
        waves.entry(wave).or_default().push(DeleteStep { children_first, hides: hidden, ..delete });
    }
    let waves = waves.into_iter().map(|(wave, steps)| DeleteWave { wave, steps }).collect();
    DeletePlan { waves, warnings, exact: order.exact, could_stay: 0 }
}
