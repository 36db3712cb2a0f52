//! Verdicts on keys and required fields: what the record itself gets wrong.

use super::{Case, Judgement, Seen, Verdict, several};
use crate::diagnosis::names::{Sort, ends, steps};
use crate::diagnosis::response::camel;
use crate::graph::ResourceId;
use crate::model::{Reference, Target};

/// Another item has the same identifying values.
pub(super) fn identity(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let short = case.short(resource);
    let details = case.graph.details(resource);
    let key: Vec<String> = details
        .key
        .iter()
        .map(|field| match field.paths.first() {
            Some(path) => format!("{} ({path})", field.name),
            None => field.name.to_string(),
        })
        .collect();
    let whole = format!("The natural key of {short} is {}.", several(&key, 8));
    let child = case.facts.named.iter().find(|named| {
        let meaning = case.names.resolve(&named.text, Some(resource));
        meaning.is_some_and(|m| matches!(m.sort, Sort::Child(_)))
    });
    if let Some(child) = child {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "{} is a collection: the record holds one of its items twice, or another record has the alternate key of one.",
                child.text
            ),
        )
        .advise(ONCE);
    }
    // A collection is called after what holds it, also where this graph does not have it.
    let owner = case.graph.resource(resource);
    let owners = [Some(&owner.entity), owner.superclass.as_ref()];
    let of_owner = |text: &str| {
        owners.into_iter().flatten().any(|owner| {
            text.len() > owner.len() && text.get(..owner.len()).is_some_and(|start| start.eq_ignore_ascii_case(owner))
        })
    };
    let strange = case
        .facts
        .named
        .iter()
        .find(|named| of_owner(&named.text) && case.names.resolve(&named.text, Some(resource)).is_none());
    if let Some(strange) = strange {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            format!(
                "This graph knows no {}: a collection of another version or of an extension. The record holds one of its items twice, or another record has the alternate key of one.",
                strange.text
            ),
        )
        .advise(ONCE);
    }
    let base = owner.superclass.as_ref().and_then(|name| case.graph.abstracts().iter().find(|a| a.entity == *name));
    let of_key = |field: &String| {
        let is = |key: &crate::model::KeyField| is_column_of(field, &key.name);
        details.key.iter().any(is) || base.is_some_and(|base| base.key.iter().any(is))
    };
    let mut columns = case.facts.key.iter().map(|(column, _)| column).peekable();
    if columns.peek().is_some() && !details.key.is_empty() && !columns.any(of_key) {
        return Judgement::new(
            Verdict::NotADependencyMatter,
            // What stands in the place of a column may be a value, so it is not repeated.
            format!("What is said to be unique is no part of the natural key of {short}: it is a key of its own."),
        )
        .and(whole)
        .advise("Look for the record that has these values already.");
    }
    let Some(superclass) = &case.graph.resource(resource).superclass else {
        return Judgement::new(Verdict::NotADependencyMatter, whole)
            .advise("Look the key up. Send records of the same key one after the other.")
            .and("A POST would update an item with that key, so two requests met, or an update took another's key.");
    };
    let siblings: Vec<String> = case
        .graph
        .subclasses(superclass)
        .iter()
        .filter(|id| **id != resource)
        .map(|&id| case.short(id).to_owned())
        .collect();
    // SQL Server lists the columns of the superclass, PostgreSQL names its table.
    let own = |name: &str| details.key.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    let of_base = |name: &str| {
        !own(name) && base.is_some_and(|b| b.key.iter().any(|field| field.name.eq_ignore_ascii_case(name)))
    };
    let by_base = case.facts.key.iter().any(|(field, _)| of_base(field))
        || case.facts.named.iter().any(|named| named.text.eq_ignore_ascii_case(superclass));
    let shared = format!("{short} shares its key with every {superclass}: {}.", several(&siblings, 9));
    if by_base {
        Judgement::new(Verdict::Confirmed, shared).and(format!("The conflict is on the key of {superclass}."))
    } else {
        Judgement::new(Verdict::Ambiguous, whole)
            .and(format!("{shared} The message names what was sent, not the item that has the key."))
    }
}

/// What to do about an item that stands twice, or shares an alternate key.
const ONCE: &str = "Send each item of the collection once; if it stands there once, look for the record that has its \
                    values already.";

/// Whether a column of a table is the one of a key field: `StudentUSI` is that of `studentUniqueId`, and
/// `TermDescriptorId` that of `termDescriptor`.
fn is_column_of(column: &str, field: &str) -> bool {
    // A DMS gives the path of the field.
    let column = column.rsplit('.').next().unwrap_or(column).trim_matches('"');
    let person = column.strip_suffix("USI").map(|person| format!("{person}UniqueId"));
    let descriptor = column.strip_suffix("DescriptorId").map(|name| format!("{name}Descriptor"));
    [Some(column), person.as_deref(), descriptor.as_deref()]
        .into_iter()
        .flatten()
        .any(|name| name.eq_ignore_ascii_case(field))
}

/// An update would change the natural key.
pub(super) fn key_change(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let short = case.short(resource);
    let details = case.graph.details(resource);
    let key: Vec<String> = details.key.iter().map(|field| field.name.to_string()).collect();
    let mut judgement = if details.key_may_change == Some(true) {
        Judgement::new(Verdict::Contradicted, format!("The metadata lets the key of {short} change; the host may not."))
    } else {
        Judgement::new(
            Verdict::NotADependencyMatter,
            format!("The key of {short} ({}) is fixed once stored.", several(&key, 8)),
        )
    };
    let references = case.graph.resource(resource).references.iter().filter(|r| r.identifying);
    judgement.seen = references.flat_map(|r| case.seen(r)).collect();
    judgement
}

/// Fields that are absent, some of them in references.
pub(super) fn missing_fields(case: &Case<'_>, resource: ResourceId) -> Judgement {
    let short = case.short(resource);
    let mut judgement = Judgement::new(Verdict::NotADependencyMatter, "");
    judgement.because.clear();
    for missing in case.facts.missing.iter().take(20) {
        if missing == "$" {
            judgement.because.push("The request has no body.".to_owned());
            continue;
        }
        let path = if missing.starts_with('$') { case.names.spelled(resource, missing) } else { camel(missing) };
        if let Some(reference) = reference_at(case, resource, &path) {
            judgement.because.push(format!(
                "{}: its absence is a matter of the record, not of order.",
                place_of(case, reference, &path)
            ));
            let seen = case.seen(reference);
            let there: Vec<Seen> = seen.iter().filter(|seen| within(&path, &seen.path)).cloned().collect();
            judgement.seen.extend(if there.is_empty() { seen } else { there });
            continue;
        }
        let fields: Vec<String> = fields_at(case, resource, &path)
            .into_iter()
            .map(|field| format!("{} ({})", field.path, field.kind.kind.name()))
            .collect();
        judgement.because.push(match fields.as_slice() {
            [] => format!("The metadata at hand does not list {missing} as required of {short}."),
            [only] => format!("{short} requires {only}."),
            some => format!("{short} requires {}: the server's path {missing} can be of any.", several(some, 4)),
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    judgement.because.retain(|because| seen.insert(because.clone()));
    judgement.because.truncate(4);
    let mut seen = std::collections::BTreeSet::new();
    judgement.seen.retain(|one| seen.insert(one.clone()));
    judgement
}

/// What stands at a path, in words: a reference, or a part of one.
fn place_of(case: &Case<'_>, reference: &Reference, path: &str) -> String {
    let target = super::target_name(reference);
    let target = target.strip_prefix("/ed-fi/").unwrap_or(target.trim_start_matches('/'));
    let strength = match (reference.required, reference.path.contains('[')) {
        (true, _) => "required ",
        (false, false) => "optional ",
        // An item of a collection may require what the record does not.
        (false, true) => "",
    };
    let key = key_names(case, reference);
    let key = if key.is_empty() { String::new() } else { format!(" (key: {})", several(&key, 8)) };
    if ends(&reference.path, path) {
        format!("{path} is the {strength}reference to {target}{key}")
    } else {
        format!("{path} belongs to the {strength}reference at {} to {target}{key}", reference.path)
    }
}

/// Whether a path is another one, or a part of it, item by item.
fn within(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The reference that a path ends at or leads into.
fn reference_at<'a>(case: &Case<'a>, resource: ResourceId, path: &str) -> Option<&'a Reference> {
    let whole = case.names.at(resource, path);
    let parent = || {
        let (parent, _) = path.rsplit_once('.')?;
        (steps(parent).len() == steps(path).len() - 1 && !steps(parent).is_empty())
            .then(|| case.names.at(resource, parent).first().copied())
            .flatten()
    };
    whole.first().copied().or_else(parent)
}

/// The fields of the key that a reference has to give.
fn key_names(case: &Case<'_>, reference: &Reference) -> Vec<String> {
    let key = match &reference.target {
        Target::Resource(name) => &case.graph.model().details(name).key,
        Target::Abstract(entity) => match case.graph.model().abstract_resource(entity) {
            Some(found) => &found.key,
            None => return Vec::new(),
        },
        Target::Unresolved(_) => return Vec::new(),
    };
    key.iter().map(|field| field.name.to_string()).collect()
}

/// The required fields that a path of a message can mean: the one at that very path, otherwise all that end
/// in it, for a DMS leaves out the first steps.
fn fields_at<'a>(case: &Case<'a>, resource: ResourceId, path: &str) -> Vec<&'a crate::model::Field> {
    let said = steps(path).len();
    let fields = &case.graph.details(resource).fields;
    let found: Vec<&crate::model::Field> = fields.iter().filter(|field| ends(&field.path, path)).collect();
    match found.iter().find(|field| steps(&field.path).len() == said) {
        Some(exact) => vec![exact],
        None => found,
    }
}
