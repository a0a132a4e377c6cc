//! `hollow doctor`: macros that expand differently each time, and what the actions do about a crate with some.

use crate::support::{Ran, Scratch};

const MACROS: &str = r#"
    extern crate proc_macro;
    use proc_macro::TokenStream;
    use std::collections::HashSet;

    #[proc_macro_derive(Ordered)]
    pub fn ordered(_: TokenStream) -> TokenStream {
        let numbers: HashSet<u32> = (0..12).collect();
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        format!("pub const ORDER: [u32; 12] = [{}];", numbers.join(",")).parse().unwrap()
    }

    #[proc_macro]
    pub fn now(_: TokenStream) -> TokenStream {
        format!("{:?}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()).parse().unwrap()
    }

    #[proc_macro_attribute]
    pub fn counted(_: TokenStream, item: TokenStream) -> TokenStream {
        let mut code: TokenStream = format!("pub const COUNT: u32 = {};", std::process::id()).parse().unwrap();
        code.extend(item);
        code
    }

    #[proc_macro]
    pub fn constant(_: TokenStream) -> TokenStream {
        "pub const CONSTANT: &str = \"the same\";".parse().unwrap()
    }
"#;

fn scratch(library: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("macros.rs", MACROS);
    scratch.write("a.rs", library);
    scratch.stable_rustc("--crate-type=proc-macro macros.rs").ok();
    scratch
}

const A: &str = "rustc --edition=2024 --crate-type=lib --extern=macros=libmacros.so --out-dir=out a.rs";
const TWIN: &str = "out/_hollow/liba_meta.rlib";

fn hollow(scratch: &Scratch, action: &str) -> Ran {
    scratch.hollow(&format!("{action} -- {A}").split_whitespace().collect::<Vec<_>>())
}

/// The names of the macros that were found, and the remedy.
fn examine(scratch: &Scratch) -> (Vec<String>, String) {
    let ran = hollow(scratch, "doctor --format=json --runs=4");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let names: Vec<String> =
        report["macros"].as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ran.code, Some(i32::from(!names.is_empty())), "{ran:?}");
    scratch.write("report", ran.stdout);
    (names, report["remedy"].as_str().unwrap_or("none").to_owned())
}

#[test]
fn a_crate_with_the_same_expansion_each_time_has_nothing() {
    let scratch =
        scratch("macros::constant!(); #[derive(Debug, Default)] pub struct Type(u32); pub fn f() { println!(\"{}\", 1) }");
    assert_eq!(examine(&scratch), (vec![], "none".into()));
    let ran = hollow(&scratch, "doctor").ok();
    assert!(ran.stdout.starts_with("crate `a`: 5 expansions are the same\n"), "{ran:?}");
    assert_eq!(ran.stderr, "");
    assert!(!scratch.exists("out"));
}

#[test]
fn each_macro_that_differs_is_named_with_a_diff() {
    let scratch = scratch(
        "macro_rules! make { ($name:ident) => { #[derive(macros::Ordered)] pub struct $name; } }
        mod one { make!(One); }
        macros::constant!();
        #[macros::counted] pub struct Two;
        pub fn f() -> u128 { macros::now!() }",
    );
    let names = ["macros::Ordered", "#[macros::counted]", "macros::now!()"];
    assert_eq!(examine(&scratch), (names.map(String::from).to_vec(), "plain".into()));
    let ran = hollow(&scratch, "doctor");
    for name in names {
        assert!(ran.stdout.contains(&format!("crate `a`: `{name}` expands differently each time\n")), "{ran:?}");
    }
    assert!(ran.stdout.contains("\n-pub const COUNT: u32 = "), "{ran:?}");
    assert!(ran.stdout.contains("`libmacros.so` could use: clock, process id, randomness\n"), "{ran:?}");
}

#[test]
fn a_crate_that_fixed_seeds_and_a_thread_for_each_call_make_equal_is_compiled_so() {
    let scratch = scratch("#[derive(macros::Ordered)] pub struct Type; pub fn f() -> u32 { 1 }");
    assert_eq!(examine(&scratch), (vec!["macros::Ordered".into()], "cross-thread".into()));
    let explained = hollow(&scratch, "metadata --explain --interface=drop --doctor-report=report").ok().stderr;
    assert!(explained.contains("each macro call on a thread of its own"), "{explained}");
    assert!(!explained.contains("plain hollow rlib"), "{explained}");
    hollow(&scratch, &format!("link --seal-with={TWIN} --doctor-report=report")).ok();

    let print = hollow(&scratch, "link --print=shell --doctor-report=report").ok().stdout;
    assert!(print.contains("-Zproc-macro-execution-strategy=cross-thread"), "{print}");
    // Without fixed seeds that does not help.
    let explained = hollow(&scratch, "metadata --explain --interface=drop --random-seeds --doctor-report=report").ok().stderr;
    assert!(
        explained.contains("plain hollow rlib, not by interface: a macro of it expands differently each time"),
        "{explained}"
    );
}

#[test]
fn any_other_crate_is_made_plain_and_verified_not_sealed() {
    let scratch = scratch("pub const BUILT: u128 = macros::now!(); pub fn f() -> u32 { 1 }");
    assert_eq!(examine(&scratch), (vec!["macros::now!()".into()], "plain".into()));
    let explained = hollow(&scratch, "metadata --explain --interface=drop --doctor-report=report").ok().stderr;
    assert!(
        explained.contains("plain hollow rlib, not by interface: a macro of it expands differently each time"),
        "{explained}"
    );
    let error = hollow(&scratch, &format!("link --seal-with={TWIN} --doctor-report=report")).stopped(1);
    assert!(error.starts_with("the two passes over crate `a` gave different metadata"), "{error}");
}

#[test]
fn what_can_not_be_examined_is_said() {
    let scratch = scratch("pub fn f() { missing!() }");
    assert_eq!(
        hollow(&scratch, "doctor").stopped(2),
        "crate `a` can't be expanded: rustc exited with status 1: error: cannot find macro `missing` in this scope"
    );
    scratch.write("report", "no JSON");
    let error = hollow(&scratch, "metadata --doctor-report=report").stopped(2);
    assert!(error.starts_with("`report` is no report of `hollow doctor --format json`"), "{error}");
}
