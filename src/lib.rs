//! The library behind `hollow`: pipelined Rust builds, and dependents that are relinked, not rebuilt.
//!
//! One library compile becomes two actions. The *metadata action* makes a *hollow rlib*: metadata and MIR, no object code. The
//! *link action* makes the *full rlib*. Dependents start from the hollow rlib.
//!
//! | module | what it is for |
//! |---|---|
//! | [`cli`] | clap, and nothing else sees clap: the typed options of each command |
//! | [`action`] | the two actions: an ordinary rustc command line in, the action's own out, and doing it |
//! | [`cargo`] | Cargo mode: hollow as Cargo's wrapper of rustc |
//! | [`compat`] | drop-ins for the action executables of rules_rust and Buck2 |
//! | [`doctor`] | macros that expand differently each time |
//! | [`worker`] | Bazel's persistent worker: requests in, actions as processes of their own, answers out |
//! | [`interface`] | interface source: which bodies no dependent can observe, and the crate without them |
//! | [`link`] | split link: recording the linker's call, link plans, and making the call again without rustc |
//! | [`rlib`] | rlibs: hollow or full, their members, the head of their metadata, sealing |
//! | [`process`] | running rustc: exec, signals, exit status, limits of a command line |
//! | [`rustc`] | rustc as seen from outside: its command line, response files, output names, environment |
//!
//! Dependencies point downwards. Functions below `cli` take values and return values; files and processes are touched in
//! `action::perform`, `action::Machine`, `process`, the drop-ins' own modules, and `rlib`'s reading and sealing.
//!
//! It is written for Unix. Windows paths are understood as data only.

pub mod action;
pub mod cargo;
pub mod cli;
pub mod compat;
pub mod doctor;
pub mod inspect;
pub mod interface;
pub mod link;
pub mod print;
pub mod process;
pub mod rlib;
pub mod rustc;
pub mod worker;

use std::fmt;
use std::io::Write;

use anyhow::Context;

/// Prints what was asked for. A reader that has gone away (`hollow inspect X | head`) has had enough; an error is everything else.
fn print_out(text: &[u8], what: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).with_context(|| format!("cannot print {what}"))
        }
        _ => Ok(()),
    }
}

/// Says something to the person who runs hollow: one line on standard error. A reader that has gone away is no reason to stop.
pub fn report(text: fmt::Arguments<'_>) {
    drop(writeln!(std::io::stderr().lock(), "hollow: {text}"));
}
