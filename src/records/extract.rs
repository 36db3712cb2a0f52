//! Reads one record along the shape of its resource.

mod walk;

use std::collections::BTreeMap;

use self::walk::Walk;
use super::habits::Habits;
use super::json::{Flaw, Members, Scanner, Span};
use super::keys::{Key, KeyHasher, write_field, write_scalar};
use super::shape::{KeyFieldPlan, KeyPlan, Shape};
use super::stencil::{Notes, Stencils};
use super::value::canonical;

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
    pub(super) indices: Vec<u32>,
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
    pub(super) stencils: Stencils,
    pub(super) notes: Notes,
    pub(super) form: Vec<u8>,
    pub(super) other: Vec<u8>,
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
    #[inline]
    pub(crate) fn slot(&self, slot: u32) -> Span {
        // A record that was read by a stencil has none of its own.
        self.slots.get(slot as usize).copied().unwrap_or_else(|| self.stencils.slot(slot))
    }

    /// Forgets what the last record said.
    pub(super) fn clear(&mut self) {
        self.key = None;
        self.references.clear();
        self.problems.clear();
        self.flaws.clear();
        self.indices.clear();
        self.log.clear();
        self.slots.clear();
    }

    /// Makes room for a walk.
    fn open(&mut self, slots: usize) {
        self.clear();
        self.slots.resize(slots, Span::default());
        self.marks.clear();
        self.passed.clear();
        self.open_indices.clear();
        self.members.clear();
        self.notes.clear();
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
        if into.habits.prepare(self.shape, self.hasher) {
            into.stencils = Stencils::default();
        }
        let mut stencils = std::mem::take(&mut into.stencils);
        let fitted = stencils.read(self, record, into);
        into.stencils = stencils;
        if let Some(left) = fitted {
            if left.key {
                self.finish_key(record, into);
            }
            if left.equalities {
                self.compare(record, into);
            }
            return Ok(());
        }
        self.walk(record, into)?;
        self.finish_key(record, into);
        self.compare(record, into);
        if into.notes.wanted && into.problems.is_empty() && into.flaws.is_empty() {
            let mut stencils = std::mem::take(&mut into.stencils);
            stencils.learn(self.shape, record, into);
            into.stencils = stencils;
        }
        Ok(())
    }

    /// Passes over a record member by member.
    fn walk(&self, record: &[u8], into: &mut Extract) -> Result<(), Flaw> {
        into.open(self.shape.slots);
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
        let lone = walk.scanner.lone_surrogate;
        into.flaws.extend(twice.then_some(Flaw::DuplicateMember));
        into.flaws.extend(large.then_some(Flaw::NumberTooLarge));
        into.flaws.extend(lone.then_some(Flaw::LoneSurrogate));
        Ok(())
    }

    /// Writes the canonical form of the key that a reference holds; whether it is complete.
    #[inline]
    pub(super) fn write_reference(
        &self,
        position: u32,
        members: impl Iterator<Item = Span>,
        record: &[u8],
        form: &mut Vec<u8>,
    ) -> bool {
        form.clear();
        let plan = self.shape.references.get(position as usize);
        let kinds = plan.map(|plan| plan.members.as_slice()).unwrap_or_default();
        let mut written = kinds
            .iter()
            .zip(members)
            .map(|(&(_, kind), member)| member.is_present() && write_scalar(kind, member, record, form));
        !kinds.is_empty() && written.all(|written| written)
    }

    /// Puts the natural key together and compares the values that merge into one field.
    fn finish_key(&self, record: &[u8], into: &mut Extract) {
        let mut form = std::mem::take(&mut into.form);
        form.clear();
        let complete = match &self.shape.key {
            KeyPlan::Unknown => false,
            KeyPlan::Descriptor { namespace, code } => {
                let (namespace, code) = (into.slot(*namespace), into.slot(*code));
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
            let value = into.slot(slot);
            if !value.is_present() {
                continue;
            }
            let Some((first, first_node)) = first else {
                complete = write_scalar(field.kind, value, record, form);
                first = Some((value, node));
                continue;
            };
            into.other.clear();
            let readable = write_scalar(field.kind, value, record, &mut into.other);
            if readable && complete && form.get(from..) != Some(into.other.as_slice()) {
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
