//! hollow as Cargo's `RUSTC_WRAPPER` and `RUSTC_WORKSPACE_WRAPPER`, on a workspace that needs no registry.

use std::fs;
use std::process::Command;

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
fn a_workspace_is_built_from_hollow_rlibs_and_works_as_ever() {
    for (variable, lines) in [("RUSTC_WRAPPER", "keep"), ("RUSTC_WORKSPACE_WRAPPER", "drop"), ("RUSTC_WRAPPER", "off")] {
        let scratch = workspace();
        let ran = run(&mut cargo(&scratch, variable, lines, "run")).ok();
        assert_eq!(ran.stdout, PRINTED, "{variable} {lines}");
        for name in ["base", "both"] {
            let by_interface = ran.stderr.contains(&format!("hollow: crate `{name}`: hollow metadata by interface\n"));
            assert_eq!(by_interface, lines != "off", "{}", ran.stderr);
        }
        let dependencies = scratch.list("target/debug/deps");
        let hollow: Vec<_> = dependencies.iter().filter(|name| name.ends_with("_meta.rlib")).collect();
        assert_eq!(hollow.len(), 2, "{dependencies:?}");
        for hollow in hollow {
            let full = hollow.replace("_hollow/", "").replace("_meta", "");
            let pair = [format!("target/debug/deps/{full}"), format!("target/debug/deps/{hollow}")];
            let report = scratch.hollow(&["inspect", &pair[0], &pair[1]]).ok().stdout;
            assert!(report.contains("a sealed pair"), "{report}");
        }
        assert!(!dependencies.iter().any(|name| name.contains(".hollow-")), "{dependencies:?}");
        assert!(dependencies.iter().any(|name| name == "libboth.so" || name == "libboth.dylib"));
        assert!(
            scratch.list("target/debug/incremental").iter().any(|name| name.starts_with("base-")),
            "the full pass has its cache"
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
    let release = built(&scratch, "keep", "run --release");
    assert_eq!(release.stdout, PRINTED);
    assert!(release.stderr.contains("hollow: crate `base`: plain metadata: its opt-level is 3\n"), "{}", release.stderr);
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
    scratch.write("lib.rs", "pub fn f() -> u32 { 7 }");
    let mut command = scratch.command(HOLLOW);
    let line = format!(
        "{rustc} --crate-name a --edition=2021 lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat \
         --crate-type lib --emit=dep-info,metadata,link -C metadata=1 -C extra-filename=-1 --out-dir out"
    );
    command.args(line.split_whitespace()).env("CARGO_CRATE_NAME", "a");
    command
}

#[test]
fn cargo_is_told_of_the_metadata_before_the_full_pass() {
    let scratch = Scratch::new();
    let ran = run(&mut unit(&scratch, "rustc")).ok();
    let artifacts: Vec<_> = ran.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    assert_eq!(artifacts[0]["artifact"], "out/liba-1.rmeta");
    assert_eq!((&artifacts[0]["emit"], &artifacts[0]["$message_type"]), (&"metadata".into(), &"artifact".into()));
    assert!(artifacts[1..].iter().all(|artifact| artifact["emit"] != "metadata"), "{}", ran.stderr);
    let mut names = scratch.list("out");
    names.retain(|name| name != "_hollow" && !name.contains("_meta.interface"));
    let unit = ["", "/liba-1.rlib", "/liba-1.rmeta", "/state"].map(|name| format!("_hollow/liba-1.unit{name}"));
    assert_eq!(names[..4], unit);
    assert_eq!(names[4..], ["_hollow/liba-1_meta.rlib", "a-1.d", "liba-1.rlib", "liba-1.rmeta"]);
    let dep_info = String::from_utf8(scratch.read("out/a-1.d")).unwrap();
    assert!(dep_info.contains("out/liba-1.rlib: lib.rs\n") && !dep_info.contains(".hollow-"), "{dep_info}");
    // The metadata serve a dependent as they are.
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::f()); }");
    scratch.rustc("--crate-type=lib --emit=metadata main.rs --extern=a=out/liba-1.rmeta").ok();
    scratch.stable_rustc("main.rs --extern=a=out/liba-1.rlib").ok();
    assert_eq!(run(&mut scratch.command(scratch.path("main"))).ok().stdout, "7\n");
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
    fs::remove_file(scratch.path("out/_hollow")).unwrap();
    // Unstable options are forbidden, so there is no hollow pass, and nothing to say.
    let ran = run(unit(&scratch, "rustc").env("RUSTC_BOOTSTRAP", "-1")).ok();
    assert!(!ran.stderr.contains("hollow:"), "{}", ran.stderr);
}

#[test]
fn both_passes_see_one_bootstrap_and_cargos_jobserver() {
    let scratch = Scratch::new();
    let rustc = scratch.write("rustc", "#!/bin/sh\necho \"$RUSTC_BOOTSTRAP $MAKEFLAGS $(cat <&9)\" >> seen\nexec rustc \"$@\"\n");
    fs::set_permissions(&rustc, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    scratch.write("token", "open");
    let unit = unit(&scratch, "./rustc");
    let mut command = scratch.command("sh");
    command.args(["-c", "exec 9<token; \"$@\"", "sh"]).arg(unit.get_program()).args(unit.get_args());
    command.env("CARGO_CRATE_NAME", "a").env("MAKEFLAGS", "--jobserver-auth=8,9");
    run(&mut command).ok();
    let seen = String::from_utf8(scratch.read("seen")).unwrap();
    // The descriptor is one and the same, so the first to read it gets what is in it.
    assert_eq!(seen, "1 --jobserver-auth=8,9 open\n1 --jobserver-auth=8,9 \n");
}
