//! No value of a record is shown where values are withheld: a mark is planted wherever one can stand.

use edfi_plan::diagnosis::cascade::Cascade;
use edfi_plan::diagnosis::{Body, Diagnoser, Failure, Place, input};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::render::text::{self, Width};
use edfi_plan::source;
use serde_json::{Value, json};

use crate::program::run_with;

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
        // Names that nothing knows may be anything.
        typed(
            "security:authorization",
            format!(
                "Access to the requested data could not be authorized. Hint: You may need to create a corresponding '{MARK}' item."
            ),
        ),
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
    let read = input::read(Some("in.ndjson"), pairs.as_bytes());
    // Each pair is read as one, its record with it.
    assert_eq!(read.len(), pairs.lines().count());
    assert_eq!(read.iter().filter(|failure| failure.payload.is_some()).count(), read.len() / 2);
    let mut marked = 0;
    for failure in read {
        let found = diagnoser.diagnose(&failure);
        marked += usize::from(serde_json::to_string(&found).unwrap().contains(MARK));
        hides(&serde_json::to_string(&found.redacted()).unwrap(), &failure);
    }
    assert!(marked > 100, "the mark is seen where values are shown: {marked}");
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

/// A key that is a number; no count, line or status is like it.
const NUMBER: u64 = 730_199_551;

/// A folder in which every value is marked, and pairs of requests and responses about its records.
fn marked_folder(at: &std::path::Path) -> Vec<Value> {
    let (text, person) = (format!("{MARK} text"), format!("{MARK}-1"));
    let school = json!({ "schoolId": NUMBER, "nameOfInstitution": text, "shortNameOfInstitution": MARK });
    let student = json!({ "studentUniqueId": person, "firstName": text, "birthDate": format!("{MARK}2010") });
    let reference = json!({ "studentUniqueId": person });
    let enrolled = json!({ "schoolReference": { "schoolId": NUMBER }, "studentReference": reference,
        "entryDate": "2025-08-01", "entryGradeLevelDescriptor": format!("uri://{MARK}.org/GradeLevelDescriptor#{MARK}") });
    let period = |school: u64| json!({ "classPeriodName": MARK, "schoolReference": { "schoolId": school } });
    for (name, records) in [
        ("schools", vec![&school]),
        ("students", vec![&student]),
        ("studentSchoolAssociations", vec![&enrolled]),
        ("classPeriods", vec![&period(NUMBER), &period(NUMBER + 1)]),
    ] {
        let lines: String = records.into_iter().map(|record| format!("{record}\n")).collect();
        std::fs::write(at.join(format!("{name}.jsonl")), lines).unwrap();
    }
    let pair = |method: &str, resource: &str, record: &Value, status: u16, body: Value| json!({ "method": method, "resource": resource, "status": status, "request_body": record, "response_body": body });
    let missing = |entity: &str| {
        json!({ "type": "urn:ed-fi:api:data-conflict:unresolved-reference", "status": 409,
                "detail": format!("The referenced '{entity}' item does not exist.") })
    };
    let denied = json!({ "type": "urn:ed-fi:api:security:authorization", "status": 403,
        "detail": "Access to the requested data could not be authorized. Hint: You may need to create a corresponding 'StudentSchoolAssociation' item.",
        "errors": [format!("No relationships have been established between the caller's education organization id claims ({NUMBER}) and the resource item's 'StudentUniqueId' value.")] });
    let value = json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "status": 400, "validationErrors": {
        "$.entryGradeLevelDescriptor": [format!("GradeLevelDescriptor value 'uri://{MARK}.org/GradeLevelDescriptor#{MARK}' does not exist.")] } });
    let claim = json!({ "type": "urn:ed-fi:api:security:authorization:access-denied:resource", "status": 403,
        "detail": "Access to the requested data could not be authorized.",
        "errors": [format!("The API client's assigned claim set (currently '{MARK}') must include one of the following resource claims: '{MARK}'.")] });
    let record = json!({ "studentReference": { "studentUniqueId": format!("{MARK}-2") } });
    vec![
        pair("POST", "classPeriods", &period(NUMBER), 409, missing("School")),
        pair("POST", "classPeriods", &period(NUMBER + 1), 409, missing("School")),
        pair("PUT", "students", &student, 403, denied.clone()),
        pair("POST", "studentAcademicRecords", &record, 403, denied),
        pair("POST", "studentSchoolAssociations", &enrolled, 400, value),
        pair("POST", "schools", &school, 403, claim),
        pair(
            "POST",
            "schools",
            &school,
            409,
            json!({ "message": format!("The values {MARK} and {NUMBER} of entity 'school' are not unique.") }),
        ),
        pair("POST", "schools", &school, 409, json!(format!("{MARK} {NUMBER}"))),
        pair(
            "POST",
            "sessions",
            &json!({ "sessionName": MARK, "schoolReference": { "schoolId": NUMBER } }),
            409,
            json!({ "message": "The value supplied for the related 'session' resource does not exist." }),
        ),
    ]
}

/// The command as a whole: single failures and many, in every form they come in, with the folder and
/// without.
#[test]
fn the_command_shows_no_value() {
    let home = tempfile::tempdir().unwrap();
    let pairs = marked_folder(home.path());
    let folder = home.path().to_str().unwrap();
    let lines: String = pairs.iter().map(|pair| format!("{pair}\n")).collect();
    let list = serde_json::to_string_pretty(&pairs).unwrap();
    let mut inputs = vec![lines.clone(), list.clone(), list[..list.len() - 40].to_owned(), json!(pairs).to_string()];
    let said = |body: &Value| body["detail"].as_str().map_or_else(|| body.to_string(), str::to_owned);
    let failed = |(line, pair): (usize, &Value)| {
        json!({ "status_code": pair["status"], "message": format!("{}: {}", pair["status"], said(&pair["response_body"])),
                "file": format!("{}.jsonl", pair["resource"].as_str().unwrap()), "line_numbers": [1, 2 + line], "count": 2 })
    };
    let mut resources = serde_json::Map::new();
    for (line, pair) in pairs.iter().enumerate() {
        let of = resources.entry(pair["resource"].as_str().unwrap()).or_insert_with(|| json!({ "failures": [] }));
        of["failures"].as_array_mut().unwrap().push(failed((line, pair)));
    }
    inputs.push(json!({ "resources": resources }).to_string());
    let publisher: String = pairs
        .iter()
        .map(|pair| {
            json!({ "Method": pair["method"], "ResourceUrl": format!("/ed-fi/{}", pair["resource"].as_str().unwrap()),
            "Id": MARK, "Body": pair["request_body"], "ResponseStatus": pair["status"],
            "ResponseContent": pair["response_body"].to_string() })
            .to_string()
                + "\n"
        })
        .collect();
    inputs.push(publisher);
    let log = |pair: &Value| {
        format!(
            "{MARK}.xml School Line {NUMBER} Level: 1 #5 Conflict - {} - {}\n",
            pair["status"], pair["response_body"]
        )
    };
    inputs.push(pairs.iter().map(log).collect());
    for pair in &pairs {
        let (status, body) = (&pair["status"], &pair["response_body"]);
        inputs.extend([
            pair.to_string(),
            body.to_string(),
            format!("HTTP/1.1 {status} X\r\nx-student: {MARK}\r\n\r\n{body}"),
            format!("{status}: {}", said(body)),
            body.to_string()[..body.to_string().len() - 4].to_owned(),
        ]);
    }
    inputs.extend([
        format!("<html>{MARK} {NUMBER}</html>"),
        format!("{MARK} {NUMBER}"),
        format!("{{\"{MARK}\":{NUMBER}"),
    ]);
    let payload = home.path().join("payload.txt");
    std::fs::write(&payload, pairs[0]["request_body"].to_string()).unwrap();
    let more: [&[&str]; 3] = [
        &[],
        &["--data", folder],
        &["--resource", "classPeriods", "--payload", payload.to_str().unwrap(), "--data", folder],
    ];
    let many = inputs.len() - pairs.len() * 5 - 3;
    for (number, input) in inputs.iter().enumerate() {
        // Single failures are taken with each of the options in turn.
        let with = if number < many { vec![more[0], more[1]] } else { vec![more[number % more.len()]] };
        for (more, format) in with.iter().flat_map(|more| [(more, "text"), (more, "json")]) {
            let args = [&["-m", "ed-fi-5.1", "diagnose", "--redact", "--format", format][..], more].concat();
            let answer = run_with(&args, input.as_bytes());
            let shown = format!("{}{}", answer.stdout, answer.stderr);
            let hidden = !shown.to_lowercase().contains(&MARK.to_lowercase()) && !shown.contains(&NUMBER.to_string());
            assert!(hidden, "{args:?}\n{input}\n{shown}");
            assert_eq!(answer.code, 1, "{args:?}\n{input}\n{shown}");
        }
    }
    // The marks are seen where values are shown.
    let mut marked = 0;
    for input in [&inputs[0], &inputs[4]] {
        let answer = run_with(&["-m", "ed-fi-5.1", "diagnose", "--format", "json", "--data", folder], input.as_bytes());
        marked += answer.stdout.matches(MARK).count();
    }
    assert!(marked > 10, "{marked}");
}
