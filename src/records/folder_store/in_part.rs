//! References that lack a part of the key they should hold: those of which the rest agrees with a record that
//! goes may mean it, and nobody can tell.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::{FolderRecord, FolderStore, UnreadableFolder};
use crate::graph::{DependencyGraph, ResourceId};
use crate::records::keys::{Key, KeyForm, KeyHasher, KeyPart, form_of_field, members};
use crate::records::scan::targets;
use crate::records::store::Place;
use crate::records::stored::{Ask, Descriptions, GapCode, RecordOf};

/// Which reference, and which fields of its key are there.
type Kind = (ResourceId, u32, Vec<bool>);

/// References in part, and what was asked for that they may lead to.
#[derive(Default)]
pub(super) struct InPart {
    /// What each holds in no case, and where.
    references: BTreeMap<Kind, Vec<(Key, Place)>>,
    targets: BTreeMap<ResourceId, HashSet<FolderRecord>>,
}

/// How a reference is read field by field.
pub(super) struct PartOf {
    resource: ResourceId,
    position: u32,
    /// The fields of the key in no case, and the member of the reference that holds each.
    fields: Vec<(KeyPart, String)>,
}

impl PartOf {
    /// `None` where the key has no fields, or the metadata does not tell them all.
    pub(super) fn new(graph: &DependencyGraph, resource: ResourceId, position: u32) -> Option<Self> {
        let reference = graph.resource(resource).references.get(position as usize)?;
        let form = KeyForm::of_target(graph, reference).without_case();
        let KeyForm::Fields { fields, partial: false } = form else { return None };
        let fields = members(graph, resource, reference, &fields);
        let fields = fields.map(|(field, member)| (field.clone(), member.to_owned())).collect();
        Some(Self { resource, position, fields })
    }
}

/// Those fields of a key that are there, hashed; what of it is missing says nothing.
fn rest<'f>(hasher: KeyHasher, fields: impl Iterator<Item = Option<&'f [u8]>>) -> Key {
    let mut form = Vec::new();
    // Each field begins with its length.
    fields.flatten().for_each(|field| form.extend_from_slice(field));
    hasher.key(&form)
}

impl InPart {
    /// Takes down a reference, the text of its object given, that lacks a part of its key. One that has nothing
    /// of it points to nothing.
    pub(super) fn take(&mut self, hasher: KeyHasher, part_of: &PartOf, place: Place, object: &[u8]) {
        let object: BTreeMap<String, Value> = serde_json::from_slice(object).unwrap_or_default();
        let field = |(field, member): &(KeyPart, String)| form_of_field(field.kind, object.get(member)?);
        let fields: Vec<Option<Vec<u8>>> = part_of.fields.iter().map(field).collect();
        let there: Vec<bool> = fields.iter().map(Option::is_some).collect();
        if there.contains(&true) {
            let key = rest(hasher, fields.iter().map(Option::as_deref));
            self.references.entry((part_of.resource, part_of.position, there)).or_default().push((key, place));
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        for (kind, references) in other.references {
            self.references.entry(kind).or_default().extend(references);
        }
    }

    /// Remembers the targets of a request that references in part may lead to.
    pub(super) fn ask(&mut self, graph: &DependencyGraph, asks: &[Ask], targets_of: &[RecordOf<FolderRecord>]) {
        let asked = |(resource, position, _): &&Kind| {
            asks.iter().any(|ask| ask.resource == *resource && ask.references.contains(position))
        };
        let led = self.references.keys().filter(asked).flat_map(|kind| targets_of_kind(graph, kind));
        let led: HashSet<ResourceId> = led.collect();
        for target in targets_of.iter().filter(|target| led.contains(&target.resource)) {
            self.targets.entry(target.resource).or_default().insert(target.record);
        }
    }
}

fn targets_of_kind(graph: &DependencyGraph, (resource, position, _): &Kind) -> Vec<ResourceId> {
    let reference = graph.resource(*resource).references.get(*position as usize);
    reference.map(|reference| targets(graph, reference)).unwrap_or_default()
}

impl FolderStore<'_> {
    /// Notes the references in part of which the rest agrees with a record that was asked for. Reads those
    /// records once more, where there is any such reference.
    pub(super) fn notice_in_part(&mut self) -> Result<(), UnreadableFolder> {
        let InPart { references, targets } = std::mem::take(&mut self.in_part);
        for (resource, records) in targets {
            let mut records: Vec<RecordOf<FolderRecord>> =
                records.into_iter().map(|record| RecordOf { resource, record }).collect();
            records.sort_unstable_by_key(|of| of.record.place);
            let KeyForm::Fields { fields, .. } = KeyForm::of(self.graph, resource).without_case() else { continue };
            let described = self.described(&records)?;
            let forms = (0..records.len()).map(|number| -> Vec<Option<Vec<u8>>> {
                let key = described.key(number);
                fields.iter().map(|field| form_of_field(field.kind, key.get(&field.name)?)).collect()
            });
            let forms: Vec<Vec<Option<Vec<u8>>>> = forms.collect();
            for (kind, references) in &references {
                if !targets_of_kind(self.graph, kind).contains(&resource) {
                    continue;
                }
                let (from, position, there) = kind;
                let of = |form: &Vec<Option<Vec<u8>>>| {
                    let fields = form.iter().zip(there).filter(|(_, there)| **there);
                    rest(self.hasher, fields.map(|(field, _)| field.as_deref()))
                };
                let rests: HashSet<Key> = forms.iter().map(of).collect();
                for (_, place) in references.iter().filter(|(key, _)| rests.contains(key)) {
                    self.noticed.add(GapCode::KeyIncomplete, *from, Some(*position), *place);
                }
            }
        }
        Ok(())
    }
}
