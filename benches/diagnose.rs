//! From a file of failures to root causes: a district whose schools were refused, and all that hangs below them.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use divan::Bencher;
use divan::counter::ItemsCount;
use edfi_plan::diagnosis::cascade::{Cascade, Causes};
use edfi_plan::diagnosis::{Diagnoser, input};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// Pairs of request and response as NDJSON: of every school its courses, sessions and offerings, twenty
/// sections and five hundred enrollments.
fn pairs(schools: usize) -> (String, usize) {
    let (mut text, mut count) = (String::new(), 0);
    for school in 0..schools {
        let id = 255_900_000 + school;
        let mut pair = |resource: &str, missing: Option<&str>, record: Value| {
            let (status, body) = match missing {
                Some(entity) => (
                    409,
                    json!({ "type": "urn:ed-fi:api:data-conflict:unresolved-reference", "status": 409,
                            "title": "Unresolved Reference", "correlationId": format!("{count:032x}"),
                            "detail": format!("The referenced '{entity}' item does not exist.") }),
                ),
                None => (
                    400,
                    json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "status": 400,
                            "detail": "Data validation failed. See 'validationErrors' for details.",
                            "validationErrors": { "$.nameOfInstitution": ["NameOfInstitution is required."] } }),
                ),
            };
            count += 1;
            let pair = json!({ "method": "POST", "resource": format!("/ed-fi/{resource}"), "status": status,
                               "file": format!("{resource}.jsonl"), "line": count,
                               "request_body": record, "response_body": body });
            text.push_str(&format!("{pair}\n"));
        };
        let offering = json!({ "localCourseCode": "ALG-1", "schoolId": id, "schoolYear": 2026, "sessionName": "Fall" });
        pair("schools", None, json!({ "schoolId": id }));
        pair(
            "courses",
            Some("EducationOrganization"),
            json!({ "courseCode": "ALG-1", "courseTitle": "Algebra",
                    "educationOrganizationReference": { "educationOrganizationId": id } }),
        );
        pair(
            "sessions",
            Some("School"),
            json!({ "sessionName": "Fall", "schoolReference": { "schoolId": id },
                    "schoolYearTypeReference": { "schoolYear": 2026 } }),
        );
        pair(
            "courseOfferings",
            Some("Course"),
            json!({ "localCourseCode": "ALG-1", "schoolReference": { "schoolId": id },
                    "courseReference": { "courseCode": "ALG-1", "educationOrganizationId": id },
                    "sessionReference": { "sessionName": "Fall", "schoolId": id, "schoolYear": 2026 } }),
        );
        for section in 0..20 {
            let mut key = offering.clone();
            key["sectionIdentifier"] = json!(format!("X{section}"));
            let record = json!({ "sectionIdentifier": format!("X{section}"), "courseOfferingReference": offering });
            pair("sections", Some("CourseOffering"), record);
            for student in 0..25 {
                pair(
                    "studentSectionAssociations",
                    Some("Section"),
                    json!({ "beginDate": "2025-08-20", "sectionReference": key,
                            "studentReference": { "studentUniqueId": format!("{id}-{section}-{student}") } }),
                );
            }
        }
    }
    (text, count)
}

fn causes(diagnoser: &Diagnoser<'_>, text: &str) -> Causes {
    let mut cascade = Cascade::new(diagnoser, None);
    for failure in input::failures(None, text.as_bytes()) {
        let failure = failure.unwrap();
        cascade.add(&failure, &diagnoser.gist(&failure));
    }
    cascade.causes()
}

/// All of it: what `edfi-plan diagnose` does with a file.
#[divan::bench(args = [10, 40])]
fn root_causes(bencher: Bencher<'_, '_>, schools: usize) {
    let (text, count) = pairs(schools);
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    assert_eq!(causes(&diagnoser, &text).roots.len(), schools);
    bencher.counter(ItemsCount::new(count)).bench_local(|| causes(&diagnoser, &text));
}

/// Reading alone.
#[divan::bench]
fn reading(bencher: Bencher<'_, '_>) {
    let (text, count) = pairs(10);
    bencher.counter(ItemsCount::new(count)).bench_local(|| input::failures(None, text.as_bytes()).count());
}

/// Diagnoses with their remedies, as JSON needs them.
#[divan::bench]
fn diagnoses(bencher: Bencher<'_, '_>) {
    let (text, count) = pairs(10);
    let failures = input::read(None, text.as_bytes());
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| failures.iter().map(|failure| diagnoser.diagnose(failure).explanation.len()).sum::<usize>());
}
