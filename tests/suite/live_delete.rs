//! `delete --api` as a user meets it: the program against an API on loopback, and the scripts that it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::plan::load::{LoadOptions, load_plan};
use edfi_plan::source;
use serde_json::{Value, json};

use crate::common::unwrapped;
use crate::ods::{Enrolled, KEY, Ods, SECRET, enroll, refused};

/// A folder of one's own to work in.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    url: String,
}

impl Desk {
    pub(crate) fn at(ods: &Ods) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), url: ods.url() }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with("ed-fi-5.1", arguments)
    }

    fn run_with(&self, standard: &str, arguments: &[&str]) -> Output {
        self.command(standard, arguments).output().unwrap()
    }

    fn command(&self, standard: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edfi-plan"));
        command
            .args(["-m", standard])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("EDFI_API_BASE_URL", &self.url)
            .env("EDFI_API_CLIENT_ID", KEY)
            .env("EDFI_API_CLIENT_SECRET", SECRET);
        command
    }

    /// What the program said, as stdout and stderr, where it ended with `code`. It never tells a secret.
    pub(crate) fn said(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        for secret in [KEY, SECRET, "token-"] {
            assert!(!out.contains(secret) && !err.contains(secret), "{secret} in\n{out}\n{err}");
        }
        (out, err)
    }

    pub(crate) fn json(&self, code: i32, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.said(code, arguments).0).unwrap()
    }
}

/// A school with three students of whom one is to go.
fn school() -> (Ods, Enrolled, Desk) {
    let ods = Ods::start("ed-fi-5.1");
    enroll(&ods, "604820");
    let enrolled = enroll(&ods, "604821");
    enroll(&ods, "6048210");
    let desk = Desk::at(&ods);
    (ods, enrolled, desk)
}

const STUDENT: [&str; 5] = ["delete", "students", "--where", "studentUniqueId=604821", "--api"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

/// Resource and id of the requests of a plan, in order.
fn requests(plan: &Value) -> Vec<(String, String)> {
    let records = plan["records"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().trim_start_matches('/').to_owned();
    records.map(|record| (text(&record["resource"]), text(&record["id"]))).collect()
}

fn expected(enrolled: &Enrolled) -> BTreeSet<(String, String)> {
    let student = ("ed-fi/students".to_owned(), enrolled.student.clone());
    enrolled.dependents.iter().cloned().chain([student]).collect()
}

fn codes(plan: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    plan["warnings"].as_array().unwrap().iter().map(|w| (text(&w["code"]), text(&w["resource"]))).collect()
}

fn warned(code: &str, resource: &str) -> (String, String) {
    (code.to_owned(), format!("/ed-fi/{resource}"))
}

#[test]
fn the_plan_for_a_student_is_whole_and_goes_through_in_one_pass() {
    let (ods, enrolled, desk) = school();
    let before = ods.ids();
    let plan = desk.json(0, &with(&STUDENT, &["--format", "json"]));
    assert_eq!(plan["schema"], "edfi-plan/delete-records/1");
    assert_eq!(plan["api"], ods.server.url("/data/v3/"));
    assert_eq!(ods.writes(), [], "planning only reads");
    let requests = requests(&plan);
    assert_eq!(requests.len(), 41);
    assert_eq!(requests.iter().cloned().collect::<BTreeSet<_>>(), expected(&enrolled));
    // Students are seen by relationship: such a plan never calls itself complete.
    assert_eq!(plan["complete"], false);
    let codes = codes(&plan);
    for warning in [warned("vanishing-ids", "students"), warned("rows-may-be-hidden", "studentSchoolAssociations")] {
        assert!(codes.contains(&warning), "{warning:?} in {codes:?}");
    }
    assert!(!codes.contains(&warned("rows-may-be-hidden", "surveyResponses")));
    for record in plan["records"].as_array().unwrap() {
        assert!(!record["key"].as_object().unwrap().is_empty() && record["etag"].is_string(), "{record}");
    }
    // Each of them is needed: without it, something is refused.
    for skipped in requests.iter().filter(|(resource, _)| resource != "ed-fi/students") {
        let others: Vec<_> = requests.iter().filter(|request| *request != skipped).cloned().collect();
        assert_eq!(ods.rehearse(&others).map(|(_, status)| status), Some(409), "{skipped:?}");
    }
    let asked = ods.server.received().len();
    assert!(asked <= 60, "{asked} requests to plan {} deletes", requests.len());
    for (resource, id) in &requests {
        assert_eq!(ods.delete(resource, id), 204, "{resource} {id}");
    }
    let mut after = before;
    for (resource, id) in expected(&enrolled) {
        after.get_mut(&resource).unwrap().remove(&id);
    }
    assert_eq!(ods.ids(), after.into_iter().filter(|(_, ids)| !ids.is_empty()).collect());
}

/// Deletes as loaders do it: in the load order reversed, each record looked up by its student just before.
#[test]
fn the_load_order_reversed_leaves_the_student_behind() {
    let (ods, enrolled, desk) = school();
    let graph = DependencyGraph::build(source::standard("ed-fi-5.1").unwrap()).unwrap();
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let options = LoadOptions { authorization, ..LoadOptions::default() };
    let load = load_plan(&graph, &graph.select_all(), &options).unwrap();
    let mut order: Vec<String> = Vec::new();
    for step in load.waves.iter().flat_map(|wave| &wave.steps) {
        let name = step.resource.as_str().trim_start_matches('/').to_owned();
        if !order.contains(&name) {
            order.push(name);
        }
    }
    let of_student: BTreeMap<String, BTreeSet<String>> =
        expected(&enrolled).into_iter().fold(BTreeMap::new(), |mut all, (resource, id)| {
            all.entry(resource).or_default().insert(id);
            all
        });
    let mut left = Vec::new();
    for resource in order.iter().rev().filter(|resource| of_student.contains_key(*resource)) {
        for id in &of_student[resource] {
            // What cannot be read cannot be looked up.
            if ods.is_readable(id) {
                assert_eq!(ods.delete(resource, id), 204);
            } else {
                left.push(resource.as_str());
            }
        }
    }
    assert_eq!(left, ["ed-fi/students"]);
    // The plan has the id from before.
    drop(desk);
}

#[test]
fn a_plan_is_kept_shown_and_checked_again() {
    let (ods, enrolled, desk) = school();
    let file = desk.path("plan.json");
    let (text, err) = desk.said(0, &with(&STUDENT, &["--out", &file]));
    assert!(err.contains("kept in "), "{err}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(desk.said(0, &["delete", "--show", &file]).0, text);
    let (hidden, _) = desk.said(0, &["delete", "--show", &file, "--redact", "--format", "csv"]);
    assert!(!hidden.contains("604821") && hidden.contains("***"), "{hidden}");
    let again = ["delete", "--recheck", &file, "--api"];
    assert_eq!(desk.said(0, &again).0, "No change since the plan was made: 41 requests.\n");

    // One is written, one goes, one comes.
    let of = |resource: &str| {
        let found = enrolled.dependents.iter().find(|(name, _)| name == &format!("ed-fi/{resource}"));
        found.unwrap().1.clone()
    };
    ods.touch(&of("studentAssessments"));
    ods.remove(&of("grades"));
    let body = json!({"studentAssessmentIdentifier": "late", "studentReference": {"studentUniqueId": "604821"},
        "assessmentReference": {"assessmentIdentifier": "ACT", "namespace": "uri://act.org/Assessment"}});
    let late = ods.add("ed-fi/studentAssessments", body, &[("/studentReference", &enrolled.student)]);
    let report = desk.json(1, &with(&again, &["--format", "json"]));
    let changes: BTreeSet<(String, String)> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["what"].as_str().unwrap().to_owned(), c["id"].as_str().unwrap().to_owned()))
        .collect();
    let change = |what: &str, id: String| (what.to_owned(), id);
    let all = [change("new", late), change("written", of("studentAssessments")), change("gone", of("grades"))];
    assert_eq!(changes, BTreeSet::from(all));
    let (text, _) = desk.said(1, &again);
    assert!(text.starts_with("3 changes since the plan of 41 requests was made; plan again.\n\n  new "), "{text}");

    // Half done: the enrollments are gone, so that the student cannot be found by key any more.
    let plan: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (resource, id) in requests(&plan) {
        if resource != "ed-fi/students" {
            ods.delete(&resource, &id);
        }
    }
    let (text, _) = desk.said(1, &again);
    assert!(text.contains("  forbidden  students studentUniqueId 604821"), "{text}");
    assert!(text.contains("  gone       studentSchoolAssociations"), "{text}");
    assert!(unwrapped(&text).contains("a delete by its id may still be taken"), "{text}");

    // Another standard, another fingerprint.
    let other = ["-m", "ed-fi-5.1", "--without", "ed-fi", "delete", "--recheck", &file, "--api"];
    assert_eq!(desk.run(&other).status.code(), Some(2));
}

/// What became of the records of a kept plan, by resource, and how many are as they were.
fn became(report: &Value) -> (Vec<(String, String)>, u64) {
    let text = |value: &Value| value.as_str().unwrap().trim_start_matches("/ed-fi/").to_owned();
    let changes = report["changes"].as_array().unwrap().iter();
    let changes = changes.map(|change| (text(&change["what"]), text(&change["resource"]))).collect();
    (changes, report["unchanged"].as_u64().unwrap())
}

#[test]
fn what_a_search_does_not_find_is_looked_at_before_it_is_called_gone() {
    let (ods, _, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    let again = ["delete", "--recheck", &file, "--api", "--format", "json"];
    let change = |what: &str, resource: &str| (what.to_owned(), resource.to_owned());
    assert_eq!(became(&desk.json(0, &again)), (vec![], 41));
    // Records that may not be read are not gone.
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/studentCohortAssociations");
    });
    let forbidden = change("forbidden", "studentCohortAssociations");
    assert_eq!(became(&desk.json(1, &again)), (vec![forbidden.clone(), forbidden], 39));
    // Nor are those of a resource that is not served any more.
    ods.faults(|faults| {
        faults.forbidden.clear();
        faults.absent.insert("ed-fi/studentCohortAssociations");
    });
    let unknown = change("unknown", "studentCohortAssociations");
    assert_eq!(became(&desk.json(1, &again)), (vec![unknown.clone(), unknown], 39));
    // Without versions nobody knows what was written, and it is said.
    ods.faults(|faults| {
        faults.absent.clear();
        faults.unversioned = true;
    });
    let report = desk.json(0, &again);
    assert_eq!((became(&report), &report["unversioned"]), ((vec![], 0), &json!(41)));
    let (text, _) = desk.said(0, &["delete", "--recheck", &file, "--api"]);
    assert!(unwrapped(&text).contains("41 records are there without an ETag: whether somebody wrote"), "{text}");
    // An API that fails or cannot be reached tells nothing, and nothing is said of the plan.
    ods.faults(|faults| faults.statuses = vec![500]);
    let (out, err) = desk.said(2, &again);
    assert!(out.is_empty() && err.contains("500"), "{err}");
    let unreachable = Desk { url: "http://127.0.0.1:9/".to_owned(), ..desk };
    let (out, err) = unreachable.said(2, &again);
    assert!(out.is_empty() && err.contains("127.0.0.1:9"), "{err}");
}

#[test]
fn a_clear_that_was_done_is_told_from_records_that_are_gone() {
    let (ods, section, transcript, desk) = transcript();
    let file = desk.path("plan.json");
    let one = ["delete", "sections", "--where", "sectionIdentifier=it's $(one)", "--api"];
    desk.said(0, &with(&one, &["--out", &file]));
    let again = ["delete", "--recheck", &file, "--api"];
    let json = with(&again, &["--format", "json"]);
    let change = |what: &str, resource: &str| (what.to_owned(), resource.to_owned());
    assert_eq!(became(&desk.json(0, &json)), (vec![], 2));
    ods.touch(&transcript);
    assert_eq!(became(&desk.json(1, &json)), (vec![change("written", "courseTranscripts")], 1));
    // As the script does it: first the update, then the delete.
    ods.clear_section(&transcript);
    let (text, _) = desk.said(1, &again);
    assert!(text.contains("  cleared    courseTranscripts") && text.contains("  unchanged  1 record\n"), "{text}");
    assert_eq!(ods.delete("ed-fi/sections", &section), 204);
    let done = vec![change("cleared", "courseTranscripts"), change("gone", "sections")];
    assert_eq!(became(&desk.json(1, &json)), (done, 0));
    ods.remove(&transcript);
    let gone = vec![change("gone", "courseTranscripts"), change("gone", "sections")];
    assert_eq!(became(&desk.json(1, &json)), (gone, 0));
}

#[test]
fn a_check_that_could_not_search_everything_says_so() {
    let (ods, _, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    let again = ["delete", "--recheck", &file, "--api"];
    // Nothing in the plan is of this resource.
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/studentCTEProgramAssociations");
    });
    let (text, _) = desk.said(1, &again);
    assert!(text.starts_with("Not everything could be searched; what could be is as in the plan"), "{text}");
    assert!(text.contains("\nCareful  studentCTEProgramAssociations: 403"), "{text}");
    assert!(text.contains("(unreadable-resources)") && !text.contains("No change"), "{text}");
    let said = |report: &Value| report["warnings"].to_string().contains("could not be authorized");
    assert!(said(&desk.json(1, &with(&again, &["--format", "json"]))));
    assert!(!said(&desk.json(1, &with(&again, &["--format", "json", "--redact"]))));
}

#[test]
fn a_key_that_changed_with_all_that_refers_to_it_is_not_gone() {
    let (ods, _, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    ods.rename_student("604821", "604899");
    let report = desk.json(1, &["delete", "--recheck", &file, "--api", "--format", "json"]);
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 41);
    assert!(changes.iter().all(|change| change["what"] == "written"), "{report}");
}

#[test]
fn a_plan_without_keys_is_shown_and_not_checked() {
    let (_ods, _, desk) = school();
    let (plan, _) = desk.said(0, &with(&STUDENT, &["--format", "json", "--redact"]));
    let file = desk.path("plan.json");
    std::fs::write(&file, plan).unwrap();
    desk.said(0, &["delete", "--show", &file]);
    let (_, err) = desk.said(2, &["delete", "--recheck", &file, "--api"]);
    assert!(err.contains("plan.json: $.records[0].key: the key was left out, by --redact. Make the plan"), "{err}");

    let (_ods, _, _, desk) = transcript();
    let one = ["delete", "sections", "--where", "sectionIdentifier=it's $(one)", "--api"];
    let (plan, _) = desk.said(0, &with(&one, &["--format", "json", "--redact"]));
    std::fs::write(desk.path("plan.json"), plan).unwrap();
    let bodies = desk.path("bodies");
    let script = ["delete", "--show", &desk.path("plan.json"), "--api", "--format", "curl", "--bodies", &bodies];
    let (_, err) = desk.said(2, &script);
    assert!(err.contains("the key was left out, by --redact"), "{err}");
}

#[test]
fn what_the_api_says_is_left_out_with_the_keys() {
    let (ods, _, desk) = school();
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/studentAssessments");
    });
    let (text, _) = desk.said(1, &STUDENT);
    assert!(unwrapped(&text).contains("the API says: Access to the resource could not be authorized"), "{text}");
    for format in ["text", "json"] {
        let (text, _) = desk.said(1, &with(&STUDENT, &["--redact", "--format", format]));
        assert!(
            text.contains("unreadable-resources") && !unwrapped(&text).contains("could not be authorized"),
            "{text}"
        );
    }
    let file = desk.path("plan.json");
    desk.said(1, &with(&STUDENT, &["--out", &file]));
    let shown = |more: &[&str]| unwrapped(&desk.said(0, &with(&["delete", "--show", &file], more)).0);
    assert!(shown(&[]).contains("could not be authorized"));
    assert!(!shown(&["--redact"]).contains("could not be authorized"));
}

#[test]
fn an_option_that_would_do_nothing_is_refused() {
    let (_ods, _, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    let (_, err) = desk.said(2, &with(&STUDENT, &["--bodies", &desk.path("bodies")]));
    assert!(err.contains("--bodies is for the script that sends them. Add --format curl"), "{err}");
    for made in [["--show", file.as_str()], ["--recheck", &file]] {
        let (_, err) = desk.said(2, &["delete", made[0], made[1], "--api", "--optional", "delete"]);
        assert!(err.contains("cannot be used with"), "{err}");
    }
    // A plan that is not kept leaves the one before, and says so.
    let before = std::fs::read(&file).unwrap();
    let nobody = ["delete", "students", "--where", "studentUniqueId=nobody", "--api", "--out"];
    let (_, err) = desk.said(1, &with(&nobody, &[&file]));
    assert!(err.contains("nothing kept in ") && err.contains("which has what an earlier run kept"), "{err}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let (_, err) = desk.said(1, &with(&nobody, &[&desk.path("none.json")]));
    assert!(err.contains("none.json: there is nothing to delete"), "{err}");
}

/// Runs a script with a curl that tells what it was given.
#[expect(clippy::disallowed_macros, reason = "a test talks to whoever runs it")]
fn bash(desk: &Desk, script: &str, token: &str) -> Option<(i32, String, String)> {
    let curl = ["/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl"].into_iter().find(|path| Path::new(path).exists());
    let bash = ["/usr/bin/bash", "/bin/bash", "/usr/local/bin/bash"].into_iter().find(|path| Path::new(path).exists());
    let (Some(curl), Some(bash)) = (curl, bash) else {
        eprintln!("SKIPPED: no curl and bash here to run the script with");
        return None;
    };
    let bin = desk.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let spy = format!("#!{bash}\n{{ printf '%s\\n' \"$@\"; env; }} >> '{}'\nexec {curl} \"$@\"\n", desk.path("spied"));
    std::fs::write(format!("{bin}/curl"), spy).unwrap();
    std::fs::set_permissions(format!("{bin}/curl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(desk.path("script.sh"), script).unwrap();
    let output = Command::new(bash)
        .arg(desk.path("script.sh"))
        .env("PATH", format!("{bin}:/usr/bin:/bin"))
        .env("EDFI_API_TOKEN", token)
        .env_remove("http_proxy")
        .output()
        .unwrap();
    let spied = std::fs::read_to_string(desk.path("spied")).unwrap_or_default();
    let err = String::from_utf8(output.stderr).unwrap();
    Some((output.status.code().unwrap(), err, spied))
}

#[test]
fn the_script_deletes_in_one_pass_and_shows_no_token() {
    let (ods, enrolled, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    let (script, _) = desk.said(0, &["delete", "--show", &file, "--format", "curl"]);
    assert_eq!(desk.said(0, &with(&STUDENT, &["--format", "curl"])).0, script);
    let token = ods.token();
    let Some((code, err, spied)) = bash(&desk, &script, &token) else { return };
    assert_eq!(code, 0, "{err}");
    assert!(ods.writes().iter().all(|(method, _, status)| method == "DELETE" && *status == 204));
    assert_eq!(ods.writes().len(), 41);
    assert!(!ods.ids().values().any(|ids| ids.contains(&enrolled.student)));
    assert!(spied.contains("If-Match: ") && !spied.contains(&token), "the token is an argument or in the environment");
    // What is gone is not deleted twice: it stops at once.
    let writes = ods.writes().len();
    let (code, err, _) = bash(&desk, &script, &token).unwrap();
    assert_eq!((code, ods.writes().len()), (1, writes + 1), "{err}");
    let last = err.lines().last().unwrap();
    assert!(last.starts_with("stopped at DELETE ed-fi/") && last.contains(": 404, it is not there any more"), "{err}");
    assert!(err.contains("\n{\"message\":\"nothing here\"}\nstopped at"), "the answer stands on its own line: {err}");
    let (code, err, _) = bash(&desk, &script, "token-of-yesterday").unwrap();
    assert!(code == 1 && err.contains(": 401, the token is not taken; get a new one."), "{err}");
    ods.faults(|faults| faults.statuses = vec![302]);
    let (code, err, _) = bash(&desk, &script, &ods.token()).unwrap();
    assert!(code == 1 && err.contains(": 302, it is said to be elsewhere"), "curl takes a redirect for success: {err}");
    let script = script.replace(&ods.url(), "http://127.0.0.1:9/");
    let (code, err, _) = bash(&desk, &script, &token).unwrap();
    assert!(code == 1 && err.contains(": 000, no answer, so nobody knows whether it is done."), "{err}");
    assert_eq!(bash(&desk, &script, "a token").unwrap().0, 2);
}

#[test]
fn the_script_stops_at_what_has_changed() {
    let (ods, enrolled, desk) = school();
    let (script, _) = desk.said(0, &with(&STUDENT, &["--format", "curl"]));
    ods.touch(&enrolled.student);
    let Some((code, err, _)) = bash(&desk, &script, &ods.token()) else { return };
    assert_eq!(code, 1, "{err}");
    let last = ods.writes().pop().unwrap();
    assert_eq!(last, ("DELETE".to_owned(), format!("ed-fi/students/{}", enrolled.student), 412));
    assert!(err.contains(": 412, it was written since it was planned; plan again. All requests before it"), "{err}");
    assert_eq!(ods.writes().len(), 41);
}

/// A section that a course transcript names among others.
fn transcript() -> (Ods, String, String, Desk) {
    let ods = Ods::start("ed-fi-5.1");
    let key = |section: &str| {
        json!({"localCourseCode": "ALG-1", "schoolId": 255_901_001, "schoolYear": 2026,
            "sectionIdentifier": section, "sessionName": "Fall"})
    };
    let body = |section: &str| {
        json!({"sectionIdentifier": section, "courseOfferingReference":
            {"localCourseCode": "ALG-1", "schoolId": 255_901_001, "schoolYear": 2026, "sessionName": "Fall"}})
    };
    let section = ods.add("ed-fi/sections", body("it's $(one)"), &[]);
    let other = ods.add("ed-fi/sections", body("two"), &[]);
    let record = json!({"courseAttemptResultDescriptor": "uri://ed-fi.org/CourseAttemptResultDescriptor#Pass",
        "finalNumericGradeEarned": 91.50,
        "courseReference": {"courseCode": "ALG-1", "educationOrganizationId": 255_901_001},
        "studentAcademicRecordReference": {"educationOrganizationId": 255_901, "schoolYear": 2026,
            "studentUniqueId": "604821", "termDescriptor": "uri://ed-fi.org/TermDescriptor#Fall"},
        "sections": [{"sectionReference": key("it's $(one)")}, {"sectionReference": key("two")}]});
    let refers = [("/sections/0/sectionReference", section.as_str()), ("/sections/1/sectionReference", &other)];
    let transcript = ods.add("ed-fi/courseTranscripts", record, &refers);
    let desk = Desk::at(&ods);
    (ods, section, transcript, desk)
}

#[test]
fn a_record_that_can_do_without_is_cleared_by_the_script() {
    let (ods, section, transcript, desk) = transcript();
    let plan = ["delete", "sections", "--where", "sectionIdentifier=it's $(one)", "--api"];
    let (text, _) = desk.said(0, &plan);
    assert!(text.contains("courseTranscripts (clear)  1"), "{text}");
    let (_, err) = desk.said(2, &with(&plan, &["--format", "curl"]));
    assert!(err.contains("1 record is cleared by an update") && err.contains("--bodies FILE"), "{err}");
    let bodies = desk.path("the bodies' file");
    let (script, err) = desk.said(0, &with(&plan, &["--format", "curl", "--bodies", &bodies]));
    assert!(err.contains("data of students"), "{err}");
    assert!(!script.contains("604821") && !script.contains("91.5"), "{script}");
    assert_eq!(std::fs::metadata(&bodies).unwrap().permissions().mode() & 0o777, 0o600);
    let Some((code, err, _)) = bash(&desk, &script, &ods.token()) else { return };
    assert_eq!(code, 0, "{err}");
    let left = ods.body(&transcript).unwrap();
    let sections = left["sections"].as_array().unwrap();
    assert_eq!((sections.len(), &sections[0]["sectionReference"]["sectionIdentifier"]), (1, &json!("two")));
    assert_eq!(left["finalNumericGradeEarned"], 91.5);
    assert!(left.get("_etag").is_none());
    assert_eq!(ods.body(&section), None);
    let statuses: Vec<(String, u16)> = ods.writes().into_iter().map(|(method, _, status)| (method, status)).collect();
    assert_eq!(statuses, [("PUT".to_owned(), 204), ("DELETE".to_owned(), 204)]);
}

#[test]
fn a_required_collection_loses_an_item_by_an_update_and_the_last_one_with_its_record() {
    const GRADE: &str = "uri://ed-fi.org/GradeLevelDescriptor";
    let ods = Ods::start("ed-fi-5.1");
    let grade =
        |code: &str| ods.add("ed-fi/gradeLevelDescriptors", json!({"namespace": GRADE, "codeValue": code}), &[]);
    let (first, second) = (grade("First"), grade("Second"));
    let school = |id: u32, grades: &[(&str, &String)]| {
        let levels = grades.iter().map(|(code, _)| json!({"gradeLevelDescriptor": format!("{GRADE}#{code}")}));
        let body = json!({"schoolId": id, "nameOfInstitution": "A school", "educationOrganizationCategories":
            [{"educationOrganizationCategoryDescriptor": "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School"}],
            "gradeLevels": levels.collect::<Vec<_>>()});
        let at = |item: usize| format!("/gradeLevels/{item}/gradeLevelDescriptor");
        let refers: Vec<(String, &str)> =
            grades.iter().enumerate().map(|(item, (_, id))| (at(item), id.as_str())).collect();
        let refers: Vec<(&str, &str)> = refers.iter().map(|(at, id)| (at.as_str(), *id)).collect();
        ods.add("ed-fi/schools", body, &refers)
    };
    let (stays, goes) = (school(1, &[("First", &first), ("Second", &second)]), school(2, &[("Second", &second)]));
    let desk = Desk::at(&ods);
    let plan = ["delete", "gradeLevelDescriptors", "--where", "codeValue=Second", "--api"];
    let told = desk.json(0, &with(&plan, &["--format", "json"]));
    let records = told["records"].as_array().unwrap().iter();
    let steps: Vec<(&str, &str)> =
        records.map(|r| (r["operation"].as_str().unwrap(), r["id"].as_str().unwrap())).collect();
    assert_eq!(steps, [("clear", stays.as_str()), ("delete", &goes), ("delete", &second)]);
    assert_eq!(told["records"][0]["clears"][0]["goes"], json!(["$.gradeLevels[1]"]));
    let bodies = desk.path("bodies");
    let (script, _) = desk.said(0, &with(&plan, &["--format", "curl", "--bodies", &bodies]));
    let Some((code, err, _)) = bash(&desk, &script, &ods.token()) else { return };
    assert_eq!(code, 0, "{err}");
    let levels = json!([{"gradeLevelDescriptor": format!("{GRADE}#First")}]);
    assert_eq!(ods.body(&stays).unwrap()["gradeLevels"], levels);
    assert_eq!((ods.body(&goes), ods.body(&second)), (None, None));
    assert!(ods.body(&first).is_some());
}

#[test]
fn a_kept_plan_makes_the_script_with_the_bodies_of_now() {
    let (ods, section, transcript, desk) = transcript();
    let file = desk.path("plan.json");
    let one = ["delete", "sections", "--where", "sectionIdentifier=it's $(one)", "--api"];
    desk.said(0, &with(&one, &["--out", &file]));
    let show = ["delete", "--show", &file, "--format", "curl"];
    let (_, err) = desk.said(2, &show);
    assert!(err.contains("Add --api --bodies FILE"), "{err}");
    let (_, err) = desk.said(2, &with(&show, &["--api"]));
    assert!(err.contains("--bodies FILE"), "{err}");
    let bodies = desk.path("bodies");
    let show = with(&show, &["--api", "--bodies", &bodies]);
    let (script, err) = desk.said(0, &show);
    assert!(err.contains("holds whole records, data of students: remove it when the script has run"), "{err}");
    assert_eq!(std::fs::metadata(&bodies).unwrap().permissions().mode() & 0o777, 0o600);
    // A body that is older than the record would undo what was written.
    ods.touch(&transcript);
    let before = std::fs::read(&bodies).unwrap();
    let (out, err) = desk.said(2, &show);
    assert!(out.is_empty() && err.contains("written since it was planned to be cleared. Plan again"), "{err}");
    assert_eq!(std::fs::read(&bodies).unwrap(), before);
    if let Some((code, err, _)) = bash(&desk, &script, &ods.token()) {
        assert!(code == 1 && err.contains("stopped at PUT ed-fi/courseTranscripts/") && err.contains("412"), "{err}");
        assert!(ods.body(&section).is_some());
    }
    // A plan without clears takes the same command.
    let (_ods, _, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    let bodies = desk.path("bodies");
    let (_, err) = desk.said(0, &["delete", "--show", &file, "--format", "curl", "--api", "--bodies", &bodies]);
    assert!(err.contains("no record is cleared") && !Path::new(&bodies).exists(), "{err}");
}

#[test]
fn keys_and_plans_go_through_pipes() {
    let (_ods, _, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    let kept = std::fs::read_to_string(&file).unwrap();
    let piped = |arguments: &[&str], stdin: &str| {
        let mut child = desk.command("ed-fi-5.1", arguments);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{err}");
        (String::from_utf8(output.stdout).unwrap(), err)
    };
    let (out, err) = piped(&["delete", "students", "--keys", "-", "--api", "--out", "-"], "studentUniqueId\n604821\n");
    assert_eq!(out, kept);
    assert!(err.contains("the plan holds keys of records: data of students"), "{err}");
    assert!(!Path::new(&desk.path("-")).exists());
    assert_eq!(piped(&["delete", "--show", "-"], &kept).0, desk.said(0, &["delete", "--show", &file]).0);
    let (out, _) = piped(&["delete", "--recheck", "-", "--api"], &kept);
    assert_eq!(out, "No change since the plan was made: 41 requests.\n");
    let (_, err) = desk.said(2, &with(&STUDENT, &["--out", "-", "--format", "curl"]));
    assert!(err.contains("--out - prints the plan as json"), "{err}");
}

#[test]
fn faults_while_planning_are_told() {
    let (ods, enrolled, desk) = school();
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/studentAssessments");
        faults.absent.insert("ed-fi/surveyResponses");
        faults.token_lives = Some(20);
        faults.statuses = vec![503, 429];
    });
    let plan = desk.json(1, &with(&STUDENT, &["--format", "json"]));
    assert_eq!(plan["records"].as_array().unwrap().len(), 38);
    let codes = codes(&plan);
    assert!(codes.contains(&warned("unreadable-resources", "studentAssessments")), "{codes:?}");
    assert!(codes.contains(&warned("not-served", "surveyResponses")), "{codes:?}");
    // What is not there does not make a plan doubtful.
    ods.faults(|faults| {
        faults.forbidden.clear();
    });
    desk.said(0, &STUDENT);
    // The student goes while its dependents are looked for.
    ods.faults(|faults| faults.vanishing = Some(("ed-fi/studentSchoolAssociations", enrolled.student.clone())));
    let plan = desk.json(1, &with(&STUDENT, &["--format", "json"]));
    assert!(self::codes(&plan).contains(&warned("changed-while-planning", "students")), "{plan}");
    ods.faults(|faults| faults.statuses = vec![500]);
    let (out, err) = desk.said(2, &with(&STUDENT, &["--out", &desk.path("none.json")]));
    assert!(out.is_empty() && err.contains("500"), "{err}");
    assert!(!Path::new(&desk.path("none.json")).exists(), "a plan is written whole or not at all");
}

#[test]
fn a_fault_is_told_with_what_it_means_for_the_plan() {
    let (ods, _, desk) = school();
    let said = |code: i32, arguments: &[&str]| {
        let (out, err) = desk.said(code, arguments);
        (unwrapped(&out), err)
    };
    let file = desk.path("plan.json");
    said(0, &with(&STUDENT, &["--out", &file]));
    for (status, message) in [(500, "500. The API has failed"), (503, "503, too busy, asked 5 times. Try again later")]
    {
        for (arguments, work) in [(&STUDENT[..], "planned"), (&["delete", "--recheck", &file, "--api"], "compared")] {
            ods.faults(|faults| faults.statuses = vec![status; 5]);
            let (out, err) = said(2, arguments);
            assert!(out.is_empty() && err.contains(&format!("error: nothing was {work}: http")), "{err}");
            assert!(err.contains(message), "{err}");
            ods.faults(|faults| faults.statuses.clear());
        }
    }
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/grades");
    });
    let told = "grades: 403, these credentials may not read it; its records that refer to what goes are not in the plan, \
                and block; the API says: ";
    let (out, _) = said(1, &STUDENT);
    assert!(out.contains(told), "{out}");
    ods.faults(|faults| {
        faults.forbidden.clear();
        faults.unversioned = true;
    });
    let (out, _) = said(0, &STUDENT);
    assert!(out.contains("41 requests have no ETag: a script cannot tell whether somebody writes"), "{out}");
    // A number of records that is not true never makes a plan that looks whole.
    for (claimed, code) in [("18446744073709551615", 2), ("0", 1), ("1", 1)] {
        ods.faults(|faults| (faults.unversioned, faults.claimed) = (false, Some(claimed)));
        said(code, &STUDENT);
    }
    for no_number in ["-1", "many", "1e99", ""] {
        ods.faults(|faults| faults.claimed = Some(no_number));
        let (out, _) = said(0, &STUDENT);
        assert!(out.contains("41 records to delete"), "{out}");
    }
}

#[test]
fn bad_questions_have_an_answer() {
    let (ods, _, desk) = school();
    let (out, err) = desk.said(1, &["delete", "students", "--where", "studentUniqueId=nobody", "--api"]);
    assert!(out.starts_with("Nothing to delete.\n"), "{out}");
    assert!(err.contains("--where studentUniqueId=nobody: the API shows no record of students with this key"), "{err}");
    // What the API said comes before that nothing was found, for it is why.
    ods.faults(|faults| faults.forbidden = ["ed-fi/students"].into());
    let (out, _) = desk.said(1, &STUDENT);
    assert!(out.starts_with("students: 403, ") && out.contains("\nNothing found to delete.\n"), "{out}");
    ods.faults(|faults| (faults.forbidden, faults.absent) = ([].into(), ["ed-fi/students"].into()));
    let (out, _) = desk.said(1, &STUDENT);
    assert!(out.starts_with("students: 404, ") && out.contains("\nNothing found to delete.\n"), "{out}");
    ods.faults(|faults| faults.absent = [].into());
    let (_, err) = desk.said(2, &["delete", "students", "--where", "studentUniqeId=604821", "--api"]);
    assert!(err.contains("Did you mean studentUniqueId?"), "{err}");
    let (_, err) = desk.said(2, &with(&STUDENT, &["--max", "20"]));
    assert!(err.contains("--max allows 20"), "{err}");
    let (_, err) = desk.said(2, &with(&STUDENT, &["--offline"]));
    assert!(err.contains("--offline"), "{err}");
    // The key is student data and in no message.
    ods.faults(|faults| faults.statuses = vec![500]);
    let (_, err) = desk.said(2, &STUDENT);
    assert!(err.contains("studentUniqueId=…") && !err.contains("604821"), "{err}");
    let output = desk.run_with("ed-fi-5.2", &STUDENT);
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("note: this API says it serves ed-fi-5.1, not ed-fi-5.2; records of what"), "{err}");
    let output = Command::new(env!("CARGO_BIN_EXE_edfi-plan"))
        .args(with(&["-m", "ed-fi-5.1"], &STUDENT))
        .current_dir(desk.folder.path())
        .env_clear()
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err.starts_with("error: no API is configured. Set EDFI_API_BASE_URL"), "{err}");
}

#[test]
fn a_plan_that_was_tampered_with_is_refused() {
    let (_ods, _, desk) = school();
    let file = desk.path("plan.json");
    desk.said(0, &with(&STUDENT, &["--out", &file]));
    let plan: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 8] = [
        (|plan| plan["records"][0]["id"] = json!("x'; rm -rf ~; '"), "$.records[0].id: no id of a record"),
        (|plan| plan["records"][1]["id"] = json!(".."), "$.records[1].id: no id of a record"),
        (|plan| plan["records"][0]["etag"] = json!("a\r\nX: y"), "$.records[0].etag: no entity tag"),
        (|plan| plan["records"][0]["resource"] = json!("/ed-fi/a b"), "$.records[0].resource: no name of a resource"),
        (|plan| plan["records"][0]["wave"] = json!(9), "the records are not in order of wave"),
        (|plan| plan["api"] = json!("https://me:s3cret@h/"), "$.api: no URL under which an API has records"),
        (|plan| plan["api"] = json!("file:///etc"), "$.api: no URL under which an API has records"),
        (|plan| plan["schema"] = json!("edfi-plan/delete-plan/1"), "$.schema: 'edfi-plan/delete-plan/1', not"),
    ];
    for (change, message) in changes {
        let mut changed = plan.clone();
        change(&mut changed);
        std::fs::write(desk.path("changed.json"), changed.to_string()).unwrap();
        let (_, err) = desk.said(2, &["delete", "--show", &desk.path("changed.json"), "--format", "curl"]);
        assert!(err.contains(message), "{message}\n{err}");
    }
    std::fs::write(desk.path("changed.json"), "{\"schema\":").unwrap();
    let (_, err) = desk.said(2, &["delete", "--show", &desk.path("changed.json")]);
    assert!(err.contains("changed.json: line 1"), "{err}");
}

/// A failed request to enroll a student in a section that is not there.
fn failed(desk: &Desk) -> (String, String) {
    let payload = refused();
    let body = json!({"detail": "The referenced 'Section' item does not exist.", "status": 409,
        "type": "urn:ed-fi:api:data-conflict:unresolved-reference", "title": "Unresolved Reference"});
    let files = (desk.path("record.json"), desk.path("response.json"));
    std::fs::write(&files.0, payload.to_string()).unwrap();
    std::fs::write(&files.1, body.to_string()).unwrap();
    files
}

/// What the refused record needs; no path is broken.
const NEEDED: &str = "\
1 record is missing, 4 records are not shown, 4 records cannot be known
studentSectionAssociations
├── on the server: attemptStatusDescriptors
│       uri://ed-fi.org/AttemptStatusDescriptor#First
│       ($.attemptStatusDescriptor, optional)
├── NOT SHOWN: sections localCourseCode ALG-1, schoolId 255901001, schoolYear
│       2026, sectionIdentifier gone, sessionName Fall ($.sectionReference,
│       required)
│   └── NOT SHOWN: courseOfferings localCourseCode ALG-1, schoolId 255901001,
│           schoolYear 2026, sessionName Fall ($.courseOfferingReference,
│           required)
│       ├── not in the key: courses ($.courseReference, required)
│       ├── NOT SHOWN: schools schoolId 255901001 ($.schoolReference, required)
│       │   ├── not in the key: educationOrganizationCategoryDescriptors
│       │   │       ($.educationOrganizationCategories[*].educationOrganizationCategoryDescriptor,
│       │   │       required)
│       │   └── not in the key: gradeLevelDescriptors
│       │           ($.gradeLevels[*].gradeLevelDescriptor, required)
│       └── NOT SHOWN: sessions schoolId 255901001, schoolYear 2026, sessionName
│               Fall ($.sessionReference, required)
│           ├── NOT SHOWN: schools schoolId 255901001 ($.schoolReference,
│           │       required) (*)
│           ├── MISSING: schoolYearTypes schoolYear 2026
│           │       ($.schoolYearTypeReference, required)
│           └── not in the key: termDescriptors ($.termDescriptor, required)
└── on the server: students studentUniqueId 604821 ($.studentReference,
        required)

NOT SHOWN  the API answers with none, which proves nothing: by default it shows
  these by relationship only. Missing, or not visible to these credentials;
  --authorization none says that they see everything
not in the key  the missing record must refer to one, and its key does not tell
  to which
(*)  what it needs stands above
";

#[test]
fn the_references_of_a_payload_are_looked_up_each_once() {
    let (ods, _, desk) = school();
    let (payload, response) = failed(&desk);
    let value = json!({"codeValue": "First", "namespace": "uri://ed-fi.org/AttemptStatusDescriptor"});
    ods.add("ed-fi/attemptStatusDescriptors", value, &[]);
    let question = ["prereqs", "studentSectionAssociations", "--payload", &payload, "--api"];
    let (text, _) = desk.said(1, &question);
    assert_eq!(text, NEEDED);
    let asked = |path: &str| ods.server.received().iter().filter(|r| r.path.contains(path)).count();
    for resource in ["/ed-fi/sections?", "/ed-fi/students?", "/ed-fi/attemptStatusDescriptors?"] {
        // Once without a token, then with one; the token is bought once.
        assert!((1..=2).contains(&asked(resource)), "{resource} {}", asked(resource));
    }
    assert_eq!(asked("/oauth/token"), 1);
    let json = desk.json(1, &with(&question, &["--format", "json"]));
    let told = |need: &Value| {
        let text = |name: &str| need[name].as_str().unwrap_or_default().to_owned();
        (need["depth"].as_u64().unwrap(), text("target").replace("/ed-fi/", ""), text("standing"), text("why"))
    };
    let told: Vec<_> = json["needs"].as_array().unwrap().iter().map(told).collect();
    let need = |depth, target: &str, standing: &str, why: &str| (depth, target.into(), standing.into(), why.into());
    let expected = [
        need(0, "attemptStatusDescriptors", "present", ""),
        need(0, "sections", "unknown", "notVisible"),
        need(1, "courseOfferings", "unknown", "notVisible"),
        need(2, "courses", "unknown", "notInKey"),
        need(2, "schools", "unknown", "notVisible"),
        need(3, "educationOrganizationCategoryDescriptors", "unknown", "notInKey"),
        need(3, "gradeLevelDescriptors", "unknown", "notInKey"),
        need(2, "sessions", "unknown", "notVisible"),
        need(3, "schools", "unknown", "notVisible"),
        need(3, "schoolYearTypes", "missing", ""),
        need(3, "termDescriptors", "unknown", "notInKey"),
        need(0, "students", "present", ""),
    ];
    assert_eq!(told, expected);
    assert_eq!(json["needs"][8]["repeated"], true);
    // Somebody who sees everything may say so: then what is not shown is not there.
    let all = desk.json(1, &with(&question, &["--format", "json", "--authorization", "none"]));
    assert_eq!(all["needs"][1]["standing"], "missing");
    // What is there needs nothing.
    let session = json!({"schoolReference": {"schoolId": 255_901_001}, "sessionName": "Fall",
        "schoolYearTypeReference": {"schoolYear": 2026}});
    let session = ods.add("ed-fi/sessions", session, &[]);
    let json = desk.json(1, &with(&question, &["--format", "json"]));
    assert_eq!(
        (&json["needs"][7]["standing"], &json["needs"][8]["target"]),
        (&json!("present"), &json!("/ed-fi/students"))
    );
    ods.remove(&session);
    // What may not be read is not known to be missing.
    ods.faults(|faults| {
        faults.forbidden.insert("ed-fi/sections");
    });
    let (text, err) = desk.said(1, &question);
    assert!(text.contains("cannot be told: sections") && err.contains("unreadable-resources"), "{text}\n{err}");
    assert!(!text.contains("courseOfferings"), "{text}");

    ods.faults(|faults| faults.forbidden.clear());
    let diagnose = ["diagnose", &response, "--resource", "studentSectionAssociations", "--payload", &payload, "--api"];
    let (text, _) = desk.said(1, &diagnose);
    let there = "sections localCourseCode ALG-1, schoolId 255901001, schoolYear 2026, sectionIdentifier gone, \
                 sessionName Fall: not there, or not visible to these credentials";
    assert!(unwrapped(&text).contains(there), "{text}");
    assert!(unwrapped(&text).contains("students studentUniqueId 604821: there"), "{text}");
    let json = desk.json(1, &with(&diagnose, &["--format", "json"]));
    // As the list of prerequisites says it: what may be hidden is not missing.
    let section = &json["diagnoses"][0]["onServer"][1];
    assert_eq!((&section["standing"], &section["why"]), (&json!("unknown"), &json!("notVisible")), "{json}");
    let (text, _) = desk.said(1, &with(&diagnose, &["--redact", "--format", "json"]));
    assert!(!text.contains("604821"), "{text}");
}

#[test]
fn a_list_that_does_not_stand_still_does_not_tell_what_is_missing() {
    let ods = Ods::start("ed-fi-5.1");
    let desk = Desk::at(&ods);
    let (payload, _) = failed(&desk);
    for n in 0..600 {
        ods.add("ed-fi/students", json!({"studentUniqueId": format!("s{n}")}), &[]);
    }
    ods.faults(|faults| {
        faults.lenient = true;
        faults.ignored.insert("studentUniqueId");
    });
    let question = ["prereqs", "studentSectionAssociations", "--payload", &payload, "--api", "--format", "json"];
    let student = || {
        let json = desk.json(1, &question);
        let needs = json["needs"].as_array().unwrap().iter();
        needs.into_iter().find(|need| need["target"] == "/ed-fi/students").map(|need| need["why"].clone()).unwrap()
    };
    assert_eq!(student(), "notVisible");
    ods.faults(|faults| faults.shifting = Some(("ed-fi/students", 1000)));
    assert_eq!(student(), "notTold");
    assert!(desk.said(1, &question).1.contains("(changed-while-planning)"));
}

#[test]
fn a_reference_to_any_organization_is_found_among_the_subclasses() {
    let (ods, _, desk) = school();
    let payload = desk.path("record.json");
    let record = json!({"courseCode": "ALG-1", "identificationCodes": [],
        "educationOrganizationReference": {"educationOrganizationId": 255_901_001}});
    std::fs::write(&payload, record.to_string()).unwrap();
    let question = ["prereqs", "courses", "--payload", &payload, "--api"];
    let organization = "EducationOrganization educationOrganizationId 255901001";
    let said = |code| bare(&desk.said(code, &question).0);
    assert!(said(1).contains(&format!("NOT SHOWN: {organization}")));
    ods.add("ed-fi/schools", json!({"schoolId": 255_901_001}), &[]);
    assert!(said(1).contains(&format!("on the server: {organization}")));
    // The codes of a course are required, and so is the descriptor in each: an empty list has none.
    assert!(said(1).contains("1 required reference is absent"), "{}", said(1));
}

/// A property name that leaves several descriptors open is met by any of them.
#[test]
fn a_descriptor_is_looked_up_under_each_that_it_may_be() {
    let ods = Ods::start("ed-fi-6.0");
    let desk = Desk::at(&ods);
    let payload = desk.path("record.json");
    let uri = "uri://ed-fi.org/TelephoneNumberTypeDescriptor#Main#2";
    let phone = json!({"institutionTelephoneNumberTypeDescriptor": uri, "telephoneNumber": "1"});
    std::fs::write(&payload, json!({"institutionTelephones": [phone]}).to_string()).unwrap();
    let question = ["prereqs", "schools", "--payload", &payload, "--api"];
    let said = || {
        let output = desk.run_with("ed-fi-6.0", &question);
        bare(&String::from_utf8(output.stdout).unwrap())
    };
    let descriptor = format!("institutionTelephoneNumberTypeDescriptors {uri}");
    assert!(said().contains(&format!("MISSING: {descriptor}")), "{}", said());
    let value = json!({"namespace": "uri://ed-fi.org/TelephoneNumberTypeDescriptor", "codeValue": "Main#2"});
    ods.add("ed-fi/telephoneNumberTypeDescriptors", value, &[]);
    assert!(said().contains(&format!("on the server: {descriptor}")), "{}", said());
}

/// A tree without its branches and line ends.
fn bare(text: &str) -> String {
    unwrapped(&text.replace(['│', '├', '└', '─'], " "))
}
