//! The walk through the schema of one resource: references, required fields, collections.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::{Collection, Field, FieldKind, FieldType, Text, extension_of};
use crate::source::SourceError;
use crate::source::draft::{DraftReference, DraftResource, DraftTarget};
use crate::source::schema::Schema;

use super::document::reference_base;
use super::object::DEEPEST;
use super::{Reader, capitalised};

/// Properties of the envelope, not of the data.
const ENVELOPE: [&str; 4] = ["id", "_etag", "_lastModifiedDate", "link"];

/// The widest resource of any standard has some 600 properties; a document that asks for more than
/// this many steps has schemas that multiply.
const MOST_STEPS: usize = 200_000;

pub(super) struct Walk<'d, 'r> {
    reader: &'r Reader<'d>,
    resource: &'r mut DraftResource,
    /// Named schemas from the root to here: a schema inside itself is a circle.
    within: Vec<&'d str>,
    steps: usize,
    notes: BTreeSet<Text>,
}

/// Where the walk stands.
struct Place<'p> {
    path: &'p str,
    /// Whether every step from the root is required.
    required: bool,
    root: bool,
}

impl<'d, 'r> Walk<'d, 'r> {
    pub(super) fn new(reader: &'r Reader<'d>, resource: &'r mut DraftResource) -> Self {
        Self { reader, resource, within: Vec::new(), steps: 0, notes: BTreeSet::new() }
    }

    /// Walks the whole schema; returns what had to be guessed.
    pub(super) fn run(mut self, schema: &Schema, name: &'d str, place: &str) -> Result<BTreeSet<Text>, SourceError> {
        self.within.push(name);
        self.object(schema, &Place { path: "$", required: true, root: true }).map_err(|mut error| {
            if let SourceError::Content { path, .. } = &mut error {
                *path = format!("{place} body {path}");
            }
            error
        })?;
        Ok(self.notes)
    }

    /// An object as [`Reader::schema`] gives it: all that it holds stands in it.
    fn object(&mut self, schema: &Schema, here: &Place<'_>) -> Result<(), SourceError> {
        if self.within.len() > DEEPEST {
            return Err(self.reader.too_deep(here.path));
        }
        for (name, property) in schema.properties.iter() {
            if here.root && ENVELOPE.contains(&name.as_str()) || name == "link" {
                continue;
            }
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(SourceError::content(
                    self.reader.document,
                    here.path,
                    format!("more than {MOST_STEPS} properties below one resource"),
                    "No Ed-Fi resource is this large; fetch the document again",
                ));
            }
            let path: Text = format!("{}.{name}", here.path).into();
            let required = schema.requires(name);
            self.property(
                name,
                property,
                &path,
                required,
                &Place { path: &path, required: here.required && required, root: here.root },
            )?;
        }
        Ok(())
    }

    fn property(
        &mut self,
        name: &Text,
        property: &Schema,
        path: &Text,
        required: bool,
        here: &Place<'_>,
    ) -> Result<(), SourceError> {
        let nameless = property.pointer() == Some("");
        let (schema_name, schema) =
            match nameless.then(|| self.reader.reference_schema_named_by(name, &self.resource.schema)).flatten() {
                Some((found, schema)) => {
                    self.notes.insert(
                        format!("{}: the $ref of {path} is empty; its name says {found}", self.resource.entity).into(),
                    );
                    (Some(found), Cow::Borrowed(schema))
                }
                None => self.reader.schema(property, path)?,
            };
        let schema = schema.as_ref();
        let is_identity = property.is_identity || schema.is_identity;
        if let Some(target) = self.reference_target(name, schema_name, schema) {
            self.reference(path, target, schema, is_identity.then_some(true), here);
            self.field(path, FieldType { kind: FieldKind::Reference, ..FieldType::default() }, required);
            return Ok(());
        }
        let kind = schema.field_type(name);
        match kind.kind {
            FieldKind::Array => {
                self.field(path, kind, required);
                let Some(items) = &schema.items else { return Ok(()) };
                let (item_name, item) = self.reader.schema(items, path)?;
                let item_path = format!("{path}[*]");
                if let Some(target) = self.reference_target(name, item_name, &item) {
                    self.reference(&item_path.into(), target, &item, None, here);
                    return Ok(());
                }
                self.nested(&item, item_name, path, &Place { path: &item_path, required: here.required, root: false })
            }
            FieldKind::Object => {
                if name != "_ext" {
                    self.field(path, kind, required);
                }
                self.nested(schema, schema_name, path, &Place { path, required: here.required, root: false })
            }
            FieldKind::Descriptor => {
                self.resource.references.insert(
                    path.clone(),
                    DraftReference { required: here.required, ..DraftReference::to(DraftTarget::DescriptorProperty) },
                );
                self.scalar(name, is_identity, path, kind, required, here);
                Ok(())
            }
            _ => {
                self.scalar(name, is_identity, path, kind, required, here);
                Ok(())
            }
        }
    }

    fn reference(
        &mut self,
        path: &Text,
        target: DraftTarget,
        schema: &Schema,
        identifying: Option<bool>,
        here: &Place<'_>,
    ) {
        let members = schema.members();
        let reference = DraftReference { required: here.required, identifying, members, ..DraftReference::to(target) };
        self.resource.references.insert(path.clone(), reference);
    }

    fn scalar(
        &mut self,
        name: &Text,
        is_identity: bool,
        path: &Text,
        kind: FieldType,
        required: bool,
        here: &Place<'_>,
    ) {
        if here.root {
            self.resource.scalars.insert(name.clone(), kind.clone());
            if is_identity {
                self.resource.identity.scalars.insert(name.clone());
            }
        }
        self.field(path, kind, required);
    }

    fn field(&mut self, path: &Text, kind: FieldType, required: bool) {
        if required {
            self.resource.fields.insert(path.clone(), Field { path: path.clone(), kind });
        }
    }

    /// A nested object or the item of a collection.
    fn nested(
        &mut self,
        schema: &Schema,
        name: Option<&'d str>,
        collection: &Text,
        here: &Place<'_>,
    ) -> Result<(), SourceError> {
        let Some(name) = name else { return self.object(schema, here) };
        if self.within.contains(&name) {
            return Err(self.reader.cyclic(name, here.path));
        }
        if !is_extension_block(collection) {
            let child = self.reader.names.known_as(name);
            let entity = child_entity(&child);
            self.resource.children.insert(child.into());
            self.resource.collections.insert(collection.clone(), Collection { path: collection.clone(), entity });
        }
        self.within.push(name);
        let done = self.object(schema, here);
        self.within.pop();
        done
    }

    /// What a property refers to, if it is a reference: its schema is a reference schema, or it is the
    /// school year, which some documents inline.
    fn reference_target(&self, property: &str, schema_name: Option<&str>, schema: &Schema) -> Option<DraftTarget> {
        let base = schema_name.and_then(reference_base).filter(|_| schema.holds_scalars_only());
        let school_years = property.to_ascii_lowercase().ends_with("schoolyeartypereference");
        match base {
            Some(base) if base.eq_ignore_ascii_case("edfi_schoolYearType") => Some(DraftTarget::SchoolYears),
            Some(base) => Some(DraftTarget::Schema(self.reader.names.known_as(base).into())),
            None if school_years && !schema.is_array() => Some(DraftTarget::SchoolYears),
            None => None,
        }
    }
}

/// `$._ext` and `$._ext.tpdm` hold extensions; they are no entity of their own.
fn is_extension_block(path: &str) -> bool {
    path.ends_with("._ext") || extension_of(path).is_some_and(|name| path.ends_with(&format!("._ext.{name}")))
}

/// `edFi_courseIdentificationCode` → `CourseIdentificationCode`; DMS names the root apart, and not
/// always again in the child: `EdFi_Section_ClassPeriod` → `SectionClassPeriod`.
fn child_entity(schema: &str) -> Text {
    let mut parts = schema.split('_').skip(1);
    let root = parts.next().unwrap_or(schema);
    match parts.next() {
        Some(child) if child.starts_with(root) => child.into(),
        Some(child) => format!("{root}{child}").into(),
        None => capitalised(root),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn child_entities_of_both_dialects() {
        assert_eq!(child_entity("edFi_courseIdentificationCode"), "CourseIdentificationCode");
        assert_eq!(child_entity("EdFi_Section_ClassPeriod"), "SectionClassPeriod");
        assert_eq!(child_entity("EdFi_Section_SectionCharacteristic"), "SectionCharacteristic");
    }

    #[test]
    fn extension_blocks() {
        assert!(is_extension_block("$._ext"));
        assert!(is_extension_block("$._ext.tpdm"));
        assert!(!is_extension_block("$._ext.tpdm.pets"));
        assert!(!is_extension_block("$.pets"));
    }
}
