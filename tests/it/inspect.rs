//! `hollow inspect`.

use std::fs;

use crate::support::Scratch;

fn pair() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.rs", "pub fn a() -> u32 { 7 }");
    scratch.action("metadata", "--crate-type=lib --out-dir=out a.rs").ok();
    scratch.action("link", "--crate-type=lib --out-dir=out a.rs").ok();
    scratch
}

#[test]
fn a_pair_is_told_apart_and_agrees() {
    let scratch = pair();
    let text = scratch.hollow(&["inspect", "out/liba.rlib", "out/_hollow/liba_meta.rlib"]).ok().stdout;
    assert!(text.starts_with("out/liba.rlib: full rlib\n  crate   a\n  SVH     "), "{text}");
    assert!(text.contains("out/_hollow/liba_meta.rlib: hollow rlib\n"), "{text}");
    assert!(text.contains("  lib.rmeta\n") && text.contains(".rcgu.o\n") && text.contains("  rustc   rustc 1."), "{text}");
}

#[test]
fn json_has_everything() {
    let scratch = pair();
    let text = scratch.hollow(&["inspect", "--format=json", "out/liba.rlib", "out/_hollow/liba_meta.rlib"]).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let [full, hollow] = &json["rlibs"].as_array().unwrap()[..] else { panic!("{text}") };
    assert_eq!((full["kind"].as_str(), hollow["kind"].as_str()), (Some("full"), Some("hollow")));
    assert_eq!((&full["crate"], &full["svh"]), (&hollow["crate"], &hollow["svh"]));
    let names = |rlib: &serde_json::Value| {
        let members = rlib["members"].as_array().unwrap().iter();
        members.map(|member| member["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Since 1.97, `lib.rmeta-link` is a member of both.
    let objects = |names: &[String]| names.iter().filter(|name| name.ends_with(".rcgu.o")).count();
    assert_eq!((objects(&names(full)), objects(&names(hollow))), (1, 0));
    assert_eq!(names(hollow)[0], "lib.rmeta");
    assert!(hollow["members"][0]["size"].as_u64().unwrap() > 1000);
}

#[test]
fn what_disagrees_or_is_no_rlib_fails() {
    let scratch = pair();
    scratch.write("a.rs", "pub fn a() -> u64 { 7 }");
    scratch.action("link", "--crate-type=lib --out-dir=out a.rs").ok();
    let differ = scratch.hollow(&["inspect", "out/liba.rlib", "out/_hollow/liba_meta.rlib"]);
    assert_eq!(differ.code, Some(1));
    assert!(differ.stdout.contains("E0460"), "{}", differ.stdout);

    let source = scratch.hollow(&["inspect", "a.rs"]);
    assert_eq!((source.code, source.stdout.as_str()), (Some(1), "a.rs: not an rlib, it is no archive\n"));
    scratch.write("empty.a", "!<arch>\n");
    let empty = scratch.hollow(&["inspect", "empty.a"]);
    assert_eq!(empty.stdout, "empty.a: not an rlib, it is an archive without a member lib.rmeta\n");
    let cut = &scratch.read("out/liba.rlib")[..5000];
    fs::write(scratch.path("cut.rlib"), cut).unwrap();
    let cut = scratch.hollow(&["inspect", "cut.rlib"]);
    assert_eq!(cut.code, Some(1));
    assert!(cut.stdout.starts_with("cut.rlib: not an rlib, it is a damaged archive"), "{}", cut.stdout);
}

#[test]
fn a_file_that_can_not_be_read_is_one_line() {
    let scratch = Scratch::new();
    assert_eq!(scratch.hollow(&["inspect", "gone"]).stopped(2), "cannot read `gone`: No such file or directory (os error 2)");
    assert_eq!(scratch.hollow(&["inspect", "."]).stopped(2), "cannot read `.`: is a directory");
}

#[test]
fn a_crate_whose_name_rustc_knows_beforehand_is_named_after_its_file() {
    let scratch = Scratch::new();
    scratch.write("libc.rs", "");
    scratch.action("metadata", "--crate-type=lib --out-dir=out -Cextra-filename=-x libc.rs").ok();
    let text = scratch.hollow(&["inspect", "out/_hollow/liblibc-x_meta.rlib"]).ok().stdout;
    assert!(text.contains("\n  crate   libc\n"), "{text}");
}
