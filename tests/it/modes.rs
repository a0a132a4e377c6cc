//! Ways to compile under which bodies matter to dependents, or might: there the hollow rlib is made plainly, and everywhere the program is
//! right. Both actions, with `--interface`, over three crates.

use crate::support::{Ran, Scratch, run};

/// Each function would be seen empty by a dependent, were its crate compiled by interface above `opt-level=0`: `small` inlined, the argument
/// of `changed` taken for one that is only read.
const BASE: &str = r"
pub struct Big(pub [u64; 16]);

pub fn small(x: u64) -> u64 {
    x + 1
}

#[unsafe(no_mangle)]
pub fn changed(mut big: Big) -> u64 {
    big.0[0] += small(3);
    std::hint::black_box(&mut big).0[0]
}
";

const MIDDLE: &str = r"
pub fn sum(numbers: &[u64; 16]) -> u64 {
    base::changed(base::Big(*numbers)) + base::small(numbers[0])
}
";

const MAIN: &str = r#"
fn main() {
    let numbers = std::hint::black_box([1; 16]);
    let sum = middle::sum(&numbers);
    println!("{sum} {}", numbers[0]);
}
"#;

const PRINTED: &str = "7 1\n";

/// How the hollow rlibs have to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    ByInterface,
    Plainly,
}
use Made::{ByInterface, Plainly};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("base.rs", BASE);
    scratch.write("middle.rs", MIDDLE);
    scratch.write("main.rs", MAIN);
    scratch
}

fn hollow(scratch: &Scratch, action: &str, rustc: &str) -> Ran {
    let line = format!("{action} -- rustc --edition=2021 --out-dir=out -Ldependency=out {rustc}");
    scratch.hollow(&line.split_whitespace().collect::<Vec<_>>())
}

/// Builds the three crates with these flags and runs the program, in both ways to treat lines.
#[track_caller]
fn check(flags: &str, made: Made) {
    for lines in ["keep", "drop"] {
        let scratch = scratch();
        for (name, externs) in [("base", ""), ("middle", "--extern=base=out/libbase.rlib")] {
            let rustc = format!("--crate-type=lib {name}.rs {externs} {flags}");
            let explained = hollow(&scratch, &format!("metadata --explain --interface={lines}"), &rustc).ok().stderr;
            let is_plain = explained.contains("hollow: plain hollow rlib");
            let by_interface = explained.contains("hollow: interface: ");
            assert_eq!((is_plain, by_interface), (made == Plainly, made == ByInterface), "{flags} {lines}: {explained}");
            hollow(&scratch, &format!("link --seal-with=out/_hollow/lib{name}_meta.rlib"), &rustc).ok();
        }
        let program = format!("main.rs --extern=middle=out/libmiddle.rlib {flags}");
        hollow(&scratch, "link", &program).ok();
        assert_eq!(program_in(&scratch).ok().stdout, PRINTED, "{flags} {lines}");
    }
}

/// Runs the program where it finds rustc's own shared libraries, and leaves its profile in the scratch directory.
fn program_in(scratch: &Scratch) -> Ran {
    let libraries = scratch.stable_rustc("--print=target-libdir").ok().stdout;
    let libraries = format!("out:{}", libraries.trim_end());
    run(scratch.command(scratch.path("out/main")).env("LD_LIBRARY_PATH", libraries))
}

#[test]
fn at_opt_level_0_hollow_rlibs_are_made_by_interface() {
    check("", ByInterface);
    check("-O -Copt-level=0", ByInterface);
}

#[test]
fn above_opt_level_0_hollow_rlibs_are_made_plainly() {
    for level in ["-Copt-level=1", "-Copt-level=2", "-C opt-level=3", "-Copt-level=s", "-O", "-Copt-level=0 -O"] {
        check(level, Plainly);
    }
}

#[test]
fn under_instrumentation_hollow_rlibs_are_made_plainly() {
    check("-Cinstrument-coverage", Plainly);
}

#[test]
fn under_a_sanitizer_hollow_rlibs_are_made_plainly() {
    let scratch = scratch();
    scratch.write("any.rs", "fn main() {}");
    if scratch.rustc("-Zsanitizer=address any.rs").code != Some(0) {
        return eprintln!("skipped: this toolchain has no run-time library for -Zsanitizer=address");
    }
    check("-Zsanitizer=address", Plainly);
}

#[test]
fn link_time_optimisation_sees_the_true_bodies() {
    check("-Clto", ByInterface);
    check("-Clto=thin", ByInterface);
    check("-Clto -Copt-level=3", Plainly);
    check("-Clinker-plugin-lto=no -Cembed-bitcode=yes", ByInterface);
}

#[test]
fn other_ways_to_compile_are_as_ordinary_ones() {
    check("-Cpanic=abort", ByInterface);
    check("-Cincremental=incremental", ByInterface);
    check("-Cprefer-dynamic", ByInterface);
    check("-Cdebuginfo=2 -Cdebug-assertions=off -Coverflow-checks=off", ByInterface);
    check("-Ccodegen-units=1 -Csymbol-mangling-version=v0", ByInterface);
    check("-Clink-dead-code", ByInterface);
}

#[test]
fn an_incremental_build_is_right_after_an_edit() {
    let scratch = scratch();
    for (text, printed) in [(BASE.to_owned(), PRINTED), (BASE.replace("x + 1", "x + 2"), "9 1\n")] {
        scratch.write("base.rs", text);
        for (name, externs) in [("base", ""), ("middle", "--extern=base=out/libbase.rlib")] {
            let rustc = format!("--crate-type=lib {name}.rs {externs} -Cincremental=incremental");
            hollow(&scratch, "metadata --interface", &rustc).ok();
            hollow(&scratch, &format!("link --seal-with=out/_hollow/lib{name}_meta.rlib"), &rustc).ok();
        }
        hollow(&scratch, "link", "main.rs --extern=middle=out/libmiddle.rlib -Cincremental=incremental").ok();
        assert_eq!(program_in(&scratch).ok().stdout, printed);
    }
}

#[test]
fn a_dylib_has_no_hollow_rlib_and_links_sealed_libraries() {
    let scratch = scratch();
    let base = "--crate-type=lib base.rs -Cprefer-dynamic";
    hollow(&scratch, "metadata --interface", base).ok();
    hollow(&scratch, "link --seal-with=out/_hollow/libbase_meta.rlib", base).ok();
    let middle = "--crate-type=dylib middle.rs --extern=base=out/libbase.rlib -Cprefer-dynamic";
    let refused = hollow(&scratch, "metadata --interface", middle);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    hollow(&scratch, "link", middle).ok();
    let dylib = format!("out/{}middle{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    hollow(&scratch, "link", &format!("main.rs --extern=middle={dylib} -Cprefer-dynamic")).ok();
    assert_eq!(program_in(&scratch).ok().stdout, PRINTED);
}
