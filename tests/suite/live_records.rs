//! Records of a live API: lists over their pages, and the search by key and by reference.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, SystemTime};

use edfi_plan::api::{
    Access, Api, ApiError, Clock, Credentials, Freshness, Http, Limits, LiveError, LiveStore, Outside, Patience, Reach,
    SearchLimits, Secret, Within,
};
use edfi_plan::graph::{DependencyGraph, Found, ResourceId};
use edfi_plan::model::ResourceName;
use edfi_plan::records::{Ask, Gap, GapCode, KeyValues, RecordOf, RecordStore, Whereabouts};
use edfi_plan::source;
use serde_json::json;

use crate::ods::{Enrolled, KEY, Ods, SECRET, enroll};

/// A clock that does not wait.
struct Impatient;

impl Clock for Impatient {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, _: Duration) {}
}

/// Does something with the records of an API, as a client with credentials.
fn asking<T>(ods: &Ods, work: impl FnOnce(&Api<'_>) -> T) -> T {
    let http = Http::new(Patience { pause: Duration::from_secs(3), ..Patience::default() });
    let outside = Outside {
        transport: &http,
        clock: &Impatient,
        cache: None,
        freshness: Freshness::Checked,
        limits: Limits::default(),
        progress: &|_| (),
    };
    let credentials = Credentials { key: Secret::new(KEY), secret: Secret::new(SECRET) };
    let access = Access { url: ods.url(), credentials: Some(credentials), ..Access::default() };
    work(&Api::new(access, outside).unwrap())
}

fn students() -> ResourceName {
    ResourceName::new("ed-fi", "students")
}

/// An API with so many students whom everybody may see.
fn crowded(number: usize) -> Ods {
    let ods = Ods::start("ed-fi-5.1");
    ods.faults(|faults| faults.lenient = true);
    for n in 0..number {
        ods.add("ed-fi/students", json!({"studentUniqueId": format!("s{n}")}), &[]);
    }
    ods
}

/// How many records a list has, whether these are all, and whether it stood still.
fn listed(ods: &Ods, query: &[(&str, &str)], within: Within) -> (usize, bool, bool) {
    match asking(ods, |api| api.records(&students(), query, within)).unwrap() {
        Reach::Answered(list) => (list.records.len(), list.whole, list.steady),
        other => panic!("{other:?}"),
    }
}

const ALL: Within = Within::Records(100_000);

#[test]
fn a_list_is_read_to_its_end() {
    for number in [0, 1, 24, 25, 26, 500, 501, 1203] {
        let ods = crowded(number);
        assert_eq!(listed(&ods, &[], ALL), (number, true, true), "{number}");
        ods.faults(|faults| faults.uncounted = true);
        assert_eq!(listed(&ods, &[], ALL), (number, true, true), "{number} without a total");
        ods.faults(|faults| faults.page = Some(30));
        assert_eq!(listed(&ods, &[], ALL), (number, true, true), "{number} in small pages");
    }
    let ods = crowded(1203);
    assert_eq!(listed(&ods, &[("studentUniqueId", "s77")], ALL), (1, true, true));
    assert_eq!(listed(&ods, &[], Within::OnePage), (500, false, true));
    assert_eq!(listed(&ods, &[], Within::Records(600)), (500, false, true), "the total tells at once");
    ods.faults(|faults| faults.uncounted = true);
    assert_eq!(listed(&ods, &[], Within::Records(600)), (1000, false, true), "only the records tell");
}

#[test]
fn a_list_that_changes_is_read_again() {
    let ods = crowded(1100);
    // The first reading sees a shift, the second a list that stands still.
    ods.faults(|faults| faults.shifting = Some(("ed-fi/students", 1)));
    assert_eq!(listed(&ods, &[], ALL), (1101, true, true));
    ods.faults(|faults| faults.shifting = Some(("ed-fi/students", 1000)));
    let (_, whole, steady) = listed(&ods, &[], ALL);
    assert_eq!((whole, steady), (true, false), "it never stands still");
}

#[test]
fn faults_pass_or_are_named() {
    let ods = crowded(3);
    ods.faults(|faults| faults.statuses = vec![429, 503, 502, 504]);
    assert_eq!(listed(&ods, &[], ALL), (3, true, true));
    ods.faults(|faults| faults.token_lives = Some(1));
    asking(&ods, |api| {
        for _ in 0..3 {
            let reach = api.records(&students(), &[], ALL).unwrap();
            assert!(matches!(reach, Reach::Answered(list) if list.records.len() == 3));
        }
    });
    ods.faults(|faults| *faults = crate::ods::Faults { statuses: vec![500], ..Default::default() });
    let error = asking(&ods, |api| api.records(&students(), &[], ALL)).unwrap_err();
    assert!(matches!(error, ApiError::Status { status: 500, .. }), "{error}");
    ods.faults(|faults| faults.silent = true);
    let error = asking(&ods, |api| api.records(&students(), &[], ALL)).unwrap_err();
    assert!(matches!(error, ApiError::TooSlow { .. }), "{error}");
    ods.faults(|faults| faults.silent = false);
    ods.faults(|faults| faults.statuses = vec![503; 9]);
    let error = asking(&ods, |api| api.records(&students(), &[("studentUniqueId", "s1")], ALL)).unwrap_err();
    assert!(matches!(error, ApiError::Busy { .. }), "{error}");
    assert!(!error.to_string().contains("s1"), "{error}");
    ods.faults(|faults| {
        faults.statuses.clear();
        faults.forbidden.insert("ed-fi/students");
    });
    let reach = asking(&ods, |api| api.records(&students(), &[], ALL)).unwrap();
    assert!(matches!(&reach, Reach::NotAllowed(said) if said.contains("could not be authorized")), "{reach:?}");
    ods.faults(|faults| {
        faults.forbidden.clear();
        faults.absent.insert("ed-fi/students");
    });
    assert!(matches!(asking(&ods, |api| api.records(&students(), &[], ALL)), Ok(Reach::NotThere)));
}

/// What a search found: ids by resource, and the gaps.
struct Searched {
    ids: BTreeMap<String, BTreeSet<String>>,
    gaps: Vec<Gap>,
}

/// Finds a student by its key and then everything that refers to what was found.
fn search(ods: &Ods, unique: &str, limits: SearchLimits) -> Result<Searched, LiveError> {
    let graph = DependencyGraph::build(source::standard(ods.standard).unwrap()).unwrap();
    asking(ods, |api| {
        let mut store = LiveStore::new(api, &graph, limits);
        let Ok(Found::Resource(id)) = graph.find("students") else { panic!() };
        let key = KeyValues::from([("studentUniqueId".into(), json!(unique))]);
        let matching = store.matching(id, &[key])?;
        let mut gaps = matching.gaps;
        let mut open: Vec<RecordOf<_>> =
            matching.found.into_iter().map(|(_, record)| RecordOf { resource: id, record }).collect();
        let mut all: HashSet<RecordOf<_>> = open.iter().cloned().collect();
        while !open.is_empty() {
            let resources: BTreeSet<ResourceId> = open.iter().map(|target| target.resource).collect();
            let mut asks: BTreeMap<ResourceId, Ask> = BTreeMap::new();
            for edge in resources.iter().flat_map(|&id| graph.dependents(id)) {
                let wanted: Vec<&str> = graph.references(edge).map(|r| r.path.as_str()).collect();
                let all = &graph.resource(edge.dependent).references;
                let ask = asks.entry(edge.dependent).or_insert_with(|| Ask {
                    resource: edge.dependent,
                    references: Vec::new(),
                    again: Vec::new(),
                });
                let positions = (0..).zip(all).filter(|(_, r)| wanted.contains(&r.path.as_str())).map(|(n, _)| n);
                ask.references.extend(positions);
            }
            let asks: Vec<Ask> = asks.into_values().collect();
            let referring = store.referring(&asks, &open)?;
            gaps.extend(referring.gaps);
            let found: HashSet<RecordOf<_>> = referring.references.into_iter().map(|r| r.from).collect();
            open = found.into_iter().filter(|record| all.insert(record.clone())).collect();
        }
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let all: Vec<RecordOf<_>> = all.into_iter().collect();
        for (record, described) in all.iter().zip(store.describe(&all)?) {
            let Whereabouts::Server { id, etag } = described.at else { panic!("a file?") };
            assert!(etag.is_some() && !described.key.is_empty());
            assert_eq!(id, record.record);
            let resource = graph.name(record.resource).as_str().trim_start_matches('/').to_owned();
            ids.entry(resource).or_default().insert(id.to_string());
        }
        Ok(Searched { ids, gaps })
    })
}

fn expected(enrolled: &Enrolled) -> BTreeMap<String, BTreeSet<String>> {
    let mut ids = BTreeMap::from([("ed-fi/students".to_owned(), BTreeSet::from([enrolled.student.clone()]))]);
    for (resource, id) in &enrolled.dependents {
        ids.entry(resource.clone()).or_default().insert(id.clone());
    }
    ids
}

/// A school with three students of whom one is to go.
fn school() -> (Ods, Enrolled) {
    let ods = Ods::start("ed-fi-5.1");
    enroll(&ods, "604820");
    let enrolled = enroll(&ods, "604821");
    enroll(&ods, "6048210");
    assert_eq!(enrolled.dependents.len(), 40);
    assert_eq!(expected(&enrolled).len(), 16);
    (ods, enrolled)
}

#[test]
fn every_dependent_of_a_student_is_found_and_nobody_else_s() {
    let (ods, enrolled) = school();
    let found = search(&ods, "604821", SearchLimits::default()).unwrap();
    assert_eq!(found.ids, expected(&enrolled));
    assert_eq!(found.gaps, []);
}

#[test]
fn a_server_that_ignores_what_is_asked_does_not_widen_the_plan() {
    let (ods, enrolled) = school();
    ods.faults(|faults| {
        faults.ignored.extend(["studentUniqueId", "sectionIdentifier", "schoolId", "localCourseCode"]);
    });
    let found = search(&ods, "604821", SearchLimits::default()).unwrap();
    assert_eq!(found.ids, expected(&enrolled));
    // Where the lists are too long to be read, nothing is planned that was not asked for.
    for n in 0..600 {
        enroll_alone(&ods, &format!("other-{n}"));
    }
    let found = search(&ods, "604821", SearchLimits { scan: 10, found: 50, at_once: 4 }).unwrap();
    let all = expected(&enrolled);
    for (resource, ids) in &found.ids {
        assert!(ids.is_subset(&all[resource]), "{resource}");
    }
    assert!(found.gaps.iter().any(|gap| gap.code == GapCode::UnqueryableReferences), "{:?}", found.gaps);
}

#[test]
fn keys_that_the_api_cannot_tell_apart_are_one_question() {
    let (ods, enrolled) = school();
    let graph = DependencyGraph::build(source::standard(ods.standard).unwrap()).unwrap();
    let Ok(Found::Resource(id)) = graph.find("students") else { panic!() };
    let key = |unique: &str| KeyValues::from([("studentUniqueId".into(), json!(unique))]);
    let keys = [key("604821"), key("nobody"), key("604821")];
    asking(&ods, |api| {
        let asked = || ods.server.received().iter().filter(|r| r.path.contains("/ed-fi/students?")).count();
        let limits = SearchLimits { found: 2, ..SearchLimits::default() };
        let error = LiveStore::new(api, &graph, limits).matching(id, &keys).unwrap_err();
        assert!(matches!(error, LiveError::TooManyKeys { keys: 3, most: 2, .. }), "{error}");
        assert_eq!(asked(), 0, "refused before anything is asked");
        let mut store = LiveStore::new(api, &graph, SearchLimits { at_once: 1, ..SearchLimits::default() });
        let id_of = |number: usize| (number, enrolled.student.as_str().into());
        assert_eq!(store.matching(id, &keys).unwrap().found, [id_of(0), id_of(2)]);
        // One of them is asked twice: without a token, then with one.
        assert_eq!(asked(), 3);
    });
}

/// Adds a student with an enrollment and nothing else.
fn enroll_alone(ods: &Ods, unique: &str) {
    let student = ods.add("ed-fi/students", json!({"studentUniqueId": unique}), &[]);
    let body = json!({"entryDate": "2025-09-01", "schoolReference": {"schoolId": 255_901_001},
        "studentReference": {"studentUniqueId": unique}});
    ods.add("ed-fi/studentSchoolAssociations", body, &[("/studentReference", &student)]);
}

#[test]
fn what_cannot_be_searched_is_named() {
    let (ods, enrolled) = school();
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/studentAssessments");
        faults.absent.insert("ed-fi/surveyResponses");
    });
    let found = search(&ods, "604821", SearchLimits::default()).unwrap();
    let mut all = expected(&enrolled);
    all.remove("ed-fi/studentAssessments");
    assert_eq!(found.ids, all);
    let gaps: BTreeSet<(&str, &str)> = found.gaps.iter().map(|gap| (gap.code.name(), gap.resource.short())).collect();
    assert_eq!(
        gaps,
        BTreeSet::from([("not-served", "surveyResponses"), ("unreadable-resources", "studentAssessments")])
    );
}

#[test]
fn a_search_ends_when_it_finds_too_much() {
    let (ods, _) = school();
    let limits = SearchLimits { found: 20, ..SearchLimits::default() };
    let error = search(&ods, "604821", limits).err().unwrap();
    assert!(matches!(error, LiveError::TooMany { most: 20, .. }), "{error}");
}

#[test]
fn what_equals_something_outside_its_collection_can_be_asked_for() {
    // ApiSchema declares that the grades of a report card are those of its student; OpenAPI does not.
    for (standard, told) in [("ed-fi-5.2", false), ("ed-fi-5.1", true)] {
        let ods = Ods::start(standard);
        let enrolled = enroll(&ods, "604821");
        ods.faults(|faults| (faults.lenient, faults.page) = (true, Some(25)));
        for n in 0..40 {
            let body = json!({"studentReference": {"studentUniqueId": format!("other-{n}")}});
            ods.add("ed-fi/reportCards", body, &[]);
        }
        let limits = SearchLimits { scan: 30, ..SearchLimits::default() };
        let found = search(&ods, "604821", limits).unwrap();
        assert_eq!(found.ids["ed-fi/reportCards"], expected(&enrolled)["ed-fi/reportCards"]);
        let is_named = found.gaps.iter().any(|gap| gap.resource.short() == "reportCards");
        assert_eq!(is_named, told, "{standard} {:?}", found.gaps);
    }
}
