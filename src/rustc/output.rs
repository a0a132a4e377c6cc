//! The names rustc gives to its outputs: `rustc_session::output` and `rustc_session::config::build_output_filenames`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{CrateType, EmitKind, Settings};

/// Where rustc would put the linked output of this crate type.
///
/// A path in `--emit=link=PATH` is taken as it is; so is `-o` unless several kinds are emitted, when rustc keeps only its directory and,
/// for programs, its stem.
pub fn link(settings: &Settings, crate_name: &str, crate_type: &CrateType) -> PathBuf {
    if let Some(Some(path)) = settings.emit(&EmitKind::Link) {
        return path.to_owned();
    }
    let adapted = settings.emits.len() > 1;
    if let Some(output) = settings.output.as_ref().filter(|_| !adapted) {
        return output.clone();
    }
    let target = settings.target.as_deref();
    let (prefix, suffix) = affixes(if settings.test { &CrateType::Bin } else { crate_type }, target);
    let is_program = suffix == executable_suffix(target) && prefix.is_empty();
    if is_program {
        let mut path = directory(settings).join(stem(settings, crate_name));
        path.set_extension(suffix.trim_start_matches('.'));
        return path;
    }
    let mut name = OsString::from(prefix);
    name.push(crate_name);
    name.push(&settings.extra_filename);
    name.push(suffix);
    directory(settings).join(name)
}

/// Where rustc would put the dep-info, if it is asked for.
pub fn dep_info(settings: &Settings, crate_name: &str) -> Option<PathBuf> {
    match settings.emit(&EmitKind::DepInfo)? {
        Some(path) => Some(path.to_owned()),
        None => {
            let mut path = directory(settings).join(stem(settings, crate_name));
            path.set_extension("d");
            Some(path)
        }
    }
}

fn directory(settings: &Settings) -> &Path {
    let beside_output = settings.output.as_deref().and_then(Path::parent);
    beside_output.or(settings.out_dir.as_deref()).unwrap_or(Path::new(""))
}

/// The name without its extension of outputs that are not libraries: `-o`'s, or the crate's.
fn stem(settings: &Settings, crate_name: &str) -> OsString {
    let given = settings.output.as_deref().and_then(Path::file_stem);
    let mut stem = given.unwrap_or(OsStr::new(crate_name)).to_owned();
    stem.push(&settings.extra_filename);
    stem
}

/// What stands before and behind the crate's name. A proc-macro is always built for the host.
fn affixes(crate_type: &CrateType, target: Option<&OsStr>) -> (&'static str, &'static str) {
    let host = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let target_name = target.and_then(OsStr::to_str);
    match (crate_type, target_name) {
        (CrateType::Rlib, _) => ("lib", ".rlib"),
        (CrateType::ProcMacro, _) | (CrateType::Dylib | CrateType::Cdylib, None) => host,
        (CrateType::Dylib | CrateType::Cdylib, Some(target)) if target.contains("windows") => ("", ".dll"),
        (CrateType::Dylib | CrateType::Cdylib, Some(target)) if target.contains("apple") => ("lib", ".dylib"),
        (CrateType::Dylib | CrateType::Cdylib, Some(target)) if target.starts_with("wasm") => ("", ".wasm"),
        (CrateType::Dylib | CrateType::Cdylib, Some(_)) => ("lib", ".so"),
        (CrateType::Staticlib, Some(target)) if target.ends_with("msvc") => ("", ".lib"),
        (CrateType::Staticlib, _) => ("lib", ".a"),
        (CrateType::Bin | CrateType::Other(_), _) => ("", executable_suffix(target)),
    }
}

fn executable_suffix(target: Option<&OsStr>) -> &'static str {
    match target.and_then(OsStr::to_str) {
        None => std::env::consts::EXE_SUFFIX,
        Some(target) if target.contains("windows") => ".exe",
        Some(target) if target.ends_with("uefi") => ".efi",
        Some(target) if target.ends_with("emscripten") => ".js",
        Some(target) if target.starts_with("wasm") => ".wasm",
        Some(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustc::CommandLine;

    fn names(tokens: &[&str]) -> (String, Option<String>) {
        let settings = Settings::of(&CommandLine::parse(tokens.iter().map(OsString::from)));
        let crate_type = settings.crate_types.first().cloned().unwrap_or(CrateType::Bin);
        let show = |path: PathBuf| path.display().to_string();
        (show(link(&settings, "my", &crate_type)), dep_info(&settings, "my").map(show))
    }

    #[test]
    fn names_for_other_targets() {
        let on = |crate_type: &str, target: &str| names(&["--crate-type", crate_type, "--target", target]).0;
        assert_eq!(on("bin", "x86_64-pc-windows-msvc"), "my.exe");
        assert_eq!(on("cdylib", "x86_64-pc-windows-gnu"), "my.dll");
        assert_eq!(on("staticlib", "x86_64-pc-windows-msvc"), "my.lib");
        assert_eq!(on("staticlib", "x86_64-pc-windows-gnu"), "libmy.a");
        assert_eq!(on("dylib", "aarch64-apple-darwin"), "libmy.dylib");
        assert_eq!(on("cdylib", "wasm32-unknown-unknown"), "my.wasm");
        assert_eq!(on("bin", "wasm32-wasip1"), "my.wasm");
        assert_eq!(on("rlib", "x86_64-pc-windows-msvc"), "libmy.rlib");
        assert_eq!(on("proc-macro", "x86_64-pc-windows-msvc"), names(&["--crate-type", "proc-macro"]).0);
    }
}
