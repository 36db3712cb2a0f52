//! The GraphML and the dependencies JSON of an API as metadata, and as witnesses beside other documents.

use std::collections::BTreeSet;

use edfi_plan::graph::{Authorization, DependencyGraph, Follow, ResourceId};
use edfi_plan::model::{Kind, Model, ResourceName, Target};
use edfi_plan::plan::server::{GraphForm, published, rows};
use edfi_plan::source::{self, Document};

use crate::corpus;
use crate::fixtures;
use crate::program::run;

fn document(text: &str) -> Document {
    Document { name: "d".to_owned(), bytes: text.as_bytes().to_vec() }
}

/// A published graph; a name without a path is of core.
fn graphml(edges: &[(&str, &str)]) -> Document {
    let path = |name: &str| if name.starts_with('/') { name.to_owned() } else { format!("/ed-fi/{name}") };
    let nodes: BTreeSet<&str> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let nodes: String = nodes.iter().map(|n| format!("<node id=\"{}\"/>", path(n))).collect();
    let edges: String =
        edges.iter().map(|(a, b)| format!("<edge source=\"{}\" target=\"{}\"/>", path(a), path(b))).collect();
    document(&format!("<graphml><graph>{nodes}{edges}</graph></graphml>"))
}

fn read(documents: &[Document]) -> Model {
    source::read(documents, &[]).unwrap()
}

fn build(model: Model) -> DependencyGraph {
    DependencyGraph::build(model).unwrap()
}

fn id(graph: &DependencyGraph, endpoint: &str) -> ResourceId {
    graph.id(&ResourceName::new("ed-fi", endpoint)).unwrap()
}

fn refusal(documents: &[Document]) -> String {
    source::read(documents, &[]).unwrap_err().to_string()
}

const LEGACY: [(&str, &str); 5] = [
    ("sexDescriptors", "students"),
    ("students", "studentSchoolAssociations"),
    ("schools", "studentSchoolAssociations"),
    ("schools", "grades"),
    ("studentSchoolAssociations", "grades"),
];

const CURRENT: [(&str, &str); 6] = [
    ("sexDescriptors", "students"),
    ("students", "studentSchoolAssociations"),
    ("schools", "studentSchoolAssociations"),
    ("schools", "grades"),
    ("studentSchoolAssociations", "students#Retry"),
    ("students#Retry", "grades"),
];

/// Both forms come down to the same graph: edges without references, and authorization through pathways.
#[test]
fn both_forms_of_a_published_graph() {
    for (edges, form) in [(&LEGACY[..], GraphForm::Legacy), (&CURRENT[..], GraphForm::Current)] {
        let graph = build(read(&[graphml(edges)]));
        assert!(graph.model().edges_only());
        assert_eq!(graph.ids().len(), 5);
        assert_eq!(graph.resource(id(&graph, "sexDescriptors")).kind, Kind::Descriptor);
        let edge = graph.edge(id(&graph, "schools"), id(&graph, "grades")).unwrap();
        assert!(edge.is_unexplained() && edge.may_be_required() && !edge.required);
        let (students, association, grades) =
            (id(&graph, "students"), id(&graph, "studentSchoolAssociations"), id(&graph, "grades"));
        assert!(graph.edge(students, association).is_some());
        // What waits for the pathway may refer to the student or to the association: nothing tells.
        assert!(graph.edge(students, grades).is_none() && graph.edge(association, grades).is_none());
        let authorization = Authorization::relationships(&graph, &[]).unwrap();
        let edges: Vec<_> = authorization.edges.iter().map(|e| (e.prerequisite, e.dependent, e.person)).collect();
        assert_eq!(edges, [(association, grades, students)]);
        assert_eq!(graph.transitive_prerequisites(association, Follow::required()).len(), 3);
        let orders: Vec<_> =
            rows(&graph).unwrap().iter().map(|r| (r.resource.endpoint().to_owned(), r.order)).collect();
        let orders: Vec<(&str, usize)> = orders.iter().map(|(name, order)| (name.as_str(), *order)).collect();
        let expected = [
            ("schools", 1),
            ("sexDescriptors", 1),
            ("students", 2),
            ("studentSchoolAssociations", 3),
            ("students", 4),
            ("grades", 4),
        ];
        assert_eq!(orders, expected);
        // The document comes back.
        assert_eq!(published(&graph, form).unwrap().edges.len(), edges_of(form).len());
    }
}

fn edges_of(form: GraphForm) -> &'static [(&'static str, &'static str)] {
    if form == GraphForm::Legacy { &LEGACY } else { &CURRENT }
}

/// A host can make people visible in its own way; the current form shows it.
#[test]
fn a_pathway_of_the_host() {
    let graph = build(read(&[graphml(&[
        ("candidates", "candidateAssociations"),
        ("candidateAssociations", "candidates#Retry"),
        ("candidates#Retry", "candidateGrades"),
    ])]));
    let pathway = &graph.pathways()[0];
    assert_eq!(pathway.person.endpoint(), "candidates");
    assert_eq!(pathway.associations, [ResourceName::new("ed-fi", "candidateAssociations")]);
    assert_eq!(graph.resource(id(&graph, "candidates")).entity, "Candidate");
}

/// The graph file and the compact form keep stated edges.
#[test]
fn stated_edges_come_back() {
    let model = read(&[graphml(&CURRENT)]);
    let text = source::write_graph(&model).unwrap();
    assert!(text.contains("- /ed-fi/studentSchoolAssociations visible /ed-fi/students\n"), "{text}");
    let back = read(&[document(&text)]);
    assert_eq!(back.resources, model.resources);
    assert_eq!(back.pathways, model.pathways);
    assert_eq!(back.metadata.fingerprint, model.metadata.fingerprint);
    assert_ne!(back.metadata.fingerprint, read(&[graphml(&LEGACY[..4])]).metadata.fingerprint);
    let unknown = text.replace("- /ed-fi/schools\n", "- /ed-fi/nothing\n");
    let error = DependencyGraph::build(read(&[document(&unknown)])).unwrap_err().to_string();
    assert!(error.ends_with("refers to /ed-fi/nothing, which the metadata does not describe"), "{error}");
    assert!(refusal(&[document(&text.replace("- /ed-fi/schools\n", "- schools\n"))]).contains("Write it like"));
}

/// Every published graph of the corpus, edge for edge; and its waves are those of the JSON.
#[test]
fn published_graphs_come_back() {
    for (file, form) in [
        ("ods-ds-5.1-core.graphml", GraphForm::Current),
        ("ods-ds-5.0-core.graphml", GraphForm::Legacy),
        ("ods-6.1-ds-4.0-tpdm.graphml", GraphForm::Legacy),
    ] {
        let Some(document) = corpus::document(&format!("metadata/dependencies/{file}")) else { return };
        let text = String::from_utf8(document.bytes.clone()).unwrap();
        let graph = build(read(&[document]));
        let name = |v: &edfi_plan::plan::server::Vertex| {
            format!("{}{}", graph.name(v.resource), if v.retry { "#Retry" } else { "" })
        };
        let ours: BTreeSet<(String, String)> =
            published(&graph, form).unwrap().edges.iter().map(|(a, b)| (name(a), name(b))).collect();
        let attribute = |line: &str, name: &str| {
            line.split(&format!("{name}=\"")).nth(1).map(|l| l.split('"').next().unwrap().to_owned())
        };
        let theirs: BTreeSet<(String, String)> = text
            .lines()
            .filter(|line| line.contains("<edge "))
            .map(|line| (attribute(line, "source").unwrap(), attribute(line, "target").unwrap()))
            .collect();
        assert_eq!(ours, theirs, "{file}");
    }
    let Some(document) = corpus::document("metadata/dependencies/ods-ds-5.0-core.graphml") else { return };
    let Some(json) = corpus::text("metadata/dependencies/ods-ds-5.0-core.json") else { return };
    let rows: Vec<(String, usize)> =
        rows(&build(read(&[document]))).unwrap().iter().map(|r| (r.resource.to_string(), r.order)).collect();
    let published: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let published: Vec<(String, usize)> = published
        .iter()
        .map(|r| (r["resource"].as_str().unwrap().to_owned(), r["order"].as_u64().unwrap() as usize))
        .collect();
    let sorted = |mut rows: Vec<(String, usize)>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(rows), sorted(published));
}

const OPENAPI: &str = r##"{"openapi":"3.0.1","info":{"title":"x","version":"1"},"paths":{
"/ed-fi/marks":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/edFi_mark"}}}}}},
"/ed-fi/marks/{id}":{},
"/ed-fi/levelDescriptors":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/edFi_levelDescriptor"}}}}}},
"/ed-fi/levelDescriptors/{id}":{},
"/ed-fi/markLevelDescriptors":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/edFi_markLevelDescriptor"}}}}}},
"/ed-fi/markLevelDescriptors/{id}":{}},
"components":{"schemas":{
"edFi_mark":{"type":"object","required":["id2"],"properties":{"id2":{"type":"string","x-Ed-Fi-isIdentity":true},"markLevelDescriptor":{"type":"string"}OTHER}},
"edFi_levelDescriptor":{"type":"object","properties":{"codeValue":{"type":"string"},"namespace":{"type":"string"}}},
"edFi_markLevelDescriptor":{"type":"object","properties":{"codeValue":{"type":"string"},"namespace":{"type":"string"}}}}}}"##;

fn openapi(other: &str) -> Document {
    Document { name: "openapi.json".to_owned(), bytes: OPENAPI.replace("OTHER", other).into_bytes() }
}

/// What the property at `$.markLevelDescriptor` means, with its alternatives.
fn meaning(model: &Model) -> (String, usize) {
    let marks = model.resource(&ResourceName::new("ed-fi", "marks")).unwrap();
    let reference = marks.references.iter().find(|r| r.path == "$.markLevelDescriptor").unwrap();
    let Target::Resource(name) = &reference.target else { panic!("{reference:?}") };
    (name.endpoint().to_owned(), reference.alternatives.len())
}

#[test]
fn an_edge_settles_what_a_descriptor_property_means() {
    let plain = read(&[openapi("")]);
    assert_eq!(meaning(&plain), ("markLevelDescriptors".to_owned(), 1));

    let as_named = graphml(&[("markLevelDescriptors", "marks"), ("levelDescriptors", "others")]);
    let model = read(&[openapi(""), as_named]);
    assert_eq!(meaning(&model), ("markLevelDescriptors".to_owned(), 0));
    assert_eq!(model.metadata.settled, [""; 0]);
    assert_eq!(model.metadata.limits, ["the API's GraphML has resources that no other document describes: others"]);

    let other = graphml(&[("levelDescriptors", "marks"), ("markLevelDescriptors", "others")]);
    let (forwards, backwards) = (read(&[openapi(""), other.clone()]), read(&[other.clone(), openapi("")]));
    assert_eq!(meaning(&forwards), ("levelDescriptors".to_owned(), 0));
    assert_eq!(
        forwards.metadata.settled,
        ["/ed-fi/marks.markLevelDescriptor is /ed-fi/levelDescriptors, not what its name suggests first: \
          the API's GraphML says so"]
    );
    assert_eq!(source::write_graph(&forwards).unwrap(), source::write_graph(&backwards).unwrap());
    assert_ne!(forwards.metadata.fingerprint, plain.metadata.fingerprint);

    // Another property accounts for the edge, so it says nothing of this one.
    let explained = read(&[openapi(r#","levelDescriptor":{"type":"string"}"#), other.clone()]);
    assert_eq!(meaning(&explained), ("markLevelDescriptors".to_owned(), 1));

    // An API without the descriptor that the name suggests says nothing of what it would mean with it.
    assert_eq!(meaning(&read(&[openapi(""), graphml(&[("levelDescriptors", "marks")])])).1, 1);

    // Both edges, or none: nothing follows.
    let both = graphml(&[("levelDescriptors", "marks"), ("markLevelDescriptors", "marks")]);
    assert_eq!(meaning(&read(&[openapi(""), both])).1, 1);
    let none = graphml(&[("levelDescriptors", "others"), ("markLevelDescriptors", "others"), ("others", "marks")]);
    let model = read(&[openapi(""), none]);
    assert_eq!(meaning(&model).1, 1);
    assert!(
        model
            .metadata
            .limits
            .iter()
            .any(|l| l == "the API's GraphML has edges that no reference explains: others → marks")
    );
}

#[test]
fn what_a_published_graph_contradicts_is_said_and_changes_nothing() {
    let documents = fixtures::small("ods");
    let plain = read(&documents);
    let graph = build(plain.clone());
    let edges = published(&graph, GraphForm::Legacy).unwrap().edges;
    let names: Vec<(String, String)> =
        edges.iter().map(|(a, b)| (graph.name(a.resource).to_string(), graph.name(b.resource).to_string())).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let with = |edges: &[(&str, &str)]| {
        let mut all = documents.to_vec();
        all.push(graphml(edges));
        read(&all)
    };
    let agreed = with(&all);
    assert_eq!((&agreed.metadata.limits, &agreed.resources), (&plain.metadata.limits, &plain.resources));
    assert!(agreed.metadata.origins.iter().any(|o| o.kind.starts_with("GraphML")));

    let (from, to) = *all.iter().find(|(from, _)| *from == "/ed-fi/schools").unwrap();
    let less: Vec<_> = all.iter().copied().filter(|edge| *edge != (from, to)).collect();
    let model = with(&less);
    assert_eq!(model.resources, plain.resources);
    let said = format!(
        "the API's GraphML has no edge for references that are described: schools → {}",
        to.trim_start_matches("/ed-fi/")
    );
    assert!(model.metadata.limits.iter().any(|l| *l == said), "{:?}", model.metadata.limits);
}

#[test]
fn an_order_beside_other_documents() {
    let row = |resource: &str, order: usize| format!("{{\"resource\":\"{resource}\",\"order\":{order}}}");
    let order = |rows: &[String]| document(&format!("[{}]", rows.join(",")));
    let graph = build(read(&fixtures::small("ods")));
    let mut rows: Vec<(String, usize)> = rows_of(&graph);
    let with = |rows: &[(String, usize)]| {
        let rows: Vec<String> = rows.iter().map(|(name, order)| row(name, *order)).collect();
        let mut all = fixtures::small("ods").to_vec();
        all.push(order(&rows));
        read(&all).metadata.limits
    };
    assert_eq!(with(&rows), graph.metadata().limits);
    for (name, order) in &mut rows {
        if name == "/ed-fi/schools" {
            *order = 90;
        }
    }
    rows.push(("/ed-fi/unheardOf".to_owned(), 1));
    let limits = with(&rows).join("\n");
    assert!(limits.contains("the API's dependencies JSON has resources that no other document describes: unheardOf"));
    assert!(limits.contains("does not create what required references need first: schools → "), "{limits}");
}

fn rows_of(graph: &DependencyGraph) -> Vec<(String, usize)> {
    let created =
        rows(graph).unwrap().into_iter().filter(|r| r.operations.contains(&edfi_plan::plan::Operation::Create));
    created.map(|r| (r.resource.to_string(), r.order)).collect()
}

/// An order alone has no edges; the way out is named.
#[test]
fn an_order_is_no_graph() {
    let order = "[{\"resource\":\"/ed-fi/students\",\"order\":1,\"operations\":[\"Create\"]}]";
    assert_eq!(
        refusal(&[document(order)]),
        "d: $: the load order of an API, which tells no edges: it serves order, audit and diff only. \
         Give the API's OpenAPI documents with -m"
    );
    let rows: Vec<String> = rows_of(&build(source::standard("ed-fi-5.1").unwrap()))
        .iter()
        .map(|(name, order)| format!("{{\"resource\":\"{name}\",\"order\":{order}}}"))
        .collect();
    let refusal = refusal(&[document(&format!("[{}]", rows.join(",")))]);
    assert!(refusal.ends_with("or -m ed-fi-5.1 (bundled), which has these resources"), "{refusal}");
}

#[test]
fn a_published_graph_that_is_no_metadata() {
    for (text, message) in [
        ("<graphml><node id='/a/b'/></graphml>", "d: $: a graph without edges. Give what"),
        (
            "<graphml><node id='a'/><node id='/a/b'/><edge source='a' target='/a/b'/></graphml>",
            "d: $: 'a' is not a resource path such as /ed-fi/students. Give what",
        ),
        (
            "<graphml><node id='/a/b'/>",
            "d:1:27: the document ends inside an element. Fetch the GraphML of the API again",
        ),
        ("<!DOCTYPE graphml []><graphml/>", "d:1:22: a document type declaration, which is not read."),
        ("[{\"resource\":\"/a/b\",\"order\":1},{", "d:1:32: EOF while parsing an object. The document is cut off"),
        ("[{\"name\":1}]", "d: $: a JSON list of an unknown kind."),
    ] {
        let refusal = refusal(&[document(text)]);
        assert!(refusal.starts_with(message), "{refusal}");
    }
    let many: String = (0..1_000_000).map(|n| format!("<node id='/x/n{n}'/>")).collect();
    let refusal = refusal(&[document(&format!("<graphml>{many}</graphml>"))]);
    assert!(refusal.starts_with("d: $: more than 20000 resources."), "{refusal}");
}

/// A document of the corpus settles all that its own API's OpenAPI leaves ambiguous, but for one property
/// whose two meanings the resource both has.
#[test]
fn a_published_graph_settles_its_own_api() {
    let paths = ["openapi/resources-ds-5.1-core.json", "openapi/descriptors-ds-5.1-core.json"];
    let Some(alone) = corpus::graph(&paths, &[]) else { return };
    let Some(settled) = corpus::graph(&[paths[0], paths[1], "dependencies/ods-ds-5.1-core.graphml"], &[]) else {
        return;
    };
    let ambiguous = |graph: &DependencyGraph| graph.ids().map(|id| graph.ambiguous(id).count()).sum::<usize>();
    assert_eq!((ambiguous(&alone), ambiguous(&settled)), (22, 1));
    assert_eq!(settled.metadata().limits, alone.metadata().limits, "they contradict each other nowhere");
    let other = corpus::document("metadata/dependencies/ods-ds-5.0-core.graphml").unwrap();
    let documents: Vec<Document> =
        paths.iter().map(|p| corpus::document(&format!("metadata/{p}")).unwrap()).chain([other]).collect();
    assert!(refusal(&documents).contains("documents of different standards, 5.0 and 5.1"));
}

/// Commands that need more than edges say so, with the way out.
#[test]
fn what_edges_cannot_answer_is_refused() {
    let file = tempfile::Builder::new().suffix(".graphml").tempfile().unwrap();
    std::fs::write(file.path(), graphml(&CURRENT).bytes).unwrap();
    let metadata = file.path().to_str().unwrap();
    for args in [
        &["check", "tests/fixtures/payloads/small"][..],
        &["arrange", "tests/fixtures/payloads/small", "-o", "/nonexistent/out"],
        &["prereqs", "grades", "--payload", "tests/fixtures/payloads/record.json"],
        &["diagnose", "tests/fixtures/responses/unresolved.json"],
        &["prereqs", "grades", "--required-only"],
        &["why", "schools", "grades", "--required-only"],
        &["order", "grades", "--required-only"],
        &["order", "--authorization", "none"],
        &["graph", "--pathway", "students=grades"],
    ] {
        let answer = run(&[&["-m", metadata], args].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{args:?} {}", answer.stderr);
        let error = answer.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        assert!(error.ends_with("Give the API's OpenAPI documents with -m"), "{args:?} {error}");
    }
    let answer = run(&["-m", metadata, "prereqs", "grades"]);
    assert_eq!(
        answer.stdout,
        "grades\n├── studentSchoolAssociations  authorization: makes students visible\n│   ├── schools\n\
         │   └── students\n│       └── sexDescriptors\n└── schools\n"
    );
    assert!(answer.stderr.starts_with("note: edges come from the GraphML of an API"), "{}", answer.stderr);
    let drawn = run(&["-m", metadata, "graph", "--format", "dot", "grades", "schools"]);
    assert!(drawn.stdout.contains("\"schools\" -> \"grades\";"), "{}", drawn.stdout);
    let shown = run(&["-m", metadata, "show", "grades", "--format", "json"]);
    assert!(shown.stdout.contains("\"waitsFor\": [\n    \"/ed-fi/schools\"\n  ]"), "{}", shown.stdout);
    assert_eq!(run(&["-m", metadata, "audit", metadata]).code, 0);
    assert_eq!(run(&["diff", metadata, metadata]).code, 0);
    let order = run(&["-m", metadata, "order", "--format", "csv"]);
    assert!(order.stdout.ends_with("5,/ed-fi/grades,create+update\n"), "{}", order.stdout);
}
