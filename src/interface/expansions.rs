//! Where macros of dependencies expand in what is kept, of which nobody knows what they name.
//!
//! Such a macro may name whatever can be named from where it is: a private method by convention, or a function that hides what a glob import
//! gives. So nothing of that is left out. The crate's own macros are no such macros, because all that they name is in their definitions, nor
//! are those of crates that are trusted (`inert::TRUSTED`).

use super::inert;
use super::judge::Verdict;
use super::lex::{Kind, Tokens};
use super::modules::Modules;
use super::scan::{Call, Scanner, attributes};
use super::tree::Source;

/// What expands where.
#[derive(Clone, Debug, Default)]
pub(super) struct Expansions {
    /// For each module: something unknown expands in it or inside it.
    pub seeing: Vec<bool>,
    /// For each module: something unknown may define items in it.
    pub defining: Vec<bool>,
}

impl Expansions {
    pub fn of(sources: &[Source], verdicts: &[Option<Vec<Verdict>>], modules: &Modules<'_>, scanner: Scanner<'_>) -> Self {
        let (mut seen_from, mut defining) = (Vec::new(), vec![false; modules.len()]);
        for (index, (source, verdicts)) in sources.iter().zip(verdicts).enumerate() {
            let mut sites = Sites { scanner, modules, source: index, found: Vec::new(), anywhere: false };
            let tokens = source.file.tokens();
            let (Some(shape), Some(verdicts)) = (&source.file.shape, verdicts) else {
                // A macro leads to it, or it can't be parsed: it may be any module.
                sites.look(tokens, false);
                if sites.anywhere || !sites.found.is_empty() {
                    return Self::anywhere(modules);
                }
                continue;
            };
            let mut behind = 0;
            for (function, verdict) in shape.functions.iter().zip(verdicts) {
                sites.look(tokens.within(&(behind..function.body.start)), true);
                if verdict.stays.is_some() {
                    sites.look(tokens.within(&function.body), false);
                }
                behind = function.body.end;
            }
            sites.look(tokens.within(&(behind..u32::MAX)), true);
            if sites.anywhere {
                return Self::anywhere(modules);
            }
            for (module, defines) in sites.found {
                defining[module] |= defines;
                seen_from.push(module);
            }
        }
        Self { seeing: modules.with_those_around(seen_from), defining }
    }

    fn anywhere(modules: &Modules<'_>) -> Self {
        Self { seeing: vec![true; modules.len()], defining: vec![true; modules.len()] }
    }
}

struct Sites<'a> {
    scanner: Scanner<'a>,
    modules: &'a Modules<'a>,
    source: usize,
    /// The modules in which something unknown expands, and whether it may define items there.
    found: Vec<(usize, bool)>,
    /// It may expand anywhere.
    anywhere: bool,
}

impl Sites<'_> {
    fn look(&mut self, tokens: Tokens<'_>, defines: bool) {
        let mut definition = 0;
        for index in 0..tokens.len() {
            if let Some(open) = definition_of_macro(tokens, index) {
                definition = definition.max(tokens.behind_group(open));
            }
            if !self.is_site(tokens, index, index < definition) {
                continue;
            }
            let module = self.modules.at(self.source, tokens.tokens[index].start);
            match module {
                // A definition is used elsewhere.
                Some(module) if index >= definition => self.found.push((module, defines)),
                _ => self.anywhere = true,
            }
        }
    }

    fn is_site(&self, tokens: Tokens<'_>, index: usize, in_definition: bool) -> bool {
        let any_macro = || {
            let module = self.modules.at(self.source, tokens.tokens[index].start);
            module.is_none_or(|module| self.modules.any_macro(module))
        };
        match tokens.kind(index) {
            Some(Kind::Punct(b'!')) => {
                Call::at(tokens, index).is_some_and(|call| !self.scanner.names_nothing_private(&call, any_macro))
            }
            Some(Kind::Punct(b'#')) if in_definition && is_given(tokens, index) => false,
            Some(Kind::Punct(b'#')) => {
                attributes(tokens, index).iter().any(|name| !self.scanner.is_known_attribute(name, any_macro))
            }
            Some(Kind::Word) if tokens.is_word(index, "derive") && tokens.kind(index + 1) == Some(Kind::Open(b'(')) => {
                !self.scanner.derives_are_known(tokens, index, any_macro)
            }
            _ => false,
        }
    }
}

/// The index at which the body of a macro begins that is defined at an index.
pub(super) fn definition_of_macro(tokens: Tokens<'_>, index: usize) -> Option<usize> {
    let named = |at: usize| tokens.name(at).is_some() || tokens.is_punct(at, b'$');
    if tokens.is_word(index, "macro_rules") && tokens.is_punct(index + 1, b'!') && named(index + 2) {
        return (index + 3..index + 5).find(|&at| tokens.is_open(at));
    }
    if !tokens.is_word(index, "macro") || !named(index + 1) {
        return None;
    }
    let open = (index + 2..index + 4).find(|&at| tokens.is_open(at))?;
    let behind = tokens.behind_group(open);
    // `macro name(matcher) { .. }`
    Some(if tokens.kind(behind) == Some(Kind::Open(b'{')) { behind } else { open })
}

/// An attribute that a macro was given, `#[$meta]`: it is looked at where the macro is called, if it is an attribute there, too.
fn is_given(tokens: Tokens<'_>, pound: usize) -> bool {
    let open = pound + 1 + usize::from(tokens.is_punct(pound + 1, b'!'));
    let is_variable = |at: usize| tokens.kind(at) == Some(Kind::Open(b'[')) && tokens.is_punct(at + 1, b'$');
    if !is_variable(open) {
        return false;
    }
    let is_matcher = |at: usize| {
        let name = tokens.text(at + 2);
        is_variable(at) && (tokens.is_open(at + 2) || (name == tokens.text(open + 2) && tokens.is_punct(at + 3, b':')))
    };
    tokens.is_open(open + 2) || (0..tokens.len()).any(is_matcher)
}

impl Scanner<'_> {
    /// Whether a macro is one of the crate, of the standard library or of a trusted crate.
    fn names_nothing_private(self, call: &Call<'_>, any_macro: impl Fn() -> bool) -> bool {
        let facts = self.facts;
        if call.is_given {
            return false;
        }
        let own = facts.defined.contains(call.name);
        match call.qualifier {
            Some("crate" | "self" | "super") => own,
            Some(first) if inert::STANDARD_CRATES.contains(&first) => !facts.standard_taken,
            Some(first) => self.is_trusted(first),
            None if call.name == "macro_rules" => true,
            None if own => !facts.origins.contains_key(call.name) || self.is_imported_from_trusted(call.name, &any_macro),
            None if inert::is_standard_macro(call.name) && !self.is_taken(call.name) => !any_macro(),
            None => self.is_imported_from_trusted(call.name, &any_macro),
        }
    }

    fn is_known_attribute(self, name: &str, any_macro: impl Fn() -> bool) -> bool {
        if let Some((first, _)) = name.split_once("::") {
            return inert::is_attribute(name) || self.is_trusted(first) || inert::STANDARD_CRATES.contains(&first);
        }
        if inert::SHADOWABLE.contains(&name) {
            return !self.is_taken(name) && !any_macro();
        }
        let helper = || inert::TRUSTED.iter().any(|(krate, helpers, _)| helpers.contains(&name) && self.trusted.contains(*krate));
        inert::is_attribute(name)
            || inert::BUILT_IN.contains(&name)
            || (helper() && !self.facts.origins.contains_key(name))
            || self.is_imported_from_trusted(name, &any_macro)
    }

    fn derives_are_known(self, tokens: Tokens<'_>, derive: usize, any_macro: impl Fn() -> bool) -> bool {
        let end = tokens.behind_group(derive + 1).saturating_sub(1);
        let mut at = derive + 2;
        while at < end {
            let mut path = Vec::new();
            while at < end && !tokens.is_punct(at, b',') {
                match tokens.name(at) {
                    Some(name) => path.push(name),
                    None if tokens.is_punct(at, b':') => {}
                    None => return false,
                }
                at += 1;
            }
            let known = match path[..] {
                [] => true,
                [name] if inert::DERIVES.contains(&name) && !self.is_taken(name) => !any_macro(),
                [name] => self.is_imported_from_trusted(name, &any_macro),
                [first, .., last] if inert::STANDARD_CRATES.contains(&first) => {
                    inert::DERIVES.contains(&last) && !self.facts.standard_taken
                }
                [first, ..] => self.is_trusted(first),
            };
            if !known {
                return false;
            }
            at += 1;
        }
        true
    }

    /// Whether the first name of a path is a trusted crate.
    fn is_trusted(self, first: &str) -> bool {
        let facts = self.facts;
        let taken = facts.modules.contains(first) || facts.aliases.contains(first) || facts.hidden_names.contains(first);
        self.trusted.contains(first) && !taken
    }

    /// Whether a name can only be that of a macro of a trusted crate.
    fn is_imported_from_trusted(self, name: &str, any_macro: &impl Fn() -> bool) -> bool {
        let facts = self.facts;
        let all_trusted = |crates: &std::collections::HashSet<String>| crates.iter().all(|first| self.is_trusted(first));
        let listed = match facts.origins.get(name) {
            Some(origin) => (!origin.crates.is_empty() || facts.defined.contains(name)) && all_trusted(&origin.crates),
            None => !facts.macro_crates.is_empty() && all_trusted(&facts.macro_crates) && !any_macro(),
        };
        // What a module of this crate imports by a glob, another may import by name.
        listed && (facts.origins.get(name).is_none_or(|origin| !origin.local) || !any_macro())
    }
}
