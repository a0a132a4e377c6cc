"""Rust rules that compile each library in two actions: a hollow rlib for its dependents, a full rlib for the linker.

See bzl/private/compile.bzl for the actions, and bzl/repositories.bzl for what a workspace needs."""

load("//bzl/private:providers.bzl", _RustCrateInfo = "RustCrateInfo", _RustLibraryInfo = "RustLibraryInfo", _RustProcMacroInfo = "RustProcMacroInfo")
load(
    "//bzl/private:rules.bzl",
    _rust_binary = "rust_binary",
    _rust_library = "rust_library",
    _rust_proc_macro = "rust_proc_macro",
    _rust_shared_library = "rust_shared_library",
    _rust_static_library = "rust_static_library",
    _rust_test = "rust_test",
)
load("//bzl/private:toolchain.bzl", _rust_toolchain = "rust_toolchain")

RustCrateInfo = _RustCrateInfo
RustLibraryInfo = _RustLibraryInfo
RustProcMacroInfo = _RustProcMacroInfo
rust_binary = _rust_binary
rust_library = _rust_library
rust_proc_macro = _rust_proc_macro
rust_shared_library = _rust_shared_library
rust_static_library = _rust_static_library
rust_test = _rust_test
rust_toolchain = _rust_toolchain
