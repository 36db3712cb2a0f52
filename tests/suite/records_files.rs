//! Which resource a payload file holds, by its place and name.

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::ResourceName;
use edfi_plan::records::{Folder, Namespaces, PayloadFile, is_payload_name};
use edfi_plan::source;

fn assigned(names: &[&str]) -> (Vec<(String, String)>, Vec<String>, Folder) {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.0+tpdm").unwrap()).unwrap();
    let files = names.iter().map(|name| PayloadFile::from_bytes(*name, *b"{}")).collect();
    let folder = Folder::assign(&graph, files, &Namespaces::default());
    let matched = folder.files.iter().map(|(f, id)| (f.name.clone(), graph.name(*id).to_string())).collect();
    (matched, folder.unmatched.iter().map(|u| u.file.clone()).collect(), folder)
}

#[test]
fn any_layout_and_spelling() {
    for (name, resource) in [
        ("students.jsonl", "/ed-fi/students"),
        ("Students.NDJSON", "/ed-fi/students"),
        ("Student.json.gz", "/ed-fi/students"),
        ("edfi.Student.jsonl", "/ed-fi/students"),
        ("edFi_student.jsonl", "/ed-fi/students"),
        ("students/part-0001.jsonl", "/ed-fi/students"),
        ("ed-fi/students.jsonl", "/ed-fi/students"),
        ("ed-fi/students/2026/a.jsonl", "/ed-fi/students"),
        ("tpdm/candidates.jsonl", "/tpdm/candidates"),
        ("run-7/candidates.jsonl", "/tpdm/candidates"),
        ("03-0012-sections.jsonl", "/ed-fi/sections"),
        ("parents.jsonl", "/ed-fi/contacts"),
    ] {
        let (matched, unmatched, _) = assigned(&[name]);
        assert_eq!(matched, [(name.to_owned(), resource.to_owned())], "{unmatched:?}");
    }
    assert_eq!(assigned(&["studnets.jsonl", "educationOrganizations.jsonl"]).1.len(), 2);
}

/// Parts of a resource have names of their own, so their folder is what was misspelled.
#[test]
fn a_folder_whose_name_is_nearly_one_is_named() {
    let reason = |name: &str| assigned(&[name]).2.unmatched[0].reason.clone();
    let students = "unknown resource 'studnts'. Did you mean students?";
    for name in ["studnts/part-1.jsonl", "run-7/studnts/2026/part-1.jsonl", "studnts.jsonl", "run-7/studnts.jsonl"] {
        assert_eq!(reason(name), students, "{name}");
    }
    assert_eq!(reason("x/part-1.jsonl"), "unknown resource 'part-1'. 'edfi-plan list' shows all");

    let graph = DependencyGraph::build(source::standard("ed-fi-5.2+homograph").unwrap()).unwrap();
    for name in ["students.jsonl", "students/part-1.jsonl"] {
        let file = || vec![PayloadFile::from_bytes(name, *b"{}")];
        let folder = Folder::assign(&graph, file(), &Namespaces::default());
        assert_eq!(
            folder.unmatched[0].reason,
            "'students' is the name of /ed-fi/students and /homograph/students. Put it in a folder with the name of \
             the project, or give --namespace"
        );
        let namespaces = Namespaces { default: Some("homograph".to_owned()), ..Namespaces::default() };
        let folder = Folder::assign(&graph, file(), &namespaces);
        assert_eq!(graph.name(folder.files[0].1).as_str(), "/homograph/students");
    }
}

#[test]
fn spellings_of_one_resource_are_named() {
    let (matched, _, folder) = assigned(&["students.jsonl", "Student.json", "schools/a.jsonl", "schools/b.jsonl"]);
    assert_eq!(matched.len(), 4);
    let name: ResourceName = "/ed-fi/students".parse().unwrap();
    assert_eq!(folder.spellings, [(name, vec!["Student.json".to_owned(), "students.jsonl".to_owned()])]);
}

#[test]
fn payload_names() {
    for name in ["a.jsonl", "b/c.JSON", "d.ndjson.gz"] {
        assert!(is_payload_name(name), "{name}");
    }
    for name in ["lightbeam.yaml", ".hidden.json", "_index.json", "notes.txt", "archive.gz", "json"] {
        assert!(!is_payload_name(name), "{name}");
    }
}
