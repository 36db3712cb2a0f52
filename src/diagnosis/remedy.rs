//! What to do about a failure, in order.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use serde::Serialize;

use super::catalogue::Nuance;
use super::codes::Code;
use super::names::Sort;
use super::response::{Hint, Role, Server};
use super::verdict::{Case, Judgement, Seen, There, Verdict, by_person, several};
use crate::graph::{Constraint, DependencyGraph, Follow, Precedence, ResourceId};
use crate::model::{Kind, Reference, ResourceName, Target};

/// What to load and delete, and what to know besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What must exist before the request is sent again, in waves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<Wave>,
    /// Every resource that can block, nearest first; to be deleted from the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<ResourceName>,
    /// Sentences for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Those of them that say what to load, by place.
    #[serde(skip)]
    loading: Vec<usize>,
}

impl Remedy {
    /// What to load is at hand and to be sent first.
    pub(super) fn send_first(&mut self, what: &str) {
        let loading = std::mem::take(&mut self.loading);
        let notes = std::mem::take(&mut self.notes).into_iter().enumerate();
        self.notes = notes.filter(|(place, _)| !loading.contains(place)).map(|(_, note)| note).collect();
        self.notes.insert(0, format!("Send {what} first, then send this one again."));
    }

    /// Adds a note that says what to load.
    fn load(&mut self, note: String) {
        self.loading.push(self.notes.len());
        self.notes.push(note);
    }
}

/// Resources that can be loaded at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wave {
    /// From one on.
    pub wave: usize,
    /// Sorted by name.
    pub resources: Vec<ResourceName>,
}

/// What some resources need, in waves.
#[derive(Debug, Default)]
pub(super) struct Plan {
    waves: Vec<Wave>,
    /// Abstract resources that any subclass satisfies.
    one_of: BTreeSet<String>,
}

impl Plan {
    /// What some resources need, but for what the server has.
    fn of(graph: &DependencyGraph, wanted: &BTreeSet<ResourceId>, there: &There) -> Self {
        let (closure, one_of) = closure(graph, wanted, there);
        Self { waves: waves(graph, &closure), one_of }
    }
}

/// Plans by what they load: a flood of failures waits for the same few resources.
#[derive(Debug, Default)]
pub(super) struct Plans(RefCell<BTreeMap<BTreeSet<ResourceId>, Rc<Plan>>>);

/// Plans that are remembered at most.
const REMEMBERED: usize = 4096;

impl Plans {
    fn of(&self, graph: &DependencyGraph, wanted: &BTreeSet<ResourceId>) -> Rc<Plan> {
        let mut known = self.0.borrow_mut();
        if let Some(plan) = known.get(wanted) {
            return Rc::clone(plan);
        }
        let plan = Rc::new(Plan::of(graph, wanted, &There::default()));
        if known.len() < REMEMBERED {
            known.insert(wanted.clone(), Rc::clone(&plan));
        }
        plan
    }
}

/// The remedy of a judged failure.
pub(super) fn remedy(case: &Case<'_>, judgement: &Judgement) -> Remedy {
    let mut remedy = Remedy::default();
    let code = case.facts.code();
    match code {
        Code::UnresolvedReference | Code::DescriptorValueMissing => load_missing(case, judgement, &mut remedy),
        Code::RelationshipMissing => walk_pathway(case, judgement, &mut remedy),
        Code::DependentExists => delete_first(case, judgement, &mut remedy),
        Code::KeyChangeNotSupported => {
            remedy.notes.push(code.explanation().remedy.to_owned());
            delete_first(case, judgement, &mut remedy);
        }
        Code::AuthorizationOther => remedy.notes.push(format!("Order won't help. {}", code.explanation().remedy)),
        _ => remedy.notes.push(judgement.advice.as_deref().unwrap_or(code.explanation().remedy).to_owned()),
    }
    remedy
}

fn load_missing(case: &Case<'_>, judgement: &Judgement, remedy: &mut Remedy) {
    let graph = case.graph;
    let there = &judgement.there;
    if let (Some(advice), true) = (&judgement.advice, judgement.missing.is_empty()) {
        remedy.notes.push(advice.clone());
        return;
    }
    let mut wanted = BTreeSet::new();
    let mut one_of = BTreeMap::new();
    for meaning in &judgement.missing {
        match &meaning.sort {
            // Any of the subclasses can satisfy the message, so none can be told to be loaded.
            Sort::Abstract(entity) => drop(one_of.insert(entity.to_string(), meaning.resources.clone())),
            _ => wanted.extend(meaning.resources.iter().copied()),
        }
    }
    // Named themselves, school years are the host's to enable: no client loads them.
    let named = wanted.len();
    wanted.retain(|&id| graph.resource(id).kind != Kind::SchoolYears);
    let years = wanted.len() < named;
    if case.facts.code() == Code::DescriptorValueMissing {
        let names: Vec<String> = wanted.iter().map(|&id| graph.name(id).short().to_owned()).collect();
        let what = if names.is_empty() { "the descriptor".to_owned() } else { several(&names, 4) };
        match judgement.verdict {
            Verdict::NotADependencyMatter => remedy.notes.push(judgement.advice.clone().unwrap_or_default()),
            _ => remedy.load(format!("Load the value into {what} first, or map it to one that exists.")),
        }
    }
    let plan = match case.on_server {
        [] => case.plans.of(graph, &wanted),
        _ => Rc::new(Plan::of(graph, &wanted, there)),
    };
    for entity in &plan.one_of {
        one_of.entry(entity.clone()).or_insert_with(|| graph.subclasses(entity).to_vec());
    }
    remedy.load.clone_from(&plan.waves);
    for (entity, subclasses) in one_of {
        let names: Vec<String> = subclasses.iter().map(|&id| graph.name(id).short().to_owned()).collect();
        remedy.notes.push(format!("{entity} is any one of {}.", several(&names, 12)));
    }
    if case.facts.code() != Code::UnresolvedReference {
        return;
    }
    if case.facts.has(Nuance::OtherSubclass) && judgement.missing.is_empty() {
        remedy.notes.push("Correct the key in the reference; it is that of another kind of item.".to_owned());
        return;
    }
    match judgement.verdict {
        Verdict::Contradicted | Verdict::Ambiguous if judgement.missing.is_empty() => {
            remedy.notes.push("Check the references listed, the required ones first.".to_owned());
        }
        Verdict::Inconclusive => {
            let what = if case.resource.is_some() {
                "the metadata (-m)"
            } else {
                "the resource (--resource) and metadata (-m)"
            };
            remedy.notes.push(format!("Give {what} of the API that answered."));
        }
        _ => {
            if years {
                remedy.notes.push("Have the host enable the school year.".to_owned());
            }
            let names: Vec<String> = wanted.iter().map(|&id| graph.name(id).short().to_owned()).collect();
            if !names.is_empty() {
                let names = several(&names, 4);
                remedy.load(if wanted.is_disjoint(&there.unproved) {
                    format!("Load the missing record of {names}, then send this one again.")
                } else {
                    format!("Load the record of {names}, unless it is there and not visible, then send this one again.")
                });
            }
        }
    }
    // The others list all that is missing, so that the rest is known to be there.
    if matches!(case.facts.server, Server::Dms | Server::Meadowlark) {
        return;
    }
    let others = others(case, &judgement.seen, there);
    if !others.is_empty() {
        remedy.notes.push(format!(
            "ODS/API names the first missing reference only; the record also refers to {}.",
            several(&others, 5)
        ));
    }
}

/// What else the record refers to, and could miss next.
fn others(case: &Case<'_>, seen: &[Seen], there: &There) -> Vec<String> {
    let (Some(resource), Some(payload)) = (case.resource, case.payload) else { return Vec::new() };
    let is_there = |r: &Reference| match &r.target {
        Target::Resource(name) => case.graph.id(name).is_some_and(|id| there.resources.contains(&id)),
        Target::Abstract(entity) => there.abstracts.contains(entity),
        Target::Unresolved(_) => false,
    };
    let used =
        |r: &&Reference| super::payload::has(payload, r) && !r.property().ends_with("Descriptor") && !is_there(r);
    let named: BTreeSet<&str> = seen.iter().map(|s| s.target.as_str()).collect();
    let all = case.graph.resource(resource).references.iter().filter(used);
    let targets: BTreeSet<String> =
        all.map(super::verdict::target_name).filter(|t| !named.contains(t.as_str())).collect();
    targets.into_iter().map(|t| t.trim_start_matches("/ed-fi/").to_owned()).collect()
}

fn walk_pathway(case: &Case<'_>, judgement: &Judgement, remedy: &mut Remedy) {
    let graph = case.graph;
    if let Some(advice) = &judgement.advice {
        remedy.notes.push(advice.clone());
        return;
    }
    let people = by_person(&judgement.ways);
    if people.is_empty() {
        if case.resource.is_none() && !case.facts.hints.is_empty() {
            let names: Vec<String> = case.facts.hints.iter().map(hinted).collect();
            let names = names.join(", or ");
            remedy.notes.push(format!("Create what the hint names ({names}), then repeat the request."));
        } else if judgement.verdict == Verdict::NotADependencyMatter {
            let absent = absent(case);
            remedy.notes.push(if absent.is_empty() {
                "Check the education organizations of the client, and that the id exists.".to_owned()
            } else {
                format!("Supply {}.", several(&absent, 4))
            });
        } else {
            remedy.notes.push(Code::RelationshipMissing.explanation().remedy.to_owned());
        }
        return;
    }
    let short = |id: ResourceId| graph.name(id).short().to_owned();
    let who = several(&people.iter().map(|(person, _)| short(*person)).collect::<Vec<_>>(), 3);
    let associations = judgement.ways.iter().flat_map(|way| way.associations.iter().copied());
    let wanted: BTreeSet<ResourceId> = associations.filter(|&id| Some(id) != case.resource).collect();
    // The request is about the one association that could help.
    if judgement.verdict == Verdict::Contradicted || wanted.is_empty() {
        let properties = several(&case.facts.properties, 3);
        let absent = judgement.verdict != Verdict::Contradicted && case.facts.has(Nuance::ValueAbsent);
        let first = if absent && !properties.is_empty() {
            format!("that the record has {properties}")
        } else {
            "the education organizations of the client".to_owned()
        };
        remedy.notes.push(format!("Check {first}, and that the {who} record exists."));
        return;
    }
    let plan = case.plans.of(graph, &wanted);
    remedy.load.clone_from(&plan.waves);
    let several_people = people.len() > 1;
    let each: Vec<String> = people
        .iter()
        .filter_map(|(person, alternatives)| {
            let of = if several_people { format!("the {} record", short(*person)) } else { "that person".to_owned() };
            Some(format!("{} of {of}", created(case, alternatives)?))
        })
        .collect();
    remedy.notes.push(format!("Create {} at an education organization of the client.", each.join(", or ")));
    let again = match (case.method, case.resource) {
        (Some("GET"), _) => "Then read it again.".to_owned(),
        (Some("DELETE"), _) => "Then delete it again.".to_owned(),
        (_, Some(id)) if people.iter().any(|(person, _)| *person == id) => {
            format!("Then update {}: a person is created freely, but changed only after its association.", short(id))
        }
        (_, Some(id)) => format!("Then send the {} record again.", short(id)),
        (_, None) => "Then send the request again.".to_owned(),
    };
    remedy.notes.push(again);
    if plan.one_of.iter().any(|entity| entity == "EducationOrganization") {
        remedy.notes.push("The education organization must exist as well.".to_owned());
    }
}

/// The associations of one hint, in its words.
fn hinted(hint: &Hint) -> String {
    hint.associations.join(if hint.all { " and " } else { " or " })
}

/// `a and b`, `one of a, b`, or `a and b, or c`: the associations of one person but for what is being written.
fn created(case: &Case<'_>, alternatives: &[&[ResourceId]]) -> Option<String> {
    let others = |way: &&[ResourceId]| -> Vec<String> {
        let others = way.iter().filter(|id| Some(**id) != case.resource);
        others.map(|&id| case.graph.name(id).short().to_owned()).collect()
    };
    let mut ways: Vec<Vec<String>> = alternatives.iter().map(others).filter(|names| !names.is_empty()).collect();
    ways.dedup();
    match ways.as_slice() {
        [] => None,
        [only] => Some(several(only, 4)),
        some if some.iter().all(|way| way.len() == 1) => Some(format!("one of {}", some.concat().join(", "))),
        some => Some(some.iter().map(|way| several(way, 4)).collect::<Vec<_>>().join(", or ")),
    }
}

/// Where the record gives the values that authorization found absent, as far as they are of its key.
fn absent(case: &Case<'_>) -> Vec<String> {
    let Some(resource) = case.resource.filter(|_| case.facts.has(Nuance::ValueAbsent)) else { return Vec::new() };
    let wanted = |name: &str| case.facts.properties.iter().any(|property| property.eq_ignore_ascii_case(name));
    let fields = case.graph.details(resource).key.iter().filter(|field| wanted(&field.name));
    fields.flat_map(|field| field.paths.iter().map(ToString::to_string)).collect()
}

fn delete_first(case: &Case<'_>, judgement: &Judgement, remedy: &mut Remedy) {
    let Some(resource) = case.resource else {
        remedy.notes.push(Code::DependentExists.explanation().remedy.to_owned());
        return;
    };
    remedy.delete = nearest_first(case.graph, resource, &judgement.blocking);
    if case.facts.code() == Code::DependentExists && !remedy.delete.is_empty() {
        remedy.notes.push("Delete what refers to this item, the most distant first.".to_owned());
        if judgement.blocking.len() < remedy.delete.len() {
            remedy.notes.extend(next_blockers(case).map(str::to_owned));
        }
    }
}

/// Whether what the server does not name can block next.
fn next_blockers(case: &Case<'_>) -> Option<&'static str> {
    let blockers = case.facts.named.iter().filter(|named| named.role == Role::Entity).count();
    match case.facts.server {
        Server::Meadowlark => None,
        // A DMS up to 0.7 lists all that blocks.
        Server::Dms if blockers > 1 => None,
        Server::Dms => Some("A DMS from 8 on names one blocker at a time; the others can block next."),
        _ => Some("The server names one blocker at a time; the others can block next."),
    }
}

/// Everything that refers to a resource, directly or not, by distance, then the named ones, then name.
fn nearest_first(graph: &DependencyGraph, resource: ResourceId, named: &[ResourceId]) -> Vec<ResourceName> {
    let mut distance = BTreeMap::from([(resource, 0_usize)]);
    let mut open = VecDeque::from([(resource, 0_usize)]);
    while let Some((id, d)) = open.pop_front() {
        for edge in graph.dependents(id).filter(|edge| !edge.is_self()) {
            if let std::collections::btree_map::Entry::Vacant(entry) = distance.entry(edge.dependent) {
                entry.insert(d + 1);
                open.push_back((edge.dependent, d + 1));
            }
        }
    }
    // Its own kind blocks it as well, where it refers to itself: a child has to go before its parent.
    match graph.edge(resource, resource) {
        Some(_) => distance.insert(resource, 1),
        None => distance.remove(&resource),
    };
    let mut all: Vec<(usize, bool, ResourceId)> =
        distance.into_iter().map(|(id, d)| (d, !named.contains(&id), id)).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, _, id)| graph.name(id).clone()).collect()
}

/// Resources with everything they require and the server does not have; abstract prerequisites stay groups, for
/// any one subclass satisfies each.
fn closure(
    graph: &DependencyGraph,
    wanted: &BTreeSet<ResourceId>,
    there: &There,
) -> (BTreeSet<ResourceId>, BTreeSet<String>) {
    let mut all = wanted.clone();
    let mut one_of = BTreeSet::new();
    let mut open: Vec<ResourceId> = wanted.iter().copied().collect();
    while let Some(id) = open.pop() {
        for reference in graph.resource(id).references.iter().filter(|r| r.required) {
            match &reference.target {
                Target::Resource(name) => {
                    let lacking = graph.id(name).filter(|target| !there.resources.contains(target));
                    open.extend(lacking.filter(|&target| all.insert(target)));
                }
                Target::Abstract(entity) if there.abstracts.contains(entity) => {}
                Target::Abstract(entity) => drop(one_of.insert(entity.to_string())),
                Target::Unresolved(_) => {}
            }
        }
    }
    let at_hand = |id: &ResourceId| all.contains(id) || there.resources.contains(id);
    one_of.retain(|entity| !graph.subclasses(entity).iter().any(at_hand));
    (all, one_of)
}

/// What follows from pathways where one association of them refers to a person of another: the association
/// of a contact is authorized through its student.
fn visible_first(graph: &DependencyGraph, place: &BTreeMap<ResourceId, usize>) -> Vec<Constraint> {
    let placed = |name: &ResourceName| graph.id(name).and_then(|id| Some((id, *place.get(&id)?)));
    let mut found = Vec::new();
    for pathway in graph.pathways() {
        for (waiting, after) in pathway.associations.iter().filter_map(placed) {
            for (first, before) in pathway.also_before_update.iter().filter_map(placed) {
                // A reference the other way would close a circle.
                if graph.edge(waiting, first).is_none() {
                    found.push(Constraint { before, after, removable: false });
                }
            }
        }
    }
    found
}

/// Longest-path layers over the required edges among some resources. O(edges among them).
fn waves(graph: &DependencyGraph, resources: &BTreeSet<ResourceId>) -> Vec<Wave> {
    let order: Vec<ResourceId> = resources.iter().copied().collect();
    let place: BTreeMap<ResourceId, usize> = order.iter().enumerate().map(|(i, &id)| (id, i)).collect();
    let mut constraints = Vec::new();
    for (&id, &after) in &place {
        for edge in graph.prerequisites(id).filter(|edge| Follow::required().follows(graph, edge)) {
            if let Some(&before) = place.get(&edge.prerequisite) {
                constraints.push(Constraint { before, after, removable: false });
            }
        }
    }
    constraints.extend(visible_first(graph, &place));
    let layers = Precedence { steps: order.len(), constraints }.layers(&[], |_| true).layer;
    let mut waves: BTreeMap<usize, Vec<ResourceName>> = BTreeMap::new();
    for (&id, layer) in order.iter().zip(layers) {
        waves.entry(layer).or_default().push(graph.name(id).clone());
    }
    let numbered = waves.into_values().enumerate();
    numbered.map(|(position, resources)| Wave { wave: position + 1, resources }).collect()
}
