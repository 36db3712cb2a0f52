//! Orders with as few constraints removed as cycles demand.
//!
//! Works on numbered steps and constraints between them, some removable; what a step is stays with
//! the caller. Reasons and bounds: docs/design.md, "Breaking cycles".

use std::collections::{BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// One step must come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Constraint {
    /// The step that comes first.
    pub before: usize,
    /// The step that comes later.
    pub after: usize,
    /// Whether it may be removed to break a cycle.
    pub removable: bool,
}

/// Steps `0..steps` and what must come before what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precedence {
    /// How many steps there are.
    pub steps: usize,
    /// The constraints; their position names them.
    pub constraints: Vec<Constraint>,
}

/// Constraints whose removal leaves no cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaking {
    /// Positions of the removed constraints, sorted.
    pub removed: Vec<usize>,
    /// Whether no smaller choice exists. Where that search would take too long, the choice is at most
    /// *k* times the smallest, *k* being the most removable constraints on one cycle; where that takes
    /// too long as well, it is what runs against one order of the steps, found in linear time.
    pub exact: bool,
}

/// A cycle of constraints none of which may be removed: the steps along it, the first again at the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a cycle of {} steps cannot be broken", .0.len().saturating_sub(1))]
pub struct UnbreakableCycle(pub Vec<usize>);

/// The place of each step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordering {
    /// For each step the number of counted steps on the longest chain before it.
    pub layer: Vec<usize>,
}

/// Constraints that the exact search looks at before it gives up: a fraction of a second. A bundled
/// graph takes a thousandth of it.
const EXACT: usize = 40_000_000;

/// Constraints that the removal of whole cycles looks at before it gives up.
const WHOLE_CYCLES: usize = 400_000_000;

/// Choices of several components that are compared together.
const COMBINATIONS: usize = 4096;

impl Precedence {
    /// Groups of steps that wait for each other in a circle, each sorted, in order of their first
    /// step. O(steps + constraints), iterative.
    #[must_use]
    pub fn components(&self) -> Vec<Vec<usize>> {
        // Most steps are neither on a cycle nor after one; only the others are worth a closer look.
        let stuck = self.stuck();
        let stays = |step: usize| stuck.get(step).copied().unwrap_or_default();
        if !(0..self.steps).any(stays) {
            return Vec::new();
        }
        let mut net: DiGraph<(), ()> = DiGraph::with_capacity(self.steps, 0);
        for _ in 0..self.steps {
            net.add_node(());
        }
        for c in self.constraints.iter().filter(|c| stays(c.before) && stays(c.after)) {
            net.add_edge(NodeIndex::new(c.before), NodeIndex::new(c.after), ());
        }
        let to_itself = |group: &[NodeIndex]| group.iter().any(|&n| net.contains_edge(n, n));
        let mut groups: Vec<Vec<usize>> = kosaraju_scc(&net)
            .into_iter()
            .filter(|group| group.len() > 1 || to_itself(group))
            .map(|group| {
                let mut steps: Vec<usize> = group.into_iter().map(NodeIndex::index).collect();
                steps.sort_unstable();
                steps
            })
            .collect();
        groups.sort();
        groups
    }

    /// Removes the fewest constraints that leave no cycle; among equally few, those of the least
    /// `cost`, then the first.
    ///
    /// Exact for all components that the search finishes within its budget, which includes every known
    /// standard; see [`Breaking::exact`] beyond.
    ///
    /// # Errors
    ///
    /// A cycle of constraints none of which is removable.
    pub fn break_cycles<C: Ord>(&self, cost: impl Fn(&[usize]) -> C) -> Result<Breaking, UnbreakableCycle> {
        let components = self.components();
        if components.is_empty() {
            return Ok(Breaking { removed: Vec::new(), exact: true });
        }
        for component in &components {
            let fixed = self.within(component, |c| !c.removable);
            if let Some(cycle) = fixed.any_cycle() {
                let shortest = (fixed.cycle_work() <= EXACT).then(|| fixed.shortest_cycle(&BTreeSet::new())).flatten();
                return Err(UnbreakableCycle(self.steps_of(&shortest.unwrap_or(cycle))));
            }
        }
        let mut exact = true;
        let choices: Vec<Vec<BTreeSet<usize>>> = components
            .iter()
            .map(|component| {
                let within = self.within(component, |_| true);
                within.smallest_sets().unwrap_or_else(|| {
                    exact = false;
                    vec![within.whole_cycles().unwrap_or_else(|| within.against_one_order())]
                })
            })
            .collect();
        let removed = choose(&choices, &|removed: &[usize]| cost(removed));
        Ok(Breaking { removed, exact })
    }

    /// The constraints inside one component.
    fn within(&self, component: &[usize], wanted: impl Fn(&Constraint) -> bool) -> Within<'_> {
        let inside = |step: usize| component.binary_search(&step).ok();
        let mut leaving: Vec<Vec<(usize, usize)>> = vec![Vec::new(); component.len()];
        for (position, c) in self.constraints.iter().enumerate().filter(|(_, c)| wanted(c)) {
            if let (Some(before), Some(after)) = (inside(c.before), inside(c.after))
                && let Some(list) = leaving.get_mut(before)
            {
                list.push((after, position));
            }
        }
        Within { all: self, leaving }
    }

    fn steps_of(&self, cycle: &[usize]) -> Vec<usize> {
        let mut steps: Vec<usize> = cycle.iter().filter_map(|&p| self.constraints.get(p)).map(|c| c.before).collect();
        steps.extend(steps.first().copied());
        steps
    }

    /// For each step whether it is on a cycle or behind one. O(steps + constraints), iterative.
    #[must_use]
    pub fn stuck(&self) -> Vec<bool> {
        self.in_order(&[], |_, _| {}).into_iter().map(|waiting| waiting > 0).collect()
    }

    /// The layer of every step: the counted steps on the longest chain that ends before it.
    /// Steps on a cycle that `removed` leaves keep layer 0. O(steps + constraints), iterative.
    #[must_use]
    pub fn layers(&self, removed: &[usize], counted: impl Fn(usize) -> bool) -> Ordering {
        let mut layer = vec![0; self.steps];
        self.in_order(removed, |step, after| {
            let next = layer[step] + usize::from(counted(step));
            for &after in after {
                layer[after] = layer[after].max(next);
            }
        });
        Ordering { layer }
    }

    /// Visits the steps, each with those right after it, when all before it have been visited. Returns for how
    /// many constraints each step still waits: those that are not visited are on a cycle that `removed`
    /// leaves, or after one. O(steps + constraints), iterative.
    fn in_order(&self, removed: &[usize], mut visit: impl FnMut(usize, &[usize])) -> Vec<usize> {
        let inside = |c: &Constraint| c.before < self.steps && c.after < self.steps;
        let kept = || {
            let all = self.constraints.iter().enumerate().filter(|(_, c)| inside(c));
            all.filter(|(position, _)| removed.binary_search(position).is_err()).map(|(_, c)| c)
        };
        // The steps after each step, one list behind another.
        let mut start = vec![0_usize; self.steps + 2];
        let mut waiting = vec![0_usize; self.steps];
        for c in kept() {
            start[c.before + 2] += 1;
            waiting[c.after] += 1;
        }
        for index in 2..start.len() {
            start[index] += start[index - 1];
        }
        let mut after = vec![0_usize; start.last().copied().unwrap_or_default()];
        for c in kept() {
            after[start[c.before + 1]] = c.after;
            start[c.before + 1] += 1;
        }
        let mut ready: VecDeque<usize> = (0..self.steps).filter(|&s| waiting[s] == 0).collect();
        while let Some(step) = ready.pop_front() {
            let after = &after[start[step]..start[step + 1]];
            visit(step, after);
            for &after in after {
                waiting[after] -= 1;
                if waiting[after] == 0 {
                    ready.push_back(after);
                }
            }
        }
        waiting
    }
}

/// The combination of one choice a component that costs least. Where there are too many combinations
/// each component is decided by itself, in order.
fn choose<C: Ord>(choices: &[Vec<BTreeSet<usize>>], cost: &impl Fn(&[usize]) -> C) -> Vec<usize> {
    let flat = |sets: &[&BTreeSet<usize>]| {
        let mut all: Vec<usize> = sets.iter().flat_map(|s| s.iter().copied()).collect();
        all.sort_unstable();
        all
    };
    let combinations = choices.iter().try_fold(1_usize, |n, c| n.checked_mul(c.len()).filter(|n| *n <= COMBINATIONS));
    if let Some(combinations) = combinations {
        let pick = |mut number: usize| {
            let mut sets = Vec::with_capacity(choices.len());
            for of_component in choices {
                sets.extend(of_component.get(number % of_component.len()));
                number /= of_component.len();
            }
            flat(&sets)
        };
        return (0..combinations).map(pick).min_by_key(|removed| (cost(removed), removed.clone())).unwrap_or_default();
    }
    let mut decided: Vec<&BTreeSet<usize>> = choices.iter().filter_map(|c| c.first()).collect();
    for (index, of_component) in choices.iter().enumerate() {
        let with = |set| {
            let mut sets = decided.clone();
            if let Some(place) = sets.get_mut(index) {
                *place = set;
            }
            flat(&sets)
        };
        let best = of_component.iter().take(COMBINATIONS).min_by_key(|set| {
            let removed = with(*set);
            (cost(&removed), removed)
        });
        if let (Some(best), Some(place)) = (best, decided.get_mut(index)) {
            *place = best;
        }
    }
    flat(&decided)
}

/// One component: for each of its steps the steps after it, with the position of the constraint.
struct Within<'p> {
    all: &'p Precedence,
    leaving: Vec<Vec<(usize, usize)>>,
}

impl Within<'_> {
    /// All smallest sets of removable constraints that leave no cycle; `None` when the budget is
    /// spent. Every such set holds a constraint of every cycle, so branching over the removable
    /// constraints of the shortest remaining cycle finds them all.
    fn smallest_sets(&self) -> Option<Vec<BTreeSet<usize>>> {
        // With no more constraints than steps it is one cycle, of whatever length.
        if self.size() == self.leaving.len() {
            let mut sets: Vec<BTreeSet<usize>> =
                self.removable_ones().map(|(_, _, position)| BTreeSet::from([position])).collect();
            sets.sort_unstable();
            return Some(sets);
        }
        let mut budget = EXACT;
        for size in 1..=self.leaving.iter().map(Vec::len).sum() {
            let mut found = BTreeSet::new();
            self.search(&mut BTreeSet::new(), size, &mut found, &mut budget)?;
            if !found.is_empty() {
                return Some(found.into_iter().collect());
            }
        }
        Some(Vec::new())
    }

    fn search(
        &self,
        removed: &mut BTreeSet<usize>,
        left: usize,
        found: &mut BTreeSet<BTreeSet<usize>>,
        budget: &mut usize,
    ) -> Option<()> {
        *budget = budget.checked_sub(self.size())?;
        if self.is_acyclic(removed) {
            found.insert(removed.clone());
            return Some(());
        }
        if left == 0 {
            return Some(());
        }
        *budget = budget.checked_sub(self.cycle_work())?;
        for position in self.shortest_cycle(removed)?.into_iter().filter(|&p| self.removable(p)) {
            removed.insert(position);
            // Depth is the size of the answer, which the budget bounds long before the stack does.
            self.search(removed, left - 1, found, budget)?;
            removed.remove(&position);
        }
        Some(())
    }

    /// A set that leaves no cycle and of which nothing can be put back: takes whole cycles, shortest
    /// first, which share no constraint, so at most *k* times the smallest set; then puts back what is
    /// not needed. `None` when the budget is spent.
    fn whole_cycles(&self) -> Option<BTreeSet<usize>> {
        let mut budget = WHOLE_CYCLES;
        let mut removed = BTreeSet::new();
        while !self.is_acyclic(&removed) {
            budget = budget.checked_sub(self.cycle_work())?;
            removed.extend(self.shortest_cycle(&removed)?.into_iter().filter(|&p| self.removable(p)));
        }
        for position in removed.clone() {
            budget = budget.checked_sub(self.size())?;
            removed.remove(&position);
            if !self.is_acyclic(&removed) {
                removed.insert(position);
            }
        }
        Some(removed)
    }

    /// The removable constraints that run against an order of the steps in which the others hold, of two such
    /// orders the better one. O(steps + constraints).
    fn against_one_order(&self) -> BTreeSet<usize> {
        let against = |place: Vec<usize>| -> BTreeSet<usize> {
            let runs = |step: usize, after: usize| place[step] >= place[after];
            self.removable_ones()
                .filter(|(step, after, _)| runs(*step, *after))
                .map(|(.., position)| position)
                .collect()
        };
        let (first, along) = (against(self.order(false)), against(self.order(true)));
        if along.len() < first.len() { along } else { first }
    }

    /// The place of each step in an order in which the fixed constraints hold: the first of those that are ready
    /// comes next, or, `along` the removable ones, one that is ready behind the step before, which leaves little
    /// of a long cycle against the order. O(steps + constraints).
    fn order(&self, along: bool) -> Vec<usize> {
        let mut waiting = vec![0_usize; self.leaving.len()];
        let all = || self.leaving.iter().flatten();
        all().filter(|(_, position)| !self.removable(*position)).for_each(|(after, _)| waiting[*after] += 1);
        let mut ready: VecDeque<usize> = (0..waiting.len()).filter(|&step| waiting[step] == 0).collect();
        let mut place: Vec<Option<usize>> = vec![None; waiting.len()];
        let mut next = 0;
        while let Some(step) = ready.pop_front() {
            if place[step].is_some() {
                continue;
            }
            place[step] = Some(next);
            next += 1;
            for &(after, position) in &self.leaving[step] {
                let fixed = !self.removable(position);
                waiting[after] -= usize::from(fixed);
                match waiting[after] == 0 && place[after].is_none() {
                    true if along => ready.push_front(after),
                    true if fixed => ready.push_back(after),
                    _ => {}
                }
            }
        }
        place.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// Each removable constraint: its steps, then its position.
    fn removable_ones(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let all = self.leaving.iter().enumerate();
        let all = all.flat_map(|(step, list)| list.iter().map(move |&(after, position)| (step, after, position)));
        all.filter(|(.., position)| self.removable(*position))
    }

    /// How many constraints the component has.
    fn size(&self) -> usize {
        self.leaving.iter().map(Vec::len).sum()
    }

    /// What looking for a shortest cycle takes: a walk from every step, most of them cut short.
    fn cycle_work(&self) -> usize {
        self.size().saturating_mul(self.leaving.len()) / 8
    }

    fn removable(&self, position: usize) -> bool {
        self.all.constraints.get(position).is_some_and(|c| c.removable)
    }

    /// Whether no cycle is left. O(steps + constraints).
    fn is_acyclic(&self, removed: &BTreeSet<usize>) -> bool {
        self.on_cycles(removed).is_empty()
    }

    /// The steps that remain when those that nothing waits before are taken away again and again: each
    /// of them waits for another of them. O(steps + constraints).
    fn on_cycles(&self, removed: &BTreeSet<usize>) -> Vec<usize> {
        let kept =
            |step: usize| self.leaving[step].iter().filter(|(_, p)| !removed.contains(p)).map(|(after, _)| *after);
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
    fn any_cycle(&self) -> Option<Vec<usize>> {
        let left = self.on_cycles(&BTreeSet::new());
        let mut before: Vec<Option<(usize, usize)>> = vec![None; self.leaving.len()];
        for &step in &left {
            for &(after, position) in &self.leaving[step] {
                before[after] = before[after].or(Some((step, position)));
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
            let (from, position) = before[at]?;
            cycle.push(position);
            at = from;
        }
    }

    /// The constraints along a shortest cycle, the first in order of steps. O(steps × constraints).
    fn shortest_cycle(&self, removed: &BTreeSet<usize>) -> Option<Vec<usize>> {
        let mut best: Option<Vec<usize>> = None;
        for start in 0..self.leaving.len() {
            let bound = best.as_ref().map_or(usize::MAX, Vec::len);
            if bound == 1 {
                break;
            }
            best = self.cycle_through(start, removed, bound).or(best);
        }
        best
    }

    /// A shortest cycle through a step, if it is shorter than `bound`.
    fn cycle_through(&self, start: usize, removed: &BTreeSet<usize>, bound: usize) -> Option<Vec<usize>> {
        let mut came_by: Vec<Option<(usize, usize)>> = vec![None; self.leaving.len()];
        let mut open = VecDeque::from([(start, 0_usize)]);
        while let Some((at, length)) = open.pop_front() {
            if length + 1 >= bound {
                return None;
            }
            for &(after, position) in self.leaving.get(at)?.iter().filter(|(_, p)| !removed.contains(p)) {
                if after == start {
                    let mut cycle = vec![position];
                    let mut back = at;
                    while back != start {
                        let (from, by) = came_by.get(back).copied().flatten()?;
                        cycle.push(by);
                        back = from;
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if let Some(seen @ None) = came_by.get_mut(after) {
                    *seen = Some((at, position));
                    open.push_back((after, length + 1));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precedence(steps: usize, constraints: &[(usize, usize, bool)]) -> Precedence {
        let constraints = constraints.iter().map(|&(before, after, removable)| Constraint { before, after, removable });
        Precedence { steps, constraints: constraints.collect() }
    }

    #[test]
    fn layers_are_longest_paths() {
        let p = precedence(4, &[(0, 1, false), (1, 2, false), (0, 2, false), (0, 3, false)]);
        assert_eq!(p.layers(&[], |_| true).layer, [0, 1, 2, 1]);
        assert_eq!(p.layers(&[], |step| step != 1).layer, [0, 1, 1, 1]);
    }

    #[test]
    fn one_removal_that_breaks_two_cycles_beats_two() {
        // 0→1→0 and 0→1→2→0 share 0→1.
        let p = precedence(3, &[(1, 0, true), (0, 1, true), (1, 2, true), (2, 0, true)]);
        assert_eq!(p.break_cycles(|_| 0).unwrap(), Breaking { removed: vec![1], exact: true });
    }

    #[test]
    fn equal_choices_are_decided_by_cost_then_position() {
        let p = precedence(2, &[(0, 1, true), (1, 0, true)]);
        assert_eq!(p.break_cycles(|_| 0).unwrap().removed, [0]);
        assert_eq!(p.break_cycles(|r| usize::from(r == [0])).unwrap().removed, [1]);
    }

    #[test]
    fn a_fixed_cycle_is_shown() {
        let p = precedence(4, &[(0, 1, false), (1, 2, false), (2, 0, false), (2, 3, true), (3, 2, true)]);
        assert_eq!(p.break_cycles(|_| 0), Err(UnbreakableCycle(vec![0, 1, 2, 0])));
        assert_eq!(precedence(1, &[(0, 0, false)]).break_cycles(|_| 0), Err(UnbreakableCycle(vec![0, 0])));
    }

    #[test]
    fn a_ring_of_any_size_is_broken_once() {
        let steps = 60_000;
        let ring = (0..steps).map(|step| (step, (step + 1) % steps, step % 2 == 1));
        let breaking = precedence(steps, &ring.collect::<Vec<_>>()).break_cycles(|_| 0).unwrap();
        assert_eq!(breaking, Breaking { removed: vec![1], exact: true });
    }

    #[test]
    fn an_order_along_a_ring_with_fixed_constraints_leaves_little_against_it() {
        // Numbered so that the order of the steps says nothing.
        let (steps, number) = (7000, |step: usize| step * 3 % 7000);
        let ring = (0..steps).map(|step| (number(step), number((step + 1) % steps), step % 3 > 0));
        let chords = (0..steps / 100).map(|n| (number(n * 100 + 1), number(n * 100), true));
        let p = precedence(steps, &ring.chain(chords).collect::<Vec<_>>());
        let component = &p.components()[0];
        let within = p.within(component, |_| true);
        let removed = within.against_one_order();
        assert!(within.is_acyclic(&removed));
        assert!(removed.len() <= 1 + steps / 100, "{}", removed.len());
    }

    #[test]
    fn one_order_leaves_no_cycle_in_linear_time() {
        let steps = 50_000;
        let ring = (0..steps).map(|step| (step, (step + 1) % steps, true));
        let chords = (0..steps).map(|step| (step, (step * 7 + 3) % steps, true)).filter(|(a, b, _)| a != b);
        let p = precedence(steps, &ring.chain(chords).collect::<Vec<_>>());
        let breaking = p.break_cycles(|_| 0).unwrap();
        assert!(!breaking.exact);
        let kept = p.constraints.iter().enumerate();
        let kept = kept.filter(|(position, _)| breaking.removed.binary_search(position).is_err());
        let kept: Vec<Constraint> = kept.map(|(_, c)| *c).collect();
        assert!(Precedence { steps, constraints: kept }.components().is_empty());
    }

    #[test]
    fn beyond_the_budget_nothing_can_be_put_back() {
        let steps = 24;
        let all = (0..steps).flat_map(|a| (0..steps).filter(move |b| *b != a).map(move |b| (a, b, true)));
        let p = precedence(steps, &all.collect::<Vec<_>>());
        let breaking = p.break_cycles(|_| 0).unwrap();
        assert!(!breaking.exact);
        let left = |removed: &[usize]| {
            let kept = p.constraints.iter().enumerate().filter(|(position, _)| !removed.contains(position));
            !Precedence { steps, constraints: kept.map(|(_, c)| *c).collect() }.components().is_empty()
        };
        assert!(!left(&breaking.removed));
        for back in &breaking.removed {
            assert!(left(&breaking.removed.iter().copied().filter(|p| p != back).collect::<Vec<_>>()));
        }
    }
}
