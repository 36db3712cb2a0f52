//! `check` finds exactly the mistakes that the generator made.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{Model, ResourceName};
use edfi_plan::records::{CheckOptions, CheckReport, Flaw, Folder, Namespaces, PayloadFile, ReadOptions, check, scan};
use edfi_plan::source;

use crate::common::standard;
use crate::payloads::{Mistake, Random, Recipe, Truth, generate};

pub(crate) fn folder(graph: &DependencyGraph, files: &BTreeMap<String, Vec<u8>>) -> Folder {
    let files = files.iter().map(|(name, bytes)| PayloadFile::from_bytes(name.as_str(), bytes.clone()));
    Folder::assign(graph, files.collect(), &Namespaces::default())
}

fn checked(files: &BTreeMap<String, Vec<u8>>, options: &CheckOptions, threads: usize) -> CheckReport {
    checked_by(&standard("ed-fi-5.0"), files, options, threads)
}

fn checked_by(
    graph: &DependencyGraph,
    files: &BTreeMap<String, Vec<u8>>,
    options: &CheckOptions,
    threads: usize,
) -> CheckReport {
    let folder = folder(graph, files);
    let read = ReadOptions { threads, ..ReadOptions::default() };
    check(&scan(graph, &folder, None, &read), &folder, options, &read)
}

pub(crate) const GRADE_LEVEL: &str = "$.entryGradeLevelDescriptor";

/// Lets the grade level of an enrollment mean a term as well, as the name of a property may.
pub(crate) fn ambiguous(model: &mut Model) {
    let references = model.resources.iter_mut().flat_map(|resource| &mut resource.references);
    let grade_level = references.filter(|reference| reference.path == GRADE_LEVEL);
    let term = || ResourceName::new("ed-fi", "termDescriptors");
    assert_eq!(grade_level.map(|reference| reference.alternatives.push(term())).count(), 1);
}

pub(crate) fn enrollment(grade_level: &str) -> String {
    format!(
        "{{\"studentReference\":{{\"studentUniqueId\":\"1\"}},\"schoolReference\":{{\"schoolId\":1}},\"entryDate\":\"2025-08-20\",\"entryGradeLevelDescriptor\":\"uri://x#{grade_level}\"}}\n"
    )
}

pub(crate) fn descriptor(code: &str) -> Vec<u8> {
    format!("{{\"namespace\":\"uri://x\",\"codeValue\":\"{code}\",\"shortDescription\":\"x\"}}\n").into_bytes()
}

fn one(name: &str, text: &str) -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([(name.to_owned(), text.as_bytes().to_vec())])
}

/// What a report says, in the terms of the generator.
fn as_truth(report: &CheckReport) -> Truth {
    let at = |p: &edfi_plan::records::Position, what: &str| -> Mistake { (p.file.clone(), p.line, what.to_owned()) };
    Truth {
        records: report.counts.records,
        references: report.counts.references,
        unresolved: report.unresolved.iter().map(|u| at(&u.position, &u.path)).collect(),
        duplicates: report
            .duplicates
            .iter()
            .map(|d| at(&d.position, if d.same { "same" } else { "differs" }))
            .collect(),
        descriptors: report.descriptors.iter().map(|d| at(&d.position, &d.path)).collect(),
        missing_fields: report.missing_fields.iter().map(|m| at(&m.position, &m.path)).collect(),
        conflicting: report.conflicting.iter().map(|c| at(&c.position, &c.paths.join(" "))).collect(),
        invalid: report.invalid.iter().map(|i| at(&i.position, i.flaw.code())).collect(),
        without_pathway: report
            .without_pathway
            .iter()
            .flat_map(|w| w.people.iter().map(|p| at(p, w.resource.as_str())))
            .collect(),
        circles: 0,
    }
}

#[test]
fn exactly_the_mistakes_that_were_made() {
    for seed in 0..40 {
        let tricky = seed % 4 != 0;
        let recipe = Recipe { seed, students: 150 + seed * 7, mistakes: 12 + seed, circles: seed % 3, tricky };
        let mut files = BTreeMap::new();
        let truth = generate(recipe, &mut files);
        let report = checked(&files, &CheckOptions::default(), 1 + usize::try_from(seed % 3).unwrap());
        assert_eq!(report.unmatched_files, [], "seed {seed}");
        assert_eq!(as_truth(&report), Truth { circles: 0, ..truth.clone() }, "seed {seed}");
        let counts = &report.counts;
        let lengths = [
            (counts.unresolved, truth.unresolved.len()),
            (counts.duplicates, truth.duplicates.len()),
            (counts.descriptors, truth.descriptors.len()),
            (counts.missing_fields, truth.missing_fields.len()),
            (counts.conflicting, truth.conflicting.len()),
            (counts.invalid, truth.invalid.len()),
            (counts.without_pathway, truth.without_pathway.len()),
        ];
        assert!(lengths.iter().all(|(count, length)| *count == *length as u64), "seed {seed}: {lengths:?}");
        assert!(report.findings() > 0);
    }
}

#[test]
fn nothing_in_a_folder_without_mistakes() {
    let mut files = BTreeMap::new();
    generate(Recipe { seed: 7, students: 400, mistakes: 0, circles: 2, tricky: true }, &mut files);
    let report = checked(&files, &CheckOptions::default(), 2);
    assert_eq!(report.findings(), 0);
    let assumed: Vec<(&str, bool)> =
        report.assumed.iter().filter(|a| !a.descriptor).map(|a| (a.resource.as_str(), a.external)).collect();
    assert_eq!(assumed, [("/ed-fi/schoolYearTypes", true)]);
}

#[test]
fn the_same_report_for_any_number_of_threads() {
    let mut files = BTreeMap::new();
    generate(Recipe { seed: 3, students: 3000, mistakes: 20, circles: 3, tricky: true }, &mut files);
    let reports: Vec<String> = [1, 2, 5]
        .map(|threads| serde_json::to_string(&checked(&files, &CheckOptions::default(), threads)).unwrap())
        .into();
    assert!(reports.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn max_shortens_lists_and_not_counts() {
    let mut files = BTreeMap::new();
    let truth = generate(Recipe { seed: 9, students: 500, mistakes: 5, circles: 0, tricky: false }, &mut files);
    let report = checked(&files, &CheckOptions { max: Some(3), ..CheckOptions::default() }, 2);
    assert_eq!(report.counts.unresolved, truth.unresolved.len() as u64);
    assert_eq!((report.unresolved.len(), report.invalid.len(), report.missing_targets.len()), (3, 3, 3));
    let first: BTreeSet<Mistake> = truth.unresolved.into_iter().take(3).collect();
    assert_eq!(as_truth(&report).unresolved, first);
}

#[test]
fn missing_targets_are_grouped_and_redacted() {
    let text = (0..7)
        .map(|i| {
            format!(
                "{{\"academicWeekReference\":1,\"schoolReference\":{{\"schoolId\":{}}},\"classPeriodName\":\"{i}\"}}\n",
                5 + i % 2
            )
        })
        .collect::<String>();
    let mut files = one("classPeriods.jsonl", &text);
    files.insert("schools.jsonl".into(), Vec::new());
    let report = checked(&files, &CheckOptions::default(), 2);
    let groups: Vec<(u64, String, u64)> =
        report.missing_targets.iter().map(|m| (m.references, m.key["schoolId"].to_string(), m.first.line)).collect();
    assert_eq!(groups, [(4, "5".to_owned(), 1), (3, "6".to_owned(), 2)]);
    let hidden = checked(&files, &CheckOptions { redact: true, ..CheckOptions::default() }, 2);
    assert_eq!(hidden.missing_targets[0].key["schoolId"], "***");
    assert!(hidden.unresolved.iter().all(|u| u.key["schoolId"] == "***"));
}

#[test]
fn what_one_record_misses_comes_in_the_same_order_each_time() {
    let period = |name: u64| format!("{{\"classPeriodReference\":{{\"classPeriodName\":\"{name}\",\"schoolId\":1}}}}");
    let periods: Vec<String> = [3, 1, 2, 5, 4].map(period).into();
    let section = format!("{{\"sectionIdentifier\":\"a\",\"classPeriods\":[{}]}}\n", periods.join(","));
    let mut files = one("sections.jsonl", &section);
    files.insert("classPeriods.jsonl".into(), Vec::new());
    for _ in 0..10 {
        let report = checked(&files, &CheckOptions::default(), 1);
        let names = report.missing_targets.iter().map(|m| m.key["classPeriodName"].as_str().unwrap().to_owned());
        assert_eq!(names.collect::<String>(), "12345");
    }
}

#[test]
fn an_absent_resource_is_assumed_and_one_subclass_makes_an_abstract_one_present() {
    let course = |id: u64| {
        format!(
            "{{\"courseCode\":\"A\",\"courseTitle\":\"A\",\"numberOfParts\":1,\"identificationCodes\":[],\"educationOrganizationReference\":{{\"educationOrganizationId\":{id}}}}}\n"
        )
    };
    let mut files = one("courses.jsonl", &(course(1) + &course(2)));
    let report = checked(&files, &CheckOptions::default(), 1);
    assert_eq!((report.findings(), report.counts.unresolved), (0, 0));
    assert_eq!((report.assumed[0].resource.as_str(), report.assumed[0].references), ("EducationOrganization", 2));
    let strict = checked(&files, &CheckOptions { strict: true, ..CheckOptions::default() }, 1);
    assert_eq!(strict.findings(), 1);
    let graph = standard("ed-fi-5.0");
    let external = graph.find_all("EducationOrganization").unwrap().into_iter().collect();
    let owned = checked(&files, &CheckOptions { strict: true, external, ..CheckOptions::default() }, 1);
    assert_eq!(owned.findings(), 0);

    let service = "{\"educationServiceCenterId\":\"1\",\"nameOfInstitution\":\"C\",\"categories\":[]}";
    files.insert("educationServiceCenters.json".into(), service.into());
    let report = checked(&files, &CheckOptions::default(), 1);
    assert_eq!(report.counts.unresolved, 1);
    assert_eq!(
        (report.unresolved[0].position.line, report.unresolved[0].target.as_str()),
        (2, "EducationOrganization")
    );
}

#[test]
fn descriptors_given_apart_only_supply() {
    let graph = standard("ed-fi-5.0");
    let enrollment = "{\"studentReference\":{\"studentUniqueId\":\"1\"},\"schoolReference\":{\"schoolId\":1},\"entryDate\":\"2025-08-20\",\"entryGradeLevelDescriptor\":\"uri://x#B\"}";
    let files = one("studentSchoolAssociations.jsonl", enrollment);
    let folder = folder(&graph, &files);
    let descriptors = self::folder(
        &graph,
        &one(
            "gradeLevelDescriptors.json",
            "[{\"namespace\":\"uri://x\",\"codeValue\":\"A\",\"shortDescription\":\"A\"}]",
        ),
    );
    let read = ReadOptions::default();
    let report = check(&scan(&graph, &folder, Some(&descriptors), &read), &folder, &CheckOptions::default(), &read);
    assert_eq!((report.counts.descriptors, report.counts.records, report.counts.files), (1, 1, 1));
    assert_eq!(report.descriptors[0].value, "uri://x#B");
    assert_eq!(report.descriptors[0].target, "/ed-fi/gradeLevelDescriptors");
}

#[test]
fn bad_files_are_reported_and_the_rest_is_checked() {
    let good = "{\"classPeriodName\":\"P\",\"schoolReference\":{\"schoolId\":1}}";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for i in 0..5000 {
        writeln!(
            gzip,
            "{{\"studentUniqueId\":\"{i}\",\"firstName\":\"a{i}\",\"lastSurname\":\"b\",\"birthDate\":\"2012-01-01\"}}"
        )
        .unwrap();
    }
    let mut cut = gzip.finish().unwrap();
    cut.truncate(cut.len() / 2);
    let files: BTreeMap<String, Vec<u8>> = [
        ("classPeriods/invalid.jsonl", format!("{good}\n{{\"a\":\"\u{0}\"}}\n\n{{\"a\":1,\"a\":2,{}\r\n", &good[1..].replace('P', "Q")).into_bytes()),
        ("classPeriods/latin1.jsonl", [b"{\"classPeriodName\":\"\xe9\"}\n".as_slice(), good.replace('P', "R").as_bytes()].concat()),
        ("classPeriods/large.jsonl", format!("{{\"n\":123456789012345678901234567890,{}", &good[1..].replace('P', "S")).into_bytes()),
        ("classPeriods/cut.json", format!("[{},\n {{\"classPeriodName\":\"T\"", good.replace('P', "U")).into_bytes()),
        ("classPeriods/comma.json", format!("[{}\n{},]", good.replace('P', "V"), good.replace('P', "W")).into_bytes()),
        ("classPeriods/empty.json", Vec::new()),
        ("students.jsonl.gz", cut),
        ("unknownThings.jsonl", good.into()),
        ("schools.json", b"\xef\xbb\xbf{\n \"schoolId\": 1,\n \"nameOfInstitution\": \"x\",\n \"educationOrganizationCategories\": [],\n \"gradeLevels\": []\n}\n".to_vec()),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into();
    let report = checked(&files, &CheckOptions::default(), 2);
    let invalid: Vec<(String, Flaw)> =
        report.invalid.iter().map(|i| (format!("{}:{}", i.position.file, i.position.line), i.flaw)).collect();
    let (gzipped, plain): (Vec<_>, Vec<_>) = invalid.into_iter().partition(|(file, _)| file.contains(".gz"));
    let expected = [
        ("classPeriods/comma.json:2", Flaw::Syntax),
        ("classPeriods/comma.json:2", Flaw::Syntax),
        ("classPeriods/cut.json:2", Flaw::CutOff),
        ("classPeriods/cut.json:2", Flaw::CutOff),
        ("classPeriods/invalid.jsonl:2", Flaw::Control),
        ("classPeriods/invalid.jsonl:4", Flaw::DuplicateMember),
        ("classPeriods/large.jsonl:1", Flaw::NumberTooLarge),
        ("classPeriods/latin1.jsonl:1", Flaw::Encoding),
    ];
    assert_eq!(plain, expected.map(|(at, flaw)| (at.to_owned(), flaw)));
    assert!(gzipped.iter().any(|(_, flaw)| *flaw == Flaw::Gzip), "{gzipped:?}");
    assert!(report.counts.records > 2000, "{:?}", report.counts);
    assert_eq!(report.unmatched_files.len(), 1);
    assert_eq!((report.counts.unresolved, report.counts.duplicates), (0, 0));
}

#[test]
fn a_record_beyond_the_limit_is_passed_over() {
    let graph = standard("ed-fi-5.0");
    let record = |name: &str, filler: usize| {
        format!(
            "{{\"classPeriodName\":\"{name}\",\"schoolReference\":{{\"schoolId\":1}},\"x\":\"{}\"}}",
            "y".repeat(filler)
        )
    };
    for (name, text) in [
        ("classPeriods.jsonl", format!("{}\n{}\n{}\n", record("a", 5), record("b", 3_000_000), record("c", 5))),
        ("classPeriods.json", format!("[{},\n{},\n{}]", record("a", 5), record("b", 3_000_000), record("c", 5))),
    ] {
        let folder = folder(&graph, &one(name, &text));
        let read = ReadOptions { max_record: 1_000_000, ..ReadOptions::default() };
        let report = check(&scan(&graph, &folder, None, &read), &folder, &CheckOptions::default(), &read);
        let invalid: Vec<(u64, Flaw)> = report.invalid.iter().map(|i| (i.position.line, i.flaw)).collect();
        assert_eq!((report.counts.records, invalid), (2, vec![(2, Flaw::TooLong)]), "{name}");
    }
}

#[test]
fn incomplete_references_and_keys() {
    let text = concat!(
        "{\"classPeriodName\":\"a\",\"schoolReference\":{}}\n",
        "{\"classPeriodName\":\"b\"}\n",
        "{\"classPeriodName\":\"c\",\"schoolReference\":{\"schoolId\":\"one\"}}\n",
        "{\"classPeriodName\":true,\"schoolReference\":{\"schoolId\":1}}\n",
        "{\"classPeriodName\":\"d\",\"schoolReference\":5}\n",
        "{\"classPeriodName\":\"e\",\"schoolReference\":{\"schoolId\":1},\"meetingTimes\":[{\"endTime\":\"09:00:00\"},{\"startTime\":true,\"endTime\":\"09:00\"}]}\n",
    );
    let mut files = one("classPeriods.jsonl", text);
    files.insert(
        "schools.jsonl".into(),
        b"{\"schoolId\":1,\"nameOfInstitution\":\"x\",\"educationOrganizationCategories\":[],\"gradeLevels\":[]}"
            .to_vec(),
    );
    let report = checked(&files, &CheckOptions::default(), 1);
    let found: Vec<(u64, &str, bool)> =
        report.missing_fields.iter().map(|m| (m.position.line, m.path.as_str(), m.wrong_type)).collect();
    assert_eq!(
        found,
        [
            (1, "$.schoolReference.schoolId", false),
            (2, "$.schoolReference", false),
            (3, "$.schoolReference.schoolId", true),
            (4, "$.classPeriodName", true),
            (5, "$.schoolReference", true),
            (6, "$.meetingTimes[0].startTime", false),
            (6, "$.meetingTimes[1].startTime", true),
        ]
    );
    assert_eq!(report.counts.unresolved, 0);
}

#[test]
fn one_identity_in_two_subclasses() {
    let agency = |id: &str| {
        format!(
            "{{\"localEducationAgencyId\":{id},\"nameOfInstitution\":\"a\",\"categories\":[],\"localEducationAgencyCategoryDescriptor\":\"uri://x#y\"}}\n"
        )
    };
    let school = |id: u64| {
        format!(
            "{{\"schoolId\":{id},\"nameOfInstitution\":\"x\",\"educationOrganizationCategories\":[],\"gradeLevels\":[]}}\n"
        )
    };
    let mut files = one("schools.jsonl", &(school(1) + &school(2) + &school(3)));
    files.insert("localEducationAgencies.jsonl".into(), (agency("4") + &agency("\"2\"") + &agency("5")).into_bytes());
    let report = checked(&files, &CheckOptions::default(), 2);
    let shared = &report.shared_identities[0];
    assert_eq!((report.counts.shared_identities, report.findings(), report.counts.duplicates), (1, 1, 0));
    assert_eq!((shared.record.resource.as_str(), shared.record.position.line), ("/ed-fi/schools", 2));
    assert_eq!((shared.first.resource.as_str(), shared.first.position.line), ("/ed-fi/localEducationAgencies", 2));
    assert_eq!(
        (shared.superclass.as_str(), &shared.key["educationOrganizationId"]),
        ("EducationOrganization", &2.into())
    );
    let hidden = checked(&files, &CheckOptions { redact: true, ..CheckOptions::default() }, 2);
    assert_eq!(hidden.shared_identities[0].key["educationOrganizationId"], "***");
}

/// What has been learned of one record must not make the next one valid.
#[test]
fn damaged_records_are_refused_as_serde_json_refuses_them() {
    let mut folder = BTreeMap::new();
    generate(Recipe { seed: 4, students: 60, mistakes: 0, circles: 0, tricky: false }, &mut folder);
    let mut random = Random::new(5);
    let damage = *b"\"\\{}[],: 0-.eu\x01\xc3tnx";
    let mut refused = 0;
    for (name, bytes) in folder {
        let mut text = Vec::new();
        let mut expected = Vec::new();
        for (number, line) in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
            let mut record = line.to_vec();
            for _ in 0..random.below(3) {
                let at = usize::try_from(random.below(record.len() as u64)).unwrap();
                let byte = damage[usize::try_from(random.below(damage.len() as u64)).unwrap()];
                match random.below(4) {
                    0 => record[at] = byte,
                    1 => record.insert(at, byte),
                    2 => drop(record.remove(at)),
                    _ => record.truncate(at.max(1)),
                }
            }
            let valid = std::str::from_utf8(&record).is_ok_and(|text| {
                serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() && text.trim().starts_with('{')
            });
            if !valid && !record.trim_ascii().is_empty() {
                expected.push(number as u64 * 2 + 2);
            }
            // Before each its whole form, for the next one to be taken for the same.
            text.extend_from_slice(line);
            text.push(b'\n');
            text.append(&mut record);
            text.push(b'\n');
        }
        let report = checked(&BTreeMap::from([(name.clone(), text)]), &CheckOptions::default(), 1);
        let readable = [Flaw::DuplicateMember, Flaw::NumberTooLarge];
        let found: Vec<u64> =
            report.invalid.iter().filter(|i| !readable.contains(&i.flaw)).map(|i| i.position.line).collect();
        assert_eq!(found, expected, "{name}");
        refused += found.len();
    }
    assert!(refused > 200, "{refused}");
}

/// Members that come and go, in one order and in any.
#[test]
fn what_was_learned_of_other_records_changes_nothing() {
    let members = [
        "\"classPeriodName\":\"@\"",
        "\"officialAttendancePeriod\" : true",
        "\"schoolReference\": {\"schoolId\":1, \"link\":{\"rel\":\"School\",\"href\":\"/ed-fi/schools/0123456789abcdef\"}}",
        "\"meetingTimes\":[{\"endTime\":\"09:00:00\",\"startTime\":\"08:00:00\"}]",
        "\"notRead\":{\"a\":[1,{\"b\":null}],\"c\":\"a text that is long enough to be remembered\"}",
        "\"x\":12345678901234567890",
    ];
    let mut random = Random::new(1);
    let (mut text, mut without_name, mut without_school, mut twice) =
        (String::new(), Vec::new(), Vec::new(), Vec::new());
    for line in 1..=600 {
        let mut chosen: Vec<usize> = (0..members.len()).filter(|_| !random.one_in(4)).collect();
        if random.one_in(5) && chosen.len() > 1 {
            let (a, b) = (random.below(chosen.len() as u64), random.below(chosen.len() as u64));
            chosen.swap(usize::try_from(a).unwrap(), usize::try_from(b).unwrap());
        }
        if !chosen.contains(&0) {
            without_name.push(line);
        }
        if !chosen.contains(&2) {
            without_school.push(line);
        }
        if random.one_in(7) && !chosen.is_empty() {
            chosen.push(chosen[0]);
            twice.push(line);
        }
        let chosen: Vec<String> = chosen.iter().map(|at| members[*at].replace('@', &line.to_string())).collect();
        text.push_str(&format!("{{{}}}\n", chosen.join(",")));
    }
    let mut files = one("classPeriods.jsonl", &text);
    files.insert("schools.jsonl".into(), Vec::new());
    let report = checked(&files, &CheckOptions::default(), 1);
    let lines = |path: &str| -> Vec<u64> {
        report.missing_fields.iter().filter(|m| m.path == path).map(|m| m.position.line).collect()
    };
    assert_eq!(lines("$.classPeriodName"), without_name);
    assert_eq!(lines("$.schoolReference"), without_school);
    let found: Vec<u64> = report.invalid.iter().map(|i| i.position.line).collect();
    assert_eq!(found, twice);
    assert!(report.invalid.iter().all(|i| i.flaw == Flaw::DuplicateMember));
    let mut unresolved: Vec<u64> = report.unresolved.iter().map(|u| u.position.line).collect();
    unresolved.dedup();
    let referring: Vec<u64> = (1..=600).filter(|line| !without_school.contains(line)).collect();
    assert_eq!(unresolved, referring);
}

#[test]
fn what_could_not_be_read_is_not_simply_missing() {
    let mut files = one("schools.jsonl", "{\"schoolId\":1}\n{\"schoolId\":2\n");
    let period =
        |school: &str| format!("{{\"classPeriodName\":\"{school}\",\"schoolReference\":{{\"schoolId\":{school}}}}}\n");
    files.insert("classPeriods.jsonl".into(), (period("1") + &period("2")).into_bytes());
    files.insert("students.jsonl".into(), b"{\"studentUniqueId\":\"1\"}\n".to_vec());
    let enrollment = "{\"entryDate\":\"2026-01-01\",\"schoolReference\":{\"schoolId\":1},\"studentReference\":{\"studentUniqueId\":\"9\"}}\n";
    files.insert("studentSchoolAssociations.jsonl".into(), enrollment.into());
    let seen = |report: &CheckReport| {
        let of = |u: &edfi_plan::records::UnresolvedReference| (u.position.file.clone(), u.may_be_unread);
        report.unresolved.iter().map(of).collect::<Vec<_>>()
    };
    let report = checked(&files, &CheckOptions::default(), 2);
    let (periods, enrollments) = ("classPeriods.jsonl".to_owned(), "studentSchoolAssociations.jsonl".to_owned());
    assert_eq!(seen(&report), [(periods.clone(), true), (enrollments.clone(), false)]);
    assert_eq!((report.counts.unresolved, report.counts.may_be_unread), (2, 1));
    let missing = report.missing_targets.iter().map(|m| (m.target.as_str(), m.may_be_unread));
    assert_eq!(missing.collect::<Vec<_>>(), [("/ed-fi/schools", true), ("/ed-fi/students", false)]);
    assert!(!report.without_pathway[0].may_be_unread);

    // Mended, nothing is in doubt; of a file that cannot be opened everything is.
    files.insert("schools.jsonl".into(), b"{\"schoolId\":1}\n{\"schoolId\":3}\n".to_vec());
    assert_eq!(
        seen(&checked(&files, &CheckOptions::default(), 2)),
        [(periods.clone(), false), (enrollments.clone(), false)]
    );
    let graph = standard("ed-fi-5.0");
    let mut payloads: Vec<PayloadFile> =
        files.iter().map(|(name, bytes)| PayloadFile::from_bytes(name.as_str(), bytes.clone())).collect();
    for payload in payloads.iter_mut().filter(|payload| payload.name == "students.jsonl") {
        payload.open = Box::new(|| Err(std::io::ErrorKind::PermissionDenied.into()));
    }
    let folder = Folder::assign(&graph, payloads, &Namespaces::default());
    let read = ReadOptions::default();
    let report = check(&scan(&graph, &folder, None, &read), &folder, &CheckOptions::default(), &read);
    assert_eq!(seen(&report), [(periods, false), (enrollments, true)]);
}

#[test]
fn a_descriptor_that_a_property_only_may_mean_proves_nothing() {
    let mut model = source::standard("ed-fi-5.0").unwrap();
    ambiguous(&mut model);
    let graph = DependencyGraph::build(model).unwrap();
    let on = |day: &str, grade_level: &str| enrollment(grade_level).replace("08-20", day);
    let associations = on("08-20", "Fall") + &on("08-21", "Ninth") + &on("08-22", "Tenth");
    let mut files = one("studentSchoolAssociations.jsonl", &associations);
    let options = CheckOptions::default();
    let assumed = |report: &CheckReport| -> Vec<(String, u64)> {
        let of_grades = report.assumed.iter().filter(|a| a.resource == "/ed-fi/gradeLevelDescriptors");
        of_grades.map(|a| (a.resource.to_string(), a.references)).collect()
    };
    // With the file of either alone, what is not in it may be of the other.
    files.insert("termDescriptors.jsonl".into(), descriptor("Fall"));
    let report = checked_by(&graph, &files, &options, 2);
    assert_eq!((report.counts.descriptors, report.findings()), (0, 0));
    assert_eq!(assumed(&report), [("/ed-fi/gradeLevelDescriptors".to_owned(), 2)]);
    files.insert("gradeLevelDescriptors.jsonl".into(), descriptor("Ninth"));
    let report = checked_by(&graph, &files, &options, 2);
    assert_eq!((report.counts.descriptors, assumed(&report)), (1, vec![]));
    assert_eq!(report.descriptors[0].position.line, 3);
    files.remove("termDescriptors.jsonl");
    let report = checked_by(&graph, &files, &options, 2);
    assert_eq!((report.counts.descriptors, assumed(&report)[0].1), (0, 2));
}

#[test]
fn files_that_cannot_be_compared_are_not_called_missing() {
    let mut model = source::standard("ed-fi-5.0").unwrap();
    let organization = model.abstracts.iter_mut().find(|a| a.entity == "EducationOrganization").unwrap();
    organization.key.clear();
    let graph = DependencyGraph::build(model).unwrap();
    let course = "{\"courseCode\":\"A\",\"courseTitle\":\"A\",\"numberOfParts\":1,\"identificationCodes\":[],\"educationOrganizationReference\":{\"educationOrganizationId\":1}}\n";
    let mut files = one("courses.jsonl", course);
    let told = |files: &_| {
        let report = checked_by(&graph, files, &CheckOptions::default(), 1);
        assert_eq!((report.findings(), report.assumed.len()), (0, 1));
        (report.assumed[0].has_files, edfi_plan::render::text::check(&report, edfi_plan::render::text::Width(80)))
    };
    let (has_files, text) = told(&files);
    assert!(!has_files && text.contains("Assumed  without a file: EducationOrganization (1)"), "{text}");
    files.insert("schools.jsonl".into(), SCHOOL.into());
    let (has_files, text) = told(&files);
    assert!(has_files && text.contains("Assumed  to be in the files, for the metadata tells no key"), "{text}");
    assert!(!text.contains("without a file"), "{text}");
}

const SCHOOL: &str =
    "{\"schoolId\":1,\"nameOfInstitution\":\"x\",\"educationOrganizationCategories\":[],\"gradeLevels\":[]}\n";

#[test]
fn half_a_character_is_said_and_the_record_read_all_the_same() {
    let school = SCHOOL.replace("\"x\"", "\"x\\ud83d\"");
    let mut files = one("schools.jsonl", &(school.clone() + &school + &school.replace("x\\", "y\\")));
    let period = |id: u32| {
        format!(
            "{{\"classPeriodName\":\"{id}\",\"schoolReference\":{{\"schoolId\":{id},\"link\":{{\"rel\":\"\\udc00\"}}}}}}\n"
        )
    };
    files.insert("classPeriods.jsonl".into(), (period(1) + &period(77)).into_bytes());
    let report = checked(&files, &CheckOptions::default(), 1);
    let flaws: Vec<_> =
        report.invalid.iter().map(|i| (i.position.file.as_str(), i.position.line, i.flaw.code())).collect();
    let lone = |file, lines: std::ops::RangeInclusive<u64>| lines.map(move |line| (file, line, "lone-surrogate"));
    assert_eq!(flaws, lone("classPeriods.jsonl", 1..=2).chain(lone("schools.jsonl", 1..=3)).collect::<Vec<_>>());
    let same: Vec<(u64, bool)> = report.duplicates.iter().map(|d| (d.position.line, d.same)).collect();
    assert_eq!(same, [(2, true), (3, false)]);
    assert_eq!(report.unresolved.iter().map(|u| u.key["schoolId"].clone()).collect::<Vec<_>>(), [77]);
}

#[test]
fn each_kind_of_finding_is_shown_as_far_as_max() {
    // The first lacks fields, the last contradicts itself.
    let session = "{\"sessionName\":\"A\",\"schoolReference\":{\"schoolId\":1}}\n";
    let offering = "{\"localCourseCode\":\"A\",\"courseReference\":{\"courseCode\":\"A\",\"educationOrganizationId\":1},\"schoolReference\":{\"schoolId\":1},\"sessionReference\":{\"schoolId\":2,\"schoolYear\":2025,\"sessionName\":\"Fall\"}}\n";
    for (first, second) in
        [("a/sessions.jsonl", "b/courseOfferings.jsonl"), ("b/sessions.jsonl", "a/courseOfferings.jsonl")]
    {
        let files = BTreeMap::from([
            (first.to_owned(), session.repeat(2).into_bytes()),
            (second.to_owned(), offering.repeat(2).into_bytes()),
        ]);
        let report = checked(&files, &CheckOptions { max: Some(1), ..CheckOptions::default() }, 2);
        assert!(report.counts.missing_fields > 2 && report.counts.conflicting == 2, "{:?}", report.counts);
        assert_eq!((report.missing_fields.len(), report.conflicting.len()), (1, 1));
        assert_eq!((report.missing_fields[0].position.line, report.conflicting[0].position.line), (1, 1));
    }
}

#[test]
fn a_contact_is_seen_through_a_student_that_is() {
    let contact = |id: &str| format!("{{\"contactUniqueId\":\"{id}\",\"firstName\":\"A\",\"lastSurname\":\"B\"}}\n");
    let student = |id: &str| {
        format!(
            "{{\"studentUniqueId\":\"{id}\",\"firstName\":\"A\",\"lastSurname\":\"B\",\"birthDate\":\"2010-01-01\"}}\n"
        )
    };
    let link = |contact: &str, student: &str| {
        format!(
            "{{\"contactReference\":{{\"contactUniqueId\":\"{contact}\"}},\"studentReference\":{{\"studentUniqueId\":\"{student}\"}}}}\n"
        )
    };
    let mut files = BTreeMap::from([
        ("contacts.jsonl".to_owned(), (contact("seen") + &contact("hidden") + &contact("alone")).into_bytes()),
        ("students.jsonl".to_owned(), (student("1") + &student("2")).into_bytes()),
        (
            "studentContactAssociations.jsonl".to_owned(),
            (link("seen", "1") + &link("seen", "2") + &link("hidden", "2")).into_bytes(),
        ),
    ]);
    /// Whose, without which associations, through whom, how many and on which lines.
    type Told = (String, Vec<String>, Vec<String>, u64, Vec<u64>);
    let told = |files: &_| -> Vec<Told> {
        let report = checked(files, &CheckOptions { strict: true, ..CheckOptions::default() }, 2);
        let names = |names: &[ResourceName]| names.iter().map(|name| name.endpoint().to_owned()).collect();
        let of = |w: &edfi_plan::records::WithoutPathway| {
            let lines = w.people.iter().map(|p| p.line).collect();
            (w.resource.endpoint().to_owned(), names(&w.associations), names(&w.through), w.records, lines)
        };
        assert_eq!(report.counts.without_pathway, report.without_pathway.iter().map(|w| w.records).sum::<u64>());
        report.without_pathway.iter().map(of).collect()
    };
    let group = |person: &str, association: &str, through: &[&str], count: u64, lines: &[u64]| {
        let through: Vec<String> = through.iter().map(|t| (*t).to_owned()).collect();
        (person.to_owned(), vec![association.to_owned()], through, count, lines.to_vec())
    };
    let alone = group("contacts", "studentContactAssociations", &[], 1, &[3]);
    // Without a file of enrollments nobody is seen; whom that concerns is counted.
    assert_eq!(
        told(&files),
        [
            alone.clone(),
            group("contacts", "studentSchoolAssociations", &["students"], 2, &[]),
            group("students", "studentSchoolAssociations", &[], 2, &[]),
        ]
    );
    files.insert("studentSchoolAssociations.jsonl".into(), enrollment("Ninth").into_bytes());
    assert_eq!(
        told(&files),
        [
            alone.clone(),
            group("contacts", "studentSchoolAssociations", &["students"], 1, &[2]),
            group("students", "studentSchoolAssociations", &[], 1, &[2]),
        ]
    );
    // Students that are in no file are not known to be hidden.
    files.remove("students.jsonl");
    assert_eq!(told(&files), [alone]);
}
