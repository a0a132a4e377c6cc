//! `cargo hollow`, with the real Cargo.

mod diagnostics;
mod edits;
mod interrupted;
mod kept;
mod kinds;
mod nightly;
mod random;
mod real;
mod settings;
mod workspace;
