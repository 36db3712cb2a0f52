//! An API with records, on loopback: pages, authorization by relationship, references that are enforced,
//! and faults on request.
//!
//! Which record refers to which is what the test says when it adds one, so nothing here depends on how
//! the program reads references.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use edfi_plan::graph::{DependencyGraph, Found};
use edfi_plan::source;
use serde_json::{Value, json};

use crate::server::{Answer, Received, Server};

/// Where the records are.
const DATA: &str = "/data/v3";

/// A record and the records that it refers to.
#[derive(Debug, Clone)]
struct Stored {
    /// `ed-fi/students`.
    resource: String,
    id: String,
    version: u64,
    body: Value,
    /// Where a reference stands (`/grades/0/gradeReference`) and the id of its target.
    refers: Vec<(String, String)>,
}

/// What goes wrong.
#[derive(Debug, Default, Clone)]
pub(crate) struct Faults {
    /// Answers with 403.
    pub(crate) forbidden: BTreeSet<&'static str>,
    /// Answers with 404.
    pub(crate) absent: BTreeSet<&'static str>,
    /// Parameters that are not known and so ignored.
    pub(crate) ignored: BTreeSet<&'static str>,
    /// Tokens are good for so many requests.
    pub(crate) token_lives: Option<usize>,
    /// The next requests for records are answered with these statuses.
    pub(crate) statuses: Vec<u16>,
    /// The longest page that is granted; 500 where nothing is said.
    pub(crate) page: Option<usize>,
    /// Records of this resource are added at the front, one before each page after the first, so often.
    pub(crate) shifting: Option<(&'static str, usize)>,
    /// This record goes as soon as a list of this resource was given.
    pub(crate) vanishing: Option<(&'static str, String)>,
    /// Takes requests for records and never answers.
    pub(crate) silent: bool,
    /// Without `_etag` and `ETag`.
    pub(crate) unversioned: bool,
    /// A `Total-Count` that is not true.
    pub(crate) claimed: Option<&'static str>,
    /// Without `Total-Count`.
    pub(crate) uncounted: bool,
    /// Whether students, and what refers to them, are read without an enrollment.
    pub(crate) lenient: bool,
}

struct State {
    graph: DependencyGraph,
    records: Vec<Stored>,
    faults: Faults,
    next: u64,
    token: usize,
    uses: usize,
    /// Requests that changed something, or tried to.
    writes: Vec<(String, String, u16)>,
}

/// The API.
pub(crate) struct Ods {
    state: Arc<Mutex<State>>,
    pub(crate) server: Server,
    /// The data standard that it serves.
    pub(crate) standard: &'static str,
}

/// The key that tokens are bought with.
pub(crate) const KEY: &str = "populated-key";
/// Its secret.
pub(crate) const SECRET: &str = "populated/s3cret+value";

impl Ods {
    pub(crate) fn start(standard: &'static str) -> Self {
        let graph = DependencyGraph::build(source::standard(standard).unwrap()).unwrap();
        let state = Arc::new(Mutex::new(State {
            graph,
            records: Vec::new(),
            faults: Faults::default(),
            next: 0,
            token: 0,
            uses: 0,
            writes: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let server = Server::start(move |received| shared.lock().unwrap().answer(received));
        Self { state, server, standard }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url("/")
    }

    /// A token that is good.
    pub(crate) fn token(&self) -> String {
        let mut state = self.state.lock().unwrap();
        state.token += 1;
        state.uses = 0;
        format!("token-{}", state.token)
    }

    /// Adds a record; `refers` says which of its reference objects lead to which record.
    pub(crate) fn add(&self, resource: &str, body: Value, refers: &[(&str, &str)]) -> String {
        self.state.lock().unwrap().add(resource, body, refers)
    }

    pub(crate) fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state.lock().unwrap().faults);
    }

    /// Changes a record behind everybody's back.
    pub(crate) fn touch(&self, id: &str) {
        let mut state = self.state.lock().unwrap();
        let record = state.records.iter_mut().find(|record| record.id == id).unwrap();
        record.version += 1;
    }

    /// Gives a student another unique id, in all records that carry it, as a key change that cascades does.
    pub(crate) fn rename_student(&self, from: &str, to: &str) {
        let (from, to) = (json!(from).to_string(), json!(to).to_string());
        for record in &mut self.state.lock().unwrap().records {
            let body = record.body.to_string();
            if body.contains(&from) {
                record.body = serde_json::from_str(&body.replace(&from, &to)).unwrap();
                record.version += 1;
            }
        }
    }

    /// Takes the first section out of a transcript, as an update does.
    pub(crate) fn clear_section(&self, id: &str) {
        let mut state = self.state.lock().unwrap();
        let record = state.records.iter_mut().find(|record| record.id == id).unwrap();
        record.body["sections"].as_array_mut().unwrap().remove(0);
        record.refers.remove(0);
        record.version += 1;
    }

    pub(crate) fn remove(&self, id: &str) {
        self.state.lock().unwrap().records.retain(|record| record.id != id);
    }

    /// Whether a client may read a record at this moment.
    pub(crate) fn is_readable(&self, id: &str) -> bool {
        let state = self.state.lock().unwrap();
        state.records.iter().find(|record| record.id == id).is_some_and(|record| state.is_visible(record))
    }

    /// Ids by resource.
    pub(crate) fn ids(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for record in &self.state.lock().unwrap().records {
            ids.entry(record.resource.clone()).or_default().insert(record.id.clone());
        }
        ids
    }

    /// What becomes of the records when requests are sent in order: the first that is refused, if any. The
    /// records stay as they are.
    pub(crate) fn rehearse(&self, requests: &[(String, String)]) -> Option<(String, u16)> {
        let mut state = self.state.lock().unwrap();
        let before = state.records.clone();
        let refused = requests.iter().find_map(|(resource, id)| {
            let status = state.delete(resource, id, None);
            (status != 204).then(|| (resource.clone(), status))
        });
        state.records = before;
        refused
    }

    pub(crate) fn body(&self, id: &str) -> Option<Value> {
        self.state.lock().unwrap().records.iter().find(|r| r.id == id).map(|r| r.body.clone())
    }

    /// Every write with its path and status, in order.
    pub(crate) fn writes(&self) -> Vec<(String, String, u16)> {
        self.state.lock().unwrap().writes.clone()
    }

    /// Deletes a record as the API would: the status.
    pub(crate) fn delete(&self, resource: &str, id: &str) -> u16 {
        self.state.lock().unwrap().delete(resource, id, None)
    }
}

impl State {
    fn add(&mut self, resource: &str, body: Value, refers: &[(&str, &str)]) -> String {
        self.next += 1;
        // As ODS/API writes them: 32 hexadecimal digits.
        let id = format!("{:032x}", u128::from(self.next).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let refers = refers.iter().map(|(at, id)| ((*at).to_owned(), (*id).to_owned())).collect();
        let version = 5_250_000_000_000_000_000 + self.next;
        self.records.push(Stored { resource: resource.to_owned(), id: id.clone(), version, body, refers });
        id
    }

    fn answer(&mut self, received: &Received) -> Answer {
        let origin = format!("http://{}", received.header("host"));
        let (path, query) = received.path.split_once('?').unwrap_or((&received.path, ""));
        match path {
            "/" => {
                return Answer::json(format!(
                    r#"{{"version":"7.1","dataModels":[{{"name":"Ed-Fi","version":"5.1.0"}}],
                        "urls":{{"oauth":"{origin}/oauth/token","dataManagementApi":"{origin}{DATA}/"}}}}"#
                ));
            }
            "/oauth/token" => {
                self.token += 1;
                self.uses = 0;
                return Answer::json(format!(r#"{{"access_token":"token-{}","expires_in":1800}}"#, self.token));
            }
            _ => {}
        }
        let Some(rest) = path.strip_prefix(DATA).map(|rest| rest.trim_matches('/')) else { return Answer::not_found() };
        let known = received.header("authorization") == format!("Bearer token-{}", self.token);
        self.uses += 1;
        if !known || self.faults.token_lives.is_some_and(|lives| self.uses > lives) {
            return Answer::status(401, "");
        }
        if self.faults.silent {
            return Answer::Silent;
        }
        if !self.faults.statuses.is_empty() {
            let status = self.faults.statuses.remove(0);
            return Answer::status(status, "").with("Retry-After", "0");
        }
        let segments: Vec<&str> = rest.split('/').collect();
        let resource = segments.iter().take(2).copied().collect::<Vec<_>>().join("/");
        if self.faults.forbidden.contains(resource.as_str()) {
            return Answer::status(403, r#"{"detail":"Access to the resource could not be authorized."}"#);
        }
        if self.faults.absent.contains(resource.as_str()) || self.graph.find(&format!("/{resource}")).is_err() {
            return Answer::not_found();
        }
        match (received.method.as_str(), segments.get(2)) {
            ("GET", None) => self.list(&resource, query),
            ("GET", Some(id)) => self.one(&resource, id),
            ("DELETE", Some(id)) => {
                let status = self.delete(&resource, id, Some(received.header("if-match")));
                self.writes.push(("DELETE".into(), rest.to_owned(), status));
                if status == 404 { Answer::not_found() } else { Answer::status(status, "") }
            }
            ("PUT", Some(id)) => {
                let status = self.put(&resource, id, received);
                self.writes.push(("PUT".into(), rest.to_owned(), status));
                Answer::status(status, "")
            }
            _ => Answer::status(405, ""),
        }
    }

    /// Whether a client may see a record: those of students only while the student is enrolled.
    fn is_visible(&self, record: &Stored) -> bool {
        let student = if record.resource == "ed-fi/students" {
            Some(record.id.as_str())
        } else {
            let of_student = record.refers.iter().find(|(at, _)| at == "/studentReference");
            of_student.map(|(_, id)| id.as_str())
        };
        let enrolled = |student: &str| {
            let enrollment = |r: &&Stored| r.resource == "ed-fi/studentSchoolAssociations";
            self.records.iter().filter(enrollment).any(|r| r.refers.iter().any(|(_, id)| id == student))
        };
        self.faults.lenient || student.is_none_or(enrolled)
    }

    fn list(&mut self, resource: &str, query: &str) -> Answer {
        let parameters: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let number = |name: &str, default: usize| parameters.get(name).map_or(Some(default), |n| n.parse().ok());
        let (Some(limit), Some(offset)) = (number("limit", 25), number("offset", 0)) else {
            return Answer::status(400, "");
        };
        if limit > self.faults.page.unwrap_or(500) {
            return Answer::status(400, r#"{"detail":"Limit must be omitted or set to a smaller value."}"#);
        }
        if let Some((shifting, left)) = self.faults.shifting
            && shifting == resource
            && offset > 0
            && left > 0
        {
            self.faults.shifting = Some((shifting, left - 1));
            self.add(resource, json!({"studentUniqueId": format!("new-{left}")}), &[]);
            self.records.rotate_right(1);
        }
        let Ok(Found::Resource(id)) = self.graph.find(&format!("/{resource}")) else { return Answer::not_found() };
        let known: Vec<(Vec<String>, &String)> = self
            .graph
            .details(id)
            .query
            .iter()
            .filter(|parameter| !self.faults.ignored.contains(parameter.name.as_str()))
            .filter_map(|parameter| {
                let pointers = parameter.paths.iter().map(|p| p.trim_start_matches('$').replace('.', "/")).collect();
                Some((pointers, parameters.get(parameter.name.as_str())?))
            })
            .collect();
        let selected = |record: &&Stored| {
            record.resource == resource
                && self.is_visible(record)
                && known.iter().all(|(pointers, value)| {
                    pointers.iter().any(|pointer| record.body.pointer(pointer).is_some_and(|v| plain(v) == **value))
                })
        };
        let all: Vec<Value> = self.records.iter().filter(selected).map(|record| self.shown(record)).collect();
        let page: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
        let mut answer = Answer::json(serde_json::to_vec(&page).unwrap());
        if parameters.get("totalCount").is_some_and(|wanted| wanted == "true") && !self.faults.uncounted {
            let counted = all.len().to_string();
            answer = answer.with("Total-Count", self.faults.claimed.map_or(counted, str::to_owned));
        }
        if let Some((of, id)) = &self.faults.vanishing
            && *of == resource
        {
            let id = id.clone();
            self.records.retain(|record| record.id != id);
            self.faults.vanishing = None;
        }
        answer
    }

    fn shown(&self, record: &Stored) -> Value {
        let mut body = record.body.clone();
        body["id"] = json!(record.id);
        if !self.faults.unversioned {
            body["_etag"] = json!(record.version.to_string());
        }
        body["_lastModifiedDate"] = json!("2026-08-20T00:00:00Z");
        body
    }

    fn one(&self, resource: &str, id: &str) -> Answer {
        match self.records.iter().find(|record| record.resource == resource && record.id == id) {
            Some(record) if self.is_visible(record) => {
                let answer = Answer::json(serde_json::to_vec(&self.shown(record)).unwrap());
                if self.faults.unversioned { answer } else { answer.with("ETag", format!("\"{}\"", record.version)) }
            }
            Some(_) => Answer::status(403, r#"{"detail":"No relationships have been established."}"#),
            None => Answer::not_found(),
        }
    }

    fn delete(&mut self, resource: &str, id: &str, expected: Option<&str>) -> u16 {
        let Some(place) = self.records.iter().position(|r| r.resource == resource && r.id == id) else { return 404 };
        let expected = expected.map(|etag| etag.trim_matches('"')).filter(|etag| !etag.is_empty());
        if expected.is_some_and(|etag| etag != self.records[place].version.to_string()) {
            return 412;
        }
        let refers = |record: &Stored| record.id != id && record.refers.iter().any(|(_, target)| target == id);
        if self.records.iter().any(refers) {
            return 409;
        }
        self.records.remove(place);
        204
    }

    fn put(&mut self, resource: &str, id: &str, received: &Received) -> u16 {
        let Some(record) = self.records.iter_mut().find(|r| r.resource == resource && r.id == id) else { return 404 };
        let expected = received.header("if-match").trim_matches('"');
        if !expected.is_empty() && expected != record.version.to_string() {
            return 412;
        }
        let Ok(body) = serde_json::from_str::<Value>(&received.body) else { return 400 };
        let before = record.body.clone();
        // A reference is gone when the new body holds its key nowhere.
        record.refers.retain(|(at, _)| {
            let key = before.pointer(at).unwrap_or(&Value::Null).to_string();
            body.to_string().contains(&key)
        });
        record.body = body;
        record.version += 1;
        204
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A student with 40 dependents in 15 resources, and others who must not be touched.
#[derive(Debug)]
pub(crate) struct Enrolled {
    /// The id of the student.
    pub(crate) student: String,
    /// Ids of all that depend on it, with their resources, in the order of their being added: each after
    /// what it refers to.
    pub(crate) dependents: Vec<(String, String)>,
}

/// Adds a student of that unique id with everything that students have.
pub(crate) fn enroll(ods: &Ods, unique: &str) -> Enrolled {
    let dependents = std::cell::RefCell::new(Vec::new());
    let student = ods.add("ed-fi/students", json!({"studentUniqueId": unique, "birthDate": "2012-01-02"}), &[]);
    let reference = json!({"studentUniqueId": unique});
    let organization = json!({"educationOrganizationId": 255_901});
    let add = |resource: &str, body: Value, refers: &[(&str, &str)]| {
        let of_student = body.get("studentReference").is_some().then_some(("/studentReference", student.as_str()));
        let refers: Vec<(&str, &str)> = refers.iter().copied().chain(of_student).collect();
        let id = ods.add(&format!("ed-fi/{resource}"), body, &refers);
        dependents.borrow_mut().push((format!("ed-fi/{resource}"), id.clone()));
        id
    };
    let section = |n: u64| {
        json!({"localCourseCode": "ALG-1", "schoolId": 255_901_001, "schoolYear": 2026,
               "sectionIdentifier": format!("S {n}&#"), "sessionName": "Fall"})
    };
    let day = |n: u64| format!("2025-09-{n:02}");
    let descriptor = |name: &str, code: &str| format!("uri://ed-fi.org/{name}Descriptor#{code}");
    for n in 1..=2 {
        let body =
            json!({"entryDate": day(n), "schoolReference": {"schoolId": 255_901_001}, "studentReference": reference});
        add("studentSchoolAssociations", body, &[]);
    }
    let period = json!({"gradingPeriodDescriptor": descriptor("GradingPeriod", "First Six Weeks"),
        "gradingPeriodName": "First", "schoolId": 255_901_001, "schoolYear": 2026});
    let mut grades = Vec::new();
    for n in 1..=4 {
        let body = json!({"beginDate": day(n), "sectionReference": section(n), "studentReference": reference});
        let association = add("studentSectionAssociations", body, &[]);
        for kind in if n == 1 { &["Final", "Exam"][..] } else { &["Final"] } {
            let mut of = section(n);
            of["beginDate"] = json!(day(n));
            of["studentUniqueId"] = json!(unique);
            let body = json!({"gradeTypeDescriptor": descriptor("GradeType", kind), "gradingPeriodReference": period,
                "studentSectionAssociationReference": of});
            let id = add("grades", body.clone(), &[("/studentSectionAssociationReference", &association)]);
            let mut key = of.clone();
            key["gradeTypeDescriptor"] = body["gradeTypeDescriptor"].clone();
            key["gradingPeriodDescriptor"] = period["gradingPeriodDescriptor"].clone();
            key["gradingPeriodName"] = json!("First");
            key["gradingPeriodSchoolYear"] = json!(2026);
            grades.push((key, id));
        }
        let body = json!({"eventDate": day(n), "sectionReference": section(n), "studentReference": reference,
            "attendanceEventCategoryDescriptor": descriptor("AttendanceEventCategory", "Tardy")});
        add("studentSectionAttendanceEvents", body, &[]);
    }
    for n in 1..=3 {
        let body = json!({"eventDate": day(n), "schoolReference": {"schoolId": 255_901_001}, "studentReference": reference,
            "sessionReference": {"schoolId": 255_901_001, "schoolYear": 2026, "sessionName": "Fall"},
            "attendanceEventCategoryDescriptor": descriptor("AttendanceEventCategory", "Tardy")});
        add("studentSchoolAttendanceEvents", body, &[]);
        let body = json!({"studentAssessmentIdentifier": format!("A{n}"), "studentReference": reference,
            "assessmentReference": {"assessmentIdentifier": "ACT", "namespace": "uri://act.org/Assessment"}});
        add("studentAssessments", body, &[]);
    }
    let contact = ods.add("ed-fi/contacts", json!({"contactUniqueId": format!("c-{unique}")}), &[]);
    for n in 1..=2_u64 {
        let body = json!({"educationOrganizationReference": {"educationOrganizationId": 255_900 + n}, "studentReference": reference});
        add("studentEducationOrganizationAssociations", body, &[]);
        let record = json!({"educationOrganizationReference": organization, "studentReference": reference,
            "schoolYearTypeReference": {"schoolYear": 2024 + n}, "termDescriptor": descriptor("Term", "Year Round")});
        let academic = add("studentAcademicRecords", record, &[]);
        for course in if n == 1 { &["ALG-1", "ENG-1"][..] } else { &["ALG-2"] } {
            let body = json!({"courseAttemptResultDescriptor": descriptor("CourseAttemptResult", "Pass"),
                "courseReference": {"courseCode": course, "educationOrganizationId": 255_901_001},
                "studentAcademicRecordReference": {"educationOrganizationId": 255_901, "schoolYear": 2024 + n,
                    "studentUniqueId": unique, "termDescriptor": descriptor("Term", "Year Round")}});
            add("courseTranscripts", body, &[("/studentAcademicRecordReference", &academic)]);
        }
        let of = json!({"contactUniqueId": format!("c-{unique}-{n}")});
        let body = json!({"contactReference": of, "studentReference": reference});
        add("studentContactAssociations", body, &[("/contactReference", &contact)]);
        // The grade inside the collection cannot be asked for.
        let (key, grade) = &grades[n as usize];
        let mut own = period.clone();
        own["gradingPeriodName"] = json!(format!("P{n}"));
        let body = json!({"educationOrganizationReference": organization, "gradingPeriodReference": own,
            "studentReference": reference, "grades": [{"gradeReference": key}]});
        add("reportCards", body, &[("/grades/0/gradeReference", grade)]);
        let incident = json!({"incidentIdentifier": format!("I{n}"), "schoolId": 255_901_001});
        let body = json!({"behaviorDescriptor": descriptor("Behavior", "Other"), "disciplineIncidentReference": incident,
            "studentReference": reference});
        let behavior = add("studentDisciplineIncidentBehaviorAssociations", body, &[]);
        let mut of = incident.clone();
        of["behaviorDescriptor"] = json!(descriptor("Behavior", "Other"));
        of["studentUniqueId"] = json!(unique);
        let body = json!({"disciplineActionIdentifier": format!("D{n}"), "disciplineDate": day(n),
            "responsibilitySchoolReference": {"schoolId": 255_901_001}, "studentReference": reference,
            "studentDisciplineIncidentBehaviorAssociations": [{"studentDisciplineIncidentBehaviorAssociationReference": of}]});
        let at =
            "/studentDisciplineIncidentBehaviorAssociations/0/studentDisciplineIncidentBehaviorAssociationReference";
        add("disciplineActions", body, &[(at, &behavior)]);
        let body = json!({"beginDate": day(n), "studentReference": reference,
            "cohortReference": {"cohortIdentifier": "C", "educationOrganizationId": 255_901}});
        add("studentCohortAssociations", body, &[]);
        let body = json!({"beginDate": day(n), "educationOrganizationReference": organization, "studentReference": reference,
            "programReference": {"educationOrganizationId": 255_901, "programName": "Gifted",
                "programTypeDescriptor": descriptor("ProgramType", "Gifted and Talented")}});
        add("studentProgramAssociations", body, &[]);
    }
    Enrolled { student, dependents: dependents.into_inner() }
}

/// A record that a server refuses, for it has no such section.
pub(crate) fn refused() -> Value {
    json!({"beginDate": "2025-09-01", "studentReference": {"studentUniqueId": "604821"},
        "sectionReference": {"localCourseCode": "ALG-1", "schoolId": 255_901_001, "schoolYear": 2026,
            "sectionIdentifier": "gone", "sessionName": "Fall"},
        "attemptStatusDescriptor": "uri://ed-fi.org/AttemptStatusDescriptor#First"})
}
