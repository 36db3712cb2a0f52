//! Failures in the forms people have them, and in forms nobody should.

use std::time::Instant;

use edfi_plan::diagnosis::cascade::Cascade;
use edfi_plan::diagnosis::{Body, Code, Diagnoser, Failure, input};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source;
use proptest::prelude::*;
use serde_json::json;

const MISSING: &str = r#"{"detail":"The referenced 'Student' item does not exist.","type":"urn:ed-fi:api:data-conflict:unresolved-reference","status":409}"#;

fn read(text: &str) -> Vec<Failure> {
    input::read(Some("in"), text.as_bytes())
}

fn codes(failures: &[Failure]) -> Vec<Code> {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    failures.iter().map(|failure| diagnoser.diagnose(failure).code).collect()
}

#[test]
fn a_body_alone() {
    let found = read(MISSING);
    assert_eq!((found.len(), found[0].status, found[0].place.line), (1, None, None));
    assert_eq!(codes(&found), [Code::UnresolvedReference]);
    // Pretty-printed, after a byte order mark.
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(MISSING).unwrap()).unwrap();
    assert_eq!(codes(&read(&format!("\u{feff}{pretty}\n"))), [Code::UnresolvedReference]);
    // A validator's list is one body.
    let list = r#"[{"message":"{requestBody} must have required property 'id'","path":"{requestBody}","context":{}}]"#;
    assert_eq!(codes(&read(list)), [Code::RequiredFieldMissing]);
}

#[test]
fn a_whole_response() {
    let text =
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/2 409\r\ncontent-type: application/json\r\n\r\n{MISSING}\r\n");
    let found = read(&text);
    assert_eq!((found.len(), found[0].status), (1, Some(409)));
    assert!(matches!(found[0].body, Body::Json(_)));
    let verbose = format!(
        "*   Trying 127.0.0.1\n> POST /data/v3/ed-fi/studentSchoolAssociations HTTP/1.1\n> Accept: */*\n>\n\
         < HTTP/1.1 409 Conflict\n< Content-Length: 9\n<\n{{ [9 bytes data]\n{MISSING}\n"
    );
    let found = read(&verbose);
    assert_eq!(found[0].method.as_deref(), Some("POST"));
    assert_eq!(found[0].resource.as_deref(), Some("/data/v3/ed-fi/studentSchoolAssociations"));
    assert_eq!(codes(&found), [Code::UnresolvedReference]);
    assert!(read("HTTP/1.1 201 Created\n\n").is_empty());
}

/// Each of several responses is a failure of its own, but not what only leads to the next one.
#[test]
fn several_responses() {
    let one = format!("HTTP/1.1 409 Conflict\r\n\r\n{MISSING}\r\n\r\n");
    let other = "HTTP/1.1 400 Bad Request\r\n\r\n{\"message\":\"EntryDate is required.\"}\r\n";
    let found = read(&format!("\n{one}HTTP/1.1 201 Created\r\n\r\n{other}"));
    assert_eq!(codes(&found), [Code::UnresolvedReference, Code::RequiredFieldMissing]);
    assert_eq!(found.iter().map(|f| f.place.line).collect::<Vec<_>>(), [Some(2), Some(8)]);
    let asked = "HTTP/1.1 407 Proxy\r\n\r\nHTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 307 X\r\n\r\n";
    assert_eq!(codes(&read(&format!("{asked}{one}"))), [Code::UnresolvedReference]);
    let request = |path: &str| format!("> POST {path} HTTP/1.1\n>\n< HTTP/1.1 409 Conflict\n<\n{MISSING}\n");
    let found = read(&format!("{}{}", request("/ed-fi/a"), request("/ed-fi/b")));
    let paths: Vec<_> = found.iter().map(|f| f.resource.as_deref()).collect();
    assert_eq!(paths, [Some("/ed-fi/a"), Some("/ed-fi/b")]);
    // curl ends no body with a line break, and a body may speak of a response.
    let glued = format!("HTTP/1.1 409 Conflict\n\n{MISSING}HTTP/2 400\n\n{{\"message\":\"see HTTP/1.1 500 X\"}}");
    let found = read(&format!("{glued}{glued}"));
    assert_eq!(codes(&found), [Code::UnresolvedReference, Code::Unknown, Code::UnresolvedReference, Code::Unknown]);
    assert_eq!(found.iter().map(|f| f.place.line).collect::<Vec<_>>(), [Some(1), Some(3), Some(5), Some(7)]);
}

#[test]
fn requests_with_their_responses() {
    let body: serde_json::Value = serde_json::from_str(MISSING).unwrap();
    let variants = [
        json!({ "method": "post", "resource": "sections", "status": 409, "request_body": { "a": 1 }, "response_body": body }),
        json!({ "method": "POST", "path": "/ed-fi/sections", "status": 409, "request_body": { "a": 1 }, "response_body": MISSING }),
        // API Publisher.
        json!({ "Method": "POST", "ResourceUrl": "/ed-fi/sections", "Id": null, "Body": { "a": 1 },
                "ResponseStatus": "Conflict", "ResponseContent": MISSING }),
        json!({ "request": { "method": "POST", "url": "https://h/data/v3/ed-fi/sections", "body": "{\"a\":1}" },
                "response": { "statusCode": 409, "body": body } }),
        json!({ "url": "https://h/data/v3/ed-fi/sections", "httpMethod": "POST", "statusCode": "409 Conflict",
                "payload": { "a": 1 }, "response": body }),
        json!({ "Method": "POST", "RequestPath": "/ed-fi/sections", "Status": 409, "row": { "a": 1 },
                "response_json": body }),
        json!({ "method": "POST", "resource_name": "sections", "status": 409, "request_payload": { "a": 1 },
                "response": body }),
        json!({ "Method": "POST", "Resource": "sections", "Payload": { "a": 1 }, "Status": 409, "Error": body }),
        json!({ "method": "POST", "path": "/ed-fi/sections", "status": 409, "request": { "a": 1 }, "response": body }),
        json!({ "method": "POST", "request_path": "/ed-fi/sections", "status": 409, "json": { "a": 1 },
                "detail": "The referenced 'Student' item does not exist." }),
    ];
    for variant in &variants {
        let found = read(&variant.to_string());
        assert_eq!(found.len(), 1, "{variant}");
        assert_eq!(found[0].method.as_deref(), Some("POST"), "{variant}");
        assert_eq!(found[0].status, Some(409), "{variant}");
        assert_eq!(found[0].payload, Some(json!({ "a": 1 })), "{variant}");
        assert!(found[0].resource.as_deref().unwrap().ends_with("sections"), "{variant}");
        assert_eq!(codes(&found), [Code::UnresolvedReference], "{variant}");
    }
    // One a line, one of them successful and one cut off; then the same as a list.
    let created = json!({ "method": "POST", "path": "/ed-fi/sections", "status": 201, "response_body": "" });
    let lines = format!("{}\n{created}\n{{\"method\":\"PO\n{}\n", variants[0], variants[1]);
    let found = read(&lines);
    assert_eq!(found.iter().map(|f| f.place.line).collect::<Vec<_>>(), [Some(1), Some(3), Some(4)]);
    assert_eq!(codes(&found), [Code::UnresolvedReference, Code::Unknown, Code::UnresolvedReference]);
    assert_eq!(read(&json!(variants).to_string()).len(), variants.len());
    assert_eq!(read(&json!({ "failures": variants }).to_string()).len(), variants.len());
    assert!(read("[]").is_empty() && read(" \n").is_empty());
}

#[test]
fn results_of_lightbeam() {
    let results = json!({
        "started_at": "2025-01-01", "namespace": "ed-fi",
        "resources": {
            "studentSchoolAssociations": {
                "records_processed": 9, "records_failed": 7,
                "failures": [
                    { "status_code": 409, "message": "409: The referenced 'Student' item does not exist.",
                      "file": "ssa.jsonl", "line_numbers": "6,4,5", "count": 3 },
                    { "status_code": 400, "message": "EntryDate is required. (at $.entryDate)",
                      "file": "ssa.jsonl", "line_numbers": [1, 2], "count": 4 }
                ]
            },
            "schools": { "records_processed": 2, "records_failed": 0 }
        }
    });
    let found = read(&results.to_string());
    assert_eq!(codes(&found), [Code::UnresolvedReference, Code::RequiredFieldMissing]);
    assert_eq!(found[0].resource.as_deref(), Some("/ed-fi/studentSchoolAssociations"));
    assert_eq!(found[0].place.lines, [6, 4, 5]);
    assert_eq!((found[0].count, found[1].count), (3, 4));
    // In the order of the file, not in that of the names, also where the namespace is said behind.
    let failed = |message: &str| json!({ "failures": [{ "status_code": 409, "message": message }] }).to_string();
    let (first, second) = (failed("EntryDate is required."), failed("BeginDate is required."));
    let text = format!(
        r#"{{"resources":{{"students":{first},"schools":{{"failures":[]}},"courses":{second}}},"namespace":"ed-fi"}}"#
    );
    let resources: Vec<_> = read(&text).into_iter().map(|failure| failure.resource.unwrap()).collect();
    assert_eq!(resources, ["/ed-fi/students", "/ed-fi/courses"]);
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    assert_eq!(Diagnoser::new(&graph).diagnose(&found[1]).missing_fields, ["$.entryDate"]);
}

#[test]
fn counts_of_any_size_are_summed_up() {
    let failure = |status| json!({"status_code": status, "message": "", "count": u64::MAX, "line_numbers": [u64::MAX]});
    let failures: Vec<_> = [401, 401, 409, 409].map(failure).into();
    let found = read(&json!({"resources": {"students": {"failures": failures}}}).to_string());
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    let mut cascade = Cascade::new(&diagnoser, None);
    found.iter().for_each(|failure| cascade.add(failure, &diagnoser.diagnose(failure)));
    let causes = cascade.causes();
    assert_eq!((found.len(), causes.roots.len()), (4, 1));
    assert_eq!(causes.summary.failures, 4 * u32::MAX as usize);
    assert_eq!(causes.roots[0].explains, 2 * u32::MAX as usize);
}

#[test]
fn lines_of_a_log() {
    let log = format!(
        "2025-01-01 INFO starting\nStudentSample.xml Student Line 40 Level: 13 #55871 Conflict - 409 - {MISSING}\n\
         StudentSample.xml StudentSchoolAssociation Line 52 Level: 14 #1 BadRequest - 400 - \
         {{\"message\":\"EntryDate is required.\"}}\ndone\n"
    );
    let found = read(&log);
    assert_eq!(codes(&found), [Code::UnresolvedReference, Code::RequiredFieldMissing]);
    assert_eq!(
        found.iter().map(|f| f.resource.as_deref()).collect::<Vec<_>>(),
        [Some("Student"), Some("StudentSchoolAssociation")]
    );
    assert_eq!(found.iter().map(|f| f.place.line).collect::<Vec<_>>(), [Some(2), Some(3)]);
    let line = format!("ERROR POST https://h/data/v3/ed-fi/sections 409 {MISSING}");
    let found = read(&line);
    assert_eq!((found[0].status, found[0].method.as_deref()), (Some(409), Some("POST")));
    assert_eq!(codes(&found), [Code::UnresolvedReference]);
    let flat = r#"ERROR {"method":"POST","path":"/ed-fi/sections","status":409,
        "detail":"The referenced 'Student' item does not exist."}"#;
    assert_eq!(codes(&read(&flat.replace('\n', " "))), [Code::UnresolvedReference]);
}

/// The bulk loader writes the body as the server sent it, which newer servers indent.
#[test]
fn bodies_over_lines_of_a_log() {
    let body = serde_json::from_str::<serde_json::Value>(MISSING).unwrap();
    let indented = serde_json::to_string_pretty(&body).unwrap();
    let log = format!(
        "2025-09-25 10:12:01,403 ERROR Loader - Students.xml Student Line 404 Level: 13 #55871 Conflict - 409 - \
         {indented}\r\n2025-09-25 10:12:01,403 INFO done\n2025-09-25 10:12:01,404 WARN line 412 (409) {indented}\n"
    );
    let found = read(&log);
    assert_eq!(codes(&found), [Code::UnresolvedReference; 2]);
    assert_eq!(found.iter().map(|f| f.status).collect::<Vec<_>>(), [Some(409); 2]);
    assert_eq!(found[0].resource.as_deref(), Some("Student"));
    let after = indented.lines().count() + 2;
    assert_eq!(found.iter().map(|f| f.place.line).collect::<Vec<_>>(), [Some(1), Some(after)]);
}

/// A list that API Publisher logs, behind the prefix of its line or on lines of its own.
#[test]
fn values_over_lines_of_a_log() {
    let list = json!([
        { "Method": "POST", "ResourceUrl": "/ed-fi/sections", "Body": { "a": 1 }, "ResponseStatus": "Conflict",
          "ResponseContent": MISSING },
        { "Method": "POST", "ResourceUrl": "/ed-fi/schools", "Body": null, "ResponseStatus": "BadRequest",
          "ResponseContent": "{\"message\":\"EntryDate is required.\"}" }
    ]);
    let indented = serde_json::to_string_pretty(&list).unwrap();
    for log in [
        format!(
            "[2024-05-01 10:00:00,123] [ERROR] [PublishErrors] - {indented}\n[2024-05-01 10:00:02,123] [INFO] done\n"
        ),
        format!("2024-05-01 10:00:00 INFO Start\n{indented}\ndone\n"),
        format!("[10:00:00 ERR] {list}\n[10:00:01 INF] done\n"),
    ] {
        let found = read(&log);
        assert_eq!(codes(&found), [Code::UnresolvedReference, Code::RequiredFieldMissing], "{log}");
        let resources: Vec<_> = found.iter().map(|f| f.resource.as_deref()).collect();
        assert_eq!(resources, [Some("/ed-fi/sections"), Some("/ed-fi/schools")], "{log}");
        assert_eq!(found[0].payload, Some(json!({ "a": 1 })));
    }
}

#[test]
fn the_message_alone() {
    let message = "Validation of 'StudentSchoolAssociation' failed.\n\tStudent reference could not be resolved.\n";
    assert_eq!(codes(&read(message)), [Code::UnresolvedReference]);
    // The line end and the tab may come as something wrote them.
    for pasted in [message.to_owned(), message.trim().replace('\n', "\\n").replace('\t', "\\t")] {
        let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
        assert_eq!(Diagnoser::new(&graph).diagnose(&read(&pasted)[0]).named, ["Student"], "{pasted}");
    }
    let Body::Text(path) = &read(r"no such file C:\new\table")[0].body else { panic!() };
    assert_eq!(path, r"no such file C:\new\table");
    let found = read("409: The referenced 'Student' item does not exist.");
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let found = Diagnoser::new(&graph).diagnose(&found[0]);
    assert_eq!((found.code, found.status), (Code::UnresolvedReference, Some(409)));
    // What is needed is known although the request is not.
    assert!(found.remedy.load.iter().any(|w| w.resources.iter().any(|r| r.as_str() == "/ed-fi/students")));
}

#[test]
fn what_no_ed_fi_api_sends_is_unknown_and_kept() {
    let page =
        "<html><head><title>Sign in</title></head><body>The referenced 'Student' item does not exist.</body></html>";
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    for text in [page, "hello", r#"{"detail":"The referenced 'Stu"#, "{\"foo\":1}", "[1,2", "\u{0}\u{1}\u{2}x"] {
        let found = read(text);
        assert_eq!(found.len(), 1, "{text}");
        let found = diagnoser.diagnose(&found[0]);
        assert!(matches!(found.code, Code::Unknown), "{text}: {found:#?}");
        assert!(!found.remedy.notes.is_empty());
        assert!(found.message.is_some_and(|message| !message.is_empty() && !message.contains(char::is_control)));
    }
    let gateway = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    assert_eq!(codes(&read(gateway)), [Code::ServerError]);
    // Control characters never reach a terminal.
    let coloured = json!({ "message": "\u{1b}[31mThe referenced 'Student' item does not exist." });
    let found = diagnoser.diagnose(&read(&coloured.to_string())[0]);
    assert!(!found.message.unwrap().contains('\u{1b}'));
}

/// Pieces that real answers are made of, so that random input gets past the first comparison.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just("The referenced '".to_owned()),
        Just("' item does not exist".to_owned()),
        Just("You may need to create corresponding '".to_owned()),
        Just(" is required".to_owned()),
        Just("No relationships have been established between the caller's education organization id ".to_owned()),
        Just(" reference could not be resolved".to_owned()),
        Just("{\"message\":\"".to_owned()),
        Just("{\"validationErrors\":{\"$.a[0].b\":[\"".to_owned()),
        Just("\"]}}".to_owned()),
        Just("\n".to_owned()),
        Just(" - 409 - ".to_owned()),
        Just("HTTP/1.1 409 X\n\n".to_owned()),
        Just("School".to_owned()),
        Just("ß'é".to_owned()),
        "[ -~]{0,12}",
    ];
    proptest::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_panics(bytes in prop_oneof![fragments(), proptest::collection::vec(any::<u8>(), 0..600)]) {
        thread_local! {
            static GRAPH: DependencyGraph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
        }
        GRAPH.with(|graph| {
            let diagnoser = Diagnoser::new(graph);
            for mut failure in input::read(None, &bytes) {
                let first = diagnoser.diagnose(&failure);
                failure.resource = Some("studentSchoolAssociations".to_owned());
                failure.payload = serde_json::from_slice(&bytes).ok();
                let second = diagnoser.diagnose(&failure);
                // The code comes from the response alone.
                prop_assert_eq!(first.code, second.code);
                prop_assert!(first.message.is_some());
            }
            Ok(())
        })?;
    }
}

/// A value of a record.
const MARK: &str = "Zephyrine";

/// Bodies as servers send them, to be damaged.
const BODIES: [&str; 8] = [
    MISSING,
    r#"{"detail":"Data validation failed. See 'validationErrors' for details.","type":"urn:ed-fi:api:bad-request","validationErrors":{"$.a[0].termDescriptor":["TermDescriptor value 'uri://a#Zephyrine' does not exist."]},"errors":[]}"#,
    r#"{"message":"The request is invalid.","modelState":{"request.a[0].B":["Validation of 'X' failed.\n\tStudent reference could not be resolved."]}}"#,
    r#"{"detail":"Access to the requested data could not be authorized. Hint: You may need to create corresponding 'StudentSchoolAssociation' and 'StudentContactAssociation' items.","errors":["No relationships have been established between the caller's education organization id claims ('Zephyrine', '2') and one or more of the following properties of the resource item: 'SchoolId', 'StudentUniqueId'."]}"#,
    r#"{"detail":"The requested action cannot be performed because this item is referenced by an existing 'EducationOrganizationCategory' item contained within a resource item of one of the following types: School, LocalEducationAgency."}"#,
    r#"{"error":{"message":"Reference validation failed","failures":[{"resourceName":"School","identity":[{"schoolId":"Zephyrine"}]}],"blockingUris":["/v5/ed-fi/schools/Zephyrine"]}}"#,
    r#"{"errors":["A natural key conflict occurred when attempting to create a new resource School with a duplicate key. The duplicate keys and values are (schoolId = Zephyrine),(b = 2)"]}"#,
    r#"StudentSample.xml Student Line 40 Level: 13 #55871 Conflict - 409 - {"message":"The value supplied for the related 'school' resource does not exist."}"#,
];

/// One damage: where, of what sort, and with which byte.
type Damage = (prop::sample::Index, u8, u8);

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let damage = proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..6, any::<u8>()), 0..12);
    (prop::sample::select(&BODIES[..]), damage).prop_map(|(body, damages): (&str, Vec<Damage>)| {
        let mut bytes = body.as_bytes().to_vec();
        for (place, sort, byte) in damages {
            let at = place.index(bytes.len().max(1)).min(bytes.len());
            match sort {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at.max(bytes.len() / 2)),
                2 => drop(bytes.drain(at..(at + usize::from(byte) % 9).min(bytes.len()))),
                3 => bytes.extend(bytes.clone().get(at..).unwrap_or_default().iter().take(200)),
                4 => drop(bytes.splice(at..at, *b"\n{\"method\":\"POST\",\"path\":\"/ed-fi/schools\",")),
                _ => bytes = serde_json::to_vec(&json!({ "response": String::from_utf8_lossy(&bytes) })).unwrap(),
            }
        }
        bytes
    })
}

/// Reads one byte at a time, as a slow pipe does.
struct Slow<'b>(&'b [u8]);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (Some(place), Some((first, rest))) = (buffer.first_mut(), self.0.split_first()) else { return Ok(0) };
        (*place, self.0) = (*first, rest);
        Ok(1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bodies_neither_panic_nor_leak(bytes in damaged()) {
        thread_local! {
            static GRAPH: DependencyGraph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
        }
        let read = input::read(Some("f"), &bytes);
        // How the bytes come makes no difference.
        let slow = std::io::BufReader::with_capacity(1, Slow(&bytes));
        let slowly: Vec<Failure> = input::failures(Some("f"), slow).map(Result::unwrap).collect();
        prop_assert_eq!(&slowly, &read);
        for (index, failure) in read.iter().enumerate() {
            prop_assert_eq!(failure.place.index, Some(index));
        }
        GRAPH.with(|graph| {
            let diagnoser = Diagnoser::new(graph);
            for failure in read.iter().flat_map(alone_and_of_a_resource) {
                let found = diagnoser.diagnose(&failure);
                prop_assert!(!found.explanation.is_empty());
                prop_assert!(!found.explanation.contains(char::is_control));
                prop_assert!(found.message.as_ref().is_some_and(|message| !message.contains(char::is_control)));
                prop_assert!(serde_json::to_string(&found).is_ok());
                let (code, redacted) = (found.code, found.redacted());
                prop_assert_eq!(redacted.code, code);
                // Whatever became of the words around a value.
                let shown = serde_json::to_string(&redacted).unwrap();
                prop_assert!(!shown.contains(MARK), "{}", shown);
            }
            Ok(())
        })?;
    }
}

/// A failure as it is, and with a resource that refers to a school.
fn alone_and_of_a_resource(failure: &Failure) -> [Failure; 2] {
    [failure.clone(), Failure { resource: Some("classPeriods".to_owned()), ..failure.clone() }]
}

/// The marks that damage must not uncover are seen where values are shown.
#[test]
fn the_bodies_that_are_damaged_show_their_values() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    let shows = |body: &&&str| {
        let found = read(body);
        let mut found = found.iter().flat_map(alone_and_of_a_resource).map(|failure| diagnoser.diagnose(&failure));
        found.any(|found| serde_json::to_string(&found).unwrap().contains(MARK))
    };
    assert_eq!(BODIES.iter().filter(shows).count(), 4);
}

/// Values that break off, stand on several lines or several on one.
#[test]
fn streams_of_values() {
    let lines = |text: &str| -> Vec<(Option<usize>, bool)> {
        read(text).iter().map(|f| (f.place.line, matches!(f.body, Body::Json(_)))).collect()
    };
    let pair =
        json!({ "method": "POST", "path": "/ed-fi/schools", "status": 409, "response_body": { "message": "x" } });
    let pretty = serde_json::to_string_pretty(&pair).unwrap();
    assert_eq!(lines(&format!("{pretty}\n{pretty}")), [(Some(1), true), (Some(9), true)]);
    assert_eq!(lines(&format!("\n\n{pair}{pair}\n\n{pair}")), [(Some(3), true), (Some(3), true), (Some(5), true)]);
    // Without indents, a brace at the start of a line is part of the value where one may stand.
    assert_eq!(lines("{\"message\":\n{\"a\":[\n{},\n{}]}}\n{\"message\":\"y\"}"), [(Some(1), true), (Some(5), true)]);
    // Where none may stand, the value before has broken off.
    assert_eq!(
        lines(&format!("{{\"message\":\"a\",\n{pair}\n{{\"x\":1\n")),
        [(Some(1), false), (Some(2), true), (Some(3), false)]
    );
    assert_eq!(lines(&format!("{{\"message\":\"a\n{pair}")), [(Some(1), false), (Some(2), true)]);
    assert_eq!(
        lines(&format!("{pair} {{\"message\"\n:\"x\"}} nonsense\n{pair}")),
        [(Some(1), true), (Some(1), true), (Some(2), false), (Some(3), true)]
    );
    // An array of pairs may have a line for each.
    assert_eq!(read(&format!("[\n{pair},\n{pair}\n]")).len(), 2);
    let deep = format!("{}\n{pair}", "[".repeat(100_000));
    assert_eq!(read(&deep).len(), 2);
}

/// A list of requests is read item by item, and one that is cut off up to where it is.
#[test]
fn items_of_a_list() {
    let pair =
        json!({ "method": "POST", "path": "/ed-fi/schools", "status": 409, "response_body": { "message": "x ],}{[" } });
    let pretty = serde_json::to_string_pretty(&json!([pair, pair])).unwrap();
    let lines =
        |text: &str| -> Vec<_> { read(text).iter().map(|f| (f.place.line, matches!(f.body, Body::Json(_)))).collect() };
    let cut = |text: &str| {
        let mut failures = input::failures(None, text.as_bytes());
        let count = failures.by_ref().map(Result::unwrap).count();
        (count, failures.cut())
    };
    assert_eq!(lines(&pretty), [(Some(2), true), (Some(10), true)]);
    // Of items on one line the line tells nothing.
    assert_eq!(lines(&format!("\n [{pair},{pair}]")), [(None, true), (None, true)]);
    assert_eq!(cut(&format!("[{pair},{pair}]\n\n")), (2, None));
    // What stands behind a list is read as well.
    assert_eq!(lines(&format!("[\n{pair}\n]\n{pair}")), [(Some(2), true), (Some(4), true)]);
    // Cut off between two items and within one, which is kept as it is.
    assert_eq!(cut(&format!("[{pair},\n{pair},\n")), (2, Some(3)));
    assert_eq!(cut(&format!("[{pair},\n{pair},{{\"method\":\"PO")), (3, Some(2)));
    assert_eq!(lines(&format!("[{pair},\n{{\"method\":\"PO")), [(None, true), (Some(2), false)]);
    // An item that breaks off in the middle costs no other.
    assert_eq!(
        lines(&format!("[{pair},\n{{\"method\":\"PO\n{pair},\n1,\n{pair}]")),
        [(None, true), (Some(2), false), (Some(3), true), (Some(4), true), (Some(5), true)]
    );
}

#[test]
fn text_in_another_encoding_is_said_to_be() {
    let little: Vec<u8> = MISSING.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = MISSING.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = |mark: [u8; 2], text: &[u8]| [&mark, text].concat();
    for bytes in [marked([0xff, 0xfe], &little), marked([0xfe, 0xff], &big), little, big] {
        let mut failures = input::failures(None, bytes.as_slice());
        let error = failures.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("UTF-16") && error.contains("iconv"), "{error}");
        assert!(failures.next().is_none());
    }
}

/// No more can be given of an answer that has no body.
#[test]
fn an_answer_without_a_body_is_judged_by_its_status() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    for status in [400, 402, 403, 404, 405, 409, 422, 429, 500, 503] {
        let found = read(&format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"));
        let found = diagnoser.diagnose(&found[0]);
        assert_eq!(found.status, Some(status));
        let advice = found.remedy.notes.join(" ");
        assert!(!advice.is_empty() && !advice.contains("Give the whole response"), "{status}: {advice}");
        assert_eq!(found.code == Code::Unknown, found.explanation.contains("no body"), "{}", found.explanation);
    }
}

#[test]
fn time_grows_with_the_length_and_no_faster() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    // Beginnings of templates that never end: the worst a message can do.
    let hostile = [
        "No relationships have been established between the caller's education organization id ",
        "value '",
        "The referenced 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "A, ",
        "is required ",
        " - 4",
        "[",
        "{\n",
        "{}\n{",
        "<",
        // Behind a response.
        "}HTTP/",
    ];
    for piece in hostile {
        let time = |bytes: usize, times: usize| {
            let head = if piece.ends_with("HTTP/") { "HTTP/1.1 409 Conflict\n\n" } else { "" };
            let text = format!("{head}{}", piece.repeat(bytes / piece.len()));
            let quickest = (0..3).map(|_| {
                let start = Instant::now();
                for _ in 0..times {
                    let failures = input::read(None, text.as_bytes());
                    failures.iter().take(50).for_each(|failure| drop(diagnoser.diagnose(failure)));
                }
                start.elapsed()
            });
            quickest.min().unwrap()
        };
        let grows = || {
            // The same number of bytes, in eight texts and in one, so that a busy machine is as slow with
            // both. A square would take eight times as long in one.
            let (apart, together) = (time(20_000, 8), time(160_000, 1));
            (together.as_micros() >= apart.as_micros().max(4000) * 4).then_some((apart, together))
        };
        // A machine may be busy once, but a square is one every time.
        let slow: Vec<_> = std::iter::repeat_with(grows).take(4).take_while(Option::is_some).flatten().collect();
        assert!(slow.len() < 4, "{piece:?}: {slow:?}");
    }
}

/// What is longer than any name is compared with none, and not repeated whole.
#[test]
fn names_longer_than_any_are_cut() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph).asking(Box::new(|name| vec![name.to_owned()]));
    let long = "x".repeat(20_000);
    for resource in [long.clone(), format!("/ed-fi/{long}"), format!("https://h/data/v3/{long}/{long}")] {
        for (status, body) in [(409, MISSING), (404, "The specified data could not be found.")] {
            let record =
                json!({"resource": resource, "method": "POST", "responseStatus": status, "responseContent": body});
            let found = diagnoser.diagnose(&read(&record.to_string())[0]);
            assert!(found.explanation.len() < 1_000, "{}", found.explanation);
        }
    }
}

/// A DMS lists every reference of a record that does not resolve, and a record may have any number of them.
#[test]
fn many_references_cost_no_more_each() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    let time = |count: usize, times: usize| {
        let said = |number| {
            let path = format!("$.classPeriods[{number}].classPeriodReference");
            (path, json!(["The referenced ClassPeriod item is not compatible with this reference."]))
        };
        let paths: serde_json::Map<_, _> = (0..count).map(said).collect();
        let body = json!({"type": "urn:ed-fi:api:data-conflict:unresolved-reference", "validationErrors": paths});
        let failure = Failure { resource: Some("bellSchedules".to_owned()), ..Failure::new(Body::Json(body)) };
        let start = Instant::now();
        (0..times).for_each(|_| drop(diagnoser.diagnose(&failure)));
        start.elapsed()
    };
    // A machine may be busy once, but a square is one every time.
    let measured = std::iter::repeat_with(|| (time(500, 8), time(4_000, 1)));
    let slow: Vec<_> = measured.take(3).take_while(|(apart, together)| *together >= *apart * 3).collect();
    assert!(slow.len() < 3, "{slow:?}");
}
