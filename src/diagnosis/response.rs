//! From the body of a response to facts: what it names, where, and what kind of failure it states.
//!
//! Every generation of server is read: the `message` and `modelState` of ODS/API up to 7.1, problem
//! details of ODS/API 7.2 on and of DMS, whose empty members mean nothing, and Meadowlark's `error`.

mod envelope;
mod masked;

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::catalogue::{Nuance, Template, code_of_type, patterns};
use super::codes::Code;
use super::template::{Grams, Hole, Match, claim, fold, squeeze};

use self::envelope::{Sentence, open, open_text};
pub(super) use self::masked::masked;

/// Whose answer it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// The Ed-Fi ODS/API.
    Ods,
    /// The Ed-Fi Data Management Service.
    Dms,
    /// Meadowlark.
    Meadowlark,
    /// The answer does not tell.
    #[default]
    Unknown,
}

impl Server {
    /// `ods`, for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ods => "ods",
            Self::Dms => "dms",
            Self::Meadowlark => "meadowlark",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ods => "ODS/API",
            Self::Dms => "DMS",
            Self::Meadowlark => "Meadowlark",
            Self::Unknown => "unknown server",
        })
    }
}

impl Serialize for Server {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The body of a response.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// JSON.
    Json(Value),
    /// Anything else: the message alone, the page of a proxy, JSON that breaks off.
    Text(String),
}

/// How a message speaks of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// As what is missing or blocks.
    Entity,
    /// As a table of the database, which may be the one being written.
    Table,
    /// As a person that authorization looked for.
    Person,
    /// As a collection of another thing that is named beside it.
    Child,
    /// As a descriptor.
    Descriptor,
    /// As an association that would help.
    Hint,
}

/// One thing that a message names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// As the message spells it.
    pub(super) text: String,
    pub(super) role: Role,
    /// The path the message gives for it.
    pub(super) path: Option<String>,
    /// The key the message gives for it.
    pub(super) key: Vec<(String, String)>,
}

/// Associations of one hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) associations: Vec<String>,
    /// All of them, or any.
    pub(super) all: bool,
}

/// A sentence and where templates stand in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    text: String,
    path: Option<String>,
    found: Vec<Match>,
}

/// What a response says, before any graph is asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Facts {
    pub(super) status: Option<u16>,
    pub(super) server: Server,
    /// The versions that word it like this, where a single template tells.
    pub(super) origin: Option<String>,
    /// All codes that the response states, the decisive one first.
    pub(super) codes: Vec<Code>,
    pub(super) named: Vec<Named>,
    /// Whether all of them are one thing, at whatever places.
    pub(super) names_one: bool,
    pub(super) hints: Vec<Hint>,
    /// Properties that authorization looked at.
    pub(super) properties: Vec<String>,
    /// Fields that are absent: a path, or the name where the message gives none.
    pub(super) missing: Vec<String>,
    /// Paths that the message complains of, whatever for.
    pub(super) paths: Vec<String>,
    /// Descriptor values and the property path they stand at.
    pub(super) values: Vec<(Option<String>, String)>,
    /// Key fields and values of a conflict.
    pub(super) key: Vec<(String, String)>,
    /// Key fields that several references share and give differently.
    pub(super) unified: Vec<String>,
    /// The path that the server does not have.
    pub(super) route: Option<String>,
    /// Items that block, as URIs.
    pub(super) uris: Vec<String>,
    pub(super) nuances: Vec<Nuance>,
    /// What the server said, in its words.
    pub(super) text: String,
    /// The sentences that templates know.
    pub(super) known: Vec<Known>,
    /// It begins as JSON does and is none.
    pub(super) truncated: bool,
    /// It is JSON that ends in the middle.
    pub(super) cut_off: bool,
}

impl Facts {
    pub(super) fn code(&self) -> Code {
        self.codes.first().copied().unwrap_or(Code::Unknown)
    }

    pub(super) fn has(&self, nuance: Nuance) -> bool {
        self.nuances.contains(&nuance)
    }
}

/// Longest text of a body that is kept and shown, in characters.
const KEPT: usize = 2000;

/// Reads a body. O(length of the body); any input.
pub(super) fn read(status: Option<u16>, body: &Body) -> Facts {
    let mut facts = Facts { status, ..Facts::default() };
    let envelope = match body {
        Body::Json(value) => open(value),
        Body::Text(text) => open_text(text, &mut facts),
    };
    facts.status = facts.status.or(envelope.status);
    facts.named = envelope.named;
    facts.uris = envelope.uris;
    let mut server = envelope.server;
    let mut origins: Vec<String> = Vec::new();
    let mut codes: Vec<Code> = Vec::new();
    // What a preamble says only counts where nothing else is said.
    let mut preambles: Vec<Code> = Vec::new();
    let mut found = if envelope.page { Vec::new() } else { read_all(&envelope.sentences, &mut facts) };
    if found.iter().all(|t| t.nuance == Nuance::Preamble) {
        found.extend(read_all(&envelope.aside, &mut facts));
    }
    for template in found {
        match template.nuance {
            Nuance::Preamble => preambles.push(template.code),
            nuance => {
                codes.push(template.code);
                facts.nuances.push(nuance);
                origins.extend(Some(template.origin()).filter(|origin| !origin.starts_with("all")));
            }
        }
        if server == Server::Unknown || (server == Server::Ods && template.server == Server::Dms) {
            server = if template.server == Server::Unknown { server } else { template.server };
        }
    }
    facts.server = server;
    origins.dedup();
    facts.origin = match origins.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    if facts.truncated && facts.named.is_empty() {
        // Half a message may mean anything.
        codes.clear();
        preambles.clear();
    }
    codes = settle(codes, preambles, envelope.kind.as_deref(), facts.status);
    // What an Ed-Fi API denies in words of its host; a proxy denies as well.
    if codes == [Code::Unknown] && facts.status == Some(403) && facts.server != Server::Unknown {
        codes = vec![Code::AuthorizationOther];
    }
    // Meadowlark lists descriptors among the references; of descriptors throughout, their values are missing.
    let descriptors_only = facts.named.iter().all(|n| n.role == Role::Descriptor) && !facts.named.is_empty();
    if descriptors_only && facts.server == Server::Meadowlark && codes.first() == Some(&Code::UnresolvedReference) {
        codes = vec![Code::DescriptorValueMissing];
    }
    facts.codes = codes;
    dedup(&mut facts);
    facts.text = kept(&envelope.sentences, &envelope.aside, body);
    facts
}

/// The codes of a response, from what its sentences, its type and its status say.
fn settle(mut codes: Vec<Code>, preambles: Vec<Code>, kind: Option<&str>, status: Option<u16>) -> Vec<Code> {
    codes.sort_unstable();
    codes.dedup();
    let typed = kind.and_then(code_of_type);
    if let Some((code, true)) = typed {
        codes.retain(|other| *other > code);
        codes.insert(0, code);
        return codes;
    }
    // These statuses mean one thing whatever is said; a profile may refuse a method or a type.
    let fixed = match status {
        Some(401) => Some(Code::Authentication),
        Some(404 | 410) => Some(Code::NotFound),
        Some(405) => Some(Code::MethodNotAllowed),
        Some(406 | 415) => Some(Code::MediaType),
        Some(412 | 428) => Some(Code::PreconditionFailed),
        Some(429) => Some(Code::Throttled),
        Some(500..) => Some(Code::ServerError),
        _ => None,
    };
    if let Some(code) = fixed {
        let outweighs = |other: &Code| matches!(other, Code::DataPolicy | Code::SecurityConfiguration);
        let kept = codes.iter().copied().find(outweighs);
        return vec![kept.unwrap_or(code)];
    }
    if codes.is_empty() {
        codes.extend(preambles.first().or(typed.as_ref().map(|(code, _)| code)));
    }
    if codes.is_empty() {
        codes.push(Code::Unknown);
    }
    codes
}

/// Finds every template in the sentences and notes what fills its holes.
fn read_all(sentences: &[Sentence], facts: &mut Facts) -> Vec<&'static Template> {
    let mut found = Vec::new();
    for sentence in sentences {
        let (text, path) = without_wrapping(&sentence.text, sentence.path.as_deref());
        let mut folded = fold(&text);
        let grams = Grams::of(&folded);
        let mut known = Vec::new();
        for (template, pattern) in patterns().iter().filter(|(_, pattern)| grams.may_hold(pattern)) {
            let matches = pattern.find_all(&folded);
            if matches.is_empty() {
                continue;
            }
            known.extend(matches.iter().cloned());
            for one in &matches {
                note(facts, template, &text, path.as_deref(), one);
                found.push(*template);
            }
            folded = claim(folded, &matches);
        }
        if let Some(path) = &path {
            facts.paths.push(path.clone());
        }
        if !known.is_empty() {
            facts.known.push(Known { text, path, found: known });
        }
    }
    found
}

/// Whether a text is a path and nothing but a path; what else stands where one is expected may be a value.
pub(super) fn is_path(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(is_way)
}

/// What follows the root of a path.
fn is_way(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '[' | ']' | '*');
    (text.is_empty() || text.starts_with(['.', '['])) && text.chars().all(plain)
}

/// Whether a text is a path from the root that some server writes: `request` (ODS/API up to 7.1),
/// `{requestBody}` (Meadowlark) or `$`.
fn is_path_of_any(text: &str) -> bool {
    let way =
        text.strip_prefix("request").or(text.strip_suffix("{requestBody}")).or(text.strip_prefix("{requestBody}"));
    is_path(text) || way.is_some_and(is_way)
}

/// A message without what loaders put around it: `409: … (at $.schoolReference)`.
fn without_wrapping(text: &str, path: Option<&str>) -> (String, Option<String>) {
    let squeezed = squeeze(text);
    if path.is_none()
        && let Some(rest) = squeezed.strip_suffix(')')
        && let Some((said, at)) = rest.rsplit_once(" (at ")
        && at.starts_with('$')
    {
        return (said.to_owned(), Some(at.to_owned()));
    }
    (squeezed, path.map(str::to_owned))
}

fn note(facts: &mut Facts, template: &Template, text: &str, path: Option<&str>, found: &Match) {
    let filling = |span: &std::ops::Range<usize>| text.get(span.clone()).unwrap_or_default();
    let place = path.filter(|path| is_path_of_any(path));
    let mut associations = Vec::new();
    let mut incomplete = None;
    for (hole, span) in &found.holes {
        let filling = filling(span);
        let mut name = |text: &str, role: Role| {
            let role = if text.ends_with("Descriptor") && role == Role::Entity { Role::Descriptor } else { role };
            let path = path.map(str::to_owned);
            facts.named.push(Named { text: text.to_owned(), role, path, key: Vec::new() });
        };
        match hole {
            Hole::Entity => name(filling, Role::Entity),
            Hole::Entities => list(filling).for_each(|one| name(one, Role::Entity)),
            Hole::Table => name(filling, Role::Table),
            Hole::Person => name(filling, Role::Person),
            Hole::Child => name(filling, Role::Child),
            Hole::Descriptor => name(filling, Role::Descriptor),
            Hole::Coded => name(&format!("{filling}Descriptor"), Role::Descriptor),
            Hole::Association => {
                name(filling, Role::Hint);
                associations.push(filling.to_owned());
            }
            Hole::Property => facts.properties.push(filling.to_owned()),
            Hole::Properties => facts.properties.extend(list(filling).map(str::to_owned)),
            Hole::Field if template.code == Code::RequiredFieldMissing => {
                facts.missing.push(place.map_or_else(|| filling.to_owned(), |path| missing_path(path, filling)));
            }
            Hole::Field if template.code == Code::KeyUnificationConflict => facts.unified.push(filling.to_owned()),
            // Meadowlark names no field, but both paths.
            Hole::Text if template.code == Code::KeyUnificationConflict => {
                facts.paths.extend(filling.split(" and ").filter(|p| is_path(p)).map(str::to_owned));
            }
            Hole::Fields => incomplete = Some(filling),
            Hole::Route => facts.route = facts.route.take().or_else(|| Some(filling.to_owned())),
            Hole::Key => facts.key.extend(key_values(filling)),
            // `claims (none)`: the hint beside it helps nobody.
            Hole::Text if template.code == Code::RelationshipMissing && filling.ends_with("(none)") => {
                facts.nuances.push(Nuance::NoClaims);
            }
            Hole::Text if template.code == Code::DescriptorValueMissing => {
                facts.values.push((path.map(str::to_owned), filling.to_owned()));
            }
            Hole::Field | Hole::Word | Hole::Text => {}
        }
    }
    if let Some(fields) = incomplete {
        let base = place.unwrap_or("$");
        facts.missing.extend(list(fields).map(|field| format!("{base}.{}", camel(field))));
    }
    if template.code == Code::RequiredFieldMissing && !found.holes.iter().any(|(hole, _)| *hole == Hole::Field) {
        let without_body = path.is_none().then_some("$");
        facts.missing.extend(place.or(without_body).map(str::to_owned));
    }
    if !associations.is_empty() {
        facts.hints.push(Hint { associations, all: template.nuance == Nuance::HintAll });
    }
}

/// Meadowlark gives the object and names the field; the others give the path of the field.
fn missing_path(path: &str, field: &str) -> String {
    match path.strip_suffix("{requestBody}").or(path.strip_prefix("{requestBody}")) {
        Some(rest) => format!("${rest}.{field}"),
        None => path.to_owned(),
    }
}

/// The items of `A, B` or `'A', 'B'`.
fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(|item| item.trim().trim_matches('\'')).filter(|item| !item.is_empty())
}

/// `schoolId = 1, sessionName = Fall`, `(a = 1),(b = 2)` or `a, b) = (1, 2`.
fn key_values(text: &str) -> Vec<(String, String)> {
    let plain = |text: &str| text.trim().trim_matches(['(', ')', '.', '\'']).trim().to_owned();
    if let Some((fields, values)) = text.split_once(") = (") {
        return list(fields).map(str::to_owned).zip(values.split(',').map(plain)).collect();
    }
    let parts = text.split(',').map(|part| part.split_once('=').unwrap_or((part, "")));
    parts.map(|(field, value)| (plain(field), plain(value))).filter(|(field, _)| !field.is_empty()).collect()
}

/// `SchoolId` as a document spells it.
pub(super) fn camel(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}

/// A value as people write it.
pub(super) fn plain_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn dedup(facts: &mut Facts) {
    let mut seen = std::collections::BTreeSet::new();
    facts.named.retain(|n| seen.insert((n.text.clone(), n.role, n.path.clone())));
    facts.names_one = facts.named.windows(2).all(|pair| pair[0].text.eq_ignore_ascii_case(&pair[1].text));
    facts.properties.sort();
    facts.properties.dedup();
    for paths in [&mut facts.missing, &mut facts.paths] {
        let mut seen = std::collections::BTreeSet::new();
        paths.retain(|path| seen.insert(path.clone()));
    }
}

/// What was said, for people.
fn kept(sentences: &[Sentence], aside: &[Sentence], body: &Body) -> String {
    let mut said = Vec::new();
    // A sentence that only points to the others is none of them.
    let points = |text: &str| text.contains(" See '") && text.ends_with("' for details.");
    let several = sentences.len() + aside.len() > 1;
    for sentence in sentences.iter().chain(aside) {
        let text = squeeze(&sentence.text);
        if several && points(&text) {
            continue;
        }
        let whole = match &sentence.path {
            Some(path) => squeeze(&format!("{path}: {text}")),
            None => text,
        };
        if !said.contains(&whole) && said.len() < 50 {
            said.push(whole);
        }
    }
    let text = match (said.is_empty(), body) {
        (true, Body::Json(value)) => squeeze(&value.to_string()),
        (true, Body::Text(text)) => squeeze(text),
        (false, _) => said.join(" "),
    };
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
