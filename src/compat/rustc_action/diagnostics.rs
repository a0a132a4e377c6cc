//! The compiler's messages, for Buck2 and for people.

use std::collections::HashMap;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::compat::lines::{Lines, Piece};
use crate::compat::message::Message;
use crate::compat::sink::Sink;

/// Reads them piece by piece and hands them on.
pub struct Diagnostics {
    lines: Lines,
    state: State,
}

/// Where messages go, and what has been seen.
pub struct State {
    /// `--diag-json`.
    pub json: Option<Sink>,
    /// `--diag-txt`.
    pub text: Option<Sink>,
    /// `--crate-map`.
    pub crate_map: HashMap<String, String>,
    /// `--buck-target`.
    pub buck_target: Option<String>,
    buffers: Buffers,
    errors: bool,
}

/// What is to be written after this chunk.
#[derive(Default)]
struct Buffers {
    json: Vec<u8>,
    text: Vec<u8>,
    stderr: Vec<u8>,
}

impl State {
    /// Nothing seen yet.
    pub fn new(json: Option<Sink>, text: Option<Sink>, crate_map: HashMap<String, String>, buck_target: Option<String>) -> Self {
        Self { json, text, crate_map, buck_target, buffers: Buffers::default(), errors: false }
    }

    /// A message goes to `--diag-json`, byte for byte, and its text to `--diag-txt` and standard error. Anything else goes to standard
    /// error alone.
    fn process(&mut self, piece: Piece<'_>) {
        let line = match piece {
            Piece::Line(line) => line,
            Piece::Part(part) => return self.buffers.stderr.extend_from_slice(part),
        };
        let Some(message) = Message::parse(line) else { return self.buffers.stderr.extend_from_slice(line) };
        let json = line.trim_ascii();
        match message.unused_externs() {
            Some(names) => {
                // Empty is the compiler's way to say that all is well.
                if !names.is_empty() {
                    self.errors |= message.is_denied();
                    self.report_unused(json, &names);
                }
            }
            None => {
                self.errors |= message.is_error();
                self.buffers.json.extend_from_slice(json);
                self.buffers.json.push(b'\n');
                if let Some(text) = message.rendered() {
                    self.render(&text);
                }
            }
        }
    }

    /// A message on unused dependencies gets the names of their targets.
    fn report_unused(&mut self, json: &[u8], names: &[String]) {
        let mut added = Map::new();
        if let Some(target) = &self.buck_target {
            let mut lines: Vec<String> = names
                .iter()
                .map(|name| self.crate_map.get(name).map_or_else(|| name.clone(), |label| format!("{label}: {name}")))
                .collect();
            lines.sort();
            let text = format!("Target `{target}` has unused dependencies:\n    {}", lines.join("\n    "));
            added.insert("buck_target".into(), target.clone().into());
            added.insert("rendered".into(), text.clone().into());
            self.render(&text);
        }
        let labels = names.iter().filter_map(|name| Some((name.clone(), Value::from(self.crate_map.get(name)?.as_str()))));
        added.insert("unused_deps".into(), Value::Object(labels.collect()));
        // It has members, so these go behind a comma, in the place of its end.
        let members = Value::Object(added).to_string();
        self.buffers.json.extend_from_slice(&json[..json.len() - 1]);
        self.buffers.json.push(b',');
        self.buffers.json.extend_from_slice(&members.as_bytes()[1..]);
        self.buffers.json.push(b'\n');
    }

    fn render(&mut self, text: &str) {
        for buffer in [&mut self.buffers.text, &mut self.buffers.stderr] {
            buffer.extend_from_slice(text.as_bytes());
            buffer.push(b'\n');
        }
    }

    fn write(&mut self) {
        let Buffers { json, text, stderr } = &mut self.buffers;
        for (sink, buffer) in [(&mut self.json, json), (&mut self.text, text), (&mut Some(Sink::Stderr), stderr)] {
            if let Some(sink) = sink.as_mut().filter(|_| !buffer.is_empty()) {
                sink.write(buffer);
            }
            buffer.clear();
        }
    }
}

impl Diagnostics {
    /// Before the first message.
    pub fn new(state: State) -> Self {
        Self { lines: Lines::default(), state }
    }

    /// Takes what the compiler says.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.lines.feed(bytes, |piece| self.state.process(piece));
        self.state.write();
    }

    /// Takes what is left at the end. The result is whether there was an error; or that something could not be written.
    pub fn finish(self) -> Result<bool> {
        let Self { lines, mut state } = self;
        lines.finish(|piece| state.process(piece));
        state.write();
        state.json.map_or(Ok(()), Sink::finish)?;
        state.text.map_or(Ok(()), Sink::finish)?;
        Ok(state.errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes to `--diag-json` and to standard error, and whether there was an error.
    fn process(lines: &[&str], buck_target: Option<&str>) -> (String, String, bool) {
        let crate_map = [("a", "//:a"), ("z", "//:0")].map(|(name, label)| (name.to_owned(), label.to_owned()));
        let mut state = State::new(None, None, crate_map.into(), buck_target.map(str::to_owned));
        lines.iter().for_each(|line| state.process(Piece::Line(line.as_bytes())));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(state.buffers.json), text(state.buffers.stderr), state.errors)
    }

    #[test]
    fn messages_are_copied_and_rendered_and_others_pass() {
        let warning = r#"{ "level": "warning", "rendered": "w\u00e9\n", "z": 1, "a": "é" }"#;
        let artifact = r#"{"artifact":"x","emit":"link"}"#;
        let lines = [&format!("{warning}\r\n"), "text\n", "[1]\n", "7\n", "\"s\"\n", &format!("{artifact}\n"), "no end"];
        let expected = (format!("{warning}\n{artifact}\n"), "wé\n\ntext\n[1]\n7\n\"s\"\nno end".to_owned(), false);
        assert_eq!(process(&lines, None), expected);
        assert!(process(&[r#"{"level":"error"}"#], None).2);
        assert!(!process(&[r#"{"level":"errors"}"#, r#"{"children":[{"level":"error"}]}"#], None).2);
    }

    #[test]
    fn unused_dependencies_get_their_targets() {
        let line = r#"{"lint_level":"warn","unused_extern_names":["a","q","z"]}"#;
        let deps = r#""unused_deps":{"a":"//:a","z":"//:0"}}"#;
        let start = &line[..line.len() - 1];
        assert_eq!(process(&[line], None), (format!("{start},{deps}\n"), String::new(), false));
        let (json, text, error) = process(&[line], Some("//:me"));
        assert_eq!(text, "Target `//:me` has unused dependencies:\n    //:0: z\n    //:a: a\n    q\n");
        let rendered = Value::from(text.trim_end());
        assert_eq!(json, format!("{start},\"buck_target\":\"//:me\",\"rendered\":{rendered},{deps}\n"));
        assert!(!error);
    }

    #[test]
    fn unused_dependencies_may_be_errors_or_noise() {
        for (level, error) in [("deny", true), ("forbid", true), ("warn", false)] {
            let line = format!(r#"{{"lint_level":"{level}","unused_extern_names":["x"]}}"#);
            assert_eq!(process(&[&line], None).2, error, "{level}");
        }
        let empty = r#"{"lint_level":"deny","unused_extern_names":[]}"#;
        assert_eq!(process(&[empty], Some("//:me")), (String::new(), String::new(), false));
    }
}
