//! From each failure to the top of its chain.

use super::{Lack, Need, Sketch};
use crate::diagnosis::codes::Code;

/// Why a record failed.
#[derive(Clone, Copy)]
pub(super) enum Cause<'s> {
    /// For a reason of its own.
    Own,
    /// Because another record failed.
    Under(usize),
    /// Because nothing supplies what it needs.
    Absent(&'s Need),
    /// Because of what the folder has and no failure is of.
    Present(&'s Need),
    Unclear,
}

/// What a failure is sorted under: what is missing or, of another cause, its first failure.
pub(super) type Top<'s> = (Option<&'s Lack>, usize);

/// Everything below one top.
pub(super) struct Tree {
    pub(super) failures: usize,
    /// How far the failure is that is farthest from the top, and which it is.
    depth: usize,
    pub(super) leaf: usize,
}

impl Tree {
    pub(super) fn of(leaf: usize, depth: usize) -> Self {
        Self { failures: 0, depth, leaf }
    }

    pub(super) fn add(&mut self, leaf: usize, depth: usize) {
        self.failures += 1;
        if depth > self.depth {
            (self.depth, self.leaf) = (depth, leaf);
        }
    }
}

/// The cause of a failure; `above` are the failed records that it may wait for.
pub(super) fn cause<'s>(index: usize, sketch: &'s Sketch, above: &[usize]) -> Cause<'s> {
    let waits =
        matches!(sketch.code, Code::UnresolvedReference | Code::DescriptorValueMissing | Code::RelationshipMissing);
    if !waits {
        return if sketch.code == Code::Unknown { Cause::Unclear } else { Cause::Own };
    }
    if let Some(above) = above.iter().find(|above| **above != index) {
        return Cause::Under(*above);
    }
    let absent: Vec<&Need> = sketch.needs.iter().filter(|need| need.at.is_none()).collect();
    // Where any one may be missing, what no file could supply is more likely on the server already.
    let likely: Vec<&Need> = absent.iter().copied().filter(|need| !need.assumed).collect();
    match (absent.as_slice(), likely.as_slice()) {
        ([only], _) => Cause::Absent(only),
        ([first, ..], _) if sketch.sure => Cause::Absent(first),
        (_, [only]) => Cause::Absent(only),
        // A denial without a person, and a message without a reference, stand for themselves.
        ([], _) if sketch.code == Code::RelationshipMissing && sketch.needs.is_empty() => Cause::Own,
        // What failed itself is the cause of nothing that it could be here.
        ([], _) if above.is_empty() => match sketch.needs.as_slice() {
            [only] => Cause::Present(only),
            [first, ..] if sketch.sure => Cause::Present(first),
            _ => Cause::Unclear,
        },
        _ => Cause::Unclear,
    }
}

/// For every failure the one at the top of its chain and how far away that is; `None` where the chain
/// ends in nothing or runs in a circle. Each failure is visited once.
pub(super) fn tops(causes: &[Cause<'_>]) -> Vec<Option<(usize, usize)>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Unseen,
        Open,
        Done(Option<(usize, usize)>),
    }
    let mut states = vec![State::Unseen; causes.len()];
    for start in 0..causes.len() {
        let mut way = Vec::new();
        let mut at = start;
        let mut top = loop {
            match (states.get(at).copied(), causes.get(at)) {
                (Some(State::Done(top)), _) => break top,
                (Some(State::Unseen), Some(Cause::Under(above))) => {
                    states[at] = State::Open;
                    way.push(at);
                    at = *above;
                }
                (Some(State::Unseen), Some(Cause::Own | Cause::Absent(_) | Cause::Present(_))) => {
                    states[at] = State::Done(Some((at, 0)));
                    break Some((at, 0));
                }
                // A circle, or a cause nobody knows.
                _ => break None,
            }
        };
        while let Some(below) = way.pop() {
            top = top.map(|(top, depth)| (top, depth + 1));
            states[below] = State::Done(top);
        }
        if states[start] == State::Unseen {
            states[start] = State::Done(top);
        }
    }
    states.into_iter().map(|state| if let State::Done(top) = state { top } else { None }).collect()
}
