//! What a compiler says, on its way to Cargo and into unit state.

use std::io::Write;

use super::spans;
use super::unit::Unit;

/// What the compiler says of one unit, line by line.
pub struct Said<'a> {
    unit: &'a Unit,
    lines: Vec<Vec<u8>>,
}

impl<'a> Said<'a> {
    /// Nothing yet.
    pub fn new(unit: &'a Unit) -> Self {
        Self { unit, lines: Vec::new() }
    }

    /// Whether a line is the message that the `.rmeta` is there: rustc's own words (`rustc_errors::json`, `--json=artifacts`).
    pub fn tells_of_metadata(line: &[u8]) -> bool {
        if !line.starts_with(b"{\"$message_type\":\"artifact\"") {
            return false;
        }
        serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|message| message["emit"] == "metadata")
    }

    /// Tells Cargo that the `.rmeta` is there: then it starts dependents.
    pub fn announce(&mut self) {
        let Some(rmeta) = self.unit.rmeta.as_deref().filter(|_| self.unit.announces) else { return };
        let message = serde_json::json!({ "$message_type": "artifact", "artifact": rmeta.to_string_lossy(), "emit": "metadata" });
        self.say(format!("{message}\n").as_bytes());
    }

    /// Passes a line on and remembers it.
    pub fn hear(&mut self, line: &[u8]) {
        self.lines.push(line.to_vec());
        self.say(line);
    }

    /// Passes a line on. Places in interface source become those in the true source, as it is now.
    pub fn say(&mut self, line: &[u8]) {
        let translated = spans::in_true_source(line);
        // A reader that has gone away does not stop the compilation.
        drop(std::io::stderr().lock().write_all(translated.as_deref().unwrap_or(line)));
    }

    /// How many errors were heard.
    pub fn errors(&self) -> usize {
        let is_error = |line: &&Vec<u8>| {
            let message = serde_json::from_slice::<serde_json::Value>(line).unwrap_or_default();
            // The last one only counts the others.
            message["level"] == "error" && !message["message"].as_str().is_some_and(|text| text.starts_with("aborting due to"))
        };
        self.lines.iter().filter(is_error).count()
    }

    /// All lines that were heard. `None` if one is no UTF-8.
    pub fn into_lines(self) -> Option<Vec<String>> {
        self.lines.into_iter().map(|line| String::from_utf8(line).ok()).collect()
    }
}
