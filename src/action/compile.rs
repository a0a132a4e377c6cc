//! The compile action: rustc runs with hollow in the place of its linker, and what comes out is a link plan.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use fs_err as fs;

use super::diagnostics::Said;
use super::names::full_twin;
use super::outputs::{self, is_stream, replace_in_dep_info};
use super::perform::{cannot_run, preload, write_diagnostics};
use super::plan::path_value;
use super::{Explain, Machine, Plan, Split, World};
use crate::link::{self, Content, LinkPlan, Manifest, Recorder, Surroundings};
use crate::process::{Ended, Invocation, Limits, Preload, Runner, die_of};
use crate::report;
use crate::rustc::{Codegen, CommandLine, Edit, Name, Opt};

/// Compiles and writes the link plan. The result is rustc's exit status, or 128 and the signal's number.
pub fn perform(plan: &Plan, program: &Path, explain: &mut Explain) -> Result<ExitCode> {
    let Split::Compile { plan: path, format, obstacle } = &plan.split else { return Ok(ExitCode::SUCCESS) };
    for directory in [Some(path), Some(&plan.output), plan.dep_info.as_ref(), plan.diagnostics.as_ref()].into_iter().flatten() {
        fs::create_dir_all(directory_of(directory)).map_err(|error| anyhow!("cannot make a place for the output: {error}"))?;
    }
    let manifest = |content| Manifest {
        hollow: env!("CARGO_PKG_VERSION").into(),
        crate_name: plan.crate_name.clone(),
        output: plan.output.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        command_line: plan.fingerprint.clone(),
        content,
    };
    let unsplit = |reason: String, explain: &mut Explain| {
        explain.note(format_args!("not split: {reason}: the link action will run rustc"));
        LinkPlan::write_unsplit(&manifest(Content::Unsplit(reason)), path, *format)?;
        write_diagnostics(plan, b"")?;
        Ok(ExitCode::SUCCESS)
    };
    if let Some(reason) = obstacle.clone().or_else(|| hidden_output(plan)) {
        return unsplit(reason, explain);
    }

    let preload = preload(plan, program, explain)?;
    let runner = Runner::new().context("cannot listen for signals")?;
    // What is temporary is gone before this process dies of a signal.
    let attended = (|| {
        let linker = link::split::linker(&plan.line);
        let recorder = Recorder::new(directory_of(path), &linker).context("cannot make a place for the link plan")?;
        let staging = Staging::new(plan, &recorder);
        let mut invocation =
            Invocation { program: program.to_owned(), args: staging.line().into_tokens(), env: plan.env.clone() };
        invocation.env.extend(preload.as_ref().map(Preload::variable));
        invocation.env.extend(recorder.environment());
        let scratch = tempfile::Builder::new().prefix("hollow-").tempdir().context("cannot make a temporary directory")?;
        if !invocation.fits(&Limits::current()) {
            invocation.use_response_file(&scratch).context("cannot write a response file for rustc")?;
        }
        let in_place = plan.dep_info.as_deref().filter(|path| staging.dep_info.is_none() && !is_stream(path));
        let old = outputs::Staging::in_place(plan, in_place.into_iter())?;
        let ended = run(plan, program, &runner, &invocation);
        if !matches!(ended, Ok(Ended::Exited(0))) {
            old.abandon();
            let ended = ended?;
            if let Ended::Killed(_) = ended {
                report(format_args!("error: rustc {ended} while compiling crate `{}`", plan.crate_name));
            }
            return Ok(ended.code());
        }
        let surroundings = Surroundings {
            linker: &linker,
            output: &staging.output,
            directories: Machine.working_directory(),
            incremental: plan.line.values(Name::Codegen).any(|value| Codegen::parse(value).name == "incremental"),
            full_twin: &full_twin,
        };
        match recorder.call(&surroundings) {
            Ok(call) => {
                explain.note(format_args!("{} objects and other files for the linker kept", call.files.len()));
                LinkPlan::write(&manifest(Content::Split(call)), &recorder.kept(), path, *format)?;
            }
            Err(error) => {
                let reason = format!("{error:#}");
                explain.note(format_args!("not split: {reason}: the link action will run rustc"));
                LinkPlan::write_unsplit(&manifest(Content::Unsplit(reason)), path, *format)?;
            }
        }
        staging.commit().context("cannot put the dep-info into its place")?;
        Ok(0)
    })();
    if let Some(signal) = runner.interrupted() {
        die_of(signal);
    }
    attended.map(ExitCode::from)
}

/// rustc refuses an old output that is read-only, which is the link action's to replace. It is hidden by another name for the
/// output, unless that would show in the program.
fn hidden_output(plan: &Plan) -> Option<String> {
    let rpath = plan.line.values(Name::Codegen).map(Codegen::parse).any(|codegen| codegen.name == "rpath");
    (rpath && is_read_only(&plan.output)).then(|| "the old program is read-only, and -Crpath needs its path".into())
}

fn is_read_only(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|_| path.metadata().map_or(true, |found| found.permissions().readonly()))
}

/// Runs rustc to its end, and passes on what it says, but that there is a program.
fn run(plan: &Plan, program: &Path, runner: &Runner, invocation: &Invocation) -> Result<Ended> {
    let failed = |error| cannot_run(program, error);
    if plan.diagnostics.is_some() {
        let (ended, stderr) = runner.capture(invocation).map_err(failed)?;
        let kept: Vec<u8> =
            stderr.split_inclusive(|&byte| byte == b'\n').filter(|line| !announces_link(line)).flatten().copied().collect();
        let said = Said::of(&kept);
        drop(std::io::stderr().write_all(&said.rendered));
        write_diagnostics(plan, &said.diagnostics)?;
        return Ok(ended);
    }
    if !announces(&plan.line) {
        return runner.run(invocation).map_err(failed);
    }
    let pass_on = |line: &[u8]| {
        if !announces_link(line) {
            drop(std::io::stderr().write_all(line));
        }
    };
    runner.stream(invocation, pass_on).map_err(failed)
}

/// Whether rustc is asked to announce its outputs.
pub fn announces(line: &CommandLine) -> bool {
    line.values(Name::Json).any(|value| value.as_bytes().split(|&byte| byte == b',').any(|kind| kind == b"artifacts"))
}

fn announces_link(line: &[u8]) -> bool {
    line.starts_with(b"{\"$message_type\":\"artifact\"") && line.trim_ascii_end().ends_with(b"\"emit\":\"link\"}")
}

/// Where rustc writes meanwhile.
struct Staging<'a> {
    plan: &'a Plan,
    recorder: &'a Recorder,
    /// What rustc is told of the program's path. No program appears there.
    output: PathBuf,
    /// The dep-info's place, if it is not the final one.
    dep_info: Option<PathBuf>,
    /// What rustc's intermediate files are called.
    out_dir: Option<PathBuf>,
}

impl<'a> Staging<'a> {
    fn new(plan: &'a Plan, recorder: &'a Recorder) -> Self {
        let output = match plan.output.file_name() {
            Some(name) if is_read_only(&plan.output) => recorder.directory().join(name),
            _ => plan.output.clone(),
        };
        let incremental = plan.line.values(Name::Codegen).any(|value| Codegen::parse(value).name == "incremental");
        // Whoever hears of it wants to find it, and rustc throws its incremental cache away when a path in `--emit` changes.
        let dep_info = plan.dep_info.as_deref().filter(|path| !announces(&plan.line) && !incremental && !is_stream(path));
        let dep_info = dep_info.and_then(Path::file_name).map(|name| recorder.directory().join(name));
        // What is beside the objects may be an output: `.dwo` files.
        let splits = plan.line.values(Name::Codegen).map(Codegen::parse);
        let mut splits = splits.filter(|codegen| codegen.name == "split-debuginfo" && codegen.value != Some("off".as_ref()));
        let out_dir = splits.next().is_none().then(|| recorder.objects());
        Self { plan, recorder, output, dep_info, out_dir }
    }

    /// rustc's command line.
    fn line(&self) -> CommandLine {
        let plan = self.plan;
        let (link, dep_info) =
            (path_value("link=", &plan.output), plan.dep_info.as_deref().map(|path| path_value("dep-info=", path)));
        let mut line = plan.line.clone().rewrite(|option| match option.name() {
            Name::OutDir if self.out_dir.is_some() => Edit::Drop,
            Name::Codegen if Codegen::parse(option.value()).name == "linker" => Edit::Drop,
            Name::Emit if option.value() == link => Edit::Replace(vec![option.with_value(path_value("link=", &self.output))]),
            Name::Emit if dep_info.as_deref() == Some(option.value()) => match &self.dep_info {
                Some(staged) => Edit::Replace(vec![option.with_value(path_value("dep-info=", staged))]),
                None => Edit::Keep,
            },
            _ => Edit::Keep,
        });
        if let Some(out_dir) = &self.out_dir {
            line.push(Opt::new(Name::OutDir, out_dir));
        }
        line.push(Opt::new(Name::Codegen, path_value("linker=", self.recorder.linker())));
        line
    }

    /// Puts the dep-info where it belongs, with the final paths in it.
    fn commit(&self) -> Result<()> {
        let Some(path) = self.plan.dep_info.as_deref().filter(|path| !is_stream(path)) else { return Ok(()) };
        let staged = self.dep_info.as_deref().unwrap_or(path);
        let mut content = fs::read(staged)?;
        content = replace_in_dep_info(&content, staged, path);
        content = replace_in_dep_info(&content, &self.output, &self.plan.output);
        if let Some(out_dir) = &self.out_dir {
            let given = self.plan.line.values(Name::OutDir).next_back().map(|given| Path::new(given).join(""));
            content = replace_in_dep_info(&content, &out_dir.join(""), &given.unwrap_or_default());
        }
        let written = self.recorder.directory().join("dep-info");
        fs::write(&written, content)?;
        fs::rename(&written, path).or_else(|_| fs::copy(&written, path).map(|_| ()))?;
        Ok(())
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
