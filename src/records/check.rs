//! What a server would refuse of a folder, before the first request.

mod explain;
mod identities;

pub(super) use explain::{concrete, text_of, value_of};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};

use super::files::Unmatched;
use super::json::Flaw;
use super::keys::KeyValues;
use super::read::{ReadOptions, Unreadable};
use super::scan::{Pending, Scan};
use super::unread::Unread;
use crate::graph::ResourceId;
use crate::model::{Kind, ResourceName, Target, Text};

/// What counts as a finding and how much of it is shown.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Also count what may be on the server already: resources without a file, people without pathway.
    pub strict: bool,
    /// Resources that another system owns: what is missing of them is assumed to exist.
    pub external: BTreeSet<ResourceId>,
    /// Most findings of a kind to describe; counts are always complete.
    pub max: Option<usize>,
    /// Leave key values out of the report.
    pub redact: bool,
}

/// What was found in a folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// How many of everything.
    pub counts: Counts,
    /// References without a record, by file and line.
    pub unresolved: Vec<UnresolvedReference>,
    /// The same by missing record, most wanted first.
    pub missing_targets: Vec<MissingTarget>,
    /// Records whose key an earlier record has.
    pub duplicates: Vec<DuplicateFinding>,
    /// Records whose identity an earlier record of another resource has.
    pub shared_identities: Vec<SharedIdentity>,
    /// Values of one record that should be equal and are not.
    pub conflicting: Vec<Conflict>,
    /// Descriptor values without a descriptor.
    pub descriptors: Vec<DescriptorFinding>,
    /// Required and identifying fields that are missing or of the wrong type.
    pub missing_fields: Vec<MissingField>,
    /// What is no record, or one that servers read in different ways.
    pub invalid: Vec<InvalidRecord>,
    /// Files whose name is no resource.
    pub unmatched_files: Vec<Unmatched>,
    /// Files that could not be read.
    pub unreadable_files: Vec<Unreadable>,
    /// Resources that records refer to and that have no file, or none that can be compared.
    pub assumed: Vec<Assumed>,
    /// People that no association of the folder makes visible.
    pub without_pathway: Vec<WithoutPathway>,
    /// Resources that have files and no record in any.
    pub without_records: Vec<ResourceName>,
    /// Resources that several spellings of file names lead to, with the files.
    pub spellings: Vec<(ResourceName, Vec<String>)>,
    /// Whether what may be on the server counts.
    pub strict: bool,
}

/// How many of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Files with a resource.
    pub files: u64,
    /// Records that could be read.
    pub records: u64,
    /// References in them, descriptors left out.
    pub references: u64,
    /// References without a record.
    pub unresolved: u64,
    /// Of these and of `descriptors`, those whose target may stand in what could not be read.
    pub may_be_unread: u64,
    /// Records whose key an earlier record has.
    pub duplicates: u64,
    /// Of these, with another content.
    pub differing_duplicates: u64,
    /// Records whose identity an earlier record of another resource has.
    pub shared_identities: u64,
    /// Values that should be equal and are not.
    pub conflicting: u64,
    /// Descriptor values without a descriptor.
    pub descriptors: u64,
    /// Fields that are missing or of the wrong type.
    pub missing_fields: u64,
    /// What is no record.
    pub invalid: u64,
    /// People without pathway.
    pub without_pathway: u64,
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The file below the folder.
    pub file: String,
    /// The line its record starts on, from 1.
    pub line: u64,
}

/// A reference that no record supplies.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnresolvedReference {
    /// What refers.
    pub resource: ResourceName,
    /// Where.
    #[serde(flatten)]
    pub position: Position,
    /// The JSON path in the record, with indices.
    pub path: String,
    /// What it points to; an abstract resource by its entity.
    pub target: Text,
    /// The key of the record that is missing.
    pub key: KeyValues,
    /// Whether it may stand in what could not be read.
    pub may_be_unread: bool,
}

/// A record that is missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingTarget {
    /// Its resource, or the abstract resource.
    pub target: Text,
    /// Its key.
    pub key: KeyValues,
    /// How many references point to it.
    pub references: u64,
    /// The first of them.
    pub first: Position,
    /// Whether it may stand in what could not be read.
    pub may_be_unread: bool,
}

/// A record whose key an earlier record has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuplicateFinding {
    /// Its resource.
    pub resource: ResourceName,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// Where the first record of that key stands.
    pub first: Position,
    /// Whether both say the same, whatever the order of members.
    pub same: bool,
}

/// A record with its resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Located {
    /// Its resource.
    pub resource: ResourceName,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
}

/// A record whose identity an earlier record of another resource has: both are subclasses of one
/// abstract resource, and a server has room for one of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedIdentity {
    /// The record.
    #[serde(flatten)]
    pub record: Located,
    /// What both are, by its entity.
    pub superclass: Text,
    /// Their key, by the names of the superclass.
    pub key: KeyValues,
    /// The earlier record.
    pub first: Located,
}

/// Two values of one record that should be equal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflict {
    /// Its resource.
    pub resource: ResourceName,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// The paths.
    pub paths: [String; 2],
    /// The values there.
    pub values: [serde_json::Value; 2],
}

/// A descriptor value without a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescriptorFinding {
    /// The resource that uses it.
    pub resource: ResourceName,
    /// Where.
    #[serde(flatten)]
    pub position: Position,
    /// The JSON path in the record, with indices.
    pub path: String,
    /// The descriptor it should be of.
    pub target: Text,
    /// The URI.
    pub value: String,
    /// Whether its descriptor may stand in what could not be read.
    pub may_be_unread: bool,
}

/// A field that is missing or of the wrong type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingField {
    /// The resource of the record.
    pub resource: ResourceName,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// The JSON path in the record, with indices.
    pub path: String,
    /// The type it should have, where the model tells.
    pub expected: Option<&'static str>,
    /// Whether there is something of another type.
    pub wrong_type: bool,
}

/// Something that is no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvalidRecord {
    /// Where.
    #[serde(flatten)]
    pub position: Position,
    /// What is wrong.
    #[serde(serialize_with = "flaw_code")]
    pub flaw: Flaw,
    /// The same in words, with the way out.
    pub message: &'static str,
}

/// A resource that records refer to and of which the files do not tell whether a record is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Assumed {
    /// The resource, or the abstract resource.
    pub resource: Text,
    /// How many references point to it.
    pub references: u64,
    /// Whether it is a descriptor.
    pub descriptor: bool,
    /// Whether another system owns it: then it is no finding under `strict` either.
    pub external: bool,
    /// Whether there are files of it all the same, but the metadata tells no key by which references to it
    /// compare with their records.
    pub has_files: bool,
}

/// People of one resource that no association of the folder makes visible.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WithoutPathway {
    /// The person resource.
    pub resource: ResourceName,
    /// The associations, any of which would do.
    pub associations: Vec<ResourceName>,
    /// The people who lack them, where the person has an association of its own but is seen through these
    /// only, as a contact is through its student; empty where the person itself lacks them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<ResourceName>,
    /// Whether the folder has a file of one of them.
    pub associations_present: bool,
    /// Whether one may stand in what could not be read.
    pub may_be_unread: bool,
    /// How many people.
    pub records: u64,
    /// Where they stand; left out where the folder has no association at all.
    pub people: Vec<Position>,
}

impl CheckReport {
    /// How many findings there are: what a server would refuse or store wrongly, and under `strict`
    /// what the folder takes for granted.
    #[must_use]
    pub fn findings(&self) -> u64 {
        let counts = &self.counts;
        let data = counts.unresolved
            + counts.differing_duplicates
            + counts.shared_identities
            + counts.conflicting
            + counts.descriptors
            + counts.missing_fields
            + counts.invalid
            + self.unmatched_files.len() as u64;
        if !self.strict {
            return data;
        }
        let assumed = self.assumed.iter().filter(|a| !a.external).count();
        data + assumed as u64 + counts.without_pathway
    }
}

/// References without a record, sorted.
struct Without {
    unresolved: Vec<Pending>,
    descriptors: Vec<Pending>,
    /// Where their targets may be all the same.
    unread: Unread,
}

/// Describes what a scan found. Reads the files with findings a second time, for lines and values.
#[must_use]
pub fn check(
    scan: &Scan<'_, '_>,
    folder: &super::files::Folder,
    options: &CheckOptions,
    read: &ReadOptions<'_>,
) -> CheckReport {
    let graph = scan.graph;
    let unread = scan.unread();
    let mut may_be_unread = 0;
    let mut assumed: BTreeMap<(Text, bool, bool, bool), u64> = BTreeMap::new();
    let (mut unresolved, mut descriptors) = (Vec::new(), Vec::new());
    for &pending in &scan.unresolved {
        let Some(reference) = reference(scan, pending) else { continue };
        let external = super::scan::targets(graph, reference).iter().any(|id| options.external.contains(id));
        if external {
            *assumed.entry((target_name(&reference.target), false, true, false)).or_default() += 1;
            continue;
        }
        may_be_unread += u64::from(unread.may_hold(scan, reference));
        if is_descriptor(scan, pending) {
            descriptors.push(pending);
        } else {
            unresolved.push(pending);
        }
    }
    let mut references = 0;
    for lane in &scan.lanes {
        let all = &graph.resource(lane.resource).references;
        for (position, (reference, &count)) in all.iter().zip(&lane.references).enumerate() {
            let plan = lane.shape.references.get(position);
            let descriptor = plan.is_some_and(|p| p.descriptor);
            if !descriptor {
                references += count;
            }
            let supplied: u64 = lane.supplied.get(position).into_iter().flatten().sum();
            let count = count.saturating_sub(supplied);
            let comparable = plan.is_some_and(|p| !p.members.is_empty());
            if count > 0 && !(comparable && scan.tells_missing(reference)) {
                let has_files = !comparable && lane.targets.get(position).is_some_and(|t| !t.is_empty());
                let ids = super::scan::targets(graph, reference);
                let owned =
                    |id: &ResourceId| options.external.contains(id) || graph.resource(*id).kind == Kind::SchoolYears;
                let external = ids.iter().any(owned);
                let target = target_name(&reference.target);
                *assumed.entry((target, descriptor, external, has_files)).or_default() += count;
            }
        }
    }
    let mut report = CheckReport {
        counts: Counts {
            files: folder.files.len() as u64,
            records: scan.lanes.iter().map(|l| l.records).sum(),
            references,
            unresolved: unresolved.len() as u64,
            may_be_unread,
            duplicates: scan.duplicates.len() as u64,
            conflicting: scan.conflicts,
            descriptors: descriptors.len() as u64,
            missing_fields: scan.missing,
            invalid: scan.flaws.len() as u64,
            ..Counts::default()
        },
        unresolved: Vec::new(),
        missing_targets: Vec::new(),
        duplicates: Vec::new(),
        shared_identities: Vec::new(),
        conflicting: Vec::new(),
        descriptors: Vec::new(),
        missing_fields: Vec::new(),
        invalid: Vec::new(),
        unmatched_files: folder.unmatched.clone(),
        unreadable_files: scan.unreadable.clone(),
        assumed: assumed
            .into_iter()
            .map(|((resource, descriptor, external, has_files), references)| Assumed {
                resource,
                references,
                descriptor,
                external,
                has_files,
            })
            .collect(),
        without_pathway: Vec::new(),
        without_records: scan.without_records().into_iter().map(|id| graph.name(id).clone()).collect(),
        spellings: folder.spellings.clone(),
        strict: options.strict,
    };
    explain::explain(scan, options, read, &Without { unresolved, descriptors, unread }, &mut report);
    report
}

/// The reference of the model behind a waiting one.
fn reference<'s>(scan: &'s Scan<'_, '_>, pending: Pending) -> Option<&'s crate::model::Reference> {
    let lane = scan.lanes.get(*scan.lane_of.get(pending.place.file())?)?;
    scan.graph.resource(lane.resource).references.get(pending.position as usize)
}

fn is_descriptor(scan: &Scan<'_, '_>, pending: Pending) -> bool {
    let lane = scan.lane_of.get(pending.place.file()).and_then(|&lane| scan.lanes.get(lane));
    lane.and_then(|l| l.shape.references.get(pending.position as usize)).is_some_and(|p| p.descriptor)
}

/// What a reference points to, in one word.
fn target_name(target: &Target) -> Text {
    match target {
        Target::Resource(name) => name.as_str().into(),
        Target::Abstract(name) | Target::Unresolved(name) => name.clone(),
    }
}

fn flaw_code<S: Serializer>(flaw: &Flaw, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(flaw.code())
}
