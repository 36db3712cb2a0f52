//! Deletes of records of a folder: targets that it does not hold, items of required collections, and what is
//! odd about the records on the way.

use std::collections::BTreeMap;

use edfi_plan::graph::Authorization;
use edfi_plan::plan::delete::records::{DescribedPlan, RecordDeleteOptions, record_delete_plan};
use edfi_plan::plan::delete::{Becomes, DeleteOperation, Optional, key_change};
use edfi_plan::records::{FolderStore, KeyValues, ReadOptions, RecordOf, RecordStore, wanted_keys};
use edfi_plan::render::{json, text};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{lines, standard};
use crate::payloads::Random;
use crate::records_check::folder;

type Files = BTreeMap<String, Vec<u8>>;

/// A plan for one key, which the folder may not hold, with its text.
fn planned(files: &Files, name: &str, key: Value, optional: Optional) -> (DescribedPlan, String) {
    let graph = standard("ed-fi-5.1");
    let (folder, read) = (folder(&graph, files), ReadOptions::default());
    let mut store = FolderStore::new(&graph, &folder, &read);
    let key: KeyValues = key.as_object().unwrap().iter().map(|(n, v)| (n.into(), v.clone())).collect();
    let wanted = wanted_keys(&graph, graph.find(name).unwrap(), &[key]).unwrap();
    let (resource, keys) = &wanted[0];
    let found = store.matching(*resource, keys).unwrap().found;
    let mut targets: Vec<_> = found.into_iter().map(|(_, record)| RecordOf { resource: *resource, record }).collect();
    if targets.is_empty() {
        targets.extend(store.outside(*resource, &keys[0]));
    }
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let options = RecordDeleteOptions { optional, authorization, max: None };
    let plan = record_delete_plan(&graph, &mut store, targets, &options).unwrap();
    let described = plan.describe(&graph, &mut store, false).unwrap();
    // What is made while it is written is what is held.
    let stored = plan.descriptions(&mut store).unwrap();
    let records = json::pretty(&json::Each(|| plan.described_records(&graph, stored.as_ref(), false)));
    assert_eq!(records, json::pretty(&described.records));
    (described, text::record_plan(&graph, &plan, &[], text::Width(80)))
}

/// `wave operation resource` of every record, and what goes by its clears.
fn steps(plan: &DescribedPlan) -> Vec<String> {
    let step = |record: &edfi_plan::plan::delete::records::DescribedRecord| {
        let goes: Vec<&str> = record.clears.iter().flat_map(|c| &c.goes).map(String::as_str).collect();
        let step = format!("{} {} {}", record.wave, record.operation.name(), record.resource.short());
        if goes.is_empty() { step } else { format!("{step} {}", goes.join(" ")) }
    };
    plan.records.iter().map(step).collect()
}

fn codes(plan: &DescribedPlan) -> Vec<&str> {
    plan.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

const GRADE: &str = "uri://ed-fi.org/GradeLevelDescriptor";

fn school(id: u64, grades: &[&str]) -> Value {
    let grades: Vec<Value> = grades.iter().map(|g| json!({"gradeLevelDescriptor": format!("{GRADE}#{g}")})).collect();
    json!({"schoolId": id, "gradeLevels": grades})
}

#[test]
fn a_target_that_no_file_holds_goes_last() {
    let session = json!({"sessionName": "Fall", "schoolReference": {"schoolId": 1},
        "schoolYearTypeReference": {"schoolYear": 2026}});
    let offering = json!({"localCourseCode": "A", "schoolReference": {"schoolId": 1},
        "sessionReference": {"schoolId": 1, "schoolYear": 2026, "sessionName": "Fall"}});
    let files = Files::from([
        ("sessions.jsonl".to_owned(), lines([session])),
        ("courseOfferings.jsonl".to_owned(), lines([offering])),
    ]);
    // As the command line gives it: a number as text.
    let (plan, text) = planned(&files, "schoolYearTypes", json!({"schoolYear": "2026"}), Optional::Clear);
    assert_eq!(steps(&plan), ["1 delete courseOfferings", "2 delete sessions", "3 delete schoolYearTypes"]);
    let last = serde_json::to_value(&plan.records[2]).unwrap();
    assert_eq!((&last["notInFolder"], &last["key"]), (&json!(true), &json!({"schoolYear": 2026})));
    assert!(last.get("file").is_none() && plan.complete);
    assert_eq!(codes(&plan), ["host-reference-data", "not-in-folder"]);
    assert!(text.contains("1 of the targets is in no file here"), "{text}");
    // A plan that was written is read back.
    let again: edfi_plan::plan::delete::records::DescribedRecord = serde_json::from_value(last).unwrap();
    assert_eq!(again, plan.records[2]);
    // Where nothing refers to it there is nothing to say that it exists.
    let (plan, text) = planned(&files, "schoolYearTypes", json!({"schoolYear": 2027}), Optional::Clear);
    assert!(plan.records.is_empty() && plan.warnings.is_empty() && text.starts_with("Nothing to delete."), "{text}");
    // A key in part could be that of many.
    let (plan, _) = planned(&files, "courses", json!({"courseCode": "A"}), Optional::Clear);
    assert!(plan.records.is_empty());
}

#[test]
fn a_descriptor_is_given_by_its_uri_or_its_parts() {
    let files = Files::from([("schools.jsonl".to_owned(), lines([school(1, &["First grade", "Second #2"])]))]);
    for key in [
        json!({"uri": format!("{}#FIRST grade", GRADE.to_uppercase())}),
        json!({"namespace": GRADE, "codeValue": "First grade"}),
        json!({"uri": format!("{GRADE}#Second #2")}),
    ] {
        let (plan, _) = planned(&files, "gradeLevelDescriptors", key, Optional::Delete);
        assert_eq!(steps(&plan), ["1 delete schools", "2 delete gradeLevelDescriptors"]);
    }
    let graph = standard("ed-fi-5.1");
    for wrong in [json!({"uri": "First grade"}), json!({"uri": "a#b", "codeValue": "b"}), json!({"uri": 1})] {
        let key: KeyValues = wrong.as_object().unwrap().iter().map(|(n, v)| (n.into(), v.clone())).collect();
        let error = wanted_keys(&graph, graph.find("gradeLevelDescriptors").unwrap(), &[key]).unwrap_err();
        assert!(error.to_string().starts_with("gradeLevelDescriptors uri: give it whole"), "{error}");
    }
}

#[test]
fn an_item_of_a_required_collection_goes_while_others_stay() {
    let bell = json!({"bellScheduleName": "B", "schoolReference": {"schoolId": 1},
        "gradeLevels": [{"gradeLevelDescriptor": format!("{GRADE}#A")}]});
    let files = Files::from([
        ("schools.jsonl".to_owned(), lines([school(1, &["B", "A"]), school(2, &["A"]), school(3, &["A", "a"])])),
        ("bellSchedules.jsonl".to_owned(), lines([bell])),
    ]);
    let key = json!({"uri": format!("{GRADE}#A")});
    let (plan, text) = planned(&files, "gradeLevelDescriptors", key.clone(), Optional::Clear);
    let expected = [
        // Optional here, and left out altogether.
        "1 clear bellSchedules $.gradeLevels",
        "1 clear schools $.gradeLevels[1]",
        // The last one, and both of two that are one value.
        "1 delete schools",
        "1 delete schools",
        "2 delete gradeLevelDescriptors",
    ];
    assert_eq!(steps(&plan), expected);
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("not deleted; with the reference goes the item of $.gradeLevels;"), "{text}");
    assert!(flat.contains("not deleted; with the reference goes the whole of $.gradeLevels;"), "{text}");
    let (plan, _) = planned(&files, "gradeLevelDescriptors", key, Optional::Delete);
    assert!(plan.records.iter().all(|record| record.operation == DeleteOperation::Delete));
    assert_eq!(plan.records.len(), 5);
}

proptest! {
    #[test]
    fn required_collections_are_never_left_empty(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        const GRADES: [&str; 4] = ["A", "B", "C", "D"];
        let schools: Vec<Vec<&str>> = (0..6)
            .map(|_| (0..1 + random.below(3)).map(|_| GRADES[random.below(4) as usize]).collect())
            .collect();
        let records = (0..).zip(&schools).map(|(id, grades)| school(id, grades));
        let files = Files::from([("schools.jsonl".to_owned(), lines(records))]);
        let key = json!({"uri": format!("{GRADE}#A")});
        let (plan, _) = planned(&files, "gradeLevelDescriptors", key, Optional::Clear);
        let of = |operation: DeleteOperation| -> Vec<u64> {
            let schools = plan.records.iter().filter(|r| r.operation == operation && r.resource.short() == "schools");
            schools.map(|r| r.key["schoolId"].as_u64().unwrap()).collect()
        };
        let those = |wanted: &dyn Fn(&[&str]) -> bool| -> Vec<u64> {
            (0..).zip(&schools).filter(|(_, grades)| wanted(grades)).map(|(id, _)| id).collect()
        };
        let all = |grades: &[&str]| grades.iter().all(|grade| *grade == "A");
        prop_assert_eq!(of(DeleteOperation::Delete), those(&all));
        prop_assert_eq!(of(DeleteOperation::Clear), those(&|grades| grades.contains(&"A") && !all(grades)));
        for record in plan.records.iter().filter(|record| record.operation == DeleteOperation::Clear) {
            let grades = &schools[record.key["schoolId"].as_u64().unwrap() as usize];
            let items = (0..grades.len()).filter(|item| grades[*item] == "A");
            let expected: Vec<String> = items.map(|item| format!("$.gradeLevels[{item}]")).collect();
            prop_assert_eq!(&record.clears[0].goes, &expected);
        }
    }
}

#[test]
fn what_is_odd_about_the_records_of_a_plan_is_said() {
    let offering = |code: Option<&str>, session: &str| {
        let mut record = json!({"schoolReference": {"schoolId": 1},
            "sessionReference": {"schoolId": 1, "schoolYear": 2026, "sessionName": session}});
        if let Some(code) = code {
            record["localCourseCode"] = json!(code);
        }
        record
    };
    let session = |name: &str| {
        json!({"sessionName": name, "schoolReference": {"schoolId": 1},
        "schoolYearTypeReference": {"schoolYear": 2026}})
    };
    let offerings = [Some("A"), Some("A"), None].map(|code| offering(code, "Fall"));
    let mut files = Files::from([
        ("sessions.jsonl".to_owned(), lines([session("Fall"), session("fall")])),
        ("courseOfferings.jsonl".to_owned(), lines(offerings.into_iter().chain([offering(Some("B"), "FALL")]))),
    ]);
    let key = json!({"schoolId": 1, "schoolYear": 2026, "sessionName": "Fall"});
    let (plan, _) = planned(&files, "sessions", key.clone(), Optional::Clear);
    assert_eq!(steps(&plan), ["1 delete courseOfferings", "1 delete courseOfferings", "2 delete sessions"]);
    assert!(!plan.complete);
    let said: Vec<(&str, &str)> = plan.warnings.iter().map(|w| (w.code.as_str(), w.message.as_str())).collect();
    let case = "SQL Server takes the two for the same, PostgreSQL does not";
    let expected = [
        (
            "differs-in-case",
            &*format!(
                "1 record refers by $.sessionReference to a key that differs in case only from one that goes, the first \
                 in courseOfferings.jsonl: {case}"
            ),
        ),
        (
            "differs-in-case",
            &*format!(
                "1 record has a key that differs in case only from one that was asked for, the first in sessions.jsonl: \
                 {case}"
            ),
        ),
        (
            "duplicate-keys",
            "1 record here has the natural key of another one, the first in courseOfferings.jsonl; they count as one \
             record. check tells the lines",
        ),
        (
            "key-incomplete",
            "1 record of the plan lacks a part of the natural key, the first in courseOfferings.jsonl: what refers to \
             such a record cannot be told. check tells the lines",
        ),
    ];
    assert_eq!(said, expected);
    // Records of one key alone leave nothing open.
    files.insert("sessions.jsonl".to_owned(), lines([session("Fall")]));
    files.insert("courseOfferings.jsonl".to_owned(), lines([Some("A"), Some("A")].map(|code| offering(code, "Fall"))));
    let (plan, _) = planned(&files, "sessions", key, Optional::Clear);
    assert_eq!((codes(&plan), plan.complete), (vec!["duplicate-keys"], true));
}

#[test]
fn a_reference_that_lacks_a_part_of_a_key_that_goes_is_a_gap() {
    let key = json!({"schoolId": 1, "schoolYear": 2026, "sessionName": "Fall"});
    let session = json!({"sessionName": "Fall", "schoolReference": {"schoolId": 1},
        "schoolYearTypeReference": {"schoolYear": 2026}});
    let offering =
        |session| json!({"localCourseCode": "A", "schoolReference": {"schoolId": 1}, "sessionReference": session});
    let of = |references: &[serde_json::Value]| {
        let offerings = references.iter().map(|session| offering(session.clone()));
        let files = Files::from([
            ("sessions.jsonl".to_owned(), lines([session.clone()])),
            ("courseOfferings.jsonl".to_owned(), lines(offerings)),
        ]);
        planned(&files, "sessions", key.clone(), Optional::Clear).0
    };
    // What it has agrees, in any case; what it lacks may be null, or no value of its field.
    let may = [
        json!({"schoolId": 1, "sessionName": "FALL"}),
        json!({"schoolId": 1, "schoolYear": null, "sessionName": "Fall"}),
        json!({"schoolId": "one", "schoolYear": 2026}),
    ];
    let plan = of(&may);
    assert_eq!((steps(&plan), codes(&plan)), (vec!["1 delete sessions".to_owned()], vec!["key-incomplete"]));
    assert!(!plan.complete);
    assert_eq!(
        plan.warnings[0].message,
        "3 records have only a part of the key in $.sessionReference, and that part agrees with a record that goes, \
         the first in courseOfferings.jsonl: whether it is meant cannot be told. check tells the lines"
    );
    // What it has is of another session, or nothing.
    let cannot = [json!({"schoolId": 1, "sessionName": "Spring"}), json!({"schoolId": null}), json!({})];
    let plan = of(&cannot);
    assert_eq!((codes(&plan), plan.complete), (Vec::<&str>::new(), true));
}

#[test]
fn a_reference_in_part_is_told_of_records_that_are_asked_again() {
    let objective = |code: &str, parent: Option<serde_json::Value>| {
        let mut record = json!({"identificationCode": code,
            "assessmentReference": {"assessmentIdentifier": "a", "namespace": "uri://n"}});
        if let Some(parent) = parent {
            record["parentObjectiveAssessmentReference"] = parent;
        }
        record
    };
    let whole = |code: &str| json!({"assessmentIdentifier": "a", "namespace": "uri://n", "identificationCode": code});
    let part = |code: &str| json!({"assessmentIdentifier": "a", "identificationCode": code});
    let key = json!({"assessmentIdentifier": "a", "namespace": "uri://n", "identificationCode": "1"});
    for (last, expected) in [(part("2"), vec!["key-incomplete"]), (part("9"), vec![])] {
        let records = [objective("1", None), objective("2", Some(whole("1"))), objective("3", Some(last))];
        let files = Files::from([("objectiveAssessments.jsonl".to_owned(), lines(records))]);
        let (plan, _) = planned(&files, "objectiveAssessments", key.clone(), Optional::Delete);
        assert_eq!((plan.records.len(), codes(&plan)), (2, expected));
    }
}

#[test]
fn case_is_told_of_records_that_are_asked_again() {
    // Learning standards refer to themselves by a text.
    let standard = |id: &str, parent: Option<&str>| match parent {
        Some(parent) => json!({"learningStandardId": id,
            "parentLearningStandardReference": {"learningStandardId": parent}}),
        None => json!({"learningStandardId": id}),
    };
    let chain = [standard("a", None), standard("B", Some("a")), standard("c", Some("B")), standard("d", Some("b"))];
    let files = Files::from([("learningStandards.jsonl".to_owned(), lines(chain))]);
    let key = json!({"learningStandardId": "a"});
    let (plan, _) = planned(&files, "learningStandards", key, Optional::Delete);
    assert_eq!(plan.records.len(), 3);
    assert_eq!(codes(&plan), ["differs-in-case"]);
}

#[test]
fn every_referrer_of_a_changed_key_is_told_with_what_becomes_of_it() {
    for name in ["ed-fi-4.0", "ed-fi-5.2", "ed-fi-6.0"] {
        let graph = standard(name);
        let authorization = Authorization::relationships(&graph, &[]).unwrap();
        for id in graph.ids() {
            let plan = key_change(&graph, id, &authorization).unwrap();
            let of = |name: &edfi_plan::model::ResourceName| plan.referrers.iter().find(|r| r.resource == *name);
            // Whatever refers to the resource, or to what has to go or change with it, is told.
            let may = plan.key_may_change == Some(true);
            let moved =
                plan.referrers.iter().filter(|r| if may { r.carries_key } else { r.becomes == Becomes::Recreated });
            let moved = moved.map(|r| graph.id(&r.resource).unwrap()).chain([id]);
            for edge in moved.flat_map(|id| graph.dependents(id)).filter(|edge| edge.dependent != id) {
                let referrer = of(graph.name(edge.dependent));
                assert!(referrer.is_some(), "{name}: {} of {}", graph.name(edge.dependent), plan.resource);
            }
            for referrer in &plan.referrers {
                let deletes =
                    plan.deletes.iter().flat_map(|wave| &wave.steps).filter(|s| s.resource == referrer.resource);
                let operations: Vec<DeleteOperation> = deletes.map(|step| step.operation).collect();
                match referrer.becomes {
                    Becomes::Carried => assert!(may && operations.is_empty()),
                    Becomes::Recreated => assert!(operations.contains(&DeleteOperation::Delete)),
                    Becomes::SetAgain => assert_eq!(operations, [DeleteOperation::Clear]),
                }
            }
        }
    }
}
