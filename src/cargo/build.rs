//! Building a unit of Cargo's.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use fs_err as fs;

use super::compiler::{Called, Compiler};
use super::files::{Digest, Output, now, touch};
use super::inputs::{Change, Given, Inputs, Variables};
use super::jobs::Jobs;
use super::metadata::Hollow;
use super::passes;
use super::said::Said;
use super::settings::{self, Settings};
use super::state::{Last, Made, Metadata, Outcome, Place, Stage, State};
use super::unit::Unit;
use crate::process::{Ended, Invocation, Runner, die_of};
use crate::report;
use crate::rlib::Seal;
use crate::rustc::{CommandLine, DepInfo, bootstrap, response_file};

/// Does what Cargo asked rustc for. Becomes plain rustc for what is no unit of Cargo's.
pub fn wrap(rustc: OsString, arguments: Vec<OsString>) -> Result<ExitCode> {
    let jobs = Jobs::of_cargo();
    let (compiler, arguments) = match Compiler::of(rustc, arguments) {
        Called::ForUnit(compiler, arguments) => (compiler, arguments),
        Called::ForOther(plain) => return become_plain(&plain),
    };
    let plain = compiler.invocation(arguments, &[]);
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
    let work = Work::begin(&unit, &settings, &compiler, &plain, &jobs)?;
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
    pub(super) compiler: &'a Compiler,
    plain: &'a Invocation,
    pub(super) runner: Runner,
    jobs: &'a Jobs,
    /// In nanoseconds since 1970.
    pub(super) started: i64,
    pub(super) place: Place,
    pub(super) given: Given,
}

impl<'a> Work<'a> {
    fn begin(
        unit: &'a Unit,
        settings: &'a Settings,
        compiler: &'a Compiler,
        plain: &'a Invocation,
        jobs: &'a Jobs,
    ) -> Result<Self> {
        Ok(Self {
            unit,
            settings,
            compiler,
            plain,
            jobs,
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
            Some(made) => {
                let around = made.inputs.given.change(&self.given);
                // Only objects are of less weight than the source.
                let read = if let Some(Change::Other(_)) = around { None } else { made.inputs.read.change(self.started) };
                read.map(Change::Other).or(around)
            }
        };
        let change = change.or_else(|| self.bring_back(&mut state));
        let Some(change) = change else { return self.skip(state) };
        self.compile(state, change)
    }

    /// Brings back outputs that Cargo has deleted. A change, if that can't be done. Dep-info it deletes for `cargo clean` alone.
    fn bring_back(&self, state: &mut State) -> Option<Change> {
        let outputs = state.made.as_mut().map_or(&mut [][..], |made| &mut made.outputs);
        let dep_info = self.unit.dep_info.as_deref();
        let mut lost = outputs.iter_mut().filter_map(|output| {
            let is_there = if dep_info == Some(&*output.path) { output.is_there() } else { self.place.restore(output) };
            (!is_there).then(|| output.path.clone())
        });
        let lost = lost.next()?;
        Some(Change::Other(format!("output {} is gone or changed", lost.display())))
    }

    /// Nothing has changed.
    fn skip(&self, mut state: State) -> Result<ExitCode> {
        state.last = self.last(Outcome::Skipped, "nothing that it was made from has changed".into());
        if let Some(made) = &mut state.made {
            // Dependents look at the `.rmeta` alone, where there is more: it need not look new.
            let linked = made.outputs.len() > 1 && !self.unit.is_checked();
            let rmeta = self.unit.rmeta.as_deref();
            for output in made.outputs.iter_mut().filter(|output| !(linked && Some(&*output.path) == rmeta)) {
                touch(output).with_context(|| format!("cannot touch `{}`", output.path.display()))?;
            }
            if let Some(output) = state.metadata.as_mut().and_then(|metadata| metadata.rmeta.as_mut())
                && let Some(now) = made.outputs.iter().find(|now| now.path == output.path)
            {
                output.clone_from(now);
            }
        }
        // Before anybody is told that it is there.
        self.write(&state)?;
        let mut said = Said::new(self.unit);
        said.announce();
        state.made.iter().flat_map(|made| &made.said).for_each(|line| said.say(line.as_bytes()));
        self.explain(format_args!("nothing to do"));
        Ok(ExitCode::SUCCESS)
    }

    fn compile(&self, mut state: State, change: Change) -> Result<ExitCode> {
        let (outcome, reason) = match change {
            Change::Objects(reason) => (Outcome::Relinked, reason),
            Change::Other(reason) => (Outcome::Compiled, reason),
        };
        self.explain(format_args!("compiled: {reason}"));
        state.last = self.last(outcome, reason);
        state.made = None;
        // From here on outputs change, so none of them is to be believed.
        if let Err(error) = self.write(&state) {
            report(format_args!("warning: crate `{}` is built by plain rustc: {error:#}", self.unit.crate_name));
            return become_plain(self.plain);
        }
        self.unit.linked.iter().for_each(|output| self.place.forget(output));
        let is_checked_library = self.unit.is_checked() && self.unit.is_library();
        let (hollow, made) = if is_checked_library { self.at_a_time(&mut state) } else { self.in_turn(&mut state) };
        if made.is_err() && self.runner.interrupted().is_some() {
            return Ok(ExitCode::FAILURE);
        }
        let (ended, said) = made?;
        if ended != Ended::Exited(0) {
            if let Ended::Killed(_) = ended {
                report(format_args!("error: rustc {ended} while compiling crate `{}`", self.unit.crate_name));
            }
            state.last.outcome = Outcome::Failed;
            self.write(&state)?;
            let is_tolerable = matches!((hollow, ended), (Some(Hollow::Checked), Ended::Exited(_)));
            if is_tolerable && self.fails_silently(&said).is_some() {
                return Ok(ExitCode::SUCCESS);
            }
            return Ok(ended.code().into());
        }
        // Without state, everything is as it should be, but for the next run, which compiles again.
        if let Err(error) = self.finish(state, said) {
            self.place.remove();
            self.explain(format_args!("no state: {error:#}"));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The hollow pass, then the full one, which has to be sealed.
    fn in_turn(&self, state: &mut State) -> (Option<Hollow>, Result<(Ended, Said<'_>)>) {
        let hollow = self.hollow_or_none(state, || ());
        let made = match &hollow {
            _ if self.runner.interrupted().is_some() => Err(anyhow!("interrupted")),
            Some(Hollow::Seal(seal)) => self.full(&self.runner, Some(seal)).map(|(ended, said, _)| (ended, said)),
            Some(Hollow::Checked) | None => self.by_plain_rustc(state),
        };
        (hollow, made)
    }

    /// Both passes of what is only checked: neither needs the other, and no dependent starts before both have ended. So they run at a time if Cargo has
    /// a job slot to spare.
    fn at_a_time(&self, state: &mut State) -> (Option<Hollow>, Result<(Ended, Said<'_>)>) {
        let (running, ended) = std::sync::mpsc::channel::<()>();
        let slot = || {
            let slot = self.jobs.free_slot();
            if slot.is_none() {
                // Nothing is ever sent; this returns when the sender is gone.
                let _ = ended.recv();
            }
            slot
        };
        let (hollow, made) = std::thread::scope(|scope| {
            let full = scope.spawn(move || {
                let _running = running;
                self.full(&Runner::within_group().context("cannot listen for signals")?, None)
            });
            let hollow = self.hollow_or_none(state, slot);
            (hollow, full.join().unwrap_or_else(|_| Err(anyhow!("the full pass was not attended to its end"))))
        });
        let made = made.and_then(|(ended, said, staging)| {
            if hollow.is_none()
                && ended == Ended::Exited(0)
                && let Some(name) = self.unit.rmeta.as_deref().and_then(Path::file_name)
            {
                self.take(state, &staging.path().join(name))?;
            }
            Ok((ended, said))
        });
        (hollow, made)
    }

    fn hollow_or_none<Slot>(&self, state: &mut State, slot: impl FnOnce() -> Slot) -> Option<Hollow> {
        let hollow = self.hollow(state, slot).unwrap_or_else(|error| {
            report(format_args!("warning: crate `{}` is built by plain rustc: {error:#}", self.unit.crate_name));
            None
        });
        if hollow.is_none() {
            state.metadata = None;
            if self.unit.is_library() {
                state.last.interface = "the compiler's own metadata".into();
            }
        }
        hollow
    }

    /// Tells `cargo hollow check` that the unit has failed, instead of Cargo, which will call it fresh. Its dep-info names a file that does not
    /// exist, so that Cargo calls again the next time. `None` if Cargo has to be told.
    fn fails_silently(&self, said: &Said) -> Option<()> {
        let failures = std::env::var_os(settings::FAILURES)?;
        let dep_info = self.unit.dep_info.as_deref()?;
        let rmeta = self.unit.rmeta.as_deref()?.display().to_string().replace(' ', "\\ ");
        let missing = self.unit.hollow_directory().join("failed").display().to_string().replace(' ', "\\ ");
        let text = fs::read_to_string(dep_info).ok().filter(|text| text.contains(": ")).unwrap_or_else(|| format!("{rmeta}: "));
        // The first rule has all files.
        fs::write(dep_info, text.replacen(": ", &format!(": {missing} "), 1)).ok()?;
        let errors = said.errors();
        let plural = if errors == 1 { "" } else { "s" };
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let line = format!("`{package}` ({}) due to {errors} previous error{plural}\n", self.unit.target());
        let mut failures = fs::OpenOptions::new().append(true).open(failures).ok()?;
        failures.write_all(line.as_bytes()).ok()
    }

    /// Takes down what was made from what.
    fn finish(&self, mut state: State, said: Said) -> Result<()> {
        let dep_info = self.unit.dep_info.as_deref().context("there is no dep-info")?;
        let dep_info = DepInfo::parse(&fs::read(dep_info)?);
        let read = Variables::of(dep_info, self.started).context("a source is gone")?;
        let missing = || anyhow!("an output is missing");
        let outputs = self.unit.outputs().map(|path| Output::of(path).ok_or_else(missing)).collect::<Result<Vec<_>>>()?;
        for output in outputs.iter().filter(|output| Some(&*output.path) != self.unit.dep_info.as_deref()) {
            self.place.keep(&output.path)?;
        }
        let mut objects = Vec::new();
        for linked in self.unit.linked.iter().filter(|_| !self.unit.is_program()) {
            objects.push(Digest::of_file(linked)?);
        }
        let objects = Digest::of_all(objects.iter().map(Digest::as_bytes));
        if state.metadata.is_none() && self.unit.is_library() {
            let digest = Digest::of_all([objects.as_bytes(), self.given.macros().as_bytes()]);
            state.metadata = Some(Metadata { rmeta: None, digest, macros: self.given.macros(), interface: None, change: None });
        }
        let said = said.into_lines().context("the compiler said something that is no text")?;
        state.made = Some(Made { inputs: Inputs { given: self.given.clone(), read }, outputs, objects, said });
        self.write(&state)
    }

    /// Makes everything but the `.rmeta`, and seals the rlib: Cargo may have started dependents, so there is no way back to plain rustc. What is only
    /// checked leaves its metadata in the directory that is returned.
    fn full(&self, runner: &Runner, seal: Option<&Seal>) -> Result<(Ended, Said<'_>, Stage)> {
        let unit = self.unit;
        let staging = self.place.stage("full")?;
        let output = match unit.linked[..] {
            [] => unit.rmeta.as_deref(),
            // rustc names the outputs of several crate types by itself, in their place.
            [_, _, ..] => None,
            [_] => unit.rlib(),
        };
        let staged = match output {
            Some(output) => staging.path().join(output.file_name().unwrap_or_default()),
            None => unit.rlib().map(Path::to_owned).unwrap_or_default(),
        };
        // What is linked has to agree with its metadata in what `RUSTC_BOOTSTRAP` decides; what is checked is checked as ever.
        let env = if seal.is_some() { self.bootstrap().unwrap_or_default() } else { Vec::new() };
        let invocation = self.invocation(passes::full(unit, &staged), &env);
        let mut said = Said::new(unit);
        let ended = runner.stream(&invocation, |line| {
            if !Said::tells_of_metadata(line) {
                // The place where it still is means nothing to anybody.
                said.hear(&crate::action::replace_path(line, &staged, output.unwrap_or(&staged)));
            }
        });
        let ended = ended.map_err(|error| crate::action::cannot_run(&invocation.program, error))?;
        if ended != Ended::Exited(0) {
            return Ok((ended, said, staging));
        }
        if let Some(seal) = seal
            && let Err(error) = seal.put_on(&staged, &staged)
        {
            // An rlib that disagrees with its `.rmeta` would only break dependents.
            let _ = fs::remove_file(&staged);
            // The place where it still is means nothing to anybody.
            let rlib = unit.rlib().unwrap_or(&staged);
            bail!("{}", error.to_string().replace(&*staged.to_string_lossy(), &rlib.to_string_lossy()));
        }
        if let Some(output) = output {
            if !unit.is_checked() {
                fs::rename(&staged, output)?;
            }
            if let Some(dep_info) = &unit.dep_info {
                // Dep-info names its target; that is the final one.
                let content = crate::action::replace_in_dep_info(&fs::read(dep_info)?, &staged, output);
                let renamed = staging.path().join("dep-info");
                fs::write(&renamed, content)?;
                fs::rename(&renamed, dep_info)?;
            }
        }
        Ok((ended, said, staging))
    }

    /// One pass, as Cargo asked for it.
    fn by_plain_rustc(&self, state: &mut State) -> Result<(Ended, Said<'_>)> {
        let mut said = Said::new(self.unit);
        let ended = self.runner.stream(self.plain, |line| {
            if !Said::tells_of_metadata(line) {
                return said.hear(line);
            }
            // Dependents start when Cargo hears it, and look at the state.
            state.metadata = self.metadata_of_rustc();
            if let Err(error) = self.write(state) {
                self.explain(format_args!("no state: {error:#}"));
            }
            said.say(line);
        });
        let ended = ended.map_err(|error| crate::action::cannot_run(&self.plain.program, error))?;
        Ok((ended, said))
    }

    pub(super) fn metadata_of_rustc(&self) -> Option<Metadata> {
        let rmeta = Output::of(self.unit.rmeta.as_deref()?)?;
        let macros = self.given.macros();
        let digest = Digest::of_all([Digest::of_file(&rmeta.path).ok()?.as_bytes(), macros.as_bytes()]);
        Some(Metadata { rmeta: Some(rmeta), digest, macros, interface: None, change: None })
    }

    /// `RUSTC_BOOTSTRAP` for both passes: it decides what symbols are called, so it has to agree. `None` if unstable options are forbidden.
    pub(super) fn bootstrap(&self) -> Option<Vec<(OsString, OsString)>> {
        match std::env::var_os(bootstrap::VARIABLE) {
            None => Some(vec![(bootstrap::VARIABLE.into(), "1".into())]),
            Some(value) if bootstrap::is_on(&value, Some(&self.unit.crate_name)) => Some(Vec::new()),
            Some(_) => None,
        }
    }

    pub(super) fn invocation(&self, line: CommandLine, env: &[(OsString, OsString)]) -> Invocation {
        self.compiler.invocation(line.into_tokens(), env)
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

    pub(super) fn write(&self, state: &State) -> Result<()> {
        self.place.write(state)
    }

    pub(super) fn explain(&self, text: std::fmt::Arguments<'_>) {
        self.settings.explain().note(format_args!("crate `{}`: {text}", self.unit.crate_name));
    }
}
