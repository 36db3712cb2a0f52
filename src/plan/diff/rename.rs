//! Which of the resources that are gone are there under another name.
//!
//! No document says it. Two resources are one if they look the same once the words in which their
//! names differ are replaced throughout: `students/parentReference → parents` is
//! `contactReference → contacts`. Descriptors all look the same, so they are told by who refers to them.
//! What has the same name in another project has moved there, as TPDM went into core.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{DependencyGraph, ResourceId};
use crate::model::{Kind, ResourceName, Target};

use super::Renamed;

/// More pairs than these are not compared: the documents have nothing to do with each other.
const MOST_PAIRS: usize = 250_000;

/// How much must be the same, in percent.
const ALIKE: usize = 60;

/// With fewer properties than these anything looks like anything.
const FEWEST_FEATURES: usize = 4;

/// Words that another version of the standard has replaced: `Parent` by `Contact`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Swap {
    from: String,
    to: String,
}

impl Swap {
    /// The words in which two entities differ; none where one has words too many only.
    fn between(left: &str, right: &str) -> Option<Self> {
        let (a, b) = (words(left), words(right));
        let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
        let rest = a.len().min(b.len()) - start;
        let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count().min(rest);
        let (from, to) = (a.get(start..a.len() - end)?.concat(), b.get(start..b.len() - end)?.concat());
        (!from.is_empty() && !to.is_empty()).then_some(Self { from, to })
    }

    /// The text with the words replaced, at the start of a name in small letters.
    pub(super) fn apply(&self, text: &str) -> String {
        let small = |word: &str| {
            let mut chars = word.chars();
            chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect::<String>()
        };
        text.replace(&self.from, &self.to).replace(&small(&self.from), &small(&self.to))
    }
}

/// `StudentParentAssociation` → `Student`, `Parent`, `Association`.
fn words(name: &str) -> Vec<&str> {
    let starts: Vec<usize> =
        name.char_indices().filter(|&(at, c)| at == 0 || c.is_ascii_uppercase()).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([name.len()]);
    starts.iter().zip(ends).filter_map(|(&start, end)| name.get(start..end)).collect()
}

/// Names of the left that are others on the right, and the words that were replaced in them.
pub(super) struct Renames {
    pub(super) resources: BTreeMap<ResourceName, Renamed>,
    pub(super) swaps: BTreeSet<Swap>,
}

impl Renames {
    pub(super) fn of(left: &DependencyGraph, right: &DependencyGraph) -> Self {
        let gone: Vec<ResourceId> = left.ids().filter(|&id| right.id(left.name(id)).is_none()).collect();
        let new: Vec<ResourceId> = right.ids().filter(|&id| left.id(right.name(id)).is_none()).collect();
        let mut renames = Self { resources: BTreeMap::new(), swaps: BTreeSet::new() };
        if gone.len().saturating_mul(new.len()) > MOST_PAIRS {
            return renames;
        }
        // Descriptors last: who refers to them may have another name itself.
        for descriptors in [false, true] {
            renames.pair(left, right, &gone, &new, descriptors);
        }
        renames
    }

    /// What a resource of the left is called on the right.
    pub(super) fn name<'n>(&'n self, left: &'n ResourceName) -> &'n ResourceName {
        self.resources.get(left).map_or(left, |renamed| &renamed.to)
    }

    /// A path or field of the left as the right would call it, if words were replaced.
    pub(super) fn respelled<'t>(&'t self, text: &'t str) -> impl Iterator<Item = String> + 't {
        self.swaps.iter().map(move |swap| swap.apply(text)).filter(move |other| other != text)
    }

    /// Takes the most similar pairs first, each resource once.
    fn pair(
        &mut self,
        left: &DependencyGraph,
        right: &DependencyGraph,
        gone: &[ResourceId],
        new: &[ResourceId],
        descriptors: bool,
    ) {
        let wanted = |graph: &DependencyGraph, id: ResourceId| {
            (graph.resource(id).kind == Kind::Descriptor) == descriptors && graph.resource(id).kind != Kind::SchoolYears
        };
        let looks: Vec<(ResourceId, BTreeSet<String>)> =
            new.iter().filter(|&&id| wanted(right, id)).map(|&id| (id, features(right, id, Clone::clone))).collect();
        let mut candidates = Vec::new();
        for &from in gone.iter().filter(|&&id| wanted(left, id)) {
            let own = features(left, from, |name| self.name(name).clone());
            for (to, theirs) in &looks {
                let (a, b) = (left.resource(from), right.resource(*to));
                if a.name.project() != b.name.project() && a.entity != b.entity {
                    continue;
                }
                let swap = Swap::between(&a.entity, &b.entity);
                let known = swap.as_ref().is_some_and(|swap| self.swaps.contains(swap));
                let swapped: BTreeSet<String> =
                    own.iter().map(|f| swap.as_ref().map_or_else(|| f.clone(), |swap| swap.apply(f))).collect();
                let same = swapped.intersection(theirs).count();
                let all = swapped.len() + theirs.len() - same;
                let alike = (same * 100).checked_div(all).unwrap_or_default();
                // The words are known to have been replaced and nothing else differs, or not even they.
                let follows = a.entity == b.entity
                    || known && swap.as_ref().is_some_and(|s| s.apply(&a.entity) == b.entity.as_str());
                let enough = all >= FEWEST_FEATURES || descriptors && same > 0;
                if follows || alike >= ALIKE && enough {
                    candidates.push((usize::from(follows), alike, a.name.clone(), b.name.clone(), swap));
                }
            }
        }
        candidates.sort_by(|a, b| (b.0, b.1, &a.2, &a.3).cmp(&(a.0, a.1, &b.2, &b.3)));
        let mut taken: BTreeSet<ResourceName> = self.resources.values().map(|r| r.to.clone()).collect();
        for (_, alike, from, to, swap) in candidates {
            if self.resources.contains_key(&from) || !taken.insert(to.clone()) {
                continue;
            }
            if !descriptors {
                self.swaps.extend(swap);
            }
            let alike = u8::try_from(alike).unwrap_or(100);
            self.resources.insert(from.clone(), Renamed { from, to, alike });
        }
    }
}

/// What a resource looks like: references with their targets, key and required fields; of a
/// descriptor, who refers to it. Names without their project, as `named` says they are.
fn features(
    graph: &DependencyGraph,
    id: ResourceId,
    named: impl Fn(&ResourceName) -> ResourceName,
) -> BTreeSet<String> {
    let resource = graph.resource(id);
    if resource.kind == Kind::Descriptor {
        let edges = graph.dependents(id);
        let holders = edges.flat_map(|edge| {
            let holder = named(graph.name(edge.dependent));
            graph.references(edge).map(move |reference| format!("{} {}", holder.endpoint(), reference.path))
        });
        return holders.collect();
    }
    let details = graph.details(id);
    let references = resource.references.iter().map(|reference| match &reference.target {
        Target::Resource(name) => format!("{} {}", reference.path, named(name).endpoint()),
        Target::Abstract(name) | Target::Unresolved(name) => format!("{} {name}", reference.path),
    });
    let fields = details.fields.iter().map(|field| format!("{} {}", field.path, field.kind.kind.name()));
    let key = details.key.iter().map(|field| format!("key {}", field.name));
    references.chain(fields).chain(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_which_names_differ() {
        let swap = |a, b| Swap::between(a, b).map(|s| (s.from, s.to));
        assert_eq!(
            swap("StudentParentAssociation", "StudentContactAssociation"),
            Some(("Parent".into(), "Contact".into()))
        );
        assert_eq!(swap("Parent", "Contact"), Some(("Parent".into(), "Contact".into())));
        assert_eq!(swap("Account", "LocalAccount"), None);
        assert_eq!(swap("School", "School"), None);
        assert_eq!(swap("AA", "A"), None);
    }

    #[test]
    fn words_are_replaced_in_both_cases() {
        let swap = Swap::between("Parent", "Contact").unwrap();
        assert_eq!(swap.apply("$.parentReference /ed-fi/parents"), "$.contactReference /ed-fi/contacts");
        assert_eq!(swap.apply("$.studentParentAssociationReference"), "$.studentContactAssociationReference");
    }
}
