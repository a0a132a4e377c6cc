//! What hollow relies on about rustc, measured on the installed one. A new release that changes a fact fails here, with a word on what to
//! look at.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::{Ran, Scratch};

const LIBRARY: &str = "
    /// Documented.
    pub fn generic<T: std::fmt::Debug>(value: T) -> String { format!(\"{value:?}\") }
    #[inline] pub fn inlined(x: u32) -> u32 { x + 1 }
    pub fn ordinary(x: u32) -> u32 { x * 3 }
    pub static ANSWER: u32 = 42;
";

/// Fails with what to look at: "`name` in `file`", more than once perhaps, which is there.
#[track_caller]
fn fact(holds: bool, what: &str, look_at: &str) {
    let words: Vec<&str> = look_at.split_whitespace().map(|word| word.trim_end_matches([',', ':'])).collect();
    for (index, word) in words.iter().enumerate().filter(|(_, word)| word.starts_with("src/")) {
        let text = fs::read_to_string(crate::support::repository().join(word)).unwrap_or_else(|error| panic!("{word}: {error}"));
        let name = index.checked_sub(2).filter(|_| words[index - 1] == "in").map_or("", |name| words[name]);
        assert!(text.contains(name.rsplit("::").next().unwrap()), "{name} is not in {word}");
    }
    assert!(holds, "rustc has changed: no longer true that {what}. Look at {look_at}.");
}

/// The SVH of a library compiled with these arguments, read by rustc itself.
#[track_caller]
fn svh(scratch: &Scratch, arguments: &str) -> String {
    svh_with(scratch, arguments, Some("1"))
}

#[track_caller]
fn svh_with(scratch: &Scratch, arguments: &str, bootstrap: Option<&str>) -> String {
    let mut command = scratch.command("rustc");
    let output = if arguments.contains("link=") { "" } else { "--emit=link=libsvh.rlib" };
    command.args(["--edition=2021", "--crate-name=a", "--crate-type=lib", "a.rs"]).args(arguments.split_whitespace());
    command.args(output.split_whitespace());
    if let Some(value) = bootstrap {
        command.env("RUSTC_BOOTSTRAP", value);
    }
    crate::support::run(&mut command).ok();
    let path = arguments.split("link=").nth(1).map_or("libsvh.rlib", |path| path.split([',', ' ']).next().unwrap());
    listed_svh(scratch, path)
}

#[track_caller]
fn listed_svh(scratch: &Scratch, rlib: &str) -> String {
    let listed = scratch.rustc(&format!("-Zls=root {rlib}")).ok().stdout;
    let line = listed.lines().find_map(|line| line.strip_prefix("hash ")).expect("a line `hash`");
    line.split(' ').next().unwrap().to_owned()
}

/// A nightly rustc takes unstable options anyway, unless `RUSTC_BOOTSTRAP=-1` forbids them.
fn is_nightly(scratch: &Scratch) -> bool {
    let version = scratch.stable_rustc("--version").ok().stdout;
    version.contains("-nightly") || version.contains("-dev")
}

fn library() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.rs", LIBRARY);
    scratch
}

#[test]
fn the_set_of_emit_kinds_enters_the_svh() {
    let scratch = library();
    let link = svh(&scratch, "");
    for emit in ["dep-info,link=libx.rlib", "metadata,link=libx.rlib", "obj,link=libx.rlib"] {
        fact(
            svh(&scratch, &format!("--emit={emit}")) != link,
            &format!("--emit={emit} and --emit=link give different SVHs"),
            "Unit::emit in src/action/plan.rs, which asks for the same kinds in both passes",
        );
    }
}

#[test]
fn paths_diagnostics_and_lints_do_not_enter_the_svh() {
    let scratch = library();
    scratch.write("empty/none", "");
    let plain = svh(&scratch, "");
    for arguments in [
        "--emit=link=elsewhere/../libother.rlib",
        "--out-dir=other",
        "-Cextra-filename=-9",
        "-Zno-codegen",
        "-Zunstable-options",
        "--error-format=json --json=diagnostic-rendered-ansi",
        "--color=always",
        "--diagnostic-width=100",
        "--cap-lints=allow",
        "-Dwarnings",
        "-Lempty",
        "-Ccodegen-units=3",
    ] {
        fs::create_dir_all(scratch.path("elsewhere")).unwrap();
        fact(
            svh(&scratch, arguments) == plain,
            &format!("`{arguments}` does not enter the SVH"),
            "the two passes in src/action/plan.rs, which differ in the output path and -Zno-codegen, and line in \
             src/action/outputs.rs, which sets --out-dir",
        );
    }
}

#[test]
fn bootstrap_and_allow_features_enter_the_svh() {
    let scratch = library();
    let unset = svh_with(&scratch, "", None);
    let on = svh(&scratch, "");
    let look_at = "src/rustc/bootstrap.rs and Unit::environment in src/action/plan.rs";
    fact(
        svh(&scratch, "-Zallow-features=") != on,
        "-Zallow-features= enters the SVH",
        "--deny-unstable-features, set on both passes",
    );
    fact(unset != on, "RUSTC_BOOTSTRAP=1 changes the SVH", look_at);
    fact(svh_with(&scratch, "", Some("a")) == on, "the crate's own name in RUSTC_BOOTSTRAP is the same as 1", look_at);
    fact(svh_with(&scratch, "", Some("x,a")) == on, "RUSTC_BOOTSTRAP may list several crates", look_at);
    let minus_one = svh_with(&scratch, "", Some("-1"));
    fact(is_nightly(&scratch) || minus_one == unset, "RUSTC_BOOTSTRAP=-1 is the same as none for a stable rustc", look_at);
    for other in ["0", "b"] {
        fact(svh_with(&scratch, "", Some(other)) == unset, &format!("RUSTC_BOOTSTRAP={other} is the same as none"), look_at);
    }
}

#[test]
fn presence_of_an_incremental_cache_enters_the_svh_but_not_its_path() {
    let scratch = library();
    let look_at = "separate_incremental in src/action/plan.rs";
    let one = svh(&scratch, "-Cincremental=one");
    fact(one != svh(&scratch, ""), "-Cincremental enters the SVH", look_at);
    fact(one == svh(&scratch, "-Cincremental=two"), "the path of the incremental cache does not enter the SVH", look_at);
}

#[test]
fn hollow_and_full_rlib_of_one_command_line_have_the_same_metadata() {
    let scratch = library();
    for (index, extra) in ["", "-Cdebuginfo=2", "-Copt-level=3", "-Cmetadata=x -Cextra-filename=-x"].iter().enumerate() {
        scratch.rustc(&format!("--crate-type=lib a.rs {extra} --emit=link=libfull{index}.rlib")).ok();
        scratch.rustc(&format!("--crate-type=lib a.rs {extra} -Zno-codegen --emit=link=libhollow{index}.rlib")).ok();
        let metadata = |name: &str| hollow::rlib::Rlib::read(&scratch.path(name)).unwrap().lib_rmeta;
        fact(
            metadata(&format!("libfull{index}.rlib")) == metadata(&format!("libhollow{index}.rlib")),
            "both passes over a crate write the same lib.rmeta",
            "everything: the two actions rest on it",
        );
    }
}

#[test]
fn only_a_full_rlib_has_codegen_units_even_of_an_empty_crate() {
    let scratch = Scratch::new();
    scratch.write("empty.rs", "");
    scratch.rustc("--crate-type=lib empty.rs --emit=link=libfull.rlib").ok();
    scratch.rustc("--crate-type=lib empty.rs -Zno-codegen --emit=link=libhollow.rlib").ok();
    let kind = |name: &str| hollow::rlib::kind(&scratch.path(name)).unwrap();
    let look_at = "src/rlib/mod.rs, which tells hollow from full by members named *.rcgu.o";
    fact(kind("libfull.rlib") == hollow::rlib::Kind::Full, "a full rlib has a member *.rcgu.o", look_at);
    fact(kind("libhollow.rlib") == hollow::rlib::Kind::Hollow, "a hollow rlib has no member *.rcgu.o", look_at);
}

#[test]
fn a_dependency_may_be_hollow_or_full_and_the_result_is_the_same() {
    let scratch = library();
    scratch.write("b.rs", "pub fn b() -> String { a::generic(a::inlined(a::ANSWER)) }");
    fs::create_dir(scratch.path("h")).unwrap();
    scratch.rustc("--crate-type=lib a.rs").ok();
    scratch.rustc("--crate-type=lib a.rs -Zno-codegen --emit=link=h/liba_meta.rlib").ok();
    scratch.rustc("--crate-type=lib b.rs --extern=a=liba.rlib --emit=link=libb1.rlib").ok();
    scratch.rustc("--crate-type=lib b.rs --extern=a=h/liba_meta.rlib --emit=link=libb2.rlib").ok();
    fact(
        scratch.read("libb1.rlib") == scratch.read("libb2.rlib"),
        "an rlib is the same whether its dependencies were hollow or full",
        "compile_against_hollow in src/action/plan.rs, the default of --deps",
    );
}

#[test]
fn remapping_makes_both_rlibs_independent_of_the_directory() {
    let scratch = Scratch::new();
    for directory in ["one", "a/longer/two"] {
        let source = scratch.write(&format!("{directory}/a.rs"), LIBRARY);
        for (name, extra) in [("full", ""), ("hollow", "-Zno-codegen")] {
            let mut command = scratch.command("rustc");
            command.current_dir(source.parent().unwrap()).env("RUSTC_BOOTSTRAP", "1");
            let mapping = format!("--remap-path-prefix={}=", source.parent().unwrap().canonicalize().unwrap().display());
            command.args(["--crate-type=lib", "a.rs", "-Cdebuginfo=2", &mapping, &format!("--emit=link=lib{name}.rlib")]);
            crate::support::run(command.args(extra.split_whitespace())).ok();
        }
    }
    for name in ["libfull.rlib", "libhollow.rlib"] {
        fact(
            scratch.read(format!("one/{name}")) == scratch.read(format!("a/longer/two/{name}")),
            "--remap-path-prefix takes the directory out of an rlib",
            "remap_working_directory in src/action/plan.rs",
        );
    }
}

/// `a` as hollow and full rlib of one SVH in two directories, and a program that uses it.
fn both_kinds() -> Scratch {
    let scratch = library();
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::ordinary(a::ANSWER)); }");
    scratch.write("user.rs", "#[no_mangle] pub extern \"C\" fn user() -> u32 { a::ordinary(1) }");
    fs::create_dir_all(scratch.path("h")).unwrap();
    fs::create_dir_all(scratch.path("f")).unwrap();
    scratch.rustc("--crate-type=lib a.rs --emit=link=f/liba.rlib").ok();
    scratch.rustc("--crate-type=lib a.rs -Zno-codegen --emit=link=h/liba_meta.rlib").ok();
    scratch
}

#[test]
fn rustc_links_whichever_kind_it_finds_last_without_a_word() {
    let scratch = both_kinds();
    let link = |search: &str| scratch.rustc(&format!("main.rs --extern=a {search}"));
    let look_at = "src/action/reach.rs, which refuses hollow rlibs in the reach of a link";
    fact(link("-Lh -Lf").code == Some(0), "the last search path wins", look_at);
    let undefined = link("-Lf -Lh");
    fact(
        undefined.code == Some(1) && undefined.stderr.contains("undefined"),
        "a program of hollow rlibs fails in the linker",
        look_at,
    );
}

#[test]
fn a_shared_or_static_library_of_hollow_rlibs_succeeds_and_is_broken() {
    let scratch = both_kinds();
    for crate_type in ["cdylib", "staticlib"] {
        let Ran { code, .. } = scratch.rustc(&format!("--crate-type={crate_type} user.rs --extern=a=h/liba_meta.rlib"));
        fact(
            code == Some(0),
            &format!("a {crate_type} linked from hollow rlibs exits with 0 (if rustc refuses by itself now: good)"),
            "src/action/reach.rs",
        );
    }
}

#[test]
fn a_transitive_dependency_is_found_by_its_prefix() {
    let scratch = library();
    scratch.write("b.rs", "pub use a::generic; pub fn b() -> a::Out { a::Out }");
    scratch.write("a.rs", format!("{LIBRARY} pub struct Out;"));
    scratch.write("c.rs", "pub fn c() -> String { let _ = b::b(); b::generic(1) }");
    fs::create_dir(scratch.path("h")).unwrap();
    scratch.rustc("--crate-type=lib a.rs -Cextra-filename=-1 -Zno-codegen --emit=link=h/liba-1_meta.rlib").ok();
    scratch.rustc("--crate-type=lib b.rs --extern=a=h/liba-1_meta.rlib -Zno-codegen --emit=link=h/libb_meta.rlib").ok();
    let found = scratch
        .rustc("--crate-type=lib c.rs --extern=b=h/libb_meta.rlib -Ldependency=h -Zno-codegen --emit=link=h/libc_meta.rlib");
    fact(found.code == Some(0), "lib{name}{extra}_meta.rlib is found as a transitive dependency", "src/action/names.rs");
}

#[test]
fn a_hollow_rlib_must_be_called_rlib_and_an_rmeta_is_no_substitute() {
    let scratch = library();
    scratch.write("user.rs", "pub fn user() -> String { a::generic(1) }");
    scratch.rustc("--crate-type=lib a.rs -Zno-codegen --emit=link=liba.rmeta").ok();
    let misnamed = scratch.rustc("--crate-type=lib user.rs --extern=a=liba.rmeta");
    fact(misnamed.stderr.contains("E0786"), "a hollow rlib named .rmeta is E0786", "Unit::outputs in src/action/plan.rs");
    scratch.rustc("--crate-type=lib a.rs --emit=metadata=liba.rmeta").ok();
    let no_mir = scratch.rustc("--crate-type=lib user.rs --extern=a=liba.rmeta");
    fact(no_mir.stderr.contains("missing optimized MIR"), "an .rmeta has no MIR", "the reason why hollow rlibs exist: README");
}

#[test]
fn no_codegen_makes_nothing_useful_of_anything_but_an_rlib() {
    let scratch = Scratch::new();
    scratch.write("main.rs", "fn main() {}");
    let bin = scratch.rustc("--crate-type=bin main.rs -Zno-codegen");
    fact(
        bin.code == Some(0) && !scratch.exists("main"),
        "-Zno-codegen on a program exits with 0 and writes nothing",
        "Product::of in src/action/plan.rs, which refuses it",
    );
    scratch.write("c.rs", "pub fn c() {}");
    let cdylib = scratch.rustc("--crate-type=cdylib c.rs -Zno-codegen");
    fact(cdylib.code == Some(0), "-Zno-codegen links an empty shell of a cdylib", "Product::of in src/action/plan.rs");
}

#[test]
fn options_of_an_extern_are_unstable() {
    let scratch = both_kinds();
    for option in ["noprelude", "priv", "nounused", "force"] {
        let line = format!("--crate-type=lib user.rs --extern={option}:a=f/liba.rlib");
        let refused = scratch.rustc(&line);
        let look_at = "Extern in src/rustc/values.rs";
        fact(refused.code == Some(1), &format!("--extern {option}: needs -Zunstable-options"), look_at);
        fact(
            scratch.rustc(&format!("{line} -Zunstable-options")).code == Some(0) || option == "noprelude",
            &format!("--extern {option}: works with -Zunstable-options"),
            look_at,
        );
    }
}

#[test]
fn a_reexported_macro_is_looked_up_in_the_dependency_search_path() {
    let scratch = Scratch::new();
    scratch.write("m.rs", "use proc_macro::TokenStream; #[proc_macro] pub fn m(input: TokenStream) -> TokenStream { input }");
    scratch.write("b.rs", "pub use m::m;");
    scratch.write("c.rs", "pub fn c() -> u32 { b::m!(1 + 1) }");
    scratch.rustc("--crate-type=proc-macro m.rs --extern=proc_macro --out-dir=macros").ok();
    let library = format!("m{}", std::env::consts::DLL_SUFFIX);
    scratch.rustc(&format!("--crate-type=lib b.rs --extern=m=macros/lib{library}")).ok();
    let look_at = "After::Publish in src/action/perform.rs, which puts the macro into _hollow/, too";
    let without = scratch.rustc("--crate-type=lib c.rs --extern=b=libb.rlib");
    fact(without.stderr.contains("E0463"), "a macro of a dependency is searched for", look_at);
    let with = scratch.rustc("--crate-type=lib c.rs --extern=b=libb.rlib -Ldependency=macros");
    fact(with.code == Some(0), "a macro of a dependency is found in -Ldependency", look_at);
}

#[test]
fn rustc_neither_makes_directories_nor_replaces_what_is_read_only() {
    let scratch = library();
    let look_at = "prepare in src/action/outputs.rs";
    let nowhere = scratch.rustc("--crate-type=lib a.rs --emit=link=not/there/liba.rlib");
    fact(nowhere.code == Some(1), "the directory of --emit=link=PATH must exist", look_at);
    let old = scratch.write("liba.rlib", "old");
    fs::set_permissions(&old, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
    let refused = scratch.rustc("--crate-type=lib a.rs");
    fact(refused.stderr.contains("is not writeable"), "a read-only output is refused", look_at);
}

#[test]
fn an_rlib_is_renamed_into_place_but_dep_info_is_written_in_place() {
    let scratch = library();
    let look_at = "is_safe_in_place in src/action/outputs.rs, and the claim that a failed library action leaves no partial rlib";
    for name in ["liba.rlib", "a.d"] {
        scratch.write(name, "old");
        fs::hard_link(scratch.path(name), scratch.path(format!("{name}.linked"))).unwrap();
    }
    scratch.rustc("--crate-type=lib a.rs --emit=link,dep-info").ok();
    fact(scratch.read("liba.rlib.linked") == b"old", "a new rlib does not write through an old one", look_at);
    let inode = |name: &str| fs::metadata(scratch.path(name)).unwrap().ino();
    fact(inode("a.d") == inode("a.d.linked"), "dep-info writes through an old file (if it no longer does: good)", look_at);
}

#[test]
fn response_files_do_not_nest_and_an_empty_line_is_an_argument() {
    let scratch = library();
    let look_at = "src/rustc/response_file.rs";
    scratch.write("args", "--crate-type=lib\na.rs\n");
    fact(scratch.rustc("@args").code == Some(0), "a response file holds one argument a line", look_at);
    scratch.write("outer", "--crate-type=lib\n@inner\n");
    scratch.write("inner", "a.rs\n");
    fact(scratch.rustc("@outer").code == Some(1), "rustc does not read a response file in a response file", look_at);
    scratch.write("empty-line", "--crate-type=lib\n\na.rs\n");
    let two_inputs = scratch.rustc("@empty-line");
    fact(two_inputs.stderr.contains("multiple input filenames"), "an empty line is an empty argument", look_at);
}

#[test]
fn post_monomorphisation_errors_appear_in_both_passes() {
    let scratch = Scratch::new();
    scratch.write(
        "a.rs",
        "struct S<T>(T); impl<T> S<T> { const C: () = panic!(\"too late\"); } pub fn f() { let () = S::<u8>::C; }",
    );
    for extra in ["", "-Zno-codegen"] {
        let failed = scratch.rustc(&format!("--crate-type=lib a.rs {extra}"));
        fact(failed.stderr.contains("too late"), "both passes report post-monomorphisation errors", "README, on diagnostics");
    }
}

#[test]
fn with_bootstrap_symbols_are_named_by_v0() {
    let scratch = library();
    let mangling = |ran: Ran| {
        ran.ok();
        let listed = scratch.rustc("-Zls=root liba.rlib").ok().stdout;
        listed.lines().find(|line| line.contains("symbol_mangling_version")).expect("a line on mangling").to_owned()
    };
    let on = mangling(scratch.rustc("--crate-type=lib a.rs"));
    let v0 = mangling(scratch.rustc("--crate-type=lib a.rs -Csymbol-mangling-version=v0"));
    let legacy = mangling(scratch.rustc("--crate-type=lib a.rs -Csymbol-mangling-version=legacy -Zunstable-options"));
    fact(
        on == v0 && on != legacy,
        "with RUSTC_BOOTSTRAP symbols are named by v0",
        "names_by_hash in src/action/interface.rs, and Unit::environment in src/action/plan.rs, which sets it on every action",
    );
    // Stable 1.95 names them by `legacy` without it, 1.97 by v0.
    let off = mangling(scratch.stable_rustc("--crate-type=lib a.rs"));
    fact(off == v0 || off == legacy, "there are two ways to name symbols", "names_by_hash in src/action/interface.rs");
}

/// Since 1.97 an rlib tells linking rustcs which of its members are rustc's own objects (rust-lang/rust#138243). So it belongs to the objects, and
/// sealing leaves it alone.
#[test]
fn what_an_rlib_tells_of_its_objects_is_true_of_a_sealed_one() {
    let scratch = library();
    scratch.rustc("--crate-type=lib a.rs -Ccodegen-units=4").ok();
    scratch.rustc("--crate-type=lib a.rs -Ccodegen-units=4 -Zno-codegen --emit=link=liba_meta.rlib").ok();
    let text = |rlib: &str| {
        let bytes = scratch.read(rlib);
        let archive = object::read::archive::ArchiveFile::parse(&*bytes).unwrap();
        let members = archive.members().map(Result::unwrap).collect::<Vec<_>>();
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let objects =
            members.iter().map(|member| name(member.name())).filter(|name| name.ends_with(".rcgu.o")).collect::<Vec<_>>();
        let link = members.iter().find(|member| member.name() == b"lib.rmeta-link");
        (objects, link.map(|member| name(member.data(&*bytes).unwrap())))
    };
    let look_at = "LIB_RMETA in src/rlib/mod.rs, the only member that src/rlib/seal.rs replaces";
    let ((objects, Some(full)), (_, Some(hollow))) = (text("liba.rlib"), text("liba_meta.rlib")) else { return };
    fact(objects.iter().all(|object| full.contains(object)), "lib.rmeta-link of a full rlib names its objects", look_at);
    fact(!hollow.contains(".rcgu.o"), "lib.rmeta-link of a hollow rlib names none", look_at);
}

#[test]
fn outputs_are_called_what_rustc_calls_them() {
    let cases = [
        ("lib", "--crate-name=n"),
        ("lib", "--crate-name=n -Cextra-filename=-1 --out-dir=d"),
        ("lib", "-Cextra-filename=-1 my-source.rs"),
        ("lib", "-o given.rlib"),
        ("lib", "--emit=link,dep-info -o given.rlib"),
        ("lib", "--emit=link=x/liby.rlib,dep-info=x/z.d"),
        ("lib", "--emit=dep-info --emit=link --out-dir=d -Cextra-filename=-2"),
        ("bin", "--crate-name=n -Cextra-filename=-1 --out-dir=d"),
        ("bin", "-o given"),
        ("bin", "--emit=link,dep-info -o given.one.two -Cextra-filename=-1"),
        ("bin", "--emit=link,dep-info -o d/given"),
        ("cdylib", "--crate-name=n -Cextra-filename=-1"),
        ("cdylib", "--emit=link,dep-info -o d/given.so --crate-name=n"),
        ("staticlib", "--crate-name=n --out-dir=d"),
        ("dylib", "--crate-name=n --out-dir=d"),
        ("proc-macro", "--crate-name=n -Cextra-filename=-3 --out-dir=d"),
        ("lib", "--test --crate-name=n -Cextra-filename=-3 --out-dir=d"),
    ];
    for (crate_type, arguments) in cases {
        let scratch = Scratch::new();
        for directory in ["d", "x"] {
            fs::create_dir(scratch.path(directory)).unwrap();
        }
        let source = if arguments.contains("my-source") { "my-source.rs" } else { "a.rs" };
        scratch.write(source, if crate_type == "bin" { "fn main() {}" } else { "" });
        let named = if arguments.contains(source) { "" } else { source };
        let line = format!("--crate-type={crate_type} {arguments} {named}");
        scratch.rustc(&line).ok();
        let written: Vec<String> = scratch.list("").into_iter().filter(|name| ![source, "d", "x"].contains(&&**name)).collect();

        let tokens = line.split_whitespace().map(std::ffi::OsString::from);
        let settings = hollow::rustc::Settings::of(&hollow::rustc::CommandLine::parse(tokens));
        let name = settings.crate_name_or_derived();
        let mut derived = vec![hollow::rustc::output::link(&settings, &name, &settings.crate_types[0])];
        derived.extend(hollow::rustc::output::dep_info(&settings, &name));
        let mut derived: Vec<String> = derived.into_iter().map(|path| path.display().to_string()).collect();
        derived.sort();
        assert_eq!(derived, written, "for `rustc {line}`: look at src/rustc/output.rs");
    }
}

#[test]
fn the_head_of_the_metadata_is_what_rustc_says() {
    let scratch = Scratch::new();
    scratch.write("a.rs", format!("pub mod a {{ {LIBRARY} }} pub mod named_like_the_crate {{}}"));
    for name in ["a", "named_like_the_crate", "libc", "serde"] {
        scratch
            .rustc(&format!(
                "--crate-name={name} --crate-type=lib a.rs -Cmetadata={name} -Cextra-filename=-e --emit=link=lib{name}-e.rlib"
            ))
            .ok();
        let rlib = hollow::rlib::Rlib::read(&scratch.path(format!("lib{name}-e.rlib"))).unwrap();
        let header = rlib.header();
        let look_at = "src/rlib/metadata.rs, which decodes rustc's private layout";
        fact(header.is_some(), "the head of the metadata has the known layout", look_at);
        let header = header.unwrap();
        let listed = scratch.rustc(&format!("-Zls=root lib{name}-e.rlib")).ok().stdout;
        let known = header.crate_name.as_deref().unwrap_or(name);
        fact(listed.contains(&format!("name {known}-e\n")), "the crate's name is there", look_at);
        let id = header.stable_crate_id.expect("an id");
        fact(
            listed.contains(&format!("hash {} stable_crate_id StableCrateId({id})", header.svh)),
            "SVH and stable crate id are there",
            look_at,
        );
        fact(listed.contains(&format!("triple {}\n", header.target)), "the target is there", look_at);
        let version = scratch.rustc("-V").ok().stdout;
        fact(header.rustc == version.trim_end(), "rustc's version is there", look_at);
        assert!(!header.is_stub && !header.is_proc_macro);
    }
}

#[test]
fn without_embedded_metadata_an_rlib_is_a_stub() {
    let scratch = library();
    scratch.rustc("--crate-type=lib a.rs -Zembed-metadata=no --emit=link,metadata").ok();
    let look_at = "is_stub in src/rlib/mod.rs and stub_extern in src/action/reach.rs";
    fact(hollow::rlib::is_stub(&scratch.path("liba.rlib")), "-Zembed-metadata=no leaves a stub", look_at);
    scratch.rustc("--crate-type=lib a.rs --emit=link").ok();
    fact(!hollow::rlib::is_stub(&scratch.path("liba.rlib")), "an ordinary rlib is no stub", look_at);
    scratch.write("tiny.rs", "");
    scratch.rustc("--crate-type=lib tiny.rs").ok();
    assert!(!hollow::rlib::is_stub(&scratch.path("libtiny.rlib")));
}

#[test]
fn another_path_in_emit_throws_the_incremental_cache_away() {
    let scratch = Scratch::new();
    scratch.write("a.rs", "pub fn f() {}");
    ["out", "one", "two"].iter().for_each(|name| std::fs::create_dir(scratch.path(name)).unwrap());
    let said = |path: &str| {
        let line = format!(
            "-Zincremental-info -Cincremental=cache --crate-type=lib --emit=dep-info --emit=metadata={path}/liba.rmeta --out-dir=out a.rs"
        );
        scratch.rustc(&line).ok().stderr.contains("ignoring cache")
    };
    let thrown_away = ["one", "one", "two", "two"].map(said);
    assert_eq!(thrown_away, [false, false, true, false]);
}

#[test]
fn the_metadata_file_of_both_passes_is_what_the_rlib_has() {
    let scratch = library();
    for (index, extra) in ["", "-Copt-level=3", "-Cdebuginfo=2 -Cpanic=abort"].iter().enumerate() {
        let emit = |name: &str| {
            format!("--emit=metadata={name}{index}.rmeta,link=lib{name}{index}.rlib --json=artifacts --error-format=json")
        };
        let full = scratch.rustc(&format!("--crate-type=lib a.rs {extra} {}", emit("full"))).ok();
        scratch.rustc(&format!("--crate-type=lib a.rs {extra} -Zno-codegen {}", emit("hollow"))).ok();
        let look_at = "src/action/one_rustc.rs, where one process serves both actions";
        let file = scratch.read(format!("full{index}.rmeta"));
        fact(file == scratch.read(format!("hollow{index}.rmeta")), "both passes write the same .rmeta", look_at);
        let rlib = hollow::rlib::Rlib::read(&scratch.path(format!("libfull{index}.rlib"))).unwrap();
        fact(rlib.metadata() == file, "the .rmeta is what the object file in the rlib has", look_at);
        let [metadata, link] = ["\"emit\":\"metadata\"", "\"emit\":\"link\""].map(|emit| full.stderr.find(emit));
        fact(metadata.is_some() && metadata < link, "the .rmeta is announced before the rlib", look_at);
    }
}
