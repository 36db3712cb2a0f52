//! The walk through the JSON schema of one resource: what is required, and the type of every value.
//!
//! Its depth is bounded by that of the parser, which refuses documents that nest deeper.

use std::collections::BTreeMap;

use crate::model::{Field, FieldKind, FieldType, Text};
use crate::source::draft::{DraftReference, DraftResource, DraftTarget, Member, SchemaKey};
use crate::source::resolve::is_school_years;
use crate::source::schema::Schema;

use super::document::ResourceSchema;
use super::references;

pub(super) struct Walk<'d, 'r> {
    schema: &'d ResourceSchema,
    resource: &'r mut DraftResource,
    /// What the mappings name and the walk has not met yet, by path of the property.
    open: BTreeMap<Text, Named>,
}

/// A reference that a mapping names.
struct Named {
    target: DraftTarget,
    kind: FieldKind,
    members: Vec<Text>,
}

/// Where the walk stands.
struct Place<'p> {
    path: &'p str,
    /// Whether every step from the root is required.
    required: bool,
    root: bool,
}

impl<'d, 'r> Walk<'d, 'r> {
    pub(super) fn new(schema: &'d ResourceSchema, resource: &'r mut DraftResource) -> Self {
        let mut open: BTreeMap<Text, Named> = BTreeMap::new();
        for (_, target, paths) in references(schema) {
            for path in paths {
                let Some((reference, member)) = path.reference_json_path.rsplit_once('.') else { continue };
                let named = Named { target: target_of(&target), kind: FieldKind::Reference, members: Vec::new() };
                open.entry(reference.into()).or_insert(named).members.push(member.into());
            }
        }
        for mapping in schema.document_paths_mapping.values().filter(|m| m.is_reference && m.is_descriptor) {
            for path in mapping.all_paths() {
                let target = target_of(&mapping.target());
                open.insert(path.clone(), Named { target, kind: FieldKind::Descriptor, members: Vec::new() });
            }
        }
        Self { schema, resource, open }
    }

    pub(super) fn run(mut self) {
        let schema = self.schema;
        self.object(&schema.json_schema_for_insert, &Place { path: "$", required: true, root: true });
        for extension in &schema.common_extension_overrides {
            for location in &extension.insertion_locations {
                let path = format!("{}._ext", json_path(location));
                self.object(&extension.schema_fragment, &Place { path: &path, required: false, root: false });
            }
        }
        // A mapping to a place that the schema leaves open (`additionalProperties`).
        for (path, named) in std::mem::take(&mut self.open) {
            let members = named.members.into_iter().map(|name| Member { name, kind: FieldType::default() });
            let members = members.collect();
            self.resource.references.insert(path, DraftReference { members, ..DraftReference::to(named.target) });
        }
    }

    fn object(&mut self, schema: &'d Schema, here: &Place<'_>) {
        for (name, property) in schema.properties.iter() {
            let path: Text = format!("{}.{name}", here.path).into();
            let required = schema.requires(name);
            self.property(
                name,
                property,
                &path,
                required,
                &Place { path: &path, required: here.required && required, root: here.root },
            );
        }
    }

    fn property(&mut self, name: &Text, schema: &'d Schema, path: &Text, required: bool, here: &Place<'_>) {
        let mut kind = schema.field_type(name);
        let named = self.open.remove(path);
        // The first generation maps the school year as if it were a value of its own.
        let named = named.map(|n| (n.target, n.kind)).or_else(|| {
            let inlined = kind.kind == FieldKind::Object && name.to_lowercase().ends_with("schoolyeartypereference");
            inlined.then_some((DraftTarget::SchoolYears, FieldKind::Reference))
        });
        if let Some((target, named)) = named {
            let members = schema.members();
            kind.kind = named;
            self.resource.references.insert(
                path.clone(),
                DraftReference { required: here.required, members, ..DraftReference::to(target) },
            );
        }
        match kind.kind {
            FieldKind::Array => {
                self.field(path, kind, required);
                let Some(item) = &schema.items else { return };
                let path = format!("{path}[*]");
                self.object(item, &Place { path: &path, required: here.required, root: false });
            }
            FieldKind::Object => {
                if name != "_ext" {
                    self.field(path, kind, required);
                }
                self.object(schema, &Place { path, required: here.required, root: false });
            }
            FieldKind::Reference => self.field(path, kind, required),
            _ => {
                if here.root {
                    self.resource.scalars.insert(name.clone(), kind.clone());
                }
                self.field(path, kind, required);
            }
        }
    }

    fn field(&mut self, path: &Text, kind: FieldType, required: bool) {
        if required {
            self.resource.fields.insert(path.clone(), Field { path: path.clone(), kind });
        }
    }
}

fn target_of(schema: &Text) -> DraftTarget {
    if is_school_years(&SchemaKey::new(schema)) {
        DraftTarget::SchoolYears
    } else {
        DraftTarget::Schema(schema.clone())
    }
}

/// `$.properties.addresses.items` of the schema is `$.addresses[*]` of the document.
fn json_path(location: &str) -> String {
    let mut path = String::from("$");
    let mut steps = location.trim_start_matches('$').split('.').filter(|step| !step.is_empty());
    while let Some(step) = steps.next() {
        match step {
            "properties" => {
                if let Some(name) = steps.next() {
                    path.push('.');
                    path.push_str(name);
                }
            }
            "items" => path.push_str("[*]"),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_schema() {
        assert_eq!(json_path("$.properties.addresses.items"), "$.addresses[*]");
        assert_eq!(json_path("$.properties.items.items.properties.x"), "$.items[*].x");
        assert_eq!(json_path("$"), "$");
    }
}
