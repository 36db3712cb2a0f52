//! What the records of a resource had in common so far: which member comes next, and which value.
//!
//! Programs write the members of all records in one order, so the next name is known before it is read;
//! and records that stand together often refer to the same thing, so a value whose bytes are those of the
//! last one need not be read at all.

use super::extract::{Extract, Found};
use super::json::{FEW, Scanner, Span, Token, hash_of, span};
use super::keys::KeyHasher;
use super::shape::{Node, Shape};
use crate::graph::ResourceId;

/// Members that are expected of one object at most.
const MOST: usize = 128;

/// Usual members that are tried at once before a name is read and looked for.
const LEFT_OUT: usize = 6;

/// The longest name that is learned; no member of the standard is half as long.
const LONG_NAME: usize = 256;

/// How often the members of an object are learned anew before their order is taken for random.
const PATIENCE: u32 = 100;

/// The length from which a value is worth comparing: shorter ones are read as quickly.
const WORTH_IT: usize = 20;

/// The longest value that is kept: longer ones seldom come again.
const TOO_LONG: usize = 2048;

/// What the objects of one shape usually look like.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    of: Option<(ResourceId, KeyHasher)>,
    /// By node.
    objects: Vec<Usual>,
}

/// What the objects at one node usually look like.
#[derive(Debug, Default)]
pub(crate) struct Usual {
    pub(crate) members: Vec<Habit>,
    learned: u32,
}

/// A member that usually comes next.
#[derive(Debug)]
pub(crate) struct Habit {
    /// All bytes from its opening quote to its value.
    lead: Vec<u8>,
    /// The first eight of them, or fewer under a mask, to see at once that it is another.
    head: u64,
    mask: u64,
    /// How many of them are the name without its quotes.
    name: usize,
    hash: u64,
    /// Ordinal and node, where it is read.
    pub(crate) child: Option<(u32, u32)>,
    pub(crate) echo: Echo,
}

impl Habits {
    /// Prepares for records of a shape; whether they are others than before, of which all is forgotten.
    #[inline]
    pub(crate) fn prepare(&mut self, shape: &Shape, hasher: KeyHasher) -> bool {
        let others = self.of != Some((shape.resource, hasher));
        if others {
            self.of = Some((shape.resource, hasher));
            self.objects.clear();
            self.objects.resize_with(shape.nodes.len(), Usual::default);
        }
        others
    }

    /// Lends out what is known of a node; give it back with [`Habits::put`].
    pub(crate) fn take(&mut self, node: u32) -> Usual {
        self.objects.get_mut(node as usize).map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn put(&mut self, node: u32, usual: Usual) {
        if let Some(place) = self.objects.get_mut(node as usize) {
            *place = usual;
        }
    }
}

impl Usual {
    /// The usual member that stands next, from `turn` on; the scanner is then at its value.
    #[inline(always)]
    pub(crate) fn next(&self, turn: usize, scanner: &mut Scanner<'_>) -> Option<usize> {
        let rest = scanner.bytes.get(scanner.at..)?;
        let head = u64::from_le_bytes(*rest.first_chunk()?);
        let after = self.members.get(turn..)?.iter().take(LEFT_OUT);
        for (skipped, habit) in after.enumerate() {
            if head & habit.mask == habit.head && rest.starts_with(&habit.lead) {
                scanner.at += habit.lead.len();
                return Some(turn + skipped);
            }
        }
        None
    }

    /// A member of that name from `turn` on.
    pub(crate) fn find(&self, turn: usize, bytes: &[u8], name: Span) -> Option<usize> {
        if name.token == Token::Escaped {
            return None;
        }
        let text = name.of(bytes);
        let after = self.members.get(turn..)?;
        after.iter().position(|habit| habit.text() == text).map(|skipped| turn + skipped)
    }

    /// Learns from an object that had other members than usual. Where their order allows it the new ones
    /// are put among those that are known, so that members which come and go are all expected.
    pub(crate) fn learn(&mut self, bytes: &[u8], names: &[(u64, Span)], child: impl Fn(&[u8]) -> Option<(u32, u32)>) {
        let strange = |(_, name): &(u64, Span)| name.token == Token::Escaped || name.of(bytes).len() > LONG_NAME;
        // Beyond a few members it is not known yet whether one stands twice.
        if names.len() > FEW || self.learned >= PATIENCE || names.iter().any(strange) {
            return;
        }
        self.learned += 1;
        let fresh = |name: &Span| {
            let mut scanner = Scanner::new(bytes);
            scanner.at = name.end as usize + 1;
            let _ = scanner.expect(b':').and_then(|()| scanner.next_token());
            let text = name.of(bytes);
            let mut lead = bytes.get(name.start as usize - 1..scanner.at).unwrap_or_default().to_vec();
            if lead.len() > text.len() + LONG_NAME {
                // A page of blanks is not kept; the colon must be, for it is not looked for again.
                lead = [b"\"", text, b"\":"].concat();
            }
            Habit::new(lead, text, child(text))
        };
        let mut at = 0;
        let names = || names.iter().map(|(_, name)| name);
        for name in names() {
            match self.members.iter().position(|habit| habit.text() == name.of(bytes)) {
                Some(known) if known >= at => at = known + 1,
                None if self.members.len() < MOST => {
                    self.members.insert(at, fresh(name));
                    at += 1;
                }
                _ => {
                    self.members = names().map(fresh).collect();
                    return;
                }
            }
        }
    }
}

impl Habit {
    fn new(lead: Vec<u8>, name: &[u8], child: Option<(u32, u32)>) -> Self {
        let mut head = [0; 8];
        let mut mask = [0; 8];
        for ((head, mask), byte) in head.iter_mut().zip(&mut mask).zip(&lead) {
            (*head, *mask) = (*byte, 0xff);
        }
        let (head, mask) = (u64::from_le_bytes(head), u64::from_le_bytes(mask));
        Self { head, mask, name: name.len(), hash: hash_of(name), child, echo: Echo::default(), lead }
    }

    fn text(&self) -> &[u8] {
        self.lead.get(1..=self.name).unwrap_or_default()
    }

    /// Its hash, and its name where it was passed.
    pub(crate) fn passed_at(&self, start: usize) -> (u64, Span) {
        (self.hash, span(Token::Text, start, start + self.name))
    }
}

/// A value and what reading it gave, in case the same bytes come again.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    /// Its bytes the last time; none where nothing is kept.
    text: Vec<u8>,
    slots: Vec<(u32, Span)>,
    log: Vec<(u32, Span)>,
    references: Vec<Found>,
    /// What repetition has earned and change has cost; without any, only one value in [`NAP`] is kept.
    credit: u8,
    nap: u8,
}

/// Values that pass before one that seldom repeats is kept again.
const NAP: u8 = 60;

/// What a repeated value earns, and the most that can be saved up.
const EARNED: u8 = 4;
const SAVED: u8 = 32;

/// What had been read when a value began, to tell afterwards what it gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    start: usize,
    references: usize,
    log: usize,
    problems: usize,
}

impl Before {
    #[inline]
    pub(crate) fn here(scanner: &Scanner<'_>, into: &Extract) -> Self {
        let (references, log, problems) = (into.references.len(), into.log.len(), into.problems.len());
        Self { start: scanner.at, references, log, problems }
    }
}

impl Echo {
    /// Whether nothing is kept and the next value is not to be kept either.
    #[inline]
    pub(crate) fn sleeps(&mut self) -> bool {
        let sleeps = self.text.is_empty() && self.credit == 0 && self.nap > 0;
        self.nap -= u8::from(sleeps);
        sleeps
    }

    /// Whether the last value stands here again; then all it gave is given again.
    #[inline]
    pub(crate) fn repeats(&mut self, scanner: &mut Scanner<'_>, into: &mut Extract) -> bool {
        if self.text.is_empty() || !scanner.bytes.get(scanner.at..).is_some_and(|rest| rest.starts_with(&self.text)) {
            return false;
        }
        let by = i64::try_from(scanner.at).unwrap_or(0);
        for &(slot, value) in &self.slots {
            if let Some(place) = into.slots.get_mut(slot as usize) {
                *place = value.moved(by);
            }
        }
        for &(node, value) in &self.log {
            let at = into.here();
            into.log.push((node, value.moved(by), at));
        }
        for &found in &self.references {
            let at = into.here();
            into.references.push(Found { value: found.value.moved(by), at, ..found });
        }
        scanner.at += self.text.len();
        self.credit = SAVED.min(self.credit + EARNED);
        true
    }

    /// Keeps a value that has been read, if it is likely to come again. `node` is where it was read and
    /// holds no collection; none where it was passed over.
    #[inline]
    pub(crate) fn keep(&mut self, before: Before, scanner: &Scanner<'_>, into: &Extract, node: Option<&Node>) {
        let is_worth_it = scanner.at - before.start >= WORTH_IT;
        if self.credit > 0 && is_worth_it {
            self.credit -= 1;
            self.record(before, scanner, into, node);
        } else if self.nap > 0 || !is_worth_it {
            self.credit = self.credit.saturating_sub(1);
            self.nap = self.nap.checked_sub(1).unwrap_or(NAP);
            self.text.clear();
        } else {
            self.nap = NAP;
            self.record(before, scanner, into, node);
        }
    }

    #[inline(never)]
    fn record(&mut self, before: Before, scanner: &Scanner<'_>, into: &Extract, node: Option<&Node>) {
        self.text.clear();
        let Some(text) = scanner.bytes.get(before.start..scanner.at).filter(|text| text.len() <= TOO_LONG) else {
            return;
        };
        let flawed = scanner.duplicate_member || scanner.number_too_large || scanner.lone_surrogate;
        let flawed = flawed || into.problems.len() > before.problems;
        // A number alone does not show where it ends.
        if flawed || !matches!(text.first(), Some(b'"' | b'{' | b'[')) {
            return;
        }
        self.text.extend_from_slice(text);
        let by = -i64::try_from(before.start).unwrap_or(0);
        self.slots.clear();
        for &slot in node.map(|node| node.within.as_slice()).unwrap_or_default() {
            let value = into.slots.get(slot as usize).copied().unwrap_or_default();
            let is_own = value.token != Token::Absent && value.start as usize >= before.start;
            self.slots.push((slot, if is_own { value.moved(by) } else { Span::default() }));
        }
        let log = into.log.get(before.log..).unwrap_or_default();
        self.log.clear();
        self.log.extend(log.iter().map(|&(node, value, _)| (node, value.moved(by))));
        let references = into.references.get(before.references..).unwrap_or_default();
        self.references.clear();
        self.references.extend(references.iter().map(|&found| Found { value: found.value.moved(by), ..found }));
    }
}
