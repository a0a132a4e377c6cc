//! Real crates through the two actions: the small part of `fixtures/corpus`. `fixtures/corpus/run.sh` without arguments builds all of it.

use crate::support::{HOLLOW, Scratch, missing, repository, run};

#[test]
fn real_crates_are_made_by_interface_and_the_program_prints_the_same() {
    let manifest = repository().join("fixtures/corpus/Cargo.toml");
    let scratch = Scratch::new();
    let fetched = run(scratch.command("cargo").args(["fetch", "--locked", "--manifest-path"]).arg(&manifest));
    if fetched.code != Some(0) {
        return missing(&format!("cargo can't get the crates of fixtures/corpus:\n{}", fetched.stderr));
    }
    let script = repository().join("fixtures/corpus/run.sh");
    let ran = run(scratch.command("sh").arg(script).arg("small").env("HOLLOW", HOLLOW).env("OUT", scratch.path("out"))).ok();
    for lines in ["keep", "drop"] {
        let count = ran.stdout.lines().find_map(|line| line.strip_prefix(&format!("{lines}: "))).unwrap();
        let by_interface: u32 = count.split(' ').next().unwrap().parse().unwrap();
        assert!(by_interface > 20, "{}", ran.stdout);
        assert!(count.ends_with(" libraries by interface, 0 plain"), "{}", ran.stdout);
    }
}
