//! `--one-rustc`: by itself, and in `hollow worker`, where one process serves both actions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::Scratch;
use crate::worker::{all_gone, wait_until};
use crate::worker_driver::Driver;

const SOURCE: &str =
    "pub fn show<T: std::fmt::Debug>(t: T) -> String { format!(\"{t:?}\") }\n#[inline] pub fn a() -> u32 { let unused = 7; 7 }";
const OPTIONS: &str = "--edition=2021 --crate-type=lib --emit=dep-info,link --out-dir=out a.rs";
const OUTPUTS: [&str; 6] = [
    "out/_hollow/liba_meta.rlib",
    "out/_hollow/a.d",
    "out/_hollow/diagnostics.jsonl",
    "out/liba.rlib",
    "out/a.d",
    "out/diagnostics.jsonl",
];

fn library() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.rs", SOURCE);
    scratch.write("main.rs", "fn main() { println!(\"{} {}\", a::a(), a::show(Some(1))); }");
    scratch
}

fn metadata(rustc: &str) -> String {
    format!("metadata --one-rustc --remap-cwd=. --diagnostics=out/_hollow/diagnostics.jsonl -- {rustc} {OPTIONS}")
}

fn link(rustc: &str) -> String {
    let seal = "--verify-against=out/_hollow/liba_meta.rlib";
    format!("link --one-rustc {seal} --remap-cwd=. --diagnostics=out/diagnostics.jsonl -- {rustc} {OPTIONS}")
}

/// The same without the hollow rlib, so that it may come first.
fn link_alone(rustc: &str) -> String {
    format!("link --one-rustc --remap-cwd=. --diagnostics=out/diagnostics.jsonl -- {rustc} {OPTIONS}")
}

fn by_itself(scratch: &Scratch, action: &str) -> crate::support::Ran {
    scratch.hollow(&action.split_whitespace().collect::<Vec<_>>())
}

fn outputs(scratch: &Scratch) -> Vec<Vec<u8>> {
    OUTPUTS.iter().map(|output| scratch.read(output)).collect()
}

/// What both actions make when each is run by itself; then it is removed.
fn expected(scratch: &Scratch) -> Vec<Vec<u8>> {
    by_itself(scratch, &metadata("rustc")).ok();
    by_itself(scratch, &link("rustc")).ok();
    let expected = outputs(scratch);
    fs::remove_dir_all(scratch.path("out")).unwrap();
    expected
}

/// A rustc that is counted.
fn rustc(scratch: &Scratch, text: &str) -> String {
    let text = text.replace('%', scratch.root().to_str().unwrap());
    let path = scratch.write("rustc", format!("#!/bin/sh\necho $$ >> {}/started\n{text}\n", scratch.root().display()));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

const PLAIN: &str = "exec rustc \"$@\"";

/// Announces its `.rmeta`, and goes on only when there is a file `go`.
const IN_TWO_STEPS: &str = "rustc \"$@\" 2> %/said || { cat %/said >&2; exit 1; }\n\
    grep '\"emit\":\"metadata\"' %/said >&2\nwhile [ ! -e %/go ]; do sleep 0.01; done\ngrep -v '\"emit\":\"metadata\"' %/said >&2";

/// The process numbers of all rustcs so far.
fn started(scratch: &Scratch) -> Vec<i32> {
    let text = fs::read_to_string(scratch.path("started")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Waits until the worker has thought about all requests. It does so in their order.
fn all_are_known(driver: &mut Driver) {
    driver.request(99, "link --one-rustc -- /gone/rustc");
    assert_eq!(driver.answer().id, 99);
}

const INPUTS: [&str; 1] = ["a.rs"];

fn send(driver: &mut Driver, scratch: &Scratch, id: i64, action: &str) {
    driver.request_with(id, action, scratch.root(), &INPUTS);
}

#[test]
fn the_two_actions_agree_and_dependents_link() {
    let scratch = library();
    let made = by_itself(&scratch, &metadata("rustc")).ok();
    assert_eq!(made.stderr, "", "warnings are the link action's");
    let linked = by_itself(&scratch, &link("rustc")).ok();
    assert!(linked.stderr.starts_with("warning: unused variable: `unused`\n"), "{}", linked.stderr);
    assert!(!linked.stderr.contains("artifact"), "{}", linked.stderr);
    let diagnostics = String::from_utf8(scratch.read("out/diagnostics.jsonl")).unwrap();
    assert!(diagnostics.contains("unused_variables") && !diagnostics.contains("artifact"), "{diagnostics}");
    assert_eq!(scratch.read("out/_hollow/diagnostics.jsonl"), b"");
    let dep_info = String::from_utf8(scratch.read("out/_hollow/a.d")).unwrap();
    assert!(dep_info.starts_with("out/_hollow/a.d: a.rs\n") && !dep_info.contains("hollow-"), "{dep_info}");
    let kind = by_itself(&scratch, "inspect out/liba.rlib out/_hollow/liba_meta.rlib").ok().stdout;
    assert!(kind.contains("hollow") && kind.contains("full"), "{kind}");
    assert_eq!(fs::metadata(scratch.path("out/_hollow/liba_meta.rlib")).unwrap().permissions().mode() & 0o777, 0o644);

    // Dependents are compiled against either of them.
    scratch.write("b.rs", "pub fn b() -> String { a::show(a::a()) }");
    let b = "--edition=2021 --crate-type=lib --out-dir=out b.rs --extern=a=out/liba.rlib -Ldependency=out";
    by_itself(&scratch, &format!("link --one-rustc -- rustc {b}")).ok();
    scratch.write("user.rs", "fn main() { println!(\"{} {}\", a::a(), b::b()); }");
    let user = "user.rs --edition=2021 --extern=a=out/liba.rlib --extern=b=out/libb.rlib -Ldependency=out";
    by_itself(&scratch, &format!("link --one-rustc -- rustc {user}")).ok();
    assert_eq!(crate::support::run(&mut scratch.command(scratch.path("user"))).ok().stdout, "7 7\n");
}

#[test]
fn one_action_with_it_and_one_without_do_not_agree() {
    let scratch = library();
    by_itself(&scratch, &metadata("rustc")).ok();
    let said =
        by_itself(&scratch, &link("rustc").replace("--one-rustc ", "").replace("--diagnostics=out/diagnostics.jsonl ", ""));
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("the two passes over crate `a` gave different metadata"), "{}", said.stderr);
}

#[test]
fn what_it_would_lose_is_refused() {
    let scratch = library();
    let refused = |more: &str| by_itself(&scratch, &format!("{} {more}", link_alone("rustc"))).stopped(2);
    assert!(refused("-Csave-temps").contains("`-Csave-temps`"));
    assert!(refused("--emit=dep-info=-").contains("standard output"));
    assert!(!scratch.exists("out"));
}

#[test]
fn a_failure_leaves_what_was_there_and_is_told_in_full() {
    let scratch = library();
    expected(&scratch);
    by_itself(&scratch, &metadata("rustc")).ok();
    let old = scratch.read("out/_hollow/liba_meta.rlib");
    scratch.write("a.rs", "pub fn a() -> u32 { \"\" }");
    let failed = by_itself(&scratch, &metadata("rustc"));
    assert!(failed.code == Some(1) && failed.stderr.contains("error[E0308]"), "{failed:?}");
    assert!(String::from_utf8(scratch.read("out/_hollow/diagnostics.jsonl")).unwrap().contains("E0308"));
    assert!(scratch.read("out/_hollow/liba_meta.rlib") == old);
}

#[test]
fn one_process_serves_both_whichever_comes_first() {
    let scratch = library();
    let expected = expected(&scratch);
    let rustc = rustc(&scratch, PLAIN);
    let orders: [[String; 2]; 2] = [[metadata(&rustc), link(&rustc)], [link_alone(&rustc), metadata(&rustc)]];
    for (round, actions) in orders.iter().enumerate() {
        for at_once in [false, true] {
            // The link action that verifies needs the hollow rlib before it is asked for.
            if at_once && round == 0 {
                continue;
            }
            let mut driver = Driver::start(&scratch, &["--jobs=1"]);
            send(&mut driver, &scratch, 1, &actions[0]);
            let mut answers = Vec::new();
            if !at_once {
                answers.push(driver.answer());
            }
            send(&mut driver, &scratch, 2, &actions[1]);
            answers.extend(driver.answers(2 - answers.len()));
            assert!(answers.iter().all(|answer| answer.code == 0 && !answer.cancelled), "{answers:?}");
            let [warnings, none] = if round == 0 { [1, 0] } else { [0, 1] };
            let said = |id: usize| answers.iter().find(|answer| answer.id == id as i64 + 1).unwrap().output.as_str();
            assert!(said(warnings).starts_with("warning: unused variable") && said(none).is_empty(), "{answers:?}");
            assert_eq!(started(&scratch).len(), 1, "{round} {at_once}");
            assert!(outputs(&scratch) == expected, "{round} {at_once}");
            assert_eq!(driver.finish(), (Some(0), String::new()));
            fs::remove_file(scratch.path("started")).unwrap();
            fs::remove_dir_all(scratch.path("out")).unwrap();
        }
    }
}

#[test]
fn the_metadata_request_is_answered_while_rustc_still_works() {
    let scratch = library();
    let expected = expected(&scratch);
    let rustc = rustc(&scratch, IN_TWO_STEPS);
    let mut driver = Driver::start(&scratch, &["--jobs=1"]);
    send(&mut driver, &scratch, 1, &metadata(&rustc));
    driver.succeeds(1);
    assert!(scratch.read(OUTPUTS[0]) == expected[0] && !scratch.exists("out/liba.rlib"));
    send(&mut driver, &scratch, 2, &link(&rustc));
    // It is asked for again, and needs no rustc.
    send(&mut driver, &scratch, 3, &metadata(&rustc));
    driver.succeeds(3);
    scratch.write("go", "");
    driver.succeeds(2);
    assert!(outputs(&scratch) == expected);
    assert_eq!(started(&scratch).len(), 1);
}

#[test]
fn what_does_not_fit_is_compiled_by_itself() {
    let scratch = library();
    let rustc = rustc(&scratch, IN_TWO_STEPS);
    let mut driver = Driver::start(&scratch, &["--jobs=4"]);
    send(&mut driver, &scratch, 1, &metadata(&rustc));
    driver.succeeds(1);
    let first = started(&scratch);
    // The source has changed meanwhile.
    scratch.write("a.rs", format!("{SOURCE} // other"));
    scratch.write("go", "");
    send(&mut driver, &scratch, 2, &link_alone(&rustc));
    driver.succeeds(2);
    all_gone(&first);
    let other = scratch.read("out/liba.rlib");
    // Another configuration.
    send(&mut driver, &scratch, 3, &link_alone(&rustc).replace("--crate-type", "-Copt-level=1 --crate-type"));
    driver.succeeds(3);
    // Variables.
    send(&mut driver, &scratch, 4, &format!("--env=X=1 {}", link_alone(&rustc)));
    driver.succeeds(4);
    // Another place for the same.
    send(&mut driver, &scratch, 5, &link_alone(&rustc).replace("--out-dir=out", "--out-dir=other"));
    driver.succeeds(5);
    // Without inputs, or without their digests, nobody can tell.
    driver.request(6, &link_alone(&rustc));
    driver.succeeds(6);
    let arguments: Vec<String> = link_alone(&rustc).split_whitespace().map(str::to_owned).collect();
    driver.send(serde_json::json!({"arguments": arguments, "requestId": 7, "inputs": [{"path": "a.rs"}]}));
    driver.succeeds(7);
    assert_eq!(started(&scratch).len(), 7);
    by_itself(&scratch, &link_alone("rustc")).ok();
    assert!(scratch.read("out/liba.rlib") == other);
}

#[test]
fn a_cancelled_request_does_not_take_its_twin_with_it() {
    let scratch = library();
    let expected = expected(&scratch);
    // Nothing is announced before `go`.
    let rustc = rustc(&scratch, "while [ ! -e %/go ]; do sleep 0.01; done; exec rustc \"$@\"");
    let actions = [metadata(&rustc), link_alone(&rustc)];
    for (cancelled, kept) in [(0, 1), (1, 0)] {
        let mut driver = Driver::start(&scratch, &["--jobs=2"]);
        for (id, action) in actions.iter().enumerate() {
            send(&mut driver, &scratch, id as i64 + 1, action);
        }
        wait_until(|| started(&scratch).len() == 1);
        all_are_known(&mut driver);
        driver.cancel(cancelled + 1);
        let answer = driver.answer();
        assert!(answer.id == cancelled + 1 && answer.cancelled, "{answer:?}");
        scratch.write("go", "");
        driver.succeeds(kept + 1);
        let part = |files: Vec<Vec<u8>>, kept: i64| files[kept as usize * 3].clone();
        assert!(scratch.read(OUTPUTS[kept as usize * 3]) == part(expected.clone(), kept));
        assert!(!scratch.exists(OUTPUTS[cancelled as usize * 3]));
        // The other one is asked for again, and gets what there is.
        send(&mut driver, &scratch, 3, &actions[cancelled as usize]);
        driver.succeeds(3);
        assert!(outputs(&scratch) == expected);
        assert_eq!(started(&scratch).len(), 1);
        ["go", "started"].iter().for_each(|file| fs::remove_file(scratch.path(file)).unwrap());
        fs::remove_dir_all(scratch.path("out")).unwrap();
    }
    // With nobody left, rustc is stopped.
    let mut driver = Driver::start(&scratch, &["--jobs=1"]);
    send(&mut driver, &scratch, 1, &actions[0]);
    wait_until(|| started(&scratch).len() == 1);
    driver.cancel(1);
    assert!(driver.answer().cancelled);
    all_gone(&started(&scratch));
    scratch.write("go", "");
    send(&mut driver, &scratch, 2, &actions[1]);
    driver.succeeds(2);
    assert_eq!((started(&scratch).len(), driver.finish().0), (2, Some(0)));
}

#[test]
fn errors_are_shown_once_and_the_next_request_compiles_again() {
    let scratch = library();
    let rustc = rustc(&scratch, "while [ ! -e %/go ]; do sleep 0.01; done; exec rustc \"$@\"");
    scratch.write("a.rs", "pub fn a() -> u32 { \"\" }");
    let mut driver = Driver::start(&scratch, &["--jobs=2"]);
    send(&mut driver, &scratch, 1, &metadata(&rustc));
    send(&mut driver, &scratch, 2, &link_alone(&rustc));
    wait_until(|| started(&scratch).len() == 1);
    all_are_known(&mut driver);
    scratch.write("go", "");
    let answers = driver.answers(2);
    assert!(answers.iter().all(|answer| answer.code == 1), "{answers:?}");
    assert!(answers[0].output.contains("error[E0308]"), "{answers:?}");
    assert_eq!(answers[1].output, "hollow: crate `a`: the errors are shown by its metadata action\n");
    assert!(String::from_utf8(scratch.read("out/_hollow/diagnostics.jsonl")).unwrap().contains("E0308"));
    assert!(!scratch.exists("out/liba.rlib") && !scratch.exists("out/_hollow/liba_meta.rlib"));
    send(&mut driver, &scratch, 3, &link_alone(&rustc));
    let answer = driver.answer();
    assert!(answer.code == 1 && answer.output.contains("error[E0308]"), "{answer:?}");
    scratch.write("a.rs", SOURCE);
    send(&mut driver, &scratch, 4, &metadata(&rustc));
    driver.succeeds(4);
}

#[test]
fn a_rustc_that_dies_fails_its_requests_and_no_others() {
    let scratch = library();
    let rustc = rustc(&scratch, "echo noise; kill -9 $$");
    let mut driver = Driver::start(&scratch, &["--jobs=1"]);
    send(&mut driver, &scratch, 1, &link_alone(&rustc));
    let answer = driver.answer();
    assert_eq!(answer.code, 137);
    assert_eq!(answer.output, "noise\nhollow: error: rustc was killed by SIGKILL while compiling crate `a`\n");
    send(&mut driver, &scratch, 2, &link_alone("rustc"));
    driver.succeeds(2);
    send(&mut driver, &scratch, 3, &link_alone("/gone/rustc"));
    assert!(driver.answer().output.contains("`/gone/rustc`"));
}

#[test]
fn the_next_build_stops_what_nobody_asked_for() {
    let scratch = library();
    let rustc = rustc(&scratch, IN_TWO_STEPS);
    let mut driver = Driver::start(&scratch, &["--jobs=1"]);
    send(&mut driver, &scratch, 1, &metadata(&rustc));
    driver.succeeds(1);
    let old = started(&scratch);
    // The request was abandoned with its build, and is never answered.
    send(&mut driver, &scratch, 2, &link(&rustc));
    send(&mut driver, &scratch, 1, &metadata("rustc").replace("a.rs", "main.rs --crate-name=b"));
    let answer = driver.answer();
    assert_eq!(answer.id, 1, "{answer:?}");
    all_gone(&old);
    assert_eq!(driver.finish(), (Some(0), String::new()));
}

#[test]
fn nothing_is_left_behind() {
    let scratch = library();
    let temporary = scratch.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let rustc = rustc(&scratch, IN_TWO_STEPS);
    for by_signal in [false, true] {
        let mut command = scratch.command(crate::support::HOLLOW);
        command.args(["worker", "--persistent_worker"]).env("TMPDIR", &temporary);
        let mut driver = Driver::of(&mut command);
        send(&mut driver, &scratch, 1, &metadata(&rustc));
        driver.succeeds(1);
        let processes = started(&scratch);
        if by_signal {
            let process = nix::unistd::Pid::from_raw(driver.pid() as i32);
            nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM).unwrap();
            assert_eq!(driver.ended().0, Some(143));
        } else {
            assert_eq!(driver.finish().0, Some(0));
        }
        all_gone(&processes);
        assert!(scratch.list("temporary").is_empty(), "{:?}", scratch.list("temporary"));
    }
}

#[test]
fn a_macro_that_expands_differently_each_time_links() {
    let scratch = Scratch::new();
    scratch.write(
        "shuffle.rs",
        "extern crate proc_macro; use std::collections::HashMap;\n\
         #[proc_macro] pub fn shuffle(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n\
         let all: HashMap<u32, u32> = (0..30).map(|n| (n, n)).collect();\n\
         let fields: String = all.keys().map(|n| format!(\"pub f{n}: u{},\", if n % 2 == 0 { 8 } else { 64 })).collect();\n\
         format!(\"#[derive(Default)] pub struct S {{ {fields} }}\").parse().unwrap() }",
    );
    scratch.rustc("--crate-type=proc-macro --crate-name=shuffle shuffle.rs").ok();
    scratch.write("a.rs", "shuffle::shuffle!(); pub fn s() -> S { S { f3: 5, ..S::default() } }");
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::s().f3); }");
    let more = "--extern=shuffle=libshuffle.so";
    let mut driver = Driver::start(&scratch, &[]);
    for round in 0..5 {
        send(&mut driver, &scratch, 2 * round + 1, &format!("{} {more}", metadata("rustc")));
        driver.succeeds(2 * round + 1);
        send(&mut driver, &scratch, 2 * round + 2, &format!("{} {more}", link("rustc")));
        driver.succeeds(2 * round + 2);
        let program = "link -- rustc --edition=2021 main.rs --extern=a=out/liba.rlib -Ldependency=.";
        by_itself(&scratch, program).ok();
        let program: PathBuf = scratch.path("main");
        assert_eq!(crate::support::run(&mut scratch.command(program)).ok().stdout, "5\n");
    }
    // By themselves, two passes do not agree, and that is said where it happens.
    let alone = by_itself(&scratch, &format!("{} {more}", link("rustc")));
    assert!(alone.code == Some(1) && alone.stderr.contains("a macro does not expand the same way twice"), "{alone:?}");
}

/// How many requests the soak sends; `HOLLOW_SOAK=10000` makes it one.
fn soak_requests() -> i64 {
    std::env::var("HOLLOW_SOAK").map_or(400, |requests| requests.parse().unwrap())
}

/// Its resident memory in kilobytes.
fn memory(process: u32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn every_request_is_answered_once_and_nothing_grows_or_is_left() {
    let scratch = library();
    let temporary = scratch.path("temporary");
    fs::create_dir(&temporary).unwrap();
    // What rustc would write, and sometimes its death.
    let rustc = rustc(
        &scratch,
        "case \"$*\" in *cfg=die*) kill -9 $$;; esac\nfor last; do :; done\nd=${last#--out-dir=}\necho m > $d/lib.rmeta\necho 'a:' > $d/lib.d\n\
         echo '{\"$message_type\":\"artifact\",\"artifact\":\"x\",\"emit\":\"metadata\"}' >&2\necho r > $d/lib.rlib",
    );
    let mut command = scratch.command(crate::support::HOLLOW);
    command.args(["worker", "--jobs=4", "--persistent_worker"]).env("TMPDIR", &temporary);
    let mut driver = Driver::of(&mut command);
    let requests = soak_requests();
    let mut random = fastrand::Rng::with_seed(14);
    let (mut answered, mut cancelled) = (vec![false; requests as usize + 1], 0);
    let mut hear = |driver: &mut Driver, asked: &[bool], dies: &[bool]| {
        let answer = driver.answer();
        let id = answer.id as usize;
        assert!(!std::mem::replace(&mut answered[id], true), "{answer:?}");
        assert!(!answer.cancelled || asked[id], "{answer:?}");
        assert!(answer.code == 0 || dies[id] && answer.code == 137, "{answer:?}");
        cancelled += usize::from(answer.cancelled);
    };
    let (mut asked, mut dies) = (vec![false; requests as usize + 1], vec![false; requests as usize + 1]);
    let (mut waiting, mut early) = (0, 0);
    for id in 1..=requests {
        // The two actions of a crate come one after the other, some in another order, and some alone.
        let crate_number = id / 2;
        let action = if random.bool() { metadata(&rustc) } else { link_alone(&rustc) };
        dies[id as usize] = crate_number % 25 == 7;
        let die = if dies[id as usize] { "--cfg=die" } else { "" };
        let action = action.replace("out/", &format!("out/{crate_number}/")).replace("=out ", &format!("=out/{crate_number} "));
        send(&mut driver, &scratch, id, &format!("{action} --cfg=c{crate_number} {die}"));
        waiting += 1;
        if id % 10 == 0 {
            asked[id as usize] = true;
            driver.cancel(id);
        }
        while waiting >= 8 {
            hear(&mut driver, &asked, &dies);
            waiting -= 1;
        }
        if id == requests / 4 {
            early = memory(driver.pid());
        }
    }
    (0..waiting).for_each(|_| hear(&mut driver, &asked, &dies));
    assert!(answered[1..].iter().all(|answered| *answered));
    assert!(cancelled > 0);
    let late = memory(driver.pid());
    assert!(late - early < 2048, "from {early} to {late} kB");
    assert_eq!(driver.finish().0, Some(0));
    all_gone(&started(&scratch));
    assert!(scratch.list("temporary").is_empty());
}
