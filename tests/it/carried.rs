//! Kept metadata at the level of rustc: a dependent that was compiled against an older version of a library is linked with a newer one.

use std::fs;
use std::path::Path;

use hollow::rlib;

use crate::support::{Scratch, missing, run};

/// Two versions of a library `base`, and a library `middle` that is compiled against the first one.
struct Versions {
    scratch: Scratch,
    /// For all of rustc's runs: as Cargo, without bitcode.
    arguments: String,
}

const MAIN: &str = "fn main() { println!(\"{}\", middle::middle()); }";

impl Versions {
    fn new(older: &str, middle: &str, arguments: &str) -> Self {
        let versions = Self { scratch: Scratch::new(), arguments: format!("-Cembed-bitcode=no {arguments}") };
        versions.compile_base(older);
        fs::rename(versions.scratch.path("libbase.rlib"), versions.scratch.path("older.rlib")).unwrap();
        fs::copy(versions.scratch.path("older.rlib"), versions.scratch.path("libbase.rlib")).unwrap();
        versions.scratch.write("middle.rs", middle);
        versions.rustc("--crate-type=lib middle.rs --extern=base=libbase.rlib");
        versions
    }

    fn rustc(&self, line: &str) {
        self.scratch.stable_rustc(&format!("{line} -Ldependency=. {}", self.arguments)).ok();
    }

    fn compile_base(&self, source: &str) {
        self.scratch.write("base.rs", source);
        self.rustc("--crate-type=lib base.rs");
    }

    /// Compiles a newer version, which keeps the metadata of the first one, or says why it can't.
    fn keep(&self, newer: &str) -> Result<(), String> {
        self.compile_base(newer);
        let kept = rlib::keep(&self.scratch.path("older.rlib"), &self.scratch.path("libbase.rlib"));
        let directory = format!("{}/", self.scratch.root().display());
        kept.map_err(|error| error.to_string().replace(&directory, ""))
    }

    /// What a program prints that is linked with what there is now.
    fn prints(&self, arguments: &str) -> String {
        self.scratch.write("main.rs", MAIN);
        self.rustc(&format!("main.rs --extern=middle=libmiddle.rlib {arguments}"));
        run(&mut self.scratch.command(self.scratch.path("main"))).ok().stdout
    }

    fn members(&self) -> Vec<String> {
        rlib::Rlib::read(Path::new(&self.scratch.path("libbase.rlib")))
            .unwrap()
            .members
            .into_iter()
            .map(|member| member.name)
            .collect()
    }
}

/// The first version uses instances that the second one does without: of its own generics, of the standard library's, and glue.
const OLDER: &str = "
use std::collections::BTreeMap;
use std::fmt::Debug;
pub struct Dropped(pub u8);
impl Drop for Dropped { fn drop(&mut self) { COUNT.with(|count| count.set(count.get() + 1)); } }
thread_local! { static COUNT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) }; }
pub static TOTAL: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
pub fn shown<T: Debug>(value: T) -> String { helper(); format!(\"<{value:?}>\") }
pub fn dropped() -> u32 { COUNT.with(|count| count.get()) }
fn helper() { TOTAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed); }
pub fn boxed<T: Debug + 'static>(value: T) -> Box<dyn Debug> { Box::new(value) }
pub fn all() -> String {
    let mut map = BTreeMap::<u32, u64>::new();
    map.insert(1, 2);
    let _vec = vec![Dropped(1)];
    format!(\"{} {map:?} {:?}\", shown(1u8), boxed([1u16]))
}";
const MIDDLE: &str = "
pub fn middle() -> String {
    let mut map = std::collections::BTreeMap::<u32, u64>::new();
    map.insert(3, 4);
    drop(vec![base::Dropped(1)]);
    let all = base::all();
    let shown = base::shown(7u8);
    let total = base::TOTAL.load(std::sync::atomic::Ordering::Relaxed);
    format!(\"{all} {shown} {:?} {map:?} {} {total}\", base::boxed([5u16]), base::dropped())
}";
const PRINTED: &str = "none <7> [5] {3: 4} 1 1\n";

fn newer() -> String {
    let at = OLDER.find("    let mut map").unwrap();
    format!("{}    String::from(\"none\")\n}}", &OLDER[..at])
}

#[test]
fn instances_that_are_lost_are_carried_over() {
    for arguments in [
        "",
        "-g",
        "-Csymbol-mangling-version=v0",
        "-Ccodegen-units=1",
        "-Crelocation-model=pic",
        "-Cpanic=abort",
        "-Cincremental=cache",
    ] {
        let versions = Versions::new(OLDER, MIDDLE, arguments);
        assert_eq!(versions.prints(""), "<1> {1: 2} [1] <7> [5] {3: 4} 2 2\n");
        versions.keep(&newer()).unwrap();
        assert!(versions.members().iter().any(|name| name.starts_with("carried-") && name.ends_with(".rcgu.o")), "{arguments}");
        assert_eq!(versions.prints(""), PRINTED, "{arguments}");
        // A shared library holds all of them.
        versions.scratch.write("shared.rs", "#[no_mangle] pub extern \"C\" fn entry() -> usize { middle::middle().len() }");
        versions.rustc("--crate-type=cdylib shared.rs --extern=middle=libmiddle.rlib -Clink-arg=-Wl,-z,defs");
        // The undoing loses nothing.
        versions.keep(OLDER).unwrap();
        assert!(!versions.members().iter().any(|name| name.starts_with("carried-")), "{arguments}");
        assert_eq!(versions.prints(""), "<1> {1: 2} [1] <7> [5] {3: 4} 2 2\n", "{arguments}");
    }
}

#[test]
fn every_linker_takes_carried_objects() {
    let versions = Versions::new(OLDER, MIDDLE, "");
    versions.keep(&newer()).unwrap();
    for linker in ["lld", "bfd", "gold", "mold"] {
        if which::which(format!("ld.{linker}")).is_err() {
            missing(&format!("ld.{linker}"));
            continue;
        }
        for arguments in ["", "-Clink-dead-code", "-Copt-level=3"] {
            let printed = versions.prints(&format!("-Clink-arg=-fuse-ld={linker} {arguments}"));
            assert_eq!(printed, PRINTED, "{linker} {arguments}");
        }
    }
}

#[test]
fn what_runs_or_is_found_by_itself_is_not_carried_over() {
    for section in [".init_array", "registered"] {
        let older = format!(
            "pub static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
             extern \"C\" fn register() {{ COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed); }}
             #[used] #[unsafe(link_section = \"{section}\")] static REGISTER: extern \"C\" fn() = register;
             pub fn shown<T: std::fmt::Debug>(value: T) -> String {{ format!(\"<{{value:?}}>\") }}
             pub fn all() -> String {{ shown(1u8) }}"
        );
        let versions =
            Versions::new(&older, "pub fn middle() -> String { base::shown(7u8) + &base::all() }", "-Ccodegen-units=1");
        let error = versions.keep(&older.replace("{ shown(1u8) }", "{ String::new() }")).unwrap_err();
        assert!(error.starts_with("`libbase.rlib` can't keep the metadata of `older.rlib`: "), "{error}");
        assert!(error.ends_with(&format!(" can't be carried over: it has a section {section}")), "{error}");
    }
}

#[test]
fn what_is_not_generic_is_never_lost() {
    let older = "pub fn one() -> u32 { 1 }\npub fn two() -> u32 { one() }\n#[unsafe(no_mangle)] pub fn named() {}";
    for mangling in ["v0", "legacy"] {
        let arguments = format!("-Csymbol-mangling-version={mangling} -Zunstable-options");
        let scratch = Scratch::new();
        let compile = |source: &str, name: &str| {
            scratch.write("base.rs", source);
            scratch.rustc(&format!("--crate-type=lib base.rs {arguments} -o {name}")).ok();
            scratch.path(name)
        };
        let old = compile(older, "older.rlib");
        for (from, to) in [("pub fn one()", "pub fn other()"), ("pub fn named", "pub fn renamed")] {
            let new = compile(&older.replace(from, to).replace("{ one() }", "{ 1 }"), "newer.rlib");
            let kept = rlib::keep(&old, &new);
            if mangling == "v0" || from.ends_with("named") {
                assert!(kept.unwrap_err().to_string().ends_with("is gone, and it is no generic instance"), "{mangling} {from}");
            }
        }
        // Another name of the same thing: a type in a signature shows in the hash of a legacy name.
        if mangling == "legacy" {
            let new = compile(&older.replace("two() -> u32 { one() }", "two() -> u64 { 1 }"), "newer.rlib");
            assert!(rlib::keep(&old, &new).unwrap_err().to_string().contains("base3two17h"));
        }
    }
}

#[test]
fn bitcode_and_objects_of_other_formats_are_not_carried_over() {
    let versions = Versions::new(OLDER, MIDDLE, "-Clinker-plugin-lto");
    let error = versions.keep(&newer()).unwrap_err();
    assert!(error.contains("is no ELF object"), "{error}");
    let versions = Versions::new(OLDER, MIDDLE, "-Cembed-bitcode=yes");
    let error = versions.keep(&newer()).unwrap_err();
    assert!(error.ends_with("it has bitcode"), "{error}");
}
