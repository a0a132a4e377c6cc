//! A real crate graph: every rustc call of `cargo build` for the crates.io package `ripgrep`, to be made again in other ways.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hollow::rustc::{CommandLine, CrateType, Extern, Name, Settings};

/// The package. Its own lock file, which is in it, pins everything else.
const PACKAGE: (&str, &str) = ("ripgrep", "15.1.0");

/// A build that was recorded. It stays where it was made: its paths are in the command lines.
pub struct Recording {
    /// The package's source, with the sources of its dependencies in `vendor`.
    pub source: PathBuf,
    /// What it compiled, dependencies first, in an order that does not depend on when things happened.
    pub units: Vec<Unit>,
}

/// One call of rustc that made a library or a program (a build script is one). There is no proc-macro in this graph.
#[derive(Clone, Debug)]
pub struct Unit {
    pub name: String,
    pub kind: Kind,
    /// The units that come before it: those that it names with `--extern`, and its package's build script.
    pub dependencies: Vec<usize>,
    /// `{name}{extra}`, as in the names of its outputs.
    pub stem: String,
    /// rustc.
    pub program: OsString,
    pub arguments: Vec<OsString>,
    pub directory: PathBuf,
    pub environment: Vec<(OsString, OsString)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Library,
    Program,
}

impl Recording {
    /// Gets the package by ordinary Cargo and builds it, once for each rustc; later calls find the recording in `cache`. The text of an
    /// error is why the sources can't be had.
    pub fn of_ripgrep(cache: &Path) -> Result<Self, String> {
        let version = Command::new("rustc").arg("-vV").output().expect("rustc can be run").stdout;
        let version = String::from_utf8_lossy(&version).lines().last().map(str::to_owned).unwrap_or_default();
        let commit = Command::new("rustc").arg("-V").output().expect("rustc can be run").stdout;
        let key: String = format!("{}-{}-{}{version}", PACKAGE.0, PACKAGE.1, String::from_utf8_lossy(&commit).trim());
        let directory = cache.join(key.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-"));
        fs::create_dir_all(&directory).expect("the cache can be written");
        // Another process may be at it.
        let lock = File::create(directory.join("lock")).expect("the cache can be written");
        lock.lock().expect("the cache can be locked");
        let (source, calls, complete) = (directory.join("source"), directory.join("calls"), directory.join("complete"));
        // The marker says where the recording was made: of a moved one, the paths in the command lines are wrong.
        let made_here = fs::read(&complete).is_ok_and(|place| place == directory.as_os_str().as_bytes());
        if !made_here {
            for unfinished in [&source, &calls] {
                fs::remove_dir_all(unfinished).or_else(ignore_missing).expect("an unfinished recording can be removed");
            }
            fetch(&directory, &source)?;
            fs::create_dir(&calls).expect("the cache can be written");
            build(&directory, &source, &calls);
            fs::write(complete, directory.as_os_str().as_bytes()).expect("the cache can be written");
        }
        let calls = fs::read_dir(&calls).expect("there are recorded calls").map(|call| call.expect("they can be listed").path());
        Ok(Self { source, units: sorted(calls.filter_map(|call| Unit::read(&call)).collect()) })
    }

    /// Where Cargo put its outputs.
    pub fn outputs(&self) -> PathBuf {
        self.source.join("target/debug")
    }

    /// A copy of all sources elsewhere.
    pub fn copy_source(&self, to: &Path) {
        let left_out = self.source.join("target");
        copy(&self.source, to, &|path| path != left_out);
    }

    /// The unit as if the sources were in `source` and Cargo had been told to put its outputs into `outputs`. What build scripts have
    /// made is still read where they made it.
    pub fn relocated(&self, unit: &Unit, source: &Path, outputs: &Path) -> Unit {
        let old_outputs = self.outputs();
        let made_by_scripts = old_outputs.join("build");
        let relocate = |text: &OsStr| {
            let text = replaced(text, &old_outputs.join("deps"), &outputs.join("deps"));
            let text = replaced(&text, &old_outputs.join("incremental"), &outputs.join("incremental"));
            // An unlikely name keeps the directory from being taken for one in the source.
            let kept = Path::new("\0");
            let text = replaced(&replaced(&text, &made_by_scripts, kept), &self.source, source);
            replaced(&text, kept, &made_by_scripts)
        };
        let mut unit = unit.clone();
        let mut after_out_dir = false;
        for argument in &mut unit.arguments {
            *argument = match after_out_dir {
                true => replaced(argument, &old_outputs, outputs),
                false => relocate(argument),
            };
            after_out_dir = *argument == *"--out-dir";
        }
        unit.environment.iter_mut().for_each(|(_, value)| *value = relocate(value));
        unit.directory = relocate(unit.directory.as_os_str()).into();
        unit
    }

    /// How many steps before this unit can be compiled: 0 without dependencies.
    pub fn depth(&self, unit: &Unit) -> usize {
        unit.dependencies.iter().map(|&dependency| 1 + self.depth(&self.units[dependency])).max().unwrap_or(0)
    }
}

impl Unit {
    /// The call as a command: exactly as it was, but for Cargo's job server, which is gone.
    pub fn command(&self, program: &OsStr, before: &[&OsStr]) -> Command {
        let environment = self.environment.iter().filter(|(name, _)| name != "CARGO_MAKEFLAGS" && name != "MAKEFLAGS");
        let mut command = Command::new(program);
        command.args(before).args(&self.arguments).current_dir(&self.directory);
        command.env_clear().envs(environment.map(|(name, value)| (name, value)));
        command
    }

    /// `hollow ACTION OPTIONS -- RUSTC ARGUMENTS`.
    pub fn hollow(&self, action: &str, options: &[&str]) -> Command {
        let words = [action].into_iter().chain(options.iter().copied()).chain(["--"]).map(OsStr::new);
        let before: Vec<&OsStr> = words.chain([self.program.as_os_str()]).collect();
        self.command(env!("CARGO_BIN_EXE_hollow").as_ref(), &before)
    }

    /// Reads a recorded call. `None` if it is a question to rustc, or a trial compilation of a build script.
    fn read(call: &Path) -> Option<Self> {
        let part = |name: &str| fs::read(call.join(name)).expect("a recorded call is complete");
        let mut arguments = terminated(&part("arguments")).into_iter();
        let program = arguments.next()?;
        let arguments: Vec<OsString> = arguments.collect();
        let settings = Settings::of(&CommandLine::parse(arguments.iter().cloned()));
        if !settings.emits.iter().any(|emit| emit.kind == hollow::rustc::EmitKind::Link) {
            return None;
        }
        let kind = match settings.crate_types.first()? {
            CrateType::Rlib => Kind::Library,
            CrateType::Bin => Kind::Program,
            other => panic!("a {other} runs while others are compiled: it must be built before their metadata actions"),
        };
        let name = settings.crate_name?;
        let environment = terminated(&part("environment")).into_iter().map(|variable| {
            let bytes = variable.as_bytes();
            let end = bytes.iter().position(|&byte| byte == b'=').expect("a variable has a value");
            (OsStr::from_bytes(&bytes[..end]).to_owned(), OsStr::from_bytes(&bytes[end + 1..]).to_owned())
        });
        Some(Self {
            stem: format!("{name}{}", settings.extra_filename.to_string_lossy()),
            name,
            kind,
            dependencies: Vec::new(),
            program,
            arguments,
            directory: OsString::from_vec(part("directory")).into(),
            environment: environment.collect(),
        })
    }

    fn is_build_script(&self) -> bool {
        self.kind == Kind::Program && self.name.starts_with("build_script_")
    }

    /// The directory of its manifest.
    fn package(&self) -> Option<&OsStr> {
        let (_, directory) = self.environment.iter().find(|(name, _)| name == "CARGO_MANIFEST_DIR")?;
        Some(directory)
    }

    /// The stems of what it names with `--extern`.
    fn externs(&self) -> Vec<String> {
        let line = CommandLine::parse(self.arguments.iter().cloned());
        let paths = line.values(Name::Extern).filter_map(|value| Extern::parse(value).path);
        paths.filter_map(|path| Some(path.file_stem()?.to_str()?.strip_prefix("lib")?.to_owned())).collect()
    }
}

/// Gets the sources of the package and, by its own lock file, of its dependencies. What Cargo has already is not asked for again.
fn fetch(directory: &Path, source: &Path) -> Result<(), String> {
    let (name, version) = PACKAGE;
    let wanted = directory.join("wanted");
    fs::create_dir_all(wanted.join("src")).expect("the cache can be written");
    let manifest = format!(
        "[package]\nname = \"wanted\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n{name} = \"={version}\"\n[workspace]\n"
    );
    fs::write(wanted.join("Cargo.toml"), manifest).expect("the cache can be written");
    fs::write(wanted.join("src/lib.rs"), "").expect("the cache can be written");
    vendor(&wanted, &[])?;
    let package = wanted.join(format!("vendor/{name}-{version}"));
    fs::rename(package, source).map_err(|error| format!("{name} {version} is not where Cargo puts it: {error}"))?;
    fs::remove_dir_all(&wanted).expect("what is not needed can be removed");
    vendor(source, &["--locked"])
}

fn vendor(package: &Path, options: &[&str]) -> Result<(), String> {
    let mut said = String::new();
    for offline in [&["--offline"][..], &[]] {
        let mut cargo = cargo(package);
        let output = cargo.args(["vendor", "--versioned-dirs", "vendor"]).args(options).args(offline).output();
        let output = output.expect("cargo can be run");
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    Err(format!("cargo can't get the sources of {} {}:\n{said}", PACKAGE.0, PACKAGE.1))
}

/// Builds it from the vendored sources, through a wrapper that notes arguments, working directory and environment of each call.
fn build(directory: &Path, source: &Path, calls: &Path) {
    let recorder = directory.join("recorder");
    let script = format!(
        "#!/bin/sh\n\
         call=$(mktemp -d '{}/XXXXXXXX') || exit\n\
         env -0 >\"$call/environment\" && printf '%s' \"$PWD\" >\"$call/directory\" && printf '%s\\0' \"$@\" >\"$call/arguments\" || exit\n\
         exec \"$@\"\n",
        calls.display()
    );
    fs::write(&recorder, script).expect("the cache can be written");
    fs::set_permissions(&recorder, fs::Permissions::from_mode(0o755)).expect("the cache can be written");
    let mut cargo = vendored_cargo(source, "build");
    cargo.arg("--config").arg(format!("build.rustc-wrapper='{}'", recorder.display()));
    let output = cargo.output().expect("cargo can be run");
    assert!(output.status.success(), "cargo build failed:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Cargo in a directory with the sources, or in a copy of it: with the vendored dependencies and no others.
pub fn vendored_cargo(source: &Path, subcommand: &str) -> Command {
    let mut cargo = cargo(source);
    cargo.args([subcommand, "--locked", "--offline"]);
    cargo.args(["--config", "source.crates-io.replace-with='vendored'", "--config", "source.vendored.directory='vendor'"]);
    cargo
}

/// Cargo without what an outer Cargo, a test runner or the user tells it about compiling, so that there is one recording.
fn cargo(directory: &Path) -> Command {
    const KEPT: [&str; 5] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_"];
    const LEFT_OUT: [&str; 6] = ["CARGO", "RUSTC", "RUSTFLAGS", "NEXTEST", "MAKEFLAGS", "LD_LIBRARY_PATH"];
    let mut cargo = Command::new("cargo");
    cargo.current_dir(directory).env("PWD", directory).env("CARGO_TARGET_DIR", directory.join("target"));
    for (name, _) in std::env::vars_os() {
        let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.as_bytes().starts_with(prefix.as_bytes()));
        if is(&LEFT_OUT) && !is(&KEPT) && name != "CARGO_TARGET_DIR" {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Dependencies and build scripts first, by name where that leaves a choice.
fn sorted(mut waiting: Vec<Unit>) -> Vec<Unit> {
    waiting.sort_by_key(|unit| (!unit.is_build_script(), unit.stem.clone()));
    let mut sorted: Vec<Unit> = Vec::new();
    while !waiting.is_empty() {
        let known = |stem: &String| sorted.iter().position(|unit| unit.stem == *stem);
        let ready = waiting.iter().enumerate().find_map(|(index, unit)| {
            let mut dependencies = unit.externs().iter().map(known).collect::<Option<Vec<_>>>()?;
            dependencies
                .extend(sorted.iter().position(|earlier| earlier.is_build_script() && earlier.package() == unit.package()));
            Some((index, dependencies))
        });
        let (index, dependencies) = ready.expect("each dependency was compiled, and there is no cycle");
        let unit = waiting.remove(index);
        sorted.push(Unit { dependencies, ..unit });
    }
    sorted
}

fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) {
    fs::create_dir_all(to).expect("a directory can be made");
    for entry in fs::read_dir(from).expect("the sources can be listed") {
        let from = entry.expect("the sources can be listed").path();
        let to = to.join(from.file_name().unwrap_or_default());
        if from.is_dir() && wanted(&from) {
            copy(&from, &to, wanted);
        } else if from.is_file() {
            fs::copy(&from, &to).expect("a source file can be copied");
        }
    }
}

fn terminated(bytes: &[u8]) -> Vec<OsString> {
    let mut parts: Vec<OsString> = bytes.split(|&byte| byte == 0).map(|part| OsStr::from_bytes(part).to_owned()).collect();
    parts.pop();
    parts
}

fn replaced(text: &OsStr, from: &Path, to: &Path) -> OsString {
    let (mut rest, from) = (text.as_bytes(), from.as_os_str().as_bytes());
    let mut result = OsString::new();
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        result.push(OsStr::from_bytes(&rest[..at]));
        result.push(to);
        rest = &rest[at + from.len()..];
    }
    result.push(OsStr::from_bytes(rest));
    result
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
