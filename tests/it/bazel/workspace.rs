//! A copy of the example workspace, and the Bazel that builds it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{HOLLOW, Ran, Scratch, missing, repository, run};

/// All targets of the example that run here.
pub const ALL: &str = "//chain //diamond:all //hello:all //macros:all //settings";

/// A workspace with a Bazel server of its own, which ends with it.
pub struct Workspace {
    scratch: Scratch,
}

/// Whether there is such a program. If not, says so, or fails where `HOLLOW_REQUIRE_TOOLS` is set.
pub fn is_here(tool: &str) -> bool {
    if which::which(tool).is_ok() {
        return true;
    }
    missing(tool);
    false
}

impl Workspace {
    /// A copy of fixtures/bazel. `None`, and a message, if there is no Bazel here; `HOLLOW_REQUIRE_TOOLS=1` makes that a failure.
    pub fn example() -> Option<Self> {
        let workspace = Self::empty()?;
        let startup = workspace.read(".bazelrc");
        workspace.copy(&repository().join("fixtures/bazel"), "workspace");
        workspace.write(".bazelrc", [startup, workspace.read(".bazelrc")].concat());
        for file in ["WORKSPACE", "MODULE.bazel"] {
            workspace.replace(file, "../..", &repository().display().to_string());
        }
        if workspace.has_modules() {
            workspace.write(".bazelrc", [workspace.read(".bazelrc"), workspace.without_registry().into()].concat());
        }
        Some(workspace)
    }

    /// Whether MODULE.bazel counts, not WORKSPACE.
    fn has_modules(&self) -> bool {
        let version = run(self.scratch.command("bazel").arg("--version")).ok().stdout;
        let major = version.trim_start_matches("bazel ").split('.').next().and_then(|major| major.parse().ok());
        major.is_some_and(|major: u32| major >= 7)
    }

    /// Bazel's own modules depend on modules of the central registry that the example has no use for: empty ones will do. (Debian's Bazel
    /// overrides the others itself.)
    fn without_registry(&self) -> String {
        let mut rc = String::from("common --noenable_workspace\n");
        for module in ["apple_support", "buildozer", "protobuf", "zlib"] {
            self.write(&format!("../modules/{module}/MODULE.bazel"), format!("module(name = \"{module}\")"));
            let path = self.path("../modules");
            rc += &format!("common --override_module={module}={}/{module}\n", path.display());
        }
        rc
    }

    /// A directory where Bazel is told where to keep everything.
    pub fn empty() -> Option<Self> {
        if !is_here("bazel") {
            return None;
        }
        let workspace = Self { scratch: Scratch::new() };
        let place = workspace.scratch.path("bazel");
        workspace.write(".bazelrc", format!("startup --output_user_root={} --max_idle_secs=60\n", place.display()));
        Some(workspace)
    }

    fn copy(&self, from: &Path, to: &str) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let to = format!("{to}/{name}");
            if entry.file_type().unwrap().is_file() {
                self.scratch.write(&to, fs::read(entry.path()).unwrap());
            } else if entry.file_type().unwrap().is_dir() && name != "vendor" {
                self.copy(&entry.path(), &to);
            }
        }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.scratch.path("workspace").join(relative)
    }

    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        self.scratch.write(&format!("workspace/{relative}"), content);
    }

    pub fn read(&self, relative: &str) -> Vec<u8> {
        self.scratch.read(format!("workspace/{relative}"))
    }

    /// Replaces a piece of a file, which has to be there.
    pub fn replace(&self, relative: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.read(relative)).unwrap();
        assert!(text.contains(from), "{relative}: {from}");
        self.write(relative, text.replacen(from, to, 1));
    }

    /// Gets the crates of third_party/.
    pub fn vendor(&self) {
        let mut cargo = self.scratch.command("cargo");
        cargo.current_dir(self.path("third_party")).args(["vendor", "--quiet", "--locked", "vendor"]);
        run(&mut cargo).ok();
    }

    /// `bazel COMMAND ARGUMENTS`, where everything is separated by spaces.
    pub fn bazel(&self, command: &str) -> Ran {
        run(self.command("bazel").args(command.split_whitespace()))
    }

    /// A program in the workspace's directory, which will use the hollow under test.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.scratch.command(program);
        command.current_dir(self.path("")).env("PWD", self.path("")).env("RUSTC_HOLLOW", HOLLOW);
        command
    }

    /// Builds, and tells what was executed, without what came out of a cache.
    pub fn executed(&self, arguments: &str) -> BTreeSet<String> {
        self.bazel(&format!("build {arguments} --execution_log_json_file={}", self.execution_log().display())).ok();
        self.logged()
    }

    /// Where [`logged`](Self::logged) looks for Bazel's execution log.
    pub fn execution_log(&self) -> PathBuf {
        self.scratch.path("execution.json")
    }

    /// What was executed, according to the log.
    pub fn logged(&self) -> BTreeSet<String> {
        let log = fs::read(self.execution_log()).unwrap();
        let spawns = serde_json::Deserializer::from_slice(&log).into_iter::<serde_json::Value>().map(Result::unwrap);
        let executed =
            spawns.filter(|spawn| spawn["remoteCacheHit"] != true && spawn["mnemonic"].as_str().unwrap().starts_with("Rustc"));
        executed.map(|spawn| name(spawn["mnemonic"].as_str().unwrap(), spawn["listedOutputs"][0].as_str().unwrap())).collect()
    }

    /// The file below `bazel-bin/` whose name begins and ends like this.
    pub fn output(&self, directory: &str, prefix: &str, suffix: &str) -> Option<String> {
        let directory = format!("bazel-bin/{directory}");
        let names = fs::read_dir(self.path(&directory)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        { names }.find(|name| name.starts_with(prefix) && name.ends_with(suffix)).map(|name| format!("{directory}/{name}"))
    }

    /// Runs the example's programs, everything in it built.
    pub fn check_programs(&self) {
        assert_eq!(self.run("hello/hello"), "hello, world! a Guest 1.2.3 42\n");
        assert_eq!(self.run("chain/chain"), "8 10\n");
        assert_eq!(self.run("settings/settings"), "answer is 42\n");
    }

    /// Runs what was built.
    pub fn run(&self, program: &str) -> String {
        run(&mut self.scratch.command(self.path("bazel-bin").join(program))).ok().stdout
    }
}

/// Such as `Rustc libbase.rlib`.
fn name(mnemonic: &str, output: &str) -> String {
    let file = Path::new(output).file_name().unwrap().to_str().unwrap();
    let name = file.split_once('-').map_or(file, |(name, _)| name);
    format!("{mnemonic} {name}")
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.bazel("shutdown");
    }
}
