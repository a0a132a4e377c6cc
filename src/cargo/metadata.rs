//! Hollow metadata of a library: made by interface, or found to be still right, and handed to Cargo.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;

use super::build::Work;
use super::files::{Digest, Output};
use super::inputs::Variables;
use super::passes;
use super::said::Said;
use super::state::{Interface, Metadata, State};
use crate::action::{Explain, InterfacePass, InterfaceSource, first_error, kept_overlay, obstacle};
use crate::interface::Lines;
use crate::process::Ended;
use crate::rlib::{Rlib, Seal, raw_metadata};
use crate::rustc::{CommandLine, DepInfo, Name, Opt, bootstrap};

/// What a hollow pass has left for the full pass.
pub enum Hollow {
    /// The rlib has to get these metadata.
    Seal(Seal),
    /// Nothing is linked.
    Checked,
}

impl Work<'_> {
    /// Makes hollow metadata, or finds that those of the last time are still right, and tells Cargo. `None` if plain rustc is to make the
    /// metadata: there can be no interface, or it does not compile, as true errors make it.
    ///
    /// `slot` is called before rustc is started, and returns when it may be.
    pub(super) fn hollow<Slot>(&self, state: &mut State, slot: impl FnOnce() -> Slot) -> Result<Option<Hollow>> {
        let unit = self.unit;
        let Some(env) = self.bootstrap().filter(|_| unit.is_library()) else { return Ok(None) };
        let staging = self.place.stage("hollow")?;
        let staged = staging.path().join(unit.hollow().file_name().unwrap_or_default());
        let dep_info = staging.path().join("dep-info");
        let mut plain = passes::hollow(unit, &staged, &dep_info);
        let previous = state.metadata.take();
        let Some(options) = &self.settings.interface else {
            // The plain hollow rlib, because that was asked for.
            let _slot = slot();
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
        let source = match InterfaceSource::extract(&plain, options, &mut Explain::Silent) {
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
        let change = old.map(|old| crate::interface::difference(&old, &new));
        // A cache pays from its second use on: not everything is changed twice, so a build from nothing need not pay for one. That there is one shows in
        // the metadata, so it does not begin where they could come out as they were.
        let before = previous.as_ref().and_then(|previous| previous.interface.as_ref());
        let dependencies = self.given.dependencies();
        let begins = |before: &Interface| before.dependencies != dependencies || change.as_ref().is_some_and(Option::is_some);
        let cached = overlay.is_some() && before.is_some_and(|before| before.cached || begins(before));
        let line = if cached { passes::with_cache(plain, unit) } else { plain };
        let pass = source.write(&line, &unit.hollow())?;
        let taken = slot();
        let (ended, said) = self.runner.capture(&self.invocation(pass.line().clone(), &env))?;
        drop(taken);
        if ended != Ended::Exited(0) {
            pass.discard();
            self.explain(format_args!("fallback to plain metadata: {}", first_error(&said)));
            return Ok(None);
        }
        self.explain(format_args!("hollow metadata by interface"));
        let inputs = self.read_by(&pass, &dep_info, &new);
        let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from);
        let interface = inputs.map(|inputs| Interface {
            key,
            inputs,
            hollow: None,
            root,
            out_dir,
            options: extraction,
            overlay,
            dependencies,
            cached,
        });
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
        // The same items can mean something else, because what they name is elsewhere.
        let what = change.map(|change| change.unwrap_or_else(|| "through what it depends on".into()));
        state.last.interface = match (&before, &what) {
            _ if is_same => "interface unchanged".into(),
            (None, _) => "hollow metadata by interface".into(),
            (Some(_), None) => "interface changed".into(),
            (Some(_), Some(what)) => format!("interface changed: {what}"),
        };
        let change = before.filter(|_| !is_same).zip(what);
        state.metadata = Some(Metadata { rmeta, digest, macros, interface, change });
        // Before anybody is told that they are there.
        self.write(state)?;
        Said::new(unit).announce();
        self.handed_over()
    }

    /// Takes metadata that rustc has made for those of the unit, and tells Cargo.
    pub(super) fn take(&self, state: &mut State, staged: &Path) -> Result<()> {
        let Some(rmeta) = &self.unit.rmeta else { return Ok(()) };
        self.place.forget(rmeta);
        fs::rename(staged, rmeta)?;
        state.metadata = self.metadata_of_rustc();
        self.write(state)?;
        Said::new(self.unit).announce();
        Ok(())
    }

    fn handed_over(&self) -> Result<Hollow> {
        Ok(if self.unit.is_checked() { Hollow::Checked } else { Hollow::Seal(Seal::read(&self.unit.hollow())?) })
    }
}
