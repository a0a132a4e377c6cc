//! What the wrapper itself costs: `hollow link -- CHILD ...` against `CHILD ...`, and against a script that does the same.
#![allow(clippy::unwrap_used)] // A benchmark: a failure is a panic.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Odd, so that the median is a measurement.
const ROUNDS: usize = 301;

/// The child is found through `PATH`, as rustc is.
const CHILD: &str = "rustc-that-does-nothing";

fn main() {
    let scratch = tempfile::tempdir().unwrap();
    let bin = scratch.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::copy(which::which("true").unwrap(), bin.join(CHILD)).unwrap();
    let python = python();

    println!("{ROUNDS} rounds, interleaved; milliseconds from start to end of the process\n");
    println!("{:<34}{:<10}{:>9}{:>9}{:>9}{:>9}", "", "", "fastest", "median", "added", "ratio");
    for (title, externs) in [("a line with 3 externs", 3), ("5,000 externs in a response file", 5000)] {
        let arguments = line(scratch.path(), externs);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/rewrite.py");
        let mut commands = vec![
            ("child", command(&bin, CHILD, &[], &arguments)),
            ("hollow", command(&bin, env!("CARGO_BIN_EXE_hollow"), &["link", "--", CHILD].map(OsStr::new), &arguments)),
        ];
        if let Some(python) = &python {
            // Isolated and without site-packages: Python at its fastest.
            let before = ["-IS".as_ref(), script.as_os_str(), CHILD.as_ref()];
            commands.push(("Python", command(&bin, python, &before, &arguments)));
        }
        report(title, commands);
    }
    if python.is_none() {
        println!("\nThere is no python3 to compare with.");
    }
}

/// The line of a library with so many dependencies, all of which have hollow twins.
fn line(scratch: &Path, externs: usize) -> Vec<String> {
    let out = scratch.join(format!("out{externs}"));
    fs::create_dir_all(out.join("_hollow")).unwrap();
    let mut line =
        ["--crate-name=a", "--crate-type=lib", "--edition=2021", "--emit=link", "-Cextra-filename=-1"].map(String::from).to_vec();
    line.push(format!("--out-dir={}", out.display()));
    line.push(format!("-Ldependency={}", out.display()));
    for dependency in 0..externs {
        fs::write(out.join(format!("_hollow/libd{dependency}-1_meta.rlib")), "").unwrap();
        line.push(format!("--extern=d{dependency}={}/libd{dependency}-1.rlib", out.display()));
    }
    line.push("a.rs".into());
    if externs < 100 {
        return line;
    }
    let file = scratch.join("params");
    fs::write(&file, line.join("\n")).unwrap();
    vec![format!("@{}", file.display())]
}

fn command(bin: &Path, program: impl AsRef<OsStr>, before: &[&OsStr], arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(before).args(arguments).env("PATH", bin).env_remove("RUSTC_BOOTSTRAP").stdin(Stdio::null());
    command
}

/// The interpreter itself: what `PATH` finds may be a script that looks for one.
fn python() -> Option<String> {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable, end='')"]).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn report(title: &str, mut commands: Vec<(&str, Command)>) {
    let mut times = vec![Vec::with_capacity(ROUNDS); commands.len()];
    // A round more, which fills the caches.
    for round in 0..=ROUNDS {
        for ((_, command), times) in commands.iter_mut().zip(&mut times) {
            let time = time(command);
            if round > 0 {
                times.push(time);
            }
        }
    }
    let mut baseline = None;
    for ((name, _), mut times) in commands.into_iter().zip(times) {
        times.sort();
        let (fastest, median) = (times[0], times[ROUNDS / 2]);
        let baseline = *baseline.get_or_insert(median);
        println!(
            "{title:<34}{name:<10}{:>9.2}{:>9.2}{:>9.2}{:>9.2}",
            milliseconds(fastest),
            milliseconds(median),
            milliseconds(median) - milliseconds(baseline),
            median.as_secs_f64() / baseline.as_secs_f64()
        );
    }
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap();
    let time = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
