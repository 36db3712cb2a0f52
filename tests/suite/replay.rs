//! Plans replayed in a small store that refuses what a real API would refuse.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::graph::{Aim, Authorization, Constraint, DependencyGraph, Follow, Precedence, ResourceId, Selection};
use edfi_plan::model::{Reference, ResourceName, Target};
use edfi_plan::plan::delete::{DeleteSet, delete_order};
use edfi_plan::plan::load::{LoadOptions, LoadPlan, load_plan};
use edfi_plan::plan::server::GraphForm;
use edfi_plan::plan::{Operation, server};
use edfi_plan::source;
use proptest::prelude::*;

use crate::naive::Rules;
use crate::random;

/// A record: its resource and number.
pub(crate) type Record = (ResourceId, usize);

/// Records of each resource.
pub(crate) const RECORDS: usize = 2;

/// The references of a record in the data to be loaded: those that are required, and every
/// optional one, for the worst case. An abstract target is satisfied by each subclass in turn.
pub(crate) fn data(
    graph: &DependencyGraph,
    authorization: &Authorization,
    record: Record,
) -> BTreeMap<String, Vec<Record>> {
    let (resource, number) = record;
    let other = (number + 1) % RECORDS;
    let mut references: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for (reference, aim) in graph.aims(resource) {
        let targets: Vec<ResourceId> = match aim {
            Aim::Resource(id) => vec![id],
            Aim::Abstract(place) => graph.subclasses_at(place).to_vec(),
            Aim::Unresolved => continue,
        };
        let records = targets.into_iter().filter_map(|target| {
            if target == resource {
                // Parents first: the second record refers to the first.
                return (number > 0).then(|| (target, number - 1));
            }
            // A pathway is of the person of its own number; anything else is of any.
            let is_pathway =
                authorization.holds.iter().any(|h| h.person == target && h.associations.contains(&resource));
            Some((target, if is_pathway { number } else { other }))
        });
        references.insert(reference.path.to_string(), records.collect());
    }
    references
}

/// What an API keeps, and what it lets in.
struct Store<'g> {
    graph: &'g DependencyGraph,
    authorization: &'g Authorization,
    /// What each record refers to, by path.
    references: BTreeMap<Record, BTreeMap<String, Record>>,
}

impl<'g> Store<'g> {
    fn new(graph: &'g DependencyGraph, authorization: &'g Authorization) -> Self {
        Self { graph, authorization, references: BTreeMap::new() }
    }

    /// Refuses a record that refers to what does not exist, or to a person nobody can see.
    fn create(
        &self,
        before: &BTreeSet<Record>,
        record: Record,
        references: &BTreeMap<String, Vec<Record>>,
    ) -> Result<(), String> {
        for (path, targets) in references {
            for target in targets {
                let here = target.0 == record.0;
                if !before.contains(target) && !here {
                    return Err(format!(
                        "{} {path}: the referenced {} does not exist",
                        self.name(record),
                        self.name(*target)
                    ));
                }
                self.visible(before, record, *target)?;
            }
        }
        Ok(())
    }

    fn visible(&self, before: &BTreeSet<Record>, record: Record, person: Record) -> Result<(), String> {
        let Some(hold) = self.authorization.holds.iter().find(|h| h.person == person.0) else { return Ok(()) };
        if hold.associations.contains(&record.0) || record.0 == person.0 {
            return Ok(());
        }
        let needed = |a: &ResourceId| self.graph.transitive_prerequisites(*a, Follow::required()).contains(&record.0);
        if hold.associations.iter().any(needed) || hold.associations.iter().any(|a| before.contains(&(*a, person.1))) {
            return Ok(());
        }
        Err(format!("{}: no relationship established with {}", self.name(record), self.name(person)))
    }

    fn name(&self, record: Record) -> String {
        format!("{}#{}", self.graph.name(record.0), record.1)
    }

    /// Runs a plan wave by wave; every step of a wave sees only what earlier waves left.
    fn run(&mut self, plan: &LoadPlan) -> Result<(), String> {
        let deferred: BTreeSet<_> =
            plan.deferred.iter().map(|d| (d.resource.clone(), d.path.to_string(), d.target.clone())).collect();
        // Owned by the host, there from the start.
        let mut exists: BTreeSet<Record> = self
            .graph
            .ids()
            .filter(|&id| self.graph.name(id).endpoint() == "schoolYearTypes")
            .flat_map(|id| (0..RECORDS).map(move |n| (id, n)))
            .collect();
        for wave in &plan.waves {
            let before = exists.clone();
            for step in &wave.steps {
                let id = self.graph.id(&step.resource).unwrap();
                for record in (0..RECORDS).map(|number| (id, number)) {
                    let all = data(self.graph, self.authorization, record);
                    if step.operations.contains(&Operation::Create) {
                        let mut now = all.clone();
                        for (path, targets) in &mut now {
                            targets.retain(|t| {
                                !deferred.contains(&(step.resource.clone(), path.clone(), self.graph.name(t.0).clone()))
                            });
                        }
                        self.create(&before, record, &now)?;
                        self.references.insert(record, first(&now));
                        exists.insert(record);
                    } else {
                        if !before.contains(&record) {
                            return Err(format!("update of {}, which does not exist", self.name(record)));
                        }
                        for hold in self.authorization.holds.iter().filter(|h| h.person == id) {
                            if !hold.update_after.iter().all(|a| before.contains(&(*a, record.1))) {
                                return Err(format!("update of {} before its pathway", self.name(record)));
                            }
                        }
                        self.create(&before, record, &all)?;
                        self.references.insert(record, first(&all));
                    }
                }
            }
        }
        for id in self.graph.ids().filter(|&id| self.graph.name(id).endpoint() != "schoolYearTypes") {
            for record in (0..RECORDS).map(|n| (id, n)) {
                let kept =
                    self.references.get(&record).ok_or_else(|| format!("{} was never loaded", self.name(record)))?;
                if *kept != first(&data(self.graph, self.authorization, record)) {
                    return Err(format!("{} lost a reference", self.name(record)));
                }
            }
        }
        Ok(())
    }
}

/// What is kept of each reference; the last, so that a deferred one shows.
fn first(references: &BTreeMap<String, Vec<Record>>) -> BTreeMap<String, Record> {
    references.iter().filter_map(|(path, targets)| Some((path.clone(), *targets.last()?))).collect()
}

fn plan(graph: &DependencyGraph, authorization: &Authorization) -> Result<LoadPlan, edfi_plan::plan::RequiredCycle> {
    let options = LoadOptions { authorization: authorization.clone(), ..LoadOptions::default() };
    load_plan(graph, &graph.select_all(), &options)
}

fn assert_waves(graph: &DependencyGraph, authorization: &Authorization, plan: &LoadPlan) {
    let naive = Rules::of(graph, authorization, plan).waves(graph);
    for wave in &plan.waves {
        for step in &wave.steps {
            let id = graph.id(&step.resource).unwrap();
            let update = step.operations == [Operation::Update];
            assert_eq!(wave.wave, naive[&(id, update)], "{} {:?}", step.resource, step.operations);
        }
    }
}

#[test]
fn every_bundled_graph_loads_without_a_refusal() {
    for standard in source::standards() {
        let graph = DependencyGraph::build(source::standard(standard.name).unwrap()).unwrap();
        for authorization in [Authorization::relationships(&graph, &[]).unwrap(), Authorization::none()] {
            let plan = plan(&graph, &authorization).unwrap();
            assert_eq!(Store::new(&graph, &authorization).run(&plan), Ok(()), "{}", standard.name);
            assert_waves(&graph, &authorization, &plan);
        }
    }
}

/// The store is worth something only if it refuses: the server's order of Data Standard 6 drops a
/// reference that a record may carry, so without deferring it a load fails.
#[test]
fn the_store_refuses_what_the_server_drops() {
    let graph = DependencyGraph::build(source::standard("ed-fi-6.0").unwrap()).unwrap();
    let authorization = Authorization::none();
    let mut plan = server::as_plan(&graph, &graph.select_all(), &LoadOptions::default()).unwrap();
    plan.deferred.clear();
    let refusal = Store::new(&graph, &authorization).run(&plan).unwrap_err();
    assert!(refusal.contains("studentAcademicRecords") && refusal.contains("reportCards"), "{refusal}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_graphs_load_without_a_refusal(graph in random::graph()) {
        let authorization = Authorization::relationships(&graph, &[]).unwrap();
        match plan(&graph, &authorization) {
            Ok(plan) => {
                prop_assert_eq!(Store::new(&graph, &authorization).run(&plan), Ok(()));
                assert_waves(&graph, &authorization, &plan);
            }
            // Only pathways can make such a graph impossible.
            Err(cycle) => prop_assert!(!authorization.edges.is_empty(), "{cycle}"),
        }
        let plan = plan(&graph, &Authorization::none()).unwrap();
        prop_assert_eq!(Store::new(&graph, &Authorization::none()).run(&plan), Ok(()));
    }

    #[test]
    fn nothing_deferred_could_be_loaded_at_once(graph in random::graph()) {
        let plan = plan(&graph, &Authorization::none()).unwrap();
        for spared in &plan.deferred {
            let pair = |d: &&edfi_plan::plan::load::Deferred| (&d.resource, &d.target) != (&spared.resource, &spared.target);
            let mut fewer = plan.clone();
            fewer.deferred = plan.deferred.iter().filter(pair).cloned().collect();
            prop_assert!(Store::new(&graph, &Authorization::none()).run(&fewer).is_err());
        }
    }

    #[test]
    fn a_subset_keeps_the_order_of_the_whole(graph in random::graph(), chosen in any::<u16>()) {
        let whole = plan(&graph, &Authorization::none()).unwrap();
        let resources = graph.ids().filter(|id| chosen >> id.index() & 1 == 1).collect();
        let selection = Selection { resources, ..Selection::default() };
        let part = load_plan(&graph, &selection, &LoadOptions::default()).unwrap();
        let wave = |plan: &LoadPlan, name: &edfi_plan::model::ResourceName| {
            plan.waves.iter().find(|w| w.steps.iter().any(|s| s.resource == *name)).map(|w| w.wave)
        };
        let rules = Rules::of(&graph, &Authorization::none(), &whole);
        let _ = rules.waves(&graph);
        for a in &selection.resources {
            for b in &selection.resources {
                let (a, b) = (graph.name(*a), graph.name(*b));
                let follows = graph.shortest_path(graph.id(a).unwrap(), graph.id(b).unwrap(), Follow::required(), &Authorization::none()).is_some();
                if a != b && follows {
                    prop_assert!(wave(&part, a) < wave(&part, b), "{a} before {b}");
                }
            }
        }
        prop_assert!(part.waves.iter().enumerate().all(|(index, w)| w.wave == index + 1), "waves are renumbered");
    }
}

/// An optional reference to a person can close a circle through the pathways alone. No order exists with
/// it, so it waits, although nothing that authorization asks for is given up where there is another way.
#[test]
fn an_optional_reference_gives_way_to_pathways() {
    let mut model = source::standard("ed-fi-5.1").unwrap();
    let schools = model.resources.iter_mut().find(|r| r.name.endpoint() == "schools").unwrap();
    schools.references.push(Reference {
        path: "$._ext.sample.principalContactReference".into(),
        target: Target::Resource(ResourceName::new("ed-fi", "contacts")),
        required: false,
        identifying: false,
        alternatives: Vec::new(),
    });
    schools.references.sort_by(|a, b| a.path.cmp(&b.path));
    let graph = DependencyGraph::build(model.clone()).unwrap();
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let found = plan(&graph, &authorization).unwrap();
    let deferred: Vec<_> = found.deferred.iter().map(|d| (d.resource.endpoint(), d.target.endpoint())).collect();
    assert_eq!(deferred, [("schools", "contacts")]);
    assert_eq!(Store::new(&graph, &authorization).run(&found), Ok(()));
    let drawn = server::as_published(&graph, &authorization, false, GraphForm::Current).unwrap();
    let place = |vertex| drawn.vertices.iter().position(|v| v == vertex).unwrap();
    let edges =
        drawn.edges.iter().map(|(from, to)| Constraint { before: place(from), after: place(to), removable: false });
    let precedence = Precedence { steps: drawn.vertices.len(), constraints: edges.collect() };
    assert_eq!(precedence.components(), [[0; 0]; 0]);
    let set = DeleteSet { deleted: graph.ids().collect(), ..DeleteSet::default() };
    let clears = delete_order(&graph, &set, &authorization).unwrap().clears;
    assert!(clears.iter().any(|clear| clear.path == "$._ext.sample.principalContactReference"), "{clears:?}");

    // Required, it leaves no way.
    let schools = model.resources.iter_mut().find(|r| r.name.endpoint() == "schools").unwrap();
    schools.references.iter_mut().filter(|r| r.path.contains("principal")).for_each(|r| r.required = true);
    let graph = DependencyGraph::build(model).unwrap();
    let authorization = Authorization::relationships(&graph, &[]).unwrap();
    let refusal = plan(&graph, &authorization).unwrap_err().to_string();
    assert!(refusal.contains("required references and the pathways of people"), "{refusal}");
}
