//! The scenarios by which rustc tests its own public hash (`-Zpublic-api-hash`, rust-lang/rust's `tests/incremental/rdr`), in our words: an
//! edit for which the public hash of the library stays leaves the hollow rlib with lines dropped as it is, and one for which it changes does not.
//! Where we differ, the row says why.

use crate::support::Scratch;

/// What an edit does to the hash, or to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Equal,
    Other,
}
use Is::{Equal, Other};

/// An edit: files before, and those that it changes. `dep.rs` is the library, `bottom.rs` one below it, if there is one.
struct Scenario {
    what: &'static str,
    before: &'static [(&'static str, &'static str)],
    after: &'static [(&'static str, &'static str)],
    public_hash: Is,
    hollow: Is,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        what: "a private function in a private module's file says something else",
        before: &[
            ("dep.rs", "mod hidden;\npub fn say() {\n    hidden::say();\n}\n"),
            ("hidden.rs", "pub(super) fn say() {\n    println!(\"one\");\n}\n"),
        ],
        after: &[("hidden.rs", "// Longer.\npub(super) fn say() {\n    println!(\"two\");\n    println!(\"three\");\n}\n")],
        public_hash: Equal,
        hollow: Equal,
    },
    Scenario {
        what: "a public function beside it",
        before: &[
            ("dep.rs", "mod hidden;\npub fn say() {\n    hidden::say();\n}\n"),
            ("hidden.rs", "pub(super) fn say() {\n    println!(\"one\");\n}\n"),
        ],
        after: &[("dep.rs", "mod hidden;\npub fn say() {\n    hidden::say();\n}\npub fn more() {}\n")],
        public_hash: Other,
        hollow: Other,
    },
    Scenario {
        what: "the signature of a private function that an inline one calls",
        before: &[("dep.rs", "#[inline]\npub fn call() {\n    helper();\n}\n\nfn helper() {}\n")],
        after: &[("dep.rs", "#[inline]\npub fn call() {\n    helper();\n}\n\nfn helper() -> u8 {\n    1\n}\n")],
        public_hash: Other,
        hollow: Other,
    },
    Scenario {
        // Its hash has the places of what is reachable; canonical text has none.
        what: "a private function that an inline one calls is on another line",
        before: &[("dep.rs", "#[inline]\npub fn call() {\n    helper();\n}\n\nfn helper() {}\n")],
        after: &[("dep.rs", "#[inline]\npub fn call() {\n    helper();\n}\n\n\n\nfn helper() {}\n")],
        public_hash: Other,
        hollow: Equal,
    },
    Scenario {
        what: "nothing changes in a generic function",
        before: &[("dep.rs", "pub fn shown<T: std::fmt::Debug>(value: T) {\n    panic!(\"{value:?}\");\n}\n")],
        after: &[],
        public_hash: Equal,
        hollow: Equal,
    },
    Scenario {
        what: "the body of a generic function",
        before: &[("dep.rs", "pub fn shown<T: std::fmt::Debug>(value: T) {\n    panic!(\"{value:?}\");\n}\n")],
        after: &[("dep.rs", "pub fn shown<T: std::fmt::Debug>(value: T) {\n    panic!(\"no {value:?}\");\n}\n")],
        public_hash: Other,
        hollow: Other,
    },
    Scenario {
        // As above.
        what: "a generic function is on another line",
        before: &[("dep.rs", "pub fn shown<T: std::fmt::Debug>(value: T) {\n    panic!(\"{value:?}\");\n}\n")],
        after: &[("dep.rs", "\n\n\npub fn shown<T: std::fmt::Debug>(value: T) {\n    panic!(\"{value:?}\");\n}\n")],
        public_hash: Other,
        hollow: Equal,
    },
    Scenario {
        // Metadata names what is below by its SVH, and that one has changed.
        what: "something that is not exported again is new in a library below",
        before: &[("dep.rs", "pub use bottom::say;\n"), ("bottom.rs", "pub fn say() {\n    println!(\"5\");\n}\n")],
        after: &[("bottom.rs", "pub fn say() {\n    println!(\"5\");\n}\n\npub fn more() {}\n")],
        public_hash: Equal,
        hollow: Other,
    },
    Scenario {
        what: "something that is exported again changes in a library below",
        before: &[("dep.rs", "pub use bottom::say;\n"), ("bottom.rs", "pub fn say() {\n    println!(\"5\");\n}\n")],
        after: &[("bottom.rs", "pub fn say() -> u8 {\n    5\n}\n")],
        public_hash: Other,
        hollow: Other,
    },
    Scenario {
        what: "a public type gets a trait from elsewhere",
        before: &[("dep.rs", "pub struct S;\npub fn anchor() {}\n")],
        after: &[(
            "dep.rs",
            "pub struct S;\npub fn anchor() {}\nimpl std::fmt::Display for S {\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n        write!(f, \"S\")\n    }\n}\n",
        )],
        public_hash: Other,
        hollow: Other,
    },
    Scenario {
        // That it should be equal is what rustc's own test wants, and does not get yet.
        what: "a private type gets a trait from elsewhere",
        before: &[("dep.rs", "struct S;\npub fn anchor() {}\n")],
        after: &[(
            "dep.rs",
            "struct S;\npub fn anchor() {}\nimpl std::fmt::Display for S {\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n        write!(f, \"S\")\n    }\n}\n",
        )],
        public_hash: Other,
        hollow: Other,
    },
    Scenario {
        what: "a public type gets a public trait",
        before: &[("dep.rs", "pub trait T {\n    fn m(&self);\n}\npub struct S;\n")],
        after: &[("dep.rs", "pub trait T {\n    fn m(&self);\n}\npub struct S;\nimpl T for S {\n    fn m(&self) {}\n}\n")],
        public_hash: Other,
        hollow: Other,
    },
    Scenario {
        // Names of symbols count the impls, so none is left out.
        what: "a public type gets a private trait",
        before: &[("dep.rs", "trait T {\n    fn m(&self);\n}\npub struct S;\n")],
        after: &[("dep.rs", "trait T {\n    fn m(&self);\n}\npub struct S;\nimpl T for S {\n    fn m(&self) {}\n}\n")],
        public_hash: Equal,
        hollow: Other,
    },
];

fn hollow_rlib(scratch: &Scratch) -> Vec<u8> {
    let mut externs = "";
    if scratch.exists("bottom.rs") {
        scratch.action("metadata --interface=drop", "--crate-type=lib --out-dir=out bottom.rs").ok();
        externs = "--extern=bottom=out/libbottom.rlib";
    }
    let said = scratch.action("metadata --interface=drop --explain", &format!("--crate-type=lib --out-dir=out dep.rs {externs}"));
    let said = said.ok().stderr;
    assert!(!said.contains("plain hollow rlib"), "{said}");
    scratch.read("out/_hollow/libdep_meta.rlib")
}

#[test]
fn the_hollow_rlib_stays_where_the_public_hash_of_rustc_stays() {
    let mut wrong = Vec::new();
    for Scenario { what, before, after, public_hash, hollow } in SCENARIOS {
        let scratch = Scratch::new();
        before.iter().for_each(|(path, text)| drop(scratch.write(path, text)));
        let bytes = hollow_rlib(&scratch);
        after.iter().for_each(|(path, text)| drop(scratch.write(path, text)));
        let is = if hollow_rlib(&scratch) == bytes { Equal } else { Other };
        if is != *hollow {
            wrong.push(format!("{what}: {is:?}, not {hollow:?}, where the public hash is {public_hash:?}"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}
