//! A plan of records of a live API as it is kept in a file, and what became of it since.
//!
//! A plan that is read back is judged as input: whatever goes from it into a URL, a header or a script is
//! checked here, once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::describe::{REDACTED, withhold};
use super::{DeleteOperation, DescribedPlan, DescribedRecord, DescribedWarning};
use crate::model::{Metadata, ResourceName, Text};
use crate::plan::delete::Optional;
use crate::records::{GapCode, KeyValues, Seen, Whereabouts, is_plain};

/// The schema of plans of records.
pub const SCHEMA: &str = "edfi-plan/delete-records/1";

/// A plan of records with what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    schema: Text,
    /// The graph it was made with.
    pub metadata: MadeWith,
    /// The URL under which the records are.
    pub api: String,
    /// What became of records that only lose optional references.
    pub optional: Optional,
    /// The plan.
    #[serde(flatten)]
    pub plan: DescribedPlan,
}

/// The graph that a plan was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWith {
    /// What it is called.
    pub name: Text,
    /// The fingerprint of its content.
    pub fingerprint: Text,
}

/// Why a document is no plan that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// Not JSON, or not of this form.
    #[error("line {line}, column {column}: {message}. Give a file that delete … --api --out has written")]
    Form {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A document of another kind.
    #[error("$.schema: {found}, not {SCHEMA}. Give a file that delete … --api --out has written")]
    Schema {
        /// What it says it is.
        found: String,
    },
    /// A value that no plan of ours has.
    #[error("{path}: {what}. Make the plan anew with delete … --api --out")]
    Value {
        /// Where.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl SavedPlan {
    /// A plan with what it was made of.
    #[must_use]
    pub fn new(metadata: &Metadata, api: String, optional: Optional, plan: DescribedPlan) -> Self {
        let metadata = MadeWith { name: metadata.name.clone(), fingerprint: metadata.fingerprint.clone() };
        Self { schema: Text::new_static(SCHEMA), metadata, api, optional, plan }
    }

    /// Reads a plan and checks everything in it that will be sent somewhere.
    ///
    /// # Errors
    ///
    /// A document that is no plan of records of an API, or that was tampered with.
    pub fn read(bytes: &[u8]) -> Result<Self, SavedPlanError> {
        #[derive(Deserialize)]
        struct Head {
            schema: Option<String>,
        }
        let form = |error: serde_json::Error| {
            let text = error.to_string();
            let message = text.split(" at line ").next().unwrap_or(&text).chars().take(200).collect();
            SavedPlanError::Form { line: error.line(), column: error.column(), message }
        };
        let head: Head = serde_json::from_slice(bytes).map_err(form)?;
        if head.schema.as_deref() != Some(SCHEMA) {
            let clean = |text: String| text.chars().filter(|c| !c.is_control()).take(60).collect::<String>();
            let found = head.schema.map_or_else(|| "none".to_owned(), |schema| format!("'{}'", clean(schema)));
            return Err(SavedPlanError::Schema { found });
        }
        let saved: Self = serde_json::from_slice(bytes).map_err(form)?;
        saved.check()?;
        Ok(saved)
    }

    fn check(&self) -> Result<(), SavedPlanError> {
        let wrong = |path: String, what| Err(SavedPlanError::Value { path, what });
        let is_url = (self.api.starts_with("https://") || self.api.starts_with("http://"))
            && self.api.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#' && b != b'@');
        if !is_url {
            return wrong("$.api".to_owned(), "no URL under which an API has records");
        }
        let mut wave = 1;
        for (number, record) in self.plan.records.iter().enumerate() {
            let at = |member: &str| format!("$.records[{number}].{member}");
            if record.wave < wave {
                return wrong(at("wave"), "the records are not in order of wave");
            }
            wave = record.wave;
            if ![record.resource.project(), record.resource.endpoint()].into_iter().all(is_plain) {
                return wrong(at("resource"), "no name of a resource");
            }
            let Whereabouts::Server { id, etag } = &record.at else {
                return wrong(at("id"), "not a record of an API");
            };
            if !is_plain(id) {
                return wrong(at("id"), "no id of a record");
            }
            let is_tag = |etag: &Text| !etag.is_empty() && etag.bytes().all(|b| b.is_ascii_graphic());
            if !etag.as_ref().is_none_or(is_tag) {
                return wrong(at("etag"), "no entity tag");
            }
        }
        Ok(())
    }

    /// The records that the plan was made to delete.
    pub fn targets(&self) -> impl Iterator<Item = &DescribedRecord> {
        let is_target =
            |record: &&DescribedRecord| record.reason.is_empty() && record.operation == DeleteOperation::Delete;
        self.plan.records.iter().filter(is_target)
    }

    /// Checks that the plan has the keys of its records, by which references to them are told.
    ///
    /// # Errors
    ///
    /// A key whose values were withheld.
    pub fn check_keys(&self) -> Result<(), SavedPlanError> {
        let withheld = |key: &KeyValues| !key.is_empty() && key.values().all(|value| value == REDACTED);
        let wrong = |path| Err(SavedPlanError::Value { path, what: "the key was left out, by --redact" });
        for (number, record) in self.plan.records.iter().enumerate() {
            if withheld(&record.key) {
                return wrong(format!("$.records[{number}].key"));
            }
            if let Some(clear) = record.clears.iter().position(|clear| withheld(&clear.key)) {
                return wrong(format!("$.records[{number}].clears[{clear}].key"));
            }
        }
        Ok(())
    }

    /// Withholds the values of keys, and the words of a server, which may quote them. What is left can be
    /// shown, and no longer be checked again.
    pub fn redact(&mut self) {
        for record in &mut self.plan.records {
            withhold(&mut record.key);
            record.clears.iter_mut().for_each(|clear| withhold(&mut clear.key));
        }
        self.plan.warnings.iter_mut().for_each(DescribedWarning::redact);
    }

    /// The records of which a plan for the same targets, made now, does not tell what became of them: it does
    /// not have them, or without the version that they had. They have to be looked at by their ids.
    #[must_use]
    pub fn out_of_sight<'p>(&'p self, now: &DescribedPlan) -> Vec<&'p DescribedRecord> {
        let now = by_record(now);
        let is_open = |(id, (record, etag)): (RecordId<'_>, Version<'p>)| {
            let open = match now.get(&id) {
                None => true,
                Some((_, now)) => now.is_none() && etag.is_some(),
            };
            open.then_some(record)
        };
        by_record(&self.plan).into_iter().filter_map(is_open).collect()
    }

    /// What became of the plan: what a plan for the same targets has now, and what was `seen` of the records
    /// [out of sight](Self::out_of_sight), one for each in their order.
    #[must_use]
    pub fn changes(&self, now: &DescribedPlan, seen: &[Seen]) -> PlanChanges {
        let mut looked_at: BTreeMap<RecordId<'_>, &Seen> = BTreeMap::new();
        for (record, seen) in self.out_of_sight(now).into_iter().zip(seen) {
            looked_at.extend(id_of(record).map(|id| (id, seen)));
        }
        let with_gaps = |wanted: fn(GapCode) -> bool| -> BTreeSet<&ResourceName> {
            let codes: Vec<&str> = GapCode::ALL.into_iter().filter(|code| wanted(*code)).map(GapCode::name).collect();
            let warnings = now.warnings.iter().filter(|warning| codes.contains(&warning.code.as_str()));
            warnings.map(|warning| &warning.resource).collect()
        };
        let unsearched = with_gaps(GapCode::leaves_open);
        let not_served = with_gaps(|code| code == GapCode::NotServed);
        let (before, now) = (by_record(&self.plan), by_record(now));
        let mut changes = PlanChanges::default();
        let change = |what, record: &DescribedRecord, (id, _): &RecordId<'_>| {
            let (resource, key) = (record.resource.clone(), record.key.clone());
            PlanChange { what, resource, id: (*id).clone(), key }
        };
        for (id, (record, etag)) in &before {
            let version = match (looked_at.get(id), now.get(id)) {
                (Some(Seen::There(version)), _) => Ok(version.as_ref()),
                // Where nothing is served any more, a 404 says nothing of the record.
                (Some(Seen::Gone), _) if not_served.contains(&record.resource) => Err(Became::Unknown),
                (Some(Seen::Gone), _) => Err(Became::Gone),
                (Some(Seen::Forbidden), _) => Err(Became::Forbidden),
                (Some(Seen::NotTold), _) | (None, None) => Err(Became::Unknown),
                (None, Some((_, version))) => Ok(*version),
            };
            let became = match (version, etag) {
                (Err(became), _) => Some(became),
                (Ok(Some(now)), Some(before)) if now == *before => None,
                // Another version that the search did not come upon is what a clear leaves.
                (Ok(Some(_)), Some(_)) => {
                    let missed = looked_at.contains_key(id) && !unsearched.contains(&record.resource);
                    let cleared = missed && record.operation == DeleteOperation::Clear;
                    Some(if cleared { Became::Cleared } else { Became::Written })
                }
                (Ok(_), _) => {
                    changes.unversioned += 1;
                    continue;
                }
            };
            match became {
                Some(what) => changes.changes.push(change(what, record, id)),
                None => changes.unchanged += 1,
            }
        }
        let new = now.iter().filter(|(id, _)| !before.contains_key(*id));
        changes.changes.extend(new.map(|(id, (record, _))| change(Became::New, record, id)));
        changes.changes.sort_by(|a, b| (a.what, &a.resource, &a.id).cmp(&(b.what, &b.resource, &b.id)));
        changes
    }
}

/// What tells a record from all others.
type RecordId<'p> = (&'p Text, &'p ResourceName);

type Version<'p> = (&'p DescribedRecord, Option<&'p Text>);

/// Each record once, by its id; its delete where it is cleared before.
fn by_record(plan: &DescribedPlan) -> BTreeMap<RecordId<'_>, Version<'_>> {
    let mut records = BTreeMap::new();
    for record in &plan.records {
        if let Whereabouts::Server { id, etag } = &record.at {
            records.insert((id, &record.resource), (record, etag.as_ref()));
        }
    }
    records
}

fn id_of(record: &DescribedRecord) -> Option<RecordId<'_>> {
    match &record.at {
        Whereabouts::Server { id, .. } => Some((id, &record.resource)),
        Whereabouts::File(_) | Whereabouts::Outside { .. } => None,
    }
}

/// What became of the records of a plan since it was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanChanges {
    /// Records that are as they were.
    pub unchanged: usize,
    /// Records that are there, and of which nobody can tell whether they were written: the API keeps no
    /// versions.
    pub unversioned: usize,
    /// What is not as it was, each by what became of it, then by resource and id.
    pub changes: Vec<PlanChange>,
}

/// One record that is not what it was when a plan was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanChange {
    /// What became of it.
    pub what: Became,
    /// Its resource.
    pub resource: ResourceName,
    /// Its id.
    pub id: Text,
    /// Its natural key.
    pub key: KeyValues,
}

impl PlanChange {
    /// Withholds the values of the key.
    pub fn redact(&mut self) {
        withhold(&mut self.key);
    }
}

/// What became of a record since a plan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    /// It refers to the targets and the plan does not have it: the plan would be refused.
    New,
    /// It was written: its `If-Match` would be refused.
    Written,
    /// The plan clears it, and it refers to nothing any more that goes.
    Cleared,
    /// It was deleted.
    Gone,
    /// The client may not see it any more, whether it is there or not.
    Forbidden,
    /// The API did not tell.
    Unknown,
}

impl Became {
    /// Each of them.
    pub const ALL: [Self; 6] = [Self::New, Self::Written, Self::Cleared, Self::Gone, Self::Forbidden, Self::Unknown];

    /// `new`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Written => "written",
            Self::Cleared => "cleared",
            Self::Gone => "gone",
            Self::Forbidden => "forbidden",
            Self::Unknown => "unknown",
        }
    }
}
