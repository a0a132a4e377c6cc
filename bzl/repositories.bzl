"""What a workspace needs: hollow, and a Rust toolchain that uses it.

With WORKSPACE these are called there; with modules, bzl/extensions.bzl calls them."""

load("//bzl/private:repositories.bzl", _hollow_repository = "hollow_repository", _rust_repository = "rust_repository")

hollow_repository = _hollow_repository
rust_repository = _rust_repository
