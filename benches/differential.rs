//! Programs made at random, built by plain rustc and by interface and compared: `cargo bench --bench differential -- SEED COUNT [SMALL]`.
//!
//! What differs is written to `target/differential/SEED.rs` in the form of the fixtures of `fixtures/rules/`; of failures that are alike, SMALL
//! are made as small as they get (2). `HOLLOW` is the hollow to use, if not the one that Cargo has built.

// What can't be set up is a reason to stop.
#![allow(clippy::unwrap_used)]

#[path = "../tests/it/differential/mod.rs"]
mod differential;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (seed, count) = (numbers.first().copied().unwrap_or(0), numbers.get(1).copied().unwrap_or(100));
    let small = numbers.get(2).map_or(2, |&small| small as usize);
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/differential");
    std::fs::create_dir_all(&out).unwrap();
    let hollow = std::env::var("HOLLOW").unwrap_or_else(|_| env!("CARGO_BIN_EXE_hollow").into());
    let tally = differential::go_over(&hollow, seed..seed + count, small, |seed, fixture| {
        let path = out.join(format!("{seed}.rs"));
        println!("{}", path.display());
        std::fs::write(path, fixture).unwrap();
    });
    println!("{tally:?}");
    if tally.failed.into_inner() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
