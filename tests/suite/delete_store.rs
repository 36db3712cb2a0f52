//! A full store that refuses deletes as a real API would, and replays plans step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use edfi_plan::graph::{Authorization, DependencyGraph, Follow, ResourceId};
use edfi_plan::plan::Operation;
use edfi_plan::plan::delete::{DeleteOperation, DeleteStep, DeleteWave, KeyChange};

use crate::replay::{RECORDS, Record, data};

/// What a record refers to, by path.
type References = BTreeMap<String, BTreeSet<Record>>;

/// Records of every resource, each with every reference it can have.
#[derive(Clone)]
pub(crate) struct Store<'g> {
    graph: &'g DependencyGraph,
    authorization: &'g Authorization,
    /// For each pathway what its associations themselves require: that cannot wait for them.
    exempt: Vec<BTreeSet<ResourceId>>,
    /// The records that refer to each record while everything is there.
    referring: Rc<BTreeMap<Record, BTreeSet<Record>>>,
    pub(crate) records: BTreeMap<Record, Rc<References>>,
}

/// One wave. Its steps run at the same time: a step counts on nothing that others of its wave do, and
/// needs nothing that they take away.
#[derive(Default)]
struct Moment {
    /// Resources that are deleted in it.
    goes: BTreeSet<ResourceId>,
    /// What it has deleted so far.
    gone: BTreeMap<Record, Rc<References>>,
}

impl<'g> Store<'g> {
    pub(crate) fn full(graph: &'g DependencyGraph, authorization: &'g Authorization) -> Self {
        let required = |id: &ResourceId| graph.transitive_prerequisites(*id, Follow::required());
        let exempt = authorization.holds.iter().map(|h| h.associations.iter().flat_map(required).collect()).collect();
        let mut store = Self { graph, authorization, exempt, referring: Rc::default(), records: BTreeMap::new() };
        let mut referring: BTreeMap<Record, BTreeSet<Record>> = BTreeMap::new();
        for record in graph.ids().flat_map(|id| (0..RECORDS).map(move |number| (id, number))) {
            let references = store.original(record);
            for &target in references.values().flatten() {
                referring.entry(target).or_default().insert(record);
            }
            store.records.insert(record, Rc::new(references));
        }
        store.referring = Rc::new(referring);
        store
    }

    fn original(&self, record: Record) -> References {
        let paths = data(self.graph, self.authorization, record).into_iter();
        paths.map(|(path, targets)| (path, targets.into_iter().collect())).collect()
    }

    fn name(&self, record: Record) -> String {
        format!("{}#{}", self.graph.name(record.0), record.1)
    }

    /// Runs the waves of a plan.
    pub(crate) fn run(&mut self, waves: &[DeleteWave]) -> Result<(), String> {
        let graph = self.graph;
        for wave in waves {
            let of = |operation| {
                let steps = wave.steps.iter().filter(move |step| step.operation == operation);
                steps.map(|step| (step, graph.id(&step.resource).unwrap()))
            };
            let deletes = || of(DeleteOperation::Delete);
            let mut moment = Moment { goes: deletes().map(|(_, id)| id).collect(), ..Moment::default() };
            // Deletes first: they must not count on the clears beside them.
            for (step, id) in deletes() {
                // Parents have the lower numbers; only a plan that says so puts children first.
                let numbers: Vec<usize> =
                    if step.children_first.is_some() { (0..RECORDS).rev().collect() } else { (0..RECORDS).collect() };
                for number in numbers {
                    self.delete((id, number), &mut moment)?;
                }
            }
            for (step, id) in of(DeleteOperation::Clear) {
                for number in 0..RECORDS {
                    self.clear((id, number), step, &moment)?;
                }
            }
        }
        Ok(())
    }

    fn delete(&mut self, record: Record, moment: &mut Moment) -> Result<(), String> {
        let Some(references) = self.records.get(&record).cloned() else {
            return Err(format!("delete {}, which does not exist", self.name(record)));
        };
        for by in self.referring.get(&record).into_iter().flatten().filter(|by| **by != record) {
            // Records of one resource are deleted one after the other.
            let earlier = moment.gone.get(by).filter(|_| by.0 != record.0);
            let held = self.records.get(by).or(earlier);
            if held.is_some_and(|references| references.values().any(|targets| targets.contains(&record))) {
                return Err(format!("delete {}: {} refers to it", self.name(record), self.name(*by)));
            }
        }
        // A person is deleted without further authorization.
        if !self.authorization.holds.iter().any(|hold| hold.person == record.0) {
            self.sees(record, &references, &moment.goes)?;
        }
        self.records.remove(&record);
        moment.gone.insert(record, references);
        Ok(())
    }

    fn clear(&mut self, record: Record, step: &DeleteStep, moment: &Moment) -> Result<(), String> {
        let Some(references) = self.records.get(&record) else {
            return Err(format!("update {}, which does not exist", self.name(record)));
        };
        let mut references = References::clone(references);
        for clear in &step.clears {
            let target = self.graph.id(&clear.target).unwrap();
            let reference = self.graph.resource(record.0).references.iter().find(|r| r.path == clear.path).unwrap();
            if reference.required || reference.identifying {
                return Err(format!("update {} without {}, which is required", self.name(record), clear.path));
            }
            references.get_mut(clear.path.as_str()).unwrap().retain(|held| held.0 != target);
        }
        self.update(record, references, &moment.goes)
    }

    /// A PUT: what it refers to must exist, and it must be seen, whatever goes meanwhile.
    fn update(&mut self, record: Record, references: References, goes: &BTreeSet<ResourceId>) -> Result<(), String> {
        let lost = |target: &&Record| !self.records.contains_key(target) || goes.contains(&target.0);
        if let Some(lost) = references.values().flatten().find(lost) {
            return Err(format!("update {}: {} does not exist", self.name(record), self.name(*lost)));
        }
        if let Some(hold) = self.authorization.holds.iter().find(|hold| hold.person == record.0) {
            self.shown(record, record, &hold.update_after, goes)?;
        }
        self.sees(record, &references, goes)?;
        self.records.insert(record, Rc::new(references));
        Ok(())
    }

    /// Refuses a write to what needs a person that no association shows.
    fn sees(&self, record: Record, references: &References, goes: &BTreeSet<ResourceId>) -> Result<(), String> {
        for (hold, exempt) in self.authorization.holds.iter().zip(&self.exempt) {
            let needs = !hold.associations.contains(&record.0) && !exempt.contains(&record.0);
            let people = references.values().flatten().filter(|target| target.0 == hold.person);
            for &person in people.filter(|_| needs && record.0 != hold.person) {
                self.shown(record, person, &hold.associations, goes)?;
            }
        }
        Ok(())
    }

    fn shown(
        &self,
        record: Record,
        person: Record,
        by: &[ResourceId],
        goes: &BTreeSet<ResourceId>,
    ) -> Result<(), String> {
        let lost = |a: &&ResourceId| !self.records.contains_key(&(**a, person.1)) || goes.contains(*a);
        match by.iter().find(lost) {
            Some(lost) => Err(format!("{}: its person has no {}", self.name(record), self.graph.name(*lost))),
            None => Ok(()),
        }
    }

    /// Runs the second half of a key change.
    pub(crate) fn load(&mut self, plan: &KeyChange) -> Result<(), String> {
        let deferred: BTreeSet<_> = plan.deferred.iter().map(|d| (&d.resource, d.path.as_str(), &d.target)).collect();
        for wave in &plan.loads {
            let before: BTreeSet<Record> = self.records.keys().copied().collect();
            for step in &wave.steps {
                let id = self.graph.id(&step.resource).unwrap();
                for record in (0..RECORDS).map(|number| (id, number)) {
                    let mut references = self.original(record);
                    if !step.operations.contains(&Operation::Create) {
                        self.update(record, references, &BTreeSet::new())?;
                        continue;
                    }
                    if before.contains(&record) {
                        return Err(format!("create {}, which exists", self.name(record)));
                    }
                    for (path, targets) in &mut references {
                        let later =
                            |t: &Record| deferred.contains(&(&step.resource, path.as_str(), self.graph.name(t.0)));
                        targets.retain(|target| !later(target));
                    }
                    let missing = |t: &&Record| t.0 != record.0 && !before.contains(t);
                    if let Some(missing) = references.values().flatten().find(missing) {
                        return Err(format!("create {}: {} does not exist", self.name(record), self.name(*missing)));
                    }
                    self.sees(record, &references, &BTreeSet::new())?;
                    self.records.insert(record, Rc::new(references));
                }
            }
        }
        Ok(())
    }
}
