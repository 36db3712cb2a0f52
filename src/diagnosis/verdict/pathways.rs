//! Verdicts on requests that are denied for want of a relationship.

use std::collections::BTreeSet;

use serde_json::Value;

use super::reach::{carried, leading_to_key};
use super::{Case, Judgement, Seen, Verdict, several};
use crate::diagnosis::catalogue::Nuance;
use crate::diagnosis::names::{Meaning, Sort};
use crate::diagnosis::payload;
use crate::diagnosis::response::Role;
use crate::graph::ResourceId;

/// One way to become visible: whom, and the associations that it takes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::diagnosis) struct Way {
    pub(in crate::diagnosis) person: ResourceId,
    pub(in crate::diagnosis) associations: Vec<ResourceId>,
}

/// Alternatives by person, in the order in which the message has them.
pub(in crate::diagnosis) fn by_person(ways: &[Way]) -> Vec<(ResourceId, Vec<&[ResourceId]>)> {
    let mut people: Vec<(ResourceId, Vec<&[ResourceId]>)> = Vec::new();
    for way in ways {
        match people.iter_mut().find(|(person, _)| *person == way.person) {
            Some((_, alternatives)) => alternatives.push(&way.associations),
            None => people.push((way.person, vec![&way.associations])),
        }
    }
    people
}

/// No association relates the item to the client's education organizations.
pub(super) fn relationship(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let facts = case.facts;
    if facts.has(Nuance::NoClaims) {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            "The client has no education organization at all; no record that is loaded changes that.",
        )
        .advise("Have the host assign the client its education organizations.");
    }
    let mut hinted = facts.hints.iter().flat_map(|hint| &hint.associations);
    if let Some(strange) = hinted.find(|name| case.names.resolve(name, Some(resource)).is_none()) {
        return Judgement::new(
            Verdict::Inconclusive,
            format!("This graph knows no {strange}: another standard, or an extension is missing."),
        );
    }
    let ways = ways(case);
    let Some(person) = ways.first().map(|way| way.person) else { return without_person(case, resource) };
    let carries = |way: &&Way| resource == way.person || carried(case, resource, &person_alone(way.person)).is_some();
    let carried: Vec<Way> = ways.iter().filter(carries).cloned().collect();
    if carried.is_empty() {
        let who = case.short(person);
        return Judgement {
            ways,
            ..Judgement::new(
                Verdict::Contradicted,
                format!("{} carries no key of {who}, so no pathway of theirs can be missing.", case.short(resource)),
            )
        };
    }
    let mut ways = of_the_record(case, resource, carried);
    // Of several people, the one whom the request itself makes visible is not the one that lacks something.
    let lacks = |way: &Way| way.person == resource || !makes_visible(case, resource, way.person);
    if facts.hints.is_empty() && ways.iter().any(lacks) {
        ways.retain(lacks);
    }
    Judgement { ways: ways.clone(), ..judge_ways(case, resource, &ways) }
}

fn makes_visible(case: &Case<'_>, association: ResourceId, person: ResourceId) -> bool {
    let name = case.graph.name(association);
    let of = |p: &&crate::model::Pathway| case.graph.id(&p.person) == Some(person);
    case.graph.pathways().iter().find(of).is_some_and(|p| p.associations.contains(name))
}

/// Ways of people whom the record at hand refers to; all of them where it refers to none.
fn of_the_record(case: &Case<'_>, resource: ResourceId, ways: Vec<Way>) -> Vec<Way> {
    let Some(record) = case.payload else { return ways };
    let refers = |way: &&Way| {
        let references = leading_to_key(case, resource, &person_alone(way.person));
        resource == way.person || references.into_iter().any(|reference| payload::has(record, reference))
    };
    let used: Vec<Way> = ways.iter().filter(refers).cloned().collect();
    if used.is_empty() { ways } else { used }
}

fn person_alone(person: ResourceId) -> Meaning {
    Meaning { resources: vec![person], sort: Sort::Resource }
}

/// Who is not visible, and all ways to change that: those of the hints, otherwise the pathway of the person.
/// Those of the person whom the message is about come first.
pub(super) fn ways(case: &Case<'_>) -> Vec<Way> {
    let resolved = |name: &String| case.names.resolve(name, case.resource).map(|m| m.resources).unwrap_or_default();
    let hints = case.facts.hints.iter();
    let hinted: Vec<Vec<ResourceId>> = hints
        .flat_map(|hint| {
            let names = hint.associations.iter().map(resolved);
            if hint.all { vec![names.flatten().collect()] } else { names.collect() }
        })
        .filter(|associations: &Vec<ResourceId>| !associations.is_empty())
        .collect();
    let Some(person) = person_of(case, &hinted.concat()) else { return Vec::new() };
    if hinted.is_empty() {
        let mut people = vec![person];
        people.extend(people_of_properties(case).filter(|other| *other != person));
        return people.into_iter().flat_map(|person| ways_of(case, person)).collect();
    }
    let mut ways: Vec<Way> = hinted
        .into_iter()
        .map(|associations| Way { person: person_by_hint(case, &associations).unwrap_or(person), associations })
        .collect();
    ways.dedup();
    // Strategies that are alternatives each give a hint, of one person or of several.
    ways.sort_by_key(|way| way.person != person);
    ways
}

/// The person that the message is about: by its name, by a property, by a hint.
fn person_of(case: &Case<'_>, hinted: &[ResourceId]) -> Option<ResourceId> {
    let named = case.facts.named.iter().find(|n| n.role == Role::Person);
    let by_name =
        named.and_then(|n| case.names.resolve(&n.text, case.resource)).and_then(|m| m.resources.first().copied());
    by_name.or_else(|| people_of_properties(case).next()).or_else(|| person_by_hint(case, hinted))
}

/// The people whose keys authorization looked at, whatever their role: `StudentUniqueId`.
fn people_of_properties<'a>(case: &'a Case<'_>) -> impl Iterator<Item = ResourceId> + 'a {
    let people = || case.graph.pathways().iter().filter_map(|p| case.graph.id(&p.person));
    let bases = case.facts.properties.iter().filter_map(|property| person_property(property));
    bases.flat_map(move |base| people().filter(move |id| base.ends_with(&*case.graph.resource(*id).entity)))
}

/// The person whom associations make visible.
fn person_by_hint(case: &Case<'_>, hinted: &[ResourceId]) -> Option<ResourceId> {
    let people = || case.graph.pathways().iter().filter_map(|p| Some((case.graph.id(&p.person)?, p)));
    // A contact's hint names the student's association as well: the person is the one whose own
    // pathway is named, and of several the one that waits for the others.
    let of = |names: &[crate::model::ResourceName]| {
        names.iter().any(|n| case.graph.id(n).is_some_and(|id| hinted.contains(&id)))
    };
    let by_pathway = people()
        .filter(|(_, p)| of(&p.associations))
        .map(|(id, p)| (p.also_before_update.is_empty(), id))
        .min()
        .map(|(_, id)| id);
    // An association that a host puts in place of the usual one still refers to the person.
    let by_reference = || {
        let mut all = people().map(|(id, _)| id);
        all.find(|&id| hinted.iter().any(|&association| case.graph.edge(id, association).is_some()))
    };
    by_pathway.or_else(by_reference)
}

/// `Student` of `StudentUniqueId` and `StudentUSI`.
fn person_property(property: &str) -> Option<&str> {
    property.strip_suffix("UniqueId").or_else(|| property.strip_suffix("USI"))
}

/// The pathway of a person, any association of which suffices; the update of the person may take more.
fn ways_of(case: &Case<'_>, person: ResourceId) -> Vec<Way> {
    let found = case.graph.pathways().iter().find(|p| case.graph.id(&p.person) == Some(person));
    let ids = |names: &[crate::model::ResourceName]| names.iter().filter_map(|n| case.graph.id(n)).collect::<Vec<_>>();
    let also = found.filter(|_| case.resource == Some(person)).map(|p| ids(&p.also_before_update)).unwrap_or_default();
    let associations = found.map(|p| ids(&p.associations)).unwrap_or_default();
    let way = |one| Way { person, associations: also.iter().copied().chain([one]).collect() };
    associations.into_iter().map(way).collect()
}

/// Nothing but education organizations, or nothing at all, is named.
fn without_person(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let facts = case.facts;
    let short = case.short(resource);
    if facts.has(Nuance::ValueAbsent) {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "{} is needed to authorize {short}, but the record has no value for it.",
                several(&facts.properties, 4)
            ),
        );
    }
    // An entity with an education organization in its key, rather than the id of one.
    let entity = |property: &String| {
        let meaning = case.names.resolve(property, Some(resource));
        meaning.is_some_and(|m| m.resources.iter().all(|&id| case.graph.resource(id).superclass.is_none()))
    };
    if facts.properties.iter().any(entity) {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "The education organization of {} is not among the client's, or it does not exist. No order of loading changes a claim.",
                several(&facts.properties, 4)
            ),
        );
    }
    if !facts.properties.is_empty() {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "{} stands for an education organization: it is not among the client's, or it does not exist. No order of loading changes a claim.",
                several(&facts.properties, 4)
            ),
        );
    }
    let people = case.graph.pathways().iter().filter_map(|p| case.graph.id(&p.person));
    match people.into_iter().find(|&id| id == resource || carried(case, resource, &person_alone(id)).is_some()) {
        Some(person) => Judgement {
            ways: ways_of(case, person),
            ..Judgement::new(
                Verdict::Ambiguous,
                format!(
                    "The message names no property. It can be the education organization, or that {} has no pathway yet.",
                    case.short(person)
                ),
            )
        },
        None => Judgement::new(
            Verdict::NotADependencyMatter,
            format!("{short} carries no person, so it is a matter of the client's education organizations."),
        ),
    }
}

/// What makes whom visible: `a and b make contacts visible to a client, or c or d makes staffs visible …`.
fn said(case: &Case<'_>, ways: &[Way]) -> String {
    let phrases: Vec<String> = by_person(ways)
        .into_iter()
        .map(|(person, alternatives)| {
            let each: Vec<String> = alternatives.iter().map(|way| several(&names(case, way), 4)).collect();
            let makes = if alternatives.last().is_some_and(|last| last.len() > 1) { "make" } else { "makes" };
            format!("{} {makes} {} visible to a client", each.join(" or "), case.short(person))
        })
        .collect();
    phrases.join(", or ")
}

fn names(case: &Case<'_>, associations: &[ResourceId]) -> Vec<String> {
    associations.iter().map(|&id| case.short(id).to_owned()).collect()
}

fn judge_ways(case: &Case<'_>, resource: ResourceId, ways: &[Way]) -> Judgement {
    let facts = case.facts;
    let short = case.short(resource);
    let mut people: Vec<ResourceId> = by_person(ways).into_iter().map(|(person, _)| person).collect();
    let who = several(&people.iter().map(|&id| case.short(id).to_owned()).collect::<Vec<_>>(), 3);
    people.retain(|&person| person != resource);
    let mut seen: Vec<Seen> =
        people.iter().filter_map(|&person| carried(case, resource, &person_alone(person))).flatten().collect();
    let mut known = BTreeSet::new();
    seen.retain(|one| known.insert(one.clone()));
    let with = |judgement: Judgement| Judgement { seen: seen.clone(), ..judgement };
    let alternatives = || {
        let each: Vec<String> = ways.iter().map(|way| several(&names(case, &way.associations), 4)).collect();
        each.join(" or ")
    };
    if facts.has(Nuance::Either) {
        return with(Judgement::new(
            Verdict::Ambiguous,
            format!(
                "The server does not tell whether the {who} record is absent or lacks its pathway ({}).",
                alternatives()
            ),
        ));
    }
    if facts.has(Nuance::ValueAbsent) && facts.hints.is_empty() {
        return value_absent(case, with(Judgement::new(Verdict::Ambiguous, String::new())));
    }
    if ways.iter().all(|way| way.associations == [resource]) {
        return with(
            Judgement::new(
                Verdict::Contradicted,
                if facts.hints.is_empty() {
                    format!("{short} itself makes {who} visible to a client: it cannot be what is missing.")
                } else {
                    format!(
                        "The hint asks for {short}, which is what the request is about: it cannot be what is missing."
                    )
                },
            )
            .and(format!(
                "More likely its education organization is not among the client's, or {who} has no such record."
            )),
        );
    }
    let others: Vec<&String> = facts.properties.iter().filter(|p| person_property(p).is_none()).collect();
    let looked_at: BTreeSet<ResourceId> = people_of_properties(case).collect();
    let they = match ways {
        [Way { associations, .. }] if associations.len() == 1 => "It is a pathway, not a reference",
        _ => "They are pathways, not references",
    };
    let way = format!("{}. {they} of {short}.", said(case, ways));
    if facts.has(Nuance::ValueAbsent) {
        return with(Judgement::new(Verdict::Ambiguous, way).and(format!(
            "The server found no value of {}: the record lacks it, or names nobody it knows.",
            several(&facts.properties, 3)
        )));
    }
    if ways.iter().any(|way| way.associations == [resource]) {
        return with(Judgement::new(Verdict::Ambiguous, way).and(format!(
            "One of the alternatives is {short} itself; then only another one, or the client's education organizations, can help."
        )));
    }
    if others.is_empty() && facts.hints.is_empty() && looked_at.len() > 1 {
        with(Judgement::new(Verdict::Ambiguous, way))
            .and(format!("The server looked at {}, and does not tell which one it is.", several(&facts.properties, 3)))
    } else if others.is_empty() {
        with(Judgement::new(Verdict::Confirmed, way))
    } else {
        let others: Vec<String> = others.into_iter().cloned().collect();
        with(Judgement::new(Verdict::Ambiguous, way).and(format!(
            "The server also looked at {}: the education organization may be the one that is not the client's.",
            several(&others, 3)
        )))
    }
}

/// A value that authorization needs: does the record have it?
fn value_absent(case: &Case<'_>, mut judgement: Judgement) -> Judgement {
    let wanted = several(&case.facts.properties, 3);
    let holds = |payload: &Value| case.facts.properties.iter().any(|property| mentions(payload, property));
    (judgement.verdict, judgement.because) = match case.payload.map(holds) {
        Some(false) => (
            Verdict::NotADependencyMatter,
            vec![format!("{wanted} is needed to authorize the request, and the record does not have it.")],
        ),
        _ => (
            Verdict::Ambiguous,
            vec![format!(
                "{wanted} is needed to authorize the request: the record lacks it, or names nobody the server knows."
            )],
        ),
    };
    judgement
}

/// Whether a member of that name has a value anywhere. Iterative: the depth is not ours.
fn mentions(payload: &Value, property: &str) -> bool {
    let mut open = vec![payload];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                for (name, value) in members {
                    if name.eq_ignore_ascii_case(property) && !value.is_null() {
                        return true;
                    }
                    open.push(value);
                }
            }
            _ => {}
        }
    }
    false
}
