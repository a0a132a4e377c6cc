//! Runs that are killed, run side by side, or find damaged state.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::kinds::workspace;
use super::workspace::Workspace;
use crate::support::run;

const PROGRAM: &str = "target/debug/top";

/// The `low` whose private function returns this.
fn set(workspace: &Workspace, value: u64, is_public: bool) {
    let source = workspace.read("low/src/lib.rs");
    let at = source.find("fn private() -> u32 {\n").unwrap() + "fn private() -> u32 {\n".len();
    let end = at + source[at..].find('\n').unwrap();
    let public = if is_public { format!("pub fn f{value}() {{}}\n") } else { String::new() };
    workspace.write("low/src/lib.rs", &format!("{public}{}    {value}{}", &source[..at], &source[end..]));
}

#[test]
fn a_run_that_was_killed_leaves_nothing_wrong() {
    let workspace = workspace();
    let begun = Instant::now();
    workspace.hollow("build").ok();
    let whole = begun.elapsed();
    let mut random = fastrand::Rng::with_seed(5);
    for round in 1..=16_u64 {
        set(&workspace, round, round % 3 == 0);
        let mut command = workspace.command("build");
        let mut child =
            command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(whole.mul_f64(random.f64() * 0.7));
        let group = rustix_pid(child.id());
        // Cargo, hollow and rustc are one group.
        let signal = if round % 2 == 0 { nix::sys::signal::SIGKILL } else { nix::sys::signal::SIGINT };
        // It may have ended by itself.
        let _ = nix::sys::signal::killpg(group, signal);
        child.wait().unwrap();
        workspace.hollow("build").ok();
        let expected = format!("{} 5 0 7 None text\n", round + 15);
        assert_eq!(workspace.prints(PROGRAM), expected, "round {round}");
    }
    // What hollow stages is gone, but for what was killed without notice.
    let fresh = workspace.hollow("build").ok();
    assert!(!fresh.stderr.contains("Compiling"), "{fresh:?}");
}

fn rustix_pid(id: u32) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(id).unwrap())
}

#[test]
fn damaged_state_is_no_state() {
    let workspace = workspace();
    workspace.hollow("build").ok();
    let state = || -> Vec<_> {
        let units = workspace.scratch.list("target/debug/deps/_hollow").into_iter().filter(|name| name.ends_with(".unit/state"));
        units.map(|name| workspace.path(&format!("target/debug/deps/_hollow/{name}"))).collect()
    };
    assert!(state().len() >= 4, "{:?}", state());
    for (round, damage) in ["empty", "cut", "other version", "text", "directory"].into_iter().enumerate() {
        for path in state() {
            let bytes = fs::read(&path).unwrap();
            match damage {
                "empty" => fs::write(&path, "").unwrap(),
                "cut" => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                "other version" => {
                    fs::write(&path, String::from_utf8(bytes).unwrap().replacen("hollow 0", "hollow 9", 1)).unwrap()
                }
                "text" => fs::write(&path, "hello\n{}\n").unwrap(),
                _ => {
                    fs::remove_file(&path).unwrap();
                    fs::create_dir(&path).unwrap();
                }
            }
        }
        let value = 30 + round as u64;
        set(&workspace, value, false);
        let ran = workspace.hollow("build").ok();
        assert_eq!(workspace.prints(PROGRAM), format!("{} 5 0 7 None text\n", value + 15), "{damage}: {}", ran.stderr);
    }
}

#[test]
fn two_cargos_at_once_take_turns() {
    let workspace = workspace();
    workspace.hollow("build").ok();
    for round in 0..4 {
        set(&workspace, 50 + round, round % 2 == 1);
        let commands = ["build", "check", "build --tests", "build"];
        let children: Vec<_> = commands
            .iter()
            .map(|command| workspace.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
            .collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(workspace.prints(PROGRAM), format!("{} 5 0 7 None text\n", 65 + round));
    }
}

#[test]
fn a_source_that_changes_while_it_is_compiled_is_compiled_again() {
    let workspace = workspace();
    // A compiler that changes a source as soon as it has read it.
    let rustc = workspace.path("rustc");
    let script = "#!/bin/sh\nrustc \"$@\"\nstatus=$?\ncase \"$*\" in\n*\"--crate-name low\"*) if [ -e edit ]; then sed -i 's/^    10$/    20/' low/src/lib.rs; fi;;\nesac\nexit $status\n";
    fs::write(&rustc, script).unwrap();
    fs::set_permissions(&rustc, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    workspace.write("edit", "");
    run(workspace.command("build").env("RUSTC", &rustc)).ok();
    assert!(workspace.read("low/src/lib.rs").contains("    20\n"));
    fs::remove_file(workspace.path("edit")).unwrap();
    thread::sleep(Duration::from_millis(20));
    run(workspace.command("build").env("RUSTC", &rustc)).ok();
    assert_eq!(workspace.prints(PROGRAM), "35 5 0 7 None text\n");
    assert!(workspace.why()["low lib"].contains("low/src/lib.rs was being written"), "{:?}", workspace.why());
}
