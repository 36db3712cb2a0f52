//! How causes are written: what is absent by the names of some reference, chains by file and line.

use std::collections::{BTreeMap, BTreeSet};

use super::follow::Cause;
use super::{Lack, Need, Possible, Root, Sketch, Unexplained};
use crate::diagnosis::Place;
use crate::diagnosis::codes::Code;
use crate::diagnosis::identity::{Keys, Kin, Spelled};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Kind, ResourceName, Text};

/// What is looked for is written by the resource that some reference asks for by name, where others share
/// its keys, and in the first of all spellings.
pub(super) struct Spelling<'c> {
    graph: &'c DependencyGraph,
    keys: &'c Keys<'c>,
    lacks: BTreeMap<&'c Lack, (Kin, &'c Spelled)>,
}

impl<'c> Spelling<'c> {
    /// O(needs × log lacks).
    pub(super) fn of(
        graph: &'c DependencyGraph,
        keys: &'c Keys<'c>,
        sketches: &'c [Sketch],
        lacks: &BTreeSet<&Lack>,
    ) -> Self {
        let mut found: BTreeMap<&Lack, (Kin, &Spelled)> = BTreeMap::new();
        for need in sketches.iter().flat_map(|sketch| &sketch.needs).filter(|need| lacks.contains(&need.lack)) {
            // Resources stand before abstract ones.
            let asked = (need.target, &need.spelled);
            let known = found.entry(&need.lack).or_insert(asked);
            *known = asked.min(*known);
        }
        Self { graph, keys, lacks: found }
    }

    /// What is looked for, and its key.
    pub(super) fn lacking(&self, lack: &Lack) -> (String, BTreeMap<Text, String>) {
        let Some(&(target, spelled)) = self.lacks.get(lack) else { return Default::default() };
        let what = match (lack, target) {
            (Lack::Association(associations, _), _) => {
                let names: Vec<String> = associations.iter().map(|&id| self.graph.name(id).to_string()).collect();
                names.join(" or ")
            }
            (Lack::Record(..), Kin::Resource(id)) => self.graph.name(id).to_string(),
            (Lack::Record(..), Kin::Abstract(place)) => {
                self.graph.abstracts().get(place).map(|found| found.entity.to_string()).unwrap_or_default()
            }
        };
        (what, self.keys.named(target, spelled).collect())
    }

    /// The resources of which any one will do.
    fn any_of(&self, lack: &Lack) -> Vec<ResourceName> {
        let ids = match (lack, self.lacks.get(lack)) {
            (Lack::Association(associations, _), _) if associations.len() > 1 => associations.as_slice(),
            (Lack::Record(..), Some((Kin::Abstract(place), _))) => self.graph.subclasses_at(*place),
            _ => &[],
        };
        ids.iter().map(|&id| self.graph.name(id).clone()).collect()
    }

    /// A failed record or an absent key, as a root.
    pub(super) fn root(
        &self,
        sketch: Option<&Sketch>,
        lack: Option<&Lack>,
        explains: usize,
        examples: Vec<String>,
    ) -> Root {
        let own = sketch.filter(|_| lack.is_none());
        let outside = own.and_then(|sketch| sketch.outside.as_ref());
        let any_of = lack.map(|lack| self.any_of(lack)).unwrap_or_default();
        let (resource, key) = match (lack, own) {
            // Several resources are no name of one.
            (Some(lack @ Lack::Association(..)), _) if any_of.len() > 1 => (String::new(), self.lacking(lack).1),
            (Some(lack), _) => self.lacking(lack),
            (None, Some(sketch)) if sketch.outside.is_none() => {
                let of = Kin::Resource(sketch.resource);
                let key = sketch.spelled.iter().flat_map(|spelled| self.keys.named(of, spelled)).collect();
                (self.graph.name(sketch.resource).to_string(), key)
            }
            (None, _) => Default::default(),
        };
        let detail = match outside {
            Some(outside) => outside.why.iter().map(ToString::to_string).collect(),
            None => own.map(|sketch| sketch.detail.clone()).unwrap_or_default(),
        };
        Root {
            resource,
            any_of,
            key,
            possible: Vec::new(),
            place: own.map(|sketch| sketch.place.clone()).unwrap_or_default(),
            code: lack.map(|lack| self.code(lack)).or(own.map(|sketch| sketch.code)).unwrap_or(Code::Unknown),
            absent: lack.is_some(),
            grouped: false,
            lies_with: outside.map(|outside| outside.side),
            explains,
            also: 0,
            detail,
            resources: BTreeMap::new(),
            examples,
        }
    }

    /// Several keys of which any one may be the absent one, as one root.
    pub(super) fn one_of(&self, needs: &[&Need], explains: usize, examples: Vec<String>) -> Root {
        let named = needs.iter().map(|need| (self.lacking(&need.lack), need.required));
        let possible: Vec<Possible> =
            named.map(|((resource, key), required)| Possible { resource, key, required }).collect();
        let first = possible.first().map(|one| one.resource.clone()).unwrap_or_default();
        let alike = possible.iter().all(|one| one.resource == first);
        Root {
            resource: if alike { first } else { String::new() },
            any_of: Vec::new(),
            key: BTreeMap::new(),
            possible,
            place: Place::default(),
            code: needs.first().map_or(Code::UnresolvedReference, |need| self.code(&need.lack)),
            absent: true,
            grouped: false,
            lies_with: None,
            explains,
            also: 0,
            detail: Vec::new(),
            resources: BTreeMap::new(),
            examples,
        }
    }

    /// The code of failures that wait for it.
    fn code(&self, lack: &Lack) -> Code {
        match lack {
            Lack::Association(..) => Code::RelationshipMissing,
            Lack::Record(Kin::Resource(id), _) if self.graph.resource(*id).kind == Kind::Descriptor => {
                Code::DescriptorValueMissing
            }
            Lack::Record(..) => Code::UnresolvedReference,
        }
    }

    /// What failures wait for although the folder has it and it is none of them.
    pub(super) fn present(
        &self,
        lack: &Lack,
        resource: Option<ResourceId>,
        place: Option<(Text, usize)>,
        failures: usize,
        examples: Vec<String>,
    ) -> Unexplained {
        let (asked, key) = self.lacking(lack);
        let (file, line) = place.unzip();
        Unexplained {
            resource: resource.map_or(asked, |id| self.graph.name(id).to_string()),
            key,
            place: Place { file, line, ..Place::default() },
            code: self.code(lack),
            failures,
            possible: false,
            examples,
        }
    }

    /// The longest chain below a cause, from the cause on; none where nothing is below it.
    pub(super) fn example(&self, sketches: &[Sketch], causes: &[Cause<'_>], leaf: usize) -> Vec<String> {
        let chain = self.chain(sketches, causes, leaf);
        if chain.len() > 1 { vec![chain.join(" → ")] } else { Vec::new() }
    }

    /// A failure right below what it waits for besides its cause.
    pub(super) fn beside(&self, lack: &Lack, sketch: Option<&Sketch>) -> Vec<String> {
        let step = |sketch| format!("{} → {}", self.lacking(lack).0.trim_start_matches("/ed-fi/"), self.step(sketch));
        sketch.map(step).into_iter().collect()
    }

    /// `courses (courses.jsonl:3)`.
    fn step(&self, sketch: &Sketch) -> String {
        let name = self.graph.name(sketch.resource).short();
        let Place { file, line, index, .. } = &sketch.place;
        match (file, line, index) {
            (Some(file), Some(line), _) => format!("{name} ({file}:{line})"),
            (None, Some(line), _) => format!("{name} ({line})"),
            (Some(file), None, Some(index)) => format!("{name} (failure {} of {file})", index + 1),
            (None, None, Some(index)) => format!("{name} (failure {})", index + 1),
            _ => name.to_owned(),
        }
    }

    /// The chain from the root to a failure, at most twenty steps of it.
    fn chain(&self, sketches: &[Sketch], causes: &[Cause<'_>], leaf: usize) -> Vec<String> {
        let mut steps = Vec::new();
        let mut at = leaf;
        while let Some(sketch) = sketches.get(at).filter(|_| steps.len() < 20) {
            steps.push(self.step(sketch));
            match causes.get(at) {
                Some(Cause::Under(above)) => at = *above,
                Some(Cause::Absent(needs) | Cause::Present(needs)) => {
                    let names = needs.iter().map(|need| self.lacking(&need.lack).0);
                    let mut names: Vec<String> = names.map(|n| n.replace("/ed-fi/", "")).collect();
                    names.dedup();
                    steps.push(names.join(" or "));
                    break;
                }
                _ => break,
            }
        }
        steps.reverse();
        steps
    }
}
