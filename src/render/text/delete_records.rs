//! A delete plan of records as text: how many of what in which wave, and what to know before.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

use super::check::{grouped, grouped_count};
use super::order::listed;
use super::{Width, sentence};
use crate::graph::{DependencyGraph, ResourceId};
use crate::plan::delete::DeleteOperation;
use crate::plan::delete::records::{DescribedWarning, RecordPlan, RecordWave};
use crate::records::GapCode;

/// Waves with the number of records of each resource, then what has to be known about them. `absent` are
/// resources that could hold dependents and of which the store has nothing.
#[must_use]
pub fn record_plan<R: Clone + Eq + Hash>(
    graph: &DependencyGraph,
    plan: &RecordPlan<R>,
    absent: &[ResourceId],
    width: Width,
) -> String {
    if plan.records.is_empty() {
        return nothing(plan.all_warnings(), outside(plan, absent), width);
    }
    let mut says = cleared(graph, plan);
    says.extend(warned(&plan.all_warnings()));
    says.extend(outside(plan, absent));
    waves(graph, plan, width) + &sentence("", &total(plan), 2, width) + &careful(&says, width)
}

/// A plan without records. Where a server did not show what was asked for, that comes first: it is why.
pub(super) fn nothing(warnings: Vec<DescribedWarning>, more: impl IntoIterator<Item = String>, width: Width) -> String {
    let closed = [GapCode::UnreadableResources, GapCode::NotServed].map(GapCode::name);
    let (closed, others): (Vec<_>, Vec<_>) = warnings.into_iter().partition(|w| closed.contains(&w.code.as_str()));
    let mut text: String = warned(&closed).iter().map(|say| sentence("", say, 2, width)).collect();
    text.push_str(if closed.is_empty() { "Nothing to delete.\n" } else { "Nothing found to delete.\n" });
    let says: Vec<String> = warned(&others).into_iter().chain(more).collect();
    text + &careful(&says, width)
}

/// What has to be known of a plan, after it.
pub(super) fn careful(says: &[String], width: Width) -> String {
    let mut text = String::new();
    for (number, say) in says.iter().enumerate() {
        let head = if number == 0 { "\nCareful  " } else { "         " };
        text.push_str(&sentence(head, say, 9, width));
    }
    text
}

/// What one line of a wave shows: the step and how many records it has.
pub(super) type Cell = (String, String);

fn waves<R>(graph: &DependencyGraph, plan: &RecordPlan<R>, width: Width) -> String {
    let cells = |wave: &RecordWave, records: &dyn Fn(usize) -> usize| -> Vec<Cell> {
        let one = |(place, step): (usize, &crate::plan::delete::records::RecordStep)| {
            let clear = if step.operation == DeleteOperation::Clear { " (clear)" } else { "" };
            (format!("{}{clear}", graph.name(step.resource).short()), grouped(records(place) as u64))
        };
        wave.steps.iter().enumerate().map(one).collect()
    };
    let mut rows: Vec<(String, Vec<Cell>)> = Vec::new();
    for run in plan.waves.chunk_by(continues) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        // Records that refer to each other take a wave each; told together they are one line.
        let sum =
            |place: usize| run.iter().filter_map(|wave| wave.steps.get(place)).map(|step| step.records.len()).sum();
        let label = match run.len() {
            1 => first.wave.to_string(),
            _ => format!("{}–{}", first.wave, last.wave),
        };
        rows.push((label, cells(first, &sum)));
    }
    laid_out(rows, width)
}

/// Waves as lines: their numbers, then each step with its number of records.
pub(super) fn laid_out(rows: Vec<(String, Vec<Cell>)>, width: Width) -> String {
    let label = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default().max(2);
    let wide =
        |part: &dyn Fn(&Cell) -> usize| rows.iter().flat_map(|(_, cells)| cells).map(part).max().unwrap_or_default();
    // A name wider than a line is no measure for the others, and no format takes any width.
    let names = wide(&|(name, _)| name.chars().count()).min(width.0);
    let counts = wide(&|(_, count)| count.len());
    let cell = names + 2 + counts;
    // Two columns where they fit, as a page has.
    let across = if label + 2 + cell + 4 + cell <= width.0 { 2 } else { 1 };
    let mut text = String::new();
    for (number, cells) in rows {
        for (index, line) in cells.chunks(across).enumerate() {
            let number = if index == 0 { number.as_str() } else { "" };
            text.push_str(&format!("{number:>label$}  "));
            let line: Vec<String> =
                line.iter().map(|(name, count)| format!("{name:names$}  {count:>counts$}")).collect();
            text.push_str(&line.join("    "));
            text.push('\n');
        }
    }
    text
}

/// Whether two waves differ in nothing but their records: one resource in several waves.
fn continues(one: &RecordWave, next: &RecordWave) -> bool {
    match (one.steps.as_slice(), next.steps.as_slice()) {
        ([one], [next]) => {
            one.resource == next.resource && one.operation == next.operation && one.operation == DeleteOperation::Delete
        }
        _ => false,
    }
}

fn total<R>(plan: &RecordPlan<R>) -> String {
    let deleted = plan.records.iter().filter(|record| record.deleted).count();
    let cleared = plan.records.len() - deleted;
    let waves = grouped_count(plan.waves.len() as u64, "wave", "waves");
    let records = grouped_count(deleted as u64, "record", "records");
    let cleared = match cleared {
        0 => String::new(),
        one => format!(" and {} more cleared", grouped(one as u64)),
    };
    format!("{records} to delete{cleared}, in {waves}. Nothing is deleted by this command.")
}

/// How many records lose what, by the paths of what goes with their references, in any item.
pub(super) type Gone = BTreeMap<String, u64>;

/// A path of one record as one of all: the places of items left out.
pub(super) fn of_all(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        format!("{all}[*{}", part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '*'))
    })
}

/// `; with the reference goes the item of $.gradeLevels`, where it does not go alone.
pub(super) fn with_it(path: &str, gone: &Gone) -> String {
    let several = gone.len() > 1;
    let say = |(gone, count): (&String, &u64)| {
        let what = match gone.strip_suffix("[*]") {
            _ if gone == path => "nothing else".to_owned(),
            Some(collection) => format!("the item of {collection}"),
            None => format!("the whole of {gone}"),
        };
        let of = if several { format!(" ({})", grouped_count(*count, "record", "records")) } else { String::new() };
        format!("{what}{of}")
    };
    if gone.keys().all(|gone| gone == path) {
        return String::new();
    }
    let all: Vec<String> = gone.iter().map(say).collect();
    format!("; with the reference goes {}", listed(all.iter().map(String::as_str)))
}

/// Records that stay and lose references, and circles of records that are broken.
fn cleared<R>(graph: &DependencyGraph, plan: &RecordPlan<R>) -> Vec<String> {
    /// Whether its records are deleted, which they are, the position of the reference, what it leads to.
    type Path = (bool, ResourceId, u32, ResourceId);
    let mut by_path: BTreeMap<Path, (u64, Gone)> = BTreeMap::new();
    for of_record in plan.clears.chunk_by(|a, b| a.record == b.record) {
        let number = of_record.first().map_or(0, |clear| clear.record);
        let Some(record) = plan.records.get(number as usize) else { continue };
        // A record counts once for each path, with all that goes by it.
        let mut of_paths: BTreeMap<(u32, ResourceId), BTreeSet<String>> = BTreeMap::new();
        for (clear, goes) in of_record.iter().zip(plan.goes_with(graph, number)) {
            let Some(target) = plan.records.get(clear.target as usize) else { continue };
            let of_path = of_paths.entry((clear.position, target.record.resource)).or_default();
            of_path.extend(goes.iter().map(|path| of_all(path)));
        }
        for ((position, target), goes) in of_paths {
            let (records, gone) =
                by_path.entry((record.deleted, record.record.resource, position, target)).or_default();
            *records += 1;
            goes.into_iter().for_each(|path| *gone.entry(path).or_default() += 1);
        }
    }
    let say = |((deleted, id, position, target), (records, gone)): (Path, (u64, Gone))| {
        let path = graph.resource(id).references.get(position as usize).map(|r| r.path.as_str()).unwrap_or_default();
        let (name, target) = (graph.name(id).short(), graph.name(target).short());
        let records = grouped_count(records, "record is", "records are");
        let with_it = with_it(path, &gone);
        if !deleted {
            return format!(
                "{name} refer to {target} by {path}: {records} cleared, not deleted{with_it}; --optional delete would \
                 delete the records"
            );
        }
        let both = if name == target { name.to_owned() } else { format!("{name} and {target}") };
        format!("{both} refer to each other in a circle: {records} cleared of {path} first{with_it}")
    };
    by_path.into_iter().map(say).collect()
}

/// One sentence for all resources of which the same is true.
pub(super) fn warned(warnings: &[DescribedWarning]) -> Vec<String> {
    let mut groups: Vec<(&DescribedWarning, Vec<&str>)> = Vec::new();
    for warning in warnings {
        let name = warning.resource.short();
        match groups
            .iter_mut()
            .find(|(w, _)| (&w.code, &w.message, &w.said) == (&warning.code, &warning.message, &warning.said))
        {
            Some((_, names)) => names.push(name),
            None => groups.push((warning, vec![name])),
        }
    }
    let say = |(warning, names): (&DescribedWarning, Vec<&str>)| {
        let who = match names.as_slice() {
            few if few.len() <= 4 => listed(few.iter().copied()),
            [first, ..] => format!("{} resources, {first} among them", names.len()),
            [] => String::new(),
        };
        let said = warning.said.as_ref().map(|said| format!("; the API says: {said}")).unwrap_or_default();
        format!("{who}: {}{said} ({})", warning.message, warning.code)
    };
    groups.into_iter().map(say).collect()
}

fn outside<R>(plan: &RecordPlan<R>, absent: &[ResourceId]) -> Option<String> {
    let which = match (absent.len() as u64, plan.searched.len() as u64) {
        (0, _) => return None,
        (_, 1) => "the one resource".to_owned(),
        (absent, searched) if absent == searched => format!("all {} resources", grouped(searched)),
        (absent, searched) => {
            format!("{} of the {}", grouped(absent), grouped_count(searched, "resource", "resources"))
        }
    };
    let (have, them) = if absent.len() == 1 { ("has", "it") } else { ("have", "them") };
    Some(format!(
        "{which} that can refer to these records {have} no file here: what a server holds of {them} is not in the plan"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_laid_out() {
        let long = "a".repeat(70_000);
        let cell = |name: &str| (name.to_owned(), "1".to_owned());
        let text = laid_out(vec![("1".to_owned(), vec![cell(&long), cell("b")])], Width(20));
        assert_eq!(text, format!(" 1  {long}  1\n    b{}  1\n", " ".repeat(19)));
    }
}
