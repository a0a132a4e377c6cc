//! `use` statements in one form, whatever the order of their names.

use syn::{ItemUse, UseTree};

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
