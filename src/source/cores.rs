//! Work that falls into independent parts, shared out over the cores.

use std::hint::black_box;
use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

/// Threads that work at once, at most: on a machine of many cores more would take longer to start than they save.
const MOST: usize = 8;

/// Asked once: the answer may lie in files.
static CORES: LazyLock<usize> = LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get).min(MOST));

/// What `work` makes of each item, in their order.
pub(super) fn each<'i, T: Sync, R: Send>(items: &'i [T], work: impl Fn(&'i T) -> R + Sync) -> Vec<R> {
    let share_of = |share: &'i [T]| share.iter().map(&work).collect::<Vec<R>>();
    let beside = |share: &'i [T]| {
        make_room();
        share_of(share)
    };
    let mut shares = items.chunks(items.len().div_ceil(*CORES).max(1));
    let Some(first) = shares.next() else { return Vec::new() };
    thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| scope.spawn(|| beside(share))).collect();
        let mut made = share_of(first);
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    })
}

/// What each of two makes, side by side.
pub(super) fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        (one(), other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Has the allocator take the memory of this thread in one piece.
///
/// glibc enlarges the heap of a thread other than the first by a page at a time, each with a call into the
/// system: hundreds for a document. What has been asked for at once it keeps for what is asked for next, if that
/// is no more than it has once given back, hence twice. Memory that is not written to takes none.
fn make_room() {
    for size in [ROOM, ROOM - ROOM / 8] {
        drop(black_box(Vec::<u8>::with_capacity(size)));
    }
}

/// What a document of the usual size takes, and some more.
const ROOM: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_thread_makes_them_they_stand_in_order() {
        for many in [0, 1, 2, 3, 100] {
            let items: Vec<usize> = (0..many).collect();
            assert_eq!(each(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }
}
