//! A generated program: its three crates as trees of parts, each of which can go.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// The crates, each of which may use those before it.
pub const CRATES: [&str; 3] = ["base", "middle", "main"];

/// The crates that all programs share, each of which may use those before it, and whether it is a library.
pub const SHARED: [(&str, bool, &str); 6] = [
    ("mac", true, include_str!("../../../fixtures/differential/mac.rs")),
    ("derives", false, include_str!("../../../fixtures/differential/derives.rs")),
    ("places", true, include_str!("../../../fixtures/differential/places.rs")),
    ("spans", false, include_str!("../../../fixtures/differential/spans.rs")),
    ("alloc_one", true, include_str!("../../../fixtures/differential/alloc_one.rs")),
    ("alloc_two", true, include_str!("../../../fixtures/differential/alloc_two.rs")),
];

/// What every crate is compiled with.
pub const FLAGS: [&str; 2] = ["--cap-lints=allow", "--cfg=on"];

/// A part of a crate: lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Text(String),
    /// A function with a body, which begins with its attributes.
    Function(String),
    /// What is inside may go by itself. A macro call may do anything with it.
    Group {
        open: String,
        inner: Vec<Node>,
        close: String,
        is_macro: bool,
    },
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub crates: [Vec<Node>; 3],
}

impl Program {
    /// The text of a crate.
    pub fn source(&self, index: usize) -> String {
        let mut text = String::new();
        write(&self.crates[index], &mut text);
        text
    }

    /// Removes what is on these lines of a crate; whether there was anything.
    pub fn remove_lines(&mut self, index: usize, lines: &BTreeSet<usize>) -> bool {
        let before = self.size();
        remove_lines(&mut self.crates[index], &mut 1, lines);
        self.size() < before
    }

    /// How many parts there are, each group being one besides those inside.
    pub fn size(&self) -> usize {
        self.crates.iter().map(|nodes| size(nodes)).sum()
    }

    /// The program without the parts that have these numbers, and what is inside them.
    pub fn without(&self, parts: &Range<usize>) -> Self {
        let mut program = self.clone();
        let mut number = 0;
        program.crates.iter_mut().for_each(|nodes| remove(nodes, &mut number, parts));
        program
    }

    /// The functions of a crate that no macro gets, each with the line where it begins.
    pub fn functions(&mut self, index: usize) -> Vec<(usize, &mut String)> {
        let mut found = Vec::new();
        functions(&mut self.crates[index], &mut 1, &mut found);
        found
    }

    /// The program as a fixture of `fixtures/rules/`.
    pub fn fixture(&self, rule: &str, prints: &str) -> String {
        let sources = [0, 1, 2].map(|index| self.source(index));
        let mut used: Vec<&str> = Vec::new();
        for (name, ..) in SHARED.iter().rev() {
            let is_used = sources.iter().map(String::as_str).chain(shared(&used)).any(|text| text.contains(name));
            if is_used {
                used.push(name);
            }
        }
        let mut text = format!("//# rule: {rule}\n//# prints: {}\n", prints.trim_end().replace('\n', "\\n"));
        text += "//# off: nothing\n//# breaks: nothing, to be found out\n";
        for (name, is_library, source) in SHARED.iter().filter(|(name, ..)| used.contains(name)) {
            let kind = if *is_library { "library" } else { "proc-macro" };
            write!(text, "//# crate: {name} {kind} {}\n{source}", FLAGS.join(" ")).unwrap();
        }
        for (name, source) in CRATES.iter().zip(sources) {
            let kind = if *name == "main" { "program" } else { "library" };
            if *name == "main" || !source.is_empty() {
                write!(text, "//# crate: {name} {kind} {}\n{source}", FLAGS.join(" ")).unwrap();
            }
        }
        text
    }
}

fn shared<'a>(names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    SHARED.iter().filter(|(name, ..)| names.contains(name)).map(|(.., source)| *source)
}

impl Node {
    fn lines(&self) -> usize {
        let count = |text: &str| text.matches('\n').count();
        match self {
            Self::Text(text) | Self::Function(text) => count(text),
            Self::Group { open, inner, close, .. } => count(open) + inner.iter().map(Self::lines).sum::<usize>() + count(close),
        }
    }
}

fn write(nodes: &[Node], text: &mut String) {
    for node in nodes {
        match node {
            Node::Text(part) | Node::Function(part) => text.push_str(part),
            Node::Group { open, inner, close, .. } => {
                text.push_str(open);
                write(inner, text);
                text.push_str(close);
            }
        }
    }
}

fn remove_lines(nodes: &mut Vec<Node>, line: &mut usize, lines: &BTreeSet<usize>) {
    nodes.retain_mut(|node| {
        let end = *line + node.lines();
        let keep = match node {
            Node::Group { open, inner, .. } => {
                let mut inside = *line + open.matches('\n').count();
                let opens = *line..inside;
                remove_lines(inner, &mut inside, lines);
                !lines.iter().any(|line| opens.contains(line))
            }
            _ => lines.range(*line..end).next().is_none(),
        };
        *line = end;
        keep
    });
}

fn size(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| if let Node::Group { inner, .. } = node { 1 + size(inner) } else { 1 }).sum()
}

fn remove(nodes: &mut Vec<Node>, number: &mut usize, parts: &Range<usize>) {
    nodes.retain_mut(|node| {
        let keep = !parts.contains(number);
        *number += 1;
        if let Node::Group { inner, .. } = node {
            remove(inner, number, parts);
        }
        keep
    });
}

fn functions<'a>(nodes: &'a mut [Node], line: &mut usize, found: &mut Vec<(usize, &'a mut String)>) {
    for node in nodes {
        let end = *line + node.lines();
        match node {
            Node::Function(text) => found.push((*line, text)),
            Node::Group { open, inner, is_macro: false, .. } => {
                functions(inner, &mut (*line + open.matches('\n').count()), found);
            }
            _ => {}
        }
        *line = end;
    }
}
