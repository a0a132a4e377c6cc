//! Which private functions nothing that is kept can name.
//!
//! "Can name" is wide: the name occurs as an identifier in kept tokens, those of macros included, or as a word inside a string literal.

use std::collections::HashMap;

use super::judge::Verdict;
use super::lex::{Kind, Tokens};
use super::tree::Source;

/// Marks, for each source and each of its functions, those that are left out.
pub(super) fn left_out(sources: &[Source], verdicts: &[Option<Vec<Verdict>>]) -> Vec<Vec<bool>> {
    let mut names = Names::default();
    for (source, verdicts) in sources.iter().zip(verdicts) {
        let (Some(shape), Some(verdicts)) = (&source.file.shape, verdicts) else { continue };
        for (function, verdict) in shape.functions.iter().zip(verdicts) {
            if verdict.candidate {
                names.add(&function.name);
            }
        }
    }
    if !names.numbers.is_empty() {
        for (source, verdicts) in sources.iter().zip(verdicts) {
            names.read(source, verdicts.as_deref());
        }
        names.follow();
    }
    let is_left_out = |name: &str| !names.numbers.get(name).is_some_and(|&number| names.kept[number]);
    let of_source = |(source, verdicts): (&Source, &Option<Vec<Verdict>>)| {
        let functions = source.file.shape.iter().flat_map(|shape| &shape.functions);
        let verdicts = verdicts.iter().flatten();
        { functions }.zip(verdicts).map(|(function, verdict)| verdict.candidate && is_left_out(&function.name)).collect()
    };
    sources.iter().zip(verdicts).map(of_source).collect()
}

/// The names of candidates, and which of them something can name.
#[derive(Default)]
struct Names<'a> {
    numbers: HashMap<&'a str, usize>,
    kept: Vec<bool>,
    /// For each name: the names that occur in the candidates that are called so.
    mentions: Vec<Vec<usize>>,
}

impl<'a> Names<'a> {
    fn add(&mut self, name: &'a str) {
        let next = self.kept.len();
        if *self.numbers.entry(name).or_insert(next) == next {
            self.kept.push(false);
            self.mentions.push(Vec::new());
        }
    }

    /// Reads the names in a file: in what is certainly kept they are kept; in a candidate they are its mentions.
    fn read(&mut self, source: &'a Source, verdicts: Option<&[Verdict]>) {
        let tokens = source.file.tokens();
        let (Some(shape), Some(verdicts)) = (&source.file.shape, verdicts) else {
            return self.mention(tokens, None);
        };
        let mut behind = 0;
        for (function, verdict) in shape.functions.iter().zip(verdicts) {
            self.mention(tokens.within(&(behind..function.place.start)), None);
            let end = if verdict.stays.is_some() { function.body.end } else { function.body.start };
            let owner = if verdict.candidate { self.numbers.get(&*function.name).copied() } else { None };
            self.mention(tokens.within(&(function.place.start..end)), owner);
            behind = function.body.end;
        }
        self.mention(tokens.within(&(behind..u32::MAX)), None);
    }

    fn mention(&mut self, tokens: Tokens<'_>, owner: Option<usize>) {
        for index in 0..tokens.len() {
            match tokens.kind(index) {
                Some(Kind::Word | Kind::RawWord) => self.name(tokens.name(index).unwrap_or_default(), owner),
                Some(Kind::Text) => words(tokens.text(index)).for_each(|word| self.name(word, owner)),
                _ => {}
            }
        }
    }

    fn name(&mut self, name: &str, owner: Option<usize>) {
        let Some(&number) = self.numbers.get(name) else { return };
        match owner {
            None => self.kept[number] = true,
            // Functions that are called alike and only mention themselves are not kept by that.
            Some(owner) if owner != number => self.mentions[owner].push(number),
            Some(_) => {}
        }
    }

    /// What a kept function can name is kept, too.
    fn follow(&mut self) {
        let mut open: Vec<usize> = (0..self.kept.len()).filter(|&number| self.kept[number]).collect();
        while let Some(number) = open.pop() {
            for mentioned in std::mem::take(&mut self.mentions[number]) {
                if !self.kept[mentioned] {
                    self.kept[mentioned] = true;
                    open.push(mentioned);
                }
            }
        }
    }
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_alphanumeric() || character == '_')).filter(|word| !word.is_empty())
}
