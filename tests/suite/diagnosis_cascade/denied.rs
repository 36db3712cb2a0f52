//! Root causes of denials: the person's pathway, or the client.

use std::collections::BTreeSet;

use edfi_plan::diagnosis::{Body, Failure};
use serde_json::{Value, json};

use super::{Sent, Wording, causes, causes_with, record};

/// A person without a pathway.
fn denied() -> Value {
    json!({ "type": "urn:ed-fi:api:security:authorization", "status": 403,
        "detail": "Access to the requested data could not be authorized. Hint: You may need to create a corresponding \
                   'StudentSchoolAssociation' item." })
}

/// An association of the folder that did not fail is not missing; one that failed is the cause.
#[test]
fn an_association_of_the_folder_is_not_missing() {
    let student = |id: &str| json!({ "studentReference": { "studentUniqueId": id } });
    let enrolled = |id: &str| {
        let mut enrolled = student(id);
        enrolled["schoolReference"] = json!({ "schoolId": 1 });
        enrolled["entryDate"] = json!("2025-08-01");
        enrolled
    };
    let sent = |record: Value| Sent {
        resource: "studentSchoolAssociations",
        entity: "StudentSchoolAssociation",
        id: String::new(),
        record,
        needs: vec![],
    };
    let all = [sent(enrolled("C")), sent(enrolled("B")), sent(enrolled("A")), sent(enrolled("A"))];
    let failures = [
        record("studentAcademicRecords", 1, "POST", student("A"), denied()),
        record("studentAcademicRecords", 2, "POST", student("B"), denied()),
        record("studentAcademicRecords", 3, "POST", student("D"), denied()),
        record("studentSchoolAssociations", 4, "POST", enrolled("B"), Wording::Ods72.refusal()),
    ];
    let (found, _) = causes_with(&failures, &all, &BTreeSet::new());
    let present: Vec<_> =
        found.unexplained.iter().map(|one| (one.place.file.as_deref(), one.place.line, one.failures)).collect();
    assert_eq!(present, [(Some("studentSchoolAssociations.jsonl"), Some(3), 1)], "{:#?}", found.unexplained);
    assert_eq!(found.unexplained[0].key["studentUniqueId"], "A");
    let roots: Vec<_> = found.roots.iter().map(|root| (root.absent, root.place.line, root.explains)).collect();
    assert_eq!(roots, [(false, Some(2), 2), (true, None, 1)], "{:#?}", found.roots);
    let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("another education organization than the client's"), "{text}");
    assert!(found.redacted().unexplained[0].key["studentUniqueId"] == "…");
}

/// What lies with the client is one cause of several resources, and explains what waits for any of them.
#[test]
fn without_records_what_waits_for_a_denied_resource_hangs_below_the_denial() {
    let denied = json!({ "type": "urn:ed-fi:api:security:authorization:access-denied:resource", "status": 403,
        "detail": "Access to the resource could not be authorized." });
    let missing = json!({ "type": "urn:ed-fi:api:data-conflict:unresolved-reference", "status": 409,
        "detail": "The referenced 'School' item does not exist." });
    let failure = |resource: &str, body: &Value| Failure {
        resource: Some(resource.to_owned()),
        method: Some("POST".to_owned()),
        ..Failure::new(Body::Json(body.clone()))
    };
    let failures = [failure("schools", &denied), failure("courses", &denied), failure("sections", &missing)];
    let found = causes(&failures);
    assert_eq!(found.roots.len(), 1, "{:#?}", found.roots);
    assert_eq!(found.roots[0].explains, 3);
}

#[test]
fn a_denied_student_hangs_below_its_failed_enrollment() {
    let student = json!({ "studentUniqueId": "A" });
    let failures = [
        record("studentAcademicRecords", 3, "POST", json!({ "studentReference": student }), denied()),
        record(
            "studentSchoolAssociations",
            1,
            "POST",
            json!({ "studentReference": student }),
            Wording::Ods72.refusal(),
        ),
        record(
            "studentAcademicRecords",
            4,
            "POST",
            json!({ "studentReference": { "studentUniqueId": "B" } }),
            denied(),
        ),
    ];
    let found = causes(&failures);
    assert_eq!(found.roots.len(), 2, "{:#?}", found.roots);
    assert_eq!((found.roots[0].place.line, found.roots[0].explains), (Some(1), 2));
    assert_eq!(found.roots[1].key.values().collect::<Vec<_>>(), ["B"]);
}

/// An association in a hint that is what the request is about cannot be missing, but its student can.
#[test]
fn a_denied_enrollment_hangs_below_its_failed_student() {
    let student = |id: &str| json!({ "studentReference": { "studentUniqueId": id } });
    let failures = [
        record("students", 1, "POST", json!({ "studentUniqueId": "A" }), Wording::Ods72.refusal()),
        record("studentSchoolAssociations", 2, "POST", student("A"), denied()),
        record("studentAcademicRecords", 3, "POST", student("A"), denied()),
        // A student whose update is denied exists: it waits for the enrollment, not the other way round.
        record("students", 4, "PUT", json!({ "studentUniqueId": "B" }), denied()),
        record("studentSchoolAssociations", 5, "POST", student("B"), denied()),
    ];
    let found = causes(&failures);
    let roots: Vec<_> = found.roots.iter().map(|root| (root.place.line, root.explains)).collect();
    assert_eq!(roots, [(Some(1), 3), (Some(5), 2)], "{:#?}", found.roots);
}

#[test]
fn an_update_is_resent_after_the_association_that_it_waits_for() {
    let enrollment = json!({ "studentReference": { "studentUniqueId": "B" } });
    let failures = [
        record("students", 1, "PUT", json!({ "studentUniqueId": "B" }), denied()),
        record("studentSchoolAssociations", 2, "POST", enrollment, Wording::Ods72.refusal()),
    ];
    let order: Vec<_> = causes(&failures).resend.iter().map(|resend| resend.place.line).collect();
    assert_eq!(order, [Some(2), Some(1)]);
}

#[test]
fn what_befalls_every_request_is_one_root() {
    let body = json!({ "type": "urn:ed-fi:api:security:authentication", "status": 401, "detail": "No token." });
    let mut failures: Vec<Failure> = (0..30)
        .map(|line| record("students", line, "POST", json!({ "studentUniqueId": line.to_string() }), body.clone()))
        .collect();
    failures.push(Failure { payload: None, ..failures[0].clone() });
    failures.push(record("schools", 40, "POST", json!({ "schoolId": 1 }), body));
    let found = causes(&failures);
    let roots: Vec<_> = found.roots.iter().map(|root| (root.code.name(), root.explains)).collect();
    assert_eq!(roots, [("authentication", 32)], "{:#?}", found.roots);
    // It is of no resource, but which ones it befell is known, and where it was first.
    let root = serde_json::to_value(&found.roots[0]).unwrap();
    let befell = json!({ "/ed-fi/schools": 1, "/ed-fi/students": 31 });
    assert!(root.get("resource").is_none() && root["resources"] == befell, "{root}");
    assert_eq!(found.roots[0].place.line, Some(0));
    assert_eq!((found.summary.unexplained, found.summary.grouped), (0, 0));
    let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
    assert!(text.contains("32 failures, 1 root cause\n") && text.contains("1  authentication"), "{text}");
}

/// A claim that the client lacks is one cause, whatever it is denied.
#[test]
fn what_the_client_may_not_do_is_one_root() {
    let claim = |resource: &str| {
        json!({ "type": "urn:ed-fi:api:security:authorization:access-denied:resource", "status": 403,
            "detail": "Access to the requested data could not be authorized.",
            "errors": [format!("The API client's assigned claim set (currently 'A') must include one of the following \
                resource claims to provide access to this resource: 'http://ed-fi.org/identity/claims/{resource}'.")] })
    };
    let organization = json!({ "type": "urn:ed-fi:api:security:authorization", "status": 403,
        "detail": "Access to the requested data could not be authorized.",
        "errors": ["No relationships have been established between the caller's education organization id claims (1) \
            and the resource item's 'SchoolId' value."] });
    let mut failures = Vec::new();
    for (line, resource) in ["schools", "sessions", "courses", "schools"].into_iter().enumerate() {
        failures.push(record(resource, line, "POST", json!({ "schoolId": line }), claim(resource)));
        let denied = json!({ "schoolReference": { "schoolId": line } });
        failures.push(record("bellSchedules", 10 + line, "POST", denied, organization.clone()));
    }
    // The same without its record.
    failures.push(Failure { payload: None, ..failures[0].clone() });
    let found = causes(&failures);
    let roots: Vec<_> =
        found.roots.iter().map(|root| (root.code.name(), root.explains, root.resources.len())).collect();
    assert_eq!(roots, [("authorization-other", 5, 3), ("relationship-missing", 4, 1)], "{:#?}", found.roots);
    assert_eq!((found.summary.unexplained, found.summary.grouped), (0, 0));
    let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
    assert!(
        text.contains("9 failures, 2 root causes\n") && text.contains("schools 3, courses 1, sessions 1"),
        "{text}"
    );
}

/// What the server fails at is no matter of the client, with its record and without.
#[test]
fn a_server_error_lies_with_the_server() {
    let token = json!({ "type": "urn:ed-fi:api:security:authentication", "status": 401, "detail": "No token." });
    let failed =
        json!({ "type": "urn:ed-fi:api:system", "status": 500, "detail": "An unexpected problem has occurred." });
    let student = |body: &Value| record("students", 1, "POST", json!({ "studentUniqueId": "A" }), body.clone());
    for payload in [Some(json!({ "studentUniqueId": "A" })), None] {
        let failures = [&token, &failed].map(|body| Failure { payload: payload.clone(), ..student(body) });
        let found = causes(&failures);
        let roots: Vec<_> = found
            .roots
            .iter()
            .map(|root| (root.code.name(), serde_json::to_value(root).unwrap()["liesWith"].clone()))
            .collect();
        assert_eq!(roots, [("authentication", json!("client")), ("server-error", json!("server"))]);
        let text = edfi_plan::render::text::causes(&found, edfi_plan::render::text::Width(80));
        assert!(text.contains("    lies with the server: students 1\n"), "{text}");
        assert!(text.contains("    lies with the client: students 1\n"), "{text}");
    }
}
