//! An API that is asked which records it has.

use std::collections::BTreeSet;

use edfi_plan::api::{Api, LiveError, LiveStore, SearchLimits};
use edfi_plan::graph::{Authorization, DependencyGraph};
use edfi_plan::plan::delete::records::is_seen_by_relationship;
use edfi_plan::records::{Gap, Need, Standing, Unknown};

use super::Context;

/// An API that is asked for records, and what it did not tell.
pub(super) struct Asked<'a, 'e> {
    graph: &'a DependencyGraph,
    authorization: &'a Authorization,
    store: LiveStore<'a, 'e>,
    gaps: BTreeSet<Gap>,
}

impl<'a, 'e> Asked<'a, 'e> {
    pub(super) fn new(api: &'a Api<'e>, graph: &'a DependencyGraph, authorization: &'a Authorization) -> Self {
        let store = LiveStore::new(api, graph, SearchLimits::default());
        Self { graph, authorization, store, gaps: BTreeSet::new() }
    }

    /// Says of records how they stand. That an API shows no record proves nothing where it shows those of
    /// its resource by relationship.
    pub(super) fn look_up(&mut self, needs: &mut [Need]) -> Result<(), LiveError> {
        self.gaps.extend(self.store.look_up(needs)?);
        for need in needs.iter_mut().filter(|need| need.standing == Standing::Missing) {
            if is_seen_in_part(self.graph, self.authorization, need) {
                (need.standing, need.why) = (Standing::Unknown, Some(Unknown::NotVisible));
            }
        }
        Ok(())
    }

    /// Says what the API did not tell; `quoting` its own words, which may hold a key.
    pub(super) fn say(&self, quoting: bool, context: &Context) {
        for gap in &self.gaps {
            let said = gap.said.as_ref().filter(|_| quoting).map(|said| format!(": {said}")).unwrap_or_default();
            context.terminal.say(&format!("note: {}: {}{said} ({})", gap.resource.short(), gap.message, gap.code));
        }
    }
}

/// Whether a client sees the records that a reference points to by relationship only.
fn is_seen_in_part(graph: &DependencyGraph, authorization: &Authorization, need: &Need) -> bool {
    let resources = graph.target(&need.target).map(|found| graph.meant(found)).unwrap_or_default();
    resources.into_iter().any(|id| is_seen_by_relationship(graph, authorization, id))
}
