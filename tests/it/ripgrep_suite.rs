//! ripgrep's own tests, with every library of its graph made by interface.

use crate::recorded::vendored_cargo;
use crate::ripgrep::recording;
use crate::support::{HOLLOW, Scratch, repository, run};

#[test]
fn ripgreps_own_tests_pass_with_libraries_made_by_the_two_actions() {
    let Some(recording) = recording() else { return };
    let scratch = Scratch::new();
    let source = scratch.path("source");
    recording.copy_source(&source);
    let mut cargo = vendored_cargo(&source, "test");
    let wrapper = repository().join("fixtures/corpus/two_actions.sh");
    let ran = run(cargo.env("RUSTC_WRAPPER", wrapper).env("HOLLOW", HOLLOW).env("LINES", "drop")).ok();
    let wrong = |line: &&str| line.starts_with("hollow: ") && !line.ends_with(": hollow rlib by interface");
    assert_eq!(ran.stderr.lines().filter(wrong).collect::<Vec<_>>(), [] as [&str; 0]);
    assert!(ran.stderr.matches(": hollow rlib by interface\n").count() > 25, "{}", ran.stderr);
    // The program's unit tests, and the integration tests, of which there are hundreds.
    let passed =
        ran.stdout.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<u32>().ok());
    assert!(passed.sum::<u32>() > 300, "{}", ran.stdout);
}
