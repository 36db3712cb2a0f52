//! Which resources a command is about: the selectors that dbt and lightbeam users know.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::{Aim, Authorization, DependencyGraph, Follow, LookupError, ResourceId};
use crate::model::{Kind, Text};

/// One selector: `students`, `+students`, `students+`, `2+x`, `+x+2`, `student*`, `project:tpdm`,
/// `kind:descriptor`, `domain:Assessment`; `a,b` is the intersection of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    terms: Vec<Term>,
}

/// One term of an intersection.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    /// As it was written.
    text: String,
    /// How many edges back to follow; `None` is none, `usize::MAX` all.
    back: Option<usize>,
    forth: Option<usize>,
    method: Method,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Method {
    Name(String),
    Glob(String),
    Project(String),
    Kind(Kind),
    Domain(String),
}

/// A selector that selects nothing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Not a selector.
    #[error(
        "'{0}' is not a selector. Write a name, +name, name+, 2+name, student*, project:tpdm, kind:descriptor or domain:Assessment"
    )]
    Form(String),
    /// A name in it is unknown.
    #[error(transparent)]
    Name(#[from] LookupError),
    /// Well-formed, but nothing matches.
    #[error("'{selector}' matches no resource{advice}")]
    Nothing {
        /// The term.
        selector: String,
        /// What there is instead.
        advice: String,
    },
}

impl FromStr for Selector {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let terms = text.split(',').map(|term| Term::parse(term.trim())).collect::<Option<Vec<_>>>();
        terms.map(|terms| Self { terms }).ok_or_else(|| SelectError::Form(text.to_owned()))
    }
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let (back, rest) = match text.split_once('+') {
            Some(("", rest)) => (Some(usize::MAX), rest),
            Some((number, rest)) if number.chars().all(|c| c.is_ascii_digit()) => (Some(number.parse().ok()?), rest),
            _ => (None, text),
        };
        let (name, forth) = match rest.rsplit_once('+') {
            Some((name, "")) => (name, Some(usize::MAX)),
            Some((name, number)) => (name, Some(number.parse().ok()?)),
            None => (rest, None),
        };
        if name.is_empty() || name.contains('+') {
            return None;
        }
        let method = match name.split_once(':') {
            Some(("project", project)) => Method::Project(project.to_owned()),
            Some(("domain", domain)) => Method::Domain(domain.to_owned()),
            Some(("kind", kind)) => match kind.to_ascii_lowercase().trim_end_matches('s') {
                "descriptor" => Method::Kind(Kind::Descriptor),
                "resource" => Method::Kind(Kind::Resource),
                _ => return None,
            },
            Some(_) => return None,
            None if name.contains(['*', '?']) => Method::Glob(name.to_ascii_lowercase()),
            None => Method::Name(name.to_owned()),
        };
        Some(Self { text: text.to_owned(), back, forth, method })
    }
}

/// The resources that selectors select.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The resources.
    pub resources: BTreeSet<ResourceId>,
    /// Abstract resources some of whose subclasses are in only because any one of them would do:
    /// by entity.
    pub one_of: BTreeSet<Text>,
    /// School years are in only when named.
    pub named_school_years: bool,
}

/// What selectors follow, and what they may take for granted.
#[derive(Debug, Clone)]
pub struct SelectOptions<'a> {
    /// Follow required references alone, and leave an abstract resource as a group instead of pulling
    /// its subclasses in.
    pub required_only: bool,
    /// Edges to follow beside references.
    pub authorization: &'a Authorization,
    /// Resources that exist anyway: a subclass among them satisfies its abstract resource.
    pub present: BTreeSet<ResourceId>,
    /// Patterns match school years as well: an order leaves to the host what nobody names, a delete says
    /// `*` and means all.
    pub school_years: bool,
}

impl DependencyGraph {
    /// Everything but school years, which the host owns.
    #[must_use]
    pub fn select_all(&self) -> Selection {
        let resources = self.ids().filter(|&id| self.resource(id).kind != Kind::SchoolYears).collect();
        Selection { resources, ..Selection::default() }
    }

    /// Everything, school years among it.
    #[must_use]
    pub fn everything(&self) -> Selection {
        Selection { resources: self.ids().collect(), named_school_years: true, ..Selection::default() }
    }

    /// The union of selectors less the union of `exclude`; without selectors, everything.
    ///
    /// O(selectors × edges).
    ///
    /// # Errors
    ///
    /// A selector that cannot be read, or names or matches nothing.
    pub fn select(
        &self,
        selectors: &[Selector],
        exclude: &[Selector],
        options: &SelectOptions<'_>,
    ) -> Result<Selection, SelectError> {
        let mut selection = if selectors.is_empty() { self.select_all() } else { Selection::default() };
        let follow = if options.required_only { Follow::required() } else { Follow::all() };
        let (authorization, school_years) = (options.authorization, options.school_years);
        let present = options.present.clone();
        let mut expand = Expand { graph: self, follow, authorization, present, school_years };
        // What satisfies an abstract resource although no reference of the same selector leads there.
        let mut concrete = BTreeSet::new();
        for term in selectors.iter().filter(|s| s.terms.len() == 1).flat_map(|s| &s.terms) {
            concrete.extend(expand.concrete(term)?);
        }
        expand.present.extend(concrete);
        for selector in selectors {
            let found = expand.selector(selector)?;
            selection.resources.extend(found.resources);
            selection.one_of.extend(found.one_of);
            selection.named_school_years |= found.named_school_years;
        }
        for selector in exclude {
            let found = expand.selector(selector)?;
            selection.resources.retain(|id| !found.resources.contains(id));
        }
        if !selection.named_school_years {
            selection.resources.retain(|&id| self.resource(id).kind != Kind::SchoolYears);
        }
        Ok(selection)
    }
}

/// How selectors reach out from what they name.
struct Expand<'g> {
    graph: &'g DependencyGraph,
    follow: Follow,
    authorization: &'g Authorization,
    present: BTreeSet<ResourceId>,
    school_years: bool,
}

impl Expand<'_> {
    fn selector(&self, selector: &Selector) -> Result<Selection, SelectError> {
        let mut terms = selector.terms.iter().map(|term| self.term(term)).collect::<Result<Vec<_>, _>>()?.into_iter();
        let mut selection = terms.next().unwrap_or_default();
        for other in terms {
            selection.resources.retain(|id| other.resources.contains(id));
            selection.one_of.extend(other.one_of);
        }
        if selection.resources.is_empty() {
            let selector = selector.terms.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(",");
            let advice = ": a comma asks for what both select; write a space for a union".to_owned();
            return Err(SelectError::Nothing { selector, advice });
        }
        Ok(selection)
    }

    /// What a term selects for certain: without what only one of several subclasses would bring.
    fn concrete(&self, term: &Term) -> Result<BTreeSet<ResourceId>, SelectError> {
        let core = self.graph.method(&term.method, self.school_years)?;
        let mut nearest = Nearest::of(&core);
        if let Some(depth) = term.back {
            self.reach_back(core.into_iter().collect(), 0, depth, &mut nearest);
        }
        Ok(nearest.resources.into_keys().collect())
    }

    fn term(&self, term: &Term) -> Result<Selection, SelectError> {
        let graph = self.graph;
        let core = graph.method(&term.method, self.school_years)?;
        let named_school_years = (self.school_years || matches!(term.method, Method::Name(_)))
            && core.iter().any(|&id| graph.resource(id).kind == Kind::SchoolYears);
        let mut selection = match term.back {
            Some(depth) => self.with_prerequisites(&core, depth),
            None => Selection::default(),
        };
        selection.named_school_years = named_school_years;
        if let Some(depth) = term.forth {
            selection.resources.extend(self.dependents(&core, depth));
        }
        selection.resources.extend(core);
        Ok(selection)
    }

    fn dependents(&self, core: &BTreeSet<ResourceId>, depth: usize) -> BTreeSet<ResourceId> {
        let graph = self.graph;
        let mut found = core.clone();
        let mut layer: Vec<ResourceId> = core.iter().copied().collect();
        for _ in 0..depth.min(graph.model().resources.len()) {
            let referring = layer.iter().flat_map(|&id| graph.dependents(id)).filter(|e| self.follow.follows(graph, e));
            let waiting =
                self.authorization.edges.iter().filter(|e| layer.contains(&e.prerequisite)).map(|e| e.dependent);
            let next: Vec<ResourceId> = referring.map(|e| e.dependent).chain(waiting).collect();
            layer = next.into_iter().filter(|id| found.insert(*id)).collect();
            if layer.is_empty() {
                break;
            }
        }
        found
    }

    /// Prerequisites up to a depth. Subclasses of an abstract resource come in only where no other
    /// reference brings one: then all of them do, and the abstract resource is marked "one of".
    fn with_prerequisites(&self, core: &BTreeSet<ResourceId>, depth: usize) -> Selection {
        let mut nearest = Nearest::of(core);
        // At which depth each group was expanded; another may bring it nearer later.
        let mut expanded: BTreeMap<usize, usize> = BTreeMap::new();
        self.reach_back(core.iter().copied().collect(), 0, depth, &mut nearest);
        while let Some((place, at)) = self.due(&nearest, &expanded) {
            expanded.insert(place, at);
            let mut subclasses = self.graph.subclasses_at(place).to_vec();
            subclasses.retain(|&id| nearest.comes_nearer(id, at + 1));
            self.reach_back(subclasses, at + 1, depth, &mut nearest);
        }
        let entity = |place: &usize| Some(self.graph.abstracts().get(*place)?.entity.clone());
        Selection {
            resources: nearest.resources.into_keys().collect(),
            one_of: expanded.keys().filter_map(entity).collect(),
            ..Selection::default()
        }
    }

    /// An abstract resource whose subclasses are to come in, and how near: none of them is in otherwise, or they
    /// came in further off.
    fn due(&self, nearest: &Nearest, expanded: &BTreeMap<usize, usize>) -> Option<(usize, usize)> {
        if self.follow.required_only {
            return None;
        }
        let found = |id: &ResourceId| nearest.resources.contains_key(id) || self.present.contains(id);
        let satisfied = |place: usize| self.graph.subclasses_at(place).iter().any(found);
        let is_due = |(place, at): &(&usize, &usize)| match expanded.get(place) {
            Some(before) => *at < before,
            None => !satisfied(**place),
        };
        nearest.groups.iter().find(is_due).map(|(place, at)| (*place, *at))
    }

    /// Follows prerequisites from a layer of resources, all as deep as `at`, down to `depth`.
    fn reach_back(&self, mut layer: Vec<ResourceId>, mut at: usize, depth: usize, nearest: &mut Nearest) {
        while !layer.is_empty() && at < depth {
            layer = self.direct_prerequisites(&layer, at, nearest);
            at += 1;
            layer.retain(|&id| nearest.comes_nearer(id, at));
        }
    }

    /// What resources refer to and wait for; abstract targets go to the groups.
    fn direct_prerequisites(&self, of: &[ResourceId], at: usize, nearest: &mut Nearest) -> Vec<ResourceId> {
        let mut next = Vec::new();
        for (reference, aim) in of.iter().flat_map(|&id| self.graph.aims(id)) {
            if self.follow.required_only && !reference.required {
                continue;
            }
            match aim {
                Aim::Resource(id) => next.push(id),
                Aim::Abstract(place) => {
                    let depth = nearest.groups.entry(place).or_insert(at);
                    *depth = at.min(*depth);
                }
                Aim::Unresolved => {}
            }
        }
        next.extend(of.iter().flat_map(|&id| self.graph.unexplained(id)).map(|edge| edge.prerequisite));
        next.extend(self.authorization.edges.iter().filter(|e| of.contains(&e.dependent)).map(|e| e.prerequisite));
        next
    }
}

/// How near prerequisites are: found far off first, one may come nearer and so bring more within reach.
struct Nearest {
    resources: BTreeMap<ResourceId, usize>,
    /// The depth at which each abstract resource is referred to, by its place.
    groups: BTreeMap<usize, usize>,
}

impl Nearest {
    fn of(core: &BTreeSet<ResourceId>) -> Self {
        Self { resources: core.iter().map(|&id| (id, 0)).collect(), groups: BTreeMap::new() }
    }

    fn comes_nearer(&mut self, id: ResourceId, at: usize) -> bool {
        let nearer = self.resources.get(&id).is_none_or(|known| at < *known);
        if nearer {
            self.resources.insert(id, at);
        }
        nearer
    }
}

impl DependencyGraph {
    fn method(&self, method: &Method, school_years: bool) -> Result<BTreeSet<ResourceId>, SelectError> {
        let all = |test: &dyn Fn(&crate::model::Resource) -> bool| -> BTreeSet<ResourceId> {
            self.ids().filter(|&id| test(self.resource(id))).collect()
        };
        let some = |found: BTreeSet<ResourceId>, selector: String, advice: &dyn Fn() -> String| {
            if found.is_empty() { Err(SelectError::Nothing { selector, advice: advice() }) } else { Ok(found) }
        };
        match method {
            Method::Name(name) => Ok(self.find_all(name)?.into_iter().collect()),
            Method::Glob(pattern) => {
                let is = |text: &str| glob(pattern, &text.to_ascii_lowercase());
                let found = all(&|r| {
                    (school_years || r.kind != Kind::SchoolYears)
                        && (is(r.name.endpoint()) || is(r.name.as_str()) || is(r.name.as_str().trim_start_matches('/')))
                });
                some(found, pattern.clone(), &String::new)
            }
            Method::Project(project) => {
                let found = all(&|r| r.name.project().eq_ignore_ascii_case(project));
                some(found, format!("project:{project}"), &|| {
                    let projects: BTreeSet<&str> = self.model().resources.iter().map(|r| r.name.project()).collect();
                    known("projects", projects)
                })
            }
            Method::Kind(kind) => some(all(&|r| r.kind == *kind), "kind:".to_owned(), &String::new),
            Method::Domain(domain) => {
                let found = all(&|r| r.domains.iter().any(|d| d.eq_ignore_ascii_case(domain)));
                some(found, format!("domain:{domain}"), &|| {
                    let domains: BTreeSet<&str> =
                        self.model().resources.iter().flat_map(|r| &r.domains).map(Text::as_str).collect();
                    if domains.is_empty() {
                        ". This metadata does not say which domain a resource belongs to; Data Standard 6 does"
                            .to_owned()
                    } else {
                        known("domains", domains)
                    }
                })
            }
        }
    }
}

fn known(what: &str, names: BTreeSet<&str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    format!(". The {what} are {}", names.join(", "))
}

/// Whether a text matches a pattern of `*` and `?`. O(pattern × text).
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // After each pattern character, which prefixes of the text it can have consumed.
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for p in pattern {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match p {
                '*' => ends[end] || end > 0 && next[end - 1],
                '?' => end > 0 && ends[end - 1],
                c => end > 0 && ends[end - 1] && text[end - 1] == c,
            };
        }
        ends = next;
    }
    ends[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, matches) in [
            ("student*", "studentschoolassociations", true),
            ("*association*", "studentschoolassociations", true),
            ("student?", "students", true),
            ("student?", "student", false),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "abc", false),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn forms() {
        let term = |text: &str| Term::parse(text).map(|t| (t.back, t.forth));
        assert_eq!(term("students"), Some((None, None)));
        assert_eq!(term("+students"), Some((Some(usize::MAX), None)));
        assert_eq!(term("2+students+3"), Some((Some(2), Some(3))));
        assert_eq!(term("+students+"), Some((Some(usize::MAX), Some(usize::MAX))));
        for wrong in ["", "+", "a+b+c", "colour:red", "kind:x", "+x+y"] {
            assert!(Selector::from_str(wrong).is_err(), "{wrong}");
        }
    }
}
