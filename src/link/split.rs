//! What can't be split. It has to be known before rustc runs: compiled against hollow rlibs, most of this gives no error and a broken
//! program.

use std::ffi::{OsStr, OsString};

use crate::rustc::{Codegen, CommandLine, CrateType, Name, Settings, codegen, unstable};

/// Targets for which rustc's linker is `cc` unless `-Clinker` says otherwise, and does nothing after the linker but what
/// [`obstacle`] knows (`rustc_target::spec`).
const TARGETS: [&str; 18] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-gnu",
    "aarch64-unknown-linux-musl",
    "arm-unknown-linux-gnueabihf",
    "armv7-unknown-linux-gnueabihf",
    "i586-unknown-linux-gnu",
    "i686-unknown-linux-gnu",
    "i686-unknown-linux-musl",
    "loongarch64-unknown-linux-gnu",
    "powerpc64-unknown-linux-gnu",
    "powerpc64le-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "x86_64-unknown-freebsd",
    "x86_64-unknown-linux-gnu",
    "x86_64-unknown-linux-gnux32",
    "x86_64-unknown-linux-musl",
];

/// The linker of those targets.
const LINKER: &str = "cc";

/// The linker that rustc would start: the last `-Clinker`, or the target's.
pub fn linker(line: &CommandLine) -> OsString {
    codegen(line, "linker").map_or(LINKER.into(), OsStr::to_owned)
}

/// Why compilation and link must stay one action, if they must.
pub fn obstacle(line: &CommandLine, settings: &Settings, crate_type: &CrateType) -> Option<String> {
    let is = |name: &str, off: &[&str]| codegen(line, name).filter(|value| !off.iter().any(|off| value == off));
    let shown = |name: &str, value: &OsStr| {
        let value = value.to_string_lossy();
        if value.is_empty() { format!("-C{name}") } else { format!("-C{name}={value}") }
    };
    match crate_type {
        CrateType::Bin | CrateType::Cdylib | CrateType::Dylib | CrateType::ProcMacro => {}
        CrateType::Staticlib => return Some("no linker makes a staticlib: rustc copies the dependencies' code into it".into()),
        other => return Some(format!("nobody has looked at how a {other} is linked")),
    }
    let target = settings.target.as_deref().map(OsStr::to_string_lossy);
    match &target {
        Some(target) if !TARGETS.contains(&&**target) => {
            return Some(format!("hollow does not know how rustc links for the target {target}"));
        }
        None if !cfg!(any(target_os = "linux", target_os = "macos", target_os = "freebsd")) => {
            return Some("hollow does not know how rustc links on this system".into());
        }
        _ => {}
    }
    if let Some(value) = is("lto", &["off", "no", "n", "false"]) {
        return Some(format!("{} compiles the dependencies' code together with the program's", shown("lto", value)));
    }
    if let Some(value) = is("split-debuginfo", &["off", "unpacked"]) {
        return Some(format!("{}: a tool gathers the debug information after the linker", shown("split-debuginfo", value)));
    }
    if target.map_or(cfg!(target_vendor = "apple"), |target| target.contains("apple")) {
        if let Some(value) = is("strip", &["none"]) {
            return Some(format!("{}: a tool does that after the linker", shown("strip", value)));
        }
        if has_debug_info(line) {
            return Some("debug information on macOS stays in the objects, or is gathered by a tool after the linker".into());
        }
    }
    if codegen(line, "save-temps").is_some() {
        return Some("-Csave-temps keeps what the linker gets".into());
    }
    if let Some(print) = line.values(Name::Print).next() {
        return Some(format!("--print={} is answered by rustc", print.to_string_lossy()));
    }
    for name in ["no-link", "link-only", "codegen-backend", "dylib-lto"] {
        if unstable(line, name).is_some() {
            return Some(format!("-Z{name} changes how rustc links"));
        }
    }
    // The lint is about what the linker says, and its level is known to rustc only.
    let levels = [Name::Warn, Name::ForceWarn, Name::Deny, Name::Forbid];
    let mut lints = levels.into_iter().flat_map(|level| line.values(level));
    if lints.any(|lints| lints.to_string_lossy().replace('-', "_").split(',').any(|lint| lint == "linker_messages")) {
        return Some("the lint linker_messages reports what the linker says".into());
    }
    None
}

fn has_debug_info(line: &CommandLine) -> bool {
    let mut debug_info = false;
    for option in line.options() {
        let codegen = Codegen::parse(option.value());
        match option.name() {
            Name::DebugInfo => debug_info = true,
            Name::Codegen if codegen.name == "debuginfo" => {
                debug_info = codegen.value.is_none_or(|level| level != "0" && level != "none");
            }
            _ => {}
        }
    }
    debug_info
}
