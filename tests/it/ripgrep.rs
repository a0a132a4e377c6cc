//! ripgrep's whole graph, as Cargo compiles it, through the two actions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::recorded::{Kind, Recording, Unit};
use crate::support::{HOLLOW, Scratch, missing, run};

/// What takes the working directory out of the outputs.
const REMAP: [&str; 2] = ["--remap-cwd", "."];

#[test]
fn ripgrep_builds_through_the_two_actions_in_any_order_and_in_any_directory() {
    let Some(recording) = recording() else { return };
    let scratch = Scratch::new();

    let here = Replay::new(&recording, recording.source.clone(), scratch.path("here"));
    here.metadata_actions();
    here.link_actions(shuffled(here.libraries(), 15), &here.dependencies());
    here.programs();
    here.assert_both_passes_agree();
    assert_searches_like(&recording.outputs().join("rg"), &here.program("rg"), &recording.source);

    let there = Replay::new(&recording, scratch.path("there/source"), scratch.path("there/out"));
    recording.copy_source(&there.source);
    // There never is a full rlib where anybody could read it: the link actions put theirs elsewhere.
    let full = scratch.path("there/full");
    there.metadata_actions();
    there.link_actions(shuffled(there.libraries(), 51), &full);
    there.compile_programs();
    assert_eq!(rlibs_in(&there.dependencies()), Vec::<PathBuf>::new());
    assert_same_files(&rlibs_in(&here.dependencies()), &full);
    assert_same_files(&rlibs_in(&here.dependencies().join("_hollow")), &there.dependencies().join("_hollow"));

    for rlib in rlibs_in(&full) {
        fs::rename(&rlib, there.dependencies().join(rlib.file_name().unwrap())).unwrap();
    }
    there.link_programs();
    assert!(fs::read(here.program("rg")).unwrap() == fs::read(there.program("rg")).unwrap(), "rg differs");
}

/// The recording, or `None` with a message if its sources can't be had, unless `HOLLOW_REQUIRE_TOOLS=1` says that they must.
pub fn recording() -> Option<Recording> {
    let recording = Recording::of_ripgrep(Path::new(env!("CARGO_TARGET_TMPDIR")));
    recording.inspect_err(|reason| missing(reason)).ok()
}

/// The recorded graph, compiled again.
struct Replay<'a> {
    recording: &'a Recording,
    units: Vec<Unit>,
    source: PathBuf,
    outputs: PathBuf,
}

impl<'a> Replay<'a> {
    fn new(recording: &'a Recording, source: PathBuf, outputs: PathBuf) -> Self {
        let units = recording.units.iter().map(|unit| recording.relocated(unit, &source, &outputs)).collect();
        Self { recording, units, source, outputs }
    }

    fn libraries(&self) -> Vec<usize> {
        (0..self.units.len()).filter(|&index| self.units[index].kind == Kind::Library).collect()
    }

    /// Where the outputs are that others depend on.
    fn dependencies(&self) -> PathBuf {
        self.outputs.join("deps")
    }

    fn program(&self, name: &str) -> PathBuf {
        let unit = self.units.iter().find(|unit| unit.kind == Kind::Program && unit.name == name).unwrap();
        self.dependencies().join(&unit.stem)
    }

    /// All metadata actions: each as soon as those of its dependencies are done.
    fn metadata_actions(&self) {
        let depth = |index: &usize| self.recording.depth(&self.recording.units[*index]);
        let libraries = self.libraries();
        for step in 0..=libraries.iter().map(depth).max().unwrap() {
            let ready = libraries.iter().copied().filter(|index| depth(index) == step).collect();
            in_parallel(ready, |index| hollow(&self.units[index], "metadata", &[]));
        }
    }

    /// The link actions of libraries, in this order.
    fn link_actions(&self, order: Vec<usize>, directory: &Path) {
        in_parallel(order, |index| {
            let unit = &self.units[index];
            let output = directory.join(format!("lib{}.rlib", unit.stem));
            let hollow_rlib = self.dependencies().join(format!("_hollow/lib{}_meta.rlib", unit.stem));
            hollow(unit, "link", &["--verify-against", text(&hollow_rlib), "--output", text(&output)]);
        });
    }

    fn programs(&self) {
        in_parallel(self.program_units(), |index| hollow(&self.units[index], "link", &[]));
    }

    /// The compile actions of programs.
    fn compile_programs(&self) {
        in_parallel(self.program_units(), |index| hollow(&self.units[index], "compile", &[]));
    }

    /// Their link actions, by their plans.
    fn link_programs(&self) {
        in_parallel(self.program_units(), |index| {
            let unit = &self.units[index];
            let plan = self.outputs_of(unit).join(format!("_hollow/{}.plan", unit.stem));
            hollow(unit, "link", &["--plan", text(&plan)]);
        });
    }

    fn program_units(&self) -> Vec<usize> {
        (0..self.units.len()).filter(|&index| self.units[index].kind == Kind::Program).collect()
    }

    fn outputs_of(&self, unit: &Unit) -> PathBuf {
        let position = unit.arguments.iter().position(|argument| argument == "--out-dir").unwrap();
        PathBuf::from(&unit.arguments[position + 1])
    }

    fn assert_both_passes_agree(&self) {
        assert!(self.libraries().len() > 20, "ripgrep has more dependencies");
        for unit in self.libraries().into_iter().map(|index| &self.units[index]) {
            let full = self.dependencies().join(format!("lib{}.rlib", unit.stem));
            let hollow_rlib = self.dependencies().join(format!("_hollow/lib{}_meta.rlib", unit.stem));
            let report = run(Command::new(HOLLOW).arg("inspect").args([&full, &hollow_rlib])).ok().stdout;
            assert!(report.starts_with(&format!("{}: full rlib\n", full.display())), "{report}");
            assert!(report.contains(&format!("{}: hollow rlib\n", hollow_rlib.display())), "{report}");
            assert!(report.contains("\nsame metadata, a sealed pair: "), "{report}");
        }
    }
}

/// A few searches: as expected, and as the plainly built program does them.
fn assert_searches_like(plain: &Path, replayed: &Path, source: &Path) {
    let notes = source.join("target/notes.txt");
    // "naïve" in UTF-16, for a search that must convert.
    let utf16: Vec<u8> = "a naïve café\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&notes, [&[0xff, 0xfe], &utf16[..]].concat()).unwrap();
    let searches: [(&[&str], &str); 5] = [
        (
            &["-n", r"^fn main\(\)", "build.rs", "crates/core/main.rs"],
            "build.rs:1:fn main() {\ncrates/core/main.rs:43:fn main() -> ExitCode {\n",
        ),
        (&["-c", "-i", "RIPGREP", "-g", "Cargo.*", "-g", "!*.orig", "--max-depth=1"], "Cargo.lock:1\nCargo.toml:14\n"),
        (&["-o", "-w", "na.ve", "target/notes.txt"], "naïve\n"),
        (&["--replace", "$2 $1", "-o", r"(mod) (flags|haystack)", "crates/core/main.rs"], "flags mod\nhaystack mod\n"),
        (&["no line of this package says this", "build.rs", "pkg"], ""),
    ];
    for (arguments, expected) in searches {
        let search = |program: &Path| run(Command::new(program).args(["--sort=path"]).args(arguments).current_dir(source));
        let (plain, replayed) = (search(plain), search(replayed));
        assert_eq!((&replayed.stdout, replayed.code), (&plain.stdout, plain.code), "{arguments:?}");
        assert_eq!(replayed.stdout, expected, "{arguments:?}");
        assert_eq!(replayed.stderr, "", "{arguments:?}");
    }
}

#[track_caller]
fn assert_same_files(files: &[PathBuf], other: &Path) {
    assert!(!files.is_empty());
    for file in files {
        let twin = other.join(file.file_name().unwrap());
        assert!(fs::read(file).unwrap() == fs::read(&twin).unwrap(), "{} differs from {}", file.display(), twin.display());
    }
}

#[track_caller]
fn hollow(unit: &Unit, action: &str, options: &[&str]) {
    let options: Vec<&str> = REMAP.iter().chain(options).copied().collect();
    let ran = run(&mut unit.hollow(action, &options));
    assert_eq!(ran.code, Some(0), "the {action} action of {} failed:\n{}", unit.stem, ran.stderr);
}

fn in_parallel(items: Vec<usize>, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

/// An arbitrary order, always the same for one seed.
fn shuffled(mut items: Vec<usize>, seed: u64) -> Vec<usize> {
    let mut state = seed;
    for end in (1..items.len()).rev() {
        // Knuth's MMIX generator: its high bits are good enough for this.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(end, usize::try_from(state >> 33).unwrap() % (end + 1));
    }
    items
}

fn rlibs_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rlib")).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
