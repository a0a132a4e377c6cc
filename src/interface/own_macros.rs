//! What the macros that the crate defines make of what they are given, read from their definitions.
//!
//! Two sorts need no caution. A macro of which every arm hands on whole items, with no more than inert attributes before them, is like no
//! macro at all: it sees an item as one opaque fragment, or as tokens that it passes on where they stood. A macro whose definition has nothing
//! that defines something outside a body expands to something ordinary, as long as what it is given has nothing of that kind either.

use std::collections::{BTreeSet, HashMap};

use super::inert::{self, Places};
use super::lex::{Kind, Tokens};
use super::scan::{Call, attributes, defining};
use super::verbatim::behind_attribute;

/// What is known of all definitions of one name together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Definition {
    /// They pass items through if these macros do, too.
    pub passes_items: Option<BTreeSet<String>>,
    /// They define nothing outside of a body if these macros do not, either.
    pub is_ordinary: Option<BTreeSet<String>>,
}

impl Definition {
    /// Reads the arms in the group that opens at an index.
    pub fn read(tokens: Tokens<'_>, open: usize) -> Self {
        let end = tokens.behind_group(open);
        let body = tokens.part(open + 1, end.saturating_sub(1));
        Self { passes_items: arms(body).and_then(|arms| passes_items(&arms)), is_ordinary: is_ordinary(body) }
    }

    /// Of two definitions.
    fn and(self, other: Self) -> Self {
        let both = |one: Option<BTreeSet<String>>, other: Option<BTreeSet<String>>| Some(&one? | &other?);
        Self { passes_items: both(self.passes_items, other.passes_items), is_ordinary: both(self.is_ordinary, other.is_ordinary) }
    }
}

/// The macros of a crate by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Definitions(HashMap<String, Definition>);

impl Definitions {
    pub fn add(&mut self, name: String, definition: Definition) {
        let merged = match self.0.remove(&name) {
            Some(other) => other.and(definition),
            None => definition,
        };
        self.0.insert(name, merged);
    }

    pub fn extend(&mut self, others: Self) {
        others.0.into_iter().for_each(|(name, definition)| self.add(name, definition));
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Leaves only what is so whatever depends on what: each name that needs one which is not so is not so, either.
    pub fn settle(&mut self, is_ordinary: impl Fn(&str) -> bool) {
        loop {
            let lacks = |needed: &Option<BTreeSet<String>>, is: &dyn Fn(&str) -> bool| {
                needed.as_ref().is_some_and(|needed| !needed.iter().all(|name| is(name)))
            };
            let passes = |name: &str| self.0.get(name).is_some_and(|other| other.passes_items.is_some());
            let ordinary = |name: &str| match self.0.get(name) {
                Some(other) => other.is_ordinary.is_some(),
                None => is_ordinary(name),
            };
            let wrong: Vec<(String, bool, bool)> = { self.0.iter() }
                .map(|(name, it)| (name.clone(), lacks(&it.passes_items, &passes), lacks(&it.is_ordinary, &ordinary)))
                .filter(|(_, items, ordinary)| *items || *ordinary)
                .collect();
            if wrong.is_empty() {
                return;
            }
            for (name, items, ordinary) in wrong {
                let Some(definition) = self.0.get_mut(&name) else { continue };
                definition.passes_items.take_if(|_| items);
                definition.is_ordinary.take_if(|_| ordinary);
            }
        }
    }

    /// Whether the macros of this name pass items through. To be asked once things are settled.
    pub fn pass_items(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|definition| definition.passes_items.is_some())
    }

    /// Whether the macros of this name define nothing outside of a body. To be asked once things are settled.
    pub fn are_ordinary(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|definition| definition.is_ordinary.is_some())
    }
}

/// The matchers and the transcribers.
fn arms(body: Tokens<'_>) -> Option<Vec<(Tokens<'_>, Tokens<'_>)>> {
    let mut arms = Vec::new();
    let mut index = 0;
    while index < body.len() {
        let behind = body.behind_group(index);
        let arrow = body.is_punct(behind, b'=') && body.is_punct(behind + 1, b'>');
        if !body.is_open(index) || !arrow || !body.is_open(behind + 2) {
            return None;
        }
        let end = body.behind_group(behind + 2);
        arms.push((body.part(index + 1, behind - 1), body.part(behind + 3, end - 1)));
        index = end + usize::from(body.is_punct(end, b';'));
    }
    Some(arms)
}

fn passes_items(arms: &[(Tokens<'_>, Tokens<'_>)]) -> Option<BTreeSet<String>> {
    let mut needed = BTreeSet::new();
    for (matcher, transcriber) in arms {
        let fragment = item_fragment(*matcher)?;
        hands_on(*transcriber, fragment, &mut needed)?;
    }
    Some(needed)
}

/// The name of the fragment, if a matcher takes items, `$($name:item)*`, or any tokens, `$($name:tt)*`; before items may be `#![$name:meta]`.
fn item_fragment(matcher: Tokens<'_>) -> Option<&str> {
    let mut start = 0;
    if let Some(end) = behind_attribute(matcher, 0) {
        let inner = matcher.is_punct(1, b'!') && matcher.is_punct(3, b'$') && matcher.is_word(6, "meta") && end == 8;
        if !inner {
            return None;
        }
        start = end;
    }
    let repeated = matcher.is_punct(start, b'$') && matcher.kind(start + 1) == Some(Kind::Open(b'('));
    let (at, length) = if repeated { (start + 2, 8) } else { (start, 4) };
    let name = matcher.name(at + 1)?;
    let is_fragment = matcher.is_punct(at, b'$') && matcher.is_punct(at + 2, b':') && matcher.len() == start + length;
    let ends = !repeated || matcher.is_punct(start + 7, b'*') || matcher.is_punct(start + 7, b'+');
    let kind = matcher.is_word(at + 3, "item") || (matcher.is_word(at + 3, "tt") && repeated && start == 0);
    (is_fragment && ends && kind).then_some(name)
}

/// Whether a transcriber has nothing but the fragment, inert attributes, and calls of macros with the like.
fn hands_on(transcriber: Tokens<'_>, fragment: &str, needed: &mut BTreeSet<String>) -> Option<()> {
    let mut index = 0;
    while index < transcriber.len() {
        if let Some(end) = behind_attribute(transcriber, index) {
            let names = attributes(transcriber, index);
            if transcriber.is_punct(index + 1, b'!') || !names.iter().all(|name| is_always_inert(name)) {
                return None;
            }
            index = end;
        } else if transcriber.is_punct(index, b'$') && transcriber.kind(index + 1) == Some(Kind::Open(b'(')) {
            let end = transcriber.behind_group(index + 1);
            hands_on(transcriber.part(index + 2, end - 1), fragment, needed)?;
            if !transcriber.is_punct(end, b'*') && !transcriber.is_punct(end, b'+') {
                return None;
            }
            index = end + 1;
        } else if transcriber.is_punct(index, b'$') && transcriber.name(index + 1) == Some(fragment) {
            index += 2;
        } else if transcriber.is_punct(index + 1, b'!') && transcriber.is_open(index + 2) {
            needed.insert(transcriber.name(index)?.to_owned());
            let end = transcriber.behind_group(index + 2);
            hands_on(transcriber.part(index + 3, end - 1), fragment, needed)?;
            index = end + usize::from(transcriber.is_punct(end, b';'));
        } else {
            return None;
        }
    }
    Some(())
}

fn is_always_inert(name: &str) -> bool {
    let known = inert::ATTRIBUTES.iter().find(|(known, ..)| *known == name);
    known.is_some_and(|(_, places, _)| *places != Places::Module) && !inert::SHADOWABLE.contains(&name)
}

/// The macros that a definition calls, if it has nothing that may define something outside of a body.
fn is_ordinary(body: Tokens<'_>) -> Option<BTreeSet<String>> {
    let mut called = BTreeSet::new();
    for index in 0..body.len() {
        match body.kind(index)? {
            // A `#` and what a fragment is could be any attribute.
            Kind::Punct(b'#')
                if behind_attribute(body, index).is_none()
                    || !attributes(body, index).iter().all(|name| inert::is_everywhere(name)) =>
            {
                return None;
            }
            Kind::Punct(b'!') => {
                let Some(call) = Call::at(body, index) else {
                    // `$name!`, `$($path)*!`: any macro.
                    if body.is_open(index + 1) && matches!(body.kind(index.wrapping_sub(1)), Some(Kind::Punct(b'*' | b'+'))) {
                        return None;
                    }
                    continue;
                };
                let standard = call.qualifier.is_some_and(|first| inert::STANDARD_CRATES.contains(&first));
                if call.is_given || !(call.is_local() || standard) {
                    return None;
                }
                called.insert(call.name.to_owned());
            }
            Kind::Word if defining(body, index).is_some() || body.is_word(index, "use") => return None,
            _ => {}
        }
    }
    Some(called)
}

#[cfg(test)]
mod tests {
    use super::super::lex::lex;
    use super::*;

    fn settled(text: &str) -> Definitions {
        let lexed = lex(text, 0);
        let tokens = Tokens { text, tokens: &lexed.tokens };
        let mut definitions = Definitions::default();
        for index in (0..tokens.len()).filter(|&index| tokens.is_word(index, "macro_rules")) {
            definitions.add(tokens.text(index + 2).to_owned(), Definition::read(tokens, index + 3));
        }
        definitions.settle(|name| name == "println");
        definitions
    }

    #[test]
    fn macros_that_hand_items_on_are_known() {
        for passing in [
            "macro_rules! m { ($($item:item)*) => { $( #[cfg(a)] #[cfg_attr(docsrs, doc(cfg(a)))] $item )* } }",
            "macro_rules! m { (#![$meta:meta] $($i:item)*) => { $(#[cfg($meta)] $i)* }; }",
            "macro_rules! m { ($($t:tt)*) => { #[cfg(a)] $($t)* } }",
            "macro_rules! m { ($i:item) => { $i }; ($($t:tt)+) => {} }",
            "macro_rules! n { ($($i:item)*) => { $($i)* } } macro_rules! m { ($($i:item)*) => { n! { $($i)* } } }",
            "macro_rules! m { ($($i:item)*) => { $($i)* } } #[cfg(x)] macro_rules! m { ($($i:item)*) => {} }",
        ] {
            assert!(settled(passing).pass_items("m"), "{passing}");
        }
        for other in [
            "macro_rules! m { ($($i:item)*) => { $( #[inline] $i )* } }",
            "macro_rules! m { ($($i:item)*) => { $( #[test] $i )* } }",
            "macro_rules! m { ($m:meta $i:item) => { #[$m] $i } }",
            "macro_rules! m { (#![$m:meta] $($i:item)*) => { $( #[$m] $i )* } }",
            "macro_rules! m { ($($i:item)*) => { mod x { $($i)* } } }",
            "macro_rules! m { ($($i:item)*) => { const S: &str = stringify!($($i)*); } }",
            "macro_rules! m { ($($i:item)*) => { n! { $($i)* } } }",
            "macro_rules! m { (fn $n:ident() $b:block) => { fn $n() $b } }",
            "macro_rules! m { (a $($t:tt)*) => { $($t)* } }",
            "macro_rules! m { ($($t:tt)*) => { $(#[cfg(a)] $t)* const X: u8 = 1; } }",
            "macro_rules! m { ($($i:item)*) => { $($i)* } } macro_rules! m { ($($i:item)*) => { o! { $($i)* } } }",
        ] {
            assert!(!settled(other).pass_items("m"), "{other}");
        }
    }

    #[test]
    fn macros_that_define_nothing_outside_are_known() {
        for ordinary in [
            "macro_rules! m { ($e:expr) => { if $e { return Err($e) } }; () => { println!(\"{}\", 1) } }",
            "macro_rules! m { ($($t:tt)*) => { $crate::n!($($t)*) } } macro_rules! n { () => { m!(); std::println!() } }",
            "macro_rules! m { ($e:expr) => { match $e { #[allow(x)] a => fn_(), _ => !0 } } }",
        ] {
            assert!(settled(ordinary).are_ordinary("m"), "{ordinary}");
        }
        for other in [
            "macro_rules! m { () => { impl A for B {} } }",
            "macro_rules! m { () => { #[derive(Debug)] struct A; } }",
            "macro_rules! m { () => { mod a {} } }",
            "macro_rules! m { () => { macro_rules! n { () => {} } } }",
            "macro_rules! m { () => { extern \"C\" { fn f(); } } }",
            "macro_rules! m { () => { unknown!() } }",
            "macro_rules! m { () => { other::println!() } }",
            "macro_rules! m { ($n:ident) => { $n!() } }",
            "macro_rules! m { ($($n:ident)*) => { $($n)*!() } }",
            "macro_rules! m { () => { use a::println; println!() } }",
            "macro_rules! m { () => {} } macro_rules! m { () => { impl A {} } }",
        ] {
            assert!(!settled(other).are_ordinary("m"), "{other}");
        }
    }
}
