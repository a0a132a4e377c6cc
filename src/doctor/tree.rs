//! The syntax tree of an expanded crate, `-Zunpretty=ast-tree,expanded`, which tells what came out of which macro.
//!
//! Each node has its fields on lines of its own, among them `span: src/lib.rs:1:10: 1:25 (#4)`. The span of what a macro made, which has a context
//! other than `#0`, is its call in the source. The tree is long, so it is asked for only when expansions differ.

use std::hash::Hash;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// What a macro made of the same source at two times.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The macro's call as it is written: `serde::Serialize` of a derive, `#[instrument]`, `now!()`.
    pub name: String,
    /// The first part of the tree that differs.
    pub one: String,
    /// The same place in the other tree.
    pub other: String,
}

/// The macros that make the difference between two trees, in the order of the source.
pub fn differences(one: &str, other: &str) -> Vec<Difference> {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let comparable = |lines: &[&str]| lines.iter().map(|line| without_numbers(line)).collect::<Vec<_>>();
    let mut found: Vec<Difference> = Vec::new();
    for (here, there) in changes(&comparable(&one), &comparable(&other)) {
        let name = call(&one, here.start).or_else(|| call(&other, there.start));
        let name = name.unwrap_or_else(|| "a macro that can't be told".into());
        let at = |lines: &[&str], place: usize| lines.get(place).map_or_else(String::new, |line| line.trim().to_owned());
        if found.iter().all(|known| known.name != name) {
            found.push(Difference { name, one: at(&one, here.start), other: at(&other, there.start) });
        }
    }
    found
}

/// The places where two texts differ.
fn changes<T: Eq + Hash + Ord>(one: &[T], other: &[T]) -> Vec<(Range<usize>, Range<usize>)> {
    // Past this time the places are found less precisely, but never none.
    let deadline = Some(Instant::now() + Duration::from_secs(10));
    let operations = capture_diff_slices_deadline(Algorithm::Myers, one, other, deadline);
    let changes = operations.iter().filter(|operation| !matches!(operation, DiffOp::Equal { .. }));
    changes.map(|operation| (operation.old_range(), operation.new_range())).collect()
}

/// A line without the numbers of nodes and contexts, which depend on all that came before.
fn without_numbers(line: &str) -> String {
    let mut parts = line.split_inclusive(&['#', '(']);
    let mut text: String = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let counted = text.ends_with('#') || text.ends_with("NodeId(");
        text += if counted { part.trim_start_matches(|digit: char| digit.is_ascii_digit()) } else { part };
    }
    text
}

/// The text at the span of the innermost node around a line that a macro made.
fn call(lines: &[&str], at: usize) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut level = indent(lines.get(at)?);
    loop {
        let inside = |place: &usize| lines.get(*place).is_some_and(|line| indent(line) >= level);
        let before = (0..at).rev().take_while(inside);
        let mut fields = before.chain((at..lines.len()).take_while(inside)).filter(|&place| indent(lines[place]) == level);
        if let Some(text) = fields.find_map(|place| source(lines[place].trim().strip_prefix("span: ")?)) {
            return Some(text);
        }
        level = level.checked_sub(4)?;
    }
}

/// The text at `src/lib.rs:1:10: 1:25 (#4),`, unless its context is none.
fn source(span: &str) -> Option<String> {
    let (place, context) = span.trim_end_matches(',').split_once(" (#")?;
    if context == "0)" {
        return None;
    }
    let (start, end) = place.split_once(": ")?;
    let mut start = start.rsplitn(3, ':');
    let (column, line, file) = (start.next()?.parse::<usize>().ok()?, start.next()?.parse::<usize>().ok()?, start.next()?);
    let (end_line, end_column) = end.split_once(':')?;
    let text = std::fs::read_to_string(Path::new(file)).ok()?;
    let text = text.lines().nth(line.checked_sub(1)?)?;
    // Columns count characters. Of a call over several lines, the first says enough.
    let length = if end_line.parse() == Ok(line) { end_column.parse::<usize>().ok()?.checked_sub(column)? } else { text.len() };
    let text: String = text.chars().skip(column.checked_sub(1)?).take(length).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
Item {
    id: NodeId(ID),
    span: src/lib.rs:1:1: 1:10 (#0),
    kind: Const(
        Lit {
            symbol: \"VALUE\",
        },
        span: src/doctor/tree.rs:1:5: 1:8 (#CONTEXT),
    ),
}
";

    fn tree(id: &str, value: &str, context: &str) -> String {
        TREE.replace("ID", id).replace("VALUE", value).replace("CONTEXT", context)
    }

    #[test]
    fn the_innermost_node_that_a_macro_made_has_the_call() {
        let found = differences(&tree("1", "1", "4"), &tree("2", "2", "5"));
        let expected = Difference { name: "The".into(), one: "symbol: \"1\",".into(), other: "symbol: \"2\",".into() };
        assert_eq!(found, [expected]);
        assert_eq!(differences(&tree("1", "1", "0"), &tree("1", "2", "0"))[0].name, "a macro that can't be told");
    }

    #[test]
    fn numbers_of_nodes_and_contexts_are_no_difference() {
        assert_eq!(differences(&tree("1", "1", "4"), &tree("22", "1", "55")), []);
        assert_eq!(without_numbers("a: x#12, NodeId(3), f(4) (#5)"), "a: x#, NodeId(), f(4) (#)");
    }
}
