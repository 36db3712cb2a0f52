//! From bytes to an order, over real documents where `EDFI_PLAN_CORPUS` names them.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use divan::Bencher;
use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::plan::delete::{DeleteOptions, delete_plan};
use edfi_plan::plan::describe::full_load;
use edfi_plan::render::text;
use edfi_plan::source::{self, Document};

fn main() {
    divan::main();
}

fn corpus(names: &[&str]) -> Option<Vec<Document>> {
    let folder = std::path::PathBuf::from(std::env::var_os("EDFI_PLAN_CORPUS")?).join("metadata/openapi");
    let read = |name: &&str| Document { name: (*name).to_owned(), bytes: std::fs::read(folder.join(name)).unwrap() };
    Some(names.iter().map(read).collect())
}

fn order(graph: &DependencyGraph) -> String {
    text::load_plan(&full_load(graph).unwrap(), text::Descriptors::Summed, text::Width(80))
}

/// What `edfi-plan order` does on an embedded graph, without the process around it.
#[divan::bench(args = ["ed-fi-3.3", "ed-fi-5.0+tpdm", "ed-fi-6.0"])]
fn embedded(name: &str) -> String {
    order(&DependencyGraph::build(source::standard(name).unwrap()).unwrap())
}

/// Breaking the known cycle: the dearest part of an order.
#[divan::bench]
fn plan_6_0(bencher: Bencher<'_, '_>) {
    let graph = DependencyGraph::build(source::standard("ed-fi-6.0").unwrap()).unwrap();
    bencher.bench(|| full_load(&graph).unwrap());
}

/// The delete of everything, circles included.
#[divan::bench]
fn delete_6_0(bencher: Bencher<'_, '_>) {
    let graph = DependencyGraph::build(source::standard("ed-fi-6.0").unwrap()).unwrap();
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let options = DeleteOptions { authorization, ..DeleteOptions::default() };
    let everything = graph.ids().collect();
    bencher.bench(|| delete_plan(&graph, &everything, &options).unwrap());
}

fn documents(bencher: Bencher<'_, '_>, names: &[&str]) {
    let Some(documents) = corpus(names) else { return };
    bencher.bench(|| order(&DependencyGraph::build(source::read(&documents, &[]).unwrap()).unwrap()));
}

#[divan::bench]
fn json_5_1(bencher: Bencher<'_, '_>) {
    documents(bencher, &["resources-ds-5.1-core.json", "descriptors-ds-5.1-core.json"]);
}

#[divan::bench]
fn yaml_6_0(bencher: Bencher<'_, '_>) {
    documents(bencher, &["resources-ds-6.0.yaml", "descriptors-ds-6.0.yaml"]);
}
