//! `cargo hollow SUBCOMMAND`: Cargo with hollow as the wrapper of rustc for workspace members.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};

use super::settings;
use crate::interface::Lines;
use crate::process::Invocation;

const WRAPPER: &str = "RUSTC_WRAPPER";
const WORKSPACE_WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";

/// What was said before the subcommand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What becomes of lines in interface source.
    pub lines: Option<Lines>,
    /// Say for each unit what was decided.
    pub explain: bool,
}

/// Becomes Cargo.
pub fn run(options: Options, arguments: Vec<OsString>) -> Result<ExitCode> {
    let hollow = hollow()?;
    if let Some(other) = std::env::var_os(WORKSPACE_WRAPPER).filter(|other| !other.is_empty() && *other != *hollow) {
        bail!("{WORKSPACE_WRAPPER} is `{}`, and that is hollow's place: unset it", other.display());
    }
    let mut env: Vec<(OsString, OsString)> =
        vec![(WORKSPACE_WRAPPER.into(), hollow.clone().into()), (settings::RUN.into(), name_of_run().into())];
    if let Some(wrapper) = wrapper().filter(|wrapper| *wrapper != hollow) {
        // Cargo would start that one first, and it would take hollow for a rustc. So hollow comes first, and starts it.
        env.extend([(WRAPPER.into(), hollow.into()), (settings::INNER_WRAPPER.into(), wrapper.into())]);
    }
    if let Some(lines) = options.lines {
        env.push((settings::INTERFACE.into(), if lines == Lines::Keep { "keep".into() } else { "drop".into() }));
    }
    if options.explain {
        env.push((settings::EXPLAIN.into(), "1".into()));
    }
    let program = std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from);
    let cargo = Invocation { program, args: arguments, env };
    let error = cargo.exec();
    Err(anyhow!("cannot run Cargo as `{}`: {error}", cargo.program.display()))
}

/// The `hollow` beside this program.
fn hollow() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where cargo-hollow is")?;
    let hollow = own.with_file_name(format!("hollow{}", std::env::consts::EXE_SUFFIX));
    if !hollow.is_file() {
        bail!("there is no `{}`: install `hollow` and `cargo-hollow` into one directory", hollow.display());
    }
    Ok(hollow)
}

/// The wrapper of rustc that the user has chosen, in the environment or in Cargo's configuration.
fn wrapper() -> Option<PathBuf> {
    let given = |value: &OsStr| (!value.is_empty()).then(|| PathBuf::from(value));
    match std::env::var_os(WRAPPER) {
        Some(value) => given(&value),
        // A configuration that can't be read is Cargo's to complain of.
        None => cargo_config2::Config::load().ok()?.build.rustc_wrapper.filter(|wrapper| !wrapper.as_os_str().is_empty()),
    }
}

fn name_of_run() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{}", now.as_nanos(), std::process::id())
}
