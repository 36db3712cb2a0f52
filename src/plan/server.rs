//! The order that the API itself publishes at its dependencies endpoint, entry for entry.
//!
//! Operators trust it and other loaders follow it, so its choices are reproduced, the less fortunate
//! ones too. The rule and its source: docs/design.md, "The server's order".

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::load::{Deferred, LoadOptions, LoadPlan, Step, Wave};
use super::{Operation, RequiredCycle};
use crate::graph::{Authorization, AuthorizationEdge, DependencyGraph, ResourceId, Selection};
use crate::model::{Kind, ResourceName};

/// One row of the API's dependencies document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The resource.
    pub resource: ResourceName,
    /// Its wave, from 1.
    pub order: usize,
    /// What may be done then.
    pub operations: &'static [Operation],
}

/// A vertex of the published graph: a resource, or a person once more after its pathway (`#Retry`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vertex {
    /// The resource.
    pub resource: ResourceId,
    /// Whether it is the second appearance of a person.
    pub retry: bool,
}

/// The published graph: prerequisite, dependent; parallel edges each for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedGraph {
    /// All vertices in the order in which the server visits them.
    pub vertices: Vec<Vertex>,
    /// Edges that remain once cycles are broken, each pair once, sorted by name.
    pub edges: Vec<(Vertex, Vertex)>,
    /// Pairs that were dropped to break cycles, self references included.
    pub dropped: Vec<(Vertex, Vertex)>,
}

/// Which form of GraphML a server publishes (ODS/API before 7.2, or since).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphForm {
    /// People appear twice.
    Current,
    /// People appear once.
    Legacy,
}

/// The rows of the API's own order, as it sorts them: by wave, rows that only update first, then by
/// path without regard to case. School years are left out, and what its one pass over the cycles leaves in
/// a circle, with everything behind that: it lists what nothing unlisted is needed for, again and again.
///
/// # Errors
///
/// A cycle that the server could not break either; it would answer 400.
pub fn rows(graph: &DependencyGraph) -> Result<Vec<Row>, RequiredCycle> {
    let published = published(graph, GraphForm::Legacy)?;
    let layer = layers(&published);
    let order = |id: ResourceId| Some(layer.get(&Vertex { resource: id, retry: false })? + 1);
    let mut rows = Vec::new();
    for vertex in &published.vertices {
        let Some(created) = order(vertex.resource) else { continue };
        let name = graph.name(vertex.resource).clone();
        let pathway = graph.pathways().iter().find(|p| p.person == name);
        let Some(pathway) = pathway else {
            rows.push(Row { resource: name, order: created, operations: &[Operation::Create, Operation::Update] });
            continue;
        };
        rows.push(Row { resource: name.clone(), order: created, operations: &[Operation::Create] });
        let before = pathway.associations.iter().chain(&pathway.also_before_update).filter_map(|n| graph.id(n));
        // An association that is not listed is never behind.
        let Some(after) = before.map(order).collect::<Option<Vec<_>>>() else { continue };
        let after = after.into_iter().max().unwrap_or_default();
        rows.push(Row { resource: name, order: after + 1, operations: &[Operation::Update] });
    }
    rows.sort_by_cached_key(|row| {
        (row.order, row.operations != [Operation::Update], row.resource.as_str().to_lowercase(), row.resource.clone())
    });
    Ok(rows)
}

/// The graph that the API publishes as GraphML.
///
/// # Errors
///
/// A cycle that the server could not break either.
pub fn published(graph: &DependencyGraph, form: GraphForm) -> Result<PublishedGraph, RequiredCycle> {
    let mut net = Net::of(graph);
    net.repoint_people(graph);
    let mut dropped = net.break_cycles(graph)?;
    if form == GraphForm::Current {
        net.split_people(graph);
        dropped.extend(net.break_cycles(graph)?);
    }
    Ok(net.published(graph, dropped))
}

/// Longest paths over the published edges, from 0, of what is in no circle and behind none.
/// O(vertices + edges).
fn layers(published: &PublishedGraph) -> HashMap<Vertex, usize> {
    let place: HashMap<Vertex, usize> = published.vertices.iter().enumerate().map(|(i, v)| (*v, i)).collect();
    let constraints = published
        .edges
        .iter()
        .filter_map(|(from, to)| {
            Some(crate::graph::Constraint { before: *place.get(from)?, after: *place.get(to)?, removable: false })
        })
        .collect();
    let precedence = crate::graph::Precedence { steps: published.vertices.len(), constraints };
    let layers = published.vertices.iter().copied().zip(precedence.layers(&[], |_| true).layer);
    layers.zip(precedence.stuck()).filter(|(_, stuck)| !stuck).map(|(layer, _)| layer).collect()
}

#[derive(Debug, Clone, Copy)]
struct NetEdge {
    from: Vertex,
    to: Vertex,
    /// Whether the server may drop it: all references behind it are optional.
    soft: bool,
}

/// The server's working graph.
struct Net {
    /// In order of project, then entity, without regard to case.
    vertices: Vec<Vertex>,
    edges: Vec<NetEdge>,
}

impl Net {
    fn of(graph: &DependencyGraph) -> Self {
        let loaded = |id: &ResourceId| graph.resource(*id).kind != Kind::SchoolYears;
        let plain = |resource| Vertex { resource, retry: false };
        let mut vertices: Vec<Vertex> = graph.ids().filter(loaded).map(plain).collect();
        sort_vertices(graph, &mut vertices);
        let edges = graph.edges().filter(|e| loaded(&e.prerequisite));
        let edges = edges.map(|e| NetEdge { from: plain(e.prerequisite), to: plain(e.dependent), soft: !e.required });
        // What a document states to run through a pathway is where the server would have put it.
        let stated = graph.ids().flat_map(|id| graph.resource(id).stated.iter().map(move |edge| (id, edge)));
        let through = stated.filter_map(|(to, edge)| {
            let person = graph.id(edge.person.as_ref()?)?;
            let from = graph.id(&edge.prerequisite)?;
            (person != to).then_some(NetEdge { from: plain(from), to: plain(to), soft: false })
        });
        Self { vertices, edges: edges.chain(through).collect() }
    }

    fn published(self, graph: &DependencyGraph, mut dropped: Vec<(Vertex, Vertex)>) -> PublishedGraph {
        let named = |&(from, to): &(Vertex, Vertex)| {
            (graph.name(from.resource).clone(), from.retry, graph.name(to.resource).clone(), to.retry)
        };
        let mut edges: Vec<(Vertex, Vertex)> = self.edges.iter().map(|e| (e.from, e.to)).collect();
        edges.sort_by_cached_key(named);
        edges.dedup();
        dropped.sort_by_cached_key(named);
        dropped.dedup();
        PublishedGraph { vertices: self.vertices, edges, dropped }
    }

    /// Every dependent of a person other than its pathway depends on the pathway instead.
    fn repoint_people(&mut self, graph: &DependencyGraph) {
        for (person, associations) in people(graph) {
            let moved = |edge: &NetEdge| edge.from == person && !associations.contains(&edge.to);
            let (repointed, mut kept): (Vec<NetEdge>, Vec<NetEdge>) = self.edges.iter().copied().partition(moved);
            for edge in repointed {
                kept.extend(associations.iter().map(|&from| NetEdge { from, ..edge }));
            }
            self.edges = kept;
        }
    }

    /// A person appears again after its pathway, and everything else waits for that.
    fn split_people(&mut self, graph: &DependencyGraph) {
        for (person, associations) in people(graph) {
            let retry = Vertex { retry: true, ..person };
            for edge in &mut self.edges {
                if associations.contains(&edge.from) {
                    edge.from = retry;
                }
            }
            self.edges.extend(associations.iter().map(|&from| NetEdge { from, to: retry, soft: false }));
            self.vertices.push(retry);
        }
        sort_vertices(graph, &mut self.vertices);
    }

    /// Finds cycles depth first and drops, of each, the incoming edges of one vertex.
    fn break_cycles(&mut self, graph: &DependencyGraph) -> Result<Vec<(Vertex, Vertex)>, RequiredCycle> {
        let mut dropped = Vec::new();
        for cycle in self.cycles() {
            let members: BTreeSet<Vertex> = cycle.iter().copied().collect();
            let incoming = |edges: &[NetEdge], vertex: Vertex| -> Vec<NetEdge> {
                edges.iter().filter(|e| e.to == vertex && members.contains(&e.from)).copied().collect()
            };
            // From the vertex that closes the cycle, backwards.
            let mut backwards = cycle.iter().take(1).chain(cycle.iter().skip(1).rev());
            let victim = backwards.find(|&&vertex| incoming(&self.edges, vertex).iter().all(|e| e.soft)).copied();
            let Some(victim) = victim else {
                let around = cycle.iter().chain(cycle.first()).map(|vertex| vertex.resource);
                return Err(RequiredCycle::of(graph, around));
            };
            dropped.extend(incoming(&self.edges, victim).iter().map(|e| (e.from, e.to)));
            self.edges.retain(|e| !(e.to == victim && members.contains(&e.from)));
        }
        Ok(dropped)
    }

    /// The cycles that a depth-first search meets, each from the vertex that closes it. Iterative, for
    /// a document may chain any number of resources. O(vertices + edges + length of the cycles).
    fn cycles(&self) -> Vec<Vec<Vertex>> {
        let place: HashMap<Vertex, usize> = self.vertices.iter().enumerate().map(|(i, v)| (*v, i)).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.vertices.len()];
        for edge in &self.edges {
            if let (Some(&from), Some(&to)) = (place.get(&edge.from), place.get(&edge.to))
                && let Some(list) = children.get_mut(from)
            {
                list.push(to);
            }
        }
        for list in &mut children {
            list.sort_unstable();
            list.dedup();
        }
        let mut cycles = Vec::new();
        let mut visited = vec![false; self.vertices.len()];
        let mut on_stack: BTreeMap<usize, usize> = BTreeMap::new();
        for root in 0..self.vertices.len() {
            if std::mem::replace(&mut visited[root], true) {
                continue;
            }
            let mut stack = vec![(root, 0)];
            on_stack.insert(root, 0);
            while let Some((vertex, next)) = stack.last_mut() {
                let Some(&child) = children[*vertex].get(*next) else {
                    on_stack.remove(vertex);
                    stack.pop();
                    continue;
                };
                *next += 1;
                if let Some(&depth) = on_stack.get(&child) {
                    cycles.push(stack[depth..].iter().map(|(v, _)| self.vertices[*v]).collect());
                } else if !std::mem::replace(&mut visited[child], true) {
                    on_stack.insert(child, stack.len());
                    stack.push((child, 0));
                }
            }
        }
        cycles
    }
}

/// Each person with its pathway.
fn people(graph: &DependencyGraph) -> Vec<(Vertex, Vec<Vertex>)> {
    let vertex = |name: &ResourceName| graph.id(name).map(|resource| Vertex { resource, retry: false });
    graph
        .pathways()
        .iter()
        .filter_map(|p| Some((vertex(&p.person)?, p.associations.iter().filter_map(vertex).collect())))
        .collect()
}

fn sort_vertices(graph: &DependencyGraph, vertices: &mut [Vertex]) {
    vertices.sort_by_cached_key(|v| {
        let resource = graph.resource(v.resource);
        (resource.name.project().to_lowercase(), resource.entity.to_lowercase(), v.retry, v.resource)
    });
}

/// The server's order as a plan: its own wave numbers, and what it drops as deferred references.
///
/// # Errors
///
/// A cycle that the server could not break either.
pub fn as_plan(
    graph: &DependencyGraph,
    selection: &Selection,
    options: &LoadOptions,
) -> Result<LoadPlan, RequiredCycle> {
    as_plan_of_records(graph, graph, selection, options)
}

/// As [`as_plan`], for records whose references `contained` holds: the API's order is the same whatever
/// is sent, but not what the records need and lose by it.
///
/// # Errors
///
/// A cycle that the server could not break either.
pub fn as_plan_of_records(
    graph: &DependencyGraph,
    contained: &DependencyGraph,
    selection: &Selection,
    options: &LoadOptions,
) -> Result<LoadPlan, RequiredCycle> {
    let chosen = |id: ResourceId| selection.resources.contains(&id) && !options.external.contains(&id);
    let rows = rows(graph)?;
    let order: BTreeMap<&ResourceName, usize> = rows
        .iter()
        .filter(|row| row.operations.contains(&Operation::Create))
        .map(|row| (&row.resource, row.order))
        .collect();
    let mut waves: Vec<Wave> = Vec::new();
    for row in rows.iter().filter(|row| graph.id(&row.resource).is_some_and(chosen)) {
        let kind = graph.id(&row.resource).map_or(Kind::Resource, |id| graph.resource(id).kind);
        let step = Step { resource: row.resource.clone(), operations: row.operations, kind };
        match waves.last_mut().filter(|wave| wave.wave == row.order) {
            Some(wave) => wave.steps.push(step),
            None => waves.push(Wave { wave: row.order, steps: vec![step] }),
        }
    }
    let mut deferred = Vec::new();
    for (from, to) in &published(graph, GraphForm::Legacy)?.dropped {
        let edge = contained.edge(from.resource, to.resource).filter(|edge| !edge.is_self());
        let Some(edge) = edge.filter(|edge| chosen(edge.prerequisite) && chosen(edge.dependent)) else { continue };
        let target = graph.name(edge.prerequisite);
        let listed = order.contains_key(graph.name(edge.dependent));
        let Some(&wave) = order.get(target).filter(|_| listed) else { continue };
        deferred.extend(contained.references(edge).map(|reference| Deferred {
            resource: graph.name(edge.dependent).clone(),
            path: reference.path.clone(),
            target: target.clone(),
            wave,
        }));
    }
    deferred.sort();
    let names = selection.resources.iter().filter(|&&id| chosen(id)).map(|&id| graph.name(id));
    let host = |name: &ResourceName| graph.id(name).is_some_and(|id| graph.resource(id).kind == Kind::SchoolYears);
    let left_out = names.filter(|name| !order.contains_key(name) && !host(name)).cloned().collect();
    Ok(LoadPlan { left_out, ..super::load::around(contained, selection, options, waves, deferred) })
}

/// Our own edges in the form of the API's graph: what our plan defers is left out, and in the current
/// form the update of a person is a vertex of its own.
///
/// # Errors
///
/// A cycle of required references.
pub fn as_published(
    graph: &DependencyGraph,
    authorization: &Authorization,
    required_only: bool,
    form: GraphForm,
) -> Result<PublishedGraph, RequiredCycle> {
    let options = LoadOptions { required_only, authorization: authorization.clone(), ..LoadOptions::default() };
    let plan = super::load::load_plan(graph, &graph.select_all(), &options)?;
    let mut net = Net::of(graph);
    let waits: BTreeSet<(&ResourceName, &ResourceName)> =
        plan.deferred.iter().map(|d| (&d.target, &d.resource)).collect();
    let deferred = |edge: &NetEdge| waits.contains(&(graph.name(edge.from.resource), graph.name(edge.to.resource)));
    let out = |edge: &NetEdge| edge.from == edge.to || required_only && edge.soft || deferred(edge);
    let dropped = net.edges.iter().filter(|e| out(e)).map(|e| (e.from, e.to)).collect();
    net.edges.retain(|edge| !out(edge));
    let plain = |resource| Vertex { resource, retry: false };
    // What does without its reference to a person for now does not wait for the pathway either.
    let yields = |edge: &AuthorizationEdge| waits.contains(&(graph.name(edge.person), graph.name(edge.dependent)));
    for edge in authorization.edges.iter().filter(|edge| !yields(edge)) {
        net.edges.push(NetEdge { from: plain(edge.prerequisite), to: plain(edge.dependent), soft: false });
    }
    if form == GraphForm::Current {
        for hold in &authorization.holds {
            let retry = Vertex { resource: hold.person, retry: true };
            net.vertices.push(retry);
            let before = hold.update_after.iter().copied().map(plain).chain([plain(hold.person)]);
            net.edges.extend(before.map(|from| NetEdge { from, to: retry, soft: false }));
        }
        sort_vertices(graph, &mut net.vertices);
    }
    Ok(net.published(graph, dropped))
}
