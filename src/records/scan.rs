//! One pass over a folder: every key that records supply, every reference that finds none.
//!
//! Resources are read in load order, so that nearly every reference finds its target's keys sorted and
//! frozen; the few that do not (within a resource, around a cycle) wait until the end. Reasons and
//! bounds: docs/design.md, "Checking records".

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use super::extract::{Extract, Problem, Reader, Trouble};
use super::files::{Folder, PayloadFile};
use super::json::Flaw;
use super::keys::{Key, KeyHasher};
use super::lookup::{Answer, Batch, Supplier, supplier};
use super::pathway::{Pathway, set};
use super::read::{Numbered, ReadOptions, Unreadable, read_all};
use super::shape::Shape;
use super::store::{Collected, Duplicate, Entry, Place, Table};
use crate::graph::{Constraint, DependencyGraph, Precedence, ResourceId};
use crate::model::{Reference, ResourceName, Target};

/// References that wait before those that have found their target meanwhile are let go.
const PATIENCE: usize = 1 << 20;

/// What one pass over a folder found.
pub struct Scan<'g, 'f> {
    pub(crate) graph: &'g DependencyGraph,
    /// Files to send first, then those that only supply keys.
    pub(crate) files: Vec<&'f PayloadFile>,
    /// For each file its lane.
    pub(crate) lane_of: Vec<usize>,
    /// How many of the files are to be sent.
    pub(crate) payloads: usize,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) hasher: KeyHasher,
    /// References without a record, by place.
    pub(crate) unresolved: Vec<Pending>,
    /// Records whose key an earlier one has, by place.
    pub(crate) duplicates: Vec<Duplicate>,
    /// Records that lack something, by place.
    pub(crate) incomplete: Vec<Place>,
    /// Records that contradict themselves, by place.
    pub(crate) contradictory: Vec<Place>,
    /// What is no record, by place.
    pub(crate) flaws: Vec<(Place, Flaw)>,
    pub(crate) missing: u64,
    pub(crate) conflicts: u64,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// One resource of a folder.
pub(crate) struct Lane {
    pub(crate) resource: ResourceId,
    pub(crate) shape: Shape,
    /// For each reference the lanes that may supply it.
    pub(crate) targets: Vec<Vec<usize>>,
    pub(crate) table: Table,
    pub(crate) records: u64,
    /// For each reference how often it occurs.
    pub(crate) references: Vec<u64>,
    /// For each reference, for each of its targets, how many were found there.
    pub(crate) supplied: Vec<Vec<u64>>,
    /// For a person, one bit a key: whether an association makes it visible.
    pub(crate) visible: Vec<AtomicU64>,
    /// For a person, one bit a key: whether an association would if the person at its other end were visible.
    pub(crate) hidden_through: Vec<AtomicU64>,
}

/// A reference whose target was not there when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pending {
    pub(crate) place: Place,
    pub(crate) position: u32,
    pub(crate) key: Key,
}

/// References that the records of a folder really contain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The resource that refers.
    pub dependent: ResourceId,
    /// The position of the reference in it.
    pub reference: usize,
    /// The resource of this folder that supplies it.
    pub prerequisite: ResourceId,
    /// How many records of it.
    pub count: u64,
}

struct Worker {
    extract: Extract,
    tallies: BTreeMap<usize, Tally>,
    pending: Vec<Pending>,
    patience: usize,
    incomplete: Vec<Place>,
    contradictory: Vec<Place>,
    flaws: Vec<(Place, Flaw)>,
    missing: u64,
    conflicts: u64,
    asked: Batch,
}

#[derive(Default)]
struct Tally {
    keys: Collected,
    records: u64,
    references: Vec<u64>,
    supplied: Vec<Vec<u64>>,
}

/// Reads a folder once. `supply` are files that only supply keys, such as descriptors that are on the
/// server already. O(bytes + keys log keys); 25 bytes a distinct key.
#[must_use]
pub fn scan<'g, 'f>(
    graph: &'g DependencyGraph,
    folder: &'f Folder,
    supply: Option<&'f Folder>,
    options: &ReadOptions<'_>,
) -> Scan<'g, 'f> {
    let assigned: Vec<&(PayloadFile, ResourceId)> =
        folder.files.iter().chain(supply.into_iter().flat_map(|s| &s.files)).collect();
    let mut resources: Vec<ResourceId> = assigned.iter().map(|(_, id)| *id).collect();
    resources.sort_unstable();
    resources.dedup();
    let lane = |id: ResourceId| resources.binary_search(&id).ok();
    let lanes: Vec<Lane> = resources
        .iter()
        .map(|&resource| {
            let references = &graph.resource(resource).references;
            let targets: Vec<Vec<usize>> =
                references.iter().map(|r| targets(graph, r).into_iter().filter_map(lane).collect()).collect();
            Lane {
                resource,
                shape: Shape::of(graph, resource),
                table: Table::default(),
                records: 0,
                references: vec![0; references.len()],
                supplied: targets.iter().map(|t| vec![0; t.len()]).collect(),
                visible: Vec::new(),
                hidden_through: Vec::new(),
                targets,
            }
        })
        .collect();
    let mut scan = Scan {
        graph,
        lane_of: assigned.iter().filter_map(|(_, id)| lane(*id)).collect(),
        files: assigned.iter().map(|(file, _)| file).collect(),
        payloads: folder.files.len(),
        lanes,
        hasher: KeyHasher::random(),
        unresolved: Vec::new(),
        duplicates: Vec::new(),
        incomplete: Vec::new(),
        contradictory: Vec::new(),
        flaws: Vec::new(),
        missing: 0,
        conflicts: 0,
        unreadable: Vec::new(),
    };
    scan.run(options);
    scan
}

/// The resources that satisfy a reference: of a descriptor that the name leaves open, any it may mean.
pub(crate) fn targets(graph: &DependencyGraph, reference: &Reference) -> Vec<ResourceId> {
    match &reference.target {
        Target::Resource(name) => {
            std::iter::once(name).chain(&reference.alternatives).filter_map(|n| graph.id(n)).collect()
        }
        Target::Abstract(entity) => graph.subclasses(entity).to_vec(),
        Target::Unresolved(_) => Vec::new(),
    }
}

impl Scan<'_, '_> {
    fn run(&mut self, options: &ReadOptions<'_>) {
        let pathways = self.pathways();
        let mut workers: Vec<Worker> = (0..options.threads.max(1)).map(|_| Worker::new()).collect();
        for wave in self.waves() {
            let files: Vec<Numbered<'_>> = (0..)
                .zip(&self.files)
                .zip(&self.lane_of)
                .filter(|(_, lane)| wave.contains(lane))
                .map(|((number, file), _)| (number, *file))
                .collect();
            for worker in &mut workers {
                worker.tallies = wave.iter().map(|&lane| (lane, Tally::of(self.lanes.get(lane)))).collect();
            }
            let this = &*self;
            let (back, unreadable) = read_all(&files, options, workers, |worker, place, record| {
                let Some(lane) = this.lane_of.get(place.file()) else { return };
                worker.record(this, &pathways, *lane, place, record);
            });
            workers = back;
            self.unreadable.extend(unreadable);
            for worker in &mut workers {
                worker.look_up(self, &pathways);
            }
            for lane in wave {
                self.freeze(lane, &mut workers, options.threads, &pathways);
            }
            // Keeps the lists short where most of what waited has been read meanwhile.
            for worker in workers.iter_mut().filter(|w| w.pending.len() >= w.patience) {
                worker.pending = self.settle(std::mem::take(&mut worker.pending), &pathways);
                worker.patience = (worker.pending.len() * 2).max(PATIENCE);
            }
        }
        for worker in workers {
            self.unresolved.extend(worker.pending);
            self.incomplete.extend(worker.incomplete);
            self.contradictory.extend(worker.contradictory);
            self.flaws.extend(worker.flaws);
            self.missing += worker.missing;
            self.conflicts += worker.conflicts;
        }
        let waiting = std::mem::take(&mut self.unresolved);
        let mut left = self.settle(waiting, &pathways);
        left.retain(|pending| {
            let reference = self.lane_at(pending.place).and_then(|lane| self.reference(lane, pending.position));
            reference.is_some_and(|reference| self.tells_missing(reference))
        });
        self.unresolved = left;
        self.unresolved.sort_unstable();
        self.incomplete.sort_unstable();
        self.contradictory.sort_unstable();
        self.duplicates.sort_unstable();
        // A record that was searched from its start again may have shown its flaw twice.
        self.flaws.sort_unstable();
        self.flaws.dedup();
        self.unreadable.sort();
    }

    /// Lanes in groups: one group finds the keys of those before it.
    fn waves(&self) -> Vec<Vec<usize>> {
        let mut constraints = Vec::new();
        for (after, lane) in self.lanes.iter().enumerate() {
            let references = &self.graph.resource(lane.resource).references;
            for (targets, reference) in lane.targets.iter().zip(references) {
                let others = targets.iter().filter(|before| **before != after);
                constraints.extend(others.map(|&before| Constraint { before, after, removable: !reference.required }));
            }
        }
        // A contact is visible through a student that is, so enrollments are read before.
        for pathway in self.graph.pathways() {
            for (before, after) in cross(&pathway.also_before_update, &pathway.associations) {
                if let (Some(before), Some(after)) = (self.lane(before), self.lane(after)) {
                    constraints.push(Constraint { before, after, removable: true });
                }
            }
        }
        constraints.sort_unstable();
        constraints.dedup_by_key(|c| (c.before, c.after));
        let precedence = Precedence { steps: self.lanes.len(), constraints };
        // In an impossible order every reference would wait; the answer would be the same.
        let removed = precedence.break_cycles(|_| 0).map(|b| b.removed).unwrap_or_default();
        let layers = precedence.layers(&removed, |_| true).layer;
        let mut waves: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (lane, layer) in layers.into_iter().enumerate() {
            waves.entry(layer).or_default().push(lane);
        }
        waves.into_values().collect()
    }

    pub(crate) fn lane(&self, name: &ResourceName) -> Option<usize> {
        let id = self.graph.id(name)?;
        self.lanes.binary_search_by_key(&id, |lane| lane.resource).ok()
    }

    /// Whether a reference that no record supplies is to one that is missing, and not to one of a resource
    /// without a file. Of a descriptor that the name leaves open, all that it may mean must have a file; of
    /// an abstract resource, one subclass.
    pub(crate) fn tells_missing(&self, reference: &Reference) -> bool {
        match &reference.target {
            Target::Resource(name) => {
                std::iter::once(name).chain(&reference.alternatives).all(|name| self.lane(name).is_some())
            }
            Target::Abstract(entity) => {
                self.graph.subclasses(entity).iter().any(|id| self.lane_of_resource(*id).is_some())
            }
            Target::Unresolved(_) => false,
        }
    }

    fn freeze(
        &mut self,
        lane: usize,
        workers: &mut [Worker],
        threads: usize,
        pathways: &BTreeMap<usize, Vec<Pathway>>,
    ) {
        let tallies: Vec<Tally> = workers.iter_mut().filter_map(|w| w.tallies.remove(&lane)).collect();
        let payloads = self.payloads;
        let Some(lane_of) = self.lanes.get_mut(lane) else { return };
        for tally in &tallies {
            lane_of.records += tally.records;
            add(&mut lane_of.references, &tally.references);
            for (sums, counts) in lane_of.supplied.iter_mut().zip(&tally.supplied) {
                add(sums, counts);
            }
        }
        let (table, duplicates) = Table::freeze(tallies.into_iter().map(|t| t.keys).collect(), threads);
        if pathways.values().flatten().any(|p| p.person == lane) {
            let bits = || (0..table.entries().len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
            (lane_of.visible, lane_of.hidden_through) = (bits(), bits());
        }
        lane_of.table = table;
        // Where a part of the key is unknown, equal keys say nothing; what is on the server already may
        // be sent again.
        if lane_of.shape.key.is_whole() {
            self.duplicates.extend(duplicates.into_iter().filter(|d| d.place.file() < payloads));
        }
    }

    /// Looks a reference up among the keys that are known so far.
    #[inline]
    pub(crate) fn find(&self, lane: usize, position: u32, key: Key) -> Option<Supplier> {
        supplier(&self.lanes, lane, position, key, 0)
    }

    /// Looks up what waited; what comes back has no record so far.
    fn settle(&mut self, mut waiting: Vec<Pending>, pathways: &BTreeMap<usize, Vec<Pathway>>) -> Vec<Pending> {
        let mut found = Vec::new();
        waiting.retain(|pending| {
            let Some(&lane) = self.lane_of.get(pending.place.file()) else { return false };
            let Some(Supplier { choice, lane: target, at }) = self.find(lane, pending.position, pending.key) else {
                return true;
            };
            if pathways.get(&lane).is_some_and(|p| p.iter().any(|p| p.person == target)) {
                self.make_visible(target, at);
            }
            found.push((lane, pending.position as usize, choice));
            false
        });
        for (lane, position, choice) in found {
            let counts = self.lanes.get_mut(lane).and_then(|l| l.supplied.get_mut(position));
            if let Some(count) = counts.and_then(|c| c.get_mut(choice)) {
                *count += 1;
            }
        }
        waiting
    }

    /// The references that the records really contain and that a record of the folder supplies, by
    /// dependent, reference and prerequisite.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        for lane in &self.lanes {
            for (reference, (targets, counts)) in lane.targets.iter().zip(&lane.supplied).enumerate() {
                for (&target, &count) in targets.iter().zip(counts).filter(|(_, count)| **count > 0) {
                    let Some(prerequisite) = self.lanes.get(target).map(|l| l.resource) else { continue };
                    uses.push(Use { dependent: lane.resource, reference, prerequisite, count });
                }
            }
        }
        uses.sort();
        uses
    }

    /// For each resource its references that occur at all, supplied or not: those a load of this folder
    /// may have to defer.
    #[must_use]
    pub fn occurring(&self) -> Vec<(ResourceId, Vec<usize>)> {
        let occurring = |lane: &Lane| {
            let counts = lane.references.iter().enumerate();
            counts.filter(|(_, count)| **count > 0).map(|(reference, _)| reference).collect()
        };
        self.lanes.iter().map(|lane| (lane.resource, occurring(lane))).collect()
    }
}

fn cross<'a, T>(left: &'a [T], right: &'a [T]) -> impl Iterator<Item = (&'a T, &'a T)> {
    left.iter().flat_map(move |l| right.iter().map(move |r| (l, r)))
}

fn add(sums: &mut [u64], counts: &[u64]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

impl Tally {
    fn of(lane: Option<&Lane>) -> Self {
        let Some(lane) = lane else { return Self::default() };
        let zeros = |counts: &Vec<u64>| vec![0; counts.len()];
        Self {
            keys: Collected::default(),
            records: 0,
            references: zeros(&lane.references),
            supplied: lane.supplied.iter().map(zeros).collect(),
        }
    }
}

impl Worker {
    fn new() -> Self {
        Self {
            extract: Extract::default(),
            tallies: BTreeMap::new(),
            pending: Vec::new(),
            patience: PATIENCE,
            incomplete: Vec::new(),
            contradictory: Vec::new(),
            flaws: Vec::new(),
            missing: 0,
            conflicts: 0,
            asked: Batch::default(),
        }
    }

    fn record(
        &mut self,
        scan: &Scan<'_, '_>,
        pathways: &BTreeMap<usize, Vec<Pathway>>,
        lane: usize,
        place: Place,
        record: Result<&[u8], Flaw>,
    ) {
        let (Some(own), Some(tally)) = (scan.lanes.get(lane), self.tallies.get_mut(&lane)) else { return };
        let reader = Reader { hasher: scan.hasher, shape: &own.shape };
        if let Err(flaw) = record.and_then(|record| reader.read(record, &mut self.extract)) {
            self.flaws.push((place, flaw));
            return;
        }
        self.flaws.extend(self.extract.flaws.iter().map(|flaw| (place, *flaw)));
        if let Some(key) = self.extract.key {
            tally.keys.push(Entry { key, place });
        }
        if place.file() >= scan.payloads {
            return;
        }
        tally.records += 1;
        for reference in &self.extract.references {
            let position = reference.position as usize;
            if let Some(count) = tally.references.get_mut(position) {
                *count += 1;
            }
            let target = own.targets.get(position).and_then(|targets| targets.first());
            if let (Some(&target), Some(key)) = (target, reference.key) {
                self.asked.push(lane, target, Pending { place, position: reference.position, key });
            }
        }
        if !self.extract.problems.is_empty() {
            let is_conflict = |problem: &&Problem| matches!(problem.what, Trouble::Conflict(..));
            let conflicts = self.extract.problems.iter().filter(is_conflict).count();
            let missing = self.extract.problems.len() - conflicts;
            self.contradictory.extend((conflicts > 0).then_some(place));
            self.incomplete.extend((missing > 0).then_some(place));
            self.conflicts += conflicts as u64;
            self.missing += missing as u64;
        }
        if self.asked.is_full() {
            self.look_up(scan, pathways);
        }
    }

    /// Looks up the references that have gathered.
    fn look_up(&mut self, scan: &Scan<'_, '_>, pathways: &BTreeMap<usize, Vec<Pathway>>) {
        let answers = self.asked.answer(&scan.lanes);
        for of_lane in answers.chunk_by(|a, b| a.lane == b.lane) {
            let Some(&Answer { lane, .. }) = of_lane.first() else { continue };
            let Some(tally) = self.tallies.get_mut(&lane) else { continue };
            for answer in of_lane {
                let Some(found) = answer.found else {
                    self.pending.push(answer.asked);
                    continue;
                };
                let counts = tally.supplied.get_mut(answer.asked.position as usize);
                if let Some(count) = counts.and_then(|counts| counts.get_mut(found.choice)) {
                    *count += 1;
                }
            }
            let Some(pathways) = pathways.get(&lane) else { continue };
            let records = of_lane.chunk_by(|a, b| a.asked.place == b.asked.place);
            for (of_record, pathway) in records.flat_map(|of_record| pathways.iter().map(move |p| (of_record, p))) {
                let found = || of_record.iter().filter_map(|answer| answer.found);
                let in_sight = |of: &usize| {
                    let mut referred = found().filter(|found| found.lane == *of).peekable();
                    referred.peek().is_none() || referred.any(|found| scan.is_visible(found.lane, found.at))
                };
                let Some(person) = scan.lanes.get(pathway.person) else { continue };
                let is_seen = pathway.through.iter().all(in_sight);
                for found in found().filter(|found| found.lane == pathway.person) {
                    set(if is_seen { &person.visible } else { &person.hidden_through }, found.at);
                }
            }
        }
        self.asked.reuse(answers);
    }
}
