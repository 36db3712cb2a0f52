//! A store of records that refuses what a real API would refuse, and plans replayed in it.

use std::collections::{BTreeMap, BTreeSet};

use edfi_plan::plan::delete::DeleteOperation;

/// A reference: from, to, and whether its record can do without it. A path tells several apart, and the
/// item of the collection it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link<K> {
    pub(crate) from: K,
    pub(crate) path: String,
    pub(crate) to: K,
    pub(crate) clearable: bool,
    pub(crate) item: Option<usize>,
}

impl<K> Link<K> {
    /// The collection whose item cannot be without it.
    fn collection(&self) -> Option<(&str, usize)> {
        let (collection, _) = self.path.split_once("[*]").filter(|_| !self.clearable)?;
        Some((collection, self.item?))
    }
}

/// One request of a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request<K> {
    pub(crate) wave: usize,
    pub(crate) operation: DeleteOperation,
    pub(crate) record: K,
    /// What a clear removes: path and target.
    pub(crate) clears: Vec<(String, K)>,
}

/// Records and their references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Store<K> {
    pub(crate) records: BTreeSet<K>,
    pub(crate) links: BTreeSet<Link<K>>,
}

impl<K: Ord + Clone + std::fmt::Debug> Store<K> {
    /// Carries out a plan, wave by wave. The requests of a wave can be sent at the same time, so each must
    /// be accepted by the store as the wave before left it.
    pub(crate) fn replay(&self, requests: &[Request<K>]) -> Result<Self, String> {
        let mut store = self.clone();
        let mut waves: BTreeMap<usize, Vec<&Request<K>>> = BTreeMap::new();
        for request in requests {
            waves.entry(request.wave).or_default().push(request);
        }
        for (wave, requests) in waves {
            let mut pointing: BTreeMap<&K, Vec<&K>> = BTreeMap::new();
            store.links.iter().for_each(|link| pointing.entry(&link.to).or_default().push(&link.from));
            let (mut deleted, mut lost) = (BTreeSet::new(), BTreeSet::new());
            for request in requests {
                let record = &request.record;
                if !store.records.contains(record) {
                    return Err(format!("wave {wave}: {record:?} is not there any more"));
                }
                for (path, to) in &request.clears {
                    let of_clear = |l: &&Link<K>| (&l.from, &l.path, &l.to) == (record, path, to);
                    let links: Vec<&Link<K>> = store.links.iter().filter(of_clear).collect();
                    if links.is_empty() || links.iter().any(|l| !l.clearable && l.item.is_none()) {
                        return Err(format!("{record:?} has no {path} to {to:?}, or cannot do without"));
                    }
                    lost.extend(links.into_iter().cloned());
                }
                let emptied = store.emptied(record, |link| lost.contains(link));
                if request.operation == DeleteOperation::Clear && !emptied.is_empty() {
                    return Err(format!("wave {wave}: {record:?} is left without {emptied:?}"));
                }
                if request.operation == DeleteOperation::Delete {
                    // A row may refer to itself when it goes.
                    if let Some(from) = pointing.get(record).into_iter().flatten().find(|from| **from != record) {
                        return Err(format!("wave {wave}: {record:?} is blocked by {from:?}"));
                    }
                    deleted.insert(record);
                }
            }
            // An item goes with everything in it.
            let lost: BTreeSet<Link<K>> = lost.iter().flat_map(|link| store.with_item(link)).cloned().collect();
            store.records.retain(|record| !deleted.contains(record));
            store.links.retain(|link| !deleted.contains(&link.from) && !lost.contains(link));
        }
        Ok(store)
    }

    /// The collections of a record that must have an item, and of which each has lost a reference that it must
    /// have.
    fn emptied(&self, record: &K, lost: impl Fn(&Link<K>) -> bool) -> BTreeSet<String> {
        let mut items: BTreeMap<(&str, usize), bool> = BTreeMap::new();
        for link in self.links.iter().filter(|link| link.from == *record) {
            if let Some(item) = link.collection() {
                *items.entry(item).or_default() |= lost(link);
            }
        }
        let all: BTreeSet<&str> = items.keys().map(|(collection, _)| *collection).collect();
        let stays = |collection: &&str| items.iter().any(|((of, _), lost)| of == collection && !lost);
        all.into_iter().filter(|collection| !stays(collection)).map(str::to_owned).collect()
    }

    /// A link that is removed, with all that go because their item does.
    pub(crate) fn with_item(&self, link: &Link<K>) -> impl Iterator<Item = &Link<K>> {
        let item = link.collection().map(|(collection, item)| (link.from.clone(), format!("{collection}[*]"), item));
        let link = link.clone();
        self.links.iter().filter(move |other| {
            **other == link
                || item.as_ref().is_some_and(|(from, collection, item)| {
                    other.from == *from && other.item == Some(*item) && other.path.starts_with(collection)
                })
        })
    }

    /// What has to go with some records, and what has to be cleared, found by going over all links until
    /// nothing changes.
    pub(crate) fn closure(&self, targets: &BTreeSet<K>, delete_optional: bool) -> (BTreeSet<K>, BTreeSet<K>) {
        let mut deleted = targets.clone();
        loop {
            let goes =
                |l: &&Link<K>| deleted.contains(&l.to) && (delete_optional || !l.clearable && l.collection().is_none());
            let mut more: BTreeSet<K> = self.links.iter().filter(goes).map(|l| l.from.clone()).collect();
            let loses = |l: &&Link<K>| deleted.contains(&l.to) && l.collection().is_some();
            let emptied = |from: &&K| !self.emptied(from, |l| deleted.contains(&l.to)).is_empty();
            more.extend(self.links.iter().filter(loses).map(|l| &l.from).filter(emptied).cloned());
            let before = deleted.len();
            deleted.extend(more);
            if deleted.len() == before {
                break;
            }
        }
        let loses = |l: &&Link<K>| deleted.contains(&l.to) && !deleted.contains(&l.from);
        let cleared = self.links.iter().filter(loses).map(|l| l.from.clone()).collect();
        (deleted, cleared)
    }

    /// Everything that is asked of a plan: it is accepted whole, does what it was made for and nothing
    /// else, and not one record of it could be left out.
    pub(crate) fn judge(&self, targets: &BTreeSet<K>, requests: &[Request<K>], delete_optional: bool) {
        let after = self.replay(requests).unwrap();
        let (deleted, cleared) = self.closure(targets, delete_optional);
        let expected: BTreeSet<K> = self.records.difference(&deleted).cloned().collect();
        assert_eq!(after.records, expected, "exactly what refers to the targets goes");
        let lost: BTreeSet<&Link<K>> =
            self.links.iter().filter(|l| deleted.contains(&l.to)).flat_map(|l| self.with_item(l)).collect();
        let kept = |l: &&Link<K>| !deleted.contains(&l.from) && !lost.contains(l);
        let expected: BTreeSet<Link<K>> = self.links.iter().filter(kept).cloned().collect();
        assert_eq!(after.links, expected, "what stays loses its references to what goes, and no other");
        let planned: BTreeSet<&K> = requests.iter().map(|r| &r.record).collect();
        assert_eq!(planned, deleted.union(&cleared).collect(), "and nothing else is touched");
        let deletes: Vec<&K> =
            requests.iter().filter(|r| r.operation == DeleteOperation::Delete).map(|r| &r.record).collect();
        assert_eq!(deletes.iter().collect::<BTreeSet<_>>().len(), deletes.len(), "no record is deleted twice");
        // A large plan is tried at some of its records.
        let others: Vec<&K> = planned.into_iter().filter(|record| !targets.contains(record)).collect();
        for record in others.iter().step_by(others.len() / 12 + 1) {
            let without: Vec<Request<K>> = requests.iter().filter(|r| r.record != **record).cloned().collect();
            assert!(self.replay(&without).is_err(), "{record:?} is not needed");
        }
    }
}
