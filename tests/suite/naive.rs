//! A second, slow way to the same answer: what must come before what, straight from the rules.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::{Authorization, DependencyGraph, ResourceId};
use edfi_plan::model::Kind;
use edfi_plan::plan::load::LoadPlan;

/// Creates and updates that must come before each step, by resource and whether it is an update.
pub(crate) struct Rules {
    before: BTreeMap<(ResourceId, bool), BTreeSet<(ResourceId, bool)>>,
}

impl Rules {
    /// The rules of a plan: references that are not deferred, authorization, updates.
    pub(crate) fn of(graph: &DependencyGraph, authorization: &Authorization, plan: &LoadPlan) -> Self {
        let deferred: BTreeSet<_> = plan.deferred.iter().map(|d| (d.resource.clone(), d.target.clone())).collect();
        let mut before: BTreeMap<_, BTreeSet<_>> = graph.ids().map(|id| ((id, false), BTreeSet::new())).collect();
        for edge in graph.edges().filter(|e| !e.is_self()) {
            let (target, dependent) = (graph.name(edge.prerequisite).clone(), graph.name(edge.dependent).clone());
            if deferred.contains(&(dependent, target)) {
                let update = before.entry((edge.dependent, true)).or_default();
                update.extend([(edge.dependent, false), (edge.prerequisite, false)]);
            } else {
                before.entry((edge.dependent, false)).or_default().insert((edge.prerequisite, false));
            }
        }
        for edge in &authorization.edges {
            before.entry((edge.dependent, false)).or_default().insert((edge.prerequisite, false));
        }
        for hold in &authorization.holds {
            let update = before.entry((hold.person, true)).or_default();
            update.insert((hold.person, false));
            update.extend(hold.update_after.iter().map(|id| (*id, false)));
        }
        Self { before }
    }

    /// The wave of every step: the longest chain, found by relaxing until nothing changes.
    pub(crate) fn waves(&self, graph: &DependencyGraph) -> BTreeMap<(ResourceId, bool), usize> {
        let own = |id: ResourceId| usize::from(graph.resource(id).kind != Kind::SchoolYears);
        let mut wave: BTreeMap<_, usize> = self.before.keys().map(|step| (*step, own(step.0))).collect();
        for _ in 0..=self.before.len() {
            let mut changed = false;
            for (step, before) in &self.before {
                let longest = before.iter().map(|b| wave[b]).max().unwrap_or(0) + own(step.0);
                changed |= std::mem::replace(wave.get_mut(step).unwrap(), longest) != longest;
            }
            if !changed {
                return wave;
            }
        }
        panic!("the plan leaves a cycle");
    }
}
