//! Root causes: failures are injected into a consistent set of records, an API is played that answers in
//! load order, and what is found must be exactly what was injected.

mod denied;
mod unplaced;

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::diagnosis::cascade::{Cascade, Causes, Sent as SentRecords, Wanted};
use edfi_plan::diagnosis::{Body, Diagnoser, Failure, Place};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::records::{Folder, Namespaces, PayloadFile, ReadOptions};
use edfi_plan::source;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A record, what it is keyed by and what it refers to, as the generator knows it.
struct Sent {
    resource: &'static str,
    entity: &'static str,
    id: String,
    record: Value,
    /// Path, entity and id of what it refers to.
    needs: Vec<(&'static str, &'static str, String)>,
}

/// A district: schools, sessions, courses, offerings, sections and enrollments that fit together.
fn district(schools: usize) -> Vec<Sent> {
    let mut all = Vec::new();
    for n in 0..schools {
        let school = 100 + n;
        all.push(Sent {
            resource: "schools",
            entity: "School",
            id: school.to_string(),
            record: json!({ "schoolId": school, "nameOfInstitution": "S" }),
            needs: vec![],
        });
        all.push(Sent {
            resource: "courses",
            entity: "Course",
            id: format!("C/{school}"),
            record: json!({ "courseCode": "C", "educationOrganizationReference": { "educationOrganizationId": school } }),
            needs: vec![("$.educationOrganizationReference", "EducationOrganization", school.to_string())],
        });
        all.push(Sent {
            resource: "sessions",
            entity: "Session",
            id: format!("F/{school}"),
            record: json!({ "sessionName": "F", "schoolReference": { "schoolId": school },
                            "schoolYearTypeReference": { "schoolYear": 2026 } }),
            needs: vec![("$.schoolReference", "School", school.to_string())],
        });
        all.push(Sent {
            resource: "courseOfferings",
            entity: "CourseOffering",
            id: format!("O/{school}"),
            record: json!({
                "localCourseCode": "O",
                "courseReference": { "courseCode": "C", "educationOrganizationId": school },
                "schoolReference": { "schoolId": school },
                "sessionReference": { "sessionName": "F", "schoolId": school, "schoolYear": 2026 }
            }),
            needs: vec![
                ("$.courseReference", "Course", format!("C/{school}")),
                ("$.schoolReference", "School", school.to_string()),
                ("$.sessionReference", "Session", format!("F/{school}")),
            ],
        });
        for s in 0..3 {
            let section = format!("X{s}/{school}");
            let key = json!({ "localCourseCode": "O", "schoolId": school, "schoolYear": 2026,
                              "sectionIdentifier": format!("X{s}"), "sessionName": "F" });
            let offering =
                json!({ "localCourseCode": "O", "schoolId": school, "schoolYear": 2026, "sessionName": "F" });
            all.push(Sent {
                resource: "sections",
                entity: "Section",
                id: section.clone(),
                record: json!({ "sectionIdentifier": format!("X{s}"), "courseOfferingReference": offering }),
                needs: vec![("$.courseOfferingReference", "CourseOffering", format!("O/{school}"))],
            });
            let student = format!("{school}-{s}");
            all.push(Sent {
                resource: "students",
                entity: "Student",
                id: student.clone(),
                record: json!({ "studentUniqueId": student, "firstName": "A" }),
                needs: vec![],
            });
            all.push(Sent {
                resource: "studentSectionAssociations",
                entity: "StudentSectionAssociation",
                id: format!("{section}/{student}"),
                record: json!({ "beginDate": "2025-08-20", "sectionReference": key,
                                "studentReference": { "studentUniqueId": student } }),
                needs: vec![("$.sectionReference", "Section", section), ("$.studentReference", "Student", student)],
            });
        }
    }
    all
}

/// Whose wording an answer has.
#[derive(Debug, Clone, Copy)]
enum Wording {
    Ods72,
    Dms8,
    Dms02,
    SqlServer,
    Postgres,
}

impl Wording {
    fn refusal(self) -> Value {
        match self {
            Self::SqlServer | Self::Postgres => {
                json!({ "message": "The request is invalid.", "modelState": { "request.x": ["The field X must be a string with a maximum length of 1."] } })
            }
            _ => json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "status": 400,
                         "detail": "Data validation failed. See 'validationErrors' for details.",
                         "validationErrors": { "$.x": ["X must be at most 1 characters in length."] } }),
        }
    }

    /// What is refused for references to nothing: an ODS/API names the first, a DMS all of them.
    fn missing(self, sent: &Sent, missing: &[(&str, &str)]) -> Value {
        let kind = "urn:ed-fi:api:data-conflict:unresolved-reference";
        let camel = |name: &str| name[..1].to_lowercase() + &name[1..];
        let (_, entity) = missing[0];
        match self {
            Self::Ods72 => json!({ "type": kind, "detail": format!("The referenced '{entity}' item does not exist.") }),
            Self::Dms8 => {
                let said = |entity: &str| json!([format!("The referenced {entity} item does not exist.")]);
                let at = missing.iter().map(|(path, entity)| ((*path).to_owned(), said(entity)));
                json!({ "type": kind, "errors": [],
                    "detail": "One or more references could not be resolved. See 'validationErrors' for details.",
                    "validationErrors": at.collect::<serde_json::Map<_, _>>() })
            }
            Self::Dms02 => {
                let all: Vec<&str> = missing.iter().map(|(_, entity)| *entity).collect();
                json!({ "type": kind, "detail": format!("The referenced {} item(s) do not exist.", all.join(", ")) })
            }
            Self::SqlServer => json!({ "message":
                format!("The value supplied for the related '{}' resource does not exist.", camel(entity)) }),
            // The table that is written.
            Self::Postgres => json!({ "message":
                format!("The value supplied for the related '{}' resource does not exist.", sent.entity.to_lowercase()) }),
        }
    }
}

/// What an API answers to the records in load order when some are refused and some are never sent.
fn answers(all: &[Sent], refused: &BTreeSet<usize>, unsent: &BTreeSet<usize>, wording: Wording) -> Vec<Failure> {
    let order =
        ["schools", "students", "courses", "sessions", "courseOfferings", "sections", "studentSectionAssociations"];
    let mut stored: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut failures = Vec::new();
    for resource in order {
        for (line, sent) in all.iter().enumerate().filter(|(line, s)| s.resource == resource && !unsent.contains(line))
        {
            let exists = |entity: &str, id: &str| {
                let entity = if entity == "EducationOrganization" { "School" } else { entity };
                stored.contains(&(entity, id))
            };
            let missing = sent.needs.iter().filter(|(_, entity, id)| !exists(entity, id));
            let missing: Vec<(&str, &str)> = missing.map(|(path, entity, _)| (*path, *entity)).collect();
            let (status, body) = if refused.contains(&line) {
                (400, wording.refusal())
            } else if !missing.is_empty() {
                (409, wording.missing(sent, &missing))
            } else {
                stored.insert((sent.entity, &sent.id));
                continue;
            };
            failures.push(Failure {
                place: Place { file: Some(format!("{resource}.jsonl").into()), line: Some(line), ..Place::default() },
                resource: Some(resource.to_owned()),
                method: Some("POST".to_owned()),
                status: Some(status),
                payload: Some(sent.record.clone()),
                ..Failure::new(Body::Json(body))
            });
        }
    }
    failures
}

fn causes(failures: &[Failure]) -> Causes {
    thread_local! {
        static GRAPH: DependencyGraph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    }
    GRAPH.with(|graph| {
        let diagnoser = Diagnoser::new(graph);
        let mut cascade = Cascade::new(&diagnoser, None);
        failures.iter().for_each(|failure| cascade.add(failure, &diagnoser.diagnose(failure)));
        cascade.causes()
    })
}

/// The causes where the records that were sent are at hand, `unsent` left out, and where each stands.
fn causes_with(
    failures: &[Failure],
    all: &[Sent],
    unsent: &BTreeSet<usize>,
) -> (Causes, BTreeMap<usize, (String, usize)>) {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (number, sent) in all.iter().enumerate().filter(|(number, _)| !unsent.contains(number)) {
        let text = texts.entry(sent.resource).or_default();
        text.push_str(&format!("{}\n", sent.record));
        places.insert(number, (format!("{}.jsonl", sent.resource), text.lines().count()));
    }
    let files = texts.into_iter();
    let files = files.map(|(resource, text)| PayloadFile::from_bytes(format!("{resource}.jsonl"), text.into_bytes()));
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let folder = Folder::assign(&graph, files.collect(), &Namespaces::default());
    let records = SentRecords::read(&graph, &folder, &Wanted::default(), &ReadOptions::default()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    let mut cascade = Cascade::new(&diagnoser, Some(&records));
    failures.iter().for_each(|failure| cascade.add(failure, &diagnoser.diagnose(failure)));
    (cascade.causes(), places)
}

/// Where roots stand in the folder.
fn stand(found: &Causes) -> BTreeSet<(String, usize)> {
    let places = found.roots.iter().filter_map(|root| Some((root.place.file.as_ref()?.to_string(), root.place.line?)));
    places.collect()
}

/// Wordings that name what is missing.
fn naming() -> impl Strategy<Value = Wording> {
    prop_oneof![Just(Wording::Ods72), Just(Wording::Dms8), Just(Wording::Dms02), Just(Wording::SqlServer)]
}

fn wording() -> impl Strategy<Value = Wording> {
    prop_oneof![4 => naming(), 1 => Just(Wording::Postgres)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_roots_are_what_was_injected(
        chosen in proptest::collection::btree_set(0_usize..13 * 8, 1..50),
        wording in wording(),
    ) {
        let all = district(8);
        let failures = answers(&all, &chosen, &BTreeSet::new(), wording);
        let found = causes(&failures);
        let roots: BTreeSet<usize> = found.roots.iter().filter_map(|root| root.place.line).collect();
        // A record that could not have been stored anyway is still refused for its own reason.
        prop_assert_eq!(&roots, &chosen);
        prop_assert!(found.roots.iter().all(|root| !root.absent));
        prop_assert_eq!(found.roots.iter().map(|root| root.explains).sum::<usize>(), failures.len());
        prop_assert_eq!((found.summary.unexplained, found.summary.grouped), (0, 0));
        prop_assert_eq!(found.resend.len(), failures.len());
    }

    #[test]
    fn what_was_never_sent_is_a_root_by_its_key(
        chosen in proptest::collection::btree_set(0_usize..8, 1..5),
        wording in naming(),
    ) {
        let all = district(8);
        let unsent: BTreeSet<usize> = chosen.iter().map(|school| school * 13).collect();
        let failures = answers(&all, &BTreeSet::new(), &unsent, wording);
        let found = causes(&failures);
        let keys: BTreeSet<String> =
            found.roots.iter().filter(|r| r.absent).flat_map(|r| r.key.values().cloned()).collect();
        prop_assert_eq!(keys, chosen.iter().map(|school| (100 + school).to_string()).collect::<BTreeSet<_>>());
        prop_assert_eq!(found.roots.len(), chosen.len());
        prop_assert_eq!(found.summary.unexplained, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// With the records at hand, roots stand in their files, and what is absent is known even where the
    /// server names the table that it writes.
    #[test]
    fn the_roots_stand_in_the_folder(
        refused in proptest::collection::btree_set(0_usize..13 * 8, 0..20),
        missing in proptest::collection::btree_set(0_usize..8, 1..5),
        wording in wording(),
    ) {
        let all = district(8);
        let unsent: BTreeSet<usize> = missing.iter().map(|school| school * 13).collect();
        let refused: BTreeSet<usize> = refused.difference(&unsent).copied().collect();
        let failures = answers(&all, &refused, &unsent, wording);
        let (found, places) = causes_with(&failures, &all, &unsent);
        prop_assert_eq!(stand(&found), refused.iter().map(|number| places[number].clone()).collect::<BTreeSet<_>>());
        let absent = found.roots.iter().filter(|root| root.absent);
        let keys: BTreeSet<String> = absent.flat_map(|root| root.key.values().cloned()).collect();
        let expected: BTreeSet<String> = missing.iter().map(|school| (100 + school).to_string()).collect();
        // Where everything below is refused for a reason of its own, nothing waits for the school.
        prop_assert!(keys.is_subset(&expected), "{:?} {:?}", keys, expected);
        prop_assert_eq!(found.roots.iter().map(|root| root.explains).sum::<usize>(), failures.len());
        prop_assert_eq!((found.summary.unexplained, found.summary.grouped), (0, 0));
        let resent: BTreeSet<_> = found.resend.iter().map(|r| (r.place.file.clone(), r.place.line)).collect();
        prop_assert_eq!(resent.len(), failures.len());
        let at_home = |r: &edfi_plan::diagnosis::cascade::Resend| {
            r.place.file.as_deref() == Some(&format!("{}.jsonl", r.resource.endpoint()))
        };
        prop_assert!(found.resend.iter().all(at_home));
    }
}

/// What is in the folder and did not fail is no root, and said.
#[test]
fn what_did_not_fail_is_said_to_be_there() {
    let all = district(1);
    // The answer of the school itself is lost.
    let mut failures = answers(&all, &BTreeSet::from([0]), &BTreeSet::new(), Wording::Ods72);
    failures.retain(|failure| failure.resource.as_deref() != Some("schools"));
    let (found, places) = causes_with(&failures, &all, &BTreeSet::new());
    assert!(found.roots.is_empty(), "{:#?}", found.roots);
    // What all wait for comes first.
    assert_eq!(found.resend.len(), failures.len() + 1, "{:#?}", found.resend);
    assert_eq!(found.resend[0].resource.endpoint(), "schools");
    assert_eq!((found.summary.unexplained, found.unexplained.len()), (failures.len(), 1));
    let present = &found.unexplained[0];
    let place = (present.place.file.as_ref().unwrap().to_string(), present.place.line.unwrap());
    assert_eq!((present.resource.as_str(), place), ("/ed-fi/schools", places[&0].clone()));
    assert_eq!(present.failures, failures.len());
    let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
    assert!(text.contains("  schools 100 at schools.jsonl:1 "), "{text}");
}

/// Of two descriptors at one place the one that the message quotes is missing, in whatever case; where the
/// record has it nowhere, the message is believed.
#[test]
fn a_quoted_value_decides_among_those_of_the_record() {
    let uri = |code: &str| format!("uri://ed-fi.org/GradeLevelDescriptor#{code}");
    let school = |id: u32, codes: [&str; 2]| json!({ "schoolId": id, "gradeLevels": codes.map(|code| json!({ "gradeLevelDescriptor": uri(code) })) });
    let legacy = |code: &str| {
        let message =
            format!("Unable to resolve value '{}' to an existing 'GradeLevelDescriptor' resource.", uri(code));
        json!({ "message": message })
    };
    for (codes, quoted, missing) in [
        (["Good", "Bad One"], "Bad One", "Bad One"),
        (["Bad One", "Good"], "bad one", "Bad One"),
        (["Good", "Fine"], "Bad One", "Bad One"),
    ] {
        let failures = [record("schools", 1, "POST", school(1, codes), legacy(quoted))];
        let found = causes(&failures);
        let roots: Vec<&str> = found.roots.iter().map(|root| root.key["codeValue"].as_str()).collect();
        assert_eq!(roots, [missing], "{codes:?}: {:#?}", found.roots);
    }
}

/// One name for two references that no file can serve: either may be meant, the required one first, unless
/// another failure tells that one of them is missing indeed.
#[test]
fn what_a_name_leaves_open_is_possible() {
    let enrollment = |student: &str| {
        json!({ "entryDate": "2025-08-01", "studentReference": { "studentUniqueId": student },
                "schoolReference": { "schoolId": 100 }, "nextYearSchoolReference": { "schoolId": 200 } })
    };
    let body = || Wording::Ods72.missing(&district(1)[1], &[("$.schoolReference", "School")]);
    let mut failures: Vec<Failure> =
        (0..4).map(|n| record("studentSchoolAssociations", n, "POST", enrollment(&n.to_string()), body())).collect();
    let (found, _) = causes_with(&failures, &[], &BTreeSet::new());
    let [root] = found.roots.as_slice() else { panic!("{:#?}", found.roots) };
    let possible: Vec<_> = root.possible.iter().map(|one| (one.key["schoolId"].as_str(), one.required)).collect();
    assert_eq!(possible, [("100", true), ("200", false)]);
    assert_eq!((root.resource.as_str(), root.key.len(), root.explains), ("/ed-fi/schools", 0, 4));
    let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
    assert!(text.contains(" 1  schools 100 or schools 200 missing "), "{text}");
    let hidden = found.redacted();
    assert!(hidden.roots[0].possible.iter().all(|one| one.key["schoolId"] == "…"), "{:#?}", hidden.roots);

    let session = json!({ "sessionName": "F", "schoolReference": { "schoolId": 200 } });
    failures.push(record("sessions", 9, "POST", session, body()));
    let (found, _) = causes_with(&failures, &[], &BTreeSet::new());
    let roots: Vec<_> = found.roots.iter().map(|root| (root.key["schoolId"].as_str(), root.explains)).collect();
    assert_eq!(roots, [("200", 5)], "{:#?}", found.roots);
}

/// A school year is never missing beside a key that is: the host enables school years.
#[test]
fn a_school_year_is_not_missing_beside_a_key_that_is() {
    let session = json!({ "sessionName": "F", "schoolReference": { "schoolId": 2 },
                          "schoolYearTypeReference": { "schoolYear": 2026 } });
    let nameless = json!({ "message": "The value supplied for the related 'session' resource does not exist." });
    let year = Sent {
        resource: "schoolYearTypes",
        entity: "SchoolYearType",
        id: "2020".to_owned(),
        record: json!({ "schoolYear": 2020 }),
        needs: vec![],
    };
    let mut all = district(1);
    all.push(year);
    let (found, _) = causes_with(&[record("sessions", 1, "POST", session, nameless)], &all, &BTreeSet::new());
    let roots: Vec<_> = found.roots.iter().map(|root| (root.resource.as_str(), root.explains)).collect();
    assert_eq!(roots, [("/ed-fi/schools", 1)], "{:#?}", found.roots);
}

/// Nobody is asked for the folder that was given.
#[test]
fn records_are_asked_for_once() {
    let missing = Wording::Ods72.missing(&district(1)[1], &[("$.schoolReference", "School")]);
    let failures = [Failure { payload: None, ..record("sessions", 1, "POST", json!({}), missing) }];
    let text = |found: &Causes| edfi_plan::render::text::causes(found, edfi_plan::render::text::Width(80));
    assert!(text(&causes(&failures)).contains("(--data)"));
    let (found, _) = causes_with(&failures, &district(1), &BTreeSet::new());
    assert!(found.summary.grouped == 1 && !text(&found).contains("--data"), "{}", text(&found));
}

#[test]
fn a_server_that_names_the_table_it_writes_is_seen_through() {
    let all = district(2);
    let failures = answers(&all, &BTreeSet::from([0]), &BTreeSet::new(), Wording::Postgres);
    let found = causes(&failures);
    assert_eq!(found.roots[0].place.line, Some(0), "{:#?}", found.roots);
    assert_eq!(found.roots.len(), 1, "{:#?}", found.roots);
    assert_eq!(found.roots[0].explains, failures.len());
}

/// A number may be written as text, and descriptors have no case: what a check of the records takes for
/// equal is equal here.
#[test]
fn keys_compare_as_they_do_in_a_folder() {
    let record = |resource: &str, line: usize, payload: Value, body: Value| Failure {
        place: Place { line: Some(line), ..Place::default() },
        resource: Some(resource.to_owned()),
        payload: Some(payload),
        ..Failure::new(Body::Json(body))
    };
    let missing = |entity: &str| {
        json!({ "type": "urn:ed-fi:api:data-conflict:unresolved-reference",
                "detail": format!("The referenced '{entity}' item does not exist.") })
    };
    let no_term = |code: &str| {
        let said = format!("TermDescriptor value 'uri://ed-fi.org/termdescriptor#{code}' does not exist.");
        json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed",
                "validationErrors": { "$.termDescriptor": [said] } })
    };
    let refused = Wording::Ods72.refusal();
    let failures = [
        record("schools", 1, json!({ "schoolId": "0100" }), refused.clone()),
        record("classPeriods", 2, json!({ "schoolReference": { "schoolId": 100.0 } }), missing("School")),
        record(
            "courses",
            3,
            json!({ "educationOrganizationReference": { "educationOrganizationId": 100 } }),
            missing("EducationOrganization"),
        ),
        record(
            "termDescriptors",
            4,
            json!({ "namespace": "uri://ed-fi.org/TermDescriptor", "codeValue": "Fall" }),
            refused,
        ),
        record("sessions", 5, json!({ "termDescriptor": "uri://ED-FI.org/TermDescriptor#FALL" }), no_term("fall")),
        // Two spellings of one absent value are one root, whichever comes first.
        record("sessions", 6, json!({ "termDescriptor": "uri://ed-fi.org/TermDescriptor#Spring" }), no_term("spring")),
        record("sessions", 7, json!({ "termDescriptor": "uri://ed-fi.org/TermDescriptor#SPRING" }), no_term("spring")),
    ];
    let found = causes(&failures);
    let roots: Vec<_> = found.roots.iter().map(|root| (root.place.line, root.absent, root.explains)).collect();
    assert_eq!(roots, [(Some(1), false, 3), (None, true, 2), (Some(4), false, 2)], "{:#?}", found.roots);
    assert_eq!(found.roots[1].key["codeValue"], "SPRING");
    // As records write a descriptor.
    let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
    assert!(text.contains("termDescriptors uri://ed-fi.org/TermDescriptor#SPRING missing"), "{text}");
    let mut reversed = failures.to_vec();
    reversed.reverse();
    assert_eq!(causes(&reversed), found);
}

#[test]
fn records_are_resent_in_load_order() {
    let all = district(1);
    let failures = answers(&all, &BTreeSet::from([0]), &BTreeSet::new(), Wording::Ods72);
    let mut shuffled = failures.clone();
    shuffled.reverse();
    let found = causes(&shuffled);
    let mut resources: Vec<&str> = found.resend.iter().map(|r| r.resource.endpoint()).collect();
    resources.dedup();
    assert_eq!(resources[0], "schools");
    assert_eq!(resources.last(), Some(&"studentSectionAssociations"));
    assert_eq!(causes(&failures), found, "the order of failures does not matter");
    assert_eq!(
        found.roots[0].examples,
        ["schools (schools.jsonl:0) → courses (courses.jsonl:1) → courseOfferings \
        (courseOfferings.jsonl:3) → sections (sections.jsonl:4) → studentSectionAssociations \
        (studentSectionAssociations.jsonl:6)"]
    );
}

#[test]
fn without_records_failures_are_grouped_along_the_graph() {
    let all = district(5);
    let mut failures = answers(&all, &BTreeSet::from([0, 13]), &BTreeSet::new(), Wording::Ods72);
    failures.iter_mut().for_each(|failure| failure.payload = None);
    let found = causes(&failures);
    assert_eq!(found.summary.grouped, failures.len());
    assert_eq!(found.roots.len(), 1, "{:#?}", found.roots);
    assert_eq!((found.roots[0].resource.as_str(), found.roots[0].explains), ("/ed-fi/schools", failures.len()));
    let by_code: BTreeMap<&str, usize> = found.summary.by_code;
    assert_eq!(by_code["data-validation"], 2);
}

#[test]
fn a_reference_is_a_key_whatever_the_case_of_its_members() {
    let refused = Failure {
        resource: Some("schools".into()),
        status: Some(400),
        payload: Some(json!({ "SchoolId": 1, "nameOfInstitution": "S" })),
        ..Failure::new(Body::Json(Wording::Ods72.refusal()))
    };
    let waits = Failure {
        resource: Some("sessions".into()),
        status: Some(409),
        payload: Some(json!({ "sessionName": "F", "SchoolReference": { "SchoolId": 1 },
                              "schoolYearTypeReference": { "schoolYear": 2026 } })),
        ..Failure::new(Body::Json(json!({
            "type": "urn:ed-fi:api:data-conflict:unresolved-reference",
            "detail": "The referenced 'School' item does not exist." })))
    };
    let found = causes(&[waits, refused]);
    let roots: Vec<(&str, usize)> = found.roots.iter().map(|r| (r.resource.as_str(), r.explains)).collect();
    assert_eq!((roots, found.summary.unexplained), (vec![("/ed-fi/schools", 2)], 0));
}

#[test]
fn a_record_is_of_the_file_that_its_failure_names() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    let school = diagnoser.resource("schools").unwrap();
    let file = |name: &str, id: u32| PayloadFile::from_bytes(name, format!("{{\"schoolId\":{id}}}\n").into_bytes());
    let files =
        vec![file("schools/2023/data.jsonl", 2023), file("schools/2024/data.jsonl", 2024), file("schools.jsonl", 1)];
    let folder = Folder::assign(&graph, files, &Namespaces::default());
    let named = [
        ("schools/2023/data.jsonl", Some(2023)),
        ("schools/2024/data.jsonl", Some(2024)),
        ("/elsewhere/run/Schools/2023/data.jsonl", Some(2023)),
        ("C:\\run\\2024\\data.jsonl", Some(2024)),
        ("/elsewhere/schools.jsonl", Some(1)),
        // Nothing says which of the two.
        ("data.jsonl", None),
        ("schools/2025/data.jsonl", None),
        ("schools/2023/other.jsonl", None),
    ];
    let mut wanted = Wanted::default();
    for (name, _) in named {
        let place = Place { file: Some(name.into()), line: Some(1), ..Place::default() };
        wanted.add(
            &diagnoser,
            &Failure { place, resource: Some("schools".into()), ..Failure::new(Body::Text(String::new())) },
        );
    }
    let sent = SentRecords::read(&graph, &folder, &wanted, &ReadOptions::default()).unwrap();
    for (name, id) in named {
        let record = sent.record(school, name, 1);
        assert_eq!(record, id.map(|id| json!({ "schoolId": id })), "{name}");
    }
}

fn record(resource: &str, line: usize, method: &str, payload: Value, body: Value) -> Failure {
    Failure {
        place: Place { file: Some("f".into()), line: Some(line), ..Place::default() },
        resource: Some(resource.to_owned()),
        method: Some(method.to_owned()),
        payload: Some(payload),
        ..Failure::new(Body::Json(body))
    }
}

/// Of a resource that refers to itself the folder tells which comes first, wherever the lines stand.
#[test]
fn parents_are_resent_before_their_children() {
    let agency = |id: usize, parent: Option<usize>| Sent {
        resource: "localEducationAgencies",
        entity: "LocalEducationAgency",
        id: id.to_string(),
        record: match parent {
            Some(parent) => json!({ "localEducationAgencyId": id,
                "parentLocalEducationAgencyReference": { "localEducationAgencyId": parent } }),
            None => json!({ "localEducationAgencyId": id }),
        },
        needs: Vec::new(),
    };
    let all = [agency(1, Some(3)), agency(2, None), agency(3, Some(4)), agency(4, Some(2))];
    let failures: Vec<Failure> = (1..)
        .zip(&all)
        .map(|(line, sent)| record(sent.resource, line, "POST", sent.record.clone(), Wording::Ods72.refusal()))
        .collect();
    let (found, _) = causes_with(&failures, &all, &BTreeSet::new());
    let lines: Vec<_> = found.resend.iter().map(|resend| resend.place.line).collect();
    assert_eq!(lines, [Some(2), Some(4), Some(3), Some(1)]);
}

#[test]
fn records_that_failed_alike_share_a_line() {
    let body = json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "status": 400,
        "detail": "Data validation failed. See 'validationErrors' for details.",
        "validationErrors": { "$.birthDate": ["BirthDate is required."] } });
    let failures: Vec<Failure> = (0..30)
        .map(|line| record("students", line, "POST", json!({ "studentUniqueId": line.to_string() }), body.clone()))
        .collect();
    let found = causes(&failures);
    assert_eq!(found.roots.len(), 30);
    let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
    assert!(text.contains("30 failures, 1 root cause\n"), "{text}");
    assert!(text.contains("students  required-field-missing: $.birthDate, 30 records, first at f:0"), "{text}");
    assert!(text.contains("explains 30\n"), "{text}");
}

/// A DMS names all that is missing: each failure counts once, and no root is lost.
#[test]
fn what_waits_for_two_is_counted_once_and_both_are_roots() {
    let association = |line: usize, section: &str| {
        let key = json!({ "localCourseCode": "O", "schoolId": 100, "schoolYear": 2026, "sectionIdentifier": section,
                          "sessionName": "F" });
        let payload = json!({ "beginDate": "2025-08-20", "sectionReference": key,
                              "studentReference": { "studentUniqueId": "A" } });
        let sent = &district(1)[6];
        let body = Wording::Dms8.missing(sent, &[("$.sectionReference", "Section"), ("$.studentReference", "Student")]);
        record("studentSectionAssociations", line, "POST", payload, body)
    };
    let section = json!({ "sectionIdentifier": "X", "courseOfferingReference":
        { "localCourseCode": "O", "schoolId": 100, "schoolYear": 2026, "sessionName": "F" } });
    let refused = record("sections", 1, "POST", section, Wording::Dms8.refusal());
    let text = |found: &Causes| edfi_plan::render::text::causes(found, edfi_plan::render::text::Width(80));
    let roots = |found: &Causes| -> Vec<(bool, Option<usize>, usize, usize)> {
        found.roots.iter().map(|root| (root.absent, root.place.line, root.explains, root.also)).collect()
    };
    // Nothing is known of either.
    let found = causes(&[association(2, "X"), association(3, "X")]);
    assert_eq!(roots(&found), [(true, None, 2, 0), (true, None, 0, 2)], "{:#?}", found.roots);
    assert_eq!((found.summary.unexplained, found.resend.len()), (0, 2));
    assert_eq!(found.roots[1].examples, ["students → studentSectionAssociations (f:2)"]);
    assert!(
        text(&found).contains("students A missing") && text(&found).contains("also awaited by 2\n"),
        "{}",
        text(&found)
    );
    // One failed itself and is nearest; the student that nobody sent is a root all the same.
    let found = causes(&[refused.clone(), association(2, "X"), association(3, "X")]);
    assert_eq!(roots(&found), [(false, Some(1), 3, 0), (true, None, 0, 2)], "{:#?}", found.roots);
    // Where the student failed as well, both are roots of their own.
    let student = record("students", 4, "POST", json!({ "studentUniqueId": "A" }), Wording::Dms8.refusal());
    let found = causes(&[refused, student, association(2, "X")]);
    assert_eq!(roots(&found), [(false, Some(1), 2, 0), (false, Some(4), 1, 1)], "{:#?}", found.roots);
    assert_eq!((found.resend.len(), found.roots.iter().map(|root| root.explains).sum::<usize>()), (3, 3));
}

/// Of two that are missing one is in the folder: it is sent again as well.
#[test]
fn what_is_waited_for_besides_and_in_the_folder_is_resent() {
    let all = district(1);
    let refused: BTreeSet<usize> = BTreeSet::from([4]);
    let mut failures = answers(&all, &refused, &BTreeSet::new(), Wording::Dms8);
    let association = failures.iter_mut().find(|f| f.resource.as_deref() == Some("studentSectionAssociations"));
    let both = [("$.sectionReference", "Section"), ("$.studentReference", "Student")];
    association.unwrap().body = Body::Json(Wording::Dms8.missing(&all[6], &both));
    let (found, _) = causes_with(&failures, &all, &BTreeSet::new());
    assert_eq!((found.roots.len(), found.roots[0].explains, found.summary.unexplained), (1, 2, 0), "{found:#?}");
    let [student] = found.unexplained.as_slice() else { panic!("{found:#?}") };
    assert_eq!((student.resource.as_str(), student.failures), ("/ed-fi/students", 1));
    let resent: Vec<&str> = found.resend.iter().map(|resend| resend.resource.endpoint()).collect();
    assert_eq!(resent, ["students", "sections", "studentSectionAssociations"]);
}

/// What may be of several resources has a name of its own or none, and all of them for machines.
#[test]
fn several_resources_are_no_name_of_one() {
    let missing = |entity: &str| Wording::Ods72.missing(&district(1)[1], &[("$.x", entity)]);
    let course = json!({ "courseCode": "C", "educationOrganizationReference": { "educationOrganizationId": 1 } });
    let course = record("courses", 1, "POST", course, missing("EducationOrganization"));
    let denied = json!({ "type": "urn:ed-fi:api:security:authorization", "status": 403,
        "detail": "Access to the requested data could not be authorized. Hint: You may need to create corresponding \
            'StaffEducationOrganizationEmploymentAssociation' or 'StaffEducationOrganizationAssignmentAssociation' items." });
    let absence = json!({ "staffReference": { "staffUniqueId": "T" } });
    let absence = record("staffLeaves", 2, "POST", absence, denied);
    let without = |failure: &Failure| Failure { payload: None, ..failure.clone() };
    for failures in [[course.clone(), absence.clone()], [without(&course), without(&absence)]] {
        let found = serde_json::to_value(causes(&failures)).unwrap();
        let roots = found["roots"].as_array().unwrap();
        let of = |code: &str| roots.iter().find(|root| root["code"] == code).unwrap_or_else(|| panic!("{found:#}"));
        let organization = of("unresolved-reference");
        assert_eq!(organization["resource"], "EducationOrganization");
        assert!(organization["anyOf"].as_array().unwrap().contains(&json!("/ed-fi/schools")), "{organization:#}");
        let pathway = of("relationship-missing");
        assert!(pathway.get("resource").is_none(), "{pathway:#}");
        let mut associations: Vec<&str> =
            pathway["anyOf"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        associations.sort_unstable();
        assert_eq!(
            associations,
            [
                "/ed-fi/staffEducationOrganizationAssignmentAssociations",
                "/ed-fi/staffEducationOrganizationEmploymentAssociations"
            ]
        );
        let text = edfi_plan::render::text::causes(&causes(&failures), edfi_plan::render::text::Width(80));
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains("EducationOrganization 1 missing") || text.contains("EducationOrganization missing"),
            "{text}"
        );
        assert!(text.contains("Associations or staffEducationOrganization"), "{text}");
    }
}
