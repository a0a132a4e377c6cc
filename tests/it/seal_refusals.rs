//! Sealing that is refused or fails: one line that says what to do, and nothing touched.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::seal::{FULL, HOLLOW, pair, seal, state};
use crate::support::{self, Ran, Scratch};

fn refused(scratch: &Scratch, arguments: &[&str]) -> String {
    let before = state(scratch);
    let line = scratch.hollow(&[&["seal"], arguments].concat()).stopped(2);
    assert_eq!(state(scratch), before, "something was touched");
    line
}

#[test]
fn two_of_a_kind_are_refused() {
    let scratch = pair();
    assert_eq!(
        refused(&scratch, &[HOLLOW, "--with", HOLLOW]),
        format!("`{HOLLOW}` is a hollow rlib and has no object code to seal: give the one that `hollow link` made of this crate")
    );
    assert_eq!(
        refused(&scratch, &[FULL, "--with", FULL]),
        format!(
            "`{FULL}` is a full rlib, and metadata is taken from a hollow one: give the one that `hollow metadata` made of this crate"
        )
    );
    let verified = format!("link --verify-against {FULL} -- rustc --crate-type=lib a.rs");
    assert_eq!(
        scratch.hollow(&verified.split_whitespace().collect::<Vec<_>>()).stopped(2),
        format!(
            "`{FULL}` is a full rlib, and --verify-against compares with a hollow one: give the one that `hollow metadata` made of this crate"
        )
    );
}

#[test]
fn a_full_rlib_that_was_cut_off_is_not_taken_for_a_hollow_one() {
    let scratch = pair();
    scratch.write("main.rs", "fn main() { a::answer(); }");
    let full = scratch.read(FULL);
    // In each member's head, in its middle, and behind it.
    for length in (8..full.len()).step_by(full.len() / 97) {
        scratch.write("cut/liba.rlib", &full[..length]);
        let kind = hollow::rlib::kind(&scratch.path("cut/liba.rlib"));
        assert!(!matches!(kind, Ok(hollow::rlib::Kind::Hollow)), "{length} of {}: {kind:?}", full.len());
    }
    let archive = object::read::archive::ArchiveFile::parse(&*full).unwrap();
    for member in archive.members() {
        let (offset, size) = member.unwrap().file_range();
        for length in [offset, offset + size] {
            let length = usize::try_from(length).unwrap().min(full.len() - 1);
            scratch.write("cut/liba.rlib", &full[..length]);
            let kind = hollow::rlib::kind(&scratch.path("cut/liba.rlib"));
            assert!(!matches!(kind, Ok(hollow::rlib::Kind::Hollow)), "{length} of {}: {kind:?}", full.len());
        }
    }
    let said = scratch.action("link", "--extern=a=cut/liba.rlib main.rs").stderr;
    assert!(!said.contains("hollow rlib"), "{said}");
}

#[test]
fn what_is_no_rlib_is_refused() {
    let scratch = pair();
    let line = refused(&scratch, &["a.rs", "--with", HOLLOW]);
    assert_eq!(line, "cannot seal `a.rs`: it is no archive: give an rlib as rustc made it, not what is linked".to_owned());
    let line = refused(&scratch, &["native/libseven.a", "--with", HOLLOW]);
    assert!(line.starts_with("cannot seal `native/libseven.a`: it is an archive without a member lib.rmeta: "), "{line}");
    let line = refused(&scratch, &[FULL, "--with", "native/libseven.a"]);
    assert!(line.starts_with("cannot seal with `native/libseven.a`: it is an archive without a member lib.rmeta: "), "{line}");
    let line = refused(&scratch, &["gone.rlib", "--with", HOLLOW]);
    assert_eq!(line, "cannot read `gone.rlib`: No such file or directory (os error 2)");

    scratch.write("m.rs", "");
    scratch.stable_rustc("--crate-type=proc-macro -o libm.so m.rs").ok();
    let line = refused(&scratch, &["libm.so", "--with", HOLLOW]);
    assert!(line.ends_with("give an rlib as rustc made it, not what is linked"), "{line}");
}

#[test]
fn a_thin_archive_is_refused() {
    let scratch = pair();
    support::run(scratch.command("ar").args(["rcT", "thin.rlib", "native/seven.o"])).ok();
    let line = refused(&scratch, &["thin.rlib", "--with", HOLLOW]);
    assert!(line.starts_with("cannot seal `thin.rlib`: it is a thin archive, which only names its members: "), "{line}");
}

#[test]
fn rlibs_of_two_crates_are_refused() {
    let scratch = pair();
    scratch.write("b.rs", "");
    scratch.action("metadata", "--crate-type=lib --out-dir=out b.rs").ok();
    assert_eq!(
        refused(&scratch, &[FULL, "--with", "out/_hollow/libb_meta.rlib"]),
        format!(
            "cannot seal `{FULL}` with `out/_hollow/libb_meta.rlib`: its crate is a, and the hollow rlib's is b: \
             give the hollow rlib of the same crate"
        )
    );
    scratch.action("metadata", "--crate-type=lib --out-dir=other -Cmetadata=2 a.rs").ok();
    let line = refused(&scratch, &[FULL, "--with", "other/_hollow/liba_meta.rlib"]);
    assert!(line.ends_with("their -Cmetadata differ, and so do their symbols: pass the same to both actions"), "{line}");
}

#[test]
fn rlibs_for_two_targets_or_of_two_rustcs_are_refused() {
    let scratch = pair();
    scratch.write("a.rs", "#![feature(no_core)] #![no_core]");
    let other_target = "--target=aarch64-apple-darwin --crate-type=lib --emit=link=libtarget.rlib -Zno-codegen a.rs";
    scratch.rustc(other_target).ok();
    let line = refused(&scratch, &[FULL, "--with", "libtarget.rlib"]);
    assert!(line.contains(": it is for x86_64-unknown-linux-gnu, and the hollow rlib for aarch64-apple-darwin: "), "{line}");

    let mut other_rustc = scratch.read(HOLLOW);
    let version = other_rustc.windows(8).position(|window| window == b"rustc 1.").unwrap();
    other_rustc[version + 6] = b'9';
    scratch.write("librustc.rlib", other_rustc);
    let line = refused(&scratch, &[FULL, "--with", "librustc.rlib"]);
    assert!(line.contains(": it was made by rustc 1.") && line.ends_with(": use one rustc for both actions"), "{line}");
}

#[test]
fn an_unknown_layout_of_metadata_is_refused() {
    let scratch = pair();
    let mut unknown = scratch.read(HOLLOW);
    let version = unknown.windows(8).position(|window| window == b"rustc 1.").unwrap();
    unknown[version] = b'R';
    scratch.write("libunknown.rlib", unknown);
    let line = refused(&scratch, &[FULL, "--with", "libunknown.rlib"]);
    assert!(
        line.starts_with("the metadata of `libunknown.rlib` has a layout that this version of hollow does not know"),
        "{line}"
    );
}

#[test]
fn a_full_rlib_does_not_lose_its_metadata_to_a_stub() {
    let scratch = pair();
    scratch
        .rustc("--crate-type=lib -Zembed-metadata=no --emit=link=libstub.rlib --emit=metadata=liba.rmeta -Zno-codegen a.rs")
        .ok();
    let line = refused(&scratch, &[FULL, "--with", "libstub.rlib"]);
    assert!(line.contains("made with -Zembed-metadata=no and has only a stub: "), "{line}");
}

#[test]
fn outputs_that_would_do_harm_are_refused() {
    let scratch = pair();
    let line = refused(&scratch, &[FULL, "--with", HOLLOW, "--output", HOLLOW]);
    assert!(line.contains("is the hollow rlib itself"), "{line}");
    let line = refused(&scratch, &[FULL, "--with", HOLLOW, "--output", "native"]);
    assert_eq!(line, "the output `native` is no regular file: choose another");
    let line = refused(&scratch, &[FULL, "--with", HOLLOW, "--output", "/dev/null"]);
    assert_eq!(line, "the output `/dev/null` is no regular file: choose another");
    let line = refused(&scratch, &[FULL, "--with", HOLLOW, "--output", "gone/liba.rlib"]);
    assert!(line.starts_with("cannot write `gone/liba.rlib`: No such file or directory"), "{line}");
}

/// Does harm to an archive, given where the header of its `lib.rmeta` is.
type Damage = fn(&mut Vec<u8>, usize);

#[test]
fn damaged_rlibs_are_refused() {
    let scratch = pair();
    let full = scratch.read(FULL);
    let metadata = full.windows(10).position(|window| window == b"lib.rmeta/").unwrap();
    let damage: [(&str, Damage); 6] = [
        ("the end is missing", |bytes, _| bytes.truncate(bytes.len() * 2 / 3)),
        ("only the magic is left", |bytes, _| bytes.truncate(8)),
        ("it ends in a header", |bytes, metadata| bytes.truncate(metadata + 30)),
        ("a size is no number", |bytes, metadata| bytes[metadata + 48] = b'x'),
        ("the symbol table counts too many", |bytes, _| bytes[8 + 60] = 0x7f),
        ("the symbol table is stale", |bytes, _| bytes[8 + 60 + 7] ^= 4),
    ];
    for (what, damage) in damage {
        let mut damaged = full.clone();
        damage(&mut damaged, metadata);
        scratch.write("damaged.rlib", damaged);
        let line = refused(&scratch, &["damaged.rlib", "--with", HOLLOW]);
        assert!(line.starts_with("cannot seal `damaged.rlib`: it is "), "{what}: {line}");
    }
    scratch.write("damaged.rlib", &scratch.read(HOLLOW)[..300]);
    let line = refused(&scratch, &[FULL, "--with", "damaged.rlib"]);
    assert!(line.starts_with("cannot seal with `damaged.rlib`: its lib.rmeta can't be read ("), "{line}");
}

/// Runs the sealing under a limit on the size of files, which stops it in the middle of writing: by a signal that kills it, or, if that
/// is ignored, as a full disk would.
fn seal_with_little_space(scratch: &Scratch, shell: &str) -> Ran {
    let script = format!("ulimit -c 0; {shell} ulimit -f 8; exec \"$@\"");
    support::run(scratch.command("sh").args(["-c", &script, "sh", support::HOLLOW, "seal", FULL, "--with", HOLLOW]))
}

#[test]
fn killed_in_the_middle_of_writing_leaves_nothing() {
    let scratch = pair();
    let before = state(&scratch);
    let killed = seal_with_little_space(&scratch, "");
    assert!(killed.signal.is_some(), "{killed:?}");
    assert_eq!(state(&scratch), before);
}

#[test]
fn a_full_disk_leaves_nothing() {
    let scratch = pair();
    let before = state(&scratch);
    let line = seal_with_little_space(&scratch, "trap '' XFSZ;").stopped(2);
    assert!(line.starts_with(&format!("cannot write `{FULL}`: File too large")), "{line}");
    assert_eq!(state(&scratch), before);
}

#[test]
fn a_read_only_directory_is_one_line() {
    let scratch = pair();
    // Root writes everywhere, so it is not root who tries.
    let hollow = scratch.path("hollow");
    fs::copy(support::HOLLOW, &hollow).unwrap();
    fs::set_permissions(scratch.root(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(scratch.path("out"), fs::Permissions::from_mode(0o555)).unwrap();
    let before = state(&scratch);
    let seal = |uid: Option<u32>| {
        let mut command = Command::new(&hollow);
        command.args(["seal", FULL, "--with", HOLLOW]).current_dir(scratch.root());
        uid.map(|uid| command.uid(uid).gid(uid));
        support::run(&mut command)
    };
    let is_root = rustix::process::geteuid().is_root();
    let line = seal(is_root.then_some(65534)).stopped(2);
    assert!(line.starts_with(&format!("cannot write `{FULL}`: Permission denied")), "{line}");
    assert_eq!(state(&scratch), before);
    fs::set_permissions(scratch.path("out"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn one_full_rlib_is_sealed_at_a_time() {
    let scratch = pair();
    let ran = scratch.hollow(&["seal", FULL, "--with", HOLLOW, "--", FULL]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("unexpected argument 'out/liba.rlib'"), "{ran:?}");
    fs::copy(scratch.path(FULL), scratch.path("-a.rlib")).unwrap();
    scratch.hollow(&["seal", "--with", HOLLOW, "--", "-a.rlib"]).ok();
}

fn link(scratch: &Scratch, options: &str, rustc: &str) -> Ran {
    let line = format!("link {options} -- rustc --edition=2021 {rustc}");
    scratch.hollow(&line.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn the_link_action_looks_at_the_hollow_rlib_before_rustc_runs() {
    let scratch = pair();
    let broken = "--crate-type=lib --out-dir=out broken.rs";
    scratch.write("broken.rs", "this is not Rust");
    scratch.write("no.rlib", "");
    let line = link(&scratch, "--seal-with gone.rlib", broken).stopped(2);
    assert_eq!(line, "cannot read `gone.rlib`: No such file or directory (os error 2)");
    let line = link(&scratch, "--seal-with no.rlib", broken).stopped(2);
    assert!(line.starts_with("cannot seal with `no.rlib`: it is no archive: "), "{line}");
    let line = link(&scratch, &format!("--seal-with {FULL}"), broken).stopped(2);
    assert!(line.starts_with(&format!("`{FULL}` is a full rlib, ")), "{line}");
    let line = link(&scratch, &format!("--seal-with {HOLLOW}"), broken).stopped(2);
    assert_eq!(line, format!("`{HOLLOW}` belongs to crate `a`, not to `broken`: pass the hollow twin of `broken`"));
}

#[test]
fn a_full_rlib_that_can_not_be_sealed_does_not_appear() {
    let scratch = pair();
    fs::remove_file(scratch.path(FULL)).unwrap();
    let other_id = "--crate-type=lib --out-dir=out -Cmetadata=2 -Lnative=native -lstatic=seven a.rs";
    let line = link(&scratch, &format!("--seal-with {HOLLOW}"), other_id).stopped(2);
    assert!(line.starts_with(&format!("cannot seal `{FULL}` with `{HOLLOW}`: their -Cmetadata differ")), "{line}");
    assert_eq!(scratch.list("out"), ["_hollow", "_hollow/liba_meta.rlib"]);
}

#[test]
fn what_is_linked_can_not_be_sealed() {
    let scratch = pair();
    seal(&scratch).ok();
    scratch.write("main.rs", "fn main() {}");
    let line = link(&scratch, &format!("--seal-with {HOLLOW}"), "--out-dir=out main.rs").stopped(2);
    assert!(
        line.starts_with("--seal-with gives a full rlib the metadata of its hollow twin, and the program `main` has none"),
        "{line}"
    );
}

#[test]
fn sealing_and_verifying_are_not_asked_for_together() {
    let scratch = pair();
    let both = format!("--seal-with {HOLLOW} --verify-against {HOLLOW}");
    let line = link(&scratch, &both, "--crate-type=lib --out-dir=out a.rs").stopped(2);
    assert!(line.ends_with("use one of them"), "{line}");
}
