//! Interface extraction in MB/s, against merely parsing the same files with syn, in one run.
//!
//! `cargo bench --bench interface [-- CRATE_ROOT...]`; without roots, some libraries that this project depends on. Each row is the
//! best of several runs of each contestant, one after the other, over texts that are in memory.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hollow::interface::{Crate, Disk, Files, Lines, Options};

const RUNS: usize = 5;

/// The libraries that are measured by default.
const LIBRARIES: &[&str] = &["clap_builder", "memchr", "object", "regex-syntax", "serde_json", "syn"];

struct Memory(HashMap<PathBuf, String>);

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn main() -> Result<()> {
    let mut roots: Vec<PathBuf> =
        std::env::args_os().skip(1).filter(|argument| !argument.to_string_lossy().starts_with("--")).map(PathBuf::from).collect();
    if roots.is_empty() {
        roots = dependencies()?;
    }
    println!(
        "{:<28} {:>8} {:>10} {:>10} {:>10} {:>7} {:>7}",
        "crate", "KB", "syn MB/s", "keep MB/s", "drop MB/s", "keep", "drop"
    );
    let mut sum = [Duration::ZERO; 3];
    let mut bytes = 0;
    for root in roots {
        let Ok(krate) = Crate::load(&root, &Disk, None) else { continue };
        let files: HashMap<PathBuf, String> =
            krate.modules().into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        drop(krate);
        let size: usize = files.values().map(String::len).sum();
        if size < 20_000 {
            continue;
        }
        let files = Memory(files);
        let parse = best(|| {
            for text in files.0.values() {
                // What cannot be parsed costs as much as it does in the other contestants.
                let _ = syn::parse_file(text);
                proc_macro2::extra::invalidate_current_thread_spans();
            }
        });
        let extract = |lines| {
            best(|| {
                let options = Options { lines, ..Options::default() };
                let _ = Crate::load(&root, &files, None).map(|krate| krate.interface(&options));
            })
        };
        let times = [parse, extract(Lines::Keep), extract(Lines::Drop)];
        let name = root.ancestors().nth(2).and_then(Path::file_name).unwrap_or(root.as_os_str());
        print(&name.to_string_lossy(), size, times);
        bytes += size;
        sum.iter_mut().zip(times).for_each(|(sum, time)| *sum += time);
    }
    print("all", bytes, sum);
    Ok(())
}

fn print(name: &str, size: usize, times: [Duration; 3]) {
    let [parse, keep, drop] = times.map(|time| time.as_secs_f64().max(1e-9));
    let rate = |time: f64| size as f64 / 1e6 / time;
    let kilobytes = size / 1000;
    println!(
        "{name:<28} {kilobytes:>8} {:>10.1} {:>10.1} {:>10.1} {:>6.2}x {:>6.2}x",
        rate(parse),
        rate(keep),
        rate(drop),
        keep / parse,
        drop / parse
    );
}

fn best(mut run: impl FnMut()) -> Duration {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

fn dependencies() -> Result<Vec<PathBuf>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let arguments = ["metadata", "--offline", "--format-version=1", "--filter-platform=host-tuple", "--manifest-path", manifest];
    let output = Command::new("cargo").args(arguments).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let some = packages.iter().filter(|package| LIBRARIES.iter().any(|name| package["name"] == *name));
    let targets = some.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let libraries = targets.filter(|target| target["kind"][0] == "lib");
    let mut roots: Vec<PathBuf> = libraries.filter_map(|target| target["src_path"].as_str().map(PathBuf::from)).collect();
    roots.sort();
    Ok(roots)
}
