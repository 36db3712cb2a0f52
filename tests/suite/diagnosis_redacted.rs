//! No value of a record is shown where values are withheld: a mark is planted wherever one can stand.

use edfi_plan::diagnosis::cascade::Cascade;
use edfi_plan::diagnosis::{Body, Diagnoser, Failure, Place, input};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::render::text::{self, Width};
use edfi_plan::source;
use serde_json::{Value, json};

/// A name that is in no model; DMS would answer it in lower case.
const MARK: &str = "Zephyrine";

fn graph() -> DependencyGraph {
    DependencyGraph::build(source::standard("ed-fi-5.2").unwrap()).unwrap()
}

/// Records in which every value is marked.
fn record() -> Value {
    let reference = json!({
        "studentUniqueId": MARK, "schoolId": MARK, "educationOrganizationId": MARK, "sessionName": MARK,
        "localCourseCode": MARK, "schoolYear": MARK, "sectionIdentifier": MARK, "classPeriodName": MARK,
    });
    json!({
        "studentReference": reference, "schoolReference": reference, "courseOfferingReference": reference,
        "sectionReference": reference, "classPeriods": [{ "classPeriodReference":
            { "classPeriodName": MARK, "schoolId": format!("{MARK}2") } }],
        "birthStateAbbreviationDescriptor": format!("uri://{MARK}.org/{MARK}Descriptor#{MARK}"),
        "studentUniqueId": MARK, "schoolId": MARK, "sectionIdentifier": MARK, "firstName": MARK
    })
}

/// Bodies of every kind with a mark wherever a server or a tool can put a value.
fn bodies() -> Vec<Body> {
    let typed = |kind: &str, detail: String| json!({ "type": format!("urn:ed-fi:api:{kind}"), "detail": detail });
    let at = |path: &str, message: String| json!({ "type": "urn:ed-fi:api:bad-request", "errors": [], "validationErrors": { path: [message] } });
    let uri = format!("uri://{MARK}.org/{MARK}Descriptor#{MARK}");
    let claims = format!(
        "No relationships have been established between the caller's education organization id claims ('{MARK}', \
         '{MARK}', ...) and the resource item's 'StudentUniqueId' value."
    );
    let json = [
        typed("data-conflict:unresolved-reference", "The referenced 'School' item does not exist.".into()),
        typed(
            "data-conflict:unresolved-reference",
            format!("{MARK}: the referenced 'School' item does not exist. {MARK}"),
        ),
        at("$.birthStateAbbreviationDescriptor", format!("StateAbbreviationDescriptor value '{uri}' does not exist.")),
        at(
            "$.birthStateAbbreviationDescriptor",
            format!("StateAbbreviationDescriptor value '{MARK}' is not a valid value for use as a descriptor"),
        ),
        at(
            MARK,
            format!(
                "All values supplied for 'schoolId' must match. Review all references and align the following conflicting values: '{MARK}', '{MARK}2'"
            ),
        ),
        at("$.courseOfferingReference.schoolId", format!("All values supplied for 'schoolId' must match. {MARK}")),
        at("$.schoolId", format!("Error converting value {MARK} to type 'System.Int64'. Path 'schoolId', line 1.")),
        json!({ "message": format!("Supplied values for unified key property 'schoolId' on 'Section' are not consistent: schoolId = {MARK}, courseOfferingReference.schoolId = {MARK}") }),
        json!({ "message": format!("Unable to resolve value '{uri}' to an existing 'TermDescriptor' resource.") }),
        json!({ "message": format!("A natural key conflict occurred when attempting to create a new resource 'student' with a duplicate key.  The duplicated columns and values are [studentUniqueId] ({MARK})") }),
        json!({ "message": format!("The values {MARK} supplied for properties 'a', 'b' of entity 'student' are not unique.") }),
        json!({ "type": "urn:ed-fi:api:identity-conflict", "errors": [format!("A natural key conflict occurred when attempting to create a new resource School with a duplicate key. The duplicate keys and values are (schoolId = {MARK}),(x = {MARK})")] }),
        json!({ "type": "urn:ed-fi:api:data-conflict:non-unique-identity", "errors": [format!("A primary key conflict occurred when attempting to create or update a record in the 'Student' table. The duplicate key is (StudentUniqueId) = ({MARK}).")] }),
        json!({ "type": "urn:ed-fi:api:security:authorization", "errors": [claims],
                "detail": "Access to the requested data could not be authorized. Hint: You may need to create a corresponding 'StudentSchoolAssociation' item." }),
        json!({ "error": { "message": "Reference validation failed", "failures": [{ "resourceName": "School", "identity": [{ "schoolId": MARK }] }] } }),
        json!({ "error": { "message": "The resource cannot be deleted because it is a dependency of other documents", "blockingUris": [format!("/v5/ed-fi/grades/{MARK}")] } }),
        // A path followed or replaced by something else.
        at(&format!("$.x {MARK}"), "FirstName is required.".into()),
        at(&format!("${MARK}"), "FirstName is required and should not be left empty.".into()),
        at(&format!("request.{MARK} x"), "Required".into()),
        at(MARK, "SchoolReference is missing the following properties: SchoolId".into()),
        at(&format!("$.schoolReference {MARK}"), "The referenced 'School' item does not exist.".into()),
        json!({ "error": [
            { "message": "{requestBody} must have required property 'firstName'", "path": format!("{{requestBody}} {MARK}"), "context": {} }] }),
        json!({ "error": { "message": format!("Constraint failure: document paths $.{MARK} x and $.a {MARK} must have the same values") } }),
        json!({ "message": MARK, MARK: [MARK] }),
        json!({ "detail": format!("{MARK} is bad"), "errors": [{ "x": MARK }], "correlationId": MARK, "title": MARK }),
        json!(MARK),
        json!([MARK]),
    ];
    let text = [
        format!("<html><title>502 {MARK}</title>{MARK}</html>"),
        format!("{MARK} and so on"),
        format!("{{\"detail\":\"The referenced 'School' item does not exist. {MARK}"),
    ];
    json.into_iter().map(Body::Json).chain(text.into_iter().map(Body::Text)).collect()
}

fn failures() -> Vec<Failure> {
    let requests = [
        ("POST", "sections".to_owned()),
        ("POST", "students".to_owned()),
        ("PUT", format!("https://h/data/v3/ed-fi/studentSectionAssociations/{MARK}?studentUniqueId={MARK}")),
        ("GET", format!("/sample/buses/{MARK}?busId={MARK}")),
        ("GET", format!("https://h/data/v3/{MARK}?q={MARK}")),
        ("DELETE", "schools".to_owned()),
    ];
    let mut failures = Vec::new();
    for body in bodies() {
        for (method, resource) in &requests {
            for payload in [None, Some(record())] {
                failures.push(Failure {
                    place: Place { file: Some("f.jsonl".into()), line: Some(failures.len() + 1), ..Place::default() },
                    resource: Some(resource.clone()),
                    method: Some((*method).to_owned()),
                    payload,
                    ..Failure::new(body.clone())
                });
            }
        }
    }
    failures
}

#[track_caller]
fn hides(shown: &str, of: &Failure) {
    let mark = MARK.to_lowercase();
    assert!(!shown.to_lowercase().contains(&mark), "{shown}\n{of:#?}");
}

#[test]
fn no_value_is_shown() {
    let graph = graph();
    let diagnoser = Diagnoser::new(&graph).asking(Box::new(|_| vec!["ed-fi-9.9".to_owned()]));
    let mut cascade = Cascade::new(&diagnoser, None);
    let mut marked = 0;
    for failure in &failures() {
        let found = diagnoser.diagnose(failure);
        cascade.add(failure, &found);
        marked += usize::from(serde_json::to_string(&found).unwrap().contains(MARK));
        let redacted = found.redacted();
        hides(&serde_json::to_string(&redacted).unwrap(), failure);
        hides(&text::diagnosis(&redacted, Width(80)), failure);
    }
    assert!(marked > 100, "the mark is seen where values are shown: {marked}");
    let causes = cascade.causes();
    assert!(causes.roots.iter().any(|root| root.key.values().any(|value| value.contains(MARK))));
    let causes = causes.redacted();
    let shown = format!(
        "{}{}{}{}",
        serde_json::to_string(&causes.roots).unwrap(),
        serde_json::to_string(&causes.resend).unwrap(),
        serde_json::to_string(&causes.summary).unwrap(),
        text::causes(&causes, Width(80)),
    );
    hides(&shown, &failures()[0]);
}

#[test]
fn the_wording_stays() {
    let graph = graph();
    let diagnoser = Diagnoser::new(&graph);
    let said = |body: Value| diagnoser.diagnose(&Failure::new(Body::Json(body))).redacted().message;
    let at = |path: &str, message: &str| json!({ "validationErrors": { path: [message] } });
    assert_eq!(
        said(json!({ "detail": "The referenced 'School' item does not exist." })).as_deref(),
        Some("The referenced 'School' item does not exist.")
    );
    assert_eq!(
        said(at(
            "$.addresses[0].stateAbbreviationDescriptor",
            "StateAbbreviationDescriptor value 'uri://a#b' does not exist."
        ))
        .as_deref(),
        Some("$.addresses[0].stateAbbreviationDescriptor: StateAbbreviationDescriptor value '…' does not exist.")
    );
    assert_eq!(
        said(
            json!({ "errors": ["No relationships have been established between the caller's education organization id \
             claims (1, 2) and the resource item's 'StudentUniqueId' value."] })
        )
        .as_deref(),
        Some(
            "No relationships have been established between the caller's education organization id … and the resource \
              item's 'StudentUniqueId'…"
        )
    );
    // What no template knows may be anything.
    assert_eq!(said(json!({ "message": "Zephyrine is no student" })), None);
}

#[test]
fn nothing_leaks_from_files() {
    let pairs: String = failures()
        .iter()
        .filter_map(|failure| match &failure.body {
            Body::Json(body) => Some(json!({ "method": failure.method, "resource": failure.resource, "status": 409,
                                              "request_body": failure.payload, "response_body": body })),
            Body::Text(_) => None,
        })
        .map(|pair| format!("{pair}\n"))
        .collect();
    let graph = graph();
    let diagnoser = Diagnoser::new(&graph);
    for failure in input::read(Some("in.ndjson"), pairs.as_bytes()) {
        hides(&serde_json::to_string(&diagnoser.diagnose(&failure).redacted()).unwrap(), &failure);
    }
}

/// What fills the place of a name may be the value of a key.
#[test]
fn names_that_the_graph_does_not_know_are_withheld() {
    let graph = graph();
    let body = json!({ "error": format!("the identity is in use by '{MARK}' which is also a(n) 'School'") });
    let failure = Failure { resource: Some("schools".into()), status: Some(409), ..Failure::new(Body::Json(body)) };
    let found = Diagnoser::new(&graph).diagnose(&failure).redacted();
    assert!(found.message.as_deref().is_some_and(|said| said.contains("'School'")), "{found:#?}");
    let shown = serde_json::to_string(&found).unwrap() + &text::diagnosis(&found, Width(80));
    assert!(!shown.contains(MARK), "{shown}");
}
