//! What hangs below the same cause, put together.

use std::collections::{BTreeMap, HashMap};

use super::follow::{Cause, Top, Tree};
use super::{Lack, Need, Sketch};
use crate::diagnosis::outside::Outside;
use crate::records::Place as Spot;

/// What the folder has and failures wait for.
pub(super) type Held<'s> = Vec<(&'s Lack, Option<Spot>)>;

/// All failures by what is behind them.
#[derive(Default)]
pub(super) struct Trees<'s> {
    pub(super) roots: BTreeMap<Top<'s>, Tree>,
    pub(super) present: BTreeMap<Held<'s>, Tree>,
    /// Of roots that may be any one of several, all of them.
    pub(super) possible: BTreeMap<Top<'s>, Vec<&'s Need>>,
    /// The failure of each cause that is no record that was read first.
    first_of: HashMap<&'s Outside, usize>,
}

/// What one tree stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Foot<'s> {
    Root(Top<'s>),
    Present(Held<'s>),
}

impl<'s> Trees<'s> {
    /// Nothing put together yet.
    pub(super) fn of(sketches: &'s [Sketch]) -> Self {
        let mut first_of: HashMap<&Outside, usize> = HashMap::new();
        for (index, sketch) in sketches.iter().enumerate() {
            let Some(outside) = &sketch.outside else { continue };
            let first = first_of.entry(outside).or_insert(index);
            if sketches.get(*first).is_some_and(|first| sketch.place < first.place) {
                *first = index;
            }
        }
        Self { first_of, ..Self::default() }
    }

    /// What a failure stands on whose chain ends at `top`, for that cause; nothing where it is unclear.
    pub(super) fn foot(&mut self, cause: &Cause<'s>, top: usize, head: &'s Sketch) -> Option<Foot<'s>> {
        Some(match cause {
            Cause::Unclear | Cause::Under(_) => return None,
            Cause::Present(needs) => Foot::Present(needs.iter().map(|need| (&need.lack, need.at)).collect()),
            Cause::Absent(needs) => {
                let mut lacks: Vec<&Lack> = needs.iter().map(|need| &need.lack).collect();
                lacks.sort_unstable();
                let root = (lacks, 0);
                if needs.len() > 1 {
                    self.possible.entry(root.clone()).or_insert_with(|| needs.clone());
                }
                Foot::Root(root)
            }
            Cause::Own => {
                // One cause is behind all failures that are of no record.
                let first = head.outside.as_ref().and_then(|outside| self.first_of.get(outside));
                Foot::Root((Vec::new(), first.copied().unwrap_or(top)))
            }
        })
    }

    /// The tree that stands on it.
    pub(super) fn tree(&mut self, foot: Foot<'s>, leaf: usize, depth: usize) -> &mut Tree {
        let tree = || Tree::of(leaf, depth);
        match foot {
            Foot::Root(root) => self.roots.entry(root).or_insert_with(tree),
            Foot::Present(held) => self.present.entry(held).or_insert_with(tree),
        }
    }

    /// Counts failures with what they wait for besides their cause, each once with what it does not hang below.
    pub(super) fn add_besides(
        &mut self,
        others: &[(usize, Cause<'s>)],
        causes: &[Cause<'s>],
        tops: &[(usize, usize)],
        sketches: &'s [Sketch],
    ) {
        for of_one in others.chunk_by(|(a, _), (b, _)| a == b) {
            let mut counted: Vec<Foot<'s>> = Vec::new();
            for (index, other) in of_one {
                let mut foot_of = |index: usize| {
                    let (top, _) = *tops.get(index)?;
                    self.foot(causes.get(top)?, top, sketches.get(top)?)
                };
                if counted.is_empty() {
                    counted.extend(foot_of(*index));
                }
                let foot = match other {
                    Cause::Under(above) => foot_of(*above),
                    other => sketches.get(*index).and_then(|head| self.foot(other, *index, head)),
                };
                if let Some(foot) = foot.filter(|foot| !counted.contains(foot)) {
                    counted.push(foot.clone());
                    self.tree(foot, *index, 0).also += 1;
                }
            }
        }
    }
}
