//! `fixtures/pipeline/build.sh`: seven crates, built with hollow alone.

use std::fs;
use std::path::Path;

use hollow::rlib::{Kind, Rlib};

use crate::support::{HOLLOW, Ran, Scratch, repository, run};

const LIBRARIES: [&str; 5] = ["names", "shapes", "area", "scale", "scene"];
const PRINTED: &str = "a wide rectangle and a unit square, doubled: 22\n";

fn build(scratch: &Scratch, out: &str) -> Ran {
    let script = repository().join("fixtures/pipeline/build.sh");
    run(scratch.command("sh").arg(script).env("HOLLOW", HOLLOW).env("OUT", out))
}

fn rlib(scratch: &Scratch, path: &str) -> Rlib {
    Rlib::read(&scratch.path(path)).unwrap()
}

#[test]
fn the_script_builds_a_program_that_runs() {
    let scratch = Scratch::new();
    assert_eq!(build(&scratch, "out").ok().stdout, PRINTED);
    // Again, over the old outputs.
    assert_eq!(build(&scratch, "out").ok().stdout, PRINTED);
}

#[test]
fn both_passes_of_every_library_have_the_same_metadata() {
    let scratch = Scratch::new();
    build(&scratch, "out").ok();
    for name in LIBRARIES {
        let hollow = rlib(&scratch, &format!("out/_hollow/lib{name}_meta.rlib"));
        let full = rlib(&scratch, &format!("out/lib{name}.rlib"));
        assert_eq!((hollow.kind, full.kind), (Kind::Hollow, Kind::Full), "{name}");
        assert!(hollow.lib_rmeta == full.lib_rmeta, "{name}");
    }
}

#[test]
fn no_compile_of_a_library_reads_a_full_rlib() {
    let scratch = Scratch::new();
    build(&scratch, "out").ok();
    let libraries = LIBRARIES.map(|name| format!("out/lib{name}.rlib"));
    let before = libraries.clone().map(|library| scratch.read(library));
    let script = repository().join("fixtures/pipeline");
    let compile = |action: &str, name: &str, externs: &[&str]| {
        let source = script.join(format!("{name}.rs"));
        let externs: Vec<String> = externs.iter().map(|name| format!("--extern={name}=out/lib{name}.rlib")).collect();
        let macros = if name == "shapes" {
            format!("--extern=describe=out/libdescribe{}", std::env::consts::DLL_SUFFIX)
        } else {
            String::new()
        };
        let line = format!("--crate-type=lib --out-dir=out {} -Ldependency=out {macros} {}", source.display(), externs.join(" "));
        scratch.action(action, &line).ok();
    };
    for action in ["metadata", "link"] {
        for (name, externs) in
            [("names", &[][..]), ("shapes", &[]), ("area", &["shapes"]), ("scale", &["shapes"]), ("scene", &["area", "scale"])]
        {
            // A file that is no rlib at all: whoever opens it fails.
            for library in &libraries {
                fs::write(scratch.path(library), "not an rlib").unwrap();
            }
            compile(action, name, externs);
        }
    }
    for ((name, externs), (library, before)) in
        [("names", &[][..]), ("shapes", &[]), ("area", &["shapes"]), ("scale", &["shapes"]), ("scene", &["area", "scale"])]
            .into_iter()
            .zip(libraries.iter().zip(before))
    {
        compile("link", name, externs);
        assert!(scratch.read(library) == before, "{name} has changed");
    }
}

#[test]
fn rlibs_do_not_depend_on_the_directory_with_remap_cwd() {
    let scratch = Scratch::new();
    for directory in ["one", "a/longer/two"] {
        let place = scratch.path(directory);
        fs::create_dir_all(&place).unwrap();
        for entry in fs::read_dir(repository().join("fixtures/pipeline")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), place.join(entry.file_name())).unwrap();
        }
        // The script's own hollow, with one more option on every action.
        let wrapper = scratch.write(
            &format!("{directory}/hollow"),
            format!("#!/bin/sh\naction=$1; shift\nexec {HOLLOW} $action --remap-cwd . \"$@\"\n"),
        );
        fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = scratch.command("sh");
        command.current_dir(&place).env("PWD", &place).arg("build.sh").env("HOLLOW", "./hollow").env("OUT", "out");
        assert_eq!(run(&mut command).ok().stdout, PRINTED);
    }
    for name in LIBRARIES {
        for path in [format!("out/lib{name}.rlib"), format!("out/_hollow/lib{name}_meta.rlib")] {
            let at = |directory: &str| scratch.read(Path::new(directory).join(&path));
            assert!(at("one") == at("a/longer/two"), "{path} depends on the directory");
        }
    }
}

#[test]
fn a_macro_is_published_where_hollow_rlibs_are() {
    let scratch = Scratch::new();
    build(&scratch, "out").ok();
    let library = format!("libdescribe{}", std::env::consts::DLL_SUFFIX);
    assert!(scratch.read(format!("out/{library}")) == scratch.read(format!("out/_hollow/{library}")));
    assert!(!scratch.list("out").iter().any(|name| name.contains(".hollow-")), "no staging directory is left");
}
