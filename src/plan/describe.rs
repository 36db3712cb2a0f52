//! Everything known of one resource, gathered.

use serde::Serialize;

use super::load::LoadPlan;
use crate::graph::{Authorization, DependencyGraph, Follow, ResourceId};
use crate::model::{FieldType, Kind, Pathway, Reference, ResourceName, Target, Text, names_descriptor};

/// What `show` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Its name.
    pub resource: ResourceName,
    /// Its entity.
    pub entity: Text,
    /// What sort of collection it is.
    pub kind: Kind,
    /// The abstract resource it is a subclass of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superclass: Option<Text>,
    /// Domains of the standard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Text>,
    /// The natural key.
    pub key: Vec<DescribedField>,
    /// Whether an update may change the key, where the metadata tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_may_change: Option<bool>,
    /// Required fields that are no references.
    pub required: Vec<DescribedField>,
    /// References, required ones first.
    pub references: Vec<DescribedReference>,
    /// What it waits for where a document states edges and no references.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<ResourceName>,
    /// The associations that make it visible, if it is a person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pathway: Vec<ResourceName>,
    /// The waves of its steps in a load of everything.
    pub waves: Vec<DescribedWave>,
    /// How many resources it needs, directly or through others.
    pub prerequisites: usize,
    /// Resources that refer to it directly.
    pub dependents: Vec<ResourceName>,
    /// How many resources need it, directly or through others.
    pub all_dependents: usize,
}

/// A field and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DescribedField {
    /// The name of a key field; the path of another.
    pub name: Text,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Longest string allowed.
    #[serde(rename = "maxLength", skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Where the document holds it.
    pub paths: Vec<Text>,
}

/// A reference out of the resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedReference {
    /// Where it stands.
    pub path: Text,
    /// A resource, the entity of an abstract one, or a name nobody resolves.
    pub target: Text,
    /// `resource`, `abstract` or `unresolved`.
    pub target_kind: &'static str,
    /// Whether every step to it is required.
    pub required: bool,
    /// Whether it contributes to the natural key.
    pub identifying: bool,
    /// What else its name could mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<ResourceName>,
    /// Whether it points to a descriptor.
    #[serde(skip)]
    pub descriptor: bool,
}

/// A step in a load of everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DescribedWave {
    /// The wave.
    pub wave: usize,
    /// What is done in it.
    pub operations: &'static [super::Operation],
}

/// Gathers what is known of a resource; `plan` is the load of everything, where there is one.
#[must_use]
pub fn describe(graph: &DependencyGraph, id: ResourceId, plan: Option<&LoadPlan>) -> Description {
    let resource = graph.resource(id);
    let details = graph.details(id);
    let field = |name: &Text, kind: &FieldType, paths: Vec<Text>| DescribedField {
        name: name.clone(),
        kind: kind.kind.name(),
        max_length: kind.max_length,
        paths,
    };
    let is_reference = |path: &Text| resource.references.iter().any(|r| r.path == *path);
    let mut references: Vec<DescribedReference> = resource.references.iter().map(|r| reference(graph, r)).collect();
    references.sort_by_key(|r| (r.descriptor, !r.required, !r.identifying));
    let waves =
        plan.iter().flat_map(|plan| &plan.waves).flat_map(|wave| wave.steps.iter().map(move |step| (wave.wave, step)));
    Description {
        resource: resource.name.clone(),
        entity: resource.entity.clone(),
        kind: resource.kind,
        superclass: resource.superclass.clone(),
        domains: resource.domains.clone(),
        key: details.key.iter().map(|k| field(&k.name, &k.kind, k.paths.clone())).collect(),
        key_may_change: details.key_may_change,
        required: details
            .fields
            .iter()
            .filter(|f| !is_reference(&f.path))
            .map(|f| field(&f.path, &f.kind, vec![f.path.clone()]))
            .collect(),
        references,
        waits_for: graph.unexplained(id).map(|edge| graph.name(edge.prerequisite).clone()).collect(),
        pathway: pathway(graph.pathways(), &resource.name),
        waves: waves
            .filter(|(_, step)| step.resource == resource.name)
            .map(|(wave, step)| DescribedWave { wave, operations: step.operations })
            .collect(),
        prerequisites: graph.transitive_prerequisites(id, Follow::all()).len(),
        dependents: graph
            .dependents(id)
            .filter(|e| !e.is_self())
            .map(|edge| graph.name(edge.dependent).clone())
            .collect(),
        all_dependents: graph.transitive_dependents(id, Follow::all()).len(),
    }
}

fn pathway(pathways: &[Pathway], person: &ResourceName) -> Vec<ResourceName> {
    pathways.iter().find(|p| p.person == *person).map(|p| p.associations.clone()).unwrap_or_default()
}

fn reference(graph: &DependencyGraph, reference: &Reference) -> DescribedReference {
    let (target, target_kind, descriptor) = match &reference.target {
        Target::Resource(name) => {
            let descriptor = graph.id(name).is_some_and(|id| graph.resource(id).kind == Kind::Descriptor);
            (Text::new(name.as_str()), "resource", descriptor)
        }
        Target::Abstract(entity) => (entity.clone(), "abstract", false),
        Target::Unresolved(name) => (name.clone(), "unresolved", names_descriptor(name)),
    };
    DescribedReference {
        path: reference.path.clone(),
        target,
        target_kind,
        required: reference.required,
        identifying: reference.identifying,
        alternatives: reference.alternatives.clone(),
        descriptor,
    }
}

/// The load of everything with the default pathways: what the wave of a resource is by default.
///
/// # Errors
///
/// A cycle of required references.
pub fn full_load(graph: &DependencyGraph) -> Result<LoadPlan, super::RequiredCycle> {
    let authorization = Authorization::relationships(graph, &[]).unwrap_or_default();
    let options = super::load::LoadOptions { authorization, ..Default::default() };
    super::load::load_plan(graph, &graph.select_all(), &options)
}
