//! What is listed to be sent again replays in that order in a store that refuses what it cannot resolve.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::plan::resend::{Resend, in_order};
use edfi_plan::records::{Changed, KeyValues, ReadOptions, affected, scan};
use edfi_plan::source;
use serde_json::{Value, json};

use crate::payloads::{Random, Recipe, generate};
use crate::records_arrange::{Store, identity, linked};
use crate::records_check::folder;
use crate::records_trace::id;

/// What a replay came to.
#[derive(Default)]
struct Replayed {
    records: usize,
    /// Records that went without a reference at first.
    deferred: usize,
    /// Records that came before one nearer to the change, of the same resource.
    farther_first: usize,
}

fn graph(standard: &str) -> (&str, DependencyGraph) {
    (standard, DependencyGraph::build(source::standard(standard).unwrap()).unwrap())
}

/// Sends what is listed into a store that has all other records of the folder, but none of a key that is
/// sent; resources of one wave in the worst order. What is left are the last records of each key.
fn replayed(
    (standard, graph): (&str, &DependencyGraph),
    files: &BTreeMap<String, Vec<u8>>,
    changes: &[(&str, &str, Value)],
) -> Replayed {
    let (folder, read) = (folder(graph, files), ReadOptions::default());
    let scan = scan(graph, &folder, None, &read);
    let mut changed = Changed::default();
    for (resource, field, value) in changes {
        let key = KeyValues::from([((*field).into(), value.clone())]);
        assert!(changed.add(&scan, id(graph, resource), &key));
    }
    let (records, _) = affected(&scan, &changed, &read);
    let authorization = Authorization::relationships(graph, &[]).unwrap();
    let again = in_order(&scan, &records, &authorization, &read);
    assert!(again.impossible.is_empty() && again.unreadable.is_empty());

    let text: BTreeMap<&str, Vec<Value>> = files
        .iter()
        .map(|(name, bytes)| {
            let lines = std::str::from_utf8(bytes).unwrap().lines();
            (name.as_str(), lines.map(|line| serde_json::from_str(line).unwrap()).collect())
        })
        .collect();
    let record = |resend: &Resend| {
        let position = &resend.record.position;
        text[position.file.as_str()][usize::try_from(position.line).unwrap() - 1].clone()
    };
    let resource = |resend: &Resend| resend.record.resource.endpoint().to_owned();
    // Each is sent once, but for those that the second pass completes.
    let first: Vec<&Resend> = again.records.iter().filter(|resend| !resend.second_pass).collect();
    let listed: BTreeSet<_> = records.iter().map(|r| &r.position).collect();
    assert_eq!(first.iter().map(|r| &r.record.position).collect::<BTreeSet<_>>(), listed);
    assert_eq!(first.len(), records.len());
    assert!(again.records.iter().all(|resend| !resend.second_pass || resend.without.is_empty()));

    let mut last: BTreeMap<_, (u64, Value)> = BTreeMap::new();
    for resend in &first {
        let (line, record) = (resend.record.position.line, record(resend));
        let known = last.entry(identity(standard, &resource(resend), &record)).or_default();
        *known = if known.0 < line { (line, record) } else { known.clone() };
    }
    let mut store = Store::default();
    for (name, records) in &text {
        let resource = name.split('.').next().unwrap();
        let others = records.iter().map(|record| (identity(standard, resource, record), record.clone()));
        store.records.extend(others.filter(|(identity, _)| !last.contains_key(identity)));
    }
    // Changed resources without a file are on the server.
    for (resource, _, value) in changes {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        store.records.entry(((*resource).to_owned(), vec![value])).or_insert(Value::Null);
    }
    let mut result = Replayed { records: records.len(), ..Replayed::default() };
    for wave in again.records.chunk_by(|a, b| a.wave == b.wave) {
        for of_resource in wave.chunk_by(|a, b| resource(a) == resource(b)).rev() {
            for resend in of_resource {
                let mut record = record(resend);
                for path in &resend.without {
                    let member = path.trim_start_matches("$.").split(['.', '[']).next().unwrap();
                    assert!(record.as_object_mut().unwrap().remove(member).is_some(), "{path}");
                }
                result.deferred += usize::from(!resend.without.is_empty());
                store.put(standard, &resource(resend), &record);
            }
            let distances = of_resource.windows(2).map(|pair| (pair[0].record.distance, pair[1].record.distance));
            result.farther_first += distances.filter(|(before, after)| before > after).count();
        }
    }
    for (identity, (_, record)) in last {
        assert_eq!(store.records[&identity], record);
    }
    result
}

/// Agencies with any parent, of which some belong to the state that changes, and some are of one key.
#[test]
fn children_follow_their_parents_however_near_they_are_to_the_change() {
    let (standard, graph) = graph("ed-fi-5.0");
    let mut all = Replayed::default();
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut below = |bound: u64| random.below(bound);
        let circles = seed % 3 == 0;
        let mut agencies: Vec<u64> = (0..30).chain((0..5).map(|_| below(30))).collect();
        for number in 1..agencies.len() {
            agencies.swap(number, usize::try_from(below(number as u64 + 1)).unwrap());
        }
        let lines = agencies.into_iter().enumerate().map(|(number, agency)| {
            let mut record = json!({"localEducationAgencyId": agency, "nameOfInstitution": number.to_string()});
            // Parents that stand anywhere, but without circles only of a greater number.
            let parent = if circles { below(30) } else { agency + 1 + below(6) };
            if below(4) > 0 && parent < 30 {
                record["parentLocalEducationAgencyReference"] = json!({"localEducationAgencyId": parent});
            }
            if below(3) == 0 {
                record["stateEducationAgencyReference"] = json!({"stateEducationAgencyId": 1});
            }
            format!("{record}\n")
        });
        let files = BTreeMap::from([("localEducationAgencies.jsonl".to_owned(), lines.collect::<String>().into())]);
        let state = ("stateEducationAgencies", "stateEducationAgencyId", json!(1));
        let agency = ("localEducationAgencies", "localEducationAgencyId", json!(29));
        for changes in [vec![state.clone()], vec![state, agency]] {
            let replayed = replayed((standard, &graph), &files, &changes);
            all.records += replayed.records;
            all.deferred += replayed.deferred;
            all.farther_first += replayed.farther_first;
        }
    }
    let Replayed { records, deferred, farther_first } = all;
    assert!(records > 1000 && deferred > 20 && farther_first > 150, "{records} {deferred} {farther_first}");
}

/// The resources that run in a circle in Data Standard 6.
#[test]
fn a_circle_of_resources_is_sent_again_record_by_record() {
    let (standard, graph) = graph("ed-fi-6.0");
    let (mut records, mut deferred) = (0, 0);
    for seed in 0..12 {
        let files = linked(seed, 4 + seed * 2, 1 + seed % 3);
        let person = |resource, field, id: u64| (resource, field, json!(id.to_string()));
        let one = [person("students", "studentUniqueId", 1)];
        let several = [
            person("students", "studentUniqueId", 0),
            person("students", "studentUniqueId", 2),
            person("staffs", "staffUniqueId", 3),
        ];
        for changes in [one.as_slice(), &several] {
            let replayed = replayed((standard, &graph), &files, changes);
            records += replayed.records;
            deferred += replayed.deferred;
        }
    }
    assert!(records > 200 && deferred > 10, "{records} {deferred}");
}

#[test]
fn what_depends_on_a_school_is_sent_wave_by_wave() {
    let (standard, graph) = graph("ed-fi-5.0");
    for seed in 0..2 {
        let mut files = BTreeMap::new();
        generate(Recipe { seed, students: 60, mistakes: 0, circles: 0, tricky: false }, &mut files);
        let school = ("schools", "schoolId", json!(255_901_000_001_u64));
        assert!(replayed((standard, &graph), &files, &[school]).records > 20);
    }
}
