//! What people are told.

use super::workspace::Workspace;

fn fails(workspace: &Workspace, arguments: &str) -> String {
    let built = workspace.bazel(&format!("build {arguments}"));
    assert_eq!(built.code, Some(1), "{built:?}");
    built.stderr
}

#[test]
fn a_type_error_in_a_body_is_reported_once_by_rustc() {
    let Some(workspace) = Workspace::example() else { return };
    workspace.replace("chain/base.rs", "helper(x) * 2", "helper(x) * \"2\"");
    for interface in ["off", "keep", "drop"] {
        let said = fails(&workspace, &format!("//chain --keep_going --@rustc_hollow//bzl:interface={interface}"));
        assert_eq!(said.matches("error[E0277]: cannot multiply `u32` by `&str`").count(), 1, "{interface}: {said}");
        assert_eq!(said.matches("//chain:base) failed").count(), 1, "{interface}: {said}");
        assert!(said.contains("--> chain/base.rs:8:15"), "{interface}: {said}");
    }
}

#[test]
fn a_warning_is_reported_once() {
    let Some(workspace) = Workspace::example() else { return };
    workspace.replace("chain/base.rs", "helper(x) * 2", "let y = 1; helper(x) * 2");
    for interface in ["off", "drop"] {
        let built = workspace.bazel(&format!("build //chain --@rustc_hollow//bzl:interface={interface}")).ok();
        assert_eq!(built.stderr.matches("unused variable: `y`").count(), 1, "{interface}: {built:?}");
    }
}

#[test]
fn a_missing_dependency_is_named() {
    let Some(workspace) = Workspace::example() else { return };
    workspace.replace("chain/BUILD.bazel", "deps = [\":base\"],", "");
    let said = fails(&workspace, "//chain");
    assert!(said.contains("cannot find module or crate `base`"), "{said}");
    assert!(said.contains("//chain:level4) failed"), "{said}");
}

#[test]
fn a_cycle_is_shown() {
    let Some(workspace) = Workspace::example() else { return };
    workspace.replace("chain/BUILD.bazel", "srcs = [\"base.rs\"],", "srcs = [\"base.rs\"],\n    deps = [\":level1\"],");
    let said = fails(&workspace, "//chain");
    assert!(said.contains("cycle in dependency graph"), "{said}");
    assert!(said.contains("//chain:level4"), "{said}");
}

#[test]
fn a_wrong_path_of_a_tool_is_named() {
    let Some(workspace) = Workspace::example() else { return };
    let original = workspace.read("WORKSPACE");
    workspace.replace("WORKSPACE", "name = \"rust\"", "name = \"rust\", rustc = \"/no/such/rustc\"");
    let said = fails(&workspace, "//chain");
    let expected = "@rust: there is no rustc at `/no/such/rustc`: correct `rustc` of the rust_repository, or leave it out";
    assert!(said.contains(expected), "{said}");

    workspace.write("WORKSPACE", original);
    let said = fails(&workspace, "//chain --repo_env=RUSTC_HOLLOW=/no/such/hollow");
    let expected =
        "@hollow: there is no program at `/no/such/hollow`: correct `path` of the hollow_repository, or `RUSTC_HOLLOW`";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn mistakes_in_build_files_are_explained() {
    let Some(workspace) = Workspace::example() else { return };
    let hello = String::from_utf8(workspace.read("hello/BUILD.bazel")).unwrap();
    for (from, to, target, expected) in [
        (
            "proc_macro_deps = [\"//macros\"]",
            "deps = [\"//macros\"]",
            "//hello",
            "does not have mandatory providers: 'RustLibraryInfo'",
        ),
        (
            "\"words.rs\",",
            "\"words.rs\",\n        \"greeting.rs\",",
            "//hello",
            "2 of its sources could be the crate's root: name it with `crate_root`",
        ),
        ("edition = \"2024\"", "interface = \"most\"", "//hello", "invalid value in 'interface' attribute"),
        (
            "edition = \"2024\"",
            "interface = \"keep\",\n    sealing = \"off\"",
            "//hello",
            "//hello:greeting: hollow rlibs made by interface have to be sealed: set `interface` to off, or `sealing` to on",
        ),
        (
            "edition = \"2024\"",
            "edition = \"2024\"",
            "//hello --@rustc_hollow//bzl:pipelining=on",
            "//bzl:pipelining is `on`: choose one of hollow, off",
        ),
    ] {
        assert!(hello.contains(from));
        workspace.write("hello/BUILD.bazel", hello.replacen(from, to, 1));
        workspace.write("hello/greeting.rs", "");
        let said = fails(&workspace, target);
        assert!(said.contains(expected), "{said}");
    }
}
