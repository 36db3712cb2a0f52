//! The Data Management Service: problem details whose members are always there.

use edfi_plan::diagnosis::Code;
use serde_json::json;

use super::{Ambiguous, Confirmed, DENIED, Elsewhere, FAILED, NONE, all, dms};

#[test]
fn unresolved_references() {
    let code = Code::UnresolvedReference;
    let kind = "data-conflict:unresolved-reference";
    all(&[
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
    ]);
}

#[test]
fn blocked_deletes() {
    let code = Code::DependentExists;
    let kind = "data-conflict:dependent-item-exists";
    all(&[
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
    ]);
}

#[test]
fn required_fields_and_values() {
    let (required, descriptor) = (Code::RequiredFieldMissing, Code::DescriptorValueMissing);
    let at = "$.gradeLevels[0].gradeLevelDescriptor";
    all(&[
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
    ]);
}

#[test]
fn authorization() {
    let (relationship, other) = (Code::RelationshipMissing, Code::AuthorizationOther);
    let grades = "POST studentAcademicRecords";
    let kind = |suffix: &str| format!("security:authorization{suffix}");
    all(&[
        // DMS up to 0.7: a colon at the end of the type, ids in quotes, names without.
        (
            grades,
            403,
            dms(
                &kind(":"),
                "Access to the resource could not be authorized. Hint: You may need to create a corresponding 'StudentSchoolAssociation' item.",
                &[&format!("{NONE} claims ('255901') and the resource item's StudentUniqueId value.")],
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
                &[&format!("{NONE} claims ('255901') and the resource item's ParentEducationOrganization value.")],
                json!({}),
            ),
            relationship,
            Elsewhere,
            &[],
        ),
        (
            "GET classPeriods/1",
            403,
            dms(&kind(""), DENIED, &[&format!("{NONE} claims (none) and the requested resource.")], json!({})),
            relationship,
            Elsewhere,
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
        (grades, 401, dms("unauthorized", "x", &[], json!({})), Code::Authentication, Elsewhere, &[]),
    ]);
}

#[test]
fn keys() {
    let (identity, change) = (Code::IdentityConflict, Code::KeyChangeNotSupported);
    let taken = "The identifying value(s) of the item are the same as another item that already exists.";
    all(&[
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
    ]);
}
