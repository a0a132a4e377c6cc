//! Without its rule, each fixture of `fixtures/rules/` breaks in the way that it says; `tests/it/fixture.rs` explains them.
//!
//! The decisions are made by the rules, changed as if one rule were missing, and written; then rustc compiles the library from that source,
//! the library is sealed, and the program is built and run. A rule whose fixture does not break any more is a rule that may go.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use super::fixture::{self, Breaks, Fixture, Kind, Member, Off};
use super::*;
use crate::interface::{Decisions, Disk, Reason, overlay};
use crate::rlib::Seal;
use crate::rustc::CommandLine;

/// What became of a fixture.
#[derive(Debug)]
enum End {
    NotCompiled { name: String, errors: String },
    Printed(String),
    Hung,
    Crashed,
}

/// The kernel's signal for a process that has used its time.
const SIGXCPU: i32 = 24;

fn rustc(directory: &Path, arguments: &[String]) -> Output {
    // It, too, may come to run an emptied body, in a macro or a constant.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -t 10; exec \"$0\" \"$@\"", "rustc"]).args(arguments);
    command.current_dir(directory).env("RUSTC_BOOTSTRAP", "1").output().unwrap()
}

/// The interface source of `base` without the rule.
fn interface(fixture: &Fixture, directory: &Path, arguments: &[String]) -> Result<PathBuf, String> {
    let line = CommandLine::parse(arguments.iter().map(Into::into));
    let lines = if fixture.drops_lines { Lines::Drop } else { Lines::Keep };
    let options = Options::of(&line, lines, std::collections::HashSet::new());
    let krate = Crate::load(&directory.join("base.rs"), &Disk, None).unwrap();
    let mut decisions = krate.decide(&options);
    match &fixture.off {
        Off::Reason(reason) => empty(&mut decisions, reason)?,
        Off::LeaveOut(name) => leave_out(&krate, &mut decisions, name)?,
        Off::Force => load_nothing(&mut decisions),
        Off::Replace(..) | Off::ForceEverything | Off::Lines | Off::Plain | Off::Nothing => {}
    }
    let mut interface = krate.write(lines, decisions);
    if let Off::Replace(from, to) = &fixture.off {
        if interface.files.is_empty() {
            interface.files.extend(krate.modules().into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())));
        }
        let changed = interface.files.iter_mut().find(|(_, text)| text.contains(from));
        let (_, text) = changed.ok_or_else(|| format!("there is no `{from}` to replace"))?;
        *text = text.replacen(from, to, 1);
    }
    if interface.files.is_empty() {
        return Err("the interface source is the true source".into());
    }
    Ok(overlay::write(&krate, &interface, &directory.join("overlay")).unwrap().root)
}

fn empty(decisions: &mut Decisions, reason: &str) -> Result<(), String> {
    let mut found = false;
    for verdict in decisions.verdicts.iter_mut().flatten().flatten() {
        if verdict.stays.as_ref().is_some_and(|stays| stays.to_string().contains(reason)) {
            verdict.stays = None;
            found = true;
        }
    }
    if found { Ok(()) } else { Err(format!("nothing stays because of: {reason}: {:?}", decisions.verdicts)) }
}

fn load_nothing(decisions: &mut Decisions) {
    for verdict in decisions.verdicts.iter_mut().flatten().flatten() {
        verdict.loads.clear();
        verdict.stays.take_if(|stays| matches!(stays, Reason::Dependency(_)));
    }
}

fn leave_out(krate: &Crate, decisions: &mut Decisions, name: &str) -> Result<(), String> {
    let mut found = false;
    for (source, left_out) in krate.tree.sources.iter().zip(&mut decisions.left_out) {
        let Some(shape) = &source.file.shape else { continue };
        for (function, left_out) in shape.functions.iter().zip(left_out).filter(|(function, _)| function.name == name) {
            if *left_out {
                return Err(format!("`{}` is left out though it must not be", function.name));
            }
            *left_out = true;
            found = true;
        }
    }
    if found { Ok(()) } else { Err(format!("there is no function `{name}`")) }
}

fn build(fixture: &Fixture) -> Result<End, String> {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fixture.write(directory);
    for member in &fixture.crates {
        let mut arguments = fixture.arguments(member);
        if member.name == "base"
            && let Some(errors) = hollow(fixture, directory, &arguments)?
        {
            return Ok(End::NotCompiled { name: member.name.clone(), errors });
        }
        arguments.push("--out-dir=out".into());
        let output = rustc(directory, &arguments);
        if member.kind == Kind::Refused {
            return Ok(End::Printed(if output.status.success() { "accepted\n" } else { "refused\n" }.into()));
        }
        if let Some(SIGXCPU | 9) = output.status.signal() {
            return Ok(End::Hung);
        }
        if !output.status.success() {
            return Ok(End::NotCompiled { name: member.name.clone(), errors: String::from_utf8_lossy(&output.stderr).into() });
        }
        if member.name == "base" {
            let full = directory.join("out/libbase.rlib");
            Seal::read(&directory.join("hollow/libbase.rlib")).unwrap().put_on(&full, &full).unwrap();
        }
        if member.kind == Kind::Program {
            return Ok(run(directory, member));
        }
    }
    Err("there is no program".into())
}

/// Makes the hollow rlib; what rustc says if it can't.
fn hollow(fixture: &Fixture, directory: &Path, arguments: &[String]) -> Result<Option<String>, String> {
    let root = interface(fixture, directory, arguments)?;
    let mut arguments = arguments.to_vec();
    arguments[0] = root.to_str().unwrap().to_owned();
    if fixture.off != Off::Force {
        for argument in &mut arguments {
            if let Some(dependency) = argument.strip_prefix("--extern=") {
                *argument = format!("--extern=force:{dependency}");
            }
        }
    }
    std::fs::create_dir_all(directory.join("hollow")).unwrap();
    let own = ["-Zno-codegen", "-Zunstable-options", "--cap-lints=allow", "--emit=link=hollow/libbase.rlib"];
    arguments.extend(own.map(str::to_owned));
    let output = rustc(directory, &arguments);
    Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Runs a program that may never end: it may use one second of the processor.
fn run(directory: &Path, member: &Member) -> End {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -t 1; exec \"$0\""]).arg(directory.join("out").join(&member.name));
    let output = command.current_dir(directory).env("LD_LIBRARY_PATH", "out").output().unwrap();
    match output.status.signal() {
        Some(SIGXCPU | 9) => End::Hung,
        Some(_) => End::Crashed,
        None => End::Printed(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

#[test]
fn without_its_rule_each_fixture_breaks_as_it_says() {
    fixture::for_each(|fixture| {
        let end = build(fixture)?;
        let is_so = match (&fixture.breaks, &end) {
            (Breaks::Compiling(expected, text), End::NotCompiled { name, errors }) => {
                expected == name && errors.contains(&**text)
            }
            (Breaks::Printing(expected), End::Printed(printed)) => expected == printed && *printed != fixture.prints,
            (Breaks::Nothing, End::Printed(printed)) => *printed == fixture.prints,
            (Breaks::Hanging, End::Hung) | (Breaks::Crashing, End::Crashed) => true,
            _ => false,
        };
        if is_so { Ok(()) } else { Err(format!("it should break like this: {:?}, but: {end:?}", fixture.breaks)) }
    });
}

/// The fixture that shows what a reason is for. That of proc-macro crates has none, because no hollow rlib is made of one; it is for those who
/// only print their interface source.
fn shown_by(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::Const => Some("const_fn"),
        Reason::Async => Some("async_fn"),
        Reason::Generic => Some("generic_function"),
        Reason::ImplTrait => Some("impl_trait_returned"),
        Reason::MacroInSignature => Some("macro_in_signature"),
        Reason::TraitDefault => Some("trait_default"),
        Reason::Attribute(_) => Some("attribute_on_function"),
        Reason::InnerAttribute(_) => Some("inner_attribute"),
        Reason::Variadic => Some("variadic"),
        Reason::CallingConvention => Some("calling_convention"),
        Reason::Qualifier => Some("specialization"),
        Reason::Item(_) => Some("impl_in_body"),
        Reason::AttributeInBody(_) => Some("derive_in_body"),
        Reason::Macro(_) => Some("unknown_macro_in_body"),
        Reason::InMacroCall(_) => Some("macro_around_function"),
        Reason::Feature => Some("type_alias_impl_trait"),
        Reason::ForeignUnwinding => Some("foreign_unwinding"),
        // `forced_dependency_of_a_statement`, with `off: force`.
        Reason::Dependency(_) => None,
        Reason::ProcMacro => None,
    }
}

#[test]
fn every_reason_is_shown_by_a_fixture() {
    let name = String::from;
    let reasons = [
        Reason::Const,
        Reason::Async,
        Reason::Generic,
        Reason::ImplTrait,
        Reason::MacroInSignature,
        Reason::TraitDefault,
        Reason::Attribute(name("counting::counted")),
        Reason::InnerAttribute(name("cfg")),
        Reason::Variadic,
        Reason::CallingConvention,
        Reason::Qualifier,
        Reason::Item("impl"),
        Reason::AttributeInBody(name("derive")),
        Reason::Macro(name("implement")),
        Reason::InMacroCall(name("inlined")),
        Reason::Feature,
        Reason::ForeignUnwinding,
        Reason::Dependency(name("dep")),
        Reason::ProcMacro,
    ];
    let fixtures = fixture::all();
    for (reason, shown_by) in reasons.iter().filter_map(|reason| Some((reason.to_string(), shown_by(reason)?))) {
        let fixture = fixtures.iter().find(|fixture| fixture.name == shown_by).unwrap();
        assert!(matches!(&fixture.off, Off::Reason(text) if reason.contains(&**text)), "{shown_by}: {reason}");
    }
}
