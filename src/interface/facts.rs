//! What must be known of the whole crate before one body can be judged, gathered from the tokens of each file.
//!
//! Tokens, not the syntax tree: what a macro call contains may well become code (`cfg_if! { use x::println; }`).

use std::collections::{HashMap, HashSet};

use super::inert;
use super::lex::{Kind, Tokens};
use super::own_macros::{Definition, Definitions};
use super::reason::Reason;

/// Facts about a crate; those of its files add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Macros that the crate defines.
    pub defined: Definitions,
    /// Macros of [`inert::MACRO_CRATES`] that a `use` gives their own names.
    pub known: HashSet<String>,
    /// Names of standard macros, attributes or derives that a `use` gives to something from elsewhere.
    pub imported: HashSet<String>,
    /// Any name may be a macro of the crate: a macro defines macros by names that it was given.
    pub any_defined: bool,
    /// Where the names come from that are given by a `use` of something else than the standard library.
    pub origins: HashMap<String, Origin>,
    /// Names that `as` gives.
    pub aliases: HashSet<String>,
    /// Names of modules.
    pub modules: HashSet<String>,
    /// Crates of which any name may be a macro: `#[macro_use] extern crate x;`.
    pub macro_crates: HashSet<String>,
    /// `std`, `core` or `alloc` may mean something else.
    pub standard_taken: bool,
    /// A feature is enabled by which bodies define types.
    pub body_features: bool,
    /// Of a file: something is called that may unwind from foreign code, as far as its own declarations tell.
    pub foreign_unwinding: bool,
    /// Identifiers are built in macros, or text is included that could not be read, so that anything may be named.
    pub names_unknown: bool,
    /// Names that a `use` or an `extern crate` in a macro gives.
    pub hidden_names: HashSet<String>,
    /// Glob imports in macros.
    pub hidden_globs: Vec<HiddenGlob>,
    /// A file begins with `#![macro_use]`, so that the order of `mod` declarations matters.
    pub inner_macro_use: bool,
}

/// Where a name comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The first names of the paths that lead out of the crate, as far as they tell.
    pub crates: HashSet<String>,
    /// A path begins with `crate`, `self` or `super`.
    pub local: bool,
}

/// A glob import in a macro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HiddenGlob {
    /// The names of its path; none if it is not a simple one.
    pub path: Vec<String>,
    /// It imports from `std`, `core` or `alloc`.
    pub standard: bool,
    /// Other modules can see it.
    pub public: bool,
}

impl Facts {
    /// Adds those of a file.
    pub fn add(&mut self, other: Self) {
        self.defined.extend(other.defined);
        self.known.extend(other.known);
        self.imported.extend(other.imported);
        self.any_defined |= other.any_defined;
        for (name, origin) in other.origins {
            let own = self.origins.entry(name).or_default();
            own.crates.extend(origin.crates);
            own.local |= origin.local;
        }
        self.aliases.extend(other.aliases);
        self.modules.extend(other.modules);
        self.macro_crates.extend(other.macro_crates);
        self.standard_taken |= other.standard_taken;
        self.body_features |= other.body_features;
        self.names_unknown |= other.names_unknown;
        self.hidden_names.extend(other.hidden_names);
        self.hidden_globs.extend(other.hidden_globs);
        self.inner_macro_use |= other.inner_macro_use;
    }

    /// Whether a glob import in a macro may give macros from elsewhere.
    pub fn hides_glob(&self) -> bool {
        self.hidden_globs.iter().any(|glob| !glob.standard && self.leads_out(glob))
    }

    /// Whether one may give names from elsewhere to dependents.
    pub fn hides_public_glob(&self) -> bool {
        self.hidden_globs.iter().any(|glob| glob.public && self.leads_out(glob))
    }

    fn leads_out(&self, glob: &HiddenGlob) -> bool {
        let Some((first, rest)) = glob.path.split_first() else { return true };
        let is_own = |name: &String| {
            let is_declared = self.modules.contains(name) || name.starts_with(char::is_uppercase) || name == "super";
            is_declared && !self.aliases.contains(name) && !self.hidden_names.contains(name)
        };
        let from_here =
            matches!(&**first, "crate" | "self" | "super") || (first.starts_with(char::is_uppercase) && is_own(first));
        !(from_here && rest.iter().all(is_own))
    }

    /// To be called when those of all files are there.
    pub fn settle(&mut self) {
        let mut defined = std::mem::take(&mut self.defined);
        let is_standard = |name: &str| {
            let known = inert::EXPRESSION_MACROS.binary_search_by_key(&name, |(name, _)| name).is_ok();
            known && self.macro_crates.is_empty() && !self.any_defined && !self.imported.contains(name)
        };
        defined.settle(is_standard);
        self.defined = defined;
    }

    /// Whether the name of a crate may mean something else.
    pub fn is_taken_crate(&self, name: &str) -> bool {
        let is_other = |origin: &Origin| origin.local || origin.crates.iter().any(|of| of != name);
        self.modules.contains(name)
            || self.aliases.contains(name)
            || self.hidden_names.contains(name)
            || self.origins.get(name).is_some_and(is_other)
    }

    /// The reason, if there is one, why every body of the crate stays.
    pub fn everything(&self) -> Option<Reason> {
        match self {
            Self { body_features: true, .. } => Some(Reason::Feature),
            _ => None,
        }
    }

    /// Those of one file, except for what only its tree can tell.
    pub fn of(tokens: Tokens<'_>) -> Self {
        let mut facts = Self::default();
        for index in 0..tokens.len() {
            if tokens.kind(index) != Some(Kind::Word) {
                continue;
            }
            match tokens.text(index) {
                "macro_rules" if tokens.is_punct(index + 1, b'!') => match tokens.name(index + 2) {
                    Some(name) => facts.defined.add(name.to_owned(), Definition::read(tokens, index + 3)),
                    None if tokens.is_punct(index + 2, b'$') => facts.any_defined = true,
                    None => {}
                },
                "macro" => match tokens.name(index + 1) {
                    Some(name) => facts.defined.add(name.to_owned(), Definition::default()),
                    None => facts.any_defined |= tokens.is_punct(index + 1, b'$'),
                },
                "use" => facts.import(&Import::read(tokens, index)),
                "macro_use" => facts.macro_use(tokens, index),
                "mod" => {
                    facts.standard_taken |= is_standard(tokens.name(index + 1));
                    facts.modules.extend(tokens.name(index + 1).map(str::to_owned));
                }
                "feature" if tokens.is_open(index + 1) => {
                    let names = (index + 2..tokens.behind_group(index + 1)).filter_map(|index| tokens.name(index));
                    facts.body_features |= { names }.any(|name| inert::BODY_FEATURES.contains(&name));
                }
                // Casts are among them, to types that are rarely called like modules.
                "as" => facts.aliases.extend(tokens.name(index + 1).map(str::to_owned)),
                "extern" => facts.foreign_unwinding |= unwinds(tokens, index),
                "crate" if tokens.is_word(index.wrapping_sub(1), "extern") && tokens.is_word(index + 2, "as") => {
                    facts.standard_taken |=
                        is_standard(tokens.name(index + 3)) && tokens.name(index + 1) != tokens.name(index + 3);
                }
                // Most words are none of these, and shorter or longer than all of them.
                word if word.len() > 4 && word.len() < 14 => facts.names_unknown |= inert::NAME_BUILDERS.contains(&word),
                _ => {}
            }
        }
        facts
    }

    fn import(&mut self, import: &Import<'_>) {
        if import.standard {
            return;
        }
        for name in &import.names {
            self.standard_taken |= inert::STANDARD_CRATES.contains(name);
            let origin = self.origins.entry((*name).to_owned()).or_default();
            if matches!(import.first, "crate" | "self" | "super" | "Self") {
                origin.local = true;
            } else {
                origin.crates.insert(import.first.to_owned());
            }
            // `use x;` gives the crate.
            let is_crate = import.names.len() == 1 && *name == import.first;
            if import.is_known(name) {
                self.known.insert((*name).to_owned());
            } else if !is_crate {
                self.imported.insert((*name).to_owned());
            }
        }
    }

    /// `#[macro_use] extern crate x;` and `#[macro_use(a, b)] extern crate x;`.
    fn macro_use(&mut self, tokens: Tokens<'_>, index: usize) {
        let mut end = index;
        while end < tokens.len() && tokens.kind(end) != Some(Kind::Close(b']')) {
            end += 1;
        }
        let mut next = end + 1;
        while next < tokens.len() && !tokens.is_word(next, "extern") && !tokens.is_word(next, "mod") {
            next += 1;
        }
        let Some(name) = tokens.is_word(next + 1, "crate").then(|| tokens.name(next + 2)).flatten() else { return };
        if inert::STANDARD_CRATES.contains(&name) {
            return;
        }
        if tokens.kind(index + 1) == Some(Kind::Open(b'(')) {
            let known = inert::macros_of(name).unwrap_or_default();
            for listed in (index + 2..tokens.behind_group(index + 1)).filter_map(|index| tokens.name(index)) {
                let names = if known.contains(&listed) { &mut self.known } else { &mut self.imported };
                names.insert(listed.to_owned());
                self.origins.entry(listed.to_owned()).or_default().crates.insert(name.to_owned());
            }
        } else {
            self.macro_crates.insert(name.to_owned());
        }
    }
}

/// One `use` statement, as its tokens tell it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import<'a> {
    /// The names that it gives.
    pub names: Vec<&'a str>,
    /// It imports everything of something.
    pub glob: bool,
    /// It imports from `std`, `core` or `alloc`.
    pub standard: bool,
    /// It imports from `crate`, `self`, `super`, or from something called like a type, which has no macros.
    pub local: bool,
    /// The first name of its path.
    pub first: &'a str,
    /// The names that it takes directly from there, under their own names.
    direct: Vec<&'a str>,
}

impl<'a> Import<'a> {
    /// Reads the statement whose `use` is at an index.
    pub fn read(tokens: Tokens<'a>, index: usize) -> Self {
        let mut import = Import { names: Vec::new(), glob: false, standard: false, local: false, first: "", direct: Vec::new() };
        let mut start = index + 1;
        if tokens.is_punct(start, b'<') {
            // `impl Trait + use<'a>` imports nothing.
            return import;
        }
        let global = tokens.is_punct(start, b':');
        while tokens.is_punct(start, b':') {
            start += 1;
        }
        if let Some(first) = tokens.name(start) {
            import.first = first;
            import.standard = inert::STANDARD_CRATES.contains(&first) && tokens.is_punct(start + 1, b':');
            import.local = !global
                && (matches!(first, "crate" | "self" | "super" | "Self")
                    || first.starts_with(|first: char| first.is_uppercase()));
        }
        let mut depth = 0_usize;
        for index in start..tokens.len() {
            match tokens.kind(index) {
                Some(Kind::Punct(b';')) => break,
                Some(Kind::Punct(b'*')) => import.glob = true,
                Some(Kind::Open(_)) => depth += 1,
                Some(Kind::Close(_)) => depth = depth.saturating_sub(1),
                Some(Kind::Word | Kind::RawWord)
                    if !tokens.is_word(index, "as") && !tokens.is_punct(index + 1, b':') && !tokens.is_word(index + 1, "as") =>
                {
                    let alone = index == start + 3 && tokens.is_punct(index - 1, b':');
                    let among = depth == 1
                        && tokens.kind(start + 3) == Some(Kind::Open(b'{'))
                        && (index == start + 4 || tokens.is_punct(index - 1, b','));
                    import.names.extend(tokens.name(index));
                    import.direct.extend(tokens.name(index).filter(|_| alone || among));
                }
                _ => {}
            }
        }
        import
    }

    /// Whether a name that it gives is a macro of [`inert::MACRO_CRATES`], called as there.
    pub fn is_known(&self, name: &str) -> bool {
        let known = inert::macros_of(self.first).is_some_and(|macros| macros.contains(&name));
        known && self.direct.contains(&name)
    }
}

/// Whether an `extern` begins the declarations of foreign functions that may unwind, or the type of a pointer to one. The definition of such a
/// function is ordinary Rust.
fn unwinds(tokens: Tokens<'_>, index: usize) -> bool {
    let is_open = |at: usize| matches!(tokens.kind(at), Some(Kind::Open(_)));
    tokens.string(index + 1).is_some_and(|name| name.ends_with("-unwind"))
        && (is_open(index + 2) || (tokens.is_word(index + 2, "fn") && is_open(index + 3)))
}

fn is_standard(name: Option<&str>) -> bool {
    name.is_some_and(|name| inert::STANDARD_CRATES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::super::lex::lex;
    use super::*;

    fn facts(text: &str) -> Facts {
        Facts::of(Tokens { text, tokens: &lex(text, 0).tokens })
    }

    #[test]
    fn macros_that_the_crate_defines_are_found_wherever_they_are() {
        let facts = facts("macro_rules! a { () => { macro_rules! b {} } } fn f() { macro_rules! c {} } pub macro d($x:tt) {}");
        assert!(["a", "b", "c", "d"].iter().all(|name| facts.defined.contains(name)));
        assert!(!facts.any_defined);
    }

    #[test]
    fn a_macro_that_defines_macros_by_given_names_may_define_any() {
        assert!(facts("macro_rules! a { ($n:ident) => { macro_rules! $n { () => {} } } }").any_defined);
    }

    #[test]
    fn a_use_may_give_a_standard_name_to_something_else() {
        assert_eq!(facts("use defmt::println;").imported, ["println".to_owned()].into());
        assert_eq!(facts("use x::{y as vec, self};").imported, ["vec", "self"].map(String::from).into());
        assert_eq!(facts("fn f() -> impl Fn() + use<'_> { vec![format!(\"\")]; }").imported, HashSet::new());
        assert_eq!(facts("cfg_if! { use x::panic; }").imported, ["panic".to_owned()].into());
        assert_eq!(facts("use std::{println, vec}; use core::panic; use ::alloc::format;").imported, HashSet::new());
    }

    #[test]
    fn macros_of_an_extern_crate_may_have_any_name_unless_they_are_listed() {
        assert!(facts("#[macro_use] extern crate log;").macro_crates.contains("log"));
        assert!(facts("#[macro_use] #[cfg(x)] pub extern crate log;").macro_crates.contains("log"));
        assert!(!facts("#[macro_use] extern crate alloc;").macro_crates.contains("alloc"));
        assert!(!facts("#[macro_use] mod m; ").macro_crates.contains("log"));
        let listed = facts("#[macro_use(info, vec)] extern crate log;");
        assert_eq!((listed.macro_crates.is_empty(), listed.imported.contains("vec")), (true, true));
    }

    #[test]
    fn the_standard_crates_names_may_be_taken() {
        assert!(facts("mod core { pub use std::*; }").standard_taken);
        assert!(facts("extern crate x as std;").standard_taken);
        assert!(facts("use x::y as alloc;").standard_taken);
        assert!(!facts("extern crate std; extern crate core as core;").standard_taken);
    }

    #[test]
    fn macros_of_known_crates_are_known_under_their_own_names_only() {
        let known = |text: &str| {
            let mut known: Vec<String> = facts(text).known.into_iter().collect();
            known.sort();
            known.join(" ")
        };
        assert_eq!(
            known("use tracing::debug; use log::{warn, kv::info, error as e, max_level}; pub use ::anyhow::bail;"),
            "bail debug warn"
        );
        assert_eq!(
            known("use x::debug; use self::tracing::info; use tracing::a::warn; #[macro_use(info)] extern crate log;"),
            "info"
        );
        assert!(facts("use x::debug; use tracing::warn;").imported == ["debug".to_owned()].into());
        for taken in ["mod log {}", "use x::log;", "extern crate x as log;", "use x::{y as log};"] {
            assert!(facts(taken).is_taken_crate("log"), "{taken}");
        }
        for free in ["use log;", "use ::log;", "extern crate log;", "use log::info;"] {
            assert!(!facts(free).is_taken_crate("log"), "{free}");
        }
    }

    #[test]
    fn features_are_what_an_attribute_enables() {
        assert!(facts("#![feature(a, generic_const_exprs)]").body_features);
        assert!(facts("#![cfg_attr(x, feature(type_alias_impl_trait))]").body_features);
        assert!(!facts("fn generic_const_exprs() { generic_const_exprs() }").body_features);
    }
}
