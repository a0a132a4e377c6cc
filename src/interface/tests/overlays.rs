//! Interface source on disk.

use std::process::Command;

use super::*;
use crate::interface::{Disk, overlay};

fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = directory.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
}

fn overlay_of(root: &Path, directory: &Path) -> overlay::Overlay {
    let krate = Crate::load(root, &Disk, None).unwrap();
    overlay::write(&krate, &krate.interface(&Options::default()), directory).unwrap()
}

#[test]
fn whatever_a_path_in_the_source_leads_to_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let root = "
        #[path = \"../other/target.rs\"] pub mod t;
        pub mod a;
        pub const S: &str = include_str!(\"../../data/s.txt\");
        pub const T: &str = include_str!(\"beside.txt\");
        include!(\"inc.rs\");
        macro_rules! m { () => { mod hidden; } } m!();
        pub fn f() -> u8 { nobody_checks_this() }";
    write(
        directory.path(),
        &[
            ("pkg/src/lib.rs", root),
            ("pkg/src/a.rs", "pub mod target;"),
            ("pkg/src/a/target.rs", "pub fn g() -> u8 { nor(this) }"),
            ("pkg/src/a/x.txt", ""),
            ("pkg/src/hidden.rs", ""),
            ("pkg/src/inc.rs", "pub fn inc() -> u8 { 1 }"),
            ("pkg/src/beside.txt", "t"),
            ("pkg/other/target.rs", "pub fn h() -> &'static str { or_this(); include_str!(\"o.txt\") }"),
            ("pkg/other/o.txt", "o"),
            ("data/s.txt", "s"),
        ],
    );
    let overlay = overlay_of(&at("pkg/src/lib.rs"), &at("overlay"));
    assert_eq!(overlay.root, at("overlay/pkg/src/lib.rs"));
    assert_eq!(overlay.directories, [(at("overlay"), directory.path().to_owned()), (at("overlay/pkg/src"), at("pkg/src"))]);
    assert!(at("overlay/data").is_symlink() && at("overlay/pkg/src/hidden.rs").is_symlink());
    assert!(!at("overlay/pkg/other").is_symlink() && at("overlay/pkg/other/o.txt").is_symlink());
    assert!(!at("overlay/overlay").exists());
    let mut command = Command::new("rustc");
    command.env("RUSTC_BOOTSTRAP", "1").args(["-Zno-codegen", "--cap-lints=allow", "--crate-type=lib"]);
    let output = command.arg(&overlay.root).arg("-o").arg(at("liba.rlib")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_directory_that_is_in_use_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("lib.rs", "pub fn f() { 1; }"), ("used/x", "")]);
    let krate = Crate::load(&directory.path().join("lib.rs"), &Disk, None).unwrap();
    let error = overlay::write(&krate, &krate.interface(&Options::default()), &directory.path().join("used")).unwrap_err();
    let error = error.to_string();
    assert!(error.ends_with("is not empty: name a new or an empty directory for the interface source"), "{error}");
    assert!(directory.path().join("used/x").exists());
}
