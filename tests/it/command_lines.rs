//! Command lines as build systems write them, and what each action makes of them; and what is refused, word for word.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use hollow::action::{Action, After, Deps, Explain, Options, Plan, Refusal, World, plan};
use hollow::rlib::Kind;
use hollow::rustc::{CommandLine, response_file};

/// A machine on which what was listed exists, and nothing else.
#[derive(Default)]
struct Imagined {
    rlibs: Vec<(&'static str, Kind)>,
    stubs: Vec<&'static str>,
    directories: Vec<&'static str>,
    bootstrap: Option<&'static str>,
}

impl World for Imagined {
    fn is_file(&self, path: &Path) -> bool {
        self.rlib_kind(path).is_some()
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.directories.iter().any(|directory| path == Path::new(directory))
    }

    fn rlib_kind(&self, path: &Path) -> Option<Kind> {
        self.rlibs.iter().find(|(rlib, _)| path == Path::new(rlib)).map(|(_, kind)| *kind)
    }

    fn is_stub(&self, path: &Path) -> bool {
        self.stubs.iter().any(|stub| path == Path::new(stub))
    }

    fn rlibs_in(&self, directory: &Path) -> Vec<PathBuf> {
        let paths = self.rlibs.iter().map(|(rlib, _)| PathBuf::from(rlib));
        paths.filter(|rlib| rlib.parent() == Some(directory)).collect()
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        self.bootstrap.filter(|_| name == "RUSTC_BOOTSTRAP").map(OsString::from)
    }

    fn working_directory(&self) -> Vec<PathBuf> {
        vec!["/home/user/project".into(), "/volumes/1/project".into()]
    }
}

fn think(action: Action, line: &str, files: &[(&str, &str)], options: &Options, world: &Imagined) -> Result<Plan, Refusal> {
    let files: HashMap<&str, &str> = files.iter().copied().collect();
    let mut read = |path: &Path| {
        let content = path.to_str().and_then(|path| files.get(path));
        content.map(|content| content.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let tokens = line.lines().map(OsString::from);
    let line = CommandLine::parse(response_file::expand(tokens, &mut read).unwrap());
    plan(action, line, options, world, &mut Explain::Silent)
}

/// One argument a line, as in a response file, with the environment above and what follows below.
fn shown(plan: Plan) -> String {
    let env = plan.env.iter().map(|(name, value)| format!("{}={}", name.display(), value.display()));
    let arguments = plan.line.into_tokens().into_iter().map(|token| format!("  {}", token.display()));
    let after = plan.after.iter().map(|after| match after {
        After::Verify(hollow) => format!("then compare with {}", hollow.display()),
        After::Seal(hollow) => format!("then seal with {}", hollow.display()),
        After::Publish(path) => format!("then publish as {}", path.display()),
    });
    env.chain(["rustc".into()]).chain(arguments).chain(after).collect::<Vec<_>>().join("\n")
}

fn both(line: &str, files: &[(&str, &str)], options: &Options, world: &Imagined) -> String {
    let shown = |action| shown(think(action, line, files, options, world).unwrap());
    format!("{}\n\n{}", shown(Action::Metadata), shown(Action::Link))
}

#[test]
fn a_library_of_a_cargo_workspace() {
    let line = "\
--crate-name
app_core
--edition=2024
app/src/lib.rs
--error-format=json
--json=diagnostic-rendered-ansi,artifacts,future-incompat
--crate-type
lib
--emit=dep-info,metadata,link
-C
embed-bitcode=no
-C
debuginfo=2
--check-cfg
cfg(docsrs,test)
--check-cfg
cfg(feature, values())
-C
metadata=a433be3c79b08802
-C
extra-filename=-6caedec055ea5de9
--out-dir
/src/ws/target/debug/deps
-C
incremental=/src/ws/target/debug/incremental
-L
dependency=/src/ws/target/debug/deps
--extern
itoa=/src/ws/target/debug/deps/libitoa-d62e748016f8bd79.rmeta
--extern
mac=/src/ws/target/debug/deps/libmac-4202e8f8bdc3ad2c.so";
    let world = Imagined {
        rlibs: vec![("/src/ws/target/debug/deps/_hollow/libitoa-d62e748016f8bd79_meta.rlib", Kind::Hollow)],
        directories: vec!["/src/ws/target/debug/deps/_hollow"],
        ..Imagined::default()
    };
    insta::assert_snapshot!(both(line, &[], &Options::default(), &world));
}

#[test]
fn a_proc_macro_of_a_cargo_workspace_is_linked_against_full_rlibs_and_published() {
    let line = "\
--crate-name
mac
--edition=2024
mac/src/lib.rs
--error-format=json
--json=diagnostic-rendered-ansi,artifacts,future-incompat
--crate-type
proc-macro
--emit=dep-info,link
-C
prefer-dynamic
-C
embed-bitcode=no
-C
metadata=c9d1329cac4d0264
-C
extra-filename=-4202e8f8bdc3ad2c
--out-dir
/src/ws/target/debug/deps
-C
incremental=/src/ws/target/debug/incremental
-L
dependency=/src/ws/target/debug/deps
--extern
itoa=/src/ws/target/debug/deps/libitoa-d62e748016f8bd79.rlib
--extern
proc_macro";
    let world = Imagined {
        rlibs: vec![("/src/ws/target/debug/deps/libitoa-d62e748016f8bd79.rlib", Kind::Full)],
        directories: vec!["/src/ws/target/debug/deps/_hollow"],
        ..Imagined::default()
    };
    insta::assert_snapshot!(shown(think(Action::Link, line, &[], &Options::default(), &world).unwrap()));
}

#[test]
fn a_rust_library_of_rules_rust_in_a_response_file() {
    let params = "\
app/core/src/lib.rs
--crate-name=core_lib
--crate-type=rlib
--error-format=human
--codegen=metadata=-1716204923
--codegen=extra-filename=-1716204923
--out-dir=bazel-out/k8-fastbuild/bin/app/core
--codegen=opt-level=0
--codegen=debuginfo=0
--codegen=strip=none
--remap-path-prefix=${pwd}=.
--emit=link=bazel-out/k8-fastbuild/bin/app/core/libcore_lib-1716204923.rlib
--emit=dep-info
--color=always
--target=x86_64-unknown-linux-gnu
-L
bazel-out/k8-fastbuild/bin/external/rules_rust++rust+rust_linux_x86_64/rust_toolchain/lib/rustlib/x86_64-unknown-linux-gnu/lib
--cfg
feature=\"std\"
--edition=2021
-Cembed-bitcode=no
--cap-lints=allow
--extern=log=bazel-out/k8-fastbuild/bin/external/crates__log-0.4.28/liblog-530518209.rlib
--extern=priv:derive=bazel-out/k8-opt-exec-ST-d57f47055a04/bin/app/derive/libderive-2048815310.so
--extern=zlib=external/prebuilt/libzlib-77.rlib
-Ldependency=bazel-out/k8-fastbuild/bin/external/crates__log-0.4.28
-Ldependency=bazel-out/k8-opt-exec-ST-d57f47055a04/bin/app/derive
-Ldependency=external/prebuilt
-Lnative=bazel-out/k8-fastbuild/bin/app/native";
    let world = Imagined {
        rlibs: vec![
            ("bazel-out/k8-fastbuild/bin/external/crates__log-0.4.28/_hollow/liblog-530518209_meta.rlib", Kind::Hollow),
            ("external/prebuilt/libzlib-77.rlib", Kind::Full),
        ],
        directories: vec![
            "bazel-out/k8-fastbuild/bin/external/crates__log-0.4.28/_hollow",
            "bazel-out/k8-opt-exec-ST-d57f47055a04/bin/app/derive/_hollow",
        ],
        ..Imagined::default()
    };
    let file = "bazel-out/k8-fastbuild/bin/app/core/libcore_lib-1716204923.rlib-0.params";
    insta::assert_snapshot!(both(&format!("@{file}"), &[(file, params)], &Options::default(), &world));
}

#[test]
fn a_rust_library_of_buck2_in_nested_response_files() {
    let arguments = "\
SRCS/a/lib.rs
--crate-name
@OUT/LPPF/a-crate-name
--crate-type=rlib
-Crelocation-model=pic
--edition=2021
-Cmetadata=root//:a#a8ac7ec86a6bee54
--error-format=json
--json=diagnostic-rendered-ansi
-Cprefer-dynamic=no
--target=x86_64-unknown-linux-gnu
--extern=b=OUT/LPPR/libb-720bed55.rlib
@DEPS/LPPF-depsfull-symlinked_dirs/dirs
--remap-path-prefix=SRCS/=./
-Zremap-cwd-prefix=.
-Cextra-filename=-369dcf74
--emit=link=OUT/LPPR/liba-369dcf74.rlib
--out-dir=OUT/LPPR/extras/liba";
    let files = [
        ("OUT/a.args", arguments),
        ("OUT/LPPF/a-crate-name", "a\n"),
        ("DEPS/LPPF-depsfull-symlinked_dirs/dirs", "-Ldependency=DEPS/0\n-Ldependency=DEPS/1\n"),
    ];
    let world = Imagined {
        rlibs: vec![("OUT/LPPR/_hollow/libb-720bed55_meta.rlib", Kind::Hollow)],
        directories: vec!["DEPS/0/_hollow"],
        bootstrap: Some("1"),
        ..Imagined::default()
    };
    insta::assert_snapshot!(both("@OUT/a.args", &files, &Options::default(), &world));
}

#[test]
fn windows_paths_are_data() {
    let line = r"C:\src\app\lib.rs
--crate-name=app
--crate-type=lib
--emit=dep-info,link
--target=x86_64-pc-windows-msvc
-Cextra-filename=-1
--emit=link=C:\out dir\app\libapp-1.rlib
--emit=dep-info=C:\out dir\app\app-1.d
--extern=one=C:\out dir\one\libone-1.rlib
--extern=noprelude:two=out\libtwo-2.rlib
-Ldependency=C:\out dir\one
-Lout\
-Zunstable-options
--remap-path-prefix=C:\src=.";
    let world = Imagined {
        rlibs: vec![
            (r"C:\out dir\one\_hollow\libone-1_meta.rlib", Kind::Hollow),
            (r"out\_hollow\libtwo-2_meta.rlib", Kind::Hollow),
        ],
        directories: vec![r"C:\out dir\one\_hollow", r"out\_hollow"],
        ..Imagined::default()
    };
    insta::assert_snapshot!(both(line, &[], &Options::default(), &world));
}

#[test]
fn every_option_of_the_actions_at_once() {
    let line = "--crate-type=lib\n--crate-name=a\n--extern=b=out/libb.rlib\n-Lout\n--out-dir=out\na.rs";
    let world = Imagined {
        rlibs: vec![("out/_hollow/libb_meta.rlib", Kind::Hollow), ("out/libb.rlib", Kind::Full)],
        directories: vec!["out/_hollow"],
        ..Imagined::default()
    };
    let options = Options {
        output: Some("elsewhere/liba.rlib".into()),
        deps: Deps::Full,
        deny_unstable_features: true,
        remap_cwd: Some(".".into()),
        verify_against: Some("out/_hollow/liba_meta.rlib".into()),
        ..Options::default()
    };
    insta::assert_snapshot!(shown(think(Action::Link, line, &[], &options, &world).unwrap()));
}

#[test]
fn refusals_say_what_is_wrong_and_what_to_do() {
    let default = Options::default;
    let output = |path: &str| Options { output: Some(path.into()), ..default() };
    let world = || Imagined {
        rlibs: vec![("out/_hollow/libb_meta.rlib", Kind::Hollow), ("out/libb.rlib", Kind::Full), ("odd/libb.rlib", Kind::Hollow)],
        stubs: vec!["out/libb.rlib"],
        ..Imagined::default()
    };
    let (metadata, link) = (Action::Metadata, Action::Link);
    let cases = [
        (metadata, "--crate-type=bin a.rs", default(), world()),
        (metadata, "--crate-type=proc-macro a.rs", default(), world()),
        (metadata, "--crate-type=lib --test a.rs", default(), world()),
        (metadata, "a.rs", default(), world()),
        (link, "--crate-type=lib,cdylib a.rs", default(), world()),
        (link, "--crate-type=lib --emit=link,llvm-ir a.rs", default(), world()),
        (
            link,
            "--crate-type=lib --error-format=short a.rs",
            Options { diagnostics: Some("a.jsonl".into()), ..default() },
            world(),
        ),
        (link, "--crate-type=lib -Zembed-metadata=no a.rs", default(), world()),
        (link, "--crate-type=lib -Zno-codegen a.rs", default(), world()),
        (link, "--crate-type=lib a.rs", default(), Imagined { bootstrap: Some("other"), ..world() }),
        (metadata, "--crate-type=lib a.rs", output("a.rmeta"), world()),
        (link, "--crate-type=lib a.rs", output("a,b/liba.rlib"), world()),
        (link, "--crate-type=lib --out-dir=a,b a.rs", default(), world()),
        (link, "--crate-type=lib -o - a.rs", default(), world()),
        (link, "a.rs", Options { verify_against: Some("liba_meta.rlib".into()), ..default() }, world()),
        (link, "a.rs", Options { seal_with: Some("liba_meta.rlib".into()), ..default() }, world()),
        (
            link,
            "--crate-type=lib a.rs",
            Options { seal_with: Some("x.rlib".into()), verify_against: Some("x.rlib".into()), ..default() },
            world(),
        ),
        (link, "--crate-type=lib a.rs", Options { remap_cwd: Some("a=b".into()), ..default() }, world()),
        (link, "--extern=b=out/_hollow/libb_meta.rlib a.rs", default(), world()),
        (link, "--test --extern b=odd/libb.rlib a.rs", default(), world()),
        (link, "--crate-type=cdylib --extern=b=out/libb.rlib a.rs", default(), world()),
        (link, "--crate-type=proc-macro -Ldependency=out/_hollow a.rs", default(), world()),
        (link, "--crate-type=staticlib -L odd a.rs", default(), world()),
    ];
    let texts = cases.map(|(action, line, options, world)| {
        let refusal = think(action, &line.replace(' ', "\n"), &[], &options, &world).unwrap_err().to_string();
        assert!(!refusal.contains('\n'), "{refusal}");
        format!("{action}, {line}\n  {refusal}\n")
    });
    insta::assert_snapshot!(texts.concat());
}
