//! What a record needs and what refers to it, against a naive reading of the same records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use edfi_plan::graph::{DependencyGraph, Found, ResourceId};
use edfi_plan::records::{
    Changed, Checklist, Folder, Following, KeyValues, Namespaces, Need, PayloadFile, ReadOptions, Standing, affected,
    scan,
};
use edfi_plan::source;
use serde_json::Value;

use crate::payloads::{Random, Recipe, generate};
use crate::records_check::{GRADE_LEVEL, ambiguous, descriptor, enrollment, folder};

pub(crate) fn id(graph: &DependencyGraph, name: &str) -> ResourceId {
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
    let resource = id(&graph, "sections");
    let needs = followed(Checklist::new(&graph, Some(&scan), Following::default()), resource, &record, &read);
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
    let resources: BTreeSet<&str> = needs.iter().filter_map(|n| n.of.rsplit('/').next()).collect();
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

/// What one record needs, without an API to ask.
fn followed(mut list: Checklist<'_, '_, '_>, of: ResourceId, record: &str, read: &ReadOptions<'_>) -> Vec<Need> {
    list.add(of, 1, record.as_bytes()).unwrap();
    let unreadable = list.follow(read, |_| Ok::<(), std::convert::Infallible>(())).unwrap();
    assert_eq!(unreadable, []);
    list.needs()
}

/// A learning standard and, where it has one, its parent.
fn standard(id: usize, parent: Option<usize>) -> String {
    let parent = parent.map(|id| format!(",\"parentLearningStandardReference\":{{\"learningStandardId\":\"{id}\"}}"));
    format!("{{\"learningStandardId\":\"{id}\"{}}}\n", parent.unwrap_or_default())
}

/// For a record by its line what is affected: distance and line.
fn affected_by(graph: &DependencyGraph, folder: &Folder, record: usize) -> Vec<(usize, u64)> {
    let read = ReadOptions { threads: 3, ..ReadOptions::default() };
    let scan = scan(graph, folder, None, &read);
    let mut changed = Changed::default();
    let key = KeyValues::from([("learningStandardId".into(), Value::from(record.to_string()))]);
    assert!(changed.add(&scan, id(graph, "learningStandards"), &key));
    let (records, unreadable) = affected(&scan, &changed, &read);
    assert_eq!(unreadable, vec![]);
    records.iter().map(|record| (record.distance, record.position.line)).collect()
}

#[test]
fn a_chain_of_any_length_is_read_as_often() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let mut readings = Vec::new();
    for length in [3, 3000] {
        let chain: String = (0..length).map(|i| standard(i, i.checked_sub(1))).collect();
        let (bytes, opened): (Arc<[u8]>, _) = (chain.into_bytes().into(), Arc::new(AtomicUsize::new(0)));
        let counting = opened.clone();
        let file = PayloadFile {
            name: "learningStandards.jsonl".to_owned(),
            open: Box::new(move || {
                counting.fetch_add(1, Ordering::Relaxed);
                Ok(Box::new(std::io::Cursor::new(bytes.clone())))
            }),
        };
        let folder = Folder::assign(&graph, vec![file], &Namespaces::default());
        let expected: Vec<(usize, u64)> = (1..length).map(|i| (i, i as u64 + 1)).collect();
        assert_eq!(affected_by(&graph, &folder, 0), expected);
        let for_affected = opened.swap(0, Ordering::Relaxed);

        let read = ReadOptions::default();
        let scan = scan(&graph, &folder, None, &read);
        let child = standard(length, Some(length - 1));
        let resource = id(&graph, "learningStandards");
        let needs = followed(Checklist::new(&graph, Some(&scan), Following::default()), resource, &child, &read);
        // Backwards from the payload to the first line.
        let suppliers: Vec<(usize, u64)> = needs
            .iter()
            .filter(|need| need.path == "$.parentLearningStandardReference")
            .map(|need| match &need.standing {
                Standing::Supplied(at) => (need.depth, at.line),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(suppliers, (0..length).map(|i| (i, (length - i) as u64)).collect::<Vec<_>>());
        readings.push((for_affected, opened.load(Ordering::Relaxed)));
    }
    assert_eq!(readings, [(3, 3), (3, 3)]);
}

/// Circles, chains, records that are their own parent, and several of one key, each with another parent.
#[test]
fn distances_are_those_of_a_naive_walk() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let mut furthest = 0;
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut below = |bound: usize| usize::try_from(random.below(bound as u64)).unwrap();
        let records: Vec<(usize, Option<usize>)> = (0..40)
            .map(|number| {
                let id = if below(6) == 0 { below(40) } else { number };
                (id, if below(8) == 0 { None } else { Some(below(44)) })
            })
            .collect();
        let text: String = records.iter().map(|(id, parent)| standard(*id, *parent)).collect();
        let files = BTreeMap::from([("learningStandards.jsonl".to_owned(), text.into_bytes())]);
        for changed in [0, 1, 42] {
            let mut distances: BTreeMap<usize, usize> = BTreeMap::from([(changed, 0)]);
            let mut expected: BTreeMap<usize, usize> = BTreeMap::new();
            for distance in 1..=records.len() {
                let here: Vec<usize> = (0..records.len())
                    .filter(|line| !expected.contains_key(line))
                    .filter(|line| records[*line].1.is_some_and(|p| distances.get(&p) == Some(&(distance - 1))))
                    .collect();
                for line in here {
                    expected.insert(line, distance);
                    distances.entry(records[line].0).or_insert(distance);
                }
            }
            let mut expected: Vec<(usize, u64)> = expected.into_iter().map(|(line, d)| (d, line as u64 + 1)).collect();
            expected.sort_unstable();
            furthest = furthest.max(expected.last().map_or(0, |(distance, _)| *distance));
            assert_eq!(affected_by(&graph, &folder(&graph, &files), changed), expected, "seed {seed}, {changed}");
        }
    }
    assert!(furthest > 5, "{furthest}");
}

#[test]
fn what_no_file_can_tell_is_not_missing() {
    let mut model = source::standard("ed-fi-5.0").unwrap();
    ambiguous(&mut model);
    let graph = DependencyGraph::build(model).unwrap();
    let files = BTreeMap::from([("termDescriptors.jsonl".to_owned(), descriptor("Fall"))]);
    let folder = folder(&graph, &files);
    let read = ReadOptions::default();
    let scan = scan(&graph, &folder, None, &read);
    let standing = |value: &str| {
        let record = enrollment(value);
        let resource = id(&graph, "studentSchoolAssociations");
        let needs = followed(Checklist::new(&graph, Some(&scan), Following::default()), resource, &record, &read);
        needs.into_iter().find(|need| need.path == GRADE_LEVEL).unwrap().standing
    };
    assert_eq!(standing("Ninth"), Standing::Assumed);
    assert!(matches!(standing("Fall"), Standing::Supplied(_)));
}
