//! Where what is in canonical interface source is in the true source.

use super::emit::Copied;

/// One file of interface source and the true one.
#[derive(Clone, Debug)]
pub struct Origins {
    text: String,
    original: String,
    tokens: Vec<Copied>,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, the first being 1.
    pub line: usize,
    /// The column in characters, the first being 1.
    pub column: usize,
}

impl Origins {
    pub(super) fn new(text: String, original: String, tokens: Vec<Copied>) -> Self {
        Self { text, original, tokens }
    }

    /// The interface source.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where in the true source a span of the interface source begins and ends, and at which bytes. None if there is no such place.
    pub fn span(&self, start: Position, end: Position) -> Option<[(Position, usize); 2]> {
        let (start, end) = (offset(&self.text, start)?, offset(&self.text, end)?);
        let from = self.origin(start)?;
        // The end is behind the last character of something.
        let to = if end > start { self.origin(end - 1)? + 1 } else { from };
        let to = (from.max(to)..=self.original.len()).find(|&at| self.original.is_char_boundary(at))?;
        Some([(position(&self.original, from)?, from), (position(&self.original, to)?, to)])
    }

    /// The line in the true source of the first token on a line of the interface source.
    pub fn line(&self, line: usize) -> Option<usize> {
        let start = offset(&self.text, Position { line, column: 1 })?;
        let token = self.tokens.get(self.tokens.partition_point(|token| token.at < start))?;
        Some(position(&self.original, token.from)?.line)
    }

    /// A line of the interface source.
    pub fn interface_line(&self, line: usize) -> Option<&str> {
        self.text.lines().nth(line.checked_sub(1)?)
    }

    /// A line of the true source.
    pub fn true_line(&self, line: usize) -> Option<&str> {
        self.original.lines().nth(line.checked_sub(1)?)
    }

    fn origin(&self, at: usize) -> Option<usize> {
        let token = self.tokens.get(self.tokens.partition_point(|token| token.at <= at).checked_sub(1)?)?;
        Some(token.from + (at - token.at).min(token.length))
    }
}

fn offset(text: &str, position: Position) -> Option<usize> {
    let mut start = 0;
    for _ in 1..position.line {
        start += text[start..].find('\n')? + 1;
    }
    let line = text[start..].split('\n').next()?;
    let column = position.column.checked_sub(1)?;
    let within = line.char_indices().map(|(at, _)| at).chain([line.len()]).nth(column)?;
    Some(start + within)
}

fn position(text: &str, offset: usize) -> Option<Position> {
    let before = text.get(..offset)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    Some(Position { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::interface::{Crate, Files, Lines, Options};

    struct One(&'static str);

    impl Files for One {
        fn read(&self, _: &Path) -> std::io::Result<String> {
            Ok(self.0.into())
        }
    }

    #[test]
    fn every_kept_word_is_found_where_it_was() {
        let source = "// A comment.\n\nuse std::fmt; use std::any;\n\npub fn f(\n    first: u8, /* é */ second: u16,\n) -> u8 {\n    helper(first)\n}\n\n\
            fn helper(x: u8) -> u8 { x }\n\n    pub struct\n  S { pub field: u8, }\n";
        let krate = Crate::load(Path::new("lib.rs"), &One(source), None).unwrap();
        let options = Options { lines: Lines::Drop, ..Options::default() };
        let (_, origins) = krate.origins(&options).remove(0);
        for word in ["f", "first", "second", "u16", "S", "field"] {
            let found = origins.text().match_indices(word).find(|(at, _)| {
                let around = [at.checked_sub(1), Some(at + word.len())];
                around.into_iter().flatten().all(|at| !origins.text().as_bytes()[at].is_ascii_alphanumeric())
            });
            let at = found.unwrap().0;
            let ends = [at, at + word.len()].map(|at| position(origins.text(), at).unwrap());
            let [(start, from), (end, to)] = origins.span(ends[0], ends[1]).unwrap();
            assert_eq!(&source[from..to], word, "{}", origins.text());
            let line = origins.true_line(start.line).unwrap();
            let shown: String = line.chars().skip(start.column - 1).take(end.column - start.column).collect();
            assert_eq!(shown, word);
        }
        let line = origins.text().lines().position(|line| line.contains("pub fn f")).unwrap() + 1;
        assert_eq!(origins.line(line), Some(5));
        // From the first to the last of the arguments: over two lines there.
        let interface = origins.interface_line(line).unwrap();
        let columns = [interface.find("f(").unwrap() + 1, interface.find(')').unwrap() + 2];
        let [(start, _), (end, _)] =
            origins.span(Position { line, column: columns[0] }, Position { line, column: columns[1] }).unwrap();
        assert_eq!((start, end), (Position { line: 5, column: 8 }, Position { line: 7, column: 2 }));
        assert_eq!(origins.line(99), None);
        assert_eq!(origins.span(Position { line: 1, column: 999 }, Position { line: 1, column: 999 }), None);
    }
}
