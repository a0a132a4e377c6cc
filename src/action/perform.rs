//! Doing what was planned: the edge where files and processes are.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};
use fs_err as fs;
use tempfile::TempDir;

use super::{After, Plan};
use crate::process::{Ended, Invocation, Limits, run};
use crate::report;
use crate::rlib::Rlib;
use crate::rustc::{Codegen, CommandLine, Edit, Name, Opt, Settings};

/// Runs a planned action. Where nothing follows rustc, this process becomes rustc and the function does not return.
///
/// The result is rustc's exit status, 128 and the signal's number if rustc was killed, or 1 if the verification failed. An error means
/// that hollow could not do its part. In each of these cases no new or partial output is left.
pub fn perform(plan: Plan, program: &Path) -> Result<ExitCode> {
    let verify_against = expected_metadata(&plan)?;
    prepare_outputs(&plan)?;
    let mut invocation = Invocation { program: program.to_owned(), args: plan.line.clone().into_tokens(), env: plan.env.clone() };
    let fits = invocation.fits(&Limits::current());
    if fits && !plan.links && plan.after.is_empty() {
        return Err(cannot_run(program, invocation.exec()));
    }

    let scratch = tempfile::Builder::new().prefix("hollow-").tempdir().context("cannot make a temporary directory")?;
    invocation.args = with_scratch(plan.line.clone(), &scratch).into_tokens();
    invocation.env.push(("TMPDIR".into(), scratch.path().into()));
    if !invocation.fits(&Limits::current()) {
        invocation.use_response_file(&scratch).context("cannot write a response file for rustc")?;
    }
    let before = Stamp::of(&plan.output);
    let undo = || {
        if Stamp::of(&plan.output) != before {
            let _ = fs::remove_file(&plan.output);
        }
    };
    let ended = run(&invocation).map_err(|error| cannot_run(program, error))?;
    if !ended.is_success() {
        undo();
        if let Ended::Killed(_) = ended {
            report(format_args!("error: rustc {ended} while compiling crate `{}`", plan.crate_name));
        }
        return Ok(ended.code().into());
    }
    follow_up(&plan, verify_against).inspect_err(|_| undo()).map(|agrees| {
        if !agrees {
            undo();
        }
        ExitCode::from(u8::from(!agrees))
    })
}

/// Fills in the crate's name and type where only the source says them (`#![crate_name]`, `#![crate_type]`), so that outputs get the names
/// that rustc would give. rustc itself is asked, and only if the command line is silent and the source mentions such an attribute.
pub fn complete(mut line: CommandLine, program: &Path) -> Result<CommandLine> {
    let settings = Settings::of(&line);
    let Some(input) = settings.input.as_ref().filter(|input| *input != "-") else { return Ok(line) };
    let lacks_name = settings.crate_name.is_none();
    let lacks_type = settings.crate_types.is_empty() && !settings.test;
    if !lacks_name && !lacks_type {
        return Ok(line);
    }
    // What can't be read is rustc's to report.
    let source = std::fs::read(input).unwrap_or_default();
    let mentions = |word: &str| source.windows(word.len()).any(|window| window == word.as_bytes());
    if !(lacks_name && mentions("crate_name") || lacks_type && mentions("crate_type")) {
        return Ok(line);
    }
    let arguments = line.clone().rewrite(|option| match option.name() {
        Name::Emit | Name::Output | Name::OutDir => Edit::Drop,
        _ => Edit::Keep,
    });
    let mut command = Command::new(program);
    command.args(arguments.into_tokens()).args(["--print=crate-name", "--print=file-names"]).env("RUSTC_BOOTSTRAP", "1");
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(|error| cannot_run(program, error))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    if let [name, files @ ..] = &answer.lines().collect::<Vec<_>>()[..] {
        if lacks_name {
            line.push(Opt::new(Name::CrateName, *name));
        }
        if lacks_type {
            for file in files {
                line.push(Opt::new(Name::CrateType, crate_type_of(file)));
            }
        }
    }
    Ok(line)
}

/// The crate type whose output has such a name.
fn crate_type_of(file: &str) -> &'static str {
    match Path::new(file).extension().and_then(|extension| extension.to_str()) {
        Some("rlib") => "rlib",
        Some("a" | "lib") => "staticlib",
        Some("so" | "dylib" | "dll") => "dylib",
        _ => "bin",
    }
}

/// What `--verify-against` compares with, read before rustc runs, because a missing file should not cost a compilation.
fn expected_metadata(plan: &Plan) -> Result<Option<(PathBuf, Rlib)>> {
    let hollow = plan.after.iter().find_map(|after| match after {
        After::Verify(hollow) => Some(hollow),
        After::Publish(_) => None,
    });
    hollow.map(|path| Ok((path.clone(), Rlib::read(path)?))).transpose()
}

/// Makes the directories, and removes those old outputs that rustc would refuse or that it would write through.
fn prepare_outputs(plan: &Plan) -> Result<()> {
    let published = plan.after.iter().filter_map(|after| match after {
        After::Publish(path) => Some(path.as_path()),
        After::Verify(_) => None,
    });
    for output in [Some(plan.output.as_path()), plan.dep_info.as_deref()].into_iter().flatten().chain(published) {
        if let Some(parent) = output.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|error| anyhow!("cannot make a place for the output: {error}"))?;
        }
        remove_obstacle(output)?;
    }
    Ok(())
}

/// Unlinks an old output that is read-only (rustc says "is not writeable"), that has another name (a hard link into a build
/// cache) or is a symbolic link. Never chmods: that would change the other name, too. Devices and such are left alone.
fn remove_obstacle(output: &Path) -> Result<()> {
    let Ok(found) = output.symlink_metadata() else { return Ok(()) };
    let obstructs = if found.is_symlink() {
        output.metadata().map_or(true, |target| target.is_file())
    } else {
        found.is_file() && (found.permissions().readonly() || found.nlink() > 1)
    };
    if obstructs {
        fs::remove_file(output).map_err(|error| anyhow!("cannot replace the old output: {error}"))?;
    }
    Ok(())
}

/// Sends what rustc leaves behind when it is killed (`*.rcgu.o`, `rmetaXXXXXX/`) to a directory that goes away. Those files stay with
/// `--out-dir` where somebody wants them: `-Csave-temps`, and debug information that is not linked.
fn with_scratch(line: CommandLine, scratch: &TempDir) -> CommandLine {
    let wanted = line.values(Name::Codegen).map(Codegen::parse).any(|codegen| {
        matches!(&*codegen.name, "save-temps") || codegen.name == "split-debuginfo" && codegen.value != Some("off".as_ref())
    });
    if wanted || cfg!(target_vendor = "apple") {
        return line;
    }
    let mut line = line.rewrite(|option| if option.name() == Name::OutDir { Edit::Drop } else { Edit::Keep });
    line.push(Opt::new(Name::OutDir, OsString::from(scratch.path())));
    line
}

/// Does what follows a successful rustc. `false` means that the verification failed, and has been reported.
fn follow_up(plan: &Plan, expected: Option<(PathBuf, Rlib)>) -> Result<bool> {
    if !plan.output.try_exists().unwrap_or(false) {
        bail!("rustc succeeded but did not write `{}`", plan.output.display());
    }
    if let Some((hollow, expected)) = expected {
        let full = Rlib::read(&plan.output)?;
        if full.lib_rmeta != expected.lib_rmeta {
            report(format_args!("error: {}", disagreement(plan, &full, &hollow, &expected)));
            return Ok(false);
        }
    }
    for after in &plan.after {
        if let After::Publish(path) = after {
            publish(&plan.output, path)?;
        }
    }
    Ok(true)
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

/// Gives the output a second name; a copy where the file system has no hard links. It appears complete or not at all.
fn publish(output: &Path, published: &Path) -> Result<()> {
    let directory = published.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staging = tempfile::Builder::new().prefix(".hollow-").tempdir_in(directory);
    let result = staging.and_then(|staging| {
        let staged = staging.path().join("published");
        std::fs::hard_link(output, &staged).or_else(|_| std::fs::copy(output, &staged).map(|_| ()))?;
        std::fs::rename(&staged, published)
    });
    result.with_context(|| format!("cannot publish the proc-macro as `{}`", published.display()))
}

/// Which state a file is in, to tell whether rustc or its linker has touched it.
#[derive(PartialEq, Eq)]
struct Stamp(Option<(u64, u64, u64, SystemTime)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        let metadata = path.symlink_metadata().ok();
        Self(metadata.and_then(|found| Some((found.dev(), found.ino(), found.len(), found.modified().ok()?))))
    }
}

fn cannot_run(program: &Path, error: io::Error) -> anyhow::Error {
    anyhow!("cannot run rustc as `{}`: {error}", program.display())
}
