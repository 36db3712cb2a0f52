//! The graph of Data Standard 5.2 against the keys of its ODS database: an independent statement of
//! the same references and natural keys.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{Reference, Target};
use edfi_plan::plan::server;

use crate::corpus;

const API_SCHEMA: &str = "apischema/ds-5.2-core.json";
const DMS: [&str; 2] = ["openapi/resources-ds-5.2-tpdm-dms.json", "openapi/descriptors-ds-5.2-tpdm-dms.json"];

/// The core of 5.2 from each kind of document, and from both.
fn readings() -> Option<[(&'static str, DependencyGraph); 3]> {
    Some([
        ("ApiSchema", corpus::graph(&[API_SCHEMA], &[])?),
        ("OpenAPI", corpus::graph(&DMS, &["tpdm"])?),
        ("both", corpus::graph(&[DMS[0], API_SCHEMA, DMS[1]], &["tpdm"])?),
    ])
}

/// A foreign key of the database, expanded per (referenced resource, referencing resource).
#[derive(serde::Deserialize)]
pub(crate) struct ForeignKey {
    pub(crate) source: String,
    pub(crate) target: String,
    required: bool,
    identity: bool,
    from_root: bool,
    #[serde(rename = "abstract")]
    is_abstract: bool,
}

pub(crate) fn foreign_keys() -> Option<Vec<ForeignKey>> {
    #[derive(serde::Deserialize)]
    struct File {
        rows: Vec<ForeignKey>,
    }
    let file: File = serde_json::from_str(&corpus::text("oracle/ds-5.2-foreign-keys.json")?).unwrap();
    Some(file.rows)
}

/// The key fields of each resource, as the API calls the columns.
fn primary_keys() -> Option<BTreeMap<String, BTreeSet<String>>> {
    #[derive(serde::Deserialize)]
    struct File {
        keys: BTreeMap<String, Vec<String>>,
    }
    let file: File = serde_json::from_str(&corpus::text("oracle/ds-5.2-primary-keys.json")?).unwrap();
    let fields = |columns: Vec<String>| columns.iter().map(|column| field(column)).collect();
    Some(file.keys.into_iter().map(|(name, columns)| (name, fields(columns))).collect())
}

fn field(column: &str) -> String {
    let name = match column.strip_suffix("Id") {
        Some(descriptor) if descriptor.ends_with("Descriptor") => descriptor.to_owned(),
        _ => column.replace("USI", "UniqueId"),
    };
    name[..1].to_ascii_lowercase() + &name[1..]
}

#[test]
fn references_are_the_foreign_keys() {
    let (Some(keys), Some(readings)) = (foreign_keys(), readings()) else { return };
    let theirs: BTreeSet<(String, String)> = keys.iter().map(|k| (k.source.clone(), k.target.clone())).collect();
    assert_eq!(theirs.len(), 1197);
    for (documents, graph) in readings {
        let name = |id| graph.name(id).to_string();
        let ours: BTreeSet<_> = graph.edges().map(|e| (name(e.prerequisite), name(e.dependent))).collect();
        let extra: Vec<_> = ours.difference(&theirs).collect();
        let missing: Vec<_> = theirs.difference(&ours).collect();
        assert_eq!((extra, missing), (vec![], vec![]), "{documents}");
        assert_eq!(graph.ids().map(|id| graph.unresolved(id).count()).sum::<usize>(), 0, "{documents}");
    }
}

#[test]
fn requiredness_and_identity_of_root_references_are_those_of_the_foreign_keys() {
    let (Some(keys), Some(readings)) = (foreign_keys(), readings()) else { return };
    for (documents, graph) in readings {
        let mut theirs: BTreeMap<(&str, &str), BTreeSet<(bool, bool)>> = BTreeMap::new();
        for key in keys.iter().filter(|k| k.from_root && !k.is_abstract) {
            theirs.entry((&key.target, &key.source)).or_default().insert((key.required, key.identity));
        }
        assert_eq!(theirs.len(), 397);
        let mut differing = Vec::new();
        for ((dependent, prerequisite), theirs) in theirs {
            let resource = graph.model().resource(&dependent.parse().unwrap()).unwrap();
            let wanted = Target::Resource(prerequisite.parse().unwrap());
            let root = |r: &&Reference| r.target == wanted && !r.path.contains("[*]");
            let ours = resource.references.iter().filter(root).map(|r| (r.required, r.identifying));
            let ours: BTreeSet<_> = ours.collect();
            if ours != theirs {
                differing.push((dependent, prerequisite, ours, theirs));
            }
        }
        // Attendance events take their category from an inlined common, which ApiSchema documents of
        // that time do not count as identifying.
        let category = "/ed-fi/attendanceEventCategoryDescriptors";
        let events =
            ["Intervention", "Program", "School", "Section"].map(|e| format!("/ed-fi/student{e}AttendanceEvents"));
        let known = |e| (e, category, BTreeSet::from([(true, false)]), BTreeSet::from([(true, true)]));
        let known: Vec<_> = events.iter().map(String::as_str).map(known).collect();
        assert_eq!(differing, if documents == "ApiSchema" { known } else { Vec::new() }, "{documents}");
    }
}

#[test]
fn the_servers_order_inverts_no_foreign_key() {
    let (Some(keys), Some(readings)) = (foreign_keys(), readings()) else { return };
    for (documents, graph) in readings {
        // A person counts as there once it can be created.
        let mut order: BTreeMap<String, usize> = BTreeMap::new();
        for row in server::rows(&graph).unwrap() {
            order.entry(row.resource.to_string()).or_insert(row.order);
        }
        let order = |name: &String| order.get(name).copied().unwrap_or_else(|| panic!("{documents}: no row of {name}"));
        let mut compared = 0;
        // The server leaves the school years out, which are there before anything is loaded.
        for key in keys.iter().filter(|k| k.source != k.target && k.source != "/ed-fi/schoolYearTypes") {
            assert!(order(&key.source) < order(&key.target), "{documents}: {} before {}", key.source, key.target);
            compared += 1;
        }
        assert_eq!(compared, 1269, "{documents}");
    }
}

#[test]
fn natural_keys_are_the_primary_keys() {
    let (Some(theirs), Some(readings)) = (primary_keys(), readings()) else { return };
    assert_eq!(theirs.len(), 137);
    for (documents, graph) in readings {
        let mut differing = Vec::new();
        for (name, theirs) in &theirs {
            let key = &graph.model().details(&name.parse().unwrap()).key;
            for field in key {
                assert!(!field.paths.is_empty(), "{documents}: {name} has no path for {}", field.name);
            }
            let ours: BTreeSet<String> = key.iter().map(|f| f.name.to_string()).collect();
            if ours != *theirs {
                differing.push((name.as_str(), missing(theirs, &ours), missing(&ours, theirs)));
            }
        }
        assert_eq!(differing, if documents == "ApiSchema" { known_of_api_schema() } else { Vec::new() }, "{documents}");
    }
}

fn missing(from: &BTreeSet<String>, of: &BTreeSet<String>) -> String {
    from.difference(of).cloned().collect::<Vec<_>>().join(" ")
}

/// Where ApiSchema documents of 5.2 are wrong themselves: (resource, what they lack, what they have).
fn known_of_api_schema() -> Vec<(&'static str, String, String)> {
    let assigning = "assigningEducationOrganizationId";
    let event = "attendanceEventCategoryDescriptor eventDate";
    [
        // A role that references to the resource do not spell.
        ("/ed-fi/assessmentAdministrationParticipations", assigning, "educationOrganizationId"),
        ("/ed-fi/assessmentAdministrations", assigning, "educationOrganizationId"),
        // Fields from an inlined common.
        ("/ed-fi/communityProviderLicenses", "licenseIdentifier licensingOrganization", ""),
        ("/ed-fi/staffEducationOrganizationEmploymentAssociations", "hireDate", ""),
        // The database prefixes a name that nothing else has.
        ("/ed-fi/staffProgramAssociations", "programEducationOrganizationId", "educationOrganizationId"),
        ("/ed-fi/studentAssessmentRegistrationBatteryPartAssociations", assigning, ""),
        ("/ed-fi/studentAssessmentRegistrations", assigning, ""),
        ("/ed-fi/studentInterventionAttendanceEvents", event, ""),
        ("/ed-fi/studentProgramAttendanceEvents", event, ""),
        ("/ed-fi/studentSchoolAttendanceEvents", event, ""),
        ("/ed-fi/studentSectionAttendanceEvents", event, ""),
    ]
    .map(|(name, lacks, has)| (name, lacks.to_owned(), has.to_owned()))
    .to_vec()
}

#[test]
fn a_merge_says_which_document_it_believed() {
    let Some([_, _, (_, both)]) = readings() else { return };
    let settled = &both.metadata().settled;
    for expected in [
        "key of /ed-fi/studentSchoolAttendanceEvents: ApiSchema leaves out attendanceEventCategoryDescriptor, \
         eventDate; OpenAPI is believed",
        "/ed-fi/studentAssessmentRegistrations.assessmentAdministrationReference has \
         assigningEducationOrganizationId in OpenAPI, educationOrganizationId in ApiSchema; the first is believed",
    ] {
        assert!(settled.iter().any(|s| s == expected), "{settled:#?}");
    }
}
