//! The rules in bzl/, on a real Bazel with fixtures/bazel. One Bazel at a time: each has a server, and uses all cores by itself.

mod actions;
mod cache;
mod errors;
mod example;
mod nondeterministic;
mod readme;
mod rebuilds;
mod remote;
mod workspace;
