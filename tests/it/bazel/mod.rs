//! The rules in bzl/, on a real Bazel with fixtures/bazel. Each test has a Bazel server of its own, which ends with it.

mod actions;
mod cache;
mod errors;
mod example;
mod graph;
mod nondeterministic;
mod readme;
mod rebuilds;
mod remote;
mod server;
mod sources;
mod worker;
mod workspace;
