//! What a schema holds, wherever that is written: behind a `$ref`, in the parts of an `allOf`, or beside them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::source::SourceError;
use crate::source::schema::{Schema, last_segment};

use super::Reader;
use super::document::reference_base;

/// Named schemas inside each other; real resources have three or four.
pub(super) const DEEPEST: usize = 64;

/// Schemas that are put together of several, with all that stands in them; the widest standard has some
/// 30,000 schemas, and a document that asks for more than this has schemas that multiply.
const MOST_COMPOSED: usize = 1_000_000;

impl<'d> Reader<'d> {
    /// The schema behind any number of `$ref`s, with the name of the last.
    ///
    /// The parts of an `allOf`, and what stands beside it or beside a `$ref`, are one object: each may
    /// require what another describes. Its name is then that of the reference schema among its parts, for
    /// a reference stays one whatever is added to it. O(1) for a schema without parts.
    pub(super) fn schema<'s>(
        &self,
        mut schema: &'s Schema,
        place: &str,
    ) -> Result<(Option<&'d str>, Cow<'s, Schema>), SourceError>
    where
        'd: 's,
    {
        let mut name = None;
        let mut seen = BTreeSet::new();
        while let Some(reference) = schema.pointer() {
            let (found, target) = self.target(reference, place)?;
            if !seen.insert(found) {
                return Err(self.cyclic(reference, place));
            }
            (name, schema) = (Some(found), target);
        }
        if !schema.is_composed() {
            return Ok((name, Cow::Borrowed(schema)));
        }
        let mut parts = Parts { reader: self, place, within: Vec::new(), names: Vec::new(), found: Vec::new() };
        parts.within.extend(name);
        parts.gather(schema)?;
        let is_reference = |name: &&str| reference_base(name).is_some();
        let named = name.filter(is_reference).or_else(|| parts.names.iter().copied().find(is_reference));
        let named = named.or(name).or_else(|| parts.names.first().copied());
        Ok((named, Cow::Owned(Schema::together(&parts.found))))
    }

    fn target(&self, reference: &str, place: &str) -> Result<(&'d str, &'d Schema), SourceError> {
        last_segment(Some(reference)).and_then(|name| self.api.schema(name)).ok_or_else(|| {
            SourceError::content(
                self.document,
                place,
                format!("$ref '{reference}' leads nowhere"),
                "The document is incomplete; fetch it again",
            )
        })
    }

    pub(super) fn cyclic(&self, reference: &str, place: &str) -> SourceError {
        SourceError::content(
            self.document,
            place,
            format!("$ref '{reference}' runs in a circle"),
            "No Ed-Fi schema contains itself; fetch the document again",
        )
    }

    pub(super) fn too_deep(&self, place: &str) -> SourceError {
        SourceError::content(
            self.document,
            place.get(..80).unwrap_or(place),
            format!("more than {DEEPEST} schemas inside each other"),
            "No Ed-Fi resource nests this deep; fetch the document again",
        )
    }
}

/// The schemas that one schema is put together of, in the order in which they stand.
struct Parts<'d, 's, 'r> {
    reader: &'r Reader<'d>,
    place: &'r str,
    /// Named schemas from the first to here: one that is a part of itself is a circle.
    within: Vec<&'d str>,
    /// All that were met, each once.
    names: Vec<&'d str>,
    found: Vec<&'s Schema>,
}

impl<'d: 's, 's> Parts<'d, 's, '_> {
    /// Recursion ends: inline parts nest no deeper than a parser goes, named ones no deeper than [`DEEPEST`].
    fn gather(&mut self, schema: &'s Schema) -> Result<(), SourceError> {
        if let Some(reference) = schema.reference() {
            let (name, target) = self.reader.target(reference, self.place)?;
            if self.within.contains(&name) {
                return Err(self.reader.cyclic(reference, self.place));
            }
            if self.within.len() >= DEEPEST {
                return Err(self.reader.too_deep(self.place));
            }
            // What two parts have in common is said once.
            if !self.names.contains(&name) {
                self.names.push(name);
                self.within.push(name);
                self.gather(target)?;
                self.within.pop();
            }
        }
        for part in schema.parts() {
            self.gather(part)?;
        }
        let composed = self.reader.composed.get().saturating_add(schema.size());
        self.reader.composed.set(composed);
        if composed > MOST_COMPOSED {
            return Err(SourceError::content(
                self.reader.document,
                self.place,
                format!("more than {MOST_COMPOSED} schemas put together of others"),
                "No Ed-Fi document is this large; fetch the document again",
            ));
        }
        self.found.push(schema);
        Ok(())
    }
}
