//! Where sources and the files that they include come from.

use super::workspace::Workspace;

const LOAD: &str =
    "load(\"@rustc_hollow//bzl:defs.bzl\", \"rust_binary\", \"rust_library\", \"rust_proc_macro\", \"rust_test\")\n";

fn package(workspace: &Workspace, build: &str, files: &[(&str, &str)]) {
    workspace.write("p/BUILD.bazel", format!("{LOAD}{build}"));
    for (name, text) in files {
        workspace.write(&format!("p/{name}"), text);
    }
}

/// Builds in the sandbox and without one, and by interface.
fn prints(workspace: &Workspace, expected: &str) {
    for settings in ["--spawn_strategy=sandboxed", "--spawn_strategy=local --@rustc_hollow//bzl:interface=drop"] {
        workspace.bazel(&format!("build //p {settings}")).ok();
        assert_eq!(workspace.run("p/p"), expected, "{settings}");
    }
}

#[test]
fn generated_and_checked_in_sources_make_one_crate() {
    let Some(workspace) = Workspace::example() else { return };
    package(
        &workspace,
        r#"
genrule(name = "generated", outs = ["made.rs"], cmd = "echo 'pub fn word() -> &'\"'\"'static str { \"made\" }' > $@")
genrule(name = "text", outs = ["deep/text.txt"], cmd = "printf text > $@")
rust_library(name = "words", srcs = ["lib.rs", "deep/mod.rs", ":generated"], compile_data = [":text"])
genrule(name = "root", outs = ["main.rs"], cmd = "echo 'fn main() { println!(\"{}\", words::all()) }' > $@")
rust_binary(name = "p", srcs = [":root"], deps = [":words"])
rust_test(name = "t", crate = ":words")
"#,
        &[
            ("lib.rs", "mod deep; mod made; pub fn all() -> String { format!(\"{} {}\", made::word(), deep::TEXT) }"),
            ("deep/mod.rs", "pub const TEXT: &str = include_str!(\"text.txt\"); #[test] fn t() { assert_eq!(TEXT, \"text\") }"),
        ],
    );
    prints(&workspace, "made text\n");
    workspace.bazel("test //p:t").ok();
}

#[test]
fn files_are_included_by_variables_and_no_output_says_where_it_was_made() {
    let Some(workspace) = Workspace::example() else { return };
    package(
        &workspace,
        r#"
genrule(name = "made", outs = ["made.txt"], cmd = "printf made > $@")
rust_library(
    name = "texts",
    srcs = ["lib.rs"],
    compile_data = ["checked_in.txt", ":made"],
    rustc_env = {"CPU": "$(TARGET_CPU) $$", "MADE": "$(location :made)"},
)
rust_binary(name = "p", srcs = ["main.rs"], deps = [":texts"])
"#,
        &[
            ("checked_in.txt", "checked in"),
            (
                "lib.rs",
                "pub const TEXTS: [&str; 3] = [include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/checked_in.txt\")), \
                 include_str!(env!(\"MADE\")), env!(\"CPU\")];",
            ),
            ("main.rs", "fn main() { println!(\"{:?}\", texts::TEXTS) }"),
        ],
    );
    let cpu = workspace.bazel("info --show_make_env").ok().stdout;
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("TARGET_CPU: ")).unwrap().to_owned();
    prints(&workspace, &format!("[\"checked in\", \"made\", \"{cpu} $\"]\n"));
    let scratch = workspace.path("..").canonicalize().unwrap();
    for output in ["p".to_owned(), workspace.output("p", "libtexts-", ".rlib").unwrap().replace("bazel-bin/p/", "")] {
        let bytes = workspace.read(&format!("bazel-bin/p/{output}"));
        assert!(memchr::memmem::find(&bytes, scratch.as_os_str().as_encoded_bytes()).is_none(), "{output}");
    }
}

#[test]
fn programs_and_macros_have_tests_too() {
    let Some(workspace) = Workspace::example() else { return };
    package(
        &workspace,
        r#"
rust_binary(name = "p", srcs = ["main.rs"])
rust_proc_macro(name = "macros", srcs = ["macros.rs"])
rust_test(name = "program_test", crate = ":p", data = [":p"], env = {"PROGRAM": "$(location :p)"})
rust_test(name = "macros_test", crate = ":macros")
"#,
        &[
            (
                "main.rs",
                "fn main() { println!(\"{}\", number()) } fn number() -> u8 { 7 }
                 #[test] fn t() {
                     assert_eq!(number(), 7);
                     let output = std::process::Command::new(std::env::var(\"PROGRAM\").unwrap()).output().unwrap();
                     assert_eq!(output.stdout, b\"7\\n\");
                 }",
            ),
            (
                "macros.rs",
                "#[proc_macro] pub fn nothing(_: proc_macro::TokenStream) -> proc_macro::TokenStream { text().parse().unwrap() }
                 fn text() -> &'static str { \"\" } #[test] fn t() { assert_eq!(text(), \"\") }",
            ),
        ],
    );
    prints(&workspace, "7\n");
    workspace.bazel("test //p:all").ok();
}
