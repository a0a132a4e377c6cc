//! The `hollow` binary.

use std::process::ExitCode;

use hollow::cli::{self, Command};
use hollow::compat::{process_wrapper, rustc_action};
use hollow::process::Invocation;
use hollow::rlib::Seal;
use hollow::rustc::is_question;
use hollow::{action, cargo, doctor, inspect, interface, print, report, worker};

/// The status when hollow itself stops an action: a refusal, bad usage, a file that can't be read or written.
const STOPPED: u8 = 2;

fn main() -> ExitCode {
    if let Some(status) = hollow::link::record_if_linker() {
        return status;
    }
    run(cli::parse(std::env::args_os())).unwrap_or_else(|error| {
        report(format_args!("error: {error:#}"));
        ExitCode::from(STOPPED)
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Action(request) => {
            let program = request.rustc()?;
            let line = request.command_line()?;
            if is_question(&line) {
                let asked = Invocation { program, args: request.arguments().to_vec(), env: Vec::new() };
                return Err(action::cannot_run(&asked.program, asked.exec()));
            }
            let line = action::complete(line, &program)?;
            let options = request.options(&line)?;
            let plan = action::plan(request.action, line, &options, &action::Machine, &mut request.explain())?;
            match request.print {
                Some(format) => print::plan(&plan, &program, format),
                None => action::perform(&plan, &program, &mut request.explain()),
            }
        }
        Command::Seal { full, with, output } => {
            Seal::read(&with)?.put_on(&full, &output)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::ProcessWrapper(arguments) => Ok(process_wrapper::run(arguments)),
        Command::RustcAction(arguments) => Ok(rustc_action::run(arguments)),
        Command::Wrap { rustc, arguments } => cargo::wrap(rustc, arguments),
        Command::Worker(options) => worker::serve(options),
        Command::WorkOnce(arguments) => {
            let action = worker::once(arguments)?;
            run(cli::parse(std::iter::once("hollow".into()).chain(action)))
        }
        Command::Interface(request) => interface::command::run(&request.command_line()?, &request.request),
        Command::Doctor(request) => {
            let program = request.rustc()?;
            let line = action::complete(request.command_line()?, &program)?;
            doctor::run(line, &program, request.request)
        }
        Command::Inspect { rlibs, format } => inspect::inspect(&rlibs, format),
    }
}
