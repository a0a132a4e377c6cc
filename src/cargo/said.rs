//! What a compiler says, on its way to Cargo and into unit state.

use std::io::Write;

use super::lines::Moved;
use super::unit::Unit;

/// What the compiler says of one unit, line by line.
pub struct Said<'a> {
    unit: &'a Unit,
    moved: Moved<'a>,
    lines: Vec<Vec<u8>>,
}

impl<'a> Said<'a> {
    /// Nothing yet.
    pub fn new(unit: &'a Unit) -> Self {
        Self { unit, moved: Moved::of(unit), lines: Vec::new() }
    }

    /// Whether a line is the message that the `.rmeta` is there: rustc's own words (`rustc_errors::json`, `--json=artifacts`).
    pub fn tells_of_metadata(line: &[u8]) -> bool {
        if !line.starts_with(b"{\"$message_type\":\"artifact\"") {
            return false;
        }
        serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|message| message["emit"] == "metadata")
    }

    /// Tells Cargo that the `.rmeta` is there: then it starts dependents.
    pub fn announce(&self) {
        let Some(rmeta) = self.unit.rmeta.as_deref().filter(|_| self.unit.announces) else { return };
        let message = serde_json::json!({ "$message_type": "artifact", "artifact": rmeta.to_string_lossy(), "emit": "metadata" });
        self.say(format!("{message}\n").as_bytes());
    }

    /// Passes a line on and remembers it.
    pub fn hear(&mut self, line: &[u8]) {
        self.lines.push(line.to_vec());
        self.say(line);
    }

    /// Passes a line on. Places in dependencies are told as they are now.
    pub fn say(&self, line: &[u8]) {
        let now = self.moved.as_it_is_now(line);
        // A reader that has gone away does not stop the compilation.
        drop(std::io::stderr().lock().write_all(now.as_deref().unwrap_or(line)));
    }

    /// All lines that were heard. `None` if one is no UTF-8.
    pub fn lines(&self) -> Option<Vec<String>> {
        self.lines.iter().map(|line| String::from_utf8(line.clone()).ok()).collect()
    }
}
