//! `hollow rustc-action` does what Buck2's `rustc_action.py` does, case by case.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::{HOLLOW, Ran, Scratch, run};

/// Runs `hollow rustc-action @args`, with these arguments in the file, one a line.
fn act(scratch: &Scratch, lines: &[&str]) -> Ran {
    scratch.write("args", lines.join("\n"));
    let mut command = scratch.command(HOLLOW);
    command.args(["rustc-action", "@args"]).env("SECRET", "1").env("LD_LIBRARY_PATH", "/lib").env("RUST_BACKTRACE", "0");
    run(command.env("BUCK_SCRATCH_PATH", scratch.path("tmp")))
}

/// A compiler that prints the lines of its argument file in brackets, and then runs this script.
fn compiler(scratch: &Scratch, script: &str) {
    let print = "for a; do case $a in @*) while IFS= read -r line; do printf '[%s]' \"$line\"; done < \"${a#@}\";; *) printf '(%s)' \"$a\";; esac; done";
    let path = scratch.write("compiler", format!("#!/bin/sh\n{print}\n{script}\n"));
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir_all(scratch.path("tmp")).unwrap();
}

const SEPARATOR: &str = "--rustc-action-separator";

fn stopped(ran: Ran, code: i32) -> String {
    ran.stopped(code).strip_prefix("rustc-action: ").unwrap().to_owned()
}

#[test]
fn arguments_reach_the_compiler_rewritten_and_in_a_file() {
    let scratch = Scratch::new();
    compiler(&scratch, "");
    let pwd = scratch.root().canonicalize().unwrap().display().to_string();
    scratch.write("name", "  my_crate\n");
    scratch.write("outer", "-one\n@inner\n\n-last");
    scratch.write("inner", "-Ldependency=d\r\n@empty\n-Lx");
    scratch.write("empty", "");
    let args = |own: &[&'static str]| [&["./compiler", "prefix one", SEPARATOR], own].concat();
    for (lines, expected) in [
        (args(&["a b", "'q'", ""]), "[a b]['q']".to_owned()),
        (args(&["", "x"]), "[][x]".into()),
        (args(&["@outer"]), "[-one][-Ldependency=d][-Lx][][-last]".into()),
        (args(&["-Clink-arg=@outer"]), "[-Clink-arg=@outer]".into()),
        (args(&["--crate-name=$(cat name)", "$(date)"]), "[--crate-name=my_crate][$(date)]".into()),
        (args(&["--sysroot=$(abspath a/../b)"]), format!("[--sysroot={pwd}/b]")),
        (args(&["--remap-path-prefix=SRCS/=./", "--remap-path-prefix=a=./b"]), {
            "[--remap-path-prefix=SRCS/=][--remap-path-prefix=a=b]".into()
        }),
        ([&["--remap-cwd-prefix", "."], &args(&["x"])[..]].concat(), {
            format!("[x][--remap-path-prefix={pwd}=.][--remap-path-prefix={pwd}=.]")
        }),
        ([&["--env=OUT_DIR=o"], &args(&["-L${__BUILDSCRIPT_OUT_DIR__}/x"])[..]].concat(), "[-Lo/x]".into()),
        ([&["--path-env=OUT_DIR=o"], &args(&["-L${__BUILDSCRIPT_OUT_DIR__}/x"])[..]].concat(), format!("[-L{pwd}/o/x]")),
        (args(&["--env-set=A=b", "--env-set", "C=d", "y"]), "[y]".into()),
        (args(&["--diag-json", "--env"]), "[--diag-json][--env]".into()),
    ] {
        let ran = act(&scratch, &lines).ok();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (format!("(prefix one){expected}").as_str(), ""), "{lines:?}");
    }
    assert_eq!(scratch.list("tmp"), [] as [&str; 0], "no argument file is left");
    let mut direct = scratch.command(HOLLOW);
    direct.args(["rustc-action", "./compiler", SEPARATOR, "a", "two\nlines", "b"]);
    assert_eq!(run(&mut direct).ok().stdout, "[a](two\nlines)[b]", "a line end is part of one argument");
}

#[test]
fn the_environment_is_what_is_allowed_and_what_is_said() {
    let scratch = Scratch::new();
    compiler(&scratch, "env | grep -v -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; cat");
    let pwd = scratch.root().canonicalize().unwrap().display().to_string();
    scratch.write("value", "from a file\n");
    let lines = [
        "--env=A=first",
        "--env=A=a\\nb\\rc\\\\n=d",
        "--env=B=$(cat value)",
        "--env=P=env",
        "--path-env=P=x/../y",
        "--env=S=env",
        "./compiler",
        SEPARATOR,
        "--env-set=S=set",
        "--env-set=RUSTC_BOOTSTRAP=1",
    ];
    let said = act(&scratch, &lines).ok().stdout;
    let lines: Vec<_> = said.lines().collect();
    for line in ["A=a", "B=from a file", &format!("P={pwd}/y"), "S=set", "RUSTC_BOOTSTRAP=1", "RUST_BACKTRACE=0"] {
        assert!(lines.contains(&line), "{line}: {said}");
    }
    assert!(said.contains("b\rc\\n=d\n"), "{said}");
    assert!(lines.iter().any(|line| line.starts_with("PATH=")));
    for name in ["SECRET", "LD_LIBRARY_PATH", "CARGO", "BUCK_SCRATCH_PATH"] {
        assert!(!lines.iter().any(|line| line.starts_with(&format!("{name}="))), "{name}: {said}");
    }
}

#[test]
fn wrong_options_are_one_line_and_status_2_and_wrong_commands_status_1() {
    let scratch = Scratch::new();
    compiler(&scratch, "");
    scratch.write("self", "@self");
    let gone = "No such file or directory (os error 2)";
    let rustc = ["./compiler", SEPARATOR];
    for (lines, code, expected) in [
        (&["@gone"][..], 2, format!("cannot read the response file `gone`: {gone}")),
        (&["@self"], 2, "the response file `self` includes itself: self -> self".into()),
        (&["--env=A", "./compiler", SEPARATOR], 2, "argument --env: expected the form `key=value` for `A`".into()),
        (&["--nope", "./compiler"], 2, "unrecognized option `--nope`: see `hollow rustc-action --help`".into()),
        (&["--diag-json=no/file", "./compiler", SEPARATOR], 2, format!("--diag-json: cannot write `no/file`: {gone}")),
        (&["--failure-filter=no/file", "./compiler", SEPARATOR], 2, format!("--failure-filter: cannot write `no/file`: {gone}")),
        (&["./compiler", "x"], 1, "there is no COMPILER with --rustc-action-separator after it".into()),
        (&[SEPARATOR, "x"], 2, "unrecognized option `--rustc-action-separator`: see `hollow rustc-action --help`".into()),
        (&["--", SEPARATOR, "x"], 1, format!("cannot run `--`: {gone}")),
        (&["./no-compiler", SEPARATOR], 1, format!("cannot run `./no-compiler`: {gone}")),
        (&["./compiler", SEPARATOR, "--env-set=A"], 1, "`--env-set=A`: expected the form NAME=VALUE".into()),
        (&["./compiler", SEPARATOR, "$(cat gone)"], 2, format!("cannot read `gone`, which `$(cat gone)` names: {gone}")),
    ] {
        assert_eq!(stopped(act(&scratch, lines), code), expected, "{lines:?}");
    }
    assert_eq!(scratch.list("tmp"), [] as [&str; 0], "no argument file is left");
    fs::remove_dir(scratch.path("tmp")).unwrap();
    let said = stopped(act(&scratch, &rustc), 1);
    assert!(said.starts_with(&format!("cannot write an argument file in `{}`: ", scratch.path("tmp").display())), "{said}");
}

#[test]
fn echo_writes_the_command_line_and_runs_nothing() {
    let scratch = Scratch::new();
    compiler(&scratch, "touch ran");
    scratch.write("name", "x\n");
    act(&scratch, &["--echo=echoed", "./compiler", "-p", SEPARATOR, "$(cat name)", "", "--env-set=A=b"]).ok();
    assert_eq!(scratch.read("echoed"), b"./compiler\n-p\n--rustc-action-separator\nx\n\n--env-set=A=b\n");
    act(&scratch, &["--echo=echoed", "./compiler"]).ok();
    assert_eq!(scratch.read("echoed"), b"./compiler\n");
    assert_eq!(act(&scratch, &["--echo=-", "a"]).ok().stdout, "a\n");
    assert!(!scratch.exists("ran"));
}

const ERROR: &str = r#"{"level":"error","rendered":"error: no\n"}"#;
const WARNING: &str = r#"{ "rendered":"warning: \u00e9\n", "level":"warning" }"#;

/// A script that says these lines on standard error.
fn says(lines: &[&str]) -> String {
    format!("cat >&2 <<'END'\n{}\nEND\n", lines.join("\n"))
}

#[test]
fn messages_go_to_buck2_and_their_text_to_people() {
    let scratch = Scratch::new();
    let artifact = r#"{"artifact":"x","emit":"link"}"#;
    let unused = r#"{"lint_level":"warn","unused_extern_names":["a"]}"#;
    let empty = r#"{"lint_level":"deny","unused_extern_names":[]}"#;
    compiler(&scratch, &says(&["text", WARNING, artifact, "[]", unused, empty]));
    let options = ["--diag-json=j", "--diag-txt=t", "--crate-map=a=//:a", "--buck-target=//:me", "./compiler", SEPARATOR];
    let ran = act(&scratch, &options).ok();
    let report = "Target `//:me` has unused dependencies:\n    //:a: a\n";
    assert_eq!(ran.stderr, format!("text\nwarning: é\n\n[]\n{report}"));
    assert_eq!(String::from_utf8(scratch.read("t")).unwrap(), format!("warning: é\n\n{report}"));
    let json = String::from_utf8(scratch.read("j")).unwrap();
    let lines: Vec<_> = json.lines().collect();
    assert_eq!(lines[..2], [WARNING, artifact]);
    let report: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(report["unused_deps"], serde_json::json!({"a": "//:a"}));
    assert_eq!(report["buck_target"], "//:me");
    assert_eq!(lines.len(), 3);
    // `-` is standard output.
    let ran = act(&scratch, &["--diag-json=-", "./compiler", SEPARATOR]).ok();
    assert!(ran.stdout.contains(WARNING), "{}", ran.stdout);
}

#[test]
fn the_status_is_the_compilers_unless_an_error_was_silent() {
    let scratch = Scratch::new();
    let denied = r#"{"lint_level":"deny","unused_extern_names":["a"]}"#;
    for (script, code) in [
        (says(&[WARNING]), 0),
        (says(&[WARNING]) + "exit 3", 3),
        (says(&[ERROR]), 1),
        (says(&[ERROR]) + "exit 101", 101),
        (says(&[denied]), 1),
        (says(&["error: this is no message"]), 0),
    ] {
        compiler(&scratch, &script);
        assert_eq!(act(&scratch, &["./compiler", SEPARATOR]).code, Some(code), "{script}");
    }
    for (signal, code) in [("KILL", 247), ("SEGV", 245), ("TERM", 241)] {
        compiler(&scratch, &format!("kill -{signal} $$"));
        let options = ["--failure-filter=s", "./compiler", "pre fix", SEPARATOR, "it's"];
        let said = stopped(act(&scratch, &options), code);
        assert_eq!(said, format!("killed by SIG{signal}: command line: ./compiler 'pre fix' \"it's\""));
        assert_eq!(scratch.read("s"), b"", "the failure filter has no say in that");
    }
    assert_eq!(scratch.list("tmp"), [] as [&str; 0]);
}

#[test]
fn the_failure_filter_turns_errors_with_diagnostics_into_successes() {
    let scratch = Scratch::new();
    let both = [r#""there""#, r#""missing""#].join(",");
    for (script, status, code, files, made) in [
        (says(&[ERROR]) + "exit 1", 1, 0, r#""there""#, true),
        (says(&[ERROR]), 1, 0, r#""there""#, true),
        (says(&[WARNING]) + "exit 2", 2, 2, r#""there""#, false),
        (format!("{}touch out/missing", says(&[WARNING])), 0, 0, both.as_str(), true),
    ] {
        fs::create_dir_all(scratch.path("out")).unwrap();
        scratch.write("out/there", "output");
        let _ = fs::remove_file(scratch.path("out/missing"));
        compiler(&scratch, &script);
        let options =
            ["--failure-filter=s", "--required-output", "there", "out/there", "--required-output", "missing", "out/missing"];
        let ran = act(&scratch, &[&options[..], &["./compiler", SEPARATOR]].concat());
        assert_eq!(ran.code, Some(code), "{script}");
        assert_eq!(
            String::from_utf8(scratch.read("s")).unwrap(),
            format!("{{\"status\":{status},\"files\":[{files}]}}\n"),
            "{script}"
        );
        assert_eq!(scratch.exists("out/missing"), made, "{script}");
        assert_eq!(scratch.read("out/there"), b"output");
    }
}

/// Buck2's own pair of calls for a library, and the final link, with nested argument files as it writes them.
fn buck2(scratch: &Scratch) {
    scratch.write(
        "SRCS/a/lib.rs",
        "pub fn a<T: Default>() -> T { T::default() }\npub fn where_am_i() -> &'static str { file!() }\n",
    );
    scratch
        .write("SRCS/b/lib.rs", "pub fn b() -> String { format!(\"{} {}\", a::a::<u8>(), a::where_am_i()) }\nfn unused() {}\n");
    scratch.write("SRCS/main.rs", "fn main() { println!(\"{}\", b::b()); }\n");
    scratch.write("link-args", "-Wl,--as-needed\n");
    for dependencies in ["none", "LPPF", "LPPR"] {
        fs::create_dir_all(scratch.path(format!("OUT/{dependencies}"))).unwrap();
        let line = if dependencies == "none" { String::new() } else { format!("-Ldependency=OUT/{dependencies}\n") };
        scratch.write(&format!("DEPS/{dependencies}/dirs"), line);
    }
}

/// One of the calls for a library, by the directory of its outputs.
fn library(scratch: &Scratch, name: &str, directory: &str, dependencies: &[&str], more: &[&str]) -> Ran {
    let diagnostics = ["json", "txt"].map(|kind| format!("--diag-{kind}=OUT/{directory}/{name}-diag.{kind}"));
    let own = [
        format!("SRCS/{name}/lib.rs"),
        format!("--crate-name={name}"),
        "--crate-type=rlib".into(),
        "-Crelocation-model=pic".into(),
        "--edition=2021".into(),
        format!("-Cmetadata=root//:{name}#a8ac7ec86a6bee54"),
        "--error-format=json".into(),
        "--json=diagnostic-rendered-ansi".into(),
        "-Cprefer-dynamic=no".into(),
        "--target=x86_64-unknown-linux-gnu".into(),
        "--remap-path-prefix=SRCS/=./".into(),
        "-Zremap-cwd-prefix=.".into(),
        "-Cextra-filename=-369dcf74".into(),
        format!("--emit=link=OUT/{directory}/lib{name}-369dcf74.rlib"),
        format!("--out-dir=OUT/{directory}/extras/lib{name}"),
    ];
    let target = format!("--buck-target=root//:{name}");
    let diagnostics = diagnostics.each_ref().map(String::as_str);
    let options = [&target, "--env=RUSTC_BOOTSTRAP=1"];
    let own: Vec<_> = own.iter().map(String::as_str).collect();
    act(scratch, &[&diagnostics[..], &options, &["rustc", SEPARATOR], &own, dependencies, more].concat())
}

fn program(scratch: &Scratch) -> String {
    let lines = [
        "--crate-map=b=root//:b",
        "--env=RUSTC_BOOTSTRAP=1",
        "rustc",
        SEPARATOR,
        "SRCS/main.rs",
        "--crate-name=main",
        "--edition=2021",
        "@DEPS/LPPR/dirs",
        "--extern=b=OUT/LPPR/libb-369dcf74.rlib",
        "-Clink-arg=@link-args",
        "--emit=link=OUT/bin",
    ];
    act(scratch, &lines).ok();
    run(&mut scratch.command("OUT/bin")).ok().stdout
}

#[test]
fn the_pair_of_calls_that_buck2_makes_builds_a_program() {
    let scratch = Scratch::new();
    compiler(&scratch, "");
    buck2(&scratch);
    let b = ["--extern=a=OUT/LPPF/liba-369dcf74.rlib", "@DEPS/LPPF/dirs"];
    library(&scratch, "a", "LPPF", &["@DEPS/none/dirs"], &["-Zno-codegen"]).ok();
    let warned = library(&scratch, "b", "LPPF", &b, &["-Zno-codegen"]).ok();
    assert!(warned.stderr.contains("function `unused` is never used"), "{}", warned.stderr);
    let json = String::from_utf8(scratch.read("OUT/LPPF/b-diag.json")).unwrap();
    assert!(json.lines().all(|line| line.starts_with("{\"$message_type\":\"diagnostic\"")), "{json}");
    assert_eq!(String::from_utf8(scratch.read("OUT/LPPF/b-diag.txt")).unwrap(), warned.stderr);
    library(&scratch, "b", "LPPR", &b, &[]).ok();
    library(&scratch, "a", "LPPR", &["@DEPS/none/dirs"], &[]).ok();
    assert_eq!(program(&scratch), "0 a/lib.rs\n");
    let pair = ["OUT/LPPF", "OUT/LPPR"].map(|directory| format!("{directory}/liba-369dcf74.rlib"));
    let said = scratch.hollow(&["inspect", &pair[0], &pair[1]]).ok().stdout;
    assert!(said.contains("hollow rlib") && said.contains("full rlib"), "{said}");
}

#[test]
fn the_calls_become_the_two_actions_by_interface() {
    let scratch = Scratch::new();
    compiler(&scratch, "");
    buck2(&scratch);
    symlink(HOLLOW, scratch.path("rustc_action")).unwrap();
    // Ordinary lines of full libraries; `--hollow` does the rest.
    let act = |name: &str, options: &[&str], dependencies: &[&str]| {
        let own = [
            format!("SRCS/{name}/lib.rs"),
            format!("--crate-name={name}"),
            "--crate-type=rlib".into(),
            "--error-format=json".into(),
            "--json=diagnostic-rendered-ansi".into(),
            "-Cextra-filename=-369dcf74".into(),
            format!("--emit=link=OUT/LPPR/lib{name}-369dcf74.rlib"),
        ];
        let own: Vec<_> = own.iter().map(String::as_str).collect();
        scratch.write("args", [options, &["rustc", SEPARATOR, "--edition=2021"], &own, dependencies].concat().join("\n"));
        run(scratch.command("./rustc_action").arg("@args"))
    };
    let b = ["--extern=a=OUT/LPPR/liba-369dcf74.rlib", "@DEPS/LPPR/dirs"];
    let twin = |name: &str| format!("OUT/LPPR/_hollow/lib{name}-369dcf74_meta.rlib");
    for (name, dependencies) in [("a", &["@DEPS/none/dirs"][..]), ("b", &b)] {
        act(name, &["--hollow=metadata", "--interface=drop"], dependencies).ok();
        let seal = format!("--seal-with={}", twin(name));
        act(name, &["--hollow=link", &seal], dependencies).ok();
    }
    assert_eq!(program(&scratch), "0 SRCS/a/lib.rs\n");
    let before = scratch.read(twin("b"));
    scratch.write("SRCS/b/lib.rs", "pub fn b() -> String { let x = other(); x }\nfn other() -> String { a::a() }\n");
    act("b", &["--hollow=metadata", "--interface=drop"], &b).ok();
    assert!(before == scratch.read(twin("b")), "the hollow rlib does not show what is in bodies");
    let refused = act("a", &["--hollow=link"], &["-Zno-codegen"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.starts_with("hollow: error: `-Zno-codegen` would leave crate `a`"), "{}", refused.stderr);
}
