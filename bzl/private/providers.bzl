"""What a crate hands to its dependents."""

RustCrateInfo = provider(
    "A crate of any type, from which rust_test makes its test.",
    fields = {"crate": "The crate (compile.bzl)."},
)

RustLibraryInfo = provider(
    "A crate that others can be compiled against and linked with.",
    fields = {
        "diagnostics": "depset of Files: what rustc said in the crate's actions, as JSON.",
        "full": "File: the full rlib.",
        "full_rlibs": "depset of Files: the full rlibs of this crate and of all that it depends on, for the linker.",
        "hollow": "File: the hollow rlib; where pipelining is off, a link to the full one.",
        "hollow_rlibs": "depset of Files: the hollow rlibs of this crate and of all that it depends on, for compilers of libraries.",
        "name": "The crate's name.",
        "proc_macros": "depset of Files: the libraries of all proc-macros in use here, which rustc looks for in either case.",
    },
)

RustProcMacroInfo = provider(
    "A proc-macro.",
    fields = {
        "library": "File: the shared library that rustc loads.",
        "name": "The crate's name.",
    },
)
