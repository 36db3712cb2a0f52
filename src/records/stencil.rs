//! The text that the records of a resource have in common, and the places where they differ.
//!
//! A program writes most of a record again and again: names, brackets, whole stretches of members with the same
//! values. A stencil is the text of one record with holes where another of its kind had another value. A record
//! that has the text of a stencil, and in each hole a value of the same sort, has the structure of the
//! stencil's record. So it is read by comparing bytes, and what a walk would give stands where it stood,
//! moved by as much as the values before it are longer or shorter. Reasons: docs/design.md, "Checking records".

use std::collections::BTreeSet;

use super::extract::{At, Extract, Found, Reader};
use super::json::{Scanner, Span, Token};
use super::keys::Key;
use super::shape::{KeyPlan, NONE, Shape};
use super::value::{is_always_of, is_of};
use crate::model::FieldKind;

/// Stencils of one resource: one for each choice of members that its records come with.
const KEPT: usize = 4;

/// The longest record that is learned from.
const LONGEST: usize = 8192;

/// What a record read by a stencil earns, and the most that can be saved up; a record that fits none costs one.
const EARNED: u8 = 2;
const SAVED: u8 = 32;

/// Records that pass without a look at the stencils after the last credit has gone.
const NAP: u8 = 250;

/// How many records are learned from at once; later, one after each nap and one for so many that fitted.
const LESSONS: u8 = 32;
const FITTED: u8 = 64;

/// The stencils of one resource.
#[derive(Debug)]
pub(crate) struct Stencils {
    kept: Vec<Stencil>,
    passed: Vec<Passed>,
    credit: u8,
    nap: u8,
    lessons: u8,
    fitted: u8,
}

impl Default for Stencils {
    fn default() -> Self {
        Self { kept: Vec::new(), passed: Vec::new(), credit: SAVED, nap: 0, lessons: LESSONS, fitted: 0 }
    }
}

/// What a walk notes of a record that a stencil is to be made of.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) wanted: bool,
    /// The scalars at known paths, with their nodes, in the order of the text.
    pub(crate) scalars: Vec<(u32, Span)>,
    /// For each reference the values that its key is made of.
    pub(crate) members: Vec<Vec<Span>>,
}

impl Notes {
    pub(crate) fn clear(&mut self) {
        self.scalars.clear();
        self.members.clear();
    }
}

/// What a stencil does not tell of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    /// The natural key is to be put together.
    pub(crate) key: bool,
    /// Equal values are to be compared.
    pub(crate) equalities: bool,
}

/// The text of a record with holes, and what a record gives that has this text.
#[derive(Debug)]
struct Stencil {
    text: Vec<u8>,
    scalars: Vec<Scalar>,
    holes: Vec<Hole>,
    /// Where the text behind the last hole begins.
    rest: usize,
    slots: Vec<Spot>,
    log: Vec<(u32, Spot, At)>,
    /// Whether a hole is among what is compared.
    compares: bool,
    indices: Vec<u32>,
    references: Vec<Referring>,
    /// The natural key; none where a hole is part of it.
    key: Option<Option<Key>>,
}

/// One scalar of a stencil.
#[derive(Debug, Clone, Copy)]
struct Scalar {
    value: Span,
    /// What kind must be asked for; none where every value of its sort will do.
    kind: Option<FieldKind>,
    varies: bool,
}

/// The text before a hole, and what may stand in it.
#[derive(Debug, Clone, Copy)]
struct Hole {
    from: usize,
    to: usize,
    /// Where the text goes on.
    next: usize,
    sort: Sort,
    kind: Option<FieldKind>,
}

/// What can stand for one another without changing the structure of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Null,
    Boolean,
    Number,
    Text,
}

/// A hole that has been passed: by how much the text behind it is moved, and what stood in it.
#[derive(Debug, Clone, Copy)]
struct Passed {
    by: u32,
    token: Token,
}

/// A value of a stencil: its place there, and how many holes are passed where it starts and ends.
#[derive(Debug, Clone, Copy)]
struct Spot {
    span: Span,
    before: u32,
    after: u32,
    /// Whether it is what stands in a hole.
    varies: bool,
}

/// A reference of a stencil.
#[derive(Debug)]
struct Referring {
    found: Found,
    value: Spot,
    members: Vec<Spot>,
    /// Whether a hole is among its members.
    varies: bool,
    /// What its key was made of the last time.
    form: Vec<u8>,
}

impl Stencils {
    /// Reads a record that has the text of a stencil; what is left to do then.
    #[inline]
    pub(crate) fn read(&mut self, reader: &Reader<'_>, record: &[u8], into: &mut Extract) -> Option<Left> {
        into.notes.wanted = false;
        if self.nap > 0 {
            self.nap -= 1;
            self.lessons += u8::from(self.nap == 0 && self.lessons == 0);
            return None;
        }
        let passed = &mut self.passed;
        let Some(at) = self.kept.iter().position(|stencil| stencil.fits(record, passed, &mut into.other)) else {
            match self.credit.checked_sub(1) {
                Some(left) => self.credit = left,
                None => self.nap = NAP,
            }
            into.notes.wanted = self.lessons > 0 && record.len() <= LONGEST;
            return None;
        };
        self.credit = SAVED.min(self.credit + EARNED);
        self.fitted += 1;
        if self.fitted == FITTED {
            self.fitted = 0;
            self.lessons = LESSONS.min(self.lessons + 1);
        }
        // The last one that fitted is tried first.
        self.kept.swap(0, at);
        self.kept.first_mut().map(|stencil| stencil.give(&self.passed, reader, record, into))
    }

    /// The value that a slot has in the record that was read last.
    #[inline]
    pub(crate) fn slot(&self, slot: u32) -> Span {
        let spot = self.kept.first().and_then(|stencil| stencil.slots.get(slot as usize));
        spot.map(|spot| spot.placed(&self.passed)).unwrap_or_default()
    }

    /// Learns from a record without any flaw or problem that fitted no stencil.
    pub(crate) fn learn(&mut self, shape: &Shape, record: &[u8], read: &Extract) {
        self.lessons = self.lessons.saturating_sub(1);
        let Some(mut scalars) = scalars(shape, record, &read.notes.scalars) else { return };
        let known = self.kept.iter_mut().find(|stencil| stencil.resembles(record, &scalars));
        if let Some(stencil) = known {
            stencil.widen(record, &scalars);
            stencil.cut(shape);
            return;
        }
        // What varies in other records varies in those that are like this one, too.
        let varying: BTreeSet<&[u8]> = self.kept.iter().flat_map(Stencil::varying).collect();
        for scalar in &mut scalars {
            scalar.varies = varying.contains(name_of(record, scalar.value));
        }
        self.kept.truncate(KEPT - 1);
        let mut stencil = Stencil::new(record, scalars, read);
        stencil.cut(shape);
        self.kept.insert(0, stencil);
    }
}

/// All scalars of a valid record, names aside, with what must be asked of each.
fn scalars(shape: &Shape, record: &[u8], known: &[(u32, Span)]) -> Option<Vec<Scalar>> {
    let mut scanner = Scanner::new(record);
    let mut known = known.iter().peekable();
    let mut all = Vec::new();
    while let Ok(byte) = scanner.next_token() {
        if let b'{' | b'}' | b'[' | b']' | b',' | b':' = byte {
            scanner.at += 1;
            continue;
        }
        let value = scanner.scalar(byte).ok()??;
        if byte == b'"' && scanner.next_token() == Ok(b':') {
            continue;
        }
        let node = known.next_if(|(_, span)| span.start == value.start).map_or(NONE, |(node, _)| *node);
        let kind = shape.at(node).and_then(|node| node.kind).filter(|kind| !is_always_of(*kind, value.token));
        all.push(Scalar { value, kind, varies: false });
    }
    known.next().is_none().then_some(all)
}

/// The text before a value, back to the comma or bracket before its name.
fn name_of(record: &[u8], value: Span) -> &[u8] {
    let before = record.get(..value.start as usize).unwrap_or_default();
    let from = before.iter().rposition(|byte| matches!(byte, b',' | b'{' | b'['));
    before.get(from.unwrap_or(0)..).unwrap_or_default()
}

impl Sort {
    fn of(token: Token) -> Self {
        match token {
            Token::True | Token::False => Self::Boolean,
            Token::Number => Self::Number,
            Token::Text | Token::Escaped => Self::Text,
            _ => Self::Null,
        }
    }
}

impl Stencil {
    fn new(record: &[u8], scalars: Vec<Scalar>, read: &Extract) -> Self {
        let referring = |(found, members): (&Found, &Vec<Span>)| Referring {
            found: *found,
            value: Spot::new(found.value),
            members: members.iter().copied().map(Spot::new).collect(),
            varies: false,
            form: Vec::new(),
        };
        Self {
            text: record.to_vec(),
            scalars,
            holes: Vec::new(),
            rest: 0,
            slots: read.slots.iter().copied().map(Spot::new).collect(),
            log: read.log.iter().map(|&(node, value, at)| (node, Spot::new(value), at)).collect(),
            compares: false,
            indices: read.indices.clone(),
            references: read.references.iter().zip(&read.notes.members).map(referring).collect(),
            key: Some(read.key),
        }
    }

    /// Whether a record differs from this one in values only.
    fn resembles(&self, record: &[u8], scalars: &[Scalar]) -> bool {
        let mut behind = (0, 0);
        let same = |(own, other): (&Scalar, &Scalar)| {
            let before = self.text.get(behind.0..own.value.start as usize);
            let same = before == record.get(behind.1..other.value.start as usize)
                && Sort::of(own.value.token) == Sort::of(other.value.token);
            behind = (own.value.end as usize, other.value.end as usize);
            same
        };
        self.scalars.len() == scalars.len()
            && self.scalars.iter().zip(scalars).all(same)
            && self.text.get(behind.0..) == record.get(behind.1..)
    }

    /// The names of its holes.
    fn varying(&self) -> impl Iterator<Item = &[u8]> {
        let varying = self.scalars.iter().filter(|scalar| scalar.varies);
        varying.map(|scalar| name_of(&self.text, scalar.value))
    }

    /// Makes holes where a record that resembles this one has other values.
    fn widen(&mut self, record: &[u8], scalars: &[Scalar]) {
        for (own, other) in self.scalars.iter_mut().zip(scalars) {
            own.varies |= own.value.of(&self.text) != other.value.of(record);
        }
    }

    /// Cuts the text at its holes and finds out what they are part of.
    fn cut(&mut self, shape: &Shape) {
        self.holes.clear();
        self.rest = 0;
        for scalar in self.scalars.iter().filter(|scalar| scalar.varies) {
            let (start, end, sort) =
                (scalar.value.start as usize, scalar.value.end as usize, Sort::of(scalar.value.token));
            let next = end + usize::from(sort == Sort::Text);
            self.holes.push(Hole { from: self.rest, to: start, next, sort, kind: scalar.kind });
            self.rest = next;
        }
        let varying: Vec<Span> =
            self.scalars.iter().filter(|scalar| scalar.varies).map(|scalar| scalar.value).collect();
        for (_, spot, _) in &mut self.log {
            spot.aim(&varying);
            self.compares |= spot.varies;
        }
        for reference in &mut self.references {
            reference.value.aim(&varying);
            for member in &mut reference.members {
                member.aim(&varying);
                reference.varies |= member.varies;
            }
        }
        self.slots.iter_mut().for_each(|slot| slot.aim(&varying));
        let varies = |slot: &u32| self.slots.get(*slot as usize).is_some_and(|slot| slot.varies);
        let key_varies = match &shape.key {
            KeyPlan::Unknown => false,
            KeyPlan::Descriptor { namespace, code } => varies(namespace) || varies(code),
            KeyPlan::Fields { fields, .. } => fields.iter().flat_map(|field| &field.from).any(|(slot, _)| varies(slot)),
        };
        if key_varies {
            self.key = None;
        }
    }

    /// Whether a record has this text, with values of the same sort and type in the holes.
    fn fits(&self, record: &[u8], passed: &mut Vec<Passed>, scratch: &mut Vec<u8>) -> bool {
        let mut scanner = Scanner::new(record);
        passed.clear();
        passed.push(Passed { by: 0, token: Token::Absent });
        for hole in &self.holes {
            if !self.stands(hole.from, hole.to, &mut scanner) {
                return false;
            }
            let start = scanner.at;
            let Some(value) = hole.sort.value(&mut scanner, start) else { return false };
            if hole.kind.is_some_and(|kind| !is_of(kind, value, record, scratch)) {
                return false;
            }
            passed.push(Passed { by: offset(scanner.at).wrapping_sub(offset(hole.next)), token: value.token });
        }
        self.stands(self.rest, self.text.len(), &mut scanner)
            && scanner.at == record.len()
            && !scanner.number_too_large
            && !scanner.lone_surrogate
    }

    /// Passes over a part of the text.
    #[inline(always)]
    fn stands(&self, from: usize, to: usize, scanner: &mut Scanner<'_>) -> bool {
        let text = self.text.get(from..to).unwrap_or_default();
        let stands = scanner.bytes.get(scanner.at..).is_some_and(|rest| rest.starts_with(text));
        scanner.at += text.len();
        stands
    }

    /// Says what a record that fits says.
    fn give(&mut self, passed: &[Passed], reader: &Reader<'_>, record: &[u8], into: &mut Extract) -> Left {
        into.clear();
        into.indices.extend_from_slice(&self.indices);
        if self.compares {
            into.log.extend(self.log.iter().map(|(node, value, at)| (*node, value.placed(passed), *at)));
        }
        for reference in &mut self.references {
            if reference.varies {
                let position = reference.found.position;
                let members = reference.members.iter().map(|member| member.placed(passed));
                let complete = reader.write_reference(position, members, record, &mut into.form);
                // Records that stand together often refer to the same thing.
                if !complete {
                    reference.found.key = None;
                } else if reference.found.key.is_none() || reference.form != into.form {
                    reference.found.key = Some(reader.hasher.key(&into.form));
                    std::mem::swap(&mut reference.form, &mut into.form);
                }
            }
            into.references.push(Found { value: reference.value.placed(passed), ..reference.found });
        }
        into.key = self.key.flatten();
        Left { key: self.key.is_none(), equalities: self.compares }
    }
}

impl Sort {
    /// The value of this sort that stands next.
    #[inline(always)]
    fn value(self, scanner: &mut Scanner<'_>, start: usize) -> Option<Span> {
        let token = match self {
            Self::Text => {
                let token = scanner.until_closing_quote().ok()?;
                return Some(Span { token, start: offset(start), end: offset(scanner.at - 1) });
            }
            Self::Number => scanner.number().ok()?,
            Self::Boolean if scanner.peek() == Some(b't') => scanner.word(b"true", Token::True).ok()?,
            Self::Boolean => scanner.word(b"false", Token::False).ok()?,
            Self::Null => scanner.word(b"null", Token::Null).ok()?,
        };
        Some(Span { token, start: offset(start), end: offset(scanner.at) })
    }
}

impl Spot {
    fn new(span: Span) -> Self {
        Self { span, before: 0, after: 0, varies: false }
    }

    /// Counts the holes before it. They are in the order of the text; an empty one starts where it ends.
    fn aim(&mut self, holes: &[Span]) {
        self.before = offset(holes.partition_point(|hole| hole.start < self.span.start));
        self.after = offset(holes.partition_point(|hole| hole.end <= self.span.end));
        let own = holes.get(self.before as usize);
        self.varies = self.span.token != Token::Absent
            && own.is_some_and(|hole| (hole.start, hole.end) == (self.span.start, self.span.end));
    }

    /// Where it stands in a record that fits.
    #[inline(always)]
    fn placed(&self, passed: &[Passed]) -> Span {
        let at = |holes: u32| passed.get(holes as usize).copied().unwrap_or(Passed { by: 0, token: Token::Absent });
        let (before, after) = (at(self.before), at(self.after));
        Span {
            token: if self.varies { after.token } else { self.span.token },
            start: self.span.start.wrapping_add(before.by),
            end: self.span.end.wrapping_add(after.by),
        }
    }
}

/// Offsets fit: the splitter hands out no record of 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "records are shorter than 4 GiB")]
#[inline(always)]
fn offset(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
mod tests;
