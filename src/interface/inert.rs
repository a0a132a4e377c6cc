//! What is known not to matter: the lists behind the rules of which bodies may be emptied. Data, with the reason for each entry.
//!
//! A name that is not here is unknown, and what is unknown stays.

/// Where an attribute is inert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// On a function, on its `impl`, on its modules and inside its body.
    Everywhere,
    /// On a function, its `impl` and its modules. Inside a body it would give an item an effect outside.
    Around,
    /// On a module or the crate only.
    Module,
}

use Places::{Around, Everywhere, Module};

/// Attributes in whose presence a body may be emptied. `inline` is missing for a reason: dependents get the MIR. `derive` is on no
/// function, and inside a body it makes an `impl`. Each has its name (a path joined by `::`, or `tool::*`), where it is inert, and why.
pub(super) const ATTRIBUTES: &[(&str, Places, &str)] = &[
    ("doc", Everywhere, "documentation; the text stays"),
    ("allow", Everywhere, "a lint level"),
    ("warn", Everywhere, "a lint level"),
    ("deny", Everywhere, "a lint level; lints are capped in the hollow pass"),
    ("forbid", Everywhere, "a lint level; lints are capped in the hollow pass"),
    ("expect", Everywhere, "a lint level; an unfulfilled one is itself a lint"),
    ("cfg", Everywhere, "the body goes or stays with its function; every variant is treated alike"),
    ("must_use", Everywhere, "a lint on callers, who see the attribute"),
    ("deprecated", Everywhere, "a lint on callers, who see the attribute"),
    ("cold", Everywhere, "codegen of the function; callers see the attribute"),
    ("track_caller", Everywhere, "the ABI of the function; callers see the attribute"),
    ("target_feature", Everywhere, "the ABI of the function; callers see the attribute"),
    ("rustfmt::*", Everywhere, "a tool's attribute: rustc ignores it"),
    ("clippy::*", Everywhere, "a tool's attribute: rustc ignores it"),
    ("miri::*", Everywhere, "a tool's attribute: rustc ignores it"),
    ("rust_analyzer::*", Everywhere, "a tool's attribute: rustc ignores it"),
    ("diagnostic::*", Everywhere, "the wording of errors only"),
    ("no_mangle", Around, "names the symbol, which the full rlib's objects define"),
    ("export_name", Around, "names the symbol, which the full rlib's objects define"),
    ("link_section", Around, "places the code, which only the full rlib has"),
    ("test", Around, "a function without it in every build but `--test`, which is never hollow"),
    ("ignore", Around, "an argument of `#[test]`"),
    ("should_panic", Around, "an argument of `#[test]`"),
    ("automatically_derived", Around, "a hint to lints, on impls"),
    ("no_implicit_prelude", Module, "names inside the module; signatures keep theirs"),
    ("path", Module, "where the module's file is"),
    ("macro_use", Module, "the scope of macros, whose definitions stay"),
    ("no_std", Module, "which prelude the crate has; it stays"),
    ("no_core", Module, "which prelude the crate has; it stays"),
    ("no_main", Module, "programs only"),
    ("no_builtins", Module, "codegen of the crate"),
    ("feature", Module, "opens features; those that matter are in `BODY_FEATURES`"),
    ("recursion_limit", Module, "a limit of the compiler"),
    ("type_length_limit", Module, "a limit of the compiler"),
    ("crate_name", Module, "the crate's name; it stays"),
    ("crate_type", Module, "the crate's type; it stays"),
    ("windows_subsystem", Module, "programs only"),
    ("needs_allocator", Module, "what is linked; it stays"),
    ("compiler_builtins", Module, "what is linked; it stays"),
    ("register_tool", Module, "names of tools"),
    ("reexport_test_harness_main", Module, "tests only"),
];

/// Attributes, besides [`ATTRIBUTES`], that are built into the language: rustc calls a macro of the same name ambiguous (E0659), so none of them
/// is one, and what is built in sees the syntax tree only. `derive` stands for std's, which are looked at one by one.
pub(super) const BUILT_IN: &[&str] = &[
    "bench",
    "cfg_attr",
    "coverage",
    "debugger_visualizer",
    "default",
    "derive",
    "fundamental",
    "global_allocator",
    "inline",
    "instruction_set",
    "link",
    "link_name",
    "link_ordinal",
    "macro_export",
    "marker",
    "must_not_suspend",
    "naked",
    "no_link",
    "non_exhaustive",
    "optimize",
    "panic_handler",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
    "repr",
    "thread_local",
    "used",
];

/// Crates of which no macro names anything that it was not given, but by absolute paths, in its own definitions, and for the methods
/// that are in [`NAMED_BY_MACROS`]. Each has its name, the attributes that its derives understand, and what its macros do.
pub(super) const TRUSTED: &[(&str, &[&str], &str)] = &[
    ("anyhow", &[], "expressions with `$crate::` paths"),
    ("async_trait", &[], "an attribute that makes `::core::` paths of signatures and moves bodies as they are"),
    ("bitflags", &[], "a type with its own methods, and `$crate::` paths"),
    ("cfg_if", &[], "passes items through"),
    ("clap", &["arg", "clap", "command", "group", "value"], "re-exports `clap_derive`; own macros with `$crate::` paths"),
    ("clap_derive", &["arg", "clap", "command", "group", "value"], "impls with `clap::` paths"),
    ("lazy_static", &[], "a type of its own, and `$crate::` paths"),
    ("log", &[], "calls with `$crate::` paths"),
    ("pin_project_lite", &["pin"], "a type with a method `project` of its own, and `$crate::` paths"),
    ("serde", &["serde"], "re-exports `serde_derive`; own macros with `$crate::` paths"),
    ("serde_core", &["serde"], "macros with `$crate::` paths"),
    ("serde_derive", &["serde"], "impls with `_serde::` paths, and the functions that its attributes name"),
    ("serde_json", &[], "expressions with `$crate::` paths"),
    ("thiserror", &["backtrace", "error", "from", "source"], "re-exports `thiserror_impl`"),
    ("thiserror_impl", &["backtrace", "error", "from", "source"], "impls with `::thiserror::` and `::core::` paths"),
    ("tokio", &[], "expressions with `$crate::` paths; attributes that move bodies as they are"),
    ("tokio_macros", &[], "attributes that move bodies as they are"),
    ("tracing", &[], "expressions with `$crate::` paths; `instrument` moves bodies as they are"),
    ("tracing_attributes", &[], "attributes that move bodies as they are"),
];

/// Those of them, and macros of theirs, that tell where a record was made.
const TELLING_POSITIONS: &[&str] = &["log", "tracing", "tracing_attributes"];

/// Their macros.
pub(super) const LOGGING: &[&str] = &[
    "debug",
    "debug_span",
    "error",
    "error_span",
    "event",
    "info",
    "info_span",
    "instrument",
    "log",
    "span",
    "trace",
    "trace_span",
    "warn",
    "warn_span",
];

/// Whether no macro of a crate turns a position into a value.
pub(super) fn tells_no_position(name: &str) -> bool {
    TRUSTED.iter().any(|(trusted, ..)| *trusted == name) && !TELLING_POSITIONS.contains(&name)
}

/// Methods that macros of the standard library and of [`TRUSTED`] crates call on what they are given, each with the macro. A private one that is
/// called so may be what they find.
pub(super) const NAMED_BY_MACROS: &[(&str, &str)] = &[
    ("anyhow_kind", "anyhow's `anyhow!`"),
    ("as_display", "thiserror's `Error`"),
    ("as_dyn_error", "thiserror's `Error`"),
    ("as_ref", "thiserror's `Error`"),
    ("provide_ref", "thiserror's `Error`"),
    ("thiserror_provide", "thiserror's `Error`"),
    ("to_string", "clap's `Parser`"),
    ("write_fmt", "`write!`"),
    ("write_str", "thiserror's `Error`"),
];

/// Attributes that may go with the body in which they stand, because lints are capped in the hollow pass.
pub(super) const LINT_LEVELS: &[&str] = &["allow", "warn", "deny", "forbid", "expect"];

/// Attributes that put a symbol where others find it without naming the function in Rust: such a function is never left out.
pub(super) const EXPORTING: &[&str] = &["no_mangle", "export_name", "link_section"];

/// Built-in attributes with which a private function may still be left out when nothing names it, though its body has to stay as
/// long as the function does.
pub(super) const LEAVES_OUT: &[&str] = &["inline"];

/// Attributes that are macros of the standard prelude, so that a `use` can give their name to something else, such as
/// `use test_log::test`. The others are built into the language, and rustc calls a second meaning ambiguous (E0659).
pub(super) const SHADOWABLE: &[&str] = &["test"];

/// Crate features by which a body defines types that dependents see.
pub(super) const BODY_FEATURES: &[&str] =
    &["type_alias_impl_trait", "impl_trait_in_assoc_type", "generic_const_exprs", "min_generic_const_args"];

/// Derives of the standard library: their code calls no method by convention.
pub(super) const DERIVES: &[&str] = &["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

/// Calling conventions, `-unwind` or not, of functions with an ordinary body. The others are for interrupts, kernels and naked functions.
pub(super) const CALLING_CONVENTIONS: &[&str] =
    &["Rust", "C", "system", "cdecl", "stdcall", "fastcall", "vectorcall", "thiscall", "aapcs", "win64", "sysv64", "efiapi"];

/// Macros of `std`, `core` and `alloc` that expand to an expression: no item comes out of them that is visible outside.
pub(super) const EXPRESSION_MACROS: &[(&str, &str)] = &[
    ("addr_of", "`&raw const`"),
    ("addr_of_mut", "`&raw mut`"),
    ("asm", "built in"),
    ("assert", "built in"),
    ("assert_eq", "a `match`"),
    ("assert_ne", "a `match`"),
    ("cfg", "built in: a boolean"),
    ("column", "built in: a number"),
    ("compile_error", "built in: the full pass reports it"),
    ("concat", "built in: a literal"),
    ("dbg", "a `match`"),
    ("debug_assert", "an `if`"),
    ("debug_assert_eq", "an `if`"),
    ("debug_assert_ne", "an `if`"),
    ("env", "built in: a literal"),
    ("eprint", "a call"),
    ("eprintln", "a call"),
    ("file", "built in: a literal"),
    ("format", "a call"),
    ("format_args", "built in"),
    ("include_bytes", "built in: a literal"),
    ("include_str", "built in: a literal"),
    ("is_aarch64_feature_detected", "a call"),
    ("is_x86_feature_detected", "a call"),
    ("line", "built in: a number"),
    ("matches", "a `match`"),
    ("module_path", "built in: a literal"),
    ("offset_of", "built in: a number"),
    ("option_env", "built in: a literal"),
    ("panic", "a call"),
    ("pin", "a struct expression"),
    ("print", "a call"),
    ("println", "a call"),
    ("ready", "a `match`"),
    ("stringify", "built in: a literal"),
    ("todo", "a call"),
    ("try", "a `match`"),
    ("unimplemented", "a call"),
    ("unreachable", "a call"),
    ("vec", "a call or an array"),
    ("write", "a call"),
    ("writeln", "a call"),
];

/// Macros of other crates that expand to nothing that is visible outside of a body, by crate, with the reason: at most to statements, and to items that
/// only they can name. Those that expand to an `impl` for a type that may be named elsewhere are missing, and so are those with an attribute.
pub(super) const MACRO_CRATES: &[(&str, &[&str], &str)] = &[
    ("anyhow", &["anyhow", "bail", "ensure", "format_err"], "an error value, or a `return` of one"),
    (
        "approx",
        &[
            "assert_abs_diff_eq",
            "assert_abs_diff_ne",
            "assert_relative_eq",
            "assert_relative_ne",
            "assert_ulps_eq",
            "assert_ulps_ne",
        ],
        "an `if`",
    ),
    ("assert_matches", &["assert_matches", "debug_assert_matches"], "a `match`"),
    ("cfg_if", &["cfg_if"], "what is in one of its blocks, which is looked at like all of the body"),
    ("color_eyre", &["bail", "ensure", "eyre"], "an error value, or a `return` of one"),
    ("crossbeam_channel", &["select"], "a block"),
    ("expect_test", &["expect", "expect_file"], "a struct expression"),
    ("eyre", &["bail", "ensure", "eyre"], "an error value, or a `return` of one"),
    (
        "futures",
        &["join", "pin_mut", "poll", "ready", "select", "select_biased", "try_join"],
        "an expression, or `let` statements",
    ),
    (
        "futures_util",
        &["join", "pin_mut", "poll", "ready", "select", "select_biased", "try_join"],
        "an expression, or `let` statements",
    ),
    ("hex_literal", &["hex"], "an array"),
    ("indexmap", &["indexmap", "indexset"], "a block of calls"),
    ("insta", &["assert_debug_snapshot", "assert_snapshot"], "calls"),
    ("itertools", &["chain", "iproduct", "izip"], "calls"),
    ("log", &["debug", "error", "info", "log", "log_enabled", "trace", "warn"], "an `if` with a call"),
    ("maplit", &["btreemap", "btreeset", "hashmap", "hashset"], "a block of calls"),
    ("matches", &["assert_matches", "debug_assert_matches", "matches"], "a `match`"),
    ("memoffset", &["offset_of", "offset_of_union", "span_of"], "a block"),
    ("miette", &["bail", "ensure", "miette"], "an error value, or a `return` of one"),
    ("pretty_assertions", &["assert_eq", "assert_ne", "assert_str_eq"], "a `match`"),
    ("quote", &["format_ident", "quote", "quote_spanned"], "a block of calls"),
    ("scopeguard", &["defer", "defer_on_success", "defer_on_unwind"], "a `let` statement"),
    ("serde_json", &["json"], "calls"),
    ("slog", &["crit", "debug", "error", "info", "log", "o", "trace", "warn"], "a block with statics of its own"),
    ("smallvec", &["smallvec", "smallvec_inline"], "a block of calls"),
    ("smol_str", &["format_smolstr"], "a block of calls"),
    ("syn", &["parenthesized", "braced", "bracketed", "parse_quote", "parse_quote_spanned"], "a `match` or calls"),
    ("tinyvec", &["array_vec", "tiny_vec"], "a block of calls"),
    ("tokio", &["join", "pin", "select", "try_join"], "an expression with items of its own, or `let` statements"),
    (
        "tracing",
        &[
            "debug",
            "debug_span",
            "enabled",
            "error",
            "error_span",
            "event",
            "event_enabled",
            "info",
            "info_span",
            "span",
            "span_enabled",
            "trace",
            "trace_span",
            "warn",
            "warn_span",
        ],
        "a block with a static of its own",
    ),
    ("zerocopy", &["transmute"], "a block"),
];

/// The macros of a crate that are listed, if it is.
pub(super) fn macros_of(name: &str) -> Option<&'static [&'static str]> {
    let found = MACRO_CRATES.binary_search_by_key(&name, |(name, ..)| name).ok()?;
    MACRO_CRATES.get(found).map(|(_, macros, _)| *macros)
}

/// Whether an attribute is inert even inside a body, whatever the crate imports.
pub(super) fn is_everywhere(name: &str) -> bool {
    ATTRIBUTES.iter().any(|(known, places, _)| is_called(name, known) && *places == Everywhere)
}

/// Other macros of theirs.
const OTHER_MACROS: &[&str] = &[
    "assert_matches",
    "cfg_select",
    "concat_bytes",
    "concat_idents",
    "const_format_args",
    "debug_assert_matches",
    "format_args_nl",
    "global_asm",
    "include",
    "naked_asm",
    "thread_local",
];

/// Whether a macro of the standard library is called so.
pub(super) fn is_standard_macro(name: &str) -> bool {
    EXPRESSION_MACROS.binary_search_by_key(&name, |(known, _)| known).is_ok() || OTHER_MACROS.contains(&name)
}

/// Whether an attribute is in [`ATTRIBUTES`].
pub(super) fn is_attribute(name: &str) -> bool {
    ATTRIBUTES.iter().any(|(known, ..)| is_called(name, known))
}

/// Whether an attribute is what an entry of [`ATTRIBUTES`] calls it.
pub(super) fn is_called(name: &str, known: &str) -> bool {
    known.strip_suffix('*').map_or(known == name, |tool| name.starts_with(tool))
}

/// The crates whose macros those are.
pub(super) const STANDARD_CRATES: &[&str] = &["std", "core", "alloc"];

/// Macros that build identifiers, which makes it impossible to know what a crate names: nothing is left out then.
pub(super) const NAME_BUILDERS: &[&str] = &["paste", "concat_idents", "pastey", "mashup"];

/// Keywords after which `!` is the operator and not a macro's. The others can't stand before an operator, or named a macro in an old
/// edition, such as `try!`.
pub(super) const BEFORE_OPERATORS: &[&str] =
    &["become", "box", "break", "else", "if", "in", "match", "mut", "return", "while", "yield"];

/// Words, of any edition, before a parenthesis that begins no argument list.
pub(super) const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum", "extern",
    "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv",
    "pub", "ref", "return", "safe", "static", "struct", "trait", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_entry_is_there_once_and_has_a_reason() {
        let mut seen = HashSet::new();
        for (name, _, reason) in ATTRIBUTES {
            assert!(!reason.is_empty() && seen.insert(name), "{name}");
        }
        assert!(MACRO_CRATES.is_sorted_by(|(one, ..), (other, ..)| one < other));
        assert!(
            MACRO_CRATES.iter().all(|(name, macros, reason)| !macros.is_empty() && !reason.is_empty() && !name.contains('-'))
        );
        assert!(NAME_BUILDERS.iter().all(|name| (5..14).contains(&name.len())));
        assert!(EXPRESSION_MACROS.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(EXPRESSION_MACROS.iter().all(|(_, reason)| !reason.is_empty()));
    }
}
