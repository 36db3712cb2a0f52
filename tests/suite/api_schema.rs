//! ApiSchema documents: core against other documents of the same standard, and extensions.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{KeyField, Kind, ResourceName, Target};
use edfi_plan::source::{self, Document};

use crate::corpus;

const CORE: &str = "apischema/ds-5.2-core.json";
const TPDM: &str = "apischema/ext-tpdm-1.1-on-ds-5.2.json";
const SAMPLE: &str = "apischema/ext-sample-on-ds-5.2.json";
const HOMOGRAPH: &str = "apischema/ext-homograph-on-ds-5.2.json";
const DMS: [&str; 2] = ["openapi/resources-ds-5.2-tpdm-dms.json", "openapi/descriptors-ds-5.2-tpdm-dms.json"];

fn name(path: &str) -> ResourceName {
    path.parse().unwrap()
}

/// Every statement of a graph about references, one a line.
fn references(graph: &DependencyGraph) -> BTreeSet<String> {
    let all = graph.model().resources.iter().flat_map(|r| r.references.iter().map(move |reference| (r, reference)));
    all.map(|(r, x)| format!("{}{} {:?} {} {}", r.name, x.path, x.target, x.required, x.identifying)).collect()
}

/// The natural key of every resource: names and paths.
fn keys(graph: &DependencyGraph) -> BTreeMap<String, Vec<String>> {
    let line = |f: &KeyField| format!("{} at {}", f.name, f.paths.join(", "));
    let key = |name: &ResourceName| graph.model().details(name).key.iter().map(line).collect();
    graph.model().resources.iter().map(|r| (r.name.to_string(), key(&r.name))).collect()
}

#[test]
fn api_schema_and_openapi_of_5_2_with_tpdm_agree() {
    let (Some(ours), Some(theirs)) = (corpus::graph(&[CORE, TPDM], &[]), corpus::graph(&DMS, &[])) else { return };
    let described = |graph: &DependencyGraph| -> Vec<_> {
        let resources = graph.model().resources.iter();
        resources.map(|r| (r.name.clone(), r.entity.clone(), r.kind, r.superclass.clone())).collect()
    };
    assert_eq!(described(&ours), described(&theirs));
    let differing: Vec<String> = references(&ours).symmetric_difference(&references(&theirs)).cloned().collect();
    // The identifying category of attendance events, which ApiSchema of that time leaves out.
    assert_eq!(differing.len(), 8, "{differing:#?}");
    assert!(differing.iter().all(|line| line.contains("AttendanceEvents$.attendanceEventCategoryDescriptor")));
    assert_eq!(ours.abstracts().len(), 2);
    for (a, b) in ours.abstracts().iter().zip(theirs.abstracts()) {
        assert_eq!((&a.entity, &a.subclasses), (&b.entity, &b.subclasses));
        let names = |a: &edfi_plan::model::AbstractResource| a.key.iter().map(|k| k.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(a), names(b), "{}", a.entity);
    }

    // Those of core are held against the database.
    let (ours, theirs) = (keys(&ours), keys(&theirs));
    let tpdm = |name: &&String| name.starts_with("/tpdm/");
    let differing: Vec<_> = ours.keys().filter(tpdm).filter(|name| ours[*name] != theirs[*name]).collect();
    assert_eq!(differing, [""; 0]);
    assert_eq!(ours.keys().filter(tpdm).count(), 33);
}

#[test]
fn core_5_2_states_what_openapi_does_not() {
    let Some(graph) = corpus::graph(&[CORE], &[]) else { return };
    let model = graph.model();
    assert_eq!(model.resources.len(), 349);
    assert_eq!(model.metadata.version.as_deref(), Some("5.2"));
    // The spelling of the API, not of the document.
    assert!(model.resource(&name("/ed-fi/cteProgramServiceDescriptors")).is_some());
    assert!(model.resource(&name("/ed-fi/ideaPartDescriptors")).is_some());
    assert_eq!(model.resource(&name("/ed-fi/schoolYearTypes")).unwrap().kind, Kind::SchoolYears);

    let offerings = model.details(&name("/ed-fi/courseOfferings"));
    assert_eq!(offerings.key_may_change, Some(false));
    assert_eq!(model.details(&name("/ed-fi/sections")).key_may_change, Some(true));
    let equal = &offerings.equalities[0];
    assert_eq!(
        (equal.left.as_str(), equal.right.as_str(), equal.stated_by.as_str()),
        ("$.schoolReference.schoolId", "$.sessionReference.schoolId", "ApiSchema")
    );
    let school = offerings.key.iter().find(|f| f.name == "schoolId").unwrap();
    assert_eq!(school.paths, ["$.schoolReference.schoolId", "$.sessionReference.schoolId"]);
    let query = offerings.query.iter().find(|q| q.name == "sessionName").unwrap();
    assert_eq!(query.paths, ["$.sessionReference.sessionName"]);
}

#[test]
fn core_5_2_has_a_published_order_of_348_resources() {
    let Some(graph) = corpus::graph(&[CORE], &[]) else { return };
    // Students, staffs and contacts have a second row.
    assert_eq!(edfi_plan::plan::server::rows(&graph).unwrap().len(), 348 + 3);
}

#[test]
fn subclasses_of_an_extension_join_the_abstract_resource() {
    let Some(graph) = corpus::graph(&[SAMPLE, CORE], &[]) else { return };
    let art = name("/sample/studentArtProgramAssociations");
    let found = graph.model().resource(&art).unwrap();
    assert_eq!(found.superclass.as_deref(), Some("GeneralStudentProgramAssociation"));
    let general = graph.model().abstract_resource("GeneralStudentProgramAssociation").unwrap();
    assert_eq!(general.subclasses.len(), 11);
    assert!(general.subclasses.contains(&art));
    // What core refers to as abstract is satisfied by it as well.
    let objectives = graph.id(&name("/ed-fi/studentCompetencyObjectives")).unwrap();
    assert!(graph.edge(graph.id(&art).unwrap(), objectives).is_some());
}

#[test]
fn an_extension_adds_to_resources_of_core() {
    let Some(graph) = corpus::graph(&[CORE, SAMPLE], &[]) else { return };
    assert_eq!(graph.ids().map(|id| graph.unresolved(id).count()).sum::<usize>(), 0);
    let contacts = graph.model().resource(&name("/ed-fi/contacts")).unwrap();
    assert_eq!(contacts.entity, "Contact");
    let target = |path: &str| contacts.references.iter().find(|r| r.path == path).map(|r| r.target.clone());
    // In a block of its own, and inside a common type of core.
    let resource = |path| Some(Target::Resource(name(path)));
    let programs = "$._ext.sample.studentProgramAssociations[*].studentProgramAssociationReference";
    assert_eq!(target(programs), resource("/ed-fi/studentProgramAssociations"));
    assert_eq!(target("$.addresses[*]._ext.sample.terms[*].termDescriptor"), resource("/ed-fi/termDescriptors"));
    let required = |path: &str| graph.model().details(&contacts.name).fields.iter().any(|f| f.path == path);
    assert!(required("$.addresses[*]._ext.sample.onBusRoute"));
    assert!(!required("$.addresses[*]._ext.sample.complex"));

    // Left out again, nothing of it remains.
    let (Some(without), Some(core)) = (corpus::graph(&[CORE, SAMPLE], &["sample"]), corpus::graph(&[CORE], &[])) else {
        return;
    };
    assert_eq!(references(&without), references(&core));
    let (without_keys, core_keys) = (keys(&without), keys(&core));
    let differing: Vec<_> = core_keys
        .keys()
        .filter(|name| core_keys[*name] != without_keys.get(*name).cloned().unwrap_or_default())
        .collect();
    // A reference of the extension tells of a key field (hireDate) that core leaves out: known is known.
    let employment = "/ed-fi/staffEducationOrganizationEmploymentAssociations";
    assert_eq!((differing, without_keys.len()), (vec![&employment.to_owned()], core_keys.len()));
    assert_eq!(without.abstracts(), core.abstracts());
}

#[test]
fn homographs_stay_apart() {
    let Some(graph) = corpus::graph(&[CORE, HOMOGRAPH], &[]) else { return };
    let model = graph.model();
    let years = model.resource(&name("/homograph/schoolYearTypes")).unwrap();
    assert_eq!(years.kind, Kind::Resource);
    let association = model.resource(&name("/homograph/studentSchoolAssociations")).unwrap();
    let targets: Vec<&Target> = association.references.iter().map(|r| &r.target).collect();
    let resource = |path| Target::Resource(name(path));
    assert_eq!(targets, [&resource("/homograph/schools"), &resource("/homograph/students")]);
    assert!(model.resource(&name("/ed-fi/students")).unwrap().references.iter().all(|r| r.extension().is_none()));
    // The pathways are those of core.
    assert!(model.pathways.iter().all(|p| p.person.is_core()));
}

#[test]
fn all_extensions_together() {
    let documents = [TPDM, HOMOGRAPH, CORE, SAMPLE];
    let Some(graph) = corpus::graph(&documents, &[]) else { return };
    assert_eq!(graph.ids().map(|id| graph.unresolved(id).count()).sum::<usize>(), 0);
    let (Some(reversed), Some(core)) =
        (corpus::graph(&documents.map(|d| d).into_iter().rev().collect::<Vec<_>>(), &[]), corpus::graph(&[CORE], &[]))
    else {
        return;
    };
    assert_eq!(graph.metadata(), reversed.metadata());
    assert_eq!(source::write_graph(graph.model()).unwrap(), source::write_graph(reversed.model()).unwrap());
    assert!(references(&core).is_subset(&references(&graph)));
}

#[test]
fn collections_are_called_as_an_ods_calls_them() {
    let ods = ["openapi/resources-ds-5.1-core.json", "openapi/descriptors-ds-5.1-core.json"];
    let (Some(ours), Some(theirs)) = (corpus::graph(&[CORE], &[]), corpus::graph(&ods, &[])) else { return };
    let (mut same, mut differing) = (0, Vec::new());
    for resource in &theirs.model().resources {
        for theirs in &theirs.model().details(&resource.name).collections {
            let ours = &ours.model().details(&resource.name).collections;
            match ours.iter().find(|c| c.path == theirs.path) {
                Some(ours) if ours.entity.eq_ignore_ascii_case(&theirs.entity) => same += 1,
                Some(ours) => differing.push(ours.entity.clone()),
                None => {}
            }
        }
    }
    assert_eq!((same, differing), (290, vec!["SchoolEducationOrganizationCategory".into()]));
}

/// A document of the second generation with two resources, one of which refers to the other.
const SMALL: &str = r#"{
  "apiSchemaVersion": "1.0.0",
  "projectSchemas": {"ed-fi": {
    "projectName": "Ed-Fi", "projectVersion": "9.1.0", "isExtensionProject": false,
    "resourceSchemas": {
      "schools": {
        "resourceName": "School", "identityJsonPaths": ["$.schoolId"],
        "documentPathsMapping": {"SchoolId": {"isReference": false, "path": "$.schoolId"}},
        "jsonSchemaForInsert": {"properties": {"schoolId": {"type": "integer"}}, "required": ["schoolId"], "type": "object"}
      },
      "weeks": {
        "resourceName": "Week",
        "identityJsonPaths": ["$.schoolReference.schoolId", "$.name"],
        "documentPathsMapping": {
          "School": {"isReference": true, "isDescriptor": false, "projectName": "Ed-Fi", "resourceName": "School",
            "referenceJsonPaths": [{"identityJsonPath": "$.schoolId", "referenceJsonPath": "$.schoolReference.schoolId"}]}
        },
        "jsonSchemaForInsert": {"type": "object", "required": ["schoolReference"], "properties": {
          "name": {"type": "string"},
          "schoolReference": {"type": "object", "properties": {"schoolId": {"type": "integer"}}, "required": ["schoolId"]}}}
      }
    }
  }}
}"#;

#[test]
fn projects_of_one_document_extend_each_other() {
    // An extension that sorts before core, in the form that holds all projects.
    let extension = r#""projectSchemas": {"alpha": {
        "projectName": "Alpha", "projectVersion": "1.0.0", "isExtensionProject": true,
        "resourceSchemas": {"weeks": {
          "resourceName": "Week", "isResourceExtension": true,
          "documentPathsMapping": {"Other": {"isReference": true, "projectName": "Ed-Fi", "resourceName": "School",
            "referenceJsonPaths": [{"identityJsonPath": "$.schoolId",
              "referenceJsonPath": "$._ext.alpha.otherSchoolReference.schoolId"}]}},
          "jsonSchemaForInsert": {"type": "object", "properties": {"_ext": {"type": "object", "properties": {
            "alpha": {"type": "object", "required": ["otherSchoolReference"], "properties": {
              "otherSchoolReference": {"type": "object", "properties": {"schoolId": {"type": "integer"}}}}}}}}}
        }}},
    "#;
    let model = read(&SMALL.replace("\"projectSchemas\": {", extension)).unwrap();
    let week = model.resource(&name("/ed-fi/weeks")).unwrap();
    let paths: Vec<_> = week.references.iter().map(|r| (r.path.as_str(), r.required)).collect();
    assert_eq!(paths, [("$._ext.alpha.otherSchoolReference", false), ("$.schoolReference", true)]);
    assert_eq!(week.entity, "Week");
    assert_eq!(model.details(&week.name).key.len(), 2);
}

#[test]
fn what_an_api_schema_alone_cannot_know_is_said() {
    let limits = read(SMALL).unwrap().metadata.limits;
    assert!(limits.iter().any(|l| l.starts_with("natural keys come from ApiSchema alone")), "{limits:?}");
}

fn read(text: &str) -> Result<edfi_plan::model::Model, String> {
    let document = Document { name: "schema.json".to_owned(), bytes: text.as_bytes().to_vec() };
    source::read(&[document], &[]).map_err(|error| error.to_string())
}

#[test]
fn a_small_document() {
    let model = read(SMALL).unwrap();
    let week = model.resource(&name("/ed-fi/weeks")).unwrap();
    let reference = &week.references[0];
    assert!(reference.required && reference.identifying);
    let key: Vec<_> = model.details(&week.name).key.iter().map(|f| (f.name.as_str(), f.paths.clone())).collect();
    assert_eq!(key, [("name", vec!["$.name".into()]), ("schoolId", vec!["$.schoolReference.schoolId".into()])]);
}

#[test]
fn invalid_documents_are_refused_with_the_place_and_the_way_out() {
    let cut = &SMALL[..SMALL.len() / 2];
    let (line, column) = (cut.matches('\n').count() + 1, cut.rsplit('\n').next().unwrap().len());
    let cases = [
        (
            cut.to_owned(),
            format!("schema.json:{line}:{column}: EOF while parsing a string. The document is cut off; fetch it again"),
        ),
        (
            SMALL.replace("1.0.0", "2.0.0"),
            "schema.json: $.apiSchemaVersion: version '2.0.0' is not known; this program reads 1.x. Use a newer \
             edfi-plan, or give the OpenAPI documents of the same API"
                .to_owned(),
        ),
        (
            r#"{"projectSchemas": []}"#.to_owned(),
            "schema.json:1:19: invalid type: sequence, expected a map. Give the document as the API serves it"
                .to_owned(),
        ),
        (
            r#"{"projectSchemas": {}}"#.to_owned(),
            "schema.json: $.projectSchemas: no resourceSchemas. Give an ApiSchema document as DMS or MetaEd writes it"
                .to_owned(),
        ),
        (
            r#"{"projectSchema": {"resourceSchemas": {}}}"#.to_owned(),
            "schema.json: $.projectSchema.projectName: no name of the project. Give an ApiSchema document as DMS or \
             MetaEd writes it"
                .to_owned(),
        ),
        (
            SMALL.replace(r#""resourceName": "Week","#, ""),
            "schema.json: $.projectSchemas['ed-fi'].resourceSchemas['weeks'].resourceName: no name of the resource. \
             Give an ApiSchema document as DMS or MetaEd writes it"
                .to_owned(),
        ),
        (
            SMALL
                .replace(r#""resourceName": "School","#, r#""resourceName": "Academy","#)
                .replacen("Academy", "School", 1),
            "schema.json: $.projectSchemas['ed-fi'].resourceSchemas['weeks'].documentPathsMapping['School']: names \
             Ed-Fi.Academy, which the document does not describe. The document is incomplete or was edited; fetch it \
             again"
                .to_owned(),
        ),
        (
            SMALL.replace(r#""referenceJsonPath": "$.schoolReference.schoolId""#, r#""referenceJsonPath": "school""#),
            "schema.json: $.projectSchemas['ed-fi'].resourceSchemas['weeks'].documentPathsMapping['School']: 'school' \
             is not a path inside a reference. Give an ApiSchema document as DMS or MetaEd writes it"
                .to_owned(),
        ),
        (
            SMALL.replace(r#""weeks":"#, r#""we/eks":"#),
            "schema.json: $.projectSchemas['ed-fi'].resourceSchemas['we/eks']: not a name that a path can have. Give \
             an ApiSchema document as DMS or MetaEd writes it"
                .to_owned(),
        ),
    ];
    for (text, message) in cases {
        assert_eq!(read(&text).map(|_| ()), Err(message));
    }
}

#[test]
fn a_document_that_nests_too_deep_is_refused() {
    let (open, close) = (r#"{"properties":{"x":"#.repeat(100_000), "}}".repeat(100_000));
    let deep = SMALL.replace(r#"{"type": "string"}"#, &format!("{open}{{}}{close}"));
    let error = read(&deep).map(|_| ()).unwrap_err();
    assert!(error.contains("No Ed-Fi document nests this deep"), "{error}");
}
