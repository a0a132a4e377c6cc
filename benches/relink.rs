//! What an edit costs with `cargo hollow` and with plain Cargo, in the same run: a line added to a private body, a public function added, no edit,
//! and a build from nothing. Over a generated workspace of 12 libraries with 60,000 lines and a program; with `-- nextest` over nextest's own
//! workspace, from crates.io. `-- N` says how many rounds, 3 if nothing does; `-- check` and `-- build` do one of the two.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark: a failure is a panic.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

const LIBRARIES: usize = 12;
const MODULES: usize = 10;
/// Of about 50 lines each.
const PARTS: usize = 7;

/// The packages of nextest's workspace.
const NEXTEST: [(&str, &str); 4] = [
    ("cargo-nextest", "0.9.151"),
    ("nextest-filtering", "0.23.0"),
    ("nextest-metadata", "0.15.0"),
    ("nextest-runner", "0.129.0"),
];

/// Who builds.
#[derive(Clone, Copy)]
enum Tool {
    Cargo,
    Hollow,
}

/// Where the edits are made.
struct Edited {
    file: &'static str,
    /// A function that is neither generic nor inline, up to its brace.
    function: &'static str,
}

struct Workspace {
    directory: tempfile::TempDir,
    /// What is built, besides the workspace.
    arguments: &'static [&'static str],
    /// The members, if what they depend on is built beforehand.
    members: &'static [&'static str],
    edited: Edited,
    edits: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let is_nextest = arguments.iter().any(|argument| argument == "nextest");
    let mut workspace = if is_nextest { Workspace::nextest() } else { Workspace::generate() };
    println!("{} lines in {}\n", workspace.lines(), if is_nextest { "nextest's workspace" } else { "12 libraries" });
    println!("{:<34}{:>10}{:>10}{:>8}", "seconds, medians of rounds", "cargo", "hollow", "ratio");
    let is_wanted = |command: &&str| {
        let mut named = arguments.iter().filter(|argument| ["check", "build"].contains(&argument.as_str())).peekable();
        named.peek().is_none() || named.any(|argument| argument == command)
    };
    for command in ["check", "build"].into_iter().filter(is_wanted) {
        workspace.clean_build(rounds, command);
        workspace.edits(rounds, &format!("{command}, private body"), command, Workspace::add_line);
        workspace.edits(rounds, &format!("{command}, public signature"), command, Workspace::add_public_function);
        workspace.edits(rounds, &format!("{command}, nothing"), command, |_| ());
    }
}

impl Workspace {
    fn generate() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let members: Vec<String> = (0..LIBRARIES).map(|number| format!("\"lib{number}\"")).collect();
        write(
            directory.path(),
            "Cargo.toml",
            &format!("[workspace]\nresolver = \"2\"\nmembers = [{}, \"app\"]\n", members.join(", ")),
        );
        for number in 0..LIBRARIES {
            let package = format!("lib{number}");
            let below = below(number);
            write(directory.path(), &format!("{package}/Cargo.toml"), &manifest(&package, &below));
            let modules: String = (0..MODULES).map(|module| format!("pub mod m{module};\n")).collect();
            write(directory.path(), &format!("{package}/src/lib.rs"), &modules);
            for module in 0..MODULES {
                let text: String = (0..PARTS).map(|part| part_of(number, module, part, &below)).collect();
                let text = format!("use std::collections::{{BTreeMap, HashMap}};\nuse std::fmt::Write;\n\n{text}");
                write(directory.path(), &format!("{package}/src/m{module}.rs"), &text);
            }
        }
        write(directory.path(), "app/Cargo.toml", &manifest("app", &[LIBRARIES - 1, LIBRARIES - 2, LIBRARIES - 3]));
        let last = LIBRARIES - 1;
        let main = format!(
            "fn main() {{\n    let record = lib{last}::m0::Record0::new(7, \"seven\");\n    println!(\"{{}} {{:?}}\", record.summary(), lib{last}::m0::process0(&[record.clone()]));\n}}\n"
        );
        write(directory.path(), "app/src/main.rs", &main);
        let edited = Edited { file: "lib0/src/m0.rs", function: "pub fn summary(&self) -> String {\n" };
        Self { directory, arguments: &["--workspace"], members: &[], edited, edits: 0 }
    }

    /// The packages of one release, with the dependencies that its lock file names.
    fn nextest() -> Self {
        let get = tempfile::tempdir().unwrap();
        let members: String = NEXTEST.iter().map(|(name, version)| format!("{name} = \"={version}\"\n")).collect();
        let manifest = "[package]\nname = \"get\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\n";
        write(get.path(), "Cargo.toml", &format!("{manifest}{members}"));
        write(get.path(), "src/lib.rs", "");
        let got = Command::new("cargo").args(["metadata", "--format-version=1"]).current_dir(get.path()).output().unwrap();
        assert!(got.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&got.stderr));
        let metadata: serde_json::Value = serde_json::from_slice(&got.stdout).unwrap();
        let directory = tempfile::tempdir().unwrap();
        for package in metadata["packages"].as_array().unwrap() {
            if NEXTEST.iter().any(|(name, version)| package["name"] == *name && package["version"] == *version) {
                let manifest = Path::new(package["manifest_path"].as_str().unwrap());
                let member = directory.path().join(package["name"].as_str().unwrap());
                succeeds(Command::new("cp").arg("-R").arg(manifest.parent().unwrap()).arg(member));
            }
        }
        let list = |text: &dyn Fn(&str) -> String| NEXTEST.iter().map(|(name, _)| text(name)).collect::<String>();
        let members = list(&|name| format!("{name:?}, "));
        let patches = list(&|name| format!("{name} = {{ path = {name:?} }}\n"));
        let manifest = format!("[workspace]\nresolver = \"2\"\nmembers = [{members}]\n\n[patch.crates-io]\n{patches}");
        write(directory.path(), "Cargo.toml", &manifest);
        fs::copy(directory.path().join("cargo-nextest/Cargo.lock"), directory.path().join("Cargo.lock")).unwrap();
        succeeds(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(directory.path()));
        let edited = Edited { file: "nextest-metadata/src/test_list.rs", function: "pub fn cargo_command(&self) -> Command {\n" };
        // Without what needs a C compiler and minutes.
        let arguments = &["--package=cargo-nextest", "--no-default-features", "--features=default-no-update"];
        let members = &["cargo-nextest", "nextest-filtering", "nextest-metadata", "nextest-runner"];
        Self { directory, arguments, members, edited, edits: 0 }
    }

    fn lines(&self) -> usize {
        fn count(directory: &Path) -> usize {
            let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
            entries
                .map(|path| match path.extension() {
                    _ if path.is_dir() => count(&path),
                    Some(extension) if extension == "rs" => fs::read_to_string(path).unwrap().lines().count(),
                    _ => 0,
                })
                .sum()
        }
        count(self.directory.path())
    }

    fn edit(&mut self, edit: impl FnOnce(&str, usize) -> String) {
        self.edits += 1;
        let path = self.directory.path().join(self.edited.file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, edit(&text, self.edits)).unwrap();
    }

    /// Adds a line to the body of a private function.
    fn add_line(&mut self) {
        let function = self.edited.function;
        self.edit(|text, number| {
            assert!(text.contains(function), "{function}");
            text.replacen(function, &format!("{function}        let _ = {number};\n"), 1)
        });
    }

    fn add_public_function(&mut self) {
        self.edit(|text, number| format!("{text}/// Added.\npub fn added{number}() {{}}\n"));
    }

    /// Both tools after each edit, one after the other.
    fn edits(&mut self, rounds: usize, what: &str, command: &str, edit: impl Fn(&mut Self)) {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            edit(self);
            for place in 0..2 {
                let tool = (round + place) % 2;
                times[tool].push(self.run([Tool::Cargo, Tool::Hollow][tool], command));
            }
        }
        let [cargo, hollow] = times.map(median);
        println!("{what:<34}{cargo:>10.2}{hollow:>10.2}{:>8.2}", cargo / hollow);
    }

    /// From nothing.
    fn clean_build(&self, rounds: usize, command: &str) {
        let mut times = [Vec::new(), Vec::new()];
        let mut cpu = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for place in 0..2 {
                let tool = (round + place) % 2;
                self.clean([Tool::Cargo, Tool::Hollow][tool], command);
                let before = children();
                times[tool].push(self.run([Tool::Cargo, Tool::Hollow][tool], command));
                cpu[tool].push((children() - before).as_secs_f64());
            }
        }
        let what = format!("{command}, {}from nothing", if self.members.is_empty() { "" } else { "members " });
        let [cargo, hollow] = times.map(median);
        println!("{what:<34}{cargo:>10.2}{hollow:>10.2}{:>8.2}", cargo / hollow);
        let [cargo, hollow] = cpu.map(median);
        println!("{:<34}{cargo:>10.2}{hollow:>10.2}{:>8.2}", format!("{what}, CPU"), cargo / hollow);
    }

    /// Leaves what the members depend on, built once by plain Cargo: it is the same in both target directories.
    fn clean(&self, tool: Tool, command: &str) {
        let target = self.target(tool);
        if self.members.is_empty() {
            let _ = fs::remove_dir_all(&target);
            return;
        }
        let built = self.directory.path().join(format!("built-by-{command}"));
        if !built.is_dir() {
            let mut cargo = self.cargo(Tool::Cargo, command);
            succeeds(cargo.env("CARGO_TARGET_DIR", &built));
            let mut clean = Command::new("cargo");
            clean.args(["clean", "--offline", "--quiet"]).current_dir(self.directory.path()).env("CARGO_TARGET_DIR", &built);
            clean.args(self.members.iter().map(|member| format!("--package={member}")));
            succeeds(&mut clean);
        }
        let _ = fs::remove_dir_all(&target);
        succeeds(Command::new("cp").arg("-a").arg(&built).arg(&target));
    }

    fn run(&self, tool: Tool, command: &str) -> f64 {
        let mut cargo = self.cargo(tool, command);
        let start = Instant::now();
        succeeds(&mut cargo);
        start.elapsed().as_secs_f64()
    }

    fn cargo(&self, tool: Tool, command: &str) -> Command {
        let mut cargo = match tool {
            Tool::Cargo => Command::new("cargo"),
            Tool::Hollow => {
                let mut cargo = Command::new(env!("CARGO_BIN_EXE_cargo-hollow"));
                cargo.arg("hollow");
                cargo
            }
        };
        cargo.args([command, "--offline", "--quiet"]).args(self.arguments).current_dir(self.directory.path());
        cargo.env("CARGO_TARGET_DIR", self.target(tool)).env_remove("CARGO");
        cargo
    }

    fn target(&self, tool: Tool) -> std::path::PathBuf {
        self.directory.path().join(match tool {
            Tool::Cargo => "by-cargo",
            Tool::Hollow => "by-hollow",
        })
    }
}

/// The libraries that a library uses: all stand on the first, in four layers.
fn below(number: usize) -> Vec<usize> {
    let mut below: Vec<usize> = if number == 0 { Vec::new() } else { vec![(number - 1) / 2, (number - 1) / 3] };
    below.dedup();
    below
}

fn manifest(package: &str, below: &[usize]) -> String {
    let mut text = format!("[package]\nname = \"{package}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[dependencies]\n");
    below.iter().for_each(|number| writeln!(text, "lib{number} = {{ path = \"../lib{number}\" }}").unwrap());
    text
}

/// A type with methods, a function over it, and a generic one: what ordinary code is made of.
fn part_of(library: usize, module: usize, part: usize, below: &[usize]) -> String {
    let calls: String = below
        .iter()
        .map(|lower| {
            format!(
                "        let lower = lib{lower}::m{module}::Record{part}::new(record.id, &record.name);\n        \
                 *counts.entry(lower.summary()).or_default() += lib{lower}::m{module}::sorted{part}(&lower.tags).len();\n"
            )
        })
        .collect();
    format!(
        r#"/// Number {part} of module {module} of library {library}.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record{part} {{
    pub id: u64,
    pub name: String,
    pub tags: Vec<String>,
    scores: BTreeMap<String, f64>,
}}

impl Record{part} {{
    pub fn new(id: u64, name: &str) -> Self {{
        let mut record = Self {{ id, name: name.to_owned(), ..Self::default() }};
        record.normalise();
        record
    }}

    pub fn summary(&self) -> String {{
        let mut out = format!("{{}}: {{}}", self.id + {part}, self.name.trim());
        for (name, score) in self.scores.iter().filter(|(_, score)| **score > 0.5) {{
            let _ = write!(out, " {{name}}={{score:.2}}");
        }}
        match self.tags.iter().map(String::len).max() {{
            Some(longest) if longest > 3 => out.push_str(&self.tags.join(",")),
            Some(_) => out.push('+'),
            None => out.push('-'),
        }}
        out
    }}

    pub fn merge(&mut self, other: &Self) -> Result<usize, String> {{
        if self.id != other.id {{
            return Err(format!("{{}} is not {{}}", self.id, other.id));
        }}
        let before = self.scores.len();
        for (name, score) in &other.scores {{
            let own = self.scores.entry(name.clone()).or_insert(0.0);
            *own = own.max(*score);
        }}
        self.tags.extend(other.tags.iter().filter(|tag| !tag.is_empty()).cloned());
        Ok(self.scores.len() - before)
    }}

    fn normalise(&mut self) {{
        self.tags = self.name.split_whitespace().map(str::to_lowercase).collect();
        let total = self.tags.iter().map(|tag| tag.len() as f64).sum::<f64>().max(1.0);
        self.scores = self.tags.iter().map(|tag| (tag.clone(), tag.len() as f64 / total)).collect();
    }}
}}

pub fn process{part}(records: &[Record{part}]) -> HashMap<String, usize> {{
    let mut counts = HashMap::new();
    for record in records {{
        *counts.entry(record.summary()).or_default() += record.tags.len();
{calls}    }}
    counts
}}

pub fn sorted{part}<T: Ord + Clone>(items: &[T]) -> Vec<T> {{
    let mut items = items.to_vec();
    items.sort();
    items.dedup();
    items
}}

"#
    )
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn succeeds(command: &mut Command) {
    let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(ended.success(), "{command:?}: {ended}");
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The processor time of all children that have ended, user and system.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.try_into().unwrap())
}
