//! A generated graph of crates: layers of libraries, each of which uses three of the layer below, with a program and tests on top.

use std::fmt::Write;

use super::workspace::Workspace;

/// The number of layers, of libraries in a layer, and of tests.
pub struct Size {
    pub layers: usize,
    pub width: usize,
    pub tests: usize,
}

/// Writes the package `graph/`: the libraries `c{layer}_{number}`, a program `graph` that uses the last layer, and tests `t{number}`, each of which
/// uses two libraries of it.
pub fn write(workspace: &Workspace, size: &Size) {
    let mut build = String::from("load(\"@rustc_hollow//bzl:defs.bzl\", \"rust_binary\", \"rust_library\", \"rust_test\")\n");
    let layer_of = |layer: usize, from: usize, count: usize| -> Vec<String> {
        (from..from + count).map(|number| format!("c{layer}_{}", number % size.width)).collect()
    };
    for layer in 0..size.layers {
        for number in 0..size.width {
            let below = layer.checked_sub(1).map_or(Vec::new(), |below| layer_of(below, number, 3));
            let name = format!("c{layer}_{number}");
            workspace.write(&format!("graph/{name}.rs"), library(&below));
            writeln!(build, "rust_library(name = \"{name}\", srcs = [\"{name}.rs\"], deps = {})", labels(&below)).unwrap();
        }
    }
    let top = layer_of(size.layers - 1, 0, size.width);
    writeln!(build, "rust_binary(name = \"graph\", srcs = [\"main.rs\"], deps = {})", labels(&top)).unwrap();
    let sum: Vec<String> = top.iter().map(|name| format!("{name}::f0(1)")).collect();
    workspace.write("graph/main.rs", format!("fn main() {{ println!(\"{{}}\", {}); }}", sum.join(" ^ ")));
    for number in 0..size.tests {
        let deps = layer_of(size.layers - 1, number, 2);
        let [one, other] = &deps[..] else { panic!("two: {deps:?}") };
        let test = format!("#[test] fn differ() {{ assert_ne!({one}::f1(3), {other}::f2(4) + 1); }}");
        workspace.write(&format!("graph/t{number}.rs"), test);
        writeln!(build, "rust_test(name = \"t{number}\", srcs = [\"t{number}.rs\"], deps = {})", labels(&deps)).unwrap();
    }
    workspace.write("graph/BUILD.bazel", build);
}

fn labels(names: &[String]) -> String {
    format!("{:?}", names.iter().map(|name| format!(":{name}")).collect::<Vec<_>>())
}

/// A library of ten ordinary functions and ten generic ones, each of which asks the libraries below.
fn library(below: &[String]) -> String {
    let mut source =
        String::from("#[derive(Clone, Debug, PartialEq, Eq, Hash)]\npub struct Item { pub name: String, pub value: u64 }\n");
    for number in 0..10 {
        let asked: String = below.iter().map(|name| format!(" ^ {name}::f{number}(value % 7)")).collect();
        write!(
            source,
            "
pub fn f{number}(value: u64) -> u64 {{
    let mut items: Vec<Item> = (0..value).map(|value| Item {{ name: format!(\"{{value:x}}-{number}\"), value: value * 31 }}).collect();
    items.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| b.value.cmp(&a.value)));
    let total = items.iter().filter(|item| item.name.contains('a')).fold({number}, |total, item| total ^ item.value);
    let last = match items.last() {{
        Some(Item {{ name, value }}) if name.len() > 3 => total.wrapping_add(*value),
        Some(item) => total.wrapping_sub(item.value),
        None => total,
    }};
    last{asked}
}}
"
        )
        .unwrap();
    }
    for number in 0..10 {
        writeln!(
            source,
            "pub fn g{number}<T: Clone + Ord>(mut of: Vec<T>) -> Option<T> {{ of.sort(); of.get({number}).cloned() }}"
        )
        .unwrap();
    }
    source
}
