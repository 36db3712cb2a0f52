//! The columns of tables and where the JSON of a resource holds them.

use std::collections::BTreeMap;

use crate::model::{Equality, Text};
use crate::source::draft::DraftResource;

use super::domain::{Association, EntityId};

/// A column of the table of an entity.
pub(super) type Column<'d> = (EntityId, &'d str);

/// Key columns of inherited tables, by what the table of the subclass calls them.
#[derive(Default)]
pub(super) struct Inherited<'d>(BTreeMap<Column<'d>, Column<'d>>);

impl<'d> Inherited<'d> {
    pub(super) fn add(&mut self, base: &Association<'d>) {
        for (key, column) in base.columns() {
            let here = self.here((base.secondary, &column.property_name));
            self.0.insert((base.primary, &key.property_name), here);
        }
    }

    pub(super) fn here(&self, column: Column<'d>) -> Column<'d> {
        self.0.get(&column).copied().unwrap_or(column)
    }

    /// The columns of what is nested and the same columns of what it is nested in.
    pub(super) fn shared(&self, association: &Association<'d>) -> Vec<(Column<'d>, Column<'d>)> {
        let pairs = association.columns().map(|(key, column)| {
            let inner = (association.secondary, column.property_name.as_str());
            (inner, self.here((association.primary, &key.property_name)))
        });
        pairs.collect()
    }
}

/// Where an object holds the columns of its table, its parents' included. Columns at several places
/// are one value: the API refuses a record in which they differ.
#[derive(Default)]
pub(super) struct Columns<'d> {
    places: BTreeMap<Column<'d>, Vec<(Text, bool)>>,
}

impl<'d> Columns<'d> {
    pub(super) fn add(&mut self, column: Column<'d>, path: &Text, identifying: bool, resource: &mut DraftResource) {
        let places = self.places.entry(column).or_default();
        if let Some((first, _)) = places.first().filter(|(first, _)| first != path) {
            let (left, right) = if first < path { (first, path) } else { (path, first) };
            let stated_by = "ApiModel".into();
            resource.equalities.insert(Equality { left: left.clone(), right: right.clone(), stated_by });
        }
        places.push((path.clone(), identifying));
    }

    /// Says that a column which the resource does not show is what stands at a path.
    pub(super) fn stands_for(&mut self, column: Column<'d>, path: Text) {
        self.places.insert(column, vec![(path, true)]);
    }

    /// The places of a column, sorted.
    pub(super) fn places(&self, column: (EntityId, &str), identifying: bool) -> Vec<Text> {
        let places = self.places.get(&column).into_iter().flatten();
        let mut paths: Vec<Text> = places.filter(|(_, i)| *i || !identifying).map(|(path, _)| path.clone()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// The columns that a child shares with its parent.
    pub(super) fn through(&self, shared: &[(Column<'d>, Column<'d>)]) -> Self {
        let mut child = Self::default();
        for (inner, outer) in shared {
            if let Some(first) = self.places.get(outer).and_then(|places| places.first()) {
                child.places.insert(*inner, vec![first.clone()]);
            }
        }
        child
    }

    /// Adds columns of another table that are those of this.
    pub(super) fn share(&mut self, shared: &[(Column<'d>, Column<'d>)]) {
        let added = self.through(shared);
        self.places.extend(added.places);
    }
}
