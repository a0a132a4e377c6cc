//! Sealing: what comes out, and that it works.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use object::read::archive::ArchiveFile;

use crate::support::{Ran, Scratch, missing};

/// What dependents need to know of a crate `a`, long-winded, so that its metadata have another size.
const INTERFACE: &str = "
    /// The answer, with a documentation that is a good deal longer than that in the source, so that the sizes differ.
    pub fn answer() -> u32 { loop {} }
    pub fn native() -> i32 { loop {} }
";

const SOURCE: &str = "
    unsafe extern \"C\" { fn seven() -> i32; }
    pub fn answer() -> u32 { helper(6) }
    pub fn native() -> i32 { unsafe { seven() } }
    #[inline(never)] fn helper(by: u32) -> u32 { std::hint::black_box(7) * by }
";

const PROGRAM: &str = "fn main() { println!(\"{} {}\", a::answer(), a::native()); }";

/// `out/_hollow/liba_meta.rlib` from the interface, and `out/liba.rlib` from the source, with a native library bundled.
pub fn pair() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("native/seven.c", "int seven(void) { return 7; }");
    crate::support::run(scratch.command("cc").args(["-c", "native/seven.c", "-o", "native/seven.o"])).ok();
    crate::support::run(scratch.command("ar").args(["crs", "native/libseven.a", "native/seven.o"])).ok();
    scratch.write("a.rs", INTERFACE);
    scratch.action("metadata", "--crate-type=lib --out-dir=out a.rs").ok();
    scratch.write("a.rs", SOURCE);
    scratch.action("link", LINK_A).ok();
    scratch
}

const LINK_A: &str = "--crate-type=lib --out-dir=out -Lnative=native -lstatic=seven a.rs";

pub const FULL: &str = "out/liba.rlib";
pub const HOLLOW: &str = "out/_hollow/liba_meta.rlib";

pub fn seal(scratch: &Scratch) -> Ran {
    scratch.hollow(&["seal", FULL, "--with", HOLLOW])
}

type Contents = Vec<(String, Vec<u8>)>;

fn contents(archive: &[u8]) -> Contents {
    let file = ArchiveFile::parse(archive).unwrap();
    let members = file.members().map(Result::unwrap);
    members.map(|m| (String::from_utf8_lossy(m.name()).into_owned(), m.data(archive).unwrap().to_vec())).collect()
}

/// Each symbol, and the member that the symbol table says it is in.
fn symbols(archive: &[u8]) -> Contents {
    let file = ArchiveFile::parse(archive).unwrap();
    let symbols = file.symbols().unwrap().unwrap().map(Result::unwrap);
    let member = |offset| file.member(offset).unwrap().name().to_vec();
    symbols.map(|symbol| (String::from_utf8_lossy(symbol.name()).into_owned(), member(symbol.offset()))).collect()
}

#[test]
fn only_the_metadata_change() {
    let scratch = pair();
    let (full, hollow) = (scratch.read(FULL), scratch.read(HOLLOW));
    seal(&scratch).ok();
    let sealed = scratch.read(FULL);

    let mut expected = contents(&full);
    let lib_rmeta = contents(&hollow).into_iter().find(|(name, _)| name == "lib.rmeta").unwrap().1;
    let old = std::mem::replace(&mut expected.iter_mut().find(|(name, _)| name == "lib.rmeta").unwrap().1, lib_rmeta);
    assert_eq!(contents(&sealed), expected);
    assert_ne!(expected[0].1.len(), old.len(), "the test must change the size");
    assert!(expected.iter().any(|(name, _)| name == "seven.o"), "the native object is missing");

    assert_eq!(symbols(&sealed), symbols(&full));
    assert!(symbols(&sealed).contains(&("seven".into(), b"seven.o".to_vec())));
}

#[test]
fn a_program_is_linked_from_a_sealed_rlib_by_lld_and_by_gnu_ld() {
    let scratch = pair();
    seal(&scratch).ok();
    // The dependent is compiled against the hollow rlib, and linked with the sealed one.
    scratch.write("b.rs", "pub fn b() -> u32 { a::answer() }");
    let b = "--crate-type=lib --extern=a=out/liba.rlib --out-dir=out b.rs";
    scratch.action("metadata", b).ok();
    scratch.action("link", b).ok();
    scratch.write("main.rs", "fn main() { println!(\"{} {} {}\", a::answer(), a::native(), b::b()); }");
    let is_by_lld = |option: &str| {
        let line = format!("{option} --extern=a={FULL} --extern=b=out/libb.rlib -Ldependency=out --out-dir=bin main.rs");
        scratch.stable_rustc(&line).ok();
        assert_eq!(crate::support::run(&mut scratch.command(scratch.path("bin/main"))).ok().stdout, "42 7 42\n");
        // A distribution's says `Linker: Debian LLD`.
        let program = String::from_utf8_lossy(&scratch.read("bin/main")).into_owned();
        program.split("Linker: ").skip(1).any(|linker| linker.split('\0').next().is_some_and(|linker| linker.contains("LLD ")))
    };
    // Where rustc brings lld along, that is the default; a distribution's rustc may leave the choice to the C compiler.
    if !is_by_lld("") {
        if which::which("ld.lld").is_err() {
            return missing("there is no lld");
        }
        assert!(is_by_lld("-Clink-arg=-fuse-ld=lld"));
    }
    assert!(!is_by_lld("-Clink-self-contained=-linker -Clink-arg=-fuse-ld=bfd"));
}

#[test]
fn the_link_action_seals_what_it_made() {
    let scratch = pair();
    scratch.hollow(&split(&format!("link --seal-with {HOLLOW} -- rustc --edition=2021 {LINK_A}"))).ok();
    scratch.write("main.rs", PROGRAM);
    scratch.action("link", &format!("--extern=a={FULL} --out-dir=bin main.rs")).ok();
    assert_eq!(crate::support::run(&mut scratch.command(scratch.path("bin/main"))).ok().stdout, "42 7\n");
}

#[test]
fn inspect_knows_a_sealed_pair() {
    let scratch = pair();
    let inspect = |format: &str, files: [&str; 2]| scratch.hollow(&["inspect", format, files[0], files[1]]);
    let before = inspect("--format=text", [FULL, HOLLOW]);
    assert_eq!(before.code, Some(1));
    assert!(before.stdout.contains("\ndifferent metadata, no sealed pair: "), "{}", before.stdout);
    let json: serde_json::Value = serde_json::from_str(&inspect("--format=json", [FULL, HOLLOW]).stdout).unwrap();
    assert_eq!(json["sealed_pair"], false);

    seal(&scratch).ok();
    let after = inspect("--format=text", [HOLLOW, FULL]).ok();
    assert!(after.stdout.contains("\nsame metadata, a sealed pair: "), "{}", after.stdout);
    let json: serde_json::Value = serde_json::from_str(&inspect("--format=json", [FULL, HOLLOW]).ok().stdout).unwrap();
    assert_eq!(json["sealed_pair"], true);

    let same_kind = inspect("--format=json", [FULL, FULL]).ok().stdout;
    assert!(!same_kind.contains("sealed_pair"), "{same_kind}");
}

#[test]
fn a_sealed_rlib_is_not_written_again() {
    let scratch = pair();
    seal(&scratch).ok();
    let state = || scratch.path(FULL).metadata().map(|found| (found.ino(), found.mtime_nsec(), found.ctime_nsec())).unwrap();
    let before = state();
    seal(&scratch).ok();
    scratch.hollow(&["seal", FULL, "--with", HOLLOW, "--output", "out/../out/liba.rlib"]).ok();
    assert_eq!(state(), before);
}

#[test]
fn another_name_of_the_full_rlib_keeps_its_content() {
    let scratch = pair();
    fs::hard_link(scratch.path(FULL), scratch.path("cached")).unwrap();
    fs::set_permissions(scratch.path(FULL), fs::Permissions::from_mode(0o444)).unwrap();
    let before = scratch.read("cached");
    seal(&scratch).ok();
    assert_eq!(scratch.read("cached"), before);
    assert_ne!(scratch.read(FULL), before);
    assert_eq!(scratch.path(FULL).metadata().unwrap().permissions().mode() & 0o7777, 0o444);
}

#[test]
fn the_target_of_a_symbolic_link_keeps_its_content() {
    let scratch = pair();
    fs::rename(scratch.path(FULL), scratch.path("cached")).unwrap();
    symlink("../cached", scratch.path(FULL)).unwrap();
    let before = scratch.read("cached");
    seal(&scratch).ok();
    assert_eq!(scratch.read("cached"), before);
    assert!(!scratch.path(FULL).is_symlink());
}

#[test]
fn the_output_may_be_another_file() {
    let scratch = pair();
    let before = scratch.read(FULL);
    let to = |output: &str| scratch.hollow(&["seal", FULL, "--with", HOLLOW, "--output", output]).ok();
    to("sealed.rlib");
    assert_eq!(scratch.read(FULL), before);
    seal(&scratch).ok();
    assert_eq!(scratch.read("sealed.rlib"), scratch.read(FULL));

    scratch.write("old.rlib", "something old");
    to("old.rlib");
    assert_eq!(scratch.read("old.rlib"), scratch.read(FULL), "a sealed rlib is copied as it is");
    assert_eq!(scratch.list("out"), ["_hollow", "_hollow/liba_meta.rlib", "liba.rlib"]);
}

#[test]
fn a_metadata_stub_is_sealed_too() {
    let scratch = Scratch::new();
    let stub = "-Zembed-metadata=no --crate-type=lib a.rs";
    let make = |source: &str, name: &str, flags: &str| {
        scratch.write("a.rs", source);
        scratch.rustc(&format!("{stub} --emit=link={name}.rlib --emit=metadata={name}.rmeta {flags}")).ok();
    };
    make(INTERFACE, "libhollow", "-Zno-codegen");
    make("pub fn answer() -> u32 { 42 } pub fn native() -> i32 { 7 }", "liba", "");
    scratch.hollow(&["seal", "liba.rlib", "--with", "libhollow.rlib"]).ok();
    assert_eq!(contents(&scratch.read("liba.rlib"))[0], contents(&scratch.read("libhollow.rlib"))[0]);
    scratch.write("main.rs", PROGRAM);
    scratch.rustc("--extern=a=libhollow.rmeta --extern=a=liba.rlib main.rs").ok();
    assert_eq!(crate::support::run(&mut scratch.command(scratch.path("main"))).ok().stdout, "42 7\n");
}

/// Two sources with the same code and different metadata: then sealing the one's full rlib with the other's hollow one must give, byte
/// for byte, the full rlib of the other. Without `core`, so that it can be compiled for any target.
#[test]
fn the_result_is_byte_for_byte_what_rustc_writes_on_every_kind_of_target() {
    const NO_CORE: &str = "
        #![feature(no_core, lang_items)] #![no_core] #![allow(internal_features)]
        #[lang = \"pointee_sized\"] pub trait PointeeSized {}
        #[lang = \"meta_sized\"] pub trait MetaSized: PointeeSized {}
        #[lang = \"sized\"] pub trait Sized: MetaSized {}
        #[lang = \"copy\"] pub trait Copy {}
        impl Copy for i32 {}
        #[unsafe(no_mangle)] pub extern \"C\" fn one(a: i32) -> i32 { a }
        pub mod inner { #[unsafe(no_mangle)] pub extern \"C\" fn other(a: i32) -> i32 { a } }
    ";
    let targets = [
        "x86_64-unknown-linux-gnu",
        "i686-unknown-linux-gnu",
        "powerpc64-unknown-linux-gnu",
        "aarch64-apple-darwin",
        "x86_64-apple-darwin",
        "x86_64-pc-windows-msvc",
        "i686-pc-windows-msvc",
        "x86_64-pc-windows-gnu",
        "wasm32-unknown-unknown",
        "x86_64-unknown-freebsd",
    ];
    for target in targets {
        let scratch = Scratch::new();
        let make = |name: &str, extra: &str, flags: &str| {
            scratch.write("a.rs", format!("{NO_CORE}{extra}"));
            scratch.rustc(&format!("--target={target} --crate-type=rlib --emit=link=lib{name}.rlib {flags} a.rs")).ok();
        };
        for documentation in ["", "/// Documented.\n", "/// More than that, so that the difference is another.\n"] {
            let other = format!("{documentation}pub type Other = i32;");
            make("one", "", "");
            make("other", &other, "");
            make("hollow", &other, "-Zno-codegen");
            assert_ne!(contents(&scratch.read("libone.rlib")), contents(&scratch.read("libother.rlib")), "{target}");
            let sealed = scratch.hollow(&["seal", "libone.rlib", "--with", "libhollow.rlib"]);
            assert_eq!((sealed.code, &*sealed.stderr), (Some(0), ""), "{target}");
            assert!(scratch.read("libone.rlib") == scratch.read("libother.rlib"), "{target}, {documentation:?}");
        }
    }
}

/// Methods in the order of a `HashMap`, which is another in each process, with a body that differs as well.
const MACRO: &str = r#"
    use std::collections::HashMap;
    use proc_macro::TokenStream;
    #[proc_macro_derive(Methods)]
    pub fn methods(_: TokenStream) -> TokenStream {
        let names: HashMap<&str, u32> = ["one", "two", "three", "four", "five", "six"].into_iter().zip(1..).collect();
        let mut code = String::from("impl Type {");
        for (position, (name, value)) in names.iter().enumerate() {
            code += &format!("pub const C_{name}: u32 = {value}; pub fn {name}(&self) -> u32 {{ {value} + {position} - {position} }}");
        }
        code += "}";
        code.parse().unwrap()
    }
"#;

/// A crate `a` with a nondeterministic derive, made until its two passes differ, and a crate `b` that has seen the hollow rlib only.
fn nondeterministic_pair() -> Scratch {
    const TRIES: usize = 20;
    let scratch = Scratch::new();
    scratch.write("m.rs", format!("extern crate proc_macro;{MACRO}"));
    scratch.write("a.rs", "#![allow(non_upper_case_globals)] #[derive(m::Methods)] pub struct Type;");
    scratch.write("b.rs", "pub fn b() -> u32 { a::Type.one() + a::Type.two() + a::Type::C_three }");
    scratch.write("main.rs", "fn main() { println!(\"{} {} {}\", b::b(), a::Type.six(), a::Type::C_five); }");
    scratch.stable_rustc("--crate-type=proc-macro m.rs").ok();
    let proc_macro = scratch.list("").into_iter().find(|name| name.starts_with("libm.")).unwrap();
    let a = format!("--crate-type=lib --extern=m={proc_macro} --out-dir=out a.rs");
    for _ in 0..TRIES {
        scratch.action("metadata --random-seeds", &a).ok();
        scratch.action("link --random-seeds", &a).ok();
        if scratch.hollow(&["inspect", FULL, HOLLOW]).code == Some(1) {
            scratch.action("metadata", B).ok();
            scratch.action("link", B).ok();
            return scratch;
        }
    }
    panic!("{TRIES} pairs of passes with a nondeterministic macro gave the same metadata");
}

const B: &str = "--crate-type=lib --extern=a=out/liba.rlib -Ldependency=. --out-dir=out b.rs";
const MAIN: &str = "--extern=a=out/liba.rlib --extern=b=out/libb.rlib -Ldependency=out -Ldependency=. --out-dir=bin main.rs";

#[test]
fn an_unsealed_pair_from_a_nondeterministic_macro_is_e0460() {
    let scratch = nondeterministic_pair();
    let failed = scratch.action("link", MAIN);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.contains("error[E0460]: found possibly newer version of crate `a` which `b` depends on"), "{failed:?}");
}

#[test]
fn a_sealed_pair_from_a_nondeterministic_macro_links_and_runs() {
    for _ in 0..3 {
        let scratch = nondeterministic_pair();
        seal(&scratch).ok();
        scratch.action("link", MAIN).ok();
        assert_eq!(crate::support::run(&mut scratch.command(scratch.path("bin/main"))).ok().stdout, "6 6 5\n");
    }
}

fn split(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// All names below a directory with the state of each, to see whether anything was touched.
pub fn state(scratch: &Scratch) -> Vec<(String, u64, i64)> {
    let stamp = |path: &Path| path.symlink_metadata().map(|found| (found.ino(), found.mtime_nsec())).unwrap();
    let files = scratch.list("").into_iter().filter(|name| scratch.path(name).is_file());
    files.map(|name| (name.clone(), stamp(&scratch.path(&name)).0, stamp(&scratch.path(&name)).1)).collect()
}
