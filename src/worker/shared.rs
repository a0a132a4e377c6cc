//! One rustc for both actions of a library.
//!
//! A request with `--one-rustc` starts a rustc that serves its twin, too, whichever of the two comes first: the metadata request is answered when
//! rustc announces its `.rmeta`, the link request when it has ended. A request never waits for the other request, only for rustc: each holds one
//! of Bazel's processors, so that would be a deadlock.
//!
//! rustc writes into a directory of its own. What a request is to have is prepared without a name in the right directory and gets its name
//! while the request is open, so nothing that was answered is touched afterwards.
//!
//! A twin is told by the whole compilation (program, arguments, environment) and by the inputs, which Bazel sends with their digests. What does not
//! fit compiles by itself, with the same bytes as result.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::Asked;
use super::arguments::Arguments;
use super::child::{self, Handle};
use super::protocol::{Input, Request};
use super::requests::{Fate, Outcome, Requests, Ticket};
use crate::action::{self, Action, After, Compilation, Explain, Made, Plan, announces_metadata, made, made_metadata};
use crate::process::{Ended, Invocation};

/// Results that nobody has asked for yet are kept for so many crates.
const KEPT: usize = 128;

/// The compilations that serve two requests, or may yet.
pub struct Compilations {
    requests: Arc<Requests>,
    state: Mutex<State>,
    /// Below it everything is written. It goes with the worker.
    place: Mutex<Option<TempDir>>,
}

#[derive(Default)]
struct State {
    all: Vec<Run>,
    last: u64,
}

struct Run {
    number: u64,
    compilation: Compilation,
    inputs: Inputs,
    place: Arc<TempDir>,
    child: Option<Handle>,
    announced: bool,
    /// What rustc has said, when it has succeeded.
    said: Option<Arc<Vec<u8>>>,
    waiting: Vec<Waiting>,
    /// Whether the metadata request and the link request have got theirs.
    served: [bool; 2],
}

/// A request of which all is known that can be before rustc runs.
pub struct Planned {
    pub ticket: Ticket,
    pub plan: Plan,
    pub compilation: Compilation,
    pub inputs: Inputs,
}

struct Waiting {
    ticket: Ticket,
    plan: Plan,
}

/// Digests of files by their path.
pub type Inputs = HashMap<String, Vec<u8>>;

/// What a request has come to.
pub enum Joined {
    /// It will be answered, or has been.
    Yes,
    /// A rustc is to be started for it: [`Compilations::attend`] with this number.
    Start(u64),
}

/// Thinks a request through. `None` if it has to be run by itself.
pub fn planned(ticket: Ticket, request: &Request, ask: super::Ask) -> Option<Planned> {
    if request.request_id == 0 || !request.sandbox_dir.is_empty() || request.inputs.is_empty() {
        return None;
    }
    let Arguments { env, action } = Arguments::parse(request.arguments.iter().map(OsString::from)).ok()?;
    // These change what hollow itself does.
    if env.iter().any(|(name, _)| name == "PATH" || name == "RUSTC_BOOTSTRAP" || name == "PWD") {
        return None;
    }
    let Asked { action, options, program, line } = ask(action).filter(|asked| asked.options.one_rustc)?;
    let line = action::complete(line, &program).ok()?;
    let plan = action::plan(action, line, &options, &action::Machine, &mut Explain::Silent).ok()?;
    let compilation = Compilation::of(&plan, &program, &env);
    // A cache can't be used under a name that is another one each time.
    if !plan.one_rustc || compilation.is_incremental() {
        return None;
    }
    let inputs: Inputs = request.inputs.iter().map(|Input { path, digest }| (path.clone(), digest.clone())).collect();
    // Of what has no digest, nobody can tell whether it has changed.
    if inputs.iter().any(|(path, digest)| digest.is_empty() && !is_flagfile(path)) {
        return None;
    }
    Some(Planned { ticket, plan, compilation, inputs })
}

impl Compilations {
    pub fn new(requests: Arc<Requests>) -> Self {
        Self { requests, state: Mutex::default(), place: Mutex::default() }
    }

    /// Gives a request to the rustc that serves its twin, or makes it the first of the two.
    pub fn join(&self, planned: Planned) -> Result<Joined> {
        let Planned { ticket, plan, compilation, inputs } = planned;
        let mut state = self.lock();
        // What was compiled from other inputs serves nobody any more.
        let hollow = own_hollow_rlib(&plan);
        let is_stale =
            |run: &Run| run.compilation == compilation && run.waiting.is_empty() && !fits(&run.inputs, &inputs, hollow);
        state.all.extract_if(.., |run| is_stale(run)).for_each(|run| run.stop());
        let same = |run: &&mut Run| run.compilation == compilation && fits(&run.inputs, &inputs, hollow);
        let Some(run) = state.all.iter_mut().find(same) else {
            let place = Arc::new(self.new_place()?);
            state.last += 1;
            let number = state.last;
            let waiting = vec![Waiting { ticket, plan }];
            let run = Run {
                number,
                compilation,
                inputs,
                place,
                child: None,
                announced: false,
                said: None,
                waiting,
                served: [false; 2],
            };
            state.all.push(run);
            state.forget_oldest();
            drop(state);
            self.withdraw_if_cancelled(ticket);
            return Ok(Joined::Start(number));
        };
        let place = Arc::clone(&run.place);
        let said = run.said.clone();
        if said.is_none() && !(plan.action == Action::Metadata && run.announced) {
            run.waiting.push(Waiting { ticket, plan });
            drop(state);
            self.withdraw_if_cancelled(ticket);
            return Ok(Joined::Yes);
        }
        run.served[part(&plan)] = true;
        state.all.retain(|run| run.served != [true; 2] || run.said.is_none());
        drop(state);
        match said {
            Some(said) => self.deliver(ticket, made(&plan, place.path(), Ended::Exited(0), &said)),
            None => self.deliver(ticket, made_metadata(&plan, place.path())),
        }
        Ok(Joined::Yes)
    }

    /// Runs rustc, and answers whom it serves.
    pub fn attend(&self, number: u64) {
        let (running, place) = match self.start(number) {
            Ok(None) => return,
            Ok(Some(started)) => started,
            Err(error) => return self.fail(number, &error),
        };
        let mut said = Vec::new();
        let mut line = 0;
        let mut announced = false;
        let ended = running.attend(&mut |piece| {
            said.extend_from_slice(piece);
            while let Some(end) = memchr::memchr(b'\n', &said[line..]) {
                if !announced && announces_metadata(&said[line..line + end]) {
                    announced = true;
                    self.metadata_is_there(number, &place);
                }
                line += end + 1;
            }
        });
        let ended = ended.context("cannot wait for rustc");
        let mut state = self.lock();
        let Some(run) = state.all.iter_mut().find(|run| run.number == number) else { return };
        let waiting = std::mem::take(&mut run.waiting);
        run.child = None;
        let said = Arc::new(said);
        if matches!(ended, Ok(Ended::Exited(0))) {
            waiting.iter().for_each(|waiting| run.served[part(&waiting.plan)] = true);
            run.said = Some(Arc::clone(&said));
            state.all.retain(|run| run.number != number || run.served != [true; 2]);
        } else {
            state.all.retain(|run| run.number != number);
        }
        drop(state);
        // Errors are shown once, by the metadata action if it still waits.
        let shown =
            !matches!(ended, Ok(Ended::Exited(0))) && waiting.iter().any(|waiting| waiting.plan.action == Action::Metadata);
        for Waiting { ticket, plan } in waiting {
            let made = match &ended {
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
                Ok(ended) => made(&plan, place.path(), *ended, &said),
            };
            let made = made.map(|mut made| {
                if shown && plan.action != Action::Metadata {
                    made.said =
                        format!("hollow: crate `{}`: the errors are shown by its metadata action\n", plan.crate_name).into();
                }
                made
            });
            self.deliver(ticket, made);
        }
    }

    /// Says to whom a compilation was to serve that it can't be done.
    pub fn fail(&self, number: u64, error: &anyhow::Error) {
        let mut state = self.lock();
        let Some(at) = state.all.iter().position(|run| run.number == number) else { return };
        let run = state.all.remove(at);
        drop(state);
        run.waiting.iter().for_each(|waiting| self.requests.answer(waiting.ticket, Outcome::stopped(error)));
    }

    /// Takes a request back that was cancelled. If nobody else waits for its rustc, that is stopped.
    pub fn withdraw(&self, ticket: Ticket) {
        let mut state = self.lock();
        let Some(at) = state.all.iter().position(|run| run.waiting.iter().any(|waiting| waiting.ticket == ticket)) else {
            return;
        };
        let run = &mut state.all[at];
        run.waiting.retain(|waiting| waiting.ticket != ticket);
        if run.waiting.is_empty() {
            state.all.remove(at).stop();
        }
        drop(state);
        self.requests.answer(ticket, Outcome::default());
    }

    /// Stops everything: nobody will ask for it any more.
    pub fn stop(&self) {
        let all = std::mem::take(&mut self.lock().all);
        for run in all {
            run.stop();
            run.waiting.iter().for_each(|waiting| self.requests.answer(waiting.ticket, Outcome::default()));
        }
    }

    /// Removes all that was written.
    pub fn clean(&self) {
        drop(self.place.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn withdraw_if_cancelled(&self, ticket: Ticket) {
        if self.requests.fate(ticket) != Fate::Awaited {
            self.withdraw(ticket);
        }
    }

    /// `None` if nobody wants it any more.
    fn start(&self, number: u64) -> Result<Option<(child::Running, Arc<TempDir>)>> {
        let (compilation, place) = match self.lock().all.iter().find(|run| run.number == number) {
            Some(run) => (run.compilation.clone(), Arc::clone(&run.place)),
            None => return Ok(None),
        };
        let Invocation { program, args, env } = compilation.invocation(&place, true)?;
        let mut command = std::process::Command::new(&program);
        command.args(args).envs(env);
        let running = child::start(&mut command).map_err(|error| action::cannot_run(&program, error))?;
        match self.lock().all.iter_mut().find(|run| run.number == number) {
            Some(run) => run.child = Some(running.handle()),
            None => running.handle().kill(),
        }
        Ok(Some((running, place)))
    }

    fn metadata_is_there(&self, number: u64, place: &TempDir) {
        let mut state = self.lock();
        let Some(run) = state.all.iter_mut().find(|run| run.number == number) else { return };
        run.announced = true;
        let waiting: Vec<Waiting> = run.waiting.extract_if(.., |waiting| waiting.plan.action == Action::Metadata).collect();
        waiting.iter().for_each(|waiting| run.served[part(&waiting.plan)] = true);
        drop(state);
        for Waiting { ticket, plan } in waiting {
            self.deliver(ticket, made_metadata(&plan, place.path()));
        }
    }

    fn deliver(&self, ticket: Ticket, made: Result<Made>) {
        self.requests.deliver(ticket, || match made.and_then(Made::publish) {
            Ok((code, said)) => Outcome { code, said },
            Err(error) => Outcome::stopped(&error),
        });
    }

    fn new_place(&self) -> Result<TempDir> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let cannot = "cannot make a temporary directory";
        let within = match &mut *place {
            Some(place) => place,
            none => none.insert(TempDir::with_prefix("hollow-worker-").context(cannot)?),
        };
        TempDir::new_in(within.path()).context(cannot)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What nobody has asked for is not kept for ever.
    fn forget_oldest(&mut self) {
        let unclaimed = |run: &Run| run.said.is_some() && run.waiting.is_empty();
        if self.all.iter().filter(|run| unclaimed(run)).count() > KEPT
            && let Some(oldest) = self.all.iter().position(unclaimed)
        {
            self.all.remove(oldest);
        }
    }
}

impl Run {
    fn stop(&self) {
        if let Some(child) = &self.child {
            child.kill();
        }
    }
}

/// Whether Bazel made this file of an action's arguments, which are in the request as well.
fn is_flagfile(path: &str) -> bool {
    path.ends_with(".params")
}

/// Which of the two parts of a compilation an action takes.
fn part(plan: &Plan) -> usize {
    usize::from(plan.action != Action::Metadata)
}

/// The hollow rlib that one of the two actions makes and the other may have among its inputs.
fn own_hollow_rlib(plan: &Plan) -> Option<&Path> {
    match plan.after.first() {
        _ if plan.action == Action::Metadata => Some(&plan.output),
        Some(After::Seal(hollow) | After::Verify(hollow)) => Some(hollow),
        Some(After::Publish(_)) | None => None,
    }
}

/// Whether a request with these inputs may have what was compiled from those. Each action has a flagfile of its own among them, and one may have
/// the hollow rlib that the other makes; everything else is the same.
fn fits(one: &Inputs, other: &Inputs, hollow: Option<&Path>) -> bool {
    let is_own = |path: &String| is_flagfile(path) || hollow == Some(Path::new(path));
    let within = |one: &Inputs, other: &Inputs| {
        one.iter().all(|(path, digest)| other.get(path).map_or_else(|| is_own(path), |other| other == digest))
    };
    within(one, other) && within(other, one)
}
