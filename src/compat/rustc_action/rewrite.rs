//! Buck2's arguments and environment become the compiler's.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use memchr::memmem;

/// The variables that are inherited. A `*` at the end stands for anything.
///
/// They are what rustc, Buck2's remote execution, Dotslash and Nix's compilers need. Not among them: `CARGO_HOME`, `RUSTUP_TOOLCHAIN`,
/// `LD_LIBRARY_PATH`, `RUSTC_BOOTSTRAP`.
const INHERITED: [&str; 42] = [
    "ACTION_DIGEST",
    "CAS_DAEMON_ADDR",
    "CAS_DAEMON_PORT",
    "CHGDISABLE",
    "DOTSLASH_CACHE",
    "EXECUTION_ID",
    "HOME",
    "LOCALAPPDATA",
    "NIX_BINTOOLS",
    "NIX_BINTOOLS_FOR_TARGET",
    "NIX_BINTOOLS_WRAPPER_TARGET_HOST_*",
    "NIX_BINTOOLS_WRAPPER_TARGET_TARGET_*",
    "NIX_CC",
    "NIX_CC_FOR_TARGET",
    "NIX_CC_WRAPPER_TARGET_HOST_*",
    "NIX_CC_WRAPPER_TARGET_TARGET_*",
    "NIX_CFLAGS_COMPILE",
    "NIX_CFLAGS_COMPILE_FOR_TARGET",
    "NIX_COREFOUNDATION_RPATH",
    "NIX_DEBUG",
    "NIX_DONT_SET_RPATH",
    "NIX_DONT_SET_RPATH_FOR_BUILD",
    "NIX_ENFORCE_NO_NATIVE",
    "NIX_HARDENING_ENABLE",
    "NIX_IGNORE_LD_THROUGH_GCC",
    "NIX_LDFLAGS",
    "NIX_LDFLAGS_FOR_TARGET",
    "NIX_NO_SELF_RPATH",
    "PATH",
    "PROGRAMDATA",
    "PWD",
    "RE_PLATFORM",
    "RUSTC_LOG",
    "RUSTUP_HOME",
    "RUST_BACKTRACE",
    "SESSION_ID",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "USERNAME",
];

/// Stands for the value of `OUT_DIR`, which only the build script's own action knows.
const OUT_DIR: &str = "${__BUILDSCRIPT_OUT_DIR__}";

/// Whether a variable is inherited.
pub fn is_inherited(name: &OsStr) -> bool {
    INHERITED.iter().any(|known| match known.strip_suffix('*') {
        Some(prefix) => name.as_bytes().starts_with(prefix.as_bytes()),
        None => name == *known,
    })
}

/// Undoes what Buck2 does to values with line ends: `\n` is one, `\r` a carriage return, and a second backslash before either keeps it as it is.
pub fn unescape(value: &OsStr) -> OsString {
    let mut rest = value.as_bytes();
    let mut unescaped = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let (byte, length): (&[u8], usize) = match rest {
            [b'\\', b'\\', b'n', ..] => (b"\\n", 3),
            [b'\\', b'\\', b'r', ..] => (b"\\r", 3),
            [b'\\', b'n', ..] => (b"\n", 2),
            [b'\\', b'r', ..] => (b"\r", 2),
            [b'\\', b'\n', ..] => (b"\\n", 2),
            _ => (std::slice::from_ref(first), 1),
        };
        unescaped.extend_from_slice(byte);
        rest = &after[length - 1..];
    }
    OsString::from_vec(unescaped)
}

/// The path from the root, without `.`, `..` and doubled slashes. Symbolic links stay, as in Python's `os.path.abspath`: what Buck2 links
/// somewhere has to be called as it is there.
pub fn absolute(directory: &Path, path: &OsStr) -> PathBuf {
    let mut absolute = PathBuf::from("/");
    for component in directory.join(path).components() {
        match component {
            Component::Normal(name) => absolute.push(name),
            Component::ParentDir => drop(absolute.pop()),
            _ => {}
        }
    }
    absolute
}

/// Replaces `$(cat FILE)` by the file's content without the blanks around it, and `$(abspath PATH)` by the absolute path. `read` yields a
/// file's bytes. The names end at the first `)`.
pub fn evaluate(
    argument: OsString,
    directory: &Path,
    read: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
) -> Result<OsString, String> {
    let bytes = argument.as_bytes();
    let mut evaluated = Vec::new();
    let mut copied = 0;
    for at in memmem::find_iter(bytes, "$(") {
        let rest = &bytes[at..];
        let (prefix, is_cat): (&[u8], _) = match rest {
            _ if at < copied => continue,
            _ if rest.starts_with(b"$(cat ") => (b"$(cat ", true),
            _ if rest.starts_with(b"$(abspath ") => (b"$(abspath ", false),
            _ => continue,
        };
        let inner = &rest[prefix.len()..];
        let end = memchr::memchr(b')', inner).ok_or_else(|| format!("`{}` has no `)`", argument.display()))?;
        let path = OsStr::from_bytes(&inner[..end]);
        evaluated.extend_from_slice(&bytes[copied..at]);
        if is_cat {
            let content = read(Path::new(path))
                .map_err(|error| format!("cannot read `{}`, which `{}` names: {error}", path.display(), argument.display()))?;
            evaluated.extend_from_slice(content.trim_ascii());
        } else {
            evaluated.extend_from_slice(absolute(directory, path).as_os_str().as_bytes());
        }
        copied = at + prefix.len() + end + 1;
    }
    if copied == 0 {
        return Ok(argument);
    }
    evaluated.extend_from_slice(&bytes[copied..]);
    Ok(OsString::from_vec(evaluated))
}

/// What becomes of the compiler's arguments.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The arguments.
    pub arguments: Vec<OsString>,
    /// What `--env-set` sets: rustc's own option of that name is unstable.
    pub env: Vec<(OsString, OsString)>,
}

/// Rewrites what follows the separator. `out_dir` is the value of `OUT_DIR`.
pub fn rewrite(arguments: &[OsString], out_dir: Option<&OsStr>) -> Result<Rewritten, String> {
    let mut rewritten = Rewritten::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let argument = with_out_dir(argument, out_dir)?;
        let set = match argument.as_bytes().strip_prefix(b"--env-set") {
            Some(b"") => {
                let value = arguments.next().ok_or("`--env-set` needs a value: NAME=VALUE")?;
                Some(with_out_dir(value, out_dir)?.into_encoded_bytes())
            }
            Some([b'=', value @ ..]) => Some(value.to_vec()),
            _ => None,
        };
        match set {
            None => rewritten.arguments.push(without_dot(argument)),
            Some(set) => {
                let at = memchr::memchr(b'=', &set)
                    .ok_or_else(|| format!("`--env-set={}`: expected the form NAME=VALUE", String::from_utf8_lossy(&set)))?;
                let value = OsString::from_vec(set[at + 1..].to_vec());
                rewritten.env.push((OsStr::from_bytes(&set[..at]).to_owned(), value));
            }
        }
    }
    Ok(rewritten)
}

fn with_out_dir(argument: &OsStr, out_dir: Option<&OsStr>) -> Result<OsString, String> {
    let bytes = argument.as_bytes();
    let Some(mut at) = memmem::find(bytes, OUT_DIR.as_bytes()) else { return Ok(argument.to_owned()) };
    let out_dir =
        out_dir.ok_or_else(|| format!("`{}` needs OUT_DIR: give --env or --path-env OUT_DIR=...", argument.display()))?;
    let (mut replaced, mut rest) = (Vec::new(), bytes);
    loop {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(out_dir.as_bytes());
        rest = &rest[at + OUT_DIR.len()..];
        let Some(next) = memmem::find(rest, OUT_DIR.as_bytes()) else { break };
        at = next;
    }
    replaced.extend_from_slice(rest);
    Ok(OsString::from_vec(replaced))
}

/// `--remap-path-prefix=A=./B` becomes `A=B`: Buck2 can't make a relative path without the `./`.
fn without_dot(argument: OsString) -> OsString {
    let Some(value) = argument.as_bytes().strip_prefix(b"--remap-path-prefix=") else { return argument };
    // rustc splits at the last `=`.
    match memchr::memrchr(b'=', value).map(|at| value.split_at(at + 1)) {
        Some((from, to)) if to.starts_with(b"./") => OsString::from_vec([b"--remap-path-prefix=", from, &to[2..]].concat()),
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(text: &str) -> OsString {
        text.into()
    }

    #[test]
    fn few_variables_are_inherited() {
        for name in ["PATH", "TMPDIR", "NIX_CC_WRAPPER_TARGET_HOST_x86_64_unknown_linux_gnu", "SESSION_ID"] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO_HOME", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "RUSTC_BOOTSTRAP", "PATHS", "NIX_CC_WRAPPER", ""] {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn line_ends_are_unescaped() {
        for (escaped, expected) in [
            ("a b", "a b"),
            (r"a\nb\rc", "a\nb\rc"),
            (r"a\\nb\\rc", r"a\nb\rc"),
            (r"\\\n", r"\\n"),
            (r"a\\b\", r"a\\b\"),
            ("a\\\nb", "a\\nb"),
            ("\u{e9}\\t", "\u{e9}\\t"),
        ] {
            assert_eq!(unescape(OsStr::new(escaped)), expected, "{escaped}");
        }
    }

    #[test]
    fn a_path_is_made_absolute_by_its_text() {
        let absolute = |path| absolute(Path::new("/a/b"), OsStr::new(path));
        for (path, expected) in [("c/../d//e/.", "/a/b/d/e"), ("/x", "/x"), ("", "/a/b"), ("../../../y", "/y"), ("..", "/a")] {
            assert_eq!(absolute(path), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn files_and_paths_are_inserted() {
        let read = |path: &Path| match path.to_str() {
            Some("name") => Ok(b" \n crate\n".to_vec()),
            Some("other") => Ok(b"$(cat name)".to_vec()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        let evaluate = |text: &str| evaluate(os(text), Path::new("/cwd"), &read);
        for (text, expected) in [
            ("--extern=$(cat name)=lib$(cat name).rlib", "--extern=crate=libcrate.rlib"),
            ("$(abspath a/../b)/c", "/cwd/b/c"),
            ("$(date) $(cat name", "$(date)"),
            ("$(cat other)", "$(cat name)"),
            ("$(catname) $( cat name)", "$(catname) $( cat name)"),
        ] {
            match evaluate(text) {
                Ok(evaluated) => assert_eq!(evaluated, expected, "{text}"),
                Err(error) => assert_eq!(error, format!("`{text}` has no `)`")),
            }
        }
        assert_eq!(evaluate("x$(cat gone)").unwrap_err(), "cannot read `gone`, which `x$(cat gone)` names: entity not found");
    }

    #[test]
    fn arguments_are_rewritten() {
        let arguments = [
            "-L${__BUILDSCRIPT_OUT_DIR__}/${__BUILDSCRIPT_OUT_DIR__}",
            "--remap-path-prefix=SRCS/=./",
            "--remap-path-prefix=a=b=./c",
            "--remap-path-prefix=a",
            "--remap-path-prefix=a=.",
            "--env-set=A=${__BUILDSCRIPT_OUT_DIR__}=b",
            "--env-set",
            "B=",
            "--env-setting",
        ];
        let rewritten = rewrite(&arguments.map(os), Some(OsStr::new("/o"))).unwrap();
        let expected = [
            "-L/o//o",
            "--remap-path-prefix=SRCS/=",
            "--remap-path-prefix=a=b=c",
            "--remap-path-prefix=a",
            "--remap-path-prefix=a=.",
            "--env-setting",
        ];
        assert_eq!(rewritten.arguments, expected);
        assert_eq!(rewritten.env, [(os("A"), os("/o=b")), (os("B"), os(""))]);
    }

    #[test]
    fn what_can_not_be_rewritten_is_said() {
        let said = |arguments: &[&str]| rewrite(&arguments.iter().map(|text| os(text)).collect::<Vec<_>>(), None).unwrap_err();
        assert_eq!(said(&["--env-set=A"]), "`--env-set=A`: expected the form NAME=VALUE");
        assert_eq!(said(&["--env-set", "A"]), "`--env-set=A`: expected the form NAME=VALUE");
        assert_eq!(said(&["--env-set"]), "`--env-set` needs a value: NAME=VALUE");
        let out_dir = said(&["-L${__BUILDSCRIPT_OUT_DIR__}"]);
        assert_eq!(out_dir, "`-L${__BUILDSCRIPT_OUT_DIR__}` needs OUT_DIR: give --env or --path-env OUT_DIR=...");
    }
}
