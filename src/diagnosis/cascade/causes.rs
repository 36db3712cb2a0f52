//! What a cascade answers: counts, root causes and what to send again.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Unplaced;
use crate::diagnosis::{Code, Place, REDACTED, Side};
use crate::model::{ResourceName, Text};

/// Why many requests failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Causes {
    /// What failed, counted.
    pub summary: Summary,
    /// The root causes, those that explain most first.
    pub roots: Vec<Root>,
    /// What failures wait for that was sent and did not fail, as far as is known: the most wanted first.
    pub unexplained: Vec<Unexplained>,
    /// Failures of which nothing tells the cause: those that are most frequent first.
    pub unplaced: Vec<Unplaced>,
    /// What to send again once the roots are mended, in load order; what others wait for although the folder
    /// has it as well.
    pub resend: Vec<Resend>,
    /// Whether the records that were sent were at hand.
    #[serde(skip)]
    pub(crate) with_folder: bool,
}

impl Causes {
    /// The same without the values of keys, which are data of students.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        let of_roots = self.roots.iter_mut().map(|root| &mut root.key);
        for key in of_roots.chain(self.unexplained.iter_mut().map(|present| &mut present.key)) {
            key.values_mut().for_each(|value| REDACTED.clone_into(value));
        }
        let possible = self.roots.iter_mut().flat_map(|root| &mut root.possible);
        possible.flat_map(|one| one.key.values_mut()).for_each(|value| REDACTED.clone_into(value));
        for one in &mut self.unplaced {
            one.said.clone_from(&one.hidden);
        }
        self
    }
}

/// Counts of failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// All failures.
    pub failures: usize,
    /// Failures by code.
    pub by_code: BTreeMap<&'static str, usize>,
    /// Failures that no root explains, those among them that wait for what did not fail.
    #[serde(skip_serializing_if = "is_zero")]
    pub unexplained: usize,
    /// Failures that were grouped without their records.
    #[serde(skip_serializing_if = "is_zero")]
    pub grouped: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(super) fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A record that failed for a reason of its own, a key that no record supplies, or a cause that lies with the
/// client or the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Root {
    /// Its resource, or the abstract resource, by entity; empty where it lies with the client or the
    /// server, or where several resources are possible.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Where what is missing may be of several resources, all of them: the subclasses of an abstract one, the
    /// associations of a person, or what a message names together.
    #[serde(rename = "anyOf", skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<ResourceName>,
    /// Its key, where it is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub key: BTreeMap<Text, String>,
    /// Where the message leaves open which of several keys is absent, all of them, those of required
    /// references first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub possible: Vec<Possible>,
    /// Where the record stands that failed.
    #[serde(flatten)]
    pub place: Place,
    /// Its code; of an absent key, that of the failures right below it.
    pub code: Code,
    /// Whether nothing supplies the key, as far as is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    /// Whether it stands for a group that was formed without records.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub grouped: bool,
    /// With whom the cause lies that is no record.
    #[serde(rename = "liesWith", skip_serializing_if = "Option::is_none")]
    pub lies_with: Option<Side>,
    /// How many failures it explains, its own included.
    pub explains: usize,
    /// How many failures wait for it as well that another root explains: each is counted once.
    #[serde(skip_serializing_if = "is_zero")]
    pub also: usize,
    /// What is wrong with it: fields, for one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
    /// Of what lies with the client or the server, the resources whose requests failed and how often.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<ResourceName, usize>,
    /// The longest chain below it, from the root on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// A key that may be the absent one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Possible {
    /// Its resource, or the abstract resource, by entity.
    pub resource: String,
    /// The key.
    pub key: BTreeMap<Text, String>,
    /// Whether the reference to it is required.
    pub required: bool,
}

/// A record that failures wait for although the folder has it and no failure is of it: it was not sent
/// before them, was refused without a report or, of a pathway, does not help this client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// Its resource.
    pub resource: String,
    /// Its key; of a pathway, that of the person.
    pub key: BTreeMap<Text, String>,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// The code of the failures right below it.
    pub code: Code,
    /// How many failures wait for it, directly or through others.
    pub failures: usize,
    /// Whether the message leaves open if they wait for this or for another of these.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub possible: bool,
    /// The longest chain below it, from it on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// A record to send again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resend {
    /// Its resource.
    pub resource: ResourceName,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
}
