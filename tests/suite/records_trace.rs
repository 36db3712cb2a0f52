//! What a record needs and what refers to it, against a naive reading of the same records.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::{Authorization, DependencyGraph, Found, ResourceId};
use edfi_plan::plan::resend::in_load_order;
use edfi_plan::records::{Changed, Checklist, Following, KeyValues, ReadOptions, Standing, affected, scan};
use edfi_plan::source;
use serde_json::Value;

use crate::payloads::{Recipe, generate};
use crate::records_check::folder;

fn id(graph: &DependencyGraph, name: &str) -> ResourceId {
    match graph.find(name).unwrap() {
        Found::Resource(id) => id,
        Found::Abstract(_) => panic!("{name} is abstract"),
    }
}

#[test]
fn everything_of_a_school_is_affected_by_it() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.0").unwrap()).unwrap();
    let mut files = BTreeMap::new();
    generate(Recipe { seed: 2, students: 60, mistakes: 0, circles: 0, tricky: false }, &mut files);
    let folder = folder(&graph, &files);
    let read = ReadOptions::default();
    let scan = scan(&graph, &folder, None, &read);
    let school = 255_901_000_001_u64;
    let mut changed = Changed::default();
    let key = KeyValues::from([("schoolId".into(), Value::from(school.to_string()))]);
    assert!(changed.add(&scan, id(&graph, "schools"), &key));
    assert!(!changed.add(&scan, id(&graph, "schools"), &KeyValues::new()));
    let (records, unreadable) = affected(&scan, &changed, &read);
    assert_eq!((changed.len(), unreadable), (1, vec![]));
    // In these folders whatever depends on a school names it, but for the school itself.
    let expected: BTreeSet<(String, u64)> = files
        .iter()
        .filter(|(name, _)| *name != "schools.jsonl")
        .flat_map(|(name, bytes)| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let lines: Vec<(usize, String)> = text.lines().map(str::to_owned).enumerate().collect();
            lines
                .into_iter()
                .filter(|(_, line)| line.contains(&school.to_string()))
                .map(|(line, _)| (name.clone(), line as u64 + 1))
                .collect::<Vec<_>>()
        })
        .collect();
    let found: BTreeSet<(String, u64)> = records.iter().map(|r| (r.position.file.clone(), r.position.line)).collect();
    assert!(found.len() > 20);
    assert_eq!(found, expected);
    assert_eq!(records.len(), found.len());
    assert!(records.windows(2).all(|pair| pair[0].distance <= pair[1].distance));

    // What is sent again comes after everything that it refers to and that is sent again as well.
    let count = records.len();
    let resend = in_load_order(&graph, records, Authorization::relationships(&graph, &[]).unwrap()).unwrap();
    assert_eq!(resend.len(), count);
    let wave = |id: ResourceId| resend.iter().find(|r| r.record.resource == *graph.name(id)).map(|r| r.wave);
    let mut ordered = 0;
    for edge in graph.edges().filter(|edge| edge.required && !edge.is_self()) {
        if let (Some(before), Some(after)) = (wave(edge.prerequisite), wave(edge.dependent)) {
            assert!(before < after, "{} {}", graph.name(edge.prerequisite), graph.name(edge.dependent));
            ordered += 1;
        }
    }
    assert!(ordered > 3);
    assert!(resend.windows(2).all(|pair| pair[0].wave <= pair[1].wave));
}

#[test]
fn a_checklist_follows_what_supplies_a_record() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.0").unwrap()).unwrap();
    let mut files = BTreeMap::new();
    generate(Recipe { seed: 4, students: 30, mistakes: 0, circles: 1, tricky: false }, &mut files);
    let folder = folder(&graph, &files);
    let read = ReadOptions::default();
    let scan = scan(&graph, &folder, None, &read);
    let sections = String::from_utf8(files["sections.jsonl"].clone()).unwrap();
    let record = sections.lines().next().unwrap().replace("P2", "P9");
    let mut list = Checklist::new(&graph, id(&graph, "sections"), Some(&scan), Following::default());
    list.add(1, record.as_bytes()).unwrap();
    let unreadable = list.follow(&read, |_| Ok::<(), std::convert::Infallible>(())).unwrap();
    assert_eq!(unreadable, []);
    let needs = list.needs();
    let own: Vec<(&str, bool)> = needs
        .iter()
        .filter(|n| n.depth == 0)
        .map(|n| (n.target.as_str(), matches!(n.standing, Standing::Supplied(_))))
        .collect();
    let mut sorted = own.clone();
    sorted.sort_unstable();
    let expected = [
        ("/ed-fi/classPeriods", false),
        ("/ed-fi/classPeriods", true),
        ("/ed-fi/courseOfferings", true),
        ("/ed-fi/gradeLevelDescriptors", true),
        ("/ed-fi/mediumOfInstructionDescriptors", false),
    ];
    assert_eq!(sorted, expected);
    assert_eq!(needs.iter().filter(|n| n.standing == Standing::Missing).count(), 1);
    // Down to the agencies, whose chain of parents ends.
    let resources: BTreeSet<&str> = needs.iter().map(|n| n.of.endpoint()).collect();
    let all =
        ["classPeriods", "courseOfferings", "courses", "localEducationAgencies", "schools", "sections", "sessions"];
    assert_eq!(resources, all.into());
    for need in &needs {
        let lines = |file: &str| files[file].iter().filter(|b| **b == b'\n').count() as u64;
        if let Standing::Supplied(at) = &need.standing {
            assert!(at.line >= 1 && at.line <= lines(&at.file), "{at:?}");
        }
    }
}
