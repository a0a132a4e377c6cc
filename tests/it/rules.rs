//! Programs whose libraries have bodies that must stay: each fixture of `fixtures/rules/`, which `fixture.rs` explains, by plain rustc and
//! through the actions. That each breaks without its rule is shown where the rules are, in `src/interface/tests/broken.rs`.

use crate::fixture::{self, Fixture, Kind, Member, Off};
use crate::support::{Ran, Scratch, run};

/// What plain rustc says about each crate, and how the program ends.
#[derive(Debug, Default)]
struct Plain {
    said: Vec<String>,
    ended: Option<Ran>,
}

fn plain(fixture: &Fixture) -> Result<Plain, String> {
    let scratch = Scratch::new();
    fixture.write(scratch.root());
    let mut plain = Plain::default();
    for member in &fixture.crates {
        let mut rustc = scratch.command("rustc");
        let ran = run(rustc.env("RUSTC_BOOTSTRAP", "1").arg("--out-dir=out").args(fixture.arguments(member)));
        match (member.kind, ran.code) {
            (Kind::Refused, Some(0)) => return Err(format!("plain rustc accepts `{}`", member.name)),
            (Kind::Refused, _) | (_, Some(0)) => plain.said.push(ran.stderr),
            _ => return Err(format!("plain rustc refuses `{}`: {}", member.name, ran.stderr)),
        }
        if member.kind == Kind::Program {
            let ended = program(&scratch, member);
            if ended.stdout != fixture.prints {
                return Err(format!("by plain rustc: {ended:?}"));
            }
            plain.ended = Some(ended);
        }
    }
    Ok(plain)
}

fn program(scratch: &Scratch, member: &Member) -> Ran {
    run(scratch.command(scratch.path("out").join(&member.name)).env("LD_LIBRARY_PATH", "out"))
}

fn build(fixture: &Fixture, lines: &str, plain: &Plain) -> Result<(), String> {
    let scratch = Scratch::new();
    fixture.write(scratch.root());
    let hollow = |action: &[&str], arguments: &[String]| {
        let mut line: Vec<&str> = action.to_vec();
        line.extend(["--", "rustc", "--out-dir=out"]);
        line.extend(arguments.iter().map(String::as_str));
        let ran = scratch.hollow(&line);
        if ran.code == Some(0) { Ok(ran.stderr) } else { Err(format!("{lines}: {action:?}: {}", ran.stderr)) }
    };
    for (member, plainly_said) in fixture.crates.iter().zip(&plain.said) {
        let arguments = fixture.arguments(member);
        let mut link = vec!["link".to_owned()];
        if matches!(member.kind, Kind::Library | Kind::HiddenLibrary) {
            let explained = hollow(&["metadata", "--explain", &format!("--interface={lines}")], &arguments)?;
            let is_plain = explained.contains("plain hollow rlib");
            if member.name == "base" && is_plain != (fixture.off == Off::Plain) {
                return Err(format!("{lines}: by interface or not: {explained}"));
            }
            if lines == "drop" && fixture.off == Off::Lines && member.name == "base" && !explained.contains("lines are kept") {
                return Err(format!("lines are not kept: {explained}"));
            }
            if let (Off::Reason(reason), "base") = (&fixture.off, &*member.name)
                && !explained.contains(&**reason)
            {
                return Err(format!("{lines}: nothing stays for this reason: {explained}"));
            }
            link.push(format!("--seal-with=out/_hollow/lib{}_meta.rlib", member.name));
        }
        let linked = hollow(&link.iter().map(String::as_str).collect::<Vec<_>>(), &arguments);
        if member.kind == Kind::Refused {
            return if linked.is_ok() { Err(format!("{lines}: rustc accepts the program")) } else { Ok(()) };
        }
        let said = linked?;
        if said != *plainly_said {
            return Err(format!("{lines}: `{}`: rustc said:\n{said}\nnot:\n{plainly_said}", member.name));
        }
        if let (Kind::Program, Some(plain)) = (member.kind, &plain.ended) {
            let ended = program(&scratch, member);
            if (&ended.stdout, ended.code, ended.signal) != (&plain.stdout, plain.code, plain.signal) {
                return Err(format!("{lines}: {ended:?}, not {plain:?}"));
            }
        }
    }
    Ok(())
}

#[test]
fn every_rule_gives_right_programs() {
    fixture::for_each(|fixture| {
        let plain = plain(fixture)?;
        build(fixture, "keep", &plain)?;
        build(fixture, "drop", &plain)
    });
}
