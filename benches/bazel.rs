//! The rules in bzl/ with pipelining off, with hollow rlibs, and with hollow rlibs by interface: clean builds and rebuilds after an edit far down,
//! of the example and of a generated graph of 100 crates with a program and 20 tests on top. `cargo bench --bench bazel [-- ROUNDS]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark: a failure is a panic.

#[allow(dead_code)] // What the tests need of it.
#[path = "../tests/it/support.rs"]
mod support;
#[allow(dead_code)] // The same.
#[path = "../tests/it/bazel/workspace.rs"]
mod workspace;

#[path = "../tests/it/bazel/graph.rs"]
mod graph;

use std::collections::BTreeSet;

use graph::Size;
use workspace::Workspace;

/// Ways to build, the first of which the others are compared with.
const WAYS: [(&str, &str); 5] = [
    ("off", "--@rustc_hollow//bzl:pipelining=off"),
    ("hollow", "--@rustc_hollow//bzl:interface=off"),
    ("keep", "--@rustc_hollow//bzl:interface=keep"),
    ("drop", "--@rustc_hollow//bzl:interface=drop"),
    ("drop, split_link=off", "--@rustc_hollow//bzl:interface=drop --@rustc_hollow//bzl:split_link=off"),
];

/// What is built, and which body is edited.
struct Subject {
    name: &'static str,
    targets: &'static str,
    file: &'static str,
    edit: (&'static str, &'static str),
}

const SUBJECTS: [Subject; 2] = [
    Subject {
        name: "the example",
        targets: "//chain //hello:all //settings",
        file: "third_party/vendor/regex-syntax/src/lib.rs",
        edit: ("let mut quoted = String::new();", "let mut quoted = String::with_capacity(8);"),
    },
    Subject { name: "100 crates", targets: "//graph:all", file: "graph/c0_0.rs", edit: ("value * 31", "value * 37") },
];

/// What a build took. All is said by Bazel but the processor time, which is that of all actions.
#[derive(Clone)]
struct Cost {
    wall: f64,
    cpu: f64,
    /// The actions that ran, such as `RustcLink graph`.
    actions: BTreeSet<String>,
    critical_path: f64,
}

impl Cost {
    /// Builds, and reads the lines at the end of a build: "Elapsed time: 6.1s, Critical Path: 0.84s".
    fn of(workspace: &Workspace, build: &str) -> Self {
        let before = processor_time(workspace);
        let log = workspace.execution_log();
        let stderr = workspace.bazel(&format!("{build} --execution_log_json_file={}", log.display())).ok().stderr;
        let number = |after: &str| {
            let (_, rest) = stderr.split_once(after).unwrap_or_else(|| panic!("no `{after}`: {stderr}"));
            rest.split(['s', ' ']).next().unwrap().parse::<f64>().unwrap()
        };
        Self {
            wall: number("Elapsed time: "),
            cpu: processor_time(workspace) - before,
            actions: workspace.logged(),
            critical_path: number("Critical Path: "),
        }
    }

    /// How many of the actions run rustc, and how many the linker alone.
    fn rustc_and_linker(&self) -> [usize; 2] {
        let linker = self.actions.iter().filter(|action| action.starts_with("RustcLink ")).count();
        [self.actions.len() - linker, linker]
    }

    fn least(self, other: Self) -> Self {
        assert_eq!(self.actions, other.actions, "the same build has the same actions");
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            critical_path: self.critical_path.min(other.critical_path),
            ..self
        }
    }
}

/// What the ended children of Bazel's server have used, in seconds: the 16th and 17th field of proc_pid_stat(5).
fn processor_time(workspace: &Workspace) -> f64 {
    let server = workspace.bazel("info server_pid").ok().stdout;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.trim())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: f64 = fields.split(' ').skip(13).take(2).map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

fn main() {
    let rounds: u32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let workspace = Workspace::example().unwrap_or_else(|| panic!("there is no bazel"));
    workspace.vendor();
    graph::write(&workspace, &Size { layers: 10, width: 10, tests: 20 });
    println!(
        "{:<48}{:>9}{:>9}{:>9}{:>8}{:>9}{:>8}{:>17}{:>8}",
        "", "rustc", "linker", "CPU s", "ratio", "wall s", "ratio", "critical path s", "ratio"
    );
    for subject in SUBJECTS {
        let mut costs: [Option<[Cost; 2]>; WAYS.len()] = [const { None }; WAYS.len()];
        workspace.bazel(&format!("build --nobuild {}", subject.targets)).ok();
        for _ in 0..rounds {
            for ((_, settings), least) in WAYS.iter().zip(&mut costs) {
                let [clean, edited] = clean_build_and_rebuild(&workspace, &subject, settings);
                *least = Some(match least.take() {
                    None => [clean, edited],
                    Some([one, other]) => [one.least(clean), other.least(edited)],
                });
            }
        }
        for (what, index) in [("clean build", 0), ("a body edited", 1)] {
            let costs = costs.each_ref().map(|costs| &costs.as_ref().unwrap()[index]);
            let first = costs[0];
            for ((way, _), cost) in WAYS.iter().zip(costs) {
                let name = format!("{}, {what}, {way}", subject.name);
                let [rustc, linker] = cost.rustc_and_linker();
                let [cpu, wall] = [cost.cpu / first.cpu, cost.wall / first.wall];
                let critical_path = cost.critical_path / first.critical_path;
                println!(
                    "{name:<48}{rustc:>9}{linker:>9}{:>9.1}{cpu:>8.2}{:>9.1}{wall:>8.2}{:>17.1}{critical_path:>8.2}",
                    cost.cpu, cost.wall, cost.critical_path
                );
            }
        }
    }
}

fn clean_build_and_rebuild(workspace: &Workspace, subject: &Subject, settings: &str) -> [Cost; 2] {
    workspace.bazel("clean").ok();
    let build = format!("build {settings} {}", subject.targets);
    let clean = Cost::of(workspace, &build);
    let (from, to) = subject.edit;
    workspace.replace(subject.file, from, to);
    let edited = Cost::of(workspace, &build);
    workspace.replace(subject.file, to, from);
    [clean, edited]
}
