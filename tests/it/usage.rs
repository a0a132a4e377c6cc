//! Bad usage, and what is asked of rustc without compiling anything.

use crate::actions::{library, words};
use crate::support::{HOLLOW, run};

#[test]
fn bad_usage_says_where_rustc_goes() {
    let scratch = library();
    assert_eq!(
        scratch.hollow(&["metadata"]).stopped(2),
        "there is no rustc command line: give the one of an ordinary compilation after `--`"
    );
    for (line, hint) in [
        ("metadata rustc a.rs", "hint: rustc and its arguments go after `--`: hollow metadata [OPTIONS] -- rustc ARGS..."),
        (
            "link rustc --crate-type=lib a.rs",
            "hint: rustc and its arguments go after `--`: hollow link [OPTIONS] -- rustc ARGS...",
        ),
        ("metadata --interface drop -- rustc a.rs", "hint: the value follows an `=`: write --interface=drop"),
    ] {
        let misplaced = scratch.hollow(&words(line));
        assert_eq!(misplaced.code, Some(2));
        assert!(misplaced.stderr.contains("Usage: hollow "), "{}", misplaced.stderr);
        assert!(misplaced.stderr.ends_with(&format!("{hint}\n")), "{}", misplaced.stderr);
    }
    let unknown = scratch.hollow(&words("metadata --nope -- rustc a.rs"));
    assert!(!unknown.stderr.contains("hint:"), "{}", unknown.stderr);
}

#[test]
fn what_is_only_asked_of_rustc_is_passed_through() {
    let scratch = library();
    scratch.write("asks", "--version\n--verbose\n");
    for question in
        ["--version", "-vV", "--help", "--print=sysroot", "--print cfg a.rs", "-Chelp", "-W help", "--explain E0308", "@asks", ""]
    {
        let words: Vec<_> = question.split_whitespace().collect();
        let plain = run(scratch.command("rustc").args(&words)).ok();
        for action in ["metadata", "link"] {
            let asked = run(scratch.command(HOLLOW).args([action, "--", "rustc"]).args(&words)).ok();
            assert_eq!((asked.stdout, asked.stderr), (plain.stdout.clone(), plain.stderr.clone()), "{question}");
        }
    }
    // What rustc prints on the way does not keep it from compiling.
    scratch.write("main.rs", "fn main() {}");
    scratch.hollow(&words("link -- rustc --print=link-args --out-dir=out main.rs")).ok();
    assert!(scratch.exists("out/main"));
}

#[test]
fn a_source_file_is_not_a_rustc() {
    let scratch = library();
    for line in ["./a.rs", "./a.rs --crate-type=lib"] {
        let ran = scratch.hollow(&words(line));
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.starts_with("error: unrecognized subcommand './a.rs'\n"), "{}", ran.stderr);
    }
    let gone = scratch.hollow(&words("./gone/rustc --crate-name a")).stopped(2);
    assert_eq!(gone, "cannot run rustc as `./gone/rustc`: No such file or directory (os error 2)");
}

#[test]
fn temporary_names_are_not_what_is_wrong() {
    let scratch = library();
    scratch.write("main.rs", "fn main() {}");
    let mut command = scratch.command(HOLLOW);
    let failed = run(command.args(words("link -- rustc main.rs")).env("TMPDIR", scratch.path("gone")));
    let gone = scratch.path("gone");
    assert_eq!(
        failed.stopped(2),
        format!("cannot make a temporary directory in `{}` (see TMPDIR): No such file or directory (os error 2)", gone.display())
    );
    let failed = scratch.hollow(&words("link -- rustc main.rs -o /proc/main")).stopped(2);
    assert!(failed.starts_with("cannot make a place for `/proc/main`: ") && !failed.contains(".hollow-"), "{failed}");
}
