//! Each rule of which bodies stay.

use super::*;

#[track_caller]
fn emptied(text: &str) {
    assert_eq!(why(text), None, "{text}");
}

#[track_caller]
fn stays(text: &str, reason: &str) {
    let found = why(text).unwrap_or_else(|| panic!("emptied: {text}"));
    assert!(found.contains(reason), "{text}: {found}");
}

#[test]
fn an_ordinary_body_is_emptied_and_keeps_its_lines() {
    insta::assert_snapshot!(keep("// a\npub fn f(x: u8) -> u8 { x + 1 } // b\nfn g() {\n    // c\n\n    h();\n}\nconst C: u8 = { 1 };\n"), @r"
    // a
    pub fn f(x: u8) -> u8 { loop {} } // b
    fn g() { loop {} 



    }
    const C: u8 = { 1 };
    ");
}

#[test]
fn functions_of_every_ordinary_sort_are_emptied() {
    emptied("fn f() {}");
    emptied("pub(crate) unsafe extern \"C\" fn f(a: u8) -> ! { g(a) }");
    emptied("extern \"sysv64-unwind\" fn f() { g() }");
    emptied("impl<'a> A<'a> where Self: Sized { pub fn f<'b: 'a>(&'b self, x: &dyn Fn(u8) -> u8) -> &'a u8 { self.0 } }");
    emptied("impl Iterator for A { type Item = u8; fn next(&mut self) -> Option<u8> { None } fn f() { 1; } }");
    emptied("mod m { mod n { fn f() { 1; } } }");
    emptied("fn f(x: for<'a> fn(&'a u8) -> Box<dyn Fn(&'a u8)>) { async { 1 }; || 2; }");
    emptied("fn f() { struct A; fn g<T>() -> T { loop {} } const C: extern \"C\" fn() = h; use a::b; }");
    emptied("#[test] fn f() { assert_eq!(1, 1); }");
}

#[test]
fn what_dependents_evaluate_or_instantiate_stays() {
    stays("pub const fn f() -> u8 { 1 }", "const fn");
    stays("pub async fn f() {}", "async fn");
    stays("pub fn f<T>(x: T) {}", "generic");
    stays("pub fn f<const N: usize>() {}", "generic");
    stays("impl<T> A<T> { fn f(&self) {} }", "generic");
    stays("impl<const N: usize> Clone for A<N> { fn f(&self) {} }", "generic");
    stays("pub fn f(x: impl Fn()) {}", "impl Trait");
    stays("trait T { fn f(&self) {} }", "default method");
}

#[test]
fn a_body_that_defines_a_type_stays() {
    stays("fn f() -> impl Iterator<Item = u8> { None.into_iter() }", "impl Trait");
    stays("fn f() -> Box<impl Fn()> { Box::new(|| ()) }", "impl Trait");
    stays("fn f() -> Result<impl A, (impl B, u8)> { x() }", "impl Trait");
    stays("fn f() -> m!() { x() }", "macro call");
    stays("fn f(x: m![u8]) { x() }", "macro call");
    stays("impl m!(x) { fn f() {} }", "macro call");
}

#[test]
fn an_attribute_stays_unless_it_is_known_to_be_inert() {
    for inert in [
        "doc = \"x\"",
        "cold",
        "must_use",
        "track_caller",
        "target_feature(enable = \"avx\")",
        "no_mangle",
        "unsafe(no_mangle)",
        "cfg(x)",
        "cfg_attr(x, cold, doc = \"y\")",
        "allow(unused)",
        "clippy::foo",
        "rustfmt::skip",
        "test",
        "deprecated",
    ] {
        emptied(&format!("#[{inert}] fn f() {{ 1; }}"));
        emptied(&format!("#[{inert}] impl A {{ fn f() {{ 1; }} }}"));
    }
    for active in [
        "inline",
        "inline(never)",
        "cfg_attr(x, inline)",
        "cfg_attr(a, cfg_attr(b, doc, inline))",
        "tokio::main",
        "naked",
        "unsafe(naked)",
        "rustc_intrinsic",
        "path = \"x\"",
        "proc_macro",
    ] {
        stays(&format!("#[{active}] fn f() {{ 1; }}"), "#[");
        stays(&format!("#[{active}] impl A {{ fn f() {{ 1; }} }}"), "#[");
    }
    stays("fn f(#[active] x: u8) { 1; }", "active");
    stays("fn f() { #![active] 1; }", "active");
    stays("impl A { #![active] fn f() { 1; } }", "active");
}

#[test]
fn an_attribute_of_a_module_holds_for_everything_inside() {
    stays("#[active] mod m { mod n { impl A { fn f() { 1; } } } }", "active");
    stays("mod m { #![active] fn f() { 1; } }", "active");
    stays("#![active] fn f() { 1; }", "active");
    emptied("#![no_std] #![feature(x)] #[macro_use] #[path = \"x\"] #[cfg(y)] mod m { fn f() { 1; } }");
    let files = [("lib.rs", "#[active] mod m { pub mod n; } mod o;"), ("m/n.rs", "fn f() { 1; }"), ("o.rs", "fn g() { 1; }")];
    let report = interface_of(&files, &Options::default()).report;
    let outcomes: Vec<_> = report.functions.iter().map(|function| (&*function.name, &function.outcome)).collect();
    assert_eq!(
        outcomes,
        [("f", &Outcome::Stayed(crate::interface::Reason::Attribute("active".into()))), ("g", &Outcome::Emptied)]
    );
}

#[test]
fn a_name_of_the_standard_prelude_may_be_taken() {
    stays("use test_log::test; #[test] fn f() { 1; }", "#[test]");
    stays("use proptest::prelude::*; #[test] fn f() { 1; }", "#[test]");
    emptied("use super::*; #[test] fn f() { 1; }");
}

#[test]
fn a_body_that_may_define_something_outside_stays() {
    stays("fn f() { impl A for B {} }", "`impl`");
    stays("fn f() { const _: () = { impl A for B {} }; }", "`impl`");
    stays("fn f() { #[macro_export] macro_rules! m { () => {} } }", "macro_export");
    stays("fn f() { macro_rules! m { () => {} } }", "macro_rules");
    stays("fn f() { mod m {} }", "`mod`");
    stays("fn f() { extern \"C\" { fn g(); } }", "extern");
    stays("fn f() { extern crate a; }", "extern");
    stays("fn f() { #[derive(Debug)] struct A; }", "derive");
    stays("fn f() { #[no_mangle] fn g() {} }", "no_mangle");
    stays("fn f() { #[cfg_attr(x, active)] struct A; }", "active");
    stays("fn f() { let x = #[active] { 1 }; }", "active");
    emptied("fn f() { /// doc\n #[allow(unused)] struct A; #[cfg(x)] g(); #[rustfmt::skip] let y = 1; }");
}

#[test]
fn a_macro_stays_unless_it_is_known_to_expand_to_an_expression() {
    emptied(
        "fn f() { println!(\"{}\", vec![1]); assert!(matches!(x, A | B if !(y)), \"no\"); std::format!(\"x\"); ::core::panic!() }",
    );
    stays("fn f() { m!(); }", "`m!`");
    stays("fn f() { println!(\"{}\", m!{}); }", "`m!`");
    stays("fn f() { vec![{ impl A for B {} 1 }]; }", "`impl`");
    stays("fn f() { vec![{ #[derive(Debug)] struct A; 1 }]; }", "derive");
    stays("fn f() { log::format!(); }", "`format!`");
    stays("fn f() { a::std::format!(); }", "`format!`");
    stays("fn f() { thread_local! { static A: u8 = 1; } }", "`thread_local!`");
    emptied("fn f() { if !(x) {} while !{ y } {} return !(z) }");
}

#[test]
fn a_standard_macros_name_may_be_taken() {
    stays("macro_rules! println { () => { impl A {} } } fn f() { println!(); }", "`println!`");
    stays("mod m { macro_rules! vec { () => { mod a {} } } } fn f() { vec![1]; }", "`vec!`");
    stays("use defmt::println; fn f() { println!(); }", "`println!`");
    stays("#[macro_use] extern crate x; fn f() { println!(); }", "`println!`");
    stays("use defmt::*; fn f() { println!(); }", "`println!`");
    stays("fn f() { use defmt::*; println!(); }", "`println!`");
    stays("fn f() { use defmt::vec; vec![]; }", "`vec!`");
    stays("cfg_if! { if #[cfg(x)] { use defmt::*; } } mod n; use n::*; fn f() { println!(); }", "`println!`");
    stays("use defmt::*; mod m { use super::*; fn f() { println!(); } }", "`println!`");
    stays("mod core {} fn f() { core::panic!() }", "`panic!`");
    // The name of a module of the crate, and what is called like a type, may stand for a crate.
    stays("mod p { pub use defmt as x; } use p::x::*; fn f() { println!(); }", "`println!`");
    stays("mod p { pub extern crate defmt; } use crate::p::defmt::*; fn f() { println!(); }", "`println!`");
    stays("use defmt as D; use D::*; fn f() { println!(); }", "`println!`");
    stays("mod p { pub use defmt as x; } fn f() { use crate::p::x::*; println!(); }", "`println!`");
    stays("#[cfg(a)] use defmt as x; #[cfg(b)] mod x {} use x::*; fn f() { println!(); }", "`println!`");
    stays("mod a { pub use b::*; pub mod b { pub use defmt::*; } } use a::*; fn f() { println!(); }", "`println!`");
    emptied("mod a { pub mod b { pub enum C { D } } pub use b as c; } use a::c::C::*; fn f() { println!(); }");
    emptied("mod a { use defmt::*; } use a::*; fn f() { println!(); }");
    emptied("fn f() { use crate::a::C::*; use super::*; println!(); }");
    emptied("use super::*; use self::A::*; fn f() { println!(); }");
    emptied("#[macro_use] extern crate std; fn f() { println!(); }");
    emptied("use defmt::*; fn f() { std::println!(); }");
    emptied("mod tests { use proptest::prelude::*; } mod x {} use self::x::*; fn f() { println!(); }");
}

#[test]
fn macros_of_known_crates_are_known_by_crate_and_name() {
    emptied("fn f() { tracing::debug!(\"x\"); ::log::warn!(); anyhow::bail!(\"x\") }");
    emptied("use tracing::{debug, info_span as _}; mod m { use log::warn; pub fn f() { warn!() } }");
    emptied("use anyhow::{Context, bail, ensure}; fn f() { ensure!(true); if x { bail!(\"no\") } }");
    emptied("fn f() { use log::info; info!(\"x\"); }");
    emptied("use rayon::prelude::*; use log::info; fn f() { info!(\"x\"); }");
    emptied("#[macro_use] extern crate log; mod m { fn f() { info!(\"x\"); } }");
    emptied("#[macro_use(info)] extern crate log; use log::info; fn f() { info!(\"x\"); }");
    emptied("use log::info; mod m { use super::*; fn f() { info!(\"x\"); } }");
    for doubtful in [
        "fn f() { info!(\"x\"); }",
        "mod n { use log::info; } fn f() { info!(\"x\"); }",
        "use log::error as info; fn f() { info!(\"x\"); }",
        "use own::info; fn f() { info!(\"x\"); }",
        "use own::info; mod n { use log::info; fn f() { info!(\"x\"); } }",
        "use log::kv::info; fn f() { info!(\"x\"); }",
        "use log::*; fn f() { info!(\"x\"); }",
        "use own::*; fn f() { log::info!(\"x\"); }",
        "use log::info; fn f() { use own::*; info!(\"x\"); }",
        "mod log { pub use own::info; } fn f() { log::info!(\"x\"); }",
        "use own::log; fn f() { log::info!(\"x\"); }",
        "extern crate own as log; use log::info; fn f() { info!(\"x\"); }",
        "#[macro_use] extern crate log; #[macro_use] extern crate own; fn f() { info!(\"x\"); }",
        "use log::info; macro_rules! info { () => { impl A for B {} } } fn f() { info!(); }",
        "use log::info; macro_rules! m { ($n:ident) => { macro_rules! $n { () => {} } } } fn f() { info!(); }",
        "fn f() { own::log::info!(\"x\"); }",
    ] {
        stays(doubtful, "`info!`");
    }
    stays("fn f() { log::info!(\"{}\", { impl A for B {} 1 }); }", "`impl`");
    stays("fn f() { tracing::unknown!(); }", "`unknown!`");
    let renamed = Options { renamed: ["log".to_owned()].into(), ..Options::default() };
    assert!(why_with("use log::info; fn f() { info!(); }", &renamed).is_some());
    assert!(why_with("fn f() { log::info!(); }", &renamed).is_some());
}

#[test]
fn a_crate_is_another_if_the_command_line_says_so() {
    let renamed = |externs: &str| {
        let line = crate::rustc::CommandLine::parse(externs.split_whitespace().map(Into::into));
        !Options::of(&line, Lines::Keep, Default::default()).renamed.is_empty()
    };
    for same in ["log=liblog.rlib", "log=d/liblog-0a.rlib", "priv:log=d/_hollow/liblog-0a_meta.rlib", "log", "own=libother.rlib"]
    {
        assert!(!renamed(&format!("--extern {same} lib.rs")), "{same}");
    }
    for other in ["log=libtracing-0a.rlib", "log=liblogs-0a.rlib", "log=liblog_x.rlib"] {
        assert!(renamed(&format!("--extern {other} lib.rs")), "{other}");
    }
}

#[test]
fn own_macros_that_define_nothing_outside_are_known_from_their_definition() {
    emptied("macro_rules! m { ($e:expr) => { if $e { println!() } } } fn f() { m!(1); crate::m!(2); self::a::m!(3) }");
    emptied("mod a { macro_rules! m { () => { n!() } } } macro_rules! n { () => { m!(); $crate::a::m!() } } fn f() { n!() }");
    stays("macro_rules! m { () => { impl A for B {} } } fn f() { m!() }", "`m!`");
    stays("macro_rules! m { () => { n!() } } macro_rules! n { () => { impl A for B {} } } fn f() { m!() }", "`m!`");
    stays("macro_rules! m { ($($t:tt)*) => { $($t)* } } fn f() { m! { impl A for B {} } }", "`impl`");
    stays("macro_rules! m { () => {} } use own::m; fn f() { m!() }", "`m!`");
    stays("macro_rules! m { () => {} } use own::*; fn f() { m!() }", "`m!`");
    stays("macro_rules! m { () => {} } #[macro_use] extern crate own; fn f() { m!() }", "`m!`");
    stays("macro_rules! m { () => {} } fn f() { own::m!() }", "`m!`");
    stays("macro_rules! m { ($h:tt) => { $h [derive(Debug)] struct A; # $h } } fn f() { m!(a) }", "`m!`");
    stays("pub macro m() {} fn f() { m!() }", "`m!`");
}

/// `cfg_rt!` hands its items on.
const PASSING: &str = "macro_rules! cfg_rt { ($($item:item)*) => { $( #[cfg(rt)] $item )* } } use cfg_if::cfg_if;\n";

#[test]
fn macros_that_hand_items_on_are_transparent() {
    for within in [
        "cfg_rt! { fn f() { 1; } }",
        "cfg_rt! { mod m { cfg_rt! { impl A { fn f(&self) { 1; } } } } }",
        "impl A { cfg_rt! { fn f(&self) { 1; } } }",
        "cfg_if! { if #[cfg(a)] { fn g() {} } else { fn f() { 1; } } }",
        "cfg_if::cfg_if! { if #[cfg(a)] { fn f() { 1; } } }",
    ] {
        emptied(&format!("{PASSING}{within}"));
    }
    for within in [
        "n! { fn f() { 1; } }",
        "cfg_rt! { n! { fn f() { 1; } } }",
        "n! { mod m { cfg_rt! { fn f() { 1; } } } }",
        "own::cfg_rt! { fn f() { 1; } }",
        "impl A { n! { fn f(&self) { 1; } } }",
        "macro_rules! cfg_rt { ($($item:item)*) => { $( #[inline] $item )* } } cfg_rt! { fn f() { 1; } }",
        "use own::cfg_rt; cfg_rt! { fn f() { 1; } }",
        "use own::*; cfg_rt! { fn f() { 1; } }",
        "mod o { use own::cfg_if; } cfg_if! { if #[cfg(a)] { fn f() { 1; } } }",
    ] {
        stays(&format!("{PASSING}{within}"), "pass items through");
    }
    stays(&format!("{PASSING}cfg_rt! {{ #[inline] fn f() {{ 1; }} }}"), "inline");
    insta::assert_snapshot!(drop_(&format!("{PASSING}cfg_rt! {{\n  pub  fn f( ) {{ // a\n }} // b\n fn g() {{}} }}")), @"
    macro_rules! cfg_rt { ($($item:item)*) => { $( #[cfg(rt)] $item )* } }
    use cfg_if::cfg_if;
    cfg_rt! {
      pub  fn f( ) {loop{}} // b
     fn g() {loop{}} }
    ");
}

#[test]
fn the_user_knows_more_macros() {
    let known = |names: &[&str]| Options {
        expression_macros: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::default()
    };
    let text = "use own::info; fn f() { info!(\"x\"); own::warn!(); }";
    assert_eq!(why_with(text, &known(&["info", "warn"])), None);
    assert!(why_with(text, &known(&["info"])).unwrap().contains("`warn!`"));
    assert!(why_with("macro_rules! info { () => { impl A {} } } fn f() { info!(); }", &known(&["info"])).is_some());
}

#[test]
fn special_functions_stay() {
    stays("pub unsafe extern \"C\" fn f(x: u8, ...) { 1; }", "variadic");
    stays("pub unsafe extern \"C\" fn f(x: u8, args: ...) { 1; }", "variadic");
    stays("extern \"x86-interrupt\" fn f() { 1; }", "calling convention");
    stays("impl A for B { default fn f() { 1; } }", "qualifier");
    for feature in ["type_alias_impl_trait", "impl_trait_in_assoc_type", "generic_const_exprs"] {
        stays(&format!("#![feature({feature})] fn f() {{}}"), "feature");
        stays(&format!("#![cfg_attr(x, feature(a, {feature}))] fn f() {{}}"), "feature");
        emptied(&format!("fn f() {{ {feature}(); }} fn {feature}() {{}}"));
    }
    assert!(why_with("fn f() {}", &Options { proc_macro: true, ..Options::default() }).unwrap().contains("proc-macro"));
    assert!(why_with("fn f() {}", &Options { body_features: true, ..Options::default() }).is_some());
}

#[test]
fn a_text_that_cannot_be_parsed_stays_as_it_is() {
    for text in ["fn f( {}", "fn f() { \"open }", "}", "№"] {
        assert_eq!((keep(text), drop_(text)), (text.into(), text.into()));
    }
}

#[test]
fn deep_nesting_stays_as_it_is() {
    for text in ["(".repeat(100_000), "!".repeat(100_000), "a<".repeat(100_000), "&".repeat(100_000)] {
        let text = format!("const C: u8 = {text}");
        assert_eq!(keep(&text), text);
    }
    let nested = format!("const C: u8 = {}1{}; fn f() {{ g() }}", "(".repeat(200), ")".repeat(200));
    assert!(keep(&nested).ends_with("fn f() { loop {} }"));
}

/// What a crate asks a position with, if it does.
fn asks(text: &str, dependencies: &Dependencies) -> Option<String> {
    let krate = Crate::load(Path::new("lib.rs"), &Memory::of(&[("lib.rs", text)]), None).unwrap();
    krate.keeps_lines(&options(Lines::Drop), dependencies, &krate.note(dependencies))
}

#[track_caller]
fn keeps_lines(text: &str, why: &str) {
    let found = asks(text, &Dependencies::default()).unwrap_or_else(|| panic!("lines are dropped: {text}"));
    assert!(found.contains(why), "{text}: {found}");
}

#[track_caller]
fn drops_lines(text: &str) {
    assert_eq!(asks(text, &Dependencies::default()), None, "{text}");
}

#[test]
fn what_turns_a_position_into_a_value_keeps_lines() {
    keeps_lines("pub fn f() {} const C: u32 = line!();", "`line`");
    keeps_lines("static S: &str = concat!(file!(), \"\");", "`file`");
    keeps_lines("pub const fn f() -> u32 { column!() } fn g() {}", "`column`");
    keeps_lines("type A = [u8; line!() as usize];", "`line`");
    keeps_lines("pub fn g<T>() -> &'static str { file!() }", "`file`");
    keeps_lines("#[inline] pub fn g() -> u32 { std::panic::Location::caller().line() }", "`caller`");
    keeps_lines("use core::panic::Location as L; const A: &L = <L<'static>>::caller();", "`caller`");
    keeps_lines("macro_rules! m { () => { line!() } } macro_rules! n { () => { m!() } } const A: u32 = n!();", "`n`");
    keeps_lines("use m as o; macro_rules! m { () => { line!() } } const A: u32 = o!();", "`o`");
    keeps_lines("macro_rules! m { ($n:ident) => { $n!() } } const A: u32 = m!(line);", "`m`");
    keeps_lines(
        "macro_rules! m { ($n:ident) => { $n!() } } macro_rules! n { ($($x:tt)*) => { m!($($x)*) } } const A: u32 = n!(line);",
        "`n`",
    );
    keeps_lines("macro m($x:tt) { line!() } const A: u32 = m!(x);", "`m`");
    keeps_lines("#[track_caller] pub const fn f() -> u32 { Location::caller().line() } const A: u32 = self::f();", "caller");
    keeps_lines(
        "trait T { #[track_caller] fn f() -> u32; } impl T for u8 { fn f() -> u32 { Location::caller().line() } } #[inline] pub fn g() { u8::f(); }",
        "`f`",
    );
    keeps_lines("macro_rules! m { () => { #[track_caller] fn f() { Location::caller() } } } m!();", "any position");
    keeps_lines("impl From<u8> for A { #[track_caller] fn from(x: u8) -> A { A(Location::caller()) } }", "any position");
}

#[test]
fn what_nobody_sees_or_people_only_keeps_no_lines() {
    drops_lines(
        "fn f() { line!(); } const M: &str = module_path!(); pub fn g<T>(caller: u8, line: u32) { assert!(caller > 1); panic!() }",
    );
    drops_lines("#[macro_export] macro_rules! m { () => { line!() } } fn m() { line!(); }");
    drops_lines("macro_rules! m { ($n:ident) => { $n!() } } macro_rules! n { () => { 1 } } const A: u32 = m!(n);");
    drops_lines("pub fn f() { std::panic::Location::caller(); } use x::line;");
    drops_lines("#[track_caller] pub fn f() -> u32 { Location::caller().line() } pub fn g() { f(); } use self::f as h;");
}

#[test]
fn what_dependencies_tell_counts() {
    let told = |dependency: &str| {
        let krate = Crate::load(Path::new("lib.rs"), &Memory::of(&[("lib.rs", dependency)]), None).unwrap();
        Dependencies { note: krate.note(&Dependencies::default()), ..Dependencies::default() }
    };
    let lines = told("#[macro_export] macro_rules! m { () => { line!() } }");
    assert!(asks("const A: u32 = dep::m!();", &lines).is_some());
    assert!(asks("pub fn f() { g(m); } const M: u8 = m;", &lines).is_none());
    let function = told("pub mod a { #[track_caller] pub const fn f() -> u32 { Location::caller().line() } }");
    assert!(asks("const A: u32 = dep::a::f();", &function).is_some());
    assert!(asks("pub fn g<T>() { let f = dep::a::f; }", &function).is_some());
    assert!(asks("use dep::a::f; pub fn g() { f(); }", &function).is_none());
    let nothing = Dependencies { silent: Some("dep".into()), ..Dependencies::default() };
    assert!(asks("pub fn f() {}", &nothing).unwrap().contains("`dep`"));
    let macros = Dependencies { unknown_macros: true, ..Dependencies::default() };
    assert!(asks("dep::m!();", &macros).is_some());
    assert!(asks("pub fn f() {}", &macros).is_none());
}

#[test]
fn what_follows_an_emptied_body_stays_in_its_column() {
    assert_eq!(keep("fn f() { g(1, 2) } const A: u8 = 1;"), "fn f() {loop{}   } const A: u8 = 1;");
    assert_eq!(keep("fn f() { g() } const A: u8 = 1;"), "fn f() { g() } const A: u8 = 1;");
    assert_eq!(keep("fn f() { g() } // x\n"), "fn f() { loop {} } // x\n");
    assert_eq!(keep("fn f() {\n é(); } m!();\n"), "fn f() { loop {} \n      } m!();\n");
    assert_eq!(keep("fn f() {\n g(); }\nm!();\n"), "fn f() { loop {} \n}\nm!();\n");
}

#[test]
fn an_attribute_at_the_beginning_of_a_body_is_one_of_the_function() {
    for inner in
        ["track_caller", "cfg(x)", "cold", "target_feature(enable = \"avx\")", "doc = \"x\"", "cfg_attr(x, cold)", "inline"]
    {
        stays(&format!("fn f() {{ #![{inner}] 1; }}"), "at the beginning of its body");
    }
    stays("fn f() {\n//! Documentation.\n1; }", "at the beginning of its body");
    emptied("fn f() { #![allow(x)] #![cfg_attr(x, deny(y))] 1; }");
}

#[test]
fn a_crate_that_may_call_foreign_code_that_unwinds_stays() {
    stays("extern \"C-unwind\" { fn g(); } fn f() { unsafe { g() } }", "unwinds");
    stays("fn f(g: extern \"system-unwind\" fn()) { g() }", "unwinds");
    assert!(drop_("extern \"C-unwind\" { fn g(); } fn f() { unsafe { g() } }").contains("fn f"));
    emptied("extern \"C\" { fn g(); } fn f() { \"C-unwind\"; }");
    let root = "#[cfg(all(target_os = \"emscripten\", x))] mod m; fn f() { 1; }";
    let files = [("lib.rs", root), ("m.rs", "mod n;"), ("m/n.rs", "extern \"C-unwind\" { fn g(); }")];
    let outcome = |target: &str| {
        let options = Options { target: Some(target.into()), ..Options::default() };
        interface_of(&files, &options).report.functions[0].outcome.clone()
    };
    assert_eq!(outcome("x86_64-unknown-linux-gnu"), Outcome::Emptied);
    assert_ne!(outcome("wasm32-unknown-emscripten"), Outcome::Emptied);
}
