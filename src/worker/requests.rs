//! The requests that are open, and the only way to answer one: by taking it from here, once.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::child::Handle;
use super::protocol::{Protocol, Response};
use crate::report;

/// All open requests, and where answers go.
pub struct Requests {
    state: Mutex<State>,
    /// Told when a request is closed.
    closed: Condvar,
    protocol: Protocol,
}

struct State {
    open: HashMap<Ticket, Entry>,
    /// Which request Bazel means by an id now.
    current: HashMap<i32, Ticket>,
    /// The ids of this build. Each comes once.
    seen: HashSet<i32>,
    last: u64,
    output: Box<dyn Write + Send>,
}

struct Entry {
    id: i32,
    fate: Fate,
    /// What runs for this request alone.
    child: Option<Handle>,
}

/// What became of a request before it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Bazel waits for the answer.
    Awaited,
    /// Bazel waits to be told that it was cancelled.
    Cancelled,
    /// Bazel has forgotten it, and would take an answer for that of a new request of the same id.
    Forgotten,
}

/// A request. Ids are used again by the next build, tickets are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// How an action ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit status.
    pub code: u8,
    /// What it said.
    pub said: Vec<u8>,
}

impl Outcome {
    /// That hollow itself stopped the action.
    pub fn stopped(error: &anyhow::Error) -> Self {
        Self { code: 2, said: format!("hollow: error: {error:#}\n").into_bytes() }
    }
}

impl Requests {
    /// None yet.
    pub fn new(protocol: Protocol, output: impl Write + Send + 'static) -> Self {
        let state =
            State { open: HashMap::new(), current: HashMap::new(), seen: HashSet::new(), last: 0, output: Box::new(output) };
        Self { state: Mutex::new(state), closed: Condvar::new(), protocol }
    }

    /// Whether a request of this id would be the first of a new build: ids begin at 1 in each, and come once in it.
    pub fn is_repeated(&self, id: i32) -> bool {
        let state = self.lock();
        state.current.contains_key(&id) || id != 0 && state.seen.contains(&id)
    }

    /// Begins a request.
    pub fn open(&self, id: i32) -> Ticket {
        let mut state = self.lock();
        state.last += 1;
        let ticket = Ticket(state.last);
        state.open.insert(ticket, Entry { id, fate: Fate::Awaited, child: None });
        state.current.insert(id, ticket);
        state.seen.insert(id);
        ticket
    }

    /// Kills what runs for the requests of an earlier build, by `stop` what is shared, and waits until nothing of it can touch a file any more. They
    /// are never answered.
    pub fn forget_all(&self, stop: impl FnOnce()) {
        let mut state = self.lock();
        for entry in state.open.values_mut() {
            entry.fate = Fate::Forgotten;
            if let Some(child) = &entry.child {
                child.kill();
            }
        }
        state.current.clear();
        state.seen.clear();
        drop(state);
        stop();
        state = self.lock();
        while !state.open.is_empty() {
            state = self.closed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Asks everything that runs for a request to end, because nobody will wait for any answer.
    pub fn terminate_all(&self) {
        for entry in self.lock().open.values_mut() {
            entry.fate = Fate::Forgotten;
            if let Some(child) = &entry.child {
                child.terminate();
            }
        }
    }

    /// Whether nothing is open.
    pub fn is_idle(&self) -> bool {
        self.lock().open.is_empty()
    }

    /// Notes that Bazel has cancelled the request that it means by this id; `None` if there is none (any more).
    pub fn cancel(&self, id: i32) -> Option<Ticket> {
        let mut state = self.lock();
        let ticket = state.current.get(&id).copied()?;
        let entry = state.open.get_mut(&ticket)?;
        entry.fate = Fate::Cancelled;
        if let Some(child) = &entry.child {
            child.terminate();
        }
        Some(ticket)
    }

    /// What became of a request meanwhile.
    pub fn fate(&self, ticket: Ticket) -> Fate {
        self.lock().open.get(&ticket).map_or(Fate::Forgotten, |entry| entry.fate)
    }

    /// Says what runs for a request. If nobody waits for it by now, that is ended.
    pub fn attach(&self, ticket: Ticket, child: Handle) {
        let mut state = self.lock();
        let Some(entry) = state.open.get_mut(&ticket) else { return child.kill() };
        match entry.fate {
            Fate::Awaited => {}
            Fate::Cancelled => child.terminate(),
            Fate::Forgotten => child.kill(),
        }
        entry.child = Some(child);
    }

    /// Answers a request: with the outcome, with that it was cancelled, or not at all, as the case may be. Nothing may touch its files any more.
    pub fn answer(&self, ticket: Ticket, outcome: Outcome) {
        self.deliver(ticket, || outcome);
    }

    /// The same, but if Bazel still waits for the outcome, `place` first puts the outputs where they belong. Nobody else answers, cancels or
    /// forgets a request meanwhile, so it is to be quick.
    pub fn deliver(&self, ticket: Ticket, place: impl FnOnce() -> Outcome) {
        let mut state = self.lock();
        let Some(entry) = state.open.get(&ticket) else { return };
        let (id, fate) = (entry.id, entry.fate);
        if fate != Fate::Forgotten {
            let outcome = if fate == Fate::Awaited {
                place()
            } else {
                // What was prepared goes before Bazel is told.
                drop(place);
                Outcome::default()
            };
            let response = Response {
                exit_code: outcome.code.into(),
                output: String::from_utf8_lossy(&outcome.said).into_owned(),
                request_id: id,
                was_cancelled: fate == Fate::Cancelled,
            };
            // With nobody there to read, the input ends, too.
            if let Err(error) = self.protocol.write(&response, &mut state.output) {
                report(format_args!("error: cannot answer request {id}: {error}"));
            }
        }
        state.open.remove(&ticket);
        if state.current.get(&id) == Some(&ticket) {
            state.current.remove(&id);
        }
        self.closed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn requests() -> (Requests, impl Fn() -> Vec<String>) {
        let written = Written::default();
        let requests = Requests::new(Protocol::Json, written.clone());
        let said = move || {
            let text = String::from_utf8(std::mem::take(&mut *written.0.lock().unwrap())).unwrap();
            text.lines().map(|line| line.replace(['"', '{', '}'], "")).collect()
        };
        (requests, said)
    }

    #[test]
    fn a_request_is_answered_once() {
        let (requests, said) = requests();
        let ticket = requests.open(3);
        requests.answer(ticket, Outcome { code: 1, said: b"\xff".to_vec() });
        requests.answer(ticket, Outcome::default());
        assert_eq!(requests.cancel(3), None);
        assert_eq!(said(), ["exitCode:1,output:\u{fffd},requestId:3,wasCancelled:false"]);
        assert!(requests.is_idle());
    }

    #[test]
    fn a_cancelled_request_is_answered_when_its_work_has_ended_and_places_nothing() {
        let (requests, said) = requests();
        let ticket = requests.open(1);
        assert_eq!(requests.cancel(1), Some(ticket));
        requests.cancel(1);
        assert!(said().is_empty());
        requests.deliver(ticket, || panic!("nothing is placed"));
        assert_eq!(said(), ["exitCode:0,output:,requestId:1,wasCancelled:true"]);
    }

    #[test]
    fn requests_of_an_earlier_build_are_never_answered() {
        let requests = Arc::new(requests());
        let old = [requests.0.open(1), requests.0.open(2)];
        let answering = std::thread::spawn({
            let requests = Arc::clone(&requests);
            move || {
                while requests.0.fate(old[0]) != Fate::Forgotten {
                    std::thread::yield_now();
                }
                old.into_iter().for_each(|ticket| requests.0.answer(ticket, Outcome::default()));
            }
        });
        assert!(requests.0.is_repeated(2) && !requests.0.is_repeated(3));
        requests.0.forget_all(|| ());
        answering.join().unwrap();
        assert!(!requests.0.is_repeated(2));
        let new = requests.0.open(1);
        requests.0.answer(new, Outcome::default());
        assert_eq!(requests.1().len(), 1);
        assert!(requests.0.is_repeated(1), "ids come once in a build");
    }

    #[test]
    fn singleplex_requests_have_one_id() {
        let (requests, said) = requests();
        for _ in 0..2 {
            assert!(!requests.is_repeated(0));
            let ticket = requests.open(0);
            assert!(requests.is_repeated(0));
            requests.answer(ticket, Outcome::default());
        }
        assert_eq!(said().len(), 2);
    }
}
