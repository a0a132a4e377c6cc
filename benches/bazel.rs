//! The rules in bzl/ with pipelining off, with hollow rlibs, and with hollow rlibs by interface: clean builds and rebuilds after an edit far down,
//! of the example and of a generated graph of 100 crates. `cargo bench --bench bazel [-- ROUNDS]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark: a failure is a panic.

#[allow(dead_code)] // What the tests need of it.
#[path = "../tests/it/support.rs"]
mod support;
#[allow(dead_code)] // The same.
#[path = "../tests/it/bazel/workspace.rs"]
mod workspace;

use std::fmt::Write;

use workspace::Workspace;

/// Ways to build, the first of which the others are compared with.
const WAYS: [(&str, &str); 4] = [
    ("off", "--@rustc_hollow//bzl:pipelining=off"),
    ("hollow", "--@rustc_hollow//bzl:interface=off"),
    ("keep", "--@rustc_hollow//bzl:interface=keep"),
    ("drop", "--@rustc_hollow//bzl:interface=drop"),
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
    Subject { name: "100 crates", targets: "//graph", file: "graph/c0_0.rs", edit: ("value * 31", "value * 37") },
];

/// What a build took. All is said by Bazel but the processor time, which is that of all actions.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
    actions: u32,
    critical_path: f64,
}

impl Cost {
    /// Builds, and reads the lines at the end of a build: "Elapsed time: 6.1s, Critical Path: 0.84s" and "30 processes: 5 internal, 25 linux-sandbox."
    fn of(workspace: &Workspace, build: &str) -> Self {
        let before = processor_time(workspace);
        let stderr = workspace.bazel(build).ok().stderr;
        let number = |after: &str| {
            let (_, rest) = stderr.split_once(after).unwrap_or_else(|| panic!("no `{after}`: {stderr}"));
            rest.split(['s', ' ']).next().unwrap().parse::<f64>().unwrap()
        };
        let (_, processes) = stderr.split_once(" processes: ").unwrap_or_else(|| panic!("no processes: {stderr}"));
        let kinds = processes.lines().next().unwrap().trim_end_matches('.').split(", ").map(|kind| kind.split_once(' ').unwrap());
        let actions = kinds.filter(|(_, kind)| *kind != "internal").map(|(count, _)| count.parse::<u32>().unwrap()).sum();
        Self {
            wall: number("Elapsed time: "),
            cpu: processor_time(workspace) - before,
            actions,
            critical_path: number("Critical Path: "),
        }
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
    write_graph(&workspace);
    println!(
        "{:<34}{:>9}{:>9}{:>8}{:>9}{:>8}{:>17}{:>8}",
        "", "actions", "CPU s", "ratio", "wall s", "ratio", "critical path s", "ratio"
    );
    for subject in SUBJECTS {
        let mut costs: [Option<[Cost; 2]>; 4] = [None; 4];
        workspace.bazel(&format!("build --nobuild {}", subject.targets)).ok();
        for _ in 0..rounds {
            for ((_, settings), least) in WAYS.iter().zip(&mut costs) {
                let [clean, edited] = clean_build_and_rebuild(&workspace, &subject, settings);
                *least = Some(least.map_or([clean, edited], |[a, b]| [a.least(clean), b.least(edited)]));
            }
        }
        for (what, index) in [("clean build", 0), ("a body edited", 1)] {
            let costs = costs.map(|costs| costs.unwrap()[index]);
            for ((way, _), cost) in WAYS.iter().zip(costs) {
                let name = format!("{}, {what}, {way}", subject.name);
                let first = costs[0];
                let [cpu, wall] = [cost.cpu / first.cpu, cost.wall / first.wall];
                let critical_path = cost.critical_path / first.critical_path;
                println!(
                    "{name:<34}{:>9}{:>9.1}{cpu:>8.2}{:>9.1}{wall:>8.2}{:>17.1}{critical_path:>8.2}",
                    cost.actions, cost.cpu, cost.wall, cost.critical_path
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

/// Ten layers of ten libraries. Each uses three of the layer below, and a program uses the ten on top.
fn write_graph(workspace: &Workspace) {
    let mut build = String::from("load(\"@rustc_hollow//bzl:defs.bzl\", \"rust_binary\", \"rust_library\")\n");
    for layer in 0..10 {
        for number in 0..10 {
            let below: Vec<String> = match layer {
                0 => Vec::new(),
                _ => (0..3).map(|next| format!("c{}_{}", layer - 1, (number + next) % 10)).collect(),
            };
            let name = format!("c{layer}_{number}");
            workspace.write(&format!("graph/{name}.rs"), library(&below));
            writeln!(build, "rust_library(name = \"{name}\", srcs = [\"{name}.rs\"], deps = {})", labels(&below)).unwrap();
        }
    }
    let top: Vec<String> = (0..10).map(|number| format!("c9_{number}")).collect();
    writeln!(build, "rust_binary(name = \"graph\", srcs = [\"main.rs\"], deps = {})", labels(&top)).unwrap();
    let sum: Vec<String> = top.iter().map(|name| format!("{name}::f0(1)")).collect();
    workspace.write("graph/main.rs", format!("fn main() {{ println!(\"{{}}\", {}); }}", sum.join(" ^ ")));
    workspace.write("graph/BUILD.bazel", build);
}

fn labels(names: &[String]) -> String {
    format!("{:?}", names.iter().map(|name| format!(":{name}")).collect::<Vec<_>>())
}

/// A library of ten ordinary functions and ten generic ones, each of which asks the libraries below.
fn library(below: &[String]) -> String {
    let mut source =
        String::from("#[derive(Clone, Debug, PartialEq, Eq, Hash)]\npub struct Item { pub name: String, pub value: u64 }\n");
    for number in 0..10 {
        let asked: String = below.iter().map(|name| format!(" ^ {name}::f{number}(value % 7)")).collect();
        write!(
            source,
            "
pub fn f{number}(value: u64) -> u64 {{
    let mut items: Vec<Item> = (0..value).map(|value| Item {{ name: format!(\"{{value:x}}-{number}\"), value: value * 31 }}).collect();
    items.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| b.value.cmp(&a.value)));
    let total = items.iter().filter(|item| item.name.contains('a')).fold({number}, |total, item| total ^ item.value);
    let last = match items.last() {{
        Some(Item {{ name, value }}) if name.len() > 3 => total.wrapping_add(*value),
        Some(item) => total.wrapping_sub(item.value),
        None => total,
    }};
    last{asked}
}}
"
        )
        .unwrap();
    }
    for number in 0..10 {
        writeln!(
            source,
            "pub fn g{number}<T: Clone + Ord>(mut of: Vec<T>) -> Option<T> {{ of.sort(); of.get({number}).cloned() }}"
        )
        .unwrap();
    }
    source
}
