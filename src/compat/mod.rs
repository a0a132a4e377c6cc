//! Drop-ins: hollow in the place of the action executables that build systems bring along.
//!
//! [`process_wrapper`] takes the command line of rules_rust's `process_wrapper`, [`rustc_action`] that of Buck2's `rustc_action.py`. Without
//! `--hollow` they change nothing that the originals would not; with it, the wrapped command line becomes one of the two actions.

pub mod process_wrapper;
pub mod rustc_action;

mod arguments;
pub(crate) mod hollow;
mod lines;
mod message;
mod sink;
