//! References that are looked up together.
//!
//! The keys of a large resource are in no cache, and a processor that waits for one line of memory after
//! the other spends most of its time so. A batch asks for all of them first, and they come together.

use super::scan::{Lane, Pending};
use super::store::Range;

/// References in a batch: what is kept of them stays in the nearest caches.
const BATCH: usize = 256;

/// References that wait for their batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    asked: Vec<(usize, Pending)>,
    ranges: Vec<Range>,
    answers: Vec<Answer>,
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
    #[inline]
    pub(crate) fn push(&mut self, lane: usize, asked: Pending) {
        self.asked.push((lane, asked));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.asked.len() >= BATCH
    }

    /// Looks everything up, in the order it was asked for, and is empty then.
    pub(crate) fn answer(&mut self, lanes: &[Lane]) -> Vec<Answer> {
        let targets = |lane: usize, asked: &Pending| {
            lanes.get(lane).and_then(|lane| lane.targets.get(asked.position as usize)).map_or(&[][..], Vec::as_slice)
        };
        let table = |target: &usize| lanes.get(*target).map(|lane| &lane.table);
        self.ranges.clear();
        self.ranges.extend(self.asked.iter().map(|(lane, asked)| {
            let first = targets(*lane, asked).first().and_then(table);
            first.map(|table| table.range(asked.key)).unwrap_or_default()
        }));
        // Nothing is done with what is read here, but that it is there afterwards.
        let mut touched = 0;
        for ((lane, asked), range) in self.asked.iter().zip(&self.ranges) {
            let first = targets(*lane, asked).first().and_then(table);
            touched ^= first.map_or(0, |table| table.touch(range));
        }
        std::hint::black_box(touched);
        let mut answers = std::mem::take(&mut self.answers);
        answers.extend(self.asked.iter().zip(&self.ranges).map(|(&(lane, asked), range)| {
            let mut choices = targets(lane, &asked).iter().enumerate();
            let in_first = choices.next().and_then(|(choice, &lane)| {
                let at = table(&lane)?.find_within(range, asked.key)?;
                Some(Supplier { choice, lane, at })
            });
            let found = in_first.or_else(|| {
                choices.find_map(|(choice, &lane)| {
                    let at = table(&lane)?.find(asked.key)?;
                    Some(Supplier { choice, lane, at })
                })
            });
            Answer { lane, asked, found }
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
