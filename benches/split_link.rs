//! Linking again after nothing but rlibs has changed: `hollow link --plan` against the linker's own call, and against rustc with a warm
//! incremental cache. For `rg`, and for the unit tests of regex-syntax. `-- N` says how many rounds, 15 if nothing does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark: a failure is a panic.

#[allow(dead_code)] // What the tests need of it.
#[path = "../tests/it/recorded.rs"]
mod recorded;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use recorded::{Kind, Recording, Unit};

fn main() {
    let recording = Recording::of_ripgrep(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap_or_else(|reason| panic!("{reason}"));
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(15);
    let scratch = tempfile::tempdir().unwrap();
    let here = |unit: &Unit| recording.relocated(unit, &recording.source, scratch.path());
    let find = |name: &str, kind: Kind| here(recording.units.iter().find(|unit| unit.name == name && unit.kind == kind).unwrap());
    for unit in recording.units.iter().filter(|unit| unit.kind == Kind::Library).map(here) {
        succeeds(unit.hollow("metadata", &[]));
        succeeds(unit.hollow("link", &[]));
    }
    println!("milliseconds, fastest and median\n");
    println!("{:<34}{:>10}{:>10}{:>8}", "", "fastest", "median", "ratio");
    relink("rg", &find("rg", Kind::Program), scratch.path(), rounds);
    let mut tests = find("regex_syntax", Kind::Library);
    let position = tests.arguments.iter().position(|argument| argument == "--crate-type").expect("Cargo names the type");
    tests.arguments.splice(position..position + 2, ["--test".into()]);
    let emit = tests.arguments.iter_mut().find(|argument| argument.as_bytes().starts_with(b"--emit=")).unwrap();
    *emit = "--emit=dep-info,link".into();
    tests.arguments.push(incremental(scratch.path()));
    relink("regex-syntax's tests", &tests, scratch.path(), rounds);
}

/// A name, what is run, and how long that took each time.
type Way<'a> = (&'a str, Box<dyn Fn() -> Command + 'a>, Vec<Duration>);

fn incremental(scratch: &Path) -> OsString {
    let mut option = OsString::from("-Cincremental=");
    option.push(scratch.join("incremental"));
    option
}

/// Measures all ways to link one program, in turns.
fn relink(name: &str, unit: &Unit, scratch: &Path, rounds: usize) {
    let (file, directory) = (scratch.join("file.plan"), scratch.join("directory.plan"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    succeeds(unit.hollow("compile", &["--output", &text(&file)]));
    succeeds(unit.hollow("compile", &["--output", &text(&directory), "--plan-format=directory"]));
    let linker = Linker::of(unit, &directory, scratch);
    // The second time its cache is warm.
    succeeds(unit.command(&unit.program, &[]));
    let mut ways: [Way; 4] = [
        ("the linker by itself", Box::new(|| linker.command()), Vec::new()),
        ("hollow link --plan, one file", Box::new(|| unit.hollow("link", &["--plan", &text(&file)])), Vec::new()),
        ("hollow link --plan, a directory", Box::new(|| unit.hollow("link", &["--plan", &text(&directory)])), Vec::new()),
        ("rustc, warm incremental cache", Box::new(|| unit.command(&unit.program, &[])), Vec::new()),
    ];
    for _ in 0..rounds {
        for (_, command, times) in &mut ways {
            let command = command();
            let start = Instant::now();
            succeeds(command);
            times.push(start.elapsed());
        }
    }
    println!("{name}, {:.1} MB of plan", fs::metadata(&file).unwrap().len() as f64 / 1e6);
    let rustc = median(&mut ways[3].2);
    for (way, _, times) in &mut ways {
        let (median, fastest) = (median(times), times[0]);
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "  {way:<32}{:>10.1}{:>10.1}{:>8.2}",
            milliseconds(fastest),
            milliseconds(median),
            median.as_secs_f64() / rustc.as_secs_f64()
        );
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The call of the linker, as it was when hollow made it.
struct Linker {
    arguments: Vec<OsString>,
    path: OsString,
    directory: PathBuf,
}

impl Linker {
    /// Links once with a `cc` that notes its call. The objects are in a directory that stays.
    fn of(unit: &Unit, plan: &Path, scratch: &Path) -> Self {
        let (bin, noted) = (scratch.join("bin"), scratch.join("noted"));
        fs::create_dir_all(&bin).unwrap();
        let cc = which::which("cc").expect("there is a linker");
        let script =
            format!("#!/bin/sh\nprintf '%s\\0' \"$PATH\" \"$@\" >'{}'\nexec '{}' \"$@\"\n", noted.display(), cc.display());
        fs::write(bin.join("cc"), script).unwrap();
        fs::set_permissions(bin.join("cc"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = unit.hollow("link", &["--plan", plan.to_str().unwrap()]);
        let path = unit.environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone()).unwrap_or_default();
        let mut first = OsString::from(&bin);
        first.push(":");
        first.push(path);
        command.env("PATH", first);
        succeeds(command);
        let noted = fs::read(noted).unwrap();
        let mut words =
            noted.strip_suffix(b"\0").unwrap().split(|&byte| byte == 0).map(|word| OsStr::from_bytes(word).to_owned());
        let path = words.next().unwrap();
        let mut arguments: Vec<OsString> = words.collect();
        let output = arguments.iter().position(|argument| argument == "-o").expect("a linker is told its output") + 1;
        arguments[output] = scratch.join("linked").into();
        Self { arguments, path, directory: unit.directory.clone() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(which::which("cc").unwrap());
        command.args(&self.arguments).current_dir(&self.directory);
        command.env_clear().env("PATH", &self.path).env("LC_ALL", "C");
        command
    }
}

fn succeeds(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
}
