//! One component: steps that wait for each other, and the smallest sets of constraints whose removal leaves
//! no cycle among them.

use std::collections::{BTreeSet, VecDeque};

/// Constraints that the exact search looks at before it gives up: a fraction of a second. A bundled
/// graph takes a thousandth of it.
const EXACT: usize = 20_000_000;

/// For each of its steps, from 0, the steps after it. Constraints have numbers of their own here, in the order
/// of their positions.
pub(super) struct Component {
    pub(super) leaving: Vec<Vec<Leaving>>,
    /// By number.
    pub(super) positions: Vec<usize>,
    /// Whether each can be removed, by number.
    pub(super) removable: Vec<bool>,
}

/// A constraint at the step that it leaves.
#[derive(Clone, Copy)]
pub(super) struct Leaving {
    pub(super) after: usize,
    pub(super) number: usize,
    pub(super) removable: bool,
}

/// Constraints that are taken away, by number.
#[derive(Clone)]
pub(super) struct Removed(pub(super) Vec<bool>);

/// Looks for cycles and keeps account of the constraints that it looked at.
pub(super) struct Looking {
    left: usize,
    /// By which step and constraint each step was reached, and in which walk.
    came_by: Vec<(usize, usize, usize)>,
    walks: usize,
}

impl Looking {
    pub(super) fn new(component: &Component, budget: usize) -> Self {
        Self { left: budget, came_by: vec![(0, 0, 0); component.leaving.len()], walks: 0 }
    }

    /// Takes from the budget; `None` when it is spent.
    pub(super) fn spend(&mut self, looked_at: usize) -> Option<()> {
        self.left = self.left.checked_sub(looked_at)?;
        Some(())
    }
}

impl Component {
    pub(super) fn new(steps: usize) -> Self {
        Self { leaving: vec![Vec::new(); steps], positions: Vec::new(), removable: Vec::new() }
    }

    pub(super) fn add(&mut self, before: usize, after: usize, removable: bool, position: usize) {
        if let Some(leaving) = self.leaving.get_mut(before) {
            leaving.push(Leaving { after, number: self.positions.len(), removable });
            self.positions.push(position);
            self.removable.push(removable);
        }
    }

    pub(super) fn none_removed(&self) -> Removed {
        Removed(vec![false; self.positions.len()])
    }

    /// Every constraint with the step that it leaves.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Leaving)> {
        self.leaving.iter().enumerate().flat_map(|(step, list)| list.iter().map(move |leaving| (step, *leaving)))
    }

    /// The positions of constraints by number, among those of all components.
    pub(super) fn positions_of(&self, numbers: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        numbers.into_iter().filter_map(|number| self.positions.get(number)).copied().collect()
    }

    /// How many constraints it has.
    pub(super) fn size(&self) -> usize {
        self.positions.len()
    }

    /// The positions along a cycle of constraints that cannot be removed, the shortest where that is found soon.
    pub(super) fn fixed_cycle(&self) -> Option<Vec<usize>> {
        let mut removed = self.none_removed();
        self.all().filter(|(_, leaving)| leaving.removable).for_each(|(_, leaving)| removed.0[leaving.number] = true);
        let cycle = self.any_cycle(&removed)?;
        let shortest = self.shortest_cycle(&removed, 1, &mut Looking::new(self, EXACT)).flatten();
        let numbers = shortest.unwrap_or(cycle);
        Some(numbers.into_iter().filter_map(|number| self.positions.get(number)).copied().collect())
    }

    /// All smallest sets of removable constraints that leave no cycle, by position; `None` when the budget is
    /// spent. Every such set holds a constraint of every cycle, so branching over the removable
    /// constraints of the shortest remaining cycle finds them all.
    pub(super) fn smallest_sets(&self) -> Option<Vec<BTreeSet<usize>>> {
        // With no more constraints than steps it is one cycle, of whatever length.
        if self.size() == self.leaving.len() {
            let removable = self.all().filter(|(_, leaving)| leaving.removable);
            let mut sets: Vec<BTreeSet<usize>> =
                removable.map(|(_, leaving)| self.positions_of([leaving.number])).collect();
            sets.sort_unstable();
            return Some(sets);
        }
        let mut looking = Looking::new(self, EXACT);
        for size in 1..=self.size() {
            let mut found = BTreeSet::new();
            self.search(&mut self.none_removed(), size, 1, &mut found, &mut looking)?;
            if !found.is_empty() {
                return Some(found.into_iter().map(|numbers| self.positions_of(numbers)).collect());
            }
        }
        Some(Vec::new())
    }

    /// No cycle is shorter than `at_least`.
    fn search(
        &self,
        removed: &mut Removed,
        left: usize,
        at_least: usize,
        found: &mut BTreeSet<Vec<usize>>,
        looking: &mut Looking,
    ) -> Option<()> {
        looking.spend(self.size())?;
        if self.is_acyclic(removed) {
            let numbers = removed.0.iter().enumerate().filter(|(_, removed)| **removed).map(|(number, _)| number);
            found.insert(numbers.collect());
            return Some(());
        }
        if left == 0 {
            return Some(());
        }
        let cycle = self.shortest_cycle(removed, at_least, looking)??;
        let length = cycle.len();
        for number in self.removable_of(&cycle) {
            removed.0[number] = true;
            // Depth is the size of the answer, which the budget bounds long before the stack does.
            self.search(removed, left - 1, length, found, looking)?;
            removed.0[number] = false;
        }
        Some(())
    }

    /// The removable of some constraints, by number.
    pub(super) fn removable_of(&self, cycle: &[usize]) -> Vec<usize> {
        cycle.iter().copied().filter(|number| self.removable[*number]).collect()
    }

    /// Whether no cycle is left. O(steps + constraints).
    pub(super) fn is_acyclic(&self, removed: &Removed) -> bool {
        self.on_cycles(removed).is_empty()
    }

    /// The steps that remain when those that nothing waits before are taken away again and again: each
    /// of them waits for another of them. O(steps + constraints).
    fn on_cycles(&self, removed: &Removed) -> Vec<usize> {
        let kept = |step: usize| self.leaving[step].iter().filter(|l| !removed.0[l.number]).map(|l| l.after);
        let mut waiting = vec![0_usize; self.leaving.len()];
        (0..waiting.len()).flat_map(kept).for_each(|after| waiting[after] += 1);
        let mut ready: Vec<usize> = (0..waiting.len()).filter(|&step| waiting[step] == 0).collect();
        while let Some(step) = ready.pop() {
            for after in kept(step) {
                waiting[after] -= 1;
                if waiting[after] == 0 {
                    ready.push(after);
                }
            }
        }
        (0..waiting.len()).filter(|&step| waiting[step] > 0).collect()
    }

    /// The constraints along some cycle: walks back from a step that waits for another, until one comes
    /// again. O(steps + constraints).
    fn any_cycle(&self, removed: &Removed) -> Option<Vec<usize>> {
        let left = self.on_cycles(removed);
        let mut before: Vec<Option<(usize, usize)>> = vec![None; self.leaving.len()];
        for &step in &left {
            for leaving in self.leaving[step].iter().filter(|leaving| !removed.0[leaving.number]) {
                before[leaving.after] = before[leaving.after].or(Some((step, leaving.number)));
            }
        }
        let mut came: Vec<Option<usize>> = vec![None; self.leaving.len()];
        let mut cycle = Vec::new();
        let mut at = *left.first()?;
        loop {
            if let Some(start) = came[at] {
                let mut cycle = cycle.split_off(start);
                cycle.reverse();
                return Some(cycle);
            }
            came[at] = Some(cycle.len());
            let (from, number) = before[at]?;
            cycle.push(number);
            at = from;
        }
    }

    /// The constraints along a shortest cycle, the first in order of steps; `None` when the budget is spent. No
    /// cycle is shorter than `at_least`. O(steps × constraints).
    pub(super) fn shortest_cycle(
        &self,
        removed: &Removed,
        at_least: usize,
        looking: &mut Looking,
    ) -> Option<Option<Vec<usize>>> {
        let mut best: Option<Vec<usize>> = None;
        for start in 0..self.leaving.len() {
            let bound = best.as_ref().map_or(usize::MAX, Vec::len);
            if bound <= at_least {
                break;
            }
            best = self.cycle_through(start, removed, bound, looking)?.or(best);
        }
        Some(best)
    }

    /// A shortest cycle through a step, if it is shorter than `bound`; `None` when the budget is spent.
    pub(super) fn cycle_through(
        &self,
        start: usize,
        removed: &Removed,
        bound: usize,
        looking: &mut Looking,
    ) -> Option<Option<Vec<usize>>> {
        looking.walks += 1;
        let walk = looking.walks;
        let mut open = VecDeque::from([(start, 0_usize)]);
        while let Some((at, length)) = open.pop_front() {
            if length + 1 >= bound {
                return Some(None);
            }
            looking.spend(self.leaving[at].len() + 1)?;
            for leaving in self.leaving[at].iter().filter(|leaving| !removed.0[leaving.number]) {
                if leaving.after == start {
                    let mut cycle = vec![leaving.number];
                    let mut back = at;
                    while back != start {
                        let (_, from, by) = looking.came_by[back];
                        cycle.push(by);
                        back = from;
                    }
                    cycle.reverse();
                    return Some(Some(cycle));
                }
                if looking.came_by[leaving.after].0 != walk {
                    looking.came_by[leaving.after] = (walk, at, leaving.number);
                    open.push_back((leaving.after, length + 1));
                }
            }
        }
        Some(None)
    }
}
