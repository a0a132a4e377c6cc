//! What rustc says when the linker fails (`rustc_codegen_ssa::errors::LinkingFailed`), and what it tries again without.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::process::{Ended, signal_name};
use crate::rustc::{CommandLine, Name};

/// A linker that failed, or that is not there.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(super) linker: OsString,
    pub(super) ended: Ended,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) output: String,
    pub(super) sysroot: PathBuf,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// As JSON, one message a line.
    pub json: bool,
    /// All arguments, and the variables.
    pub verbose: bool,
}

impl Style {
    /// As the command line wants it.
    pub fn of(line: &CommandLine) -> Self {
        let json = line.values(Name::ErrorFormat).next_back().is_some_and(|format| format == "json");
        Self { json, verbose: line.has(Name::Verbose) }
    }
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "$message_type")]
    message_type: &'a str,
    message: &'a str,
    code: Option<()>,
    level: &'a str,
    spans: [(); 0],
    children: Vec<Child<'a>>,
    rendered: &'a str,
}

#[derive(Serialize)]
struct Child<'a> {
    message: &'a str,
    code: Option<()>,
    level: &'a str,
    spans: [(); 0],
    children: [(); 0],
    rendered: Option<()>,
}

impl Failure {
    pub(super) fn not_found(linker: &OsStr) -> Self {
        Self {
            linker: linker.to_owned(),
            ended: Ended::Exited(0),
            arguments: Vec::new(),
            environment: Vec::new(),
            output: String::new(),
            sysroot: PathBuf::new(),
        }
    }

    /// rustc's messages.
    pub fn say(&self, style: Style) -> String {
        let linker = self.linker.to_string_lossy();
        let (message, notes) = match self.ended {
            Ended::Exited(0) => {
                let missing = std::io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error());
                (format!("linker `{linker}` not found"), vec![missing.to_string()])
            }
            ended => (format!("linking with `{linker}` failed: {}", status(ended)), self.notes(style)),
        };
        let mut said = one(&message, &notes, style);
        said.push_str(&one("aborting due to 1 previous error", &[], style));
        said
    }

    fn notes(&self, style: Style) -> Vec<String> {
        let program = format!("{:?}", self.linker);
        let mut notes = Vec::new();
        if style.verbose {
            let mut environment = self.environment.clone();
            environment.sort();
            let variables: Vec<_> = environment.iter().map(|(name, value)| format!("{}={value:?}", name.display())).collect();
            let arguments: Vec<_> = self.arguments.iter().map(|argument| format!("{argument:?}")).collect();
            notes.push(format!("{} {program} {}", variables.join(" "), arguments.join(" ")));
        } else {
            let arguments: Vec<_> = self.abbreviated().iter().map(|argument| format!("{argument:?}")).collect();
            notes.push(format!(" {program} {}", arguments.join(" ")));
            notes.push("some arguments are omitted. use `--verbose` to show all linker arguments".into());
        }
        notes.push(self.output.clone());
        if self.output.contains("undefined reference to") {
            notes.push("some `extern` functions couldn't be found; some native libraries may need to be installed or have their path specified".into());
            notes.push("use the `-l` flag to specify native libraries to link".into());
        }
        notes
    }

    /// The arguments without rustc's objects, and rlibs of one directory together.
    fn abbreviated(&self) -> Vec<String> {
        let is = |argument: &OsString, suffix: &str| argument.as_bytes().ends_with(suffix.as_bytes());
        let mut short = Vec::new();
        let mut rest = &self.arguments[..];
        while let Some(first) = rest.first() {
            let directory = Path::new(first).parent();
            let same = |other: &OsString| {
                is(first, ".rcgu.o") && is(other, ".rcgu.o")
                    || is(first, ".rlib") && is(other, ".rlib") && Path::new(other).parent() == directory
            };
            let group = rest.iter().take_while(|argument| same(argument)).count().max(1);
            let (arguments, after) = rest.split_at(group);
            rest = after;
            short.push(if is(first, ".rcgu.o") {
                format!("<{group} object files omitted>")
            } else if is(first, ".rlib") {
                self.rlibs(directory.unwrap_or(Path::new("")), arguments)
            } else {
                first.to_string_lossy().replace(&*self.sysroot.to_string_lossy(), "<sysroot>")
            });
        }
        short
    }

    fn rlibs(&self, directory: &Path, arguments: &[OsString]) -> String {
        let own = directory.strip_prefix(&self.sysroot).ok();
        let stem = |path: &OsString| {
            let stem = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match stem.rsplit_once('-') {
                Some((name, hash)) if own.is_some() && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => format!("{name}-*"),
                _ => stem,
            }
        };
        let stems: Vec<String> = arguments.iter().map(stem).collect();
        let names = if let [only] = &stems[..] { only.clone() } else { format!("{{{}}}", stems.join(",")) };
        let directory = own.map_or(directory.to_owned(), |short| Path::new("<sysroot>").join(short));
        format!("{}/{names}.rlib", directory.display())
    }
}

fn status(ended: Ended) -> String {
    match ended {
        Ended::Exited(code) => format!("exit status: {code}"),
        Ended::Killed(signal) => format!("signal: {signal} ({})", signal_name(signal)),
    }
}

/// An error with its notes.
fn one(message: &str, notes: &[String], style: Style) -> String {
    let mut rendered = format!("error: {message}\n");
    if !notes.is_empty() {
        rendered.push_str("  |\n");
    }
    for note in notes {
        let lines = note.replace('\n', "\n          ");
        let _ = writeln!(rendered, "  = note: {lines}");
    }
    rendered.push('\n');
    if !style.json {
        return rendered;
    }
    let children = notes
        .iter()
        .map(|note| Child { message: note, code: None, level: "note", spans: [], children: [], rendered: None })
        .collect();
    let message =
        Message { message_type: "diagnostic", message, code: None, level: "error", spans: [], children, rendered: &rendered };
    let mut line = serde_json::to_string(&message).unwrap_or_default();
    line.push('\n');
    line
}

/// The option without which rustc tries again, if the linker does not know it.
pub(super) fn retry(output: &str, arguments: &[OsString]) -> Option<&'static str> {
    let unknown = ["unknown", "unrecognized"].iter().any(|word| {
        output.match_indices(word).any(|(at, _)| {
            let rest = output[at + word.len()..].strip_prefix(' ').unwrap_or_default();
            let rest = rest.strip_prefix("command line ").unwrap_or(rest);
            rest.starts_with("option") || rest.starts_with("argument")
        })
    });
    let options = ["-no-pie", "-fuse-ld=lld"];
    options.into_iter().find(|option| unknown && output.contains(option) && arguments.iter().any(|argument| argument == option))
}

/// Arguments in a file, as rustc writes them for all linkers but Microsoft's.
pub(super) fn response_file(arguments: &[OsString]) -> Vec<u8> {
    let mut content = Vec::new();
    for argument in arguments {
        for &byte in argument.as_bytes() {
            if byte == b'\\' || byte == b' ' {
                content.push(b'\\');
            }
            content.push(byte);
        }
        content.push(b'\n');
    }
    content
}
