//! Which dependencies a crate loads because a body names them.
//!
//! rustc loads a crate of the command line when a path leads to it, and with it what it links: an allocator, a panic handler, native libraries. What
//! is emptied or left out must not change that, in either direction. A name that certainly means the crate is loaded by `--extern force:`. One
//! that may mean something else, or is under a `cfg`, is left to rustc: the emptied body imports it, or else stays.

use std::collections::BTreeSet;

use super::expansions::definition_of_macro;
use super::facts::Facts;
use super::inert;
use super::judge::Verdict;
use super::lex::{Kind, Place, Tokens};
use super::modules::Modules;
use super::reason::Reason;
use super::scan::{Call, Scanner};
use super::shape::{Function, Shape};
use super::tree::Source;

/// What is known of the names of dependencies.
pub(super) struct Loads<'a> {
    sources: &'a [Source],
    modules: &'a Modules<'a>,
    scanner: Scanner<'a>,
    /// The names of dependencies.
    externs: &'a BTreeSet<String>,
    /// Those that are certainly loaded.
    pub certain: BTreeSet<String>,
    /// Those that definitions of macros name.
    in_definitions: BTreeSet<&'a str>,
    /// For each source: it is compiled whatever the configuration.
    unconditional: Vec<bool>,
}

/// A name of a dependency in a body.
struct Mention<'a> {
    name: &'a str,
    /// What means something else depends on more than the names around.
    doubtful: bool,
}

impl<'a> Loads<'a> {
    pub fn of(sources: &'a [Source], modules: &'a Modules<'a>, scanner: Scanner<'a>, externs: &'a BTreeSet<String>) -> Self {
        let unconditional = vec![true; sources.len()];
        let (certain, in_definitions) = (BTreeSet::new(), BTreeSet::new());
        let mut loads = Self { sources, modules, scanner, externs, certain, in_definitions, unconditional };
        if externs.is_empty() {
            return loads;
        }
        loads.find_conditions();
        for (index, source) in sources.iter().enumerate() {
            let tokens = source.file.tokens();
            for at in 0..tokens.len() {
                let Some(open) = definition_of_macro(tokens, at) else { continue };
                let definition = Tokens { text: tokens.text, tokens: &tokens.tokens[open..tokens.behind_group(open)] };
                let named = mentions(definition).filter_map(|at| externs.get(definition.name(at)?)).map(String::as_str);
                loads.in_definitions.extend(named);
            }
            let Some(shape) = source.file.shape.as_ref().filter(|_| !source.opaque) else { continue };
            let mut certain: Vec<&str> = Vec::new();
            for (scope, inner) in shape.scopes.iter().enumerate() {
                let imports = inner.imports.iter().filter(|import| !import.conditional);
                let first = imports.filter_map(|import| externs.get(import.path.first()?)).map(String::as_str);
                certain.extend(first.filter(|name| loads.means_crate(index, shape, scope, name)));
            }
            for function in &shape.functions {
                if loads.is_conditional(index, shape, function) {
                    continue;
                }
                let found = loads.mentions(tokens, function).into_iter().filter(|mention| !mention.doubtful);
                certain.extend(
                    { found }.map(|mention| mention.name).filter(|name| loads.means_crate(index, shape, function.scope, name)),
                );
            }
            loads.certain.extend(certain.into_iter().map(str::to_owned));
        }
        loads
    }

    /// Changes the verdict on a function that may name dependencies which are not certainly loaded.
    pub fn judge(&self, source: usize, function: &Function, verdict: &mut Verdict) {
        if self.certain.len() == self.externs.len() || (verdict.stays.is_some() && !verdict.candidate) {
            return;
        }
        let tokens = self.sources[source].file.tokens();
        let module = self.modules.of_scope(source, function.scope);
        let any_name = || module.is_none_or(|module| self.modules.any_macro(module));
        for mention in self.mentions(tokens, function) {
            if self.certain.contains(mention.name) {
                continue;
            }
            verdict.candidate = false;
            // An import looks for the crate even if it finds something else.
            let doubtful = mention.doubtful || is_taken(self.scanner.facts, mention.name) || any_name();
            if doubtful || self.modules.edition_2015() {
                verdict.stays.get_or_insert_with(|| Reason::Dependency(mention.name.to_owned()));
            } else {
                verdict.loads.insert(mention.name.to_owned());
            }
        }
    }

    /// The dependencies that a function may name.
    fn mentions(&self, tokens: Tokens<'a>, function: &Function) -> Vec<Mention<'a>> {
        let tokens = tokens.within(&(function.place.start..function.body.end));
        let mut found = Vec::new();
        // Behind which token the arguments of a macro end that is not known, and of one whose arguments are no code.
        let (mut unknown, mut quoted) = (0, 0);
        let mut has_cfg = false;
        let named: BTreeSet<usize> = mentions(tokens).collect();
        for index in 0..tokens.len() {
            match tokens.kind(index) {
                Some(Kind::Punct(b'!')) => {
                    let Some(call) = Call::at(tokens, index) else { continue };
                    let end = tokens.behind_group(index + 1);
                    if self.scanner.facts.defined.contains(call.name) {
                        found.extend(self.in_definitions.iter().map(|name| Mention { name: self.known(name), doubtful: true }));
                    }
                    if call.name == "stringify" {
                        quoted = quoted.max(end);
                    } else if !inert::is_standard_macro(call.name) || self.scanner.facts.defined.contains(call.name) {
                        unknown = unknown.max(end);
                    }
                }
                Some(Kind::Word)
                    if matches!(tokens.text(index), "cfg" | "cfg_attr")
                        && tokens.kind(index.wrapping_sub(1)) == Some(Kind::Open(b'[')) =>
                {
                    has_cfg |= tokens.tokens[index].start > function.body.start;
                }
                Some(Kind::Word | Kind::RawWord) if index >= quoted => {
                    let Some(name) = tokens.name(index).and_then(|name| self.externs.get(name)) else { continue };
                    if named.contains(&index) || index < unknown {
                        found.push(Mention { name, doubtful: index < unknown });
                    }
                }
                _ => {}
            }
        }
        found.iter_mut().for_each(|mention| mention.doubtful |= has_cfg);
        found
    }

    fn known(&self, name: &str) -> &'a str {
        self.externs.get(name).map_or("", String::as_str)
    }

    /// Whether the first name of a path means the crate that is called so, where it stands.
    fn means_crate(&self, source: usize, shape: &Shape, scope: usize, name: &str) -> bool {
        let module = self.modules.of_scope(source, scope);
        self.is_unconditional(source, shape, scope)
            && !is_taken(self.scanner.facts, name)
            && module.is_some_and(|module| !self.modules.any_macro(module))
    }

    fn is_conditional(&self, source: usize, shape: &Shape, function: &Function) -> bool {
        let tokens = self.sources[source].file.tokens();
        has_condition(tokens, &(function.place.start..function.body.start))
            || function.inner_attributes.iter().any(|place| has_condition(tokens, place))
            || !self.is_unconditional(source, shape, function.scope)
    }

    fn is_unconditional(&self, source: usize, shape: &Shape, scope: usize) -> bool {
        let tokens = self.sources[source].file.tokens();
        let mut scope = Some(scope);
        while let Some(index) = scope {
            // A macro that hands items on may add a condition.
            if shape.scopes[index].through.is_some()
                || shape.scopes[index].attributes.iter().any(|place| has_condition(tokens, place))
            {
                return false;
            }
            scope = shape.scopes[index].parent;
        }
        self.unconditional[source]
    }

    /// A file is under the conditions of the declarations that lead to it.
    fn find_conditions(&mut self) {
        loop {
            let conditional = |&(declarer, module): &(usize, usize)| {
                let source = &self.sources[declarer];
                let Some(shape) = &source.file.shape else { return true };
                let module = &shape.modules[module];
                module.attributes.iter().any(|place| has_condition(source.file.tokens(), place))
                    || !self.is_unconditional(declarer, shape, module.scope)
            };
            let found =
                self.sources.iter().enumerate().find(|(index, source)| {
                    self.unconditional[*index] && (source.opaque || source.declared.iter().any(conditional))
                });
            match found.map(|(index, _)| index) {
                Some(index) => self.unconditional[index] = false,
                None => return,
            }
        }
    }
}

/// Whether something of the crate may be called so.
fn is_taken(facts: &Facts, name: &str) -> bool {
    let other = facts.origins.get(name).is_some_and(|origin| origin.local || origin.crates.iter().any(|first| first != name));
    other || facts.modules.contains(name) || facts.aliases.contains(name) || facts.hidden_names.contains(name)
}

fn has_condition(tokens: Tokens<'_>, place: &Place) -> bool {
    let tokens = tokens.within(place);
    (0..tokens.len()).any(|index| tokens.is_word(index, "cfg") || tokens.is_word(index, "cfg_attr"))
}

/// The names that are the first of a path of several, or of a `use`.
fn mentions(tokens: Tokens<'_>) -> impl Iterator<Item = usize> {
    // Inside a `use`: whether the next name is the first of its path, and the same of each group around.
    let mut within: Option<(bool, Vec<bool>)> = None;
    (0..tokens.len()).filter(move |&index| {
        if tokens.is_word(index, "use") && !tokens.is_punct(index + 1, b'<') {
            within = Some((true, Vec::new()));
            return false;
        }
        if tokens.is_punct(index, b';') {
            within = None;
        }
        if let Some((first, groups)) = &mut within {
            match tokens.kind(index) {
                Some(Kind::Open(_)) => groups.push(*first),
                Some(Kind::Close(_)) => {
                    *first = {
                        groups.pop();
                        false
                    }
                }
                Some(Kind::Punct(b',')) => *first = groups.last().copied().unwrap_or(false),
                Some(Kind::Word | Kind::RawWord) => return std::mem::replace(first, false),
                _ => {}
            }
            return false;
        }
        let colons = |at: usize| tokens.is_punct(at, b':') && tokens.is_punct(at + 1, b':');
        if tokens.name(index).is_none() || !colons(index + 1) {
            return false;
        }
        let has_path_before = index >= 2 && colons(index - 2) && {
            let before = index.checked_sub(3);
            before.is_some_and(|before| {
                tokens
                    .name(before)
                    .is_some_and(|name| !inert::KEYWORDS.contains(&name) || name == "crate" || name == "self" || name == "super")
                    || tokens.is_punct(before, b'>')
            })
        };
        !has_path_before && !(index > 0 && tokens.is_punct(index - 1, b'.') && !(index > 1 && tokens.is_punct(index - 2, b'.')))
    })
}
