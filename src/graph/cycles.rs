//! Orders with as few constraints removed as cycles demand.
//!
//! Works on numbered steps and constraints between them, some removable; what a step is stays with
//! the caller. Reasons and bounds: docs/design.md, "Breaking cycles".

mod component;
mod heuristic;

use std::collections::BTreeSet;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use component::Component;

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
    /// too long as well, it is what runs against one order of the steps, with no bound on its size.
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

/// Choices of several components that are compared together.
const COMBINATIONS: usize = 4096;

/// How many components are put together in comparing: with more, the first choice of each is taken.
const COMPARED: usize = 10_000_000;

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
        let components = self.split(&components);
        for component in &components {
            if let Some(cycle) = component.fixed_cycle() {
                return Err(UnbreakableCycle(self.steps_of(&cycle)));
            }
        }
        let mut exact = true;
        let choices: Vec<Vec<BTreeSet<usize>>> = components
            .iter()
            .map(|component| {
                component.smallest_sets().unwrap_or_else(|| {
                    exact = false;
                    vec![component.small_set()]
                })
            })
            .collect();
        let removed = choose(&choices, &|removed: &[usize]| cost(removed));
        Ok(Breaking { removed, exact })
    }

    /// The steps and constraints of each group by themselves. O(steps + constraints).
    fn split(&self, groups: &[Vec<usize>]) -> Vec<Component> {
        let mut components: Vec<Component> = groups.iter().map(|steps| Component::new(steps.len())).collect();
        let mut place: Vec<Option<(usize, usize)>> = vec![None; self.steps];
        for (number, steps) in groups.iter().enumerate() {
            for (at, &step) in steps.iter().enumerate() {
                place[step] = Some((number, at));
            }
        }
        let place = |step: usize| place.get(step).copied().flatten();
        for (position, c) in self.constraints.iter().enumerate() {
            if let (Some((number, before)), Some((other, after))) = (place(c.before), place(c.after))
                && number == other
            {
                components[number].add(before, after, c.removable, position);
            }
        }
        components
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
        // Mostly nothing is removed.
        let is_kept = |position: usize| removed.is_empty() || removed.binary_search(&position).is_err();
        let kept = || {
            let all = self.constraints.iter().enumerate();
            all.filter(|(position, c)| inside(c) && is_kept(*position)).map(|(_, c)| c)
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
        // Every step becomes ready once at most, so the queue need not forget.
        let mut ready = Vec::with_capacity(self.steps);
        ready.extend((0..self.steps).filter(|&step| waiting[step] == 0));
        let mut visited = 0;
        while let Some(&step) = ready.get(visited) {
            visited += 1;
            let after = &after[start[step]..start[step + 1]];
            visit(step, after);
            for &after in after {
                waiting[after] -= 1;
                if waiting[after] == 0 {
                    ready.push(after);
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
    if let Some(combinations) = combinations.filter(|n| n.saturating_mul(choices.len()) <= COMPARED) {
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
    let each: usize = choices.iter().map(|c| c.len().min(COMBINATIONS)).sum();
    if each.saturating_mul(choices.len()) > COMPARED {
        return flat(&decided);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn precedence(steps: usize, constraints: &[(usize, usize, bool)]) -> Precedence {
        let constraints = constraints.iter().map(|&(before, after, removable)| Constraint { before, after, removable });
        Precedence { steps, constraints: constraints.collect() }
    }

    /// Whether a cycle is left without the constraints at these positions, which are sorted.
    fn leaves_cycle(p: &Precedence, removed: &[usize]) -> bool {
        let kept = p.constraints.iter().enumerate().filter(|(position, _)| removed.binary_search(position).is_err());
        !Precedence { steps: p.steps, constraints: kept.map(|(_, c)| *c).collect() }.components().is_empty()
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
    fn a_large_ring_with_fixed_constraints_loses_little() {
        // Numbered so that the order of the steps says nothing.
        let (steps, number) = (7000, |step: usize| step * 3 % 7000);
        let ring = (0..steps).map(|step| (number(step), number((step + 1) % steps), step % 3 > 0));
        let chords = (0..steps / 100).map(|n| (number(n * 100 + 1), number(n * 100), true));
        let p = precedence(steps, &ring.chain(chords).collect::<Vec<_>>());
        let breaking = p.break_cycles(|_| 0).unwrap();
        assert!(!leaves_cycle(&p, &breaking.removed));
        assert!(breaking.removed.len() <= 1 + steps / 100, "{}", breaking.removed.len());
    }

    #[test]
    fn a_large_ring_with_many_chords_loses_a_part_of_them() {
        let steps = 20_000;
        let ring = (0..steps).map(|step| (step, (step + 1) % steps, true));
        let mut seed = 42_u64;
        let mut anywhere = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed as usize % steps
        };
        let chords: Vec<_> = (0..steps).map(|step| (step, anywhere(), true)).filter(|(a, b, _)| a != b).collect();
        let p = precedence(steps, &ring.chain(chords).collect::<Vec<_>>());
        let breaking = p.break_cycles(|_| 0).unwrap();
        assert!(!breaking.exact && !leaves_cycle(&p, &breaking.removed));
        // Against the order of their numbers run half of the chords.
        assert!(breaking.removed.len() < steps / 3, "{}", breaking.removed.len());
    }

    #[test]
    fn many_small_circles_are_each_broken_once() {
        let circles = 20_000;
        let both = (0..circles).flat_map(|n| [(2 * n, 2 * n + 1, true), (2 * n + 1, 2 * n, true)]);
        let breaking = precedence(2 * circles, &both.collect::<Vec<_>>()).break_cycles(|_| 0).unwrap();
        assert_eq!((breaking.removed.len(), breaking.exact), (circles, true));
    }

    #[test]
    fn beyond_the_budget_nothing_can_be_put_back() {
        let steps = 24;
        let all = (0..steps).flat_map(|a| (0..steps).filter(move |b| *b != a).map(move |b| (a, b, true)));
        let p = precedence(steps, &all.collect::<Vec<_>>());
        let breaking = p.break_cycles(|_| 0).unwrap();
        assert!(!breaking.exact);
        assert!(!leaves_cycle(&p, &breaking.removed));
        for back in &breaking.removed {
            let fewer: Vec<usize> = breaking.removed.iter().copied().filter(|p| p != back).collect();
            assert!(leaves_cycle(&p, &fewer));
        }
    }
}
