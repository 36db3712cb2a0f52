//! What refers to records: the files that may, read once, and what was kept of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::in_part::{InPart, PartOf};
use super::{FolderRecord, FolderStore, Keys, Passed, UnreadableFolder};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::Target;
use crate::records::extract::Found;
use crate::records::keys::{Key, KeyForm};
use crate::records::scan::targets;
use crate::records::sizes::Sizes;
use crate::records::store::Place;
use crate::records::stored::{Ask, Gap, GapCode, ItemOf, RecordOf, RecordReference, Referring};

/// References of one resource, by the key they hold in no case, then position and place.
pub(super) struct Kept(Vec<KeptReference>);

struct KeptReference {
    keys: Keys,
    position: u32,
    from: FolderRecord,
    items: Vec<ItemOf>,
}

impl KeptReference {
    fn order(&self) -> (u64, u32, Option<Place>, &[ItemOf]) {
        (self.keys.folded, self.position, self.from.place, &self.items)
    }
}

/// The targets of a request of one resource.
#[derive(Default)]
struct Sought {
    numbers: HashMap<Keys, usize>,
    /// Their keys in no case.
    folded: HashSet<u64>,
}

/// The targets of a request, by resource.
type ByKey = BTreeMap<ResourceId, Sought>;

/// What is looked for by one reference of a resource.
struct Lead<'k> {
    /// Where the key may be found.
    sought: Vec<&'k Sought>,
    /// Whether it is kept.
    kept: bool,
    /// How it is read where it lacks a part of the key; none where the metadata does not tell the key.
    in_part: Option<PartOf>,
}

impl Lead<'_> {
    fn in_any_case(&self, folded: Key) -> bool {
        self.sought.iter().any(|sought| sought.folded.contains(&folded.high))
    }
}

/// What is looked for in one resource, for each of its references.
type Leads<'k> = BTreeMap<ResourceId, Vec<Lead<'k>>>;

/// What one thread found of references.
#[derive(Default)]
struct Hits {
    found: Vec<RecordReference<FolderRecord>>,
    kept: BTreeMap<ResourceId, Vec<KeptReference>>,
    /// References to a key that differs in case only.
    differing: Vec<(ResourceId, u32, Place)>,
    in_part: InPart,
}

impl FolderStore<'_> {
    /// Reads the files of the asked resources once; those that are asked again are answered from memory.
    pub(super) fn find_referring(
        &mut self,
        asks: &[Ask],
        targets_of: &[RecordOf<FolderRecord>],
    ) -> Result<Referring<FolderRecord>, UnreadableFolder> {
        let mut by_key = ByKey::new();
        for (number, target) in targets_of.iter().enumerate() {
            // What has no key cannot be referred to.
            if let Some(keys) = target.record.keys {
                let sought = by_key.entry(target.resource).or_default();
                sought.numbers.insert(keys, number);
                sought.folded.insert(keys.folded);
            }
        }
        asks.iter().for_each(|ask| self.prepare(ask.resource));
        let mut all = Hits::default();
        let (old, new): (Vec<&Ask>, Vec<&Ask>) = asks.iter().partition(|ask| self.kept.contains_key(&ask.resource));
        for ask in old {
            if let Some(kept) = self.kept.get(&ask.resource) {
                self.look_up(ask, kept, &by_key, &mut all);
            }
        }
        let mut gaps: Vec<Gap> = new.iter().flat_map(|ask| self.unreadable_references(ask)).collect();
        let leads: Leads<'_> = new.iter().map(|ask| (ask.resource, leads(self.graph, ask, &by_key))).collect();
        let files = self.files(|id| leads.contains_key(&id));
        let (workers, flawed) = self.each(&files, Hits::default, |hits, passed| {
            if let Some(leads) = leads.get(&passed.resource) {
                self.look_at(passed, leads, hits);
            }
        })?;
        gaps.extend(flawed);
        for ask in new.iter().filter(|ask| !ask.again.is_empty()) {
            self.kept.insert(ask.resource, Kept(Vec::new()));
        }
        for hits in workers {
            all.found.extend(hits.found);
            all.differing.extend(hits.differing);
            self.in_part.extend(hits.in_part);
            for (resource, references) in hits.kept {
                if let Some(kept) = self.kept.get_mut(&resource) {
                    kept.0.extend(references);
                }
            }
        }
        for ask in &new {
            if let Some(kept) = self.kept.get_mut(&ask.resource) {
                kept.0.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
            }
        }
        self.in_part.ask(self.graph, asks, targets_of);
        let Hits { mut found, differing, .. } = all;
        let order = |r: &RecordReference<FolderRecord>| (r.from.record.place, r.position, r.target);
        found.sort_unstable_by(|a, b| (order(a), &a.items).cmp(&(order(b), &b.items)));
        // Of records that count as one it is said that they are several.
        found.iter().for_each(|reference| self.meet(&reference.from));
        found.dedup();
        for (resource, position, place) in differing {
            self.noticed.add(GapCode::DiffersInCase, resource, Some(position), place);
        }
        Ok(Referring { references: found, gaps })
    }

    /// References whose key cannot be read, because no document tells the key of what they point to, or
    /// only a part of it, which several records may have.
    fn unreadable_references(&self, ask: &Ask) -> Vec<Gap> {
        let references = &self.graph.resource(ask.resource).references;
        let unknown = ask.references.iter().filter_map(|position| references.get(*position as usize)).filter(|r| {
            let is_descriptor = matches!(&r.target, Target::Resource(name)
                if self.graph.id(name).is_some_and(|id| KeyForm::of(self.graph, id) == KeyForm::Descriptor));
            !is_descriptor && !KeyForm::of_target(self.graph, r).is_whole()
        });
        let gap = |reference: &crate::model::Reference| Gap {
            code: GapCode::KeyUnknown,
            resource: self.graph.name(ask.resource).clone(),
            message: format!(
                "{} cannot be followed: the metadata does not tell the key of what it refers to",
                reference.path
            ),
            said: None,
        };
        unknown.map(gap).collect()
    }

    /// The records of a resource that refer to targets, from what was kept.
    fn look_up(&self, ask: &Ask, kept: &Kept, by_key: &ByKey, hits: &mut Hits) {
        let references = &self.graph.resource(ask.resource).references;
        for &position in &ask.again {
            let Some(reference) = references.get(position as usize) else { continue };
            for sought in targets(self.graph, reference).iter().filter_map(|id| by_key.get(id)) {
                for &folded in &sought.folded {
                    let first = kept.0.partition_point(|r| (r.keys.folded, r.position) < (folded, position));
                    let all = kept.0.iter().skip(first);
                    let all = all.take_while(|r| (r.keys.folded, r.position) == (folded, position));
                    for kept in all {
                        let from = RecordOf { resource: ask.resource, record: kept.from };
                        match sought.numbers.get(&kept.keys) {
                            Some(&target) => {
                                let items = kept.items.clone();
                                hits.found.push(RecordReference { from, position, target, items });
                            }
                            None => hits.differing.extend(kept.from.place.map(|at| (ask.resource, position, at))),
                        }
                    }
                }
            }
        }
    }

    /// Looks at one record for what is asked.
    fn look_at(&self, passed: &mut Passed<'_>, leads: &[Lead<'_>], hits: &mut Hits) {
        let (folded, mut concerns) = (passed.folded, false);
        for found in &folded.references {
            let Some(lead) = leads.get(found.position as usize) else { continue };
            match (found.key, &lead.in_part) {
                (Some(key), _) => concerns |= lead.kept || lead.in_any_case(key),
                (None, Some(part_of)) if lead.kept || !lead.sought.is_empty() => {
                    hits.in_part.take(self.hasher, part_of, passed.place, found.value.of(passed.text));
                }
                (None, _) => {}
            }
        }
        if !concerns {
            return;
        }
        let (exact, from) = passed.exact();
        let model = &self.graph.resource(from.resource).references;
        let mut sizes = Sizes::default();
        let pairs = exact.references.iter().zip(&folded.references);
        for (reference, keys) in pairs.filter_map(|(exact, folded)| Some((exact, both(exact, folded)?))) {
            let position = reference.position;
            let Some(lead) = leads.get(position as usize) else { continue };
            let targets = || lead.sought.iter().filter_map(|sought| sought.numbers.get(&keys));
            let is_found = targets().next().is_some();
            let in_items = model.get(position as usize).is_some_and(|r| r.path.contains("[*]"));
            let items = match in_items && (is_found || lead.kept) {
                true => sizes.items(exact, reference),
                false => Vec::new(),
            };
            for &target in targets() {
                hits.found.push(RecordReference { from, position, target, items: items.clone() });
            }
            if !is_found && lead.sought.iter().any(|sought| sought.folded.contains(&keys.folded)) {
                hits.differing.extend(from.record.place.map(|at| (from.resource, position, at)));
            }
            if lead.kept {
                let kept = hits.kept.entry(from.resource).or_default();
                kept.push(KeptReference { keys, position, from: from.record, items });
            }
        }
    }
}

/// The key of a reference, which was read exactly and in no case.
fn both(exact: &Found, folded: &Found) -> Option<Keys> {
    Some(Keys::of(exact.key?, folded.key?))
}

/// What is looked for by each reference of the asked resource.
fn leads<'k>(graph: &DependencyGraph, ask: &Ask, by_key: &'k ByKey) -> Vec<Lead<'k>> {
    let references = (0_u32..).zip(&graph.resource(ask.resource).references);
    let lead = |(position, reference)| {
        let asked = ask.references.binary_search(&position).is_ok();
        let keys = if asked { targets(graph, reference) } else { Vec::new() };
        Lead {
            sought: keys.iter().filter_map(|id| by_key.get(id)).collect(),
            kept: ask.again.contains(&position),
            in_part: PartOf::new(graph, ask.resource, position),
        }
    };
    references.map(lead).collect()
}
