//! Keeping metadata: a newly compiled rlib gets those of the version that its dependents were compiled against, and the objects that go with them.
//!
//! Whoever calls this knows that the two versions have the same interface; see [`carried`] for what is decided here.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream};
use object::read::archive::ArchiveFile;

use super::carried::{Object, carried};
use super::seal::{CannotSeal, Seal};
use super::staged::Staged;
use super::{LIB_RMETA, is_codegen_unit};

/// Seals the rlib with the metadata of an older full rlib, and adds the older objects that dependents of that one may need. The rlib is replaced by a new
/// file, complete or not at all. An error says why the metadata can't be kept; then nothing is changed.
pub fn keep(older: &Path, rlib: &Path) -> Result<(), CannotSeal> {
    let seal = Seal::of_older_version(older)?;
    let unfit =
        |reason: String| CannotSeal(format!("`{}` can't keep the metadata of `{}`: {reason}", rlib.display(), older.display()));
    let read =
        |path: &Path| std::fs::read(path).map_err(|error| CannotSeal(format!("cannot read `{}`: {error}", path.display())));
    let mut newer = File::open(rlib).map_err(|error| CannotSeal(format!("cannot read `{}`: {error}", rlib.display())))?;
    let mut newer_bytes = Vec::new();
    newer.read_to_end(&mut newer_bytes).map_err(|error| unfit(error.to_string()))?;
    let older_bytes = read(older)?;
    let newer_members = members(&newer_bytes).map_err(unfit)?;
    let older_members = members(&older_bytes).map_err(unfit)?;
    let carried = carried(&objects(&older_members), &objects(&newer_members), seal.crate_name()).map_err(unfit)?;
    if carried.is_empty() {
        return seal.put_on(rlib, rlib).map(drop);
    }
    seal.check_open(rlib, &newer)?;
    let all = newer_members.iter().chain(&carried).map(|member| {
        let data = if member.name == LIB_RMETA { seal.lib_rmeta() } else { &*member.data };
        NewArchiveMember::new(data, &DEFAULT_OBJECT_READER, member.name.clone())
    });
    let all: Vec<_> = all.collect();
    let write = || {
        let mut staged = Staged::beside(rlib)?;
        write_archive_to_stream(staged.file(), &all, ArchiveKind::Gnu, false, None)?;
        staged.file().seek(SeekFrom::Start(0))?;
        staged.file().set_permissions(newer.metadata()?.permissions())?;
        staged.publish(rlib)
    };
    write().map_err(|error: std::io::Error| CannotSeal(format!("cannot write `{}`: {error}", rlib.display())))
}

/// Those of rustc's own: what else is bundled comes from the newer version alone.
fn objects<'a>(members: &[Object<'a>]) -> Vec<Object<'a>> {
    members.iter().filter(|member| is_codegen_unit(member.name.as_bytes())).cloned().collect()
}

/// All members of an archive.
fn members(bytes: &[u8]) -> Result<Vec<Object<'_>>, String> {
    let damaged = |error: object::Error| format!("it is a damaged archive ({error})");
    let mut members = Vec::new();
    for member in ArchiveFile::parse(bytes).map_err(damaged)?.members() {
        let member = member.map_err(damaged)?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        members.push(Object { name, data: member.data(bytes).map_err(damaged)?.into() });
    }
    Ok(members)
}
