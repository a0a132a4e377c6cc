//! Replacing one member of an archive, and nothing else.
//!
//! The archive is not written anew: what has to change is found as a list of [`Splice`]s, and all other bytes are copied. So the order
//! of the members, their headers, their padding and what a later rustc may put between them survive by themselves.
//!
//! Three things change with a member's size: the size in its header, the padding behind it, and the offsets in the symbol tables
//! of all members that come later. Formats and paddings are those of LLVM's `ArchiveWriter.cpp`, which rustc has as `ar_archive_writer`:
//!
//! | targets | symbol table | members |
//! |---|---|---|
//! | GNU | `/`, or `/SYM64/` from 4 GiB on | on even bytes |
//! | COFF | two members `/`, big- and little-endian | on even bytes |
//! | Darwin | `__.SYMDEF`, `__.SYMDEF_64` | on multiples of 8, names inline as `#1/LENGTH` |

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

const MAGIC: &[u8] = b"!<arch>\n";
pub(super) const HEADER: usize = 60;
/// Where a member's header has its size: ten digits.
const SIZE_FIELD: Range<usize> = 48..58;
const HEADER_END: &[u8] = b"`\n";

/// New bytes in the place of old ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice<'a> {
    /// What goes.
    pub range: Range<u64>,
    /// What comes.
    pub bytes: Cow<'a, [u8]>,
}

/// What has to change in an archive so that its member `name` has these data. In the order of their positions; an error says in what
/// way the archive is unfit.
pub fn replacing<'a>(archive: &mut (impl Read + Seek), name: &str, data: &'a [u8]) -> Result<Vec<Splice<'a>>, String> {
    let members = members(archive)?;
    let mut named = members.iter().enumerate().filter(|(_, member)| member.name == name.as_bytes());
    let (index, member) = named.next().ok_or_else(|| format!("it is an archive without a member {name}"))?;
    if named.next().is_some() {
        return Err(format!("it is an archive with several members {name}"));
    }

    let alignment = if member.inline_name { 8 } else { 2 };
    let old_size = member.data.end - member.data.start;
    let new_size = data.len() as u64;
    let padding = new_size % 2;
    // The padding may be missing behind the last member.
    let old_end = members.get(index + 1).map_or(member.data.end + old_size % 2, |next| next.start);
    let new_end = member.data.start + new_size + padding;
    if new_end % alignment != old_end % alignment {
        return Err(format!("the new {name} does not have the padding of this archive's format"));
    }
    let moved = Move { behind: member.start, by: i128::from(new_end) - i128::from(old_end) };

    let mut padded = Cow::Borrowed(data);
    if padding == 1 {
        padded.to_mut().push(b'\n');
    }
    let size_field = member.start + SIZE_FIELD.start as u64..member.start + SIZE_FIELD.end as u64;
    let size = format!("{:<10}", member.data.start - member.start - HEADER as u64 + new_size);
    if size.len() != SIZE_FIELD.len() {
        return Err(format!("an archive can't hold a {name} of {new_size} bytes"));
    }
    let mut splices = vec![
        Splice { range: size_field, bytes: size.into_bytes().into() },
        Splice { range: member.data.start..old_end, bytes: padded },
    ];
    if moved.by != 0 {
        let starts: Vec<u64> = members.iter().map(|member| member.start).collect();
        for (table, position) in symbol_tables(&members) {
            splices.extend(table.moved(archive, position.data.clone(), &starts, moved)?);
        }
    }
    splices.sort_by_key(|splice| splice.range.start);
    Ok(splices)
}

/// Whether names are part of what the headers call the data (`#1/LENGTH`).
pub fn has_inline_names(archive: &mut (impl Read + Seek)) -> Result<bool, String> {
    Ok(members(archive)?.iter().any(|member| member.inline_name))
}

/// Copies an archive, spliced. Holds no more of it than a buffer; on Linux not even that, because `io::copy` lets the kernel copy.
pub fn write<R: Read + Seek, W: Write>(from: &mut R, splices: &[Splice<'_>], to: &mut W) -> io::Result<()> {
    let mut at = 0;
    for Splice { range, bytes } in splices {
        from.seek(SeekFrom::Start(at))?;
        let length = range.start - at;
        if io::copy(&mut Read::by_ref(from).take(length), to)? != length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive got shorter while it was read"));
        }
        to.write_all(bytes)?;
        at = range.end;
    }
    from.seek(SeekFrom::Start(at))?;
    io::copy(from, to)?;
    Ok(())
}

struct Member {
    /// Where its header begins.
    start: u64,
    name: Vec<u8>,
    /// Whether the name is the first part of what the header calls the data (`#1/LENGTH`).
    inline_name: bool,
    /// Without the inline name and the padding.
    data: Range<u64>,
}

/// All members, those too that hold symbol tables and long names.
fn members(archive: &mut (impl Read + Seek)) -> Result<Vec<Member>, String> {
    let length = archive.seek(SeekFrom::End(0)).map_err(|error| format!("it can't be read ({error})"))?;
    if bytes(archive, 0..MAGIC.len() as u64, length)? != MAGIC {
        return Err("it is no archive".into());
    }
    let mut members = Vec::new();
    let mut start = MAGIC.len() as u64;
    while start < length {
        let header = bytes(archive, start..start + HEADER as u64, length)?;
        if !header.ends_with(HEADER_END) {
            return Err(damaged(format_args!("no member header at byte {start}")));
        }
        let size = number(&header[SIZE_FIELD]).ok_or_else(|| damaged(format_args!("no size in the header at byte {start}")))?;
        let mut data = start + HEADER as u64..start + HEADER as u64 + size;
        if data.end > length {
            return Err(damaged(format_args!("the member at byte {start} ends behind the end of the file")));
        }
        let next = data.end + size % 2;
        let field = header[..16].trim_ascii_end();
        let inline_length = field.strip_prefix(b"#1/").and_then(number);
        let name = match inline_length {
            Some(length_of_name) => {
                let end = data.start.checked_add(length_of_name).filter(|end| *end <= data.end);
                let end = end.ok_or_else(|| damaged(format_args!("no name in the member at byte {start}")))?;
                let name = bytes(archive, data.start..end, length)?;
                data.start = end;
                name.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
            }
            // A name ends with a slash, but the names of the tables are slashes.
            None => match field.strip_suffix(b"/") {
                Some(name) if !name.is_empty() && !name.starts_with(b"/") => name.to_vec(),
                _ => field.to_vec(),
            },
        };
        members.push(Member { start, name, inline_name: inline_length.is_some(), data });
        start = next;
    }
    Ok(members)
}

/// What happens to the members behind a position.
#[derive(Clone, Copy)]
struct Move {
    behind: u64,
    by: i128,
}

/// How a symbol table says where the members are.
#[derive(Clone, Copy)]
struct Table {
    /// Of the count and of each offset, in bytes.
    width: usize,
    big_endian: bool,
    /// From one offset to the next, in bytes. An offset is the last part of an entry.
    stride: usize,
    /// Whether the count is one of bytes.
    counts_bytes: bool,
}

const GNU: Table = Table { width: 4, big_endian: true, stride: 4, counts_bytes: false };
const GNU_64: Table = Table { width: 8, big_endian: true, stride: 8, counts_bytes: false };
const COFF: Table = Table { width: 4, big_endian: false, stride: 4, counts_bytes: false };
const DARWIN: Table = Table { width: 4, big_endian: false, stride: 8, counts_bytes: true };
const DARWIN_64: Table = Table { width: 8, big_endian: false, stride: 16, counts_bytes: true };

fn symbol_tables(members: &[Member]) -> Vec<(Table, &Member)> {
    let mut tables = Vec::new();
    let mut first_linker_member = true;
    for member in members {
        let table = match member.name.as_slice() {
            b"/" if first_linker_member => {
                first_linker_member = false;
                GNU
            }
            b"/" => COFF,
            b"/SYM64/" => GNU_64,
            b"__.SYMDEF" | b"__.SYMDEF SORTED" => DARWIN,
            b"__.SYMDEF_64" | b"__.SYMDEF_64 SORTED" => DARWIN_64,
            _ => continue,
        };
        tables.push((table, member));
    }
    tables
}

impl Table {
    /// The table's offsets after the move. Each must be the start of a member: anything else is a damaged table, or one in a format that
    /// is not known here.
    fn moved(
        self,
        archive: &mut (impl Read + Seek),
        table: Range<u64>,
        starts: &[u64],
        moved: Move,
    ) -> Result<Option<Splice<'static>>, String> {
        let first = table.start + self.width as u64;
        let count = self.decode(&bytes(archive, table.start..first, table.end)?);
        let size = if self.counts_bytes { Some(count) } else { count.checked_mul(self.stride as u64) };
        let end = size.and_then(|size| first.checked_add(size)).filter(|end| *end <= table.end);
        let end = end.ok_or_else(|| damaged(format_args!("the symbol table at byte {} is too short", table.start)))?;
        let mut entries = bytes(archive, first..end, table.end)?;
        for entry in entries.chunks_mut(self.stride) {
            let Some((_, field)) = entry.split_at_mut_checked(self.stride - self.width) else { continue };
            let offset = self.decode(field);
            if starts.binary_search(&offset).is_err() {
                return Err(damaged(format_args!("its symbol table names a member at byte {offset}, and there is none")));
            }
            if offset > moved.behind {
                let new = u64::try_from(i128::from(offset) + moved.by).ok();
                let new = new.and_then(|offset| self.encode(offset));
                field.copy_from_slice(&new.ok_or("its symbol table can't hold offsets beyond 4 GiB")?);
            }
        }
        Ok((!entries.is_empty()).then(|| Splice { range: first..end, bytes: entries.into() }))
    }

    fn decode(self, field: &[u8]) -> u64 {
        let append = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if self.big_endian { field.iter().fold(0, append) } else { field.iter().rev().fold(0, append) }
    }

    fn encode(self, value: u64) -> Option<Vec<u8>> {
        let wide = value.to_be_bytes();
        let (unused, field) = wide.split_at(wide.len() - self.width);
        let mut field = field.to_vec();
        if !self.big_endian {
            field.reverse();
        }
        unused.iter().all(|byte| *byte == 0).then_some(field)
    }
}

/// A range of the archive; an error if it is not inside the first `length` bytes.
fn bytes(archive: &mut (impl Read + Seek), range: Range<u64>, length: u64) -> Result<Vec<u8>, String> {
    if range.end > length {
        return Err(damaged(format_args!("it ends in the middle of a table or header at byte {}", range.start)));
    }
    let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(|error| error.to_string())?];
    let read = archive.seek(SeekFrom::Start(range.start)).and_then(|_| archive.read_exact(&mut bytes));
    read.map_err(|error| format!("it can't be read ({error})"))?;
    Ok(bytes)
}

fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.trim_end().parse().ok()
}

fn damaged(reason: std::fmt::Arguments<'_>) -> String {
    format!("it is a damaged archive ({reason})")
}

#[cfg(test)]
mod tests;
