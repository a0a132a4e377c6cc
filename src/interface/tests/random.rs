//! No text makes it panic, and its promises hold for any that can be parsed.

use proptest::prelude::*;

use super::corpus::assert_lines_hold;
use super::*;
use crate::interface::file::File;

/// Pieces of source, sound and broken.
const PIECES: &[&str] = &[
    "fn f() {",
    "}",
    "{",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "pub ",
    "impl A {",
    "impl<T> B for C<T> {",
    "mod m {",
    "mod n;",
    "use a::{b, c};",
    "use d::*;",
    "#[inline]",
    "#![x]",
    "#[cfg_attr(a, path = \"p\")]",
    "// c\n",
    "/// d\n",
    "/* e",
    "*/",
    "\"",
    "'",
    "'a",
    "'a'",
    "r#\"",
    "\"#",
    "r#type",
    "\n",
    "\r\n",
    "\r",
    "\u{feff}",
    "#!/bin/x\n",
    "é",
    "№",
    "😀",
    "1",
    "1.",
    ".",
    "..",
    "..=",
    "->",
    "=>",
    "::",
    "&&",
    "& &",
    "-",
    "!",
    "$",
    "macro_rules! m { ($x:expr) => { $x } }",
    "println!(\"{}\", 1);",
    "let x = 1;",
    "fn g(a: u8, ) -> u8 { 1 }",
    "struct S { x: u8, }",
    "where",
    ",",
    ";",
    "#",
    "##",
    "include!(\"y\");",
    "trait T { fn t() {} }",
    "const C: (u8,) = (1,);",
    "extern \"C\" {}",
    "x.0.1",
    "b'",
    "c\"z\"",
    "\0",
];

/// Items that can be parsed in any order.
const ITEMS: &[&str] = &[
    "fn f() { g(1); }\n",
    "pub fn g(x: u8,) -> u8 {\n    x\n}\n",
    "// c\n",
    "/// d\npub struct S;\n",
    "use b::{d, c};\n",
    "use a::*;",
    "impl S { fn p(&self) {}\r\n pub fn q() { 1.5.x(); } }",
    "mod m { //! e\n fn h<T>() { g(2,) } }\n",
    "m!{ a , b }\n",
    "macro_rules! m { ($($x:tt)*) => { $($x)* } }\n",
    "#[inline]\nfn i() { /* é */ }",
    "mod x;\n",
    "mod w;",
    "const C: u8 = 1 ..2 . 3;\n",
    "type T = Vec<Vec<u8>>;",
    "enum E { A(u8,), B {}, }\n",
    "pub fn f<'a>(x: &'a u8) where u8: Copy, { f() }",
    "static X: &str = \"a\n  // b\";\n",
    "extern crate a;\n",
];

fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(of), 0..24).prop_map(|pieces| pieces.concat())
}

fn promises_hold(text: &str) -> Result<(), TestCaseError> {
    let parses = File::read(text.to_owned()).shape.is_some();
    for lines in [Lines::Keep, Lines::Drop] {
        let first = text_of(text, &options(lines));
        if !parses {
            prop_assert_eq!(&first, text);
            continue;
        }
        prop_assert!(File::read(first.clone()).shape.is_some(), "{}", first);
        prop_assert_eq!(&text_of(&first, &options(lines)), &first);
        if lines == Lines::Keep {
            assert_lines_hold(Path::new("lib.rs"), text, &first);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_soup_of_tokens_makes_it_panic(text in pieces(PIECES)) {
        promises_hold(&text)?;
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        promises_hold(&text)?;
    }

    #[test]
    fn its_promises_hold_for_every_file_of_items(text in pieces(ITEMS)) {
        promises_hold(&text)?;
    }
}
