//! The same statements in another order give the same bytes.

use edfi_plan::plan::delete::{DeleteOptions, delete_plan};
use edfi_plan::render::json;
use edfi_plan::source::{self, Document};
use proptest::prelude::*;
use serde_json::Value;

use crate::fixtures;

/// The document with the members of every object in an order that `seed` tells. Written by hand, for
/// `serde_json::Map` sorts its keys.
fn written(value: &Value, seed: u64) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members
                .sort_by_key(|(name, _)| name.bytes().fold(seed, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b))));
            let members: Vec<String> = members
                .iter()
                .map(|(name, v)| format!("{}:{}", Value::from(name.as_str()), written(v, seed)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(|v| written(v, seed)).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn answers(documents: &[Document]) -> ([String; 2], String) {
    let graph = fixtures::graph(documents);
    let plan = edfi_plan::plan::describe::full_load(&graph).unwrap();
    let everything = graph.ids().collect();
    let delete = delete_plan(&graph, &everything, &DeleteOptions::default()).unwrap();
    let mut model = graph.model().clone();
    // The bytes of the documents differ, and with them their digests.
    model.metadata.origins.clear();
    let plans = [json::answer("test", graph.metadata(), &plan), json::answer("test", graph.metadata(), &delete)];
    (plans, source::write_graph(&model).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn order_of_documents_and_members_does_not_matter(seed in any::<u64>(), dialect in 0_usize..4) {
        let dialect = ["ods", "swagger2", "dms", "metaed"][dialect];
        let documents = fixtures::small(dialect);
        let expected = answers(&documents);
        let mut others: Vec<Document> = documents
            .iter()
            .map(|document| {
                let value: Value = serde_json::from_slice(&document.bytes).unwrap();
                let text = written(&value, seed);
                Document { name: document.name.clone(), bytes: text.into_bytes() }
            })
            .collect();
        if seed % 2 == 0 {
            others.reverse();
        }
        prop_assert_eq!(expected, answers(&others));
    }
}
