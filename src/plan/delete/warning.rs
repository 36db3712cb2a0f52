//! What a person must know before the first delete, each under a stable code.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use super::{DeleteOrder, DeleteSet};
use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Kind, ResourceName, names_descriptor};

/// One thing to know of a delete plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// What it is.
    pub code: WarningCode,
    /// The resource it is about.
    pub resource: ResourceName,
    /// In words, without the resource.
    pub message: String,
}

/// What a warning is about. Names are stable; plans of every kind share them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningCode {
    /// People of the plan cannot be found by their key once their pathway is gone: keep their ids.
    VanishingIds,
    /// People stay, and the client no longer sees them.
    HiddenPeople,
    /// Records stay and are changed: they lose references.
    ReferencesCleared,
    /// Records refer to each other: children go first.
    SelfReferences,
    /// Coded values that records outside the client's sight may use.
    DescriptorsInUse,
    /// Reference data that the host owns.
    HostReferenceData,
    /// A property could by its name mean a descriptor that goes; what holds it is not in the plan.
    AmbiguousReferences,
    /// The metadata refers to what it does not describe; what else is missing may block a delete.
    IncompleteMetadata,
    /// The metadata does not tell whether an update may change a natural key.
    KeyChangeUnknown,
    /// What refers to a resource with a new key without carrying that key in its own.
    KeyNotCarried,
    /// A GET answers without the rows that the client may not see, and they block all the same.
    RowsMayBeHidden,
}

impl WarningCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::VanishingIds,
        Self::HiddenPeople,
        Self::ReferencesCleared,
        Self::SelfReferences,
        Self::DescriptorsInUse,
        Self::HostReferenceData,
        Self::AmbiguousReferences,
        Self::IncompleteMetadata,
        Self::KeyChangeUnknown,
        Self::KeyNotCarried,
        Self::RowsMayBeHidden,
    ];

    /// `vanishing-ids`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VanishingIds => "vanishing-ids",
            Self::HiddenPeople => "hidden-people",
            Self::ReferencesCleared => "references-cleared",
            Self::SelfReferences => "self-references",
            Self::DescriptorsInUse => "descriptors-in-use",
            Self::HostReferenceData => "host-reference-data",
            Self::AmbiguousReferences => "ambiguous-references",
            Self::IncompleteMetadata => "incomplete-metadata",
            Self::KeyChangeUnknown => "key-change-unknown",
            Self::KeyNotCarried => "key-not-carried",
            Self::RowsMayBeHidden => "rows-may-be-hidden",
        }
    }
}

impl Serialize for WarningCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What the metadata alone tells of a plan, by code, then resource.
pub(super) fn of(
    graph: &DependencyGraph,
    set: &DeleteSet,
    order: &DeleteOrder,
    hides: &[(ResourceId, ResourceId)],
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code, id: ResourceId, message: String| {
        warnings.push(Warning { code, resource: graph.name(id).clone(), message });
    };
    for &(person, by) in hides {
        let (wave, by) = (order.waves.get(&by).copied().unwrap_or_default(), graph.name(by).short());
        if set.deleted.contains(&person) {
            let say = format!(
                "once {by} are gone (wave {wave}), the client no longer finds them by key: look their ids up before \
                 the first delete"
            );
            warn(WarningCode::VanishingIds, person, say);
        } else {
            let say =
                format!("stay, but once {by} are gone (wave {wave}), the client can neither read nor update them");
            warn(WarningCode::HiddenPeople, person, say);
        }
    }
    let survivors: BTreeSet<ResourceId> = order.clears.iter().map(|c| c.resource).collect();
    for &id in survivors.iter().filter(|id| !set.deleted.contains(id)) {
        warn(WarningCode::ReferencesCleared, id, "stay, and lose their references to what goes".to_owned());
    }
    for (&id, paths) in &order.children_first {
        let paths: Vec<&str> = paths.iter().map(|p| p.as_str()).collect();
        warn(WarningCode::SelfReferences, id, format!("delete children first ({})", paths.join(" and ")));
    }
    for &id in &set.deleted {
        match graph.resource(id).kind {
            Kind::Descriptor => {
                let say = "records of other systems, which this client cannot see, may use these values";
                warn(WarningCode::DescriptorsInUse, id, say.to_owned());
            }
            Kind::SchoolYears => warn(WarningCode::HostReferenceData, id, "belong to the host".to_owned()),
            Kind::Resource => {}
        }
    }
    for id in graph.ids().filter(|id| !set.deleted.contains(id)) {
        for reference in graph.ambiguous(id) {
            let goes = |name: &&ResourceName| graph.id(name).is_some_and(|id| set.deleted.contains(&id));
            for target in reference.alternatives.iter().filter(goes) {
                let say = format!("{} could also mean {}, and would block it", reference.path, target.short());
                warn(WarningCode::AmbiguousReferences, id, say);
            }
        }
    }
    for &id in &set.deleted {
        for (reference, name) in graph.unresolved(id).filter(|(_, name)| !names_descriptor(name)) {
            let say = format!(
                "{} refers to {name}, which the metadata does not describe: give all documents",
                reference.path
            );
            warn(WarningCode::IncompleteMetadata, id, say);
        }
    }
    warnings.sort();
    warnings
}
