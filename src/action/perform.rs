//! Doing what was planned: the edge where files and processes are.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use super::diagnostics::Said;
use super::interface::{check_place, forget_overlay};
use super::one_rustc;
use super::outputs::{Staging, is_safe_in_place, prepare, write_anew};
use super::{
    After, Explain, InterfaceOptions, InterfacePass, InterfaceSource, Plan, Split, artifact_messages, compile, first_error,
    kept_overlay, relink,
};
use crate::interface::Lines;
use crate::interface::Note;
use crate::process::{Ended, Invocation, Limits, Preload, Runner, Seeds, die_of, temporary_directory, without_temporary_name};
use crate::report;
use crate::rlib::{self, Kind, Rlib, Seal};
use crate::rustc::CommandLine;

/// The status of an action whose output was not what it had to be.
pub(super) const DISAGREES: u8 = 1;

/// Runs a planned action. Where nothing follows rustc, this process becomes rustc and the function does not return.
///
/// The result is rustc's exit status, 128 and the signal's number if rustc was killed, or 1 if the verification failed. An error means
/// that hollow could not do its part, sealing included. In each of these cases no new or partial output is left. After a signal that asked
/// this process to stop, it dies of that signal when that is done, as whoever sent it expects.
pub fn perform(plan: &Plan, program: &Path, explain: &mut Explain) -> Result<ExitCode> {
    if plan.one_rustc {
        return one_rustc::perform(plan, program);
    }
    match &plan.split {
        Split::Compile { .. } => return compile::perform(plan, program, explain),
        Split::Link { plan: path } => {
            if let Some(code) = relink::perform(plan, path, program, explain)? {
                return Ok(code);
            }
        }
        Split::Whole => {}
    }
    let twin = HollowTwin::read(plan)?;
    if plan.interface.as_ref().is_some_and(|options| options.lines == Lines::Drop) {
        check_place(&kept_overlay(&plan.output))?;
    }
    prepare(plan)?;
    let limits = Limits::current();
    let preload = preload(plan, program, explain)?;
    let mut env = plan.env.clone();
    env.extend(preload.as_ref().map(Preload::variable));
    if plan.after.is_empty() && plan.interface.is_none() && plan.diagnostics.is_none() && is_safe_in_place(plan) {
        let last = Invocation { program: program.to_owned(), args: plan.line.clone().into_tokens(), env: env.clone() };
        if last.fits(&limits) {
            return Err(cannot_run(program, last.exec()));
        }
    }

    let runner = Runner::new().context("cannot listen for signals")?;
    let result = attend(plan, program, &env, &runner, &limits, &twin, explain);
    if let Some(signal) = runner.interrupted() {
        die_of(signal);
    }
    result.map(ExitCode::from)
}

/// Does everything around a rustc whose end is awaited. What is temporary is gone afterwards.
fn attend(
    plan: &Plan,
    program: &Path,
    env: &[(OsString, OsString)],
    runner: &Runner,
    limits: &Limits,
    twin: &HollowTwin,
    explain: &mut Explain,
) -> Result<u8> {
    let scratch = temporary_directory()?;
    let staging = Staging::new(plan, &scratch)?;
    let invocation = |line: &CommandLine| {
        let mut env = env.to_vec();
        env.push(("TMPDIR".into(), scratch.path().into()));
        let mut invocation = Invocation { program: program.to_owned(), args: line.clone().into_tokens(), env };
        if !invocation.fits(limits) {
            invocation.use_response_file(&scratch).context("cannot write a response file for rustc")?;
        }
        Ok::<_, anyhow::Error>(invocation)
    };
    let line = staging.line();
    let (pass, note) = match &plan.interface {
        None => (None, None),
        Some(options) => by_interface(plan, options, &line, explain, |pass| {
            let (ended, said) = runner.capture(&invocation(pass.line())?)?;
            if let (Ended::Exited(0), Some(dep_info)) = (ended, staging.dep_info()) {
                fs_err::write(&dep_info, pass.with_true_sources(&fs_err::read(&dep_info)?))?;
            }
            Ok((ended, said))
        }),
    };
    let result = if pass.is_some() {
        // Diagnostics are those of the true source, and come from the link action.
        write_diagnostics(plan, b"").map(|()| 0)
    } else {
        // After a signal this starts nothing, and says that the signal ended it.
        invocation(&line).and_then(|invocation| run(plan, program, runner, &invocation)).and_then(|ended| match ended {
            Ended::Exited(0) => Ok(match follow_up(plan, &staging.output(), twin)? {
                None => 0,
                Some(disagreement) => {
                    report(format_args!("error: {disagreement}"));
                    DISAGREES
                }
            }),
            Ended::Exited(code) => Ok(code),
            Ended::Killed(_) => {
                report(format_args!("error: rustc {ended} while compiling crate `{}`", plan.crate_name));
                Ok(ended.code())
            }
        })
    };
    match result {
        Ok(0) => {
            if let Some(note) = note {
                rlib::append(&staging.output(), rlib::NOTE, &note.to_bytes()).context("cannot write the hollow rlib")?;
            }
            staging.commit()?;
            publish(plan)?;
            if plan.interface.is_some() && !pass.is_some_and(|pass| pass.leaves_source()) {
                forget_overlay(&plan.output);
            }
        }
        _ => {
            staging.abandon();
            if let Some(pass) = pass {
                pass.discard();
            }
        }
    }
    result
}

/// Fixes the seeds that macros see, where that is wanted and possible.
pub fn preload(plan: &Plan, program: &Path, explain: &mut Explain) -> Result<Option<Preload>> {
    let preload = match plan.seeds {
        Seeds::Fixed => Preload::new(program),
        Seeds::Random => Err("--random-seeds"),
    };
    match &preload {
        Ok(_) => explain.note(format_args!("HashMaps in macros start from fixed seeds; --random-seeds is without")),
        Err(why) if plan.needs_fixed_seeds => {
            bail!("crate `{}` has macros that need fixed seeds, says the doctor's report: {why}", plan.crate_name)
        }
        Err(why) => explain.note(format_args!("HashMaps in macros start from random seeds: {why}")),
    }
    Ok(preload.ok())
}

/// Makes the hollow rlib from the interface source. No pass if that could not be done: then the plain hollow rlib is right, or else the errors
/// of the true source are. Either way there is a note for dependents if the source could be read.
fn by_interface(
    plan: &Plan,
    options: &InterfaceOptions,
    line: &CommandLine,
    explain: &mut Explain,
    run: impl FnOnce(&InterfacePass) -> Result<(Ended, Vec<u8>)>,
) -> (Option<InterfacePass>, Option<Note>) {
    let source = InterfaceSource::extract(line, options, explain);
    let note = source.as_ref().ok().map(|source| source.note().clone());
    let why = match source.and_then(|source| source.write(line, &plan.output)) {
        Err(error) => format!("{error:#}"),
        Ok(pass) => match run(&pass) {
            Ok((Ended::Exited(0), said)) => {
                drop(std::io::stderr().write_all(&artifact_messages(&said)));
                return (Some(pass), note);
            }
            Ok((_, said)) => {
                pass.discard();
                format!("the interface source does not compile: {}", first_error(&said))
            }
            Err(error) => {
                pass.discard();
                format!("{error:#}")
            }
        },
    };
    explain.note(format_args!("plain hollow rlib, not by interface: {why}"));
    (None, note)
}

/// Runs rustc to its end, and passes on what it says.
fn run(plan: &Plan, program: &Path, runner: &Runner, invocation: &Invocation) -> Result<Ended> {
    if plan.diagnostics.is_none() {
        return runner.run(invocation).map_err(|error| cannot_run(program, error));
    }
    let (ended, stderr) = runner.capture(invocation).map_err(|error| cannot_run(program, error))?;
    let said = Said::of(&stderr);
    // A reader that has gone away is no reason to stop.
    drop(std::io::stderr().write_all(&said.rendered));
    write_diagnostics(plan, &said.diagnostics)?;
    Ok(ended)
}

pub(super) fn write_diagnostics(plan: &Plan, diagnostics: &[u8]) -> Result<()> {
    let Some(path) = &plan.diagnostics else { return Ok(()) };
    write_anew(path, diagnostics).context("cannot write rustc's diagnostics")
}

/// That rustc can't be started.
pub fn cannot_run(program: &Path, error: io::Error) -> anyhow::Error {
    anyhow!("cannot run rustc as `{}`: {error}", program.display())
}

/// What `--verify-against` compares with, or `--seal-with` takes the metadata from.
pub(super) enum HollowTwin {
    Unused,
    Verify(PathBuf, Rlib),
    Seal(Seal),
}

impl HollowTwin {
    /// Read before rustc runs, because a wrong file should not cost a compilation.
    pub(super) fn read(plan: &Plan) -> Result<Self> {
        for after in &plan.after {
            match after {
                After::Verify(hollow) => {
                    let rlib = Rlib::read(hollow)?;
                    if rlib.kind == Kind::Full {
                        bail!(
                            "`{}` is a full rlib, and --verify-against compares with a hollow one: give the one that `hollow metadata` \
                             made of this crate",
                            hollow.display()
                        );
                    }
                    let header = rlib.header();
                    belongs(hollow, header.as_ref().and_then(|header| header.crate_name.as_deref()), &plan.crate_name)?;
                    return Ok(Self::Verify(hollow.clone(), rlib));
                }
                After::Seal(hollow) => {
                    let seal = Seal::read(hollow)?;
                    belongs(hollow, seal.crate_name(), &plan.crate_name)?;
                    return Ok(Self::Seal(seal));
                }
                After::Publish(_) => {}
            }
        }
        Ok(Self::Unused)
    }
}

/// Refuses a hollow rlib that is another crate's.
fn belongs(hollow: &Path, name: Option<&str>, crate_name: &str) -> Result<()> {
    if let Some(name) = name.filter(|name| *name != crate_name) {
        bail!("`{}` belongs to crate `{name}`, not to `{crate_name}`: pass the hollow twin of `{crate_name}`", hollow.display());
    }
    Ok(())
}

/// Looks at what a successful rustc has written, and seals it. The result says in what way it is not what it had to be.
pub(super) fn follow_up(plan: &Plan, output: &Path, twin: &HollowTwin) -> Result<Option<String>> {
    if !output.try_exists().unwrap_or(false) {
        bail!("rustc succeeded but did not write `{}`", plan.output.display());
    }
    match twin {
        HollowTwin::Unused => {}
        HollowTwin::Verify(hollow, expected) => {
            let full = Rlib::read(output)?;
            if full.metadata() != expected.metadata() {
                let [one, other] = [&full, expected].map(|rlib| rlib.header().and_then(|header| header.stable_crate_id));
                if one.zip(other).is_some_and(|(one, other)| one != other) {
                    bail!(
                        "`{}` belongs to another crate than `{}`, or was made with another -Cmetadata: pass the hollow twin of `{1}`",
                        hollow.display(),
                        plan.crate_name
                    );
                }
                return Ok(Some(disagreement(plan, &full, hollow, expected)));
            }
        }
        HollowTwin::Seal(seal) => {
            // The place where it still is means nothing to anybody.
            let in_final_words = |text: String| text.replace(&*output.to_string_lossy(), &plan.output.to_string_lossy());
            seal.put_on(output, output).map_err(|error| anyhow!(in_final_words(error.to_string())))?;
        }
    }
    Ok(None)
}

fn disagreement(plan: &Plan, full: &Rlib, hollow: &Path, expected: &Rlib) -> String {
    let svh = |rlib: &Rlib| rlib.header().map_or("unknown".into(), |header| header.svh.to_string());
    format!(
        "the two passes over crate `{}` gave different metadata (SVH {} here, {} in `{}`), so dependents would die of E0460: \
         the command lines, environments or directories of the two actions differ, or a macro does not expand the same way twice",
        plan.crate_name,
        svh(full),
        svh(expected),
        hollow.display(),
    )
}

/// Gives the output its second name; a copy where the file system has no hard links. It appears complete or not at all.
pub(super) fn publish(plan: &Plan) -> Result<()> {
    let Some(published) = plan.after.iter().find_map(|after| match after {
        After::Publish(path) => Some(path),
        After::Verify(_) | After::Seal(_) => None,
    }) else {
        return Ok(());
    };
    let directory = published.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staging = tempfile::Builder::new().prefix(".hollow-").tempdir_in(directory);
    let result = staging.map_err(without_temporary_name).and_then(|staging| {
        let staged = staging.path().join("published");
        std::fs::hard_link(&plan.output, &staged).or_else(|_| std::fs::copy(&plan.output, &staged).map(|_| ()))?;
        std::fs::rename(&staged, published)
    });
    result.with_context(|| format!("cannot publish the proc-macro as `{}`", published.display()))
}
