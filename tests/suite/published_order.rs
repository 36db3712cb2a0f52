//! The server's order, against what real servers published.

use std::collections::BTreeSet;

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{Kind, Model, Reference, Resource, ResourceName, Target};
use edfi_plan::plan::Operation;
use edfi_plan::plan::load::LoadOptions;
use edfi_plan::plan::server::{GraphForm, Vertex, as_plan, published, rows};

use crate::corpus;

const ODS_5_1: [&str; 2] = ["openapi/resources-ds-5.1-core.json", "openapi/descriptors-ds-5.1-core.json"];
const METAED_5_1: [&str; 2] = ["openapi/resources-ds-5.1-core-metaed.json", "openapi/descriptors-ds-5.1-core.json"];
const ODS_5_0: [&str; 2] = ["openapi/resources-ds-5.0.yaml", "openapi/descriptors-ds-5.0.yaml"];
const ODS_4_0: [&str; 2] = ["openapi/resources-ds-4.0.yaml", "openapi/descriptors-ds-4.0.yaml"];

#[derive(serde::Deserialize)]
struct PublishedRow {
    resource: String,
    order: usize,
    operations: Vec<String>,
}

fn assert_rows(graph: Option<DependencyGraph>, published: &str, count: usize) {
    let (Some(graph), Some(text)) = (graph, corpus::text(&format!("metadata/dependencies/{published}"))) else {
        return;
    };
    let expected: Vec<PublishedRow> = serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), count);
    let word = |o: &Operation| match o {
        Operation::Create => "Create".to_owned(),
        Operation::Update => "Update".to_owned(),
    };
    let ours = rows(&graph).unwrap();
    for (ours, theirs) in ours.iter().zip(&expected) {
        let operations: Vec<String> = ours.operations.iter().map(word).collect();
        assert_eq!(
            (ours.resource.as_str(), ours.order, &operations),
            (theirs.resource.as_str(), theirs.order, &theirs.operations)
        );
    }
    assert_eq!(ours.len(), expected.len());
}

fn assert_edges(graph: Option<DependencyGraph>, form: GraphForm, file: &str, count: usize) {
    let (Some(graph), Some(text)) = (graph, corpus::text(&format!("metadata/dependencies/{file}"))) else { return };
    let attribute =
        |line: &str, name: &str| line.split(&format!("{name}=\"")).nth(1)?.split('"').next().map(str::to_owned);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("<edge ")).collect();
    assert_eq!(lines.len(), count);
    let theirs: BTreeSet<_> =
        lines.iter().map(|l| (attribute(l, "source").unwrap(), attribute(l, "target").unwrap())).collect();
    let name = |v: Vertex| format!("{}{}", graph.name(v.resource), if v.retry { "#Retry" } else { "" });
    let ours: BTreeSet<_> =
        published(&graph, form).unwrap().edges.iter().map(|(from, to)| (name(*from), name(*to))).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn core_5_1_of_an_ods() {
    assert_rows(corpus::graph(&ODS_5_1, &[]), "ods-ds-5.1-core.json", 342);
    assert_edges(corpus::graph(&ODS_5_1, &[]), GraphForm::Current, "ods-ds-5.1-core.graphml", 1098);
}

#[test]
fn core_5_1_from_metaed_gives_the_same_order() {
    assert_rows(corpus::graph(&METAED_5_1, &[]), "ods-ds-5.1-core.json", 342);
}

#[test]
fn core_5_0_without_the_tpdm_that_its_documents_contain() {
    assert_rows(corpus::graph(&ODS_5_0, &["tpdm"]), "ods-ds-5.0-core.json", 330);
    assert_edges(corpus::graph(&ODS_5_0, &["tpdm"]), GraphForm::Legacy, "ods-ds-5.0-core.graphml", 1084);
}

#[test]
fn tpdm_on_5_0_of_a_dms() {
    assert_rows(corpus::graph(&ODS_5_0, &[]), "dms-ds-5.0-tpdm.json", 363);
}

#[test]
fn tpdm_on_4_0_of_an_ods() {
    assert_edges(corpus::graph(&ODS_4_0, &[]), GraphForm::Legacy, "ods-6.1-ds-4.0-tpdm.graphml", 1173);
}

#[test]
fn core_5_0_of_an_api_schema() {
    let documents = ["apischema/ds-5.0-core.json"];
    assert_rows(corpus::graph(&documents, &[]), "ods-ds-5.0-core.json", 330);
    assert_edges(corpus::graph(&documents, &[]), GraphForm::Legacy, "ods-ds-5.0-core.graphml", 1084);
}

/// A model of resources in which each refers to others, required or not.
fn model(resources: &[(&str, &[(&str, bool)])]) -> DependencyGraph {
    let reference = |(number, (target, required)): (usize, &(&str, bool))| Reference {
        path: format!("$.r{number}").into(),
        target: Target::Resource(ResourceName::new("ed-fi", target)),
        required: *required,
        identifying: false,
        alternatives: Vec::new(),
    };
    let mut model = Model::default();
    model.resources = resources
        .iter()
        .map(|(name, references)| Resource {
            name: ResourceName::new("ed-fi", name),
            entity: (*name).into(),
            kind: Kind::Resource,
            superclass: None,
            references: references.iter().enumerate().map(reference).collect(),
            domains: Vec::new(),
            stated: Vec::new(),
        })
        .collect();
    model.resources.sort_by(|a, b| a.name.cmp(&b.name));
    DependencyGraph::build(model).unwrap()
}

/// The server goes over its cycles once. What that leaves in a circle never loses its last prerequisite, and
/// so never comes out.
#[test]
fn what_one_pass_leaves_in_a_circle_is_not_listed() {
    // Both cycles close in alphas, but the second is met when bravos are done: only one is found.
    let graph = model(&[
        ("alphas", &[("xrays", true)]),
        ("bravos", &[("alphas", true)]),
        ("charlies", &[("alphas", true)]),
        ("others", &[]),
        ("xrays", &[("bravos", false), ("charlies", false)]),
        ("zulus", &[("charlies", true)]),
    ]);
    let rows = rows(&graph).unwrap();
    let listed: Vec<&str> = rows.iter().map(|row| row.resource.endpoint()).collect();
    let plan = as_plan(&graph, &graph.select_all(), &LoadOptions::default()).unwrap();
    let left_out: Vec<&str> = plan.left_out.iter().map(ResourceName::endpoint).collect();
    assert_eq!((listed, left_out), (vec!["others"], vec!["alphas", "bravos", "charlies", "xrays", "zulus"]));
}
