//! A program built by plain rustc and by interface, in directories of their own.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::program::{CRATES, FLAGS, Program, SHARED};

/// The ways to build.
pub const PLAIN: &str = "plain";
pub const BY_INTERFACE: [&str; 2] = ["keep", "drop"];

/// How often plain rustc may refuse a crate, until what it refuses is no longer there.
const ATTEMPTS: usize = 8;

/// How a program ended, if it came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Refused { what: String, said: String },
    Ran { code: Option<i32>, signal: Option<i32>, stdout: String },
}

impl End {
    /// What must stay the same while a failing program gets smaller: who refuses it, and for which error.
    pub fn kind(&self) -> String {
        match self {
            Self::Refused { what, said } => {
                let code = said.split_once("error[").map_or("", |(_, code)| code.get(..5).unwrap_or_default());
                format!("{what} {code}")
            }
            Self::Ran { signal, .. } => format!("{signal:?}"),
        }
    }
}

/// Compilers, and the shared crates, built once in each way.
pub struct Workshop {
    hollow: PathBuf,
    rustc: PathBuf,
    libraries: String,
    shared: TempDir,
}

impl Workshop {
    /// Builds what all programs share.
    pub fn new(hollow: &str) -> Self {
        let said = |arguments: &[&str]| {
            let output = Command::new("rustc").args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
        };
        // Not rustup's, which is slower.
        let rustc = Path::new(&said(&["--print=sysroot"])).join("bin/rustc");
        let libraries = said(&["--print=target-libdir"]);
        let workshop = Self { hollow: hollow.into(), rustc, libraries, shared: TempDir::with_prefix("hollow-test-").unwrap() };
        for way in [PLAIN].into_iter().chain(BY_INTERFACE) {
            let directory = workshop.shared.path().join(way);
            fs::create_dir(&directory).unwrap();
            for (name, is_library, source) in SHARED {
                fs::write(directory.join(format!("{name}.rs")), source).unwrap();
                let kind = if is_library { "lib" } else { "proc-macro" };
                let ended = if way == PLAIN {
                    workshop.plain(&directory, name, kind, &[])
                } else {
                    workshop.by_interface(&directory, name, kind, way).map(drop)
                };
                ended.unwrap();
            }
        }
        workshop
    }

    /// A directory for a program, with what is shared in the places where each way to build puts it.
    pub fn place(&self) -> TempDir {
        let place = TempDir::with_prefix("hollow-test-").unwrap();
        for way in [PLAIN].into_iter().chain(BY_INTERFACE) {
            for directory in ["out", "out/_hollow"] {
                let from = self.shared.path().join(way).join(directory);
                let to = place.path().join(way).join(directory);
                fs::create_dir_all(&to).unwrap();
                for entry in fs::read_dir(&from).into_iter().flatten().map(Result::unwrap) {
                    if entry.file_type().unwrap().is_file() {
                        fs::hard_link(entry.path(), to.join(entry.file_name())).unwrap();
                    }
                }
            }
        }
        place
    }

    /// Builds a program plainly, after everything that rustc refuses is taken out of it, if it may be.
    pub fn build_plainly(&self, place: &Path, program: &mut Program, may_change: bool) -> End {
        let directory = place.join(PLAIN);
        for (index, name) in CRATES.into_iter().enumerate() {
            for attempt in 0.. {
                write_source(&directory, program, index);
                let Err(end) = self.plain(&directory, name, kind(name), &["--error-format=short"]) else { break };
                let End::Refused { said, .. } = &end else { return end };
                if !may_change || attempt == ATTEMPTS || !program.remove_lines(index, &error_lines(name, said)) {
                    return end;
                }
            }
        }
        self.run(&directory)
    }

    /// Builds a program by interface; with what the metadata action of `base` explains.
    pub fn build_by_interface(&self, place: &Path, program: &Program, way: &str) -> (End, String) {
        let directory = place.join(way);
        let mut explained = String::new();
        for (index, name) in CRATES.into_iter().enumerate() {
            write_source(&directory, program, index);
            match self.by_interface(&directory, name, kind(name), way) {
                Ok(text) if index == 0 => explained = text,
                Ok(_) => {}
                Err(end) => return (end, explained),
            }
        }
        (self.run(&directory), explained)
    }

    /// After an edit of `base`: makes its hollow rlib anew, and the program from what there is of `middle`. None if the hollow rlib has changed,
    /// because then everything has to be built.
    pub fn relink(&self, place: &Path, program: &Program, way: &str) -> Option<End> {
        let directory = place.join(way);
        let hollow = directory.join("out/_hollow/libbase_meta.rlib");
        let before = fs::read(&hollow).unwrap();
        write_source(&directory, program, 0);
        if let Err(end) = self.metadata(&directory, "base", way) {
            return Some(end);
        }
        if fs::read(&hollow).unwrap() != before {
            return None;
        }
        let linked = self.seal(&directory).and_then(|()| self.link(&directory, "main", "bin"));
        Some(linked.err().unwrap_or_else(|| self.run(&directory)))
    }

    fn plain(&self, directory: &Path, name: &str, kind: &str, flags: &[&str]) -> Result<(), End> {
        let mut command = limited(20, &self.rustc);
        command.args(arguments(name, kind)).args(flags).env("RUSTC_BOOTSTRAP", "1");
        succeeded(format!("rustc {name}"), &command.current_dir(directory).output().unwrap()).map(drop)
    }

    fn by_interface(&self, directory: &Path, name: &str, kind: &str, way: &str) -> Result<String, End> {
        let explained = if kind == "lib" { self.metadata(directory, name, way)? } else { String::new() };
        if name == "base" {
            self.seal(directory)?
        } else {
            self.link(directory, name, kind)?
        }
        Ok(explained)
    }

    fn metadata(&self, directory: &Path, name: &str, way: &str) -> Result<String, End> {
        let mut command = limited(20, &self.hollow);
        command.args(["metadata", "--explain", &format!("--interface={way}"), "--"]).arg(&self.rustc);
        let output = command.args(arguments(name, "lib")).current_dir(directory).output().unwrap();
        succeeded(format!("hollow metadata {name}"), &output)
    }

    fn link(&self, directory: &Path, name: &str, kind: &str) -> Result<(), End> {
        let mut command = limited(20, &self.hollow);
        command.arg("link");
        if kind == "lib" {
            command.arg(format!("--seal-with=out/_hollow/lib{name}_meta.rlib"));
        }
        command.arg("--").arg(&self.rustc).args(arguments(name, kind));
        succeeded(format!("hollow link {name}"), &command.current_dir(directory).output().unwrap()).map(drop)
    }

    /// Makes the full rlib of `base` from the one by plain rustc, whose command line is the same.
    fn seal(&self, directory: &Path) -> Result<(), End> {
        let arguments = "seal ../plain/out/libbase.rlib --with out/_hollow/libbase_meta.rlib --output out/libbase.rlib";
        let mut command = Command::new(&self.hollow);
        let output = command.args(arguments.split(' ')).current_dir(directory).output().unwrap();
        succeeded("hollow seal base".into(), &output).map(drop)
    }

    fn run(&self, directory: &Path) -> End {
        let mut command = limited(2, &directory.join("out/main"));
        let output = command.current_dir(directory).env("LD_LIBRARY_PATH", &self.libraries).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        End::Ran { code: output.status.code(), signal: output.status.signal(), stdout }
    }
}

/// A command that may use this many seconds of the processor: an emptied body may come to run, in a macro or a constant, too.
fn limited(seconds: u32, program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -c 0; ulimit -t {seconds}; exec \"$0\" \"$@\"")).arg(program);
    command
}

fn kind(name: &str) -> &'static str {
    if name == "main" { "bin" } else { "lib" }
}

fn write_source(directory: &Path, program: &Program, index: usize) {
    fs::write(directory.join(format!("{}.rs", CRATES[index])), program.source(index)).unwrap();
}

fn arguments(name: &str, kind: &str) -> Vec<String> {
    let mut arguments = vec![format!("{name}.rs"), format!("--crate-name={name}"), format!("--crate-type={kind}")];
    arguments.extend(["--edition=2021", "-Ldependency=out", "--out-dir=out"].map(str::to_owned));
    let crates = SHARED.into_iter().map(|(name, is_library, _)| (name, is_library));
    for (other, is_library) in crates.chain(CRATES.map(|name| (name, true))).take_while(|(other, _)| *other != name) {
        let file = match is_library {
            true => format!("lib{other}.rlib"),
            false => format!("{}{other}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX),
        };
        arguments.push(format!("--extern={other}=out/{file}"));
    }
    if kind == "bin" {
        // Linking takes half the time.
        arguments.push("-Cprefer-dynamic".into());
    }
    arguments.extend(FLAGS.map(str::to_owned));
    arguments
}

fn succeeded(what: String, output: &Output) -> Result<String, End> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(End::Refused { what, said: format!("{said}{}", output.status) }) }
}

/// The lines of a crate of which rustc, in its short form, says that they are wrong.
fn error_lines(name: &str, said: &str) -> BTreeSet<usize> {
    let errors = said.lines().filter(|line| line.contains(": error"));
    errors.filter_map(|line| line.strip_prefix(name)?.strip_prefix(".rs:")?.split(':').next()?.parse().ok()).collect()
}
