//! One source file: its text, its tokens and what syn found in it.

use super::facts::{Facts, Import};
use super::lex::{Kind, Lexed, Place, Tokens, lex, preamble};
use super::shape::{Entry, Shape};

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
            let hidden_glob = hidden_glob(tokens, shape);
            facts.leaks_glob = leaks_glob(shape) || hidden_glob;
            facts.exports_glob = shape.scopes.iter().any(|scope| scope.exports_foreign_glob) || hidden_glob;
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

/// Whether a glob import from another crate can be seen from another file: a public one, or one in a module that has files below.
fn leaks_glob(shape: &Shape) -> bool {
    let has_files = |scope: usize| shape.modules.iter().any(|module| is_within(shape, module.scope, scope));
    shape.public_glob || (0..shape.scopes.len()).any(|scope| shape.scopes[scope].foreign_glob && has_files(scope))
}

fn is_within(shape: &Shape, inner: usize, outer: usize) -> bool {
    let mut scope = Some(inner);
    while let Some(index) = scope {
        if index == outer {
            return true;
        }
        scope = shape.scopes[index].parent;
    }
    false
}

/// Whether a macro call holds a glob import from another crate.
fn hidden_glob(tokens: Tokens<'_>, shape: &Shape) -> bool {
    let is_seen = |at: u32| {
        let in_body = shape.functions.iter().any(|function| function.body.contains(&at));
        let is_use = |entry: &Entry| matches!(entry, Entry::Use { keyword, .. } if *keyword == at);
        in_body || shape.containers.iter().flatten().any(is_use)
    };
    (0..tokens.len()).filter(|&index| tokens.is_word(index, "use")).any(|index| {
        let import = Import::read(tokens, index);
        import.glob && !import.local && !import.standard && !is_seen(tokens.tokens[index].start)
    })
}
