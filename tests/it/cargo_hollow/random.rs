//! Never stale: after each of many random edits, what the program prints and what the compiler says is what plain Cargo makes from scratch.
//!
//! `HOLLOW_RANDOM_STEPS` says how many edits, `HOLLOW_RANDOM_SEED` which.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use fastrand::Rng;
use serde_json::Value;

use super::workspace::{Workspace, manifest};
use crate::support::run;

/// The libraries, each with those that it uses. `m` is a proc-macro.
const LIBRARIES: [(&str, &[&str]); 4] = [("a", &[]), ("b", &["a", "m"]), ("c", &["a", "b"]), ("s", &[])];

/// What a library is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Library {
    /// Comments above everything.
    comments: u32,
    /// Comments inside a body.
    inner_comments: u32,
    /// A private function, and what it returns.
    helper: Option<u32>,
    body: u32,
    inlined: u32,
    generic: u32,
    constant: u32,
    default: u32,
    expanded: u32,
    documented: u32,
    /// How many public functions that nobody uses.
    extra: u32,
    /// Another field in a public type.
    wide: bool,
    unused: bool,
    deprecated: bool,
    reformatted: bool,
    /// 1 is an error in a body, 2 is one in a signature.
    error: u32,
}

impl Library {
    fn edit(&mut self, random: &mut Rng) {
        let value = random.u32(0..100);
        match random.u32(0..19) {
            0 | 1 => self.comments = value % 9,
            2 => self.inner_comments = value % 5,
            3 | 4 => self.helper = if self.helper.is_some() { None } else { Some(value) },
            5..=7 => self.body = value,
            8 => self.inlined = value,
            9 => self.generic = value,
            10 => self.constant = value,
            11 => self.default = value,
            12 => self.expanded = value,
            13 => self.documented = value % 4,
            14 => self.extra = value % 3,
            15 => self.wide = !self.wide,
            16 => self.unused = !self.unused,
            17 => self.deprecated = !self.deprecated,
            _ if value.is_multiple_of(3) => self.error = 1 + value % 2,
            _ => self.reformatted = !self.reformatted,
        }
    }

    fn source(&self, name: &str, uses: &[&str]) -> String {
        let mut text = "// A comment.\n".repeat(self.comments as usize);
        let mut line = |line: String| writeln!(text, "{line}").unwrap();
        if let Some(value) = self.helper {
            line(format!("fn helper() -> u32 {{\n    {value}\n}}"));
        }
        for number in 0..self.documented {
            line(format!("/// Line {number}."));
        }
        line(format!("pub const CONSTANT: u32 = {};", self.constant));
        line("pub fn body(x: u32) -> u32 {".into());
        if self.unused {
            line("    let unused = 1;".into());
        }
        for number in 0..self.inner_comments {
            line(format!("    // Comment {number}."));
        }
        if self.error == 1 {
            line("    let _: u32 = \"text\";".into());
        }
        let helper = if self.helper.is_some() { "helper()" } else { "0" };
        match self.reformatted {
            true => line(format!("    x\n        + {}\n        + {helper}\n}}", self.body)),
            false => line(format!("    x + {} + {helper}\n}}", self.body)),
        }
        if self.error == 2 {
            line("pub fn wrong(x: Missing) {}".into());
        }
        line(format!("#[inline]\npub fn inlined(x: u32) -> u32 {{\n    x + {}\n}}", self.inlined));
        line(format!("pub fn generic<T: Into<u32>>(x: T) -> u32 {{\n    x.into() + {} + body(1)\n}}", self.generic));
        let (field, value) = if self.wide { ("\n    pub wide: u64,", "wide: 1, ") } else { ("", "") };
        line(format!("pub struct Typed {{\n    pub value: u32,{field}\n}}"));
        line(format!("impl Typed {{\n    pub fn new() -> Self {{\n        Self {{ {value}value: body(2) }}\n    }}\n}}"));
        line("impl Default for Typed {\n    fn default() -> Self {\n        Self::new()\n    }\n}".into());
        line(format!("pub trait Valued {{\n    fn valued(&self) -> u32 {{\n        {}\n    }}\n}}", self.default));
        line("impl Valued for Typed {}".into());
        line(format!("#[macro_export]\nmacro_rules! {name}_expanded {{\n    () => {{\n        {}\n    }};\n}}", self.expanded));
        if self.deprecated {
            line("#[deprecated]".into());
        }
        line("pub fn old() -> u32 {\n    3\n}".into());
        for number in 0..self.extra {
            line(format!("pub fn extra{number}() {{}}"));
        }
        let libraries: Vec<_> = uses.iter().filter(|used| **used != "m").collect();
        line("pub fn sum() -> u32 {".into());
        line("    let mut sum = body(0) + CONSTANT;".into());
        for used in libraries {
            line(format!(
                "    sum += {used}::body(1) + {used}::inlined(1) + {used}::generic(1u8) + {used}::CONSTANT + {used}::sum();"
            ));
            line(format!("    sum += {used}::Typed::new().value + {used}::{used}_expanded!() + {used}::old();"));
            line(format!("    sum += {used}::Valued::valued(&{used}::Typed::default());"));
            line(format!("    sum += u32::try_from(size_of::<{used}::Typed>()).unwrap();"));
        }
        if uses.contains(&"m") {
            line("    sum += m::number!();".into());
        }
        line("    sum\n}".into());
        text
    }
}

fn workspace(libraries: &[Library]) -> Workspace {
    let workspace = Workspace::new(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\", \"c\", \"m\", \"s\", \"p\"]\n[profile.dev]\ndebug = \"line-tables-only\"\n",
        ),
        ("m/Cargo.toml", &manifest("m", "[lib]\nproc-macro = true\n[dependencies]\ns = { path = \"../s\" }")),
        (
            "m/src/lib.rs",
            "#[proc_macro]\npub fn number(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    s::sum().to_string().parse().unwrap()\n}\n",
        ),
        ("p/Cargo.toml", &manifest("p", "[dependencies]\nc = { path = \"../c\" }\nb = { path = \"../b\" }")),
        ("p/src/main.rs", "fn main() {\n    println!(\"{} {} {}\", c::sum(), b::body(1), c::c_expanded!());\n}\n"),
    ]);
    for ((name, uses), library) in LIBRARIES.iter().zip(libraries) {
        let dependencies: String = uses.iter().map(|used| format!("{used} = {{ path = \"../{used}\" }}\n")).collect();
        workspace.write(&format!("{name}/Cargo.toml"), &manifest(name, &format!("[dependencies]\n{dependencies}")));
        workspace.write(&format!("{name}/src/lib.rs"), &library.source(name, uses));
    }
    workspace
}

/// The messages of the compiler, each with its crate.
fn messages(stdout: &str) -> BTreeSet<String> {
    let messages = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let messages = messages.filter(|message| message["reason"] == "compiler-message");
    messages.map(|message| format!("{} {}", message["target"]["name"], message["message"])).collect()
}

#[test]
fn nothing_is_ever_stale() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let steps = number("HOLLOW_RANDOM_STEPS", 200);
    let mut random = Rng::with_seed(number("HOLLOW_RANDOM_SEED", 1));
    let mut libraries = vec![Library::default(); LIBRARIES.len()];
    let workspace = workspace(&libraries);
    let plain_target = workspace.path("plain");
    for step in 0..steps {
        let before = libraries.clone();
        libraries.iter_mut().for_each(|library| library.error = 0);
        for _ in 0..random.u32(1..=2) {
            let at = random.usize(0..libraries.len());
            libraries[at].edit(&mut random);
        }
        for (((name, uses), library), before) in LIBRARIES.iter().zip(&libraries).zip(&before) {
            if library != before {
                workspace.write(&format!("{name}/src/lib.rs"), &library.source(name, uses));
            }
        }
        let builds = random.bool();
        let command = if builds { "build" } else { "check" };
        let command = format!("{command} --keep-going --message-format=json");
        let hollow = workspace.hollow(&command);
        drop(fs::remove_dir_all(&plain_target));
        let plain = run(&mut workspace.plain(&command));
        let state = || format!("step {step}: {command}: {libraries:#?}\n{}\n{}", hollow.stderr, plain.stderr);
        assert_eq!(hollow.code, plain.code, "{}", state());
        assert_eq!(messages(&hollow.stdout), messages(&plain.stdout), "{}", state());
        if builds && plain.code == Some(0) {
            assert_eq!(workspace.prints("target/debug/p"), workspace.prints("plain/debug/p"), "{}", state());
        }
    }
}
