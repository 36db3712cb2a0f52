//! Every wording of every server: one body of our own for each shape, version and sentence there is.
//!
//! What a row expects follows from what the sentence means, not from what the program answers.

mod dms;
mod legacy;
mod meadowlark;
mod ods;

use edfi_plan::diagnosis::{Body, Code, Diagnoser, Diagnosis, Failure, Server, Verdict, catalogue};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source;
use serde_json::{Value, json};

use Verdict::{Ambiguous, Confirmed, Contradicted, Inconclusive, NotADependencyMatter as Elsewhere};

/// Request, status, body, and what it means.
type Row = (&'static str, u16, Value, Code, Verdict, &'static [&'static str]);

fn legacy(message: &str) -> Value {
    json!({ "message": message })
}

/// ODS/API 7.2 on: members that do not apply are absent.
fn ods(kind: &str, detail: &str, errors: &[&str]) -> Value {
    let mut body =
        json!({ "type": format!("urn:ed-fi:api:{kind}"), "detail": detail, "status": 0, "correlationId": "c" });
    if !errors.is_empty() {
        body["errors"] = json!(errors);
    }
    body
}

/// DMS: both members are always there.
fn dms(kind: &str, detail: &str, errors: &[&str], invalid: Value) -> Value {
    json!({ "type": format!("urn:ed-fi:api:{kind}"), "detail": detail, "errors": errors, "validationErrors": invalid })
}

const FAILED: &str = "Data validation failed. See 'validationErrors' for details.";
const DENIED: &str = "Access to the requested data could not be authorized.";
/// How ODS/API and DMS begin when no relationship is found.
const NONE: &str = "No relationships have been established between the caller's education organization id";

fn invalid(path: &str, message: &str) -> Value {
    json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "detail": FAILED,
            "validationErrors": { path: [message] } })
}

fn meadowlark(error: Value) -> Value {
    json!({ "error": error })
}

fn diagnoser<T>(with: impl FnOnce(&Diagnoser<'_>) -> T) -> T {
    thread_local! {
        static GRAPH: DependencyGraph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    }
    GRAPH.with(|graph| with(&Diagnoser::new(graph)))
}

fn diagnosed(request: &str, status: u16, body: &Value) -> Diagnosis {
    let (method, resource) = request.split_once(' ').unwrap();
    diagnoser(|diagnoser| {
        diagnoser.diagnose(&Failure {
            method: Some(method.to_owned()),
            resource: Some(resource.to_owned()),
            status: Some(status),
            ..Failure::new(Body::Json(body.clone()))
        })
    })
}

#[track_caller]
fn all(rows: &[Row]) {
    for (request, status, body, code, verdict, named) in rows {
        let found = diagnosed(request, *status, body);
        let got = (found.code, found.verdict, found.named.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(got, (*code, *verdict, named.to_vec()), "{request} {body:#}\n{found:#?}");
        // The code comes from the response alone.
        assert_eq!(diagnosed("POST sample/nothings", *status, body).code, *code, "{body:#}");
    }
}

#[test]
fn the_rest() {
    let rows = |code: Code, rows: Vec<(u16, Value)>| {
        let rows: Vec<Row> =
            rows.into_iter().map(|(status, body)| ("PUT students/1", status, body, code, Elsewhere, &[][..])).collect();
        all(&rows);
    };
    rows(
        Code::NotFound,
        vec![
            (
                404,
                ods(
                    "not-found",
                    "The specified data could not be found.",
                    &["Path '/data/v3/ed-fi/student' does not exist. Check the resource name."],
                ),
            ),
            (404, ods("not-found", "Resource to update was not found.", &[])),
            (404, legacy("The specified item could not be found.")),
            (
                404,
                dms(
                    "bad-request:data-validation-failed",
                    FAILED,
                    &[],
                    json!({ "$.id": ["The value 'x' is not valid."] }),
                ),
            ),
            (404, ods("system:configuration:feature-disabled", "The feature is disabled.", &[])),
            (404, json!({})),
        ],
    );
    rows(
        Code::DataValidation,
        vec![
            (
                400,
                dms(
                    "bad-request",
                    "The request data was constructed incorrectly.",
                    &[
                        "Resource identifiers cannot be assigned by the client. The 'id' property should not be included in the request body.",
                    ],
                    json!({}),
                ),
            ),
            (
                400,
                dms(
                    "bad-request:data-validation-failed",
                    FAILED,
                    &[],
                    json!({ "$.id": ["The value 'x' is not valid."] }),
                ),
            ),
        ],
    );
    rows(
        Code::PreconditionFailed,
        vec![
            (412, ods("optimistic-lock-failed", "The item has been modified by another user.", &[])),
            (412, dms("precondition-failed:if-none-match", "x", &[], json!({}))),
            (
                409,
                ods(
                    "data-conflict:multi-user-conflict",
                    "The item could not be changed due to multiple users changing it.",
                    &[],
                ),
            ),
            (
                409,
                meadowlark(
                    json!({ "message": "Write conflict due to concurrent access to this or related resources" }),
                ),
            ),
        ],
    );
    rows(
        Code::Throttled,
        vec![
            (429, dms("too-many-requests", "x", &[], json!({}))),
            (429, ods("security:authentication:too-many-tokens", "x", &[])),
        ],
    );
    rows(
        Code::ServerError,
        vec![
            (500, ods("system", "An unexpected problem has occurred.", &[])),
            (500, ods("system:database-connection", "x", &[])),
            (500, json!({ "message": "x", "traceId": "1" })),
            (501, json!({ "error": "x" })),
            (502, dms("bad-gateway", "", &[], json!({}))),
            (503, dms("service-configuration-error", "x", &[], json!({}))),
            (503, dms("database-not-provisioned", "x", &[], json!({}))),
        ],
    );
    rows(
        Code::DataPolicy,
        vec![
            (
                403,
                ods(
                    "security:data-policy:incorrect-usage",
                    "The request construction was invalid with respect to usage of a data policy.",
                    &["x"],
                ),
            ),
            (
                400,
                ods(
                    "bad-request:data-policy-enforced",
                    "The data cannot be saved because a data policy has been applied to the request that prevents it.",
                    &[],
                ),
            ),
            (
                400,
                ods(
                    "bad-request:data-policy",
                    "The resource cannot be saved because a data policy has been applied to the request that prevents it.",
                    &[],
                ),
            ),
            (406, ods("profile:invalid-profile-usage", "x", &[])),
        ],
    );
    rows(
        Code::MethodNotAllowed,
        vec![(405, ods("method-not-allowed", "The request construction was invalid.", &["x"])), (405, json!(null))],
    );
    rows(Code::MediaType, vec![(415, ods("unsupported-media-type", "x", &[])), (406, json!({}))]);
    rows(
        Code::QueryParameter,
        vec![
            (
                400,
                ods(
                    "bad-request:parameter-validation-failed",
                    "Parameters supplied to the request were invalid.",
                    &["x"],
                ),
            ),
            (400, legacy("Limit must be omitted or set to a value between 0 and 500.")),
        ],
    );
}

/// Tools put answers into envelopes of their own, and people copy them out of chats.
#[test]
fn wrapped_and_mangled() {
    let said = "The referenced 'CourseOffering' item does not exist.";
    let kind = "urn:ed-fi:api:data-conflict:unresolved-reference";
    let body = json!({ "type": kind, "detail": said });
    let bodies = [
        json!({ "Type": kind, "Detail": said }),
        json!({ "detail": [said] }),
        json!({ "errors": said }),
        json!({ "errors": [{ "detail": said }] }),
        json!({ "errors": [{ "code": 7, "description": said }] }),
        json!({ "validationErrors": [{ "path": "$.courseOfferingReference", "message": said }] }),
        json!({ "success": false, "result": { "status": 409, "body": body } }),
        json!({ "error": body.to_string() }),
        json!({ "message": format!("Request failed with status code 409: {body}") }),
        json!([{ "message": said }]),
        json!(said),
        json!({ "detail": "The referenced \u{2018}CourseOffering\u{2019} item\u{a0}does not exist." }),
        json!({ "detail": format!("Übertragung fehlgeschlagen – {said}") }),
        json!({ "detail": "THE REFERENCED 'CourseOffering' ITEM DOES NOT EXIST" }),
    ];
    for body in bodies {
        let found = diagnosed("POST sections", 409, &body);
        assert_eq!((found.code, found.verdict), (Code::UnresolvedReference, Confirmed), "{body:#}\n{found:#?}");
        assert_eq!(found.named, ["CourseOffering"], "{body:#}");
        // A status that nobody told changes nothing.
        let alone = diagnoser(|d| d.diagnose(&Failure::new(Body::Json(body.clone()))));
        assert_eq!((alone.code, alone.named), (found.code, found.named), "{body:#}");
    }
}

/// Where a path of the list is given, it is the path of the field.
#[test]
fn a_list_of_validation_errors_keeps_its_paths() {
    let body = json!({ "validationErrors": [{ "path": "$.courseTitle", "message": "CourseTitle is required." }] });
    assert_eq!(diagnosed("POST courses", 400, &body).missing_fields, ["$.courseTitle"]);
}

/// Each template of the catalogue, with its holes filled, is recognised as what it stands for.
#[test]
fn every_template_is_reachable() {
    let fill = |template: &str| {
        let fillings = [
            ("{entity}", "Section"),
            ("{entities}", "Section, School"),
            ("{table}", "section"),
            ("{person}", "Student"),
            ("{child}", "SectionClassPeriod"),
            ("{descriptor}", "TermDescriptor"),
            ("{coded}", "Term"),
            ("{association}", "StudentSchoolAssociation"),
            ("{property}", "SchoolId"),
            ("{properties}", "'SchoolId', 'StudentUniqueId'"),
            ("{field}", "schoolId"),
            ("{fields}", "SchoolId, SessionName"),
            ("{key}", "schoolId = 1"),
            ("{route}", "/data/v3/ed-fi/section"),
            ("{word}", "School"),
            ("{text}", "any text"),
        ];
        let text = template.trim_start_matches('^').trim_end_matches('|');
        let text = fillings.iter().fold(text.to_owned(), |text, (hole, filling)| text.replace(hole, filling));
        if template.ends_with('|') { text } else { format!("{text} and so on") }
    };
    for template in catalogue() {
        let sentence = fill(template.text);
        let found = diagnoser(|d| d.diagnose(&Failure::new(Body::Json(json!({ "message": sentence })))));
        // A sentence may hold one that decides earlier, but then states its own as well.
        let states = found.code == template.code || found.also.contains(&template.code);
        assert!(states, "{sentence}: {} {:?} instead of {}", found.code, found.also, template.code);
        assert_ne!(found.code, Code::Unknown, "{sentence}");
        if template.server != Server::Unknown && template.server != Server::Meadowlark && found.code == template.code {
            assert_eq!(found.server, template.server, "{sentence}");
        }
    }
}

#[test]
fn what_a_gateway_denies_is_no_answer_of_an_ed_fi_api() {
    let denied = |body: Body| {
        let failure = Failure { status: Some(403), resource: Some("students".into()), ..Failure::new(body) };
        let found = diagnoser(|diagnoser| diagnoser.diagnose(&failure));
        (found.code, found.verdict)
    };
    let page = "<html><head><title>Attention Required!</title></head><body>You have been blocked</body></html>";
    let quota = json!({ "statusCode": 403, "message": "Out of call volume quota." });
    for body in [Body::Text(page.into()), Body::Text(String::new()), Body::Json(json!({})), Body::Json(quota)] {
        assert_eq!(denied(body.clone()), (Code::Unknown, Inconclusive), "{body:?}");
    }
    // In the form of an Ed-Fi API, its words may be those of a plugin.
    let plugin = Body::Json(legacy("The district does not take part."));
    assert_eq!(denied(plugin), (Code::AuthorizationOther, Elsewhere));
}
