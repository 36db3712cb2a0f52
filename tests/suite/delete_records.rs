//! Deletes of records: planned, replayed without a refusal, and not one record more than needed.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use edfi_plan::graph::{Aim, Authorization, DependencyGraph, Found, ResourceId};
use edfi_plan::plan::delete::records::{
    ClearError, DescribedClear, DescribedPlan, DescribedRecord, RecordDeleteError, RecordDeleteOptions, RecordPlan,
    cleared, record_delete_plan,
};
use edfi_plan::plan::delete::{DeleteOperation, Optional};
use edfi_plan::records::{
    Ask, Folder, FolderRecord, FolderStore, ItemOf, KeyValues, Matching, Namespaces, Open, PayloadFile, ReadOptions,
    RecordOf, RecordReference, RecordStore, Referring, StoredRecord, Whereabouts, read_keys, wanted_keys,
};
use edfi_plan::render::{json, text};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::common::{lines, standard};
use crate::payloads::{Random, Recipe, generate};
use crate::random;
use crate::record_store::{Link, Request, Store};
use crate::records_arrange::{linked, rule_of, values};
use crate::records_check::folder;

/// A record of a random graph: its resource and number.
pub(crate) type Thing = (ResourceId, usize);

/// Records in memory, which keeps account of what it is asked.
pub(crate) struct Memory<'g> {
    graph: &'g DependencyGraph,
    /// From, position, to, in which item.
    links: BTreeSet<(Thing, u32, Thing, Option<ItemOf>)>,
    asked: BTreeMap<ResourceId, Vec<Ask>>,
}

impl RecordStore for Memory<'_> {
    type Record = usize;
    type Error = Infallible;

    fn matching(&mut self, _: ResourceId, _: &[KeyValues]) -> Result<Matching<usize>, Infallible> {
        unreachable!("targets are given")
    }

    fn referring(&mut self, asks: &[Ask], targets: &[RecordOf<usize>]) -> Result<Referring<usize>, Infallible> {
        let mut references = Vec::new();
        for ask in asks {
            assert!(ask.references.is_sorted() && !ask.references.is_empty());
            assert!(ask.again.iter().all(|position| ask.references.contains(position)));
            let before = self.asked.entry(ask.resource).or_default();
            if let Some(first) = before.first() {
                assert_eq!((&ask.references, &ask.again), (&first.again, &first.again), "only what was announced");
            }
            before.push(ask.clone());
            for &((resource, record), position, to, item) in &self.links {
                let asked = resource == ask.resource && ask.references.contains(&position);
                for (number, target) in targets.iter().enumerate() {
                    if asked && (target.resource, target.record) == to {
                        let from = RecordOf { resource, record };
                        let items = item.into_iter().collect();
                        references.push(RecordReference { from, position, target: number, items });
                    }
                }
            }
        }
        Ok(Referring { references, gaps: Vec::new() })
    }

    fn describe(&mut self, records: &[RecordOf<usize>]) -> Result<Vec<StoredRecord>, Infallible> {
        let stored = |record: &RecordOf<usize>| StoredRecord {
            resource: record.resource,
            key: KeyValues::from([("id".into(), record.record.into())]),
            at: Whereabouts::Server { id: record.record.to_string().into(), etag: None },
        };
        Ok(records.iter().map(stored).collect())
    }
}

impl<'g> Memory<'g> {
    /// Up to three records of each resource, linked at random; required references lead to earlier ones.
    pub(crate) fn fill(graph: &'g DependencyGraph, seed: u64) -> (Self, BTreeSet<Thing>) {
        let mut random = Random::new(seed);
        let mut records: BTreeSet<Thing> =
            graph.ids().flat_map(|id| (0..1 + random.below(3)).map(move |n| (id, n as usize))).collect();
        let mut links = BTreeSet::new();
        let mut sizes: BTreeMap<Thing, u32> = BTreeMap::new();
        for &(id, number) in &records.clone() {
            let size = 1 + random.below(3) as u32;
            sizes.insert((id, number), size);
            for (position, (reference, aim)) in (0..).zip(graph.aims(id)) {
                let of = match aim {
                    Aim::Resource(target) => vec![target],
                    Aim::Abstract(place) => graph.subclasses_at(place).to_vec(),
                    Aim::Unresolved => continue,
                };
                let possible: Vec<Thing> = records.iter().filter(|(r, _)| of.contains(r)).copied().collect();
                let mut link = |random: &mut Random, item| {
                    if let Some(to) = possible.get(random.below(possible.len() as u64) as usize) {
                        links.insert(((id, number), position, *to, item));
                    }
                };
                if reference.path.contains("[*]") {
                    // Every item has what is required.
                    for item in (0..size).map(|item| ItemOf { item, of: size }) {
                        if reference.required || random.one_in(2) {
                            link(&mut random, Some(item));
                        }
                    }
                    continue;
                }
                let count = if reference.required { 1 } else { random.below(3) };
                (0..count).for_each(|_| link(&mut random, None));
            }
        }
        // A record whose required reference found nothing cannot exist, nor can what needs it.
        loop {
            let lacks = |thing: &Thing| {
                let mut required = (0..).zip(graph.aims(thing.0)).filter(|(_, (r, _))| r.required);
                required.any(|(position, (r, _))| {
                    let found = links.iter().filter(|(from, at, ..)| from == thing && *at == position).count();
                    found < if r.path.contains("[*]") { sizes[thing] as usize } else { 1 }
                })
            };
            let gone: BTreeSet<Thing> = records.iter().filter(|thing| lacks(thing)).copied().collect();
            if gone.is_empty() {
                break;
            }
            records.retain(|thing| !gone.contains(thing));
            links.retain(|(from, _, to, _)| !gone.contains(from) && !gone.contains(to));
        }
        (Self { graph, links, asked: BTreeMap::new() }, records)
    }

    pub(crate) fn store(&self, records: &BTreeSet<Thing>) -> Store<Thing> {
        let links = self.links.iter().map(|&(from, position, to, item)| {
            let reference = &self.graph.resource(from.0).references[position as usize];
            let clearable = !reference.required && !reference.identifying;
            Link { from, path: reference.path.to_string(), to, clearable, item: item.map(|i| i.item as usize) }
        });
        Store { records: records.clone(), links: links.collect() }
    }
}

/// The requests of a plan.
pub(crate) fn requests<R: Clone + Eq + std::hash::Hash, K>(
    graph: &DependencyGraph,
    plan: &RecordPlan<R>,
    key: impl Fn(&RecordOf<R>) -> K,
) -> Vec<Request<K>> {
    let mut requests = Vec::new();
    for wave in &plan.waves {
        for step in &wave.steps {
            for &number in &step.records {
                let record = &plan.records[number as usize];
                assert_eq!(record.record.resource, step.resource);
                let references = &graph.resource(step.resource).references;
                let clears = plan.clears_of(number).iter().map(|clear| {
                    let target = &plan.records[clear.target as usize];
                    (references[clear.position as usize].path.to_string(), key(&target.record))
                });
                let clears = if step.operation == DeleteOperation::Clear { clears.collect() } else { Vec::new() };
                let (wave, record) = (wave.wave, key(&record.record));
                requests.push(Request { wave, operation: step.operation, record, clears });
            }
        }
    }
    requests
}

proptest! {
    #[test]
    fn a_random_store_is_emptied_without_a_refusal(graph in random::graph(), seed in any::<u64>(), delete in any::<bool>()) {
        let (mut memory, records) = Memory::fill(&graph, seed);
        let store = memory.store(&records);
        let mut random = Random::new(seed ^ 1);
        let targets: BTreeSet<Thing> = records.iter().filter(|_| random.one_in(8)).copied().collect();
        let named = targets.iter().map(|&(resource, record)| RecordOf { resource, record }).collect::<Vec<_>>();
        let authorization = Authorization::relationships(&graph, &[]).unwrap();
        let optional = if delete { Optional::Delete } else { Optional::Clear };
        let options = RecordDeleteOptions { optional, authorization, max: None };
        let plan = record_delete_plan(&graph, &mut memory, named.clone(), &options).unwrap();
        prop_assert_eq!(plan.targets, targets.len());
        store.judge(&targets, &requests(&graph, &plan, |r| (r.resource, r.record)), delete);
        for (number, record) in (0..).zip(&plan.records) {
            let reason = plan.reason(&graph, number);
            prop_assert_eq!(reason.is_empty(), targets.contains(&(record.record.resource, record.record.record)));
        }
        for asks in memory.asked.values() {
            prop_assert!(asks.len() == 1 || !asks[0].again.is_empty());
        }
        // Targets given twice count once, and a limit is kept to.
        let twice: Vec<_> = named.iter().chain(&named).copied().collect();
        memory.asked.clear();
        let options = RecordDeleteOptions { max: Some(plan.records.len()), ..options };
        prop_assert_eq!(&record_delete_plan(&graph, &mut memory, twice, &options).unwrap(), &plan);
        if let Some(max) = plan.records.len().checked_sub(1) {
            memory.asked.clear();
            let options = RecordDeleteOptions { max: Some(max), ..options };
            let refused = record_delete_plan(&graph, &mut memory, named, &options).unwrap_err();
            let told = if let RecordDeleteError::TooMany { max } = refused { Some(max) } else { None };
            prop_assert_eq!(told, Some(max));
        }
    }
}

/// A record of a folder, read by the rules that are written down beside the tests of `arrange`.
type Known = (String, Vec<String>);

/// Strings as they are, numbers as their digits; a descriptor has no case.
fn plain(value: &Value) -> String {
    let text =
        value.as_str().map_or_else(|| value.to_string(), |s| s.strip_suffix("T00:00:00").unwrap_or(s).to_owned());
    if text.contains('#') { text.to_lowercase() } else { text }
}

/// The records of a folder and their references, read naively.
fn known(standard: &str, graph: &DependencyGraph, files: &BTreeMap<String, Vec<u8>>) -> Store<Known> {
    let mut store = Store { records: BTreeSet::new(), links: BTreeSet::new() };
    let mut pending = Vec::new();
    for (name, bytes) in files {
        let mut parts = name.rsplit(['/', '.']);
        let Some(Found::Resource(id)) = parts.find_map(|part| graph.find(part).ok()) else { panic!("{name}") };
        let resource = graph.name(id).endpoint();
        let rule = rule_of(standard, resource);
        for record in documents(name, bytes) {
            let key = |paths: &[&str]| paths.iter().map(|path| plain(values(&record, path)[0])).collect::<Vec<_>>();
            let from: Known = (resource.to_owned(), key(rule.key));
            for (path, targets, members) in rule.references {
                let model = graph.resource(id).references.iter();
                let model = model.into_iter().find(|r| r.path.replace("[*]", "") == format!("$.{path}")).unwrap();
                // One collection deep, as all that is written here.
                let in_items: Vec<(Option<usize>, &Value)> = match model.path.split_once("[*].") {
                    Some((collection, rest)) => {
                        let items = values(&record, collection.trim_start_matches("$."));
                        let items = items.into_iter().flat_map(|items| items.as_array()).flatten().enumerate();
                        items.flat_map(|(n, item)| values(item, rest).into_iter().map(move |v| (Some(n), v))).collect()
                    }
                    None => values(&record, path).into_iter().map(|value| (None, value)).collect(),
                };
                for (item, reference) in in_items.into_iter().filter(|(_, r)| !r.is_null()) {
                    let key: Vec<String> = members.iter().map(|member| plain(&reference[*member])).collect();
                    pending.push((from.clone(), model.clone(), *targets, key, item));
                }
            }
            store.records.insert(from);
        }
    }
    for (from, model, targets, key, item) in pending {
        for target in targets.iter().map(|target| ((*target).to_owned(), key.clone())) {
            if store.records.contains(&target) {
                let clearable = !model.required && !model.identifying;
                let path = model.path.to_string();
                store.links.insert(Link { from: from.clone(), path, to: target, clearable, item });
            }
        }
    }
    store
}

fn documents(name: &str, bytes: &[u8]) -> Vec<Value> {
    let mut plain = bytes.to_vec();
    if name.ends_with(".gz") {
        plain.clear();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut plain).unwrap();
    }
    if name.ends_with(".json") {
        return serde_json::from_slice(&plain).unwrap();
    }
    let text = String::from_utf8(plain).unwrap();
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A plan for the records that a name and a key stand for.
fn planned(
    graph: &DependencyGraph,
    files: &BTreeMap<String, Vec<u8>>,
    name: &str,
    key: &Value,
    optional: Optional,
) -> (RecordPlan<FolderRecord>, DescribedPlan) {
    let folder = folder(graph, files);
    let read = ReadOptions::default();
    let mut store = FolderStore::new(graph, &folder, &read);
    let key: KeyValues = key.as_object().unwrap().iter().map(|(n, v)| (n.into(), v.clone())).collect();
    let mut targets = Vec::new();
    for (resource, keys) in wanted_keys(graph, graph.find(name).unwrap(), &[key]).unwrap() {
        let found = store.matching(resource, &keys).unwrap().found;
        targets.extend(found.into_iter().map(|(_, record)| RecordOf { resource, record }));
    }
    let authorization = Authorization::relationships(graph, &[]).unwrap();
    let options = RecordDeleteOptions { optional, authorization, max: None };
    let plan = record_delete_plan(graph, &mut store, targets, &options).unwrap();
    let described = plan.describe(graph, &mut store, false).unwrap();
    (plan, described)
}

/// Judges a plan by what a naive reader knows of the folder; how many records it deletes and clears.
fn judge_folder(
    standard: &str,
    files: &BTreeMap<String, Vec<u8>>,
    name: &str,
    key: &Value,
    optional: Optional,
) -> (usize, usize) {
    let graph = crate::common::standard(standard);
    let store = known(standard, &graph, files);
    let (plan, described) = planned(&graph, files, name, key, optional);
    let identity = |resource: &str, key: &KeyValues| -> Known {
        // In the order of the rules, by the last name of each path.
        let rule = rule_of(standard, resource);
        let fields = rule.key.iter().map(|path| path.rsplit('.').next().unwrap());
        (resource.to_owned(), fields.map(|field| plain(&key[field])).collect())
    };
    let requests: Vec<Request<Known>> = described
        .records
        .iter()
        .map(|record| Request {
            wave: record.wave,
            operation: record.operation,
            record: identity(record.resource.endpoint(), &record.key),
            clears: record
                .clears
                .iter()
                .map(|clear| (clear.path.to_string(), identity(clear.target.endpoint(), &clear.key)))
                .collect(),
        })
        .collect();
    let targets = described.records.iter().filter(|r| r.reason.is_empty());
    let targets: BTreeSet<Known> = targets.map(|r| identity(r.resource.endpoint(), &r.key)).collect();
    assert!(!targets.is_empty() && plan.is_complete());
    store.judge(&targets, &requests, optional == Optional::Delete);
    let deleted = plan.records.iter().filter(|record| record.deleted).count();
    (deleted, plan.records.len() - deleted)
}

#[test]
fn records_of_a_generated_folder_go_without_a_refusal() {
    for seed in 0..6 {
        let tricky = seed % 2 == 1;
        let recipe = Recipe { seed, students: 60, mistakes: 0, circles: 0, tricky };
        let mut files = BTreeMap::new();
        generate(recipe, &mut files);
        let judge = |name: &str, key: Value, optional| judge_folder("ed-fi-5.0", &files, name, &key, optional);
        let agency = json!({"localEducationAgencyId": 255_003});
        let (deleted, cleared) = judge("localEducationAgencies", agency.clone(), Optional::Clear);
        assert!(deleted > 0 && cleared > 0, "its child stays, and its schools do");
        let (all, none) = judge("localEducationAgencies", agency, Optional::Delete);
        assert!(all > 100 && none == 0, "all that is below it goes: {all}");
        let (school, _) = judge("schools", json!({"schoolId": "255901000001"}), Optional::Clear);
        assert!(school > 50);
        let organization = json!({"educationOrganizationId": 255_901_000_001_i64});
        let by_superclass = judge("EducationOrganization", organization, Optional::Clear);
        assert_eq!(by_superclass.0, school, "a school is an education organization");
        let (student, _) = judge("students", json!({"studentUniqueId": "stü0000005"}), Optional::Clear);
        assert!(student > 4, "{student}");
        let year = json!({"schoolYear": 2026});
        assert!(
            judge("sections", year.clone(), Optional::Clear).0
                > judge("sections", json!({"sectionIdentifier": "0001-S"}), Optional::Clear).0
        );
        judge("sessions", year, Optional::Delete);
    }
}

#[test]
fn circles_of_records_are_broken_by_clears() {
    let mut broken = 0;
    for seed in 0..10 {
        let files = linked(seed, 3 + seed, 1 + seed % 3);
        let graph = standard("ed-fi-6.0");
        for optional in [Optional::Clear, Optional::Delete] {
            let term = json!({"termDescriptor": "uri://ed-fi.org/termdescriptor#f"});
            for (name, key) in [
                ("students", json!({"studentUniqueId": "1"})),
                ("staffs", json!({"staffUniqueId": "1"})),
                ("studentAcademicRecords", term),
            ] {
                judge_folder("ed-fi-6.0", &files, name, &key, optional);
                let (plan, _) = planned(&graph, &files, name, &key, optional);
                let deleted = |number: u32| plan.records[number as usize].deleted;
                broken += plan.clears.iter().filter(|clear| deleted(clear.record)).count();
            }
        }
    }
    assert!(broken > 10, "some circles should be among the records: {broken}");
}

#[test]
fn a_long_chain_takes_one_reading_and_one_line() {
    const LENGTH: usize = 5_000;
    let graph = standard("ed-fi-5.0");
    let agency = |i: usize| match i.checked_sub(1) {
        Some(above) => json!({"localEducationAgencyId": i,
            "parentLocalEducationAgencyReference": {"localEducationAgencyId": above}}),
        None => json!({"localEducationAgencyId": i}),
    };
    let files = BTreeMap::from([("localEducationAgencies.jsonl".to_owned(), lines((0..LENGTH).map(agency)))]);
    let opened = Arc::new(AtomicUsize::new(0));
    let (bytes, count): (Arc<[u8]>, _) = (files["localEducationAgencies.jsonl"].clone().into(), opened.clone());
    let open: Open = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(std::io::Cursor::new(bytes.clone())))
    });
    let file = PayloadFile { name: "localEducationAgencies.jsonl".into(), open };
    let folder = Folder::assign(&graph, vec![file], &Namespaces::default());
    let mut store = FolderStore::new(&graph, &folder, &ReadOptions::default());
    let Found::Resource(resource) = graph.find("localEducationAgencies").unwrap() else { panic!() };
    let key = KeyValues::from([("localEducationAgencyId".into(), 0.into())]);
    let found = store.matching(resource, &[key]).unwrap().found;
    let targets = found.into_iter().map(|(_, record)| RecordOf { resource, record }).collect();
    let options = RecordDeleteOptions { optional: Optional::Delete, ..RecordDeleteOptions::default() };
    let plan = record_delete_plan(&graph, &mut store, targets, &options).unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 2, "once for the target, once for all that is below it");
    assert_eq!((plan.records.len(), plan.waves.len()), (LENGTH, LENGTH));
    let last = plan.waves[0].steps[0].records[0];
    let reason = plan.reason(&graph, last);
    assert_eq!((reason.len(), reason[0].times), (1, LENGTH as u32 - 1));
    let text = text::record_plan(&graph, &plan, &[], text::Width(80));
    assert!(text.starts_with("1–5000  localEducationAgencies  5,000\n5,000 records to delete"), "{text}");
}

#[test]
fn equal_keys_are_one_record_and_what_is_no_record_is_said() {
    let graph = standard("ed-fi-5.0");
    let enrollment = |date: &str| {
        json!({"studentReference": {"studentUniqueId": "7"}, "schoolReference": {"schoolId": 1}, "entryDate": date,
            "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#A"})
    };
    let students = lines([json!({"studentUniqueId": "7", "firstName": "Ada"}), json!({"studentUniqueId": "8"})]);
    let dates = ["2025-08-20", "2025-08-20T00:00:00", "2026-08-20"];
    let mut files = BTreeMap::from([
        ("students.jsonl".to_owned(), students),
        ("studentSchoolAssociations.jsonl".to_owned(), lines(dates.map(enrollment))),
    ]);
    let key = json!({"studentUniqueId": 7});
    let (plan, described) = planned(&graph, &files, "students", &key, Optional::Clear);
    assert!(plan.is_complete());
    let places: Vec<(usize, String)> = described
        .records
        .iter()
        .map(|r| match &r.at {
            Whereabouts::File(at) => (r.wave, format!("{}:{}", at.file, at.line)),
            _ => panic!(),
        })
        .collect();
    let expected = [
        (1, "studentSchoolAssociations.jsonl:1".to_owned()),
        (1, "studentSchoolAssociations.jsonl:3".to_owned()),
        (2, "students.jsonl:1".to_owned()),
    ];
    assert_eq!(places, expected);
    let codes: Vec<&str> = described.warnings.iter().map(|w| w.code.as_str()).collect();
    assert!(codes.contains(&"vanishing-ids"), "{codes:?}");
    files
        .get_mut("studentSchoolAssociations.jsonl")
        .unwrap()
        .extend(b"{\"studentReference\": {\"studentUniqueId\": \"7");
    let (plan, described) = planned(&graph, &files, "students", &key, Optional::Clear);
    assert_eq!(plan.records.len(), 3);
    assert!(!plan.is_complete() && !described.complete);
    assert!(described.warnings.iter().any(|w| w.code == "not-records"
        && w.message.starts_with("1 entry is no record, the first in studentSchoolAssociations.jsonl")));

    // Keys are student data: not one of their values is left where they are redacted.
    let folder = folder(&graph, &files);
    let mut store = FolderStore::new(&graph, &folder, &ReadOptions::default());
    let redacted = plan.describe(&graph, &mut store, true).unwrap();
    assert_eq!(redacted.records[2].key, KeyValues::from([("studentUniqueId".into(), "***".into())]));
    assert!(!json::pretty(&redacted).contains("2025-08-20") && json::pretty(&described).contains("2025-08-20"));
}

#[test]
fn a_clear_that_finds_a_part_of_its_references_is_refused() {
    let graph = standard("ed-fi-5.1");
    let name = |name: &str| graph.name(graph.find_all(name).unwrap()[0]).clone();
    let clear = |path: &str, target: &str, field: &str| DescribedClear {
        path: path.into(),
        target: name(target),
        key: KeyValues::from([(field.into(), 1.into())]),
        goes: Vec::new(),
    };
    let record = DescribedRecord {
        wave: 1,
        resource: name("localEducationAgencies"),
        operation: DeleteOperation::Clear,
        key: KeyValues::from([("localEducationAgencyId".into(), 5.into())]),
        at: Whereabouts::Server { id: "x".into(), etag: None },
        clears: vec![
            clear("$.educationServiceCenterReference", "educationServiceCenters", "educationServiceCenterId"),
            clear("$.stateEducationAgencyReference", "stateEducationAgencies", "stateEducationAgencyId"),
        ],
        reason: Vec::new(),
    };
    let body = |center: i64, agency: i64| {
        let record = json!({"localEducationAgencyId": 5,
            "educationServiceCenterReference": {"educationServiceCenterId": center},
            "stateEducationAgencyReference": {"stateEducationAgencyId": agency}});
        serde_json::to_vec(&record).unwrap()
    };
    let left: Value = serde_json::from_slice(&cleared(&graph, &record, &body(1, 1)).unwrap()).unwrap();
    assert_eq!(left, json!({"localEducationAgencyId": 5}));
    for (body, gone) in
        [(body(1, 2), "$.stateEducationAgencyReference"), (body(2, 1), "$.educationServiceCenterReference")]
    {
        let refused = cleared(&graph, &record, &body).unwrap_err();
        assert!(matches!(&refused, ClearError::Changed { path, .. } if path == gone), "{refused}");
    }
}

#[test]
fn a_file_that_cannot_be_read_leaves_no_plan() {
    let graph = standard("ed-fi-5.0");
    let students = PayloadFile::from_bytes("students.jsonl", lines([json!({"studentUniqueId": "7"})]));
    let open: Open = Box::new(|| Err(std::io::Error::other("no permission")));
    let enrollments = PayloadFile { name: "studentSchoolAssociations.jsonl".into(), open };
    let folder = Folder::assign(&graph, vec![students, enrollments], &Namespaces::default());
    let mut store = FolderStore::new(&graph, &folder, &ReadOptions::default());
    let Found::Resource(resource) = graph.find("students").unwrap() else { panic!() };
    let key = KeyValues::from([("studentUniqueId".into(), "7".into())]);
    let found = store.matching(resource, &[key]).unwrap().found;
    let targets = found.into_iter().map(|(_, record)| RecordOf { resource, record }).collect();
    let error = record_delete_plan(&graph, &mut store, targets, &RecordDeleteOptions::default()).unwrap_err();
    let said = "studentSchoolAssociations.jsonl: no permission. No plan is made of a part of a folder";
    assert_eq!(error.to_string(), said);
}

#[test]
fn key_files_of_every_form_name_the_same_records() {
    let graph = standard("ed-fi-5.1");
    let find = |name: &str| graph.find(name).unwrap();
    let read = |name: &str, text: &str| read_keys(&graph, find(name), text.as_bytes());
    let key = |schools: [i64; 2]| -> Vec<KeyValues> {
        schools.iter().map(|id| KeyValues::from([("schoolId".into(), Value::from(*id))])).collect()
    };
    let same = |text: &str| {
        let read = read("schools", text).unwrap();
        assert!(read.iter().all(|named| named.keys.len() == 1));
        let keys: Vec<String> = read.iter().map(|named| text_of(&named.keys[0].1["schoolId"])).collect();
        assert_eq!(keys, key([1, 2]).iter().map(|key| text_of(&key["schoolId"])).collect::<Vec<_>>());
        read.iter().map(|named| named.line).collect::<Vec<u64>>()
    };
    fn text_of(value: &Value) -> String {
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }
    assert_eq!(same("{\"schoolId\": 1}\n\n{\"schoolId\": \"2\"}\n"), [1, 3]);
    assert_eq!(same(" [{\"schoolId\": 1},\n {\"schoolId\": 2}]"), [1, 2]);
    assert_eq!(same("\n[\r\n  {\n    \"schoolId\": 1\n  },\n\n  {\"schoolId\": 2}\n]\n"), [3, 7]);
    assert_eq!(same("[{\"schoolId\": 1}]\n[]\n[\n{\"schoolId\": 2}]"), [1, 4]);
    assert_eq!(same("\u{feff}schoolId\r\n1\r\n\"2\"\r\n"), [2, 3]);
    assert_eq!(same("{\"schoolId\": 1, \"nameOfInstitution\": \"x\"}\n{\"schoolId\": 2, \"addresses\": []}"), [1, 2]);

    let section = "{\"sectionIdentifier\":\"S\",\"courseOfferingReference\":{\"localCourseCode\":\"A\",\"schoolId\":1,\"schoolYear\":2026,\"sessionName\":\"F\"}}";
    let named = &read("sections", section).unwrap()[0].keys[0].1;
    assert_eq!(named.keys().map(|k| k.as_str()).collect::<Vec<_>>().len(), 5);
    let school = "{\"schoolId\": 9, \"nameOfInstitution\": \"x\", \"addresses\": []}";
    let Found::Resource(schools) = find("schools") else { panic!() };
    assert_eq!(read("EducationOrganization", school).unwrap()[0].keys[0].0, schools);
    assert_eq!(read("EducationOrganization", "educationOrganizationId\n9").unwrap()[0].keys.len(), 9);
    // What has the keys of two subclasses may be of either.
    let either = "{\"schoolId\": 9, \"localEducationAgencyId\": 8, \"addresses\": []}";
    let Found::Resource(agencies) = find("localEducationAgencies") else { panic!() };
    let of_either: Vec<ResourceId> =
        read("EducationOrganization", either).unwrap()[0].keys.iter().map(|(id, _)| *id).collect();
    assert_eq!(of_either.len(), 2);
    assert!(of_either.contains(&schools) && of_either.contains(&agencies));

    for (name, text, said) in [
        ("schools", "", "no key in it. Write one a line, as JSON or as CSV with a header"),
        ("schools", "{\"schoolId\": 1}\n{\"schoolId\":", "line 2: not JSON; write one key or record a line"),
        (
            "schools",
            "[\n{\"schoolId\": 1},\n{\"schoolId\": \"x\"}]",
            "line 3: schools schoolId (long): the value given is not of its type",
        ),
        ("schools", "[\n{\"schoolId\": 1},\n{\"schoolId\": }]", "line 3: not JSON; write one key or record a line"),
        ("schools", "[1]", "line 1: not an object; a key is one such as {\"schoolId\": 255901001}"),
        ("schools", "schoolId,x\n1", "line 2: 1 values, but the header has 2"),
        ("schools", "255901001\n255901002", "line 2: schools has no key field '255901001'. Its key is schoolId"),
        ("schools", "schoolid\n1", "line 2: schools has no key field 'schoolid'. Did you mean schoolId?"),
        ("schools", "schoolId\nabc", "line 2: schools schoolId (long): the value given is not of its type"),
        (
            "sections",
            "{\"sectionIdentifier\":\"S\",\"classPeriods\":[]}",
            "line 1: this record lacks a part of the key of sections, which is localCourseCode, schoolId, schoolYear, sectionIdentifier and sessionName",
        ),
    ] {
        assert_eq!(read(name, text).unwrap_err().to_string(), said, "{text}");
    }
}
