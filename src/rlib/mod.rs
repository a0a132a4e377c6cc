//! rlibs: telling hollow from full, reading what is inside, and sealing.
//!
//! An rlib is an `ar` archive. The member `lib.rmeta` holds rustc's metadata (wrapped in an object file on most targets); each
//! codegen unit is a member `*.rcgu.o`. A full rlib has at least one of those, even for an empty crate; a hollow rlib has none.

mod append;
mod carried;
mod edit;
mod identity;
mod keep;
mod metadata;
mod seal;
mod staged;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream};
use object::read::archive::{ArchiveFile, ArchiveMember};
use object::{ReadCache, ReadRef};

pub use identity::{Identity, packed_library};
pub use keep::keep;
pub use metadata::{Header, Svh, raw_metadata};
pub use seal::{CannotSeal, Seal, Sealed};
pub(crate) use staged::Staged;

/// The name of the metadata's member.
pub const LIB_RMETA: &str = "lib.rmeta";

/// The name of the member that tells those who make interface source what they have to know ([`crate::interface::Note`]).
pub const NOTE: &str = "hollow.note";

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Metadata and MIR, no object code.
    Hollow,
    /// The ordinary rlib.
    Full,
}

/// A member of an rlib.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its file name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What is known of an rlib without its object code.
#[derive(Clone, Debug)]
pub struct Rlib {
    /// Hollow or full.
    pub kind: Kind,
    /// All members, in their order. The symbol table and the table of long names are no members.
    pub members: Vec<Member>,
    /// The bytes of the member `lib.rmeta`.
    pub lib_rmeta: Vec<u8>,
}

/// Why a file could not be read as an rlib.
#[derive(Debug)]
pub enum Error {
    /// The file can't be read.
    Unreadable(PathBuf, io::Error),
    /// The file is something else; the text says in what way.
    NotAnRlib(PathBuf, String),
}

impl Rlib {
    /// Reads an rlib. Only the headers of the members and `lib.rmeta` are read, whatever the size of the rest.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_open(path, &open(path)?)
    }

    /// The same of a file that is open already; the path is for errors only.
    fn read_open(path: &Path, file: &File) -> Result<Self, Error> {
        with_archive(path, file, |archive, data| {
            let mut members = Vec::new();
            let mut lib_rmeta = None;
            for member in archive.members() {
                let member = member.map_err(damaged)?;
                let name = String::from_utf8_lossy(member.name()).into_owned();
                if name == LIB_RMETA {
                    let bytes = member.data(data).map_err(|error| format!("its {LIB_RMETA} can't be read ({error})"))?;
                    lib_rmeta = Some(bytes.to_vec());
                }
                check_length(&member, data)?;
                members.push(Member { name, size: member.size() });
            }
            let lib_rmeta = lib_rmeta.ok_or_else(no_metadata)?;
            let full = members.iter().any(|member| is_codegen_unit(member.name.as_bytes()));
            Ok(Self { kind: if full { Kind::Full } else { Kind::Hollow }, members, lib_rmeta })
        })
    }

    /// The metadata, without the object file that rustc puts around them on most targets.
    pub fn metadata(&self) -> &[u8] {
        raw_metadata(&self.lib_rmeta).unwrap_or(&self.lib_rmeta)
    }

    /// What the metadata says of the crate, if its layout is one that is known here.
    pub fn header(&self) -> Option<Header> {
        Header::decode(&self.lib_rmeta)
    }
}

/// Tells hollow from full, reading as little as possible: the headers up to the first codegen unit.
pub fn kind(path: &Path) -> Result<Kind, Error> {
    with_archive(path, &open(path)?, |archive, data| {
        let mut has_metadata = false;
        for member in archive.members() {
            let member = member.map_err(damaged)?;
            check_length(&member, data)?;
            has_metadata |= member.name() == LIB_RMETA.as_bytes();
            if has_metadata && is_codegen_unit(member.name()) {
                return Ok(Kind::Full);
            }
        }
        // One that was cut off between two members still has the symbols of what is gone.
        let length = data.len().unwrap_or(0);
        let mut symbols = archive.symbols().map_err(damaged)?.into_iter().flatten();
        if symbols.any(|symbol| symbol.is_ok_and(|symbol| symbol.offset().0 >= length)) {
            return Err("it is a damaged archive (it is cut off)".into());
        }
        if has_metadata { Ok(Kind::Hollow) } else { Err(no_metadata()) }
    })
}

fn damaged(error: object::Error) -> String {
    format!("it is a damaged archive ({error})")
}

fn check_length<'data>(member: &ArchiveMember<'data>, data: &ReadCache<&File>) -> Result<(), String> {
    let (offset, size) = member.file_range();
    if data.len().is_ok_and(|length| offset.saturating_add(size) > length) {
        return Err(format!("it is a damaged archive (its member {} is cut off)", String::from_utf8_lossy(member.name())));
    }
    Ok(())
}

/// Whether the rlib's metadata is a stub, as `-Zembed-metadata=no` makes it: then it is of no use without its `.rmeta`.
pub fn is_stub(path: &Path) -> bool {
    // A stub is a few hundred bytes; what is larger need not be read.
    const LARGEST_STUB: u64 = 8192;
    let Ok(file) = open(path) else { return false };
    let header = with_archive(path, &file, |archive, data| {
        let mut members = archive.members().filter_map(Result::ok);
        let lib_rmeta = members.find(|member| member.name() == LIB_RMETA.as_bytes() && member.size() <= LARGEST_STUB);
        Ok(lib_rmeta.and_then(|member| member.data(data).ok()).and_then(Header::decode))
    });
    header.ok().flatten().is_some_and(|header| header.is_stub)
}

/// A hollow rlib around the content of an `.rmeta` file.
pub fn of_metadata(metadata: &[u8]) -> io::Result<Vec<u8>> {
    let member = NewArchiveMember::new(metadata, &DEFAULT_OBJECT_READER, LIB_RMETA.to_owned());
    let mut archive = io::Cursor::new(Vec::new());
    write_archive_to_stream(&mut archive, &[member], ArchiveKind::Gnu, false, None)?;
    Ok(archive.into_inner())
}

/// The note of a hollow rlib, if there is one.
pub fn note(path: &Path) -> Option<Vec<u8>> {
    let note = with_archive(path, &open(path).ok()?, |archive, data| {
        let mut members = archive.members().filter_map(Result::ok);
        let note = members.find(|member| member.name() == NOTE.as_bytes());
        Ok(note.and_then(|member| Some(member.data(data).ok()?.to_vec())))
    });
    note.ok().flatten()
}

/// Adds a member to an rlib.
pub fn append(path: &Path, name: &str, data: &[u8]) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    append::append(&mut file, name, data)
}

fn is_codegen_unit(name: &[u8]) -> bool {
    name.ends_with(b".rcgu.o")
}

/// Whether a member is rustc's own but no code: metadata, and what it writes beside them (`lib.rmeta-link`).
fn is_rust_member(name: &[u8]) -> bool {
    name.starts_with(LIB_RMETA.as_bytes()) || name.ends_with(b".dwo")
}

fn no_metadata() -> String {
    format!("it is an archive without a member {LIB_RMETA}")
}

fn open(path: &Path) -> Result<File, Error> {
    let unreadable = |error| Error::Unreadable(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

fn with_archive<T>(
    path: &Path,
    file: &File,
    read: impl FnOnce(&ArchiveFile<'_, &ReadCache<&File>>, &ReadCache<&File>) -> Result<T, String>,
) -> Result<T, Error> {
    let not_an_rlib = |reason| Error::NotAnRlib(path.to_owned(), reason);
    let data = ReadCache::new(file);
    let magic = (&data).read_bytes_at(0, 8).unwrap_or_default();
    if magic == object::archive::THIN_MAGIC {
        return Err(not_an_rlib("it is a thin archive, which only names its members".into()));
    }
    if magic != object::archive::MAGIC {
        return Err(not_an_rlib("it is no archive".into()));
    }
    let archive = ArchiveFile::parse(&data).map_err(|error| not_an_rlib(damaged(error)))?;
    read(&archive, &data).map_err(not_an_rlib)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hollow => "hollow",
            Self::Full => "full",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read `{}`: {error}", path.display()),
            Self::NotAnRlib(path, reason) => write!(f, "`{}` is not an rlib: {reason}", path.display()),
        }
    }
}

impl std::error::Error for Error {}
