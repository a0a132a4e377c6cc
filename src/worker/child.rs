//! One of several children that run at a time, each in a process group of its own.
//!
//! The worker's group is the Bazel server's, so nobody else kills what the worker has started: it kills the group of each child when its
//! request is cancelled and when it ends itself, and the system kills the child if the worker is killed.

use std::io::{self, PipeReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{ioctl_fionread, retry_on_intr};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::process::Ended;

/// How long a child may take to clean up.
pub const GRACE: Duration = Duration::from_millis(500);

/// What ends a child from outside. Works from any thread, at any time.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pid: Pid,
    life: Mutex<Life>,
    /// Wakes who attends the child.
    wake: UnixStream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// It was asked to end, then.
    Ending(Instant),
    /// Its number may be another process's by now.
    Reaped,
}

/// A child that has been started and must be attended.
pub struct Running {
    child: Child,
    handle: Handle,
    said: PipeReader,
    wake: UnixStream,
}

/// Starts a child, with its standard output and standard error in one pipe and nothing to read.
///
/// The thread that calls this has to outlive the child: for the system it is the thread that is the parent.
pub fn start(command: &mut Command) -> io::Result<Running> {
    let (said, output) = io::pipe()?;
    let (wake, waker) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    waker.set_nonblocking(true)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
    die_with_parent(command);
    let child = command.spawn();
    // The command holds the pipe's other end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = child?;
    let shared = Shared { pid: Pid::from_child(&child), life: Mutex::new(Life::Running), wake: waker };
    Ok(Running { child, handle: Handle(Arc::new(shared)), said, wake })
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let ask = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
        // It may have died before that.
        if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    // SAFETY: it makes two system calls and nothing else, which is allowed between fork and exec.
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

impl Handle {
    /// Asks the child and its children to end, and kills them if they have not after [`GRACE`].
    pub fn terminate(&self) {
        let mut life = self.life();
        if *life == Life::Running {
            *life = Life::Ending(Instant::now());
            let _ = kill_process_group(self.0.pid, Signal::TERM);
            self.wake();
        }
    }

    /// Kills the child and its children.
    pub fn kill(&self) {
        let mut life = self.life();
        if *life != Life::Reaped {
            *life = Life::Ending(Instant::now());
            let _ = kill_process_group(self.0.pid, Signal::KILL);
            self.wake();
        }
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.0.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Where the stream is full, there are enough bytes in it.
        let _ = (&self.0.wake).write(&[0]);
    }
}

impl Running {
    /// By which it can be ended.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Hears what the child says until it has ended, in pieces of any size. Does not wait for children of the child that live on (a compiler's
    /// server), unless the child was asked to end: then they are killed.
    pub fn attend(mut self, hear: &mut dyn FnMut(&[u8])) -> io::Result<Ended> {
        let pid = self.handle.0.pid;
        let waiting = {
            let handle = self.handle.clone();
            // It looks at the child's end without taking it, so that the number of its group stays its own.
            std::thread::Builder::new().spawn(move || {
                let _ = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
                handle.wake();
            })
        };
        if let Err(error) = waiting {
            self.handle.kill();
            self.reap()?;
            return Err(error);
        }
        let heard = self.hear_all(hear);
        if heard.is_err() {
            self.handle.kill();
        }
        let ended = self.reap()?;
        heard.map(|()| ended)
    }

    fn hear_all(&mut self, hear: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let mut chunk = vec![0; 64 * 1024];
        let mut open = true;
        loop {
            let limit = match *self.handle.life() {
                Life::Ending(since) => Some(GRACE.saturating_sub(since.elapsed())),
                Life::Running | Life::Reaped => None,
            };
            if limit == Some(Duration::ZERO) {
                self.handle.kill();
            }
            let mut sources = vec![PollFd::new(&self.wake, PollFlags::IN)];
            if open {
                sources.push(PollFd::new(&self.said, PollFlags::IN));
            }
            // A little more than is left, so that it is over then.
            let limit = limit.map(|limit| limit + Duration::from_millis(10));
            let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
            match poll(&mut sources, limit.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let spoke = sources.get(1).is_some_and(|said| !said.revents().is_empty());
            let mut woken = [0; 64];
            while self.wake.read(&mut woken).is_ok_and(|read| read > 0) {}
            if retry_on_intr(|| waitid(WaitId::Pid(self.handle.0.pid), look))?.is_some() {
                break;
            }
            if spoke {
                let read = self.said.read(&mut chunk)?;
                hear(&chunk[..read]);
                open = read > 0;
            }
        }
        // What it said before its end is in the pipe now. What is added to that comes from others.
        let mut left = if open { ioctl_fionread(&self.said)? } else { 0 };
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(chunk.len()).min(chunk.len());
            let read = self.said.read(&mut chunk[..length])?;
            if read == 0 {
                break;
            }
            hear(&chunk[..read]);
            left -= read as u64;
        }
        Ok(())
    }

    /// Takes the child's end. Until then, it or its group can be killed.
    fn reap(&mut self) -> io::Result<Ended> {
        // The end is waited for without the lock, and taken with it.
        retry_on_intr(|| waitid(WaitId::Pid(self.handle.0.pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT))?;
        let mut life = self.handle.life();
        if let Life::Ending(_) = *life {
            let _ = kill_process_group(self.handle.0.pid, Signal::KILL);
        }
        let status = self.child.wait();
        *life = Life::Reaped;
        Ok(Ended::of(status?))
    }
}
