//! Modules that are there on other systems only. All other configurations are treated alike; but a declaration for another system that concerns
//! the whole crate would keep all of it.

use super::lex::{Kind, Tokens};
use super::tree::Source;

/// The `target_os` of a target, or of this machine if there is none. None if that is not certain.
pub(super) fn target_os(target: Option<&str>) -> Option<&'static str> {
    let Some(target) = target else { return Some(std::env::consts::OS) };
    // The third part of a triple; in `linux-android` and the like the fourth tells more.
    match target.split('-').collect::<Vec<_>>()[..] {
        [_, _, "linux", "gnu" | "musl" | "gnueabihf" | "musleabihf"] => Some("linux"),
        [_, "apple", "darwin"] => Some("macos"),
        [_, "pc", "windows", "msvc" | "gnu"] => Some("windows"),
        _ => None,
    }
}

/// For each source whether each of its declarations, or one around it, needs another system.
pub(super) fn elsewhere(sources: &[Source], target_os: Option<&str>) -> Vec<bool> {
    let mut elsewhere = vec![false; sources.len()];
    let Some(target_os) = target_os else { return elsewhere };
    loop {
        let needs_another = |&(declarer, module): &(usize, usize)| {
            let source: &Source = &sources[declarer];
            let module = source.file.shape.as_ref().and_then(|shape| shape.modules.get(module));
            let tokens = source.file.tokens();
            elsewhere[declarer]
                || module
                    .is_some_and(|module| module.attributes.iter().any(|place| is_for_another(tokens.within(place), target_os)))
        };
        let is_new = |index: &usize| {
            let declared = &sources[*index].declared;
            !elsewhere[*index] && !sources[*index].opaque && !declared.is_empty() && declared.iter().all(needs_another)
        };
        let Some(found) = (0..sources.len()).find(is_new) else { return elsewhere };
        elsewhere[found] = true;
    }
}

/// Whether an attribute is a `cfg` with `target_os = "..."` of another system, alone or in an `all(...)`.
fn is_for_another(tokens: Tokens<'_>, target_os: &str) -> bool {
    if !(tokens.is_word(2, "cfg") && tokens.kind(3) == Some(Kind::Open(b'('))) {
        return false;
    }
    let is_all = tokens.is_word(4, "all") && tokens.kind(5) == Some(Kind::Open(b'('));
    let mut index = if is_all { 6 } else { 4 };
    while index < tokens.len() && !matches!(tokens.kind(index), Some(Kind::Close(_))) {
        let is_other = tokens.string(index + 2).is_some_and(|os| os != target_os);
        if tokens.is_word(index, "target_os") && tokens.is_punct(index + 1, b'=') && is_other {
            return true;
        }
        index = if tokens.is_open(index) { tokens.behind_group(index) } else { index + 1 };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::lex::lex;
    use super::*;

    #[test]
    fn a_system_is_known_by_its_target() {
        assert_eq!(target_os(Some("x86_64-unknown-linux-gnu")), Some("linux"));
        assert_eq!(target_os(Some("aarch64-apple-darwin")), Some("macos"));
        assert_eq!(target_os(Some("aarch64-linux-android")), None);
        assert_eq!(target_os(Some("wasm32-unknown-emscripten")), None);
        assert_eq!(target_os(None), Some(std::env::consts::OS));
    }

    #[test]
    fn only_what_certainly_needs_another_system_does() {
        let other = |text: &str| is_for_another(Tokens { text, tokens: &lex(text, 0).tokens }, "linux");
        assert!(other("#[cfg(target_os = \"wasi\")]"));
        assert!(other("#[cfg(all(feature = \"a\", not(b), target_os = \"wasi\"))]"));
        for text in [
            "#[cfg(target_os = \"linux\")]",
            "#[cfg(any(target_os = \"wasi\", a))]",
            "#[cfg(not(target_os = \"wasi\"))]",
            "#[cfg(all(a, any(b, target_os = \"wasi\")))]",
            "#[cfg(all(a, not(target_os = \"wasi\")))]",
            "#[cfg_attr(target_os = \"wasi\", path = \"x\")]",
            "#[cfg(unix)]",
        ] {
            assert!(!other(text), "{text}");
        }
    }
}
