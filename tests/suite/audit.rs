//! Published orders and graphs: read, and compared with the graph.

use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::model::PublishedForm;
use edfi_plan::plan::audit::{Audit, Cause, Wrong, audit};
use edfi_plan::plan::diff::{Comparable, diff_any};
use edfi_plan::plan::load::{LoadOptions, load_plan};
use edfi_plan::plan::{published, server};
use edfi_plan::render::{json, lists, text};
use edfi_plan::source::{self, Document, read_published};

use crate::common::standard;
use crate::corpus;

fn of(graph: &DependencyGraph, document: &Document) -> Audit {
    let authorization = Authorization::relationships(graph, &[]).unwrap();
    audit(graph, &authorization, &read_published(document).unwrap())
}

fn of_text(graph: &DependencyGraph, text: &str) -> Audit {
    of(graph, &Document { name: "list".to_owned(), bytes: text.as_bytes().to_vec() })
}

/// Findings in short: `reportCards → studentAcademicRecords inverted`.
fn findings(audit: &Audit) -> Vec<String> {
    let missing = audit.missing.iter().map(|m| format!("{} missing", m.resource.short()));
    let extra = audit.extra.iter().map(|e| format!("{} extra", e.name));
    let edges = audit.edge_findings.iter().map(|f| {
        let wrong = if f.wrong == Wrong::Inverted { "inverted" } else { "dropped" };
        format!("{} → {} {wrong}", f.prerequisite.short(), f.dependent.short())
    });
    missing.chain(extra).chain(edges).collect()
}

fn notes(audit: &Audit) -> Vec<&str> {
    audit.notes.iter().map(|n| n.code).collect()
}

/// What real servers publish has no other faults than those they are known for: the cycle through
/// report cards, cut where it should not be, and what the second cut of the current GraphML loses.
#[test]
fn published_orders_of_real_servers() {
    let report_cards = "reportCards → studentAcademicRecords inverted";
    let employment = "staffEducationOrganizationEmploymentAssociations → \
                      staffEducationOrganizationAssignmentAssociations dropped";
    for (name, file, expected, split) in [
        ("ed-fi-5.0", "ods-ds-5.0-core.json", &[][..], true),
        ("ed-fi-5.0", "ods-ds-5.0-core.graphml", &[][..], false),
        ("ed-fi-5.1", "ods-ds-5.1-core.json", &[][..], true),
        ("ed-fi-5.1", "ods-ds-5.1-core.graphml", &[employment][..], true),
        ("ed-fi-5.0+tpdm", "dms-ds-5.0-tpdm.json", &[report_cards][..], true),
        ("ed-fi-4.0+tpdm", "ods-6.1-ds-4.0-tpdm.graphml", &[report_cards][..], false),
    ] {
        let Some(document) = corpus::document(&format!("metadata/dependencies/{file}")) else { return };
        let found = of(&standard(name), &document);
        assert_eq!(findings(&found), expected, "{file}");
        let people = notes(&found).contains(&"one-step-for-people");
        assert_eq!((notes(&found).contains(&"school-years"), people), (true, !split), "{file}");
        assert!(found.edges > 1100, "{file}: {}", found.edges);
    }
}

#[test]
fn the_order_of_the_server_for_data_standard_6_inverts_report_cards() {
    let graph = standard("ed-fi-6.0");
    let plan = server::as_plan(&graph, &graph.select_all(), &LoadOptions::default()).unwrap();
    let found = of_text(&graph, &lists::dependencies(&plan));
    assert_eq!(findings(&found), ["reportCards → studentAcademicRecords inverted"]);
    let [finding] = found.edge_findings.as_slice() else { panic!() };
    assert_eq!(
        finding.because,
        [Cause::Reference { path: "$.reportCards[*].reportCardReference".into(), required: false }]
    );
    assert_eq!(
        (finding.load.resource.short(), finding.load.status, finding.load.always),
        ("studentAcademicRecords", 409, false)
    );
    assert_eq!(finding.delete.as_ref().unwrap().resource.short(), "reportCards");
    assert!(finding.dependent_at < finding.prerequisite_at);
    let shown = text::audit(&found, text::Width(80));
    assert!(shown.starts_with("1 finding. 454 resources and "), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

/// Our own order keeps every edge, in every form it is written in; what it defers is a note.
#[test]
fn our_own_order_has_no_findings() {
    for name in source::standards().iter().map(|s| s.name) {
        let graph = standard(name);
        let authorization = Authorization::relationships(&graph, &[]).unwrap();
        let options = LoadOptions { authorization, ..LoadOptions::default() };
        let plan = load_plan(&graph, &graph.select_all(), &options).unwrap();
        let mut forms = vec![
            json::answer("edfi-plan/load-plan/1", graph.metadata(), &plan),
            lists::dependencies(&plan),
            lists::csv(&plan),
            lists::publisher(&plan),
        ];
        // lightbeam knows endpoint names only, so it cannot tell homographs apart.
        let mut endpoints: Vec<&str> = graph.ids().map(|id| graph.name(id).endpoint()).collect();
        let all = endpoints.len();
        endpoints.sort_unstable();
        endpoints.dedup();
        if endpoints.len() == all {
            forms.push(lists::lightbeam(&plan));
        }
        for form in forms {
            let found = of_text(&graph, &form);
            assert_eq!(findings(&found), [""; 0], "{name}: {}", form.chars().take(80).collect::<String>());
            assert_eq!(notes(&found).contains(&"deferred"), !plan.deferred.is_empty(), "{name}");
        }
    }
}

#[test]
fn a_list_written_by_hand() {
    let graph = standard("ed-fi-5.1");
    let list = "# what we send\nstudents\nsections   # too early\nschools\n\n--include=/ed-fi/studentSectionAssociations\n\
                studnets\nstudentSchoolAssociations, Session\nparents\n";
    let found = of_text(&graph, list);
    assert_eq!(
        findings(&found),
        [
            "courseOfferings missing",
            "studnets extra",
            "schools → sections inverted",
            "studentSchoolAssociations → studentSectionAssociations inverted",
        ]
    );
    assert_eq!(found.extra[0].because, "unknown resource 'studnets'. Did you mean students?");
    let authorization = &found.edge_findings[1];
    let student = "/ed-fi/students".parse().unwrap();
    assert_eq!(authorization.because, [Cause::Authorization { person: student }]);
    assert_eq!((authorization.load.status, authorization.delete.is_none()), (403, true));
    assert_eq!((authorization.dependent_at, authorization.prerequisite_at), (Some(6), Some(8)));
    assert_eq!(
        notes(&found),
        ["no-descriptors", "one-step-for-people", "optional", "partial", "renamed", "school-years"]
    );
    // Without authorization nothing but references is looked for.
    let published = read_published(&Document { name: "list".to_owned(), bytes: list.as_bytes().to_vec() }).unwrap();
    let found = audit(&graph, &Authorization::none(), &published);
    assert_eq!(found.edge_findings.len(), 1);
}

#[test]
fn an_api_without_a_resource_and_with_another() {
    let graph = standard("ed-fi-5.1");
    let rows: Vec<serde_json::Value> = server::rows(&graph)
        .unwrap()
        .into_iter()
        .filter(|row| row.resource.endpoint() != "courses")
        .map(|row| serde_json::json!({"resource": row.resource, "order": row.order}))
        .chain([serde_json::json!({"resource": "/mine/pets", "order": 1})])
        .collect();
    let found = of_text(&graph, &serde_json::Value::from(rows).to_string());
    assert_eq!(findings(&found), ["courses missing", "/mine/pets extra"]);
    let [missing] = found.missing.as_slice() else { panic!() };
    let always: Vec<&str> = missing.loads.iter().filter(|l| l.required).map(|l| l.resource.short()).collect();
    assert_eq!(always, ["courseOfferings", "courseTranscripts", "surveyCourseAssociations"]);
    assert!(missing.deletes.iter().any(|name| name.short() == "schools"));
    // Without operations every row creates and updates: the old form, and people in it twice.
    assert!(notes(&found).contains(&"twice"));
}

#[test]
fn an_edge_that_a_graph_keeps_through_others_is_kept() {
    let graph = standard("ed-fi-5.1");
    let graphml = |edges: &str| {
        format!(
            "<graphml><graph><node id='/ed-fi/schools'/><node id='/ed-fi/sessions'/>\
             <node id='/ed-fi/courseOfferings'/><node id='/ed-fi/students'/><node id='/ed-fi/students#Retry'/>\
             <node id='/ed-fi/studentSchoolAssociations'/>{edges}</graph></graphml>"
        )
    };
    let edge = |from: &str, to: &str| format!("<edge source='/ed-fi/{from}' target='/ed-fi/{to}'/>");
    let all = [
        edge("schools", "sessions"),
        edge("sessions", "courseOfferings"),
        edge("schools", "studentSchoolAssociations"),
        edge("students", "studentSchoolAssociations"),
        edge("studentSchoolAssociations", "students#Retry"),
    ];
    let edges = |audit: &Audit| findings(audit).into_iter().filter(|f| f.contains('→')).collect::<Vec<_>>();
    assert_eq!(edges(&of_text(&graph, &graphml(&all.concat()))), [""; 0]);
    assert_eq!(
        edges(&of_text(&graph, &graphml(&all[1..].concat()))),
        ["schools → courseOfferings dropped", "schools → sessions dropped"]
    );
    let turned = [edge("courseOfferings", "schools")].concat() + &all[1..].concat();
    assert_eq!(
        edges(&of_text(&graph, &graphml(&turned))),
        ["schools → courseOfferings inverted", "schools → sessions inverted"]
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let many = |count: usize| -> String {
        let nodes: String = (0..count).map(|n| format!("<node id='/x/n{n}'/>")).collect();
        format!("<graphml>{nodes}</graphml>")
    };
    for (text, message) in [
        ("", "d: $: empty. Give what the API's dependencies endpoint answers"),
        ("[]", "d: $: an order without resources. Give"),
        ("[{\"resource\":\"/ed-fi/a\"", "d:1:23: EOF while parsing an object. The document is cut off; fetch it again"),
        ("[{\"order\":1}]", "d:1:12: missing field `resource`. Give the document as the API serves it"),
        ("{\"openapi\":\"3.0.1\"}", "d: $: no published order. Give what"),
        ("<!doctype html><html>", "d: $: an HTML page, not metadata (a login page?). Give"),
        ("<graphml>", "d:1:10: the document ends inside an element. Fetch the GraphML of the API again"),
        ("<graphml></graphml>", "d: $: a graph without nodes. Give"),
        (
            "<!DOCTYPE graphml [<!ENTITY a 'b'>]><graphml><node id='&a;'/></graphml>",
            "d:1:37: a document type declaration, which is not read.",
        ),
        ("<graphml>\n<node id='&a;'/></graphml>", "d:2:17: at 1..2: unrecognized entity `a`."),
        ("<graphml>&a;</graphml>", "d:1:13: an entity, which is not read."),
        ("<graphml><node/></graphml>", "d:1:17: an element without the attribute 'id'."),
        ("<graphml><node id='a'/><edge source='a' target='b'/></graphml>", "d:1:53: an edge to b, which is no node."),
        ("<graphml><node id='a'/></graph></graphml>", "d:1:24: ill-formed document"),
        (&many(1_000_000), "d: $: more than 20000 resources. No Ed-Fi API has as many; fetch the document again"),
        ("a b;", "d:1:1: 'a b;' is not the name of a resource. Give"),
        ("wave,resource,operations\nx,y\n", "d:2:1: 'x,y' is not wave,resource,operations. Give"),
        ("# nothing\n", "d: $: no resource in it. Give"),
    ] {
        let document = Document { name: "d".to_owned(), bytes: text.as_bytes().to_vec() };
        let error = read_published(&document).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let deep = "<a>".repeat(100_000);
    let document = Document { name: "d".to_owned(), bytes: format!("<graphml>{deep}").into_bytes() };
    assert!(read_published(&document).unwrap_err().to_string().contains("elements nest too deep"));
}

#[test]
fn forms_are_told_by_content() {
    let form =
        |text: &str| read_published(&Document { name: "x".to_owned(), bytes: text.as_bytes().to_vec() }).unwrap().form;
    assert_eq!(form("\u{feff} [{\"resource\":\"a\",\"order\":1}]"), PublishedForm::Order);
    assert_eq!(
        form("<?xml version='1.0'?><!-- x --><g:graphml xmlns:g='y'><g:node id='a'/></g:graphml>"),
        PublishedForm::Graph
    );
    assert_eq!(form("a,b\n"), PublishedForm::List);
}

/// A published order is printed as it is, and compared by what it tells.
#[test]
fn a_published_order_as_a_plan() {
    for file in ["ods-ds-5.0-core.json", "ods-ds-5.1-core.json", "dms-ds-5.0-tpdm.json"] {
        let Some(document) = corpus::document(&format!("metadata/dependencies/{file}")) else { return };
        let plan = published::as_plan(&read_published(&document).unwrap()).unwrap();
        let printed: serde_json::Value = serde_json::from_str(&lists::dependencies(&plan)).unwrap();
        assert_eq!(printed, serde_json::from_slice::<serde_json::Value>(&document.bytes).unwrap(), "{file}");
    }
    let Some(document) = corpus::document("metadata/dependencies/ods-ds-5.1-core.graphml") else { return };
    let graph = standard("ed-fi-5.1");
    let rows = published::rows(&read_published(&document).unwrap()).unwrap();
    assert_eq!(rows.len(), 342);
    assert_eq!(rows.iter().map(|row| row.order).max(), Some(19));
    let found = diff_any(&Comparable::Graph(Box::new(graph)), &Comparable::Order("graphml".into(), rows));
    assert_eq!((found.added.len(), found.removed.len(), found.wave_counts), (0, 0, Some((18, 19))));
    assert_eq!(found.right.limits.len(), 1);
}

#[test]
fn an_order_that_is_none() {
    let rows = |text: &str| {
        let document = Document { name: "d".to_owned(), bytes: text.as_bytes().to_vec() };
        published::rows(&read_published(&document).unwrap()).map_err(|error| error.to_string())
    };
    let circle = "<graphml><node id='/a/b'/><node id='/a/c'/><edge source='/a/b' target='/a/c'/><edge source='/a/c' target='/a/b'/></graphml>";
    assert_eq!(rows(circle).unwrap_err(), "the published graph runs in a circle through /a/b, so it states no order");
    assert!(rows("students\n").unwrap_err().starts_with("a list says which resources"));
    assert!(
        rows("[{\"resource\":\"students\",\"order\":1}]").unwrap_err().starts_with("'students' is not a resource path")
    );
}

#[test]
fn an_order_of_another_standard_names_the_graph_that_fits() {
    let order = |name: &str| {
        let graph = standard(name);
        let plan = server::as_plan(&graph, &graph.select_all(), &LoadOptions::default()).unwrap();
        let document = Document { name: name.to_owned(), bytes: lists::dependencies(&plan).into_bytes() };
        read_published(&document).unwrap()
    };
    let graphs =
        ["ed-fi-3.3", "ed-fi-4.0", "ed-fi-5.0", "ed-fi-5.0+tpdm", "ed-fi-5.1", "ed-fi-5.2+sample", "ed-fi-6.0"];
    let models = graphs.map(|name| source::standard(name).unwrap());
    for name in graphs {
        let published = order(name);
        for (used, model) in graphs.iter().zip(&models) {
            let better = source::better_fit(&published, model).map(|better| better.name);
            assert_eq!(better.as_deref(), (*used != name).then_some(name), "order of {name} against {used}");
        }
        // Without some of it, and with resources of the host's own, it is still the order of its standard.
        let mut part = published;
        let mut number = 0;
        part.rows.retain(|_| {
            number += 1;
            number % 40 != 0
        });
        part.rows.iter_mut().take(3).for_each(|row| row.resource = "/host/things".into());
        let own = source::standard(name).unwrap();
        assert_eq!(source::better_fit(&part, &own), None, "{name}");
    }
    // What somebody wrote down of one standard is far from all of them.
    let bytes = b"schools\nstudents\nparents\nstudentParentAssociations\n".to_vec();
    let list = read_published(&Document { name: "list".into(), bytes }).unwrap();
    assert_eq!(source::better_fit(&list, &source::standard("ed-fi-5.2").unwrap()), None);
}
