//! The graphs that the program carries.

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::Model;
use edfi_plan::plan::describe::full_load;
use edfi_plan::source::{self, Document};

use crate::fixtures;
use crate::verify::verify;

/// The bundled YAML of a graph, and of its core where it is a part.
fn documents(name: &str) -> Vec<Document> {
    let core = name.split('+').next().unwrap();
    let mut names = vec![core];
    if core != name {
        names.push(name);
    }
    names
        .into_iter()
        .map(|name| {
            let path = fixtures::path(&format!("../../graphs/{name}.yaml"));
            Document { name: format!("{name}.yaml"), bytes: std::fs::read(path).unwrap() }
        })
        .collect()
}

fn assert_same(embedded: &Model, read: &Model, name: &str) {
    for (a, b) in embedded.resources.iter().zip(&read.resources) {
        assert_eq!(a, b, "{name}");
        assert_eq!(embedded.details(&a.name), read.details(&a.name), "{name} {}", a.name);
    }
    assert_eq!(embedded.resources.len(), read.resources.len(), "{name}");
    assert_eq!(embedded.abstracts, read.abstracts, "{name}");
    assert_eq!(embedded.pathways, read.pathways, "{name}");
    assert_eq!(embedded.metadata.fingerprint, read.metadata.fingerprint, "{name}");
}

#[test]
fn the_compact_form_says_what_the_yaml_says() {
    for standard in source::standards() {
        let embedded = source::standard(standard.name).unwrap();
        let read = source::read(&documents(standard.name), &[]).unwrap();
        assert_same(&embedded, &read, standard.name);
    }
}

#[test]
fn every_yaml_is_as_import_writes_it() {
    for standard in source::standards() {
        let text = String::from_utf8(documents(standard.name).pop().unwrap().bytes).unwrap();
        assert_eq!(source::write_graph(&standard.model()).unwrap(), text, "{}", standard.name);
    }
}

#[test]
fn every_graph_keeps_the_invariants_and_has_an_order() {
    for standard in source::standards() {
        let graph = DependencyGraph::build(source::standard(standard.name).unwrap()).unwrap();
        verify(&graph);
        let plan = full_load(&graph).unwrap();
        assert!(plan.exact, "{}", standard.name);
        let people = graph.pathways().len();
        let deferred: std::collections::BTreeSet<_> = plan.deferred.iter().map(|d| &d.resource).collect();
        let steps: usize = plan.waves.iter().map(|wave| wave.steps.len()).sum();
        assert_eq!(steps, graph.select_all().resources.len() + people + deferred.len(), "{}", standard.name);
    }
}

/// In the database a subclass shares the key of its abstract resource; it may rename a field and adds none.
#[test]
fn an_abstract_resource_has_as_many_key_fields_as_each_of_its_subclasses() {
    for standard in source::standards() {
        let graph = DependencyGraph::build(source::standard(standard.name).unwrap()).unwrap();
        for found in graph.abstracts() {
            for &id in graph.subclasses(&found.entity) {
                let key = &graph.details(id).key;
                assert_eq!(found.key.len(), key.len(), "{}: {} and {}", standard.name, found.entity, graph.name(id));
            }
        }
    }
}

#[test]
fn waves_and_deferrals_of_the_known_cycle() {
    for (name, waves) in [("ed-fi-6.0", 18), ("ed-fi-5.0+tpdm", 18), ("ed-fi-4.0+tpdm", 19), ("ed-fi-3.3+tpdm", 19)] {
        let graph = DependencyGraph::build(source::standard(name).unwrap()).unwrap();
        let plan = full_load(&graph).unwrap();
        assert_eq!(plan.waves.len(), waves, "{name}");
        let pairs: std::collections::BTreeSet<_> = plan.deferred.iter().map(|d| (&d.resource, &d.target)).collect();
        assert_eq!(pairs.len(), 1, "{name}: {:?}", plan.deferred);
    }
    for name in ["ed-fi-3.3", "ed-fi-4.0", "ed-fi-5.0", "ed-fi-5.1"] {
        let graph = DependencyGraph::build(source::standard(name).unwrap()).unwrap();
        assert!(full_load(&graph).unwrap().deferred.is_empty(), "{name}");
    }
}

#[test]
fn names_are_found_without_case_and_parts_in_any_order() {
    assert_eq!(source::standard("ED-FI-5.0+TPDM").unwrap().metadata.name, "ed-fi-5.0+tpdm");
    let error = source::standard("ed-fi-5.0+lms").unwrap_err().to_string();
    assert!(error.contains("ed-fi-5.0+tpdm"), "{error}");
}
