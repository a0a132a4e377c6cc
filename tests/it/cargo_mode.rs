//! hollow as Cargo's `RUSTC_WRAPPER` and `RUSTC_WORKSPACE_WRAPPER`, on a workspace that needs no registry.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::support::{HOLLOW, Ran, Scratch, repository, run};

/// A copy of the workspace.
fn workspace() -> Scratch {
    let scratch = Scratch::new();
    run(Command::new("cp").arg("-R").arg(repository().join("fixtures/workspace/.")).arg(scratch.root())).ok();
    scratch
}

const PRINTED: &str = "I am me 42 'x' 42 false\n";

/// Cargo through the wrapper, saying for each library how it was made.
fn cargo(scratch: &Scratch, variable: &str, lines: &str, arguments: &str) -> Command {
    let mut command = scratch.command("cargo");
    for inherited in
        ["CARGO_TARGET_DIR", "RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"]
    {
        command.env_remove(inherited);
    }
    command.env(variable, HOLLOW).env("HOLLOW_INTERFACE", lines).env("HOLLOW_EXPLAIN", "1").env("CARGO_INCREMENTAL", "1");
    command.args(arguments.split_whitespace()).arg("--offline");
    command
}

fn built(scratch: &Scratch, lines: &str, arguments: &str) -> Ran {
    run(&mut cargo(scratch, "RUSTC_WRAPPER", lines, arguments)).ok()
}

#[test]
fn a_workspace_works_as_ever() {
    for (variable, lines) in [("RUSTC_WRAPPER", "keep"), ("RUSTC_WORKSPACE_WRAPPER", "drop"), ("RUSTC_WRAPPER", "off")] {
        let scratch = workspace();
        let ran = run(&mut cargo(&scratch, variable, lines, "run")).ok();
        assert_eq!(ran.stdout, PRINTED, "{variable} {lines}");
        let dependencies = scratch.list("target/debug/deps");
        assert!(!dependencies.iter().any(|name| name.contains(".hollow-")), "{dependencies:?}");
        assert!(dependencies.iter().any(|name| name == "libboth.so" || name == "libboth.dylib"));
        assert!(
            scratch.list("target/debug/incremental").iter().any(|name| name.starts_with("base-")),
            "the incremental cache is Cargo's"
        );
        // Nothing has changed, so Cargo starts nothing.
        let again = run(&mut cargo(&scratch, variable, lines, "build")).ok();
        assert!(!again.stderr.contains("Compiling"), "{}", again.stderr);
    }
}

#[test]
fn tests_doctests_examples_benches_and_documentation_work() {
    let scratch = workspace();
    let tests = built(&scratch, "keep", "test --workspace");
    for passed in ["test tests::doubles ... ok", "test greets ... ok", "test base/src/lib.rs - double (line 11) ... ok"] {
        assert!(tests.stdout.contains(passed), "{passed}: {}", tests.stdout);
    }
    assert_eq!(built(&scratch, "keep", "run -p base --example shown").stdout, "2\n");
    built(&scratch, "keep", "bench --no-run");
    built(&scratch, "keep", "doc --workspace --no-deps");
    assert!(scratch.exists("target/doc/base/fn.double.html"));
    built(&scratch, "keep", "check --workspace --all-targets");
    assert_eq!(built(&scratch, "keep", "run --release").stdout, PRINTED);
    let source = scratch.path("base/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("x * 2", "x * 3")).unwrap();
    let release = built(&scratch, "keep", "run --release");
    assert_ne!(release.stdout, PRINTED);
    assert!(
        release.stderr.contains("hollow: crate `base`: its metadata are published: its opt-level is 3\n"),
        "{}",
        release.stderr
    );
}

#[test]
fn an_edit_is_seen() {
    let scratch = workspace();
    for lines in ["keep", "drop"] {
        built(&scratch, lines, "build");
        let source = scratch.path("base/src/lib.rs");
        let text = fs::read_to_string(&source).unwrap();
        fs::write(&source, text.replace("x * 2", "x * 3")).unwrap();
        assert_eq!(built(&scratch, lines, "run").stdout, "I am me 63 'x' 42 false\n");
        fs::write(&source, text).unwrap();
        assert_eq!(built(&scratch, lines, "run").stdout, PRINTED);
    }
}

#[test]
fn diagnostics_are_those_of_plain_cargo_and_appear_once() {
    let scratch = workspace();
    let source = scratch.path("base/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    let build = |variable: &str, text: String| {
        fs::write(&source, text).unwrap();
        let mut command = cargo(&scratch, variable, "keep", "build -p base --message-format=short");
        command.env_remove("HOLLOW_EXPLAIN").env("CARGO_TARGET_DIR", scratch.path(variable));
        let ran = run(&mut command);
        let lines = ran.stderr.lines().filter(|line| line.contains("base/src") || line.starts_with("hollow"));
        (ran.code, lines.map(str::to_owned).collect::<Vec<_>>())
    };
    for edited in ["let unused = 1; x * 2", "x * \"2\"", "x * missing(2)"] {
        let edited = text.replace("x * 2", edited);
        let plain = build("HOLLOW_NOT_USED", edited.clone());
        assert_eq!(plain.1.len(), 1, "{plain:?}");
        assert_eq!(build("RUSTC_WRAPPER", edited), plain);
    }
    // A wrong signature: the interface source does not compile either.
    let edited =
        text.replace("fn helper(x: u32)", "fn helper(x: Missing)").replace("pub fn double(x: u32)", "pub fn double(x: Missing)");
    let plain = build("HOLLOW_NOT_USED", edited.clone());
    assert_eq!(build("RUSTC_WRAPPER", edited), plain);
}

#[test]
fn questions_to_rustc_are_answered_by_rustc() {
    let scratch = workspace();
    for question in ["-vV", "--print=cfg --crate-type=lib", "- --crate-name ___ --print=file-names --crate-type bin"] {
        let arguments: Vec<&str> = ["rustc"].into_iter().chain(question.split_whitespace()).collect();
        assert_eq!(scratch.hollow(&arguments).ok().stdout, scratch.stable_rustc(question).ok().stdout);
    }
    let wrong = scratch.hollow(&["rustc", "--crate-type=lib", "gone.rs"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("couldn't read"), "{}", wrong.stderr);
}

/// A library's unit, as Cargo starts it.
fn unit(scratch: &Scratch, rustc: &str) -> Command {
    if !scratch.exists("lib.rs") {
        scratch.write("lib.rs", "pub fn f() -> u32 { 7 }");
    }
    let mut command = scratch.command(HOLLOW);
    let line = format!(
        "{rustc} --crate-name a --edition=2021 lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat \
         --crate-type lib --emit=dep-info,metadata,link -C metadata=1 -C extra-filename=-1 --out-dir out"
    );
    command.args(line.split_whitespace()).env("CARGO_CRATE_NAME", "a");
    command
}

#[test]
fn cargo_is_told_of_metadata_at_once_unless_they_may_be_kept() {
    let scratch = Scratch::new();
    scratch.write("lib.rs", "pub fn f() -> u32 { 7 }");
    let artifacts = || -> Vec<String> {
        // What is written in the tick of the clock in which rustc starts is not believed.
        let written = scratch.path("lib.rs").metadata().unwrap().modified().unwrap();
        while written.elapsed().unwrap() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let ran = run(&mut unit(&scratch, "rustc")).ok();
        let messages = ran.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let artifacts = messages.filter(|message| message["$message_type"] == "artifact");
        artifacts
            .map(|message| format!("{} {}", message["emit"].as_str().unwrap(), message["artifact"].as_str().unwrap()))
            .collect()
    };
    let [dep_info, metadata, link] = ["dep-info out/a-1.d", "metadata out/liba-1.rmeta", "link out/liba-1.rlib"];
    assert_eq!(artifacts(), [dep_info, metadata, link]);
    let mut names = scratch.list("out");
    names.retain(|name| name != "_hollow");
    let private = ["", "/liba-1.rlib", "/liba-1.rmeta", "/published.rlib", "/published.rmeta", "/published.sources", "/state"];
    assert_eq!(names[..7], private.map(|name| format!("_hollow/liba-1.unit{name}")));
    assert_eq!(names[7..], ["a-1.d", "liba-1.rlib", "liba-1.rmeta"]);
    let published = scratch.read("out/liba-1.rmeta");
    scratch.write("lib.rs", "pub fn f() -> u32 { 8 }");
    assert_eq!(artifacts(), [dep_info, link, metadata]);
    assert_eq!(scratch.read("out/liba-1.rmeta"), published);
    scratch.write("lib.rs", "pub fn f() -> u64 { 8 }");
    assert_eq!(artifacts(), [dep_info, metadata, link]);
    assert_ne!(scratch.read("out/liba-1.rmeta"), published);
    // The metadata serve a dependent as they are.
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::f()); }");
    scratch.stable_rustc("--crate-type=lib --emit=metadata main.rs --extern=a=out/liba-1.rmeta").ok();
    scratch.stable_rustc("main.rs --extern=a=out/liba-1.rlib").ok();
    assert_eq!(run(&mut scratch.command(scratch.path("main"))).ok().stdout, "8\n");
}

#[test]
fn when_hollow_can_not_do_its_part_plain_rustc_builds_the_unit() {
    let scratch = Scratch::new();
    scratch.write("out/_hollow", "in the way");
    let ran = run(&mut unit(&scratch, "rustc")).ok();
    let own: Vec<_> = ran.stderr.lines().filter(|line| !line.starts_with('{')).collect();
    assert_eq!(own.len(), 1, "{own:?}");
    assert!(
        own[0].starts_with(
            "hollow: warning: crate `a` is built by plain rustc: failed to create directory `out/_hollow/liba-1.unit`: "
        ),
        "{own:?}"
    );
    assert!(scratch.exists("out/liba-1.rlib") && scratch.exists("out/liba-1.rmeta"));
    let ran = run(unit(&scratch, "rustc").env("HOLLOW_INTERFACE", "perhaps")).ok();
    assert!(
        ran.stderr.contains("hollow: warning: crate `a` is built by plain rustc: HOLLOW_INTERFACE must be drop, keep or off\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn rustc_sees_cargos_jobserver_and_no_bootstrap() {
    let scratch = Scratch::new();
    let rustc = scratch.write("rustc", "#!/bin/sh\ncase \"$*\" in -vV) ;; *) echo \"$RUSTC_BOOTSTRAP $MAKEFLAGS $(cat <&9)\" >> seen;; esac\nexec rustc \"$@\"\n");
    fs::set_permissions(&rustc, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    scratch.write("token", "open");
    let unit = unit(&scratch, "./rustc");
    let mut command = scratch.command("sh");
    command.args(["-c", "exec 9<token; \"$@\"", "sh"]).arg(unit.get_program()).args(unit.get_args());
    command.env("CARGO_CRATE_NAME", "a").env("MAKEFLAGS", "--jobserver-auth=8,9");
    run(&mut command).ok();
    let seen = String::from_utf8(scratch.read("seen")).unwrap();
    assert_eq!(seen, " --jobserver-auth=8,9 open\n");
}
