//! Arranged folders replay without a refusal, and nothing is lost on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::plan::Operation;
use edfi_plan::plan::arrange::{Arrangement, arrange};
use edfi_plan::records::{ReadOptions, scan};
use edfi_plan::source;
use serde_json::Value;

use crate::payloads::{Random, Recipe, generate};
use crate::records_check::folder;

/// Files that were written, by name.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

struct OneFile(Written, String);

impl io::Write for OneFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().entry(self.1.clone()).or_default().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn arranged(standard: &str, files: &BTreeMap<String, Vec<u8>>) -> (Arrangement, BTreeMap<String, Vec<u8>>) {
    let graph = DependencyGraph::build(source::standard(standard).unwrap()).unwrap();
    let folder = folder(&graph, files);
    let read = ReadOptions::default();
    let scan = scan(&graph, &folder, None, &read);
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let arrangement = arrange(&scan, &folder, &authorization, &read);
    let written = Written::default();
    arrangement.write(&scan, &read, |name| Ok(OneFile(written.clone(), name.to_owned()))).unwrap();
    let files = written.0.lock().unwrap().clone();
    (arrangement, files)
}

/// How a resource is identified and what it refers to, written down apart from the model: the fields of
/// its key, and for each reference its path, its targets and the members in the order of their key.
pub(crate) struct Rule {
    pub(crate) key: &'static [&'static str],
    pub(crate) references: &'static [(&'static str, &'static [&'static str], &'static [&'static str])],
}

const ORGANIZATIONS: &[&str] = &["schools", "localEducationAgencies"];

fn rule(resource: &str) -> Rule {
    let (key, references): (&'static [&'static str], &'static [_]) = match resource {
        "gradeLevelDescriptors" => (&["namespace", "codeValue"], &[]),
        "localEducationAgencies" => (
            &["localEducationAgencyId"],
            &[(
                "parentLocalEducationAgencyReference",
                &["localEducationAgencies"] as &[_],
                &["localEducationAgencyId"] as &[_],
            )],
        ),
        "schools" => (
            &["schoolId"],
            &[("localEducationAgencyReference", &["localEducationAgencies"], &["localEducationAgencyId"])],
        ),
        "courses" => (
            &["educationOrganizationReference.educationOrganizationId", "courseCode"],
            &[("educationOrganizationReference", ORGANIZATIONS, &["educationOrganizationId"])],
        ),
        "sessions" => (
            &["schoolReference.schoolId", "schoolYearTypeReference.schoolYear", "sessionName"],
            &[("schoolReference", &["schools"], &["schoolId"])],
        ),
        "classPeriods" => {
            (&["schoolReference.schoolId", "classPeriodName"], &[("schoolReference", &["schools"], &["schoolId"])])
        }
        "courseOfferings" => (
            &[
                "localCourseCode",
                "schoolReference.schoolId",
                "sessionReference.schoolYear",
                "sessionReference.sessionName",
            ],
            &[
                ("schoolReference", &["schools"], &["schoolId"]),
                ("sessionReference", &["sessions"], &["schoolId", "schoolYear", "sessionName"]),
                ("courseReference", &["courses"], &["educationOrganizationId", "courseCode"]),
            ],
        ),
        "sections" => (
            &[
                "courseOfferingReference.localCourseCode",
                "courseOfferingReference.schoolId",
                "courseOfferingReference.schoolYear",
                "courseOfferingReference.sessionName",
                "sectionIdentifier",
            ],
            &[
                (
                    "courseOfferingReference",
                    &["courseOfferings"],
                    &["localCourseCode", "schoolId", "schoolYear", "sessionName"],
                ),
                ("classPeriods.classPeriodReference", &["classPeriods"], &["schoolId", "classPeriodName"]),
            ],
        ),
        "students" => (&["studentUniqueId"], &[]),
        "staffs" => (&["staffUniqueId"], &[]),
        "staffEducationOrganizationAssignmentAssociations" => (
            &["staffReference.staffUniqueId", "educationOrganizationReference.educationOrganizationId", "beginDate"],
            &[
                ("staffReference", &["staffs"], &["staffUniqueId"]),
                ("educationOrganizationReference", ORGANIZATIONS, &["educationOrganizationId"]),
            ],
        ),
        "studentSchoolAssociations" => (
            &["studentReference.studentUniqueId", "schoolReference.schoolId", "entryDate"],
            &[
                ("studentReference", &["students"], &["studentUniqueId"]),
                ("schoolReference", &["schools"], &["schoolId"]),
            ],
        ),
        "studentSectionAssociations" => (
            &[
                "studentReference.studentUniqueId",
                "sectionReference.sectionIdentifier",
                "sectionReference.schoolId",
                "beginDate",
            ],
            &[
                ("studentReference", &["students"], &["studentUniqueId"]),
                (
                    "sectionReference",
                    &["sections"],
                    &["localCourseCode", "schoolId", "schoolYear", "sessionName", "sectionIdentifier"],
                ),
            ],
        ),
        "credentials" => (
            &["credentialIdentifier"],
            &[(
                "studentAcademicRecords.studentAcademicRecordReference",
                &["studentAcademicRecords"],
                &["studentUniqueId"],
            )],
        ),
        "studentAcademicRecords" => (
            &["studentReference.studentUniqueId"],
            &[
                ("studentReference", &["students"] as &[_], &["studentUniqueId"] as &[_]),
                ("reportCards.reportCardReference", &["reportCards"], &["studentUniqueId", "gradingPeriodName"]),
            ],
        ),
        "reportCards" => (
            &["studentReference.studentUniqueId", "gradingPeriodReference.gradingPeriodName"],
            &[
                ("studentReference", &["students"] as &[_], &["studentUniqueId"] as &[_]),
                (
                    "studentCompetencyObjectives.studentCompetencyObjectiveReference",
                    &["studentCompetencyObjectives"],
                    &["studentUniqueId", "gradingPeriodName"],
                ),
            ],
        ),
        "studentCompetencyObjectives" => (
            &["studentReference.studentUniqueId", "gradingPeriodReference.gradingPeriodName"],
            &[
                ("studentReference", &["students"] as &[_], &["studentUniqueId"] as &[_]),
                (
                    "generalStudentProgramAssociations.generalStudentProgramAssociationReference",
                    &["studentSpecialEducationProgramAssociations"],
                    &["studentUniqueId"],
                ),
            ],
        ),
        "studentSpecialEducationProgramAssociations" => (
            &["studentReference.studentUniqueId"],
            &[
                ("studentReference", &["students"] as &[_], &["studentUniqueId"] as &[_]),
                ("serviceProviders.staffReference", &["staffs"], &["staffUniqueId"]),
            ],
        ),
        other => panic!("no rule for {other}"),
    };
    Rule { key, references }
}

/// Staffs refer to credentials only where the standard lets them.
pub(crate) fn rule_of(standard: &str, resource: &str) -> Rule {
    if standard == "ed-fi-6.0" && resource == "staffs" {
        return Rule {
            key: &["staffUniqueId"],
            references: &[("credentials.credentialReference", &["credentials"], &["credentialIdentifier"])],
        };
    }
    rule(resource)
}

/// All values at a path, through arrays.
pub(crate) fn values<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut at = vec![value];
    for name in path.split('.') {
        at = at
            .into_iter()
            .flat_map(|v| match v {
                Value::Array(items) => items.iter().filter_map(|i| i.get(name)).collect::<Vec<_>>(),
                other => other.get(name).into_iter().collect(),
            })
            .collect();
    }
    at
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |s| s.strip_suffix("T00:00:00").unwrap_or(s).to_owned())
}

/// A store that refuses what it cannot resolve.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) records: BTreeMap<(String, Vec<String>), Value>,
}

impl Store {
    pub(crate) fn put(&mut self, standard: &str, resource: &str, record: &Value) {
        let rule = rule_of(standard, resource);
        for (path, targets, members) in rule.references {
            for reference in values(record, path).into_iter().filter(|r| !r.is_null()) {
                let key: Vec<String> = members.iter().map(|m| text(&reference[*m])).collect();
                let found =
                    targets.iter().any(|target| self.records.contains_key(&((*target).to_owned(), key.clone())));
                assert!(found, "{resource} {path} {key:?} is refused");
            }
        }
        self.records.insert(identity(standard, resource, record), record.clone());
    }
}

/// What a record is stored under.
pub(crate) fn identity(standard: &str, resource: &str, record: &Value) -> (String, Vec<String>) {
    let key = rule_of(standard, resource).key.iter().map(|path| text(values(record, path)[0])).collect();
    (resource.to_owned(), key)
}

/// Sends all files in order, but for the records of a wave in the worst order that is allowed.
fn replay(standard: &str, arrangement: &Arrangement, files: &BTreeMap<String, Vec<u8>>) -> Store {
    let mut store = Store::default();
    let mut waves: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for file in &arrangement.files {
        waves.entry(file.wave).or_default().push(file);
    }
    let mut before = 0;
    for (wave, of_wave) in waves {
        assert!(wave > before);
        before = wave;
        for file in of_wave.iter().rev() {
            let mut records: Vec<Value> = String::from_utf8(files[&file.file].clone())
                .unwrap()
                .lines()
                .map(|l| serde_json::from_str(l).unwrap())
                .collect();
            assert_eq!(records.len() as u64, file.records);
            if !file.ordered {
                records.reverse();
            }
            for record in &records {
                store.put(standard, file.resource.endpoint(), record);
            }
        }
    }
    store
}

/// Every record of some files, by resource; the spelling of the name is that of the generator.
fn records(files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut all = Vec::new();
    for (name, bytes) in files {
        let mut plain = Vec::new();
        let bytes = if name.ends_with(".gz") {
            io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut plain).unwrap();
            plain
        } else {
            bytes.clone()
        };
        let text = String::from_utf8(bytes).unwrap();
        if name.ends_with(".json") {
            let items: Vec<Value> = serde_json::from_str(&text).unwrap();
            all.extend(items.iter().map(ToString::to_string));
        } else {
            let lines = text.lines().filter(|l| !l.trim().is_empty());
            all.extend(lines.map(|l| serde_json::from_str::<Value>(l).unwrap().to_string()));
        }
    }
    all.sort();
    all
}

#[test]
fn a_generated_folder_replays_in_one_pass() {
    for seed in 0..16 {
        let recipe = Recipe { seed, students: 200, mistakes: 0, circles: seed % 5, tricky: seed % 2 == 1 };
        let mut files = BTreeMap::new();
        let truth = generate(recipe, &mut files);
        let (arrangement, out) = arranged("ed-fi-5.0", &files);
        assert!(arrangement.is_whole() && arrangement.unreadable.is_empty());
        assert_eq!(arrangement.deferred.iter().map(|d| d.records).sum::<u64>(), truth.circles, "seed {seed}");
        // Escapes and other spellings of one key mean the same to a server, but not to this store.
        if !recipe.tricky {
            let store = replay("ed-fi-5.0", &arrangement, &out);
            let mut stored: Vec<String> = store.records.values().map(ToString::to_string).collect();
            stored.sort();
            assert_eq!(stored, records(&files), "seed {seed}");
        }
        let created: BTreeMap<String, Vec<u8>> = out
            .iter()
            .filter(|(name, _)| {
                let file = arrangement.files.iter().find(|f| f.file == **name).unwrap();
                file.operation == Operation::Create
            })
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect();
        assert_eq!(records(&created).len(), records(&files).len());
        let agencies: Vec<_> =
            arrangement.files.iter().filter(|f| f.resource.endpoint() == "localEducationAgencies").collect();
        assert_eq!(agencies.len(), if truth.circles > 0 { 2 } else { 1 });
        assert!(agencies[0].ordered);
    }
}

#[test]
fn records_are_copied_byte_for_byte() {
    let mut files = BTreeMap::new();
    generate(Recipe { seed: 5, students: 100, mistakes: 0, circles: 0, tricky: true }, &mut files);
    files.retain(|name, _| name.ends_with("jsonl"));
    let (_, out) = arranged("ed-fi-5.0", &files);
    let lines = |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
        let text = files.values().map(|b| String::from_utf8(b.clone()).unwrap() + "\n").collect::<String>();
        let mut lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&out), lines(&files));
}

/// Records of the resources that run in a circle in Data Standard 6, linked at random.
pub(crate) fn linked(seed: u64, people: u64, links: u64) -> BTreeMap<String, Vec<u8>> {
    let mut random = Random::new(seed);
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let period = serde_json::json!({"gradingPeriodName": "P1", "schoolId": 1, "schoolYear": 2026,
        "gradingPeriodDescriptor": "uri://ed-fi.org/GradingPeriodDescriptor#First"});
    let program = serde_json::json!({"programName": "S", "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#S", "educationOrganizationId": 1});
    let objective = serde_json::json!({"objective": "o", "educationOrganizationId": 1, "objectiveGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#A"});
    for i in 0..people {
        let id = format!("{i}");
        let some = |random: &mut Random| -> Vec<String> {
            let count = random.below(links + 1);
            (0..count).map(|_| random.below(people).to_string()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let student = serde_json::json!({"studentUniqueId": id});
        let organization = serde_json::json!({"educationOrganizationId": 1});
        let list = |ids: Vec<String>, name: &str, make: &dyn Fn(String) -> Value| -> Value {
            ids.into_iter().map(|id| serde_json::json!({ name: make(id) })).collect()
        };
        let state = "uri://ed-fi.org/StateAbbreviationDescriptor#TX";
        let records = [
            (
                "students",
                serde_json::json!({"studentUniqueId": id, "firstName": "a", "lastSurname": "b", "birthDate": "2010-01-01"}),
            ),
            (
                "credentials",
                serde_json::json!({"credentialIdentifier": id, "stateOfIssueStateAbbreviationDescriptor": state,
                "credentialTypeDescriptor": "uri://ed-fi.org/CredentialTypeDescriptor#X", "issuanceDate": "2020-01-01", "namespace": "uri://x",
                "studentAcademicRecords": list(some(&mut random), "studentAcademicRecordReference", &|id| serde_json::json!({
                    "studentUniqueId": id, "educationOrganizationId": 1, "schoolYear": 2026, "termDescriptor": "uri://ed-fi.org/TermDescriptor#F"}))}),
            ),
            (
                "staffs",
                serde_json::json!({"staffUniqueId": id, "firstName": "a", "lastSurname": "b",
                "credentials": list(some(&mut random), "credentialReference", &|id| serde_json::json!({
                    "credentialIdentifier": id, "stateOfIssueStateAbbreviationDescriptor": state}))}),
            ),
            (
                "studentSpecialEducationProgramAssociations",
                serde_json::json!({"studentReference": student, "educationOrganizationReference": organization,
                "programReference": program, "beginDate": "2025-08-01",
                "serviceProviders": list(some(&mut random), "staffReference", &|id| serde_json::json!({"staffUniqueId": id}))}),
            ),
            (
                "studentCompetencyObjectives",
                serde_json::json!({"studentReference": student, "gradingPeriodReference": period,
                "objectiveCompetencyObjectiveReference": objective, "competencyLevelDescriptor": "uri://ed-fi.org/CompetencyLevelDescriptor#X",
                "generalStudentProgramAssociations": list(some(&mut random), "generalStudentProgramAssociationReference", &|id| serde_json::json!({
                    "studentUniqueId": id, "educationOrganizationId": 1, "beginDate": "2025-08-01", "programName": "S",
                    "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#S", "programEducationOrganizationId": 1}))}),
            ),
            (
                "reportCards",
                serde_json::json!({"studentReference": student, "educationOrganizationReference": organization, "gradingPeriodReference": period,
                "studentCompetencyObjectives": list(some(&mut random), "studentCompetencyObjectiveReference", &|id| serde_json::json!({
                    "studentUniqueId": id, "gradingPeriodName": "P1", "gradingPeriodSchoolId": 1, "gradingPeriodSchoolYear": 2026,
                    "gradingPeriodDescriptor": "uri://ed-fi.org/GradingPeriodDescriptor#First", "objective": "o",
                    "objectiveEducationOrganizationId": 1, "objectiveGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#A"}))}),
            ),
            (
                "studentAcademicRecords",
                serde_json::json!({"studentReference": student, "educationOrganizationReference": organization,
                "schoolYearTypeReference": {"schoolYear": 2026}, "termDescriptor": "uri://ed-fi.org/TermDescriptor#F",
                "reportCards": list(some(&mut random), "reportCardReference", &|id| serde_json::json!({
                    "studentUniqueId": id, "educationOrganizationId": 1, "gradingPeriodName": "P1", "gradingPeriodSchoolId": 1,
                    "gradingPeriodSchoolYear": 2026, "gradingPeriodDescriptor": "uri://ed-fi.org/GradingPeriodDescriptor#First"}))}),
            ),
        ];
        for (resource, record) in records {
            let file = files.entry(format!("{resource}.jsonl")).or_default();
            file.extend_from_slice(format!("{record}\n").as_bytes());
        }
    }
    files
}

#[test]
fn a_circle_of_resources_is_ordered_record_by_record() {
    let mut deferrals = BTreeSet::new();
    for seed in 0..30 {
        let files = linked(seed, 3 + seed * 2, 1 + seed % 3);
        let (arrangement, out) = arranged("ed-fi-6.0", &files);
        assert!(arrangement.is_whole(), "{arrangement:?}");
        let store = replay("ed-fi-6.0", &arrangement, &out);
        let mut stored: Vec<String> = store.records.values().map(ToString::to_string).collect();
        stored.sort();
        assert_eq!(stored, records(&files), "seed {seed}");
        deferrals.insert(arrangement.deferred.iter().map(|d| d.records).sum::<u64>());
    }
    assert!(deferrals.len() > 3, "the seeds should make circles of all sizes: {deferrals:?}");
}

#[test]
fn a_circle_of_resources_that_no_record_uses_costs_nothing() {
    let mut files = linked(1, 4, 0);
    let (arrangement, _) = arranged("ed-fi-6.0", &files);
    assert_eq!(arrangement.deferred, []);
    assert_eq!(arrangement.files.iter().filter(|f| f.ordered).count(), 0);
    let waves = arrangement.files.iter().map(|f| f.wave).max();
    assert_eq!((arrangement.files.len(), waves), (7, Some(2)));
    // One agency that is its own parent.
    files.insert("localEducationAgencies.jsonl".into(), b"{\"localEducationAgencyId\":1,\"nameOfInstitution\":\"x\",\"categories\":[],\"localEducationAgencyCategoryDescriptor\":\"uri://x#y\",\"parentLocalEducationAgencyReference\":{\"localEducationAgencyId\":\"1\"}}".to_vec());
    let (arrangement, out) = arranged("ed-fi-6.0", &files);
    let agencies: Vec<&str> = arrangement
        .files
        .iter()
        .filter(|f| f.resource.endpoint() == "localEducationAgencies")
        .map(|f| std::str::from_utf8(&out[&f.file]).unwrap())
        .collect();
    assert_eq!(agencies.len(), 2);
    assert!(!agencies[0].contains("parent") && agencies[1].contains("parent"));
}

#[test]
fn the_same_files_whatever_the_order_of_input() {
    let files = linked(11, 30, 3);
    let (_, out) = arranged("ed-fi-6.0", &files);
    let (_, again) = arranged("ed-fi-6.0", &files);
    assert_eq!(out, again);
}

/// Of records of one key the last is what is left, in whatever circle they stand.
#[test]
fn a_second_pass_brings_no_earlier_record_back() {
    let (mut replaced, mut updated) = (0, 0);
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut below = |bound: u64| random.below(bound);
        let mut last: BTreeMap<u64, String> = BTreeMap::new();
        let mut text = String::new();
        for version in 0..8 {
            let (id, parent) = (below(4), below(5));
            let parent = match parent {
                4 => String::new(),
                parent => format!(",\"parentLearningStandardReference\":{{\"learningStandardId\":\"{parent}\"}}"),
            };
            let record = format!("{{\"learningStandardId\":\"{id}\",\"description\":\"{version}\"{parent}}}");
            text.push_str(&record);
            text.push('\n');
            replaced += usize::from(last.insert(id, record).is_some());
        }
        let files = BTreeMap::from([("learningStandards.jsonl".to_owned(), text.into_bytes())]);
        let (arrangement, out) = arranged("ed-fi-5.1", &files);
        let mut left: BTreeMap<u64, String> = BTreeMap::new();
        for file in &arrangement.files {
            updated += usize::from(file.operation == Operation::Update);
            for line in std::str::from_utf8(&out[&file.file]).unwrap().lines() {
                let record: Value = serde_json::from_str(line).unwrap();
                left.insert(record["learningStandardId"].as_str().unwrap().parse().unwrap(), line.to_owned());
            }
        }
        assert_eq!(left, last, "seed {seed}");
        let again = arrangement.files.iter().filter(|file| file.operation == Operation::Update).map(|f| f.records);
        assert_eq!(arrangement.deferred.iter().map(|d| d.records).sum::<u64>(), again.sum::<u64>(), "seed {seed}");
    }
    assert!(replaced > 200 && updated > 20, "{replaced} {updated}");
}

/// Sent at the same time, they would collide, or the first of them would be what is left.
#[test]
fn records_of_one_key_are_sent_one_after_another() {
    let student = |id: u8, name: &str| format!("{{\"studentUniqueId\":\"{id}\",\"firstSurname\":\"{name}\"}}\n");
    let agency = |id: u8| format!("{{\"localEducationAgencyId\":{id}}}\n");
    let of = |students: [u8; 2], agencies: [u8; 2]| {
        let students = students.map(|id| student(id, "A")).concat();
        let agencies = agencies.map(agency).concat();
        let files = [("students.jsonl", students), ("localEducationAgencies.jsonl", agencies)];
        let files = files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into();
        let (arrangement, _) = arranged("ed-fi-5.2", &files);
        arrangement.files.iter().map(|f| (f.resource.endpoint().to_owned(), f.ordered)).collect::<BTreeMap<_, _>>()
    };
    let expected = |students: bool, agencies: bool| {
        BTreeMap::from([("students".to_owned(), students), ("localEducationAgencies".to_owned(), agencies)])
    };
    assert_eq!(of([1, 2], [1, 2]), expected(false, false));
    assert_eq!(of([1, 1], [1, 2]), expected(true, false));
    assert_eq!(of([1, 2], [1, 1]), expected(false, true));
}

/// What a file of an arrangement holds, by operation.
fn lines_of<'o>(arrangement: &Arrangement, out: &'o BTreeMap<String, Vec<u8>>, operation: Operation) -> Vec<&'o str> {
    let files = arrangement.files.iter().filter(|file| file.operation == operation);
    files.flat_map(|file| std::str::from_utf8(&out[&file.file]).unwrap().split_terminator('\n')).collect()
}

#[test]
fn a_deferred_record_keeps_every_other_byte() {
    let long = "1234567890123456789012345678901234567890";
    let source = |item: &str| {
        format!("{{ \"derivativeSourceEducationContentReference\" : {{\"contentIdentifier\":\"{item}\"}}}}")
    };
    // One that refers to the other and to a third, and the other that only refers back.
    let start =
        format!("{{\"contentIdentifier\":\"A\",  \"\\u006eamespace\" : \"uri:\\/\\/é\\u00e9\", \"cost\":{long}.50e+0,");
    let end = format!(" \"version\" :{long},\"x\":{{\"b\" : 1 ,\"a\":[ ]}} }}");
    let third = source("C");
    let (first, back) = (source("B"), source("A"));
    let a = format!("{start}\t\"derivativeSourceEducationContents\": [ {first} ,  {third}],{end}");
    let b = format!(
        "{{ \"derivativeSourceEducationContents\": [ {back} ] ,  \"z\":{long} , \"contentIdentifier\" : \"B\"}}"
    );
    let c = "{\"contentIdentifier\":\"C\"}";
    let files =
        BTreeMap::from([("educationContents.jsonl".to_owned(), format!("{a}\r\n\r\n{b}\r\n{c}\r\n").into_bytes())]);
    let (arrangement, out) = arranged("ed-fi-5.2", &files);
    assert_eq!(arrangement.deferred.iter().map(|deferred| deferred.records).collect::<Vec<_>>(), [1]);
    let (created, updated) =
        (lines_of(&arrangement, &out, Operation::Create), lines_of(&arrangement, &out, Operation::Update));
    // Whichever goes without, the rest of it stays; an item left out is an item less, and a collection
    // left empty is none.
    let a_without = format!("{start}\t\"derivativeSourceEducationContents\": [ {third}],{end}");
    let b_without = format!("{{ \"z\":{long} , \"contentIdentifier\" : \"B\"}}");
    if updated == [a.as_str()] {
        assert_eq!(created, [c, a_without.as_str(), b.as_str()]);
    } else {
        assert_eq!(updated, [b.as_str()]);
        assert_eq!(created, [b_without.as_str(), c, a.as_str()]);
    }
}
