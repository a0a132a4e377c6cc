//! The options of the two actions, and what they refuse, as a user meets them.

use std::fs;
use std::path::Path;

use crate::support::{HOLLOW, Scratch, run};

pub fn library() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.rs", "pub fn a() -> u32 { 7 }");
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::a()); }");
    scratch
}

pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn verification_passes_for_a_pair_and_fails_with_a_sentence_otherwise() {
    let scratch = library();
    scratch.action("metadata", "--crate-type=lib --out-dir=out a.rs").ok();
    let verified = "link --verify-against out/_hollow/liba_meta.rlib -- rustc --edition=2021 --crate-type=lib --out-dir=out a.rs";
    scratch.hollow(&words(verified)).ok();
    let old = scratch.read("out/liba.rlib");

    scratch.write("a.rs", "pub fn a() -> u64 { 7 }");
    let said = scratch.hollow(&words(verified)).stopped(1);
    assert!(said.starts_with("the two passes over crate `a` gave different metadata (SVH "), "{said}");
    assert!(said.contains("E0460") && said.contains("macro"), "{said}");
    assert!(scratch.read("out/liba.rlib") == old, "what would break dependents does not appear");
    assert_eq!(scratch.list("out"), ["_hollow", "_hollow/liba_meta.rlib", "liba.rlib"]);
}

#[test]
fn a_verification_without_its_hollow_rlib_costs_no_compilation() {
    let scratch = library();
    let gone = scratch.hollow(&words("link --verify-against gone.rlib -- rustc --crate-type=lib --out-dir=out a.rs"));
    assert_eq!(gone.stopped(2), "cannot read `gone.rlib`: No such file or directory (os error 2)");
    let other = scratch.hollow(&words("link --verify-against a.rs -- rustc --crate-type=lib --out-dir=out a.rs"));
    assert_eq!(other.stopped(2), "`a.rs` is not an rlib: it is no archive");
    scratch.write("another_crate.rs", "");
    scratch.action("metadata", "--crate-type=lib --out-dir=out another_crate.rs").ok();
    let wrong = scratch.hollow(&words(
        "link --verify-against out/_hollow/libanother_crate_meta.rlib -- rustc --crate-type=lib --out-dir=out a.rs",
    ));
    assert_eq!(
        wrong.stopped(2),
        "`out/_hollow/libanother_crate_meta.rlib` belongs to crate `another_crate`, not to `a`: pass the hollow twin of `a`"
    );
    assert!(!scratch.exists("out/liba.rlib"));
}

#[test]
fn a_verification_against_another_crate_whose_name_only_rustc_can_tell_says_so() {
    let scratch = library();
    // rustc knows this name beforehand, so the metadata has a number for it.
    scratch.action("metadata", "--crate-name=libc --crate-type=lib --out-dir=out a.rs").ok();
    let line = "link --verify-against out/_hollow/liblibc_meta.rlib -- rustc --edition=2021 --crate-type=lib --out-dir=out a.rs";
    assert_eq!(
        scratch.hollow(&words(line)).stopped(2),
        "`out/_hollow/liblibc_meta.rlib` belongs to another crate than `a`, or was made with another -Cmetadata: \
         pass the hollow twin of `a`"
    );
    assert!(!scratch.exists("out/liba.rlib"));
}

#[test]
fn unstable_features_can_be_kept_from_the_code() {
    let scratch = library();
    scratch.write("a.rs", "#![feature(never_type)] pub fn a() -> u32 { 7 }");
    for action in ["metadata", "link"] {
        scratch.hollow(&words(&format!("{action} -- rustc --crate-type=lib --out-dir=out a.rs"))).ok();
        let denied =
            scratch.hollow(&words(&format!("{action} --deny-unstable-features -- rustc --crate-type=lib --out-dir=out a.rs")));
        assert!(denied.stderr.contains("E0725"), "{}", denied.stderr);
        let allowed = format!(
            "{action} --deny-unstable-features -- rustc -Z allow_features=never_type --crate-type=lib --out-dir=out a.rs"
        );
        scratch.hollow(&words(&allowed)).ok();
    }
}

#[test]
fn both_passes_agree_with_unstable_features_denied() {
    let scratch = library();
    for action in ["metadata", "link"] {
        let line = format!("{action} --deny-unstable-features --remap-cwd . -- rustc --crate-type=lib --out-dir=out a.rs");
        scratch.hollow(&words(&line)).ok();
    }
    scratch.hollow(&["inspect", "out/liba.rlib", "out/_hollow/liba_meta.rlib"]).ok();
}

#[test]
fn the_output_can_be_named() {
    let scratch = library();
    scratch.hollow(&words("metadata --output some/where/libx.rlib -- rustc --crate-type=lib --out-dir=out a.rs")).ok();
    assert!(scratch.exists("some/where/libx.rlib"));
    let misnamed = scratch.hollow(&words("metadata --output x.rmeta -- rustc --crate-type=lib a.rs")).stopped(2);
    assert_eq!(misnamed, "rustc would not take `x.rmeta` as a dependency: call the hollow rlib `lib*.rlib` (see --output)");
    scratch.hollow(&words("link --output bin/deep/a -- rustc --crate-type=lib a.rs --test")).ok();
    assert!(scratch.exists("bin/deep/a"));
}

#[test]
fn a_hollow_rlib_in_the_reach_of_a_link_is_refused_whatever_it_is_called() {
    let scratch = library();
    scratch.action("metadata", "--crate-type=lib --out-dir=out a.rs").ok();
    let refused = |line: &str| scratch.action("link", line).stopped(2);
    assert_eq!(
        refused("--crate-type=bin main.rs --extern=a=out/_hollow/liba_meta.rlib"),
        "`--extern a=out/_hollow/liba_meta.rlib` is a hollow rlib, and the program `main` needs object code: pass `out/liba.rlib` instead"
    );
    fs::create_dir(scratch.path("renamed")).unwrap();
    fs::copy(scratch.path("out/_hollow/liba_meta.rlib"), scratch.path("renamed/liba.rlib")).unwrap();
    for (crate_type, what) in
        [("bin", "program"), ("cdylib", "cdylib"), ("staticlib", "staticlib"), ("dylib", "dylib"), ("proc-macro", "proc-macro")]
    {
        assert_eq!(
            refused(&format!("--crate-type={crate_type} main.rs --extern a=renamed/liba.rlib")),
            format!(
                "`--extern a=renamed/liba.rlib` is a hollow rlib, and the {what} `main` needs object code: pass its full rlib instead"
            )
        );
    }
    for kind in ["", "dependency=", "crate=", "all="] {
        let said = refused(&format!("--test --crate-type=lib main.rs -L {kind}renamed"));
        assert!(
            said.starts_with("the search path `renamed` holds hollow rlibs (liba.rlib), and the test `main` needs"),
            "{said}"
        );
    }
    // Native libraries are no matter of crates, and a full rlib may be called anything.
    scratch.action("link", "--crate-type=lib --out-dir=full/_hollow a.rs").ok();
    scratch.action("link", "--crate-type=bin main.rs -Lnative=renamed --extern=a=full/_hollow/liba.rlib -Lfull/_hollow").ok();
}

#[test]
fn an_rlib_without_its_metadata_is_refused_in_a_link() {
    let scratch = library();
    scratch.rustc("--crate-type=lib a.rs -Zembed-metadata=no --emit=link,metadata").ok();
    assert_eq!(
        scratch.action("link", "--crate-type=bin main.rs --extern=a=liba.rlib").stopped(2),
        "`--extern a=liba.rlib` was made with `-Zembed-metadata=no` and can't be used alone by the program `main`: build it without that option"
    );
    scratch.action("link", "--crate-type=bin main.rs --extern=a=liba.rmeta --extern=a=liba.rlib").ok();
}

#[test]
fn a_bootstrap_that_agrees_is_kept_and_one_that_conflicts_is_refused() {
    let scratch = library();
    let with = |value: &str| {
        let mut command = scratch.command(HOLLOW);
        run(command
            .env("RUSTC_BOOTSTRAP", value)
            .args(words("metadata -- rustc --crate-name=a --crate-type=lib --out-dir=out a.rs")))
    };
    with("1").ok();
    with("x,a").ok();
    let derived = ["metadata", "--", "rustc", "--crate-type=lib", "--out-dir=out", "a.rs"];
    assert_eq!(
        run(scratch.command(HOLLOW).env("RUSTC_BOOTSTRAP", "a").args(derived)).stopped(2),
        "RUSTC_BOOTSTRAP is `a`, where rustc looks for the name in --crate-name, and there is none: pass --crate-name=a, or set it to 1 on all actions"
    );
    for value in ["0", "-1", "x", ""] {
        assert_eq!(
            with(value).stopped(2),
            format!(
                "RUSTC_BOOTSTRAP is `{value}`, which keeps unstable options from crate `a`: unset it, or set it to 1 on all actions"
            )
        );
    }
}

#[test]
fn a_crate_is_called_what_its_attributes_say() {
    let scratch = Scratch::new();
    scratch.write("source.rs", "#![crate_name = \"inner\"]\n#![crate_type = \"lib\"]\npub fn f() {}");
    scratch.hollow(&words("metadata -- rustc --out-dir=out source.rs")).ok();
    scratch.hollow(&words("link -- rustc --out-dir=out source.rs")).ok();
    assert_eq!(scratch.list("out"), ["_hollow", "_hollow/libinner_meta.rlib", "libinner.rlib"]);
    scratch.hollow(&["inspect", "out/libinner.rlib", "out/_hollow/libinner_meta.rlib"]).ok();
}

#[test]
fn a_source_can_come_from_standard_input() {
    let scratch = library();
    for action in ["metadata", "link"] {
        let mut command = scratch.command(HOLLOW);
        command.args(words(&format!("{action} -- rustc --crate-type=lib --crate-name=a --out-dir=out -")));
        run(command.stdin(fs::File::open(scratch.path("a.rs")).unwrap())).ok();
    }
    scratch.hollow(&["inspect", "out/liba.rlib", "out/_hollow/liba_meta.rlib"]).ok();
}

#[test]
fn the_two_passes_keep_their_own_incremental_cache_and_agree() {
    let scratch = library();
    for action in ["metadata", "link", "metadata", "link"] {
        scratch.action(action, "--crate-type=lib --out-dir=out -Cincremental=cache a.rs").ok();
    }
    scratch.hollow(&["inspect", "out/liba.rlib", "out/_hollow/liba_meta.rlib"]).ok();
    assert!(scratch.list("cache/_hollow").len() > 1);
}

#[test]
fn full_rlibs_may_be_compiled_against_full_rlibs() {
    let scratch = library();
    scratch.write("b.rs", "pub fn b() -> u32 { a::a() }");
    scratch.action("link", "--crate-type=lib --out-dir=out a.rs").ok();
    scratch.action("metadata", "--crate-type=lib --out-dir=out a.rs").ok();
    fs::remove_dir_all(scratch.path("out/_hollow")).unwrap();
    let line = "--crate-type=lib --out-dir=out b.rs --extern=a=out/liba.rmeta";
    scratch.hollow(&words(&format!("link --deps full -- rustc --edition=2021 {line}"))).ok();
    let explained = scratch.hollow(&words(&format!("link --deps full --explain -- rustc --edition=2021 {line}"))).ok().stderr;
    assert!(explained.contains("hollow: a: out/liba.rlib in place of the .rmeta\n"), "{explained}");
}

#[test]
fn nothing_is_run_or_written_when_the_command_is_printed() {
    let scratch = library();
    let printed = scratch.hollow(&words("metadata --print=shell -- rustc --crate-type=lib --out-dir=new/out a.rs")).ok().stdout;
    assert!(!scratch.exists("new"));
    // The line runs as it is, once there is a place for the output.
    fs::create_dir_all(scratch.path("new/out/_hollow")).unwrap();
    run(scratch.command("sh").args(["-c", &printed])).ok();
    assert!(scratch.exists("new/out/_hollow/liba_meta.rlib"));

    let json = scratch.hollow(&words("metadata --print=json -- rustc --crate-type=lib --out-dir=new/out a.rs")).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["output"], "new/out/_hollow/liba_meta.rlib");
    assert_eq!(json["env"]["RUSTC_BOOTSTRAP"], "1");
    assert_eq!(json["argv"][1], "--crate-type=lib");
    assert_eq!((&json["interface"], &json["then"]), (&serde_json::Value::Null, &serde_json::json!([])));
    let sealed = "link --print=json --seal-with h.rlib -- rustc --crate-type=lib a.rs";
    let sealed: serde_json::Value = serde_json::from_str(&scratch.hollow(&words(sealed)).ok().stdout).unwrap();
    assert_eq!(sealed["then"], serde_json::json!([{ "seal_with": "h.rlib" }]));
    // A line that leaves out half of what is done would be no such line.
    let shell = |line: &str| scratch.hollow(&words(line));
    scratch.hollow(&words("metadata --output=h/liba_meta.rlib --remap-cwd=x -- rustc --crate-type=lib a.rs")).ok();
    for (options, same) in [("--seal-with h/liba_meta.rlib", true), ("--verify-against h/liba_meta.rlib", false)] {
        let line = shell(&format!("link --print=shell {options} -- rustc --crate-type=lib --out-dir=new/out a.rs")).ok().stdout;
        let path = format!("{}:{}", Path::new(HOLLOW).parent().unwrap().display(), std::env::var("PATH").unwrap());
        let ran = run(scratch.command("sh").args(["-c", &line]).env("PATH", path));
        assert_eq!(ran.code, Some(i32::from(!same)), "{line}: {ran:?}");
        let agree = scratch.hollow(&["inspect", "new/out/liba.rlib", "h/liba_meta.rlib"]).code == Some(0);
        assert_eq!(agree, same, "{line}");
    }
    assert!(
        shell("link --print=shell -- rustc --crate-type=proc-macro --crate-name=m --emit=link=o/libm.so a.rs")
            .ok()
            .stdout
            .ends_with(" && cp o/libm.so o/_hollow/libm.so\n")
    );
    for (option, line) in [
        ("--interface", "metadata --print=shell --interface=drop -- rustc --crate-type=lib a.rs"),
        ("--diagnostics", "link --print=shell --diagnostics=d -- rustc --crate-type=lib a.rs"),
    ] {
        assert_eq!(shell(line).stopped(2), format!("a line for a shell can't say what {option} does: use --print=json"));
    }
    assert!(
        shell("metadata --print=shell --interface=drop -- rustc --crate-type=lib -O a.rs").ok().stdout.contains("-Zno-codegen")
    );
    let interface = "metadata --print=json --interface=drop -- rustc --crate-type=lib a.rs";
    let interface: serde_json::Value = serde_json::from_str(&scratch.hollow(&words(interface)).ok().stdout).unwrap();
    assert_eq!(interface["interface"], "drop");
}

#[test]
fn diagnostics_and_the_exit_status_are_rustcs_own() {
    let scratch = library();
    scratch.write("a.rs", "pub fn a() { let unused = 1; }");
    scratch.write("wrong.rs", "fn main() { 1 + \"\" }");
    let arguments = "--crate-type=lib --out-dir=out a.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts";
    let plain = scratch.rustc(arguments).ok();
    let wrapped = scratch.action("link", arguments).ok();
    assert_eq!(wrapped.stderr, plain.stderr);
    let plain = scratch.rustc("--crate-type=bin --out-dir=out wrong.rs");
    let wrapped = scratch.action("link", "--crate-type=bin --out-dir=out wrong.rs");
    assert_eq!((wrapped.stderr, wrapped.code), (plain.stderr, plain.code));
}

#[test]
fn dep_info_is_what_rustc_itself_writes() {
    let scratch = library();
    scratch.write("a.rs", "mod sub; pub const TEXT: &str = include_str!(\"data.txt\"); pub fn a() -> u32 { sub::seven() }");
    scratch.write("sub.rs", "pub fn seven() -> u32 { 7 }");
    scratch.write("data.txt", "data");
    let library = "--crate-type=lib --emit=dep-info,link --out-dir=out a.rs";
    fs::create_dir_all(scratch.path("out")).unwrap();
    scratch.rustc(library).ok();
    let plain = String::from_utf8(scratch.read("out/a.d")).unwrap();
    let dep_info = |path: &str| String::from_utf8(scratch.read(path)).unwrap();
    let hollow = |line: &str| scratch.hollow(&words(&format!("{line} -- rustc --edition=2021 {library}"))).ok();

    for interface in ["", "--interface=keep", "--interface=drop"] {
        hollow(&format!("metadata {interface}"));
        // rustc calls the rlib by `--out-dir`, whatever `--emit=link=` says.
        assert_eq!(dep_info("out/_hollow/a.d"), plain.replace("out/a.d", "out/_hollow/a.d"), "{interface}");
    }
    for sealed in ["", "--seal-with out/_hollow/liba_meta.rlib"] {
        hollow(&format!("link {sealed}"));
        assert_eq!(dep_info("out/a.d"), plain, "{sealed}");
    }
    let program = "main.rs --extern=a=out/liba.rlib --emit=dep-info,link --out-dir=out";
    scratch.rustc(program).ok();
    let plain = dep_info("out/main.d");
    scratch.action("link", program).ok();
    assert_eq!(dep_info("out/main.d"), plain);
}

#[test]
fn help_fits_into_80_columns_and_has_an_example() {
    let scratch = library();
    for command in [
        &["--help"][..],
        &["metadata", "--help"],
        &["compile", "--help"],
        &["link", "--help"],
        &["inspect", "--help"],
        &["link", "-h"],
    ] {
        let help = scratch.hollow(command).ok().stdout;
        assert!(help.contains("Example"), "{help}");
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "too long: {line}");
        }
    }
}

#[test]
fn diagnostics_go_to_a_file_as_json_and_are_shown_as_ever() {
    let scratch = Scratch::new();
    scratch.write("warns.rs", "pub fn a() { let unused = 1; }");
    scratch.write("fails.rs", "pub fn a() -> u32 { \"b\" }");
    scratch.write("main.rs", "fn main() { let unused = 1; }");
    for (action, source, code, expected) in [
        ("metadata", "--crate-type=lib warns.rs", 0, &["unused_variables"][..]),
        ("link", "--crate-type=lib warns.rs", 0, &["unused_variables"]),
        ("link", "main.rs", 0, &["unused_variables"]),
        ("metadata", "--crate-type=lib fails.rs", 1, &["E0308"]),
        ("link", "--crate-type=lib fails.rs", 1, &["E0308"]),
    ] {
        let said = scratch.hollow(&words(&format!("{action} --diagnostics=new/said.jsonl -- rustc {source}")));
        let without = scratch.hollow(&words(&format!("{action} --output=libx.rlib -- rustc {source}")));
        assert_eq!((said.code, &said.stderr), (Some(code), &without.stderr), "{action} {source}");
        let file = scratch.read("new/said.jsonl");
        let diagnostics = serde_json::Deserializer::from_slice(&file).into_iter::<serde_json::Value>().map(Result::unwrap);
        let codes: Vec<String> = diagnostics.filter_map(|it| it["code"]["code"].as_str().map(str::to_owned)).collect();
        assert_eq!(codes, expected, "{action} {source}");
    }
    scratch.hollow(&words("link --output=libplain.rlib -- rustc --crate-type=lib warns.rs")).ok();
    assert!(scratch.read("libplain.rlib") == scratch.read("libwarns.rlib"));

    scratch.hollow(&words("metadata --interface --diagnostics=new/said.jsonl -- rustc --crate-type=lib fails.rs")).ok();
    assert_eq!(scratch.read("new/said.jsonl"), b"", "the interface source says nothing");

    scratch.write("quiet.rs", "");
    let stopped = scratch.hollow(&words("link --diagnostics=new -- rustc --crate-type=lib quiet.rs")).stopped(2);
    assert!(stopped.starts_with("cannot write rustc's diagnostics: failed to"), "{stopped}");
    assert!(!scratch.exists("libquiet.rlib"));
}
