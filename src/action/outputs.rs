//! Where rustc writes, so that an action leaves its outputs complete or not at all.
//!
//! rustc itself renames an rlib into place, but writes dep-info in place and lets the linker write programs in place; it refuses an old output
//! that is read-only; killed, it leaves `*.rcgu.o` files in `--out-dir` and directories `rustcXXXXXX` and `rmetaXXXXXX` beside the output.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use fs_err as fs;
use tempfile::TempDir;

use super::aside::Aside;
use super::plan::path_value;
use super::{After, Plan};
use crate::process::without_temporary_name;
use crate::rustc::{Codegen, CommandLine, Edit, Name, Opt};

/// Makes the directories of the outputs.
pub fn prepare(plan: &Plan) -> Result<()> {
    let published = plan.after.iter().filter_map(|after| match after {
        After::Publish(path) => Some(path.as_path()),
        After::Verify(_) | After::Seal(_) => None,
    });
    let paths = [Some(plan.output.as_path()), plan.dep_info.as_deref(), plan.diagnostics.as_deref()];
    for output in paths.into_iter().flatten().chain(published) {
        if let Some(parent) = output.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|error| anyhow!("cannot make a place for the output: {error}"))?;
        }
    }
    Ok(())
}

/// Whether rustc by itself leaves the outputs complete or as they were. It does so with an rlib, which it renames into place; an old one that is
/// read-only it refuses. Dep-info it writes long before it knows whether there will be an rlib.
pub fn is_safe_in_place(plan: &Plan) -> bool {
    let refused = plan.output.metadata().is_ok_and(|found| found.is_file() && found.permissions().readonly());
    !plan.links && !refused && plan.dep_info.as_deref().is_none_or(is_stream)
}

/// Writes a file that is an output whether or not rustc succeeds. Another name of an old one (a hard link into a build cache) keeps its content.
/// Never chmods: that would change the other name, too. Devices and such are left alone.
pub fn write_anew(path: &Path, content: &[u8]) -> Result<()> {
    if !is_stream(path) && path.symlink_metadata().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(fs::write(path, content)?)
}

/// The place of an action's outputs while it runs, when this process waits for rustc.
pub enum Staging<'a> {
    /// A directory beside the output. What is in it when all went well is moved out; the rest goes away with it.
    Private { plan: &'a Plan, directory: TempDir, intermediate: &'a Path },
    /// Where they belong. What is new there when something went wrong is removed, and what is old is put back.
    InPlace { plan: &'a Plan, outputs: Vec<(&'a Path, Option<Aside>)> },
}

impl<'a> Staging<'a> {
    /// Chooses the place: in private, unless somebody is told the paths meanwhile (`--json=artifacts`), there is an incremental cache, one of them is a device
    /// (`-o /dev/null`), or the linker puts them into the output (Apple's does).
    pub fn new(plan: &'a Plan, scratch: &'a TempDir) -> Result<Self> {
        let announces = plan
            .line
            .values(Name::Json)
            .any(|value| value.as_bytes().split(|&byte| byte == b',').any(|kind| kind == b"artifacts"));
        let outputs = || std::iter::once(&plan.output).chain(&plan.dep_info).map(PathBuf::as_path);
        // rustc throws its incremental cache away when a path in `--emit` is another one than the last time.
        let incremental = plan.line.values(Name::Codegen).any(|value| Codegen::parse(value).name == "incremental");
        // Relative paths of libraries begin where the program is.
        let rpath = plan.line.values(Name::Codegen).any(|value| Codegen::parse(value).name == "rpath");
        if announces || incremental || rpath || outputs().any(is_stream) || cfg!(target_vendor = "apple") {
            return Self::in_place(plan, outputs().filter(|path| !is_stream(path)));
        }
        let parent = parent(&plan.output);
        let within = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let directory = tempfile::Builder::new()
            .prefix(".hollow-")
            .tempdir_in(within)
            .map_err(|error| anyhow!("cannot make a place for `{}`: {}", plan.output.display(), without_temporary_name(error)))?;
        Ok(Self::Private { plan, directory, intermediate: scratch.path() })
    }

    /// Moves what is old in these places out of the way.
    pub fn in_place(plan: &'a Plan, paths: impl Iterator<Item = &'a Path>) -> Result<Self> {
        let mut outputs = Vec::new();
        for path in paths {
            match Aside::of(path) {
                Ok(aside) => outputs.push((path, aside)),
                Err(error) => {
                    Self::InPlace { plan, outputs }.abandon();
                    return Err(error);
                }
            }
        }
        Ok(Self::InPlace { plan, outputs })
    }

    /// Where rustc is to write the output.
    pub fn output(&self) -> PathBuf {
        match self {
            Self::Private { plan, .. } => self.staged(&plan.output),
            Self::InPlace { plan, .. } => plan.output.clone(),
        }
    }

    /// Where rustc is to write the dep-info, if it goes to a file.
    pub fn dep_info(&self) -> Option<PathBuf> {
        match self {
            Self::Private { plan, .. } => plan.dep_info.as_deref().map(|path| self.staged(path)),
            Self::InPlace { plan, .. } => plan.dep_info.clone().filter(|path| !is_stream(path)),
        }
    }

    /// The command line for rustc with these places.
    pub fn line(&self) -> CommandLine {
        let Self::Private { plan, intermediate, .. } = self else { return self.plan().line.clone() };
        let output = path_value("link=", &plan.output);
        let dep_info = plan.dep_info.as_deref().map(|path| (path_value("dep-info=", path), path));
        let mut line = plan.line.clone().rewrite(|option| match &dep_info {
            _ if option.name() == Name::OutDir && !keeps_intermediate(&plan.line) => Edit::Drop,
            _ if option.name() != Name::Emit => Edit::Keep,
            _ if option.value() == output => staged_emit(option, "link=", &self.staged(&plan.output)),
            Some((value, path)) if option.value() == value => staged_emit(option, "dep-info=", &self.staged(path)),
            _ => Edit::Keep,
        });
        if !keeps_intermediate(&plan.line) {
            line.push(Opt::new(Name::OutDir, *intermediate));
        }
        line
    }

    /// Puts the outputs where they belong.
    pub fn commit(self) -> Result<()> {
        let Self::Private { plan, directory, .. } = &self else { return Ok(()) };
        // Whatever the name was until now, this is what it is called.
        let put = |from: &Path, to: &Path| {
            std::fs::rename(from, to).map_err(|error| anyhow!("cannot put `{}` into its place: {error}", to.display()))
        };
        if let Some(dep_info) = plan.dep_info.as_deref() {
            let staged = self.staged(dep_info);
            let rewritten = std::fs::read(&staged).and_then(|content| std::fs::write(&staged, self.without_staging(&content)));
            rewritten.map_err(|error| anyhow!("cannot write `{}`: {error}", dep_info.display()))?;
            put(&staged, dep_info)?;
        }
        // The linker may have put something beside the output: debug information, an import library.
        for entry in fs::read_dir(directory.path())? {
            let entry = entry?;
            let target = parent(&plan.output).join(entry.file_name());
            if target != plan.output {
                put(&entry.path(), &target)?;
            }
        }
        put(&self.staged(&plan.output), &plan.output)
    }

    /// Leaves nothing new, and everything old.
    pub fn abandon(self) {
        let Self::InPlace { outputs, .. } = self else { return };
        for (path, aside) in outputs {
            // There may be none.
            let _ = fs::remove_file(path);
            if let Some(aside) = aside {
                aside.put_back();
            }
        }
    }

    fn staged(&self, path: &Path) -> PathBuf {
        let Self::Private { plan, directory, .. } = self else { return path.to_owned() };
        let mut staged = parent(&plan.output).join(directory.path().file_name().unwrap_or_default());
        staged.push(path.file_name().unwrap_or_default());
        staged
    }

    /// Dep-info names its targets, some by `--out-dir`; those are the final ones.
    fn without_staging(&self, dep_info: &[u8]) -> Vec<u8> {
        let Self::Private { plan, intermediate, .. } = self else { return dep_info.to_vec() };
        let mut content = dep_info.to_vec();
        for path in std::iter::once(&plan.output).chain(&plan.dep_info) {
            content = replace_in_dep_info(&content, &self.staged(path), path);
        }
        let out_dir = plan.line.values(Name::OutDir).next_back().map(|out_dir| Path::new(out_dir).join(""));
        replace_in_dep_info(&content, &intermediate.join(""), &out_dir.unwrap_or_default())
    }

    fn plan(&self) -> &'a Plan {
        match self {
            Self::Private { plan, .. } | Self::InPlace { plan, .. } => plan,
        }
    }
}

/// Whether somebody wants what rustc puts into `--out-dir` besides its outputs.
fn keeps_intermediate(line: &CommandLine) -> bool {
    line.options().any(|option| option.name() == Name::Codegen && is_kept_beside(option))
}

/// Whether this codegen option has rustc leave files beside its outputs.
pub fn is_kept_beside(option: &Opt) -> bool {
    let codegen = Codegen::parse(option.value());
    codegen.name == "save-temps" || codegen.name == "split-debuginfo" && codegen.value != Some("off".as_ref())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn staged_emit(option: &Opt, kind: &str, staged: &Path) -> Edit {
    Edit::Replace(vec![option.with_value(path_value(kind, staged))])
}

/// Whether this is no place for a file: standard output, a device, a named pipe.
pub fn is_stream(path: &Path) -> bool {
    path == Path::new("-") || path.metadata().is_ok_and(|found| !found.is_file())
}

/// Dep-info in which a path is called by another one: the place where rustc wrote by the place where it belongs.
pub fn replace_in_dep_info(dep_info: &[u8], from: &Path, to: &Path) -> Vec<u8> {
    replace_path(dep_info, &escaped(from), &escaped(to))
}

/// As `rustc_interface::passes::write_out_deps` writes paths.
fn escaped(path: &Path) -> PathBuf {
    let parts: Vec<_> = path.as_os_str().as_bytes().split(|&byte| byte == b' ').collect();
    PathBuf::from(std::ffi::OsString::from_vec(parts.join(&b"\\ "[..])))
}

/// A text in which a path is called by another one.
pub fn replace_path(text: &[u8], from: &Path, to: &Path) -> Vec<u8> {
    let (from, to) = (from.as_os_str().as_bytes(), to.as_os_str().as_bytes());
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
