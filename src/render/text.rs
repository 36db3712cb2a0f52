//! Results for people at a terminal: the answer first, the reason next, the way out last.

mod arrange;
mod audit;
mod check;
mod checklist;
mod delete;
mod delete_records;
mod diagnosis;
mod diff;
mod order;
mod saved_plan;
mod show;
mod trace;
mod tree;

pub use arrange::arrangement;
pub use audit::audit;
pub use check::check;
pub use checklist::checklist;
pub use delete::{delete_plan, kept, key_change};
pub use delete_records::record_plan;
pub use diagnosis::{causes, codes, diagnosis, explained};
pub use diff::diff;
pub use order::{Descriptors, load_plan};
pub use saved_plan::{plan_changes, saved_plan};
pub use show::{abstract_resource, description, list, standards};
pub use trace::affected;
pub use tree::{tree, why};

/// How wide an output may be, in columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width(pub usize);

impl Default for Width {
    /// Where no terminal tells: what a person has at least.
    fn default() -> Self {
        Self(80)
    }
}

/// `1 record`, `2 records`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Items in lines no wider than `width`, separated by `between`; the first line starts with `first`,
/// the others with as many spaces. An item wider than a line stands alone.
pub(crate) fn wrapped(first: &str, items: &[impl AsRef<str>], between: &str, width: Width) -> String {
    let indent = first.chars().count();
    let mut text = first.to_owned();
    let mut used = indent;
    for (index, item) in items.iter().map(AsRef::as_ref).enumerate() {
        let last = index + 1 == items.len();
        let between = if last { "" } else { between };
        let wide = item.chars().count();
        if used > indent && used + wide + between.trim_end().chars().count() > width.0 {
            text.truncate(text.trim_end().len());
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            used = indent;
        }
        text.push_str(item);
        text.push_str(between);
        used += wide + between.chars().count();
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// A sentence in lines no wider than `width`, the first after `first`, the others under `indent` spaces.
pub(crate) fn sentence(first: &str, text: &str, indent: usize, width: Width) -> String {
    let mut lines = first.to_owned();
    let mut used = first.chars().count();
    for (index, word) in text.split(' ').enumerate() {
        let wide = word.chars().count();
        if index > 0 && used > indent && used + 1 + wide > width.0 {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            used = indent;
        } else if index > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += wide;
    }
    lines.push('\n');
    lines
}

/// Rows of columns, each column as wide as its widest cell; where a row would be too wide, all rows
/// break after the first column. Starts each line with two spaces.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]], width: Width) -> String {
    let wide = |column: usize| {
        rows.iter().filter_map(|r| r.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(wide).collect();
    let beside = widths.iter().sum::<usize>() + 2 * N <= width.0;
    let mut text = String::new();
    for row in rows {
        let mut line = String::from("  ");
        for (index, (cell, wide)) in row.iter().zip(&widths).enumerate() {
            if index == 1 && !beside {
                text.push_str(line.trim_end());
                text.push('\n');
                line = " ".repeat(6);
            }
            let wide = if beside { *wide } else { 0 };
            line.push_str(&format!("{cell:wide$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_within_the_width() {
        let items: Vec<String> = ["alpha", "beta", "gamma", "delta"].map(str::to_owned).into();
        assert_eq!(wrapped(" 1  ", &items, "  ", Width(17)), " 1  alpha  beta\n    gamma  delta\n");
        assert_eq!(wrapped("x ", &[""; 0], ", ", Width(10)), "x\n");
        assert_eq!(sentence("", "one two three", 2, Width(9)), "one two\n  three\n");
        let rows = [["a".to_owned(), "b".to_owned()], ["ccc".to_owned(), "d".to_owned()]];
        assert_eq!(columns(&rows, Width(9)), "  a    b\n  ccc  d\n");
        assert_eq!(columns(&rows, Width(7)), "  a\n      b\n  ccc\n      d\n");
    }
}
