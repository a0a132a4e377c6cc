//! The verdict on each function of a crate: emptied, or the reason why it stays.

use std::collections::{HashMap, HashSet};

use super::facts::Facts;
use super::lex::Place;
use super::reason::Reason;
use super::scan::{Position, Scanner};
use super::shape::{Function, Shape};
use super::tree::Source;

/// What is asked about all functions of a crate.
pub(super) struct Judge<'a> {
    scanner: Scanner<'a>,
    sources: &'a [Source],
    /// A reason that holds for every function of the crate.
    everything: Option<Reason>,
    /// For each source and each of its scopes: the attribute, if there is one, by which everything inside stays.
    scopes: Vec<Vec<Option<Reason>>>,
    /// Types of which methods may be left out.
    plain_types: HashSet<&'a str>,
}

/// What was decided on one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Why the body stays; it is emptied if there is no reason.
    pub stays: Option<Reason>,
    /// Nothing but a name that something kept can name stands in the way of leaving it out.
    pub candidate: bool,
}

impl<'a> Judge<'a> {
    pub fn new(sources: &'a [Source], facts: &'a Facts, macros: &'a HashSet<String>, everything: Option<Reason>) -> Self {
        let scanner = Scanner { facts, expression_macros: macros };
        let everything = everything.or(facts.everything());
        let mut judge = Self { scanner, sources, everything, scopes: Vec::new(), plain_types: HashSet::new() };
        judge.scopes = judge.scopes_of_all();
        judge.plain_types = judge.plain_types();
        judge
    }

    /// The verdicts on the functions of a source, in their order. None if its text stays as it is.
    pub fn source(&self, index: usize, leave_out: bool) -> Option<Vec<Verdict>> {
        let source = &self.sources[index];
        let shape = source.file.shape.as_ref().filter(|_| !source.opaque)?;
        Some(shape.functions.iter().map(|function| self.function(index, shape, function, leave_out)).collect())
    }

    fn function(&self, index: usize, shape: &Shape, function: &Function, leave_out: bool) -> Verdict {
        let tokens = self.sources[index].file.tokens();
        let any_macro = any_macro(shape, function.scope, self.scanner.facts);
        let scope = &self.scopes[index][function.scope];
        let signature = tokens.within(&(function.place.start..function.body.start));
        let inside = function.body.start + 1..function.body.end.saturating_sub(1);
        let body = || self.scanner.body(tokens.within(&inside), any_macro);
        let own = || self.scanner.inner_attributes(tokens, &function.inner_attributes);

        let outside = self.everything.clone().or_else(|| function.stays.clone()).or_else(|| scope.clone());
        let stays = outside.or_else(|| self.scanner.signature(signature, any_macro)).or_else(own);
        let may_go = leave_out
            && function.private
            && scope.is_none()
            && function.inner_attributes.iter().all(|place| self.scanner.may_be_left_out(tokens.within(place), any_macro))
            && self.has_plain_owner(shape, function)
            && !self.hides_a_name(shape, function)
            && self.scanner.may_be_left_out(signature, any_macro);
        let in_body = if stays.is_none() || may_go { body() } else { None };
        Verdict { candidate: may_go && in_body.is_none(), stays: stays.or(in_body) }
    }

    /// A free function, or a method of a type for which no code is generated that might call it.
    fn has_plain_owner(&self, shape: &Shape, function: &Function) -> bool {
        let scope = &shape.scopes[function.scope];
        scope.is_module || scope.self_type.as_deref().is_some_and(|name| self.plain_types.contains(name))
    }

    /// Whether there may be a name that the function takes from dependents: those of a public glob import are hidden by any item that is called so,
    /// even a private one. Names from this crate do not matter, because where they are defined they occur in kept tokens.
    fn hides_a_name(&self, shape: &Shape, function: &Function) -> bool {
        let scope = &shape.scopes[function.scope];
        scope.exports_foreign_glob || (scope.exports_local_glob && self.scanner.facts.exports_glob)
    }

    fn plain_types(&self) -> HashSet<&'a str> {
        let mut plain: HashMap<&str, bool> = HashMap::new();
        for source in self.sources {
            let Some(shape) = &source.file.shape else { continue };
            let tokens = source.file.tokens();
            for (name, attributes) in &shape.types {
                let generates = |place: &Place| self.scanner.may_generate_code(tokens.within(place), false);
                *plain.entry(name).or_insert(true) &= !source.opaque && !attributes.iter().any(generates);
            }
        }
        plain.into_iter().filter_map(|(name, plain)| plain.then_some(name)).collect()
    }

    /// Attributes of a module hold for what is inside, which may be in another file; so this goes on until nothing changes.
    fn scopes_of_all(&self) -> Vec<Vec<Option<Reason>>> {
        let mut all: Vec<Vec<Option<Reason>>> = self.sources.iter().map(|source| self.scopes_of(source, None)).collect();
        loop {
            let mut changed = false;
            for (index, source) in self.sources.iter().enumerate() {
                if all[index].first().is_none_or(Option::is_some) {
                    continue;
                }
                let inherited =
                    source.declared.iter().find_map(|&(declarer, module)| self.of_declaration(&all, declarer, module));
                if inherited.is_some() {
                    all[index] = self.scopes_of(source, inherited);
                    changed = true;
                }
            }
            if !changed {
                return all;
            }
        }
    }

    fn of_declaration(&self, all: &[Vec<Option<Reason>>], declarer: usize, module: usize) -> Option<Reason> {
        let source = &self.sources[declarer];
        let module = source.file.shape.as_ref()?.modules.get(module)?;
        let outer = all[declarer].get(module.scope).cloned().flatten();
        outer.or_else(|| self.scanner.attributes(source.file.tokens(), &module.attributes, Position::Module, false))
    }

    fn scopes_of(&self, source: &Source, inherited: Option<Reason>) -> Vec<Option<Reason>> {
        let Some(shape) = &source.file.shape else { return Vec::new() };
        let mut reasons: Vec<Option<Reason>> = Vec::with_capacity(shape.scopes.len());
        for scope in &shape.scopes {
            let outer = match scope.parent {
                Some(parent) => reasons.get(parent).cloned().flatten(),
                None => inherited.clone(),
            };
            let position = if scope.is_module { Position::Module } else { Position::Function };
            let own = || self.scanner.attributes(source.file.tokens(), &scope.attributes, position, false);
            reasons.push(outer.or_else(own));
        }
        reasons
    }
}

/// Whether a glob import may make any name a macro in a scope.
pub(super) fn any_macro(shape: &Shape, scope: usize, facts: &Facts) -> bool {
    let mut module = scope;
    while let (false, Some(parent)) = (shape.scopes[module].is_module, shape.scopes[module].parent) {
        module = parent;
    }
    let own = &shape.scopes[module];
    let mut above = own.parent;
    let mut glob_above = false;
    while let Some(parent) = above {
        glob_above |= shape.scopes[parent].foreign_glob;
        above = shape.scopes[parent].parent;
    }
    own.foreign_glob || (own.local_glob && (facts.leaks_glob || glob_above))
}
