//! Sets of constraints whose removal leaves no cycle, small but not for certain the smallest, where those take
//! too long.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};

use super::component::{Component, Leaving, Looking, Removed};

/// Constraints that the removal of whole cycles looks at before it gives up: a fraction of a second.
const WHOLE_CYCLES: usize = 10_000_000;

/// Constraints that are looked at to find which of those removed can be put back.
const PUT_BACK: usize = 10_000_000;

impl Component {
    /// A set of which nothing can be put back, as far as the budget reaches to tell: whole cycles, or what runs
    /// against one order, whichever are fewer.
    pub(super) fn small_set(&self) -> BTreeSet<usize> {
        let mut removed = self.against_an_order();
        self.put_back(&mut removed);
        if let Some(mut whole) = self.whole_cycles() {
            self.put_back(&mut whole);
            if count(&whole) <= count(&removed) {
                removed = whole;
            }
        }
        self.positions_of(numbers(&removed))
    }

    /// Takes whole cycles, shortest first, which share no constraint, so at most *k* times the smallest set.
    /// `None` when the budget is spent.
    fn whole_cycles(&self) -> Option<Removed> {
        let mut looking = Looking::new(self, WHOLE_CYCLES);
        let mut removed = self.none_removed();
        let mut at_least = 1;
        while let Some(shortest) = self.shortest_cycle(&removed, at_least, &mut looking)? {
            // All others of that length in one pass over the steps: none becomes shorter by what is removed.
            at_least = shortest.len();
            for start in 0..self.leaving.len() {
                while let Some(cycle) = self.cycle_through(start, &removed, at_least + 1, &mut looking)? {
                    self.removable_of(&cycle).into_iter().for_each(|number| removed.0[number] = true);
                }
            }
        }
        Some(removed)
    }

    /// Puts back what closes no cycle any more, one after another, until the budget is spent.
    fn put_back(&self, removed: &mut Removed) {
        let mut looking = Looking::new(self, PUT_BACK);
        for (step, leaving) in self.all() {
            if !std::mem::replace(&mut removed.0[leaving.number], false) {
                continue;
            }
            // There was no cycle, so one that is there now runs through its steps.
            let closes = self.cycle_through(step, removed, usize::MAX, &mut looking);
            if !matches!(closes, Some(None)) {
                removed.0[leaving.number] = true;
            }
            if closes.is_none() {
                return;
            }
        }
    }

    /// The removable constraints that run against an order of the steps in which the others hold, of three such
    /// orders the best one. O((steps + constraints) log steps).
    fn against_an_order(&self) -> Removed {
        let against = |place: Vec<usize>| {
            let mut removed = self.none_removed();
            for (step, leaving) in self.all().filter(|(_, leaving)| leaving.removable) {
                removed.0[leaving.number] = place[step] >= place[leaving.after];
            }
            removed
        };
        let orders = [self.by_balance(), self.order(false), self.order(true)].map(against);
        orders.into_iter().min_by_key(count).unwrap_or_else(|| self.none_removed())
    }

    /// The place of each step in an order in which the fixed constraints hold: the first of those that are ready
    /// comes next, or, `along` the removable ones, one that is ready behind the step before, which leaves little
    /// of a long cycle against the order. O(steps + constraints).
    fn order(&self, along: bool) -> Vec<usize> {
        let mut waiting = vec![0_usize; self.leaving.len()];
        self.all().filter(|(_, leaving)| !leaving.removable).for_each(|(_, leaving)| waiting[leaving.after] += 1);
        let mut ready: VecDeque<usize> = (0..waiting.len()).filter(|&step| waiting[step] == 0).collect();
        let mut place: Vec<Option<usize>> = vec![None; waiting.len()];
        let mut next = 0;
        while let Some(step) = ready.pop_front() {
            if place[step].is_some() {
                continue;
            }
            place[step] = Some(next);
            next += 1;
            for &Leaving { after, removable, .. } in &self.leaving[step] {
                waiting[after] -= usize::from(!removable);
                match waiting[after] == 0 && place[after].is_none() {
                    true if along => ready.push_front(after),
                    true if !removable => ready.push_back(after),
                    _ => {}
                }
            }
        }
        place.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// The place of each step in an order in which the fixed constraints hold, made from both ends: what nothing
    /// waits for goes last, what waits for nothing first, and else the step comes next that most wait for, less
    /// what it waits for itself (Eades, Lin and Smyth 1993). O((steps + constraints) log steps).
    fn by_balance(&self) -> Vec<usize> {
        let steps = self.leaving.len();
        let mut arriving: Vec<Vec<(usize, bool)>> = vec![Vec::new(); steps];
        let mut ends = vec![Ends::default(); steps];
        for (step, leaving) in self.all() {
            arriving[leaving.after].push((step, leaving.removable));
            ends[step].leaving += 1;
            ends[leaving.after].arriving += 1;
            ends[leaving.after].fixed += usize::from(!leaving.removable);
        }
        let balance =
            |ends: &Ends, step: usize| (Reverse(ends.leaving.cast_signed() - ends.arriving.cast_signed()), step);
        let is_ready = |ends: &Ends| ends.fixed == 0;
        let ready = (0..steps).filter(|&step| is_ready(&ends[step]));
        let mut ready: BTreeSet<(Reverse<isize>, usize)> = ready.map(|step| balance(&ends[step], step)).collect();
        let mut last: Vec<usize> = (0..steps).filter(|&step| ends[step].leaving == 0).collect();
        let mut first: Vec<usize> = (0..steps).filter(|&step| ends[step].arriving == 0).collect();
        let mut place: Vec<Option<usize>> = vec![None; steps];
        let (mut next, mut end) = (0, steps);
        while next < end {
            // Without an end that is free, one that nothing fixed waits before: the fixed make no cycle.
            let at_end = last.pop();
            let Some(step) = at_end.or_else(|| first.pop()).or_else(|| ready.first().map(|(_, step)| *step)) else {
                break;
            };
            if place[step].is_some() {
                continue;
            }
            place[step] = Some(if at_end.is_some() { end - 1 } else { next });
            (next, end) = if at_end.is_some() { (next, end - 1) } else { (next + 1, end) };
            ready.remove(&balance(&ends[step], step));
            for leaving in self.leaving[step].iter().filter(|leaving| place[leaving.after].is_none()) {
                let of = &mut ends[leaving.after];
                ready.remove(&balance(of, leaving.after));
                of.arriving -= 1;
                of.fixed -= usize::from(!leaving.removable);
                if of.arriving == 0 {
                    first.push(leaving.after);
                }
                if is_ready(of) {
                    ready.insert(balance(of, leaving.after));
                }
            }
            for &(before, _) in arriving[step].iter().filter(|(before, _)| place[*before].is_none()) {
                let of = &mut ends[before];
                let was_ready = ready.remove(&balance(of, before));
                of.leaving -= 1;
                if of.leaving == 0 {
                    last.push(before);
                }
                if was_ready {
                    ready.insert(balance(of, before));
                }
            }
        }
        place.into_iter().map(Option::unwrap_or_default).collect()
    }
}

/// How many constraints join a step to those that have no place yet.
#[derive(Debug, Clone, Default)]
struct Ends {
    leaving: usize,
    arriving: usize,
    /// Of those that arrive.
    fixed: usize,
}

fn numbers(removed: &Removed) -> impl Iterator<Item = usize> {
    removed.0.iter().enumerate().filter(|(_, removed)| **removed).map(|(number, _)| number)
}

fn count(removed: &Removed) -> usize {
    numbers(removed).count()
}
