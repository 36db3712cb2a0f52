//! What records need, and what follows from the keys of records that are missing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use edfi_plan::graph::{DependencyGraph, Found};
use edfi_plan::records::{Checklist, Following, KeyValues, Need, ReadOptions, Standing, Unknown};
use edfi_plan::source::{self, Document};
use serde_json::{Value, json};

use crate::common::standard;

/// What a record needs where an API is asked that has nothing but `there`; what it was asked for, in order.
fn asked(graph: &DependencyGraph, resource: &str, record: &Value, there: &[&str]) -> (Vec<Need>, Vec<Vec<String>>) {
    let Ok(Found::Resource(id)) = graph.find(resource) else { panic!("{resource}") };
    let mut list = Checklist::new(graph, None, Following::default());
    list.add(id, 1, record.to_string().as_bytes()).unwrap();
    let mut levels = Vec::new();
    let answer = |needs: &mut [Need]| {
        levels.push(needs.iter().map(|need| format!("{} {}", need.target, json!(need.key))).collect());
        for need in needs {
            let present = there.contains(&need.target.as_str());
            need.standing = if present { Standing::Present } else { Standing::Missing };
        }
        Ok::<(), Infallible>(())
    };
    list.follow(&ReadOptions::default(), answer).unwrap();
    (list.needs(), levels)
}

/// The key that is needed of a target.
fn key_of(needs: &[Need], target: &str) -> Value {
    json!(needs.iter().find(|need| need.target == target).unwrap().key)
}

#[test]
fn the_key_of_what_is_missing_tells_what_that_needs() {
    let period = json!({"gradingPeriodDescriptor": "uri://e/GradingPeriodDescriptor#One", "gradingPeriodName": "First",
        "schoolId": 1, "schoolYear": 2025});
    let association = json!({"beginDate": "2025-08-20", "localCourseCode": "ALG-1", "schoolId": 1, "schoolYear": 2026,
        "sectionIdentifier": "S", "sessionName": "Fall", "studentUniqueId": "604821"});
    let mut grade = association.clone();
    grade["gradeTypeDescriptor"] = json!("uri://e/GradeTypeDescriptor#Final");
    grade["gradingPeriodDescriptor"] = period["gradingPeriodDescriptor"].clone();
    grade["gradingPeriodName"] = json!("First");
    // The key of a grade names the school year of its grading period for its role.
    grade["gradingPeriodSchoolYear"] = json!(2025);
    let card = json!({"grades": [{"gradeReference": grade}]});
    let (needs, levels) = asked(&standard("ed-fi-5.1"), "reportCards", &card, &[]);
    assert_eq!(key_of(&needs, "/ed-fi/gradingPeriods"), period);
    assert_eq!(key_of(&needs, "/ed-fi/studentSectionAssociations"), association);
    assert_eq!(key_of(&needs, "/ed-fi/gradeTypeDescriptors"), json!({"uri": "uri://e/GradeTypeDescriptor#Final"}));
    assert_eq!(key_of(&needs, "/ed-fi/students"), json!({"studentUniqueId": "604821"}));
    assert_eq!(key_of(&needs, "/ed-fi/sessions"), json!({"schoolId": 1, "schoolYear": 2026, "sessionName": "Fall"}));
    // Both years, each once; all of one distance at the same time.
    let asked: Vec<&String> = levels.iter().flatten().collect();
    let mut once = asked.clone();
    once.sort();
    once.dedup();
    assert_eq!((once.len(), levels.len()), (asked.len(), 6), "{levels:?}");
    assert_eq!(asked.iter().filter(|asked| asked.starts_with("/ed-fi/schoolYearTypes")).count(), 2, "{asked:?}");
    // A report card has more than its grades.
    let absent = needs.iter().filter(|need| need.standing == Standing::Absent).map(|need| need.path.as_str());
    assert_eq!(
        absent.collect::<Vec<_>>(),
        ["$.educationOrganizationReference", "$.gradingPeriodReference", "$.studentReference"]
    );
    // Nobody can tell the course of an offering by its key.
    let course = needs.iter().find(|need| need.target == "/ed-fi/courses").unwrap();
    assert_eq!((&course.standing, course.why), (&Standing::Unknown, Some(Unknown::NotInKey)));
}

#[test]
fn what_is_there_is_not_followed() {
    let association = json!({"beginDate": "2025-08-20", "studentReference": {"studentUniqueId": "604821"},
        "sectionReference": {"localCourseCode": "ALG-1", "schoolId": 1, "schoolYear": 2026, "sectionIdentifier": "S",
            "sessionName": "Fall"}});
    let (needs, levels) = asked(
        &standard("ed-fi-5.1"),
        "studentSectionAssociations",
        &association,
        &["/ed-fi/students", "/ed-fi/courseOfferings"],
    );
    let targets: Vec<(usize, &str)> = needs.iter().map(|need| (need.depth, need.target.as_str())).collect();
    assert_eq!(targets, [(0, "/ed-fi/sections"), (1, "/ed-fi/courseOfferings"), (0, "/ed-fi/students")]);
    assert_eq!(levels.len(), 2);
}

const TWO_SUBCLASSES: &str = "\
edfi-plan: graph/1
name: two
abstract:
  Shape:
    key:
      id: integer
      place: string
    subclasses:
    - /ed-fi/circles
    - /ed-fi/squares
resources:
  /ed-fi/circles:
    entity: Circle
    superclass: Shape
    key:
      circleId: integer at $.circleId
      place: string at $.placeReference.place, $.otherReference.place
    references:
      $.otherReference: /ed-fi/others required identifying
      $.placeReference: /ed-fi/places required identifying
  /ed-fi/drawings:
    entity: Drawing
    key:
      name: string at $.name
    references:
      $.circleReference: /ed-fi/circles
      $.shapeReference: Shape
  /ed-fi/others:
    entity: Other
    key:
      place: string at $.place
  /ed-fi/places:
    entity: Place
    key:
      place: string at $.place
  /ed-fi/squares:
    entity: Square
    superclass: Shape
    key:
      squareId: integer at $.squareId
      place: string at $.placeReference.place
    references:
      $.otherReference: /ed-fi/others required
      $.placeReference: /ed-fi/places required identifying
";

/// Two subclasses: what each of them needs is the same by one reference, and differs by the others.
fn two_subclasses() -> DependencyGraph {
    let document = Document { name: "two.yaml".to_owned(), bytes: TWO_SUBCLASSES.as_bytes().to_vec() };
    DependencyGraph::build(source::read(&[document], &[]).unwrap()).unwrap()
}

/// Depth, what refers, target and key of what is needed.
fn told(needs: &[Need]) -> Vec<(usize, &str, &str, String)> {
    needs.iter().map(|need| (need.depth, need.of.as_str(), need.target.as_str(), json!(need.key).to_string())).collect()
}

#[test]
fn of_an_abstract_record_that_is_missing_what_all_subclasses_need_is_told() {
    let graph = two_subclasses();
    let (needs, _) = asked(&graph, "drawings", &json!({"shapeReference": {"id": 1, "place": "P"}}), &[]);
    // To one of the others a square refers by no part of its key.
    let place = "{\"place\":\"P\"}".to_owned();
    assert_eq!(
        told(&needs),
        [
            (0, "/ed-fi/drawings", "Shape", json!({"id": 1, "place": "P"}).to_string()),
            (1, "Shape", "/ed-fi/places", place)
        ]
    );
    let names: Vec<&str> = needs[0].one_of.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["/ed-fi/circles", "/ed-fi/squares"]);
    assert!(needs[1].one_of.is_empty() && needs.iter().all(|need| need.same_as.is_none()));

    // In the standard: every association of a student and a program, whichever it is.
    let association = json!({"beginDate": "2025-08-20", "educationOrganizationId": 1, "programEducationOrganizationId": 2,
        "programName": "P", "programTypeDescriptor": "uri://e/ProgramTypeDescriptor#T", "studentUniqueId": "604821"});
    let objective =
        json!({"generalStudentProgramAssociations": [{"generalStudentProgramAssociationReference": association}]});
    let (needs, _) = asked(&standard("ed-fi-5.1"), "studentCompetencyObjectives", &objective, &[]);
    let program = json!({"educationOrganizationId": 2, "programName": "P",
        "programTypeDescriptor": "uri://e/ProgramTypeDescriptor#T"});
    assert_eq!(key_of(&needs, "/ed-fi/programs"), program);
    assert_eq!(key_of(&needs, "/ed-fi/students"), json!({"studentUniqueId": "604821"}));
    let organizations: Vec<&Value> = needs
        .iter()
        .filter(|need| need.target == "EducationOrganization")
        .map(|need| &need.key["educationOrganizationId"])
        .collect();
    assert_eq!(organizations, [1, 2]);
}

#[test]
fn an_abstract_record_is_that_of_a_subclass_where_the_list_has_it() {
    let graph = two_subclasses();
    let both = |circle: i64| json!({"shapeReference": {"id": 1, "place": "P"}, "circleReference": {"circleId": circle, "place": "P"}});
    // What is told of the circle stands where it is met first.
    let (needs, _) = asked(&graph, "drawings", &both(1), &[]);
    let targets: Vec<(usize, &str)> = needs.iter().map(|need| (need.depth, need.target.as_str())).collect();
    assert_eq!(targets, [(0, "/ed-fi/circles"), (1, "/ed-fi/others"), (1, "/ed-fi/places"), (0, "Shape")]);
    let shape = &needs[3];
    assert_eq!((&shape.standing, shape.repeated, shape.one_of.len()), (&Standing::Missing, true, 0));
    let same = shape.same_as.as_ref().unwrap();
    assert_eq!((same.resource.as_str(), json!(same.key)), ("/ed-fi/circles", json!({"circleId": 1, "place": "P"})));
    // Another circle is another shape.
    let (needs, _) = asked(&graph, "drawings", &both(2), &[]);
    assert!(needs.iter().all(|need| need.same_as.is_none()));
    assert_eq!(needs.iter().filter(|need| !need.one_of.is_empty()).count(), 1);

    // A folder without schools tells nothing of one, so not of the education organization that is one.
    let folder = files(&BTreeMap::from([
        ("data/schools.jsonl", "{\"schoolId\": 2}\n".to_owned()),
        ("data/localEducationAgencies.jsonl", "{\"localEducationAgencyId\": 3}\n".to_owned()),
        ("agencies/localEducationAgencies.jsonl", "{\"localEducationAgencyId\": 3}\n".to_owned()),
        ("agencies/courses.jsonl", "{\"courseCode\": \"Z\"}\n".to_owned()),
        ("one.json", OFFERING.to_owned()),
    ]));
    let (_, text, _) = run(&folder, &["courseOfferings", "--payload", "one.json", "--data", "data"], "");
    assert!(text.starts_with("1 record is missing"), "{text}");
    assert!(!text.contains("a record of one of"), "{text}");
    let (code, text, _) = run(&folder, &["courseOfferings", "--payload", "one.json", "--data", "agencies"], "");
    assert!(text.contains("assumed to exist: EducationOrganization educationOrganizationId 1\n"), "{text}");
    assert!(text.contains("the same as schools\n"), "{text}");
    assert_eq!(code, 1, "{text}");
    let other = OFFERING.replace("\"educationOrganizationId\": 1", "\"educationOrganizationId\": 7");
    let (_, text, _) = run(&folder, &["courseOfferings", "--payload", "-", "--data", "agencies"], &other);
    assert!(text.contains("MISSING: EducationOrganization educationOrganizationId 7\n"), "{text}");
    let named = "\nEducationOrganization  a record of one of communityOrganizations,\n  communityProviders, ";
    assert!(text.contains(named), "{text}");
}

/// A resource whose key is held by references to others of its kind, each with the values in another order.
fn circular(orders: &[[usize; 7]]) -> DependencyGraph {
    let at = |n: usize| -> Vec<String> {
        (0..).zip(orders).map(|(place, order)| format!("$.r{place}Reference.f{}", order[n])).collect()
    };
    let key: String = (0..7).map(|n| format!("      f{n}: string at {}\n", at(n).join(", "))).collect();
    let references: String =
        (0..orders.len()).map(|place| format!("      $.r{place}Reference: /ed-fi/as required identifying\n")).collect();
    let text = format!(
        "edfi-plan: graph/1\nname: circle\nresources:\n  /ed-fi/as:\n    entity: A\n    key:\n{key}    references:\n{references}"
    );
    let document = Document { name: "circle.yaml".to_owned(), bytes: text.into_bytes() };
    DependencyGraph::build(source::read(&[document], &[]).unwrap()).unwrap()
}

const TURNED: [usize; 7] = [1, 2, 3, 4, 5, 6, 0];

/// What the record of seven different values needs where nothing is there.
fn asked_in_circles(orders: &[[usize; 7]]) -> (Vec<Need>, usize) {
    let key: KeyValues = (0..7).map(|n| (format!("f{n}").into(), json!(n.to_string()))).collect();
    let (needs, levels) = asked(&circular(orders), "as", &json!({"r0Reference": key}), &[]);
    (needs, levels.iter().map(Vec::len).sum())
}

#[test]
fn keys_that_hold_each_other_end_where_they_began() {
    let (needs, asked) = asked_in_circles(&[TURNED]);
    // Every turn of the seven values once, and then the first again.
    assert_eq!((needs.len(), asked), (8, 7), "{needs:?}");
    assert!(needs.last().unwrap().repeated);
}

#[test]
fn keys_that_make_ever_more_keys_are_not_followed_for_ever() {
    // A turn and a swap make all 5,040 orders of seven values.
    let (needs, asked) = asked_in_circles(&[TURNED, [1, 0, 2, 3, 4, 5, 6]]);
    assert_eq!(asked, 1001);
    let open = needs.iter().filter(|need| need.why == Some(Unknown::NotFollowed)).count();
    assert!(open > 100 && needs.len() < 3000, "{open} of {}", needs.len());
}

/// The program with a folder of its own.
fn run(folder: &tempfile::TempDir, arguments: &[&str], stdin: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_edfi-plan"))
        .args(["-m", "ed-fi-5.1", "prereqs"])
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that was told another file ends without reading it.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn files(files: &BTreeMap<&str, String>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

const OFFERING: &str = r#"{"localCourseCode": "A", "courseReference": {"courseCode": "A", "educationOrganizationId": 1},
  "schoolReference": {"schoolId": 1}, "sessionReference": {"schoolId": 1, "schoolYear": 2026, "sessionName": "Fall"}}"#;

#[test]
fn every_record_of_a_payload_file_is_checked() {
    let one = OFFERING.replace('\n', " ");
    let broken = r#"{"localCourseCode": "B", "schoolReference": {"schoolId": "x"}, "sessionReference": 7}"#;
    let array = format!("[\n{OFFERING},\n{broken}\n]");
    let lines = format!("\u{feff}{one}\r\n\r\n{broken}\n");
    let session = r#"{"sessionName": "Fall", "schoolReference": {"schoolId": 1}, "schoolYearTypeReference": {"schoolYear": 2026}}"#;
    let folder = files(&BTreeMap::from([
        ("array.json", array),
        ("lines.ndjson", lines.clone()),
        ("one.json", OFFERING.to_owned()),
        ("data/schools.jsonl", "{\"schoolId\": 2}\n".to_owned()),
        ("data/sessions.jsonl", format!("{session}\n")),
    ]));
    let (code, text, _) = run(&folder, &["courseOfferings", "--payload", "one.json"], "");
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("Nothing is known to be missing; 3 records are assumed to exist.\ncourseOfferings\n├── "));
    for (file, first, second) in [("array.json", 2, 4), ("lines.ndjson", 1, 3), ("-", 1, 3)] {
        let (code, text, _) = run(&folder, &["courseOfferings", "--payload", file], &lines);
        assert_eq!(code, 1, "{text}");
        let told = format!(
            "1 required reference is absent, 2 references are malformed\ncourseOfferings {file}:{first}\n├── assumed"
        );
        assert!(text.starts_with(&told), "{text}");
        let told = format!(
            "courseOfferings {file}:{second}\n├── MALFORMED: schools schoolId x ($.schoolReference, required)\n\
             ├── ABSENT: courses ($.courseReference, required)\n\
             └── MALFORMED: sessions ($.sessionReference, required)\n"
        );
        assert!(text.contains(&told), "{text}");
    }
    // Records that stand on one line are records of their own.
    let (_, text, _) = run(&folder, &["courseOfferings", "--payload", "-"], &format!("[{one}, {one}]"));
    assert_eq!(text.matches("courseOfferings -:1\n├── ").count(), 2, "{text}");
    let (code, text, _) = run(&folder, &["courseOfferings", "--payload", "lines.ndjson", "--format", "json"], "");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &answer["schema"], &answer["payloads"]), (1, &json!("edfi-plan/checklist/1"), &json!(2)));
    let of_second = answer["needs"].as_array().unwrap().iter().filter(|need| need["line"] == 3);
    let told: Vec<(&str, &str)> =
        of_second.map(|need| (need["path"].as_str().unwrap(), need["standing"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [("$.schoolReference", "malformed"), ("$.courseReference", "absent"), ("$.sessionReference", "malformed")]
    );

    // The folder has the session, which stands for itself, and not the school.
    let (code, text, _) = run(&folder, &["courseOfferings", "--payload", "one.json", "--data", "data"], "");
    assert_eq!(code, 1);
    assert!(text.starts_with("1 record is missing, 2 records cannot be known\ncourseOfferings\n"), "{text}");
    assert!(text.contains("\n├── MISSING: schools schoolId 1 ($.schoolReference, required)\n│   ├── not in"), "{text}");
    assert!(text.contains("\n└── in sessions.jsonl:1: sessions"), "{text}");
    assert!(text.contains("\n    ├── MISSING: schools schoolId 1 ($.schoolReference, required) (*)\n"), "{text}");
    // What a tree of resources can leave out, a tree of records can.
    let few = ["courseOfferings", "--payload", "one.json", "--data", "data", "--depth", "1"];
    let (_, text, _) = run(&folder, &few, "");
    assert_eq!(text.lines().filter(|line| line.contains("── ")).count(), 3, "{text}");
}

#[test]
fn a_payload_file_that_is_none_is_refused_with_its_line() {
    let folder = files(&BTreeMap::from([
        ("empty.json", " \n".to_owned()),
        ("cut.ndjson", format!("{}\n{{\"localCourseCode\": \n", OFFERING.replace('\n', " "))),
        ("number.json", "7\n".to_owned()),
        ("list.json", "[]".to_owned()),
    ]));
    for (file, message) in [
        ("empty.json", "empty.json: no record in it. Give one, a JSON array of several, or one a line"),
        ("list.json", "list.json: no record in it."),
        ("cut.ndjson", "cut.ndjson:2: cut off"),
        ("number.json", "number.json:1: not an object"),
        ("nowhere.json", "nowhere.json: no such file. Give the file"),
    ] {
        let (code, _, err) = run(&folder, &["courseOfferings", "--payload", file], "");
        assert!(code == 2 && err.contains(message), "{file}: {err}");
    }
}
