//! Why a body stays.

use std::fmt;

/// The first reason found why a function's body stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A `const fn`.
    Const,
    /// An `async fn`.
    Async,
    /// Type or const parameters on the function or its `impl`.
    Generic,
    /// `impl Trait` in the signature.
    ImplTrait,
    /// A macro call in the signature.
    MacroInSignature,
    /// A default method of a trait.
    TraitDefault,
    /// An attribute that is not known to be inert, on the function, its `impl` or its module.
    Attribute(String),
    /// An attribute of the function that stands inside its body, and would go with it.
    InnerAttribute(String),
    /// C-variadic.
    Variadic,
    /// A calling convention that is not known to be ordinary.
    CallingConvention,
    /// A qualifier of an unstable feature, such as `default` of specialization.
    Qualifier,
    /// Something in the body that may define items visible outside: its keyword.
    Item(&'static str),
    /// An attribute in the body that is not known to be inert.
    AttributeInBody(String),
    /// A macro in the body that is not known to expand to an expression.
    Macro(String),
    /// It is in the call of a macro that is not known to pass items through.
    InMacroCall(String),
    /// The crate enables a feature by which bodies define types.
    Feature,
    /// The crate may call foreign code that unwinds. If one of its bodies does, the crate is none for programs with `-Cpanic=abort`
    /// (`rustc_mir_transform::ffi_unwind_calls`), and rustc tells dependents so.
    ForeignUnwinding,
    /// A dependency that the body loads only if it means it, and that can't be told.
    Dependency(String),
    /// A proc-macro crate.
    ProcMacro,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const => f.write_str("it is a const fn, which dependents evaluate"),
            Self::Async => f.write_str("it is an async fn, whose body defines its type"),
            Self::Generic => f.write_str("it is generic, so dependents instantiate it"),
            Self::ImplTrait => f.write_str("its signature has `impl Trait`"),
            Self::MacroInSignature => f.write_str("its signature has a macro call"),
            Self::TraitDefault => f.write_str("it is a default method of a trait, which dependents instantiate"),
            Self::Attribute(name) if name == "inline" => f.write_str("it is #[inline], so dependents get its MIR"),
            Self::Attribute(name) => write!(f, "#[{name}] is not known to be inert"),
            Self::InnerAttribute(name) => write!(f, "#![{name}] at the beginning of its body is an attribute of the function"),
            Self::Variadic => f.write_str("it is C-variadic"),
            Self::CallingConvention => f.write_str("its calling convention is a special one"),
            Self::Qualifier => f.write_str("it has a qualifier of an unstable feature"),
            Self::Item(keyword) => write!(f, "its body has `{keyword}`, which may define something visible outside"),
            Self::AttributeInBody(name) => write!(f, "its body has #[{name}], which may define something visible outside"),
            Self::Macro(name) => {
                write!(f, "its body calls `{name}!`, which is not known to expand to an expression (see --expression-macros)")
            }
            Self::InMacroCall(name) => write!(f, "it is in a call of `{name}!`, which is not known to pass items through"),
            Self::Feature => f.write_str("the crate enables a feature by which bodies define types"),
            Self::ForeignUnwinding => {
                f.write_str("the crate may call foreign code that unwinds, of which rustc tells dependents")
            }
            Self::Dependency(name) => write!(f, "its body may load `{name}`, which nothing else certainly does"),
            Self::ProcMacro => f.write_str("it is part of a proc-macro crate"),
        }
    }
}
