//! Verdicts on requests whose path leads to no endpoint or no item.

use super::{Case, Judgement, Verdict, several};
use crate::diagnosis::names::Route;

/// Endpoints that are told as the ones that may be meant.
const NEAR: usize = 9;

/// There is no such endpoint or item: never a parent that is missing.
pub(super) fn not_found(case: &Case<'_>) -> Judgement {
    let judgement = |because: String, advice: String| {
        Judgement::new(Verdict::NotADependencyMatter, because)
            .and("A missing parent is never a 404: it is a 409 or a 403.")
            .advise(advice)
    };
    // What the server says that it was asked for counts before what the request is said to have been.
    let Some(said) = case.facts.route.as_deref().or(case.request) else {
        let advice = "Correct the path, or look the id up again.".to_owned();
        return judgement("There is no such endpoint or item.".to_owned(), advice);
    };
    match case.names.route(said) {
        Route::Nowhere(near) => match near.as_slice() {
            [] => judgement(
                "The path leads to no endpoint of this graph: it is misspelt, or of another standard or an extension that is missing."
                    .to_owned(),
                "Correct the path.".to_owned(),
            ),
            [only] => judgement(
                format!("The path leads to no endpoint; the nearest is {only}."),
                format!("Send it to {only}, if that is what is meant."),
            ),
            some => judgement(
                format!("The path leads to no endpoint; the nearest are {}.", several(some, NEAR)),
                "Send it to the one that is meant.".to_owned(),
            ),
        },
        Route::Endpoint { id, item } => {
            let name = case.graph.name(id);
            // The server speaks of the path rather than of an item.
            if case.facts.route.is_some() {
                return judgement(
                    format!("This graph has {name}: the host does not, or something before it in the path is wrong."),
                    "Check the base path, its version, tenant and school year, and that the host has the extension."
                        .to_owned(),
                );
            }
            let of_item = item || matches!(case.method, Some("PUT" | "DELETE"));
            judgement(
                if of_item {
                    format!("The endpoint {name} exists, but no item with that id, or none that this client may see.")
                } else {
                    format!("This graph has {name}: the item, or something before the endpoint in the path, is wrong.")
                },
                if of_item {
                    "Look the id up again, by the natural key.".to_owned()
                } else {
                    "Correct the path, or look the id up again.".to_owned()
                },
            )
        }
    }
}
