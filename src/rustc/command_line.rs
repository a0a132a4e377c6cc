//! rustc's command line as a value: ordered, and lossless for everything that nobody rewrites.
//!
//! rustc parses its arguments with the `getopts` crate (`rustc_session::config::rustc_optgroups`, `rustc_driver::handle_options`):
//! options and the input may come in any order, no long name may be abbreviated, short options cluster (`-gO`), and a `--`
//! ends the options. This parser follows those rules for the options in [`Name`]; a flag that is not there is kept as it came.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What follows `rustc` on a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    args: Vec<Arg>,
}

/// One argument: one or two tokens of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// An option that rustc 1.95 knows, with its value.
    Option(Opt),
    /// Several short options in one token, such as `-gO`; only the last can have a value.
    Cluster(Vec<Opt>),
    /// `+stable`: the first argument of one of rustup's proxies, which rustc itself never sees.
    Toolchain(OsString),
    /// The source file, or `-` for standard input.
    Input(OsString),
    /// A token that is no option known here, or an option without the value that it needs. rustc will have its say.
    Unknown(OsString),
    /// `--`: everything after it is an input.
    Terminator,
}

/// One option as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    name: Name,
    spelling: Spelling,
    value: OsString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// `--test`
    LongFlag,
    /// `--emit=link`
    LongEquals,
    /// `--emit link`
    LongSpace,
    /// `-O`
    ShortFlag,
    /// `-Copt-level=1`
    ShortJoined,
    /// `-C opt-level=1`
    ShortSpace,
}

/// What [`CommandLine::rewrite`] does with an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Leave it exactly as it came.
    Keep,
    /// Leave it out.
    Drop,
    /// Put these in its place; none is the same as [`Edit::Drop`].
    Replace(Vec<Opt>),
}

/// Declares [`Name`] from rustc's own list of options (`rustc --help -v` and `rustc_session::config::rustc_optgroups`).
macro_rules! names {
    ($($variant:ident $short:literal $long:literal $arity:ident,)*) => {
        /// An option of rustc, whichever way it is spelled.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // Each is named after the option it stands for.
        pub enum Name { $($variant,)* }

        impl Name {
            const ALL: &[Name] = &[$(Name::$variant,)*];

            /// The one-letter name, or an empty text.
            fn short(self) -> &'static str { match self { $(Name::$variant => $short,)* } }

            /// The long name without its dashes, or an empty text.
            fn long(self) -> &'static str { match self { $(Name::$variant => $long,)* } }

            fn takes_value(self) -> bool { match self { $(Name::$variant => names!(@ $arity),)* } }
        }
    };
    (@ flag) => { false };
    (@ value) => { true };
}

names! {
    Help "h" "help" flag,
    Cfg "" "cfg" value,
    CheckCfg "" "check-cfg" value,
    LibraryPath "L" "" value,
    LinkLibrary "l" "" value,
    CrateType "" "crate-type" value,
    CrateName "" "crate-name" value,
    Edition "" "edition" value,
    Emit "" "emit" value,
    Print "" "print" value,
    DebugInfo "g" "" flag,
    Optimize "O" "" flag,
    Output "o" "" value,
    OutDir "" "out-dir" value,
    Explain "" "explain" value,
    Test "" "test" flag,
    Target "" "target" value,
    Allow "A" "allow" value,
    Warn "W" "warn" value,
    ForceWarn "" "force-warn" value,
    Deny "D" "deny" value,
    Forbid "F" "forbid" value,
    CapLints "" "cap-lints" value,
    Codegen "C" "codegen" value,
    Version "V" "version" flag,
    Verbose "v" "verbose" flag,
    Unstable "Z" "" value,
    Extern "" "extern" value,
    Sysroot "" "sysroot" value,
    ErrorFormat "" "error-format" value,
    Json "" "json" value,
    Color "" "color" value,
    DiagnosticWidth "" "diagnostic-width" value,
    RemapPathPrefix "" "remap-path-prefix" value,
    RemapPathScope "" "remap-path-scope" value,
    EnvSet "" "env-set" value,
}

impl CommandLine {
    /// Reads the tokens that follow `rustc`. Response files must have been expanded before
    /// ([`response_file::expand`](super::response_file::expand)). Never fails: what rustc would reject is kept for it to reject.
    pub fn parse(tokens: impl IntoIterator<Item = OsString>) -> Self {
        let mut tokens = tokens.into_iter();
        let mut args = Vec::new();
        let mut options_ended = false;
        while let Some(token) = tokens.next() {
            let bytes = token.as_bytes();
            args.push(if args.is_empty() && is_toolchain(&token) {
                Arg::Toolchain(token)
            } else if options_ended || bytes.len() < 2 || bytes[0] != b'-' {
                Arg::Input(token)
            } else if bytes == b"--" {
                options_ended = true;
                Arg::Terminator
            } else if let Some(long) = bytes.strip_prefix(b"--") {
                parse_long(long, &mut tokens).unwrap_or(Arg::Unknown(token))
            } else {
                parse_short(&bytes[1..], &mut tokens).unwrap_or(Arg::Unknown(token))
            });
        }
        Self { args }
    }

    /// The arguments in their order.
    pub fn args(&self) -> &[Arg] {
        &self.args
    }

    /// Every option in its order, those in clusters included.
    pub fn options(&self) -> impl Iterator<Item = &Opt> {
        self.args.iter().flat_map(|arg| match arg {
            Arg::Option(option) => std::slice::from_ref(option),
            Arg::Cluster(options) => options,
            Arg::Toolchain(_) | Arg::Input(_) | Arg::Unknown(_) | Arg::Terminator => &[],
        })
    }

    /// The values of one option, in their order.
    pub fn values(&self, name: Name) -> impl DoubleEndedIterator<Item = &OsStr> {
        let options: Vec<_> = self.options().filter(|option| option.name == name).collect();
        options.into_iter().map(|option| option.value.as_os_str())
    }

    /// Whether the option is there at all.
    pub fn has(&self, name: Name) -> bool {
        self.options().any(|option| option.name == name)
    }

    /// The inputs: rustc wants exactly one.
    pub fn inputs(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().filter_map(|arg| match arg {
            Arg::Input(input) => Some(input.as_os_str()),
            _ => None,
        })
    }

    /// A command line in which each option was kept, left out or replaced. Everything else stays where it is.
    pub fn rewrite(self, mut edit: impl FnMut(&Opt) -> Edit) -> Self {
        let mut args = Vec::with_capacity(self.args.len() + 4);
        for arg in self.args {
            match arg {
                Arg::Option(option) => apply(edit(&option), option, &mut args),
                Arg::Cluster(options) => {
                    let edits: Vec<Edit> = options.iter().map(&mut edit).collect();
                    if edits.iter().all(|edit| *edit == Edit::Keep) {
                        args.push(Arg::Cluster(options));
                    } else {
                        // A member changes, so the cluster falls apart into its members.
                        for (option, edit) in options.into_iter().zip(edits) {
                            apply(edit, option, &mut args);
                        }
                    }
                }
                other => args.push(other),
            }
        }
        Self { args }
    }

    /// The same line with another input in the place of the first.
    pub fn with_input(mut self, input: impl Into<OsString>) -> Self {
        if let Some(arg) = self.args.iter_mut().find(|arg| matches!(arg, Arg::Input(_))) {
            *arg = Arg::Input(input.into());
        }
        self
    }

    /// Adds an option behind all others (and before a `--`, after which rustc sees inputs only).
    pub fn push(&mut self, option: Opt) {
        let end = self.args.iter().position(|arg| *arg == Arg::Terminator).unwrap_or(self.args.len());
        self.args.insert(end, Arg::Option(option));
    }

    /// The tokens to start rustc with.
    pub fn into_tokens(self) -> Vec<OsString> {
        let mut tokens = Vec::with_capacity(self.args.len() + 8);
        for arg in self.args {
            match arg {
                Arg::Option(option) => option.render(&mut tokens),
                Arg::Cluster(options) => render_cluster(options, &mut tokens),
                Arg::Toolchain(token) | Arg::Input(token) | Arg::Unknown(token) => tokens.push(token),
                Arg::Terminator => tokens.push("--".into()),
            }
        }
        tokens
    }
}

impl Opt {
    /// An option with a value in the spelling that build systems use: `--emit=link` where there is a long name and `-Lpath` where
    /// there is none. `-C` and `-Z` are always short.
    pub fn new(name: Name, value: impl Into<OsString>) -> Self {
        let short = name.long().is_empty() || matches!(name, Name::Codegen);
        let spelling = if short { Spelling::ShortJoined } else { Spelling::LongEquals };
        Self { name, spelling, value: value.into() }
    }

    /// Which option it is.
    pub fn name(&self) -> Name {
        self.name
    }

    /// Its value; empty for a flag.
    pub fn value(&self) -> &OsStr {
        &self.value
    }

    /// The same option, spelled the same way, with another value.
    pub fn with_value(&self, value: impl Into<OsString>) -> Self {
        Self { value: value.into(), ..self.clone() }
    }

    /// As one text for messages, such as `-Lfoo` or `--emit=link`.
    pub fn display(&self) -> String {
        let mut tokens = Vec::new();
        self.clone().render(&mut tokens);
        let tokens: Vec<_> = tokens.iter().map(|token| token.to_string_lossy()).collect();
        tokens.join(" ")
    }

    fn render(self, tokens: &mut Vec<OsString>) {
        let joined = |prefix: &str, name: &str, infix: &str| {
            let mut token = OsString::with_capacity(prefix.len() + name.len() + infix.len() + self.value.len());
            token.push(prefix);
            token.push(name);
            token.push(infix);
            token.push(&self.value);
            token
        };
        match self.spelling {
            Spelling::LongFlag => tokens.push(joined("--", self.name.long(), "")),
            Spelling::LongEquals => tokens.push(joined("--", self.name.long(), "=")),
            Spelling::ShortFlag | Spelling::ShortJoined => tokens.push(joined("-", self.name.short(), "")),
            Spelling::LongSpace => {
                tokens.push(format!("--{}", self.name.long()).into());
                tokens.push(self.value);
            }
            Spelling::ShortSpace => {
                tokens.push(format!("-{}", self.name.short()).into());
                tokens.push(self.value);
            }
        }
    }
}

/// Whether this first argument tells rustup which toolchain's rustc to run.
pub fn is_toolchain(first: &OsStr) -> bool {
    first.as_bytes().starts_with(b"+")
}

fn parse_long(body: &[u8], rest: &mut impl Iterator<Item = OsString>) -> Option<Arg> {
    let (name, joined) = match body.iter().position(|&byte| byte == b'=') {
        Some(equals) => (&body[..equals], Some(&body[equals + 1..])),
        None => (body, None),
    };
    let name = *Name::ALL.iter().find(|known| !known.long().is_empty() && known.long().as_bytes() == name)?;
    let (spelling, value) = match (name.takes_value(), joined) {
        (true, Some(value)) => (Spelling::LongEquals, os_string(value)),
        (true, None) => (Spelling::LongSpace, rest.next()?),
        (false, None) => (Spelling::LongFlag, OsString::new()),
        (false, Some(_)) => return None,
    };
    Some(Arg::Option(Opt { name, spelling, value }))
}

/// Reads the letters after a single dash: flags, until one takes the rest of the token, or the next token, as its value.
fn parse_short(letters: &[u8], rest: &mut impl Iterator<Item = OsString>) -> Option<Arg> {
    let mut options = Vec::with_capacity(1);
    for (index, letter) in letters.iter().enumerate() {
        let name = *Name::ALL.iter().find(|known| known.short().as_bytes() == [*letter])?;
        let behind = &letters[index + 1..];
        let (spelling, value) = match (name.takes_value(), behind.is_empty()) {
            (false, _) => (Spelling::ShortFlag, OsString::new()),
            (true, false) => (Spelling::ShortJoined, os_string(behind)),
            (true, true) => (Spelling::ShortSpace, rest.next()?),
        };
        options.push(Opt { name, spelling, value });
        if name.takes_value() {
            break;
        }
    }
    Some(match <[Opt; 1]>::try_from(options) {
        Ok([option]) => Arg::Option(option),
        Err(options) => Arg::Cluster(options),
    })
}

fn apply(edit: Edit, option: Opt, args: &mut Vec<Arg>) {
    match edit {
        Edit::Keep => args.push(Arg::Option(option)),
        Edit::Drop => {}
        Edit::Replace(options) => args.extend(options.into_iter().map(Arg::Option)),
    }
}

fn render_cluster(options: Vec<Opt>, tokens: &mut Vec<OsString>) {
    let mut token = OsString::from("-");
    let mut separate = None;
    for option in options {
        token.push(option.name.short());
        match option.spelling {
            Spelling::ShortSpace => separate = Some(option.value),
            _ => token.push(option.value),
        }
    }
    tokens.push(token);
    tokens.extend(separate);
}

fn os_string(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tokens: &[&str]) -> CommandLine {
        CommandLine::parse(tokens.iter().map(OsString::from))
    }

    fn shown(line: CommandLine) -> Vec<String> {
        line.into_tokens().into_iter().map(|token| token.into_string().unwrap()).collect()
    }

    #[test]
    fn every_spelling_comes_back_as_it_was_written() {
        let tokens = [
            "--crate-name",
            "a",
            "--crate-type=lib",
            "--emit",
            "dep-info,metadata,link",
            "-C",
            "opt-level=1",
            "-Cdebuginfo=2",
            "--codegen",
            "lto=off",
            "--codegen=strip=none",
            "-Zx",
            "-Z",
            "y=1",
            "-L",
            "dependency=d",
            "-Lnative=n",
            "-L",
            "p",
            "--extern",
            "noprelude:b=libb.rlib",
            "--extern=c",
            "-gO",
            "-Og",
            "-gLdependency=x",
            "-vo",
            "out",
            "--test",
            "-o",
            "x",
            "-Wunused",
            "--warn",
            "unused",
            "--nobody-knows=1",
            "--nobody-knows",
            "-y",
            "",
            "-",
            "a.rs",
            "--",
            "-not-an-option",
        ];
        assert_eq!(shown(line(&tokens)), tokens);
    }

    #[test]
    fn a_toolchain_stays_first_and_is_no_input() {
        let mut toolchain = line(&["+nightly", "+b.rs", "--test"]).with_input("c.rs");
        assert_eq!(toolchain.inputs().collect::<Vec<_>>(), ["c.rs"]);
        toolchain.push(Opt::new(Name::Emit, "link"));
        assert_eq!(shown(toolchain), ["+nightly", "c.rs", "--test", "--emit=link"]);
    }

    #[test]
    fn bytes_that_are_no_utf8_survive() {
        let tokens = [b"-L\xff\xfe".to_vec(), b"--extern=a=\xffb.rlib".to_vec(), b"\xf0.rs".to_vec()].map(OsString::from_vec);
        assert_eq!(CommandLine::parse(tokens.clone()).into_tokens(), tokens);
    }

    #[test]
    fn an_option_swallows_the_next_token_even_if_it_looks_like_one() {
        // getopts does the same: `rustc -C --crate-type lib` complains of the codegen option `--crate-type`.
        let line = line(&["-C", "--crate-type", "lib"]);
        assert_eq!(line.values(Name::Codegen).collect::<Vec<_>>(), ["--crate-type"]);
        assert_eq!(line.inputs().collect::<Vec<_>>(), ["lib"]);
    }

    #[test]
    fn a_value_that_is_missing_is_left_for_rustc_to_report() {
        assert_eq!(line(&["a.rs", "--emit"]).args()[1], Arg::Unknown("--emit".into()));
        assert_eq!(line(&["-gC"]).args(), [Arg::Unknown("-gC".into())]);
        assert_eq!(line(&["--test=yes"]).args(), [Arg::Unknown("--test=yes".into())]);
    }

    #[test]
    fn a_cluster_is_read_as_its_members_and_falls_apart_only_when_one_changes() {
        let cluster = line(&["-gOo", "out", "-gv"]);
        assert!(cluster.has(Name::DebugInfo) && cluster.has(Name::Optimize));
        assert_eq!(cluster.values(Name::Output).collect::<Vec<_>>(), ["out"]);
        let without_output = cluster.rewrite(|option| if option.name() == Name::Output { Edit::Drop } else { Edit::Keep });
        assert_eq!(shown(without_output), ["-g", "-O", "-gv"]);
    }

    #[test]
    fn a_rewritten_value_keeps_its_spelling_and_place() {
        let line = line(&["-L", "a", "x.rs", "-La", "--extern", "n=a", "--extern=n=a"]);
        let rewritten = line.rewrite(|option| Edit::Replace(vec![option.with_value("new")]));
        assert_eq!(shown(rewritten), ["-L", "new", "x.rs", "-Lnew", "--extern", "new", "--extern=new"]);
    }

    #[test]
    fn what_is_added_goes_before_the_end_of_the_options() {
        let mut line = line(&["--test", "--", "a.rs"]);
        line.push(Opt::new(Name::Unstable, "no-codegen"));
        line.push(Opt::new(Name::Emit, "link=x"));
        line.push(Opt::new(Name::Codegen, "opt-level=1"));
        assert_eq!(shown(line), ["--test", "-Zno-codegen", "--emit=link=x", "-Copt-level=1", "--", "a.rs"]);
    }
}
