"""Repository rules: hollow, and the Rust toolchain."""

def _existing(repository_ctx, path, what, remedy):
    if not path.exists:
        fail("@%s: there is no %s at `%s`: %s" % (repository_ctx.name, what, path, remedy))
    return path

def _run(repository_ctx, arguments, what):
    result = repository_ctx.execute(arguments, quiet = True, timeout = 3600)
    if result.return_code != 0:
        fail("@%s: %s failed:\n%s" % (repository_ctx.name, what, result.stderr.strip()))
    return result.stdout.strip()

def _hollow_repository_impl(repository_ctx):
    prebuilt = repository_ctx.os.environ.get("RUSTC_HOLLOW") or repository_ctx.attr.path
    if prebuilt:
        program = _existing(
            repository_ctx,
            repository_ctx.path(prebuilt),
            "program",
            "correct `path` of the hollow_repository, or `RUSTC_HOLLOW` in the environment",
        )
    else:
        cargo = repository_ctx.which("cargo")
        if not cargo:
            fail("@%s: there is no cargo in PATH to build hollow with: give a built one to `path`" % repository_ctx.name)
        manifest = repository_ctx.path(Label("//:Cargo.toml"))
        repository_ctx.report_progress("building hollow with Cargo")
        arguments = [cargo, "build", "--release", "--locked", "--bin=hollow", "--manifest-path", manifest]
        _run(repository_ctx, arguments + ["--target-dir", repository_ctx.path("target")], "building hollow with Cargo")
        program = repository_ctx.path("target/release/hollow")
    repository_ctx.symlink(program, "hollow")
    repository_ctx.file("BUILD.bazel", "exports_files([\"hollow\"], visibility = [\"//visibility:public\"])\n")

hollow_repository = repository_rule(
    implementation = _hollow_repository_impl,
    attrs = {
        "path": attr.string(doc = "A built hollow. Without it, hollow is built from this repository with Cargo, once."),
    },
    doc = "The hollow program, as `@NAME//:hollow`. `RUSTC_HOLLOW` in the environment is a path that holds over the attribute.",
    environ = ["RUSTC_HOLLOW"],
)

_TOOLCHAIN = """\
load("@rustc_hollow//bzl:defs.bzl", "rust_toolchain")

rust_toolchain(
    name = "rust",
    dylib_extension = {dylib_extension},
    hollow = {hollow},
    linker = {linker},
    rustc = "bin/rustc",
    sysroot = glob(["lib/**"]),
    working_directory = {working_directory},
)

toolchain(
    name = "toolchain",
    toolchain = ":rust",
    toolchain_type = "@rustc_hollow//bzl:toolchain_type",
)
"""

def _rust_repository_impl(repository_ctx):
    if repository_ctx.attr.rustc:
        rustc = _existing(
            repository_ctx,
            repository_ctx.path(repository_ctx.attr.rustc),
            "rustc",
            "correct `rustc` of the rust_repository, or leave it out to take the one in PATH",
        )
    else:
        rustc = repository_ctx.which("rustc")
        if not rustc:
            fail("@%s: there is no rustc in PATH: give its path to `rustc` of the rust_repository" % repository_ctx.name)

    # What is in PATH may be rustup's proxy, which needs a home directory: no action has one.
    sysroot = repository_ctx.path(_run(repository_ctx, [rustc, "--print", "sysroot"], "asking `%s` for its sysroot" % rustc))
    version = _run(repository_ctx, [rustc, "-vV"], "asking `%s` for its version" % rustc)
    target = [line[len("host: "):] for line in version.split("\n") if line.startswith("host: ")][0]
    repository_ctx.symlink(sysroot.get_child("bin").get_child("rustc"), "bin/rustc")

    # Where the sysroot is /usr, there is more than Rust in its directories.
    for file in sysroot.get_child("lib").readdir():
        if file.basename.startswith("librustc_driver") or file.basename.startswith("libLLVM") or file.basename.startswith("libstd-"):
            repository_ctx.symlink(file, "lib/" + file.basename)
    for directory in sysroot.get_child("lib").get_child("rustlib").get_child(target).readdir():
        repository_ctx.symlink(directory, "lib/rustlib/%s/%s" % (target, directory.basename))
    linker = repository_ctx.attr.linker or str(repository_ctx.which("cc") or "cc")
    repository_ctx.file("BUILD.bazel", _TOOLCHAIN.format(
        dylib_extension = repr(".dylib" if "apple" in target else ".so"),
        hollow = repr(repository_ctx.attr.hollow),
        linker = repr(linker),
        working_directory = repr("/proc/self/cwd/" if "linux" in target else ""),
    ))

rust_repository = repository_rule(
    implementation = _rust_repository_impl,
    attrs = {
        "hollow": attr.string(default = "@hollow//:hollow", doc = "Label of the hollow program."),
        "linker": attr.string(doc = "Absolute path of what rustc links with; the `cc` in PATH unless said otherwise."),
        "rustc": attr.string(doc = "Path of a rustc; the one in PATH unless said otherwise."),
    },
    doc = "The toolchain `@NAME//:toolchain`, made from a rustc on this machine.",
    environ = ["PATH"],
)
