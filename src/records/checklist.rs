//! What some records need, what those records need in turn, and so on down to what is there.
//!
//! A record of a folder tells what it refers to. One that is missing tells it as well, by its key: the key
//! of a section holds those of its course offering, and that one's those of its session and school. So the
//! list goes on below what is missing, until everything is there or no key tells more. Each record is looked
//! up once, however many refer to it, and all that are as far from the payloads at the same time.

mod listed;

use std::collections::{BTreeMap, HashMap};

use super::extract::{Extract, Reader};
use super::json::Flaw;
use super::keys::{Key, KeyForm, KeyHasher, KeyValues, form_of_values};
use super::need::{Need, Standing, Unknown, held, lacking, target_of};
use super::read::{ReadOptions, Unreadable, read_at};
use super::scan::{Scan, targets};
use super::shape::Shape;
use super::store::Place;
use super::told::told;
use super::unread::Unread;
use crate::graph::{DependencyGraph, Found, ResourceId};
use crate::model::{Kind, Reference, ResourceName, Target, Text};

/// The most records that are derived from keys: those of a payload are some dozen, and metadata in which
/// keys hold each other in a circle could make any number of them.
const DERIVED: usize = 1000;

/// Which references a checklist follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Following {
    /// Required references only.
    pub required_only: bool,
    /// Descriptors as well.
    pub descriptors: bool,
    /// How many records away from the payloads.
    pub depth: usize,
}

impl Default for Following {
    fn default() -> Self {
        Self { required_only: false, descriptors: true, depth: usize::MAX }
    }
}

/// What records need.
pub struct Checklist<'s, 'g, 'f> {
    graph: &'g DependencyGraph,
    /// Of the payloads.
    shapes: BTreeMap<ResourceId, Shape>,
    hasher: KeyHasher,
    scan: Option<&'s Scan<'g, 'f>>,
    unread: Option<Unread>,
    following: Following,
    payloads: Vec<(u64, Vec<Edge>)>,
    nodes: Vec<Node>,
    known: HashMap<(Text, Key), usize>,
    derived: usize,
    lines: BTreeMap<Place, u64>,
    /// Records that are read already, for a distance to come.
    ahead: BTreeMap<Place, (u64, Vec<u8>)>,
}

impl std::fmt::Debug for Checklist<'_, '_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checklist").field("records", &self.nodes.len()).finish_non_exhaustive()
    }
}

/// A record that is referred to.
struct Node {
    /// What the first is of that refers to it.
    of: Found,
    target: Text,
    alternatives: Vec<ResourceName>,
    key: KeyValues,
    /// The key, hashed: the same for a record of a subclass and for one of its superclass.
    identity: Key,
    standing: State,
    why: Option<Unknown>,
    edges: Vec<Edge>,
}

/// How a record stands; where a file supplies it, its line is known only when it was read.
#[derive(Clone)]
enum State {
    InFile(Place),
    Is(Standing),
}

/// A reference, and where it leads.
struct Edge {
    of: Found,
    at: Option<Place>,
    path: Text,
    target: Text,
    required: bool,
    end: End,
}

enum End {
    /// A record, by its place among the nodes.
    Record(usize),
    /// Nothing that could be followed, with what is known of its key.
    Nowhere(Standing, Option<Unknown>, KeyValues),
}

impl<'s, 'g, 'f> Checklist<'s, 'g, 'f> {
    /// An empty list; `scan` is the folder that may supply what is needed.
    #[must_use]
    pub fn new(graph: &'g DependencyGraph, scan: Option<&'s Scan<'g, 'f>>, following: Following) -> Self {
        Self {
            graph,
            shapes: BTreeMap::new(),
            // Keys of the folder and of the payloads must compare.
            hasher: scan.map_or_else(KeyHasher::random, |scan| scan.hasher),
            scan,
            unread: scan.map(Scan::unread),
            following,
            payloads: Vec::new(),
            nodes: Vec::new(),
            known: HashMap::new(),
            derived: 0,
            lines: BTreeMap::new(),
            ahead: BTreeMap::new(),
        }
    }

    /// Adds a record of a resource, by the line on which it stands.
    ///
    /// # Errors
    ///
    /// A payload that is no record.
    pub fn add(&mut self, resource: ResourceId, line: u64, payload: &[u8]) -> Result<(), Flaw> {
        let graph = self.graph;
        let shape = self.shapes.entry(resource).or_insert_with(|| Shape::of(graph, resource));
        let mut extract = Extract::default();
        Reader { hasher: self.hasher, shape }.read(payload, &mut extract)?;
        let lacking = lacking(graph, resource, shape, &extract);
        let mut edges = self.edges_of(resource, None, &extract, payload);
        for lacking in lacking {
            if self.follows(lacking.reference) {
                let end = End::Nowhere(lacking.standing, None, KeyValues::new());
                edges.push(edge(Found::Resource(resource), None, lacking.path, lacking.reference, end));
            }
        }
        self.payloads.push((line, edges));
        Ok(())
    }

    /// How many payloads were added.
    #[must_use]
    pub fn payloads(&self) -> usize {
        self.payloads.len()
    }

    /// How many records the payloads refer to or, once they were followed, are known to be needed.
    #[must_use]
    pub fn records(&self) -> usize {
        self.nodes.len()
    }

    /// How many references were left out because so much was derived from keys.
    #[must_use]
    pub fn not_followed(&self) -> usize {
        let edges = self.nodes.iter().flat_map(|node| &node.edges);
        edges.filter(|edge| matches!(edge.end, End::Nowhere(_, Some(Unknown::NotFollowed), _))).count()
    }

    /// Lines and items of the folder that are no records: what they were meant to be counts as missing.
    #[must_use]
    pub fn unreadable_records(&self) -> u64 {
        self.scan.map(Scan::unreadable_records).unwrap_or_default()
    }

    /// Follows the references of the payloads. `look_up` is handed, of each distance, what no file supplies,
    /// and may say of each how it stands. What it leaves missing, or unknown because it is not visible, is
    /// followed by its key. O(files) for each distance, but what is reached among resources that refer to each
    /// other in a circle, or to themselves, is read together.
    ///
    /// # Errors
    ///
    /// Those of `look_up`.
    pub fn follow<E>(
        &mut self,
        read: &ReadOptions<'_>,
        mut look_up: impl FnMut(&mut [Need]) -> Result<(), E>,
    ) -> Result<Vec<Unreadable>, E> {
        let mut unreadable = self.scan.map(|scan| scan.unreadable.clone()).unwrap_or_default();
        let mut done = 0;
        let mut depth = 0;
        while done < self.nodes.len() {
            let level = done..self.nodes.len();
            done = level.end;
            self.ask(level.clone(), &mut look_up)?;
            depth += 1;
            let mut places = Vec::new();
            for number in level {
                let Some(node) = self.nodes.get(number) else { continue };
                match &node.standing {
                    State::InFile(place) => places.push((*place, number)),
                    _ if depth > self.following.depth => {}
                    State::Is(Standing::Missing | Standing::Unread) => self.derive(number),
                    State::Is(Standing::Unknown) if node.why == Some(Unknown::NotVisible) => self.derive(number),
                    State::Is(_) => {}
                }
            }
            unreadable.extend(self.read(places, self.following.depth.checked_sub(depth), read));
        }
        unreadable.sort();
        unreadable.dedup();
        Ok(unreadable)
    }

    /// Says of records that no file supplies how they stand.
    fn ask<E>(
        &mut self,
        level: std::ops::Range<usize>,
        look_up: &mut impl FnMut(&mut [Need]) -> Result<(), E>,
    ) -> Result<(), E> {
        let open: Vec<usize> = level
            .filter(|number| self.nodes.get(*number).is_some_and(|node| matches!(node.standing, State::Is(_))))
            .collect();
        let mut needs: Vec<Need> =
            open.iter().filter_map(|number| self.nodes.get(*number)).map(|n| self.asked(n)).collect();
        if needs.is_empty() {
            return Ok(());
        }
        look_up(&mut needs)?;
        for (number, need) in open.into_iter().zip(needs) {
            if let Some(node) = self.nodes.get_mut(number) {
                (node.standing, node.why) = (State::Is(need.standing), need.why);
            }
        }
        Ok(())
    }

    /// A record by itself, as it is looked up.
    fn asked(&self, node: &Node) -> Need {
        Need {
            depth: 0,
            payload: None,
            line: None,
            of: self.named(node.of),
            at: None,
            path: Text::new_static("$"),
            target: node.target.clone(),
            alternatives: node.alternatives.clone(),
            required: true,
            key: node.key.clone(),
            standing: match &node.standing {
                State::Is(standing) => standing.clone(),
                State::InFile(_) => Standing::Assumed,
            },
            why: node.why,
            one_of: Vec::new(),
            same_as: None,
            repeated: false,
        }
    }

    /// Reads records of the folder, and what they refer to where that is followed, for `further` distances.
    fn read(
        &mut self,
        mut places: Vec<(Place, usize)>,
        further: Option<usize>,
        read: &ReadOptions<'_>,
    ) -> Vec<Unreadable> {
        let Some(scan) = self.scan else { return Vec::new() };
        places.sort_unstable();
        // A subclass supplies references to itself and to its superclass: two nodes, one place.
        let mut wanted: Vec<Place> = places.iter().map(|(place, _)| *place).collect();
        wanted.dedup();
        let (known, open): (Vec<Place>, Vec<Place>) = wanted.iter().partition(|place| self.ahead.contains_key(place));
        let mut extract = Extract::default();
        for place in known {
            if let Some((line, record)) = self.ahead.get(&place).cloned() {
                self.place(place, line, &record, &places, further.is_some(), &mut extract);
            }
        }
        let (around, mut unreadable) = scan.around(&open, further.unwrap_or_default(), read);
        unreadable.extend(read_at(&scan.files, &around, read, |place, line, record| {
            if open.binary_search(&place).is_ok() {
                self.place(place, line, record, &places, further.is_some(), &mut extract);
            } else {
                self.ahead.insert(place, (line, record.to_vec()));
            }
        }));
        unreadable
    }

    /// Notes the line of a record that was read, and what it refers to where that is followed.
    fn place(
        &mut self,
        place: Place,
        line: u64,
        record: &[u8],
        places: &[(Place, usize)],
        follow: bool,
        extract: &mut Extract,
    ) {
        self.lines.insert(place, line);
        let lane = self.scan.and_then(|scan| scan.lanes.get(scan.lane_at(place)?));
        let Some(lane) = lane.filter(|_| follow) else { return };
        let reader = Reader { hasher: self.hasher, shape: &lane.shape };
        if reader.read(record, extract).is_err() {
            return;
        }
        let first = places.partition_point(|(before, _)| *before < place);
        for &(_, number) in places.iter().skip(first).take_while(|(here, _)| *here == place) {
            let edges = self.edges_of(lane.resource, Some(place), extract, record);
            if let Some(node) = self.nodes.get_mut(number) {
                node.edges = edges;
            }
        }
    }

    /// The references of a record that is missing, as its key tells them.
    fn derive(&mut self, number: usize) {
        let Some(node) = self.nodes.get(number) else { return };
        let graph = self.graph;
        let Some(found) = graph.target(&node.target) else { return };
        let mut edges = Vec::new();
        for (reference, values) in told(graph, found, &node.key) {
            if !self.follows(reference) {
                continue;
            }
            let form = KeyForm::of_target(graph, reference);
            let end = match form_of_values(&form, &values) {
                Some(form) => {
                    let key = (target_of(reference), self.hasher.key(&form));
                    match self.known.get(&key) {
                        Some(&known) => End::Record(known),
                        None if self.derived == DERIVED => {
                            End::Nowhere(Standing::Unknown, Some(Unknown::NotFollowed), values)
                        }
                        None => {
                            self.derived += 1;
                            End::Record(self.record(found, reference, key, values))
                        }
                    }
                }
                None if form == KeyForm::Unknown => End::Nowhere(Standing::Unknown, Some(Unknown::NoKey), values),
                None => End::Nowhere(Standing::Unknown, Some(Unknown::NotInKey), values),
            };
            edges.push(edge(found, None, reference.path.clone(), reference, end));
        }
        if let Some(node) = self.nodes.get_mut(number) {
            node.edges = edges;
        }
    }

    /// The references that a record holds.
    fn edges_of(&mut self, of: ResourceId, at: Option<Place>, extract: &Extract, record: &[u8]) -> Vec<Edge> {
        let graph = self.graph;
        let mut edges = Vec::new();
        for held in held(graph, of, extract, record) {
            if !self.follows(held.reference) {
                continue;
            }
            let end = match held.key {
                Some(key) => {
                    let key = (target_of(held.reference), key);
                    let known = self.known.get(&key).copied();
                    End::Record(
                        known.unwrap_or_else(|| self.record(Found::Resource(of), held.reference, key, held.values)),
                    )
                }
                None if KeyForm::of_target(graph, held.reference) == KeyForm::Unknown => {
                    End::Nowhere(Standing::Unknown, Some(Unknown::NoKey), held.values)
                }
                None => End::Nowhere(Standing::Malformed, None, held.values),
            };
            edges.push(edge(Found::Resource(of), at, held.path, held.reference, end));
        }
        edges
    }

    /// A record that was not known before: its place among the nodes.
    fn record(&mut self, of: Found, reference: &Reference, key: (Text, Key), values: KeyValues) -> usize {
        let candidates = targets(self.graph, reference);
        let supplied = self.scan.and_then(|scan| {
            candidates.iter().find_map(|id| scan.lanes.get(scan.lane_of_resource(*id)?)?.table.place(key.1))
        });
        let told = || self.scan.is_some_and(|scan| scan.tells_missing(reference));
        let may_be_unread =
            || self.scan.zip(self.unread.as_ref()).is_some_and(|(scan, unread)| unread.may_hold(scan, reference));
        let standing = match supplied {
            Some(place) => State::InFile(place),
            None if may_be_unread() => State::Is(Standing::Unread),
            None if told() => State::Is(Standing::Missing),
            None => State::Is(Standing::Assumed),
        };
        self.nodes.push(Node {
            of,
            target: key.0.clone(),
            alternatives: reference.alternatives.clone(),
            key: values,
            identity: key.1,
            standing,
            why: None,
            edges: Vec::new(),
        });
        self.known.insert(key, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn follows(&self, reference: &Reference) -> bool {
        let is_descriptor = |name| self.graph.model().resource(name).is_some_and(|r| r.kind == Kind::Descriptor);
        let descriptor = matches!(&reference.target, Target::Resource(name) if is_descriptor(name));
        (reference.required || !self.following.required_only) && (self.following.descriptors || !descriptor)
    }
}

fn edge(of: Found, at: Option<Place>, path: Text, reference: &Reference, end: End) -> Edge {
    Edge { of, at, path, target: target_of(reference), required: reference.required, end }
}
