//! One source file: its text, its tokens and what syn found in it.

use std::collections::HashSet;

use super::facts::{Facts, HiddenGlob, Import};
use super::lex::{Kind, Lexed, Place, Tokens, lex, preamble};
use super::modules::simple_glob;
use super::shape::{Function, Shape};

/// A file that was read.
#[derive(Debug)]
pub(super) struct File {
    pub text: String,
    pub lexed: Lexed,
    /// What syn found; none if it could not parse the file, which then stays as it is.
    pub shape: Option<Shape>,
    pub facts: Facts,
}

impl File {
    /// Reads a text.
    pub fn read(text: String) -> Self {
        let from = preamble(&text);
        let lexed = lex(&text, from);
        let tokens = Tokens { text: &text, tokens: &lexed.tokens };
        let mut facts = Facts::of(tokens);
        let parsed = if lexed.sound && is_shallow(tokens) { syn::parse_str::<syn::File>(&text[from..]).ok() } else { None };
        let shape = parsed.map(|file| Shape::of(&file, tokens, from));
        // Nothing holds on to a span any more, and the map of spans would keep a copy of every text.
        proc_macro2::extra::invalidate_current_thread_spans();
        if let Some(shape) = &shape {
            hidden_imports(tokens, shape, &mut facts);
            let inner = shape.scopes.first().map_or(&[][..], |scope| &scope.attributes);
            let is_macro_use = |place: &Place| text[place.start as usize..place.end as usize].contains("macro_use");
            facts.inner_macro_use = inner.iter().any(is_macro_use);
        }
        Self { text, lexed, shape, facts }
    }

    /// Its tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens { text: &self.text, tokens: &self.lexed.tokens }
    }
}

/// Whether no construct nests so deep that a recursive parser, rustc's included, would run out of stack.
fn is_shallow(tokens: Tokens<'_>) -> bool {
    const DEEPEST: usize = 256;
    let (mut depth, mut run, mut angles) = (0_usize, 0_usize, 0_usize);
    for index in 0..tokens.len() {
        let prefix = match tokens.kind(index) {
            Some(Kind::Open(_)) => {
                depth += 1;
                false
            }
            Some(Kind::Close(_)) => {
                depth = depth.saturating_sub(1);
                angles = 0;
                false
            }
            Some(Kind::Punct(b'<')) => {
                angles += 1;
                true
            }
            Some(Kind::Punct(b'>')) => {
                angles = angles.saturating_sub(1);
                true
            }
            Some(Kind::Punct(b';' | b',')) => {
                angles = 0;
                false
            }
            Some(Kind::Punct(_)) => true,
            Some(Kind::Word) => matches!(tokens.text(index), "return" | "break" | "mut" | "move" | "box" | "dyn"),
            _ => false,
        };
        run = if prefix { run + 1 } else { 0 };
        if depth > DEEPEST || run > DEEPEST || angles > DEEPEST {
            return false;
        }
    }
    true
}

/// The `use` statements and `extern crate` that are in macros.
fn hidden_imports(tokens: Tokens<'_>, shape: &Shape, facts: &mut Facts) {
    let seen: HashSet<u32> = shape.scopes.iter().flat_map(|scope| &scope.imports).map(|import| import.keyword).collect();
    let in_body = |function: &Function, at: u32| function.body.contains(&at) && !shape.is_in_call(function.scope);
    let is_seen = |at: u32| seen.contains(&at) || shape.functions.iter().any(|function| in_body(function, at));
    for index in 0..tokens.len() {
        let at = tokens.tokens[index].start;
        if tokens.is_word(index, "use") && !is_seen(at) {
            let import = Import::read(tokens, index);
            facts.hidden_names.extend(import.names.iter().map(|name| (*name).to_owned()));
            if import.glob {
                let private = index.checked_sub(1).is_none_or(|before| match tokens.kind(before) {
                    Some(Kind::Word) => false,
                    Some(Kind::Close(close)) => close == b')',
                    _ => true,
                });
                let path = simple_glob(tokens, index).unwrap_or_default();
                facts.hidden_globs.push(HiddenGlob { path, standard: import.standard, public: !private });
            }
        }
        if tokens.is_word(index, "extern") && tokens.is_word(index + 1, "crate") && !is_seen(at) {
            let name = if tokens.is_word(index + 3, "as") { index + 4 } else { index + 2 };
            facts.hidden_names.extend(tokens.name(name).map(str::to_owned));
        }
    }
}
