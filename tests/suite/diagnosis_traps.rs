//! Messages that mislead: what they name is not what is wrong, or they name nothing.
//!
//! Written from the servers' sources; each trap with its request and body.

use edfi_plan::diagnosis::{Body, Code, Diagnoser, Diagnosis, Failure, Server, Verdict};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source;
use serde_json::{Value, json};

use crate::common::paths;

/// What a standard says of a request, `POST studentSchoolAssociations`, its body and the answer.
pub(crate) fn by(standard: &str, request: &str, payload: Option<Value>, status: u16, body: Value) -> Diagnosis {
    let graph = DependencyGraph::build(source::standard(standard).unwrap()).unwrap();
    let (method, resource) = request.split_once(' ').unwrap();
    Diagnoser::new(&graph).diagnose(&Failure {
        method: Some(method.to_owned()),
        resource: Some(resource.to_owned()),
        status: Some(status),
        payload,
        ..Failure::new(Body::Json(body))
    })
}

fn diagnosed(request: &str, payload: Option<Value>, status: u16, body: Value) -> Diagnosis {
    by("ed-fi-5.1", request, payload, status, body)
}

fn legacy(message: &str) -> Value {
    json!({ "message": message })
}

fn problem(kind: &str, detail: &str, errors: &[&str]) -> Value {
    let mut body = json!({ "type": format!("urn:ed-fi:api:{kind}"), "detail": detail, "correlationId": "x" });
    if !errors.is_empty() {
        body["errors"] = json!(errors);
    }
    body
}

fn says(diagnosis: &Diagnosis, code: Code, verdict: Verdict, named: &[&str]) {
    assert_eq!((diagnosis.code, diagnosis.verdict), (code, verdict), "{diagnosis:#?}");
    assert_eq!(diagnosis.named, named, "{diagnosis:#?}");
}

fn loads(diagnosis: &Diagnosis, name: &str) -> Option<usize> {
    let waves = diagnosis.remedy.load.iter();
    waves.into_iter().find(|w| w.resources.iter().any(|r| r.as_str() == name)).map(|w| w.wave)
}

fn enrollment() -> Value {
    json!({
        "studentReference": { "studentUniqueId": "S1" },
        "schoolReference": { "schoolId": 255_901_001 },
        "entryDate": "2025-08-20",
        "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade"
    })
}

#[test]
fn trap_1_the_table_being_written_is_not_what_is_missing() {
    let message = "The value supplied for the related 'studentschoolassociation' resource does not exist.";
    let found = diagnosed("POST studentSchoolAssociations", Some(enrollment()), 409, legacy(message));
    says(&found, Code::UnresolvedReference, Verdict::Contradicted, &["studentschoolassociation"]);
    assert_eq!(found.entities, ["/ed-fi/studentSchoolAssociations"]);
    // Only what the payload uses, its values beside it.
    assert_eq!(paths(&found), ["$.schoolReference", "$.studentReference"]);
    assert_eq!(found.references[1].key["studentUniqueId"], "S1");
    assert_eq!(found.server, Server::Ods);
}

#[test]
fn trap_1_so_is_its_own_child_table() {
    let message = "The value supplied for the related 'bellscheduleclassperiod' resource does not exist.";
    let payload = json!({
        "bellScheduleName": "A", "schoolReference": { "schoolId": 1 },
        "classPeriods": [{ "classPeriodReference": { "classPeriodName": "P1", "schoolId": 1 } }]
    });
    let found = diagnosed("POST bellSchedules", Some(payload), 409, legacy(message));
    says(&found, Code::UnresolvedReference, Verdict::Contradicted, &["bellscheduleclassperiod"]);
    assert_eq!(paths(&found), ["$.classPeriods[0].classPeriodReference"]);
    assert!(loads(&found, "/ed-fi/classPeriods") > loads(&found, "/ed-fi/schools"));
}

#[test]
fn trap_1_on_sql_server_the_same_sentence_names_the_target() {
    let message = "The value supplied for the related 'student' resource does not exist.";
    let found = diagnosed("POST studentSchoolAssociations", Some(enrollment()), 409, legacy(message));
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["student"]);
    assert_eq!(paths(&found), ["$.studentReference"]);
}

#[test]
fn trap_2_a_delete_names_the_item_itself_or_nothing() {
    let own = "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency of \
               the 'unknown' value of the 'student' entity.";
    let found = diagnosed("DELETE students/1", None, 409, legacy(own));
    says(&found, Code::DependentExists, Verdict::Contradicted, &["student"]);
    assert!(found.remedy.delete.iter().any(|r| r.as_str() == "/ed-fi/studentSchoolAssociations"));
    let nothing = "The resource (or a subordinate entity of the resource) cannot be deleted because it is a \
                   dependency of another entity.";
    says(&diagnosed("DELETE students/1", None, 409, legacy(nothing)), Code::DependentExists, Verdict::Ambiguous, &[]);
}

#[test]
fn trap_3_the_first_quoted_word_is_a_column() {
    let message = "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency \
                   of the 'schoolId' value of the 'session' entity.";
    let found = diagnosed("DELETE schools/1", None, 409, legacy(message));
    says(&found, Code::DependentExists, Verdict::Confirmed, &["session"]);
    assert_eq!(found.remedy.delete[0].as_str(), "/ed-fi/sessions");
}

#[test]
fn trap_4_only_a_person_could_not_be_resolved() {
    let message = "Validation of 'StudentSchoolAssociation' failed.\n\tStudent reference could not be resolved.";
    let found = diagnosed("POST studentSchoolAssociations", Some(enrollment()), 400, legacy(message));
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["Student"]);
    // Nested: the first name is a property of a collection, not the resource.
    let nested = "Validation of 'DisciplineActionStaffs' failed.\n\tDisciplineActionStaff[0]\n\t\tStaff reference \
                  could not be resolved.";
    let found = diagnosed("POST disciplineActions", None, 400, legacy(nested));
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["Staff"]);
    assert_eq!(paths(&found), ["$.staffs[*].staffReference"]);
}

#[test]
fn trap_5_a_missing_person_looks_like_a_denied_one() {
    let message = "Access to the resource item could not be authorized because the 'Student' was not found.";
    let found = diagnosed("POST studentSchoolAssociations", Some(enrollment()), 409, legacy(message));
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["Student"]);
    // Here the student is part of the key of what is referred to.
    let found = diagnosed("POST grades", None, 409, legacy(message));
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["Student"]);
    let either = "Authorization denied. Either referenced 'Student' was not found or no relationships have been \
                  established between the caller's education organization id claims (255901) and the referenced \
                  'Student'.";
    let found = diagnosed("POST studentSectionAssociations", None, 403, legacy(either));
    says(&found, Code::RelationshipMissing, Verdict::Ambiguous, &["Student"]);
    assert!(loads(&found, "/ed-fi/studentSchoolAssociations") > loads(&found, "/ed-fi/students"));
}

#[test]
fn trap_6_the_hinted_association_is_a_pathway() {
    let hint = "Access to the requested data could not be authorized. Hint: You may need to create a corresponding \
                'StudentSchoolAssociation' item.";
    let errors = ["No relationships have been established between the caller's education organization id claims \
                   (255901, 19255901) and the resource item's 'StudentUniqueId' value."];
    let body = problem("security:authorization", hint, &errors);
    let found = diagnosed("POST studentAcademicRecords", None, 403, body.clone());
    says(&found, Code::RelationshipMissing, Verdict::Confirmed, &["StudentSchoolAssociation"]);
    assert!(loads(&found, "/ed-fi/studentSchoolAssociations").is_some());
    // The person itself: created freely, updated only after the association.
    let found = diagnosed("PUT students/1", None, 403, body.clone());
    says(&found, Code::RelationshipMissing, Verdict::Confirmed, &["StudentSchoolAssociation"]);
    assert!(found.remedy.notes.iter().any(|note| note.starts_with("Then update students")));
    // The student is only reached through another reference.
    assert_eq!(diagnosed("POST grades", None, 403, body.clone()).verdict, Verdict::Confirmed);
    // And what carries no student cannot wait for one.
    assert_eq!(diagnosed("POST classPeriods", None, 403, body).verdict, Verdict::Contradicted);
}

#[test]
fn trap_7_hints_combine_and_can_be_useless() {
    let relationship = |detail: &str, property: &str| {
        let error = format!(
            "No relationships have been established between the caller's education organization id claim (255901) and \
             the resource item's '{property}' value."
        );
        problem("security:authorization", detail, &[&error])
    };
    let both = "Access to the requested data could not be authorized. Hint: You may need to create corresponding \
                'StudentSchoolAssociation' and 'StudentContactAssociation' items.";
    let found = diagnosed("PUT contacts/1", None, 403, relationship(both, "ContactUniqueId"));
    let all = ["StudentSchoolAssociation", "StudentContactAssociation"];
    says(&found, Code::RelationshipMissing, Verdict::Confirmed, &all);
    assert!(loads(&found, "/ed-fi/studentSchoolAssociations").is_some());
    assert!(loads(&found, "/ed-fi/studentContactAssociations").is_some());
    let any = "Access to the requested data could not be authorized. Hint: You may need to create corresponding \
               'StaffEducationOrganizationEmploymentAssociation' or 'StaffEducationOrganizationAssignmentAssociation' \
               items.";
    let found = diagnosed("PUT staffs/1", None, 403, relationship(any, "StaffUniqueId"));
    assert_eq!(found.verdict, Verdict::Confirmed);
    assert!(found.remedy.notes[0].starts_with("Create one of "), "{:?}", found.remedy.notes);
    let useless = "Access to the requested data could not be authorized. Hint: You may need to create a corresponding \
                   'StudentSchoolAssociation' item.";
    let found =
        diagnosed("POST studentSchoolAssociations", Some(enrollment()), 403, relationship(useless, "StudentUniqueId"));
    says(&found, Code::RelationshipMissing, Verdict::Contradicted, &["StudentSchoolAssociation"]);
    assert!(found.remedy.load.is_empty());
}

#[test]
fn trap_7_two_hints_are_alternatives() {
    let detail = "Access to the requested data could not be authorized. Hint: You may need to create a corresponding \
                  'StudentSchoolAssociation' item. Hint: You may need to create a corresponding \
                  'StudentEducationOrganizationResponsibilityAssociation' item.";
    let found =
        diagnosed("GET studentSectionAssociations/1", None, 403, problem("security:authorization", detail, &[]));
    let named = ["StudentSchoolAssociation", "StudentEducationOrganizationResponsibilityAssociation"];
    says(&found, Code::RelationshipMissing, Verdict::Confirmed, &named);
    assert!(found.remedy.notes[0].starts_with("Create one of "), "{:?}", found.remedy.notes);
}

#[test]
fn an_education_organization_alone_is_a_matter_of_claims() {
    let errors = ["No relationships have been established between the caller's education organization id claims \
                   (none) and the resource item's 'SchoolId' value."];
    let body = problem("security:authorization", "Access to the requested data could not be authorized.", &errors);
    says(
        &diagnosed("POST classPeriods", None, 403, body),
        Code::RelationshipMissing,
        Verdict::NotADependencyMatter,
        &[],
    );
}

#[test]
fn trap_8_a_required_descriptor_id_is_an_unknown_value() {
    let message = "Validation of 'Student' failed.\n\tCitizenshipStatusDescriptorId is required.";
    let found = diagnosed("POST students", None, 400, legacy(message));
    says(&found, Code::DescriptorValueMissing, Verdict::Confirmed, &["CitizenshipStatusDescriptor"]);
    assert!(found.missing_fields.is_empty());
    // The property of a role, not the descriptor.
    let message = "Validation of 'Student' failed.\n\tBirthStateAbbreviationDescriptorId is required.";
    let found = diagnosed("POST students", None, 400, legacy(message));
    assert_eq!((found.code, found.verdict), (Code::DescriptorValueMissing, Verdict::Confirmed));
    assert_eq!(found.references[0].target, "/ed-fi/stateAbbreviationDescriptors");
}

#[test]
fn trap_9_a_bad_reference_and_a_bad_descriptor_are_a_plain_bad_request() {
    let body = json!({
        "type": "urn:ed-fi:api:bad-request", "title": "Bad Request", "status": 400, "errors": [],
        "detail": "Data validation failed. See 'validationErrors' for details.",
        "validationErrors": {
            "$.citizenshipStatusDescriptor": ["CitizenshipStatusDescriptor value 'uri://a#b' does not exist."],
            "$.personReference": ["The referenced Person item does not exist."]
        }
    });
    let found = diagnosed("POST students", None, 400, body);
    assert_eq!((found.code, found.verdict), (Code::UnresolvedReference, Verdict::Confirmed));
    assert_eq!(found.also, [Code::DescriptorValueMissing]);
    assert_eq!(found.named, ["CitizenshipStatusDescriptor", "Person"]);
    assert_eq!(paths(&found), ["$.citizenshipStatusDescriptor", "$.personReference"]);
    assert_eq!(found.server, Server::Dms);
}

#[test]
fn trap_10_a_role_names_the_property_and_the_value_comes_back_in_lower_case() {
    let body = json!({
        "type": "urn:ed-fi:api:bad-request", "validationErrors": { "$.birthStateAbbreviationDescriptor":
            ["StateAbbreviationDescriptor value 'uri://ed-fi.org/stateabbreviationdescriptor#xyz' does not exist."] },
        "detail": "Data validation failed. See 'validationErrors' for details.", "errors": []
    });
    let payload = json!({ "birthStateAbbreviationDescriptor": "uri://ed-fi.org/StateAbbreviationDescriptor#XYZ" });
    let found = diagnosed("POST students", Some(payload), 400, body);
    says(&found, Code::DescriptorValueMissing, Verdict::Confirmed, &["StateAbbreviationDescriptor"]);
    assert_eq!(found.entities, ["/ed-fi/stateAbbreviationDescriptors"]);
    assert_eq!(found.references[0].key["codeValue"], "XYZ");
    assert!(!found.explanation.contains("mapping is wrong"), "{}", found.explanation);
}

#[test]
fn trap_11_the_blocker_is_a_collection_of_an_abstract_resource() {
    let detail = "The requested action cannot be performed because this item is referenced by an existing \
                  'EducationOrganizationCategory' item contained within a resource item of one of the following types: \
                  LocalEducationAgency, School.";
    let body = problem("data-conflict:dependent-item-exists", detail, &[]);
    let found = diagnosed("DELETE educationOrganizationCategoryDescriptors/1", None, 409, body);
    let named = ["EducationOrganizationCategory", "LocalEducationAgency", "School"];
    says(&found, Code::DependentExists, Verdict::Confirmed, &named);
    let first: Vec<&str> = found.remedy.delete.iter().take(2).map(|r| r.as_str()).collect();
    assert_eq!(first, ["/ed-fi/localEducationAgencies", "/ed-fi/schools"]);
    // An abstract resource itself.
    let detail = "The requested action cannot be performed because this item is referenced by an existing \
                  'GeneralStudentProgramAssociation' item.";
    let found = diagnosed("DELETE programs/1", None, 409, problem("data-conflict:dependent-item-exists", detail, &[]));
    says(&found, Code::DependentExists, Verdict::Confirmed, &["GeneralStudentProgramAssociation"]);
    assert_eq!(found.entities, ["GeneralStudentProgramAssociation"]);
    // A collection within a concrete resource.
    let detail = "The requested action cannot be performed because this item is referenced by an existing \
                  'BellScheduleClassPeriod' item contained within an 'BellSchedule' resource item.";
    let found =
        diagnosed("DELETE classPeriods/1", None, 409, problem("data-conflict:dependent-item-exists", detail, &[]));
    says(&found, Code::DependentExists, Verdict::Confirmed, &["BellScheduleClassPeriod", "BellSchedule"]);
    assert_eq!(found.remedy.delete[0].as_str(), "/ed-fi/bellSchedules");
}

#[test]
fn trap_12_names_without_quotes_in_a_list() {
    let body = json!({
        "type": "urn:ed-fi:api:data-conflict:unresolved-reference", "validationErrors": {}, "errors": [],
        "detail": "The referenced Program, Student item(s) do not exist."
    });
    let found = diagnosed("POST studentProgramAssociations", None, 409, body);
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["Program", "Student"]);
    assert_eq!(found.server, Server::Dms);
    let one = json!({
        "type": "urn:ed-fi:api:data-conflict:dependent-item-exists", "validationErrors": {}, "errors": [],
        "detail": "The requested action cannot be performed because this item is referenced by existing \
                   StudentSchoolAssociation item(s)."
    });
    let found = diagnosed("DELETE students/1", None, 409, one);
    says(&found, Code::DependentExists, Verdict::Confirmed, &["StudentSchoolAssociation"]);
    // The named one leads those that are as near, and the others follow.
    assert_eq!(found.remedy.delete[0].as_str(), "/ed-fi/studentSchoolAssociations");
    assert!(found.remedy.delete.len() > 20);
}

#[test]
fn trap_13_paths_lose_their_middle() {
    let body = json!({
        "type": "urn:ed-fi:api:bad-request:data-validation-failed", "errors": [],
        "detail": "Data validation failed. See 'validationErrors' for details.",
        "validationErrors": { "$.classPeriodReference.classPeriodName": ["classPeriodName is required."] }
    });
    let found = diagnosed("POST bellSchedules", None, 400, body);
    says(&found, Code::RequiredFieldMissing, Verdict::NotADependencyMatter, &[]);
    assert_eq!(found.missing_fields, ["$.classPeriodReference.classPeriodName"]);
    assert_eq!(paths(&found), ["$.classPeriods[*].classPeriodReference"]);
}

#[test]
fn trap_14_a_bad_school_year_reads_as_a_missing_calendar() {
    let body = json!({
        "type": "urn:ed-fi:api:data-conflict:unresolved-reference", "errors": [],
        "detail": "One or more references could not be resolved. See 'validationErrors' for details.",
        "validationErrors": { "$.calendarReference": ["The referenced Calendar item does not exist."] }
    });
    let payload = json!({ "calendarReference": { "calendarCode": "C", "schoolId": 1, "schoolYear": 2099 } });
    let found = diagnosed("POST calendarDates", Some(payload), 409, body);
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["Calendar"]);
    assert!(found.explanation.contains("wrong school year"), "{}", found.explanation);
    assert_eq!(found.references[0].key["schoolYear"], "2099");
}

#[test]
fn trap_14_a_clash_of_superclass_ids_names_what_was_sent() {
    let body = json!({
        "type": "urn:ed-fi:api:identity-conflict", "validationErrors": {}, "status": 409,
        "detail": "The identifying value(s) of the item are the same as another item that already exists.",
        "errors": ["A natural key conflict occurred when attempting to create a new resource School with a duplicate \
                    key. The duplicate keys and values are (schoolId = 155901)"]
    });
    let found = diagnosed("POST schools", None, 409, body);
    says(&found, Code::IdentityConflict, Verdict::Ambiguous, &["School"]);
    assert!(found.explanation.contains("localEducationAgencies"), "{}", found.explanation);
    // SQL Server lists the columns of the superclass, which settles it.
    let message = "A natural key conflict occurred when attempting to create a new resource 'school' with a duplicate \
                   key. The duplicated columns and values are [EducationOrganizationId] (155901)";
    let found = diagnosed("POST schools", None, 409, legacy(message));
    says(&found, Code::IdentityConflict, Verdict::Confirmed, &["school"]);
}

#[test]
fn trap_15_empty_members_and_colons_mean_nothing() {
    let body = json!({
        "type": "urn:ed-fi:api:security:authorization:", "status": 403, "validationErrors": {},
        "detail": "Access to the resource could not be authorized.",
        "errors": ["Access to the resource item could not be authorized based on the caller's NamespacePrefix claims: \
                    'uri://ns3.org'."]
    });
    let found = diagnosed("DELETE gradeLevelDescriptors/1", None, 403, body);
    says(&found, Code::AuthorizationOther, Verdict::NotADependencyMatter, &[]);
    assert_eq!(found.server, Server::Dms);
    assert!(found.remedy.notes[0].starts_with("Order won't help"), "{:?}", found.remedy.notes);
}

#[test]
fn a_404_is_never_a_missing_parent() {
    let body = problem("not-found", "The specified data could not be found.", &[]);
    says(&diagnosed("POST nonsense", None, 404, body), Code::NotFound, Verdict::NotADependencyMatter, &[]);
}

#[test]
fn a_nameless_message_is_narrowed_by_the_payload() {
    let body = problem("data-conflict:unresolved-reference", "A referenced item does not exist.", &[]);
    let found = diagnosed("POST studentSchoolAssociations", Some(enrollment()), 409, body.clone());
    says(&found, Code::UnresolvedReference, Verdict::Ambiguous, &[]);
    assert_eq!(paths(&found), ["$.schoolReference", "$.studentReference"]);
    let payload = json!({ "schoolReference": { "schoolId": 1 }, "classPeriodName": "P" });
    let found = diagnosed("POST classPeriods", Some(payload), 409, body);
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &[]);
    assert_eq!(paths(&found), ["$.schoolReference"]);
}

#[test]
fn an_abstract_name_stands_for_a_concrete_reference_and_the_other_way_round() {
    let missing = |entity: &str| {
        problem("data-conflict:unresolved-reference", &format!("The referenced '{entity}' item does not exist."), &[])
    };
    let found = diagnosed("POST classPeriods", None, 409, missing("EducationOrganization"));
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["EducationOrganization"]);
    let found = diagnosed("POST courses", None, 409, missing("School"));
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["School"]);
    assert_eq!(paths(&found), ["$.educationOrganizationReference"]);
    let found = diagnosed("POST classPeriods", None, 409, missing("Section"));
    says(&found, Code::UnresolvedReference, Verdict::Contradicted, &["Section"]);
    let found = diagnosed("POST classPeriods", None, 409, missing("Bus"));
    says(&found, Code::UnresolvedReference, Verdict::Inconclusive, &["Bus"]);
}

#[test]
fn a_self_reference_is_not_a_contradiction() {
    let body = problem(
        "data-conflict:unresolved-reference",
        "The referenced 'LocalEducationAgency' item does not exist.",
        &[],
    );
    let found = diagnosed("POST localEducationAgencies", None, 409, body);
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["LocalEducationAgency"]);
}

#[test]
fn an_unknown_resource_changes_the_verdict_and_not_the_code() {
    let body = problem("data-conflict:unresolved-reference", "The referenced 'Student' item does not exist.", &[]);
    says(
        &diagnosed("POST sample/buses", None, 409, body),
        Code::UnresolvedReference,
        Verdict::Inconclusive,
        &["Student"],
    );
}

#[test]
fn shared_key_fields_that_differ_are_shown_with_their_values() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.2").unwrap()).unwrap();
    let diagnose = |resource: &str, payload: Option<Value>, body: Value| {
        Diagnoser::new(&graph).diagnose(&Failure {
            resource: Some(resource.to_owned()),
            payload,
            ..Failure::new(Body::Json(body))
        })
    };
    let record = json!({
        "bellScheduleName": "A", "schoolReference": { "schoolId": 1 },
        "classPeriods": [{ "classPeriodReference": { "classPeriodName": "P", "schoolId": 1 } },
                         { "classPeriodReference": { "classPeriodName": "Q", "schoolId": 2 } }]
    });
    let path = "$.classPeriods[*].classPeriodReference.schoolId";
    let said = "All values supplied for 'schoolId' must match. Review all references (including those higher up in the \
                resource's data) and align the following conflicting values: '1', '2'";
    let body = json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "errors": [],
                       "validationErrors": { path: [said] } });
    let found = diagnose("bellSchedules", Some(record.clone()), body.clone());
    says(&found, Code::KeyUnificationConflict, Verdict::NotADependencyMatter, &[]);
    assert_eq!(paths(&found), ["$.classPeriods[0].classPeriodReference", "$.classPeriods[1].classPeriodReference"]);
    assert_eq!(found.references[1].key["schoolId"], "2");
    assert!(found.explanation.contains("$.schoolReference.schoolId"), "{}", found.explanation);
    assert!(found.explanation.contains("declares them equal"), "{}", found.explanation);
    // Without the record, where the field stands is known all the same.
    let found = diagnose("bellSchedules", None, body);
    assert!(found.references.is_empty() && found.explanation.contains("$.schoolReference.schoolId"));
    // Legacy servers give the field and no path, Meadowlark the paths and no field.
    let legacy = legacy(
        "Supplied values for unified key property 'schoolId' on 'BellSchedule' are not consistent: schoolId = 1, x = 2",
    );
    assert_eq!(diagnose("bellSchedules", Some(record.clone()), legacy).references.len(), 2);
    let meadowlark = json!({ "error": [{ "path": "{requestBody}", "message":
        format!("Constraint failure: document paths {path} and $.schoolReference.schoolId must have the same values") }] });
    assert_eq!(diagnose("bellSchedules", Some(record), meadowlark).references.len(), 2);
    // A record that agrees with itself is not the one that was refused.
    let agreeing = json!({ "schoolReference": { "schoolId": 1 } });
    let body = json!({ "validationErrors": { path: [said] } });
    assert!(diagnose("bellSchedules", Some(agreeing), body).explanation.contains("is it the one that was sent?"));
}

#[test]
fn a_descriptor_may_be_part_of_the_key_of_a_reference() {
    let body = json!({
        "type": "urn:ed-fi:api:bad-request", "errors": [],
        "detail": "Data validation failed. See 'validationErrors' for details.",
        "validationErrors": {
            "$.personReference": ["The referenced Person item does not exist."],
            "$.personReference.sourceSystemDescriptor":
                ["SourceSystemDescriptor value 'uri://ed-fi.org/sourcesystemdescriptor#district' does not exist."]
        }
    });
    let found = diagnosed("PUT staffs/1", None, 400, body);
    says(&found, Code::UnresolvedReference, Verdict::Confirmed, &["Person", "SourceSystemDescriptor"]);
    assert_eq!(paths(&found), ["$.personReference", "$.personReference.sourceSystemDescriptor"]);
    assert!(loads(&found, "/ed-fi/sourceSystemDescriptors") < loads(&found, "/ed-fi/people"));
}

#[test]
fn a_name_asked_for_already_is_told_after_a_flood_of_others() {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let diagnoser = Diagnoser::new(&graph).asking(Box::new(|_| vec!["tpdm".to_owned()]));
    let told = |name: String| {
        let failure = Failure { resource: Some(name), status: Some(404), ..Failure::new(Body::Text(String::new())) };
        diagnoser.diagnose(&failure).explanation.contains("is known to tpdm")
    };
    assert!(told("candidates".into()));
    let flood = (0..150).filter(|n| told(format!("nonsense{n}"))).count();
    assert!(flood < 150, "what is remembered is bounded");
    assert!(told("candidates".into()));
}

#[test]
fn what_the_request_creates_cannot_be_what_it_lacks() {
    // The same sentence as with a hint, which loaders drop.
    let denied = "Authorization denied. No relationships have been established between the caller's education \
                  organization id claims (1) and the resource item's 'StudentUniqueId' value.";
    let found = diagnosed("POST /ed-fi/studentSchoolAssociations", None, 403, legacy(denied));
    assert_eq!(found.verdict, Verdict::Contradicted, "{found:#?}");
    assert!(found.remedy.notes.iter().all(|note| !note.contains("again")), "{found:#?}");
    let absent = "The 'StudentUniqueId' value is required for authorization purposes.";
    let kind = "security:authorization:relationships:access-denied:element-required";
    let found =
        diagnosed("POST /ed-fi/studentSchoolAssociations", None, 403, problem(kind, "Access denied.", &[absent]));
    let notes = ["Check that the record has StudentUniqueId, and that the students record exists."];
    assert_eq!(found.remedy.notes, notes, "{found:#?}");
}

#[test]
fn an_association_that_needs_another_pathway_comes_after_it() {
    let kind = "security:authorization";
    let detail = "Access to the requested data could not be authorized. Hint: You may need to create corresponding \
                  'StudentSchoolAssociation' and 'StudentContactAssociation' items.";
    let denied = "No relationships have been established between the caller's education organization id claim (1) and \
                  the resource item's 'ContactUniqueId' value.";
    let found = diagnosed("PUT /ed-fi/contacts", None, 403, problem(kind, detail, &[denied]));
    let (student, contact) =
        (loads(&found, "/ed-fi/studentSchoolAssociations"), loads(&found, "/ed-fi/studentContactAssociations"));
    assert!(student.is_some() && student < contact, "{found:#?}");
}
