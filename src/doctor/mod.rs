//! `hollow doctor`: macros that expand differently each time, by expanding a crate several times in processes of their own.
//!
//! Each has the system's seeds for its `HashMap`s, its own process id, temporary directory, addresses and time. What depends on something that stays the same here
//! (the working directory, the order of a directory, the day) is not found; [`library`] says what a macro could use.

mod library;
mod tree;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use similar::TextDiff;
use tempfile::TempDir;

use self::tree::Difference;
use crate::action::{Action, Explain, Machine, Options, Plan, Remedy, first_error, plan};
use crate::inspect::Format;
use crate::process::{Ended, Invocation, Limits, Preload, Runner};
use crate::rustc::{CommandLine, Edit, Extern, Name, Opt, SearchPath};

/// The status if a macro was found.
const FOUND: u8 = 1;

/// How to look.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// How often the crate is expanded, at least twice.
    pub runs: u16,
    /// The form of the report.
    pub format: Format,
}

/// What was found in a crate. As JSON, in one line, it is what `--doctor-report` takes.
#[derive(Debug, Serialize)]
struct Report<'a> {
    #[serde(rename = "crate")]
    crate_name: &'a str,
    runs: u16,
    /// What the actions do about it; nothing if nothing was found.
    remedy: Option<Remedy>,
    macros: Vec<Difference>,
    /// How two expansions of the crate differ.
    diff: String,
    libraries: Vec<Library>,
}

#[derive(Debug, Serialize)]
struct Library {
    path: PathBuf,
    could_use: Vec<&'static str>,
}

/// Expands the crate and reports. The status is 1 if a macro was found that does not expand the same way each time.
pub fn run(line: CommandLine, program: &Path, request: Request) -> Result<ExitCode> {
    // As the link action compiles it: a library against hollow rlibs, if they are there.
    let libraries = libraries(&line)?;
    let plan = plan(Action::Link, line, &Options::default(), &Machine, &mut Explain::Silent)?;
    let doctor = Doctor { plan: &plan, program, runner: Runner::new().context("cannot listen for signals")? };
    let found = doctor.examine(request.runs)?;
    let remedy = match found {
        None => None,
        Some(_) if doctor.two(request.runs, Seeds::ForEachCall).is_ok_and(|two| two.is_none()) => Some(Remedy::CrossThread),
        Some(_) => Some(Remedy::Plain),
    };
    let (macros, diff) = found.unwrap_or_default();
    let report = Report { crate_name: &plan.crate_name, runs: request.runs, remedy, macros, diff, libraries };
    let text = match request.format {
        Format::Json => serde_json::to_string(&report).context("a path is no text")? + "\n",
        Format::Text => report.text(),
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the report")?;
    Ok(if remedy.is_some() { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// What the `HashMap`s of macros start from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seeds {
    Random,
    /// Fixed seeds, and a thread for each call, so that it does not depend on the calls before it.
    ForEachCall,
}

const EXPANDED: &str = "expanded";
const TREE: &str = "ast-tree,expanded";

struct Doctor<'a> {
    plan: &'a Plan,
    program: &'a Path,
    runner: Runner,
}

impl Doctor<'_> {
    /// The macros that differ among so many expansions, and how two of these differ, if they do.
    fn examine(&self, runs: u16) -> Result<Option<(Vec<Difference>, String)>> {
        let Some((one, other)) = self.two(runs, Seeds::Random)? else { return Ok(None) };
        let diff = TextDiff::from_lines(&one, &other).unified_diff().context_radius(1).header("one", "other").to_string();
        let first = self.print(TREE, Seeds::Random)?;
        let mut found: Vec<Difference> = Vec::new();
        for _ in 1..runs {
            for difference in tree::differences(&first, &self.print(TREE, Seeds::Random)?) {
                if found.iter().all(|known| known.name != difference.name) {
                    found.push(difference);
                }
            }
        }
        Ok(Some((found, diff)))
    }

    /// The first of so many prints and one that differs from it, if one does.
    fn two(&self, runs: u16, seeds: Seeds) -> Result<Option<(String, String)>> {
        let first = self.print(EXPANDED, seeds)?;
        for _ in 1..runs {
            let other = self.print(EXPANDED, seeds)?;
            if other != first {
                return Ok(Some((first, other)));
            }
        }
        Ok(None)
    }

    /// What rustc prints of the crate, by a process of its own.
    fn print(&self, what: &str, seeds: Seeds) -> Result<String> {
        let scratch = TempDir::with_prefix("hollow-")?;
        let output = scratch.path().join("expanded");
        let mut env = self.plan.env.clone();
        env.push(("TMPDIR".into(), scratch.path().into()));
        let mut line = printing(self.plan.line.clone(), what, &output);
        let preload = match seeds {
            Seeds::Random => None,
            Seeds::ForEachCall => {
                line.push(Remedy::cross_thread());
                Some(Preload::new(self.program).map_err(anyhow::Error::msg)?)
            }
        };
        env.extend(preload.as_ref().map(Preload::variable));
        let mut invocation = Invocation { program: self.program.to_owned(), args: line.into_tokens(), env };
        if !invocation.fits(&Limits::current()) {
            invocation.use_response_file(&scratch).context("cannot write a response file for rustc")?;
        }
        let (ended, said) = self.runner.capture(&invocation).map_err(|error| crate::action::cannot_run(self.program, error))?;
        if ended != Ended::Exited(0) {
            bail!("crate `{}` can't be expanded: rustc {ended}: {}", self.plan.crate_name, first_error(&said));
        }
        Ok(fs_err::read_to_string(&output)?)
    }
}

/// The same, but what comes out is the expanded source or its tree. Incremental compilation has no part in it.
fn printing(line: CommandLine, what: &str, output: &Path) -> CommandLine {
    let mut line = line.rewrite(|option| match option.name() {
        Name::Emit | Name::Output | Name::OutDir | Name::CapLints => Edit::Drop,
        Name::Codegen if crate::rustc::Codegen::parse(option.value()).name == "incremental" => Edit::Drop,
        _ => Edit::Keep,
    });
    line.push(Opt::new(Name::CapLints, "allow"));
    line.push(Opt::new(Name::Unstable, format!("unpretty={what}")));
    line.push(Opt::new(Name::Output, output));
    line
}

/// The proc-macros that a command line names or can find, and what they could use.
fn libraries(line: &CommandLine) -> Result<Vec<Library>> {
    let is_library = |path: &PathBuf| path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION);
    let named = line.values(Name::Extern).filter_map(|value| Extern::parse(value).path);
    let searched = line.values(Name::LibraryPath).map(SearchPath::parse).filter(|search| search.kind.finds_crates());
    let found = searched.flat_map(|search| search.path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = named.chain(found).filter(is_library).filter(|path| path.is_file()).collect();
    paths.sort();
    // The same library in a search path.
    paths.dedup_by(|one, other| one.file_name() == other.file_name());
    let look = |path: PathBuf| Ok(Library { could_use: library::could_use(&path)?, path });
    paths.into_iter().map(look).collect()
}

impl Report<'_> {
    fn text(&self) -> String {
        let Self { crate_name, runs, remedy, macros, diff, libraries } = self;
        let mut text = String::new();
        for Difference { name, .. } in macros {
            text += &format!("crate `{crate_name}`: `{name}` expands differently each time\n");
        }
        text += diff;
        text += &match remedy {
            None => format!("crate `{crate_name}`: {runs} expansions are the same\n"),
            Some(Remedy::CrossThread) => format!(
                "crate `{crate_name}`: with fixed seeds, and a thread for each macro call, {runs} expansions are the same: --doctor-report has the actions do that\n"
            ),
            Some(Remedy::Plain) => format!(
                "crate `{crate_name}`: fixed seeds do not help: --doctor-report has the actions make it plain, and verify it\n"
            ),
        };
        for Library { path, could_use } in libraries.iter().filter(|library| !library.could_use.is_empty()) {
            text += &format!("`{}` could use: {}\n", path.display(), could_use.join(", "));
        }
        text
    }
}
