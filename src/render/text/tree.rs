//! Trees and chains as text.

use super::{Width, columns, count, wrapped};
use crate::graph::{Because, DependencyGraph, Link, Paths, Tree, TreeItem, TreeNode};

/// A tree as `cargo tree` draws it, each node with the references behind it.
#[must_use]
pub fn tree(graph: &DependencyGraph, tree: &Tree, width: Width) -> String {
    let rows = rows(graph, tree);
    let wide = |cell: &dyn Fn(&Row) -> usize| rows.iter().map(cell).max().unwrap_or_default();
    let name_width = wide(&|row| chars(&row.name));
    let path_width = wide(&|row| row.reasons.iter().map(|(path, _)| chars(path)).max().unwrap_or_default());
    let flag_width = wide(&|row| row.reasons.iter().map(|(_, flags)| chars(flags)).max().unwrap_or_default());
    // In columns where all rows fit; else each row on one line where it fits by itself.
    let (name_width, path_width) =
        if name_width + path_width + flag_width + 4 <= width.0 { (name_width, path_width) } else { (0, 0) };

    let mut text = format!("{}\n", graph.name(tree.root).short());
    for row in &rows {
        let mut reasons = row.reasons.iter().peekable();
        let fits = |(path, flags): &(String, String)| {
            chars(&row.name).max(name_width) + chars(path).max(path_width) + chars(flags) + 4 <= width.0
        };
        match reasons.next_if(|reason| fits(reason)) {
            Some((path, flags)) => push_cells(&mut text, &[(&row.name, name_width), (path, path_width), (flags, 0)]),
            None => push_cells(&mut text, &[(&row.name, 0)]),
        }
        for (path, flags) in reasons {
            push_cells(&mut text, &[(&row.below, name_width), (path, path_width), (flags, 0)]);
        }
    }
    if rows.is_empty() {
        text.push_str("  nothing\n");
    }
    text
}

/// Cells of a line, each at least as wide as told, empty ones without a column left out.
fn push_cells(text: &mut String, cells: &[(&str, usize)]) {
    let cells = cells.iter().filter(|(cell, wide)| !cell.is_empty() || *wide > 0);
    let line: Vec<String> = cells.map(|(cell, wide)| format!("{cell:wide$}")).collect();
    text.push_str(line.join("  ").trim_end());
    text.push('\n');
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

struct Row {
    /// Branches and the name.
    name: String,
    /// Branches to go on with under it.
    below: String,
    /// Path and flags.
    reasons: Vec<(String, String)>,
}

fn rows(graph: &DependencyGraph, tree: &Tree) -> Vec<Row> {
    // For each level above, whether more siblings follow.
    let mut open: Vec<bool> = Vec::new();
    tree.nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            open.truncate(node.depth - 1);
            let trunk: String = open.iter().map(|more| if *more { "│   " } else { "    " }).collect();
            open.push(!node.last);
            let deeper = tree.nodes.get(index + 1).is_some_and(|next| next.depth > node.depth);
            Row {
                name: format!("{trunk}{}{}", if node.last { "└── " } else { "├── " }, name(graph, node)),
                below: format!("{trunk}{}{}", if node.last { "    " } else { "│   " }, if deeper { "│" } else { " " }),
                // What was shown once is not explained again.
                reasons: node.because.iter().map(|b| reason(graph, b)).collect(),
            }
        })
        .collect()
}

fn name(graph: &DependencyGraph, node: &TreeNode) -> String {
    let name = match &node.what {
        TreeItem::Resource(id) => graph.name(*id).short().to_owned(),
        TreeItem::OneOf(entity) => format!("one of {entity} ({})", graph.subclasses(entity).len()),
        TreeItem::Unresolved(name) => format!("{name} (unresolved)"),
    };
    if node.repeated { format!("{name} (*)") } else { name }
}

fn reason(graph: &DependencyGraph, because: &Because) -> (String, String) {
    match because {
        Because::Reference { optional, identifying, path, through } => {
            let mut flags = vec![if *optional { "optional" } else { "required" }.to_owned()];
            flags.extend(identifying.then(|| "identifying".to_owned()));
            flags.extend(through.as_ref().map(|entity| format!("as {entity}")));
            (path.to_string(), flags.join(", "))
        }
        Because::Authorization { person } => {
            (String::new(), format!("authorization: makes {} visible", graph.name(*person).short()))
        }
    }
}

/// Why one resource comes before another: chains of references, the shortest first.
#[must_use]
pub fn why(graph: &DependencyGraph, paths: &Paths<'_>, longer: Option<usize>, width: Width) -> String {
    let mut text = String::new();
    for (index, chain) in paths.chains.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&one_chain(graph, chain, width));
    }
    if let Some(longer) = longer.filter(|n| *n > 0) {
        let more = if paths.truncated { "more than " } else { "" };
        let chains = count(longer, "other chain", "other chains");
        text.push_str(&format!("{more}{chains}; --all shows them.\n"));
    } else if paths.truncated {
        text.push_str("There are more chains than these.\n");
    }
    text
}

fn one_chain(graph: &DependencyGraph, chain: &[Link<'_>], width: Width) -> String {
    let mut names: Vec<&str> = chain.first().map(|link| graph.name(link.prerequisite).short()).into_iter().collect();
    names.extend(chain.iter().map(|link| graph.name(link.dependent).short()));
    let items: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(i, name)| if i == 0 { (*name).to_owned() } else { format!("→ {name}") })
        .collect();
    let rows: Vec<[String; 2]> = chain
        .iter()
        .flat_map(|link| graph.because_of(link).into_iter().map(move |because| (link.dependent, because)))
        .map(|(dependent, because)| {
            let (path, flags) = reason(graph, &because);
            let dependent = graph.name(dependent).short();
            [if path.is_empty() { dependent.to_owned() } else { format!("{dependent}.{path}") }, flags]
        })
        .collect();
    format!("{}{}", wrapped("", &items, " ", width), columns(&rows, width))
}
