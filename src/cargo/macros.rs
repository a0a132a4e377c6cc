//! Macros whose expansion is known to depend on nothing but what they are given.
//!
//! Only then does an equal interface text mean an equal interface. A proc-macro is a shared library with all that it uses of the standard library in it, so
//! its symbols tell what it could ask for: random numbers (of which every `HashMap` has some), time, files, the environment, other processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use memchr::memchr_iter;
use object::{Object, ObjectSymbol};

use super::files::Stamp;
use super::unit::Unit;
use crate::action::HOLLOW_DIRECTORY;
use crate::rlib::{Rlib, raw_metadata};
use crate::rustc::{Extern, Name, SearchPath};

/// Popular macros that could ask for more than they do.
const KNOWN: [(&str, &str); 4] = [
    ("clap_derive", "reads only variables that Cargo sets for the package"),
    ("serde_derive", "has sets to look things up in, and never goes through them"),
    ("thiserror_impl", "has maps to look things up in, and never goes through them"),
    ("tracing_attributes", "has sets to look things up in, and never goes through them"),
];

/// In the names of symbols (`legacy` and `v0` alike): parts of the standard library, and a crate, by which more than the input can be known.
const SOURCES: [&str; 9] =
    ["3std2fs", "3std3env", "3std3net", "3std4time", "3std7process", "4hash6random", "3sys6random", "9getrandom", "8tempfile"];
/// What every library has of those, for panics and their backtraces.
const ALWAYS: [&str; 5] = ["11current_dir", "11current_exe", "3std2fsRNtB", "24buffer_capacity_required", "3std7process5abort"];

/// The crates that metadata say were loaded, by their `-Cextra-filename`: Cargo's is a hyphen and 16 hexadecimal digits, and metadata have that of every
/// crate that was loaded, in plain text (`rustc_metadata::rmeta::CrateDep`), directly or through others, proc-macros too.
pub fn loaded(metadata: &[u8]) -> BTreeSet<String> {
    const DIGITS: usize = 16;
    let digits = |at: usize| metadata.get(at + 1..at + 1 + DIGITS);
    let found = memchr_iter(b'-', metadata).filter_map(|at| {
        let hash = digits(at).filter(|digits| digits.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte)))?;
        Some(String::from_utf8_lossy(hash).into_owned())
    });
    found.collect()
}

/// A proc-macro in the reach of a unit of which nothing is known, if there is one. `metadata` are the unit's own, if it has some; what is linked has none, and
/// may use whatever its dependencies lead to.
pub fn unknown(unit: &Unit, metadata: Option<&[u8]>) -> Option<String> {
    let externs: Vec<PathBuf> = unit.line.values(Name::Extern).filter_map(|value| Extern::parse(value).path).collect();
    let loaded = match metadata {
        Some(metadata) => loaded(metadata),
        None => externs.iter().flat_map(|path| loaded_by(path)).collect(),
    };
    let is_direct = |path: &Path| metadata.is_none() && externs.iter().any(|direct| direct == path);
    let mut macros: BTreeSet<PathBuf> = externs.iter().filter(|path| is_shared(path)).cloned().collect();
    let searched = unit.line.values(Name::LibraryPath).map(SearchPath::parse).filter(|search| search.kind.finds_crates());
    for directory in searched.map(|search| search.path) {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        macros.extend(entries.map(|entry| entry.path()).filter(|path| is_shared(path)));
    }
    let mut reached =
        macros.into_iter().filter(|path| is_direct(path) || hash_of(path).is_some_and(|hash| loaded.contains(hash)));
    let unknown = reached.find(|path| !is_known(path))?;
    Some(name_of(&unknown).to_owned())
}

/// What a library was compiled against.
fn loaded_by(path: &Path) -> BTreeSet<String> {
    let rmeta = path.with_extension("rmeta");
    let bytes = if is_shared(path) { Ok(Vec::new()) } else { std::fs::read(rmeta) };
    let bytes = bytes.ok().or_else(|| Some(Rlib::read(path).ok()?.lib_rmeta));
    bytes.as_deref().and_then(raw_metadata).map(loaded).unwrap_or_default()
}

fn is_shared(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "so" || extension == "dylib")
}

/// `libserde_derive-0123456789abcdef.so` has the crate's name and `-Cextra-filename`.
fn hash_of(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()?.rsplit_once('-').map(|(_, hash)| hash)
}

fn name_of(path: &Path) -> &str {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let stem = stem.rsplit_once('-').map_or(stem, |(name, _)| name);
    stem.strip_prefix("lib").unwrap_or(stem)
}

/// Looks at the library once: what was found is kept beside it.
fn is_known(path: &Path) -> bool {
    if KNOWN.iter().any(|(name, _)| *name == name_of(path)) {
        return true;
    }
    let Some(stamp) = Stamp::of(path).map(|stamp| stamp.digest()) else { return false };
    let (yes, no) = (format!("{} known\n", stamp.0), format!("{} unknown\n", stamp.0));
    let mut note = path.with_file_name(HOLLOW_DIRECTORY).join(path.file_name().unwrap_or_default());
    note.set_extension("macro");
    match std::fs::read_to_string(&note) {
        Ok(noted) if noted == yes => return true,
        Ok(noted) if noted == no => return false,
        _ => {}
    }
    let is_known = std::fs::read(path).is_ok_and(|bytes| asks_for_nothing(&bytes));
    // Whoever finds no note looks again.
    drop(crate::rlib::Staged::beside(&note).and_then(|mut staged| {
        std::io::Write::write_all(staged.file(), if is_known { &yes } else { &no }.as_bytes())?;
        staged.publish(&note)
    }));
    is_known
}

/// Whether the symbols of a shared library name none of the sources. One without symbols can't be told.
fn asks_for_nothing(library: &[u8]) -> bool {
    let Ok(file) = object::File::parse(library) else { return false };
    let mut symbols = file.symbols().filter_map(|symbol| symbol.name().ok()).peekable();
    let is_source =
        |name: &str| SOURCES.iter().any(|source| name.contains(source)) && !ALWAYS.iter().any(|known| name.contains(known));
    symbols.peek().is_some() && !symbols.any(is_source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_in_metadata() {
        let metadata = b"rust-0123456789abcdef\xc1-0123456789abcdeg--fedcba98765432100-1";
        let found: Vec<_> = loaded(metadata).into_iter().collect();
        assert_eq!(found, ["0123456789abcdef", "fedcba9876543210"]);
        assert_eq!(name_of(Path::new("d/libserde_derive-0123456789abcdef.so")), "serde_derive");
        assert_eq!(hash_of(Path::new("d/liba-b-01.so")), Some("01"));
    }

    #[test]
    fn what_could_know_more_than_its_input_is_not_known() {
        let directory = tempfile::tempdir().unwrap();
        let is_known = |name: &str, body: &str| {
            let source = format!(
                "extern crate proc_macro;\n#[proc_macro]\npub fn m(input: proc_macro::TokenStream) -> proc_macro::TokenStream {{\n\
                 let text = input.to_string();\n let text: String = {{ {body} }};\n text.parse().unwrap()\n}}"
            );
            std::fs::write(directory.path().join("m.rs"), source).unwrap();
            let mut rustc = std::process::Command::new("rustc");
            rustc.args(["--crate-type=proc-macro", "--edition=2021", "m.rs", "-o", name]).current_dir(directory.path());
            assert!(rustc.status().unwrap().success());
            super::is_known(&directory.path().join(name))
        };
        assert!(is_known("libnone.so", "text.replace('a', \"b\")"));
        assert!(is_known("libtree.so", "format!(\"{:?}\", std::collections::BTreeMap::from([(text, 1)]))"));
        for (number, body) in [
            "std::fs::read_to_string(text).unwrap()",
            "std::env::var(text).unwrap()",
            "format!(\"{:?}\", std::env::vars_os().count())",
            "format!(\"{:?}\", std::collections::HashMap::from([(text, 1)]))",
            "format!(\"{:?}{text}\", std::time::Instant::now())",
            "format!(\"{:?}{text}\", std::time::SystemTime::now())",
            "format!(\"{}{text}\", std::process::id())",
            "format!(\"{:?}\", std::process::Command::new(text).output())",
            "format!(\"{}\", std::path::Path::new(&text).exists())",
            "format!(\"{}\", std::fs::File::open(text).is_ok())",
            "format!(\"{}\", std::net::TcpStream::connect(text).is_ok())",
        ]
        .into_iter()
        .enumerate()
        {
            assert!(!is_known(&format!("libsource{number}.so"), body), "{body}");
        }
        let stripped = directory.path().join("libno.so");
        std::fs::write(&stripped, "no library").unwrap();
        assert!(!super::is_known(&stripped));
        std::fs::write(directory.path().join("libserde_derive-1.so"), "").unwrap();
        assert!(super::is_known(&directory.path().join("libserde_derive-1.so")));
    }
}
