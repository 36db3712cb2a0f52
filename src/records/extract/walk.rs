//! Walks over the text of one record: which members it has, which values they hold, what it refers to.

use super::{Extract, Found, Reader, Trouble};
use crate::records::habits::{Before, Habit, Usual};
use crate::records::json::{Flaw, MAX_DEPTH, Open, Scanner, Span, Token, span};
use crate::records::shape::{NONE, Node};
use crate::records::value::is_of;

/// A record, the way through it, and what it said so far.
pub(super) struct Walk<'w, 's, 'r> {
    pub(super) reader: &'w Reader<'s>,
    pub(super) scanner: Scanner<'r>,
    pub(super) into: &'w mut Extract,
}

impl Walk<'_, '_, '_> {
    /// An object after its opening brace.
    pub(super) fn object(&mut self, at: u32, depth: u32) -> Result<(), Flaw> {
        let shape = self.reader.shape;
        let Some(node) = shape.at(at) else { return Err(Flaw::Syntax) };
        let marks = self.into.marks.len();
        self.into.marks.resize(marks + node.children.len().saturating_sub(1) / 64, 0);
        let mut usual = self.into.habits.take(at);
        let read = self.members(node, depth, marks, &mut usual);
        self.into.habits.put(at, usual);
        let present = read?;
        if node.must & !present != 0 || node.children.len() > 64 {
            for &ordinal in &node.required {
                let word = match (ordinal as usize / 64).checked_sub(1) {
                    None => present,
                    Some(beyond) => self.into.marks.get(marks + beyond).copied().unwrap_or_default(),
                };
                if word >> (ordinal % 64) & 1 == 0 {
                    self.into.problem(Trouble::Missing(node.children.node(ordinal)));
                }
            }
        }
        self.into.marks.truncate(marks);
        Ok(())
    }

    /// The members of an object; which of the first 64 that are read have a value. Those beyond are
    /// noted from `marks` on.
    fn members(&mut self, node: &Node, depth: u32, marks: usize, usual: &mut Usual) -> Result<u64, Flaw> {
        if self.scanner.next_token()? == b'}' {
            self.scanner.at += 1;
            return Ok(0);
        }
        let mut present = 0;
        let passed = self.into.passed.len();
        let mut turn = 0;
        // Set when the members are not the usual ones: from then on each is compared with all before.
        let mut strange: Option<Open> = None;
        loop {
            self.scanner.next_token()?;
            let start = self.scanner.at + 1;
            let (known, child) = match strange {
                None => match usual.next(turn, &mut self.scanner) {
                    Some(known) => (Some(known), None),
                    None => {
                        let name = self.scanner.name()?;
                        let known = usual.find(turn, self.scanner.bytes, name);
                        if known.is_some() {
                            self.scanner.next_token()?;
                        } else {
                            let mut open = self.stray(passed, usual);
                            self.add(&mut open, name);
                            strange = Some(open);
                        }
                        (known, node.children.find(self.scanner.bytes, name))
                    }
                },
                Some(ref mut open) => {
                    let name = self.scanner.name()?;
                    self.add(open, name);
                    (None, node.children.find(self.scanner.bytes, name))
                }
            };
            let (child, has_value) = match known.and_then(|known| Some((known, usual.members.get_mut(known)?))) {
                Some((known, habit)) => {
                    turn = known + 1;
                    self.into.passed.push((count(known), count(start)));
                    (habit.child, self.usual_value(habit, depth + 1)?)
                }
                None => (child, self.member_value(child, depth + 1)?),
            };
            if let (Some((ordinal, _)), true) = (child, has_value) {
                match (ordinal as usize / 64).checked_sub(1) {
                    None => present |= 1 << ordinal,
                    Some(beyond) => {
                        if let Some(word) = self.into.marks.get_mut(marks + beyond) {
                            *word |= 1 << (ordinal % 64);
                        }
                    }
                }
            }
            if !self.scanner.another(b'}')? {
                break;
            }
        }
        if let Some(open) = strange {
            if !self.scanner.duplicate_member {
                let bytes = self.scanner.bytes;
                usual.learn(bytes, self.into.members.of(open), |name| node.children.find_text(name));
            }
            self.scanner.duplicate_member |= self.into.members.close(open, self.scanner.bytes);
        }
        self.into.passed.truncate(passed);
        Ok(present)
    }

    fn add(&mut self, open: &mut Open, name: Span) {
        self.scanner.duplicate_member |= self.into.members.add(open, self.scanner.bytes, name);
    }

    /// Opens the list of an object's members with those that were passed as usual: they are all
    /// different, and each is passed once.
    fn stray(&mut self, passed: usize, usual: &Usual) -> Open {
        let mut open = self.into.members.open();
        for &(habit, start) in self.into.passed.get(passed..).unwrap_or_default() {
            if let Some(habit) = usual.members.get(habit as usize) {
                let (hash, name) = habit.passed_at(start as usize);
                self.into.members.add_new(&mut open, hash, name);
            }
        }
        open
    }

    /// The value of a usual member; whether there is one.
    #[inline(always)]
    fn usual_value(&mut self, habit: &mut Habit, depth: u32) -> Result<bool, Flaw> {
        if habit.echo.sleeps() || self.into.notes.wanted {
            return self.member_value(habit.child, depth);
        }
        if habit.echo.repeats(&mut self.scanner, self.into) {
            return Ok(true);
        }
        let before = Before::here(&self.scanner, self.into);
        let has_value = self.member_value(habit.child, depth)?;
        let node = habit.child.and_then(|(_, child)| self.reader.shape.at(child));
        if node.is_none_or(|node| node.single) {
            habit.echo.keep(before, &self.scanner, self.into, node);
        }
        Ok(has_value)
    }

    #[inline(always)]
    fn member_value(&mut self, child: Option<(u32, u32)>, depth: u32) -> Result<bool, Flaw> {
        match child {
            Some((_, child)) => self.value(child, depth),
            None => self.scanner.skip(&mut self.into.members, depth).map(|()| false),
        }
    }

    /// A value at a known path; whether it is there, which null is not.
    fn value(&mut self, at: u32, depth: u32) -> Result<bool, Flaw> {
        let shape = self.reader.shape;
        let Some(node) = shape.at(at) else { return Err(Flaw::Syntax) };
        let first = self.scanner.next_token()?;
        let start = self.scanner.at;
        if let Some(value) = self.scanner.scalar(first)? {
            self.scalar(at, node, value);
            return Ok(value.is_present());
        }
        if depth >= MAX_DEPTH {
            return Err(Flaw::Depth);
        }
        let is_collection = node.item != NONE || node.kind == Some(crate::model::FieldKind::Array);
        let is_object = !node.children.is_empty()
            || matches!(node.kind, Some(crate::model::FieldKind::Object | crate::model::FieldKind::Reference));
        match first {
            b'[' if node.item != NONE => self.items(node.item, depth)?,
            b'{' if is_object => {
                let reference = shape.references.get(node.reference as usize);
                for &(slot, _) in reference.map(|r| r.members.as_slice()).unwrap_or_default() {
                    if let Some(slot) = self.into.slots.get_mut(slot as usize) {
                        *slot = Span::default();
                    }
                }
                self.scanner.at += 1;
                self.object(at, depth)?;
                if node.reference != NONE {
                    self.reference(node.reference, span(Token::Object, start, self.scanner.at));
                }
            }
            _ => {
                self.scanner.skip(&mut self.into.members, depth)?;
                if !(first == b'[' && is_collection) {
                    self.into.problem(Trouble::WrongType(at));
                }
            }
        }
        Ok(true)
    }

    fn items(&mut self, item: u32, depth: u32) -> Result<(), Flaw> {
        self.scanner.at += 1;
        if self.scanner.next_token()? == b']' {
            self.scanner.at += 1;
            return Ok(());
        }
        self.into.open_indices.push(0);
        loop {
            self.value(item, depth + 1)?;
            if !self.scanner.another(b']')? {
                break;
            }
            if let Some(index) = self.into.open_indices.last_mut() {
                *index = index.saturating_add(1);
            }
        }
        self.into.open_indices.pop();
        Ok(())
    }

    fn scalar(&mut self, id: u32, node: &Node, value: Span) {
        if let Some(slot) = self.into.slots.get_mut(node.slot as usize) {
            *slot = value;
        }
        if !value.is_present() {
            return;
        }
        if self.into.notes.wanted {
            self.into.notes.scalars.push((id, value));
        }
        let holds_others = node.item != NONE || !node.children.is_empty();
        let record = self.scanner.bytes;
        let of_type = node.kind.is_none_or(|kind| is_of(kind, value, record, &mut self.into.other));
        if holds_others || !of_type {
            self.into.problem(Trouble::WrongType(id));
            return;
        }
        if node.logged {
            let at = self.into.here();
            self.into.log.push((id, value, at));
        }
        if node.reference != NONE {
            self.reference(node.reference, value);
        }
    }

    /// A reference whose members have been read.
    fn reference(&mut self, position: u32, value: Span) {
        let Some(plan) = self.reader.shape.references.get(position as usize) else { return };
        let mut form = std::mem::take(&mut self.into.form);
        let slots = self.into.slots.as_slice();
        let members = plan.members.iter().map(|(slot, _)| slots.get(*slot as usize).copied().unwrap_or_default());
        if self.into.notes.wanted {
            self.into.notes.members.push(members.clone().collect());
        }
        let complete = self.reader.write_reference(position, members, self.scanner.bytes, &mut form);
        let key = complete.then(|| self.reader.hasher.key(&form));
        self.into.form = form;
        let at = self.into.here();
        self.into.references.push(Found { position, key, value, at });
    }
}

/// Positions and members fit: records are shorter than 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "records are shorter than 4 GiB")]
fn count(of: usize) -> u32 {
    of as u32
}
