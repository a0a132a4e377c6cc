//! What both drop-ins do with streams, signals and large inputs.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::faults::{signal, wait_until};
use crate::support::{HOLLOW, Scratch, run};

/// The ways to run a shell script as the compiler, with its messages processed.
fn drop_ins(script: &str) -> [Vec<String>; 2] {
    let wrapper = ["process-wrapper", "--rustc-output-format=json", "--output-file=raw", "--", "sh", "-c", script, "sh"];
    let action = ["rustc-action", "--diag-json=raw", "sh", "-c", script, "--rustc-action-separator"];
    [wrapper.map(str::to_owned).to_vec(), action.map(str::to_owned).to_vec()]
}

fn command(scratch: &Scratch, line: &[String]) -> Command {
    fs::create_dir_all(scratch.path("temporary")).unwrap();
    let mut command = scratch.command(HOLLOW);
    command.args(line).env("TMPDIR", scratch.path("temporary")).stderr(Stdio::piped());
    command
}

fn read(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// 50 MB of messages, 30 MB of them one line, and everything that is no message: text, bytes that are no UTF-8, a very long line, no line end.
/// The first is all, the second the messages, the third the rest.
fn stream() -> [Vec<u8>; 3] {
    let rendered = "w".repeat(400);
    let message = |text: &str| {
        format!("{{\"message\":\"é\",\"level\":\"warning\",\"children\":[],\"rendered\":\"{text}\"}}\n").into_bytes()
    };
    let (mut all, mut messages, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut push = |line: &[u8], is_message: bool| {
        all.extend_from_slice(line);
        let side: &mut Vec<u8> = if is_message { &mut messages } else { &mut rest };
        side.extend_from_slice(line);
    };
    for number in 0..45_000 {
        push(&message(&rendered), true);
        if number % 1000 == 0 {
            push(b"text \xff\xfe between\n", false);
        }
    }
    push(&message(&"x".repeat(30_000_000)), true);
    push(&[vec![b'y'; 300_000], b"\n".to_vec()].concat(), false);
    push(b"{\"cut\": ", false);
    [all, messages, rest]
}

#[test]
fn fifty_megabytes_of_diagnostics_come_out_byte_for_byte() {
    let scratch = Scratch::new();
    let [all, messages, rest] = stream();
    assert!(all.len() > 50_000_000);
    scratch.write("stream", &all);
    let [wrapper, action] = drop_ins("cat stream >&2");
    let out = command(&scratch, &wrapper).output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert!(out.stderr == all && scratch.read("raw") == all);
    let out = command(&scratch, &action).output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert!(scratch.read("raw") == messages, "every message, as it came");
    let others: Vec<u8> =
        out.stderr.split_inclusive(|&byte| byte == b'\n').filter(|line| !is_text(line)).flatten().copied().collect();
    assert!(others == rest, "and everything else");
    // And what is not looked at.
    let plain = ["process-wrapper", "--touch-file=t", "--output-file=raw", "--", "sh", "-c", "cat stream >&2"].map(str::to_owned);
    assert!(command(&scratch, &plain).output().unwrap().stderr == all && scratch.read("raw") == all);
}

/// Whether a line is the text of a message, or the empty line after it.
fn is_text(line: &[u8]) -> bool {
    line.iter().all(|byte| b"wx\n".contains(byte))
}

/// So many kilobytes of address space, as `ulimit -v` counts them: what the program and its libraries take, and not much more.
#[cfg(target_os = "linux")]
const ENOUGH: u64 = 60_000;

#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_whatever_passes() {
    let scratch = Scratch::new();
    let message = format!("{{\"rendered\":\"{}\"}}\n", "x".repeat(2_000_000));
    scratch.write("messages", message.repeat(40));
    scratch.write("line", vec![b'y'; 80_000_000]);
    for file in ["messages", "line"] {
        for line in drop_ins(&format!("cat {file} >&2")) {
            let limited = format!("ulimit -v {ENOUGH}; exec \"$@\" 2> said");
            let mut command = scratch.command("sh");
            command.args(["-c", &limited, "sh", HOLLOW]).args(&line);
            run(&mut command).ok();
            assert!(fs::metadata(scratch.path("said")).unwrap().len() > 79_000_000, "{line:?}");
        }
    }
}

#[test]
fn standard_output_and_error_do_not_disturb_each_other() {
    let scratch = Scratch::new();
    let script = "i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let expected = |name: &str| (0..2000).map(|number| format!("{name} {number}\n")).collect::<String>();
    for line in drop_ins(script) {
        let ran = run(&mut command(&scratch, &line)).ok();
        assert!(ran.stdout == expected("out") && ran.stderr == expected("err"), "{line:?}");
    }
    // Nothing is in between where nothing is looked at.
    let one =
        scratch.command("sh").args(["-c", &format!("\"$0\" process-wrapper -- sh -c '{script}' 2>&1"), HOLLOW]).output().unwrap();
    let both: String = (0..2000).map(|number| format!("out {number}\nerr {number}\n")).collect();
    assert!(one.stdout == both.as_bytes());
}

#[test]
fn a_grandchild_that_keeps_standard_error_open_is_not_waited_for() {
    let scratch = Scratch::new();
    scratch.write("text", "line\n".repeat(100_000));
    // One is silent, one never stops talking.
    for grandchild in ["sleep 300", "yes grandchild"] {
        let script = format!("{grandchild} >&2 & echo $! > pid; cat text >&2; exit 3");
        for line in drop_ins(&script) {
            let out = command(&scratch, &line).output().unwrap();
            assert_eq!(out.status.code(), Some(3));
            let own: Vec<u8> = out
                .stderr
                .split_inclusive(|&byte| byte == b'\n')
                .filter(|line| line.starts_with(b"line"))
                .flatten()
                .copied()
                .collect();
            if grandchild.starts_with("sleep") {
                assert!(own == scratch.read("text"), "what the program itself has said is all there");
            }
            signal(String::from_utf8(scratch.read("pid")).unwrap().trim(), "KILL");
        }
    }
}

#[test]
fn a_slow_reader_gets_everything() {
    let scratch = Scratch::new();
    scratch.write("text", "line\n".repeat(200_000));
    for line in drop_ins("cat text >&2") {
        let mut child = command(&scratch, &line).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        // The pipes fill up, and then little is taken at a time.
        let (mut said, mut chunk) = (Vec::new(), [0; 777]);
        loop {
            let read = stderr.read(&mut chunk).unwrap();
            said.extend_from_slice(&chunk[..read]);
            std::thread::yield_now();
            if read == 0 {
                break;
            }
        }
        assert!(child.wait().unwrap().success());
        assert!(said == scratch.read("text"));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_fail() {
    let scratch = Scratch::new();
    scratch.write("text", "{\"rendered\":\"x\"}\n".repeat(100_000));
    for line in drop_ins("cat text >&2; echo done > done") {
        let mut child = command(&scratch, &line).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(scratch.read("raw") == scratch.read("text") && scratch.exists("done"));
        fs::remove_file(scratch.path("done")).unwrap();
    }
}

#[test]
fn diagnostics_that_can_not_be_written_are_an_error_at_the_end() {
    let Ok(_) = File::options().write(true).open("/dev/full") else { return crate::support::missing("/dev/full") };
    let scratch = Scratch::new();
    for line in drop_ins("echo '{\"rendered\":\"x\"}' >&2; echo done > done") {
        let line: Vec<_> = line.iter().map(|argument| argument.replace("=raw", "=/dev/full")).collect();
        let ran = run(&mut command(&scratch, &line));
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.ends_with(": cannot write `/dev/full`: No space left on device (os error 28)\n"), "{}", ran.stderr);
        assert!(scratch.exists("done"), "the compilation went on");
        fs::remove_file(scratch.path("done")).unwrap();
    }
}

/// A compiler with a child that go on for ever; says who they are.
const SLOW: &str =
    "sleep 300 & echo $! > linker.new; echo $$ > compiler.new; mv linker.new linker; mv compiler.new compiler; wait; wait";

fn slow(scratch: &Scratch, line: &[String], leads: bool) -> (Child, [String; 2]) {
    for file in ["compiler", "linker"] {
        let _ = fs::remove_file(scratch.path(file));
    }
    let mut command = command(scratch, line);
    if leads {
        command.process_group(0);
    }
    let child = command.spawn().unwrap();
    wait_until("the compiler runs", || scratch.exists("compiler"));
    let pids = ["compiler", "linker"].map(|file| String::from_utf8(scratch.read(file)).unwrap().trim().to_owned());
    (child, pids)
}

#[test]
fn a_signal_reaches_the_compiler_and_its_children() {
    let scratch = Scratch::new();
    scratch.write("params", "${x}\n");
    let [mut wrapper, action] = drop_ins(SLOW);
    wrapper.splice(1..1, ["--subst=x=y".to_owned()]);
    wrapper.push("@params".into());
    for leads in [false, true] {
        for (line, code, said) in [
            (&wrapper, 143, "hollow: error: process-wrapper: `sh` was killed by SIGTERM\n"),
            (&action, 241, "hollow: error: rustc-action: killed by SIGTERM: command line: sh "),
        ] {
            let (mut child, pids) = slow(&scratch, line, leads);
            assert_eq!(scratch.list("temporary").len(), 1, "an argument file");
            assert!(signal(&child.id().to_string(), "TERM"));
            assert_eq!(child.wait().unwrap().code(), Some(code), "{line:?}");
            let stderr = String::from_utf8(read(&mut child.stderr.take().unwrap())).unwrap();
            assert!(stderr.starts_with(said), "{stderr}");
            pids.iter().for_each(|pid| wait_until("nobody is left", || !signal(pid, "0")));
            assert_eq!(scratch.list("temporary"), [] as [&str; 0], "no argument file is left");
        }
    }
}

#[test]
fn a_second_signal_ends_a_compiler_that_ignores_the_first() {
    let scratch = Scratch::new();
    for leads in [false, true] {
        for (line, code) in drop_ins(&format!("trap 'touch trapped' TERM; {SLOW}; wait")).iter().zip([137, 247]) {
            let _ = fs::remove_file(scratch.path("trapped"));
            // The shell's own child must not end it.
            let line: Vec<_> =
                line.iter().map(|argument| argument.replace("wait; wait; wait", "while :; do wait; done")).collect();
            let (mut child, pids) = slow(&scratch, &line, leads);
            assert!(signal(&child.id().to_string(), "TERM"));
            wait_until("the first signal is ignored", || scratch.exists("trapped"));
            assert!(signal(&child.id().to_string(), "TERM"));
            assert_eq!(child.wait().unwrap().code(), Some(code), "{line:?}");
            pids.iter().for_each(|pid| wait_until("nobody is left", || !signal(pid, "0")));
        }
    }
}

#[test]
fn a_build_system_that_kills_its_process_group_kills_the_compiler() {
    let scratch = Scratch::new();
    for line in drop_ins(SLOW) {
        let (mut child, pids) = slow(&scratch, &line, true);
        kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
        child.wait().unwrap();
        pids.iter().for_each(|pid| wait_until("nobody is left", || !signal(pid, "0")));
    }
}

#[test]
fn ending_rustc_after_its_metadata_ends_its_children() {
    let scratch = Scratch::new();
    let metadata = r#"{"artifact":"a.rmeta","emit":"metadata"}"#;
    let script = format!("sleep 300 & echo $! > linker; echo $$ > compiler; echo '{metadata}' >&2; wait");
    let flags = ["process-wrapper", "--rustc-output-format=json", "--rustc-quit-on-rmeta=true", "--", "sh", "-c", &script];
    let line = flags.map(str::to_owned);
    assert_eq!(command(&scratch, &line).output().unwrap().status.code(), Some(0));
    for file in ["compiler", "linker"] {
        let pid = String::from_utf8(scratch.read(file)).unwrap();
        wait_until("nobody is left", || !signal(pid.trim(), "0"));
    }
}

#[test]
fn any_bytes_will_do_in_arguments_and_environment() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let scratch = Scratch::new();
    let odd = OsStr::from_bytes(b"\xff${x}");
    let script = "printf '%s;' \"$ODD\"; for a; do printf '%s' \"$a\"; done";
    let mut wrapper = scratch.command(HOLLOW);
    wrapper.args(["process-wrapper", "--subst", "x=y", "--", "sh", "-c", script, "sh"]).arg(odd).env("ODD", odd);
    assert_eq!(wrapper.output().unwrap().stdout, b"\xffy;\xffy");
    let mut action = scratch.command(HOLLOW);
    action.arg("rustc-action").arg("--env").arg(OsStr::from_bytes(b"ODD=\xfe")).args([
        "sh",
        "-c",
        script,
        "--rustc-action-separator",
    ]);
    assert_eq!(action.arg(odd).output().unwrap().stdout, b"\xfe;");
}

#[test]
fn a_file_that_is_a_pipe_may_be_full() {
    let scratch = Scratch::new();
    run(scratch.command("mkfifo").arg("pipe")).ok();
    scratch.write("text", "{\"rendered\":\"x\"}\n".repeat(50_000));
    for line in drop_ins("cat text >&2") {
        let line: Vec<_> = line.iter().map(|argument| argument.replace("=raw", "=pipe")).collect();
        let mut child = command(&scratch, &line).stderr(Stdio::null()).spawn().unwrap();
        assert!(read(&mut File::open(scratch.path("pipe")).unwrap()) == scratch.read("text"));
        assert!(child.wait().unwrap().success());
    }
}
