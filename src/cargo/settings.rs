//! What is asked of Cargo mode. Cargo gives its wrapper no options, so they are variables of the environment.

use std::env;

use anyhow::{Result, bail};

use crate::action::{Explain, InterfaceOptions};
use crate::interface::Lines;

/// `HOLLOW_INTERFACE`: `drop` (the default), `keep` or `off`.
pub const INTERFACE: &str = "HOLLOW_INTERFACE";
/// `HOLLOW_EXPRESSION_MACROS`: names of macros that expand to expressions, separated by commas.
pub const EXPRESSION_MACROS: &str = "HOLLOW_EXPRESSION_MACROS";
/// `HOLLOW_EXPLAIN`: anything but `0` says for each unit what was decided.
pub const EXPLAIN: &str = "HOLLOW_EXPLAIN";
/// `HOLLOW_RUN`: what `cargo hollow` calls this run of Cargo.
pub const RUN: &str = "HOLLOW_RUN";
/// `HOLLOW_RUSTC_WRAPPER`: the wrapper that Cargo would have used without `cargo hollow`, such as sccache.
pub const INNER_WRAPPER: &str = "HOLLOW_RUSTC_WRAPPER";

/// What is asked of Cargo mode.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How interfaces are compared, if they are.
    pub interface: Option<InterfaceOptions>,
    explains: bool,
}

impl Settings {
    /// Reads them from the environment.
    pub fn from_environment() -> Result<Self> {
        let lines = match env::var(INTERFACE).as_deref() {
            Ok("drop" | "") | Err(env::VarError::NotPresent) => Some(Lines::Drop),
            Ok("keep") => Some(Lines::Keep),
            Ok("off") => None,
            _ => bail!("{INTERFACE} must be drop, keep or off"),
        };
        let names = env::var(EXPRESSION_MACROS).unwrap_or_default();
        let expression_macros = names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let interface = lines.map(|lines| InterfaceOptions { lines, expression_macros });
        let explains = env::var_os(EXPLAIN).is_some_and(|value| !value.is_empty() && value != "0");
        Ok(Self { interface, explains })
    }

    /// Who listens to the decisions.
    pub fn explain(&self) -> Explain {
        if self.explains { Explain::Stderr } else { Explain::Silent }
    }
}
