"""hollow as Buck2's rustc action, for older preludes, where `rustc_action` is a field of `RustToolchainInfo`.

`hollow_rust_toolchain` is any Rust toolchain with that one field replaced.
"""

load("@prelude//rust:rust_toolchain.bzl", "RustToolchainInfo")

def _hollow_rust_toolchain_impl(ctx):
    base = ctx.attrs.base[RustToolchainInfo]
    fields = {field: getattr(base, field) for field in dir(base)}
    if "rustc_action" not in fields:
        fail("this prelude has its rustc_action from RustInternalToolsInfo: use hollow.bzl")
    hollow = ctx.attrs.hollow[RunInfo] if ctx.attrs.hollow else "hollow"
    fields["rustc_action"] = RunInfo(args = cmd_args(hollow, "rustc-action"))
    return [DefaultInfo(), RustToolchainInfo(**fields)]

hollow_rust_toolchain = rule(
    impl = _hollow_rust_toolchain_impl,
    attrs = {
        "base": attrs.toolchain_dep(
            providers = [RustToolchainInfo],
            doc = "the toolchain to start from, such as a system_rust_toolchain",
        ),
        "hollow": attrs.option(
            attrs.exec_dep(providers = [RunInfo]),
            default = None,
            doc = "hollow; without it, the one in PATH",
        ),
    },
    is_toolchain_rule = True,
)
