//! Calling the linker as rustc would have, with the full rlibs.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::failure::{self, Failure};
use super::manifest::{Call, Piece};
use super::plan::{LinkPlan, Unpacked, directory_of};
use crate::process::{Ended, Invocation, Limits, Runner};
use crate::rlib::{self, Kind};
use crate::rustc::{CommandLine, Extern, Name, SearchPath};

/// Where full rlibs may be: all paths at which there could be one with this file name. The one with the right metadata is taken.
pub type Libraries<'a> = dyn Fn(&str) -> Vec<PathBuf> + 'a;

/// A plan and where its parts are now.
pub struct Replay<'a> {
    /// The plan.
    pub plan: &'a LinkPlan,
    /// The full rlibs.
    pub libraries: &'a Libraries<'a>,
    /// rustc's sysroot.
    pub sysroot: &'a Path,
    /// Where the program goes.
    pub output: &'a Path,
}

/// What the linker came to.
#[derive(Debug)]
pub enum Linked {
    /// The program is there. The text is what the linker said.
    Done(String),
    /// The linker failed. Nothing is left.
    Failed(Failure),
    /// This process was asked to stop by this signal. Nothing is left.
    Interrupted(Ended),
}

impl Replay<'_> {
    /// Links. The program appears complete or not at all.
    ///
    /// An error means that the plan can't be used: it is an unsplit one, an rlib is missing or has other metadata than the compilation has
    /// seen, or rustc is another one.
    pub fn run(&self, runner: &Runner) -> Result<Linked> {
        let call = self.plan.manifest().call().map_err(|reason| anyhow!("it is an unsplit plan: {reason}"))?;
        let rlibs = self.rlibs(call)?;
        let place = directory_of(self.output);
        let unpacked = self.plan.unpack(place)?;
        let staging =
            tempfile::Builder::new().prefix(".hollow-").tempdir_in(place).context("cannot make a place for the output")?;
        // What is no file (`/dev/null`) can't be replaced.
        let in_place = self.output.metadata().is_ok_and(|found| !found.is_file());
        let results = staging.path().join("output");
        fs::create_dir(&results)?;
        let output = match self.output.file_name() {
            Some(name) if !in_place => results.join(name),
            _ => self.output.to_owned(),
        };
        let parts = Parts { replay: self, rlibs: &rlibs, unpacked: &unpacked, output: &output, scratch: staging.path() };
        let mut arguments = call.arguments.iter().map(|argument| parts.join(argument)).collect::<Result<Vec<_>>>()?;
        let environment = parts.environment(call)?;
        let linker = call.linker.to_os_string();
        let Some(program) = find(&linker, &environment) else {
            return Ok(Linked::Failed(Failure::not_found(&linker)));
        };
        loop {
            let (ended, output) = self.call(runner, &program, &arguments, &environment, staging.path())?;
            match ended {
                _ if runner.interrupted().is_some() => return Ok(Linked::Interrupted(ended)),
                Ended::Exited(0) => {
                    for entry in fs::read_dir(&results)? {
                        let entry = entry?;
                        fs::rename(entry.path(), place.join(entry.file_name()))
                            .with_context(|| format!("cannot write `{}`", self.output.display()))?;
                    }
                    return Ok(Linked::Done(output));
                }
                _ => {}
            }
            match failure::retry(&output, &arguments) {
                Some(option) => arguments.retain(|argument| argument != option),
                None => {
                    let failure = Failure { linker, ended, arguments, environment, output, sysroot: self.sysroot.to_owned() };
                    return Ok(Linked::Failed(failure));
                }
            }
        }
    }

    /// The paths of the full rlibs.
    fn rlibs(&self, call: &Call) -> Result<Vec<PathBuf>> {
        self.check_rustc(call)?;
        call.rlibs.iter().map(|rlib| self.rlib(&rlib.file, &rlib.identity)).collect()
    }

    fn rlib(&self, file: &str, identity: &str) -> Result<PathBuf> {
        let plan = self.plan.path().display();
        let mut other = None;
        for path in (self.libraries)(file) {
            let Ok(found) = rlib::Identity::read(&path) else { continue };
            if found.text == identity && found.kind == Kind::Full {
                return Ok(path);
            }
            other = Some((path, found));
        }
        match other {
            Some((path, found)) if found.text == identity => bail!(
                "`{}` is a hollow rlib, and the link plan `{plan}` needs object code: make the full rlib with `hollow link`",
                path.display()
            ),
            Some((path, found)) => bail!(
                "the metadata of `{}` ({}) are not those that the link plan `{plan}` was compiled against ({identity}): \
                 seal the rlib with its hollow twin, or compile again",
                path.display(),
                found.text
            ),
            None => bail!("the link plan `{plan}` needs `{file}`, and neither --extern nor -L leads to it: build it first"),
        }
    }

    /// The metadata of rustc's own rlibs say which rustc it is.
    fn check_rustc(&self, call: &Call) -> Result<()> {
        let own = |argument: &[Piece]| match argument {
            [Piece::Sysroot, Piece::Text(rest)] => Some(rest.to_os_string()).filter(|rest| is_rlib(rest)),
            _ => None,
        };
        let Some(rest) = call.arguments.iter().find_map(|argument| own(argument)) else { return Ok(()) };
        let mut path = self.sysroot.as_os_str().to_owned();
        path.push(rest);
        let path = PathBuf::from(path);
        let plan = self.plan.path().display();
        match rlib::Identity::read(&path) {
            Ok(found) if found.rustc == call.rustc => Ok(()),
            Ok(found) => bail!(
                "the link plan `{plan}` was made by {}, and this is {}: use one rustc for both actions",
                call.rustc,
                found.rustc
            ),
            Err(_) => bail!(
                "the link plan `{plan}` was made by {}, and the rustc here has no `{}`: use one rustc for both actions",
                call.rustc,
                path.display()
            ),
        }
    }

    /// Calls the linker once. What it says is the second result, as rustc shows it: standard error, then standard output.
    fn call(
        &self,
        runner: &Runner,
        program: &Path,
        arguments: &[OsString],
        environment: &[(OsString, OsString)],
        scratch: &Path,
    ) -> Result<(Ended, String)> {
        let mut invocation = Invocation { program: program.to_owned(), args: arguments.to_vec(), env: environment.to_vec() };
        if !invocation.fits(&Limits::current()) {
            let file = scratch.join("linker-arguments");
            fs::write(&file, failure::response_file(arguments)).context("cannot write a response file for the linker")?;
            let mut token = OsString::from("@");
            token.push(file);
            invocation.args = vec![token];
        }
        let said = scratch.join("said");
        let mut command = invocation.command();
        command.stdin(std::process::Stdio::null()).stdout(File::create(&said)?);
        let mut stderr = Vec::new();
        let ended = runner.listen(&mut command, &mut |bytes| {
            stderr.extend_from_slice(bytes);
            std::ops::ControlFlow::Continue(())
        });
        let ended = ended.map_err(|error| anyhow!("cannot run the linker as `{}`: {error}", program.display()))?;
        stderr.extend_from_slice(&fs::read(&said)?);
        let output = match String::from_utf8(stderr) {
            Ok(text) => text,
            Err(error) => format!("Non-UTF-8 output: {}", error.as_bytes().escape_ascii()),
        };
        Ok((ended, output))
    }
}

/// What the pieces of arguments stand for.
struct Parts<'a> {
    replay: &'a Replay<'a>,
    rlibs: &'a [PathBuf],
    unpacked: &'a Unpacked,
    output: &'a Path,
    scratch: &'a Path,
}

impl Parts<'_> {
    fn join(&self, pieces: &[Piece]) -> Result<OsString> {
        let mut argument = OsString::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => argument.push(text.to_os_string()),
                Piece::Plan(name) => argument.push(self.unpacked.path(name)?),
                Piece::Rlib(number) => argument.push(self.rlib(*number)?),
                Piece::Packed { rlib, member } => argument.push(self.packed(*rlib, member)?),
                Piece::Sysroot => argument.push(self.replay.sysroot),
                Piece::Output => argument.push(self.output),
                Piece::Directory => argument.push(std::env::current_dir().context("cannot tell the working directory")?),
            }
        }
        Ok(argument)
    }

    fn rlib(&self, number: usize) -> Result<&Path> {
        self.rlibs.get(number).map(PathBuf::as_path).context("the link plan names an rlib that it does not list")
    }

    /// Takes a native library out of an rlib, as rustc does before it calls the linker.
    fn packed(&self, number: usize, member: &str) -> Result<PathBuf> {
        let directory = self.scratch.join(number.to_string());
        fs::create_dir_all(&directory)?;
        let name = Path::new(member).file_name().context("the link plan names a member without a name")?;
        let path = directory.join(name);
        fs::write(&path, rlib::packed_library(self.rlib(number)?, member)?)?;
        Ok(path.canonicalize()?)
    }

    fn environment(&self, call: &Call) -> Result<Vec<(OsString, OsString)>> {
        let mut environment: Vec<(OsString, OsString)> =
            call.environment.iter().map(|(name, value)| (name.into(), value.to_os_string())).collect();
        let own = call.path.iter().map(|entry| self.join(entry).map(PathBuf::from)).collect::<Result<Vec<_>>>()?;
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&inherited)))?;
        environment.push(("PATH".into(), path));
        Ok(environment)
    }
}

/// The program that rustc would start.
fn find(linker: &OsStr, environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value);
    which::which_in(linker, path, std::env::current_dir().ok()?).ok()
}

fn is_rlib(path: &OsStr) -> bool {
    Path::new(path).extension() == Some("rlib".as_ref())
}

/// Where the full rlibs of a command line are: by `--extern`, and in the search paths. `full` is the full rlib, or the directory of full
/// rlibs, that belongs to a path of the command line.
pub fn libraries_of(line: &CommandLine, full: impl Fn(&Path) -> PathBuf) -> impl Fn(&str) -> Vec<PathBuf> {
    let named: Vec<PathBuf> = line
        .values(Name::Extern)
        .filter_map(|value| Extern::parse(value).path)
        .map(|path| full(&if path.extension() == Some("rmeta".as_ref()) { path.with_extension("rlib") } else { path }))
        .collect();
    let searched = line.values(Name::LibraryPath).map(SearchPath::parse).filter(|search| search.kind.finds_crates());
    let searched: Vec<PathBuf> = searched.map(|search| full(&search.path)).collect();
    move |file| {
        let named = named.iter().filter(|path| path.file_name() == Some(file.as_ref())).cloned();
        let mut paths: Vec<PathBuf> = named.chain(searched.iter().map(|directory| directory.join(file))).collect();
        paths.retain(|path| path.is_file());
        paths
    }
}

/// The sysroot of a rustc: `--sysroot`, or where rustc's own file is; a proxy (rustup's) has to be asked.
pub fn sysroot(line: &CommandLine, program: &Path) -> io::Result<PathBuf> {
    if let Some(given) = line.values(Name::Sysroot).next_back() {
        return Ok(given.into());
    }
    let real = program.canonicalize()?;
    if let Some(sysroot) = real.parent().and_then(Path::parent).filter(|sysroot| sysroot.join("lib/rustlib").is_dir()) {
        return Ok(sysroot.to_owned());
    }
    let output = std::process::Command::new(program).args(["--print", "sysroot"]).output()?;
    let text = String::from_utf8(output.stdout).map_err(io::Error::other)?;
    match text.trim_end() {
        "" => Err(io::Error::other(format!("`{}` does not tell its sysroot", program.display()))),
        sysroot => Ok(sysroot.into()),
    }
}
