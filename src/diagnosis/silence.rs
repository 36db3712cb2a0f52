//! Answers without a body: what their status alone can mean.

use serde_json::Value;

use super::Body;
use super::remedy::Remedy;
use super::verdict::Judgement;

/// Whether an answer says nothing: no body, or an empty one.
pub(super) fn is_silent(body: &Body) -> bool {
    match body {
        Body::Text(text) => text.trim().is_empty(),
        Body::Json(Value::Object(members)) => members.is_empty(),
        Body::Json(Value::Array(items)) => items.is_empty(),
        Body::Json(value) => value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()),
    }
}

/// Judges by the status, where that is all there is: no more of the response can be given.
pub(super) fn judge(status: u16, method: Option<&str>, judgement: &mut Judgement, remedy: &mut Remedy) {
    let (meaning, advice) = match (status, method) {
        (409, Some("DELETE")) => (
            "A conflict on a delete: something still refers to the item, most likely.",
            "edfi-plan dependents RESOURCE lists what can.",
        ),
        (409, _) => (
            "A conflict: something that the record refers to does not exist, or another item has its key.",
            "edfi-plan prereqs RESOURCE --payload RECORD lists what the record refers to.",
        ),
        (400 | 422, _) => (
            "The server does not take the record as it is: a field is absent, or a value is not of its type.",
            "edfi-plan show RESOURCE lists the fields that it requires.",
        ),
        _ => ("The status alone does not tell what went wrong.", ""),
    };
    judgement.because = vec![format!("The answer has a status, {status}, and no body. {meaning}")];
    remedy.notes = vec![
        "Look for the request in the log of the server; a proxy in between may have taken the body off.".to_owned(),
    ];
    remedy.notes.extend(Some(advice).filter(|advice| !advice.is_empty()).map(str::to_owned));
}
