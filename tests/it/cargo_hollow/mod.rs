//! `cargo hollow`, with the real Cargo.

mod diagnostics;
mod edits;
mod interrupted;
mod kinds;
mod random;
mod real;
mod settings;
mod workspace;
