//! Invariants that hold of every graph there is.

use std::collections::BTreeSet;

use edfi_plan::graph::{DependencyGraph, Found};
use edfi_plan::model::{Kind, Target};

/// Checks all of them.
pub(crate) fn verify(graph: &DependencyGraph) {
    let model = graph.model();
    let names: Vec<_> = model.resources.iter().map(|r| &r.name).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "resources are sorted, each once");
    for id in graph.ids() {
        let resource = graph.resource(id);
        let paths: Vec<_> = resource.references.iter().map(|r| &r.path).collect();
        assert!(paths.windows(2).all(|pair| pair[0] < pair[1]), "{}: references sorted, one a path", resource.name);
        assert_eq!(graph.find(resource.name.as_str()), Ok(Found::Resource(id)));
        for reference in &resource.references {
            assert!(reference.path.starts_with("$."), "{} {}", resource.name, reference.path);
            assert!(!reference.identifying || reference.required, "{} {}", resource.name, reference.path);
            assert!(reference.alternatives.iter().all(|a| Target::Resource(a.clone()) != reference.target));
        }
        if let Some(superclass) = &resource.superclass {
            assert!(graph.subclasses(superclass).contains(&id), "{} is a {superclass}", resource.name);
        }
        let details = graph.details(id);
        assert!(!details.key.is_empty(), "{} has a natural key", resource.name);
        for field in &details.key {
            let lists = |path: &str| path == format!("$.{}", path.trim_start_matches("$."));
            assert!(field.paths.iter().all(|path| lists(path)), "{} {}", resource.name, field.name);
        }
        if resource.kind == Kind::Descriptor {
            assert!(resource.references.is_empty(), "{} refers to nothing", resource.name);
        }
    }
    for found in graph.abstracts() {
        assert!(!found.subclasses.is_empty(), "{} can be satisfied", found.entity);
    }
    let edges: BTreeSet<_> = graph.edges().map(|e| (e.prerequisite, e.dependent)).collect();
    assert_eq!(edges.len(), graph.edges().count(), "each pair once");
    let from_both: usize = graph.ids().map(|id| graph.dependents(id).count()).sum();
    assert_eq!(edges.len(), from_both);
    for (prerequisite, dependent) in edges {
        let edge = graph.edge(prerequisite, dependent).unwrap();
        assert_eq!(edge.required, graph.references(edge).any(|r| r.required));
        assert!(graph.references(edge).next().is_some());
    }
}
