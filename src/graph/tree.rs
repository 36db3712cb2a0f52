//! Prerequisites or dependents of a resource as a tree, the way `cargo tree` draws one.

use std::collections::BTreeSet;

use super::{Aim, Authorization, DependencyGraph, Edge, Follow, Link, ResourceId};
use crate::model::{Kind, Target, Text, names_descriptor};

/// Which way a tree grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    /// What the resource needs.
    Prerequisites,
    /// What needs the resource.
    Dependents,
}

/// A tree in the order in which it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Its root.
    pub root: ResourceId,
    /// Its other nodes, each after its parent.
    pub nodes: Vec<TreeNode>,
}

/// One node below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNode {
    /// Distance from the root, from 1.
    pub depth: usize,
    /// Whether it is the last of its siblings.
    pub last: bool,
    /// What it stands for.
    pub what: TreeItem,
    /// Why it is there; nothing where a document states the edge without a reference.
    pub because: Vec<Because>,
    /// Its own nodes are printed elsewhere.
    pub repeated: bool,
}

/// What a node of a tree stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeItem {
    /// A resource.
    Resource(ResourceId),
    /// An abstract resource: any of its subclasses.
    OneOf(Text),
    /// A reference that no document resolves.
    Unresolved(Text),
}

/// The reason for an edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// A reference of the dependent.
    Reference {
        /// Optional references sort after required ones.
        optional: bool,
        /// Whether it contributes to the natural key.
        identifying: bool,
        /// Where it stands.
        path: Text,
        /// The abstract resource it points to, where the tree shows a subclass.
        through: Option<Text>,
    },
    /// Authorization: the association makes this person visible.
    Authorization {
        /// The person.
        person: ResourceId,
    },
}

impl DependencyGraph {
    /// The tree of prerequisites or dependents down to `depth`. A resource that was printed before is
    /// marked instead of being opened again, so the tree has at most one node an edge. Iterative.
    #[must_use]
    pub fn tree(
        &self,
        root: ResourceId,
        towards: Towards,
        follow: Follow,
        depth: usize,
        authorization: &Authorization,
    ) -> Tree {
        let mut nodes = Vec::new();
        let mut opened = BTreeSet::from([root]);
        let mut open: Vec<TreeNode> = self.children(root, 1, towards, follow, authorization);
        while let Some(mut node) = open.pop() {
            if let TreeItem::Resource(id) = node.what {
                let children = self.children(id, node.depth + 1, towards, follow, authorization);
                if children.is_empty() || node.depth >= depth {
                    // Nothing below it to repeat, or not wanted.
                } else if opened.insert(id) {
                    open.extend(children);
                } else {
                    node.repeated = true;
                }
            }
            nodes.push(node);
        }
        Tree { root, nodes }
    }

    /// The nodes below a resource, last first: required ones before optional ones, then by name.
    fn children(
        &self,
        of: ResourceId,
        depth: usize,
        towards: Towards,
        follow: Follow,
        authorization: &Authorization,
    ) -> Vec<TreeNode> {
        let mut children: Vec<(TreeItem, Vec<Because>)> = match towards {
            Towards::Prerequisites => self.needs(of, follow),
            Towards::Dependents => self
                .dependents(of)
                .filter(|edge| follow.follows(self, edge))
                .map(|edge| (TreeItem::Resource(edge.dependent), self.because(edge, follow)))
                .collect(),
        };
        for edge in &authorization.edges {
            let (here, there) = match towards {
                Towards::Prerequisites => (edge.dependent, edge.prerequisite),
                Towards::Dependents => (edge.prerequisite, edge.dependent),
            };
            if here == of {
                let because = Because::Authorization { person: edge.person };
                match children.iter_mut().find(|(item, _)| *item == TreeItem::Resource(there)) {
                    Some((_, reasons)) => reasons.push(because),
                    None => children.push((TreeItem::Resource(there), vec![because])),
                }
            }
        }
        let weight = |because: &[Because]| match because.first() {
            Some(Because::Reference { optional: false, .. }) => 0,
            Some(Because::Authorization { .. }) => 1,
            _ => 2,
        };
        children.sort_by(|a, b| (weight(&a.1), &a.0).cmp(&(weight(&b.1), &b.0)));
        let last = children.len();
        let nodes = children.into_iter().enumerate().map(|(index, (what, because))| TreeNode {
            depth,
            last: index + 1 == last,
            what,
            because,
            repeated: false,
        });
        nodes.rev().collect()
    }

    /// What a resource refers to, an abstract resource as one.
    fn needs(&self, of: ResourceId, follow: Follow) -> Vec<(TreeItem, Vec<Because>)> {
        let mut needs: Vec<(TreeItem, Vec<Because>)> = Vec::new();
        for (reference, aim) in self.aims(of) {
            let (item, descriptor) = match (aim, &reference.target) {
                (Aim::Resource(id), _) if id == of => continue,
                (Aim::Resource(id), _) => (TreeItem::Resource(id), self.resource(id).kind == Kind::Descriptor),
                (_, Target::Unresolved(name)) => (TreeItem::Unresolved(name.clone()), names_descriptor(name)),
                (_, Target::Abstract(entity)) => (TreeItem::OneOf(entity.clone()), false),
                (_, Target::Resource(_)) => continue,
            };
            if follow.required_only && !reference.required || descriptor && !follow.descriptors {
                continue;
            }
            let because = Because::Reference {
                optional: !reference.required,
                identifying: reference.identifying,
                path: reference.path.clone(),
                through: None,
            };
            match needs.iter_mut().find(|(known, _)| *known == item) {
                Some((_, reasons)) => reasons.push(because),
                None => needs.push((item, vec![because])),
            }
        }
        let stated = self.unexplained(of).filter(|edge| follow.follows(self, edge));
        needs.extend(stated.map(|edge| (TreeItem::Resource(edge.prerequisite), Vec::new())));
        for (_, reasons) in &mut needs {
            reasons.sort();
        }
        needs
    }

    /// What makes a link of a chain, required references first, authorization last.
    #[must_use]
    pub fn because_of(&self, link: &Link<'_>) -> Vec<Because> {
        let references = link.edge.map(|edge| self.because(edge, Follow::all())).unwrap_or_default();
        references.into_iter().chain(link.person.map(|person| Because::Authorization { person })).collect()
    }

    /// The references behind an edge, required ones first.
    #[must_use]
    pub fn because(&self, edge: &Edge, follow: Follow) -> Vec<Because> {
        let mut because: Vec<Because> = self
            .references(edge)
            .filter(|r| r.required || !follow.required_only)
            .map(|r| Because::Reference {
                optional: !r.required,
                identifying: r.identifying,
                path: r.path.clone(),
                through: match &r.target {
                    Target::Abstract(entity) => Some(entity.clone()),
                    _ => None,
                },
            })
            .collect();
        because.sort();
        because
    }
}
