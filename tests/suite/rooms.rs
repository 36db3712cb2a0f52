//! Which room may use which: the table of docs/design.md, enforced.

use std::path::{Path, PathBuf};

/// A room and the rooms of ours it may use.
const ROOMS: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("graph", &["model"]),
    ("records", &["model", "graph"]),
    ("api", &["model", "graph", "records"]),
    ("source", &["model", "api"]),
    ("plan", &["model", "graph", "records"]),
    ("diagnosis", &["model", "graph", "records", "plan"]),
    ("render", &["model", "graph", "source", "records", "plan", "diagnosis", "api"]),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its room (`cli` and `main` are the binary's) and its text.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    found
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&src).unwrap();
            let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
            let room = first.trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (room, path, text)
        })
        .collect()
}

#[test]
fn each_room_uses_only_what_it_may() {
    let sources = sources();
    assert!(sources.len() > 30);
    for (room, path, text) in &sources {
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
            assert!(["lib", "main", "cli"].contains(&room.as_str()), "{} is in no room", path.display());
            continue;
        };
        for (other, _) in ROOMS.iter().filter(|(other, _)| other != room && !allowed.contains(other)) {
            assert!(!text.contains(&format!("crate::{other}")), "{} uses the room {other}", path.display());
        }
    }
}

#[test]
fn petgraph_stays_inside_the_graph_room() {
    for (room, path, text) in sources() {
        assert!(room == "graph" || !text.contains("petgraph"), "{}", path.display());
    }
}

#[test]
fn only_the_binary_touches_files_terminal_and_environment() {
    for (room, path, text) in
        sources().into_iter().filter(|(room, ..)| !["cli", "main", "api"].contains(&room.as_str()))
    {
        let library = text.split("#[cfg(test)]").next().unwrap();
        for forbidden in ["std::fs", "std::env", "std::process", "std::io::std"] {
            assert!(!library.contains(forbidden), "{} ({room}) uses {forbidden}", path.display());
        }
    }
}

#[test]
fn there_are_no_mod_files() {
    assert!(sources().iter().all(|(_, path, _)| !path.ends_with("mod.rs")));
}

#[test]
fn comments_point_at_headings_that_there_are() {
    let design = include_str!("../../docs/design.md");
    let headings: Vec<&str> = design.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut pointers = 0;
    for (_, path, text) in sources() {
        for rest in text.split("design.md, \"").skip(1) {
            // A comment may break its line there.
            let words = rest.split('"').next().unwrap().split_whitespace();
            let heading = words.filter(|word| !word.starts_with("//")).collect::<Vec<_>>().join(" ");
            assert!(headings.contains(&heading.as_str()), "{}: no heading '{heading}'", path.display());
            pointers += 1;
        }
    }
    assert!(pointers > 5);
}
