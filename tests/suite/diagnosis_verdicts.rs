//! What the graph says of a message: its own paths and targets, not those of the message or of another version.

use edfi_plan::diagnosis::{Code, Diagnosis, Verdict};
use serde_json::{Value, json};

use crate::common::paths;
use crate::diagnosis_traps::by;

fn diagnosed(request: &str, payload: Option<Value>, status: u16, body: Value) -> Diagnosis {
    by("ed-fi-5.2", request, payload, status, body)
}

/// ODS/API names one entity and no path.
fn missing(entity: &str) -> Value {
    json!({
        "type": "urn:ed-fi:api:data-conflict:unresolved-reference",
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
        "type": "urn:ed-fi:api:data-conflict:non-unique-values",
        "detail": "The value(s) supplied for properties 'City, PostalCode' of entity 'StudentAddress' are not unique."
    });
    let found = diagnosed("POST students", None, 409, body);
    assert_eq!((found.code, found.verdict), (Code::IdentityConflict, Verdict::NotADependencyMatter));
    assert!(found.explanation.contains("knows no StudentAddress"), "{}", found.explanation);
    assert!(!found.explanation.contains("natural key"), "{}", found.explanation);
    assert!(notes(&found).starts_with("Send each item of the collection once"), "{}", notes(&found));
}

#[test]
fn values_outside_the_natural_key_are_another_key() {
    let unique = |request: &str, what: &str| {
        let kind = "urn:ed-fi:api:data-conflict:non-unique-values";
        let detail = format!("The value(s) supplied for {what}.");
        diagnosed(request, None, 409, json!({ "type": kind, "detail": detail }))
    };
    let found = unique("POST students", "property 'PersonId' of entity 'Student' is not unique");
    assert!(found.explanation.contains("is no part of the natural key of students"), "{}", found.explanation);
    assert!(!notes(&found).contains("subclasses"), "{}", notes(&found));
    // The column of a person or of a descriptor is that of a field of the key.
    for (request, what) in [
        ("POST students", "property 'StudentUSI' of entity 'Student' is not unique"),
        (
            "POST gradingPeriods",
            "properties 'GradingPeriodDescriptorId, SchoolId' of entity 'GradingPeriod' are not unique",
        ),
    ] {
        let found = unique(request, what);
        assert!(found.explanation.starts_with("The natural key of"), "{}", found.explanation);
        assert!(notes(&found).starts_with("Look the key up.") && !notes(&found).contains("subclasses"));
    }
}

#[test]
fn a_path_that_leads_nowhere_is_told_the_endpoint_that_is_near() {
    let nowhere = |request: &str, said: &str| diagnosed(request, None, 404, json!({ "message": said }));
    let elsewhere = "The specified data could not be found.";
    let said = "Path '/data/v3/ed-fi/student' does not exist. Check the resource name.";
    for (request, said, near) in [
        ("POST /data/v3/ed-fi/student", elsewhere, "the nearest is /ed-fi/students."),
        ("POST https://h/v7/api/data/v3/2026/Ed-Fi/StudentSchoolAssociation", elsewhere, "studentSchoolAssociations."),
        ("POST /data/v3/ed-fi/studentSchoolAsociations", elsewhere, "the nearest are studentSchoolAssociations,"),
        // What the server was asked for counts before what the request is said to have been.
        ("POST students", said, "the nearest is /ed-fi/students."),
        ("GET /data/v3/ed-fi/educationOrganizations", elsewhere, "/ed-fi/localEducationAgencies"),
        ("GET /data/v3/homograph/schools", elsewhere, "no endpoint of this graph"),
    ] {
        let found = nowhere(request, said);
        assert_eq!((found.code, found.verdict), (Code::NotFound, Verdict::NotADependencyMatter));
        assert!(found.explanation.contains(near), "{request}: {}", found.explanation);
    }
    // Where the endpoint exists it is the item, never its parent.
    for request in ["GET /data/v3/ed-fi/students/604822", "GET students/604822", "PUT students"] {
        let found = nowhere(request, "The specified item could not be found.");
        assert!(found.explanation.contains("no item with that id"), "{}", found.explanation);
        assert!(found.remedy.load.is_empty() && notes(&found).starts_with("Look the id up"), "{}", notes(&found));
    }
    let there = "Path '/data/v3/ed-fi/students' does not exist. Check the resource name.";
    let found = nowhere("POST students", there);
    assert!(found.explanation.contains("This graph has /ed-fi/students: the host does not"), "{}", found.explanation);
}

#[test]
fn hints_keep_what_goes_together_and_what_is_an_alternative() {
    let contact = "Hint: You may need to create corresponding 'StudentSchoolAssociation' and \
                   'StudentContactAssociation' items.";
    let staff = "Hint: You may need to create corresponding 'StaffEducationOrganizationEmploymentAssociation' or \
                 'StaffEducationOrganizationAssignmentAssociation' items.";
    let denied = |record: Option<Value>| {
        let detail = format!("Access to the requested data could not be authorized. {contact} {staff}");
        let body = json!({ "type": "urn:ed-fi:api:security:authorization:", "detail": detail });
        diagnosed("POST surveyResponses", record, 403, body)
    };
    let found = denied(None);
    assert_eq!(found.verdict, Verdict::Confirmed);
    let whom = "studentSchoolAssociations and studentContactAssociations make contacts visible to a client, or \
                staffEducationOrganizationEmploymentAssociations or staffEducationOrganizationAssignmentAssociations \
                makes staffs visible to a client.";
    assert!(found.explanation.starts_with(whom), "{}", found.explanation);
    let create = "Create studentSchoolAssociations and studentContactAssociations of the contacts record, or one of \
                  staffEducationOrganizationEmploymentAssociations, staffEducationOrganizationAssignmentAssociations \
                  of the staffs record at";
    assert!(found.remedy.notes[0].starts_with(create), "{}", notes(&found));
    // The record at hand tells whom it is about.
    let found = denied(Some(json!({ "staffReference": { "staffUniqueId": "s" } })));
    assert!(!notes(&found).contains("studentContactAssociations"), "{}", notes(&found));
    let loads = |name: &str| found.remedy.load.iter().any(|wave| wave.resources.iter().any(|r| r.as_str() == name));
    assert!(loads("/ed-fi/staffEducationOrganizationAssignmentAssociations"));
    assert!(!loads("/ed-fi/studentContactAssociations") && !loads("/ed-fi/students"));
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

#[test]
fn the_table_of_the_superclass_is_what_is_being_written() {
    let body = json!({ "message": "The value supplied for the related 'generalstudentprogramassociation' resource \
                                   does not exist." });
    let found = diagnosed("POST studentProgramAssociations", None, 409, body);
    assert_eq!(found.verdict, Verdict::Contradicted);
    assert!(found.explanation.contains("the superclass of what is being written"), "{}", found.explanation);
    assert!(paths(&found).contains(&"$.studentReference"));
}

#[test]
fn no_client_loads_a_school_year() {
    let found = diagnosed("POST graduationPlans", None, 409, missing("SchoolYearType"));
    assert_eq!(found.verdict, Verdict::Confirmed);
    assert_eq!(found.remedy.notes, ["Have the host enable the school year."]);
    assert!(found.remedy.load.is_empty());
}

#[test]
fn what_is_absent_within_an_item_of_a_collection_is_told() {
    let at = |path: &str, message: &str, record: Option<Value>| {
        let kind = "urn:ed-fi:api:bad-request:data-validation-failed";
        diagnosed("POST sections", record, 400, json!({ "type": kind, "validationErrors": { path: [message] } }))
    };
    let message = "ClassPeriodReference is missing the following properties: ClassPeriodName";
    let path = "$.classPeriods[1].classPeriodReference";
    let found = at(path, message, None);
    assert_eq!(
        (found.code, paths(&found)),
        (Code::IncompleteReference, vec!["$.classPeriods[*].classPeriodReference"])
    );
    let part = "$.classPeriods[1].classPeriodReference.classPeriodName belongs to the reference at \
                $.classPeriods[*].classPeriodReference to classPeriods (key: classPeriodName and schoolId)";
    assert!(found.explanation.contains(part), "{}", found.explanation);
    // Of a record at hand, only that item.
    let periods = json!([{ "classPeriodReference": { "classPeriodName": "1", "schoolId": 1 } },
                         { "classPeriodReference": { "schoolId": 1 } }]);
    let found = at(path, message, Some(json!({ "classPeriods": periods })));
    assert_eq!(paths(&found), [path]);
}

#[test]
fn several_people_without_a_hint_may_each_lack_their_pathway() {
    let denied = |request: &str, properties: &str| {
        let message = format!(
            "Authorization denied. No relationships have been established between the caller's education organization \
             id claims (1) and {properties}."
        );
        diagnosed(request, None, 403, json!({ "message": message }))
    };
    let both = "one or more of the following properties of the resource item: 'ContactUniqueId', 'StudentUniqueId'";
    // The request makes the contact visible, so it is not the contact that lacks something.
    let found = denied("POST studentContactAssociations", both);
    assert_eq!(found.verdict, Verdict::Ambiguous);
    assert!(found.explanation.starts_with("studentSchoolAssociations makes students visible"), "{}", found.explanation);
    assert!(notes(&found).contains("Create studentSchoolAssociations of that person"), "{}", notes(&found));
    // Any association of staff suffices; the update of a contact waits for two.
    let found = denied("PUT staffs/1", "the resource item's 'StaffUniqueId' value");
    assert!(notes(&found).starts_with("Create one of "), "{}", notes(&found));
    let found =
        denied("POST staffEducationOrganizationAssignmentAssociations", "the resource item's 'StaffUniqueId' value");
    assert_eq!(found.verdict, Verdict::Ambiguous);
    assert!(notes(&found).starts_with("Create staffEducationOrganizationEmploymentAssociations"), "{}", notes(&found));
    let found = denied("PUT contacts/1", "the resource item's 'ContactUniqueId' value");
    let create = "Create studentSchoolAssociations and studentContactAssociations of that person";
    assert!(notes(&found).starts_with(create), "{}", notes(&found));
}

#[test]
fn a_collection_of_what_is_deleted_does_not_block_it() {
    let body = json!({ "type": "urn:ed-fi:api:data-conflict:dependent-item-exists",
        "detail": "The requested action cannot be performed because this item is referenced by an existing \
                   'SessionGradingPeriod' item contained within an 'Session' resource item." });
    let found = diagnosed("DELETE sessions/1", None, 409, body);
    assert_eq!(found.verdict, Verdict::Contradicted);
    assert!(found.explanation.contains("is a collection of the item being deleted"), "{}", found.explanation);
}

#[test]
fn a_descriptor_among_references_is_a_reference_where_the_server_says_so() {
    let found = diagnosed("POST sessions", None, 409, missing("TermDescriptor"));
    assert_eq!((found.code, found.verdict), (Code::UnresolvedReference, Verdict::Confirmed));
    assert_eq!(paths(&found), ["$.termDescriptor"]);
    // Meadowlark lists them among the references.
    let failures = json!([{ "resourceName": "TermDescriptor", "identity": [{ "descriptor": "uri://x#y" }] }]);
    let body = json!({ "error": { "message": "Reference validation failed", "failures": failures } });
    let found = diagnosed("POST sessions", None, 409, body);
    assert_eq!((found.code, found.verdict), (Code::DescriptorValueMissing, Verdict::Confirmed));
}

#[test]
fn a_name_of_two_resources_is_no_unknown_one() {
    let found = by("ed-fi-5.2+homograph", "POST staffs", None, 409, missing("Student"));
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert!(found.explanation.contains("/ed-fi/staffs and /homograph/staffs"), "{}", found.explanation);
    let found = by("ed-fi-5.2+homograph", "POST /homograph/studentSchoolAssociations", None, 409, missing("School"));
    assert_eq!((found.verdict, found.references[0].target.as_str()), (Verdict::Confirmed, "/homograph/schools"));
}

#[test]
fn a_resource_of_a_project_that_the_graph_lacks_is_none_of_its_own() {
    for request in [
        "POST /homograph/studentSchoolAssociations",
        "POST /data/v3/homograph/studentSchoolAssociations",
        "POST https://host/base/school/data/v3/2026/homograph/studentSchoolAssociations",
        "PUT homograph/studentSchoolAssociations/1",
    ] {
        let found = diagnosed(request, None, 409, missing("School"));
        assert_eq!(found.verdict, Verdict::Inconclusive, "{request} {found:#?}");
        let said = "no resource '/homograph/studentSchoolAssociations'.";
        assert!(found.explanation.contains(said), "{}", found.explanation);
    }
    // A tenant may be called like a resource.
    let found = diagnosed("POST /school/data/v3/tpdm/candidates", None, 409, missing("School"));
    assert_eq!(found.resource.as_deref(), Some("/school/data/v3/tpdm/candidates"));
    for request in ["POST students", "PUT students/1", "POST https://host/students", "PUT /data/v3/2026/students/1"] {
        let found = diagnosed(request, None, 409, missing("Person"));
        assert_eq!(found.resource.as_deref(), Some("/ed-fi/students"), "{request}");
    }
}

#[test]
fn a_path_to_an_item_has_the_other_names_of_its_resource_as_well() {
    for request in ["PUT /ed-fi/parents/1", "DELETE /data/v3/ed-fi/parents/abc", "PUT https://host/ed-fi/Parent/1"] {
        let found = diagnosed(request, None, 409, missing("Person"));
        assert_eq!(found.resource.as_deref(), Some("/ed-fi/contacts"), "{request}");
    }
    let found = diagnosed("PUT /ed-fi/nothings/4f2c", None, 409, missing("Person"));
    assert!(found.explanation.contains("no resource '/ed-fi/nothings'."), "{}", found.explanation);
}

#[test]
fn collections_of_older_servers_carry_the_name_of_their_owner() {
    let invalid = |request: &str, path: &str, message: &str, record: Option<Value>| {
        diagnosed(
            request,
            record,
            400,
            json!({ "message": "The request is invalid.", "modelState": { path: [message] } }),
        )
    };
    for path in ["request.StaffAddresses[0].City", "request.Addresses[0].City", "$.staffAddresses[0].city"] {
        let found = invalid("POST staffs", path, "City is required.", None);
        assert!(found.explanation.contains("staffs requires $.addresses[*].city"), "{path}: {}", found.explanation);
    }
    // Of the superclass, and in one another.
    for (request, path, needed) in [
        ("POST schools", "request.EducationOrganizationAddresses[0].City", "$.addresses[*].city"),
        (
            "POST staffs",
            "request.StaffAddresses[0].StaffAddressPeriods[1].BeginDate",
            "$.addresses[*].periods[*].beginDate",
        ),
    ] {
        let found = invalid(request, path, "Required", None);
        assert!(found.explanation.contains(&format!("requires {needed}")), "{path}: {}", found.explanation);
    }
    let message = "ClassPeriodReference is missing the following properties: ClassPeriodName";
    let path = "request.BellScheduleClassPeriods[1].ClassPeriodReference";
    let found = invalid("POST bellSchedules", path, message, None);
    assert_eq!(paths(&found), ["$.classPeriods[*].classPeriodReference"]);
    let periods = json!([{ "classPeriodReference": { "classPeriodName": "1", "schoolId": 1 } },
                         { "classPeriodReference": { "schoolId": 1 } }]);
    let found = invalid("POST bellSchedules", path, message, Some(json!({ "classPeriods": periods })));
    assert_eq!(paths(&found), ["$.classPeriods[1].classPeriodReference"]);
    // What the server wrote stays what it wrote.
    assert_eq!(found.missing_fields, ["$.bellScheduleClassPeriods[1].classPeriodReference.classPeriodName"]);
    let found = invalid("POST staffs", "request.StudentAddresses[0].City", "City is required.", None);
    assert!(found.explanation.contains("does not list"), "{}", found.explanation);
}

#[test]
fn only_a_server_that_names_one_hides_the_others() {
    let record =
        json!({ "studentReference": { "studentUniqueId": "S" }, "sectionReference": { "sectionIdentifier": "1" } });
    let others = |body: Value| {
        let found = diagnosed("POST studentSectionAssociations", Some(record.clone()), 409, body);
        assert_eq!(found.verdict, Verdict::Confirmed);
        notes(&found).contains("the record also refers to")
    };
    assert!(others(missing("Student")));
    assert!(!others(missing_at("$.studentReference", "The referenced Student item does not exist.")));
    let kind = "urn:ed-fi:api:data-conflict:unresolved-reference";
    assert!(!others(json!({ "type": kind, "detail": "The referenced Student item(s) do not exist." })));
    let blocked = |detail: &str| {
        let kind = "urn:ed-fi:api:data-conflict:dependent-item-exists";
        let detail = format!("The requested action cannot be performed because this item is referenced by {detail}.");
        notes(&diagnosed("DELETE students/1", None, 409, json!({ "type": kind, "detail": detail })))
    };
    assert!(blocked("an existing 'Grade' item").contains("names one blocker at a time"));
    assert!(blocked("existing Grade item(s)").contains("A DMS from 8 on names one blocker at a time"));
    let both = blocked("existing StudentSchoolAssociation, StudentProgramAssociation item(s)");
    assert!(!both.contains("one blocker at a time"), "{both}");
}

#[test]
fn no_record_helps_a_client_without_an_education_organization() {
    let hint = "Access to the requested data could not be authorized. Hint: You may need to create a corresponding \
                'StudentSchoolAssociation' item.";
    let denied = |claims: &str| {
        let error = format!(
            "No relationships have been established between the caller's education organization id claims ({claims}) \
             and the resource item's 'StudentUniqueId' value."
        );
        let body = json!({ "type": "urn:ed-fi:api:security:authorization", "detail": hint, "errors": [error] });
        diagnosed("POST grades", None, 403, body)
    };
    assert_eq!(denied("1, 2").verdict, Verdict::Confirmed);
    let found = denied("none");
    assert_eq!((found.code, found.verdict), (Code::RelationshipMissing, Verdict::NotADependencyMatter));
    assert_eq!(found.remedy.notes, ["Have the host assign the client its education organizations."]);
    assert!(found.remedy.load.is_empty());
}

#[test]
fn a_value_of_another_descriptor_is_a_uri_all_the_same() {
    let told = |value: &str| {
        let said = format!("GradeLevelDescriptor value '{value}' is not a valid GradeLevelDescriptor.");
        let kind = "urn:ed-fi:api:bad-request";
        let path = "$.entryGradeLevelDescriptor";
        let body = json!({ "type": kind, "detail": "Data validation failed.", "validationErrors": { path: [said] } });
        let found = diagnosed("POST studentSchoolAssociations", None, 400, body);
        assert_eq!((found.code, found.verdict), (Code::DescriptorValueMissing, Verdict::NotADependencyMatter));
        (found.explanation.contains("is no descriptor URI"), notes(&found))
    };
    assert_eq!(told("Ninth grade"), (true, "Send a descriptor as namespace#codeValue.".to_owned()));
    let (no_uri, advice) = told("uri://ed-fi.org/TermDescriptor#Ninth grade");
    assert!(!no_uri && advice.starts_with("Correct the mapping"), "{advice}");
}

#[test]
fn the_only_reference_of_a_resource_is_what_a_nameless_message_means() {
    let nameless = json!({ "message": "The value supplied for a related resource does not exist." });
    let found = diagnosed("POST academicWeeks", None, 409, nameless.clone());
    assert_eq!((found.verdict, paths(&found)), (Verdict::Confirmed, vec!["$.schoolReference"]));
    assert!(found.explanation.contains("the only reference of academicWeeks is"), "{}", found.explanation);
    assert_eq!(diagnosed("POST sessions", None, 409, nameless).verdict, Verdict::Ambiguous);
}

#[test]
fn the_table_of_the_superclass_is_written_before_any_reference_is_looked_at() {
    let named = |request: &str, table: &str| {
        let message = format!("The value supplied for the related '{table}' resource does not exist.");
        diagnosed(request, None, 409, json!({ "message": message }))
    };
    for request in ["POST schools", "POST localEducationAgencies"] {
        let found = named(request, "educationorganization");
        assert_eq!(found.verdict, Verdict::Contradicted, "{found:#?}");
        assert!(found.explanation.contains("the superclass of what is being written"), "{}", found.explanation);
    }
    // A reference to any of the subclasses may be what fails.
    let found = named("POST organizationDepartments", "educationorganization");
    assert_eq!(found.verdict, Verdict::Ambiguous);
    assert_eq!(named("POST organizationDepartments", "EducationOrganization").verdict, Verdict::Confirmed);
}

#[test]
fn a_path_to_another_target_contradicts_the_name() {
    let body = missing_at("$.schoolReference", "The referenced Student item does not exist.");
    let found = diagnosed("POST studentSchoolAssociations", None, 409, body);
    assert_eq!(found.verdict, Verdict::Contradicted);
    assert!(found.explanation.contains("path $.schoolReference leads to schools here"), "{}", found.explanation);
    assert!(paths(&found).contains(&"$.schoolReference") && found.remedy.load.is_empty(), "{found:#?}");
}

#[test]
fn a_table_that_the_metadata_does_not_name_belongs_to_the_resource_it_is_called_after() {
    let table = |table: &str| {
        let message = format!("The value supplied for the related '{table}' resource does not exist.");
        diagnosed("POST educationContents", None, 409, json!({ "message": message }))
    };
    let found = table("educationcontentderivativesourceeducationcontent");
    assert_eq!(found.verdict, Verdict::Contradicted);
    assert!(found.explanation.contains("is its own collection"), "{}", found.explanation);
    // Called after another resource, or after none.
    for name in ["studentnothing", "nothing"] {
        assert_eq!(table(name).verdict, Verdict::Inconclusive, "{name}");
    }
    let body = json!({ "type": "urn:ed-fi:api:data-conflict:dependent-item-exists", "detail":
        "The requested action cannot be performed because this item is referenced by an existing 'StudentNothing' item." });
    let found = diagnosed("DELETE schools/1", None, 409, body);
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert!(found.explanation.contains("or it is a collection of students"), "{}", found.explanation);
}

#[test]
fn what_is_no_person_is_never_said_to_be_resolved() {
    let message = |name: &str| {
        let message = format!("Validation of 'X' failed.\n\t{name} reference could not be resolved.");
        diagnosed("POST studentSectionAssociations", None, 400, json!({ "message": message })).explanation
    };
    assert!(message("Section").contains("of anything but people"), "{}", message("Section"));
    assert!(!message("Student").contains("of anything but people"), "{}", message("Student"));
}

#[test]
fn a_person_that_is_to_be_deleted_is_not_updated() {
    let body = json!({ "type": "urn:ed-fi:api:security:authorization", "detail":
        "Access to the requested data could not be authorized. Hint: You may need to create a corresponding \
         'StudentSchoolAssociation' item." });
    let found = diagnosed("DELETE students/1", None, 403, body);
    assert!(notes(&found).contains("Then delete it again.") && !notes(&found).contains("update"), "{}", notes(&found));
}

#[test]
fn evidence_has_what_the_message_has() {
    // A descriptor within a reference, at its own path.
    let said = "TermDescriptor value 'uri://x#y' does not exist.";
    let path = "$.studentAcademicRecordReference.termDescriptor";
    let body = json!({ "type": "urn:ed-fi:api:bad-request", "detail": "Data validation failed.",
                       "validationErrors": { path: [said] } });
    let found = diagnosed("POST courseTranscripts", None, 400, body);
    assert_eq!((found.verdict, paths(&found)), (Verdict::Confirmed, vec![path]));
    assert_eq!(found.references[0].target, "/ed-fi/termDescriptors");
    // A descriptor by the role that it has.
    let message = "Validation of 'Course' failed.\n\tMaximumAvailableCreditTypeDescriptorId is required.";
    let found = diagnosed("POST courses", None, 400, json!({ "message": message }));
    assert_eq!(found.entities, ["/ed-fi/creditTypeDescriptors"], "{found:#?}");
    // Blockers by their URIs.
    let error = json!({ "message": "The resource cannot be deleted because it is a dependency of other documents",
                        "blockingUris": ["/v3.3b/ed-fi/sessions/1"] });
    let found = diagnosed("DELETE schools/1", None, 409, json!({ "error": error }));
    assert_eq!((found.verdict, found.entities.as_slice()), (Verdict::Confirmed, &["/ed-fi/sessions".to_owned()][..]));
    assert_eq!(paths(&found), ["/ed-fi/sessions.schoolReference"]);
    // One reference is one, whatever it lacks.
    let message = "SessionReference is missing the following properties: SchoolYear, SessionName";
    let body = json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed",
                       "validationErrors": { "$.sessionReference": [message] } });
    let found = diagnosed("POST courseOfferings", None, 400, body);
    assert_eq!(paths(&found), ["$.sessionReference"]);
}
