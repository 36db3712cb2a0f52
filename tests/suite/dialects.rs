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

/// A document of OpenAPI 3 in which each path has a POST of that schema and the path of a record.
fn posting(bodies: &[(&str, &str)], schemas: &serde_json::Value) -> Document {
    let reference = |name: &str| serde_json::json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut paths = serde_json::Map::new();
    for (path, schema) in bodies {
        let body = serde_json::json!({ "content": { "application/json": { "schema": reference(schema) } } });
        paths.insert((*path).to_owned(), serde_json::json!({ "post": { "requestBody": body } }));
        paths.insert(format!("{path}/{{id}}"), serde_json::json!({}));
    }
    document(&serde_json::json!({
        "openapi": "3.0.1", "info": { "title": "t", "version": "3" }, "paths": paths,
        "components": { "schemas": schemas }
    }))
}

fn document(value: &serde_json::Value) -> Document {
    Document { name: "d".to_owned(), bytes: serde_json::to_vec(value).unwrap() }
}

/// The references of a resource, as `path target required`.
fn references(graph: &DependencyGraph, name: &str) -> Vec<String> {
    let resource = graph.model().resource(&name.parse().unwrap()).unwrap_or_else(|| panic!("{name} is not there"));
    let line = |r: &Reference| format!("{} {:?} {}", r.path, r.target, r.required);
    resource.references.iter().map(line).collect()
}

#[test]
fn parts_of_a_schema_are_one_object() {
    /// Writes every object as two parts, and adds an object to every reference.
    fn split(schema: &mut serde_json::Value, apart: fn(serde_json::Value, serde_json::Value) -> serde_json::Value) {
        let Some(object) = schema.as_object_mut() else { return };
        for (name, property) in object.get_mut("properties").and_then(|p| p.as_object_mut()).into_iter().flatten() {
            split(property, apart);
            if name.ends_with("Reference") {
                let link = serde_json::json!({ "type": "object", "properties": { "link": { "type": "object" } } });
                *property = serde_json::json!({ "allOf": [link, property.take()] });
            }
        }
        if let Some(items) = object.get_mut("items") {
            split(items, apart);
        }
        if let Some(properties) = object.remove("properties") {
            let required = object.remove("required").unwrap_or_else(|| serde_json::json!([]));
            let composed = apart(properties, required);
            object.extend(composed.as_object().unwrap().clone());
        }
    }
    let plain = fixtures::graph(&fixtures::small("ods"));
    let forms: [fn(serde_json::Value, serde_json::Value) -> serde_json::Value; 3] = [
        |properties, required| {
            serde_json::json!({ "allOf": [{ "type": "object", "required": required },
                { "type": "object", "properties": properties }] })
        },
        |properties, required| serde_json::json!({ "required": required, "allOf": [{ "properties": properties }, { "type": "object" }] }),
        |properties, required| serde_json::json!({ "required": required, "anyOf": [{ "properties": properties }, { "type": "null" }] }),
    ];
    for form in forms {
        let documents = fixtures::small("ods").map(|read| {
            let mut value: serde_json::Value = serde_json::from_slice(&read.bytes).unwrap();
            for (_, schema) in value["components"]["schemas"].as_object_mut().unwrap() {
                split(schema, form);
            }
            document(&value)
        });
        let composed = fixtures::graph(&documents);
        assert_eq!(plain.model().resources, composed.model().resources);
        assert_eq!(plain.abstracts(), composed.abstracts());
        for id in plain.ids() {
            assert_eq!(plain.details(id), composed.details(id), "{}", plain.name(id));
        }
    }
}

#[test]
fn parts_that_describe_one_property() {
    let schemas = serde_json::json!({
        "edFi_school": { "type": "object", "properties": { "schoolId": { "type": "integer" } } },
        "edFi_schoolReference": { "type": "object", "properties": { "schoolId": { "type": "integer" } } },
        "edFi_stop": { "type": "object", "properties": { "schoolReference": { "$ref": "#/components/schemas/edFi_schoolReference" } } },
        "edFi_lateStop": { "allOf": [{ "$ref": "#/components/schemas/edFi_stop" }, { "required": ["schoolReference"] }] },
        "edFi_vehicle": { "properties": { "stops": { "type": "array", "items": { "$ref": "#/components/schemas/edFi_lateStop" } } } },
        "edFi_bus": { "allOf": [{ "$ref": "#/components/schemas/edFi_vehicle" }, { "required": ["stops", "homeReference"] },
            { "$ref": "#/components/schemas/edFi_vehicle" }],
            "properties": { "stops": { "type": "array", "minItems": 1 },
                "homeReference": { "$ref": "#/components/schemas/edFi_schoolReference", "required": ["schoolId"] } } }
    });
    let graph =
        fixtures::graph(&[posting(&[("/ed-fi/schools", "edFi_school"), ("/ed-fi/buses", "edFi_bus")], &schemas)]);
    assert_eq!(
        references(&graph, "/ed-fi/buses"),
        ["$.homeReference Resource(/ed-fi/schools) true", "$.stops[*].schoolReference Resource(/ed-fi/schools) true"]
    );
}

#[test]
fn schemas_that_are_not_named_after_the_project_of_their_path() {
    let schemas = serde_json::json!({
        "edFi_school": { "type": "object", "properties": { "schoolId": { "type": "integer" } } },
        "edFi_schoolReference": { "type": "object", "properties": { "schoolId": { "type": "integer" } } },
        "ns_route": { "type": "object", "required": ["busReference", "kindDescriptor"], "properties": {
            "busReference": { "$ref": "#/components/schemas/ns_busReference" }, "kindDescriptor": { "type": "string" } } },
        "RouteBody": { "$ref": "#/components/schemas/ns_route" },
        "ns_bus": { "type": "object", "properties": {
            "schoolReference": { "$ref": "#/components/schemas/edFi_schoolReference" } } },
        "ns_busReference": { "type": "object", "properties": { "busId": { "type": "integer" } } },
        "ns_kindDescriptor": { "type": "object", "properties": { "codeValue": { "type": "string" } } },
        "other_state_depot": { "type": "object", "properties": {
            "againReference": { "$ref": "#/components/schemas/other_state_depotReference" } } },
        "other_state_depotReference": { "type": "object", "properties": { "depotId": { "type": "integer" } } }
    });
    let graph = fixtures::graph(&[posting(
        &[
            ("/ed-fi/schools", "edFi_school"),
            ("/north/routes", "RouteBody"),
            ("/north/buses", "ns_bus"),
            ("/north/kindDescriptors", "ns_kindDescriptor"),
            ("/other-state/depots", "other_state_depot"),
            ("/other-state/schools", "edFi_school"),
        ],
        &schemas,
    )]);
    assert_eq!(
        references(&graph, "/north/routes"),
        ["$.busReference Resource(/north/buses) true", "$.kindDescriptor Resource(/north/kindDescriptors) true"]
    );
    assert_eq!(references(&graph, "/north/buses"), ["$.schoolReference Resource(/ed-fi/schools) false"]);
    assert_eq!(references(&graph, "/other-state/depots"), ["$.againReference Resource(/other-state/depots) false"]);
    assert_eq!(references(&graph, "/other-state/schools"), [""; 0]);
    assert_eq!(graph.abstracts(), []);
    assert_eq!(graph.metadata().limits, [""; 0]);
}

/// A schema for what is posted, around the one that others refer to.
#[test]
fn a_resource_is_called_what_others_refer_to() {
    let schemas = serde_json::json!({
        "edFi_schoolPost": { "$ref": "#/components/schemas/edFi_school" },
        "edFi_school": { "type": "object", "properties": { "schoolId": { "type": "integer" } } },
        "edFi_schoolReference": { "type": "object", "properties": { "schoolId": { "type": "integer" } } },
        "edFi_bus": { "type": "object", "required": ["schoolReference"], "properties": {
            "schoolReference": { "$ref": "#/components/schemas/edFi_schoolReference" } } }
    });
    let bodies = [("/ed-fi/schools", "edFi_schoolPost"), ("/ed-fi/buses", "edFi_bus")];
    let graph = fixtures::graph(&[posting(&bodies, &schemas)]);
    assert_eq!(references(&graph, "/ed-fi/buses"), ["$.schoolReference Resource(/ed-fi/schools) true"]);
}

#[test]
fn what_cannot_be_a_resource_is_said() {
    let schemas = serde_json::json!({
        "edFi_school": { "type": "object", "properties": {} },
        "SchoolBody": { "$ref": "#/components/schemas/edFi_school" },
        "Anything": { "type": "object", "properties": {} },
        "edFi_number": { "type": "integer" }
    });
    let bodies = ["a", "b", "c", "d"]
        .map(|name| (format!("/north/{name}"), if name == "a" { "edFi_number" } else { "Anything" }));
    let mut bodies: Vec<(&str, &str)> = bodies.iter().map(|(path, schema)| (path.as_str(), *schema)).collect();
    bodies.extend([
        ("/ed-fi/schools", "edFi_school"),
        ("/ed-fi/academies", "SchoolBody"),
        ("/identities/x", "Anything"),
    ]);
    let documents = [posting(&bodies, &schemas)];
    let limits = |without: &[String]| source::read(&documents, without).unwrap().metadata.limits;
    let said = |part: &str| limits(&[]).iter().any(|limit| limit.contains(part));
    assert!(said("left out: /north/a, /north/b, /north/c and 1 more; "), "{:?}", limits(&[]));
    assert!(said("/ed-fi/academies and /ed-fi/schools are described by one schema"), "{:?}", limits(&[]));
    assert!(!said("identities"), "{:?}", limits(&[]));
}

#[test]
fn paths_in_another_spelling() {
    let [resources, descriptors] = fixtures::small("ods");
    let plain = fixtures::graph(&[resources.clone(), descriptors.clone()]);
    let respelled = |from: &str, to: &str| {
        let text = String::from_utf8(resources.bytes.clone()).unwrap();
        assert!(text.contains(from));
        let document = Document { name: "d".to_owned(), bytes: text.replace(from, to).into_bytes() };
        fixtures::graph(&[document, descriptors.clone()])
    };
    for (from, to) in [
        ("/{id}\"", "/{Id}\""),
        ("/{id}\"", "/{resourceId}\""),
        ("/{id}\"", "/{id}/\""),
        ("\"/ed-fi/schools\"", "\"/ed-fi/schools/\""),
    ] {
        let other = respelled(from, to);
        assert_eq!(plain.model().resources, other.model().resources, "{to}");
        for id in plain.ids() {
            assert_eq!(plain.details(id), other.details(id), "{to} {}", plain.name(id));
        }
    }
}

#[test]
fn yaml_that_begins_as_json_does() {
    let [resources, _] = fixtures::small("ods");
    let plain = fixtures::graph(std::slice::from_ref(&resources));
    let json = String::from_utf8(resources.bytes).unwrap();
    let unquoted = json.replacen("\"openapi\"", "openapi", 1).replacen("\"paths\"", "paths", 1);
    assert_ne!(json, unquoted);
    for text in [
        unquoted.clone(),
        format!("---\n{unquoted}"),
        format!("--- {unquoted}"),
        format!("# from a server\n\n%YAML 1.2\n---\n# really\n{unquoted}"),
        format!("# from a server\n{json}"),
        json.replacen("\"paths\"", "paths", 1),
        json.replacen("\"openapi\"", "'openapi'", 1),
    ] {
        let other = fixtures::graph(&[Document { name: "d".to_owned(), bytes: text.clone().into_bytes() }]);
        assert_eq!(plain.model().resources, other.model().resources, "{}", text.get(..60).unwrap());
    }
}
