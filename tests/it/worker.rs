//! `hollow worker`, with a driver in the place of Bazel.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::{HOLLOW, Scratch, run};
use crate::worker_driver::Driver;

const METADATA: &str = "metadata -- rustc --edition=2021 --crate-type=lib --out-dir=out a.rs";
const LINK: &str = "link -- rustc --edition=2021 --crate-type=lib --out-dir=out a.rs";

fn library() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.rs", "pub fn a() -> u32 { 7 }");
    scratch
}

/// A program in the place of rustc, with `%` for the directory of the test.
fn script(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.write(name, format!("#!/bin/sh\n{}\n", text.replace('%', scratch.root().to_str().unwrap())));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// One that says in `started` that it runs, with a child, and does not end by itself. On SIGTERM it writes `cleaned`.
fn sleeper(scratch: &Scratch) -> String {
    let text = "trap 'echo > %/cleaned; exit 1' TERM; sleep 1000 & echo $$ $! > %/started.new; mv %/started.new %/started; wait";
    format!("link -- {} --crate-type=bin --out-dir=out a.rs", script(scratch, "sleeper", text).display())
}

/// Waits for what [`sleeper`] has written, and gives the two process numbers.
fn started(scratch: &Scratch) -> Vec<i32> {
    wait_until(|| scratch.exists("started"));
    let text = String::from_utf8(scratch.read("started")).unwrap();
    fs::remove_file(scratch.path("started")).unwrap();
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come about");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_alive(process: i32) -> bool {
    // A zombie that its parent has not taken yet is as good as gone.
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

pub fn all_gone(processes: &[i32]) {
    wait_until(|| !processes.iter().any(|process| is_alive(*process)));
}

#[test]
fn actions_have_the_outputs_that_they_have_without_a_worker() {
    let scratch = library();
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::a()); }");
    let program = "link -- rustc --edition=2021 main.rs --extern=a=out/liba.rlib -Ldependency=out -o main";
    let all = [METADATA, LINK, program];
    all.iter().for_each(|action| drop(scratch.hollow(&action.split_whitespace().collect::<Vec<_>>()).ok()));
    let files = ["out/_hollow/liba_meta.rlib", "out/liba.rlib", "main"];
    let before = files.map(|file| scratch.read(file));
    for first_id in [0, 1] {
        files.iter().for_each(|file| fs::remove_file(scratch.path(file)).unwrap());
        let mut driver = Driver::start(&scratch, &[]);
        for (id, action) in all.iter().enumerate() {
            let id = if first_id == 0 { 0 } else { id as i64 + 1 };
            driver.request(id, action);
            assert_eq!(driver.succeeds(id).output, "");
        }
        assert!(files.map(|file| scratch.read(file)) == before);
        assert_eq!(driver.finish(), (Some(0), String::new()));
    }
}

#[test]
fn an_action_is_the_same_without_a_worker() {
    let scratch = library();
    scratch.write("a.rs", "pub fn a() -> &'static str { env!(\"GREETING\") }");
    let expected = "--env=GREETING=hello you\nlink\n--\nrustc\n--crate-type=lib\n--out-dir=out\n\na.rs\n";
    scratch.write("a.params", expected);
    scratch.hollow(&["worker", "--jobs=2", "@a.params"]).ok();
    let once = scratch.read("out/liba.rlib");
    fs::remove_file(scratch.path("out/liba.rlib")).unwrap();

    let mut driver = Driver::start(&scratch, &[]);
    let arguments: Vec<&str> = expected.lines().filter(|line| !line.is_empty()).collect();
    driver.send(json!({"arguments": arguments, "requestId": 1}));
    driver.succeeds(1);
    assert!(scratch.read("out/liba.rlib") == once);
    let windows_free = scratch.hollow(&["worker", "link", "--", "rustc", "gone.rs"]);
    assert_eq!(windows_free.code, Some(1), "{windows_free:?}");
    assert_eq!(scratch.hollow(&["worker", "@gone"]).stopped(2).split(':').next(), Some("cannot read the flagfile `gone`"));
}

#[test]
fn protobuf_is_told_by_the_first_request() {
    let scratch = library();
    // Field 1 (arguments) of each, and field 3 (the id).
    let mut message = Vec::new();
    for argument in LINK.split_whitespace() {
        message.extend([0x0a, argument.len() as u8]);
        message.extend(argument.as_bytes());
    }
    message.extend([0x18, 5]);
    let stream = [&[message.len() as u8][..], &message].concat();
    for options in [&[][..], &["--protocol=proto"]] {
        let mut command = scratch.command(HOLLOW);
        command.arg("worker").args(options).arg("--persistent_worker");
        let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), &stream).unwrap();
        let mut answer = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut answer).unwrap();
        assert_eq!(answer, [2, 0x18, 5], "a message of two bytes: the id, and everything else by default");
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        assert!(scratch.exists("out/liba.rlib"));
    }
}

#[test]
fn each_request_is_answered_whatever_it_is() {
    let scratch = library();
    scratch.write("broken.rs", "pub fn broken( {");
    let noisy = script(&scratch, "noisy", "head -c 300000 /dev/zero | tr '\\0' x; printf '\\377\\001{\"' >&2; kill -9 $$");
    let mut driver = Driver::start(&scratch, &["--jobs=3"]);
    driver.request(1, "link -- rustc --crate-type=lib broken.rs");
    driver.send(json!({"requestId": 2}));
    driver.request(3, "nonsense");
    driver.request(4, &format!("link -- {} --crate-type=lib a.rs", noisy.display()));
    driver.send_raw("{\"requestId\": 5, \"arguments\": nonsense}\n{\"requestId\": 6, \"arguments\": [7]}\n}]rubbish\r\n");
    driver.send(json!({"requestId": 7, "arguments": ["link"], "sandboxDir": "gone"}));
    driver.cancel(77);
    driver.request(8, LINK);
    let answers = driver.answers(8);
    let ids: Vec<i64> = answers.iter().map(|answer| answer.id).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8]);
    let codes: Vec<i64> = answers.iter().map(|answer| answer.code).collect();
    assert_eq!(codes, [1, 2, 2, 137, 2, 2, 2, 0], "{answers:?}");
    let said = |id: usize| answers[id - 1].output.as_str();
    assert!(said(1).contains("error: this file contains an unclosed delimiter"), "{}", said(1));
    assert!(said(2).starts_with("hollow: error: there is no action"), "{}", said(2));
    assert!(said(3).contains("nonsense"), "{}", said(3));
    assert!(said(4).len() > 300_000 && said(4).ends_with("x\u{fffd}\u{1}{\""), "more than a pipe holds, and not all of it text");
    assert!(said(5).starts_with("hollow: error: not a request: "), "{}", said(5));
    assert!(said(7).contains("`gone`, is no directory") && said(7).contains("--experimental_worker_multiplex_sandboxing"));
    assert_eq!(driver.finish(), (Some(0), String::new()));
}

#[test]
fn a_request_without_an_id_that_can_be_found_is_logged() {
    let scratch = library();
    let mut driver = Driver::start(&scratch, &["--protocol=json"]);
    driver.send_raw("{\"arguments\": nonsense}\n");
    driver.request(1, LINK);
    driver.succeeds(1);
    let (code, log) = driver.finish();
    assert!(code == Some(0) && log.starts_with("hollow: error: not a request: "), "{log}");
}

#[test]
fn warnings_of_a_success_are_in_its_answer() {
    let scratch = Scratch::new();
    scratch.write("a.rs", "pub fn a() { let unused = 1; }");
    let mut driver = Driver::start(&scratch, &[]);
    driver.request(1, LINK);
    assert!(driver.succeeds(1).output.contains("warning: unused variable"));
}

#[test]
fn a_sandboxed_request_is_run_in_its_directory() {
    let scratch = Scratch::new();
    for number in ["1", "2"] {
        scratch.write(&format!("__sandbox/{number}/a.rs"), format!("pub const A: u32 = {number};"));
    }
    let mut driver = Driver::start(&scratch, &[]);
    for number in [1, 2] {
        let arguments: Vec<&str> = METADATA.split_whitespace().collect();
        driver.send(json!({"arguments": arguments, "requestId": number, "sandboxDir": format!("__sandbox/{number}")}));
    }
    assert!(driver.answers(2).iter().all(|answer| answer.code == 0));
    let outputs = ["1", "2"].map(|number| scratch.read(format!("__sandbox/{number}/out/_hollow/liba_meta.rlib")));
    assert!(outputs[0] != outputs[1] && !scratch.exists("out"));
}

#[test]
fn a_cancelled_request_is_answered_when_all_its_processes_have_ended() {
    let scratch = library();
    let mut driver = Driver::start(&scratch, &["--jobs=1"]);
    let action = sleeper(&scratch);
    for id in [0, 5] {
        driver.request(id, &action);
        let processes = started(&scratch);
        driver.cancel(id);
        driver.cancel(id);
        let answer = driver.answer();
        assert!(answer.id == id && answer.cancelled, "{answer:?}");
        all_gone(&processes);
        assert!(scratch.exists("cleaned"), "there is time to clean up");
        assert!(!scratch.exists("out/liba.rlib") && scratch.list("out").is_empty(), "{:?}", scratch.list("out"));
    }
    // What has not begun never does.
    driver.request(6, &action);
    let processes = started(&scratch);
    driver.request(7, LINK);
    driver.cancel(7);
    driver.cancel(6);
    assert!(driver.answers(2).iter().all(|answer| answer.cancelled));
    assert!(!scratch.exists("out/liba.rlib"));
    all_gone(&processes);
    driver.request(8, LINK);
    driver.succeeds(8);
    assert_eq!(driver.finish(), (Some(0), String::new()));
}

#[test]
fn one_that_does_not_end_when_asked_is_killed() {
    let scratch = library();
    let stubborn = script(
        &scratch,
        "stubborn",
        "trap '' TERM; echo $$ $$ > %/started.new; mv %/started.new %/started; while :; do sleep 1000; done",
    );
    let mut driver = Driver::start(&scratch, &[]);
    driver.request(1, &format!("link -- {} --crate-type=lib --out-dir=out a.rs", stubborn.display()));
    let processes = started(&scratch);
    driver.cancel(1);
    assert!(driver.answer().cancelled);
    all_gone(&processes);
}

#[test]
fn a_repeated_id_means_that_the_old_requests_are_dead() {
    let scratch = library();
    let mut driver = Driver::start(&scratch, &["--jobs=2"]);
    let action = sleeper(&scratch);
    driver.request(1, LINK);
    driver.succeeds(1);
    driver.request(2, &action);
    let mut processes = started(&scratch);
    driver.request(3, &action);
    processes.extend(started(&scratch));
    // Waits for a thread.
    driver.request(4, LINK);
    fs::remove_file(scratch.path("out/liba.rlib")).unwrap();
    // A new build begins.
    driver.request(2, METADATA);
    driver.succeeds(2);
    assert!(!processes.iter().any(|process| is_alive(*process)), "nothing of the old ones is alive when the new one is run");
    assert!(!scratch.exists("out/liba.rlib"));
    driver.cancel(3);
    driver.request(3, LINK);
    driver.succeeds(3);
    assert_eq!(driver.finish(), (Some(0), String::new()), "no answer of the old ones has come");
}

#[test]
fn nothing_survives_the_worker() {
    let scratch = library();
    let action = sleeper(&scratch);
    let signals = [None, Some(Signal::SIGTERM), Some(Signal::SIGINT), Some(Signal::SIGKILL)];
    for signal in signals {
        let mut driver = Driver::start(&scratch, &["--jobs=1"]);
        driver.request(1, &action);
        driver.request(2, LINK);
        let processes = started(&scratch);
        let begun = Instant::now();
        let code = match signal {
            None => driver.finish().0,
            Some(signal) => {
                kill(Pid::from_raw(driver.pid() as i32), signal).unwrap();
                driver.ended().0
            }
        };
        assert_eq!(code, signal.map_or(Some(0), |signal| (signal != Signal::SIGKILL).then_some(128 + signal as i32)));
        all_gone(&processes);
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert!(!scratch.exists("out/liba.rlib"), "what waited was not begun");
    }
}

#[test]
fn nothing_on_standard_input_is_no_error() {
    let scratch = Scratch::new();
    let ran = run(scratch.command(HOLLOW).args(["worker", "--persistent_worker"]).stdin(std::process::Stdio::null()));
    assert_eq!((ran.ok().stdout.as_str(), scratch.list("").len()), ("", 0));
}
