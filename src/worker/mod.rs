//! `hollow worker`: Bazel's persistent worker.
//!
//! A request is the argument list of an action as `hollow` takes it (`metadata ... -- rustc ...`, `link ...`), and by itself it is run as such: a
//! `hollow` of its own, in its own process group, with the outputs that it has without a worker. So a request can't harm the worker or another
//! request, and can be killed with everything that it has started.
//!
//! Actions with `--one-rustc` share a rustc with their twin, where requests come several at a time and without sandboxes: see `shared`.
//!
//! The protocol is Bazel's `src/main/protobuf/worker_protocol.proto`, with JSON or protobuf, one request at a time (singleplex) or several
//! (multiplex, ids above 0). What it demands:
//!
//! - Standard output carries answers only; each request gets one, and a request to cancel none of its own.
//! - After the answer nothing that the request started touches a file.
//! - Ids begin at 1 again in every build. A repeated id means that the requests of the earlier build are dead: they must not be answered.
//! - At the end of the input, or on a signal, everything is killed: Bazel does not know the worker's children.

mod arguments;
mod child;
mod frame;
mod pool;
mod protocol;
mod requests;
mod shared;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use arguments::Arguments;
pub use arguments::expand_flagfiles;
use pool::Pool;
pub use protocol::Protocol;
use protocol::{Incoming, Request};
use requests::{Fate, Outcome, Requests, Ticket};
use shared::{Compilations, Joined, Planned};

use crate::action::{self, Action};
use crate::report;
use crate::rustc::CommandLine;

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How messages are written; `None` tells it by the first one.
    pub protocol: Option<Protocol>,
    /// How many actions run at a time.
    pub jobs: usize,
    /// How an action's arguments are understood.
    pub ask: Ask,
}

/// Reads an action's arguments; `None` if a `hollow` of its own has to.
pub type Ask = fn(Vec<OsString>) -> Option<Asked>;

/// An action as it was asked for.
pub struct Asked {
    /// Which one.
    pub action: Action,
    /// How.
    pub options: action::Options,
    /// The rustc to run.
    pub program: PathBuf,
    /// Its arguments as they were given.
    pub line: CommandLine,
}

/// The option of the actions that may share a rustc.
const ONE_RUSTC: &str = "--one-rustc";

/// Serves requests until there are no more. Everything that still runs then is killed.
pub fn serve(options: Options) -> Result<ExitCode> {
    let mut input = BufReader::with_capacity(64 * 1024, io::stdin());
    let Some(protocol) = options.protocol.map_or_else(|| Protocol::detect(&mut input), |protocol| Ok(Some(protocol)))? else {
        return Ok(ExitCode::SUCCESS);
    };
    let requests = Arc::new(Requests::new(protocol, io::stdout()));
    let worker = Worker {
        compilations: Arc::new(Compilations::new(Arc::clone(&requests))),
        requests,
        planning: Arc::new(Pool::new(1)),
        actions: Arc::new(Pool::new(options.jobs)),
        ask: options.ask,
    };
    worker.end_on_signals()?;
    let served = worker.read_requests(protocol, &mut input);
    worker.end();
    served.map(|()| ExitCode::SUCCESS)
}

/// The action that is run without a worker where a request has these arguments. If it has variables of its own, this process is replaced by one
/// that has them and does not come back.
pub fn once(arguments: Vec<OsString>) -> Result<Vec<OsString>> {
    let Arguments { env, action } = Arguments::parse(expand_flagfiles(arguments)?)?;
    if env.is_empty() {
        return Ok(action);
    }
    // The environment of a process can't be changed soundly, but that of the next one can.
    let error = own_command()?.args(action).envs(env).exec();
    Err(error).context("cannot run hollow again with the variables of `--env`")
}

#[derive(Clone)]
struct Worker {
    requests: Arc<Requests>,
    compilations: Arc<Compilations>,
    /// One thread, so that requests are thought about in their order. It takes a few milliseconds of reading.
    planning: Arc<Pool>,
    actions: Arc<Pool>,
    ask: Ask,
}

impl Worker {
    fn read_requests(&self, protocol: Protocol, input: &mut impl BufRead) -> Result<()> {
        while let Some(incoming) = protocol.read(input)? {
            match incoming {
                Incoming::Request(request) if request.cancel => {
                    if let Some(ticket) = self.requests.cancel(request.request_id) {
                        self.compilations.withdraw(ticket);
                    }
                }
                Incoming::Request(request) => {
                    let ticket = self.open(request.request_id);
                    self.start(ticket, request);
                }
                Incoming::Malformed(None, error) => report(format_args!("error: not a request: {error}")),
                Incoming::Malformed(Some(id), error) => {
                    let ticket = self.open(id);
                    self.requests.answer(ticket, Outcome::stopped(&anyhow::anyhow!("not a request: {error}")));
                }
            }
        }
        Ok(())
    }

    fn open(&self, id: i32) -> Ticket {
        if self.requests.is_repeated(id) {
            self.requests.forget_all(|| self.compilations.stop());
        }
        self.requests.open(id)
    }

    fn start(&self, ticket: Ticket, request: Request) {
        if !request.arguments.iter().any(|argument| argument == ONE_RUSTC) {
            return self.run_by_itself(ticket, request);
        }
        let worker = self.clone();
        self.submit(ticket, &self.planning, move || match shared::planned(ticket, &request, worker.ask) {
            None => worker.run_by_itself(ticket, request),
            Some(planned) => worker.share(ticket, planned),
        });
    }

    fn share(&self, ticket: Ticket, planned: Planned) {
        match self.compilations.join(planned) {
            Ok(Joined::Yes) => {}
            Ok(Joined::Start(number)) => {
                let compilations = Arc::clone(&self.compilations);
                if let Err(error) = self.actions.submit(move || compilations.attend(number)) {
                    self.compilations.fail(number, &no_thread(error));
                }
            }
            Err(error) => self.requests.answer(ticket, Outcome::stopped(&error)),
        }
    }

    fn run_by_itself(&self, ticket: Ticket, request: Request) {
        let requests = Arc::clone(&self.requests);
        self.submit(ticket, &self.actions, move || {
            let outcome = match requests.fate(ticket) {
                Fate::Awaited => run_by_itself(&requests, ticket, request),
                Fate::Cancelled | Fate::Forgotten => Ok(Outcome::default()),
            };
            requests.answer(ticket, outcome.unwrap_or_else(|error| Outcome::stopped(&error)));
        });
    }

    fn submit(&self, ticket: Ticket, pool: &Pool, job: impl FnOnce() + Send + 'static) {
        if let Err(error) = pool.submit(job) {
            self.requests.answer(ticket, Outcome::stopped(&no_thread(error)));
        }
    }

    fn end_on_signals(&self) -> Result<()> {
        let worker = self.clone();
        let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot listen for signals")?;
        let listening = std::thread::Builder::new().spawn(move || {
            if let Some(signal) = signals.forever().next() {
                worker.end();
                std::process::exit(128 + signal);
            }
        });
        listening.map(drop).map_err(no_thread)
    }

    /// Ends what runs, and waits until it has ended or can't be ended.
    fn end(&self) {
        const LOOK: Duration = Duration::from_millis(2);
        let begun = Instant::now();
        self.requests.terminate_all();
        self.compilations.stop();
        while !self.requests.is_idle() && begun.elapsed() < child::GRACE * 3 {
            std::thread::sleep(LOOK);
        }
        self.compilations.clean();
    }
}

/// Runs an action as without a worker.
fn run_by_itself(requests: &Requests, ticket: Ticket, request: Request) -> Result<Outcome> {
    let directory = directory(&request.sandbox_dir)?;
    let Arguments { env, action } = Arguments::parse(request.arguments.into_iter().map(OsString::from))?;
    let mut command = own_command()?;
    command.args(action).envs(env);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let running = child::start(&mut command).context("cannot run hollow for a request")?;
    requests.attach(ticket, running.handle());
    let mut said = Vec::new();
    let ended = running.attend(&mut |piece| said.extend_from_slice(piece)).context("cannot wait for an action")?;
    Ok(Outcome { code: ended.code(), said })
}

/// Where a request is to run, if it is not the worker's own directory.
fn directory(sandbox: &str) -> Result<Option<PathBuf>> {
    if sandbox.is_empty() {
        return Ok(None);
    }
    if !Path::new(sandbox).is_dir() {
        bail!(
            "the sandbox of the request, `{sandbox}`, is no directory: run Bazel without --experimental_worker_multiplex_sandboxing, \
             or report it to Bazel"
        );
    }
    Ok(Some(sandbox.into()))
}

/// This program, even if the file has been replaced since it was started.
fn own_command() -> Result<Command> {
    let program = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().context("cannot tell where hollow is")?
    };
    let mut command = Command::new(program);
    command.arg0("hollow");
    Ok(command)
}

fn no_thread(error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context("cannot start a thread")
}
