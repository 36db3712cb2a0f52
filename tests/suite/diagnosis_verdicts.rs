//! What the graph says of a message: its own paths and targets, not those of the message or of another version.

use edfi_plan::diagnosis::{Code, Diagnosis, Verdict};
use serde_json::{Value, json};

use crate::diagnosis_traps::by;

fn diagnosed(request: &str, payload: Option<Value>, status: u16, body: Value) -> Diagnosis {
    by("ed-fi-5.2", request, payload, status, body)
}

/// ODS/API names one entity and no path.
fn missing(entity: &str) -> Value {
    json!({
        "type": "urn:ed-fi:api:conflict:unresolved-reference",
        "detail": format!("The referenced '{entity}' item does not exist.")
    })
}

/// A DMS gives a path with each.
fn missing_at(path: &str, message: &str) -> Value {
    json!({
        "type": "urn:ed-fi:api:data-conflict:unresolved-reference",
        "detail": "One or more references could not be resolved. See 'validationErrors' for details.",
        "validationErrors": { path: [message] }
    })
}

fn paths(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.references.iter().map(|seen| seen.path.as_str()).collect()
}

fn notes(diagnosis: &Diagnosis) -> String {
    diagnosis.remedy.notes.join(" ")
}

#[test]
fn a_path_that_the_graph_does_not_have_is_not_evidence() {
    let body = missing_at("$.fooReference", "The referenced Location item does not exist.");
    let found = diagnosed("POST sections", None, 409, body);
    assert_eq!((found.verdict, paths(&found)), (Verdict::Ambiguous, vec!["$.locationReference"]));
    assert!(found.explanation.contains("path $.fooReference is unknown here"), "{}", found.explanation);
    // Its own path confirms, with the item of a collection, and where a DMS leaves out the first steps.
    for path in ["$.programs[1].programReference", "$.programReference"] {
        let body = missing_at(path, "The referenced Program item does not exist.");
        let found = diagnosed("POST sections", None, 409, body);
        assert_eq!((found.verdict, paths(&found)), (Verdict::Confirmed, vec![path]));
    }
}

#[test]
fn a_record_without_the_reference_does_not_miss_its_target() {
    let without = json!({ "studentReference": { "studentUniqueId": "S1" } });
    let found = diagnosed("POST studentSectionAssociations", Some(without), 409, missing("Program"));
    assert_eq!((found.verdict, paths(&found)), (Verdict::Contradicted, vec!["$.studentReference"]));
    assert!(found.explanation.contains("carries no such reference"), "{}", found.explanation);
    assert!(found.remedy.load.is_empty());
    // The last of many items is enough.
    let mut programs = vec![json!({}); 150];
    programs.push(json!({ "programReference": { "programName": "P" } }));
    let found =
        diagnosed("POST studentSectionAssociations", Some(json!({ "programs": programs })), 409, missing("Program"));
    assert_eq!(found.verdict, Verdict::Confirmed);
}

#[test]
fn an_abstract_name_means_what_the_references_take() {
    let found = diagnosed("POST sessions", None, 409, missing("EducationOrganization"));
    assert_eq!(found.verdict, Verdict::Confirmed);
    assert!(found.remedy.load.iter().any(|wave| wave.resources.iter().any(|name| name.as_str() == "/ed-fi/schools")));
    assert!(notes(&found).contains("Load the missing record of schools") && !notes(&found).contains("any one of"));
    let found = diagnosed("POST localEducationAgencies", None, 409, missing("EducationOrganization"));
    for needed in [
        "educationServiceCenters at $.educationServiceCenterReference",
        "localEducationAgencies at $.parentLocalEducationAgencyReference",
        "stateEducationAgencies at $.stateEducationAgencyReference",
    ] {
        assert!(found.explanation.contains(needed), "{}", found.explanation);
    }
    let any = "any one of educationServiceCenters, localEducationAgencies and stateEducationAgencies.";
    assert!(notes(&found).contains(any), "{}", notes(&found));
    // What the record refers to narrows it further.
    let record = json!({ "stateEducationAgencyReference": { "stateEducationAgencyId": 1 } });
    let found = diagnosed("POST localEducationAgencies", Some(record), 409, missing("EducationOrganization"));
    assert_eq!(paths(&found), ["$.stateEducationAgencyReference"]);
}

#[test]
fn an_item_of_another_kind_is_corrected_not_loaded() {
    let body = missing_at("$.schoolReference", "The referenced School item is not compatible with this reference.");
    let found = diagnosed("POST sessions", None, 409, body);
    assert_eq!((found.code, found.verdict), (Code::UnresolvedReference, Verdict::Confirmed));
    assert!(found.explanation.contains("within EducationOrganization"), "{}", found.explanation);
    assert!(found.remedy.load.is_empty() && notes(&found).contains("Correct the key"), "{}", notes(&found));
}

#[test]
fn an_item_that_refers_to_its_own_kind_is_deleted_after_its_children() {
    let body = json!({
        "type": "urn:ed-fi:api:data-conflict:dependent-item-exists",
        "detail": "The requested action cannot be performed because this item is referenced by an existing \
                   'LocalEducationAgency' item."
    });
    let found = diagnosed("DELETE localEducationAgencies/1", None, 409, body);
    assert_eq!(found.verdict, Verdict::Confirmed);
    assert_eq!(found.remedy.delete[0].as_str(), "/ed-fi/localEducationAgencies");
    let own = found.remedy.delete.iter().filter(|name| name.as_str() == "/ed-fi/localEducationAgencies");
    assert_eq!(own.count(), 1);
}

#[test]
fn a_name_that_nothing_refers_to_leaves_candidates() {
    let found = diagnosed("POST grades", None, 409, missing("Section"));
    assert_eq!(found.verdict, Verdict::Contradicted);
    assert!(found.explanation.contains("gradingPeriods at $.gradingPeriodReference"), "{}", found.explanation);
}

#[test]
fn a_path_without_its_first_steps_means_all_that_end_in_it() {
    let body = json!({
        "type": "urn:ed-fi:api:bad-request:data-validation-failed",
        "validationErrors": { "$.petName": ["petName is required."] }
    });
    let found = by("ed-fi-5.2+sample", "POST students", None, 400, body);
    for path in ["$._ext.sample.aquaticPets[*].petName", "$._ext.sample.pets[*].petName"] {
        assert!(found.explanation.contains(path), "{}", found.explanation);
    }
}

#[test]
fn a_collection_of_another_version_does_not_have_the_key_of_its_owner() {
    let body = json!({
        "type": "urn:ed-fi:api:conflict:non-unique-values",
        "detail": "The value(s) supplied for properties 'City, PostalCode' of entity 'StudentAddress' are not unique."
    });
    let found = diagnosed("POST students", None, 409, body);
    assert_eq!((found.code, found.verdict), (Code::IdentityConflict, Verdict::NotADependencyMatter));
    assert!(found.explanation.contains("knows no StudentAddress"), "{}", found.explanation);
    assert!(!found.explanation.contains("natural key"), "{}", found.explanation);
}

#[test]
fn a_value_that_authorization_needs_is_supplied_where_the_key_has_it() {
    let body = json!({
        "type": "urn:ed-fi:api:security:authorization:relationships:access-denied:element-required",
        "detail": "Access to the resource could not be authorized.",
        "errors": ["The 'SchoolId' value is required for authorization purposes."]
    });
    let found = diagnosed("POST sections", None, 403, body);
    assert_eq!((found.code, found.verdict), (Code::RelationshipMissing, Verdict::NotADependencyMatter));
    assert_eq!(found.remedy.notes, ["Supply $.courseOfferingReference.schoolId."]);
}
