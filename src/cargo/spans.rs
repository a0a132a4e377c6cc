//! Places in interface source, for people: with lines dropped, a diagnostic of a dependent may point into the interface source of a dependency.
//! It is made to point into the true source, in the JSON spans and in the rendered text.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::state::Place;
use crate::action::HOLLOW_DIRECTORY;
use crate::interface::{Files, Origins, Position, overlay};

/// In the path of every file of interface source that is kept.
const MARK: &str = "_meta.interface/";

/// A line of the compiler's with places in the true source, as it is now, in the place of those in interface source. `None` if it has none of
/// those, or if it can't be told where they are.
pub fn in_true_source(line: &[u8]) -> Option<Vec<u8>> {
    if !line.windows(MARK.len()).any(|part| part == MARK.as_bytes()) {
        return None;
    }
    let mut message: Value = serde_json::from_slice(line).ok()?;
    let mut translator = Translator::default();
    translator.value(&mut message);
    if let Some(Value::String(rendered)) = message.get_mut("rendered") {
        *rendered = translator.rendered(rendered);
    }
    let mut line = serde_json::to_vec(&message).ok()?;
    line.push(b'\n');
    Some(line)
}

/// What is known of files of interface source.
#[derive(Default)]
struct Translator {
    /// By their paths: what the true source is called, and where everything is in it.
    files: BTreeMap<String, (PathBuf, Origins)>,
    /// The directories that have been looked at.
    seen: Vec<PathBuf>,
}

/// The files of this machine, with lines that end in LF: so has interface source.
struct Normalised;

impl Files for Normalised {
    fn read(&self, path: &Path) -> io::Result<String> {
        Ok(std::fs::read_to_string(path)?.replace("\r\n", "\n"))
    }
}

impl Translator {
    /// Every span in a message.
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(map) => {
                map.values_mut().for_each(|value| self.value(value));
                if let Some(Value::String(path)) = map.get("file_name")
                    && path.contains(MARK)
                {
                    let path = path.clone();
                    self.look_at(&path);
                    self.span(map, &path);
                }
            }
            _ => {}
        }
    }

    fn span(&self, span: &mut serde_json::Map<String, Value>, path: &str) -> Option<()> {
        let (original, origins) = self.files.get(path)?;
        let number = |name: &str| span.get(name)?.as_u64().and_then(|number| usize::try_from(number).ok());
        let start = Position { line: number("line_start")?, column: number("column_start")? };
        let end = Position { line: number("line_end")?, column: number("column_end")? };
        let [(start, from), (end, to)] = origins.span(start, end)?;
        let text = (start.line..=end.line).map(|line| {
            let text = origins.true_line(line).unwrap_or_default();
            let first = if line == start.line { start.column } else { 1 };
            let last = if line == end.line { end.column } else { text.chars().count() + 1 };
            serde_json::json!({ "text": text, "highlight_start": first, "highlight_end": last })
        });
        let text: Vec<Value> = text.collect();
        let numbers = [
            ("line_start", start.line),
            ("column_start", start.column),
            ("line_end", end.line),
            ("column_end", end.column),
            ("byte_start", from),
            ("byte_end", to),
        ];
        for (name, number) in numbers {
            span.insert(name.into(), number.into());
        }
        span.insert("text".into(), text.into());
        span.insert("file_name".into(), original.to_string_lossy().into());
        Some(())
    }

    /// Learns where everything is that is in the same interface source as this file.
    fn look_at(&mut self, path: &str) {
        let Some(directory) = path.find(MARK).map(|at| PathBuf::from(&path[..at + MARK.len() - 1])) else { return };
        if !self.seen.contains(&directory) {
            self.files.extend(known(&directory).unwrap_or_default());
            self.seen.push(directory);
        }
    }

    /// Text for people: the paths, and the numbers of the lines that are shown below them.
    fn rendered(&self, text: &str) -> String {
        let mut lines: Vec<Shown> = Vec::new();
        let mut file = None;
        for line in text.split('\n') {
            let plain = without_colours(line);
            let heads = plain.trim_start().starts_with("--> ") || plain.trim_start().starts_with("::: ");
            if heads {
                file = self.files.iter().find(|(path, _)| plain.contains(&format!("{path}:")));
            }
            if plain.starts_with(|first: char| first.is_alphabetic()) {
                // A new section, which is about the file of the diagnostic unless it says something else.
                file = None;
            }
            lines.push(match file {
                Some((path, (original, origins))) if heads => Shown::framed(head(line, path, original, origins)),
                Some((_, (_, origins))) => code(line, origins),
                None => Shown::of(line),
            });
        }
        let digits = lines.iter().filter_map(|line| line.number).max().map_or(0, |number| number.to_string().len());
        let width = lines.iter().find_map(|line| line.frame).unwrap_or(digits);
        let wider = digits.saturating_sub(width);
        let lines: Vec<String> = lines.into_iter().map(|line| line.print(width + wider, wider)).collect();
        lines.join("\n")
    }
}

/// A line of rendered text.
struct Shown {
    before: String,
    /// The number of a line of code, at the left edge.
    number: Option<usize>,
    after: String,
    /// The width of the numbers, if the line tells.
    frame: Option<usize>,
}

impl Shown {
    /// A line whose number, if it has one, is right.
    fn of(line: &str) -> Self {
        match numbered(line) {
            Some((before, number, after)) => {
                Self { before: before.into(), number: Some(number), after: after.into(), frame: None }
            }
            None => Self::framed(line.into()),
        }
    }

    fn framed(line: String) -> Self {
        let plain = without_colours(&line);
        let spaces = plain.len() - plain.trim_start().len();
        let frame = plain.trim_start().starts_with("--> ").then_some(spaces);
        Self { before: line, number: None, after: String::new(), frame }
    }

    fn print(self, width: usize, wider: usize) -> String {
        let Self { before, number, after, .. } = self;
        match number {
            Some(number) => format!("{before}{number:>width$}{after}"),
            None if is_framed(&before) => " ".repeat(wider) + &before,
            None => before,
        }
    }
}

/// Whether the line is beside the numbers: it begins with as many spaces as they are wide.
fn is_framed(line: &str) -> bool {
    let plain = without_colours(line);
    let rest = plain.trim_start();
    plain.starts_with(' ') && ["|", "--> ", "::: ", "= "].iter().any(|mark| rest.starts_with(mark))
}

/// `12 | code`: what is before the number and the spaces that fill it up, the number, and what is behind it.
fn numbered(line: &str) -> Option<(&str, usize, &str)> {
    let bytes = line.as_bytes();
    let start = skip_colours(bytes, 0);
    let fill = start + bytes[start..].iter().take_while(|&&byte| byte == b' ').count();
    let end = fill + bytes[fill..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = line[fill..end].parse().ok()?;
    let mark = line[end..].split('|').next().filter(|mark| mark.len() < line.len() - end)?;
    without_colours(mark).trim().is_empty().then_some((&line[..start], number, &line[end..]))
}

/// A line that says where something is.
fn head(line: &str, path: &str, original: &Path, origins: &Origins) -> String {
    let Some((before, rest)) = line.split_once(&format!("{path}:")) else { return line.into() };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(digits(rest));
    let Some(rest) = rest.strip_prefix(':') else { return line.into() };
    let (column, rest) = rest.split_at(digits(rest));
    let place = number.parse().ok().zip(column.parse().ok()).map(|(line, column)| Position { line, column });
    match place.and_then(|place| origins.span(place, place)) {
        Some([(place, _), _]) => format!("{before}{}:{}:{}{rest}", original.display(), place.line, place.column),
        None => line.into(),
    }
}

/// A line of interface source, or something below it.
fn code(line: &str, origins: &Origins) -> Shown {
    let Some((before, number, after)) = numbered(line) else { return Shown::framed(line.into()) };
    let Some(new) = origins.line(number) else { return Shown::of(line) };
    let mut after = after.to_owned();
    // The true line, where what is below it still points at the same.
    let (interface, original) = (origins.interface_line(number).unwrap_or_default(), origins.true_line(new).unwrap_or_default());
    let signature = interface.strip_suffix("loop {} }").unwrap_or(interface).trim_end();
    if after.ends_with(interface) {
        let is_same = original.starts_with(signature.trim_end_matches('{').trim_end()) && !original.trim().is_empty();
        after.truncate(after.len() - interface.len());
        after.push_str(if is_same { original } else { signature });
    }
    Shown { before: before.into(), number: Some(new), after, frame: None }
}

/// Behind the colours (`ESC [ ... m`) that begin at a byte.
fn skip_colours(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&0x1b) {
        at += bytes[at..].iter().position(|&byte| byte == b'm').map_or(1, |end| end + 1);
    }
    at
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(next) = line[at..].find('\x1b') {
        plain.push_str(&line[at..at + next]);
        at = skip_colours(line.as_bytes(), at + next);
    }
    plain.push_str(&line[at..]);
    plain
}

/// Everything in one directory of interface source, if it is that of the true source as it is now.
fn known(directory: &Path) -> Option<Vec<(String, (PathBuf, Origins))>> {
    let name = directory.file_name()?.to_str()?.strip_suffix(MARK.trim_end_matches('/'))?;
    let state = Place::of(directory.parent().filter(|parent| parent.ends_with(HOLLOW_DIRECTORY))?, name.as_ref()).read()?;
    let interface = state.metadata?.interface?;
    let krate = interface.options.load(&interface.root, Normalised, interface.out_dir.as_deref()).ok()?;
    let places = overlay::places(&krate, &krate.interface(&interface.options), directory);
    let origins = krate.origins(&interface.options).into_iter().filter_map(|(path, origins)| {
        let place = places.iter().find(|(source, _)| *source == path).map(|(_, place)| place)?;
        // Something else was compiled.
        let same = std::fs::read_to_string(place).is_ok_and(|text| text == origins.text());
        same.then(|| (place.to_string_lossy().into_owned(), (path, origins)))
    });
    Some(origins.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::{Crate, Lines, Options};

    struct One(String);

    impl Files for One {
        fn read(&self, _: &Path) -> io::Result<String> {
            Ok(self.0.clone())
        }
    }

    const PATH: &str = "/t/_hollow/liba_meta.interface/src/lib.rs";

    /// The interface source of a file in which a function is on line 101.
    fn translator() -> Translator {
        let source = "// A comment.\n".repeat(100) + "pub fn  f(a: u8) -> u8 { a }\npub fn g(a: u8) -> u8 { a }\n";
        let krate = Crate::load(Path::new("src/lib.rs"), &One(source), None).unwrap();
        let options = Options { lines: Lines::Drop, ..Options::default() };
        let origins = krate.origins(&options).remove(0);
        assert_eq!(origins.1.text(), "pub fn f(a: u8) -> u8 { loop {} }\npub fn g(a: u8) -> u8 { loop {} }\n");
        let directory = PATH.strip_suffix("/src/lib.rs").unwrap();
        Translator { files: [(PATH.to_owned(), origins)].into(), seen: vec![directory.into()] }
    }

    #[test]
    fn spans_are_those_of_the_true_source() {
        let mut span = serde_json::json!({ "spans": [{
            "file_name": PATH, "line_start": 1, "line_end": 1, "column_start": 8, "column_end": 9, "byte_start": 7, "byte_end": 8,
            "is_primary": true, "text": [{ "text": "pub fn f(a: u8) -> u8 { loop {} }", "highlight_start": 8, "highlight_end": 9 }],
        }] });
        translator().value(&mut span);
        assert_eq!(
            span["spans"][0],
            serde_json::json!({
                "file_name": "src/lib.rs", "line_start": 101, "line_end": 101, "column_start": 9, "column_end": 10, "byte_start": 1408,
                "byte_end": 1409, "is_primary": true,
                "text": [{ "text": "pub fn  f(a: u8) -> u8 { a }", "highlight_start": 9, "highlight_end": 10 }],
            })
        );
    }

    #[test]
    fn rendered_text_makes_room_for_longer_numbers() {
        let text = format!(
            "error[E0061]: wrong\n --> src/main.rs:8:14\n  |\n8 | fn wrong() {{ a::f(); }}\n  |              ^^^^\n  |\nnote: function defined here\n \
             --> {PATH}:2:8\n  |\n2 | pub fn g(a: u8) -> u8 {{ loop {{}} }}\n  |        ^\n  = note: x\n ::: {PATH}:1:8\n  |\n1 | pub fn f(a: u8) -> u8 \
             {{ loop {{}} }}\n  | ------ here\n\n"
        );
        insta::assert_snapshot!(translator().rendered(&text), @r"
        error[E0061]: wrong
           --> src/main.rs:8:14
            |
          8 | fn wrong() { a::f(); }
            |              ^^^^
            |
        note: function defined here
           --> src/lib.rs:102:8
            |
        102 | pub fn g(a: u8) -> u8 { a }
            |        ^
            = note: x
           ::: src/lib.rs:101:9
            |
        101 | pub fn f(a: u8) -> u8 {
            | ------ here
        ");
        let coloured = format!(
            " \u{1b}[1m\u{1b}[94m--> \u{1b}[0m{PATH}:2:8\n  \u{1b}[1m\u{1b}[94m|\u{1b}[0m\n\u{1b}[1m\u{1b}[94m2\u{1b}[0m \
             \u{1b}[1m\u{1b}[94m|\u{1b}[0m pub fn g(a: u8) -> u8 {{ loop {{}} }}"
        );
        insta::assert_snapshot!(translator().rendered(&coloured).replace('\u{1b}', "~"), @r"
           ~[1m~[94m--> ~[0msrc/lib.rs:102:8
            ~[1m~[94m|~[0m
        ~[1m~[94m102~[0m ~[1m~[94m|~[0m pub fn g(a: u8) -> u8 { a }
        ");
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for line in
            ["", "{}", "{\"message\":\"x\"}", "_meta.interface/", "{\"file_name\":\"/no/_hollow/x_meta.interface/lib.rs\"}"]
        {
            let translated = in_true_source(line.as_bytes());
            assert!(translated.is_none_or(|translated| translated == format!("{line}\n").as_bytes()), "{line}");
        }
    }
}
