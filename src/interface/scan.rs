//! What is in a body, a signature or an attribute that may matter to dependents.
//!
//! The rules look at tokens, so they hold in the arguments of macros as they do in code, and they err towards staying: the word
//! `impl` in a body is enough, whatever it turns out to be.

use std::borrow::Cow;
use std::collections::HashSet;

use super::facts::{Facts, Import};
use super::inert::{self, Places};
use super::lex::{Kind, Place, Tokens};
use super::reason::Reason;
use super::uses;
use super::verbatim::behind_attribute;

/// Judges tokens of one crate.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    pub facts: &'a Facts,
    /// Macros that the user says expand to expressions.
    pub expression_macros: &'a HashSet<String>,
    /// The names of externs that are trusted crates.
    pub trusted: &'a HashSet<String>,
    /// Names of [`inert::MACRO_CRATES`] by which the command line means other crates.
    pub renamed: &'a HashSet<String>,
}

/// What a module tells of the names of macros in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// A glob import may give any name to a macro from elsewhere.
    pub any_macro: bool,
    /// What it imports.
    pub imports: &'a [uses::Import],
}

/// Where an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    Body,
    Function,
    Module,
}

impl Scanner<'_> {
    /// The first thing in a body by which it may matter outside. `glob` tells whether a glob import in the body, whose `use` is at an index, may
    /// give any name to a macro.
    pub fn body(self, tokens: Tokens<'_>, names: Names<'_>, glob: impl Fn(Tokens<'_>, usize) -> bool) -> Option<Reason> {
        let (mut unqualified, mut standard) = (None, None);
        let mut takes_names = false;
        for index in 0..tokens.len() {
            match tokens.kind(index)? {
                Kind::Punct(b'#') => {
                    let found =
                        attributes(tokens, index).into_iter().find(|name| !self.is_inert(name, Position::Body, names.any_macro));
                    if let Some(name) = found {
                        return Some(Reason::AttributeInBody(name.into_owned()));
                    }
                }
                Kind::Punct(b'!') => {
                    let Some(call) = Call::at(tokens, index) else { continue };
                    if self.is_user_macro(call.name) {
                        continue;
                    }
                    let is_standard = self.is_standard_macro(&call);
                    if !is_standard && !self.is_own_or_known(&call, tokens, names) {
                        return Some(Reason::Macro(call.name.to_owned()));
                    }
                    if call.qualifier.is_none() {
                        unqualified = Some(call.name);
                        standard = standard.or(is_standard.then_some(call.name));
                    }
                }
                Kind::Word => match tokens.text(index) {
                    "use" if !takes_names => {
                        let import = Import::read(tokens, index);
                        takes_names = gives_macro_names(&import) || (import.glob && glob(tokens, index));
                    }
                    _ => {
                        if let Some(keyword) = defining(tokens, index) {
                            return Some(Reason::Item(keyword));
                        }
                    }
                },
                _ => {}
            }
        }
        let doubtful = standard.filter(|_| names.any_macro).or(unqualified.filter(|_| takes_names));
        doubtful.map(|name| Reason::Macro(name.to_owned()))
    }

    /// Whether a macro hands the items on that it is given, with nothing but inert attributes.
    pub fn passes_items(self, tokens: Tokens<'_>, bang: usize, names: Names<'_>) -> bool {
        let Some(call) = Call::at(tokens, bang) else { return false };
        let is_cfg_if = call.name == "cfg_if" && !self.facts.defined.contains("cfg_if");
        let own = call.is_local() && self.is_own(&call, names) && self.facts.defined.pass_items(call.name);
        own || (is_cfg_if && self.is_own_or_known(&call, tokens.part(0, 0), names))
    }

    /// The first thing in a signature, attributes included, for which the body has to stay.
    pub fn signature(self, tokens: Tokens<'_>, any_macro: bool) -> Option<Reason> {
        for index in 0..tokens.len() {
            match tokens.kind(index)? {
                Kind::Punct(b'#') => {
                    let mut names = attributes(tokens, index).into_iter();
                    if let Some(name) = names.find(|name| !self.is_inert(name, Position::Function, any_macro)) {
                        return Some(Reason::Attribute(name.into_owned()));
                    }
                }
                Kind::Punct(b'!') if Call::at(tokens, index).is_some() => return Some(Reason::MacroInSignature),
                Kind::Word if tokens.text(index) == "impl" => return Some(Reason::ImplTrait),
                _ => {}
            }
        }
        None
    }

    /// The first of some attributes that is not inert.
    pub fn attributes(self, tokens: Tokens<'_>, places: &[Place], position: Position, any_macro: bool) -> Option<Reason> {
        let names = places.iter().flat_map(|place| attributes(tokens.within(place), 0));
        let name = { names }.find(|name| !self.is_inert(name, position, any_macro))?;
        Some(Reason::Attribute(name.into_owned()))
    }

    /// The first of a function's inner attributes that is more than the level of a lint: emptying the body would take it away.
    pub fn inner_attributes(self, tokens: Tokens<'_>, places: &[Place]) -> Option<Reason> {
        places.iter().find_map(|place| {
            let names = attributes(tokens.within(place), 0);
            match names.into_iter().find(|name| !inert::LINT_LEVELS.contains(&&**name)) {
                Some(name) => Some(Reason::InnerAttribute(name.into_owned())),
                None if tokens.within(place).text(0).starts_with('#') => None,
                None => Some(Reason::InnerAttribute("doc".into())),
            }
        })
    }

    /// Whether a private function may be left out as far as its signature goes: no attribute exports it or may do anything else, and
    /// no macro is called.
    pub fn may_be_left_out(self, tokens: Tokens<'_>, any_macro: bool) -> bool {
        (0..tokens.len()).all(|index| match tokens.kind(index) {
            Some(Kind::Punct(b'#')) => attributes(tokens, index).iter().all(|name| {
                let name = &**name;
                let known = inert::LEAVES_OUT.contains(&name) || self.is_inert(name, Position::Function, any_macro);
                known && !inert::EXPORTING.contains(&name)
            }),
            Some(Kind::Punct(b'!')) => Call::at(tokens, index).is_none(),
            _ => true,
        })
    }

    /// Whether the attribute whose `#` is at an index runs no macro that sees the text of the item on which it is.
    pub fn is_blind(self, tokens: Tokens<'_>, pound: usize, any_macro: bool) -> bool {
        let end = behind_attribute(tokens, pound).unwrap_or(pound);
        let own = Tokens { text: tokens.text, tokens: &tokens.tokens[pound..end] };
        let inert = |name: &str| inert::BUILT_IN.contains(&name) || self.is_inert(name, Position::Module, any_macro);
        attributes(own, 0).iter().all(|name| inert(name)) && self.has_standard_derives(own, any_macro)
    }

    fn has_standard_derives(self, tokens: Tokens<'_>, any_macro: bool) -> bool {
        (0..tokens.len()).filter(|&index| tokens.is_word(index, "derive")).all(|index| {
            let end = tokens.behind_group(index + 1);
            let names = (index + 2..end).filter(|&index| tokens.name(index).is_some());
            { names }.all(|index| {
                let name = tokens.text(index);
                let path = tokens.is_punct(index + 1, b':') || tokens.is_punct(index - 1, b':');
                inert::DERIVES.contains(&name) && !path && !any_macro && !self.is_taken(name)
            })
        })
    }

    fn is_inert(self, name: &str, position: Position, any_macro: bool) -> bool {
        let Some((_, places, _)) = inert::ATTRIBUTES.iter().find(|(known, ..)| inert::is_called(name, known)) else {
            return false;
        };
        let allowed = match position {
            Position::Body => *places == Places::Everywhere,
            Position::Function => matches!(places, Places::Everywhere | Places::Around),
            Position::Module => true,
        };
        allowed && !(inert::SHADOWABLE.contains(&name) && (any_macro || self.is_taken(name)))
    }

    /// Whether a name of the standard prelude may mean something else in this crate.
    pub fn is_taken(self, name: &str) -> bool {
        let facts = self.facts;
        !facts.macro_crates.is_empty() || facts.any_defined || facts.imported.contains(name) || facts.defined.contains(name)
    }

    fn is_user_macro(self, name: &str) -> bool {
        self.expression_macros.contains(name) && !self.facts.any_defined && !self.facts.defined.contains(name)
    }

    fn is_standard_macro(self, call: &Call<'_>) -> bool {
        let facts = self.facts;
        let known = inert::EXPRESSION_MACROS.binary_search_by_key(&call.name, |(name, _)| name).is_ok();
        let standard = match call.qualifier {
            Some(first) => inert::STANDARD_CRATES.contains(&first) && !facts.standard_taken,
            None => !self.is_taken(call.name),
        };
        known && standard && !facts.any_defined && !facts.defined.contains(call.name)
    }

    /// Whether a call is one of a macro of the crate, or of [`inert::MACRO_CRATES`], that defines nothing outside of a body.
    fn is_own_or_known(self, call: &Call<'_>, body: Tokens<'_>, names: Names<'_>) -> bool {
        if call.is_local() && self.facts.defined.contains(call.name) {
            return self.is_own(call, names) && self.facts.defined.are_ordinary(call.name);
        }
        match call.qualifier {
            None => self.is_known(call.name, body, names),
            Some(first) => {
                let is_path = call.segments == 2 && (call.is_global || !names.any_macro);
                is_path
                    && !self.is_other_crate(first)
                    && inert::macros_of(first).is_some_and(|macros| macros.contains(&call.name))
            }
        }
    }

    /// Whether a name that the crate defines as a macro can mean nothing else.
    fn is_own(self, call: &Call<'_>, names: Names<'_>) -> bool {
        let facts = self.facts;
        let elsewhere = facts.imported.contains(call.name) || facts.known.contains(call.name) || names.any_macro;
        let used =
            facts.macro_crates.iter().all(|name| inert::macros_of(name).is_some_and(|macros| !macros.contains(&call.name)));
        !call.is_given && !facts.any_defined && !elsewhere && used
    }

    /// Whether a name without a path can only mean a macro of [`inert::MACRO_CRATES`].
    fn is_known(self, name: &str, body: Tokens<'_>, names: Names<'_>) -> bool {
        let facts = self.facts;
        let mut crates = inert::MACRO_CRATES.iter().filter(|(_, macros, _)| macros.contains(&name));
        if facts.any_defined || facts.imported.contains(name) || { &mut crates }.any(|(of, ..)| self.is_other_crate(of)) {
            return false;
        }
        let in_body = || {
            let uses = (0..body.len()).filter(|&index| body.is_word(index, "use"));
            { uses }.any(|index| Import::read(body, index).is_known(name))
        };
        let is_it = |import: &uses::Import| match &import.path[..] {
            [of, last] => last == name && inert::macros_of(of).is_some_and(|macros| macros.contains(&name)),
            _ => false,
        };
        let here = names.imports.iter().filter(|import| import.name.as_deref() == Some(name));
        if here.clone().next().is_some() {
            return { here }.all(is_it);
        }
        if in_body() {
            return true;
        }
        let lists = |of: &String| inert::macros_of(of).map(|macros| macros.contains(&name));
        let used = facts.macro_crates.iter().all(|of| lists(of).is_some())
            && facts.macro_crates.iter().any(|of| lists(of) == Some(true));
        !names.any_macro
            && (used
                || (names.imports.iter().any(|import| import.name.is_none())
                    && facts.macro_crates.is_empty()
                    && facts.known.contains(name)))
    }

    /// Whether the name of a crate may mean something else.
    fn is_other_crate(self, name: &str) -> bool {
        self.facts.is_taken_crate(name) || self.renamed.contains(name)
    }
}

/// A macro call.
pub(super) struct Call<'a> {
    pub name: &'a str,
    /// The first name of its path, if it has several.
    pub qualifier: Option<&'a str>,
    /// How many names the path has.
    segments: usize,
    /// The path begins with `::`.
    is_global: bool,
    /// A macro calls it by a name that it was given: `$name!()`.
    pub is_given: bool,
}

impl<'a> Call<'a> {
    /// The one whose `!` is at an index.
    pub fn at(tokens: Tokens<'a>, bang: usize) -> Option<Self> {
        let mut start = bang.checked_sub(1)?;
        let name = tokens.name(start)?;
        let operator = tokens.kind(start) == Some(Kind::Word) && inert::BEFORE_OPERATORS.contains(&name);
        // `name! name2 { .. }` is how `macro_rules!` is called, and could be how others are.
        let defines = tokens.name(bang + 1).is_some() && tokens.is_open(bang + 2);
        if operator || !(tokens.is_open(bang + 1) || defines) {
            return None;
        }
        let mut qualifier = None;
        let mut segments = 1;
        let is_path = |start: usize| start >= 2 && tokens.is_punct(start - 1, b':') && tokens.is_punct(start - 2, b':');
        while is_path(start)
            && let Some(first) = tokens.name(start.wrapping_sub(3))
        {
            qualifier = Some(first);
            segments += 1;
            start -= 3;
        }
        let is_given = tokens.is_punct(start.wrapping_sub(1), b'$') && qualifier.unwrap_or(name) != "crate";
        Some(Self { name, qualifier, segments, is_global: is_path(start), is_given })
    }

    /// Whether the path, if there is one, stays in the crate.
    pub fn is_local(&self) -> bool {
        matches!(self.qualifier, None | Some("crate" | "self" | "super"))
    }
}

/// The keyword at an index, if it begins something that may be visible outside of a body in which it is.
pub(super) fn defining(tokens: Tokens<'_>, index: usize) -> Option<&'static str> {
    match tokens.text(index) {
        "impl" => Some("impl"),
        "mod" => Some("mod"),
        "macro_rules" => Some("macro_rules!"),
        "macro" => Some("macro"),
        "extern" if !is_function_type(tokens, index) => Some("extern"),
        _ => None,
    }
}

/// The names of the attribute whose `#` is at an index: one, unless it is a `cfg_attr`, which stands for those in it. None if there
/// is no attribute.
pub(super) fn attributes<'a>(tokens: Tokens<'a>, pound: usize) -> Vec<Cow<'a, str>> {
    let open = pound + 1 + usize::from(tokens.is_punct(pound + 1, b'!'));
    let mut names = Vec::new();
    if tokens.is_punct(pound, b'#') && tokens.kind(open) == Some(Kind::Open(b'[')) {
        names_of(tokens, open + 1, &mut names);
    }
    names
}

/// Reads one attribute and returns the index behind it.
fn names_of<'a>(tokens: Tokens<'a>, start: usize, names: &mut Vec<Cow<'a, str>>) -> usize {
    let mut index = start;
    let mut name = Cow::Borrowed("");
    while index < tokens.len() {
        if let Some(part) = tokens.name(index) {
            name = if name.is_empty() { part.into() } else { format!("{name}::{part}").into() };
        } else if !tokens.is_punct(index, b':') {
            break;
        }
        index += 1;
    }
    match (&*name, tokens.kind(index)) {
        ("unsafe", Some(Kind::Open(b'('))) => drop(names_of(tokens, index + 1, names)),
        ("cfg_attr", Some(Kind::Open(b'('))) => {
            let end = tokens.behind_group(index).saturating_sub(1);
            let mut member = behind_comma(tokens, index + 1, end);
            while member < end {
                member = behind_comma(tokens, names_of(tokens, member, names), end);
            }
        }
        // An attribute without a name that can be read is unknown: the empty name is on no list.
        _ => names.push(name),
    }
    if tokens.is_open(index) { tokens.behind_group(index) } else { index }
}

fn behind_comma(tokens: Tokens<'_>, start: usize, end: usize) -> usize {
    let mut index = start;
    while index < end {
        if tokens.is_punct(index, b',') {
            return index + 1;
        }
        index = if tokens.is_open(index) { tokens.behind_group(index) } else { index + 1 };
    }
    end
}

/// `extern "C" fn(..)`, which is a type, or a function: not a block, and no `extern crate`.
fn is_function_type(tokens: Tokens<'_>, index: usize) -> bool {
    let abi = usize::from(tokens.kind(index + 1) == Some(Kind::Text));
    tokens.is_word(index + 1 + abi, "fn")
}

/// Whether a `use` inside a body may give the name of a standard macro to something else.
fn gives_macro_names(import: &Import<'_>) -> bool {
    let is_macro = |name: &&str| inert::EXPRESSION_MACROS.iter().any(|(known, _)| known == name);
    !import.standard && import.names.iter().any(is_macro)
}

#[cfg(test)]
mod tests {
    use super::super::lex::lex;
    use super::*;

    fn attributes_of(text: &str) -> Vec<String> {
        attributes(Tokens { text, tokens: &lex(text, 0).tokens }, 0).into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn an_attribute_is_known_by_its_path() {
        assert_eq!(attributes_of("#[inline]"), ["inline"]);
        assert_eq!(attributes_of("#![clippy::all(x)]"), ["clippy::all"]);
        assert_eq!(attributes_of("#[unsafe(no_mangle)]"), ["no_mangle"]);
        assert_eq!(attributes_of("#[$x]"), [""]);
        assert_eq!(attributes_of("# x"), [""; 0]);
    }

    #[test]
    fn a_cfg_attr_is_what_it_may_become() {
        assert_eq!(attributes_of("#[cfg_attr(all(a, b), inline, doc = \"x, y\", serde(a, b))]"), ["inline", "doc", "serde"]);
        assert_eq!(attributes_of("#[cfg_attr(a, cfg_attr(b, inline), cold,)]"), ["inline", "cold"]);
        assert_eq!(attributes_of("#[cfg_attr(a)]"), [""; 0]);
    }
}
