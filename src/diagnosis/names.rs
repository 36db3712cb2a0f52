//! What servers call things: entities, collections, abstract resources, tables cut to 63 characters, paths.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::template::squeeze;
use crate::graph::{DependencyGraph, Found, LookupError, ResourceId};
use crate::model::{Reference, Target, Text};

/// What a name in a message stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    /// The resources: of an abstract resource its subclasses, of a collection those that have it.
    pub(super) resources: Vec<ResourceId>,
    pub(super) sort: Sort,
}

/// What sort of thing a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sort {
    Resource,
    /// An abstract resource, by entity.
    Abstract(Text),
    /// A collection, by its path in each of the resources.
    Child(Vec<Text>),
}

/// Where the path of a request leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// To an endpoint.
    Endpoint {
        id: ResourceId,
        /// Whether the path goes on to one item of it.
        item: bool,
    },
    /// To none; those that may be meant, as people write them.
    Nowhere(Vec<String>),
}

/// The names of one graph. Built once, O(resources + collections).
#[derive(Debug)]
pub(super) struct Names<'g> {
    graph: &'g DependencyGraph,
    entities: BTreeMap<String, Vec<ResourceId>>,
    endpoints: BTreeMap<(String, String), ResourceId>,
    children: BTreeMap<String, Vec<(ResourceId, Text)>>,
    /// Names that were looked for: a flood of failures asks for the same few, and a name that nothing
    /// has is compared with all.
    found: RefCell<HashMap<String, Option<ResourceId>>>,
}

/// Names that are remembered at most; hostile input may have any number.
const REMEMBERED: usize = 4096;

/// PostgreSQL cuts names of tables at 63 characters; the servers end them in a hash.
const LONGEST_TABLE: usize = 63;

/// SQL Server has no longer names.
const LONGEST_NAME: usize = 128;

/// Nothing in a graph has a longer path: what is longer is compared with nothing, for that takes as long as it is.
pub(super) const LONGEST_PATH: usize = 256;

/// Pairs of segments that are looked for as another name of an endpoint; the path of a request has one.
const PAIRS: usize = 8;

/// A shorter name is never a cut one.
const SHORTEST_CUT: usize = 48;

impl<'g> Names<'g> {
    pub(super) fn of(graph: &'g DependencyGraph) -> Self {
        let mut names = Self {
            graph,
            entities: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            children: BTreeMap::new(),
            found: RefCell::default(),
        };
        for id in graph.ids() {
            let resource = graph.resource(id);
            names.entities.entry(resource.entity.to_ascii_lowercase()).or_default().push(id);
            let (project, endpoint) = (resource.name.project(), resource.name.endpoint());
            names.endpoints.insert((folded(project), endpoint.to_ascii_lowercase()), id);
            for collection in &graph.details(id).collections {
                let children = names.children.entry(collection.entity.to_ascii_lowercase()).or_default();
                children.push((id, collection.path.clone()));
            }
        }
        names
    }

    /// The resource that a request was about, from a path, a URL or a name. One of a project that the graph
    /// does not have is none of its resources, whatever their names.
    pub(super) fn request(&self, text: &str) -> Option<ResourceId> {
        let segments = segments(text);
        let qualified = || segments.windows(2).filter(|pair| self.is_project(pair[0]));
        let endpoint = |pair: &[&str]| self.endpoints.get(&(folded(pair[0]), pair[1].to_ascii_lowercase())).copied();
        if let Some(id) = qualified().find_map(endpoint) {
            return Some(id);
        }
        if qualified().next().is_some() {
            // The API has that project, but not that endpoint: another name of it, not another project.
            return qualified().take(PAIRS).find_map(|pair| self.find(&pair.join("/")));
        }
        self.find(without_base(&segments).first()?)
    }

    fn is_project(&self, name: &str) -> bool {
        let project = folded(name);
        let mut from = self.endpoints.range((project.clone(), String::new())..);
        from.next().is_some_and(|(key, _)| key.0 == project)
    }

    /// Where a path, a URL or the name of an endpoint leads, to the letter but for its case.
    pub(super) fn route(&self, text: &str) -> Route {
        let segments = segments(text);
        let qualified = segments.windows(2).position(|pair| self.is_project(pair[0])).map(|at| &segments[at..]);
        let (project, name, item) = match (qualified, without_base(&segments)) {
            (Some([project, name, rest @ ..]), _) => (Some(*project), *name, !rest.is_empty()),
            (_, [only]) => (None, *only, false),
            (_, [name, _]) if self.find(name).is_some() => (None, *name, true),
            _ => return Route::Nowhere(Vec::new()),
        };
        let (of, plain) = (project.map(folded), name.to_ascii_lowercase());
        let is =
            |(project, endpoint): &(String, String)| *endpoint == plain && of.as_ref().is_none_or(|of| of == project);
        if let Some((_, &id)) = self.endpoints.iter().find(|(key, _)| is(key)) {
            return Route::Endpoint { id, item };
        }
        let whole = project.map_or_else(|| name.to_owned(), |project| format!("{project}/{name}"));
        if whole.len() > LONGEST_PATH {
            return Route::Nowhere(Vec::new());
        }
        let subclasses = |entity: &str| -> Vec<String> {
            self.graph.subclasses(entity).iter().map(|&id| self.graph.name(id).to_string()).collect()
        };
        Route::Nowhere(match self.graph.find(&whole).or_else(|_| self.graph.find(name)) {
            Ok(Found::Resource(id)) => vec![self.graph.name(id).to_string()],
            Ok(Found::Abstract(place)) => {
                self.graph.abstracts().get(place).map(|found| subclasses(&found.entity)).unwrap_or_default()
            }
            // An abstract resource has no endpoint of its own.
            Err(LookupError::Unknown { nearest, .. }) => nearest
                .into_iter()
                .flat_map(|name| Some(subclasses(&name)).filter(|found| !found.is_empty()).unwrap_or(vec![name]))
                .collect(),
            Err(LookupError::Homograph { candidates, .. }) => candidates.iter().map(ToString::to_string).collect(),
        })
    }

    fn find(&self, name: &str) -> Option<ResourceId> {
        if name.len() > LONGEST_PATH {
            return None;
        }
        if let Some(found) = self.found.borrow().get(name) {
            return *found;
        }
        let found = match self.graph.find(name) {
            Ok(Found::Resource(id)) => Some(id),
            _ => None,
        };
        let mut known = self.found.borrow_mut();
        if known.len() < REMEMBERED {
            known.insert(name.to_owned(), found);
        }
        found
    }

    /// What a name in a message stands for; `near` is the resource of the request, whose project
    /// decides between resources of the same name.
    pub(super) fn resolve(&self, name: &str, near: Option<ResourceId>) -> Option<Meaning> {
        let name = name.split('[').next().unwrap_or_default().trim();
        let (project, plain) = name.split_once('.').map_or((None, name), |(p, rest)| (Some(folded(p)), rest));
        let lower = plain.to_ascii_lowercase();
        if lower.is_empty() {
            return None;
        }
        let project = project.or_else(|| near.map(|id| folded(self.graph.name(id).project())));
        if let Some(found) = self.graph.abstracts().iter().find(|a| a.entity.eq_ignore_ascii_case(&lower)) {
            let resources = self.graph.subclasses(&found.entity).to_vec();
            return Some(Meaning { resources, sort: Sort::Abstract(found.entity.clone()) });
        }
        if let Some(ids) = self.entities.get(&lower) {
            return Some(Meaning { resources: self.nearest(ids, project.as_deref()), sort: Sort::Resource });
        }
        if let Some(children) = self.children.get(&lower) {
            return Some(child(children));
        }
        match self.find(plain) {
            Some(id) => Some(Meaning { resources: vec![id], sort: Sort::Resource }),
            None => self.cut(&lower),
        }
    }

    /// Of several resources with one name, those of a project, or all where it has none.
    fn nearest(&self, ids: &[ResourceId], project: Option<&str>) -> Vec<ResourceId> {
        let of = |id: &&ResourceId| Some(folded(self.graph.name(**id).project()).as_str()) == project;
        let nearest: Vec<ResourceId> = ids.iter().filter(of).copied().collect();
        if nearest.is_empty() { ids.to_vec() } else { nearest }
    }

    /// The resource that a table without a name in the metadata belongs to: the one whose entity is most of what
    /// the name begins with, as `StudentAddressPeriod` does with `Student`. O(length).
    pub(super) fn owner(&self, name: &str, near: ResourceId) -> Option<ResourceId> {
        let lower = name.rsplit('.').next().filter(|name| name.len() <= LONGEST_NAME)?.to_ascii_lowercase();
        let prefixes = (1..lower.len()).rev().filter_map(|end| self.entities.get(lower.get(..end)?));
        let project = folded(self.graph.name(near).project());
        let ids = self.nearest(prefixes.into_iter().next()?, Some(&project));
        ids.first().copied().filter(|_| ids.len() == 1)
    }

    /// What a name stands for that is the property of a reference in a role: `BirthStateAbbreviationDescriptor`.
    pub(super) fn in_role(&self, name: &str, of: ResourceId) -> Option<Meaning> {
        let references = self.graph.resource(of).references.iter();
        let mut targets = references.filter(|r| r.property().eq_ignore_ascii_case(name)).map(|r| &r.target);
        match targets.next()? {
            Target::Resource(name) => Some(Meaning { resources: vec![self.graph.id(name)?], sort: Sort::Resource }),
            _ => None,
        }
    }

    /// A table name that the database cut: `studentspecialeducation…_a51ff9`.
    fn cut(&self, lower: &str) -> Option<Meaning> {
        if lower.len() < SHORTEST_CUT || lower.len() > LONGEST_TABLE {
            return None;
        }
        let hashed = |(_, hash): &(&str, &str)| hash.len() == 6 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let prefix = lower.rsplit_once('_').filter(hashed).map_or(lower, |(prefix, _)| prefix);
        let from = prefix.to_owned();
        let resources: Vec<ResourceId> = self
            .entities
            .range(from.clone()..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        if !resources.is_empty() {
            return Some(Meaning { resources, sort: Sort::Resource });
        }
        let children: Vec<(ResourceId, Text)> = self
            .children
            .range(from..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .flat_map(|(_, children)| children.iter().cloned())
            .collect();
        (!children.is_empty()).then(|| child(&children))
    }

    /// A path of a message as the graph spells it: the classes of ODS/API up to 7.1 put the name of the owner
    /// before that of a collection, `$.staffAddresses[0].city`. Indexes stay. O(length + collections a step).
    pub(super) fn spelled(&self, resource: ResourceId, path: &str) -> String {
        let Some(said) = path.strip_prefix("$.") else { return path.to_owned() };
        let mut inside: Vec<(Vec<&str>, &str)> =
            self.graph.details(resource).collections.iter().map(|c| (steps(&c.path), c.entity.as_str())).collect();
        let mut spelled = "$".to_owned();
        for (depth, step) in said.split('.').enumerate() {
            let (name, index) = step.split_at(step.find('[').unwrap_or(step.len()));
            let here = inside.iter().filter(|(steps, _)| steps.len() == depth + 1);
            let last = |steps: &[&'g str]| steps.last().copied().unwrap_or_default();
            let exact = here.clone().map(|(steps, _)| last(steps)).find(|own| own.eq_ignore_ascii_case(name));
            let owned =
                || here.clone().find(|(steps, entity)| is_owned(name, last(steps), entity)).map(|(s, _)| last(s));
            let own = exact.or_else(owned);
            // Below what is no collection there is none.
            inside.retain(|(steps, _)| own.is_some() && steps.len() > depth && steps.get(depth).copied() == own);
            spelled.push('.');
            spelled.push_str(if exact.is_some() { name } else { own.unwrap_or(name) });
            spelled.push_str(index);
        }
        spelled
    }

    /// References of a resource at a path of a message, which may carry indexes and, from a DMS, lack
    /// all steps but the last one or two.
    pub(super) fn at(&self, resource: ResourceId, path: &str) -> Vec<&'g Reference> {
        let path = &self.spelled(resource, path);
        let said = steps(path);
        let references = &self.graph.resource(resource).references;
        let whole: Vec<&Reference> = references.iter().filter(|r| same(&steps(&r.path), &said)).collect();
        if !whole.is_empty() || said.is_empty() || said.len() > 2 {
            return whole;
        }
        references.iter().filter(|r| ends(&r.path, path)).collect()
    }
}

/// The segments of a path or URL, without the host.
fn segments(text: &str) -> Vec<&str> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    path.split('/').filter(|s| !s.is_empty()).collect()
}

/// The segments after `…/data/v3/2026`, where a path of an Ed-Fi API names the project.
fn without_base<'t, 's>(segments: &'s [&'t str]) -> &'s [&'t str] {
    let is_version =
        |s: &str| s.strip_prefix(['v', 'V']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let is_year = |s: &str| s.len() == 4 && s.bytes().all(|b| b.is_ascii_digit());
    let data = segments.windows(2).rposition(|pair| pair[0].eq_ignore_ascii_case("data") && is_version(pair[1]));
    let rest = data.and_then(|at| segments.get(at..)).unwrap_or(segments);
    let base = |s: &&&str| s.eq_ignore_ascii_case("data") || is_version(s) || is_year(s);
    rest.get(rest.iter().take_while(base).count()..).unwrap_or_default()
}

/// What a path or URL calls the resource, without the base before it and the item after it; cut where it is
/// longer than any.
pub(super) fn address(text: &str) -> String {
    let segments = segments(text);
    let is_id = |s: &str| {
        let digits = s.bytes().filter(u8::is_ascii_hexdigit).count();
        s.bytes().all(|b| b.is_ascii_digit()) || (digits == 32 && s.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()))
    };
    let mut address = squeeze(&match without_base(&segments) {
        [] => text.to_owned(),
        [only] => (*only).to_owned(),
        [name, id] if is_id(id) => (*name).to_owned(),
        [project, name, ..] => format!("/{project}/{name}"),
    });
    if let Some((end, _)) = address.char_indices().nth(LONGEST_PATH) {
        address.truncate(end);
        address.push('…');
    }
    address
}

fn child(children: &[(ResourceId, Text)]) -> Meaning {
    let (resources, paths) = children.iter().cloned().unzip();
    Meaning { resources, sort: Sort::Child(paths) }
}

/// The steps of a JSON path without indexes.
pub(super) fn steps(path: &str) -> Vec<&str> {
    let plain = path.trim_start_matches('$').trim_start_matches('.');
    plain.split('.').map(|step| step.split('[').next().unwrap_or_default()).filter(|s| !s.is_empty()).collect()
}

/// Whether two paths have the same steps, whatever their case.
pub(super) fn same(left: &[&str], right: &[&str]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// Whether a name is that of a collection after what its entity begins with: `staffAddresses` of `addresses`,
/// whose items are `StaffAddress`.
fn is_owned(name: &str, collection: &str, entity: &str) -> bool {
    let split = name.len().checked_sub(collection.len()).and_then(|at| name.split_at_checked(at));
    split.is_some_and(|(owner, rest)| {
        let starts = entity.get(..owner.len()).is_some_and(|start| start.eq_ignore_ascii_case(owner));
        !owner.is_empty() && rest.eq_ignore_ascii_case(collection) && starts
    })
}

/// Whether a path stands below another one.
pub(super) fn below(path: &str, parent: &str) -> bool {
    let (path, parent) = (steps(path), steps(parent));
    path.len() >= parent.len() && same(&path[..parent.len()], &parent)
}

/// Whether a path has the steps of another one at its end.
pub(super) fn ends(path: &str, end: &str) -> bool {
    let (path, end) = (steps(path), steps(end));
    path.len() >= end.len() && same(&path[path.len() - end.len()..], &end)
}

/// A project as schemas, paths and messages spell it: `Ed-Fi`, `edFi`, `ed-fi`.
fn folded(project: &str) -> String {
    project.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
