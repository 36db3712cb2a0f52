//! ODS/API up to 7.1: a message alone, or a model state.

use edfi_plan::diagnosis::Code;
use serde_json::json;

use super::{Ambiguous, Confirmed, Contradicted, Elsewhere, NONE, all, legacy};

#[test]
fn unresolved_references() {
    let code = Code::UnresolvedReference;
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
    ]);
}

#[test]
fn blocked_deletes() {
    let code = Code::DependentExists;
    let blocked = |by: &str| {
        legacy(&format!(
            "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency of {by}."
        ))
    };
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
    ]);
}

#[test]
fn required_fields_and_values() {
    let (required, descriptor) = (Code::RequiredFieldMissing, Code::DescriptorValueMissing);
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
    ]);
}

#[test]
fn authorization() {
    let (relationship, other) = (Code::RelationshipMissing, Code::AuthorizationOther);
    let grades = "POST studentAcademicRecords";
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
                "Authorization denied. {NONE} claims (255901, 19255901) and the resource item's 'StudentUniqueId' value."
            )),
            relationship,
            Confirmed,
            &[],
        ),
        (
            grades,
            403,
            legacy(&format!(
                "Authorization denied. {NONE} claim (255901) and one or more of the following properties of the resource item: 'SchoolId', 'StudentUniqueId'."
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
    ]);
}

#[test]
fn keys() {
    let (identity, change, unified) =
        (Code::IdentityConflict, Code::KeyChangeNotSupported, Code::KeyUnificationConflict);
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
            "PUT students/1",
            400,
            legacy("Key values for this resource cannot be changed. Delete and recreate the resource item."),
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
    ]);
}
