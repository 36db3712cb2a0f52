//! From each failure to the top of its chain.

use std::collections::HashSet;

use super::{Lack, Need, Sketch};
use crate::diagnosis::codes::Code;

/// Why a record failed.
pub(super) enum Cause<'s> {
    /// For a reason of its own.
    Own,
    /// Because another record failed.
    Under(usize),
    /// Because nothing supplies what it needs; where any one of several may be meant, all of them, the
    /// required first.
    Absent(Vec<&'s Need>),
    /// Because of what the folder has and no failure is of, or any one of that.
    Present(Vec<&'s Need>),
    Unclear,
}

/// What a failure is sorted under: what is missing, or any one of that, or, of another cause, its first
/// failure.
pub(super) type Top<'s> = (Vec<&'s Lack>, usize);

/// Everything below one top.
pub(super) struct Tree {
    pub(super) failures: usize,
    /// Failures that wait for it as well and are counted below another.
    pub(super) also: usize,
    /// How far the failure is that is farthest from the top, and which it is.
    depth: usize,
    pub(super) leaf: usize,
}

impl Tree {
    pub(super) fn of(leaf: usize, depth: usize) -> Self {
        Self { failures: 0, also: 0, depth, leaf }
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
    let mut absent: Vec<&Need> = sketch.needs.iter().filter(|need| need.at.is_none()).collect();
    // School years are in no file of anybody.
    if absent.iter().any(|need| !need.year) {
        absent.retain(|need| !need.year);
    }
    absent.sort_by_key(|need| !need.required);
    // Where any one may be missing, what no file could supply is more likely on the server already.
    let likely: Vec<&Need> = absent.iter().copied().filter(|need| !need.assumed).collect();
    match (absent.as_slice(), likely.as_slice()) {
        ([only], _) => Cause::Absent(vec![only]),
        ([first, ..], _) if sketch.sure => Cause::Absent(vec![first]),
        (_, [only]) => Cause::Absent(vec![only]),
        ([_, ..], []) if sketch.told => Cause::Absent(absent),
        ([_, ..], [_, ..]) if sketch.told => Cause::Absent(likely),
        // A denial without a person, and a message without a reference, stand for themselves.
        ([], _) if sketch.code == Code::RelationshipMissing && sketch.needs.is_empty() => Cause::Own,
        // What failed itself is the cause of nothing that it could be here.
        ([], _) if above.is_empty() => match sketch.needs.as_slice() {
            [] => Cause::Unclear,
            [first, ..] if sketch.sure => Cause::Present(vec![first]),
            several => Cause::Present(several.iter().collect()),
        },
        _ => Cause::Unclear,
    }
}

/// What a failure waits for besides its cause, where the message names several things: a DMS lists all that is
/// missing. `found` are the failed records that the needs are of.
pub(super) fn besides<'s>(
    index: usize,
    sketch: &'s Sketch,
    found: &[Option<usize>],
    first: &Cause<'s>,
) -> Vec<Cause<'s>> {
    if !sketch.sure || sketch.needs.len() < 2 {
        return Vec::new();
    }
    let one = |(need, found): (&'s Need, &Option<usize>)| match (*found, first) {
        (Some(above), Cause::Under(known)) if above == *known => None,
        (Some(above), _) => (above != index).then_some(Cause::Under(above)),
        (None, Cause::Absent(known) | Cause::Present(known)) if known.iter().any(|k| k.lack == need.lack) => None,
        (None, _) if need.at.is_none() => Some(Cause::Absent(vec![need])),
        (None, _) => Some(Cause::Present(vec![need])),
    };
    sketch.needs.iter().zip(found).filter_map(one).collect()
}

/// What is surely missing for one failure is so for all: where it is among what another may wait for, that is
/// no longer open.
pub(super) fn settle<'s>(sketches: &'s [Sketch], causes: &mut [Cause<'s>], besides: &[(usize, Cause<'s>)]) {
    let sure = |(sketch, cause): (&Sketch, &Cause<'s>)| match cause {
        Cause::Absent(needs) if sketch.sure => needs.first().map(|need| &need.lack),
        _ => None,
    };
    let others = besides.iter().filter_map(|(_, cause)| match cause {
        Cause::Absent(needs) => needs.first().map(|need| &need.lack),
        _ => None,
    });
    let missing: HashSet<&Lack> = sketches.iter().zip(causes.iter()).filter_map(sure).chain(others).collect();
    for cause in causes {
        if let Cause::Absent(needs) = cause
            && needs.len() > 1
            && let Some(known) = needs.iter().copied().find(|need| missing.contains(&need.lack))
        {
            *needs = vec![known];
        }
    }
}

/// For every failure the one at the top of its chain and how far away that is; where the chain runs in a
/// circle, the one at which it was entered. Each failure is visited once.
pub(super) fn tops(causes: &[Cause<'_>]) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy)]
    enum State {
        Unseen,
        Open,
        Done((usize, usize)),
    }
    let mut states = vec![State::Unseen; causes.len()];
    for start in 0..causes.len() {
        let mut way = Vec::new();
        let mut at = start;
        let (top, mut depth) = loop {
            match (states.get(at).copied(), causes.get(at)) {
                (Some(State::Done(top)), _) => break top,
                (Some(State::Unseen), Some(Cause::Under(above))) => {
                    states[at] = State::Open;
                    way.push(at);
                    at = *above;
                }
                (Some(State::Unseen), Some(_)) => {
                    states[at] = State::Done((at, 0));
                    break (at, 0);
                }
                // A circle.
                _ => break (at, 0),
            }
        };
        while let Some(below) = way.pop() {
            depth += 1;
            states[below] = State::Done((top, depth));
        }
    }
    let top = |(at, state)| if let State::Done(top) = state { top } else { (at, 0) };
    states.into_iter().enumerate().map(top).collect()
}
