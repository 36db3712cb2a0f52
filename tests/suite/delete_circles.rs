//! Records that refer to each other in a circle through the items of required collections: cleared of items
//! where others stay, and refused where nothing helps.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::plan::delete::records::{RecordDeleteError, RecordDeleteOptions, record_delete_plan};
use edfi_plan::plan::delete::{DeleteOperation, Optional};
use edfi_plan::records::RecordOf;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::delete_records::{Memory, Thing, requests};
use crate::payloads::Random;
use crate::random;
use crate::record_store::{Link, Store};

/// Whether some order of deletes is accepted, whatever is cleared before the first: all orders are tried.
fn can_go(store: &Store<Thing>, deleted: &BTreeSet<Thing>) -> bool {
    let things: Vec<Thing> = deleted.iter().copied().collect();
    let bit = |thing: &Thing| things.binary_search(thing).map_or(0, |place| 1_u32 << place);
    // What each cannot be without; of each required collection the items, by what each leads to.
    let mut fixed = vec![0_u32; things.len()];
    let mut items: Vec<BTreeMap<usize, u32>> = vec![Default::default(); things.len()];
    for link in store.links.iter().filter(|link| !link.clearable) {
        let Ok(from) = things.binary_search(&link.from) else { continue };
        match link.item {
            Some(item) => *items[from].entry(item).or_default() |= bit(&link.to) & !bit(&link.from),
            None => fixed[from] |= bit(&link.to) & !bit(&link.from),
        }
    }
    let all = (1_u32 << things.len()) - 1;
    let is_accepted = |gone: u32| {
        (0..things.len()).filter(|from| gone & 1 << from == 0).all(|from| {
            let whole = items[from].is_empty() || items[from].values().any(|targets| targets & gone == 0);
            fixed[from] & gone == 0 && whole
        })
    };
    let mut seen = vec![false; 1 << things.len()];
    let mut open = vec![0_u32];
    while let Some(gone) = open.pop() {
        if gone == all {
            return true;
        }
        for next in (0..things.len()).map(|thing| gone | 1 << thing) {
            if !std::mem::replace(&mut seen[next as usize], true) && is_accepted(next) {
                open.push(next);
            }
        }
    }
    false
}

/// What became of a circle.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// There was none, or optional references broke it.
    Plain,
    /// Items of required collections broke it.
    ByItems,
    /// So they did, and a record had to keep one.
    Kept,
    Refused,
}

/// Plans a delete in a random store, and judges the plan or the refusal.
fn judged(graph: &DependencyGraph, seed: u64, delete: bool) -> Outcome {
    let (mut memory, records) = Memory::fill(graph, seed);
    let store = memory.store(&records);
    let mut random = Random::new(seed ^ 1);
    let targets: BTreeSet<Thing> = records.iter().filter(|_| random.one_in(4)).copied().collect();
    let named = targets.iter().map(|&(resource, record)| RecordOf { resource, record }).collect::<Vec<_>>();
    let optional = if delete { Optional::Delete } else { Optional::Clear };
    let options = RecordDeleteOptions { optional, authorization: Authorization::default(), max: None };
    let (deleted, _) = store.closure(&targets, delete);
    let plan = match record_delete_plan(graph, &mut memory, named, &options) {
        Ok(plan) => plan,
        Err(RecordDeleteError::Circle(_)) => {
            assert!(!can_go(&store, &deleted));
            return Outcome::Refused;
        }
        Err(error) => panic!("{error}"),
    };
    let requests = requests(graph, &plan, |r| (r.resource, r.record));
    store.judge(&targets, &requests, delete);
    // No clear of what goes later is in vain, unless its item goes for another reference all the same.
    let mut by_items = false;
    for (number, request) in requests.iter().enumerate() {
        if request.operation == DeleteOperation::Clear && deleted.contains(&request.record) {
            let lost = |clears: &[(String, Thing)]| -> BTreeSet<Link<Thing>> {
                let is_cleared = |l: &&Link<Thing>| clears.iter().any(|(path, to)| (&l.path, &l.to) == (path, to));
                let links = store.links.iter().filter(|link| link.from == request.record).filter(is_cleared);
                links.flat_map(|link| store.with_item(link)).cloned().collect()
            };
            let all = lost(&request.clears);
            by_items |= all.iter().any(|link| !link.clearable);
            let targets: BTreeSet<Thing> = request.clears.iter().map(|(_, to)| *to).collect();
            for target in targets {
                let mut fewer = requests.clone();
                fewer[number].clears.retain(|(_, to)| *to != target);
                let implied = lost(&fewer[number].clears) == all;
                assert!(implied || store.replay(&fewer).is_err(), "{target:?}");
            }
        }
    }
    match (by_items, plan.exact) {
        (false, _) => Outcome::Plain,
        (true, true) => Outcome::ByItems,
        (true, false) => Outcome::Kept,
    }
}

proptest! {
    #[test]
    fn items_break_circles_wherever_that_is_possible(graph in random::circular(), seed in any::<u64>(), delete in any::<bool>()) {
        judged(&graph, seed, delete);
    }
}

#[test]
fn the_random_circles_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let graphs = random::circular();
    let outcomes: Vec<Outcome> =
        (0..1500).map(|seed| judged(&graphs.new_tree(&mut runner).unwrap().current(), seed, seed % 2 == 0)).collect();
    for (kind, at_least) in [(Outcome::ByItems, 50), (Outcome::Kept, 5), (Outcome::Refused, 50)] {
        let count = outcomes.iter().filter(|outcome| **outcome == kind).count();
        assert!(count >= at_least, "{kind:?}: {count}");
    }
}
