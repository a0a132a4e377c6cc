//! The command lines of the two passes over a library of Cargo's. Both compile against the dependencies as Cargo gave them: their `.rmeta` files
//! are those of hollow rlibs already.

use std::path::Path;

use super::unit::Library;
use crate::action::path_value;
use crate::rustc::{Codegen, CommandLine, Edit, EmitKind, Name, Opt};

/// The hollow pass: metadata and MIR into this file. Lints and messages are the full pass's job.
pub fn hollow(library: &Library, output: &Path) -> CommandLine {
    let mut crate_type = Some(Opt::new(Name::CrateType, "rlib"));
    let mut line = library.line.clone().rewrite(|option| match option.name() {
        Name::CrateType => Edit::Replace(crate_type.take().into_iter().collect()),
        Name::Emit | Name::CapLints | Name::Json => Edit::Drop,
        // The seal makes the pair agree, so the hollow pass needs no cache to have the same SVH.
        Name::Codegen if Codegen::parse(option.value()).name == "incremental" => Edit::Drop,
        _ => Edit::Keep,
    });
    line.push(Opt::new(Name::Emit, path_value("link=", output)));
    line.push(Opt::new(Name::CapLints, "allow"));
    line.push(Opt::new(Name::Unstable, "no-codegen"));
    line
}

/// The full pass: everything but the `.rmeta`, which there is already. A lone rlib goes to this file.
pub fn full(library: &Library, output: &Path) -> CommandLine {
    let mut emits = vec![if library.has_other_types() {
        Opt::new(Name::Emit, "link")
    } else {
        Opt::new(Name::Emit, path_value("link=", output))
    }];
    if library.settings.emit(&EmitKind::DepInfo).is_some() {
        emits.push(Opt::new(Name::Emit, "dep-info"));
    }
    library.line.clone().rewrite(|option| match option.name() {
        Name::Emit => Edit::Replace(std::mem::take(&mut emits)),
        _ => Edit::Keep,
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::rustc::CrateType;

    fn library(crate_types: &str, emit: &str) -> Library {
        let line = format!(
            "--crate-name a src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts {crate_types} --emit={emit} \
             -C metadata=1f -C extra-filename=-1f --out-dir d -C incremental=i --cap-lints warn --extern b=d/libb-2.rmeta"
        );
        let line = CommandLine::parse(line.split_whitespace().map(OsString::from));
        Library::of(line, |_| Some("a".into())).unwrap()
    }

    fn shown(line: CommandLine) -> String {
        let tokens: Vec<_> = line.into_tokens().into_iter().map(|token| token.into_string().unwrap()).collect();
        tokens.join(" ")
    }

    #[test]
    fn the_passes_of_a_library() {
        let library = library("--crate-type lib", "dep-info,metadata,link");
        insta::assert_snapshot!(shown(hollow(&library, Path::new("h/liba.rlib"))), @"--crate-name a src/lib.rs --error-format=json --crate-type=rlib -C metadata=1f -C extra-filename=-1f --out-dir d --extern b=d/libb-2.rmeta --emit=link=h/liba.rlib --cap-lints=allow -Zno-codegen");
        insta::assert_snapshot!(shown(full(&library, Path::new("s/liba.rlib"))), @"--crate-name a src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts --crate-type lib --emit=link=s/liba.rlib --emit=dep-info -C metadata=1f -C extra-filename=-1f --out-dir d -C incremental=i --cap-lints warn --extern b=d/libb-2.rmeta");
    }

    #[test]
    fn the_passes_of_a_unit_with_several_crate_types() {
        let library = library("--crate-type rlib --crate-type cdylib", "dep-info,link");
        assert_eq!(library.settings.crate_types, [CrateType::Rlib, CrateType::Cdylib]);
        insta::assert_snapshot!(shown(hollow(&library, Path::new("h/liba.rlib"))), @"--crate-name a src/lib.rs --error-format=json --crate-type=rlib -C metadata=1f -C extra-filename=-1f --out-dir d --extern b=d/libb-2.rmeta --emit=link=h/liba.rlib --cap-lints=allow -Zno-codegen");
        insta::assert_snapshot!(shown(full(&library, Path::new("ignored"))), @"--crate-name a src/lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts --crate-type rlib --crate-type cdylib --emit=link --emit=dep-info -C metadata=1f -C extra-filename=-1f --out-dir d -C incremental=i --cap-lints warn --extern b=d/libb-2.rmeta");
    }
}
