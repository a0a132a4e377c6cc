//! The fixtures of `fixtures/rules/`: one for each rule of which bodies may be emptied and which functions left out. Each is built by plain
//! rustc, too: the program has to end as that one does, and rustc has to say the same about each crate.
//!
//! A fixture is one file with several crates in it. Lines that begin with `//# ` are its configuration:
//!
//! | directive | meaning |
//! |---|---|
//! | `rule: TEXT` | the rule, for people |
//! | `prints: TEXT` | what the program prints when everything is right |
//! | `off: reason TEXT` | the rule is switched off by emptying each body that stays for a reason which has this text |
//! | `off: leave out NAME` | ... by leaving out the functions of this name |
//! | `off: replace FROM => TO` | ... by changing the interface source |
//! | `off: force` | ... by loading no dependency that only emptied bodies load |
//! | `off: force everything` | ... by loading every dependency |
//! | `off: lines` | ... by dropping lines though a position becomes a value |
//! | `off: plain` | ... by making the hollow rlib by interface where it has to be made plainly |
//! | `off: nothing` | there is no rule: the bodies are emptied, and all is well |
//! | `lines: drop` | the experiment without the rule drops lines; it keeps them if this is missing |
//! | `breaks: CRATE: TEXT` | without the rule, compiling that crate fails, and rustc's message has this text |
//! | `breaks: prints TEXT` | without the rule, the program prints this |
//! | `breaks: hangs` | without the rule, the program runs an emptied body, which never ends |
//! | `breaks: crashes` | without the rule, a signal kills the program |
//! | `breaks: nothing, REASON` | the rule is a safety margin: nothing is known to break without it today |
//! | `crate: NAME KIND FLAGS` | the source of a crate begins; it is called `NAME.rs`, and may use the crates before it |
//! | `file: PATH` | the text of another file begins |
//!
//! `KIND` is `library`, `hidden-library` (one that is found in a search path only), `proc-macro`, `cdylib`, `program`, or `refused-program`:
//! one that rustc has to refuse, which stands for printing `refused`, or else `accepted`. The library that the rule is about is called
//! `base`, the program `main`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One fixture.
#[derive(Clone, Debug)]
pub struct Fixture {
    pub name: String,
    pub prints: String,
    pub off: Off,
    pub drops_lines: bool,
    pub breaks: Breaks,
    pub crates: Vec<Member>,
    /// Paths and texts.
    pub files: Vec<(String, String)>,
}

/// A crate.
#[derive(Clone, Debug)]
pub struct Member {
    pub name: String,
    pub kind: Kind,
    pub flags: Vec<String>,
}

/// What a crate becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Library,
    HiddenLibrary,
    ProcMacro,
    Cdylib,
    Program,
    Refused,
}

/// How the rule is switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Off {
    Reason(String),
    LeaveOut(String),
    Replace(String, String),
    Force,
    ForceEverything,
    Lines,
    Plain,
    Nothing,
}

/// What happens without the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breaks {
    Compiling(String, String),
    Printing(String),
    Hanging,
    Crashing,
    Nothing,
}

impl Fixture {
    fn parse(name: String, text: &str) -> Self {
        let mut fixture = Self {
            name,
            prints: String::new(),
            off: Off::Nothing,
            drops_lines: false,
            breaks: Breaks::Nothing,
            crates: Vec::new(),
            files: Vec::new(),
        };
        let mut directives = Vec::new();
        for line in text.lines() {
            let Some((key, value)) = line.strip_prefix("//# ").map(|line| line.split_once(": ").expect(line)) else {
                if let Some((_, text)) = fixture.files.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
                continue;
            };
            directives.push(key);
            match key {
                "rule" => {}
                "prints" => fixture.prints = value.replace("\\n", "\n") + "\n",
                "off" => fixture.off = Off::parse(value),
                "lines" => fixture.drops_lines = value == "drop",
                "breaks" => fixture.breaks = Breaks::parse(value),
                "crate" => {
                    let mut words = value.split_whitespace().map(str::to_owned);
                    let name = words.next().expect(value);
                    let kind = Kind::parse(&words.next().expect(value));
                    fixture.files.push((format!("{name}.rs"), String::new()));
                    fixture.crates.push(Member { name, kind, flags: words.collect() });
                }
                "file" => fixture.files.push((value.to_owned(), String::new())),
                _ => panic!("{}: unknown directive: {line}", fixture.name),
            }
        }
        for needed in ["rule", "prints", "off", "breaks", "crate"] {
            assert!(directives.contains(&needed), "{}: no `{needed}`", fixture.name);
        }
        fixture
    }

    /// Writes its files into a directory.
    pub fn write(&self, directory: &Path) {
        for (path, text) in &self.files {
            let path = directory.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// The arguments of rustc for one of its crates, but for where the output goes. Outputs are in `out`.
    pub fn arguments(&self, member: &Member) -> Vec<String> {
        let mut arguments = vec![format!("{}.rs", member.name), "--crate-name".into(), member.name.clone()];
        arguments.push(format!("--crate-type={}", member.kind.crate_type()));
        if !member.flags.iter().any(|flag| flag.starts_with("--edition")) {
            arguments.push("--edition=2021".into());
        }
        let before = self.crates.iter().take_while(|other| other.name != member.name);
        for other in before.filter(|other| other.kind != Kind::HiddenLibrary) {
            if let Some(file) = other.kind.extern_file(&other.name) {
                arguments.push(format!("--extern={}=out/{file}", other.name));
            }
        }
        arguments.push("-Ldependency=out".into());
        arguments.extend(member.flags.iter().cloned());
        arguments
    }
}

impl Kind {
    fn parse(text: &str) -> Self {
        match text {
            "library" => Self::Library,
            "hidden-library" => Self::HiddenLibrary,
            "proc-macro" => Self::ProcMacro,
            "cdylib" => Self::Cdylib,
            "program" => Self::Program,
            "refused-program" => Self::Refused,
            _ => panic!("unknown kind of crate: {text}"),
        }
    }

    fn crate_type(self) -> &'static str {
        match self {
            Self::Library | Self::HiddenLibrary => "lib",
            Self::ProcMacro => "proc-macro",
            Self::Cdylib => "cdylib",
            Self::Program | Self::Refused => "bin",
        }
    }

    fn extern_file(self, name: &str) -> Option<String> {
        match self {
            Self::Library | Self::HiddenLibrary => Some(format!("lib{name}.rlib")),
            Self::ProcMacro => Some(format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)),
            Self::Cdylib | Self::Program | Self::Refused => None,
        }
    }
}

impl Off {
    fn parse(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("reason", reason)) => Self::Reason(reason.to_owned()),
            Some(("leave", name)) => Self::LeaveOut(name.strip_prefix("out ").expect(text).to_owned()),
            Some(("replace", edit)) => {
                let (from, to) = edit.split_once(" => ").expect(text);
                Self::Replace(from.to_owned(), to.to_owned())
            }
            Some(("force", "everything")) => Self::ForceEverything,
            None if text == "force" => Self::Force,
            None if text == "lines" => Self::Lines,
            None if text == "plain" => Self::Plain,
            None if text == "nothing" => Self::Nothing,
            _ => panic!("no way to switch a rule off: {text}"),
        }
    }
}

impl Breaks {
    fn parse(text: &str) -> Self {
        match text.split_once(' ') {
            None if text == "hangs" => Self::Hanging,
            None if text == "crashes" => Self::Crashing,
            Some(("prints", printed)) => Self::Printing(printed.replace("\\n", "\n") + "\n"),
            Some(("nothing,", reason)) if !reason.is_empty() => Self::Nothing,
            Some((name, error)) if name.ends_with(':') => {
                Self::Compiling(name.trim_end_matches(':').to_owned(), error.to_owned())
            }
            _ => panic!("no way to break: {text}"),
        }
    }
}

/// All fixtures, in the order of their names.
pub fn all() -> Vec<Fixture> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Fixture::parse(name, &std::fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// Tries something with each fixture, on every core; only with those whose names have its text, if there is a `HOLLOW_FIXTURE`. Panics with all
/// that went wrong.
pub fn for_each(attempt: impl Fn(&Fixture) -> Result<(), String> + Sync) {
    let mut fixtures = all();
    if let Ok(text) = std::env::var("HOLLOW_FIXTURE") {
        fixtures.retain(|fixture| fixture.name.contains(&text));
        assert!(!fixtures.is_empty(), "no fixture is called `{text}`");
    }
    let (next, wrong) = (Mutex::new(fixtures.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(fixture) = next.lock().unwrap().next() else { return };
                    if let Err(error) = attempt(fixture) {
                        wrong.lock().unwrap().push(format!("{}: {error}", fixture.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} fixtures:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));
}
