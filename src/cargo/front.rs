//! `cargo hollow SUBCOMMAND`: Cargo with hollow as the wrapper of rustc for workspace members.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};

use super::settings;
use crate::interface::Lines;

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

/// Becomes Cargo. Returns only if that fails.
pub fn run(options: Options, mut arguments: Vec<OsString>) -> Result<ExitCode> {
    let hollow = hollow()?;
    if let Some(other) = std::env::var_os(WORKSPACE_WRAPPER).filter(|other| !other.is_empty() && *other != *hollow) {
        bail!("{WORKSPACE_WRAPPER} is `{}`, and that is hollow's place: unset it", other.display());
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if let Some(wrapper) = wrapper().filter(|wrapper| *wrapper != hollow) {
        // Cargo would start that one first, and it would take hollow for a rustc. So hollow comes first, and starts it.
        cargo.env(WRAPPER, &hollow).env(settings::INNER_WRAPPER, wrapper);
    }
    if let Some(lines) = options.lines {
        cargo.env(settings::INTERFACE, if lines == Lines::Keep { "keep" } else { "drop" });
    }
    if options.explain {
        cargo.env(settings::EXPLAIN, "1");
    }
    keep_going(&mut arguments);
    cargo.env(WORKSPACE_WRAPPER, &hollow).env(settings::RUN, name_of_run()).args(&arguments);
    let error = cargo.exec();
    Err(anyhow!("cannot run Cargo as `{}`: {error}", cargo.get_program().display()))
}

/// A library whose check fails has handed its metadata on by then, so its dependents can be checked; Cargo would start none of them.
fn keep_going(arguments: &mut Vec<OsString>) {
    let is_check = arguments.first().is_some_and(|command| command == "check" || command == "c");
    if is_check && !arguments.iter().any(|argument| argument == "--keep-going") {
        arguments.insert(1, "--keep-going".into());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_check_keeps_going() {
        let changed = |arguments: &str| {
            let mut arguments: Vec<_> = arguments.split(' ').map(OsString::from).collect();
            keep_going(&mut arguments);
            arguments.join(OsStr::new(" ")).into_string().unwrap()
        };
        assert_eq!(changed("check -p a"), "check --keep-going -p a");
        assert_eq!(changed("c --keep-going"), "c --keep-going");
        assert_eq!(changed("build check"), "build check");
    }
}
