//! ODS/API 7.2 on: problem details without members that do not apply.

use edfi_plan::diagnosis::Code;
use serde_json::json;

use super::{Ambiguous, Confirmed, DENIED, Elsewhere, FAILED, Inconclusive, NONE, Row, all, invalid, ods};

#[test]
fn unresolved_references() {
    let code = Code::UnresolvedReference;
    let kind = "data-conflict:unresolved-reference";
    let enrollments = "POST studentSchoolAssociations";
    all(&[
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
    let requested = |by: &str| ods(kind, &format!("The requested action cannot be performed because this {by}."), &[]);
    let delete = "DELETE sections/1";
    all(&[
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
        other(required, "$.nameOfInstitution", "NameOfInstitution is required."),
        other(required, "$.nameOfInstitution", "NameOfInstitution is required and should not be left empty."),
        other(required, "$.addresses[1].city", "Value is required."),
        other(required, "$.localEducationAgencyReference", "LocalEducationAgencyReference is required."),
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
    all(&[
        (
            grades,
            403,
            ods(
                &kind(""),
                &format!("{DENIED} Hint: You may need to create a corresponding 'StudentSchoolAssociation' item."),
                &[&format!("{NONE} claims (1, 2, 3, 4, 5, ...) and the resource item's 'StudentUniqueId' value.")],
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
                &[&format!("{NONE} claim (1) and the resource item's 'StudentUniqueId' value.")],
            ),
            relationship,
            Confirmed,
            &["StudentEducationOrganizationResponsibilityAssociation"],
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
        (grades, 403, json!({}), Code::Unknown, Inconclusive, &[]),
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
            "POST sections",
            400,
            json!({ "type": "urn:ed-fi:api:bad-request:data-validation-failed", "detail": FAILED, "validationErrors": {
            "$.courseOfferingReference.schoolId": ["All values supplied for 'schoolId' must match. Review all references (including those higher up in the resource's data) and align the following conflicting values: '1', '2'"] } }),
            unified,
            Elsewhere,
            &[],
        ),
    ]);
}
