//! How long a command line may be.

use rustix::process::{Resource, getrlimit};

/// What the system allows `execve` to pass on: `man 2 execve`, "Limits on size of arguments and environment".
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all arguments and environment variables together, with their terminators and pointers.
    pub total: usize,
    /// Bytes of one of them, with its terminator.
    pub single: usize,
}

impl Limits {
    /// Left free, because the program may start another with a few more variables (rustup's proxies do).
    const RESERVE: usize = 32 * 1024;

    /// The limits of this process.
    pub fn current() -> Self {
        let page = rustix::param::page_size();
        if cfg!(target_os = "linux") {
            // A quarter of the stack, at least 32 pages, and at most three quarters of 8 MiB.
            let stack =
                getrlimit(Resource::Stack).current.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
            Self { total: (stack / 4).clamp(32 * page, 6 << 20), single: 32 * page }
        } else {
            Self { total: 1 << 20, single: 1 << 20 }
        }
    }

    /// Whether strings of these lengths pass.
    pub fn allow(&self, lengths: impl Iterator<Item = usize>) -> bool {
        let mut total = Self::RESERVE;
        for length in lengths {
            total += length + 1 + size_of::<*const u8>();
            if length + 1 > self.single || total > self.total {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_and_each_string_count() {
        let limits = Limits { total: Limits::RESERVE + 100, single: 50 };
        assert!(limits.allow([49, 0].into_iter()));
        assert!(!limits.allow([50].into_iter()));
        assert!(!limits.allow([30, 30, 30].into_iter()));
        assert!(Limits::current().single >= 32 * 4096);
    }
}
