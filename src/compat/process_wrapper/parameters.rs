//! The arguments of the program that is run: substituted, and parameter files (`@FILE`) flattened.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::TempPath;

use super::environment::read;
use super::flags::Request;
use super::line_file::lines;
use super::substitution::Substitutions;
use crate::compat::arguments::Arguments;

/// The command line of the program, with the parameter files that were made for it. They go away with this.
pub struct Parameters {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The files.
    pub files: Vec<TempPath>,
}

/// Makes the command line. A parameter file that says the same before and after is passed on as it is, others are written to a temporary place.
pub fn parameters(request: &Request, substitutions: &Substitutions) -> Result<Parameters> {
    let substituted = |argument: &OsStr| match substitutions.apply(argument.as_bytes()) {
        Cow::Borrowed(_) => argument.to_owned(),
        Cow::Owned(bytes) => OsString::from_vec(bytes),
    };
    let mut own: Vec<OsString> = request.arguments.iter().map(|argument| substituted(argument)).collect();
    for path in &request.arg_files {
        own.extend(lines(&read("--arg-file", path)?).iter().map(|(_, line)| substituted(OsStr::from_bytes(line))));
    }
    let mut parameters = Parameters { program: substituted(&request.program), arguments: Vec::new(), files: Vec::new() };
    let mut allows_features = false;
    for argument in own {
        let Some(path) = argument.as_bytes().strip_prefix(b"@") else {
            allows_features |= is_allow_features(argument.as_bytes());
            parameters.arguments.push(argument);
            continue;
        };
        let path = PathBuf::from(OsStr::from_bytes(path));
        let mut file = File { substitutions, flat: Arguments::default(), allows_features: false };
        let content = read("parameter file", &path)?;
        file.flatten(&path, &content, &mut Vec::new())?;
        allows_features |= file.allows_features;
        if file.flat.are(&content) {
            parameters.arguments.push(argument);
        } else {
            let written = file.flat.write(&std::env::temp_dir(), "hollow-", ".params");
            let (line, files) =
                written.with_context(|| format!("cannot write a copy of the parameter file `{}`", path.display()))?;
            parameters.arguments.extend(line);
            parameters.files.extend(files);
        }
    }
    if request.explicit_unstable_features && !allows_features {
        parameters.arguments.push("-Zallow-features=".into());
    }
    Ok(parameters)
}

/// A parameter file on its way.
struct File<'a> {
    substitutions: &'a Substitutions,
    flat: Arguments,
    allows_features: bool,
}

impl File<'_> {
    /// Adds the lines of a file. Relative paths count from the working directory, at every level.
    fn flatten(&mut self, path: &Path, content: &[u8], open: &mut Vec<PathBuf>) -> Result<()> {
        let identity = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if open.contains(&identity) {
            bail!("the parameter file `{}` includes itself", path.display());
        }
        open.push(identity);
        for (_, line) in lines(content) {
            let line = self.substitutions.apply(&line);
            match line.strip_prefix(b"@") {
                Some(nested) => {
                    let nested = Path::new(OsStr::from_bytes(nested));
                    let content =
                        read("parameter file", nested).with_context(|| format!("in the parameter file `{}`", path.display()))?;
                    self.flatten(nested, &content, open)?;
                }
                None => {
                    self.allows_features |= is_allow_features(&line);
                    self.flat.push(OsStr::from_bytes(&line));
                }
            }
        }
        open.pop();
        Ok(())
    }
}

/// `-Zallow-features=x`, or the second half of `-Z allow-features=x`.
fn is_allow_features(argument: &[u8]) -> bool {
    argument.strip_prefix(b"-Z").unwrap_or(argument).starts_with(b"allow-features=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_features_are_seen_in_both_spellings() {
        for (argument, is) in [
            ("-Zallow-features=", true),
            ("-Zallow-features=a,b", true),
            ("allow-features=a", true),
            ("-Zallow-features", false),
            ("-Z", false),
            ("x-Zallow-features=", false),
            ("-Z-Zallow-features=", false),
        ] {
            assert_eq!(is_allow_features(argument.as_bytes()), is, "{argument}");
        }
    }

    #[test]
    fn arguments_are_substituted_the_program_included() {
        let mut substitutions = Substitutions::dollar();
        substitutions.add(b"pwd", b"/here");
        let request = Request {
            program: "${pwd}/rustc".into(),
            arguments: ["-L${pwd}", "${output_base}", "a"].map(OsString::from).to_vec(),
            explicit_unstable_features: true,
            ..Request::default()
        };
        let parameters = parameters(&request, &substitutions).unwrap();
        assert_eq!(parameters.program, "/here/rustc");
        assert_eq!(parameters.arguments, ["-L/here", "${output_base}", "a", "-Zallow-features="]);
    }
}
