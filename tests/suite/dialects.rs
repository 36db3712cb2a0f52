//! The same small standard as each kind of server describes it.

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{Reference, Resource};
use edfi_plan::source::{self, Document};

use crate::fixtures;

/// Resources without what a dialect cannot tell, extension names without case.
fn comparable(graph: &DependencyGraph) -> Vec<Resource> {
    let folded = |r: &Reference| Reference { path: r.path.replace("TPDM", "tpdm").into(), ..r.clone() };
    let resources = graph.model().resources.iter();
    resources.map(|r| Resource { references: r.references.iter().map(folded).collect(), ..r.clone() }).collect()
}

#[test]
fn four_dialects_give_one_graph() {
    let ods = fixtures::graph(&fixtures::small("ods"));
    for dialect in ["swagger2", "dms", "metaed"] {
        let other = fixtures::graph(&fixtures::small(dialect));
        assert_eq!(comparable(&ods), comparable(&other), "{dialect}");
        assert_eq!(ods.abstracts(), other.abstracts(), "{dialect}");
        for id in ods.ids() {
            assert_eq!(ods.details(id).key, other.details(id).key, "{dialect} {}", ods.name(id));
        }
    }
}

#[test]
fn what_the_documents_of_an_ods_say() {
    let graph = fixtures::graph(&fixtures::small("ods"));
    let association = graph.model().resource(&"/ed-fi/studentSchoolAssociations".parse().unwrap()).unwrap();
    let lines: Vec<String> = association
        .references
        .iter()
        .map(|r| format!("{} {:?} required={} identifying={}", r.path, r.target, r.required, r.identifying))
        .collect();
    assert_eq!(
        lines,
        [
            "$.calendarReference Resource(/ed-fi/calendars) required=false identifying=false",
            "$.entryGradeLevelDescriptor Resource(/ed-fi/gradeLevelDescriptors) required=true identifying=false",
            "$.exitSchoolYearTypeReference Resource(/ed-fi/schoolYearTypes) required=false identifying=false",
            "$.schoolReference Resource(/ed-fi/schools) required=true identifying=true",
            "$.studentReference Resource(/ed-fi/students) required=true identifying=true",
        ]
    );
}

#[test]
fn an_extension_left_out_takes_its_blocks_along() {
    let model = source::read(&fixtures::small("dms"), &["TPDM".to_owned()]).unwrap();
    assert!(model.resources.iter().all(|r| r.name.is_core()));
    assert!(model.resources.iter().flat_map(|r| &r.references).all(|r| r.extension().is_none()));
}

#[test]
fn resources_alone_say_what_is_unresolved() {
    let [resources, _] = fixtures::small("ods");
    let graph = fixtures::graph(&[resources]);
    assert_eq!(
        graph.ids().flat_map(|id| graph.unresolved(id).map(|(_, name)| name.to_string())).collect::<Vec<_>>(),
        [
            "stateAbbreviationDescriptor",
            "pathwayDescriptor",
            "stateAbbreviationDescriptor",
            "gradeLevelDescriptor",
            "entryGradeLevelDescriptor",
            "birthStateAbbreviationDescriptor",
        ]
    );
    assert!(graph.metadata().limits.iter().any(|limit| limit.contains("no descriptors document")));
}

/// Ways to write a reference that no server of today uses, but the format allows.
#[test]
fn references_in_other_words() {
    let document = r##"{"openapi":"3.1.0","info":{"title":"t","version":"3"},
        "paths":{"/ed-fi/students":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/edFi_student"}}}}}},
            "/ed-fi/students/{id}":{},
            "/ed-fi/schools":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/edFi_school"}}}}}},
            "/ed-fi/schools/{id}":{}},
        "components":{"schemas":{
            "edFi_school":{"type":"object","properties":{"schoolId":{"type":["integer","null"]}},"required":["schoolId"]},
            "edFi_schoolReference":{"type":"object","properties":{"schoolId":{"type":"integer"}}},
            "edFi_base":{"type":"object","required":["schoolReference"],"properties":{"schoolReference":{"$ref":"#/components/schemas/edFi_schoolReference"}}},
            "edFi_student":{"allOf":[{"$ref":"#/components/schemas/edFi_base"},{"type":"object","properties":{
                "homeSchool":{"$ref":"#/components/schemas/edFi_schoolReference"},
                "lastSchoolReference":{"anyOf":[{"$ref":"#/components/schemas/edFi_schoolReference"},{"type":"null"}]},
                "otherSchools":{"type":"array","items":{"$ref":"#/components/schemas/edFi_schoolReference"}}}}]}}}}"##;
    let graph = fixtures::graph(&[Document { name: "d".to_owned(), bytes: document.as_bytes().to_vec() }]);
    let students = graph.model().resource(&"/ed-fi/students".parse().unwrap()).unwrap();
    let found: Vec<(&str, bool)> = students.references.iter().map(|r| (r.path.as_str(), r.required)).collect();
    assert_eq!(
        found,
        [
            ("$.homeSchool", false),
            ("$.lastSchoolReference", false),
            ("$.otherSchools[*]", false),
            ("$.schoolReference", true)
        ]
    );
}

#[test]
fn the_update_of_a_record_says_whether_its_key_may_change() {
    const FIXED: &str = "this resource is not configured for cascading natural key updates";
    const CASCADES: &str = "those changes will be applied and will also cascade through to dependent resources";
    let read = |fixed: [&str; 2], update: serde_json::Value| {
        let [mut resources, descriptors] = fixtures::small("ods");
        let mut document: serde_json::Value = serde_json::from_slice(&resources.bytes).unwrap();
        for path in fixed {
            document["paths"][path]["put"] = serde_json::json!({ "description": FIXED });
        }
        document["paths"]["/ed-fi/calendars/{id}"]["put"] = update;
        resources.bytes = serde_json::to_vec(&document).unwrap();
        let graph = fixtures::graph(&[resources, descriptors]);
        ["/ed-fi/schools", "/ed-fi/calendars", "/ed-fi/students"]
            .map(|name| graph.model().details(&name.parse().unwrap()).key_may_change)
    };
    let fixed = ["/ed-fi/schools/{id}", "/ed-fi/students/{id}"];
    let told = [Some(false), Some(true), Some(false)];
    assert_eq!(read(fixed, serde_json::json!({ "description": CASCADES })), told);
    // DMS has one text for all and flags those that may change.
    assert_eq!(read(fixed, serde_json::json!({ "description": FIXED, "x-Ed-Fi-isUpdatable": true })), told);
    // MetaEd has one text for all and flags none: it tells nothing.
    assert_eq!(read(fixed, serde_json::json!({ "description": FIXED })), [None; 3]);
    assert_eq!(read(fixed, serde_json::Value::Null), [None; 3]);
    // A text that is null is none.
    assert_eq!(read(fixed, serde_json::json!({ "description": null })), read(fixed, serde_json::json!({})));
    assert_eq!(read(fixed, serde_json::json!({ "description": null, "x-Ed-Fi-isUpdatable": true })), told);
}
