//! What is read of the records of one resource: its paths as a tree, so that one walk over the bytes
//! finds key fields, references and required fields and passes over the rest.

use super::json::{Span, Token, hash_of, unescape};
use super::keys::{KeyForm, member_name};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Equality, FieldKind, Kind, Target, Text};

/// No node, slot or reference.
pub(crate) const NONE: u32 = u32::MAX;

/// The tree of one resource.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) resource: ResourceId,
    pub(crate) nodes: Vec<Node>,
    /// How many scalars are kept while a record is read.
    pub(crate) slots: usize,
    pub(crate) key: KeyPlan,
    /// One for each reference of the resource, in its order.
    pub(crate) references: Vec<ReferencePlan>,
    pub(crate) equalities: Vec<EqualityPlan>,
}

/// A shape that takes no notice of the case of strings in keys.
#[derive(Debug)]
pub(crate) struct InNoCase {
    pub(crate) shape: Shape,
    /// The slots of those strings; none where one stands in a collection, whose slot keeps the last value only.
    pub(crate) strings: Option<Vec<u32>>,
}

/// One path.
#[derive(Debug)]
pub(crate) struct Node {
    /// The path as the model writes it.
    pub(crate) path: Text,
    /// Members that are read.
    pub(crate) children: Names,
    /// Ordinals of the children that the object must have.
    pub(crate) required: Vec<u32>,
    /// The node of the items, where it is a collection.
    pub(crate) item: u32,
    /// Where its value is kept, where it is a scalar.
    pub(crate) slot: u32,
    /// The reference it is.
    pub(crate) reference: u32,
    /// Its type, where the model tells it.
    pub(crate) kind: Option<FieldKind>,
    /// Whether every value is kept, for an equality.
    pub(crate) logged: bool,
    /// The first 64 children of `required`, a bit each.
    pub(crate) must: u64,
    /// Whether nothing below it is a collection.
    pub(crate) single: bool,
    /// The slots at and below it, where it is `single`.
    pub(crate) within: Vec<u32>,
}

/// How a reference is read.
#[derive(Debug, Default)]
pub(crate) struct ReferencePlan {
    pub(crate) descriptor: bool,
    /// Slots and types of the members, in the order of the target's key; empty where it is unknown.
    pub(crate) members: Vec<(u32, FieldKind)>,
}

/// How the natural key is put together.
#[derive(Debug)]
pub(crate) enum KeyPlan {
    Descriptor { namespace: u32, code: u32 },
    Fields { fields: Vec<KeyFieldPlan>, partial: bool },
    Unknown,
}

impl KeyPlan {
    /// Whether records of equal keys are the same record, as [`KeyForm::is_whole`].
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Descriptor { .. } | Self::Fields { partial: false, .. })
    }
}

/// One field of the natural key.
#[derive(Debug)]
pub(crate) struct KeyFieldPlan {
    pub(crate) kind: FieldKind,
    /// Slot and node of each path.
    pub(crate) from: Vec<(u32, u32)>,
}

/// Two nodes whose values must be equal.
#[derive(Debug)]
pub(crate) struct EqualityPlan {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) kind: FieldKind,
    /// How many collections both stand in together.
    pub(crate) shared: usize,
}

/// Names of members, found by hash.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Name and node, in order of their being added.
    entries: Vec<(Text, u32)>,
    /// Ordinals + 1 by hash; 0 is free. A power of two, at most half full.
    table: Vec<u32>,
}

impl Names {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn nodes(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|(_, node)| *node)
    }

    pub(crate) fn node(&self, ordinal: u32) -> u32 {
        self.entries.get(ordinal as usize).map_or(NONE, |(_, node)| *node)
    }

    /// The ordinal and node of a member.
    #[inline]
    pub(crate) fn find(&self, bytes: &[u8], name: Span) -> Option<(u32, u32)> {
        if name.token == Token::Escaped {
            return self.find_text(&unescape(name.of(bytes)));
        }
        self.find_text(name.of(bytes))
    }

    #[inline]
    pub(crate) fn find_text(&self, text: &[u8]) -> Option<(u32, u32)> {
        let mask = self.table.len().checked_sub(1)?;
        let mut at = place(text) & mask;
        loop {
            let ordinal = self.table.get(at)?.checked_sub(1)?;
            let (name, node) = self.entries.get(ordinal as usize)?;
            if name.as_bytes() == text {
                return Some((ordinal, *node));
            }
            at = (at + 1) & mask;
        }
    }

    fn add(&mut self, name: &str, node: u32) {
        self.entries.push((name.into(), node));
        let size = (self.entries.len() * 2).next_power_of_two();
        self.table = vec![0; size];
        for (ordinal, (name, _)) in (1..).zip(&self.entries) {
            let mut at = place(name.as_bytes()) & (size - 1);
            while self.table.get(at).is_some_and(|taken| *taken != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = self.table.get_mut(at) {
                *free = ordinal;
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
#[inline]
fn place(text: &[u8]) -> usize {
    hash_of(text) as usize
}

impl Shape {
    /// The shape of a resource. O(paths of the resource).
    pub(crate) fn of(graph: &DependencyGraph, id: ResourceId) -> Self {
        let mut shape = Self {
            resource: id,
            nodes: vec![Node::new("$".into())],
            slots: 0,
            key: KeyPlan::Unknown,
            references: Vec::new(),
            equalities: Vec::new(),
        };
        for (position, reference) in (0..).zip(&graph.resource(id).references) {
            let plan = shape.reference(graph, id, position, reference);
            shape.references.push(plan);
        }
        let details = graph.details(id);
        for field in &details.fields {
            let node = shape.node(&field.path);
            shape.declare(node, field.kind.kind);
            shape.require(&field.path);
        }
        shape.key = shape.key_plan(KeyForm::of(graph, id));
        // Paths that merge into one field of the key are compared there.
        let merged = |e: &Equality| details.key.iter().any(|k| k.paths.contains(&e.left) && k.paths.contains(&e.right));
        for equality in details.equalities.iter().filter(|equality| !merged(equality)) {
            let (left, right) = (shape.logged(&equality.left), shape.logged(&equality.right));
            let declared = |node: u32| shape.at(node).and_then(|n| n.kind);
            let kind = declared(left).or(declared(right)).unwrap_or(guess(&equality.left));
            let common = equality.left.bytes().zip(equality.right.bytes()).take_while(|(l, r)| l == r).count();
            let shared = equality.left.get(..common).unwrap_or_default().matches("[*]").count();
            shape.equalities.push(EqualityPlan { left, right, kind, shared });
        }
        shape.sum_up();
        shape
    }

    /// The same shape, but for strings of keys that are equal where they differ in case only; none where no
    /// key has a string.
    pub(crate) fn without_case(mut self) -> Option<InNoCase> {
        let mut slots = Vec::new();
        let members = self.references.iter_mut().flat_map(|reference| &mut reference.members);
        let own = match &mut self.key {
            KeyPlan::Fields { fields, .. } => fields.as_mut_slice(),
            KeyPlan::Descriptor { .. } | KeyPlan::Unknown => &mut [],
        };
        let members = members.map(|(slot, kind)| (vec![*slot], kind));
        let own = own.iter_mut().map(|field| (field.from.iter().map(|(slot, _)| *slot).collect(), &mut field.kind));
        for (of, kind) in members.chain(own) {
            if *kind == FieldKind::String {
                slots.extend(of);
            }
            *kind = kind.without_case();
        }
        slots.sort_unstable();
        slots.dedup();
        let in_items = |slot: &u32| self.nodes.iter().any(|node| node.slot == *slot && node.path.contains("[*]"));
        let all = !slots.iter().any(in_items);
        (!slots.is_empty()).then(|| InNoCase { shape: self, strings: all.then_some(slots) })
    }

    /// Fills in what follows from the finished tree. Children stand behind their parents.
    fn sum_up(&mut self) {
        for at in (0..self.nodes.len()).rev() {
            let Some(node) = self.nodes.get(at) else { continue };
            let children: Vec<&Node> = node.children.nodes().filter_map(|child| self.at(child)).collect();
            let single = node.item == NONE && children.iter().all(|child| child.single);
            let mut within: Vec<u32> = Vec::new();
            if single {
                within.extend((node.slot != NONE).then_some(node.slot));
                within.extend(children.iter().flat_map(|child| &child.within));
            }
            let must =
                node.required.iter().filter(|ordinal| **ordinal < 64).fold(0, |must, ordinal| must | 1 << ordinal);
            if let Some(node) = self.nodes.get_mut(at) {
                (node.single, node.within, node.must) = (single, within, must);
            }
        }
    }

    pub(crate) fn at(&self, node: u32) -> Option<&Node> {
        self.nodes.get(node as usize)
    }

    fn reference(
        &mut self,
        graph: &DependencyGraph,
        id: ResourceId,
        position: u32,
        reference: &crate::model::Reference,
    ) -> ReferencePlan {
        let descriptor = match &reference.target {
            Target::Resource(name) => graph.model().resource(name).is_some_and(|r| r.kind == Kind::Descriptor),
            Target::Abstract(_) => false,
            // Known by property name only: neither can be looked up.
            Target::Unresolved(_) => return ReferencePlan::default(),
        };
        let node = self.node(&reference.path);
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.reference = position;
        }
        if descriptor {
            self.declare(node, FieldKind::Descriptor);
            let slot = self.slot(node);
            return ReferencePlan { descriptor, members: vec![(slot, FieldKind::Descriptor)] };
        }
        self.declare(node, FieldKind::Reference);
        let mut members = Vec::new();
        if let KeyForm::Fields { fields, .. } = KeyForm::of_target(graph, reference) {
            for field in &fields {
                let path = format!("{}.{}", reference.path, member_name(graph, id, &reference.path, &field.name));
                let member = self.node(&path);
                self.declare(member, field.kind);
                self.require(&path);
                members.push((self.slot(member), field.kind));
            }
        }
        ReferencePlan { descriptor, members }
    }

    fn key_plan(&mut self, form: KeyForm) -> KeyPlan {
        match form {
            KeyForm::Unknown => KeyPlan::Unknown,
            KeyForm::Descriptor => {
                let [namespace, code] = ["$.namespace", "$.codeValue"].map(|path| {
                    let node = self.node(path);
                    self.declare(node, FieldKind::String);
                    self.require(path);
                    self.slot(node)
                });
                KeyPlan::Descriptor { namespace, code }
            }
            KeyForm::Fields { fields, partial } => {
                let fields = fields.into_iter().map(|field| {
                    let only = field.paths.len() == 1;
                    let from = field.paths.iter().map(|path| {
                        let node = self.node(path);
                        self.declare(node, field.kind);
                        if only {
                            self.require(path);
                        }
                        (self.slot(node), node)
                    });
                    KeyFieldPlan { kind: field.kind, from: from.collect() }
                });
                KeyPlan::Fields { fields: fields.collect(), partial }
            }
        }
    }

    fn logged(&mut self, path: &str) -> u32 {
        let node = self.node(path);
        self.slot(node);
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.logged = true;
        }
        node
    }

    /// The first declaration of a type stands: references come before fields.
    fn declare(&mut self, node: u32, kind: FieldKind) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.kind.get_or_insert(kind);
        }
    }

    fn slot(&mut self, node: u32) -> u32 {
        let next = count(self.slots);
        let Some(node) = self.nodes.get_mut(node as usize) else { return NONE };
        if node.slot == NONE {
            node.slot = next;
            self.slots += 1;
        }
        node.slot
    }

    /// Demands a path of the object that holds it.
    fn require(&mut self, path: &str) {
        let Some((holder, name)) = path.rsplit_once('.') else { return };
        if name.ends_with("[*]") {
            return;
        }
        let holder = self.node(holder);
        let Some(holder) = self.nodes.get_mut(holder as usize) else { return };
        if let Some((ordinal, _)) = holder.children.find_text(name.as_bytes())
            && !holder.required.contains(&ordinal)
        {
            holder.required.push(ordinal);
        }
    }

    /// The node of a path, with all before it.
    fn node(&mut self, path: &str) -> u32 {
        let mut at = 0;
        let mut end = 1;
        let rest = path.strip_prefix('$').unwrap_or(path);
        for segment in rest.split('.').filter(|s| !s.is_empty()) {
            let name = segment.split('[').next().unwrap_or_default();
            if !name.is_empty() {
                end += 1 + name.len();
                at = self.child(at, name, path.get(..end).unwrap_or(path));
            }
            for _ in 0..segment.matches("[*]").count() {
                end += 3;
                at = self.item(at, path.get(..end).unwrap_or(path));
            }
        }
        at
    }

    fn child(&mut self, of: u32, name: &str, path: &str) -> u32 {
        let next = count(self.nodes.len());
        let Some(node) = self.nodes.get_mut(of as usize) else { return NONE };
        if let Some((_, child)) = node.children.find_text(name.as_bytes()) {
            return child;
        }
        node.children.add(name, next);
        self.nodes.push(Node::new(path.into()));
        next
    }

    fn item(&mut self, of: u32, path: &str) -> u32 {
        let next = count(self.nodes.len());
        let Some(node) = self.nodes.get_mut(of as usize) else { return NONE };
        if node.item != NONE {
            return node.item;
        }
        node.item = next;
        self.nodes.push(Node::new(path.into()));
        next
    }
}

impl Node {
    fn new(path: Text) -> Self {
        Self {
            path,
            children: Names::default(),
            required: Vec::new(),
            item: NONE,
            slot: NONE,
            reference: NONE,
            kind: None,
            logged: false,
            must: 0,
            single: false,
            within: Vec::new(),
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}

/// The type of a value that no declaration covers, by its name.
fn guess(path: &str) -> FieldKind {
    if path.ends_with("Descriptor") { FieldKind::Descriptor } else { FieldKind::String }
}
