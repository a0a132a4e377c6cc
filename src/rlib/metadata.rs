//! The head of rustc's metadata: who compiled which crate, and its identity.
//!
//! The layout is private to rustc (`rustc_metadata::rmeta`: `METADATA_HEADER`, `CrateHeader`, `CrateRoot`; strings as in
//! `rustc_serialize::opaque`) and may change with any release, so every field is checked and an unknown layout is `None`, never a
//! wrong answer. As of 1.95:
//!
//! - `rust\0\0\0` and a version byte, the position of the root (8 bytes, little-endian), rustc's version (a string);
//! - at the root: the target (a tag and a string), the SVH (16 bytes), the crate's name (a symbol), two booleans (proc-macro, stub);
//! - then `-Cextra-filename` (a string) and the stable crate id (8 bytes), which rustc computes from the crate's name and its
//!   `-Cmetadata` values.
//!
//! A string is its length (LEB128), its bytes and `0xC1`. A symbol is a tag and a string, or the position of a string that came
//! before, unless the compiler knows the name beforehand (`core`, `libc`, `test`): then it is a number that means something to
//! that compiler only.

use std::fmt;

use object::{Object, ObjectSection, ReadRef};

const MAGIC: &[u8] = b"rust\0\0\0";
const WASM_MAGIC: &[u8] = b"\0asm\x01\0\0\0";
/// The section of the object file around it.
const SECTION: &str = ".rmeta";
const STRING_END: u8 = 0xC1;

/// The head of a crate's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What compiled it, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub rustc: String,
    /// The target it was compiled for.
    pub target: String,
    /// The strict version hash.
    pub svh: Svh,
    /// The crate's name, unless it is one of those that only the compiler can tell.
    pub crate_name: Option<String>,
    /// Whether it is a proc-macro.
    pub is_proc_macro: bool,
    /// Whether this is all there is (`-Zembed-metadata=no`).
    pub is_stub: bool,
    /// `-Cextra-filename`; not in a stub.
    pub extra_filename: Option<String>,
    /// What rustc makes of the crate's name and `-Cmetadata`; not in a stub.
    pub stable_crate_id: Option<u64>,
}

/// A strict version hash, shown as rustc's `-Zls=root` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Svh(pub u128);

impl Header {
    /// Reads the head of a `lib.rmeta` member, or of an `.rmeta` file.
    pub fn decode(lib_rmeta: &[u8]) -> Option<Self> {
        Self::decode_from(lib_rmeta)
    }

    /// The same of what need not be in memory. Little of it is read.
    pub fn decode_from<'a>(lib_rmeta: impl ReadRef<'a>) -> Option<Self> {
        let bytes = Window { data: lib_rmeta, range: metadata_range(lib_rmeta)? };
        let mut start = Decoder { bytes, at: MAGIC.len() + 1 };
        let root = usize::try_from(u64::from_le_bytes(start.array()?)).ok()?;
        let rustc = start.string()?;
        if !rustc.starts_with("rustc ") {
            return None;
        }
        let mut decoder = Decoder { bytes, at: root };
        let (0 | 1) = decoder.byte()? else { return None };
        let target = decoder.string()?;
        let svh = Svh(u128::from_le_bytes(decoder.array()?));
        let crate_name = decoder.symbol()?;
        let is_proc_macro = decoder.boolean()?;
        let is_stub = decoder.boolean()?;
        let mut header =
            Self { rustc, target, svh, crate_name, is_proc_macro, is_stub, extra_filename: None, stable_crate_id: None };
        if !is_stub {
            header.extra_filename = Some(decoder.string()?);
            header.stable_crate_id = Some(u64::from_le_bytes(decoder.array()?));
        }
        Some(header)
    }
}

/// The metadata proper, which is also what an `.rmeta` file holds: the section `.rmeta` of the object file around it, where there is one.
pub fn raw_metadata(lib_rmeta: &[u8]) -> Option<&[u8]> {
    let (offset, size) = metadata_range(lib_rmeta)?;
    lib_rmeta.read_bytes_at(offset, size).ok()
}

/// Where the metadata proper are: offset and size.
fn metadata_range<'a>(data: impl ReadRef<'a>) -> Option<(u64, u64)> {
    let starts_with = |at: u64, magic: &[u8]| data.read_bytes_at(at, magic.len() as u64).is_ok_and(|bytes| bytes == magic);
    let whole = data.len().ok()?;
    if starts_with(0, MAGIC) {
        return Some((0, whole));
    }
    let (offset, size) = if starts_with(0, WASM_MAGIC) {
        let after = WASM_MAGIC.len() as u64;
        let sections = Window { data, range: (after, whole.checked_sub(after)?) };
        let (offset, size) = wasm_section(sections)?;
        (after + offset, size)
    } else {
        object::File::parse(data).ok()?.section_by_name(SECTION)?.file_range()?
    };
    starts_with(offset, MAGIC).then_some((offset, size))
}

/// The metadata's section in a WebAssembly module: each section is a kind (0 for those with a name), its length, its content.
fn wasm_section<'a, R: ReadRef<'a>>(sections: Window<R>) -> Option<(u64, u64)> {
    const NAMED: u8 = 0;
    let mut sections = Decoder { bytes: sections, at: 0 };
    loop {
        let kind = sections.byte()?;
        let length = sections.length()?;
        let start = sections.at;
        let end = start.checked_add(length)?;
        if kind == NAMED {
            let length = sections.length()?;
            if sections.take(length)? == SECTION.as_bytes() {
                return Some((sections.at as u64, end.checked_sub(sections.at)? as u64));
            }
        }
        sections.at = end;
    }
}

/// A part of the data.
#[derive(Clone, Copy)]
struct Window<R> {
    data: R,
    /// Offset and size.
    range: (u64, u64),
}

#[derive(Clone, Copy)]
struct Decoder<R> {
    bytes: Window<R>,
    at: usize,
}

impl<'a, R: ReadRef<'a>> Decoder<R> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let (offset, size) = self.bytes.range;
        if end as u64 > size {
            return None;
        }
        let taken = self.bytes.data.read_bytes_at(offset.checked_add(self.at as u64)?, length as u64).ok()?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn length(&mut self) -> Option<usize> {
        let mut value = 0usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn string(&mut self) -> Option<String> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        (self.byte()? == STRING_END).then(|| text.to_owned())
    }

    /// A symbol: `None` is an unknown layout, `Some(None)` a name that only the compiler can tell.
    fn symbol(&mut self) -> Option<Option<String>> {
        const STRING: u8 = 0;
        const EARLIER: u8 = 1;
        const PREDEFINED: u8 = 2;
        match self.byte()? {
            STRING => self.string().map(Some),
            EARLIER => {
                let at = self.length()?;
                Decoder { bytes: self.bytes, at }.string().map(Some)
            }
            PREDEFINED => self.length().map(|_| None),
            _ => None,
        }
    }
}

impl fmt::Display for Svh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_metadata_is_nothing() {
        assert_eq!(Header::decode(b""), None);
        assert_eq!(Header::decode(b"rust\0\0\0\n"), None);
        assert_eq!(Header::decode(b"\x7fELF"), None);
        let far_root = [b"rust\0\0\0\n".as_slice(), &u64::MAX.to_le_bytes(), b"\x05rustc\xc1"].concat();
        assert_eq!(Header::decode(&far_root), None);
        assert_eq!(Header::decode(b"\0asm\x01\0\0\0\0\x09\x06.rmetaru"), None);
        assert_eq!(Header::decode(b"\0asm\x01\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x01"), None);
    }
}
