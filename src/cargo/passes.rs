//! The command lines of the two passes over a library of Cargo's. Both compile against the dependencies as Cargo gave them: their `.rmeta` files
//! are those of hollow rlibs already.

use std::path::Path;

use super::unit::Unit;
use crate::action::{HOLLOW_DIRECTORY, path_value};
use crate::rustc::{Codegen, CommandLine, Edit, EmitKind, Name, Opt, codegen};

/// The hollow pass: metadata into this file, and dep-info into that. Lints and messages are the full pass's job.
///
/// What is linked needs MIR, so that is a hollow rlib; for what is only checked it is an `.rmeta` as rustc makes it.
pub fn hollow(unit: &Unit, output: &Path, dep_info: &Path) -> CommandLine {
    let mut crate_type = Some(Opt::new(Name::CrateType, "rlib"));
    let mut line = unit.line.clone().rewrite(|option| match option.name() {
        Name::CrateType => Edit::Replace(crate_type.take().into_iter().collect()),
        Name::Emit | Name::CapLints | Name::Json => Edit::Drop,
        Name::Codegen if Codegen::parse(option.value()).name == "incremental" => Edit::Drop,
        _ => Edit::Keep,
    });
    line.push(Opt::new(Name::Emit, path_value("dep-info=", dep_info)));
    if unit.is_checked() {
        line.push(Opt::new(Name::Emit, path_value("metadata=", output)));
    } else {
        line.push(Opt::new(Name::Emit, path_value("link=", output)));
        line.push(Opt::new(Name::Unstable, "no-codegen"));
    }
    line.push(Opt::new(Name::CapLints, "allow"));
    line
}

/// A hollow pass with an incremental cache, if Cargo gave the unit one. Not the very same: rustc would find the full pass's dependency graph in it.
///
/// Neither pass has to have one because the other does: what it does to the SVH, the seal makes agree.
pub fn with_cache(mut hollow: CommandLine, unit: &Unit) -> CommandLine {
    if let Some(cache) = codegen(&unit.line, "incremental") {
        let cache = Path::new(cache).join(HOLLOW_DIRECTORY);
        hollow.push(Opt::new(Name::Codegen, path_value("incremental=", &cache)));
    }
    hollow
}

/// The full pass behind a hollow one: everything but the `.rmeta`, which there is already. A lone rlib goes to this file. What is only checked
/// has metadata for an output, which nobody needs; they go to this file, too.
pub fn full(unit: &Unit, output: &Path) -> CommandLine {
    let mut emits = vec![match unit.linked[..] {
        [] => Opt::new(Name::Emit, path_value("metadata=", output)),
        [_] => Opt::new(Name::Emit, path_value("link=", output)),
        _ => Opt::new(Name::Emit, "link"),
    }];
    if unit.settings.emit(&EmitKind::DepInfo).is_some() {
        emits.push(Opt::new(Name::Emit, "dep-info"));
    }
    unit.line.clone().rewrite(|option| match option.name() {
        Name::Emit => Edit::Replace(std::mem::take(&mut emits)),
        _ => Edit::Keep,
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::rustc::CrateType;

    fn library(crate_types: &str, emit: &str) -> Unit {
        let line = format!(
            "--crate-name a src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts {crate_types} --emit={emit} \
             -C metadata=1f -C extra-filename=-1f --out-dir d -C incremental=i --cap-lints warn --extern b=d/libb-2.rmeta"
        );
        let line = CommandLine::parse(line.split_whitespace().map(OsString::from));
        Unit::of(line, |_| Some("a".into())).unwrap()
    }

    fn passes(unit: &Unit) -> [String; 2] {
        let lines = [hollow(unit, Path::new("h/liba.rlib"), Path::new("h/d")), full(unit, Path::new("s/liba.rlib"))];
        lines.map(text)
    }

    fn text(line: CommandLine) -> String {
        let tokens: Vec<_> = line.into_tokens().into_iter().map(|token| token.into_string().unwrap()).collect();
        tokens.join(" ")
    }

    #[test]
    fn the_caches_of_the_passes_are_two() {
        let unit = library("--crate-type lib", "dep-info,metadata,link");
        let line = CommandLine::parse(["a.rs"].map(OsString::from));
        assert_eq!(text(with_cache(line.clone(), &unit)), "a.rs -Cincremental=i/_hollow");
        let release = Unit { line: line.clone(), ..unit };
        assert_eq!(text(with_cache(line, &release)), "a.rs");
    }

    #[test]
    fn the_passes_of_a_library() {
        let [hollow, full] = passes(&library("--crate-type lib", "dep-info,metadata,link"));
        insta::assert_snapshot!(hollow, @"--crate-name a src/lib.rs --error-format=json --crate-type=rlib -C metadata=1f -C extra-filename=-1f --out-dir d --extern b=d/libb-2.rmeta --emit=dep-info=h/d --emit=link=h/liba.rlib -Zno-codegen --cap-lints=allow");
        insta::assert_snapshot!(full, @"--crate-name a src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts --crate-type lib --emit=link=s/liba.rlib --emit=dep-info -C metadata=1f -C extra-filename=-1f --out-dir d -C incremental=i --cap-lints warn --extern b=d/libb-2.rmeta");
    }

    #[test]
    fn the_passes_of_a_check() {
        let [hollow, full] = passes(&library("--crate-type lib", "dep-info,metadata"));
        insta::assert_snapshot!(hollow, @"--crate-name a src/lib.rs --error-format=json --crate-type=rlib -C metadata=1f -C extra-filename=-1f --out-dir d --extern b=d/libb-2.rmeta --emit=dep-info=h/d --emit=metadata=h/liba.rlib --cap-lints=allow");
        insta::assert_snapshot!(full, @"--crate-name a src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts --crate-type lib --emit=metadata=s/liba.rlib --emit=dep-info -C metadata=1f -C extra-filename=-1f --out-dir d -C incremental=i --cap-lints warn --extern b=d/libb-2.rmeta");
    }

    #[test]
    fn the_passes_of_a_unit_with_several_crate_types() {
        let library = library("--crate-type rlib --crate-type cdylib", "dep-info,link");
        assert_eq!(library.settings.crate_types, [CrateType::Rlib, CrateType::Cdylib]);
        let [hollow, full] = passes(&library);
        insta::assert_snapshot!(hollow, @"--crate-name a src/lib.rs --error-format=json --crate-type=rlib -C metadata=1f -C extra-filename=-1f --out-dir d --extern b=d/libb-2.rmeta --emit=dep-info=h/d --emit=link=h/liba.rlib -Zno-codegen --cap-lints=allow");
        insta::assert_snapshot!(full, @"--crate-name a src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts --crate-type rlib --crate-type cdylib --emit=link --emit=dep-info -C metadata=1f -C extra-filename=-1f --out-dir d -C incremental=i --cap-lints warn --extern b=d/libb-2.rmeta");
    }
}
