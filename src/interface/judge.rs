//! The verdict on each function of a crate: emptied, or the reason why it stays.

use std::collections::{BTreeSet, HashSet};

use super::expansions::Expansions;
use super::facts::Facts;
use super::inert;
use super::lex::Tokens;
use super::loads::Loads;
use super::modules::Modules;
use super::reason::Reason;
use super::scan::{Names, Position, Scanner};
use super::shape::{Function, Scope, Seen, Shape};
use super::tree::Source;

/// What is asked about all functions of a crate.
pub(super) struct Judge<'a> {
    scanner: Scanner<'a>,
    sources: &'a [Source],
    modules: &'a Modules<'a>,
    /// A reason that holds for every function of the crate.
    everything: Option<Reason>,
    /// For each source and each of its scopes: the attribute, if there is one, by which everything inside stays.
    scopes: Vec<Vec<Option<Reason>>>,
    /// For each module: whether a glob import may give any name to a macro.
    any_macro: Vec<bool>,
}

/// What was decided on one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Why the body stays; it is emptied if there is no reason.
    pub stays: Option<Reason>,
    /// Nothing but a name that something kept can name stands in the way of leaving it out.
    pub candidate: bool,
    /// Dependencies that an emptied body has to import, because they are loaded only if it means them.
    pub loads: BTreeSet<String>,
}

impl<'a> Judge<'a> {
    pub fn new(sources: &'a [Source], modules: &'a Modules<'a>, scanner: Scanner<'a>, everything: Option<Reason>) -> Self {
        let everything = everything.or(scanner.facts.everything());
        let any_macro = (0..modules.len()).map(|module| modules.any_macro(module)).collect();
        let mut judge = Self { scanner, sources, modules, everything, scopes: Vec::new(), any_macro };
        judge.scopes = judge.scopes_of_all();
        judge
    }

    /// The verdicts on all functions, in the order of the sources. None for those whose text stays as it is.
    pub fn all(&self, leave_out: bool, loads: &Loads<'_>) -> Vec<Option<Vec<Verdict>>> {
        let mut verdicts: Vec<_> = (0..self.sources.len()).map(|index| self.source(index, leave_out)).collect();
        for (index, (source, verdicts)) in self.sources.iter().zip(&mut verdicts).enumerate() {
            let functions = source.file.shape.iter().flat_map(|shape| &shape.functions);
            let verdicts = verdicts.iter_mut().flatten();
            functions.zip(verdicts).for_each(|(function, verdict)| loads.judge(index, function, verdict));
        }
        if leave_out {
            self.keep_what_macros_may_name(&mut verdicts);
        }
        verdicts
    }

    fn keep_what_macros_may_name(&self, verdicts: &mut [Option<Vec<Verdict>>]) {
        let expansions = Expansions::of(self.sources, verdicts, self.modules, self.scanner);
        let hiding = self.modules.hiding(&expansions.defining);
        for (index, (source, verdicts)) in self.sources.iter().zip(verdicts).enumerate() {
            let (Some(shape), Some(verdicts)) = (&source.file.shape, verdicts) else { continue };
            for (function, verdict) in shape.functions.iter().zip(verdicts).filter(|(_, verdict)| verdict.candidate) {
                let may_be_named = |module: usize| {
                    let owners = self.modules.owners(module, function.seen);
                    let hides = shape.scopes[function.scope].is_module && hiding[module];
                    hides || owners.into_iter().any(|owner| expansions.seeing[owner])
                };
                let module = self.modules.of_scope(index, function.scope);
                let by_convention = inert::NAMED_BY_MACROS.iter().any(|(name, _)| *name == function.name);
                verdict.candidate = !by_convention && module.is_some_and(|module| !may_be_named(module));
            }
        }
    }

    fn source(&self, index: usize, leave_out: bool) -> Option<Vec<Verdict>> {
        let source = &self.sources[index];
        let shape = source.file.shape.as_ref().filter(|_| !source.opaque)?;
        Some(shape.functions.iter().map(|function| self.function(index, function, leave_out)).collect())
    }

    fn function(&self, index: usize, function: &Function, leave_out: bool) -> Verdict {
        let tokens = self.sources[index].file.tokens();
        let module = self.modules.of_scope(index, function.scope);
        let names = self.names(index, function.scope);
        let any_macro = names.any_macro;
        let scope = &self.scopes[index][function.scope];
        let signature = tokens.within(&(function.place.start..function.body.start));
        let inside = function.body.start + 1..function.body.end.saturating_sub(1);
        let body = || {
            let glob =
                |tokens: Tokens<'_>, at: usize| module.is_none_or(|module| self.modules.gives_any_macro(module, tokens, at));
            self.scanner.body(tokens.within(&inside), names, glob)
        };
        let own = || self.scanner.inner_attributes(tokens, &function.inner_attributes);

        let outside = self.everything.clone().or_else(|| function.stays.clone()).or_else(|| scope.clone());
        let stays = outside.or_else(|| self.scanner.signature(signature, any_macro)).or_else(own);
        let may_go = leave_out
            && function.seen != Seen::Anywhere
            && scope.is_none()
            && function.inner_attributes.iter().all(|place| self.scanner.may_be_left_out(tokens.within(place), any_macro))
            && self.scanner.may_be_left_out(signature, any_macro);
        let in_body = if stays.is_none() || may_go { body() } else { None };
        Verdict { candidate: may_go && in_body.is_none(), stays: stays.or(in_body), loads: BTreeSet::new() }
    }

    /// Attributes of a module hold for what is inside, which may be in another file; so this goes on until nothing changes.
    fn scopes_of_all(&self) -> Vec<Vec<Option<Reason>>> {
        let mut all: Vec<Vec<Option<Reason>>> = (0..self.sources.len()).map(|index| self.scopes_of(index, None)).collect();
        loop {
            let mut changed = false;
            for (index, source) in self.sources.iter().enumerate() {
                if all[index].first().is_none_or(Option::is_some) {
                    continue;
                }
                let inherited =
                    source.declared.iter().find_map(|&(declarer, module)| self.of_declaration(&all, declarer, module));
                if inherited.is_some() {
                    all[index] = self.scopes_of(index, inherited);
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

    /// What the module of a scope tells of names of macros.
    fn names(&self, index: usize, scope: usize) -> Names<'a> {
        let module = self.modules.of_scope(index, scope);
        names(&self.sources[index], scope, module.is_none_or(|module| self.any_macro[module]))
    }

    fn scopes_of(&self, index: usize, inherited: Option<Reason>) -> Vec<Option<Reason>> {
        let source = &self.sources[index];
        let Some(shape) = &source.file.shape else { return Vec::new() };
        let mut reasons: Vec<Option<Reason>> = Vec::with_capacity(shape.scopes.len());
        for scope in &shape.scopes {
            let outer = match scope.parent {
                Some(parent) => reasons.get(parent).cloned().flatten(),
                None => inherited.clone(),
            };
            let position = if scope.is_module { Position::Module } else { Position::Function };
            let own = || self.scanner.attributes(source.file.tokens(), &scope.attributes, position, false);
            let call = || {
                let names = self.names(index, scope.parent?);
                through(self.scanner, source.file.tokens(), scope, names)
            };
            reasons.push(outer.or_else(call).or_else(own));
        }
        reasons
    }
}

/// The call around a scope, if it is of a macro that may do anything with what is in it.
fn through(scanner: Scanner<'_>, tokens: Tokens<'_>, scope: &Scope, names: Names<'_>) -> Option<Reason> {
    let at = scope.through?;
    let bang = tokens.tokens.partition_point(|token| token.start < at);
    let name = tokens.name(bang.checked_sub(1)?)?;
    (!scanner.passes_items(tokens, bang, names)).then(|| Reason::InMacroCall(name.to_owned()))
}

fn names(source: &Source, scope: usize, any_macro: bool) -> Names<'_> {
    let shape = source.file.shape.as_ref();
    let imports = shape.map_or(&[][..], |shape| &shape.scopes[shape.module_of(scope)].imports);
    Names { any_macro, imports }
}

/// Marks the files to which only a macro leads that may do anything with what it is given.
pub(super) fn mark_opaque(sources: &mut [Source], facts: &Facts) {
    if !sources.iter().filter_map(|source| source.file.shape.as_ref()).any(Shape::declares_in_calls) {
        return;
    }
    loop {
        let found = in_unknown_calls(sources, facts);
        if found.is_empty() {
            return;
        }
        found.into_iter().for_each(|index| sources[index].opaque = true);
    }
}

fn in_unknown_calls(sources: &[Source], facts: &Facts) -> Vec<usize> {
    let none = HashSet::new();
    let scanner = Scanner { facts, expression_macros: &none, trusted: &none, renamed: &none };
    // Where globs lead depends on the edition, of which nothing is known here.
    let editions = [false, true].map(|edition_2015| Modules::of(sources, facts, edition_2015));
    let any_macro = |index: usize, scope: usize| {
        let is_any = |modules: &Modules<'_>| modules.of_scope(index, scope).is_none_or(|module| modules.any_macro(module));
        editions.iter().any(is_any)
    };
    let is_unknown = |&(index, module): &(usize, usize)| {
        let source = &sources[index];
        let Some(shape) = source.file.shape.as_ref().filter(|_| !source.opaque) else { return true };
        let mut scope = shape.modules.get(module).map(|module| module.scope);
        while let Some(inner) = scope.and_then(|scope| shape.scopes.get(scope)) {
            let names = |scope: usize| names(source, scope, any_macro(index, scope));
            if inner.through.is_some()
                && inner.parent.is_none_or(|parent| through(scanner, source.file.tokens(), inner, names(parent)).is_some())
            {
                return true;
            }
            scope = inner.parent;
        }
        false
    };
    let unknown = |index: &usize| !sources[*index].opaque && sources[*index].declared.iter().any(is_unknown);
    (0..sources.len()).filter(unknown).collect()
}
