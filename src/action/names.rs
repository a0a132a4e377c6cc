//! What hollow rlibs are called and where they are: `D/libfoo-1.rlib` has its hollow twin at `D/_hollow/libfoo-1_meta.rlib`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directory of the hollow rlibs, beside the full ones. The two kinds never share a directory, because rustc takes whichever
/// it finds last.
pub const HOLLOW_DIRECTORY: &str = "_hollow";

/// rustc finds a crate by the prefix `lib{name}{extra}` and the suffix `.rlib`, so this may stand between.
const MARK: &str = "_meta";

/// Where the hollow twin of an rlib is, or of the `.rmeta` that Cargo names in its place. `None` if the file is something else or is in
/// a `_hollow` directory itself.
pub fn hollow_twin(full: &Path) -> Option<PathBuf> {
    let (directory, name) = split(full);
    let stem = name.as_bytes().strip_suffix(b".rlib").or_else(|| name.as_bytes().strip_suffix(b".rmeta"))?;
    let mut twin_name = OsString::from(OsStr::from_bytes(stem));
    twin_name.push(MARK);
    twin_name.push(".rlib");
    Some(join(&hollow_directory(directory)?, &twin_name))
}

/// The full rlib that belongs to a file named like a hollow one.
pub fn full_twin(hollow: &Path) -> Option<PathBuf> {
    let (directory, name) = split(hollow);
    let (parent, hollow_directory) = split(trim_separators(directory));
    let stem = name.as_bytes().strip_suffix(b".rlib")?.strip_suffix(MARK.as_bytes())?;
    let mut full_name = OsString::from(OsStr::from_bytes(stem));
    full_name.push(".rlib");
    (hollow_directory == HOLLOW_DIRECTORY).then(|| join(Path::new(parent), &full_name))
}

/// The link plan of a program in this directory.
pub fn link_plan(program: &Path, crate_name: &str, extra_filename: &OsStr) -> PathBuf {
    let (directory, _) = split(program);
    let mut name = OsString::from(crate_name);
    name.push(extra_filename);
    name.push(".plan");
    let directory = hollow_directory(directory).unwrap_or_else(|| directory.into());
    join(&directory, &name)
}

/// The directory of full rlibs that belongs to one of hollow rlibs.
pub fn full_directory(hollow: &Path) -> Option<&Path> {
    let (parent, last) = split(trim_separators(hollow.as_os_str()));
    (last == HOLLOW_DIRECTORY).then_some(Path::new(parent))
}

/// The file beside the hollow rlibs that stands for this one: a proc-macro's library, or dep-info.
pub fn in_hollow_directory(path: &Path) -> Option<PathBuf> {
    let (directory, name) = split(path);
    Some(join(&hollow_directory(directory)?, name))
}

/// The `_hollow` directory in a directory, or `None` if it is one itself.
pub fn hollow_directory(directory: impl AsRef<Path>) -> Option<PathBuf> {
    let directory = directory.as_ref().as_os_str();
    let (_, last) = split(trim_separators(directory));
    (last != HOLLOW_DIRECTORY).then(|| join(Path::new(directory), HOLLOW_DIRECTORY.as_ref()))
}

/// The last component of a path, be it a Windows one.
pub fn file_name(path: &Path) -> &OsStr {
    split(path).1
}

/// Splits behind the last separator. A backslash is one only where the path can only be a Windows one: response files of
/// cross builds hold such paths as mere data.
fn split<'a>(path: impl Into<&'a Path>) -> (&'a OsStr, &'a OsStr) {
    let bytes = path.into().as_os_str().as_bytes();
    let backslashes = separator(bytes) == b'\\';
    let at = bytes.iter().rposition(|&byte| byte == b'/' || (backslashes && byte == b'\\')).map_or(0, |at| at + 1);
    (OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at..]))
}

fn separator(path: &[u8]) -> u8 {
    let drive = path.len() > 2 && path[0].is_ascii_alphabetic() && path[1] == b':';
    let windows = path.contains(&b'\\') && (drive || !path.contains(&b'/'));
    if windows { b'\\' } else { b'/' }
}

fn trim_separators(directory: &OsStr) -> &Path {
    let mut bytes = directory.as_bytes();
    while let [head @ .., b'/' | b'\\'] = bytes {
        bytes = head;
    }
    Path::new(OsStr::from_bytes(bytes))
}

fn join(directory: &Path, name: &OsStr) -> PathBuf {
    let bytes = directory.as_os_str().as_bytes();
    let separator = separator(bytes);
    let mut joined = directory.as_os_str().to_owned();
    if !bytes.is_empty() && bytes.last() != Some(&separator) && bytes.last() != Some(&b'/') {
        joined.push(OsStr::from_bytes(&[separator]));
    }
    joined.push(name);
    joined.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twin(path: &str) -> Option<String> {
        hollow_twin(Path::new(path)).map(|twin| twin.display().to_string())
    }

    #[test]
    fn a_twin_is_in_the_hollow_directory_beside() {
        assert_eq!(twin("out/libfoo-1.rlib").unwrap(), "out/_hollow/libfoo-1_meta.rlib");
        assert_eq!(twin("libfoo.rlib").unwrap(), "_hollow/libfoo_meta.rlib");
        assert_eq!(twin("/out/libfoo-1.rmeta").unwrap(), "/out/_hollow/libfoo-1_meta.rlib");
        assert_eq!(twin(r"C:\out\libfoo-1.rlib").unwrap(), r"C:\out\_hollow\libfoo-1_meta.rlib");
        assert_eq!(twin(r"C:\out/libfoo-1.rlib").unwrap(), r"C:\out/_hollow\libfoo-1_meta.rlib");
        assert_eq!(twin(r"out\libfoo.rlib").unwrap(), r"out\_hollow\libfoo_meta.rlib");
    }

    #[test]
    fn what_is_hollow_or_no_rlib_has_none() {
        assert_eq!(twin("out/_hollow/libfoo-1_meta.rlib"), None);
        assert_eq!(twin("out/libmacros.so"), None);
    }

    #[test]
    fn a_full_twin_is_the_way_back() {
        for full in ["out/libfoo-1.rlib", "/libfoo.rlib", "libfoo.rlib"] {
            assert_eq!(full_twin(&hollow_twin(Path::new(full)).unwrap()).unwrap(), Path::new(full));
        }
        assert_eq!(full_twin(Path::new("out/libfoo_meta.rlib")), None);
    }

    #[test]
    fn a_file_name_is_found_behind_backslashes_too() {
        for path in [r"C:\out\_hollow\liba_meta.rlib", "out/liba_meta.rlib", "liba_meta.rlib"] {
            assert_eq!(file_name(Path::new(path)), "liba_meta.rlib");
        }
    }

    #[test]
    fn the_hollow_directory_of_a_directory() {
        assert_eq!(hollow_directory("out").unwrap(), Path::new("out/_hollow"));
        assert_eq!(hollow_directory("").unwrap(), Path::new("_hollow"));
        assert_eq!(hollow_directory("out/_hollow/"), None);
        assert_eq!(in_hollow_directory(Path::new("out/a.d")).unwrap(), Path::new("out/_hollow/a.d"));
    }
}
