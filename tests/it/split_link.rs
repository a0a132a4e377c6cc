//! Split link: what `hollow compile` and `hollow link --plan` make is byte for byte what rustc links itself.

use std::fs;

use crate::support::{HOLLOW, Ran, Scratch, run};

/// Two libraries, the lower one with native code, made by interface and sealed.
pub struct Graph {
    pub scratch: Scratch,
}

/// What every program here is compiled against.
pub const DEPENDENCIES: &str = "--extern=upper=out/libupper.rlib --extern=lower=out/liblower.rlib -Ldependency=out";

const LIBRARIES: [(&str, &str); 3] = [
    ("packed", "-Lnative=native -lstatic:+whole-archive=whole"),
    ("lower", "-Lnative=native -lstatic=bundled"),
    ("upper", "--extern=lower=out/liblower.rlib --extern=packed=out/libpacked.rlib -Ldependency=out"),
];

impl Graph {
    /// All sources, and the hollow rlibs; no full rlib exists.
    pub fn new() -> Self {
        let scratch = Scratch::new();
        scratch.write("packed.rs", "unsafe extern \"C\" { fn whole() -> i32; } pub fn packed() -> i32 { unsafe { whole() } }");
        scratch.write(
            "lower.rs",
            "unsafe extern \"C\" { fn bundled() -> i32; }\n\
             pub fn native() -> i32 { unsafe { bundled() } }\n\
             pub fn list<T: Clone>(x: T) -> Vec<T> { vec![x.clone(), x] }\n\
             pub fn private_body() -> u32 { 1 }\n",
        );
        scratch.write(
            "upper.rs",
            "use std::collections::BTreeMap;\n\
             pub fn map() -> BTreeMap<u32, Vec<i32>> { let mut m = BTreeMap::new(); m.insert(lower::private_body(), lower::list(lower::native() + packed::packed())); m }\n",
        );
        scratch.write("main.rs", MAIN);
        scratch.write("test.rs", "#[test] fn passes() { assert_eq!(upper::map().len(), 1); }");
        scratch.write("shared.rs", "#[unsafe(no_mangle)] pub extern \"C\" fn shared() -> usize { upper::map().len() }");
        scratch.write(
            "macros.rs",
            "use proc_macro::TokenStream; #[proc_macro] pub fn length(_: TokenStream) -> TokenStream { upper::map().len().to_string().parse().unwrap() }",
        );
        scratch.write("native/bundled.c", "int bundled(void) { return 20; }");
        scratch.write("native/whole.c", "int whole(void) { return 22; }");
        scratch.write("native/loose.c", "int loose(void) { return 3; }");
        for name in ["bundled", "whole", "loose"] {
            run(scratch.command("cc").args(["-c", "-o", &format!("native/{name}.o"), &format!("native/{name}.c")])).ok();
            run(scratch.command("ar").args(["rcs", &format!("native/lib{name}.a"), &format!("native/{name}.o")])).ok();
        }
        run(scratch.command("cc").args(["-shared", "-o", "native/libdynamic.so", "native/loose.o"])).ok();
        let graph = Self { scratch };
        graph.metadata();
        graph
    }

    pub fn metadata(&self) {
        for (name, options) in LIBRARIES {
            self.hollow("metadata --interface=drop", &library(name, options)).ok();
        }
    }

    /// The full rlibs, too.
    pub fn link_libraries(&self) {
        for (name, options) in LIBRARIES {
            self.hollow(&format!("link --seal-with=out/_hollow/lib{name}_meta.rlib"), &library(name, options)).ok();
        }
    }

    /// `hollow ACTION -- rustc ARGUMENTS`.
    pub fn hollow(&self, action: &str, arguments: &str) -> Ran {
        let line = format!("{action} -- rustc --edition=2024 {arguments}");
        run(self.scratch.command(HOLLOW).args(line.split_whitespace()))
    }
}

fn library(name: &str, options: &str) -> String {
    format!("--crate-type=lib --out-dir=out {name}.rs {options}")
}

const MAIN: &str = "\
#[inline(never)] fn deep(n: u32) -> u32 { if n == 0 { 0 } else { 1 + deep(n - 1) } }
fn main() {
    println!(\"{:?} {} {:?}\", upper::map(), deep(4), lower::list(\"x\".to_string()));
}
";
const PRINTED: &str = "{1: [42, 42]} 4 [\"x\", \"x\"]\n";

/// Compiles each, first while no full rlib exists, and then links it twice: by the plan, and by rustc.
fn check(cases: &[(&str, &str, &str)]) {
    let graph = Graph::new();
    let scratch = &graph.scratch;
    let line = |(name, source, options): &(&str, &str, &str)| {
        let incremental = if *name == "incremental" { "-Cincremental=cache" } else { "" };
        format!("--out-dir=bin/{name} {source} {options} {incremental} {DEPENDENCIES}")
    };
    for case in cases {
        let compiled = graph.hollow("compile --explain", &line(case)).ok();
        assert!(!compiled.stderr.contains("not split"), "{}: {}", case.0, compiled.stderr);
        let left: Vec<_> = scratch.list(&format!("bin/{}", case.0)).into_iter().filter(|name| !name.ends_with(".dwo")).collect();
        assert_eq!(left.len(), 2, "only a plan is made: {left:?}");
    }
    graph.link_libraries();
    for case in cases {
        let (name, source, _) = case;
        let plan = scratch.list(&format!("bin/{name}")).into_iter().find(|file| file.ends_with(".plan")).unwrap();
        graph.hollow(&format!("link --plan=bin/{name}/{plan}"), &line(case)).ok();
        let made = scratch.list(&format!("bin/{name}"));
        let program = made.iter().find(|file| !file.starts_with("_hollow") && !file.ends_with(".dwo")).unwrap();
        let program = format!("bin/{name}/{program}");
        let split = scratch.read(&program);
        if source.contains("main.rs") {
            let ran = run(scratch.command(scratch.path(&program)).env("LD_LIBRARY_PATH", libraries(scratch))).ok();
            assert_eq!(ran.stdout, PRINTED, "{name}");
        }
        fs::remove_file(scratch.path(&program)).unwrap();
        graph.hollow("link", &line(case)).ok();
        assert!(scratch.read(&program) == split, "{name}: {program} differs");
        assert!(made.iter().all(|file| !file.contains(".hollow-") && !file.contains("rcgu.o")), "{name}: {made:?}");
    }
}

/// Where the shared libraries are: rustc's own, and ours.
fn libraries(scratch: &Scratch) -> String {
    let own = scratch.rustc("--print=target-libdir").ok().stdout;
    format!("{}:{}", own.trim_end(), scratch.path("native").display())
}

#[test]
fn programs_are_those_that_rustc_links() {
    check(&[
        ("plain", "main.rs", ""),
        ("debuginfo-1", "main.rs", "-Cdebuginfo=1"),
        ("debuginfo-2", "main.rs", "-g"),
        ("optimized", "main.rs", "-O"),
        ("one-unit", "main.rs", "-Ccodegen-units=1"),
        ("many-units", "main.rs", "-Ccodegen-units=256"),
        ("incremental", "main.rs", ""),
        ("lto-off", "main.rs", "-Clto=off"),
    ]);
}

#[test]
fn options_that_reach_the_linker_do_so() {
    check(&[
        ("abort", "main.rs", "-Cpanic=abort"),
        ("rpath", "main.rs", "-Crpath"),
        ("stripped", "main.rs", "-Cstrip=symbols"),
        ("static", "main.rs", "-Ctarget-feature=+crt-static"),
        ("no-pie", "main.rs", "-Crelocation-model=static"),
        ("dead-code", "main.rs", "-Clink-dead-code"),
        ("coverage", "main.rs", "-Cinstrument-coverage"),
        ("unpacked", "main.rs", "-g -Csplit-debuginfo=unpacked"),
        ("bitcode", "main.rs", "-Cembed-bitcode=no"),
        ("self-contained", "main.rs", "-Clink-self-contained=-linker"),
    ]);
}

#[test]
fn every_kind_of_linked_output_can_be_split() {
    check(&[
        ("test", "test.rs", "--test"),
        ("test-debug", "test.rs", "--test -g"),
        ("cdylib", "shared.rs", "--crate-type=cdylib"),
        ("dylib", "shared.rs", "--crate-type=dylib"),
        ("dylib-dynamic", "shared.rs", "--crate-type=dylib -Cprefer-dynamic"),
        ("macro", "macros.rs", "--crate-type=proc-macro --extern=proc_macro"),
        ("dynamic", "main.rs", "-Cprefer-dynamic"),
    ]);
}

#[test]
fn linkers_and_native_libraries_are_the_users_own() {
    let mut cases = vec![
        ("gcc", "main.rs", "-Clinker=gcc"),
        ("build-id", "main.rs", "-Clink-arg=-Wl,--build-id=sha1"),
        ("bfd", "main.rs", "-Clink-self-contained=-linker -Zunstable-options -Clinker-features=-lld -Clink-arg=-fuse-ld=bfd"),
        ("flavor", "main.rs", "-Clinker=gcc -Clinker-flavor=gcc"),
        ("plugin", "main.rs", "-Clinker-plugin-lto -O"),
        ("native", "main.rs", "-Lnative=native -lstatic=loose"),
        ("native-whole", "main.rs", "-Lnative=native -lstatic:+whole-archive=loose"),
        ("native-dynamic", "main.rs", "-Lnative=native -ldylib=dynamic"),
        ("raw", "main.rs", "-Clink-args=-Wl,--export-dynamic,--hash-style=both"),
        ("codegen-last", "main.rs", "-Clinker=nothing -Clinker=cc"),
    ];
    if which::which("clang").is_ok() {
        cases.push(("clang", "main.rs", "-Clinker=clang"));
    }
    check(&cases);
}
