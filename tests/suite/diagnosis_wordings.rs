//! Every wording of every server: one body of our own for each shape, version and sentence there is.
//!
//! What a row expects follows from what the sentence means, not from what the program answers.

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
fn unresolved_references() {
    let code = Code::UnresolvedReference;
    let kind = "data-conflict:unresolved-reference";
    let enrollments = "POST studentSchoolAssociations";
    all(&[
        (
            enrollments,
            400,
            legacy(
                "Validation of 'StudentSchoolAssociation' failed.\r\n\tStudent reference could not be resolved.\r\n",
            ),
            code,
            Confirmed,
            &["Student"],
        ),
        (
            "POST studentAcademicRecords",
            400,
            json!({ "message": "The request is invalid.",
                    "modelState": { "request.Student": ["Student reference could not be resolved."] } }),
            code,
            Confirmed,
            &["Student"],
        ),
        (
            enrollments,
            409,
            legacy("The value supplied for the related 'school' resource does not exist."),
            code,
            Confirmed,
            &["school"],
        ),
        (
            enrollments,
            409,
            legacy("The value supplied for the related 'School' resource does not exist."),
            code,
            Confirmed,
            &["School"],
        ),
        (
            "POST sections",
            409,
            legacy("The value supplied for the related 'sectioncharacteristic' resource does not exist."),
            code,
            Contradicted,
            &["sectioncharacteristic"],
        ),
        // Cut at 63 characters.
        (
            "POST studentSpecialEducationProgramAssociations",
            409,
            legacy(
                "The value supplied for the related \
                 'studentspecialeducationprogramassociationspecialeducationprogra' resource does not exist.",
            ),
            code,
            Contradicted,
            &["studentspecialeducationprogramassociationspecialeducationprogra"],
        ),
        (enrollments, 409, legacy("The value supplied for a related resource does not exist."), code, Ambiguous, &[]),
        (
            enrollments,
            409,
            legacy("Access to the resource item could not be authorized because the 'Student' was not found."),
            code,
            Confirmed,
            &["Student"],
        ),
        (
            enrollments,
            409,
            ods(kind, "The referenced 'School' item does not exist.", &[]),
            code,
            Confirmed,
            &["School"],
        ),
        (enrollments, 409, ods(kind, "A referenced item does not exist.", &[]), code, Ambiguous, &[]),
        (
            "POST courseOfferings",
            409,
            dms(kind, "The referenced Course, Session item(s) do not exist.", &[], json!({})),
            code,
            Confirmed,
            &["Course", "Session"],
        ),
        (
            "POST bellSchedules",
            409,
            dms(
                kind,
                "One or more references could not be resolved. See 'validationErrors' for details.",
                &[],
                json!({ "$.classPeriods[0].classPeriodReference": ["The referenced ClassPeriod item does not exist."],
                        "$.schoolReference": ["The referenced School item does not exist."] }),
            ),
            code,
            Confirmed,
            &["ClassPeriod", "School"],
        ),
        (
            "POST courses",
            409,
            dms(
                kind,
                "One or more references could not be resolved. See 'validationErrors' for details.",
                &[],
                json!({ "$.educationOrganizationReference":
                        ["The referenced EducationOrganization item is not compatible with this reference."] }),
            ),
            code,
            Confirmed,
            &["EducationOrganization"],
        ),
        (
            "POST sections",
            409,
            meadowlark(json!({ "message": "Reference validation failed",
                "failures": [{ "resourceName": "CourseOffering", "identity": [{ "localCourseCode": "A" }] },
                             { "resourceName": "ClassPeriod", "identity": [{ "classPeriodName": "1" }] }] })),
            code,
            Confirmed,
            &["CourseOffering", "ClassPeriod"],
        ),
        // Role-named school years and another's extension.
        (
            "POST graduationPlans",
            409,
            dms(
                kind,
                "One or more references could not be resolved. See 'validationErrors' for details.",
                &[],
                json!({ "$.graduationSchoolYearTypeReference": ["The referenced SchoolYearType item does not exist."] }),
            ),
            code,
            Confirmed,
            &["SchoolYearType"],
        ),
        (
            "POST sections",
            409,
            ods(kind, "The referenced 'Bus' item does not exist.", &[]),
            code,
            Inconclusive,
            &["Bus"],
        ),
    ]);
}

#[test]
fn blocked_deletes() {
    let code = Code::DependentExists;
    let kind = "data-conflict:dependent-item-exists";
    let blocked = |by: &str| {
        legacy(&format!(
            "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency of {by}."
        ))
    };
    let requested = |by: &str| ods(kind, &format!("The requested action cannot be performed because this {by}."), &[]);
    let delete = "DELETE sections/1";
    all(&[
        (
            delete,
            409,
            blocked("the 'studentSectionAssociation' entity"),
            code,
            Confirmed,
            &["studentSectionAssociation"],
        ),
        (
            "DELETE schools/1",
            409,
            blocked("the 'schoolId' value of the 'classPeriod' entity"),
            code,
            Confirmed,
            &["classPeriod"],
        ),
        (delete, 409, blocked("the 'unknown' value of the 'section' entity"), code, Contradicted, &["section"]),
        (
            delete,
            409,
            blocked("the 'localcoursecode, schoolid' value of the 'grade' entity"),
            code,
            Contradicted,
            &["grade"],
        ),
        (delete, 409, blocked("another entity"), code, Ambiguous, &[]),
        (
            delete,
            409,
            requested("item is referenced by an existing 'StudentSectionAssociation' item"),
            code,
            Confirmed,
            &["StudentSectionAssociation"],
        ),
        (
            delete,
            409,
            requested("data item is referenced by an existing 'StudentSectionAssociation' data item"),
            code,
            Confirmed,
            &["StudentSectionAssociation"],
        ),
        (delete, 409, requested("item is referenced by another item"), code, Ambiguous, &[]),
        (delete, 409, requested("data item is referenced by another data item"), code, Ambiguous, &[]),
        (
            "DELETE classPeriods/1",
            409,
            requested(
                "item is referenced by an existing 'SectionClassPeriod' item contained within an 'Section' resource item",
            ),
            code,
            Confirmed,
            &["SectionClassPeriod", "Section"],
        ),
        (
            "DELETE programs/1",
            409,
            requested("item is referenced by an existing 'GeneralStudentProgramAssociation' item"),
            code,
            Confirmed,
            &["GeneralStudentProgramAssociation"],
        ),
        (
            "DELETE programs/1",
            409,
            requested("item is referenced by an existing 'StudentCTEProgramAssociation' item"),
            code,
            Confirmed,
            &["StudentCTEProgramAssociation"],
        ),
        (
            "DELETE students/1",
            409,
            dms(
                kind,
                "The requested action cannot be performed because this item is referenced by existing \
                 StudentSchoolAssociation, StudentSectionAssociation item(s).",
                &[],
                json!({}),
            ),
            code,
            Confirmed,
            &["StudentSchoolAssociation", "StudentSectionAssociation"],
        ),
        (
            "DELETE students/1",
            409,
            dms(
                kind,
                "The requested action cannot be performed because this item is referenced by existing item(s).",
                &[],
                json!({}),
            ),
            code,
            Ambiguous,
            &[],
        ),
        (
            "DELETE students/1",
            409,
            meadowlark(
                json!({ "message": "The resource cannot be deleted because it is a dependency of other documents",
                               "blockingUris": ["/local/v3.3b/ed-fi/studentSchoolAssociations/aa-bb"] }),
            ),
            code,
            Confirmed,
            &[],
        ),
    ]);
}

#[test]
fn required_fields_and_values() {
    let (required, value, descriptor) =
        (Code::RequiredFieldMissing, Code::DataValidation, Code::DescriptorValueMissing);
    let at = "$.gradeLevels[0].gradeLevelDescriptor";
    let other = |code: Code, path: &str, message: &str| -> Row {
        ("POST schools", 400, invalid(path, message), code, Elsewhere, &[])
    };
    all(&[
        (
            "POST academicWeeks",
            400,
            legacy("Validation of 'AcademicWeek' failed.\n\tWeekIdentifier is required."),
            required,
            Elsewhere,
            &[],
        ),
        ("POST academicWeeks", 400, legacy("The BeginDate field is required."), required, Elsewhere, &[]),
        (
            "POST academicWeeks",
            400,
            json!({ "message": "The request is invalid.", "modelState": { "request.beginDate": ["Required"] } }),
            required,
            Elsewhere,
            &[],
        ),
        other(required, "$.nameOfInstitution", "NameOfInstitution is required."),
        other(required, "$.nameOfInstitution", "NameOfInstitution is required and should not be left empty."),
        other(required, "$.addresses[1].city", "Value is required."),
        other(required, "$.localEducationAgencyReference", "LocalEducationAgencyReference is required."),
        (
            "POST schools",
            400,
            dms(
                "bad-request:data-validation-failed",
                FAILED,
                &[],
                json!({ "$.petName": ["petName is required."], "$.id": ["id is required."] }),
            ),
            required,
            Elsewhere,
            &[],
        ),
        (
            "POST schools",
            400,
            dms(
                "bad-request",
                "The request could not be processed. See 'errors' for details.",
                &["A non-empty request body is required."],
                json!({}),
            ),
            required,
            Elsewhere,
            &[],
        ),
        (
            "POST schools",
            400,
            meadowlark(
                json!([{ "message": "{requestBody} must have required property 'schoolId'", "path": "{requestBody}", "context": {} }]),
            ),
            required,
            Elsewhere,
            &[],
        ),
        other(
            Code::IncompleteReference,
            "$.localEducationAgencyReference",
            "LocalEducationAgencyReference is missing the following properties: LocalEducationAgencyId",
        ),
        other(value, "$.gradeLevels", "SchoolGradeLevels must have at least one item."),
        other(value, "$.schoolId", "SchoolId value must be different than 0."),
        other(value, "$.nameOfInstitution", "NameOfInstitution cannot contain leading or trailing spaces."),
        other(value, "$.nameOfInstitution", "nameOfInstitution Value should be at most 75 characters"),
        other(value, "$.nameOfInstitution", "NameOfInstitution must be between 2 and 75 characters in length."),
        other(
            value,
            "$.schoolId",
            "Error converting value 99999999999999999999 to type 'System.Int64'. Path 'schoolId', line 1, position 9.",
        ),
        other(
            Code::MalformedBody,
            "$.schoolReference.schoolId",
            "Unexpected character encountered while parsing value: }. Path 'schoolReference.schoolId', line 3, position 8.",
        ),
        other(
            Code::DuplicateItem,
            "$.gradeLevels",
            "The 2nd item of the SchoolGradeLevels has the same identifying values as another item earlier in the list.",
        ),
        // Descriptor values.
        (
            "POST schools",
            400,
            legacy(
                "Unable to resolve value 'uri://a/GradeLevelDescriptor#b' to an existing 'GradeLevelDescriptor' resource.",
            ),
            descriptor,
            Confirmed,
            &["GradeLevelDescriptor"],
        ),
        (
            "POST schools",
            400,
            legacy("Validation of 'School' failed.\n\tCharterStatusDescriptorId is required."),
            descriptor,
            Confirmed,
            &["CharterStatusDescriptor"],
        ),
        (
            "POST schools",
            400,
            invalid(at, "GradeLevelDescriptor value 'uri://a#b' does not exist."),
            descriptor,
            Confirmed,
            &["GradeLevelDescriptor"],
        ),
        (
            "POST schools",
            400,
            invalid(
                at,
                "GradeLevelDescriptor value 'Ninth' is not a valid value for use as a descriptor (a '#' is expected to delineate the namespace and code value portions).",
            ),
            descriptor,
            Elsewhere,
            &["GradeLevelDescriptor"],
        ),
        (
            "POST schools",
            400,
            dms(
                "bad-request",
                FAILED,
                &[],
                json!({ at: ["GradeLevelDescriptor value 'uri://ed-fi.org/termdescriptor#fall' is not a valid GradeLevelDescriptor."] }),
            ),
            descriptor,
            Elsewhere,
            &["GradeLevelDescriptor"],
        ),
        (
            "POST schools",
            409,
            meadowlark(
                json!({ "message": "Reference validation failed", "failures": [{ "resourceName": "GradeLevelDescriptor", "identity": [{ "descriptor": "uri://a#b" }] }] }),
            ),
            descriptor,
            Confirmed,
            &["GradeLevelDescriptor"],
        ),
        // One field error beside a value that does not exist.
        (
            "POST schools",
            400,
            json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "detail": FAILED, "validationErrors": {
                at: ["GradeLevelDescriptor value 'uri://a#b' does not exist."], "$.schoolId": ["SchoolId is required."] } }),
            descriptor,
            Confirmed,
            &["GradeLevelDescriptor"],
        ),
    ]);
}

#[test]
fn authorization() {
    let (relationship, other) = (Code::RelationshipMissing, Code::AuthorizationOther);
    let grades = "POST studentAcademicRecords";
    let kind = |suffix: &str| format!("security:authorization{suffix}");
    let none = "No relationships have been established between the caller's education organization id";
    all(&[
        (
            "GET students/1",
            403,
            legacy(
                "Authorization denied.  The claim does not have any established relationships with the requested resource.",
            ),
            relationship,
            Ambiguous,
            &[],
        ),
        (
            grades,
            403,
            legacy(&format!(
                "Authorization denied. {none} claims (255901, 19255901) and the resource item's 'StudentUniqueId' value."
            )),
            relationship,
            Confirmed,
            &[],
        ),
        (
            grades,
            403,
            legacy(&format!(
                "Authorization denied. {none} claim (255901) and one or more of the following properties of the resource item: 'SchoolId', 'StudentUniqueId'."
            )),
            relationship,
            Ambiguous,
            &[],
        ),
        (
            grades,
            403,
            legacy(
                "Authorization denied. Either referenced 'Student' was not found or no relationships have been established between the caller's education organization id claims (255901) and the referenced 'Student'.",
            ),
            relationship,
            Ambiguous,
            &["Student"],
        ),
        (
            grades,
            403,
            ods(
                &kind(""),
                &format!("{DENIED} Hint: You may need to create a corresponding 'StudentSchoolAssociation' item."),
                &[&format!("{none} claims (1, 2, 3, 4, 5, ...) and the resource item's 'StudentUniqueId' value.")],
            ),
            relationship,
            Confirmed,
            &["StudentSchoolAssociation"],
        ),
        (
            "POST studentSectionAssociations",
            403,
            ods(
                &kind(""),
                &format!(
                    "{DENIED} Hint: You may need to create a corresponding 'StudentEducationOrganizationResponsibilityAssociation' item."
                ),
                &[&format!("{none} claims (none) and the resource item's 'StudentUniqueId' value.")],
            ),
            relationship,
            Confirmed,
            &["StudentEducationOrganizationResponsibilityAssociation"],
        ),
        // DMS up to 0.7: a colon at the end of the type, ids in quotes, names without.
        (
            grades,
            403,
            dms(
                &kind(":"),
                "Access to the resource could not be authorized. Hint: You may need to create a corresponding 'StudentSchoolAssociation' item.",
                &[&format!("{none} claims ('255901') and the resource item's StudentUniqueId value.")],
                json!({}),
            ),
            relationship,
            Confirmed,
            &["StudentSchoolAssociation"],
        ),
        (
            "POST classPeriods",
            403,
            dms(
                &kind(":"),
                "Access to the resource could not be authorized.",
                &[&format!("{none} claims ('255901') and the resource item's ParentEducationOrganization value.")],
                json!({}),
            ),
            relationship,
            Elsewhere,
            &[],
        ),
        (
            "GET classPeriods/1",
            403,
            dms(&kind(""), DENIED, &[&format!("{none} claims (none) and the requested resource.")], json!({})),
            relationship,
            Elsewhere,
            &[],
        ),
        // A value that authorization needs.
        (
            grades,
            403,
            legacy(
                "Access to the resource item could not be authorized because the 'SchoolId' of the resource is empty.",
            ),
            relationship,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            ods(
                &kind(":relationships:access-denied:element-required"),
                &format!("{DENIED} The 'StudentUniqueId' value is required for authorization purposes."),
                &[],
            ),
            relationship,
            Ambiguous,
            &[],
        ),
        (
            grades,
            403,
            dms(
                &kind(":relationships:access-denied:element-required"),
                &format!(
                    "{DENIED} The values of one or more of the following properties are required for authorization purposes: 'SchoolId', 'StudentUniqueId'. Hint: You may need to create a corresponding 'StudentSchoolAssociation' item."
                ),
                &[],
                json!({}),
            ),
            relationship,
            Ambiguous,
            &["StudentSchoolAssociation"],
        ),
        (
            "GET studentAcademicRecords/1",
            403,
            dms(
                &kind(":relationships:invalid-data:element-uninitialized"),
                &format!(
                    "{DENIED} The existing values of one or more of the following properties are required for authorization purposes: 'SchoolId', 'LocalEducationAgencyId'."
                ),
                &["The existing resource item is inaccessible to clients using the 'X' authorization strategy."],
                json!({}),
            ),
            relationship,
            Elsewhere,
            &[],
        ),
        // Order helps with none of these.
        (
            "PUT gradeLevelDescriptors/1",
            403,
            ods(
                &kind(":namespace:access-denied:namespace-mismatch"),
                &format!(
                    "{DENIED} The existing 'Namespace' value of the data does not start with any of the caller's associated namespace prefixes ('uri://a', 'uri://b')."
                ),
                &[],
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            "PUT gradeLevelDescriptors/1",
            403,
            ods(
                &kind(":namespace:invalid-data:namespace-uninitialized"),
                &format!("{DENIED} The existing 'Namespace' value has not been assigned."),
                &[],
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            "PUT gradeLevelDescriptors/1",
            403,
            ods(
                &kind(":namespace:invalid-client:no-namespaces"),
                DENIED,
                &["The API client has no namespace prefixes."],
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            ods(
                &kind(":ownership:access-denied:ownership-mismatch"),
                &format!("{DENIED} The item is not owned by the caller."),
                &[],
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            legacy("Access to the resource item could not be authorized using any of the caller's ownership tokens."),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            legacy("Access to the resource item could not be authorized because it has no owner."),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            ods(
                &kind(":access-denied:action"),
                DENIED,
                &[
                    "The API client's assigned claim set (currently 'X') must grant permission of the 'http://ed-fi.org/odsapi/actions/update' action on one of the following resource claims: a, b",
                ],
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            ods(
                &kind(":access-denied:resource"),
                DENIED,
                &[
                    "The API client's assigned claim set (currently 'X') must include one of the following resource claims to provide access to this resource: a",
                ],
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            legacy(
                "Access to the resource could not be authorized. Are you missing a claim? This resource can be authorized by: a",
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            legacy(
                "Access to the resource could not be authorized for the requested action 'http://ed-fi.org/odsapi/actions/create'.",
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            dms(
                &kind(""),
                &format!("{DENIED} Hint: You may need a Student with CTE Course Enrollments."),
                &[
                    "The caller is not authorized to perform the requested operation on the item based on the proposed value of the 'StudentUSI' property of the item.",
                ],
                json!({}),
            ),
            other,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            ods(
                &kind(":custom-view:access-denied:element-required"),
                &format!("{DENIED} The 'StudentUniqueId' value is required for authorization purposes."),
                &[],
            ),
            other,
            Elsewhere,
            &[],
        ),
        (grades, 403, ods("forbidden", "Authorization failed", &["x"]), other, Elsewhere, &[]),
        (grades, 403, json!({}), other, Elsewhere, &[]),
        // Servers that cannot tell whom they serve.
        (
            grades,
            500,
            ods(
                "system:configuration:security",
                "A security configuration problem was detected. The request cannot be authorized.",
                &[],
            ),
            Code::SecurityConfiguration,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            legacy(
                "Unable to authorize the request because there is no authorization support for associating the API client's associated education organization types ('X') with the resource.",
            ),
            Code::SecurityConfiguration,
            Elsewhere,
            &[],
        ),
        (
            grades,
            403,
            legacy("No API key information was available for authorization."),
            Code::Authentication,
            Elsewhere,
            &[],
        ),
        (
            grades,
            401,
            ods(
                "security:authentication",
                "The caller could not be authenticated.",
                &["Authorization header is missing."],
            ),
            Code::Authentication,
            Elsewhere,
            &[],
        ),
        (grades, 401, dms("unauthorized", "x", &[], json!({})), Code::Authentication, Elsewhere, &[]),
    ]);
}

#[test]
fn keys() {
    let (identity, change, unified) =
        (Code::IdentityConflict, Code::KeyChangeNotSupported, Code::KeyUnificationConflict);
    let taken = "The identifying value(s) of the item are the same as another item that already exists.";
    let kind = "data-conflict:non-unique-identity";
    all(&[
        (
            "POST students",
            409,
            legacy(
                "A natural key conflict occurred when attempting to create a new resource 'student' with a duplicate key.  The duplicated columns and values are [studentUniqueId] (1)  This is likely caused by multiple resources with the same key in the same file. Exactly one of these resources was updated.",
            ),
            identity,
            Elsewhere,
            &["student"],
        ),
        (
            "PUT students/1",
            409,
            legacy("A natural key conflict occurred when attempting to update a new resource with a duplicate key."),
            identity,
            Elsewhere,
            &[],
        ),
        // SQL Server lists the columns of the superclass, PostgreSQL names its table.
        (
            "POST schools",
            409,
            legacy(
                "A natural key conflict occurred when attempting to create a new resource 'school' with a duplicate key.  The duplicated columns and values are [educationOrganizationId] (7)",
            ),
            identity,
            Confirmed,
            &["school"],
        ),
        (
            "POST schools",
            409,
            legacy(
                "The value(s) supplied for property 'educationorganizationid' of entity 'educationorganization' is not unique.",
            ),
            identity,
            Confirmed,
            &["educationorganization"],
        ),
        (
            "POST schools",
            409,
            ods(
                kind,
                taken,
                &[
                    "A primary key conflict occurred when attempting to create or update a record in the 'EducationOrganization' table. The duplicate key is (EducationOrganizationId) = (7).",
                ],
            ),
            identity,
            Confirmed,
            &["EducationOrganization"],
        ),
        (
            "POST students",
            409,
            ods(
                kind,
                taken,
                &[
                    "A primary key conflict occurred when attempting to create or update a record in the 'Student' table.",
                ],
            ),
            identity,
            Elsewhere,
            &["Student"],
        ),
        (
            "POST students",
            409,
            ods(
                kind,
                taken,
                &[
                    "The value(s) supplied for properties 'A', 'B' of entity 'StudentIdentificationDocument' are not unique.",
                ],
            ),
            identity,
            Elsewhere,
            &["StudentIdentificationDocument"],
        ),
        (
            "POST students",
            409,
            ods(
                "data-conflict:non-unique-values",
                "A value (or values) in the item must be unique, but another item with these values already exists.",
                &[],
            ),
            identity,
            Elsewhere,
            &[],
        ),
        (
            "POST students",
            409,
            ods(
                "data-conflict",
                "A problem occurred while processing the request.",
                &[
                    "Two StudentIdentificationDocument entities with the same identifier were associated with the session. See log for additional details.",
                ],
            ),
            identity,
            Elsewhere,
            &["StudentIdentificationDocument"],
        ),
        (
            "POST schools",
            409,
            dms(
                "identity-conflict",
                taken,
                &[
                    "A natural key conflict occurred when attempting to create a new resource School with a duplicate key. The duplicate keys and values are (schoolId = 7)",
                ],
                json!({}),
            ),
            identity,
            Ambiguous,
            &["School"],
        ),
        (
            "PUT sessions/1",
            409,
            dms(
                "identity-conflict",
                taken,
                &[
                    "A natural key conflict occurred when attempting to update a resource Session with a duplicate key. The duplicate keys and values are (schoolId = 7),(schoolYear = 2026),(sessionName = Fall)",
                ],
                json!({}),
            ),
            identity,
            Elsewhere,
            &["Session"],
        ),
        // The names are those of the request; the URI has the item that holds the key.
        (
            "POST schools",
            409,
            meadowlark(
                json!({ "message": "Insert failed: the identity is in use by 'School' which is also a(n) 'EducationOrganization'", "blockingUris": ["/v5/ed-fi/localEducationAgencies/aa"] }),
            ),
            identity,
            Confirmed,
            &["School", "EducationOrganization"],
        ),
        (
            "PUT students/1",
            400,
            legacy("Key values for this resource cannot be changed. Delete and recreate the resource item."),
            change,
            Elsewhere,
            &[],
        ),
        (
            "PUT students/1",
            400,
            ods(
                "bad-request:data-validation-failed:key-change-not-supported",
                "Identifying values for the Student data cannot be changed. Delete and recreate the item instead.",
                &[],
            ),
            change,
            Elsewhere,
            &["Student"],
        ),
        (
            "PUT students/1",
            400,
            dms(
                "bad-request:data-validation-failed:key-change-not-supported",
                "Identifying values for the Student resource cannot be changed. Delete and recreate the resource item instead.",
                &[],
                json!({}),
            ),
            change,
            Elsewhere,
            &["Student"],
        ),
        (
            "PUT termDescriptors/1",
            400,
            dms(
                "bad-request:data-validation-failed:key-change-not-supported",
                "Identity of resource 'Ed-Fi.TermDescriptor' cannot be changed. Descriptor identity fields (Namespace, CodeValue) are immutable on PUT.",
                &[],
                json!({}),
            ),
            change,
            Elsewhere,
            &["Ed-Fi.TermDescriptor"],
        ),
        (
            "PUT students/1",
            400,
            meadowlark(json!({ "message": "The identity fields of the document cannot be modified" })),
            change,
            Elsewhere,
            &[],
        ),
        (
            "POST sections",
            400,
            legacy(
                "Supplied values for unified key property 'schoolId' on 'Section' are not consistent: schoolId = 1, courseOfferingReference.schoolId = 2",
            ),
            unified,
            Elsewhere,
            &[],
        ),
        (
            "POST sections",
            400,
            json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "detail": FAILED, "validationErrors": {
            "$.courseOfferingReference.schoolId": ["All values supplied for 'schoolId' must match. Review all references (including those higher up in the resource's data) and align the following conflicting values: '1', '2'"] } }),
            unified,
            Elsewhere,
            &[],
        ),
        (
            "POST sections",
            400,
            meadowlark(
                json!([{ "message": "Constraint failure: document paths $.classPeriods[*].classPeriodReference.schoolId and $.courseOfferingReference.schoolId must have the same values", "path": "{requestBody}" }]),
            ),
            unified,
            Elsewhere,
            &[],
        ),
    ]);
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
        // A sentence may hold one that decides earlier, but never one that decides later.
        assert!(found.code <= template.code, "{sentence}: {} instead of {}", found.code, template.code);
        assert_ne!(found.code, Code::Unknown, "{sentence}");
        if template.server != Server::Unknown && template.server != Server::Meadowlark && found.code == template.code {
            assert_eq!(found.server, template.server, "{sentence}");
        }
    }
}
