//! Meadowlark: an error with failures or URIs.

use edfi_plan::diagnosis::Code;
use serde_json::json;

use super::{Confirmed, Elsewhere, all, meadowlark};

#[test]
fn unresolved_references() {
    let code = Code::UnresolvedReference;
    all(&[(
        "POST sections",
        409,
        meadowlark(json!({ "message": "Reference validation failed",
                "failures": [{ "resourceName": "CourseOffering", "identity": [{ "localCourseCode": "A" }] },
                             { "resourceName": "ClassPeriod", "identity": [{ "classPeriodName": "1" }] }] })),
        code,
        Confirmed,
        &["CourseOffering", "ClassPeriod"],
    )]);
}

#[test]
fn blocked_deletes() {
    let code = Code::DependentExists;
    all(&[(
        "DELETE students/1",
        409,
        meadowlark(json!({ "message": "The resource cannot be deleted because it is a dependency of other documents",
                               "blockingUris": ["/local/v3.3b/ed-fi/studentSchoolAssociations/aa-bb"] })),
        code,
        Confirmed,
        &[],
    )]);
}

#[test]
fn required_fields_and_values() {
    let (required, descriptor) = (Code::RequiredFieldMissing, Code::DescriptorValueMissing);
    all(&[
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
    ]);
}

#[test]
fn keys() {
    let (identity, change, unified) =
        (Code::IdentityConflict, Code::KeyChangeNotSupported, Code::KeyUnificationConflict);
    all(&[
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
            meadowlark(json!({ "message": "The identity fields of the document cannot be modified" })),
            change,
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
