//! Several requests at a time, their answers in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does something with each item, `width` at a time; the results come in the order of the items.
///
/// # Errors
///
/// The first failure in that order. What comes after a failure may not have been done.
pub(super) fn at_once<I: Sync, R: Send, E: Send>(
    items: &[I],
    width: usize,
    work: impl Fn(&I) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if let [only] = items {
        return Ok(vec![work(only)?]);
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let failed = AtomicUsize::new(usize::MAX);
    std::thread::scope(|scope| {
        for _ in 0..items.len().min(width.max(1)) {
            scope.spawn(|| {
                loop {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(position) else { return };
                    // What comes after a failure is not needed; what comes before decides which one is told.
                    if position > failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let result = work(item);
                    if result.is_err() {
                        failed.fetch_min(position, Ordering::Relaxed);
                    }
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(position, result);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
