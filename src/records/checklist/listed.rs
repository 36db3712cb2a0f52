//! A checklist as it is printed: every reference in turn, and below it what the record needs that it points to.

use std::collections::BTreeSet;

use super::{Checklist, Edge, End, Node, State};
use crate::graph::{Found, ResourceId};
use crate::model::Text;
use crate::records::check::Position;
use crate::records::keys::KeyValues;
use crate::records::need::{NamedRecord, Need, Standing};
use crate::records::store::Place;

impl Checklist<'_, '_, '_> {
    /// Everything that was found, as it is printed: below each reference what the record needs that it
    /// points to, once.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        let mut shown = BTreeSet::new();
        let several = self.payloads.len() > 1;
        for (payload, (line, edges)) in (1..).zip(&self.payloads) {
            self.list(edges, several.then_some((payload, *line)), &mut shown, &mut needs);
        }
        needs
    }

    /// The same of one payload alone, by its place among those that were added. O(what it needs).
    #[must_use]
    pub fn needs_of(&self, payload: usize) -> Vec<Need> {
        let mut needs = Vec::new();
        if let Some((_, edges)) = self.payloads.get(payload) {
            self.list(edges, None, &mut BTreeSet::new(), &mut needs);
        }
        needs
    }

    /// Lists references and what is below them, unless that is `shown` already.
    fn list(&self, edges: &[Edge], payload: Option<(usize, u64)>, shown: &mut BTreeSet<usize>, needs: &mut Vec<Need>) {
        let mut open = vec![edges.iter()];
        while let Some(edges) = open.last_mut() {
            let Some(edge) = edges.next() else {
                open.pop();
                continue;
            };
            let mut need = self.need(edge, payload, open.len() - 1);
            let below = self.below(edge).and_then(|number| Some((number, self.nodes.get(number)?)));
            if let Some((number, node)) = below {
                need.repeated = !shown.insert(number);
                if !need.repeated {
                    open.push(node.edges.iter());
                }
            }
            needs.push(need);
        }
    }

    /// What a resource or an abstract one is called.
    pub(super) fn named(&self, of: Found) -> Text {
        match of {
            Found::Resource(id) => self.graph.name(id).as_str().into(),
            Found::Abstract(place) => {
                self.graph.abstracts().get(place).map(|above| above.entity.clone()).unwrap_or_default()
            }
        }
    }

    /// The record whose needs stand below a reference. What one of a subclass needs is all that it needs as one
    /// of the superclass, and more.
    fn below(&self, edge: &Edge) -> Option<usize> {
        let End::Record(number) = edge.end else { return None };
        let needs = |number: &usize| self.nodes.get(*number).is_some_and(|node| !node.edges.is_empty());
        let same = self.concrete(number);
        // What the list refers to as one of a subclass can be assumed to exist where any other could be missing.
        let exists = |number: usize| {
            let node = self.nodes.get(number);
            node.is_some_and(|node| matches!(node.standing, State::Is(Standing::Assumed)))
        };
        let own = Some(number).filter(|_| !same.is_some_and(exists));
        same.filter(needs).or(own.filter(needs))
    }

    /// The subclasses of what nothing supplies, where that is abstract.
    fn one_of(&self, node: &Node) -> &[ResourceId] {
        match node.standing {
            State::InFile(_) | State::Is(Standing::Present) => &[],
            State::Is(_) => self.graph.subclasses(&node.target),
        }
    }

    /// The record of a subclass that a record of an abstract resource is: the only one of its key in the list,
    /// for an API takes no second. O(subclasses · log).
    fn concrete(&self, number: usize) -> Option<usize> {
        let node = self.nodes.get(number)?;
        let of_subclass =
            |id: &ResourceId| self.known.get(&(Text::new(self.graph.name(*id).as_str()), node.identity)).copied();
        let mut found = self.one_of(node).iter().filter_map(of_subclass);
        found.next().filter(|_| found.next().is_none())
    }

    /// A need, with the number and line of its payload where there are several.
    fn need(&self, edge: &Edge, payload: Option<(usize, u64)>, depth: usize) -> Need {
        let position = |place: Place| Position {
            file: self.scan.map(|scan| scan.file_name(place).to_owned()).unwrap_or_default(),
            line: self.lines.get(&place).copied().unwrap_or_default(),
        };
        let number = match edge.end {
            End::Record(number) => Some(number),
            End::Nowhere(..) => None,
        };
        let node = number.and_then(|number| self.nodes.get(number));
        let same = number.and_then(|number| self.concrete(number)).and_then(|number| self.nodes.get(number));
        let stands = |node: &Node| match &node.standing {
            State::InFile(place) => (Standing::Supplied(position(*place)), None),
            State::Is(standing) => (standing.clone(), node.why),
        };
        let ((standing, why), key) = match (&edge.end, node) {
            (End::Nowhere(standing, why, key), _) => ((standing.clone(), *why), key.clone()),
            (End::Record(_), Some(node)) => (stands(same.unwrap_or(node)), node.key.clone()),
            (End::Record(_), None) => ((Standing::Unknown, None), KeyValues::new()),
        };
        let is_open = same.is_none() && standing != Standing::Assumed;
        let one_of = node.filter(|_| is_open).map(|node| self.one_of(node)).unwrap_or_default();
        let same_as = |node: &Node| {
            let resource = node.target.parse().ok()?;
            Some(NamedRecord { resource, key: node.key.clone() })
        };
        Need {
            depth,
            payload: payload.map(|(payload, _)| payload),
            line: payload.map(|(_, line)| line),
            of: self.named(edge.of),
            at: edge.at.map(position),
            path: edge.path.clone(),
            target: edge.target.clone(),
            alternatives: Vec::new(),
            required: edge.required,
            key,
            standing,
            why,
            one_of: one_of.iter().map(|id| self.graph.name(*id).clone()).collect(),
            same_as: same.and_then(same_as),
            repeated: false,
        }
    }
}
