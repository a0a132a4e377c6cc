//! Sealing: a full rlib gets the `lib.rmeta` of its hollow twin, so that the pair can never disagree.
//!
//! Whatever made the metadata of the two passes differ (a macro that expands in another order each time, an interface source), every
//! consumer then sees one identity of the crate, whichever of the two files it loads, and the objects supply the symbols.
//!
//! That is sound only between two passes over one crate with one ABI. What the metadata tells of that is checked here: compiler, target,
//! crate name and `-Cmetadata`. What it doesn't tell is up to the two command lines: `RUSTC_BOOTSTRAP` and
//! `-Csymbol-mangling-version` (both decide what symbols are called), target features, `-Copt-level`, `-Cpanic`, `-Zshare-generics`,
//! sanitizers.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::edit;
use super::staged::Staged;
use super::{Error, Header, Kind, LIB_RMETA, Rlib, raw_metadata};

/// The metadata of a hollow rlib, ready to go into full ones.
#[derive(Clone, Debug)]
pub struct Seal {
    hollow: PathBuf,
    lib_rmeta: Vec<u8>,
    header: Header,
}

/// What sealing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The full rlib had this metadata already, and nothing was written.
    Already,
    /// A new file was written.
    Written,
}

/// Why a full rlib can't be sealed: one line that says what to do.
#[derive(Debug)]
pub struct CannotSeal(pub(super) String);

impl Seal {
    /// Reads a hollow rlib.
    pub fn read(hollow: &Path) -> Result<Self, CannotSeal> {
        let rlib = Rlib::read(hollow).map_err(|error| unfit("cannot seal with", hollow, &error))?;
        if rlib.kind == Kind::Full {
            return Err(CannotSeal(format!(
                "`{}` is a full rlib, and metadata is taken from a hollow one: give the one that `hollow metadata` made of this crate",
                hollow.display()
            )));
        }
        let header = header(hollow, &rlib)?;
        Ok(Self { hollow: hollow.to_owned(), lib_rmeta: rlib.lib_rmeta, header })
    }

    /// Reads a full rlib whose metadata a newer version of the same crate is to have.
    pub(super) fn of_older_version(older: &Path) -> Result<Self, CannotSeal> {
        let rlib = Rlib::read(older).map_err(|error| unfit("cannot seal with", older, &error))?;
        let header = header(older, &rlib)?;
        Ok(Self { hollow: older.to_owned(), lib_rmeta: rlib.lib_rmeta, header })
    }

    /// The member `lib.rmeta`.
    pub(super) fn lib_rmeta(&self) -> &[u8] {
        &self.lib_rmeta
    }

    /// Whether this can be put on a full rlib.
    pub(super) fn check_open(&self, full: &Path, file: &File) -> Result<(), CannotSeal> {
        let rlib = Rlib::read_open(full, file).map_err(|error| unfit("cannot seal", full, &error))?;
        self.check(full, &rlib)
    }

    /// The name of the crate, unless it is one of those that only the compiler can tell (`core`, `libc`).
    pub fn crate_name(&self) -> Option<&str> {
        self.header.crate_name.as_deref()
    }

    /// Writes the full rlib, sealed, to `output`, which may be the full rlib itself.
    ///
    /// The result is a new file that replaces what was there, with the permissions of the full rlib: other names of the old file (hard links
    /// into a build cache) keep the old content, and a symbolic link becomes a file. It appears complete or not at all. Nothing is written
    /// if `output` is the full rlib and has this metadata already.
    pub fn put_on(&self, full: &Path, output: &Path) -> Result<Sealed, CannotSeal> {
        let cannot_read = |error: io::Error| CannotSeal(format!("cannot read `{}`: {error}", full.display()));
        let cannot_write = |error: io::Error| CannotSeal(format!("cannot write `{}`: {error}", output.display()));
        let unfit_full = |reason| unfit("cannot seal", full, &Error::NotAnRlib(full.to_owned(), reason));

        // Opened once, because another build may put another file there meanwhile.
        let mut file = File::open(full).map_err(cannot_read)?;
        let rlib = Rlib::read_open(full, &file).map_err(|error| unfit("cannot seal", full, &error))?;
        self.check(full, &rlib)?;
        let metadata = file.metadata().map_err(cannot_read)?;
        if let Ok(existing) = output.metadata() {
            let same = |path: &Path| path.metadata().is_ok_and(|other| is_same(&existing, &other));
            if same(full) && rlib.metadata() == raw_metadata(&self.lib_rmeta).unwrap_or(&self.lib_rmeta) {
                return Ok(Sealed::Already);
            }
            if same(&self.hollow) {
                return Err(CannotSeal(format!(
                    "the output `{}` is the hollow rlib itself, which dependents are compiled against: choose another",
                    output.display()
                )));
            }
            if !existing.is_file() {
                return Err(CannotSeal(format!("the output `{}` is no regular file: choose another", output.display())));
            }
        }
        let splices = edit::replacing(&mut file, LIB_RMETA, &self.lib_rmeta).map_err(unfit_full)?;

        let mut staged = Staged::beside(output).map_err(cannot_write)?;
        edit::write(&mut file, &splices, staged.file()).map_err(cannot_write)?;
        staged.file().set_permissions(metadata.permissions()).map_err(cannot_write)?;
        staged.publish(output).map_err(cannot_write)?;
        Ok(Sealed::Written)
    }

    /// Whether the two are of one crate, as far as their metadata tells.
    fn check(&self, full: &Path, rlib: &Rlib) -> Result<(), CannotSeal> {
        if rlib.kind == Kind::Hollow {
            return Err(CannotSeal(format!(
                "`{}` is a hollow rlib and has no object code to seal: give the one that `hollow link` made of this crate",
                full.display()
            )));
        }
        let (own, other) = (&self.header, header(full, rlib)?);
        let refuse = |difference: fmt::Arguments<'_>, remedy: &str| {
            let (full, hollow) = (full.display(), self.hollow.display());
            Err(CannotSeal(format!("cannot seal `{full}` with `{hollow}`: {difference}: {remedy}")))
        };
        let name = |header: &Header| header.crate_name.clone().unwrap_or("known to the compiler only".into());
        if own.crate_name != other.crate_name {
            let difference = format_args!("its crate is {}, and the hollow rlib's is {}", name(&other), name(own));
            return refuse(difference, "give the hollow rlib of the same crate");
        }
        if own.target != other.target {
            let difference = format_args!("it is for {}, and the hollow rlib for {}", other.target, own.target);
            return refuse(difference, "pass the same --target to both actions");
        }
        if own.rustc != other.rustc {
            let difference = format_args!("it was made by {}, and the hollow rlib by {}", other.rustc, own.rustc);
            return refuse(difference, "use one rustc for both actions");
        }
        if let (Some(one), Some(two)) = (own.stable_crate_id, other.stable_crate_id)
            && one != two
        {
            return refuse(format_args!("their -Cmetadata differ, and so do their symbols"), "pass the same to both actions");
        }
        if own.is_stub && !other.is_stub {
            let difference = format_args!("the hollow rlib was made with -Zembed-metadata=no and has only a stub");
            return refuse(difference, "make it without that option");
        }
        Ok(())
    }
}

fn header(path: &Path, rlib: &Rlib) -> Result<Header, CannotSeal> {
    let header = rlib.header().filter(|header| !header.is_proc_macro);
    header.ok_or_else(|| {
        CannotSeal(format!(
            "the metadata of `{}` has a layout that this version of hollow does not know, so it can't tell whether the two are of \
             one crate: use a newer hollow, or do not seal",
            path.display()
        ))
    })
}

fn unfit(purpose: &str, path: &Path, error: &Error) -> CannotSeal {
    CannotSeal(match error {
        Error::Unreadable(..) => error.to_string(),
        Error::NotAnRlib(_, reason) => {
            format!("{purpose} `{}`: {reason}: give an rlib as rustc made it, not what is linked", path.display())
        }
    })
}

fn is_same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

impl fmt::Display for CannotSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotSeal {}
