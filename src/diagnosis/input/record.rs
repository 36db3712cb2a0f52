//! JSON values: a body, a request with its response, lists of both, lightbeam's results.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::body;
use crate::diagnosis::{Body, Failure};
use crate::model::Text;

/// Reads the failures of one value; of lightbeam's results `resources` are the names in their order.
pub(super) fn read(value: Value, resources: &[String], failures: &mut Vec<Failure>) {
    match value {
        Value::Array(items) if items.iter().any(|item| is_record(item) || is_body(item)) && !is_validator(&items) => {
            items.into_iter().for_each(|item| one(item, failures));
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Object(members) if results(&members).is_some() => lightbeam(&members, resources, failures),
        Value::Object(mut members) => match list(&members).map(str::to_owned) {
            Some(name) => {
                if let Some(Value::Array(items)) = members.remove(&name) {
                    items.into_iter().for_each(|item| one(item, failures));
                }
            }
            None => one(Value::Object(members), failures),
        },
        other => one(other, failures),
    }
}

/// Whether a list that begins with this value is one of requests, so that every item is a failure.
pub(super) fn begins_list(value: &Value) -> bool {
    is_record(value) && !is_validator(std::slice::from_ref(value))
}

/// Reads an item of such a list.
pub(super) fn one(value: Value, failures: &mut Vec<Failure>) {
    if is_record(&value) {
        failures.push(pair(&value));
        return;
    }
    // A tool may have written the request into the body.
    let text = |names: &[&str]| member(&value, names).and_then(Value::as_str).map(str::to_owned);
    let (resource, method) = (text(&RESOURCE), text(&METHOD));
    failures.push(Failure { resource, method, ..Failure::new(Body::Json(value)) });
}

/// Whether a value is what an Ed-Fi API answers.
pub(super) fn is_body(value: &Value) -> bool {
    let has = |name: &str| member(value, &[name]).is_some();
    (has("detail") && has("type")) || has("message") || has("modelState") || has("validationErrors") || has("error")
}

/// Whether a value is a request with its response.
pub(super) fn is_record(value: &Value) -> bool {
    let any = |names: &[&str]| member(value, names).is_some();
    let told = any(&METHOD) || any(&STATUS_OF_RECORD) || (any(&REQUEST_BODY) && (any(&STATUS) || any(&ERROR)));
    any(&RESPONSE) || (any(&RESOURCE) && told)
}

/// A list of Meadowlark's validator is one body.
fn is_validator(items: &[Value]) -> bool {
    items.iter().all(|item| item.get("message").is_some() && item.get("context").is_some())
}

const METHOD: [&str; 3] = ["method", "httpmethod", "verb"];
const RESOURCE: [&str; 11] = [
    "resource",
    "resourceurl",
    "resourcename",
    "resourcepath",
    "path",
    "url",
    "uri",
    "requestpath",
    "requesturi",
    "requesturl",
    "endpoint",
];
const STATUS: [&str; 6] = ["responsestatus", "statuscode", "httpstatus", "responsecode", "status", "code"];
const STATUS_OF_RECORD: [&str; 4] = ["responsestatus", "statuscode", "httpstatus", "responsecode"];
const REQUEST_BODY: [&str; 11] = [
    "requestbody",
    "requestcontent",
    "requestpayload",
    "requestjson",
    "requestdata",
    "payload",
    "record",
    "row",
    "json",
    "data",
    "body",
];
const RESPONSE: [&str; 8] = [
    "responsebody",
    "responsecontent",
    "responsetext",
    "responsemessage",
    "response",
    "responsedata",
    "responsejson",
    "responsepayload",
];
/// Where a tool writes what was answered, beside the request.
const ERROR: [&str; 3] = ["error", "errormessage", "detail"];
const INNER_BODY: [&str; 6] = ["body", "content", "text", "data", "json", "message"];

/// A member by one of several names, the first that fits; case, `_` and `-` do not count.
fn member<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    let members = value.as_object()?;
    names.iter().find_map(|name| {
        let found = members.iter().find(|(key, value)| same(key, name) && !value.is_null());
        found.map(|(_, value)| value)
    })
}

fn same(key: &str, name: &str) -> bool {
    let plain = key.bytes().filter(|b| !matches!(b, b'_' | b'-')).map(|b| b.to_ascii_lowercase());
    plain.eq(name.bytes().map(|b| b.to_ascii_lowercase()))
}

fn pair(value: &Value) -> Failure {
    let request = member(value, &["request"]).filter(|r| r.is_object());
    let is_request = |r: &&Value| {
        [&METHOD[..], &RESOURCE, &REQUEST_BODY, &["content", "headers"]].iter().any(|names| member(r, names).is_some())
    };
    let (request, itself) = (request.filter(is_request), request.filter(|r| !is_request(r)));
    let response = member(value, &["response"]).filter(|r| r.is_object() && !is_body(r));
    let of_request = |names: &[&str]| request.and_then(|r| member(r, names)).or_else(|| member(value, names));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let answer = response
        .and_then(|r| member(r, &INNER_BODY))
        .or_else(|| member(value, &RESPONSE))
        .or_else(|| error_of(value))
        .or_else(|| is_body(value).then_some(value))
        .or_else(|| member(value, &["errormessage", "body"]).filter(|b| is_body(b) || b.is_string()))
        .or_else(|| member(value, &["detail"]).is_some().then_some(value));
    // Where the response stands in a member of its own, `body` is the request's.
    let inner = request.and_then(|r| member(r, &REQUEST_BODY).or_else(|| member(r, &["content"])));
    let sent = inner.or(itself).or_else(|| {
        member(value, &REQUEST_BODY).filter(|sent| answer.is_none_or(|answer| !std::ptr::eq(*sent, answer)))
    });
    let mut failure = Failure::new(match answer {
        Some(Value::String(text)) => body(text),
        Some(json) => Body::Json(json.clone()),
        None => Body::Text(String::new()),
    });
    failure.method = of_request(&METHOD).and_then(text).map(|method| method.to_ascii_uppercase());
    failure.resource = of_request(&RESOURCE).and_then(text);
    failure.status = response.and_then(|r| member(r, &STATUS)).or_else(|| member(value, &STATUS)).and_then(status);
    failure.payload = match sent {
        Some(Value::String(text)) => serde_json::from_str(text).ok().filter(Value::is_object),
        Some(json @ Value::Object(_)) => Some(json.clone()),
        _ => None,
    };
    failure.place.file = member(value, &["file", "filename"]).and_then(Value::as_str).map(Text::new);
    failure.place.line =
        member(value, &["line", "linenumber"]).and_then(Value::as_u64).and_then(|l| usize::try_from(l).ok());
    failure
}

/// The answer of a request beside it, unless it is Meadowlark's, whose own member has that name.
fn error_of(value: &Value) -> Option<&Value> {
    let beside = ["detail", "message", "modelState", "validationErrors"];
    let error = member(value, &["error"]).filter(|_| beside.iter().all(|name| member(value, &[name]).is_none()))?;
    let is_problem = ["detail", "modelState", "validationErrors"].iter().any(|name| member(error, &[name]).is_some());
    // Meadowlark writes it in small letters.
    let is_of_tool = value.get("error").is_none() && (error.is_string() || is_body(error));
    (is_problem || is_of_tool).then_some(error)
}

/// `409`, `"409"`, `"409 Conflict"`, `"Conflict"`.
fn status(value: &Value) -> Option<u16> {
    let number = match value {
        Value::String(text) => {
            let first = text.split_whitespace().next().unwrap_or_default();
            first.parse().ok().or_else(|| by_reason(text))
        }
        other => other.as_u64().and_then(|n| u16::try_from(n).ok()),
    };
    number.filter(|status| (100..600).contains(status))
}

fn by_reason(text: &str) -> Option<u16> {
    let reasons = [
        ("OK", 200),
        ("Created", 201),
        ("NoContent", 204),
        ("BadRequest", 400),
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("MethodNotAllowed", 405),
        ("Conflict", 409),
        ("PreconditionFailed", 412),
        ("UnsupportedMediaType", 415),
        ("TooManyRequests", 429),
        ("InternalServerError", 500),
        ("BadGateway", 502),
        ("ServiceUnavailable", 503),
        ("GatewayTimeout", 504),
    ];
    let plain: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    reasons.iter().find(|(reason, _)| reason.eq_ignore_ascii_case(&plain)).map(|(_, status)| *status)
}

/// The member that holds a list of records.
fn list(members: &Map<String, Value>) -> Option<&str> {
    let of_records = |value: &Value| value.as_array().is_some_and(|items| items.first().is_some_and(is_record));
    members.iter().find(|(_, value)| of_records(value)).map(|(name, _)| name.as_str())
}

/// The `resources` of lightbeam's results.
fn results(members: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let resources = members.get("resources")?.as_object()?;
    let counted = |value: &Value| value.get("failures").is_some() || value.get("records_processed").is_some();
    (resources.is_empty() || resources.values().any(counted)).then_some(resources)
}

fn lightbeam(members: &Map<String, Value>, order: &[String], failures: &mut Vec<Failure>) {
    let deletes = members.get("command").and_then(Value::as_str).is_some_and(|command| command.contains("delete"));
    let namespace = members.get("namespace").and_then(Value::as_str);
    let Some(results) = results(members) else { return };
    // A name that is there twice has one value.
    let mut left: BTreeMap<&String, &Value> = results.iter().collect();
    let mut ordered: Vec<(&String, &Value)> = order.iter().filter_map(|name| left.remove_entry(name)).collect();
    ordered.extend(left);
    for (endpoint, result) in ordered {
        for item in result.get("failures").and_then(Value::as_array).into_iter().flatten() {
            let said = item.get("message").and_then(Value::as_str).unwrap_or_default();
            let mut failure = Failure::new(body(said));
            failure.resource = Some(match namespace {
                Some(namespace) if !endpoint.contains('/') => format!("/{namespace}/{endpoint}"),
                _ => endpoint.clone(),
            });
            failure.method = Some(if deletes { "DELETE" } else { "POST" }.to_owned());
            failure.status = item.get("status_code").and_then(status);
            failure.place.file = item.get("file").and_then(Value::as_str).map(Text::new);
            let lines = lines(item.get("line_numbers"));
            failure.place.line = lines.first().copied();
            failure.place.lines = if lines.len() > 1 { lines } else { Vec::new() };
            let count = item.get("count").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            failure.count = count.unwrap_or(1).max(1);
            failures.push(failure);
        }
    }
}

/// A list of numbers, which older versions wrote as text.
fn lines(value: Option<&Value>) -> Vec<usize> {
    match value {
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_u64).filter_map(|n| usize::try_from(n).ok()).collect()
        }
        Some(Value::String(text)) => {
            text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
        }
        Some(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()).into_iter().collect(),
        None => Vec::new(),
    }
}
