//! Keys that records supply, sorted once and then only looked up.
//!
//! A key takes 24 bytes with the place of its record, and one to two bytes of directory. Hashes are
//! spread evenly, so their first bits lead to two to four neighbours: one or two cache lines a lookup.

use std::num::NonZeroU64;

use super::keys::Key;

/// Where a record stands: the position of its file and the offset in it. Sorts by file, then offset.
/// One more than the two together, so that a place which may be none takes no more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(NonZeroU64);

/// Offsets have 40 bits, which is 1 TiB a file; files the remaining 24.
pub(crate) const MAX_OFFSET: u64 = (1 << 40) - 1;

impl Place {
    pub(crate) fn new(file: u32, offset: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add((u64::from(file) << 40) | offset.min(MAX_OFFSET)))
    }

    pub(crate) fn file(self) -> usize {
        usize::try_from(self.both() >> 40).unwrap_or(usize::MAX)
    }

    pub(crate) fn offset(self) -> u64 {
        self.both() & MAX_OFFSET
    }

    fn both(self) -> u64 {
        self.0.get() - 1
    }
}

/// A key and the record that supplies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) place: Place,
}

/// Entries as they come, in pieces, so that growing never copies them.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pieces: Vec<Vec<Entry>>,
}

/// Entries in a piece: 1.5 MiB.
const PIECE: usize = 64 * 1024;

impl Collected {
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(entry),
            _ => {
                // Most resources are small: the first piece grows as it must.
                let mut piece = Vec::with_capacity(if self.pieces.is_empty() { 16 } else { PIECE });
                piece.push(entry);
                self.pieces.push(piece);
            }
        }
    }
}

/// The keys of one resource.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Sorted, each key once, with its first record.
    entries: Vec<Entry>,
    /// Where the entries begin whose first bits are the index.
    starts: Vec<u32>,
    shift: u32,
}

/// Some entries of a table that stand together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Range {
    from: u32,
    to: u32,
}

/// A record whose key an earlier record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Duplicate {
    pub(crate) place: Place,
    pub(crate) first: Place,
}

impl Table {
    /// Sorts what several threads collected. O(n log n).
    pub(crate) fn freeze(collected: Vec<Collected>, threads: usize) -> (Self, Vec<Duplicate>) {
        let total = collected.iter().flat_map(|c| &c.pieces).map(Vec::len).sum();
        let mut entries: Vec<Entry> = Vec::with_capacity(total);
        for piece in collected.into_iter().flat_map(|c| c.pieces) {
            entries.extend_from_slice(&piece);
        }
        sort(&mut entries, threads);
        let mut duplicates = Vec::new();
        entries.dedup_by(|later, first| {
            let same = later.key == first.key;
            if same {
                duplicates.push(Duplicate { place: later.place, first: first.place });
            }
            same
        });
        let bits = (entries.len() / 2).checked_ilog2().unwrap_or(0);
        let mut starts = vec![0_u32; (1 << bits) + 1];
        let shift = 64 - bits;
        for entry in &entries {
            if let Some(count) = starts.get_mut(bucket(entry.key, shift) + 1) {
                *count = count.saturating_add(1);
            }
        }
        let mut sum = 0_u32;
        for start in &mut starts {
            sum = sum.saturating_add(*start);
            *start = sum;
        }
        (Self { entries, starts, shift }, duplicates)
    }

    /// The position of a key. O(1).
    #[inline]
    pub(crate) fn find(&self, key: Key) -> Option<usize> {
        self.find_within(&self.range(key), key)
    }

    /// Where a key must be, if it is there at all.
    #[inline]
    pub(crate) fn range(&self, key: Key) -> Range {
        let bucket = bucket(key, self.shift);
        match self.starts.get(bucket..).and_then(|starts| starts.first_chunk()) {
            Some(&[from, to]) => Range { from, to },
            None => Range::default(),
        }
    }

    /// Reads the first entry of a range, so that the next one who does finds it in the caches.
    #[inline]
    pub(crate) fn touch(&self, range: &Range) -> u64 {
        self.entries.get(range.from as usize).map_or(0, |entry| entry.key.high)
    }

    #[inline]
    pub(crate) fn find_within(&self, range: &Range, key: Key) -> Option<usize> {
        let neighbours = self.entries.get(range.from as usize..range.to as usize)?;
        neighbours.iter().position(|entry| entry.key == key).map(|within| range.from as usize + within)
    }

    /// The first record of a key.
    pub(crate) fn place(&self, key: Key) -> Option<Place> {
        self.find(key).and_then(|position| self.entries.get(position)).map(|entry| entry.place)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the shift leaves fewer bits than an address has")]
#[inline]
fn bucket(key: Key, shift: u32) -> usize {
    key.high.checked_shr(shift).unwrap_or(0) as usize
}

/// Sorts in place; large parts are divided by their first bit and sorted by a thread each.
fn sort(entries: &mut [Entry], threads: usize) {
    sort_below(entries, threads, 63);
}

fn sort_below(entries: &mut [Entry], threads: usize, bit: u32) {
    if threads < 2 || entries.len() < PIECE || bit == 0 {
        entries.sort_unstable();
        return;
    }
    let mut middle = 0;
    for at in 0..entries.len() {
        if entries.get(at).is_some_and(|e| e.key.high >> bit & 1 == 0) {
            entries.swap(at, middle);
            middle += 1;
        }
    }
    let (low, high) = entries.split_at_mut(middle);
    std::thread::scope(|scope| {
        scope.spawn(|| sort_below(low, threads / 2, bit - 1));
        sort_below(high, threads - threads / 2, bit - 1);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_collected_and_nothing_else() {
        let key = |n: u64| Key { high: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), low: n };
        for count in [0, 1, 5, 200_000] {
            let mut collected = [Collected::default(), Collected::default()];
            for n in 0..count {
                let entry = Entry { key: key(n * 2), place: Place::new(1, n) };
                collected[usize::from(n % 3 == 0)].push(entry);
            }
            collected[0].push(Entry { key: key(0), place: Place::new(0, 77) });
            let (table, duplicates) = Table::freeze(collected.into(), 3);
            assert!((0..count).all(|n| table.find(key(n * 2)).is_some()));
            assert!((1..count + 10).all(|n| table.find(key(n * 2 - 1)).is_none()));
            assert_eq!(table.place(key(0)), Some(Place::new(0, 77)));
            let first = Duplicate { place: Place::new(1, 0), first: Place::new(0, 77) };
            assert_eq!(duplicates, if count == 0 { vec![] } else { vec![first] });
        }
    }

    #[test]
    fn places_sort_by_file_then_offset() {
        assert!(Place::new(1, MAX_OFFSET) < Place::new(2, 0));
        let place = Place::new(70_000, 123_456_789_012);
        assert_eq!((place.file(), place.offset()), (70_000, 123_456_789_012));
    }
}
