"""For MODULE.bazel only: Bazel without modules can't load this file.

    rust = use_extension("@rustc_hollow//bzl:extensions.bzl", "rust")
    use_repo(rust, "hollow", "rust")
    register_toolchains("@rust//:toolchain")
"""

load(":repositories.bzl", "hollow_repository", "rust_repository")

def _rust_impl(_module_ctx):
    hollow_repository(name = "hollow")
    rust_repository(name = "rust")

rust = module_extension(implementation = _rust_impl, doc = "The machine's rustc, and hollow.")
