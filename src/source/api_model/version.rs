//! Whether an extension was made for the core that it is read with.
//!
//! An extension does not say which version of core it is for, but the columns by which it refers to core
//! are the keys of that version.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ED_FI, Text};
use crate::source::bundled;
use crate::source::draft::SchemaKey;

use super::core::Core;
use super::document::ApiModel;
use super::domain::CORE;
use super::naming::{camel, property};

/// What is to be said where extensions refer to resources of core by other keys than they have here; the
/// bundled cores where they have these keys are the way out. O(associations), and all bundled cores where
/// something differs.
pub(super) fn other_keys(core: &Core<'_>, models: &[(&str, ApiModel)]) -> Option<Text> {
    let used = used_keys(models);
    // Documents do not agree in the case of names.
    let here = |schema: &SchemaKey| -> Option<BTreeSet<String>> {
        core.key(schema).map(|key| key.map(|name| name.to_lowercase()).collect())
    };
    let differing: Vec<&SchemaKey> =
        used.iter().filter(|(schema, key)| here(schema).is_some_and(|here| here != **key)).map(|(s, _)| s).collect();
    if differing.is_empty() {
        return None;
    }
    let names = differing.iter().filter_map(|schema| core.entity(schema)).collect::<Vec<_>>();
    let agrees = |keys: &BTreeMap<SchemaKey, BTreeSet<String>>| {
        used.iter().all(|(schema, fields)| keys.get(schema).map_or(!differing.contains(&schema), |key| key == fields))
    };
    let fitting: Vec<&str> =
        bundled::core_keys().into_iter().filter(|(_, keys)| agrees(keys)).map(|(name, _)| name).collect();
    let way_out = match fitting.as_slice() {
        [] => "Give the documents of its own core".to_owned(),
        some => format!("Give its own core; {} (bundled) has these keys", some.join(" or ")),
    };
    let text = format!(
        "the extension is for another version of core: it refers to {} by other keys. {way_out}",
        names.join(", ")
    );
    Some(text.into())
}

/// The keys by which extensions refer to what can be a resource of core.
fn used_keys(models: &[(&str, ApiModel)]) -> BTreeMap<SchemaKey, BTreeSet<String>> {
    let associations = models.iter().flat_map(|(_, model)| &model.association_definitions);
    let of_core = associations.filter(|association| association.primary_entity_full_name.schema == CORE);
    let used = of_core.map(|association| {
        let columns = association.primary_entity_properties.iter().map(|column| &column.property_name);
        let fields = columns.map(|column| camel(&property(column, column.ends_with("DescriptorId"))).to_lowercase());
        (SchemaKey::of(ED_FI, &association.primary_entity_full_name.name), fields.collect())
    });
    used.collect()
}
