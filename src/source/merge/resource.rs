//! One resource that several documents describe.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::model::{ED_FI, Field, Kind, ResourceName, Target, Text, extension_of};
use crate::source::SourceError;
use crate::source::draft::{DraftReference, DraftResource, DraftTarget, Identity, Member, SchemaKey, Standing};

/// A document that says something.
#[derive(Debug)]
pub(super) struct Witness {
    pub(super) document: String,
    /// `OpenAPI`, `ApiSchema`: what to call it where the name of a file says nothing.
    pub(super) kind: String,
    pub(super) standing: Standing,
    /// Whether a parameter that it does not list is none.
    pub(super) lists_parameters: bool,
}

/// What one document says of the resource.
pub(super) struct Claim {
    pub(super) witness: Rc<Witness>,
    pub(super) resource: DraftResource,
}

/// Settles what the claims, best witness first, state differently.
pub(super) fn settle(
    name: &ResourceName,
    mut claims: Vec<Claim>,
    schemas: &BTreeMap<ResourceName, SchemaKey>,
    settled: &mut BTreeSet<Text>,
) -> Result<DraftResource, SourceError> {
    if let [_] = claims.as_slice() {
        return Ok(claims.remove(0).resource);
    }
    same_thing(name, &claims)?;
    let judge = Judge { name, schemas };
    let references = judge.references(&mut claims, settled)?;
    let fields = judge.fields(&mut claims, settled);

    // Names and types are those of the API itself, whatever else is believed of another document.
    claims.sort_by_key(|claim| claim.witness.standing.names());
    let (mut scalars, mut named) = (BTreeMap::new(), Identity::default());
    let mut speaker = None;
    for claim in &mut claims {
        fill(&mut scalars, std::mem::take(&mut claim.resource.scalars));
        let mut stated = std::mem::take(&mut claim.resource.identity);
        named.stated = named.stated.take().or(stated.stated.take());
        if stated.names_fields() && *speaker.get_or_insert(claim.witness.standing) == claim.witness.standing {
            identity(&mut named, stated);
        }
    }

    let listed = claims.iter().filter(|claim| claim.witness.lists_parameters);
    let listed: BTreeSet<Text> = listed.flat_map(|claim| claim.resource.query.iter().cloned()).collect();

    // What describes the resource whole comes before what only adds to it.
    claims.sort_by_key(|claim| (claim.resource.entity.is_empty(), Reverse(claim.witness.standing)));
    let mut claims = claims.into_iter().map(|claim| claim.resource);
    let mut known = claims.next().unwrap_or_else(|| DraftResource::new(Text::default()));
    for other in claims {
        add(&mut known, other);
    }
    if !listed.is_empty() {
        // A parameter that a server does not know it ignores, and returns everything.
        known.query_paths.retain(|parameter, _| listed.contains(parameter));
        known.query = listed;
    }
    (known.references, known.fields) = (references, fields);
    (known.scalars, known.identity) = (scalars, named);
    Ok(known)
}

/// One path is one entity of one kind, whoever describes it.
fn same_thing(name: &ResourceName, claims: &[Claim]) -> Result<(), SourceError> {
    let whole: Vec<&Claim> = claims.iter().filter(|c| !c.resource.entity.is_empty()).collect();
    let what = |c: &Claim| match c.resource.kind {
        Kind::Descriptor => format!("the descriptor {}", c.resource.entity),
        _ => c.resource.entity.to_string(),
    };
    let descriptor = |c: &Claim| c.resource.kind == Kind::Descriptor;
    let differ = |pair: &&[&Claim]| match pair {
        [one, other] => one.resource.schema != other.resource.schema || descriptor(one) != descriptor(other),
        _ => false,
    };
    match whole.windows(2).find(differ) {
        Some([one, other]) => Err(conflict(
            &one.witness,
            &other.witness,
            format!("{name} is {} in the one and {} in the other", what(one), what(other)),
        )),
        _ => Ok(()),
    }
}

fn conflict(one: &Witness, other: &Witness, message: String) -> SourceError {
    SourceError::Conflict {
        left: one.document.clone(),
        right: other.document.clone(),
        message,
        advice: "Leave out the one that is not of your API".to_owned(),
    }
}

/// Fills in what the better witnesses leave open.
fn add(known: &mut DraftResource, other: DraftResource) {
    for (path, collection) in other.collections {
        match known.collections.get_mut(&path) {
            Some(named) => named.entity = entity_of(known.superclass.as_ref(), &named.entity, collection.entity),
            None => {
                known.collections.insert(path, collection);
            }
        }
    }
    fill(&mut known.query_paths, other.query_paths);
    known.stated.extend(other.stated);
    known.children.extend(other.children);
    known.query.extend(other.query);
    known.equalities.extend(other.equalities);
    known.domains.extend(other.domains);
    known.key_may_change = known.key_may_change.or(other.key_may_change);
    known.superclass = known.superclass.take().or(other.superclass);
}

/// The entity of a collection that two documents name, the better witness first.
///
/// Which child entities a subclass inherits only published documents show, in their prefix.
fn entity_of(superclass: Option<&SchemaKey>, best: &Text, other: Text) -> Text {
    let inherited = |entity: &str| superclass.is_some_and(|s| entity.to_ascii_lowercase().starts_with(s.entity()));
    if inherited(&other) && !inherited(best) { other } else { best.clone() }
}

fn fill<K: Ord, V>(known: &mut BTreeMap<K, V>, other: BTreeMap<K, V>) {
    for (key, value) in other {
        known.entry(key).or_insert(value);
    }
}

/// Of two statements of one key by equal witnesses the more complete.
fn identity(known: &mut Identity, other: Identity) {
    let length = |members: &Option<Vec<_>>| members.as_ref().map(Vec::len);
    if length(&other.own_reference) > length(&known.own_reference) {
        known.own_reference = other.own_reference;
    }
    if known.parameters.len() < other.parameters.len() {
        known.parameters = other.parameters;
    }
}

struct Judge<'j> {
    name: &'j ResourceName,
    schemas: &'j BTreeMap<ResourceName, SchemaKey>,
}

/// A reference, and who states it.
type Stated = (Rc<Witness>, DraftReference);

impl Judge<'_> {
    fn references(
        &self,
        claims: &mut [Claim],
        settled: &mut BTreeSet<Text>,
    ) -> Result<BTreeMap<Text, DraftReference>, SourceError> {
        let mut stated: BTreeMap<Text, Vec<Stated>> = BTreeMap::new();
        for claim in claims.iter_mut() {
            for (path, reference) in std::mem::take(&mut claim.resource.references) {
                stated.entry(path).or_default().push((claim.witness.clone(), reference));
            }
        }
        let mut references = BTreeMap::new();
        for (path, stated) in stated {
            let reference = self.reference(&path, stated, settled)?;
            references.insert(path, reference);
        }
        Ok(references)
    }

    /// Required fields as the published document names them, for those are the names that the API takes;
    /// what stands under `_ext` from every document, for each extension has its own.
    fn fields(&self, claims: &mut [Claim], settled: &mut BTreeSet<Text>) -> BTreeMap<Text, Field> {
        let mut stated: Vec<(Rc<Witness>, BTreeMap<Text, Field>)> = Vec::new();
        let mut fields: BTreeMap<Text, Field> = BTreeMap::new();
        for claim in claims.iter_mut() {
            let all = std::mem::take(&mut claim.resource.fields);
            let (added, own): (BTreeMap<_, _>, BTreeMap<_, _>) =
                all.into_iter().partition(|(path, _)| extension_of(path).is_some());
            fill(&mut fields, added);
            if !own.is_empty() {
                stated.push((claim.witness.clone(), own));
            }
        }
        stated.sort_by_key(|(witness, _)| witness.standing.names());
        let mut stated = stated.into_iter();
        let Some((best, believed)) = stated.next() else { return fields };
        for (witness, other) in stated {
            settled.extend(difference(&format!("{} requires", self.name), (&best, &believed), (&witness, &other)));
        }
        fields.extend(believed);
        fields
    }

    fn reference(
        &self,
        path: &Text,
        stated: Vec<Stated>,
        settled: &mut BTreeSet<Text>,
    ) -> Result<DraftReference, SourceError> {
        let target = self.agreed(path, &stated, "to", settled, |reference| {
            Some(self.meaning(&reference.target)).filter(|_| is_definite(&reference.target))
        })?;
        let required = |required: bool| if required { "required" } else { "optional" };
        let chosen = self.agreed(path, &stated, "", settled, |reference| Some(required(reference.required)))?;

        let members = self.members(path, &stated, settled);
        let mut all = stated.into_iter().map(|(_, reference)| reference);
        let mut known = all.next().unwrap_or_else(|| DraftReference::to(DraftTarget::DescriptorProperty));
        let mut definite = target.is_some() && self.is(&known.target, target.as_ref());
        for other in all {
            let better =
                !definite && (self.is(&other.target, target.as_ref()) || suggests(&known.target, &other.target));
            definite |= self.is(&other.target, target.as_ref());
            if better {
                known.target = other.target;
            }
            known.identifying = known.identifying.max(other.identifying);
            fill(&mut known.renamed, other.renamed);
        }
        known.required = chosen == Some("required");
        known.members = members;
        Ok(known)
    }

    /// The members of the reference object: the longer list, for one that is shorter has lost a member to
    /// another of its name; of two as long the published one, for its names are those of the API.
    fn members(&self, path: &Text, stated: &[Stated], settled: &mut BTreeSet<Text>) -> Vec<Member> {
        let listed = stated.iter().filter(|(_, reference)| !reference.members.is_empty());
        let mut listed: Vec<&Stated> = listed.collect();
        listed.sort_by_key(|(witness, reference)| (Reverse(reference.members.len()), witness.standing.names()));
        let Some((best, believed)) = listed.first() else { return Vec::new() };
        let subject = format!("{}{} has", self.name, path.trim_start_matches('$'));
        for (witness, other) in listed.iter().skip(1) {
            settled.extend(difference(&subject, (best, &by_name(believed)), (witness, &by_name(other))));
        }
        believed.members.clone()
    }

    /// What the best witness says where others differ; an error where equals do.
    fn agreed<T: PartialEq + ToString + Clone>(
        &self,
        path: &Text,
        stated: &[Stated],
        verb: &str,
        settled: &mut BTreeSet<Text>,
        says: impl Fn(&DraftReference) -> Option<T>,
    ) -> Result<Option<T>, SourceError> {
        let mut voices = stated.iter().filter_map(|(witness, reference)| Some((witness, says(reference)?)));
        let Some((best, believed)) = voices.next() else { return Ok(None) };
        let verb = if verb.is_empty() { "is".to_owned() } else { format!("refers {verb}") };
        for (witness, other) in voices.filter(|(_, other)| *other != believed) {
            let place = format!("{}{}", self.name, path.trim_start_matches('$'));
            let (one, two) = (believed.to_string(), other.to_string());
            if witness.standing == best.standing {
                let message = format!("{place} {verb} {one} in the one and {two} in the other");
                return Err(conflict(best, witness, message));
            }
            settled.insert(
                format!("{place} {verb} {one} in {} and {two} in {}; the first is believed", best.kind, witness.kind)
                    .into(),
            );
        }
        Ok(Some(believed))
    }

    fn is(&self, target: &DraftTarget, meaning: Option<&Meaning>) -> bool {
        is_definite(target) && Some(&self.meaning(target)) == meaning
    }

    /// What a target comes down to, however the document says it.
    fn meaning(&self, target: &DraftTarget) -> Meaning {
        match target {
            DraftTarget::Schema(_) | DraftTarget::DescriptorProperty => {
                Meaning(target.schema().map_or_else(String::new, |s| s.as_str().to_owned()))
            }
            DraftTarget::SchoolYears => Meaning("edfi_schoolyeartype".to_owned()),
            DraftTarget::Known(Target::Resource(name), _) => {
                Meaning(self.schemas.get(name).map_or(name.as_str(), SchemaKey::as_str).to_owned())
            }
            DraftTarget::Known(Target::Abstract(entity), _) => {
                Meaning(SchemaKey::of(ED_FI, entity).as_str().to_owned())
            }
            DraftTarget::Known(Target::Unresolved(name), _) => Meaning(name.to_string()),
        }
    }
}

fn by_name(reference: &DraftReference) -> BTreeMap<Text, ()> {
    reference.members.iter().map(|m| (m.name.clone(), ())).collect()
}

/// Says in which names two lists differ, the believed one first.
fn difference<V>(
    subject: &str,
    (best, believed): (&Witness, &BTreeMap<Text, V>),
    (witness, other): (&Witness, &BTreeMap<Text, V>),
) -> Option<Text> {
    let only = |a: &BTreeMap<Text, V>, b: &BTreeMap<Text, V>| {
        let only: Vec<&str> = a.keys().filter(|name| !b.contains_key(*name)).map(Text::as_str).collect();
        if only.is_empty() { "nothing".to_owned() } else { only.join(", ") }
    };
    let (ours, theirs) = (only(believed, other), only(other, believed));
    (ours != theirs).then(|| {
        format!("{subject} {ours} in {}, {theirs} in {}; the first is believed", best.kind, witness.kind).into()
    })
}

/// A target as something to compare and to say.
#[derive(Clone, PartialEq)]
struct Meaning(String);

impl std::fmt::Display for Meaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the document states the target, where others only suggest one by the name of a property.
fn is_definite(target: &DraftTarget) -> bool {
    match target {
        DraftTarget::DescriptorProperty => false,
        DraftTarget::Known(_, alternatives) => alternatives.is_empty(),
        DraftTarget::Schema(_) | DraftTarget::SchoolYears => true,
    }
}

/// Of two suggestions, the one that already names candidates.
fn suggests(known: &DraftTarget, other: &DraftTarget) -> bool {
    *known == DraftTarget::DescriptorProperty && *other != DraftTarget::DescriptorProperty
}
