//! How a process ended, and how to say so.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(u8),
    /// By this signal.
    Killed(i32),
}

impl Ended {
    /// From what `wait` reported.
    pub fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, Some(signal)) => Self::Killed(signal),
            (None, None) => Self::Exited(u8::MAX),
        }
    }

    /// Whether it was a success.
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }

    /// The exit status to pass on: the process's own, or 128 and the signal's number, as shells do it.
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

/// Dies of a signal that asked this process to stop and was caught, as it would have died of it at once. A shell that runs it in a loop takes
/// any other end for a wish to go on. Returns only where nobody can die of a signal: in the first process of a container.
pub fn die_of(signal: i32) {
    if std::process::id() != 1 {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}

/// A signal's name, such as `SIGTERM`, or its number where it has none.
pub fn signal_name(signal: i32) -> String {
    let name = signal_hook::low_level::signal_name(signal);
    name.map_or_else(|| format!("signal {signal}"), str::to_owned)
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with status {code}"),
            Self::Killed(signal) => write!(f, "was killed by {}", signal_name(*signal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_128_and_its_number() {
        let killed = Ended::of(ExitStatus::from_raw(9));
        assert_eq!((killed, killed.code()), (Ended::Killed(9), 137));
        assert_eq!(killed.to_string(), "was killed by SIGKILL");
        assert_eq!(Ended::Killed(11).to_string(), "was killed by SIGSEGV");
        assert_eq!(Ended::Killed(40).to_string(), "was killed by signal 40");
        assert_eq!(Ended::of(ExitStatus::from_raw(3 << 8)).code(), 3);
    }
}
