"""The toolchain: rustc, what it needs beside itself, and hollow."""

TOOLCHAIN_TYPE = "@rustc_hollow//bzl:toolchain_type"

def _rust_toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(
        default_edition = ctx.attr.default_edition,
        dylib_extension = ctx.attr.dylib_extension,
        env = ctx.attr.env,
        hollow = ctx.attr.hollow[DefaultInfo].files_to_run,
        linker = ctx.attr.linker,
        opt_level = ctx.attr.opt_level,
        rustc = ctx.file.rustc,
        sysroot = depset(ctx.files.sysroot),
        working_directory = ctx.attr.working_directory,
    )]

rust_toolchain = rule(
    implementation = _rust_toolchain_impl,
    attrs = {
        "default_edition": attr.string(default = "2021", doc = "For crates that name none."),
        "dylib_extension": attr.string(default = ".so", doc = "What names of shared libraries end in."),
        "env": attr.string_dict(
            default = {"PATH": "/usr/bin:/bin"},
            doc = "The environment of every action. Nothing comes from the client's.",
        ),
        "hollow": attr.label(mandatory = True, executable = True, cfg = "exec", allow_files = True, doc = "The hollow program."),
        "linker": attr.string(default = "cc", doc = "What rustc links with: a name to be found in `PATH`, or an absolute path."),
        "opt_level": attr.string_dict(
            default = {"dbg": "0", "fastbuild": "0", "opt": "3"},
            doc = "The optimisation level for each compilation mode.",
        ),
        "rustc": attr.label(mandatory = True, allow_single_file = True, cfg = "exec", doc = "The compiler; no rustup proxy."),
        "sysroot": attr.label_list(allow_files = True, cfg = "exec", doc = "The compiler's libraries and the standard library."),
        "working_directory": attr.string(
            doc = "A path that leads to any process's own working directory and ends in `/`, such as `/proc/self/cwd/` on Linux: what " +
                  "`CARGO_MANIFEST_DIR` and `$(location)` in `rustc_env` begin with, so that `include_str!` finds the files. Without one they are relative.",
        ),
    },
    doc = "A Rust compiler and hollow.",
)
