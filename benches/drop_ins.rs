//! What the drop-ins cost: `true`, `cat` and `cp` by themselves, under `hollow process-wrapper` and `hollow rustc-action`, and under a minimal
//! wrapper in Python.
#![allow(clippy::unwrap_used)] // A benchmark: a failure is a panic.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Odd, so that the median is a measurement.
const ROUNDS: usize = 201;

const HOLLOW: &str = env!("CARGO_BIN_EXE_hollow");
const SEPARATOR: &str = "--rustc-action-separator";

fn main() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path();
    fs::write(directory.join("messages"), message().repeat(5000)).unwrap();
    fs::write(directory.join("params"), parameters()).unwrap();
    let keys: Vec<String> = (0..50).map(|key| format!("key{key}=bazel-out/k8-fastbuild/bin/dependency{key}/out_dir")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let python = python();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/wrap.py");
    // Isolated and without site-packages: Python at its fastest.
    let python: Option<Vec<&str>> = python.as_deref().map(|python| vec![python, "-IS", script.to_str().unwrap()]);
    let hollow = |line: &[&'static str]| [&[HOLLOW], line].concat();
    let wrapper = hollow(&["process-wrapper"]);
    let action = hollow(&["rustc-action"]);

    println!("{ROUNDS} rounds, interleaved; milliseconds from start to end of the process\n");
    println!("{:<28}{:<32}{:>9}{:>9}{:>9}", "", "", "fastest", "median", "ratio");

    let mut start = vec![("true", vec!["true"])];
    start.push(("process-wrapper, in its place", [&wrapper[..], &["--", "true"]].concat()));
    start.push(("process-wrapper, waiting", [&wrapper[..], &["--rustc-output-format", "json", "--", "true"]].concat()));
    start.push(("rustc-action", [&action[..], &["true", SEPARATOR]].concat()));
    start.extend(python.as_ref().map(|python| ("Python", [&python[..], &["--", "true"]].concat())));
    report(directory, "start-up", start);

    let cat = ["sh", "-c", "exec cat messages >&2"];
    let mut throughput = vec![("cat", cat.to_vec()), ("cat, and tee to a file", vec!["sh", "-c", "cat messages | tee raw >&2"])];
    for (name, format) in [("process-wrapper, JSON", "json"), ("process-wrapper, rendered", "rendered")] {
        throughput.push((name, [&wrapper[..], &["--rustc-output-format", format, "--"], &cat].concat()));
    }
    throughput.push(("process-wrapper, to a file, too", [&wrapper[..], &["--output-file", "raw", "--"], &cat].concat()));
    throughput.push((
        "rustc-action, to two files, too",
        [&action[..], &["--diag-json=json", "--diag-txt=txt"], &cat, &[SEPARATOR]].concat(),
    ));
    throughput.extend(python.as_ref().map(|python| ("Python", [&python[..], &["--"], &cat].concat())));
    report(directory, "5,000 diagnostics of 1 kB", throughput);

    let mut substitution =
        vec![("cp", vec!["cp", "params", "copy"]), ("sh: cp and true", vec!["sh", "-c", "cp params copy; exec true"])];
    substitution.push(("process-wrapper", [&wrapper[..], &["--subst"], &keys, &["--", "true", "@params"]].concat()));
    substitution.extend(python.as_ref().map(|python| ("Python", [&python[..], &keys, &["--", "true", "@params"]].concat())));
    report(directory, "3,000 lines, 50 keys", substitution);
    if python.is_none() {
        println!("\nThere is no python3 to compare with.");
    }
}

/// A warning as rustc gives it, of about 1 kB.
fn message() -> String {
    let span = r#"{"byte_end":190,"byte_start":184,"column_end":10,"column_start":4,"expansion":null,"file_name":"src/lib.rs","is_primary":true,"label":null,"line_end":4,"line_start":4,"suggested_replacement":null,"suggestion_applicability":null,"text":[{"highlight_end":10,"highlight_start":4,"text":"fn unused() {}"}]}"#;
    let child = r#"{"children":[],"code":null,"level":"note","message":"`#[warn(dead_code)]` (part of `#[warn(unused)]`) on by default; to override it, allow the lint for the item, the module or the crate","rendered":null,"spans":[]}"#;
    let text = "\\u001b[1m\\u001b[33mwarning\\u001b[0m\\u001b[1m: function `unused` is never used\\u001b[0m\\n \\u001b[1m\\u001b[94m--> \\u001b[0msrc/lib.rs:4:4\\n  \\u001b[1m\\u001b[94m|\\u001b[0m\\n\\u001b[1m\\u001b[94m4\\u001b[0m \\u001b[1m\\u001b[94m|\\u001b[0m fn unused() {}\\n  \\u001b[1m\\u001b[94m|\\u001b[0m    \\u001b[1m\\u001b[33m^^^^^^\\u001b[0m\\n  = note: on by default\\n\\n";
    format!(
        "{{\"$message_type\":\"diagnostic\",\"message\":\"function `unused` is never used\",\"code\":{{\"code\":\"dead_code\",\"explanation\":null}},\
         \"level\":\"warning\",\"spans\":[{span}],\"children\":[{child}],\"rendered\":\"{text}\"}}\n"
    )
}

/// 3,000 arguments, half of them with something to be substituted.
fn parameters() -> String {
    (0..1500)
        .map(|line| format!("-Lnative=${{key{}}}/lib{line}\n--extern=crate{line}=bazel-out/bin/libcrate{line}.rlib\n", line % 50))
        .collect()
}

/// The interpreter itself: what `PATH` finds may be a script that looks for one.
fn python() -> Option<String> {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable, end='')"]).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn report(directory: &Path, title: &str, commands: Vec<(&str, Vec<&str>)>) {
    let mut times = vec![Vec::with_capacity(ROUNDS); commands.len()];
    // A round more, which fills the caches.
    for round in 0..=ROUNDS {
        for ((_, line), times) in commands.iter().zip(&mut times) {
            let time = time(directory, line);
            if round > 0 {
                times.push(time);
            }
        }
    }
    let mut baseline = None;
    for ((name, _), mut times) in commands.into_iter().zip(times) {
        times.sort();
        let (fastest, median) = (times[0], times[ROUNDS / 2]);
        let ratio = median.as_secs_f64() / baseline.get_or_insert(median).as_secs_f64();
        println!("{title:<28}{name:<32}{:>9.2}{:>9.2}{ratio:>9.2}", milliseconds(fastest), milliseconds(median));
    }
    println!();
}

/// Runs a command line, and reads what it says as a build system does.
fn time(directory: &Path, line: &[&str]) -> Duration {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    io::copy(&mut stderr.by_ref(), &mut io::sink()).unwrap();
    let status = child.wait().unwrap();
    let time = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
