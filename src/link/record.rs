//! Standing in for the linker: hollow under the linker's name, which notes its call and keeps what rustc is about to delete.
//!
//! rustc infers the kind of a linker from the stem of its file name (`rustc_target::spec::LinkerFlavor::infer_linker_hints`), so the stand-in
//! has the name of the linker that would have run. It is a symbolic link, in a directory of its own that a variable names: a hollow that is
//! called from there is no hollow but the stand-in.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use tempfile::TempDir;

use super::manifest::Call;
use super::place::{self, Surroundings};
use crate::report;

/// Names the recorder's directory to the stand-in.
const VARIABLE: &str = "HOLLOW_LINKER_PLAN";
/// The variables that rustc sets for its linker everywhere (`rustc_codegen_ssa::back::linker::disable_localization`), and on Apple's systems.
const SET_BY_RUSTC: [&str; 4] = ["LC_ALL", "VSLANG", "ZERO_AR_DATE", "SDKROOT"];

/// Where rustc is to put its objects.
const OBJECTS: &str = "objects";
/// Where the stand-in is.
const LINKER: &str = "linker";
/// For what else rustc and its macros put somewhere for a while: `TMPDIR`.
const TEMPORARY: &str = "temporary";
/// What was kept, in the form of a plan.
const KEPT: &str = "kept";
/// The call, and where its temporary directory was.
const CALL: &str = "call";

/// What rustc told its linker.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The arguments, those in a response file included.
    pub arguments: Vec<OsString>,
    /// The variables that rustc sets.
    pub environment: Vec<(String, OsString)>,
    /// `PATH`.
    pub path: OsString,
    /// rustc's temporary directory, as the arguments call it.
    pub temporary: Option<PathBuf>,
    /// The objects that were kept: how the arguments call them, and their names in the plan.
    pub objects: Vec<(OsString, String)>,
}

/// A place in which one call of the linker can be recorded.
pub struct Recorder {
    directory: TempDir,
    linker: PathBuf,
}

impl Recorder {
    /// Makes a recorder in a directory on the file system of the plan, so that objects need not be copied. `linker` is what the stand-in
    /// stands in for: only its file name counts.
    pub fn new(within: &Path, linker: &OsStr) -> io::Result<Self> {
        let within = if within.as_os_str().is_empty() { Path::new(".") } else { within };
        let directory = tempfile::Builder::new().prefix(".hollow-").tempdir_in(within.canonicalize()?)?;
        for name in [OBJECTS, LINKER, TEMPORARY, KEPT] {
            fs::create_dir(directory.path().join(name))?;
        }
        let linker = directory.path().join(LINKER).join(Path::new(linker).file_name().unwrap_or(OsStr::new("cc")));
        std::os::unix::fs::symlink(env::current_exe()?, &linker)?;
        Ok(Self { directory, linker })
    }

    /// What rustc has to be told: `-Clinker`.
    pub fn linker(&self) -> &Path {
        &self.linker
    }

    /// What must be in rustc's environment.
    pub fn environment(&self) -> [(OsString, OsString); 2] {
        [(VARIABLE.into(), self.directory.path().into()), ("TMPDIR".into(), self.directory.path().join(TEMPORARY).into())]
    }

    /// A place for rustc's intermediate files: `--out-dir`.
    pub fn objects(&self) -> PathBuf {
        self.directory.path().join(OBJECTS)
    }

    /// The kept files, in the form of a plan.
    pub fn kept(&self) -> PathBuf {
        self.directory.path().join(KEPT)
    }

    /// A place for files that are not ready yet.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The call, for a plan with the kept files. An error is the reason why the action can't be split.
    pub fn call(&self, surroundings: &Surroundings<'_>) -> anyhow::Result<Call> {
        let recorded = self.recorded()?.context("rustc has called no linker")?;
        place::call(&recorded, &self.kept(), self.directory(), surroundings)
    }

    /// What was recorded; `None` if rustc has called no linker.
    fn recorded(&self) -> io::Result<Option<Recorded>> {
        match fs::read(self.directory.path().join(CALL)) {
            Ok(bytes) => Recorded::decode(&bytes).map(Some).ok_or_else(|| io::Error::other("the recorded call is damaged")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Records the call, if this process is a stand-in for a linker.
pub fn record_if_linker() -> Option<ExitCode> {
    let directory = PathBuf::from(env::var_os(VARIABLE)?);
    let own_name = PathBuf::from(env::args_os().next()?);
    (own_name.parent()? == directory.join(LINKER)).then(|| match record(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(format_args!("error: cannot record the call of the linker: {error}"));
            ExitCode::FAILURE
        }
    })
}

fn record(directory: &Path) -> io::Result<()> {
    let mut recorded = Recorded {
        arguments: expanded(env::args_os().skip(1).collect())?,
        path: env::var_os("PATH").unwrap_or_default(),
        ..Recorded::default()
    };
    for name in SET_BY_RUSTC {
        recorded.environment.extend(env::var_os(name).map(|value| (name.to_owned(), value)));
    }
    let kept = directory.join(KEPT);
    recorded.temporary = temporary_directory(&recorded.arguments);
    if let Some(temporary) = &recorded.temporary {
        copy_all(temporary, &kept)?;
    }
    let own = directory.join(OBJECTS);
    for argument in &recorded.arguments {
        if let Some(name) = object_name(argument) {
            let target = kept.join(&name);
            if target.exists() {
                return Err(io::Error::other(format!("two objects are called `{name}`")));
            }
            fs::create_dir_all(kept.join(place::OBJECTS))?;
            keep(Path::new(argument), &target, &own)?;
            recorded.objects.push((argument.clone(), name));
        }
    }
    fs::write(directory.join(CALL), recorded.encode())
}

/// The arguments themselves where there are so many that rustc has written them to a file: one a line, with a backslash before
/// spaces and backslashes (`rustc_codegen_ssa::back::link::exec_linker`).
fn expanded(arguments: Vec<OsString>) -> io::Result<Vec<OsString>> {
    let [only] = &arguments[..] else { return Ok(arguments) };
    let Some(file) = only.as_bytes().strip_prefix(b"@") else { return Ok(arguments) };
    let content = fs::read(OsStr::from_bytes(file))?;
    let lines = content.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(unescaped).collect())
}

fn unescaped(line: &[u8]) -> OsString {
    let mut text = Vec::with_capacity(line.len());
    let mut bytes = line.iter();
    while let Some(&byte) = bytes.next() {
        text.push(if byte == b'\\' { bytes.next().copied().unwrap_or(byte) } else { byte });
    }
    OsString::from_vec(text)
}

/// rustc's temporary directory: `rustcXXXXXX` beside the output, which follows `-o`, or where temporary files are.
fn temporary_directory(arguments: &[OsString]) -> Option<PathBuf> {
    let output = arguments.iter().skip_while(|argument| *argument != "-o").nth(1)?;
    let beside = Path::new(output).parent().map(|parent| if parent == "" { Path::new(".") } else { parent });
    let places = [beside.map(Path::to_owned), Some(env::temp_dir())];
    let places: Vec<PathBuf> = places.into_iter().flatten().filter_map(|place| place.canonicalize().ok()).collect();
    arguments.iter().find_map(|argument| {
        let start = argument.as_bytes().iter().position(|&byte| byte == b'/')?;
        let path = Path::new(OsStr::from_bytes(&argument.as_bytes()[start..]));
        let mut ancestors = path.ancestors().filter(|path| path.file_name().is_some_and(is_temporary));
        ancestors
            .find(|path| path.is_dir() && path.parent().and_then(|p| p.canonicalize().ok()).is_some_and(|p| places.contains(&p)))
            .map(Path::to_owned)
    })
}

fn is_temporary(name: &OsStr) -> bool {
    let random = name.as_bytes().strip_prefix(b"rustc").unwrap_or_default();
    random.len() == 6 && random.iter().all(u8::is_ascii_alphanumeric)
}

/// How one of rustc's own objects is called in the plan. Each object that rustc makes is called `*.rcgu.o`.
fn object_name(argument: &OsStr) -> Option<String> {
    let name = Path::new(argument).file_name().filter(|name| name.as_bytes().ends_with(b".rcgu.o"))?;
    Some(format!("{}/{}", place::OBJECTS, name.to_str()?))
}

/// Copies everything in rustc's temporary directory: little files, and it only looks like rustc's.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Moves an object that rustc would delete. With an incremental cache it has a second name there, and is written again in the next
/// compilation, so it is copied.
fn keep(from: &Path, to: &Path, own: &Path) -> io::Result<()> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", from.display()));
    let alone = from.metadata().map_err(failed)?.nlink() == 1 && from.parent() == Some(own);
    if alone && fs::rename(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(|_| ()).map_err(failed)
}

impl Recorded {
    /// Strings with a zero behind each: a count before each list.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |text: &OsStr| {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        };
        put(&self.path);
        put(self.temporary.as_deref().unwrap_or(Path::new("")).as_os_str());
        put(self.arguments.len().to_string().as_ref());
        self.arguments.iter().for_each(|argument| put(argument));
        put(self.environment.len().to_string().as_ref());
        for (name, value) in &self.environment {
            put(name.as_ref());
            put(value);
        }
        put(self.objects.len().to_string().as_ref());
        for (argument, name) in &self.objects {
            put(argument);
            put(name.as_ref());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut texts = bytes.strip_suffix(b"\0")?.split(|&byte| byte == 0).map(|text| OsStr::from_bytes(text).to_owned());
        let mut text = || texts.next();
        let count = |text: Option<OsString>| text?.to_str()?.parse::<usize>().ok();
        let path = text()?;
        let temporary = Some(text()?).filter(|path| !path.is_empty()).map(PathBuf::from);
        let arguments = (0..count(text())?).map(|_| text()).collect::<Option<_>>()?;
        let environment = (0..count(text())?).map(|_| Some((text()?.into_string().ok()?, text()?))).collect::<Option<_>>()?;
        let objects = (0..count(text())?).map(|_| Some((text()?, text()?.into_string().ok()?))).collect::<Option<_>>()?;
        texts.next().is_none().then_some(Self { arguments, environment, path, temporary, objects })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_comes_back_as_it_was_noted() {
        let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let recorded = Recorded {
            arguments: vec![os(b"-o"), os(b""), os(b"\xff\n")],
            environment: vec![("LC_ALL".into(), os(b"C"))],
            path: os(b"a:b"),
            temporary: Some("/x/rustcabcdef".into()),
            objects: vec![(os(b"a.rcgu.o"), "objects/a.rcgu.o".into())],
        };
        let decoded = Recorded::decode(&recorded.encode()).unwrap();
        assert_eq!(format!("{decoded:?}"), format!("{recorded:?}"));
        assert!(Recorded::decode(&recorded.encode()[..20]).is_none());
    }

    #[test]
    fn lines_of_a_response_file_are_unescaped() {
        assert_eq!(unescaped(br"a\ b\\c"), r"a b\c");
    }
}
