//! Random graphs: cycles, self references, abstract targets, people with pathways.

use edfi_plan::graph::DependencyGraph;
use edfi_plan::model::{AbstractResource, Kind, Model, Pathway, Reference, Resource, ResourceName, Target};
use proptest::prelude::*;

/// References of one resource as numbers: the kind of target, which one, and whether it is required.
type Draw = Vec<(u8, usize, bool)>;

/// A graph of up to fourteen resources. Required references alone never run in a circle; optional ones do.
pub(crate) fn graph() -> impl Strategy<Value = DependencyGraph> {
    (draws(14), 0_usize..4, any::<bool>())
        .prop_map(|(draws, subclasses, people)| build(&draws, subclasses, people, false))
}

/// A graph of up to four resources. The items of their collections may have to refer to what refers to them.
pub(crate) fn circular() -> impl Strategy<Value = DependencyGraph> {
    draws(5).prop_map(|draws| build(&draws, 0, false, true))
}

fn draws(resources: usize) -> impl Strategy<Value = Vec<Draw>> {
    let reference = (0_u8..10, any::<usize>(), any::<bool>());
    prop::collection::vec(prop::collection::vec(reference, 0..5), 2..resources)
}

fn name(index: usize, people: bool) -> ResourceName {
    match (index, people) {
        (0, true) => ResourceName::new("ed-fi", "students"),
        (1, true) => ResourceName::new("ed-fi", "studentSchoolAssociations"),
        _ => ResourceName::new("ed-fi", &format!("things{index:02}")),
    }
}

fn build(draws: &[Draw], subclasses: usize, people: bool, circular: bool) -> DependencyGraph {
    let subclasses = subclasses.min(draws.len() - 1);
    let is_subclass = |index: usize| (2..2 + subclasses).contains(&index) && index < draws.len();
    let first_after = 2 + subclasses;
    let mut resources = Vec::new();
    for (index, draw) in draws.iter().enumerate() {
        let mut references: Vec<Reference> = draw
            .iter()
            .enumerate()
            .map(|(number, &(kind, target, required))| {
                let any = target % draws.len();
                // A required reference leads to an earlier resource, so that these form no circle.
                let (target, required) = match kind {
                    7.. if circular => (Some(any), required),
                    0 if subclasses > 0 => (None, required && index >= first_after),
                    _ if required && index > 0 => (Some(target % index), true),
                    _ => (Some(any), false),
                };
                // Some stand in the items of one collection.
                let path = if kind < 7 { format!("$.r{number:02}") } else { format!("$.c[*].r{number:02}") };
                Reference {
                    path: path.into(),
                    target: target.map_or(Target::Abstract("Thing".into()), |t| Target::Resource(name(t, people))),
                    required,
                    identifying: false,
                    alternatives: Vec::new(),
                }
            })
            .collect();
        if people && index == 1 {
            references.push(Reference {
                path: "$.studentReference".into(),
                target: Target::Resource(name(0, true)),
                required: true,
                identifying: true,
                alternatives: Vec::new(),
            });
        }
        references.sort_by(|a, b| a.path.cmp(&b.path));
        resources.push(Resource {
            name: name(index, people),
            entity: format!("Thing{index:02}").into(),
            kind: Kind::Resource,
            superclass: is_subclass(index).then(|| "Thing".into()),
            references,
            domains: Vec::new(),
            stated: Vec::new(),
        });
    }
    let subclasses: Vec<ResourceName> =
        resources.iter().filter(|r| r.superclass.is_some()).map(|r| r.name.clone()).collect();
    resources.sort_by(|a, b| a.name.cmp(&b.name));
    let mut model = Model::default();
    model.resources = resources;
    if !subclasses.is_empty() {
        let mut subclasses = subclasses;
        subclasses.sort();
        model.abstracts = vec![AbstractResource { entity: "Thing".into(), key: Vec::new(), subclasses }];
    } else {
        model.resources.iter_mut().for_each(|r| r.references.retain(|r| !matches!(r.target, Target::Abstract(_))));
    }
    if people {
        model.pathways =
            vec![Pathway { person: name(0, true), associations: vec![name(1, true)], also_before_update: Vec::new() }];
    }
    DependencyGraph::build(model).unwrap()
}
