//! Behaviour, tested with the real rustc. One module an area.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Tests: a failure is a panic.

mod actions;
mod facts;
mod faults;
mod inspect;
mod pipeline;
mod readme;
mod support;
