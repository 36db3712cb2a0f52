//! Delete plans against the foreign keys of the ODS database for Data Standard 5.2.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::plan::delete::{DeleteOptions, delete_plan};
use edfi_plan::source;

use crate::oracle::foreign_keys;

#[test]
fn dependents_are_those_of_the_database_and_go_first() {
    let Some(keys) = foreign_keys() else { return };
    let graph = DependencyGraph::build(source::standard("ed-fi-5.2").unwrap()).unwrap();
    let mut referring: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for key in &keys {
        referring.entry(&key.source).or_default().insert(&key.target);
    }
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let options = DeleteOptions { authorization, ..DeleteOptions::default() };
    for id in graph.ids() {
        let name = graph.name(id).as_str();
        let mut theirs = BTreeSet::from([name]);
        let mut open = VecDeque::from([name]);
        while let Some(at) = open.pop_front() {
            open.extend(referring.get(at).into_iter().flatten().filter(|dependent| theirs.insert(dependent)));
        }
        let plan = delete_plan(&graph, &BTreeSet::from([id]), &options).unwrap();
        let steps = || plan.waves.iter().flat_map(|wave| wave.steps.iter().map(move |step| (wave.wave, step)));
        let waves: BTreeMap<&str, usize> = steps().map(|(wave, step)| (step.resource.as_str(), wave)).collect();
        // No circle runs through the core of 5.2: one delete a resource, and nothing to clear.
        assert_eq!(steps().count(), waves.len(), "{name}");
        assert_eq!(waves.keys().copied().collect::<BTreeSet<_>>(), theirs, "{name}");
        for key in keys.iter().filter(|key| key.source != key.target) {
            if let (Some(source), Some(target)) = (waves.get(key.source.as_str()), waves.get(key.target.as_str())) {
                assert!(target < source, "{name}: {} before {}", key.target, key.source);
            }
        }
        for (_, step) in steps() {
            let refers_to_itself = keys.iter().any(|k| k.source == k.target && k.source == step.resource.as_str());
            assert_eq!(step.children_first.is_some(), refers_to_itself, "{}", step.resource);
        }
    }
}
