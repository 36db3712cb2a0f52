//! What a natural key that cannot change asks for: deletes, then the same again under the new key.

use std::collections::{BTreeSet, VecDeque};

use serde::Serialize;

use super::{DeleteWave, Optional, Warning, WarningCode, closure, delete_order, in_waves};
use crate::graph::{Authorization, DependencyGraph, ResourceId, Selection};
use crate::model::{ResourceName, Text};
use crate::plan::load::{Deferred, LoadOptions, Step, Wave, load_plan};
use crate::plan::{Operation, RequiredCycle};

/// How to give a record another key: the body of `edfi-plan/key-change/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyChange {
    /// The resource.
    pub resource: ResourceName,
    /// The fields of its natural key.
    pub key: Vec<Text>,
    /// Whether an update may change them, where the metadata tells. If so, there is nothing to delete.
    pub key_may_change: Option<bool>,
    /// Resources whose own keys carry it, by identifying references, directly or through others.
    pub carried_by: Vec<ResourceName>,
    /// Everything that a change of the key concerns, and what becomes of it: what refers to the resource or to
    /// what has to change with it, directly or through others. Sorted.
    pub referrers: Vec<Referrer>,
    /// First: what is cleared and deleted.
    pub deletes: Vec<DeleteWave>,
    /// Then: what is created again, and in the last wave the updates that set again what was cleared
    /// from records that stayed.
    pub loads: Vec<Wave>,
    /// References to leave out when something is created again, and to set by a later update.
    pub deferred: Vec<Deferred>,
    /// What a person must know before the first request.
    pub warnings: Vec<Warning>,
    /// Whether fewer clears and deferrals are impossible.
    pub exact: bool,
}

/// A resource that a change of a key concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// What becomes of its records.
    pub becomes: Becomes,
    /// The resource.
    pub resource: ResourceName,
    /// Whether its own key carries the changed one.
    pub carries_key: bool,
}

/// What becomes of records that refer to one with a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Becomes {
    /// The server writes the new key into them.
    Carried,
    /// They are deleted before, and created again after: a reference that they require, or that is part of
    /// their key, blocks the delete.
    Recreated,
    /// They stay: optional references are cleared before, and set again by an update at the end.
    SetAgain,
}

impl KeyChange {
    /// The resources of which the same becomes; where `carries_key` says so those alone whose own key carries
    /// the changed one, or those alone whose key does not.
    pub fn that(&self, becomes: Becomes, carries_key: bool) -> impl Iterator<Item = &ResourceName> {
        let same = move |r: &&Referrer| r.becomes == becomes && r.carries_key == carries_key;
        self.referrers.iter().filter(same).map(|referrer| &referrer.resource)
    }

    /// Whether records stay that lose references and get them back at the end.
    #[must_use]
    pub fn stayed(&self) -> bool {
        self.referrers.iter().any(|referrer| referrer.becomes == Becomes::SetAgain)
    }
}

/// Plans the change of a natural key. Where an update may change it, the database of the server carries it
/// into what refers to it (`ON UPDATE CASCADE`, which foreign keys to other resources do not have: there
/// everything that refers blocks). Of what refers to the resource, directly or through others, the
/// least is deleted: optional references are cleared and set again.
///
/// O(references × subclasses) and the search for clears and deferrals, see
/// [`Precedence::break_cycles`](crate::graph::Precedence::break_cycles).
///
/// # Errors
///
/// A circle of which no reference can be cleared, or left out at create.
pub fn key_change(
    graph: &DependencyGraph,
    resource: ResourceId,
    authorization: &Authorization,
) -> Result<KeyChange, RequiredCycle> {
    let details = graph.details(resource);
    let carriers = carriers(graph, resource);
    let mut plan = KeyChange {
        resource: graph.name(resource).clone(),
        key: details.key.iter().map(|field| field.name.clone()).collect(),
        key_may_change: details.key_may_change,
        carried_by: carriers.iter().map(|&id| graph.name(id).clone()).collect(),
        referrers: Vec::new(),
        deletes: Vec::new(),
        loads: Vec::new(),
        deferred: Vec::new(),
        warnings: Vec::new(),
        exact: true,
    };
    let referrer = |&id: &ResourceId, becomes| Referrer {
        becomes,
        resource: graph.name(id).clone(),
        carries_key: carriers.contains(&id),
    };
    if plan.key_may_change == Some(true) {
        // The database carries it on along every foreign key, also of those whose own key it is no part of.
        let changed = carriers.iter().chain([&resource]);
        let referring: BTreeSet<ResourceId> =
            changed.flat_map(|&id| graph.dependents(id)).map(|edge| edge.dependent).collect();
        plan.referrers = referring.iter().map(|id| referrer(id, Becomes::Carried)).collect();
        plan.referrers.sort();
        return Ok(plan);
    }
    let named = BTreeSet::from([resource]);
    let set = closure::of(graph, &named, Optional::Clear);
    let recreated = set.deleted.iter().filter(|&&id| id != resource).map(|id| referrer(id, Becomes::Recreated));
    plan.referrers = recreated.chain(set.cleared.iter().map(|id| referrer(id, Becomes::SetAgain))).collect();
    plan.referrers.sort();
    let deletes = in_waves(graph, &set, &delete_order(graph, &set, authorization)?, authorization);
    let load = LoadOptions { authorization: authorization.clone(), ..LoadOptions::default() };
    let loads = load_plan(graph, &Selection { resources: set.deleted.clone(), ..Selection::default() }, &load)?;
    plan.exact = deletes.exact && loads.exact;
    (plan.loads, plan.deferred) = (loads.waves, loads.deferred);
    let update = |&id: &ResourceId| Step {
        resource: graph.name(id).clone(),
        operations: &[Operation::Update],
        kind: graph.resource(id).kind,
    };
    let set_again: Vec<Step> = set.cleared.iter().map(update).collect();
    if !set_again.is_empty() {
        plan.loads.push(Wave { wave: plan.loads.len() + 1, steps: set_again });
    }
    plan.warnings.clone_from(&deletes.warnings);
    if plan.key_may_change.is_none() {
        let message = "the metadata does not tell whether an update may change the key; if so, nothing is to delete";
        let code = WarningCode::KeyChangeUnknown;
        plan.warnings.push(Warning { code, resource: plan.resource.clone(), message: message.to_owned() });
    }
    for &id in set.deleted.iter().filter(|&&id| id != resource && !carriers.contains(&id)) {
        let message = "do not carry the key: if the new records are created beside the old ones, an update can point \
                       these to them, and none is to delete";
        let code = WarningCode::KeyNotCarried;
        plan.warnings.push(Warning { code, resource: graph.name(id).clone(), message: message.to_owned() });
    }
    plan.warnings.sort();
    plan.deletes = deletes.waves;
    Ok(plan)
}

/// Everything whose natural key contains the key of a resource. O(edges).
fn carriers(graph: &DependencyGraph, of: ResourceId) -> BTreeSet<ResourceId> {
    let mut found = BTreeSet::new();
    let mut open = VecDeque::from([of]);
    while let Some(id) = open.pop_front() {
        let identifying = graph.dependents(id).filter(|edge| graph.references(edge).any(|r| r.identifying));
        open.extend(identifying.map(|edge| edge.dependent).filter(|id| found.insert(*id)));
    }
    found.remove(&of);
    found
}
