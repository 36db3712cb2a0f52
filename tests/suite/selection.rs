//! Selectors against what they mean, on bundled graphs.

use std::collections::BTreeSet;

use edfi_plan::graph::{Authorization, DependencyGraph, Edge, Follow, SelectOptions, Selection};
use edfi_plan::model::{Kind, Target};
use edfi_plan::source;

fn graph(standard: &str) -> DependencyGraph {
    DependencyGraph::build(source::standard(standard).unwrap()).unwrap()
}

fn select(
    graph: &DependencyGraph,
    selectors: &[&str],
    required_only: bool,
    authorization: &Authorization,
) -> Selection {
    let selectors: Vec<_> = selectors.iter().map(|selector| selector.parse().unwrap()).collect();
    let options = SelectOptions { required_only, authorization, present: BTreeSet::new(), school_years: true };
    graph.select(&selectors, &[], &options).unwrap()
}

/// Whatever lies n steps back brings what it refers to itself within n + 1 steps, however it was found.
#[test]
fn a_step_further_back_brings_all_that_is_a_step_away() {
    let none = Authorization::none();
    for standard in ["ed-fi-3.3+tpdm", "ed-fi-4.0+tpdm", "ed-fi-5.2"] {
        let graph = graph(standard);
        for id in graph.ids().step_by(3) {
            let name = graph.name(id).as_str();
            let selected = |depth: usize| select(&graph, &[&format!("{depth}+{name}")], false, &none);
            for depth in 1..4 {
                let (near, far) = (selected(depth), selected(depth + 1));
                // What satisfies an abstract target further back spares its other subclasses.
                if !near.one_of.is_subset(&far.one_of) {
                    continue;
                }
                let concrete = |edge: &&Edge| graph.references(edge).any(|r| matches!(r.target, Target::Resource(_)));
                let next = near
                    .resources
                    .intersection(&far.resources)
                    .flat_map(|&id| graph.prerequisites(id).filter(concrete));
                let host = |edge: &&Edge| graph.resource(edge.prerequisite).kind == Kind::SchoolYears;
                for edge in next.filter(|edge| !host(edge)) {
                    let (from, to) = (graph.name(edge.dependent), graph.name(edge.prerequisite));
                    let has = far.resources.contains(&edge.prerequisite);
                    assert!(has, "{standard}: {depth}+{name} has {from}, {}+{name} lacks {to}", depth + 1);
                }
            }
        }
    }
}

/// What one selector brings satisfies the abstract targets of another.
#[test]
fn a_union_expands_no_group_that_a_part_of_it_satisfies() {
    let graph = graph("ed-fi-5.1");
    let none = Authorization::none();
    let one_of = |selectors: &[&str]| !select(&graph, selectors, false, &none).one_of.is_empty();
    assert!(one_of(&["+courses"]));
    assert!(!one_of(&["+courses", "+sessions"]) && !one_of(&["+sessions", "+courses"]));
}

/// Without its optional reference to a person, nothing waits for the person's pathway.
#[test]
fn required_references_alone_bring_required_pathways_alone() {
    let graph = graph("ed-fi-5.1");
    let all = Authorization::relationships(&graph, &[]).unwrap();
    let required = all.clone().of_required(&graph);
    assert!(required.edges.len() < all.edges.len() && required.holds == all.holds);
    let staffs = graph.ids().find(|&id| graph.name(id).endpoint() == "staffs").unwrap();
    let waits = |authorization| select(&graph, &["+studentProgramEvaluations"], true, authorization).resources;
    assert!(waits(&all).contains(&staffs) && !waits(&required).contains(&staffs));
    for edge in &required.edges {
        let reachable = graph.transitive_prerequisites(edge.dependent, Follow::required());
        assert!(reachable.contains(&edge.person), "{}", graph.name(edge.dependent));
    }
}
