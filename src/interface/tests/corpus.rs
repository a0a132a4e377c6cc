//! What holds for every real source: here, those of this project's own dependencies.

use std::path::{Path, PathBuf};

use syn::visit::Visit;

use super::*;
use crate::interface::file::File;
use crate::interface::lex::{Kind, lex, preamble};
use crate::interface::{Disk, canonical};

/// The crate roots of the dependencies.
fn roots() -> Vec<PathBuf> {
    let packages = packages();
    let targets = packages.iter().flat_map(|package| package["targets"].as_array().unwrap());
    let is_library = |target: &&serde_json::Value| {
        let kinds = target["kind"].as_array().unwrap();
        kinds.iter().any(|kind| kind == "lib" || kind == "rlib" || kind == "proc-macro")
    };
    let mut roots: Vec<PathBuf> = targets.filter(is_library).map(|target| target["src_path"].as_str().unwrap().into()).collect();
    // An unoptimised parser takes its time, so only some, of all sorts.
    let some =
        ["anyhow", "bitflags", "clap_lex", "fs-err", "itoa", "memchr", "once_cell", "quote", "serde_json", "tempfile", "which"];
    let is_some = |root: &PathBuf| {
        let directories = root.iter().map(|name| name.to_string_lossy());
        { directories }
            .any(|directory| some.iter().any(|name| directory.strip_prefix(name).is_some_and(|rest| rest.starts_with("-"))))
    };
    roots.retain(|root| root.exists() && is_some(root));
    roots.sort();
    assert!(roots.len() > 8, "{roots:?}");
    roots
}

/// The tokens, but for trailing commas outside of what macros see, which stand for themselves with all that is between them.
fn tokens(text: &str) -> Vec<String> {
    let lexed = lex(text, preamble(text));
    assert!(lexed.sound);
    let mut seen = Seen { text, from: preamble(text), pieces: Vec::new() };
    seen.visit_file(&syn::parse_str(&text[preamble(text)..]).unwrap());
    proc_macro2::extra::invalidate_current_thread_spans();
    let mut seen = seen.pieces.into_iter().peekable();
    let mut tokens = Vec::new();
    let mut behind = 0;
    for token in &lexed.tokens {
        let (start, end) = (token.start as usize, token.end as usize);
        if start < behind {
            continue;
        }
        while seen.next_if(|(piece, _)| *piece < start).is_some() {}
        let (piece, is_seen) = match seen.next_if(|(piece, _)| *piece == start) {
            Some((_, end)) => (&text[start..end], true),
            None => (&text[start..end], false),
        };
        behind = start + piece.len();
        let is_last = matches!(token.kind, Kind::Close(_) | Kind::Open(b'{') | Kind::Punct(b'>' | b';'));
        if !is_seen && is_last && tokens.last().is_some_and(|last| last == ",") {
            tokens.pop();
        }
        tokens.push(piece.to_owned());
    }
    tokens
}

/// Macro calls and attributes as syn knows them: where they begin and end.
struct Seen<'a> {
    text: &'a str,
    from: usize,
    pieces: Vec<(usize, usize)>,
}

impl Seen<'_> {
    fn piece(&mut self, start: proc_macro2::Span, end: proc_macro2::Span) {
        let (start, end) = (self.from + start.byte_range().start, self.from + end.byte_range().end);
        let is_comment = self.text[start..].starts_with('/');
        if !is_comment && self.pieces.last().is_none_or(|(_, last)| *last <= start) {
            self.pieces.push((start, end));
        }
    }
}

impl<'ast> Visit<'ast> for Seen<'_> {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.piece(call.path.segments.first().unwrap().ident.span(), call.delimiter.span().close());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        self.piece(attribute.pound_token.span, attribute.bracket_token.span.close());
    }
}

#[test]
fn canonical_text_has_the_tokens_that_it_was_made_from_and_is_a_fixed_point() {
    let (mut files, mut seen) = (0, 0);
    for root in roots() {
        let krate = Crate::load(&root, &Disk, None).unwrap();
        for (path, text) in krate.modules() {
            let file = File::read(text.to_owned());
            if file.shape.is_none() {
                continue;
            }
            let text = text[preamble(text)..].replace("\r\n", "\n");
            let printed = canonical::print(&text, &|_, _| true).unwrap();
            let expected = tokens(&text);
            assert_eq!(tokens(&printed), expected, "{}", path.display());
            let again = canonical::print(&printed, &|_, _| true).unwrap();
            assert_eq!(again, printed, "{}", path.display());
            files += 1;
            seen += expected.iter().filter(|piece| piece.contains('\n')).count();
        }
    }
    assert!(files > 100 && seen > 100, "{files} {seen}");
}

#[test]
fn interface_source_parses_and_is_its_own_interface_source() {
    for root in roots() {
        let krate = Crate::load(&root, &Disk, None).unwrap();
        for lines in [Lines::Keep, Lines::Drop] {
            let interface = krate.interface(&options(lines));
            let mut files =
                Memory(krate.tree.sources.iter().map(|source| (source.path.clone(), source.file.text.clone())).collect());
            for (path, text) in &interface.files {
                assert!(File::read(text.clone()).shape.is_some(), "{} {lines:?}", path.display());
                files.0.insert(path.clone(), text.clone());
            }
            let again = Crate::load(krate.root(), &files, None).unwrap().interface(&options(lines));
            if let Some((path, text)) = again.files.first() {
                let first = &files.0[path];
                let at = first.lines().zip(text.lines()).position(|(one, other)| one != other);
                let at = at.unwrap_or(usize::MAX);
                panic!("{} {lines:?} line {at}: {:?} then {:?}", path.display(), first.lines().nth(at), text.lines().nth(at));
            }
        }
    }
}

#[test]
fn kept_lines_are_on_their_old_lines() {
    for root in roots() {
        let krate = Crate::load(&root, &Disk, None).unwrap();
        let interface = krate.interface(&options(Lines::Keep));
        for (path, text) in &interface.files {
            let old = std::fs::read_to_string(path).unwrap();
            assert_lines_hold(path, &old, text);
        }
    }
}

/// Each line is the old one, or part of an emptied body.
pub(super) fn assert_lines_hold(path: &Path, old: &str, new: &str) {
    assert_eq!(old.matches('\n').count(), new.matches('\n').count(), "{}", path.display());
    for (number, (old, new)) in old.split('\n').zip(new.split('\n')).enumerate() {
        let of_body = ["{ loop {} ", "loop{}"].iter().any(|emptied| new.contains(emptied)) || new.trim_start().is_empty();
        assert!(old == new || of_body || new.trim_start().starts_with('}'), "{}:{}: {new}", path.display(), number + 1);
    }
}
