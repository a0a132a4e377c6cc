//! The modules of a crate as a graph: which are inside which, and where the names of their globs come from.
//!
//! A path leads to a module of the crate only if that is proved: each of its names is declared as a module, an enum or an import, and whatever
//! the configuration, all that are called so lead to modules of the crate. Everything else may lead to a dependency.

use std::collections::{HashMap, HashSet};

use super::facts::Facts;
use super::inert;
use super::lex::Tokens;
use super::shape::Seen;
use super::tree::Source;
use super::uses::Import;

/// The modules of a crate that could be read.
pub(super) struct Modules<'a> {
    sources: &'a [Source],
    facts: &'a Facts,
    /// Paths of `use` begin at the crate root.
    edition_2015: bool,
    /// For each module its source and its scope there. The first is the crate root.
    all: Vec<(usize, usize)>,
    numbers: HashMap<(usize, usize), usize>,
    /// For each module those around it; more than one if its file is reached in several ways.
    parents: Vec<Vec<usize>>,
    /// For each module those in it; none where a file could not be read.
    children: Vec<HashMap<&'a str, Vec<Option<usize>>>>,
}

/// Where a path leads.
#[derive(Debug, Default)]
struct Leads {
    /// To these modules; to a type of the crate if there is none.
    modules: Vec<usize>,
    /// Maybe out of the crate.
    out: bool,
}

impl<'a> Modules<'a> {
    pub fn of(sources: &'a [Source], facts: &'a Facts, edition_2015: bool) -> Self {
        let mut modules = Self {
            sources,
            facts,
            edition_2015,
            all: Vec::new(),
            numbers: HashMap::new(),
            parents: Vec::new(),
            children: Vec::new(),
        };
        let mut files: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
        for (index, source) in sources.iter().enumerate() {
            source.declared.iter().for_each(|&declaration| files.entry(declaration).or_default().push(index));
            let shape = source.file.shape.as_ref().filter(|_| !source.opaque);
            let scopes = shape.map_or(&[][..], |shape| &shape.scopes).iter().enumerate();
            for (scope, _) in scopes.filter(|(_, scope)| scope.is_module) {
                modules.numbers.insert((index, scope), modules.all.len());
                modules.all.push((index, scope));
                modules.parents.push(Vec::new());
                modules.children.push(HashMap::new());
            }
        }
        for (index, source) in sources.iter().enumerate() {
            let Some(shape) = &source.file.shape else { continue };
            for (scope, inner) in shape.scopes.iter().enumerate().filter(|(_, inner)| inner.is_module) {
                if let Some(parent) = inner.parent {
                    modules.add(index, parent, inner.label.trim_end_matches(':'), Some((index, scope)));
                }
            }
            for (number, module) in shape.modules.iter().enumerate() {
                match files.get(&(index, number)) {
                    None => modules.add(index, module.scope, &module.name, None),
                    Some(files) => {
                        files.iter().for_each(|&file| modules.add(index, module.scope, &module.name, Some((file, 0))));
                    }
                }
            }
        }
        modules
    }

    fn add(&mut self, source: usize, scope: usize, name: &'a str, child: Option<(usize, usize)>) {
        let Some(parent) = self.of_scope(source, scope) else { return };
        let child = child.and_then(|child| self.numbers.get(&child).copied());
        // Of one in a macro call it is not proved that it is what it is called.
        let in_call = self.sources[source].file.shape.as_ref().is_some_and(|shape| shape.is_in_call(scope));
        self.children[parent].entry(name).or_default().push(child.filter(|_| !in_call));
        if let Some(child) = child {
            self.parents[child].push(parent);
        }
    }

    pub fn edition_2015(&self) -> bool {
        self.edition_2015
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The module that a scope of a source is, or is in.
    pub fn of_scope(&self, source: usize, mut scope: usize) -> Option<usize> {
        let shape = self.sources[source].file.shape.as_ref()?;
        while !shape.scopes[scope].is_module {
            scope = shape.scopes[scope].parent?;
        }
        self.numbers.get(&(source, scope)).copied()
    }

    /// The module that a byte of a source is in.
    pub fn at(&self, source: usize, byte: u32) -> Option<usize> {
        let shape = self.sources[source].file.shape.as_ref()?;
        let scope = (0..shape.scopes.len()).rev().find(|&scope| shape.scopes[scope].place.contains(&byte))?;
        self.of_scope(source, scope)
    }

    /// What is in a module and can be named from so far can be named from these modules and all inside them.
    pub fn owners(&self, module: usize, seen: Seen) -> Vec<usize> {
        match seen {
            Seen::Parent if !self.parents[module].is_empty() => self.parents[module].clone(),
            Seen::Module | Seen::Parent => vec![module],
            Seen::Crate | Seen::Anywhere => vec![0],
        }
    }

    /// Those modules and all around them.
    pub fn with_those_around(&self, modules: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut found = vec![false; self.len()];
        let mut open: Vec<usize> = modules.into_iter().collect();
        while let Some(module) = open.pop() {
            if !std::mem::replace(&mut found[module], true) {
                open.extend(&self.parents[module]);
            }
        }
        found
    }

    /// The modules in which a private function may take a name from dependents: what a public glob import gives to them is hidden by any item
    /// that is called so, and ambiguous with what another glob gives. `defining` are modules in which a macro may define anything public.
    pub fn hiding(&self, defining: &[bool]) -> Vec<bool> {
        let leads: Vec<Vec<(Leads, bool)>> = (0..self.len())
            .map(|module| self.globs(module).map(|glob| (self.lead(module, glob), glob.public)).collect())
            .collect();
        // Those that give dependents names of unknown origin.
        let mut foreign: Vec<bool> = (0..self.len())
            .map(|module| defining[module] || leads[module].iter().any(|(leads, public)| *public && leads.out))
            .collect();
        let through = |module: usize, foreign: &[bool]| {
            leads[module].iter().any(|(leads, public)| *public && leads.modules.iter().any(|&inner| foreign[inner]))
        };
        while let Some(module) = (0..self.len()).find(|&module| !foreign[module] && through(module, &foreign)) {
            foreign[module] = true;
        }
        let mut open: Vec<usize> = (0..self.len()).filter(|&module| foreign[module]).collect();
        let mut hiding = vec![self.facts.hides_public_glob(); self.len()];
        while let Some(module) = open.pop() {
            if std::mem::replace(&mut hiding[module], true) {
                continue;
            }
            for (leads, _) in &leads[module] {
                open.extend(&leads.modules);
            }
            // A glob of a module that is not known, beside others: it may be any.
            let doubtful = self.globs(module).any(|glob| self.lead(module, glob).out && !self.is_elsewhere(module, glob));
            if doubtful {
                return vec![true; self.len()];
            }
        }
        hiding
    }

    /// Whether a glob import may make any name a macro from elsewhere in a module.
    pub fn any_macro(&self, module: usize) -> bool {
        let around = self.with_those_around([module]);
        let hides_glob = self.facts.hides_glob();
        let mut seen = HashSet::from([module]);
        let mut open = vec![module];
        while let Some(inner) = open.pop() {
            for glob in self.globs(inner).filter(|glob| glob.public || around[inner]) {
                let leads = self.lead(inner, glob);
                if hides_glob || (leads.out && !self.is_standard(inner, glob) && !self.is_like_a_type(glob)) {
                    return true;
                }
                open.extend(leads.modules.into_iter().filter(|module| seen.insert(*module)));
            }
        }
        false
    }

    /// Whether one may do so somewhere in a source.
    pub fn any_macro_in(&self, source: usize) -> bool {
        let scopes = self.sources[source].file.shape.as_ref().map_or(0, |shape| shape.scopes.len());
        (0..scopes).any(|scope| self.of_scope(source, scope).is_none_or(|module| self.any_macro(module)))
    }

    /// The same of a glob import in a body, whose `use` is at an index.
    pub fn gives_any_macro(&self, module: usize, tokens: Tokens<'_>, index: usize) -> bool {
        let Some(path) = simple_glob(tokens, index) else { return true };
        let glob = Import { path, global: false, name: None, public: false, conditional: false, keyword: 0 };
        let leads = self.lead(module, &glob);
        let inner = || leads.modules.iter().any(|&module| self.any_macro(module));
        if leads.out { !self.is_standard(module, &glob) && !self.is_like_a_type(&glob) } else { inner() }
    }

    fn globs(&self, module: usize) -> impl Iterator<Item = &'a Import> {
        self.imports(module).filter(|import| import.name.is_none())
    }

    fn imports(&self, module: usize) -> impl Iterator<Item = &'a Import> {
        let (source, scope) = self.all[module];
        self.sources[source].file.shape.iter().flat_map(move |shape| &shape.scopes[scope].imports)
    }

    /// Where a `use` leads.
    fn lead(&self, module: usize, import: &Import) -> Leads {
        self.follow(module, import, 0)
    }

    fn follow(&self, module: usize, import: &Import, depth: usize) -> Leads {
        const DEEPEST: usize = 8;
        let out = Leads { modules: Vec::new(), out: true };
        if depth > DEEPEST || (import.global && !self.edition_2015) {
            return out;
        }
        let (mut leads, rest) = match import.path.first().map_or("", String::as_str) {
            "crate" => (Leads { modules: vec![0], out: false }, &import.path[1..]),
            "self" => (Leads { modules: vec![module], out: false }, &import.path[1..]),
            "super" => (Leads { modules: vec![module], out: false }, &import.path[..]),
            _ => (Leads { modules: vec![if self.edition_2015 { 0 } else { module }], out: false }, &import.path[..]),
        };
        for name in rest {
            let from = std::mem::take(&mut leads.modules);
            leads.out |= from.is_empty();
            for module in from {
                let step = if name == "super" {
                    Leads { modules: self.parents[module].clone(), out: false }
                } else {
                    self.step(module, name, depth)
                };
                leads.modules.extend(step.modules);
                leads.out |= step.out;
            }
        }
        leads
    }

    /// What a name may be in a module.
    fn step(&self, module: usize, name: &str, depth: usize) -> Leads {
        let (source, scope) = self.all[module];
        let children = self.children[module].get(name);
        let mut leads = Leads::default();
        for child in children.into_iter().flatten() {
            leads.modules.extend(child);
            leads.out |= child.is_none();
        }
        let is_enum = self.sources[source].file.shape.iter().any(|shape| shape.scopes[scope].enums.iter().any(|own| own == name));
        let mut known = children.is_some() || is_enum;
        for import in self.imports(module).filter(|import| import.name.as_deref() == Some(name)) {
            // `use x;` gives a name to what it finds elsewhere.
            let is_itself = !self.edition_2015 && !import.global && import.path.len() == 1 && import.path[0] == name;
            let step = if is_itself { Leads { out: true, ..Leads::default() } } else { self.follow(module, import, depth + 1) };
            leads.modules.extend(step.modules);
            leads.out |= step.out;
            known = true;
        }
        leads.out |= !known || self.facts.hidden_names.contains(name);
        leads
    }

    /// Whether a path leads to the standard library, whose macros are known.
    fn is_standard(&self, module: usize, import: &Import) -> bool {
        let first = import.path.first().map_or("", String::as_str);
        inert::STANDARD_CRATES.contains(&first)
            && !self.facts.standard_taken
            && (import.global || !self.children[module].contains_key(first))
    }

    /// Whether a path leads to a type, as far as its names tell; those have no macros.
    fn is_like_a_type(&self, import: &Import) -> bool {
        let first = import.path.first().map_or("", String::as_str);
        let last = import.path.last().map_or("", String::as_str);
        let own = matches!(first, "crate" | "self" | "super") || first == last;
        own && last.starts_with(char::is_uppercase) && !self.facts.aliases.contains(last) && !self.facts.modules.contains(last)
    }

    /// Whether a path certainly leads out of the crate: nothing in it is called like its first name.
    fn is_elsewhere(&self, module: usize, import: &Import) -> bool {
        let first = import.path.first().map_or("", String::as_str);
        let own = matches!(first, "crate" | "self" | "super") || self.facts.modules.contains(first);
        self.is_standard(module, import)
            || (import.global && !self.edition_2015)
            || !(own || self.facts.aliases.contains(first) || self.facts.hidden_names.contains(first))
    }
}

/// The path of `use a::b::*;`, whose `use` is at an index. None if the statement is another.
pub(super) fn simple_glob(tokens: Tokens<'_>, index: usize) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut at = index + 1;
    while let Some(name) = tokens.name(at) {
        path.push(name.to_owned());
        if !(tokens.is_punct(at + 1, b':') && tokens.is_punct(at + 2, b':')) {
            return None;
        }
        at += 3;
    }
    (tokens.is_punct(at, b'*') && tokens.is_punct(at + 1, b';')).then_some(path)
}
