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

/// Why a label is not followed. The labels were assigned by a script that read the response text.
fn explanation(case: &Value, diagnosis: &Diagnosis) -> Option<&'static str> {
    let (code, category) = (diagnosis.code.name(), case["category"].as_str().unwrap());
    let said = diagnosis.message.as_deref().unwrap_or_default();
    let unlabelled_fields = strings(&case["expected"]["missing_fields"]).is_empty();
    Some(match (code, category) {
        _ if case["response_body"].get("_assert_regex").is_some() => "a regular expression stands in place of the text",
        ("malformed-body", "data_validation_other") => "what breaks off is the JSON itself (taxonomy, section 4)",
        ("malformed-body", "query_parameter") => "a body that cannot be parsed; the label follows the URL",
        ("required-field-missing", "required_field") if diagnosis.missing_fields == ["$"] => {
            "there is no body at all, which is the document's root"
        }
        ("required-field-missing", "required_field") if unlabelled_fields => "the label leaves the field out",
        ("required-field-missing", "data_validation_other") if said.contains("Required") => {
            "a legacy wording of a required field"
        }
        ("incomplete-reference", "incomplete_reference") if unlabelled_fields => "the label leaves the fields out",
        ("query-parameter", "query_parameter") => "a parameter is no field",
        ("data-policy", "method_not_allowed") => "a content type that a profile does not offer",
        ("duplicate-item", "data_validation_other") => "a legacy wording of a duplicate",
        ("key-change-not-supported", _) => "the documentation's wording names the resource as well",
        ("unknown", "data_validation_other") => "'Bad Request' alone tells nothing",
        _ => return None,
    })
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
        let (code, wanted) = (diagnosis.code.name(), code_of(category));
        let named: BTreeSet<String> = diagnosis.named.iter().cloned().collect();
        let expected = expected_names(case);
        let missing: BTreeSet<String> = diagnosis.missing_fields.iter().cloned().collect();
        let fields = strings(&case["expected"]["missing_fields"]);
        if code == wanted && named == expected && missing == fields {
            counted.0 += 1;
            continue;
        }
        let mut differs = String::new();
        if code != wanted {
            write!(differs, " code {code}, labelled {wanted}").unwrap();
        }
        if named != expected {
            write!(differs, " named {named:?}, labelled {expected:?}").unwrap();
        }
        if missing != fields {
            write!(differs, " missing {missing:?}, labelled {fields:?}").unwrap();
        }
        let why = explanation(case, &diagnosis);
        writeln!(table, "{id:16} {category}:{differs}\n{:17}{}", "", why.unwrap_or("NOT EXPLAINED")).unwrap();
        unexplained += usize::from(why.is_none());
    }
    for (category, (same, all)) in &agree {
        eprintln!("{category:40} {same:3} of {all:3}");
    }
    let same: usize = agree.values().map(|(same, _)| same).sum();
    eprintln!("{:40} {same:3} of {:3}\n\n{table}", "all", cases.len());
    assert_eq!(unexplained, 0, "disagreements that nothing explains");
    assert!(same * 100 >= cases.len() * 94, "{same} of {} agree", cases.len());
}
