//! What the library of a proc-macro could use, as its undefined symbols tell.
//!
//! std is linked into it, but what nothing calls is left out, so a symbol of libc is there because some code of the library can get to it. That it does
//! is not said. What every such library has (`getenv`, `open`, `read`, for backtraces) tells nothing; files and variables are therefore
//! looked for by the names of std's functions, where the library has not been stripped of them.

use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol};

/// What it is, symbols of libc, and parts of names of std's functions.
type Use = (&'static str, &'static [&'static str], &'static [&'static str]);

const USES: [Use; 7] = [
    ("clock", &["clock_gettime", "gettimeofday", "time"], &[]),
    ("environment", &["environ"], &["3env3var", "3env4_var", "3env4vars"]),
    ("files", &["opendir", "readdir64", "readdir"], &["2fs4read", "2fs14read_to_string", "2fs8read_dir"]),
    ("network", &["socket", "connect", "getaddrinfo"], &[]),
    ("process id", &["getpid"], &[]),
    ("processes", &["execvp", "posix_spawnp"], &[]),
    ("randomness", &["getrandom"], &[]),
];

/// What a proc-macro's library could use, sorted.
pub fn could_use(library: &Path) -> Result<Vec<&'static str>> {
    let bytes = fs_err::read(library)?;
    let file = object::File::parse(&*bytes).with_context(|| format!("cannot read `{}`", library.display()))?;
    let undefined: Vec<&str> =
        file.dynamic_symbols().filter(|symbol| symbol.is_undefined()).filter_map(|symbol| symbol.name().ok()).collect();
    let defined: Vec<&str> =
        file.symbols().filter(|symbol| symbol.is_definition()).filter_map(|symbol| symbol.name().ok()).collect();
    let used = |(_, libc, std): &&Use| {
        undefined.iter().any(|name| libc.contains(name)) || std.iter().any(|part| defined.iter().any(|name| name.contains(part)))
    };
    Ok(USES.iter().filter(used).map(|(what, ..)| *what).collect())
}
