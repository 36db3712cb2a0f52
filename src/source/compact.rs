//! The compact form of a graph: what the binary embeds, in two sections that are decoded apart.
//!
//! The outline (names and references) is what `order` needs; the details (keys, fields, query
//! parameters) are most of the bytes and wait until a command asks. Both keep their strings in one
//! table, so that decoding an embedded graph copies no text.

use std::collections::BTreeMap;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{
    AbstractResource, Collection, Details, Equality, Field, FieldKind, FieldType, KeyField, Kind, LazyDetails,
    Metadata, Model, QueryParameter, Reference, Resource, ResourceName, StatedEdge, Target, Text,
};

use super::{cores, resolve::pathways};

/// Raised whenever the meaning of the bytes changes.
const VERSION: u8 = 4;

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    version: u8,
    names: Names,
    #[serde(borrow)]
    metadata: &'a [u8],
    outline: &'a [u8],
    details: &'a [u8],
}

/// A section: what it says, and the strings that it names by their place. They lie in one piece that is checked at
/// once, for one by one that was more work than anything else.
#[derive(Serialize, Deserialize)]
struct PackedSection<'a> {
    lengths: Vec<u32>,
    text: &'a str,
    content: &'a [u8],
}

/// What a graph consists of, in short: two of the same resources have the same.
#[derive(Serialize, Deserialize)]
pub(super) struct Names {
    pub(super) resources: Digest,
    pub(super) descriptors: Digest,
}

/// The first bytes of the SHA-256 over sorted names.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digest([u8; 8]);

impl Digest {
    /// Of names in their order.
    pub(super) fn of<'n>(names: impl Iterator<Item = &'n ResourceName>) -> Self {
        let mut hash = Sha256::new();
        for name in names {
            hash.update(name.as_str());
            hash.update("\n");
        }
        Self(hash.finalize().first_chunk().copied().unwrap_or_default())
    }
}

impl Names {
    fn of(model: &Model) -> Self {
        let of_kind = |kind| model.resources.iter().filter(move |r| r.kind == kind).map(|r| &r.name);
        Self { resources: Digest::of(of_kind(Kind::Resource)), descriptors: Digest::of(of_kind(Kind::Descriptor)) }
    }
}

/// An index into the string table.
type Str = u32;

/// Read one by one, see [`unpack`].
#[derive(Serialize)]
struct PackedOutline {
    resources: Vec<PackedResource>,
    abstracts: Vec<PackedAbstract>,
}

#[derive(Serialize)]
struct PackedResource {
    itself: PackedItself,
    references: Vec<PackedReference>,
}

/// A resource without its references.
#[derive(Serialize, Deserialize)]
struct PackedItself {
    name: Str,
    entity: Str,
    kind: u8,
    superclass: Option<Str>,
    domains: Vec<Str>,
}

#[derive(Serialize, Deserialize)]
struct PackedReference {
    path: Str,
    /// Bit 0 required, 1 identifying; bits 2 and 3: target is 0 a resource, 1 abstract, 2 unresolved. 3 is
    /// no reference but a stated edge, whose path is the person it runs through.
    flags: u8,
    target: Str,
    alternatives: Vec<Str>,
}

/// What the flags of a stated edge say of its target.
const STATED: u8 = 3;

#[derive(Serialize, Deserialize)]
struct PackedAbstract {
    entity: Str,
    key: Vec<PackedKey>,
    subclasses: Vec<Str>,
}

#[derive(Serialize, Deserialize)]
struct PackedKey {
    name: Str,
    kind: PackedType,
    paths: Vec<Str>,
}

/// Kind, longest, shortest.
type PackedType = (u8, Option<u32>, Option<u32>);

#[derive(Serialize, Deserialize)]
struct PackedDetail {
    name: Str,
    key: Vec<PackedKey>,
    fields: Vec<(Str, PackedType)>,
    collections: Vec<(Str, Str)>,
    query: Vec<(Str, Vec<Str>)>,
    equalities: Vec<(Str, Str, Str)>,
    key_may_change: Option<bool>,
    renamed: Vec<(Str, Str)>,
}

/// Gives every string its place in the table, in order of first use.
#[derive(Default)]
struct Strings<'m> {
    places: HashMap<&'m str, Str>,
    table: Vec<&'m str>,
}

impl<'m> Strings<'m> {
    #[expect(clippy::cast_possible_truncation, reason = "a graph of 2^32 strings does not fit in memory")]
    fn add(&mut self, text: &'m str) -> Str {
        *self.places.entry(text).or_insert_with(|| {
            self.table.push(text);
            (self.table.len() - 1) as Str
        })
    }

    fn all(&mut self, texts: impl IntoIterator<Item = &'m str>) -> Vec<Str> {
        texts.into_iter().map(|text| self.add(text)).collect()
    }

    fn keys(&mut self, key: &'m [KeyField]) -> Vec<PackedKey> {
        key.iter()
            .map(|f| PackedKey {
                name: self.add(&f.name),
                kind: pack_type(&f.kind),
                paths: self.all(f.paths.iter().map(Text::as_str)),
            })
            .collect()
    }
}

/// Writes a model with its metadata.
pub(super) fn pack_whole(model: &Model) -> Vec<u8> {
    let metadata = encode(&model.metadata);
    let [outline, details] = sections(model).map(|section| section.pack());
    let names = Names::of(model);
    encode(&Packed { version: VERSION, names, metadata: &metadata, outline: &outline, details: &details })
}

/// Writes the content alone: what a fingerprint is taken of. It must never change, however the sections are packed.
pub(super) fn pack_content(model: &Model) -> Vec<u8> {
    sections(model).into_iter().flat_map(|section| [encode(&section.strings), section.content].concat()).collect()
}

/// Serialising plain data into memory cannot fail; an empty result would show in every test.
fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}

/// What a section says, and its strings.
struct Section<'m> {
    strings: Vec<&'m str>,
    content: Vec<u8>,
}

impl Section<'_> {
    #[expect(clippy::cast_possible_truncation, reason = "a name or path of 2^32 bytes does not fit in memory")]
    fn pack(&self) -> Vec<u8> {
        let lengths = self.strings.iter().map(|text| text.len() as u32).collect();
        encode(&PackedSection { lengths, text: &self.strings.concat(), content: &self.content })
    }
}

/// The outline and the details; neither has anything to do with the other.
fn sections(model: &Model) -> [Section<'_>; 2] {
    let (outline, details) = cores::both(|| pack_outline(model), || pack_all_details(model));
    [outline, details]
}

fn pack_outline(model: &Model) -> Section<'_> {
    let mut strings = Strings::default();
    let resources = model.resources.iter().map(|r| pack_resource(r, &mut strings)).collect();
    let abstracts = model
        .abstracts
        .iter()
        .map(|a| PackedAbstract {
            entity: strings.add(&a.entity),
            key: strings.keys(&a.key),
            subclasses: strings.all(a.subclasses.iter().map(ResourceName::as_str)),
        })
        .collect();
    Section { strings: strings.table, content: encode(&PackedOutline { resources, abstracts }) }
}

fn pack_all_details(model: &Model) -> Section<'_> {
    let mut strings = Strings::default();
    let details = model.details.all();
    let resources: Vec<_> = details.iter().map(|(name, d)| pack_details(name, d, &mut strings)).collect();
    Section { strings: strings.table, content: encode(&resources) }
}

fn pack_resource<'m>(resource: &'m Resource, strings: &mut Strings<'m>) -> PackedResource {
    let itself = PackedItself {
        name: strings.add(resource.name.as_str()),
        entity: strings.add(&resource.entity),
        kind: match resource.kind {
            Kind::Resource => 0,
            Kind::Descriptor => 1,
            Kind::SchoolYears => 2,
        },
        superclass: resource.superclass.as_ref().map(|s| strings.add(s)),
        domains: strings.all(resource.domains.iter().map(Text::as_str)),
    };
    let references = Vec::with_capacity(resource.references.len() + resource.stated.len());
    let mut packed = PackedResource { itself, references };
    for r in &resource.references {
        let (kind, target) = match &r.target {
            Target::Resource(name) => (0, name.as_str()),
            Target::Abstract(entity) => (1, entity.as_str()),
            Target::Unresolved(name) => (2, name.as_str()),
        };
        packed.references.push(PackedReference {
            path: strings.add(&r.path),
            flags: u8::from(r.required) | u8::from(r.identifying) << 1 | kind << 2,
            target: strings.add(target),
            alternatives: strings.all(r.alternatives.iter().map(ResourceName::as_str)),
        });
    }
    for edge in &resource.stated {
        packed.references.push(PackedReference {
            path: strings.add(edge.person.as_ref().map(ResourceName::as_str).unwrap_or_default()),
            flags: STATED << 2,
            target: strings.add(edge.prerequisite.as_str()),
            alternatives: Vec::new(),
        });
    }
    packed
}

fn pack_details<'m>(name: &'m ResourceName, details: &'m Details, strings: &mut Strings<'m>) -> PackedDetail {
    PackedDetail {
        name: strings.add(name.as_str()),
        key: strings.keys(&details.key),
        fields: details.fields.iter().map(|f| (strings.add(&f.path), pack_type(&f.kind))).collect(),
        collections: details.collections.iter().map(|c| (strings.add(&c.path), strings.add(&c.entity))).collect(),
        query: details
            .query
            .iter()
            .map(|q| (strings.add(&q.name), strings.all(q.paths.iter().map(Text::as_str))))
            .collect(),
        equalities: details
            .equalities
            .iter()
            .map(|e| (strings.add(&e.left), strings.add(&e.right), strings.add(&e.stated_by)))
            .collect(),
        key_may_change: details.key_may_change,
        renamed: details.renamed.iter().map(|(member, field)| (strings.add(member), strings.add(field))).collect(),
    }
}

const KINDS: [FieldKind; 12] = [
    FieldKind::String,
    FieldKind::Descriptor,
    FieldKind::Date,
    FieldKind::Time,
    FieldKind::DateTime,
    FieldKind::Integer,
    FieldKind::Long,
    FieldKind::Number,
    FieldKind::Boolean,
    FieldKind::Object,
    FieldKind::Reference,
    FieldKind::Array,
];

fn pack_type(kind: &FieldType) -> PackedType {
    let index = KINDS.iter().position(|k| *k == kind.kind).unwrap_or_default();
    (u8::try_from(index).unwrap_or_default(), kind.max_length, kind.min)
}

fn unpack_type((kind, max_length, min): PackedType) -> FieldType {
    FieldType { kind: KINDS.get(usize::from(kind)).copied().unwrap_or_default(), max_length, min }
}

/// Reads of an embedded graph no more than what it consists of, in short.
pub(super) fn names(bytes: &'static [u8]) -> Option<Names> {
    postcard::from_bytes(bytes).ok().filter(|packed: &Packed<'_>| packed.version == VERSION).map(|packed| packed.names)
}

/// Reads an embedded graph; the details wait until they are asked for.
///
/// `None` for bytes of another version. A test holds every embedded graph against its YAML.
pub(super) fn unpack(bytes: &'static [u8]) -> Option<Model> {
    let packed: Packed<'static> = postcard::from_bytes(bytes).ok()?;
    if packed.version != VERSION {
        return None;
    }
    let metadata: Metadata = postcard::from_bytes(packed.metadata).ok()?;
    // Each resource is unpacked as soon as it is read: the packed forms of all would be as much memory again.
    let (strings, outline) = Table::of(packed.outline)?;
    let mut outline = Outline(outline);
    let count = outline.length()?;
    let mut resources = Vec::with_capacity(count);
    for _ in 0..count {
        resources.push(strings.resource(&mut outline)?);
    }
    let abstracts = outline
        .next::<Vec<PackedAbstract>>()?
        .into_iter()
        .map(|a| {
            Some(AbstractResource {
                entity: strings.text(a.entity),
                key: strings.keys(a.key),
                subclasses: strings.names(&a.subclasses)?,
            })
        })
        .collect::<Option<_>>()?;
    let details = packed.details;
    Some(Model {
        metadata,
        pathways: pathways(&resources),
        resources,
        abstracts,
        details: LazyDetails::later(move || unpack_details(details).unwrap_or_default()),
    })
}

fn unpack_details(bytes: &'static [u8]) -> Option<BTreeMap<ResourceName, Details>> {
    let (strings, resources) = Table::of(bytes)?;
    let resources: Vec<PackedDetail> = postcard::from_bytes(resources).ok()?;
    resources.into_iter().map(|d| Some((strings.name(d.name)?, strings.details(d)))).collect()
}

/// What is not yet read of an outline. Nested structures lie one behind another, a sequence behind its length.
struct Outline(&'static [u8]);

impl Outline {
    fn next<T: Deserialize<'static>>(&mut self) -> Option<T> {
        let (value, rest) = postcard::take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(value)
    }

    /// How many items of a sequence follow; each has a byte at least.
    fn length(&mut self) -> Option<usize> {
        self.next().filter(|count| *count <= self.0.len())
    }
}

/// The unpacked form of each; `None` where one has none. In exactly as much memory as they need, for collecting
/// options does not see how many there will be.
fn all<P, T>(packed: &[P], unpack: impl Fn(&P) -> Option<T>) -> Option<Vec<T>> {
    let mut unpacked = Vec::with_capacity(packed.len());
    for one in packed {
        unpacked.push(unpack(one)?);
    }
    Some(unpacked)
}

struct Table(Vec<&'static str>);

impl Table {
    /// The strings of a section, and what names them.
    fn of(section: &'static [u8]) -> Option<(Self, &'static [u8])> {
        let PackedSection { lengths, text: mut rest, content } = postcard::from_bytes(section).ok()?;
        let mut strings = Vec::with_capacity(lengths.len());
        for length in lengths {
            let (text, after) = rest.split_at_checked(length as usize)?;
            strings.push(text);
            rest = after;
        }
        Some((Self(strings), content))
    }

    fn text(&self, index: Str) -> Text {
        self.0.get(index as usize).map(|text| Text::new_static(text)).unwrap_or_default()
    }

    fn texts(&self, indices: &[Str]) -> Vec<Text> {
        indices.iter().map(|&index| self.text(index)).collect()
    }

    /// `None` beyond the table; all that was packed as a name was one.
    fn name(&self, index: Str) -> Option<ResourceName> {
        self.0.get(index as usize).map(|text| ResourceName::known(Text::new_static(text)))
    }

    fn names(&self, indices: &[Str]) -> Option<Vec<ResourceName>> {
        all(indices, |&index| self.name(index))
    }

    fn keys(&self, keys: Vec<PackedKey>) -> Vec<KeyField> {
        keys.into_iter()
            .map(|k| KeyField { name: self.text(k.name), kind: unpack_type(k.kind), paths: self.texts(&k.paths) })
            .collect()
    }

    /// The next resource of the outline.
    fn resource(&self, outline: &mut Outline) -> Option<Resource> {
        let packed: PackedItself = outline.next()?;
        let count = outline.length()?;
        let (mut references, mut stated) = (Vec::with_capacity(count), Vec::new());
        for _ in 0..count {
            let packed: PackedReference = outline.next()?;
            if packed.flags >> 2 == STATED {
                stated.push(self.stated(&packed)?);
            } else {
                references.push(self.reference(&packed)?);
            }
        }
        Some(Resource {
            stated,
            references,
            name: self.name(packed.name)?,
            entity: self.text(packed.entity),
            kind: match packed.kind {
                1 => Kind::Descriptor,
                2 => Kind::SchoolYears,
                _ => Kind::Resource,
            },
            superclass: packed.superclass.map(|s| self.text(s)),
            domains: self.texts(&packed.domains),
        })
    }

    fn stated(&self, packed: &PackedReference) -> Option<StatedEdge> {
        let person = self.text(packed.path);
        let person = (!person.is_empty()).then(|| ResourceName::known(person));
        Some(StatedEdge { prerequisite: self.name(packed.target)?, person })
    }

    fn reference(&self, packed: &PackedReference) -> Option<Reference> {
        Some(Reference {
            path: self.text(packed.path),
            target: match packed.flags >> 2 {
                0 => Target::Resource(self.name(packed.target)?),
                1 => Target::Abstract(self.text(packed.target)),
                _ => Target::Unresolved(self.text(packed.target)),
            },
            required: packed.flags & 1 != 0,
            identifying: packed.flags & 2 != 0,
            alternatives: self.names(&packed.alternatives)?,
        })
    }

    fn details(&self, packed: PackedDetail) -> Details {
        Details {
            key: self.keys(packed.key),
            fields: packed
                .fields
                .into_iter()
                .map(|(path, kind)| Field { path: self.text(path), kind: unpack_type(kind) })
                .collect(),
            collections: packed
                .collections
                .into_iter()
                .map(|(path, entity)| Collection { path: self.text(path), entity: self.text(entity) })
                .collect(),
            query: packed
                .query
                .into_iter()
                .map(|(name, paths)| QueryParameter { name: self.text(name), paths: self.texts(&paths) })
                .collect(),
            equalities: packed
                .equalities
                .into_iter()
                .map(|(left, right, by)| Equality {
                    left: self.text(left),
                    right: self.text(right),
                    stated_by: self.text(by),
                })
                .collect(),
            key_may_change: packed.key_may_change,
            renamed: packed.renamed.into_iter().map(|(member, field)| (self.text(member), self.text(field))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    #[test]
    fn a_packed_model_comes_back() {
        let name = |n: &str| n.parse::<ResourceName>().unwrap();
        let resource = Resource {
            name: name("/ed-fi/schools"),
            entity: "School".into(),
            kind: Kind::Resource,
            superclass: Some("EducationOrganization".into()),
            domains: vec!["Enrollment".into()],
            references: vec![Reference {
                path: "$.typeDescriptor".into(),
                target: Target::Unresolved("typeDescriptor".into()),
                required: true,
                identifying: true,
                alternatives: vec![name("/ed-fi/typeDescriptors")],
            }],
            stated: vec![
                StatedEdge { prerequisite: name("/ed-fi/a"), person: None },
                StatedEdge { prerequisite: name("/ed-fi/b"), person: Some(name("/ed-fi/c")) },
            ],
        };
        let details = Details {
            key: vec![KeyField {
                name: "schoolId".into(),
                kind: FieldType::default(),
                paths: vec!["$.schoolId".into()],
            }],
            fields: vec![Field {
                path: "$.schoolId".into(),
                kind: FieldType { kind: FieldKind::Long, max_length: Some(3), min: None },
            }],
            ..Details::default()
        };
        let model = Model {
            metadata: Metadata {
                name: "small".into(),
                origins: vec![Origin { kind: "test".into(), title: "t".into(), sha256: "0".into() }],
                ..Metadata::default()
            },
            resources: vec![resource],
            details: BTreeMap::from([(name("/ed-fi/schools"), details)]).into(),
            ..Model::default()
        };
        let bytes: &'static [u8] = Box::leak(pack_whole(&model).into_boxed_slice());
        let back = unpack(bytes).unwrap();
        assert_eq!(back.metadata, model.metadata);
        assert_eq!(back.resources, model.resources);
        assert_eq!(back.details.all(), model.details.all());
        assert!(unpack(&bytes[1..]).is_none());
    }
}
