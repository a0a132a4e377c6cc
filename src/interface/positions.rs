//! Positions in the source that become values: `line!()`, `Location::caller()`, and all that leads to them.
//!
//! In canonical text they would be others than in the full rlib's objects: an array that is `line!()` long would have two layouts, and a generic
//! function would print another line. So a crate in which something that is kept may ask for a position keeps its lines. What macros and
//! `#[track_caller]` functions of dependencies may do is told by their hollow rlibs ([`Note`]). Where a panic or `dbg!` says that it
//! happened is for people, and no such value.

use std::collections::BTreeSet;

use super::expansions::definition_of_macro;
use super::judge::Verdict;
use super::lex::{Kind, Tokens};
use super::note::Note;
use super::tree::Source;

/// The macros of the standard library that tell a place. `module_path!` tells one that stays.
const MACROS: [&str; 3] = ["line", "column", "file"];

/// The function of the standard library that does, `Location::caller`.
const CALLER: &str = "caller";

/// Methods that are called by operators and other syntax, without their names.
const OPERATORS: [&str; 48] = [
    "add",
    "add_assign",
    "bitand",
    "bitand_assign",
    "bitor",
    "bitor_assign",
    "bitxor",
    "bitxor_assign",
    "branch",
    "call",
    "call_mut",
    "call_once",
    "clone",
    "cmp",
    "deref",
    "deref_mut",
    "div",
    "div_assign",
    "drop",
    "eq",
    "fmt",
    "from",
    "from_output",
    "from_residual",
    "ge",
    "gt",
    "index",
    "index_mut",
    "into_future",
    "into_iter",
    "le",
    "lt",
    "mul",
    "mul_assign",
    "ne",
    "neg",
    "next",
    "not",
    "partial_cmp",
    "poll",
    "rem",
    "rem_assign",
    "shl",
    "shl_assign",
    "shr",
    "shr_assign",
    "sub",
    "sub_assign",
];

/// What the macros and functions of a crate, and of those that it depends on, may do for dependents.
pub(super) fn of_crate(sources: &[Source], dependencies: &Note) -> Note {
    let mut note = dependencies.clone();
    let tracked: BTreeSet<&str> = sources.iter().flat_map(|source| tracked(source.file.tokens())).collect();
    let (mut definitions, mut aliases) = (Vec::new(), Vec::new());
    for source in sources {
        let tokens = source.file.tokens();
        for index in 0..tokens.len() {
            if let Some(open) = definition_of_macro(tokens, index) {
                let name = if tokens.is_word(index, "macro") { index + 1 } else { index + 2 };
                definitions.push((Definition::Macro(tokens.name(name)), group(tokens, open)));
            } else if let (true, Some(name)) = (tokens.is_word(index, "fn"), tokens.name(index + 1)) {
                let body = body(tokens, index).filter(|_| tracked.contains(name));
                definitions.extend(body.map(|open| (Definition::Function(name), group(tokens, open))));
            } else if tokens.is_word(index, "as")
                && let (Some(from), Some(to)) = (tokens.name(index.wrapping_sub(1)), tokens.name(index + 1))
            {
                aliases.push((from, to));
            }
        }
    }
    loop {
        let size = |note: &Note| note.macros.len() + note.givers.len() + note.functions.len();
        let known = size(&note);
        for (definition, tokens) in &definitions {
            if let Definition::Macro(Some(name)) = definition
                && calls_given(*tokens, &note)
            {
                note.givers.insert((*name).to_owned());
            }
            if asks(*tokens, &note, Definitions::Read).is_some() {
                note.add(*definition, *tokens);
            }
        }
        for (from, to) in &aliases {
            if MACROS.contains(from) || note.macros.contains(*from) {
                note.macros.insert((*to).to_owned());
            }
            if note.givers.contains(*from) {
                note.givers.insert((*to).to_owned());
            }
            if note.functions.contains(*from) {
                note.functions.insert((*to).to_owned());
            }
        }
        if known == size(&note) {
            return note;
        }
    }
}

/// The first thing in what is kept that asks for a position.
pub(super) fn in_kept(
    sources: &[Source],
    verdicts: &[Option<Vec<Verdict>>],
    left_out: &[Vec<bool>],
    note: &Note,
) -> Option<String> {
    let mut found = sources.iter().zip(verdicts).zip(left_out).flat_map(|((source, verdicts), left_out)| {
        let tokens = source.file.tokens();
        let functions = source.file.shape.iter().flat_map(|shape| &shape.functions);
        let mut parts = Vec::new();
        let mut behind = 0;
        for ((function, verdict), left_out) in functions.zip(verdicts.iter().flatten()).zip(left_out) {
            let end = if verdict.stays.is_some() { function.body.end } else { function.body.start };
            parts.push(behind..function.place.start);
            parts.push(function.place.start..if *left_out { function.place.start } else { end });
            behind = function.body.end;
        }
        parts.push(behind..u32::MAX);
        parts.into_iter().filter_map(move |part| asks(tokens.within(&part), note, Definitions::Skipped))
    });
    found.next().map(str::to_owned)
}

#[derive(Clone, Copy)]
enum Definition<'a> {
    Macro(Option<&'a str>),
    Function(&'a str),
}

/// What to do with the definitions of macros. A position in one is that of the call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Definitions {
    Read,
    Skipped,
}

impl Note {
    fn add(&mut self, definition: Definition<'_>, tokens: Tokens<'_>) {
        match definition {
            Definition::Macro(name) => {
                // It may define a function of any name.
                let defines = (0..tokens.len()).any(|index| tokens.is_word(index, "track_caller"));
                self.others |= defines || name.is_none();
                self.macros.extend(name.map(str::to_owned));
            }
            Definition::Function(name) => {
                self.others |= OPERATORS.contains(&name);
                self.functions.insert(name.to_owned());
            }
        }
    }
}

/// The names of functions with `#[track_caller]`.
fn tracked(tokens: Tokens<'_>) -> impl Iterator<Item = &str> {
    (0..tokens.len()).filter(move |&index| tokens.is_word(index, "track_caller")).filter_map(move |index| {
        let function = (index..tokens.len()).find(|&index| tokens.is_word(index, "fn"))?;
        tokens.name(function + 1)
    })
}

/// Where the body of the function opens whose `fn` is at an index.
fn body(tokens: Tokens<'_>, function: usize) -> Option<usize> {
    let mut index = function;
    loop {
        match tokens.kind(index)? {
            Kind::Open(b'{') => return Some(index),
            Kind::Punct(b';') | Kind::Close(_) => return None,
            Kind::Open(_) => index = tokens.behind_group(index),
            _ => index += 1,
        }
    }
}

fn group(tokens: Tokens<'_>, open: usize) -> Tokens<'_> {
    Tokens { text: tokens.text, tokens: &tokens.tokens[open..tokens.behind_group(open)] }
}

/// Whether the definition of a macro calls a macro that it is given, or hands it on to one that does.
fn calls_given(tokens: Tokens<'_>, note: &Note) -> bool {
    (1..tokens.len()).any(|index| {
        let is_call = tokens.is_punct(index + 1, b'!') && tokens.is_open(index + 2);
        tokens.name(index).is_some_and(|name| is_call && (tokens.is_punct(index - 1, b'$') || note.givers.contains(name)))
    })
}

/// The first name by which tokens ask for a position.
fn asks<'a>(tokens: Tokens<'a>, note: &Note, definitions: Definitions) -> Option<&'a str> {
    let mut index = 0;
    let mut in_use = false;
    while index < tokens.len() {
        if definitions == Definitions::Skipped
            && let Some(open) = definition_of_macro(tokens, index)
        {
            index = tokens.behind_group(open);
            continue;
        }
        in_use = (in_use && !tokens.is_punct(index, b';')) || (tokens.is_word(index, "use") && !tokens.is_punct(index + 1, b'<'));
        let before = |punct| index > 0 && tokens.is_punct(index - 1, punct);
        if let Some(name) = tokens.name(index) {
            let is_called = tokens.is_punct(index + 1, b'!') && tokens.is_open(index + 2);
            let tells = |name: &str| MACROS.contains(&name) || note.macros.contains(name);
            let given = || {
                let end = tokens.behind_group(index + 2);
                (index + 3..end).any(|at| tokens.name(at).is_some_and(tells) && !tokens.is_punct(at + 1, b'!'))
            };
            let is_macro = is_called && (tells(name) || (note.givers.contains(name) && given()));
            let is_defined = index > 0 && tokens.is_word(index - 1, "fn");
            let is_function = note.functions.contains(name) && !in_use && !is_defined;
            // An attribute that is a macro.
            let is_attribute = note.macros.contains(name) && index > 1 && tokens.is_punct(index - 2, b'#');
            if is_macro || is_function || is_attribute || (name == CALLER && before(b':')) {
                return Some(name);
            }
        }
        index += 1;
    }
    None
}
