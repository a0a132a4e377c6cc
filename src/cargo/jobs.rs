//! Cargo's job slots.

use jobserver::{Acquired, Client};

/// What Cargo lets run at a time, beyond the one process that it has started.
pub struct Jobs(Option<Client>);

impl Jobs {
    /// Those of Cargo that has started this process. To be called before this process opens any file.
    pub fn of_cargo() -> Self {
        // Cargo hands them to all compilers, by file descriptors whose numbers are in the environment.
        #[expect(
            unsafe_code,
            reason = "numbers in the environment are believed; this process has no other open files yet, and only pipes count"
        )]
        let cargos = unsafe { Client::from_env_ext(true) };
        Self(cargos.client.ok())
    }

    /// A slot, if there is one free right now. It is given back when it is dropped.
    pub fn free_slot(&self) -> Option<Acquired> {
        self.0.as_ref()?.try_acquire().ok()?
    }
}
