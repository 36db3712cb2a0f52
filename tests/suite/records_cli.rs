//! Payload folders on a real disk: what lies there that is no ordinary file, and what a run leaves behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::{Answer, run};

const PERIOD: &str = "{\"classPeriodName\":\"P\",\"schoolReference\":{\"schoolId\":1}}\n";

const SCHOOL: &str =
    "{\"schoolId\":1,\"nameOfInstitution\":\"x\",\"educationOrganizationCategories\":[],\"gradeLevels\":[]}\n";

/// A temporary folder with these files in `in`.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

fn arrange(folder: &tempfile::TempDir, options: &[&str]) -> Answer {
    let (from, to) = (path(folder, "in"), path(folder, "out"));
    run(&[&["-m", "ed-fi-5.0", "arrange", &from, "-o", &to], options].concat())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_circles_are_named_and_the_rest_is_checked() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools/a.jsonl", SCHOOL)]);
    let inside = folder.path().join("in");
    symlink("..", inside.join("schools/up")).unwrap();
    symlink("students.jsonl", inside.join("students.jsonl")).unwrap();
    let answer = run(&["-m", "ed-fi-5.0", "check", inside.to_str().unwrap()]);
    assert!(answer.stdout.starts_with("no findings: 2 records in 3 files"), "{}", answer.stdout);
    assert!(answer.stderr.contains("note: schools/up leads to a folder that is read already"), "{}", answer.stderr);
    assert!(answer.stderr.contains("error: students.jsonl: "), "{}", answer.stderr);
    assert_eq!(answer.code, 2);
}

#[cfg(unix)]
#[test]
#[expect(clippy::disallowed_macros, reason = "a test talks to whoever runs it")]
fn a_file_that_may_not_be_read_is_named_and_the_rest_is_checked() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL)]);
    let secret = folder.path().join("in/schools.jsonl");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&secret).is_ok() {
        eprintln!("SKIPPED: this user may read everything, so no file is unreadable");
        return;
    }
    let answer = run(&["-m", "ed-fi-5.0", "check", &path(&folder, "in")]);
    assert!(answer.stderr.contains("error: schools.jsonl: Permission denied"), "{}", answer.stderr);
    assert!(answer.stdout.contains("1 record in 2 files"), "{}", answer.stdout);
    assert_eq!(answer.code, 2);
    let answer = arrange(&folder, &[]);
    assert!(answer.stderr.contains("Nothing was written") && answer.code == 2, "{}", answer.stderr);
    assert!(!folder.path().join("out").exists());
}

/// What refers to the change may stand in a file that cannot be read; the others are followed.
#[cfg(unix)]
#[test]
fn affected_names_a_file_that_cannot_be_read_and_follows_the_rest() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL)]);
    std::os::unix::fs::symlink("nowhere", folder.path().join("in/grades.jsonl")).unwrap();
    let dir = path(&folder, "in");
    let answer = run(&["-m", "ed-fi-5.0", "affected", &dir, "--changed", "schools:schoolId=1"]);
    assert!(answer.stdout.contains("classPeriods.jsonl:1"), "{}", answer.stdout);
    assert!(answer.stderr.contains("grades.jsonl: ") && answer.code == 2, "{}", answer.stderr);
    let json = run(&["-m", "ed-fi-5.0", "affected", &dir, "--changed", "schools:schoolId=1", "--format", "json"]);
    assert!(json.stdout.contains("\"unread\": 1") && json.code == 2, "{}", json.stdout);
}

#[test]
fn nothing_is_overwritten_unless_it_is_asked_for() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL)]);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let answer = arrange(&folder, &[]);
    assert!(answer.code == 2 && answer.stderr.contains("not empty"), "{}", answer.stderr);
    assert_eq!(names(&out), ["notes.txt"]);
    assert_eq!(arrange(&folder, &["--force"]).code, 0);
    let first = names(&out);
    assert_eq!(first.len(), 4, "{first:?}");
    // What an earlier arrangement wrote is replaced, and what it did not write stays.
    fs::remove_file(folder.path().join("in/classPeriods.jsonl")).unwrap();
    assert_eq!(arrange(&folder, &["--force"]).code, 0);
    assert_eq!(names(&out).len(), 3);
    assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_folder_is_not_arranged_into_itself() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD)]);
    for out in ["in", "in/new", "in/new/er"] {
        let (from, to) = (path(&folder, "in"), path(&folder, out));
        let answer = run(&["-m", "ed-fi-5.0", "arrange", &from, "-o", &to, "--force"]);
        assert!(answer.code == 2 && answer.stderr.contains("lies in the folder that is arranged"), "{}", answer.stderr);
    }
    assert_eq!(names(&folder.path().join("in")), ["classPeriods.jsonl"]);
}

#[test]
fn folders_above_the_one_to_write_are_made() {
    let folder = folder(&[("schools.jsonl", SCHOOL)]);
    let (from, to) = (path(&folder, "in"), path(&folder, "not/yet/there"));
    assert_eq!(run(&["-m", "ed-fi-5.0", "arrange", &from, "-o", &to]).code, 0);
    assert_eq!(names(&folder.path().join("not/yet/there")), ["01-0001-schools.jsonl", "_index.json"]);
    assert_eq!(names(folder.path()), ["in", "not"]);
    // What is below a file cannot be made.
    let to = path(&folder, "not/yet/there/_index.json/out");
    let answer = run(&["-m", "ed-fi-5.0", "arrange", &from, "-o", &to]);
    assert!(answer.code == 2 && answer.stderr.contains("name another folder"), "{}", answer.stderr);
    assert!(!answer.stderr.contains(".edfi-plan-"), "{}", answer.stderr);
}

/// A folder that a container mounts is on another disk than what is beside it, and so is what a link leads to.
#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::disallowed_macros, reason = "a test talks to whoever runs it")]
fn a_folder_on_another_disk_is_written_like_any_other() {
    let Ok(disk) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: there is no other disk here");
        return;
    };
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL)]);
    std::os::unix::fs::symlink(disk.path(), folder.path().join("out")).unwrap();
    for options in [&[][..], &["--force"]] {
        let answer = arrange(&folder, options);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        assert_eq!(names(disk.path()), ["01-0001-schools.jsonl", "02-0002-classPeriods.jsonl", "_index.json"]);
    }
}

/// A field that the key does not have may be meant for another one: less would be sent than was meant.
#[test]
fn a_changed_key_has_the_fields_of_its_key_and_no_others() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL)]);
    let affected = |key| run(&["-m", "ed-fi-5.0", "affected", &path(&folder, "in"), "--changed", key]);
    assert_eq!(affected("schools:schoolId=1").code, 0);
    let descriptor = "gradeLevelDescriptors:namespace=uri://ed-fi.org/GradeLevelDescriptor,codeValue=1";
    assert_eq!(affected(descriptor).code, 0);
    let answer = affected("schools:schoolId=1,schoolYear=2026");
    assert!(answer.stderr.contains("the key of schools is schoolId, each of its type"), "{}", answer.stderr);
    assert_eq!(answer.code, 2);
}

/// As `check` has it: whoever misspells the name of a file would send less than was meant.
#[test]
fn a_file_of_no_resource_is_left_out_and_said() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL), ("studnts.jsonl", "{}\n")]);
    let answer = arrange(&folder, &[]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(answer.stdout.contains("Left out  studnts.jsonl: unknown resource"), "{}", answer.stdout);
    assert!(!answer.stderr.contains("studnts"), "{}", answer.stderr);
    let index = fs::read_to_string(folder.path().join("out/_index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    assert_eq!(index["unmatchedFiles"][0]["file"], "studnts.jsonl");
    let affected = ["-m", "ed-fi-5.0", "affected", &path(&folder, "in"), "--changed", "schools:schoolId=1"];
    let answer = run(&affected);
    assert!(answer.code == 1 && answer.stdout.contains("classPeriods.jsonl:1"), "{}", answer.stdout);
    fs::remove_file(folder.path().join("in/studnts.jsonl")).unwrap();
    assert_eq!((arrange(&folder, &["--force"]).code, run(&affected).code), (0, 0));
}

#[test]
fn lines_of_a_changed_file_that_cannot_be_followed_are_said() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL)]);
    let outside = self::folder(&[("schools.jsonl", &format!("\n{{\"schoolId\n{SCHOOL}{{}}\n"))]);
    let changed = path(&outside, "in/schools.jsonl");
    let affected = ["-m", "ed-fi-5.0", "affected", &path(&folder, "in"), "--changed", &changed];
    let answer = run(&affected);
    assert!(answer.code == 1 && answer.stdout.contains("classPeriods.jsonl:1"), "{}", answer.stdout);
    let notes = [format!("note: {changed}:2: cut off"), format!("note: {changed}:4: without a whole key")];
    assert!(notes.iter().all(|note| answer.stderr.contains(note)), "{}", answer.stderr);
    assert_eq!(answer.stderr.matches("note: ").count(), 2, "{}", answer.stderr);
    let json: serde_json::Value =
        serde_json::from_str(&run(&[&affected[..], &["--format", "json"]].concat()).stdout).unwrap();
    let lines: Vec<_> = json["withoutKey"].as_array().unwrap().iter().map(|one| one["line"].clone()).collect();
    assert_eq!((lines, &json["unread"]), (vec![2.into(), 4.into()], &0.into()));
    // Where there is nothing else in it, there is nothing to follow.
    fs::write(&changed, "\n{\"schoolId\n").unwrap();
    let answer = run(&affected);
    assert!(answer.stderr.starts_with(&notes[0]) && answer.stderr.contains("no record with a key"));
    assert_eq!(answer.code, 2);
}

#[test]
fn a_headline_without_findings_goes_with_duplicates_that_are_none() {
    let twice = format!("{SCHOOL}{SCHOOL}");
    let folder = folder(&[("schools.jsonl", &twice)]);
    let check = || run(&["-m", "ed-fi-5.0", "check", &path(&folder, "in")]);
    let answer = check();
    assert!(answer.stdout.starts_with("no findings: 2 records"), "{}", answer.stdout);
    assert!(answer.stdout.contains("Duplicate keys, 1 record, the same content each time (no finding):"));
    assert_eq!(answer.code, 0);
    // The same to sixteen digits, which is all that a double tells.
    let exact =
        |n: &str| SCHOOL.replace("{\"schoolId\":1", &format!("{{\"schoolId\":1,\"n\":0.1000000000000000000{n}"));
    fs::write(folder.path().join("in/schools.jsonl"), [exact("1"), exact("10"), exact("2")].concat()).unwrap();
    let answer = check();
    assert!(answer.stdout.starts_with("1 finding: 3 records"), "{}", answer.stdout);
    assert!(answer.stdout.contains("2 records: 1 with another content, 1 with the same (no finding):"));
    assert_eq!(answer.code, 1);
}

/// An export that failed leaves an empty file, and whatever refers to its records fails.
#[test]
fn files_without_a_record_are_said() {
    let folder = folder(&[
        ("schools.jsonl", SCHOOL),
        ("classPeriods.jsonl", PERIOD),
        ("grades.json", "[]"),
        ("courses/1.jsonl", "\r\n"),
        ("courses/2.jsonl", ""),
        ("staffs/1.jsonl", ""),
        ("staffs/2.jsonl", "{\"staffUniqueId\":\"1\"}"),
        // What could not be read may be a record.
        ("sections.jsonl", "oops"),
    ]);
    let dir = path(&folder, "in");
    let check = run(&["-m", "ed-fi-5.0", "check", &dir]);
    assert!(check.stdout.contains("Careful  files without a record: courses, grades\n"), "{}", check.stdout);
    let order = run(&["-m", "ed-fi-5.0", "order", "--format", "csv", "--data", &dir]);
    assert!(order.stderr.contains("note: files without a record: courses, grades\n"), "{}", order.stderr);
}

/// What Windows PowerShell writes unless it is told otherwise.
#[test]
fn a_file_of_utf_16_is_one_finding() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD)]);
    let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(bytes).collect() };
    let lines = format!("{SCHOOL}\r\n{SCHOOL}");
    let files = [
        ("schools/little.jsonl", wide(&format!("\u{feff}{lines}"), u16::to_le_bytes)),
        ("schools/big.jsonl", wide(&format!("\u{feff}{lines}"), u16::to_be_bytes)),
        ("schools/little.json", wide(&format!("[{}]", SCHOOL.trim()), u16::to_le_bytes)),
        ("schools/big.json", wide(SCHOOL, u16::to_be_bytes)),
    ];
    fs::create_dir(folder.path().join("in/schools")).unwrap();
    for (name, bytes) in &files {
        fs::write(folder.path().join("in").join(name), bytes).unwrap();
    }
    let answer = run(&["-m", "ed-fi-5.0", "check", &path(&folder, "in"), "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    let invalid = report["invalid"].as_array().unwrap();
    let told: Vec<_> = invalid.iter().map(|one| (one["file"].as_str().unwrap(), one["line"].clone())).collect();
    let names = ["schools/big.json", "schools/big.jsonl", "schools/little.json", "schools/little.jsonl"];
    assert_eq!(told, names.map(|name| (name, 1.into())));
    assert!(invalid.iter().all(|one| one["flaw"] == "utf-16"), "{invalid:?}");
    assert_eq!((&report["counts"]["records"], &report["counts"]["mayBeUnread"]), (&1.into(), &1.into()));
    for (name, _) in &files {
        let payload = path(&folder, &format!("in/{name}"));
        let answer = run(&["-m", "ed-fi-5.0", "prereqs", "schools", "--payload", &payload]);
        let start = format!("error: {payload}:1: the file is UTF-16");
        assert!(answer.code == 2 && answer.stderr.starts_with(&start), "{}", answer.stderr);
    }
}

#[test]
fn what_cannot_be_opened_is_said_with_the_way_out() {
    let folder = folder(&[("schools.jsonl", SCHOOL)]);
    let (dir, nowhere, file) = (path(&folder, "in"), path(&folder, "nowhere"), path(&folder, "in/schools.jsonl"));
    let said = |command: &[&str], expected: &str| {
        let answer = run(&[&["-m", "ed-fi-5.0"], command].concat());
        assert!(answer.stderr.contains(expected) && answer.code == 2, "{command:?}: {}", answer.stderr);
    };
    said(&["check", &nowhere], "nowhere: no such folder. Give the folder that holds the payload files");
    said(&["check", &file], "schools.jsonl: not a folder. Give the folder");
    said(&["check", &dir, "--descriptors", &nowhere], "--descriptors: ");
    said(&["prereqs", "schools", "--payload", &nowhere], "nowhere: no such file. Give the file with the records");
    said(&["prereqs", "schools", "--payload", &dir], "in: a folder. Give one file with the records");
    said(&["check", &dir, "--max", "x"], "invalid value 'x' for '--max <N>': give a whole number, such as 20");
    said(&["check", &dir, "--max-record", "0"], "give a whole number from 1 to 4000");
    said(&["prereqs", "schools", "--depth", "0"], "give a whole number, 1 or more");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_what_was_there() {
    let periods: String = (0..20_000).map(|i| PERIOD.replace('P', &format!("P{i}"))).collect();
    let folder = folder(&[("classPeriods.jsonl", &periods), ("schools.jsonl", SCHOOL)]);
    // The system kills a process that writes a file longer than it may.
    let killed = |options: &str| {
        let (from, to) = (path(&folder, "in"), path(&folder, "out"));
        let script = format!(
            "ulimit -f 8; exec {} -m ed-fi-5.0 arrange {from} -o {to} {options}",
            env!("CARGO_BIN_EXE_edfi-plan")
        );
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
    };
    killed("");
    assert!(!folder.path().join("out").exists());
    assert_eq!(arrange(&folder, &[]).code, 0);
    let contents = || {
        let out = folder.path().join("out");
        names(&out).into_iter().map(|name| fs::read(out.join(name)).unwrap()).collect::<Vec<_>>()
    };
    let before = contents();
    killed("--force");
    assert!(contents() == before, "an earlier arrangement was damaged");
}

#[test]
fn records_that_need_each_other_are_named() {
    let graph = "edfi-plan: graph/1\nname: own\nresources:\n  /ed-fi/things:\n    entity: Thing\n    key:\n      \
        thingId: integer at $.thingId\n    references:\n      $.otherReference: /ed-fi/things required\n    \
        required:\n      $.otherReference: reference\n    members:\n      $.otherReference.otherId: thingId\n";
    let folder = folder(&[(
        "things.jsonl",
        "{\"thingId\":1,\"otherReference\":{\"thingId\":2}}\n{\"thingId\":2,\"otherReference\":{\"thingId\":1}}\n{\"thingId\":3,\"otherReference\":{\"thingId\":3}}\n",
    )]);
    let metadata = folder.path().join("own.yaml");
    fs::write(&metadata, graph).unwrap();
    let answer = run(&["-m", metadata.to_str().unwrap(), "arrange", &path(&folder, "in"), "-o", &path(&folder, "out")]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stdout.contains("need each other by required references"), "{}", answer.stdout);
}

#[test]
fn lightbeams_configuration_names_the_folder_and_the_projects() {
    let folder = folder(&[("classPeriods.jsonl", PERIOD), ("schools.jsonl", SCHOOL)]);
    let configuration = folder.path().join("lightbeam.yaml");
    fs::write(&configuration, format!("data_dir: {}\nnamespace: ed-fi\n", path(&folder, "in"))).unwrap();
    let with = |command: &[&str]| run(&[&["-m", "ed-fi-5.0", "-c", configuration.to_str().unwrap()], command].concat());
    let answer = with(&["check"]);
    assert!(answer.stdout.starts_with("no findings: 2 records in 2 files"), "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stderr.contains("(data_dir of lightbeam.yaml)"), "{}", answer.stderr);
    assert_eq!(with(&["arrange", "--dry-run"]).code, 0);
    assert!(with(&["order", "--format", "csv", "--data"]).stdout.contains("classPeriods"));
    assert!(with(&["affected", "--changed", "schools:schoolId=1"]).stdout.contains("classPeriods.jsonl:1"));
    // What is given goes before.
    let other = self::folder(&[("schools.jsonl", SCHOOL)]);
    assert!(with(&["check", &path(&other, "in")]).stdout.starts_with("no findings: 1 record in 1 file"));
    let answer = run(&["-m", "ed-fi-5.0", "check"]);
    assert!(answer.code == 2 && answer.stderr.contains("no folder of payloads was given"), "{}", answer.stderr);
}

#[test]
fn a_changed_file_is_known_by_its_path_and_by_its_name_in_the_folder() {
    let folder = folder(&[("classPeriods/1.jsonl", PERIOD), ("schools/part-1.jsonl", SCHOOL)]);
    let outside = self::folder(&[("schools/correction.jsonl", SCHOOL), ("odd/part-1.jsonl", SCHOOL)]);
    let affected = |changed: &str| run(&["-m", "ed-fi-5.0", "affected", &path(&folder, "in"), "--changed", changed]);
    for changed in [
        path(&folder, "in/schools/part-1.jsonl"),
        path(&folder, "in/classPeriods/../schools/part-1.jsonl"),
        "schools/part-1.jsonl".to_owned(),
        "./schools/part-1.jsonl".to_owned(),
        path(&outside, "in/schools/correction.jsonl"),
    ] {
        let answer = affected(&changed);
        assert_eq!(answer.code, 0, "{changed}: {}", answer.stderr);
        assert!(answer.stdout.starts_with("1 record to send again"), "{changed}: {}", answer.stdout);
    }
    let answer = affected(&path(&outside, "in/odd/part-1.jsonl"));
    assert!(answer.code == 2 && answer.stderr.contains("unknown resource 'part-1'"), "{}", answer.stderr);
    let answer = affected("schools/part-2.jsonl");
    assert!(answer.code == 2 && answer.stderr.contains("no such file, and no key such as"), "{}", answer.stderr);
}

#[test]
fn a_file_of_no_resource_is_named_and_leaves_no_plan_complete() {
    let folder = folder(&[("students.jsonl", "{\"studentUniqueId\":\"7\"}\n"), ("studnts.jsonl", "{}\n")]);
    let dir = path(&folder, "in");
    let delete =
        ["-m", "ed-fi-5.0", "delete", "students", "--where", "studentUniqueId=7", "--data", &dir, "--format", "json"];
    let answer = run(&delete);
    let note = "note: left out: studnts.jsonl: unknown resource 'studnts'. Did you mean students?";
    assert!(answer.stderr.contains(note), "{}", answer.stderr);
    let plan: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((answer.code, &plan["complete"]), (1, &false.into()));
    assert!(plan["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == "files-left-out"));

    // Nothing was left out of this one, but what has no file here may be on the server, and block.
    let whole = self::folder(&[("schools.jsonl", SCHOOL)]);
    let delete = ["-m", "ed-fi-5.0", "delete", "schools", "--where", "schoolId=1", "--format", "json", "--data"];
    let answer = run(&[&delete[..], &[&path(&whole, "in")]].concat());
    let plan: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((answer.code, &plan["complete"], plan["records"].as_array().unwrap().len()), (0, &false.into(), 1));
    assert!(!plan["notInStore"].as_array().unwrap().is_empty());

    // Where nothing is found, what was not looked at is said all the more.
    let answer = run(&["-m", "ed-fi-5.0", "delete", "students", "--where", "studentUniqueId=8", "--data", &dir]);
    assert!(answer.stdout.starts_with("Nothing to delete.\n"), "{}", answer.stdout);
    assert!(answer.stdout.contains("(files-left-out)"), "{}", answer.stdout);

    std::fs::write(folder.path().join("payload.json"), "{}").unwrap();
    let payload = path(&folder, "payload.json");
    let answer = run(&["-m", "ed-fi-5.0", "prereqs", "students", "--payload", &payload, "--data", &dir]);
    assert_eq!(answer.stderr.matches(note).count(), 1, "{}", answer.stderr);
}
