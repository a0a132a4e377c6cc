//! How two interface sources differ, in the words of a person.

use std::collections::BTreeMap;
use std::path::PathBuf;

use quote::ToTokens;
use syn::{ImplItem, Item, TraitItem};

/// The first difference between two sets of files, such as `fn f added`. None if none is found in their items: then the order differs, or
/// something that is no item.
pub fn difference(old: &[(PathBuf, String)], new: &[(PathBuf, String)]) -> Option<String> {
    let text_before = |path: &PathBuf| old.iter().find(|(old, _)| old == path).map_or("", |(_, text)| text);
    { new }.iter().filter(|(path, text)| text_before(path) != text).find_map(|(path, text)| {
        let (before, after) = (items(text_before(path))?, items(text)?);
        let added = after.iter().find(|(label, _)| !before.contains_key(*label)).map(|(label, _)| format!("{label} added"));
        let removed = || before.keys().find(|label| !after.contains_key(*label)).map(|label| format!("{label} removed"));
        let changed = || {
            let changed = before.iter().find(|(label, text)| after.get(*label) != Some(text));
            changed.map(|(label, _)| format!("{label} changed"))
        };
        // A new name for something is an addition and a removal.
        added.or_else(removed).or_else(changed)
    })
}

/// The items of a file by what a person would call them, with their text.
fn items(text: &str) -> Option<BTreeMap<String, String>> {
    let file = syn::parse_file(text).ok()?;
    let mut items = Items::default();
    items.list("", &file.items);
    proc_macro2::extra::invalidate_current_thread_spans();
    Some(items.found)
}

#[derive(Default)]
struct Items {
    found: BTreeMap<String, String>,
}

impl Items {
    fn list(&mut self, module: &str, items: &[Item]) {
        for item in items {
            let named = |kind: &str, name: &dyn std::fmt::Display| format!("{kind} {module}{name}");
            let label = match item {
                Item::Const(item) => named("const", &item.ident),
                Item::Enum(item) => named("enum", &item.ident),
                Item::ExternCrate(item) => named("extern crate", &item.ident),
                Item::Fn(item) => named("fn", &item.sig.ident),
                Item::Macro(item) => match &item.ident {
                    Some(name) => named("macro", name),
                    None => named("call of macro", &item.mac.path.to_token_stream()),
                },
                Item::Static(item) => named("static", &item.ident),
                Item::Struct(item) => named("struct", &item.ident),
                Item::TraitAlias(item) => named("trait", &item.ident),
                Item::Type(item) => named("type", &item.ident),
                Item::Union(item) => named("union", &item.ident),
                Item::Use(item) => named("use", &item.tree.to_token_stream().to_string().replace(' ', "")),
                Item::Mod(item) => {
                    if let Some((_, items)) = &item.content {
                        self.list(&format!("{module}{}::", item.ident), items);
                    }
                    named("mod", &item.ident)
                }
                Item::Trait(item) => {
                    for member in &item.items {
                        let name = match member {
                            TraitItem::Const(member) => &member.ident,
                            TraitItem::Fn(member) => &member.sig.ident,
                            TraitItem::Type(member) => &member.ident,
                            _ => continue,
                        };
                        self.add(format!("{module}{}::{name}", item.ident), member);
                    }
                    named("trait", &item.ident)
                }
                Item::Impl(item) => {
                    let target = compact(&item.self_ty);
                    for member in &item.items {
                        let name = match member {
                            ImplItem::Const(member) => &member.ident,
                            ImplItem::Fn(member) => &member.sig.ident,
                            ImplItem::Type(member) => &member.ident,
                            _ => continue,
                        };
                        self.add(format!("{module}{target}::{name}"), member);
                    }
                    match &item.trait_ {
                        Some((path, _)) => format!("impl {} for {module}{target}", compact(path)),
                        None => format!("impl {module}{target}"),
                    }
                }
                _ => continue,
            };
            // What is in it has been listed.
            match item {
                Item::Mod(item) if item.content.is_some() => self.add(label, &item.ident),
                Item::Impl(item) => self.add(label, &item.generics),
                _ => self.add(label, item),
            }
        }
    }

    fn add(&mut self, label: String, item: &impl ToTokens) {
        let text = item.to_token_stream().to_string();
        let first = label.clone();
        let mut label = label;
        let mut number = 2;
        while self.found.contains_key(&label) {
            label = format!("{first} (number {number})");
            number += 1;
        }
        self.found.insert(label, text);
    }
}

fn compact(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(old: &str, new: &str) -> String {
        let files = |text: &str| vec![(PathBuf::from("src/lib.rs"), text.to_owned())];
        difference(&files(old), &files(new)).unwrap_or_else(|| "?".into())
    }

    #[test]
    fn the_first_difference_has_a_name() {
        let old = "pub fn f() {} pub struct S; impl S { pub fn m(&self) {} } mod a { pub const C: u8 = 1; } impl Clone for S {}";
        let edits = [
            ("pub fn f() {}", "pub fn f() {} pub fn g() {}"),
            ("pub fn f() {}", "pub fn f(x: u8) {}"),
            ("pub fn f() {}", ""),
            ("pub struct S;", "pub struct S(u8);"),
            ("pub fn m(&self) {}", "pub fn m(&mut self) {}"),
            ("pub fn m(&self) {}", "pub fn m(&self) {} fn n() {}"),
            ("u8 = 1", "u8 = 2"),
            ("impl Clone for S {}", ""),
            ("impl Clone for S {}", "impl Clone for S {} impl<T> From<T> for S {}"),
            ("pub fn f() {}", "pub fn f( ) { }"),
            ("pub fn f() {}", "pub fn f( {}"),
        ];
        let said: Vec<_> = edits.iter().map(|(from, to)| between(old, &old.replace(from, to))).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        fn g added
        fn f changed
        fn f removed
        struct S changed
        S::m changed
        S::n added
        const a::C changed
        impl Clone for S removed
        impl From<T> for S added
        ?
        ?
        ");
    }
}
