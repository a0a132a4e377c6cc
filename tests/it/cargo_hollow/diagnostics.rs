//! Diagnostics: all of them, once, in the true source, in whatever state the workspace is.

use super::workspace::{Workspace, manifest};
use crate::support::run;

fn workspace() -> Workspace {
    Workspace::new(&[
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"low\", \"mid\", \"top\"]\n"),
        ("low/Cargo.toml", &manifest("low", "")),
        (
            "low/src/lib.rs",
            "// A comment.\n\n// Another.\npub fn low(\n    first: u32, // the first\n    second: &str,\n) -> u32 {\n    first + second.len() as u32\n}\n\n\
             pub struct Typed<T>(pub T);\n\npub trait Shown {\n    fn shown(&self) -> String;\n}\n\n#[deprecated]\npub fn old() {}\n",
        ),
        ("mid/Cargo.toml", &manifest("mid", "[dependencies]\nlow = { path = \"../low\" }")),
        ("mid/src/lib.rs", "pub fn mid() -> u32 {\n    low::low(1, \"a\")\n}\n"),
        ("top/Cargo.toml", &manifest("top", "[dependencies]\nmid = { path = \"../mid\" }")),
        ("top/src/main.rs", "fn main() {\n    println!(\"{}\", mid::mid());\n}\n"),
    ])
}

/// What is said for people, without Cargo's own words.
fn said(text: &str) -> String {
    let own = |line: &&str| !["Checking", "Compiling", "Blocking"].iter().any(|word| line.trim_start().starts_with(word));
    let lines: Vec<_> = text.lines().filter(own).filter(|line| !line.contains("Finished")).collect();
    lines.join("\n")
}

fn plain(workspace: &Workspace, arguments: &str) -> String {
    said(&run(&mut workspace.plain(arguments)).stderr)
}

#[test]
fn a_dependents_errors_are_those_of_plain_cargo() {
    let workspace = workspace();
    workspace.hollow("check").ok();
    // A span of one line, a span of several, a note on a trait, a deprecation.
    workspace.write(
        "mid/src/lib.rs",
        "pub fn mid() -> u32 {\n    low::old();\n    low::Typed(1u8).shown();\n    needs::<low::Typed<u8>>();\n    low::low(1)\n}\nfn needs<T: low::Shown>() {}\n",
    );
    for color in ["never", "always"] {
        let arguments = format!("check --color={color}");
        assert_eq!(said(&workspace.hollow(&arguments).stderr), plain(&workspace, &arguments));
    }
    // Lines that move without a change for dependents move in what is said again.
    let source = workspace.read("low/src/lib.rs");
    workspace.write("low/src/lib.rs", &format!("{}{source}", "// One more.\n".repeat(100)));
    let heads =
        |text: &str| -> Vec<_> { text.lines().filter(|line| line.contains("-->")).map(|line| line.trim().to_owned()).collect() };
    let hollow = workspace.hollow("check");
    assert!(
        workspace.last_outcomes().contains("compiled low check of lib, failed mid check of lib"),
        "{}",
        workspace.last_outcomes()
    );
    assert_eq!(heads(&said(&hollow.stderr)), heads(&plain(&workspace, "check")));
    assert!(hollow.stderr.contains("--> low/src/lib.rs:104:8"), "{}", hollow.stderr);
    let json = workspace.hollow("check --message-format=json").stdout;
    assert!(
        json.contains("\"file_name\":\"low/src/lib.rs\",\"is_primary\":true") && json.contains("\"line_start\":104"),
        "{json}"
    );
}

#[test]
fn a_library_that_is_wrong_ends_the_build_as_in_plain_cargo() {
    let workspace = workspace();
    workspace.hollow("check").ok();
    workspace.edit("low/src/lib.rs", "first + second.len() as u32", "\"no number\"");
    workspace.edit("top/src/main.rs", "mid::mid()", "mid::gone()");
    for arguments in ["check", "check --keep-going", "build", "check --message-format=json"] {
        let (plain, hollow) = (run(&mut workspace.plain(arguments)), workspace.hollow(arguments));
        assert_eq!((said(&hollow.stderr), hollow.code), (said(&plain.stderr), plain.code), "{arguments}");
        assert_eq!(hollow.stdout.contains("\"success\":false"), arguments.contains("json"), "{}", hollow.stdout);
    }
    workspace.edit("low/src/lib.rs", "\"no number\"", "first");
    workspace.edit("top/src/main.rs", "mid::gone()", "mid::mid()");
    workspace.hollow("check").ok();
}

#[test]
fn a_failure_loses_nothing() {
    let workspace = workspace();
    workspace.hollow("check").ok();
    workspace.hollow("build").ok();
    for (number, command) in ["check", "build", "check", "build"].into_iter().enumerate() {
        let kind = if command == "check" { "check of " } else { "" };
        // Published again, so that there is something to lose.
        let source = workspace.read("low/src/lib.rs");
        workspace.write("low/src/lib.rs", &format!("{source}pub fn added{number}() {{}}\n"));
        workspace.hollow(command).ok();
        for broken in ["first + second.len() as u32 }}", "\"no number\""] {
            workspace.edit("low/src/lib.rs", "first + second.len() as u32", broken);
            assert_eq!(workspace.hollow(command).code, Some(101));
            workspace.edit("low/src/lib.rs", broken, "first + second.len() as u32");
            let outcomes = workspace.outcomes(command);
            assert!(!outcomes.contains("compiled") && outcomes.contains(&format!("skipped low {kind}lib")), "{outcomes}");
        }
        // A private edit after a failure keeps what was published before it.
        workspace.edit("low/src/lib.rs", "first + second.len() as u32", "\"no number\"");
        assert_eq!(workspace.hollow(command).code, Some(101));
        workspace.edit("low/src/lib.rs", "\"no number\"", "second.len() as u32 + first");
        let outcomes = workspace.outcomes(command);
        assert!(
            outcomes.contains(&format!("compiled low {kind}lib")) && outcomes.contains(&format!("skipped mid {kind}lib")),
            "{outcomes}"
        );
        workspace.edit("low/src/lib.rs", "second.len() as u32 + first", "first + second.len() as u32");
        workspace.hollow(command).ok();
    }
}

#[test]
fn warnings_are_said_again_by_what_is_not_compiled() {
    let workspace = workspace();
    workspace.write("mid/src/lib.rs", "pub fn mid() -> u32 {\n    let unused = 1;\n    low::low(1, \"a\")\n}\n");
    for (command, from, to) in [("check", "first + second", "first + 1 + second"), ("build", "first + 1", "first + 2")] {
        let first = said(&workspace.hollow(command).ok().stderr);
        assert!(first.contains("unused variable"), "{first}");
        workspace.edit("low/src/lib.rs", from, to);
        let second = workspace.hollow(command).ok();
        assert_eq!(said(&second.stderr), first);
        assert!(workspace.last_outcomes().contains("skipped mid"), "{}", workspace.last_outcomes());
        // Fresh for Cargo, too: it has kept them.
        let third = workspace.hollow(command).ok();
        assert_eq!(said(&third.stderr), first);
    }
}
