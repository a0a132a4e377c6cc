//! The link action of what was compiled before: only the linker runs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use fs_err as fs;

use super::compile::announces;
use super::diagnostics::Said;
use super::names::{full_directory, full_twin};
use super::perform::{publish, write_diagnostics};
use super::{Explain, Machine, Plan, reach};
use crate::link::{self, LinkPlan, Linked, Replay, Style};
use crate::process::{Runner, die_of};
use crate::report;

/// rustc's status when its linker fails.
const FAILED: u8 = 1;

/// Carries out a link plan. `None` if it is an unsplit one: then rustc has to run.
pub fn perform(plan: &Plan, path: &Path, program: &Path, explain: &mut Explain) -> Result<Option<ExitCode>> {
    let link_plan = LinkPlan::read(path)?;
    check(plan, &link_plan)?;
    if let Err(reason) = link_plan.manifest().call() {
        explain.note(format_args!("not split: {reason}: rustc runs"));
        reach::check(&plan.line, &format!("crate `{}`", plan.crate_name), &Machine)?;
        return Ok(None);
    }
    let directory = plan.output.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory {
        fs::create_dir_all(directory).map_err(|error| anyhow!("cannot make a place for the output: {error}"))?;
    }
    let sysroot =
        link::sysroot(&plan.line, program).with_context(|| format!("cannot tell the sysroot of `{}`", program.display()))?;
    let libraries = link::libraries_of(&plan.line, |path| {
        full_twin(path).or_else(|| full_directory(path).map(Path::to_owned)).unwrap_or_else(|| path.to_owned())
    });
    let runner = Runner::new().context("cannot listen for signals")?;
    let replay = Replay { plan: &link_plan, libraries: &libraries, sysroot: &sysroot, output: &plan.output };
    match replay.run(&runner)? {
        Linked::Done(said) => {
            if !said.is_empty() {
                explain.note(format_args!("the linker said: {}", said.trim_end()));
            }
            write_diagnostics(plan, b"")?;
            publish(plan)?;
            if announces(&plan.line) {
                let artifact = serde_json::json!({ "$message_type": "artifact", "artifact": plan.output, "emit": "link" });
                drop(writeln!(std::io::stderr(), "{artifact}"));
            }
            Ok(Some(ExitCode::SUCCESS))
        }
        Linked::Failed(failure) => {
            let style = Style::of(&plan.line);
            let text = failure.say(style);
            if plan.diagnostics.is_some() {
                let said = Said::of(text.as_bytes());
                drop(std::io::stderr().write_all(&said.rendered));
                write_diagnostics(plan, &said.diagnostics)?;
            } else {
                drop(std::io::stderr().write_all(text.as_bytes()));
            }
            Ok(Some(ExitCode::from(FAILED)))
        }
        Linked::Interrupted(ended) => {
            report(format_args!("error: the linker {ended} while linking crate `{}`", plan.crate_name));
            if let Some(signal) = runner.interrupted() {
                die_of(signal);
            }
            Ok(Some(ExitCode::from(ended.code())))
        }
    }
}

/// Refuses a plan that was made for something else.
fn check(plan: &Plan, link_plan: &LinkPlan) -> Result<()> {
    let (path, manifest) = (link_plan.path().display(), link_plan.manifest());
    if manifest.crate_name != plan.crate_name {
        bail!(
            "the link plan `{path}` is that of crate `{}`, and this command line is of `{}`: give the plan that belongs to it",
            manifest.crate_name,
            plan.crate_name
        );
    }
    if manifest.command_line != plan.fingerprint {
        bail!(
            "the link plan `{path}` was made by another command line for crate `{}`: pass both actions the same one, or compile again",
            plan.crate_name
        );
    }
    let name = plan.output.file_name().unwrap_or_default();
    let knows_its_name = Path::new(&manifest.output).extension().is_some();
    if knows_its_name && *name != *manifest.output {
        bail!(
            "the link plan `{path}` is for an output called `{}`, which may be written in it, and this one is `{}`: name it the same",
            manifest.output,
            name.display()
        );
    }
    Ok(())
}
