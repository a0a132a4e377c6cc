//! What goes wrong, and what is left afterwards.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{HOLLOW, Scratch, missing, run};

fn program() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.rs", "pub fn a() -> u32 { 7 }");
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::a()); }");
    scratch
}

/// An executable file.
pub fn script(scratch: &Scratch, name: &str, text: &str) -> String {
    let path = scratch.write(name, text);
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn a_rustc_that_is_missing_or_no_program_is_one_line() {
    let scratch = program();
    for (rustc, said) in [
        ("no-such-rustc", "cannot find rustc as `no-such-rustc`: there is no such program in PATH"),
        ("./gone", "cannot find rustc as `./gone`: No such file or directory (os error 2)"),
        ("./a.rs", "cannot run `./a.rs` as rustc: it is not an executable file"),
        ("/", "cannot run `/` as rustc: it is not an executable file"),
    ] {
        for line in ["metadata -- RUSTC --crate-type=lib a.rs --out-dir=out", "link -- RUSTC --crate-type=lib a.rs --out-dir=out"]
        {
            let line = line.replace("RUSTC", rustc);
            assert_eq!(scratch.hollow(&line.split_whitespace().collect::<Vec<_>>()).stopped(2), said);
        }
    }
    let orphan = script(&scratch, "orphan", "#!/no/such/interpreter\n");
    for line in ["a.rs --crate-type=lib", "main.rs --crate-type=bin"] {
        let line = format!("link -- ./orphan --out-dir=out {line}");
        let said = scratch.hollow(&line.split_whitespace().collect::<Vec<_>>()).stopped(2);
        assert_eq!(said, format!("cannot run rustc as `{orphan}`: No such file or directory (os error 2)"));
    }
    assert!(!scratch.exists("out/liba.rlib"));
}

/// For a shell script in rustc's place: begins to write the output.
const WRITE_PARTIALLY: &str =
    "for argument do case $argument in --emit=link=*) echo partial > \"${argument#--emit=link=}\";; esac; done";

#[test]
fn a_rustc_killed_by_a_signal_is_reported_by_name() {
    let scratch = program();
    for (signal, number) in [("KILL", 9), ("SEGV", 11)] {
        let rustc = script(&scratch, "rustc", &format!("#!/bin/sh\n{WRITE_PARTIALLY}\nkill -{signal} $$\n"));
        // A program is waited for.
        let waited = scratch.hollow(&["link", "--", &rustc, "main.rs", "-o", "out/main", "--crate-type=bin"]);
        assert_eq!(waited.stopped(128 + number), format!("rustc was killed by SIG{signal} while compiling crate `main`"));
        assert_eq!(scratch.list("out"), [] as [&str; 0], "the partial output is gone");
        // A library's rustc takes hollow's place, so whoever started hollow sees the signal itself.
        let replaced = scratch.hollow(&["link", "--", &rustc, "a.rs", "--crate-type=lib", "--out-dir=lib"]);
        assert_eq!(replaced.signal, Some(number));
    }
}

/// A link that takes as long as it is allowed to, with a linker that says when it has started and who it is.
fn slow_link(scratch: &Scratch) -> Child {
    let linker =
        script(scratch, "linker", "#!/bin/sh\necho $$ > linker-pid.new; mv linker-pid.new linker-pid; sleep 300 & wait\n");
    fs::create_dir_all(scratch.path("temporary")).unwrap();
    let mut command = scratch.command(HOLLOW);
    command.args(["link", "--", "rustc", "--crate-type=bin", "--out-dir=out", "main.rs", "--extern=a=liba.rlib"]);
    command.arg(format!("-Clinker={linker}")).env("TMPDIR", scratch.path("temporary"));
    scratch.rustc("--crate-type=lib a.rs").ok();
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the linker runs", || scratch.exists("linker-pid"));
    child
}

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "not after a minute: {what}");
        std::thread::yield_now();
    }
}

pub fn signal(process: &str, name: &str) -> bool {
    run(Command::new("kill").args([&format!("-{name}"), process])).code == Some(0)
}

#[test]
fn a_signal_reaches_rustc_and_its_linker_and_nothing_is_left() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("QUIT", 3)] {
        let scratch = program();
        let mut child = slow_link(&scratch);
        let linker = String::from_utf8(scratch.read("linker-pid")).unwrap().trim().to_owned();
        assert!(signal(&child.id().to_string(), name));
        let status = child.wait().unwrap();
        // As of hollow's own: a shell whose loop it is in stops, too.
        assert_eq!(status.signal(), Some(number));
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        match name {
            // rustc has a handler for SIGINT: it exits with 1, and may find time to complain of its linker.
            "INT" => assert!(!said.contains("hollow:"), "{said}"),
            _ => assert_eq!(said, format!("hollow: error: rustc was killed by SIG{name} while compiling crate `main`\n")),
        }
        wait_until("the linker is gone", || !signal(&linker, "0"));
        assert_eq!(scratch.list("out"), [] as [&str; 0], "no output, whole or in part");
        assert_eq!(scratch.list("temporary"), [] as [&str; 0], "no temporary file");
    }
}

#[test]
fn after_a_signal_nothing_more_is_started() {
    let scratch = program();
    // Whatever it is asked for: says that it has begun, and goes on for ever.
    let rustc = script(&scratch, "rustc", "#!/bin/sh\necho >> started\nsleep 300 & wait\n");
    fs::create_dir(scratch.path("temporary")).unwrap();
    let line = "--crate-name a --crate-type lib --emit=dep-info,metadata,link --out-dir out a.rs";
    for own in ["metadata --interface --", "metadata --interface=drop --", ""] {
        let mut command = scratch.command(HOLLOW);
        command.args(own.split_whitespace()).arg(&rustc).args(line.split_whitespace());
        command.env("CARGO_CRATE_NAME", "a").env("TMPDIR", scratch.path("temporary"));
        let mut child = command.stderr(Stdio::null()).process_group(0).spawn().unwrap();
        wait_until("the compiler runs", || scratch.exists("started") && !scratch.read("started").is_empty());
        // Below Cargo, everything is in Cargo's group, to which a terminal sends its signals.
        let group = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        nix::sys::signal::killpg(group, nix::sys::signal::SIGTERM).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15), "{own}");
        assert_eq!(scratch.read("started"), b"\n", "{own}: one pass was started, and no other");
        // Cargo mode has noted that the unit is being compiled.
        let others = scratch.list("out").into_iter().filter(|name| name != "_hollow" && !name.starts_with("_hollow/liba.unit"));
        assert_eq!(others.collect::<Vec<_>>(), [] as [&str; 0], "{own}");
        assert_eq!(scratch.list("temporary"), [] as [&str; 0], "{own}");
        fs::remove_file(scratch.path("started")).unwrap();
    }
}

#[test]
fn a_second_signal_kills_a_rustc_that_ignores_the_first() {
    let scratch = program();
    let rustc = script(&scratch, "rustc", "#!/bin/sh\ntrap '' TERM\ntouch started\nsleep 300\n");
    let mut command = scratch.command(HOLLOW);
    let mut child = command.args(["link", "--", &rustc, "--crate-type=bin", "main.rs"]).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the compiler runs", || scratch.exists("started"));
    let id = child.id().to_string();
    assert!(signal(&id, "TERM"));
    let mut ended = None;
    wait_until("it ends", || {
        signal(&id, "TERM");
        ended = child.try_wait().unwrap().map(|status| status.signal());
        ended.is_some()
    });
    assert_eq!(ended, Some(Some(15)));
}

#[test]
fn an_interrupted_action_ends_the_loop_of_a_shell() {
    let scratch = program();
    let rustc = script(&scratch, "rustc", "#!/bin/sh\necho >> started; sleep 300 & wait\n");
    let mut command = scratch.command("bash");
    command.args(["-c", "for i in 1 2 3; do \"$0\" link -- \"$1\" --crate-type=bin main.rs; done", HOLLOW, &rustc]);
    let mut shell = command.stderr(Stdio::null()).process_group(0).spawn().unwrap();
    wait_until("the compiler runs", || scratch.exists("started") && !scratch.read("started").is_empty());
    // As a terminal does it. The shell waits, and stops if its child has died of the signal.
    let group = nix::unistd::Pid::from_raw(shell.id().try_into().unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::SIGINT).unwrap();
    let mut ended = None;
    wait_until("the shell stops", || {
        // Otherwise it goes on with the next one, and that would go on for ever.
        assert_eq!(scratch.read("started"), b"\n");
        ended = shell.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().signal(), Some(2));
}

#[test]
fn a_failed_compilation_leaves_the_old_output_and_no_new_one() {
    let scratch = program();
    scratch.action("metadata", "--crate-type=lib --out-dir=out a.rs").ok();
    let old = scratch.read("out/_hollow/liba_meta.rlib");
    scratch.write("a.rs", "pub fn a() -> u32 { \"seven\" }");
    for action in ["metadata", "link"] {
        let failed = scratch.action(action, "--crate-type=lib --out-dir=out a.rs");
        assert_eq!(failed.code, Some(1));
        assert!(failed.stderr.contains("E0308"), "rustc's own words: {}", failed.stderr);
    }
    assert!(scratch.read("out/_hollow/liba_meta.rlib") == old);
    assert_eq!(scratch.list("out"), ["_hollow", "_hollow/liba_meta.rlib"]);
}

#[test]
fn a_failed_link_leaves_nothing() {
    let scratch = program();
    scratch.rustc("--crate-type=lib a.rs").ok();
    let linker = script(&scratch, "linker", "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\necho partial > $2\nexit 1\n");
    let failed =
        scratch.action("link", &format!("--crate-type=bin --out-dir=out main.rs --extern=a=liba.rlib -Clinker={linker}"));
    assert_eq!(failed.code, Some(1));
    assert_eq!(scratch.list("out"), [] as [&str; 0]);
}

#[test]
fn an_output_that_can_not_be_written_is_one_line() {
    let scratch = program();
    scratch.write("file", "");
    let stopped = scratch.action("metadata", "--crate-type=lib --out-dir=file/out a.rs").stopped(2);
    assert_eq!(
        stopped,
        "cannot make a place for the output: failed to create directory `file/out/_hollow`: Not a directory (os error 20)"
    );
    // Whether a directory is writable is rustc's to find out: root may write everywhere but in such file systems.
    let proc = scratch.action("link", "--crate-type=lib --out-dir=/proc a.rs");
    assert_eq!(proc.code, Some(1));
    assert!(proc.stderr.starts_with("error"), "{}", proc.stderr);
}

#[test]
fn a_read_only_or_linked_output_is_replaced_never_changed() {
    let scratch = program();
    scratch.rustc("--crate-type=lib a.rs").ok();
    for (output, line) in [
        ("out/_hollow/liba_meta.rlib", "metadata -- rustc --crate-type=lib --emit=link,dep-info --out-dir=out a.rs"),
        ("out/_hollow/a.d", "metadata -- rustc --crate-type=lib --emit=link,dep-info --out-dir=out a.rs"),
        ("out/liba.rlib", "link -- rustc --crate-type=lib --out-dir=out a.rs"),
        ("out/a.d", "link -- rustc --crate-type=lib --emit=link,dep-info --out-dir=out a.rs"),
        ("out/main", "link -- rustc --edition=2021 --crate-type=bin --out-dir=out main.rs --extern=a=liba.rlib"),
    ] {
        for mode in [0o644, 0o444] {
            let cached = scratch.write("cache", "old");
            fs::set_permissions(&cached, PermissionsExt::from_mode(mode)).unwrap();
            fs::create_dir_all(scratch.path(output).parent().unwrap()).unwrap();
            for hard in [true, false] {
                let _ = fs::remove_file(scratch.path(output));
                let path = scratch.path(output);
                if hard { fs::hard_link(&cached, path) } else { symlink(&cached, path) }.unwrap();
                scratch.hollow(&line.split_whitespace().collect::<Vec<_>>()).ok();
                assert_eq!(scratch.read("cache"), b"old", "{output}: the other name keeps its content");
                assert_eq!(fs::metadata(&cached).unwrap().mode() & 0o777, mode, "{output}: and its permissions");
                assert!(scratch.read(output) != b"old");
            }
            fs::remove_file(cached).unwrap();
        }
    }
}

#[test]
fn an_output_that_is_a_device_stays_one() {
    let scratch = program();
    scratch.rustc("--crate-type=lib a.rs").ok();
    symlink("/dev/null", scratch.path("sink")).unwrap();
    scratch.action("link", "--crate-type=bin main.rs --extern=a=liba.rlib --emit=dep-info=sink,link=main").ok();
    scratch.action("link", "--crate-type=bin main.rs --extern=a=liba.rlib -o sink");
    assert!(scratch.path("sink").is_symlink());
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let scratch = program();
    scratch.rustc("--crate-type=lib a.rs").ok();
    fs::create_dir(scratch.path("temporary")).unwrap();
    // A file may grow to 8 blocks only, as if the disk were full then.
    let limited =
        "ulimit -f 8; exec \"$0\" link -- rustc --edition=2021 --crate-type=bin --out-dir=out main.rs --extern=a=liba.rlib";
    let mut command = scratch.command("sh");
    let failed = run(command.args(["-c", limited, HOLLOW]).env("TMPDIR", scratch.path("temporary")));
    assert_ne!(failed.code, Some(0));
    assert_eq!(scratch.list("out"), [] as [&str; 0]);
    assert_eq!(scratch.list("temporary"), [] as [&str; 0]);
}

#[test]
fn nobody_reading_what_is_said_is_no_reason_to_stop() {
    let scratch = program();
    for redirection in ["2>&-", "2>/dev/full"] {
        let line = format!("exec \"$0\" metadata --explain -- rustc --crate-type=lib --out-dir=out a.rs {redirection}");
        run(scratch.command("sh").args(["-c", &line, HOLLOW])).ok();
        assert!(scratch.exists("out/_hollow/liba_meta.rlib"));
        fs::remove_dir_all(scratch.path("out")).unwrap();
    }
    // A pipe whose reader has gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = scratch.command(HOLLOW);
    let status = command
        .args(["metadata", "--explain", "--", "rustc", "--crate-type=lib", "--out-dir=out", "a.rs"])
        .stderr(writer)
        .status();
    assert!(status.unwrap().success());
    for line in ["inspect out/_hollow/liba_meta.rlib", "interface -- rustc a.rs", "link --print=json -- rustc a.rs"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = scratch.command(HOLLOW);
        let child = command.args(line.split_whitespace()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{line}");
    }
    let full = run(scratch.command("sh").args(["-c", "exec \"$0\" inspect out/_hollow/liba_meta.rlib >/dev/full", HOLLOW]));
    assert_eq!(full.stopped(2), "cannot print the report: No space left on device (os error 28)");
}

#[test]
fn a_response_file_that_is_missing_or_includes_itself_is_one_line() {
    let scratch = program();
    scratch.write("self", "--crate-type=lib\n@./self\n");
    let stopped = scratch.action("metadata", "@self").stopped(2);
    assert_eq!(stopped, "the response file `self` includes itself: self -> ./self");
    let stopped = scratch.action("metadata", "@gone").stopped(2);
    assert_eq!(stopped, "cannot read the response file `gone`: No such file or directory (os error 2)");
    let stopped = scratch.action("metadata", "@/").stopped(2);
    assert_eq!(stopped, "cannot read the response file `/`: Is a directory (os error 21)");
}

#[test]
fn two_hundred_thousand_arguments_go_through_a_response_file_that_is_removed() {
    let scratch = program();
    fs::create_dir(scratch.path("temporary")).unwrap();
    let many: String = (0..200_000).map(|index| format!("--cfg=feature=\"number-{index}\"\n")).collect();
    scratch.write("many", many);
    scratch.write("a.rs", "#[cfg(feature = \"number-199999\")] pub fn a() -> u32 { 7 }");
    let mut command = scratch.command(HOLLOW);
    command.env("TMPDIR", scratch.path("temporary"));
    run(command.args(["metadata", "--", "rustc", "--crate-type=lib", "--out-dir=out", "@many", "a.rs"])).ok();
    run(scratch.command(HOLLOW).args(["link", "--", "rustc", "--crate-type=lib", "--out-dir=out", "@many", "a.rs"])).ok();
    scratch.hollow(&["inspect", "out/liba.rlib", "out/_hollow/liba_meta.rlib"]).ok();
    assert_eq!(scratch.list("temporary"), [] as [&str; 0]);
    scratch.rustc("main.rs --extern=a=out/liba.rlib").ok();
}

#[test]
fn an_argument_with_a_newline_survives_even_beside_a_response_file() {
    let scratch = Scratch::new();
    let shown = script(
        &scratch,
        "rustc",
        "#!/bin/sh\nfor argument do case $argument in @*) cat \"${argument#@}\";; *) printf '%s|' \"$argument\";; esac; done\n",
    );
    let many: String = (0..200_000).map(|index| format!("-l{index:020}\n")).collect();
    scratch.write("many", many);
    let line = ["link", "--", &shown, "--crate-type=lib", "--cfg=two\nlines", "@many", "--out-dir=out", "a.rs"];
    let printed = scratch.hollow(&line);
    // This compiler writes no rlib, which is noticed.
    assert_eq!(printed.stderr, "hollow: error: rustc succeeded but did not write `out/liba.rlib`\n");
    let (direct, filed) = printed.stdout.split_once("-l00000000000000000000\n").unwrap();
    assert_eq!(direct, "--crate-type=lib|--cfg=two\nlines|");
    assert!(filed.contains(&format!("-l{:020}\na.rs\n--emit=link=out/", 199_999)), "{}", &filed[filed.len() - 200..]);
}

#[test]
fn a_toolchain_of_rustup_belongs_to_the_program_and_stays_first() {
    let scratch = Scratch::new();
    scratch.write("a.rs", "");
    let rustc = script(&scratch, "rustc", "#!/bin/sh\nprintf '%s|%s|' \"$1\" \"$2\"\n");
    // Asked for the crate's name, rustc is called once more, and for very many arguments through a response file.
    scratch.write("named.rs", "#![crate_name = \"b\"]");
    scratch.write("many", (0..200_000).map(|index| format!("-l{index:020}\n")).collect::<String>());
    for (line, said) in [
        ("metadata -- RUSTC +stable --crate-type=lib a.rs", "+stable|--crate-type=lib|"),
        ("link -- RUSTC +stable a.rs", "+stable|a.rs|"),
        ("link -- RUSTC +stable named.rs --crate-type=lib", "+stable|named.rs|"),
    ] {
        let line = line.replace("RUSTC", &rustc);
        let ran = scratch.hollow(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(ran.stdout, said, "{line}");
        assert!(!scratch.list("").iter().any(|name| name.contains('+')), "{line}");
    }
    let many = scratch.hollow(&["link", "--", &rustc, "+stable", "--crate-type=lib", "@many", "a.rs"]).stdout;
    assert!(many.starts_with("+stable|@"), "{many}");
    let printed = scratch.hollow(&["metadata", "--print=json", "--", &rustc, "+stable", "--crate-type=lib", "a.rs"]).ok().stdout;
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&printed["crate"], &printed["argv"][1]), (&"a".into(), &"+stable".into()));
}

#[test]
fn arguments_that_are_no_utf8_reach_rustc() {
    let scratch = Scratch::new();
    let shown = script(&scratch, "rustc", "#!/bin/sh\nfor argument do printf '%s|' \"$argument\"; done\n");
    let mut command = scratch.command(HOLLOW);
    command.args(["link", "--", &shown, "--crate-type=lib"]).arg(OsStr::from_bytes(b"-Lnative=\xff\xfe"));
    let output = command.args(["--emit=link=liba.rlib"]).arg(OsStr::from_bytes(b"\xf0.rs")).output().unwrap();
    assert_eq!(output.stdout, b"--crate-type=lib|-Lnative=\xff\xfe|--emit=link=liba.rlib|\xf0.rs|");
    // rustc itself takes no such argument, and says so.
    let refused =
        run(scratch.command(HOLLOW).args(["link", "--", "rustc", "--crate-type=lib"]).arg(OsStr::from_bytes(b"\xf0.rs")));
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("not valid Unicode"), "{}", refused.stderr);
    let json = run(scratch
        .command(HOLLOW)
        .args(["link", "--print=json", "--", "rustc", "--crate-type=lib"])
        .arg(OsStr::from_bytes(b"\xf0.rs")));
    assert_eq!(json.stopped(2), "JSON can't hold an argument that is not UTF-8: use --print shell");
}

#[test]
fn two_crates_with_one_name_keep_apart() {
    let scratch = Scratch::new();
    for (number, answer) in [(1, "one"), (2, "two")] {
        scratch.write(&format!("a{number}.rs"), format!("pub fn a() -> &'static str {{ \"{answer}\" }}"));
        scratch.write(&format!("b{number}.rs"), "pub fn b() -> &'static str { a::a() }");
    }
    scratch.write("main.rs", "fn main() { println!(\"{} {}\", b1::b(), b2::b()); }");
    for action in ["metadata", "link"] {
        for number in [1, 2] {
            scratch
                .action(
                    action,
                    &format!("--crate-name=a --crate-type=lib -Cmetadata={number} -Cextra-filename=-{number} --out-dir=out a{number}.rs"),
                )
                .ok();
            scratch
                .action(
                    action,
                    &format!("--crate-type=lib --out-dir=out b{number}.rs --extern=a=out/liba-{number}.rlib -Ldependency=out"),
                )
                .ok();
        }
    }
    scratch
        .action(
            "link",
            "--crate-type=bin --out-dir=out main.rs --extern=b1=out/libb1.rlib --extern=b2=out/libb2.rlib -Ldependency=out",
        )
        .ok();
    assert_eq!(run(&mut scratch.command(scratch.path("out/main"))).ok().stdout, "one two\n");
}

#[test]
fn concurrent_actions_share_a_directory() {
    let scratch = Scratch::new();
    let names: Vec<String> = (0..6).map(|index| format!("c{index}")).collect();
    for name in &names {
        scratch.write(&format!("{name}.rs"), format!("pub fn {name}() {{}}"));
    }
    let start = |action: &str, name: &str| {
        let mut command = scratch.command(HOLLOW);
        let source = format!("{name}.rs");
        command
            .args([action, "--", "rustc", "--crate-type=lib", "--emit=dep-info,link", "--out-dir=new/out", &source])
            .spawn()
            .unwrap()
    };
    let running: Vec<Child> = names.iter().flat_map(|name| [start("metadata", name), start("link", name)]).collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    for name in &names {
        let full = format!("new/out/lib{name}.rlib");
        scratch.hollow(&["inspect", &full, &format!("new/out/_hollow/lib{name}_meta.rlib")]).ok();
        assert!(String::from_utf8(scratch.read(format!("new/out/_hollow/{name}.d"))).unwrap().contains("_hollow"));
        assert!(Path::new(&full).parent().is_some());
    }
}

#[test]
fn a_process_group_outside_of_the_sandbox_is_no_obstacle() {
    if which::which("bwrap").is_err() {
        return missing("there is no bwrap");
    }
    let scratch = Scratch::new();
    scratch.write("lib.rs", "pub fn f() {}");
    let mut sandbox = scratch.command("bwrap");
    // Here the group has the number 0.
    sandbox.args(["--unshare-pid", "--dev-bind", "/", "/", "--proc", "/proc", HOLLOW]);
    run(sandbox.args(["metadata", "--interface=drop", "--", "rustc", "--crate-type=lib", "--out-dir=out", "lib.rs"])).ok();
    assert!(scratch.exists("out/_hollow/liblib_meta.rlib"));
}
