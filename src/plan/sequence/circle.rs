//! Orders the records of resources that refer to each other or to themselves.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::Skip;
use crate::graph::{Constraint, Precedence};
use crate::records::{Chosen, InnerReference, Place, ReadOptions, Scan, Unreadable};

/// Constraints up to which the fewest deferrals are searched for; beyond, they are few but perhaps not
/// the fewest.
const SEARCHED: usize = 200;

/// Records in an order in which each finds what it refers to.
pub(super) struct Circle {
    /// Files, in order.
    pub(super) runs: Vec<Run>,
    /// Records that are sent without some references first.
    pub(super) deferred: BTreeMap<Place, BTreeSet<Skip>>,
    /// Records that wait for each other by required references.
    pub(super) impossible: Vec<Vec<Place>>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// Records of one lane that can be sent once all runs before are.
pub(super) struct Run {
    pub(super) lane: usize,
    pub(super) places: Vec<Place>,
    /// Whether a record needs one before it in the run.
    pub(super) ordered: bool,
}

/// One record needs another.
#[derive(Debug, Clone, Copy)]
struct Need {
    /// The record that must be there first.
    of: usize,
    /// The record that needs it.
    by: usize,
    /// The reference, where it is one that can be left out at first.
    optional: Option<u32>,
    done: bool,
}

/// The records of a circle, numbered by place.
struct Records {
    places: Vec<Place>,
    lanes: Vec<usize>,
    needs: Vec<Need>,
    /// For each record the needs it meets.
    meets: Vec<Vec<u32>>,
    /// For each record how many of its needs are not met.
    waiting: Vec<u32>,
    sent: Vec<bool>,
}

/// Orders the chosen records of some lanes. O(records + references between them), but for each deferral of
/// one circle of records once more over what is left.
pub(super) fn order(scan: &Scan<'_, '_>, lanes: &[usize], chosen: Chosen<'_>, read: &ReadOptions<'_>) -> Circle {
    let inner = scan.inner_references(lanes, chosen, read);
    let mut records = Records::new(scan, inner.places, &inner.references);
    let mut circle =
        Circle { runs: Vec::new(), deferred: BTreeMap::new(), impossible: Vec::new(), unreadable: inner.unreadable };
    let mut ready: BTreeMap<usize, BinaryHeap<Reverse<usize>>> =
        lanes.iter().map(|l| (*l, BinaryHeap::new())).collect();
    let mut left = records.places.len();
    for record in 0..records.places.len() {
        if records.waiting.get(record) == Some(&0) {
            push(&mut ready, &records, record);
        }
    }
    while left > 0 {
        let mut moved = false;
        for &lane in lanes {
            let run = records.run(lane, &mut ready);
            if !run.places.is_empty() {
                left -= run.places.len();
                moved = true;
                match circle.runs.last_mut() {
                    // What was freed by a deferral follows in the same file.
                    Some(last) if last.lane == lane => {
                        last.places.extend(run.places);
                        last.ordered = true;
                    }
                    _ => circle.runs.push(run),
                }
            }
        }
        if !moved {
            let (freed, given_up) = records.unlock(&mut circle);
            left -= given_up;
            if freed.is_empty() && given_up == 0 {
                break;
            }
            for record in freed {
                push(&mut ready, &records, record);
            }
        }
    }
    circle
}

fn push(ready: &mut BTreeMap<usize, BinaryHeap<Reverse<usize>>>, records: &Records, record: usize) {
    let lane = records.lanes.get(record).copied().unwrap_or_default();
    ready.entry(lane).or_default().push(Reverse(record));
}

impl Records {
    fn new(scan: &Scan<'_, '_>, places: Vec<Place>, references: &[InnerReference]) -> Self {
        let number = |place: Place| places.binary_search(&place).ok();
        let mut needs = Vec::with_capacity(references.len());
        for reference in references {
            let (Some(of), Some(by)) = (number(reference.to), number(reference.from)) else { continue };
            if let Some(position) = reference.position {
                let lane = scan.lane_at(reference.from).unwrap_or_default();
                let required = scan.reference(lane, position).is_none_or(|r| r.required);
                // A record that requires itself can never be sent; one that may leave itself out can.
                needs.push(Need { of, by, optional: (!required).then_some(position), done: false });
            } else {
                needs.push(Need { of, by, optional: None, done: false });
            }
        }
        let mut meets = vec![Vec::new(); places.len()];
        let mut waiting = vec![0; places.len()];
        for (number, need) in (0..).zip(&needs) {
            if let (Some(meets), Some(waiting)) = (meets.get_mut(need.of), waiting.get_mut(need.by)) {
                meets.push(number);
                *waiting += 1;
            }
        }
        let lanes = places.iter().map(|place| scan.lane_at(*place).unwrap_or_default()).collect();
        Self { sent: vec![false; places.len()], places, lanes, needs, meets, waiting }
    }

    /// Sends what is ready of a lane, and what becomes ready by it.
    fn run(&mut self, lane: usize, ready: &mut BTreeMap<usize, BinaryHeap<Reverse<usize>>>) -> Run {
        let mut run = Run { lane, places: Vec::new(), ordered: false };
        let first = ready.get(&lane).map_or(0, BinaryHeap::len);
        while let Some(Reverse(record)) = ready.get_mut(&lane).and_then(BinaryHeap::pop) {
            run.places.extend(self.places.get(record));
            for freed in self.send(record) {
                push(ready, self, freed);
            }
        }
        run.ordered = run.places.len() > first;
        run
    }

    /// Marks a record as sent; the records that wait for nothing more.
    fn send(&mut self, record: usize) -> Vec<usize> {
        if let Some(sent) = self.sent.get_mut(record) {
            *sent = true;
        }
        let met = self.meets.get_mut(record).map(std::mem::take).unwrap_or_default();
        met.into_iter().filter_map(|need| self.settle(need as usize)).collect()
    }

    /// Ends a need; the record that waits for nothing more by that.
    fn settle(&mut self, need: usize) -> Option<usize> {
        let need = self.needs.get_mut(need).filter(|need| !need.done)?;
        need.done = true;
        let by = need.by;
        let waiting = self.waiting.get_mut(by)?;
        *waiting = waiting.saturating_sub(1);
        (*waiting == 0 && self.sent.get(by) == Some(&false)).then_some(by)
    }

    /// Breaks the circles that nothing outside them holds up: the records that can go now, and how
    /// many were given up.
    fn unlock(&mut self, circle: &mut Circle) -> (Vec<usize>, usize) {
        let left: Vec<usize> = (0..self.places.len()).filter(|r| self.sent.get(*r) == Some(&false)).collect();
        let number = |record: usize| left.binary_search(&record).ok();
        let open: Vec<(usize, Constraint)> = self
            .needs
            .iter()
            .enumerate()
            .filter(|(_, need)| !need.done)
            .filter_map(|(at, need)| {
                let constraint = Constraint {
                    before: number(need.of)?,
                    after: number(need.by)?,
                    removable: need.optional.is_some(),
                };
                Some((at, constraint))
            })
            .collect();
        let precedence =
            Precedence { steps: left.len(), constraints: open.iter().map(|(_, constraint)| *constraint).collect() };
        let components = precedence.components();
        let mut component_of = vec![usize::MAX; left.len()];
        for (number, component) in components.iter().enumerate() {
            for &step in component {
                if let Some(of) = component_of.get_mut(step) {
                    *of = number;
                }
            }
        }
        let of = |step: usize| component_of.get(step).copied().unwrap_or(usize::MAX);
        let mut inside: Vec<Vec<usize>> = vec![Vec::new(); components.len()];
        let mut held_up = vec![false; components.len()];
        for (position, (_, constraint)) in open.iter().enumerate() {
            let after = of(constraint.after);
            if of(constraint.before) == after {
                if let Some(inside) = inside.get_mut(after) {
                    inside.push(position);
                }
            } else if let Some(held_up) = held_up.get_mut(after) {
                *held_up = true;
            }
        }
        let (mut freed, mut given_up) = (Vec::new(), 0);
        for ((component, inside), _) in components.iter().zip(&inside).zip(&held_up).filter(|(_, held_up)| !**held_up) {
            let constraints: Vec<(usize, Constraint)> = inside.iter().filter_map(|at| open.get(*at).copied()).collect();
            let choice = to_defer(component, &constraints);
            if choice.is_empty() {
                let records: Vec<usize> = component.iter().filter_map(|step| left.get(*step).copied()).collect();
                given_up += records.len();
                circle.impossible.push(records.iter().filter_map(|r| self.places.get(*r).copied()).collect());
                freed.extend(records.into_iter().flat_map(|record| self.send(record)).collect::<Vec<_>>());
                continue;
            }
            for at in choice {
                let Some(&Need { of, by, optional: Some(position), .. }) = self.needs.get(at) else { continue };
                if let (Some(&of), Some(&by)) = (self.places.get(of), self.places.get(by)) {
                    circle.deferred.entry(by).or_default().insert((position, of));
                }
                freed.extend(self.settle(at));
            }
        }
        // What was given up frees others, but not its own kind.
        freed.retain(|record| self.sent.get(*record) == Some(&false));
        freed.sort_unstable();
        freed.dedup();
        (freed, given_up)
    }
}

/// Which needs of one circle to defer: the fewest where that can be searched, else those of the first
/// record that waits for nothing but optional references. None where the circle is of required ones.
fn to_defer(component: &[usize], constraints: &[(usize, Constraint)]) -> Vec<usize> {
    let number = |step: usize| component.binary_search(&step).ok();
    if constraints.len() <= SEARCHED {
        let within = constraints.iter().filter_map(|(_, c)| {
            Some(Constraint { before: number(c.before)?, after: number(c.after)?, removable: c.removable })
        });
        let precedence = Precedence { steps: component.len(), constraints: within.collect() };
        let removed = precedence.break_cycles(|_| 0).map(|b| b.removed).unwrap_or_default();
        return removed.into_iter().filter_map(|at| constraints.get(at)).map(|(need, _)| *need).collect();
    }
    let mut optional: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut required = BTreeSet::new();
    for (need, constraint) in constraints {
        if constraint.removable {
            optional.entry(constraint.after).or_default().push(*need);
        } else {
            required.insert(constraint.after);
        }
    }
    let mut free = optional.into_iter().filter(|(step, _)| !required.contains(step));
    free.next().map(|(_, needs)| needs).unwrap_or_default()
}
