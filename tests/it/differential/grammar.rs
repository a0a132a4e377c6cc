//! What programs are made of, at random.
//!
//! A template is a text in which `%` and a letter stand for something:
//!
//! | letter | what |
//! |---|---|
//! | `e`, `c` | an expression of type `u64`; a constant one |
//! | `n` | a number that occurs once |
//! | `N` | the name of what the template defines |
//! | `f`, `k` | a function, or a constant, which comes before that name in its list, so that nothing calls itself |
//! | `p`, `d`, `m` | a path to something; a crate; a module |
//! | `T`, `S` | a type; one with a path to it |
//! | `F` | as `f`, with a path to it |
//! | `A`, `B` | a crate with a global allocator that may be used; another, that may only be mentioned |
//! | `v` | a visibility, or none |
//! | `b`, `w` | an expression that is false, and tokens, spelled in many ways |
//! | `a` | attributes of a function |
//!
//! The names are so few that they hide each other. Not all of it compiles: what does not is taken out before anything is compared.

use std::collections::HashSet;

use fastrand::Rng;

use super::program::Node;

/// Functions and methods; some are generic.
const FUNCTIONS: [&str; 9] =
    ["hook", "validate", "apply::<u8>", "check", "level", "transform::<u8>", "value", "total", "combine::<u8>"];
const CONSTANTS: [&str; 5] = ["least()", "LIMIT", "BOUND", "most()", "WIDTH"];
const TYPES: [&str; 3] = ["Config", "State", "Mode"];
const MODULES: [&str; 3] = ["inner", "prelude", "imp"];

const EXPRESSIONS: &[&str] = &[
    "%n",
    "%n + %e",
    "%e + %e",
    "%f()",
    "%f()",
    "%F()",
    "%F()",
    "%F()",
    "%S(%n).%f()",
    "%S(%n).%f()",
    "%S(%n).%f()",
    "%T(%n).%f()",
    "%p%k",
    "%k",
    "mac::hooked!()",
    "mac::validated!(%S(%n))",
    "own!()",
    "%d::own!()",
    "%d::named!(%T(%n))",
    "spell!(%w)",
    "%d::spell!(%w)",
    "mac::text(stringify!(%w))",
    "mac::words!(%w)",
    "mac::text(derives::text!(%w))",
    "mac::expression!(%n+1)",
    "mac::message(|| { assert!(%b); 0 })",
    "mac::message(|| { mac::ensure!(%b); 0 })",
    "{ use std::fmt::Write as _; let mut writer = %S(%n); let _ = write!(writer, \"{}\", %e); writer.0 }",
    "{ use mac::defaults::*; %f() }",
    "{ use mac::Blanket as _; %S(%n).%f() }",
    "{ use %p%m::*; %f() }",
    "if %e > %n { %e } else { %n }",
    "[%e, %e].iter().sum::<u64>()",
    "(|| %e)()",
    "{ fn local() -> u64 { %e } local() }",
    "%pWrapped(%T(%n)).checked()",
    "%S(%n).leveled()",
    "%pGeneric(%S(%n)).%f()",
    "std::mem::size_of::<%pArray>() as u64",
    "{ let mut array = %pArray::new(); array.fill() }",
];

/// Expressions of programs with global allocators.
const ALLOCATORS: &[&str] = &["mac::allocator()", "{ let %B = %e; %B }", "mac::words!(%B)", "%A::hook()", "%A::LIMIT"];

/// Expressions that tell where they are.
const POSITIONS: &[&str] = &[
    "line!() as u64",
    "places::here!() as u64",
    "here!() as u64",
    "places::line_of_caller()",
    "%pline_of_mine()",
    "std::panic::Location::caller().line() as u64",
    "mac::text(std::panic::Location::caller().file())",
    "mac::text(file!())",
    "column!() as u64",
    "spans::line!()",
    "mac::text(spans::source!(%w))",
    "%S::LINED",
];

const CONSTANT_EXPRESSIONS: &[&str] = &[
    "%n",
    "%n",
    "%n + %c",
    "%p%k",
    "%k",
    "mac::text(stringify!(%w))",
    "mac::words!(%w)",
    "mac::text(derives::text!(%w))",
    "spell!(%w)",
    "%d::spell!(%w)",
];

const FUNCTION: &[&str] = &[
    "%a%vfn %N() -> u64 { %e }",
    "%a%vfn %N() -> u64 {\n    // In a body.\n    %e\n}",
    "%a%vfn %N() -> u64 {\n    let value = %e;\n\n    value + %e\n}",
    "%a%vfn %N<'a>() -> u64 {\n    %e\n}",
    "%aextern \"C\" fn %N() -> u64 { %e }",
    "#[track_caller]\n%vfn %N() -> u64 {\n    %e\n}",
];

const METHOD: &[&str] = &[
    "%a%vfn %N(&self) -> u64 { %e + self.0 }",
    "%a%vfn %N(&self) -> u64 {\n    %e\n}",
    "%a%vfn %N(&self) -> u64 { self.%f() + %n }",
    "%a%vfn %N(&self) -> u64 {\n    let value = self.%f();\n    value + %e\n}",
    "%a%vfn %N(&self) -> u64 { mac::validated!(self) + %n }",
];

/// Attributes of functions; the first of them are the usual case.
const ATTRIBUTES: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "",
    "#[inline]\n",
    "#[inline]\n",
    "#[inline(never)]\n",
    "#[cfg_attr(on, inline)]\n",
    "#[cfg_attr(off, inline)]\n",
    "#[must_use]\n",
    "#[cold]\n",
    "#[doc = concat!(\"a\",\"b\")]\n",
    "/// Documentation.\n",
    "#[cfg(on)]\n",
    "#[cfg(not(off))]\n",
    "#[cfg(off)]\n",
    "#[cfg(any(on,off))]\n",
    "#[derives::hooked]\n",
    "#[track_caller]\n",
];

/// Items that are no functions, and bring names in.
const ITEMS: &[&str] = &[
    "%vuse mac::defaults::*;",
    "pub use mac::defaults::*;",
    "pub use %m::*;",
    "pub use self::%m::*;",
    "%vuse %m::*;",
    "%vuse %d::*;",
    "pub use %d::%m::*;",
    "use mac as imp; pub use imp::defaults::*;",
    "pub extern crate mac as imp; pub use imp::defaults::*;",
    "#[cfg(on)]\nextern crate mac as prelude;\npub use self::prelude::defaults::*;",
    "pub mod prelude { pub use mac as imp; }\npub use prelude::imp::defaults::*;",
    "mod inner { pub use mac as prelude; }\npub use inner::prelude::defaults::*;",
    "pub use %S as Alias;",
    "pub use %p%m as alias;",
    "use mac::Blanket as _;",
    "pub use mac::Blanket;",
    "pub use mac::Blanket as _;",
    "use %p%m::%f as other;",
    "mac::make_module!(%m);",
    "mac::make_hook!();",
    "mac::make_glob!();",
    "make!(%f);",
    "%d::make!(%f);",
    "pub mod %m { mac::make_hook!(); }\npub use %m::*;",
    "mod %m { mac::make_glob!(); }\npub use %m::*;",
    "mod %m { mac::make_hook!(); %vfn level() -> u64 { %n } }",
    "macro_rules! own { () => { hook() }; }",
    "#[macro_export]\nmacro_rules! own { () => { $crate::%f() + %n }; }",
    "macro_rules! own {\n    () => {{\n        %e\n    }};\n}",
    "macro_rules! spell { ($($token:tt)*) => { mac::text(stringify!($($token)*)) }; }",
    "#[macro_export]\nmacro_rules! spell { ($($token:tt)*) => { mac::text(stringify!(%w $($token)*)) }; }",
    "#[macro_export]\nmacro_rules! named { ($value:expr) => { $value.%f() }; }",
    "#[macro_export]\nmacro_rules! make { ($name:ident) => { pub fn $name() -> u64 { %n } }; }",
    "#[macro_export]\nmacro_rules! make {\n    ($name:ident) => {\n        fn hook() -> u64 { %n }\n        pub fn $name() -> u64 { hook() }\n    };\n}",
    "macro_rules! pass { ($($item:item)*) => { $($item)* }; }",
    "macro_rules! pass { ($($item:item)*) => { $(#[cfg(on)] $item)* }; }",
    "pub const LIMIT: u64 = %c;",
    "%vconst BOUND: u64 = %c;",
    "pub const WIDTH: u64 = %c;",
    "%vconst fn least() -> u64 { %c }",
    "pub const fn most() -> u64 {\n    let value = %c;\n    value\n}",
    "pub static COUNT: u64 = %c;",
    "pub struct Array(pub [u8; (%c % 200) as usize + 1]);\nimpl Array {\n    #[inline]\n    pub fn new() -> Self { Self([0; std::mem::size_of::<Self>()]) }\n    pub fn fill(&mut self) -> u64 { self.0.fill(7); self.0.iter().map(|byte| *byte as u64).sum() }\n}",
    "#[derive(derives::Checked)]\npub struct Wrapped(pub %T);",
    "pub struct Generic<T>(pub T);\nimpl<T: Copy + Into<u64>> Generic<T> {\n    pub fn %N(&self) -> u64 { %e + self.0.into() }\n}",
    "pub struct Generic<T>(pub T);\nimpl Generic<%T> {\n    pub fn value(&self) -> u64 { self.0.%f() }\n}",
    "pub trait Own { fn level(&self) -> u64 { %e } fn value(&self) -> u64 { self.level() + %n } }",
    "impl Own for %T {}",
    "impl<T> Own for T {}",
    "impl Own for %S { fn level(&self) -> u64 { %e } }",
    "impl From<%T> for u64 { fn from(value: %T) -> u64 { value.%f() } }",
    "impl std::ops::Deref for State {\n    type Target = Config;\n    fn deref(&self) -> &Config { static TARGET: Config = Config(%n); &TARGET }\n}",
    "impl std::fmt::Write for %T {\n    fn write_str(&mut self, _: &str) -> std::fmt::Result { self.0 += %n; Ok(()) }\n}",
    "impl %T {\n    %vfn write_fmt(&mut self, _: std::fmt::Arguments<'_>) -> std::fmt::Result { self.0 += %n; Ok(()) }\n}",
    "#[cfg(any())]\nextern crate %B;",
    "#[cfg(off)]\nuse %B::hook as _;",
    "#[cfg(on)]\nuse %A as _;",
    "pub mod %B { pub fn hook() -> u64 { %n } }",
    "#[track_caller]\npub const fn line_of_mine() -> u64 { std::panic::Location::caller().line() as u64 }",
    "macro_rules! here { () => { line!() }; }",
    "#[cfg(test)]\nmod tests { fn hook() -> u64 { %n } }",
    "#[test]\nfn hook() {}",
    "// A comment.\n\n/* And another. */",
];

const TYPE: &[&str] = &[
    "pub struct %N(pub u64);",
    "#[derive(Clone, Copy, Debug)]\npub struct %N(pub u64);",
    "#[derive(derives::Leveled)]\npub struct %N(pub u64);",
    "#[derive(Clone, spans::Lined)]\npub struct %N(pub u64);",
    "%vstruct %N(pub u64);",
];

/// What items may be put into; a macro may do anything with them.
const GROUPS: &[(&str, &str, bool)] = &[
    ("mac::pass! {\n", "}\n", true),
    ("pass! {\n", "}\n", true),
    ("derives::items! {\n", "}\n", true),
    ("const _: () = {\n", "};\n", true),
];

/// Tokens.
const WORDS: &[&str] = &[
    "a+b",
    "a + b",
    "{a}",
    "{ a }",
    "Vec<u8>",
    "Vec < u8 >",
    "a@b",
    "a @ b",
    "1..2",
    "1 .. 2",
    "x,",
    "(a,)",
    "(a)",
    "a , b",
    "-1",
    "- 1",
    "&mut x",
    "& mut x",
    "#[a]",
    "# [a]",
    "'a",
    "a::b",
    "a :: b",
    "a /* c */ b",
    "\"s\"",
    "r#\"s\"#",
    "a;b",
    "|x|x",
    "a=>b",
    "!a",
    "..=b",
    "0x1F",
    "1_000u64",
    "1.0",
    "a.0.1",
    "a . 0",
    "<T as U>::V",
    "a\n    b",
    "a // c\n b",
    "fn f(){}",
    "fn f ( ) { }",
    "a  b",
    "[1,2,]",
    "hook()",
    "hook ( )",
    "b\"x\"",
    "'\\''",
    "a?.b",
    "&&a",
    "& &a",
    "||",
    "a<<b",
    "a>>=b",
    "::a",
    "r#fn",
];

const FALSE: &[&str] = &[
    "1+1==3",
    "1 + 1 == 3",
    "2 >3",
    "matches!(Some(1),None)",
    "[ 1,2 ].len()==0",
    "{ false }",
    "!true",
    "(1,).0>1",
    "vec![1,2,].is_empty()",
    "\"a\"==\"b\"",
    "1u8 as u64>2",
    "if true{false}else{true}",
    "(|x|x)(false)",
    "1 ==\n  2",
    "{false}",
    "[1;3].contains(& 2)",
];

/// Makes one program's crates.
pub struct Grammar {
    random: Rng,
    number: u64,
    /// Whether anything tells where it is.
    positions: bool,
    /// Whether there are global allocators, and which may be used.
    allocators: bool,
    allocator: usize,
    /// The crates before.
    before: &'static [&'static str],
    /// Paths of what is public; functions with their places in the list.
    types: Vec<String>,
    functions: Vec<(usize, String)>,
    /// What is defined comes at this place in the list of its kind.
    rank: usize,
    constant_rank: usize,
    depth: usize,
}

impl Grammar {
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let (positions, allocators) = (random.u8(0..4) == 0, random.u8(0..6) == 0);
        Self {
            allocator: random.usize(0..2),
            random,
            number: 100_003,
            positions,
            allocators,
            before: &["mac"],
            types: Vec::new(),
            functions: Vec::new(),
            rank: 0,
            constant_rank: 0,
            depth: 0,
        }
    }

    pub fn library(&mut self, name: &str, before: &'static [&'static str]) -> Vec<Node> {
        self.before = before;
        let mut nodes = vec![Node::Text("// Comments above everything.\n".repeat(self.random.usize(0..20)))];
        let count = self.random.usize(8..20);
        self.items(count, "crate::", &mut nodes);
        // What is here is there for the crates behind.
        let outside = |path: &mut String| *path = path.replace("crate::", &format!("{name}::"));
        self.types.iter_mut().for_each(outside);
        self.functions.iter_mut().for_each(|(_, path)| outside(path));
        nodes
    }

    /// The program prints what it can call, under the names that come in different ways.
    pub fn program(&mut self, before: &'static [&'static str]) -> Vec<Node> {
        const GLOBS: [&str; 10] = [
            "",
            "use base::*;",
            "use middle::*;",
            "use base::*; use middle::*;",
            "use base::*; use mac::defaults::*;",
            "use base::inner::*; use middle::*;",
            "use base::prelude::*;",
            "use base::*; use middle::prelude::*;",
            "use base::*; use mac::Blanket as _;",
            "use base::imp::*; use local::*;",
        ];
        self.before = before;
        let mut nodes = Vec::new();
        let count = self.random.usize(0..4);
        self.items(count, "crate::", &mut nodes);
        let mut probes = Vec::new();
        for _ in 0..self.random.usize(4..9) {
            let mut inner = Vec::new();
            for _ in 0..self.random.usize(3..8) {
                (self.rank, self.constant_rank) = (FUNCTIONS.len(), CONSTANTS.len());
                inner.push(Node::Text(format!("println!(\"{{}}\", {});\n", self.expression(EXPRESSIONS))));
            }
            let globs = self.random.choice(GLOBS).unwrap_or_default();
            probes.push(Node::Group { open: format!("{{\n{globs}\n"), inner, close: "}\n".into(), is_macro: false });
        }
        let globs = "mod local { pub fn hook() -> u64 { 5001 } pub fn level() -> u64 { 5002 } pub fn value() -> u64 { 5003 } }\n";
        nodes.push(Node::Text(globs.into()));
        nodes.push(Node::Group { open: "fn main() {\n".into(), inner: probes, close: "}\n".into(), is_macro: false });
        nodes
    }

    /// Adds items to a module.
    fn items(&mut self, count: usize, module: &str, nodes: &mut Vec<Node>) {
        let depth = module.matches("::").count() - 1;
        // What is defined twice does not compile.
        let mut defined = HashSet::new();
        let first = nodes.len();
        for _ in 0..count {
            match self.random.u8(0..20) {
                0..=5 => {
                    let function = self.function(FUNCTION, &mut defined);
                    if function.is_some() {
                        self.functions.push((self.rank, format!("{module}{}", FUNCTIONS[self.rank])));
                    }
                    nodes.extend(function);
                }
                6..=9 => self.type_with_methods(module, &mut defined, nodes),
                10 | 11 if depth < 2 => {
                    let name = MODULES[self.random.usize(0..MODULES.len())];
                    let open = format!("{}mod {name} {{\n", self.random.choice(["", "pub ", "pub "]).unwrap_or_default());
                    if defined.insert(name.to_owned()) {
                        let mut inner = Vec::new();
                        let count = self.random.usize(2..6);
                        self.items(count, &format!("{module}{name}::"), &mut inner);
                        nodes.push(Node::Group { open, inner, close: "}\n".into(), is_macro: false });
                    }
                }
                12 if depth < 2 => {
                    let (open, close, is_macro) = GROUPS[self.random.usize(0..GROUPS.len())];
                    let mut inner = Vec::new();
                    self.items(2, module, &mut inner);
                    nodes.push(Node::Group { open: open.into(), inner, close: close.into(), is_macro });
                }
                _ => {
                    self.rank = self.random.usize(0..FUNCTIONS.len());
                    self.constant_rank = self.random.usize(0..CONSTANTS.len());
                    let template = ITEMS[self.random.usize(0..ITEMS.len())];
                    if !self.allocators && (template.contains("%A") || template.contains("%B")) {
                        continue;
                    }
                    let text = self.fill(template) + "\n";
                    // Definitions of macros have to come before their calls.
                    let is_definition = template.contains("macro_rules!");
                    nodes.insert(if is_definition { first } else { nodes.len() }, Node::Text(text));
                }
            }
        }
    }

    fn function(&mut self, templates: &[&str], defined: &mut HashSet<String>) -> Option<Node> {
        self.rank = self.random.usize(0..FUNCTIONS.len());
        self.constant_rank = CONSTANTS.len();
        let name = FUNCTIONS[self.rank];
        let template = self.pick(templates);
        defined.insert(name.to_owned()).then(|| Node::Function(self.fill(template) + "\n"))
    }

    fn type_with_methods(&mut self, module: &str, defined: &mut HashSet<String>, nodes: &mut Vec<Node>) {
        let name = TYPES[self.random.usize(0..TYPES.len())];
        if defined.insert(name.to_owned()) {
            let template = self.pick(TYPE);
            let text = self.fill(template).replace("%N", name);
            let text = if self.positions { text } else { text.replace(", spans::Lined", "") };
            nodes.push(Node::Text(text + "\n"));
            self.types.push(format!("{module}{name}"));
        }
        let mut inner = Vec::new();
        let mut methods = HashSet::new();
        for _ in 0..self.random.usize(1..4) {
            inner.extend(self.function(METHOD, &mut methods));
        }
        nodes.push(Node::Group { open: format!("impl {name} {{\n"), inner, close: "}\n".into(), is_macro: false });
    }

    fn pick<'a>(&mut self, templates: &[&'a str]) -> &'a str {
        templates[self.random.usize(0..templates.len())]
    }

    fn expression(&mut self, templates: &[&str]) -> String {
        self.depth += 1;
        let is_place = self.positions && self.random.u8(0..5) == 0;
        let is_allocator = self.allocators && templates.len() > CONSTANT_EXPRESSIONS.len() && self.random.u8(0..8) == 0;
        let template = match self.depth {
            4.. => "%n",
            _ if is_allocator => self.pick(ALLOCATORS),
            _ if is_place => self.pick(POSITIONS),
            _ => self.pick(templates),
        };
        let text = self.fill(template);
        self.depth -= 1;
        text
    }

    fn fill(&mut self, template: &str) -> String {
        let mut text = String::new();
        let mut parts = template.split('%');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (letter, rest) = part.split_at(1);
            let filled = match letter {
                "e" => self.expression(EXPRESSIONS),
                "c" => self.expression(CONSTANT_EXPRESSIONS),
                "n" => {
                    self.number += 7;
                    self.number.to_string()
                }
                "N" if self.rank < FUNCTIONS.len() && !template.contains("struct %N(") => {
                    FUNCTIONS[self.rank].replace("::<u8>", "<T: Default>")
                }
                "f" if self.rank == 0 => "hook".into(),
                "f" => FUNCTIONS[self.random.usize(0..self.rank)].into(),
                "k" if self.constant_rank == 0 => "LIMIT".into(),
                "k" => CONSTANTS[self.random.usize(0..self.constant_rank)].into(),
                "F" => {
                    let known: Vec<_> = self.functions.iter().filter(|(rank, _)| *rank < self.rank).collect();
                    match self.random.choice(known).filter(|_| self.random.u8(0..3) > 0) {
                        Some((_, path)) => path.clone(),
                        None => self.fill("%p%f"),
                    }
                }
                "S" => match self.random.choice(&self.types).filter(|_| self.random.u8(0..4) > 0) {
                    Some(path) => path.clone(),
                    None => self.fill("%p%T"),
                },
                "A" => ["alloc_one", "alloc_two"][self.allocator].into(),
                "B" => ["alloc_two", "alloc_one"][self.allocator].into(),
                "p" => self.path(),
                "d" => self.pick(self.before).into(),
                "m" => self.pick(&MODULES).into(),
                "T" => self.pick(&TYPES).into(),
                "v" => self.pick(&["", "", "pub ", "pub ", "pub(crate) "]).into(),
                "w" => self.pick(WORDS).into(),
                "b" => self.pick(FALSE).into(),
                "a" => self.pick(ATTRIBUTES).into(),
                _ => format!("%{letter}"),
            };
            text += &filled;
            text += rest;
        }
        text
    }

    fn path(&mut self) -> String {
        let other = self.pick(self.before);
        let module = self.pick(&MODULES);
        match self.random.u8(0..14) {
            0 | 1 => String::new(),
            2 => "self::".into(),
            3 => "super::".into(),
            4 => "crate::".into(),
            5 => format!("{module}::"),
            6 => format!("crate::{module}::"),
            7 => "mac::defaults::".into(),
            8..=11 => format!("{other}::"),
            _ => format!("{other}::{module}::"),
        }
    }
}
