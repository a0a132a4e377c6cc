//! `hollow process-wrapper` does what rules_rust's `process_wrapper` does, case by case.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use crate::support::{HOLLOW, Ran, Scratch, run};

/// Runs `hollow process-wrapper FLAGS -- sh -c SCRIPT sh ARGUMENTS`.
fn wrap(scratch: &Scratch, flags: &str, script: &str, arguments: &[&str]) -> Ran {
    let mut command = scratch.command(HOLLOW);
    command.arg("process-wrapper").args(flags.split_whitespace()).args(["--", "sh", "-c", script, "sh"]).args(arguments);
    run(command.env("INHERITED", "{STABLE_ONE} ${pwd}").stdin(Stdio::null()))
}

fn stopped(ran: Ran) -> String {
    ran.stopped(1).strip_prefix("process-wrapper: ").unwrap().to_owned()
}

/// Prints every argument in brackets.
const ARGUMENTS: &str = "for a; do printf '[%s]' \"$a\"; done";

/// Prints the content of every `@FILE` among the arguments, and the others in brackets.
const FILES: &str = "for a; do case $a in @*) cat \"${a#@}\";; *) printf '[%s]' \"$a\";; esac; done";

#[test]
fn arguments_and_environment_are_substituted() {
    let scratch = Scratch::new();
    let root = scratch.root().canonicalize().unwrap();
    let pwd = root.display().to_string();
    scratch.write("env1", "A=a=b\nB=${pwd}/{STABLE_ONE}\n\nC=two\\\nlines\n");
    scratch.write("env2", "A=later\r\nD={BUILD_TIMESTAMP}{STABLE_TWO}");
    scratch.write("args1", "-one\n\n${pwd}\n");
    scratch.write("args2", "arg with\\\nnl\nback\\\\\n");
    scratch.write("stable", "STABLE_ONE first value\nSTABLE_TWO \n");
    scratch.write("volatile", "BUILD_TIMESTAMP 0\nSTABLE_ONE second\n");
    let print = |names: &str| names.split(' ').map(|name| format!("printf '%s;' \"${name}\";")).collect::<String>();
    let stamp = "--stable-status-file stable --volatile-status-file volatile";
    for (flags, script, arguments, expected) in [
        // Nothing is substituted that no --subst names.
        ("", ARGUMENTS, &["${pwd}", "{STABLE_ONE}", ""][..], "[${pwd}][{STABLE_ONE}][]".to_owned()),
        ("--subst pwd=${pwd}", ARGUMENTS, &["a${pwd}/b${pwd}", "${x}"], format!("[a{pwd}/b{pwd}][${{x}}]")),
        ("--subst a=x${pwd} pwd=${pwd}", ARGUMENTS, &["${a}"], "[x${pwd}]".into()),
        ("--subst a=1 --subst a=2 b=", ARGUMENTS, &["${a}${b}"], "[1]".into()),
        ("--subst k=${output_base}", ARGUMENTS, &["${k}"], {
            let base = root.parent().and_then(|parent| parent.parent()).unwrap();
            format!("[{}]", base.display())
        }),
        ("--arg-file args1 args2", ARGUMENTS, &["x"], "[x][-one][${pwd}][arg with\nnl][back\\]".into()),
        ("--subst pwd=${pwd} --arg-file args1", ARGUMENTS, &[], format!("[-one][{pwd}]")),
        ("", &print("INHERITED"), &[], "{STABLE_ONE} ${pwd};".into()),
        ("--subst pwd=${pwd}", &print("INHERITED"), &[], format!("{{STABLE_ONE}} {pwd};")),
        (stamp, &print("INHERITED"), &[], "first value ${pwd};".into()),
        (&format!("{stamp} --subst pwd=${{pwd}} --env-file env1 env2"), &print("A B C D"), &[], {
            format!("later;{pwd}/first value;two\nlines;0;")
        }),
        ("--env-file env1 --env-file env2", &print("A B"), &[], "later;${pwd}/{STABLE_ONE};".into()),
        ("--out-dir gen", &print("OUT_DIR"), &[], "${pwd}/gen;".into()),
        ("--out-dir gen --subst pwd=${pwd}", &format!("{}{ARGUMENTS}", print("OUT_DIR")), &["${out_dir}/x"], {
            format!("{pwd}/gen;[gen/x]")
        }),
        ("--require-explicit-unstable-features true", ARGUMENTS, &["x"], "[x][-Zallow-features=]".into()),
        ("--require-explicit-unstable-features true", ARGUMENTS, &["-Zallow-features=a"], "[-Zallow-features=a]".into()),
        ("--require-explicit-unstable-features true", ARGUMENTS, &["-Z", "allow-features=a"], "[-Z][allow-features=a]".into()),
        ("--require-explicit-unstable-features false", ARGUMENTS, &["x"], "[x]".into()),
    ] {
        let ran = wrap(&scratch, flags, script, arguments).ok();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (expected.as_str(), ""), "{flags}");
    }
}

#[test]
fn the_executable_is_substituted_and_found_in_the_path() {
    let scratch = Scratch::new();
    let line = ["process-wrapper", "--subst", "name=echo", "--", "${name}", "${name}"];
    assert_eq!(scratch.hollow(&line).ok().stdout, "echo\n");
    let missing = scratch.hollow(&["process-wrapper", "--subst", "d=bin", "--", "${d}/no-rustc"]);
    assert_eq!(stopped(missing), "cannot run `bin/no-rustc`: No such file or directory (os error 2)");
}

#[test]
fn parameter_files_are_flattened_in_a_temporary_place() {
    let scratch = Scratch::new();
    let pwd = scratch.root().canonicalize().unwrap().display().to_string();
    scratch.write("dir/params", "${pwd}\n\n--cfg\n@dir/nested\nlast\\\\\n");
    scratch.write("dir/nested", "@${pwd}/dir/deep\nb");
    scratch.write("dir/deep", "${pwd}/c\n-Zallow-features=x");
    scratch.write("same", "a\nb\n");
    scratch.write("lines", "one\ntwo\\\nlines\nthree\n");
    fs::create_dir(scratch.path("temporary")).unwrap();
    // As in a sandbox: inputs can't be written beside.
    fs::set_permissions(scratch.path("dir"), PermissionsExt::from_mode(0o555)).unwrap();
    let wrap = |flags: &str, script: &str, arguments: &[&str]| {
        let mut command = scratch.command(HOLLOW);
        command.arg("process-wrapper").args(flags.split_whitespace()).args(["--", "sh", "-c", script, "sh"]).args(arguments);
        run(command.env("TMPDIR", scratch.path("temporary")))
    };
    let subst = "--subst pwd=${pwd}";
    let flat = format!("{pwd}\n--cfg\n{pwd}/c\n-Zallow-features=x\nb\nlast\\\n");
    assert_eq!(wrap(subst, FILES, &["@dir/params"]).ok().stdout, flat);
    assert_eq!(wrap(subst, FILES, &["@${pwd}/dir/params"]).ok().stdout, flat, "its path is substituted, too");
    let strict = "--require-explicit-unstable-features true";
    assert_eq!(wrap(&format!("{subst} {strict}"), FILES, &["@dir/params"]).ok().stdout, flat);
    assert_eq!(wrap(strict, FILES, &["@same"]).ok().stdout, "a\nb\n[-Zallow-features=]");
    assert_eq!(wrap(subst, ARGUMENTS, &["@same"]).ok().stdout, "[@same]", "what says the same stays");
    assert_eq!(wrap(subst, FILES, &["@lines"]).ok().stdout, "one\n[two\nlines]three\n", "a line end is part of one argument");
    scratch.write("arg-file", "@dir/params\n");
    assert_eq!(wrap(&format!("{subst} --arg-file arg-file"), FILES, &[]).ok().stdout, flat);
    for script in ["exit 3", "kill -9 $$"] {
        assert_ne!(wrap(subst, script, &["@dir/params"]).code, Some(0));
    }
    assert_eq!(
        wrap(subst, FILES, &["@gone"]).stopped(1),
        "process-wrapper: parameter file: cannot read `gone`: No such file or directory (os error 2)"
    );
    scratch.write("outer", "@gone\n");
    let nested = wrap("", FILES, &["@outer"]).stopped(1);
    assert!(
        nested.starts_with("process-wrapper: in the parameter file `outer`: parameter file: cannot read `gone`:"),
        "{nested}"
    );
    scratch.write("self", "a\n@middle\n");
    scratch.write("middle", "@./self\n");
    assert_eq!(wrap("", FILES, &["@self"]).stopped(1), "process-wrapper: the parameter file `./self` includes itself");
    assert_eq!(scratch.list("temporary"), [] as [&str; 0], "no copy is left");
    assert_eq!(scratch.list("dir"), ["deep", "nested", "params"]);
}

#[test]
fn a_wrong_file_is_named_with_its_flag_and_line() {
    let scratch = Scratch::new();
    scratch.write("bad-env", "A=b\n\nno assignment\n");
    scratch.write("bad-status", "KEY value\nALONE\n");
    fs::create_dir(scratch.path("directory")).unwrap();
    let gone = "No such file or directory (os error 2)";
    for (flags, expected) in [
        ("--env-file bad-env", "environment file invalid: line 3 of `bad-env` has no `=`: no assignment".to_owned()),
        ("--env-file gone", format!("--env-file: cannot read `gone`: {gone}")),
        ("--arg-file gone", format!("--arg-file: cannot read `gone`: {gone}")),
        ("--stable-status-file gone", format!("--stable-status-file: cannot read `gone`: {gone}")),
        ("--volatile-status-file bad-status", "--volatile-status-file: line 2 of `bad-status` is no `KEY VALUE`: ALONE".into()),
        ("--stdout-file no/file", format!("--stdout-file: cannot write `no/file`: {gone}")),
        ("--stderr-file directory", "--stderr-file: cannot write `directory`: Is a directory (os error 21)".into()),
        ("--output-file no/file", format!("--output-file: cannot write `no/file`: {gone}")),
        ("--nope x", "unknown flag \"--nope\": see `hollow process-wrapper --help`".into()),
    ] {
        let ran = wrap(&scratch, flags, "echo > started", &[]);
        assert_eq!(stopped(ran), expected, "{flags}");
        assert!(!scratch.exists("started"), "{flags}: known before anything runs");
    }
}

#[test]
fn outputs_are_made_after_a_success_only() {
    let scratch = Scratch::new();
    scratch.write("source", "made");
    fs::set_permissions(scratch.path("source"), PermissionsExt::from_mode(0o444)).unwrap();
    scratch.write("old", "old");
    let flags = "--touch-file touched --copy-output source copied";
    assert_eq!(wrap(&scratch, flags, "exit 7", &[]).code, Some(7));
    assert!(!scratch.exists("touched") && !scratch.exists("copied"));
    wrap(&scratch, flags, "", &[]).ok();
    assert_eq!((scratch.read("touched"), scratch.read("copied")), (vec![], b"made".to_vec()));
    assert_eq!(fs::metadata(scratch.path("copied")).unwrap().permissions().mode() & 0o777, 0o444);
    // Again, over a read-only file; and the touched file may be what is copied.
    wrap(&scratch, "--touch-file old --copy-output old copied", "", &[]).ok();
    assert_eq!((scratch.read("old"), scratch.read("copied")), (vec![], vec![]));
    let failed = stopped(wrap(&scratch, "--copy-output gone copied", "", &[]));
    assert_eq!(failed, "--copy-output: cannot copy `gone` to `copied`: No such file or directory (os error 2)");
    let failed = stopped(wrap(&scratch, "--touch-file no/file", "", &[]));
    assert_eq!(failed, "--touch-file: cannot write `no/file`: No such file or directory (os error 2)");
    wrap(&scratch, "--copy-output source /dev/null", "", &[]).ok();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn streams_go_to_files_byte_for_byte() {
    let scratch = Scratch::new();
    let lines = "line\r\n".repeat(10_000);
    scratch.write("lines", &lines);
    let script = "cat lines; printf 'no line end \\377' >&2";
    let flags = "--stdout-file 1 --stderr-file 2 --output-file 3";
    let ran = wrap(&scratch, flags, script, &[]).ok();
    assert_eq!((ran.stdout, ran.stderr), (String::new(), String::new()));
    assert_eq!(scratch.read("1"), lines.as_bytes());
    assert_eq!((scratch.read("2"), scratch.read("3")), (b"no line end \xff".to_vec(), b"no line end \xff".to_vec()));
    for flags in ["--output-file 3", "--touch-file t", ""] {
        let ran = scratch
            .command(HOLLOW)
            .args(["process-wrapper"])
            .args(flags.split_whitespace())
            .args(["--", "sh", "-c", script])
            .output();
        assert_eq!(ran.unwrap().stderr, b"no line end \xff", "{flags}");
    }
    wrap(&scratch, "--stderr-file 2", "echo short >&2", &[]).ok();
    assert_eq!(scratch.read("2"), b"short\n", "what was there is gone");
}

const DIAGNOSTIC: &str = r#"{"rendered": "should be\nin output"}"#;
const METADATA: &str = r#"{"$message_type":"artifact","artifact":"a.rmeta","emit":"metadata"}"#;

/// A script in rustc's place: says the diagnostic, and then the rest.
fn says(rest: &str) -> String {
    format!("echo '{}' >&2\n{rest}", DIAGNOSTIC.replace('\\', "\\\\"))
}

#[test]
fn messages_are_processed() {
    let scratch = Scratch::new();
    let noise = "'+x' is not a recognized feature for this target (ignoring feature)";
    let artifact = says(&format!("echo '{METADATA}' >&2; echo '{{}}' >&2"));
    let noisy = says(&format!("echo \"{noise}\" >&2"));
    let foreign = says("printf 'thread panicked\\nat\\n' >&2");
    let both = says("printf '{\"rendered\": \"x\"}' >&2");
    let json = format!("{DIAGNOSTIC}\n");
    let warning = format!(
        r#"{{"$message_type":"diagnostic","message":"{noise}","code":null,"level":"warning","spans":[],"children":[],"rendered":"{noise}"}}"#
    );
    for (format, script, expected) in [
        ("json", &artifact, json.clone()),
        ("rendered", &artifact, "should be\nin output".into()),
        ("json", &noisy, format!("{json}{warning}\n")),
        ("rendered", &noisy, format!("should be\nin output{noise}\n")),
        ("json", &foreign, format!("{json}thread panicked\nat\n")),
        ("rendered", &foreign, "should be\nin outputthread panicked\nat\n".into()),
        ("json", &both, format!("{json}{{\"rendered\": \"x\"}}")),
        ("rendered", &both, "should be\nin outputx".into()),
    ] {
        fs::write(scratch.path("raw"), "").unwrap();
        let flags = format!("--rustc-output-format {format} --output-file raw --touch-file done");
        let ran = wrap(&scratch, &flags, script, &[]).ok();
        assert_eq!(ran.stderr, expected, "{format}: {script}");
        assert!(String::from_utf8(scratch.read("raw")).unwrap().starts_with(&json), "the raw file has it all");
        assert!(scratch.exists("done"));
        fs::remove_file(scratch.path("done")).unwrap();
    }
}

#[test]
fn a_failed_rustc_that_says_other_things_ends_with_the_line_that_rules_rust_tests() {
    let scratch = Scratch::new();
    let script = says("printf 'ERROR!\\nthis should all\\nappear in output.\\n' >&2; exit 1");
    let ran = wrap(&scratch, "--rustc-output-format json", &script, &[]);
    assert_eq!(ran.code, Some(1));
    let last = "Error: ProcessWrapperError(\"failed to process stderr: error parsing rustc output as json\")";
    assert_eq!(ran.stderr, format!("{DIAGNOSTIC}\nERROR!\nthis should all\nappear in output.\n{last}\n"));
}

#[test]
fn rustc_is_ended_when_the_metadata_are_written() {
    let scratch = Scratch::new();
    let script = says(&format!("echo '{METADATA}' >&2; echo $$ > pid; echo '{DIAGNOSTIC}' >&2; sleep 300 & wait; exit 1"));
    for (format, expected) in [("json", format!("{DIAGNOSTIC}\n")), ("rendered", "should be\nin output".into())] {
        let flags = format!("--rustc-quit-on-rmeta true --rustc-output-format {format} --touch-file done-{format}");
        let ran = wrap(&scratch, &flags, &script, &[]).ok();
        assert_eq!(ran.stderr, expected);
        assert!(scratch.exists(&format!("done-{format}")));
    }
    let script = says(&format!("echo '{METADATA}' >&2; exit 4"));
    let ran = wrap(&scratch, "--rustc-quit-on-rmeta true", &script, &[]);
    assert_eq!(ran.code, Some(4), "without --rustc-output-format it does nothing, and that is said");
    let warning = "hollow: warning: process-wrapper: --rustc-quit-on-rmeta does nothing without --rustc-output-format\n";
    assert_eq!(ran.stderr, format!("{warning}{DIAGNOSTIC}\n{METADATA}\n"));
    let ran = wrap(&scratch, "--rustc-quit-on-rmeta false --rustc-output-format json", &script, &[]);
    assert_eq!((ran.code, ran.stderr), (Some(4), format!("{DIAGNOSTIC}\n")));
}

#[test]
fn the_exit_status_is_the_programs_or_goes_into_a_file() {
    let scratch = Scratch::new();
    for (script, code) in [("exit 0", 0), ("exit 1", 1), ("exit 101", 101), ("exit 255", 255)] {
        for flags in ["", "--touch-file t", "--rustc-output-format json"] {
            assert_eq!(wrap(&scratch, flags, script, &[]).code, Some(code), "{flags}: {script}");
        }
        let ran = wrap(&scratch, "--captured-exit-code-file code", script, &[]).ok();
        assert_eq!((String::from_utf8(scratch.read("code")).unwrap(), ran.stderr), (format!("{code}\n"), String::new()));
    }
    for (signal, code) in [("KILL", 137), ("SEGV", 139), ("TERM", 143)] {
        let script = format!("kill -{signal} $$");
        let killed = wrap(&scratch, "--touch-file never", &script, &[]);
        assert_eq!(killed.stopped(code), format!("process-wrapper: `sh` was killed by SIG{signal}"));
        wrap(&scratch, "--captured-exit-code-file code", &script, &[]).ok();
        assert_eq!(String::from_utf8(scratch.read("code")).unwrap(), format!("{code}\n"));
    }
    assert!(!scratch.exists("never"));
}

#[test]
fn an_output_with_the_working_directory_in_it_is_refused() {
    let scratch = Scratch::new();
    let root = scratch.root().canonicalize().unwrap();
    let pwd = root.display().to_string();
    scratch.write("clean", b"\0artifact without a path\xff");
    // Across the border between two of the parts in which it is read.
    let border = [vec![0; (1 << 20) - 3], format!("{pwd}/bazel-out/x").into_bytes(), vec![1; 9]].concat();
    scratch.write("dirty", border);
    scratch.write("empty", "");
    let check = "--check-output-for-working-dir";
    wrap(&scratch, &format!("{check} clean empty"), "", &[]).ok();
    let ran = wrap(&scratch, &format!("{check} clean {check} dirty --touch-file t"), "", &[]);
    let said = stopped(ran);
    assert!(said.starts_with(&format!("{check}: `dirty` contains the working directory {pwd}: ")), "{said}");
    assert!(!scratch.exists("t"));
    let ran = wrap(&scratch, &format!("{check} gone"), "echo ERROR! >&2; exit 1", &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "ERROR!\n"), "after a failure nothing is checked");
    let said = stopped(wrap(&scratch, &format!("{check} gone"), "", &[]));
    assert_eq!(said, format!("{check}: cannot read `gone`: No such file or directory (os error 2)"));
}

#[test]
fn debugging_shows_the_command() {
    let scratch = Scratch::new();
    let mut command = scratch.command(HOLLOW);
    command.args(["process-wrapper", "--subst", "a=b", "--", "true", "${a}"]).env("RULES_RUST_PROCESS_WRAPPER_DEBUG", "1");
    let said = run(&mut command).ok().stderr;
    assert!(said.contains("\"true\"") && said.contains("\"b\""), "{said}");
}

#[test]
fn a_hollow_of_that_name_needs_no_subcommand() {
    let scratch = Scratch::new();
    symlink(HOLLOW, scratch.path("process_wrapper")).unwrap();
    let ran = run(scratch.command("./process_wrapper").args(["--subst", "x=y", "--", "echo", "${x}"])).ok();
    assert_eq!(ran.stdout, "y\n");
    let help = run(scratch.command("./process_wrapper").arg("--help")).ok();
    assert!(help.stderr.contains("--require-explicit-unstable-features") && help.stdout.is_empty());
    let nothing = run(scratch.command("./process_wrapper").arg("--help-me"));
    assert_eq!(nothing.code, Some(1));
    // And it finds itself for the actions.
    scratch.write("a.rs", "pub fn a() {}");
    let line = "--touch-file t --hollow=metadata -- rustc --crate-type=lib --out-dir=out a.rs";
    run(scratch.command("./process_wrapper").args(line.split(' '))).ok();
    assert!(scratch.exists("out/_hollow/liba_meta.rlib") && scratch.exists("t"));
}

/// A directory tree as Bazel gives it to an action of rules_rust: sources and generated files, read-only inputs and a place for outputs.
fn action_tree() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("execroot/_main/lib/src/lib.rs", concat!(
        "include!(concat!(env!(\"OUT_DIR\"), \"/generated.rs\"));\n",
        "pub fn who() -> String { format!(\"{} {} {} {}\", env!(\"WHO\"), env!(\"VERSION\"), ANSWER, cfg!(from_build_script)) }\n",
        "pub fn dir() -> bool { env!(\"CARGO_MANIFEST_DIR\") == std::env::current_dir().unwrap().join(\"lib\").to_str().unwrap() }\n",
        "fn unused() {}\n",
    ));
    scratch.write("execroot/_main/app/main.rs", "fn main() { println!(\"{} {}\", lib::who(), lib::dir()); }\n");
    scratch.write("execroot/_main/bin/lib/out_dir/generated.rs", "pub const ANSWER: u8 = 42;\n");
    scratch.write(
        "execroot/_main/bin/lib/build.env",
        "WHO=built by\\\n{BUILD_USER}\nVERSION={STABLE_VERSION}\nCARGO_MANIFEST_DIR=${pwd}/lib\n",
    );
    scratch.write(
        "execroot/_main/bin/lib/build.flags",
        "--cfg=from_build_script\n--check-cfg=cfg(from_build_script)\n-Lnative=${pwd}/bin/lib/out_dir\n",
    );
    scratch.write("execroot/_main/bazel-out/stable-status.txt", "STABLE_VERSION 1.2\n");
    scratch.write("execroot/_main/bazel-out/volatile-status.txt", "BUILD_USER somebody else\nBUILD_TIMESTAMP 0\n");
    let params = "\
        lib/src/lib.rs\n--crate-name=lib\n--crate-type=rlib\n--edition=2021\n--error-format=json\n--json=artifacts\n--codegen=metadata=-123\n\
        --codegen=extra-filename=-123\n--out-dir=bin/lib\n--codegen=opt-level=0\n--remap-path-prefix=${pwd}=.\n--remap-path-prefix=${exec_root}=.\n\
        --emit=link=bin/lib/liblib-123.rlib\n--emit=dep-info=bin/lib/lib.d\n--cfg\nfeature=\"std\"\n--check-cfg\ncfg(feature, values(\"std\"))\n";
    let inputs = scratch.write("execroot/_main/bin/params/lib.params", params);
    // As in a sandbox: nothing can be written beside an input.
    fs::set_permissions(inputs.parent().unwrap(), PermissionsExt::from_mode(0o555)).unwrap();
    scratch
}

/// The flags in the order in which rules_rust gives them.
const RULES_RUST: &str = "--env-file bin/lib/build.env --arg-file bin/lib/build.flags --subst pwd=${pwd} --subst exec_root=${exec_root} \
    --subst output_base=${output_base} --volatile-status-file bazel-out/volatile-status.txt --stable-status-file bazel-out/stable-status.txt \
    --out-dir bin/lib/out_dir --output-file bin/lib/lib.rustc-output --rustc-output-format rendered \
    --require-explicit-unstable-features true --touch-file bin/lib/done --copy-output bin/lib/lib.d bin/lib/copy.d";

fn in_tree(scratch: &Scratch, line: &str, environment: &[(&str, &str)]) -> Ran {
    let mut command = scratch.command(HOLLOW);
    let directory = scratch.path("execroot/_main");
    command.current_dir(&directory).env("PWD", &directory).env("TMPDIR", scratch.root()).envs(environment.iter().copied());
    run(command.arg("process-wrapper").args(line.split_whitespace()))
}

const PROGRAM: &str = "--subst pwd=${pwd} -- rustc app/main.rs --edition=2021 --extern=lib=bin/lib/liblib-123.rlib -o bin/app";

fn run_program(scratch: &Scratch) -> String {
    in_tree(scratch, PROGRAM, &[("RUSTC_BOOTSTRAP", "1")]).ok();
    run(scratch
        .command(scratch.path("execroot/_main/bin/app"))
        .current_dir(scratch.path("execroot/_main").canonicalize().unwrap()))
    .ok()
    .stdout
}

#[test]
fn a_library_of_rules_rust_is_compiled_with_stamps_substitutions_and_a_parameter_file() {
    let scratch = action_tree();
    let line = format!("{RULES_RUST} -- rustc @bin/params/lib.params");
    let ran = in_tree(&scratch, &line, &[("RUSTC_BOOTSTRAP", "1")]).ok();
    assert!(ran.stderr.starts_with("warning: function `unused` is never used\n --> lib/src/lib.rs:4:4\n"), "{}", ran.stderr);
    let raw = String::from_utf8(scratch.read("execroot/_main/bin/lib/lib.rustc-output")).unwrap();
    assert!(raw.lines().all(|line| line.starts_with("{\"$message_type\":")) && raw.contains("\"emit\":\"link\""), "{raw}");
    assert_eq!(run_program(&scratch), "built by\nsomebody else 1.2 42 true true\n");
    assert!(scratch.exists("execroot/_main/bin/lib/done"));
    assert_eq!(scratch.read("execroot/_main/bin/lib/copy.d"), scratch.read("execroot/_main/bin/lib/lib.d"));
    assert_eq!(scratch.list("execroot/_main/bin/params"), ["lib.params"]);
    assert!(
        scratch.list("").iter().all(|name| name.starts_with("execroot")),
        "nothing is left in TMPDIR: {:?}",
        scratch.list("")
    );
}

#[test]
fn rustc_is_ended_after_its_metadata_and_they_are_whole() {
    let scratch = action_tree();
    let line = format!(
        "{RULES_RUST} --rustc-quit-on-rmeta true -- rustc @bin/params/lib.params --emit=metadata=bin/lib/liblib-123.rmeta"
    );
    in_tree(&scratch, &line, &[("RUSTC_BOOTSTRAP", "1")]).ok();
    assert!(scratch.exists("execroot/_main/bin/lib/liblib-123.rmeta") && scratch.exists("execroot/_main/bin/lib/done"));
    let check = "-- rustc app/main.rs --edition=2021 --extern=lib=bin/lib/liblib-123.rmeta --emit=metadata -o bin/app.rmeta";
    in_tree(&scratch, check, &[("RUSTC_BOOTSTRAP", "1")]).ok();
}

#[test]
fn the_line_of_rules_rust_becomes_the_two_actions() {
    let scratch = action_tree();
    let flags = RULES_RUST.replace("--copy-output bin/lib/lib.d bin/lib/copy.d", "");
    let act = |hollow: &str| in_tree(&scratch, &format!("{flags} {hollow} -- rustc @bin/params/lib.params"), &[]);
    let explained = act("--hollow=metadata --interface --explain").ok().stderr;
    assert!(explained.contains("hollow: metadata action of the rlib `lib`"), "{explained}");
    let twin = "bin/lib/_hollow/liblib-123_meta.rlib";
    act(&format!("--hollow=link --seal-with={twin}")).ok();
    let said = in_tree(&scratch, &format!("-- {HOLLOW} inspect bin/lib/liblib-123.rlib {twin}"), &[]).ok().stdout;
    assert!(said.contains("a sealed pair"), "{said}");
    assert_eq!(run_program(&scratch), "built by\nsomebody else 1.2 42 true true\n");
    // What hollow itself says is one line, and the status is its own.
    let refused = act("--hollow=link --seal-with=gone.rlib");
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.starts_with("hollow: error: ") && refused.stderr.contains("`gone.rlib`"), "{}", refused.stderr);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}
