//! Sealing an rlib of 100 MB against `cp` of it: whole processes, in turns, each into a new file. `cargo bench --bench seal [DIRECTORY]`;
//! the directory says on which file system.

// What can't be set up is a reason to stop.
#![allow(clippy::unwrap_used)]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const MEGABYTES: usize = 100;
const RUNS: usize = 15;
const HOLLOW: &str = env!("CARGO_BIN_EXE_hollow");

fn main() {
    let within = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let directory = tempfile::tempdir_in(within.map_or_else(std::env::temp_dir, Into::into)).unwrap();
    let at = directory.path();
    make_pair(at);

    let cp = ["cp", "liba.rlib", "copied.rlib"];
    let copying = [HOLLOW, "seal", "liba.rlib", "--with", "_hollow/liba_meta.rlib", "--output", "sealed.rlib"];
    let in_place = [HOLLOW, "seal", "copied.rlib", "--with", "_hollow/liba_meta.rlib"];
    let already = [HOLLOW, "seal", "sealed.rlib", "--with", "_hollow/liba_meta.rlib"];
    let rows: [(&str, &[&str]); 4] = [
        ("cp FULL OUT", &cp),
        ("hollow seal FULL --with HOLLOW --output OUT", &copying),
        ("hollow seal FULL --with HOLLOW", &in_place),
        ("hollow seal SEALED --with HOLLOW", &already),
    ];
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..RUNS {
        for output in ["copied.rlib", "sealed.rlib"] {
            let _ = fs::remove_file(at.join(output));
        }
        for ((_, command), times) in rows.iter().zip(&mut times) {
            times.push(timed(at, command));
        }
    }
    println!("an rlib of {MEGABYTES} MB, median (least) of {RUNS} runs");
    let medians = times.map(|mut times| {
        times.sort();
        (times[RUNS / 2], times[0])
    });
    for ((name, _), (median, least)) in rows.iter().zip(medians) {
        let ratio = median.as_secs_f64() / medians[0].0.as_secs_f64();
        println!("{name:<45}{:>8.1} ms ({:>6.1}){ratio:>7.2} x cp", milliseconds(median), milliseconds(least));
    }
}

/// A pair with different metadata; the full rlib is made large by a member behind its others.
fn make_pair(at: &Path) {
    fs::create_dir(at.join("_hollow")).unwrap();
    fs::write(at.join("a.rs"), "/// Documented.\npub fn a() -> u32 { 7 }").unwrap();
    let rustc = ["rustc", "--crate-type=lib", "a.rs"];
    timed(at, &[&rustc[..], &["-Zno-codegen", "--emit=link=_hollow/liba_meta.rlib"]].concat());
    fs::write(at.join("a.rs"), "pub fn a() -> u32 { 7 }").unwrap();
    timed(at, &rustc);
    let mut full = OpenOptions::new().append(true).open(at.join("liba.rlib")).unwrap();
    writeln!(full, "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", "large.o/", 0, 0, 0, 644, MEGABYTES << 20).unwrap();
    let megabyte: Vec<u8> = (0..1 << 20).map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    (0..MEGABYTES).for_each(|_| full.write_all(&megabyte).unwrap());
}

fn timed(at: &Path, command: &[&str]) -> Duration {
    let start = Instant::now();
    let status = Command::new(command[0]).args(&command[1..]).env("RUSTC_BOOTSTRAP", "1").current_dir(at).status().unwrap();
    assert!(status.success(), "{command:?}");
    start.elapsed()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
