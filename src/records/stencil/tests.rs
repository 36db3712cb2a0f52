//! Whatever was read before, a record says what it says by itself.

use std::collections::BTreeMap;

use super::*;
use crate::graph::DependencyGraph;
use crate::model::{
    Details, Equality, Field, FieldType, KeyField, Kind, LazyDetails, Model, Reference, Resource, ResourceName, Target,
    Text,
};
use crate::records::extract::{Problem, Trouble};
use crate::records::json::Flaw;
use crate::records::keys::KeyHasher;

/// A resource whose records have all that a shape knows of, and what it refers to.
fn graph() -> DependencyGraph {
    let name = |endpoint: &str| ResourceName::new("ed-fi", endpoint);
    let of = |kind| FieldType { kind, ..FieldType::default() };
    let part = |name: &str, kind, paths: &[&str]| KeyField {
        name: name.into(),
        kind: of(kind),
        paths: paths.iter().map(|path| Text::from(*path)).collect(),
    };
    let resource = |endpoint: &str, kind, references| Resource {
        name: name(endpoint),
        entity: endpoint.trim_end_matches('s').into(),
        kind,
        superclass: None,
        references,
        domains: Vec::new(),
        stated: Vec::new(),
    };
    let reference = |path: &str, target: &str| Reference {
        path: path.into(),
        target: Target::Resource(name(target)),
        required: path == "$.firstReference",
        identifying: path == "$.firstReference",
        alternatives: Vec::new(),
    };
    let references = vec![
        reference("$.firstReference", "things"),
        reference("$.items[*].kindDescriptor", "kindDescriptors"),
        reference("$.items[*].thirdReference", "things"),
        reference("$.secondReference", "things"),
    ];
    let field = |path: &str, kind| Field { path: path.into(), kind: of(kind) };
    let details = Details {
        key: vec![
            part("a", FieldKind::Integer, &["$.firstReference.a", "$.secondReference.a"]),
            part("day", FieldKind::Date, &["$.day"]),
            part("o", FieldKind::Long, &["$.o"]),
        ],
        fields: vec![
            field("$.amount", FieldKind::Number),
            field("$.flag", FieldKind::Boolean),
            field("$.items[*].at", FieldKind::Time),
            field("$.name", FieldKind::String),
        ],
        equalities: vec![Equality {
            left: "$.firstReference.b".into(),
            right: "$.items[*].thirdReference.b".into(),
            stated_by: "ApiSchema".into(),
        }],
        ..Details::default()
    };
    let thing = vec![part("a", FieldKind::Integer, &["$.a"]), part("b", FieldKind::String, &["$.b"])];
    let details = BTreeMap::from([
        (name("others"), details),
        (name("things"), Details { key: thing, ..Details::default() }),
        (name("kindDescriptors"), Details::default()),
    ]);
    let resources = vec![
        resource("kindDescriptors", Kind::Descriptor, Vec::new()),
        resource("others", Kind::Resource, references),
        resource("things", Kind::Resource, Vec::new()),
    ];
    let details = LazyDetails::from(details);
    DependencyGraph::build(Model { resources, details, ..Model::default() }).unwrap()
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of the first two mostly, sometimes another.
    fn of(&mut self, values: &[&'static str]) -> &'static str {
        let usual = !self.one_in(150);
        values[self.below(if usual { 2.min(values.len()) } else { values.len() })]
    }
}

/// A record as a program may write it: `blank` behind colons and commas, so many items, `odd` members.
fn record(random: &mut Random, blank: &str, items: usize, odd: bool) -> String {
    const A: [&str; 9] = ["1", "2345678901", "\"1\"", "1.0", "true", "null", "{}", "-0", "123456789012345678901"];
    const B: [&str; 8] = ["\"x\"", "\"ein längerer Text\"", "\"\\u00e9\"", "\"\"", "7", "\"\\ud83d\"", "null", "[1]"];
    let usual = (random.of(&A), random.of(&B));
    let thing = |random: &mut Random| {
        // What a record refers to several times must be the same.
        let (a, b) = if random.one_in(40) { (random.of(&A), random.of(&B)) } else { usual };
        let link = format!(",\"link\":{{\"rel\":\"Thing\",\"href\":\"/{:x}\"}}", random.below(1 << 30));
        let members = if random.one_in(60) { format!("\"b\":{b},\"a\":{a}") } else { format!("\"a\":{a},\"b\":{b}") };
        format!("{{{members}{link}}}")
    };
    let mut members = vec![
        format!("\"o\":{}", random.below(4000)),
        format!(
            "\"day\":{}",
            random.of(&["\"2026-08-20\"", "\"2026-08-21\"", "\"2026-02-30\"", "20260820", "\"2026-08-20T00:00:00\""])
        ),
        format!("\"flag\":{}", random.of(&["true", "false", "\"true\"", "0", "null"])),
        format!("\"amount\":{}", random.of(&["1.5", "25", "1e400", "\"1.5\"", "-0.5e3", "\"x\"", "01"])),
        format!("\"name\":{}", random.of(&["\"Zoë \\\"Z\\\"\"", "\"B\"", "5", "\"\\n\"", "\"\u{1}\"", "false"])),
        format!(
            "\"unknown\":[{{\"n\":{}}},\"constant text\",[],{{}}]",
            random.of(&["1", "2", "1.25", "null", "\"1\""])
        ),
        format!("\"firstReference\":{}", thing(random)),
    ];
    if odd {
        members.push(format!("\"secondReference\":{}", thing(random)));
    }
    let item = |random: &mut Random| {
        let kind = random.of(&["\"uri://x#A\"", "\"URI://x#b\"", "\"\"", "3"]);
        let at = random.of(&["\"08:00\"", "\"09:30:00\"", "\"25:00\"", "null"]);
        format!("{{\"kindDescriptor\":{kind},\"at\":{at},\"thirdReference\":{}}}", thing(random))
    };
    let items: Vec<String> = (0..items).map(|_| item(random)).collect();
    members.push(format!("\"items\":[{}]", items.join(",")));
    if random.one_in(80) {
        let (from, to) = (random.below(members.len()), random.below(members.len()));
        members.swap(from, to);
    }
    if random.one_in(80) {
        members.push(members[random.below(members.len())].clone());
    }
    if random.one_in(80) {
        members.remove(random.below(members.len()));
    }
    format!("{{{}}}", members.join(",")).replace(',', &format!(",{blank}")).replace("\":", &format!("\":{blank}"))
}

/// Something else in one place.
fn damaged(random: &mut Random, mut record: Vec<u8>) -> Option<Vec<u8>> {
    let at = random.below(record.len());
    let byte = b"\"\\{}[],: 0-.eu\x01tnx19"[random.below(20)];
    match random.below(5) {
        0 => record[at] = byte,
        1 => record.insert(at, byte),
        2 => drop(record.remove(at)),
        3 => record.push(byte),
        _ => record.truncate(at),
    }
    std::str::from_utf8(&record).is_ok().then_some(record)
}

/// All that a record said.
fn said(read: Result<(), Flaw>, into: &Extract, slots: std::ops::Range<u32>) -> String {
    if let Err(flaw) = read {
        return format!("{flaw:?}");
    }
    let side = |span: Span| (span.token, span.start, span.end);
    let found = |f: &Found| (f.position, f.key, side(f.value), into.indices(f.at).to_vec());
    let problem = |p: &Problem| (p.what, into.indices(p.at).to_vec(), side(p.left), side(p.right));
    let references: Vec<_> = into.references.iter().map(found).collect();
    let problems: Vec<_> = into.problems.iter().map(problem).collect();
    let slots: Vec<_> = slots.map(|slot| side(into.slot(slot))).collect();
    format!("{:?} {references:?} {problems:?} {:?} {slots:?}", into.key, into.flaws)
}

#[test]
fn what_was_read_before_changes_nothing() {
    let graph = graph();
    let shape = Shape::of(&graph, graph.find_all("others").unwrap()[0]);
    let reader = Reader { hasher: KeyHasher::random(), shape: &shape };
    let slots = u32::try_from(shape.slots).unwrap();
    let (mut fitted, mut conflicts, mut flaws, mut wrong) = (0, 0, 0, 0);
    for seed in 0..30 {
        let mut random = Random(seed << 32 ^ 0x5eed);
        let mut after_others = Extract::default();
        let mut blank = "";
        let few = 1 + random.below(3);
        for _ in 0..600 {
            if random.one_in(200) {
                blank = ["", " ", "\n\t"][random.below(3)];
            }
            let (items, odd) = (random.below(few), few > 1 && random.one_in(2));
            let mut text = record(&mut random, blank, items, odd).into_bytes();
            if random.one_in(12) {
                text = damaged(&mut random, text.clone()).unwrap_or(text);
            }
            let mut passed = Vec::new();
            let fits = |stencil: &Stencil| stencil.fits(&text, &mut passed, &mut Vec::new());
            fitted += usize::from(after_others.stencils.kept.iter().any(fits));
            let mut alone = Extract::default();
            let expected = said(reader.read(&text, &mut alone), &alone, 0..slots);
            let read = said(reader.read(&text, &mut after_others), &after_others, 0..slots);
            assert_eq!(read, expected, "seed {seed}: {}", String::from_utf8_lossy(&text));
            let is_conflict = |problem: &Problem| matches!(problem.what, Trouble::Conflict(..));
            conflicts += usize::from(alone.problems.iter().any(is_conflict));
            wrong += usize::from(alone.problems.iter().any(|problem| !is_conflict(problem)));
            flaws += usize::from(!alone.flaws.is_empty());
        }
    }
    assert!(fitted > 6000 && conflicts > 200 && wrong > 400 && flaws > 150, "{fitted} {conflicts} {wrong} {flaws}");
}
