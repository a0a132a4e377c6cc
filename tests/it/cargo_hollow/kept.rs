//! Kept metadata: what has to be equal for that, and what Cargo has to see of it afterwards. Each case was a wrong or a stale program of some prototype.

use std::fs;

use super::workspace::{Workspace, manifest};
use crate::support::run;

/// A workspace of packages, each a name, its dependencies (names of its members) and its source. `app` is a program.
fn workspace(packages: &[(&str, &str, &str)]) -> Workspace {
    let members: Vec<_> = packages.iter().map(|(name, ..)| format!("\"{name}\"")).collect();
    let head = format!("[workspace]\nresolver = \"2\"\nmembers = [{}]\n[profile.dev]\ndebug = false\n", members.join(", "));
    let workspace = Workspace::new(&[("Cargo.toml", &head)]);
    for (name, dependencies, source) in packages {
        let kind = if source.contains("#[proc_macro") { "[lib]\nproc-macro = true\n" } else { "" };
        let dependencies: String =
            dependencies.split_whitespace().map(|name| format!("{name} = {{ path = \"../{name}\" }}\n")).collect();
        workspace.write(&format!("{name}/Cargo.toml"), &manifest(name, &format!("{kind}[dependencies]\n{dependencies}")));
        let file = if source.contains("fn main()") { "main" } else { "lib" };
        workspace.write(&format!("{name}/src/{file}.rs"), source);
    }
    workspace
}

const VALUE: &str = "pub fn value() -> u32 {\n    1\n}\n";

fn calls(name: &str) -> String {
    format!("pub fn value() -> u32 {{\n    {name}::value()\n}}\n")
}

fn prints(name: &str) -> String {
    format!("fn main() {{\n    println!(\"{{}}\", {name}::value());\n}}\n")
}

impl Workspace {
    #[track_caller]
    fn run(&self, arguments: &str) -> String {
        self.hollow(&format!("run {arguments}")).ok().stdout.trim_end().to_owned()
    }
}

#[test]
fn a_later_build_of_something_else_sees_what_an_earlier_one_has_kept() {
    let workspace = workspace(&[("m", "", VALUE), ("b", "m", &calls("m")), ("app", "b", &prints("b"))]);
    assert_eq!(workspace.run(""), "1");
    workspace.edit("m/src/lib.rs", "    1", "    2");
    workspace.hollow("build -p m").ok();
    assert!(workspace.why()["m lib"].ends_with("(interface unchanged)"), "{:?}", workspace.why());
    assert_eq!(workspace.run(""), "2");
    workspace.edit("m/src/lib.rs", "    2", "    3");
    workspace.hollow("check -p m").ok();
    workspace.hollow("build -p b").ok();
    assert_eq!(workspace.run(""), "3");
    // Then Cargo has nothing to ask for.
    assert!(!workspace.hollow("build").ok().stderr.contains("Compiling"));
}

#[test]
fn two_programs_above_one_library_are_both_linked_again() {
    let packages = [
        ("m", "", VALUE),
        ("b", "m", &calls("m")),
        ("c", "m", &calls("m")),
        ("one", "b", &prints("b")),
        ("two", "c", &prints("c")),
    ];
    let workspace = workspace(&packages);
    workspace.hollow("build").ok();
    for value in ["2", "3"] {
        workspace.write("m/src/lib.rs", &VALUE.replace('1', value));
        assert_eq!(workspace.run("-p one"), value);
        assert_eq!(workspace.run("-p two"), value);
    }
}

#[test]
fn a_macro_is_seen_by_a_later_build_of_something_else() {
    let source = "#[proc_macro]\npub fn make(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    m::value().to_string().parse().unwrap()\n}\n";
    let uses = "pub fn value() -> u32 {\n    mac::make!()\n}\n";
    let workspace = workspace(&[("m", "", VALUE), ("mac", "m", source), ("b", "mac", uses), ("app", "b", &prints("b"))]);
    assert_eq!(workspace.run(""), "1");
    workspace.edit("m/src/lib.rs", "    1", "    2");
    workspace.hollow("build -p m").ok();
    workspace.edit("m/src/lib.rs", "    2", "    3");
    workspace.hollow("build -p mac").ok();
    assert_eq!(workspace.run(""), "3");
}

#[test]
fn a_macro_that_is_exported_again_reaches_everything_above() {
    let mac = "#[proc_macro]\npub fn make(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    core_::value().to_string().parse().unwrap()\n}\n";
    let mid = "pub fn value() -> u32 {\n    face::make!()\n}\n";
    let packages = [
        ("core_", "", VALUE),
        ("mac", "core_", mac),
        ("face", "mac", "pub use mac::make;\n"),
        ("mid", "face", mid),
        ("app", "mid", &prints("mid")),
    ];
    let workspace = workspace(&packages);
    for command in ["build", "check"] {
        workspace.write("core_/src/lib.rs", VALUE);
        workspace.hollow(command).ok();
        workspace.edit("core_/src/lib.rs", "    1", "    2");
        workspace.hollow(command).ok();
        assert!(workspace.last_outcomes().contains("compiled mid"), "{}", workspace.last_outcomes());
    }
    assert_eq!(workspace.run(""), "2");
}

#[test]
fn what_plain_cargo_has_built_in_between_hides_nothing() {
    let workspace = workspace(&[("m", "", VALUE), ("app", "", &prints("x"))]);
    workspace.write("x/Cargo.toml", &manifest("x", "[workspace]\n[dependencies]\nm = { path = \"../m\" }"));
    workspace.write("x/src/lib.rs", &calls("m"));
    workspace.write("app/Cargo.toml", &manifest("app", "[dependencies]\nx = { path = \"../x\" }"));
    workspace.edit("Cargo.toml", "[profile.dev]", "exclude = [\"x\"]\n[profile.dev]");
    assert_eq!(workspace.run("-p app"), "1");
    for value in ["2", "3"] {
        workspace.write("m/src/lib.rs", &VALUE.replace('1', value));
        if value == "3" {
            workspace.hollow("build -p m").ok();
        }
        assert_eq!(workspace.run("-p app"), value);
    }
}

/// A macro that reads a file of which nobody is told.
const READS: &str = "#[proc_macro]\npub fn length(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    \
                     let directory = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n    \
                     std::fs::read_to_string(format!(\"{directory}/schema.txt\")).unwrap().trim().parse().unwrap()\n}\n";
const SCHEMA: &str = "pub const LENGTH: usize = mac::length!();\npub struct All(pub [u8; LENGTH]);\npub fn value() -> u32 {\n    \
                      fill(&mut All([0; LENGTH]))\n}\npub fn fill(all: &mut All) -> u32 {\n    all.0.fill(1);\n    all.0.len() as u32\n}\n";
const FILLS: &str =
    "fn main() {\n    let mut all = b::All([0; b::LENGTH]);\n    println!(\"{} {}\", b::fill(&mut all), all.0.len());\n}\n";

#[test]
fn what_a_macro_may_have_read_is_never_kept() {
    let workspace = workspace(&[("mac", "", READS), ("b", "mac", SCHEMA), ("app", "b", FILLS)]);
    workspace.write("b/schema.txt", "4");
    assert_eq!(workspace.run(""), "4 4");
    // The file and a body at once.
    workspace.write("b/schema.txt", "64");
    workspace.edit("b/src/lib.rs", "fill(1)", "fill(2)");
    assert_eq!(workspace.run(""), "64 64");
    assert!(workspace.why()["b lib"].contains("macro library mac"), "{:?}", workspace.why());
    // The file alone, which Cargo can't see: people touch a source then.
    workspace.write("b/schema.txt", "8");
    workspace.write("b/src/lib.rs", &workspace.read("b/src/lib.rs"));
    assert_eq!(workspace.run(""), "8 8");
    // A build script that watches it.
    workspace.write("b/build.rs", "fn main() { println!(\"cargo:rerun-if-changed=schema.txt\"); }");
    assert_eq!(workspace.run(""), "8 8");
    workspace.write("b/schema.txt", "16");
    assert_eq!(workspace.run(""), "16 16");
}

#[test]
fn a_macro_that_differs_each_time_is_never_kept() {
    let mac = "#[proc_macro_derive(Order)]\npub fn order(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    \
               let set: std::collections::HashSet<u32> = (0..40).collect();\n    \
               let all: Vec<_> = set.into_iter().map(|number| format!(\"pub f{number}: u{},\", [8, 16, 32, 64][number as usize % 4])).collect();\n    \
               format!(\"#[derive(Default)] #[repr(C)] pub struct Fields {{ {} }}\", all.join(\"\")).parse().unwrap()\n}\n";
    let b = "#[derive(mac::Order)]\npub struct Marker;\npub fn set(fields: &mut Fields) {\n    fields.f7 = 7;\n}\n";
    let app = "fn main() {\n    let mut fields = b::Fields::default();\n    b::set(&mut fields);\n    println!(\"{} {}\", fields.f7, fields.f3);\n}\n";
    let workspace = workspace(&[("mac", "", mac), ("b", "mac", b), ("app", "b", app)]);
    for value in [7, 8, 9] {
        workspace.write("b/src/lib.rs", &b.replace("= 7", &format!("= {value}")));
        assert_eq!(workspace.run(""), format!("{value} 0"));
    }
}

#[test]
fn what_a_build_script_leaves_is_an_input() {
    let build = "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    let text = std::fs::read_to_string(\"input.txt\").unwrap();\n    \
                 std::fs::write(format!(\"{out}/made.rs\"), format!(\"pub const MADE: u32 = {};\", text.trim())).unwrap();\n    \
                 println!(\"cargo:rustc-env=SAID={}\", text.trim());\n    println!(\"cargo:rerun-if-changed=input.txt\");\n}\n";
    let b = "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\npub const SAID: &str = env!(\"SAID\");\npub fn value() -> u32 {\n    MADE\n}\n";
    let app = "fn main() {\n    println!(\"{} {} {}\", b::value(), b::MADE, b::SAID);\n}\n";
    let workspace = workspace(&[("b", "", b), ("app", "b", app)]);
    workspace.write("b/build.rs", build);
    workspace.write("b/input.txt", "1");
    assert_eq!(workspace.run(""), "1 1 1");
    for value in ["2", "3"] {
        // Together with a body.
        workspace.write("b/input.txt", value);
        workspace.write("b/src/lib.rs", &b.replace("    MADE", &format!("    {value} * MADE / {value}")));
        assert_eq!(workspace.run(""), format!("{value} {value} {value}"));
    }
    // It runs again, and all is as it was.
    workspace.write("b/input.txt", "3\n");
    assert_eq!(workspace.run(""), "3 3 3");
    assert!(workspace.last_outcomes().contains("skipped b lib"), "{}", workspace.last_outcomes());
}

#[test]
fn a_native_library_that_is_made_again_is_linked_again() {
    let build = "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    std::fs::create_dir_all(format!(\"{out}/lib\")).unwrap();\n    \
                 let object = format!(\"{out}/lib/native.o\");\n    \
                 assert!(std::process::Command::new(\"cc\").args([\"-c\", \"native.c\", \"-o\", &object]).status().unwrap().success());\n    \
                 println!(\"cargo:rustc-link-arg={object}\\ncargo:rerun-if-changed=native.c\");\n}\n";
    let app = "unsafe extern \"C\" {\n    fn native() -> i32;\n}\nfn main() {\n    println!(\"{}\", unsafe { native() });\n}\n";
    let workspace = workspace(&[("app", "", app)]);
    workspace.write("app/build.rs", build);
    for value in ["1", "2"] {
        workspace.write("app/native.c", &format!("int native(void) {{ return {value}; }}"));
        assert_eq!(workspace.run(""), value);
    }
}

#[test]
fn a_program_that_was_patched_is_made_again() {
    let workspace = workspace(&[("m", "", VALUE), ("app", "m", &prints("m"))]);
    assert_eq!(workspace.run(""), "1");
    let program = workspace.path("target/debug/app");
    let mut bytes = fs::read(&program).unwrap();
    let at = bytes.windows(4).position(|window| window == b"\x7fELF").unwrap();
    bytes[at + 1] = b'X';
    // Through all of its names.
    std::io::Write::write_all(&mut fs::File::options().write(true).open(&program).unwrap(), &bytes).unwrap();
    workspace.write("app/src/main.rs", &prints("m"));
    assert_eq!(workspace.run(""), "1");
}

#[test]
fn a_failed_build_inside_of_a_build_script_is_one() {
    let build = "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    std::fs::create_dir_all(format!(\"{out}/probe/src\")).unwrap();\n    \
                 std::fs::write(format!(\"{out}/probe/Cargo.toml\"), \"[workspace]\\n[package]\\nname = 'probe'\\nversion = '1.0.0'\\n\").unwrap();\n    \
                 std::fs::write(format!(\"{out}/probe/src/lib.rs\"), \"pub fn f() -> u32 { missing }\").unwrap();\n    \
                 let status = std::process::Command::new(std::env::var(\"CARGO\").unwrap()).args([\"check\", \"--offline\", \"--manifest-path\"])\n        \
                 .arg(format!(\"{out}/probe/Cargo.toml\")).env(\"CARGO_TARGET_DIR\", format!(\"{out}/target\")).status().unwrap();\n    \
                 println!(\"cargo:rustc-env=PROBED={}\", status.success());\n}\n";
    let workspace = workspace(&[("app", "", "fn main() {\n    println!(\"{}\", env!(\"PROBED\"));\n}\n")]);
    workspace.write("app/build.rs", build);
    workspace.hollow("check").ok();
    assert_eq!(workspace.run(""), "false");
}

#[test]
fn what_is_included_is_compared_by_its_content() {
    let b = "pub const TEXT: &str = include_str!(\"text.txt\");\npub const OWN: usize = include_str!(\"part.rs\").len();\nmod part;\n\
             pub const FLAVOUR: Option<&str> = option_env!(\"FLAVOUR\");\npub fn value() -> u32 {\n    1\n}\n";
    let app = "fn main() {\n    println!(\"{} {} {:?} {}\", b::TEXT, b::OWN, b::FLAVOUR, b::value());\n}\n";
    let workspace = workspace(&[("b", "", b), ("app", "b", app)]);
    workspace.write("b/src/text.txt", "one");
    workspace.write("b/src/part.rs", "fn part() {}\n");
    assert_eq!(workspace.run("-q"), "one 13 None 1");
    workspace.write("b/src/text.txt", "two");
    workspace.edit("b/src/lib.rs", "    1\n", "    2\n");
    assert_eq!(workspace.run("-q"), "two 13 None 2");
    workspace.write("b/src/part.rs", "fn part() { /* longer */ }\n");
    assert_eq!(workspace.run("-q"), "two 27 None 2");
    workspace.edit("b/src/lib.rs", "    2\n", "    3\n");
    let ran = run(workspace.command("run -q").env("FLAVOUR", "sweet")).ok();
    assert_eq!(ran.stdout, "two 27 Some(\"sweet\") 3\n");
}

#[test]
fn a_crate_that_registers_something_is_compiled_with_its_dependents() {
    let b = "pub static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);\n\
             extern \"C\" fn register() { COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed); }\n\
             #[used]\n#[unsafe(link_section = \".init_array\")]\nstatic REGISTER: extern \"C\" fn() = register;\n\
             pub fn shown<T: std::fmt::Debug>(value: T) -> String {\n    format!(\"{value:?}\")\n}\npub fn value() -> String {\n    shown(1u8)\n}\n";
    let mid = "pub fn value() -> String {\n    b::value() + &b::shown(2u8) + &b::COUNT.load(std::sync::atomic::Ordering::Relaxed).to_string()\n}\n";
    let workspace = workspace(&[("b", "", b), ("mid", "b", mid), ("app", "mid", &prints("mid"))]);
    workspace.edit("Cargo.toml", "debug = false", "debug = false\ncodegen-units = 1");
    assert_eq!(workspace.run(""), "121");
    workspace.edit("b/src/lib.rs", "    shown(1u8)", "    String::from(\"3\")");
    assert_eq!(workspace.run(""), "321");
}

#[test]
fn instances_that_are_lost_are_carried_over() {
    let b = "pub fn shown<T: std::fmt::Debug>(value: T) -> String {\n    format!(\"{value:?}\")\n}\npub fn value() -> String {\n    shown(1u8)\n}\n";
    let mid = "pub fn value() -> String {\n    b::value() + &b::shown(2u8)\n}\n";
    let workspace = workspace(&[("b", "", b), ("mid", "b", mid), ("app", "mid", &prints("mid"))]);
    for incremental in ["0", "1"] {
        let run = |expected: &str| {
            let ran = run(workspace.command("run").env("CARGO_INCREMENTAL", incremental)).ok();
            assert_eq!(ran.stdout.trim_end(), expected);
        };
        workspace.write("b/src/lib.rs", b);
        run("12");
        for value in ["3", "4"] {
            workspace.write("b/src/lib.rs", &b.replace("    shown(1u8)", &format!("    String::from(\"{value}\")")));
            run(&format!("{value}2"));
            assert!(workspace.last_outcomes().contains("skipped mid lib"), "{:?}", workspace.why());
        }
    }
}

#[test]
fn a_crate_that_only_a_body_names_is_linked() {
    let low = "pub struct Low;\nimpl Low {\n    pub fn value(&self) -> u32 {\n        1\n    }\n}\npub fn value() -> u32 {\n    Low.value()\n}\n";
    let b = "pub fn value() -> u32 {\n    1\n}\n";
    let workspace = workspace(&[("low", "", low), ("b", "low", b), ("app", "b", &prints("b"))]);
    workspace.write(
        "shared/Cargo.toml",
        &manifest("shared", "[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nb = { path = \"../b\" }"),
    );
    workspace.write("shared/src/lib.rs", "#[unsafe(no_mangle)]\npub extern \"C\" fn entry() -> u32 {\n    b::value()\n}\n");
    workspace.edit("Cargo.toml", "members = [", "members = [\"shared\", ");
    workspace.edit("Cargo.toml", "[profile.dev]", "[profile.dev]\npanic = \"abort\"");
    workspace.hollow("build").ok();
    workspace.edit("b/src/lib.rs", "    1\n", "    low::value()\n");
    let build = |command: &str| run(workspace.command(command).env("RUSTFLAGS", "-Clink-arg=-Wl,-z,defs")).ok();
    build("build");
    assert_eq!(run(&mut workspace.scratch.command(workspace.path("target/debug/app"))).ok().stdout, "1\n");
}

#[test]
fn a_constant_that_is_made_from_its_line_is_seen() {
    let b = "pub fn value() -> u32 {\n    1\n}\npub const LINE: u32 = line!();\npub fn line() -> u32 {\n    LINE\n}\n";
    let workspace = workspace(&[("b", "", b), ("app", "b", "fn main() {\n    println!(\"{} {}\", b::LINE, b::line());\n}\n")]);
    assert_eq!(workspace.run(""), "4 4");
    workspace.edit("b/src/lib.rs", "    1\n", "    let value = 1;\n    value\n");
    assert_eq!(workspace.run(""), "5 5");
}

#[test]
fn another_bootstrap_is_another_compiler() {
    let workspace = workspace(&[("m", "", VALUE), ("b", "m", &calls("m")), ("app", "b", &prints("b"))]);
    workspace.hollow("build").ok();
    for (value, bootstrap) in [("2", "1"), ("3", "0")] {
        workspace.write("m/src/lib.rs", &VALUE.replace('1', value));
        let ran = run(workspace.command("run").env("RUSTC_BOOTSTRAP", bootstrap)).ok();
        assert_eq!(ran.stdout.trim_end(), value);
    }
}

#[test]
fn a_private_edit_in_each_profile_and_for_each_way_to_link_is_seen() {
    let b = "use std::cell::Cell;\nthread_local! { pub static LOCAL: Cell<u32> = const { Cell::new(0) }; }\n\
             pub fn shown<T: std::fmt::Debug>(value: T) -> String {\n    LOCAL.with(|local| local.set(local.get() + 1));\n    format!(\"{value:?}\")\n}\n\
             pub fn value() -> String {\n    shown(1u8)\n}\n";
    let mid = "pub fn value() -> String {\n    format!(\"{} {} {}\", b::value(), b::shown(2u8), b::LOCAL.with(std::cell::Cell::get))\n}\n";
    for profile in [
        "debug = 2\nsplit-debuginfo = \"packed\"",
        "debug = 2\nsplit-debuginfo = \"unpacked\"",
        "lto = \"thin\"",
        "lto = \"fat\"",
        "panic = \"abort\"",
        "opt-level = 1",
    ] {
        let workspace = workspace(&[("b", "", b), ("mid", "b", mid), ("app", "mid", &prints("mid"))]);
        workspace.edit("Cargo.toml", "debug = false", profile);
        assert_eq!(workspace.run(""), "1 2 2", "{profile}");
        workspace.edit("b/src/lib.rs", "    shown(1u8)", "    String::from(\"3\")");
        assert_eq!(workspace.run(""), "3 2 1", "{profile}");
        workspace.write("b/src/lib.rs", b);
        assert_eq!(workspace.run(""), "1 2 2", "{profile}");
    }
}
