//! Which project and entity a schema is named after: `edFi_busRoute` is the BusRoute of `ed-fi`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ED_FI, ResourceName, fold_project};
use crate::source::schema::Schema;

use super::document::{OpenApi, PathItem};

/// The projects whose schemas have another prefix than their paths: `mn_route` of `/minnesota/routes`.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Prefixes without case, with the project that alone posts what is named so.
    prefixes: BTreeMap<String, String>,
    /// Whether a schema that is not named after the project of its path counts: somebody else's API has
    /// paths and schemas with such names too.
    is_ed_fi: bool,
}

/// The name of the schema of a resource, and its two parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'d> {
    pub(super) schema: &'d str,
    pub(super) prefix: &'d str,
    pub(super) entity: &'d str,
}

impl<'d> Named<'d> {
    /// Split where the first part is the project, or else at the first `_`; with whether it is the project.
    fn of(schema: &'d str, project: &str) -> Option<(Self, bool)> {
        let split = |(at, _): (usize, &str)| {
            let (prefix, entity) = (schema.get(..at)?, schema.get(at + 1..)?);
            (!prefix.is_empty() && !entity.is_empty()).then_some(Self { schema, prefix, entity })
        };
        let mut splits = schema.match_indices('_').filter_map(split);
        let own = splits.clone().find(|named| fold_project(named.prefix) == project);
        own.map(|named| (named, true)).or_else(|| splits.next().map(|named| (named, false)))
    }
}

impl Names {
    /// Learns the prefixes from the paths of a document: of those that are no project, each belongs to the
    /// project whose paths alone use it. O(paths).
    pub(super) fn of<'d>(
        api: &'d OpenApi,
        posted: impl Iterator<Item = (ResourceName, &'d PathItem, &'d PathItem)>,
    ) -> Self {
        let mut projects = BTreeSet::from([fold_project(ED_FI)]);
        let mut others: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut is_ed_fi = false;
        for (name, item, _) in posted {
            let project = fold_project(name.project());
            let body = item.post.as_ref().and_then(|post| api.body_of(post));
            match body.and_then(|body| named(api, &project, body)) {
                // As keys of schemas are read: all up to the first `_`.
                Some((named, true)) if !named.prefix.contains('_') => is_ed_fi = true,
                Some((named, own)) => {
                    is_ed_fi |= own;
                    others.entry(named.prefix.to_ascii_lowercase()).or_default().insert(project.clone());
                }
                None => {}
            }
            projects.insert(project);
        }
        let core = |name: &str| name.split_once('_').is_some_and(|(prefix, _)| fold_project(prefix) == "edfi");
        is_ed_fi = is_ed_fi || !others.is_empty() && api.schemas().any(|(name, _)| core(name));
        let prefixes = others.into_iter().filter_map(|(prefix, mut of)| {
            let project = of.pop_first().filter(|_| of.is_empty())?;
            let named = fold_project(&prefix);
            (named == project || !projects.contains(&named)).then_some((prefix, project))
        });
        Self { prefixes: prefixes.collect(), is_ed_fi }
    }

    /// The name of the schema that is posted to a path.
    pub(super) fn posted<'d>(&self, api: &'d OpenApi, name: &ResourceName, body: &'d Schema) -> Option<Named<'d>> {
        let (named, own) = named(api, &fold_project(name.project()), body)?;
        (own || self.is_ed_fi).then_some(named)
    }

    /// A schema as it would be called after its project: `minnesota_route`.
    pub(super) fn known_as<'s>(&self, schema: &'s str) -> Cow<'s, str> {
        if self.prefixes.is_empty() {
            return Cow::Borrowed(schema);
        }
        let found = schema.match_indices('_').find_map(|(at, _)| {
            let (prefix, rest) = (schema.get(..at)?, schema.get(at..)?);
            Some((self.prefixes.get(&prefix.to_ascii_lowercase())?, rest))
        });
        found.map_or(Cow::Borrowed(schema), |(project, rest)| Cow::Owned(format!("{project}{rest}")))
    }
}

/// The schema that a body is named after, and whether that is the project of its path.
///
/// Of the schemas on the way to the object those that are named after the project, or else all. Among them the
/// one that others refer to by a reference schema; or else the first that is named after the project, or the last,
/// which describes the object.
fn named<'d>(api: &'d OpenApi, project: &str, body: &'d Schema) -> Option<(Named<'d>, bool)> {
    let mut on_the_way: Vec<(Named<'d>, bool)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut schema = body;
    while let Some((name, next)) = schema.referenced_name().and_then(|name| api.schema(name)) {
        if !seen.insert(name) {
            break;
        }
        on_the_way.extend(Named::of(name, project));
        schema = next;
    }
    let is_own = on_the_way.iter().any(|(_, own)| *own);
    on_the_way.retain(|(_, own)| *own == is_own);
    let referred_to = on_the_way.iter().find(|(named, _)| api.reference_to(named.schema).is_some());
    let other = if is_own { on_the_way.first() } else { on_the_way.last() };
    referred_to.or(other).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_split_where_its_project_ends() {
        let split = |schema, project| Named::of(schema, project).map(|(n, own)| (n.prefix, n.entity, own));
        assert_eq!(split("edFi_busRoute", "edfi"), Some(("edFi", "busRoute", true)));
        assert_eq!(split("my_state_route", "mystate"), Some(("my_state", "route", true)));
        assert_eq!(split("mn_route", "minnesota"), Some(("mn", "route", false)));
        assert_eq!(split("EdFi_Bus_Route", "edfi"), Some(("EdFi", "Bus_Route", true)));
        assert_eq!(split("_route", "minnesota"), None);
        assert_eq!(split("route_", "minnesota"), None);
        assert_eq!(split("Pet", "v1"), None);
    }
}
