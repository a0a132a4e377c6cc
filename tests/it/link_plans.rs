//! Link plans: what they depend on, what is refused, what can't be split, and what happens when things go wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use nix::sys::resource::{Resource, setrlimit};

use crate::support::{HOLLOW, Ran, Scratch, missing, run};

/// A library and a program.
fn program() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.rs", "pub fn a() -> u32 { helper() } fn helper() -> u32 { 7 }");
    scratch.write("main.rs", "fn main() { println!(\"{}\", a::a()); }");
    scratch.action("metadata --interface=drop", LIBRARY).ok();
    scratch
}

const LIBRARY: &str = "--crate-type=lib --out-dir=out a.rs";
const PROGRAM: &str = "--out-dir=out main.rs --extern=a=out/liba.rlib";
const PLAN: &str = "link --plan=out/_hollow/main.plan";

/// The same with both made.
fn compiled() -> Scratch {
    let scratch = program();
    full_library(&scratch);
    scratch.action("compile", PROGRAM).ok();
    scratch
}

fn full_library(scratch: &Scratch) {
    scratch.action("link --seal-with=out/_hollow/liba_meta.rlib", LIBRARY).ok();
}

fn prints(scratch: &Scratch) -> String {
    run(&mut scratch.command(scratch.path("out/main"))).ok().stdout
}

/// A linker of the tests' own, in the place of `cc`.
fn linker(scratch: &Scratch, script: &str) {
    let linker = scratch.write("bin/cc", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(linker, fs::Permissions::from_mode(0o755)).unwrap();
}

fn action_with_path(scratch: &Scratch, action: &str, rustc: &str) -> Command {
    let mut command = scratch.command(HOLLOW);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", scratch.path("bin").display()));
    command.args(format!("{action} -- rustc --edition=2021 {rustc}").split_whitespace());
    command
}

#[test]
fn a_private_body_needs_no_compilation_of_what_is_above() {
    let scratch = compiled();
    scratch.action(PLAN, PROGRAM).ok();
    assert_eq!(prints(&scratch), "7\n");
    let (hollow, plan) = (scratch.read("out/_hollow/liba_meta.rlib"), scratch.read("out/_hollow/main.plan"));

    scratch.write("a.rs", "// More.\npub fn a() -> u32 { 2 * other() } fn other() -> u32 { 4 }");
    scratch.action("metadata --interface=drop", LIBRARY).ok();
    assert!(scratch.read("out/_hollow/liba_meta.rlib") == hollow);
    full_library(&scratch);
    scratch.action(PLAN, PROGRAM).ok();
    assert_eq!(prints(&scratch), "8\n");
    scratch.action("compile", PROGRAM).ok();
    assert!(scratch.read("out/_hollow/main.plan") == plan);
}

#[test]
fn the_compile_action_opens_no_full_rlib() {
    if which::which("strace").is_err() {
        return missing("strace");
    }
    let scratch = program();
    full_library(&scratch);
    let mut strace = scratch.command("strace");
    strace.args(["-f", "-qq", "-e", "trace=%file", "-o", "trace", HOLLOW, "compile", "--", "rustc"]);
    let traced = run(strace.args(format!("{PROGRAM} -Ldependency=out").split_whitespace()));
    if traced.stderr.contains("ptrace") {
        return missing("strace that is allowed to trace");
    }
    traced.ok();
    let trace = String::from_utf8(scratch.read("trace")).unwrap();
    assert!(trace.contains("liba_meta.rlib"));
    assert!(!trace.lines().any(|line| line.contains("open") && line.contains("liba.rlib")));
}

#[test]
fn a_plan_does_not_depend_on_where_and_when_it_is_made() {
    let plans: Vec<Vec<u8>> = ["one", "another/longer"]
        .iter()
        .map(|directory| {
            let scratch = Scratch::new();
            scratch.write(&format!("{directory}/a.rs"), "pub fn a() -> u32 { 7 }");
            scratch.write(&format!("{directory}/main.rs"), "fn main() { println!(\"{}\", a::a()); }");
            let place = scratch.path(directory);
            fs::create_dir_all(place.join("temporary")).unwrap();
            let hollow = |action: &str, rustc: &str| {
                let line = format!("{action} --remap-cwd=. -- rustc --edition=2021 -g {rustc}");
                let mut command = scratch.command(HOLLOW);
                command.current_dir(&place).env("PWD", &place).env("TMPDIR", place.join("temporary"));
                run(command.args(line.split_whitespace())).ok();
            };
            hollow("metadata", LIBRARY);
            let native = place.display();
            hollow("compile", &format!("{PROGRAM} -Cincremental=cache -Lnative={native} -Clink-arg=-Wl,-rpath,{native}"));
            hollow(
                "compile --plan-format=directory --output=directory",
                &format!("{PROGRAM} -Lnative={native} -Clink-arg=-Wl,-rpath,{native} -Cincremental=cache"),
            );
            scratch.read(format!("{directory}/out/_hollow/main.plan"))
        })
        .collect();
    assert!(plans[0] == plans[1]);
}

#[test]
fn a_directory_has_the_same_content_and_links_the_same() {
    let scratch = compiled();
    scratch.action(PLAN, PROGRAM).ok();
    let by_file = scratch.read("out/main");
    for _ in 0..2 {
        scratch.action("compile --plan-format=directory --output=directory.plan", PROGRAM).ok();
    }
    let same = scratch.hollow(&["inspect", "out/_hollow/main.plan", "directory.plan"]).ok().stdout;
    assert!(same.contains("\nthe same plan: both link the same program"), "{same}");
    scratch.action("link --plan=directory.plan", PROGRAM).ok();
    assert!(scratch.read("out/main") == by_file);
    assert!(scratch.list("directory.plan").contains(&"manifest.json".into()));
    assert!(!scratch.list("").iter().any(|name| name.contains(".hollow-")));
}

#[test]
fn a_plan_is_described() {
    let scratch = compiled();
    let text = scratch.hollow(&["inspect", "out/_hollow/main.plan"]).ok().stdout;
    for line in [
        "out/_hollow/main.plan: link plan\n",
        "  crate    main\n",
        "  linker   cc\n",
        " <rlib>/liba.rlib\n",
        "  symbols.o\n",
        " liba.rlib  svh ",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let json = scratch.hollow(&["inspect", "--format=json", "out/_hollow/main.plan"]).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["plans"][0]["rlibs"][0]["file"], "liba.rlib");
    assert!(json["plans"][0]["files"][0]["size"].as_u64().unwrap() > 100);

    scratch.write("main.rs", "fn main() { println!(\"{}\", a::a() + 1); }");
    scratch.action("compile --output=other.plan", PROGRAM).ok();
    let other = scratch.hollow(&["inspect", "out/_hollow/main.plan", "other.plan"]);
    assert_eq!(other.code, Some(1));
    assert!(other.stdout.contains("different plans: ") && other.stdout.contains(".rcgu.o differs"), "{}", other.stdout);
}

#[test]
fn a_plan_that_does_not_fit_is_refused() {
    let scratch = compiled();
    let refused = |action: &str, rustc: &str| scratch.action(action, rustc).stopped(2);
    assert_eq!(
        refused("link --plan=gone.plan", PROGRAM),
        "cannot read the link plan `gone.plan`: No such file or directory (os error 2)"
    );
    assert!(refused("link --plan=main.rs", PROGRAM).starts_with("`main.rs` is not a link plan: it is "));
    assert_eq!(
        refused(PLAN, &format!("{PROGRAM} --crate-name=other")),
        "the link plan `out/_hollow/main.plan` is that of crate `main`, and this command line is of `other`: give the plan that belongs to it"
    );
    assert_eq!(
        refused(PLAN, &format!("{PROGRAM} -O")),
        "the link plan `out/_hollow/main.plan` was made by another command line for crate `main`: pass both actions the same one, or compile again"
    );
    assert_eq!(
        refused(PLAN, "--out-dir=out main.rs"),
        "the link plan `out/_hollow/main.plan` needs `liba.rlib`, and neither --extern nor -L leads to it: build it first"
    );
    assert_eq!(
        refused(PLAN, LIBRARY),
        "--plan links what `hollow compile` has compiled, and the rlib `a` is not linked: leave it out"
    );
    assert_eq!(
        refused("compile", LIBRARY),
        "crate `a` is an rlib, and only what is linked has a link plan: use `hollow metadata` and `hollow link`"
    );
    assert!(refused("compile --print=shell", PROGRAM).starts_with("--print shows a command of rustc"));
    assert!(!scratch.exists("out/main"));
}

#[test]
fn a_plan_that_is_cut_off_or_another_hollows_is_refused() {
    let scratch = compiled();
    let plan = scratch.read("out/_hollow/main.plan");
    for length in [0, 10, 20, 100, plan.len() - 1] {
        scratch.write("cut.plan", &plan[..length]);
        let said = scratch.action("link --plan=cut.plan", PROGRAM).stopped(2);
        assert!(said.starts_with("`cut.plan` is not a link plan: "), "{length}: {said}");
    }
    let text = String::from_utf8_lossy(&plan[25..]).replacen(env!("CARGO_PKG_VERSION"), "9.9.9", 1);
    let head = &text.as_bytes()[..300];
    scratch.write("other.plan", [&plan[..25], head, &plan[25 + 300..]].concat());
    let said = scratch.action("link --plan=other.plan", PROGRAM).stopped(2);
    assert!(said.starts_with("the link plan `other.plan` was made by hollow 9.9.9, and this is "), "{said}");
}

#[test]
fn an_rlib_with_other_metadata_is_refused() {
    let scratch = compiled();
    scratch.write("a.rs", "pub fn a() -> u32 { 8 } pub fn more() {}");
    scratch.action("link", LIBRARY).ok();
    let said = scratch.action(PLAN, PROGRAM).stopped(2);
    assert!(said.starts_with("the metadata of `out/liba.rlib` (svh "), "{said}");
    assert!(said.ends_with("seal the rlib with its hollow twin, or compile again"), "{said}");
    fs::copy(scratch.path("out/_hollow/liba_meta.rlib"), scratch.path("out/liba.rlib")).unwrap();
    let said = scratch.action(PLAN, PROGRAM).stopped(2);
    assert!(said.starts_with("`out/liba.rlib` is a hollow rlib, and the link plan"), "{said}");
    assert!(!scratch.exists("out/main"));
}

#[test]
fn what_cannot_be_split_is_made_by_the_link_action() {
    let scratch = program();
    full_library(&scratch);
    for (option, reason) in [
        ("-Clto=thin", "-Clto=thin compiles the dependencies' code"),
        ("-Clto", "-Clto compiles"),
        ("-Clto=off -Clto=fat", "-Clto=fat compiles"),
        ("--crate-type=staticlib", "no linker makes a staticlib"),
        ("-g -Csplit-debuginfo=packed", "-Csplit-debuginfo=packed: a tool gathers"),
        ("-Csave-temps", "-Csave-temps keeps"),
        ("--print=link-args", "--print=link-args is answered by rustc"),
        ("--target=x86_64-pc-windows-gnu", "hollow does not know how rustc links for the target x86_64-pc-windows-gnu"),
        ("--target=specification.json", "hollow does not know how rustc links"),
        ("-Wlinker-messages", "the lint linker_messages"),
    ] {
        let line = format!("{PROGRAM} {option}");
        let explained = scratch.action("compile --explain --output=unsplit.plan", &line).ok().stderr;
        assert!(explained.contains(&format!("hollow: not split: {reason}")), "{option}: {explained}");
        let inspected = scratch.hollow(&["inspect", "unsplit.plan"]).ok().stdout;
        assert!(inspected.contains(&format!("  unsplit  the link action runs rustc: {reason}")), "{option}: {inspected}");
    }
    for option in ["-Clto=thin", "-Csplit-debuginfo=packed -g"] {
        let line = format!("{PROGRAM} {option}");
        scratch.action("compile --output=unsplit.plan", &line).ok();
        let explained = scratch.action("link --explain --plan=unsplit.plan", &line).ok().stderr;
        assert!(explained.contains("hollow: not split: "), "{explained}");
        assert_eq!(prints(&scratch), "7\n");
        fs::remove_file(scratch.path("out/main")).unwrap();
    }
    assert!(scratch.exists("out/main.dwp"));
}

#[test]
fn diagnostics_come_from_the_compile_action_and_the_program_is_announced_by_the_link_action() {
    let scratch = program();
    full_library(&scratch);
    scratch.write("main.rs", "fn main() { let unused = 1; println!(\"{}\", a::a()); }");
    let line = format!("{PROGRAM} --emit=dep-info,link --error-format=json --json=artifacts");
    let plain = scratch.rustc(&line).ok().stderr;
    let dep_info = scratch.read("out/main.d");
    fs::remove_file(scratch.path("out/main.d")).unwrap();
    let compiled = scratch.action("compile", &line).ok().stderr;
    let linked = scratch.action(PLAN, &line).ok().stderr;
    assert_eq!(format!("{compiled}{linked}").lines().collect::<Vec<_>>(), in_this_order(&plain));
    assert!(scratch.read("out/main.d") == dep_info);
    // Without anybody who listens, it is complete or not at all.
    scratch.action("compile", &format!("{PROGRAM} --emit=dep-info,link")).ok();
    assert!(scratch.read("out/main.d") == dep_info);

    scratch.write("main.rs", "fn main() { 1 + \"\" }");
    let plain = scratch.rustc(PROGRAM);
    let wrapped = scratch.action("compile --output=failed.plan", PROGRAM);
    assert_eq!((wrapped.code, wrapped.stderr), (plain.code, plain.stderr));
    assert!(!scratch.exists("failed.plan"));
}

/// The program's announcement last, as with two actions.
fn in_this_order(said: &str) -> Vec<&str> {
    let is_link = |line: &&str| line.ends_with("\"emit\":\"link\"}");
    let mut lines: Vec<&str> = said.lines().filter(|line| !is_link(line)).collect();
    lines.extend(said.lines().filter(is_link));
    lines
}

#[test]
fn a_linker_that_fails_is_reported_as_rustc_does_it() {
    let scratch = compiled();
    linker(&scratch, "echo 'out: x'; echo 'undefined reference to `y`' >&2; exit 3");
    for options in ["", "--error-format=json", "-v"] {
        let line = format!("{PROGRAM} {options}");
        let normal = |ran: Ran| {
            // Temporary and staged paths, and what is between them.
            let text = ran.stderr.replace("_hollow/", "");
            let mut words =
                text.split(['"', ' ']).filter(|word| !word.contains("rustc") && !word.contains(".hollow-")).collect::<Vec<_>>();
            words.retain(|word| !word.contains("out/") && !word.starts_with("/") && !word.contains("PATH="));
            (ran.code, words.join(" "))
        };
        let by_rustc = normal(run(&mut action_with_path(&scratch, "link", &line)));
        let by_plan = normal(run(&mut action_with_path(&scratch, PLAN, &line)));
        assert_eq!(by_plan.0, by_rustc.0, "{options}");
        if options != "-v" {
            assert_eq!(by_plan.1, by_rustc.1, "{options}");
        }
        assert!(by_plan.1.contains("failed: exit status: 3"), "{}", by_plan.1);
    }
    let said = run(&mut action_with_path(&scratch, &format!("{PLAN} --diagnostics=said.jsonl"), PROGRAM));
    assert!(
        said.stderr.starts_with("error: linking with `cc` failed: exit status: 3\n  |\n  = note:  \"cc\" \"-m64\""),
        "{}",
        said.stderr
    );
    assert!(String::from_utf8(scratch.read("said.jsonl")).unwrap().contains("\"level\":\"error\""));
    assert!(!scratch.exists("out/main"));
}

#[test]
fn a_linker_that_is_missing_or_killed_leaves_nothing() {
    let scratch = compiled();
    let missing = format!("{PROGRAM} -Clinker=no-such-linker");
    scratch.action("compile --output=missing.plan", &missing).ok();
    let by_plan = scratch.action("link --plan=missing.plan", &missing);
    let by_rustc = scratch.action("link", &missing);
    assert_eq!((by_plan.code, by_plan.stderr), (by_rustc.code, by_rustc.stderr));

    scratch.write("out/main", "old");
    linker(&scratch, "for last; do :; done; echo half >\"$(dirname \"$0\")/reached\"; kill -9 $$");
    let killed = run(&mut action_with_path(&scratch, PLAN, PROGRAM));
    assert_eq!(killed.code, Some(1));
    assert!(killed.stderr.starts_with("error: linking with `cc` failed: signal: 9 (SIGKILL)\n"), "{}", killed.stderr);
    assert_eq!(scratch.read("out/main"), b"old");
    assert!(!scratch.list("out").iter().any(|name| name.contains(".hollow-")));
}

#[test]
fn an_option_that_the_linker_does_not_know_is_left_out_as_rustc_does_it() {
    let scratch = compiled();
    linker(
        &scratch,
        "case \" $* \" in *' -fuse-ld=lld '*) echo 'gcc: error: unrecognized command line option -fuse-ld=lld' >&2; exit 1;; esac\n\
         PATH=${PATH#*/bin:}; exec /usr/bin/env gcc \"$@\"",
    );
    run(&mut action_with_path(&scratch, PLAN, PROGRAM)).ok();
    assert_eq!(prints(&scratch), "7\n");
}

#[test]
fn a_plan_that_can_not_be_written_is_one_line_and_no_plan() {
    let scratch = program();
    scratch.write("main.rs", "fn main() { println!(\"{} {:?}\", a::a(), std::collections::BTreeMap::<u32, String>::new()); }");
    let line = format!("{PROGRAM} -g");
    scratch.action("compile", &line).ok();
    let size = scratch.read("out/_hollow/main.plan").len() as u64;
    let largest = scratch.hollow(&["inspect", "--format=json", "out/_hollow/main.plan"]).ok().stdout;
    let largest: serde_json::Value = serde_json::from_str(&largest).unwrap();
    let largest =
        largest["plans"][0]["files"].as_array().unwrap().iter().map(|file| file["size"].as_u64().unwrap()).max().unwrap();
    assert!(largest < size - 1000);
    fs::remove_file(scratch.path("out/_hollow/main.plan")).unwrap();
    let mut command = action_with_path(&scratch, "compile", &line);
    let limit = size - 500;
    // SAFETY: it only calls setrlimit and signal, which may be called between fork and exec.
    #[allow(unsafe_code)]
    unsafe {
        use std::os::unix::process::CommandExt;
        command.pre_exec(move || {
            nix::sys::signal::signal(nix::sys::signal::Signal::SIGXFSZ, nix::sys::signal::SigHandler::SigIgn)?;
            Ok(setrlimit(Resource::RLIMIT_FSIZE, limit, limit)?)
        });
    }
    let said = run(&mut command).stopped(2);
    assert!(said.starts_with("cannot write the link plan `out/_hollow/main.plan`: "), "{said}");
    assert!(!scratch.list("out").iter().any(|name| name.contains(".plan") || name.contains(".hollow-")));
}

#[test]
fn two_links_of_one_plan_at_once_do_not_disturb_each_other() {
    let scratch = compiled();
    scratch.action(PLAN, PROGRAM).ok();
    let expected = scratch.read("out/main");
    let start = || -> Child {
        let mut command = action_with_path(&scratch, PLAN, PROGRAM);
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<Child> = (0..4).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(scratch.read("out/main") == expected);
}

#[test]
fn thousands_of_objects_go_through_a_response_file() {
    let scratch = program();
    full_library(&scratch);
    let modules: String = (0..2000).map(|n| format!("pub mod module_{n:04} {{ #[unsafe(no_mangle)] #[inline(never)] pub extern \"C\" fn function_{n}() -> u32 {{ {n} }} }}\n")).collect();
    scratch.write("main.rs", format!("{modules}fn main() {{ println!(\"{{}}\", a::a() + module_0007::function_7()); }}"));
    // A long path for each object, so that they are more than fit into a command line.
    let directory = format!("{}/{}", "long".repeat(50), "longer".repeat(40));
    let long = PROGRAM.replace("--out-dir=out", &format!("--out-dir=out/{directory}"));
    let line = format!("{long} -Ccodegen-units=2000 -Cincremental=cache");
    scratch.action(&format!("compile --output=out/{directory}/main.plan"), &line).ok();
    scratch.action(&format!("link --plan=out/{directory}/main.plan"), &line).ok();
    let program = format!("out/{directory}/main");
    assert_eq!(run(&mut scratch.command(scratch.path(&program))).ok().stdout, "14\n");
    let split = scratch.read(&program);
    let inspected = scratch.hollow(&["inspect", &format!("out/{directory}/main.plan")]).ok().stdout;
    assert!(inspected.matches(".rcgu.o\n").count() > 2000, "there are too few objects");
    scratch.action("link", &line).ok();
    assert!(scratch.read(&program) == split);
}

#[test]
fn old_programs_that_are_read_only_stay_until_they_are_replaced() {
    let scratch = compiled();
    let old = scratch.write("out/main", "old");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o444)).unwrap();
    scratch.action("compile", PROGRAM).ok();
    assert_eq!(scratch.read("out/main"), b"old");
    scratch.action(PLAN, PROGRAM).ok();
    assert_eq!(prints(&scratch), "7\n");
}

#[test]
fn a_macro_is_published_by_the_link_of_its_plan() {
    let scratch = Scratch::new();
    scratch.write("m.rs", "use proc_macro::TokenStream; #[proc_macro] pub fn m(x: TokenStream) -> TokenStream { x }");
    let line = "--crate-type=proc-macro --out-dir=out m.rs --extern=proc_macro";
    scratch.action("compile", line).ok();
    assert_eq!(scratch.list("out/_hollow"), ["m.plan"]);
    scratch.action("link --plan=out/_hollow/m.plan", line).ok();
    let library = format!("libm{}", std::env::consts::DLL_SUFFIX);
    assert!(scratch.read(format!("out/{library}")) == scratch.read(format!("out/_hollow/{library}")));
}
