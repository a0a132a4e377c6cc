//! What rebuilds whom: each kind of edit to a library, in both ways to treat lines. A tiny build system that looks at contents only, as Bazel
//! and Buck2 do: a dependent is compiled again if the hollow rlib has changed, and the program is linked again if a full rlib has.

use std::fs;

use crate::support::{Scratch, run};

/// The library at the bottom. `{{...}}` are the places that edits change.
pub const LIBRARY: &str = r#"//! The library.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Doubles.
pub fn double(x: u32) -> u32 {
    // The ordinary comment.
    helper(x) * 2
}

fn helper(x: u32) -> u32 {
    x
}

/// Generic.
pub fn shown<T: std::fmt::Debug>(value: &T) -> String {
    let mut text = String::new();
    let _ = write!(text, "<{value:?}>");
    text
}

/// Inline.
#[inline]
pub fn small(x: u32) -> u32 {
    x + 1
}

/// A type.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    pub counts: BTreeMap<String, u32>,
}

impl Counter {
    /// Adds.
    pub fn add(&mut self, name: &str) -> u32 {
        let step = self.step();
        let count = self.counts.entry(name.to_string()).or_default();
        *count += step;
        *count
    }

    fn step(&self) -> u32 {
        1
    }
}

impl Counter {
    pub fn total(&self) -> u32 {
        self.counts.values().sum()
    }
}

/// A constant.
pub const LIMIT: u32 = 10;

pub trait Named {
    fn name(&self) -> String;
    fn greeting(&self) -> String {
        format!("hello {}", self.name())
    }
}

impl Named for Counter {
    fn name(&self) -> String {
        "counter".to_string()
    }
}

#[macro_export]
macro_rules! thrice {
    ($x:expr) => {
        $x * 3
    };
}

pub async fn later(x: u32) -> u32 {
    x
}

pub fn evens() -> impl Iterator<Item = u32> {
    (0..4).filter(|x| x % 2 == 0)
}

pub const fn constant(x: u32) -> u32 {
    x + 5
}
"#;

/// What compiles against everything in it.
pub const MIDDLE: &str = r#"
use base::Named;
pub const ARRAY: [u8; base::constant(1) as usize] = [0; base::constant(1) as usize];
pub fn summary() -> String {
    let mut counter = base::Counter::default();
    counter.add("a");
    let size = std::mem::size_of_val(&base::later(1)) > 0;
    format!(
        "{} {} {} {} {} {} {} {} {} {} {}",
        base::double(4), base::shown(&1), base::small(1), counter.add("a"), counter.total(), base::LIMIT,
        counter.greeting(), base::thrice!(2), base::evens().count(), ARRAY.len(), size
    )
}
"#;

const PROGRAM: &str = "fn main() { println!(\"{}\", middle::summary()); }";

/// What a program prints that prints `summary()` of [`MIDDLE`].
pub const PRINTED: &str = "8 <1> 2 2 2 10 hello counter 6 2 6 true\n";

/// Who has to be compiled again after an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuilt {
    Nothing,
    Dependents,
}
use Rebuilt::{Dependents, Nothing};

/// A kind of edit, and what it may cost.
pub struct Edit {
    pub what: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub keep: Rebuilt,
    pub drop: Rebuilt,
    pub printed: &'static str,
}

/// The table of the README, and a little more.
pub const EDITS: &[Edit] = &[
    Edit {
        what: "body of an ordinary function, same lines",
        from: "helper(x) * 2",
        to: "helper(x) * 20",
        keep: Nothing,
        drop: Nothing,
        printed: "80 <1> 2 2 2 10 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "body of an ordinary method, same lines",
        from: "*count += step;",
        to: "*count += step + 4;",
        keep: Nothing,
        drop: Nothing,
        printed: "8 <1> 2 10 10 10 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "body of a method of a trait's impl, same lines",
        from: "\"counter\".to_string()",
        to: "\"adder\".to_string()",
        keep: Nothing,
        drop: Nothing,
        printed: "8 <1> 2 2 2 10 hello adder 6 2 6 true\n",
    },
    Edit {
        what: "body of an ordinary function, lines added",
        from: "helper(x) * 2",
        to: "let y = helper(x);\n    let z = y * 2;\n    z + 1",
        keep: Dependents,
        drop: Nothing,
        printed: "9 <1> 2 2 2 10 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "dbg! added",
        from: "helper(x) * 2",
        to: "dbg!(x);\n    helper(x) * 2",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "ordinary comment added",
        from: "/// Generic.",
        to: "// Another comment.\n/// Generic.",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "comment in a body changed",
        from: "// The ordinary comment.",
        to: "// Another one.",
        keep: Nothing,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "formatting",
        from: "pub const LIMIT: u32 = 10;",
        to: "pub const LIMIT: u32\n    = 10;\n\n",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "formatting of a signature",
        from: "pub fn add(&mut self, name: &str) -> u32 {",
        to: "pub fn add(\n        &mut self,\n        name: &str,\n    ) -> u32 {",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "private helper added",
        from: "fn helper(x: u32) -> u32 {\n    x\n}",
        to: "fn helper(x: u32) -> u32 {\n    other(x)\n}\n\nfn other(x: u32) -> u32 {\n    x + 1\n}",
        keep: Dependents,
        drop: Nothing,
        printed: "10 <1> 2 2 2 10 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "private method added",
        from: "    fn step(&self) -> u32 {\n        1\n    }",
        to: "    fn step(&self) -> u32 {\n        self.stride()\n    }\n\n    fn stride(&self) -> u32 {\n        2\n    }",
        keep: Dependents,
        drop: Nothing,
        printed: "8 <1> 2 4 4 10 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "private helper removed",
        from: "    helper(x) * 2\n}\n\nfn helper(x: u32) -> u32 {\n    x\n}",
        to: "    x * 2\n}",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "private helper renamed",
        from: "    helper(x) * 2\n}\n\nfn helper(",
        to: "    renamed(x) * 2\n}\n\nfn renamed(",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "use statements reordered",
        from: "use std::collections::BTreeMap;\nuse std::fmt::Write;",
        to: "use std::fmt::Write;\nuse std::collections::BTreeMap;",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "tests added",
        from: "/// A constant.",
        to: "#[cfg(test)]\nmod tests {\n    use super::missing as vec;\n\n    #[test]\n    fn double() {\n        vec();\n    }\n}\n\n/// A constant.",
        keep: Dependents,
        drop: Nothing,
        printed: PRINTED,
    },
    Edit {
        what: "doc comment",
        from: "/// Doubles.",
        to: "/// Doubles a number.",
        keep: Dependents,
        drop: Dependents,
        printed: PRINTED,
    },
    Edit {
        what: "signature",
        from: "pub fn double(x: u32) -> u32 {\n    // The ordinary comment.\n    helper(x) * 2",
        to: "pub fn double(x: u32) -> u64 {\n    // The ordinary comment.\n    (helper(x) * 2).into()",
        keep: Dependents,
        drop: Dependents,
        printed: PRINTED,
    },
    Edit {
        what: "public type",
        from: "pub counts: BTreeMap<String, u32>,",
        to: "pub counts: BTreeMap<String, u32>,\n    pub more: u8,",
        keep: Dependents,
        drop: Dependents,
        printed: PRINTED,
    },
    Edit {
        what: "trait",
        from: "pub trait Named {",
        to: "pub trait Named {\n    fn other(&self) {}",
        keep: Dependents,
        drop: Dependents,
        printed: PRINTED,
    },
    Edit {
        what: "const value",
        from: "LIMIT: u32 = 10",
        to: "LIMIT: u32 = 11",
        keep: Dependents,
        drop: Dependents,
        printed: "8 <1> 2 2 2 11 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "generic body",
        from: "\"<{value:?}>\"",
        to: "\"[{value:?}]\"",
        keep: Dependents,
        drop: Dependents,
        printed: "8 [1] 2 2 2 10 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "inline body",
        from: "    x + 1\n}",
        to: "    x + 2\n}",
        keep: Dependents,
        drop: Dependents,
        printed: "8 <1> 3 2 2 10 hello counter 6 2 6 true\n",
    },
    Edit {
        what: "default method",
        from: "hello {}",
        to: "hi {}",
        keep: Dependents,
        drop: Dependents,
        printed: "8 <1> 2 2 2 10 hi counter 6 2 6 true\n",
    },
    Edit {
        what: "async body",
        from: "pub async fn later(x: u32) -> u32 {\n    x",
        to: "pub async fn later(x: u32) -> u32 {\n    x + 1",
        keep: Dependents,
        drop: Dependents,
        printed: PRINTED,
    },
    Edit {
        what: "body behind impl Trait",
        from: "(0..4)",
        to: "(0..6)",
        keep: Dependents,
        drop: Dependents,
        printed: "8 <1> 2 2 2 10 hello counter 6 3 6 true\n",
    },
    Edit {
        what: "const fn",
        from: "x + 5",
        to: "x + 6",
        keep: Dependents,
        drop: Dependents,
        printed: "8 <1> 2 2 2 10 hello counter 6 2 7 true\n",
    },
    Edit {
        what: "derive",
        from: "#[derive(Debug, Clone, Default)]",
        to: "#[derive(Debug, Clone, Default, PartialEq)]",
        keep: Dependents,
        drop: Dependents,
        printed: PRINTED,
    },
    Edit {
        what: "macro",
        from: "$x * 3",
        to: "$x * 4",
        keep: Dependents,
        drop: Dependents,
        printed: "8 <1> 2 2 2 10 hello counter 8 2 6 true\n",
    },
    Edit {
        what: "pub method moved to another impl block",
        from: "}\n\nimpl Counter {\n    pub fn total",
        to: "\n    pub fn total",
        keep: Dependents,
        drop: Dependents,
        printed: PRINTED,
    },
];

struct Build {
    scratch: Scratch,
    lines: &'static str,
}

impl Build {
    fn new(lines: &'static str) -> Self {
        let scratch = Scratch::new();
        scratch.write("base.rs", LIBRARY);
        scratch.write("middle.rs", MIDDLE);
        scratch.write("main.rs", PROGRAM);
        Self { scratch, lines }
    }

    fn library(&self, name: &str, externs: &str) {
        let rustc = format!("rustc --edition=2021 --crate-type=lib --out-dir=out {name}.rs -Ldependency=out {externs}");
        let metadata = format!("metadata --interface={} -- {rustc}", self.lines);
        self.scratch.hollow(&metadata.split_whitespace().collect::<Vec<_>>()).ok();
        let link = format!("link --seal-with out/_hollow/lib{name}_meta.rlib -- {rustc}");
        self.scratch.hollow(&link.split_whitespace().collect::<Vec<_>>()).ok();
    }

    fn hollow_bytes(&self, name: &str) -> Vec<u8> {
        self.scratch.read(format!("out/_hollow/lib{name}_meta.rlib"))
    }

    /// Keeps a copy of the outputs.
    fn save(&self) {
        run(self.scratch.command("cp").args(["-R", "out", "saved"])).ok();
    }

    /// Puts the copy in the place of the outputs.
    fn restore(&self) {
        fs::remove_dir_all(self.scratch.path("out")).unwrap();
        run(self.scratch.command("cp").args(["-R", "saved", "out"])).ok();
    }

    /// Compiles what has changed; the result is who was compiled again, and what the program prints.
    fn again(&self) -> (Rebuilt, String) {
        let before = self.scratch.exists("out/_hollow/libbase_meta.rlib").then(|| self.hollow_bytes("base"));
        self.library("base", "");
        let rebuilt = if before.is_some_and(|before| before == self.hollow_bytes("base")) { Nothing } else { Dependents };
        if rebuilt == Dependents {
            self.library("middle", "--extern=base=out/libbase.rlib");
        }
        self.scratch.action("link", "--out-dir=out main.rs --extern=middle=out/libmiddle.rlib -Ldependency=out").ok();
        (rebuilt, run(&mut self.scratch.command(self.scratch.path("out/main"))).ok().stdout)
    }
}

fn every_edit(lines: &'static str, expected: impl Fn(&Edit) -> Rebuilt) {
    let build = Build::new(lines);
    assert_eq!(build.again().1, PRINTED);
    build.save();
    let unedited = build.hollow_bytes("base");
    let mut wrong = Vec::new();
    for edit in EDITS {
        assert!(LIBRARY.contains(edit.from), "{}", edit.what);
        build.restore();
        build.scratch.write("base.rs", LIBRARY.replacen(edit.from, edit.to, 1));
        let (rebuilt, printed) = build.again();
        assert_eq!(printed, edit.printed, "{lines}: {}", edit.what);
        if rebuilt != expected(edit) {
            wrong.push(format!("{}: {rebuilt:?} rebuilt", edit.what));
        }
        assert_eq!(rebuilt == Nothing, unedited == build.hollow_bytes("base"));
    }
    assert_eq!(wrong, [] as [String; 0], "--interface={lines}");
    let left: Vec<String> = build.scratch.list("out").into_iter().filter(|name| name.contains(".hollow-")).collect();
    assert_eq!(left, [] as [String; 0]);
}

#[test]
fn with_lines_kept_only_what_leaves_every_line_in_place_rebuilds_nothing() {
    every_edit("keep", |edit| edit.keep);
}

#[test]
fn with_lines_dropped_nothing_private_rebuilds_anything() {
    every_edit("drop", |edit| edit.drop);
}

#[test]
fn interface_rlibs_do_not_depend_on_where_they_are_made() {
    for lines in ["keep", "drop"] {
        let scratch = Scratch::new();
        for place in ["one", "a/longer/two"] {
            scratch.write(&format!("{place}/base.rs"), LIBRARY);
            fs::create_dir_all(scratch.path(format!("{place}/temporary"))).unwrap();
            let mut command = scratch.command(crate::support::HOLLOW);
            let line = format!(
                "metadata --remap-cwd . --interface={lines} -- rustc --edition=2021 --crate-type=lib --out-dir=out base.rs"
            );
            command.args(line.split_whitespace()).current_dir(scratch.path(place)).env("PWD", scratch.path(place));
            run(command.env("TMPDIR", scratch.path(format!("{place}/temporary")))).ok();
            assert_eq!(scratch.list(&format!("{place}/temporary")), [] as [&str; 0]);
        }
        let made = |place: &str| scratch.read(format!("{place}/out/_hollow/libbase_meta.rlib"));
        assert!(made("one") == made("a/longer/two"), "{lines}");
    }
}

/// Says where things are, in every way in which a dependent can see it.
const PLACES: &str = r#"
fn padding() {
    // Two lines
    // that go.
}
pub const fn constant() -> &'static str {
    module_path!()
}
#[inline]
pub fn inlined() -> String {
    format!("{}:{}", file!(), line!())
}
pub fn generic<T>(_: T) -> String {
    padding();
    format!("{} {}:{}", std::panic::Location::caller(), file!(), line!())
}
pub fn panics<T>(_: T) {
    panic!("here")
}
"#;

#[test]
fn with_lines_kept_every_place_is_the_true_one_and_with_lines_dropped_it_exists() {
    let scratch = Scratch::new();
    scratch.write("src/base.rs", PLACES);
    scratch.write(
        "main.rs",
        "fn main() { println!(\"{} {} {}\", base::constant(), base::inlined(), base::generic(1)); base::panics(1); }",
    );
    let absolute = scratch.path("src/base.rs").display().to_string();
    for source in ["src/base.rs", &absolute] {
        for remapped in ["", "--remap-cwd .", "--remap-cwd /elsewhere"] {
            let places = |interface: &str| {
                let rustc = format!("rustc --edition=2021 --crate-type=lib --out-dir=out {source}");
                let program = "rustc --edition=2021 --out-dir=out main.rs --extern=base=out/libbase.rlib";
                for line in [
                    format!("metadata {interface} {remapped} -- {rustc}"),
                    format!("link --seal-with out/_hollow/libbase_meta.rlib {remapped} -- {rustc}"),
                    format!("link {remapped} -- {program}"),
                ] {
                    scratch.hollow(&line.split_whitespace().collect::<Vec<_>>()).ok();
                }
                let ran = run(&mut scratch.command(scratch.path("out/main")));
                // Without the number of the thread.
                ran.stdout + ran.stderr.split_once("panicked").unwrap().1
            };
            let plain = places("");
            assert_eq!(places("--interface=keep"), plain, "{source} {remapped}");
            assert_eq!(places("--interface=drop"), plain, "{source} {remapped}");
            // Without what turns a position into a value, lines are dropped.
            let values =
                [("{}:{}\", file!(), line!()", "\""), ("{} {}:{}\", std::panic::Location::caller(), file!(), line!()", "\"")];
            scratch.write("src/base.rs", values.iter().fold(PLACES.to_owned(), |text, (from, to)| text.replace(from, to)));
            let dropped = places("--interface=drop");
            scratch.write("src/base.rs", PLACES);
            let panicked = dropped.split_once(" at ").unwrap().1.split_once(':').unwrap();
            assert!(panicked.0.contains("_hollow/libbase_meta.interface"), "{dropped}");
            if !remapped.contains("elsewhere") {
                let line: usize = panicked.1.split(':').next().unwrap().parse().unwrap();
                let text = String::from_utf8(scratch.read(panicked.0)).unwrap();
                assert!(text.lines().nth(line - 1).unwrap().contains("panic!"), "{dropped}\n{text}");
            }
        }
    }
}

#[test]
fn a_constant_made_from_its_place_is_not_moved() {
    let scratch = Scratch::new();
    scratch.write(
        "base.rs",
        "fn unused() {\n    // More\n    // lines.\n}\npub static PLACES: [u8; line!() as usize] = [1; line!() as usize];\n",
    );
    let line = "metadata --interface=drop --explain -- rustc --edition=2021 --crate-type=lib --out-dir=out base.rs";
    let explained = scratch.hollow(&line.split_whitespace().collect::<Vec<_>>()).ok().stderr;
    assert!(explained.contains("lines are kept, because `line` turns a position into a value"), "{explained}");
    let line = "link --seal-with=out/_hollow/libbase_meta.rlib -- rustc --edition=2021 --crate-type=lib --out-dir=out base.rs";
    scratch.hollow(&line.split_whitespace().collect::<Vec<_>>()).ok();
    scratch.write("main.rs", "fn main() { println!(\"{}\", base::PLACES.len()); }");
    let line = "link -- rustc --edition=2021 --out-dir=out main.rs --extern=base=out/libbase.rlib";
    scratch.hollow(&line.split_whitespace().collect::<Vec<_>>()).ok();
    assert_eq!(run(&mut scratch.command(scratch.path("out/main"))).stdout, "5\n");
}
