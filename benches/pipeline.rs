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
    /// The metadata action by interface, with lines kept and with lines dropped.
    by_interface: [Cost; 2],
    link: Cost,
    /// Of a program: the compile action, and the link action by its plan.
    split: [Cost; 2],
}

/// A way to compile a unit, or the hollow part of it.
#[derive(Clone, Copy)]
enum Way {
    Plain,
    Metadata,
    Interface(usize),
    Link,
    Compile,
    Replay,
}

impl Measured<'_> {
    fn cost(&self, way: Way) -> Cost {
        match way {
            Way::Plain => self.plain,
            Way::Metadata => self.metadata,
            Way::Interface(lines) => self.by_interface[lines],
            Way::Link => self.link,
            Way::Compile => self.split[0],
            Way::Replay => self.split[1],
        }
    }
}

/// Ways to treat lines.
const LINES: [&str; 2] = ["keep", "drop"];

fn main() {
    let recording = Recording::of_ripgrep(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap_or_else(|reason| panic!("{reason}"));
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let mut measured: Vec<Measured> = recording
        .units
        .iter()
        .map(|unit| {
            let [plain, metadata, link] = [Cost::default(); 3];
            Measured { unit, plain, metadata, by_interface: [Cost::default(); 2], link, split: [Cost::default(); 2] }
        })
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
    for Measured { unit, plain, metadata, by_interface, link, split } in measured {
        let by_rustc = recording.relocated(unit, &recording.source, &scratch.path().join("plain"));
        std::fs::create_dir_all(out_dir(&by_rustc)).unwrap();
        keep(plain, run(by_rustc.command(&unit.program, &[])));
        let by_hollow = recording.relocated(unit, &recording.source, &scratch.path().join("hollow"));
        if unit.kind == Kind::Library {
            keep(metadata, run(by_hollow.hollow("metadata", &[])));
            for (cost, lines) in by_interface.iter_mut().zip(LINES) {
                let elsewhere = recording.relocated(unit, &recording.source, &scratch.path().join(lines));
                keep(cost, run(elsewhere.hollow("metadata", &[&format!("--interface={lines}")])));
            }
        }
        keep(link, run(by_hollow.hollow("link", &[])));
        if unit.kind == Kind::Program {
            let plan = scratch.path().join("link.plan");
            let plan = plan.to_str().unwrap();
            keep(&mut split[0], run(by_hollow.hollow("compile", &["--output", plan])));
            keep(&mut split[1], run(by_hollow.hollow("link", &["--plan", plan])));
        }
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
    println!(
        "{:<18}{:>7}{:>10}{:>7}{:>7}{:>7}   ratios to rustc:{:>9}{:>6}{:>6}{:>6}",
        "", "rustc", "metadata", "keep", "drop", "link", "metadata", "keep", "drop", "link"
    );
    let row = |name: &str, cost: &dyn Fn(Way) -> Duration| {
        let plain = cost(Way::Plain).as_secs_f64();
        let of = |way| cost(way).as_secs_f64();
        let [metadata, keep, drop, link] = [of(Way::Metadata), of(Way::Interface(0)), of(Way::Interface(1)), of(Way::Link)];
        println!(
            "{name:<18}{plain:>7.2}{metadata:>10.2}{keep:>7.2}{drop:>7.2}{link:>7.2}{:>28.2}{:>6.2}{:>6.2}{:>6.2}",
            metadata / plain,
            keep / plain,
            drop / plain,
            link / plain
        );
    };
    let (libraries, programs): (Vec<&Measured>, Vec<&Measured>) = measured.iter().partition(|m| m.unit.kind == Kind::Library);
    let mut longest = libraries.clone();
    longest.sort_by_key(|m| std::cmp::Reverse(m.plain.cpu));
    for m in longest.iter().take(12) {
        row(&m.unit.name, &|way| m.cost(way).cpu);
    }
    let total = |of: &[&Measured], name: String| row(&name, &|way| of.iter().map(|m| m.cost(way).cpu).sum());
    total(&libraries, format!("all {} libraries", libraries.len()));
    total(&programs, format!("all {} programs", programs.len()));
    let of = |way: Way| programs.iter().map(|m| m.cost(way).cpu).sum::<Duration>().as_secs_f64();
    println!(
        "\nall programs split: compile {:.2}, link {:.2}, against rustc {:.2}",
        of(Way::Compile),
        of(Way::Replay),
        of(Way::Plain)
    );
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
    let whole = |cost: &dyn Fn(&Measured) -> (Duration, Duration)| critical_path(measured, Programs::Whole, cost);
    let split = |cost: &dyn Fn(&Measured) -> (Duration, Duration)| critical_path(measured, Programs::Split, cost);
    let none = whole(&|m| (m.plain.wall, m.plain.wall));
    let rows = [
        ("no pipelining", none),
        ("Cargo's pipelining (one rustc, its .rmeta first)", whole(&|m| (m.plain.rmeta, m.plain.wall))),
        ("hollow rlibs (two actions)", whole(&|m| (m.metadata.wall, m.link.wall))),
        ("hollow rlibs by interface, lines kept", whole(&|m| (m.by_interface[0].wall, m.link.wall))),
        ("hollow rlibs by interface, lines dropped", whole(&|m| (m.by_interface[1].wall, m.link.wall))),
        ("hollow rlibs, split link", split(&|m| (m.metadata.wall, m.link.wall))),
        ("the same by interface, lines kept", split(&|m| (m.by_interface[0].wall, m.link.wall))),
        ("the same by interface, lines dropped", split(&|m| (m.by_interface[1].wall, m.link.wall))),
    ];
    for (name, length) in rows {
        println!("{name:<52}{:>8.2}{:>8.2}", length.as_secs_f64(), length.as_secs_f64() / none.as_secs_f64());
    }
}

/// How programs are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Programs {
    /// By one rustc, which needs the full rlibs.
    Whole,
    /// Compiled from interfaces, and then linked.
    Split,
}

/// The length of the critical path, if a unit's interface and its full output take so long. A library starts when the interfaces of
/// its dependencies are there and its build script is linked; a program, or its linker, needs the full rlibs of all that it links.
fn critical_path(measured: &[Measured], programs: Programs, cost: &dyn Fn(&Measured) -> (Duration, Duration)) -> Duration {
    let mut ready: Vec<Ready> = Vec::with_capacity(measured.len());
    // Per unit: when everything that a program must link with it is complete.
    let mut linkable: Vec<Duration> = Vec::with_capacity(measured.len());
    for m in measured {
        let dependencies = || m.unit.dependencies.iter().copied();
        let all_full = dependencies().map(|dependency| linkable[dependency]).max().unwrap_or_default();
        let interfaces = dependencies().map(|dependency| ready[dependency].interface).max().unwrap_or_default();
        let (interface, full) = cost(m);
        let (start, full) = match (m.unit.kind, programs) {
            (Kind::Program, Programs::Whole) => (all_full, all_full + full),
            (Kind::Program, Programs::Split) => {
                let [compile, replay] = m.split.map(|cost| cost.wall);
                (interfaces, all_full.max(interfaces + compile) + replay)
            }
            (Kind::Library, _) => (interfaces, interfaces + full),
        };
        // A build script has no interface: it has to run.
        let interface = if m.unit.kind == Kind::Library { start + interface } else { full };
        ready.push(Ready { interface, full });
        linkable.push(all_full.max(full));
    }
    ready.iter().map(|ready| ready.full).max().unwrap_or_default()
}
