//! The comparison behind an audit: names first, then edges, then what can be said in passing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::{Audit, Cause, EdgeFinding, Extra, Failure, Missing, Needing, Note, Wrong, counted};
use crate::graph::{Authorization, DependencyGraph, Edge, Found, ResourceId, SelectOptions, Selector};
use crate::model::{Kind, Published, PublishedForm, Reference, ResourceName, Target, Text};

/// How many unknown names are compared with all known ones, to say what may have been meant.
const MOST_GUESSES: usize = 100;

/// Longer is no name.
const LONGEST_NAME: usize = 200;

/// An edge of the graph and what people's pathways add.
type Constraints = BTreeMap<(ResourceId, ResourceId), Vec<ResourceId>>;

/// How a document orders two resources of which the second needs the first.
enum Standing {
    Kept,
    /// In one line of a list.
    WithinLine,
    /// The dependent is created too early, but updated late enough.
    UpdateOnly(Wrong),
    Wrong(Wrong),
}

pub(super) struct Comparison<'c> {
    graph: &'c DependencyGraph,
    authorization: &'c Authorization,
    published: &'c Published,
    /// Where each resource is created first: its order number, or its position in the graph.
    created: BTreeMap<ResourceId, usize>,
    /// Where each resource is updated last, in a step that does not create.
    updated: BTreeMap<ResourceId, usize>,
    /// Resources that an order creates more than once.
    twice: BTreeSet<ResourceId>,
    /// Optional references that wait for an update.
    deferred: BTreeSet<(ResourceId, ResourceId)>,
    /// What waits for a resource in a published graph, of those that were asked for.
    behind: BTreeMap<ResourceId, Vec<bool>>,
    extra: BTreeMap<Text, String>,
    renamed: BTreeMap<Text, ResourceId>,
    notes: Vec<Note>,
}

impl<'c> Comparison<'c> {
    pub(super) fn new(graph: &'c DependencyGraph, authorization: &'c Authorization, published: &'c Published) -> Self {
        let mut comparison = Self {
            graph,
            authorization,
            published,
            created: BTreeMap::new(),
            updated: BTreeMap::new(),
            twice: BTreeSet::new(),
            deferred: BTreeSet::new(),
            behind: BTreeMap::new(),
            extra: BTreeMap::new(),
            renamed: BTreeMap::new(),
            notes: Vec::new(),
        };
        comparison.read_names();
        comparison
    }

    pub(super) fn run(mut self) -> Audit {
        let missing = self.missing();
        let (edges, edge_findings) = self.edges();
        self.note_self_references();
        self.note_people();
        self.note_names();
        let form = match self.published.form {
            PublishedForm::Order => "order",
            PublishedForm::Graph => "graph",
            PublishedForm::List => "list",
        };
        let extra = self.extra.into_iter().map(|(name, because)| Extra { name, because }).collect();
        Audit { form, resources: self.created.len(), edges, missing, extra, edge_findings, notes: self.notes }
    }

    fn read_names(&mut self) {
        // A large document repeats names; each is looked up once, for that costs a walk through all.
        let mut known: BTreeMap<Text, Vec<ResourceId>> = BTreeMap::new();
        let mut plain: BTreeMap<String, Vec<ResourceId>> = BTreeMap::new();
        for id in self.graph.ids() {
            let name = self.graph.name(id);
            for spelling in [name.endpoint(), name.as_str(), name.as_str().trim_start_matches('/')] {
                plain.entry(spelling.to_ascii_lowercase()).or_default().push(id);
            }
        }
        let published = self.published;
        let named = published.rows.iter().map(|r| &r.resource).chain(published.nodes.iter().map(|n| &n.resource));
        for name in named {
            if !known.contains_key(name) {
                let ids = match plain.get(&name.to_ascii_lowercase()).map(Vec::as_slice) {
                    Some([only]) => vec![*only],
                    _ => self.resources_named(name),
                };
                known.insert(name.clone(), ids);
            }
        }
        for row in &published.rows {
            for &id in known.get(&row.resource).into_iter().flatten() {
                let first = !self.created.contains_key(&id);
                // Who lists a resource again means its update.
                let creates = row.create && (first || published.form != PublishedForm::List);
                if creates {
                    if !first {
                        self.twice.insert(id);
                    }
                    let at = self.created.entry(id).or_insert(row.order);
                    *at = row.order.min(*at);
                } else if row.update {
                    let at = self.updated.entry(id).or_insert(row.order);
                    *at = row.order.max(*at);
                }
            }
        }
        for (position, node) in published.nodes.iter().enumerate() {
            for &id in known.get(&node.resource).into_iter().flatten() {
                let vertices = if node.retry { &mut self.updated } else { &mut self.created };
                vertices.insert(id, position);
            }
        }
    }

    /// The resources that a name stands for; what stands for none is remembered.
    fn resources_named(&mut self, name: &Text) -> Vec<ResourceId> {
        if name.len() > LONGEST_NAME || self.extra.len() >= MOST_GUESSES {
            self.extra.insert(name.clone(), "unknown".to_owned());
            return Vec::new();
        }
        if name.contains(['*', '?']) {
            let none = Authorization::none();
            let options = SelectOptions {
                required_only: false,
                authorization: &none,
                present: BTreeSet::new(),
                school_years: false,
            };
            let selector = name.parse::<Selector>().map(|s| self.graph.select(&[s], &[], &options));
            if let Ok(Ok(selection)) = selector {
                return selection.resources.into_iter().collect();
            }
        }
        match self.graph.find(name) {
            Ok(Found::Resource(id)) => {
                let endpoint = name.rsplit('/').next().unwrap_or_default();
                let swapped = |from: &str, to: &str| endpoint.to_ascii_lowercase().replace(from, to);
                let here = self.graph.name(id).endpoint().to_ascii_lowercase();
                if here != endpoint.to_ascii_lowercase()
                    && [swapped("parent", "contact"), swapped("contact", "parent")].contains(&here)
                {
                    self.renamed.insert(name.clone(), id);
                }
                vec![id]
            }
            Ok(Found::Abstract(_)) => {
                self.extra.insert(name.clone(), "abstract: nothing can be posted to it".to_owned());
                Vec::new()
            }
            Err(error) => {
                self.extra.insert(name.clone(), error.to_string());
                Vec::new()
            }
        }
    }

    /// Resources that are not named. Of a list only those count that something in it needs: nobody
    /// lists all there is. An abstract resource is satisfied by any one of its subclasses.
    fn missing(&mut self) -> Vec<Missing> {
        let graph = self.graph;
        let absent: Vec<ResourceId> = graph.ids().filter(|id| !self.created.contains_key(id)).collect();
        let list = self.published.form == PublishedForm::List;
        let no_descriptors = !self.created.keys().any(|&id| graph.resource(id).kind == Kind::Descriptor);
        let (mut missing, mut unneeded) = (Vec::new(), 0);
        let (mut descriptors, mut optional) = (Vec::new(), Vec::new());
        for id in absent {
            let resource = graph.resource(id);
            let loads = self.needing(id);
            let deletes: Vec<ResourceName> = graph
                .prerequisites(id)
                .filter(|e| !e.is_self() && self.created.contains_key(&e.prerequisite))
                .map(|e| graph.name(e.prerequisite).clone())
                .collect();
            let descriptor = resource.kind == Kind::Descriptor;
            if resource.kind == Kind::SchoolYears {
                if loads.is_empty() {
                    continue;
                }
                self.notes.push(Note {
                    code: "school-years",
                    text: format!(
                        "{} is left out: reference data that the host owns and that must already exist for {}",
                        resource.name.short(),
                        counted(loads.len(), "resource", "resources")
                    ),
                    resources: vec![resource.name.clone()],
                });
            } else if list && loads.is_empty() {
                unneeded += 1;
            } else if list && descriptor && no_descriptors {
                descriptors.push(resource.name.clone());
            } else if list && !loads.iter().any(|l| l.required) {
                optional.push(resource.name.clone());
            } else {
                missing.push(Missing { resource: resource.name.clone(), descriptor, loads, deletes });
            }
        }
        if !descriptors.is_empty() {
            self.notes.push(Note {
                code: "no-descriptors",
                text: format!("no descriptors in the list: {} must already exist", descriptors.len()),
                resources: descriptors,
            });
        }
        if !optional.is_empty() {
            let names: Vec<&str> = optional.iter().map(ResourceName::short).collect();
            let text = format!("not in the list, needed where a record refers to them: {}", names.join(", "));
            self.notes.push(Note { code: "optional", text, resources: optional });
        }
        if unneeded > 0 {
            let text = format!("{unneeded} resources are not in the list, and nothing in it needs them");
            self.notes.push(Note { code: "partial", text, resources: Vec::new() });
        }
        missing
    }

    /// What is named and needs a resource that is not.
    fn needing(&self, absent: ResourceId) -> Vec<Needing> {
        let graph = self.graph;
        let dependents = graph.dependents(absent).filter(|e| !e.is_self() && self.created.contains_key(&e.dependent));
        let needing = dependents.filter_map(|edge| {
            let needs = |reference: &&Reference| match &reference.target {
                Target::Abstract(entity) => {
                    self.published.form != PublishedForm::List
                        || !graph.subclasses(entity).iter().any(|id| self.created.contains_key(id))
                }
                _ => true,
            };
            let references: Vec<&Reference> = graph.references(edge).filter(needs).collect();
            let required = references.iter().any(|r| r.required);
            (!references.is_empty()).then(|| Needing { resource: graph.name(edge.dependent).clone(), required })
        });
        needing.collect()
    }

    /// All edges between resources that are named, and those that the order does not keep.
    fn edges(&mut self) -> (usize, Vec<EdgeFinding>) {
        let mut constraints = Constraints::new();
        for edge in self.graph.edges().filter(|e| !e.is_self()) {
            constraints.entry((edge.prerequisite, edge.dependent)).or_default();
        }
        for edge in &self.authorization.edges {
            constraints.entry((edge.prerequisite, edge.dependent)).or_default().push(edge.person);
        }
        constraints.retain(|(a, b), _| self.created.contains_key(a) && self.created.contains_key(b));
        let count = constraints.len();
        let mut findings = Vec::new();
        let mut same_line = BTreeSet::new();
        let mut reach: Option<(ResourceId, Vec<bool>)> = None;
        for ((prerequisite, dependent), people) in constraints {
            let edge = self.graph.edge(prerequisite, dependent);
            let standing = if self.published.form == PublishedForm::Graph {
                if reach.as_ref().is_none_or(|(from, _)| *from != prerequisite) {
                    reach = Some((prerequisite, self.reach(prerequisite)));
                }
                let reached = reach.as_ref().map(|(_, reached)| reached.as_slice()).unwrap_or_default();
                self.standing_in_graph(prerequisite, dependent, reached)
            } else {
                self.standing_in_order(prerequisite, dependent)
            };
            let optional = people.is_empty() && edge.is_some_and(|edge| !edge.required);
            match standing {
                Standing::Kept => {}
                Standing::WithinLine => {
                    same_line.insert(dependent);
                }
                Standing::UpdateOnly(_) if optional => {
                    self.deferred.insert((prerequisite, dependent));
                }
                Standing::UpdateOnly(wrong) | Standing::Wrong(wrong) => {
                    if !self.settled(edge) {
                        findings.push(self.finding(prerequisite, dependent, wrong, edge, &people));
                    }
                }
            }
        }
        findings
            .sort_by(|a, b| (&a.prerequisite, a.wrong, &a.dependent).cmp(&(&b.prerequisite, b.wrong, &b.dependent)));
        if !same_line.is_empty() {
            self.notes.push(Note {
                code: "within-a-line",
                text: "names within a line are in no order; whoever takes the list has to order them".to_owned(),
                resources: Vec::new(),
            });
        }
        (count, findings)
    }

    fn standing_in_order(&self, before: ResourceId, after: ResourceId) -> Standing {
        let at = |id| self.created.get(&id).copied().unwrap_or_default();
        let wrong = match at(before).cmp(&at(after)) {
            Ordering::Less => return Standing::Kept,
            // Who takes a comma list orders it.
            Ordering::Equal if self.published.form == PublishedForm::List => return Standing::WithinLine,
            Ordering::Equal => Wrong::Dropped,
            Ordering::Greater => Wrong::Inverted,
        };
        let updated = self.updated.get(&after).is_some_and(|updated| *updated > at(before));
        if updated { Standing::UpdateOnly(wrong) } else { Standing::Wrong(wrong) }
    }

    fn standing_in_graph(&mut self, before: ResourceId, after: ResourceId, reached: &[bool]) -> Standing {
        let waits = |steps: &BTreeMap<ResourceId, usize>, id, reached: &[bool]| {
            steps.get(&id).is_some_and(|&vertex| reached.get(vertex) == Some(&true))
        };
        if waits(&self.created, after, reached) {
            return Standing::Kept;
        }
        if !self.behind.contains_key(&after) {
            let reached = self.reach(after);
            self.behind.insert(after, reached);
        }
        let inverted = self.behind.get(&after).is_some_and(|behind| waits(&self.created, before, behind));
        let wrong = if inverted { Wrong::Inverted } else { Wrong::Dropped };
        if waits(&self.updated, after, reached) { Standing::UpdateOnly(wrong) } else { Standing::Wrong(wrong) }
    }

    /// Vertices that wait for a resource, directly or through others.
    fn reach(&self, from: ResourceId) -> Vec<bool> {
        let edges = &self.published.edges;
        let mut open: Vec<usize> = self.vertices(from).collect();
        let mut reached = vec![false; self.published.nodes.len()];
        while let Some(at) = open.pop() {
            // Sorted by where they start.
            let first = edges.partition_point(|e| e.from < at);
            for edge in edges.iter().skip(first).take_while(|e| e.from == at) {
                if let Some(seen @ false) = reached.get_mut(edge.to) {
                    *seen = true;
                    open.push(edge.to);
                }
            }
        }
        reached
    }

    fn vertices(&self, id: ResourceId) -> impl Iterator<Item = usize> {
        self.created.get(&id).into_iter().chain(self.updated.get(&id)).copied()
    }

    /// Whether the published graph says that an ambiguous descriptor is another: then ours guessed
    /// wrong, and nothing is dropped.
    fn settled(&mut self, edge: Option<&Edge>) -> bool {
        let (Some(edge), PublishedForm::Graph) = (edge, self.published.form) else { return false };
        let direct = |from: &ResourceName| {
            let from = self.graph.id(from)?;
            let joined = |e: &crate::model::PublishedEdge| {
                self.vertices(from).any(|v| v == e.from) && self.vertices(edge.dependent).any(|v| v == e.to)
            };
            self.published.edges.iter().any(joined).then_some(from)
        };
        let mut settled = Vec::new();
        for reference in self.graph.references(edge) {
            let Some(other) = reference.alternatives.iter().find_map(direct) else { return false };
            settled.push((reference.path.clone(), other));
        }
        for (path, other) in settled {
            let (dependent, descriptor) = (self.graph.name(edge.dependent), self.graph.name(other));
            self.notes.push(Note {
                code: "settled-descriptor",
                text: format!("{} {path} is {}, as the API knows", dependent.short(), descriptor.short()),
                resources: vec![dependent.clone(), descriptor.clone()],
            });
        }
        true
    }

    fn finding(
        &self,
        prerequisite: ResourceId,
        dependent: ResourceId,
        wrong: Wrong,
        edge: Option<&Edge>,
        people: &[ResourceId],
    ) -> EdgeFinding {
        let name = |id| self.graph.name(id).clone();
        let references = edge.into_iter().flat_map(|edge| self.graph.references(edge));
        let mut because: Vec<Cause> =
            references.map(|r| Cause::Reference { path: r.path.clone(), required: r.required }).collect();
        because.extend(people.iter().map(|&person| Cause::Authorization { person: name(person) }));
        let required = edge.is_some_and(|edge| edge.required);
        let at = |id| (self.published.form != PublishedForm::Graph).then(|| self.created.get(&id).copied()).flatten();
        EdgeFinding {
            prerequisite: name(prerequisite),
            dependent: name(dependent),
            wrong,
            prerequisite_at: at(prerequisite),
            dependent_at: at(dependent),
            because,
            load: match edge {
                Some(_) => Failure { resource: name(dependent), status: 409, always: required },
                None => Failure { resource: name(dependent), status: 403, always: false },
            },
            delete: edge.map(|_| Failure { resource: name(prerequisite), status: 409, always: required }),
        }
    }

    fn note_self_references(&mut self) {
        let graph = self.graph;
        let own = graph.edges().filter(|e| e.is_self() && self.created.contains_key(&e.prerequisite));
        let resources: Vec<ResourceName> = own.map(|e| graph.name(e.prerequisite).clone()).collect();
        if !resources.is_empty() {
            let names: Vec<&str> = resources.iter().map(ResourceName::short).collect();
            let text = format!(
                "no order of resources keeps references inside one: load parents first within {}",
                names.join(", ")
            );
            self.notes.push(Note { code: "self-references", text, resources });
        }
    }

    /// People that have one step where they need two: create, and update after their pathway.
    fn note_people(&mut self) {
        let once = self.authorization.holds.iter().filter(|hold| {
            self.created.contains_key(&hold.person)
                && !self.updated.contains_key(&hold.person)
                && hold.update_after.iter().any(|id| self.created.contains_key(id))
        });
        let resources: Vec<ResourceName> = once.map(|hold| self.graph.name(hold.person).clone()).collect();
        if !resources.is_empty() {
            let names: Vec<&str> = resources.iter().map(ResourceName::short).collect();
            let text = format!("one step for {}: they can be updated only after their associations", names.join(", "));
            self.notes.push(Note { code: "one-step-for-people", text, resources });
        }
    }

    fn note_names(&mut self) {
        for (name, id) in &self.renamed {
            let resource = self.graph.name(*id);
            self.notes.push(Note {
                code: "renamed",
                text: format!("{name} is {} here", resource.short()),
                resources: vec![resource.clone()],
            });
        }
        for &(prerequisite, dependent) in &self.deferred {
            let (target, resource) = (self.graph.name(prerequisite), self.graph.name(dependent));
            self.notes.push(Note {
                code: "deferred",
                text: format!(
                    "{} are created before {} and updated after: leave the reference out until then",
                    resource.short(),
                    target.short()
                ),
                resources: vec![resource.clone(), target.clone()],
            });
        }
        if !self.twice.is_empty() {
            let twice: Vec<ResourceName> = self.twice.iter().map(|id| self.graph.name(*id).clone()).collect();
            let names: Vec<&str> = twice.iter().map(ResourceName::short).collect();
            let text = format!("created more than once, the first counts: {}", names.join(", "));
            self.notes.push(Note { code: "twice", text, resources: twice });
        }
        self.notes.sort_by(|a, b| (a.code, &a.text).cmp(&(b.code, &b.text)));
    }
}
