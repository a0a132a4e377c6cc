//! A derive macro that does not expand the same way twice, whatever the seeds of its `HashMap`s: the time decides.

use super::workspace::Workspace;

const MACRO: &str = r#"
#[proc_macro_derive(Shuffled)]
pub fn shuffled(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut methods: Vec<u32> = (0..30).collect();
    methods.sort_by_key(|number| (number + 1).wrapping_mul(time | 1));
    let methods: String = methods.iter().map(|name| format!("pub fn m{name}(&self) -> u32 {{ {} }}", name * 2)).collect();
    format!("impl Numbers {{ {methods} }}").parse().unwrap()
}
"#;

fn workspace() -> Option<Workspace> {
    let workspace = Workspace::example()?;
    workspace.write("shuffled/macro.rs", MACRO);
    workspace.write("shuffled/numbers.rs", "#[derive(shuffled::Shuffled)] pub struct Numbers;");
    workspace.write("shuffled/user.rs", "pub fn sum() -> u32 { numbers::Numbers.m3() + numbers::Numbers.m29() }");
    workspace.write("shuffled/main.rs", "fn main() { println!(\"{}\", user::sum() + numbers::Numbers.m1()); }");
    workspace.write(
        "shuffled/BUILD.bazel",
        r#"
load("@rustc_hollow//bzl:defs.bzl", "rust_binary", "rust_library", "rust_proc_macro")
rust_proc_macro(name = "shuffled", srcs = ["macro.rs"])
rust_library(name = "numbers", srcs = ["numbers.rs"], proc_macro_deps = [":shuffled"])
rust_library(name = "user", srcs = ["user.rs"], deps = [":numbers"])
rust_binary(name = "main", srcs = ["main.rs"], deps = [":user", ":numbers"])
"#,
    );
    Some(workspace)
}

#[test]
fn sealed_it_builds_and_runs() {
    let Some(workspace) = workspace() else { return };
    for interface in ["off", "keep", "drop"] {
        workspace.bazel(&format!("build //shuffled:main --@rustc_hollow//bzl:interface={interface}")).ok();
        assert_eq!(workspace.run("shuffled/main"), "66\n");
    }
}

#[test]
fn not_sealed_it_fails_where_it_is_compiled() {
    let Some(workspace) = workspace() else { return };
    let built = workspace.bazel("build //shuffled:main --@rustc_hollow//bzl:sealing=off");
    assert_eq!(built.code, Some(1), "{built:?}");
    assert!(built.stderr.contains("hollow: error: the two passes over crate `numbers` gave different metadata"), "{built:?}");
    assert!(built.stderr.contains("Compiling library `numbers` (//shuffled:numbers) failed"), "{built:?}");
    assert!(!built.stderr.contains("error[E0460]"), "{built:?}");
}
