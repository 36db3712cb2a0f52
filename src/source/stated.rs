//! What an API publishes at its dependencies endpoint as statements: edges from its GraphML, waves from its JSON.
//!
//! Neither tells a JSON path, a key or what is required, so it is the graph only where no other
//! document describes the API, and a witness against those otherwise. Reasons: docs/design.md,
//! "Published graphs and orders".

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{
    Kind, Origin, Published, PublishedForm, PublishedNode, ResourceName, StatedEdge, Text, names_descriptor,
};

use super::api_model::singular;
use super::draft::{Draft, DraftResource, SchemaKey, Standing};
use super::published::ADVICE;
use super::resolve::known_associations;
use super::{Document, SourceError, bundled, read_published, sha256};

const EDGES_ONLY: &str = "edges come from the GraphML of an API, which tells no JSON paths, keys, fields or what is \
                          required, and no abstract resources, school years, self references or references dropped \
                          to break cycles";
const PATHWAYS: &str =
    "edges through the pathways of people are shown as authorization: a reference may be behind them";

/// Reads the GraphML or the dependencies JSON of an API.
pub(super) fn read(document: &Document) -> Result<Draft, SourceError> {
    let published = read_published(document)?;
    let names = published.nodes.iter().map(|node| &node.resource).chain(published.rows.iter().map(|row| &row.resource));
    let mut resources: BTreeMap<ResourceName, DraftResource> = BTreeMap::new();
    let mut entities: HashMap<ResourceName, Text> = bundled::entities();
    for name in names {
        let name = resource(document, name)?;
        resources.entry(name).or_insert_with_key(|name| {
            let entity = entities.remove(name).unwrap_or_else(|| singular(name.endpoint()).into());
            let mut resource = DraftResource::new(entity);
            resource.schema = SchemaKey::of(name.project(), &resource.entity);
            resource.kind = if names_descriptor(&resource.entity) { Kind::Descriptor } else { Kind::Resource };
            resource
        });
    }
    let graph = published.form == PublishedForm::Graph;
    if graph && published.edges.is_empty() {
        return Err(SourceError::content(&document.name, "$", "a graph without edges", ADVICE));
    }
    for (dependent, edge) in edges(document, &published)? {
        if let Some(resource) = resources.get_mut(&dependent) {
            resource.stated.insert(edge);
        }
    }
    let limits = if graph { &[EDGES_ONLY, PATHWAYS][..] } else { &[] };
    let kind = if graph { "GraphML, dependencies endpoint" } else { "JSON, dependencies endpoint" };
    Ok(Draft {
        standing: Standing::Stated,
        origins: vec![Origin {
            kind: kind.into(),
            title: "published dependencies".into(),
            sha256: sha256(&document.bytes).into(),
        }],
        limits: limits.iter().map(|limit| (None, Text::new_static(limit))).collect(),
        waves: waves(document, &published)?,
        resources,
        ..Draft::default()
    })
}

fn resource(document: &Document, name: &str) -> Result<ResourceName, SourceError> {
    name.parse().map_err(|_| {
        let shown: String = name.chars().take(80).collect();
        let message = format!("'{shown}' is not a resource path such as /ed-fi/students");
        SourceError::content(&document.name, "$", message, "Give what the API's dependencies endpoint answers")
    })
}

/// The wave in which each resource of an order is created.
fn waves(document: &Document, published: &Published) -> Result<BTreeMap<ResourceName, usize>, SourceError> {
    let mut waves = BTreeMap::new();
    for row in published.rows.iter().filter(|row| row.create) {
        let wave = waves.entry(resource(document, &row.resource)?).or_insert(row.order);
        *wave = row.order.min(*wave);
    }
    Ok(waves)
}

/// The people of a published graph: what makes each visible, and what else its update waits for.
#[derive(Default)]
struct People {
    associations: BTreeMap<ResourceName, BTreeSet<ResourceName>>,
    /// Which person an association makes visible.
    visible: BTreeMap<ResourceName, ResourceName>,
}

impl People {
    /// In the current form a pathway runs from the person through its associations to `#Retry`; in the
    /// legacy form nothing shows it, so it is the one that every API of that time has.
    fn of(edges: &[(&PublishedNode, ResourceName, &PublishedNode, ResourceName)]) -> Self {
        let plain: BTreeSet<(&ResourceName, &ResourceName)> =
            edges.iter().filter(|(from, _, to, _)| !from.retry && !to.retry).map(|(_, a, _, b)| (a, b)).collect();
        let mut people = Self::default();
        for (from, association, to, person) in edges {
            if to.retry && !from.retry && plain.contains(&(person, association)) {
                people.insert(person, association);
            }
        }
        let default = plain.iter().filter(|(person, association)| known_associations(person).contains(association));
        for (person, association) in default {
            let shown = edges.iter().any(|(from, a, to, b)| from.retry && a == *person || to.retry && b == *person);
            if !shown {
                people.insert(person, association);
            }
        }
        people
    }

    fn insert(&mut self, person: &ResourceName, association: &ResourceName) {
        self.associations.entry(person.clone()).or_default().insert(association.clone());
        self.visible.entry(association.clone()).or_insert_with(|| person.clone());
    }

    fn of_person(&self, person: &ResourceName) -> impl Iterator<Item = ResourceName> + use<'_> {
        self.associations.get(person).into_iter().flatten().cloned()
    }
}

/// The edges of a published graph by dependent, people put together from their two appearances.
fn edges(document: &Document, published: &Published) -> Result<Vec<(ResourceName, StatedEdge)>, SourceError> {
    let node = |place: usize| published.nodes.get(place);
    let pairs = published.edges.iter().filter_map(|edge| Some((node(edge.from)?, node(edge.to)?)));
    let named =
        pairs.map(|(from, to)| Ok((from, resource(document, &from.resource)?, to, resource(document, &to.resource)?)));
    let named = named.collect::<Result<Vec<_>, SourceError>>()?;
    let people = People::of(&named);
    let mut edges = Vec::new();
    for (from, prerequisite, to, dependent) in &named {
        // A reference from a resource to itself, or a person that waits for itself.
        if prerequisite == dependent {
            continue;
        }
        let edge = |prerequisite: ResourceName, person: Option<&ResourceName>| {
            (dependent.clone(), StatedEdge { prerequisite, person: person.cloned() })
        };
        let before: Vec<ResourceName> = match from.retry {
            true => people.of_person(prerequisite).collect(),
            false => vec![prerequisite.clone()],
        };
        let visible = people.visible.get(prerequisite).filter(|person| {
            let own = people.associations.get(*person).is_some_and(|all| all.contains(dependent));
            *person != dependent && !own
        });
        let person = match (to.retry, from.retry) {
            (true, _) => Some(dependent),
            (false, true) => Some(prerequisite),
            (false, false) => visible,
        };
        edges.extend(before.into_iter().filter(|name| name != dependent).map(|name| edge(name, person)));
    }
    Ok(edges)
}
