//! Every command in README is run.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{HOLLOW, Scratch, repository, run};

/// The shell commands of a section, in their order.
pub fn commands(section: &str) -> Vec<String> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let heading = format!("\n## {section}\n");
    let text = match section {
        "" => readme.split("\n## ").next().unwrap(),
        _ => readme.split_once(&heading).unwrap_or_else(|| panic!("README has no section `{section}`")).1,
    };
    let text = text.split("\n## ").next().unwrap();
    text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Runs commands with this hollow in `PATH`, stopping at the first that fails.
pub fn shell(command: &mut Command, script: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let hollow = Path::new(HOLLOW).parent().unwrap().display();
    run(command.args(["-euc", script]).env("PATH", format!("{hollow}:{path}"))).ok().stdout
}

#[test]
fn the_first_command_builds_and_runs_a_program() {
    let [try_it, _] = &commands("")[..] else { panic!("README starts with two commands") };
    let mut command = Command::new("sh");
    command.current_dir(repository()).env_remove("CARGO_TARGET_DIR").env_remove("RUSTC_BOOTSTRAP");
    assert!(shell(&mut command, try_it).contains("a wide rectangle and a unit square, doubled: 22"));
}

#[test]
fn the_first_commands_are_those_that_ci_runs_in_a_fresh_clone() {
    let ci = fs::read_to_string(repository().join(".ci/run")).unwrap();
    let (_, fresh) = ci.split_once("\nexport CARGO_HOME=").expect("CI has a Cargo home of its own");
    for command in commands("") {
        assert!(fresh.lines().any(|line| line == command.trim()), "{command}");
    }
}

#[test]
fn the_page_on_shells_is_a_session_that_works() {
    let scratch = Scratch::new();
    let printed = shell(&mut scratch.command("sh"), &commands("From a shell").concat());
    assert!(printed.starts_with("40\nout/libuser.rlib: full rlib\n"), "{printed}");
}

#[test]
fn the_page_on_interfaces_is_a_session_that_works() {
    let scratch = Scratch::new();
    let printed = shell(&mut scratch.command("sh"), &commands("Relink, don't rebuild: hollow rlibs by interface").concat());
    assert!(printed.contains("pub fn price(x: u32) -> u32 { loop {} }"), "{printed}");
    assert!(printed.contains("a sealed pair"), "{printed}");
}

#[test]
fn the_page_on_split_link_is_a_session_that_works() {
    let scratch = Scratch::new();
    let printed = shell(&mut scratch.command("sh"), &commands("Split link: programs are linked again, not compiled").concat());
    assert!(printed.starts_with("to pay: 120\non the sign: 60\n"), "{printed}");
    assert!(printed.contains("to pay: 110\non the sign: 55\n"), "{printed}");
    assert!(printed.contains("out/_hollow/till.plan: link plan\n") && printed.contains("\nthe same plan: "), "{printed}");
}

#[test]
fn the_page_on_cargo_is_a_session_that_works() {
    let scratch = Scratch::new();
    let mut command = scratch.command("sh");
    command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO").env("CARGO_NET_OFFLINE", "true");
    let printed = shell(&mut command, &commands("From Cargo").concat());
    let lines: Vec<_> = printed.lines().collect();
    let [run, check, checked, again, linked, relinked] = lines[..] else { panic!("{printed}") };
    assert_eq!((run, again), ("42", "43"));
    assert_eq!(check, "compiled base check of lib: source base/src/lib.rs changed (interface unchanged)");
    assert_eq!(checked, "skipped  app check of bin: nothing that it was made from has changed");
    assert_eq!(linked, "compiled base lib: source base/src/lib.rs changed (interface unchanged)");
    assert!(relinked.starts_with("relinked app bin: objects of libbase-"), "{relinked}");
    assert!(scratch.list("target/debug/deps/_hollow").iter().any(|name| name.starts_with("libbase-")));
}

#[test]
fn the_page_on_buck2_is_a_session_that_works() {
    let scratch = Scratch::new();
    assert_eq!(shell(&mut scratch.command("sh"), &commands("From Buck2").concat()), "from a\n");
    assert_eq!(scratch.read("out/diag.json"), b"");
}

#[test]
fn the_page_on_rules_rust_is_a_session_that_works() {
    let scratch = Scratch::new();
    let printed = shell(&mut scratch.command("sh"), &commands("From rules_rust").concat());
    assert!(printed.contains("a sealed pair") && scratch.exists("out/done"), "{printed}");
}
