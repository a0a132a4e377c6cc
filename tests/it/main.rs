//! Behaviour, tested with the real rustc. One module an area.

// clippy.toml allows these in tests, but does not take the helpers of an integration test for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod actions;
mod bazel;
mod buck2;
mod cargo_hollow;
mod cargo_mode;
mod carried;
mod command_lines;
mod corpus;
mod doctor;
mod drop_ins;
mod facts;
mod faults;
mod fixture;
mod inspect;
mod link_plans;
mod modes;
mod old_outputs;
mod one_rustc;
mod pipeline;
mod process_wrapper;
mod public_hash;
mod readme;
mod rebuilds;
mod recorded;
mod ripgrep;
mod ripgrep_suite;
mod rules;
mod rustc_action;
mod seal;
mod seal_refusals;
mod seeds;
mod split_link;
mod support;
mod usage;
mod worker;
mod worker_driver;
