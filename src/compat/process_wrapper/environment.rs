//! The environment and the substitutions of the program that is run.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use super::flags::Request;
use super::line_file::lines;
use super::substitution::Substitutions;

/// Reads one of the files that a flag names.
pub fn read(flag: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| anyhow!("{flag}: cannot read `{}`: {error}", path.display()))
}

/// What `${KEY}` stands for: what `--subst` says, and `out_dir`.
pub fn substitutions(request: &Request) -> Result<Substitutions> {
    let mut substitutions = Substitutions::dollar();
    for (key, value) in &request.substitutions {
        substitutions.add(key.as_bytes(), resolve(value)?.as_bytes());
    }
    if let Some(out_dir) = &request.out_dir {
        substitutions.add(b"out_dir", out_dir.as_bytes());
    }
    Ok(substitutions)
}

/// The directories that a value of `--subst` may name. Bazel knows no such words; process_wrapper asks the system.
fn resolve(value: &OsStr) -> Result<Cow<'_, OsStr>> {
    Ok(match value.to_str() {
        Some("${pwd}") => Cow::Owned(working_directory()?.into_os_string()),
        Some("${output_base}") => Cow::Owned(output_base(&working_directory()?).into_os_string()),
        Some("${exec_root}") => {
            let directory = working_directory()?;
            let workspace = directory.file_name().unwrap_or_default();
            Cow::Owned(output_base(&directory).join("execroot").join(workspace).into_os_string())
        }
        _ => Cow::Borrowed(value),
    })
}

/// The working directory.
pub fn working_directory() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| anyhow!("cannot tell the working directory: {error}"))
}

/// Bazel's output base as seen from an action's working directory `execroot/WORKSPACE`: beside the directory that `external` links to, or
/// two directories up.
fn output_base(directory: &Path) -> PathBuf {
    let external = directory.join("external");
    let linked = external.canonicalize().ok().filter(|_| external.is_symlink());
    let linked = linked.and_then(|external| Some(external.parent()?.to_owned()));
    let above = || Some(directory.canonicalize().ok()?.parent()?.parent()?.to_owned());
    linked.or_else(above).unwrap_or_else(|| directory.to_owned())
}

/// What is to be set in the environment, on top of what is inherited: the variables of the files, `OUT_DIR`, and every inherited one with
/// a key in it. First `{KEY}` is replaced by values of the workspace status, then `${KEY}`.
pub fn variables(request: &Request, substitutions: &Substitutions) -> Result<Vec<(OsString, OsString)>> {
    let stamps = stamps(request)?;
    let mut set = Vec::new();
    for path in &request.env_files {
        for (number, line) in lines(&read("--env-file", path)?) {
            let Some(at) = memchr::memchr(b'=', &line) else {
                let line = String::from_utf8_lossy(&line);
                bail!("environment file invalid: line {number} of `{}` has no `=`: {line}", path.display());
            };
            set.push((OsStr::from_bytes(&line[..at]).to_owned(), OsStr::from_bytes(&line[at + 1..]).to_owned()));
        }
    }
    if let Some(out_dir) = &request.out_dir {
        let mut value = OsString::from("${pwd}/");
        value.push(out_dir);
        set.push(("OUT_DIR".into(), value));
    }
    let apply = |value: OsString| {
        let stamped = stamps.apply(value.as_bytes());
        match substitutions.apply(&stamped) {
            Cow::Borrowed(_) if matches!(stamped, Cow::Borrowed(_)) => Err(value),
            applied => Ok(OsString::from_vec(applied.into_owned())),
        }
    };
    let inherited = std::env::vars_os().filter_map(|(name, value)| Some((name, apply(value).ok()?)));
    let set = set.into_iter().map(|(name, value)| (name, apply(value).unwrap_or_else(|same| same)));
    Ok(inherited.chain(set).collect())
}

/// Bazel's workspace status files: `KEY VALUE` lines.
fn stamps(request: &Request) -> Result<Substitutions> {
    let mut stamps = Substitutions::braces();
    for (flag, path) in ["--stable-status-file", "--volatile-status-file"].iter().zip(&request.status_files) {
        let Some(path) = path else { continue };
        for (number, line) in lines(&read(flag, path)?) {
            let Some(at) = memchr::memchr(b' ', &line) else {
                let line = String::from_utf8_lossy(&line);
                bail!("{flag}: line {number} of `{}` is no `KEY VALUE`: {line}", path.display());
            };
            stamps.add(&line[..at], &line[at + 1..]);
        }
    }
    Ok(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_base_is_where_external_leads_to() {
        let scratch = tempfile::tempdir().unwrap();
        let base = scratch.path().canonicalize().unwrap();
        let directory = base.join("execroot/_main");
        std::fs::create_dir_all(&directory).unwrap();
        assert_eq!(output_base(&directory), base);
        std::fs::create_dir(directory.join("external")).unwrap();
        assert_eq!(output_base(&directory), base, "a directory leads nowhere");
        std::fs::remove_dir(directory.join("external")).unwrap();
        std::fs::create_dir_all(base.join("elsewhere/external")).unwrap();
        std::os::unix::fs::symlink(base.join("elsewhere/external"), directory.join("external")).unwrap();
        assert_eq!(output_base(&directory), base.join("elsewhere"));
        assert_eq!(output_base(Path::new("/no/such/directory")), Path::new("/no/such/directory"));
    }

    #[test]
    fn only_the_whole_value_is_a_directory() {
        assert_eq!(resolve(OsStr::new("x${pwd}")).unwrap(), OsStr::new("x${pwd}"));
        assert_eq!(Path::new(&resolve(OsStr::new("${pwd}")).unwrap()), working_directory().unwrap());
        let workspace = working_directory().unwrap();
        assert!(Path::new(&resolve(OsStr::new("${exec_root}")).unwrap()).ends_with(workspace.file_name().unwrap()));
    }
}
