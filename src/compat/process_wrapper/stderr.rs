//! What becomes of the standard error of the program that is run.

use std::ops::ControlFlow;

use memchr::memmem;

use super::flags::Format;
use crate::compat::lines::{Lines, Piece};
use crate::compat::message::Message;
use crate::compat::sink::Sink;

/// Reads it piece by piece and hands it on.
pub struct Stderr {
    /// `--output-file`: everything, as it comes.
    pub raw: Option<Sink>,
    /// `--stderr-file` or standard error.
    pub processed: Sink,
    /// How JSON messages are processed, if they are.
    pub messages: Option<Messages>,
}

/// rustc's JSON messages on their way.
pub struct Messages {
    format: Format,
    quits: bool,
    lines: Lines,
    state: State,
}

/// What has been seen.
#[derive(Default)]
struct State {
    /// What is to be written after this chunk.
    out: Vec<u8>,
    /// Lines that are no messages.
    foreign: bool,
    /// The notice that the metadata are written.
    metadata: bool,
}

impl Stderr {
    /// Takes what the program says. Breaks off when it has said all that is wanted.
    pub fn hear(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        if let Some(raw) = &mut self.raw {
            raw.write(bytes);
        }
        let Some(Messages { format, quits, lines, state }) = &mut self.messages else {
            self.processed.write(bytes);
            return ControlFlow::Continue(());
        };
        lines.feed(bytes, |piece| state.process(piece, *format, *quits));
        self.processed.write(&state.out);
        state.out.clear();
        if state.metadata { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Takes what is left at the end. An error if something could not be written.
    pub fn finish(mut self) -> anyhow::Result<Seen> {
        let mut seen = Seen { foreign: false, metadata: false };
        if let Some(Messages { format, quits, lines, mut state }) = self.messages {
            lines.finish(|piece| state.process(piece, format, quits));
            self.processed.write(&state.out);
            seen = Seen { foreign: state.foreign, metadata: state.metadata };
        }
        self.raw.map_or(Ok(()), Sink::finish)?;
        self.processed.finish()?;
        Ok(seen)
    }
}

/// What was seen among the messages.
pub struct Seen {
    /// A line that is no message, and no noise that is known.
    pub foreign: bool,
    /// rustc was ended after it had written the metadata.
    pub metadata: bool,
}

impl Messages {
    /// Messages in this format. `quits`: until the notice that the metadata are written.
    pub fn new(format: Format, quits: bool) -> Self {
        Self { format, quits, lines: Lines::default(), state: State::default() }
    }
}

impl State {
    fn process(&mut self, piece: Piece<'_>, format: Format, quits: bool) {
        if self.metadata {
            return;
        }
        let line = match piece {
            Piece::Line(line) => line,
            Piece::Part(part) => {
                self.foreign = true;
                return self.out.extend_from_slice(part);
            }
        };
        match (Message::parse(line), format) {
            (Some(message), _) if quits && message.announces_metadata() => self.metadata = true,
            (Some(message), Format::Json) if message.is_rendered() => self.out.extend_from_slice(line),
            (Some(message), Format::Rendered) => self.out.extend(message.rendered().unwrap_or_default().into_bytes()),
            (Some(_), Format::Json) => {}
            (None, _) if line.trim_ascii().is_empty() => self.out.extend_from_slice(line),
            (None, Format::Json) if is_noise(line) => self.warn(line),
            (None, _) => {
                // What hollow itself says of an action needs no explanation.
                self.foreign |= !is_noise(line) && !line.starts_with(b"hollow: ");
                self.out.extend_from_slice(line);
            }
        }
    }

    /// Makes a message of a line.
    fn warn(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        let text = serde_json::Value::from(text);
        let message = format!(
            r#"{{"$message_type":"diagnostic","message":{text},"code":null,"level":"warning","spans":[],"children":[],"rendered":{text}}}"#
        );
        self.out.extend(message.into_bytes());
        self.out.push(b'\n');
    }
}

/// What LLVM (about target features) and rustc's own tracing say between the messages.
fn is_noise(line: &[u8]) -> bool {
    line.starts_with(b" WARN ") || memmem::find(line, b"is not a recognized feature for this target (ignoring feature)").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(lines: &[&str], format: Format, quits: bool) -> (String, bool, bool) {
        let mut state = State::default();
        lines.iter().for_each(|line| state.process(Piece::Line(line.as_bytes()), format, quits));
        (String::from_utf8(state.out).unwrap(), state.foreign, state.metadata)
    }

    const DIAGNOSTIC: &str = "{\"rendered\": \"should be\\nin output\"}\n";
    const ARTIFACT: &str = "{\"$message_type\":\"artifact\",\"artifact\":\"a.rmeta\",\"emit\":\"metadata\"}\n";

    #[test]
    fn messages_stay_or_become_text_and_others_are_dropped() {
        let lines = [DIAGNOSTIC, "{\"emit\": \"link\"}\n", ARTIFACT, "{\"rendered\": null}\n", DIAGNOSTIC];
        assert_eq!(process(&lines, Format::Json, false), (DIAGNOSTIC.repeat(2), false, false));
        let text = "should be\nin outputshould be\nin output".to_owned();
        assert_eq!(process(&lines, Format::Rendered, false), (text, false, false));
    }

    #[test]
    fn the_notice_of_the_metadata_is_the_last_message() {
        let lines = [DIAGNOSTIC, ARTIFACT, "{\"rendered\": \"should not be in output\"}\n"];
        assert_eq!(process(&lines, Format::Json, true), (DIAGNOSTIC.into(), false, true));
        assert_eq!(process(&lines, Format::Rendered, true), ("should be\nin output".into(), false, true));
    }

    #[test]
    fn known_noise_becomes_a_warning() {
        let noise =
            ["'+zaamo' is not a recognized feature for this target (ignoring feature)\n", " WARN rustc_errors::emitter \"x\"\n"];
        let (out, foreign, _) = process(&noise, Format::Json, false);
        assert!(!foreign);
        for (line, noise) in out.lines().zip(noise) {
            let message: serde_json::Value = serde_json::from_str(line).unwrap();
            let expected = serde_json::json!({"$message_type": "diagnostic", "message": noise.trim_end(), "code": null, "level": "warning",
                "spans": [], "children": [], "rendered": noise.trim_end()});
            assert_eq!(message, expected);
        }
        assert_eq!(process(&noise, Format::Rendered, false), (noise.concat(), false, false));
    }

    #[test]
    fn what_is_no_message_stays_as_it_is() {
        let lines = ["ERROR!\n", DIAGNOSTIC, "\n", "5\n", "[]\n", "{\"rendered\"\n", "thread panicked"];
        assert_eq!(process(&lines, Format::Json, false), (lines.concat(), true, false));
        assert_eq!(process(&["\n", " \n"], Format::Json, false), ("\n \n".into(), false, false));
    }
}
