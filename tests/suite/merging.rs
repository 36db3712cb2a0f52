//! Several documents as one: what is believed, what is refused, and that their order is irrelevant.

use edfi_plan::model::Model;
use edfi_plan::source::{self, Document};

use crate::corpus;

/// A document that describes weeks and, unless it is an extension, schools.
fn openapi(version: &str, week: &str, required: &str) -> String {
    format!(
        r##"{{"openapi": "3.0.1", "info": {{"title": "Test ({version})", "version": "1"}},
        "paths": {{
          "/ed-fi/weeks": {{"post": {{"requestBody": {{"content": {{"application/json":
             {{"schema": {{"$ref": "#/components/schemas/edFi_week"}}}}}}}}}}}},
          "/ed-fi/weeks/{{id}}": {{}},
          "/ed-fi/schools": {{"post": {{"requestBody": {{"content": {{"application/json":
             {{"schema": {{"$ref": "#/components/schemas/edFi_school"}}}}}}}}}}}},
          "/ed-fi/schools/{{id}}": {{}}}},
        "components": {{"schemas": {{
          "edFi_week": {{"type": "object", "required": [{required}], "properties": {{{week}}}}},
          "edFi_school": {{"type": "object", "required": ["schoolId"], "properties": {{"schoolId": {{"type": "integer"}}}}}},
          "edFi_schoolReference": {{"type": "object", "properties": {{"schoolId": {{"type": "integer"}}}}}},
          "edFi_weekReference": {{"type": "object", "properties": {{"name": {{"type": "string"}}}}}}
        }}}}}}"##
    )
}

const SCHOOL: &str = r##""schoolReference": {"$ref": "#/components/schemas/edFi_schoolReference"}"##;

fn document(name: &str, text: &str) -> Document {
    Document { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn read(documents: &[Document]) -> Result<Model, String> {
    let mut forward = source::read(documents, &[]).map_err(|e| e.to_string());
    let mut reversed = documents.to_vec();
    reversed.reverse();
    let backward = source::read(&reversed, &[]).map_err(|e| e.to_string());
    match (&forward, &backward) {
        (Ok(one), Ok(other)) => assert_eq!(source::write_graph(one), source::write_graph(other)),
        (Err(_), Err(other)) => forward = forward.and(Err(other.clone())),
        _ => panic!("the order of the documents decides"),
    }
    forward
}

fn refusal(documents: &[Document]) -> String {
    read(documents).map(|_| ()).unwrap_err()
}

#[test]
fn the_same_document_twice_is_that_document() {
    let text = openapi("9.1", SCHOOL, "\"schoolReference\"");
    let once = read(&[document("a.json", &text)]).unwrap();
    let twice = read(&[document("a.json", &text), document("b.json", &text)]).unwrap();
    assert_eq!(source::write_graph(&once), source::write_graph(&twice));
}

#[test]
fn equal_witnesses_that_contradict_each_other_are_refused() {
    let required = document("a.json", &openapi("9.1", SCHOOL, "\"schoolReference\""));
    let optional = document("b.json", &openapi("9.1", SCHOOL, ""));
    assert_eq!(
        refusal(&[required.clone(), optional]),
        "a.json and b.json: /ed-fi/weeks.schoolReference is required in the one and optional in the other. Leave out \
         the one that is not of your API"
    );
    let other = SCHOOL.replace("edFi_schoolReference", "edFi_weekReference");
    let elsewhere = document("b.json", &openapi("9.1", &other, "\"schoolReference\""));
    assert_eq!(
        refusal(&[required, elsewhere]),
        "a.json and b.json: /ed-fi/weeks.schoolReference refers to edfi_school in the one and edfi_week in the other. \
         Leave out the one that is not of your API"
    );
}

#[test]
fn stated_standards_must_agree() {
    let text = |version| openapi(version, SCHOOL, "");
    assert_eq!(
        refusal(&[document("a.json", &text("9.1")), document("b.json", &text("9.2"))]),
        "a.json and b.json: documents of different standards, 9.1 and 9.2. Give documents of one standard"
    );
    assert!(read(&[document("a.json", &text("9.1")), document("b.json", &text("9.1.2"))]).is_ok());
}

/// Two documents of the corpus; the path is the name.
fn pair(one: &str, other: &str) -> Option<[Document; 2]> {
    Some([corpus::document(&format!("metadata/{one}"))?, corpus::document(&format!("metadata/{other}"))?])
}

#[test]
fn documents_of_different_standards_are_refused_though_they_do_not_say_theirs() {
    for (one, other, said) in [
        (
            "openapi/resources-ds-5.0.yaml",
            "openapi/descriptors-ds-6.0.yaml",
            "descriptors-ds-6.0.yaml and resources-ds-5.0.yaml: documents of different standards, 6.0 and 5.0",
        ),
        (
            "openapi/resources-ds-5.1-core.json",
            "openapi/resources-ds-5.2-tpdm-dms.json",
            "resources-ds-5.1-core.json and resources-ds-5.2-tpdm-dms.json: documents of different standards, 5.1 and 5.2",
        ),
        (
            "apischema/ds-5.0-core.json",
            "apischema/ext-tpdm-1.1-on-ds-5.2.json",
            "ds-5.0-core.json and ext-tpdm-1.1-on-ds-5.2.json: documents of different standards, 5.0 and 5.2",
        ),
        (
            "openapi/resources-ds-5.1-core.json",
            "openapi/descriptors-ds-5.2-tpdm-dms.json",
            "descriptors-ds-5.2-tpdm-dms.json and resources-ds-5.1-core.json: documents of different standards, 5.2 and 5.1",
        ),
    ] {
        let Some(documents) = pair(one, other) else { return };
        assert_eq!(refusal(&documents), format!("{said}. Give documents of one standard"));
    }
}

#[test]
fn an_extension_without_its_core_says_which_core_would_do() {
    let Some(tpdm) = corpus::document("metadata/apischema/ext-tpdm-1.1-on-ds-5.2.json") else { return };
    assert_eq!(
        refusal(std::slice::from_ref(&tpdm)),
        "ext-tpdm-1.1-on-ds-5.2.json: $: an extension of the core ed-fi-5.2, which is not here. The bundled one will do: -m ed-fi-5.2"
    );
    let bundled = source::write_graph(&source::standard("ed-fi-5.2").unwrap()).unwrap();
    let model = read(&[tpdm.clone(), document("ed-fi-5.2", &bundled)]).unwrap();
    assert!(model.resource(&"/tpdm/candidates".parse().unwrap()).is_some());

    let text = String::from_utf8(tpdm.bytes).unwrap().replace("\"5.2.0\"", "\"9.9.0\"");
    assert_eq!(
        refusal(&[document("tpdm.json", &text)]),
        "tpdm.json: $: an extension of the core ed-fi-9.9, which is not here. No bundled graph has it: give the \
         documents of that core as well"
    );
}

#[test]
fn an_extension_in_openapi_without_its_core_names_the_bundled_ones_that_have_all_of_it() {
    let extension = openapi("9.1", SCHOOL, "").replace("/ed-fi/", "/alpha/").replace("edFi_week\"", "alpha_week\"");
    let text = extension
        .replace("schemas/edFi_school\"", "schemas/alpha_school\"")
        .replace("\"edFi_school\"", "\"alpha_school\"");
    let refusal_of = |text: &str| refusal(&[document("alpha.json", text)]);
    assert_eq!(
        refusal_of(&text),
        "alpha.json: $: an extension of the core standard, which is not here. Each of these bundled ones has all it \
         refers to: -m ed-fi-6.0, or ed-fi-3.3, ed-fi-4.0, ed-fi-5.0, ed-fi-5.1, ed-fi-5.2"
    );
    assert!(
        refusal_of(&text.replace("edFi_schoolReference", "edFi_academyReference")).contains("No bundled graph has it")
    );
}

#[test]
fn a_richer_document_settles_what_a_poorer_left_ambiguous() {
    let documents = ["openapi/resources-ds-5.2-tpdm-dms.json", "openapi/descriptors-ds-5.2-tpdm-dms.json"];
    let (Some(poor), Some(rich)) = (
        corpus::graph(&documents, &[]),
        corpus::graph(
            &[documents[0], documents[1], "apischema/ds-5.2-core.json", "apischema/ext-tpdm-1.1-on-ds-5.2.json"],
            &[],
        ),
    ) else {
        return;
    };
    assert!(poor.ids().map(|id| poor.ambiguous(id).count()).sum::<usize>() > 0);
    assert_eq!(rich.ids().map(|id| rich.ambiguous(id).count()).sum::<usize>(), 0);
}

#[test]
fn what_metaed_generates_changes_nothing_that_the_api_says_itself() {
    let documents = ["resources-ds-5.1-core.json", "descriptors-ds-5.1-core.json", "resources-ds-5.1-core-metaed.json"];
    let documents = documents.map(|d| corpus::document(&format!("metadata/openapi/{d}")));
    let [Some(resources), Some(descriptors), Some(generated)] = documents else { return };
    let alone = read(&[resources.clone(), descriptors.clone()]).unwrap();
    let both = read(&[resources, descriptors, generated]).unwrap();
    assert_eq!(both.resources, alone.resources);
    assert_eq!(both.abstracts, alone.abstracts);
    for resource in &alone.resources {
        let (both, alone) = (both.details(&resource.name), alone.details(&resource.name));
        assert_eq!(
            (&both.key, &both.fields, &both.collections),
            (&alone.key, &alone.fields, &alone.collections),
            "{}",
            resource.name
        );
    }
}

/// Servers up to ODS/API 6 write `_ext.TPDM`, later ones `_ext.tpdm`: one place, spelled as the API does.
#[test]
fn a_block_has_one_spelling() {
    let document = |text: &str, block: &str| {
        let extensions = format!(
            r##""_ext": {{"type": "object", "properties": {{"{block}": {{"type": "object", "properties": {{{SCHOOL}}}}}}}}}"##
        );
        document(text, &openapi("9.1", &extensions, ""))
    };
    let upper = read(&[document("a.json", "TPDM")]).unwrap();
    let lower = read(&[document("b.json", "tpdm")]).unwrap();
    let both = read(&[document("a.json", "TPDM"), document("b.json", "tpdm")]).unwrap();
    let paths = |model: &Model| -> Vec<String> {
        model.resources.iter().flat_map(|r| &r.references).map(|r| r.path.to_string()).collect()
    };
    assert_eq!(paths(&upper), ["$._ext.TPDM.schoolReference"]);
    assert_eq!(both.resources, lower.resources);

    // The document of the server is believed, whatever a graph file says.
    let graph = Document { name: "c.yaml".to_owned(), bytes: source::write_graph(&lower).unwrap().into_bytes() };
    assert_eq!(read(&[document("a.json", "TPDM"), graph]).unwrap().resources, upper.resources);
}

/// An ODS lists every parameter that it takes and ignores others, which would answer with everything.
#[test]
fn parameters_are_those_that_the_server_lists() {
    let listed = |title: &str, parameter: &str| {
        let get = format!(
            r##""/ed-fi/weeks": {{"get": {{"parameters": [{{"name": "{parameter}", "in": "query", "schema": {{"type": "string"}}}}]}},"##
        );
        openapi("9.1", "\"name\": {\"type\": \"string\"}, \"other\": {\"type\": \"string\"}", "")
            .replace(r##""/ed-fi/weeks": {"##, &get)
            .replace("Test (9.1)", title)
    };
    let parameters = |documents: &[Document]| -> Vec<String> {
        let model = read(documents).unwrap();
        model.details(&"/ed-fi/weeks".parse().unwrap()).query.iter().map(|q| q.name.to_string()).collect()
    };
    let ods = document("a.json", &listed("Ed-Fi Operational Data Store API", "name"));
    let dms = document("b.json", &listed("Ed-Fi Data Management Service API", "name"));
    let graph = |document: &Document| {
        let model = read(std::slice::from_ref(document)).unwrap();
        Document { name: "c.yaml".to_owned(), bytes: source::write_graph(&model).unwrap().into_bytes() }
    };
    let other = graph(&document("d.json", &listed("Ed-Fi Operational Data Store API", "other")));
    assert_eq!(parameters(&[ods, other.clone()]), ["name"]);
    assert_eq!(parameters(&[dms, other]), ["name", "other"]);
}

/// YAML that ends early, at the end of a line, is YAML; the fingerprint tells.
#[test]
fn a_graph_file_that_lost_its_end() {
    let whole = source::write_graph(&source::standard("ed-fi-5.1").unwrap()).unwrap();
    let limits = |text: &str| source::read(&[document("g.yaml", text)], &[]).unwrap().metadata.limits;
    let said = "the fingerprint of the graph file is not that of its content";
    assert!(!limits(&whole).iter().any(|limit| limit.starts_with(said)));
    let end = whole.find("  /ed-fi/visaDescriptors:").unwrap();
    assert!(limits(&whole[..end]).iter().any(|limit| limit.starts_with(said)));
}
