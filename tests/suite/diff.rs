//! What changes from one graph to another.

use std::collections::BTreeSet;

use edfi_plan::graph::DependencyGraph;
use edfi_plan::plan::diff::{Diff, diff};
use edfi_plan::render::text;
use edfi_plan::source::{self, Document};

use crate::common::standard;
use crate::corpus;

fn between(left: &str, right: &str) -> Diff {
    diff(&standard(left), &standard(right))
}

/// A graph file with resources of the form `name: {key…, references…}`.
fn graph(resources: &str) -> DependencyGraph {
    let text = format!("edfi-plan: graph/1\nname: small\nresources:\n{resources}");
    let document = Document { name: "small.yaml".to_owned(), bytes: text.into_bytes() };
    DependencyGraph::build(source::read(&[document], &[]).unwrap()).unwrap()
}

fn renamed(diff: &Diff) -> Vec<String> {
    diff.renamed.iter().map(|r| format!("{} → {}", r.from.short(), r.to.short())).collect()
}

#[test]
fn a_graph_and_itself() {
    for standard in source::standards() {
        let found = between(standard.name, standard.name);
        assert!(found.is_empty(), "{}", standard.name);
    }
    let text = text::diff(&between("ed-fi-5.1", "ed-fi-5.1"), text::Width(80));
    assert_eq!(text, "ed-fi-5.1 → ed-fi-5.1\nNothing changes.\n");
}

/// Data Standard 5 calls parents contacts, and everything that is named after them.
#[test]
fn parents_became_contacts() {
    let found = between("ed-fi-4.0", "ed-fi-5.0");
    assert_eq!(renamed(&found), ["parents → contacts", "studentParentAssociations → studentContactAssociations"]);
    let named = |text: &str| text.to_ascii_lowercase().contains("contact");
    // The new name is told once: no reference to it, no key with it.
    assert!(found.references_added.iter().chain(&found.references_removed).all(|r| !named(&r.path)));
    assert!(found.retargeted.iter().all(|r| !named(&r.to)));
    assert!(found.keys.iter().all(|k| k.added.iter().all(|field| !named(field))));
    let removed: Vec<&str> = found.removed.iter().map(|name| name.short()).collect();
    assert_eq!(
        removed,
        [
            "learningObjectives",
            "oldEthnicityDescriptors",
            "studentDisciplineIncidentAssociations",
            "studentLearningObjectives"
        ]
    );
    let key = found.keys.iter().find(|k| k.resource.short() == "gradingPeriods").unwrap();
    assert_eq!(
        (key.added.as_slice(), key.removed.as_slice()),
        (["gradingPeriodName".into()].as_slice(), ["periodSequence".into()].as_slice())
    );
    let required: Vec<String> = found
        .requirements
        .iter()
        .filter(|r| r.required)
        .map(|r| format!("{}.{}", r.resource.short(), r.path))
        .collect();
    assert_eq!(
        required,
        [
            "gradingPeriods.$.gradingPeriodName",
            "learningStandards.$.contentStandard",
            "staffSectionAssociations.$.beginDate"
        ]
    );
    assert_eq!(found.wave_counts, Some((19, 18)));
}

/// Backwards everything is the other way round.
#[test]
fn a_diff_can_be_turned_round() {
    let (there, back) = (between("ed-fi-4.0", "ed-fi-5.0"), between("ed-fi-5.0", "ed-fi-4.0"));
    assert_eq!((&there.added, &there.removed), (&back.removed, &back.added));
    let pairs = |diff: &Diff, turned: bool| -> BTreeSet<(String, String)> {
        let pair = |r: &edfi_plan::plan::diff::Renamed| (r.from.to_string(), r.to.to_string());
        diff.renamed.iter().map(pair).map(|(a, b)| if turned { (b, a) } else { (a, b) }).collect()
    };
    assert_eq!(pairs(&there, false), pairs(&back, true));
    assert_eq!(there.references_added.len(), back.references_removed.len());
    assert_eq!(there.references_removed.len(), back.references_added.len());
    assert_eq!((there.requirements.len(), there.waves.len()), (back.requirements.len(), back.waves.len()));
}

/// TPDM went into core with Data Standard 6.
#[test]
fn an_extension_that_went_into_core() {
    let found = between("ed-fi-5.0+tpdm", "ed-fi-6.0");
    assert!(renamed(&found).contains(&"tpdm/candidates → candidates".to_owned()));
    let left: Vec<&str> = found.removed.iter().map(|n| n.short()).filter(|n| n.starts_with("tpdm/")).collect();
    let there = standard("ed-fi-6.0");
    assert!(left.iter().all(|name| there.find(name.trim_start_matches("tpdm/")).is_err()), "{left:?}");
}

#[test]
fn an_extension_adds_itself_and_nothing_else() {
    let found = between("ed-fi-5.0", "ed-fi-5.0+tpdm");
    assert!(found.added.iter().all(|name| name.project() == "tpdm"));
    assert_eq!((found.removed.len(), found.renamed.len(), found.retargeted.len()), (0, 0, 0));
    assert!(found.references_added.iter().all(|r| r.path.starts_with("$._ext.tpdm.")));
}

#[test]
fn each_kind_of_change() {
    let left = graph(
        "  /ed-fi/schools: {entity: School, key: {schoolId: integer at $.schoolId}, required: {$.schoolId: integer}}\n  \
         /ed-fi/rooms: {entity: Room, key: {name: string at $.name}, required: {$.name: string},\n    \
           references: {$.schoolReference: /ed-fi/schools, $.oldReference: /ed-fi/schools, $.turnReference: /ed-fi/schools}}\n",
    );
    let right = graph(
        "  /ed-fi/schools: {entity: School, key: {schoolId: long at $.schoolId}, required: {$.schoolId: long}}\n  \
         /ed-fi/houses: {entity: House, key: {name: string at $.name}}\n  \
         /ed-fi/rooms: {entity: Room, key: {number: string at $.number}, required: {$.number: string},\n    \
           references: {$.schoolReference: /ed-fi/schools required, $.newReference: /ed-fi/houses, $.turnReference: /ed-fi/houses}}\n",
    );
    let found = diff(&left, &right);
    let names = |all: &[edfi_plan::model::ResourceName]| all.iter().map(|n| n.short().to_owned()).collect::<Vec<_>>();
    assert_eq!((names(&found.added), names(&found.removed)), (vec!["houses".to_owned()], vec![]));
    let one = |r: &edfi_plan::plan::diff::ChangedReference| format!("{}.{} {}", r.resource.short(), r.path, r.target);
    assert_eq!(found.references_added.iter().map(one).collect::<Vec<_>>(), ["rooms.$.newReference /ed-fi/houses"]);
    assert_eq!(found.references_removed.iter().map(one).collect::<Vec<_>>(), ["rooms.$.oldReference /ed-fi/schools"]);
    let [turned] = found.retargeted.as_slice() else { panic!("{:?}", found.retargeted) };
    assert_eq!((turned.from.as_str(), turned.to.as_str()), ("/ed-fi/schools", "/ed-fi/houses"));
    let requirements: Vec<_> = found.requirements.iter().map(|r| (r.path.as_str(), r.required, r.reference)).collect();
    assert_eq!(requirements, [("$.name", false, false), ("$.number", true, false), ("$.schoolReference", true, true)]);
    let keys: Vec<String> = found
        .keys
        .iter()
        .map(|k| format!("{} +{:?} -{:?} {}", k.resource.short(), k.added, k.removed, k.retyped.len()))
        .collect();
    assert_eq!(keys, ["rooms +[\"number\"] -[\"name\"] 0", "schools +[] -[] 1"]);
    assert_eq!(found.wave_counts, Some((2, 2)));
}

/// Things that look alike are not one only for that; words that differ have to differ throughout.
#[test]
fn what_looks_different_is_not_renamed() {
    let entity = |name: &str, fields: &[&str]| {
        let list: Vec<String> = fields.iter().map(|f| format!("$.{f}: string")).collect();
        format!("  /ed-fi/{}s: {{entity: {name}, required: {{{}}}}}\n", name.to_lowercase(), list.join(", "))
    };
    let right = graph(&entity("Boat", &["boatName", "mast", "keel", "crew", "port"]));
    let same = graph(&entity("Ship", &["shipName", "mast", "keel", "crew", "port"]));
    let other = graph(&entity("Ship", &["shipName", "wings", "engine", "pilot", "port"]));
    let small = graph(&entity("Ship", &["shipName"]));
    assert_eq!(renamed(&diff(&same, &right)), ["ships → boats"]);
    assert!(diff(&same, &right).requirements.is_empty());
    assert_eq!(renamed(&diff(&other, &right)), [""; 0]);
    assert_eq!(renamed(&diff(&small, &graph(&entity("Boat", &["boatName"])))), [""; 0]);
}

/// An ApiModel and the OpenAPI documents of the same standard differ in nothing.
#[test]
fn two_documents_of_one_standard() {
    let api_model = corpus::graph(&["apimodel/ds-3.3b-core.ApiModel.json"], &[]);
    let Some(api_model) = api_model else { return };
    let found = diff(&api_model, &standard("ed-fi-3.3"));
    assert!(found.is_empty(), "{}", text::diff(&found, text::Width(80)));
}

#[test]
fn text_keeps_to_the_width_where_names_let_it() {
    for (left, right) in [("ed-fi-4.0", "ed-fi-5.0"), ("ed-fi-5.1", "ed-fi-6.0")] {
        let text = text::diff(&between(left, right), text::Width(80));
        for line in text.lines().filter(|line| line.chars().count() > 80) {
            // Only a path, or a pair of names, that is too long in itself.
            assert!(line.split_whitespace().any(|word| word.chars().count() > 36), "{line}");
        }
        assert!(text.lines().count() < 180, "{}", text.lines().count());
    }
}
