//! `hollow rustc-action`: a drop-in for Buck2's `prelude/rust/tools/rustc_action.py`, as it was at revision 13baa8a1d1.
//!
//! Buck2 runs every rustc, clippy-driver and rustdoc through it: `rustc_action.py OPTIONS COMPILER ARGS... --rustc-action-separator
//! ARGS...`, usually in one argument file. It clears the environment, rewrites arguments that only the action can know, writes diagnostics
//! for Buck2 and keeps the build going after filtered failures. This does the same, except:
//!
//! - JSON messages are copied byte for byte, whatever their length. What is no message passes unchanged.
//! - `\r` in values of `--env` is unescaped as `\n` is, since Buck2 escapes both. `--env-set` may have its value in a second argument.
//! - Nobody waits for others that keep the compiler's standard error open when it has ended.
//! - Arguments with line ends survive. Signals reach the compiler and its children. Temporary files go away on every path.
//! - One line says what is wrong. The status is 2 for wrong options and 1 for all else, as in the original.

mod diagnostics;
mod options;
mod rewrite;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use self::diagnostics::{Diagnostics, State};
use self::options::{Asked, Request, SEPARATOR};
use self::rewrite::{absolute, evaluate, is_inherited, rewrite, unescape};
use super::arguments::Arguments;
use super::sink::{Sink, create};
use crate::process::{Ended, Runner, signal_name};
use crate::report;
use crate::rustc::response_file;

/// The status for wrong options, as Python's argparse has it.
const USAGE: u8 = 2;

/// Does what the arguments, which follow the name of the program, ask for. The result is the exit status.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let (status, error) = match request(arguments) {
        Ok(None) => {
            drop(std::io::stdout().write_all(options::help().as_bytes()));
            return ExitCode::SUCCESS;
        }
        Ok(Some((request, files))) => match act(&request, files) {
            Ok(status) => return status,
            Err(error) => (1, error),
        },
        Err(error) => (USAGE, error),
    };
    report(format_args!("error: rustc-action: {error:#}"));
    ExitCode::from(status)
}

/// The files that are open before anything else happens.
struct Files {
    json: Option<Sink>,
    text: Option<Sink>,
    status: Option<Sink>,
    echo: Option<Sink>,
}

fn request(arguments: Vec<OsString>) -> Result<Option<(Request, Files)>> {
    let arguments = response_file::expand(arguments, &mut |path| fs::read(path))?;
    let directory = working_directory()?;
    let asked = options::parse(arguments, &|value| evaluate(value, &directory, &|path| fs::read(path)));
    let request = match asked.map_err(|error| anyhow!(error))? {
        Asked::Help => return Ok(None),
        Asked::Run(request) => *request,
    };
    let open = |option, path: &Option<PathBuf>| path.as_deref().map(|path| open(option, path)).transpose();
    let files = Files {
        json: open("--diag-json", &request.diag_json)?,
        text: open("--diag-txt", &request.diag_txt)?,
        status: open("--failure-filter", &request.failure_filter)?,
        echo: open("--echo", &request.echo)?,
    };
    Ok(Some((request, files)))
}

fn open(option: &str, path: &Path) -> Result<Sink> {
    if path == Path::new("-") { Ok(Sink::Stdout) } else { Sink::file(option, path) }
}

fn act(request: &Request, files: Files) -> Result<ExitCode> {
    if let Some(mut echo) = files.echo {
        let lines: Vec<u8> = request.command.iter().flat_map(|argument| [argument.as_bytes(), b"\n"].concat()).collect();
        echo.write(&lines);
        return echo.finish().map(|()| ExitCode::SUCCESS);
    }
    let separator = request.command.iter().position(|argument| argument == SEPARATOR);
    let (compiler, own) = separator
        .and_then(|at| Some((request.command[..at].split_first()?, &request.command[at + 1..])))
        .ok_or_else(|| anyhow!("there is no COMPILER with {SEPARATOR} after it"))?;
    let call = call(request, own)?;
    let scratch = std::env::var_os("BUCK_SCRATCH_PATH").map_or_else(std::env::temp_dir, PathBuf::from);
    let mut arguments = Arguments::default();
    call.arguments.iter().for_each(|argument| arguments.push(argument));
    let written = arguments.write(&scratch, "rustc-args-", ".txt");
    let (line, argument_files) = written.with_context(|| format!("cannot write an argument file in `{}`", scratch.display()))?;

    let (program, prefix) = compiler;
    let mut command = request.hollow.command(program);
    command.args(prefix).args(line).env_clear().envs(call.env).stdin(Stdio::null());
    let crate_map = request.crate_map.iter().map(|(name, target)| (lossy(name), lossy(target))).collect::<HashMap<_, _>>();
    let state = State::new(files.json, files.text, crate_map, request.buck_target.as_deref().map(lossy));
    let mut diagnostics = Diagnostics::new(state);
    let runner = Runner::new().context("cannot listen for signals")?;
    let ended = runner.listen(&mut command, &mut |bytes| {
        diagnostics.hear(bytes);
        ControlFlow::Continue(())
    });
    let ended = ended.with_context(|| format!("cannot run `{}`", program.display()))?;
    drop(argument_files);
    let errors = diagnostics.finish()?;

    let status = match ended {
        Ended::Killed(signal) => {
            let line = std::iter::once(program).chain(prefix).chain(&call.arguments);
            let quoter = shlex::bytes::Quoter::new();
            let quoted: Vec<_> = line.map(|argument| quoter.quote(argument.as_bytes()).unwrap_or_default()).collect();
            let quoted = String::from_utf8_lossy(&quoted.join(&b' ')).into_owned();
            report(format_args!("error: rustc-action: killed by {}: command line: {quoted}", signal_name(signal)));
            // `sys.exit(-signal)` of the original.
            return Ok(ExitCode::from(u8::try_from(256 - signal).unwrap_or(1)));
        }
        // A silent error becomes a loud one.
        Ended::Exited(0) => u8::from(errors),
        Ended::Exited(status) => status,
    };
    match files.status {
        Some(sink) => filter(request, sink, status, errors),
        None => Ok(status.into()),
    }
}

/// What the compiler gets.
struct Call {
    arguments: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

fn call(request: &Request, own: &[OsString]) -> Result<Call> {
    let directory = working_directory()?;
    let mut env: Vec<_> = std::env::vars_os().filter(|(name, _)| is_inherited(name)).collect();
    env.extend(request.env.iter().map(|(name, value)| (name.clone(), unescape(value))));
    env.extend(request.path_env.iter().map(|(name, path)| (name.clone(), absolute(&directory, path).into_os_string())));
    let out_dir = env.iter().rev().find(|(name, _)| name == "OUT_DIR").map(|(_, value)| value.as_os_str());
    let mut rewritten = rewrite(own, out_dir).map_err(|error| anyhow!(error))?;
    env.append(&mut rewritten.env);
    if let Some(prefix) = &request.remap_cwd_prefix {
        // The stable way to say `-Zremap-cwd-prefix`, for both names that the directory may have.
        for name in [Ok(directory.clone()), directory.canonicalize()] {
            let mut argument = OsString::from("--remap-path-prefix=");
            argument.push(name.as_deref().unwrap_or(&directory));
            argument.push("=");
            argument.push(prefix);
            rewritten.arguments.push(argument);
        }
    }
    Ok(Call { arguments: rewritten.arguments, env })
}

fn working_directory() -> Result<PathBuf> {
    std::env::current_dir().context("cannot tell the working directory")
}

fn lossy(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}

/// The content of `--failure-filter`.
#[derive(Serialize)]
struct BuildStatus {
    status: u8,
    files: Vec<String>,
}

/// Writes the build status. A failure with an error among the diagnostics becomes a success, with empty files in the place of missing outputs:
/// what the action is for may be the diagnostics, and whoever needs an output asks the build status.
fn filter(request: &Request, mut sink: Sink, status: u8, errors: bool) -> Result<ExitCode> {
    let outputs = || request.required_outputs.iter();
    let files = outputs().filter(|(_, path)| path.exists()).map(|(short, _)| lossy(short)).collect();
    let mut text = serde_json::to_vec(&BuildStatus { status, files })?;
    text.push(b'\n');
    sink.write(&text);
    sink.finish()?;
    if status == 0 || !errors {
        return Ok(status.into());
    }
    for (_, path) in outputs().filter(|(_, path)| !path.exists()) {
        create("--required-output", path)?;
    }
    Ok(ExitCode::SUCCESS)
}
