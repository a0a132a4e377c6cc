//! A bounded number of threads, and what waits for them.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// Threads that are started when there is work for them, and then stay.
pub struct Pool {
    shared: Arc<Shared>,
    most: usize,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Pool {
    /// A pool of at most so many threads.
    pub fn new(most: usize) -> Self {
        Self { shared: Arc::new(Shared { state: Mutex::default(), work: Condvar::new() }), most: most.max(1) }
    }

    /// Has a thread do this, in the order in which it was asked for. An error if there is no thread at all.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.shared.lock();
        if state.idle <= state.waiting.len() && state.threads < self.most {
            let shared = Arc::clone(&self.shared);
            match std::thread::Builder::new().spawn(move || shared.serve()) {
                Ok(_) => state.threads += 1,
                // The others will do.
                Err(_) if state.threads > 0 => {}
                Err(error) => return Err(error),
            }
        }
        state.waiting.push_back(Box::new(job));
        self.shared.work.notify_one();
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            match state.waiting.pop_front() {
                Some(job) => {
                    drop(state);
                    job();
                    state = self.lock();
                }
                None => {
                    state.idle += 1;
                    state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn no_more_than_so_many_run_at_a_time_and_all_are_done() {
        let pool = Pool::new(3);
        let running = Arc::new(Mutex::new((0, 0)));
        let (done, ends) = mpsc::channel();
        for _ in 0..100 {
            let (running, done) = (Arc::clone(&running), done.clone());
            pool.submit(move || {
                {
                    let mut running = running.lock().unwrap();
                    running.0 += 1;
                    running.1 = running.1.max(running.0);
                }
                std::thread::yield_now();
                running.lock().unwrap().0 -= 1;
                done.send(()).unwrap();
            })
            .unwrap();
        }
        assert_eq!(ends.iter().take(100).count(), 100);
        let most = running.lock().unwrap().1;
        assert!((1..=3).contains(&most), "{most}");
    }
}
