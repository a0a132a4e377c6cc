//! Link plans on disk: one file for build systems, or a directory. The content is the same.
//!
//! A file is its magic line, the length of the manifest (8 bytes, little-endian), the manifest as JSON, and the plan's files one after
//! the other in the manifest's order. A directory has the manifest as `manifest.json` beside them.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tempfile::TempDir;

use super::manifest::{Content, Manifest};

const MAGIC: &[u8] = b"hollow link plan\n";
const MANIFEST: &str = "manifest.json";

/// In which form a plan is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One file, for build systems.
    #[default]
    File,
    /// A directory, from which the linker reads the objects where they are.
    Directory,
}

/// A link plan on disk.
#[derive(Debug)]
pub struct LinkPlan {
    path: PathBuf,
    manifest: Manifest,
    /// The file, standing where its files begin, if it is one.
    file: Option<File>,
}

/// The files of a plan, ready for the linker.
#[derive(Debug)]
pub struct Unpacked {
    directory: PathBuf,
    /// Removed in the end.
    _scratch: Option<TempDir>,
}

impl LinkPlan {
    /// Reads the manifest, and sees to it that all files are there in their full length.
    pub fn read(path: &Path) -> Result<Self> {
        let cannot_read = || format!("cannot read the link plan `{}`", path.display());
        let no_plan =
            |reason: &str| anyhow!("`{}` is not a link plan: {reason}: give one that `hollow compile` made", path.display());
        let (json, mut file) = if path.is_dir() {
            let json = fs::read(path.join(MANIFEST)).map_err(|error| no_plan(&format!("it has no {MANIFEST} ({error})")))?;
            (json, None)
        } else {
            let mut file = File::open(path).with_context(cannot_read)?;
            let mut head = [0; MAGIC.len() + 8];
            file.read_exact(&mut head).map_err(|_| no_plan("it is too short"))?;
            let (magic, length) = head.split_at(MAGIC.len());
            if magic != MAGIC {
                return Err(no_plan("it is another kind of file"));
            }
            let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
            let mut json = Vec::new();
            (&mut file).take(length).read_to_end(&mut json).with_context(cannot_read)?;
            if (json.len() as u64) < length {
                return Err(no_plan("it is cut off"));
            }
            (json, Some(file))
        };
        let version: Version = serde_json::from_slice(&json).map_err(|error| no_plan(&error.to_string()))?;
        ensure!(
            version.hollow == env!("CARGO_PKG_VERSION"),
            "the link plan `{}` was made by hollow {}, and this is {}: use one hollow for both actions",
            path.display(),
            version.hollow,
            env!("CARGO_PKG_VERSION"),
        );
        let manifest: Manifest = serde_json::from_slice(&json).map_err(|error| no_plan(&error.to_string()))?;
        if let Some(file) = &mut file {
            let start = file.stream_position().with_context(cannot_read)?;
            let expected = start + sizes(&manifest);
            let length = file.metadata().with_context(cannot_read)?.len();
            if length != expected {
                return Err(no_plan(&format!("it has {length} bytes in the place of {expected}")));
            }
        } else if let Content::Split(call) = &manifest.content {
            for member in &call.files {
                let size = path.join(&member.name).metadata().map(|found| found.len()).ok();
                if size != Some(member.size) {
                    return Err(no_plan(&format!("its file {} is missing or has another size", member.name)));
                }
            }
        }
        Ok(Self { path: path.to_owned(), manifest, file })
    }

    /// Whether there is a link plan, be it whole or not.
    pub fn is_one(path: &Path) -> bool {
        let mut head = [0; MAGIC.len()];
        let mut is_file = || File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok();
        path.join(MANIFEST).is_file() || is_file() && head == *MAGIC
    }

    /// What it says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a plan with the files of a directory, which become a part of it. It appears complete or not at all, but for a moment in which
    /// there is no plan when a directory replaces another.
    pub fn write(manifest: &Manifest, files: &Path, path: &Path, format: Format) -> Result<()> {
        let json = serde_json::to_vec(manifest)?;
        let written = match format {
            Format::File => write_file(manifest, &json, files, path),
            Format::Directory => write_directory(&json, files, path),
        };
        written.with_context(|| format!("cannot write the link plan `{}`", path.display()))
    }

    /// Writes a plan that has no files, because it is an unsplit one.
    pub fn write_unsplit(manifest: &Manifest, path: &Path, format: Format) -> Result<()> {
        let scratch = tempfile::Builder::new().prefix(".hollow-").tempdir_in(directory_of(path))?;
        let files = scratch.path().join("files");
        fs::create_dir(&files)?;
        Self::write(manifest, &files, path, format)
    }

    /// Makes the files ready: in the plan itself if it is a directory, otherwise in a new one in `within`.
    pub fn unpack(&self, within: &Path) -> Result<Unpacked> {
        let (Some(file), Content::Split(call)) = (&self.file, &self.manifest.content) else {
            return Ok(Unpacked { directory: self.path.canonicalize()?, _scratch: None });
        };
        let scratch = tempfile::Builder::new().prefix(".hollow-").tempdir_in(within);
        let unpacked = scratch.and_then(|scratch| {
            let directory = scratch.path().canonicalize()?;
            let mut file = file;
            file.seek(SeekFrom::Start(self.start()?))?;
            for name in &call.directories {
                fs::create_dir_all(directory.join(checked(name)?))?;
            }
            for member in &call.files {
                let mut target = File::create_new(directory.join(checked(&member.name)?))?;
                let copied = io::copy(&mut file.take(member.size), &mut target)?;
                if copied != member.size {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(Unpacked { directory, _scratch: Some(scratch) })
        });
        unpacked.with_context(|| format!("cannot unpack the link plan `{}`", self.path.display()))
    }

    /// The bytes of one of its files.
    pub fn content(&self, name: &str) -> Result<Vec<u8>> {
        let (Some(mut file), Content::Split(call)) = (self.file.as_ref(), &self.manifest.content) else {
            return Ok(fs::read(self.path.join(checked(name)?))?);
        };
        let before: u64 = call.files.iter().take_while(|file| file.name != name).map(|file| file.size).sum();
        let Some(member) = call.files.iter().find(|file| file.name == name) else { bail!("the plan has no file `{name}`") };
        file.seek(SeekFrom::Start(self.start()? + before))?;
        let mut content = Vec::new();
        file.take(member.size).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Where the files begin.
    fn start(&self) -> io::Result<u64> {
        let Some(file) = &self.file else { return Ok(0) };
        Ok(file.metadata()?.len().saturating_sub(sizes(&self.manifest)))
    }
}

impl Unpacked {
    /// The absolute path of one of the plan's files.
    pub fn path(&self, name: &str) -> io::Result<PathBuf> {
        Ok(self.directory.join(checked(name)?))
    }
}

/// All that is read of a plan that may have another layout.
#[derive(serde::Deserialize)]
struct Version {
    hollow: String,
}

fn sizes(manifest: &Manifest) -> u64 {
    match &manifest.content {
        Content::Split(call) => call.files.iter().fold(0, |sum, file| sum.saturating_add(file.size)),
        Content::Unsplit(_) => 0,
    }
}

/// A name that leads nowhere but into the plan: plans may come from a cache that others write to.
fn checked(name: &str) -> io::Result<&Path> {
    let inside = Path::new(name).components().all(|component| matches!(component, std::path::Component::Normal(_)));
    if inside { Ok(Path::new(name)) } else { Err(io::Error::other(format!("the name `{name}` leads out of the plan"))) }
}

fn write_file(manifest: &Manifest, json: &[u8], files: &Path, path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("there is a directory: remove it");
    }
    let scratch = tempfile::Builder::new().prefix(".hollow-").tempdir_in(directory_of(path))?;
    let staged = scratch.path().join("plan");
    let mut target = File::create_new(&staged)?;
    target.write_all(&[MAGIC, &(json.len() as u64).to_le_bytes(), json].concat())?;
    if let Content::Split(call) = &manifest.content {
        for member in &call.files {
            let copied = io::copy(&mut File::open(files.join(&member.name))?, &mut target)?;
            ensure!(copied == member.size, "{} has changed", member.name);
        }
    }
    fs::rename(staged, path)?;
    Ok(())
}

/// The directory that a path is in.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_directory(json: &[u8], files: &Path, path: &Path) -> Result<()> {
    fs::write(files.join(MANIFEST), json)?;
    if let Ok(found) = path.symlink_metadata() {
        if found.is_dir() {
            ensure!(path.join(MANIFEST).is_file(), "there is a directory that is not a link plan: remove it");
            // Aside first, so that nobody reads half of it.
            let aside = files.with_extension("old");
            fs::rename(path, &aside)?;
            fs::rename(files, path)?;
            fs::remove_dir_all(aside)?;
            return Ok(());
        }
        fs::remove_file(path)?;
    }
    fs::rename(files, path)?;
    Ok(())
}
