"""The rules. Their attributes are those that users of other Rust rules know."""

load(":compile.bzl", "compile_library", "crate_of", "link")
load(":providers.bzl", "RustCrateInfo", "RustLibraryInfo", "RustProcMacroInfo")
load(":toolchain.bzl", "TOOLCHAIN_TYPE")

_CRATE = {
    "aliases": attr.label_keyed_string_dict(doc = "Dependencies by another name than their own."),
    "compile_data": attr.label_list(allow_files = True, doc = "Files that the source includes."),
    "crate_features": attr.string_list(doc = "Features that are on."),
    "crate_name": attr.string(doc = "The target's name, with `_` for `-`, unless said otherwise."),
    "crate_root": attr.label(
        allow_single_file = [".rs"],
        doc = "`lib.rs` or `main.rs`, a source called like the target, or the only one, unless said otherwise.",
    ),
    "data": attr.label_list(allow_files = True, doc = "Files that are there when the program runs."),
    "deps": attr.label_list(providers = [RustLibraryInfo], doc = "Libraries."),
    "edition": attr.string(doc = "The toolchain's, unless said otherwise."),
    "pipelining": attr.string(values = ["", "off", "hollow"], doc = "In place of the setting."),
    "proc_macro_deps": attr.label_list(providers = [RustProcMacroInfo], cfg = "exec", doc = "Macros, which run in the compiler."),
    "rustc_env": attr.string_dict(doc = "For `env!`, and for macros. `$(location)` is that of something in `compile_data`."),
    "rustc_flags": attr.string_list(doc = "More arguments for rustc, such as the cfgs that a build script would set."),
    "srcs": attr.label_list(allow_files = [".rs"], doc = "The sources."),
    "version": attr.string(default = "0.0.0", doc = "For `env!(\"CARGO_PKG_VERSION\")`."),
    "_pipelining": attr.label(default = "//bzl:pipelining"),
    "_worker": attr.label(default = "//bzl:worker"),
    "_worker_pipelining": attr.label(default = "//bzl:worker_pipelining"),
}

_LIBRARY = dict(
    _CRATE,
    interface = attr.string(values = ["", "off", "keep", "drop"], doc = "In place of the setting."),
    sealing = attr.string(values = ["", "off", "on"], doc = "In place of the setting."),
    _interface = attr.label(default = "//bzl:interface"),
    _sealing = attr.label(default = "//bzl:sealing"),
)

_LINKED = dict(
    _CRATE,
    split_link = attr.string(values = ["", "off", "on"], doc = "In place of the setting."),
    _split_link = attr.label(default = "//bzl:split_link"),
)

def _runfiles(ctx):
    runfiles = ctx.runfiles(files = ctx.files.data)
    targets = ctx.attr.data + ctx.attr.deps + ([ctx.attr.crate] if getattr(ctx.attr, "crate", None) else [])
    for target in targets:
        runfiles = runfiles.merge(target[DefaultInfo].default_runfiles)
    return runfiles

def _rust_library_impl(ctx):
    crate = crate_of(ctx, "rlib", "lib.rs")
    library = compile_library(ctx, crate)
    return [
        library,
        RustCrateInfo(crate = crate),
        DefaultInfo(files = depset([library.full]), runfiles = _runfiles(ctx)),
        OutputGroupInfo(diagnostics = library.diagnostics, hollow_rlib = depset([library.hollow])),
    ]

rust_library = rule(
    implementation = _rust_library_impl,
    attrs = _LIBRARY,
    doc = "A library: a hollow rlib (output group `hollow_rlib`) and a full one. Every rule has the output group `diagnostics`: rustc's, as JSON.",
    toolchains = [TOOLCHAIN_TYPE],
)

def _rust_binary_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name)
    crate = crate_of(ctx, "bin", "main.rs")
    groups = link(ctx, crate, output, "program")
    return [
        RustCrateInfo(crate = crate),
        DefaultInfo(files = depset([output]), executable = output, runfiles = _runfiles(ctx)),
        groups,
    ]

rust_binary = rule(
    implementation = _rust_binary_impl,
    attrs = _LINKED,
    doc = "A program.",
    executable = True,
    toolchains = [TOOLCHAIN_TYPE],
)

def _rust_test_impl(ctx):
    base = ctx.attr.crate[RustCrateInfo].crate if ctx.attr.crate else None
    output = ctx.actions.declare_file(ctx.label.name)
    groups = link(ctx, crate_of(ctx, "bin", "lib.rs", base), output, "test", ["--test"])
    return [
        DefaultInfo(files = depset([output]), executable = output, runfiles = _runfiles(ctx)),
        groups,
        testing.TestEnvironment(_test_environment(ctx)),
    ]

def _test_environment(ctx):
    # A test runs among its runfiles, where a built file is by another path than in the actions.
    values = {name: value.replace("$(location ", "$(rootpath ") for name, value in ctx.attr.env.items()}
    return {name: ctx.expand_location(value, ctx.attr.data) for name, value in values.items()}

rust_test = rule(
    implementation = _rust_test_impl,
    attrs = dict(
        _LINKED,
        crate = attr.label(providers = [RustCrateInfo], doc = "A library, program or macro whose own tests are to run, in place of `srcs`."),
        env = attr.string_dict(doc = "The environment of the test. `$(location)` is that of something in `data`."),
    ),
    doc = "A test: the `#[test]` functions of its sources, or of a library.",
    test = True,
    toolchains = [TOOLCHAIN_TYPE],
)

def _rust_proc_macro_impl(ctx):
    crate = crate_of(ctx, "proc-macro", "lib.rs")
    extension = ctx.toolchains[TOOLCHAIN_TYPE].dylib_extension
    output = ctx.actions.declare_file("_macro/lib%s-%s%s" % (crate.name, crate.id, extension))
    groups = link(ctx, crate, output, "proc-macro")
    return [
        RustCrateInfo(crate = crate),
        DefaultInfo(files = depset([output])),
        groups,
        RustProcMacroInfo(library = output, name = crate.name),
    ]

rust_proc_macro = rule(
    implementation = _rust_proc_macro_impl,
    attrs = _LINKED,
    doc = "A proc-macro, for `proc_macro_deps`.",
    toolchains = [TOOLCHAIN_TYPE],
)

def _rust_shared_library_impl(ctx):
    crate = crate_of(ctx, "cdylib", "lib.rs")
    output = ctx.actions.declare_file("lib%s%s" % (crate.name, ctx.toolchains[TOOLCHAIN_TYPE].dylib_extension))
    groups = link(ctx, crate, output, "shared library")
    return [
        RustCrateInfo(crate = crate),
        DefaultInfo(files = depset([output]), runfiles = _runfiles(ctx)),
        groups,
    ]

rust_shared_library = rule(
    implementation = _rust_shared_library_impl,
    attrs = _LINKED,
    doc = "A shared library for programs in other languages.",
    toolchains = [TOOLCHAIN_TYPE],
)

def _rust_static_library_impl(ctx):
    crate = crate_of(ctx, "staticlib", "lib.rs")
    output = ctx.actions.declare_file("lib%s.a" % crate.name)
    groups = link(ctx, crate, output, "static library")
    return [
        RustCrateInfo(crate = crate),
        DefaultInfo(files = depset([output]), runfiles = _runfiles(ctx)),
        groups,
    ]

rust_static_library = rule(
    implementation = _rust_static_library_impl,
    attrs = _CRATE,
    doc = "A static library for programs in other languages.",
    toolchains = [TOOLCHAIN_TYPE],
)
