//! A delete plan that cannot be, as JSON.

use serde::Serialize;

use crate::plan::delete::{DeletePlan, InTheWay, Kept};

/// The form of a plan without waves, and why it has none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prevented<'a> {
    #[serde(flatten)]
    plan: DeletePlan,
    in_the_way: &'a [InTheWay],
    /// Whether `--optional clear` makes a plan possible.
    clearing_helps: bool,
}

/// An empty plan with the references that stand in the way of one.
#[must_use]
pub fn kept(kept: &Kept) -> Prevented<'_> {
    Prevented { plan: DeletePlan::default(), in_the_way: &kept.references, clearing_helps: kept.clearing_helps }
}
