//! Results as JSON documents with a versioned schema.

mod delete;
mod diagnosis;

use std::fmt;
use std::io::Write;

use serde::{Serialize, Serializer};

pub use delete::kept;
pub use diagnosis::{diagnoses, explained};

use crate::graph::{Because, DependencyGraph, Link, Paths, ResourceId, Tree, TreeItem};
use crate::model::{AbstractResource, Metadata, Model, Origin, ResourceName, Text};

/// What stands at the head of every JSON answer.
#[derive(Serialize)]
struct Answer<'a, T> {
    schema: &'a str,
    metadata: Head<'a>,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct Head<'a> {
    name: &'a str,
    fingerprint: &'a str,
}

/// Any result as `{"schema":…,"metadata":…,…}`, indented, with a final newline.
#[must_use]
pub fn answer<T: Serialize>(schema: &str, metadata: &Metadata, body: &T) -> String {
    let head = Head { name: &metadata.name, fingerprint: &metadata.fingerprint };
    pretty(&Answer { schema, metadata: head, body })
}

/// As [`answer`], written out as it is made, for results too large to be held.
///
/// # Errors
///
/// A writer that fails.
pub fn write_answer<T: Serialize>(
    out: &mut impl Write,
    schema: &str,
    metadata: &Metadata,
    body: &T,
) -> std::io::Result<()> {
    let head = Head { name: &metadata.name, fingerprint: &metadata.fingerprint };
    serde_json::to_writer_pretty(&mut *out, &Answer { schema, metadata: head, body })?;
    out.write_all(b"\n")
}

/// A list whose items are made one by one while it is written.
pub struct Each<F>(pub F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl<F> fmt::Debug for Each<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Each")
    }
}

/// A result that carries what it was made of itself, with its schema at the head.
#[derive(Debug, Serialize)]
pub struct Headed<'a, T> {
    schema: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

/// Puts the schema at the head of a result.
pub fn headed<'a, T>(schema: &'a str, body: &'a T) -> Headed<'a, T> {
    Headed { schema, body }
}

/// Any value, indented, with a final newline.
#[must_use]
pub fn pretty<T: Serialize>(value: &T) -> String {
    // Plain data has string keys and no failing parts; there is nothing to report.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// The edges of a tree of prerequisites or dependents.
#[derive(Debug, Serialize)]
pub struct TreeEdges {
    resource: ResourceName,
    edges: Vec<TreeEdge>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TreeEdge {
    depth: usize,
    /// The node of the tree above.
    of: ResourceName,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<ResourceName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    one_of: Option<Vec<ResourceName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unresolved: Option<Text>,
    references: Vec<TreeReference>,
    /// People whose pathway asks for the edge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization: Vec<ResourceName>,
}

#[derive(Debug, Serialize)]
struct TreeReference {
    path: Text,
    required: bool,
    identifying: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<Text>,
}

/// Trees of the subclasses of an abstract resource.
#[derive(Debug, Serialize)]
pub struct Trees {
    /// One a subclass.
    pub subclasses: Vec<TreeEdges>,
}

/// The edges of a tree, each with the node above it.
#[must_use]
pub fn tree_edges(graph: &DependencyGraph, tree: &Tree) -> TreeEdges {
    let mut above = vec![tree.root];
    let edges = tree
        .nodes
        .iter()
        .map(|node| {
            above.truncate(node.depth);
            let of = above.last().copied().unwrap_or(tree.root);
            let mut edge = TreeEdge {
                depth: node.depth,
                of: graph.name(of).clone(),
                resource: None,
                one_of: None,
                entity: None,
                unresolved: None,
                references: Vec::new(),
                authorization: Vec::new(),
            };
            match &node.what {
                TreeItem::Resource(id) => {
                    above.push(*id);
                    edge.resource = Some(graph.name(*id).clone());
                }
                TreeItem::OneOf(entity) => {
                    edge.one_of = Some(graph.subclasses(entity).iter().map(|&id| graph.name(id).clone()).collect());
                    edge.entity = Some(entity.clone());
                }
                TreeItem::Unresolved(name) => edge.unresolved = Some(name.clone()),
            }
            for because in &node.because {
                match because {
                    Because::Reference { optional, identifying, path, through } => {
                        edge.references.push(TreeReference {
                            path: path.clone(),
                            required: !optional,
                            identifying: *identifying,
                            through: through.clone(),
                        })
                    }
                    Because::Authorization { person } => edge.authorization.push(graph.name(*person).clone()),
                }
            }
            edge
        })
        .collect();
    TreeEdges { resource: graph.name(tree.root).clone(), edges }
}

/// Chains of references between two resources.
#[derive(Debug, Serialize)]
pub struct Chains {
    prerequisite: ResourceName,
    dependent: ResourceName,
    chains: Vec<Vec<ChainLink>>,
    truncated: bool,
}

#[derive(Debug, Serialize)]
struct ChainLink {
    prerequisite: ResourceName,
    dependent: ResourceName,
    references: Vec<TreeReference>,
    /// The person whose pathway asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<ResourceName>,
}

/// The chains between two resources, each from the prerequisite on.
#[must_use]
pub fn chains(graph: &DependencyGraph, from: ResourceId, to: ResourceId, paths: &Paths<'_>) -> Chains {
    let link = |link: &Link<'_>| {
        let mut chain_link = ChainLink {
            prerequisite: graph.name(link.prerequisite).clone(),
            dependent: graph.name(link.dependent).clone(),
            references: Vec::new(),
            authorization: link.person.map(|person| graph.name(person).clone()),
        };
        for because in graph.because_of(link) {
            if let Because::Reference { optional, identifying, path, through } = because {
                chain_link.references.push(TreeReference { path, required: !optional, identifying, through });
            }
        }
        chain_link
    };
    Chains {
        prerequisite: graph.name(from).clone(),
        dependent: graph.name(to).clone(),
        chains: paths.chains.iter().map(|chain| chain.iter().map(link).collect()).collect(),
        truncated: paths.truncated,
    }
}

/// An abstract resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Abstract {
    entity: Text,
    key: Vec<Text>,
    subclasses: Vec<ResourceName>,
}

/// An abstract resource with what satisfies it.
#[must_use]
pub fn abstract_resource(found: &AbstractResource) -> Abstract {
    Abstract {
        entity: found.entity.clone(),
        key: found.key.iter().map(|field| field.name.clone()).collect(),
        subclasses: found.subclasses.clone(),
    }
}

#[derive(Serialize)]
struct Standards<'a> {
    schema: &'a str,
    default: &'a str,
    standards: Vec<StandardEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StandardEntry<'a> {
    name: &'a str,
    data_standard: Option<&'a str>,
    extends: Option<&'a str>,
    fingerprint: &'a str,
    resources: usize,
    origins: &'a [Origin],
    limits: &'a [Text],
    settled: &'a [Text],
}

/// The bundled graphs.
#[must_use]
pub fn standards(graphs: &[Model], default: &str) -> String {
    let whole = |graph: &Model| graph.resources.iter().filter(|r| !r.entity.is_empty()).count();
    let standards = graphs
        .iter()
        .map(|graph| StandardEntry {
            name: &graph.metadata.name,
            data_standard: graph.metadata.version.as_deref(),
            extends: graph.metadata.extends.as_deref(),
            fingerprint: &graph.metadata.fingerprint,
            resources: whole(graph),
            origins: &graph.metadata.origins,
            limits: &graph.metadata.limits,
            settled: &graph.metadata.settled,
        })
        .collect();
    pretty(&Standards { schema: "edfi-plan/standards/1", default, standards })
}
