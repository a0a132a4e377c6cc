//! `${KEY}` and `{KEY}`, in one pass whatever the number of keys.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::memchr;

/// What stands for what. Of two values for one key the first counts, as if the substitutions were made in their order; but what was
/// inserted is not looked at again.
#[derive(Clone, Debug)]
pub struct Substitutions {
    open: &'static str,
    values: HashMap<Vec<u8>, Vec<u8>>,
    longest: usize,
}

impl Substitutions {
    /// Of `${KEY}`.
    pub fn dollar() -> Self {
        Self { open: "${", values: HashMap::new(), longest: 0 }
    }

    /// Of `{KEY}`.
    pub fn braces() -> Self {
        Self { open: "{", values: HashMap::new(), longest: 0 }
    }

    /// Adds one.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        self.longest = self.longest.max(key.len());
        self.values.entry(key.to_vec()).or_insert_with(|| value.to_vec());
    }

    /// The text with every key replaced; the text itself if there is none in it.
    pub fn apply<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut replaced = Vec::new();
        let (mut copied, mut from) = (0, 0);
        while let Some(at) = memchr(self.open.as_bytes()[0], &text[from..]).filter(|_| !self.values.is_empty()) {
            let open = from + at;
            let rest = text[open..].strip_prefix(self.open.as_bytes()).unwrap_or_default();
            let key = memchr(b'}', &rest[..rest.len().min(self.longest + 1)]).map(|end| &rest[..end]);
            from = open + 1;
            if let Some((key, value)) = key.and_then(|key| self.values.get_key_value(key)) {
                replaced.extend_from_slice(&text[copied..open]);
                replaced.extend_from_slice(value);
                copied = open + self.open.len() + key.len() + 1;
                from = copied;
            }
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        replaced.extend_from_slice(&text[copied..]);
        Cow::Owned(replaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_replaced_and_nothing_else() {
        let mut dollar = Substitutions::dollar();
        for (key, value) in [("pwd", "/here"), ("out", "${pwd}"), ("pwd", "/second"), ("", "empty"), ("a b", "$"), ("gone", "")] {
            dollar.add(key.as_bytes(), value.as_bytes());
        }
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("${pwd}/a:${pwd}", "/here/a:/here"),
            ("$pwd {pwd} ${pwd ${PWD} ${pwd2}", "$pwd {pwd} ${pwd ${PWD} ${pwd2}"),
            ("${out}", "${pwd}"),
            ("${${pwd}}", "${/here}"),
            ("$${pwd}}", "$/here}"),
            ("${}${a b}{pwd}", "empty${pwd}"),
            ("x${gone}y", "xy"),
            ("${gone}", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&dollar.apply(text.as_bytes())), expected, "{text}");
        }
        assert!(matches!(dollar.apply(b"${nothing}"), Cow::Borrowed(_)));
    }

    #[test]
    fn stamps_have_no_dollar() {
        let mut stamps = Substitutions::braces();
        stamps.add(b"BUILD_USER", b"me");
        assert_eq!(&*stamps.apply(b"{BUILD_USER}, ${BUILD_USER}, {BUILD_USER, {{BUILD_USER}}"), b"me, $me, {BUILD_USER, {me}");
        assert_eq!(&*Substitutions::braces().apply(b"{}"), b"{}");
    }

    #[test]
    fn many_braces_take_no_longer() {
        let mut stamps = Substitutions::braces();
        stamps.add(b"KEY", b"v");
        let text = [b"{".repeat(1 << 20), b"KEY}".to_vec()].concat();
        assert_eq!(stamps.apply(&text).len(), (1 << 20));
    }
}
