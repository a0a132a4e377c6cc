//! Items that are there for the crate's own tests only: without `cfg(test)` rustc throws them away before it looks at them, so interface source is
//! made as if they were not there. Their imports would make names doubtful, and their size is often half of a file.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::lex::{Kind, Tokens, lex, preamble};
use super::scan::attributes;
use super::tree::Files;
use super::verbatim::{behind_attribute, end_of_item, keyword};

/// Files without what is compiled for tests only.
#[derive(Clone, Copy, Debug)]
pub struct WithoutTests<F>(pub F);

impl<F: Files> Files for WithoutTests<F> {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.read(path).map(without_tests)
    }
}

/// Blanks what is compiled for tests only. Everything else stays where it is, line and column.
pub(super) fn without_tests(text: String) -> String {
    if !text.contains("test") {
        return text;
    }
    let lexed = lex(&text, preamble(&text));
    if !lexed.sound {
        return text;
    }
    let places = places(Tokens { text: &text, tokens: &lexed.tokens });
    if places.is_empty() {
        return text;
    }
    let mut blanked = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        blanked.push_str(&text[at..place.start]);
        // One space for each byte: a blanked character may have several.
        blanked
            .extend(text[place.clone()].bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { ' ' }));
        at = place.end;
    }
    blanked.push_str(&text[at..]);
    blanked
}

/// The places of the items at the top of a file whose first attribute is a `cfg` that needs `test`. rustc looks at attributes in their order, so what
/// comes behind it has no say. What is inside of other items may be seen by an attribute macro first, and stays.
fn places(tokens: Tokens<'_>) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut index = 0;
    let mut is_item_start = true;
    while index < tokens.len() {
        if is_item_start
            && needs_test(tokens, index)
            && let Some(end) = end_of_known(tokens, index)
        {
            places.push(tokens.tokens[index].start as usize..tokens.tokens[end - 1].end as usize);
            index = end;
            continue;
        }
        let is_inner_attribute = tokens.is_punct(index, b'#') && tokens.is_punct(index + 1, b'!');
        let next = match (behind_attribute(tokens, index), tokens.is_open(index)) {
            (Some(behind), _) => behind,
            (None, true) => tokens.behind_group(index),
            (None, false) => index + 1,
        };
        is_item_start = match tokens.kind(index) {
            Some(Kind::Punct(b';') | Kind::Open(b'{')) => true,
            Some(Kind::Doc(_)) => is_item_start && tokens.text(index).as_bytes().get(2) == Some(&b'!'),
            _ => is_item_start && is_inner_attribute,
        };
        index = next;
    }
    places
}

/// Whether an attribute is `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn needs_test(tokens: Tokens<'_>, pound: usize) -> bool {
    if !tokens.is_punct(pound, b'#') || attributes(tokens, pound) != ["cfg"] || !tokens.is_open(pound + 3) {
        return false;
    }
    let is_test = |index: usize, end: u8| {
        tokens.is_word(index, "test") && (tokens.kind(index + 1) == Some(Kind::Close(b')')) || tokens.is_punct(index + 1, end))
    };
    is_test(pound + 4, b')') || (tokens.is_word(pound + 4, "all") && tokens.is_open(pound + 5) && is_test(pound + 6, b','))
}

/// The index behind the item that begins at an index, perhaps with more attributes. `None` if it is not of a kind whose end can be told by tokens.
fn end_of_known(tokens: Tokens<'_>, start: usize) -> Option<usize> {
    let first = keyword(tokens, start);
    let is_known = match tokens.text(first) {
        "mod" | "fn" | "use" => true,
        "extern" => tokens.is_word(first + 1, "crate"),
        _ => false,
    };
    let end = end_of_item(tokens, start);
    let ends = tokens.is_punct(end - 1, b';') || tokens.kind(end - 1) == Some(Kind::Close(b'}'));
    (is_known && ends).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tests_need_is_blank() {
        let blank = |text: &str| without_tests(text.to_owned());
        assert_eq!(
            blank("fn a() {}\n#[cfg(test)]\nmod tests {\n é }\nfn b() {}"),
            "fn a() {}\n            \n           \n    }\nfn b() {}".replace("    }", "     ")
        );
        for gone in [
            "#[cfg(test)] mod tests;",
            "#[cfg(test)] #[path = \"x.rs\"] /** d */ pub(crate) mod tests;",
            "#[cfg(all(test, unix))] use a::{b, c};",
            "#[cfg(all(test))] extern crate a;",
            "#[cfg(test)] fn f<const N: usize>() -> A<{ 1 }> where A<{ N }>: Copy, { g() }",
        ] {
            for before in ["", "//! Doc.\n", "#![allow(x)]", "use a::b;", "struct A {}", "impl A { fn f() {} }"] {
                assert_eq!(
                    blank(&format!("{before}{gone}fn h() {{}}")),
                    format!("{before}{}fn h() {{}}", " ".repeat(gone.len()))
                );
            }
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "#[cfg(not(test))] mod a {}",
            "#[cfg(any(test, unix))] mod a {}",
            "#[cfg(all(unix, test_only))] mod a {}",
            "#[cfg_attr(test, allow(x))] mod a {}",
            "#[attribute] #[cfg(test)] mod a {}",
            "/// Doc.\n#[cfg(test)] mod a {}",
            "macro_rules! a { () => { #[cfg(test)] mod a {} } }",
            "a! { #[cfg(test)] mod a {} }",
            "#[attribute] mod a { #[cfg(test)] mod b {} }",
            "#[cfg(test)] a! {}",
            "#[cfg(test)] impl A<{ 1 }> for B {}",
            "#[cfg(test)] mod a",
            "#[cfg(test)]",
            "#[cfg(test",
            "let s = \"#[cfg(test)] mod a {}\";",
            "// #[cfg(test)] mod a {}",
        ] {
            assert_eq!(without_tests(text.to_owned()), text);
        }
    }
}
