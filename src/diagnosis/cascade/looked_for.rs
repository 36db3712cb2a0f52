//! What one failure waits for, and where the folder that was sent has it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::spelling::Spelling;
use super::{Cascade, Failed, Lack};
use crate::model::Text;
use crate::records::Position;

/// A record that a failure waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookedFor {
    /// Its resource, or the abstract resource, by entity; of a pathway, the associations.
    pub target: String,
    /// Its key; of a pathway, that of the person.
    pub key: BTreeMap<Text, String>,
    /// Whether any record that speaks of the person will do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pathway: bool,
    /// Where it stands; none where no file of the folder has it.
    pub at: Option<Position>,
}

impl Cascade<'_> {
    /// What the failures that were added wait for, by reference; nothing where their records are not known
    /// or they wait for nothing.
    #[must_use]
    pub fn looked_for(mut self) -> Vec<LookedFor> {
        self.find_associations(&Failed::default());
        let needs = || self.sketches.iter().flat_map(|sketch| &sketch.needs);
        let positions = self.positions(needs().filter_map(|need| need.at).collect());
        let lacks: BTreeSet<&Lack> = needs().map(|need| &need.lack).collect();
        let spelling = Spelling::of(self.diagnoser.graph(), &self.keys, &self.sketches, &lacks);
        let looked_for = needs().map(|need| {
            let at = need.at.and_then(|at| positions.get(&at));
            let (target, key) = spelling.lacking(&need.lack);
            LookedFor {
                target,
                key,
                pathway: matches!(need.lack, Lack::Association(..)),
                at: at.map(|(file, line)| Position { file: file.to_string(), line: *line as u64 }),
            }
        });
        looked_for.collect()
    }
}
