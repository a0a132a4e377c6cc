//! rustc's JSON messages, as far as wrappers look at them.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Where the values begin in a diagnostic of rustc's. Made once, since that takes longer than a search.
static LEVEL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""level":""#));
static RENDERED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","rendered":""#));

/// One message: the few members that decide what becomes of it, undecoded (`rustc_errors::json`). All others are skipped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    rendered: Option<&'a str>,
    emit: Option<&'a str>,
    level: Option<&'a str>,
    lint_level: Option<&'a str>,
    unused_extern_names: Option<&'a str>,
}

/// The same, as serde reads it.
#[derive(Deserialize)]
struct Members<'a> {
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
        let line = line.trim_ascii();
        if line.first() != Some(&b'{') {
            return None;
        }
        Self::diagnostic(line).or_else(|| {
            let Members { rendered, emit, level, lint_level, unused_extern_names } = serde_json::from_slice(line).ok()?;
            let text = |value: Option<&'a RawValue>| value.map(RawValue::get);
            Some(Self {
                rendered: text(rendered),
                emit: text(emit),
                level: text(level),
                lint_level: text(lint_level),
                unused_extern_names: text(unused_extern_names),
            })
        })
    }

    /// Reads a diagnostic of rustc's without looking at most of it, which is several times as fast. `None` if it is not exactly as rustc
    /// writes it: `level` before all other objects that have one, and `rendered` as the last member.
    ///
    /// A quotation mark in a text has a backslash before it, so a name between plain quotation marks is the name of a member.
    fn diagnostic(line: &'a [u8]) -> Option<Self> {
        let members = line.strip_prefix(br#"{"$message_type":"diagnostic","#)?.strip_suffix(b"}")?;
        let level = &members[LEVEL.find(members)? + LEVEL.needle().len() - 1..];
        let level = &level[..memchr(b'"', &level[1..])? + 2];
        let rendered = &members[RENDERED.find(members)? + RENDERED.needle().len() - 1..];
        let ends = |&at: &usize| rendered[..at].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 0;
        let end = memchr_iter(b'"', rendered).skip(1).find(ends)?;
        let text = |bytes| str::from_utf8(bytes).ok();
        (end + 1 == rendered.len()).then_some(Self {
            level: Some(text(level)?),
            rendered: Some(text(rendered)?),
            ..Self::default()
        })
    }

    /// Whether it has text for people. That of artifact notices and future-incompatibility reports has not.
    pub fn is_rendered(&self) -> bool {
        self.rendered.is_some_and(|value| value.starts_with('"'))
    }

    /// The text for people.
    pub fn rendered(&self) -> Option<String> {
        self.rendered.and_then(|value| serde_json::from_str(value).ok())
    }

    /// Whether it says that the metadata are written (`--json=artifacts`).
    pub fn announces_metadata(&self) -> bool {
        self.emit == Some("\"metadata\"")
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.level == Some("\"error\"")
    }

    /// Whether it comes from a lint that makes the compilation fail.
    pub fn is_denied(&self) -> bool {
        self.lint_level.is_some_and(|level| [r#""deny""#, r#""forbid""#].contains(&level))
    }

    /// The externs that nothing names (`--json=unused-externs`), if that is what it is about.
    pub fn unused_externs(&self) -> Option<Vec<String>> {
        self.unused_extern_names.and_then(|value| serde_json::from_str(value).ok())
    }
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

    #[test]
    fn the_short_way_leads_to_the_same() {
        let start =
            r#"{"$message_type":"diagnostic","message":"\"level\":\"error\" \\","code":{"code":"E0308"},"level":"warning","#;
        let child = r#""children":[{"level":"help","rendered":null,"message":"\\"}],"#;
        for (end, is_short) in [
            (r#""rendered":"a\n\"rendered\":\" \\"}"#, true),
            (r#""rendered":""}"#, true),
            (r#""rendered":"é\u001b\\\"b"}"#, true),
            (r#""rendered":"a","other":"b"}"#, false),
            (r#""rendered":null}"#, false),
            (r#""rendered" : "a"}"#, false),
        ] {
            let line = format!("{start}{child}{end}");
            let short = Message::diagnostic(line.as_bytes());
            assert_eq!(short.is_some(), is_short, "{line}");
            let parsed = Message::parse(line.as_bytes()).unwrap();
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!((parsed.level, parsed.rendered().as_deref()), (Some("\"warning\""), value["rendered"].as_str()), "{line}");
        }
        for cut in [
            r#"{"$message_type":"diagnostic","level":"a"#,
            r#"{"$message_type":"diagnostic","level":"a","rendered":"b\"}"#,
            r#"{"$message_type":"diagnostic","#,
        ] {
            assert!(Message::parse(cut.as_bytes()).is_none(), "{cut}");
        }
    }
}
