use std::io::Cursor;

use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, ObjectReader, write_archive_to_stream};
use object::read::archive::ArchiveFile;

use super::*;

/// In these archives each symbol of a member is a line of it that starts with `symbol `.
static LINES_ARE_SYMBOLS: ObjectReader = ObjectReader {
    get_symbols: |object, found| {
        let lines = object.split(|byte| *byte == b'\n');
        lines.filter_map(|line| line.strip_prefix(b"symbol ")).try_for_each(found)?;
        Ok(true)
    },
    is_64_bit_object_file: |_| true,
    is_ec_object_file: |_| false,
    is_any_arm64_coff: |_| false,
    ..DEFAULT_OBJECT_READER
};

const KINDS: [ArchiveKind; 5] =
    [ArchiveKind::Gnu, ArchiveKind::Gnu64, ArchiveKind::Coff, ArchiveKind::Darwin, ArchiveKind::Darwin64];

type Members = Vec<(String, Vec<u8>)>;

fn archive(kind: ArchiveKind, members: &Members) -> Vec<u8> {
    let members: Vec<_> =
        members.iter().map(|(name, data)| NewArchiveMember::new(data, &LINES_ARE_SYMBOLS, name.clone())).collect();
    let mut written = Cursor::new(Vec::new());
    write_archive_to_stream(&mut written, &members, kind, false, None).unwrap();
    written.into_inner()
}

fn random_members(random: &mut fastrand::Rng) -> Members {
    let mut members: Members = (0..random.usize(..6))
        .map(|index| {
            let name = format!("{}.{index}.rcgu.o", "long_name_".repeat(random.usize(..4)));
            let mut data = vec![0; random.usize(..300)];
            random.fill(&mut data);
            for symbol in 0..random.usize(..5) {
                data.extend_from_slice(format!("\nsymbol s{index}_{symbol}\n").as_bytes());
            }
            (name, data)
        })
        .collect();
    members.insert(random.usize(..=members.len()), ("lib.rmeta".into(), random_metadata(random)));
    members
}

fn random_metadata(random: &mut fastrand::Rng) -> Vec<u8> {
    // Above ASCII, so that no line of it is a symbol.
    let size = random.usize(1..300);
    std::iter::repeat_with(|| random.u8(128..)).take(size).collect()
}

/// As it stands in an archive of that kind: Darwin's padding is part of a member.
fn with_padding(kind: ArchiveKind, mut data: Vec<u8>) -> Vec<u8> {
    while matches!(kind, ArchiveKind::Darwin | ArchiveKind::Darwin64) && !data.len().is_multiple_of(8) {
        data.push(b'\n');
    }
    data
}

fn replaced(archive: &[u8], data: &[u8]) -> Result<Vec<u8>, String> {
    let mut archive = Cursor::new(archive);
    let splices = replacing(&mut archive, "lib.rmeta", data)?;
    let mut result = Vec::new();
    write(&mut archive, &splices, &mut result).map_err(|error| error.to_string())?;
    Ok(result)
}

/// Each symbol with the name of the member that the symbol table says it is in.
fn symbols(archive: &[u8]) -> Vec<(String, String)> {
    let file = ArchiveFile::parse(archive).unwrap();
    let symbols = file.symbols().unwrap().into_iter().flatten().map(|symbol| symbol.unwrap());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    symbols.map(|symbol| (text(symbol.name()), text(file.member(symbol.offset()).unwrap().name()))).collect()
}

#[test]
fn the_result_is_what_rustcs_own_writer_writes() {
    let mut random = fastrand::Rng::with_seed(1);
    for round in 0..3000 {
        let kind = KINDS[round % KINDS.len()];
        let mut members = random_members(&mut random);
        let before = archive(kind, &members);
        let new = random_metadata(&mut random);
        members.iter_mut().find(|(name, _)| name == "lib.rmeta").unwrap().1.clone_from(&new);
        let after = archive(kind, &members);
        let result = replaced(&before, &with_padding(kind, new)).unwrap();
        assert_eq!(result, after, "round {round}, {kind:?}");
        assert_eq!(symbols(&result), symbols(&after), "round {round}, {kind:?}");
    }
}

#[test]
fn other_members_and_the_symbol_table_stay_true() {
    let mut random = fastrand::Rng::with_seed(2);
    for round in 0..1000 {
        let kind = KINDS[round % KINDS.len()];
        let members = random_members(&mut random);
        let before = archive(kind, &members);
        let new = with_padding(kind, random_metadata(&mut random));
        let result = replaced(&before, &new).unwrap();
        let file = ArchiveFile::parse(&*result).unwrap();
        let found: Vec<_> = file.members().map(Result::unwrap).collect();
        assert_eq!(found.len(), members.len());
        for (found, (name, data)) in found.iter().zip(members) {
            assert_eq!(found.name(), name.as_bytes());
            let expected = if name == "lib.rmeta" { new.clone() } else { with_padding(kind, data) };
            assert_eq!(found.data(&*result).unwrap(), expected);
        }
        assert_eq!(symbols(&result), symbols(&before));
    }
}

#[test]
fn headers_keep_date_owner_and_mode() {
    let member = |name: &str, data: &'static str, mtime, perms| NewArchiveMember {
        buf: Box::new(data),
        object_reader: &LINES_ARE_SYMBOLS,
        member_name: name.into(),
        mtime,
        uid: 7,
        gid: 8,
        perms,
    };
    let write = |data| {
        let members = [member("lib.rmeta", data, 1_700_000_000, 0o600), member("a.rcgu.o", "symbol s", 99, 0o755)];
        let mut written = Cursor::new(Vec::new());
        write_archive_to_stream(&mut written, &members, ArchiveKind::Gnu, false, None).unwrap();
        written.into_inner()
    };
    assert_eq!(replaced(&write("old"), b"new metadata").unwrap(), write("new metadata"));
}

#[test]
fn a_missing_padding_behind_the_last_member_is_no_damage() {
    let members = |data: &[u8]| vec![("a.rcgu.o".to_owned(), b"symbol s".to_vec()), ("lib.rmeta".to_owned(), data.to_vec())];
    let mut before = archive(ArchiveKind::Gnu, &members(b"odd"));
    assert_eq!(before.pop(), Some(b'\n'));
    assert_eq!(replaced(&before, b"new").unwrap(), archive(ArchiveKind::Gnu, &members(b"new")));
}

#[test]
fn an_archive_without_or_with_two_such_members_is_refused() {
    let member = |name: &str| (name.to_owned(), b"data".to_vec());
    let none = archive(ArchiveKind::Gnu, &vec![member("a.rcgu.o")]);
    assert_eq!(replaced(&none, b"new").unwrap_err(), "it is an archive without a member lib.rmeta");
    let two = archive(ArchiveKind::Gnu, &vec![member("lib.rmeta"), member("lib.rmeta")]);
    assert_eq!(replaced(&two, b"new").unwrap_err(), "it is an archive with several members lib.rmeta");
}

#[test]
fn a_symbol_table_that_names_no_member_is_refused() {
    let members = vec![("lib.rmeta".to_owned(), b"data".to_vec()), ("a.rcgu.o".to_owned(), b"symbol s".to_vec())];
    let mut stale = archive(ArchiveKind::Gnu, &members);
    stale[MAGIC.len() + HEADER + 7] += 2;
    let error = replaced(&stale, b"new one").unwrap_err();
    assert!(error.starts_with("it is a damaged archive (its symbol table names a member at byte"), "{error}");
}

#[test]
fn offsets_beyond_4_gib_are_refused_where_they_do_not_fit() {
    let end = u64::from(u32::MAX);
    assert_eq!(GNU.encode(end).unwrap(), [0xff; 4]);
    assert_eq!(GNU.encode(end + 1), None);
    assert_eq!(GNU_64.encode(end + 1).unwrap(), [0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(COFF.encode(1).unwrap(), [1, 0, 0, 0]);
}

#[test]
fn truncated_and_damaged_archives_are_refused_or_copied_but_never_a_panic() {
    let mut random = fastrand::Rng::with_seed(3);
    for round in 0..3000 {
        let kind = KINDS[round % KINDS.len()];
        let mut damaged = archive(kind, &random_members(&mut random));
        if random.bool() {
            damaged.truncate(random.usize(..damaged.len()));
        }
        for _ in 0..random.usize(..4) {
            if !damaged.is_empty() {
                let at = random.usize(..damaged.len().min(400));
                damaged[at] = if random.bool() { random.u8(..) } else { b'9' };
            }
        }
        if let Err(reason) = replaced(&damaged, b"new data") {
            assert!(!reason.contains('\n'), "{reason}");
        }
    }
}
