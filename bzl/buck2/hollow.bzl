"""hollow as Buck2's rustc action, for preludes where the Rust rules have their tools from `RustInternalToolsInfo`.

Nothing in the prelude has to be changed, so the bundled one will do. There are two steps, since the prelude's own rules name their tools for good:

1. `hollow_rust_tools` is a toolchain with all of the prelude's tools but one: `rustc_action` is `hollow rustc-action`.
2. `rust_binary`, `rust_library` and `rust_test` are the prelude's rules with that toolchain, `toolchains//:rust_tools`. Load them in BUCK files.
"""

load("@prelude//:rules.bzl", "clone_rule")
load("@prelude//rust/tools:attrs.bzl", "RustInternalToolsInfo")

def _hollow_rust_tools_impl(ctx):
    base = ctx.attrs._base[RustInternalToolsInfo]
    tools = {tool: getattr(base, tool) for tool in dir(base)}
    hollow = ctx.attrs.hollow[RunInfo] if ctx.attrs.hollow else "hollow"
    tools["rustc_action"] = RunInfo(args = cmd_args(hollow, "rustc-action"))
    return [DefaultInfo(), RustInternalToolsInfo(**tools)]

hollow_rust_tools = rule(
    impl = _hollow_rust_tools_impl,
    attrs = {
        "hollow": attrs.option(
            attrs.exec_dep(providers = [RunInfo]),
            default = None,
            doc = "hollow; without it, the one in PATH",
        ),
        "_base": attrs.default_only(attrs.toolchain_dep(
            default = "prelude//rust/tools:internal_tools_toolchain",
            providers = [RustInternalToolsInfo],
        )),
    },
    is_toolchain_rule = True,
)

_TOOLS = {"_rust_internal_tools_toolchain": attrs.default_only(attrs.toolchain_dep(default = "toolchains//:rust_tools"))}

rust_binary = clone_rule("rust_binary", extra_attrs = _TOOLS)
rust_library = clone_rule("rust_library", extra_attrs = _TOOLS)
rust_test = clone_rule("rust_test", extra_attrs = _TOOLS)
