//! Programs whose libraries have bodies that must stay: each fixture of `fixtures/rules/`, which `fixture.rs` explains. That each breaks
//! without its rule is shown where the rules are, in `src/interface/tests/broken.rs`.

use crate::fixture::{self, Fixture, Kind, Off};
use crate::support::{Scratch, run};

fn build(fixture: &Fixture, lines: &str) -> Result<(), String> {
    let scratch = Scratch::new();
    fixture.write(scratch.root());
    let hollow = |action: &[&str], arguments: &[String]| {
        let mut line: Vec<&str> = action.to_vec();
        line.extend(["--", "rustc", "--out-dir=out"]);
        line.extend(arguments.iter().map(String::as_str));
        let ran = scratch.hollow(&line);
        if ran.code == Some(0) { Ok(ran.stderr) } else { Err(format!("{lines}: {action:?}: {}", ran.stderr)) }
    };
    for member in &fixture.crates {
        let arguments = fixture.arguments(member);
        if matches!(member.kind, Kind::Library | Kind::HiddenLibrary) {
            let explained = hollow(&["metadata", "--explain", &format!("--interface={lines}")], &arguments)?;
            let is_plain = explained.contains("plain hollow rlib");
            if member.name == "base" && is_plain != (fixture.off == Off::Plain) {
                return Err(format!("{lines}: by interface or not: {explained}"));
            }
            if let (Off::Reason(reason), "base") = (&fixture.off, &*member.name)
                && !explained.contains(&**reason)
            {
                return Err(format!("{lines}: nothing stays for this reason: {explained}"));
            }
            hollow(&["link", &format!("--seal-with=out/_hollow/lib{}_meta.rlib", member.name)], &arguments)?;
        } else if member.kind == Kind::Refused {
            let accepted = hollow(&["link"], &arguments).is_ok();
            return if accepted { Err(format!("{lines}: rustc accepts the program")) } else { Ok(()) };
        } else {
            hollow(&["link"], &arguments)?;
        }
        if member.kind == Kind::Program {
            let printed = run(scratch.command(scratch.path("out").join(&member.name)).env("LD_LIBRARY_PATH", "out"));
            if printed.stdout != fixture.prints {
                return Err(format!("{lines}: {printed:?}"));
            }
        }
    }
    Ok(())
}

#[test]
fn with_lines_kept_every_rule_gives_right_programs() {
    fixture::for_each(|fixture| build(fixture, "keep"));
}

#[test]
fn with_lines_dropped_every_rule_gives_right_programs() {
    fixture::for_each(|fixture| build(fixture, "drop"));
}
