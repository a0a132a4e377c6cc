//! The Buck2 definitions in `bzl/buck2`, without Buck2: run by Python, which reads this much of Starlark, with stand-ins for Buck2's own names.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ran, missing, repository, run};

fn evaluate(file: &str, rule: &str, provider: &str, fields: &[&str]) -> Option<Ran> {
    if Command::new("python3").arg("--version").output().is_err() {
        missing("python3");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(repository().join("tests/it/buck2_rules.py")).arg(repository().join("bzl/buck2").join(file));
    Some(run(command.args([rule, provider]).args(fields)))
}

/// What is made of a prelude's fields, with hollow from `PATH` and with a hollow of one's own.
fn made(fields: &[&str]) -> Value {
    let with = |hollow: &str| {
        let rustc_action = json!([hollow, "rustc-action"]);
        let value =
            |field: &str| if field == "rustc_action" { rustc_action.clone() } else { format!("prelude's {field}").into() };
        Value::Object(fields.iter().map(|field| ((*field).to_owned(), value(field))).collect())
    };
    json!([with("hollow"), with("path/to/hollow")])
}

#[test]
fn one_of_the_preludes_tools_is_replaced_and_the_rules_use_it() {
    let fields = ["extract_link_action", "failure_filter_action", "rustc_action", "rustdoc_coverage"];
    let Some(ran) = evaluate("hollow.bzl", "hollow_rust_tools", "RustInternalToolsInfo", &fields) else { return };
    let printed: Value = serde_json::from_str(&ran.ok().stdout).unwrap();
    assert_eq!(printed["made"], made(&fields));
    assert_eq!(printed["toolchain"], true);
    for rule in ["rust_binary", "rust_library", "rust_test"] {
        let tools = &printed["cloned"][rule]["_rust_internal_tools_toolchain"];
        assert_eq!(tools["args"][0]["default"], "toolchains//:rust_tools", "{rule}");
    }
}

#[test]
fn one_field_of_an_older_toolchain_is_replaced() {
    let fields = ["compiler", "rustc_action", "rustdoc"];
    let Some(ran) = evaluate("toolchain.bzl", "hollow_rust_toolchain", "RustToolchainInfo", &fields) else { return };
    let printed: Value = serde_json::from_str(&ran.ok().stdout).unwrap();
    assert_eq!(printed["made"], made(&fields));
    let Some(newer) = evaluate("toolchain.bzl", "hollow_rust_toolchain", "RustToolchainInfo", &["compiler"]) else { return };
    assert_eq!(newer.stderr, "fail: this prelude has its rustc_action from RustInternalToolsInfo: use hollow.bzl\n");
}
