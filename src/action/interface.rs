//! The hollow pass by interface: the same command line over the interface source.
//!
//! Any failure here is a reason for the plain hollow rlib, never for a failed action.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fs_err as fs;
use tempfile::TempDir;

use super::aside::Aside;
use super::{Explain, replace_in_dep_info};
use crate::interface::overlay::{self, Overlay};
use crate::interface::{Crate, Dependencies, Disk, Interface, Lines, Note, Options, apart};
use crate::process::temporary_directory;
use crate::rustc::{Codegen, CommandLine, CrateType, Edit, Extern, Name, Opt, Settings};

/// How hollow rlibs are made from the interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceOptions {
    /// What becomes of lines.
    pub lines: Lines,
    /// Macros, besides the standard library's, that expand to expressions.
    pub expression_macros: HashSet<String>,
}

/// Why a crate can't be compiled by interface, if it can't: then the plain hollow rlib is right.
///
/// Above `opt-level=0` rustc tells dependents facts that it derives from ordinary bodies (`cross_crate_inlinable`, `deduced_param_attrs`); what
/// instrumentation and unknown unstable options derive from them, nobody has looked at.
pub fn obstacle(line: &CommandLine, settings: &Settings) -> Option<String> {
    if settings
        .crate_types
        .iter()
        .any(|crate_type| !matches!(crate_type, CrateType::Rlib | CrateType::Cdylib | CrateType::Staticlib))
    {
        return Some("it is no plain library".into());
    }
    if settings.input.as_deref().is_none_or(|input| input == "-") {
        return Some("its source comes from standard input".into());
    }
    let level = line.options().filter_map(opt_level).last();
    if let Some(level) = level.filter(|level| *level != "0") {
        return Some(format!("its opt-level is {}", level.display()));
    }
    if line.has(Name::RemapPathScope) {
        return Some("--remap-path-scope would let the overlay's paths through".into());
    }
    line.options().find_map(|option| {
        let value = Codegen::parse(option.value());
        match option.name() {
            Name::Codegen if is_instrumentation(&value) || names_by_hash(&value) => {
                Some(format!("because of `{}`", option.display()))
            }
            Name::Unstable if !is_inert_unstable(&value.name) => Some(format!("because of `{}`", option.display())),
            _ => None,
        }
    })
}

fn opt_level(option: &Opt) -> Option<&OsStr> {
    match option.name() {
        Name::Optimize => Some("3".as_ref()),
        Name::Codegen => {
            let codegen = Codegen::parse(option.value());
            codegen.value.filter(|_| codegen.name == "opt-level")
        }
        _ => None,
    }
}

fn is_instrumentation(codegen: &Codegen<'_>) -> bool {
    let off = codegen.value.is_some_and(|value| ["no", "n", "off", "false", "0"].iter().any(|off| value == *off));
    matches!(&*codegen.name, "instrument-coverage" | "profile-generate" | "profile-use") && !off
}

/// Names by `legacy` end in a hash of what rustc thinks of the item, which differs in interface source: dependents of crossbeam-epoch did not link.
fn names_by_hash(codegen: &Codegen<'_>) -> bool {
    codegen.name == "symbol-mangling-version" && codegen.value.is_none_or(|value| value != "v0")
}

/// Unstable options that change neither what dependents are told nor how bodies are compiled.
fn is_inert_unstable(name: &str) -> bool {
    const INERT: [&str; 15] = [
        "allow-features",
        "binary-dep-depinfo",
        "checksum-hash-algorithm",
        "crate-attr", // Looked at by the extraction itself.
        "dep-info-omit-d-target",
        "embed-metadata", // Says where they are.
        "macro-backtrace",
        "no-codegen",
        "proc-macro-execution-strategy",
        "remap-cwd-prefix", // Looked at below.
        "threads",
        "time-passes",
        "track-diagnostics",
        "unstable-options",
        "human-readable-cgu-names",
    ];
    INERT.contains(&name)
}

/// The interface source of a crate, not yet on disk.
pub struct InterfaceSource {
    krate: Crate,
    interface: Interface,
    options: Options,
    note: Note,
}

impl InterfaceSource {
    /// Reads the crate that `plain` compiles and makes its interface source. An error if it can't have one.
    pub fn extract(plain: &CommandLine, how: &InterfaceOptions, explain: &mut Explain) -> Result<Self> {
        let input = plain.inputs().next().context("there is no source file")?;
        let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from);
        let mut options = Options::of(plain, how.lines, how.expression_macros.clone());
        let krate = options.load(Path::new(input), Disk, out_dir.as_deref())?;
        let dependencies = Dependencies::read(plain);
        let (note, reason) = apart(|| {
            let note = krate.note(&dependencies);
            let reason = if how.lines == Lines::Drop { krate.keeps_lines(&options, &dependencies, &note) } else { None };
            (note, reason)
        })?;
        if let Some(reason) = reason {
            explain.note(format_args!("interface: lines are kept, because {reason}"));
            options.lines = Lines::Keep;
        }
        let interface = apart(|| krate.interface(&options))?;
        for line in interface.report.to_string().lines() {
            explain.note(format_args!("interface: {line}"));
        }
        Ok(Self { krate, interface, options, note })
    }

    /// The crate root.
    pub fn root(&self) -> &Path {
        self.krate.root()
    }

    /// How it was made.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether the crate asks for features of rustc that are not stable.
    pub fn enables_features(&self) -> bool {
        self.krate.enables_features()
    }

    /// The files that differ from the true source, with their text, in the order of their paths.
    pub fn files(&self) -> &[(PathBuf, String)] {
        &self.interface.files
    }

    /// The texts that these files have in interface source that was written to `overlay` earlier.
    pub fn texts_before(&self, overlay: &Path) -> Vec<(PathBuf, String)> {
        overlay::texts(&self.krate, &self.interface, overlay)
    }

    /// The names of dependencies that are loaded whatever the interface source names; the pass depends on nothing else of what was left out.
    pub fn loads(&self) -> &BTreeSet<String> {
        &self.interface.loads
    }

    /// What the hollow rlib tells dependents.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Writes it: with [`Lines::Keep`] to a temporary place, because no path in the hollow rlib leads there; with [`Lines::Drop`] beside the
    /// hollow rlib, because its spans do.
    pub fn write(self, plain: &CommandLine, hollow: &Path) -> Result<InterfacePass> {
        let lines = self.options.lines;
        let (place, temporary) = match lines {
            Lines::Keep => {
                let temporary = temporary_directory()?;
                (temporary.path().canonicalize()?, Some(temporary))
            }
            Lines::Drop => (kept_overlay(hollow), None),
        };
        let old = if temporary.is_none() { set_aside(&place)? } else { None };
        let overlay =
            match overlay::write(&self.krate, &self.interface, &place).and_then(|overlay| mark(&place).map(|()| overlay)) {
                Ok(overlay) => overlay,
                Err(error) => {
                    if let Some(old) = old {
                        old.put_back();
                    }
                    return Err(error);
                }
            };
        let mut line = compile_interface(plain, &overlay.root, &self.interface.loads);
        if lines == Lines::Keep {
            map_away(&mut line, plain, &overlay)?;
        }
        Ok(InterfacePass { line, place, overlay, old, temporary })
    }
}

/// The interface source of a crate on disk, and the command line that compiles it.
pub struct InterfacePass {
    line: CommandLine,
    place: PathBuf,
    overlay: Overlay,
    /// The interface source that was there before.
    old: Option<Aside>,
    /// Removes the overlay, where nobody needs it after the pass.
    temporary: Option<TempDir>,
}

impl InterfacePass {
    /// Whether the interface source stays beside the hollow rlib.
    pub fn leaves_source(&self) -> bool {
        self.temporary.is_none()
    }

    /// Removes the interface source, because no hollow rlib was made from it. What was there before comes back.
    pub fn discard(self) {
        if self.temporary.is_none() {
            let _ = fs::remove_dir_all(&self.place);
        }
        if let Some(old) = self.old {
            old.put_back();
        }
    }

    /// The command line of the pass.
    pub fn line(&self) -> &CommandLine {
        &self.line
    }

    /// Dep-info that names the true sources, from what the pass wrote.
    pub fn with_true_sources(&self, dep_info: &[u8]) -> Vec<u8> {
        let directories = self.overlay.directories.iter().rev();
        directories.fold(dep_info.to_vec(), |dep_info, (overlay, original)| {
            // `overlay/src/lib.rs` by `src/lib.rs`, not by `/src/lib.rs`.
            let original = if original.as_os_str().is_empty() { PathBuf::new() } else { original.join("") };
            replace_in_dep_info(&dep_info, &overlay.join(""), &original)
        })
    }
}

/// Where the canonical interface source of a hollow rlib stays: `lib{name}{extra}_meta.interface/` beside it.
pub fn kept_overlay(hollow: &Path) -> PathBuf {
    hollow.with_extension("interface")
}

/// The name of the file that tells interface source from what others have made.
const MARKER: &str = "made-by-hollow";

fn mark(overlay: &Path) -> Result<()> {
    let marker = overlay.join(MARKER);
    // The true source may itself be interface source; then there is a link.
    if marker.symlink_metadata().is_err() {
        fs::write(marker, "Made by hollow, and replaced with the hollow rlib beside it.\n")?;
    }
    Ok(())
}

/// Refuses a place for interface source where there is something that hollow did not make.
pub fn check_place(place: &Path) -> Result<()> {
    let Ok(found) = place.symlink_metadata() else { return Ok(()) };
    if found.is_dir() && (is_empty(place) || place.join(MARKER).is_file()) {
        return Ok(());
    }
    bail!(
        "`{}` is not interface source that hollow made, but that is where it would go: move it away, or choose another --output",
        place.display()
    )
}

fn is_empty(directory: &Path) -> bool {
    directory.read_dir().is_ok_and(|mut entries| entries.next().is_none())
}

/// Moves interface source of an earlier time out of the way. A directory that is empty is as good as none.
fn set_aside(place: &Path) -> Result<Option<Aside>> {
    check_place(place)?;
    if is_empty(place) { Ok(None) } else { Aside::of(place) }
}

/// Removes the interface source of a hollow rlib in whose place there is a plain one now.
pub fn forget_overlay(hollow: &Path) {
    let overlay = kept_overlay(hollow);
    if overlay.join(MARKER).is_file() && check_place(&overlay).is_ok() {
        let _ = fs::remove_dir_all(overlay);
    }
}

/// The command line for the interface source: another root, no lints, and every dependency that the true source certainly loads is loaded, because a
/// crate that only emptied bodies use must still be recorded as a dependency.
fn compile_interface(plain: &CommandLine, root: &Path, loads: &BTreeSet<String>) -> CommandLine {
    let mut line = plain.clone().with_input(root).rewrite(|option| match option.name() {
        Name::CapLints => Edit::Drop,
        Name::Extern => {
            let dependency = Extern::parse(option.value());
            let is_named = dependency.name.to_str().is_some_and(|name| loads.contains(name));
            if is_named { Edit::Replace(vec![option.with_value(forced(dependency).to_value())]) } else { Edit::Keep }
        }
        _ => Edit::Keep,
    });
    line.push(Opt::new(Name::CapLints, "allow"));
    line.push(Opt::new(Name::Unstable, "unstable-options"));
    line
}

fn forced(dependency: Extern) -> Extern {
    let options = match dependency.options {
        Some(options) => {
            let mut forced = OsString::from("force,");
            forced.push(options);
            forced
        }
        None => "force".into(),
    };
    Extern { options: Some(options), ..dependency }
}

/// Gives the files of the overlay the names that rustc would have given the true ones: paths as they were written, unless the command
/// line maps them to something else.
fn map_away(line: &mut CommandLine, plain: &CommandLine, overlay: &Overlay) -> Result<()> {
    let current = std::env::current_dir().context("cannot tell the working directory")?;
    let mappings = mappings(plain, &current);
    for (directory, original) in &overlay.directories {
        let mut mapping = directory.clone().into_os_string();
        mapping.push("=");
        mapping.push(mapped(original, &mappings).unwrap_or_else(|| original.clone()));
        line.push(Opt::new(Name::RemapPathPrefix, mapping));
    }
    Ok(())
}

/// What paths are called by this command line; of several that match, the last holds.
fn mappings(line: &CommandLine, current: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut mappings = Vec::new();
    if let Some(prefix) = crate::rustc::unstable(line, "remap-cwd-prefix") {
        mappings.push((current.to_owned(), prefix.into()));
    }
    for value in line.values(Name::RemapPathPrefix) {
        // rustc splits at the last `=`.
        if let Some((from, to)) = value.to_str().and_then(|value| value.rsplit_once('=')) {
            mappings.push((from.into(), to.into()));
        }
    }
    mappings
}

fn mapped(path: &Path, mappings: &[(PathBuf, PathBuf)]) -> Option<PathBuf> {
    mappings.iter().rev().find_map(|(from, to)| {
        let rest = path.strip_prefix(from).ok()?;
        Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) })
    })
}

/// The first error among what rustc said, in one line.
pub fn first_error(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let errors = text.lines().filter_map(|line| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(message) => (message["level"] == "error").then(|| message["message"].as_str().unwrap_or_default().to_owned()),
        Err(_) => line.contains("error").then(|| line.to_owned()),
    });
    { errors }.next().unwrap_or_else(|| "rustc did not say why".into())
}

/// The messages among what rustc said that tell of outputs (`--json=artifacts`), line by line.
pub fn artifact_messages(said: &[u8]) -> Vec<u8> {
    let is_artifact = |line: &&[u8]| {
        serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|message| message["$message_type"] == "artifact")
    };
    said.split_inclusive(|&byte| byte == b'\n').filter(is_artifact).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tokens: &str) -> CommandLine {
        CommandLine::parse(tokens.split_whitespace().map(OsString::from))
    }

    fn why(tokens: &str) -> Option<String> {
        let line = line(tokens);
        obstacle(&line, &Settings::of(&line))
    }

    #[test]
    fn plain_mode_is_for_everything_that_derives_facts_from_bodies() {
        assert_eq!(why("--crate-type=lib a.rs"), None);
        assert_eq!(why("--crate-type=lib a.rs -O -Copt-level=0 -Zthreads=2 -Cinstrument-coverage=off -Cpanic=abort -Clto"), None);
        assert_eq!(why("--crate-type=lib a.rs -Copt-level=0 -O").unwrap(), "its opt-level is 3");
        assert_eq!(why("--crate-type=lib a.rs -C opt_level=s").unwrap(), "its opt-level is s");
        assert_eq!(why("--crate-type=lib a.rs -Cinstrument-coverage").unwrap(), "because of `-Cinstrument-coverage`");
        assert_eq!(why("--crate-type=lib a.rs -Z sanitizer=address").unwrap(), "because of `-Z sanitizer=address`");
        assert_eq!(why("--crate-type=lib a.rs -Csymbol-mangling-version=v0"), None);
        assert_eq!(
            why("--crate-type=lib a.rs -Csymbol_mangling_version=legacy").unwrap(),
            "because of `-Csymbol_mangling_version=legacy`"
        );
        assert_eq!(why("--crate-type=dylib a.rs").unwrap(), "it is no plain library");
        assert_eq!(why("--crate-type=lib -").unwrap(), "its source comes from standard input");
    }

    #[test]
    fn dependencies_that_the_source_names_are_loaded() {
        let plain = line(
            "--crate-type=lib src/lib.rs --extern=used=u.rlib --extern=unused=v.rlib --extern priv:other=w.rlib --cap-lints warn",
        );
        let compiled = compile_interface(&plain, Path::new("/o/lib.rs"), &BTreeSet::from(["used", "other"].map(str::to_owned)));
        let tokens: Vec<_> = compiled.into_tokens().into_iter().map(|token| token.into_string().unwrap()).collect();
        insta::assert_snapshot!(tokens.join(" "), @"--crate-type=lib /o/lib.rs --extern=force:used=u.rlib --extern=unused=v.rlib --extern force,priv:other=w.rlib --cap-lints=allow -Zunstable-options");
    }

    #[test]
    fn paths_are_called_what_the_command_line_calls_them() {
        let plain = line("--remap-path-prefix=/w=. --remap-path-prefix=/w/a=b=c -Zremap-cwd-prefix=cwd");
        let mappings = mappings(&plain, Path::new("/w/here"));
        assert_eq!(mapped(Path::new("/w/x/src"), &mappings).unwrap(), Path::new("./x/src"));
        assert_eq!(mapped(Path::new("/w"), &mappings).unwrap(), Path::new("."));
        assert_eq!(mapped(Path::new("/w/a=b/src"), &mappings).unwrap(), Path::new("c/src"));
        assert_eq!(mapped(Path::new("/other"), &mappings), None);
        assert_eq!(mapped(Path::new("/w/here/src"), &mappings[..1]).unwrap(), Path::new("cwd/src"));
    }

    #[test]
    fn the_first_error_is_found_in_any_format() {
        assert_eq!(first_error(b"{\"$message_type\":\"diagnostic\",\"message\":\"no\",\"level\":\"error\"}\n"), "no");
        assert_eq!(first_error(b"warning: x\nerror[E0001]: y\n"), "error[E0001]: y");
        assert_eq!(first_error(b""), "rustc did not say why");
        let said = b"{\"$message_type\":\"artifact\",\"artifact\":\"a\"}\n{\"level\":\"warning\"}\ntext\n";
        assert_eq!(artifact_messages(said), b"{\"$message_type\":\"artifact\",\"artifact\":\"a\"}\n");
    }
}
