//! Every kind of unit that Cargo knows, and everything that may change beneath it.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::workspace::{Workspace, manifest};
use crate::support::run;

/// `low` below everything; `support` below a proc-macro and a build script; `mid` with a build script; `top` with every kind of target.
pub fn workspace() -> Workspace {
    Workspace::new(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"low\", \"support\", \"mac\", \"mid\", \"top\"]\n[profile.dev]\ndebug = false\n[profile.release]\nopt-level = 1\n",
        ),
        ("low/Cargo.toml", &manifest("low", "[features]\nextra = []")),
        (
            "low/src/lib.rs",
            "mod part;\npub use part::part;\npub fn low() -> u32 {\n    private() + 1\n}\nfn private() -> u32 {\n    10\n}\n\
             #[cfg(feature = \"extra\")]\npub fn extra() -> u32 {\n    1000\n}\n#[cfg(not(feature = \"extra\"))]\npub fn extra() -> u32 {\n    0\n}\n",
        ),
        ("low/src/part.rs", "pub fn part() -> u32 {\n    5\n}\n"),
        ("support/Cargo.toml", &manifest("support", "")),
        ("support/src/lib.rs", "pub fn text() -> String {\n    String::from(\"7\")\n}\n"),
        ("mac/Cargo.toml", &manifest("mac", "[lib]\nproc-macro = true\n[dependencies]\nsupport = { path = \"../support\" }")),
        (
            "mac/src/lib.rs",
            "#[proc_macro]\npub fn seven(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    support::text().parse().unwrap()\n}\n",
        ),
        (
            "mid/Cargo.toml",
            &manifest(
                "mid",
                "[dependencies]\nbottom = { path = \"../low\", package = \"low\" }\nmac = { path = \"../mac\" }\n\
                 [build-dependencies]\nsupport = { path = \"../support\" }",
            ),
        ),
        (
            "mid/build.rs",
            "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    let text = format!(\"pub fn generated() -> u32 {{ {} }}\", support::text());\n    \
             std::fs::write(format!(\"{out}/generated.rs\"), text).unwrap();\n    println!(\"cargo:rerun-if-changed=build.rs\");\n}\n",
        ),
        (
            "mid/src/lib.rs",
            "pub use mac::seven;\ninclude!(concat!(env!(\"OUT_DIR\"), \"/generated.rs\"));\npub fn mid() -> u32 {\n    bottom::low() + mac::seven!() + generated()\n}\n\
             pub const FLAVOUR: Option<&str> = option_env!(\"FLAVOUR\");\npub const TEXT: &str = include_str!(\"text.txt\");\n",
        ),
        ("mid/src/text.txt", "text"),
        (
            "top/Cargo.toml",
            &manifest(
                "top",
                "[features]\nextra = [\"low/extra\"]\n[dependencies]\nlow = { path = \"../low\" }\nmid = { path = \"../mid\" }\n\
                 [[bench]]\nname = \"speed\"\nharness = false",
            ),
        ),
        (
            "top/src/main.rs",
            "fn main() {\n    println!(\"{} {} {} {} {:?} {}\", mid::mid(), low::part(), low::extra(), mid::seven!(), mid::FLAVOUR, mid::TEXT);\n}\n\
             #[test]\nfn unit() {\n    assert!(mid::mid() > 0);\n}\n",
        ),
        (
            "top/tests/whole.rs",
            "#[test]\nfn whole() {\n    let out = std::process::Command::new(env!(\"CARGO_BIN_EXE_top\")).output().unwrap();\n    assert!(out.status.success());\n}\n",
        ),
        ("top/examples/shown.rs", "fn main() {\n    println!(\"{}\", low::low());\n}\n"),
        ("top/benches/speed.rs", "fn main() {\n    println!(\"{}\", low::low());\n}\n"),
    ])
}

const PRINTED: &str = "25 5 0 7 None text\n";
const PROGRAM: &str = "target/debug/top";

fn built() -> Workspace {
    let workspace = workspace();
    workspace.hollow("build").ok();
    assert_eq!(workspace.prints(PROGRAM), PRINTED);
    workspace
}

#[test]
fn every_kind_of_target_follows_a_private_edit() {
    let workspace = workspace();
    for command in ["build --all-targets", "test --workspace", "check --all-targets"] {
        workspace.hollow(command).ok();
        workspace.edit("low/src/lib.rs", "    10\n", "    20\n");
        workspace.hollow(command).ok();
        let why = workspace.why();
        for (unit, said) in &why {
            let is_low = unit.starts_with("low ");
            // mid's own tests are linked with low, as all programs are.
            let expected = match (is_low, command.starts_with("check"), unit.ends_with(" lib")) {
                (true, ..) => "compiled",
                (_, true, _) | (_, _, true) => "skipped",
                _ => "relinked",
            };
            assert!(said.starts_with(expected), "{command}: {unit}: {said}");
        }
        assert!(why.len() >= 6, "{why:?}");
        workspace.edit("low/src/lib.rs", "    20\n", "    10\n");
    }
    workspace.edit("low/src/lib.rs", "    10\n", "    20\n");
    assert!(workspace.hollow("run").ok().stdout.starts_with("35 "));
    assert_eq!(workspace.hollow("run -p top --example shown").ok().stdout, "21\n");
    assert_eq!(workspace.hollow("bench -p top --bench speed").ok().stdout, "21\n");
    let tested = workspace.hollow("test --workspace").ok().stdout;
    assert!(tested.contains("test unit ... ok") && tested.contains("test whole ... ok"), "{tested}");
    workspace.hollow("doc --no-deps").ok();
}

#[test]
fn an_edit_below_a_macro_and_a_build_script_reaches_whoever_sees_what_they_do() {
    let workspace = built();
    // The macro's own crate does not change, nor does its interface.
    workspace.edit("support/src/lib.rs", "\"7\"", "\"8\"");
    let outcomes = workspace.outcomes("build");
    for expected in ["relinked mac proc-macro", "relinked mid bin build_script_build", "compiled mid lib", "compiled top bin"] {
        assert!(outcomes.contains(expected), "{expected}: {outcomes}");
    }
    assert_eq!(workspace.prints(PROGRAM), "27 5 0 8 None text\n");
    // What they do stays the same, and so does everything above.
    workspace.edit("support/src/lib.rs", "String::from(\"8\")", "format!(\"{}\", 8)");
    let outcomes = workspace.outcomes("build");
    assert!(outcomes.contains("compiled support lib") && outcomes.contains("relinked mac proc-macro"), "{outcomes}");
    assert_eq!(workspace.prints(PROGRAM), "27 5 0 8 None text\n");
}

#[test]
fn what_is_touched_without_a_change_is_not_compiled() {
    let workspace = built();
    workspace.hollow("check").ok();
    let later = SystemTime::now() + Duration::from_secs(2);
    for path in ["low/src/lib.rs", "support/src/lib.rs", "mid/src/text.txt"] {
        fs::File::options().append(true).open(workspace.path(path)).unwrap().set_modified(later).unwrap();
    }
    for command in ["build", "check"] {
        let outcomes = workspace.outcomes(command);
        assert!(!outcomes.contains("compiled") && !outcomes.contains("relinked"), "{outcomes}");
        assert!(outcomes.contains("skipped low"), "{outcomes}");
    }
    assert_eq!(workspace.prints(PROGRAM), PRINTED);
}

#[test]
fn branches_that_are_switched_back_and_forth_cost_nothing() {
    let workspace = built();
    let git = |arguments: &str| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=one"]);
        run(git.args(arguments.split(' ')).current_dir(workspace.scratch.root())).ok();
    };
    workspace.write(".gitignore", "target\nCargo.lock\n");
    ["init -q", "add .", "commit -qm one", "checkout -qb two"].into_iter().for_each(git);
    workspace.edit("low/src/lib.rs", "    10\n", "    20\n");
    workspace.write("support/src/lib.rs", "pub fn text() -> String { String::from(\"9\") }\npub fn more() {}\n");
    ["commit -qam two", "checkout -q one"].into_iter().for_each(git);
    let outcomes = workspace.outcomes("build");
    assert!(!outcomes.contains("compiled") && !outcomes.contains("relinked"), "{outcomes}");
    assert_eq!(workspace.prints(PROGRAM), PRINTED);
    git("checkout -q two");
    workspace.hollow("build").ok();
    assert_eq!(workspace.prints(PROGRAM), "39 5 0 9 None text\n");
    git("checkout -q one");
    workspace.hollow("build").ok();
    assert_eq!(workspace.prints(PROGRAM), PRINTED);
}

#[test]
fn included_files_variables_and_features_are_seen() {
    let workspace = built();
    workspace.write("mid/src/text.txt", "other");
    assert!(workspace.outcomes("build").contains("compiled mid lib"));
    assert_eq!(workspace.prints(PROGRAM), "25 5 0 7 None other\n");
    run(workspace.command("build").env("FLAVOUR", "sweet")).ok();
    assert_eq!(workspace.why()["mid lib"].split(" (").next(), Some("compiled: environment variable FLAVOUR changed"));
    assert_eq!(workspace.prints(PROGRAM), "25 5 0 7 Some(\"sweet\") other\n");
    workspace.hollow("build --features extra").ok();
    assert_eq!(workspace.prints(PROGRAM), "25 5 1000 7 None other\n");
    workspace.hollow("build").ok();
    assert_eq!(workspace.prints(PROGRAM), "25 5 0 7 None other\n");
}

#[test]
fn files_that_go_and_come_are_seen() {
    let workspace = built();
    fs::remove_file(workspace.path("low/src/part.rs")).unwrap();
    let failed = workspace.hollow("build");
    assert_eq!(failed.code, Some(101));
    assert!(failed.stderr.contains("E0583"), "{failed:?}");
    assert!(workspace.why()["low lib"].starts_with("failed: "), "{:?}", workspace.why());
    workspace.write("low/src/part/mod.rs", "pub fn part() -> u32 {\n    6\n}\n");
    workspace.hollow("build").ok();
    assert_eq!(workspace.prints(PROGRAM), "25 6 0 7 None text\n");
    fs::remove_file(workspace.path(PROGRAM)).unwrap();
    workspace.hollow("build").ok();
    assert_eq!(workspace.prints(PROGRAM), "25 6 0 7 None text\n");
    run(workspace.plain("clean -p mid").env("CARGO_TARGET_DIR", workspace.path("target"))).ok();
    workspace.hollow("build").ok();
    assert!(workspace.why()["mid lib"].ends_with(".d is gone or changed (interface unchanged)"), "{:?}", workspace.why());
    assert_eq!(workspace.prints(PROGRAM), "25 6 0 7 None text\n");
    workspace.hollow("clean").ok();
    workspace.edit("mid/src/lib.rs", "bottom::low() +", "bottom::low() + 100 +");
    workspace.hollow("build").ok();
    assert_eq!(workspace.prints(PROGRAM), "125 6 0 7 None text\n");
}

#[test]
fn profiles_and_targets_share_a_directory() {
    let workspace = built();
    let host = run(workspace.scratch.command("rustc").arg("-vV")).ok().stdout;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let commands = ["build --release".to_owned(), format!("build --target {host}"), "build".to_owned(), "check".to_owned()];
    commands.iter().for_each(|command| drop(workspace.hollow(command).ok()));
    workspace.edit("low/src/lib.rs", "    10\n", "    30\n");
    for command in &commands {
        let outcomes = workspace.outcomes(command);
        // Above opt-level 0 bodies can be observed.
        let expected = if command.contains("release") { "compiled mid lib" } else { "skipped mid" };
        assert!(outcomes.contains(expected), "{command}: {outcomes}");
    }
    for program in [PROGRAM.to_owned(), "target/release/top".to_owned(), format!("target/{host}/debug/top")] {
        assert_eq!(workspace.prints(&program), "45 5 0 7 None text\n", "{program}");
    }
}

#[test]
fn a_patched_dependency_and_paths_with_spaces() {
    let workspace = Workspace::new(&[
        (
            "a b/Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"the top\"]\n[patch.crates-io]\nlow = { path = \"../the low\" }\n",
        ),
        ("the low/Cargo.toml", &manifest("low", "")),
        ("the low/src/lib.rs", "pub fn low() -> u32 {\n    1\n}\n"),
        ("a b/the top/Cargo.toml", &manifest("top", "[dependencies]\nlow = \"1\"\nown = { path = \"own\" }")),
        ("a b/the top/own/Cargo.toml", &manifest("own", "")),
        ("a b/the top/own/src/lib.rs", "pub fn own() -> u32 {\n    1\n}\n"),
        ("a b/the top/src/main.rs", "fn main() {\n    println!(\"{} {}\", low::low(), own::own());\n}\n"),
    ]);
    let hollow = |arguments: &str| {
        let mut command = workspace.command(arguments);
        run(command.current_dir(workspace.path("a b")).env("CARGO_TARGET_DIR", workspace.path("the target"))).ok()
    };
    assert_eq!(hollow("run").stdout, "1 1\n");
    workspace.edit("a b/the top/own/src/lib.rs", "    1\n", "    2\n");
    assert_eq!(hollow("run").stdout, "1 2\n");
    assert!(hollow("why").stdout.contains("relinked top bin: objects of libown-"), "{}", hollow("why").stdout);
    // It is no member, so it is Cargo's alone; what is made from it is compiled when it is.
    workspace.edit("the low/src/lib.rs", "    1\n", "    3\n");
    assert_eq!(hollow("run").stdout, "3 2\n");
}

#[test]
fn another_compiler_is_another_compilation() {
    let workspace = built();
    // A compiler of the same version, but another file.
    let rustc = workspace.path("rustc");
    fs::write(&rustc, "#!/bin/sh\nexec rustc \"$@\"\n").unwrap();
    fs::set_permissions(&rustc, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    run(workspace.command("build").env("RUSTC", &rustc)).ok();
    fs::write(&rustc, "#!/bin/sh\n# Upgraded.\nexec rustc \"$@\"\n").unwrap();
    workspace.edit("low/src/lib.rs", "    10\n", "    20\n");
    run(workspace.command("build").env("RUSTC", &rustc)).ok();
    let why = workspace.why();
    assert!(why["mid lib"].starts_with("compiled: rustc changed"), "{why:?}");
    assert_eq!(workspace.prints(PROGRAM), "35 5 0 7 None text\n");
}

/// rustc is called with what Cargo has asked for, and as often.
#[test]
fn rustc_runs_once_for_each_unit() {
    let workspace = workspace();
    let rustc = workspace.path("rustc");
    let script = "#!/bin/sh\ncase \"$*\" in *--out-dir*) echo \"$RUSTC_BOOTSTRAP$*\" >> \"$(dirname \"$0\")/seen\";; esac\nexec rustc \"$@\"\n";
    fs::write(&rustc, script).unwrap();
    fs::set_permissions(&rustc, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let calls = |mut command: Command| {
        run(command.env("RUSTC", &rustc).env("CARGO_INCREMENTAL", "1")).ok();
        let seen = workspace.read("seen");
        fs::remove_file(workspace.path("seen")).unwrap();
        // Where things go is told by hashes, in which the wrapper is.
        let mut seen: Vec<_> = seen.lines().map(|line| line.split(" -C metadata=").next().unwrap().to_owned()).collect();
        seen.sort();
        seen
    };
    for command in ["build", "check"] {
        assert_eq!(calls(workspace.command(command)), calls(workspace.plain(command)));
        workspace.edit("low/src/lib.rs", "    10\n", "    20\n");
        let edited = calls(workspace.command(command));
        let expected: &[&str] =
            if command == "build" { &["--crate-name low ", "--crate-name top "] } else { &["--crate-name low "] };
        assert_eq!(edited.len(), expected.len(), "{edited:#?}");
        assert!(edited.iter().zip(expected).all(|(call, name)| call.starts_with(name)), "{edited:#?}");
        workspace.edit("low/src/lib.rs", "    20\n", "    10\n");
    }
}
