//! `--explain`: what was decided, and why.

use std::fmt;
use std::io::Write;

/// Takes the decisions, one line each. Text is made only if somebody reads it.
pub enum Explain {
    /// Nobody asked.
    Silent,
    /// Onto standard error.
    Stderr,
    /// Into a list.
    Collected(Vec<String>),
}

impl Explain {
    /// Notes a decision.
    pub fn note(&mut self, text: fmt::Arguments<'_>) {
        match self {
            Self::Silent => {}
            // A reader that has gone away does not stop the action.
            Self::Stderr => drop(writeln!(std::io::stderr(), "hollow: {text}")),
            Self::Collected(lines) => lines.push(text.to_string()),
        }
    }
}
