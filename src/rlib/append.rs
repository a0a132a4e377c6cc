//! Adding a member to an archive.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::edit;

/// Writes a new last member. Everything else stays where it is. The member has neither time nor owner, as all that rustc writes.
pub fn append(archive: &mut (impl Read + Write + Seek), name: &str, data: &[u8]) -> io::Result<()> {
    let inline = edit::has_inline_names(archive).map_err(io::Error::other)?;
    let mut start = archive.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::new();
    if start % 2 == 1 {
        bytes.push(b'\n');
        start += 1;
    }
    // Formats and paddings as in `edit`.
    let (shown, own) = if inline {
        let length = (start as usize + edit::HEADER + name.len()).next_multiple_of(8) - start as usize - edit::HEADER;
        let mut own = name.as_bytes().to_vec();
        own.resize(length, 0);
        (format!("#1/{length}"), own)
    } else {
        (format!("{name}/"), Vec::new())
    };
    let mut data = data.to_vec();
    if inline {
        data.resize(data.len().next_multiple_of(8), b'\n');
    }
    let size = own.len() + data.len();
    writeln!(bytes, "{shown:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`", 0, 0, 0, 644)?;
    bytes.extend(own);
    bytes.extend(&data);
    if size % 2 == 1 {
        bytes.push(b'\n');
    }
    archive.seek(SeekFrom::End(0))?;
    archive.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream};
    use object::read::archive::ArchiveFile;

    use super::*;

    #[test]
    fn a_member_comes_behind_all_others_in_every_format() {
        for kind in [ArchiveKind::Gnu, ArchiveKind::Darwin] {
            for (first, second) in [("odd", "four"), ("even", "odd"), ("", "")] {
                let member = NewArchiveMember::new(first.as_bytes(), &DEFAULT_OBJECT_READER, "lib.rmeta".into());
                let mut archive = Cursor::new(Vec::new());
                write_archive_to_stream(&mut archive, &[member], kind, false, None).unwrap();
                append(&mut archive, "hollow.note", second.as_bytes()).unwrap();
                let bytes = archive.into_inner();
                let members: Vec<_> = ArchiveFile::parse(&*bytes).unwrap().members().map(Result::unwrap).collect();
                let named = |name: &str| {
                    let member = members.iter().find(|member| member.name() == name.as_bytes()).unwrap();
                    String::from_utf8_lossy(member.data(&*bytes).unwrap()).trim_end().to_owned()
                };
                assert_eq!((named("lib.rmeta"), named("hollow.note")), (first.into(), second.into()));
                assert_eq!(members.last().unwrap().name(), b"hollow.note");
            }
        }
    }
}
