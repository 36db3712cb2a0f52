//! Delete plans replayed in a full store.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::{Authorization, DependencyGraph, Follow, ResourceId};
use edfi_plan::model::ResourceName;
use edfi_plan::plan::delete::{
    DeleteError, DeleteOperation, DeleteOptions, DeletePlan, DeleteWave, Optional, WarningCode, delete_plan, key_change,
};
use edfi_plan::plan::describe::full_load;
use edfi_plan::plan::load::{LoadOptions, LoadPlan};
use edfi_plan::plan::{Operation, server};
use edfi_plan::records::GapCode;
use edfi_plan::source;
use proptest::prelude::*;

use crate::common::standard;
use crate::delete_store::Store;
use crate::random;

fn graphs() -> Vec<DependencyGraph> {
    let all = source::standards().iter().map(|s| s.name).chain(["ed-fi-5.2+tpdm+sample+homograph"]);
    all.map(standard).collect()
}

fn options(authorization: &Authorization, optional: Optional) -> DeleteOptions {
    DeleteOptions { authorization: authorization.clone(), optional, ..DeleteOptions::default() }
}

fn deleted(graph: &DependencyGraph, plan: &DeletePlan) -> BTreeSet<ResourceId> {
    let steps = plan.waves.iter().flat_map(|wave| &wave.steps);
    steps.filter(|s| s.operation == DeleteOperation::Delete).map(|s| graph.id(&s.resource).unwrap()).collect()
}

/// Replays a plan: nothing is refused, what it says is gone, nothing else is touched.
fn assert_replays(full: &Store<'_>, graph: &DependencyGraph, plan: &DeletePlan) {
    let mut store = full.clone();
    assert_eq!(store.run(&plan.waves), Ok(()));
    let gone = deleted(graph, plan);
    let clears = plan.waves.iter().flat_map(|w| &w.steps).flat_map(|s| s.clears.iter().map(move |c| (&s.resource, c)));
    let cleared: BTreeSet<_> = clears.map(|(resource, c)| (resource, c.path.as_str(), &c.target)).collect();
    for (record, references) in &full.records {
        let Some(left) = store.records.get(record) else {
            assert!(gone.contains(&record.0), "{} was deleted", graph.name(record.0));
            continue;
        };
        assert!(!gone.contains(&record.0), "{} was not deleted", graph.name(record.0));
        for (path, targets) in references.iter() {
            for target in targets.difference(&left[path]) {
                let lost = (graph.name(record.0), path.as_str(), graph.name(target.0));
                assert!(cleared.contains(&lost), "{lost:?} was lost");
            }
        }
    }
}

/// Leaves out one step after the other: without it something is refused, or what was asked for stays.
fn assert_every_step_is_needed(full: &Store<'_>, graph: &DependencyGraph, plan: &DeletePlan) {
    for (at, wave) in plan.waves.iter().enumerate() {
        for (number, step) in wave.steps.iter().enumerate() {
            if step.operation == DeleteOperation::Delete && !step.pulled_in {
                continue;
            }
            let mut fewer = plan.waves.clone();
            fewer[at].steps.remove(number);
            let what = step.operation.name();
            assert!(
                full.clone().run(&fewer).is_err(),
                "{what} {} is not needed",
                graph.name(graph.id(&step.resource).unwrap())
            );
        }
    }
}

/// The wave of every delete by relaxing the rules until nothing changes.
fn naive_waves(
    graph: &DependencyGraph,
    authorization: &Authorization,
    plan: &DeletePlan,
) -> BTreeMap<ResourceId, usize> {
    let gone = deleted(graph, plan);
    let name = |id| graph.name(id).clone();
    let steps = || plan.waves.iter().flat_map(|w| &w.steps);
    let cleared: BTreeSet<_> =
        steps().flat_map(|s| s.clears.iter().map(move |c| (s.resource.clone(), c.target.clone()))).collect();
    // What must be done before: deletes, or a clear, which is in wave 1.
    let mut before: BTreeMap<ResourceId, BTreeSet<Option<ResourceId>>> =
        gone.iter().map(|&id| (id, BTreeSet::new())).collect();
    for edge in graph.edges().filter(|e| !e.is_self() && gone.contains(&e.prerequisite)) {
        let by_clear = cleared.contains(&(name(edge.dependent), name(edge.prerequisite)));
        before.get_mut(&edge.prerequisite).unwrap().insert((!by_clear).then_some(edge.dependent));
    }
    for edge in authorization.edges.iter().filter(|e| gone.contains(&e.prerequisite) && gone.contains(&e.dependent)) {
        before.get_mut(&edge.prerequisite).unwrap().insert(Some(edge.dependent));
    }
    for id in &gone {
        for name in graph.ambiguous(*id).flat_map(|r| &r.alternatives) {
            before.get_mut(&graph.id(name).unwrap()).map(|b| b.insert(Some(*id)));
        }
    }
    for (resource, _) in &cleared {
        let id = graph.id(resource).unwrap();
        before.get_mut(&id).map(|b| b.insert(None));
        for hold in &authorization.holds {
            let reached = graph.transitive_dependents(hold.person, Follow::all());
            if id == hold.person || reached.contains(&id) {
                for association in &hold.update_after {
                    before.get_mut(association).map(|b| b.insert(None));
                }
            }
        }
    }
    let mut wave: BTreeMap<ResourceId, usize> = gone.iter().map(|&id| (id, 1)).collect();
    for _ in 0..=gone.len() {
        let mut changed = false;
        for (id, before) in &before {
            let longest = before.iter().map(|b| b.map_or(1, |b| wave[&b]) + 1).max().unwrap_or(1);
            changed |= wave.insert(*id, longest) != Some(longest);
        }
        if !changed {
            return wave;
        }
    }
    panic!("the plan leaves a cycle");
}

fn assert_waves(graph: &DependencyGraph, authorization: &Authorization, plan: &DeletePlan) {
    let naive = naive_waves(graph, authorization, plan);
    for wave in &plan.waves {
        for step in &wave.steps {
            let expected = match step.operation {
                DeleteOperation::Clear => 1,
                DeleteOperation::Delete => naive[&graph.id(&step.resource).unwrap()],
            };
            assert_eq!(wave.wave, expected, "{} {}", step.operation.name(), step.resource);
        }
    }
    assert!(plan.waves.iter().enumerate().all(|(at, wave)| wave.wave == at + 1), "no wave is empty");
}

#[test]
fn every_bundled_graph_is_emptied_without_a_refusal() {
    for graph in graphs() {
        let everything = graph.ids().collect();
        for authorization in [Authorization::relationships(&graph, &[]).unwrap(), Authorization::none()] {
            let plan = delete_plan(&graph, &everything, &options(&authorization, Optional::Delete)).unwrap();
            let full = Store::full(&graph, &authorization);
            assert_replays(&full, &graph, &plan);
            assert_waves(&graph, &authorization, &plan);
            assert!(plan.exact);
            assert_eq!(deleted(&graph, &plan), everything);
        }
    }
}

#[test]
fn every_resource_of_a_standard_is_deleted_alone() {
    for (name, spared_for) in [("ed-fi-4.0+tpdm", 6), ("ed-fi-6.0", 7)] {
        let graph = standard(name);
        let mut spared = BTreeSet::new();
        for authorization in [Authorization::relationships(&graph, &[]).unwrap(), Authorization::none()] {
            let full = Store::full(&graph, &authorization);
            for (id, optional) in graph.ids().flat_map(|id| [(id, Optional::Delete), (id, Optional::Clear)]) {
                let plan = delete_plan(&graph, &BTreeSet::from([id]), &options(&authorization, optional)).unwrap();
                if !authorization.edges.is_empty() {
                    assert_replays(&full, &graph, &plan);
                    assert_waves(&graph, &authorization, &plan);
                }
                let follow = Follow { required_only: optional == Optional::Clear, descriptors: true };
                let mut dependents = graph.transitive_dependents(id, follow);
                dependents.insert(id);
                let gone = deleted(&graph, &plan);
                assert!(gone.is_subset(&dependents), "{}", graph.name(id));
                if gone != dependents {
                    // A pathway that takes part in a circle can force the clear of what pulled others in.
                    assert!(optional == Optional::Delete && !authorization.edges.is_empty(), "{}", graph.name(id));
                    spared.insert(id);
                }
            }
        }
        assert_eq!(spared.len(), spared_for, "{name}");
    }
}

/// A load plan run backwards, as loaders do.
fn backwards(graph: &DependencyGraph, load: &LoadPlan) -> Vec<DeleteWave> {
    let everything: BTreeSet<ResourceId> = graph.ids().collect();
    let template = delete_plan(graph, &everything, &DeleteOptions::default()).unwrap();
    let step_of = |name: &ResourceName| {
        template.waves.iter().flat_map(|w| &w.steps).rfind(|s| s.resource == *name).unwrap().clone()
    };
    let creates = |wave: &edfi_plan::plan::load::Wave| {
        let steps = wave.steps.iter().filter(|step| step.operations.contains(&Operation::Create));
        DeleteWave { wave: 0, steps: steps.map(|step| step_of(&step.resource)).collect() }
    };
    load.waves.iter().rev().map(creates).collect()
}

#[test]
fn a_load_order_run_backwards_is_refused() {
    let none = Authorization::none();
    for name in ["ed-fi-5.0+tpdm", "ed-fi-6.0"] {
        let graph = standard(name);
        let theirs = server::as_plan(&graph, &graph.select_all(), &LoadOptions::default()).unwrap();
        for load in [full_load(&graph).unwrap(), theirs] {
            let refusal = Store::full(&graph, &none).run(&backwards(&graph, &load)).unwrap_err();
            let deferred = &load.deferred[0];
            let expected = format!("{}#", deferred.target);
            assert!(refusal.contains(&expected) && refusal.contains(deferred.resource.as_str()), "{refusal}");
        }
    }
}

#[test]
fn a_pathway_goes_after_what_needs_it() {
    let graph = standard("ed-fi-5.2");
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let everything = graph.ids().collect();
    let blind = delete_plan(&graph, &everything, &options(&Authorization::none(), Optional::Delete)).unwrap();
    let refusal = Store::full(&graph, &authorization).run(&blind.waves).unwrap_err();
    assert!(refusal.contains("its person has no "), "{refusal}");
    let plan = delete_plan(&graph, &everything, &options(&authorization, Optional::Delete)).unwrap();
    let hides: Vec<_> = plan.waves.iter().flat_map(|w| &w.steps).flat_map(|s| &s.hides).collect();
    let people: BTreeSet<&str> = hides.into_iter().map(|name| name.short()).collect();
    assert_eq!(people, BTreeSet::from(["contacts", "staffs", "students"]));
}

#[test]
fn a_key_change_ends_where_it_began() {
    for name in ["ed-fi-5.2+tpdm", "ed-fi-6.0"] {
        let graph = standard(name);
        let authorization = Authorization::relationships(&graph, &[]).unwrap();
        let full = Store::full(&graph, &authorization);
        for id in graph.ids() {
            let plan = key_change(&graph, id, &authorization).unwrap();
            let mut store = full.clone();
            assert_eq!(store.run(&plan.deletes), Ok(()), "{}", plan.resource);
            if plan.key_may_change == Some(true) {
                assert!(plan.deletes.is_empty() && plan.loads.is_empty());
            } else {
                assert!(!store.records.contains_key(&(id, 0)));
            }
            assert_eq!(store.load(&plan), Ok(()), "{}", plan.resource);
            assert_eq!(store.records, full.records, "{}", plan.resource);
        }
    }
}

/// A graph of references `from path to`, required where a fourth word says so.
fn drawn(references: &[&str]) -> DependencyGraph {
    let mut lines: BTreeMap<&str, Vec<String>> = ["as", "bs", "cs"].map(|name| (name, Vec::new())).into();
    for reference in references {
        let words: Vec<&str> = reference.split(' ').collect();
        let rest = words[3..].concat();
        lines.get_mut(words[0]).unwrap().push(format!("      $.{}: /ed-fi/{} {rest}\n", words[1], words[2]));
    }
    let mut text = "edfi-plan: graph/1\nname: drawn\nresources:\n".to_owned();
    for (name, references) in lines {
        text.push_str(&format!("  /ed-fi/{name}:\n    entity: {}\n", name.to_uppercase()));
        if !references.is_empty() {
            text.push_str(&format!("    references:\n{}", references.concat()));
        }
    }
    crate::fixtures::graph(&[source::Document { name: "drawn.yaml".to_owned(), bytes: text.into_bytes() }])
}

/// The steps of a plan for `as`, wave by wave, clears in brackets.
fn plan_of_as(references: &[&str]) -> Result<String, DeleteError> {
    let graph = drawn(references);
    let named = graph.find_all("as").unwrap().into_iter().collect();
    let plan = delete_plan(&graph, &named, &DeleteOptions::default())?;
    let step = |step: &edfi_plan::plan::delete::DeleteStep| match step.operation {
        DeleteOperation::Clear => format!("({})", step.resource.short()),
        DeleteOperation::Delete => step.resource.short().to_owned(),
    };
    let waves = plan.waves.iter().map(|wave| wave.steps.iter().map(step).collect::<Vec<_>>().join(" "));
    Ok(waves.collect::<Vec<_>>().join(" | "))
}

#[test]
fn circles_are_cleared_where_everything_keeps_its_reason() {
    // Of two that could be cleared, the reference of what is named.
    assert_eq!(plan_of_as(&["as toB bs", "bs toA as"]).unwrap(), "(as) | bs | as");
    // Where that one is required, what is cleared has nothing left to go for.
    assert_eq!(plan_of_as(&["as toB bs required", "bs toA as"]).unwrap(), "(bs) | as");
    // Unless something else asks for it.
    let held = ["as toB bs required", "bs toA as", "cs toA as required", "bs toC cs required"];
    assert_eq!(plan_of_as(&held).unwrap_err().to_string().split(", ").last(), Some("as → cs → bs → as"));
    let error = plan_of_as(&["as toB bs required", "bs toA as required"]).unwrap_err();
    assert_eq!(error.to_string(), "no order exists: required references run in a circle, as → bs → as");
}

#[test]
fn every_path_to_itself_is_told() {
    let graph = drawn(&["as parent as", "as before as"]);
    let plan = delete_plan(&graph, &graph.ids().collect(), &DeleteOptions::default()).unwrap();
    let children_first = plan.waves[0].steps[0].children_first.as_ref().unwrap();
    assert_eq!((children_first.path.as_str(), children_first.also.as_slice()), ("$.before", &["$.parent".into()][..]));
}

#[test]
fn warnings_are_told_apart_by_their_codes() {
    let (warnings, gaps) = (WarningCode::ALL.map(WarningCode::name), GapCode::ALL.map(GapCode::name));
    let names: BTreeSet<&str> = warnings.into_iter().chain(gaps).collect();
    assert_eq!(names.len(), WarningCode::ALL.len() + GapCode::ALL.len());
    let design = std::fs::read_to_string(crate::fixtures::path("../../docs/design.md")).unwrap();
    assert!(names.iter().all(|name| design.contains(&format!("`{name}`"))), "docs/design.md lists every code");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_graphs_are_emptied_without_a_refusal(graph in random::graph(), chosen in any::<u16>(), clear in any::<bool>()) {
        let named: BTreeSet<ResourceId> = graph.ids().filter(|id| chosen >> id.index() & 1 == 1).collect();
        let optional = if clear { Optional::Clear } else { Optional::Delete };
        for authorization in [Authorization::relationships(&graph, &[]).unwrap(), Authorization::none()] {
            let full = Store::full(&graph, &authorization);
            match delete_plan(&graph, &named, &options(&authorization, optional)) {
                Ok(plan) => {
                    assert_replays(&full, &graph, &plan);
                    assert_waves(&graph, &authorization, &plan);
                    assert_every_step_is_needed(&full, &graph, &plan);
                    prop_assert!(named.is_subset(&deleted(&graph, &plan)));
                }
                // Only pathways can make a circle that cannot be broken.
                Err(error) => prop_assert!(!authorization.edges.is_empty(), "{error}"),
            }
        }
    }

    #[test]
    fn what_is_kept_survives_or_the_reference_in_the_way_is_named(
        graph in random::graph(),
        chosen in any::<u16>(),
        kept in any::<u16>(),
        clear in any::<bool>(),
    ) {
        let bits = |bits: u16| graph.ids().filter(|id| bits >> id.index() & 1 == 1).collect::<BTreeSet<_>>();
        let (named, keep) = (bits(chosen), bits(kept));
        let optional = if clear { Optional::Clear } else { Optional::Delete };
        let none = Authorization::none();
        let with = DeleteOptions { keep: keep.clone(), ..options(&none, optional) };
        let wanted: BTreeSet<ResourceId> = named.difference(&keep).copied().collect();
        let without = delete_plan(&graph, &wanted, &options(&none, optional)).unwrap();
        let stands: Vec<_> = deleted(&graph, &without).intersection(&keep).copied().collect();
        match delete_plan(&graph, &named, &with) {
            Ok(plan) => {
                prop_assert_eq!(&stands, &Vec::new());
                prop_assert_eq!(&plan.waves, &without.waves);
            }
            Err(DeleteError::Kept(error)) => {
                prop_assert!(!stands.is_empty());
                for found in &error.references {
                    let (from, to) = (graph.id(&found.resource).unwrap(), graph.id(&found.target).unwrap());
                    prop_assert!(keep.contains(&from) && deleted(&graph, &without).contains(&to));
                    let edge = graph.edge(to, from).unwrap();
                    prop_assert!(graph.references(edge).any(|r| r.path == found.path && r.required == found.required));
                    let chain: Vec<ResourceId> = found.chain.iter().map(|name| graph.id(name).unwrap()).collect();
                    prop_assert!(wanted.contains(&chain[0]) && chain.last() == Some(&to));
                    prop_assert!(chain.windows(2).all(|pair| graph.edge(pair[0], pair[1]).is_some()));
                }
                let cleared = delete_plan(&graph, &named, &DeleteOptions { optional: Optional::Clear, ..with });
                prop_assert_eq!(cleared.is_ok(), error.clearing_helps);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn random_key_changes_end_where_they_began(graph in random::graph(), of in any::<prop::sample::Index>()) {
        let id = graph.ids().nth(of.index(graph.ids().len())).unwrap();
        let none = Authorization::none();
        let full = Store::full(&graph, &none);
        let plan = key_change(&graph, id, &none).unwrap();
        let mut store = full.clone();
        prop_assert_eq!(store.run(&plan.deletes), Ok(()));
        prop_assert_eq!(store.load(&plan), Ok(()));
        prop_assert_eq!(store.records, full.records);
    }
}
