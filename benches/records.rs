//! A pass over generated folders of records, against the least that reading them costs.
#![allow(clippy::unwrap_used, dead_code, reason = "a benchmark may fail")]

#[path = "../tests/suite/payloads.rs"]
mod payloads;

use std::collections::BTreeMap;

use divan::Bencher;
use divan::counter::BytesCount;
use edfi_plan::graph::DependencyGraph;
use edfi_plan::records::{CheckOptions, Folder, Namespaces, PayloadFile, ReadOptions, check, scan};
use edfi_plan::source;

use payloads::{Recipe, generate};

fn main() {
    divan::main();
}

/// Some 125,000 records in memory.
fn records(tricky: bool) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    generate(Recipe { seed: 1, students: 20_000, mistakes: 0, circles: 0, tricky }, &mut files);
    files
}

fn checked(bencher: Bencher<'_, '_>, tricky: bool) {
    let graph = DependencyGraph::build(source::standard("ed-fi-5.0").unwrap()).unwrap();
    let files = records(tricky);
    let bytes: usize = files.values().map(Vec::len).sum();
    let files = files.into_iter().map(|(name, bytes)| PayloadFile::from_bytes(name, bytes)).collect();
    let folder = Folder::assign(&graph, files, &Namespaces::default());
    let read = ReadOptions { threads: 1, ..ReadOptions::default() };
    let options = CheckOptions { max: Some(10), ..CheckOptions::default() };
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| check(&scan(&graph, &folder, None, &read), &folder, &options, &read));
}

/// What programs write: members in one order, no useless blanks.
#[divan::bench]
fn check_plain(bencher: Bencher<'_, '_>) {
    checked(bencher, false);
}

/// Members in any order, escapes, gzip, arrays: nothing can be foreseen.
#[divan::bench]
fn check_tricky(bencher: Bencher<'_, '_>) {
    checked(bencher, true);
}

/// `serde_json::IgnoredAny` over the plain records.
#[divan::bench]
fn bare(bencher: Bencher<'_, '_>) {
    let files = records(false);
    let bytes: usize = files.values().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        for line in files.values().flat_map(|bytes| bytes.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty())
        {
            divan::black_box(serde_json::from_slice::<serde::de::IgnoredAny>(line).unwrap());
        }
    });
}
