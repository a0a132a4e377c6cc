//! `hollow process-wrapper`: a drop-in for rules_rust's `util/process_wrapper`, as it was at revision e22086c0ad, with two options
//! of forks (`--captured-exit-code-file`, `--check-output-for-working-dir`).
//!
//! rules_rust runs every rustc, clippy, rustdoc and rustfmt through it: `process_wrapper FLAGS -- PROGRAM ARGS...`. It substitutes what
//! Bazel does not know when it makes the command line, sets up the environment, processes rustc's JSON messages and makes outputs after a
//! success. This takes every command line that the original takes and does the same, except where that is of no use to anybody:
//!
//! - A line between the messages that is no JSON goes through; it makes no success a failure and leaves no rustc behind.
//! - Parameter files are copied into a temporary place, only if they change at all, and removed. Arguments with line ends survive.
//! - Nobody waits for others that keep the program's standard error open when it has ended.
//! - Signals reach the program and its children. A program that was killed is reported, with the status 128 and the signal's number.
//! - Any bytes will do in arguments, environment and diagnostics. Outputs are opened before the program starts.
//! - What was inserted is not substituted again. A flag takes one value after `=`, too, also one that starts with `--`.
//! - One line says what is wrong, with the flag and the file. The status is 1 then, as in the original.

mod environment;
mod flags;
mod line_file;
mod parameters;
mod stderr;
mod substitution;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use memchr::memmem;

use self::flags::{Asked, Request};
use self::stderr::{Messages, Stderr};
use super::sink::{Sink, create};
use crate::process::{Ended, Runner};
use crate::report;
use crate::rlib::Staged;

/// Does what the arguments, which follow the name of the program, ask for. The result is the exit status.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let asked = flags::parse(arguments).map_err(|error| anyhow!(error));
    let result = asked.and_then(|asked| match asked {
        Asked::Help => {
            drop(std::io::stderr().write_all(flags::help().as_bytes()));
            Ok(ExitCode::SUCCESS)
        }
        Asked::Version => {
            drop(writeln!(std::io::stdout(), "hollow {}", env!("CARGO_PKG_VERSION")));
            Ok(ExitCode::SUCCESS)
        }
        Asked::Run(request) => wrap(&request),
    });
    result.unwrap_or_else(|error| {
        report(format_args!("error: process-wrapper: {error:#}"));
        ExitCode::FAILURE
    })
}

fn wrap(request: &Request) -> Result<ExitCode> {
    let substitutions = environment::substitutions(request)?;
    let variables = environment::variables(request, &substitutions)?;
    let parameters = parameters::parameters(request, &substitutions)?;
    let mut command = request.hollow.command(&parameters.program);
    command.args(&parameters.arguments).envs(variables);
    if let Some(path) = &request.stdout_file {
        command.stdout(create("--stdout-file", path)?);
    }
    if std::env::var_os("RULES_RUST_PROCESS_WRAPPER_DEBUG").is_some() {
        drop(writeln!(std::io::stderr(), "{command:#?}"));
    }
    if request.quit_on_rmeta && request.format.is_none() {
        report(format_args!("warning: process-wrapper: --rustc-quit-on-rmeta does nothing without --rustc-output-format"));
    }

    let cannot_run = |error| anyhow!("cannot run `{}`: {error}", parameters.program.display());
    let passes_through = request.format.is_none() && request.output_file.is_none();
    if passes_through && let Some(path) = &request.stderr_file {
        command.stderr(Stdio::from(create("--stderr-file", path)?));
    }
    if passes_through && parameters.files.is_empty() && !request.has_sequel() {
        return Err(cannot_run(command.exec()));
    }
    let runner = Runner::new().context("cannot listen for signals")?;
    let (ended, seen) = if passes_through {
        (runner.run_command(&mut command).map_err(cannot_run)?, None)
    } else {
        let mut stderr = open(request)?;
        let ended = runner.listen(&mut command, &mut |bytes| stderr.hear(bytes)).map_err(cannot_run)?;
        (ended, Some(stderr.finish()?))
    };
    let quit = seen.as_ref().is_some_and(|seen| seen.metadata) && runner.interrupted().is_none();
    let ended = if quit { Ended::Exited(0) } else { ended };
    match ended {
        Ended::Killed(_) => report(format_args!("error: process-wrapper: `{}` {ended}", parameters.program.display())),
        // The original's words, which rules_rust's tests know.
        Ended::Exited(1..) if seen.is_some_and(|seen| seen.foreign) => drop(writeln!(
            std::io::stderr(),
            "Error: ProcessWrapperError(\"failed to process stderr: error parsing rustc output as json\")"
        )),
        Ended::Exited(_) => {}
    }
    if let Some(path) = &request.exit_code_file {
        fs::write(path, format!("{}\n", ended.code()))
            .map_err(|error| anyhow!("--captured-exit-code-file: cannot write `{}`: {error}", path.display()))?;
    }
    if ended.is_success() {
        request.follow_up()?;
    }
    Ok(if request.exit_code_file.is_some() { ExitCode::SUCCESS } else { ended.code().into() })
}

fn open(request: &Request) -> Result<Stderr> {
    Ok(Stderr {
        raw: request.output_file.as_deref().map(|path| Sink::file("--output-file", path)).transpose()?,
        processed: request.stderr_file.as_deref().map_or(Ok(Sink::Stderr), |path| Sink::file("--stderr-file", path))?,
        messages: request.format.map(|format| Messages::new(format, request.quit_on_rmeta)),
    })
}

impl Request {
    /// Whether something is to be done when the program has ended.
    fn has_sequel(&self) -> bool {
        self.touch_file.is_some()
            || self.copy_output.is_some()
            || self.exit_code_file.is_some()
            || !self.checked_outputs.is_empty()
    }

    /// Does what is to be done after a success, in the original's order: the touched file may be what is copied.
    fn follow_up(&self) -> Result<()> {
        for path in &self.checked_outputs {
            check(path)?;
        }
        if let Some(path) = &self.touch_file {
            create("--touch-file", path)?;
        }
        if let Some((from, to)) = &self.copy_output {
            copy(from, to).with_context(|| format!("--copy-output: cannot copy `{}` to `{}`", from.display(), to.display()))?;
        }
        Ok(())
    }
}

/// Copies a file and its permissions. The copy appears complete or not at all, in the place of one that may be read-only.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.metadata().is_ok_and(|found| !found.is_file()) {
        return fs::copy(from, to).map(drop);
    }
    let mut source = File::open(from)?;
    let mut staged = Staged::beside(to)?;
    std::io::copy(&mut source, staged.file())?;
    staged.file().set_permissions(source.metadata()?.permissions())?;
    staged.publish(to)
}

/// Fails if the working directory is in a file: then the output is not the same from another directory.
fn check(path: &Path) -> Result<()> {
    let directory = environment::working_directory()?;
    let needle = std::os::unix::ffi::OsStrExt::as_bytes(directory.as_os_str());
    let finder = memmem::Finder::new(needle);
    let flag = "--check-output-for-working-dir";
    let unreadable = |error| anyhow!("{flag}: cannot read `{}`: {error}", path.display());
    let file = File::open(path).map_err(unreadable)?;
    let mut window = Vec::new();
    loop {
        // The end of what was looked at may be the beginning of what is looked for.
        let kept = window.len().min(needle.len() - 1);
        window.drain(..window.len() - kept);
        if (&file).take(1 << 20).read_to_end(&mut window).map_err(unreadable)? == 0 {
            return Ok(());
        }
        if finder.find(&window).is_some() {
            bail!(
                "{flag}: `{}` contains the working directory {}: keep what `env!` says of CARGO_MANIFEST_DIR or OUT_DIR out of compiled code, \
                 or remap paths",
                path.display(),
                directory.display()
            );
        }
    }
}
