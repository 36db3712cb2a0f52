//! What a record that is missing needs in turn, as far as its key tells.

use super::keys::{KeyForm, KeyPart, KeyValues, members};
use super::trace::{Need, Standing};
use crate::graph::DependencyGraph;
use crate::model::{Reference, Target, Text};

/// The references of the record that a reference asks for, where the key of that record holds all of theirs:
/// the key of a section has that of its course offering within it. None of an abstract target, for nobody can
/// tell which subclass is meant. O(references × fields of their keys).
#[must_use]
pub fn implied(graph: &DependencyGraph, need: &Need) -> Vec<Need> {
    let above = graph.model().abstract_resource(&need.target);
    let id = graph.ids().find(|&id| above.is_none() && graph.name(id).as_str() == need.target);
    let Some((id, KeyForm::Fields { fields, .. })) = id.map(|id| (id, KeyForm::of(graph, id))) else {
        return Vec::new();
    };
    let at = |path: &str| {
        let field: Option<&KeyPart> = fields.iter().find(|field| field.paths.iter().any(|own| own == path));
        need.key.get(&field?.name).cloned()
    };
    let key = |reference: &Reference| -> Option<KeyValues> {
        match KeyForm::of_target(graph, reference) {
            KeyForm::Descriptor => Some(KeyValues::from([(Text::new_static("uri"), at(&reference.path)?)])),
            KeyForm::Fields { fields: theirs, partial: false } => members(graph, id, reference, &theirs)
                .map(|(field, member)| Some((field.name.clone(), at(&format!("{}.{member}", reference.path))?)))
                .collect(),
            KeyForm::Fields { .. } | KeyForm::Unknown => None,
        }
    };
    let needed = graph.resource(id).references.iter().filter(|r| r.required || r.identifying);
    needed
        .filter_map(|reference| {
            Some(Need {
                depth: need.depth + 1,
                of: graph.name(id).clone(),
                at: None,
                path: reference.path.clone(),
                target: match &reference.target {
                    Target::Resource(name) => name.as_str().into(),
                    Target::Abstract(name) | Target::Unresolved(name) => name.clone(),
                },
                required: reference.required,
                key: key(reference)?,
                standing: Standing::Assumed,
            })
        })
        .collect()
}
