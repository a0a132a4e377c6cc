//! Children that can be interrupted together with everything they started.

use std::io::{self, Read};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{ioctl_fionread, retry_on_intr};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_current_process_group, kill_process, kill_process_group, waitid};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::{Ended, Invocation};

/// The signals that are passed on: those by which people and build systems stop an action.
const PASSED_ON: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// How much a pipe is to hold. Linux gives any process a megabyte (`man 7 pipe`).
const CHUNK: usize = 256 * 1024;

/// Whoever started this process may have blocked SIGCHLD, which is inherited. Then the end of a child is seen by looking, this often.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Runs programs, one after the other, and passes on the signals that ask this process to stop. From its making on, such a signal no longer ends
/// this process at once, so that there is time to clean up.
///
/// A signal has to reach a program *and* its children (rustc's linker): rustc alone would die and leave its linker running. Where this
/// process leads a process group, as an action of a build system may, the program stays in that group, and so dies with it when the build
/// system kills the group. Otherwise the program gets a group of its own. A second signal kills. When a program has been killed, whatever
/// is left of its own group is killed too.
pub struct Runner {
    signals: Signals,
    group: Group,
}

/// In which process group programs run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// In this process's, which it leads.
    Shared,
    /// In this process's, which another process leads.
    Inherited,
    /// In their own.
    Own,
}

/// How often [`Signals`] were passed on to one program.
#[derive(Default)]
struct Passed {
    any: bool,
    /// Signals that this process sends to its own group come back to it.
    echoes: usize,
}

impl Runner {
    /// Begins to listen for signals.
    pub fn new() -> io::Result<Self> {
        // In a sandbox the group may be one outside, whose number is 0 there; rustix's types have no such number.
        let leads = nix::unistd::getpgrp() == nix::unistd::getpid();
        let group = if leads { Group::Shared } else { Group::Own };
        Ok(Self { signals: Signals::new()?, group })
    }

    /// The same, but programs stay in the process group of this process, whoever leads it. That is right below Cargo: whoever kills Cargo's group
    /// kills rustc, and a terminal's signals come to all.
    pub fn within_group() -> io::Result<Self> {
        Ok(Self { signals: Signals::new()?, group: Group::Inherited })
    }

    /// The signal that asked this process to stop, if one has come.
    pub fn interrupted(&self) -> Option<i32> {
        i32::try_from(self.signals.last.load(Ordering::Relaxed)).ok().filter(|&signal| signal != 0)
    }

    /// Runs a program to its end. Its standard streams are this process's own, so they pass byte for byte. After a signal no program is
    /// started any more; that counts as having been killed by it.
    pub fn run(&self, invocation: &Invocation) -> io::Result<Ended> {
        self.run_command(&mut invocation.command())
    }

    /// The same for a command with its own streams and environment.
    pub fn run_command(&self, command: &mut Command) -> io::Result<Ended> {
        self.attend(command, &mut |_| ControlFlow::Continue(()))
    }

    /// The same, but what the program says on standard error is the second result.
    pub fn capture(&self, invocation: &Invocation) -> io::Result<(Ended, Vec<u8>)> {
        let mut said = Vec::new();
        let ended = self.listen(&mut invocation.command(), &mut |bytes| {
            said.extend_from_slice(bytes);
            ControlFlow::Continue(())
        })?;
        Ok((ended, said))
    }

    /// The same, but what the program says on standard error goes to `hear`, in pieces of any size. If `hear` breaks off, the program is killed.
    ///
    /// This ends when the program has ended and all that it said was heard. It does not wait for the program's children that still hold its
    /// standard error, because a compiler's server may do so for hours.
    pub fn listen(&self, command: &mut Command, hear: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> io::Result<Ended> {
        self.attend(command.stderr(Stdio::piped()), hear)
    }

    /// The same, but line by line, each with its end.
    pub fn stream(&self, invocation: &Invocation, mut line: impl FnMut(&[u8])) -> io::Result<Ended> {
        let mut held = Vec::new();
        let ended = self.listen(&mut invocation.command(), &mut |bytes| {
            for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
                held.extend_from_slice(piece);
                if piece.ends_with(b"\n") {
                    line(&held);
                    held.clear();
                }
            }
            ControlFlow::Continue(())
        })?;
        if !held.is_empty() {
            line(&held);
        }
        Ok(ended)
    }

    fn attend(&self, command: &mut Command, hear: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> io::Result<Ended> {
        if let Some(signal) = self.interrupted() {
            return Ok(Ended::Killed(signal));
        }
        if self.group == Group::Own {
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let mut passed = Passed::default();
        let mut stderr = child.stderr.take();
        #[cfg(target_os = "linux")]
        if let Some(pipe) = &stderr {
            // Fewer changes between the two processes. It fails where there are too many large pipes already.
            let _ = rustix::pipe::fcntl_setpipe_size(pipe, CHUNK);
        }
        let mut chunk = vec![0; if stderr.is_some() { CHUNK } else { 0 }];
        // Looks at the child's end without taking it, so that its group's number can't be given to others meanwhile.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let killed = loop {
            let ready = self.signals.wait(stderr.as_ref())?;
            for _ in 0..ready.stops {
                self.pass_on(pid, &mut passed);
            }
            if ready.stderr {
                self.read(&mut stderr, &mut chunk, pid, hear)?;
            }
            if (ready.child || !ready.stderr)
                && let Some(ended) = retry_on_intr(|| waitid(WaitId::Pid(pid), look))?
            {
                break ended.killed() || ended.dumped();
            }
        };
        // What it said before its end is in the pipe now. What is added to that comes from others.
        let mut left = stderr.as_ref().map_or(Ok(0), ioctl_fionread)?;
        while let Some(rest) = NonZero::new(left).filter(|_| stderr.is_some()) {
            chunk.truncate(usize::try_from(rest.get()).unwrap_or(CHUNK).min(CHUNK));
            left -= self.read(&mut stderr, &mut chunk, pid, hear)? as u64;
        }
        if self.group == Group::Own && (killed || self.interrupted().is_some()) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        Ok(Ended::of(child.wait()?))
    }

    /// Reads what is there; the result is how much it was. There is no more `stderr` at its end, or when nobody wants to hear more.
    fn read(
        &self,
        stderr: &mut Option<ChildStderr>,
        chunk: &mut [u8],
        pid: Pid,
        hear: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> io::Result<usize> {
        let Some(pipe) = stderr else { return Ok(0) };
        let read = match pipe.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            read => read?,
        };
        if read == 0 {
            *stderr = None;
        } else if hear(&chunk[..read]).is_break() {
            *stderr = None;
            self.kill(pid);
        }
        Ok(read)
    }

    /// Passes the last signal on; from the second time on, kills.
    fn pass_on(&self, pid: Pid, passed: &mut Passed) {
        if passed.echoes > 0 {
            passed.echoes -= 1;
            return;
        }
        if std::mem::replace(&mut passed.any, true) {
            return self.kill(pid);
        }
        let Some(signal) = self.interrupted().and_then(Signal::from_named_raw) else { return };
        // These fail only if the whole group has ended by itself.
        match self.group {
            Group::Own => {
                let _ = kill_process_group(pid, signal);
            }
            Group::Inherited => {
                let _ = kill_process(pid, signal);
            }
            Group::Shared => {
                passed.echoes += 1;
                let _ = kill_current_process_group(signal);
            }
        }
    }

    /// Kills the program, and its children where they are in a group without this process.
    fn kill(&self, pid: Pid) {
        let _ = match self.group {
            Group::Own => kill_process_group(pid, Signal::KILL),
            Group::Shared | Group::Inherited => kill_process(pid, Signal::KILL),
        };
    }
}

/// The signals that have come. They stay registered, since a process makes one runner, or two that run programs at a time.
struct Signals {
    /// The number of the last one that asks this process to stop; 0 is none.
    last: Arc<AtomicUsize>,
    /// Gets a byte with each of them.
    stops: UnixStream,
    /// Gets a byte whenever a child may have ended.
    children: UnixStream,
}

/// What there is to be done.
struct Ready {
    /// So many signals have come that ask this process to stop.
    stops: usize,
    /// A child may have ended.
    child: bool,
    /// The child has said something, or will say nothing more.
    stderr: bool,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let (stops, stop) = UnixStream::pair()?;
        let (children, child) = UnixStream::pair()?;
        stops.set_nonblocking(true)?;
        children.set_nonblocking(true)?;
        let last: Arc<AtomicUsize> = Arc::default();
        for signal in PASSED_ON {
            // In this order, so that the number is there when the byte is.
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&last), number)?;
            signal_hook::low_level::pipe::register(signal, stop.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(SIGCHLD, child)?;
        Ok(Self { last, stops, children })
    }

    /// Waits until there is something to be done, but not for longer than [`LOOK`].
    fn wait(&self, stderr: Option<&ChildStderr>) -> io::Result<Ready> {
        let mut sources = vec![PollFd::new(&self.stops, PollFlags::IN), PollFd::new(&self.children, PollFlags::IN)];
        sources.extend(stderr.map(|stderr| PollFd::new(stderr, PollFlags::IN)));
        match poll(&mut sources, Some(&LOOK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // The end of a stream shows as a hang-up only.
        let [stops, child, stderr] =
            [0, 1, 2].map(|source| sources.get(source).is_some_and(|source| !source.revents().is_empty()));
        Ok(Ready { stops: if stops { drain(&self.stops) } else { 0 }, child: child && drain(&self.children) > 0, stderr })
    }
}

/// Takes all bytes out, and says how many there were.
fn drain(mut pipe: &UnixStream) -> usize {
    let mut bytes = [0; 64];
    std::iter::from_fn(|| pipe.read(&mut bytes).ok().filter(|&read| read > 0)).sum()
}
