//! Which resources a command is about: the selectors that dbt and lightbeam users know.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::{DependencyGraph, Follow, LookupError, ResourceId};
use crate::model::{Kind, Target, Text};

/// One selector: `students`, `+students`, `students+`, `2+x`, `+x+2`, `student*`, `project:tpdm`,
/// `kind:descriptor`, `domain:Assessment`; `a,b` is the intersection of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    terms: Vec<Term>,
}

/// One term of an intersection.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
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
            Some(("kind", "descriptor" | "descriptors")) => Method::Kind(Kind::Descriptor),
            Some(("kind", "resource" | "resources")) => Method::Kind(Kind::Resource),
            Some(_) => return None,
            None if name.contains(['*', '?']) => Method::Glob(name.to_ascii_lowercase()),
            None => Method::Name(name.to_owned()),
        };
        Some(Self { back, forth, method })
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

impl DependencyGraph {
    /// Everything but school years, which the host owns.
    #[must_use]
    pub fn select_all(&self) -> Selection {
        let resources = self.ids().filter(|&id| self.resource(id).kind != Kind::SchoolYears).collect();
        Selection { resources, ..Selection::default() }
    }

    /// The union of selectors less the union of `exclude`; without selectors, everything.
    ///
    /// `required_only` follows required references alone, and leaves an abstract resource as a group
    /// instead of pulling its subclasses in (DESIGN 5). O(selectors × edges).
    ///
    /// # Errors
    ///
    /// A selector that cannot be read, or names or matches nothing.
    pub fn select(
        &self,
        selectors: &[Selector],
        exclude: &[Selector],
        required_only: bool,
    ) -> Result<Selection, SelectError> {
        let mut selection = if selectors.is_empty() { self.select_all() } else { Selection::default() };
        let follow = if required_only { Follow::required() } else { Follow::all() };
        for selector in selectors {
            let found = self.one_selector(selector, follow)?;
            selection.resources.extend(found.resources);
            selection.one_of.extend(found.one_of);
            selection.named_school_years |= found.named_school_years;
        }
        for selector in exclude {
            let found = self.one_selector(selector, follow)?;
            selection.resources.retain(|id| !found.resources.contains(id));
        }
        if !selection.named_school_years {
            selection.resources.retain(|&id| self.resource(id).kind != Kind::SchoolYears);
        }
        Ok(selection)
    }

    fn one_selector(&self, selector: &Selector, follow: Follow) -> Result<Selection, SelectError> {
        let mut terms =
            selector.terms.iter().map(|term| self.term(term, follow)).collect::<Result<Vec<_>, _>>()?.into_iter();
        let mut selection = terms.next().unwrap_or_default();
        for other in terms {
            selection.resources.retain(|id| other.resources.contains(id));
            selection.one_of.extend(other.one_of);
        }
        Ok(selection)
    }

    fn term(&self, term: &Term, follow: Follow) -> Result<Selection, SelectError> {
        let core = self.method(&term.method)?;
        let named_school_years = matches!(term.method, Method::Name(_))
            && core.iter().any(|&id| self.resource(id).kind == Kind::SchoolYears);
        let mut selection = Selection { named_school_years, ..Selection::default() };
        if let Some(depth) = term.back {
            selection = Selection { named_school_years, ..self.with_prerequisites(&core, depth, follow) };
        }
        if let Some(depth) = term.forth {
            let mut layer = core.clone();
            for _ in 0..depth.min(self.model().resources.len()) {
                let dependents = layer.iter().flat_map(|&id| self.dependents(id).filter(|e| follow.follows(self, e)));
                let next: BTreeSet<ResourceId> = dependents
                    .map(|e| e.dependent)
                    .filter(|id| !selection.resources.contains(id) && !core.contains(id))
                    .collect();
                if next.is_empty() {
                    break;
                }
                selection.resources.extend(&next);
                layer = next;
            }
        }
        selection.resources.extend(core);
        Ok(selection)
    }

    /// Prerequisites up to a depth. Subclasses of an abstract resource come in only where no other
    /// reference brings one: then all of them do, and the abstract resource is marked "one of".
    fn with_prerequisites(&self, core: &BTreeSet<ResourceId>, depth: usize, follow: Follow) -> Selection {
        let mut selection = Selection { resources: core.clone(), ..Selection::default() };
        // Depth at which each abstract resource was first referred to.
        let mut groups: BTreeMap<Text, usize> = BTreeMap::new();
        let mut layer: Vec<ResourceId> = core.iter().copied().collect();
        let mut at = 0;
        loop {
            while !layer.is_empty() && at < depth {
                let mut next = Vec::new();
                for reference in layer.iter().flat_map(|&id| &self.resource(id).references) {
                    if follow.required_only && !reference.required {
                        continue;
                    }
                    match &reference.target {
                        Target::Resource(name) => {
                            next.extend(self.id(name).filter(|id| selection.resources.insert(*id)));
                        }
                        Target::Abstract(entity) => {
                            groups.entry(entity.clone()).or_insert(at);
                        }
                        Target::Unresolved(_) => {}
                    }
                }
                at += 1;
                layer = next;
            }
            if follow.required_only {
                return selection;
            }
            let unsatisfied = groups.iter().find_map(|(entity, first)| {
                let subclasses = self.subclasses(entity);
                (!subclasses.iter().any(|id| selection.resources.contains(id)))
                    .then(|| (entity.clone(), *first, subclasses))
            });
            let Some((entity, first, subclasses)) = unsatisfied else { return selection };
            groups.remove(&entity);
            selection.one_of.insert(entity);
            selection.resources.extend(&subclasses);
            (layer, at) = (subclasses, first + 1);
        }
    }

    fn method(&self, method: &Method) -> Result<BTreeSet<ResourceId>, SelectError> {
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
                    r.kind != Kind::SchoolYears
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
