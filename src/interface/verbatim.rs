//! What macros can see: it stays byte for byte as it was written.
//!
//! A macro sees more of its tokens than their kinds: whether two of them touch (`stringify!`, `proc_macro::Spacing`), and with `Span::source_text`
//! everything between them. So nothing is printed anew in macro calls, macro definitions, attributes, and the items that a derive or an
//! attribute macro is given. Built-in attributes and std's derives see the syntax tree only.

use std::ops::Range;

use super::inert;
use super::lex::{Kind, Tokens};

/// The ranges of tokens that stay as they are, in their order; those of attributes that are on no such item included. `is_inert` tells whether
/// the attribute whose `#` is at an index runs no macro that sees its item.
pub(super) fn ranges(tokens: Tokens<'_>, is_inert: &dyn Fn(Tokens<'_>, usize) -> bool) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    // Where the attributes and doc comments begin that come directly before the next token.
    let mut attributes_from = None;
    let mut index = 0;
    while index < tokens.len() {
        if let Some(end) = behind_attribute(tokens, index) {
            let inner = tokens.is_punct(index + 1, b'!');
            if is_inert(tokens, index) {
                ranges.push(index..end);
                attributes_from = attributes_from.or(Some(index)).filter(|_| !inner);
                index = end;
                continue;
            }
            if inner {
                return std::iter::once(0..tokens.len()).collect();
            }
            let start = attributes_from.take().unwrap_or(index);
            ranges.retain(|range| range.start < start);
            let end = end_of_item(tokens, index);
            ranges.push(start..end);
            index = end;
            continue;
        }
        let range = match tokens.kind(index) {
            Some(Kind::Punct(b'!')) => macro_call(tokens, index),
            Some(Kind::Word) if tokens.text(index) == "macro" => declaration(tokens, index),
            _ => None,
        };
        attributes_from = match tokens.kind(index) {
            Some(Kind::Doc(_)) => attributes_from.or(Some(index)),
            _ => None,
        };
        index = range.as_ref().map_or(index + 1, |range| range.end);
        let free = ranges.last().map_or(0, |range| range.end);
        ranges.extend(range.map(|range| range.start.max(free)..range.end));
    }
    ranges
}

/// The index behind the attribute whose `#` is at an index, if there is one.
pub(super) fn behind_attribute(tokens: Tokens<'_>, pound: usize) -> Option<usize> {
    let open = pound + 1 + usize::from(tokens.is_punct(pound + 1, b'!'));
    let is_attribute = tokens.is_punct(pound, b'#') && tokens.kind(open) == Some(Kind::Open(b'['));
    is_attribute.then(|| tokens.behind_group(open))
}

/// The call or the definition whose `!` is at an index, its path included.
fn macro_call(tokens: Tokens<'_>, bang: usize) -> Option<Range<usize>> {
    let mut start = bang.checked_sub(1)?;
    let name = tokens.name(start)?;
    if tokens.kind(start) == Some(Kind::Word) && (inert::BEFORE_OPERATORS.contains(&name) || name == "impl") {
        return None;
    }
    let open = bang + 1 + usize::from(tokens.name(bang + 1).is_some());
    if !tokens.is_open(open) {
        return None;
    }
    let is_path = |index: usize| tokens.is_punct(index, b':');
    while start >= 2 && is_path(start - 1) && is_path(start - 2) {
        start -= 2;
        if tokens.name(start.wrapping_sub(1)).is_some() {
            start -= 1;
        }
    }
    Some(start..tokens.behind_group(open))
}

/// `macro name(..) {..}` and `macro name {..}`.
fn declaration(tokens: Tokens<'_>, keyword: usize) -> Option<Range<usize>> {
    tokens.name(keyword + 1)?;
    let mut end = keyword + 2;
    if tokens.kind(end) == Some(Kind::Open(b'(')) {
        end = tokens.behind_group(end);
    }
    (tokens.kind(end) == Some(Kind::Open(b'{'))).then(|| keyword..tokens.behind_group(end))
}

/// The index behind the attributes, the doc comments and the visibility of the item that begins at an index: that of its first keyword.
pub(super) fn keyword(tokens: Tokens<'_>, start: usize) -> usize {
    let mut index = start;
    loop {
        index = match (behind_attribute(tokens, index), tokens.kind(index)) {
            (Some(end), _) => end,
            (None, Some(Kind::Doc(_))) => index + 1,
            _ => break,
        };
    }
    if tokens.is_word(index, "pub") {
        index += 1;
        if tokens.kind(index) == Some(Kind::Open(b'(')) {
            index = tokens.behind_group(index);
        }
    }
    index
}

/// The index behind the item that begins at an index, perhaps with attributes. What is no item, such as a field, goes on to the end of the
/// group that it is in.
pub(super) fn end_of_item(tokens: Tokens<'_>, start: usize) -> usize {
    let mut index = keyword(tokens, start);
    let is_function = matches!(tokens.text(index + 1), "fn" | "async" | "unsafe" | "extern");
    let (ends_with_block, is_item) = match tokens.text(index) {
        "const" => (is_function, true),
        "static" | "let" | "type" | "use" => (false, true),
        "fn" | "mod" | "struct" | "enum" | "union" | "trait" | "impl" | "extern" | "unsafe" | "async" | "auto" | "default"
        | "safe" | "gen" => (true, true),
        _ => (false, false),
    };
    let mut angles = 0_usize;
    while index < tokens.len() {
        match tokens.kind(index) {
            Some(Kind::Close(_)) => return index,
            Some(Kind::Punct(b';')) if is_item => return index + 1,
            Some(Kind::Punct(b'<')) => angles += 1,
            Some(Kind::Punct(b'>')) if !tokens.is_punct(index - 1, b'-') && !tokens.is_punct(index - 1, b'=') => {
                angles = angles.saturating_sub(1);
            }
            // A constant among generic arguments is no body.
            Some(Kind::Open(b'{')) if ends_with_block && angles == 0 => return tokens.behind_group(index),
            _ => {}
        }
        index = if tokens.is_open(index) { tokens.behind_group(index) } else { index + 1 };
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::super::lex::lex;
    use super::*;

    /// What stays as it is, if attributes that begin with `i` are inert.
    fn kept(text: &str) -> Vec<&str> {
        let lexed = lex(text, 0);
        let tokens = Tokens { text, tokens: &lexed.tokens };
        let is_inert = |tokens: Tokens<'_>, pound: usize| {
            let name = pound + 2 + usize::from(tokens.is_punct(pound + 1, b'!'));
            tokens.text(name).starts_with('i')
        };
        let place = |range: Range<usize>| lexed.tokens[range.start].start as usize..lexed.tokens[range.end - 1].end as usize;
        ranges(tokens, &is_inert).into_iter().map(|range| &text[place(range)]).collect()
    }

    #[test]
    fn calls_definitions_and_attributes_stay() {
        assert_eq!(kept("fn f() { a :: b!( c ) + ! (d) ; if !(e) {} }"), ["a :: b!( c )"]);
        assert_eq!(
            kept("impl !Send for A {} macro_rules! m { () => { n! {} } } macro k($a:tt) { b }"),
            ["macro_rules! m { () => { n! {} } }", "macro k($a:tt) { b }"]
        );
        assert_eq!(kept("#![i( a )] #[i] /// d\nstruct A;"), ["#![i( a )]", "#[i]"]);
    }

    #[test]
    fn an_item_that_a_macro_is_given_stays_with_all_its_attributes() {
        for item in [
            "struct A { a : u8 }",
            "struct A(u8) where B : C;",
            "fn f() -> A<{ 1 }> where A: B, { c }",
            "impl A<B, { N }> for C where D: E<F = { 1 }>, { fn f() {} }",
            "const A: B = B { c: 1 };",
            "const fn f() -> fn(&u8)->u8 { g }",
            "pub(crate) unsafe extern \"C\" fn f() {}",
            "static A: B = { c };",
            "use a::{b, c};",
            "type A = [u8; { 1 }];",
            "trait A<B> = C;",
            "extern \"C\" { fn f(); }",
        ] {
            for attributes in ["#[a] ", "#[i] #[a(x)] ", "/// d\n#[i] #[a] #[i] ", "#[a] /// d\n"] {
                let whole = format!("{attributes}{item}");
                assert_eq!(kept(&format!("fn g() {{}} {whole} fn h() {{}} struct B;")), [&*whole]);
                assert_eq!(kept(&format!("mod m {{ {whole} }} struct B;")), [&*whole]);
            }
        }
        assert_eq!(kept("struct A { #[i] a: u8, #[a] b : u8, c : u8 } struct B;"), ["#[i]", "#[a] b : u8, c : u8"]);
        assert_eq!(kept("struct A ; mod m { #![a] fn f() {} }"), ["struct A ; mod m { #![a] fn f() {} }"]);
    }
}
