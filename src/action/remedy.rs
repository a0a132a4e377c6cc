//! What is done about a crate that `hollow doctor` has caught: `--doctor-report`.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::rustc::{Name, Opt};

/// How a crate with macros that expand differently each time gets the same metadata from both actions, or none that could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Each macro call runs on a thread of its own, so that with fixed seeds it does not depend on the calls before it. Costs milliseconds a call, and
    /// does not enter the SVH.
    CrossThread,
    /// The hollow rlib is plain, and the full one is not sealed with it but compared: then a difference is an error, not a wrong program.
    Plain,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "crate")]
    crate_name: String,
    remedy: Option<Remedy>,
}

impl Remedy {
    /// What a report says of a crate. It holds one line of JSON for each crate that was examined; of several for the same name, the most careful holds.
    pub fn of(report: &Path, crate_name: &str) -> Result<Option<Self>> {
        let text = fs_err::read_to_string(report)?;
        let mut remedy = None;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let entry: Entry = serde_json::from_str(line)
                .with_context(|| format!("`{}` is no report of `hollow doctor --format json`", report.display()))?;
            if entry.crate_name == crate_name && remedy != Some(Self::Plain) {
                remedy = entry.remedy.or(remedy);
            }
        }
        Ok(remedy)
    }

    /// The option for [`Remedy::CrossThread`].
    pub fn cross_thread() -> Opt {
        Opt::new(Name::Unstable, "proc-macro-execution-strategy=cross-thread")
    }
}
