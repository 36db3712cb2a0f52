//! When groups of steps start, each of which may take several waves.

use std::collections::{BTreeMap, BTreeSet};

/// A group and one that comes later, by number.
pub(super) type Pair = (usize, usize);

/// The waves before each group: as early as everything that comes before it allows, but no earlier than
/// `earliest` says. A wanted pair only delays: it is left out where others already say the opposite.
/// The fixed pairs must not run in a circle. O(wanted × pairs).
pub(super) fn starts(
    lengths: &[usize],
    mut earliest: Vec<usize>,
    fixed: impl IntoIterator<Item = Pair>,
    wanted: impl IntoIterator<Item = Pair>,
) -> Vec<usize> {
    let mut after: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (before, later) in fixed.into_iter().filter(|(before, later)| before != later) {
        after.entry(before).or_default().insert(later);
    }
    for (before, later) in wanted {
        if before != later && !reaches(&after, later, before) {
            after.entry(before).or_default().insert(later);
        }
    }
    let mut waiting = vec![0_usize; lengths.len()];
    for &later in after.values().flatten() {
        if let Some(count) = waiting.get_mut(later) {
            *count += 1;
        }
    }
    let mut ready: Vec<usize> = (0..lengths.len()).filter(|group| waiting.get(*group) == Some(&0)).collect();
    while let Some(group) = ready.pop() {
        let end = earliest.get(group).copied().unwrap_or_default() + lengths.get(group).copied().unwrap_or(1);
        for &later in after.get(&group).into_iter().flatten() {
            if let (Some(start), Some(count)) = (earliest.get_mut(later), waiting.get_mut(later)) {
                *start = end.max(*start);
                *count -= 1;
                if *count == 0 {
                    ready.push(later);
                }
            }
        }
    }
    earliest
}

fn reaches(after: &BTreeMap<usize, BTreeSet<usize>>, from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        open.extend(after.get(&at).into_iter().flatten().copied().filter(|next| seen.insert(*next)));
    }
    false
}
