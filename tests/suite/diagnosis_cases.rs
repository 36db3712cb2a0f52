//! Real failed requests: codes and names against their labels, which a script assigned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use edfi_plan::diagnosis::{Body, Diagnoser, Diagnosis, Failure};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source;
use serde_json::Value;

use crate::corpus;

/// The code that stands for a category of the labels.
fn code_of(category: &str) -> &'static str {
    match category {
        "unresolved_reference" | "unresolved_reference_and_descriptor" => "unresolved-reference",
        "dependent_item_exists" => "dependent-exists",
        "descriptor_value_missing" => "descriptor-value-missing",
        "authz_relationship" | "authz_element_missing" => "relationship-missing",
        "authz_namespace"
        | "authz_ownership"
        | "authz_action_or_resource_claim"
        | "authz_custom_view"
        | "authz_unspecified" => "authorization-other",
        "identity_conflict" | "non_unique_values" => "identity-conflict",
        "incomplete_reference" => "incomplete-reference",
        "key_unification_conflict" => "key-unification-conflict",
        "key_change_not_supported" => "key-change-not-supported",
        "required_field" => "required-field-missing",
        "duplicate_collection_item" => "duplicate-item",
        "malformed_body" => "malformed-body",
        "data_validation_other" | "bad_id" => "data-validation",
        "data_policy_profile" => "data-policy",
        "query_parameter" => "query-parameter",
        "security_configuration" => "security-configuration",
        "authentication" => "authentication",
        "not_found" => "not-found",
        "method_not_allowed" => "method-not-allowed",
        "media_type" => "media-type",
        "optimistic_lock" | "concurrency_conflict" => "precondition-failed",
        "throttled" => "throttled",
        "transient" => "server-error",
        other => panic!("the labels have a new category: {other}"),
    }
}

fn failure(case: &Value) -> Failure {
    Failure {
        resource: case["path"].as_str().map(str::to_owned),
        method: case["method"].as_str().map(str::to_owned),
        status: case["status"].as_u64().map(|s| u16::try_from(s).unwrap()),
        payload: Some(case["request_body"].clone()).filter(Value::is_object),
        ..Failure::new(match &case["response_body"] {
            Value::String(text) => Body::Text(text.clone()),
            json => Body::Json(json.clone()),
        })
    }
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What a label expects to be named.
fn expected_names(case: &Value) -> BTreeSet<String> {
    let expected = &case["expected"];
    ["blocking_entities", "hint_entities", "container_alternatives"]
        .iter()
        .flat_map(|m| strings(&expected[m]))
        .collect()
}

/// What a diagnosis is compared in: the code, what it names, the fields that are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    code: &'static str,
    named: BTreeSet<String>,
    missing: BTreeSet<String>,
}

/// The label as it was assigned by a script that read the response text.
fn assigned(case: &Value) -> Label {
    Label {
        code: code_of(case["category"].as_str().unwrap()),
        named: expected_names(case),
        missing: strings(&case["expected"]["missing_fields"]),
    }
}

/// The label that the taxonomy gives a case where the script's is wrong, and why. Each rule looks at what
/// the case says and nothing else, and states the whole answer: another wrong answer still fails.
fn corrected(case: &Value) -> Option<(Label, &'static str)> {
    let label = assigned(case);
    let said = said(&case["response_body"]);
    let any = |part: &str| said.iter().any(|(_, text)| text.contains(part));
    let fields = |missing: Vec<String>| missing.into_iter().collect::<BTreeSet<String>>();
    let parser_stopped = |text: &str| {
        let position =
            |mark: &str| text.split_once(mark).is_some_and(|(_, n)| n.starts_with(|c: char| c.is_ascii_digit()));
        // Newtonsoft and System.Text.Json end in where they stopped; a value of the wrong type stands in whole JSON.
        (position(", line ") && position(", position ") || position("BytePositionInLine: "))
            && !text.contains("Error converting value")
    };
    if label.code != "malformed-body" && said.iter().any(|(_, text)| parser_stopped(text)) {
        return Some((Label { code: "malformed-body", ..label }, "the JSON breaks off (taxonomy, section 4)"));
    }
    if any("A non-empty request body is required") && label.missing.is_empty() {
        return Some((
            Label { missing: fields(vec!["$".into()]), ..label },
            "the whole document is missing, which is $",
        ));
    }
    if case["response_body"].get("_assert_regex").is_some() && label.code == "required-field-missing" && said.len() == 1
    {
        let code = "data-validation";
        return Some((Label { code, ..label }, "the sentence is only known as a regular expression (section 12)"));
    }
    if any(" is required when ") && label.code == "query-parameter" {
        return Some((Label { missing: BTreeSet::new(), ..label }, "a query parameter is no field of the record"));
    }
    let required: Vec<String> = said.iter().filter_map(|(path, text)| required_of(path.as_deref(), text)).collect();
    if label.missing.is_empty()
        && !required.is_empty()
        && matches!(label.code, "required-field-missing" | "data-validation")
    {
        let code = "required-field-missing";
        return Some((
            Label { code, missing: fields(required), ..label },
            "a required field that the label leaves out",
        ));
    }
    let incomplete: Vec<String> = said.iter().flat_map(|(path, text)| incomplete_of(path.as_deref(), text)).collect();
    if label.missing.is_empty() && label.code == "incomplete-reference" && !incomplete.is_empty() {
        return Some((Label { missing: fields(incomplete), ..label }, "the properties that the label leaves out"));
    }
    if label.code == "data-validation" && any(" collection is a duplicate.") {
        return Some((Label { code: "duplicate-item", ..label }, "an item that stands twice (section 10)"));
    }
    if label.code == "method-not-allowed" && any("Readable content type available to the caller") {
        return Some((Label { code: "data-policy", ..label }, "content types are withheld by profiles (section 6)"));
    }
    let changed = said.iter().find_map(|(_, text)| text.strip_prefix("Identifying values for the ")?.split(' ').next());
    if let Some(entity) = changed.filter(|_| label.named.is_empty()) {
        let named = BTreeSet::from([entity.to_owned()]);
        return Some((Label { named, ..label }, "the message names the resource (section 8)"));
    }
    if label.code == "data-validation"
        && !said.is_empty()
        && said.iter().all(|(_, text)| ["Bad Request", "Client Error"].contains(&text.as_str()))
    {
        return Some((Label { code: "unknown", ..label }, "a reason phrase tells nothing"));
    }
    None
}

/// The sentences of a body and the members they stand in, without what only describes the envelope.
fn said(body: &Value) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    let mut open = vec![(None, body)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::String(text) => found.push((path, text.clone())),
            Value::Array(items) => open.extend(items.iter().map(|item| (path.clone(), item))),
            Value::Object(members) => {
                let own = members.get("path").and_then(Value::as_str).map(str::to_owned);
                let beside = ["type", "title", "correlationId", "path", "context", "_assert_regex"];
                let members = members.iter().filter(|(name, _)| !beside.contains(&name.as_str()));
                open.extend(members.map(|(name, value)| (own.clone().or(Some(name.clone())), value)));
            }
            _ => {}
        }
    }
    found
}

/// `request.A[0].B` of a model state as a JSON path.
fn json_path(state: &str) -> Option<String> {
    let steps = state.strip_prefix("request.")?.split('.');
    Some(steps.fold("$".to_owned(), |path, step| format!("{path}.{}{}", step[..1].to_lowercase(), &step[1..])))
}

/// The field of a legacy sentence on a required field.
fn required_of(path: Option<&str>, text: &str) -> Option<String> {
    let last_word = |text: &str| text.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().map(str::to_owned);
    if text == "Required" || text == "Required value not explicitly assigned." {
        return json_path(path?);
    }
    if let Some(field) = text.strip_prefix("{requestBody} must have required property '") {
        return Some(format!("$.{}", field.trim_end_matches('\'')));
    }
    if let Some(field) = text.strip_prefix("The ").and_then(|rest| rest.strip_suffix(" field is required.")) {
        return Some(field.to_owned());
    }
    last_word(text.strip_suffix(" (Sample) is required.")?)
}

/// The fields of an incomplete reference in a model state.
fn incomplete_of(path: Option<&str>, text: &str) -> Vec<String> {
    let listed = text.split_once("Reference is missing the following properties: ").map(|(_, fields)| fields);
    let (Some(path), Some(listed)) = (path.and_then(json_path), listed) else { return Vec::new() };
    listed.split(", ").map(|field| format!("{path}.{}{}", field[..1].to_lowercase(), &field[1..])).collect()
}

#[test]
#[expect(clippy::disallowed_macros, reason = "the table is what this test is read for")]
fn codes_and_names_of_real_responses() {
    let Some(text) = corpus::text("errors/cases.jsonl") else { return };
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph);
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cases: Vec<&Value> = cases.iter().filter(|case| case["quarantined"] != Value::Bool(true)).collect();
    let mut agree: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut table = String::new();
    let mut unexplained = 0;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let category = case["category"].as_str().unwrap();
        let diagnosis: Diagnosis = diagnoser.diagnose(&failure(case));
        let counted = agree.entry(category).or_default();
        counted.1 += 1;
        let found = Label {
            code: diagnosis.code.name(),
            named: diagnosis.named.iter().cloned().collect(),
            missing: diagnosis.missing_fields.iter().cloned().collect(),
        };
        let label = assigned(case);
        if found == label {
            counted.0 += 1;
        }
        // A case whose label is wrong must come out as the taxonomy has it, and only such a case may differ.
        let (wanted, why) = corrected(case).unwrap_or((label.clone(), "NOT EXPLAINED"));
        if found == wanted && found == label {
            continue;
        }
        unexplained += usize::from(found != wanted);
        let mut differs = String::new();
        if found.code != label.code {
            write!(differs, " code {}, labelled {}", found.code, label.code).unwrap();
        }
        if found.named != label.named {
            write!(differs, " named {:?}, labelled {:?}", found.named, label.named).unwrap();
        }
        if found.missing != label.missing {
            write!(differs, " missing {:?}, labelled {:?}", found.missing, label.missing).unwrap();
        }
        let why = if found == wanted { why.to_owned() } else { format!("NOT EXPLAINED: {why}: {wanted:?}") };
        writeln!(table, "{id:16} {category}:{differs}\n{:17}{why}", "").unwrap();
    }
    for (category, (same, all)) in &agree {
        eprintln!("{category:40} {same:3} of {all:3}");
    }
    let same: usize = agree.values().map(|(same, _)| same).sum();
    eprintln!("{:40} {same:3} of {:3}\n\n{table}", "all", cases.len());
    assert_eq!(unexplained, 0, "disagreements that nothing explains");
    assert!(same * 100 >= cases.len() * 94, "{same} of {} agree", cases.len());
}
