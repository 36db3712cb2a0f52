//! ApiModel documents of the ODS/API, against what its API says of itself.

use std::collections::BTreeSet;

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{FieldKind, Model, Target};
use edfi_plan::source::{self, Document};
use serde_json::{Value, json};

use crate::corpus;

const CORE_3_3: &str = "apimodel/ds-3.3b-core.ApiModel.json";
const CORE_3_2: &str = "apimodel/ds-3.2c-core.ApiModel.json";

/// The same resources, references, requiredness, natural keys and required fields; `descriptors` says
/// whether the other document can tell what a descriptor property refers to.
fn assert_same(ours: &DependencyGraph, theirs: &DependencyGraph, descriptors: bool) {
    let described = |graph: &DependencyGraph| -> BTreeSet<String> {
        let resources = &graph.model().resources;
        resources
            .iter()
            .filter(|r| descriptors || r.kind != edfi_plan::model::Kind::Descriptor)
            .map(|r| r.name.to_string())
            .collect()
    };
    assert_eq!(described(ours), described(theirs));
    for resource in &theirs.model().resources {
        let name = &resource.name;
        let found = ours.model().resource(name).unwrap();
        // OpenAPI has no capital initialisms: CTEProgramServiceDescriptor is cteProgramServiceDescriptor there.
        assert!(found.entity.eq_ignore_ascii_case(&resource.entity), "{name}");
        assert_eq!((&found.superclass, found.kind), (&resource.superclass, resource.kind), "{name}");
        let references = |resource: &edfi_plan::model::Resource| -> Vec<String> {
            let shown = resource.references.iter().map(|r| {
                let target = match &r.target {
                    // Without a descriptors document the property is all that is known.
                    _ if !descriptors && r.path.ends_with("Descriptor") => None,
                    target => Some(target),
                };
                format!("{} {target:?} {} {}", r.path, r.required, r.identifying)
            });
            shown.collect()
        };
        assert_eq!(references(found), references(resource), "{name}");
        let (found, details) = (ours.model().details(name), theirs.model().details(name));
        assert_eq!(found.key, details.key, "{name}");
        // The OpenAPI of 3.3 writes times of day as plain strings.
        let fields = |details: &edfi_plan::model::Details| -> Vec<_> {
            let timeless = |kind| if kind == FieldKind::Time { FieldKind::String } else { kind };
            details.fields.iter().map(|f| (f.path.clone(), timeless(f.kind.kind), f.kind.max_length)).collect()
        };
        assert_eq!(fields(found), fields(details), "{name}");
        assert_eq!(found.collections, details.collections, "{name}");
    }
    assert_eq!(ours.abstracts(), theirs.abstracts());
}

#[test]
fn core_3_3_is_the_api_of_its_openapi_documents() {
    let published = ["openapi/resources-ds-3.3.yaml", "openapi/descriptors-ds-3.3.yaml"];
    let (Some(ours), Some(theirs)) = (corpus::graph(&[CORE_3_3], &[]), corpus::graph(&published, &["tpdm"])) else {
        return;
    };
    assert_same(&ours, &theirs, true);
    // Which is not two empty graphs.
    let references: usize = ours.model().resources.iter().map(|r| r.references.len()).sum();
    assert_eq!((ours.ids().len(), references), (297, 772));
}

#[test]
fn core_3_3_is_the_api_of_an_older_server() {
    let published = ["openapi/resources-ds-3.3-tpdm-swagger2.json"];
    let (Some(ours), Some(theirs)) = (corpus::graph(&[CORE_3_3], &[]), corpus::graph(&published, &["tpdm"])) else {
        return;
    };
    assert_same(&ours, &theirs, false);
}

/// How many associations lead from outside into what an extension adds to entities of core.
fn associations_into_blocks(document: &Document) -> usize {
    let model: Value = serde_json::from_slice(&document.bytes).unwrap();
    let list = |member: &str| model[member].as_array().unwrap().clone();
    let extends = |a: &&Value| a["cardinality"].as_str().unwrap().ends_with("Extension");
    let mut added: Vec<Value> =
        list("associationDefinitions").iter().filter(extends).map(|a| a["secondaryEntityFullName"].clone()).collect();
    let mut owners: Vec<Value> = Vec::new();
    for aggregate in list("aggregateExtensionDefinitions") {
        owners.push(aggregate["aggregateRootEntityName"].clone());
        added.extend(aggregate["extensionEntityNames"].as_array().unwrap().iter().cloned());
    }
    let associations = list("associationDefinitions");
    let into = associations.iter().filter(|a| !extends(a) && added.contains(&a["secondaryEntityFullName"]));
    // One of them leads from the entity that holds the block or the collection.
    let nested = |a: &&Value| {
        let (from, to) = (&a["primaryEntityFullName"], &a["secondaryEntityFullName"]);
        let prefix = |of: &Value| to["name"].as_str().unwrap().starts_with(of["name"].as_str().unwrap());
        (owners.contains(from) || added.contains(from)) && prefix(from)
    };
    into.clone().count() - into.filter(nested).count()
}

#[test]
fn every_reference_of_an_extension_resolves() {
    for (extension, project) in [("tpdm-0.8", "tpdm"), ("nebraska", "ne"), ("arizona", "AZ")] {
        let file = format!("apimodel/ext-{extension}-on-ds-3.2c.ApiModel-EXTENSION.json");
        let Some(document) = corpus::document(&format!("metadata/{file}")) else { return };
        let (graph, core) = (corpus::graph(&[&file, CORE_3_2], &[]).unwrap(), corpus::graph(&[CORE_3_2], &[]).unwrap());
        assert!(graph.ids().all(|id| graph.unresolved(id).next().is_none()), "{extension}");
        assert_eq!(graph.metadata().limits, [""; 0], "{extension}");
        let model: Value = serde_json::from_slice(&document.bytes).unwrap();
        let own = graph.model().resources.iter().filter(|r| r.name.project() == project);
        assert_eq!(own.count(), model["aggregateDefinitions"].as_array().unwrap().len(), "{extension}");
        let within = graph.model().resources.iter().flat_map(|r| &r.references).filter(|r| r.extension().is_some());
        assert_eq!(within.count(), associations_into_blocks(&document), "{extension}");
        // Left out again, what remains is core.
        let documents = [document, corpus::document(&format!("metadata/{CORE_3_2}")).unwrap()];
        let left = source::read(&documents, &[project.to_owned()]).unwrap();
        assert_eq!(left.metadata.fingerprint, core.metadata().fingerprint, "{extension}");
    }
}

/// What an extension adds in each way there is, and the names the API would give it.
#[test]
fn names_and_places_of_what_extensions_add() {
    let ext = |name: &str| format!("apimodel/ext-{name}-on-ds-3.2c.ApiModel-EXTENSION.json");
    let files = [ext("tpdm-0.8"), ext("nebraska")];
    let Some(graph) = corpus::graph(&[&files[0], &files[1], CORE_3_2], &[]) else { return };
    let target = |resource: &str, path: &str| {
        let resource = graph.model().resource(&resource.parse().unwrap()).unwrap();
        let found = resource.references.iter().find(|r| r.path == path);
        found.map(|r| format!("{:?}", r.target)).unwrap_or_else(|| panic!("{} has no {path}", resource.name))
    };
    assert_eq!(target("/ed-fi/credentials", "$._ext.tpdm.personReference"), "Resource(/ed-fi/people)");
    assert_eq!(
        target("/ed-fi/credentials", "$._ext.tpdm.studentAcademicRecords[*].studentAcademicRecordReference"),
        "Resource(/ed-fi/studentAcademicRecords)"
    );
    assert_eq!(
        target("/ed-fi/sections", "$._ext.ne.deliveries[*].sectionDeliveryDescriptor"),
        "Resource(/ne/sectionDeliveryDescriptors)"
    );
    let subclass = graph.model().resource(&"/tpdm/universities".parse().unwrap()).unwrap();
    assert_eq!(subclass.superclass.as_deref(), Some("EducationOrganization"));
    assert_eq!(
        target("/tpdm/universities", "$.addresses[*].addressTypeDescriptor"),
        "Resource(/ed-fi/addressTypeDescriptors)"
    );
    let key = &graph.model().details(&subclass.name).key;
    assert_eq!((key[0].name.as_str(), key[0].paths.as_slice()), ("universityId", ["$.universityId".into()].as_slice()));
}

/// A core of students, schools and an association between them.
fn core() -> Value {
    let property = |name: &str, kind: &str, identifying: bool| json!({"propertyName": name, "propertyType": {"dbType": kind, "isNullable": !identifying}, "isIdentifying": identifying});
    let name = |name: &str| json!({"schema": "edfi", "name": name});
    let entity = |of: &str, keys: &[&str], properties: Vec<Value>| {
        json!({"schema": "edfi", "name": of, "locallyDefinedProperties": properties,
               "identifiers": [{"identifyingPropertyNames": keys, "isPrimary": true}]})
    };
    let aggregate = |root: &str, all: &[&str]| json!({"aggregateRootEntityName": name(root), "aggregateEntityNames": all.iter().map(|n| name(n)).collect::<Vec<_>>()});
    let association = |kind: &str, from: &str, to: &str, columns: &[(&str, &str)]| {
        let list = |columns: Vec<&str>| columns.iter().map(|c| property(c, "String", true)).collect::<Vec<_>>();
        json!({"fullName": name(&format!("FK_{to}_{from}")), "cardinality": kind,
               "primaryEntityFullName": name(from), "primaryEntityProperties": list(columns.iter().map(|c| c.0).collect()),
               "secondaryEntityFullName": name(to), "secondaryEntityProperties": list(columns.iter().map(|c| c.1).collect()),
               "isIdentifying": true, "isRequired": true})
    };
    json!({
        "odsApiVersion": "7.0",
        "schemaDefinition": {"logicalName": "Ed-Fi", "physicalName": "edfi", "version": "9.9"},
        "aggregateDefinitions": [
            aggregate("School", &["School"]),
            aggregate("Transfer", &["Transfer", "TransferNote", "TransferMark"]),
        ],
        "entityDefinitions": [
            entity("School", &["SchoolId"], vec![property("SchoolId", "Int64", true)]),
            entity("Transfer", &["SchoolId", "ToSchoolId"], vec![property("Reason", "String", false)]),
            entity("TransferNote", &["SchoolId", "ToSchoolId", "Text"], vec![property("Text", "String", true)]),
            entity("TransferMark", &["SchoolId", "ToSchoolId"], vec![property("Mark", "Int32", true)]),
        ],
        "associationDefinitions": [
            association("OneToZeroOrMore", "School", "Transfer", &[("SchoolId", "SchoolId")]),
            association("OneToZeroOrMore", "School", "Transfer", &[("SchoolId", "ToSchoolId")]),
            association("OneToOneOrMore", "Transfer", "TransferNote", &[("SchoolId", "SchoolId"), ("ToSchoolId", "ToSchoolId")]),
            association("OneToZeroOrMore", "School", "TransferNote", &[("SchoolId", "ToSchoolId")]),
            association("OneToOne", "Transfer", "TransferMark", &[("SchoolId", "SchoolId"), ("ToSchoolId", "ToSchoolId")]),
        ],
    })
}

fn read(documents: &[Value]) -> Result<Model, String> {
    let documents: Vec<Document> = documents
        .iter()
        .enumerate()
        .map(|(at, value)| Document { name: format!("{at}.json"), bytes: value.to_string().into_bytes() })
        .collect();
    source::read(&documents, &[]).map_err(|error| error.to_string())
}

#[test]
fn roles_collections_objects_and_shared_columns() {
    let model = read(&[core()]).unwrap();
    let transfers = "/ed-fi/transfers".parse().unwrap();
    let resource = model.resource(&transfers).unwrap();
    let references: Vec<_> = resource.references.iter().map(|r| (r.path.as_str(), r.required, r.identifying)).collect();
    assert_eq!(
        references,
        [
            ("$.notes[*].toSchoolReference", true, false),
            ("$.schoolReference", true, true),
            ("$.toSchoolReference", true, true)
        ]
    );
    let details = model.details(&transfers);
    let key: Vec<_> = details.key.iter().map(|k| (k.name.as_str(), k.paths[0].as_str())).collect();
    assert_eq!(key, [("schoolId", "$.schoolReference.schoolId"), ("toSchoolId", "$.toSchoolReference.schoolId")]);
    let fields: Vec<&str> = details.fields.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(
        fields,
        [
            "$.mark.mark",
            "$.notes",
            "$.notes[*].text",
            "$.notes[*].toSchoolReference",
            "$.schoolReference",
            "$.toSchoolReference"
        ]
    );
    let equal: Vec<_> = details.equalities.iter().map(|e| (e.left.as_str(), e.right.as_str())).collect();
    assert_eq!(equal, [("$.notes[*].toSchoolReference.schoolId", "$.toSchoolReference.schoolId")]);
    assert_eq!(model.metadata.name, "Ed-Fi 9.9");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_the_way_out() {
    let mut unknown = core();
    unknown["associationDefinitions"][3]["primaryEntityFullName"]["name"] = "Scool".into();
    assert_eq!(
        read(&[unknown]).unwrap_err(),
        "0.json: $.associationDefinitions[3].primaryEntityFullName: edfi.FK_TransferNote_School names edfi.Scool, \
         which is not described. The documents do not fit together: give the core that the extension was made for"
    );
    let mut uneven = core();
    uneven["associationDefinitions"][0]["primaryEntityProperties"] = json!([]);
    assert_eq!(
        read(&[uneven]).unwrap_err(),
        "0.json: $.associationDefinitions[0]: edfi.FK_Transfer_School joins 0 columns with 1. \
         Export the ApiModel from MetaEd again"
    );
    let mut stray = core();
    stray["aggregateDefinitions"][1]["aggregateEntityNames"].as_array_mut().unwrap().pop();
    assert_eq!(
        read(&[stray]).unwrap_err(),
        "0.json: $.aggregateDefinitions: edfi.TransferMark belongs to no aggregate. Export the ApiModel from MetaEd again"
    );
    let mut other = core();
    other["odsApiVersion"] = "7.1".into();
    assert_eq!(
        read(&[core(), other]).unwrap_err(),
        "0.json and 1.json: both describe the schema edfi. Give one of them"
    );
    // The very same document twice says nothing new.
    assert_eq!(read(&[core(), core()]).unwrap().resources.len(), 2);
    let mut shapeless = core();
    shapeless["entityDefinitions"] = json!({});
    let error = read(&[shapeless]).unwrap_err();
    assert!(error.starts_with("0.json:1:") && error.contains("invalid type: map, expected a sequence"), "{error}");
    let text = core().to_string();
    let cut = Document { name: "cut.json".to_owned(), bytes: text.as_bytes()[..text.len() / 2].to_vec() };
    let error = source::read(&[cut], &[]).unwrap_err().to_string();
    assert!(error.starts_with("cut.json:1:") && error.ends_with("The document is cut off; fetch it again"), "{error}");
}

/// A path that another document writes down is the name, whatever the plural would be.
#[test]
fn a_written_name_wins_over_a_made_one() {
    let graph = "edfi-plan: graph/1\nname: x\nresources:\n  /ed-fi/schoolhouses: {entity: School}\n";
    let documents = [
        Document { name: "a.json".to_owned(), bytes: core().to_string().into_bytes() },
        Document { name: "b.yaml".to_owned(), bytes: graph.as_bytes().to_vec() },
    ];
    let mut turned = documents.clone();
    turned.reverse();
    for documents in [documents, turned] {
        let model = source::read(&documents, &[]).unwrap();
        let names: Vec<&str> = model.resources.iter().map(|r| r.name.short()).collect();
        assert_eq!(names, ["schoolhouses", "transfers"]);
        assert_eq!(model.resources[1].references[1].target, Target::Resource("/ed-fi/schoolhouses".parse().unwrap()));
    }
}

#[test]
fn an_extension_asks_for_its_core() {
    let path = "metadata/apimodel/ext-nebraska-on-ds-3.2c.ApiModel-EXTENSION.json";
    let Some(extension) = corpus::document(path) else { return };
    let error = source::read(&[extension], &[]).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "This is an extension: give its core as well, -m CORE -m EXTENSION: an ApiModel.json, OpenAPI documents or a \
             bundled graph"
        ),
        "{error}"
    );
}

/// A bundled graph as a document.
fn bundled(name: &str) -> Document {
    let graph = source::write_graph(&source::standard(name).unwrap()).unwrap();
    Document { name: name.to_owned(), bytes: graph.into_bytes() }
}

fn bundled_3_3() -> Document {
    bundled("ed-fi-3.3")
}

#[test]
fn an_extension_for_another_core_is_told_by_the_keys_it_uses() {
    let limit = |core: &str, extension: Document| -> Option<String> {
        let model = source::read(&[extension, bundled(core)], &[]).unwrap();
        let found = model.metadata.limits.iter().find(|limit| limit.contains("another version of core"));
        found.map(ToString::to_string)
    };
    // An extension with a resource of its own that refers to a grading period by the key of 3.3.
    let name = |schema: &str, name: &str| json!({"schema": schema, "name": name});
    let column =
        |name: &str, kind: &str| json!({"propertyName": name, "propertyType": {"dbType": kind}, "isIdentifying": true});
    let columns = [
        ("GradingPeriodDescriptorId", "Int32"),
        ("PeriodSequence", "Int32"),
        ("SchoolId", "Int32"),
        ("SchoolYear", "Int16"),
    ];
    let columns: Vec<Value> = columns.iter().map(|(name, kind)| column(name, kind)).collect();
    let own = json!({"schema": "x", "name": "Plan", "locallyDefinedProperties": [column("PlanId", "Int32")],
        "identifiers": [{"identifierName": "Plan_PK", "identifyingPropertyNames": ["PlanId"], "isPrimary": true}]});
    let document = json!({
        "odsApiVersion": "7.0",
        "schemaDefinition": {"logicalName": "X", "physicalName": "x", "version": "1.0"},
        "aggregateDefinitions": [{"aggregateRootEntityName": name("x", "Plan"), "aggregateEntityNames": [name("x", "Plan")]}],
        "aggregateExtensionDefinitions": [],
        "entityDefinitions": [own],
        "associationDefinitions": [{
            "fullName": name("x", "FK_Plan_GradingPeriod"), "cardinality": "OneToZeroOrMore",
            "primaryEntityFullName": name("edfi", "GradingPeriod"), "primaryEntityProperties": columns,
            "secondaryEntityFullName": name("x", "Plan"), "secondaryEntityProperties": columns,
        }],
    });
    let extension = || Document { name: "x.json".to_owned(), bytes: document.to_string().into_bytes() };
    assert_eq!(limit("ed-fi-3.3", extension()), None);
    assert_eq!(
        limit("ed-fi-5.2", extension()).as_deref(),
        Some(
            "the extension is for another version of core: it refers to GradingPeriod by other keys. Give its own core; \
             ed-fi-3.3 or ed-fi-4.0 (bundled) has these keys"
        )
    );
    for (extension, core, told) in [
        ("tpdm-0.8", "ed-fi-3.3", false),
        ("tpdm-0.8", "ed-fi-4.0", true),
        ("nebraska", "ed-fi-3.3", false),
        ("arizona", "ed-fi-3.3", false),
    ] {
        let path = format!("metadata/apimodel/ext-{extension}-on-ds-3.2c.ApiModel-EXTENSION.json");
        let Some(document) = corpus::document(&path) else { return };
        assert_eq!(limit(core, document).is_some(), told, "{extension} on {core}");
    }
}

/// A graph of core tells an extension all that the ApiModel of core does, but for what a descriptor
/// property means where the graph itself does not know.
#[test]
fn an_extension_on_a_bundled_core() {
    for (extension, count) in [("tpdm-0.8", 387), ("nebraska", 24), ("arizona", 31)] {
        let path = format!("metadata/apimodel/ext-{extension}-on-ds-3.2c.ApiModel-EXTENSION.json");
        let Some(document) = corpus::document(&path) else { return };
        let core = corpus::document(&format!("metadata/{CORE_3_3}")).unwrap();
        let ours = source::read(&[document.clone(), bundled_3_3()], &[]).unwrap();
        let theirs = source::read(&[document, core], &[]).unwrap();
        let names = |model: &Model| model.resources.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&ours), names(&theirs));
        let mut added = 0;
        for resource in &theirs.resources {
            let name = &resource.name;
            let found = ours.resource(name).unwrap();
            assert_eq!((&found.superclass, found.kind), (&resource.superclass, resource.kind), "{name}");
            let own = |path: &str| !name.is_core() || path.contains("._ext.");
            let references = |resource: &edfi_plan::model::Resource| -> Vec<String> {
                let own = resource.references.iter().filter(|r| own(&r.path));
                own.map(|r| format!("{} {:?} {} {}", r.path, r.target, r.required, r.identifying)).collect()
            };
            assert_eq!(references(found), references(resource), "{name}");
            added += references(resource).len();
            let (found, details) = (ours.details(name), theirs.details(name));
            assert_eq!(
                found.fields.iter().filter(|f| own(&f.path)).collect::<Vec<_>>(),
                details.fields.iter().filter(|f| own(&f.path)).collect::<Vec<_>>(),
                "{name}"
            );
            assert_eq!(
                found.collections.iter().filter(|c| own(&c.path)).collect::<Vec<_>>(),
                details.collections.iter().filter(|c| own(&c.path)).collect::<Vec<_>>(),
                "{name}"
            );
            if !name.is_core() {
                assert_eq!((&found.key, &found.equalities), (&details.key, &details.equalities), "{name}");
            }
        }
        assert_eq!(added, count, "{extension}");
        assert!(ours.metadata.settled.is_empty(), "{:?}", ours.metadata.settled);
    }
}

/// What is nested in a resource of core only the ApiModel of core has.
#[test]
fn an_extension_of_a_child_of_core_says_what_it_needs() {
    let column = json!({"propertyName": "SchoolId", "propertyType": {"dbType": "Int32", "isNullable": false}, "isIdentifying": true});
    let name = |schema: &str, name: &str| json!({"schema": schema, "name": name});
    let extension = |parent: &str| {
        json!({
            "schemaDefinition": {"logicalName": "Mine", "physicalName": "mine", "version": "1"},
            "aggregateDefinitions": [],
            "aggregateExtensionDefinitions":
                [{"aggregateRootEntityName": name("edfi", "School"), "extensionEntityNames": [name("mine", "Added")]}],
            "entityDefinitions": [{"schema": "mine", "name": "Added", "locallyDefinedProperties":
                [{"propertyName": "Note", "propertyType": {"dbType": "String", "maxLength": 9, "isNullable": false}}]}],
            "associationDefinitions": [{
                "fullName": name("mine", "FK_Added"), "cardinality": "OneToOneExtension", "isIdentifying": true, "isRequired": true,
                "primaryEntityFullName": name("edfi", parent), "primaryEntityProperties": [column],
                "secondaryEntityFullName": name("mine", "Added"), "secondaryEntityProperties": [column]}]
        })
    };
    let read = |parent: &str| {
        let bytes = serde_json::to_vec(&extension(parent)).unwrap();
        source::read(&[bundled_3_3(), Document { name: "mine.json".to_owned(), bytes }], &[])
    };
    let model = read("School").unwrap();
    let schools = model.details(&"/ed-fi/schools".parse().unwrap());
    assert!(schools.fields.iter().any(|f| f.path == "$._ext.mine.note"), "{:?}", schools.fields);
    assert_eq!(schools.key, source::standard("ed-fi-3.3").unwrap().details(&"/ed-fi/schools".parse().unwrap()).key);
    assert_eq!(
        read("SchoolGradeLevel").unwrap_err().to_string(),
        "mine.json: $.associationDefinitions[0].primaryEntityFullName: mine.FK_Added names edfi.SchoolGradeLevel, which \
         is not described. It is no resource of the core at hand: give the ApiModel.json of that core in its place, or \
         the core that the extension was made for"
    );
}

#[test]
fn entities_in_a_circle_or_without_end_are_refused() {
    let mut circle = core();
    let mut back = circle["associationDefinitions"][2].clone();
    let (primary, secondary) = (back["primaryEntityFullName"].take(), back["secondaryEntityFullName"].take());
    back["primaryEntityFullName"] = secondary;
    back["secondaryEntityFullName"] = primary;
    circle["associationDefinitions"].as_array_mut().unwrap().push(back);
    let error = read(&[circle]).unwrap_err();
    assert!(error.contains("objects nest more than 32 deep. No Ed-Fi model is like this"), "{error}");

    // Each level holds two kinds of the next: 2^31 objects, were they all walked.
    let mut wide = core();
    let names: Vec<String> = (0..31).map(|level| format!("Level{level}")).collect();
    for name in &names {
        let mut entity = wide["entityDefinitions"][2].clone();
        entity["name"] = name.as_str().into();
        wide["entityDefinitions"].as_array_mut().unwrap().push(entity);
        let member = json!({"schema": "edfi", "name": name});
        wide["aggregateDefinitions"][1]["aggregateEntityNames"].as_array_mut().unwrap().push(member);
    }
    let from = std::iter::once("Transfer").chain(names.iter().map(String::as_str));
    for (from, to) in from.zip(&names) {
        for role in ["A", "B"] {
            let mut association = wide["associationDefinitions"][2].clone();
            association["primaryEntityFullName"]["name"] = from.into();
            association["secondaryEntityFullName"]["name"] = to.as_str().into();
            association["secondaryEntityProperties"][0]["propertyName"] = format!("{role}SchoolId").into();
            wide["associationDefinitions"].as_array_mut().unwrap().push(association);
        }
    }
    let error = read(&[wide]).unwrap_err();
    assert!(error.contains("more than 200000 members in all resources"), "{error}");
}
