//! What became of each function, for people.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::Reason;

/// What became of the functions of a crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every function with a body that is not inside another or in a macro call, in the order of files and lines.
    pub functions: Vec<Function>,
    /// Files of which nothing was rewritten, and why.
    pub files: Vec<(PathBuf, String)>,
    /// Why no private function was left out, if that is so.
    pub keeps_private: Option<String>,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its file.
    pub file: PathBuf,
    /// Its line, the first being 1: where its attributes and doc comments begin.
    pub line: usize,
    /// Its name, with the type and the modules of the file around it.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its body is `loop {}`.
    Emptied,
    /// It is not in the interface source, because it is private and nothing that is there can name it.
    LeftOut,
    /// It is as it was.
    Stayed(Reason),
}

impl Report {
    /// How many functions there are, how many of them were emptied and how many left out.
    pub fn totals(&self) -> (usize, usize, usize) {
        let count = |outcome: &Outcome| self.functions.iter().filter(|function| function.outcome == *outcome).count();
        (self.functions.len(), count(&Outcome::Emptied), count(&Outcome::LeftOut))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for function in &self.functions {
            if let Outcome::Stayed(reason) = &function.outcome {
                writeln!(f, "{}:{}: `{}` stays: {reason}", function.file.display(), function.line, function.name)?;
                *kinds.entry(reason.to_string()).or_default() += 1;
            }
        }
        for (path, reason) in &self.files {
            writeln!(f, "{}: stays as it is: {reason}", path.display())?;
        }
        if let Some(reason) = &self.keeps_private {
            writeln!(f, "no private function is left out: {reason}")?;
        }
        let (all, emptied, left_out) = self.totals();
        let stayed = all - emptied - left_out;
        write!(f, "{all} functions: {emptied} emptied, {left_out} left out, {stayed} stay")?;
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (reason, count) in kinds {
            write!(f, "\n{count:>6} {reason}")?;
        }
        Ok(())
    }
}
