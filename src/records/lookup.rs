//! References that are looked up together.
//!
//! The keys of a large resource are in no cache, and a processor that waits for one line of memory after
//! the other spends most of its time so. A batch asks for all of them first, and they come together.

use super::keys::Key;
use super::scan::{Lane, Pending};
use super::store::Range;

/// References in a batch: what is kept of them stays in the nearest caches.
const BATCH: usize = 256;

/// References that wait for their batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    asked: Vec<Asked>,
    ranges: Vec<Range>,
    answers: Vec<Answer>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    /// The lane of the record that refers.
    lane: usize,
    /// The first of the lanes that may supply it, and mostly the only one.
    target: usize,
    what: Pending,
}

/// What became of a reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// The lane of the record that refers.
    pub(crate) lane: usize,
    pub(crate) asked: Pending,
    pub(crate) found: Option<Supplier>,
}

/// A key that supplies a reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Supplier {
    /// Which of the lanes that may supply it.
    pub(crate) choice: usize,
    pub(crate) lane: usize,
    /// The position of the key there.
    pub(crate) at: usize,
}

impl Batch {
    /// Adds a reference of a record of `lane`; `target` is the first lane that may supply it.
    #[inline]
    pub(crate) fn push(&mut self, lane: usize, target: usize, what: Pending) {
        self.asked.push(Asked { lane, target, what });
    }

    pub(crate) fn is_full(&self) -> bool {
        self.asked.len() >= BATCH
    }

    /// Looks everything up, in the order it was asked for, and is empty then.
    pub(crate) fn answer(&mut self, lanes: &[Lane]) -> Vec<Answer> {
        let table = |lane: usize| lanes.get(lane).map(|lane| &lane.table);
        let range = |asked: &Asked| table(asked.target).map(|table| table.range(asked.what.key)).unwrap_or_default();
        self.ranges.clear();
        self.ranges.extend(self.asked.iter().map(range));
        // Nothing is done with what is read here, but that it is there afterwards.
        let touch = |(asked, range): (&Asked, &Range)| table(asked.target).map_or(0, |table| table.touch(range));
        std::hint::black_box(self.asked.iter().zip(&self.ranges).map(touch).fold(0, |all, one| all ^ one));
        let mut answers = std::mem::take(&mut self.answers);
        answers.extend(self.asked.iter().zip(&self.ranges).map(|(&Asked { lane, target, what }, range)| {
            let at = table(target).and_then(|table| table.find_within(range, what.key));
            let found = match at {
                Some(at) => Some(Supplier { choice: 0, lane: target, at }),
                None => supplier(lanes, lane, what.position, what.key, 1),
            };
            Answer { lane, asked: what, found }
        }));
        self.asked.clear();
        answers
    }

    /// Takes back the list of answers, to fill it again.
    pub(crate) fn reuse(&mut self, mut answers: Vec<Answer>) {
        answers.clear();
        self.answers = answers;
    }
}

/// Looks a reference of a record of `lane` up in the lanes that may supply it, but for the first `skipped`.
#[inline]
pub(crate) fn supplier(lanes: &[Lane], lane: usize, position: u32, key: Key, skipped: usize) -> Option<Supplier> {
    let targets = lanes.get(lane)?.targets.get(position as usize)?;
    targets.iter().enumerate().skip(skipped).find_map(|(choice, &lane)| {
        let at = lanes.get(lane)?.table.find(key)?;
        Some(Supplier { choice, lane, at })
    })
}
