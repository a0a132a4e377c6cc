//! The interface text of one file.

use std::fmt::Write as _;

use super::canonical::{self, IsInert};
use super::file::File;
use super::judge::Verdict;
use super::lex::{Place, preamble};
use super::shape::{Entry, Shape};
use super::verbatim::behind_attribute;

/// With every emptied body as short as its lines allow: everything that is kept is on its old line and in its old column. A body that is too
/// short for that stays.
pub(super) fn keeping_lines(file: &File, shape: &Shape, verdicts: &[Verdict]) -> String {
    let mut text = String::with_capacity(file.text.len());
    let mut behind = 0;
    for (function, index) in emptied(shape, verdicts) {
        let body = slice(&file.text, function);
        let rest = file.text[function.end as usize..].split('\n').next().unwrap_or_default().trim();
        let ends_line = rest.is_empty() || rest.starts_with("//");
        let imports = imports(&verdicts[index]);
        text.push_str(slice(&file.text, &(behind..function.start)));
        behind = function.end;
        match body.rsplit_once('\n') {
            Some((lines, last)) => {
                text.push_str(&format!("{{ {imports}loop {{}} "));
                text.extend(std::iter::repeat_n('\n', lines.matches('\n').count() + 1));
                let column = if ends_line { 0 } else { last.chars().count() - 1 };
                text.extend(std::iter::repeat_n(' ', column));
                text.push('}');
            }
            None if ends_line => text.push_str(&format!("{{ {imports}loop {{}} }}")),
            None => {
                let short = format!("{{{imports}loop{{}}");
                match (body.chars().count() - 1).checked_sub(short.len()) {
                    Some(blanks) => text.push_str(&format!("{short}{:blanks$}}}", "")),
                    None => text.push_str(body),
                }
            }
        }
    }
    text.push_str(&file.text[behind as usize..]);
    text
}

/// What of canonical text depends on the crate.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    /// The order of `mod` declarations means nothing.
    pub sort_modules: bool,
    pub is_inert: IsInert<'a>,
}

/// In canonical form, without the functions that are left out. None if that can't be made; nothing is known that can't.
pub(super) fn dropping_lines(
    file: &File,
    shape: &Shape,
    verdicts: &[Verdict],
    left_out: &[bool],
    form: Form<'_>,
    mut place: impl FnMut(Copied),
) -> Option<String> {
    let mut edits: Vec<(Place, String)> = emptied(shape, verdicts)
        .filter(|(_, index)| !left_out[*index])
        .map(|(place, index)| (place.clone(), format!("{{{}loop{{}}}}", imports(&verdicts[index]))))
        .collect();
    for container in &shape.containers {
        runs(file, container, left_out, form, &mut edits);
    }
    for (function, _) in shape.functions.iter().zip(left_out).filter(|(_, left_out)| **left_out) {
        edits.push((function.place.clone(), String::new()));
    }
    // A run of `use` statements may span a function that is left out: the longer one comes first, and what it covers is skipped.
    edits.sort_by_key(|(place, _)| (place.start, std::cmp::Reverse(place.end)));
    let mut text = String::with_capacity(file.text.len());
    let mut behind = u32::try_from(preamble(&file.text)).ok()?;
    // Where each part of the text begins, and where it was copied from, or what it replaces.
    let mut parts: Vec<(usize, u32, bool)> = Vec::new();
    for (place, replacement) in &edits {
        if place.start < behind {
            continue;
        }
        parts.push((text.len(), behind, true));
        text.push_str(slice(&file.text, &(behind..place.start)));
        // A body needs no room, and in a macro call it would show.
        let room = if replacement.starts_with('{') { "" } else { " " };
        text.push_str(room);
        parts.push((text.len(), place.start, false));
        text.push_str(replacement);
        text.push_str(room);
        behind = place.end;
    }
    parts.push((text.len(), behind, true));
    text.push_str(&file.text[behind as usize..]);
    // rustc, too, reads CRLF as LF, also inside literals and doc comments (`rustc_span::normalize_src`).
    let text = if text.contains('\r') { text.replace("\r\n", "\n") } else { text };
    canonical::print_with_places(&text, form.is_inert, |at, token| {
        let start = token.start as usize;
        let part = parts.partition_point(|(begin, ..)| *begin <= start);
        if let Some(&(begin, from, copied)) = part.checked_sub(1).and_then(|part| parts.get(part)) {
            let from = from as usize + if copied { start - begin } else { 0 };
            place(Copied { at, from, length: if copied { (token.end - token.start) as usize } else { 0 } });
        }
    })
}

/// A token of interface source, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// Where it is.
    pub at: usize,
    /// Where it was in the true source, or what it replaces began.
    pub from: usize,
    /// How long it is; 0 if it replaces something.
    pub length: usize,
}

/// The imports by which an emptied body loads what it may have loaded.
fn imports(verdict: &Verdict) -> String {
    verdict.loads.iter().map(|name| format!("use {name} as _; ")).collect()
}

/// The bodies that are emptied, in their order, with the number of their function.
fn emptied<'a>(shape: &'a Shape, verdicts: &'a [Verdict]) -> impl Iterator<Item = (&'a Place, usize)> {
    let functions = shape.functions.iter().zip(verdicts).enumerate();
    functions.filter(|(_, (_, verdict))| verdict.stays.is_none()).map(|(index, (function, _))| (&function.body, index))
}

/// Sorts adjacent `use` statements and adjacent `mod x;` declarations, with their attributes. Neither order means anything; macros
/// are in scope after their definition, but no such statement is one. One that a macro is given stays where and as it is.
fn runs(file: &File, container: &[Entry], left_out: &[bool], form: Form<'_>, edits: &mut Vec<(Place, String)>) {
    let mut run: Vec<(&Place, String)> = Vec::new();
    let mut is_use = true;
    let mut close = |run: &mut Vec<(&Place, String)>, is_use: bool| {
        let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { return };
        let place = first.start..last.end;
        if is_use || run.len() > 1 {
            run.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
            edits.push((place, run.iter().flat_map(|(_, text)| [text, "\n"]).collect()));
        }
        run.clear();
    };
    for entry in container {
        match entry {
            Entry::Use { place, keyword, tree } if is_blind(file, place, form.is_inert) => {
                if !is_use {
                    close(&mut run, is_use);
                }
                is_use = true;
                let mut text = printed(file, &(place.start..*keyword), form.is_inert);
                // Writing to a string can't fail.
                let _ = write!(text, " use {tree};");
                run.push((place, text));
            }
            Entry::Module { place, sortable: true } if form.sort_modules => {
                if is_use {
                    close(&mut run, is_use);
                }
                is_use = false;
                run.push((place, printed(file, place, form.is_inert)));
            }
            Entry::Function(index) if left_out[*index] => {}
            _ => close(&mut run, is_use),
        }
    }
    close(&mut run, is_use);
}

/// A part of a file in canonical form, so that its order does not depend on its formatting.
fn printed(file: &File, place: &Place, is_inert: IsInert<'_>) -> String {
    let text = slice(&file.text, place);
    canonical::print(text, is_inert).unwrap_or_else(|| text.to_owned())
}

/// Whether no attribute of an item is a macro that sees it.
fn is_blind(file: &File, place: &Place, is_inert: IsInert<'_>) -> bool {
    let tokens = file.tokens().within(place);
    (0..tokens.len()).all(|index| behind_attribute(tokens, index).is_none() || is_inert(tokens, index))
}

fn slice<'a>(text: &'a str, place: &Place) -> &'a str {
    &text[place.start as usize..place.end as usize]
}
