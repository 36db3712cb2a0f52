//! Reads one record along the shape of its resource.

use std::collections::BTreeMap;

use super::habits::{Before, Habit, Habits, Usual};
use super::json::{Flaw, MAX_DEPTH, Members, Open, Scanner, Span, Token, span};
use super::keys::{Key, KeyHasher, write_field};
use super::shape::{KeyFieldPlan, KeyPlan, NONE, Node, Shape};
use super::value::{canonical, is_of};

/// What one record says; reused for the next one.
#[derive(Debug, Default)]
pub(crate) struct Extract {
    /// The natural key, where it is complete.
    pub(crate) key: Option<Key>,
    pub(crate) references: Vec<Found>,
    pub(crate) problems: Vec<Problem>,
    /// What is wrong with it although it could be read.
    pub(crate) flaws: Vec<Flaw>,
    /// Places in collections that [`At`] points into.
    indices: Vec<u32>,
    /// Values that equalities compare.
    pub(super) log: Vec<(u32, Span, At)>,
    pub(super) slots: Vec<Span>,
    /// Of objects with more than 64 members, which of the others there are.
    marks: Vec<u64>,
    /// Usual members that have been passed, and where their names begin.
    passed: Vec<(u32, u32)>,
    open_indices: Vec<u32>,
    members: Members,
    habits: Habits,
    form: Vec<u8>,
    other: Vec<u8>,
}

/// A reference in a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Its position among the references of the resource.
    pub(crate) position: u32,
    /// The key it holds; `None` where it is incomplete or the target's key is unknown.
    pub(crate) key: Option<Key>,
    pub(crate) value: Span,
    pub(crate) at: At,
}

/// The indices along a path.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct At {
    from: u32,
    count: u32,
}

/// Something that a record lacks or contradicts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Problem {
    pub(crate) what: Trouble,
    pub(crate) at: At,
    pub(crate) left: Span,
    pub(crate) right: Span,
}

/// A value and where it stands.
type Side = (Span, At);

/// What is wrong, by node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A required or identifying field is not there.
    Missing(u32),
    /// It is there, but of another type.
    WrongType(u32),
    /// Two nodes whose values should be equal and are not.
    Conflict(u32, u32),
}

/// Reads records; one a thread.
pub(crate) struct Reader<'s> {
    pub(crate) hasher: KeyHasher,
    pub(crate) shape: &'s Shape,
}

impl Extract {
    /// The indices along a path, outermost first.
    pub(crate) fn indices(&self, at: At) -> &[u32] {
        self.indices.get(at.from as usize..(at.from + at.count) as usize).unwrap_or_default()
    }

    /// The value that a slot of the shape holds.
    pub(crate) fn slot(&self, slot: u32) -> Span {
        self.slots.get(slot as usize).copied().unwrap_or_default()
    }

    fn clear(&mut self, slots: usize) {
        self.key = None;
        self.references.clear();
        self.problems.clear();
        self.flaws.clear();
        self.indices.clear();
        self.log.clear();
        self.slots.clear();
        self.slots.resize(slots, Span::default());
        self.marks.clear();
        self.passed.clear();
        self.open_indices.clear();
        self.members.clear();
    }

    /// The indices of the collections that are open.
    #[inline]
    pub(super) fn here(&mut self) -> At {
        if self.open_indices.is_empty() {
            return At::default();
        }
        let from = self.indices.len();
        self.indices.extend_from_slice(&self.open_indices);
        At { from: u32::try_from(from).unwrap_or(0), count: u32::try_from(self.open_indices.len()).unwrap_or(0) }
    }

    fn problem(&mut self, what: Trouble) {
        let at = self.here();
        self.problems.push(Problem { what, at, left: Span::default(), right: Span::default() });
    }
}

impl Reader<'_> {
    /// Reads a record, which must be UTF-8.
    ///
    /// # Errors
    ///
    /// What makes it no record at all.
    pub(crate) fn read(&self, record: &[u8], into: &mut Extract) -> Result<(), Flaw> {
        into.clear(self.shape.slots);
        into.habits.prepare(self.shape, self.hasher);
        let mut walk = Walk { reader: self, scanner: Scanner::new(record), into };
        let first = walk.scanner.next_token()?;
        let is_object = first == b'{';
        if is_object {
            walk.scanner.at += 1;
            walk.object(0, 0)?;
        } else {
            walk.scanner.skip(&mut walk.into.members, 0)?;
        }
        if walk.scanner.next_token().is_ok() {
            return Err(Flaw::Syntax);
        }
        if !is_object {
            return Err(Flaw::NotAnObject);
        }
        let (large, twice) = (walk.scanner.number_too_large, walk.scanner.duplicate_member);
        into.flaws.extend(twice.then_some(Flaw::DuplicateMember));
        into.flaws.extend(large.then_some(Flaw::NumberTooLarge));
        self.finish_key(record, into);
        self.compare(record, into);
        Ok(())
    }

    /// Puts the natural key together and compares the values that merge into one field.
    fn finish_key(&self, record: &[u8], into: &mut Extract) {
        let mut form = std::mem::take(&mut into.form);
        form.clear();
        let slot = |into: &Extract, slot: u32| into.slots.get(slot as usize).copied().unwrap_or_default();
        let complete = match &self.shape.key {
            KeyPlan::Unknown => false,
            KeyPlan::Descriptor { namespace, code } => {
                let (namespace, code) = (slot(into, *namespace), slot(into, *code));
                write_field(&mut form, |form| {
                    let kind = crate::model::FieldKind::Descriptor;
                    let named = canonical(kind, namespace, record, form);
                    form.push(b'#');
                    named && canonical(kind, code, record, form)
                })
            }
            KeyPlan::Fields { fields, .. } => {
                // Every field is looked at, also behind one that is missing: they may contradict each other.
                let mut complete = true;
                for field in fields {
                    complete &= self.key_field(field, record, &mut form, into);
                }
                complete
            }
        };
        if complete {
            into.key = Some(self.hasher.key(&form));
        }
        into.form = form;
    }

    /// Writes one field of the key from the first path that has a value; the values of the others must
    /// be the same.
    fn key_field(&self, field: &KeyFieldPlan, record: &[u8], form: &mut Vec<u8>, into: &mut Extract) -> bool {
        let mut first: Option<(Span, u32)> = None;
        let from = form.len();
        let mut complete = false;
        for &(slot, node) in &field.from {
            let value = into.slots.get(slot as usize).copied().unwrap_or_default();
            if !value.is_present() {
                continue;
            }
            let Some((first, first_node)) = first else {
                complete = write_field(form, |form| canonical(field.kind, value, record, form));
                first = Some((value, node));
                continue;
            };
            into.other.clear();
            let readable = canonical(field.kind, value, record, &mut into.other);
            if readable && complete && form.get(from + 4..) != Some(into.other.as_slice()) {
                let what = Trouble::Conflict(first_node, node);
                into.problems.push(Problem { what, at: At::default(), left: first, right: value });
            }
        }
        if let (None, Some((_, node)), true) = (first, field.from.first(), into.problems.is_empty()) {
            into.problem(Trouble::Missing(*node));
        }
        complete
    }

    /// Compares what the model declares equal: all values of both sides that stand in the same items
    /// of the collections both are in.
    fn compare(&self, record: &[u8], into: &mut Extract) {
        if into.log.is_empty() {
            return;
        }
        for equality in &self.shape.equalities {
            // For each group of items the first value of either side.
            let mut together: BTreeMap<Vec<u32>, (Option<Side>, Option<Side>)> = BTreeMap::new();
            let mut differing = Vec::new();
            let equal = |a: Span, b: Span| {
                let form = |span| {
                    let mut form = Vec::new();
                    canonical(equality.kind, span, record, &mut form).then_some(form)
                };
                form(a) == form(b)
            };
            for &(node, value, at) in &into.log {
                if (node != equality.left && node != equality.right) || !value.is_present() {
                    continue;
                }
                let indices = into.indices(at);
                let group = indices.get(..equality.shared.min(indices.len())).unwrap_or_default();
                let pair = together.entry(group.to_vec()).or_default();
                let (own, opposite) = if node == equality.left { (&mut pair.0, pair.1) } else { (&mut pair.1, pair.0) };
                // All of one side equal all of the other if each equals the first of the other.
                own.get_or_insert((value, at));
                if let Some((other, other_at)) = opposite
                    && !equal(value, other)
                {
                    let at = if at.count >= other_at.count { at } else { other_at };
                    let (left, right) = if node == equality.left { (value, other) } else { (other, value) };
                    differing.push(Problem { what: Trouble::Conflict(equality.left, equality.right), at, left, right });
                }
            }
            into.problems.extend(differing);
        }
    }
}

struct Walk<'w, 's, 'r> {
    reader: &'w Reader<'s>,
    scanner: Scanner<'r>,
    into: &'w mut Extract,
}

impl Walk<'_, '_, '_> {
    /// An object after its opening brace.
    fn object(&mut self, at: u32, depth: u32) -> Result<(), Flaw> {
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
    #[inline]
    fn usual_value(&mut self, habit: &mut Habit, depth: u32) -> Result<bool, Flaw> {
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

    #[inline]
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
        form.clear();
        let record = self.scanner.bytes;
        let mut complete = !plan.members.is_empty();
        for &(slot, kind) in &plan.members {
            let member = self.into.slots.get(slot as usize).copied().unwrap_or_default();
            complete =
                complete && member.is_present() && write_field(&mut form, |form| canonical(kind, member, record, form));
        }
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
