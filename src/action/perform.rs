//! Doing what was planned: the edge where files and processes are.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use super::outputs::{Staging, prepare};
use super::{After, Explain, InterfaceOptions, InterfacePass, Plan, artifact_messages, first_error};
use crate::process::{Ended, Invocation, Limits, capture, run};
use crate::report;
use crate::rlib::{Rlib, Seal};
use crate::rustc::CommandLine;

/// The status of an action whose output was not what it had to be.
const DISAGREES: u8 = 1;

/// Runs a planned action. Where nothing follows rustc, this process becomes rustc and the function does not return.
///
/// The result is rustc's exit status, 128 and the signal's number if rustc was killed, or 1 if the verification failed. An error means
/// that hollow could not do its part, sealing included. In each of these cases no new or partial output is left.
pub fn perform(plan: &Plan, program: &Path, explain: &mut Explain) -> Result<ExitCode> {
    let twin = HollowTwin::read(plan)?;
    prepare(plan)?;
    let limits = Limits::current();
    let mut invocation = Invocation { program: program.to_owned(), args: plan.line.clone().into_tokens(), env: plan.env.clone() };
    if !plan.links && plan.after.is_empty() && plan.interface.is_none() && invocation.fits(&limits) {
        return Err(cannot_run(program, invocation.exec()));
    }

    let scratch = tempfile::Builder::new().prefix("hollow-").tempdir().context("cannot make a temporary directory")?;
    let staging = Staging::new(plan, &scratch)?;
    let line = staging.line();
    invocation.env.push(("TMPDIR".into(), scratch.path().into()));
    if let Some(options) = &plan.interface {
        match by_interface(plan, options, &line, &staging, &invocation, explain) {
            Ok(Some(Ended::Killed(signal))) => {
                staging.abandon();
                return Ok(killed(plan, Ended::Killed(signal)).into());
            }
            Ok(Some(_)) => {
                staging.commit().context("cannot put the output into its place")?;
                return Ok(ExitCode::SUCCESS);
            }
            Ok(None) => {}
            Err(error) => explain.note(format_args!("plain hollow rlib, not by interface: {error:#}")),
        }
    }
    invocation.args = line.into_tokens();
    if !invocation.fits(&limits) {
        invocation.use_response_file(&scratch).context("cannot write a response file for rustc")?;
    }
    let result = run(&invocation).map_err(|error| cannot_run(program, error)).and_then(|ended| match ended {
        Ended::Exited(0) => follow_up(plan, &staging.output(), &twin),
        Ended::Exited(code) => Ok(code),
        Ended::Killed(_) => Ok(killed(plan, ended)),
    });
    match result {
        Ok(0) => {
            staging.commit().context("cannot put the output into its place")?;
            publish(plan)?;
        }
        _ => staging.abandon(),
    }
    result.map(ExitCode::from)
}

/// Says so, and tells the status.
fn killed(plan: &Plan, ended: Ended) -> u8 {
    report(format_args!("error: rustc {ended} while compiling crate `{}`", plan.crate_name));
    ended.code()
}

/// Makes the hollow rlib from the interface source. `None` if that source does not compile: then the plain hollow rlib is right, or else the
/// errors of the true source are.
fn by_interface(
    plan: &Plan,
    options: &InterfaceOptions,
    line: &CommandLine,
    staging: &Staging<'_>,
    plain: &Invocation,
    explain: &mut Explain,
) -> Result<Option<Ended>> {
    let pass = InterfacePass::prepare(line, options, &plan.output, explain)?;
    let invocation = Invocation { args: pass.line().clone().into_tokens(), ..plain.clone() };
    let (ended, said) = capture(&invocation)?;
    if let Ended::Killed(_) = ended {
        pass.discard();
        return Ok(Some(ended));
    }
    if !ended.is_success() {
        explain.note(format_args!(
            "plain hollow rlib, not by interface, because the interface source does not compile: {}",
            first_error(&said)
        ));
        pass.discard();
        return Ok(None);
    }
    if let Some(dep_info) = staging.dep_info() {
        let content = fs_err::read(&dep_info)?;
        fs_err::write(&dep_info, pass.with_true_sources(&content))?;
    }
    drop(std::io::stderr().write_all(&artifact_messages(&said)));
    Ok(Some(ended))
}

/// That rustc can't be started.
pub fn cannot_run(program: &Path, error: io::Error) -> anyhow::Error {
    anyhow!("cannot run rustc as `{}`: {error}", program.display())
}

/// What `--verify-against` compares with, or `--seal-with` takes the metadata from.
enum HollowTwin {
    Unused,
    Verify(PathBuf, Rlib),
    Seal(Seal),
}

impl HollowTwin {
    /// Read before rustc runs, because a wrong file should not cost a compilation.
    fn read(plan: &Plan) -> Result<Self> {
        for after in &plan.after {
            match after {
                After::Verify(hollow) => {
                    let rlib = Rlib::read(hollow)?;
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

/// Looks at what a successful rustc has written, and seals it. The result is the action's status.
fn follow_up(plan: &Plan, output: &Path, twin: &HollowTwin) -> Result<u8> {
    if !output.try_exists().unwrap_or(false) {
        bail!("rustc succeeded but did not write `{}`", plan.output.display());
    }
    match twin {
        HollowTwin::Unused => {}
        HollowTwin::Verify(hollow, expected) => {
            let full = Rlib::read(output)?;
            if full.lib_rmeta != expected.lib_rmeta {
                report(format_args!("error: {}", disagreement(plan, &full, hollow, expected)));
                return Ok(DISAGREES);
            }
        }
        HollowTwin::Seal(seal) => {
            // The place where it still is means nothing to anybody.
            let in_final_words = |text: String| text.replace(&*output.to_string_lossy(), &plan.output.to_string_lossy());
            seal.put_on(output, output).map_err(|error| anyhow!(in_final_words(error.to_string())))?;
        }
    }
    Ok(0)
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
fn publish(plan: &Plan) -> Result<()> {
    let Some(published) = plan.after.iter().find_map(|after| match after {
        After::Publish(path) => Some(path),
        After::Verify(_) | After::Seal(_) => None,
    }) else {
        return Ok(());
    };
    let directory = published.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staging = tempfile::Builder::new().prefix(".hollow-").tempdir_in(directory);
    let result = staging.and_then(|staging| {
        let staged = staging.path().join("published");
        std::fs::hard_link(&plan.output, &staged).or_else(|_| std::fs::copy(&plan.output, &staged).map(|_| ()))?;
        std::fs::rename(&staged, published)
    });
    result.with_context(|| format!("cannot publish the proc-macro as `{}`", published.display()))
}
