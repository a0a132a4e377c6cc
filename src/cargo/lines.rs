//! Lines of kept metadata are those of the version that was published. A diagnostic of a dependent that points there is made to point to where the item is
//! now, in the JSON spans and in the rendered text. (rustc sees that the file is another one, and shows no text of it.)

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use super::kept::Source;
use super::state::Place;
use super::unit::Unit;
use crate::interface::Origins;
use crate::rustc::{Extern, Name};

/// The sources of dependencies that have changed since they were published.
pub struct Moved<'a> {
    unit: &'a Unit,
    /// By what they are called in diagnostics: each as it was, and as it is now.
    files: OnceCell<BTreeMap<String, (Origins, Origins)>>,
}

impl<'a> Moved<'a> {
    /// Of what a unit is compiled against.
    pub fn of(unit: &'a Unit) -> Self {
        Self { unit, files: OnceCell::new() }
    }

    /// A line of the compiler's with places as they are now. `None` if there is nothing to change.
    pub fn as_it_is_now(&self, line: &[u8]) -> Option<Vec<u8>> {
        if !line.starts_with(b"{\"$message_type\":\"diagnostic\"") {
            return None;
        }
        let files = self.files.get_or_init(|| self.files());
        let text = std::str::from_utf8(line).ok()?;
        if !files.keys().any(|path| text.contains(&**path)) {
            return None;
        }
        let mut message: Value = serde_json::from_str(text).ok()?;
        in_spans(&mut message, files);
        if let Some(Value::String(rendered)) = message.get_mut("rendered") {
            *rendered = files.iter().fold(std::mem::take(rendered), |text, (path, moved)| in_text(&text, path, moved));
        }
        let mut line = serde_json::to_vec(&message).ok()?;
        line.push(b'\n');
        Some(line)
    }

    fn files(&self) -> BTreeMap<String, (Origins, Origins)> {
        let mut files = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut paths: Vec<PathBuf> = self.unit.line.values(Name::Extern).filter_map(|value| Extern::parse(value).path).collect();
        while let Some(path) = paths.pop() {
            let place = Place::of_output(&path);
            let Some(state) = place.read().filter(|_| seen.insert(place.clone())) else { continue };
            let Some(made) = state.made else { continue };
            paths.extend(made.inputs.given.paths());
            let changed = |published: &super::state::Published| published.inputs.read.files != made.inputs.read.files;
            let Some(published) = state.published.filter(changed) else { continue };
            let Some((old, new)) = Source::versions(&place, &published.root, &published.options, None) else { continue };
            let mut new: BTreeMap<_, _> = new.origins().into_iter().collect();
            for (path, old) in old.origins() {
                if let Some(new) = new.remove(&path).filter(|new| old.differs(new)) {
                    files.insert(path.display().to_string(), (old, new));
                }
            }
        }
        files
    }
}

/// Every span in a message.
fn in_spans(value: &mut Value, files: &BTreeMap<String, (Origins, Origins)>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| in_spans(value, files)),
        Value::Object(map) => {
            map.values_mut().for_each(|value| in_spans(value, files));
            let Some((old, new)) = map.get("file_name").and_then(Value::as_str).and_then(|path| files.get(path)) else { return };
            for name in ["line_start", "line_end"] {
                let line = map.get(name).and_then(Value::as_u64).and_then(|line| old.line_in(new, usize::try_from(line).ok()?));
                if let Some(line) = line {
                    map.insert(name.into(), line.into());
                }
            }
        }
        _ => {}
    }
}

/// Every `PATH:LINE:COLUMN`. Without the text, rustc counts columns from 0 (`rustc_errors::emitter`).
fn in_text(text: &str, path: &str, (old, new): &(Origins, Origins)) -> String {
    let mut parts = text.split(path);
    let mut translated = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        translated.push_str(path);
        let place = || {
            let (line, rest) = part.strip_prefix(':')?.split_once(':')?;
            let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            let column: usize = rest[..digits].parse().ok()?;
            Some((old.line_in(new, line.parse().ok()?)?, column + 1, &rest[digits..]))
        };
        match place() {
            Some((line, column, rest)) => translated.push_str(&format!(":{line}:{column}{rest}")),
            None => translated.push_str(part),
        }
    }
    translated
}
