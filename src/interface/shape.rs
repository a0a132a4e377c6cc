//! Where the functions, modules and `use` statements of a file are.
//!
//! syn parses the text once; everything that is needed later is taken from the tree as byte places, and the tree is dropped.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{AttrStyle, Attribute, FnArg, GenericParam, Generics, ImplItem, Item, Signature, TraitItem, Type, Visibility};

use super::inert;
use super::lex::{Place, Tokens};
use super::reason::Reason;
use super::uses::{self, Import};

/// Where things are in a file.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub functions: Vec<Function>,
    /// Scope 0 is the file itself; a scope comes after the one that it is in.
    pub scopes: Vec<Scope>,
    pub modules: Vec<Module>,
    /// For each module of the file, itself included: its items in their order.
    pub containers: Vec<Vec<Entry>>,
    /// The inline modules, each with those around it, outermost first.
    pub inline: Vec<Vec<Segment>>,
}

/// A function with a body.
#[derive(Debug)]
pub(super) struct Function {
    pub name: String,
    /// All of it, attributes and doc comments included.
    pub place: Place,
    /// The body with its braces.
    pub body: Place,
    pub scope: usize,
    /// Attributes inside its body that are its own.
    pub inner_attributes: Vec<Place>,
    /// A reason to stay that the syntax alone tells.
    pub stays: Option<Reason>,
    /// From where it can be named.
    pub seen: Seen,
}

/// From where something can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// From the module that it is in, and those inside.
    Module,
    /// From the module around that, too.
    Parent,
    /// From anywhere in the crate.
    Crate,
    /// From other crates, too, as far as its own visibility goes.
    Anywhere,
}

/// A module, an `impl`, or what a macro is called with.
#[derive(Debug)]
pub(super) struct Scope {
    pub is_module: bool,
    pub parent: Option<usize>,
    /// For messages: `name::` or `Type::`; empty for the file.
    pub label: String,
    pub attributes: Vec<Place>,
    /// Where the `!` of the macro call is.
    pub through: Option<u32>,
    /// Where it is, if it is a module.
    pub place: Place,
    /// Its `use` statements and those `extern crate`, if it is a module.
    pub imports: Vec<Import>,
    /// The names of its enums, if it is a module.
    pub enums: Vec<String>,
}

/// `mod name;`
#[derive(Debug)]
pub(super) struct Module {
    pub name: String,
    pub scope: usize,
    /// Where its `mod` is.
    pub keyword: u32,
    pub attributes: Vec<Place>,
    /// The inline modules around it, outermost first, with the values of their `#[path]`.
    pub around: Vec<Segment>,
    pub path: PathAttribute,
}

/// An inline module as a step on the way to a file.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub name: String,
    pub path: PathAttribute,
}

/// The values of `#[path]` on a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PathAttribute {
    pub values: Vec<String>,
    /// One of them holds whatever the configuration.
    pub always: bool,
}

/// An item, as far as its order matters.
#[derive(Debug)]
pub(super) enum Entry {
    Use { place: Place, keyword: u32, tree: String },
    Module { place: Place, sortable: bool },
    Function(usize),
    Other,
}

impl Shape {
    /// Takes the places from a tree whose text begins at a byte.
    pub fn of(file: &syn::File, tokens: Tokens<'_>, from: usize) -> Self {
        let mut walk = Walk { tokens, from, shape: Self::default(), around: Vec::new(), calls: 0 };
        walk.scope(None, Some(0..u32::MAX), String::new(), &file.attrs);
        walk.items(&file.items, 0);
        walk.shape
    }
}

impl Shape {
    /// The modules and the type around something, for messages.
    pub fn label(&self, scope: usize) -> String {
        let scope = &self.scopes[scope];
        scope.parent.map_or_else(String::new, |parent| self.label(parent)) + &scope.label
    }

    /// Whether a scope is in a macro call.
    pub fn is_in_call(&self, scope: usize) -> bool {
        let scope = &self.scopes[scope];
        scope.through.is_some() || scope.parent.is_some_and(|parent| self.is_in_call(parent))
    }

    /// Whether `mod x;` is in a macro call.
    pub fn declares_in_calls(&self) -> bool {
        self.modules.iter().any(|module| self.is_in_call(module.scope))
    }

    /// The module that a scope is, or that it is in.
    pub fn module_of(&self, mut scope: usize) -> usize {
        while let (false, Some(parent)) = (self.scopes[scope].is_module, self.scopes[scope].parent) {
            scope = parent;
        }
        scope
    }
}

struct Walk<'a> {
    tokens: Tokens<'a>,
    from: usize,
    shape: Shape,
    around: Vec<Segment>,
    /// How many macro calls are around.
    calls: usize,
}

/// What of an `impl` holds for all its members.
#[derive(Clone, Copy)]
struct Owner {
    generic: bool,
    odd: bool,
    has_macro: bool,
    is_trait: bool,
}

/// Members of an `impl` in a macro call.
struct Members(Vec<ImplItem>);

impl Parse for Members {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut members = Vec::new();
        while !input.is_empty() {
            members.push(input.parse()?);
        }
        Ok(Self(members))
    }
}

impl Walk<'_> {
    fn items(&mut self, items: &[Item], scope: usize) {
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            entries.push(match item {
                Item::Fn(item) => Entry::Function(self.function(
                    &item.attrs,
                    Some(&item.vis),
                    item.modifiers.require_empty().is_err(),
                    &item.sig,
                    &item.block,
                    scope,
                )),
                Item::Use(item) => self.import(item, scope),
                Item::Mod(item) => self.module(item, scope),
                Item::Impl(item) => {
                    self.implementation(item, scope);
                    Entry::Other
                }
                Item::Trait(item) => {
                    self.trait_(item, scope);
                    Entry::Other
                }
                Item::Macro(item) => {
                    self.items_in_call(&item.mac, scope);
                    Entry::Other
                }
                // Of what is in a macro call nobody knows yet what becomes of it.
                _ if self.calls > 0 => Entry::Other,
                Item::Enum(item) => {
                    self.shape.scopes[scope].enums.push(plain(&item.ident));
                    Entry::Other
                }
                Item::ExternCrate(item) => {
                    let keyword = self.start(item.extern_token.span);
                    self.shape.scopes[scope].imports.push(Import::of_crate(item, keyword));
                    Entry::Other
                }
                _ => Entry::Other,
            });
        }
        // What is in a macro call stays in its order.
        if self.calls == 0 {
            self.shape.containers.push(entries);
        }
    }

    /// What a macro is called with, if it is items: `m! { items }`, `m! { #![a] items }`, `cfg_if! { if #[cfg(a)] { items } else { items } }`.
    fn items_in_call(&mut self, call: &syn::Macro, scope: usize) {
        let blocks: Vec<TokenStream> = if call.path.segments.last().is_some_and(|last| last.ident == "cfg_if") {
            let blocks = call.tokens.clone().into_iter().filter_map(|tree| match tree {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
                _ => None,
            });
            blocks.collect()
        } else {
            vec![call.tokens.clone()]
        };
        let files: syn::Result<Vec<syn::File>> = blocks.into_iter().map(syn::parse2).collect();
        let Ok(files) = files else { return };
        let inner = self.enter_call(call, scope);
        for file in files {
            self.items(&file.items, inner);
        }
        self.calls -= 1;
    }

    fn enter_call(&mut self, call: &syn::Macro, scope: usize) -> usize {
        let inner = self.scope(Some(scope), None, String::new(), &[]);
        self.shape.scopes[inner].through = Some(self.start(call.bang_token.span));
        self.calls += 1;
        inner
    }

    fn function(
        &mut self,
        attributes: &[Attribute],
        visibility: Option<&Visibility>,
        qualified: bool,
        signature: &Signature,
        block: &syn::Block,
        scope: usize,
    ) -> usize {
        let first = outer_start(attributes)
            .or_else(|| visibility.and_then(visibility_start))
            .unwrap_or_else(|| signature_start(signature));
        let body = self.start(block.brace_token.span.open())..self.end(block.brace_token.span.close());
        let name = plain(&signature.ident);
        let is_main = scope == 0 && name == "main";
        self.shape.functions.push(Function {
            place: self.start(first)..body.end,
            body,
            scope,
            inner_attributes: attributes
                .iter()
                .filter(|attribute| matches!(attribute.style, AttrStyle::Inner(_)))
                .map(|attribute| self.place(attribute))
                .collect(),
            stays: syntactic_reason(signature, qualified),
            seen: if is_main || self.calls > 0 { Seen::Anywhere } else { visibility.map_or(Seen::Anywhere, seen) },
            name,
        });
        self.shape.functions.len() - 1
    }

    /// A new scope, which is a module if it has a place.
    fn scope(&mut self, parent: Option<usize>, module: Option<Place>, label: String, attributes: &[Attribute]) -> usize {
        self.shape.scopes.push(Scope {
            is_module: module.is_some(),
            parent,
            label,
            attributes: self.places(attributes),
            through: None,
            place: module.unwrap_or_default(),
            imports: Vec::new(),
            enums: Vec::new(),
        });
        self.shape.scopes.len() - 1
    }

    fn import(&mut self, item: &syn::ItemUse, scope: usize) -> Entry {
        let keyword = self.start(item.use_token.span);
        if self.calls == 0 {
            self.shape.scopes[scope].imports.extend(Import::of_use(item, keyword));
        }
        let first = outer_start(&item.attrs).or_else(|| visibility_start(&item.vis)).unwrap_or(item.use_token.span);
        let place = self.start(first)..self.end(item.semi_token.span);
        Entry::Use { place, keyword, tree: uses::render(item) }
    }

    fn module(&mut self, item: &syn::ItemMod, scope: usize) -> Entry {
        let name = plain(&item.ident);
        let path = path_attribute(&item.attrs);
        match (&item.content, &item.semi) {
            (Some((braces, items)), _) => {
                let place = self.start(braces.span.open())..self.end(braces.span.close());
                let inner = self.scope(Some(scope), Some(place), format!("{name}::"), &item.attrs);
                self.around.push(Segment { name, path });
                self.shape.inline.push(self.around.clone());
                self.items(items, inner);
                self.around.pop();
                Entry::Other
            }
            (None, Some(semi)) => {
                let first = outer_start(&item.attrs).or_else(|| visibility_start(&item.vis)).unwrap_or(item.mod_token.span);
                let place = self.start(first)..self.end(semi.span);
                let sortable =
                    item.unsafety.is_none() && !self.tokens.text[place.start as usize..place.end as usize].contains("macro_use");
                let keyword = self.start(item.mod_token.span);
                let around = self.around.clone();
                let attributes = self.places(&item.attrs);
                self.shape.modules.push(Module { name, scope, keyword, attributes, around, path });
                Entry::Module { place, sortable }
            }
            (None, None) => Entry::Other,
        }
    }

    fn implementation(&mut self, item: &syn::ItemImpl, scope: usize) {
        let self_type = match &*item.self_ty {
            Type::Path(path) if path.qself.is_none() => path.path.segments.last().map(|segment| plain(&segment.ident)),
            _ => None,
        };
        let generic = is_generic(&item.generics);
        let odd = item.modifiers.require_empty().is_err();
        let label = self_type.map(|name| format!("{name}::")).unwrap_or_default();
        let inner = self.scope(Some(scope), None, label, &item.attrs);
        let has_macro = matches!(*item.self_ty, Type::Macro(_));
        let owner = Owner { generic, odd, has_macro, is_trait: item.trait_.is_some() };
        self.members(&item.items, inner, owner);
    }

    fn members(&mut self, members: &[ImplItem], scope: usize, owner: Owner) {
        for member in members {
            let member = match member {
                ImplItem::Fn(member) => member,
                ImplItem::Macro(call) => {
                    if let Ok(Members(members)) = syn::parse2(call.mac.tokens.clone()) {
                        let inner = self.enter_call(&call.mac, scope);
                        self.members(&members, inner, owner);
                        self.calls -= 1;
                    }
                    continue;
                }
                _ => continue,
            };
            let visibility = (!owner.is_trait).then_some(&member.vis);
            let qualified = owner.odd || member.modifiers.require_empty().is_err();
            let index = self.function(&member.attrs, visibility, qualified, &member.sig, &member.block, scope);
            let function = &mut self.shape.functions[index];
            if owner.generic {
                function.stays.get_or_insert(Reason::Generic);
            }
            if owner.has_macro {
                function.stays.get_or_insert(Reason::MacroInSignature);
            }
        }
    }

    fn trait_(&mut self, item: &syn::ItemTrait, scope: usize) {
        let inner = self.scope(Some(scope), None, format!("{}::", item.ident), &[]);
        for member in &item.items {
            let TraitItem::Fn(syn::TraitItemFn { attrs, sig, default: Some(block), .. }) = member else { continue };
            let index = self.function(attrs, None, false, sig, block, inner);
            self.shape.functions[index].stays = Some(Reason::TraitDefault);
        }
    }

    fn places(&self, attributes: &[Attribute]) -> Vec<Place> {
        attributes.iter().filter(|attribute| !attribute.path().is_ident("doc")).map(|attribute| self.place(attribute)).collect()
    }

    fn place(&self, attribute: &Attribute) -> Place {
        self.start(attribute.pound_token.span)..self.end(attribute.bracket_token.span.close())
    }

    fn start(&self, span: Span) -> u32 {
        position(self.from + span.byte_range().start)
    }

    fn end(&self, span: Span) -> u32 {
        position(self.from + span.byte_range().end)
    }
}

/// A place in a text that was lexed, which is to say one of less than 4 GiB.
fn position(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

/// Why a body stays, as far as the syntax of its signature tells.
fn syntactic_reason(signature: &Signature, qualified: bool) -> Option<Reason> {
    let ordinary = |name: &syn::LitStr| inert::CALLING_CONVENTIONS.contains(&name.value().trim_end_matches("-unwind"));
    if qualified {
        Some(Reason::Qualifier)
    } else if signature.constness.is_some() {
        Some(Reason::Const)
    } else if signature.asyncness.is_some() {
        Some(Reason::Async)
    } else if signature.variadic.is_some() || signature.inputs.iter().any(is_variadic) {
        Some(Reason::Variadic)
    } else if is_generic(&signature.generics) {
        Some(Reason::Generic)
    } else if signature.abi.as_ref().and_then(|abi| abi.name.as_ref()).is_some_and(|name| !ordinary(name)) {
        Some(Reason::CallingConvention)
    } else {
        None
    }
}

fn is_variadic(input: &FnArg) -> bool {
    matches!(input, FnArg::Typed(typed) if matches!(*typed.ty, Type::Verbatim(_)))
}

fn is_generic(generics: &Generics) -> bool {
    generics.params.iter().any(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
}

/// From where something of a visibility can be named.
fn seen(visibility: &Visibility) -> Seen {
    match visibility {
        Visibility::Inherited => Seen::Module,
        Visibility::Restricted(restricted) if restricted.path.is_ident("self") => Seen::Module,
        Visibility::Restricted(restricted) if restricted.path.is_ident("super") => Seen::Parent,
        Visibility::Restricted(_) => Seen::Crate,
        Visibility::Public(_) => Seen::Anywhere,
    }
}

/// The name without `r#`.
pub(super) fn plain(name: &syn::Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

fn outer_start(attributes: &[Attribute]) -> Option<Span> {
    attributes.iter().find(|attribute| matches!(attribute.style, AttrStyle::Outer)).map(|attribute| attribute.pound_token.span)
}

fn visibility_start(visibility: &Visibility) -> Option<Span> {
    match visibility {
        Visibility::Public(token) => Some(token.span),
        Visibility::Restricted(restricted) => Some(restricted.pub_token.span),
        _ => None,
    }
}

fn signature_start(signature: &Signature) -> Span {
    let safety = match &signature.safety {
        syn::Safety::Safe(token) => Some(token.span),
        syn::Safety::Unsafe(token) => Some(token.span),
        syn::Safety::Default => None,
    };
    let abi = signature.abi.as_ref().map(|abi| abi.extern_token.span);
    let first = signature.constness.map(|token| token.span).or_else(|| signature.asyncness.map(|token| token.span));
    first.or(safety).or(abi).unwrap_or(signature.fn_token.span)
}

/// The values of `#[path]`, those in a `cfg_attr` included.
fn path_attribute(attributes: &[Attribute]) -> PathAttribute {
    let mut found = PathAttribute::default();
    for attribute in attributes {
        match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => {
                if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(value), .. }) = &pair.value {
                    found.values.push(value.value());
                    found.always = true;
                }
            }
            syn::Meta::List(list) if list.path.is_ident("cfg_attr") => conditional_paths(&list.tokens, &mut found.values),
            _ => {}
        }
    }
    found
}

fn conditional_paths(tokens: &TokenStream, values: &mut Vec<String>) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (index, tree) in trees.iter().enumerate() {
        match (tree, trees.get(index + 1), trees.get(index + 2)) {
            (TokenTree::Ident(name), Some(TokenTree::Punct(equals)), Some(TokenTree::Literal(value)))
                if name == "path" && equals.as_char() == '=' =>
            {
                values.extend(syn::parse_str::<syn::LitStr>(&value.to_string()).ok().map(|value| value.value()));
            }
            (TokenTree::Group(group), ..) => conditional_paths(&group.stream(), values),
            _ => {}
        }
    }
}
