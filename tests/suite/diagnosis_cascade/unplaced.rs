//! Failures that nothing tells the cause of are listed, with what hinders.

use edfi_plan::diagnosis::cascade::Causes;
use edfi_plan::diagnosis::{Body, Failure, Place, input};
use edfi_plan::render::text::{self, Width};
use serde_json::{Value, json};

use super::{causes, record};

fn missing(entity: &str) -> Value {
    json!({ "type": "urn:ed-fi:api:data-conflict:unresolved-reference",
            "detail": format!("The referenced '{entity}' item does not exist.") })
}

/// Text in one line.
fn text(found: &Causes) -> String {
    text::causes(found, Width(80)).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One failure of every kind that cannot be placed, and one that can.
fn mixed() -> String {
    let pair = |resource: &str, body: Value| json!({ "method": "POST", "resource": resource, "status": 409, "request_body": { "sectionIdentifier": "S" }, "response_body": body });
    let lines = [
        missing("Student").to_string(),
        pair("sections", json!({ "message": "Zephyrine is strange." })).to_string(),
        pair("nothings", missing("Student")).to_string(),
        pair("sections", missing("Banana")).to_string(),
        pair("sections", json!({ "message": "SchoolId is required." })).to_string(),
        missing("Student").to_string(),
        pair("sections", missing("Section")).to_string()[..70].to_owned(),
    ];
    lines.map(|line| line + "\n").concat()
}

#[test]
fn each_kind_is_listed_with_what_hinders() {
    let failures = input::read(Some("in.ndjson"), mixed().as_bytes());
    let found = causes(&failures);
    assert_eq!((found.summary.failures, found.summary.unexplained, found.roots.len()), (7, 6, 1), "{found:#?}");
    let lines: Vec<Vec<Option<usize>>> =
        found.unplaced.iter().map(|one| one.places.iter().map(|place| place.line).collect()).collect();
    assert_eq!(lines, [vec![Some(1), Some(6)], vec![Some(2)], vec![Some(3)], vec![Some(4)], vec![Some(7)]]);
    assert_eq!(found.unplaced.iter().map(|one| one.failures).sum::<usize>(), found.summary.unexplained);
    let shown = text(&found);
    for line in [
        "in.ndjson:1, in.ndjson:6 unresolved-reference · inconclusive: The resource of the request is not told; \
         --resource tells it.",
        "sections in.ndjson:2 unknown · inconclusive: Zephyrine is strange.",
        "This graph has no resource 'nothings'.",
        "sections in.ndjson:4 unresolved-reference · inconclusive: This graph knows no Banana",
        "in.ndjson:7 unknown · inconclusive: The JSON is cut off.",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let mut reversed = failures;
    reversed.reverse();
    assert_eq!(causes(&reversed), found);
    // A name or a message that nobody knows may be a value.
    let hidden = found.redacted();
    let shown = format!("{}{}", text(&hidden), serde_json::to_string(&hidden).unwrap());
    assert!(!shown.contains("Zephyrine") && !shown.contains("Banana"), "{shown}");
    assert!(shown.contains("in.ndjson:2 unknown · inconclusive: The answer is none"), "{shown}");
}

/// A flood of one kind is one line, and many kinds are cut short.
#[test]
fn a_flood_leaves_a_screenful() {
    let failure = |line: usize, body: Value| Failure {
        place: Place { file: Some("f".into()), line: Some(line), ..Place::default() },
        resource: Some("schools".into()),
        ..Failure::new(Body::Json(body))
    };
    let mut failures: Vec<Failure> = (0..500).map(|line| failure(line, json!({ "message": "Odd." }))).collect();
    failures.extend((500..520).map(|line| failure(line, json!({ "message": format!("Odd {line}.") }))));
    let found = causes(&failures);
    assert_eq!((found.unplaced.len(), found.unplaced[0].failures), (21, 500));
    let shown = text(&found);
    assert!(shown.contains("schools f:0, f:1, f:2, 497 more unknown · inconclusive: Odd."), "{shown}");
    assert!(shown.contains("f:503 unknown") && !shown.contains("f:504 unknown"), "{shown}");
    assert!(shown.contains("16 more; --format json lists all"), "{shown}");
}

/// What waits for a failure without a cause is counted there.
#[test]
fn what_waits_for_it_is_counted_with_it() {
    let school = record("schools", 1, "POST", json!({ "schoolId": 1 }), json!({ "message": "Odd." }));
    let session = |line: usize| {
        let session = json!({ "sessionName": line.to_string(), "schoolReference": { "schoolId": 1 } });
        record("sessions", line, "POST", session, missing("School"))
    };
    let failures = [school, session(2), session(3)];
    let without: Vec<Failure> = failures.iter().cloned().map(|f| Failure { payload: None, ..f }).collect();
    for failures in [&failures[..], &without] {
        let found = causes(failures);
        let [one] = found.unplaced.as_slice() else { panic!("{found:#?}") };
        assert_eq!((one.failures, one.waiting, found.summary.unexplained), (1, 2, 3));
        assert!(text(&found).contains("schools f:1 unknown · inconclusive: Odd. 2 others wait for it."));
    }
}

/// Records that wait for each other explain nothing, whichever is looked at first.
#[test]
fn a_circle_explains_nothing() {
    let parent = |line: usize, own: &str, other: &str| {
        let standard =
            json!({ "learningStandardId": own, "parentLearningStandardReference": { "learningStandardId": other } });
        record("learningStandards", line, "POST", standard, missing("LearningStandard"))
    };
    let found = causes(&[parent(1, "A", "B"), parent(2, "B", "A"), parent(3, "C", "B")]);
    assert_eq!((found.roots.len(), found.summary.unexplained), (0, 3), "{found:#?}");
    let [one] = found.unplaced.as_slice() else { panic!("{found:#?}") };
    assert_eq!((one.failures, one.waiting), (1, 2));
    assert!(text(&found).contains("learningStandards f:1 "), "{}", text(&found));
}
