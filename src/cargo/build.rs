//! Building a unit of Cargo's.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};
use fs_err as fs;

use super::compiler::{Called, Compiler};
use super::files::{Digest, Output, now};
use super::inputs::{Change, Given, Inputs, Variables, around};
use super::macros;
use super::said::Said;
use super::settings::{self, Settings};
use super::state::{Last, Made, Metadata, Outcome, Place, State};
use super::unit::Unit;
use crate::process::{Ended, Invocation, Runner, die_of};
use crate::report;
use crate::rlib::Staged;
use crate::rustc::{CommandLine, DepInfo, response_file};

/// Does what Cargo asked rustc for. Becomes plain rustc for what is no unit of Cargo's.
pub fn wrap(rustc: OsString, arguments: Vec<OsString>) -> Result<ExitCode> {
    let (compiler, arguments) = match Compiler::of(rustc, arguments) {
        Called::ForUnit(compiler, arguments) => (compiler, arguments),
        Called::ForOther(plain) => return become_plain(&plain),
    };
    let plain = compiler.invocation(arguments);
    let tokens = compiler.arguments(&plain);
    let unit = match response_file::expand(tokens.iter().cloned(), &mut |path| std::fs::read(path)) {
        Ok(tokens) => Unit::of(CommandLine::parse(tokens), |name| std::env::var_os(name)),
        // rustc has its own words for it.
        Err(_) => Err("a response file can't be read"),
    };
    let Ok(unit) = unit else { return become_plain(&plain) };
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(error) => {
            report(format_args!("warning: crate `{}` is built by plain rustc: {error:#}", unit.crate_name));
            return become_plain(&plain);
        }
    };
    let work = Work::begin(&unit, &settings, &compiler, &plain)?;
    let ended = work.run();
    if let Some(signal) = work.runner.interrupted() {
        die_of(signal);
        return Ok(Ended::Killed(signal).code().into());
    }
    ended
}

fn become_plain(plain: &Invocation) -> Result<ExitCode> {
    Err(crate::action::cannot_run(&plain.program, plain.exec()))
}

/// One unit that is being built.
pub struct Work<'a> {
    pub(super) unit: &'a Unit,
    pub(super) settings: &'a Settings,
    plain: &'a Invocation,
    runner: Runner,
    /// In nanoseconds since 1970.
    started: i64,
    pub(super) place: Place,
    pub(super) given: Given,
}

impl<'a> Work<'a> {
    fn begin(unit: &'a Unit, settings: &'a Settings, compiler: &'a Compiler, plain: &'a Invocation) -> Result<Self> {
        Ok(Self {
            unit,
            settings,
            plain,
            runner: Runner::within_group().context("cannot listen for signals")?,
            // Before anything is read.
            started: now(),
            place: Place::of(&unit.hollow_directory(), &unit.stem),
            given: Given::of(unit, compiler.rustc()),
        })
    }

    fn run(&self) -> Result<ExitCode> {
        let mut state = self.place.read().unwrap_or_default();
        let change = match &mut state.made {
            None if state.last.outcome == Outcome::Failed => Some(Change::Other("it did not compile the last time".into())),
            None => Some(Change::Other("there is no state of an earlier run".into())),
            Some(made) => self.change(made),
        };
        match change.or_else(|| self.bring_back(&mut state)) {
            None => self.skip(state),
            Some(change) => self.compile(state, change),
        }
    }

    /// The first thing in which what the unit was made from has changed.
    fn change(&self, made: &mut Made) -> Option<Change> {
        let doubt = made.doubt.clone().and_then(|name| self.doubt(made, &name));
        let given = made.inputs.given.change(&self.given);
        // Only objects are of less weight than the source.
        let read = if let Some(Change::Other(_)) = given { None } else { made.inputs.read.change(self.started) };
        let given_or_objects = match (given, doubt) {
            (Some(Change::Objects(_)), Some(doubt)) => Some(Change::Other(doubt)),
            (given, doubt) => given.or(doubt.map(Change::Other)),
        };
        read.map(Change::Other).or(given_or_objects)
    }

    /// A macro may read what nobody knows of. So if Cargo asks, and not because of a dependency alone, that may be why.
    fn doubt(&self, made: &Made, name: &str) -> Option<String> {
        let newest = made.outputs.iter().map(|output| output.stamp.modified).max().unwrap_or_default();
        let why = match made.inputs.read.touched() {
            Some(path) => format!("{} was touched", path.display()),
            None if made.around != around() => "its manifest was touched, or its build script ran".into(),
            None if !self.given.is_newer_than(newest) => "Cargo asks for it".into(),
            None => return None,
        };
        Some(format!("{why}, and nobody knows what macro library {name} reads"))
    }

    /// Brings back outputs that Cargo has deleted. A change, if that can't be done. Dep-info it deletes for `cargo clean` alone.
    fn bring_back(&self, state: &mut State) -> Option<Change> {
        let outputs = state.made.as_mut().map_or(&mut [][..], |made| &mut made.outputs);
        let dep_info = self.unit.dep_info.as_deref();
        let is_lost =
            |output: &mut Output| if dep_info == Some(&*output.path) { !output.is_there() } else { !self.place.restore(output) };
        let lost = outputs.iter_mut().find_map(|output| is_lost(output).then(|| output.path.clone()))?;
        Some(Change::Other(format!("output {} is gone or changed", lost.display())))
    }

    /// Nothing has changed.
    fn skip(&self, mut state: State) -> Result<ExitCode> {
        state.last = self.last(Outcome::Skipped, "nothing that it was made from has changed".into());
        let said = Said::new(self.unit);
        if let Some(made) = &mut state.made {
            for output in &mut made.outputs {
                self.place.touch(output).with_context(|| format!("cannot touch `{}`", output.path.display()))?;
            }
            state.metadata = made.metadata.as_ref().map(|metadata| metadata.among(&made.outputs));
        }
        // Before anybody is told that it is there.
        self.place.write(&state)?;
        said.announce();
        state.made.iter().flat_map(|made| &made.said).for_each(|line| said.say(line.as_bytes()));
        self.explain(format_args!("nothing to do"));
        Ok(ExitCode::SUCCESS)
    }

    fn compile(&self, mut state: State, change: Change) -> Result<ExitCode> {
        let (outcome, word, reason) = match change {
            Change::Objects(reason) => (Outcome::Relinked, "linked again", reason),
            Change::Other(reason) => (Outcome::Compiled, "compiled", reason),
        };
        self.explain(format_args!("{word}: {reason}"));
        let candidate = if self.unit.is_library() { self.candidate(&state) } else { Err(String::new()) };
        state.last = self.last(outcome, reason);
        let mut why = candidate.as_ref().err().cloned().unwrap_or_default();
        state.last.interface = self.words(&why, &state.last.reason);
        let before = state.made.as_ref().and_then(|made| Some(made.metadata.as_ref()?.digest.clone()));
        // From here on outputs change: what is in place is not to be believed, but their second names are.
        state.metadata = None;
        if let Err(error) = self.place.write(&state) {
            report(format_args!("warning: crate `{}` is built by plain rustc: {error:#}", self.unit.crate_name));
            return become_plain(self.plain);
        }
        // A linker may write into the file that is there.
        self.unit.linked.iter().for_each(|output| drop(std::fs::remove_file(output)));
        let dep_info = state.made.as_ref().and_then(|made| {
            let of_made = made.outputs.iter().find(|output| Some(&output.path) == self.unit.dep_info.as_ref());
            std::fs::read(&of_made.filter(|output| output.is_there())?.path).ok()
        });

        let mut said = Said::new(self.unit);
        let mut held = None;
        let ended = self.runner.stream(self.plain, |line| {
            if !Said::tells_of_metadata(line) {
                said.hear(line);
            } else if candidate.is_ok() {
                held = Some(line.to_vec());
            } else {
                // Dependents start when Cargo hears it, and look at the state.
                state.metadata = self.metadata_of_rustc(before.as_ref(), &why);
                if let Err(error) = self.place.write(&state) {
                    self.explain(format_args!("no state: {error:#}"));
                }
                said.say(line);
            }
        });
        let ended = ended.map_err(|error| crate::action::cannot_run(&self.plain.program, error))?;
        if ended != Ended::Exited(0) {
            return self.failed(state, ended, dep_info);
        }
        let is_kept = match candidate.as_ref().map(|candidate| self.keep(&mut state, candidate)) {
            Ok(Ok(Ok(()))) => {
                state.last.interface = "interface unchanged".into();
                true
            }
            Ok(Ok(Err(reason))) => {
                state.last.interface = self.words(&reason, &state.last.reason);
                why = reason;
                false
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => false,
        };
        if held.is_some() && !is_kept {
            state.metadata = self.metadata_of_rustc(before.as_ref(), &why);
        }
        // Without state, everything is as it should be, but for the next run, which compiles again.
        if let Err(error) = self.finish(state, &said, is_kept) {
            let _ = self.place.remove_all();
            self.explain(format_args!("no state: {error:#}"));
        }
        held.iter().for_each(|line| said.say(line));
        Ok(ExitCode::SUCCESS)
    }

    /// What becomes of a library's metadata if they are not kept, for people.
    fn words(&self, why: &str, reason: &str) -> String {
        if why.is_empty() || why.starts_with("interface changed") {
            return why.to_owned();
        }
        self.explain(format_args!("its metadata are published: {why}"));
        // Once is enough.
        if why == reason { "published".into() } else { format!("published: {why}") }
    }

    /// It does not compile. What is known of it outlives that.
    fn failed(&self, mut state: State, ended: Ended, dep_info: Option<Vec<u8>>) -> Result<ExitCode> {
        if let Some(signal) = self.runner.interrupted() {
            return Ok(Ended::Killed(signal).code().into());
        }
        if let Ended::Killed(_) = ended {
            report(format_args!("error: rustc {ended} while compiling crate `{}`", self.unit.crate_name));
        }
        if let (Some(path), Some(dep_info)) = (&self.unit.dep_info, dep_info)
            && let Some(made) = &mut state.made
            && let Some(output) = made.outputs.iter_mut().find(|output| output.path == *path)
        {
            let mut staged = Staged::beside(path)?;
            std::io::Write::write_all(staged.file(), &dep_info)?;
            staged.publish(path)?;
            output.look_again()?;
        }
        state.last.outcome = Outcome::Failed;
        self.place.write(&state)?;
        Ok(ended.code().into())
    }

    /// Takes down what was made from what.
    fn finish(&self, mut state: State, said: &Said, is_kept: bool) -> Result<()> {
        let inputs = Inputs { given: self.given.clone(), read: self.read()? };
        let mut outputs = Vec::new();
        let mut objects = Vec::new();
        for path in self.unit.outputs() {
            let mut output = Output::of(path).context("an output is missing")?;
            // Dependents may have started when they were told of metadata, and must not look older.
            if state.metadata.is_none() || Some(path) != self.unit.rmeta.as_deref() {
                self.place.touch(&mut output)?;
            }
            if Some(path) != self.unit.dep_info.as_deref() {
                self.place.keep(path)?;
            }
            outputs.push(output);
        }
        for linked in self.unit.linked.iter().filter(|_| !self.unit.is_program()) {
            objects.push(Digest::of_file(linked)?);
        }
        let objects = Digest::of_all(objects.iter().map(Digest::as_bytes));
        if state.metadata.is_none() && self.unit.is_library() {
            let macros = self.given.macros();
            let digest = Digest::of_all([objects.as_bytes(), macros.as_bytes()]);
            state.metadata = Some(Metadata { rmeta: None, digest, macros, change: None });
        }
        state.metadata = state.metadata.map(|metadata| metadata.among(&outputs));
        let doubt = macros::unknown(self.unit, self.own_metadata().as_deref());
        if !is_kept {
            state.published = match &state.metadata {
                Some(metadata) if doubt.is_none() && self.unit.is_library() => self.publish(&inputs, metadata)?,
                _ => None,
            };
        }
        let said = said.lines().context("the compiler said something that is no text")?;
        let metadata = state.metadata.clone();
        state.made = Some(Made { inputs, around: around(), doubt, outputs, metadata, objects, said });
        self.place.write(&state)
    }

    /// What rustc has read.
    pub(super) fn read(&self) -> Result<Variables> {
        let dep_info = self.unit.dep_info.as_deref().context("there is no dep-info")?;
        Variables::of(DepInfo::parse(&fs::read(dep_info)?), self.started).context("a source is gone")
    }

    fn last(&self, outcome: Outcome, reason: String) -> Last {
        // Without `cargo hollow`, all units of a run have one parent.
        let parent = || format!("process {}", std::os::unix::process::parent_id());
        Last {
            run: std::env::var(settings::RUN).unwrap_or_else(|_| parent()),
            when: self.started,
            package: std::env::var("CARGO_PKG_NAME").unwrap_or_default(),
            kind: self.unit.kind(),
            crate_name: self.unit.crate_name.clone(),
            outcome,
            reason,
            interface: String::new(),
        }
    }

    pub(super) fn explain(&self, text: std::fmt::Arguments<'_>) {
        self.settings.explain().note(format_args!("crate `{}`: {text}", self.unit.crate_name));
    }
}
