//! Children that can be interrupted together with everything they started.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::{Ended, Invocation};

/// The signals that are passed on: those by which people and build systems stop an action.
const PASSED_ON: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Runs programs, one after the other, and passes on the signals that ask this process to stop. From its making on, such a signal no longer ends
/// this process at once, so that there is time to clean up.
///
/// A program gets a process group of its own, so that a signal reaches it *and* its children (rustc's linker): rustc alone would die and leave
/// its linker running. A second signal kills the group. When a program has been killed, whatever is left of its group is killed too.
pub struct Runner {
    state: Arc<State>,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    /// The process group of the program that runs.
    group: Mutex<Option<Pid>>,
    /// The last signal that came; 0 is none.
    signal: AtomicI32,
}

impl Runner {
    /// Begins to listen for signals.
    pub fn new() -> io::Result<Self> {
        let mut signals = Signals::new(PASSED_ON)?;
        let handle = signals.handle();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new().spawn(move || signals.forever().for_each(|signal| shared.pass_on(signal)))?;
        Ok(Self { state, handle, thread: Some(thread) })
    }

    /// The signal that asked this process to stop, if one has come.
    pub fn interrupted(&self) -> Option<i32> {
        Some(self.state.signal.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// Runs a program to its end. Its standard streams are this process's own, so they pass byte for byte. After a signal no program is
    /// started any more; that counts as having been killed by it.
    pub fn run(&self, invocation: &Invocation) -> io::Result<Ended> {
        self.run_command(&mut invocation.command(), |_| {})
    }

    /// The same, but what the program says on standard error is the second result. This waits for all of the program's children that
    /// still hold its standard error.
    pub fn capture(&self, invocation: &Invocation) -> io::Result<(Ended, Vec<u8>)> {
        let mut said = Vec::new();
        let ended = self.run_command(invocation.command().stderr(Stdio::piped()), |child| {
            if let Some(mut stderr) = child.stderr.take() {
                // What can't be read was not said.
                let _ = stderr.read_to_end(&mut said);
            }
        })?;
        Ok((ended, said))
    }

    /// The same, but what it says on standard output is the result. `None` if it fails.
    pub fn answer(&self, invocation: &Invocation) -> Option<Vec<u8>> {
        let mut said = Vec::new();
        let ended = self.run_command(invocation.command().stdin(Stdio::null()).stdout(Stdio::piped()), |child| {
            if let Some(mut stdout) = child.stdout.take() {
                let _ = stdout.read_to_end(&mut said);
            }
        });
        matches!(ended, Ok(Ended::Exited(0))).then_some(said)
    }

    /// The same as [`run`](Self::run), but each line that the program says on standard error is handed over as it comes, its line end included.
    pub fn stream(&self, invocation: &Invocation, mut line: impl FnMut(&[u8])) -> io::Result<Ended> {
        self.run_command(invocation.command().stderr(Stdio::piped()), |child| {
            let Some(stderr) = child.stderr.take() else { return };
            let mut stderr = BufReader::new(stderr);
            let mut said = Vec::new();
            while stderr.read_until(b'\n', &mut said).is_ok_and(|read| read > 0) {
                line(&said);
                said.clear();
            }
        })
    }

    fn run_command(&self, command: &mut Command, meanwhile: impl FnOnce(&mut Child)) -> io::Result<Ended> {
        // Held until the group is known, so that no signal gets lost in between.
        let mut group = self.state.group();
        if let Some(signal) = self.interrupted() {
            return Ok(Ended::Killed(signal));
        }
        let mut child = command.process_group(0).spawn()?;
        let pid = Pid::from_child(&child);
        *group = Some(pid);
        drop(group);

        meanwhile(&mut child);
        // Looks at the child's end without taking it, so that its group's number can't be given to others meanwhile.
        let ended = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        let killed = ended.ok().flatten().is_some_and(|ended| ended.killed() || ended.dumped());
        let mut group = self.state.group();
        if killed || self.interrupted().is_some() {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        *group = None;
        Ok(Ended::of(child.wait()?))
    }
}

impl State {
    fn pass_on(&self, signal: i32) {
        let group = self.group();
        let again = self.signal.swap(signal, Ordering::Relaxed) != 0;
        let signal = if again { Some(Signal::KILL) } else { Signal::from_named_raw(signal) };
        if let (Some(group), Some(signal)) = (*group, signal) {
            // It fails only if the whole group has ended by itself.
            let _ = kill_process_group(group, signal);
        }
    }

    fn group(&self) -> MutexGuard<'_, Option<Pid>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported.
            let _ = thread.join();
        }
    }
}
