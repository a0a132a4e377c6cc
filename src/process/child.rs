//! A child that can be interrupted together with everything it started.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Ended, Invocation};

/// The signals that are passed on: those by which people and build systems stop an action.
const PASSED_ON: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Runs a program to its end. Its standard streams are this process's own, so they pass byte for byte.
///
/// The program gets a process group of its own, so that a signal which asks this process to stop reaches the program *and* its children
/// (rustc's linker): rustc alone would die and leave its linker running. A second such signal kills the group. When the program has
/// been killed, whatever is left of its group is killed too.
pub fn run(invocation: &Invocation) -> io::Result<Ended> {
    run_command(&mut invocation.command(), |_| {})
}

/// The same, but what the program says on standard error is the second result. This waits for all of the program's children that
/// still hold its standard error.
pub fn capture(invocation: &Invocation) -> io::Result<(Ended, Vec<u8>)> {
    let mut said = Vec::new();
    let ended = run_command(invocation.command().stderr(Stdio::piped()), |child| {
        if let Some(mut stderr) = child.stderr.take() {
            // What can't be read was not said.
            let _ = stderr.read_to_end(&mut said);
        }
    })?;
    Ok((ended, said))
}

fn run_command(command: &mut Command, meanwhile: impl FnOnce(&mut Child)) -> io::Result<Ended> {
    // Before the child exists, so that no signal gets lost in between.
    let mut signals = Signals::new(PASSED_ON)?;
    let handle = signals.handle();
    let mut child = command.process_group(0).spawn()?;
    let group = Pid::from_child(&child);
    let interrupted = AtomicBool::new(false);

    let status = thread::scope(|scope| {
        scope.spawn(|| {
            for signal in &mut signals {
                let again = interrupted.swap(true, Ordering::Relaxed);
                let signal = if again { Some(Signal::KILL) } else { Signal::from_named_raw(signal) };
                // It fails only if the whole group has ended by itself.
                let _ = signal.map(|signal| kill_process_group(group, signal));
            }
        });
        meanwhile(&mut child);
        // Looks at the child's end without taking it, so that its group's number can't be given to others meanwhile.
        let ended = retry_on_intr(|| waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        let killed = ended.ok().flatten().is_some_and(|ended| ended.killed() || ended.dumped());
        if killed || interrupted.load(Ordering::Relaxed) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        handle.close();
        child.wait()
    })?;
    Ok(Ended::of(status))
}
