//! Rust source text in one form: a function of its tokens, whatever its whitespace and its comments; what macros can see excepted, which stays
//! as it is (`verbatim`).
//!
//! What is printed has the tokens that were read, but for trailing commas that mean nothing. Whether two punctuation characters touch is
//! part of the tokens (`& &` is not `&&`), so it stays where the two would be one operator.
//!
//! Not normalised, though rustfmt may change it: blocks around the arms of a `match` and the commas behind them, `> >`, commas behind
//! the only argument of a generic function or method, parentheses, the order of derives, `use` statements inside bodies.

use std::ops::Range;

use super::lex::{Kind, Token, Tokens, lex};
use super::{inert, verbatim};

/// Whether the attribute whose `#` is at an index runs no macro that sees its item.
pub(super) type IsInert<'a> = &'a dyn Fn(Tokens<'_>, usize) -> bool;

/// The text in canonical form. None if it is no sequence of sound tokens.
pub(super) fn print(text: &str, is_inert: IsInert<'_>) -> Option<String> {
    print_with_places(text, is_inert, |_, _| {})
}

/// The same. `place` is told of each token where it is in the canonical form, and where it was.
pub(super) fn print_with_places(text: &str, is_inert: IsInert<'_>, mut place: impl FnMut(usize, Token)) -> Option<String> {
    let lexed = lex(text, 0);
    if !lexed.sound {
        return None;
    }
    let tokens = Tokens { text, tokens: &lexed.tokens };
    let mut printer = Printer {
        tokens,
        done: Vec::with_capacity(tokens.len()),
        skipped: false,
        out: String::with_capacity(text.len()),
        groups: Vec::new(),
        attribute_ended: false,
        in_where: None,
    };
    let mut index = 0;
    let ranges = verbatim::ranges(tokens, is_inert);
    for range in ranges.iter().chain([&(tokens.len()..tokens.len())]) {
        while index < range.start {
            let token = tokens.tokens[index];
            if printer.token(index, token) {
                place(printer.out.len() - (token.end - token.start) as usize, token);
            }
            index += 1;
        }
        let at = printer.verbatim(range);
        for token in &tokens.tokens[range.clone()] {
            place(at + (token.start - tokens.tokens[range.start].start) as usize, *token);
        }
        index = range.end;
    }
    let mut out = printer.out;
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    Some(out)
}

struct Printer<'a> {
    /// What is read. Used to look ahead only.
    tokens: Tokens<'a>,
    /// What was printed; the first and the last token of what stays as it is. Used to look back only, so that a comma that means nothing
    /// leaves no trace.
    done: Vec<Token>,
    /// Such a comma stood before this token.
    skipped: bool,
    out: String,
    groups: Vec<Group>,
    /// The token printed last ended an attribute.
    attribute_ended: bool,
    /// Inside a `where` clause: the number of open groups at its keyword.
    in_where: Option<usize>,
}

/// A group that is open.
#[derive(Clone, Copy)]
struct Group {
    open: u8,
    /// Printed on one line: parentheses, brackets, the names of a `use`, an emptied body.
    inline: bool,
    /// How many braces with lines of their own are open, this one included.
    depth: usize,
    /// An emptied body.
    body: bool,
    /// A list of arguments, in which a comma behind the only one means nothing.
    arguments: bool,
    commas: usize,
}

/// What goes between two tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Nothing,
    Space,
    Line,
}

impl Printer<'_> {
    /// Prints a token; false if it is a comma that means nothing.
    fn token(&mut self, index: usize, token: Token) -> bool {
        let kind = token.kind;
        if kind == Kind::Punct(b',') && self.is_idle_comma(index) {
            self.skipped = true;
            return false;
        }
        let closed = if let Kind::Close(_) = kind { self.groups.pop() } else { None };
        self.space(index, token, closed);
        self.out.push_str(self.tokens.text(index));
        match kind {
            Kind::Open(open) => self.open(index, open),
            Kind::Punct(b',') => {
                if let Some(group) = self.groups.last_mut() {
                    group.commas += 1;
                }
            }
            Kind::Word if self.tokens.text(index) == "where" => self.in_where = Some(self.groups.len()),
            _ => {}
        }
        let ends_where = matches!(kind, Kind::Open(b'{') | Kind::Punct(b';'));
        let level = self.groups.len() - usize::from(matches!(kind, Kind::Open(_)));
        if ends_where && self.in_where.is_some_and(|at| level <= at) {
            self.in_where = None;
        }
        self.done.push(token);
        true
    }

    /// Prints a range of tokens as it is, with everything between them; returns where it begins.
    fn verbatim(&mut self, range: &Range<usize>) -> usize {
        let tokens = &self.tokens.tokens[range.clone()];
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return self.out.len() };
        self.space(range.start, *first, None);
        let at = self.out.len();
        self.out.push_str(&self.tokens.text[first.start as usize..last.end as usize]);
        self.done.extend([*first, *last]);
        self.attribute_ended = first.kind == Kind::Punct(b'#') && last.kind == Kind::Close(b']');
        at
    }

    /// Puts what goes before a token.
    fn space(&mut self, index: usize, token: Token, closed: Option<Group>) {
        match self.gap(index, token, closed) {
            Gap::Nothing => {}
            Gap::Space => self.out.push(' '),
            Gap::Line => {
                self.out.push('\n');
                let depth = self.groups.last().map_or(0, |group| group.depth);
                self.out.extend(std::iter::repeat_n("    ", depth));
            }
        }
        self.attribute_ended = false;
        self.skipped = false;
    }

    fn printed(&self) -> Tokens<'_> {
        Tokens { text: self.tokens.text, tokens: &self.done }
    }

    /// Enters the group that opens with a token that is not yet among the printed ones.
    fn open(&mut self, index: usize, open: u8) {
        let outer = self.groups.last().copied();
        let done = self.printed();
        let last = done.len().wrapping_sub(1);
        let is_use = open == b'{' && done.is_punct(last, b':');
        let body = is_emptied(self.tokens, index);
        let inline = open != b'{' || is_use || body || outer.is_some_and(|group| group.inline && group.open == b'{');
        let arguments = open == b'(' && done.kind(last) == Some(Kind::Word) && !inert::KEYWORDS.contains(&done.text(last));
        let depth = outer.map_or(0, |group| group.depth) + usize::from(!inline);
        self.groups.push(Group { open, inline, body, depth, arguments, commas: 0 });
    }

    /// A trailing comma that means nothing.
    fn is_idle_comma(&self, index: usize) -> bool {
        match self.tokens.kind(index + 1) {
            Some(Kind::Close(b'}' | b']')) => true,
            // `(a,)` is a tuple, `f(a,)` is no different from `f(a)`.
            Some(Kind::Close(_)) => self.groups.last().is_some_and(|group| group.commas > 0 || group.arguments),
            Some(Kind::Punct(b'>')) => true,
            Some(Kind::Open(b'{') | Kind::Punct(b';')) => self.in_where == Some(self.groups.len()),
            _ => false,
        }
    }

    /// What goes before a token. `closed` is the group that it closes.
    fn gap(&self, index: usize, token: Token, closed: Option<Group>) -> Gap {
        let kind = token.kind;
        let Some(previous) = self.done.last() else { return Gap::Nothing };
        let before = previous.kind;
        if let (Kind::Punct(one), Kind::Punct(other)) = (before, kind) {
            let touch = self.skipped || previous.end == token.start;
            if is_operator(one, other) {
                return if touch { Gap::Nothing } else { Gap::Space };
            }
        }
        if matches!(before, Kind::Doc(_)) || matches!(kind, Kind::Doc(_)) {
            return Gap::Line;
        }
        let group = self.groups.last();
        let inline = group.is_some_and(|group| group.inline);
        let line = if inline { Gap::Space } else { Gap::Line };
        match (before, kind) {
            (Kind::Open(_), Kind::Close(_)) => Gap::Nothing,
            (_, Kind::Close(b'}')) => match closed {
                Some(group) if group.body => Gap::Space,
                Some(group) if group.inline => Gap::Nothing,
                _ => Gap::Line,
            },
            (Kind::Open(b'{'), _) if group.is_some_and(|group| group.body) => Gap::Space,
            (Kind::Open(b'{'), _) if inline => Gap::Nothing,
            (Kind::Open(b'{'), _) => Gap::Line,
            (Kind::Open(_), _) | (_, Kind::Close(_)) => Gap::Nothing,
            (Kind::Punct(b';'), _) => line,
            (Kind::Punct(b','), _) if self.groups.is_empty() => Gap::Space,
            (Kind::Punct(b','), _) => line,
            (Kind::Close(b']'), _) if self.attribute_ended => line,
            (Kind::Close(b'}'), _) => self.behind_brace(index, inline),
            (_, Kind::Open(b'{')) if matches!(before, Kind::Punct(b':' | b'$')) => Gap::Nothing,
            (_, Kind::Open(b'{')) => Gap::Space,
            _ => between(self.printed(), before, kind),
        }
    }

    fn behind_brace(&self, index: usize, inline: bool) -> Gap {
        match self.tokens.kind(index) {
            Some(Kind::Punct(b',' | b';' | b'.' | b'?' | b')')) => Gap::Nothing,
            Some(Kind::Word) if matches!(self.tokens.text(index), "else" | "as" | "if" | "in") => Gap::Space,
            Some(Kind::Word | Kind::RawWord | Kind::Lifetime | Kind::Punct(b'#')) if !inline => Gap::Line,
            _ => Gap::Space,
        }
    }
}

/// Whether two characters side by side are, or begin, one operator.
fn is_operator(one: u8, other: u8) -> bool {
    match other {
        b'=' => matches!(one, b'=' | b'!' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'&' | b'|' | b'.'),
        b'>' => matches!(one, b'-' | b'=' | b'>'),
        b'<' => one == b'<',
        b'-' => one == b'<',
        b'&' | b'|' | b'.' | b':' => one == other,
        // Two slashes, or a slash and a star, would begin a comment.
        b'/' => matches!(one, b'/' | b'*'),
        b'*' => one == b'/',
        b'#' => one == b'#',
        _ => false,
    }
}

fn is_emptied(tokens: Tokens<'_>, open: usize) -> bool {
    let closes = |index: usize| tokens.kind(index) == Some(Kind::Close(b'}'));
    tokens.is_word(open + 1, "loop") && tokens.kind(open + 2) == Some(Kind::Open(b'{')) && closes(open + 3) && closes(open + 4)
}

/// The space between the last token printed and the next on a line. Where none could make one token of them, there is one.
fn between(done: Tokens<'_>, before: Kind, kind: Kind) -> Gap {
    let previous = done.len().wrapping_sub(1);
    let is_wordlike =
        |kind: Kind| matches!(kind, Kind::Word | Kind::RawWord | Kind::Lifetime | Kind::Number | Kind::Char | Kind::Text);
    let spaced = match (before, kind) {
        (one, other) if is_wordlike(one) && is_wordlike(other) => true,
        // `1.` is a number, `r#` begins a raw identifier or string, `'a'` is a character.
        (Kind::Number, Kind::Punct(b'.')) => true,
        (one, Kind::Punct(b'#')) => is_wordlike(one),
        (Kind::Punct(b'#'), other) => matches!(other, Kind::Text | Kind::Char | Kind::Number),
        (_, Kind::Punct(b',' | b';' | b'.' | b'?')) | (Kind::Punct(b'.' | b'$' | b'@'), _) => false,
        (_, Kind::Punct(b':')) | (Kind::Punct(b'<'), _) | (_, Kind::Punct(b'<' | b'>')) => false,
        (Kind::Punct(b':'), _) => !done.is_punct(previous.wrapping_sub(1), b':'),
        (Kind::Punct(b'>'), other) => is_wordlike(other) || matches!(done.kind(previous.wrapping_sub(1)), Some(Kind::Punct(_))),
        (Kind::Punct(b'!' | b'~' | b'?'), other) => {
            is_wordlike(other) && done.kind(previous.wrapping_sub(1)) == Some(Kind::Word) && {
                // `macro_rules! name`
                done.is_word(previous.wrapping_sub(1), "macro_rules")
            }
        }
        (_, Kind::Punct(b'!')) => done.is_word(previous, "impl") || done.is_word(previous, "if"),
        (Kind::Punct(b'&' | b'*' | b'-'), _) => is_operand(done, previous.wrapping_sub(1)),
        (Kind::Punct(_), _) | (_, Kind::Punct(_)) => true,
        (Kind::Word, Kind::Open(_)) => inert::KEYWORDS.contains(&done.text(previous)) && !done.is_word(previous, "fn"),
        (Kind::Close(_), other) => is_wordlike(other),
        _ => false,
    };
    if spaced { Gap::Space } else { Gap::Nothing }
}

/// Whether a token can end an operand, so that the operator behind it is a binary one. It decides on spaces only.
fn is_operand(done: Tokens<'_>, index: usize) -> bool {
    match done.kind(index) {
        Some(Kind::Word) => !inert::KEYWORDS.contains(&done.text(index)),
        Some(Kind::RawWord | Kind::Number | Kind::Char | Kind::Text | Kind::Close(_)) => true,
        _ => false,
    }
}
