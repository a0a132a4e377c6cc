//! `--one-rustc`: one process can serve both actions of a library, so both take the same flags.
//!
//! rustc says when its `.rmeta` is written (`--json=artifacts`), long before the rlib is. Emit kinds and that option enter the SVH, so an action
//! that runs by itself takes them, too: then it does not matter which actions shared a process, and outputs are the same byte for byte.
//!
//! The hollow rlib is an archive around that `.rmeta`, with or without object code to come. rustc takes a `lib.rmeta` that is no object file for
//! the metadata themselves (`rustc_codegen_ssa::back::metadata::search_for_section`).

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use fs_err as fs;
use tempfile::TempDir;

use super::diagnostics::Said;
use super::names::full_twin;
use super::outputs::{prepare, replace_in_dep_info};
use super::perform::{DISAGREES, HollowTwin, cannot_run, follow_up};
use super::plan::{path_value, separate_incremental};
use super::{Action, Explain, Plan};
use crate::process::{Ended, Invocation, Limits, Runner, die_of, temporary_directory};
use crate::rlib::{self, Staged};
use crate::rustc::{Codegen, CommandLine, Edit, Name, Opt};

const METADATA: &str = "lib.rmeta";
const RLIB: &str = "lib.rlib";
const DEP_INFO: &str = "lib.d";

/// What rustc compiles for an action, without where rustc itself writes. It is the same for both actions of a crate if one process can serve them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compilation {
    program: PathBuf,
    line: CommandLine,
    env: Vec<(OsString, OsString)>,
    dep_info: bool,
    /// The full rlib. It tells apart two configurations that compile the same.
    full: PathBuf,
}

impl Compilation {
    /// What a planned action compiles, with these variables besides the plan's own.
    pub fn of(plan: &Plan, program: &Path, env: &[(OsString, OsString)]) -> Self {
        let mut is_short = false;
        let mut line = plan.line.clone().rewrite(|option| match option.name() {
            Name::Emit | Name::OutDir => Edit::Drop,
            Name::ErrorFormat => {
                is_short |= option.value() == "short";
                Edit::Drop
            }
            Name::Unstable if Codegen::parse(option.value()).name == "no-codegen" => Edit::Drop,
            _ => Edit::Keep,
        });
        line.push(Opt::new(Name::ErrorFormat, "json"));
        line.push(Opt::new(Name::Json, "artifacts"));
        if is_short {
            line.push(Opt::new(Name::Json, "diagnostic-short"));
        }
        let env = env.iter().chain(&plan.env).cloned().collect();
        let twin = if plan.action == Action::Metadata { full_twin(&plan.output) } else { None };
        let full = twin.unwrap_or_else(|| plan.output.clone());
        Self { program: program.to_owned(), line, env, dep_info: plan.dep_info.is_some(), full }
    }

    /// Whether there is an incremental cache.
    pub fn is_incremental(&self) -> bool {
        self.line.values(Name::Codegen).any(|value| Codegen::parse(value).name == "incremental")
    }

    /// The rustc that writes into this directory. Without `codegen` it makes no object code, which serves the metadata action alone.
    pub fn invocation(&self, place: &TempDir, codegen: bool) -> Result<Invocation> {
        let mut line = self.line.clone();
        if !codegen {
            line = separate_incremental(line, &mut Explain::Silent);
            line.push(Opt::new(Name::Unstable, "no-codegen"));
        }
        let outputs = [("metadata=", METADATA), ("link=", RLIB), ("dep-info=", DEP_INFO)];
        for (kind, name) in &outputs[..if self.dep_info { 3 } else { 2 }] {
            line.push(Opt::new(Name::Emit, path_value(kind, &place.path().join(name))));
        }
        line.push(Opt::new(Name::OutDir, place.path()));
        let mut env = self.env.clone();
        env.push(("TMPDIR".into(), place.path().into()));
        let mut invocation = Invocation { program: self.program.clone(), args: line.into_tokens(), env };
        if !invocation.fits(&Limits::current()) {
            invocation.use_response_file(place).context("cannot write a response file for rustc")?;
        }
        Ok(invocation)
    }
}

/// Whether rustc says with this line that the `.rmeta` is complete. A macro may have written something before it on the same line.
pub fn announces_metadata(line: &[u8]) -> bool {
    artifact(line).is_some_and(|message| message["emit"] == "metadata")
}

fn artifact(line: &[u8]) -> Option<serde_json::Value> {
    const START: &[u8] = b"{\"$message_type\":\"artifact\"";
    let at = memchr::memmem::find(line, START)?;
    serde_json::from_slice(&line[at..]).ok()
}

/// The outputs of an action, complete, but without their names; and what is to be said of it.
pub struct Made {
    /// The action's exit status.
    pub code: u8,
    /// What it says.
    pub said: Vec<u8>,
    files: Vec<(Staged, PathBuf)>,
    /// What new files are allowed, umask and all: those that only one name is missing are private.
    permissions: std::fs::Permissions,
}

impl Made {
    fn new(code: u8, said: Vec<u8>, place: &Path) -> Result<Self> {
        let probe = place.join("permissions");
        fs::write(&probe, "")?;
        Ok(Self { code, said, files: Vec::new(), permissions: fs::metadata(probe)?.permissions() })
    }

    /// Gives the outputs their names. Diagnostics first and the rlib last, so that what looks done is done.
    pub fn publish(self) -> Result<(u8, Vec<u8>)> {
        for (file, path) in self.files {
            file.publish(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok((self.code, self.said))
    }

    fn add(&mut self, path: &Path, mut content: impl Read) -> Result<()> {
        let cannot = || format!("cannot write `{}`", path.display());
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            bail!("the output `{}` is no regular file, which --one-rustc needs", path.display());
        }
        let mut staged = Staged::beside(path).with_context(cannot)?;
        std::io::copy(&mut content, staged.file()).with_context(cannot)?;
        staged.file().set_permissions(self.permissions.clone()).with_context(cannot)?;
        self.files.push((staged, path.to_owned()));
        Ok(())
    }

    /// The dep-info with the names that the outputs have in the end. The `.rmeta` would be beside the rlib; some names are by `--out-dir`.
    fn add_dep_info(&mut self, plan: &Plan, place: &Path) -> Result<()> {
        let Some(path) = &plan.dep_info else { return Ok(()) };
        let out_dir = plan.line.values(Name::OutDir).next_back().unwrap_or_default();
        let names = [
            (place.join(METADATA), plan.output.with_extension("rmeta")),
            (place.join(RLIB), plan.output.clone()),
            (place.join(DEP_INFO), path.clone()),
            (place.join(""), if out_dir.is_empty() { PathBuf::new() } else { Path::new(out_dir).join("") }),
        ];
        let content = fs::read(place.join(DEP_INFO))?;
        let content = names.iter().fold(content, |content, (from, to)| replace_in_dep_info(&content, from, to));
        self.add(path, content.as_slice())
    }
}

/// What the metadata action is when rustc has announced its `.rmeta`. Warnings are the link action's to show.
pub fn made_metadata(plan: &Plan, place: &Path) -> Result<Made> {
    prepare(plan)?;
    let mut made = Made::new(0, Vec::new(), place)?;
    if let Some(path) = &plan.diagnostics {
        made.add(path, std::io::empty())?;
    }
    made.add_dep_info(plan, place)?;
    let archive = rlib::of_metadata(&fs::read(place.join(METADATA))?).context("cannot make the hollow rlib")?;
    made.add(&plan.output, archive.as_slice())?;
    Ok(made)
}

/// What an action is when its rustc has ended.
pub fn made(plan: &Plan, place: &Path, ended: Ended, stderr: &[u8]) -> Result<Made> {
    if plan.action == Action::Metadata && ended.is_success() {
        return made_metadata(plan, place);
    }
    prepare(plan)?;
    let said = Said::of(&without_artifacts(stderr));
    let json = plan.line.values(Name::ErrorFormat).next_back() == Some(OsStr::new("json"));
    let shown = if json && plan.diagnostics.is_none() { without_artifacts(stderr) } else { said.rendered };
    let mut made = Made::new(ended.code(), shown, place)?;
    if let Ended::Killed(_) = ended {
        let text = format!("hollow: error: rustc {ended} while compiling crate `{}`\n", plan.crate_name);
        made.said.extend_from_slice(text.as_bytes());
    }
    if let Some(path) = &plan.diagnostics {
        made.add(path, said.diagnostics.as_slice())?;
    }
    if !ended.is_success() {
        return Ok(made);
    }
    let rlib = place.join(RLIB);
    let twin = HollowTwin::read(plan)?;
    if let Some(disagreement) = follow_up(plan, &rlib, &twin)? {
        made.code = DISAGREES;
        made.said.extend_from_slice(format!("hollow: error: {disagreement}\n").as_bytes());
        return Ok(made);
    }
    made.add_dep_info(plan, place)?;
    made.add(&plan.output, fs::File::open(&rlib)?)?;
    Ok(made)
}

/// What rustc says, without its messages on outputs: where they are is nobody else's business.
fn without_artifacts(stderr: &[u8]) -> Vec<u8> {
    stderr.split_inclusive(|&byte| byte == b'\n').filter(|line| artifact(line).is_none()).flatten().copied().collect()
}

/// Performs an action in a process of its own.
pub fn perform(plan: &Plan, program: &Path) -> Result<ExitCode> {
    // A wrong file should not cost a compilation.
    HollowTwin::read(plan)?;
    prepare(plan)?;
    let runner = Runner::new().context("cannot listen for signals")?;
    let result = attend(plan, program, &runner);
    if let Some(signal) = runner.interrupted() {
        die_of(signal);
    }
    result.map(ExitCode::from)
}

/// Does everything around rustc. What is temporary is gone afterwards.
fn attend(plan: &Plan, program: &Path, runner: &Runner) -> Result<u8> {
    let place = temporary_directory()?;
    let invocation = Compilation::of(plan, program, &[]).invocation(&place, plan.action != Action::Metadata)?;
    let (ended, stderr) = runner.capture(&invocation).map_err(|error| cannot_run(program, error))?;
    let (code, said) = made(plan, place.path(), ended, &stderr)?.publish()?;
    // A reader that has gone away is no reason to stop.
    drop(std::io::stderr().write_all(&said));
    Ok(code)
}
