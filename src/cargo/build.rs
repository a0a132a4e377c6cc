//! Building a unit of Cargo's.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use fs_err as fs;
use tempfile::TempDir;

use super::inputs::{Change, Given, Inputs, Variables};
use super::passes;
use super::said::Said;
use super::settings::{self, Settings};
use super::state::{Digest, Interface, Last, Made, Metadata, Outcome, Output, Place, State, now, touch};
use super::unit::Unit;
use crate::action::{InterfacePass, InterfaceSource, first_error, kept_overlay, obstacle};
use crate::interface::Lines;
use crate::process::{Ended, Invocation, Runner};
use crate::report;
use crate::rlib::{Rlib, Seal, raw_metadata};
use crate::rustc::{CommandLine, DepInfo, Name, Opt, bootstrap, response_file};

/// Does what Cargo asked rustc for. Becomes plain rustc for what is no unit of Cargo's.
pub fn wrap(rustc: OsString, arguments: Vec<OsString>) -> Result<ExitCode> {
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
    let work = Work::begin(&unit, &settings, &compiler, &plain)?;
    let ended = work.run();
    if let Some(signal) = work.runner.interrupted() {
        return Ok(Ended::Killed(signal).code().into());
    }
    ended
}

fn become_plain(plain: &Invocation) -> Result<ExitCode> {
    Err(crate::action::cannot_run(&plain.program, plain.exec()))
}

/// rustc, as Cargo names it.
struct Compiler {
    /// What to start: rustc, or a wrapper such as sccache in front of it.
    program: PathBuf,
    /// rustc as the wrapper's first argument, if there is a wrapper.
    wrapped: Option<OsString>,
}

/// What Cargo calls for.
enum Called {
    ForUnit(Compiler, Vec<OsString>),
    ForOther(Invocation),
}

impl Compiler {
    /// `cargo hollow` makes hollow the wrapper of all crates if there is another wrapper, which then comes second. Cargo calls `hollow hollow
    /// rustc` for workspace members then, and `hollow rustc` for all others, which hollow leaves to the other wrapper.
    fn of(rustc: OsString, mut arguments: Vec<OsString>) -> Called {
        let Some(wrapper) = std::env::var_os(settings::INNER_WRAPPER).filter(|wrapper| !wrapper.is_empty()) else {
            return Called::ForUnit(Self { program: rustc.into(), wrapped: None }, arguments);
        };
        let is_member = std::env::var_os("RUSTC_WORKSPACE_WRAPPER").is_some_and(|own| own == rustc) && !arguments.is_empty();
        if is_member {
            let rustc = arguments.remove(0);
            return Called::ForUnit(Self { program: wrapper.into(), wrapped: Some(rustc) }, arguments);
        }
        arguments.insert(0, rustc);
        Called::ForOther(Invocation { program: wrapper.into(), args: arguments, env: Vec::new() })
    }

    fn invocation(&self, arguments: Vec<OsString>, env: &[(OsString, OsString)]) -> Invocation {
        let args = self.wrapped.iter().cloned().chain(arguments).collect();
        Invocation { program: self.program.clone(), args, env: env.to_vec() }
    }

    /// rustc's own arguments of an invocation.
    fn arguments<'a>(&self, invocation: &'a Invocation) -> &'a [OsString] {
        &invocation.args[usize::from(self.wrapped.is_some())..]
    }

    fn rustc(&self) -> &Path {
        self.wrapped.as_ref().map_or(&self.program, |rustc| Path::new(rustc))
    }

    /// Whether rustc takes unstable features without being told to.
    fn is_nightly(&self) -> bool {
        let answer = std::process::Command::new(self.rustc()).arg("-vV").output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&answer).lines().any(|line| line.starts_with("release:") && line.contains('-'))
    }
}

/// One unit that is being built.
struct Work<'a> {
    unit: &'a Unit,
    settings: &'a Settings,
    compiler: &'a Compiler,
    plain: &'a Invocation,
    runner: Runner,
    /// In nanoseconds since 1970.
    started: i64,
    place: Place,
    given: Given,
}

/// What a hollow pass has left for the full pass.
enum Hollow {
    /// The rlib has to get these metadata.
    Seal(Seal),
    /// Nothing is linked.
    Checked,
}

impl<'a> Work<'a> {
    fn begin(unit: &'a Unit, settings: &'a Settings, compiler: &'a Compiler, plain: &'a Invocation) -> Result<Self> {
        Ok(Self {
            unit,
            settings,
            compiler,
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
        let hollow = match self.hollow(&mut state) {
            Ok(hollow) => hollow,
            Err(error) => {
                report(format_args!("warning: crate `{}` is built by plain rustc: {error:#}", self.unit.crate_name));
                None
            }
        };
        if self.runner.interrupted().is_some() {
            return Ok(ExitCode::FAILURE);
        }
        if hollow.is_none() {
            state.metadata = None;
            if self.unit.is_library() {
                state.last.interface = "the compiler's own metadata".into();
            }
        }
        let made = match &hollow {
            Some(hollow) => self.full(hollow),
            None => self.by_plain_rustc(&mut state),
        };
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

    /// Makes hollow metadata, or finds that those of the last time are still right, and tells Cargo. `None` if plain rustc is to make the
    /// metadata: there can be no interface, or it does not compile, as true errors make it.
    fn hollow(&self, state: &mut State) -> Result<Option<Hollow>> {
        let unit = self.unit;
        let Some(env) = self.bootstrap().filter(|_| unit.is_library()) else { return Ok(None) };
        fs::create_dir_all(unit.hollow_directory())?;
        let staging = TempDir::with_prefix_in(".hollow-", unit.hollow_directory())?;
        let staged = staging.path().join(unit.hollow().file_name().unwrap_or_default());
        let dep_info = staging.path().join("dep-info");
        let mut plain = passes::hollow(unit, &staged, &dep_info);
        let previous = state.metadata.take();
        let Some(options) = &self.settings.interface else {
            // The plain hollow rlib, because that was asked for.
            let said = self.runner.capture(&self.invocation(plain, &env))?;
            return match said.0 {
                Ended::Exited(0) => self.publish(state, previous, &staged, None, None).map(Some),
                _ => Ok(None),
            };
        };
        if let Some(obstacle) = obstacle(&plain, &unit.settings) {
            self.explain(format_args!("plain metadata: {obstacle}"));
            return Ok(None);
        }
        let source = match InterfaceSource::extract(&plain, options, &mut crate::action::Explain::Silent) {
            Ok(source) => source,
            Err(error) => {
                self.explain(format_args!("plain metadata: {error:#}"));
                return Ok(None);
            }
        };
        let asks = source.enables_features() && std::env::var_os(bootstrap::VARIABLE).is_none();
        if asks && !self.compiler.is_nightly() {
            // RUSTC_BOOTSTRAP would open the features that plain rustc refuses. If one is asked for, the pass fails, and plain rustc says so.
            plain.push(Opt::new(Name::Unstable, "allow-features="));
        }
        let key = self.key(&source, &plain, staging.path());
        if let Some(hollow) = self.as_before(state, previous.as_ref(), &key)? {
            return Ok(Some(hollow));
        }
        let overlay = (options.lines == Lines::Drop).then(|| kept_overlay(&unit.hollow()));
        let old = overlay.as_deref().map(|overlay| source.texts_before(overlay));
        let (root, extraction) = (source.root().to_owned(), source.options().clone());
        let new = source.files().to_vec();
        let pass = source.write(&plain, &unit.hollow())?;
        let (ended, said) = self.runner.capture(&self.invocation(pass.line().clone(), &env))?;
        if ended != Ended::Exited(0) {
            pass.discard();
            self.explain(format_args!("fallback to plain metadata: {}", first_error(&said)));
            return Ok(None);
        }
        self.explain(format_args!("hollow metadata by interface"));
        let inputs = self.read_by(&pass, &dep_info, &new);
        let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from);
        let interface = inputs.map(|inputs| Interface { key, inputs, hollow: None, root, out_dir, options: extraction, overlay });
        let change = old.map(|old| crate::interface::difference(&old, &new));
        self.publish(state, previous, &staged, interface, change).map(Some)
    }

    /// What the interface source is made from, without its place.
    fn key(&self, source: &InterfaceSource, plain: &CommandLine, staging: &Path) -> Digest {
        let mut arguments = plain.clone().into_tokens();
        // The place differs each time.
        arguments.retain(|argument| !argument.to_string_lossy().contains(&*staging.to_string_lossy()));
        let externs = source.named_externs(plain);
        let mut key = self.given.key(&arguments);
        key.extend(externs.iter().map(|name| name.as_encoded_bytes()));
        for (path, text) in source.files() {
            key.extend([path.as_os_str().as_encoded_bytes(), text.as_bytes()]);
        }
        Digest::of_all(key)
    }

    /// The metadata of the last time, if they were made from the same interface source and everything else that it leads to.
    fn as_before(&self, state: &mut State, previous: Option<&Metadata>, key: &Digest) -> Result<Option<Hollow>> {
        let Some(mut metadata) = previous.cloned() else { return Ok(None) };
        let Some(interface) = metadata.interface.as_mut().filter(|interface| interface.key == *key) else { return Ok(None) };
        if interface.inputs.change(self.started).is_some() || interface.overlay.as_ref().is_some_and(|overlay| !overlay.is_dir())
        {
            return Ok(None);
        }
        let there = metadata.rmeta.as_mut().is_none_or(|rmeta| self.place.restore(rmeta))
            && interface.hollow.as_ref().is_none_or(Output::is_there);
        if !there {
            return Ok(None);
        }
        self.explain(format_args!("the interface is the same"));
        state.last.interface = "interface unchanged".into();
        state.metadata = Some(metadata);
        self.write(state)?;
        Said::new(self.unit).announce();
        self.handed_over().map(Some)
    }

    /// What a hollow pass read besides the interface source. `None` if that is not known: then the next pass is not spared.
    fn read_by(&self, pass: &InterfacePass, dep_info: &Path, files: &[(PathBuf, String)]) -> Option<Variables> {
        let mut read = DepInfo::parse(&pass.with_true_sources(&std::fs::read(dep_info).ok()?));
        read.files.retain(|path| !files.iter().any(|(file, _)| file == path));
        Variables::of(read, self.started)
    }

    /// Puts hollow metadata into their place and tells Cargo.
    fn publish(
        &self,
        state: &mut State,
        previous: Option<Metadata>,
        staged: &Path,
        mut interface: Option<Interface>,
        change: Option<Option<String>>,
    ) -> Result<Hollow> {
        let unit = self.unit;
        let bytes = if unit.is_checked() {
            fs::read(staged)?
        } else {
            let rlib = Rlib::read(staged)?;
            raw_metadata(&rlib.lib_rmeta).context("its metadata has an unknown layout")?.to_vec()
        };
        let macros = self.given.macros();
        let digest = Digest::of_all([Digest::of(&bytes).as_bytes(), macros.as_bytes()]);
        let before = previous.as_ref().map(|previous| previous.digest.clone());
        let is_same = before.as_ref() == Some(&digest);
        let mut rmeta = None;
        if let Some(path) = &unit.rmeta {
            let old = previous.and_then(|previous| previous.rmeta).filter(|_| is_same);
            // An `.rmeta` that stays as it was does not look new to Cargo.
            let kept = old.and_then(|mut old| self.place.restore(&mut old).then_some(old));
            rmeta = match kept {
                Some(old) => Some(old),
                None => {
                    let staged_rmeta = staged.with_file_name("rmeta");
                    fs::write(&staged_rmeta, &bytes)?;
                    self.place.forget(path);
                    fs::rename(&staged_rmeta, path)?;
                    self.place.keep(path)?;
                    Output::of(path)
                }
            };
        }
        if !unit.is_checked() {
            fs::rename(staged, unit.hollow())?;
            if let Some(interface) = &mut interface {
                interface.hollow = Output::of(&unit.hollow());
            }
        }
        let what = change.flatten().unwrap_or_else(|| "in some way".into());
        state.last.interface = match &before {
            _ if is_same => "interface unchanged".into(),
            None => "hollow metadata by interface".into(),
            Some(_) => format!("interface changed: {what}"),
        };
        let change = before.filter(|_| !is_same).map(|before| (before, what));
        state.metadata = Some(Metadata { rmeta, digest, macros, interface, change });
        // Before anybody is told that they are there.
        self.write(state)?;
        Said::new(unit).announce();
        self.handed_over()
    }

    fn handed_over(&self) -> Result<Hollow> {
        Ok(if self.unit.is_checked() { Hollow::Checked } else { Hollow::Seal(Seal::read(&self.unit.hollow())?) })
    }

    /// Makes everything else, and seals the rlib. From here on Cargo may have started dependents, so there is no way back to plain rustc.
    fn full(&self, hollow: &Hollow) -> Result<(Ended, Said<'_>)> {
        let unit = self.unit;
        let staging = TempDir::with_prefix_in(".hollow-", unit.hollow_directory())?;
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
        let env = if let Hollow::Seal(_) = hollow { self.bootstrap().unwrap_or_default() } else { Vec::new() };
        let mut said = Said::new(unit);
        let ended = self.runner.stream(&self.invocation(passes::full(unit, &staged), &env), |line| {
            if !Said::tells_of_metadata(line) {
                // The place where it still is means nothing to anybody.
                said.hear(&crate::action::replace_path(line, &staged, output.unwrap_or(&staged)));
            }
        })?;
        if ended != Ended::Exited(0) {
            return Ok((ended, said));
        }
        if let Hollow::Seal(seal) = hollow
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
                let content = crate::action::replace_path(&fs::read(dep_info)?, &staged, output);
                let renamed = staging.path().join("dep-info");
                fs::write(&renamed, content)?;
                fs::rename(&renamed, dep_info)?;
            }
        }
        Ok((ended, said))
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

    fn metadata_of_rustc(&self) -> Option<Metadata> {
        let rmeta = Output::of(self.unit.rmeta.as_deref()?)?;
        let macros = self.given.macros();
        let digest = Digest::of_all([Digest::of_file(&rmeta.path).ok()?.as_bytes(), macros.as_bytes()]);
        Some(Metadata { rmeta: Some(rmeta), digest, macros, interface: None, change: None })
    }

    /// `RUSTC_BOOTSTRAP` for both passes: it decides what symbols are called, so it has to agree. `None` if unstable options are forbidden.
    fn bootstrap(&self) -> Option<Vec<(OsString, OsString)>> {
        match std::env::var_os(bootstrap::VARIABLE) {
            None => Some(vec![(bootstrap::VARIABLE.into(), "1".into())]),
            Some(value) if bootstrap::is_on(&value, Some(&self.unit.crate_name)) => Some(Vec::new()),
            Some(_) => None,
        }
    }

    fn invocation(&self, line: CommandLine, env: &[(OsString, OsString)]) -> Invocation {
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

    fn write(&self, state: &State) -> Result<()> {
        self.place.write(state)
    }

    fn explain(&self, text: std::fmt::Arguments<'_>) {
        self.settings.explain().note(format_args!("crate `{}`: {text}", self.unit.crate_name));
    }
}
