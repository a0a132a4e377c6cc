//! `--print`: the rewritten command, for people, shells and tools.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::action::{After, Plan, Split};
use crate::interface::Lines;

/// In which form to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One line that a POSIX shell can run.
    Shell,
    /// `{"crate", "argv", "env", "output", "dep_info", "diagnostics", "interface", "then"}`.
    Json,
}

#[derive(Serialize)]
struct Printed<'a> {
    #[serde(rename = "crate")]
    crate_name: &'a str,
    argv: Vec<&'a str>,
    env: serde_json::Map<String, serde_json::Value>,
    output: &'a Path,
    dep_info: Option<&'a Path>,
    diagnostics: Option<&'a Path>,
    /// `keep` or `drop` if the interface source is compiled in the place of the true one, which `argv` names.
    interface: Option<&'static str>,
    /// What hollow does when rustc has succeeded.
    then: Vec<Step<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Step<'a> {
    VerifyAgainst(&'a Path),
    SealWith(&'a Path),
    PublishAs(&'a Path),
}

impl<'a> Step<'a> {
    fn of(after: &'a After) -> Self {
        match after {
            After::Verify(hollow) => Self::VerifyAgainst(hollow),
            After::Seal(hollow) => Self::SealWith(hollow),
            After::Publish(path) => Self::PublishAs(path),
        }
    }
}

/// Prints what the action would run, and runs nothing.
pub fn plan(plan: &Plan, program: &Path, format: Format) -> Result<ExitCode> {
    if plan.split != Split::Whole {
        bail!(
            "--print shows a command of rustc, and that alone makes no link plan and carries none out: use `hollow inspect` on the plan"
        );
    }
    let text = match format {
        Format::Shell => shell(plan, program)?,
        Format::Json => json(plan, program)?.into_bytes(),
    };
    crate::print_out(&text, "the command")?;
    Ok(ExitCode::SUCCESS)
}

/// What hollow does when rustc has succeeded follows behind `&&`. What it does before or meanwhile has no place in one line.
fn shell(plan: &Plan, program: &Path) -> Result<Vec<u8>> {
    let more = [(plan.interface.is_some(), "--interface"), (plan.diagnostics.is_some(), "--diagnostics")];
    if let Some((_, option)) = more.into_iter().find(|(is_there, _)| *is_there) {
        bail!("a line for a shell can't say what {option} does: use --print=json");
    }
    let quoter = shlex::bytes::Quoter::new();
    let mut line = Vec::new();
    for (name, value) in &plan.env {
        line.extend_from_slice(name.as_bytes());
        line.push(b'=');
        line.extend_from_slice(&quoter.quote(value.as_bytes())?);
        line.push(b' ');
    }
    line.extend_from_slice(&quoter.quote(program.as_os_str().as_bytes())?);
    for token in plan.line.clone().into_tokens() {
        line.push(b' ');
        line.extend_from_slice(&quoter.quote(token.as_bytes())?);
    }
    let output = plan.output.as_os_str();
    for after in &plan.after {
        let words = match after {
            After::Verify(hollow) => vec!["hollow".as_ref(), "inspect".as_ref(), output, hollow.as_os_str()],
            After::Seal(hollow) => vec!["hollow".as_ref(), "seal".as_ref(), output, "--with".as_ref(), hollow.as_os_str()],
            After::Publish(path) => vec!["cp".as_ref(), output, path.as_os_str()],
        };
        line.extend_from_slice(b" &&");
        for word in words {
            line.push(b' ');
            line.extend_from_slice(&quoter.quote(word.as_bytes())?);
        }
    }
    line.push(b'\n');
    Ok(line)
}

fn json(plan: &Plan, program: &Path) -> Result<String> {
    let not_utf8 = "JSON can't hold an argument that is not UTF-8: use --print shell";
    let tokens = plan.line.clone().into_tokens();
    let program = program.to_str().context(not_utf8)?;
    let arguments = tokens.iter().map(|token| token.to_str().context(not_utf8));
    let argv = std::iter::once(Ok(program)).chain(arguments).collect::<Result<Vec<_>>>()?;
    let mut env = serde_json::Map::new();
    for (name, value) in &plan.env {
        env.insert(name.to_string_lossy().into_owned(), value.to_string_lossy().into());
    }
    let printed = Printed {
        crate_name: &plan.crate_name,
        argv,
        env,
        output: &plan.output,
        dep_info: plan.dep_info.as_deref(),
        diagnostics: plan.diagnostics.as_deref(),
        interface: plan.interface.as_ref().map(|options| match options.lines {
            Lines::Keep => "keep",
            Lines::Drop => "drop",
        }),
        then: plan.after.iter().map(Step::of).collect(),
    };
    let mut text = serde_json::to_string_pretty(&printed).context(not_utf8)?;
    text.push('\n');
    Ok(text)
}
