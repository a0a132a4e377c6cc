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
    let own = |line: &&str| !line.trim_start().starts_with("Checking") && !line.trim_start().starts_with("Compiling");
    let lines: Vec<_> = text.lines().filter(own).filter(|line| !line.contains("Finished")).collect();
    lines.join("\n")
}

fn plain(workspace: &Workspace, arguments: &str) -> String {
    said(&run(&mut workspace.plain(arguments)).stderr)
}

#[test]
fn a_dependents_errors_point_into_the_true_source_of_its_dependencies() {
    let workspace = workspace();
    workspace.hollow("check").ok();
    // A span of one line, a span of several, a note on a trait, a deprecation.
    workspace.write(
        "mid/src/lib.rs",
        "pub fn mid() -> u32 {\n    low::old();\n    low::Typed(1u8).shown();\n    needs::<low::Typed<u8>>();\n    low::low(1)\n}\nfn needs<T: low::Shown>() {}\n",
    );
    for color in ["never", "always"] {
        let arguments = format!("check --color={color}");
        let (plain, hollow) = (plain(&workspace, &arguments), said(&workspace.hollow(&arguments).stderr));
        assert!(!hollow.contains("_hollow") && !hollow.contains("loop {}"), "{hollow}");
        let heads = |text: &str| -> Vec<_> { text.lines().filter(|line| line.contains("-->")).map(str::to_owned).collect() };
        assert_eq!(heads(&hollow), heads(&plain));
        assert!(heads(&plain).iter().any(|line| line.contains("low/src/lib.rs:4:8")), "{plain}");
        // A signature that was over several lines is shown on one; all else is the same.
        let different = hollow.lines().zip(plain.lines()).filter(|(hollow, plain)| hollow != plain).count();
        assert!(different <= 2, "{hollow}\n{plain}");
    }
    // Lines that move without a change for dependents move in what is said again.
    let source = workspace.read("low/src/lib.rs");
    workspace.write("low/src/lib.rs", &format!("{}{source}", "// One more.\n".repeat(100)));
    let hollow = said(&workspace.hollow("check").stderr);
    assert!(hollow.contains("--> low/src/lib.rs:104:8"), "{hollow}");
}

#[test]
fn a_body_that_is_wrong_keeps_no_dependent_from_being_checked() {
    let workspace = workspace();
    workspace.hollow("check").ok();
    workspace.edit("low/src/lib.rs", "first + second.len() as u32", "\"no number\"");
    workspace.edit("top/src/main.rs", "mid::mid()", "mid::gone()");
    let checked = workspace.hollow("check");
    assert_eq!(checked.code, Some(101));
    for said in ["low/src/lib.rs:8:5", "top/src/main.rs:2:25"] {
        assert!(checked.stderr.contains(said), "{said}: {}", checked.stderr);
    }
    assert!(workspace.last_outcomes().contains("skipped mid check of lib"), "{}", workspace.last_outcomes());
    assert!(checked.stderr.contains("error: could not compile `low` (lib) due to 1 previous error\n"), "{}", checked.stderr);
    // It is said again as long as it is wrong.
    let again = workspace.hollow("check");
    assert_eq!(said(&again.stderr), said(&checked.stderr));
    workspace.edit("low/src/lib.rs", "\"no number\"", "first");
    workspace.edit("top/src/main.rs", "mid::gone()", "mid::mid()");
    workspace.hollow("check").ok();
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
