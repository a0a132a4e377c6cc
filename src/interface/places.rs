//! Constants that are made from their place in the source, such as `const LINE: u32 = line!();`.
//!
//! Dependents would read them from interface source whose lines have moved, while the full rlib's objects have the true ones; an array that is
//! `line!()` long would even have two layouts. So such a crate gets no canonical text.

use super::Reason;
use super::lex::Tokens;
use super::tree::Source;

/// The macros that tell a place. `module_path!` tells one that stays.
const PLACES: [&str; 3] = ["line", "column", "file"];

/// The first macro that tells a place in something that the compiler evaluates: outside functions, and in `const fn`s. What a macro that the
/// crate defines would do with a place is only seen where it is called by its own words.
pub(super) fn in_constants(source: &Source) -> Option<&'static str> {
    let tokens = source.file.tokens();
    let mut behind = 0;
    for function in source.file.shape.iter().flat_map(|shape| &shape.functions) {
        let end = if function.stays == Some(Reason::Const) { function.body.end } else { function.body.start };
        let found = first(tokens.within(&(behind..end)));
        if found.is_some() {
            return found;
        }
        behind = function.body.end;
    }
    first(tokens.within(&(behind..u32::MAX)))
}

fn first(tokens: Tokens<'_>) -> Option<&'static str> {
    let mut index = 0;
    while index < tokens.len() {
        if tokens.is_word(index, "macro_rules") && tokens.is_punct(index + 1, b'!') && tokens.is_open(index + 3) {
            index = tokens.behind_group(index + 3);
            continue;
        }
        let called = PLACES.into_iter().find(|name| tokens.is_word(index, name) && tokens.is_punct(index + 1, b'!'));
        if called.is_some_and(|_| tokens.is_open(index + 2)) {
            return called;
        }
        index += 1;
    }
    None
}
