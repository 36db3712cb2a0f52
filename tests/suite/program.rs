//! The program, run as a user runs it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// What the program answered.
pub(crate) struct Answer {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

/// Runs the program in the root of the project.
pub(crate) fn run(args: &[&str]) -> Answer {
    answer(command(args).output().unwrap())
}

/// Runs the program with something on stdin.
pub(crate) fn run_with(args: &[&str], stdin: &[u8]) -> Answer {
    let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The program may refuse before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    answer(child.wait_with_output().unwrap())
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edfi-plan"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("COLUMNS").stdin(Stdio::null());
    command
}

fn answer(output: Output) -> Answer {
    Answer {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().expect("the program was killed by a signal"),
    }
}

#[test]
fn a_reader_that_goes_away_has_seen_enough() {
    let mut child =
        command(&["order", "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    let before = run(&["-m", "ed-fi-5.1", "order"]);
    let after = run(&["order", "-m", "ed-fi-5.1"]);
    assert_eq!((before.stdout, before.code), (after.stdout, after.code));

    // Given in both places, all of them count.
    let small = |name: &str| crate::fixtures::path(&format!("small/{name}")).to_str().unwrap().to_owned();
    let (resources, descriptors) = (small("resources-dms.json"), small("descriptors-dms.json"));
    let together = run(&["list", "-m", &resources, "-m", &descriptors]);
    let apart = run(&["-m", &resources, "list", "-m", &descriptors]);
    assert_eq!((&together.stdout, together.code), (&apart.stdout, apart.code));
    assert_ne!(together.stdout, run(&["list", "-m", &resources]).stdout);
    let both = run(&["--offline", "list", "--refresh", "-m", "http://127.0.0.1:9/api"]);
    assert!(both.stderr.contains("exclude each other"), "{}", both.stderr);
    assert_eq!(both.code, 2);
}

#[test]
fn the_default_graph_is_named_on_stderr_only() {
    let answer = run(&["list", "students"]);
    assert_eq!(answer.stdout, "students\n");
    assert!(answer.stderr.starts_with("using ed-fi-"), "{}", answer.stderr);
}

#[test]
fn stdin_is_a_document() {
    let document = std::fs::read(crate::fixtures::path("small/resources-ods.json")).unwrap();
    let answer = run_with(&["-m", "-", "list", "students"], &document);
    assert_eq!((answer.stdout.as_str(), answer.code), ("students\n", 0));
    assert_eq!(run_with(&["-m", "-", "-m", "-", "list"], &document).code, 2);
}

#[test]
fn a_directory_is_all_its_documents() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["resources-dms.json", "descriptors-dms.json"] {
        std::fs::copy(crate::fixtures::path(&format!("small/{name}")), folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("notes.json"), "{\"unrelated\": true}").unwrap();
    let answer = run(&["-m", folder.path().to_str().unwrap(), "list", "*escriptors"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(answer.stdout.lines().count(), 3);
}

#[test]
fn an_imported_graph_answers_like_its_documents() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small-1.0.yaml");
    let documents = ["tests/fixtures/small/resources-ods.json", "tests/fixtures/small/descriptors-ods.json"];
    let answer = run(&["import", documents[0], documents[1], "-o", file.to_str().unwrap()]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(folder.path().join("small-1.0.bin").exists());
    let from_file = run(&["-m", file.to_str().unwrap(), "order", "--format", "csv"]);
    let from_documents = run(&["-m", documents[0], "-m", documents[1], "order", "--format", "csv"]);
    assert_eq!(from_file.stdout, from_documents.stdout);
    assert!(from_file.stdout.contains("/ed-fi/students,create\n"));
}

/// However a document is named: by an argument, by -m, or with its whole directory.
#[test]
fn an_import_overwrites_none_of_its_documents() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, file) = (folder.path().to_str().unwrap(), folder.path().join("own.yaml"));
    let file = file.to_str().unwrap();
    assert_eq!(run(&["import", "ed-fi-5.0", "-o", file]).code, 0);
    let before = std::fs::read(file).unwrap();
    for sources in [["import", file], ["import", dir], ["-m", file], ["-m", dir]] {
        let import: &[&str] = if sources[0] == "import" { &[] } else { &["import"] };
        let answer = run(&[&sources[..], import, &["-o", file]].concat());
        assert!(answer.stderr.contains("own.yaml: this document would be overwritten"), "{}", answer.stderr);
        assert_eq!(answer.code, 2);
    }
    assert!(std::fs::read(file).unwrap() == before);
}

#[test]
fn payload_files_narrow_an_order() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("students.jsonl"), "{}\n").unwrap();
    std::fs::write(folder.path().join("StudentSchoolAssociations.jsonl.gz"), "").unwrap();
    std::fs::create_dir(folder.path().join("schools")).unwrap();
    let school = r#"{"localEducationAgencyReference":{"localEducationAgencyId":1}}"#;
    std::fs::write(folder.path().join("schools/part-1.ndjson"), school).unwrap();
    std::fs::create_dir(folder.path().join("calendars")).unwrap();
    std::fs::write(folder.path().join("nonsense.json"), "[]").unwrap();
    let answer = run(&["order", "--data", folder.path().to_str().unwrap(), "--format", "csv"]);
    assert_eq!(
        answer.stdout,
        "wave,resource,operations\n1,/ed-fi/schools,create+update\n1,/ed-fi/students,create\n\
         2,/ed-fi/studentSchoolAssociations,create+update\n3,/ed-fi/students,update\n"
    );
    assert!(answer.stderr.contains("note: left out: nonsense.json: "), "{}", answer.stderr);
    let answer = run(&["order", "--data", folder.path().to_str().unwrap()]);
    // Of what a school or an enrollment may refer to, the records name one.
    assert!(
        answer.stdout.contains("\nMust already exist, not loaded here: localEducationAgencies\n"),
        "{}",
        answer.stdout
    );
}

#[test]
fn data_that_closes_no_circle_needs_no_deferral() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for (resource, _) in CIRCLE {
        write(&format!("{resource}.jsonl"), "{}\n");
    }
    let order = || run(&["-m", "ed-fi-6.0", "order", "--format", "csv", "--data", folder.path().to_str().unwrap()]);
    let without = order();
    assert_eq!(without.code, 0, "{}", without.stderr);
    assert!(!without.stderr.contains("deferred: "), "{}", without.stderr);
    for (resource, record) in CIRCLE {
        write(&format!("{resource}.jsonl"), record);
    }
    let with = order();
    assert!(with.stderr.contains("deferred: "), "{}", with.stderr);
}

#[test]
fn an_order_of_data_says_what_its_records_need() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let order = |more: &[&str]| {
        run(&[&["-m", "ed-fi-6.0", "order", "--format", "json", "--data", folder.path().to_str().unwrap()], more]
            .concat())
    };
    let listed = |answer: &str, list: &str, of: &str| -> Vec<String> {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let list = answer[list].as_array().unwrap();
        list.iter().map(|entry| entry[of].as_str().unwrap().to_owned()).collect()
    };
    write("staffs.jsonl", "{\"staffUniqueId\":\"1\"}\n");
    write("localEducationAgencies.jsonl", "{\"localEducationAgencyId\":1}\n");
    let answer = order(&[]).stdout;
    assert_eq!(listed(&answer, "selfReferences", "path"), [""; 0]);
    // What authorization asks for stays; a person of the data is loaded.
    assert!(!listed(&answer, "external", "resource").contains(&"/ed-fi/people".to_owned()), "{answer}");
    assert!(listed(&answer, "external", "reason").contains(&"pathway".to_owned()), "{answer}");

    write("staffs.jsonl", "{\"staffUniqueId\":\"1\",\"personReference\":{\"personId\":\"1\"}}\n");
    write("localEducationAgencies.jsonl", "{\"parentLocalEducationAgencyReference\":{}}\n");
    for answer in [order(&[]).stdout, order(&["--order", "server"]).stdout] {
        assert_eq!(listed(&answer, "selfReferences", "path"), ["$.parentLocalEducationAgencyReference"]);
        assert!(listed(&answer, "external", "resource").contains(&"/ed-fi/people".to_owned()), "{answer}");
    }
    // What cannot be read may refer to anything.
    write("localEducationAgencies.jsonl", "{\"localEducationAgencyId\"\n");
    let answer = order(&[]);
    assert_eq!(listed(&answer.stdout, "selfReferences", "path"), ["$.parentLocalEducationAgencyReference"]);
    assert!(answer.stderr.contains("note: 1 line or item is no record"), "{}", answer.stderr);
}

/// Records whose references run in the known circle of Data Standard 6.
const CIRCLE: [(&str, &str); 6] = [
    ("credentials", r#"{"studentAcademicRecords":[{"studentAcademicRecordReference":{"studentUniqueId":"1"}}]}"#),
    ("staffs", r#"{"credentials":[{"credentialReference":{"credentialIdentifier":"1"}}]}"#),
    (
        "studentSpecialEducationProgramAssociations",
        r#"{"serviceProviders":[{"staffReference":{"staffUniqueId":"1"}}]}"#,
    ),
    (
        "studentCompetencyObjectives",
        r#"{"generalStudentProgramAssociations":[{"generalStudentProgramAssociationReference":{"programName":"1"}}]}"#,
    ),
    ("reportCards", r#"{"studentCompetencyObjectives":[{"studentCompetencyObjectiveReference":{"objective":"1"}}]}"#),
    ("studentAcademicRecords", r#"{"reportCards":[{"reportCardReference":{"gpaCumulative":"1"}}]}"#),
];
