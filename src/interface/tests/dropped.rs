//! What `--lines drop` makes the same, and what it does not.

use super::*;

#[track_caller]
fn same(one: &str, other: &str) {
    assert_eq!(drop_(one), drop_(other), "{one}\n{other}");
}

#[track_caller]
fn different(one: &str, other: &str) {
    assert_ne!(drop_(one), drop_(other), "{one}\n{other}");
}

#[test]
fn the_text_is_canonical_and_readable() {
    let text = r##"//! Doc.
#![allow(x)]

// ordinary
use std::fmt; use crate::b::{d,c}; use core::a::*;
/// A.
#[derive(Clone,Debug)] pub struct A<'a, T:Fn(u8)->u8> where T : Copy, { pub x : &'a [ T ; 4 ], /* no */ y:Vec<Vec<u8>>, }
enum E { A(u8,), B { x : u8 }, C = -1 }
impl<'a,T> A<'a,T> { pub fn f(&self,x:u8,)->Option<&'a T>{ if x<1 && !(x==-2) {self.x . get( 0 )} else { None } } fn g() {} }
macro_rules! m { ($($x:expr),* $(,)?) => { $( f($x,) ; )* }; }
pub fn f(x: u8) -> u8 {
    // body
    x + 1
}
const fn g() -> &'static str { "a // b
  c" }
"##;
    insta::assert_snapshot!(drop_(text), @r#"
    //! Doc.
    #![allow(x)]
    use core::a::*;
    use crate::b::{c, d};
    use std::fmt;
    /// A.
    #[derive(Clone,Debug)]
    pub struct A<'a, T: Fn(u8) -> u8> where T: Copy {
        pub x: &'a[T; 4],
        y: Vec<Vec<u8>>
    }
    enum E {
        A(u8),
        B {
            x: u8
        },
        C = -1
    }
    impl<'a, T> A<'a, T> {
        pub fn f(&self, x: u8) -> Option<&'a T> {
            if x<1 &&!(x == -2) {
                self.x.get(0)
            } else {
                None
            }
        }
    }
    macro_rules! m { ($($x:expr),* $(,)?) => { $( f($x,) ; )* }; }
    pub fn f(x: u8) -> u8 { loop {} }
    "#);
}

#[test]
fn formatting_comments_and_blank_lines_do_not_show() {
    same("pub fn f() { 1; }", "// a\n\npub fn f( )\n{\n    // b\n    2; g()\n}\n/* c */");
    same("pub struct A { a: u8, b: u8 }", "pub struct A {\n    a: u8, // a\n\n    b: u8,\n}");
    same("pub fn f(a: u8, b: u8) where A: B { }", "pub fn f(\n    a: u8,\n    b: u8,\n)\nwhere\n    A: B,\n{\n}");
    same("pub fn f(a: Vec<A<B>>) {}", "pub fn f(\n    a: Vec<\n        A<B>,\n    >,\n) {}");
    same("const A: [u8; 2] = [1, 2];", "const A: [u8; 2] = [\n    1,\n    2,\n];");
    same("pub const fn f() { g(1); }", "pub const fn f() {\n    g(\n        1,\n    );\n}");
    same("pub fn f() {}\r\n/// a\r\npub fn g() {}", "pub fn f() {}\n/// a\npub fn g() {}");
    same("\u{feff}pub fn f() {}", "#!/bin/run\npub fn f() {}");
}

#[test]
fn what_tokens_mean_shows() {
    different("pub const A: (u8,) = (1,);", "pub const A: (u8) = (1);");
    different("/// a\npub fn f() {}", "/// b\npub fn f() {}");
    different("pub const A: &str = \"a  b\";", "pub const A: &str = \"a b\";");
    different("m!(a && b);", "m!(a & & b);");
    different("m!(a,);", "m!(a);");
    different("pub fn f() {}", "pub(crate) fn f() {} const A: fn() = f;");
    different("pub const A: u8 = 1;", "pub const A: u8 = 2;");
    different("#[inline] pub fn f() { 1; }", "#[inline] pub fn f() { 2; }");
    different("impl A { pub fn f() {} } impl A {}", "impl A {} impl A { pub fn f() {} }");
}

#[test]
fn the_order_of_use_statements_and_module_declarations_does_not_show() {
    same("use a::b; use c::{e, d}; pub fn f() {}", "use c::{\n    d,\n    e,\n};\n// x\nuse a::b;\n\npub fn f() {}");
    same("#[cfg(x)]\npub use a; use b;", "use b; #[cfg(x)]  pub use a ;");
    same("mod b; pub mod a; fn f() {}", "pub mod a;\nmod b;");
    different("#[macro_use] mod b; mod a;", "mod a; #[macro_use] mod b;");
    different("use a; m!(); use b;", "use b; m!(); use a;");
    same("use a; use b;", "use b; fn helper() {} use a;");
}

#[test]
fn private_functions_that_nothing_names_do_not_show() {
    let rest = "pub struct A; impl A { pub fn f(&self) {} } pub fn g() { h(); }";
    let with =
        "pub struct A; impl A { fn i() {} pub fn f(&self) { self.j(); } pub(crate) fn j(&self) { k() } } pub fn g() { h(); }
        fn h<T>() { k(); h() } #[inline] pub(super) const fn k() {} #[test] fn t() {}";
    same(rest, with);
}

#[test]
fn private_functions_that_something_kept_can_name_stay() {
    for kept in [
        "fn f() {} pub const A: fn() = f;",
        "fn f() {} pub fn g<T>() { f() }",
        "fn f() {} m!(f);",
        "fn f() {} macro_rules! m { () => { f() } }",
        "fn f() {} #[serde(default = \"f\")] pub struct A;",
        "fn f() {} #[inline] pub fn a() { b() } const fn b() { f() }",
        "#[no_mangle] fn f() {}",
        "#[cfg_attr(x, unsafe(export_name = \"y\"))] fn f() {}",
        "#[tokio::test] fn f() {}",
        "#[active] mod m { fn f() {} }",
        "pub trait T { fn f(); } impl T for u8 { fn f() {} }",
        "#[derive(Parser)] pub struct A; impl A { fn f() {} }",
        "#[cfg_attr(x, derive(Clone, Parser))] pub struct A; impl A { fn f() {} }",
        "use derive_more::Debug; #[derive(Debug)] pub struct A; impl A { fn f() {} }",
        "#[active] pub struct A; impl A { fn f() {} }",
        "m! { pub struct A; } impl A { fn f() {} }",
        "fn f() { impl A for B {} }",
        "fn f() { m!(); }",
        "fn main() {} fn f() {} pub use f as g;",
        "fn f() {} paste::paste! { [<f a>]() }",
        "fn f() {} include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));",
    ] {
        assert!(drop_(kept).contains("fn f()"), "{kept}: {}", drop_(kept));
    }
    let derived = "#[derive(Clone, Debug)] #[repr(C)] pub struct A; impl A { fn f() {} }";
    assert!(!drop_(derived).contains("fn f"));
}

#[test]
fn names_count_wherever_the_crates_code_is() {
    let reaching = |files: &[(&str, &str)]| {
        let interface = interface_of(files, &options(Lines::Drop));
        interface.report.functions.iter().any(|function| function.name == "f" && function.outcome == Outcome::Emptied)
    };
    assert!(reaching(&[("lib.rs", "fn f() {} mod m;"), ("m.rs", "pub const A: fn() = super::f;")]));
    assert!(reaching(&[("lib.rs", "fn f() {} cfg_if! { if #[cfg(x)] { mod m; } }"), ("m.rs", "pub fn g() { super::f() }")]));
    assert!(reaching(&[("lib.rs", "fn f() {} include!(\"x.in\");"), ("x.in", "pub fn g() { f() }")]));
    assert!(reaching(&[("lib.rs", "fn f() {} mod m;"), ("m.rs", "pub fn g( { super::f() }")]));
    assert!(reaching(&[("lib.rs", "fn f() {} m!(n); macro_rules! m { ($n:ident) => { mod $n; } }"), ("n.rs", "")]));
    assert!(!reaching(&[("lib.rs", "fn f() {} mod m;"), ("m.rs", "pub fn g() { super::f() }")]));
}

#[test]
fn a_private_function_that_may_hide_a_name_of_a_public_glob_import_stays() {
    let is_left_out = |text: &str| !drop_(text).contains("fn f");
    assert!(is_left_out("use a::*; fn f() {}"));
    assert!(is_left_out("mod m { pub fn g() {} } pub use m::*; fn f() {}"));
    assert!(!is_left_out("pub use a::*; fn f() {}"));
    assert!(!is_left_out("pub use std::ptr::*; fn f() {}"));
    assert!(!is_left_out("mod m { pub use a::*; } pub use m::*; fn f() {}"));
    assert!(!is_left_out("a! { pub use a::*; } mod m {} pub use m::*; fn f() {}"));
    assert!(is_left_out("pub use a::*; mod m { fn f() {} }"));
}
