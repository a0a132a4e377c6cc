//! What tells one compilation of a crate from another, read without reading all of its metadata.

use std::path::Path;

use object::{Object, ObjectSection};

use super::{Error, Header, Kind, LIB_RMETA, is_codegen_unit, is_rust_member, open, with_archive};

/// The section around a native library in an rlib (`rustc_codegen_ssa::back::link`).
const PACKED: &str = ".bundled_lib";

/// Who made an rlib, and what of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Hollow or full.
    pub kind: Kind,
    /// The rustc that made it, such as `rustc 1.95.0 (59807616e 2026-04-14)`; empty if its metadata have a layout that is unknown here.
    pub rustc: String,
    /// The SVH, or a hash of the metadata if their layout is unknown. What rustc takes for the same crate has the same one.
    pub text: String,
    /// The members that are neither rustc's metadata nor its objects: native code.
    pub packed: Vec<String>,
}

impl Identity {
    /// Reads it from the head of the metadata.
    pub fn read(path: &Path) -> Result<Self, Error> {
        with_archive(path, &open(path)?, |archive, data| {
            let mut identity = None;
            let (mut kind, mut packed) = (Kind::Hollow, Vec::new());
            for member in archive.members() {
                let member = member.map_err(|error| format!("it is a damaged archive ({error})"))?;
                if member.name() == LIB_RMETA.as_bytes() {
                    let (offset, size) = member.file_range();
                    let header = Header::decode_from(data.range(offset, size));
                    identity = Some(match header {
                        Some(header) => (header.rustc, format!("svh {}", header.svh)),
                        None => {
                            let metadata =
                                member.data(data).map_err(|error| format!("its {LIB_RMETA} can't be read ({error})"))?;
                            (String::new(), format!("blake3 {}", blake3::hash(metadata)))
                        }
                    });
                } else if is_codegen_unit(member.name()) {
                    kind = Kind::Full;
                } else if !is_rust_member(member.name()) {
                    packed.push(String::from_utf8_lossy(member.name()).into_owned());
                }
            }
            let (rustc, text) = identity.ok_or_else(super::no_metadata)?;
            Ok(Self { kind, rustc, text, packed })
        })
    }
}

/// The native library that rustc has put into an rlib as this member, taken out of the object around it.
pub fn packed_library(path: &Path, member: &str) -> Result<Vec<u8>, Error> {
    with_archive(path, &open(path)?, |archive, data| {
        let mut members = archive.members().filter_map(Result::ok);
        let found =
            members.find(|found| found.name() == member.as_bytes()).ok_or_else(|| format!("it has no member {member}"))?;
        let bytes = found.data(data).map_err(|error| format!("its member {member} can't be read ({error})"))?;
        let section = object::File::parse(bytes).ok().and_then(|file| Some(file.section_by_name(PACKED)?.data().ok()?.to_vec()));
        Ok(section.unwrap_or_else(|| bytes.to_vec()))
    })
}
