//! Which files belong to a crate.

use super::*;

/// The files that are read, of those that there are.
fn paths(files: &[(&str, &str)]) -> Vec<String> {
    let krate = Crate::load(Path::new(files[0].0), &Memory::of(files), None).unwrap();
    let mut paths: Vec<String> = krate.paths().map(|path| path.display().to_string()).collect();
    paths.sort();
    paths
}

#[test]
fn modules_are_found_beside_a_mod_rs_and_below_any_other_file() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod r#type; mod missing;"),
        ("src/a.rs", "mod c;"),
        ("src/a/c.rs", ""),
        ("src/c.rs", "not reached"),
        ("src/b/mod.rs", "mod d;"),
        ("src/b/d.rs", "mod e;"),
        ("src/b/d/e/mod.rs", ""),
        ("src/type.rs", ""),
    ];
    let expected = ["src/a.rs", "src/a/c.rs", "src/b/d.rs", "src/b/d/e/mod.rs", "src/b/mod.rs", "src/lib.rs", "src/type.rs"];
    assert_eq!(paths(&files), expected);
}

#[test]
fn inline_modules_add_directories() {
    let files = [
        ("lib.rs", "mod x { mod y { mod z; } } mod a;"),
        ("x/y/z.rs", ""),
        ("a.rs", "mod i { mod j; } #[path = \"p\"] mod k { mod l; }"),
        ("a/i/j.rs", ""),
        ("p/l.rs", ""),
    ];
    assert_eq!(paths(&files), ["a.rs", "a/i/j.rs", "lib.rs", "p/l.rs", "x/y/z.rs"]);
}

#[test]
fn a_path_attribute_is_relative_to_the_file_or_to_the_inline_module() {
    let files = [
        ("src/lib.rs", "#[path = \"../up.rs\"] mod a; mod b;"),
        ("up.rs", "mod beside;"),
        ("beside.rs", ""),
        ("src/b.rs", "#[path = \"c.rs\"] mod c; mod i { #[path = \"d.rs\"] mod d; }"),
        ("src/c.rs", ""),
        ("src/b/i/d.rs", ""),
    ];
    assert_eq!(paths(&files), ["beside.rs", "src/b.rs", "src/b/i/d.rs", "src/c.rs", "src/lib.rs", "up.rs"]);
}

#[test]
fn every_configuration_is_followed() {
    let files = [
        ("lib.rs", "#[cfg(x)] mod a; #[cfg_attr(x, path = \"b1.rs\")] #[cfg_attr(all(y), cold, path = r\"b2.rs\")] mod b;"),
        ("a.rs", ""),
        ("b.rs", ""),
        ("b1.rs", ""),
        ("b2.rs", ""),
    ];
    assert_eq!(paths(&files), ["a.rs", "b.rs", "b1.rs", "b2.rs", "lib.rs"]);
}

#[test]
fn a_file_that_is_reached_twice_is_read_once_even_in_a_circle() {
    let files =
        [("lib.rs", "#[path = \"a.rs\"] mod a; #[path = \"./x/../a.rs\"] mod b;"), ("a.rs", "#[path = \"lib.rs\"] mod l;")];
    assert_eq!(paths(&files), ["a.rs", "lib.rs"]);
}

#[test]
fn what_only_a_macro_leads_to_is_read_and_not_rewritten() {
    let files = [
        ("lib.rs", "m! { #[path = \"q.rs\"] mod q; } mod i { m! { pub mod p; } } include!(\"inc.rs\");"),
        ("q.rs", "fn q() { 1; } mod s;"),
        ("s.rs", ""),
        ("i/p.rs", ""),
        ("inc.rs", "fn i() { 1; }"),
    ];
    assert_eq!(paths(&files), ["i/p.rs", "inc.rs", "lib.rs", "q.rs", "s.rs"]);
    let interface = interface_of(&files, &Options::default());
    assert_eq!((interface.files.len(), interface.report.files.len()), (0, 4));
}

#[test]
fn code_from_a_build_script_is_found_in_its_directory() {
    let files =
        [("lib.rs", "fn f() {} fn g() {} include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));"), ("/out/x.rs", "const A: fn() = g;")];
    let krate = Crate::load(Path::new("lib.rs"), &Memory::of(&files), Some(Path::new("/out"))).unwrap();
    let interface = krate.interface(&options(Lines::Drop));
    assert_eq!(interface.report.keeps_private, None);
    let outcomes: Vec<_> = interface.report.functions.iter().map(|function| &function.outcome).collect();
    assert_eq!(outcomes, [&Outcome::LeftOut, &Outcome::Emptied]);
}

#[test]
fn a_macro_that_hands_items_on_leads_to_ordinary_modules() {
    let root = "#[macro_use] mod macros; cfg_rt! { pub mod a; mod i { mod b; } } other! { mod c; }";
    let files = [
        ("lib.rs", root),
        ("macros.rs", "macro_rules! cfg_rt { ($($item:item)*) => { $( #[cfg(rt)] $item )* } }"),
        ("a.rs", "cfg_rt! { mod d; } fn a() { 1; }"),
        ("a/d.rs", "fn d() { 1; }"),
        ("i/b.rs", "fn b() { 1; }"),
        ("c.rs", "fn c() { 1; } mod e;"),
        ("c/e.rs", "fn e() { 1; }"),
    ];
    assert_eq!(paths(&files), ["a.rs", "a/d.rs", "c.rs", "c/e.rs", "i/b.rs", "lib.rs", "macros.rs"]);
    let interface = interface_of(&files, &Options::default());
    let changed: Vec<String> = interface.files.iter().map(|(path, _)| path.display().to_string()).collect();
    assert_eq!(changed, ["a/d.rs", "a.rs", "i/b.rs"]);
    let opaque: Vec<String> = interface.report.files.iter().map(|(path, _)| path.display().to_string()).collect();
    assert_eq!(opaque, ["c/e.rs", "c.rs"]);
}
