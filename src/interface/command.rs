//! `hollow interface`: the interface source of a crate, printed or written.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{Crate, Dependencies, Disk, Lines, Options, overlay};
use crate::report;
use crate::rustc::{CommandLine, Settings};

/// What was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// What becomes of lines.
    pub lines: Lines,
    /// Macros that expand to expressions.
    pub expression_macros: HashSet<String>,
    /// Where to write an overlay, instead of printing.
    pub output: Option<PathBuf>,
    /// Say which functions stayed, and why.
    pub explain: bool,
}

/// Makes the interface source of the crate that a rustc command line compiles.
pub fn run(line: &CommandLine, request: &Request) -> Result<ExitCode> {
    let input = Settings::of(line).input.filter(|input| input != "-");
    let root = PathBuf::from(input.context("the rustc command line names no source file, so there is no interface source")?);
    let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from);
    let mut options = Options::of(line, request.lines, request.expression_macros.clone());
    let krate = options
        .load(&root, Disk, out_dir.as_deref())
        .with_context(|| format!("cannot read the crate root `{}`", root.display()))?;
    let dependencies = Dependencies::read(line);
    let note = krate.note(&dependencies);
    if let Some(reason) = krate.keeps_lines(&options, &dependencies, &note).filter(|_| options.lines == Lines::Drop) {
        report(format_args!("warning: lines are kept, because {reason}"));
        options.lines = Lines::Keep;
    }
    let interface = krate.interface(&options);
    match &request.output {
        Some(directory) => {
            let overlay = overlay::write(&krate, &interface, directory)?;
            report(format_args!("the interface source of `{}` is `{}`", root.display(), overlay.root.display()));
        }
        None => {
            let text = printed(&krate, &interface.files);
            crate::print_out(text.as_bytes(), "the interface source")?;
        }
    }
    if request.explain {
        for line in interface.report.to_string().lines() {
            report(format_args!("{line}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn printed(krate: &Crate, changed: &[(PathBuf, String)]) -> String {
    let modules = krate.modules();
    let text_of = |path: &Path, text| changed.iter().find(|(changed, _)| changed == path).map_or(text, |(_, text)| text.as_str());
    let mut printed = String::new();
    for (path, text) in &modules {
        if modules.len() > 1 {
            // Writing to a string can't fail.
            let _ = writeln!(printed, "// file: {}", path.display());
        }
        let text = text_of(path, *text);
        printed.push_str(text);
        if !text.is_empty() && !text.ends_with('\n') {
            printed.push('\n');
        }
    }
    printed
}
