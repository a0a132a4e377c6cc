//! What a call of Cargo's is about.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::action::HOLLOW_DIRECTORY;
use crate::rustc::{CommandLine, CrateType, EmitKind, Name, Settings, output};

/// A library that Cargo wants to be compiled and linked.
#[derive(Clone, Debug)]
pub struct Library {
    /// rustc's arguments.
    pub line: CommandLine,
    /// What they ask for.
    pub settings: Settings,
    /// The crate's name.
    pub crate_name: String,
    /// Where the full rlib goes.
    pub rlib: PathBuf,
    /// Where the hollow rlib goes.
    pub hollow: PathBuf,
    /// Where the `.rmeta` goes that Cargo's pipelining hands to dependents, if it wants one.
    pub rmeta: Option<PathBuf>,
    /// Whether Cargo waits for a message that says that the `.rmeta` is there (`--json=artifacts`).
    pub announces: bool,
}

impl Library {
    /// Reads a call, or says why it is none of a library's. `variable` yields variables of the environment.
    ///
    /// Build scripts also start rustc through the wrapper, to find out what it can do (autocfg and its like). They must see plain rustc, so a unit
    /// counts only if Cargo itself set `CARGO_CRATE_NAME`, which it does for the units that it compiles.
    pub fn of(line: CommandLine, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, &'static str> {
        if line.has(Name::Print) || line.has(Name::Version) || line.has(Name::Help) || line.has(Name::Explain) {
            return Err("it asks rustc a question");
        }
        let settings = Settings::of(&line);
        if settings.input.as_deref().is_none_or(|input| input == "-") {
            return Err("there is no source file");
        }
        let Some(crate_name) =
            settings.crate_name.clone().filter(|name| variable("CARGO_CRATE_NAME").is_some_and(|own| own == **name))
        else {
            return Err("it is no unit of Cargo's");
        };
        let Some(directory) = settings.out_dir.clone() else { return Err("it has no --out-dir") };
        if settings.test || !settings.crate_types.contains(&CrateType::Rlib) {
            return Err("it is no library");
        }
        let known = |crate_type: &CrateType| matches!(crate_type, CrateType::Rlib | CrateType::Cdylib | CrateType::Staticlib);
        if !settings.crate_types.iter().all(known) {
            // A dylib holds metadata of its own, which no seal would reach.
            return Err("it is a dylib, too");
        }
        if settings.emit(&EmitKind::Link).is_none() {
            return Err("nothing is linked: it is only checked");
        }
        if settings.emits.iter().any(|emit| matches!(emit.kind, EmitKind::Other(_)) || emit.path.is_some())
            || settings.output.is_some()
        {
            return Err("its outputs are special");
        }
        let rlib = output::link(&settings, &crate_name, &CrateType::Rlib);
        let stem = rlib.file_stem().unwrap_or_default().to_owned();
        let hollow = directory.join(HOLLOW_DIRECTORY).join(with_suffix(&stem, "_meta.rlib"));
        let rmeta = settings.emit(&EmitKind::Metadata).map(|_| directory.join(with_suffix(&stem, ".rmeta")));
        let announces = line.values(Name::Json).any(|value| value.to_string_lossy().split(',').any(|kind| kind == "artifacts"));
        Ok(Self { line, settings, crate_name, rlib, hollow, rmeta, announces })
    }

    /// Whether the unit makes something besides the rlib.
    pub fn has_other_types(&self) -> bool {
        self.settings.crate_types.len() > 1
    }

    /// The file that rustc writes the dep-info to.
    pub fn dep_info(&self) -> Option<PathBuf> {
        output::dep_info(&self.settings, &self.crate_name)
    }

    /// The directory of the hollow rlib.
    pub fn hollow_directory(&self) -> &Path {
        self.hollow.parent().unwrap_or(Path::new(""))
    }
}

fn with_suffix(stem: &std::ffi::OsStr, suffix: &str) -> OsString {
    let mut name = stem.to_owned();
    name.push(suffix);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &str = "--crate-name a --edition=2021 src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat \
         --crate-type lib --emit=dep-info,metadata,link -C debuginfo=2 -C metadata=1f -C extra-filename=-1f --out-dir /t/debug/deps \
         -L dependency=/t/debug/deps";

    fn recognised(tokens: &str, unit: Option<&str>) -> Result<Library, &'static str> {
        let line = CommandLine::parse(tokens.split_whitespace().map(OsString::from));
        Library::of(line, |name| unit.filter(|_| name == "CARGO_CRATE_NAME").map(OsString::from))
    }

    #[test]
    fn a_library_knows_its_files() {
        let library = recognised(LIBRARY, Some("a")).unwrap();
        assert_eq!(library.rlib, Path::new("/t/debug/deps/liba-1f.rlib"));
        assert_eq!(library.hollow, Path::new("/t/debug/deps/_hollow/liba-1f_meta.rlib"));
        assert_eq!(library.rmeta.as_deref(), Some(Path::new("/t/debug/deps/liba-1f.rmeta")));
        assert_eq!(library.dep_info().as_deref(), Some(Path::new("/t/debug/deps/a-1f.d")));
        assert!(library.announces && !library.has_other_types());
        let several = LIBRARY.replace(
            "--crate-type lib --emit=dep-info,metadata,link",
            "--crate-type rlib --crate-type cdylib --emit=dep-info,link",
        );
        let several = recognised(&several, Some("a")).unwrap();
        assert!(several.has_other_types() && several.rmeta.is_none());
    }

    #[test]
    fn everything_else_is_plain_rustc() {
        let refused = |tokens: &str| recognised(tokens, Some("a")).unwrap_err();
        assert_eq!(refused("-vV"), "it asks rustc a question");
        assert_eq!(refused("- --crate-name ___ --print=file-names"), "it asks rustc a question");
        assert_eq!(refused("- --crate-name a --crate-type lib"), "there is no source file");
        assert_eq!(refused(&format!("{LIBRARY} --test")), "it is no library");
        assert_eq!(refused(&LIBRARY.replace("type lib", "type proc-macro")), "it is no library");
        assert_eq!(refused(&LIBRARY.replace("type lib", "type lib,dylib")), "it is a dylib, too");
        assert_eq!(refused(&LIBRARY.replace("metadata,link", "metadata")), "nothing is linked: it is only checked");
        assert_eq!(recognised(LIBRARY, None).unwrap_err(), "it is no unit of Cargo's");
        assert_eq!(recognised(LIBRARY, Some("build_script_build")).unwrap_err(), "it is no unit of Cargo's");
    }
}
