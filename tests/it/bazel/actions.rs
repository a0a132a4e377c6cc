//! What the actions are, as `bazel aquery` tells it.

use std::collections::BTreeMap;

use super::workspace::Workspace;

/// An action of the program //hello, or of anything below it.
#[derive(Debug, Default)]
struct Action {
    mnemonic: String,
    target: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
    environment: String,
    search_paths: Vec<String>,
}

impl Action {
    fn is_library(&self) -> bool {
        self.outputs[0].ends_with(".rlib")
    }

    /// Whether it runs rustc against hollow rlibs; all others link.
    fn compiles(&self) -> bool {
        self.is_library() || self.mnemonic == "RustcCompile"
    }
}

fn actions(workspace: &Workspace, settings: &str) -> Vec<Action> {
    let query = format!("aquery mnemonic(\"Rustc.*\",deps(//hello)) {settings}");
    let text = workspace.bazel(&query).ok().stdout;
    let mut actions: Vec<Action> = Vec::new();
    let mut configuration = "";
    for line in text.lines() {
        if line.starts_with("action ") {
            actions.push(Action::default());
        }
        let Some(action) = actions.last_mut() else { continue };
        let list = |text: &str| text.trim_matches(['[', ']']).split(", ").map(str::to_owned).collect();
        match line.trim().split_once(": ") {
            Some(("Mnemonic", mnemonic)) => action.mnemonic = mnemonic.into(),
            Some(("Target", target)) => configuration = target,
            Some(("Configuration", of)) => action.target = format!("{configuration} {of}"),
            Some(("Inputs", inputs)) => action.inputs = list(inputs),
            Some(("Outputs", outputs)) => action.outputs = list(outputs),
            Some(("Environment", environment)) => action.environment = environment.into(),
            _ => {}
        }
        if let Some((_, path)) = line.split_once("-Ldependency=") {
            action.search_paths.push(path.split('\'').next().unwrap().trim_end_matches([' ', '\\', ')']).to_owned());
        }
    }
    assert!(actions.len() >= 8, "{text}");
    actions
}

fn is_built_rlib(input: &str) -> bool {
    input.starts_with("bazel-out/") && input.ends_with(".rlib")
}

fn is_hollow(input: &str) -> bool {
    input.contains("/_hollow/")
}

#[test]
fn compilers_see_hollow_rlibs_only_and_linkers_full_ones_only() {
    let Some(workspace) = Workspace::example() else { return };
    for settings in ["", "--@rustc_hollow//bzl:interface=drop"] {
        let actions = actions(&workspace, settings);
        for action in &actions {
            let mut rlibs = action.inputs.iter().filter(|input| is_built_rlib(input));
            assert!(rlibs.all(|rlib| is_hollow(rlib) == action.compiles()), "{action:#?}");
        }
        let is_top = |action: &&Action| action.target.starts_with("//diamond:top ");
        let rlibs = |action: &Action| action.inputs.iter().filter(|input| is_built_rlib(input)).count();
        // Three below it, and in the link action its own.
        assert_eq!(actions.iter().filter(is_top).map(rlibs).collect::<Vec<_>>(), [3, 4]);
    }
}

#[test]
fn a_program_is_compiled_from_its_sources_and_linked_without_them() {
    let Some(workspace) = Workspace::example() else { return };
    let of_program = |settings: &str| -> Vec<(String, bool)> {
        let actions = actions(&workspace, settings);
        let actions = actions.into_iter().filter(|action| action.target.starts_with("//hello:hello "));
        actions.map(|action| (action.mnemonic, action.inputs.iter().any(|input| input == "hello/main.rs"))).collect()
    };
    assert_eq!(of_program(""), [("RustcCompile".to_owned(), true), ("RustcLink".to_owned(), false)]);
    assert_eq!(of_program("--@rustc_hollow//bzl:split_link=off"), [("Rustc".to_owned(), true)]);
}

#[test]
fn both_actions_of_a_crate_have_the_same_environment() {
    let Some(workspace) = Workspace::example() else { return };
    let mut environments = BTreeMap::<String, Vec<String>>::new();
    for action in actions(&workspace, "").into_iter().filter(Action::is_library) {
        environments.entry(action.target).or_default().push(action.environment);
    }
    for (target, environments) in environments {
        let [metadata, link] = &environments[..] else { panic!("{target}: {environments:?}") };
        assert_eq!(metadata, link, "{target}");
        assert!(metadata.contains("PATH=/usr/bin:/bin"), "{metadata}");
    }
}

#[test]
fn no_search_path_has_hollow_and_full_rlibs() {
    let Some(workspace) = Workspace::example() else { return };
    let actions = actions(&workspace, "");
    let directory = |path: &str| path.rsplit_once('/').unwrap().0.to_owned();
    let outputs: Vec<&String> = actions.iter().flat_map(|action| &action.outputs).collect();
    let mut seen = 0;
    for action in &actions {
        for path in &action.search_paths {
            let found = outputs.iter().filter(|output| directory(output) == *path && !output.ends_with("/hello"));
            let kinds: Vec<&str> = found
                .map(|output| {
                    if is_hollow(output) {
                        "hollow"
                    } else if output.contains("/_macro/") {
                        "macro"
                    } else {
                        "full"
                    }
                })
                .collect();
            let expected = if action.compiles() { ["hollow", "macro"] } else { ["full", "macro"] };
            assert!(
                !kinds.is_empty() && kinds.iter().all(|kind| *kind == kinds[0] && expected.contains(kind)),
                "{path}: {kinds:?} {action:#?}"
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "{actions:#?}");
}

#[test]
fn without_pipelining_there_is_one_action_for_a_crate() {
    let Some(workspace) = Workspace::example() else { return };
    let actions = actions(&workspace, "--@rustc_hollow//bzl:pipelining=off --compilation_mode=fastbuild");
    assert!(actions.iter().all(|action| action.mnemonic == "Rustc"), "{actions:#?}");
    assert!(actions.iter().all(|action| !action.inputs.iter().any(|input| is_hollow(input))), "{actions:#?}");
}
