//! Each entry of the lists of what does not matter: without it, a test here fails, and so does one with an entry in the wrong place.

use super::*;
use crate::interface::{canonical, inert};
use crate::rustc::CommandLine;

/// Whether the private function `f` is left out beside something.
fn leaves_out(beside: &str, options: &Options) -> bool {
    !text_of(&format!("{beside}\nfn f() {{ 1; }}"), options).contains("fn f()")
}

fn trusting(name: &str) -> Options {
    Options { trusted: [name.to_owned()].into(), ..options(Lines::Drop) }
}

/// The names in a text.
fn names(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

const EVERYWHERE: &str = "doc allow warn deny forbid expect cfg must_use deprecated cold track_caller target_feature rustfmt::* clippy::* miri::* \
    rust_analyzer::* diagnostic::*";
const AROUND: &str = "no_mangle export_name link_section test ignore should_panic automatically_derived";
const MODULE: &str = "no_implicit_prelude path macro_use no_std no_core no_main no_builtins feature recursion_limit type_length_limit crate_name \
    crate_type windows_subsystem needs_allocator compiler_builtins register_tool reexport_test_harness_main";

#[test]
fn an_attribute_is_inert_where_the_list_says() {
    for (listed, places) in [(EVERYWHERE, 3), (AROUND, 2), (MODULE, 1)] {
        for name in names(listed) {
            let name = name.replace('*', "x");
            assert_eq!(why(&format!("#[{name}] mod m {{ fn f() {{ 1; }} }}")), None, "{name}");
            assert_eq!(why(&format!("#[{name}] fn f() {{ 1; }}")).is_none(), places >= 2, "{name}");
            assert_eq!(why(&format!("fn f() {{ #[{name}] g(); }}")).is_none(), places >= 3, "{name}");
        }
    }
    let listed = [EVERYWHERE, AROUND, MODULE].map(names).concat();
    assert_eq!(listed, inert::ATTRIBUTES.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
}

#[test]
fn an_attribute_that_is_built_in_names_nothing() {
    for name in names(
        "bench cfg_attr coverage debugger_visualizer default derive fundamental global_allocator inline instruction_set link link_name link_ordinal \
         macro_export marker must_not_suspend naked no_link non_exhaustive optimize panic_handler proc_macro proc_macro_attribute \
         proc_macro_derive repr thread_local used",
    ) {
        assert!(leaves_out(&format!("#[{name}] struct A;"), &options(Lines::Drop)), "{name}");
    }
    assert!(!leaves_out("#[other] struct A;", &options(Lines::Drop)));
    for (name, ..) in inert::ATTRIBUTES {
        assert!(leaves_out(&format!("#[{}] struct A;", name.replace('*', "x")), &options(Lines::Drop)), "{name}");
    }
}

#[test]
fn lint_levels_may_go_with_a_body() {
    for name in names("allow warn deny forbid expect") {
        assert_eq!(why(&format!("fn f() {{ #![{name}(x)] 1; }}")), None, "{name}");
    }
}

#[test]
fn what_is_exported_is_not_left_out() {
    for name in names("no_mangle export_name link_section") {
        assert!(drop_(&format!("#[{name}] fn f() {{ 1; }}")).contains("fn f"), "{name}");
    }
    for name in names("inline must_use test") {
        assert!(!drop_(&format!("#[{name}] fn f() {{ 1; }}")).contains("fn f"), "{name}");
    }
    assert!(why("use x::test; #[test] fn f() { 1; }").is_some());
}

#[test]
fn bodies_define_types_by_these_features() {
    for name in names("type_alias_impl_trait impl_trait_in_assoc_type generic_const_exprs min_generic_const_args") {
        assert!(why(&format!("#![feature({name})] fn f() {{ 1; }}")).is_some(), "{name}");
        let line = format!("-Zcrate-attr=feature({name}) a.rs");
        let line = CommandLine::parse(line.split(' ').map(Into::into));
        assert!(Options::of(&line, Lines::Keep, Default::default()).body_features, "{name}");
    }
}

#[test]
fn derives_of_the_standard_library_name_nothing() {
    for name in names("Clone Copy Debug Default Eq Hash Ord PartialEq PartialOrd") {
        assert!(leaves_out(&format!("#[derive({name})] struct A;"), &options(Lines::Drop)), "{name}");
        assert!(leaves_out(&format!("#[derive(std::x::{name})] struct A;"), &options(Lines::Drop)), "{name}");
        for taken in ["use x::NAME;", "#[macro_use] extern crate x;", "use x::*;", "macro_rules! NAME { () => {} }"] {
            let taken = taken.replace("NAME", name);
            assert!(!leaves_out(&format!("{taken} #[derive({name})] struct A;"), &options(Lines::Drop)), "{taken}");
        }
    }
    assert!(!leaves_out("#[derive(Other)] struct A;", &options(Lines::Drop)));
    assert!(!leaves_out("#[derive(Clone, x::Debug)] struct A;", &options(Lines::Drop)));
}

#[test]
fn ordinary_calling_conventions_have_ordinary_bodies() {
    for name in names("Rust C system cdecl stdcall fastcall vectorcall thiscall aapcs win64 sysv64 efiapi") {
        assert_eq!(why(&format!("extern \"{name}\" fn f() {{ 1; }}")), None, "{name}");
        assert_eq!(why(&format!("extern \"{name}-unwind\" fn f() {{ 1; }}")), None, "{name}");
    }
}

#[test]
fn standard_macros_are_expressions_and_name_nothing() {
    let expressions = names(
        "addr_of addr_of_mut asm assert assert_eq assert_ne cfg column compile_error concat dbg debug_assert debug_assert_eq debug_assert_ne \
         env eprint eprintln file format format_args include_bytes include_str is_aarch64_feature_detected is_x86_feature_detected line \
         matches module_path offset_of option_env panic pin print println ready stringify todo try unimplemented unreachable vec write \
         writeln",
    );
    for name in &expressions {
        assert_eq!(why(&format!("fn f() {{ {name}!(); }}")), None, "{name}");
    }
    assert_eq!(expressions, inert::EXPRESSION_MACROS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for name in names(
        "assert_matches cfg_select concat_bytes const_format_args debug_assert_matches format_args_nl global_asm naked_asm thread_local",
    ) {
        assert!(leaves_out(&format!("{name}!();"), &options(Lines::Drop)), "{name}");
    }
    for name in names("std core alloc") {
        assert_eq!(why(&format!("fn f() {{ {name}::println!(); }}")), None, "{name}");
        assert!(why(&format!("mod {name} {{}} fn f() {{ std::println!(); }}")).is_some(), "{name}");
    }
}

#[test]
fn macros_that_build_names_keep_all_that_is_private() {
    for name in names("paste concat_idents pastey mashup") {
        let interface = interface_of(&[("lib.rs", &format!("fn f() {{}} {name}! {{}}"))], &options(Lines::Drop));
        assert!(interface.report.keeps_private.is_some(), "{name}");
    }
}

const TRUSTED: &str = "anyhow async_trait bitflags cfg_if clap clap_derive lazy_static log pin_project_lite serde serde_core serde_derive serde_json \
    thiserror thiserror_impl tokio tokio_macros tracing tracing_attributes";

#[test]
fn macros_of_trusted_crates_name_nothing() {
    for name in names(TRUSTED) {
        for macros in ["NAME::m! {}", "use NAME::m; m!();", "use NAME::D; #[derive(D)] struct A;", "#[NAME::a] struct A;"] {
            let beside = macros.replace("NAME", name);
            assert!(leaves_out(&beside, &trusting(name)), "{beside}");
            assert!(!leaves_out(&beside, &options(Lines::Drop)), "{beside}");
            for taken in ["mod NAME {}", "extern crate x as NAME;"] {
                assert!(!leaves_out(&format!("{beside} {}", taken.replace("NAME", name)), &trusting(name)), "{beside} {taken}");
            }
        }
        let line =
            CommandLine::parse([format!("--extern=x=lib{name}-1.rlib"), format!("--extern={name}=libx.rlib")].map(Into::into));
        assert_eq!(Options::of(&line, Lines::Drop, Default::default()).trusted, ["x".to_owned()].into());
    }
    assert_eq!(names(TRUSTED), inert::TRUSTED.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    assert!(!leaves_out("use x::D; use serde::D as E; #[derive(D)] struct A;", &trusting("serde")));
    assert!(!leaves_out("#[cfg(a)] use serde::D; #[cfg(b)] use x::D; #[derive(D)] struct A;", &trusting("serde")));
}

#[test]
fn attributes_of_trusted_derives_are_known() {
    let helpers = [
        ("clap", "arg clap command group value"),
        ("clap_derive", "arg clap command group value"),
        ("pin_project_lite", "pin"),
        ("serde", "serde"),
        ("serde_core", "serde"),
        ("serde_derive", "serde"),
        ("thiserror", "backtrace error from source"),
        ("thiserror_impl", "backtrace error from source"),
    ];
    for (krate, helpers) in helpers {
        for helper in names(helpers) {
            let beside = format!("#[{helper}] struct A;");
            assert!(leaves_out(&beside, &trusting(krate)), "{krate} {helper}");
            assert!(!leaves_out(&beside, &options(Lines::Drop)), "{krate} {helper}");
            assert!(!leaves_out(&format!("use x::{helper}; {beside}"), &trusting(krate)), "{krate} {helper}");
        }
    }
}

#[test]
fn methods_that_macros_call_by_convention_stay() {
    for name in names("anyhow_kind as_display as_dyn_error as_ref provide_ref thiserror_provide to_string write_fmt write_str") {
        assert!(drop_(&format!("struct A; impl A {{ fn {name}(&self) {{ 1; }} }}")).contains(name), "{name}");
    }
    assert!(!drop_("struct A; impl A { fn other(&self) { 1; } }").contains("other"));
}

#[test]
fn records_of_a_log_have_positions() {
    let asks = |krate: &str, text: &str| {
        let line = CommandLine::parse([format!("--extern={krate}=lib{krate}-1.rmeta")].map(Into::into));
        let dependencies = Dependencies::read(&line);
        let krate = Crate::load(Path::new("lib.rs"), &Memory::of(&[("lib.rs", text)]), None).unwrap();
        krate
            .keeps_lines(&Options::of(&line, Lines::Drop, Default::default()), &dependencies, &krate.note(&dependencies))
            .is_some()
    };
    for name in
        names("debug debug_span error error_span event info info_span instrument log span trace trace_span warn warn_span")
    {
        assert!(asks("log", &format!("use log::{name}; pub fn g<T>() {{ {name}!(); }}")), "{name}");
    }
    assert!(!asks("serde", "use serde::m; pub fn g<T>() { m!(); }"));
    let told = |name: &str| inert::tells_no_position(name);
    assert_eq!(
        names(TRUSTED).into_iter().filter(|name| !told(name)).collect::<Vec<_>>(),
        ["log", "tracing", "tracing_attributes"]
    );
    assert!(!told("other"));
}

#[test]
fn operators_call_methods_without_their_names() {
    for name in names(
        "add add_assign bitand bitand_assign bitor bitor_assign bitxor bitxor_assign branch call call_mut call_once clone cmp deref deref_mut div \
         div_assign drop eq fmt from from_output from_residual ge gt index index_mut into_future into_iter le lt mul mul_assign ne neg next \
         not partial_cmp poll sub sub_assign rem rem_assign shl shl_assign shr shr_assign",
    ) {
        let text = format!("impl O for A {{ #[track_caller] fn {name}(self) {{ Location::caller(); }} }}");
        let krate = Crate::load(Path::new("lib.rs"), &Memory::of(&[("lib.rs", &text)]), None).unwrap();
        assert!(krate.note(&Dependencies::default()).others, "{name}");
    }
}

#[test]
fn keywords_are_no_functions_and_no_macros() {
    for name in names("become box break else if in match mut return while yield") {
        assert_eq!(why(&format!("fn f() {{ vec![{name} !(x)]; }}")), None, "{name}");
    }
    for name in names(
        "abstract as async await become box break const continue do dyn else enum extern final fn for gen if impl in let loop macro match mod move \
         mut override priv pub ref return safe static struct trait try type typeof unsafe unsized use virtual where while yield",
    ) {
        let printed = canonical::print(&format!("{name} (a,)"), &|_, _| true).unwrap();
        assert!(printed.contains("a,"), "{printed}");
    }
    assert!(!canonical::print("f (a,)", &|_, _| true).unwrap().contains("a,"));
}
