//! What a call of Cargo's is about.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::action::HOLLOW_DIRECTORY;
use crate::rustc::{CommandLine, CrateType, EmitKind, Name, Settings, output};

/// What Cargo starts rustc for.
#[derive(Clone, Debug)]
pub struct Unit {
    /// rustc's arguments.
    pub line: CommandLine,
    /// What they ask for.
    pub settings: Settings,
    /// The crate's name.
    pub crate_name: String,
    /// The name of its files without what follows the first dot: `liba-1f` for a library or a proc-macro, `a-1f` for what is linked.
    pub stem: OsString,
    /// The directory of its files.
    pub directory: PathBuf,
    /// The `.rmeta` that Cargo hands to dependents, if it wants one.
    pub rmeta: Option<PathBuf>,
    /// What is linked, in the order of the crate types. Nothing, if the unit is only checked.
    pub linked: Vec<PathBuf>,
    /// The file that rustc writes the dep-info to.
    pub dep_info: Option<PathBuf>,
    /// Whether Cargo waits for a message that says that the `.rmeta` is there (`--json=artifacts`).
    pub announces: bool,
}

impl Unit {
    /// Reads a call, or says why hollow has no part in it. `variable` yields variables of the environment.
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
        if settings.emits.iter().any(|emit| matches!(emit.kind, EmitKind::Other(_)) || emit.path.is_some())
            || settings.output.is_some()
        {
            return Err("its outputs are special");
        }
        let linked: Vec<_> = match settings.emit(&EmitKind::Link) {
            None => Vec::new(),
            Some(_) if settings.test => vec![output::link(&settings, &crate_name, &CrateType::Bin)],
            Some(_) => settings.crate_types.iter().map(|crate_type| output::link(&settings, &crate_name, crate_type)).collect(),
        };
        let rmeta = settings.emit(&EmitKind::Metadata).map(|_| {
            let mut name = OsString::from("lib");
            name.push(&crate_name);
            name.push(&settings.extra_filename);
            name.push(".rmeta");
            directory.join(name)
        });
        if linked.is_empty() && rmeta.is_none() {
            return Err("it makes nothing");
        }
        let dep_info = output::dep_info(&settings, &crate_name);
        let announces = line.values(Name::Json).any(|value| value.to_string_lossy().split(',').any(|kind| kind == "artifacts"));
        let mut unit = Self { line, settings, crate_name, stem: OsString::new(), directory, rmeta, linked, dep_info, announces };
        if unit.rmeta.is_some() || !unit.is_program() {
            unit.stem.push("lib");
        }
        unit.stem.push(&unit.crate_name);
        unit.stem.push(&unit.settings.extra_filename);
        Ok(unit)
    }

    /// Whether dependents need only its metadata, so that it can have hollow ones. A dylib holds metadata of its own, which no seal would reach.
    pub fn is_library(&self) -> bool {
        let known = |crate_type: &CrateType| matches!(crate_type, CrateType::Rlib | CrateType::Cdylib | CrateType::Staticlib);
        let types = &self.settings.crate_types;
        !self.settings.test && types.contains(&CrateType::Rlib) && types.iter().all(known)
    }

    /// Whether it is compiled for what the compiler says, and for its metadata (`cargo check`).
    pub fn is_checked(&self) -> bool {
        self.linked.is_empty()
    }

    /// Whether objects of dependencies go into it. None go into an rlib.
    pub fn links(&self) -> bool {
        !(self.is_checked() || (self.is_library() && self.linked.len() == 1))
    }

    /// Whether it is linked for itself, not for other units.
    pub fn is_program(&self) -> bool {
        self.settings.test || self.settings.crate_types.iter().all(|crate_type| *crate_type == CrateType::Bin)
    }

    /// The full rlib, if it makes one.
    pub fn rlib(&self) -> Option<&Path> {
        self.linked.iter().find(|path| path.extension().is_some_and(|extension| extension == "rlib")).map(|path| &**path)
    }

    /// Everything that the unit leaves for Cargo.
    pub fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.linked.iter().chain(&self.rmeta).chain(&self.dep_info).map(|path| &**path)
    }

    /// The directory of what hollow keeps.
    pub fn hollow_directory(&self) -> PathBuf {
        self.directory.join(HOLLOW_DIRECTORY)
    }

    /// What it is, for people: such as `lib`, `bin`, `test`, `check of lib`.
    pub fn kind(&self) -> String {
        let kind = self.target();
        if self.is_checked() { format!("check of {kind}") } else { kind }
    }

    /// The same, checked or not.
    pub fn target(&self) -> String {
        match (&self.settings.crate_types[..], self.settings.test) {
            (_, true) => "test".to_owned(),
            ([CrateType::Rlib], _) => "lib".to_owned(),
            ([], _) => "bin".to_owned(),
            (types, _) => types.iter().map(CrateType::to_string).collect::<Vec<_>>().join("+"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &str = "--crate-name a --edition=2021 src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat \
         --crate-type lib --emit=dep-info,metadata,link -C debuginfo=2 -C metadata=1f -C extra-filename=-1f --out-dir /t/debug/deps \
         -L dependency=/t/debug/deps";

    fn recognised(tokens: &str, unit: Option<&str>) -> Result<Unit, &'static str> {
        let line = CommandLine::parse(tokens.split_whitespace().map(OsString::from));
        Unit::of(line, |name| unit.filter(|_| name == "CARGO_CRATE_NAME").map(OsString::from))
    }

    fn outputs(unit: &Unit) -> String {
        let outputs: Vec<_> = unit.outputs().map(|path| path.display().to_string().replace("/t/debug/deps/", "")).collect();
        format!("{} ({}): {}", unit.stem.display(), unit.kind(), outputs.join(" "))
    }

    #[test]
    fn a_unit_knows_its_files() {
        let unit = |from: &str, to: &str| recognised(&LIBRARY.replace(from, to), Some("a")).unwrap();
        let library = unit("", "");
        assert_eq!(outputs(&library), "liba-1f (lib): liba-1f.rlib liba-1f.rmeta a-1f.d");
        assert!(library.announces && library.is_library() && !library.is_checked());
        let several = unit("lib --emit=dep-info,metadata,link", "rlib --crate-type cdylib --emit=dep-info,link");
        assert!(several.is_library());
        insta::assert_snapshot!(outputs(&several), @"liba-1f (rlib+cdylib): liba-1f.rlib liba-1f.so a-1f.d");
        let checked = unit("metadata,link", "metadata");
        assert!(checked.is_library() && checked.is_checked());
        insta::assert_snapshot!(outputs(&checked), @"liba-1f (check of lib): liba-1f.rmeta a-1f.d");
        let program = unit("lib --emit=dep-info,metadata,link", "bin --emit=dep-info,link");
        assert!(!program.is_library());
        insta::assert_snapshot!(outputs(&program), @"a-1f (bin): a-1f a-1f.d");
        let test = unit("lib --emit=dep-info,metadata,link", "lib --test --emit=dep-info,link");
        assert!(!test.is_library());
        insta::assert_snapshot!(outputs(&test), @"a-1f (test): a-1f a-1f.d");
        let checked = unit("lib --emit=dep-info,metadata,link", "bin --emit=dep-info,metadata");
        insta::assert_snapshot!(outputs(&checked), @"liba-1f (check of bin): liba-1f.rmeta a-1f.d");
        let macros = unit("lib --emit=dep-info,metadata,link", "proc-macro --emit=dep-info,link");
        assert!(!macros.is_library());
        insta::assert_snapshot!(outputs(&macros), @"liba-1f (proc-macro): liba-1f.so a-1f.d");
        assert!(!unit("type lib", "type lib,dylib").is_library());
    }

    #[test]
    fn everything_else_is_plain_rustc() {
        let refused = |tokens: &str| recognised(tokens, Some("a")).unwrap_err();
        assert_eq!(refused("-vV"), "it asks rustc a question");
        assert_eq!(refused("- --crate-name ___ --print=file-names"), "it asks rustc a question");
        assert_eq!(refused("- --crate-name a --crate-type lib"), "there is no source file");
        assert_eq!(refused(&LIBRARY.replace("metadata,link", "asm")), "its outputs are special");
        assert_eq!(recognised(LIBRARY, None).unwrap_err(), "it is no unit of Cargo's");
        assert_eq!(recognised(LIBRARY, Some("build_script_build")).unwrap_err(), "it is no unit of Cargo's");
    }
}
