//! `diagnose --api`: what the server has is not missing, and what no answer proves stays open.

use serde_json::{Value, json};

use crate::live_delete::Desk;
use crate::ods::{Ods, refused};
use crate::server::Received;

const SCHOOL: u64 = 255_901_001;

/// A refused record, on a server with a student, a school and a session; the id of the enrollment that makes
/// the student visible.
fn desk(ods: &Ods) -> (Desk, String) {
    let desk = Desk::at(ods);
    std::fs::write(desk.path("record.json"), refused().to_string()).unwrap();
    let student = ods.add("ed-fi/students", json!({"studentUniqueId": "604821"}), &[]);
    let enrollment =
        json!({"studentReference": {"studentUniqueId": "604821"}, "schoolReference": {"schoolId": SCHOOL}});
    let enrollment = ods.add("ed-fi/studentSchoolAssociations", enrollment, &[("/studentReference", &student)]);
    ods.add("ed-fi/schools", json!({"schoolId": SCHOOL}), &[]);
    let session = json!({"schoolReference": {"schoolId": SCHOOL}, "schoolYearTypeReference": {"schoolYear": 2026}, "sessionName": "Fall"});
    ods.add("ed-fi/sessions", session, &[]);
    (desk, enrollment)
}

/// The diagnosis of an answer to that record.
fn diagnosed(desk: &Desk, status: u16, body: &Value) -> Value {
    let (record, response, status) = (desk.path("record.json"), desk.path("response.json"), status.to_string());
    std::fs::write(&response, body.to_string()).unwrap();
    let arguments = ["diagnose", &response, "--resource", "studentSectionAssociations", "--status", &status];
    let arguments = [&arguments[..], &["--payload", &record, "--api", "--format", "json"]].concat();
    desk.json(1, &arguments)["diagnoses"][0].clone()
}

fn unresolved(detail: &str) -> Value {
    json!({"detail": detail, "type": "urn:ed-fi:api:data-conflict:unresolved-reference", "status": 409})
}

fn loads(diagnosis: &Value) -> Vec<&str> {
    let waves = diagnosis["remedy"]["load"].as_array().into_iter().flatten();
    waves.flat_map(|wave| wave["resources"].as_array().unwrap()).map(|name| name.as_str().unwrap()).collect()
}

fn notes(diagnosis: &Value) -> String {
    diagnosis["remedy"]["notes"].as_array().into_iter().flatten().map(|note| note.as_str().unwrap()).collect()
}

#[test]
fn what_the_server_has_is_not_loaded_and_what_it_lacks_is() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, _) = desk(&ods);
    let found = diagnosed(&desk, 409, &unresolved("The referenced 'Section' item does not exist."));
    assert_eq!(found["verdict"], "confirmed", "{found:#}");
    // The key of the section tells its course offering, that of the offering its session and school.
    let loads = loads(&found);
    assert!(loads.contains(&"/ed-fi/sections") && loads.contains(&"/ed-fi/courseOfferings"), "{loads:?}");
    for there in ["/ed-fi/students", "/ed-fi/sessions", "/ed-fi/schools"] {
        assert!(!loads.contains(&there), "{there} {loads:?}");
    }
    // A client sees the sections of its own organizations only.
    assert!(found["explanation"].as_str().unwrap().contains("which proves nothing"), "{found:#}");
    assert!(notes(&found).contains("unless it is there and not visible"), "{found:#}");
    assert!(!notes(&found).contains("also refers to students"), "{found:#}");
    assert!(!notes(&found).contains("is any one of"), "{found:#}");
}

#[test]
fn what_is_said_to_be_missing_and_is_there_contradicts_the_message() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, _) = desk(&ods);
    let named = unresolved("The referenced 'Student' item does not exist.");
    let found = diagnosed(&desk, 409, &named);
    let because = found["explanation"].as_str().unwrap();
    assert_eq!(found["verdict"], "contradicted", "{found:#}");
    assert!(because.contains("The server has students at $.studentReference now: loaded meanwhile"), "{because}");
    // What else the record refers to is not there.
    assert!(
        because.contains("the server shows nothing for") && because.contains("sections at $.sectionReference."),
        "{because}"
    );
    assert!(loads(&found).contains(&"/ed-fi/sections") && !loads(&found).contains(&"/ed-fi/students"), "{found:#}");

    let key = json!({"localCourseCode": "ALG-1", "schoolId": SCHOOL, "schoolYear": 2026, "sessionName": "Fall"});
    ods.add("ed-fi/sections", json!({"sectionIdentifier": "gone", "courseOfferingReference": key}), &[]);
    let value = json!({"codeValue": "First", "namespace": "uri://ed-fi.org/AttemptStatusDescriptor"});
    ods.add("ed-fi/attemptStatusDescriptors", value, &[]);
    let nameless = legacy("The value supplied for a related resource does not exist.");
    for body in [named, nameless] {
        let found = diagnosed(&desk, 409, &body);
        assert_eq!(found["verdict"], "contradicted", "{found:#}");
        assert!(loads(&found).is_empty() && notes(&found).starts_with("Send the record again"), "{found:#}");
    }
}

#[test]
fn a_person_that_is_not_visible_is_not_known_to_be_missing() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, enrollment) = desk(&ods);
    ods.remove(&enrollment);
    let found = diagnosed(&desk, 409, &unresolved("The referenced 'Student' item does not exist."));
    assert_eq!(found["verdict"], "confirmed", "{found:#}");
    let because = found["explanation"].as_str().unwrap();
    assert!(because.contains("nothing for students at $.studentReference, which proves nothing"), "{because}");
    assert!(loads(&found).contains(&"/ed-fi/students"), "{found:#}");
    assert!(notes(&found).contains("unless it is there and not visible"), "{found:#}");
}

fn legacy(message: &str) -> Value {
    json!({ "message": message })
}

#[test]
fn a_message_without_a_name_means_what_the_server_lacks() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, _) = desk(&ods);
    let nameless = legacy("The value supplied for a related resource does not exist.");
    let found = diagnosed(&desk, 409, &nameless);
    let paths: Vec<&str> =
        found["references"].as_array().unwrap().iter().map(|seen| seen["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["$.sectionReference"], "{found:#}");
    // It may be there and not be seen.
    assert_eq!(found["verdict"], "ambiguous", "{found:#}");
    assert!(loads(&found).contains(&"/ed-fi/sections"), "{found:#}");
    // A server that does not tell leaves everything as it was.
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/sections");
        faults.forbidden.insert("ed-fi/students");
    });
    let found = diagnosed(&desk, 409, &nameless);
    assert_eq!((found["verdict"].as_str(), found["references"].as_array().map(Vec::len)), (Some("ambiguous"), Some(2)));
}

#[test]
fn descriptor_values_are_there_or_not_whoever_asks() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, _) = desk(&ods);
    let body = json!({"type": "urn:ed-fi:api:bad-request:data-validation-failed", "status": 400,
        "validationErrors": {"$.attemptStatusDescriptor":
            ["AttemptStatusDescriptor value 'uri://ed-fi.org/attemptstatusdescriptor#first' does not exist."]}});
    let found = diagnosed(&desk, 400, &body);
    assert_eq!(
        (found["code"].as_str(), found["verdict"].as_str()),
        (Some("descriptor-value-missing"), Some("confirmed"))
    );
    let because = found["explanation"].as_str().unwrap();
    assert!(because.contains("The server has nothing for attemptStatusDescriptors at"), "{because}");
    let value = json!({"codeValue": "First", "namespace": "uri://ed-fi.org/AttemptStatusDescriptor"});
    ods.add("ed-fi/attemptStatusDescriptors", value, &[]);
    let found = diagnosed(&desk, 400, &body);
    assert_eq!(found["verdict"], "contradicted", "{found:#}");
    assert!(!loads(&found).contains(&"/ed-fi/attemptStatusDescriptors"), "{found:#}");
}

#[test]
fn who_is_visible_lacks_no_pathway_for_the_credentials_that_asked() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, enrollment) = desk(&ods);
    let body = json!({"type": "urn:ed-fi:api:security:authorization", "status": 403, "detail":
        "Access to the requested data could not be authorized. Hint: You may need to create a corresponding \
         'StudentSchoolAssociation' item."});
    let found = diagnosed(&desk, 403, &body);
    let because = found["explanation"].as_str().unwrap();
    assert_eq!((found["code"].as_str(), found["verdict"].as_str()), (Some("relationship-missing"), Some("ambiguous")));
    assert!(because.contains("These credentials see students at $.studentReference"), "{because}");
    ods.remove(&enrollment);
    let found = diagnosed(&desk, 403, &body);
    let because = found["explanation"].as_str().unwrap();
    assert_eq!(found["verdict"], "confirmed", "{found:#}");
    assert!(because.contains("not visible to these credentials either, or not there at all"), "{because}");
}

/// Records that several failures need, and what these need in turn, are each asked for once, in one session;
/// what no answer proves absent is not called missing.
#[test]
fn each_key_is_asked_for_once_for_all_failures() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, enrollment) = desk(&ods);
    ods.remove(&enrollment);
    let record: Value = serde_json::from_slice(&std::fs::read(desk.path("record.json")).unwrap()).unwrap();
    let missing = unresolved("The referenced 'Section' item does not exist.");
    let pair = |date: &str| {
        let mut record = record.clone();
        record["beginDate"] = json!(date);
        json!({"method": "POST", "resource": "studentSectionAssociations", "status": 409, "request_body": record,
               "response_body": missing})
    };
    // The offering is what the first records need in turn, and what this one needs itself.
    let section = json!({"method": "POST", "resource": "sections", "status": 409, "response_body":
            unresolved("The referenced 'CourseOffering' item does not exist."),
        "request_body": {"sectionIdentifier": "other", "courseOfferingReference":
            {"localCourseCode": "ALG-1", "schoolId": SCHOOL, "schoolYear": 2026, "sessionName": "Fall"}}});
    let lines: String =
        [pair("2025-09-01"), pair("2025-09-02"), section].iter().map(|pair| format!("{pair}\n")).collect();
    std::fs::write(desk.path("failures.ndjson"), lines).unwrap();
    let answer = desk.json(1, &["diagnose", &desk.path("failures.ndjson"), "--api", "--format", "json"]);
    // Without a token nothing is answered yet.
    let is_answered = |asked: &Received| !asked.header("authorization").is_empty() && !asked.path.contains("/oauth/");
    let received = ods.server.received();
    let asked: Vec<&str> =
        received.iter().filter(|asked| is_answered(asked)).map(|asked| asked.path.as_str()).collect();
    let of = |resource: &str| asked.iter().filter(|path| path.contains(&format!("/ed-fi/{resource}?"))).count();
    for resource in ["students", "sections", "courseOfferings", "sessions", "schools"] {
        assert_eq!(of(resource), 1, "{resource} {asked:#?}");
    }
    assert_eq!(received.iter().filter(|asked| asked.path.contains("/oauth/token")).count(), 1, "{asked:#?}");
    let standing = |diagnosis: &Value, target: &str| {
        let needs = diagnosis["onServer"].as_array().unwrap();
        let need = needs.iter().find(|need| need["target"] == target).unwrap();
        (need["standing"].clone(), need["why"].clone())
    };
    let [first, second, third] = answer["diagnoses"].as_array().unwrap().as_slice() else { panic!("{answer:#}") };
    assert_eq!(first["onServer"], second["onServer"]);
    for target in ["/ed-fi/students", "/ed-fi/sections", "/ed-fi/courseOfferings"] {
        assert_eq!(standing(first, target), (json!("unknown"), json!("notVisible")), "{target} {first:#}");
    }
    assert_eq!(standing(first, "/ed-fi/sessions").0, "present");
    assert_eq!(standing(third, "/ed-fi/courseOfferings").1, "notVisible");
    // A value is there or not, whoever asks.
    assert_eq!(standing(first, "/ed-fi/attemptStatusDescriptors").0, "missing");
    assert!(first["explanation"].as_str().unwrap().contains("which proves nothing"), "{first:#}");
}

/// What the API says of a request may quote a key of it.
#[test]
fn what_the_api_did_not_tell_is_said_without_values() {
    let ods = Ods::start("ed-fi-5.1");
    let (desk, _) = desk(&ods);
    std::fs::write(desk.path("response.json"), unresolved("The referenced 'Section' item does not exist.").to_string())
        .unwrap();
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/sections");
    });
    let (record, response) = (desk.path("record.json"), desk.path("response.json"));
    let arguments = ["diagnose", &response, "--resource", "studentSectionAssociations", "--payload", &record, "--api"];
    let (out, err) = desk.said(1, &arguments);
    assert!(out.contains("students studentUniqueId 604821: there"), "{out}");
    assert!(err.contains("note: sections: ") && err.contains("could not be authorized"), "{err}");
    let (out, err) = desk.said(1, &[&arguments[..], &["--redact"]].concat());
    assert!(!out.contains("604821") && err.contains("note: sections: "), "{out}{err}");
    assert!(!err.contains("could not be authorized"), "{err}");
}
