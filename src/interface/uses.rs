//! `use` statements: the names that they give, and one form for each, whatever the order of its names.

use syn::{Attribute, ItemExternCrate, ItemUse, UseTree, Visibility};

use super::shape::plain;

/// One name, or all names, that a `use` or an `extern crate` gives to a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// The path, with `self` only where it comes first.
    pub path: Vec<String>,
    /// The path begins with `::`, or is the name of a crate.
    pub global: bool,
    /// The name that it gives; none for a glob.
    pub name: Option<String>,
    /// Other modules can see it.
    pub public: bool,
    /// It is under a `cfg`.
    pub conditional: bool,
    /// Where the `use` or `extern` is.
    pub keyword: u32,
}

impl Import {
    /// Those of a `use`.
    pub fn of_use(item: &ItemUse, keyword: u32) -> Vec<Self> {
        let mut imports = Vec::new();
        let whole = Self {
            path: Vec::new(),
            global: item.leading_colon.is_some(),
            name: None,
            public: !matches!(item.vis, Visibility::Inherited),
            conditional: is_conditional(&item.attrs),
            keyword,
        };
        whole.tree(&item.tree, &mut imports);
        imports
    }

    /// That of an `extern crate`. `extern crate self as x` is this crate.
    pub fn of_crate(item: &ItemExternCrate, keyword: u32) -> Self {
        let name = plain(&item.ident);
        let given = item.rename.as_ref().map_or_else(|| name.clone(), |(_, name)| plain(name));
        let public = !matches!(item.vis, Visibility::Inherited);
        let global = name != "self";
        Self {
            path: vec![if global { name } else { "crate".into() }],
            global,
            name: Some(given),
            public,
            conditional: is_conditional(&item.attrs),
            keyword,
        }
    }

    fn tree(&self, tree: &UseTree, imports: &mut Vec<Self>) {
        let mut import = self.clone();
        match tree {
            UseTree::Path(path) => {
                import.path.push(plain(&path.ident));
                return import.tree(&path.tree, imports);
            }
            UseTree::Group(group) => return group.items.iter().for_each(|member| self.tree(member, imports)),
            UseTree::Glob(_) => {}
            UseTree::Name(name) => import.step(&name.ident, &name.ident),
            UseTree::Rename(rename) => import.step(&rename.ident, &rename.rename),
        }
        imports.push(import);
    }

    fn step(&mut self, name: &syn::Ident, given: &syn::Ident) {
        let name = plain(name);
        if name != "self" || self.path.is_empty() {
            self.path.push(name);
        }
        let given = plain(given);
        self.name = if given == "self" { self.path.last().cloned() } else { Some(given) };
    }
}

fn is_conditional(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
}

/// What an import stands for, from its path on: groups are sorted, groups of one are opened and trailing commas are gone, as rustfmt
/// does it.
pub(super) fn render(item: &ItemUse) -> String {
    let mut text = String::new();
    if item.leading_colon.is_some() {
        text.push_str("::");
    }
    tree(&item.tree, &mut text);
    text
}

fn tree(tree_: &UseTree, text: &mut String) {
    match tree_ {
        UseTree::Path(path) => {
            text.push_str(&path.ident.to_string());
            text.push_str("::");
            tree(&path.tree, text);
        }
        UseTree::Name(name) => text.push_str(&name.ident.to_string()),
        UseTree::Rename(rename) => {
            text.push_str(&rename.ident.to_string());
            text.push_str(" as ");
            text.push_str(&rename.rename.to_string());
        }
        UseTree::Glob(_) => text.push('*'),
        UseTree::Group(group) => {
            let mut members: Vec<String> = group.items.iter().map(rendered).collect();
            members.sort_unstable();
            match &members[..] {
                // `use a::{self}` imports the module only, `use a` whatever is called so; and `use a::self` is no Rust.
                [only] if only != "self" && !only.starts_with("self as ") => text.push_str(only),
                _ => {
                    text.push('{');
                    text.push_str(&members.join(", "));
                    text.push('}');
                }
            }
        }
    }
}

fn rendered(member: &UseTree) -> String {
    let mut text = String::new();
    tree(member, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        render(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn the_order_of_names_does_not_matter() {
        assert_eq!(rendered("use ::a::{c as _, b::{self, x, *}, r#mod};"), "::a::{b::{*, self, x}, c as _, r#mod}");
        assert_eq!(rendered("use a::{r#mod,b::{x,*,self,},c as _};"), "a::{b::{*, self, x}, c as _, r#mod}");
    }

    #[test]
    fn a_group_of_one_is_opened_unless_it_is_self() {
        assert_eq!(rendered("use a::{{b}};"), "a::b");
        assert_eq!(rendered("use a::{self};"), "a::{self}");
        assert_eq!(rendered("use {crate::a::{self as b}};"), "crate::a::{self as b}");
        assert_eq!(rendered("use a::{};"), "a::{}");
    }
}
