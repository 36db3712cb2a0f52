//! Steps in groups that no cycle runs through.

use super::cycles::{Constraint, Precedence};

/// Steps that wait for each other in a circle, or one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Sorted.
    pub(crate) steps: Vec<usize>,
    /// Whether they wait for each other, or the one for itself.
    pub(crate) circular: bool,
    /// The number of groups on the longest chain before it.
    pub(crate) layer: usize,
}

impl Precedence {
    /// All steps in groups, whatever could be removed: each circle is one, and so is each step on none. By
    /// layer, then by first step, so that what a group waits for stands before it.
    /// O(constraints + steps log steps), iterative.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let circles = self.components();
        // Each circle counts as its first step.
        let mut first_of: Vec<usize> = (0..self.steps).collect();
        for circle in &circles {
            for &step in circle {
                first_of[step] = circle[0];
            }
        }
        let between = self.constraints.iter().filter_map(|c| {
            let (&before, &after) = (first_of.get(c.before)?, first_of.get(c.after)?);
            (before != after).then_some(Constraint { before, after, removable: false })
        });
        let constraints = between.collect();
        let layers = Self { steps: self.steps, constraints }.layers(&[], |_| true).layer;
        let mut in_circle = vec![false; self.steps];
        circles.iter().flatten().for_each(|&step| in_circle[step] = true);
        let alone = (0..self.steps).filter(|&step| !in_circle[step]).map(|step| vec![step]);
        let alone = alone.map(|steps| Group { layer: layers[steps[0]], circular: false, steps });
        let mut groups: Vec<Group> = alone.collect();
        groups.extend(circles.into_iter().map(|steps| Group { layer: layers[steps[0]], circular: true, steps }));
        groups.sort_unstable_by_key(|group| (group.layer, group.steps[0]));
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_one_group_between_what_they_wait_for_and_what_waits() {
        let pairs = [(5, 3), (3, 1), (1, 3), (1, 0), (2, 2), (0, 4), (5, 4)];
        let constraints = pairs.map(|(before, after)| Constraint { before, after, removable: true });
        let groups = Precedence { steps: 7, constraints: constraints.to_vec() }.groups();
        let told: Vec<_> = groups.iter().map(|g| (g.steps.as_slice(), g.circular, g.layer)).collect();
        let expected: [(&[usize], bool, usize); 6] = [
            (&[2], true, 0),
            (&[5], false, 0),
            (&[6], false, 0),
            (&[1, 3], true, 1),
            (&[0], false, 2),
            (&[4], false, 3),
        ];
        assert_eq!(told, expected);
    }
}
