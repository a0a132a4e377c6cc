//! Where what is in canonical interface source is in the true source.

use super::emit::Copied;

/// One file of interface source and the true one.
#[derive(Clone, Debug)]
pub struct Origins {
    original: String,
    tokens: Vec<Copied>,
}

impl Origins {
    pub(super) fn new(original: String, tokens: Vec<Copied>) -> Self {
        Self { original, tokens }
    }

    /// Whether the true sources are different ones.
    pub fn differs(&self, other: &Self) -> bool {
        self.original != other.original
    }

    /// Where the first thing on a line of the true source is in another true source, whose interface source is the same.
    pub fn line_in(&self, other: &Self, line: usize) -> Option<usize> {
        let start = self.original.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        let end = start + self.original.get(start..)?.split('\n').next()?.len();
        let token = self.tokens.iter().filter(|token| (start..end).contains(&token.from)).min_by_key(|token| token.from)?;
        let moved = other.tokens.iter().find(|other| other.at == token.at)?;
        Some(other.original.get(..moved.from)?.matches('\n').count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::interface::{Crate, Files, Lines, Options};

    struct One(&'static str);

    impl Files for One {
        fn read(&self, _: &Path) -> std::io::Result<String> {
            Ok(self.0.into())
        }
    }

    #[test]
    fn every_kept_line_is_found_where_it_is_now() {
        let origins = |text| {
            let options = Options { lines: Lines::Drop, ..Options::default() };
            let krate = Crate::load(Path::new("a.rs"), &One(text), None).unwrap();
            krate.origins(&options).remove(0).1
        };
        let old = origins("use b::c;\npub fn f(\n    x: u32,\n) -> u32 {\n    x + 1\n}\npub struct S;\n");
        let new = origins("// More.\n\nuse b::c;\npub fn f(x: u32) -> u32 {\n    // More.\n    x + 2\n}\n\npub struct S;\n");
        assert!(old.differs(&new) && !old.differs(&old));
        let lines = [1, 2, 3, 4, 5, 7, 8, 99].map(|line| old.line_in(&new, line));
        assert_eq!(lines, [Some(3), Some(4), Some(4), Some(4), None, Some(9), None, None]);
    }
}
