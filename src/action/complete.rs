//! What only the source says of a crate.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::perform::cannot_run;
use crate::rustc::{CommandLine, Edit, Name, Opt, Settings, bootstrap};

/// Fills in the crate's name and type where only the source says them (`#![crate_name]`, `#![crate_type]`), so that outputs get the names
/// that rustc would give. rustc itself is asked, and only if the command line is silent and the source mentions such an attribute.
pub fn complete(mut line: CommandLine, program: &Path) -> Result<CommandLine> {
    let settings = Settings::of(&line);
    let Some(input) = settings.input.as_ref().filter(|input| *input != "-") else { return Ok(line) };
    let lacks_name = settings.crate_name.is_none();
    let lacks_type = settings.crate_types.is_empty() && !settings.test;
    if !lacks_name && !lacks_type {
        return Ok(line);
    }
    // What can't be read is rustc's to report.
    let source = std::fs::read(input).unwrap_or_default();
    let mentions = |word: &str| source.windows(word.len()).any(|window| window == word.as_bytes());
    if !(lacks_name && mentions("crate_name") || lacks_type && mentions("crate_type")) {
        return Ok(line);
    }
    let arguments = line.clone().rewrite(|option| match option.name() {
        Name::Emit | Name::Output | Name::OutDir => Edit::Drop,
        _ => Edit::Keep,
    });
    let mut command = Command::new(program);
    command.args(arguments.into_tokens()).args(["--print=crate-name", "--print=file-names"]).env(bootstrap::VARIABLE, "1");
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(|error| cannot_run(program, error))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    if let [name, files @ ..] = &answer.lines().collect::<Vec<_>>()[..] {
        if lacks_name {
            line.push(Opt::new(Name::CrateName, *name));
        }
        if lacks_type {
            files.iter().for_each(|file| line.push(Opt::new(Name::CrateType, crate_type_of(file))));
        }
    }
    Ok(line)
}

/// The crate type whose output has such a name.
fn crate_type_of(file: &str) -> &'static str {
    match Path::new(file).extension().and_then(|extension| extension.to_str()) {
        Some("rlib") => "rlib",
        Some("a" | "lib") => "staticlib",
        Some("so" | "dylib" | "dll") => "dylib",
        _ => "bin",
    }
}
