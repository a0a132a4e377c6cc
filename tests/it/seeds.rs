//! Seeds of `HashMap`s in macros: the same each time, for rustc alone, and without any other trace.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;

use crate::support::{HOLLOW, Scratch, run};

/// `Order` makes a type with the fields in the order of a `HashSet`, and `random!()` is a number from the system.
const MACROS: &str = r###"
    extern crate proc_macro;
    use proc_macro::TokenStream;
    use std::collections::HashSet;

    #[proc_macro_derive(Ordered)]
    pub fn ordered(item: TokenStream) -> TokenStream {
        let name = item.to_string().replace(';', "").split_whitespace().last().unwrap().to_owned();
        let fields: HashSet<u32> = (1..9).collect();
        let fields: String = fields.iter().map(|number| format!("pub field{number}: u32,")).collect();
        format!("#[repr(C)] #[derive(Default, Debug)] pub struct {name}Fields {{ {fields} }}").parse().unwrap()
    }

    unsafe extern "C" {
        fn getrandom(buffer: *mut u64, length: usize, flags: u32) -> isize;
    }

    #[proc_macro]
    pub fn random(_: TokenStream) -> TokenStream {
        let mut number = [0; 2];
        assert_eq!(unsafe { getrandom(number.as_mut_ptr(), 16, 0) }, 16);
        format!("{}u64", number[0] ^ number[1]).parse().unwrap()
    }

    #[proc_macro]
    pub fn environment(_: TokenStream) -> TokenStream {
        let variables: Vec<_> = std::env::vars().filter(|(name, _)| name.starts_with("LD_")).collect();
        let files: Vec<_> = std::fs::read_dir("/proc/self/fd").unwrap().map(|file| file.unwrap().path()).collect();
        let seeds: Vec<_> = files.iter().filter_map(|file| file.read_link().ok()).filter(|to| to.ends_with("seeds")).collect();
        format!("r##\"{variables:?} {seeds:?}\"##").parse().unwrap()
    }
"###;

const LIBRARY: &str = "#[derive(macros::Ordered)] pub struct Type; pub fn body() -> u32 { 1 }";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("macros.rs", MACROS);
    scratch.write("a.rs", LIBRARY);
    scratch.stable_rustc("--crate-type=proc-macro macros.rs").ok();
    scratch
}

/// The library's command line.
const A: &str = "rustc --edition=2024 --crate-type=lib --extern=macros=libmacros.so --out-dir=out a.rs";
const FULL: &str = "out/liba.rlib";
const HOLLOW_TWIN: &str = "out/_hollow/liba_meta.rlib";

fn hollow(scratch: &Scratch, action: &str, rustc: &str) -> crate::support::Ran {
    scratch.hollow(&format!("{action} -- {rustc}").split_whitespace().collect::<Vec<_>>())
}

#[test]
#[cfg(target_os = "linux")]
fn a_macro_that_goes_through_a_hash_set_expands_in_the_same_order_each_time() {
    const RUNS: usize = 5;
    let scratch = scratch();
    let made: HashSet<_> = (0..RUNS)
        .map(|_| {
            hollow(&scratch, "metadata", A).ok();
            hollow(&scratch, &format!("link --verify-against={HOLLOW_TWIN}"), A).ok();
            (scratch.read(FULL), scratch.read(HOLLOW_TWIN))
        })
        .collect();
    assert_eq!(made.len(), 1);

    let explained = hollow(&scratch, "metadata --explain", A).ok().stderr;
    assert!(explained.contains("hollow: HashMaps in macros start from fixed seeds; --random-seeds is without\n"), "{explained}");
    let explained = hollow(&scratch, "link --explain --random-seeds", A).ok().stderr;
    assert!(explained.contains("hollow: HashMaps in macros start from random seeds: --random-seeds\n"), "{explained}");
    let random: HashSet<_> = (0..RUNS)
        .map(|_| {
            hollow(&scratch, "metadata --random-seeds", A).ok();
            scratch.read(HOLLOW_TWIN)
        })
        .collect();
    assert!(random.len() > 1);
}

/// Without fixed seeds this printed `1 2 5 3 4 6` for `1 2 3 4 5 6` (each number of fields that the layouts have in the same place).
#[test]
fn a_sealed_library_has_the_layout_that_its_dependents_saw() {
    let scratch = scratch();
    scratch.write(
        "a.rs",
        "#[derive(macros::Ordered)] pub struct Type;
        pub fn made() -> TypeFields { TypeFields { field1: 1, field2: 2, field3: 3, field4: 4, field5: 5, field6: 6, ..Default::default() } }",
    );
    scratch.write(
        "main.rs",
        "fn main() { let a::TypeFields { field1, field2, field3, field4, field5, field6, .. } = a::made();
            println!(\"{field1} {field2} {field3} {field4} {field5} {field6}\"); }",
    );
    for lines in ["keep", "drop"] {
        hollow(&scratch, &format!("metadata --interface={lines}"), A).ok();
        hollow(&scratch, &format!("link --seal-with={HOLLOW_TWIN}"), A).ok();
        hollow(&scratch, "link", "rustc --edition=2024 --extern=a=out/liba.rlib -Ldependency=. --out-dir=out main.rs").ok();
        assert_eq!(run(&mut scratch.command(scratch.path("out/main"))).ok().stdout, "1 2 3 4 5 6\n");
    }
}

#[test]
fn randomness_that_a_macro_asks_the_system_for_is_real() {
    let scratch = scratch();
    scratch.write("a.rs", "pub const NUMBER: u64 = macros::random!();");
    let numbers: HashSet<_> = (0..3)
        .map(|_| {
            hollow(&scratch, "metadata", A).ok();
            scratch.read(HOLLOW_TWIN)
        })
        .collect();
    assert_eq!(numbers.len(), 3);
}

#[test]
fn nothing_else_is_another_for_it() {
    let scratch = scratch();
    scratch.write("a.rs", "pub const SEEN: Option<&str> = option_env!(\"LD_PRELOAD\"); pub fn double(x: u32) -> u32 { x * 2 }");
    let make = |options: &str| {
        hollow(&scratch, &format!("link {options}"), A).ok();
        scratch.read(FULL)
    };
    assert!(make("") == make("--random-seeds"));
}

/// What somebody else preloads stays, under its name, and so it is for macros and for the linker.
#[test]
#[cfg(target_os = "linux")]
fn macros_and_the_linker_see_the_environment_as_it_was() {
    let scratch = scratch();
    scratch.write("main.rs", "fn main() { println!(\"{} {:?}\", macros::environment!(), option_env!(\"LD_PRELOAD\")); }");
    let linker = scratch
        .write("linker", "#!/bin/sh\necho \"${LD_PRELOAD-none}\" > preloaded\nls -l /proc/$$/fd > files\nexec cc \"$@\"\n");
    std::fs::set_permissions(&linker, PermissionsExt::from_mode(0o755)).unwrap();
    // As rustup does, something that is no rustc may be in between.
    let script = scratch.write("through/rustc", "#!/bin/sh\nexec rustc \"$@\"\n");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();

    for (before, expected) in
        [(None, "none"), (Some("libm.so.6"), "libm.so.6"), (Some("libm.so.6:libdl.so.2"), "libm.so.6:libdl.so.2")]
    {
        let make = |options: &[&str]| {
            let mut action = scratch.command(HOLLOW);
            action.arg("link").args(options).args(["--", "through/rustc", "--edition=2024", "--extern=macros=libmacros.so"]);
            action.args(["-Clinker=./linker", "main.rs"]).env_remove("LD_PRELOAD");
            run(action.envs(before.map(|libraries| ("LD_PRELOAD", libraries)))).ok();
            assert_eq!(String::from_utf8(scratch.read("preloaded")).unwrap().trim(), expected);
            assert!(!String::from_utf8(scratch.read("files")).unwrap().contains("seeds"));
            run(&mut scratch.command(scratch.path("main"))).ok().stdout
        };
        assert_eq!(make(&[]), make(&["--random-seeds"]));
    }
}

/// rustc's names of temporary files come from elsewhere, so compilers that run at a time and in one directory do not meet.
#[test]
fn many_compilers_run_at_a_time_in_one_directory() {
    let scratch = scratch();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let scratch = &scratch;
            scope.spawn(move || {
                scratch.write(&format!("b{number}.rs"), LIBRARY);
                for _ in 0..3 {
                    for action in ["metadata", "link"] {
                        hollow(scratch, action, &A.replace(" a.rs", &format!(" b{number}.rs"))).ok();
                    }
                }
            });
        }
    });
    let left = scratch.list("out");
    assert_eq!(left.len(), 13, "{left:?}");
}

/// The limit: each `HashSet` has other seeds than the one before, so that a call more shifts those after it, but not with a thread for each call.
#[test]
#[cfg(target_os = "linux")]
fn a_thread_for_each_call_makes_calls_independent_of_each_other() {
    let scratch = scratch();
    scratch.write("b.rs", "#[derive(macros::Ordered)] pub struct First;\n#[derive(macros::Ordered)] pub struct Type;");
    let expand = |file: &str, options: &str| {
        let line =
            format!("rustc --edition=2024 --crate-type=lib --crate-name=a --extern=macros=libmacros.so -o - {file} {options}");
        let ran = hollow(&scratch, "link", &line.replace("-o -", "-Zunpretty=expanded")).ok();
        ran.stdout.split("pub struct TypeFields").nth(1).unwrap().to_owned()
    };
    assert_ne!(expand("a.rs", "").replace(" pub fn body() -> u32 { 1 }", ""), expand("b.rs", ""));
    let independent = "-Zproc-macro-execution-strategy=cross-thread";
    let fields = |text: String| text.split('}').next().unwrap().to_owned();
    assert_eq!(fields(expand("a.rs", independent)), fields(expand("b.rs", independent)));
}
