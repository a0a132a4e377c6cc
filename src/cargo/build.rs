//! Building a unit of Cargo's.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use fs_err as fs;
use tempfile::TempDir;

use super::passes;
use super::settings::Settings;
use super::unit::Library;
use crate::action::{Explain, InterfacePass, first_error, obstacle};
use crate::process::{Ended, Invocation, Runner};
use crate::report;
use crate::rlib::{Rlib, Seal, raw_metadata};
use crate::rustc::{CommandLine, bootstrap, response_file};

/// Does what Cargo asked rustc for. Becomes plain rustc for everything but libraries, and for libraries with which hollow can't do its part.
pub fn wrap(rustc: OsString, arguments: Vec<OsString>) -> Result<ExitCode> {
    let plain = Invocation { program: PathBuf::from(rustc), args: arguments, env: Vec::new() };
    let expanded = response_file::expand(plain.args.iter().cloned(), &mut |path| std::fs::read(path));
    let library = match expanded {
        Ok(tokens) => Library::of(CommandLine::parse(tokens), |name| std::env::var_os(name)),
        // rustc has its own words for it.
        Err(_) => Err("a response file can't be read"),
    };
    let Ok(library) = library else { return become_plain(&plain) };
    let Some(env) = bootstrap_environment(&library) else { return become_plain(&plain) };

    let runner = Runner::new()?;
    let settings = Settings::from_environment();
    let made = settings.and_then(|settings| {
        let passes = Passes { library: &library, settings: &settings, runner: &runner, rustc: &plain.program, env };
        Ok(passes.hollow()?.map(|seal| passes.full(&seal)))
    });
    if let Some(signal) = runner.interrupted() {
        return Ok(Ended::Killed(signal).code().into());
    }
    match made {
        Ok(Some(ended)) => ended,
        // The true source does not compile, or only plain rustc can compile it. It says so in its own words.
        Ok(None) => become_plain(&plain),
        Err(error) => {
            report(format_args!("warning: crate `{}` is built by plain rustc: {error:#}", library.crate_name));
            become_plain(&plain)
        }
    }
}

fn become_plain(plain: &Invocation) -> Result<ExitCode> {
    Err(crate::action::cannot_run(&plain.program, plain.exec()))
}

/// `RUSTC_BOOTSTRAP` for both passes: it decides what symbols are called, so it has to agree. `None` if unstable options are forbidden.
fn bootstrap_environment(library: &Library) -> Option<Vec<(OsString, OsString)>> {
    match std::env::var_os(bootstrap::VARIABLE) {
        None => Some(vec![(bootstrap::VARIABLE.into(), "1".into())]),
        Some(value) if bootstrap::is_on(&value, Some(&library.crate_name)) => Some(Vec::new()),
        Some(_) => None,
    }
}

/// The two passes over one library.
struct Passes<'a> {
    library: &'a Library,
    settings: &'a Settings,
    runner: &'a Runner,
    rustc: &'a Path,
    env: Vec<(OsString, OsString)>,
}

impl Passes<'_> {
    /// Makes the hollow rlib and hands its metadata to Cargo. `None` if the crate does not compile.
    fn hollow(&self) -> Result<Option<Seal>> {
        let library = self.library;
        fs::create_dir_all(library.hollow_directory())?;
        let staging = TempDir::with_prefix_in(".hollow-", library.hollow_directory())?;
        let staged = staging.path().join(library.hollow.file_name().unwrap_or_default());
        let plain = passes::hollow(library, &staged);
        if !self.by_interface(&plain)? && self.runner.capture(&self.invocation(plain))?.0 != Ended::Exited(0) {
            return Ok(None);
        }
        if let Some(rmeta) = &library.rmeta {
            let rlib = Rlib::read(&staged)?;
            let metadata = raw_metadata(&rlib.lib_rmeta).context("its metadata has an unknown layout")?;
            let staged_rmeta = staging.path().join("rmeta");
            fs::write(&staged_rmeta, metadata)?;
            fs::rename(&staged_rmeta, rmeta)?;
        }
        fs::rename(&staged, &library.hollow)?;
        let seal = Seal::read(&library.hollow)?;
        if let Some(rmeta) = library.rmeta.as_deref().filter(|_| library.announces) {
            announce(rmeta);
        }
        Ok(Some(seal))
    }

    /// The hollow pass over the interface source. `false` if the plain one is needed.
    fn by_interface(&self, plain: &CommandLine) -> Result<bool> {
        let library = self.library;
        let mut explain = self.settings.explain();
        let Some(options) = &self.settings.interface else { return Ok(false) };
        if let Some(obstacle) = obstacle(plain, &library.settings) {
            explain.note(format_args!("crate `{}`: plain hollow rlib: {obstacle}", library.crate_name));
            return Ok(false);
        }
        let said = match InterfacePass::prepare(plain, options, &library.hollow, &mut Explain::Silent) {
            Err(error) => format!("{error:#}"),
            Ok(pass) => match self.runner.capture(&self.invocation(pass.line().clone()))? {
                (Ended::Exited(0), _) => {
                    explain.note(format_args!("crate `{}`: hollow rlib by interface", library.crate_name));
                    return Ok(true);
                }
                (_, said) => {
                    pass.discard();
                    first_error(&said)
                }
            },
        };
        explain.note(format_args!("crate `{}`: fallback to the plain hollow rlib: {said}", library.crate_name));
        Ok(false)
    }

    /// Makes everything else, and seals the rlib. From here on Cargo may have started dependents, so there is no way back to plain rustc.
    fn full(&self, seal: &Seal) -> Result<ExitCode> {
        let library = self.library;
        let staging = TempDir::with_prefix_in(".hollow-", library.hollow_directory())?;
        let staged = match library.has_other_types() {
            // rustc names the outputs of several crate types by itself, in their place.
            true => library.rlib.clone(),
            false => staging.path().join(library.rlib.file_name().unwrap_or_default()),
        };
        let ended = self.runner.run(&self.invocation(passes::full(library, &staged)))?;
        if ended != Ended::Exited(0) {
            if let Ended::Killed(_) = ended {
                report(format_args!("error: rustc {ended} while compiling crate `{}`", library.crate_name));
            }
            return Ok(ended.code().into());
        }
        if let Err(error) = seal.put_on(&staged, &staged) {
            // An rlib that disagrees with its `.rmeta` would only break dependents.
            let _ = fs::remove_file(&staged);
            // The place where it still is means nothing to anybody.
            bail!("{}", error.to_string().replace(&*staged.to_string_lossy(), &library.rlib.to_string_lossy()));
        }
        if staged != library.rlib {
            fs::rename(&staged, &library.rlib)?;
            if let Some(dep_info) = library.dep_info() {
                // Dep-info names its target; that is the final one.
                let content = crate::action::replace_path(&fs::read(&dep_info)?, &staged, &library.rlib);
                let renamed = staging.path().join("dep-info");
                fs::write(&renamed, content)?;
                fs::rename(&renamed, &dep_info)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn invocation(&self, line: CommandLine) -> Invocation {
        Invocation { program: self.rustc.to_owned(), args: line.into_tokens(), env: self.env.clone() }
    }
}

/// Tells Cargo that the `.rmeta` is there, in rustc's own words (`rustc_errors::json`, `--json=artifacts`): then it starts dependents.
fn announce(rmeta: &Path) {
    let message = serde_json::json!({ "$message_type": "artifact", "artifact": rmeta.to_string_lossy(), "emit": "metadata" });
    drop(writeln!(std::io::stderr().lock(), "{message}"));
}
