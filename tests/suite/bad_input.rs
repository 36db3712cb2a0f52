//! Every bad input has one clear error: what, where, and the way out; exit code 2, no panic.

use crate::program::{run, run_with};

/// A document on stdin must be refused with a message that holds all of these.
#[track_caller]
fn refused(document: &[u8], parts: &[&str]) {
    let answer = run_with(&["-m", "-", "order"], document);
    assert_eq!(answer.code, 2, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stdout.is_empty());
    let error = answer.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    for part in parts {
        assert!(error.contains(part), "'{part}' is not in: {}", answer.stderr);
    }
    assert_eq!(answer.stderr.matches("error: ").count(), 1, "{}", answer.stderr);
}

/// The smallest OpenAPI document with one resource, its schemas to be filled in.
fn api(schemas: &str) -> String {
    format!(
        r##"{{"openapi":"3.0.1","info":{{"title":"t","version":"3"}},"paths":{{"/ed-fi/students":{{"post":{{"requestBody":
        {{"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/edFi_student"}}}}}}}}}}}},
        "/ed-fi/students/{{id}}":{{}}}},"components":{{"schemas":{{{schemas}}}}}}}"##
    )
}

#[test]
fn nothing_and_nonsense() {
    refused(b"", &["-: empty"]);
    refused(b"  \n ", &["-: empty"]);
    refused(b"{}", &["-: $: not a metadata document"]);
    refused(b"[1]", &["a JSON list of an unknown kind"]);
    refused(b"just words", &["not a metadata document"]);
    refused(b"<!DOCTYPE html><html>", &["an HTML page"]);
    refused(b"\xff\xfe{\x00", &["byte 0 is not UTF-8"]);
    refused(b"{\"openapi\":\"3.0\", \xc3\x28}", &["byte 18 is not UTF-8"]);
}

#[test]
fn a_payload_in_another_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload.json");
    std::fs::write(&file, "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    let answer = run_with(&["diagnose", "--payload", file.to_str().unwrap()], b"{\"message\":\"x\"}");
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    assert!(answer.stderr.contains("payload.json: the text is UTF-16. Save it as UTF-8"), "{}", answer.stderr);
}

#[test]
fn cut_off() {
    let whole = std::fs::read(crate::fixtures::path("small/resources-ods.json")).unwrap();
    refused(&whole[..whole.len() / 2], &["-:", "cut off"]);
    refused(br##"{"info": {"##, &["-:1:", "cut off"]);
    refused(b"openapi: 3.0.1\npaths:\n  /ed-fi/students: {post: [", &["-:3:"]);
    refused(b"{openapi: 3.0.1,\n paths: {/ed-fi/students: {post: [", &["-:2:", "not valid YAML"]);
    refused(b"---\n{openapi: 3.0.1,\n paths: {", &["-:4:1:", "not valid YAML"]);
}

/// What is neither is told as what it begins as.
#[test]
fn neither_json_nor_yaml() {
    refused(b"{\"info\": {},\n \"paths\": {]}}", &["-:2:12: ", "not valid JSON"]);
    refused(b"{\"openapi\": \"3.0.1\",\n \"paths\": {]}}", &["-:2:12: ", "not valid JSON"]);
    refused(b"{some: thing}", &["-: $: not a metadata document"]);
    refused(format!("{{openapi: 3.0.1, paths: {}", "[".repeat(100_000)).as_bytes(), &["-:1:", "nests deeper than"]);
}

#[test]
fn of_the_wrong_kind() {
    refused(br##"{"swagger":"2.0","info":{"title":"Petstore","version":"1"},"paths":{"/v1/pets":{"post":{"parameters":
        [{"in":"body","name":"b","schema":{"$ref":"#/definitions/Pet"}}]}},"/v1/pets/{id}":{}},"definitions":{"Pet":{"type":"object"}}}"##,
        &["$.paths", "not an Ed-Fi document"]);
    refused(br##"{"openapi":"3.0.1","info":{"title":"x","version":"1"}}"##, &["no paths"]);
    refused(br##"{"openapi":"3.0.1","info":{},"paths":{"/ed-fi/students":{"get":{}}},"components":{"schemas":{"edFi_student_readable":{}}}}"##,
        &["a profile document", "Give the Resources"]);
    refused(
        br##"{"openapi":"3.0.1","info":{"title":"Identity"},"paths":{"/identities/v2/find":{"post":{}}}}"##,
        &["identities API"],
    );
    refused(
        br##"{"openapi":"3.0.1","info":{"title":"c"},"paths":{"/availableChangeVersions":{"get":{}}}}"##,
        &["change queries"],
    );
    refused(
        br##"{"openapi":"3.0.1","info":{"title":"Composites"},"paths":{"/ed-fi/enrollment/sections":{"get":{}}}}"##,
        &["composites"],
    );
    refused(
        br##"{"openapi":"3.0.1","info":{"title":"x"},"paths":{"/ed-fi/enrollment/schools/{schoolId}/sections":{"get":{}}}}"##,
        &["composites"],
    );
    refused(
        br##"{"openapi":"3.0.1","info":{"title":"x"},"paths":{"/ed-fi/students":{"get":{}},"/ed-fi/students/{key}":{},
        "/ed-fi/students/deletes":{}}}"##,
        &["no path /project/resource with a POST"],
    );
    refused(br##"{"swagger":"2.0","info":{"title":"x"},"paths":{"/v1/pets":{"post":{"parameters":
        [{"in":"body","name":"b","schema":{"$ref":"#/definitions/my_pet"}}]}},"/v1/pets/{petId}":{}},"definitions":{"my_pet":{"type":"object"}}}"##,
        &["not an Ed-Fi document"]);
    refused(b"edfi-plan: graph/9\nname: x\nresources: {}\n", &["form 'graph/9'", "version of edfi-plan"]);
    refused(b"edfi-plan: graph/1\nname: x\nresources: {}\n", &["no resources"]);
}

#[test]
fn references_that_lead_nowhere_or_in_circles() {
    refused(api(r##""edFi_student":{"type":"object","properties":{"schoolReference":{"$ref":"#/components/schemas/edFi_schoolReference"}}}"##).as_bytes(),
        &["$.schoolReference", "'#/components/schemas/edFi_schoolReference' leads nowhere"]);
    refused(
        api(r##""edFi_student":{"type":"object","properties":{"a":{"$ref":"#/components/schemas/edFi_a"}}},
        "edFi_a":{"$ref":"#/components/schemas/edFi_b"},"edFi_b":{"$ref":"#/components/schemas/edFi_a"}"##)
        .as_bytes(),
        &["circle"],
    );
    refused(api(r##""edFi_student":{"type":"object","properties":{"a":{"$ref":"#/components/schemas/edFi_a"}}},
        "edFi_a":{"type":"object","properties":{"again":{"type":"array","items":{"$ref":"#/components/schemas/edFi_a"}}}}"##).as_bytes(),
        &["$.a", "circle"]);
}

#[test]
fn schemas_inside_each_other_without_end() {
    let chain: Vec<String> = (0..20_000)
        .map(|n| {
            format!(
                r##""edFi_l{n}":{{"type":"object","properties":{{"x":{{"$ref":"#/components/schemas/edFi_l{}"}}}}}}"##,
                n + 1
            )
        })
        .chain([r##""edFi_student":{"type":"object","properties":{"x":{"$ref":"#/components/schemas/edFi_l0"}}}"##
            .to_owned()])
        .chain([r##""edFi_l20000":{"type":"string"}"##.to_owned()])
        .collect();
    refused(api(&chain.join(",")).as_bytes(), &["more than 64 schemas inside each other"]);
}

#[test]
fn a_schema_that_is_none() {
    refused(api(r##""edFi_student":"x""##).as_bytes(), &["-:3:", "invalid type: string \"x\", expected struct Schema"]);
}

#[test]
fn a_profile_is_refused_by_name() {
    let profile = r##"{"openapi":"3.0.1","info":{"title":"Ed-Fi Operational Data Store API"},"paths":{"/ed-fi/students":{"post":{"requestBody":
        {"content":{"application/vnd.ed-fi.student.x.writable+json":{"schema":{"$ref":"#/components/schemas/edFi_student_writable"}}}}},"get":{}},
        "/ed-fi/students/{id}":{}},"components":{"schemas":{"edFi_student_writable":{"type":"object","properties":{}}}}}"##;
    refused(profile.as_bytes(), &["a profile document"]);
}

#[test]
fn schemas_that_multiply() {
    // Each level uses the next one ten times: 10^7 properties from a page of text.
    let mut schemas = vec![
        r##""edFi_student":{"type":"object","properties":{"x":{"$ref":"#/components/schemas/edFi_l0"}}}"##.to_owned(),
    ];
    for level in 0..7 {
        let next = format!("{{\"$ref\":\"#/components/schemas/edFi_l{}\"}}", level + 1);
        let properties: Vec<String> = (0..10).map(|n| format!("\"p{n}\":{next}")).collect();
        schemas.push(format!("\"edFi_l{level}\":{{\"type\":\"object\",\"properties\":{{{}}}}}", properties.join(",")));
    }
    schemas.push("\"edFi_l7\":{\"type\":\"string\"}".to_owned());
    refused(api(&schemas.join(",")).as_bytes(), &["more than 200000 properties"]);
}

#[test]
fn parts_in_circles_and_without_end() {
    let part = |name: &str| format!(r##"{{"$ref":"#/components/schemas/edFi_{name}"}}"##);
    let circle = format!(
        r#""edFi_student":{{"properties":{{"a":{}}}}},"edFi_a":{{"allOf":[{},{{}}]}},"edFi_b":{{"allOf":[{{}},{}]}}"#,
        part("a"),
        part("b"),
        part("a")
    );
    refused(api(&circle).as_bytes(), &["$.a", "circle"]);

    let chain = (0..20_000).map(|n| format!(r#""edFi_l{n}":{{"allOf":[{},{{}}]}}"#, part(&format!("l{}", n + 1))));
    let ends = [format!(r#""edFi_student":{}"#, part("l0")), r#""edFi_l20000":{"type":"object"}"#.to_owned()];
    let chain: Vec<String> = chain.chain(ends).collect();
    refused(api(&chain.join(",")).as_bytes(), &["more than 64 schemas inside each other"]);

    // Every property is put together of a large schema, which has more in it than is walked.
    let large: Vec<String> = (0..500).map(|n| format!(r#""p{n}":{{"anyOf":[{}{{}}]}}"#, "{},".repeat(30))).collect();
    let uses: Vec<String> = (0..500).map(|n| format!(r#""u{n}":{{"allOf":[{},{{}}]}}"#, part("large"))).collect();
    let multiplied = format!(
        r#""edFi_student":{{"properties":{{{}}}}},"edFi_large":{{"properties":{{{}}}}}"#,
        uses.join(","),
        large.join(",")
    );
    refused(api(&multiplied).as_bytes(), &["$.u", "put together of others"]);
}

#[test]
fn nested_without_end() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    refused(deep("[", "]").as_bytes(), &["a JSON list"]);
    refused(
        format!("{{\"openapi\":\"3.0\",\"paths\":{}}}", deep("{\"a\":", "}").replace(":}", ":1}")).as_bytes(),
        &["$.paths"],
    );
    let schema = format!("{}1{}", "{\"items\":".repeat(100_000), "}".repeat(100_000));
    let body = format!("{{\"requestBody\":{{\"content\":{{\"j\":{{\"schema\":{schema}}}}}}}}}");
    refused(format!("{{\"openapi\":\"3.0\",\"paths\":{{\"/a/b\":{{\"post\":{body}}}}}}}").as_bytes(), &["deep"]);
    refused(format!("openapi: 3.0.0\npaths: {}", "[".repeat(100_000)).as_bytes(), &["-:2:", "nests deeper than"]);
}

#[test]
fn yaml_that_explodes() {
    // Ten uses of the level below, twelve levels: 10^12 schemas from a page of text.
    let mut text = String::from("openapi: 3.0.1\npaths: {}\ndefinitions:\n  l0: &l0 {type: string}\n");
    for level in 1..12 {
        let uses: Vec<String> = (0..10).map(|n| format!("p{n}: *l{}", level - 1)).collect();
        text.push_str(&format!("  l{level}: &l{level} {{properties: {{{}}}}}\n", uses.join(", ")));
    }
    refused(text.as_bytes(), &["-:", "repetition limit", "No Ed-Fi document repeats aliases"]);
}

#[test]
fn files_that_are_not_there() {
    let answer = run(&["-m", "no/such/file.json", "order"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("no/such/file.json: no such file") && answer.stderr.contains("ed-fi-5.0"),
        "{}",
        answer.stderr
    );
    let empty = tempfile::tempdir().unwrap();
    let answer = run(&["-m", empty.path().to_str().unwrap(), "order"]);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("no metadata document in this directory"), "{}", answer.stderr);
}

#[test]
fn a_part_without_its_core() {
    let part = std::fs::read(crate::fixtures::path("../../graphs/ed-fi-5.0+tpdm.yaml")).unwrap();
    refused(&part, &["an extension of the core ed-fi-5.0, which is not here", "-m ed-fi-5.0"]);
}

#[test]
fn names_that_nobody_has() {
    let answer = run(&["prereqs", "studentSectionAssocations"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("unknown resource 'studentSectionAssocations'. Did you mean studentSectionAssociations"),
        "{}",
        answer.stderr
    );
    for (args, part) in [
        (&["order", "a+b+c"][..], "is not a selector"),
        (&["order", "domain:Nowhere"], "This metadata does not say which domain"),
        (&["-m", "ed-fi-6.0", "order", "domain:Nowhere"], "The domains are"),
        (&["order", "project:nowhere"], "The projects are ed-fi"),
        (&["order", "zzz*"], "matches no resource"),
        (&["order", "--pathway=students=schools"], "does not refer to students"),
    ] {
        let answer = run(args);
        assert_eq!(answer.code, 2, "{args:?}");
        assert!(answer.stderr.contains(part), "{args:?}: {}", answer.stderr);
    }
}

#[test]
fn homographs_must_be_written_in_full() {
    let graph = b"edfi-plan: graph/1\nname: h\nresources:\n  /ed-fi/names: {entity: Name}\n  /homograph/names: {entity: Name}\n";
    let answer = run_with(&["-m", "-", "show", "names"], graph);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("/ed-fi/names and /homograph/names"), "{}", answer.stderr);
    assert_eq!(run_with(&["-m", "-", "show", "homograph/names"], graph).code, 0);
}

#[test]
fn a_circle_of_required_references_is_shown() {
    let graph = b"edfi-plan: graph/1\nname: c\nresources:\n  /ed-fi/as: {entity: A, references: {$.b: /ed-fi/bs required}}\n  /ed-fi/bs: {entity: B, references: {$.a: /ed-fi/as required}}\n";
    for order in [&["-m", "-", "order"][..], &["-m", "-", "order", "--order", "server"]] {
        let answer = run_with(order, graph);
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        assert!(answer.stderr.contains("as → bs → as"), "{}", answer.stderr);
    }
}

#[test]
fn nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("no/such/folder/graph.yaml");
    let answer = run(&["import", "ed-fi-5.0", "-o", target.to_str().unwrap()]);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("graph.yaml"), "{}", answer.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Of two lines of one name a parser drops the first; who wrote both by hand must hear of it.
#[test]
fn a_graph_file_that_says_something_twice() {
    let file = |lines: &str| format!("edfi-plan: graph/1\nname: x\nresources:\n  /ed-fi/a:\n    entity: A\n{lines}");
    refused(
        file("    references:\n      $.b: /ed-fi/b\n      $.b: /ed-fi/a required\n").as_bytes(),
        &["-:8:7: ", "'$.b' stands here twice. Keep one of the two lines"],
    );
    refused(
        file("  /ed-fi/b:\n    entity: B\n  /ed-fi/a:\n    entity: B\n").as_bytes(),
        &["-:8:3: ", "'/ed-fi/a' stands here twice"],
    );
    refused(file("    entity: B\n").as_bytes(), &["-:", "duplicate field `entity`"]);
    refused(file("    key:\n      id: long\n      id: string\n").as_bytes(), &["-:8:7: ", "'id' stands here twice"]);
    let json = r#"{"edfi-plan":"graph/1","name":"x","resources":{"/ed-fi/a":{"entity":"A"},"/ed-fi/a":{}}}"#;
    refused(json.as_bytes(), &["-:1:", "'/ed-fi/a' stands here twice"]);
}

/// Where a project was named, names of that project come first.
#[test]
fn suggestions_weigh_the_project() {
    let meant = |name: &str| {
        let answer = run(&["-m", "ed-fi-5.2+homograph", "show", name]);
        assert_eq!(answer.code, 2, "{name}");
        answer.stderr.lines().last().unwrap_or_default().split("Did you mean ").nth(1).unwrap_or_default().to_owned()
    };
    assert!(meant("homograph/schoolz").starts_with("homograph/schools"), "{}", meant("homograph/schoolz"));
    assert!(meant("ed-fi/schoolz").starts_with("schools"), "{}", meant("ed-fi/schoolz"));
    assert!(meant("homogarph/students").starts_with("homograph/students"), "{}", meant("homogarph/students"));
}

#[test]
fn an_answer_without_a_body_is_still_a_failure() {
    for (status, code) in [("500", "server-error"), ("409", "unknown")] {
        let answer = run_with(&["diagnose", "--status", status], b" \n");
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        assert!(answer.stdout.starts_with(code), "{}", answer.stdout);
    }
    // A request that was never answered must not look like one that succeeded.
    for format in ["text", "json"] {
        let answer = run_with(&["diagnose", "--format", format], b"");
        assert_eq!(answer.code, 2, "{}", answer.stdout);
        assert!(answer.stderr.contains("-: nothing to read"), "{}", answer.stderr);
    }
}
