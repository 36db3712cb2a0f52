//! `delete … --data`: records of a payload folder and what really refers to them.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::graph::{DependencyGraph, Found, ResourceId};
use edfi_plan::model::{ResourceName, Text};
use edfi_plan::plan::delete::Optional;
use edfi_plan::plan::delete::records::{
    DescribedWarning, RecordDeleteError, RecordDeleteOptions, RecordPlan, ResourceCount, SCHEMA, record_delete_plan,
};
use edfi_plan::records::{
    Descriptions, FolderRecord, FolderStore, Gap, KeyValues, NamedKey, RecordOf, RecordStore, UnreadableFolder,
    key_fields, read_keys, wanted_keys,
};
use edfi_plan::render::{json, lists, text};
use serde::Serialize;

use super::{DeleteArgs, Format, no_plan, say_of_records};
use crate::cli::folder::{FolderArgs, with_progress};
use crate::cli::number::number;
use crate::cli::{Context, Outcome, metadata};

// Which records, and where they are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records")]
pub(crate) struct RecordArgs {
    /// Delete the records with this value in a field of their key: studentUniqueId=604822.
    ///
    /// A key may be given in part. Several fields must all have their value; several values of one field
    /// are alternatives.
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    conditions: Vec<String>,

    /// Delete the records whose keys stand in a file, `-` for stdin: JSON lines, a JSON array, CSV with a
    /// header, or the records themselves.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// The folder with the payload files that are searched for what refers to them.
    #[arg(long, value_name = "DIR", conflicts_with = "keep")]
    data: Option<PathBuf>,

    /// Refuse a plan of more records; with --api, of more than 1000 where nothing is said.
    #[arg(long, value_name = "N", value_parser = number::<usize>(0..=u64::MAX))]
    pub(super) max: Option<usize>,

    /// Leave key values out of the plan: they are data of students.
    #[arg(long)]
    pub(super) redact: bool,

    #[command(flatten)]
    pub(super) folder: FolderArgs,
}

impl RecordArgs {
    /// Whether single records are asked for.
    pub(super) fn given(&self) -> bool {
        !self.conditions.is_empty() || self.keys.is_some() || self.data.is_some()
    }
}

/// A key that somebody gave and where, with the resources that may have it.
pub(super) struct Wanted {
    given: String,
    keys: Vec<(ResourceId, KeyValues)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a, R> {
    /// Where keys were given that no record has.
    unmatched: &'a [String],
    counts: Vec<ResourceCount>,
    complete: bool,
    records: R,
    not_in_store: Vec<&'a ResourceName>,
    warnings: Vec<DescribedWarning>,
}

/// What the work in the folder came to; keys and places of records only where the format shows them.
struct Planned {
    plan: RecordPlan<FolderRecord>,
    /// The positions of keys that no record has and no record refers to.
    unmatched: Vec<usize>,
    matched: usize,
    stored: Option<Box<dyn Descriptions>>,
}

pub(super) fn run(args: &DeleteArgs, context: &Context) -> anyhow::Result<Outcome> {
    let graph = context.sources.described(&context.terminal, "a delete of records")?;
    let authorization = args.authorization.of(&graph)?;
    let records = &args.records;
    let found = graph.find(args.resource_of_records()?)?;
    let wanted = wanted(&graph, found, records, context)?;
    let data = FolderArgs::dir(records.data.as_deref(), context)
        .context("--where and --keys name single records, of --data DIR or of --api")?;
    let data = data.as_path();
    let folder = records.folder.open(data, &graph, context)?;
    let optional = args.optional(Optional::Clear);
    let options = RecordDeleteOptions { optional, authorization, max: records.max };
    let planned = with_progress(context, |progress| -> Result<Planned, RecordDeleteError<UnreadableFolder>> {
        let mut store = FolderStore::new(&graph, &folder, &records.folder.read(Some(progress)));
        let Looked { mut targets, matched, gaps } = look_for(&mut store, &wanted).map_err(RecordDeleteError::Store)?;
        let in_folder = targets.len();
        let mut outside = Vec::new();
        let missing = || wanted.iter().zip(&matched).enumerate().filter(|(_, (_, matched))| !**matched);
        for (number, (wanted, _)) in missing() {
            // What may be of several resources cannot be deleted before somebody says of which.
            let [(resource, key)] = wanted.keys.as_slice() else { continue };
            outside.extend(store.outside(*resource, key).map(|record| (number, record)));
        }
        targets.extend(outside.iter().map(|(_, record)| *record));
        let plan = record_delete_plan(&graph, &mut store, targets, &options)?.with_gaps(gaps);
        let planned: HashSet<RecordOf<FolderRecord>> =
            plan.records.iter().skip(in_folder).take(plan.targets - in_folder).map(|target| target.record).collect();
        outside.retain(|(_, record)| planned.contains(record));
        let is_outside = |number: &usize| outside.iter().any(|(outside, _)| outside == number);
        let unmatched = missing().map(|(number, _)| number).filter(|number| !is_outside(number)).collect();
        let stored = match args.format {
            Format::Text => None,
            _ => Some(plan.descriptions(&mut store).map_err(RecordDeleteError::Store)?),
        };
        Ok(Planned { plan, unmatched, matched: in_folder, stored })
    });
    let Planned { plan, unmatched, matched, stored } = planned.map_err(no_plan)?;

    let unmatched: Vec<&Wanted> = unmatched.into_iter().filter_map(|number| wanted.get(number)).collect();
    for wanted in &unmatched {
        let (name, dir) = (named(&graph, found), data.display());
        let say = format!("{}: no record of {name} in {dir} has this key{}", wanted.given, nor(&graph, wanted));
        context.terminal.say(&say);
    }
    say_of_records(matched, wanted.len(), &named(&graph, found), plan.exact, context);
    let present = folder.resources();
    let absent: Vec<ResourceId> = plan.searched.iter().copied().filter(|id| !present.contains(id)).collect();
    let given: Vec<String> = unmatched.iter().map(|wanted| wanted.given.clone()).collect();
    let each = |stored| plan.described_records(&graph, stored, records.redact);
    match (args.format, stored.as_deref()) {
        (Format::Json, Some(stored)) => {
            let answer = Answer {
                unmatched: &given,
                counts: plan.counts(&graph),
                // What has no file here may be on the server all the same, and block.
                complete: plan.is_complete() && absent.is_empty(),
                records: json::Each(|| each(stored)),
                not_in_store: absent.iter().map(|&id| graph.name(id)).collect(),
                warnings: plan.all_warnings(),
            };
            context.terminal.write(|mut out| json::write_answer(&mut out, SCHEMA, graph.metadata(), &answer))?;
        }
        (Format::Csv, Some(stored)) => context.terminal.write(|out| lists::write_record_csv(out, each(stored)))?,
        _ => context.terminal.print(&text::record_plan(&graph, &plan, &absent, context.terminal.width()))?,
    }
    Ok(if unmatched.is_empty() && plan.is_complete() { Outcome::Answered } else { Outcome::Findings })
}

/// What there is to say of a key that no record has: nothing refers to it either, or that cannot be told.
fn nor(graph: &DependencyGraph, wanted: &Wanted) -> String {
    let resources: Vec<&str> = wanted.keys.iter().map(|(id, _)| graph.name(*id).short()).collect();
    let [(id, key)] = wanted.keys.as_slice() else {
        return format!("; to plan what refers to it, name its resource: {}", resources.join(", "));
    };
    let fields: Vec<Text> = key_fields(graph, *id).into_iter().map(|(name, _)| name).collect();
    if fields.iter().all(|name| key.contains_key(name)) {
        return ", nor refers to it".to_owned();
    }
    format!(
        "; to plan what refers to one that is not in there, give all of it: {}",
        fields.iter().map(Text::as_str).collect::<Vec<_>>().join(", ")
    )
}

pub(super) fn named(graph: &DependencyGraph, found: Found) -> String {
    match found {
        Found::Resource(id) => graph.name(id).short().to_owned(),
        Found::Abstract(place) => graph.abstracts().get(place).map(|a| a.entity.to_string()).unwrap_or_default(),
    }
}

/// The keys that were given.
pub(super) fn wanted(
    graph: &DependencyGraph,
    found: Found,
    args: &RecordArgs,
    context: &Context,
) -> anyhow::Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    if let Some(path) = &args.keys {
        let name = || path.display().to_string();
        let bytes = match path.to_str() {
            Some("-") => context.sources.stdin()?.bytes,
            _ => {
                let mut bytes = Vec::new();
                metadata::open(path)?.read_to_end(&mut bytes).with_context(name)?;
                bytes
            }
        };
        let keys = read_keys(graph, found, &bytes).with_context(name)?;
        let given = |NamedKey { line, keys }| Wanted { given: format!("{}:{line}", path.display()), keys };
        wanted.extend(keys.into_iter().map(given));
    }
    if !args.conditions.is_empty() {
        for key in alternatives(&args.conditions)? {
            let pairs: Vec<String> = key
                .iter()
                .map(|(field, value)| match value.as_str() {
                    Some(value) if !args.redact => format!("{field}={value}"),
                    _ => format!("{field}=***"),
                })
                .collect();
            let keys = wanted_keys(graph, found, &[key]).context("--where")?;
            let keys = keys.into_iter().flat_map(|(id, keys)| keys.into_iter().map(move |key| (id, key))).collect();
            wanted.push(Wanted { given: format!("--where {}", pairs.join(" ")), keys });
        }
    }
    if wanted.is_empty() {
        bail!("--data and --api plan the delete of single records: name them by --where FIELD=VALUE or --keys FILE");
    }
    Ok(wanted)
}

/// One key for each combination of the values that fields may have.
fn alternatives(conditions: &[String]) -> anyhow::Result<Vec<KeyValues>> {
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for condition in conditions {
        let Some((field, value)) = condition.split_once('=') else {
            bail!("--where '{condition}' is not of the form studentUniqueId=604822");
        };
        fields.entry(field.trim()).or_default().push(value);
    }
    let mut keys = vec![KeyValues::new()];
    for (field, values) in fields {
        let with = |key: &KeyValues, value: &str| {
            let mut key = key.clone();
            key.insert(field.into(), value.into());
            key
        };
        keys = keys.iter().flat_map(|key| values.iter().map(move |value| with(key, value))).collect();
    }
    Ok(keys)
}

/// The records that have the keys, where keys were given that none has, and what could not be searched.
pub(super) struct Matched<R> {
    pub(super) targets: Vec<RecordOf<R>>,
    pub(super) unmatched: Vec<String>,
    pub(super) gaps: Vec<Gap>,
}

pub(super) fn matching<S: RecordStore>(store: &mut S, wanted: &[Wanted]) -> Result<Matched<S::Record>, S::Error> {
    let Looked { targets, matched, gaps } = look_for(store, wanted)?;
    let unmatched = wanted.iter().zip(matched).filter(|(_, matched)| !matched).map(|(w, _)| w.given.clone());
    Ok(Matched { targets, unmatched: unmatched.collect(), gaps })
}

/// The records that have the keys, and for each key whether a record has it.
struct Looked<R> {
    targets: Vec<RecordOf<R>>,
    matched: Vec<bool>,
    gaps: Vec<Gap>,
}

fn look_for<S: RecordStore>(store: &mut S, wanted: &[Wanted]) -> Result<Looked<S::Record>, S::Error> {
    let mut by_resource: BTreeMap<ResourceId, (Vec<usize>, Vec<KeyValues>)> = BTreeMap::new();
    for (number, wanted) in wanted.iter().enumerate() {
        for (id, key) in &wanted.keys {
            let (numbers, keys) = by_resource.entry(*id).or_default();
            numbers.push(number);
            keys.push(key.clone());
        }
    }
    let mut matched = vec![false; wanted.len()];
    let (mut targets, mut gaps) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for (resource, (numbers, keys)) in by_resource {
        let matching = store.matching(resource, &keys)?;
        gaps.extend(matching.gaps);
        for (key, record) in matching.found {
            if let Some(matched) = numbers.get(key).and_then(|number| matched.get_mut(*number)) {
                *matched = true;
            }
            let target = RecordOf { resource, record };
            if seen.insert(target.clone()) {
                targets.push(target);
            }
        }
    }
    Ok(Looked { targets, matched, gaps })
}
