//! The example as it is.

use super::workspace::{ALL, Workspace};

#[test]
fn the_example_builds_and_its_tests_pass_in_the_sandbox() {
    let Some(workspace) = Workspace::example() else { return };
    workspace.vendor();
    let tested = workspace.bazel(&format!("test --spawn_strategy=sandboxed {ALL}")).ok();
    assert_eq!(tested.stdout.matches(" PASSED in ").count(), 2, "{tested:?}");
    workspace.check_programs();
}

#[test]
fn the_example_builds_without_pipelining_without_a_sandbox_and_optimised() {
    let Some(workspace) = Workspace::example() else { return };
    for settings in [
        "--@rustc_hollow//bzl:pipelining=off",
        "--@rustc_hollow//bzl:interface=drop --min_param_file_size=1",
        "--@rustc_hollow//bzl:interface=keep --spawn_strategy=local",
        "--@rustc_hollow//bzl:sealing=off --spawn_strategy=local",
        "-c opt",
        "-c dbg",
    ] {
        workspace.bazel(&format!("build {settings} //chain //hello:all")).ok();
        assert_eq!(workspace.run("hello/hello"), "hello, world! a Guest 1.2.3 42\n", "{settings}");
        assert_eq!(workspace.run("chain/chain"), "8 10\n", "{settings}");
    }
}

#[test]
fn a_target_can_differ_from_the_settings() {
    let Some(workspace) = Workspace::example() else { return };
    workspace.replace("diamond/BUILD.bazel", "name = \"left\",", "name = \"left\",\n    pipelining = \"off\",");
    workspace.replace("diamond/BUILD.bazel", "name = \"right\",", "name = \"right\",\n    interface = \"keep\",");
    for strategy in ["sandboxed", "local"] {
        workspace.bazel(&format!("build //hello --spawn_strategy={strategy}")).ok();
        assert_eq!(workspace.run("hello/hello"), "hello, world! a Guest 1.2.3 42\n");
    }
}

#[test]
fn hollow_rlibs_and_diagnostics_are_output_groups() {
    let Some(workspace) = Workspace::example() else { return };
    workspace.replace("chain/base.rs", "helper(x) * 2", "let unused = 1; helper(x) * 2");
    workspace.bazel("build //chain:level4 --output_groups=hollow_rlib").ok();
    let base = |kind| workspace.output("chain", "libbase-", kind);
    assert!(workspace.output("chain/_hollow", "liblevel4-", "_meta.rlib").is_some() && base(".rlib").is_none());

    for interface in ["off", "keep"] {
        workspace
            .bazel(&format!("build //chain:base --output_groups=diagnostics --@rustc_hollow//bzl:interface={interface}"))
            .ok();
        let diagnostics = String::from_utf8(workspace.read(&base(".diagnostics.jsonl").unwrap())).unwrap();
        assert!(diagnostics.starts_with('{') && diagnostics.contains("unused_variables"), "{diagnostics}");
    }
}

#[test]
fn two_crates_of_one_name_can_meet_in_a_program() {
    let Some(workspace) = Workspace::example() else { return };
    for (package, number) in [("one", 1), ("two", 2)] {
        workspace.write(&format!("{package}/lib.rs"), format!("pub fn number() -> u32 {{ {number} }}"));
        let build = "load(\"@rustc_hollow//bzl:defs.bzl\", \"rust_library\")\n\
                     rust_library(name = \"same\", srcs = [\"lib.rs\"], visibility = [\"//visibility:public\"])\n";
        workspace.write(&format!("{package}/BUILD.bazel"), build);
    }
    workspace.write("both/main.rs", "fn main() { println!(\"{} {}\", same::number(), other::number()); }");
    let build = "load(\"@rustc_hollow//bzl:defs.bzl\", \"rust_binary\")\n\
                 rust_binary(name = \"both\", srcs = [\"main.rs\"], aliases = {\"//two:same\": \"other\"}, deps = [\"//one:same\", \"//two:same\"])\n";
    workspace.write("both/BUILD.bazel", build);
    workspace.bazel("build //both").ok();
    assert_eq!(workspace.run("both/both"), "1 2\n");
}
