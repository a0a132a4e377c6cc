//! rustc's JSON messages, as far as wrappers look at them.

use serde::Deserialize;
use serde_json::value::RawValue;

/// One message: the few members that decide what becomes of it, undecoded (`rustc_errors::json`). All others are skipped.
#[derive(Debug, Deserialize)]
pub struct Message<'a> {
    #[serde(borrow, default)]
    rendered: Option<&'a RawValue>,
    #[serde(borrow, default)]
    emit: Option<&'a RawValue>,
    #[serde(borrow, default)]
    level: Option<&'a RawValue>,
    #[serde(borrow, default)]
    lint_level: Option<&'a RawValue>,
    #[serde(borrow, default)]
    unused_extern_names: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads a line. `None` if it is no JSON object: then it does not come from rustc's emitter.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        if line.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        serde_json::from_slice(line).ok()
    }

    /// Whether it has text for people. That of artifact notices and future-incompatibility reports has not.
    pub fn is_rendered(&self) -> bool {
        self.rendered.is_some_and(|value| value.get().starts_with('"'))
    }

    /// The text for people.
    pub fn rendered(&self) -> Option<String> {
        self.rendered.and_then(|value| serde_json::from_str(value.get()).ok())
    }

    /// Whether it says that the metadata are written (`--json=artifacts`).
    pub fn announces_metadata(&self) -> bool {
        is(self.emit, "\"metadata\"")
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        is(self.level, "\"error\"")
    }

    /// Whether it comes from a lint that makes the compilation fail.
    pub fn is_denied(&self) -> bool {
        is(self.lint_level, "\"deny\"") || is(self.lint_level, "\"forbid\"")
    }

    /// The externs that nothing names (`--json=unused-externs`), if that is what it is about.
    pub fn unused_externs(&self) -> Option<Vec<String>> {
        self.unused_extern_names.and_then(|value| serde_json::from_str(value.get()).ok())
    }
}

fn is(value: Option<&RawValue>, text: &str) -> bool {
    value.is_some_and(|value| value.get() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_an_object() {
        for line in
            ["", "\n", "error", "5", "[1]", "\"rendered\"", "{", "{\"rendered\": \"a\"} b", "{\"rendered\": \"\\uD800\"}}"]
        {
            assert!(Message::parse(line.as_bytes()).is_none(), "{line}");
        }
        assert!(Message::parse(b"{\"rendered\": \"\xff\"}").is_none());
        assert!(Message::parse(b" {} \r\n").is_some_and(|message| !message.is_rendered() && message.rendered().is_none()));
    }

    #[test]
    fn what_it_says_is_read_whatever_else_is_in_it() {
        let line = br#"{"$message_type":"diagnostic","spans":[{"rendered":1}],"level":"error","rendered":"a\u00e9\n\"b\"\n"}"#;
        let message = Message::parse(line).unwrap();
        assert!(message.is_error() && message.is_rendered() && !message.announces_metadata() && !message.is_denied());
        assert_eq!(message.rendered().unwrap(), "a\u{e9}\n\"b\"\n");
        let artifact = Message::parse(br#"{"artifact":"x.rmeta","emit":"metadata","rendered":null}"#).unwrap();
        assert!(artifact.announces_metadata() && !artifact.is_rendered());
        let unused = Message::parse(br#"{"lint_level":"deny","unused_extern_names":["a","b"]}"#).unwrap();
        assert!(unused.is_denied() && unused.unused_externs().unwrap() == ["a", "b"]);
    }
}
