//! The tokens of a source text with their places, from rustc's own lexer.
//!
//! syn says where functions begin and end; what is *in* them is asked of the tokens, because a rule about tokens holds in code and in
//! the arguments of macros alike, and because kept text can be copied without being printed from a tree.

use std::ops::Range;

use ra_ap_rustc_lexer::{DocStyle, FrontmatterAllowed, LiteralKind, TokenKind, strip_shebang, tokenize};

/// A place in a text, in bytes.
pub(super) type Place = Range<u32>;

/// One token. Whitespace and ordinary comments are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword.
    Word,
    /// `r#name`.
    RawWord,
    /// `'a`.
    Lifetime,
    /// An integer or float.
    Number,
    /// A character or byte.
    Char,
    /// A string of any sort.
    Text,
    /// A doc comment.
    Doc(Doc),
    /// One punctuation character.
    Punct(u8),
    /// `(`, `[` or `{`.
    Open(u8),
    /// `)`, `]` or `}`.
    Close(u8),
}

/// The sort of a doc comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doc {
    /// `///` and `//!`, which end with their line.
    Line,
    /// `/**` and `/*!`.
    Block,
}

/// A text as tokens.
#[derive(Debug, Default)]
pub(super) struct Lexed {
    pub tokens: Vec<Token>,
    /// Whether every token is one that a valid program can have. Otherwise the tokens serve to find words, and nothing else.
    pub sound: bool,
}

/// How many bytes precede the program: a byte order mark and a shebang line, as rustc strips them.
pub(super) fn preamble(text: &str) -> usize {
    let mark = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    mark + strip_shebang(&text[mark..]).unwrap_or(0)
}

/// Reads the tokens of the text from a byte on.
pub(super) fn lex(text: &str, from: usize) -> Lexed {
    // The files of a crate cannot be larger: rustc's own positions are 32 bits wide.
    let Ok(mut start) = u32::try_from(from) else { return Lexed::default() };
    if u32::try_from(text.len()).is_err() {
        return Lexed::default();
    }
    let mut lexed = Lexed { tokens: Vec::with_capacity(text.len() / 5), sound: true };
    for token in tokenize(&text[from..], FrontmatterAllowed::No) {
        let end = start + token.len;
        match kind(token.kind) {
            Read::Token(kind) => lexed.tokens.push(Token { kind, start, end }),
            Read::Blank => {}
            Read::Unsound => lexed.sound = false,
        }
        start = end;
    }
    lexed
}

enum Read {
    Token(Kind),
    Blank,
    Unsound,
}

fn kind(kind: TokenKind) -> Read {
    Read::Token(match kind {
        TokenKind::LineComment { doc_style: None } | TokenKind::BlockComment { doc_style: None, terminated: true } => {
            return Read::Blank;
        }
        TokenKind::Whitespace => return Read::Blank,
        TokenKind::LineComment { doc_style: Some(DocStyle::Inner | DocStyle::Outer) } => Kind::Doc(Doc::Line),
        TokenKind::BlockComment { doc_style: Some(_), terminated: true } => Kind::Doc(Doc::Block),
        // Up to the 2018 edition `m"x"` in a macro call is an identifier and a string.
        TokenKind::Ident | TokenKind::UnknownPrefix => Kind::Word,
        TokenKind::RawIdent => Kind::RawWord,
        TokenKind::Lifetime { starts_with_number: false } | TokenKind::RawLifetime | TokenKind::UnknownPrefixLifetime => {
            Kind::Lifetime
        }
        TokenKind::Literal { kind, .. } => match kind {
            LiteralKind::Int { .. } | LiteralKind::Float { .. } => Kind::Number,
            LiteralKind::Char { terminated: true } | LiteralKind::Byte { terminated: true } => Kind::Char,
            LiteralKind::Str { terminated: true }
            | LiteralKind::ByteStr { terminated: true }
            | LiteralKind::CStr { terminated: true }
            | LiteralKind::RawStr { n_hashes: Some(_) }
            | LiteralKind::RawByteStr { n_hashes: Some(_) }
            | LiteralKind::RawCStr { n_hashes: Some(_) } => Kind::Text,
            _ => return Read::Unsound,
        },
        TokenKind::OpenParen => Kind::Open(b'('),
        TokenKind::CloseParen => Kind::Close(b')'),
        TokenKind::OpenBrace => Kind::Open(b'{'),
        TokenKind::CloseBrace => Kind::Close(b'}'),
        TokenKind::OpenBracket => Kind::Open(b'['),
        TokenKind::CloseBracket => Kind::Close(b']'),
        TokenKind::Semi => Kind::Punct(b';'),
        TokenKind::Comma => Kind::Punct(b','),
        TokenKind::Dot => Kind::Punct(b'.'),
        TokenKind::At => Kind::Punct(b'@'),
        TokenKind::Pound => Kind::Punct(b'#'),
        TokenKind::Tilde => Kind::Punct(b'~'),
        TokenKind::Question => Kind::Punct(b'?'),
        TokenKind::Colon => Kind::Punct(b':'),
        TokenKind::Dollar => Kind::Punct(b'$'),
        TokenKind::Eq => Kind::Punct(b'='),
        TokenKind::Bang => Kind::Punct(b'!'),
        TokenKind::Lt => Kind::Punct(b'<'),
        TokenKind::Gt => Kind::Punct(b'>'),
        TokenKind::Minus => Kind::Punct(b'-'),
        TokenKind::And => Kind::Punct(b'&'),
        TokenKind::Or => Kind::Punct(b'|'),
        TokenKind::Plus => Kind::Punct(b'+'),
        TokenKind::Star => Kind::Punct(b'*'),
        TokenKind::Slash => Kind::Punct(b'/'),
        TokenKind::Caret => Kind::Punct(b'^'),
        TokenKind::Percent => Kind::Punct(b'%'),
        _ => return Read::Unsound,
    })
}

/// A text with its tokens, or a part of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a> {
    pub text: &'a str,
    pub tokens: &'a [Token],
}

impl<'a> Tokens<'a> {
    /// Those that begin within a place.
    pub fn within(self, place: &Place) -> Self {
        let start = self.tokens.partition_point(|token| token.start < place.start);
        let end = start + self.tokens[start..].partition_point(|token| token.start < place.end);
        Self { text: self.text, tokens: &self.tokens[start..end] }
    }

    /// Those from an index on, up to another.
    pub fn part(self, start: usize, end: usize) -> Self {
        Self { text: self.text, tokens: self.tokens.get(start..end).unwrap_or_default() }
    }

    pub fn len(self) -> usize {
        self.tokens.len()
    }

    pub fn kind(self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// The text of a token; empty beyond the last.
    pub fn text(self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| &self.text[token.start as usize..token.end as usize])
    }

    /// The name that an identifier stands for, without `r#`.
    pub fn name(self, index: usize) -> Option<&'a str> {
        match self.kind(index)? {
            Kind::Word => Some(self.text(index)),
            Kind::RawWord => self.text(index).strip_prefix("r#"),
            _ => None,
        }
    }

    pub fn is_word(self, index: usize, word: &str) -> bool {
        self.kind(index) == Some(Kind::Word) && self.text(index) == word
    }

    pub fn is_punct(self, index: usize, punct: u8) -> bool {
        self.kind(index) == Some(Kind::Punct(punct))
    }

    pub fn is_open(self, index: usize) -> bool {
        matches!(self.kind(index), Some(Kind::Open(_)))
    }

    /// The index behind the group that opens at an index.
    pub fn behind_group(self, open: usize) -> usize {
        let mut depth = 0_usize;
        for index in open..self.len() {
            match self.kind(index) {
                Some(Kind::Open(_)) => depth += 1,
                Some(Kind::Close(_)) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return index + 1;
            }
        }
        self.len()
    }

    /// The value of a plain string literal; escapes other than of a path's own characters are not understood.
    pub fn string(self, index: usize) -> Option<&'a str> {
        if self.kind(index) != Some(Kind::Text) {
            return None;
        }
        let text = self.text(index);
        let inner = text.strip_prefix('r').map_or(text, |raw| raw.trim_matches('#'));
        inner.strip_prefix('"')?.strip_suffix('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_precedes_the_program_is_no_token() {
        let text = "\u{feff}#!/usr/bin/env run\nfn a() {}";
        let lexed = lex(text, preamble(text));
        let tokens = Tokens { text, tokens: &lexed.tokens };
        assert!(lexed.sound);
        assert_eq!(tokens.text(0), "fn");
        assert_eq!(preamble("#![allow(x)]"), 0);
    }

    #[test]
    fn comments_vanish_and_doc_comments_stay() {
        let text = "// a\n/// b\n/* c /* d */ */ /*! e */ x //// f";
        let lexed = lex(text, 0);
        assert_eq!(
            lexed.tokens.iter().map(|token| token.kind).collect::<Vec<_>>(),
            [Kind::Doc(Doc::Line), Kind::Doc(Doc::Block), Kind::Word]
        );
    }

    #[test]
    fn a_text_that_no_program_has_is_unsound() {
        for text in ["\"open", "'", "/* open", "k#fn", "№"] {
            assert!(!lex(text, 0).sound, "{text}");
        }
    }
}
