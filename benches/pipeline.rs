//! The two actions against plain rustc over ripgrep's graph: CPU time, and how long the build takes when cores are no limit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark: a failure is a panic.

#[allow(dead_code)] // What the tests need of it.
#[path = "../tests/it/recorded.rs"]
mod recorded;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use recorded::{Kind, Recording, Unit};

/// What one run of an action took.
#[derive(Clone, Copy, Default)]
struct Cost {
    cpu: Duration,
    wall: Duration,
    /// From the start until rustc announced the `.rmeta`, if it did.
    rmeta: Duration,
}

impl Cost {
    fn least(self, other: Self) -> Self {
        Self { cpu: self.cpu.min(other.cpu), wall: self.wall.min(other.wall), rmeta: self.rmeta.min(other.rmeta) }
    }
}

/// All that is known of a unit.
struct Measured<'a> {
    unit: &'a Unit,
    plain: Cost,
    metadata: Cost,
    link: Cost,
}

fn main() {
    let recording = Recording::of_ripgrep(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap_or_else(|reason| panic!("{reason}"));
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let mut measured: Vec<Measured> = recording
        .units
        .iter()
        .map(|unit| Measured { unit, plain: Cost::default(), metadata: Cost::default(), link: Cost::default() })
        .collect();
    for round in 0..rounds {
        measure(&recording, &mut measured, round == 0);
    }
    report_cpu(&measured);
    report_critical_path(&measured);
}

/// Runs everything once, one process at a time, and the three ways to compile a unit one after the other.
fn measure(recording: &Recording, measured: &mut [Measured], first: bool) {
    let scratch = tempfile::tempdir().unwrap();
    // Whatever else the machine does can only add to a time.
    let keep = |best: &mut Cost, cost: Cost| {
        *best = if first { cost } else { best.least(cost) };
    };
    for Measured { unit, plain, metadata, link } in measured {
        let by_rustc = recording.relocated(unit, &recording.source, &scratch.path().join("plain"));
        std::fs::create_dir_all(out_dir(&by_rustc)).unwrap();
        keep(plain, run(by_rustc.command(&unit.program, &[])));
        let by_hollow = recording.relocated(unit, &recording.source, &scratch.path().join("hollow"));
        if unit.kind == Kind::Library {
            keep(metadata, run(by_hollow.hollow("metadata", &[])));
        }
        keep(link, run(by_hollow.hollow("link", &[])));
    }
}

fn out_dir(unit: &Unit) -> &Path {
    let position = unit.arguments.iter().position(|argument| argument == "--out-dir").expect("Cargo says where outputs go");
    Path::new(&unit.arguments[position + 1])
}

fn run(mut command: Command) -> Cost {
    let before = children();
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut rmeta = Duration::ZERO;
    let mut said = Vec::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    while stderr.by_ref().read_until(b'\n', &mut said).unwrap() > 0 {
        if said.ends_with(b"\"emit\":\"metadata\"}\n") {
            rmeta = start.elapsed();
        }
    }
    let status = child.wait().unwrap();
    let wall = start.elapsed();
    assert!(status.success(), "{command:?}: {status}\n{}", String::from_utf8_lossy(&said));
    Cost { cpu: children() - before, wall, rmeta }
}

/// The processor time of all children that have ended, user and system.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.try_into().unwrap())
}

fn report_cpu(measured: &[Measured]) {
    println!("CPU seconds, user and system\n");
    println!("{:<24}{:>8}{:>10}{:>8}{:>16}{:>12}", "", "rustc", "metadata", "link", "metadata/rustc", "link/rustc");
    let row = |name: &str, plain: Duration, metadata: Duration, link: Duration| {
        let (plain, metadata, link) = (plain.as_secs_f64(), metadata.as_secs_f64(), link.as_secs_f64());
        println!("{name:<24}{plain:>8.2}{metadata:>10.2}{link:>8.2}{:>16.2}{:>12.2}", metadata / plain, link / plain);
    };
    let (libraries, programs): (Vec<&Measured>, Vec<&Measured>) = measured.iter().partition(|m| m.unit.kind == Kind::Library);
    let mut longest = libraries.clone();
    longest.sort_by_key(|m| std::cmp::Reverse(m.plain.cpu));
    for m in longest.iter().take(12) {
        row(&m.unit.name, m.plain.cpu, m.metadata.cpu, m.link.cpu);
    }
    let sum = |of: &[&Measured], cost: fn(&Measured) -> Duration| of.iter().map(|m| cost(m)).sum();
    let total = |of: &[&Measured], name: String| {
        row(&name, sum(of, |m| m.plain.cpu), sum(of, |m| m.metadata.cpu), sum(of, |m| m.link.cpu))
    };
    total(&libraries, format!("all {} libraries", libraries.len()));
    total(&programs, format!("all {} programs", programs.len()));
}

/// When things are ready if each action starts as soon as its inputs are there.
#[derive(Clone, Copy, Default)]
struct Ready {
    /// A dependent library may be compiled.
    interface: Duration,
    /// The output is complete.
    full: Duration,
}

fn report_critical_path(measured: &[Measured]) {
    println!("\nSeconds until the last program is there, with as many cores as there are actions\n");
    let none = critical_path(measured, |m| (m.plain.wall, m.plain.wall));
    let rows = [
        ("no pipelining", none),
        ("Cargo's pipelining (one rustc, its .rmeta first)", critical_path(measured, |m| (m.plain.rmeta, m.plain.wall))),
        ("hollow rlibs (two actions)", critical_path(measured, |m| (m.metadata.wall, m.link.wall))),
    ];
    for (name, length) in rows {
        println!("{name:<52}{:>8.2}{:>8.2}", length.as_secs_f64(), length.as_secs_f64() / none.as_secs_f64());
    }
}

/// The length of the critical path, if a unit's interface and its full output take so long. A library starts when the interfaces of
/// its dependencies are there and its build script is linked; a program needs the full rlibs of all that it links.
fn critical_path(measured: &[Measured], cost: impl Fn(&Measured) -> (Duration, Duration)) -> Duration {
    let mut ready: Vec<Ready> = Vec::with_capacity(measured.len());
    // Per unit: when everything that a program must link with it is complete.
    let mut linkable: Vec<Duration> = Vec::with_capacity(measured.len());
    for m in measured {
        let dependencies = || m.unit.dependencies.iter().copied();
        let all_full = dependencies().map(|dependency| linkable[dependency]).max().unwrap_or_default();
        let start = match m.unit.kind {
            Kind::Program => all_full,
            Kind::Library => dependencies().map(|dependency| ready[dependency].interface).max().unwrap_or_default(),
        };
        let (interface, full) = cost(m);
        let full = start + full;
        // A build script has no interface: it has to run.
        let interface = if m.unit.kind == Kind::Library { start + interface } else { full };
        ready.push(Ready { interface, full });
        linkable.push(all_full.max(full));
    }
    ready.iter().map(|ready| ready.full).max().unwrap_or_default()
}
